"""Two languages in one space: found from a few pairs of words, and grown by the words that choose each other.

n and m are numbers of words, the most frequent first; rows are vectors of unit length; d their width.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

NEIGHBOURS = 10  # of a word, by which it is told whether it is near to everything
BLOCK_BYTES = 64 << 20  # of cosines at a time
POWER = 0.25  # of what the seeds say of a direction, by which it counts in the first round
ENOUGH = 3  # pairs for each dimension, from which on they say how much a direction counts
FIRST = 1000  # most frequent words that choose each other in the first round; twice as many in each that follows
Pairs = tuple["np.ndarray", "np.ndarray"]  # rows of the source and of the target, (p,) each


@dataclass(frozen=True, slots=True)
class Space:
    """Both languages in one space.

    Args:
        source, target: (n, e) and (m, e) unit rows.
        grown: how many pairs each round found by itself.
    """

    source: np.ndarray
    target: np.ndarray
    grown: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Candidates:
    """The best translations of some words.

    Args:
        rows: (q,) of the words.
        targets: (q, b) rows of the other language, the best first.
        scores: (q, b) CSLS.
        lead: (q, b) score above that of the best other candidate; below 0 where that is better.
        back: (q, b) score above that of the best other word of which it would be the translation.
    """

    rows: np.ndarray
    targets: np.ndarray
    scores: np.ndarray
    lead: np.ndarray
    back: np.ndarray


def levelled(X: np.ndarray) -> np.ndarray:
    """Vectors of unit length, moved so that their mean is 0, and brought to unit length again: (n, d) float32.

    Reference: Artetxe, Labaka, Agirre, "A robust self-learning method for fully unsupervised cross-lingual mappings of
    word embeddings", ACL 2018, section 3.1.
    """
    import numpy as np

    X = unit(np.asarray(X, np.float32))
    return unit(X - X.mean(axis=0))


def unit(X: np.ndarray) -> np.ndarray:
    """Rows of unit length; one of zeros stays so."""
    import numpy as np

    length = np.linalg.norm(X, axis=1, keepdims=True)
    return np.divide(X, length, out=np.zeros_like(X), where=length > 1e-9)


def procrustes(X: np.ndarray, Z: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What turns the two sides of known pairs towards each other.

    Args:
        X, Z: (p, d) and (p, d') vectors of the pairs; the widths may differ.

    Returns:
        U (d, e), V (d', e) with orthonormal columns and s (e,), e the smaller width: X U and Z V are in one space, in
        which s says how much the pairs agree along each direction. Where d = d', U V' is the orthogonal map of X to Z.

    Reference: Schönemann, "A generalized solution of the orthogonal Procrustes problem", Psychometrika 1966.
    """
    import numpy as np

    U, s, V = np.linalg.svd(X.T.astype(np.float64) @ Z, full_matrices=False)
    return U.astype(np.float32), V.T.astype(np.float32), s.astype(np.float32)


def turned(X: np.ndarray, Z: np.ndarray, pairs: Pairs, power: float, most: int | None = None) -> Space:
    """Both languages in the space of some pairs, each direction times s^power of `procrustes`.

    Args:
        X, Z: as for `align`.
        pairs: that are taken to be right.
        power: 0 takes every direction as it is.
        most: words of either language that are wanted, the first ones; None for all.

    Reference: Artetxe, Labaka, Agirre, "Generalizing and improving bilingual word embedding mappings with a multi-step
    framework of linear transformations", AAAI 2018: re-weighting of both sides.
    """
    U, V, s = procrustes(X[pairs[0]], Z[pairs[1]])
    weight = (s / s[0]) ** power
    return Space(unit(X[:most] @ (U * weight)), unit(Z[:most] @ (V * weight)))


def weighed(X: np.ndarray, Z: np.ndarray, pairs: Pairs) -> Space:
    """Both languages in the space of many pairs: whitened by these, turned, each direction times s^.5, de-whitened.

    Args:
        X, Z: as for `align`.
        pairs: at least `ENOUGH` times as many as the vectors are wide.

    Reference: Artetxe, Labaka, Agirre, AAAI 2018, as above: whitening, orthogonal mapping, re-weighting, de-whitening.
    """
    white, black = zip(*(_whitening(V[rows]) for V, rows in ((X, pairs[0]), (Z, pairs[1]))), strict=True)
    A, B = X @ white[0], Z @ white[1]
    U, V, s = procrustes(A[pairs[0]], B[pairs[1]])
    weight = (s / s[0]) ** 0.5
    source, target = (unit(side @ (turn * weight) @ (turn.T @ back @ turn))
                      for side, turn, back in ((A, U, black[0]), (B, V, black[1])))  # fmt: skip
    return Space(source, target)


def _whitening(V: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """C^-1/2 and C^1/2 of C = V'V; what has no variance stays as it is."""
    import numpy as np

    values, vectors = np.linalg.eigh(V.T.astype(np.float64) @ V)
    root = np.sqrt(np.where(values > 1e-6 * values[-1], values, 1.0))
    return (vectors / root @ vectors.T).astype(np.float32), (vectors * root @ vectors.T).astype(np.float32)


def _blocks(A: np.ndarray, B: np.ndarray) -> Iterator[tuple[slice, np.ndarray]]:
    """Cosines of A with all of B, some rows at a time; each block may be changed."""
    size = max(1, BLOCK_BYTES // (4 * len(B)))
    for start in range(0, len(A), size):
        part = slice(start, min(start + size, len(A)))
        yield part, A[part] @ B.T


def crowding(A: np.ndarray, B: np.ndarray) -> np.ndarray:
    """(n,) mean cosine of each row of A to its 10 nearest rows of B."""
    import numpy as np

    k = min(NEIGHBOURS, len(B))
    out = np.empty(len(A), np.float32)
    for part, cosines in _blocks(A, B):
        cosines.partition(len(B) - k, axis=1)
        out[part] = cosines[:, len(B) - k :].mean(axis=1)
    return out


def best(A: np.ndarray, B: np.ndarray, crowd: np.ndarray, how_many: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """The rows of B that lie nearest to each row of A by CSLS, (n, how_many), and 2 cosine - crowd of them.

    Args:
        A, B: (n, e) and (m, e) unit rows.
        crowd: (m,) of B's rows, from `crowding(B, A)`.
        how_many: for each row.

    Reference: Conneau, Lample, Ranzato, Denoyer, Jégou, "Word translation without parallel data", ICLR 2018: CSLS(x, y)
    = 2 cos(x, y) - r(x) - r(y). r(x) is the same for all candidates of x and is left out here.
    """
    import numpy as np

    k = min(how_many, len(B))
    rows, scores = np.empty((len(A), k), np.int64), np.empty((len(A), k), np.float32)
    for part, values in _blocks(A, B):
        values *= 2
        values -= crowd
        if k == 1:
            found = values.argmax(axis=1)[:, None]
        else:
            found = np.argpartition(values, len(B) - k, axis=1)[:, len(B) - k :]
        told = np.take_along_axis(values, found, axis=1)
        order = np.argsort(-told, axis=1, kind="stable")
        rows[part], scores[part] = np.take_along_axis(found, order, 1), np.take_along_axis(told, order, 1)
    return rows, scores


def mutual(A: np.ndarray, B: np.ndarray) -> Pairs:
    """The rows of A and of B that are each other's best translation by CSLS."""
    import numpy as np

    there, _ = best(A, B, crowding(B, A))
    back, _ = best(B, A, crowding(A, B))
    own = np.arange(len(A))
    chosen = own[back[there[:, 0], 0] == own]
    return chosen, there[chosen, 0]


def align(X: np.ndarray, Z: np.ndarray, seeds: Pairs, rounds: int, most_frequent: int, power: float = POWER) -> Space:
    """Bring two languages into one space: Procrustes of seeds, then rounds of mutual nearest neighbours.

    A few seeds say nothing of most directions, and an orthogonal map turns these anyhow: the first round weighs them.
    The words that may choose each other double with every round: the map is rough at first, and frequent words are
    what it is most often right of. In the end each direction counts by what all pairs say of it, if these are many.

    Args:
        X, Z: (n, d) and (m, d') vectors from `levelled`, the most frequent words first.
        seeds: pairs that are known; they stay in every round, and a seed's word gets no other translation.
        rounds: how often the most frequent words choose each other.
        most_frequent: how many of either language may at last.
        power: of s in `turned`, where there are only seeds.

    Reference: the refinement of Conneau et al. 2018, section 2.3, which begins with seeds as Artetxe, Labaka, Agirre,
    "Learning bilingual word embeddings with (almost) no bilingual data", ACL 2017, do. Few directions before all of
    them: Li et al., "A simple and effective approach to robust unsupervised bilingual dictionary induction", 2020.
    """
    import numpy as np

    pairs, grown = seeds, []
    for number in range(rounds):
        most = most_frequent if number == rounds - 1 else min(most_frequent, FIRST << number)
        space = turned(X, Z, pairs, 0.0 if number else power, most)
        ours, theirs = mutual(space.source, space.target)
        new = ~np.isin(ours, seeds[0])
        pairs = np.concatenate([seeds[0], ours[new]]), np.concatenate([seeds[1], theirs[new]])
        grown.append(int(new.sum()))
    many = len(pairs[0]) >= ENOUGH * max(X.shape[1], Z.shape[1])
    whole = weighed(X, Z, pairs) if many else turned(X, Z, pairs, 0.0 if rounds else power)
    return Space(whole.source, whole.target, tuple(grown))


def candidates(space: Space, rows: np.ndarray, most_frequent: int, how_many: int) -> Candidates:
    """The best translations of some words among all words of the other language.

    Args:
        space: of both.
        rows: (q,) words of the source.
        most_frequent: words of either language by which it is told how crowded a place is, and what else a word may
            be the translation of.
        how_many: translations of each word.
    """
    import numpy as np

    A, B = space.source, space.target
    frequent = A[:most_frequent], B[:most_frequent]
    crowd = crowding(B, frequent[0])
    found, scores = best(A[rows], B, crowd, max(how_many, 2))
    scores = scores - crowding(A[rows], frequent[1])[:, None]
    rest = np.repeat(scores[:, :1], scores.shape[1], axis=1)
    rest[:, 0] = scores[:, min(1, scores.shape[1] - 1)]
    asked, place = np.unique(found, return_inverse=True)
    rivals, theirs = best(B[asked], frequent[0], crowding(*frequent), 2)
    theirs = theirs - crowd[asked, None]
    first = rivals[place.reshape(found.shape), 0] == rows[:, None]
    rival = np.where(first, theirs[place, -1].reshape(found.shape), theirs[place, 0].reshape(found.shape))
    parts = (found, scores, scores - rest, scores - rival)
    return Candidates(rows, *(part[:, :how_many] for part in parts))
