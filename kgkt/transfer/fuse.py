"""Fusion: write what the map says into B where that helps, then teach B the graph's soft targets."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from kgkt.concepts.cluster import hard_memberships
from kgkt.errors import BelowBarError, InputError, count
from kgkt.files import write_json
from kgkt.transfer.batchnorm import reestimate
from kgkt.transfer.blocks import check_data, frozen_layers, read_blocks, unmapped
from kgkt.transfer.carry import WEIGHT, check_carry, head_beside
from kgkt.transfer.check import Attempt, write_weights
from kgkt.transfer.outputs import in_words
from kgkt.transfer.trainer import Progress, Trainer
from kgkt.transfer.write import against_first, edited_targets, training_targets
from kgkt.values import BlockMap, ConceptGraph, Fusion, Labels, Targets

if TYPE_CHECKING:
    from pathlib import Path

    import keras
    import numpy as np
    from scipy.sparse import csr_matrix

FEWEST_HELD_OUT = 20  # a smaller held-out set says nothing about when to stop


@dataclass(frozen=True, slots=True)
class FuseOptions:
    """How B is taught; every field is printed with the result.

    Args:
        steps: Adam steps at most.
        batch: items a step.
        learning_rate: of Adam.
        every: steps between two looks at the held-out targets.
        patience: looks without improvement before training stops.
        held_out: share of the taught items kept for these looks.
        sharpen: power of the targets.
        seed: of split, order and dropout.
        from_logits: whether B's outputs are logits, where its last layer does not say.
        carry: "concepts" lets B's last hidden layer learn as well which concepts an item is in; None: only the classes.
        carry_weight: of that loss beside B's own.
    """

    steps: int = 400
    batch: int = 64
    learning_rate: float = 1e-3
    every: int = 20
    patience: int = 5
    held_out: float = 0.1
    sharpen: float = 2.0
    seed: int = 0
    from_logits: bool | None = None
    carry: str | None = None
    carry_weight: float = WEIGHT

    def __post_init__(self) -> None:
        least = {"steps": 1, "batch": 1, "every": 1, "patience": 1, "sharpen": 0, "learning_rate": 1e-12}
        for name, bound in least.items():
            if not getattr(self, name) >= bound:
                raise InputError(f"fuse: {name} is {getattr(self, name)}, expected {bound:g} or more")
        if not 0 <= self.held_out <= 0.5:
            raise InputError(f"fuse: held_out is {self.held_out}, expected a share from 0 to 0.5")
        check_carry(self.carry, self.carry_weight)


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
    test: tuple[Any, np.ndarray] | None = None,
    progress: Progress | None = None,
    diagnosis: Path | None = None,
) -> Fusion:
    """Teach B the targets; with a map, weights are written first.

    Args:
        model: B, opened; it is changed in place, its file is not.
        x: (n, ...) the pool as B reads it.
        targets: (n, c) from the teacher.
        labels: of the pool.
        options: how to train.
        block_map: strengths planned and edited; without it no weights are written.
        memberships: (n, k), needed with `block_map` and to carry concepts.
        graph: of the k concepts, needed to carry them.
        test: (x, y) with class indices y, to measure B alone beside B fused.
        progress: called with (steps taken, steps); a map trains once more for each layer it can write.
        diagnosis: where a diverged training leaves its losses as JSON.

    Returns:
        The fusion; figures that were not measured are None.

    Raises:
        InputError: B, data and targets do not fit, or no item has a target.
        BelowBarError: the loss became NaN or exploded; B has its own weights again.
    """
    options = options or FuseOptions()
    _check_fit(model, x, targets, labels, block_map, memberships, test)
    trainer = Trainer(
        model, batch=options.batch, learning_rate=options.learning_rate, from_logits=options.from_logits,
        beside=head_beside(model, options.carry, options.carry_weight, memberships, graph),
    )
    notices = _notices(model, block_map, in_words(trainer.outputs, targets.names))
    alone = alone_right(trainer, x, labels, options, test, notices) if test is not None else None
    P, weight, planned = _edited(targets, labels, options, block_map, memberships)
    train_rows, held_rows = split(weight, labels, options)
    if held_rows is None:
        notices.append(f"too few items for a held-out set ({int((weight > 0).sum())}): no early stop")

    def attempt(weights: list[np.ndarray]) -> Attempt:
        trainer.reset(weights)
        history = trainer.train(
            x, P, weight, options.steps, options.seed, rows=train_rows, held_out=held_rows,
            every=options.every, patience=options.patience, progress=progress,
        )  # fmt: skip
        losses = None if held_rows is None else trainer.losses(x, P, held_rows)
        return Attempt(weights, trainer.weights(), history, losses)

    written: dict[str, dict[str, Any]] = {}
    try:
        if block_map is None or memberships is None:
            best = attempt(trainer.initial)
        else:
            best, written = write_weights(trainer, attempt, x, (P, planned), train_rows, block_map, memberships)
    except BelowBarError as error:
        if diagnosis is not None:
            write_json(diagnosis, {"what": str(error), "options": asdict(options), "data": _extent(x)})
        raise
    trainer.reset(best.end)
    notices += [
        f"your edits of strengths to {layer} did not act: its written weights were not kept ({entry['why']})"
        for layer, entry in written.items()
        if entry["kind"] == "unit" and not entry["written"] and _is_edited(block_map, layer)
    ]
    figures = _figures(trainer, x, P, held_rows, test, alone, best.history)
    if trainer.beside:
        figures |= {"concepts": float(trainer.beside.width), "carried": best.history.get("carried", [None])[0]}
    return Fusion(model, best.history, written, figures, asdict(options) | {"optimizer": "Adam"}, tuple(notices))


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
    trainer: Trainer, x: Any, labels: Labels, options: FuseOptions, test: tuple[Any, np.ndarray], notices: list[str]
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
    trainer.reset()
    try:
        trainer.train(x, P, weight, options.steps, options.seed, alone=True)
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


def _notices(model: keras.Model, block_map: BlockMap | None, outputs: str) -> list[str]:
    """What the user should hear before the figures; `outputs`: of how B's outputs are read, "" for nothing."""
    notices = [outputs] if outputs else []
    if getattr(model, "optimizer", None) is not None or getattr(model, "compiled", False):
        notices.append("B's own compile (optimizer, loss, metrics) is not used")
    if frozen := frozen_layers(model):
        notices.append(f"frozen layers stay as they are: {', '.join(frozen)}")
    if block_map is None:
        notices.append("there is no map: no weights were written, B was trained on the targets only")
    else:
        notices += unmapped(read_blocks(model))
    return notices


def _check_fit(
    model: keras.Model, x: Any, targets: Targets, labels: Labels, block_map: BlockMap | None, memberships: Any,
    test: Any,
) -> None:
    """Refuse a B, data, targets, map or test set that do not belong together."""
    check_data(model, targets.names, x)
    n = len(targets.P)
    if len(x) != n:
        raise InputError(f"B's data has {count(len(x), 'item')}, the targets have {n}: give the data of the same pool")
    if labels.names != targets.names:
        raise InputError("the classes changed since the targets were made: run propagate again\n"
                         f"  targets  {' '.join(targets.names)}\n  labels   {' '.join(labels.names)}")
    if block_map is not None:
        blocks = read_blocks(model)
        changed = [layer for layer, group in block_map.blocks.items() if blocks.get(layer) != group]
        if changed:
            raise InputError(f"the map was made for another B: {', '.join(changed)} differ. Run map again")
        if memberships is None or memberships.shape[0] != n:
            raise InputError("a map needs the memberships of the same pool: run populate and map again")
    if test is not None and len(test[0]) != len(test[1]):
        raise InputError(f"the test set has {count(len(test[0]), 'item')} and {count(len(test[1]), 'class')}")
    if test is not None:
        check_data(model, targets.names, test[0])


def _is_edited(block_map: BlockMap | None, layer: str) -> bool:
    return block_map is not None and (block_map.planned[layer] != block_map.strength[layer]).nnz > 0


def _extent(x: Any) -> dict[str, Any]:
    """Rows of the data that are not finite, and its largest value: what a diverged training is asked first."""
    import numpy as np

    if not np.issubdtype(x.dtype, np.number):
        return {"dtype": str(x.dtype)}
    flat = np.abs(np.asarray(x, np.float64).reshape(len(x), -1))
    bad = np.flatnonzero(~np.isfinite(flat).all(axis=1))
    finite = flat[np.isfinite(flat)]
    return {"bad_rows": len(bad), "first_bad_rows": bad[:10].tolist(), "largest": float(finite.max(initial=0.0))}
