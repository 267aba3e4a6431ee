"""What a comparison of two views of a pool tells: one concept, and all of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from kgkt.transfer.diff import LOST

COLUMNS = ("key", "concept", "items", "verdict", "kept", "floor", "ceiling", "position", "into", "beside", "examples")


@dataclass(frozen=True, slots=True)
class Compared:
    """One concept, and what became of it.

    Args:
        key, name, size: of the concept; `number`, its number.
        verdict: arrived, in part, split, merged, lost, new or unclear.
        kept, floor, ceiling: how much the items that the other side puts together share the concept; None of a new one
            that is told of by its number alone.
        position: 0 at the floor, 1 at the ceiling; None where there is no room between.
        into: concepts of the other graph (groups of B's layer) that hold it, where it is split or merged.
        beside: concepts of its own graph that are merged with it.
        examples: item ids.
    """

    number: int
    key: str
    name: str
    size: int
    verdict: str
    kept: float | None
    floor: float | None
    ceiling: float | None
    position: float | None
    into: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()
    examples: tuple[str, ...] = ()

    def row(self) -> tuple[Any, ...]:
        """COLUMNS of it."""
        return (self.key, self.name, self.size, self.verdict, self.kept, self.floor, self.ceiling, self.position,
                list(self.into), list(self.beside), list(self.examples))  # fmt: skip


@dataclass(frozen=True, slots=True)
class Diffed:
    """What `diff` found.

    Args:
        graph: the first graph.
        other: the second graph, or the name of B.
        model: whether `other` is a model.
        concepts: of the first graph that are on, the least kept first.
        new: concepts of the second that the first does not know (of B: groups of its layer).
        figures: kept, floor, ceiling, position of all concepts together.
        off: concepts that are switched off, which are not asked for.
        stored: whether it stands in the database.
        before: the model that made the floor, where one was named.
    """

    graph: str
    other: str
    model: bool
    concepts: tuple[Compared, ...]
    new: tuple[Compared, ...]
    figures: dict[str, float]
    off: int
    stored: bool
    before: str | None = None

    def __iter__(self) -> Iterator[Compared]:
        return iter(self.concepts)

    def __len__(self) -> int:
        return len(self.concepts)

    @property
    def counts(self) -> dict[str, int]:
        """verdict -> concepts, new ones of the other side among them."""
        return dict(Counter(c.verdict for c in (*self.concepts, *self.new)))

    @property
    def lost(self) -> tuple[Compared, ...]:
        """The concepts that are lost."""
        return tuple(c for c in self.concepts if c.verdict == LOST)

    def rows(self) -> list[tuple[Any, ...]]:
        """COLUMNS of each, the new ones last."""
        return [c.row() for c in (*self.concepts, *self.new)]

    def to_json(self) -> dict[str, Any]:
        """All of it as JSON holds it."""
        return {
            "graph": self.graph, "other": self.other, "model": self.model, "before": self.before,
            "figures": self.figures, "verdicts": self.counts, "off": self.off, "stored": self.stored,
            "columns": COLUMNS, "rows": self.rows(),
        }  # fmt: skip

    def to_pandas(self) -> Any:
        """The concepts as a pandas DataFrame."""
        from kgkt.tables import data_frame

        return data_frame(COLUMNS, self.rows())

    def _repr_html_(self) -> str:
        from kgkt.tables import html_table

        return html_table(COLUMNS, self.rows())
