"""A's features in the run directory: looked at first, extracted once, kept while their inputs stay the same."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kgkt.errors import UsageError
from kgkt.files import digest_path, digest_value, sha256_file
from kgkt.recipe import Recipe
from kgkt.rundir.folder import RunDir
from kgkt.rundir.state import Say
from kgkt.source.choose import source_of
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
    asked = [settings.size] if settings.size else []
    inputs["source settings"] = digest_value([settings.layers, settings.pixels, settings.drop_bad, *asked])
    inputs["concepts settings"] = digest_value([concepts.k, concepts.seed, concepts.dims, recipe.store.text])
    return inputs


def look_first(recipe: Recipe, source: Source, say: Say) -> Data | None:
    """Refuse everything that can be refused before a store is opened or a file is made; returns the pool."""
    from kgkt.concepts.cluster import check_k
    from kgkt.source.images import picture_size
    from kgkt.source.inputs import read_data

    settings, data = recipe.source, None
    look = source.look()
    if not look.widths:
        raise UsageError("say which layers of A to read: --layers mid,emb (kgkt check shows their names)")
    if settings.data:
        size = picture_size(look.input_shape, settings.size, look.name)
        data = read_data(settings.data, drop_bad=settings.drop_bad, size=size)
        for notice in data.notices:
            say(notice)
        source.check(look, data)
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
