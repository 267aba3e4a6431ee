"""How long the rows of a B that was never trained should be, as texts with classes have it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kgkt.errors import InputError

if TYPE_CHECKING:
    import numpy as np

    from kgkt.transfer.trainer import Trainer

LENGTHS = (1.0, 3.0, 6.0)  # beside B's own and A's
FOLDS = 3  # parts of the texts, of which one at a time is held out
FEWEST = 4  # texts of a class, of which each part then has one
STEPS, RATE = 300, 3e-3  # of a training, as in benchmarks/texts.py
ALIKE = 1.25  # times that two lengths differ at least


@dataclass(frozen=True, slots=True)
class Tried:
    """What B learned from rows of one length.

    Args:
        norm: the mean length of the rows; None: B's own rows, as they were.
        loss, accuracy: mean cross-entropy in nats, and share of right answers, on texts that it did not learn from.
        gain, error: how much less the loss is than with B's own rows, and its standard error over the texts.
    """

    norm: float | None
    loss: float
    accuracy: float
    gain: float
    error: float

    def to_json(self) -> dict[str, float | None]:
        """As figures have it."""
        return {"norm": self.norm, "loss": self.loss, "accuracy": self.accuracy, "gain": self.gain, "error": self.error}


def lengths_to_try(own: float, a: float) -> tuple[float, ...]:
    """B's own length first, then LENGTHS and that of A's vectors, but for those that hardly differ from another one.

    >>> lengths_to_try(0.23, 3.1), lengths_to_try(0.0, 7.0)
    ((0.23, 1.0, 3.0, 6.0), (1.0, 3.0, 6.0))
    """
    found: list[float] = []
    for norm in (own, *LENGTHS, a):
        if norm > 0 and all(max(norm, other) >= ALIKE * min(norm, other) for other in found):
            found.append(norm)
    return tuple(found)


def tune_length(
    trainer: Trainer, variable: Any, rows_at: Callable[[float], np.ndarray], lengths: Sequence[float], x: Any,
    y: np.ndarray, seed: int = 0,
) -> tuple[Tried, ...]:  # fmt: skip
    """Train B from its own rows and from rows of each length on two thirds of the texts, and look at the last third.

    Args:
        trainer: of B; it has B's own weights again afterwards.
        variable: the Embedding's rows in it.
        rows_at: (rows, width) of a mean length.
        lengths: to try.
        x: (n, ...) texts as B reads them, or strings.
        y: (n,) class indices.
        seed: of the parts, the order of the texts and B's dropout.

    Returns:
        B's own rows, and the lengths in the order given; three parts, each held out once.

    Raises:
        InputError: fewer than FEWEST texts of a class.
    """
    import numpy as np
    from sklearn.model_selection import StratifiedKFold

    many = np.unique(y, return_counts=True)[1]
    if many.min() < FEWEST:
        raise InputError(f"a length is chosen by texts held out of {FOLDS} parts: expected {FEWEST} of each class or "
                         f"more, found {many.min()} of one")
    P = np.eye(trainer.outputs.classes, dtype=np.float32)[y]
    at = next(i for i, one in enumerate(trainer.model.variables) if one is variable)
    parts = list(StratifiedKFold(FOLDS, shuffle=True, random_state=seed).split(y, y))
    starts = [trainer.initial[at], *(rows_at(norm) for norm in lengths)]
    each = np.zeros((len(starts), 2, len(y)))
    try:
        for i, start in enumerate(starts):
            weights = [*trainer.initial]
            weights[at] = start
            for rows, held in parts:
                trainer.reset(weights)
                trainer.train(x, P, np.ones(len(y), np.float32), STEPS, seed, rows=rows, every=STEPS)
                each[i][:, held] = trainer.losses(x, P, held), trainer.right(x, y[held], held)
    finally:
        trainer.reset()
    gains = each[0, 0] - each[:, 0]
    return tuple(
        Tried(norm, float(each[i, 0].mean()), float(each[i, 1].mean()), float(gains[i].mean()),
              float(gains[i].std(ddof=1)) / len(y) ** 0.5) for i, norm in enumerate((None, *map(float, lengths)))
    )  # fmt: skip


def best_length(tried: Sequence[Tried]) -> float:
    """The length of rows from A with the least loss."""
    return min((one.loss, one.norm) for one in tried if one.norm is not None)[1]
