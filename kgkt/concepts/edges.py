"""Edges between concepts: how many items lie between the two, and how alike their centroids are."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from scipy.sparse import csr_matrix

    from kgkt.values import Clustering, ConceptGraph


def bridge_edges(Z: csr_matrix) -> tuple[np.ndarray, np.ndarray]:
    """Edges E = Z'Z: the weight of an edge counts the items that lie between its two concepts.

    Args:
        Z: (n, k) memberships.

    Returns:
        edges (m, 2), lower number first, and weights (m,) float64 > 0.

    Reference: anchor graphs, Liu, He & Chang 2010.
    """
    import numpy as np
    from scipy.sparse import triu

    E = triu((Z.T.astype(np.float64) @ Z.astype(np.float64)).tocsr(), k=1).tocoo()
    order = np.lexsort((E.col, E.row))
    keep = order[E.data[order] > 0]
    return np.stack([E.row[keep], E.col[keep]], axis=1).astype(np.int64), E.data[keep]


def unnamed_graph(clustering: Clustering) -> ConceptGraph:
    """Concepts and their edges as a graph without names and themes: all of it that propagation needs."""
    import numpy as np

    from kgkt.values import ConceptGraph

    k = len(clustering.centroids)
    edges, weights = bridge_edges(clustering.memberships)
    numbers = np.arange(k)
    return ConceptGraph(
        keys=np.array([f"unnamed/concept/{j}" for j in numbers], object),
        names=np.array([f"concept {j}" for j in numbers], object),
        centroids=clustering.centroids,
        sizes=clustering.sizes,
        active=np.ones(k, bool),
        edges=edges,
        weights=weights,
        cosines=centroid_cosines(clustering.centroids, edges),
        themes=np.zeros(k, np.int64),
    )


def centroid_cosines(centroids: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Cosine of the two centroids of each edge, (m,) float64; 0 where a centroid is the zero vector."""
    import numpy as np

    from kgkt.concepts.embed import unit_rows

    C = unit_rows(np.asarray(centroids, np.float64))
    return np.clip(np.einsum("ij,ij->i", C[edges[:, 0]], C[edges[:, 1]]), -1.0, 1.0)


def frame_of(centroids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What a picture of the concepts is a view of: their first two principal components.

    Args:
        centroids: (k, e).

    Returns:
        (e,) the middle and (e, 2) the axes, of such a length that the farthest concept lies at 1.
    """
    import numpy as np

    X = np.asarray(centroids, np.float64)
    middle = X.mean(axis=0)
    _, _, V = np.linalg.svd(X - middle, full_matrices=False)
    V = V[:2] * np.where(V[:2, :1] < 0, -1, 1)  # a sign that does not depend on the solver's mood
    axes = np.zeros((X.shape[1], 2))
    axes[:, : len(V)] = V.T
    return middle, axes / max(float(np.abs((X - middle) @ axes).max()), 1e-12)


def layout(centroids: np.ndarray, frame: tuple[np.ndarray, np.ndarray] | None = None) -> np.ndarray:
    """Where each concept is drawn, (k, 2) in -1..1.

    Args:
        centroids: (k, e).
        frame: that the picture is a view of, as `frame_of` gives it; None: their own.
    """
    import numpy as np

    middle, axes = frame_of(centroids) if frame is None else frame
    out = (np.asarray(centroids, np.float64) - middle) @ axes
    return out / max(float(np.abs(out).max()), 1.0)
