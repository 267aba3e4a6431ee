"""The verbs that ask: query, nearest, suggest, suspects, explain, predict."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from kgkt.api.graph import Graph, Place
from kgkt.api.settings import names_of, path_text, several, whole_number, with_target
from kgkt.errors import UsageError
from kgkt.rundir.given import data_file, features_file, model_file

if TYPE_CHECKING:
    from kgkt.store.protocol import Rows
    from kgkt.verbs.explain import Explained
    from kgkt.verbs.nearest import Nearest
    from kgkt.verbs.predict import Predicted
    from kgkt.verbs.suggest import Suggested
    from kgkt.verbs.suspects import Suspects


class Ask(Graph):
    """What stands in the graph, what to label and to look at again, why an item has its class, what new items are."""

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

    def nearest(self, items: Any, minus: Any = (), n: int = 10) -> Nearest:
        """The items of the pool nearest to one, or to a sum and difference of several, by cosine in A's features.

        Args:
            items: an id, or several, which are added; of a graph of words these are the words.
            minus: an id, or several, to take away: nearest(["king", "woman"], minus="man").
            n: how many.

        Returns:
            The items, the nearest first: iterate (`.item`, `.cosine`, `.concept`, `.name`), `.to_pandas()`.

        Raises:
            InputError: no such item, with the nearest spellings.
        """
        from kgkt.verbs.nearest import nearest

        plus, less = ([str(item) for item in several(given)] for given in (items, minus))
        return nearest(self.recipe, self.say, plus, less, whole_number("n", n))

    def suggest(
        self, n: int = 20, out: Place | None = None, show: Place | None = None, force: bool = False, *,
        form: str = "csv", sheet: Place | None = None, doubt: bool = False, within: str | None = None,
        params: Mapping[str, Any] | None = None,
    ) -> Suggested:  # fmt: skip
        """Which few items to label, best first: any prefix is a good budget.

        Args:
            n: how many.
            out: a CSV to fill in and to give to `label`.
            show: a folder for the items' pictures.
            force: replace what exists.
            form: "label-studio": `out` holds tasks for Label Studio, its labelling interface is written beside it.
            sheet: a PNG of the items, each beside examples of its concept.
            doubt: the items whose first two classes are nearly level, in place of those that cover the graph.
            within: only items of the concepts that a query gives: Cypher with a column `key`, or a shipped query's
                name, such as "lost" after `diff`.
            params: of that query.

        Returns:
            The items: iterate, `.files`, `.mixed_by`, `.to_pandas()`.
        """
        from kgkt.verbs.suggest import suggest

        return suggest(
            self.recipe, self.say, whole_number("n", n), path_text(out), path_text(show), force,
            form=form, sheet=path_text(sheet), doubt=doubt, within=within, params=params,
        )  # fmt: skip

    def suspects(
        self, n: int | None = None, *, every: bool = False, out: Place | None = None, force: bool = False
    ) -> Suspects:
        """Labels that the graph doubts, by what all other labels say, most doubtful first; a person decides.

        Args:
            n: suspects at most (20).
            every: every label that can be judged, in no doubt or not.
            out: a CSV to correct in its column class and to give to `label`.
            force: replace `out` where it exists.

        Returns:
            The labels: iterate (`.item`, `.given`, `.expected`, `.score`, `.is_issue`, `.because`), `.issues`,
            `.judged`, `.passed_over`, `.to_pandas()` with cleanlab's columns.
        """
        from kgkt.verbs.suspects import suspects

        return suspects(self.recipe, self.say, n, every, path_text(out), force)

    def explain(
        self, item: Any, examples: int = 5, *, picture: Place | None = None, force: bool = False
    ) -> Explained:
        """Say why the teacher gives an item of the pool its class, and what would change that.

        Args:
            item: its id.
            examples: of how many labels and nearest labelled examples to tell.
            picture: a PNG to draw.
            force: replace `picture` where it exists.

        Returns:
            `.best` and `.following` (class, mass), `.because`, `.concepts`, `.heard`, `.nearest`, `.experts`, `.turn`,
            `.advice`, `.to_pandas()`.
        """
        from kgkt.verbs.explain import explain

        return explain(self.recipe, self.say, str(item), examples, path_text(picture), force)

    def predict(
        self, data: Any = None, *, features: Any = None, model: Any = None, items: Place | None = None,
        force: bool = False, id_column: str | None = None, text_column: str | None = None,
        class_column: str | None = None, columns: Sequence[str] | str | None = None,
        imports: Sequence[str] | None = None, output: str | None = None,
    ) -> Predicted:  # fmt: skip
        """Say what items are that were never in the pool: by the graph alone, or by B.

        Args:
            data: the new items: a path, an array (m, ...), {"x": ..., "item_id": ...}, or texts; for a graph of words
                words, which are their own ids.
            features: in place of data: the same layers of the new items, made elsewhere.
            model: a B that answers in place of the graph.
            items: a CSV to write.
            force: replace `items` where it exists.
            id_column, text_column, class_column: of a table, the columns of item ids, texts and classes; else those of
                the pool, where it has them.
            columns: of a table of features, its columns of numbers; else as `populate` was told.
            imports, output: of B, as for `fuse`.

        Returns:
            `.ids`, `.classes`, `.P` (m, c), `.names`, `.concepts`, `.to_pandas()`: a row for each item, in the order
            given; of a word that A does not have the class is None.
        """
        from kgkt.verbs.predict import predict

        recipe = with_target(self.recipe, self.folder, imports=imports, output=output)
        return predict(
            recipe, self.say, data_file(data, self.folder, "new", (id_column, text_column, class_column)),
            features_file(features, self.folder, "new", id_column), model_file(model, self.folder), path_text(items),
            force, self.progress, (id_column, text_column, class_column), names_of(columns) or (),
        )  # fmt: skip
