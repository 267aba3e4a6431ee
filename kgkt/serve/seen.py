"""Whether a graph changed since it was read: by the command line, by Cypher, by another person."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from kgkt.files import digest_value
from kgkt.store.opening import embedded_path

if TYPE_CHECKING:
    from kgkt.recipe import Recipe
    from kgkt.rundir.folder import RunDir

WHOLE = ("read_concepts", "read_labels", "read_ticks", "read_classes", "read_merged_into", "edges_digest")


def signature(recipe: Recipe, run: RunDir) -> str:
    """What is another one when anything in the database of the graph, or in its run.json, was changed.

    The embedded database is told by its file. On a server what people can edit is read, of the edges their sum.

    Raises:
        KgktError: the database cannot be read.
    """
    from kgkt.rundir.state import store_url

    place = embedded_path(store_url(recipe, run))
    said: list[Any] = [_stamp(run.path("run.json"))]
    said += [_stamp(place)] if place is not None else _facts(recipe, run)
    return digest_value(said)


def _stamp(path: Path) -> list[int]:
    try:
        there = path.stat()
    except FileNotFoundError:
        return []
    return [there.st_ino, there.st_mtime_ns, there.st_size]


def _facts(recipe: Recipe, run: RunDir) -> list[Any]:
    from kgkt.rundir.current import open_graph_store
    from kgkt.store.readback import rows

    with open_graph_store(recipe, run) as store:
        return [sorted(map(repr, rows(store, name, graph=run.graph))) for name in WHOLE]
