"""From features to a graph on arrays: its concepts made anew, or grown from those that stand; then its edges."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from kgkt.concepts.cluster import choose_k, medoids, nearest_concept, stability
from kgkt.concepts.edges import bridge_edges, centroid_cosines, frame_of, layout
from kgkt.concepts.embed import HEAD_DIMS, WORD_DIMS, apply_maps, fit_maps, sample_rows
from kgkt.concepts.engine import engine_for
from kgkt.concepts.grow import JUDGED, held_out_share, outgrown, shares_of
from kgkt.concepts.names import names_from_ids, names_from_numbers, names_from_text, names_from_words
from kgkt.concepts.sources import Weighed, embed_alone, layer_shares
from kgkt.concepts.themes import find_themes, keep_numbers
from kgkt.errors import InputError, count
from kgkt.memory import release_memory
from kgkt.recipe import Recipe
from kgkt.rundir import grown
from kgkt.rundir.features import Pool, of_words
from kgkt.rundir.graph_files import Before, Drawn
from kgkt.rundir.grown import Growth
from kgkt.rundir.source_weights import choose_weights, known_labels, weights_of
from kgkt.rundir.state import Say
from kgkt.values import Clustering, ConceptGraph, Embedding, Features

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np

    from kgkt.source.inputs import Data

EXEMPLARS = 8


@dataclass(frozen=True, slots=True)
class Found:
    """The concepts of a pool.

    Args:
        embedding, clustering: of n items in k concepts.
        stability: adjusted Rand index of two seeds; of a graph that grew, what it was when its concepts were fitted.
        rows: item id as people knew it -> row of the item now.
        growth: how the concepts grew; None where they were made anew.
        why: why they were made anew, though a graph was there to grow.
        names: that the old ones, which come first, have by themselves; None for one that is to be named anew.
        changed: ids that stand for another content now than in the graph that it grew from.
        weights: name of each source -> its part of a squared distance; they sum to 1.
        alone: name of each of several sources -> (n, e) unit rows, the items as it embeds them by itself.
        weighed: what the labels said of the weights, where they were asked.
    """

    embedding: Embedding
    clustering: Clustering
    stability: float
    rows: dict[str, int]
    growth: Growth | None = None
    why: str | None = None
    names: tuple[str | None, ...] = ()
    changed: frozenset[str] = frozenset()
    weights: dict[str, float] = field(default_factory=dict)
    alone: dict[str, np.ndarray] = field(default_factory=dict)
    weighed: Weighed | None = None


def find(
    recipe: Recipe, features: Features, contents: list[bytes], pool: Pool, before: Before | None, say: Say,
    fresh: bool = False, people: Mapping[str, Any] | None = None,
) -> Found:  # fmt: skip
    """The concepts of a pool: grown from those that stand where that is possible, else made anew.

    Args:
        recipe: its concepts section, and whether texts may go into the database.
        features, contents: of the n items.
        pool: what they come from.
        before: the graph that stands, or None.
        say: takes notices.
        fresh: make them anew in any case.
        people: what they said of the graph that stands, as `carry` saves it: labels weigh several sources.
    """
    said = people or {}
    if before is None:
        rows = {item: row for row, item in enumerate(features.ids.tolist())}
        return _anew(recipe, features, pool, rows, None, say, said)
    same = grown.match_items(before, features.ids, contents)
    why = None if fresh else grown.why_fresh(before, recipe, pool.inputs, features)
    if not fresh and why is None:
        embedding = apply_maps(features, grown.old_maps(before, features, _head_dims(pool.data), recipe.concepts.seed))
        same = grown.match_alike(before, features.ids, embedding.vectors, same)
        why = grown.another_pool(before, same) or grown.too_few(before, len(features), _dims(recipe, features, pool))
        if why is None:
            return _grown(recipe, features, embedding, same, before, pool.data, say)
    if why is not None:
        say(f"made anew, not grown from the graph that stands: {why}")
    return _anew(recipe, features, pool, grown.rows_now(before.ids, features.ids, same), why, say, said)


def _anew(
    recipe: Recipe, features: Features, pool: Pool, rows: dict[str, int], why: str | None, say: Say,
    people: Mapping[str, Any],
) -> Found:  # fmt: skip
    """Maps and concepts fitted to these items."""
    settings, words = recipe.concepts, of_words(features, pool.data)
    dims = _dims(recipe, features, pool)
    maps = fit_maps(features, dims, settings.seed, _head_dims(pool.data), plain=words)
    release_memory()
    alone, weighed = {}, None
    if len(features.sources) > 1:
        alone = embed_alone(features, maps)
        weights, weighed = choose_weights(recipe, alone, known_labels(recipe, people, rows, features.ids), say)
        shares = layer_shares(features.sources, weights)
        maps = fit_maps(features, dims, settings.seed, _head_dims(pool.data), maps.layers, shares)
        release_memory()
    held_out = held_out_share(features, dims, settings.seed, maps.live)
    maps = dataclasses.replace(maps, held_out=held_out)
    embedding = apply_maps(features, maps)
    _look_at(features, embedding, say)
    k = _wanted(embedding, recipe, say)
    clustering = engine_for(embedding.vectors).fit(embedding.vectors, k, settings.seed)
    steady = stability(embedding.vectors, k, settings.seed, nearest_concept(clustering.memberships))
    return Found(embedding, clustering, steady, rows, why=why, weights=weights_of(features, maps), alone=alone,
                 weighed=weighed)  # fmt: skip


def _grown(
    recipe: Recipe, features: Features, embedding: Embedding, same: np.ndarray, before: Before, data: Data | None,
    say: Say,
) -> Found:  # fmt: skip
    """The concepts that stand, and more; the embedding is in their maps."""
    _look_at(features, embedding, say)
    if not _say_drift(features, embedding, same, say):
        grown.say_doubled(before, len(features), say)
    k = _wanted(embedding, recipe, say)
    clustering, growth = grown.grow(before, embedding, same, k, recipe.concepts.seed)
    _say_renamed(before, features, same, say)
    changed = features.ids[(same < 0) & (grown.namesakes(before.ids, features.ids) >= 0)]
    rows = grown.rows_now(before.ids, features.ids, same)
    named = grown.names_kept(recipe, features, before, data, clustering, rows, say)
    return Found(
        embedding, clustering, before.done["figures"]["stability"], rows, growth, None, named,
        frozenset(changed.tolist()),
        weights_of(features, embedding.maps),
        embed_alone(features, embedding.maps) if len(features.sources) > 1 else {},
    )  # fmt: skip


def _dims(recipe: Recipe, features: Features, pool: Pool) -> int:
    """How wide each layer's embedding is at most."""
    dims = recipe.concepts.dims
    return max(dims, WORD_DIMS) if of_words(features, pool.data) else dims


def _head_dims(data: Data | None) -> int | None:
    return None if data is not None and data.text is not None else HEAD_DIMS


def _look_at(features: Features, embedding: Embedding, say: Say) -> None:
    """Say what is unusual about the items."""
    import numpy as np

    release_memory()
    for layer in features.layers:
        if empty := sum(int((~batch.any(axis=1)).sum()) for batch in features.batches(layer)):
            say(f"{empty} of {len(features)} items have nothing but zeros in {layer}")
    zero = int((~embedding.vectors.any(axis=1)).sum())
    if zero:
        say(f"{zero} of {len(features)} items have an embedding of zero length: they are like the average item")
    if not np.isfinite(embedding.vectors).all():
        raise InputError("the embedding overflows: scale the features to a smaller range")


def _wanted(embedding: Embedding, recipe: Recipe, say: Say) -> int:
    """How many concepts these items are to have."""
    k, notices = choose_k(embedding.vectors, recipe.concepts.k)
    for notice in notices:
        say(notice)
    return k


def _say_renamed(before: Before, features: Features, same: np.ndarray, say: Say) -> None:
    """Say which items have another id than before: of its content each is known, but labels name items by their ids."""
    import numpy as np

    rows = np.flatnonzero(same >= 0)
    rows = rows[before.ids[same[rows]] != features.ids[rows]]
    if not len(rows):
        return
    was, now = str(before.ids[same[rows[0]]]), str(features.ids[rows[0]])
    zeros = was.lstrip("0") == now
    say(f"{count(len(rows), 'item')} {'has' if len(rows) == 1 else 'have'} another id than before, e.g. {was} is {now} "
        "now" + (" (leading zeros were lost: read ids as text where they come from)" if zeros else "")
        + "; what was said of an item stays with its content")  # fmt: skip


def _say_drift(features: Features, embedding: Embedding, same: np.ndarray, say: Say) -> bool:
    """Propose to fit everything anew where the old maps explain the new items clearly worse than the old ones.

    Returns:
        Whether it was proposed.
    """
    import numpy as np

    joined = np.flatnonzero(same < 0)
    if not len(joined) or (held_out := embedding.maps.held_out) is None:
        return False
    shares = shares_of(features, joined[sample_rows(len(joined), JUDGED, 0)], embedding.maps)
    if unlike := outgrown(shares, held_out):
        now, then = 100 * shares.mean(), 100 * held_out[0]
        say(f"the new items are unlike the old ones: the embedding explains {now:.0f} % of their variance, of the old "
            f"ones' {then:.0f} %. populate --fresh fits it anew; first add --dry-run, which says what would be lost")
    return unlike


def draw(
    name: str, recipe: Recipe, found: Found, ids: np.ndarray, data: Data | None, words: bool = False,
    before: Before | None = None,
) -> Drawn:  # fmt: skip
    """Edges, themes and names of the concepts.

    Args:
        name: of the graph.
        recipe: whether texts may go into the database.
        found: the concepts.
        ids: (n,) item ids.
        data: the pool, or None.
        words: whether the items are words, each its own id.
        before: the graph that it may have grown from, whose themes keep their numbers and concepts their places.
    """
    import numpy as np

    old = before if found.growth else None
    clustering = found.clustering
    k, used = len(clustering.centroids), [name for name in found.names if name is not None]
    edges, weights = bridge_edges(clustering.memberships)
    exemplars = medoids(found.embedding.vectors, clustering, EXEMPLARS)
    if words and recipe.store.text:
        names = names_from_words(ids, found.embedding.vectors, clustering, used)
    elif words:
        names = names_from_numbers(k)
    elif data is not None and data.text is not None and recipe.store.text:
        names = names_from_text(data.text, clustering.memberships, exemplars, used)
    else:
        names = names_from_ids(ids, exemplars)
    names[: len(found.names)] = [old or new for old, new in zip(found.names, names, strict=False)]
    holds = np.asarray(clustering.memberships.sum(axis=0)).ravel() > 0  # a concept that nothing is in is no part of it
    themes = np.full(k, -1)
    themes[holds] = find_themes(int(holds.sum()), (np.cumsum(holds) - 1)[edges], weights, clustering.seed)
    if old is not None and old.themes is not None:
        themes = keep_numbers(themes, old.themes)
    graph = ConceptGraph(
        keys=np.array([f"{name}/concept/{number}" for number in range(k)], object),
        names=np.array(names, object),
        centroids=clustering.centroids,
        sizes=clustering.sizes,
        active=holds,
        edges=edges,
        weights=weights,
        cosines=centroid_cosines(clustering.centroids, edges),
        themes=themes,
    )
    frame = frame_of(clustering.centroids) if old is None or old.frame is None else old.frame
    return Drawn(graph, exemplars, layout(clustering.centroids, frame), frame)
