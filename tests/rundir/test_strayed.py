"""Items that a new graph took from concepts that are off, or that people named, are told of in one line each."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from kgkt.concepts.merge import ends_of, nearest_merged
from kgkt.rundir.carry import Carried
from kgkt.rundir.strayed import strayed

WAS = [0] * 8 + [1] * 3 + [2] * 3
IDS = [f"i{n}" for n in range(len(WAS))]


def at(*concepts: int) -> csr_matrix:
    return csr_matrix(np.eye(5, dtype=np.float32)[list(concepts)])


BEFORE: Any = SimpleNamespace(ids=np.array(IDS), memberships=at(*WAS))
ROWS = {item: row for row, item in enumerate(IDS)}


def test_items_that_a_switch_does_not_hold_any_more_are_named() -> None:
    people = {"switched_off": [0], "deleted": [1], "names": {}, "merged": []}
    carried = Carried(off=[0, 1])
    assert strayed(people, BEFORE, ROWS, at(*WAS), carried) == []
    assert strayed(people, None, ROWS, at(*WAS), carried) == strayed({}, BEFORE, ROWS, at(*WAS), carried) == []
    now = at(0, 3, 3, 4, 2, 3, 3, 1, 1, 1, 1, 2, 2, 2)  # i7 went from one that is off to another
    assert strayed(people, BEFORE, ROWS, now, carried) == [
        "6 of the 11 items of concepts that are switched off lie in concepts that are on now: i1 in 3, i2 in 3, i3 in 4, "
        "i4 in 2, i5 in 3, …"]  # fmt: skip
    gone = {item: row for item, row in ROWS.items() if item not in IDS[2:8]}
    assert strayed(people, BEFORE, gone, now, carried) == [
        "1 of the 5 items of concepts that are switched off lies in concepts that are on now: i1 in 3"]


def test_items_that_left_a_name_are_named_and_a_lost_name_is_told_elsewhere() -> None:
    people = {"names": {"1": "mine", "2": "lost"}, "merged": [[2, 1]]}
    now = at(*WAS[:8], 4, 4, 3, 4, 4, 0)
    said = strayed(people, BEFORE, ROWS, now, Carried(names={4: "mine"}))
    assert said == ["2 of the 6 items of concepts that have a name from you lie in other concepts now: i10 in 3, i13 in 0"]
    assert strayed(people, BEFORE, ROWS, now, Carried(names={4: "mine"}, merged=[(3, 4), (0, 4)])) == []
    assert strayed(people, BEFORE, ROWS, now, Carried()) == []


@pytest.mark.parametrize(("merged", "off", "nearest"), [
    ([], [], 0), ([(2, 1)], [], 1), ([(2, 1)], [2], 0), ([(2, 1)], [1], 1), ([(1, 2), (2, 0)], [], 0)])
def test_what_an_item_is_nearest_to_counts_merged_concepts_as_one(
    merged: list[tuple[int, int]], off: list[int], nearest: int
) -> None:
    assert nearest_merged(csr_matrix([[0.4, 0.3, 0.3]]), ends_of(merged, off)).tolist() == [nearest]
