"""Themes: communities of concepts."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

STRONGEST = 8  # edges a concept keeps for this purpose; more changes little and costs seconds


def find_themes(k: int, edges: np.ndarray, weights: np.ndarray, seed: int = 0) -> np.ndarray:
    """Louvain communities of the concept graph, numbered by falling number of concepts.

    Args:
        k: number of concepts.
        edges: (m, 2).
        weights: (m,).
        seed: of Louvain's order of visits.

    Returns:
        (k,) theme of each concept; a concept without edges is a theme of its own.

    Reference: Blondel et al. 2008 (networkx).
    """
    import networkx as nx
    import numpy as np

    graph = nx.Graph()
    graph.add_nodes_from(range(k))
    kept = _strongest(k, edges, weights)
    graph.add_weighted_edges_from(
        zip(edges[kept, 0].tolist(), edges[kept, 1].tolist(), weights[kept].tolist(), strict=True)
    )
    communities = nx.community.louvain_communities(graph, weight="weight", seed=seed)
    themes = np.empty(k, np.int64)
    for number, members in enumerate(sorted(communities, key=lambda m: (-len(m), min(m)))):
        themes[list(members)] = number
    return themes


def keep_numbers(themes: np.ndarray, before: np.ndarray) -> np.ndarray:
    """The same themes, each with the number of the old one that it shares the most concepts with.

    Args:
        themes: (k,) of all concepts, -1 for none.
        before: (j,) of the first j concepts, as they were; j <= k.

    Returns:
        (k,) themes; one that no old one matches has a number that was not there before.
    """
    import numpy as np
    from scipy.optimize import linear_sum_assignment

    shared = np.zeros((int(themes.max(initial=-1)) + 1, int(before.max(initial=-1)) + 1), np.int64)
    both = (themes[: len(before)] >= 0) & (before >= 0)
    np.add.at(shared, (themes[: len(before)][both], before[both]), 1)
    number = np.full(len(shared), -1)
    for new, old in zip(*linear_sum_assignment(-shared), strict=True):
        if shared[new, old]:
            number[new] = old
    number[number < 0] = shared.shape[1] + np.arange((number < 0).sum())
    return np.array([number[theme] if theme >= 0 else -1 for theme in themes.tolist()], np.int64)


def _strongest(k: int, edges: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Indices of the edges that are among the strongest of at least one of their ends."""
    import numpy as np

    m = len(edges)
    ends = np.concatenate([edges[:, 0], edges[:, 1]])
    order = np.lexsort((-np.tile(weights, 2), ends))
    starts = np.searchsorted(ends[order], np.arange(k))
    rank = np.arange(2 * m) - starts[ends[order]]
    return np.unique(order[rank < STRONGEST] % m) if m else np.zeros(0, np.int64)
