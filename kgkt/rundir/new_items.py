"""Items that were never in the pool: read through A or from a file of features, and embedded by the graph's maps."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kgkt.errors import InputError
from kgkt.files import load_arrays
from kgkt.recipe import Recipe, SourceSettings
from kgkt.rundir.folder import RunDir
from kgkt.rundir.graph_files import read_maps
from kgkt.rundir.reading import other_reading
from kgkt.rundir.source_memory import source_as_populated
from kgkt.rundir.state import Say, made_by
from kgkt.source.choose import source_of

if TYPE_CHECKING:
    import numpy as np
    from scipy.sparse import csr_matrix

    from kgkt.source.inputs import Data
    from kgkt.source.texts import Columns
    from kgkt.values import Embedding, Features, Maps


@dataclass(frozen=True, slots=True, eq=False)
class NewItems:
    """Items that were never in the pool, embedded by the graph's maps.

    Args:
        ids: (m,) item ids.
        vectors, head: (m, e) embedding and (m, h) head features.
        lengths: (m, 2l) from `map_lengths`.
        maps: layer of the graph -> (W, b).
        pool: arrays of the pool's own embedding.
        data: all items that were given, in their order, where they were read; those that A does not know too.
    """

    ids: np.ndarray
    vectors: np.ndarray
    head: np.ndarray
    lengths: np.ndarray
    maps: dict[str, tuple[np.ndarray, np.ndarray]]
    pool: dict[str, np.ndarray]
    data: Data | None


def read_new(
    recipe: Recipe, run: RunDir, data: str | None, features: str | None, asked: Columns, columns: tuple[str, ...],
    say: Say, progress: Any,
) -> NewItems:  # fmt: skip
    """New items through A, or from features of the same layers, into the graph's embedding.

    Args:
        recipe, run: of the graph.
        data, features: one of them names the items.
        asked: columns of a table, which go before those of the pool.
        columns: of a table of features, its columns of numbers.
        say, progress: as for `populate`.

    Raises:
        InputError: items that A cannot read, other layers, another A than the graph was made with.
    """
    told = source_as_populated(recipe, run)
    told = dataclasses.replace(told, id_column=asked.ids or told.id_column, columns=columns or told.columns)
    arrays, facts = load_arrays(made_by(run, "populate", "embedding.safetensors"))
    whole = read_maps(arrays, facts)
    maps = {layer: whole.layers[layer] for layer in whole.live}
    with tempfile.TemporaryDirectory(prefix="kgkt-new-") as folder:
        out, read, layers = Path(folder) / "new.parquet", None, maps
        if features is not None:
            new, layers = given_features(features, told, maps, out, say)
        else:
            assert data is not None
            read, new = extracted_features(recipe, run, told, data, asked, tuple(maps), out, say, progress)
        known = [whole.means[layer] for layer in maps if layer in whole.means]
        means = dict(zip(layers, known, strict=False))  # the layer may be called otherwise
        shares = {now: whole.shares[layer] for now, layer in zip(layers, maps, strict=True)} if whole.shares else {}
        embedding, lengths = embedded(new, dataclasses.replace(whole, layers=layers, means=means, shares=shares))
    return NewItems(new.ids, embedding.vectors, embedding.head, lengths, maps, arrays, read)


def new_memberships(run: RunDir, vectors: np.ndarray) -> csr_matrix:
    """(m, k) how much each of some embedded items belongs to the graph's concepts, not folded."""
    import numpy as np

    from kgkt.concepts.grow import memberships_among

    concepts, made = load_arrays(made_by(run, "populate", "concepts.safetensors"))
    return memberships_among(vectors, concepts["centroids"], np.flatnonzero(concepts["sizes"]),
                             float(made["bandwidth"]))[0]  # fmt: skip


def given_features(
    features: str, told: SourceSettings, maps: dict[str, tuple[np.ndarray, np.ndarray]], out: Path, say: Say
) -> tuple[Features, dict[str, tuple[np.ndarray, np.ndarray]]]:
    """Features of the new items that were made elsewhere, and the graph's maps by the names of their layers.

    Where there is one layer on either side, of one width, its name may differ: an array in memory has none.
    """
    from kgkt.source.imported import import_features, peek_features

    layers, other = tuple(maps) if told.also else told.layers, ""
    if len(maps) == 1:
        (layer, (W, _)) = next(iter(maps.items()))
        widths = peek_features(features, (), told.id_column, told.columns, fewest=1)[1]
        if len(widths) == 1 and layer not in widths and W.shape[1] in widths.values():
            layers, other = (), next(iter(widths))
        elif layer not in widths and W.shape[1] not in widths.values():
            raise _other_layers(layer, W.shape[1], widths)
    new = import_features(features, out, layers, told.drop_bad, None, told.id_column, told.columns, fewest=1)
    if other:
        say(f"{features}: its one layer {other} is taken for the graph's one layer {layer}, both have "
            f"{W.shape[1]} numbers")
        maps = {other: (W, maps[layer][1])}
    return _noted(new, (), say), maps


def _other_layers(layer: str, width: int, there: Mapping[str, int]) -> InputError:
    has = ", ".join(f"{name} {wide}" for name, wide in there.items())
    return InputError(f"the graph was made of layer {layer} with {width} numbers, the new items have {has}: give the "
                      "same layers of the same A")


def extracted_features(
    recipe: Recipe, run: RunDir, told: SourceSettings, data: str, asked: Columns, layers: tuple[str, ...], out: Path,
    say: Say, progress: Any,
) -> tuple[Data, Features]:  # fmt: skip
    """The new items and their features of some layers, through the A that the graph was made with."""
    import contextlib

    from kgkt.source.images import picture_size
    from kgkt.source.inputs import read_data

    source = source_of(told)
    assert source is not None
    source = source.reader(layers)
    look = source.look()
    before = run.state()["stages"]["populate"]["inputs"]
    changed = [name for name, digest in source.digests().items() if before.get(name) != digest]
    if changed:
        raise InputError(f"{look.name} is not the A that the graph was made with ({', '.join(changed)} changed): run "
                         "kgkt populate, or name that one in [source] of kgkt.toml")
    read = read_data(data, "data", size=picture_size(look.input_shape, told.size, look.name), fewest=1,
                     drop_bad=recipe.source.drop_bad, **other_reading(recipe, run, data, asked))  # fmt: skip
    for notice in read.notices:
        say(notice)
    source.check(look, read)  # its notices were heard when the graph was made
    bar = progress("features", len(read)) if progress else contextlib.nullcontext()
    with bar as advance:
        new = _noted(source.extract(read, out, advance), read.notices, say)
    return read, new


def _noted(features: Features, told: Any, say: Say) -> Features:
    for notice in filter(None, features.meta.get("notices", "").splitlines()):
        if notice not in told:
            say(notice)
    return features


def embedded(new: Features, maps: Maps) -> tuple[Embedding, np.ndarray]:
    """The embedding of the new items, and (m, 2l) the lengths that `map_lengths` gives.

    Raises:
        InputError: other layers than the graph was made of; or a graph of an earlier kgkt, which kept too little.
    """
    from kgkt.concepts.embed import stream_maps

    for layer, (W, _) in maps.layers.items():
        if new.widths.get(layer) != W.shape[1]:
            raise _other_layers(layer, W.shape[1], new.widths)
    if len(maps.means) < len(maps.layers):
        raise InputError("an earlier kgkt made this graph, and did not keep what new items need: run kgkt populate, "
                         "which keeps the concepts and all that was said of them")
    return stream_maps(new, maps)
