"""The rows of a comparison at few labels: every method answers for the same pool from the same labels."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kgkt.concepts.propagate import make_seeds
from kgkt.proof import baselines
from kgkt.transfer.blocks import read_blocks
from kgkt.transfer.check import Course, check_steps, compare
from kgkt.transfer.fuse import split
from kgkt.transfer.head import head
from kgkt.transfer.items import smooth_answer
from kgkt.transfer.mapper import plan_map
from kgkt.transfer.options import FuseOptions
from kgkt.transfer.prototypes import pt_map
from kgkt.transfer.teacher import clamp, refit_rounds, teach
from kgkt.transfer.write import Origin, training_targets, write_layers
from kgkt.values import Labels, Targets

if TYPE_CHECKING:
    import numpy as np

    from kgkt.proof.view import View
    from kgkt.transfer.trainer import Trainer

SHARPEN = 2.0  # every method's targets are sharpened alike before B sees them


@dataclass(frozen=True, slots=True)
class Answer:
    """What one method teaches of the pool.

    Args:
        method: its name in tables.
        targets: (n, c) as the teacher gives them; weight 0 where the method says nothing.
        seconds: wall time it took.
    """

    method: str
    targets: Targets
    seconds: float


def as_targets(P: np.ndarray, labels: Labels, weight: np.ndarray | None = None) -> Targets:
    """Dress an answer P (n, c) of any method as targets."""
    import numpy as np

    weight = np.ones(len(P), np.float32) if weight is None else weight
    return Targets(P, weight, np.zeros((0, P.shape[1])), labels.names, 0.0, "none")


def scratch(n: int, labels: Labels) -> Targets:
    """No teacher: the labels and ticks alone, weight 0 on every other item of the pool."""
    import numpy as np

    P = np.full((n, len(labels.names)), 1.0 / len(labels.names))
    clamp(P, labels)
    weight = np.zeros(n, np.float32)
    weight[labels.items] = weight[labels.tick_items] = 1.0
    return as_targets(P, labels, weight)


def rivals(view: View, labels: Labels, prior: np.ndarray | None) -> Iterator[Answer]:
    """Every control of the demo that works on A's features, and the plain labels.

    Args:
        view: of the pool through A.
        labels: labels and ticks.
        prior: (c,) class shares of the pool, given to all but `nearest mean`, or None.
    """
    import numpy as np

    seeds, c = make_seeds(labels), len(labels.names)

    def rounds(P: np.ndarray) -> np.ndarray:
        return refit_rounds(P, view.head, prior, c)

    def smoothed(P: np.ndarray) -> np.ndarray:
        return smooth_answer(P, np.ones(len(P), bool), view.near, seeds, prior)

    def answered(P: np.ndarray) -> Targets:
        return as_targets(baselines.answer(P, seeds, labels), labels)

    yield timed("scratch", lambda: scratch(len(view.head), labels))
    yield timed("nearest mean", lambda: answered(baselines.nearest_mean(view.head, seeds)))
    yield timed("head", lambda: answered(head(view.head, seeds, prior)))
    yield timed("head+rounds", lambda: answered(rounds(head(view.head, seeds, prior))))
    spread = "label spreading+rounds"
    yield timed(spread, lambda: answered(smoothed(rounds(baselines.label_spreading(view.vectors, seeds, prior)))))
    yield timed("PT-MAP", lambda: answered(pt_map(view.head, seeds, prior)))
    yield timed("nodes only", lambda: answered(rounds(baselines.nodes_only(view.Z, seeds, prior))))


def through_graph(method: str, view: View, labels: Labels, prior: np.ndarray | None) -> Answer:
    """The teacher on the graph of `view`, concepts and nearest items: what `propagate` does by default."""
    return timed(
        method,
        lambda: teach(
            view.graph, view.Z, labels, view.head, spread="both", prior=prior, spreader=view.spreader,
            neighbours=view.near,
        ),
    )  # fmt: skip


def timed(method: str, work: Callable[[], Targets]) -> Answer:
    """Run `work` and keep its wall time."""
    start = time.perf_counter()
    targets = work()
    return Answer(method, targets, time.perf_counter() - start)


def teach_b(
    b: Trainer, x: np.ndarray, targets: Targets, labels: Labels, steps: int, seed: int, written: View | None = None
) -> None:
    """Train B: all steps, no early stop, from its own weights; the same for every method.

    Args:
        b: the compiled B.
        x: (n, ...) the pool as B reads it.
        targets: of the method.
        labels: of the pool.
        steps: Adam steps.
        seed: of the order of items.
        written: the view whose map is written into B first, where a held-out check favours it.
    """
    P, weight = training_targets(targets, labels, SHARPEN)
    weight[labels.tick_items] = 1.0
    b.reset(None if written is None else _written(b, x, targets, labels, written, steps, seed))
    b.train(x, P, weight, steps, seed, every=steps)


def _written(
    b: Trainer, x: np.ndarray, targets: Targets, labels: Labels, view: View, steps: int, seed: int
) -> list[np.ndarray]:
    """B's weights with the layers written that the held-out check keeps, before any training."""
    P, weight = training_targets(targets, labels, SHARPEN)
    train_rows, held_rows = split(weight, labels, FuseOptions(seed=seed))
    assert held_rows is not None

    def course(start: list[np.ndarray]) -> Course:
        return Course(b, start, lambda history: b.course(
            x, P, weight, steps, seed, history, rows=train_rows, every=after))  # fmt: skip

    after = check_steps(steps, FuseOptions().every)
    block_map = plan_map(read_blocks(b.model), view.graph.centroids, targets.mass, view.Z, seed)
    b.reset()
    written = write_layers(b.model, Origin(x, train_rows, block_map, view.Z, (P, P), seed=seed), b.outputs)
    if not any(entry["written"] for entry in written.values()):
        return b.initial
    own, start = course(b.initial), course(b.weights())
    return compare(own, start, lambda: b.losses(x, P, held_rows), after)[0].weights
