"""Read data for a model with several inputs: an array for each of them, by its name."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kgkt.errors import InputError, count, nearest
from kgkt.files import sha256_file
from kgkt.source.arrays import bad_rows, check_ids, clean, default_ids, load_arrays, refuse_bad
from kgkt.source.inputs import TEST, Data, class_names

if TYPE_CHECKING:
    import numpy as np


def read_named(
    path: Path | str, inputs: Mapping[str, bool], what: str = "data", drop_bad: bool = False
) -> dict[str, Data]:
    """Read items of several arrays.

    Args:
        path: a `.npz` file with an array (n, ...) for each input; item_id and y, where they are there.
        inputs: the inputs' names; whether each reads texts.
        what: what the data is to the user ("pool", "test data"); test data needs y.
        drop_bad: go on without items that hold NaN or infinity in any of the arrays.

    Returns:
        Input name -> its items; ids and classes are those of all, and what was cast or dropped stands in the first.

    Raises:
        InputError: another kind of file, an array that is missing (with the nearest), arrays of different lengths,
            numbers for texts or texts for numbers, NaN or infinity, test data without y.
    """
    import numpy as np

    path = Path(path)
    where = f"{what} {path}"
    listed = ", ".join(inputs)
    how = f"save it with np.savez(path, item_id=..., {', '.join(f'{name}=...' for name in inputs)})"
    if not path.exists():
        raise InputError(f"{where} is not there")
    if path.suffix.lower() != ".npz":
        raise InputError(f"{where}: a model with several inputs ({listed}) reads an array for each of them: {how}")
    arrays = load_arrays(path)
    for name in inputs:
        if name not in arrays:
            raise InputError(f"{where} has no array {name}{nearest(name, arrays)}; the model reads {listed}: {how}")
    if what == TEST and "y" not in arrays:
        raise InputError(f"{where} has no y: {how[:-1]}, y=...)")
    lengths = {name: len(arrays[name]) if arrays[name].ndim else 0 for name in inputs}
    n = next(iter(lengths.values()))
    if n == 0 or len(set(lengths.values())) > 1:
        shown = ", ".join(f"{name} {length:,}" for name, length in lengths.items())
        raise InputError(f"{where}: each input needs as many rows, and one at least, received {shown}")
    ids = check_ids(where, arrays["item_id"], n) if "item_id" in arrays else default_ids(n)
    y = class_names(f"{where}: y", arrays["y"], n) if "y" in arrays else None
    for name, text in inputs.items():
        _check_kind(f"{where}: {name}", arrays[name], text)
    numbers = [name for name, text in inputs.items() if not text and arrays[name].dtype.kind == "f"]
    bad = {name: bad_rows(arrays[name]) for name in numbers}
    notices: list[str] = []
    for name in numbers:
        if len(bad[name]):
            refuse_bad(f"{where}: {name}", bad[name], ids, drop_bad, notices)
    keep = np.setdiff1d(np.arange(n), np.concatenate([np.zeros(0, int), *bad.values()]))
    if not len(keep):
        raise InputError(f"{where}: none of its {count(n, 'item')} is without NaN or infinity")
    return {
        name: Data(ids[keep], _kept(f"{where}: {name}", arrays[name], ids, keep, text, notices),
                   None if y is None else y[keep], None, None, "text" if text else "array", sha256_file(path),
                   notices if number == 0 else [])
        for number, (name, text) in enumerate(inputs.items())
    }  # fmt: skip


def _check_kind(where: str, array: np.ndarray, text: bool) -> None:
    if text and array.dtype.kind != "U":
        raise InputError(f"{where}: the model reads texts here, received dtype {array.dtype}")
    if not text and array.dtype.kind not in "fiub":
        raise InputError(f"{where}: the model reads numbers here, received dtype {array.dtype}; save float32 or uint8")


def _kept(
    where: str, array: np.ndarray, ids: np.ndarray, keep: np.ndarray, text: bool, notices: list[str]
) -> np.ndarray:
    """The rows that are kept, floats as float32, texts as objects."""
    kept = array if len(keep) == len(array) else array[keep]
    cast: Any = kept.astype(object) if text else clean(where, kept, ids[keep], False, notices)[0]
    return cast
