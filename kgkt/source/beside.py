"""A pool beside a source that holds the items itself: texts and pictures are matched with features by item id."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kgkt.errors import InputError, count
from kgkt.source.arrays import are_numbered, rows_of, some_ids
from kgkt.source.contents import take
from kgkt.source.inputs import Data

if TYPE_CHECKING:
    import numpy as np


def match_pool(data: Data, ids: np.ndarray, pool: str, features: str) -> tuple[Data, list[str]]:
    """The pool with exactly the items of the features, in their order; and what it holds beside them, a line.

    Args:
        data: the pool.
        ids: (n,) of the features.
        pool, features: what the two are called.

    Raises:
        InputError: the pool lacks an item.
    """
    if len(data.ids) == len(ids) and (data.ids == ids).all():
        return data, []
    rows = rows_of(data.ids.tolist(), ids.tolist())
    if missing := ids[rows < 0].tolist():
        raise InputError(
            f"{pool} lacks {len(missing):,} of the {len(ids):,} items of {features} ({some_ids(missing)}); it has "
            f"{count(len(data), 'item')} ({some_ids(data.ids.tolist())}): they are matched by item_id"
            + _no_ids(data.ids, ids, pool, features)
        )  # fmt: skip
    more = len(data) - len(ids)
    return take(data, rows), [f"{pool} holds {count(more, 'item')} that {features} has not: not read"] if more else []


def _no_ids(there: np.ndarray, ids: np.ndarray, pool: str, features: str) -> str:
    """What is wrong where one of the two brings no ids, so that its rows are numbered."""
    for own, name, mend in ((there, pool, "--id-column says which column holds them"),
                            (ids, features, "save item_id beside the features")):  # fmt: skip
        if are_numbered(own):
            return f", and {name} brings no ids: {mend}"
    return ""
