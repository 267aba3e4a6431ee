"""What was traced in a trained B, as values: a unit, a class, an item; and their rows."""

from __future__ import annotations

import abc
import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from kgkt.transfer.told import COLUMNS, Made, Part, Reach, Seen, Through


@dataclass(frozen=True, slots=True)
class Traced(abc.ABC):
    """What every trace begins with.

    Args:
        target: B's file.
        items: of the pool that it was measured on.
    """

    target: str
    items: int

    @abc.abstractmethod
    def rows(self) -> Iterator[tuple[Any, ...]]:
        """COLUMNS of all that is told, part by part."""

    def to_json(self) -> dict[str, Any]:
        """All of it as JSON holds it; a class is called `class` there."""
        return _named(dataclasses.asdict(self))

    def to_pandas(self) -> Any:
        """The rows as a pandas DataFrame."""
        from kgkt.tables import data_frame

        return data_frame(COLUMNS, self.rows())

    def _repr_html_(self) -> str:
        from kgkt.tables import html_table

        return html_table(COLUMNS, self.rows())


def _named(value: Any) -> Any:
    if isinstance(value, dict):
        return {"class" if key == "says" else key: _named(one) for key, one in value.items()}
    return [_named(one) for one in value] if isinstance(value, list | tuple) else value


@dataclass(frozen=True, slots=True)
class TracedUnit(Traced):
    """A unit of B.

    Args:
        layer, unit, kind: of the block; `name` is the class of a head slot.
        mean, deviation: of its activation over the pool.
        concepts: the strongest as measured.
        explained: share of its variance that the means of all concepts explain; `by_chance`, what they would of a
            unit that knows nothing of them.
        speaks_for: class -> nats that it adds to the evidence for that class, in the mean over items that B calls so,
            beside a unit that is as on average; the largest first.
        examples: items that it is most active on.
    """

    layer: str
    unit: int
    kind: str
    name: str
    mean: float
    deviation: float
    concepts: tuple[Reach, ...]
    explained: float
    by_chance: float
    speaks_for: dict[str, float]
    examples: tuple[Seen, ...]

    def rows(self) -> Iterator[tuple[Any, ...]]:
        """COLUMNS."""
        more = f"mean {self.mean:.4g}, deviation {self.deviation:.4g}; {self.kind}"
        yield "unit", f"{self.layer}:{self.unit}", None, None, self.explained, None, None, None, more
        for c in self.concepts:
            yield ("concept", f"c{c.number:03d} {c.name}", c.says, None, c.share, c.strength, c.planned, c.measured,
                   None if c.active else "off")  # fmt: skip
        for name, nats in self.speaks_for.items():
            yield "speaks for", name, name, nats, None, None, None, None, None
        for one in self.examples:
            yield one.row("example")


@dataclass(frozen=True, slots=True)
class TracedClass(Traced):
    """A class that B tells.

    Args:
        says: its name.
        called: how many items of the pool B calls so; `agreed`, how many of them the graph does too.
        concepts: where these items lie, most of them first.
        blocks: of each hidden layer, the units that contribute most.
        asked: how many of the items the contributions are a mean over.
        without: share of these that B still calls so when the blocks that are told of in the last layer are held at
            their average; None where none is.
        examples: the items that B is surest of.
    """

    says: str
    called: int
    agreed: int
    concepts: tuple[Made, ...]
    blocks: tuple[Through, ...]
    asked: int
    without: float | None
    examples: tuple[Seen, ...]

    def rows(self) -> Iterator[tuple[Any, ...]]:
        """COLUMNS."""
        yield ("class", self.says, self.says, float(self.called), self.called / self.items, None, None, None,
               f"the graph agrees on {self.agreed}")  # fmt: skip
        for c in self.concepts:
            yield ("concept", f"c{c.number:03d} {c.name}", self.says, float(c.items), c.share, c.strength, c.planned,
                   c.measured, f"{100 * c.of_concept:.0f} % of its items")  # fmt: skip
        for block in self.blocks:
            yield block.row()
        yield "without", "its last blocks", self.says, None, self.without, None, None, None, f"of {self.asked}"
        for one in self.examples:
            yield one.row("example")


@dataclass(frozen=True, slots=True)
class TracedItem(Traced):
    """Why B says what it says of an item.

    Args:
        item: its id; `new`, whether it is none of the pool.
        says: B's answer and `mass`, its probability; `next_class`, `next_mass` the next one.
        graph_says, graph_mass: what the graph says; None where it says nothing.
        label: what a person said of it.
        layer: the last hidden layer that was measured; None where B has none.
        evidence: nats that speak for the answer there, beside a layer that is as on average.
        concepts: of the item, the strongest first; their contributions and `own` sum to `evidence`.
        own: what is of the item alone.
        blocks: of each hidden layer, the units that contribute most.
        without, without_mass: what B says when the blocks that are told of in the last layer are held at their
            average; None where none is.
        nearest: items of the pool in A's embedding, the nearest first.
        picture, text: of the item.
    """

    item: str
    new: bool
    says: str
    mass: float
    next_class: str | None
    next_mass: float | None
    graph_says: str | None
    graph_mass: float | None
    label: str | None
    layer: str | None
    evidence: float | None
    concepts: tuple[Part, ...]
    own: float | None
    blocks: tuple[Through, ...]
    without: str | None
    without_mass: float | None
    nearest: tuple[Seen, ...]
    picture: str | None
    text: str | None

    def rows(self) -> Iterator[tuple[Any, ...]]:
        """COLUMNS."""
        yield "answer", "B", self.says, self.mass, None, None, None, None, self.target
        yield "answer", "next", self.next_class, self.next_mass, None, None, None, None, None
        yield "answer", "the graph", self.graph_says, self.graph_mass, None, None, None, None, None
        if self.label is not None:
            yield "answer", "a person", self.label, None, None, None, None, None, None
        for c in self.concepts:
            more = f"membership {c.membership:.2f}" + ("" if c.active else ", off")
            yield "concept", f"c{c.number:03d} {c.name}", c.says, c.contribution, None, None, None, None, more
        if self.own is not None:
            yield "own", self.item, None, self.own, None, None, None, None, f"of {self.evidence:.3g} in {self.layer}"
        for block in self.blocks:
            yield block.row()
        yield "without", "its last blocks", self.without, self.without_mass, None, None, None, None, None
        for one in self.nearest:
            yield one.row("nearest")
