"""What `diff` found, as relationships that Cypher can ask; made anew each time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from kgkt.store.keys import key
from kgkt.store.load import until_none, write, write_models
from kgkt.store.protocol import Store


def write_arrived(
    store: Store, graph: str, model: Mapping[str, Any], found: Iterable[tuple[int, Mapping[str, Any]]]
) -> None:
    """Say what became of a graph's concepts in a model, in place of what was said of it before.

    Args:
        model: {name, role, framework, sha256, n_weights}.
        found: (concept, {verdict, kept, floor, ceiling}).
    """
    name = str(model["name"])
    write_models(store, graph, [model])
    until_none(store, "clear_arrived_in", "count_arrived_in", {"graph": graph, "model": name})
    write(store, "write_arrived_in", (
        {"a": key(graph, "concept", c), "b": key(graph, "model", name), "props": dict(props)} for c, props in found))


def write_correspondences(
    store: Store, graph: str, other: str, found: Iterable[tuple[int, int, Mapping[str, Any]]]
) -> None:
    """Say which concepts of two graphs hold the same items, in place of what was said of these two before.

    Args:
        found: (concept of `graph`, concept of `other`, {overlap, back, new, verdict, kept, floor, ceiling}).
    """
    until_none(store, "clear_corresponds_to", "count_corresponds_to", {"graph": graph, "other": other})
    write(store, "write_corresponds_to", (
        {"a": key(graph, "concept", a), "b": key(other, "concept", b), "props": dict(props)} for a, b, props in found))
