"""The verbs in Python: `import kgkt; run = kgkt.populate(model=…, data=…)`, then `run.label(…)`, `run.fuse(…)`.

The command line is a thin door to these functions: it parses, calls one of them, and prints what it returns.
A setting that is not given comes from the recipe (`kgkt.toml`), where there is one, and then from its default.
"""

from __future__ import annotations

import dataclasses
import logging
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kgkt.errors import InputError, UsageError, count
from kgkt.recipe import Recipe, read_recipe

if TYPE_CHECKING:
    from kgkt.rundir.folder import RunDir
    from kgkt.store.protocol import Rows
    from kgkt.verbs.check import Plan
    from kgkt.verbs.evaluate import Evaluated
    from kgkt.verbs.export import Exported
    from kgkt.verbs.fuse import Fused
    from kgkt.verbs.graphs import Dropped, Listed
    from kgkt.verbs.label import Labelled
    from kgkt.verbs.map import Mapped
    from kgkt.verbs.populate import Populated
    from kgkt.verbs.predict import Predicted
    from kgkt.verbs.propagate import Propagated
    from kgkt.verbs.suggest import Suggested

LOG = logging.getLogger("kgkt")  # notices go there, unless `say` takes them
Place = str | os.PathLike[str]


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
        InputError: a recipe that is not there, or is wrong.
    """
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


class Run:
    """One graph of a run directory, and everything that can be done with it; made by `populate` or `open_graph`.

    Args:
        recipe: settings that hold where a call gives none.
        say, progress: as for `open_graph`.

    Attributes:
        populated: what the last `populate` of this object made; None before.
    """

    def __init__(self, recipe: Recipe, say: Callable[[str], None] | None = None, progress: Any = None) -> None:
        from kgkt.rundir.state import graphs_of

        there = graphs_of(Path(recipe.dir))
        if recipe.graph is None and len(there) == 1:  # it stays this one, whatever else comes into the directory
            recipe = recipe.override(graph=there[0])
        self.recipe, self.progress = recipe, progress
        self.say: Callable[[str], None] = say or LOG.warning
        self.populated: Populated | None = None

    # --- Start, Build

    def check(self, **settings: Any) -> Plan:
        """Look at models, data and graph without loading anything heavy; `settings` as for `populate`, and `target`."""
        from kgkt.verbs.check import check

        target = settings.pop("target", None)
        return check(self._with_source(**settings).override("target", model=self._model(target)))

    def populate(
        self, *, model: Any = None, layers: Sequence[str] | str | None = None, data: Any = None, features: Any = None,
        pixels: str | None = None, size: tuple[int, int] | None = None, drop_bad: bool | None = None,
        imports: Sequence[str] | None = None, allow_legacy: bool | None = None, id_column: str | None = None,
        columns: Sequence[str] | str | None = None, concepts: int | None = None,
        seed: int | None = None, text: bool | None = None, shared: bool | None = None, force: bool = False,
    ) -> Populated:  # fmt: skip
        """Extract what A knows of the pool, and make the graph; what people said of an older one is carried over.

        Args:
            model: A: a .keras file, an open Keras model, or "sentence-transformers:FOLDER" for texts.
            layers: names of the layers of A to read.
            data: the pool: a path, an array (n, ...), {"x": ..., "item_id": ...}, or texts.
            features: in place of model and data: a path, an array (n, d), or {layer: array, "item_id": ...}.
            id_column: of a table, the column of item ids.
            columns: of a table of features, patterns of columns of numbers, one layer each.
            pixels, size, drop_bad, imports, allow_legacy: as on the command line.
            concepts: how many; else a tenth of the items, 50 to 2500.
            seed: of the clustering.
            text: whether texts and paths of items go into the database.
            shared: the database holds other people's nodes too.
            force: extract the features again, changed or not.
        """
        from kgkt.verbs.populate import populate

        settings = self._with_source(
            model=model, layers=layers, data=data, features=features, pixels=pixels, size=size, drop_bad=drop_bad,
            imports=imports, allow_legacy=allow_legacy, id_column=id_column, columns=columns,
        ).override("concepts", k=concepts, seed=seed)  # fmt: skip
        settings = settings.override("store", text=text, shared=shared)
        self.populated = populate(settings, self.say, self.progress, force)
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

    def graphs(self) -> list[Listed]:
        """Every graph of the run directory, and of the databases that it knows."""
        from kgkt.verbs.graphs import list_all

        return list_all(self.recipe, self.say)

    def drop(self, graph: str | None = None, dry_run: bool = False) -> Dropped:
        """Drop a graph from its database and from the run directory; there is no undo. `dry_run` says what would go."""
        from kgkt.verbs.graphs import drop, what_drops

        name = graph or self.graph
        return what_drops(self.recipe, name) if dry_run else drop(self.recipe, name)

    # --- Ask

    def query(self, text: str, params: Mapping[str, Any] | None = None, **limits: Any) -> Rows:
        """Ask in Cypher, or by the name of a shipped query.

        Args:
            text: one statement, or a name of `kgkt query --list`.
            params: of the statement; $graph is there already.
            seconds, rows, memory_mb: limits (30 s, 1,000 rows, 2,048 MB).
            write: let it write; such an edit is obeyed by every verb, and kgkt cannot undo it.
            dry_run: with `write`: keep nothing of what it writes.

        Returns:
            The rows: iterate, `.columns`, `.dicts()`, `.to_pandas()`; `.written` where it was allowed to write.

        Raises:
            UsageError: several statements (see `queries`).
        """
        answers = list(self.queries(text, params, **limits))
        if len(answers) > 1:
            raise UsageError(f"query answers one statement, and here are {len(answers)}: use queries")
        return answers[0][0]

    def queries(
        self, text: str, params: Mapping[str, Any] | None = None, *, seconds: float = 30.0, rows: int = 1000,
        memory_mb: int = 2048, write: bool = False, dry_run: bool = False,
    ) -> Iterator[tuple[Rows, float]]:  # fmt: skip
        """The same for several statements: yields the rows of each, and how many seconds they took."""
        from kgkt.verbs.query import ask

        return ask(self.recipe, text, dict(params or {}), (seconds, rows, memory_mb), write, self.say, dry_run)

    def suggest(
        self, n: int = 20, out: Place | None = None, show: Place | None = None, force: bool = False
    ) -> Suggested:
        """Which few items to label, best first: any prefix is a good budget.

        Args:
            n: how many.
            out: a CSV to fill in and to give to `label`.
            show: a folder for the items' pictures.
            force: replace what exists.
        """
        from kgkt.verbs.suggest import suggest

        return suggest(self.recipe, self.say, n, _path(out), _path(show), force)

    # --- Teach

    def label(
        self, labels: Any = None, file: Place | None = None, id_column: str | None = None,
        class_column: str | None = None,
    ) -> Labelled:  # fmt: skip
        """Say what items are, or (not:CLASS) are not.

        Args:
            labels: {item_id: class}, a DataFrame with item_id and class, pairs, or texts ITEM=CLASS.
            file: a CSV with item_id and class; read once for each content.
            id_column, class_column: if its columns are called otherwise.
        """
        from kgkt.rundir.given import label_pairs
        from kgkt.verbs.label import label

        recipe = self.recipe.override("teach", id_column=id_column, class_column=class_column)
        texts = isinstance(labels, Iterable) and not hasattr(labels, "columns") and not isinstance(labels, Mapping)
        texts = texts and all(isinstance(entry, str) for entry in labels)
        if labels is None or texts:
            return label(recipe, self.say, _path(file), tuple(labels or ()))
        return label(recipe, self.say, _path(file), pairs=label_pairs(labels))

    def propagate(
        self, *, items: Place | None = None, spread: str | None = None, expert: str | None = None,
        balanced: bool | None = None, prior: Mapping[str, float] | None = None, force: bool = False,
    ) -> Propagated:  # fmt: skip
        """Spread the labels over the graph, and say what every item is.

        Args:
            items: a CSV to write: item_id, class, mass.
            spread: "concepts", "items" or "both"; else both up to 300,000 items.
            expert: "prototypes" or "none"; else prototypes for texts.
            balanced: every class is equally frequent in the pool.
            prior: class -> its share in the pool, for every class.
            force: replace `items` where it exists.

        Returns:
            `.targets` (P (n, c), weight (n,), mass (k, c), names), and the facts they follow from.
        """
        from kgkt.verbs.propagate import propagate

        settings = self.recipe.override(
            "teach", spread=spread, expert=expert, balanced=balanced or None, prior=dict(prior) if prior else None
        )
        return propagate(settings, self.say, _path(items), force)

    def predict(
        self, data: Any = None, *, features: Any = None, model: Any = None, items: Place | None = None,
        force: bool = False,
    ) -> Predicted:  # fmt: skip
        """Say what items are that were never in the pool: by the graph alone, or by B.

        Args:
            data: the new items: a path, an array (m, ...), {"x": ..., "item_id": ...}, or texts.
            features: in place of data: the same layers of the new items, made elsewhere.
            model: a B that answers in place of the graph.
            items: a CSV to write.
            force: replace `items` where it exists.

        Returns:
            `.classes`, `.P` (m, c), `.names`, `.concepts`, `.to_pandas()`.
        """
        from kgkt.rundir.given import data_file, features_file
        from kgkt.verbs.predict import predict

        return predict(
            self.recipe, self.say, data_file(data, self.folder, "new"), features_file(features, self.folder, "new"),
            self._model(model), _path(items), force, self.progress,
        )  # fmt: skip

    # --- Transfer

    def map(self, target: Any = None, **settings: Any) -> Mapped:
        """Give the blocks of B's weights their concepts, in the graph, where strengths can be edited.

        Args:
            target: B: a .keras file, or an open Keras model.
            imports, allow_legacy: as on the command line.
        """
        from kgkt.verbs.map import map_target

        return map_target(self._with_target(target=target, **settings), self.say)

    def fuse(self, target: Any = None, out: Place | None = None, *, force: bool = False, **settings: Any) -> Fused:
        """Write B's weights where the plan helps, train B on what the graph teaches, and measure what it was worth.

        Args:
            target: B: a .keras file, or an open Keras model; it is never changed.
            out: where the fused B goes; else `fused.keras` in the graph's folder, replaced.
            test: what to measure on: a path, or (x, y).
            data: B's view of the pool's items, matched by item_id: a path, or {"x": ..., "item_id": ...}.
            pixels: range of pixels that B wants; else what A was told, unless B scales its inputs itself.
            allow_shift: go on with a test set of another range than what B is taught.
            steps, batch, learning_rate, seed, from_logits, map, imports, allow_legacy: as on the command line.
            require_gain: share that B must gain; `.below` says how it falls short.
            force: replace `out` where it exists.

        Returns:
            `.fusion.model` is the trained Keras model, `.fusion.figures` what was measured, `.out` its file.
        """
        from kgkt.verbs.fuse import fuse_target

        recipe = self._with_target(target=target, out=_path(out), **settings)
        if not recipe.target.out:
            recipe, force = recipe.override("target", out=str(self.folder / "fused.keras")), True
        return fuse_target(recipe, self.say, self.progress, force)

    # --- Prove

    def evaluate(self, *, progress: Any = None, balanced: bool | None = None, **settings: Any) -> Evaluated:
        """What the graph is worth on this A, pool and B, beside every control and rival; resumable.

        Args:
            progress: called with (what, done, total).
            balanced: every class is equally frequent in the pool.
            target, test, data, pixels, allow_shift: of B, as for `fuse`; without B and a test set only the answers for
                the pool are compared.
            labels, seeds, truth, train_b, jobs, recommend, require_gain, out, allow_overlap: as on the command line.
        """
        from kgkt.verbs.evaluate import Asked, evaluate_run

        own = {field.name for field in dataclasses.fields(Asked)} & settings.keys()
        asked = Asked(**{name: value for name, value in settings.items() if name in own and value is not None})
        rest = {name: value for name, value in settings.items() if name not in own}
        recipe = self._with_target(**rest).override("teach", balanced=balanced or None)
        return evaluate_run(recipe, asked, self.say, progress)

    # --- Share

    def export(self, *, shared: bool | None = None, force: bool = False, **places: Any) -> list[Exported]:
        """Write the graph for other tools, or copy it to another database.

        Args:
            graphml, gexf, json, csv, admin_import, points, grass: where each format goes.
            to: URL of a database to copy the graph to.
            shared: that database holds other people's nodes too.
            force: replace what exists.
        """
        from kgkt.verbs.export import Wanted, export

        wanted = Wanted(**{form: _path(place) for form, place in places.items()})
        return export(self.recipe.override("store", shared=shared or None), wanted, self.say, force)

    # --- where it is

    @property
    def folder(self) -> Path:
        """The graph's folder in the run directory."""
        return self._run_dir(must_exist=False).folder

    @property
    def graph(self) -> str:
        """The graph's name."""
        return self._run_dir(must_exist=False).graph

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

    def _model(self, value: Any) -> str | None:
        from kgkt.rundir.given import model_file

        return model_file(value, self.folder)

    def _with_source(
        self, *, model: Any = None, layers: Sequence[str] | str | None = None, data: Any = None, features: Any = None,
        pixels: str | None = None, size: tuple[int, int] | None = None, drop_bad: bool | None = None,
        imports: Sequence[str] | None = None, allow_legacy: bool | None = None, id_column: str | None = None,
        columns: Sequence[str] | str | None = None,
    ) -> Recipe:  # fmt: skip
        """The recipe with a source; features given here replace a model of the recipe, and the other way round."""
        from kgkt.rundir.given import data_file, features_file

        source = self.recipe.source
        if features is not None:
            source = dataclasses.replace(source, model=None)
        elif model is not None:
            source = dataclasses.replace(source, features=None)
        names, patterns = _names(layers), _names(columns)
        return dataclasses.replace(self.recipe, source=source).override(
            "source", model=self._model(model), layers=names, id_column=id_column, columns=patterns,
            data=data_file(data, self.folder, "pool"), features=features_file(features, self.folder), pixels=pixels,
            size=size, drop_bad=drop_bad or None, imports=tuple(imports) if imports else None,
            allow_legacy=allow_legacy or None,
        )  # fmt: skip

    def _with_target(
        self, *, target: Any = None, data: Any = None, test: Any = None, imports: Sequence[str] | None = None,
        allow_legacy: bool | None = None, **settings: Any,
    ) -> Recipe:  # fmt: skip
        """The recipe with a model B."""
        from kgkt.rundir.given import data_file

        recipe = self.recipe.override(
            "target", model=self._model(target), data=data_file(data, self.folder, "target-pool"),
            test=data_file(test, self.folder, "test"), imports=tuple(imports) if imports else None, **settings,
        )  # fmt: skip
        return recipe.override("source", allow_legacy=allow_legacy or None)


def _names(given: Sequence[str] | str | None) -> tuple[str, ...] | None:
    return ((given,) if isinstance(given, str) else tuple(given)) if given else None


def _path(place: Place | None) -> str | None:
    return None if place is None else os.fspath(place)
