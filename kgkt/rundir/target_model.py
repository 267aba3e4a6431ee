"""Model B of the recipe and the data that it reads: the pool's items and the test set as B sees them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kgkt.errors import InputError, UsageError, nearest
from kgkt.recipe import Recipe
from kgkt.rundir.folder import RunDir
from kgkt.rundir.reading import other_reading, pool_reading
from kgkt.rundir.state import Say, settings_of
from kgkt.transfer.blocks import check_data, leaves

if TYPE_CHECKING:
    import numpy as np

    from kgkt.source.inputs import Data
    from kgkt.source.model_config import Shape


FEWEST_KNOWN = 0.1  # share of words from which on a vocabulary counts as one of such texts


@dataclass(frozen=True, slots=True)
class OpenTarget:
    """Model B, opened.

    Args:
        whole: B as its file holds it; this is what is saved again.
        model: what of it is taught and mapped: all of it, or the part that leads to one output. It shares the
            weights of `whole`.
        path: B's file.
    """

    whole: Any
    model: Any
    path: Path


def open_target(recipe: Recipe) -> OpenTarget:
    """Model B of the recipe.

    Raises:
        UsageError: the recipe names none.
        InputError: it does not fit the classes that the recipe names; the graph has not seen these yet.
    """
    from kgkt.source.models import open_model
    from kgkt.transfer.blocks import check_target

    if not recipe.target.model:
        raise UsageError("which model B? --target b.keras")
    path = Path(recipe.target.model)
    model = open_model(path, recipe.target.imports, recipe.source.allow_legacy)
    if recipe.target.classes:
        check_target(model, recipe.target.classes, file=path.name)
    return OpenTarget(model, model, path)


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
        x (n, ...), and (x, y) with y as class indices, or None where no test set was named.

    Raises:
        UsageError: no data named.
        InputError: items that the data lacks, a class that the graph does not have, data that B cannot read, or two
            data of different ranges.
    """
    from kgkt.source.models import input_shape

    shape, pixels = input_shape(model), pixels_for(recipe, run, model)
    x, named = _pool(recipe, run, ids, shape, say)
    x = _scaled(x, pixels, bool(recipe.target.pixels))
    check_data(model, names, x, Path(recipe.target.model or "B").name)
    test = _test(recipe, run, names, shape, say)
    if test is None:
        return x, None
    test = _scaled(test[0], pixels, bool(recipe.target.pixels)), test[1]
    check_data(model, names, test[0], Path(recipe.target.model or "B").name)
    refuse_shift(model, (named, x), (str(recipe.target.test), test[0]), recipe.target.allow_shift, say)
    return x, test


def read_for_target(
    recipe: Recipe, run: RunDir, model: Any, named: str, names: tuple[str, ...], say: Say
) -> tuple[Data, Any]:
    """Items of a file that is neither pool nor test set, and x (m, ...) as B reads them.

    Raises:
        InputError: data that B cannot read.
    """
    from kgkt.source.inputs import read_data
    from kgkt.source.models import input_shape

    size = size_for(recipe, run, input_shape(model))
    drop = pool_reading(recipe, run)["drop_bad"]
    data = read_data(named, "data", drop_bad=drop, size=size, fewest=1, **other_reading(recipe, run, named))
    for notice in data.notices:
        say(notice)
    x = _scaled(data.x, pixels_for(recipe, run, model), bool(recipe.target.pixels))
    check_data(model, names, x, Path(recipe.target.model or "B").name)
    return data, x


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


def refuse_shift(
    model: Any, pool: tuple[str, Any], test: tuple[str, Any], allowed: bool, say: Say
) -> None:
    """Refuse a test set that is of another range than what B is taught, or whose words B does not know.

    Args:
        model: B.
        pool, test: what each is called, and its items as B reads them.
        allowed: go on all the same, which is said.
        say: takes notices.

    Raises:
        InputError: with both ranges, and how to mend it.
    """
    from kgkt.source.ranges import differ, extent_of

    one, other = extent_of(pool[1]), extent_of(test[1])
    if one is None or other is None:
        said = unknown_words(model, pool, test)
    elif differ(one, other):
        said = (f"what B is taught and what it is tested on are of different ranges.\n  {pool[0]}   {one.in_words()}\n"
                f"  {test[0]}   {other.in_words()}\nSave both alike{_way_out(pool[1], test[1])}")
    else:
        return
    if said and not allowed:
        raise InputError(f"{said}; --allow-shift goes on as it is.")
    if said:
        say(f"{said}. --allow-shift: went on as it is")


def _way_out(*data: Any) -> str:
    """What --target-pixels can do about data of different ranges: bring bytes to one, or leave them as they are."""
    from kgkt.source.pixels import ScaledRows

    if any(str(x.dtype) == "uint8" for x in data):
        return ", or say --target-pixels 0..1 (or -1..1), which brings bytes to that range"
    if any(isinstance(x, ScaledRows) for x in data):
        return ", or say --target-pixels raw, which leaves bytes as they are"
    return ""


def unknown_words(model: Any, pool: tuple[str, Any], test: tuple[str, Any]) -> str:
    """What to say of a B with a vocabulary that knows next to no word of its data; "" where there is nothing."""
    known = vocabulary(model)
    if not known:
        return ""
    shares = {name: share_known(texts, known) for name, texts in (pool, test)}
    strange = [name for name, share in shares.items() if share < FEWEST_KNOWN]
    if not strange:
        return ""
    listed = "\n".join(f"  {name}   {100 * share:.0f} % of its words" for name, share in shares.items())
    return (f"B's vocabulary ({len(known):,} words) knows next to nothing of {' and '.join(strange)}.\n{listed}\n"
            "Adapt its TextVectorization to texts of this kind before you save it")


def vocabulary(model: Any) -> frozenset[str]:
    """The words of B's TextVectorization, where it splits texts in the ordinary way; else none."""
    for _, layer in leaves(model):
        if type(layer).__name__ == "TextVectorization":
            plain = layer._standardize == "lower_and_strip_punctuation" and layer._split == "whitespace"
            return frozenset(layer.get_vocabulary(include_special_tokens=False)) if plain else frozenset()
    return frozenset()


def share_known(texts: Any, known: frozenset[str]) -> float:
    """Share of the words of some texts (at most 2,000 of them) that are known; 1 where there are none."""
    import re

    import numpy as np

    from kgkt.source.ranges import SAMPLE

    chosen = np.unique(np.linspace(0, len(texts) - 1, min(len(texts), SAMPLE)).astype(int))
    words = [word for text in np.asarray(texts)[chosen].ravel().tolist()
             for word in re.sub(r"[^\w\s]|_", "", str(text).lower()).split()]  # fmt: skip
    return sum(word in known for word in words) / len(words) if words else 1.0


def _pool(recipe: Recipe, run: RunDir, ids: np.ndarray, shape: Shape | None, say: Say) -> tuple[Any, str]:
    """(n, ...) the pool as it is named for B, in the order of the graph's items `ids` (n,), and its name."""
    import numpy as np

    from kgkt.source.inputs import read_data

    pool = settings_of(run, "populate")
    named = recipe.target.data or recipe.source.data or pool.get("data")
    if not named:
        raise UsageError("B needs the items themselves: --target-data pool.npz (arrays x and item_id)")
    if not Path(named).exists():
        raise InputError(f"the pool {named} is not there any more: say where it is with --target-data")
    reading = pool_reading(recipe, run)
    if recipe.target.data:
        reading |= other_reading(recipe, run, named)
    data = read_data(named, **reading, size=size_for(recipe, run, shape))
    for notice in data.notices:
        say(notice)
    if len(data.ids) == len(ids) and (data.ids == ids).all():
        return data.x, named
    rows = {item: row for row, item in enumerate(data.ids.tolist())}
    missing = [item for item in ids.tolist() if item not in rows]
    if missing:
        raise InputError(
            f"{named} lacks {len(missing)} of the graph's {len(ids)} items, e.g. {missing[0]!r}"
            f"{nearest(missing[0], list(rows)[:20000])}"
        )
    return data.x[np.array([rows[item] for item in ids.tolist()])], named


def size_for(recipe: Recipe, run: RunDir, shape: Shape | None) -> tuple[int, int] | None:
    """(h, w) that pictures are brought to for B: its own where fixed, else that of the pool as A saw it."""
    from kgkt.source.images import picture_size

    return picture_size(shape, recipe.source.size or settings_of(run, "populate").get("size"))


def _test(
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
    data = read_test(recipe.target.test, size=size_for(recipe, run, shape),
                     **other_reading(recipe, run, recipe.target.test))  # fmt: skip
    assert data.y is not None
    for notice in data.notices:
        say(notice)
    place = {name: i for i, name in enumerate(names)}
    for name in dict.fromkeys(data.y.tolist()):
        if name not in place:
            raise InputError(f"{recipe.target.test} has the class {name!r}{nearest(name, names)}")
    return data.x, np.array([place[name] for name in data.y.tolist()])
