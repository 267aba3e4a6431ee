"""What `lexicon` found between the words of two graphs, as relationships that Cypher can ask; made anew each time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from kgkt.store.keys import key
from kgkt.store.load import until_none, write
from kgkt.store.protocol import Store


def write_translations(
    store: Store, graph: str, other: str, found: Iterable[tuple[int, int, Mapping[str, Any]]]
) -> None:
    """Say which concepts of two graphs translate, in place of what was said of these two, in this direction, before.

    Args:
        found: (concept of `graph`, concept of `other`, {words, share, back, confidence, examples}).
    """
    until_none(store, "clear_translates", "count_translates", {"graph": graph, "other": other})
    write(store, "write_translates", (
        {"a": key(graph, "concept", a), "b": key(other, "concept", b), "props": dict(props)} for a, b, props in found))
