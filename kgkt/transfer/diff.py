"""What of one view of a pool stands in another: which concepts arrived, split, merged, were lost or are new."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from scipy.sparse import csr_matrix

ARRIVED, PART, SPLIT, MERGED, LOST, NEW, UNCLEAR = "arrived", "in part", "split", "merged", "lost", "new", "unclear"
HALF = 0.5  # of the way from floor to ceiling: arrived; of a concept's items: held
QUARTER = 0.25  # of the way: below it a concept is lost
ROOM = 0.1  # of the ceiling: with less between it and the floor nothing can be told of a concept
PIECE = 0.2  # of a concept's items: the second largest piece counts beside one that holds half
SHUFFLES = 3  # of the items, whose mean is the floor of two graphs
WEAKEST = 0.1  # share of a concept from which on two concepts correspond


@dataclass(frozen=True, slots=True, eq=False)
class Kept:
    """How much of each concept is kept, between a floor and a ceiling.

    Args:
        kept, floor, ceiling: (k,) of each concept; NaN where it has no items.
        sizes: (k,) items of each, by their memberships.
    """

    kept: np.ndarray
    floor: np.ndarray
    ceiling: np.ndarray
    sizes: np.ndarray

    @property
    def position(self) -> np.ndarray:
        """(k,) 0 at the floor, 1 at the ceiling; NaN where the floor comes within a tenth of the ceiling."""
        return _position(self.kept, self.floor, self.ceiling)

    def overall(self, among: np.ndarray) -> dict[str, float]:
        """kept, floor, ceiling and position of the concepts `among` (k,) bool together, each counting by its size."""
        import numpy as np

        chosen = among & (self.sizes > 0)
        if not chosen.any():
            return dict.fromkeys(("kept", "floor", "ceiling", "position"), float("nan"))
        found = [float(np.average(part[chosen], weights=self.sizes[chosen]))
                 for part in (self.kept, self.floor, self.ceiling)]  # fmt: skip
        where = _position(*(np.array([value]) for value in found))[0]
        return dict(zip(("kept", "floor", "ceiling", "position"), (*found, float(where)), strict=True))


def _position(kept: np.ndarray, floor: np.ndarray, ceiling: np.ndarray) -> np.ndarray:
    import numpy as np

    room = ceiling - floor
    return np.divide(kept - floor, room, out=np.full(len(room), np.nan), where=room > ROOM * ceiling)


def near_each(Z: csr_matrix, nearest: np.ndarray) -> np.ndarray:
    """How much the items that lie near each other in a view share a concept.

    Of an item in concept c: the mean membership in c of its nearest items; averaged over the items, each counting by
    its own membership.

    Args:
        Z: (n, k) memberships.
        nearest: (n, q) the nearest other items of each item, in the view that is asked.

    Returns:
        (k,) from 0 to 1; NaN where a concept has no items. Unrelated views give the concept's share of the pool.
    """
    import numpy as np
    from scipy.sparse import csr_matrix

    n, q = nearest.shape
    together = csr_matrix((np.full(n * q, 1 / q), nearest.ravel(), np.arange(0, n * q + 1, q)), shape=(n, n))
    return _mean(Z, np.asarray(Z.multiply(together @ Z).sum(axis=0), np.float64).ravel())


def in_groups(Z: csr_matrix, groups: csr_matrix) -> np.ndarray:
    """The same with the items of a group in the place of the nearest ones.

    Args:
        Z: (n, k) memberships.
        groups: (n, g) memberships in the concepts of another graph.

    Returns:
        (k,) the chance to come back to a concept by way of a group of one of its items.
    """
    import numpy as np

    overlap = (Z.T @ groups).tocsr()
    sizes = np.asarray(groups.sum(axis=0), np.float64).ravel()
    back = overlap.multiply(overlap) @ np.divide(1.0, sizes, out=np.zeros_like(sizes), where=sizes > 0)
    return _mean(Z, np.asarray(back).ravel())


def shuffled(Z: csr_matrix, groups: csr_matrix, seed: int) -> np.ndarray:
    """(k,) what `in_groups` gives where the groups know nothing of the items: their rows are shuffled."""
    import numpy as np

    rng = np.random.default_rng(seed)
    return np.mean([in_groups(Z, groups[rng.permutation(groups.shape[0])]) for _ in range(SHUFFLES)], axis=0)


def sizes_of(Z: csr_matrix) -> np.ndarray:
    """(k,) the memberships of each concept, summed."""
    import numpy as np

    return np.asarray(Z.sum(axis=0), np.float64).ravel()


def strongest(Z: csr_matrix) -> csr_matrix:
    """(n, k) CSR with a single 1 a row that is not empty, at its largest entry; the order of the entries is not asked.

    Folded memberships (of merged concepts) do not have the nearest concept first.
    """
    import numpy as np
    from scipy.sparse import csr_matrix

    rows = np.repeat(np.arange(Z.shape[0]), np.diff(Z.indptr))
    order = np.lexsort((Z.indices, -Z.data, rows))
    held, first = np.unique(rows[order], return_index=True)
    return csr_matrix((np.ones(len(held)), (held, Z.indices[order][first])), shape=Z.shape)


def _mean(Z: csr_matrix, total: np.ndarray) -> np.ndarray:
    import numpy as np

    sizes = sizes_of(Z)
    return np.divide(total, sizes, out=np.full(len(sizes), np.nan), where=sizes > 0)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a concept.

    Args:
        word: arrived, in part, split, merged, lost, new or unclear.
        into: of a split one its pieces, of a merged one the group that holds it: concepts of the other side.
        beside: of a merged one, the concepts of its own side that this group holds too.
    """

    word: str
    into: tuple[int, ...] = ()
    beside: tuple[int, ...] = ()


def verdicts(kept: Kept, Z: csr_matrix, groups: csr_matrix) -> list[Verdict]:
    """What became of each concept, by the rules below, the first that holds.

    unclear: what knows nothing of A keeps it nearly as well as A (the floor comes within a tenth of the ceiling).
    split: groups that lie mostly in it hold at least half of its items together, and not one of them nearly alone (less
    than half, or the next at least a fifth).
    arrived: at least half of the way from floor to ceiling.
    merged: one group holds at least half of its items, and of another concept's too.
    lost: less than a quarter of the way. in part: the rest.

    Args:
        kept: of the k concepts.
        Z: (n, k) memberships.
        groups: (n, g) of the same items on the other side.

    Returns:
        (k,) verdicts; "unclear" where the floor comes within a tenth of the ceiling, or there is no item.

    Reference: Spiliopoulou et al. 2006 (MONIC: how clusters survive, split, are absorbed or disappear), for the shares
    of items that count; floor and ceiling are kgkt's.
    """
    import numpy as np

    counts = (strongest(Z).T @ strongest(groups)).tocsr()
    own, theirs = (np.asarray(counts.sum(axis=axis)).ravel() for axis in (1, 0))
    held: dict[int, list[int]] = {}  # group -> the concepts of which it holds at least half
    for c in range(counts.shape[0]):
        found = counts[c]
        for g, many in zip(found.indices.tolist(), found.data.tolist(), strict=True):
            if many >= HALF * own[c]:
                held.setdefault(g, []).append(c)
    position = kept.position
    return [_verdict(c, counts[c], int(own[c]), theirs, held, float(position[c])) for c in range(counts.shape[0])]


def _verdict(
    c: int, found: csr_matrix, size: int, theirs: np.ndarray, held: dict[int, list[int]], position: float
) -> Verdict:
    if not size or position != position:
        return Verdict(UNCLEAR)
    shares = {g: many / size for g, many in zip(found.indices.tolist(), found.data.tolist(), strict=True)
              if many > HALF * theirs[g]}  # fmt: skip
    pieces = sorted(shares, key=lambda g: (-shares[g], g))
    if len(pieces) > 1 and sum(shares.values()) >= HALF and (
            shares[pieces[0]] < HALF or shares[pieces[1]] >= PIECE):  # else one group holds it, with crumbs beside
        return Verdict(SPLIT, tuple(pieces))
    if position >= HALF:
        return Verdict(ARRIVED)
    for g in (g for g, concepts in held.items() if c in concepts):
        if others := tuple(d for d in held[g] if d != c):
            return Verdict(MERGED, (g,), others)
    return Verdict(LOST if position < QUARTER else PART)


def new_ones(kept: Kept, groups: csr_matrix, Z: csr_matrix) -> list[int]:
    """The groups that no concept knew: those that would be lost the other way round.

    Args:
        kept: of the g groups, in the view that the concepts are of.
        groups: (n, g) memberships.
        Z: (n, k) memberships in the concepts.
    """
    return [g for g, verdict in enumerate(verdicts(kept, groups, Z)) if verdict.word == LOST]


def correspondences(Z: csr_matrix, groups: csr_matrix, among: Sequence[int]) -> list[tuple[int, int, float, float]]:
    """Which concepts of two graphs hold the same items.

    Args:
        Z, groups: (n, k) and (n, g) soft memberships of the same items.
        among: concepts of the first that are asked for.

    Returns:
        (concept, group, share of the concept that lies in the group, share of the group that lies in the concept),
        where one of the two is at least a tenth, or the largest of its row or column.
    """
    import numpy as np

    overlap = (Z.T @ groups).tocoo()
    a, b = sizes_of(Z), sizes_of(groups)
    there, back = overlap.data / a[overlap.row], overlap.data / b[overlap.col]
    best_there, best_back = np.zeros(len(a)), np.zeros(len(b))
    np.maximum.at(best_there, overlap.row, there)
    np.maximum.at(best_back, overlap.col, back)
    strong = np.maximum(there, back) >= WEAKEST
    strong |= (there >= best_there[overlap.row]) | (back >= best_back[overlap.col])
    strong &= np.isin(overlap.row, np.asarray(list(among), dtype=int))
    found = zip(overlap.row[strong].tolist(), overlap.col[strong].tolist(), there[strong].tolist(),
                back[strong].tolist(), strict=True)  # fmt: skip
    return sorted(found)
