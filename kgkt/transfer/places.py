"""A's spatial map: what lies at each of its places, as local concepts, and what of them a filter of B carries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kgkt.transfer.mapper import communities
from kgkt.values import Block, BlockMap, Features

if TYPE_CHECKING:
    import numpy as np
    from scipy.sparse import csr_matrix

LOCAL = 128  # local concepts at most
SAMPLE = 10_000  # places they are fitted on
ITEMS = 10_000  # items whose places are read
NEAREST = 3  # local concepts that a place belongs to
STRONGEST = 8  # filters that a concept keeps
LEAST = 0.01  # below it a strength is no fact about the concept
FILTERS = 1000  # seeds of filters begin here, those of Dense layers at the seed itself


@dataclass(frozen=True, slots=True)
class Places:
    """The places of A's spatial map and the local concepts that they belong to.

    Args:
        layer: of A.
        grid: places along each axis.
        items: (s,) the items that were read, ascending.
        near: (s, places, 3) numbers of the local concepts that a place belongs to.
        share: (s, places, 3) how much; sums to 1 over the last axis.
        centroids: (m, e) of the local concepts.
        sizes: (m,) places in each, of those they were fitted on.
    """

    layer: str
    grid: tuple[int, ...]
    items: np.ndarray
    near: np.ndarray
    share: np.ndarray
    centroids: np.ndarray
    sizes: np.ndarray

    def carried(self, at: np.ndarray, groups: np.ndarray) -> np.ndarray:
        """What each filter carries at each place of the items `at` (b,), their numbers in `items`.

        Args:
            at: (b,).
            groups: (m, u), local concepts to filters.

        Returns:
            (b, places, u) float32.
        """
        import numpy as np

        near, share = self.near[at], self.share[at]
        return np.einsum("bpj,bpju->bpu", share, groups[near], optimize=True).astype(np.float32)


def find_places(features: Features, seed: int = 0, axes: int = 2) -> Places | None:
    """Group the places of A's spatial map into local concepts; None where A has no such layer.

    The layer with the most places is taken, the first of several. Its vectors are whitened to 32 dimensions and of
    unit length, as items are.

    Args:
        features: of the pool.
        seed: of the samples and of KMeans.
        axes: of the map beside its channels: 2 for pictures, 1 for series.

    Reference: Coates & Ng 2012 (features of a convolution from KMeans on whitened patches).
    """
    import numpy as np
    from sklearn.cluster import KMeans

    from kgkt.concepts.embed import apply_map, whiten

    grids = {layer: grid for layer, grid in features.grids.items() if len(grid) == axes and np.prod(grid) > 1}
    if not grids:
        return None
    layer = max(grids, key=lambda name: np.prod(grids[name]))
    places = int(np.prod(grids[layer]))
    rng = np.random.default_rng(seed)
    items = np.arange(len(features))
    if len(items) > ITEMS:
        items = np.sort(rng.choice(len(features), ITEMS, replace=False))
    vectors = features.rows(layer, items).reshape(len(items) * places, -1)
    sample = rng.choice(len(vectors), min(SAMPLE, len(vectors)), replace=False)
    W, b = whiten(vectors[sample], seed=seed)
    fitted = apply_map(vectors[sample], W, b)
    count = min(LOCAL, len(np.unique(fitted, axis=0)))
    groups = KMeans(count, n_init=1, max_iter=15, random_state=seed).fit(fitted)
    centroids = groups.cluster_centers_.astype(np.float32)
    near = np.empty((len(vectors), min(NEAREST, count)), np.int16)
    distance = np.empty(near.shape, np.float32)
    for start in range(0, len(vectors), SAMPLE):
        part = apply_map(vectors[start : start + SAMPLE], W, b)
        squared = np.maximum((part**2).sum(1)[:, None] - 2 * part @ centroids.T + (centroids**2).sum(1), 0)
        best = np.argsort(squared, axis=1, kind="stable")[:, : near.shape[1]]
        near[start : start + len(part)] = best
        distance[start : start + len(part)] = np.take_along_axis(squared, best, axis=1)
    share = np.exp(-distance / max(float(distance.mean()), 1e-12))
    share /= share.sum(axis=1, keepdims=True)
    shape = (len(items), places, near.shape[1])
    sizes = np.bincount(groups.labels_, minlength=count)
    return Places(layer, grids[layer], items, near.reshape(shape), share.reshape(shape), centroids, sizes)


def places_for(features: Features, blocks: dict[str, tuple[Block, ...]], seed: int = 0) -> Places | None:
    """The places of A's map that B's filters can be written from; None where A has none, or B no such filters."""
    filters = [group[0] for group in blocks.values() if group[0].kind == "filter"]
    for axes in sorted({len(block.shape) - 1 for block in filters}, reverse=True):
        if (found := find_places(features, seed, axes)) is not None:
            return found
    return None


def filter_layers(blocks: dict[str, tuple[Block, ...]], places: Places | None) -> list[str]:
    """Layers of filters that move over as many axes as A's map has, input to output."""
    axes = None if places is None else len(places.grid)
    return [layer for layer, group in blocks.items() if group[0].kind == "filter" and len(group[0].shape) - 1 == axes]


def filter_groups(places: Places, number: int, filters: int, seed: int) -> np.ndarray:
    """(m, u) how much each filter of a layer carries of each local concept: communities of these, rows sum to 1.

    Args:
        places: of A.
        number: of the layer among those of `filter_layers`, so that no two layers carry the same.
        filters: u.
        seed: of the grouping.
    """
    import numpy as np

    centroids, sizes = places.centroids.astype(np.float64), places.sizes.astype(np.float64)
    return communities(centroids, sizes, filters, seed + FILTERS * (number + 1)).toarray()


def plan_filters(
    block_map: BlockMap, blocks: dict[str, tuple[Block, ...]], places: Places | None, memberships: csr_matrix, seed: int
) -> BlockMap:
    """Add B's filters to a map: a concept's strength in a filter is the filter's mean target over its places.

    Only a concept's eight strongest filters are kept, as provenance that a person can read.

    Args:
        block_map: of the other layers.
        blocks: from `read_blocks`.
        places: of A; without them nothing is added.
        memberships: (n, k).
        seed: of the grouping.
    """
    from dataclasses import replace

    import numpy as np
    from scipy.sparse import csr_matrix

    if places is None:
        return block_map
    Z = memberships[places.items]
    held = np.maximum(np.asarray(Z.sum(axis=0)).ravel(), 1e-12)[:, None]
    local = _mean_shares(places)
    planned = dict(block_map.planned)
    for number, layer in enumerate(filter_layers(blocks, places)):
        strength = np.asarray(Z.T @ (local @ filter_groups(places, number, len(blocks[layer]), seed))) / held
        keep = min(STRONGEST, strength.shape[1])
        least = np.partition(strength, -keep, axis=1)[:, -keep][:, None]
        planned[layer] = csr_matrix(np.where((strength >= least) & (strength >= LEAST), strength, 0), dtype=np.float32)
    own = {layer: group for layer, group in blocks.items() if layer in planned}
    strength_of = {layer: block_map.strength.get(layer, planned[layer].copy()) for layer in own}
    return replace(block_map, blocks=own, planned={layer: planned[layer] for layer in own}, strength=strength_of)


def _mean_shares(places: Places) -> csr_matrix:
    """(s, m) how much of each local concept an item has, mean over its places."""
    import numpy as np
    from scipy.sparse import csr_matrix

    s, p, j = places.near.shape
    rows = np.repeat(np.arange(s), p * j)
    return csr_matrix((places.share.ravel() / p, (rows, places.near.ravel())), shape=(s, len(places.centroids)))
