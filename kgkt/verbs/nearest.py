"""nearest: the items of the pool nearest to one, or to a sum and difference of several, as A sees them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from kgkt.errors import InputError, UsageError
from kgkt.files import load_arrays
from kgkt.recipe import Recipe
from kgkt.rundir.current import open_graph_store, read_current
from kgkt.rundir.features import FILE
from kgkt.rundir.graph_files import read_maps
from kgkt.rundir.state import Say, made_by, open_run

COLUMNS = ("item", "cosine", "concept", "name")


@dataclass(frozen=True, slots=True)
class Near:
    """An item near to what was asked.

    Args:
        item: its id.
        cosine: in A's features, of several layers the mean.
        concept: number of the concept that it is nearest to; `name`, how that is called now.
    """

    item: str
    cosine: float
    concept: int
    name: str


@dataclass(frozen=True, slots=True)
class Nearest:
    """The items nearest to what was asked, the nearest first.

    Args:
        items: they, without those asked for.
        plus, minus: ids of what was added, and taken away.
    """

    items: tuple[Near, ...]
    plus: tuple[str, ...]
    minus: tuple[str, ...]

    def __iter__(self) -> Iterator[Near]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)

    def rows(self) -> list[tuple[Any, ...]]:
        """item, cosine, concept, name of each."""
        return [(one.item, one.cosine, one.concept, one.name) for one in self.items]

    def to_pandas(self) -> Any:
        """The items as a pandas DataFrame."""
        from kgkt.tables import data_frame

        return data_frame(COLUMNS, self.rows())

    def _repr_html_(self) -> str:
        from kgkt.tables import html_table

        return html_table(COLUMNS, self.rows())


def nearest(recipe: Recipe, say: Say, plus: Sequence[str], minus: Sequence[str] = (), n: int = 10) -> Nearest:
    """The n items nearest by cosine to the sum of some items, less others: king - man + woman.

    Args:
        recipe: of the graph.
        say: takes notices.
        plus: ids of items; of a graph of words these are the words.
        minus: what is taken away.
        n: how many.

    Raises:
        UsageError: nothing asked for, less than one item, one that is added and taken away.
        InputError: no such item, with the nearest spellings; the features are not those of the graph.
    """
    from kgkt.concepts.cluster import nearest_concept
    from kgkt.concepts.nearest import nearest_rows
    from kgkt.source.known_items import known_item
    from kgkt.source.parquet import open_features

    if n < 1:
        raise UsageError(f"-n must be at least 1, received {n}")
    if not plus:
        raise UsageError("nearest to what? Name an item: kgkt nearest king; --minus takes others away from it")
    run = open_run(recipe)
    features = open_features(run.need(FILE, "populate"))
    ids = features.ids.tolist()
    rows = {item: row for row, item in enumerate(ids)}
    added, taken = ([known_item(item, rows.keys()) for item in items] for items in (plus, minus))
    if both := [item for item in added if item in taken]:
        raise UsageError(f"{both[0]} is both added and taken away")
    with open_graph_store(recipe, run) as store:
        current = read_current(store, run, say, recipe.target.classes)
    if current.ids.tolist() != ids:
        raise InputError(f"{features.path} is not of this graph's items: run kgkt populate")
    maps = read_maps(*load_arrays(made_by(run, "populate", "embedding.safetensors")))
    found, cosines = nearest_rows(features, [rows[item] for item in added], [rows[item] for item in taken], n,
                                  {layer: maps.share(layer) for layer in maps.live})  # fmt: skip
    concepts = nearest_concept(current.Z[found])
    return Nearest(tuple(
        Near(ids[row], float(cosine), int(concept), str(current.graph.names[concept]))
        for row, cosine, concept in zip(found.tolist(), cosines.tolist(), concepts.tolist(), strict=True)
    ), tuple(added), tuple(taken))  # fmt: skip
