"""Two languages in one space: found from a few pairs of words, and grown by the words that choose each other.

n and m are numbers of words, the most frequent first; rows are vectors of unit length; d their width.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kgkt.transfer.words.near import Pairs, best, crowding, crowdings, mutual

if TYPE_CHECKING:
    import numpy as np

POWER = 0.25  # of what the seeds say of a direction, by which it counts in the first round
ENOUGH = 3  # pairs for each dimension, from which on they say how much a direction counts
FIRST = 1000  # most frequent words that choose each other in the first round; twice as many in each that follows


@dataclass(frozen=True, slots=True)
class Space:
    """Both languages in one space.

    Args:
        source, target: (n, e) and (m, e) unit rows.
        grown: how many pairs each round found by itself.
        crowds: (n,) and (m,) of either, from `crowded`; None where that was not asked yet.
    """

    source: np.ndarray
    target: np.ndarray
    grown: tuple[int, ...] = ()
    crowds: tuple[np.ndarray, np.ndarray] | None = None

    def turned(self) -> Space:
        """The same the other way round."""
        return Space(self.target, self.source, crowds=None if self.crowds is None else self.crowds[::-1])


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


def crowded(space: Space, most_frequent: int) -> Space:
    """The space with how crowded the place of each word is, by `most_frequent` words of the other language."""
    import dataclasses

    import numpy as np

    A, B = space.source, space.target
    frequent = A[:most_frequent], B[:most_frequent]
    ours, theirs = crowdings(*frequent)
    ours = np.concatenate([ours, crowding(A[most_frequent:], frequent[1])])
    return dataclasses.replace(space, crowds=(ours, np.concatenate([theirs, crowding(B[most_frequent:], frequent[0])])))


def candidates(space: Space, rows: np.ndarray, most_frequent: int, how_many: int) -> Candidates:
    """The best translations of some words among all words of the other language.

    Args:
        space: of both, `crowded` where many words are asked for, or both ways.
        rows: (q,) words of the source.
        most_frequent: words of either language by which it is told how crowded a place is, and what else a word may
            be the translation of.
        how_many: translations of each word.
    """
    import numpy as np

    A, B = space.source, space.target
    frequent = A[:most_frequent], B[:most_frequent]
    if space.crowds is None:
        ours, theirs = crowdings(*frequent)
        crowd = np.concatenate([theirs, crowding(B[most_frequent:], frequent[0])])
        own, rare = ours[np.minimum(rows, len(ours) - 1)], rows >= len(ours)
        own[rare] = crowding(A[rows[rare]], frequent[1])
    else:
        ours, crowd = space.crowds
        own, ours = ours[rows], ours[:most_frequent]
    found, scores = best(A[rows], B, crowd, max(how_many, 2))
    scores = scores - own[:, None]
    rest = np.repeat(scores[:, :1], scores.shape[1], axis=1)
    rest[:, 0] = scores[:, min(1, scores.shape[1] - 1)]
    asked, place = np.unique(found, return_inverse=True)
    rivals, told = best(B[asked], frequent[0], ours, 2)
    told = told - crowd[asked, None]
    first = rivals[place.reshape(found.shape), 0] == rows[:, None]
    rival = np.where(first, told[place, -1].reshape(found.shape), told[place, 0].reshape(found.shape))
    parts = (found, scores, scores - rest, scores - rival)
    return Candidates(rows, *(part[:, :how_many] for part in parts))
