"""What the page shows of concepts and the map, from a snapshot of the graph."""

from __future__ import annotations

from collections.abc import Container
from typing import TYPE_CHECKING, Any

from kgkt.errors import InputError, UsageError, nearest
from kgkt.serve.answer import shorts

if TYPE_CHECKING:
    import numpy as np

    from kgkt.serve.graph import HeldGraph, Snapshot
    from kgkt.values import ConceptGraph

SORTS = ("size", "name", "doubt", "mass", "labels", "number")
WORDS = 3  # of a theme's title
NEIGHBOURS, BLOCKS = 12, 40  # of a concept, that are told of
DIGITS = 4
RULE = "the strongest edges of each concept, and those heavier than chance makes them"  # what `backbone` keeps


def overview(held: HeldGraph) -> dict[str, Any]:
    """What the graph is made of, and how fresh its stages are, which is looked up once for a state of the graph."""
    seen = held.now()
    if seen.kept.get("overview", (None,))[0] != seen.revision:
        seen.kept["overview"] = seen.revision, _overview(held, seen)
    return seen.kept["overview"][1]


def _overview(held: HeldGraph, seen: Snapshot) -> dict[str, Any]:
    from kgkt.rundir.state import settings_of, store_url
    from kgkt.verbs.plan import Plan
    from kgkt.verbs.stale import look_at_stages

    graph, done = seen.current.graph, held.run.state().get("stages", {}).get("populate", {})
    kind = str(settings_of(held.run, "populate").get("kind") or "features")
    look_at_stages(plan := Plan(), held.recipe)
    return {
        "graph": held.name, "store": store_url(held.recipe, held.run), "kind": kind,
        "pictures": held.run.path("exemplars").is_dir(), "texts": kind in ("text", "words"),
        "items": len(seen.current.ids), "concepts": len(graph), "active": int(graph.active.sum()),
        "edges": len(graph.edges), "themes": len({t for t in graph.themes.tolist() if t >= 0}),
        "sources": [str(name) for name in done.get("settings", {}).get("weights", {})], "made_at": done.get("at"),
        "stages": {stage: {"ran": how["ran"], "stale": how["stale"], "why": list(how["why"])}
                   for stage, how in plan.stages.items()},
        "notices": list(seen.notices),
    }  # fmt: skip


def map_of(held: HeldGraph, seen: Snapshot) -> dict[str, Any]:
    """Where concepts lie, their edges' backbone, and what colours them beside classes."""
    if "map" not in seen.kept:
        seen.kept["map"] = _map(held, seen)
    return {"layout": seen.layout, **seen.kept["map"]}


def _map(held: HeldGraph, seen: Snapshot) -> dict[str, Any]:
    import numpy as np

    from kgkt.concepts.backbone import backbone
    graph, ids = seen.current.graph, seen.current.ids
    places = _places(held, graph)
    kept = backbone(graph.edges, graph.weights, len(graph))
    edges, more = graph.edges[kept], of_layout(held, seen)
    themes = sorted({t for t in graph.themes.tolist() if t >= 0})
    counts = np.bincount(graph.themes[graph.themes >= 0], minlength=max(themes, default=-1) + 1)
    medoids = [str(ids[part[0]]) if len(part) else None for part in seen.exemplars]
    titles = theme_titles(graph, seen.rows)
    return {
        "x": _rounded(places[:, 0]), "y": _rounded(places[:, 1]), "names": graph.names.tolist(),
        "auto_names": [more["auto"].get(i) for i in range(len(graph))], "sizes": graph.sizes.tolist(),
        "themes": graph.themes.tolist(),
        "theme_names": [{"number": t, "name": more["themes"].get(t, f"theme {t}"), "size": int(counts[t]),
                         "title": titles.get(t)} for t in themes],
        "active": graph.active.tolist(), "into": seen.current.into.tolist(), "medoids": medoids,
        "sources": more["sources"], "reach": _reached(more, len(graph)),
        "edges": {"a": edges[:, 0].tolist(), "b": edges[:, 1].tolist(), "weight": _rounded(graph.weights[kept]),
                  "kept": len(kept), "all": len(graph.edges), "rule": RULE},
    }  # fmt: skip


def _places(held: HeldGraph, graph: ConceptGraph) -> np.ndarray:
    """(k, 2) where populate drew each concept, which holds while the graph grows; worked out where it kept none."""
    from kgkt.concepts.edges import layout
    from kgkt.files import load_arrays
    from kgkt.rundir.graph_files import CONCEPTS

    kept = load_arrays(held.run.path(CONCEPTS))[0].get("places")
    return layout(graph.centroids) if kept is None or len(kept) != len(graph) else kept


def theme_titles(graph: ConceptGraph, items: Container[str]) -> dict[int, str]:
    """What sets each theme's concepts apart from those of others, in words of their names, as far as they have names.

    Args:
        graph: of k concepts, whose names are words with commas, what people call them, or an item's id.
        items: their ids; a concept that is only called so tells nothing.
    """
    import math
    from collections import Counter

    counts: dict[int, dict[str, int]] = {}
    told = zip(graph.names.tolist(), graph.themes.tolist(), graph.sizes.tolist(), strict=True)
    for i, (name, theme, size) in enumerate(told):
        if theme >= 0 and size and name not in items and name != f"concept {i}":
            for word in name.split(", "):
                part = counts.setdefault(theme, {})
                part[word] = part.get(word, 0) + size
    themes_with = Counter(word for part in counts.values() for word in part)
    return {
        theme: ", ".join(sorted(part, key=lambda w: (-part[w] * math.log(1 + len(counts) / themes_with[w]), w))[:WORDS])
        for theme, part in counts.items()
    }


def of_layout(held: HeldGraph, seen: Snapshot) -> dict[str, Any]:
    """What only the database knows of the concepts, read once for a layout."""
    if "database" not in seen.kept:
        seen.kept["database"] = of_database(held)
    return seen.kept["database"]


def of_database(held: HeldGraph) -> dict[str, Any]:
    """Generated names, names of themes, sources, and the blocks of models that concepts map to."""
    from kgkt.rundir.current import open_graph_store
    from kgkt.store.keys import number
    from kgkt.store.readback import rows

    name = held.name
    with open_graph_store(held.recipe, held.run) as store:
        auto = {number(row["key"], name, "concept"): row["auto_name"]
                for row in rows(store, "read_concepts", graph=name)}  # fmt: skip
        themes = {number(row["key"], name, "theme"): row["theme"] for row in rows(store, "theme_names", graph=name)}
        models = [row["model"] for row in rows(store, "mapped_models", graph=name)]
        mapped = rows(store, "concept_blocks", graph=name)
        carried = rows(store, "read_carried", graph=name)
    sources: dict[str, list[float | None]] = {}
    for row in carried:
        place = number(row["concept"], name, "concept")
        if place is not None and place < len(auto):
            sources.setdefault(str(row["source"]), [None] * len(auto))[place] = row["share"]
    blocks: dict[int, list[dict[str, Any]]] = {}
    for row in mapped:
        place = number(row.pop("concept"), name, "concept")
        if place is not None:
            blocks.setdefault(place, []).append(row)
    for part in blocks.values():
        part.sort(key=lambda row: (-_reach(row), str(row["model"]), str(row["layer"]), row["index"]))
    return {"auto": auto, "themes": themes, "sources": sources, "models": models, "blocks": blocks}


def _reach(block: dict[str, Any]) -> float:
    """How strongly a concept reaches a block: as measured in the trained B, else as planned for it."""
    return float(block["strength"] or 0.0) if block["measured"] is None else float(block["measured"])


def _reached(more: dict[str, Any], k: int) -> list[float | None] | None:
    """How strongly each concept reaches the last mapped model; None where none is mapped."""
    if not more["models"]:
        return None
    last = more["models"][-1]
    best = [max((_reach(b) for b in more["blocks"].get(i, ()) if b["model"] == last), default=None) for i in range(k)]
    return [None if value is None else round(value, DIGITS) for value in best]


def _rounded(values: np.ndarray) -> list[float]:
    import numpy as np

    return np.round(np.asarray(values, np.float64), DIGITS).tolist()


def edges_of(seen: Snapshot, concept: int) -> dict[str, Any]:
    """All edges of one concept."""
    graph = seen.current.graph
    there = (graph.edges == seen.concept(concept)).any(axis=1)
    return {"a": graph.edges[there, 0].tolist(), "b": graph.edges[there, 1].tolist(),
            "weight": _rounded(graph.weights[there])}  # fmt: skip


def concepts_page(
    seen: Snapshot, offset: int = 0, limit: int = 50, sort: str = "size", order: str = "desc", *,
    of_class: str | None = None, theme: int | None = None, active: bool | None = None, search: str | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Some concepts, sorted and filtered.

    Raises:
        UsageError: an unknown order.
        InputError: an unknown class.
    """
    import numpy as np

    if sort not in SORTS:
        raise UsageError(f"sort {sort!r}{nearest(sort, SORTS)}")
    graph, answer = seen.current.graph, seen.answer
    short = shorts(answer, seen.current, seen.nearest)
    keep = np.ones(len(graph), bool)
    if of_class is not None:
        if of_class not in answer.names:
            raise InputError(f"no class {of_class!r}{nearest(of_class, answer.names)}")
        keep &= short["best"] == answer.names.index(of_class)
    if theme is not None:
        keep &= graph.themes == theme
    if active is not None:
        keep &= graph.active == active
    if search:
        wanted = search.casefold()
        keep &= np.array([wanted in str(name).casefold() for name in graph.names], bool).reshape(len(graph))
    found = np.flatnonzero(keep).tolist()
    by: dict[str, Any] = {"name": [str(n).casefold() for n in graph.names], "number": range(len(graph)),
                          "size": graph.sizes, **short}  # fmt: skip
    values = list(by[sort])
    found.sort(key=lambda i: values[i], reverse=order == "desc")
    return {"total": len(found), "concepts": [brief(seen, i, short) for i in found[offset : offset + limit]]}


def brief(seen: Snapshot, i: int, short: dict[str, np.ndarray]) -> dict[str, Any]:
    """A concept in a list."""
    graph, part = seen.current.graph, seen.exemplars[i]
    return {
        "number": i, "name": str(graph.names[i]), "size": int(graph.sizes[i]), "theme": int(graph.themes[i]),
        "active": bool(graph.active[i]), "best": int(short["best"][i]), "mass": round(float(short["mass"][i]), DIGITS),
        "doubt": round(float(short["doubt"][i]), DIGITS), "labels": int(short["labels"][i]),
        "medoid": str(seen.current.ids[part[0]]) if len(part) else None,
    }  # fmt: skip


def borders(seen: Snapshot, least: float = 0.2, most: int = 50) -> dict[str, Any]:
    """Concepts that lean to two classes, by pair of classes; those with the most items between them first.

    Args:
        seen: the graph.
        least: mass of the second class from which on a concept is mixed.
        most: concepts of a pair that are told of; `concepts_in_all` counts them.
    """
    import numpy as np

    answer, graph = seen.answer, seen.current.graph
    if answer.kind == "none" or len(answer.names) < 2:
        return {"borders": []}
    order = np.argsort(-answer.masses, axis=1, kind="stable")[:, :2]
    second = answer.masses[np.arange(len(order)), order[:, 1]]
    pairs: dict[tuple[int, int], list[int]] = {}
    for i in np.flatnonzero((second >= least) & graph.active).tolist():
        a, b = sorted(order[i].tolist())
        pairs.setdefault((a, b), []).append(i)
    found = []
    for (a, b), part in pairs.items():
        part.sort(key=lambda i: -float(second[i] * graph.sizes[i]))
        found.append({
            "a": answer.names[a], "b": answer.names[b], "items": int(graph.sizes[part].sum()),
            "concepts_in_all": len(part),
            "concepts": [{"number": i, "name": str(graph.names[i]), "size": int(graph.sizes[i]),
                          "masses": [[answer.names[c], round(float(answer.masses[i, c]), DIGITS)] for c in order[i]]}
                         for i in part[:most]],
        })  # fmt: skip
    return {"borders": sorted(found, key=lambda border: -border["items"])}
