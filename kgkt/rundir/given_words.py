"""Words that Python hands over in memory, put into a file of the run directory."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from numbers import Integral, Number
from pathlib import Path
from typing import Any

from kgkt.errors import UsageError
from kgkt.files import make_folder, write_json, write_text
from kgkt.rundir.given import model_file


def words_file(value: Any, folder: Path, name: str = "vocabulary") -> str | None:
    """The path of a list of words; what is in memory is written to `folder`, one word a line.

    Args:
        value: a path, words, or an open Keras model, whose own words are meant.
        folder: of the run directory.
        name: of the file, without suffix.

    Raises:
        UsageError: none of these, or something in a list that is no word.
    """
    if value is None or isinstance(value, str | os.PathLike):
        return None if value is None else os.fspath(value)
    if hasattr(value, "save") and hasattr(value, "layers"):
        return model_file(value, folder)
    return _written(value, folder, name, "a path, a list of words or a Keras model")


def listed_file(value: Any, folder: Path, name: str) -> str | None:
    """The same of words alone, where a text that is no file's path was meant as a word.

    Raises:
        UsageError: neither a path of a file that is there nor words.
    """
    if isinstance(value, str) and not Path(value).exists():
        raise UsageError(f"{name}: there is no file {value}; a text is the path of a file of words, one a line, and "
                         f"words themselves are a list: {name}=[{value!r}]")
    if value is None or isinstance(value, str | os.PathLike):
        return None if value is None else os.fspath(value)
    return _written(value, folder, name, "a path or a list of words")


def _written(value: Any, folder: Path, name: str, expected: str) -> str:
    """A file of the words of a list."""
    words = [_word(word, name) for word in value] if isinstance(value, Iterable) else []
    if not words:
        came = f"{'an empty ' if isinstance(value, Iterable) else ''}{type(value).__name__}"
        raise UsageError(f"{name}: expected {expected}, received {came}")
    make_folder(folder)
    write_text(folder / f"{name}.txt", "\n".join(words) + "\n")
    return str(folder / f"{name}.txt")


def rows_file(value: Any, folder: Path) -> str | None:
    """The path of a vocabulary, which says which word each row is of; what is in memory is written to `folder`.

    Args:
        value: a path, words in the order of the rows ("" or None of a row without one), or {word: row}.
        folder: of the run directory.

    Raises:
        UsageError: none of these.
    """
    if value is None or isinstance(value, str | os.PathLike):
        return None if value is None else os.fspath(value)
    held: Any = None
    if isinstance(value, Mapping):
        if all(isinstance(row, Integral) and not isinstance(row, bool) for row in value.values()):
            held = {str(word): int(row) for word, row in value.items()}
    elif isinstance(value, Iterable) and not isinstance(value, bytes | set | frozenset):
        words = list(value)
        held = ["" if word is None else str(word) for word in words if isinstance(word, str | None)]
        held = held if len(held) == len(words) else None
    if not held:
        came = f"{'an empty ' if held is not None else ''}{type(value).__name__}"
        raise UsageError(f"vocabulary: expected a path, a list with the word of each row, or {{word: row}}, received "
                         f"{came}")
    make_folder(folder)
    write_json(folder / "row-vocabulary.json", held)
    return str(folder / "row-vocabulary.json")


def _word(value: Any, name: str) -> str:
    """A word of a list; a number is one as it is written, a missing value is none."""
    if isinstance(value, bool) or not isinstance(value, str | Number) or value != value:
        raise UsageError(f"{name}: expected words, received {value!r} ({type(value).__name__}) among them")
    if "\n" in (word := str(value)) or "\r" in word:
        raise UsageError(f"{name}: expected words, received {word[:40]!r}, which holds a line break")
    return word
