"""What tells a B that knows A's concepts from one that does not: figures of B's last hidden layer, beside each other.

    python benchmarks/diffed.py --tasks digits-choice,fashion-choice --draws 12      what the figure was chosen on
    python benchmarks/diffed.py --tasks digits,fashion --draws 10                    what is reported

In each draw: a graph of A of its own, five labels a class, and one B trained in several ways, 400 steps each.

    untrained          B's first weights: the floor
    another untrained  other first weights
    few labels         B taught its labels alone
    all labels         B taught the true class of the whole pool
    fused              B taught the graph's targets
    and concepts       the same, while a softmax head on its last hidden layer, taken off afterwards, learns the
                       memberships in A's concepts (weight 1)
    and shuffled ones  the same with the rows of the memberships shuffled
    A itself           A's own embedding: the ceiling

How much of A's concepts the last hidden layer (whitened to 32 numbers as `populate` does it, unit rows) knows is told
by each of these figures. Their separation is the mean of the paired differences over draws, in units of their spread.

    nearest items      what `kgkt diff` tells: of an item, the mean membership in its concepts of its ten nearest items
    not whitened       the same in the layer as it is, rows to unit length
    variance           of the memberships, that a ridge map explains on held-out items
    linear probe       area under the curve of that map for each concept
    three examples     average precision of each concept's mean of three examples
    kernel             centred kernel alignment of the layer with each concept
    clusters           adjusted mutual information of as many clusters of the layer with the concepts

Two graphs of one pool are told apart by `in_groups`: A's graph against one of its other seed, of an untrained A, of the
pixels.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from typing import Any

import numpy as np
from paired import Row, Rows, draws_of, main, read_pool, row, seen, values
from summary import table

OFFSET = {"digits-choice": 300, "fashion-choice": 300}  # draws that the figure was chosen on
TASKS = ("digits", "fashion", *OFFSET)
LABELS, STEPS, BATCH = 5, 400, 64
FLOOR, AGAIN, FEW, ALL, FUSED, CARRIED, SHUFFLED, CEILING = WAYS = (
    "untrained", "another untrained", "few labels", "all labels", "fused", "and concepts", "and shuffled ones",
    "A itself")  # fmt: skip
SHIPPED = "nearest items"
FIGURES = (SHIPPED, "not whitened", "variance", "linear probe", "three examples", "kernel", "clusters")
PAIRS = ((ALL, FLOOR), (FUSED, FLOOR), (CARRIED, FUSED), (CARRIED, SHUFFLED), (AGAIN, FLOOR))
GRAPHS = ("another seed", "B untrained", "B fused", "B and concepts", "untrained A", "the pixels")
WORDS = ("arrived", "in part", "split", "merged", "lost", "unclear")
FOLDS, RIDGE, EXAMPLES, PROBED = 5, 1e-2, 3, 100


def run(task: str, draws: range) -> Iterator[Row]:
    """The rows of one task."""
    from kgkt.concepts.engine import engine_for
    from kgkt.transfer.diff import Kept, near_each, sizes_of, verdicts
    from kgkt.transfer.items import nearest_items

    pool = read_pool(task.removesuffix("-choice"))
    others = {"untrained A": seen(pool.prepared.untrained, False).vectors, "the pixels": pixels(pool.prepared)}
    for seed in draws:
        drawn = OFFSET.get(task, 0) + seed
        view = pool.drawn(drawn)
        Z = view.Z.astype(np.float64)
        hidden = {way: (raw, embedded(raw)) for way, raw in trained(pool, view, drawn).items()}
        hidden[CEILING] = (view.vectors, view.vectors)
        near = {way: near_each(Z, nearest_items(vectors)) for way, (_, vectors) in hidden.items()}
        floor = (near[FLOOR] + near[AGAIN]) / 2
        groups = {}
        for way, (raw, vectors) in hidden.items():
            groups[way] = engine_for(vectors).fit(vectors, Z.shape[1], drawn + (way == CEILING)).memberships
            for figure, value in figures(raw, vectors, Z, groups[way]).items():
                yield row(task, way, LABELS, seed, figure, value)
            if task in OFFSET:  # of these the figures alone
                continue
            kept = Kept(near[way], floor, near[CEILING], sizes_of(Z))
            yield row(task, way, LABELS, seed, "position", kept.overall(np.ones(Z.shape[1], bool))["position"])
            found = [verdict.word for verdict in verdicts(kept, Z, groups[way])]
            for word in WORDS:
                yield row(task, way, LABELS, seed, word, found.count(word) / len(found))
        if task in OFFSET:
            continue
        made = {"another seed": groups[CEILING], "B untrained": groups[FLOOR], "B fused": groups[FUSED],
                "B and concepts": groups[CARRIED]}  # fmt: skip
        made |= {name: engine_for(v).fit(v, Z.shape[1], drawn).memberships for name, v in others.items()}
        for name, other in made.items():
            yield row(task, name, LABELS, seed, "graph", of_graphs(Z, other, groups[CEILING], drawn))


def of_graphs(Z: Any, other: Any, steady: Any, seed: int) -> float:
    """Where between shuffled items and another seed of A another graph stands."""
    from kgkt.transfer.diff import Kept, in_groups, shuffled, sizes_of

    kept = Kept(in_groups(Z, other), shuffled(Z, other, seed), in_groups(Z, steady), sizes_of(Z))
    return kept.overall(np.ones(Z.shape[1], bool))["position"]


def pixels(prepared: Any) -> np.ndarray:
    """The pool as B reads it, embedded."""
    return embedded(prepared.pool_x.reshape(len(prepared.pool_x), -1).astype(np.float32))


def embedded(raw: np.ndarray) -> np.ndarray:
    """As `kgkt diff` embeds a layer: whitened, unit rows."""
    from kgkt.concepts.embed import apply_map, whiten

    return apply_map(raw, *whiten(raw))


def trained(pool: Any, view: Any, seed: int) -> dict[str, np.ndarray]:
    """The last hidden layer of B, trained in every way: way -> (n, u)."""
    from kgkt.proof.answers import as_targets, scratch, teach_b
    from kgkt.proof.task import draw_labels
    from kgkt.transfer.teacher import teach
    from kgkt.transfer.trainer import Trainer

    prepared, c = pool.prepared, len(pool.prepared.names)
    x = prepared.pool_x.astype(np.float32)
    labels = draw_labels(prepared.pool_y, prepared.names, LABELS, np.random.default_rng(seed))
    taught = teach(view.graph, view.Z, labels, view.head, spread="both", text=prepared.text, prior=prepared.prior,
                   neighbours=view.near, expectation=False)  # fmt: skip
    b = Trainer(prepared.b(c, seed))
    made = {FLOOR: hidden(b.model, x), AGAIN: hidden(prepared.b(c, seed + 5000), x)}
    true = as_targets(np.eye(c)[prepared.pool_y], labels)
    for way, targets in ((FEW, scratch(len(x), labels)), (ALL, true), (FUSED, taught)):
        teach_b(b, x, targets, labels, STEPS, seed)
        made[way] = hidden(b.model, x)
    shuffled = view.Z[np.random.default_rng(seed).permutation(len(x))]
    for way, Z in ((CARRIED, view.Z), (SHUFFLED, shuffled)):
        made[way] = hidden(carried(prepared.b(c, seed), x, taught, labels, Z, seed), x)
    return made


def carried(model: Any, x: np.ndarray, targets: Any, labels: Any, Z: Any, seed: int) -> Any:
    """B taught the targets and, by a head beside its own, the memberships."""
    import keras

    from kgkt.proof.answers import SHARPEN
    from kgkt.transfer.blocks import head_layer
    from kgkt.transfer.write import training_targets

    P, weight = training_targets(targets, labels, SHARPEN)
    keras.utils.set_random_seed(seed)
    found = head_layer(model)
    assert found is not None
    beside = keras.layers.Dense(Z.shape[1], activation="softmax")(found[1].input)
    both = keras.Model(model.inputs, [model.outputs[0], beside])
    both.compile(keras.optimizers.Adam(1e-3), ["categorical_crossentropy"] * 2)
    rng = np.random.default_rng(seed)
    rows = np.concatenate([rng.permutation(np.flatnonzero(weight)) for _ in range(1 + STEPS * BATCH // len(x))])
    for step in range(STEPS):
        batch = rows[step * BATCH : (step + 1) * BATCH]
        both.train_on_batch(x[batch], [P[batch], Z[batch].toarray()])
    return model


def hidden(model: Any, x: np.ndarray) -> np.ndarray:
    """(n, u) what goes into B's head."""
    from kgkt.transfer.diff_target import tap_of
    from kgkt.transfer.taps import tapped

    place, side = tap_of(model)
    return np.concatenate([calls[0] for calls in tapped(model, place, x, np.arange(len(x)), side=side)])


def figures(raw: np.ndarray, vectors: np.ndarray, Z: Any, groups: Any) -> dict[str, float]:
    """Every figure, over the concepts, each counting by its size; PROBED concepts where it is dear."""
    from sklearn.metrics import adjusted_mutual_info_score

    from kgkt.transfer.diff import near_each, sizes_of, strongest
    from kgkt.transfer.items import nearest_items

    sizes, hard = sizes_of(Z), strongest(Z).indices
    dense = Z.toarray()
    plain = raw - raw.mean(axis=0)
    plain = plain / np.maximum(np.linalg.norm(plain, axis=1, keepdims=True), 1e-9)
    predicted = ridge(vectors.astype(np.float64), dense)
    left, all_ = ((dense - predicted) ** 2).sum(axis=0), ((dense - dense.mean(axis=0)) ** 2).sum(axis=0)

    def mean(of_each: np.ndarray) -> float:
        there = np.isfinite(of_each) & (sizes > 0)
        return float(np.average(of_each[there], weights=sizes[there]))

    found = (near_each(Z, nearest_items(vectors)), near_each(Z, nearest_items(plain.astype(np.float32))),
             1 - left / np.maximum(all_, 1e-12), areas(predicted, hard), precisions(vectors, hard, Z.shape[1]),
             alignment(vectors.astype(np.float64), dense))  # fmt: skip
    clusters = float(adjusted_mutual_info_score(hard, strongest(groups).indices))
    return dict(zip(FIGURES, (*map(mean, found), clusters), strict=True))


def ridge(H: np.ndarray, Y: np.ndarray) -> np.ndarray:
    """(n, k) what a ridge map from H (n, d) says of Y on the folds that it was not fitted on."""
    fold, P = np.random.default_rng(0).permutation(len(H)) % FOLDS, np.zeros_like(Y)
    for one in range(FOLDS):
        fit, out = fold != one, fold == one
        middle, mean = H[fit].mean(axis=0), Y[fit].mean(axis=0)
        X = H[fit] - middle
        G = X.T @ X
        W = np.linalg.solve(G + RIDGE * np.trace(G) / len(G) * np.eye(len(G)), X.T @ (Y[fit] - mean))
        P[out] = (H[out] - middle) @ W + mean
    return P


def areas(predicted: np.ndarray, hard: np.ndarray) -> np.ndarray:
    """(k,) area under the curve of each concept's prediction, by the ranks of its items."""
    from scipy.stats import rankdata

    k = predicted.shape[1]
    inside = np.eye(k, dtype=bool)[hard]
    many, n = inside.sum(axis=0), len(hard)
    ranks = (rankdata(predicted, axis=0) * inside).sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        return (ranks - many * (many + 1) / 2) / (many * (n - many))


def precisions(vectors: np.ndarray, hard: np.ndarray, k: int) -> np.ndarray:
    """(k,) average precision of the nearness to the mean of three examples; NaN for concepts that are not asked."""
    from sklearn.metrics import average_precision_score

    rng, found = np.random.default_rng(0), np.full(k, np.nan)
    for c in range(k) if k <= PROBED else np.sort(rng.choice(k, PROBED, replace=False)):
        members = np.flatnonzero(hard == c)
        if len(members) > EXAMPLES:
            shown = rng.choice(members, EXAMPLES, replace=False)
            rest = np.setdiff1d(np.arange(len(hard)), shown)
            near = -np.linalg.norm(vectors[rest] - vectors[shown].mean(axis=0), axis=1)
            found[c] = average_precision_score(hard[rest] == c, near)
    return found


def alignment(H: np.ndarray, Y: np.ndarray) -> np.ndarray:
    """(k,) centred kernel alignment, linear, of H (n, d) with each column of Y (n, k) (Kornblith et al. 2019)."""
    H, Y = H - H.mean(axis=0), Y - Y.mean(axis=0)
    return ((H.T @ Y) ** 2).sum(axis=0) / np.maximum(np.linalg.norm(H.T @ H) * (Y**2).sum(axis=0), 1e-12)


def report(rows: Rows) -> Iterator[str]:
    """The lines of report.md."""
    tasks = [task for task in TASKS if draws_of(rows, task)]
    yield "# What of A's concepts is in B"
    yield ""
    yield "How well each figure of B's last hidden layer tells one training from another: the mean difference of draws"
    yield "in units of its spread over draws (paired), of the first B less the second. The last pair differs by chance."
    for task in tasks:
        chosen = ": what the figure was chosen on" if task in OFFSET else ""
        yield ""
        yield f"**{task.removesuffix('-choice')}**, {draws_of(rows, task)} draws{chosen}"
        yield ""
        yield from table(["", *(f"{a} less {b}" for a, b in PAIRS)], [
            [f"**{figure}**" if figure == SHIPPED else figure,
             *(separation(rows, task, figure, *pair) for pair in PAIRS)] for figure in FIGURES])  # fmt: skip
    tasks = [task for task in tasks if task not in OFFSET]
    yield ""
    yield "The figure itself (nearest items), and where it stands between an untrained B (0, the mean of two) and A"
    yield "itself (1); the concepts of each verdict, per cent; mean ± standard deviation over draws:"
    for task in tasks:
        yield ""
        yield f"**{task}**, {draws_of(rows, task)} draws"
        yield ""
        yield from table(["", "kept", "position", *WORDS[:5]], [
            [way, spread(rows, task, way, SHIPPED, 3), spread(rows, task, way, "position", 2),
             *(percent(rows, task, way, word) for word in WORDS[:5])] for way in WAYS])  # fmt: skip
    yield ""
    yield "Two graphs of the pool: where A's concepts stand in another graph, between shuffled items (0) and A's own"
    yield "graph of another seed (1):"
    yield ""
    yield from table(["", *tasks], [[name, *(spread(rows, task, name, "graph", 2) for task in tasks)]
                                    for name in GRAPHS])
    yield ""
    yield from said(rows, tasks)


def said(rows: Rows, tasks: list[str]) -> Iterator[str]:
    """What the tables come to."""
    for task in tasks:
        fused, carried = (statistics.fmean(values(rows, task, way, LABELS, "position").values())
                          for way in (FUSED, CARRIED))  # fmt: skip
        yield (f"- {task}: teaching the graph's targets brings B {100 * fused:.0f} % of the way from an untrained B to "
               f"A, carrying the concepts too {100 * carried:.0f} %.")
    yield ""
    yield "Chosen was what tells both a trained B from an untrained one and carried concepts from the targets alone."
    yield "Not whitened, a B that was told the class of every item is level with an untrained one on Fashion-MNIST; on"
    yield "digits that tells carried concepts best, where no figure tells them well. Kernel alignment tells a trained B"
    yield "about as well or better, and carried concepts from shuffled ones less."
    yield ""
    yield "The figure asks what lies near what. A B that knows the classes and drops what they do not need is close to"
    yield "the floor by it, however right its answers are: what it knows of A beyond the classes is what counts."


def difference(rows: Rows, task: str, figure: str, one: str, other: str) -> list[float]:
    """The paired differences over draws."""
    a, b = (values(rows, task, way, LABELS, figure) for way in (one, other))
    return [a[seed] - b[seed] for seed in sorted(a.keys() & b.keys())]


def separation(rows: Rows, task: str, figure: str, one: str, other: str) -> str:
    """Mean over spread of the paired differences."""
    found = difference(rows, task, figure, one, other)
    wide = statistics.stdev(found) if len(found) > 1 else 0.0
    return f"{statistics.fmean(found) / wide:+.1f}" if wide else "–"


def spread(rows: Rows, task: str, way: str, metric: str, digits: int) -> str:
    """A mean ± its standard deviation over draws."""
    found = list(values(rows, task, way, LABELS, metric).values())
    if not found:
        return "–"
    beside = f" ±{statistics.stdev(found):.{digits}f}" if len(found) > 1 else ""
    return f"{statistics.fmean(found):.{digits}f}{beside}"


def percent(rows: Rows, task: str, way: str, word: str) -> str:
    """A mean share, per cent."""
    found = list(values(rows, task, way, LABELS, word).values())
    return f"{100 * statistics.fmean(found):.0f}" if found else "–"


if __name__ == "__main__":
    main("diffed", __doc__, TASKS, run, report, draws=10)
