"""The verbs by which people say what they know: label, propagate."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from kgkt.api.graph import Graph, Place
from kgkt.api.settings import path_text
from kgkt.rundir.given import label_pairs

if TYPE_CHECKING:
    from kgkt.verbs.label import Labelled
    from kgkt.verbs.propagate import Propagated


class Teach(Graph):
    """Labels and ticks, and what follows from them."""

    def label(
        self, labels: Any = None, file: Place | None = None, id_column: str | None = None,
        class_column: str | None = None,
    ) -> Labelled:  # fmt: skip
        """Say what items are, or (not:CLASS) are not.

        Args:
            labels: {item_id: class}, a DataFrame with item_id and class, pairs, or texts ITEM=CLASS.
            file: a CSV with item_id and class (or the names and labels of pictures), or an export of Label Studio, JSON
                or JSON-MIN; read once for each content.
            id_column, class_column: if its columns are called otherwise; of an export, field and control.
        """
        from kgkt.verbs.label import label

        recipe = self.recipe.override("teach", id_column=id_column, class_column=class_column)
        texts = isinstance(labels, Iterable) and not hasattr(labels, "columns") and not isinstance(labels, Mapping)
        texts = texts and all(isinstance(entry, str) for entry in labels)
        if labels is None or texts:
            return label(recipe, self.say, path_text(file), tuple(labels or ()))
        return label(recipe, self.say, path_text(file), pairs=label_pairs(labels))

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
