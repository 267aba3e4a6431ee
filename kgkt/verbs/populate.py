"""populate: from A and a pool of data to a concept graph in the store."""

from __future__ import annotations

import dataclasses
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import kgkt
from kgkt.concepts.cluster import choose_k, fit_local, medoids, nearest_concept, stability
from kgkt.concepts.edges import bridge_edges, centroid_cosines, layout
from kgkt.concepts.embed import HEAD_DIMS, fit_embedding
from kgkt.concepts.names import names_from_ids, names_from_text
from kgkt.concepts.themes import find_themes
from kgkt.errors import InputError
from kgkt.files import make_folder, save_arrays, sha256_file
from kgkt.memory import release_memory
from kgkt.recipe import Recipe, StoreSettings
from kgkt.rundir import carry
from kgkt.rundir.features import look_first, read_features, source_memory
from kgkt.rundir.folder import RunDir, save_memberships
from kgkt.rundir.state import (
    Say,
    identity,
    is_shared,
    moves,
    now,
    open_run,
    record,
    store_database,
    store_settings,
    store_url,
)
from kgkt.source.choose import need_source
from kgkt.store.opening import embedded_path
from kgkt.values import Clustering, ConceptGraph, Embedding, Features

if TYPE_CHECKING:
    import numpy as np

    from kgkt.source.inputs import Data
    from kgkt.store.protocol import Store

EXEMPLARS = 8
MADE = ("embedding.safetensors", "concepts.safetensors", "memberships.parquet")


@dataclass(frozen=True, slots=True)
class Populated:
    """What `populate` made.

    Args:
        run: its run directory.
        url: of the store.
        widths: layer -> width.
        n_items, n_concepts, n_edges, n_themes: counts.
        sizes: smallest and largest concept.
        stability: adjusted Rand index of two seeds.
        seconds: stage -> seconds.
        lost: what people had said and that found no place in the new graph.
    """

    run: RunDir
    url: str
    widths: dict[str, int]
    n_items: int
    n_concepts: int
    n_edges: int
    n_themes: int
    sizes: tuple[int, int]
    stability: float
    seconds: dict[str, float]
    lost: list[str]


def populate(recipe: Recipe, say: Say, progress: Any = None, force: bool = False) -> Populated:
    """Extract A's features, find concepts and edges, and write the graph.

    Args:
        recipe: its source, concepts and store sections.
        say: takes notices.
        progress: `progress(what, total)` gives a context manager that yields a function of how much was done.
        force: extract the features again, even where model and data are the same as last time.

    Raises:
        UsageError: neither a model with data nor a features file.
        InputError, UnsafeError, StoreError: as the rooms raise them.
    """
    from kgkt.store.foreign import admit
    from kgkt.store.opening import open_store

    source = need_source(recipe.source)
    data = look_first(recipe, source, say)
    run = open_run(recipe, must_exist=False)
    url = store_url(recipe, run)
    seconds: dict[str, float] = {}
    make_folder(run.folder)
    own = identity(run)
    # The writer's lease first: of two loads one wins.
    with open_store(url, write=True, database=store_database(recipe, run)) as store:
        admit(store, run.graph, own, is_shared(recipe, run))
        store.hold(run.graph)
        run.sweep()
        run.write_state({**run.state(), "run": own})
        people = save_edits(recipe, run, store)
        if not people:
            forget_label_files(run, say)
        clock = time.perf_counter()
        features, inputs = read_features(recipe, source, run, data, say, progress, force)
        release_memory()
        seconds["features"] = time.perf_counter() - clock
        clock = time.perf_counter()
        embedding, clustering, steady = find_concepts(features, recipe, data, say)
        seconds["concepts"] = time.perf_counter() - clock
        clock = time.perf_counter()
        graph, exemplars, coordinates = make_graph(run.graph, embedding, clustering, features.ids, data, recipe)
        save_concepts(run, features.ids, embedding, clustering, exemplars)
        release_memory()
        seconds["edges"] = time.perf_counter() - clock
        clock = time.perf_counter()
        carried = carry.place(people, features.ids, clustering.memberships)
        model = source.node(features)
        write_graph(
            store, run, graph, coordinates, clustering, exemplars, features, data, recipe, steady, carried, model
        )
    carry.let_wait(run, carried.strengths)
    run.path(carry.FILE).unlink(missing_ok=True)
    seconds["graph"] = time.perf_counter() - clock
    outputs = {name: sha256_file(run.path(name)) for name in MADE}
    sizes = (int(graph.sizes.min()), int(graph.sizes.max()))
    record(run, "populate", inputs, outputs, {
        "items": len(features), "concepts": len(graph), "edges": len(graph.edges), "stability": steady,
        "layers": dict(features.widths), "source": features.source, "seconds": seconds,
    }, {
        **pool_settings(recipe, data), **store_settings(recipe, run), **source_memory(recipe, features.layers),
    })  # fmt: skip
    if said := carried.in_words():
        say(f"carried over: {said}")
    for line in carried.lost:
        say(f"lost: {line}")
    return Populated(
        run, url, dict(features.widths), len(features), len(graph), len(graph.edges),
        int(graph.themes.max()) + 1, sizes, steady, seconds, carried.lost,
    )  # fmt: skip


def save_edits(recipe: Recipe, run: RunDir, store: Store) -> dict[str, Any]:
    """What people said in the graph that stands now, be it in this store or in the one it moves away from."""
    from kgkt.store.opening import open_store

    if not moves(recipe, run) or run.path(carry.FILE).exists():
        return carry.save_edits(store, run)
    before = dataclasses.replace(recipe, store=StoreSettings())
    url = store_url(before, run)
    if (path := embedded_path(url)) is not None and not path.exists():
        return {}  # deleted, and what was said in it
    with open_store(url, database=store_database(before, run)) as old:
        return carry.save_edits(old, run)


def forget_label_files(run: RunDir, say: Say) -> None:
    """The graph that label files were read into is gone: let them be read again."""
    state = run.state()
    if state.pop("label_files", None):
        say("the graph was not in the database any more: what people said is gone with it; label files are read again")
        run.write_state(state)


def pool_settings(recipe: Recipe, data: Data | None) -> dict[str, Any]:
    """Where the pool lies, so that `fuse` finds it again, of what kind it is, and whether its texts may leave it."""
    if data is None:
        return {}
    assert recipe.source.data is not None
    return {
        "data": str(Path(recipe.source.data).resolve()), "drop_bad": recipe.source.drop_bad, "kind": data.kind,
        "id_column": recipe.source.id_column,
        "text": recipe.store.text, "size": list(data.x.shape[1:3]) if data.kind == "images" else None,
    }  # fmt: skip


def find_concepts(
    features: Features, recipe: Recipe, data: Data | None, say: Say
) -> tuple[Embedding, Clustering, float]:
    """Embed and cluster; says what was unusual about the data."""
    import numpy as np

    settings = recipe.concepts
    text = data is not None and data.text is not None
    embedding = fit_embedding(features, settings.dims, settings.seed, None if text else HEAD_DIMS)
    release_memory()
    for layer in features.layers:
        if empty := sum(int((~batch.any(axis=1)).sum()) for batch in features.batches(layer)):
            say(f"{empty} of {len(features)} items have nothing but zeros in {layer}")
    zero = int((~embedding.vectors.any(axis=1)).sum())
    if zero:
        say(f"{zero} of {len(features)} items have an embedding of zero length: they are like the average item")
    if not np.isfinite(embedding.vectors).all():
        raise InputError("the embedding overflows: scale the features to a smaller range")
    k, notices = choose_k(embedding.vectors, settings.k)
    for notice in notices:
        say(notice)
    clustering = fit_local(embedding.vectors, k, settings.seed)
    steady = stability(embedding.vectors, k, settings.seed, nearest_concept(clustering.memberships))
    return embedding, clustering, steady


def make_graph(
    name: str, embedding: Embedding, clustering: Clustering, ids: np.ndarray, data: Data | None, recipe: Recipe
) -> tuple[ConceptGraph, list[np.ndarray], np.ndarray]:
    """Edges, themes and names: the graph, its exemplars (k arrays of items) and coordinates (k, 2)."""
    import numpy as np

    k = len(clustering.centroids)
    edges, weights = bridge_edges(clustering.memberships)
    exemplars = medoids(embedding.vectors, clustering, EXEMPLARS)
    if data is not None and data.text is not None and recipe.store.text:
        names = names_from_text(data.text, clustering.memberships)
    else:
        names = names_from_ids(ids, exemplars)
    graph = ConceptGraph(
        keys=np.array([f"{name}/concept/{number}" for number in range(k)], object),
        names=np.array(names, object),
        centroids=clustering.centroids,
        sizes=clustering.sizes,
        active=np.ones(k, bool),
        edges=edges,
        weights=weights,
        cosines=centroid_cosines(clustering.centroids, edges),
        themes=find_themes(k, edges, weights, clustering.seed),
    )
    return graph, exemplars, layout(clustering.centroids)


def save_concepts(
    run: RunDir, ids: np.ndarray, embedding: Embedding, clustering: Clustering, exemplars: list[np.ndarray]
) -> None:
    """Write embedding.safetensors, concepts.safetensors and memberships.parquet."""
    import numpy as np

    arrays = {"vectors": embedding.vectors, "head": embedding.head}
    for number, (W, b) in enumerate(embedding.maps.values()):
        arrays |= {f"W{number}": W, f"b{number}": b}
    save_arrays(run.path("embedding.safetensors"), arrays, {f"layer{i}": m for i, m in enumerate(embedding.maps)})
    lengths = np.array([len(e) for e in exemplars], np.int64)
    save_arrays(
        run.path("concepts.safetensors"),
        {"centroids": clustering.centroids, "sizes": clustering.sizes,
         "exemplars": np.concatenate(exemplars).astype(np.int64), "exemplar_counts": lengths},
        {"bandwidth": repr(clustering.bandwidth), "seed": str(clustering.seed), "engine": clustering.engine,
         "kgkt_version": kgkt.__version__},
    )  # fmt: skip
    save_memberships(run.path("memberships.parquet"), ids, clustering.memberships)


def write_graph(
    store: Any, run: RunDir, graph: ConceptGraph, coordinates: np.ndarray, clustering: Clustering,
    exemplars: list[np.ndarray], features: Features, data: Data | None, recipe: Recipe, steady: float,
    carried: carry.Carried, model: dict[str, Any],
) -> None:  # fmt: skip
    """Load the graph into the store, then put back what people said; `complete` comes last."""
    import numpy as np

    from kgkt.source.thumbs import write_exemplars
    from kgkt.store.labels import write_labels
    from kgkt.store.load import finish, load_graph, set_active, set_edges, set_names

    pictured = np.unique(np.concatenate(exemplars))
    folder = run.path("exemplars")
    written = write_exemplars(data, pictured, folder) if data is not None else {}
    pictures = {item: str(folder / name) for item, name in written.items()}
    labelled = {entry[0] for entry in carried.labels + carried.ticks}
    rows = {item: row for row, item in enumerate(features.ids.tolist())} if labelled else {}
    items = item_rows(np.union1d(pictured, [rows[i] for i in labelled]).astype(int), features, data, pictures, recipe)
    Z = clustering.memberships.tocsr()
    examples = [
        (str(features.ids[item]), number, float(Z[item, number]))
        for number, members in enumerate(exemplars)
        for item in members
    ]
    info = {
        "seed": clustering.seed, "stability": steady, "n_items": len(features), "n_concepts": len(graph),
        "kgkt_version": kgkt.__version__, "created_at": now(), "run": identity(run),
    }  # fmt: skip
    load_graph(
        store, run.graph, graph, coordinates, info, [model], items, examples,
        carried.classes, carried.frozen, is_shared(recipe, run), finished=False,
    )  # fmt: skip
    write_labels(store, run.graph, carried.labels, carried.ticks)
    set_names(store, run.graph, carried.names)
    set_active(store, run.graph, dict.fromkeys(carried.off, False))
    cosine = {tuple(pair): value for pair, value in zip(graph.edges.tolist(), graph.cosines.tolist(), strict=True)}
    set_edges(store, run.graph, [
        (a, b, values | {"cosine": cosine.get((min(a, b), max(a, b)), 0.0)}) for a, b, values in carried.edges
    ])  # fmt: skip
    finish(store, run.graph, info)


def item_rows(
    index: np.ndarray, features: Features, data: Data | None, pictures: dict[int, str], recipe: Recipe
) -> list[dict[str, Any]]:
    """What the Item nodes say: id, path or picture, text; without texts and paths if the recipe says so."""
    rows = []
    for item in index.tolist():
        uri = data.uris[item] if data is not None and data.uris else pictures.get(item)
        text = data.text[item] if data is not None and data.text else None
        if not recipe.store.text:
            uri = text = None
        rows.append({"item_id": str(features.ids[item]), "uri": uri, "text": text})
    return rows
