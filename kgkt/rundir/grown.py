"""Whether the graph that stands grows to hold the pool as it is now, and how: the old concepts keep their numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kgkt.errors import count
from kgkt.recipe import Recipe
from kgkt.rundir.features import of_words
from kgkt.rundir.graph_files import Before
from kgkt.rundir.source_memory import weights_asked
from kgkt.rundir.state import Say
from kgkt.source.arrays import rows_of
from kgkt.values import Clustering, Embedding, Features, Maps

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np

    from kgkt.source.inputs import Data

ALIKE = 0.99  # cosine from which the vectors of an item of one id are those of the same item
SHARED = 0.5  # of the smaller pool: below, it is another pool, and its concepts are its own


@dataclass(frozen=True, slots=True)
class Growth:
    """How a graph grew.

    Args:
        old, new: concepts that were there, and those appended.
        emptied: old ones that no item is left in, since now; `refilled`, those that have items again.
        joined, left: items that came, and that went; one whose content changed did both.
    """

    old: int
    new: int
    emptied: int
    refilled: int
    joined: int
    left: int

    def in_words(self) -> str:
        """For a line of the output."""
        parts = [count(self.old, "old concept"), f"{self.new:,} new"]
        parts += [f"{n:,} {what}" for n, what in ((self.emptied, "emptied, now inactive"),
                                                  (self.refilled, "with items again")) if n]  # fmt: skip
        return ", ".join(parts)


def asked_of(recipe: Recipe) -> dict[str, Any]:
    """The settings that make the concepts what they are: a graph grows where they are what they were."""
    source, concepts = recipe.source, recipe.concepts
    weights = {"weights": weights_asked(source)} if source.also else {}
    return {"pixels": source.pixels, "concepts": concepts.k, "seed": concepts.seed, "dims": concepts.dims, **weights}


def match_items(before: Before, ids: np.ndarray, contents: list[bytes]) -> np.ndarray:
    """(n,) row in the old pool of each item of the new one that is the same, whatever its id is now; -1 for the others.

    The same content under the same id goes first, then the same content under another id, in order.

    Args:
        before: the graph that stands.
        ids, contents: of the n items now.
    """
    import numpy as np

    same = np.full(len(ids), -1)
    if before.contents is None:
        return same
    for row, old in enumerate(namesakes(before.ids, ids).tolist()):
        if old >= 0 and before.contents[old] == contents[row]:
            same[row] = old
    waiting: dict[bytes, list[int]] = {}
    for old in np.setdiff1d(np.arange(len(before.ids)), same).tolist()[::-1]:
        waiting.setdefault(before.contents[old], []).append(old)
    for row in np.flatnonzero(same < 0).tolist():
        if left := waiting.get(contents[row]):
            same[row] = left.pop()
    return same


def match_alike(before: Before, ids: np.ndarray, vectors: np.ndarray, same: np.ndarray) -> np.ndarray:
    """The same with the items added whose id is known and whose vector is nearly what it was.

    Features computed again elsewhere differ in their last digits, and an earlier kgkt kept no digest of contents.

    Args:
        before: the graph that stands.
        ids: (n,) of the items now; `vectors` (n, e) in the old maps.
        same: (n,) from `match_items`.
    """
    import numpy as np

    old = namesakes(before.ids, ids)
    rows = np.flatnonzero((same < 0) & (old >= 0) & ~np.isin(old, same))
    now, then = vectors[rows], before.vectors[old[rows]]
    alike = np.einsum("ne,ne->n", now, then) >= ALIKE
    alike |= ~(now.any(axis=1) | then.any(axis=1))
    out = same.copy()
    out[rows[alike]] = old[rows[alike]]
    return out


def namesakes(old_ids: np.ndarray, ids: np.ndarray) -> np.ndarray:
    """(n,) row in the old pool of the item with the same id, -1 where there is none."""
    return rows_of(old_ids.tolist(), ids.tolist())


def rows_now(old_ids: np.ndarray, ids: np.ndarray, same: np.ndarray) -> dict[str, int]:
    """Where what was said of an item belongs now: item id as it was -> row in the new pool.

    An item goes on under its id, or under the one that its content has now. An id that another old item has taken is
    none of its own any more.

    Args:
        old_ids: (n_old,).
        ids: (n,) ids now.
        same: (n,) row of the same item in the old pool, -1 for the others.
    """
    now = {item: row for row, item in enumerate(ids.tolist())}
    successor = {old: row for row, old in enumerate(same.tolist()) if old >= 0}
    rows = dict(now)
    for old, item in enumerate(old_ids.tolist()):
        if old in successor:
            rows[item] = successor[old]
        elif item in now and same[now[item]] >= 0:
            del rows[item]
    return rows


def why_fresh(before: Before, recipe: Recipe, inputs: Mapping[str, str], features: Features) -> str | None:
    """Why the graph that stands cannot grow to hold these features; None where it can, as far as settings tell."""
    read = before.done["inputs"]
    then, now = _sources(read), _sources(inputs)
    if len(then) != len(now):
        return f"it was made from {count(len(then), 'source')}, and is to be from {len(now)}"
    if then != now:
        return "the features come from elsewhere now"
    for name in now:
        if name.startswith("model") and read.get(name) != inputs.get(name):
            return "model A is another one" if name == "model" else f"source {name.split()[1]} is another model"
    asked, told = asked_of(recipe), before.done["settings"].get("asked")
    if told is None and read.get("concepts settings") != inputs["concepts settings"]:
        return "the settings of the concepts changed"
    for name, value in asked.items():
        if told is not None and told.get(name) != value:
            return f"{name} {_shown(told.get(name))} became {_shown(value)}"
    widths = {layer: W.shape[1] for layer, (W, _) in before.maps.layers.items()}
    if widths != dict(features.widths):
        return f"the layers of A were {_layers(widths)} and are {_layers(features.widths)}"
    return None


def _sources(inputs: Mapping[str, str]) -> list[str]:
    """The inputs that are sources: "model" or "features", and from the second on with a number."""
    return sorted(name for name in inputs if name.split()[0] in ("model", "features"))


def _shown(value: Any) -> str:
    return "by default" if value is None else str(value)


def _layers(widths: Mapping[str, int]) -> str:
    return " + ".join(f"{layer} ({d:,})" for layer, d in widths.items())


def another_pool(before: Before, same: np.ndarray) -> str | None:
    """Why a pool is no later state of the old one; None where it is: half of the smaller one's items are the other's.

    Args:
        before: the graph that stands.
        same: (n,) row of each item in the old pool, -1 where it is new.
    """
    n, kept = len(same), int((same >= 0).sum())
    if kept >= SHARED * min(n, len(before.ids)):
        return None
    return f"it is another pool, {kept:,} of its {n:,} items are known from the {len(before.ids):,} of the old one"


def too_few(before: Before, n: int, dims: int) -> str | None:
    """Why the maps of the old pool are too narrow for one of n items; None where they are not.

    Fewer items than an embedding has dimensions leave it fewer: of two items it is a line, on which all others lie at
    one of two places.

    Args:
        before: the graph that stands.
        n: items now.
        dims: wanted of each layer's embedding.
    """
    old = len(before.ids)
    most = max((min(dims, before.maps.layers[layer][0].shape[1]) for layer in before.maps.live), default=0)
    if not _doubled(before, n) or old > most:
        return None
    return f"it has {n:,} items, and {count(old, 'old item')} cannot fill an embedding of {count(most, 'dimension')}"


def say_doubled(before: Before, n: int, say: Say) -> None:
    """Propose to fit everything anew where the pool has more than doubled since."""
    if _doubled(before, n):
        say(f"the pool has more than doubled, from {len(before.ids):,} to {n:,} items; embedding and stability are "
            "those of the old items. populate --fresh fits it anew; first add --dry-run, which says what would be lost")


def _doubled(before: Before, n: int) -> bool:
    return n > len(before.ids) / SHARED


def grow(
    before: Before, embedding: Embedding, same: np.ndarray, k: int, seed: int
) -> tuple[Clustering, Growth]:
    """The concepts of the pool as it is now, from those that stand.

    Args:
        before: the graph that stands.
        embedding: of the n items, in the old maps.
        same: (n,) row of each item in the old pool, -1 where it is new.
        k: concepts wanted; seed: of the new ones.
    """
    import numpy as np

    from kgkt.concepts.grow import grow_clustering

    joined = same < 0
    left = len(before.ids) - int((~joined).sum())
    clustering = grow_clustering(embedding.vectors, before.centroids, joined, k, seed)
    old = len(before)
    empty, was = (np.asarray(Z.sum(axis=0)).ravel() == 0 for Z in (clustering.memberships[:, :old], before.memberships))
    return clustering, Growth(
        old, len(clustering.centroids) - old, int((empty & ~was).sum()), int((was & ~empty).sum()),
        int(joined.sum()), left,
    )  # fmt: skip


def old_maps(before: Before, features: Features, head_dims: int | None, seed: int) -> Maps:
    """The maps of the graph that stands; what head features need is fitted where an earlier kgkt did not keep it."""
    from kgkt.concepts.embed import fit_maps

    maps = before.maps
    if len(maps.means) == len(maps.layers):
        return maps
    return fit_maps(features, seed=seed, head_dims=head_dims, kept=maps.layers)


def names_kept(
    recipe: Recipe, features: Features, before: Before, data: Data | None, clustering: Clustering,
    rows: Mapping[str, int], say: Say,
) -> tuple[str | None, ...]:  # fmt: skip
    """The names that the old concepts got by themselves; None for one that tells of items that are not there any more.

    A concept that no item is left in keeps its name.

    Args:
        recipe: whether texts may go into the database.
        features, data: of the items now.
        before: the graph that stands; `clustering`, its concepts and new ones, of the items now.
        rows: from `rows_now`.
        say: takes notices.
    """
    from kgkt.concepts.cluster import nearest_concept
    from kgkt.concepts.old_names import told_by_ids, told_by_text, told_by_words

    # names that tell of texts are neither kept where texts may not leave any more, nor held back where they now may
    if not before.names or before.done["settings"].get("text", recipe.store.text) != recipe.store.text:
        return ()
    ids, nearest = features.ids.tolist(), nearest_concept(clustering.memberships)
    if of_words(features, data):
        told = told_by_words(before.names, frozenset(ids))
    elif data is not None and data.text is not None and recipe.store.text:
        told = told_by_text(before.names, data.text, nearest)
    else:
        told = told_by_ids(before.names, {item for item, row in rows.items() if ids[row] == item})
    held = set(nearest.tolist())
    named = tuple(name if kept or number not in held else None
                  for number, (name, kept) in enumerate(zip(before.names, told, strict=True)))  # fmt: skip
    if anew := [name for name, kept in zip(before.names, named, strict=True) if kept is None]:
        whose = "its name" if len(anew) == 1 else "their names"
        say(f"{count(len(anew), 'concept')} named anew: what {whose} told of is not there any more, e.g. {anew[0]!r}")
    return named
