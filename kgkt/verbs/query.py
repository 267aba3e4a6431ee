"""query: what a user asks in Cypher, behind the guard and the fence."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import Any

from kgkt.errors import InputError, UsageError, nearest
from kgkt.recipe import Recipe
from kgkt.rundir.current import open_graph_store
from kgkt.rundir.derived import ROWS, WORDS, no_row, nothing_found
from kgkt.rundir.folder import RunDir
from kgkt.rundir.lexicons import TRANSLATED, told_of_lexicons
from kgkt.rundir.state import Say, open_run, place_flags, settings_of
from kgkt.store.protocol import Limits, Rows, Store
from kgkt.store.statements import Shipped, load, shipped


def shipped_rows() -> list[tuple[str, str, str]]:
    """(name, what it shows, parameters) of each shipped query."""
    return [(q.name, q.doc, ", ".join(_shown(q, p) for p in q.params if p != "graph")) for q in shipped()]


def _shown(query: Shipped, param: str) -> str:
    return f"{param}={query.defaults[param]}" if param in query.defaults else param


def ask(
    recipe: Recipe, text: str, params: dict[str, Any], limits: tuple[float, int, int], write: bool, say: Say,
    dry: bool = False,
) -> Iterator[tuple[Rows, float]]:  # fmt: skip
    """Run a user's Cypher, statement by statement; a single word is the name of a shipped query.

    Args:
        recipe: of the graph; its name is the parameter $graph.
        text: Cypher, or a name.
        params: of the query.
        limits: seconds, rows and megabytes.
        write: whether it may write.
        say: takes notices, such as a label that the graph does not have.
        dry: keep nothing of what it writes.

    Yields:
        The answer and how many seconds it took.

    Raises:
        UsageError: no statement; or several to try, of which the later would not see what the earlier wrote.
    """
    from kgkt.store.guard import split, unknown_names

    run = open_run(recipe, must_exist=not recipe.store.url)
    word = text.strip()
    named = re.fullmatch(r"[A-Za-z_][A-Za-z0-9_-]*", word) is not None
    if named:
        text = load(word).text
        params = _complete(next(q for q in shipped() if q.name == word), params)
    into, flags = str(params.get("into", "")), place_flags(recipe) if named else []
    statements = split(text)
    if not statements:
        raise UsageError("the query is empty")
    if dry and len(statements) > 1:
        raise UsageError(f"--dry-run tries one statement, and here are {len(statements)}: try them one by one")
    with open_graph_store(recipe, run) as store:
        for statement in statements:
            clock = time.perf_counter()
            rows = store.ask(statement, {"graph": run.graph, **params}, Limits(*limits), write=write, dry=dry)
            elapsed = time.perf_counter() - clock
            if not write and _looks_empty(rows):
                unknown = (_not_there(store, run, params, not rows.rows) if named
                           else unknown_names(statement, store.schema()))  # fmt: skip
                for notice in unknown:
                    say(notice)
                if word == "carried" and not rows.rows and _one_source(run):
                    say("the graph has one source, which carries every concept: populate --also adds another")
            if word in WORDS and not rows.rows:
                say(nothing_found(word, run, store, into, flags))
            if word in TRANSLATED:
                for notice in told_of_lexicons(word, run, store, into, flags, bool(rows.rows)):
                    say(notice)
            if word in ROWS and not rows.rows:
                say(no_row(word, run, store, params, flags))
            yield rows, elapsed


def _complete(query: Shipped, params: dict[str, Any]) -> dict[str, Any]:
    """The parameters of a shipped query, with its defaults.

    Raises:
        UsageError: one it does not have, or one that must be given and is not.
    """
    for name in params:
        if name not in query.params:
            raise UsageError(f"query {query.name} has no parameter {name!r}{nearest(name, query.params)}")
    missing = [p for p in query.params if p != "graph" and p not in params and p not in query.defaults]
    if missing:
        raise UsageError(f"query {query.name} needs " + " ".join(f"--param {p}=…" for p in missing))
    for name, value in params.items():
        if isinstance(query.defaults.get(name), int | float) and not isinstance(value, int | float):
            raise UsageError(f"query {query.name}: {name} is a number, received {value!r}")
    return {**query.defaults, **params}


def _not_there(store: Store, run: RunDir, params: dict[str, Any], empty: bool) -> Iterator[str]:
    """What the parameters `class`, `a`, `b`, `concept`, `from`, `to` and `item` name and the graph does not have.

    Args:
        store: open; `run`, of the graph.
        params: of the query.
        empty: whether it gave no row at all.
    """
    from kgkt.store.labels import read_classes
    from kgkt.store.readback import rows

    graph = run.graph
    if empty and "item" in params:
        yield _no_example(str(params["item"]), run)
    classes = {name for name in ("class", "a", "b") if name in params}
    if classes:
        names, _, _ = read_classes(store, graph)
        yield from (f"no class {params[p]!r}{nearest(str(params[p]), names)}" for p in sorted(classes)
                    if str(params[p]) not in names)  # fmt: skip
    concepts = {name for name in ("concept", "from", "to") if name in params}
    if concepts:
        found = [(str(row["name"]), str(row["key"]).rsplit("/", 1)[-1])
                 for row in rows(store, "read_concepts", graph=graph)]  # fmt: skip
        known = {part for pair in found for part in pair}
        yield from (f"no concept {params[p]!r}{nearest(str(params[p]), sorted({name for name, _ in found}))}"
                    for p in sorted(concepts) if str(params[p]) not in known)  # fmt: skip


def _no_example(item: str, run: RunDir) -> str:
    """Why a query about an item finds nothing: it is not in the pool, or not among what the database holds."""
    from kgkt.rundir.current import pool_ids
    from kgkt.source.known_items import known_item

    holds = "the database holds only examples of concepts, and items with a label"
    if not run.path("memberships.parquet").exists():
        return holds
    try:
        known = known_item(item, frozenset(pool_ids(run).tolist()))
    except InputError as error:
        return f"{error} ({holds})"
    if known != item:
        return f"no item {item!r}: the pool spells it {known!r}"
    return f"{item!r} is in the pool, and no example of a concept ({holds}): kgkt nearest compares all"


def _one_source(run: RunDir) -> bool:
    done = settings_of(run, "populate")
    return bool(done) and "weights" not in done


def _looks_empty(rows: Rows) -> bool:
    """Whether nothing came back, or a column of nothing but nulls: the mark of a misspelt name."""
    return not rows.rows or any(all(row[i] is None for row in rows.rows) for i in range(len(rows.columns)))
