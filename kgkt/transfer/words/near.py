"""Which words of two languages in one space are near to each other: CSLS, in blocks of cosines.

n and m are numbers of words, the most frequent first; rows are vectors of unit length.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

NEIGHBOURS = 10  # of a word, by which it is told whether it is near to everything
BLOCK_BYTES = 64 << 20  # of cosines at a time
GROUP = 16  # columns of which only the greatest is looked at first, where the greatest of a row are sought
Pairs = tuple["np.ndarray", "np.ndarray"]  # rows of the source and of the target, (p,) each


def _blocks(A: np.ndarray, B: np.ndarray) -> Iterator[tuple[slice, np.ndarray]]:
    """Cosines of A with all of B, some rows at a time; each block may be changed."""
    size = max(1, BLOCK_BYTES // (4 * len(B)))
    for start in range(0, len(A), size):
        part = slice(start, min(start + size, len(A)))
        yield part, A[part] @ B.T


def greatest(values: np.ndarray, k: int) -> np.ndarray:
    """(n, k) columns of the k greatest values of each row (n, m), in no order.

    They are among the k groups of columns whose greatest values are greatest: a look at these groups is several times
    as fast as one at all columns.
    """
    import numpy as np

    n, m = values.shape
    groups = m // GROUP  # group g: columns g, g + groups, …
    if groups < 2 * k:
        return np.argpartition(values, m - k, axis=1)[:, m - k :]
    columns = _of_groups(values[:, : groups * GROUP].reshape(n, GROUP, groups).max(axis=1), k, m)
    return np.take_along_axis(columns, _last(np.take_along_axis(values, columns, axis=1), k), axis=1)


def greatest_down(values: np.ndarray, k: int) -> np.ndarray:
    """(m, k) rows of the k greatest values of each column (n, m), in no order; turning all values takes longer."""
    import numpy as np

    n, m = values.shape
    groups = n // GROUP
    if groups < 2 * k:
        return greatest(np.ascontiguousarray(values.T), k)
    peaks = values[: groups * GROUP].reshape(GROUP, groups, m).max(axis=0)
    rows = _of_groups(np.ascontiguousarray(peaks.T), k, n)
    return np.take_along_axis(rows, _last(values[rows, np.arange(m)[:, None]], k), axis=1)


def _of_groups(peaks: np.ndarray, k: int, m: int) -> np.ndarray:
    """The places of m that are in the k best of some groups, by their peaks (n, groups), or in none: (n, places)."""
    import numpy as np

    n, groups = peaks.shape
    places = (_last(peaks, k)[:, :, None] + groups * np.arange(GROUP)).reshape(n, -1)
    rest = np.arange(groups * GROUP, m)
    return np.concatenate([places, np.broadcast_to(rest, (n, len(rest)))], axis=1)


def _last(values: np.ndarray, k: int) -> np.ndarray:
    import numpy as np

    if k == 1:
        return values.argmax(axis=1)[:, None]
    return np.argpartition(values, values.shape[1] - k, axis=1)[:, values.shape[1] - k :]


def _top(values: np.ndarray, k: int) -> np.ndarray:
    """(n, k) the greatest values of each row, the least first."""
    import numpy as np

    return np.sort(np.take_along_axis(values, greatest(values, k), axis=1), axis=1)


def crowding(A: np.ndarray, B: np.ndarray) -> np.ndarray:
    """(n,) mean cosine of each row of A to its 10 nearest rows of B."""
    import numpy as np

    k = min(NEIGHBOURS, len(B))
    out = np.empty(len(A), np.float32)
    for part, cosines in _blocks(A, B):
        out[part] = _top(cosines, k).mean(axis=1)
    return out


def crowdings(A: np.ndarray, B: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """`crowding(A, B)` and `crowding(B, A)`, (n,) and (m,), by cosines that are worked out once."""
    return _both_crowdings(len(A), len(B), _blocks(A, B))


def _both_crowdings(
    n: int, m: int, blocks: Iterable[tuple[slice, np.ndarray]]
) -> tuple[np.ndarray, np.ndarray]:
    import numpy as np

    there, back, seen = np.empty(n, np.float32), np.empty((m, 0), np.float32), min(NEIGHBOURS, m)
    for part, cosines in blocks:
        there[part] = _top(cosines, seen).mean(axis=1)
        rows = greatest_down(cosines, min(NEIGHBOURS, len(cosines)))
        back = np.concatenate([back, cosines[rows, np.arange(m)[:, None]]], axis=1)
        back = _top(back, min(NEIGHBOURS, back.shape[1]))
    return there, back.mean(axis=1)


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
        found = np.sort(greatest(values, k), axis=1) if k > 1 else values.argmax(axis=1)[:, None]
        told = np.take_along_axis(values, found, axis=1)
        order = np.argsort(-told, axis=1, kind="stable")
        rows[part], scores[part] = np.take_along_axis(found, order, 1), np.take_along_axis(told, order, 1)
    return rows, scores


def mutual(A: np.ndarray, B: np.ndarray) -> Pairs:
    """The rows of A and of B that are each other's best translation by CSLS."""
    import numpy as np

    n, m = len(A), len(B)
    kept = list(_blocks(A, B)) if 4 * n * m <= BLOCK_BYTES else None
    crowd, theirs = _both_crowdings(n, m, _blocks(A, B) if kept is None else kept)
    there, back, most = np.empty(n, np.int64), np.zeros(m, np.int64), np.full(m, -np.inf, np.float32)
    for part, values in _blocks(A, B) if kept is None else kept:
        values *= 2
        turned = values - crowd[part, None]
        found = greatest_down(turned, 1)[:, 0]
        told = turned[found, np.arange(m)]
        back, most = np.where(told > most, found + part.start, back), np.maximum(told, most)
        values -= theirs
        there[part] = values.argmax(axis=1)
    own = np.arange(n)
    chosen = own[back[there] == own]
    return chosen, there[chosen]
