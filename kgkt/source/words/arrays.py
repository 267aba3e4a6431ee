"""Word vectors as arrays: a matrix beside a list of words, in .npy, .npz and .safetensors, or a table in Parquet."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kgkt.errors import InputError, nearest
from kgkt.source.arrays import load_array, load_arrays
from kgkt.source.columns import is_list
from kgkt.source.numbered import by_prefix
from kgkt.source.parquet import READ_BYTES
from kgkt.source.words.faults import Faults
from kgkt.source.words.text import Rows
from kgkt.source.words.vocabulary import beside, fitting, word_column

if TYPE_CHECKING:
    import numpy as np

ROWS_BYTES = 8 << 20  # of rows that are read at a time
WORDS, VECTORS = ("words", "item_id"), ("vectors", "x")  # names of arrays in .npz; of metadata in .safetensors
META = ("words", "vocabulary", "vocab")


class MatrixVectors:
    """A matrix with a word for each row; attributes as of `kgkt.source.words.text.TextVectors`.

    Args:
        kind: of the file.
        where: file and array, for messages.
        base: anything with `shape`, `dtype` and rows by a slice.
        words: of the rows; None of a row without a word, which is passed over.
        files: that it was read from.

    Raises:
        InputError: no matrix, or not of numbers.
    """

    def __init__(self, kind: str, where: str, base: Any, words: Sequence[str | None], files: Sequence[Path]) -> None:
        self.kind, self.where, self.base, self.words, self.files = kind, where, base, words, tuple(files)
        self.count: int | None = len(words)
        self.width = int(base.shape[1])
        self.faults, self.notices = Faults(where, "row"), list[str]()
        if empty := sum(not word for word in words):
            self.notices.append(f"{where}: {empty:,} of {len(words):,} rows have no word: passed over")

    def rows(self, wanted: Collection[str] | None = None) -> Rows:
        """Words with their vectors, some MB at a time; rows of other words than those wanted are passed over."""
        import numpy as np

        step = max(1, ROWS_BYTES // (4 * self.width))
        for start in range(0, len(self.words), step):
            words = self.words[start : start + step]
            keep = [row for row, word in enumerate(words) if word and (wanted is None or word in wanted)]
            self.faults.seen = start + len(words)
            if keep:
                block = np.asarray(self.base[start : start + len(words)])
                with np.errstate(over="ignore"):  # infinity, which is told
                    vectors = block[keep].astype(np.float32)
                yield [start + row for row in keep], [words[row] or "" for row in keep], vectors


def open_npy(path: Path, listed: str) -> MatrixVectors:
    """A .npy file with a list of words beside it."""
    base = load_array(path)
    _check_matrix(str(path), base.shape, base.dtype)
    return _listed("npy", path, str(path), base, beside(path, listed))


def _listed(kind: str, path: Path, where: str, base: Any, place: Path) -> MatrixVectors:
    """A matrix with the words of a list, which is said: it may only happen to lie beside it."""
    held = MatrixVectors(kind, where, base, fitting(path, base.shape[0], place), (path, place))
    held.notices.insert(0, f"{path}: the words of its rows are those of {place}")
    return held


def open_npz(path: Path, inner: str, listed: str) -> MatrixVectors:
    """A .npz file with arrays `words` (or item_id) and `vectors` (or x)."""
    arrays = load_arrays(path)
    tables = {name: len(array) for name, array in arrays.items() if array.ndim == 2 and array.dtype.kind in "fiu"}
    name = _choose(path, "array", tables, inner or next((name for name in VECTORS if name in tables), ""))
    _check_matrix(f"{path}: {name}", arrays[name].shape, arrays[name].dtype)
    rows = len(arrays[name])
    named = "" if listed else next((name for name in WORDS if name in arrays), "")
    if not named:
        if not listed:
            raise InputError(f"{path} has no array words: save it with np.savez(path, words=np.array(words, "
                             f"dtype=str), vectors=...), or name a list of the words as {path},WORDS.txt")
        return _listed("npz", path, str(path), arrays[name], Path(listed))
    if arrays[named].shape != (rows,) or arrays[named].dtype.kind not in "US":
        raise InputError(f"{path}: {named} has shape {arrays[named].shape} and dtype {arrays[named].dtype}, {name} has "
                         f"{rows:,} rows: expected a text for each row")
    words = [word.decode("utf-8", "replace") if isinstance(word, bytes) else word for word in arrays[named].tolist()]
    return MatrixVectors("npz", str(path), arrays[name], words, (path,))


def open_safetensors(path: Path, inner: str, listed: str) -> MatrixVectors:
    """A .safetensors file with one matrix, or a named one; words from its metadata, or a list beside it."""
    shapes, meta = _tensors(path)
    name = _choose(path, "tensor", {name: shape[0] for name, shape in shapes.items() if len(shape) == 2}, inner)
    entry = "" if listed else next((key for key in META if key in meta), "")
    base = _Tensor(path, name)
    _check_matrix(f"{path}: {name}", base.shape, base.dtype)
    if entry:
        words = _of_metadata(path, entry, meta[entry])
        if len(words) != base.shape[0]:
            raise InputError(f"{path}: its metadata {entry} lists {len(words):,} words, {name} has "
                             f"{base.shape[0]:,} rows")
        return MatrixVectors("safetensors", str(path), base, words, (path,))
    return _listed("safetensors", path, str(path), base, beside(path, listed))


def _of_metadata(path: Path, entry: str, text: str) -> list[str | None]:
    """Words of an entry: a JSON list, or one a line."""
    if not text.lstrip().startswith("["):
        return [word or None for word in text.removesuffix("\n").split("\n")]
    try:
        words = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: its metadata {entry} is no JSON list ({error})") from error
    if not all(isinstance(word, str | None) for word in words):
        raise InputError(f"{path}: its metadata {entry} is no list of words")
    return [word or None for word in words]


class _Tensor:
    """A matrix of a .safetensors file, of which only rows that are asked for are read."""

    def __init__(self, path: Path, name: str) -> None:
        import numpy as np

        self.path, self.name = path, name
        with _opened(path) as file:
            self.shape = tuple(file.get_slice(name).get_shape())
            self.dtype = np.dtype(file.get_slice(name)[:1].dtype)

    def __getitem__(self, rows: slice) -> np.ndarray:
        with _opened(self.path) as file:
            part: np.ndarray = file.get_slice(self.name)[rows]
            return part


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            yield file
    except (SafetensorError, OSError, ValueError, TypeError, AttributeError) as error:
        raise InputError(f"{path} cannot be read ({error}): fetch it again, or save it as float32") from error


def _tensors(path: Path) -> tuple[dict[str, list[int]], dict[str, str]]:
    with _opened(path) as file:
        shapes = {name: file.get_slice(name).get_shape() for name in file.keys()}  # noqa: SIM118
        return shapes, dict(file.metadata() or {})


def _choose(path: Path, what: str, names: Mapping[str, int], name: str) -> str:
    """The matrix that is named, or the only one, among names with how many rows each has."""
    if name and name not in names:
        raise InputError(f"{path} has no {what} {name} of two axes{nearest(name, names)}")
    if not names:
        raise InputError(f"{path} has no {what} of two axes, a row for each word")
    if not name and len(names) > 1:
        likely = sorted(names, key=lambda one: ("embed" not in one.lower(), -names[one]))
        shown = ", ".join(likely[:5]) + (", …" if len(likely) > 5 else "")
        raise InputError(f"{path} has {len(names)} {what}s of two axes ({shown}): name one, as {path}:{likely[0]}")
    return name or next(iter(names))


def _check_matrix(where: str, shape: tuple[int, ...], dtype: Any) -> None:
    if len(shape) != 2 or 0 in shape:
        raise InputError(f"{where}: expected a row of numbers for each word, received shape {shape}")
    if dtype.kind not in "fiu":
        raise InputError(f"{where}: dtype {dtype} is not a number; save it as float32")


class ParquetVectors:
    """A Parquet file with a column of words, and a column of lists of numbers or a column for each number.

    Args:
        path: the file.
        inner: the column of lists, or what the names of the columns of numbers begin with; "": the only ones.

    Raises:
        InputError: damaged, no words, no numbers, or several.
    """

    kind = "Parquet"
    files: tuple[Path, ...]
    count: int | None

    def __init__(self, path: Path, inner: str) -> None:
        import pyarrow.parquet as pq

        self.path, self.files = path, (path,)
        self.faults, self.notices = Faults(str(path), "row"), list[str]()
        with _parquet(path), pq.ParquetFile(path, pre_buffer=False) as file:
            schema, self.count = file.schema_arrow, int(file.metadata.num_rows)
            self.word = word_column(path, schema)
            lists = [field.name for field in schema if is_list(field.type)]
            numbers = by_prefix([field.name for field in schema if str(field.type) in ("float", "double", "halffloat")])
            groups = {**{name: [name] for name in lists}, **({} if lists else numbers)}
            self.columns = groups[_choose_columns(path, list(groups), inner)]
            self.lists = bool(lists)
            if not self.count:
                raise InputError(f"{path} holds no word")
            self.width = len(self.columns)
            if self.lists:
                first = next(file.iter_batches(batch_size=1, columns=self.columns))
                self.width = len(first.column(0)[0].as_py() or ())
        if not self.width:
            raise InputError(f"{path}: column {self.columns[0]} has no numbers in row 0")

    def rows(self, wanted: Collection[str] | None = None) -> Rows:
        """Words with their vectors, some MB at a time; `wanted` changes nothing here."""
        import numpy as np
        import pyarrow.parquet as pq

        step, done = max(1, ROWS_BYTES // (4 * self.width)), 0
        with _parquet(self.path), pq.ParquetFile(
            self.path, pre_buffer=False, buffer_size=READ_BYTES, page_checksum_verification=True
        ) as file:
            for batch in file.iter_batches(batch_size=step, columns=[self.word, *self.columns]):
                words = [word or "" for word in batch.column(self.word).to_pylist()]
                numbers = np.arange(done, done + len(batch))
                done = self.faults.seen = done + len(batch)
                if self.lists:
                    keep, vectors = self._of_lists(batch.column(self.columns[0]), numbers)
                else:
                    keep = np.arange(len(batch))
                    vectors = np.stack([_floats(batch.column(name)) for name in self.columns], axis=1)
                yield numbers[keep].tolist(), [words[place] for place in keep.tolist()], vectors

    def _of_lists(self, column: Any, numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Rows of the right width, and their (b, d) numbers."""
        import numpy as np
        from pyarrow.compute import list_value_length

        column = getattr(column, "storage", column)
        lengths = np.nan_to_num(list_value_length(column).to_numpy(zero_copy_only=False), nan=0).astype(np.int64)
        for place in np.flatnonzero(lengths != self.width).tolist():
            self.faults.skip(int(numbers[place]), f"has {lengths[place]:,} numbers, {self.width:,} expected")
        keep = np.flatnonzero(lengths == self.width)
        return keep, _floats(column.take(keep).flatten()).reshape(-1, self.width)


def _floats(values: Any) -> np.ndarray:
    """Arrow numbers as float32, a missing one as NaN."""
    import numpy as np

    with np.errstate(over="ignore"):
        return np.asarray(values.to_numpy(zero_copy_only=False), np.float32)


def _choose_columns(path: Path, names: Sequence[str], name: str) -> str:
    if name and name not in names:
        raise InputError(f"{path} has no columns {name}{nearest(name, names)}")
    if not names:
        raise InputError(f"{path} has no column of lists of numbers, and no columns of numbers beside the words")
    if not name and len(names) > 1:
        raise InputError(f"{path} has several vectors a word ({', '.join(names[:5])}): name one, as {path}:{names[0]}")
    return name or names[0]


@contextmanager
def _parquet(path: Path) -> Iterator[None]:
    import pyarrow as pa

    try:
        yield
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"{path} cannot be read as Parquet ({error})") from error
    finally:
        pa.default_memory_pool().release_unused()
