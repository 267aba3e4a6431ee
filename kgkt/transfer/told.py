"""What a trace tells of: items, concepts and blocks, as values with their rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

COLUMNS = ("part", "what", "class", "value", "share", "strength", "planned", "measured", "more")


@dataclass(frozen=True, slots=True)
class Seen:
    """An item that is shown.

    Args:
        item: its id.
        value: how active the unit is on it, B's probability of the class, or the cosine distance in A's embedding.
        concept: number of the nearest one.
        says: what B calls it.
        label: what a person called it.
        picture, text: path and text, where they are at hand.
    """

    item: str
    value: float
    concept: int
    says: str
    label: str | None
    picture: str | None
    text: str | None

    def row(self, part: str) -> tuple[Any, ...]:
        """COLUMNS."""
        label = None if self.label is None else f"labelled {self.label}"
        more = "; ".join(filter(None, (f"c{self.concept:03d}", label, self.text or self.picture)))
        return part, self.item, self.says, self.value, None, None, None, None, more


@dataclass(frozen=True, slots=True)
class Reach:
    """A concept that reaches a unit.

    Args:
        number, name, active: of the concept.
        items: nearest to it.
        says: the class that it leans to most; None where it leans to none.
        strength, planned: of MAPS_TO; None where B is not mapped.
        measured: correlation of membership and activation.
        share: of the variance of the unit's activation over the pool, what lies in the concept's mean.
    """

    number: int
    name: str
    active: bool
    items: int
    says: str | None
    strength: float | None
    planned: float | None
    measured: float
    share: float


@dataclass(frozen=True, slots=True)
class Through:
    """What a unit contributes to B's answer.

    Args:
        layer, unit: of the block.
        activation, mean: on the item (of a class: in the mean over its items), and over the pool.
        contribution: nats that it adds to the evidence, beside a unit that is as on average.
        share: of all that units of this layer add; units that take away have none.
        concept, name: the concept through which most of it comes (of a class: which it goes along with most).
        measured, strength: of that concept and the unit.
    """

    layer: str
    unit: int
    activation: float
    mean: float
    contribution: float
    share: float
    concept: int | None
    name: str | None
    measured: float | None
    strength: float | None

    def row(self) -> tuple[Any, ...]:
        """COLUMNS."""
        by = None if self.concept is None else f"c{self.concept:03d} {self.name}"
        return ("block", f"{self.layer}:{self.unit}", None, self.contribution, self.share, self.strength, None,
                self.measured, by)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Made:
    """A concept that makes a class.

    Args:
        number, name, active: of the concept.
        items: of the class, as B calls it, that are nearest to it; `share` of all of these.
        of_concept: share of the concept's items that B calls so.
        mass: how much it leans to the class in the graph.
        strength, planned: of MAPS_TO to the head's slot; None where B is not mapped.
        measured: correlation of membership and B's output for the class; None where the head is not measured.
    """

    number: int
    name: str
    active: bool
    items: int
    share: float
    of_concept: float
    mass: float
    strength: float | None
    planned: float | None
    measured: float | None


@dataclass(frozen=True, slots=True)
class Part:
    """A concept of an item, and what came through it.

    Args:
        number, name, active: of the concept.
        membership: of the item in it.
        says: the class that it leans to most.
        contribution: nats that it adds to the evidence, by what its items have in common in `TracedItem.layer`.
    """

    number: int
    name: str
    active: bool
    membership: float
    says: str | None
    contribution: float | None
