"""What `lexicon` found between the words of two graphs, as relationships that Cypher can ask; made anew each time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from kgkt.files import digest_value
from kgkt.store.edits import merged_pairs
from kgkt.store.keys import key
from kgkt.store.load import until_none, write
from kgkt.store.protocol import Store


def write_translations(
    store: Store, graph: str, other: str, found: Iterable[tuple[int, int, Mapping[str, Any]]], merged: str = ""
) -> None:
    """Say which concepts of two graphs translate, in place of what was said of these two, in either direction, before.

    Args:
        found: (concept of `graph`, concept of `other`, {words, share, back, confidence, examples, right}).
        merged: what was merged in the two when they were read, from `merges`.
    """
    until_none(store, "clear_translates", "count_translates", {"graph": graph, "other": other})
    write(store, "write_translates", (
        {"a": key(graph, "concept", a), "b": key(other, "concept", b), "props": {**props, "merged": merged}}
        for a, b, props in found))


def merges(store: Store, *graphs: str) -> str:
    """A digest of which concepts of some graphs are merged into which, in any order of the graphs; "" for none.

    Args:
        store: open.
        graphs: their names; one that is not in the database has none.
    """
    pairs = sorted([graph, a, b] for graph in graphs for a, b in merged_pairs(store, graph))
    return digest_value(pairs)[:16] if pairs else ""
