"""What `fuse --method rows` is told of a graph that does not hold all of A's words."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from kgkt.recipe import Recipe, Target
from kgkt.rundir.row_stage import cut_by
from kgkt.transfer.words.row_card import length_in_words, row_counts

COUNTS = {"covered": 5, "filled": 0, "special": 3, "unknown": 1298, "switched_off": 0, "trained": 0, "set_to_0": 0}


@pytest.mark.parametrize(("told", "cut"), [
    ({}, ""), ({"most_frequent": None, "vocabulary": None}, ""), ({"most_frequent": 700}, "--most-frequent 700"),
    ({"most_frequent": 701}, ""), ({"vocabulary": "/w/list.txt"}, "--vocabulary list.txt"),
    ({"vocabulary": "/w/b.keras"}, ""), ({"vocabulary": "/w/b.keras:emb"}, ""),
    ({"vocabulary": "/w/b.keras", "most_frequent": 700}, "--most-frequent 700"), ({"vocabulary": "/w/rows.txt"}, ""),
])
def test_what_cut_the_graph_is_known(told: dict[str, Any], cut: str) -> None:
    run: Any = SimpleNamespace(state=lambda: {"stages": {"populate": {"settings": {"source": told}}}})
    assert cut_by(Recipe(target=Target(model="/w/b.keras", vocabulary="/w/rows.txt")), run, 700, ["cat"]) == cut


def test_a_vocabulary_that_names_the_words_did_not_leave_them_out(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("dog\ncat\n")
    told = {"vocabulary": str(tmp_path / "list.txt"), "lower": True}
    run: Any = SimpleNamespace(state=lambda: {"stages": {"populate": {"settings": {"source": told}}}})
    assert cut_by(Recipe(), run, 700, ["Cat"]) == ""
    assert cut_by(Recipe(), run, 700, ["Cat", "cow"]) == "--vocabulary list.txt"


def test_words_that_are_not_in_a_cut_graph_may_be_in_a_larger_one_and_special_ones_are_named() -> None:
    cut = dict(row_counts({**COUNTS, "cut_by": "--most-frequent 700", "special_words": ["[UNK]", "<s>"]}))
    assert cut["left alone: of words that this graph does not have; it was cut by --most-frequent 700, a larger one may "
               "have them"] == "1,298"  # fmt: skip
    assert cut["left alone: without a word (mask, unknown words, start and end, beyond the vocabulary): [UNK], <s>"] == "3"
    whole = dict(row_counts({**COUNTS, "cut_by": "", "special_words": []}))
    assert whole["left alone: of words that this graph does not have"] == "1,298"


def test_a_length_that_is_not_the_one_asked_for_is_explained() -> None:
    figures = {"length": 1.99, "length_before": 0.23, "length_alone": None}
    assert length_in_words({"row_norm": 1.99}, figures) == "1.99; before 0.23"
    assert length_in_words({"row_norm": 2.0}, figures | {"length_alone": 0.2}) == (
        "1.99 (2 over all words of B that the graph has, before switches and edits); before 0.23; of words left alone 0.2")
