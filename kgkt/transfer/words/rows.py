"""Rows of an Embedding from what A knows of words: a concept's centroid, and so much of what sets the word apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kgkt.errors import InputError

if TYPE_CHECKING:
    import numpy as np

RANK = 32  # directions of the residual, where none is asked for
NONE = 1e-12  # length below which rows are held to be 0
EMPTY = 1e-6  # share of the strongest direction's variance below which words do not differ along one


def word_rows(
    vectors: np.ndarray, concepts: np.ndarray, width: int, *, rank: int | None = RANK, norm: float, seed: int = 0,
    whiten: bool = False,
) -> np.ndarray:  # fmt: skip
    """Rows for words: norm x (concept's centroid + residual of that rank), brought to B's width.

    Args:
        vectors: (n, d) A's vectors of the words.
        concepts: (n,) number of the concept of each.
        width: of B's rows.
        rank: directions of what is left of a word beside its centroid; None, or as many as there are: all; 0: none.
        norm: mean length of the rows.
        seed: of the turn.
        whiten: whether words differ as much along each direction as along any other.

    Returns:
        (n, width) float32.

    Raises:
        InputError: shapes that do not fit, a rank below 0, a norm that is no number above 0, words that do not differ.
    """
    import numpy as np

    vectors, concepts = np.asarray(vectors, np.float32), np.asarray(concepts)
    if vectors.ndim != 2 or concepts.shape != vectors.shape[:1] or not len(vectors):
        raise InputError(f"rows are made of vectors (n, d) and a concept for each; received {vectors.shape} and "
                         f"{concepts.shape}")
    found, numbers = np.unique(concepts, return_inverse=True)
    centroids = np.zeros((len(found), vectors.shape[1]))
    np.add.at(centroids, numbers, vectors)
    centres = (centroids / np.bincount(numbers)[:, None]).astype(np.float32)[numbers]
    mean, turn = projection(vectors, width, seed, whiten)
    rows = (centres + rest(vectors - centres, rank) - mean) @ turn
    return (rows * scale(rows, norm)).astype(np.float32)


def rest(residuals: np.ndarray, rank: int | None) -> np.ndarray:
    """What sets words apart from their concepts' centroids, along the strongest directions of all of them together.

    Args:
        residuals: (n, d) vectors less their centroids.
        rank: how many directions; None: all.

    Returns:
        (n, d) float32.

    Reference: Eckart and Young 1936 (of that rank nothing is nearer).
    """
    import numpy as np

    residuals = np.asarray(residuals, np.float32)
    if rank is not None and rank < 0:
        raise InputError(f"the rank of the residual is {rank}, expected 0 or more, or full")
    if rank is None or rank >= min(residuals.shape):
        return residuals
    if rank == 0:
        return np.zeros_like(residuals)
    strongest = _directions(residuals)[:, :rank].astype(np.float32)
    return (residuals @ strongest) @ strongest.T


def projection(
    vectors: np.ndarray, width: int, seed: int = 0, whiten: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """How A's vectors come to B's width: by their principal components where that is smaller, else by a turn.

    A smaller width keeps the first components. A larger one is filled by a random turn of A's space into B's, which
    keeps every length and angle and leaves no number of a row at 0. Whitened, each component is divided by its standard
    deviation first, and turned in any width: A's strongest components, often frequency and style, drown no others.

    Args:
        vectors: (n, d) of the words that B has.
        width: of B's rows.
        seed: of the turn.
        whiten: divide, by a covariance that is shrunk the more the fewer the words.

    Returns:
        Mean (d,), which is taken away first, and a matrix (d, width).

    Raises:
        InputError: a width below 1.

    Reference: Ledoit and Wolf 2004, of the covariance.
    """
    import numpy as np

    if width < 1:
        raise InputError(f"B's rows are {width} wide, expected 1 or more")
    mean = vectors.mean(axis=0, dtype=np.float64).astype(np.float32)
    d = vectors.shape[1]
    if whiten:
        divided = _whitened(vectors - mean)[:, :width]
        return mean, (divided @ _turn(divided.shape[1], width, seed)).astype(np.float32)
    if width < d:
        return mean, _directions(vectors - mean)[:, :width].astype(np.float32)
    return mean, _turn(d, width, seed).astype(np.float32)


def _turn(d: int, width: int, seed: int) -> np.ndarray:
    """(d, width) a random turn into a width that is no smaller."""
    import numpy as np

    turn, upper = np.linalg.qr(np.random.default_rng(seed).standard_normal((width, d)))
    return np.asarray((turn * np.sign(np.diag(upper))).T)


def _whitened(centred: np.ndarray) -> np.ndarray:
    """(d, k) the directions along which vectors (n, d) differ, strongest first, each divided by its deviation."""
    import numpy as np
    from sklearn.covariance import ledoit_wolf_shrinkage

    centred = centred.astype(np.float64)
    directions = _directions(centred)
    variances = ((centred @ directions) ** 2).mean(axis=0)
    share = ledoit_wolf_shrinkage(centred, assume_centered=True)
    shrunk = (1 - share) * variances + share * variances.mean()
    differ = variances > EMPTY * variances.max()
    return np.asarray(directions[:, differ] / np.sqrt(shrunk[differ]))


def _directions(vectors: np.ndarray) -> np.ndarray:
    """(d, d) directions in which vectors (n, d) lie, strongest first; the largest part of each is above 0."""
    import numpy as np

    _, directions = np.linalg.eigh(vectors.T.astype(np.float64) @ vectors)
    directions = directions[:, ::-1]
    largest = directions[np.abs(directions).argmax(axis=0), np.arange(directions.shape[1])]
    return directions * np.where(largest < 0, -1.0, 1.0)


def scale(rows: np.ndarray, norm: float) -> float:
    """By what rows (n, width) are multiplied so that their mean length is `norm`.

    Raises:
        InputError: a norm that is no number above 0, or rows that are all 0.
    """
    import numpy as np

    if not 0 < norm < np.inf:
        raise InputError(f"the mean length of rows is {norm:g}, expected a number above 0")
    length = float(np.linalg.norm(rows, axis=1).mean())
    if length < NONE:
        raise InputError("A's vectors of these words are all the same (at rank 0: the words are of one concept): their "
                         "rows would be 0")
    return norm / length
