"""`populate` and `open_graph`, and the run that they give: one graph, with every verb a method."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from kgkt.api.ask import Ask
from kgkt.api.build import Build
from kgkt.api.graph import Place
from kgkt.api.share import Share
from kgkt.api.teach import Teach
from kgkt.api.transfer import Transfer
from kgkt.errors import InputError, UsageError
from kgkt.recipe import read_recipe


class Run(Build, Ask, Teach, Transfer, Share):
    """One graph of a run directory, and everything that can be done with it; made by `populate` or `open_graph`.

    Args:
        recipe: settings that hold where a call gives none.
        say, progress: as for `open_graph`.

    Attributes:
        populated: what the last `populate` of this object made; None before.
    """


def open_graph(
    graph: str | None = None, dir: Place | None = None, store: str | None = None, database: str | None = None,
    recipe: Place | None = None, say: Callable[[str], None] | None = None, progress: Any = None,
) -> Run:  # fmt: skip
    """A run directory's graph, to go on with; nothing of it is read yet.

    Args:
        graph: its name; needed only if there are several.
        dir: the run directory; else the recipe's, else ./kgkt-run.
        store: kglite:PATH or neo4j://HOST; else where the graph was sent.
        database: its name on the server.
        recipe: a kgkt.toml; without it ./kgkt.toml, where there is one.
        say: takes notices, a line each; else they are logged as warnings of the logger "kgkt".
        progress: `progress(what, total)` gives a context manager that yields a function of how much more is done.

    Raises:
        UsageError: a place where the name of a graph belongs.
        InputError: a recipe that is not there, or is wrong.
    """
    if graph is not None and not isinstance(graph, str):
        raise UsageError(f"the first argument is the name of a graph, received {type(graph).__name__}: a run directory "
                         f"is dir={str(graph)!r}")
    path = None if recipe is None else Path(recipe)
    if path is not None and not path.exists():
        raise InputError(f"{path} is not there: kgkt init writes a recipe")
    settings = read_recipe(path).override(graph=graph, dir=None if dir is None else os.fspath(dir))
    return Run(settings.override("store", url=store, database=database), say, progress)


def populate(
    *, graph: str | None = None, dir: Place | None = None, store: str | None = None, database: str | None = None,
    recipe: Place | None = None, say: Callable[[str], None] | None = None, progress: Any = None, **settings: Any,
) -> Run:  # fmt: skip
    """Make a graph from a model and a pool, or from features; `settings` are those of `Run.populate`.

    Returns:
        The run; what was made stands in `run.populated`.
    """
    run = open_graph(graph, dir, store, database, recipe, say, progress)
    run.populate(**settings)
    return run
