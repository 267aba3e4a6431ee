"""export: the graph as files for other tools, and from one database into another."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kgkt.errors import InputError, UsageError
from kgkt.files import check_place, need_parent
from kgkt.recipe import Recipe
from kgkt.rundir.folder import RunDir
from kgkt.rundir.state import Say, open_run, resolved, store_url

if TYPE_CHECKING:
    from kgkt.store.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Wanted:
    """Where each format goes; None: not wanted."""

    graphml: str | None = None
    gexf: str | None = None
    json: str | None = None
    csv: str | None = None
    admin_import: str | None = None
    points: str | None = None
    grass: str | None = None
    to: str | None = None


@dataclass(frozen=True, slots=True)
class Exported:
    """One thing that `export` wrote.

    Args:
        form: its name among `Wanted`.
        place: file, folder or URL.
        nodes, edges: how many of the graph; None for what is no graph.
        rows: items, for points.
        notes: what was written differently, a line each.
    """

    form: str
    place: str
    nodes: int | None = None
    edges: int | None = None
    rows: int | None = None
    notes: tuple[str, ...] = ()


def export(recipe: Recipe, wanted: Wanted, say: Say, force: bool = False) -> list[Exported]:
    """Write the graph in every format that is wanted; files that exist are refused before any is written.

    Raises:
        UsageError: nothing wanted, or the target of the copy is the database itself.
        InputError: an output exists and is not to be replaced, or cannot be written.
        StoreError: a database cannot be reached.
    """
    given = {f.name: getattr(wanted, f.name) for f in fields(wanted) if getattr(wanted, f.name) is not None}
    if not given:
        raise UsageError("where to? --graphml F, --gexf F, --json F, --csv FOLDER, --admin-import FOLDER, --points F, "
                         "--grass F or --to URL")
    _check_outputs(given, force)
    done = [_grass(given["grass"])] if "grass" in given else []
    if not given.keys() - {"grass"}:  # a style is of no graph
        return done
    # who has only the server needs no run directory, unless for the points
    run = open_run(recipe, must_exist="points" in given or not recipe.store.url)
    if given.keys() - {"grass", "points"}:
        snapshot = _read(recipe, run, say)
        done += [_file(form, place, snapshot, force) for form, place in given.items() if form in _WRITERS]
        if "to" in given:
            done.append(_copy(recipe, run, snapshot, given["to"], force))
    if "points" in given:
        done.append(_points(recipe, run, given["points"], say))
    return done


def _check_outputs(given: dict[str, str], force: bool) -> None:
    places = Counter(str(Path(place).resolve()) for form, place in given.items() if form != "to")
    for place, count in places.items():
        if count > 1:
            raise UsageError(f"{place} is named twice: give each format a place of its own")
    for form in ("graphml", "gexf", "json", "points", "grass"):
        if form in given and Path(given[form]).is_file() and not force:
            raise InputError(f"{given[form]} exists: --force replaces it")
    for form, place in given.items():
        if form in ("csv", "admin_import"):
            need_parent(Path(place))
        elif form != "to":
            check_place(Path(place))


def _read(recipe: Recipe, run: RunDir, say: Say) -> Snapshot:
    from kgkt.rundir.current import open_graph_store
    from kgkt.store.snapshot import read_snapshot

    with open_graph_store(recipe, run) as store:
        snapshot = read_snapshot(store, run.graph)
    for notice in snapshot.notices:
        say(notice)
    return snapshot


def _graphml(snapshot: Snapshot, path: Path, force: bool) -> Counter[str]:
    from kgkt.share.graph_files import write_graphml

    return write_graphml(snapshot, path)


def _gexf(snapshot: Snapshot, path: Path, force: bool) -> Counter[str]:
    from kgkt.share.graph_files import write_gexf

    return write_gexf(snapshot, path)


def _json(snapshot: Snapshot, path: Path, force: bool) -> Counter[str]:
    from kgkt.share.graph_files import write_json

    return write_json(snapshot, path)


def _csv(snapshot: Snapshot, path: Path, force: bool) -> Counter[str]:
    from kgkt.share.tables import write_csv

    return write_csv(snapshot, path, force)


def _admin_import(snapshot: Snapshot, path: Path, force: bool) -> Counter[str]:
    from kgkt.share.tables import write_admin_import

    return write_admin_import(snapshot, path, force)


_WRITERS: dict[str, Callable[[Any, Path, bool], Counter[str]]] = {
    "graphml": _graphml, "gexf": _gexf, "json": _json, "csv": _csv, "admin_import": _admin_import,
}  # fmt: skip


def _file(form: str, place: str, snapshot: Snapshot, force: bool) -> Exported:
    notes = _WRITERS[form](snapshot, Path(place), force)
    said = tuple(f"{count:,} {what}" for what, count in notes.items())
    return Exported(form, place, len(snapshot.nodes), len(snapshot.edges), notes=said)


def _copy(recipe: Recipe, run: RunDir, snapshot: Snapshot, url: str, force: bool) -> Exported:
    from kgkt.store.copy import write_snapshot
    from kgkt.store.opening import absolute, open_store

    source, url = store_url(recipe, run), resolved(url)
    if absolute(url) == absolute(source):
        raise UsageError(f"{url} is where graph {run.graph} is already: name another database")
    with open_store(url, write=True, database=recipe.store.database) as target:
        notes = write_snapshot(target, snapshot, force, recipe.store.shared)
    return Exported("to", url, len(snapshot.nodes), len(snapshot.edges), notes=tuple(notes))


def _points(recipe: Recipe, run: RunDir, place: str, say: Say) -> Exported:
    from kgkt.rundir.current import open_graph_store, read_current
    from kgkt.share.points import write_points
    from kgkt.verbs.propagate import fresh_targets

    if "propagate" in run.state().get("stages", {}):
        current, targets = fresh_targets(recipe, run, say)
        write_points(run, current, targets, Path(place), say)
    else:
        say("nothing was propagated yet: the points have no class, mass and doubt (kgkt label, kgkt propagate)")
        with open_graph_store(recipe, run) as store:
            current = read_current(store, run, say)
        write_points(run, current, None, Path(place), say)
    return Exported("points", place, rows=len(current.ids))


def _grass(place: str) -> Exported:
    from kgkt.files import write_text
    from kgkt.share.browser_style import grass

    write_text(Path(place), grass())
    return Exported("grass", place)
