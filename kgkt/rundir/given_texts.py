"""Texts that Python hands over in memory, put into a table of the run directory, and what holds them in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from numbers import Integral, Real
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kgkt.errors import InputError
from kgkt.files import make_folder, write_csv
from kgkt.source.columns import ITEM_ID
from kgkt.source.texts import CLASSES, IDS, TEXT

if TYPE_CHECKING:
    import numpy as np


def are_texts(value: Any) -> bool:
    """Whether a value is texts, one of each item: a list, an array or a Series of them."""
    if isinstance(value, list | tuple):
        return bool(value) and all(isinstance(one, str) for one in value)
    if not hasattr(value, "tolist") or len(getattr(value, "shape", ())) != 1:
        return False
    held = value.tolist()
    return bool(held) and all(isinstance(one, str) for one in held)


def frame_file(value: Any, path: Path, named: Sequence[str | None]) -> str:
    """A DataFrame of texts as CSV: the columns that are named or usual; if none of these holds texts, all that do.

    Without a column of ids its index is one, where it holds them.
    """
    there = {str(column): column for column in value.columns}
    wanted = {*filter(None, named), *IDS, *CLASSES, TEXT}
    if TEXT not in there and not (named and named[1]):
        wanted |= {name for name, at in there.items() if all(isinstance(one, str) for one in value[at].head(20))}
    own = (named[0] if named else None) or ITEM_ID
    held = None if {own, *IDS} & set(there) else own_index(value, own)
    names = [name for name in there if name in wanted]
    if not names:
        raise InputError(f"the DataFrame has no column of texts ({', '.join(list(there)[:8])}): numbers are given as "
                         "features, or as an array")
    make_folder(path.parent)
    part = value[[there[name] for name in names]]
    lines = part.astype(object).where(part.notna(), "").itertuples(index=False, name=None)
    if held is not None:
        names, lines = [own, *names], ((item, *line) for item, line in zip(held, lines, strict=True))
    write_csv(path, names, lines)
    return str(path)


def texts_file(value: Mapping[str, Sequence[Any]], path: Path) -> str:
    """Texts (n,) as CSV, with their ids and classes where there are any."""
    make_folder(path.parent)
    columns: dict[str, Sequence[Any]] = dict(value)
    columns.setdefault("item_id", [f"i{i:04d}" for i in range(len(columns["text"]))])
    names = [name for name in ("item_id", "text", "y") if name in columns]
    write_csv(path, names, zip(*(columns[name] for name in names), strict=True))
    return str(path)


def index_ids(frame: Any, id_column: str = ITEM_ID) -> list[str] | None:
    """The index of a DataFrame as item ids, where it is called as their column, or holds texts; else None."""
    held = frame.index.tolist()
    called = frame.index.name == id_column
    return [str(one) for one in held] if held and (called or all(isinstance(one, str) for one in held)) else None


def own_index(frame: Any, id_column: str) -> list[str] | None:
    """The same of a pool, whose ids are unique.

    Raises:
        InputError: an id stands there twice.
    """
    held = index_ids(frame, id_column)
    if held is not None and not frame.index.is_unique:
        twice = frame.index[frame.index.duplicated()][0]
        raise InputError(f"the index of the DataFrame holds {str(twice)!r} more than once, and item ids are unique: "
                         ".reset_index(drop=True) leaves it away")
    return held


def plain_array(name: str, value: Any) -> np.ndarray:
    """What is in memory as an array of texts or numbers; one of Python objects (as pandas holds texts) becomes such.

    Raises:
        InputError: neither texts nor numbers, or rows of different lengths; with the name.
    """
    import numpy as np

    try:
        array = np.asarray(value)
    except ValueError as error:
        raise InputError(f"array {name}: its rows differ in length ({error})") from error
    if array.dtype.kind == "T":  # texts of any length, which NumPy would pickle
        array = array.astype(object)
    if array.dtype != object:
        return array
    held = array.ravel().tolist()
    if all(isinstance(one, str) for one in held):
        return array.astype(str)
    if all(isinstance(one, Real | Decimal) for one in held):
        whole = all(isinstance(one, Integral) for one in held)
        return np.array(held, dtype=None if whole else float).reshape(array.shape)
    kinds = ", ".join(sorted({type(one).__name__ for one in held})[:5])
    cure = f"np.array(list({'ids' if name == 'item_id' else name}), dtype=str) makes texts of them"
    if all(hasattr(one, "__len__") and not isinstance(one, str | bytes) for one in held):
        cure = f"np.stack(list({name})) makes rows of them"
    elif name not in ("item_id", "y"):
        cure = "give numbers only, in pandas with .astype(float)"
    raise InputError(f"array {name} holds Python objects that are not all texts nor all numbers ({kinds}): {cure}")
