"""The verbs that make a graph: check, populate, run."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kgkt.api.graph import Graph
from kgkt.api.settings import with_source
from kgkt.rundir.given import model_file

if TYPE_CHECKING:
    from kgkt.verbs.plan import Plan
    from kgkt.verbs.populate import Populated


class Build(Graph):
    """Make the graph, and do every stage of a recipe."""

    def check(self, **settings: Any) -> Plan:
        """Look at models, data and graph without loading anything heavy.

        Args:
            settings: as for `populate`, and `target`, `output` as for `fuse`.
        """
        from kgkt.verbs.check import check

        target, output = settings.pop("target", None), settings.pop("output", None)
        recipe = with_source(self.recipe, self.folder, **settings)
        return check(recipe.override("target", model=model_file(target, self.folder), output=output))

    def populate(
        self, *, model: Any = None, layers: Sequence[str] | str | None = None, data: Any = None, features: Any = None,
        pixels: str | None = None, size: tuple[int, int] | None = None, drop_bad: bool | None = None,
        imports: Sequence[str] | None = None, allow_legacy: bool | None = None, id_column: str | None = None,
        text_column: str | None = None, class_column: str | None = None,
        columns: Sequence[str] | str | None = None, also: Sequence[Any] | None = None,
        source_weights: Sequence[float] | str | None = None, vocabulary: Any = None,
        most_frequent: int | None = None, lower: bool | None = None, concepts: int | None = None,
        seed: int | None = None, text: bool | None = None, shared: bool | None = None, force: bool = False,
        fresh: bool = False, dry_run: bool = False,
    ) -> Populated:  # fmt: skip
        """Extract what A knows of the pool, and make the graph; one that stands grows, and keeps what people said.

        Args:
            model: A: a .keras file, an open Keras model, "sentence-transformers:FOLDER" for texts, or "words:FILE" of
                word vectors, whose words are the items.
            layers: names of the layers of A to read.
            data: the pool: a path, an array (n, ...), {"x": ..., "item_id": ...}, or texts.
            features: in place of model and data: a path, an array (n, d), or {layer: array, "item_id": ...}.
            id_column: of a table, the column of item ids.
            text_column, class_column: of a table of texts, the columns of texts, and of classes that only `evaluate`
                and `predict` look at.
            columns: of a table of features, patterns of columns of numbers, one layer each.
            also: further sources of the same items, each a .keras file with its layers ("a2.keras:emb"), an open model
                or a pair (model, layers), "sentence-transformers:FOLDER", or features as above.
            source_weights: what each source counts, the first one first; "auto": the same, unless labels prefer
                otherwise.
            vocabulary: of "words:FILE", only these words: a list, a file with one a line, or a Keras model that reads
                words.
            most_frequent: of "words:FILE", only so many words, the first ones.
            lower: of "words:FILE": lower-case all words.
            pixels, size, drop_bad, imports, allow_legacy: as on the command line.
            concepts: how many; else a tenth of the items, 50 to 2500.
            seed: of the clustering.
            text: whether texts and paths of items go into the database.
            shared: the database holds other people's nodes too.
            force: extract the features again, changed or not.
            fresh: make the concepts anew instead of growing those that stand.
            dry_run: return what would be made, and lost; change nothing.
        """
        from kgkt.verbs.populate import populate

        with tempfile.TemporaryDirectory(prefix="kgkt-") as aside:  # what is in memory changes no file in a dry run
            settings = with_source(
                self.recipe, Path(aside) if dry_run else self.folder, model=model, layers=layers, data=data,
                features=features, pixels=pixels, size=size, drop_bad=drop_bad, imports=imports,
                allow_legacy=allow_legacy, id_column=id_column, text_column=text_column, class_column=class_column,
                columns=columns, also=also, source_weights=source_weights, vocabulary=vocabulary,
                most_frequent=most_frequent, lower=lower,
            ).override("concepts", k=concepts, seed=seed)  # fmt: skip
            settings = settings.override("store", text=text, shared=shared)
            done = populate(settings, self.say, self.progress, force, fresh, dry_run)
        if dry_run:
            return done
        self.populated = done
        self.recipe = settings.override(graph=self.populated.run.graph)  # later calls are about this graph and this A
        return self.populated

    def run(self, done: Callable[[str, Any], None] | None = None, force: bool = False) -> dict[str, Any]:
        """Every stage of the recipe, in order; one whose inputs did not change is left alone.

        Args:
            done: called with (stage, what it returned; None where it was fresh) after each stage.
            force: run every stage.

        Returns:
            stage -> what it returned, None where it was fresh.
        """
        from kgkt.verbs.run import run_all

        results: dict[str, Any] = {}

        def note(stage: str, value: Any) -> None:
            results[stage] = value
            if done is not None:
                done(stage, value)

        run_all(self.recipe, self.say, note, self.progress, force)
        return results
