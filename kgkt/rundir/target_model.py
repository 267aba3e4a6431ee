"""Model B of the recipe and the data that it reads: the pool's items and the test set as B sees them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from kgkt.errors import InputError, UsageError, nearest
from kgkt.recipe import Recipe
from kgkt.rundir.folder import RunDir
from kgkt.rundir.state import Say, settings_of
from kgkt.source.columns import ITEM_ID

if TYPE_CHECKING:
    import numpy as np

    from kgkt.source.models import Shape


def open_target(recipe: Recipe) -> tuple[Any, Path]:
    """Model B and its path.

    Raises:
        UsageError: the recipe names none.
    """
    from kgkt.source.models import open_model

    if not recipe.target.model:
        raise UsageError("which model B? --target b.keras")
    return open_model(recipe.target.model, recipe.target.imports, recipe.source.allow_legacy), Path(recipe.target.model)



def target_data(recipe: Recipe, run: RunDir, ids: np.ndarray, shape: Shape | None, say: Say) -> Any:
    """(n, ...) the pool as B reads it, in the order of the graph's items `ids` (n,); `shape` is of B's input.

    Raises:
        UsageError: no data named.
        InputError: items of the graph that the data does not hold.
    """
    import numpy as np

    from kgkt.source.inputs import read_data

    pool = settings_of(run, "populate")
    named = recipe.target.data or recipe.source.data or pool.get("data")
    if not named:
        raise UsageError("B needs the items themselves: --target-data pool.npz (arrays x and item_id)")
    if not Path(named).exists():
        raise InputError(f"the pool {named} is not there any more: say where it is with --target-data")
    data = read_data(named, **pool_reading(recipe, run), size=size_for(recipe, run, shape))
    for notice in data.notices:
        say(notice)
    if len(data.ids) == len(ids) and (data.ids == ids).all():
        return data.x
    rows = {item: row for row, item in enumerate(data.ids.tolist())}
    missing = [item for item in ids.tolist() if item not in rows]
    if missing:
        raise InputError(
            f"{named} lacks {len(missing)} of the graph's {len(ids)} items, e.g. {missing[0]!r}"
            f"{nearest(missing[0], list(rows)[:20000])}"
        )
    return data.x[np.array([rows[item] for item in ids.tolist()])]


def pool_reading(recipe: Recipe, run: RunDir) -> dict[str, Any]:
    """How the pool was read when the graph was made: arguments of `read_data`, which the recipe's go before."""
    last, source = settings_of(run, "populate"), recipe.source
    id_column = source.id_column if source.id_column != ITEM_ID else last.get("id_column", ITEM_ID)
    return {"drop_bad": source.drop_bad or last.get("drop_bad", False), "id_column": id_column}


def size_for(recipe: Recipe, run: RunDir, shape: Shape | None) -> tuple[int, int] | None:
    """(h, w) that pictures are brought to for B: its own where fixed, else that of the pool as A saw it."""
    from kgkt.source.images import picture_size

    return picture_size(shape, recipe.source.size or settings_of(run, "populate").get("size"))


def test_data(
    recipe: Recipe, run: RunDir, names: tuple[str, ...], shape: Shape | None, say: Say
) -> tuple[Any, np.ndarray] | None:
    """(x, y) to measure on, y as class indices; None where none was named; `shape` is of B's input.

    Raises:
        InputError: a class of the test set that the graph does not have.
    """
    import numpy as np

    from kgkt.source.inputs import read_test

    if not recipe.target.test:
        return None
    data = read_test(recipe.target.test, size=size_for(recipe, run, shape))
    assert data.y is not None
    for notice in data.notices:
        say(notice)
    place = {name: i for i, name in enumerate(names)}
    for name in dict.fromkeys(data.y.tolist()):
        if name not in place:
            raise InputError(f"{recipe.target.test} has the class {name!r}{nearest(name, names)}")
    return data.x, np.array([place[name] for name in data.y.tolist()])
