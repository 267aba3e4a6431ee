"""A trained B grows: it knows eight of ten classes, and gets the other two from five labels each.

    python benchmarks/grown.py --tasks digits --draws 10

B is trained on pictures with true labels of eight classes; which two are new is drawn. The pool has all ten, and five
labels of each new class: nobody labels an old one. Judged on the test set, old and new classes apart, and on the items
of the pool that are of a new class and have no label, where the graph's own answer can be judged too. No class shares
are stated. All rows that train take 400 steps at most, but for those trained from the beginning.

    before            B as it was
    graph             the graph's answer for the pool, to which B's own answers were added (kgkt/transfer/grow.py)
    kgkt              fuse --grow classes=a,b
    kgkt, wider       with twice as many units in the last hidden layer
    head, no graph    the same with a logistic head on A's features, and its rounds, in the place of the graph
    labels alone      the new slots trained into B on the ten labels
    labels and B      the same, and B's own answers for the rest of the pool (Li & Hoiem 2016, without a graph)
    same targets      an untrained B of ten outputs on what kgkt teaches
    old data          a B trained from the beginning on its old data and the ten labels, each as often as an old class
    old data, truth   the same with the true classes of the pool's new items: what no label could buy
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
from paired import Row, Rows, draws_of, gain, main, points, read_pool, row, share, titled, values, verdict
from summary import table

TASKS = ("digits", "fashion_same")
OLD, NEW, LABELS, STEPS = 8, 2, 5, 400
EPOCHS = {"digits": 30, "fashion_same": 5}
LEARNED = 6000  # pictures that B learned from, of Fashion-MNIST's first ones, which the pool does not have
OURS, GRAPH, BEFORE, HEAD = "kgkt", "graph", "before", "head, no graph"
METHODS = (BEFORE, GRAPH, OURS, "kgkt, wider", HEAD, "labels alone", "labels and B", "same targets", "old data",
           "old data, truth")  # fmt: skip
METRICS = {"test_old": "test, old classes", "test_new": "test, new classes", "pool_new": "pool, new classes"}
MOST_LOST, MOST_BEHIND = 0.01, 0.03
WHY = """\
A grown B needs none of its old data. On Fashion-MNIST it loses about as much of the old classes as a B that is trained
anew and told the truth: coats, pullovers, shirts and dresses look alike, and with eight classes fewer of them had to be
told apart. So the first line of the bar asks there for what a retrained B does not do either. Five labels find fewer
items of the new classes than the truth does. On the pool's own items B follows the graph; on the test set, which the
graph never saw, it is further behind. More units do not help here. Without a graph B's own answers leave next to
nothing to the new classes, whose items B calls by old names, and the labels alone leave nothing of the old ones."""


def learned(task: str) -> tuple[np.ndarray, np.ndarray]:
    """What B learns from, all ten classes."""
    if task == "digits":
        from kgkt.demo import digits

        split = digits.make_split(0)
        return split.a_x, split.a_y
    from tasks.fashion import images

    x, y = images("train")
    return x[:LEARNED], y[:LEARNED]


def run(task: str, draws: range) -> Iterator[Row]:
    """The rows of one task; a draw has its own new classes, labels, concepts and B."""
    from kgkt.transfer.grow import answers
    from kgkt.transfer.trainer import Trainer
    from kgkt.transfer.widen import add_slots, widen

    pool = read_pool(task)
    prepared, (seen_x, seen_y) = pool.prepared, learned(task)
    small, large = Trainer(prepared.b(OLD, 0)), Trainer(prepared.b(OLD + NEW, 0))
    grown = Trainer(add_slots(small.model, small.outputs, NEW))
    last = small.model.layers[-2]
    wider = Trainer(add_slots(widen(small.model, last.name, 2 * last.units)[0], small.outputs, NEW))
    for seed in draws:
        case = Case(prepared, seen_x, seen_y, seed)
        train(small, case.seen_x, case.seen_y, OLD, EPOCHS[task], seed)
        own = answers(small.model, small.outputs, prepared.pool_x)
        yield from case.judged(task, BEFORE, small, 0.0, old_only=True)
        start = time.perf_counter()
        view = pool.drawn(seed)
        answer, taught = teach_grown(case, own, partial(by_graph, view))
        told = time.perf_counter() - start
        yield row(task, GRAPH, LABELS, seed, "pool_new", case.right(answer.P.argmax(axis=1)), told)
        _, headed = teach_grown(case, own, partial(by_head, view))
        for method, trainer, targets in ((OURS, grown, taught), ("kgkt, wider", wider, taught), (HEAD, grown, headed)):
            start = time.perf_counter()
            grow_b(trainer, small, case, targets, view)
            yield from case.judged(task, method, trainer, told + time.perf_counter() - start)
        yield from controls(task, case, grown, small, large, own, taught, seed)


def new_classes(rng: np.random.Generator) -> np.ndarray:
    """Which classes are new: the first thing that is drawn."""
    return np.sort(rng.choice(OLD + NEW, NEW, replace=False))


class Case:
    """One draw: two new classes, five labels each, old classes first.

    Args:
        prepared: the task.
        seen_x, seen_y: what B learns from, all ten classes.
        seed: of the draw.
    """

    def __init__(self, prepared: Any, seen_x: np.ndarray, seen_y: np.ndarray, seed: int) -> None:
        from kgkt.values import Labels

        rng = np.random.default_rng([seed, OLD])
        new = new_classes(rng)
        order = np.concatenate([np.setdiff1d(np.arange(OLD + NEW), new), new])
        place = np.argsort(order)
        items = np.concatenate([rng.choice(np.flatnonzero(prepared.pool_y == c), LABELS, replace=False) for c in new])
        self.seed, self.prepared = seed, prepared
        self.pool_y, self.test_y = place[prepared.pool_y], place[prepared.test_y]
        keep = place[seen_y] < OLD
        self.seen_x, self.seen_y = seen_x[keep], place[seen_y][keep]
        self.labels = Labels(items, self.pool_y[items], tuple(str(c) for c in order))
        self.unsaid = np.setdiff1d(np.flatnonzero(self.pool_y >= OLD), items)

    def right(self, predicted: np.ndarray) -> float:
        """Share of the unlabelled items of new classes in the pool that are called so."""
        return float((predicted == self.pool_y)[self.unsaid].mean())

    def judged(self, task: str, method: str, b: Any, seconds: float, old_only: bool = False) -> Iterator[Row]:
        """The rows of a B."""
        right, old = b.right(self.prepared.test_x, self.test_y), self.test_y < OLD
        found = {"test_old": float(right[old].mean())}
        if not old_only:
            found |= {"test_new": float(right[~old].mean()),
                      "pool_new": self.right(b.predict(self.prepared.pool_x).argmax(axis=1))}  # fmt: skip
        for metric, value in found.items():
            yield row(task, method, LABELS, self.seed, metric, value, seconds)


def train(b: Any, x: np.ndarray, y: np.ndarray, classes: int, epochs: int, seed: int, weight: Any = None) -> None:
    """Train a B from its first weights on true classes."""
    b.reset()
    steps = epochs * (len(x) // b.batch)
    b.train(x, np.eye(classes, dtype=np.float32)[y], np.ones(len(x)) if weight is None else weight, steps, seed,
            every=steps)  # fmt: skip


def teach_grown(case: Case, own: np.ndarray, answered: Callable[[Any], Any]) -> tuple[Any, Any]:
    """The answer once B spoke for its own classes, and what the grown B is taught; as `fuse --grow` does it."""
    from kgkt.proof.answers import SHARPEN
    from kgkt.transfer.grow import ask_graph, beside_new, grown_targets

    own, kept = beside_new(own, NEW), np.arange(OLD + NEW) < OLD
    answer, _ = ask_graph(case.labels, own, kept, answered, case.seed)
    return answer, grown_targets(answer, own, kept, SHARPEN)


def by_graph(view: Any, labels: Any) -> Any:
    """The teacher on the graph, as `propagate` does it."""
    from kgkt.proof.answers import through_graph

    return through_graph(OURS, view, labels, None).targets


def by_head(view: Any, labels: Any) -> Any:
    """A logistic head on A's features of the labelled items, with the rounds of the teacher."""
    from kgkt.concepts.propagate import make_seeds
    from kgkt.proof import baselines
    from kgkt.proof.answers import as_targets
    from kgkt.transfer.head import head
    from kgkt.transfer.teacher import refit_rounds

    seeds = make_seeds(labels)
    P = refit_rounds(head(view.head, seeds, None), view.head, None, len(labels.names))
    return as_targets(baselines.answer(P, seeds, labels), labels)


def grow_b(b: Any, small: Any, case: Case, taught: Any, view: Any) -> None:
    """Give the compiled B of ten outputs what the trained one of eight knows, write what is new, and train it."""
    from kgkt.proof.answers import SHARPEN
    from kgkt.transfer.fuse import FuseOptions, split
    from kgkt.transfer.grow import write_slots, write_units
    from kgkt.transfer.widen import add_slots, widen
    from kgkt.transfer.write import training_targets

    model, x, seed = small.model, case.prepared.pool_x, case.seed
    hidden, units = b.model.layers[-2].name, b.model.layers[-2].units
    had = small.model.layers[-2].units
    if units > had:
        model = widen(model, hidden, units)[0]
    b.reset(add_slots(model, small.outputs, NEW).get_weights())
    if units > had:
        write_units(b.model, hidden, had, x, view.Z, view.graph.centroids, view.graph.active, seed)
    P, weight = training_targets(taught, case.labels, SHARPEN)
    write_slots(b.model, b.outputs, x, P, OLD)
    options = FuseOptions(steps=STEPS, seed=seed)
    rows, held = split(weight, case.labels, options)
    b.train(x, P, weight, STEPS, seed, rows=rows, held_out=held, every=options.every, patience=options.patience)


def controls(
    task: str, case: Case, grown: Any, small: Any, large: Any, own: np.ndarray, taught: Any, seed: int
) -> Iterator[Row]:
    """What else a user could do."""
    from kgkt.proof.answers import SHARPEN
    from kgkt.transfer.widen import add_slots
    from kgkt.transfer.write import training_targets

    x, labels = case.prepared.pool_x, case.labels
    said = np.hstack([own, np.zeros((len(own), NEW), np.float32)])
    said[labels.items] = np.eye(OLD + NEW)[labels.classes]
    spoken = np.zeros(len(x))
    spoken[labels.items] = 1.0
    even = np.full(len(x), 1.0)
    even[labels.items] = len(x) / OLD / LABELS  # five labels weigh as much as the items of an old class
    start = add_slots(small.model, small.outputs, NEW).get_weights()
    start[-1][OLD:] = start[-1][:OLD].mean()  # silent slots would take long to be heard
    for method, weight in (("labels alone", spoken), ("labels and B", even)):
        clock = time.perf_counter()
        grown.reset(start)
        grown.train(x, said, weight, STEPS, seed, every=STEPS)
        yield from case.judged(task, method, grown, time.perf_counter() - clock)
    P, weight = training_targets(taught, labels, SHARPEN)
    clock = time.perf_counter()
    large.reset()
    large.train(x, P, weight, STEPS, seed, every=STEPS)
    yield from case.judged(task, "same targets", large, time.perf_counter() - clock)
    for method, items in (("old data", labels.items), ("old data, truth", np.flatnonzero(case.pool_y >= OLD))):
        clock = time.perf_counter()
        all_x, all_y = np.concatenate([case.seen_x, x[items]]), np.concatenate([case.seen_y, case.pool_y[items]])
        counts = np.bincount(all_y, minlength=OLD + NEW)
        weight = np.where(all_y < OLD, 1.0, len(case.seen_y) / OLD / counts[all_y])
        train(large, all_x, all_y, OLD + NEW, EPOCHS[task], seed, weight)
        yield from case.judged(task, method, large, time.perf_counter() - clock)


def report(rows: Rows) -> Iterator[str]:
    """The lines of report.md."""
    yield "# A trained B grows"
    yield ""
    yield "A B of eight classes gets two more from five labels each; which two are new is drawn. Per cent, mean ±"
    yield "standard error over draws; in the last column the old classes beside what B had of them before, in points."
    for task in (task for task in TASKS if draws_of(rows, task)):
        yield ""
        yield f"{titled(rows, task)}:"
        yield ""
        cells = [[f"**{method}**" if method == OURS else method,
                  *(share(values(rows, task, method, LABELS, metric)) for metric in METRICS),
                  points(gain(values(rows, task, method, LABELS, "test_old"),
                              values(rows, task, BEFORE, LABELS, "test_old")))] for method in METHODS]  # fmt: skip
        yield from table(["", *METRICS.values(), "old, beside before"], cells)
    yield ""
    yield from by_draw(rows, "fashion_same")
    yield "What it has to show:"
    yield ""
    yield from table(["asked", "found", ""], list(bar(rows)))
    yield ""
    yield from WHY.splitlines()


def by_draw(rows: Rows, task: str) -> Iterator[str]:
    """What became of the old classes in each draw of Fashion-MNIST, by which ones were new."""
    from tasks.fashion import NAMES

    before, ours, truth = (values(rows, task, method, LABELS, "test_old")
                           for method in (BEFORE, OURS, "old data, truth"))  # fmt: skip
    if not before:
        return
    yield f"{task}, old classes beside before, in points, by what is new:"
    yield ""
    cells = [[", ".join(NAMES[c] for c in new_classes(np.random.default_rng([seed, OLD]))),
              *(f"{100 * (found[seed] - before[seed]):+.1f}" for found in (ours, truth))] for seed in sorted(ours)]
    yield from table(["new", OURS, "old data, truth"], sorted(cells, key=lambda cell: float(cell[1])))
    yield ""


def bar(rows: Rows) -> Iterator[list[str]]:
    """One row for each thing that has to be shown."""
    for task in TASKS:
        ours = {metric: values(rows, task, OURS, LABELS, metric) for metric in METRICS}
        graph = values(rows, task, GRAPH, LABELS, "pool_new")
        lost = gain(ours["test_old"], values(rows, task, BEFORE, LABELS, "test_old"))
        yield [f"{task}: old classes not more than 1 point below before", points(lost),
               verdict(None if lost is None else lost[0] >= -MOST_LOST)]  # fmt: skip
        for metric, where in (("pool_new", "on the same items"), ("test_new", "on the test set")):
            behind = gain(ours[metric], graph)
            yield [f"{task}: new classes not more than 3 below the graph's answer, {where}", points(behind),
                   verdict(None if behind is None else behind[0] >= -MOST_BEHIND)]  # fmt: skip
        for method in (HEAD, "labels alone", "labels and B", "old data"):
            theirs = [values(rows, task, method, LABELS, metric) for metric in ("test_old", "test_new")]
            if ours["test_new"] and theirs[0]:
                means = [[statistics.fmean(v.values()) for v in pair]
                         for pair in ((ours["test_old"], ours["test_new"]), theirs)]  # fmt: skip
                mine, other = ((OLD * old + NEW * new) / (OLD + NEW) for old, new in means)
                yield [f"{task}: all ten classes, ahead of {method}", f"{100 * mine:.1f} and {100 * other:.1f} %",
                       verdict(mine > other)]  # fmt: skip


if __name__ == "__main__":
    main("grown", __doc__, TASKS, run, report, draws=10)
