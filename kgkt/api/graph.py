"""What every verb stands on: one graph of a run directory, and the settings that hold for it."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kgkt.errors import count
from kgkt.recipe import Recipe

if TYPE_CHECKING:
    from kgkt.rundir.folder import RunDir
    from kgkt.verbs.populate import Populated

LOG = logging.getLogger("kgkt")  # notices go there, unless `say` takes them
Place = str | os.PathLike[str]


class Graph:
    """Where a graph is, and how fresh its stages are; the verbs of a `Run` build on it."""

    def __init__(self, recipe: Recipe, say: Callable[[str], None] | None = None, progress: Any = None) -> None:
        from kgkt.rundir.state import graphs_of

        there = graphs_of(Path(recipe.dir))
        if recipe.graph is None and len(there) == 1:  # it stays this one, whatever else comes into the directory
            recipe = recipe.override(graph=there[0])
        self.recipe, self.progress = recipe, progress
        self.say: Callable[[str], None] = say or LOG.warning
        self.populated: Populated | None = None

    @property
    def folder(self) -> Path:
        """The graph's folder in the run directory."""
        return self._run_dir(must_exist=False).folder

    @property
    def graph(self) -> str:
        """The graph's name."""
        return self._run_dir(must_exist=False).graph

    def flags(self) -> list[str]:
        """The flags by which a command finds this graph (--dir, --graph, --recipe); none where it does without."""
        from kgkt.rundir.state import place_flags

        return place_flags(self.recipe)

    def stages(self) -> dict[str, dict[str, Any]]:
        """stage -> {"ran", "stale", "why", "seconds"}, as `check` tells it."""
        from kgkt.verbs.check import check

        return check(self.recipe).stages

    def __repr__(self) -> str:
        figures = self._run_dir(must_exist=False).state().get("stages", {}).get("populate", {}).get("figures")
        holds = "no graph yet"
        if figures:
            holds = f"{count(figures['items'], 'item')}, {count(figures['concepts'], 'concept')}"
        return f"<kgkt run: graph {self.graph} in {self.recipe.dir}, {holds}>"

    def _repr_html_(self) -> str:
        from kgkt.tables import html_table

        rows = [(stage, how["ran"], "stale: " + ", ".join(how["why"]) if how["stale"] else "fresh")
                for stage, how in self.stages().items()]  # fmt: skip
        return html_table(("stage", "ran", "state"), rows, repr(self)[1:-1])

    def _run_dir(self, must_exist: bool = True) -> RunDir:
        from kgkt.rundir.state import open_run

        return open_run(self.recipe, must_exist)
