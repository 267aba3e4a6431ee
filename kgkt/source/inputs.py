"""Read the data a person brings: arrays, folders of pictures, tables of texts; each item with a stable id."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kgkt.errors import InputError, count, nearest
from kgkt.files import sha256_file
from kgkt.source.arrays import TEST as TEST
from kgkt.source.arrays import check_ids, check_shape, clean, default_ids, load_array, load_arrays, needs
from kgkt.source.columns import ITEM_ID
from kgkt.source.images import open_folder
from kgkt.source.records import SUFFIXES, suffix_of
from kgkt.source.texts import Columns, read_texts
from kgkt.source.words.word_list import read_word_list

if TYPE_CHECKING:
    import numpy as np

FORMATS = (".npz (x, item_id, y), .npy, texts in .csv, .tsv, .jsonl, .json, .parquet (item_id, text, y; also .gz), "
           "words in .txt, one a line, or a folder of PNG and JPEG files")

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
        columns: of texts, the columns that were read; None of words, whose ids are their texts.
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
    columns: Columns | None = None

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def is_words(self) -> bool:
        """Whether each item is a word, and its own id."""
        return self.kind == "text" and self.columns is None


def read_data(
    path: Path | str,
    what: str = "pool",
    drop_bad: bool = False,
    folder_labels: bool = False,
    size: tuple[int, int] | None = None,
    id_column: str = ITEM_ID,
    fewest: int = 2,
    text_column: str | None = None,
    class_column: str | None = None,
) -> Data:
    """Read a pool of items.

    Args:
        path: a file or folder in one of FORMATS.
        what: what the data is to the user, for the messages ("pool", "test data").
        drop_bad: go on without rows that hold NaN or infinity, and without pictures that cannot be read.
        folder_labels: the subfolders of a folder of pictures are classes.
        size: (h, w) to bring pictures of a folder to.
        id_column: of a table of texts, the column of item ids; without an item_id, `id`, else its rows are numbered.
        fewest: items that are needed; a graph needs many, an answer one.
        text_column: the column of texts; without one `text`, else the only one that looks like text.
        class_column: the column of classes; without one y, class or label, where there is one.

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
    if suffix_of(path) in SUFFIXES:
        asked = Columns(text_column, None if id_column == ITEM_ID else id_column, class_column)
        return _read_table(path, what, asked, fewest)
    if suffix_of(path) == ".txt":
        return _read_words(path, what, fewest)
    raise InputError(f"{what} {path}: no reader for {suffix or 'a file without suffix'}; use {FORMATS}")


def read_test(
    path: Path | str, folder_labels: bool = True, size: tuple[int, int] | None = None, id_column: str = ITEM_ID,
    text_column: str | None = None, class_column: str | None = None,
) -> Data:  # fmt: skip
    """Read labelled test data: x and y.

    Raises:
        InputError: as `read_data`, or there is no y.
    """
    data = read_data(path, TEST, folder_labels=folder_labels, size=size, id_column=id_column, text_column=text_column,
                     class_column=class_column)  # fmt: skip
    if data.y is None:
        how = ("--class-column names the one that holds the classes, or add a column y" if data.kind == "text"
               else "save it with np.savez(path, x=..., y=...)")
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


def _read_table(path: Path, what: str, asked: Columns, fewest: int) -> Data:
    import numpy as np

    read = read_texts(path, what, asked, need_classes=what == TEST)
    if len(read.texts) < fewest:
        raise InputError(f"{what} {path} has {count(len(read.texts), 'row')}: {needs(what)}")
    y = None if read.classes is None else np.array(read.classes, dtype=str)
    x = np.empty(len(read.texts), dtype=object)
    x[:] = read.texts
    return Data(read.ids, x, y, None, read.texts, "text", sha256_file(path), read.notices, columns=read.columns)


def _read_words(path: Path, what: str, fewest: int) -> Data:
    """A list of words: each is an item, and its own id and text."""
    words, notices = read_word_list(path, what)
    if len(words) < fewest:
        raise InputError(f"{what} {path} has {count(len(words), 'word')}: {needs(what)}")
    return words_as_data(words, sha256_file(path), notices)


def words_as_data(words: list[str], digest: str, notices: list[str]) -> Data:
    """Words as items; `digest` is of what they come from."""
    import numpy as np

    x = np.empty(len(words), dtype=object)
    x[:] = words
    return Data(np.array(words, dtype=str), x, None, None, words, "text", digest, notices)


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
