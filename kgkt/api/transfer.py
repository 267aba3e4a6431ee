"""The verbs that bring the graph into B, and say what that is worth: map, fuse, evaluate, diff."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from kgkt.api.graph import Graph, Place
from kgkt.api.settings import path_text, with_target
from kgkt.errors import UsageError
from kgkt.rundir.given import model_file

if TYPE_CHECKING:
    from kgkt.verbs.diff import Diffed
    from kgkt.verbs.evaluate import Evaluated
    from kgkt.verbs.fuse import Fused
    from kgkt.verbs.map import Mapped


class Transfer(Graph):
    """B's blocks, B's training, and the proof."""

    def map(self, target: Any = None, **settings: Any) -> Mapped:
        """Give the blocks of B's weights their concepts, in the graph, where strengths can be edited.

        Args:
            target: B: a .keras file, or an open Keras model.
            imports, allow_legacy: as on the command line.
        """
        from kgkt.verbs.map import map_target

        return map_target(with_target(self.recipe, self.folder, target=target, **settings), self.say)

    def fuse(self, target: Any = None, out: Place | None = None, *, force: bool = False, **settings: Any) -> Fused:
        """Write B's weights where the plan helps, train B on what the graph teaches, and measure what it was worth.

        Args:
            target: B: a .keras file, or an open Keras model; it is never changed.
            out: where the fused B goes; else `fused.keras` in the graph's folder, replaced.
            test: what to measure on: a path, or (x, y).
            data: B's view of the pool's items, matched by item_id: a path, or {"x": ..., "item_id": ...}.
            pixels: range of pixels that B wants; else what A was told, unless B scales its inputs itself.
            allow_shift: go on with a test set of another range than what B is taught.
            id_column, text_column, class_column: of test and data, where they are tables that call their columns
                otherwise than the pool does.
            steps, batch, learning_rate, seed, from_logits, map, imports, allow_legacy: as on the command line.
            require_gain: share that B must gain; `.below` says how it falls short.
            force: replace `out` where it exists.

        Returns:
            `.fusion.model` is the trained Keras model, `.fusion.figures` what was measured, `.out` its file.
        """
        from kgkt.verbs.fuse import fuse_target

        recipe = with_target(self.recipe, self.folder, target=target, out=path_text(out), **settings)
        if not recipe.target.out:
            recipe, force = recipe.override("target", out=str(self.folder / "fused.keras")), True
        return fuse_target(recipe, self.say, self.progress, force)

    def evaluate(self, *, progress: Any = None, balanced: bool | None = None, **settings: Any) -> Evaluated:
        """What the graph is worth on this A, pool and B, beside every control and rival; resumable.

        Args:
            progress: called with (what, done, total).
            balanced: every class is equally frequent in the pool.
            target, test, data, pixels, allow_shift: as for `fuse`; without B and a test set only the answers for
                the pool are compared. So are id_column, text_column, class_column, which hold for `truth` too.
            labels, seeds, truth, train_b, jobs, recommend, require_gain, out, allow_overlap: as on the command line.
        """
        from kgkt.verbs.evaluate import Asked, evaluate_run

        own = {field.name for field in dataclasses.fields(Asked)} & settings.keys()
        asked = Asked(**{name: value for name, value in settings.items() if name in own and value is not None})
        rest = {name: value for name, value in settings.items() if name not in own}
        recipe = with_target(self.recipe, self.folder, **rest).override("teach", balanced=balanced or None)
        return evaluate_run(recipe, asked, self.say, progress)

    def diff(
        self, other: str | Graph | None = None, *, target: Any = None, before: Any = None, layer: str | None = None,
        **settings: Any,
    ) -> Diffed:  # fmt: skip
        """Which of this graph's concepts are in another graph of the same pool, or in B, and write that into the graph.

        Args:
            other: the other graph: its name, or its run.
            target: in its place B: a .keras file, or an open Keras model; without both the recipe's B.
            before: B before its training, for the floor; else copies of B with fresh weights.
            layer: of B, in place of its last hidden one.
            data, pixels, id_column, text_column, class_column, imports, allow_legacy: of B, as for `fuse`.

        Returns:
            The concepts, the least kept first: iterate (`.name`, `.verdict`, `.kept`, `.floor`, `.ceiling`,
            `.position`, `.into`, `.beside`, `.examples`), `.new`, `.lost`, `.counts`, `.figures`, `.to_pandas()`.

        Raises:
            UsageError: two to compare with, or none; a run of another run directory.
        """
        from kgkt.verbs.diff import diff_graphs, diff_target

        if other is not None and target is not None:
            raise UsageError("diff compares with another graph or with B (target), not with both")
        if other is not None:
            if given := [name for name, value in (("before", before), ("layer", layer)) if value is not None]:
                raise UsageError(f"{' and '.join(given)} are of B: they say nothing of a second graph")
            return diff_graphs(self.recipe, self._name_of(other), self.say)
        if target is None and not self.recipe.target.model:
            raise UsageError("compare with what? Another graph (kgkt diff GRAPH GRAPH), or B (kgkt diff --target "
                             "b.keras)")
        recipe = with_target(self.recipe, self.folder, target=target, **settings)
        return diff_target(recipe, self.say, model_file(before, self.folder / "before"), layer)

    def _name_of(self, other: str | Graph) -> str:
        if isinstance(other, str):
            return other
        if not isinstance(other, Graph):
            raise UsageError(f"the other graph is its name or its run, received {type(other).__name__}")
        if other.folder.parent.resolve() != self.folder.parent.resolve():
            raise UsageError(f"the other graph is in the run directory {other.recipe.dir}, this one in "
                             f"{self.recipe.dir}: populate it in this one, under a name of its own (graph=)")
        return other.graph
