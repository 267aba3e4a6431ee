"""The graph that populate found, written into the database with what people said of the one before."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import kgkt
from kgkt.recipe import Recipe
from kgkt.rundir.carry import Carried
from kgkt.rundir.features import of_words
from kgkt.rundir.folder import RunDir
from kgkt.rundir.graph_files import Drawn
from kgkt.rundir.made import Found
from kgkt.rundir.state import identity, is_shared, now
from kgkt.values import Features

if TYPE_CHECKING:
    import numpy as np

    from kgkt.source.inputs import Data
    from kgkt.store.protocol import Store


def write_graph(
    store: Store, run: RunDir, recipe: Recipe, found: Found, drawn: Drawn, features: Features, data: Data | None,
    carried: Carried, models: list[dict[str, Any]],
) -> None:  # fmt: skip
    """Load the graph into the store, then put back what people said; `complete` comes last."""
    import numpy as np

    from kgkt.source.thumbs import write_exemplars
    from kgkt.store.labels import write_labels
    from kgkt.store.load import finish, load_graph, set_active, set_edges, set_merged, set_names, write_sources

    graph, exemplars = drawn.graph, drawn.exemplars
    if not recipe.store.text and of_words(features, data):  # their ids are their texts
        exemplars = [part[:0] for part in exemplars]
    pictured = np.unique(np.concatenate(exemplars))
    folder = run.path("exemplars")
    written = write_exemplars(data, pictured, folder) if data is not None else {}
    pictures = {item: str(folder / name) for item, name in written.items()}
    labelled = {entry[0] for entry in carried.labels + carried.ticks}
    rows = {item: row for row, item in enumerate(features.ids.tolist())} if labelled else {}
    items = item_rows(np.union1d(pictured, [rows[i] for i in labelled]).astype(int), features, data, pictures, recipe)
    members = np.concatenate(exemplars)
    numbers = np.repeat(np.arange(len(exemplars)), [len(part) for part in exemplars])
    strengths = np.asarray(found.clustering.memberships[members, numbers]).ravel()[: len(members)]  # one, where none is
    examples = list(zip(features.ids[members].astype(str).tolist(), numbers.tolist(), strengths.tolist(), strict=True))
    info = {
        "seed": found.clustering.seed, "stability": found.stability, "n_items": len(features), "n_concepts": len(graph),
        "kgkt_version": kgkt.__version__, "created_at": now(), "run": identity(run),
    }  # fmt: skip
    load_graph(
        store, run.graph, graph, drawn.coordinates, info, models, items, examples,
        carried.classes, carried.frozen, is_shared(recipe, run), finished=False,
    )  # fmt: skip
    write_sources(store, run.graph, [(str(model["name"]), weight) for model, weight in zip(
        models, found.weights.values(), strict=True)], carried_by(found))  # fmt: skip
    write_labels(store, run.graph, carried.labels, carried.ticks)
    set_names(store, run.graph, carried.names)
    set_active(store, run.graph, dict.fromkeys(carried.off, False))
    set_merged(store, run.graph, carried.merged)
    # one that no item of its own is left in still is what its parts count as
    set_active(store, run.graph, dict.fromkeys({b for _, b in carried.merged} - set(carried.off), True))
    cosine = {tuple(pair): value for pair, value in zip(graph.edges.tolist(), graph.cosines.tolist(), strict=True)}
    set_edges(store, run.graph, [
        (a, b, values | {"cosine": cosine.get((min(a, b), max(a, b)), 0.0)}) for a, b, values in carried.edges
    ])  # fmt: skip
    finish(store, run.graph, info)


def carried_by(found: Found) -> Iterator[tuple[int, str, float]]:
    """Concept, source, and how well that source alone holds the concept together; nothing where there is one source."""
    import numpy as np

    from kgkt.concepts.cluster import nearest_concept
    from kgkt.concepts.sources import held_together

    nearest, k = nearest_concept(found.clustering.memberships), len(found.clustering.centroids)
    for name, vectors in found.alone.items():
        shares = held_together(vectors, nearest, k)
        yield from ((int(c), name, float(shares[c])) for c in np.flatnonzero(~np.isnan(shares)))


def item_rows(
    index: np.ndarray, features: Features, data: Data | None, pictures: dict[int, str], recipe: Recipe
) -> list[dict[str, Any]]:
    """What the Item nodes say: id, path or picture, text; without texts and paths if the recipe says so."""
    rows, words = [], of_words(features, data)
    for item in index.tolist():
        uri = data.uris[item] if data is not None and data.uris else pictures.get(item)
        text = str(features.ids[item]) if words else data.text[item] if data is not None and data.text else None
        if not recipe.store.text:
            uri = text = None
        rows.append({"item_id": str(features.ids[item]), "uri": uri, "text": text})
    return rows
