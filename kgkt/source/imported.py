"""Features made elsewhere, brought in through an open file format."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kgkt.errors import InputError, nearest
from kgkt.source.arrays import (
    Progress,
    blocks,
    check_ids,
    check_shape,
    default_ids,
    load_array,
    load_arrays,
    pool,
    refuse_bad,
)
from kgkt.source.columns import ITEM_ID, open_columns
from kgkt.source.parquet import Batch, describe, write_features
from kgkt.values import Features

if TYPE_CHECKING:
    import numpy as np

TABLES = (".parquet", ".csv", ".tsv")
SHOWN = 8  # names of columns in a notice


def import_features(
    path: Path | str,
    out: Path,
    layers: Sequence[str] = (),
    drop_bad: bool = False,
    progress: Progress | None = None,
    id_column: str = ITEM_ID,
    columns: Sequence[str] = (),
    fewest: int = 2,
) -> Features:
    """Bring in features that were made elsewhere.

    Args:
        path: `.parquet` or `.csv` (item_id, and a column of lists for each layer, or columns of numbers), `.npz` (each
            array of two or more axes a layer, item_id if there) or `.npy` (one layer called "features").
        out: the features file to write; it stays as it was if anything fails.
        layers: which layers, all when empty.
        drop_bad: go on without rows that hold NaN or infinity.
        progress: called with how many more items are done.
        id_column: of a table, the column of item ids.
        columns: of a table, patterns of columns of numbers, one layer each.
        fewest: items that are needed; a graph needs many, an answer one.

    Returns:
        The features; `meta["notices"]` says what was cast, ignored or dropped, one line each.

    Raises:
        InputError: it cannot be used; the message says which column, row and value.
    """
    path = _there(path)
    notices: list[str] = []
    if path.suffix.lower() in TABLES:
        table = open_columns(path, layers, id_column, columns)
        ids, widths, batches = table.ids, table.widths, iter(table)
        notices += table.notices
        if table.others:
            notices.append(f"{path}: columns not read: {_some(table.others)}")
    elif path.suffix.lower() in {".npz", ".npy"}:
        arrays, ids = _arrays(path, layers, notices, fewest)
        widths = {name: math.prod(pool(a[:1]).shape) for name, a in arrays.items()}
        batches = _array_batches(arrays, ids)
    else:
        raise InputError(f"features {path}: no reader for {path.suffix or 'a file without suffix'}; use .parquet, "
                         ".csv, .npz or .npy")
    for name, width in widths.items():
        check_shape(f"{path}: {name}", (len(ids), width), fewest=fewest)
    meta = describe(path.name, notices)
    checked = _checked(path, ids, batches, drop_bad, notices, meta, progress, fewest)
    return write_features(Path(out), widths, checked, meta)


def peek_features(
    path: Path | str, layers: Sequence[str] = (), id_column: str = ITEM_ID, columns: Sequence[str] = (), fewest: int = 2
) -> tuple[int, dict[str, int]]:
    """How many items a features file holds, and the width of each layer; the values are not looked at.

    Raises:
        InputError: as `import_features`.
    """
    path = _there(path)
    if path.suffix.lower() in TABLES:
        table = open_columns(path, layers, id_column, columns)
        return len(table.ids), dict(table.widths)
    arrays, ids = _arrays(path, layers, [], fewest)
    return len(ids), {name: math.prod(pool(a[:1]).shape) for name, a in arrays.items()}


def peek_ids(
    path: Path | str, layers: Sequence[str] = (), id_column: str = ITEM_ID, columns: Sequence[str] = ()
) -> np.ndarray:
    """(n,) the item ids of a features file; arguments and errors as for `peek_features`."""
    path = _there(path)
    if path.suffix.lower() in TABLES:
        return open_columns(path, layers, id_column, columns).ids
    return _arrays(path, layers, [])[1]


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:SHOWN]) + (f", … {len(names)} in all" if len(names) > SHOWN else "")


def _there(path: Path | str) -> Path:
    """The path, if something is at it."""
    path = Path(path)
    if not path.exists():
        raise InputError(f"features {path} are not there")
    if path.suffix.lower() in (".txt", ".vec", ".bin"):
        raise InputError(f"features {path}: a file of word vectors is named --model words:{path}; features are "
                         ".parquet, .csv, .npz or .npy")
    return path


def _arrays(
    path: Path, layers: Sequence[str], notices: list[str], fewest: int = 2
) -> tuple[dict[str, Any], np.ndarray]:
    """The layers of a `.npz` or `.npy` file and the item ids."""
    if path.suffix.lower() == ".npy":
        arrays = {"features": load_array(path)}
        ids = None
    else:
        arrays = load_arrays(path)
        ids = arrays.pop("item_id", None)
        if "y" in arrays:
            notices.append(f"{path}: array not read: y")
            arrays.pop("y")
    if not arrays:
        raise InputError(f"{path} holds no array of features")
    for name in layers:
        if name not in arrays:
            raise InputError(f"{path} has no array {name}{nearest(name, arrays)}")
    arrays = {name: arrays[name] for name in layers} if layers else arrays
    for name, array in arrays.items():
        check_shape(f"{path}: {name}", array.shape, array.dtype, fewest)
    lengths = {name: len(array) for name, array in arrays.items()}
    if len(set(lengths.values())) > 1:
        raise InputError(f"{path}: its arrays differ in rows: {', '.join(f'{k} {v}' for k, v in lengths.items())}")
    n = next(iter(lengths.values()))
    return arrays, default_ids(n) if ids is None else check_ids(str(path), ids, n)


def _array_batches(arrays: dict[str, Any], ids: np.ndarray) -> Iterator[Batch]:
    """Rows of all layers, as many at a time as a block of the widest holds."""
    widest = max(arrays.values(), key=lambda a: a.nbytes // len(a))
    for start, block in blocks(widest):
        stop = start + len(block)
        yield ids[start:stop], {name: _flat(a[start:stop]) for name, a in arrays.items()}


def _flat(rows: Any) -> np.ndarray:
    """Rows as (b, d): maps are pooled as A's own are."""
    import numpy as np

    return pool(rows) if rows.ndim > 2 else np.asarray(rows)


def _checked(
    path: Path,
    ids: np.ndarray,
    batches: Iterator[Batch],
    drop_bad: bool,
    notices: list[str],
    meta: dict[str, str],
    progress: Progress | None,
    fewest: int,
) -> Iterator[Batch]:
    """Batches as float32 without bad rows; refuses them, counted, when the last batch has been seen."""
    import numpy as np

    found: list[np.ndarray] = []
    kinds: set[str] = set()
    done = 0
    for part, arrays in batches:
        kinds |= {str(a.dtype) for a in arrays.values()}
        with np.errstate(over="ignore"):
            cast = {name: a.astype(np.float32, copy=False) for name, a in arrays.items()}
        good = np.logical_and.reduce([np.isfinite(a).all(axis=1) for a in cast.values()])
        found.append(done + np.flatnonzero(~good))
        done += len(part)
        yield (part, cast) if good.all() else (part[good], {name: a[good] for name, a in cast.items()})
        if progress:
            progress(len(part))
    bad = np.concatenate(found)
    if len(bad):
        hint = "; float16 cannot hold values above 65,504: save it as float32" if "float16" in kinds else ""
        refuse_bad(f"features {path}", bad, ids, drop_bad, notices, hint)
        check_shape(f"features {path}", (len(ids) - len(bad), 2), fewest=fewest)
    if kinds != {"float32"}:
        notices.append(f"features {path}: cast from {', '.join(sorted(kinds - {'float32'}))} to float32")
    meta["notices"] = "\n".join(notices)
