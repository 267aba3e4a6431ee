"""The graphs of a run directory and of the databases that it knows: which there are, and how one is dropped."""

from __future__ import annotations

import dataclasses
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kgkt.errors import InputError, StoreError, nearest
from kgkt.recipe import Recipe
from kgkt.rundir.derived import read_written
from kgkt.rundir.folder import RunDir
from kgkt.rundir.lexicons import remember_dropped
from kgkt.rundir.state import Say, graphs_of, resolved, settings_of, store_database, store_url, was_made
from kgkt.store.opening import absolute, embedded_path

if TYPE_CHECKING:
    from kgkt.store.protocol import Store

KINDS = ("concepts", "themes", "items", "classes", "blocks", "models")


@dataclass(frozen=True, slots=True)
class Listed:
    """A graph: where it is and what it holds; None where that is not known.

    Args:
        name: of the graph.
        state: "complete", "incomplete" (being rebuilt, or interrupted), "not in the database", or "not reached".
        items, concepts: how many.
        stability: of two clusterings.
        created_at: when it was made.
        url: of the database.
        folder: its folder in the run directory; None where there is none.
    """

    name: str
    state: str
    items: int | None
    concepts: int | None
    stability: float | None
    created_at: str | None
    url: str
    folder: Path | None


@dataclass(frozen=True, slots=True)
class Dropped:
    """What a drop takes away.

    Args:
        name: of the graph.
        url: of the database.
        in_database: whether the database has it.
        nodes: how many there, by kind.
        folder: the folder that goes; None where there is none, or it stays.
        files, size: how many files and bytes are in it.
        kept: the folder of a graph of that name that is in another database; it stays.
        lexicons: pairs of it and another graph that have one, which goes too: "en,fr".
        diffs: other graphs that `diff` held it against, either way round, which goes too.
    """

    name: str
    url: str
    in_database: bool
    nodes: dict[str, int]
    folder: Path | None
    files: int
    size: int
    kept: Path | None = None
    lexicons: tuple[str, ...] = ()
    diffs: tuple[str, ...] = ()


def list_all(recipe: Recipe, say: Say) -> list[Listed]:
    """Every graph of the run directory, and of the databases that its graphs are in (or of the recipe's), by name.

    Raises:
        StoreError: the recipe's database cannot be reached; one that the run directory remembers is a notice.
    """
    runs = {name: RunDir(recipe.dir, name) for name in graphs_of(Path(recipe.dir))}
    folders = {name: run for name, run in runs.items() if was_made(run)}
    places = {name: _place(recipe, run) for name, run in folders.items()}
    found: list[Listed] = []
    for place in dict.fromkeys([_place(recipe, RunDir(recipe.dir, "main")), *places.values()]):
        try:
            infos = _infos(place)
            absent = "not in the database"
        except StoreError as error:
            if recipe.store.url:
                raise
            say(str(error))
            infos, absent = {}, "not reached"
        here = {name for name, run in folders.items()
                if places[name] == place and _is_home(recipe, run, place, infos.get(name, {}))}
        for name in sorted({*here, *infos}):
            info = infos.get(name, {})
            state = "complete" if info.get("complete") is True else "incomplete" if info else absent
            found.append(Listed(name, state, info.get("n_items"), info.get("n_concepts"), info.get("stability"),
                                info.get("created_at"), place[0], folders[name].folder if name in here else None))
    return sorted(found, key=lambda graph: (graph.name, graph.url))


def what_drops(recipe: Recipe, name: str) -> Dropped:
    """What would go if the graph was dropped; nothing is changed.

    Raises:
        InputError: no such graph, in the database or in the run directory.
    """
    run = RunDir(recipe.dir, name)
    place = _place(recipe, run)
    infos = _infos(place)
    folder = run.folder if run.path("run.json").exists() else None
    if name not in infos and (folder is None or not _is_home(recipe, run, place, {})):
        raise InputError(f"no graph named {name!r} in {place[0]}{nearest(name, sorted(infos))}")
    nodes: dict[str, int] = {}
    with_it: tuple[tuple[str, ...], tuple[str, ...]] = (), ()
    if name in infos:
        with _open(place) as store:
            nodes, found = _counts(store, name), read_written(store, name)
        with_it = tuple(found["lexicons"]), tuple(sorted({*found["graphs"], *found["from"]}))
    gone = Dropped(name, place[0], name in infos, nodes, None, 0, 0, None, *with_it)
    if folder is None:
        return gone
    if not _is_home(recipe, run, place, infos.get(name, {})):
        return dataclasses.replace(gone, kept=folder)
    files = [path for path in folder.rglob("*") if path.is_file()]
    return dataclasses.replace(
        gone, folder=folder, files=len(files), size=sum(path.stat().st_size for path in files))


def drop(recipe: Recipe, name: str) -> Dropped:
    """Drop a graph: from the database first, then its folder; other graphs and other people's nodes stay.

    Raises:
        InputError: no such graph, or its folder is a link.
        StoreError: someone else is writing it.
    """
    from kgkt.store.load import drop as delete
    from kgkt.store.load import write

    gone = what_drops(recipe, name)
    if gone.folder is not None and gone.folder.is_symlink():
        raise InputError(f"{gone.folder} is a link: remove it yourself, then drop the graph again")
    if gone.in_database:
        with _open(_place(recipe, RunDir(recipe.dir, name)), write=True) as store:
            store.hold(name)
            write(store, "write_graphs", [{"key": name, "props": {"complete": False}}])  # its readers are told
            delete(store, name)
        for pair in gone.lexicons:
            for other in set(pair.split(",")) & {*graphs_of(Path(recipe.dir))} - {name}:
                remember_dropped(RunDir(recipe.dir, other), [pair])
    if gone.folder is not None:
        aside = gone.folder.with_name(f".{name}.dropped")
        shutil.rmtree(aside, ignore_errors=True)
        try:
            gone.folder.replace(aside)
            shutil.rmtree(aside)
        except OSError as error:
            raise InputError(f"{gone.folder} could not be removed: {error.strerror or error}") from error
    return gone


def _place(recipe: Recipe, run: RunDir) -> tuple[str, str | None]:
    """URL and name of the database that holds a graph of the run directory."""
    return store_url(recipe, run), store_database(recipe, run)


def _is_home(recipe: Recipe, run: RunDir, place: tuple[str, str | None], info: dict[str, Any]) -> bool:
    """Whether the graph that a database has under this name is the one that the folder was made with."""
    last = settings_of(run, "populate")
    home = resolved(last.get("store") or run.store_url), last.get("database")
    mine = absolute(home[0]) == absolute(place[0]) and (not recipe.store.database or home[1] == place[1])
    return mine and info.get("run") in (None, run.state().get("run"))


def _infos(place: tuple[str, str | None]) -> dict[str, dict[str, Any]]:
    """The properties of every Graph node of a database, by name; an embedded one that was never made has none."""
    from kgkt.store.readback import list_graphs

    path = embedded_path(place[0])
    if path is not None and not path.exists():
        return {}
    with _open(place) as store:
        return {str(info["graph"]): info for info in list_graphs(store) if info.get("graph") is not None}


def _open(place: tuple[str, str | None], write: bool = False) -> Store:
    from kgkt.store.opening import open_store

    return open_store(place[0], write=write, database=place[1])


def _counts(store: Store, graph: str) -> dict[str, int]:
    from kgkt.store.readback import rows

    return {kind: rows(store, f"count_{kind}", graph=graph)[0]["n"] for kind in KINDS}
