"""Whether the units that a trace names are those that matter: B without them.

    python benchmarks/traced.py --tasks digits,fashion --draws 5

Five labels a class, as `kgkt map` and `kgkt fuse` make B. For each concept an eighth of a hidden layer's units are
silenced, held at 0 or at their average over the pool, and B is asked for the concept's items again. Printed: how much
of its accuracy on them B loses, in the mean over concepts. Which units:

    measured           those that the concept reaches most by MAPS_TO.measured, as `kgkt trace` tells them
    contribution       those that contribute most to B's answers on the concept's items
    planned            those that the concept reaches most by the map, before training
    active others      most active on the concept's items, of all but the measured ones
    most active        most active on the concept's items, whichever
    active everywhere  most active over the whole pool
    random             the mean of three draws

Of digits all concepts are asked that hold three items or more, of Fashion-MNIST sixty of them a draw.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from paired import Row, Rows, draws_of, gain, level, main, points, read_pool, row, share, titled, values, verdict
from summary import table

TASKS = ("digits", "fashion")
LABELS, STEPS, PART = 5, 400, 8
CONCEPTS, ITEMS, FEWEST, ELSEWHERE = 60, 40, 3, 100
MEASURED, CONTRIBUTION, PLANNED = "measured", "contribution", "planned"
OTHERS, ACTIVE, EVERYWHERE, RANDOM = "active others", "most active", "active everywhere", "random"
WAYS = (MEASURED, CONTRIBUTION, PLANNED, OTHERS, ACTIVE, EVERYWHERE, RANDOM)
WRITTEN = "written"
HELD = {"zero": "held at 0", "average": "held at their average"}
WHY = """\
*Active others* are taken of the units that the measured ones leave, *most active* of all units, so that these may be
in part the same. Held at 0 a unit that is always active is missed too, whatever it stands for; held at its average only
what it says of these items is. There the units that contribute most, which `kgkt trace` tells of for a class and an
item, cost more than those that the concept reaches most. Those are the concept's own: on other items B loses little
without them. In the last hidden layer the most active units, held at 0, cost as much. The plan is a guide only where
the layer was written from it, and there a weaker one than what is measured."""


def run(task: str, draws: range) -> Iterator[Row]:
    """The rows of one task."""
    from kgkt.proof.task import draw_labels
    from kgkt.transfer.blocks import leaves, read_blocks
    from kgkt.transfer.fuse import FuseOptions, fuse
    from kgkt.transfer.mapper import plan_map
    from kgkt.transfer.measure import measure
    from kgkt.transfer.outputs import read_outputs
    from kgkt.transfer.teacher import teach

    pool = read_pool(task)
    prepared = pool.prepared
    for seed in draws:
        view = pool.drawn(seed)
        labels = draw_labels(prepared.pool_y, prepared.names, LABELS, np.random.default_rng(seed))
        targets = teach(view.graph, view.Z, labels, view.head, spread="both", text=prepared.text, neighbours=view.near,
                        expectation=False)  # fmt: skip
        b = prepared.b(len(prepared.names), seed)
        plan = plan_map(read_blocks(b), view.graph.centroids, targets.mass, view.Z, seed)
        fused = fuse(b, prepared.pool_x, targets, labels, options=FuseOptions(steps=STEPS, seed=seed), block_map=plan,
                     memberships=view.Z)  # fmt: skip
        found = measure(fused.model, prepared.pool_x, view.Z)
        for path, layer in found.layers.items():
            if layer.kind != "head":
                written = fused.written.get(path, {}).get("written", False)
                yield row(task, WRITTEN, LABELS, seed, f"{path}: {WRITTEN}", float(written))
                planned = plan.planned[path].toarray() if path in plan.planned else None
                lost = Lost(fused.model, dict(leaves(fused.model))[path], read_outputs(fused.model), prepared, view.Z,
                            found, path, planned, seed)  # fmt: skip
                for (way, metric), value in lost.means().items():
                    yield row(task, way, LABELS, seed, f"{path}: {metric}", value)


class Lost:
    """What B loses of a concept's items without some units of one layer."""

    def __init__(self, model: Any, layer: Any, outputs: Any, prepared: Any, Z: Any, found: Any, path: str, planned: Any,
                 seed: int) -> None:  # fmt: skip
        from kgkt.concepts.cluster import nearest_concept

        self.model, self.layer, self.outputs, self.planned = model, layer, outputs, planned
        self.x, self.y, self.near = prepared.pool_x, prepared.pool_y, nearest_concept(Z)
        self.found, self.of = found, found.layers[path]
        self.rng = np.random.default_rng([seed, 2])
        self.right = found.answers == self.y

    def means(self) -> dict[tuple[str, str], float]:
        """(way, metric) -> the mean over concepts."""
        sizes = np.bincount(self.near)
        concepts = np.flatnonzero(sizes >= FEWEST)
        if len(concepts) > 2 * CONCEPTS:
            concepts = self.rng.choice(concepts, CONCEPTS, replace=False)
        lost: dict[tuple[str, str], list[float]] = {}
        for c in concepts.tolist():
            rows = np.flatnonzero(self.near == c)[:ITEMS]
            others = self.rng.choice(np.flatnonzero(self.near != c), ELSEWHERE, replace=False)
            sets = [(way, units) for way, choices in self.chosen(c, rows).items() for units in choices]
            named = [(way, units) for way, units in sets if way == MEASURED]
            for held in HELD:
                for where, asked, which in ((held, rows, sets), (f"{held} elsewhere", others, named)):
                    found = self.losses([units for _, units in which], asked, held)
                    for (way, _), value in zip(which, found.tolist(), strict=True):
                        lost.setdefault((way, where), []).append(value)  # each of the random sets counts
        return {key: float(np.mean(found)) for key, found in lost.items()}

    def chosen(self, c: int, rows: np.ndarray) -> dict[str, list[np.ndarray]]:
        """Way -> sets of units."""
        from kgkt.transfer.contribution import contributions

        u = len(self.of.mean)
        most = max(1, u // PART)

        def best(score: np.ndarray) -> np.ndarray:
            return np.argsort(-score, kind="stable")[:most]

        given, _, _ = contributions(self.model, self.layer, self.x, rows, self.found.answers[rows], self.of.mean,
                                    self.outputs)  # fmt: skip
        measured = best(self.of.correlation[c])
        left = self.of.means[c].astype(float)
        left[measured] = -np.inf
        ways = {MEASURED: [measured], CONTRIBUTION: [best(given.mean(axis=0))], OTHERS: [best(left)],
                ACTIVE: [best(self.of.means[c])], EVERYWHERE: [best(self.of.mean)],
                RANDOM: [self.rng.choice(u, most, replace=False) for _ in range(3)]}  # fmt: skip
        return ways | ({} if self.planned is None else {PLANNED: [best(self.planned[c])]})

    def losses(self, sets: list[np.ndarray], rows: np.ndarray, held: str) -> np.ndarray:
        """For each set of units, accuracy on some items minus that without the units."""
        from kgkt.transfer.contribution import silenced
        from kgkt.transfer.outputs import probabilities

        every, units = np.tile(rows, len(sets)), np.repeat(np.stack(sets), len(rows), axis=0)
        y = silenced(self.model, self.layer, self.x, every, units, self.of.mean if held == "average" else None)
        now = np.asarray(probabilities(self.outputs, y)).argmax(axis=1) == self.y[every]
        return self.right[rows].mean() - now.reshape(len(sets), len(rows)).mean(axis=1)


def columns_of(rows: Rows, tasks: list[str]) -> list[tuple[str, str]]:
    """(task, layer), in the order of the rows."""
    found = dict.fromkeys((r["task"], r["metric"].rpartition(": ")[0]) for r in rows)
    return [(task, layer) for task in tasks for of, layer in found if of == task]


def report(rows: Rows) -> Iterator[str]:
    """The lines of report.md."""
    tasks = [task for task in TASKS if draws_of(rows, task)]
    columns = columns_of(rows, tasks)
    yield "# A trained B without the units that a trace names"
    yield ""
    yield "What B loses of its accuracy on a concept's items when an eighth of a layer's units are silenced: points,"
    yield "mean ± standard error over draws, each the mean over concepts."
    for held, words in HELD.items():
        yield ""
        yield f"Units {words}:"
        yield ""
        yield from table(["units", *(f"{titled(rows, task)}: {layer}" for task, layer in columns)], [
            [f"**{way}**" if way == MEASURED else way,
             *(share(values(rows, task, way, LABELS, f"{layer}: {held}")) for task, layer in columns)]
            for way in WAYS
        ] + [
            ["planned, in draws in which the layer was written",
             *(share(if_written(rows, task, layer, values(rows, task, PLANNED, LABELS, f"{layer}: {held}")))
               for task, layer in columns)],
            ["measured, on items of other concepts",
             *(share(values(rows, task, MEASURED, LABELS, f"{layer}: {held} elsewhere")) for task, layer in columns)],
        ])  # fmt: skip
    yield ""
    often = [(task, layer, values(rows, task, WRITTEN, LABELS, f"{layer}: {WRITTEN}")) for task, layer in columns]
    yield "Draws in which the layer was written from the map before training: " + ", ".join(
        f"{task} {layer} {sum(found.values()):.0f}" for task, layer, found in often) + "."
    yield ""
    yield "What it has to show:"
    yield ""
    yield from table(["task: layer", "asked", "found", ""], list(bar(rows, columns)))
    yield ""
    yield from WHY.splitlines()


def if_written(rows: Rows, task: str, layer: str, found: dict[int, float]) -> dict[int, float]:
    """The draws in which the layer was written from the map."""
    written = values(rows, task, WRITTEN, LABELS, f"{layer}: {WRITTEN}")
    return {seed: value for seed, value in found.items() if written.get(seed)}


def bar(rows: Rows, columns: list[tuple[str, str]]) -> Iterator[list[str]]:
    """One row for each thing that has to be shown."""
    for task, layer in columns:
        for held, words in HELD.items():
            for other in (RANDOM, OTHERS, ACTIVE):
                metric = f"{layer}: {held}"
                apart = gain(values(rows, task, MEASURED, LABELS, metric), values(rows, task, other, LABELS, metric))
                met = None if level(apart) is None else apart[0] > 2 * apart[1]
                asked = f"{words}: measured ones cost more than {other}"
                yield [f"{task}: {layer}", asked, points(apart), verdict(met)]


if __name__ == "__main__":
    main("traced", __doc__, TASKS, run, report, draws=5)
