"""populate: from A and a pool of data to a concept graph in the store; the graph grows when the pool does."""

from __future__ import annotations

import contextlib
import dataclasses
import tempfile
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kgkt.errors import count
from kgkt.files import make_folder, sha256_file
from kgkt.memory import release_memory
from kgkt.recipe import Recipe
from kgkt.rundir import carry
from kgkt.rundir.carry import Carried
from kgkt.rundir.current import count_themes, stands
from kgkt.rundir.derived import all_gone, gone_in_words
from kgkt.rundir.features import (
    FILE,
    Pool,
    as_read,
    features_wanted,
    look_at,
    of_words,
    pool_settings,
    read_features,
)
from kgkt.rundir.folder import RunDir, nothing_left_if_refused
from kgkt.rundir.graph_database import write_graph
from kgkt.rundir.graph_files import (
    MADE,
    SOURCES,
    Before,
    Drawn,
    read_before,
    save_graph_files,
    save_sources,
    sources_stand,
)
from kgkt.rundir.grown import Growth, asked_of
from kgkt.rundir.made import Found, draw, find
from kgkt.rundir.row_carry import let_rows_wait
from kgkt.rundir.source_memory import source_memory
from kgkt.rundir.source_weights import weights_kept
from kgkt.rundir.state import (
    Say,
    identity,
    is_shared,
    lineage,
    moves,
    open_run,
    place_flags,
    record,
    store_database,
    store_settings,
    store_url,
    why_stale,
)
from kgkt.rundir.strayed import strayed
from kgkt.values import Features


@dataclass(frozen=True, slots=True)
class Populated:
    """What `populate` made.

    Args:
        run: its run directory.
        url: of the store.
        widths: layer -> width.
        n_items, n_concepts, n_edges, n_themes: counts.
        sizes: smallest and largest concept, of those that hold items.
        stability: adjusted Rand index of two seeds; of a graph that grew, what it was when its concepts were fitted.
        seconds: stage -> seconds.
        lost: what people had said and that found no place in the new graph.
        growth: how the graph grew from the one that stood; None where it was made anew.
        why: why it was made anew, though there was one to grow.
        unchanged: nothing had changed since the last time, so nothing was done.
        dry: nothing was written: this is what would be made.
        weights: name of each source -> its part of a squared distance between two items; they sum to 1.
    """

    run: RunDir
    url: str
    widths: dict[str, int]
    n_items: int
    n_concepts: int
    n_edges: int
    n_themes: int
    sizes: tuple[int, int]
    stability: float
    seconds: dict[str, float]
    lost: list[str]
    growth: Growth | None = None
    why: str | None = None
    unchanged: bool = False
    dry: bool = False
    weights: dict[str, float] = field(default_factory=dict)


def populate(
    recipe: Recipe, say: Say, progress: Any = None, force: bool = False, fresh: bool = False, dry: bool = False
) -> Populated:
    """Extract A's features, find concepts and edges, and write the graph.

    A graph that stands grows to hold a pool that has its items: its concepts keep their numbers, and what people said
    of them. Where nothing changed at all, nothing is done.

    Args:
        recipe: its source, concepts and store sections.
        say: takes notices.
        progress: `progress(what, total)` gives a context manager that yields a function of how much was done.
        force: extract the features of every item again, even where model and data are the same as last time.
        fresh: make the concepts anew; what people said of one follows to a new one that holds half of its items.
        dry: write nothing; what would be made and lost is returned and said.

    Raises:
        UsageError: neither a model with data nor a features file.
        InputError, UnsafeError, StoreError: as the rooms raise them.
    """
    from kgkt.store.foreign import admit
    from kgkt.store.opening import open_store

    pool = look_at(recipe, say)
    run = open_run(recipe, must_exist=False)
    if not (force or fresh) and (done := _unchanged(recipe, run, pool, dry)):
        return done
    if dry:
        return _rehearse(recipe, run, pool, say, progress, force, fresh)
    url, own, seconds = store_url(recipe, run), identity(run), dict.fromkeys(STAGES, 0.0)
    # The writer's lease first: of two loads one wins.
    make_folder(run.folder)
    with open_store(url, write=True, database=store_database(recipe, run)) as store:
        admit(store, run.graph, own, is_shared(recipe, run))
        store.hold(run.graph)
        with nothing_left_if_refused(run):
            run.sweep()
            run.write_state({**run.state(), "run": own})
            people, before = carry.save_edits(recipe, run, store)
            if "labels" not in people:
                carry.forget_label_files(run, say)
            with _timed(seconds, "features"):
                features, contents = read_features(recipe, run, pool, say, progress, force)
                pool = as_read(pool, features)
                release_memory()
            found, drawn = _make(recipe, run, features, contents, pool, before, people, say, fresh, seconds)
            carried = _place(people, features, found)
            with _timed(seconds, "graph"):
                emptied = ~drawn.graph.active
                emptied[carried.off] = False
                save_graph_files(run, features.ids, found.embedding, found.clustering, drawn, emptied)
                save_sources(run, found.alone)
                release_memory()
                nodes = pool.source.nodes(features)
                write_graph(store, run, recipe, found, drawn, features, pool.data, carried, nodes)
    carry.let_wait(run, carried.strengths)
    let_rows_wait(run, carried.rows)
    made = _populated(run, url, features, found, drawn, carried, seconds)
    _record(recipe, run, pool, features, made, found, people)
    carry.let_go(run)  # last: until the new graph is written down, what was saved of the old one is the truth
    _tell(recipe, run, carried, found, people, before, say)
    return made


STAGES = ("features", "concepts", "edges", "graph")


@contextlib.contextmanager
def _timed(seconds: dict[str, float], stage: str) -> Iterator[None]:
    start = time.perf_counter()
    yield
    seconds[stage] = time.perf_counter() - start


def _make(
    recipe: Recipe, run: RunDir, features: Features, contents: list[bytes], pool: Pool, before: Before | None,
    people: dict[str, Any], say: Say, fresh: bool, seconds: dict[str, float],
) -> tuple[Found, Drawn]:  # fmt: skip
    with _timed(seconds, "concepts"):
        found = find(recipe, features, contents, pool, before, say, fresh, people)
    with _timed(seconds, "edges"):
        drawn = draw(run.graph, recipe, found, features.ids, pool.data, of_words(features, pool.data), before)
    return found, drawn


def _place(people: dict[str, Any], features: Features, found: Found) -> Carried:
    old = found.growth.old if found.growth else 0
    return carry.place(people, found.rows, features.ids.tolist(), found.clustering.memberships, old)


def _populated(
    run: RunDir, url: str, features: Features, found: Found, drawn: Drawn, carried: Carried, seconds: dict[str, float],
    dry: bool = False,
) -> Populated:  # fmt: skip
    graph = drawn.graph
    return Populated(
        run, url, dict(features.widths), len(features), len(graph), len(graph.edges),
        len({*graph.themes.tolist()} - {-1}), _span(graph.sizes), found.stability, seconds, carried.lost, found.growth,
        found.why, dry=dry, weights=found.weights,
    )  # fmt: skip


def _span(sizes: Any) -> tuple[int, int]:
    """The smallest and the largest concept of those that hold items."""
    held = sizes[sizes > 0]
    return int(held.min()), int(held.max())


def _lineage(run: RunDir, found: Found, features: Features) -> dict[str, str]:
    """Which concepts and which items these are: the same as before, as far as numbers and ids mean the same."""
    before, ids = lineage(run), features.ids
    moved = any(ids[row] != item for item, row in found.rows.items())
    return {"concepts": before["concepts"] if found.growth else uuid.uuid4().hex,
            "items": uuid.uuid4().hex if moved else before["items"]}  # fmt: skip


def _record(
    recipe: Recipe, run: RunDir, pool: Pool, features: Features, made: Populated, found: Found,
    people: dict[str, Any],
) -> None:  # fmt: skip
    grown = None if made.growth is None else dataclasses.asdict(made.growth)
    record(
        run, "populate", pool.inputs,
        {name: sha256_file(run.path(name)) for name in (*MADE, SOURCES) if run.path(name).exists()},
        {"items": made.n_items, "concepts": made.n_concepts, "edges": made.n_edges, "stability": made.stability,
         "layers": made.widths, "source": features.source, "weights": made.weights, "seconds": made.seconds,
         "grown": grown, "made_anew_because": made.why, "gone": all_gone(people)},
        {**pool_settings(recipe, pool.data), **store_settings(recipe, run), **source_memory(recipe, features.layers),
         **weights_kept(recipe, run, found.weights, found.growth is not None), "asked": asked_of(recipe),
         "lineage": _lineage(run, found, features)},
    )  # fmt: skip


def _tell(
    recipe: Recipe, run: RunDir, carried: Carried, found: Found, people: dict[str, Any], before: Before | None, say: Say
) -> None:
    """What became of what people said, and of what other verbs wrote."""
    if said := carried.in_words():
        say(f"carried over: {said}")
    if changed := [entry[0] for entry in carried.labels + carried.ticks if entry[0] in found.changed]:
        say(f"{count(len(changed), 'labelled item')} changed since; what was said of it stays, e.g. of {changed[0]}")
    for line in carried.lost:
        say(f"lost: {line}")
    for line in strayed(people, before, found.rows, found.clustering.memberships, carried):
        say(line)
    if gone := gone_in_words(people.get("written", {}), run, place_flags(recipe)):
        say(gone)


def _unchanged(recipe: Recipe, run: RunDir, pool: Pool, dry: bool) -> Populated | None:
    """What the last populate made, where the graph still stands and nothing changed that it was made from."""
    state = run.state()
    done = state.get("stages", {}).get("populate")
    if done is None or run.path(carry.FILE).exists() or moves(recipe, run) or not stands(recipe, run):
        return None
    changed = why_stale(run, "populate", pool.inputs)
    if changed not in ([], ["data"]):
        return None
    figures = done["figures"]
    settings = {**done["settings"], **pool_settings(recipe, pool.data), **source_memory(recipe, figures["layers"])}
    if pool.data is not None and pool.data.uris and settings["data"] != done["settings"].get("data"):
        return None  # the database says where each picture lies
    before = read_before(run.folder, done) if sources_stand(run.folder, done) else None
    if before is None or not run.path(FILE).exists() or sha256_file(run.path(FILE)) != state["features"]["sha256"]:
        return None
    if changed and (  # the file of the pool was written again, or touched: what it holds decides
        pool.data is None or before.contents != pool.contents or before.ids.tolist() != pool.data.ids.tolist()
    ):
        return None
    if not dry and (changed or settings != done["settings"]):  # later verbs look for the files; the graph is the same
        done |= {"inputs": dict(pool.inputs), "settings": settings}
        state["features"]["inputs"] = features_wanted(pool.inputs)
        run.write_state(state)
    return Populated(
        run, store_url(recipe, run), figures["layers"], figures["items"], figures["concepts"], figures["edges"],
        count_themes(recipe, run), _span(before.sizes), figures["stability"], dict.fromkeys(STAGES, 0.0), [],
        unchanged=True, dry=dry, weights=figures.get("weights", {}),
    )  # fmt: skip


def _rehearse(
    recipe: Recipe, run: RunDir, pool: Pool, say: Say, progress: Any, force: bool, fresh: bool
) -> Populated:
    """What populate would make and lose; nothing is written but into a folder that goes with it."""
    url, seconds = store_url(recipe, run), dict.fromkeys(STAGES, 0.0)
    people, before = carry.edits_before(recipe, run)
    with tempfile.TemporaryDirectory(prefix="kgkt-") as folder:
        with _timed(seconds, "features"):
            features, contents = read_features(recipe, run, pool, say, progress, force, Path(folder) / FILE)
            pool = as_read(pool, features)
        found, drawn = _make(recipe, run, features, contents, pool, before, people, say, fresh, seconds)
    carried = _place(people, features, found)
    _tell(recipe, run, carried, found, people, before, say)
    return _populated(run, url, features, found, drawn, carried, seconds, dry=True)
