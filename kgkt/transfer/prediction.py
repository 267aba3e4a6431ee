"""What new items are, as a value with its rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

COLUMNS = ("item", "class", "mass", "next_class", "next_mass", "concepts")


@dataclass(frozen=True, slots=True)
class Predicted:
    """What new items are.

    Args:
        ids: (m,) item ids.
        P: (m, c) probabilities, rows to 1.
        names: (c,) class names.
        reached: (m,) bool; an item that no knowledge reaches has no class, nor has a word that A does not know.
        concepts: (m, q) numbers of the nearest concepts, nearest first, -1 of a word that A does not know; None where B
            answered.
        strengths: (m, q) how much an item belongs to each.
        concept_names: (k,) of the graph.
        far: how many items lie farther from the pool than 99 of 100 of its items do from one another, or are of
            another scale; None where B answered.
        right: share of the items that are of the class that the data says; None where it does not say.
        texts: (m,) of the items, where they are texts.
    """

    ids: np.ndarray
    P: np.ndarray
    names: tuple[str, ...]
    reached: np.ndarray
    concepts: np.ndarray | None = None
    strengths: np.ndarray | None = None
    concept_names: tuple[str, ...] = ()
    far: int | None = None
    right: float | None = None
    texts: list[str] | None = None

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def classes(self) -> list[str | None]:
        """(m,) the class of each item."""
        best = self.P.argmax(axis=1)
        return [self.names[b] if reached else None for b, reached in zip(best, self.reached, strict=True)]

    def rows(self) -> Iterator[tuple[Any, ...]]:
        """COLUMNS of each item; `concepts` is [[number, name, strength], ...], or None where B answered."""
        for i, item in enumerate(self.ids.tolist()):
            if not self.reached[i]:
                yield item, None, None, None, None, self._concepts(i)
                continue
            order = self.P[i].argsort(kind="stable")[::-1]
            best, following = order[0], order[1] if len(order) > 1 else None
            yield (item, self.names[best], float(self.P[i, best]), None if following is None else self.names[following],
                   None if following is None else float(self.P[i, following]), self._concepts(i))  # fmt: skip

    def _concepts(self, i: int) -> list[list[Any]] | None:
        if self.concepts is None or self.strengths is None:
            return None
        found: dict[int, float] = {}  # of two that people merged, the one that both count as
        for number, strength in zip(self.concepts[i].tolist(), self.strengths[i].tolist(), strict=True):
            if number < 0:
                continue
            found[number] = found.get(number, 0.0) + strength
        return [[number, self.concept_names[number], round(strength, 3)] for number, strength in found.items()]

    def lines(self) -> Iterator[tuple[str, ...]]:
        """The rows of a CSV."""
        for item, name, mass, following, next_mass, concepts in self.rows():
            near = "; ".join(f"{number} {title} {strength:g}" for number, title, strength in concepts or ())
            yield (item, name or "", "" if mass is None else f"{mass:.6f}", following or "",
                   "" if next_mass is None else f"{next_mass:.6f}", near)  # fmt: skip

    def to_pandas(self) -> Any:
        """The rows as a pandas DataFrame."""
        from kgkt.tables import data_frame

        return data_frame(COLUMNS, self.rows())

    def _repr_html_(self) -> str:
        from kgkt.tables import html_table

        return html_table(COLUMNS, self.rows())
