"""What every verb after populate begins with: the run directory, the graph as people left it, the labels."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kgkt.concepts.propagate import heard_labels, hearing
from kgkt.errors import InputError
from kgkt.files import digest_value, load_arrays
from kgkt.recipe import Recipe
from kgkt.rundir import carry
from kgkt.rundir.folder import RunDir, load_memberships
from kgkt.rundir.state import Say, made_by, store_database, store_url
from kgkt.values import ConceptGraph, Labels

if TYPE_CHECKING:
    import numpy as np
    from scipy.sparse import csr_matrix

    from kgkt.store.protocol import Store


@dataclass(frozen=True, slots=True)
class CurrentGraph:
    """The graph as the store holds it now, beside the arrays of the run directory.

    Args:
        graph: concepts and edges, with what people changed.
        labels: labels and ticks; class names in the order of B's outputs.
        ids: (n,) item ids.
        Z: (n, k) memberships.
        into: (k,) the concept that each one counts as; another one where people merged it. `graph` and `Z` are folded
            so: nothing is in the merged concept itself, and it is inactive.
        apart: the graph and Z before they were folded; None where nothing is merged.
    """

    graph: ConceptGraph
    labels: Labels
    ids: np.ndarray
    Z: csr_matrix
    into: np.ndarray
    apart: tuple[ConceptGraph, csr_matrix] | None = None

    @property
    def merged(self) -> bool:
        """Whether people merged any concepts."""
        return any(i != end for i, end in enumerate(self.into.tolist()))

    @property
    def taught(self) -> Labels:
        """The labels and ticks that teach: not those of an item whose concepts are all switched off."""
        return heard_labels(self.labels, self.Z, self.graph.active)

    def silent(self) -> dict[str, int]:
        """The labels and ticks that teach nothing, as ITEM=CLASS -> a concept that holds the item, and is off."""
        import numpy as np

        told, ticked = hearing(self.labels, self.Z, self.graph.active)
        labels, names = self.labels, self.labels.names
        said = [(i, names[c]) for i, c in zip(labels.items[~told], labels.classes[~told], strict=True)]
        said += [(i, f"not:{names[c]}")
                 for i, c in zip(labels.tick_items[~ticked], labels.tick_classes[~ticked], strict=True)]  # fmt: skip
        return {f"{self.ids[i]}={word}": int(np.argmax(self.Z[i].toarray())) for i, word in said}

    def digest(self) -> str:
        """Digest of what people can change: names are left out, they teach nothing."""
        graph, labels = self.graph, self.labels
        merged = [self.into.tolist()] if self.merged else []
        return digest_value([
            graph.active.tolist(), graph.edges.tolist(), graph.weights.tolist(), list(labels.names),
            labels.items.tolist(), labels.classes.tolist(), labels.tick_items.tolist(), labels.tick_classes.tolist(),
            *merged,
        ])  # fmt: skip


def open_graph_store(recipe: Recipe, run: RunDir, write: bool = False) -> Store:
    """The store of a populated graph; to write it, its turn is waited for.

    Raises:
        BusyError: to write, while another process does so for long.
        InputError: to write, while an interrupted populate has left what people said in carry.json.
    """
    from kgkt.store.opening import open_store
    from kgkt.store.waiting import in_turn

    if write:
        return in_turn(lambda: _held(recipe, run))
    # a reader sees the last whole graph; one that is half made says so itself
    return open_store(store_url(recipe, run), database=store_database(recipe, run))


def _held(recipe: Recipe, run: RunDir) -> Store:
    """The store with the right to write the graph."""
    from kgkt.store.opening import open_store

    store = open_store(store_url(recipe, run), write=True, database=store_database(recipe, run))
    try:
        store.hold(run.graph)
        if run.path(carry.FILE).exists():
            raise InputError(f"graph {run.graph} is being rebuilt, or interrupted: run kgkt populate")
    except BaseException:
        store.close()
        raise
    return store


def own_info(store: Store, run: RunDir) -> dict[str, Any]:
    """What the database says of the run directory's graph.

    Raises:
        InputError: it has no such graph, an unfinished one, or one made from another run directory.
    """
    from kgkt.store.readback import list_graphs, read_info

    if run.graph not in [info.get("graph") for info in list_graphs(store)]:
        raise InputError(f"graph {run.graph} is not in the database (any more): run kgkt populate, or say where it is "
                         "with --store")
    info = read_info(store, run.graph)
    if info.get("run") not in (None, run.state().get("run")):
        raise InputError(f"graph {run.graph} in the database was made from another run directory: say --dir where that "
                         "is, or populate this one under another name (--graph)")
    return info


def stands(recipe: Recipe, run: RunDir) -> bool:
    """Whether the database still holds the graph, whole; it may have been dropped, or left half made."""
    try:
        with open_graph_store(recipe, run) as store:
            own_info(store, run)
    except InputError:
        return False
    return True


def count_themes(recipe: Recipe, run: RunDir) -> int:
    """How many themes the graph has in the database."""
    from kgkt.store.readback import rows

    with open_graph_store(recipe, run) as store:
        return int(rows(store, "count_themes", graph=run.graph)[0]["n"])


def pool_ids(run: RunDir) -> np.ndarray:
    """(n,) item ids of the pool."""
    from kgkt.files import read_parquet

    table = read_parquet(run.need("memberships.parquet", "populate"), ("item_id",))
    return table.column("item_id").to_numpy().astype(str)


def read_current(store: Store, run: RunDir, say: Say, classes: tuple[str, ...] = ()) -> CurrentGraph:
    """Read the graph back with checks; notices go to `say`.

    Args:
        store: open.
        run: of the graph.
        say: takes notices.
        classes: the order of the classes that the recipe gives; it must hold every class of the graph.
    """
    from kgkt.store.labels import read_labels
    from kgkt.store.readback import read_concept_graph, read_merged

    own_info(store, run)
    ids, Z = load_memberships(made_by(run, "populate", "memberships.parquet"))
    arrays, _ = load_arrays(made_by(run, "populate", "concepts.safetensors"))
    graph, notices = read_concept_graph(store, run.graph, arrays["centroids"])
    into = read_merged(store, run.graph, graph.active, notices)
    labels, more = read_labels(store, run.graph, ids)
    for notice in (*notices, *more):
        say(notice)
    if classes:
        labels = in_order(labels, classes)
    return _folded(CurrentGraph(graph, labels, ids, Z, into))


def read_again(store: Store, run: RunDir, before: CurrentGraph, concepts: bool) -> CurrentGraph:
    """The graph after an edit of a verb: none of them changes the pool, its memberships or an edge.

    Args:
        store: open.
        run: of the graph.
        before: as it was read before the edit.
        concepts: whether the edit may have changed concepts; else only labels are read again.
    """
    from kgkt.store.labels import read_labels
    from kgkt.store.readback import read_concepts_again, read_merged

    labels, _ = read_labels(store, run.graph, before.ids)
    if not concepts:
        return dataclasses.replace(before, labels=labels)
    graph, Z = before.apart or (before.graph, before.Z)
    graph = read_concepts_again(store, run.graph, graph)
    return _folded(CurrentGraph(graph, labels, before.ids, Z, read_merged(store, run.graph, graph.active, [])))


def _folded(current: CurrentGraph) -> CurrentGraph:
    """The same with each merged concept in the one that it counts as."""
    from kgkt.concepts.merge import fold_graph, fold_memberships

    if not current.merged:
        return current
    graph, Z, into = current.graph, current.Z, current.into
    return dataclasses.replace(current, graph=fold_graph(graph, into), Z=fold_memberships(Z, into), apart=(graph, Z))


def in_order(labels: Labels, classes: tuple[str, ...]) -> Labels:
    """The same labels with the classes in the order that the recipe gives.

    Raises:
        InputError: the recipe leaves out a class that has a label or a tick.
    """
    import numpy as np

    spoken = {labels.names[i] for i in {*labels.classes.tolist(), *labels.tick_classes.tolist()}}
    missing = [name for name in labels.names if name not in classes and name in spoken]
    if missing:
        raise InputError(
            f"[target] classes leaves out {', '.join(missing[:5])}: name every class with a label or a tick\n"
            f"  classes  {' '.join(classes[:20])}\n  graph    {' '.join(labels.names[:20])}"
        )
    # a class that nobody speaks of any more may be left out: no label looks its place up
    place = np.array([classes.index(n) if n in classes else -1 for n in labels.names], np.int64).reshape(-1)
    return Labels(
        labels.items, place[labels.classes], classes, labels.tick_items, place[labels.tick_classes]
    )
