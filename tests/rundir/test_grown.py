"""Which items of a pool are the old ones, what belongs to whom now, and whether the graph can grow."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from kgkt.recipe import Concepts, Recipe, SourceSettings
from kgkt.rundir.graph_files import Before
from kgkt.rundir.grown import (
    another_pool,
    asked_of,
    match_alike,
    match_items,
    rows_now,
    say_doubled,
    too_few,
    why_fresh,
)
from kgkt.values import Features, Maps


def before(ids: str, contents: str | None, **more: Any) -> Before:
    """A graph of items with ids and contents of one letter each."""
    n = len(ids)
    facts = {
        "done": {"inputs": {"model": "m", "concepts settings": "c"}, "settings": {"asked": asked_of(Recipe())},
                 "figures": {"stability": 0.5}},
        "vectors": np.eye(n, 4, dtype=np.float32), "maps": Maps({"a": (np.eye(4, 3).T, np.zeros(3))}, {"a": np.zeros(4)}),
        "centroids": np.zeros((2, 4), np.float32), "sizes": np.array([1, 1]), "names": None,
        "memberships": csr_matrix(np.ones((n, 2)) / 2), "emptied": np.zeros(2, bool),
    }  # fmt: skip
    known = None if contents is None else [c.encode() for c in contents]
    return Before(ids=np.array(list(ids)), contents=known, **(facts | more))


def matched(old: Before, ids: str, contents: str) -> list[int]:
    return match_items(old, np.array(list(ids)), [c.encode() for c in contents]).tolist()


@pytest.mark.parametrize(
    ("ids", "contents", "same"),
    [
        ("abc", "xyz", [0, 1, 2]),  # the same
        ("abcd", "xyzw", [0, 1, 2, -1]),  # one more
        ("cab", "zxy", [2, 0, 1]),  # another order
        ("ac", "xz", [0, 2]),  # one left
        ("abcd", "wxyz", [-1, 0, 1, 2]),  # a row put in front, ids made up by position
        ("abc", "xwz", [0, -1, 2]),  # one changed
        ("pqr", "xyz", [0, 1, 2]),  # other ids
        ("abc", "yxz", [1, 0, 2]),  # two swapped
        ("abd", "xyx", [0, 1, -1]),  # a copy of an item is a new one
        ("dbc", "xyz", [0, 1, 2]),
    ],
)
def test_items_are_known_by_what_they_hold(ids: str, contents: str, same: list[int]) -> None:
    assert matched(before("abc", "xyz"), ids, contents) == same


def test_copies_are_matched_one_to_one_and_in_order() -> None:
    assert matched(before("abcd", "xxyx"), "abcd", "xxyx") == [0, 1, 2, 3]
    assert matched(before("abcd", "xxyx"), "efgh", "xyxx") == [0, 2, 1, 3]
    assert matched(before("abcd", "xxyx"), "dehi", "xxxx") == [3, 0, 1, -1]


def test_without_digests_nothing_is_known_by_content() -> None:
    assert matched(before("abc", None), "abc", "xyz") == [-1, -1, -1]


def test_an_id_with_nearly_the_same_vector_is_the_same_item() -> None:
    old = before("abc", None)
    vectors = np.array([[0, 1, 1e-3, 0], [1, 1e-3, 0, 0], [0, 0, 0.8, 0.6], [1, 0, 0, 0]], np.float32)
    ids = np.array(list("bacd"))
    assert match_alike(old, ids, vectors, np.full(4, -1)).tolist() == [1, 0, -1, -1]
    assert match_alike(old, ids, vectors, np.array([-1, -1, -1, 0])).tolist() == [1, -1, -1, 0]  # a is taken
    nothing = before("abc", None, vectors=np.zeros((3, 4), np.float32))
    assert match_alike(nothing, ids[:2], np.zeros((2, 4), np.float32), np.full(2, -1)).tolist() == [1, 0]


def test_what_was_said_follows_the_content() -> None:
    old = np.array(list("abc"))
    assert rows_now(old, np.array(list("abcd")), np.array([-1, 0, 1, 2])) == {"a": 1, "b": 2, "c": 3, "d": 3}
    # b left the pool, and its id stands for what c was
    assert rows_now(old, np.array(list("ab")), np.array([0, 2])) == {"a": 0, "c": 1}
    # the content of b changed: its id goes on
    assert rows_now(old, np.array(list("abc")), np.array([0, -1, 2])) == {"a": 0, "b": 1, "c": 2}
    assert rows_now(old, np.array(list("xy")), np.array([-1, -1])) == {"x": 0, "y": 1}


@pytest.mark.parametrize(
    ("same", "grows"),
    [([0, 1, 2, 3], True), ([0, 1, -1, -1, -1, -1], True), ([0, -1, -1, -1, -1], False), ([0, 1], True), ([2], True),
     ([0, -1], True), ([0, -1, -1], False), ([-1] * 9, False)],
)  # fmt: skip
def test_half_of_the_smaller_pool_makes_it_the_same_pool(same: list[int], grows: bool) -> None:
    why = another_pool(before("abcd", "wxyz"), np.array(same))
    assert (why is None) == grows
    if not grows:
        known = sum(s >= 0 for s in same)
        assert why == f"it is another pool, {known} of its {len(same)} items are known from the 4 of the old one"


def test_a_pool_too_small_for_an_embedding_does_not_grow_to_more_than_double() -> None:
    old = before("abcd", "wxyz", maps=Maps({"a": (np.zeros((3, 50)), np.zeros(3))}, {"a": np.zeros(50)}))
    assert too_few(old, 8, 32) is None  # + 100 % is growth
    assert too_few(old, 9, 32) == "it has 9 items, and 4 old items cannot fill an embedding of 32 dimensions"
    assert "of 50 dimensions" in str(too_few(old, 9, 100))  # no wider than the features
    assert too_few(old, 9, 3) is None
    assert too_few(before("abcde", "vwxyz"), 99, 32) is None  # 4 features: five items fill them


def test_that_a_pool_more_than_doubled_is_said() -> None:
    said: list[str] = []
    say_doubled(before("abcd", "wxyz"), 8, said.append)
    assert said == []
    say_doubled(before("abcd", "wxyz"), 9, said.append)
    assert said[0].startswith("the pool has more than doubled, from 4 to 9 items; embedding and stability are those of ")
    assert "populate --fresh fits it anew" in said[0]


FEATURES = Features(None, np.array(["a"]), {"a": 4})  # type: ignore[arg-type]
READ = {"model": "m", "concepts settings": "c"}


@pytest.mark.parametrize(
    ("recipe", "inputs", "widths", "why"),
    [
        (Recipe(), READ, {"a": 4}, None),
        (Recipe(source=SourceSettings(layers=("a",))), READ | {"data": "d"}, {"a": 4}, None),
        (Recipe(), READ | {"model": "n"}, {"a": 4}, "model A is another one"),
        (Recipe(), {"concepts settings": "c", "features": "f"}, {"a": 4}, "the features come from elsewhere now"),
        (Recipe(concepts=Concepts(k=9)), READ, {"a": 4}, "concepts by default became 9"),
        (Recipe(concepts=Concepts(seed=1)), READ, {"a": 4}, "seed 0 became 1"),
        (Recipe(concepts=Concepts(dims=8)), READ, {"a": 4}, "dims 32 became 8"),
        (Recipe(source=SourceSettings(pixels="0..1")), READ, {"a": 4}, "pixels raw became 0..1"),
        (Recipe(), READ, {"a": 5}, "the layers of A were a (4) and are a (5)"),
        (Recipe(), READ, {"a": 4, "b": 2}, "the layers of A were a (4) and are a (4) + b (2)"),
    ],
)
def test_why_a_graph_cannot_grow(recipe: Recipe, inputs: dict[str, str], widths: dict[str, int], why: str | None) -> None:
    features = Features(None, np.array(["a"]), widths)  # type: ignore[arg-type]
    assert why_fresh(before("abc", "xyz"), recipe, inputs, features) == why


def test_settings_that_an_earlier_kgkt_kept_only_the_digest_of() -> None:
    old = before("abc", "xyz")
    old.done["settings"].clear()
    assert why_fresh(old, Recipe(), READ, FEATURES) is None
    other = READ | {"concepts settings": "d"}
    assert why_fresh(old, Recipe(), other, FEATURES) == "the settings of the concepts changed"
