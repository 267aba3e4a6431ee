"""Which columns of a table of texts are read: as the command says, else as the pool's were, else the usual ones."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kgkt.recipe import Recipe
from kgkt.rundir.folder import RunDir
from kgkt.rundir.state import settings_of
from kgkt.source.columns import ITEM_ID
from kgkt.source.records import SUFFIXES, suffix_of
from kgkt.source.texts import Columns, columns_there

COLUMNS = ("id_column", "text_column", "class_column")


def pool_reading(recipe: Recipe, run: RunDir) -> dict[str, Any]:
    """How the pool was read when the graph was made: arguments of `read_data`, which the recipe's go before."""
    last, source = settings_of(run, "populate"), recipe.source
    told = told_columns(last)
    said: dict[str, Any] = {
        "text_column": source.text_column, "class_column": source.class_column,
        "id_column": None if source.id_column == ITEM_ID else source.id_column,
    }  # fmt: skip
    columns = {name: said[name] or told[name] for name in COLUMNS}
    return {"drop_bad": source.drop_bad or last.get("drop_bad", False), **columns}


def told_columns(last: Mapping[str, Any]) -> dict[str, Any]:
    """The columns of the pool, of the settings that `populate` was last told."""
    return {"id_column": last.get("id_column") or ITEM_ID, "text_column": last.get("text_column"),
            "class_column": last.get("class_column")}  # fmt: skip


def other_reading(recipe: Recipe, run: RunDir, path: str | Path, asked: Columns | None = None) -> dict[str, Any]:
    """How items that are not the pool are read: new ones, B's view of the pool, a test set.

    Args:
        recipe, run: of the graph; columns that [target] names hold for all of them.
        path: the file; a column that it has under the pool's name is read by that name.
        asked: columns that go before.
    """
    target, asked = recipe.target, asked or Columns()
    said = {"id_column": asked.ids or target.id_column, "text_column": asked.text or target.text_column,
            "class_column": asked.classes or target.class_column}  # fmt: skip
    if None in said.values() and suffix_of(Path(path)) in SUFFIXES and Path(path).is_file():
        there, pool = columns_there(Path(path)), pool_reading(recipe, run)
        said |= {name: pool[name] for name, value in said.items() if value is None and pool[name] in there}
    return said | {"id_column": said["id_column"] or ITEM_ID}
