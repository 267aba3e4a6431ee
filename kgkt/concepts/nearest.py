"""The items nearest to one, or to a sum and difference of several, in A's features as they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np

    from kgkt.values import Features


def nearest_rows(
    features: Features, plus: Sequence[int], minus: Sequence[int], n: int, shares: Mapping[str, float]
) -> tuple[np.ndarray, np.ndarray]:
    """The n items nearest by cosine to the sum of some items less others, but for these themselves.

    Args:
        features: of all items; streamed, so that memory holds a batch of them and one number an item.
        plus, minus: rows of the items; the unit rows of `plus` are added, those of `minus` taken away.
        n: how many items.
        shares: layer -> what its cosine counts; they sum to 1.

    Returns:
        Rows (m,) of at most n items, the nearest first, and their cosines (m,).

    Reference: Mikolov, Yih & Zweig 2013, analogies as a - b + c.
    """
    import numpy as np

    from kgkt.concepts.embed import unit_rows

    signs = np.array([1.0] * len(plus) + [-1.0] * len(minus), np.float32)
    asked = np.array([*plus, *minus], np.int64)
    cosines = np.zeros(len(features), np.float32)
    for layer, share in shares.items():
        target = unit_rows((signs @ unit_rows(features.rows(layer, asked)))[None])[0]
        start = 0
        for X in features.batches(layer):
            cosines[start : start + len(X)] += np.float32(share) * (unit_rows(X) @ target)
            start += len(X)
    order = np.argsort(-cosines, kind="stable")
    order = order[~np.isin(order, asked)][:n]
    return order, cosines[order]
