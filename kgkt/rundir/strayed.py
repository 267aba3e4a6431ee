"""Items that a new graph has put elsewhere than where people's word on their concept would still hold for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from kgkt.concepts.merge import ends_of, nearest_merged
from kgkt.errors import count
from kgkt.rundir.carry import Carried

if TYPE_CHECKING:
    import numpy as np
    from scipy.sparse import csr_matrix

    from kgkt.rundir.graph_files import Before

SHOWN = 5  # items that a line names


def strayed(
    people: Mapping[str, Any], before: Before | None, rows: Mapping[str, int], Z: csr_matrix, carried: Carried
) -> list[str]:
    """Items of concepts that are off which now lie in ones that are on, and those that left a concept that has a name.

    Args:
        people: what they said of the graph before, as `carry.save_edits` returns it.
        before: that graph; None where its files are gone.
        rows: item id as people knew it -> row of the item now.
        Z: (n, k) memberships now.
        carried: what followed into the new graph.

    Returns:
        A line for each of the two, where there are any.
    """
    import numpy as np

    off = {*people.get("switched_off", []), *people.get("deleted", [])}
    names = {int(number): name for number, name in people.get("names", {}).items()}
    if before is None or not off | names.keys():
        return []
    was = nearest_merged(before.memberships, ends_of(people.get("merged", []), off))
    at = np.array([rows.get(item, -1) for item in before.ids.tolist()], np.int64)
    now = nearest_merged(Z, ends_of(carried.merged, carried.off))[at]
    ids, still = before.ids, at >= 0
    held = still & np.isin(was, list(off))
    heard = held & ~np.isin(now, carried.off)
    said = [f"{_of(heard, held)} of concepts that are switched off {_lie(heard)} in concepts that are on now: "
            f"{_shown(ids, now, heard)}"] if heard.any() else []  # fmt: skip
    kept = {number for number, name in names.items() if name in carried.names.values()}
    held = still & np.isin(was, list(kept))
    left = held.copy()
    left[held] = [carried.names.get(b) != names[a] for a, b in zip(was[held].tolist(), now[held].tolist(), strict=True)]
    if left.any():
        said.append(f"{_of(left, held)} of concepts that have a name from you {_lie(left)} in other concepts now: "
                    f"{_shown(ids, now, left)}")  # fmt: skip
    return said


def _of(some: np.ndarray, of: np.ndarray) -> str:
    return f"{int(some.sum()):,} of the {count(int(of.sum()), 'item')}"


def _lie(some: np.ndarray) -> str:
    return "lies" if some.sum() == 1 else "lie"


def _shown(ids: np.ndarray, now: np.ndarray, some: np.ndarray) -> str:
    """The first items, each with the concept that it lies in."""
    parts = [f"{item} in {concept}" for item, concept in zip(ids[some][:SHOWN], now[some][:SHOWN], strict=True)]
    return ", ".join([*parts, *["…"][: int(some.sum()) > SHOWN]])
