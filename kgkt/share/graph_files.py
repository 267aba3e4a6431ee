"""A graph as GraphML, GEXF or JSON: files that networkx, Gephi, yEd and D3 open."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

from kgkt.files import atomic, write_text
from kgkt.store.snapshot import Snapshot

# What XML 1.0 cannot hold; a carriage return is read back as a line feed.
_NOT_XML = re.compile(r"[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
# Names that a format keeps for itself; a property of such a name gets an underscore.
_GEXF_NODE = frozenset(("id", "label", "pid", "start", "end", "viz", "parents", "slices", "spells"))
_GEXF_EDGE = frozenset(("id", "label", "type", "start", "end", "key", "source", "target", "networkx_key", "spells"))
_GRAPHML_NODE = frozenset(("id", "labels"))
_GRAPHML_EDGE = frozenset(("id", "label", "source", "target"))
_JSON_NODE = _GRAPHML_NODE
_JSON_EDGE = frozenset(("label", "source", "target", "key"))

Notes = Counter[str]
LISTS = "lists and maps written as JSON text"
EMPTY = "empty values left out"
STRIPPED = "texts without their control characters, which XML cannot hold"
RENAMED = "properties with an underscore after their name, which the format keeps for itself"


def write_graphml(snapshot: Snapshot, path: Path) -> Notes:
    """Write GraphML, whole or not at all; nodes have `labels`, relationships `label`, as Neo4j's own tools write it.

    Returns:
        What was written differently, and how often.
    """
    import networkx as nx

    notes: Notes = Counter()
    graph, ids = nx.MultiDiGraph(name=_xml(snapshot.graph, notes)), _ids(snapshot, notes)
    for node in snapshot.nodes:
        facts = _facts(node.properties, _GRAPHML_NODE, notes)
        labels = _xml("".join(f":{label}" for label in node.labels), notes)
        graph.add_nodes_from([(ids[node.id], {"labels": labels, **facts})])
    for number, edge in enumerate(snapshot.edges):
        facts = _facts(edge.properties, _GRAPHML_EDGE, notes)
        facts = {"label": _xml(edge.type, notes), **facts}
        graph.add_edges_from([(ids[edge.start], ids[edge.end], f"e{number}", facts)])
    with atomic(path) as temporary:
        nx.write_graphml_xml(graph, temporary, named_key_ids=False)
    return notes


def write_gexf(snapshot: Snapshot, path: Path) -> Notes:
    """Write GEXF, whole or not at all; a node is labelled with its name, a relationship with its type.

    Returns:
        What was written differently, and how often.
    """
    import networkx as nx

    notes: Notes = Counter()
    graph, ids = nx.MultiDiGraph(name=_xml(snapshot.graph, notes)), _ids(snapshot, notes)
    for node in snapshot.nodes:
        facts = _facts(node.properties, _GEXF_NODE, notes)
        facts.pop("key", None)  # networkx keeps this name for itself too, and it is the id
        own = {"label": str(facts.get("name", node.id)), "labels": _xml(":".join(node.labels), notes)}
        graph.add_nodes_from([(ids[node.id], {**own, **facts})])
    for number, edge in enumerate(snapshot.edges):
        facts = _facts(edge.properties, _GEXF_EDGE, notes)
        facts = {"label": _xml(edge.type, notes), **facts}
        graph.add_edges_from([(ids[edge.start], ids[edge.end], number, facts)])
    with atomic(path) as temporary:
        nx.write_gexf(graph, temporary)
    return notes


def write_json(snapshot: Snapshot, path: Path) -> Notes:
    """Write JSON with nodes and edges side by side (networkx reads it with `node_link_graph`, D3 as it is).

    Returns:
        What was written differently, and how often.
    """
    notes: Notes = Counter()
    nodes = [{"id": node.id, "labels": list(node.labels), **_renamed(node.properties, _JSON_NODE, notes)}
             for node in snapshot.nodes]
    edges = [{"source": edge.start, "target": edge.end, "key": number, "label": edge.type,
              **_renamed(edge.properties, _JSON_EDGE, notes)} for number, edge in enumerate(snapshot.edges)]
    value = {"directed": True, "multigraph": True, "graph": {"name": snapshot.graph}, "nodes": nodes, "edges": edges}
    write_text(path, json.dumps(value, ensure_ascii=False, allow_nan=False) + "\n")
    return notes


def _renamed(properties: dict[str, Any], reserved: frozenset[str], notes: Notes) -> dict[str, Any]:
    clashes = reserved & properties.keys()
    notes.update({RENAMED: len(clashes)} if clashes else {})
    return {f"{name}_" if name in clashes else name: value for name, value in properties.items()}


def _facts(properties: dict[str, Any], reserved: frozenset[str], notes: Notes) -> dict[str, Any]:
    """Properties as XML can hold them: plain values, no control characters."""
    facts: dict[str, Any] = {}
    for name, value in _renamed(properties, reserved, notes).items():
        value = plain(value, notes)
        if value is not None:
            facts[_xml(name, notes)] = _xml(value, notes) if isinstance(value, str) else value
    return facts


def plain(value: Any, notes: Notes) -> Any:
    """A value without structure: lists and maps become JSON text, which is noted."""
    if value is None:
        notes[EMPTY] += 1
        return None
    if isinstance(value, list | tuple | dict):
        notes[LISTS] += 1
        return json.dumps(value, ensure_ascii=False)
    return value


def _ids(snapshot: Snapshot, notes: Notes) -> dict[str, str]:
    """The id of each node as XML can hold it; two that differ in what was taken away stay two."""
    ids: dict[str, str] = {}
    taken: set[str] = set()
    for node in snapshot.nodes:
        plain_id = kept = _xml(node.id, notes)
        number = 1
        while kept in taken:
            number += 1
            kept = f"{plain_id}~{number}"
        taken.add(kept)
        ids[node.id] = kept
    return ids


def _xml(text: str, notes: Notes) -> str:
    kept = _NOT_XML.sub("", text.replace("\r\n", "\n").replace("\r", "\n")) if not text.isprintable() else text
    if kept != text:
        notes[STRIPPED] += 1
    return kept
