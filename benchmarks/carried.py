"""What `fuse --carry concepts` leaves in B: a second task, of which no label spoke, read from its last hidden layer.

    python benchmarks/carried.py --tasks fashion_mlp --draws 5

B learns its own classes from two labels a class (emoji: five) through the teacher, 500 Adam steps, and beside them
what each row says. Then a logistic head (C=.1) is fitted to few labels of the second task on what B's last hidden layer
makes of their items, each unit with mean 0 and deviation 1; it is judged on the others (mean of five draws of these
labels).

    fashion_mlp, fashion_cnn   B's classes: Fashion-MNIST 5-9; second task: 0-4, which A learned and the pool lacks
    fashion_coarse             B's classes: tops, shoes, the rest; second task: the ten kinds, which A learned
    emoji                      B's classes: eight categories; second task: their subcategories, on pictures new to B

    pixels, B untrained        the probe on the second task's items themselves, and through B before any training
    targets only               B as `fuse` makes it without --carry
    concepts                   as `fuse --carry concepts` does
    ... of pixels, of an untrained A, shuffled   the same with concepts of no use, to a different degree
    ... by a free softmax      the same concepts through a head with a vector of its own for each, not A's centroids
    A's embedding              by mean squares, through a linear layer that is taken off, weight 1
    FeatureDistillation        keras.distillation's loss on A's last layer, likewise
    keras distillation         the same loss beside the labels alone, as Keras's Distiller weighs them: no graph at all
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from paired import Row, Rows, draws_of, gain, main, points, read_pool, row, seen, share, titled, values
from summary import table
from tasks import second
from tasks.fashion_digits import build_b as small_cnn
from tasks.prepared import array_features, folder

from kgkt.proof.second import hidden, probe
from kgkt.transfer.carry import ConceptHead, carried
from kgkt.transfer.trainer import Trainer

STEPS, MORE = 500, 2000
BASE, OURS = "targets only", "concepts"
CONTROLS = ("concepts of pixels", "concepts of an untrained A", "concepts, shuffled", "concepts by a free softmax")
MATCHED = ("A's embedding", "FeatureDistillation")
METHODS = ("pixels", "B untrained", "keras distillation", BASE, OURS, *CONTROLS, *MATCHED)
# when it helps: what is other than in the rows above
WHEN = ("concepts, 50 of them", "concepts, weight 0.3", "concepts, weight 3", "concepts into the layer before",
        "targets only, 2,000 steps", "concepts, 2,000 steps", "targets only, B four times as wide",
        "concepts, B four times as wide")  # fmt: skip

WHY = """\
Taught its own classes alone, B tells other ones apart worse than before any training; what is carried gives that back,
and more. Most of it is the pool's structure: concepts of the pixels or of an untrained A do most of it, and shuffled
ones a part, for they too keep its units apart. A's features by mean squares are level with concepts, or ahead; what is
carried by concepts is what people have read, corrected and switched off. Where the pixels say more than any B, read the
second task from them. On Fashion-MNIST's new classes 50 concepts do about as well as a tenth of the items, and so does
a third of the weight; the layer before the last hidden one is a worse place, so there is no option for it; a wider B
forgets less by itself, and gains less."""


@dataclass(frozen=True)
class Asked:
    """One task.

    Args:
        pool: of paired.read_pool.
        b: gives B of (classes, seed).
        second: gives the second task's items and classes.
        labels: of B's own classes, each.
        probes: labels of the second task's classes, each.
        when: whether the rows of WHEN are run.
        coarse: whether B's classes are groups of the pool's.
    """

    pool: str
    b: Callable[[int, int], Any] | None
    second: Callable[[], tuple[np.ndarray, np.ndarray]]
    labels: int = 2
    probes: tuple[int, ...] = (5, 20)
    when: bool = False
    coarse: bool = False


TASKS = {
    "fashion_mlp": Asked("fashion", None, second.old_clothes, when=True),
    "fashion_cnn": Asked("fashion", small_cnn, second.old_clothes),
    "fashion_coarse": Asked("fashion_same", None, second.all_clothes, coarse=True),
    "emoji": Asked("emoji", None, second.subcategories, labels=5, probes=(5, 10)),
}


class FreeHead(ConceptHead):
    """The same with a linear answer for every concept, which its centroid has no part in."""

    def loss(self, place: Any, wanted: Any) -> Any:
        """Cross-entropy of the answer."""
        import tensorflow as tf

        return tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(wanted, place))

    def told(self, *_: Any) -> None:
        """Not asked."""


class SquaresHead(FreeHead):
    """The same with a linear answer, brought to `wanted` by mean squares."""

    def loss(self, place: Any, wanted: Any) -> Any:
        """Mean of the squares over items and columns."""
        import tensorflow as tf

        return tf.reduce_mean(tf.square(place - wanted))


class KerasHead(SquaresHead):
    """The same with the loss of `keras.distillation.FeatureDistillation`, as it comes."""

    def loss(self, place: Any, wanted: Any) -> Any:
        """What Keras makes of both."""
        import keras

        return keras.distillation.FeatureDistillation().compute_loss(wanted, place)


class EarlierHead(ConceptHead):
    """Concepts into what comes into the layer before B's head."""

    def __init__(self, model: Any, wanted: Any, centroids: np.ndarray, weight: float = 1.0) -> None:
        import keras

        super().__init__(model, wanted, centroids, weight)
        before = [layer for layer in model.layers if isinstance(layer, keras.layers.Dense)][-2]
        self.path, self.layer = before.name, before
        shape = int(before.kernel.shape[0]), int(centroids.shape[1])
        self._first[0] = np.zeros(shape, np.float32)
        self.variables[0] = keras.Variable(self._first[0], dtype="float32", name="carry_kernel")


Given = tuple[Any, np.ndarray] | None  # what a head learns (n, k), and the centroids (k, e)


def plain(wanted: Any) -> Given:
    """What a head learns that has no use for centroids."""
    return wanted, np.zeros((wanted.shape[1], wanted.shape[1]), np.float32)


class Bench:
    """What the draws of a task share: B's compiled trainings, and the second task.

    Args:
        asked: the task.
    """

    def __init__(self, asked: Asked) -> None:
        self.asked, self.pool = asked, read_pool(asked.pool)
        if asked.coarse:
            self.pool = replace(self.pool, prepared=second.coarse(self.pool.prepared))
        prepared = self.pool.prepared
        self.b = partial(asked.b or prepared.b, len(prepared.names))
        self.x, self.y = asked.second()
        self._trainers: dict[Any, Trainer] = {}

    def trainer(self, kind: type[ConceptHead] | None, given: Given, weight: float, b: Callable[[int], Any]) -> Trainer:
        """A B with the head beside it, compiled once for heads of one kind, shape and weight."""
        key = kind, given and given[1].shape, weight, b
        if key not in self._trainers:
            model = b(0)
            self._trainers[key] = Trainer(model, beside=kind and given and kind(model, *given, weight))
        found = self._trainers[key]
        if found.beside and given:
            found.beside.learn(*given)
        found.reset()
        return found

    def judged(self, task: str, method: str, seed: int, trainer: Trainer) -> Iterator[Row]:
        """B's accuracy on its own test set, and that of the probes of its last hidden layer."""
        prepared, labels = self.pool.prepared, self.asked.labels
        if method != "B untrained":
            yield row(task, method, labels, seed, "own", trainer.accuracy(prepared.test_x, prepared.test_y))
        yield from self.probed(task, method, seed, hidden(trainer.model, self.x))

    def probed(self, task: str, method: str, seed: int, H: np.ndarray) -> Iterator[Row]:
        """Accuracy on the second task from H (m, d), at each number of labels; the same draws for every method."""
        for many in self.asked.probes:
            right = probe(H.reshape(len(H), -1), self.y, seed, many)
            yield row(task, method, self.asked.labels, seed, f"second_{many}", right)


def run(task: str, draws: range) -> Iterator[Row]:
    """The rows of one task."""
    from kgkt.proof.answers import SHARPEN
    from kgkt.proof.distillation import Distillation, teacher_of
    from kgkt.proof.task import Task, draw_labels
    from kgkt.proof.view import recluster
    from kgkt.transfer.teacher import teach
    from kgkt.transfer.write import training_targets

    asked = TASKS[task]
    bench = Bench(asked)
    pool, prepared = bench.pool, bench.pool.prepared
    x, names = prepared.pool_x, prepared.names
    raw = array_features(folder(asked.pool) / "raw.parquet", lambda: {"inputs": x}, f"inputs of {asked.pool}")
    other = {"concepts of pixels": seen(raw, False), "concepts of an untrained A": seen(prepared.untrained, False)}
    teacher, answers = teacher_of(Task(task, pool.view, prepared.pool_y, names, features=prepared.features))
    distillation: Distillation | None = None
    for seed in draws:
        view = pool.drawn(seed)
        labels = draw_labels(prepared.pool_y, names, asked.labels, np.random.default_rng(seed))
        targets = teach(view.graph, view.Z, labels, view.head, spread="both", prior=prepared.prior,
                        neighbours=view.near, expectation=False)  # fmt: skip
        P, weight = training_targets(targets, labels, SHARPEN)

        def taught(
            method: str, kind: type[ConceptHead] | None = None, given: Given = None, counts: float = 1.0,
            steps: int = STEPS, b: Callable[[int], Any] = bench.b, seed: int = seed, P: np.ndarray = P,
            weight: np.ndarray = weight,
        ) -> Iterator[Row]:  # fmt: skip
            trainer = bench.trainer(kind, given, counts, b)
            trainer.train(x, P, weight, steps, seed, every=steps)
            yield from bench.judged(task, method, seed, trainer)

        ours = carried(view.Z, view.graph)
        yield from bench.probed(task, "pixels", seed, bench.x)
        yield from bench.judged(task, "B untrained", seed, bench.trainer(None, None, 1.0, bench.b))
        yield from taught(BASE)
        yield from taught(OURS, ConceptHead, ours)
        for name, its in other.items():
            of = recluster(its, None, seed)
            yield from taught(name, ConceptHead, carried(of.Z, of.graph))
        shuffled = ours[0][np.random.default_rng(seed).permutation(len(x))], ours[1]
        yield from taught("concepts, shuffled", ConceptHead, shuffled)
        yield from taught("concepts by a free softmax", FreeHead, plain(ours[0]))
        yield from taught("A's embedding", SquaresHead, plain(view.vectors * view.vectors.shape[1] ** 0.5))
        yield from taught("FeatureDistillation", KerasHead, plain(teacher))
        alone = bench.trainer(None, None, 1.0, bench.b)
        distillation = distillation or Distillation(alone, teacher, answers, 1e-3)
        distillation.train(x, labels, STEPS, seed, 64)
        yield from bench.judged(task, "keras distillation", seed, alone)
        if asked.when:
            few = recluster(pool.view, 50, seed)
            yield from taught("concepts, 50 of them", ConceptHead, carried(few.Z, few.graph))
            yield from taught("concepts, weight 0.3", ConceptHead, ours, 0.3)
            yield from taught("concepts, weight 3", ConceptHead, ours, 3.0)
            yield from taught("concepts into the layer before", EarlierHead, ours)
            yield from taught("targets only, 2,000 steps", steps=MORE)
            yield from taught("concepts, 2,000 steps", ConceptHead, ours, steps=MORE)
            yield from taught("targets only, B four times as wide", b=second.wider)
            yield from taught("concepts, B four times as wide", ConceptHead, ours, b=second.wider)


TITLES = {"fashion_mlp": "Fashion-MNIST, new classes, B an MLP", "fashion_cnn": "the same, B a small CNN",
          "fashion_coarse": "Fashion-MNIST, coarse classes, B an MLP", "emoji": "emoji, ImageNet's A"}  # fmt: skip


def report(rows: Rows) -> Iterator[str]:
    """The lines of report.md."""
    yield "# What is carried into B beside its classes"
    yield ""
    yield "`fuse --carry concepts`: B's accuracy on its own task, and on a second one that no label spoke of, read from"
    yield "its last hidden layer by a logistic head from few labels; per cent, mean ± standard error over draws. The"
    yield f"gain over B without it ({BASE}), paired, stands beside it."
    for task in (task for task in TASKS if draws_of(rows, task)):
        yield ""
        yield f"{titled(rows, task).replace(task, TITLES[task], 1)}:"
        yield ""
        yield from _table(rows, task, METHODS)
        if TASKS[task].when:
            yield ""
            yield "The same, other settings (a gain of a row of 2,000 steps or of a wider B is over such a B without):"
            yield ""
            yield from _table(rows, task, WHEN)
    yield ""
    yield from said(rows)
    yield ""
    yield from WHY.splitlines()


def base_of(method: str) -> str:
    """The row without carrying that a row is compared with."""
    return BASE + method.removeprefix(OURS) if method.endswith(("2,000 steps", "as wide")) else BASE


def _table(rows: Rows, task: str, methods: tuple[str, ...]) -> Iterator[str]:
    asked = TASKS[task]
    at = [f"second_{many}" for many in asked.probes]

    def cells(method: str) -> list[str]:
        found = [values(rows, task, method, asked.labels, metric) for metric in ("own", *at)]
        without = [values(rows, task, base_of(method), asked.labels, metric) for metric in ("own", *at)]
        gains = ["" if method == base_of(method) else points(gain(one, other))
                 for one, other in zip(found, without, strict=True)]  # fmt: skip
        bold = f"**{method}**" if method == OURS else method
        return [bold, *(cell for both in zip(map(share, found), gains, strict=True) for cell in both)]

    header = ["", "own task", "gain"]
    for many in asked.probes:
        header += [f"second task, {many} labels", "gain"]
    yield from table(header, [cells(method) for method in methods])


def said(rows: Rows) -> Iterator[str]:
    """What the figures say, in numbers that are computed from them."""
    for task in (task for task in TASKS if draws_of(rows, task)):
        asked = TASKS[task]
        metric, labels = f"second_{asked.probes[0]}", asked.labels

        def apart(one: str, other: str, what: str = metric, task: str = task, labels: int = labels) -> str:
            return points(gain(values(rows, task, one, labels, what), values(rows, task, other, labels, what)))

        against = [f"over {name.removeprefix('concepts, ')} {apart(OURS, name)}"
                   for name in (*CONTROLS, *MATCHED, "B untrained", "pixels")]  # fmt: skip
        yield (f"- {TITLES[task]}: the second task, {asked.probes[0]} labels, {apart(OURS, BASE)} points over {BASE}; "
               f"{', '.join(against)}. B's own task: {apart(OURS, BASE, 'own')}.")  # fmt: skip


if __name__ == "__main__":
    main("carried", __doc__, tuple(TASKS), run, report, draws=5)
