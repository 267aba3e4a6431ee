"""A trained B that grows: what its new slots and units begin with, and what it learns to keep what it knew."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from kgkt.errors import InputError, UsageError, nearest
from kgkt.transfer.blocks import head_layer, leaves, rescaling
from kgkt.transfer.measure import correlation
from kgkt.transfer.moments import LAMBDA
from kgkt.transfer.outputs import Outputs, probabilities
from kgkt.transfer.patches import every_patch
from kgkt.transfer.taps import as_input, run_model, tapped
from kgkt.transfer.widen import hidden_layers
from kgkt.transfer.write import WIDEST, sampled
from kgkt.values import Labels, Targets

if TYPE_CHECKING:
    import keras
    import numpy as np
    from scipy.sparse import csr_matrix

IDENTICAL = 1e-6  # how far the probabilities of the old outputs may move before training
COARSE = 1e-2  # the same where layers compute in half precision
ROUNDS = 3  # times that the graph is asked: once with B's surest answers, then with others
SURE = 0.01  # a slot is written towards shares of at least so much, and at most 1 less that
MOSTLY = 0.5  # share of the kept classes in the graph's answer above which B may speak for an item
PATCH_ITEMS = 500  # items whose patches a convolution's new filters are fitted on, at most


@dataclass(frozen=True, slots=True)
class Growth:
    """What B is to get.

    Args:
        classes: of new head slots, in the order of the slots.
        units: (layer or "", number of units that it gets); "" is the last hidden layer.
    """

    classes: tuple[str, ...]
    units: tuple[tuple[str, int], ...]


def read_growth(asked: Sequence[str]) -> Growth:
    """What `--grow` says: `classes=a,b`, `units=64`, `units=LAYER:64`; each as often as wanted.

    A name with a comma stands in double quotes.

    >>> read_growth(["classes=8,9", "units=hidden:64"])
    Growth(classes=('8', '9'), units=(('hidden', 64),))

    Raises:
        UsageError: neither, no name, no whole number, a class or a layer twice.
    """
    import csv

    classes: list[str] = []
    units: list[tuple[str, int]] = []
    for text in asked:
        what, equals, value = text.partition("=")
        if not equals or what.strip() not in ("classes", "units"):
            raise UsageError(f"--grow {text}: say classes=a,b or units=64 or units=LAYER:64"
                             f"{nearest(what.strip(), ('classes', 'units'))}")
        if what.strip() == "classes":
            names = [name.strip() for name in next(csv.reader([value], skipinitialspace=True), [])]
            if not names or not all(names):
                raise UsageError(f"--grow {text}: name the new classes, as classes=a,b")
            classes += names
        else:
            layer, _, number = value.rpartition(":")
            if not number.strip().isdecimal() or not int(number):
                raise UsageError(f"--grow {text}: units takes a whole number, as units=64 or units=LAYER:64")
            units.append((layer.strip(), int(number)))
    layers = [layer for layer, _ in units]
    for kind, names in (("class", classes), ("layer", layers)):
        if twice := [name for i, name in enumerate(names) if name in names[:i]]:
            raise UsageError(f"--grow names the {kind} {twice[0] or 'that is the last hidden one'} twice")
    return Growth(tuple(classes), tuple(units))


def layer_to_widen(model: keras.Model, layer: str) -> str:
    """The layer's path; "" is B's last hidden layer.

    Raises:
        InputError: B has none.
    """
    if layer:
        return layer
    known = list(hidden_layers(model))
    if not known:
        raise InputError("B has no hidden Dense layer or convolution that could be wider")
    return known[-1]


def answers(model: keras.Model, outputs: Outputs, x: Any, batch: int = 1024) -> np.ndarray:
    """B's class probabilities (n, c) float32 for the items x (n, ...); those of sigmoids need not sum to 1."""
    import numpy as np

    parts = [
        probabilities(outputs, run_model(model, as_input(model, x, rows), training=False)).numpy()
        for rows in _batches(len(x), batch)
    ]
    return np.concatenate(parts) if parts else np.zeros((0, outputs.classes), np.float32)


def check_identical(before: np.ndarray, after: np.ndarray, half: bool = False) -> float:
    """The largest difference of the old classes' probabilities, of (n, c) before and (n, c + more) after.

    Raises:
        InputError: it is more than rounding.
    """
    import numpy as np

    apart = float(np.abs(after[:, : before.shape[1]] - before).max(initial=0.0))
    most = COARSE if half else IDENTICAL
    if not apart <= most:
        raise InputError(f"the grown B does not answer as B did (by up to {apart:.1e}, expected {most:.0e} at most): a "
                         "layer of it is not made again from its settings. Grow another B")
    return apart


def beside_new(own: np.ndarray, more: int) -> np.ndarray:
    """B's answers (n, old) with a column of zeros for each new class: (n, old + more)."""
    import numpy as np

    return np.hstack([own, np.zeros((len(own), more), own.dtype)])


def speak_for_old(
    labels: Labels, own: np.ndarray, kept: np.ndarray, first: np.ndarray | None = None, seed: int = 0
) -> tuple[Labels, np.ndarray]:
    """Labels in which B speaks for classes that it knows beside people: told of others only, a graph sees no more.

    First as many items of each kept class as another one has labels, B's surest answers: what is of a new class looks
    like some old one to B, but seldom like a clear case. Once the graph has answered from these, twice as many, drawn
    among all of B's answers that the graph takes for a kept class: more of a class than its clearest cases.
    (Chosen on Fashion-MNIST and digits: the surest ones alone find fewer items of new classes and take more from old
    ones; many more, or all, leave the new ones too little.)

    Args:
        labels: what people said; names in the order of B's outputs.
        own: (n, c) what B says of the pool before it grows; 0 of new classes.
        kept: (c,) bool, the classes that B speaks for.
        first: (n, c) the graph's first answer; None: there is none yet.
        seed: of the draw.

    Returns:
        The labels, and (m,) the items that B speaks for.
    """
    import numpy as np

    rng = np.random.default_rng(seed)
    counts = np.bincount(labels.classes, minlength=len(labels.names))
    many = int(np.median(counts[~kept])) * (1 if first is None else 2)
    answer, sure = own.argmax(axis=1), own.max(axis=1)
    free = np.ones(len(own), bool) if first is None else first[:, kept].sum(axis=1) > MOSTLY
    free[labels.items] = free[labels.tick_items] = False
    chosen: list[int] = []
    for place in np.flatnonzero(kept):
        mine = np.flatnonzero(free & (answer == place))
        mine = mine[np.argsort(-sure[mine], kind="stable")] if first is None else rng.permutation(mine)
        chosen += mine[: max(many - int(counts[place]), 0)].tolist()
    items = np.array(chosen, np.int64)
    spoken = replace(
        labels, items=np.concatenate([labels.items, items]),
        classes=np.concatenate([labels.classes, answer[items]]).astype(np.int64),
    )  # fmt: skip
    return spoken, items


def ask_graph(
    labels: Labels, own: np.ndarray, kept: np.ndarray, answer: Callable[[Labels], Targets], seed: int = 0
) -> tuple[Targets, int]:
    """The graph's answer with B speaking for the classes that it keeps, and for how many items it spoke at last.

    Args:
        labels, own, kept: as for `speak_for_old`.
        answer: what the graph says to labels.
        seed: of the draws.
    """
    spoken, items = speak_for_old(labels, own, kept, None, seed)
    targets = answer(spoken)
    for number in range(1, ROUNDS):
        spoken, items = speak_for_old(labels, own, kept, targets.P, seed + number)
        targets = answer(spoken)
    return targets, len(items)


def grown_targets(targets: Targets, own: np.ndarray, kept: np.ndarray, sharpen: float) -> Targets:
    """What a grown B is taught: the graph's shares of the other classes, and in what they leave B's own answer.

    P_other = P_graph; P_kept = (1 - sum P_other) B(x), of the kept classes to 1. Where the graph sees nothing new that
    is B's own answer, as it was. Targets are sharpened before B sees them, which is undone here beforehand: what B knew
    is not to be sharpened.

    Args:
        targets: (n, c) of the graph.
        own: (n, c) B's answers before it grew; 0 of new classes.
        kept: (c,) bool, the classes that B speaks for.
        sharpen: the power that the targets are raised to later.
    """
    import numpy as np

    said = np.asarray(own, np.float64) * kept
    said /= np.maximum(said.sum(axis=1, keepdims=True), 1e-12)
    reached = (np.asarray(targets.weight) > 0)[:, None]
    fresh = np.asarray(targets.P, np.float64) * ~kept * reached
    P = np.maximum(said * (1 - fresh.sum(axis=1, keepdims=True)) + fresh, 0.0) ** (1 / sharpen if sharpen else 1.0)
    P /= P.sum(axis=1, keepdims=True)
    return replace(targets, P=P.astype(np.float32), weight=np.ones(len(P), np.float32))


def write_slots(model: keras.Model, outputs: Outputs, x: Any, P: np.ndarray, old: int) -> None:
    """Write the new slots of a head in closed form; those that were there stay as they are.

    A slot's logit is fitted to log(p / (1 - sum of the new p)) + logsumexp of the old logits, with which softmax gives
    p; of sigmoids to the logit of p. The same ridge as where whole layers are written. A head with more than WIDEST
    inputs gets the bias alone.

    Args:
        model: the grown B, changed in place.
        outputs: how its outputs are read.
        x: (n, ...) the pool as B reads it.
        P: (n, old + new) what it is to answer.
        old: slots that stay.
    """
    import numpy as np
    from scipy.special import logsumexp

    head = head_layer(model)
    assert head is not None
    layer, scale = head[1], rescaling(model)
    kernel, bias = layer.kernel.numpy(), layer.bias.numpy()
    wide, rows = kernel.shape[0] > WIDEST, np.arange(len(P))

    def wanted() -> Iterator[tuple[np.ndarray, np.ndarray]]:
        for part, calls in zip(_batches(len(P), 512), tapped(model, layer, x, rows, side="input"), strict=True):
            H = calls[0].astype(np.float64)
            p = np.clip(P[part][:, old:], SURE, 1 - SURE)
            if outputs.each:
                logits = np.log(p / (1 - p))
            else:
                rest = np.maximum(1 - P[part][:, old:].sum(axis=1, keepdims=True), SURE)
                before = scale * (H @ kernel[:, :old] + bias[:old])
                logits = np.log(p / rest) + logsumexp(before, axis=1, keepdims=True)
            yield (H[:, :0] if wide else H), logits / scale

    omega, middle, _ = ridge(wanted(), 0 if wide else len(kernel), P.shape[1] - old)
    kernel[:, old:] = 0.0 if wide else omega
    bias[old:] = middle
    layer.kernel.assign(kernel)
    layer.bias.assign(bias)


def ridge(
    batches: Iterator[tuple[np.ndarray, np.ndarray]], d: int, u: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Kernel (d, u) and bias (u,) that make targets of inputs, and the deviations (u,) of what they make.

    Args:
        batches: inputs (b, d) and targets (b, u).
        d, u: how many of each.

    Reference: Hoerl and Kennard 1970 (ridge regression).
    """
    import numpy as np
    from scipy.linalg import solve

    n, h, t, hh, ht = 0, np.zeros(d), np.zeros(u), np.zeros((d, d)), np.zeros((d, u))
    for H, T in batches:
        H = np.asarray(H, np.float64)
        n, h, t, hh, ht = n + len(H), h + H.sum(axis=0), t + T.sum(axis=0), hh + H.T @ H, ht + H.T @ T
    mu, mean = h / n, t / n
    if not d:
        return np.zeros((0, u)), mean, np.zeros(u)
    C = hh / n - np.outer(mu, mu)
    kernel = solve(C + (LAMBDA * np.trace(C) / d + 1e-12) * np.eye(d), ht / n - np.outer(mu, mean), assume_a="pos")
    return kernel, mean - mu @ kernel, np.sqrt(np.maximum(np.einsum("du,du->u", kernel, C @ kernel), 0.0))


@dataclass(frozen=True, slots=True)
class Carried:
    """What the new units of a layer were written to carry.

    Args:
        concepts: how many concepts.
        before, after: mean over them of the largest correlation of a unit of the layer with the concept's membership.
        why_not: why nothing was written, and the units begin as the layer draws them; "" where it was.
    """

    concepts: int = 0
    before: float = 0.0
    after: float = 0.0
    why_not: str = ""


def write_units(
    model: keras.Model, path: str, had: int, x: Any, memberships: csr_matrix, centroids: np.ndarray,
    active: np.ndarray, seed: int = 0,
) -> Carried:  # fmt: skip
    """Write the incoming weights of a widened layer's new units: they carry the concepts that no unit carried.

    A concept counts as carried by how well the best of the old units correlates with its memberships on the pool; the
    worse half of the active ones is grouped into as many communities as there are new units, and each unit is fitted
    to the memberships in its community by the ridge with which whole layers are written. Filters are fitted on
    patches, to the memberships of the items that they are of.

    Args:
        model: B with the widened layer, changed in place; its outputs stay as they are.
        path: of that layer.
        had: units that it had.
        x: (n, ...) the pool as B reads it.
        memberships: (n, k).
        centroids: (k, e).
        active: (k,) bool.
        seed: of the grouping.
    """
    import numpy as np
    from scipy.sparse import csr_matrix

    from kgkt.transfer.mapper import communities

    layer = dict(leaves(model))[path]
    kernel = layer.kernel.numpy()
    d, new = int(np.prod(kernel.shape[:-1])), kernel.shape[-1] - had
    if d > WIDEST:
        return Carried(why_not=f"its {d:,} inputs are more than {WIDEST:,}")
    best = np.abs(unit_correlations(model, layer, x, memberships)[:, :had]).max(axis=1)
    sizes = np.asarray(memberships.sum(axis=0), np.float64).ravel()
    ranked = [k for k in np.argsort(best, kind="stable") if active[k] and sizes[k] > 0]
    chosen = np.sort(ranked[: max(len(ranked) // 2, 1)])
    groups = communities(np.asarray(centroids, np.float64)[chosen], sizes[chosen], new, seed)
    T = np.asarray((csr_matrix(memberships)[:, chosen] @ groups).todense(), np.float64)
    omega, middle, deviation = ridge(((H, T[rows]) for H, rows in _inputs(model, layer, x, seed)), d, new)
    scale = np.where(deviation > 1e-9, 1 / np.maximum(deviation, 1e-9), 0.0)  # sums of deviation 1, and mean 0
    middle = (middle - T.mean(axis=0)) * scale
    kernel[..., had:] = (omega * scale).reshape(*kernel.shape[:-1], new)
    layer.kernel.assign(kernel)
    if layer.use_bias:
        bias = layer.bias.numpy()
        bias[had:] = middle
        layer.bias.assign(bias)
    after = np.abs(unit_correlations(model, layer, x, memberships)).max(axis=1)
    return Carried(len(chosen), float(best[chosen].mean()), float(after[chosen].mean()))


def unit_correlations(model: keras.Model, layer: Any, x: Any, memberships: csr_matrix) -> np.ndarray:
    """(k, u) correlation of a layer's units, over its places averaged, with the memberships of the pool."""
    import numpy as np

    parts = [calls[0].reshape(len(calls[0]), -1, calls[0].shape[-1]).mean(axis=1)
             for calls in tapped(model, layer, x, np.arange(memberships.shape[0]), side="output")]  # fmt: skip
    return correlation(memberships, np.concatenate(parts))


def _inputs(model: keras.Model, layer: Any, x: Any, seed: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Batches of what a layer's units weigh, (b, d), and the items (b,) that it is of: inputs, or patches of them."""
    import numpy as np

    rows, batch = np.arange(len(x)), 512
    if layer.kernel.ndim > 2:
        rows, batch = sampled(rows, PATCH_ITEMS, seed), 32
    for part, calls in zip(_batches(len(rows), batch), tapped(model, layer, x, rows, side="input", batch=batch),
                           strict=True):  # fmt: skip
        H = calls[0] if layer.kernel.ndim == 2 else every_patch(layer, calls[0])
        H = H.reshape(len(part), -1, H.shape[-1])
        yield H.reshape(-1, H.shape[-1]), np.repeat(rows[part], H.shape[1])


def _batches(n: int, size: int) -> list[np.ndarray]:
    import numpy as np

    return [np.arange(start, min(start + size, n)) for start in range(0, n, size)]


