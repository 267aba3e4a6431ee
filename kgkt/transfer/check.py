"""Whether B goes on from its written weights or from its own: a short training of both, compared on held-out items."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from kgkt.errors import BelowBarError
from kgkt.transfer.trainer import Trainer

if TYPE_CHECKING:
    import numpy as np

SHARE = 0.2  # of the steps after which the two are compared

Steps = Generator[int, bool | None, None]  # as of Trainer.course


@dataclass(slots=True)
class Course:
    """One training of B that can be left and gone on with.

    Args:
        trainer: of B.
        weights: B's variables at its start.
        start: begins it where B stands, given the history to write into.
        heard: called with the history after each look; True ends the training.
    """

    trainer: Trainer
    weights: list[np.ndarray]
    start: Callable[[dict[str, list[float]]], Steps]
    heard: Callable[[dict[str, list[float]]], bool] | None = None
    history: dict[str, list[float]] = field(default_factory=dict)
    taken: int = 0
    ended: bool = False
    _steps: Steps | None = None
    _left: list[np.ndarray] | None = None

    def go(self, until: int | None = None) -> None:
        """Train until so many steps are taken, or to the end; B stands where this course is then.

        Raises:
            BelowBarError: it diverged; B has the weights it came with.
        """
        if self._steps is None:
            self.trainer.reset(self.weights)
            self._steps = self.start(self.history)
        elif self._left is not None:
            self.trainer.restore(self._left)
        self._left = None
        while not self.ended and (until is None or self.taken < until):
            stop = self.taken > 0 and self.heard is not None and self.heard(self.history)
            try:
                self.taken = self._steps.send(stop or None if self.taken else None)
            except StopIteration:
                self.ended = True

    def leave(self) -> None:
        """Keep where B stands, to go on from there later."""
        self._left = self.trainer.state()


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the check says.

    Args:
        written: whether B goes on from its written weights.
        gain: how much lower their held-out loss is in nats, mean over items; None where it was not measured.
        error: its standard error.
        why: in words.
    """

    written: bool
    gain: float | None
    error: float | None
    why: str


def check_steps(steps: int, every: int, share: float = SHARE) -> int:
    """After how many of the steps the two are compared: a share of them, in whole looks."""
    return min(steps, max(1, round(steps * share / every)) * every)


def compare(own: Course, written: Course, losses: Callable[[], np.ndarray], after: int) -> tuple[Course, Verdict]:
    """Train from both starts for a while, and say which to go on with.

    Written weights are kept where the mean held-out loss is lower by more than one standard error of the paired
    difference over items.

    Args:
        own, written: the same training from B's own weights and from the written ones.
        losses: (r,) of the held-out items by B as it stands, in nats.
        after: steps of each.

    Returns:
        The one to go on with, and why.

    Raises:
        BelowBarError: training from B's own weights diverged.
    """
    own.go(after)
    base = losses()
    own.leave()
    try:
        written.go(after)
    except BelowBarError:
        return own, Verdict(False, None, None, "training from it diverged")
    gain, error = paired(base, losses())
    word = "lower" if gain > 0 else "higher"
    why = f"held-out loss {word} by {abs(gain):.3f} ±{error:.3f} nats after {after} steps"
    written.leave()
    return (written if gain > error else own), Verdict(gain > error, gain, error, why)


def paired(base: np.ndarray, found: np.ndarray) -> tuple[float, float]:
    """How much lower the losses `found` (r,) are than `base` (r,), mean over items, and its standard error."""
    difference = base - found
    return float(difference.mean()), float(difference.std(ddof=1) / len(difference) ** 0.5)


def told(report: dict[str, dict[str, Any]], verdict: Verdict) -> dict[str, dict[str, Any]]:
    """What became of each layer: the layers that could be written share one verdict.

    Args:
        report: from `write_layers`.
        verdict: of them all together.
    """
    return {
        path: {**entry, "gain": verdict.gain, "error": verdict.error, "written": verdict.written, "why": verdict.why}
        if entry["written"] else {**entry, "gain": None, "error": None}
        for path, entry in report.items()
    }  # fmt: skip
