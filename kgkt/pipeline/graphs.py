"""The graphs of a database and of a run directory: which there are, and how one is dropped."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kgkt.errors import InputError, nearest
from kgkt.pipeline.state import graphs_of
from kgkt.recipe import Recipe
from kgkt.rundir import RunDir

if TYPE_CHECKING:
    from kgkt.store.store import Store

KINDS = ("concepts", "themes", "items", "classes", "blocks", "models")


@dataclass(frozen=True, slots=True)
class Listed:
    """A graph: where it is and what it holds; None where that is not known.

    Args:
        name: of the graph.
        state: "complete", "incomplete" (being rebuilt, or interrupted), or "not in the database".
        items, concepts: how many.
        stability: of two clusterings.
        created_at: when it was made.
        folder: its folder in the run directory; None where there is none.
    """

    name: str
    state: str
    items: int | None
    concepts: int | None
    stability: float | None
    created_at: str | None
    folder: Path | None


@dataclass(frozen=True, slots=True)
class Dropped:
    """What a drop takes away: nodes by kind in the database, files and bytes in the folder (None: no folder)."""

    name: str
    url: str
    in_database: bool
    nodes: dict[str, int]
    folder: Path | None
    files: int
    size: int


def database_url(recipe: Recipe) -> str:
    """URL of the database that holds the graphs: the recipe's, else the embedded one of the run directory."""
    return recipe.store.url or f"kglite:{Path(recipe.dir) / 'graph.kgl'}"


def list_all(recipe: Recipe) -> list[Listed]:
    """Every graph of the database and of the run directory, by name."""
    from kgkt.store.readback import list_graphs

    folders = {name: Path(recipe.dir) / name for name in graphs_of(Path(recipe.dir))}
    infos: dict[str, dict[str, Any]] = {}
    if not _missing(recipe):
        with _open(recipe) as store:
            infos = {str(info["graph"]): info for info in list_graphs(store) if info.get("graph") is not None}
    found = []
    for name in sorted({*folders, *infos}):
        info = infos.get(name, {})
        state = "complete" if info.get("complete") is True else "incomplete" if info else "not in the database"
        found.append(Listed(name, state, info.get("n_items"), info.get("n_concepts"), info.get("stability"),
                            info.get("created_at"), folders.get(name)))  # fmt: skip
    return found


def what_drops(recipe: Recipe, name: str) -> Dropped:
    """What would go if the graph was dropped; nothing is changed.

    Raises:
        InputError: no such graph, in the database or in the run directory.
    """
    from kgkt.store.readback import list_graphs

    folder = RunDir(recipe.dir, name).folder
    here = folder if name in graphs_of(Path(recipe.dir)) else None
    nodes, known = {}, []
    if not _missing(recipe):
        with _open(recipe) as store:
            known = [str(info.get("graph")) for info in list_graphs(store)]
            nodes = _counts(store, name) if name in known else {}
    if name not in known and here is None:
        there = sorted({*known, *graphs_of(Path(recipe.dir))})
        raise InputError(f"no graph named {name!r} in {database_url(recipe)} or {recipe.dir}{nearest(name, there)}")
    files = [path for path in here.rglob("*") if path.is_file()] if here else []
    size = sum(path.stat().st_size for path in files)
    return Dropped(name, database_url(recipe), name in known, nodes, here, len(files), size)


def drop(recipe: Recipe, name: str) -> Dropped:
    """Drop a graph: from the database first, then its folder; other graphs and other people's nodes stay.

    Raises:
        InputError: no such graph, or its folder is a link.
        StoreError: someone else is writing.
    """
    from kgkt.store.load import drop as delete
    from kgkt.store.load import write

    gone = what_drops(recipe, name)
    if gone.folder is not None and gone.folder.is_symlink():
        raise InputError(f"{gone.folder} is a link: remove it yourself, then drop the graph again")
    if gone.in_database:
        with _open(recipe, write=True) as store:
            store.hold(name)
            write(store, "write_graphs", [{"key": name, "props": {"complete": False}}])  # its readers are told
            delete(store, name)
    if gone.folder is not None:
        aside = gone.folder.with_name(f".{name}.dropped")
        shutil.rmtree(aside, ignore_errors=True)
        try:
            gone.folder.replace(aside)
            shutil.rmtree(aside)
        except OSError as error:
            raise InputError(f"{gone.folder} could not be removed: {error.strerror or error}") from error
    return gone


def _missing(recipe: Recipe) -> bool:
    """Whether the embedded database was never made: then it holds no graph."""
    scheme, _, path = database_url(recipe).partition(":")
    return scheme == "kglite" and not Path(path).exists()


def _open(recipe: Recipe, write: bool = False) -> Store:
    from kgkt.store.store import open_store

    return open_store(database_url(recipe), write=write)


def _counts(store: Store, graph: str) -> dict[str, int]:
    from kgkt.store.readback import rows

    return {kind: rows(store, f"count_{kind}", graph=graph)[0]["n"] for kind in KINDS}
