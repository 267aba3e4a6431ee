"""Which items to label next: first ones of concepts that no label reaches, more of mixed concepts, doubtful ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kgkt.concepts.cluster import nearest_concept
from kgkt.concepts.propagate import make_spreader

if TYPE_CHECKING:
    import numpy as np
    from scipy.sparse import csr_matrix

    from kgkt.values import ConceptGraph

REACH = 0.95  # alpha of the kernel that says how far a label would speak
MEMBERS = 2_000  # of a concept that are compared with each other
LEVEL = 1e-6  # cosines that differ by less are level


@dataclass(frozen=True, slots=True)
class Suggestion:
    """One concept whose example is worth a label.

    Args:
        concept: number of the concept.
        speaks_for: items that this label covers beyond the labels and suggestions before it (similarity to the
            concept in 0..1 times size, summed); never more than the one before.
        covered: 0..1, how well the concept itself was covered before.
    """

    concept: int
    speaks_for: float
    covered: float


@dataclass(frozen=True, slots=True)
class Kernel:
    """How well each concept that is on speaks for each other one.

    Args:
        on: (o,) their numbers.
        K: (o, o) float32, symmetric, 1 on the diagonal.
    """

    on: np.ndarray
    K: np.ndarray


def reach_kernel(graph: ConceptGraph, alpha: float = REACH) -> Kernel:
    """The cosine-normalised kernel (I - alpha S)^-1 of the concepts that are on, which labels do not change."""
    import numpy as np

    spreader = make_spreader(graph, alpha)
    on = np.flatnonzero(graph.active)
    K = spreader.solve(np.eye(len(graph))[:, on])[on].astype(np.float32)
    root = np.sqrt(np.diag(K))
    K /= root[:, None]
    K /= root[None, :]
    return Kernel(on, K)


def reach(
    graph: ConceptGraph, labelled: np.ndarray, how_many: int, alpha: float = REACH, kernel: Kernel | None = None
) -> list[Suggestion]:
    """Greedy coverage of the graph: one nested queue, any prefix of which is a good budget.

    Facility location on `reach_kernel`, weighted by concept size.

    Args:
        graph: of k concepts; inactive ones are neither chosen nor counted.
        labelled: numbers of the concepts that a label already speaks for.
        how_many: suggestions wanted.
        alpha: how far a label reaches.
        kernel: of this graph at this alpha, where it is held already.

    Returns:
        At most `how_many`, best first; fewer when every active concept has a label.

    Reference: greedy maximisation of a submodular function, Nemhauser, Wolsey & Fisher 1978; a gain only falls, so
        that one which leads after it was worked out anew is the largest, Minoux 1978.
    """
    import numpy as np

    k = len(graph)
    kernel = kernel or reach_kernel(graph, alpha)
    on, K = kernel.on, kernel.K
    size = graph.sizes[on].astype(np.float32)
    place = np.full(k, -1)
    place[on] = np.arange(len(on))
    taken = np.unique(place[labelled][place[labelled] >= 0])
    cover = K[:, taken].max(axis=1) if len(taken) else np.zeros(len(on), np.float32)
    free = np.ones(len(on), bool)
    free[taken] = False
    chosen: list[int] = []
    gains, before = [], []
    gain, late = np.where(free, np.inf, -1.0), free.copy()
    while len(chosen) < how_many and free.any():
        while late[best := int(gain.argmax())]:
            gain[best], late[best] = size @ np.maximum(K[best] - cover, 0), False  # K is symmetric, its rows lie close
        chosen.append(best)
        gains.append(float(gain[best]))
        before.append(float(cover[best]))
        free[best], gain[best] = False, -1.0
        cover, late = np.maximum(cover, K[best]), free.copy()
    return [Suggestion(int(on[c]), g, b) for c, g, b in zip(chosen, gains, before, strict=True)]


@dataclass(frozen=True, slots=True)
class Chosen:
    """One item to label, of a concept that may have labels already.

    Args:
        item: row of the pool.
        concept: the one that it is in most.
        nearer: members of the concept that are nearer to it than to any label or suggestion before it.
        labels: how many of these the concept had.
    """

    item: int
    concept: int
    nearer: int
    labels: int


def mixed(Z: csr_matrix, P: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """How many members of each concept its label does not speak for, and their share of its size.

    Args:
        Z: (n, k) memberships.
        P: (n, c) what the teacher says of every item: a member counts by what it gives to other classes than the
            concept's first. None: a member counts by how much of it is in other concepts.

    Returns:
        Two arrays (k,); the share is 0 where a concept is empty.
    """
    import numpy as np

    size = np.bincount(Z.indices, Z.data, Z.shape[1])
    if P is None:
        apart = size - np.bincount(Z.indices, Z.data.astype(np.float64) ** 2, Z.shape[1])
    else:
        apart = size - np.asarray(Z.T @ P, np.float64).max(axis=1)
    apart = np.maximum(apart, 0)
    return apart, np.divide(apart, size, out=np.zeros_like(size), where=size > 0)


def second_items(
    graph: ConceptGraph, Z: csr_matrix, vectors: np.ndarray, spoken: np.ndarray, how_many: int,
    P: np.ndarray | None = None,
) -> list[Chosen]:  # fmt: skip
    """More items of the largest and most mixed concepts; any prefix is a good budget.

    The next concept is that with the most members its labels do not speak for, divided by the number of its labels and
    suggestions: highest averages, as seats are given to parties. Its item is the one that covers most of these members:
    facility location by cosine, each member weighted by its doubt, so that no outlier is asked that nothing is like.

    Args:
        graph: of k concepts; inactive ones are left out.
        Z: (n, k) memberships.
        vectors: (n, e) unit rows.
        spoken: items with a label, a tick or a suggestion; none of them is chosen.
        how_many: items wanted.
        P: (n, c) of the teacher, or None: then memberships say what is mixed.

    Returns:
        At most `how_many`; fewer when every item of an active concept is spoken for.

    Reference: highest averages, Balinski & Young 1982.
    """
    import heapq

    import numpy as np

    cover = Cover(Z, vectors, spoken)
    doubt = 1 - (np.maximum.reduceat(Z.data, Z.indptr[:-1]) if P is None else P.max(axis=1))
    apart, _ = mixed(Z, P)
    queue = [(-apart[c] / max(cover.labels[c], 1), c) for c in np.flatnonzero(graph.active).tolist()]
    heapq.heapify(queue)
    chosen: list[Chosen] = []
    while queue and len(chosen) < how_many:
        _, concept = heapq.heappop(queue)
        item = cover.best(concept, doubt)
        if item is None:
            continue
        chosen.append(cover.take(concept, item))
        heapq.heappush(queue, (-apart[concept] / cover.labels[concept], concept))
    return chosen


def doubtful_items(
    graph: ConceptGraph, Z: csr_matrix, vectors: np.ndarray, spoken: np.ndarray, how_many: int, P: np.ndarray,
    answered: np.ndarray,
) -> list[Chosen]:  # fmt: skip
    """The items whose first two classes are nearest to each other, one a concept before any concept has a second.

    Args:
        graph, Z, vectors, spoken, how_many: as for `second_items`.
        P: (n, c) of the teacher.
        answered: (n,) whether the teacher has an answer; no other item is chosen.

    Reference: margin sampling, Scheffer, Decomain & Wrobel 2001; the turns of the concepts are kgkt's own.
    """
    import numpy as np

    cover = Cover(Z, vectors, spoken)
    free = answered & graph.active[cover.near]
    free[spoken] = False
    margin = margins(P)
    turns = np.zeros(len(graph), int)
    order: list[tuple[int, float, int]] = []
    for item in np.flatnonzero(free)[np.argsort(margin[free], kind="stable")].tolist():
        order.append((int(turns[cover.near[item]]), float(margin[item]), item))
        turns[cover.near[item]] += 1
    return [cover.take(int(cover.near[item]), item) for _, _, item in sorted(order)[:how_many]]


def margins(P: np.ndarray) -> np.ndarray:
    """(n,) what the first class of each row of P (n, c) has more than the second; 1 where there is one class."""
    import numpy as np

    if P.shape[1] < 2:
        return np.ones(len(P))
    last = np.partition(P, -2, axis=1)[:, -2:]
    return last[:, 1] - last[:, 0]


class Cover:
    """How well the members of each concept are covered by the items that were spoken of, by cosine.

    Args:
        Z: (n, k) memberships; a member of a concept is an item that is in it most.
        vectors: (n, e) unit rows.
        spoken: items with a label, a tick or a suggestion.

    Attributes:
        near: (n,) the concept of each item.
        labels: (k,) how many of its members were spoken of.
    """

    def __init__(self, Z: csr_matrix, vectors: np.ndarray, spoken: np.ndarray) -> None:
        import numpy as np

        self.vectors, self.spoken = vectors, np.asarray(spoken, np.int64)
        self.near = nearest_concept(Z)
        self.labels = np.bincount(self.near[self.spoken], minlength=Z.shape[1])
        self._parts = Z[self.spoken].tocsc()
        self._order = np.argsort(self.near, kind="stable")
        self._starts = np.searchsorted(self.near[self._order], np.arange(Z.shape[1] + 1))
        self._taken = set(self.spoken.tolist())
        self._covered: dict[int, np.ndarray] = {}

    def members(self, concept: int) -> np.ndarray:
        """The items that are in a concept most; a sample of them where there are more than 2,000."""
        import numpy as np

        found = self._order[self._starts[concept] : self._starts[concept + 1]]
        if len(found) > MEMBERS:
            found = np.sort(np.random.default_rng(0).choice(found, MEMBERS, replace=False))
        return found

    def best(self, concept: int, weight: np.ndarray) -> int | None:
        """The member that covers most of what is not covered, members weighted by `weight` (n,); None: none is left."""
        import numpy as np

        members, covered = self.members(concept), self.covered(concept)
        free = np.array([item not in self._taken for item in members.tolist()], bool)
        if not free.any():
            return None
        vectors = self.vectors[members]
        gain = weight[members] @ np.maximum(vectors @ vectors.T - covered[:, None], 0)
        return int(members[np.where(free, gain, -1.0).argmax()])

    def covered(self, concept: int) -> np.ndarray:
        """The cosine of each member with the nearest item that was spoken of and has a part in the concept; else -1."""
        if concept not in self._covered:
            part = self._parts
            rows = self.spoken[part.indices[part.indptr[concept] : part.indptr[concept + 1]]]
            near = self.vectors[self.members(concept)] @ self.vectors[rows].T
            self._covered[concept] = near.max(axis=1, initial=-1.0)
        return self._covered[concept]

    def take(self, concept: int, item: int) -> Chosen:
        """Choose an item: it covers its concept from now on."""
        import numpy as np

        before, members = self.covered(concept), self.members(concept)
        near = self.vectors[members] @ self.vectors[item]
        scale = (self._starts[concept + 1] - self._starts[concept]) / max(len(members), 1)
        nearer = round(float((near > before + LEVEL).sum() * scale))
        chosen = Chosen(item, concept, nearer, int(self.labels[concept]))
        self._covered[concept] = np.maximum(before, near)
        self._taken.add(item)
        self.labels[concept] += 1
        return chosen
