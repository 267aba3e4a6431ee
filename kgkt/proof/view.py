"""What one model's features make of a pool: embedding, concepts, edges. Every graph row starts from one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from kgkt.concepts.cluster import choose_k
from kgkt.concepts.edges import unnamed_graph
from kgkt.concepts.embed import fit_embedding
from kgkt.concepts.engine import engine_for
from kgkt.concepts.propagate import Spreader, make_spreader
from kgkt.source.parquet import describe, write_features
from kgkt.transfer.items import nearest_items, neighbour_graph
from kgkt.values import ConceptGraph, Features

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from scipy.sparse import csr_matrix


@dataclass(frozen=True, slots=True)
class View:
    """A pool as one model sees it.

    Args:
        vectors: (n, e) embedding.
        head: (n, h) head features.
        graph: concepts and edges.
        Z: (n, k) memberships.
        spreader: of the graph, held ready.
        near: (n, n) graph of the nearest items, where it was made.
    """

    vectors: np.ndarray
    head: np.ndarray
    graph: ConceptGraph
    Z: csr_matrix
    spreader: Spreader
    near: csr_matrix | None = None


def make_view(features: Features, k: int | None = None, seed: int = 0) -> View:
    """Embed, cluster and link the items of `features`, concepts and items, by the same steps as a populated graph.

    Args:
        features: of n items.
        k: concepts; None for the default.
        seed: of the embedding's sample and of KMeans.
    """
    embedding = fit_embedding(features, seed=seed)
    view = embedded(embedding.vectors, embedding.head)
    near = neighbour_graph(nearest_items(view.vectors, seed=seed), view.vectors)
    return recluster(replace(view, near=near), k, seed)


def embedded(vectors: np.ndarray, head: np.ndarray) -> View:
    """A pool that is embedded, (n, e) and (n, h), and has no concepts yet: for `recluster`."""
    return View(vectors, head, None, None, None)  # type: ignore[arg-type]


def bare(view: View) -> View:
    """The same without its concepts."""
    return embedded(view.vectors, view.head)


def recluster(view: View, k: int | None, seed: int) -> View:
    """The same embedding with concepts of another seed."""
    count, _ = choose_k(view.vectors, k)
    clustering = engine_for(view.vectors).fit(view.vectors, count, seed)
    graph = unnamed_graph(clustering)
    return replace(view, graph=graph, Z=clustering.memberships, spreader=make_spreader(graph))


def write_arrays(path: Path, ids: np.ndarray, layers: Mapping[str, np.ndarray], source: str) -> Features:
    """Write features held in memory as a features file.

    Args:
        path: where.
        ids: (n,) item ids.
        layers: name -> (n, ...) array, flattened to rows.
        source: where they come from.
    """
    import numpy as np

    rows = {layer: np.asarray(values, np.float32).reshape(len(ids), -1) for layer, values in layers.items()}
    return write_features(path, {layer: v.shape[1] for layer, v in rows.items()}, [(ids, rows)], describe(source, ()))
