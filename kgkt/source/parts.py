"""The parts of several sources: what each is called, which of its rows are which items, and what it counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from kgkt.errors import InputError, UsageError, count
from kgkt.recipe import SourceSettings
from kgkt.source.arrays import are_numbered, rows_of, some_ids
from kgkt.source.source import Source

if TYPE_CHECKING:
    import numpy as np

AUTO = "auto"


@dataclass(frozen=True, slots=True)
class Part:
    """One of several sources.

    Args:
        source: it.
        settings: that name it alone.
        prefix: what the names of its layers begin with.
        name: of its Model node.
        number: its place among them, from 1.
    """

    source: Source
    settings: SourceSettings
    prefix: str
    name: str
    number: int

    @property
    def path(self) -> Path:
        """Its file or folder."""
        return Path(self.settings.features or self.settings.model_path or "")

    def layer(self, own: str) -> str:
        """The name of a layer of it among those of all."""
        return f"{self.prefix}/{own}"


def parts_of(settings: SourceSettings, sources: Sequence[Source]) -> list[Part]:
    """The sources with their names, told apart.

    Args:
        settings: the recipe's [source], whose `each` are the sources.
        sources: one of each.
    """
    files = [Path(one.features or one.model_path or "").absolute() for one in settings.each]
    names = zip(_apart([file.stem for file in files]), _apart([file.name for file in files]), strict=True)
    each = zip(sources, settings.each, names, strict=True)
    return [Part(source, one, *called, number) for number, (source, one, called) in enumerate(each, 1)]


def read_weights(text: str | None, names: Sequence[str]) -> tuple[float, ...] | None:
    """What each source counts; None where that is left to the labels ("auto", or nothing said).

    Args:
        text: "auto", or numbers with commas between, one for each source.
        names: of the sources, for the message.

    Raises:
        UsageError: no numbers, of another count, negative, or all zero.
    """
    if text is None or text.strip() == AUTO:
        return None
    try:
        weights = tuple(float(part) for part in text.split(","))
    except ValueError as error:
        raise UsageError(f"--source-weights {text!r}: write auto, or a number for each source, e.g. 1,0.5") from error
    listed = ", ".join(names)
    if len(weights) != len(names):
        few = f"{count(len(weights), 'number')} for {len(names)} sources"
        raise UsageError(f"--source-weights {text}: {few} ({listed})")
    if not all(0 <= weight < float("inf") for weight in weights) or not any(weights):
        raise UsageError(f"--source-weights {text}: a weight is 0 (the source has no part) or more, and one at least "
                         f"is above 0; in the order of {listed}")
    return weights


def _apart(names: Sequence[str]) -> list[str]:
    """Names told apart: the second of a name gets a number.

    >>> _apart(["a", "b", "a"])
    ['a', 'b', 'a-2']
    """
    seen: Counter[str] = Counter()
    out: list[str] = []
    for name in names:
        seen[name] += 1
        new = name if seen[name] == 1 else f"{name}-{seen[name]}"
        while new in out or (seen[name] > 1 and new in names):
            seen[name] += 1
            new = f"{name}-{seen[name]}"
        out.append(new)
    return out


def ids_of(part: Part) -> np.ndarray:
    """(m,) ids of the items that a source holds itself."""
    held = part.source.held_ids()
    assert held is not None
    return held


def match_ids(there: np.ndarray, ids: np.ndarray, part: Part, where: str) -> tuple[np.ndarray, list[str]]:
    """(n,) the row in a source of each item, whatever their order there; and what it holds beside them, a line.

    Args:
        there: (m,) ids of the source.
        ids: (n,) ids of the items.
        part: the source; where: the items are from, for the message.

    Raises:
        InputError: items that the source has not, or none of the two has ids of its own and they differ in number.
    """
    rows = rows_of(there.tolist(), ids.tolist())
    missing = ids[rows < 0]
    made_up = len(there) != len(ids) and are_numbered(there)
    if made_up and not len(missing):
        raise InputError(f"{part.path} has {len(there):,} rows and no ids of its own, {where} has {len(ids):,} items: "
                         "which row is which? Save item_id beside the features")
    if len(missing):
        shown = some_ids(missing.tolist())
        raise InputError(f"{part.path} lacks {len(missing):,} of the {len(ids):,} items of {where} ({shown}); it has "
                         f"{len(there):,}, e.g. {', '.join(there[:3].tolist())}: every source must hold every item, "
                         "under the same item_id")
    more = len(there) - len(ids)
    return rows, [f"{part.path} holds {count(more, 'item')} that {where} has not: not read"] if more else []
