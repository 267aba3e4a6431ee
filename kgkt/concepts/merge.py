"""Concepts that people merged, folded into one: as if populate had found one concept where it found several."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from scipy.sparse import csr_matrix

    from kgkt.values import ConceptGraph


def fold_memberships(Z: csr_matrix, into: np.ndarray) -> csr_matrix:
    """Memberships (n, k) with the column of each concept added to that of the one it is merged into.

    Args:
        Z: (n, k) memberships.
        into: (k,) the concept that each one counts as; itself, where it is not merged.
    """
    import numpy as np
    from scipy.sparse import csr_matrix

    k = len(into)
    moves = csr_matrix((np.ones(k, Z.dtype), (np.arange(k), into)), shape=(k, k))
    out = csr_matrix(Z @ moves)
    out.sort_indices()
    return out


def fold_graph(graph: ConceptGraph, into: np.ndarray) -> ConceptGraph:
    """The graph with each merged concept switched off and its edges at the one that it counts as.

    Weights add up, and an edge within what was merged goes: E = Z'Z of the folded memberships.

    Args:
        graph: of k concepts.
        into: (k,) as for `fold_memberships`.
    """
    import numpy as np

    from kgkt.concepts.edges import centroid_cosines

    k, numbers = len(graph), np.arange(len(graph))
    centroids = graph.centroids.copy()
    for one in np.unique(into[into != numbers]).tolist():
        parts = np.flatnonzero(into == one)
        held = graph.sizes[parts]
        centroids[one] = np.average(graph.centroids[parts], axis=0, weights=held if held.any() else None)
    ends = np.sort(into[graph.edges], axis=1)
    apart = ends[:, 0] != ends[:, 1]
    edges, place = np.unique(ends[apart], axis=0, return_inverse=True)
    weights = np.bincount(place.ravel(), weights=graph.weights[apart], minlength=len(edges))
    sizes = np.bincount(into, weights=graph.sizes, minlength=k).astype(np.int64)
    return dataclasses.replace(
        graph, centroids=centroids, sizes=sizes, active=graph.active & (into == numbers),
        edges=edges.reshape(-1, 2), weights=weights, cosines=centroid_cosines(centroids, edges.reshape(-1, 2)),
    )  # fmt: skip


def end_of(into: Mapping[int, int], n: int) -> int:
    """What a concept counts as in the end."""
    for _ in into:
        n = into.get(n, n)
    return n


def ends_of(merged: Iterable[Sequence[int]], off: Collection[int]) -> dict[int, int]:
    """What each merged concept counts as in the end; one that is off is no part of another.

    Args:
        merged: (concept, the one that people merged it into).
        off: the concepts that are off.
    """
    into = {int(a): int(b) for a, b in merged}
    return {a: end_of(into, a) for a in into if a not in off}


def nearest_merged(Z: csr_matrix, into: Mapping[int, int]) -> np.ndarray:
    """(n,) the concept that each item is nearest to, where those that are merged count as one.

    Args:
        Z: (n, k) memberships, not folded.
        into: as `ends_of`.
    """
    import numpy as np

    from kgkt.concepts.cluster import nearest_concept

    ends = np.array([into.get(n, n) for n in range(Z.shape[1])])
    return nearest_concept(fold_memberships(Z, ends) if into else Z)
