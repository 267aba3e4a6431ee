"""Reads a graph whole: every node and relationship with its properties, in an order that no store decides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kgkt.errors import count
from kgkt.store.keys import key, natural
from kgkt.store.protocol import Store
from kgkt.store.readback import read_info, rows

HELD = ("writer", "writer_until")  # who is writing a graph just now: no fact of it
LABELS = ("Graph", "Model", "Concept", "Theme", "Class", "Item", "Block")


@dataclass(frozen=True, slots=True)
class Node:
    """A node; `id` is its key, or one made up where it has none."""

    id: str
    labels: tuple[str, ...]
    properties: dict[str, Any]

    @property
    def label(self) -> str:
        """The label that kgkt knows it by."""
        return next(label for label in LABELS if label in self.labels)


@dataclass(frozen=True, slots=True)
class Edge:
    """A relationship between the nodes with the ids `start` and `end`."""

    start: str
    end: str
    type: str
    properties: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A graph with everything that kgkt and people put into it.

    Args:
        graph: its name.
        nodes: by label, then key.
        edges: by type, then ends.
        notices: what was left out, a line each.
    """

    graph: str
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    notices: tuple[str, ...] = ()


def read_snapshot(store: Store, graph: str) -> Snapshot:
    """Read every node and relationship of a graph.

    A class that people made without a key gets the key of its name, and is one with the class that has it.

    Raises:
        InputError: no graph of that name, or it is being rebuilt.
    """
    read_info(store, graph)
    found = {row["id"]: row for statement in ("snapshot_nodes", "snapshot_strays")
             for row in rows(store, statement, graph=graph)}
    ids: dict[Any, str] = {}
    nodes: dict[str, Node] = {}
    for element, row in sorted(found.items(), key=lambda entry: _order(entry[1])):
        labels = tuple(sorted(row["labels"], key=lambda label: (label not in LABELS, label)))
        properties = {name: value for name, value in row["node"].items() if name not in ("~node", *HELD)}
        node_id = _id(graph, labels, properties, nodes)
        ids[element] = node_id
        nodes.setdefault(node_id, Node(node_id, labels, {"graph": graph, **properties, "key": node_id}))
    edges = []
    outside = 0
    for row in rows(store, "snapshot_edges", graph=graph):
        if row["end"] not in ids:
            outside += 1
            continue
        properties = {name: value for name, value in row["properties"].items()
                      if name not in store.holds.reserved}
        edges.append(Edge(ids[row["start"]], ids[row["end"]], str(row["type"]), properties))
    notices = [f"{count(outside, 'relationship')} to nodes outside of graph {graph} left out"] if outside else []
    return Snapshot(
        graph,
        tuple(sorted(nodes.values(), key=lambda node: (LABELS.index(node.label), natural(node.id)))),
        tuple(sorted(edges, key=lambda edge: (edge.type, natural(edge.start), natural(edge.end), repr(edge)))),
        tuple(notices),
    )


def _order(row: Mapping[str, Any]) -> tuple[bool, str, str]:
    """Nodes with a key first, so that one without finds the key of its name taken by its twin."""
    return not isinstance(row["node"].get("key"), str), str(row["node"].get("key")), str(row["node"].get("name"))


def _id(graph: str, labels: tuple[str, ...], properties: Mapping[str, Any], taken: Mapping[str, Node]) -> str:
    if "Graph" in labels:
        return graph
    found = properties.get("key")
    if isinstance(found, str) and found not in taken:
        return found
    if "Class" in labels and properties.get("name") is not None:
        return key(graph, "class", properties["name"])
    number = 1
    while (made := key(graph, labels[0].lower(), f"unnamed-{number}")) in taken:
        number += 1
    return made
