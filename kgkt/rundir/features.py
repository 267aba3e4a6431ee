"""A's features in the run directory: looked at first, extracted once for each item, kept while A stays the same."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kgkt.files import digest_path, digest_value, sha256_file
from kgkt.recipe import Recipe
from kgkt.rundir.folder import RunDir, load_items, save_items
from kgkt.rundir.parts_read import parts, parts_read, taken_parts
from kgkt.rundir.source_memory import layers_beside, weights_asked
from kgkt.rundir.state import Say
from kgkt.source.arrays import rows_of
from kgkt.source.beside import match_pool
from kgkt.source.choose import need_source, source_of
from kgkt.source.columns import ITEM_ID
from kgkt.source.several import Several, Taken
from kgkt.source.source import Source
from kgkt.values import Features

if TYPE_CHECKING:
    import numpy as np

    from kgkt.source.inputs import Data
    from kgkt.source.parquet import Batch

@dataclass(frozen=True, slots=True)
class Pool:
    """What a populate reads.

    Args:
        source: where the features come from.
        data: the items, or None where the source holds them itself.
        contents: the digest of each item of `data`, where the source reads them; else None.
        inputs: digests of all of it, from `populate_inputs`.
    """

    source: Source
    data: Data | None
    contents: list[bytes] | None
    inputs: dict[str, str]


FILE, ITEMS = "features.parquet", "items.parquet"
GATHER_BYTES = 32 << 20  # features brought together at a time: in a pool in another order each such part reads the file


def populate_inputs(recipe: Recipe) -> dict[str, str]:
    """Digests of what `populate` reads, by name."""
    settings, concepts = recipe.source, recipe.concepts
    source = source_of(settings)
    inputs = {} if source is None else source.digests()
    if settings.data:
        inputs["data"] = digest_path(Path(settings.data))
    if settings.vocabulary and (listed := settings.vocabulary_path):
        layer = settings.vocabulary.removeprefix(str(listed))
        inputs["vocabulary"] = digest_value([digest_path(listed), layer]) if layer else digest_path(listed)
    asked: list[Any] = [settings.size] if settings.size else []
    asked += [settings.id_column] if settings.id_column != ITEM_ID else []
    asked += [settings.columns] if settings.columns else []
    asked += [["text", settings.text_column]] if settings.text_column else []
    asked += [layers_beside(settings)] if settings.also else []
    asked += [["words", settings.most_frequent, settings.lower]] if settings.most_frequent or settings.lower else []
    inputs["source settings"] = digest_value([settings.layers, settings.pixels, settings.drop_bad, *asked])
    weighed = [weights_asked(settings)] if settings.also else []
    made = [concepts.k, concepts.seed, concepts.dims, recipe.store.text, *weighed]
    inputs["concepts settings"] = digest_value(made)
    return inputs


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
        data = read_data(settings.data, drop_bad=settings.drop_bad, size=size, id_column=settings.id_column,
                         text_column=settings.text_column, class_column=settings.class_column)  # fmt: skip
        for notice in data.notices:
            say(notice)
        for notice in source.check(look, data):
            say(notice)
        if (held := source.held_ids()) is not None:
            data, told = match_pool(data, held, settings.data, look.name)
            for notice in told:
                say(notice)
    n = look.items if look.items is not None else None if data is None else len(data)
    if n is not None:
        check_k(recipe.concepts.k, n)
    return data


def look_at(recipe: Recipe, say: Say) -> Pool:
    """Source and pool, looked at before a store is opened or a file is made.

    Raises:
        UsageError: neither a model with data nor a features file.
    """
    source = need_source(recipe.source)
    data = look_first(recipe, source, say)
    contents = None if data is None else source.contents(data)
    return Pool(source, data, contents, populate_inputs(recipe))


def of_words(features: Features, data: Data | None) -> bool:
    """Whether the items are words, each its own id and text: of a source of words, or of a pool of them."""
    return features.meta.get("items") == "words" or (data is not None and data.is_words)


def as_read(pool: Pool, features: Features) -> Pool:
    """The pool with the items of its features alone: what was left out of a file of them has no place any more."""
    if pool.data is None:
        return pool
    return replace(pool, data=match_pool(pool.data, features.ids, "the pool", features.source)[0])


def pool_settings(recipe: Recipe, data: Data | None) -> dict[str, Any]:
    """Where the pool lies, so that `fuse` finds it again, of what kind it is, and whether its texts may leave it."""
    if data is None:
        return {"kind": "words", "text": recipe.store.text} if recipe.source.holds_words else {}
    assert recipe.source.data is not None
    read = data.columns
    return {
        "data": str(Path(recipe.source.data).resolve()), "drop_bad": recipe.source.drop_bad, "kind": data.kind,
        "id_column": recipe.source.id_column if read is None else read.ids,
        "text_column": None if read is None else read.text, "class_column": None if read is None else read.classes,
        "text": recipe.store.text, "size": list(data.x.shape[1:3]) if data.kind == "images" else None,
    }  # fmt: skip


def read_features(
    recipe: Recipe, run: RunDir, pool: Pool, say: Say, progress: Any = None, force: bool = False,
    out: Path | None = None,
) -> tuple[Features, list[bytes]]:  # fmt: skip
    """The features of every item, and the digest of what each item holds.

    What lies in the run directory is taken where nothing changed. Where only the pool did, A reads the items that
    it has not seen, and the features of the others are copied.

    Args:
        recipe, run: of the graph.
        pool: from `look_at`.
        say: takes notices.
        progress: as for `populate`.
        force: let A read every item again.
        out: where to write instead of into the run directory, which then stays as it is.
    """
    from kgkt.source.contents import feature_contents
    from kgkt.source.parquet import open_features

    path, contents = run.path(FILE), pool.contents
    done: dict[str, Any] = run.state().get("features") or {}
    wanted = features_wanted(pool.inputs)
    models = {name: digest for name, digest in pool.source.digests().items() if name.startswith("model")}
    made_by = digest_value([models, recipe.source.layers, recipe.source.pixels, *layers_beside(recipe.source)])
    sound = "sha256" in done and path.exists() and sha256_file(path) == done["sha256"]
    if sound and not force and done["inputs"] == wanted:
        features = open_features(path)
        return features, contents or _known(run, done) or feature_contents(features)
    rows = None
    if sound and not force and contents is not None and done.get("made_by") == made_by:
        rows = rows_of(_known(run, done) or [], contents)
    taken = {} if rows is not None or not sound or force else taken_parts(
        pool.source, pool.data, done, path, lambda: _known(run, done))
    for name in (part.name for part in parts(pool.source) if part.number in taken):
        say(f"what {name} says of the items is at hand, and not read again")
    features = _extract(pool, rows, path, out or path, say, progress, taken)
    contents = contents or feature_contents(features)
    if out is None:
        save_items(run.path(ITEMS), features.ids, contents)
        run.write_state({**run.state(), "features": {
            "inputs": wanted, "sha256": sha256_file(path), "made_by": made_by, "items": sha256_file(run.path(ITEMS)),
            **parts_read(recipe, pool.source, pool.data, features),
        }})  # fmt: skip
    return features, contents


def pool_lengths(run: RunDir, maps: dict[str, tuple[np.ndarray, np.ndarray]], size: int) -> np.ndarray | None:
    """(s, 2l) lengths of at most `size` items of the pool, as `map_lengths` gives them.

    None where the features are gone, or are not those that the maps are of.
    """
    from kgkt.concepts.embed import map_lengths, sample_rows
    from kgkt.source.parquet import open_features

    if not run.path(FILE).exists():
        return None
    features = open_features(run.path(FILE))
    if any(features.widths.get(layer) != W.shape[1] for layer, (W, _) in maps.items()):
        return None
    rows = sample_rows(len(features), size, 0)
    return map_lengths({layer: features.rows(layer, rows) for layer in maps}, maps)


def features_wanted(inputs: dict[str, str]) -> str:
    """The digest of everything that features come from."""
    return digest_value({k: v for k, v in inputs.items() if k != "concepts settings"})


def _known(run: RunDir, done: dict[str, Any]) -> list[bytes] | None:
    """The digests of the items that the features file holds; None where they were not written down."""
    path = run.path(ITEMS)
    if "items" not in done or not path.exists() or sha256_file(path) != done["items"]:
        return None
    return load_items(path)[1]


def _extract(
    pool: Pool, rows: np.ndarray | None, old: Path, out: Path, say: Say, progress: Any, taken: dict[int, Taken]
) -> Features:
    """Have the source read what is not known yet, and say what it noticed."""
    import numpy as np

    from kgkt.source.parquet import open_features

    data = pool.data
    missing = None if rows is None or not (rows >= 0).any() else np.flatnonzero(rows < 0)
    total = None if data is None else len(data) if missing is None else len(missing)
    bar = progress("features", total) if progress and total else contextlib.nullcontext()
    with bar as advance:
        if taken and isinstance(pool.source, Several):
            features = pool.source.extract(data, out, advance, taken)
        elif missing is None:
            features = pool.source.extract(data, out, advance)
        else:
            assert data is not None
            assert rows is not None
            features = extract_missing(pool.source, data, rows, open_features(old), out, advance)
    told = [] if data is None else data.notices
    for notice in filter(None, features.meta.get("notices", "").splitlines()):
        if notice not in told:
            say(notice)
    return features


def extract_missing(
    source: Source, data: Data, rows: np.ndarray, old: Features, out: Path, advance: Any = None
) -> Features:
    """Write the features of a pool of which some are known.

    Args:
        source: that made `old`.
        data: n items.
        rows: (n,) row of each item in `old`, -1 where the source has to read it.
        old: features by the same source; `out` may be its file.
        out: the features file.
        advance: called with how many more items are done.
    """
    import numpy as np

    from kgkt.source.contents import take
    from kgkt.source.parquet import write_features

    missing = np.flatnonzero(rows < 0)
    scratch = out.with_name(f".{out.name}.{os.getpid()}.new.part{out.suffix}")  # swept if this process is killed
    try:
        new = source.extract(take(data, missing), scratch, advance) if len(missing) else None
        meta = {**(new or old).meta, "notices": "\n".join(data.notices)}
        return write_features(out, old.widths, _gathered(data.ids, rows, old, new), meta)
    finally:
        scratch.unlink(missing_ok=True)


def _gathered(ids: np.ndarray, rows: np.ndarray, old: Features, new: Features | None) -> Iterator[Batch]:
    """The features of each item from where they are, in the order of `ids` (n,)."""
    import numpy as np

    from kgkt.source.parquet import GROUP_BYTES

    width = 4 * sum(old.widths.values())
    step, inner = max(1, GATHER_BYTES // width), max(1, GROUP_BYTES // (4 * width))
    place = np.cumsum(rows < 0) - 1  # of an item that is not in `old` among the new ones
    for start in range(0, len(rows), step):
        part, fresh, names = (of[start : start + step] for of in (rows, place, ids))
        arrays = {}
        for layer, d in old.widths.items():
            arrays[layer] = np.empty((len(part), d), np.float32)
            arrays[layer][part >= 0] = old.rows(layer, part[part >= 0])
            if new is not None:
                arrays[layer][part < 0] = new.rows(layer, fresh[part < 0])
        for at in range(0, len(part), inner):
            yield names[at : at + inner], {layer: values[at : at + inner] for layer, values in arrays.items()}
