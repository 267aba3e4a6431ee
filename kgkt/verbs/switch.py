"""switch: which concepts teach, and which are off."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kgkt.concepts.merge import end_of
from kgkt.errors import InputError, UsageError, count
from kgkt.recipe import Recipe, Teach
from kgkt.rundir.current import CurrentGraph, open_graph_store, own_info
from kgkt.rundir.derived import WORDS
from kgkt.rundir.edits import make_edit
from kgkt.rundir.effect import Effect, effect_of, look
from kgkt.rundir.folder import RunDir
from kgkt.rundir.lexicons import TRANSLATED
from kgkt.rundir.state import Say, open_run, population
from kgkt.verbs.propagate import as_last_taught

if TYPE_CHECKING:
    from kgkt.store.protocol import Rows, Store

MOST = 100_000  # rows that a query may give
There = Mapping[int, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Switched:
    """What `switch` did.

    Args:
        on: whether to on; else to off.
        concepts: number -> name of those that were switched.
        already: how many were so before.
        items: that the switched concepts hold: the items of which they are the nearest.
        labels: label or tick of items that lie in concepts of these which are off now, as ITEM=CLASS; of which nothing
            is learned any more, `effect.unheard` says.
        edit: number of the edit, which `undo` takes; None where nothing was changed.
        effect: on the items' classes, by the concepts' answer; None where nothing is labelled.
        dry: nothing was written.
    """

    on: bool
    concepts: dict[int, str]
    already: int
    items: int
    labels: tuple[str, ...] = ()
    edit: int | None = None
    effect: Effect | None = None
    dry: bool = False


def switch(
    recipe: Recipe, say: Say, on: bool, query: str | None = None, concepts: Sequence[str] = (), *,
    params: Mapping[str, Any] | None = None, limits: tuple[float, int] = (30.0, 2048), dry: bool = False,
    tell: bool = True,
) -> Switched:  # fmt: skip
    """Switch concepts off, so that what they hold teaches nothing, or on again.

    Args:
        recipe: of the graph.
        say: takes notices.
        on: to on; else to off.
        query: Cypher that returns a column `key` of concepts, or the name of a shipped query that does; it only reads.
        concepts: in its place: numbers, keys or names.
        params: of the query.
        limits: seconds and megabytes of the query.
        dry: say what would be done, and do nothing.
        tell: work out what the edit changes.

    Raises:
        UsageError: neither a query nor concepts, or both; `on` is neither true nor false.
        InputError: no column `key`, no rows, keys of no concept of this graph, or no concept would be left on.
    """
    from kgkt.store.edits import merged_pairs
    from kgkt.store.facts import find_concept, read_concepts, write_facts

    if not isinstance(on, bool):
        raise UsageError(f"switch takes True (on) or False (off), received {on!r}")
    if (query is None) == (not concepts):
        raise UsageError("give one query that returns the keys of concepts (RETURN c.key AS key), or --concept")
    run = open_run(recipe)
    made = population(run)
    keys = keys_asked(recipe, query, dict(params or {}), limits, say) if query is not None else []
    with open_graph_store(recipe, run, write=not dry) as store:
        own_info(store, run)
        if population(run) != made:
            raise InputError("the graph was populated again while the query was asked: look at it, and switch again")
        there = read_concepts(store, run.graph)
        found = ([find_concept(there, run.graph, one) for one in concepts] if query is None
                 else numbers_of(keys, there, run.graph))  # fmt: skip
        meant = sorted(set(found))
        numbers = [n for n in meant if there[n]["active"] is not on]
        into = dict(merged_pairs(store, run.graph))
        if not on:
            refuse_all_off(there, into, dict.fromkeys(numbers, False))
        held = {n for n in there if n in numbers or end_of(into, n) in numbers}  # with the parts of what was merged
        done = Switched(on, {n: _name(there[n]) for n in numbers}, len(meant) - len(numbers),
                        sum(int(there[n]["size"] or 0) for n in held), dry=dry)  # fmt: skip
        if not numbers:
            return done
        teach = as_last_taught(recipe, run).teach if tell or dry else None
        if dry:
            assert teach is not None
            return _rehearsed(done, store, run, teach, into)
        edit, effect = make_edit(
            store, run, "switch", {"active": [str(n) for n in numbers]},
            lambda: write_facts(store, run.graph, {"active": {str(n): on for n in numbers}}), teach)  # fmt: skip
        done = dataclasses.replace(done, edit=edit, effect=effect)
        if not on and effect is not None and effect.current is not None:
            done = _with_labels(done, effect.current)
    return done


def refuse_all_off(there: There, into: Mapping[int, int], now: Mapping[int, Any]) -> None:
    """Refuse what leaves no concept on.

    Args:
        there: the concepts.
        into: of those that are merged, the one that they are a part of.
        now: number -> whether a concept is going to be on.

    Raises:
        InputError: none would be.
    """
    on = {n for n, row in there.items() if now.get(n, row["active"]) is True}
    if not any(end_of(into, n) in on for n in on):
        raise InputError("every concept would be off, and nothing left that teaches: leave at least one on")


def keys_asked(
    recipe: Recipe, text: str, params: dict[str, Any], limits: tuple[float, int], say: Say, verb: str = "switch"
) -> list[Any]:  # fmt: skip
    """The column `key` of what a query of concepts answers.

    Raises:
        UsageError: several statements.
        InputError: no column `key`, no rows, or too many.
    """
    from kgkt.verbs.query import ask

    seconds, memory = limits
    heard: list[str] = []
    answers: list[tuple[Rows, float]] = list(ask(recipe, text, params, (seconds, MOST, memory), False, heard.append))
    if len(answers) == 1 and not answers[0][0].rows and text.strip() in (*WORDS, *TRANSLATED):
        raise InputError(f"{heard[-1]}; nothing to {verb}")  # which says why, and what to do
    for notice in heard:
        say(notice)
    if len(answers) > 1:
        raise UsageError(f"{verb} takes one statement, and here are {len(answers)}")
    rows = answers[0][0]
    if "key" not in rows.columns:
        raise InputError(f"the query has no column key, but {', '.join(rows.columns) or 'none at all'}: end it with "
                         "RETURN c.key AS key, where c are concepts")  # fmt: skip
    if not rows.rows:
        raise InputError(f"the query found no concepts (0 rows): nothing to {verb}; try it with kgkt query")
    if rows.truncated:
        raise InputError(f"the query gives more than {MOST:,} rows: RETURN DISTINCT c.key AS key gives each once")
    place = rows.columns.index("key")
    return list(dict.fromkeys(row[place] if isinstance(row[place], str) else repr(row[place]) for row in rows.rows))


def numbers_of(keys: Sequence[str], there: There, graph: str) -> list[int]:
    """The concepts that have these keys.

    Raises:
        InputError: a key of none.
    """
    known = {str(row["key"]): n for n, row in there.items()}
    strange = [k for k in keys if k not in known]
    if strange:
        shown = ", ".join(map(repr, strange[:3])) + (", …" if len(strange) > 3 else "")
        raise InputError(f"{len(strange):,} of {count(len(keys), 'key')} are of no concept of graph {graph}: {shown}; "
                         f"a concept's key is like {graph}/concept/7")
    return [known[k] for k in keys]


def _name(row: Mapping[str, Any]) -> str:
    from kgkt.store.readback import called

    return called(row)


def _rehearsed(done: Switched, store: Store, run: RunDir, teach: Teach, into: Mapping[int, int]) -> Switched:
    """The same with the effect that it would have."""
    seen = look(store, run, teach)
    if seen.current is None:
        return dataclasses.replace(done, effect=Effect({}, why_not=seen.why_not))
    if parts := [n for n in done.concepts if n in into]:
        why = f"concept {parts[0]} is a part of {into[parts[0]]}, which is told apart only when it is done"
        return dataclasses.replace(done, effect=Effect({}, why_not=why))
    active = seen.current.graph.active.copy()
    active[list(done.concepts)] = done.on
    current = dataclasses.replace(seen.current, graph=dataclasses.replace(seen.current.graph, active=active))
    done = dataclasses.replace(done, effect=effect_of(seen, current))
    return done if done.on else _with_labels(done, current)


def _with_labels(done: Switched, current: CurrentGraph) -> Switched:
    """The same with the labels and ticks that lie in the concepts which are off now."""
    import numpy as np

    from kgkt.concepts.cluster import nearest_concept

    labels = current.labels
    items = np.concatenate([labels.items, labels.tick_items])
    if not len(items):
        return done
    words = [*(labels.names[c] for c in labels.classes), *(f"not:{labels.names[c]}" for c in labels.tick_classes)]
    inside = np.isin(nearest_concept(current.Z[items]), list(done.concepts))
    said = tuple(f"{current.ids[items[i]]}={words[i]}" for i in np.flatnonzero(inside).tolist())
    return dataclasses.replace(done, labels=said)
