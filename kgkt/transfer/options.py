"""How B is taught: what can be chosen, and what the choice of class weights means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kgkt.errors import InputError, UsageError, nearest
from kgkt.transfer.carry import WEIGHT, check_carry
from kgkt.transfer.check import check_steps

if TYPE_CHECKING:
    import numpy as np

METHODS = ("auto", "soft-targets", "write", "distil")
BALANCED = "balanced"
SHARPEN = 2.0


@dataclass(frozen=True, slots=True)
class FuseOptions:
    """How B is taught; every field is printed with the result.

    Args:
        steps: Adam steps at most; 0 with `method` "write" writes B and does not train it.
        batch: items a step.
        learning_rate: of Adam.
        every: steps between two looks at the held-out targets.
        patience: looks without improvement before training stops.
        held_out: share of the taught items kept for these looks.
        sharpen: power of the targets.
        seed: of split, order, dropout and of what is drawn for writing.
        from_logits: whether B's outputs are logits, where its last layer does not say.
        method: "auto" writes B's weights where there is a map and a check favours it, "write" wherever there is one,
            "soft-targets" never; "distil" is "soft-targets" with A's own answer as targets.
        class_weights: what an item counts by its class: a number a class, 1 for those not named, or "balanced".
        carry: "concepts" lets B's last hidden layer learn as well which concepts an item is in; None: only the classes.
        carry_weight: of that loss beside B's own.

    Raises:
        InputError: a number out of bounds. UsageError: a method that there is not.
    """

    steps: int = 400
    batch: int = 64
    learning_rate: float = 1e-3
    every: int = 20
    patience: int = 5
    held_out: float = 0.1
    sharpen: float = SHARPEN
    seed: int = 0
    from_logits: bool | None = None
    method: str = "auto"
    class_weights: str | Mapping[str, float] | None = None
    carry: str | None = None
    carry_weight: float = WEIGHT

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise UsageError(f"fuse: no method {self.method!r}{nearest(self.method, (*METHODS, 'rows'))}")
        least = {"steps": 0, "batch": 1, "every": 1, "patience": 1, "sharpen": 0, "learning_rate": 1e-12}
        for name, bound in least.items():
            if not getattr(self, name) >= bound:
                raise InputError(f"fuse: {name} is {getattr(self, name)}, expected {bound:g} or more")
        if self.steps == 0 and self.method != "write":
            raise InputError(f"fuse: steps is 0, expected 1 or more: B would learn nothing by method {self.method} "
                             "(write alone changes weights without a step)")
        if self.steps == 0 and self.carry:
            raise InputError("fuse: what is carried is learned in steps, and steps is 0: leave out one of the two")
        if not 0 <= self.held_out <= 0.5:
            raise InputError(f"fuse: held_out is {self.held_out}, expected a share from 0 to 0.5")
        check_carry(self.carry, self.carry_weight)

    def training_steps(self, mapped: bool, tested: bool) -> int:
        """Steps of all trainings that these options lead to, at most: B's, the check's, and that of B alone."""
        checked = check_steps(self.steps, self.every) if mapped and self.method == "auto" else 0
        return self.steps + checked + (self.steps if tested else 0)


def class_weighted(
    weight: np.ndarray, P: np.ndarray, names: tuple[str, ...], asked: str | Mapping[str, float] | None
) -> np.ndarray:
    """What each item counts, by its class: weight (n,) times the mean of the class weights over P (n, c).

    "balanced" gives each class n / (c · n_c), n_c its part of P over n items, as scikit-learn does.

    Raises:
        InputError: a class that there is not, or a weight that is no number above 0.
    """
    import numpy as np

    if not asked:
        return weight
    if isinstance(asked, str):
        if asked != BALANCED:
            raise InputError(f"class_weights is {asked!r}: expected \"balanced\", or a number for each class by name")
        held = np.asarray(weight, np.float64) @ P
        each = np.where(held > 0, held.sum() / (len(names) * np.where(held > 0, held, 1)), 1.0)
    else:
        for name, value in asked.items():
            if name not in names:
                raise InputError(f"class_weights names the class {name!r}{nearest(name, names)}")
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < np.inf:
                raise InputError(f"class_weights of {name!r} is {value!r}, expected a number above 0")
        each = np.array([asked.get(name, 1.0) for name in names])
    return (weight * (P @ each)).astype(np.float32)
