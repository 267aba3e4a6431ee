"""Arrays that may be larger than memory: rows read when asked for, and the checks every input passes."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kgkt.errors import InputError
from kgkt.source.safety import ZIP_FAULTS, read_head, refuse_disguise
from kgkt.values import GRID

if TYPE_CHECKING:
    import numpy as np

BLOCK_BYTES = 32 << 20
TEST = "test data"  # what it is called to the user
MAX_ID = 1000  # characters; fixed-width arrays of ids take n times the longest
Progress = Callable[[int], object]  # how many more items are done


@dataclass(frozen=True, slots=True, eq=False)
class LazyRows:
    """Rows of an array on disk or of a folder, read, chosen and cast only when they are asked for.

    Args:
        base: anything with `shape`, `dtype` and indexing by a slice or an index array.
        shape: (n, ...) as seen from outside.
        dtype: what the rows are cast to.
        keep: (n,) rows of `base` that are kept, None for all.
    """

    base: Any
    shape: tuple[int, ...]
    dtype: Any
    keep: np.ndarray | None = None

    def __len__(self) -> int:
        return self.shape[0]

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    def __getitem__(self, key: Any) -> np.ndarray:
        """Rows by a number, a slice or an index array, in memory."""
        import numpy as np

        rows = self.base[key if self.keep is None else self.keep[key]]
        return np.array(rows, dtype=self.dtype)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        import numpy as np

        return np.asarray(self[:], dtype=dtype)


def blocks(x: Any, limit: int = BLOCK_BYTES) -> Iterator[tuple[int, np.ndarray]]:
    """Yield (first row, rows in memory) of at most `limit` bytes each."""
    import math

    import numpy as np

    row = max(1, math.prod(x.shape[1:]) * np.dtype(x.dtype).itemsize)
    step = max(1, limit // row)
    for start in range(0, x.shape[0], step):
        yield start, np.asarray(x[start : start + step])


def pool(values: np.ndarray) -> np.ndarray:
    """Average-pool the inner axes of a map to at most 4 each, and flatten.

    Args:
        values: (b, d), or (b, h, w, channels) and the like, channels last.

    Returns:
        (b, d) float32; for a map of h, w > 4, d is 4 * 4 * channels.
    """
    import numpy as np

    out = np.asarray(values, dtype=np.float32)
    for axis in range(1, out.ndim - 1):
        size = out.shape[axis]
        if size > GRID:
            weights = np.zeros((GRID, size), np.float32)
            for i in range(GRID):
                cell = slice(i * size // GRID, -(-(i + 1) * size // GRID))
                weights[i, cell] = 1 / (cell.stop - cell.start)
            with np.errstate(invalid="ignore"):  # infinity stays no number, which is refused afterwards
                out = np.moveaxis(np.tensordot(out, weights, axes=(axis, 1)), -1, axis)
    return np.ascontiguousarray(out.reshape(len(out), -1))


def needs(where: str) -> str:
    """What is said of data that is too small, by what it is called: test data, or a pool."""
    return "to measure by it more are needed" if where.startswith(TEST) else "a graph needs many items"


def check_shape(where: str, shape: tuple[int, ...], dtype: Any = "float32", fewest: int = 2) -> None:
    """Refuse what cannot be a pool of items by its shape or dtype; where one item will do, `fewest` is 1.

    Raises:
        InputError: text, objects, complex numbers; a 1-D array; empty, one row where more are needed, one column.
    """
    import math

    import numpy as np

    dtype = np.dtype(dtype)
    if dtype.kind not in "fiub":
        raise InputError(f"{where}: dtype {dtype} is not a number that a model takes; save it as float32 or uint8")
    if len(shape) < 2:
        raise InputError(f"{where}: expected (items, ...) with at least two axes, received shape {shape}; reshape it "
                         "so that each item is a row")
    if 0 in shape:
        raise InputError(f"{where} is empty: received shape {shape}")
    if shape[0] < fewest:
        raise InputError(f"{where} has one row, shape {shape}: {needs(where)}")
    if math.prod(shape[1:]) == 1:
        raise InputError(f"{where} has one column, shape {shape}: an item needs at least two numbers")


def clean(
    where: str, x: Any, ids: np.ndarray, drop_bad: bool, notices: list[str], fewest: int = 2
) -> tuple[Any, np.ndarray | None]:
    """Check every value, cast floats to float32 (said in `notices`), and drop bad rows where asked.

    Args:
        where: file and array, for the messages.
        x: (n, ...) numbers, in memory or lazy.
        ids: (n,) item ids.
        drop_bad: drop rows with NaN or infinity instead of refusing them.
        notices: what was done is appended here.
        fewest: items that must be left.

    Returns:
        The array, and the (m,) rows that were kept (None for all).

    Raises:
        InputError: NaN or infinity, or a value that float32 cannot hold.
    """
    import numpy as np

    dtype = np.dtype(x.dtype)
    if dtype.kind != "f":
        return x, None
    bad = bad_rows(x)
    keep = None
    if len(bad):
        hint = "; float16 cannot hold values above 65,504: save it as float32" if dtype == np.float16 else ""
        refuse_bad(where, bad, ids, drop_bad, notices, hint)
        keep = np.setdiff1d(np.arange(x.shape[0]), bad)
        check_shape(where, (len(keep), *x.shape[1:]), fewest=fewest)
    if dtype != np.float32:
        notices.append(f"{where}: cast from {dtype} to float32")
    if isinstance(x, np.ndarray) and not isinstance(x, np.memmap):
        return (x if keep is None else x[keep]).astype(np.float32, copy=False), keep
    if keep is None and dtype == np.float32:
        return x, None
    n = x.shape[0] if keep is None else len(keep)
    return LazyRows(x, (n, *x.shape[1:]), np.dtype(np.float32), keep), keep


def bad_rows(x: Any) -> np.ndarray:
    """Rows of (n, ...) floats that hold NaN, infinity or a value above float32, read block by block."""
    import numpy as np

    found = []
    for start, block in blocks(x):
        flat = block.reshape(len(block), -1)
        good = np.isfinite(flat)
        if block.dtype.itemsize > 4:
            good &= np.abs(flat, where=good, out=np.zeros_like(flat)) <= np.finfo(np.float32).max
        found.append(start + np.flatnonzero(~good.all(axis=1)))
    return np.concatenate(found)


def refuse_bad(
    where: str, bad: np.ndarray, ids: np.ndarray, drop_bad: bool, notices: list[str], hint: str = ""
) -> None:
    """Refuse bad rows with the first one and their count, or say that they were dropped."""
    row = int(bad[0])
    said = (f"NaN, infinity or a value above float32 in {len(bad)} of {len(ids)} rows, first in row {row} "
            f"(item_id {ids[row]})")
    if not drop_bad:
        raise InputError(f"{where}: {said}{hint}; repair them, or pass --drop-bad to go on without")
    notices.append(f"{where}: {len(bad)} of {len(ids)} rows dropped: {said}")


def default_ids(n: int) -> np.ndarray:
    """Item ids for rows that bring none: i0000, i0001, ..."""
    import numpy as np

    width = max(4, len(str(n - 1)))
    return np.array([f"i{i:0{width}d}" for i in range(n)])


def are_numbered(ids: np.ndarray) -> bool:
    """Whether these are the ids of rows that brought none."""
    return ids.tolist() == default_ids(len(ids)).tolist()


def rows_of(there: Iterable[Hashable], wanted: Iterable[Hashable]) -> np.ndarray:
    """(n,) the row of each of what is wanted, ids or digests of contents; -1 where it is not there."""
    import numpy as np

    place = {one: row for row, one in enumerate(there)}
    return np.array([place.get(one, -1) for one in wanted], np.int64)


def some_ids(ids: Sequence[str]) -> str:
    """The first three, for a message."""
    return ", ".join(ids[:3]) + (", …" if len(ids) > 3 else "")


def check_ids(where: str, values: Any, n: int) -> np.ndarray:
    """Item ids as (n,) text: one for each row, unique, not empty.

    Raises:
        InputError: with the row of the first id that cannot be used.
    """
    import numpy as np

    array = np.asarray(values) if len(values) else np.empty(0, str)
    if array.shape != (n,):
        raise InputError(f"{where}: item_id has shape {array.shape}, the data has {n} rows: one id for each row")
    if array.dtype.kind not in "USOiu":
        raise InputError(f"{where}: item_id has dtype {array.dtype}; use text or whole numbers")
    seen: dict[str, int] = {}
    for row, value in enumerate(array.tolist()):
        name = value.decode("utf-8", "replace") if isinstance(value, bytes) else "" if value is None else str(value)
        if not name or len(name) > MAX_ID or "\0" in name:
            fault = "is empty" if not name else "holds a NUL" if "\0" in name else f"has {len(name):,} characters"
            raise InputError(f"{where}: item_id of row {row} {fault}; use 1 to {MAX_ID:,} characters")
        if name in seen:
            raise InputError(f"{where}: item_id {name!r} stands in rows {seen[name]} and {row}; ids must be unique")
        seen[name] = row
    return np.array(list(seen), dtype=str)


def load_array(path: Path) -> Any:
    """A `.npy` array, memory-mapped.

    Raises:
        InputError: missing, damaged, or of Python objects.
    """
    import numpy as np

    refuse_disguise(path, read_head(path))
    try:
        return np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError, SyntaxError) as error:
        if "empty file" in str(error):
            raise InputError(f"{path} is empty: it holds no row") from error
        raise InputError(f"{path} cannot be read as .npy ({error}); save plain numbers with numpy.save") from error


def load_arrays(path: Path, only: tuple[str, ...] | None = None) -> dict[str, np.ndarray]:
    """The arrays of a `.npz` file, by name.

    Args:
        path: the file.
        only: read just these of its arrays.

    Raises:
        InputError: missing, damaged, of Python objects, or larger than this machine's memory.
    """
    import numpy as np

    refuse_disguise(path, read_head(path))
    try:
        with zipfile.ZipFile(path) as archive:
            declared = sum(member.file_size for member in archive.infolist())
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        if declared > memory:
            raise InputError(f"{path} unpacks to {declared / 1e9:.1f} GB, this machine has {memory / 1e9:.1f}: save "
                             "the array as .npy, which is read in pieces")
        with np.load(path, allow_pickle=False) as file:
            return {name: _member(path, file, name) for name in file.files if only is None or name in only}
    except ZIP_FAULTS as error:
        raise InputError(f"{path} cannot be read as .npz ({error}); save plain arrays with numpy.savez") from error


def _member(path: Path, file: Any, name: str) -> np.ndarray:
    try:
        array: np.ndarray = file[name]
    except ValueError as error:
        if "Object arrays" not in str(error):
            raise
        texts = {"item_id": "ids", "words": "words"}.get(name)
        cure = f"np.array(list({texts}), dtype=str)" if texts else f"np.array({name}.tolist(), dtype=float)"
        raise InputError(f"{path}: array {name} holds Python objects, which are not read; save texts or numbers: "
                         f"{cure}") from error
    return array
