"""From A's features to the embedding F(V) = W·V + b."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from kgkt.values import Embedding, Maps

if TYPE_CHECKING:
    import numpy as np

    from kgkt.values import Features

SAMPLE = 20_000  # rows on which the maps are fitted; the rest streams through
DIMS = 32
WORD_DIMS = 100  # of words, whose components are not scaled: each dimension less cost neighbours of their class
HEAD_DIMS = 64
NARROW = 8  # features up to which a constant stands beside them: rows of unit length would lose one dimension of few


def unit_rows(X: np.ndarray) -> np.ndarray:
    """Rows of X (n, d) to unit length; a zero row stays zero."""
    import numpy as np

    norm = np.linalg.norm(X, axis=1, keepdims=True)
    return np.divide(X, norm, out=np.zeros_like(X), where=norm > 1e-12)


def whiten(
    X: np.ndarray, dims: int = DIMS, seed: int = 0, plain: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """Fit W, b of F(V) = W·V + b: principal components scaled to unit variance.

    Args:
        X: (n, d) features.
        dims: components wanted; directions without variance are left out.
        seed: of the randomised solver that wide data gets.
        plain: scale all components alike, to unit variance in the mean: principal components, unwhitened.

    Returns:
        W (e, d) and b (e,), float32. Without any variance W is 0 and b is 1 (all items are alike). Up to 8 features
        have one row more, 0 in W and 1 in b: rows of unit length then keep how far an item is from the middle.

    Reference: PCA whitening, W = diag(s)^-1/2 U', b = -W mu.
    """
    import numpy as np
    from sklearn.decomposition import PCA

    n, d = X.shape
    mean = X.mean(axis=0, dtype=np.float64)
    centred = X - mean.astype(np.float32)
    scale = float(max(centred.max(), -centred.min()))  # the absolute values would be one more copy
    if n < 2 or scale <= 1e-6 * float(np.abs(mean).max()):  # what is left is the rounding of float32
        return np.zeros((1, d), np.float32), np.ones(1, np.float32)
    centred /= np.float32(scale)
    pca = PCA(min(dims, n - 1, d), random_state=seed, copy=False).fit(centred)
    keep = pca.explained_variance_ > 1e-8 * pca.explained_variance_[0]
    variance = pca.explained_variance_[keep]
    W = pca.components_[keep] / (np.sqrt(variance.mean() if plain else variance[:, None]) * scale)
    b = -W @ mean
    if d <= NARROW:
        W, b = np.vstack([W, np.zeros(d)]), np.append(b, 1.0)
    return W.astype(np.float32), b.astype(np.float32)


def apply_map(X: np.ndarray, W: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Unit rows of W·V + b for each row V of X (n, d): (n, e) float32."""
    return unit_rows(X @ W.T + b)


def map_lengths(rows: dict[str, np.ndarray], maps: dict[str, tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    """The length of W·V + b before it is made a unit row, and that of V: a constant may hide how short V is.

    Args:
        rows: layer -> (n, d).
        maps: layer -> (W (e_l, d), b (e_l,)).

    Returns:
        (n, 2 · number of layers), the two of a layer side by side.
    """
    import numpy as np

    parts = [_lengths(X := np.asarray(rows[layer], np.float32), X @ W.T + b) for layer, (W, b) in maps.items()]
    return np.concatenate(parts, axis=1)


def _lengths(X: np.ndarray, mapped: np.ndarray) -> np.ndarray:
    """(n, 2) lengths of the rows of W·V + b, and of V."""
    import numpy as np

    return np.stack([np.linalg.norm(mapped, axis=1), np.linalg.norm(X, axis=1)], axis=1)


def fit_embedding(
    features: Features, dims: int = DIMS, seed: int = 0, head_dims: int | None = HEAD_DIMS
) -> Embedding:
    """Fit the maps on a sample and stream every item through them.

    Args:
        features: of n items.
        dims: width of each layer's embedding.
        seed: of the sample.
        head_dims: width of the head features; None leaves them as wide as they are (sentence models).

    Returns:
        The embedding with its maps and the head features.
    """
    return apply_maps(features, fit_maps(features, dims, seed, head_dims))


def fit_maps(
    features: Features, dims: int = DIMS, seed: int = 0, head_dims: int | None = HEAD_DIMS,
    kept: dict[str, tuple[np.ndarray, np.ndarray]] | None = None, shares: dict[str, float] | None = None,
    plain: bool = False,
) -> Maps:  # fmt: skip
    """Fit the whitening of each layer, and the projection of the head features, on a sample; as `fit_embedding`.

    Args:
        kept: layer -> (W, b) fitted before, in whose place none is fitted.
        shares: layer -> its part of a squared distance, as `Maps.shares`; None: every layer the same.
        plain: principal components, unwhitened.
    """
    import numpy as np

    sample = sample_rows(len(features), SAMPLE, seed)
    layers, means, heads = {}, {}, []
    for layer in kept or features.layers:
        X = features.rows(layer, sample)
        layers[layer] = kept[layer] if kept else whiten(X, dims, seed, plain)
        means[layer] = centre_of(X)
        if shares is None or shares[layer] > 0:
            heads.append(centred(X, means[layer]))
        del X
    maps = Maps(layers, means, shares=shares or {})
    for layer, rows in zip(maps.live, heads, strict=True):
        rows *= _head_scale(maps, layer)
    together = heads[0] if len(heads) == 1 else np.concatenate(heads, axis=1)
    del heads
    narrow = any(features.widths[layer] <= NARROW for layer in maps.live)
    components, offset = _projection(together, head_dims, seed, narrow)
    return replace(maps, components=components, offset=offset)


def _head_scale(maps: Maps, layer: str) -> np.float32:
    """What a layer's head features are multiplied by: 1 where every layer has the same share."""
    import numpy as np

    return np.float32(np.sqrt(maps.share(layer) * len(maps.live)) if maps.shares else 1)


def centre_of(X: np.ndarray) -> np.ndarray:
    """(d,) mean of X (n, d). Up to 8 features have one number more, minus the length that rows have around it."""
    import numpy as np

    mean = X.mean(axis=0)
    if X.shape[1] > NARROW:
        return mean
    return np.append(mean, -np.sqrt(((X - mean) ** 2).sum(axis=1).mean())).astype(mean.dtype)


def centred(X: np.ndarray, centre: np.ndarray) -> np.ndarray:
    """Head features of one layer: X (n, d) less its centre, rows to unit length, (n, length of the centre)."""
    import numpy as np

    if len(centre) > X.shape[1]:
        X = np.concatenate([X, np.zeros((len(X), 1), X.dtype)], axis=1)
    return unit_rows(X - centre)


def apply_maps(features: Features, maps: Maps) -> Embedding:
    """Stream every item through maps that were fitted before, on these items or on others.

    Args:
        features: of n items, with the layers that the maps have.
        maps: from `fit_maps`.
    """
    return stream_maps(features, maps)[0]


def stream_maps(features: Features, maps: Maps) -> tuple[Embedding, np.ndarray]:
    """The same, and the lengths that `map_lengths` gives, (n, 2 · number of layers that count)."""
    import numpy as np

    n = len(features)
    project = maps.components
    vectors = np.empty((n, sum(len(maps.layers[layer][1]) for layer in maps.live)), np.float32)
    wide = sum(len(maps.means[layer]) for layer in maps.live)
    head = np.zeros((n, wide if project is None else project.shape[1]), np.float32)
    lengths = np.empty((n, 2 * len(maps.live)), np.float32)
    column = at = 0
    for number, layer in enumerate(maps.live):
        (W, b), start, centre = maps.layers[layer], 0, maps.means[layer]
        width, scale, head_scale = len(centre), np.float32(np.sqrt(maps.share(layer))), _head_scale(maps, layer)
        for X in features.batches(layer):
            stop = start + len(X)
            mapped = X @ W.T + b
            lengths[start:stop, 2 * number : 2 * number + 2] = _lengths(X, mapped)
            vectors[start:stop, column : column + len(b)] = unit_rows(mapped) * scale
            rows = centred(X, centre) * head_scale
            if project is not None:
                head[start:stop] += rows @ project[at : at + width]
            else:
                head[start:stop, at : at + width] = rows
            start = stop
        column, at = column + len(b), at + width
    if maps.offset is not None:
        head -= maps.offset
    return Embedding(vectors, maps, head), lengths


def sample_rows(n: int, size: int, seed: int) -> np.ndarray:
    """At most `size` of n rows, in their order."""
    import numpy as np

    return np.arange(n) if n <= size else np.sort(np.random.default_rng(seed).choice(n, size, replace=False))


def head_features(X: np.ndarray, head_dims: int | None = HEAD_DIMS, seed: int = 0) -> np.ndarray:
    """Head features of one layer held in memory: X (n, d) centred, unit rows, PCA: (n, h)."""
    import numpy as np

    rows = centred(X, centre_of(X)).astype(np.float32)
    components, offset = _projection(rows, head_dims, seed, X.shape[1] <= NARROW)
    rows = rows if components is None else rows @ components
    return rows if offset is None else rows - offset


def _projection(
    X: np.ndarray, dims: int | None, seed: int, narrow: bool
) -> tuple[np.ndarray | None, np.ndarray | None]:
    """PCA of X (n, d) to `dims` columns as components' (d, h) and offset (h,).

    Neither where it would not narrow X; where there is a constant among its columns (`narrow`), the offset alone.
    """
    import numpy as np
    from sklearn.decomposition import PCA

    if dims is None or dims >= min(X.shape):
        return None, X.mean(axis=0) if narrow else None
    pca = PCA(dims, random_state=seed).fit(X)
    components = pca.components_.T.astype(np.float32)
    return components, (pca.mean_ @ components).astype(np.float32)
