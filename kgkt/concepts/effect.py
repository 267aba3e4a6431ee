"""What the concepts alone say of every item, quickly, before and after an edit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from kgkt.concepts.propagate import Spreader, item_posterior, make_seeds, propagate_masses

if TYPE_CHECKING:
    import numpy as np
    from scipy.sparse import csr_matrix

    from kgkt.values import Labels

NONE = "no class"


def concepts_say(
    spreader: Spreader | None, Z: csr_matrix, labels: Labels, prior: np.ndarray | None = None
) -> tuple[np.ndarray, list[str]]:
    """The class of every item by the concepts' answer, what people said of single items put in.

    Args:
        spreader: of the graph; None where nothing is labelled.
        Z: (n, k) memberships.
        labels: labels and ticks.
        prior: (c,) class shares of the pool, or None.

    Returns:
        (n,) int64, each an index of the names beside it: the classes, "not CLASS" for what a tick took, "no class".
    """
    import numpy as np

    none = len(labels.names)
    if spreader is None:
        return np.full(Z.shape[0], none), [*labels.names, NONE]
    seeds = make_seeds(labels)
    G, _ = propagate_masses(spreader, Z, seeds)
    P, reached = item_posterior(Z, G, prior, seeds.n_classes)
    won = P.argmax(axis=1)
    won[labels.tick_items] = none + np.searchsorted(seeds.hidden, labels.tick_classes)
    reached[labels.tick_items] = True
    won[labels.items], reached[labels.items] = labels.classes, True
    won = np.where(won >= none, won + 1, won)
    won[~reached] = none
    return won, [*labels.names, NONE, *(f"not {labels.names[denied]}" for denied in seeds.hidden.tolist())]


def changed_items(
    before: tuple[np.ndarray, Sequence[str]], after: tuple[np.ndarray, Sequence[str]]
) -> dict[str, int]:
    """What the items are now that are something else than before: name -> how many, most first.

    Args:
        before, after: as `concepts_say` gives them; the names may be others.
    """
    import numpy as np

    (was, old), (now, new) = before, after
    place = {name: i for i, name in enumerate(new)}
    same = np.array([place.get(name, -1) for name in old])[was] == now
    counts = np.bincount(now[~same], minlength=len(new))
    order = np.argsort(-counts, kind="stable")
    return {new[i]: int(counts[i]) for i in order.tolist() if counts[i]}
