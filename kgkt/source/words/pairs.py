"""Pairs of words that translate each other, from a file or from memory."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kgkt.errors import InputError, UsageError, count, shorten
from kgkt.source.lines import Lines

TAB, SPACES = re.compile("\t"), re.compile(r"\s+")  # the latter as in MUSE's dictionaries
SPACED = re.compile(r"\s+[^\w\s,;\"']+\s+|\s+(?:->|=>|→|\||=|:)|(?:->|=>|→|\||=|:)\s+")
GLUED = re.compile(r"->|=>|→|\||=|:")  # where there is no space in the line
SIGNS = (SPACED, re.compile(";"), re.compile(","))
NUMBER = re.compile(r"[-+]?\d+([.,]\d+)?%?|[^\w]+")  # or signs alone
NUMBERS = 0.9  # of a column's cells that are such, from which on it holds no words
MOST_COLUMNS = 9  # of a line that are looked at
PLACES = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth")
HEADINGS = {
    "source", "target", "src", "tgt", "trg", "word", "words", "translation", "language", "lang",
}
LANGUAGES = {
    "ar", "cs", "da", "de", "el", "en", "es", "et", "fi", "fr", "he", "hi", "hr", "hu", "it", "ja", "ko", "nl", "no",
    "pl", "pt", "ro", "ru", "sk", "sl", "sv", "tr", "uk", "zh", "english", "french", "german", "spanish", "italian",
    "portuguese", "dutch", "russian", "polish", "swedish", "français", "anglais", "deutsch", "englisch", "español",
    "inglés", "italiano",
}  # fmt: skip
TAKEN = 'a file, [("dog", "chien"), …], {"dog": "chien", "cat": ["chat", "chatte"]} or a table of two columns'
NAMES = HEADINGS | LANGUAGES


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


def read_pairs(path: Path | str, lower: bool = False) -> WordPairs:
    """Read pairs of words: one a line, a tab between them; or another sign of `_sign_of`, the same on every line.

    A heading is passed over, which is said; so is a column of numbers or of signs alone before them, and further
    columns after the two. An empty line, or one that begins with #, is none.

    Args:
        path: UTF-8, also packed as .gz.
        lower: take every word in lower case.

    Raises:
        InputError: not such a file, or a line without two words; with the line.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path} is not there: a file with a word, a tab and its translation on each line")
    lines: list[tuple[int, list[str]]] = []
    notices: list[str] = []
    remarks = 0
    sign: re.Pattern[str] | None = None
    for number, raw in enumerate(Lines(path, "a list of pairs of words", lambda n: f"{path}, line {n}"), 1):
        line = raw.strip("\r\n")
        if not line.strip() or line.startswith("#"):
            remarks += line.startswith("#")
            continue
        sign = sign or _sign_of(line)
        cells = [cell.strip().strip('"').strip() for cell in sign.split(line if sign is TAB else line.strip())]
        if len(cells) < 2 or not cells[0] or not cells[1]:
            raise InputError(f"{path}, line {number} has no two words ({shorten(line, 40)!r}): write a word, a tab, "
                             "and its translation")
        lines.append((number, cells[:MOST_COLUMNS]))
    if remarks:
        notices.append(f"{path}: {count(remarks, 'line')} beginning with # passed over")
    found, said = _two_columns(path, lines)
    notices += said
    if not found:
        raise InputError(f"{path} holds no pairs of words: write a word, a tab, and its translation on each line")
    if lower:
        found = [(a.lower(), b.lower()) for a, b in found]
    once = tuple(dict.fromkeys(found))
    if len(once) < len(found):
        notices.append(f"{path}: {count(len(found) - len(once), 'pair')} stood there more than once")
    return WordPairs(path, once, tuple(notices))


def _sign_of(line: str) -> re.Pattern[str]:
    """What stands between two words, by the first line: a tab, else the first of `SIGNS`, else spaces."""
    if TAB.search(line):
        return TAB
    line = line.strip()
    found = [(match.start(), number) for number, sign in enumerate(SIGNS)
             if (match := sign.search(line)) and match.start()]  # fmt: skip
    if found:
        return SIGNS[min(found)[1]]
    return SPACES if SPACES.search(line) else GLUED if GLUED.search(line) else TAB


def _two_columns(path: Path, lines: Sequence[tuple[int, list[str]]]) -> tuple[list[tuple[str, str]], list[str]]:
    """The two columns of words without a heading, and what is said of what was passed over.

    Raises:
        InputError: fewer than two columns hold words.
    """
    if not lines:
        return [], []
    rest, said = [cells for _, cells in lines[1:]] or [lines[0][1]], []
    width = min(len(cells) for _, cells in lines)
    numbers = [i for i in range(width) if sum(_no_word(cells[i]) for cells in rest) >= NUMBERS * len(rest)]
    columns = [i for i in range(width) if i not in numbers][:2]
    if len(rest) == 1 or not {0, 1} & {*numbers}:
        columns = [0, 1]
    if len(columns) < 2:
        raise InputError(f"{path}: its {PLACES[numbers[0]]} column holds no words ({rest[0][numbers[0]]}, …), and two "
                         "columns of words are needed: write a word, a tab, and its translation on each line")
    if columns != [0, 1]:
        no, one, two = (PLACES[i] for i in (numbers[0], *columns))
        said.append(f"{path}: the words are taken from its {one} and its {two} column; the {no} one holds none "
                    f"({rest[0][numbers[0]]}, …)")
    number, first = lines[0]
    a, b = (first[i] for i in columns)
    if _is_heading((a, b)) or (columns != [0, 1] and not _no_word(first[numbers[0]])):
        at = "the first line" if number == 1 else f"line {number}"
        said.append(f"{path}: {at} ({a}, {b}) is taken for a heading and passed over")
        lines = lines[1:]
    return [(cells[columns[0]], cells[columns[1]]) for _, cells in lines], said


def _no_word(cell: str) -> bool:
    return NUMBER.fullmatch(cell) is not None


def given_pairs(value: Any, name: str, lower: bool = False) -> WordPairs:
    """Pairs of words from a file, or as they are in memory.

    Args:
        value: a path; or pairs of texts, a mapping of a word to a translation or a list of them, or a table of two
            columns (pandas, polars).
        name: what to call pairs in memory.
        lower: as for `read_pairs`.

    Raises:
        UsageError: none of these.
    """
    if isinstance(value, str | os.PathLike):
        return read_pairs(os.fspath(value), lower)
    if isinstance(value, Mapping):
        value = [(word, one) for word, told in value.items()
                 for one in (told if isinstance(told, list | tuple | set) else [told])]  # fmt: skip
    if hasattr(value, "columns") and hasattr(value, "to_numpy"):
        if len(value.columns) != 2:
            raise UsageError(f"{name}: a table with {count(len(value.columns), 'column')} "
                             f"({', '.join(map(str, value.columns))[:60]}): give the two that hold the words")
        value = value.to_numpy().tolist()
    if isinstance(value, bytes) or hasattr(value, "to_frame") or not isinstance(value, Iterable):
        raise UsageError(f"{name}: expected {TAKEN}; received {type(value).__name__}")
    value = [pair.tolist() if hasattr(pair, "tolist") else pair for pair in value]
    if wrong := [pair for pair in value if not isinstance(pair, list | tuple) or len(pair) != 2
                 or not all(isinstance(word, str) for word in pair)]:  # fmt: skip
        raise UsageError(f"{name}: expected {TAKEN}; {shorten(repr(wrong[0]), 60)} is no pair of words")
    if not value:
        raise UsageError(f"{name}: no pairs; expected {TAKEN}")
    kept = [(a.lower(), b.lower()) if lower else (a, b) for a, b in value]
    return WordPairs(Path(name), tuple(dict.fromkeys(kept)), ())


def _is_heading(cells: Sequence[str]) -> bool:
    words = [frozenset(re.findall(r"[^\W\d_]+", cell.lower())) for cell in cells[:2]]
    return cells[0].lower() != cells[1].lower() and all(found and found <= NAMES for found in words)
