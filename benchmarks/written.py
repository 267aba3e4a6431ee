"""What B's weights are worth that are written from the graph in closed form, and what writing them costs.

    python benchmarks/written.py --draws 8

Tasks: Fashion-MNIST, new classes, and the demo's digits, each with a dense and a convolutional B (`_cnn`). Each draw
has a graph, labels and a B of its own; all rows of a draw see the same. Measured on the test set:

    all pool labels    B from its own weights and from the written ones, after no, one and three epochs; the same with
                       memberships that went one step along the edges of the concepts ("edges")
    one label a class  the graph's targets: B written and not trained, beside B's own weights after 500 steps
    1, 5, all labels   B after 400 steps with early stopping: its own weights, the written ones, and what `fuse` takes by
                       a check after a fifth of the steps; and what a check at the end would have said
    time               the processor's seconds (others may work beside it): `fuse` with a map and without one; and of a B
                       of a million weights and 10,000 items, writing it beside one epoch (task `million`)
"""

from __future__ import annotations

import dataclasses
import json
import statistics
import time
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from paired import Pool, Row, Rows, gain, main, points, read_pool, row, share, titled, values, verdict
from summary import table

if TYPE_CHECKING:
    import keras

TASKS = ("fashion", "fashion_cnn", "digits", "digits_cnn", "million")
ALL = 0  # in the column of labels: every item of the pool has its label
STEPS, FEW_STEPS, EVERY = 400, 500, 20
EDGES = "written, edges"
SHAPES = {"mid": (4, 4, 64)}  # of A's second convolution, as the digits' features hold it; those of fashion say so
WHY = """\
An epoch of the digits is 10 steps, of Fashion-MNIST 79. Edges are no part of how hidden layers are written; that row
says what they would add. The check after a fifth of the steps sees the lead of the written weights, the one at the end
often sees two trained Bs that it cannot tell apart, and then says no: in these cases they disagree."""


def conv_b(size: int, classes: int, seed: int) -> keras.Model:
    """B: two convolutions of 16 and 32 filters, each pooled, and a Dense of 64; untrained."""
    from kgkt.source.quiet import keras as import_keras

    keras = import_keras()
    keras.utils.set_random_seed(seed)
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((size, size, 1), name="image"),
            layers.Conv2D(16, 3, padding="same", activation="relu", name="conv1"),
            layers.MaxPooling2D(name="pool1"),
            layers.Conv2D(32, 3, padding="same", activation="relu", name="conv2"),
            layers.MaxPooling2D(name="pool2"),
            layers.Flatten(name="flat"),
            layers.Dense(64, activation="relu", name="hidden"),
            layers.Dense(classes, activation="softmax", name="out"),
        ],
        name="b",
    )


def run(task: str, draws: range) -> Iterator[Row]:
    """The rows of a task and its draws."""
    if task == "million":
        for seed in draws:
            yield from million(seed)
        return
    pool = read_pool(task.removesuffix("_cnn"))
    prepared = pool.prepared
    build = prepared.b
    if task.endswith("_cnn"):
        build = partial(conv_b, prepared.pool_x.shape[1])
    for seed in draws:
        yield from Draw(task, pool, build, seed).rows()


class Draw:
    """One draw of a task: its graph, its B and what is measured of them."""

    def __init__(self, task: str, pool: Pool, build: Any, seed: int) -> None:
        from kgkt.transfer.blocks import read_blocks
        from kgkt.transfer.places import places_for
        from kgkt.transfer.trainer import Trainer

        self.task, self.seed, self.prepared, self.view = task, seed, pool.prepared, pool.drawn(seed)
        self.classes = len(pool.prepared.names)
        self.build = partial(build, self.classes, seed)
        self.b = Trainer(self.build())
        features = pool.prepared.features
        if "shapes" not in features.meta:
            features = dataclasses.replace(features, meta=features.meta | {"shapes": json.dumps(SHAPES)})
        self.blocks = read_blocks(self.b.model)
        start = time.process_time()
        self.places = places_for(features, self.blocks, seed)
        self.seconds_of_places = time.process_time() - start

    def rows(self) -> Iterator[Row]:
        yield from self.epochs()
        for labels in (1, 5, ALL):
            yield from self.to_the_end(labels)
        yield from self.times()

    def row(self, method: str, labels: int, metric: str, value: float, seconds: float = 0.0) -> Row:
        return row(self.task, method, labels, self.seed, metric, float(value), seconds)

    def targets(self, labels: int) -> tuple[Any, Any]:
        """What is taught: the graph's answer from some labels a class, or the true class of every item."""
        from kgkt.transfer.teacher import teach
        from kgkt.values import Labels, Targets

        y, names, view = self.prepared.pool_y, self.prepared.names, self.view
        if labels == ALL:
            P = np.eye(self.classes, dtype=np.float32)[y]
            mass = np.asarray(view.Z.T @ P)
            mass /= np.maximum(mass.sum(axis=1, keepdims=True), 1e-12)
            none = Labels(np.zeros(0, int), np.zeros(0, int), names)
            return Targets(P, np.ones(len(y)), mass, names, 0.0, "none"), none
        rng = np.random.default_rng(self.seed)
        items = np.concatenate([rng.choice(np.flatnonzero(y == k), labels, False) for k in range(self.classes)])
        given = Labels(items, y[items], names)
        taught = teach(view.graph, view.Z, given, view.head, spread="both", prior=self.prepared.prior,
                       spreader=view.spreader, neighbours=view.near)
        return taught, given

    def written(self, targets: Any, P: Any, rows: Any, edges: bool = False) -> tuple[list[Any], float]:
        """B's variables with all layers written, and the processor's seconds for it."""
        from kgkt.transfer.write import Origin, write_layers

        start = time.process_time()
        Z = along_edges(self.view) if edges else self.view.Z
        self.b.reset()
        write_layers(self.b.model, Origin(self.prepared.pool_x, rows, self.block_map(targets, Z), Z, (P, P),
                                          self.places, self.seed), self.b.outputs)
        return self.b.weights(), time.process_time() - start

    def block_map(self, targets: Any, Z: Any) -> Any:
        from kgkt.transfer.mapper import plan_map
        from kgkt.transfer.places import plan_filters

        block_map = plan_map(self.blocks, self.view.graph.centroids, targets.mass, Z, self.seed)
        return plan_filters(block_map, self.blocks, self.places, Z, self.seed)

    def accuracy(self) -> float:
        return self.b.accuracy(self.prepared.test_x, self.prepared.test_y)

    def epochs(self) -> Iterator[Row]:
        """From B's own and from written weights, all labels."""
        targets, _ = self.targets(ALL)
        P, n = np.asarray(targets.P), len(targets.P)
        epoch = -(-n // self.b.batch)
        for method in ("own", "written", EDGES):
            start, seconds = (self.b.initial, 0.0) if method == "own" else self.written(
                targets, P, np.arange(n), method == EDGES)
            self.b.reset(start)
            yield self.row(method, ALL, "start", self.accuracy(), seconds)
            began = time.process_time()
            for taken in self.b.course(self.prepared.pool_x, P, np.ones(n), 3 * epoch, self.seed, {}, every=epoch):
                spent = time.process_time() - began
                if taken != 2 * epoch:
                    yield self.row(method, ALL, f"epoch{taken // epoch}", self.accuracy(), spent)
                began = time.process_time() - spent

    def to_the_end(self, labels: int) -> Iterator[Row]:
        """400 steps with early stopping from both starts, the check after a fifth of them and the one at the end."""
        from kgkt.transfer.check import Course, check_steps, paired
        from kgkt.transfer.fuse import split
        from kgkt.transfer.options import FuseOptions
        from kgkt.transfer.write import HEAD_GAIN, Origin, training_targets, write_layers

        targets, given = self.targets(labels)
        P, weight = training_targets(targets, given, FuseOptions().sharpen)
        rows, held = split(weight, given, FuseOptions(seed=self.seed))
        assert held is not None
        x = self.prepared.pool_x
        ends, checks = {}, {}
        for method, start in (("own", self.b.initial), ("written", self.written(targets, P, rows)[0])):
            course = Course(self.b, start, lambda history: self.b.course(
                x, P, weight, STEPS, self.seed, history, rows=rows, held_out=held, every=EVERY))  # fmt: skip
            course.go(check_steps(STEPS, EVERY))
            checks[method] = self.b.losses(x, P, held)
            course.go()
            ends[method] = self.accuracy(), self.b.losses(x, P, held)
            yield self.row(method, labels, "end", ends[method][0])
            yield self.row(method, labels, "steps", len(course.history["loss"]))
        short, long = (bool(g > e) for g, e in (paired(checks["own"], checks["written"]),
                                               paired(ends["own"][1], ends["written"][1])))
        yield self.row("auto", labels, "end", ends["written" if short else "own"][0])
        yield self.row("long check", labels, "end", ends["written" if long else "own"][0])
        yield self.row("auto", labels, "kept", short)
        yield self.row("long check", labels, "kept", long)
        if labels == 1:
            self.b.reset()
            write_layers(self.b.model, Origin(x, rows, self.block_map(targets, self.view.Z), self.view.Z, (P, P),
                                              self.places, self.seed, HEAD_GAIN), self.b.outputs)
            yield self.row("written", labels, "start", self.accuracy())
            self.b.reset()
            self.b.train(x, P, weight, FEW_STEPS, self.seed, rows=rows, held_out=held, every=EVERY)
            yield self.row("own", labels, "after500", self.accuracy())

    def times(self) -> Iterator[Row]:
        """`fuse` with a map and without one, of Bs that were never compiled; A's places are read anew."""
        from kgkt.transfer.fuse import fuse
        from kgkt.transfer.options import FuseOptions

        targets, given = self.targets(5)
        for method, mapped in (("fuse without a map", {}), ("fuse with a map", {
            "block_map": self.block_map(targets, self.view.Z), "memberships": self.view.Z, "places": self.places,
        })):  # fmt: skip
            model, start = self.build(), time.process_time()
            fuse(model, self.prepared.pool_x, targets, given, options=FuseOptions(seed=self.seed), **mapped)
            seconds = time.process_time() - start + (self.seconds_of_places if mapped else 0.0)
            yield self.row(method, 5, "seconds", seconds, seconds)


def along_edges(view: Any) -> Any:
    """Memberships after one step along the edges of the concepts, half of each staying; rows sum to 1."""
    from scipy.sparse import coo_matrix, identity

    k, (a, b) = len(view.graph), view.graph.edges.T
    E = coo_matrix((view.graph.weights, (a, b)), shape=(k, k)).tocsr()
    E = E + E.T
    walk = E.multiply(1 / np.maximum(np.asarray(E.sum(axis=1)), 1e-12)).tocsr()
    Z = view.Z @ (0.5 * identity(k) + 0.5 * walk)
    return Z.multiply(1 / np.maximum(np.asarray(Z.sum(axis=1)), 1e-12)).tocsr()


def million(seed: int) -> Iterator[Row]:
    """Writing a B of a million weights from 10,000 made-up items, beside an epoch of it on them."""
    from scipy.sparse import csr_matrix

    from kgkt.source.quiet import keras as import_keras
    from kgkt.transfer.blocks import read_blocks
    from kgkt.transfer.mapper import plan_map
    from kgkt.transfer.places import Places, plan_filters
    from kgkt.transfer.trainer import Trainer
    from kgkt.transfer.write import Origin, write_layers

    keras, n, k, c = import_keras(), 10_000, 1000, 10
    layers, rng = keras.layers, np.random.default_rng(seed)
    x = rng.random((n, 28, 28, 1), dtype=np.float32)
    P = np.eye(c, dtype=np.float32)[rng.integers(0, c, n)]
    Z = csr_matrix((np.full(3 * n, 1 / 3), (np.repeat(np.arange(n), 3), rng.integers(0, k, 3 * n))), shape=(n, k))
    places = Places("mid", (4, 4), np.arange(n), rng.integers(0, 128, (n, 16, 3)).astype(np.int16),
                    np.full((n, 16, 3), 1 / 3, np.float32), rng.normal(size=(128, 32)), np.full(128, 80))
    bodies = {
        "dense": [layers.Flatten(), layers.Dense(1000, "relu"), layers.Dense(210, "relu")],
        "convolutions": [layers.Conv2D(16, 3, 2, "same", activation="relu"),
                         layers.Conv2D(32, 3, 2, "same", activation="relu"), layers.Flatten(),
                         layers.Dense(630, "relu")],
    }  # fmt: skip
    for kind, body in bodies.items():
        model = keras.Sequential([keras.Input((28, 28, 1)), *body, layers.Dense(c, "softmax")])
        b, blocks = Trainer(model), read_blocks(model)
        block_map = plan_filters(plan_map(blocks, rng.normal(size=(k, 32)), rng.random((k, c)), Z, seed), blocks,
                                 places, Z, seed)
        b.train(x, P, np.ones(n), 20, seed, every=20)  # compiled before it is measured
        b.reset()
        start = time.process_time()
        write_layers(model, Origin(x, np.arange(n), block_map, Z, (P, P), places, seed), b.outputs)
        seconds = {"writing": time.process_time() - start}
        b.reset()
        start = time.process_time()
        b.train(x, P, np.ones(n), -(-n // b.batch), seed, every=EVERY)
        seconds["one epoch"] = time.process_time() - start
        yield row("million", kind, ALL, seed, "weights", model.count_params())
        for what, spent in seconds.items():
            yield row("million", f"{kind}, {what}", ALL, seed, "seconds", spent, spent)


def report(rows: Rows) -> Iterator[str]:
    """The lines of report.md."""
    tasks = [task for task in TASKS if task != "million" and any(r["task"] == task for r in rows)]
    yield "# Weights that are written from the graph"
    yield ""
    yield ("Test accuracy in per cent, mean ± standard error over draws; gains are paired. Bs of Fashion-MNIST's new "
           "classes and of the demo's digits, dense and convolutional (_cnn).")  # fmt: skip
    yield ""
    yield "## All pool labels: B's own weights and the written ones"
    yield ""
    yield from table(("task", "", "no step", "one epoch", "three epochs", "gain after one", "after three"),
                     [cells for task in tasks for cells in epoch_rows(rows, task)])
    yield ""
    yield WHY
    yield ""
    yield "## One label a class: written and not trained"
    yield ""
    yield from table(("task", "written, no step", "own weights, 500 steps", "difference"),
                     [(titled(rows, task), share(few(rows, task)[0]), share(few(rows, task)[1]),
                       points(gain(*few(rows, task)))) for task in tasks])
    yield ""
    yield "## Trained to the end, and what the check says"
    yield ""
    yield from table(
        ("task", "labels a class", "own weights", "written", "as `auto` decides", "auto against own", "worst draw",
         "`auto` writes", "a check at the end would", "they disagree"),
        [end_row(rows, task, labels) for task in tasks for labels in (1, 5, ALL)])
    yield ""
    yield "## Time"
    yield ""
    yield from table(("", "seconds of the processor"), list(time_rows(rows, tasks)))
    yield ""
    yield "## The bar"
    yield ""
    yield from (f"- {line}: {verdict(met)}" for line, met in bar(rows, tasks))


def epoch_rows(rows: Rows, task: str) -> Iterator[tuple[str, ...]]:
    """The starts of a task."""
    own = {metric: values(rows, task, "own", ALL, metric) for metric in ("start", "epoch1", "epoch3")}
    for method in ("own", "written", EDGES):
        found = {metric: values(rows, task, method, ALL, metric) for metric in own}
        gains = ["", ""] if method == "own" else [points(gain(found[m], own[m])) for m in ("epoch1", "epoch3")]
        name = "its own" if method == "own" else method
        yield titled(rows, task), name, *(share(found[metric]) for metric in own), *gains


def few(rows: Rows, task: str) -> tuple[dict[int, float], dict[int, float]]:
    """Written without a step, and own weights after 500, at one label a class."""
    return values(rows, task, "written", 1, "start"), values(rows, task, "own", 1, "after500")


def end_row(rows: Rows, task: str, labels: int) -> tuple[str, ...]:
    """How trainings of a task end."""
    end = {method: values(rows, task, method, labels, "end") for method in ("own", "written", "auto", "long check")}
    kept = {method: values(rows, task, method, labels, "kept") for method in ("auto", "long check")}
    n, apart = len(kept["auto"]), sum(kept["auto"][s] != kept["long check"][s] for s in kept["auto"])
    worst = min(end["auto"][s] - end["own"][s] for s in end["own"])
    return (titled(rows, task), "all" if labels == ALL else str(labels), share(end["own"]), share(end["written"]),
            share(end["auto"]), points(gain(end["auto"], end["own"])), f"{100 * worst:+.1f}",
            f"{sum(kept['auto'].values()):.0f} of {n}", f"{sum(kept['long check'].values()):.0f} of {n}",
            f"{apart} of {n}")


def time_rows(rows: Rows, tasks: list[str]) -> Iterator[tuple[str, str]]:
    """Means over draws."""
    for task in tasks:
        for method in ("fuse without a map", "fuse with a map"):
            yield f"{task}: {method}", f"{mean(rows, task, method, 5, 'seconds'):.1f}"
    for kind in ("dense", "convolutions"):
        if found := values(rows, "million", kind, ALL, "weights"):
            for what in ("writing", "one epoch"):
                spent = mean(rows, "million", f"{kind}, {what}", ALL, "seconds")
                yield f"{kind}, {next(iter(found.values())):,.0f} weights, 10,000 items: {what}", f"{spent:.1f}"


def mean(rows: Rows, task: str, method: str, labels: int, metric: str) -> float:
    """Over the draws; NaN of none."""
    found = values(rows, task, method, labels, metric)
    return statistics.fmean(found.values()) if found else float("nan")


def bar(rows: Rows, tasks: list[str]) -> Iterator[tuple[str, bool | None]]:
    """What was asked for, and whether it is so."""
    for task in [task for task in tasks if task.endswith("_cnn")]:
        for metric, least in (("epoch1", 2.0), ("epoch3", 1.5)):
            found = gain(values(rows, task, "written", ALL, metric), values(rows, task, "own", ALL, metric))
            yield (f"{task}: +{least:g} points after {'one epoch' if metric == 'epoch1' else 'three epochs'} "
                   f"({points(found)})", found and 100 * found[0] >= least)  # fmt: skip
    for task in tasks:
        found = gain(*few(rows, task))
        yield (f"{task}: written without a step at most 2 points below 500 steps, one label a class ({points(found)})",
               found and 100 * found[0] >= -2)
    for task in tasks:
        apart = [gain(values(rows, task, "auto", labels, "end"), values(rows, task, "own", labels, "end"))
                 for labels in (1, 5, ALL)]
        least = min((100 * one[0] for one in apart if one), default=float("nan"))
        yield f"{task}: no mean more than 1 point below the same B not written (least {least:+.1f})", least >= -1
    for task in tasks:
        once, other = (mean(rows, task, method, 5, "seconds") for method in ("fuse with a map", "fuse without a map"))
        yield f"{task}: fuse with a map at most twice fuse without ({once / other:.1f} times)", once <= 2 * other
    for kind in ("dense", "convolutions"):
        spent, epoch = (mean(rows, "million", f"{kind}, {what}", ALL, "seconds") for what in ("writing", "one epoch"))
        yield (f"{kind}: writing a million weights from 10,000 items under one epoch ({spent / epoch:.2f} of it)",
               None if np.isnan(spent) else spent < epoch)


if __name__ == "__main__":
    main("written", __doc__, TASKS, run, report, draws=8)
