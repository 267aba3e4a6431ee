"""Which items to label next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kgkt.concepts.propagate import make_spreader

if TYPE_CHECKING:
    import numpy as np

    from kgkt.values import ConceptGraph

REACH = 0.95  # alpha of the kernel that says how far a label would speak


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


def reach(graph: ConceptGraph, labelled: np.ndarray, how_many: int, alpha: float = REACH) -> list[Suggestion]:
    """Greedy coverage of the graph: one nested queue, any prefix of which is a good budget.

    Facility location on the cosine-normalised kernel (I - alpha S)^-1, weighted by concept size.

    Args:
        graph: of k concepts; inactive ones are neither chosen nor counted.
        labelled: numbers of the concepts that a label already speaks for.
        how_many: suggestions wanted.

    Returns:
        At most `how_many`, best first; fewer when every active concept has a label.

    Reference: greedy maximisation of a submodular function, Nemhauser, Wolsey & Fisher 1978.
    """
    import numpy as np

    k = len(graph)
    spreader = make_spreader(graph, alpha)
    on = np.flatnonzero(graph.active)
    K = spreader.solve(np.eye(k)[:, on])[on].astype(np.float32)
    root = np.sqrt(np.diag(K))
    K /= root[:, None]
    K /= root[None, :]
    size = graph.sizes[on].astype(np.float32)
    place = np.full(k, -1)
    place[on] = np.arange(len(on))
    taken = np.unique(place[labelled][place[labelled] >= 0])
    cover = K[:, taken].max(axis=1) if len(taken) else np.zeros(len(on), np.float32)
    free = np.ones(len(on), bool)
    free[taken] = False
    chosen: list[int] = []
    gains, before = [], []
    while len(chosen) < how_many and free.any():
        gain = np.where(free, size @ np.maximum(K - cover[:, None], 0), -1.0)
        best = int(gain.argmax())
        chosen.append(best)
        gains.append(float(gain[best]))
        before.append(float(cover[best]))
        free[best] = False
        cover = np.maximum(cover, K[:, best])
    return [Suggestion(int(on[c]), g, b) for c, g, b in zip(chosen, gains, before, strict=True)]
