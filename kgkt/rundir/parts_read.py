"""Which model read which features, so that one more source beside it does not let it read the items again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kgkt.files import digest_value
from kgkt.recipe import Recipe, SourceSettings
from kgkt.source.arrays import rows_of
from kgkt.source.parts import Part
from kgkt.source.several import Several, Taken
from kgkt.source.source import Source
from kgkt.values import Features

if TYPE_CHECKING:
    from kgkt.source.inputs import Data


def parts(source: Source) -> Sequence[Part]:
    """The parts of several sources; none of a single one."""
    return source.parts if isinstance(source, Several) else ()


def parts_read(recipe: Recipe, source: Source, data: Data | None, features: Features) -> dict[str, Any]:
    """What run.json keeps: the columns that each model wrote, where nothing but models read the items."""
    if data is None or not source.has_model:
        return {}
    if not isinstance(source, Several):
        return {"parts": {_key(source, recipe.source.each[0]): {layer: layer for layer in features.layers}}}
    return {"parts": {_key(part.source, part.settings): {
        column.removeprefix(part.layer("")): column for column in features.layers if column.startswith(part.layer(""))
    } for part in source.parts}}  # fmt: skip


def taken_parts(
    source: Source, data: Data | None, done: Mapping[str, Any], file: Path, known: Callable[[], list[bytes] | None]
) -> dict[int, Taken]:
    """Of several sources those models that read the same items before, alone or beside others.

    Args:
        source, data: what is to be read now.
        done: what run.json keeps of the features file.
        file: of features, which is sound.
        known: gives the digests of the items in it, None where they are not known; asked only where one may be taken.
    """
    from kgkt.source.contents import data_contents
    from kgkt.source.parquet import open_features

    there = done.get("parts") or {}
    same = [part for part in parts(source) if part.source.has_model and _key(part.source, part.settings) in there]
    contents = known() if same and data is not None else None
    if data is None or not contents:
        return {}
    rows = rows_of(contents, data_contents(data))
    if (rows < 0).any():
        return {}
    old = open_features(file)
    return {part.number: Taken(old, there[_key(part.source, part.settings)], rows) for part in same}


def _key(source: Source, settings: SourceSettings) -> str:
    """What tells apart how a model reads items."""
    return digest_value([source.digests(), settings.layers, settings.pixels, settings.size])
