"""Fusion: write what the map says into B where that helps, then teach B the graph's soft targets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Any

from kgkt.concepts.cluster import hard_memberships
from kgkt.errors import BelowBarError, InputError
from kgkt.files import write_json
from kgkt.transfer.batchnorm import reestimate
from kgkt.transfer.carry import head_beside
from kgkt.transfer.check import Course, Verdict, check_steps, compare, told
from kgkt.transfer.fit import check_fit, edits_that_act, extent, is_edited, notices_of
from kgkt.transfer.listening import Listening, Looks
from kgkt.transfer.options import FuseOptions, class_weighted
from kgkt.transfer.outputs import in_words
from kgkt.transfer.places import Places
from kgkt.transfer.trainer import Progress, Trainer
from kgkt.transfer.write import (
    HEAD_GAIN,
    TAUGHT_GAIN,
    Origin,
    against_first,
    edited_targets,
    training_targets,
    write_layers,
)
from kgkt.values import BlockMap, ConceptGraph, Fusion, Labels, Targets

if TYPE_CHECKING:
    from pathlib import Path

    import keras
    import numpy as np
    from scipy.sparse import csr_matrix

__all__ = ["FuseOptions", "alone_right", "fuse", "split"]

FEWEST_HELD_OUT = 20  # a smaller held-out set says nothing about when to stop


def fuse(
    model: keras.Model,
    x: Any,
    targets: Targets,
    labels: Labels,
    *,
    options: FuseOptions | None = None,
    block_map: BlockMap | None = None,
    memberships: csr_matrix | None = None,
    graph: ConceptGraph | None = None,
    places: Places | None = None,
    test: tuple[Any, np.ndarray] | None = None,
    progress: Progress | None = None,
    callbacks: Sequence[Any] = (),
    looks: Looks | None = None,
    diagnosis: Path | None = None,
) -> Fusion:
    """Teach B the targets; with a map, weights are written first.

    Args:
        model: B, opened; it is changed in place, its file is not.
        x: (n, ...) the pool as B reads it, or Inputs.
        targets: (n, c) from the teacher.
        labels: of the pool.
        options: how to train.
        block_map: strengths planned and edited; without it no weights are written.
        memberships: (n, k), needed with `block_map` and to carry concepts.
        graph: of the k concepts, needed to carry them.
        places: of A's spatial map, from which filters are written.
        test: (x, y) with class indices y, to measure B alone beside B fused.
        progress: called with (steps taken, `FuseOptions.training_steps`), over all trainings.
        callbacks: of Keras; they hear the training that is kept, see `Listening`.
        looks: hears every training while it goes on, those that are only for comparison too.
        diagnosis: where a diverged training leaves its losses as JSON.

    Returns:
        The fusion; figures that were not measured are None.

    Raises:
        InputError: B, data and targets do not fit, no item has a target, or B cannot be written as asked.
        BelowBarError: the loss became NaN or exploded; B has its own weights again.
    """
    options = options or FuseOptions()
    check_fit(model, x, targets, labels, block_map, memberships, test)
    trainer = Trainer(
        model, batch=options.batch, learning_rate=options.learning_rate, from_logits=options.from_logits,
        beside=head_beside(model, options.carry, options.carry_weight, memberships, graph),
    )
    listening = Listening(model, callbacks, options)
    count_on = _counted(progress, options.training_steps(block_map is not None, test is not None))
    notices = notices_of(model, block_map, in_words(trainer.outputs, targets.names), options.method)
    alone = None
    if test is not None:
        alone = alone_right(trainer, x, labels, options, test, notices, count_on(), looks)
    P, weight, planned = _edited(targets, labels, options, block_map, memberships)
    train_rows, held_rows = split(weight, labels, options)
    if held_rows is None:
        notices.append(f"too few items for a held-out set ({int((weight > 0).sum())}): no early stop")
    counts = class_weighted(weight, P, targets.names, options.class_weights)

    def course(weights: list[np.ndarray]) -> Course:
        return Course(trainer, weights, lambda history: trainer.course(
            x, P, counts, options.steps, options.seed, history, rows=train_rows, held_out=held_rows,
            every=options.every, patience=options.patience, progress=count_on(),
        ))  # fmt: skip

    origin = None
    if block_map is not None and memberships is not None and options.method in ("auto", "write"):
        gain = TAUGHT_GAIN if options.steps else HEAD_GAIN
        origin = Origin(x, train_rows, block_map, memberships, (P, planned), places, options.seed, gain)
    listening.starts()
    try:
        losses = None if held_rows is None else partial(trainer.losses, x, P, held_rows)
        best, written = _taught(trainer, course, origin, options, losses, listening, looks)
    except BelowBarError as error:
        if diagnosis is not None:
            write_json(diagnosis, {"what": str(error), "options": asdict(options), "data": extent(x)})
        raise
    notices += edits_that_act(block_map, written)
    notices += [
        f"your edits of strengths to {layer} did not act: its written weights were not kept ({entry['why']})"
        for layer, entry in written.items()
        if entry["kind"] != "head" and not entry["written"] and is_edited(block_map, layer)
    ]
    figures = _figures(trainer, x, P, held_rows, test, alone, best.history)
    if trainer.beside:
        figures |= {"concepts": float(trainer.beside.width), "carried": best.history.get("carried", [None])[0]}
    listening.end(best.history)
    if looks is not None:
        looks("kept", best.history, options.every)
    return Fusion(model, best.history, written, figures, asdict(options) | {"optimizer": "Adam"}, tuple(notices))


def _taught(
    trainer: Trainer, course: Callable[[list[np.ndarray]], Course], origin: Origin | None, options: FuseOptions,
    losses: Callable[[], np.ndarray] | None, listening: Listening, looks: Looks | None,
) -> tuple[Course, dict[str, dict[str, Any]]]:  # fmt: skip
    """Write B where that is asked for and helps, and train it to the end: its course, and what was written."""

    def heard(name: str, history: dict[str, list[float]]) -> bool:
        if looks is not None:
            looks(name, history, options.every)
        return listening.hear(history) if name == "kept" else False

    best, written = course(trainer.initial), {}
    if options.method == "write" and origin is None:
        raise InputError("method write writes what a map says, and there is none: run kgkt map first")
    if origin is not None:
        trainer.reset()
        written = write_layers(trainer.model, origin, trainer.outputs)
        able = [entry for entry in written.values() if entry["written"]]
        start = course(trainer.weights())
        if options.method == "write":
            verdict = Verdict(True, None, None, "as asked (--method write)")
            if not able:
                whys = "; ".join(f"{layer}: {entry['why']}" for layer, entry in written.items())
                raise InputError(f"method write: none of B's layers can be written ({whys})")
            best = start
        elif able and losses is not None:
            own = best
            own.heard, start.heard = partial(heard, "own"), partial(heard, "written")
            best, verdict = compare(own, start, losses, check_steps(options.steps, options.every))
            heard("own", own.history)  # their last look
            heard("written", start.history)
        else:
            verdict = Verdict(False, None, None, "too few items to check it on")
        written = told(written, verdict)
    best.heard = partial(heard, "kept")
    best.go()
    return best, written


def _counted(progress: Progress | None, total: int) -> Callable[[], Progress | None]:
    """For one training after another, what to call with its steps; `progress` hears of all of them together."""
    before = [0]

    def one() -> Progress | None:
        seen = [0]

        def count_on(taken: int, _: int) -> None:
            before[0] += taken - seen[0]
            seen[0] = taken
            assert progress is not None
            progress(before[0], total)

        return count_on if progress else None

    return one


def split(weight: np.ndarray, labels: Labels, options: FuseOptions) -> tuple[np.ndarray, np.ndarray | None]:
    """Split the items that have a target in those to train on and those held out; labels are never held out."""
    import numpy as np

    taught = np.flatnonzero(np.asarray(weight) > 0)
    free = np.setdiff1d(taught, labels.items)
    count = round(options.held_out * len(taught))
    if count < FEWEST_HELD_OUT or count > len(free) // 2:
        return taught, None
    held = np.sort(np.random.default_rng(options.seed).choice(free, count, replace=False))
    return np.setdiff1d(taught, held), held


def alone_right(
    trainer: Trainer, x: Any, labels: Labels, options: FuseOptions, test: tuple[Any, np.ndarray], notices: list[str],
    progress: Progress | None = None, looks: Looks | None = None,
) -> np.ndarray | None:
    """(t,) bool, what B alone gets right of the test set: its own weights, the same steps, the labels only.

    A ticked item counts as in every comparison: 0 for the class denied, the rest uniform. Normalising
    statistics are re-estimated on the pool as in the fused B.
    """
    import numpy as np

    c = len(labels.names)
    P, weight = np.zeros((len(x), c), np.float32), np.zeros(len(x), np.float32)
    for item, denied in zip(labels.tick_items, labels.tick_classes, strict=True):
        P[item] = (np.arange(c) != denied) / (c - 1)
    P[labels.items] = np.eye(c, dtype=np.float32)[labels.classes]
    weight[labels.tick_items] = weight[labels.items] = 1.0
    if not weight.any():
        notices.append("no label: B alone was not measured")
        return None
    weight = class_weighted(weight, P, labels.names, options.class_weights)
    trainer.reset()
    history: dict[str, list[float]] = {}
    try:
        for _ in trainer.course(x, P, weight, options.steps, options.seed, history, progress=progress, alone=True):
            if looks is not None:
                looks("alone", history, options.every)
    except BelowBarError:
        notices.append("B alone diverged on the labels; it was not measured")
        return None
    reestimate(trainer.model, x, np.arange(len(x)))
    return trainer.right(test[0], test[1])


def _mean(right: np.ndarray | None) -> float | None:
    return None if right is None else float(right.mean())


def _edited(
    targets: Targets, labels: Labels, options: FuseOptions, block_map: BlockMap | None, memberships: Any
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Training targets (n, c) and weights (n,) with the head's edits, and the targets without them."""
    planned, weight = training_targets(targets, labels, options.sharpen)
    heads = [layer for layer, blocks in (block_map.blocks if block_map else {}).items() if blocks[0].kind == "head"]
    if not heads:
        return planned, weight, planned
    assert block_map is not None
    # by the nearest concept alone: with soft memberships, zeroing a concept moved 3 % of its items
    nearest = hard_memberships(memberships)
    strengths = (block_map.planned[heads[0]], block_map.strength[heads[0]])
    if strengths[0].shape[1] == 1:
        strengths = (against_first(strengths[0]), against_first(strengths[1]))
    edited = edited_targets(targets, nearest, *strengths)
    P, weight = training_targets(edited, labels, options.sharpen)
    return P, weight, planned


def _figures(
    trainer: Trainer, x: Any, P: np.ndarray, held_rows: np.ndarray | None,
    test: tuple[Any, np.ndarray] | None, alone: np.ndarray | None, history: dict[str, list[float]],
) -> dict[str, float | None]:
    """Re-estimate BatchNorm and measure; accuracy is on the test set, else on the held-out targets.

    `gain_error` is the standard error of `gain` over the items of the test set, paired: of this B and these labels,
    not of other draws.
    """
    import numpy as np

    def right() -> np.ndarray | None:
        if test is not None:
            return trainer.right(test[0], test[1])
        return None if held_rows is None else trainer.right(x, P[held_rows].argmax(axis=1), held_rows)

    before = right()
    after = right() if reestimate(trainer.model, x, np.arange(len(x))) else None
    fused = (before if after is None else after) if test is not None else None
    gain = error = None
    if alone is not None and fused is not None:
        gain = float(fused.mean()) - float(alone.mean())
        error = float(np.std(fused.astype(float) - alone, ddof=1)) / len(alone) ** 0.5 if len(alone) > 1 else None
    return {
        "test_alone": _mean(alone),
        "test_fused": _mean(fused),
        "gain": gain,
        "gain_error": error,
        "batchnorm_before": None if after is None else _mean(before),
        "batchnorm_after": _mean(after),
        "held_out_loss": None if held_rows is None else float(trainer.losses(x, P, held_rows).mean()),
        "steps": float(len(history["loss"])),
        "best_step": history.get("best_step", [float(len(history["loss"]))])[0],
    }
