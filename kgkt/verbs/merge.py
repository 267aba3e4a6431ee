"""merge: concepts that a person holds to be one."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kgkt.concepts.merge import end_of
from kgkt.errors import InputError, UsageError
from kgkt.recipe import Recipe
from kgkt.rundir.current import open_graph_store, own_info
from kgkt.rundir.edits import make_edit
from kgkt.rundir.effect import Effect
from kgkt.rundir.state import Say, open_run
from kgkt.verbs.propagate import as_last_taught


@dataclass(frozen=True, slots=True)
class Merged:
    """What `merge` did.

    Args:
        kept: number and name of the concept that stays; None where concepts were taken apart.
        parts: number -> name of those that count as parts of it now, or stand by themselves again.
        items: that are nearest to any of them, or to what was merged into them before.
        edit: number of the edit, which `undo` takes; None where it was so already.
        effect: on the items' classes, by the concepts' answer; None where nothing is labelled.
    """

    kept: tuple[int, str] | None
    parts: dict[int, str]
    items: int
    edit: int | None = None
    effect: Effect | None = None


def merge(recipe: Recipe, say: Say, kept: str | None, others: Sequence[str]) -> Merged:
    """Count concepts as parts of another one: every later verb sees one concept, with the items and edges of all.

    The concepts stay in the database, each MERGED_INTO the one that is kept, so that this can be undone, and survives
    a populate that grows.

    Args:
        recipe: of the graph.
        say: takes notices.
        kept: number, key or name of the concept that stays; None: the others are to stand by themselves again.
        others: of those that become parts of it.

    Raises:
        UsageError: no others.
        InputError: no such concept, the same one twice, one that is off, or one that is a part of another already.
    """
    from kgkt.store.edits import merged_pairs
    from kgkt.store.facts import find_concept, read_concepts, write_facts
    from kgkt.store.readback import called

    if not others:
        raise UsageError("give the concept to keep and at least one more: kgkt merge 17 23; or --apart 23")
    run = open_run(recipe)
    with open_graph_store(recipe, run, write=True) as store:
        own_info(store, run)
        there = read_concepts(store, run.graph)
        into = dict(merged_pairs(store, run.graph))
        parts = [find_concept(there, run.graph, one) for one in others]
        keep = None if kept is None else find_concept(there, run.graph, kept)
        if keep in parts or len(set(parts)) < len(parts):
            raise InputError(f"a concept cannot be merged with itself: {keep} and {', '.join(map(str, parts))}")
        new = [n for n in parts if into.get(n) != keep]
        if keep is not None:
            _refuse(there, into, keep, new)
        ends = [] if keep is None else [keep]
        names = {n: called(there[n]) for n in parts}
        after = {n: end for n, end in into.items() if n not in parts} | {n: end for n in parts for end in ends}
        whole = {*ends} or {*parts}
        items = sum(int(row["size"] or 0) for n, row in there.items() if end_of(after, n) in whole)
        done = Merged(None if keep is None else (keep, called(there[keep])), names, items)
        if not new:
            return done
        edit, effect = make_edit(
            store, run, "merge", {"merged": [str(n) for n in new]},
            lambda: write_facts(store, run.graph, {"merged": {str(n): ends for n in new}}),
            as_last_taught(recipe, run).teach)  # fmt: skip
    return dataclasses.replace(done, edit=edit, effect=effect)


def _refuse(there: Mapping[int, Mapping[str, Any]], into: Mapping[int, int], keep: int, new: Sequence[int]) -> None:
    if keep in into:
        raise InputError(f"concept {keep} is a part of {into[keep]} already: merge into that one, or kgkt undo")
    for n in new:
        if n in into:
            raise InputError(f"concept {n} is a part of {into[n]} already: merge that one, or kgkt undo")
    for n in (keep, *new):
        if there[n]["active"] is not True:
            raise InputError(f"concept {n} is off, and what is off is no part of another: kgkt switch on --concept {n}")
