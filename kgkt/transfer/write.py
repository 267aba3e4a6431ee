"""Writing the map into B's layers in closed form, and what an edited strength does."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from kgkt.transfer.batchnorm import reestimate
from kgkt.transfer.blocks import leaves, rescaling
from kgkt.transfer.moments import Moments
from kgkt.transfer.outputs import Outputs
from kgkt.transfer.patches import FilterTargets, grid_of, patches_at, refusal
from kgkt.transfer.places import Places, filter_groups, filter_layers
from kgkt.transfer.taps import tapped
from kgkt.values import BlockMap, Labels, Targets

if TYPE_CHECKING:
    import keras
    import numpy as np
    from scipy.sparse import csr_matrix

HEAD_GAIN = 4.0  # of a B that is only written: logits of unit deviation would leave softmax nearly uniform
TAUGHT_GAIN = 1.0  # of one that is trained on: a sure head leaves the layers before it no gradient
WIDEST = 4096  # inputs of a layer: its Gram matrix is solved in double precision (128 MB at this width)
ROWS = 4  # items for each of its inputs that a Dense layer is written from, at most, but FEWEST
FEWEST = 4_000
PATCHES = 20_000  # patches that filters are written from, about
PATCH_ITEMS = 2_500  # items whose patches these are, at most


@dataclass(frozen=True, slots=True)
class Origin:
    """What a map is written from.

    Args:
        x: (n, ...) the pool as B reads it.
        rows: items to write from, ascending; of many a sample serves a layer.
        block_map: planned and edited strengths.
        memberships: (n, k).
        head: (n, c) edited and planned targets, written where a layer is the head.
        places: of A's spatial map, where it has one.
        seed: of the groups that filters carry, of the sample and of the patches.
        gain: deviation of the head's logits.
    """

    x: Any
    rows: np.ndarray
    block_map: BlockMap
    memberships: csr_matrix
    head: tuple[np.ndarray, np.ndarray]
    places: Places | None = None
    seed: int = 0
    gain: float = TAUGHT_GAIN


def edited_targets(
    targets: Targets, memberships: csr_matrix, planned: csr_matrix, strength: csr_matrix
) -> Targets:
    """Carry the user's edits of the head's strengths into the targets.

    P_edited = rows to 1 of P * (Z S_edited) / (Z S_planned). An item whose ratios are all 1 keeps
    its row to the bit. Where nothing was planned, a new strength enters with its own share Z S_edited.
    An item left without any class gets a uniform row and weight 0.

    Args:
        targets: from the teacher.
        memberships: (n, k), Z; `fuse` gives each item's nearest concept alone.
        planned, strength: (k, c) of the head.

    Returns:
        The targets with P and weight edited.
    """
    import numpy as np

    if (planned != strength).nnz == 0:
        return targets
    before = np.asarray((memberships @ planned).todense(), np.float64)
    after = np.asarray((memberships @ strength).todense(), np.float64)
    P, weight = np.array(targets.P, np.float64), np.array(targets.weight)
    touched = np.flatnonzero((before != after).any(axis=1))
    was, now, old = before[touched], after[touched], P[touched]
    new = np.where(was > 0, old * now / np.where(was > 0, was, 1.0), np.where(now > 0, now, old))
    total = new.sum(axis=1, keepdims=True)
    empty = total[:, 0] <= 0
    P[touched] = np.where(empty[:, None], 1.0 / P.shape[1], new / np.where(total > 0, total, 1.0))
    weight[touched[empty]] = 0.0
    return replace(targets, P=P.astype(np.float32), weight=weight)


def against_first(strength: csr_matrix) -> csr_matrix:
    """Strengths (k, 2) to both classes of the one slot (k, 1) that carries the second against the first.

    What a concept does not carry of the second it carries of the first: strength 0 leads to the first, 1 to the
    second, 0.5 to neither.
    """
    import numpy as np
    from scipy.sparse import csr_matrix

    second = strength.toarray()
    return csr_matrix(np.hstack([np.maximum(1.0 - second, 0.0), second]))


def training_targets(targets: Targets, labels: Labels, sharpen: float) -> tuple[np.ndarray, np.ndarray]:
    """What B is trained on: P to the power `sharpen`, rows to 1, labelled items at their labels.

    Returns:
        P (n, c) float32, weight (n,) float32 (1 for labelled items).
    """
    import numpy as np

    P = np.asarray(targets.P, np.float64) ** sharpen
    P /= P.sum(axis=1, keepdims=True)
    weight = np.array(targets.weight, np.float32)
    P[labels.items] = np.eye(P.shape[1])[labels.classes]
    weight[labels.items] = 1.0
    return P.astype(np.float32), weight


def write_layers(model: keras.Model, origin: Origin, outputs: Outputs) -> dict[str, dict[str, Any]]:
    """Write all layers of a map, input to output, each given the ones before it.

    The statistics of BatchNorm layers follow what is written before them, so that a layer behind is fitted to what it
    will read.

    Args:
        model: B, changed in place.
        origin: what is written.
        outputs: how B's outputs are read.

    Returns:
        layer -> {"kind", "blocks", "written", "why"}; "why" is empty where it was written.
    """
    layers = dict(leaves(model))
    report: dict[str, dict[str, Any]] = {}
    for path, blocks in origin.block_map.blocks.items():
        if any(entry["written"] for entry in report.values()):
            reestimate(model, origin.x, origin.rows)
        why = write_layer(model, path, layers[path], origin, outputs)
        report[path] = {"kind": blocks[0].kind, "blocks": len(blocks), "written": not why, "why": why}
    return report


def write_layer(model: keras.Model, path: str, layer: Any, origin: Origin, outputs: Outputs) -> str:
    """Write one layer's weights from the map, given the weights before it.

    Args:
        model: B, changed in place.
        path: the layer's name in the map.
        layer: the layer.
        origin: what is written.
        outputs: how B's outputs are read.

    Returns:
        An empty string, or why the layer cannot be written (nothing is changed then).
    """
    kind = origin.block_map.blocks[path][0].kind
    if kind == "filter" and (why := refusal(layer)):
        return why
    if not layer.trainable or not layer.kernel.trainable:
        return "it is frozen"
    d = math.prod(layer.kernel.shape[:-1])
    if d > WIDEST:
        return f"its {d:,} inputs are more than {WIDEST:,}"
    moments = Moments(d, layer.kernel.shape[-1])
    why = _see_patches(moments, model, path, layer, origin) if kind == "filter" else _see(moments, model, path, layer,
                                                                                         origin)
    if why:
        return why
    if kind == "head":
        # a class judged by itself has logit 0 where it is as likely as not; those judged together are only compared
        kernel, bias = moments.solve(origin.gain / rescaling(model), zero=0.5 if outputs.each else None)
    else:
        kernel, bias = moments.solve()
    layer.kernel.assign(kernel.reshape(layer.kernel.shape))
    if layer.use_bias:
        layer.bias.assign(bias)
    return ""


def _see(moments: Moments, model: keras.Model, path: str, layer: Any, origin: Origin) -> str:
    """Show a Dense layer's inputs and targets to its moments; why it cannot be written."""
    import numpy as np

    block_map, u = origin.block_map, layer.kernel.shape[-1]
    planned, strength = block_map.planned[path], block_map.strength[path]
    edited, most = (planned != strength).nnz > 0, max(FEWEST, ROWS * layer.kernel.shape[0])
    for batch, H, why in _inputs(model, layer, origin.x, sampled(origin.rows, most, origin.seed)):
        if why or H.ndim != 2:
            return why or f"it reads every position of inputs of shape {H.shape[1:]}"
        if block_map.blocks[path][0].kind == "head":
            T_planned = origin.head[1][batch][:, -u:]  # of a single slot: the second class
            T = T_planned if origin.head[0] is origin.head[1] else origin.head[0][batch][:, -u:]
        else:
            z = origin.memberships[batch]
            T_planned = np.asarray((z @ planned).todense())
            T = np.asarray((z @ strength).todense()) if edited else T_planned
        moments.add(H, T, T_planned)
    return ""


def _see_patches(moments: Moments, model: keras.Model, path: str, layer: Any, origin: Origin) -> str:
    """Show a convolution's patches at places drawn by chance, and its targets there, to its moments."""
    import numpy as np

    places, block_map = origin.places, origin.block_map
    if places is None:
        return "A's features hold no map of places"
    rows = sampled(np.intersect1d(origin.rows, places.items), PATCH_ITEMS, origin.seed)
    if not len(rows):
        return "none of the items whose places are known is taught"
    number = filter_layers(block_map.blocks, places).index(path)
    groups = filter_groups(places, number, layer.kernel.shape[-1], origin.seed)
    targets = FilterTargets(places, groups, origin.memberships, block_map.planned[path], block_map.strength[path])
    rng = np.random.default_rng(origin.seed)
    for batch, H, why in _inputs(model, layer, origin.x, rows):
        if why:
            return why
        grid, _ = grid_of(layer, H.shape[1:-1])
        at = rng.integers(0, math.prod(grid), (len(H), -(-PATCHES // len(rows))))
        both = targets.at(np.searchsorted(places.items, batch), at, grid)
        T_planned = both[1].reshape(at.size, -1)
        T = both[0].reshape(at.size, -1) if targets.edited else T_planned
        moments.add(patches_at(layer, H, at).reshape(at.size, -1), T, T_planned)
    return ""


def sampled(rows: np.ndarray, most: int, seed: int) -> np.ndarray:
    """At most so many of the rows, ascending."""
    import numpy as np

    if len(rows) <= most:
        return rows
    return np.sort(np.random.default_rng(seed).choice(rows, most, replace=False))


def _inputs(
    model: keras.Model, layer: Any, x: Any, rows: np.ndarray
) -> Iterator[tuple[np.ndarray, np.ndarray, str]]:
    """Yield items, what goes into the layer for them, and why that cannot be used."""
    import numpy as np

    start = 0
    for calls in tapped(model, layer, x, rows, side="input"):
        why = f"it is shared, called {len(calls)} times" if len(calls) != 1 else ""
        if not why and not np.isfinite(calls[0]).all():
            why = "its inputs are not finite"
        size = len(calls[0]) if calls else 0
        yield rows[start : start + size], calls[0] if calls else np.zeros((0, 0)), why
        start += size
