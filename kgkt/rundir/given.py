"""What Python hands over in memory, put into files of the run directory, where every later verb finds it."""

from __future__ import annotations

import os
import shutil
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from numbers import Integral, Real
from pathlib import Path
from typing import Any

from kgkt.errors import UsageError, nearest
from kgkt.files import atomic, make_folder
from kgkt.rundir.given_texts import are_texts, frame_file, index_ids, own_index, plain_array, texts_file
from kgkt.source.columns import ITEM_ID
from kgkt.source.inputs import class_names
from kgkt.source.numbered import by_number

LABELS = "{item_id: class}, a Series, a DataFrame with item_id and class, pairs, or texts ITEM=CLASS"
SEVERAL = ("target-pool", "test", "new")  # what B reads, which may have an array for each of its inputs
FORMS = "a path, an array, a mapping with x (and item_id, y), a list of texts, or a DataFrame"


def data_file(value: Any, folder: Path, name: str, columns: Sequence[str | None] = ()) -> str | None:
    """The path of a pool or test set; what is in memory is written to `folder`.

    Args:
        value: a path, an array (n, ...), {"x": ..., "item_id": ..., "y": ...}, (x, y), texts, {"text": ...}, or a
            DataFrame with a column of texts. x may be texts as well.
        folder: of the run directory.
        name: of the file, without suffix.
        columns: of a DataFrame, those that were named: of ids, texts, classes.

    Raises:
        UsageError: none of these.
        InputError: an array of other objects than texts or numbers.
    """
    if value is None or isinstance(value, str | os.PathLike):
        return None if value is None else os.fspath(value)
    if isinstance(value, list | tuple) and are_texts(value):
        value = {"text": value}
    if isinstance(value, tuple) and len(value) == 2:
        value = {**(value[0] if isinstance(value[0], Mapping) else {"x": value[0]}), "y": value[1]}
    if hasattr(value, "columns"):
        return frame_file(value, folder / f"{name}.csv", columns)
    if hasattr(value, "shape"):
        value = {"x": value}
    if isinstance(value, Mapping) and "text" not in value and are_texts(value.get("x")):
        value = _named_texts(value, name)
    if isinstance(value, Mapping) and "text" in value:
        return texts_file(value, folder / f"{name}.csv")
    if isinstance(value, Mapping) and ("x" in value or (name in SEVERAL and value.keys() - {ITEM_ID, "y"})):
        return _arrays(value, folder / f"{name}.npz")
    raise UsageError(f"{name}: expected {FORMS}, received {type(value).__name__}")


def _named_texts(value: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Texts that are called x, as an array would be, under the name of texts; their classes as an array's are read."""
    named = {"text" if given == "x" else given: held for given, held in value.items()}
    if "y" in named:
        named["y"] = class_names(f"{name}: y", plain_array("y", named["y"]), len(named["text"])).tolist()
    return named


def features_file(value: Any, folder: Path, name: str = "given", id_column: str | None = None) -> str | None:
    """The path of a features file; arrays are written to `folder`.

    Args:
        value: a path, an array (n, d), a mapping of layers (n, d), or a DataFrame of numbers, of which f0, f1, …
            are taken in the order of their numbers; these two with item_id if there is one, or with an index of ids.
        folder: of the run directory.
        name: of the file, without suffix.
        id_column: of a DataFrame, the column, or the index, of item ids.

    Raises:
        UsageError: none of these.
        InputError: an array of other objects than texts or numbers.
    """
    if value is None or isinstance(value, str | os.PathLike):
        return None if value is None else os.fspath(value)
    if hasattr(value, "columns"):
        id_column = id_column or ITEM_ID
        named = {str(column): column for column in value.columns if column != id_column}
        numbers = [named[name] for name in by_number(list(named))]
        there = id_column in list(value.columns)
        held = value[id_column].astype(str).tolist() if there else own_index(value, id_column)
        value = {"features": value[numbers].to_numpy(), **({} if held is None else {"item_id": held})}
    elif hasattr(value, "shape"):
        value = {"features": value}
    if not isinstance(value, Mapping):
        raise UsageError(f"features: expected a path, an array, a mapping of layers or a DataFrame, received "
                         f"{type(value).__name__}")
    return _arrays(value, folder / f"{name}.npz")


def model_file(value: Any, folder: Path) -> str | None:
    """The path of a model; an open Keras model is saved in `folder` under its own name.

    A file there of the same configuration and weights stays: saved again it would only tell another time.
    """
    if value is None or isinstance(value, str | os.PathLike):
        return None if value is None else os.fspath(value)
    if not hasattr(value, "save") or not hasattr(value, "layers"):
        raise UsageError(f"model: expected a path or a Keras model, received {type(value).__name__}")
    make_folder(folder)
    path = folder / f"{value.name}.keras"
    with tempfile.TemporaryDirectory(prefix="kgkt-") as aside:
        saved = Path(aside) / path.name
        value.save(saved)
        if not path.exists() or _inside(path) != _inside(saved):
            with atomic(path) as temporary:
                shutil.copyfile(saved, temporary)
    return str(path)


def also_files(values: Any, folder: Path, id_column: str | None = None) -> tuple[str, ...] | None:
    """Sources beside the first as `also` of a recipe has them; what is in memory is written to a folder of its own.

    Args:
        values: each a path or text as on the command line, an open Keras model, (model, layers), or features.
        folder: of the run directory.
        id_column: of a DataFrame of features, the column of item ids.
    """
    if values is None:
        return None
    if isinstance(values, str | os.PathLike):
        values = [values]
    return tuple(_also_file(value, folder / f"also-{number}", id_column) for number, value in enumerate(values, 2))


def _also_file(value: Any, folder: Path, id_column: str | None) -> str:
    layers: Any = ()
    if isinstance(value, tuple) and len(value) == 2:
        value, layers = value
    is_model = hasattr(value, "save") and hasattr(value, "layers")
    place = model_file(value, folder) if is_model else features_file(value, folder, id_column=id_column)
    names = [layers] if isinstance(layers, str) else list(layers)
    return str(place) + (":" + ",".join(names) if names else "")


def _inside(path: Path) -> dict[str, int] | None:
    """Name and checksum of what a `.keras` file holds, but for the time at which it was saved."""
    try:
        with zipfile.ZipFile(path) as archive:
            return {part.filename: part.CRC for part in archive.infolist() if part.filename != "metadata.json"}
    except (OSError, zipfile.BadZipFile):
        return None


def label_pairs(value: Any) -> list[tuple[str, str]]:
    """(item_id, class or not:CLASS) of a mapping, a Series, a DataFrame with item_id and class, of pairs or texts.

    The value of a mapping may be a list: several ticks of one item. What has no class is left out. The ids of a Series
    are its index, and so they may be of a DataFrame.

    Raises:
        UsageError: none of these, or a DataFrame without ids or classes.
    """
    if hasattr(value, "columns"):
        value = zip(_frame_ids(value), value["class"].tolist(), strict=True)
    elif isinstance(value, Mapping) or (hasattr(value, "items") and hasattr(value, "index")):  # a Series
        value = [(item, one) for item, given in value.items() for one in (given if _is_list(given) else [given])]
    try:
        pairs = [tuple(pair) if not isinstance(pair, str) else tuple(pair.split("=", 1)) for pair in value]
    except TypeError as error:
        raise UsageError(f"labels: expected {LABELS}, received {type(value).__name__}") from error
    if wrong := [pair for pair in pairs if len(pair) != 2]:
        raise UsageError(f"labels: expected {LABELS}, and {wrong[0]!r} is no pair of an item and a class")
    return [(str(item), _class_name(item, name)) for item, name in pairs if not _is_empty(name)]


def _class_name(item: Any, name: Any) -> str:
    """A class as text, as a file of records has it: true and false, no fraction.

    Raises:
        UsageError: a fraction.
    """
    if type(name).__name__ in ("bool", "bool_"):  # of Python and of NumPy
        return "true" if name else "false"
    if isinstance(name, Real) and not isinstance(name, Integral):
        number, meant = float(name), "name it with a text"
        if number.is_integer():
            meant = f"is {int(number)} meant? Write it so (in pandas: .astype('Int64'))"
        raise UsageError(f"labels: the class of {item} is {name}, and a whole number or a text is wanted: {meant}")
    return str(name)


def _frame_ids(frame: Any) -> list[Any]:
    names = list(frame.columns)
    if "class" not in names:
        raise UsageError(f"labels: the DataFrame has no column class{nearest('class', map(str, names))}")
    if "item_id" in names:
        ids: list[Any] = frame["item_id"].tolist()
        return ids
    held = index_ids(frame)
    if held is None:
        raise UsageError(f"labels: the DataFrame has no column item_id{nearest('item_id', map(str, names))}, and its "
                         "index holds no ids")
    return held


def _is_list(value: Any) -> bool:
    return isinstance(value, list | tuple | set)


def _is_empty(name: Any) -> bool:
    missing = type(name).__name__ in ("NAType", "NaTType")  # of pandas
    return missing or name is None or name == "" or (isinstance(name, float) and name != name)


def _arrays(value: Mapping[str, Any], path: Path) -> str:
    import numpy as np

    arrays: dict[str, Any] = {name: plain_array(name, array) for name, array in value.items()}
    make_folder(path.parent)
    with atomic(path) as temporary, temporary.open("wb") as file:
        np.savez(file, **arrays)
    return str(path)
