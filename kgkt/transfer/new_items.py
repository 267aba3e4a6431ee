"""What the graph says of items that were never in its pool."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kgkt.transfer.items import DECAY, NEIGHBOURS
from kgkt.transfer.teacher import round_head

if TYPE_CHECKING:
    import numpy as np

FAR = 0.99  # share of the pool whose nearest item is nearer than that of an item that counts as far
TIMES = 2  # by which the length of a new item is out of the range of the pool's
SAME = 1e-4  # distance in the embedding up to which an item counts as one of the pool
ASKED = 2_000
LEAST = 1e-3  # of what neighbours give a class, where they give it anything: ten of them are no certainty
AT_ONCE = 20_000_000  # distances held at a time


def nearest_in_pool(new: np.ndarray, pool: np.ndarray, how_many: int = NEIGHBOURS) -> tuple[np.ndarray, np.ndarray]:
    """The nearest items of the pool to each new item, exactly, nearest first.

    Args:
        new: (m, e) embedding of the new items.
        pool: (n, e) embedding of the pool.
        how_many: neighbours; fewer where the pool is smaller.

    Returns:
        Index (m, q) int64 and distance (m, q) float64.
    """
    import numpy as np

    q = min(how_many, len(pool))
    index, squared = np.empty((len(new), q), np.int64), np.empty((len(new), q))
    norms = (pool**2).sum(axis=1)
    step = max(1, AT_ONCE // len(pool))
    for start in range(0, len(new), step):
        rows = slice(start, start + step)
        D = norms - 2 * (new[rows] @ pool.T)
        index[rows] = np.argpartition(D, q - 1, axis=1)[:, :q].copy() if q < len(pool) else np.arange(q)
        apart = pool[index[rows]].astype(np.float64) - new[rows, None]
        squared[rows] = np.einsum("mqe,mqe->mq", apart, apart)  # not from D: close ones would be lost in rounding
    order = np.argsort(squared, axis=1, kind="stable")
    return np.take_along_axis(index, order, axis=1), np.sqrt(np.take_along_axis(squared, order, axis=1))


def far_from(new: np.ndarray, pool: np.ndarray, seed: int = 0) -> np.ndarray:
    """(m,) bool, which new items lie farther from the pool than 99 of 100 of its items do from one another.

    Of items like those of the pool it is 1 in 100. Distances are to the nearest other item: those to a concept would
    flatter the pool, which the concepts were fitted to.

    Args:
        new: (m, e) embedding of the new items.
        pool: (n, e) embedding of the pool; 2,000 items of it are asked.
        seed: of their choice.
    """
    import numpy as np

    rows = np.arange(len(pool))
    if len(pool) > ASKED:
        rows = np.random.default_rng(seed).choice(len(pool), ASKED, replace=False)
    among = nearest_in_pool(pool[rows], pool, 2)[1][:, -1]  # the nearest is the item itself
    return nearest_in_pool(new, pool, 1)[1][:, 0] > np.quantile(among, FAR)


def other_scale(new: np.ndarray, pool: np.ndarray) -> np.ndarray:
    """(m,) bool, which new items are of another length than the pool's, in any layer: rows of unit length hide that.

    Longer than twice what 99 of 100 of the pool's are at most, or shorter than half of what as many are at least.

    Args:
        new: (m, 2l) lengths of W·V + b and of V of every layer, from `embed.map_lengths`.
        pool: (s, 2l) those of items of the pool.
    """
    import numpy as np

    low, high = np.quantile(pool, [1 - FAR, FAR], axis=0)
    return ((new > TIMES * high) | (new < low / TIMES)).any(axis=1)


def answer_new(
    new: np.ndarray, pool: np.ndarray, P: np.ndarray, weight: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The pool's answer carried over to new items: the mean over the nearest, weighed as edges between items are.

    An item at the very place of one of the pool gets the answer of that one. On digits the mean over neighbours is more
    often right than what the new item's concepts lean to, and than the nearest item alone.

    Args:
        new: (m, e) embedding of the new items.
        pool: (n, e) embedding of the pool.
        P: (n, c) its answer.
        weight: (n,) 0 where no knowledge reaches an item; it has no voice.

    Returns:
        (m, c), rows to 1, uniform where no neighbour has a voice; and (m,) bool, whether one has.
    """
    import numpy as np

    index, distance = nearest_in_pool(new, pool)
    farthest = distance[:, -1:]
    voice = np.exp(-DECAY * np.divide(distance, farthest, out=np.zeros_like(distance), where=farthest > 0) ** 2)
    voice *= np.asarray(weight)[index] > 0
    own = distance[:, 0] <= SAME
    voice[own] *= distance[own] <= SAME
    total = voice.sum(axis=1)
    reached = total > 0
    out = np.full((len(new), P.shape[1]), 1 / P.shape[1])
    out[reached] = np.einsum("mq,mqc->mc", voice[reached] / total[reached, None], P[index[reached]])
    return out, reached


def round_new(
    N: np.ndarray, reached: np.ndarray, head_new: np.ndarray, head_pool: np.ndarray, P: np.ndarray, taught: np.ndarray
) -> np.ndarray:
    """One round for new items, as the teacher has them for the pool: a logistic head fitted to its answer, times N.

    Args:
        N: (m, c) what the nearest items of the pool say, from `answer_new`.
        reached: (m,) bool; the others keep their row.
        head_new, head_pool: (m, h) and (n, h) head features.
        P: (n, c) the pool's answer.
        taught: (n,) bool, items of the pool whose class the teacher gave: what is level by a tick teaches no head.

    Returns:
        (m, c), rows to 1; a class that no neighbour gives anything stays at 0.
    """
    import numpy as np

    Q = round_head(head_pool[taught], P[taught], head_new, 0)
    if Q is None:
        return N
    product = np.where(N > 0, np.maximum(N, LEAST), 0.0) * Q
    total = product.sum(axis=1)
    out, told = N.copy(), reached & (total > 0)
    out[told] = product[told] / total[told, None]
    return out
