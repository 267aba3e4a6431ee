"""The verbs for graphs as a whole: graphs, drop, export."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kgkt.api.graph import Graph
from kgkt.api.settings import path_text

if TYPE_CHECKING:
    from kgkt.verbs.export import Exported
    from kgkt.verbs.graphs import Dropped, Listed


class Share(Graph):
    """Which graphs there are, and copies of one for other tools."""

    def graphs(self) -> list[Listed]:
        """Every graph of the run directory, and of the databases that it knows."""
        from kgkt.verbs.graphs import list_all

        return list_all(self.recipe, self.say)

    def drop(self, graph: str | None = None, dry_run: bool = False) -> Dropped:
        """Drop a graph from its database and from the run directory; there is no undo. `dry_run` says what would go."""
        from kgkt.verbs.graphs import drop, what_drops

        name = graph or self.graph
        return what_drops(self.recipe, name) if dry_run else drop(self.recipe, name)

    def export(self, *, shared: bool | None = None, force: bool = False, **places: Any) -> list[Exported]:
        """Write the graph for other tools, or copy it to another database.

        Args:
            graphml, gexf, json, csv, admin_import, points, grass: where each format goes.
            to: URL of a database to copy the graph to.
            shared: that database holds other people's nodes too.
            force: replace what exists.
        """
        from kgkt.verbs.export import Wanted, export

        wanted = Wanted(**{form: path_text(place) for form, place in places.items()})
        return export(self.recipe.override("store", shared=shared or None), wanted, self.say, force)
