"""Writes a graph into a store: concepts, themes, examples, masses, blocks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from kgkt.errors import InputError
from kgkt.store.keys import key
from kgkt.store.protocol import Store
from kgkt.store.statements import load

if TYPE_CHECKING:
    import numpy as np

    from kgkt.values import BlockMap, ConceptGraph

GENERATED = ("concepts", "themes", "items", "classes", "blocks", "models")
LEAST_MASS = 0.05  # a concept leans to a class from here on; smaller masses stay in the run directory


def load_graph(
    store: Store,
    graph: str,
    concept_graph: ConceptGraph,
    coordinates: np.ndarray,
    info: Mapping[str, Any],
    models: Sequence[Mapping[str, Any]],
    items: Iterable[Mapping[str, Any]],
    examples: Iterable[tuple[str, int, float]],
    classes: Sequence[str] = (),
    frozen: bool = False,
    shared: bool = False,
    finished: bool = True,
) -> None:
    """Put a graph into the store in place of the one of that name; `complete` is true at the very end.

    Args:
        store: open for writing.
        graph: name of the graph.
        concept_graph: k concepts; their names become `name` and `auto_name`.
        coordinates: (k, 2) places for a picture.
        info: properties of the Graph node (stability, seed, n_items, kgkt_version, created_at, ...).
        models: {name, role, framework, sha256, n_weights} of each model it was learned from.
        items: {item_id, uri, text}; what is None is left out.
        examples: (item_id, concept number, strength).
        classes: class names, in the order of B's outputs.
        frozen: whether that order is fixed.
        shared: leave labels alone that hold other people's nodes.
        finished: whether that is all; else the caller writes more and calls `finish`.
    """
    import numpy as np

    if len(coordinates) != len(concept_graph):
        raise InputError(f"coordinates: expected {len(concept_graph)} rows, received {len(coordinates)}")
    begin(store, graph, concept_graph.centroids.shape[1], shared)
    clear(store, graph)
    write(store, "write_concepts", _concepts(graph, concept_graph, np.asarray(coordinates)))
    numbers = range(len(concept_graph))
    _edges(store, "write_in_graph", ((key(graph, "concept", i), graph, {}) for i in numbers))
    _edges(store, "write_similar_to", _similar(graph, concept_graph))
    _themes(store, graph, concept_graph.themes)
    write_items(store, graph, items)
    write_examples(store, graph, examples)
    write_models(store, graph, models)
    write_sources(store, graph, [(str(model["name"]), 1 / len(models)) for model in models])
    write_classes(store, graph, classes)
    if frozen:
        freeze_classes(store, graph, classes)
    if finished:
        finish(store, graph, {**info, "n_concepts": len(concept_graph)})


def begin(store: Store, graph: str, dimensions: int | None = None, shared: bool = False) -> None:
    """Make constraints and indexes, and mark the graph as being rebuilt."""
    store.index(dimensions, shared)
    write(store, "write_graphs", [{"key": graph, "props": {"graph": graph, "name": graph, "complete": False}}])


def finish(store: Store, graph: str, info: Mapping[str, Any]) -> None:
    """Write what is known of the whole graph and mark it complete."""
    write(store, "write_graphs", [{"key": graph, "props": {**_given(info), "complete": True}}])


def clear(store: Store, graph: str) -> None:
    """Delete the nodes that kgkt made for a graph; the Graph node itself stays."""
    for kind in GENERATED:
        until_none(store, f"clear_{kind}", f"count_{kind}", {"graph": graph})


def drop(store: Store, graph: str) -> None:
    """Delete a graph with its Graph node."""
    clear(store, graph)
    store.write(load("delete_graph", store.engine), params={"graph": graph})


def write(store: Store, statement: str, rows: Iterable[Mapping[str, Any]]) -> int:
    """Run the shipped statement of that name over `rows`."""
    return store.write(load(statement, store.engine), rows)


def write_items(store: Store, graph: str, items: Iterable[Mapping[str, Any]]) -> None:
    """Create items, or update their `uri` and `text`; an item is named by its id."""
    write(store, "write_items", (
        {"key": key(graph, "item", item["item_id"]),
         "props": {"graph": graph, "name": str(item["item_id"]), "item_id": str(item["item_id"]),
                   **_given({"uri": item.get("uri"), "text": item.get("text")})}}
        for item in items))


def write_examples(store: Store, graph: str, examples: Iterable[tuple[str, int, float]]) -> None:
    """Say which items are examples of which concepts: (item_id, concept number, strength)."""
    _edges(store, "write_example_of", (
        (key(graph, "item", item), key(graph, "concept", n), {"strength": float(s)}) for item, n, s in examples))


def write_classes(store: Store, graph: str, names: Iterable[str]) -> None:
    """Create the classes that are not there yet; the place of those that are stays."""
    write(store, "write_classes", ({"key": key(graph, "class", name), "props": {"graph": graph, "name": name}}
                                   for name in dict.fromkeys(names)))


def freeze_classes(store: Store, graph: str, names: Sequence[str]) -> None:
    """Fix the order of the classes: place i of B's outputs is `names[i]`."""
    write_classes(store, graph, names)
    write(store, "set_class_index", ({"key": key(graph, "class", name), "index": i} for i, name in enumerate(names)))


def write_models(store: Store, graph: str, models: Iterable[Mapping[str, Any]]) -> None:
    """Create or update models: {name, role, framework, sha256, n_weights}."""
    write(store, "write_models", (
        {"key": key(graph, "model", model["name"]), "props": {"graph": graph, **_given(model)}} for model in models))


def write_sources(
    store: Store, graph: str, weights: Iterable[tuple[str, float]], carried: Iterable[tuple[int, str, float]] = ()
) -> None:
    """Say what each source counts in a graph, and which of them carries which concept.

    Args:
        weights: (model, its part of a squared distance between two items).
        carried: (concept, model, how well that source alone holds the concept together).
    """
    _edges(store, "write_learned_from", ((graph, key(graph, "model", m), {"weight": w}) for m, w in weights))
    _edges(store, "write_carried_by", (
        (key(graph, "concept", c), key(graph, "model", m), {"share": share}) for c, m, share in carried))


def write_masses(store: Store, graph: str, mass: np.ndarray, names: Sequence[str]) -> None:
    """Say what each concept leans to, in place of what was said before.

    Args:
        mass: (k, c); entries below 0.05 are left out.
        names: (c,) class names.
    """
    import numpy as np

    mass = np.asarray(mass)
    if mass.ndim != 2 or mass.shape[1] != len(names):
        raise InputError(f"mass: expected shape (any, {len(names)}), received {mass.shape}")
    write_classes(store, graph, names)
    until_none(store, "clear_leans_to", "count_leans_to", {"graph": graph})
    rows, columns = np.nonzero(mass >= LEAST_MASS)
    _edges(store, "write_leans_to", (
        (key(graph, "concept", i), key(graph, "class", names[j]), {"mass": float(mass[i, j])})
        for i, j in zip(rows.tolist(), columns.tolist(), strict=True)))


def write_blocks(store: Store, graph: str, model: Mapping[str, Any], block_map: BlockMap, names: Sequence[str]) -> None:
    """Put a model's blocks and what maps to them in place of those it had.

    Args:
        model: {name, role, framework, sha256, n_weights}.
        block_map: `planned` and `strength` are written side by side; a difference is the user's edit.
        names: class names, which name the slots of the head.
    """
    props = {"graph": graph, **_given(model), "measured_on": None, "measured_sha256": None}  # goes with the edges
    write(store, "write_models", [{"key": key(graph, "model", model["name"]), "props": props}])
    params = {"graph": graph, "model": model["name"]}
    until_none(store, "clear_model_blocks", "count_model_blocks", params)
    write(store, "write_blocks", _blocks(graph, str(model["name"]), block_map, names))
    block_keys = [key(graph, "block", model["name"], layer, block.index)
                  for layer, blocks in block_map.blocks.items() for block in blocks]
    _edges(store, "write_in_model", ((k, key(graph, "model", model["name"]), {}) for k in block_keys))
    _edges(store, "write_maps_to", _maps(graph, str(model["name"]), block_map))


def write_measured(
    store: Store, graph: str, model: str, measured: Iterable[tuple[int, str, int, float]], on: str, sha256: str
) -> None:  # fmt: skip
    """Say how the blocks of a trained model go along with concepts, in place of what was measured before.

    Strengths stay as they are; what neither a plan nor a person gave any has strength 0, and maps nothing.

    Args:
        model: name of the mapped model.
        measured: (concept, layer, index of the block, correlation).
        on: file of the trained model that this was measured on, and its digest.
    """
    until_none(store, "clear_measured", "count_measured", {"graph": graph, "model": model})
    write(store, "write_measured", (
        {"a": key(graph, "concept", concept), "b": key(graph, "block", model, layer, index), "measured": float(value)}
        for concept, layer, index, value in measured))
    write_models(store, graph, [{"name": model, "measured_on": on, "measured_sha256": sha256}])


def set_names(store: Store, graph: str, names: Mapping[int, str]) -> None:
    """Name concepts, by number."""
    write(store, "set_concept_name", ({"key": key(graph, "concept", n), "name": name} for n, name in names.items()))


def set_active(store: Store, graph: str, active: Mapping[int, bool]) -> None:
    """Switch concepts on or off, by number."""
    write(store, "set_concept_active", ({"key": key(graph, "concept", n), "active": on} for n, on in active.items()))


def set_merged(store: Store, graph: str, merged: Iterable[tuple[int, int]]) -> None:
    """Count concepts as parts of others: (concept, the one that it is merged into)."""
    _edges(store, "write_merged_into", ((key(graph, "concept", a), key(graph, "concept", b), {}) for a, b in merged))


def set_edges(store: Store, graph: str, edges: Iterable[tuple[int, int, Mapping[str, float]]]) -> None:
    """Set `weight` (and `cosine`, where given) of edges between concepts; an edge that is missing is made."""
    _edges(store, "write_similar_to", (
        (key(graph, "concept", min(a, b)), key(graph, "concept", max(a, b)), dict(values)) for a, b, values in edges))


def _concepts(graph: str, value: ConceptGraph, places: np.ndarray) -> Iterator[dict[str, Any]]:
    for i, name in enumerate(value.names.tolist()):
        yield {"key": key(graph, "concept", i), "props": {
            "graph": graph, "name": str(name), "auto_name": str(name), "size": int(value.sizes[i]),
            "active": bool(value.active[i]), "centroid": value.centroids[i].tolist(),
            "x": float(places[i, 0]), "y": float(places[i, 1])}}


def _similar(graph: str, value: ConceptGraph) -> Iterator[tuple[str, str, dict[str, float]]]:
    arrays = (value.edges.tolist(), value.weights.tolist(), value.cosines.tolist())
    for (a, b), weight, cosine in zip(*arrays, strict=True):
        yield key(graph, "concept", a), key(graph, "concept", b), {"weight": weight, "cosine": cosine}


def _themes(store: Store, graph: str, themes: np.ndarray) -> None:
    sizes: dict[int, int] = {}
    for theme in themes.tolist():
        sizes[theme] = sizes.get(theme, 0) + 1
    write(store, "write_themes", (
        {"key": key(graph, "theme", t), "props": {"graph": graph, "name": f"theme {t}", "size": size}}
        for t, size in sorted(sizes.items()) if t >= 0))
    _edges(store, "write_part_of", ((key(graph, "concept", i), key(graph, "theme", t), {})
                                    for i, t in enumerate(themes.tolist()) if t >= 0))


def _blocks(graph: str, model: str, block_map: BlockMap, names: Sequence[str]) -> Iterator[dict[str, Any]]:
    for layer, blocks in block_map.blocks.items():
        slots = names[1:] if (len(blocks), len(names)) == (1, 2) else names  # one slot of two classes: the second
        for block in blocks:
            head = block.kind == "head" and block.index < len(slots)
            yield {"key": key(graph, "block", model, layer, block.index), "props": {
                "graph": graph, "name": slots[block.index] if head else f"{layer} {block.index}",
                "model": model, "layer": layer, "kind": block.kind, "index": block.index, "variable": block.variable}}


def _maps(graph: str, model: str, block_map: BlockMap) -> Iterator[tuple[str, str, dict[str, float]]]:
    for layer, blocks in block_map.blocks.items():
        planned, strength = (_entries(part[layer]) for part in (block_map.planned, block_map.strength))
        for i, j in sorted(planned.keys() | strength.keys()):
            values = {"strength": strength.get((i, j), 0.0), "planned": planned.get((i, j), 0.0)}
            yield key(graph, "concept", i), key(graph, "block", model, layer, blocks[j].index), values


def _entries(matrix: Any) -> dict[tuple[int, int], float]:
    entries = matrix.tocoo()
    return {(int(i), int(j)): float(v) for i, j, v in zip(entries.row, entries.col, entries.data, strict=True)}


def _edges(store: Store, statement: str, edges: Iterable[tuple[str, str, Mapping[str, Any]]]) -> None:
    write(store, statement, ({"a": a, "b": b, "props": dict(props)} for a, b, props in edges))


def until_none(store: Store, delete: str, count: str, params: Mapping[str, Any]) -> None:
    """Repeat a deletion that takes a few thousand at a time, until the count says that none is left."""
    while store.read(load(count, store.engine), params).rows[0][0]:
        store.write(load(delete, store.engine), params=params)


def _given(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
