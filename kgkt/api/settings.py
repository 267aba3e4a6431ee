"""Plain arguments of Python as the settings of a recipe; what is in memory becomes a file of a folder."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterable, Mapping, Sequence
from numbers import Integral
from pathlib import Path
from typing import Any

from kgkt.errors import UsageError
from kgkt.recipe import Recipe
from kgkt.rundir.given import also_files, data_file, features_file, model_file
from kgkt.rundir.given_words import words_file


def with_source(
    recipe: Recipe, folder: Path, *, model: Any = None, layers: Sequence[str] | str | None = None, data: Any = None,
    features: Any = None, pixels: str | None = None, size: tuple[int, int] | None = None,
    drop_bad: bool | None = None, imports: Sequence[str] | None = None, allow_legacy: bool | None = None,
    id_column: str | None = None, text_column: str | None = None, class_column: str | None = None,
    columns: Sequence[str] | str | None = None, also: Sequence[Any] | None = None,
    source_weights: Sequence[float] | str | None = None, vocabulary: Any = None, most_frequent: int | None = None,
    lower: bool | None = None,
) -> Recipe:  # fmt: skip
    """The recipe with a source; features given here replace a model of the recipe, and the other way round.

    Args:
        recipe: settings that hold where none is given.
        folder: where what is in memory is written to.
        model, layers, data, features, ...: as for `Run.populate`.
    """
    source = recipe.source
    if features is not None:
        source = dataclasses.replace(source, model=None)
    elif model is not None:
        source = dataclasses.replace(source, features=None)
    names, patterns, own = names_of(layers), names_of(columns), (id_column, text_column, class_column)
    return dataclasses.replace(recipe, source=source).override(
        "source", model=model_file(model, folder), layers=names, id_column=id_column, columns=patterns,
        text_column=text_column, class_column=class_column, data=data_file(data, folder, "pool", own),
        features=features_file(features, folder, id_column=id_column),
        pixels=pixels, size=size, drop_bad=drop_bad or None, imports=tuple(imports) if imports else None,
        allow_legacy=allow_legacy or None, also=also_files(also, folder, id_column),
        weights=source_weights if source_weights is None or isinstance(source_weights, str) else
        ",".join(f"{weight:g}" for weight in source_weights),
        vocabulary=words_file(vocabulary, folder), lower=lower or None,
        most_frequent=None if most_frequent is None else whole_number("most_frequent", most_frequent),
    )  # fmt: skip


def with_target(
    recipe: Recipe, folder: Path, *, target: Any = None, data: Any = None, test: Any = None,
    imports: Sequence[str] | None = None, allow_legacy: bool | None = None, id_column: str | None = None,
    text_column: str | None = None, class_column: str | None = None, grow: Any = None, classes: Any = None,
    **settings: Any,
) -> Recipe:  # fmt: skip
    """The recipe with a model B; arguments as for `Run.fuse`, and as for `with_source`."""
    own = (id_column or recipe.source.id_column, text_column or recipe.source.text_column,
           class_column or recipe.source.class_column)  # fmt: skip
    recipe = recipe.override(
        "target", model=model_file(target, folder), data=data_file(data, folder, "target-pool", own),
        test=data_file(test, folder, "test", own), id_column=id_column, text_column=text_column,
        class_column=class_column, imports=tuple(imports) if imports else None, grow=grow_texts(grow),
        classes=listed(classes), **settings,
    )  # fmt: skip
    return recipe.override("source", allow_legacy=allow_legacy or None)


def grow_texts(grow: Any) -> tuple[str, ...] | None:
    """What B is to get, as the recipe says it.

    >>> grow_texts("units=64"), grow_texts({"classes": ["fox", "owl"], "units": {"hidden": 64}})
    (('units=64',), ('classes=fox,owl', 'units=hidden:64'))

    Raises:
        UsageError: neither classes nor units.
    """
    if grow is None or isinstance(grow, str):
        return None if grow is None else (grow,)
    if not isinstance(grow, Mapping):
        return tuple(str(text) for text in grow)
    if wrong := [name for name in grow if name not in ("classes", "units")]:
        raise UsageError(f"grow takes classes and units, received {wrong[0]!r}")
    names = names_of(grow.get("classes"))
    texts = [f"classes={','.join(_quoted(name) for name in names)}"] if names else []
    units = grow.get("units", {})
    wide = units.items() if isinstance(units, Mapping) else [("", units)]
    return (*texts, *(f"units={layer}{':' if layer else ''}{number}" for layer, number in wide))


def _quoted(name: Any) -> str:
    """A name as a comma's list holds it."""
    text = str(name)
    return '"' + text.replace('"', '""') + '"' if set(text) & set(',"') else text


def listed(names: Any) -> tuple[str, ...] | None:
    """Names, or a text of them with commas between."""
    import csv

    if names is None:
        return None
    return tuple(next(csv.reader([names], skipinitialspace=True)) if isinstance(names, str) else map(str, names))


def path_text(place: str | os.PathLike[str] | None) -> str | None:
    """A path as a recipe and the verbs take it."""
    return None if place is None else os.fspath(place)


def on_or_off(value: Any) -> bool:
    """A switch: True or "on", False or "off".

    Raises:
        UsageError: anything else.
    """
    import numpy as np

    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, str) and value.strip().lower() in ("on", "off"):
        return value.strip().lower() == "on"
    raise UsageError(f"switch takes True (on) or False (off), received {value!r}")


def whole_number(what: str, value: Any, texts: bool = False) -> int:
    """A whole number; with `texts` one that is written out counts too.

    Args:
        what: it is, for the error.
        value: that was given.
        texts: whether "1" is 1.

    Raises:
        UsageError: none.
    """
    if isinstance(value, Integral) and not isinstance(value, bool):
        return int(value)
    if texts and isinstance(value, str) and value.strip().isdecimal():
        return int(value)
    raise UsageError(f"{what} must be a whole number, received {value!r}")


def several(value: Any) -> list[Any]:
    """Many values, or a single one, as a list."""
    return list(value) if isinstance(value, Iterable) and not isinstance(value, str | bytes) else [value]


def names_of(given: Sequence[str] | str | None) -> tuple[str, ...] | None:
    """One name or several."""
    return ((given,) if isinstance(given, str) else tuple(given)) if given else None
