"""The first half of populate: what is named is looked at, and A's features come into the run directory."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from kgkt.errors import UsageError
from kgkt.files import digest_path, digest_value, sha256_file
from kgkt.recipe import Recipe, Source
from kgkt.rundir.folder import RunDir
from kgkt.rundir.state import Say
from kgkt.values import Features

if TYPE_CHECKING:
    from kgkt.source.inputs import Data


def check_source(recipe: Recipe) -> None:
    """Refuse a source that names neither a features file nor a model with layers and data."""
    source = recipe.source
    if source.features and source.model:
        raise UsageError("give --features, or --model with --layers and --data, not both")
    if not source.features and not (source.model and source.data):
        raise UsageError("where do the features come from? --model A.keras --layers L1,L2 --data POOL, or --features F")


def populate_inputs(recipe: Recipe) -> dict[str, str]:
    """Digests of what `populate` reads, by name."""
    source, concepts = recipe.source, recipe.concepts
    inputs = {}
    if source.model:
        inputs["model"] = digest_model(source)
    for name, path in (("data", source.data), ("features", source.features)):
        if path:
            inputs[name] = digest_path(Path(path))
    asked = [source.size] if source.size else []
    inputs["source settings"] = digest_value([source.layers, source.pixels, source.drop_bad, *asked])
    inputs["concepts settings"] = digest_value([concepts.k, concepts.seed, concepts.dims, recipe.store.text])
    return inputs


def digest_model(source: Source) -> str:
    """Digest of A's file, or of the files that make a sentence model."""
    from kgkt.source.sentence_files import digest_sentences

    assert source.model_path is not None
    return digest_sentences(source.model_path) if source.is_sentences else sha256_file(source.model_path)


def look_first(recipe: Recipe, say: Say) -> Data | None:
    """Look at everything that can be refused before a store is opened or a file is made; returns the pool."""
    from kgkt.concepts.cluster import check_k
    from kgkt.source.features import check_input, check_layers, check_pixels
    from kgkt.source.images import picture_size
    from kgkt.source.imported import peek_features
    from kgkt.source.inputs import read_data
    from kgkt.source.models import inspect_model, layer_by_name
    from kgkt.source.sentence_files import inspect_sentences
    from kgkt.source.sentences import check_texts, need_library

    source, data, shape, n = recipe.source, None, None, None
    if source.features:
        n, _ = peek_features(source.features, source.layers)
    if source.is_sentences:
        need_library()
        assert source.model_path is not None
        inspect_sentences(source.model_path)
    name = f"model {Path(source.model).name}" if source.model else ""
    if source.model and not source.is_sentences and not source.allow_legacy:
        info = inspect_model(source.model, source.imports)
        for layer in source.layers:
            layer_by_name(info, layer)
        shape = info.input_shape
    if source.model and not source.is_sentences:
        if not source.layers:
            raise UsageError("say which layers of A to read: --layers mid,emb (kgkt check shows their names)")
        check_layers(Path(source.model).name, source.layers)
        check_pixels(source.pixels)
    if source.data:
        data = read_data(source.data, drop_bad=source.drop_bad, size=picture_size(shape, source.size, name))
        for notice in data.notices:
            say(notice)
        if source.is_sentences:
            assert source.model_path is not None
            check_texts(source.model_path, data, source.layers)
        elif shape is not None:
            check_input(name, shape, data)
        n = n or len(data)
    if n is not None:
        check_k(recipe.concepts.k, n)
    return data


def read_features(
    recipe: Recipe, run: RunDir, data: Data | None, say: Say, progress: Any, force: bool
) -> tuple[Features, dict[str, str]]:
    """Features in the run directory: extracted with A, or read in; kept if their inputs did not change."""
    from kgkt.source.imported import import_features
    from kgkt.source.parquet import open_features

    source, out = recipe.source, run.path("features.parquet")
    inputs = populate_inputs(recipe)
    wanted = digest_value({k: v for k, v in inputs.items() if k != "concepts settings"})
    done = run.state().get("features")
    if not force and done and done["inputs"] == wanted and out.exists() and sha256_file(out) == done["sha256"]:
        return open_features(out), inputs
    if source.features:
        features = import_features(source.features, out, source.layers, source.drop_bad)
        for notice in filter(None, features.meta.get("notices", "").splitlines()):
            say(notice)
    else:
        features = extract_with_model(recipe, data, out, progress)
    state = run.state()
    state["features"] = {"inputs": wanted, "sha256": sha256_file(out)}
    run.write_state(state)
    return features, inputs


def extract_with_model(recipe: Recipe, data: Any, out: Path, progress: Any) -> Features:
    """Open A, check its layers, and run the pool through it."""
    import contextlib

    from kgkt.source.features import extract
    from kgkt.source.models import layer_by_name, open_model
    from kgkt.source.sentences import extract_sentences

    source = recipe.source
    assert source.model is not None
    assert source.model_path is not None
    bar = progress("features", len(data.ids)) if progress else contextlib.nullcontext()
    if source.is_sentences:
        with bar as advance:
            return extract_sentences(source.model_path, data, out, advance)
    model = open_model(source.model, source.imports, source.allow_legacy)
    for layer in source.layers:
        layer_by_name(model, layer)
    with bar as advance:
        return extract(
            model, source.layers, data, out, pixels=source.pixels, progress=advance,
            source=Path(source.model).name, model_sha256=sha256_file(Path(source.model)),
        )  # fmt: skip
