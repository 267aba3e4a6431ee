"""By what hidden layers of B get their concepts: communities, or a map that is learned from A's embedding.

    python benchmarks/mapped.py --tasks digits,fashion --draws 5

Ten labels a class. In each draw there is a B that was never trained, and one that was: on the 800 digits that A
learned (the same classes as in the pool), on 6,000 pictures of fashion's classes 0-4 (A's; the pool has others).
Printed: what ridge and the network explain of the activations of items held out, of B and of an untrained copy; how far
the units that a concept maps to lie above their mean on that concept's items, before anything is written; B's test
accuracy with every layer written and no training, and after `fuse`, which keeps a written layer only where a held-out
check favours it.

    no map         B trained on the targets only
    communities    hidden layers get communities of concepts
    ridge          what ridge predicts that B's units do at each concept
    network        what the network predicts
    auto           the better of both where A explains B's layer much better than an untrained copy's; else communities
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from paired import Row, Rows, draws_of, gain, main, points, read_pool, row, share, titled, values
from summary import table

TASKS = ("digits", "fashion")
LABELS, STEPS, BEFORE = 10, 400, 800
NONE, COMMUNITIES, RIDGE, NETWORK, AUTO = "no map", "communities", "ridge", "network", "auto"
MAPS = (COMMUNITIES, RIDGE, NETWORK, AUTO)
KINDS = ("never trained", "trained before")
LAYERS = ("hidden1", "hidden2")


def run(task: str, draws: range) -> Iterator[Row]:
    """The rows of one task."""
    from kgkt.proof.task import draw_labels
    from kgkt.transfer.teacher import teach
    from kgkt.transfer.trainer import Trainer

    pool = read_pool(task)
    prepared = pool.prepared
    b = Trainer(prepared.b(len(prepared.names), 0))
    for seed in draws:
        view = pool.drawn(seed)
        labels = draw_labels(prepared.pool_y, prepared.names, LABELS, np.random.default_rng(seed))
        targets = teach(view.graph, view.Z, labels, view.head, spread="both", neighbours=view.near, expectation=False)
        for kind in KINDS:
            start = [v.numpy() for v in prepared.b(len(prepared.names), seed).variables]
            if kind == KINDS[1]:
                start = trained(b, task, start, seed)
            for method, metric, value in measure(b, start, prepared, view, labels, targets, seed):
                yield row(task, method, LABELS, seed, f"{kind}: {metric}", value)


def trained(b: Any, task: str, start: list[np.ndarray], seed: int) -> list[np.ndarray]:
    """B's weights after a training elsewhere: on what A learned from."""
    if task == "digits":
        from kgkt.demo.digits import make_split

        split = make_split(0)
        x, y = split.a_x, split.a_y
    else:
        from tasks.fashion import images

        x, y = images("train")
        rows = np.flatnonzero(y < 5)[:6000]
        x, y = x[rows], y[rows]
    b.reset(start)
    b.train(x, np.eye(b.outputs.classes, dtype=np.float32)[y], np.ones(len(x), np.float32), BEFORE, seed)
    return b.weights()


def measure(
    b: Any, start: list[np.ndarray], prepared: Any, view: Any, labels: Any, targets: Any, seed: int
) -> Iterator[tuple[str, str, float]]:
    """(method, metric, value) of one B."""
    from kgkt.transfer.blocks import read_blocks
    from kgkt.transfer.mapper import plan_map
    from kgkt.transfer.network import lessons

    b.reset(start)
    blocks = read_blocks(b.model)
    taught = lessons(b.model, blocks, prepared.pool_x, view.vectors, view.graph.centroids, "auto", seed)
    for layer in LAYERS:
        lesson = taught[layer]
        yield RIDGE, layer, lesson.learned.ridge
        yield NETWORK, layer, lesson.learned.network
        yield "untrained copy", layer, lesson.untrained
        yield AUTO, f"{layer} learned", float(lesson.planned is not None)
    chose = {layer: lesson.planned for layer, lesson in taught.items() if lesson.planned is not None}
    plans: dict[str, dict[str, Any]] = {COMMUNITIES: {}, AUTO: chose}
    plans |= {name: {layer: taught[layer].learned.planned[name] for layer in LAYERS} for name in (RIDGE, NETWORK)}
    maps = {name: plan_map(blocks, view.graph.centroids, targets.mass, view.Z, seed, plans[name]) for name in MAPS}
    above = {layer: activation(b, layer, prepared.pool_x, seed) for layer in LAYERS}
    for name, block_map in maps.items():
        b.reset(start)
        told = [tells(block_map.planned[layer], view.Z, *above[layer]) for layer in LAYERS]
        yield name, "told", float(np.mean(told))
        yield name, "written", written(b, prepared, view, labels, targets, block_map)
    fused_by = {COMMUNITIES: fused(start, prepared, view, labels, targets, maps[COMMUNITIES], seed)}
    fused_by[NONE] = fused(start, prepared, view, labels, targets, None, seed)
    fused_by[NETWORK] = fused(start, prepared, view, labels, targets, maps[NETWORK], seed)
    fused_by[AUTO] = (fused(start, prepared, view, labels, targets, maps[AUTO], seed) if chose
                      else fused_by[COMMUNITIES])  # fmt: skip
    for name, accuracy in fused_by.items():
        yield name, "fused", accuracy


def activation(b: Any, layer: str, x: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Items that no map was fitted to, and (h, u) how far their activations lie above each unit's mean."""
    from kgkt.transfer.blocks import read_blocks
    from kgkt.transfer.learned import pairs_of, split
    from kgkt.transfer.network import given

    read = given(b.model, {layer: read_blocks(b.model)[layer]}, x, np.arange(len(x)))[0][layer]
    pairs = pairs_of(len(x), seed)
    held = pairs[split(len(pairs), seed)[0]]
    return held, (read[held] - read.mean(axis=0)) / np.maximum(read.std(axis=0), 1e-6)


def tells(planned: Any, Z: Any, held: np.ndarray, above: np.ndarray) -> float:
    """How far units lie above their mean on the items of the concepts that map to them; deviations, by strength."""
    from kgkt.concepts.cluster import hard_memberships

    return float(np.mean(np.sum((hard_memberships(Z)[held] @ planned).toarray() * above, axis=1)))


def written(b: Any, prepared: Any, view: Any, labels: Any, targets: Any, block_map: Any) -> float:
    """Test accuracy of B with every layer written, and no training."""
    from kgkt.proof.answers import SHARPEN
    from kgkt.transfer.write import Origin, training_targets, write_layers

    P, weight = training_targets(targets, labels, SHARPEN)
    origin = Origin(prepared.pool_x, np.flatnonzero(weight > 0), block_map, view.Z, (P, P))
    for layer, entry in write_layers(b.model, origin, b.outputs).items():
        assert entry["written"], (layer, entry["why"])
    return b.accuracy(prepared.test_x, prepared.test_y)


def fused(
    start: list[np.ndarray], prepared: Any, view: Any, labels: Any, targets: Any, block_map: Any, seed: int
) -> float:
    """Test accuracy of B after `fuse`."""
    from kgkt.transfer.fuse import FuseOptions, fuse

    model = prepared.b(len(prepared.names), 0)
    for variable, value in zip(model.variables, start, strict=True):
        variable.assign(value)
    fuse(model, prepared.pool_x, targets, labels, options=FuseOptions(steps=STEPS, seed=seed), block_map=block_map,
         memberships=None if block_map is None else view.Z)  # fmt: skip
    said = np.concatenate([np.asarray(model(prepared.test_x[i : i + 1000])).argmax(axis=1)
                           for i in range(0, len(prepared.test_x), 1000)])  # fmt: skip
    return float(np.mean(said == prepared.test_y))


def report(rows: Rows) -> Iterator[str]:
    """The lines of report.md."""
    tasks = [task for task in TASKS if draws_of(rows, task)]
    yield "# By what hidden layers get their concepts"
    yield ""
    yield "Share of the variance of B's activations that a map from A's embedding explains, held-out items; per cent,"
    yield "mean ± standard error over draws. Last: in how many draws `map --method auto` took a learned map."
    yield ""
    yield from table(["B, layer", "ridge", "network", "network minus ridge", "better, untrained copy", "auto learned"],
                     [explained(rows, task, kind, layer) for task in tasks for kind in KINDS for layer in LAYERS])
    yield ""
    yield "How far the units that a concept maps to lie above their mean on its items, held out, before anything is"
    yield "written; in standard deviations."
    yield ""
    yield from table(["map", *heads(tasks)], [
        [name, *(deviations(found(rows, task, name, kind, "told")) for task in tasks for kind in KINDS)]
        for name in MAPS
    ])  # fmt: skip
    for metric, what in (("written", "every layer written, no training"), ("fused", "after `fuse`")):
        yield ""
        yield f"B's test accuracy, {what}; per cent, and against communities, paired."
        yield ""
        yield from table(["map", *heads(tasks)], [
            [name, *(against(rows, task, name, kind, metric) for task in tasks for kind in KINDS)]
            for name in (NONE, *MAPS) if any(r["metric"].endswith(metric) and r["method"] == name for r in rows)
        ])  # fmt: skip
    yield ""
    yield from WHY.splitlines()


WHY = """\
A learned map tells what a trained B's units carry; it does not write better weights. In a B that was never trained it
finds B's own random functions again: the written weights are behind communities, and on digits the fused B is too.
`auto` keeps communities there. In a B that was trained for other classes (fashion) it costs accuracy as long as nothing
is trained, and nothing after `fuse`. So communities are the default. The size of the network and the line that `auto`
draws were chosen on draws 300 to 302."""


def explained(rows: Rows, task: str, kind: str, layer: str) -> list[str]:
    """What both maps explain of a layer, as a row."""
    ridge, network, copy = (found(rows, task, by, kind, layer) for by in (RIDGE, NETWORK, "untrained copy"))
    return [f"{titled(rows, task)}: {kind}, {layer}", share(ridge), share(network), points(gain(network, ridge)),
            share(copy), chosen(rows, task, kind, layer)]  # fmt: skip


def heads(tasks: list[str]) -> list[str]:
    """The titles of the columns."""
    return [f"{task}, {kind}" for task in tasks for kind in KINDS]


def found(rows: Rows, task: str, method: str, kind: str, metric: str) -> dict[int, float]:
    """Draw -> value."""
    return values(rows, task, method, LABELS, f"{kind}: {metric}")


def chosen(rows: Rows, task: str, kind: str, layer: str) -> str:
    """In how many draws a learned map was taken."""
    took = found(rows, task, AUTO, kind, f"{layer} learned")
    return f"{sum(took.values()):.0f} of {len(took)}"


def deviations(told: dict[int, float]) -> str:
    """A mean in standard deviations."""
    return f"{np.mean(list(told.values())):+.2f}" if told else "–"


def against(rows: Rows, task: str, name: str, kind: str, metric: str) -> str:
    """An accuracy, and its paired difference to communities."""
    own, theirs = found(rows, task, name, kind, metric), found(rows, task, COMMUNITIES, kind, metric)
    return share(own) if name == COMMUNITIES else f"{share(own)} ({points(gain(own, theirs))})"


if __name__ == "__main__":
    main("mapped", __doc__, TASKS, run, report, draws=5)
