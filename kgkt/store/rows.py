"""Rows of a model's Embedding in the graph: a block for each word, and which concept it came from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from kgkt.errors import InputError
from kgkt.store.keys import key, number
from kgkt.store.load import until_none, write
from kgkt.store.protocol import Store
from kgkt.store.readback import rows

Edge = tuple[int, int, float, float]  # concept, row, strength, planned
SetByPeople = tuple[int, str, int, float, float]  # concept, word, row, strength, planned


def read_row_edits(store: Store, graph: str, model: str, layer: str, k: int) -> list[SetByPeople]:
    """The strengths to rows that people set: where one is not as planned, or nothing was planned.

    Args:
        store: any store.
        graph, model, layer: whose rows.
        k: concepts of the graph.

    Returns:
        (concept, word, row, strength, planned) of each.

    Raises:
        InputError: a strength that is no number from 0 to 1, or two of one concept to one row.
    """
    found: dict[tuple[int, int], SetByPeople] = {}
    for row in rows(store, "read_rows", graph=graph, model=model, layer=layer):
        concept, value = number(row["concept"], graph, "concept"), row["strength"]
        if concept is None or concept >= k:
            continue  # not made by populate, which is said where the graph is read
        what = f"the strength of concept {concept} to the row of {row['word']!r} in {model} {layer}"
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
            raise InputError(f"{what} is {value!r}: set a number from 0 (B's own row) to 1 (as planned)")
        entry = (concept, str(row["word"]), int(row["index"]), float(value), float(row["planned"] or 0))
        if found.setdefault((concept, entry[2]), entry) != entry:
            raise InputError(f"{what} is there twice, with two values: delete one")
    return list(found.values())


def read_row_ends(store: Store, graph: str, model: str, layer: str, k: int) -> set[tuple[int, int]]:
    """(concept, row) of everything that maps to the rows of one Embedding, as `read_row_edits` takes them."""
    found = rows(store, "read_row_ends", graph=graph, model=model, layer=layer)
    ends = {(number(row["concept"], graph, "concept"), int(row["index"])) for row in found}
    return {(concept, row) for concept, row in ends if concept is not None and concept < k}


def read_row_words(store: Store, graph: str, model: str, layer: str) -> dict[int, str]:
    """The word of each row of one Embedding that the graph has a block of."""
    found = rows(store, "read_row_words", graph=graph, model=model, layer=layer)
    return {int(row["index"]): str(row["word"]) for row in found}


def write_rows(
    store: Store, graph: str, model: Mapping[str, Any], layer: str, variable: str, words: Sequence[str | None],
    edges: Iterable[Edge],
) -> int:  # fmt: skip
    """Put the rows of one Embedding, and what maps to them, in place of those that the graph had of it.

    Args:
        store: open for writing.
        graph: name of the graph.
        model: {name, role, framework, sha256, n_weights}.
        layer, variable: path of the Embedding and of its weights.
        words: (rows,) the word of each; None gets no block.
        edges: to rows that have a word.

    Returns:
        How many blocks were written.
    """
    name = str(model["name"])
    until_none(store, "clear_rows", "count_rows", {"graph": graph, "model": name, "layer": layer})
    write(store, "write_models", [{"key": key(graph, "model", name), "props": {"graph": graph, **model}}])
    named = [(row, word) for row, word in enumerate(words) if word is not None]
    keys = {row: key(graph, "block", name, layer, row) for row, _ in named}
    write(store, "write_blocks", (
        {"key": keys[row], "props": {"graph": graph, "name": word, "model": name, "layer": layer, "kind": "row",
                                     "index": row, "variable": variable}} for row, word in named))
    write(store, "write_in_model", ({"a": one, "b": key(graph, "model", name), "props": {}} for one in keys.values()))
    write(store, "write_maps_to", (
        {"a": key(graph, "concept", concept), "b": keys[row], "props": {"strength": strength, "planned": planned}}
        for concept, row, strength, planned in edges))
    return len(named)
