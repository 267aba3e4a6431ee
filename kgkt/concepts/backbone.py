"""The backbone of the edges: the few of them that a picture of many concepts can show."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

STRONGEST = 2  # edges of each concept that are always shown, so that no concept hangs loose
LEVEL = 0.05  # an edge is significant where chance would make one so heavy in fewer cases than this
A_CONCEPT = 4  # edges for each concept, without `most`


def backbone(edges: np.ndarray, weights: np.ndarray, k: int, most: int | None = None) -> np.ndarray:
    """Which edges a picture shows: each concept's strongest two, and those heavier than chance makes them.

    Kept first are edges that are the strongest of one of their ends, then the second strongest, then by falling
    significance what the disparity filter keeps. A graph whose strongest edges are more than `most` loses the least
    significant of them.

    Args:
        edges: (m, 2) numbers of concepts below k.
        weights: (m,); an edge of weight 0 or less, or without one (nan), is never kept.
        k: number of concepts.
        most: edges at most; 4 for each concept where not said.

    Returns:
        (kept,) indices into edges, rising.

    Reference: the disparity filter, Serrano, Boguñá & Vespignani 2009.
    """
    import numpy as np

    weights = np.asarray(weights, np.float64)
    edges = np.asarray(edges, np.int64).reshape(-1, 2)
    at = np.flatnonzero((weights > 0) & (edges[:, 0] != edges[:, 1]))
    ends, w = edges[at], weights[at]
    tiers, chance = _tiers(ends, w, k), _log_chance(ends, w, k)
    shown = np.flatnonzero((tiers < STRONGEST) | (chance < np.log(LEVEL)))
    order = np.lexsort((-w[shown], chance[shown], tiers[shown]))
    return np.sort(at[shown[order][: A_CONCEPT * k if most is None else max(most, 0)]])


def _log_chance(ends: np.ndarray, w: np.ndarray, k: int) -> np.ndarray:
    """Logarithm of how likely chance makes an edge so heavy, at the end where that is least likely; (m,) <= 0.

    A concept of degree d and strength s: (1 - w / s) ** (d - 1). With a single edge nothing is unlikely.
    """
    import numpy as np

    strength = np.bincount(ends.ravel(), np.repeat(w, 2), minlength=k)
    degree = np.bincount(ends.ravel(), minlength=k)
    share = np.clip(w[:, None] / strength[ends], 0.0, 1.0 - 1e-15)
    return ((degree[ends] - 1) * np.log1p(-share)).min(axis=1, initial=0.0)


def _tiers(ends: np.ndarray, w: np.ndarray, k: int) -> np.ndarray:
    """0 for the strongest edge of a concept, 1 for the second strongest, … and STRONGEST for the rest; (m,)."""
    import numpy as np

    tiers = np.full(len(ends), STRONGEST)
    lightest_first = np.argsort(-w, kind="stable")[::-1]
    edge, end = np.repeat(lightest_first, 2), ends[lightest_first].ravel()
    for tier in range(STRONGEST):
        strongest = np.full(k, -1)
        strongest[end] = edge  # of several the last stands: the heaviest, and of equals the first
        found = strongest[strongest >= 0]
        tiers[found] = np.minimum(tiers[found], tier)
        rest = strongest[end] != edge
        edge, end = edge[rest], end[rest]
    return tiers
