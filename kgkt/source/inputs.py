"""Read the data a person brings: arrays, folders of pictures, tables of texts; each item with a stable id."""

from __future__ import annotations

import csv
import hashlib
import io
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kgkt.errors import InputError, count, nearest
from kgkt.files import sha256_file
from kgkt.source.arrays import check_ids, check_shape, clean, default_ids, load_array, load_arrays
from kgkt.source.columns import ITEM_ID, need_ids
from kgkt.source.images import open_folder
from kgkt.source.safety import read_head, refuse_disguise

if TYPE_CHECKING:
    import numpy as np

FORMATS = ".npz (x, item_id, y), .npy, .csv (item_id, text, y) or a folder of PNG and JPEG files"


@dataclass(frozen=True, slots=True, eq=False)
class Data:
    """Items with their inputs.

    Args:
        ids: (n,) item ids, unique.
        x: (n, ...) numbers, in memory or read when indexed (shape, dtype, len and indexing by a slice or
            an index array in either case); (n,) text for kind "text".
        y: (n,) class names as text, or None.
        uris: (n,) paths, or None.
        text: (n,) texts, or None.
        kind: "array", "images" (from a folder) or "text".
        digest: sha256 of the content.
        notices: what was cast or dropped, one line each.
        files: (n,) sha256 of each item's own file, or None where items lie in one.
    """

    ids: np.ndarray
    x: Any
    y: np.ndarray | None
    uris: list[str] | None
    text: list[str] | None
    kind: str
    digest: str
    notices: list[str] = field(default_factory=list)
    files: list[str] | None = None

    def __len__(self) -> int:
        return len(self.ids)


def read_data(
    path: Path | str,
    what: str = "pool",
    drop_bad: bool = False,
    folder_labels: bool = False,
    size: tuple[int, int] | None = None,
    id_column: str = ITEM_ID,
    fewest: int = 2,
) -> Data:
    """Read a pool of items.

    Args:
        path: a file or folder in one of FORMATS.
        what: what the data is to the user, for the messages ("pool", "test data").
        drop_bad: go on without rows that hold NaN or infinity, and without pictures that cannot be read.
        folder_labels: the subfolders of a folder of pictures are classes.
        size: (h, w) to bring pictures of a folder to.
        id_column: of a table of texts, the column of item ids.
        fewest: items that are needed; a graph needs many, an answer one.

    Raises:
        InputError: it cannot be used; the message says which file, row and value.
    """
    path = Path(path)
    if not path.exists():
        raise InputError(f"{what} {path} is not there")
    if path.is_dir():
        return _read_folder(path, what, drop_bad, folder_labels, size, fewest)
    suffix = path.suffix.lower()
    if suffix == ".npz":
        return _read_npz(path, what, drop_bad, fewest)
    if suffix == ".npy":
        return _read_npy(path, what, drop_bad, fewest)
    if suffix in {".csv", ".tsv"}:
        return _read_csv(path, what, id_column, fewest)
    hint = "; a Parquet file of features goes to --features" if suffix == ".parquet" else ""
    raise InputError(f"{what} {path}: no reader for {suffix or 'a file without suffix'}; use {FORMATS}{hint}")


def read_test(path: Path | str, folder_labels: bool = True, size: tuple[int, int] | None = None) -> Data:
    """Read labelled test data: x and y.

    Raises:
        InputError: as `read_data`, or there is no y.
    """
    data = read_data(path, "test data", folder_labels=folder_labels, size=size)
    if data.y is None:
        how = "add a column y" if data.kind == "text" else "save it with np.savez(path, x=..., y=...)"
        raise InputError(f"test data {path} has no y: {how}")
    return data


def _read_npz(path: Path, what: str, drop_bad: bool, fewest: int) -> Data:
    arrays = load_arrays(path)
    where = f"{what} {path}"
    if "x" not in arrays:
        raise InputError(f"{where} has no array x{nearest('x', arrays)}; save it with np.savez(path, x=...)")
    x = arrays["x"]
    check_shape(f"{where}: x", x.shape, x.dtype, fewest)
    ids = check_ids(where, arrays["item_id"], len(x)) if "item_id" in arrays else default_ids(len(x))
    y = class_names(f"{where}: y", arrays["y"], len(x)) if "y" in arrays else None
    notices: list[str] = []
    x, keep = clean(f"{where}: x", x, ids, drop_bad, notices, fewest)
    if keep is not None:
        ids, y = ids[keep], None if y is None else y[keep]
    return Data(ids, x, y, None, None, "array", sha256_file(path), notices)


def _read_npy(path: Path, what: str, drop_bad: bool, fewest: int) -> Data:
    x = load_array(path)
    where = f"{what} {path}"
    check_shape(where, x.shape, x.dtype, fewest)
    ids = default_ids(len(x))
    notices: list[str] = []
    x, keep = clean(where, x, ids, drop_bad, notices, fewest)
    return Data(ids if keep is None else ids[keep], x, None, None, None, "array", sha256_file(path), notices)


def _read_folder(
    path: Path, what: str, drop_bad: bool, folder_labels: bool, size: tuple[int, int] | None, fewest: int
) -> Data:
    import numpy as np

    images = open_folder(path, size, drop_bad)
    check_shape(f"{what} {path}", images.shape, images.dtype, fewest)
    names = [file.relative_to(path).as_posix() for file in images.files]
    y = None
    if folder_labels:
        for name in names:
            if "/" not in name:
                raise InputError(f"{what} {path}: {name} lies in no subfolder; with labels from folders each picture "
                                 "lies in a folder named after its class")
        y = np.array([name.split("/")[0] for name in names])
    digests = [sha256_file(file) for file in images.files]
    digest = hashlib.sha256()
    for name, one in zip(names, digests, strict=True):
        digest.update(f"{len(name.encode())}:{name}{one}".encode())
    ids = check_ids(f"{what} {path}", names, len(names))
    notices = []
    if images.dropped:
        n, first = len(images.dropped), images.dropped[0].relative_to(path).as_posix()
        notices.append(f"{what} {path}: {n:,} of {n + len(images):,} pictures dropped that cannot be read, "
                       f"first {first}")
    if images.resized:
        height, width = images.shape[1:3]
        notices.append(f"{images.resized:,} of {len(images):,} pictures of {path} are brought to {height} x {width}")
    uris = [str(file) for file in images.files]
    return Data(ids, images, y, uris, None, "images", digest.hexdigest(), notices, digests)


def _read_csv(path: Path, what: str, id_column: str, fewest: int) -> Data:
    import numpy as np

    where = f"{what} {path}"
    refuse_disguise(path, read_head(path))
    raw = path.read_bytes()
    try:
        content = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise InputError(f"{where}, line {line}: not UTF-8; save the file as UTF-8") from error
    header = content.split("\n", 1)[0]
    reader = csv.reader(io.StringIO(content, newline=""), delimiter=max(",;\t", key=header.count), strict=True)
    rows: list[list[str]] = []
    try:
        columns = next(reader, [])
        need_ids(where, id_column, columns)
        if "text" not in columns:
            raise InputError(f"{where} has no column text{nearest('text', columns)}")
        for row in reader:
            if row and len(row) != len(columns):
                raise InputError(f"{where}, line {reader.line_num}: {count(len(row), 'field')}, the header has "
                                 f"{len(columns)}")
            rows.extend([row] if row else [])
    except csv.Error as error:
        raise InputError(f"{where}, line {reader.line_num}: {error}") from error
    if len(rows) < fewest:
        raise InputError(f"{where} has {count(len(rows), 'row')}: a graph needs many items")
    table = {name: [row[i] for row in rows] for i, name in enumerate(columns)}
    ids = check_ids(where, np.array(table[id_column], dtype=object), len(rows))
    texts = table["text"]
    y = class_names(f"{where}: y", table["y"], len(rows)) if "y" in table else None
    empty = [item for item, text in zip(ids.tolist(), texts, strict=True) if not text.strip()]
    notices = [f"{len(empty)} of {len(texts):,} texts are empty, e.g. {empty[0]}"] if empty else []
    return Data(ids, np.array(texts, dtype=object), y, None, texts, "text", sha256_file(path), notices)


def class_names(where: str, values: Any, n: int) -> np.ndarray:
    """Class names as (n,) text; whole numbers are read as their text.

    Raises:
        InputError: one-hot rows, fractions, empty names, another number of rows.
    """
    import numpy as np

    array = np.asarray(values)
    if array.ndim == 2 and array.shape[0] == n and array.shape[1] > 1:
        raise InputError(f"{where} has shape {array.shape}: one class for each row is needed; for one-hot rows save "
                         "y.argmax(1)")
    if array.shape != (n,):
        raise InputError(f"{where} has shape {array.shape}, x has {count(n, 'row')}: one class for each row")
    if array.dtype.kind == "f" and np.isfinite(array).all() and (array == np.round(array)).all():
        array = array.astype(np.int64)
    if array.dtype.kind == "S":
        array = np.char.decode(array, "utf-8", "replace")
    if array.dtype.kind not in "USiub":
        raise InputError(f"{where} has dtype {array.dtype}; use class names or whole numbers")
    names = array.astype(str)
    if (names == "").any():
        raise InputError(f"{where}: the class of row {int(np.flatnonzero(names == '')[0])} is empty")
    return names
