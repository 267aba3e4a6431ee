"""Puts a graph that was read whole into another store: nodes, relationships, and what people said."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any

from kgkt.errors import InputError, StoreError
from kgkt.store.foreign import admit
from kgkt.store.load import begin, clear, finish, write
from kgkt.store.protocol import Holds, Store
from kgkt.store.readback import list_graphs
from kgkt.store.snapshot import Node, Snapshot, read_snapshot

NODES = {"Model": "write_models", "Concept": "write_concepts", "Theme": "write_themes", "Class": "write_classes",
         "Item": "write_items", "Block": "write_blocks"}  # fmt: skip
EDGES = {
    "IN_GRAPH": "write_in_graph", "SIMILAR_TO": "write_similar_to", "PART_OF": "write_part_of",
    "MERGED_INTO": "write_merged_into",
    "LEANS_TO": "write_leans_to", "EXAMPLE_OF": "write_example_of", "LABELLED": "write_labelled",
    "LABELLED_NOT": "write_labelled_not", "MAPS_TO": "write_maps_to", "IN_MODEL": "write_in_model",
    "LEARNED_FROM": "write_learned_from", "CARRIED_BY": "write_carried_by",
    "ARRIVED_IN": "write_arrived_in",
}  # fmt: skip


def write_snapshot(store: Store, snapshot: Snapshot, replace: bool = False, shared: bool = False) -> list[str]:
    """Write a graph into a store; `complete` is true at the very end, when everything is found there.

    Args:
        store: open for writing.
        whole: the graph.
        replace: take the place of a graph of that name.
        shared: other people's nodes with kgkt's labels are known of, and stay as they are.

    Returns:
        What could not be written as it was, a line each.

    Raises:
        InputError: the store has a graph of that name and it is not to be replaced.
        StoreError: another writer holds the graph, the store has other people's nodes with kgkt's labels, or does
            not hold all of the graph afterwards.
    """
    if not _there(store, snapshot.graph):
        admit(store, snapshot.graph, "", shared)
    store.hold(snapshot.graph)
    if not replace and _there(store, snapshot.graph):
        raise InputError(f"the target has a graph named {snapshot.graph}: --force replaces it")
    notes: Counter[str] = Counter()
    begin(store, snapshot.graph, _width(snapshot), shared)
    clear(store, snapshot.graph)
    for label, statement in NODES.items():
        write(store, statement, (
            {"key": node.id, "props": _properties(node.properties, store.holds, notes, node)}
            for node in snapshot.nodes if node.label == label))  # fmt: skip
    for kind, statement in EDGES.items():
        write(store, statement, (
            {"a": edge.start, "b": edge.end, "props": _properties(edge.properties, store.holds, notes)}
            for edge in snapshot.edges if edge.type == kind))  # fmt: skip
    ends = Counter((edge.start, edge.end, edge.type) for edge in snapshot.edges if edge.type in EDGES)
    if twice := sum(count - 1 for count in ends.values()):
        notes["relationships that stood beside another of their type, copied as one"] += twice
    for kind, count in Counter(edge.type for edge in snapshot.edges if edge.type not in EDGES).items():
        notes[f"relationships of type {kind}, which kgkt does not use, not copied"] += count
    graph_node = next(node for node in snapshot.nodes if node.label == "Graph")
    finish(store, snapshot.graph, _properties(graph_node.properties, store.holds, notes))
    _check(store, snapshot)
    return [f"{count:,} {what}" for what, count in notes.items()]


def _there(store: Store, graph: str) -> bool:
    """Whether a store has a graph; a Graph node that was only made to be held is none."""
    return any(info.get("graph") == graph and "complete" in info for info in list_graphs(store))


def _width(snapshot: Snapshot) -> int | None:
    """Width of the centroids; None where they have none, or several."""
    widths = {len(node.properties.get("centroid") or ()) for node in snapshot.nodes if node.label == "Concept"}
    return widths.pop() or None if len(widths) == 1 else None


def _properties(
    properties: Mapping[str, Any], holds: Holds, notes: Counter[str], node: Node | None = None
) -> dict[str, Any]:
    """Properties as the database can hold them."""
    facts = {}
    for name, value in properties.items():
        if name in holds.reserved:
            notes["properties named id, title or type, which the embedded engine keeps for itself, not copied"] += 1
        elif not holds.nested and not _flat(value):
            notes["lists of lists and maps written as JSON text, which a server cannot hold"] += 1
            facts[name] = json.dumps(value, ensure_ascii=False)
        else:
            facts[name] = value
    if node is not None:
        if len(node.labels) > 1:
            notes["nodes without the further labels that people gave them"] += 1
        if not holds.unnamed and facts.get("name") is None:
            facts["name"] = node.id
    return facts


def _flat(value: Any) -> bool:
    """Whether a server can hold a value: no map, and lists of one kind of plain value."""
    if isinstance(value, list | tuple):
        return len({type(part) for part in value}) <= 1 and not any(
            part is None or isinstance(part, list | tuple | dict) for part in value)
    return not isinstance(value, dict)


def _check(store: Store, snapshot: Snapshot) -> None:
    there = read_snapshot(store, snapshot.graph)
    for what, wanted, found in (
        ("nodes", {node.id for node in snapshot.nodes}, {node.id for node in there.nodes}),
        ("relationships", _ends(snapshot), _ends(there)),
    ):
        if wanted != found:
            raise StoreError(f"{len(wanted - found)} {what} are missing in the target and {len(found - wanted)} are "
                             "there beside: someone else is writing to it; copy again with --force")  # fmt: skip


def _ends(snapshot: Snapshot) -> set[tuple[str, str, str]]:
    return {(edge.start, edge.end, edge.type) for edge in snapshot.edges if edge.type in EDGES}
