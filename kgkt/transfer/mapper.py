"""Concepts to the blocks of B: what is planned before training."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from kgkt.errors import InputError
from kgkt.transfer.blocks import MAPPED
from kgkt.values import Block, BlockMap

if TYPE_CHECKING:
    import numpy as np
    from scipy.sparse import csr_matrix

LEAST_STRENGTH = 0.01  # below it a class mass is noise of the propagation, not a fact about the concept
NEAREST = 3  # communities a concept belongs to, as items belong to concepts


def plan_map(
    blocks: dict[str, tuple[Block, ...]],
    centroids: np.ndarray,
    mass: np.ndarray,
    memberships: csr_matrix,
    seed: int = 0,
    learned: Mapping[str, csr_matrix] | None = None,
) -> BlockMap:
    """Plan which concepts each head slot and each hidden Dense unit of B carries.

    A head slot gets the class mass of its class, the only slot of two classes that of the second. A
    hidden layer of u units gets the concepts grouped into u communities, a concept's strength in a unit
    being its membership there; or what was learned of it.

    Args:
        blocks: from `read_blocks`.
        centroids: (k, e) of the concepts.
        mass: (k, c) class mass of each concept, classes in the order of B's outputs.
        memberships: (n, k) of the items; heavier concepts weigh more in the grouping.
        seed: of the grouping.
        learned: hidden layer -> (k, u) strengths in place of its communities, from `lessons`.

    Returns:
        The map of the Dense layers, `strength` equal to `planned`.

    Raises:
        InputError: B has no Dense layer, or no concept leans to any class.
    """
    import numpy as np
    from scipy.sparse import csr_matrix

    dense = {layer: group for layer, group in blocks.items() if group[0].kind in MAPPED}
    if not dense:
        raise InputError("B has no Dense layer, so there is no block to map concepts to. Run fuse without a map.")
    if not np.any(mass > 0):
        raise InputError("no active concept leans to a class: label an item or switch concepts on, then propagate")
    sizes = np.asarray(memberships.sum(axis=0), dtype=np.float64).ravel()
    planned = {}
    for number, (layer, group) in enumerate(dense.items()):
        if group[0].kind == "head":
            slots, classes = len(group), mass.shape[1]
            if slots != classes and (slots, classes) != (1, 2):
                raise InputError(f"B's head {layer} has {slots} slots, the graph has {classes} classes")
            own = mass[:, -slots:]
            planned[layer] = csr_matrix(np.where(own >= LEAST_STRENGTH, own, 0.0), dtype=np.float32)
        elif learned and layer in learned:
            planned[layer] = learned[layer]
        else:
            planned[layer] = communities(np.asarray(centroids, np.float64), sizes, len(group), seed + number)
    return BlockMap(dense, planned, {layer: matrix.copy() for layer, matrix in planned.items()})


def communities(centroids: np.ndarray, sizes: np.ndarray, units: int, seed: int) -> csr_matrix:
    """Memberships (k, units) of concepts in communities; rows sum to 1.

    With more units than concepts the rest are filled at ever coarser scales, and then in other groups
    from half the concepts on again: two units that carried the same concepts would get the same weights,
    and one of them would be wasted. A round of scales costs a concept 3 units each.
    """
    import numpy as np
    from scipy.sparse import csr_matrix, hstack

    k = len(centroids)
    parts: list[csr_matrix] = []
    free, scale = units, k
    while free:
        count = min(scale, free)
        parts.append(_soft_groups(centroids, sizes, count, seed + len(parts)))
        free -= count
        scale = scale // 2 if scale > 3 else max(k // 2, min(2, k))
    together = hstack(parts).tocsr()
    return csr_matrix(together.multiply(1.0 / np.asarray(together.sum(axis=1))), dtype=np.float32)


def _soft_groups(centroids: np.ndarray, sizes: np.ndarray, count: int, seed: int) -> csr_matrix:
    """Each concept's membership (k, count) in its 3 nearest of `count` groups."""
    import numpy as np
    from scipy.sparse import csr_matrix
    from sklearn.cluster import KMeans
    from sklearn.metrics import pairwise_distances

    k = len(centroids)
    if count == k:
        centres = centroids
    else:
        fit = KMeans(count, n_init=1, max_iter=30, random_state=seed).fit(centroids, sample_weight=sizes + 1e-9)
        centres = fit.cluster_centers_
    squared = pairwise_distances(centroids, centres, metric="sqeuclidean")
    near = np.argsort(squared, axis=1, kind="stable")[:, : min(NEAREST, count)]
    distance = np.take_along_axis(squared, near, axis=1)
    z = np.exp(-distance / max(distance.mean(), 1e-12))
    z /= z.sum(axis=1, keepdims=True)
    rows = np.repeat(np.arange(k), near.shape[1])
    return csr_matrix((z.ravel(), (rows, near.ravel())), shape=(k, count))
