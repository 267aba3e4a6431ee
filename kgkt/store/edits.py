"""Everything that people changed in a graph, read back as plain values: what a new graph must carry over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kgkt.store.keys import number
from kgkt.store.labels import read_classes, read_label_records
from kgkt.store.protocol import Store
from kgkt.store.readback import edges_of, rows

if TYPE_CHECKING:
    from kgkt.values import ConceptGraph


def read_edits(store: Store, graph: str, generated: ConceptGraph | None = None) -> dict[str, Any]:
    """Everything people said in a graph, as plain JSON values.

    Args:
        store: any store.
        graph: name of the graph.
        generated: the graph as it was made; with it the edges that people changed are found too.

    Returns:
        {"labels", "ticks": [{item_id, class, by, at}], "names": {number: name}, "switched_off": [number],
        "deleted": [number], "merged": [[number, into]], "classes": [name], "frozen": bool,
        "edges": [[a, b, weight or None]]}.
    """
    labels, ticks = read_label_records(store, graph)
    classes, frozen, _ = read_classes(store, graph)
    names: dict[str, str] = {}
    off: list[int] = []
    there: set[int] = set()
    for row in rows(store, "read_concepts", graph=graph):
        i = number(row["key"], graph, "concept")
        if i is None or i in there:
            continue
        there.add(i)
        if row["name"] is not None and row["name"] != row["auto_name"]:
            names[str(i)] = str(row["name"])
        if row["active"] is False:
            off.append(i)
    people: dict[str, Any] = {"labels": labels, "ticks": ticks, "names": names, "switched_off": sorted(off),
                              "classes": list(classes), "frozen": frozen, "deleted": [], "edges": [],
                              "merged": sorted([a, b] for a, b in merged_pairs(store, graph) if {a, b} <= there)}
    if generated is not None:
        people["deleted"] = sorted(set(range(len(generated))) - there)
        people["edges"] = _changed_edges(store, graph, generated, there)
    return people


def merged_pairs(store: Store, graph: str) -> list[tuple[int, int]]:
    """(concept, the one that people merged it into), as the database has them."""
    found = rows(store, "read_merged_into", graph=graph)
    ends = ([number(row[end], graph, "concept") for end in "ab"] for row in found)
    return [(a, b) for a, b in ends if a is not None and b is not None]


def _changed_edges(store: Store, graph: str, generated: ConceptGraph, there: set[int]) -> list[list[Any]]:
    """[a, b, weight] of each edge that people set, made or (None) deleted, between concepts that are there."""
    names = [str(name) for name in generated.names.tolist()]
    edges, weights, _ = edges_of(store, graph, names, len(generated), [])
    now = {tuple(pair): weight for pair, weight in zip(edges.tolist(), weights.tolist(), strict=True)}
    before = zip(generated.edges.tolist(), generated.weights.tolist(), strict=True)
    then = {tuple(pair): weight for pair, weight in before}
    return [[a, b, now.get((a, b))] for a, b in sorted(now.keys() | then.keys())
            if a in there and b in there and now.get((a, b)) != then.get((a, b))]
