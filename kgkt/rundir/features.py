"""A's features in the run directory: looked at first, extracted once, kept while their inputs stay the same."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kgkt.errors import InputError
from kgkt.files import digest_path, digest_value, sha256_file
from kgkt.recipe import Recipe, SourceSettings
from kgkt.rundir.folder import RunDir
from kgkt.rundir.state import Say, settings_of
from kgkt.source.choose import source_of
from kgkt.source.columns import ITEM_ID
from kgkt.source.source import Source
from kgkt.values import Features

if TYPE_CHECKING:
    from kgkt.source.inputs import Data


def populate_inputs(recipe: Recipe) -> dict[str, str]:
    """Digests of what `populate` reads, by name."""
    settings, concepts = recipe.source, recipe.concepts
    source = source_of(settings)
    inputs = {} if source is None else source.digests()
    if settings.data:
        inputs["data"] = digest_path(Path(settings.data))
    asked: list[Any] = [settings.size] if settings.size else []
    asked += [settings.id_column] if settings.id_column != ITEM_ID else []
    asked += [settings.columns] if settings.columns else []
    inputs["source settings"] = digest_value([settings.layers, settings.pixels, settings.drop_bad, *asked])
    inputs["concepts settings"] = digest_value([concepts.k, concepts.seed, concepts.dims, recipe.store.text])
    return inputs


def source_memory(recipe: Recipe, layers: Sequence[str]) -> dict[str, Any]:
    """What A is and how it was read, as a later verb needs it for items that are new: a setting of `populate`."""
    settings = recipe.source
    path = settings.model_path
    return {"source": {
        "model": None if path is None else settings.scheme + str(path.resolve()), "layers": list(layers),
        "features": None if settings.features is None else str(Path(settings.features).resolve()),
        "pixels": settings.pixels, "imports": list(settings.imports), "allow_legacy": settings.allow_legacy,
        "size": settings.size and list(settings.size), "id_column": settings.id_column,
        "columns": list(settings.columns),
    }}  # fmt: skip


def source_as_populated(recipe: Recipe, run: RunDir) -> SourceSettings:
    """The source of the graph that stands: the recipe's where it names one, else as the last `populate` was told.

    Raises:
        InputError: neither is known.
    """
    if recipe.source.model or recipe.source.features:
        return recipe.source
    last = settings_of(run, "populate").get("source")
    if last is None:
        raise InputError("this graph does not say which A it was made with: name A in [source] of kgkt.toml, or run "
                         "kgkt populate again")
    known: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in last.items()}
    return SourceSettings(**known)


def look_first(recipe: Recipe, source: Source, say: Say) -> Data | None:
    """Refuse everything that can be refused before a store is opened or a file is made; returns the pool."""
    from kgkt.concepts.cluster import check_k
    from kgkt.source.images import picture_size
    from kgkt.source.inputs import read_data

    settings, data = recipe.source, None
    look = source.look()
    if look.chosen:
        say(look.chosen)
    if settings.data:
        size = picture_size(look.input_shape, settings.size, look.name)
        data = read_data(settings.data, drop_bad=settings.drop_bad, size=size, id_column=settings.id_column)
        for notice in data.notices:
            say(notice)
        for notice in source.check(look, data):
            say(notice)
    n = look.items if look.items is not None else None if data is None else len(data)
    if n is not None:
        check_k(recipe.concepts.k, n)
    return data


def read_features(
    recipe: Recipe, source: Source, run: RunDir, data: Data | None, say: Say, progress: Any, force: bool
) -> tuple[Features, dict[str, str]]:
    """The features of every item, and digests of what they come from; extracted anew where that changed."""
    from kgkt.source.parquet import open_features

    out, inputs = run.path("features.parquet"), populate_inputs(recipe)
    wanted = digest_value({k: v for k, v in inputs.items() if k != "concepts settings"})
    done = run.state().get("features")
    if not force and done and done["inputs"] == wanted and out.exists() and sha256_file(out) == done["sha256"]:
        return open_features(out), inputs
    bar = progress("features", len(data)) if progress and data is not None else contextlib.nullcontext()
    with bar as advance:
        features = source.extract(data, out, advance)
    told = [] if data is None else data.notices
    for notice in filter(None, features.meta.get("notices", "").splitlines()):
        if notice not in told:
            say(notice)
    state = run.state()
    state["features"] = {"inputs": wanted, "sha256": sha256_file(out)}
    run.write_state(state)
    return features, inputs
