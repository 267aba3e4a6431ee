"""trace: from a unit, a class or an answer of a trained B back to concepts and A's examples."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kgkt.errors import InputError, UsageError, count, nearest
from kgkt.files import check_place, load_arrays, sha256_file
from kgkt.recipe import Recipe
from kgkt.rundir.current import CurrentGraph, open_graph_store, pool_ids
from kgkt.rundir.folder import RunDir
from kgkt.rundir.looks import Looks, read_looks
from kgkt.rundir.mapped import made_from, mapped_models
from kgkt.rundir.measured import as_fused, fused_model, load_measured, measured_key
from kgkt.rundir.new_items import NewItems, new_memberships, read_new
from kgkt.rundir.source_memory import source_as_populated
from kgkt.rundir.state import Say, made_by, open_run, settings_of
from kgkt.rundir.target_model import open_target, read_for_target, refuse_shift, target_inputs
from kgkt.source.texts import Columns
from kgkt.transfer.measure import Measured
from kgkt.transfer.traced import Traced, TracedClass, TracedItem, TracedUnit
from kgkt.transfer.tracing import Ground, trace_class, trace_item, trace_unit
from kgkt.values import Targets
from kgkt.verbs.predict import answers_for
from kgkt.verbs.propagate import fresh_targets

if TYPE_CHECKING:
    import numpy as np


def trace(
    recipe: Recipe, say: Say, what: str | None = None, *, item: str | None = None, data: str | None = None,
    target: str | None = None, examples: int = 5, picture: str | None = None, force: bool = False, progress: Any = None,
) -> TracedUnit | TracedClass | TracedItem:  # fmt: skip
    """Trace a unit, a class or an item of a trained B back to concepts; propagates first where something changed.

    Args:
        recipe: of the graph; what its [target] does not say is as the last `fuse` was told.
        say: takes notices.
        what: LAYER:UNIT, or a class.
        item: in its place, an item of the pool, or of `data`.
        data: in any form of a pool, or one picture: an item that was never in the pool.
        target: a trained B; the one that was fused last by default.
        examples: how many concepts, blocks of a layer and examples are told of.
        picture: a PNG to draw.
        force: replace `picture` where it exists.
        progress: as for `populate`.

    Raises:
        UsageError: not exactly one thing asked for.
        InputError: no such unit, class or item; no B, a B that changed, or one of other classes.
    """
    from kgkt.source.known_items import known_item

    if (what is None) == (item is None and data is None):
        raise UsageError("trace what? LAYER:UNIT or a class, or --item ID, or --data FILE (with --item, if it holds "
                         "several)")
    if examples < 1:
        raise UsageError(f"-n must be at least 1, received {examples}")
    if picture is not None and Path(picture).exists() and not force:
        raise InputError(f"{picture} exists: --force replaces it")
    if picture is not None:
        check_place(Path(picture))
    run = open_run(recipe)
    recipe = as_fused(recipe, run)
    recipe = recipe.override("target", model=str(fused_model(recipe, run, target)))
    if item is not None and data is None:
        item = known_item(item, frozenset(pool_ids(run).tolist()))
    alone = not (recipe.source.data or settings_of(run, "populate").get("data"))  # made from features
    looks = read_looks(recipe, run, draw=picture is not None and not alone)
    current, targets = fresh_targets(recipe, run, say)
    ground = _ground(recipe, run, current, targets, looks, examples, target is not None, what, say)
    if looks.missing and picture is None:
        say(looks.missing)
    if alone and picture is not None:
        looks = _as_b_sees(ground, looks)
    drawn: dict[str, np.ndarray] = {}
    if what is not None:
        done: TracedUnit | TracedClass | TracedItem = _of_b(ground, what)
    elif data is None:
        assert item is not None
        done = _of_pool(run, ground, item)
    else:
        done, drawn = _of_new(recipe, run, ground, current, data, item, say, progress)
    if picture is not None:
        _draw(Path(picture), done, looks, drawn)
    return done


def _ground(
    recipe: Recipe, run: RunDir, current: CurrentGraph, targets: Targets, looks: Looks, examples: int, named: bool,
    what: str | None, say: Say,
) -> Ground:  # fmt: skip
    """B opened, what was measured in it, and the graph; a unit that B does not have is refused before any of it."""
    from kgkt.transfer.blocks import check_target, read_blocks
    from kgkt.transfer.outputs import read_outputs
    from kgkt.transfer.trace import parse_unit

    opened = open_target(recipe)
    check_target(opened.model, targets.names, file=opened.path.name)
    if what is not None and what not in targets.names:
        parse_unit(what, {layer: len(blocks) for layer, blocks in read_blocks(opened.model).items()}, targets.names)
    x, _ = target_inputs(recipe, run, opened.model, current.ids, targets.names, say)
    found = _measured(recipe, run, current, opened.path, opened.model, x, say)
    strengths = _strengths(recipe, run, opened.path, named, say)
    return Ground(
        opened.path.name, opened.model, read_outputs(opened.model, recipe.target.from_logits), x, found, current.graph,
        current.ids, current.Z, current.labels, targets, strengths, lambda one: (looks.path(one), looks.text(one)),
        examples,
    )  # fmt: skip


def _measured(
    recipe: Recipe, run: RunDir, current: CurrentGraph, path: Path, model: Any, x: Any, say: Say
) -> Measured:
    """What `fuse` kept of this B and this graph; else measured now, which is said."""
    from kgkt.transfer.measure import measure

    done = run.state().get("stages", {}).get("fuse", {}).get("outputs", {})
    if done.get("model") == sha256_file(path) and "measured.safetensors" in done:
        found, facts = load_measured(run)
        if facts["key"] == measured_key(run, current):
            return found
        say(f"the concepts changed since {path.name} was measured: measured again, on {count(len(x), 'item')}")
    else:
        say(f"{path.name} was not measured by fuse: measured now, on {count(len(x), 'item')}")
    found = measure(model, x, current.Z, from_logits=recipe.target.from_logits)
    for notice in found.notices:
        say(notice)
    return found


def _strengths(recipe: Recipe, run: RunDir, path: Path, named: bool, say: Say) -> dict[str, Any]:
    """Strengths and plans of the B that this one was made of, or is, where the graph has its map; else none."""
    from kgkt.store.readback import read_strengths

    fused = settings_of(run, "fuse").get("target", {})
    same = run.state().get("stages", {}).get("fuse", {}).get("outputs", {}).get("model") == sha256_file(path)
    with open_graph_store(recipe, run) as store:
        mapped = mapped_models(store, run)
        own = path.stem
        if same and "model" in fused:
            own = Path(fused["model"]).stem
        elif own not in mapped:
            own = made_from(path) or own
        if own in mapped and not (same and not fused.get("map", True)):
            return read_strengths(store, run.graph, own)
    what = f"{own}, which it was made of," if own != path.stem else "it"
    others = f"; the graph has maps of {', '.join(mapped)}" if mapped and own not in mapped else ""
    made = "it was fused with --no-map" if own in mapped else f"{what} was never mapped (kgkt map){others}"
    say(f"{path.name}: no strength is planned for its blocks, as {made}")
    return {}


def _of_b(ground: Ground, what: str) -> TracedUnit | TracedClass:
    """A unit or a class; a class goes first where it is called like a unit."""
    from kgkt.transfer.trace import find_unit

    if what in ground.names:
        return trace_class(ground, ground.names.index(what))
    return trace_unit(ground, *find_unit(what, ground.found, ground.names))


def _of_pool(run: RunDir, ground: Ground, item: str) -> TracedItem:
    """An item of the pool."""
    import numpy as np

    i = int(np.flatnonzero(ground.ids == item)[0])
    arrays, _ = load_arrays(made_by(run, "populate", "embedding.safetensors"))
    said = _said(ground.targets.P[i], bool(ground.targets.weight[i] > 0), ground.names)
    near = _nearest(arrays["vectors"][i], arrays["vectors"], ground.n + 1)
    near = [entry for entry in near if entry[0] != i][: ground.n]
    return trace_item(ground, item, ground.x, i, ground.Z[i], said, near, new=False)


def _of_new(
    recipe: Recipe, run: RunDir, ground: Ground, current: CurrentGraph, data: str, item: str | None, say: Say,
    progress: Any,
) -> tuple[TracedItem, dict[str, np.ndarray]]:  # fmt: skip
    """An item of a file: as B reads it, and where A says it lies; and its pixels, where it is a picture."""
    import numpy as np

    from kgkt.concepts.merge import fold_memberships
    from kgkt.source.thumbs import as_pixels, is_image

    with _as_folder(data) as place:
        read, x = read_for_target(recipe, run, ground.model, place, ground.names, say)
        row = _row_of(data, read.ids, item)
        refuse_shift(ground.model, ("the pool", ground.x), (data, x), recipe.target.allow_shift, say)
        x = x[np.array([row])]
        pixels = {str(read.ids[row]): one for _, one in as_pixels(read, np.array([row]))} if is_image(read) else {}
        told = source_as_populated(recipe, run)
        new: NewItems | None = None
        if told.model is None:
            say("the graph was made from features alone: in which concepts a new item lies is not known")
        else:
            new = read_new(recipe, run, place, None, Columns(), (), say, progress)
    name = str(read.ids[row])
    if new is None:
        return trace_item(ground, name, x, 0, None, (None, None), [], new=True), pixels
    at = int(np.flatnonzero(new.ids == name)[0])
    z = new_memberships(run, new.vectors)
    P, reached = answers_for(new, z, current, ground.targets)
    said = _said(P[at], bool(reached[at]), ground.names)
    near = _nearest(new.vectors[at], new.pool["vectors"], ground.n)
    return trace_item(ground, name, x, 0, fold_memberships(z, current.into)[at], said, near, new=True), pixels


@contextlib.contextmanager
def _as_folder(data: str) -> Iterator[str]:
    """The place of some data; a single picture as a folder that holds it alone."""
    from kgkt.source.images import SUFFIXES

    if Path(data).suffix.lower() not in SUFFIXES:
        yield data
        return
    if not Path(data).is_file():
        raise InputError(f"data {data} is not there")
    with tempfile.TemporaryDirectory(prefix="kgkt-trace-") as folder:
        shutil.copy(data, folder)
        yield folder


def _row_of(data: str, ids: np.ndarray, item: str | None) -> int:
    """Which item of the data is meant."""
    import numpy as np

    if item is None:
        if len(ids) > 1:
            some = ", ".join(map(str, ids[:3]))
            raise InputError(f"{data} holds {len(ids)} items ({some}, …): say which with --item")
        return 0
    found = np.flatnonzero(ids == item)
    if not len(found):
        raise InputError(f"{data} has no item {item!r}{nearest(item, ids.tolist()[:20000])}")
    return int(found[0])


def _said(row: np.ndarray, reached: bool, names: tuple[str, ...]) -> tuple[str | None, float | None]:
    """The graph's answer and its mass; none where no knowledge reaches the item."""
    best = int(row.argmax())
    return (names[best], float(row[best])) if reached else (None, None)


def _nearest(vector: np.ndarray, pool: np.ndarray, how_many: int) -> list[tuple[int, float]]:
    """Rows of the pool and their cosine distances, the nearest first; of unit rows it is half the squared distance."""
    from kgkt.transfer.new_items import nearest_in_pool

    index, distance = nearest_in_pool(vector[None], pool, how_many)
    return [(int(i), float(d) ** 2 / 2) for i, d in zip(index[0], distance[0], strict=True)]


def _as_b_sees(ground: Ground, looks: Looks) -> Looks:
    """The items of a graph that was made from features, as B reads them.

    Raises:
        InputError: these are no pictures either.
    """
    import dataclasses

    from kgkt.source.inputs import Data
    from kgkt.source.thumbs import is_image

    data = Data(ground.ids, ground.x, None, None, None, "array", "")
    if ground.x.dtype.kind in "OU":
        data = dataclasses.replace(data, text=[str(one) for one in ground.x.ravel()])
    elif not is_image(data):
        raise InputError(f"nothing can be drawn: {looks.missing}, and B reads no pictures")
    return dataclasses.replace(looks, data=data)


def _draw(path: Path, done: Traced, looks: Looks, drawn: dict[str, np.ndarray]) -> None:
    from kgkt.share.traced import draw_traced, shown_items

    draw_traced(path, done, looks.pixels(shown_items(done)) | drawn)
