"""Model B of the recipe and the data that it reads: the pool's items and the test set as B sees them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kgkt.errors import InputError, UsageError, nearest
from kgkt.recipe import Recipe
from kgkt.rundir.folder import RunDir
from kgkt.rundir.reading import other_reading, pool_reading
from kgkt.rundir.shift import refuse_shift
from kgkt.rundir.state import Say, settings_of
from kgkt.transfer.blocks import check_data
from kgkt.transfer.inputs import Inputs, input_names, inputs_in_words
from kgkt.transfer.layers import leaves

if TYPE_CHECKING:
    import numpy as np

    from kgkt.source.inputs import Data
    from kgkt.source.model_config import Shape


@dataclass(frozen=True, slots=True)
class OpenTarget:
    """Model B, opened.

    Args:
        whole: B as its file holds it; this is what is saved again.
        model: what of it is taught and mapped: all of it, or the part that leads to one output. It shares the
            weights of `whole`.
        path: B's file.
        notices: what the user should hear of it: outputs that are not taught.
    """

    whole: Any
    model: Any
    path: Path
    notices: tuple[str, ...] = ()


def open_target(recipe: Recipe) -> OpenTarget:
    """Model B of the recipe.

    Raises:
        UsageError: the recipe names none.
        InputError: several outputs and none named, or it does not fit the classes that the recipe names; the graph has
            not seen these yet.
    """
    from kgkt.source.models import open_model
    from kgkt.transfer.blocks import check_target
    from kgkt.transfer.part import part_to_teach

    if not recipe.target.model:
        raise UsageError("which model B? --target b.keras")
    path = Path(recipe.target.model)
    whole = open_model(path, recipe.target.imports, recipe.source.allow_legacy)
    model, others = part_to_teach(whole, recipe.target.output, path.name)
    if recipe.target.classes:
        check_target(model, recipe.target.classes, file=path.name)
    notice = (f"{recipe.target.output} alone is taught; what B gives beside it ({', '.join(others)}) keeps its own "
              "layers, but those that it shares with it change under it")  # fmt: skip
    return OpenTarget(whole, model, path, (notice,) if others else ())


def taught_model(recipe: Recipe) -> Any:
    """What of model B is taught, opened anew."""
    return open_target(recipe).model


def target_inputs(
    recipe: Recipe, run: RunDir, model: Any, ids: np.ndarray, names: tuple[str, ...], say: Say
) -> tuple[Any, tuple[Any, np.ndarray] | None]:
    """The pool and the test set as B reads them, compared before any work.

    Args:
        recipe, run: of the graph.
        model: B, opened.
        ids: (n,) the graph's items, in whose order the pool comes.
        names: (c,) class names.
        say: takes notices.

    Returns:
        x (n, ...), or Inputs where B has several, and (x, y) with y as class indices, or None without a test set.

    Raises:
        UsageError: no data named.
        InputError: items that the data lacks, a class that the graph does not have, data that B cannot read, or two
            data of different ranges.
    """
    file = Path(recipe.target.model or "B").name
    x, named = _pool(recipe, run, model, ids, say)
    check_data(model, names, x, file)
    if not recipe.target.test:
        return x, None
    test = _test(recipe, run, model, names, say)
    check_data(model, names, test[0], file)
    refuse_shift(model, (named, x), (str(recipe.target.test), test[0]), recipe.target.allow_shift, say)
    return x, test


def check_items(recipe: Recipe, run: RunDir, model: Any, names: tuple[str, ...]) -> None:
    """Refuse a B that cannot read the pool's items; where these are not at hand nothing can be said.

    Raises:
        UsageError: B has several inputs, and its view of the items is not named.
        InputError: data that is named and not there, or that B cannot read.
    """
    named = recipe.target.data or recipe.source.data or settings_of(run, "populate").get("data")
    if not named or not (recipe.target.data or Path(named).exists()):
        return
    x, _ = _pool(recipe, run, model, None, lambda _: None)
    check_data(model, names, x, Path(recipe.target.model or "B").name)


def read_for_target(
    recipe: Recipe, run: RunDir, model: Any, named: str, names: tuple[str, ...], say: Say
) -> tuple[Data, Any]:
    """Items of a file that is neither pool nor test set, and x (m, ...) as B reads them.

    Raises:
        InputError: data that B cannot read.
    """
    reading = {"drop_bad": pool_reading(recipe, run)["drop_bad"], "fewest": 1} | other_reading(recipe, run, named)
    data, arrays = _read(recipe, run, model, named, "data", reading, say)
    x = _as_target(recipe, run, model, arrays)
    check_data(model, names, x, Path(recipe.target.model or "B").name)
    return data, x


def _read(
    recipe: Recipe, run: RunDir, model: Any, named: str, what: str, reading: dict[str, Any], say: Say
) -> tuple[Data, dict[str, Any]]:
    """Items of a file, and what it holds for each of B's inputs, by name; for the only one of B by ""."""
    from kgkt.source.inputs import TEST, read_data, read_test
    from kgkt.source.models import input_shape
    from kgkt.source.named import read_named

    if len(model.inputs) > 1:
        texts = {name: tensor.dtype == "string" for name, tensor in zip(input_names(model), model.inputs, strict=True)}
        parts = read_named(named, texts, what, reading.get("drop_bad", False))
        data = next(iter(parts.values()))
        arrays = {name: part.x for name, part in parts.items()}
    else:
        size = size_for(recipe, run, input_shape(model))
        data = read_test(named, size=size, **reading) if what == TEST else read_data(named, what, size=size, **reading)
        arrays = {"": data.x}
    for notice in data.notices:
        say(notice)
    return data, arrays


def _as_target(recipe: Recipe, run: RunDir, model: Any, arrays: dict[str, Any]) -> Any:
    """The items as B gets them; of several inputs only bytes are brought to a range, and only where that was asked."""
    told = bool(recipe.target.pixels)
    if "" in arrays:
        return _scaled(arrays[""], pixels_for(recipe, run, model), told)
    return Inputs({name: _scaled(x, (recipe.target.pixels or "raw") if str(x.dtype) == "uint8" else "raw", told)
                   for name, x in arrays.items()})  # fmt: skip


def pixels_for(recipe: Recipe, run: RunDir, model: Any) -> str:
    """The range of pixels that B gets: as told, else as A was told unless B scales its inputs itself."""
    from kgkt.source.ranges import scales_itself

    if recipe.target.pixels:
        return recipe.target.pixels
    told = settings_of(run, "populate").get("source", {}).get("pixels", recipe.source.pixels)
    return "raw" if scales_itself(type(layer).__name__ for _, layer in leaves(model)) else told


def _scaled(x: Any, pixels: str, told: bool) -> Any:
    """x as B gets it; what was not asked for in words is done to bytes only, for other numbers may be meant so."""
    import numpy as np

    from kgkt.source.pixels import ScaledRows

    kind = np.dtype(x.dtype)
    if pixels == "raw" or kind.kind in "OU" or not (told or kind == np.uint8):
        return x
    return ScaledRows(x, pixels, "--target-pixels")


def _pool(recipe: Recipe, run: RunDir, model: Any, ids: np.ndarray | None, say: Say) -> tuple[Any, str]:
    """The pool as B gets it, in the order of the graph's items `ids` (n,) or as it lies, and the name of its file."""
    import numpy as np

    pool = settings_of(run, "populate")
    named = recipe.target.data or recipe.source.data or pool.get("data")
    if not named:
        raise UsageError("B needs the items themselves: --target-data pool.npz (arrays x and item_id)")
    if not Path(named).exists():
        raise InputError(f"the pool {named} is not there any more: say where it is with --target-data")
    if len(model.inputs) > 1 and not recipe.target.data:
        raise UsageError(f"B has {len(model.inputs)} inputs ({inputs_in_words(model)}): give its view of the pool's "
                         f"items with --target-data FILE.npz, arrays item_id, {', '.join(input_names(model))}")
    reading = pool_reading(recipe, run)
    if recipe.target.data:
        reading |= other_reading(recipe, run, named)
    data, arrays = _read(recipe, run, model, named, "pool", reading, say)
    if ids is not None and (len(data.ids) != len(ids) or (data.ids != ids).any()):
        rows = {item: row for row, item in enumerate(data.ids.tolist())}
        missing = [item for item in ids.tolist() if item not in rows]
        if missing:
            raise InputError(
                f"{named} lacks {len(missing)} of the graph's {len(ids)} items, e.g. {missing[0]!r}"
                f"{nearest(missing[0], list(rows)[:20000])}"
            )
        order = np.array([rows[item] for item in ids.tolist()])
        arrays = {name: x[order] for name, x in arrays.items()}
    return _as_target(recipe, run, model, arrays), named


def size_for(recipe: Recipe, run: RunDir, shape: Shape | None) -> tuple[int, int] | None:
    """(h, w) that pictures are brought to for B: its own where fixed, else that of the pool as A saw it."""
    from kgkt.source.images import picture_size

    return picture_size(shape, recipe.source.size or settings_of(run, "populate").get("size"))


def _test(recipe: Recipe, run: RunDir, model: Any, names: tuple[str, ...], say: Say) -> tuple[Any, np.ndarray]:
    """(x, y) to measure on, y as class indices.

    Raises:
        InputError: a class of the test set that the graph does not have.
    """
    import numpy as np

    from kgkt.source.inputs import TEST

    named = str(recipe.target.test)
    data, arrays = _read(recipe, run, model, named, TEST, other_reading(recipe, run, named), say)
    assert data.y is not None
    place = {name: i for i, name in enumerate(names)}
    for name in dict.fromkeys(data.y.tolist()):
        if name not in place:
            raise InputError(f"{named} has the class {name!r}{nearest(name, names)}")
    return _as_target(recipe, run, model, arrays), np.array([place[name] for name in data.y.tolist()])
