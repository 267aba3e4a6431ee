"""Words in memory become files of the run directory: a vocabulary keeps which row each word is of."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kgkt.errors import UsageError
from kgkt.rundir.given_words import rows_file
from kgkt.source.words.vocabulary import read_vocabulary


@pytest.mark.parametrize(("given", "words"), [
    (["", "[UNK]", "a b", "new\nline", None], [None, "[UNK]", "a b", "new\nline", None]),
    (np.array(["cat", "dog"]), ["cat", "dog"]), ({"dog": 2, "cat": np.int64(0)}, ["cat", None, "dog"]),
])
def test_a_list_has_a_word_a_row_and_a_dict_the_number_of_the_row(given: Any, words: list[Any], tmp_path: Path) -> None:
    file = rows_file(given, tmp_path / "run")
    assert file is not None
    assert read_vocabulary(file) == words


def test_a_path_stays_and_what_is_neither_is_refused(tmp_path: Path) -> None:
    assert (rows_file(None, tmp_path), rows_file(Path("w.txt"), tmp_path)) == (None, "w.txt")
    for given, came in ((7, "int"), ([], "an empty list"), ({}, "an empty dict"), (["a", 1], "list"), ({"a", "b"}, "set"),
                        ({"a": "0"}, "dict"), (b"ab", "bytes")):  # fmt: skip
        with pytest.raises(UsageError, match=f"{{word: row}}, received {came}$"):
            rows_file(given, tmp_path)
