"""What is written into the rows of an Embedding: by concept, by vector, by what people said, by what B has learned."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kgkt.errors import InputError, UsageError, nearest
from kgkt.transfer.words.row_map import RowMap, learn_row_map
from kgkt.transfer.words.rows import RANK, projection, rest, scale

if TYPE_CHECKING:
    import numpy as np
    from scipy.sparse import csr_matrix

TUNED = "tuned"  # a length that texts with classes choose
PROJECTIONS = ("auto", "pca", "whitened", "learned")


@dataclass(frozen=True, slots=True)
class Words:
    """Rows of B, and what A knows of their words.

    Args:
        own: (rows, width) float32, as B has them.
        learned: (rows,) bool, which of these something trained.
        at: (m,) row of each word that A has.
        vectors: (m, d) A's.
        homes: (m,) concept of each.
        centroids: (k, d) mean vector of each concept's words.
    """

    own: np.ndarray
    learned: np.ndarray
    at: np.ndarray
    vectors: np.ndarray
    homes: np.ndarray
    centroids: np.ndarray

    def home(self) -> dict[int, int]:
        """The concept that the word of a row lies in, of each row whose word A has."""
        return dict(zip(self.at.tolist(), self.homes.tolist(), strict=True))


@dataclass(frozen=True, slots=True)
class Space:
    """How what A knows is brought into B's rows.

    Args:
        by: "pca" (the first principal components), "turn" (into a width as large or larger), "whitened", "ridge" or
            "network".
        learned: the map from A's vectors to trained rows; None where it was not asked.
        norm: mean length of the rows of the words that A has, but for those that B trained and keeps; before people's
            edits, of which one would else move all rows.
        place: (n, d) -> (n, width).
    """

    by: str
    learned: RowMap | None
    norm: float
    place: Callable[[np.ndarray], np.ndarray]


def read_rank(asked: int | str | None, width: int, d: int) -> int | None:
    """The rank of the residual: a number, or "full", which is None; by default 32, or as far as the widths go.

    Args:
        asked: the setting.
        width: of B's rows.
        d: of A's vectors.

    Raises:
        UsageError: neither. InputError: below 0, or above a width.
    """
    if asked is None:
        return min(RANK, width, d)
    if str(asked).strip().lower() == "full":
        return None
    try:
        rank = int(asked)
    except ValueError as error:
        raise UsageError(f"--rank {asked}: expected a number (0, 16, 32), or full") from error
    if rank < 0:
        raise InputError(f"--rank {rank}: expected 0 or more, or full")
    if rank > min(width, d):
        whose = f"B's rows are {width}" if width <= d else f"A's vectors are {d}"
        raise InputError(f"--rank {rank} is above the width: {whose} wide; expected 0 to {min(width, d)}, or full")
    return rank


def wants_tuned(asked: float | str | None) -> bool:
    """Whether texts with classes are to choose the mean length of rows."""
    return str(asked).strip().lower() == TUNED


def read_norm(asked: float | str | None) -> float | None:
    """The mean length of rows; None is as B has it ("keep"), or as texts will choose.

    Raises:
        UsageError: neither. InputError: a length that is none.
    """
    if asked is None or str(asked).strip().lower() in ("keep", TUNED):
        return None
    try:
        norm = float(asked)
    except ValueError as error:
        raise UsageError(f"--row-norm {asked}: expected a length (0.5), keep, or tuned") from error
    if not 0 < norm < float("inf"):
        raise InputError(f"--row-norm {norm:g}: expected a number above 0, keep, or tuned")
    return norm


def check_options(rank: int | str | None, norm: float | str | None, asked: str, texts: str | None) -> None:
    """Refuse what can be refused before B is open; `texts` are those that a length would be tuned by.

    Raises:
        UsageError, InputError: as `read_rank`, but for its widths, `read_norm` and `uses_learned`.
    """
    read_rank(rank, sys.maxsize, sys.maxsize)
    read_norm(norm)
    if wants_tuned(norm) and texts is None:
        raise UsageError("--row-norm tuned is chosen by texts with classes, which B then learns from or you hold out: "
                         "--test texts.csv")
    _check_projection(asked)


def _check_projection(asked: str) -> None:
    if asked not in PROJECTIONS:
        raise UsageError(f"--projection {asked}{nearest(asked, PROJECTIONS)}")


def uses_learned(words: Words, asked: str) -> bool:
    """Whether rows are brought into B's space by a map learned from the rows that it trained.

    Raises:
        UsageError: a projection that there is not.
    """
    _check_projection(asked)
    return asked == "learned" or (asked == "auto" and bool(words.learned.any()))


def into_b(
    words: Words, asked: str, rank: int | None, norm: float | None, seed: int = 0, keep: bool = False
) -> Space:
    """How A's vectors are brought into B's rows, fitted on the words that both have.

    Args:
        words: m of A's.
        asked: "pca", "whitened", "learned", or "auto": learned where any of B's rows were trained, else "pca".
        rank: of the residual.
        norm: mean length of the rows; None: that of B's own of words that A has. Of a trained B they lie as far from
            its mean row, in the mean, as its trained rows do.
        seed: of the turn, of the split and of the network.
        keep: whether rows that B trained stay, and so have no part in that mean length.

    Raises:
        InputError: rows that would be 0, B's that are 0, or a map that cannot be learned.
    """
    import numpy as np

    base = words.centroids[words.homes]
    base = base + rest(words.vectors - base, rank)
    width = words.own.shape[1]
    taught = words.learned[words.at]
    if uses_learned(words, asked):
        pairs = np.flatnonzero(taught) if taught.any() else np.arange(len(taught))
        learned = learn_row_map(words.vectors[pairs], words.own[words.at[pairs]], seed)
        by, raw = learned.by, _as_far(learned, base[pairs], words.own[words.at[pairs]])
        made = raw(base[~taught] if keep and not taught.all() else base)
        factor = np.float32(1 if norm is None else scale(made, norm))
        norm = float(np.linalg.norm(made, axis=1).mean()) if norm is None else norm
        return Space(by, learned, norm, lambda vectors: raw(vectors) * factor)
    whiten = asked == "whitened"
    mean, turn = projection(words.vectors, width, seed, whiten)
    by = "whitened" if whiten else "pca" if width < words.vectors.shape[1] else "turn"
    own = words.own[words.at]
    norm = float(np.linalg.norm(own, axis=1).mean()) if norm is None else norm
    if norm == 0:
        raise InputError("B's own rows are 0, and so the length that they have cannot be kept: --row-norm 0.5, say")
    factor = np.float32(scale((base - mean) @ turn, norm))
    return Space(by, None, norm, lambda vectors: np.asarray((vectors - mean) @ turn, np.float32) * factor)


def _as_far(learned: RowMap, base: np.ndarray, rows: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """What a learned map predicts, put as far from the mean row as B's own rows are, in the mean of the pairs held out.

    A map predicts rows that are the nearer to the mean row the less A says of them; the whole row made longer would be
    the mean row above all.

    Args:
        learned: the map.
        base: (p, d) what rows are made of, of all pairs.
        rows: (p, width) of B.
    """
    import numpy as np

    mean, held = learned.mean, learned.held
    away = float(np.linalg.norm(rows[held] - mean, axis=1).mean())
    stretch = np.float32(scale(learned.predict(base[held]) - mean, away))
    return lambda vectors: np.asarray(mean + stretch * (learned.predict(vectors) - mean), np.float32)


def written_rows(words: Words, strength: csr_matrix, rank: int | None, space: Space) -> tuple[np.ndarray, np.ndarray]:
    """B's rows as they are written: row = s x planned + (1 - s) x own, s being the sum of a row's strengths.

    What is planned for a row is the mean centroid of its concepts, weighted by their strengths, and what sets its word
    apart from its own concept, as far as A has a vector of it; brought into B's space. Each row is by itself: an edit
    of one moves no other.

    Args:
        words: of B and A.
        strength: (rows, k) of each concept in each row; 0 of concepts that are off.
        rank: of the residual.
        space: from `into_b`.

    Returns:
        (rows, width) float32, and s (rows,), from 0 to 1.
    """
    import numpy as np

    total = np.asarray(strength.sum(axis=1)).ravel()
    s = np.minimum(total, 1.0).astype(np.float32)
    todo = np.flatnonzero(s > 0)
    apart = np.zeros((len(s), words.centroids.shape[1]), np.float32)
    apart[words.at] = rest(words.vectors - words.centroids[words.homes], rank)
    centre = (strength[todo] @ words.centroids) / total[todo, None]
    rows = words.own.copy()
    if not len(todo):
        return rows, s
    share = s[todo, None]
    rows[todo] = share * space.place((centre + apart[todo]).astype(np.float32)) + (1 - share) * words.own[todo]
    return rows, s
