"""Rows of an Embedding in the graph, on both stores: written whole, edited by people, read back with checks."""

from __future__ import annotations

import pytest

from kgkt.errors import InputError
from kgkt.store.load import write_blocks
from kgkt.store.opening import open_store
from kgkt.store.readback import read_strengths, rows
from kgkt.store.rows import read_row_edits, read_row_ends, read_row_words, write_rows
from tests.store.conftest import NAMES, K, digits_map, edit

WORDS = [None, "cat", "it's", "cat"]
EDGES = [(3, 1, 1.0, 1.0), (4, 2, 0.5, 1.0), (5, 3, 1.0, 1.0)]


def test_rows_are_written_and_what_people_set_is_read_back(loaded: str) -> None:
    model = {"name": "b", "role": "target"}
    with open_store(loaded, write=True) as store:
        assert write_rows(store, "main", model, "emb", "emb/embeddings", WORDS, EDGES) == 3
        write_rows(store, "main", model, "other", "o", ["x"], [(0, 0, 1.0, 1.0)])
        write_blocks(store, "main", model, digits_map(), NAMES)
    with open_store(loaded) as store:
        assert read_row_edits(store, "main", "b", "emb", K) == [(4, "it's", 2, 0.5, 1.0)]
        assert read_row_ends(store, "main", "b", "emb", K) == {(3, 1), (4, 2), (5, 3)}
        assert read_row_words(store, "main", "b", "emb") == {1: "cat", 2: "it's", 3: "cat"}
        assert read_row_ends(store, "main", "b", "emb", 5) == {(3, 1), (4, 2)}
        assert set(read_strengths(store, "main", "b")) == {"dense", "out"}
        assert [row["model"] for row in rows(store, "row_models", graph="main")] == ["b"]
    edit(loaded, "MATCH (c:Concept {key: 'main/concept/7'}), (b:Block {kind: 'row', index: 1, layer: 'emb'}) "
                 "MERGE (c)-[m:MAPS_TO]->(b) SET m.strength = 0.75")  # fmt: skip
    with open_store(loaded, write=True) as store:
        assert read_row_edits(store, "main", "b", "emb", K) == [(7, "cat", 1, 0.75, 0.0), (4, "it's", 2, 0.5, 1.0)]
        write_rows(store, "main", model, "emb", "emb/embeddings", WORDS[:2], [(7, 1, 0.75, 0.0)])
        assert rows(store, "count_rows", graph="main", model="b", layer="emb") == [{"n": 1}]
        assert rows(store, "count_row_strengths", graph="main", model="b", layer="emb") == [{"n": 1}]
        assert read_row_edits(store, "main", "b", "emb", K) == [(7, "cat", 1, 0.75, 0.0)]


def test_a_strength_to_a_row_that_is_none_is_refused(loaded: str) -> None:
    with open_store(loaded, write=True) as store:
        write_rows(store, "main", {"name": "b", "role": "target"}, "emb", "e", WORDS, EDGES)
    for value, shown in (("1.5", "1.5"), ("'much'", "'much'"), ("null", "None"), ("true", "True")):
        edit(loaded, f"MATCH (:Concept)-[m:MAPS_TO]->(:Block {{kind: 'row', index: 3}}) SET m.strength = {value}")
        with open_store(loaded) as store, pytest.raises(InputError, match=f"to the row of 'cat' in b emb is {shown}: set"):
            read_row_edits(store, "main", "b", "emb", K)
