"""A's vectors of words, from the features of a graph whose items are words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kgkt.files import load_arrays
from kgkt.rundir.folder import RunDir
from kgkt.rundir.graph_files import read_maps
from kgkt.rundir.state import made_by

if TYPE_CHECKING:
    import numpy as np

BATCH = 8192


def word_vectors(run: RunDir, nearest: np.ndarray, k: int, wanted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Vectors of some items, and the mean vector of every concept's items; the features are read once, in a stream.

    Of one layer they are as A gives them. Several stand side by side, each less its mean and brought to the length that
    its part of a squared distance in the graph gives it.

    Args:
        run: of the graph.
        nearest: (n,) the concept that each item is nearest to.
        k: how many concepts.
        wanted: (m,) item index.

    Returns:
        (m, d) and (k, d) float32; 0 of a concept without items.
    """
    import numpy as np
    from scipy.sparse import csr_matrix

    from kgkt.source.parquet import open_features

    features = open_features(run.need("features.parquet", "populate"))
    maps = read_maps(*load_arrays(made_by(run, "populate", "embedding.safetensors")))
    layers = maps.live
    order = np.argsort(wanted)
    sorted_ = wanted[order]
    size = np.maximum(np.bincount(nearest, minlength=k), 1)[:, None]
    vectors, means = [], []
    for layer in layers:
        found = np.zeros((len(wanted), features.widths[layer]), np.float32)
        sums = np.zeros((k, features.widths[layer]))
        squares, start = 0.0, 0
        for batch in features.batches(layer, BATCH):
            stop = start + len(batch)
            one = csr_matrix((np.ones(len(batch), np.float32), (nearest[start:stop], np.arange(len(batch)))),
                             shape=(k, len(batch)))  # fmt: skip
            sums += one @ batch
            squares += float((batch.astype(np.float64) ** 2).sum())
            here = slice(*np.searchsorted(sorted_, (start, stop)))
            found[order[here]] = batch[sorted_[here] - start]
            start = stop
        middle = sums / size
        if len(layers) > 1:
            mean = sums.sum(axis=0) / start
            length = np.sqrt(max(squares / start - (mean**2).sum(), 1e-30))
            part = np.sqrt(maps.share(layer)) / length
            found, middle = (found - mean) * part, (middle - mean) * part
        vectors.append(found.astype(np.float32))
        means.append(middle.astype(np.float32))
    return np.concatenate(vectors, axis=1), np.concatenate(means, axis=1)
