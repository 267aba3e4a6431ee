"""Whose a strength to a row is: the word's own, wherever that lies, or a concept's that people gave the word to."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from kgkt.rundir.extended_rows import SetRows, mixed, say_set
from kgkt.rundir.row_carry import place_rows, row_strengths

BEFORE: Any = SimpleNamespace(
    ids=np.array(["cat", "dog", "élan"]), memberships=csr_matrix(np.eye(4, dtype=np.float32)[[0, 1, 2]]))
NOBODY: dict[str, Any] = {"merged": [], "switched_off": [], "deleted": []}
TOLD = {"model": "/w/b.keras", "lower": True, "strip_accents": True}


def run_with(waiting: list[Any], told: dict[str, Any]) -> Any:
    state = {"row strengths": waiting, "stages": {"rows": {"settings": {"target": told}}}}
    return SimpleNamespace(state=lambda: state)


def edited(concept: int, word: str, planned: float | None, strength: float = 0.5) -> dict[str, Any]:
    return {"number": concept, "model": "b", "layer": "emb", "index": 7, "block": word, "planned": planned, "strength": strength}


@pytest.mark.parametrize(("edit", "told", "whose"), [
    (edited(3, "cat", 1.0), {}, None), (edited(0, "cat", 0.0), {}, None), (edited(1, "cat", 0.0), {}, 1),
    (edited(1, "cat", None), {}, 1), (edited(0, "unheard", None), {}, 0), (edited(2, "Elan", 0.0), TOLD, None),
    (edited(2, "Elan", 0.0), {**TOLD, "model": "/w/c.keras"}, 2), (edited(2, "Elan", 0.0), {}, 2),
])
def test_a_strength_is_the_word_s_own_where_it_was_planned_or_the_word_lies(
    edit: dict[str, Any], told: dict[str, Any], whose: int | None
) -> None:
    assert row_strengths([edit], run_with([], told), BEFORE, NOBODY) == [(whose, "b", "emb", 7, str(edit["block"]), 0.5)]
    known = row_strengths([edit], run_with([], told), None, NOBODY)  # without the files only what was planned tells
    assert known[0][0] == (None if edit["planned"] else edit["number"])


def test_merges_count_and_what_was_given_before_stays_given() -> None:
    merged = {**NOBODY, "merged": [[1, 3]]}
    assert row_strengths([edited(3, "dog", 0.0)], run_with([], {}), BEFORE, merged)[0][0] is None
    assert row_strengths([edited(3, "dog", 0.0)], run_with([], {}), BEFORE, {**merged, "switched_off": [1]})[0][0] == 3
    waiting = [[0, "b", "emb", 7, "cat", 1.0], [None, "b", "emb", 7, "cat", 0.0]]
    assert row_strengths([edited(0, "cat", 1.0, 0.25)], run_with(waiting, {}), BEFORE, NOBODY) == [
        *map(tuple, waiting), (0, "b", "emb", 7, "cat", 0.25)]


def test_only_a_strength_of_a_concept_needs_a_place() -> None:
    entries = [(None, "b", "emb", 7, "cat", 0.5), (1, "b", "emb", 8, "dog", 1.0), (2, "b", "emb", 9, "elk", 1.0),
               (2, "b", "emb", 10, "fox", 0.0)]  # fmt: skip
    kept, lost = place_rows(entries, {1: 5})
    assert kept == [entries[0], (5, "b", "emb", 8, "dog", 1.0)]
    assert lost == ["strengths of concept 2 to the rows of 'elk', 'fox' in b emb: no new concept holds half of its items"]


def test_new_rows_go_as_far_towards_that_of_unknown_words_as_people_say() -> None:
    rows, unknown = np.arange(9, dtype=np.float32).reshape(3, 3), np.full(3, 8.0, np.float32)
    out = mixed(rows, [1.0, 0.5, 0.0], unknown)
    np.testing.assert_array_equal(out, [rows[0], [5.5, 6, 6.5], unknown])
    said: list[str] = []
    set_ = SetRows("b2", "emb", {"cat": 0.0, "elk": 0.5}, {(3, "dog"): 1.0})
    say_set(set_, ["cat", "dog"], said.append)
    assert said == ["1 strength to the row of 'cat' acts: at 0 it is the row of unknown words",
                    "1 strength to the row of 'dog' does not act: of another concept, and new rows are foretold from the word",
                    "1 strength to the row of 'elk' waits: B does not get that now"]  # fmt: skip
    assert set_.waits(["cat", "dog"]) == [(None, "b2", "emb", -1, "elk", 0.5)]
