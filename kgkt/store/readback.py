"""Reads a graph back from the store with checks: people edit it in Cypher, and not always well."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from kgkt.errors import InputError, count, nearest
from kgkt.store.keys import key, number
from kgkt.store.protocol import Store
from kgkt.store.statements import load

if TYPE_CHECKING:
    import numpy as np
    from scipy.sparse import csr_matrix

    from kgkt.values import Block, ConceptGraph


def list_graphs(store: Store) -> list[dict[str, Any]]:
    """The properties of every Graph node, by name; `complete` is false while one is being rebuilt."""
    graphs = (row["graph"] for row in rows(store, "read_graphs"))
    return [{k: v for k, v in graph.items() if k != "~node" and not k.startswith("writer")} for graph in graphs]


def read_info(store: Store, graph: str) -> dict[str, Any]:
    """The properties of a graph's Graph node.

    Raises:
        InputError: no graph of that name (the nearest are given), or it is being rebuilt.
    """
    graphs = {info["graph"]: info for info in list_graphs(store) if isinstance(info.get("graph"), str)}
    if graph not in graphs:
        raise InputError(f"no graph named {graph!r} in the database{nearest(graph, graphs)}")
    if graphs[graph].get("complete") is not True:
        raise InputError(f"graph {graph} is being rebuilt, or interrupted: run populate")
    return graphs[graph]


def read_concept_graph(store: Store, graph: str, centroids: np.ndarray) -> tuple[ConceptGraph, list[str]]:
    """The concepts and edges of a graph as people left them, and notices of what was passed over.

    Args:
        store: any store.
        graph: name of the graph.
        centroids: (k, e) as the run directory holds them; a concept's number is its row.

    Returns:
        The graph (a concept deleted from the database is inactive) and notices, a line each.

    Raises:
        InputError: an edge without weight, edges that contradict each other, an `active` that is no boolean.
    """
    import numpy as np

    from kgkt.values import ConceptGraph

    read_info(store, graph)
    k = len(centroids)
    notices: list[str] = []
    names, sizes, active, themes = _concepts(store, graph, k, notices)
    edges, weights, cosines = edges_of(store, graph, names, k, notices)
    made = np.isnan(cosines)  # by people, who need not know it
    cosines[made] = _cosines(centroids, edges[made])
    keys = np.array([key(graph, "concept", i) for i in range(k)], dtype=object)
    value = ConceptGraph(keys, np.array(names, dtype=object), centroids, sizes, active, edges, weights, cosines, themes)
    return value, notices


def read_concepts_again(store: Store, graph: str, before: ConceptGraph) -> ConceptGraph:
    """The graph with its concepts read anew, and the edges that it had before."""
    import dataclasses

    import numpy as np

    names, sizes, active, themes = _concepts(store, graph, len(before), [])
    return dataclasses.replace(
        before, names=np.array(names, dtype=object), sizes=sizes, active=active, themes=themes
    )


def _concepts(store: Store, graph: str, k: int, notices: list[str]) -> tuple[list[str], Any, Any, Any]:
    """Names, and sizes, active flags and themes (k,), of the concepts by their numbers."""
    import numpy as np

    names = [f"concept {i} (deleted)" for i in range(k)]
    sizes, active, themes = np.zeros(k, int), np.zeros(k, bool), np.full(k, -1)
    seen: set[int] = set()
    for row in rows(store, "read_concepts", graph=graph):
        i = number(row["key"], graph, "concept")
        if i is None or i >= k:
            notices.append(f"concept {called(row)} was not made by populate: passed over")
        elif i in seen:
            notices.append(f"concept {called(row)} is part of several themes: the first counts")
        else:
            seen.add(i)
            names[i], active[i] = called(row), _switch(row)
            sizes[i] = row["size"] if isinstance(row["size"], int) else 0
            theme = number(row["theme"], graph, "theme")
            themes[i] = -1 if theme is None else theme
    if deleted := k - len(seen):
        notices.append(f"{deleted} of {k} concepts were deleted from the database: they count as switched off")
    return names, sizes, active, themes


def edges_of(store: Store, graph: str, names: Sequence[str], k: int, notices: list[str]) -> tuple[Any, Any, Any]:
    """Edges (m, 2) lower number first, weights (m,) and cosines (m,), NaN where there is none, by their ends."""
    import numpy as np

    found: dict[tuple[int, int], tuple[float, float]] = {}
    twice = 0
    for row in rows(store, "read_edges", graph=graph):
        a, b = (number(row[end], graph, "concept") for end in "ab")
        if a is None or b is None or max(a, b) >= k:
            continue  # its concept is passed over too, and that is said
        if a == b:
            notices.append(f"concept {names[a]} has an edge to itself: passed over")
            continue
        pair = (min(a, b), max(a, b))
        between = f"the edge between concepts {pair[0]} ({names[pair[0]]}) and {pair[1]} ({names[pair[1]]})"
        weight = _weight(row["weight"], between)
        if pair not in found:
            found[pair] = (weight, float(row["cosine"]) if _is_number(row["cosine"]) else np.nan)
        elif found[pair][0] != weight:
            raise InputError(f"{between} is there twice, with weights {found[pair][0]:g} and {weight:g}: "
                             "delete one, or set its weight")
        else:
            twice += 1
    if twice:
        notices.append(f"{count(twice, 'edge')} there twice, in both directions: counted once")
    pairs = sorted(found)
    values = np.array([found[pair] for pair in pairs]).reshape(-1, 2)
    return np.array(pairs, dtype=np.int64).reshape(-1, 2), values[:, 0], values[:, 1]


def read_merged(store: Store, graph: str, active: np.ndarray, notices: list[str]) -> np.ndarray:
    """(k,) the concept that each one counts as: itself, or at the end of its chain the one that people merged it into.

    A concept that is off is no part of another: what it holds teaches nothing.

    Args:
        store: any store.
        graph: name of the graph.
        active: (k,) bool.
        notices: takes a line for what was passed over.

    Raises:
        InputError: a concept merged into two, or two into each other.
    """
    import numpy as np

    k = len(active)
    next_: dict[int, int] = {}
    for row in sorted(rows(store, "read_merged_into", graph=graph), key=lambda row: (str(row["a"]), str(row["b"]))):
        a, b = (number(row[end], graph, "concept") for end in "ab")
        if a is None or b is None or max(a, b) >= k:
            continue  # its concept is passed over too, and that is said
        if a == b:
            notices.append(f"concept {a} is merged into itself: passed over")
        elif next_.setdefault(a, b) != b:
            raise InputError(f"concept {a} is merged into {next_[a]} and into {b}: delete one MERGED_INTO")
    into = np.arange(k)
    for a in sorted(next_):
        end, passed = a, {a}
        while end in next_:
            end = next_[end]
            if end in passed:
                raise InputError(f"concept {a} is merged into a circle, over {next_[a]}: delete one MERGED_INTO")
            passed.add(end)
        if active[a]:
            into[a] = end
    return into


def _cosines(centroids: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Cosine of the two centroids of each edge (m, 2); 0 where one is the origin."""
    import numpy as np

    a, b = centroids[edges[:, 0]], centroids[edges[:, 1]]
    lengths = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    return (a * b).sum(axis=1) / np.where(lengths > 0, lengths, 1)


def read_strengths(
    store: Store, graph: str, model: str, blocks: Mapping[str, Sequence[Block]] | None = None
) -> dict[str, tuple[csr_matrix, csr_matrix]]:
    """How strongly each concept maps to each block of a model, by layer.

    Args:
        store: any store.
        graph: name of the graph.
        model: name of the model.
        blocks: layer -> its u blocks; None: whichever the map has, a column for each index.

    Returns:
        layer -> (strength (k, u), planned (k, u)).

    Raises:
        InputError: a strength that is no finite number, or a block that the model does not have.
    """
    import numpy as np
    from scipy.sparse import csr_matrix

    k = int(read_info(store, graph)["n_concepts"])
    mapped = rows(store, "read_strengths", graph=graph, model=model)
    if blocks is None:
        last = {layer: max(row["index"] for row in mapped if row["layer"] == layer) for layer in _layers(mapped)}
        columns = {layer: {j: j for j in range(index + 1)} for layer, index in last.items()}
    else:
        columns = {layer: {block.index: j for j, block in enumerate(part)} for layer, part in blocks.items()}
    found: dict[str, dict[tuple[int, int], tuple[float, float]]] = {layer: {} for layer in columns}
    for row in mapped:
        i, layer = number(row["concept"], graph, "concept"), row["layer"]
        if i is None or i >= k:
            continue
        if layer not in columns or row["index"] not in columns[layer]:
            raise InputError(f"model {model} has no block {layer} {row['index']}: run kgkt map again")
        strength, planned = (
            _weight(row[name] if row[name] is not None or name == "strength" else 0.0,
                    f"{name} of concept {i} to {layer} {row['index']}") for name in ("strength", "planned"))
        if found[layer].setdefault((i, columns[layer][row["index"]]), (strength, planned)) != (strength, planned):
            raise InputError(f"concept {i} maps to {layer} {row['index']} twice, with two strengths: delete one")
    out = {}
    for layer, entries in found.items():
        ends = np.array(sorted(entries), dtype=np.int64).reshape(-1, 2).T
        values = np.array([entries[end] for end in sorted(entries)]).reshape(-1, 2).T
        strengths, plans = (csr_matrix((v, ends), shape=(k, len(columns[layer]))) for v in values)
        out[layer] = (strengths, plans)
    return out


def _layers(mapped: list[dict[str, Any]]) -> list[str]:
    return list(dict.fromkeys(row["layer"] for row in mapped))


def rows(store: Store, statement: str, **params: Any) -> list[dict[str, Any]]:
    return store.read(load(statement, store.engine), params).dicts()


def called(row: Mapping[str, Any]) -> str:
    for name in (row["name"], row["auto_name"], row["key"]):
        if name is not None:
            return str(name)
    return "without a name"


def _switch(row: Mapping[str, Any]) -> bool:
    if not isinstance(row["active"], bool):
        raise InputError(f"concept {called(row)}: active is {row['active']!r}; set it to true or false")
    return row["active"]


def _is_number(value: Any) -> bool:
    import math

    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _weight(value: Any, what: str) -> float:
    if not _is_number(value) or value < 0:
        said = "no weight" if value is None else f"weight {value!r}"
        raise InputError(f"{what} has {said}: set a number from 0 up, or delete it")
    return float(value)
