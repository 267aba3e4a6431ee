"""What the page shows of items, from a snapshot of the graph: one, those of a concept, those like it, what to label."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kgkt.errors import InputError, UsageError
from kgkt.serve.views import BLOCKS, DIGITS, NEIGHBOURS, of_layout

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kgkt.serve.graph import HeldGraph, Snapshot
    from kgkt.serve.pictures import Pictures

FOUND = 20  # of each kind that a search gives
SHORTEST = 2  # letters that a search for texts needs
MOST = 200  # items that can be asked for at once
EXPLAINED = 5  # labels and examples that an explanation tells of


def item_of(seen: Snapshot, pictures: Pictures, item: str) -> dict[str, Any]:
    """One item: what it is, what people said of it, its concepts, and what the graph says."""
    row = seen.row(item)
    item, graph, Z = str(seen.current.ids[row]), seen.current.graph, seen.current.Z
    part = Z[row].tocoo()
    inside = sorted(zip(part.col.tolist(), part.data.tolist(), strict=True), key=lambda pair: -pair[1])
    return {
        "item": item, "picture": pictures.has(item), "text": pictures.text(item), **said_of(seen, row),
        "concepts": [{"number": c, "name": str(graph.names[c]), "strength": round(float(value), DIGITS),
                      "active": bool(graph.active[c])} for c, value in inside if value > 0],
        "says": seen.answer.of_item(row), "answer": seen.answer.kind,
    }  # fmt: skip


def said_of(seen: Snapshot, row: int) -> dict[str, Any]:
    """Label and ticks of an item."""
    labels = seen.current.labels
    own = labels.classes[labels.items == row].tolist()
    return {"label": labels.names[own[0]] if own else None,
            "ticks": [labels.names[c] for c in labels.tick_classes[labels.tick_items == row].tolist()]}  # fmt: skip


def small(seen: Snapshot, pictures: Pictures, row: int, strength: float | None = None) -> dict[str, Any]:
    """An item in a list."""
    item, says = str(seen.current.ids[row]), seen.answer.of_item(row, 1)
    return {
        "item": item, "picture": pictures.has(item), "text": pictures.text(item), **said_of(seen, row),
        "best": says[0]["class"] if says else None, "mass": says[0]["mass"] if says else None,
        "strength": None if strength is None else round(float(strength), DIGITS),
    }  # fmt: skip


def concept_of(held: HeldGraph, seen: Snapshot, pictures: Pictures, number: int) -> dict[str, Any]:
    """One concept: examples, class masses, neighbours, what was labelled in it, blocks of B that it reaches."""
    import numpy as np

    i = seen.concept(number)
    graph, answer, labels, Z = seen.current.graph, seen.answer, seen.current.labels, seen.current.Z
    strengths = Z[:, [i]]
    more = of_layout(held, seen)
    said = np.flatnonzero(seen.nearest[labels.items] == i)
    masses = sorted(((answer.names[c], float(answer.masses[i, c])) for c in np.flatnonzero(answer.masses[i])),
                    key=lambda pair: -pair[1])  # fmt: skip
    theme = int(graph.themes[i])
    return {
        "number": i, "key": str(graph.keys[i]), "name": str(graph.names[i]), "auto_name": more["auto"].get(i),
        "size": int(graph.sizes[i]), "theme": theme, "theme_name": more["themes"].get(theme),
        "active": bool(graph.active[i]), "into": int(seen.current.into[i]),
        "parts": [p for p in np.flatnonzero(seen.current.into == i).tolist() if p != i],
        "examples": [small(seen, pictures, row, strengths[row, 0]) for row in seen.exemplars[i].tolist()],
        "masses": [{"class": name, "mass": round(mass, DIGITS)} for name, mass in masses],
        "neighbours": _neighbours(seen, i),
        "labels": [{"item": str(seen.current.ids[labels.items[m]]), "class": labels.names[labels.classes[m]]}
                   for m in said.tolist()],
        "ticks": [{"item": str(seen.current.ids[row]), "class": labels.names[c]}
                  for row, c in zip(labels.tick_items.tolist(), labels.tick_classes.tolist(), strict=True)
                  if seen.nearest[row] == i],
        "contradictions": _contradictions(seen, i, said.tolist()), "blocks": more["blocks"].get(i, [])[:BLOCKS],
        "sources": {name: shares[i] for name, shares in more["sources"].items()
                    if shares[i] is not None},
    }  # fmt: skip


def _neighbours(seen: Snapshot, i: int) -> list[dict[str, Any]]:
    import numpy as np

    graph = seen.current.graph
    there = np.flatnonzero((graph.edges == i).any(axis=1))
    strongest = there[np.argsort(-graph.weights[there], kind="stable")][:NEIGHBOURS]
    best = seen.answer.best()
    found = []
    for edge in strongest.tolist():
        a, b = graph.edges[edge].tolist()
        other = b if a == i else a
        weight, cosine = (round(float(values[edge]), DIGITS) for values in (graph.weights, graph.cosines))
        found.append({"number": other, "name": str(graph.names[other]), "weight": weight, "cosine": cosine,
                      "best": int(best[other])})  # fmt: skip
    return found


def _contradictions(seen: Snapshot, i: int, said: list[int]) -> list[dict[str, Any]]:
    """Labels of a concept's items that say another class than the concept leans to."""
    best, labels = seen.answer.best()[i], seen.current.labels
    if best < 0:
        return []
    return [{"item": str(seen.current.ids[labels.items[m]]), "class": labels.names[labels.classes[m]],
             "other": seen.answer.names[best]} for m in said if labels.classes[m] != best]  # fmt: skip


def suggested(
    held: HeldGraph, seen: Snapshot, pictures: Pictures, n: int, concepts: Sequence[int] = ()
) -> dict[str, Any]:
    """The items whose labels teach most, best first: first ones of concepts, then more of mixed ones.

    Args:
        held, seen, pictures: of the graph.
        n: how many.
        concepts: only items of these.
    """
    import dataclasses

    import numpy as np

    from kgkt.rundir.asking import covering, seconds

    _few(n)
    key = ("suggested", seen.revision, n, tuple(concepts))
    if key in seen.kept:
        return seen.kept[key]
    for old in [known for known in list(seen.kept) if known[0] == "suggested" and known[1] != seen.revision]:
        seen.kept.pop(old, None)
    current = seen.current
    asking, kernel = current, None
    if len(concepts):
        active = np.zeros_like(current.graph.active)
        active[[seen.concept(c) for c in concepts]] = True
        active &= current.graph.active
        asking = dataclasses.replace(current, graph=dataclasses.replace(current.graph, active=active))
        if not active.any():
            return {"items": [], "covered": 0}
    else:
        kernel = held.kernel(seen)
    asked = covering(asking, seen.exemplars, n, lambda _: None, kernel)
    if len(asked) < n:
        asked = [*asked, *seconds(held.run, asking, None, asked, n - len(asked))]
    items = []
    for one in asked:
        row = seen.rows[one.item_id]
        items.append({
            "item": one.item_id, "concept": one.concept, "name": one.name, "speaks_for": one.speaks_for,
            "why": one.why, "picture": pictures.has(one.item_id), "text": pictures.text(one.item_id),
            "leans_to": seen.answer.of_item(row, 3),
        })  # fmt: skip
    seen.kept[key] = {"items": items, "covered": int(seen.answer.reached.sum())}
    return seen.kept[key]


def search(seen: Snapshot, pictures: Pictures, wanted: str) -> dict[str, Any]:
    """Concepts, classes and items whose name, id or text holds what was typed, capitals aside."""
    wanted = wanted.strip().casefold()
    if not wanted:
        return {"concepts": [], "classes": [], "items": []}
    graph, ids = seen.current.graph, seen.current.ids
    named = [i for i, name in enumerate(graph.names.tolist()) if wanted in str(name).casefold()]
    if wanted.isdecimal() and int(wanted) < len(graph) and int(wanted) not in named:
        named.insert(0, int(wanted))
    exact = [seen.rows[wanted]] if wanted in seen.rows else []
    found = exact + [row for row, item in enumerate(ids.tolist()) if wanted in item.casefold() and row not in exact]
    if (len(wanted) >= SHORTEST or not wanted.isascii()) and len(found) < FOUND:
        found += [row for row in pictures.search(wanted, seen, FOUND) if row not in found]
    shown = [(row, int(seen.nearest[row])) for row in found[:FOUND]]
    return {
        "concepts": [{"number": i, "name": str(graph.names[i])} for i in named[:FOUND]],
        "classes": [name for name in seen.answer.names if wanted in name.casefold()],
        "items": [{**small(seen, pictures, row), "concept": concept} for row, concept in shown],
    }  # fmt: skip


def similar(held: HeldGraph, seen: Snapshot, pictures: Pictures, item: str, n: int) -> dict[str, Any]:
    """The items nearest to one in A's features, and its nearest concepts."""
    from kgkt.concepts.nearest import nearest_rows
    from kgkt.files import load_arrays
    from kgkt.rundir.features import FILE
    from kgkt.rundir.graph_files import read_maps
    from kgkt.rundir.state import made_by
    from kgkt.source.parquet import open_features

    _few(n)
    row = seen.row(item)
    features = open_features(held.run.need(FILE, "populate"))
    if len(features) != len(seen.rows):
        raise InputError(f"{features.path} is not of this graph's items: run kgkt populate")
    maps = read_maps(*load_arrays(made_by(held.run, "populate", "embedding.safetensors")))
    rows, cosines = nearest_rows(features, [row], [], n, {layer: maps.share(layer) for layer in maps.live})
    return {"items": near_items(seen, pictures, rows.tolist(), cosines.tolist()),
            "concepts": item_of(seen, pictures, item)["concepts"]}  # fmt: skip


def near_items(
    seen: Snapshot, pictures: Pictures, rows: Sequence[int], cosines: Sequence[float]
) -> list[dict[str, Any]]:
    """Items with how near they are, the nearest first."""
    return [
        {**small(seen, pictures, row), "cosine": round(float(cosine), DIGITS), "concept": int(seen.nearest[row])}
        for row, cosine in zip(rows, cosines, strict=True)
    ]


def explained(held: HeldGraph, seen: Snapshot, item: str) -> dict[str, Any]:
    """Why an item has its class, by the whole teacher.

    Raises:
        InputError: nothing is labelled, or the teacher's answer is not of the graph as it stands.
    """
    from kgkt.concepts.propagate import NO_LABELS
    from kgkt.rundir.looks import read_looks
    from kgkt.tables import plain
    from kgkt.verbs.explain import explain_item
    from kgkt.verbs.propagate import as_last_taught
    from kgkt.verbs.suggest import answer_at_hand

    if not len(seen.current.labels):
        raise InputError(NO_LABELS)
    recipe = as_last_taught(held.recipe, held.run)
    targets, missing = answer_at_hand(recipe, held.run, seen.current)
    if targets is None:
        raise InputError(f"{missing}: why an item has its class is told of the teacher's answer, after kgkt propagate")
    item = str(seen.current.ids[seen.row(item)])
    looks = read_looks(held.recipe, held.run)
    return plain(explain_item(recipe, held.run, seen.current, targets, item, EXPLAINED, looks).fields())


def _few(n: int) -> None:
    if not 1 <= n <= MOST:
        raise UsageError(f"n is from 1 to {MOST}, received {n}")


def suspected(held: HeldGraph, pictures: Pictures, n: int) -> dict[str, Any]:
    """Labels that the graph doubts, the most doubtful first."""
    from kgkt.verbs.suspects import suspects

    said: list[str] = []
    try:
        found = suspects(held.recipe, said.append, n)
    except InputError as error:  # no label can be judged yet, which is no fault of who asks
        return {"suspects": [], "issues": 0, "judged": 0, "passed_over": [str(error)], "notices": said}
    return {
        "suspects": [{
            "item": s.item, "given": s.given, "expected": s.expected, "score": round(float(s.score), DIGITS),
            "is_issue": bool(s.is_issue), "picture": pictures.has(s.item), "text": pictures.text(s.item),
            "because": [{"item": h.item, "class": h.says, "share": round(float(h.share), DIGITS)} for h in s.because],
        } for s in found],
        "issues": found.issues, "judged": found.judged, "passed_over": list(found.passed_over), "notices": said,
    }  # fmt: skip
