"""predict: what items are that were never in the pool, by the graph or by B."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kgkt.errors import InputError, UsageError
from kgkt.files import check_place, load_arrays, write_csv
from kgkt.recipe import Recipe, SourceSettings
from kgkt.rundir.current import open_graph_store, read_current
from kgkt.rundir.features import pool_lengths
from kgkt.rundir.folder import RunDir
from kgkt.rundir.graph_files import read_maps
from kgkt.rundir.source_memory import source_as_populated
from kgkt.rundir.state import Say, made_by, open_run
from kgkt.source.choose import source_of
from kgkt.verbs.propagate import fresh_targets

if TYPE_CHECKING:
    import numpy as np

    from kgkt.source.inputs import Data
    from kgkt.values import Features, Maps

COLUMNS = ("item", "class", "mass", "next_class", "next_mass", "concepts")
FEW_FAR = 0.03  # share of far items up to which nothing is said: 1 in 100 is usual


@dataclass(frozen=True, slots=True)
class Predicted:
    """What new items are.

    Args:
        ids: (m,) item ids.
        P: (m, c) probabilities, rows to 1.
        names: (c,) class names.
        reached: (m,) bool; an item that no knowledge reaches has no class.
        concepts: (m, q) numbers of the nearest concepts, nearest first; None where B answered.
        strengths: (m, q) how much an item belongs to each.
        concept_names: (k,) of the graph.
        far: how many items lie farther from the pool than 99 of 100 of its items do from one another, or are of
            another scale; None where B answered.
        right: share of the items that are of the class that the data says; None where it does not say.
    """

    ids: np.ndarray
    P: np.ndarray
    names: tuple[str, ...]
    reached: np.ndarray
    concepts: np.ndarray | None = None
    strengths: np.ndarray | None = None
    concept_names: tuple[str, ...] = ()
    far: int | None = None
    right: float | None = None

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def classes(self) -> list[str | None]:
        """(m,) the class of each item."""
        best = self.P.argmax(axis=1)
        return [self.names[b] if reached else None for b, reached in zip(best, self.reached, strict=True)]

    def rows(self) -> Iterator[tuple[Any, ...]]:
        """COLUMNS of each item; `concepts` is [[number, name, strength], ...], or None where B answered."""
        for i, item in enumerate(self.ids.tolist()):
            if not self.reached[i]:
                yield item, None, None, None, None, self._concepts(i)
                continue
            order = self.P[i].argsort(kind="stable")[::-1]
            best, following = order[0], order[1] if len(order) > 1 else None
            yield (item, self.names[best], float(self.P[i, best]), None if following is None else self.names[following],
                   None if following is None else float(self.P[i, following]), self._concepts(i))  # fmt: skip

    def _concepts(self, i: int) -> list[list[Any]] | None:
        if self.concepts is None or self.strengths is None:
            return None
        found: dict[int, float] = {}  # of two that people merged, the one that both count as
        for number, strength in zip(self.concepts[i].tolist(), self.strengths[i].tolist(), strict=True):
            found[number] = found.get(number, 0.0) + strength
        return [[number, self.concept_names[number], round(strength, 3)] for number, strength in found.items()]

    def to_pandas(self) -> Any:
        """The rows as a pandas DataFrame."""
        from kgkt.tables import data_frame

        return data_frame(COLUMNS, self.rows())

    def _repr_html_(self) -> str:
        from kgkt.tables import html_table

        return html_table(COLUMNS, self.rows())


def predict(
    recipe: Recipe, say: Say, data: str | None = None, features: str | None = None, model: str | None = None,
    items: str | None = None, force: bool = False, progress: Any = None, id_column: str | None = None,
) -> Predicted:  # fmt: skip
    """Say what new items are: by the graph alone, or by B.

    Args:
        recipe: of the graph; names A where `populate` was not told it, or A lies elsewhere now.
        say: takes notices.
        data: the new items, in any form of a pool.
        features: in place of data: the same layers of the new items, made elsewhere.
        model: a B that answers in the place of the graph.
        items: a CSV to write: item_id, class, mass, next_class, next_mass, concepts.
        force: replace `items` where it exists.
        progress: as for `populate`.
        id_column: of a table, the column of item ids; else as `populate` was told.

    Raises:
        UsageError: neither data nor features, or both.
        InputError: items that A or B cannot read, other layers, another A than the graph was made with.
    """
    if (data is None) == (features is None):
        raise UsageError("which items? --data new.npz, a folder or a .csv, or --features new.parquet")
    if model is not None and data is None:
        raise UsageError("B reads the items themselves: --data, not --features")
    if items is not None and Path(items).exists() and not force:
        raise InputError(f"{items} exists: --force replaces it")
    if items is not None:
        check_place(Path(items))
    run = open_run(recipe)
    if model is not None and data is not None:
        done = _by_b(recipe.override("source", id_column=id_column), run, data, model, say)
    else:
        done = _by_graph(recipe, run, data, features, id_column, say, progress)
    if items is not None:
        _write(Path(items), done)
    return done


def _by_graph(
    recipe: Recipe, run: RunDir, data: str | None, features: str | None, id_column: str | None, say: Say, progress: Any
) -> Predicted:
    """Through A, the maps of the embedding, and the answer of the nearest items of the pool."""
    import numpy as np

    from kgkt.concepts.grow import memberships_among
    from kgkt.concepts.merge import fold_memberships
    from kgkt.transfer.new_items import SAME, answer_new, round_new

    told = source_as_populated(recipe, run)
    told = dataclasses.replace(told, id_column=id_column or told.id_column)
    arrays, facts = load_arrays(made_by(run, "populate", "embedding.safetensors"))
    whole = read_maps(arrays, facts)
    maps = {layer: whole.layers[layer] for layer in whole.live}
    with tempfile.TemporaryDirectory(prefix="kgkt-predict-") as folder:
        out, read, layers = Path(folder) / "new.parquet", None, maps
        if features is not None:
            new, layers = _given(features, told, maps, out, say)
        else:
            assert data is not None
            read, new = _extracted(recipe, run, told, data, tuple(maps), out, say, progress)
        ids = new.ids
        known = [whole.means[layer] for layer in maps if layer in whole.means]
        means = dict(zip(layers, known, strict=False))  # the layer may be called otherwise
        shares = {now: whole.shares[layer] for now, layer in zip(layers, maps, strict=True)} if whole.shares else {}
        vectors, head, lengths = _embedded(new, dataclasses.replace(whole, layers=layers, means=means, shares=shares))
    current, targets = fresh_targets(recipe, run, say)
    concepts, made = load_arrays(made_by(run, "populate", "concepts.safetensors"))
    bandwidth = float(made["bandwidth"])
    Z, _ = memberships_among(vectors, concepts["centroids"], np.flatnonzero(concepts["sizes"]), bandwidth)
    P, reached = answer_new(vectors, arrays["vectors"], targets.P, targets.weight)
    taught = (targets.weight > 0) & (True if targets.ticked is None else targets.ticked < 0)
    P = round_new(P, reached, head, arrays["head"], targets.P, taught)
    folded = fold_memberships(Z, current.into)
    dark = np.asarray(folded[:, current.graph.active].sum(axis=1)).ravel() <= 0  # all its concepts are switched off
    P[dark], reached[dark] = 1 / P.shape[1], False
    place = {item: row for row, item in enumerate(current.ids.tolist())}
    for i, item in enumerate(ids.tolist()):  # an item of the pool has its answer there
        row = place.get(item)
        if row is not None and np.linalg.norm(vectors[i] - arrays["vectors"][row]) <= SAME:
            P[i], reached[i] = targets.P[row], targets.weight[row] > 0
    q = Z.indptr[1] - Z.indptr[0]
    nearest = current.into[Z.indices].reshape(len(ids), q)
    far = _far(run, vectors, arrays["vectors"], lengths, maps, say)
    done = Predicted(ids, P, targets.names, reached, nearest, Z.data.reshape(len(ids), q),
                     tuple(str(name) for name in current.graph.names), far)  # fmt: skip
    return dataclasses.replace(done, right=_right(done, read))


def _by_b(recipe: Recipe, run: RunDir, data: str, model: str, say: Say) -> Predicted:
    """What B answers for the items as it reads them; the order of its outputs is that of the graph's classes."""
    import numpy as np

    from kgkt.rundir.target_model import open_target, read_for_target
    from kgkt.transfer.trainer import Trainer

    recipe = recipe.override("target", model=model)
    b, _ = open_target(recipe)
    with open_graph_store(recipe, run) as store:
        names = read_current(store, run, say, recipe.target.classes).labels.names
    read, x = read_for_target(recipe, run, b, data, names, say)
    P = Trainer(b, from_logits=recipe.target.from_logits).predict(x)
    total = P.sum(axis=1, keepdims=True)
    P = np.divide(P, total, out=np.full_like(P, 1 / P.shape[1]), where=total > 0)
    done = Predicted(read.ids, P, names, np.ones(len(P), bool))
    return dataclasses.replace(done, right=_right(done, read))


def _given(
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
    new = import_features(features, out, layers, told.drop_bad, None, told.id_column, told.columns, fewest=1)
    if other:
        say(f"{features}: its one layer {other} is taken for the graph's one layer {layer}, both have "
            f"{W.shape[1]} numbers")
        maps = {other: (W, maps[layer][1])}
    return _noted(new, (), say), maps


def _extracted(
    recipe: Recipe, run: RunDir, told: SourceSettings, data: str, layers: tuple[str, ...], out: Path, say: Say,
    progress: Any,
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
    read = read_data(data, "data", size=picture_size(look.input_shape, told.size, look.name), id_column=told.id_column,
                     drop_bad=recipe.source.drop_bad, fewest=1)  # fmt: skip
    for notice in read.notices:
        say(notice)
    source.check(look, read)  # its notices were heard when the graph was made
    bar = progress("features", len(read)) if progress else contextlib.nullcontext()
    with bar as advance:
        return read, _noted(source.extract(read, out, advance), read.notices, say)


def _noted(features: Features, told: Any, say: Say) -> Features:
    for notice in filter(None, features.meta.get("notices", "").splitlines()):
        if notice not in told:
            say(notice)
    return features


def _embedded(new: Features, maps: Maps) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(m, e) embedding and (m, h) head features of the new items, and (m, l) their lengths before, batch by batch."""
    import numpy as np

    from kgkt.concepts.embed import apply_maps, map_lengths

    for layer, (W, _) in maps.layers.items():
        if new.widths.get(layer) != W.shape[1]:
            has = ", ".join(f"{name} {width}" for name, width in new.widths.items())
            raise InputError(f"the graph was made of layer {layer} with {W.shape[1]} numbers, the new items have "
                             f"{has}: give the same layers of the same A")
    if len(maps.means) < len(maps.layers):
        raise InputError("an earlier kgkt made this graph, and did not keep what new items need: run kgkt populate, "
                         "which keeps the concepts and all that was said of them")
    embedding = apply_maps(new, maps)
    parts = zip(*(new.batches(layer) for layer in maps.layers), strict=True)
    lengths = [map_lengths(dict(zip(maps.layers, part, strict=True)), maps.layers) for part in parts]
    return embedding.vectors, embedding.head, np.concatenate(lengths)


def _far(
    run: RunDir, vectors: np.ndarray, pool: np.ndarray, lengths: np.ndarray,
    maps: dict[str, tuple[np.ndarray, np.ndarray]], say: Say,
) -> int:  # fmt: skip
    """How many new items are unlike the pool; said where they are many. Without the pool's features, by place alone."""
    import numpy as np

    from kgkt.transfer.new_items import ASKED, far_from, other_scale

    known = pool_lengths(run, maps, ASKED)
    scaled = np.zeros(len(vectors), bool) if known is None else other_scale(lengths, known)
    far = int((far_from(vectors, pool) | scaled).sum())
    if far > FEW_FAR * len(vectors):
        why = f", {scaled.sum()} by their scale (are features scaled as the pool's are?)" if scaled.any() else ""
        say(f"{far} of {len(vectors)} items lie farther from the pool than 99 of 100 of its items do from one another"
            f"{why}: they may be of no class that the graph knows")
    return far


def _right(done: Predicted, data: Data | None) -> float | None:
    """Share of items whose class is the one that the data gives; None where it gives none."""
    if data is None or data.y is None:
        return None
    known = dict(zip(data.ids.tolist(), data.y.tolist(), strict=True))
    return sum(known[item] == name for item, name in zip(done.ids.tolist(), done.classes, strict=True)) / len(done)


def _write(path: Path, done: Predicted) -> None:
    write_csv(path, ("item_id", *COLUMNS[1:]), (
        (item, name or "", "" if mass is None else f"{mass:.6f}", following or "",
         "" if next_mass is None else f"{next_mass:.6f}",
         "; ".join(f"{number} {title} {strength:g}" for number, title, strength in concepts or ()))
        for item, name, mass, following, next_mass, concepts in done.rows()
    ))  # fmt: skip
