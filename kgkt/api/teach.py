"""The verbs by which people say what they know: label, name, switch, merge, undo, propagate."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from kgkt.api.graph import Graph, Place
from kgkt.api.settings import on_or_off, path_text, several, whole_number
from kgkt.rundir.given import label_pairs

if TYPE_CHECKING:
    from kgkt.store.protocol import Rows
    from kgkt.verbs.label import Labelled
    from kgkt.verbs.merge import Merged
    from kgkt.verbs.name import Named
    from kgkt.verbs.propagate import Propagated
    from kgkt.verbs.switch import Switched
    from kgkt.verbs.undo import Undone


class Teach(Graph):
    """Labels, ticks, names, switches and merges, each undoable; and what follows from them."""

    def label(
        self, labels: Any = None, file: Place | None = None, id_column: str | None = None,
        class_column: str | None = None, *, again: bool = False,
    ) -> Labelled:  # fmt: skip
        """Say what items are, or (not:CLASS) are not.

        Args:
            labels: {item_id: class}, a Series of classes by item id, a DataFrame with item_id (or that as its index)
                and class, pairs, or texts ITEM=CLASS, or one of these.
            file: a CSV or Parquet with item_id and class (or the names and labels of pictures), or an export of Label
                Studio, JSON or JSON-MIN; read once for each content.
            id_column, class_column: if its columns are called otherwise; of an export, field and control.
            again: import a file that was imported before; else `.differ` says what stands otherwise now.

        Returns:
            Counts, `.classes`, `.edit` (the number that `undo` takes), `.effect` (`.changed`, `.now`, `.unheard`), and
            `.implied`: ticks that add nothing beside their items' labels.
        """
        from kgkt.verbs.label import label

        recipe = self.recipe.override("teach", id_column=id_column, class_column=class_column)
        said = [] if labels is None else [labels] if isinstance(labels, str) else labels
        if isinstance(said, Iterable) and not any(hasattr(said, name) for name in ("items", "columns")):
            said = list(said)
        if isinstance(said, list) and all(isinstance(entry, str) for entry in said):
            return label(recipe, self.say, path_text(file), tuple(said), again=again or None)
        return label(recipe, self.say, path_text(file), pairs=label_pairs(said), again=again or None)

    def name(self, concept: Any, name: str | None = None, *, reset: bool = False) -> Named:
        """Call a concept otherwise.

        Args:
            concept: its number, key or present name.
            name: the new one.
            reset: in its place: the name that populate gave.
        """
        from kgkt.verbs.name import name as rename

        return rename(self.recipe, self.say, str(concept), name, reset)

    def switch(
        self, on: bool | str, query: str | None = None, params: Mapping[str, Any] | None = None, *,
        concepts: Any = (), seconds: float = 30.0, memory_mb: int = 2048, dry_run: bool = False,
    ) -> Switched:  # fmt: skip
        """Switch concepts off, so that what they hold teaches nothing, or on again.

        Args:
            on: True or "on": to on; False or "off": to off.
            query: Cypher, or the name of a shipped query, with a column `key` of concepts.
            params: of the query.
            concepts: in place of a query: numbers, keys or names, or a single one.
            seconds, memory_mb: limits of the query.
            dry_run: say what would be done, and do nothing.

        Returns:
            `.concepts` (number -> name), `.items`, `.labels` that lie in them, `.edit`, `.effect`.
        """
        from kgkt.verbs.switch import switch

        to = on_or_off(on)
        named = [str(one) for one in several(concepts)]
        return switch(self.recipe, self.say, to, query, named, params=params, limits=(seconds, memory_mb), dry=dry_run)

    def merge(self, kept: Any, *others: Any, apart: bool = False) -> Merged:
        """Count concepts as parts of another one: every later verb sees one concept, with the items of all.

        Args:
            kept: number, key or name of the concept that stays.
            others: of those that become parts of it.
            apart: all of these, the first included, are to stand by themselves again.
        """
        from kgkt.verbs.merge import merge

        first, *rest = (str(one) for one in (kept, *others))
        return merge(self.recipe, self.say, None if apart else first, [first, *rest] if apart else rest)

    def undo(self, edit: int | str | None = None) -> Undone:
        """Take back the newest edit of a verb that is not undone, or the one with this number of `edits`.

        An undo is an edit itself: undoing it makes the other again.
        """
        from kgkt.verbs.undo import undo

        return undo(self.recipe, self.say, None if edit is None else whole_number("the edit to undo", edit, texts=True))

    def edits(self) -> Rows:
        """Every edit that verbs made, the newest first: number, when, who, verb, what, and what undid it."""
        from kgkt.store.protocol import Rows
        from kgkt.verbs.undo import COLUMNS, edits

        return Rows(COLUMNS, tuple(edits(self.recipe)))

    def propagate(
        self, *, items: Place | None = None, spread: str | None = None, expert: str | None = None,
        balanced: bool | None = None, prior: Mapping[str, float] | None = None, force: bool = False,
    ) -> Propagated:  # fmt: skip
        """Spread the labels over the graph, and say what every item is.

        Args:
            items: a CSV to write: item_id, class, mass.
            spread: "concepts", "items" or "both"; else both up to 300,000 items.
            expert: what joins the graph's answer: "auto" weighs a logistic head and class prototypes, "head" and
                "prototypes" let that one join, "none" neither.
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
        return propagate(settings, self.say, path_text(items), force)
