"""The verbs that bring the graph into B, and say what that is worth: map, fuse, trace, evaluate."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from kgkt.api.graph import Graph, Place
from kgkt.api.settings import path_text, with_target
from kgkt.rundir.given import data_file, model_file

if TYPE_CHECKING:
    from kgkt.verbs.evaluate import Evaluated
    from kgkt.verbs.fuse import Fused
    from kgkt.verbs.map import Mapped
    from kgkt.verbs.trace import TracedClass, TracedItem, TracedUnit


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

    def trace(
        self, what: Any = None, examples: int = 5, *, item: Any = None, data: Any = None, target: Any = None,
        target_data: Any = None, picture: Place | None = None, force: bool = False, **settings: Any,
    ) -> TracedUnit | TracedClass | TracedItem:  # fmt: skip
        """Trace a unit, a class or an answer of a trained B back to concepts and to A's examples.

        Args:
            what: "LAYER:UNIT", or a class.
            examples: how many concepts, blocks of a layer and examples to tell of.
            item: in place of `what`, an item of the pool, or of `data`: why B says what it says of it.
            data: an item that was never in the pool: a path, an array (1, ...), {"x": ..., "item_id": ...}.
            target: a trained B: a .keras file, or an open Keras model; the last fused one by default.
            target_data: B's view of the pool, where it is not the one that `fuse` was given.
            picture: a PNG to draw.
            force: replace `picture` where it exists.
            pixels, allow_shift, from_logits, id_column, text_column, class_column, imports, allow_legacy: as for
                `fuse`.

        Returns:
            `.concepts`, `.blocks`, `.examples` or `.nearest`, `.to_json()`, `.to_pandas()`.
        """
        from kgkt.verbs.trace import trace

        own = tuple(settings.get(name) for name in ("id_column", "text_column", "class_column"))
        recipe = with_target(self.recipe, self.folder, data=target_data, **settings)
        return trace(
            recipe, self.say, None if what is None else str(what), item=None if item is None else str(item),
            data=data_file(data, self.folder, "new", own), target=model_file(target, self.folder), examples=examples,
            picture=path_text(picture), force=force, progress=self.progress,
        )  # fmt: skip

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
