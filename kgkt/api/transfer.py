"""The verbs that bring the graph into B or another language, and say what that is worth."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from kgkt.api.graph import Graph, Place
from kgkt.api.settings import names_of, path_text, with_target
from kgkt.errors import UsageError
from kgkt.rundir.given import data_file, model_file
from kgkt.rundir.given_words import listed_file, rows_file
from kgkt.rundir.row_stage import SETTINGS

if TYPE_CHECKING:
    from kgkt.verbs.diff import Diffed
    from kgkt.verbs.evaluate import Evaluated
    from kgkt.verbs.extend_vocabulary import Extended
    from kgkt.verbs.fuse import Fused
    from kgkt.verbs.lexicon import Lexicon
    from kgkt.verbs.map import Mapped
    from kgkt.verbs.rows import WroteRows
    from kgkt.verbs.trace import TracedClass, TracedItem, TracedUnit


class Transfer(Graph):
    """B's blocks, B's training, and the proof."""

    def map(self, target: Any = None, *, method: str | None = None, **settings: Any) -> Mapped:
        """Give the blocks of B's weights their concepts, in the graph, where strengths can be edited.

        Args:
            target: B: a .keras file, or an open Keras model.
            output: which of its outputs is taught, where it has several.
            method: by what hidden layers get their concepts: "communities", "network" or "auto"; else as this B was
                last mapped, at first "communities".
            data, pixels, id_column, text_column: as for `fuse`; a network learns from the items as B reads them.
            classes: of B's outputs, in order: names, or one text "a,b,c".
            from_logits, imports, allow_legacy: as on the command line.

        Returns:
            `.lessons` says by what each layer was mapped and what ridge and network explain of it.
        """
        from kgkt.verbs.map import map_target

        recipe = with_target(self.recipe, self.folder, target=target, map_method=method, **settings)
        return map_target(recipe, self.say)

    def fuse(
        self, target: Any = None, out: Place | None = None, *, force: bool = False, callbacks: Sequence[Any] = (),
        looks: Callable[..., None] | None = None, log: Place | None = None, **settings: Any,
    ) -> Fused | WroteRows:
        """Write B's weights where the plan helps, train B on what the graph teaches, and measure what it was worth.

        Args:
            target: B: a .keras file, or an open Keras model; it is never changed.
            out: where the fused B goes; else `fused.keras` in the graph's folder, replaced.
            test: what to measure on: a path, or (x, y).
            data: B's view of the pool's items, matched by item_id: a path, or {"x": ..., "item_id": ...}; of a B with
                several inputs an array for each, by its name. So is the x of `test`.
            output: which of B's outputs is taught, where it has several.
            pixels: range of pixels that B wants; else what A was told, unless B scales its inputs itself.
            allow_shift: go on with a test set of another range than what B is taught.
            id_column, text_column, class_column: of test and data, where they are tables that call their columns
                otherwise than the pool does.
            steps, batch, learning_rate, seed, from_logits, map, imports, allow_legacy: as on the command line.
            grow: what a trained B gets: {"classes": ["fox", "owl"]}, "units=64", {"units": {"hidden": 64}}.
            classes: the classes of B's outputs, in order; of one that grows its own, the new ones follow.
            carry: "concepts" lets B's last hidden layer also learn which concepts an item is in, for tasks to come.
            carry_weight: of that loss beside B's own, 1.
            method: auto, soft-targets, write, distil or rows, as on the command line; temperature with distil.
            layer, vocabulary, special, lower, strip_accents, rank, row_norm, projection, replace: with rows, as on the
                command line: which Embedding, what its rows are of, and how they are made. The vocabulary may be a list
                with the word of each row, or {word: row}, as well as a file.
            class_weights: what an item counts by its class: {class: number}, or "balanced".
            callbacks: of Keras (keras.callbacks.Callback). They hear the training that is kept: a batch is a step, an
                epoch a look at the held-out items after every 20 steps, with `loss` and `val_loss`. The steps of a look
                are told after it, and what comes before the check of the written weights when it is decided.
                `model.stop_training = True` ends the training at the next look.
            looks: called with (training, history, steps between two looks) after each look of every training, those
                that are only for comparison too: "alone", "own" and "written", and "kept", the one that B keeps.
            log: folder for the losses as events, which TensorBoard reads.
            require_gain: share that B must gain; `.below` says how it falls short.
            force: replace `out` where it exists.

        Returns:
            `.fusion.model` is the trained Keras model, `.fusion.figures` what was measured, `.out` its file. With rows
            `.model` is B with its new rows, `.figures` how many were written from what, `.out` its file.
        """
        from kgkt.verbs.fuse import fuse_target
        from kgkt.verbs.rows import write_rows

        settings |= {"out": path_text(out), "log": path_text(log), "special": names_of(settings.get("special")),
                     "vocabulary": rows_file(settings.get("vocabulary"), self.folder)}  # fmt: skip
        recipe = with_target(self.recipe, self.folder, target=target, **settings)
        if not recipe.target.out:
            recipe, force = recipe.override("target", out=str(self.folder / "fused.keras")), True
        if recipe.target.method == "rows":
            return write_rows(recipe, self.say, force)
        if given := [name for name in SETTINGS if settings.get(name) not in (None, False)]:
            raise UsageError(f"{' and '.join(given)}: of method rows, and the method is {recipe.target.method}")
        return fuse_target(recipe, self.say, self.progress, force, callbacks, looks)

    def extend_vocabulary(
        self, target: Any = None, out: Place | None = None, *, words: Place | Sequence[str] | None = None,
        most_frequent: int | None = None, vocabulary: Any = None, confidence: float | None = None,
        force: bool = False, **settings: Any,
    ) -> Extended:  # fmt: skip
        """Write a B that knows more words; what it makes of texts of known words stays the same to the bit.

        Args:
            target: B: a .keras file, or an open Keras model with an Embedding; it is never changed.
            out: where the new B goes; else `extended.keras` in the graph's folder, replaced.
            words: that B may get: a list of them, or a file, one a line (a str or path is a file); else the graph's
                items, which have to be words.
            most_frequent: of the graph's words the first so many.
            layer, vocabulary, special, lower, strip_accents: as for `fuse` with method rows.
            confidence: the least cosine to a word of B that a new word is served from; without it as `test` chooses.
            test: texts with classes that B was not trained on: a path, (texts, classes), or a DataFrame with `text`
                and `class`.
            classes: of B's outputs, in order; else those that `fuse` wrote beside B, else those of `test`, sorted,
                which is refused where B's answers speak against it. Which it was is said.
            output, from_logits, seed, id_column, text_column, class_column, imports, allow_legacy: as for `fuse`.
            force: replace `out` where it exists.

        Returns:
            `.words` and `.sure`, `.left` (why others were left out, with counts) and `.named` (the first of them),
            `.tried`, `.tuned`, `.classes`, `.to_pandas()`; `.out` is None where no word was sure enough.
        """
        from kgkt.verbs.extend_vocabulary import Asked, extend_vocabulary

        settings |= {"out": path_text(out), "vocabulary": rows_file(vocabulary, self.folder),
                     "special": names_of(settings.get("special"))}  # fmt: skip
        recipe = with_target(self.recipe, self.folder, target=target, **settings)
        if not recipe.target.out:
            recipe, force = recipe.override("target", out=str(self.folder / "extended.keras")), True
        asked = Asked(listed_file(words, self.folder, "words"), most_frequent, confidence)
        return extend_vocabulary(recipe, asked, self.say, force)

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
            output, pixels, classes, allow_shift, from_logits, id_column, text_column, class_column, imports,
                allow_legacy: as for `fuse`.

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
            target, test, data, output, pixels, allow_shift: as for `fuse`; without B and a test set only the answers
                for the pool are compared. So are id_column, text_column, class_column, which hold for `truth` too.
            carry, carry_weight: as for `fuse`: one more row, kgkt+carry.
            second: a path, or (x, y): items of another task, read from B's last hidden layer.
            labels, seeds, truth, train_b, jobs, recommend, require_gain, out, allow_overlap: as on the command line.
        """
        from kgkt.verbs.evaluate import Asked, evaluate_run

        settings["second"] = data_file(settings.get("second"), self.folder, "second")
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
            data, output, pixels, id_column, text_column, class_column, imports, allow_legacy: of B, as for `fuse`; of a
                B that `fuse` taught or made they are as it was told.

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
            of_b = {"before": before, "layer": layer, **{n: settings.get(n) for n in ("data", "output", "pixels")}}
            if given := [name for name, value in of_b.items() if value is not None]:
                raise UsageError(f"{' and '.join(given)} are of B: they say nothing of a second graph")
            return diff_graphs(self.recipe, self._name_of(other), self.say)
        if target is None and not self.recipe.target.model:
            raise UsageError("compare with what? Another graph (kgkt diff GRAPH GRAPH), or B (kgkt diff --target "
                             "b.keras)")
        recipe = with_target(self.recipe, self.folder, target=target, **settings)
        return diff_target(recipe, self.say, model_file(before, self.folder / "before"), layer)

    def lexicon(
        self, other: str | Graph, seeds: Any, *, test: Any = None, out: Place | None = None, rounds: int = 5,
        most_frequent: int = 8000, best: int = 5, lower: bool = False, force: bool = False,
    ) -> Lexicon:  # fmt: skip
        """Which words of this graph translate into which of another, and write which concepts do into the database.

        Args:
            other: a graph of words of another language: its name, or its run.
            seeds: pairs that are known: a file, or [(word, translation), …].
            test, out, rounds, most_frequent, best, lower, force: as for `kgkt.lexicon`.

        Returns:
            As `kgkt.lexicon`; `.concepts` says how many relations were written, `.untranslated` how many concepts of
            either graph have no counterpart.
        """
        from kgkt.verbs.lexicon import Wanted, lexicon_of_graphs

        wanted = Wanted(seeds, test, path_text(out), rounds, most_frequent, best=best, lower=lower, force=force)
        return lexicon_of_graphs(self.recipe, self._name_of(other), wanted, self.say)

    def _name_of(self, other: str | Graph) -> str:
        if isinstance(other, str):
            return other
        if not isinstance(other, Graph):
            raise UsageError(f"the other graph is its name or its run, received {type(other).__name__}")
        if other.folder.parent.resolve() != self.folder.parent.resolve():
            raise UsageError(f"the other graph is in the run directory {other.recipe.dir}, this one in "
                             f"{self.recipe.dir}: populate it in this one, under a name of its own (graph=)")
        return other.graph
