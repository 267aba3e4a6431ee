"""Columns of numbers that are called alike but for a number at their end: f0, f1, … are one layer."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kgkt.errors import InputError, count, nearest

NUMBERED = re.compile(r"(?P<prefix>.*?)[_\-. ]?(?P<number>\d+)")  # f0, emb_12, 7


def by_number(names: Sequence[str]) -> list[str]:
    """Names of columns, those that differ in a number at their end in the order of their numbers, the others in place.

    Columns of one prefix share the places that they had: f2, age, f0, f1 become f0, age, f1, f2.
    """
    groups: dict[str, list[tuple[int, str]]] = {}
    for name in names:
        if match := NUMBERED.fullmatch(name):
            groups.setdefault(match["prefix"], []).append((int(match["number"]), name))
    ordered = {prefix: iter(sorted(group, key=lambda one: one[0])) for prefix, group in groups.items()}
    return [next(ordered[match["prefix"]])[1] if (match := NUMBERED.fullmatch(name)) else name for name in names]


def by_prefix(numbers: Sequence[str]) -> dict[str, list[str]]:
    """Layer -> its columns: those that differ in a number at their end, two or more, by their numbers."""
    groups: dict[str, list[str]] = {}
    for name in by_number(numbers):
        if match := NUMBERED.fullmatch(name):
            groups.setdefault(match["prefix"] or "features", []).append(name)
    return {layer: group for layer, group in groups.items() if len(group) > 1}


def by_pattern(path: Path, patterns: Sequence[str], numbers: Sequence[str]) -> dict[str, list[str]]:
    """Layer -> the columns of numbers that a pattern names."""
    groups: dict[str, list[str]] = {}
    for pattern in patterns:
        group = [name for name in by_number(numbers) if fnmatch.fnmatchcase(name, pattern)]
        if len(group) < 2:
            raise InputError(f"{path}: --columns {pattern} names {len(group)} columns of numbers, a layer needs two or "
                             f"more{nearest(pattern.rstrip('*'), numbers)}")
        groups.setdefault(re.sub(r"\W+", "", pattern).rstrip("_") or "features", []).extend(group)
    return groups


def order_and_gaps(group: Sequence[str], stand: Sequence[str]) -> str:
    """What to say of a layer whose columns do not stand in the order of their numbers, or of which some are not there.

    Args:
        group: its columns, in the order that they are taken in.
        stand: the columns of numbers in the order of the file.
    """
    members = set(group)
    said = "" if [name for name in stand if name in members] == list(group) else ", in the order of their numbers"
    numbers: dict[str, set[int]] = {}
    for match in filter(None, map(NUMBERED.fullmatch, group)):
        numbers.setdefault(match["prefix"], set()).add(int(match["number"]))
    for prefix, there in numbers.items():
        between = max(there) - min(there) + 1 - len(there)
        if between:
            first = next(n for n in range(min(there), max(there)) if n not in there)
            said += (f"; {count(between, 'number')} between {prefix}{min(there)} and {prefix}{max(there)} without a "
                     f"column, first {prefix}{first}")
    return said


def refuse_words(path: Path, table: Any, taken: Sequence[str], others: Sequence[str]) -> None:
    """Refuse a column that is called as those that are taken, but for its number, and holds words.

    Raises:
        InputError: with the column and the first row that is no number.
    """
    import pyarrow as pa

    prefixes = {match["prefix"] for match in map(NUMBERED.fullmatch, taken) if match}
    for name in others:
        match, column = NUMBERED.fullmatch(name), table.column(name)
        words = pa.types.is_string(column.type) or pa.types.is_large_string(column.type)
        if match is None or match["prefix"] not in prefixes or not words:
            continue
        held = [(row, value) for row, value in enumerate(column.to_pylist()) if value]
        row, value = next((one for one in held if not _reads_as_number(one[1])), held[0] if held else (0, ""))
        raise InputError(f"{path}: column {name} holds the text {value[:40]!r} in row {row}, a number is wanted; "
                         "--columns names the columns of numbers, if this one is none")


def _reads_as_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
