"""Words that Python hands over in memory, put into a file of the run directory."""

from __future__ import annotations

import os
from collections.abc import Iterable
from numbers import Number
from pathlib import Path
from typing import Any

from kgkt.errors import UsageError
from kgkt.files import make_folder, write_text
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
    words = [_word(word, name) for word in value] if isinstance(value, Iterable) else []
    if not words:
        came = f"{'an empty ' if isinstance(value, Iterable) else ''}{type(value).__name__}"
        raise UsageError(f"{name}: expected a path, a list of words or a Keras model, received {came}")
    make_folder(folder)
    write_text(folder / f"{name}.txt", "\n".join(words) + "\n")
    return str(folder / f"{name}.txt")


def _word(value: Any, name: str) -> str:
    """A word of a list; a number is one as it is written, a missing value is none."""
    if isinstance(value, bool) or not isinstance(value, str | Number) or value != value:
        raise UsageError(f"{name}: expected words, received {value!r} ({type(value).__name__}) among them")
    if "\n" in (word := str(value)) or "\r" in word:
        raise UsageError(f"{name}: expected words, received {word[:40]!r}, which holds a line break")
    return word
