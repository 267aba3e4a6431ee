"""Pairs of words that translate each other, from a file, held against the words of two languages."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kgkt.errors import InputError, UsageError, count, shorten
from kgkt.source.lines import Lines

FEWEST = 10  # words of the source with a known translation
SIGNS = ("\t", ";", ",", None)  # what may stand between two words; None is white space, as in MUSE's dictionaries
HEADINGS = {"source", "target", "src", "tgt", "trg", "word", "translation", "lang1", "lang2"}
LANGUAGES = {
    "ar", "cs", "da", "de", "el", "en", "es", "et", "fi", "fr", "he", "hi", "hr", "hu", "it", "ja", "ko", "nl", "no",
    "pl", "pt", "ro", "ru", "sk", "sl", "sv", "tr", "uk", "zh", "english", "french", "german", "spanish", "italian",
    "portuguese", "dutch", "russian", "polish", "swedish", "français", "anglais", "deutsch", "englisch", "español",
    "inglés", "italiano",
}  # fmt: skip
SHOWN = 3  # examples of what is not known


@dataclass(frozen=True, slots=True)
class WordPairs:
    """What a file of pairs says.

    Args:
        path: the file.
        pairs: (word of the source, a right translation), each once, in the file's order.
        notices: what was odd.
    """

    path: Path
    pairs: tuple[tuple[str, str], ...]
    notices: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class KnownPairs:
    """The pairs whose two words have vectors.

    Args:
        right: row of a source word -> rows of its right translations, in the file's order.
        told: how many pairs the file has.
        unknown: pairs left out, as a word of them has no vector.
        notices: what was odd, the unknown ones in words among them.
    """

    right: dict[int, list[int]]
    told: int
    unknown: int
    notices: tuple[str, ...]

    @property
    def pairs(self) -> int:
        """How many pairs are known."""
        return sum(map(len, self.right.values()))


def read_pairs(path: Path | str, lower: bool = False) -> WordPairs:
    """Read pairs of words: one a line, a tab between them; or semicolons, commas or spaces, the same on every line.

    A heading is passed over, which is said; so are further columns. An empty line, or one that begins with #, is none.

    Args:
        path: UTF-8, also packed as .gz.
        lower: take every word in lower case.

    Raises:
        InputError: not such a file, or a line without two words; with the line.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path} is not there: a file with a word, a tab and its translation on each line")
    found: list[tuple[str, str]] = []
    notices: list[str] = []
    sign: str | None = "\t"
    started = False
    for number, raw in enumerate(Lines(path, "a list of pairs of words", lambda n: f"{path}, line {n}"), 1):
        line = raw.strip("\r\n")
        if not line.strip() or line.startswith("#"):
            continue
        if not started:
            sign = next((sign for sign in SIGNS if len(line.split(sign)) > 1), "\t")
        cells = [cell.strip().strip('"').strip() for cell in line.split(sign)]
        if len(cells) < 2 or not cells[0] or not cells[1]:
            raise InputError(f"{path}, line {number} has no two words ({shorten(line, 40)!r}): write a word, a tab, "
                             "and its translation")
        heading, started = not started and _is_heading(cells), True
        if heading:
            notices.append(f"{path}: the first line ({cells[0]}, {cells[1]}) is taken for a heading and passed over")
            continue
        found.append((cells[0].lower(), cells[1].lower()) if lower else (cells[0], cells[1]))
    if not found:
        raise InputError(f"{path} holds no pairs of words: write a word, a tab, and its translation on each line")
    once = tuple(dict.fromkeys(found))
    if len(once) < len(found):
        notices.append(f"{path}: {count(len(found) - len(once), 'pair')} stood there more than once")
    return WordPairs(path, once, tuple(notices))


def given_pairs(value: Any, name: str, lower: bool = False) -> WordPairs:
    """Pairs of words from a file, or as they are in memory.

    Args:
        value: a path; or pairs of texts, or a mapping of a word to a translation or a list of them.
        name: what to call pairs in memory.
        lower: as for `read_pairs`.

    Raises:
        UsageError: none of these.
    """
    if isinstance(value, str | os.PathLike):
        return read_pairs(os.fspath(value), lower)
    if isinstance(value, Mapping):
        value = [(word, one) for word, told in value.items() for one in ([told] if isinstance(told, str) else told)]
    try:
        pairs = [tuple(pair) for pair in value]
    except TypeError as error:
        raise UsageError(f"{name}: expected a file or pairs of words, received {type(value).__name__}") from error
    if wrong := [pair for pair in pairs if len(pair) != 2 or not all(isinstance(word, str) for word in pair)]:
        raise UsageError(f"{name}: expected pairs of words, and {wrong[0]!r} is none")
    kept = [(a.lower(), b.lower()) if lower else (a, b) for a, b in pairs]
    return WordPairs(Path(name), tuple(dict.fromkeys(kept)), ())


def know_pairs(
    told: WordPairs, source: Mapping[str, int], target: Mapping[str, int], names: Sequence[str], fewest: int = FEWEST,
    hint: str = "",
) -> KnownPairs:  # fmt: skip
    """The pairs whose two words have vectors.

    Args:
        told: the file.
        source, target: word -> its row.
        names: what the two are called, for messages.
        fewest: source words that there must be.
        hint: why words may not be known, for messages.

    Raises:
        InputError: the two languages stand the other way round, or too few words are known.
    """
    right: dict[int, list[int]] = {}
    strange: list[list[str]] = [[], []]
    unknown = turned = 0
    for a, b in told.pairs:
        missing = [a not in source, b not in target]
        if not any(missing):
            right.setdefault(source[a], []).append(target[b])
            continue
        unknown += 1
        turned += a in target and b in source
        for side, word, lacks in zip(strange, (a, b), missing, strict=True):
            side += [word] * lacks
    known = len(told.pairs) - unknown
    if turned > known:
        raise InputError(f"{told.path}: of {count(len(told.pairs), 'pair')} {turned:,} are known the other way round, "
                         f"and {known:,} as they stand ({names[0]}, then {names[1]}): swap its columns, or the two "
                         "languages")
    said = [f"{len(set(side)):,} words of its {which} column that {name} does not have ({_some(side)})"
            for side, which, name in zip(strange, ("first", "second"), names, strict=True) if side]
    if len(right) < fewest:
        why = ", ".join(said) or f"{count(len(right), 'word')} in all"
        raise InputError(f"{told.path}: the translation of {count(len(right), 'word')} is known, {fewest} are needed; "
                         f"{why}{_casing(told, source, target)}{hint if said else ''}")
    notices: tuple[str, ...] = (f"{told.path}: {unknown:,} of {len(told.pairs):,} pairs are left out: {', '.join(said)}"
               f"{_casing(told, source, target)}{hint}",) if unknown else ()
    same = sum(a == b for a, b in told.pairs)
    if same > len(told.pairs) / 2:
        notices += (f"{told.path}: {same:,} of {len(told.pairs):,} pairs are a word and itself: are {names[0]} and "
                    f"{names[1]} of one language?",)
    return KnownPairs(right, len(told.pairs), unknown, (*told.notices, *notices))


def _some(words: Sequence[str]) -> str:
    some = list(dict.fromkeys(words))
    return ", ".join(shorten(word, 30) for word in some[:SHOWN]) + (", …" if len(some) > SHOWN else "")


def _casing(told: WordPairs, source: Mapping[str, int], target: Mapping[str, int]) -> str:
    """What writing the pairs in lower case would change, where it is much."""
    now = sum(a in source and b in target for a, b in told.pairs)
    lower = sum(a.lower() in source and b.lower() in target for a, b in told.pairs)
    return f". In lower case {lower:,} pairs are known: --lower" if lower > now + len(told.pairs) / 20 else ""


def _is_heading(cells: Sequence[str]) -> bool:
    a, b = (re.sub(r"[^\w]", "", cell.lower()) for cell in cells[:2])
    return a != b and ({a, b} <= HEADINGS or {a, b} <= LANGUAGES)
