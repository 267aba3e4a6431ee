"""An item that people name: as the pool has it, or the one that was meant."""

from __future__ import annotations

import itertools
import re
import unicodedata
from typing import TYPE_CHECKING

from kgkt.errors import InputError, bare, count, nearest

if TYPE_CHECKING:
    from collections.abc import Collection

ENOUGH = 20_000  # ids that an unknown one is compared with
MADE_UP = re.compile(r"i\d{4,}")  # as `kgkt.source.arrays.default_ids` calls rows


def known_item(item_id: str, known: Collection[str], where: str = "") -> str:
    """An item's id as the pool has it; spaces around it do not count, nor do the ways in which Unicode writes accents.

    Args:
        item_id: as it was given.
        known: ids of the pool.
        where: what an error begins with.

    Raises:
        InputError: no such item; with the one that was meant, or the nearest ids.
    """
    found = found_item(item_id, known)
    if found is None:
        item_id = item_id.strip()
        raise InputError(f"{where}no item {item_id!r} in the pool{_why_unknown(item_id, known)}")
    return found


def found_item(item_id: str, known: Collection[str]) -> str | None:
    """The same without a word about an item that is not there."""
    if item_id in known:
        return item_id
    item_id = item_id.strip()
    return item_id if item_id in known else _written_otherwise(item_id, known)


def _written_otherwise(item_id: str, known: Collection[str]) -> str | None:
    """The id that has the same letters and accents, as one character each or as several."""
    composed, apart = (unicodedata.normalize(form, item_id) for form in ("NFC", "NFD"))
    if composed.isascii():
        return None
    if composed in known or apart in known:
        return composed if composed in known else apart
    return next((one for one in known if not one.isascii() and unicodedata.normalize("NFC", one) == composed), None)


def _why_unknown(item_id: str, known: Collection[str]) -> str:
    """The item that was meant, with the reason where one shows; else the nearest ids."""
    whole = item_id.removesuffix(".0")
    if whole.isdecimal():
        bare = whole.lstrip("0")
        for one in known:
            if one.isdecimal() and one.lstrip("0") == bare:
                if len(whole) > len(one):
                    return f"; is {one!r} meant? It has {count(len(whole) - len(one), 'zero')} less before it"
                what = "its leading zeros were lost" if whole == item_id else "it was read as a number"
                return f"; {one!r} is there: {what} (read ids as text, in pandas with dtype=str)"
        width = next((len(one) - 1 for one in known if MADE_UP.fullmatch(one)), 0)
        if (made := f"i{int(whole):0{width}d}") in known:
            return f"; is {made!r} meant? Where a pool brings no ids, its rows are numbered from i{0:0{width}d} on"
    if known and not re.fullmatch(r"i\d+", item_id) and all(map(MADE_UP.fullmatch, itertools.islice(known, 20))):
        return "; it numbers its items, as i0000: populate with --id-column where it has a column of ids"
    if same := _bare_alike(item_id, known):
        return f"; is {' or '.join(map(repr, same))} meant?"
    return nearest(item_id, _some(known, item_id))


def _bare_alike(item_id: str, known: Collection[str]) -> list[str]:
    """Up to three ids that are the same but for accents and capitals; with the capitals first, then small ones."""
    wanted, least = bare(item_id), len(unicodedata.normalize("NFC", item_id))
    alike = (one for one in known if least <= len(one) <= 3 * least and bare(one) == wanted)
    typed = bare(item_id, fold=False)
    return sorted(alike, key=lambda one: (bare(one, fold=False) != typed, one != one.lower(), one))[:3]


def _some(known: Collection[str], item_id: str) -> list[str]:
    """Enough of the pool's ids to look for a near one, not millions; of many, those that begin alike."""
    import heapq

    alike = known if len(known) <= ENOUGH else [one for one in known if one[:1] == item_id[:1]] or known
    return heapq.nsmallest(ENOUGH, alike)
