"""Why an item has its class: what the concepts say of it, label by label, in closed form."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kgkt.concepts.propagate import Seeds, Spreader, item_posterior, propagate_masses, seed_values

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from scipy.sparse import csr_matrix


def with_label(seeds: Seeds, item: int, column: int) -> Seeds:
    """The same seeds and one label more."""
    import numpy as np

    return Seeds(np.append(seeds.items, item), np.append(seeds.columns, column), seeds.hidden, seeds.n_classes)


def hear(spreader: Spreader, Z: csr_matrix, seeds: Seeds, item: int) -> np.ndarray:
    """How much of each label and tick arrives at an item: Z_i (I - alpha S)^-1 Z_l' / number of labels of its class.

    I - alpha S is symmetric, so one solve, for Z_i', serves all labels.

    Args:
        spreader: of the graph.
        Z: (n, k) memberships.
        seeds: s labels and ticks.
        item: its row.

    Returns:
        (s,) float64, not below 0; summed over a class's seeds it is the item's entry of Z G.

    Reference: Zhou et al. 2004; read off for one item, as in `loo_scores`.
    """
    import numpy as np

    return np.maximum(Z[seeds.items] @ _near(spreader, Z, item), 0) * seed_values(seeds)


def _near(spreader: Spreader, Z: csr_matrix, item: int) -> np.ndarray:
    """(k,) (I - alpha S)^-1 Z_i': how much of what stands at each concept arrives at an item."""
    import numpy as np

    right = np.asarray(Z[item].todense(), np.float64).T
    right[~spreader.active] = 0
    return spreader.solve(right)[:, 0]


def shares(arriving: np.ndarray) -> np.ndarray:
    """What arrives as shares of the whole; all 0 where nothing does."""
    total = arriving.sum()
    return arriving / total if total > 0 else arriving


def concepts_answer(
    spreader: Spreader, Z: csr_matrix, seeds: Seeds, item: int, prior: np.ndarray | None = None
) -> np.ndarray:
    """(c + h,) what the concepts alone say of an item: a row to 1, all 0 where nothing arrives.

    Class shares that the user states hold for the whole pool: with them every item is answered, not only this one.

    Args:
        spreader, Z, seeds, item: as for `hear`.
        prior: (c,) class shares of the pool, or None.
    """
    import numpy as np

    if prior is None:
        arriving = hear(spreader, Z, seeds, item)
        return shares(np.bincount(seeds.columns, weights=arriving, minlength=seeds.width))
    G, _ = propagate_masses(spreader, Z, seeds)
    P, reached = item_posterior(Z, G, prior, seeds.n_classes)
    return P[item] if reached[item] else np.zeros(seeds.width)


def members_to_label(
    spreader: Spreader, Z: csr_matrix, exemplars: Sequence[np.ndarray], taken: np.ndarray, item: int
) -> list[tuple[int, int]]:
    """Concept and a member of it whose label may turn an item's answer: easy ones first, the loudest last.

    For each active concept of the item, the strongest first, this is its first exemplar that is free (the medoid, if
    it is). The last one is the free member, of all these concepts, of which most would arrive at the item: where its
    label does not turn the concepts' answer, no member's does, unless class shares are stated.

    Args:
        spreader: of the graph.
        Z: (n, k) memberships.
        exemplars: k arrays of item indices, the medoid first.
        taken: items with a label or a tick; they and the item itself are passed over.
        item: its row.
    """
    import numpy as np

    used, row, found = np.append(taken, item), Z[item], []
    concepts = [c for c in row.indices[np.argsort(-row.data, kind="stable")].tolist() if spreader.active[c]]
    for concept in concepts:
        free = exemplars[concept][~np.isin(exemplars[concept], used)]
        found += [(concept, int(one)) for one in free[:1]]
    belongs = Z[:, concepts].tocsr()
    members = np.setdiff1d(np.flatnonzero(np.diff(belongs.indptr)), used)
    if len(members):
        loudest = members[(Z[members] @ _near(spreader, Z, item)).argmax()]
        found.append((concepts[int(belongs[loudest].toarray().argmax())], int(loudest)))
    return list(dict.fromkeys(found))


def label_that_turns(
    spreader: Spreader, Z: csr_matrix, seeds: Seeds, item: int, wanted: int, members: Sequence[tuple[int, int]],
    prior: np.ndarray | None = None,
) -> tuple[int, int] | None:  # fmt: skip
    """The first of some members whose label `wanted` makes the concepts alone call the item so; None where none does.

    Args:
        spreader, Z, seeds, item, prior: as for `concepts_answer`.
        wanted: a class.
        members: concept and member, from `members_to_label`.
    """
    for concept, member in members:
        answer = concepts_answer(spreader, Z, with_label(seeds, member, wanted), item, prior)
        if answer[wanted] > 0 and answer.argmax() == wanted:
            return concept, member
    return None


def nearest_labelled(
    vectors: np.ndarray, items: np.ndarray, item: int, how_many: int
) -> tuple[np.ndarray, np.ndarray]:
    """The labelled items nearest to an item in A's embedding, nearest first.

    Args:
        vectors: (n, e).
        items: (M,) labelled items; the item itself is no neighbour of its own.
        item: its row.
        how_many: at most.

    Returns:
        (q,) places in `items`, and (q,) cosine distances from 0 to 2; 1 from a vector of zero length.
    """
    import numpy as np

    others = np.flatnonzero(items != item)
    one, rows = vectors[item].astype(np.float64), vectors[items[others]].astype(np.float64)
    length = np.linalg.norm(rows, axis=1) * np.linalg.norm(one)
    distance = 1 - np.divide(rows @ one, length, out=np.zeros(len(rows)), where=length > 0)
    order = np.argsort(distance, kind="stable")[:how_many]
    return others[order], np.clip(distance[order], 0, 2)
