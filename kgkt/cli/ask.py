"""Verbs that ask: query, suggest."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Annotated, Any

import typer

from kgkt.cli.app import Database, Dir, Force, Format, Graph, RecipePath, StoreUrl, app, recipe_of
from kgkt.cli.output import LIST, OUT, pick_format, print_json, print_rows
from kgkt.errors import count

ASK = "Ask"
SINGULAR = {"nodes": "node", "relationships": "relationship", "properties": "property", "labels": "label",
            "constraints": "constraint", "indexes": "index"}  # fmt: skip


@app.command(rich_help_panel=ASK)
def suggest(
    n: Annotated[int, typer.Option("-n", help="How many items.")] = 20,
    out: Annotated[str | None, typer.Option("--out", help="CSV to fill in and give to kgkt label --file.")] = None,
    show: Annotated[str | None, typer.Option("--show", help="Folder for the items' pictures.")] = None,
    recipe: RecipePath = None,
    graph: Graph = None,
    dir: Dir = None,
    store: StoreUrl = None,
    database: Database = None,
    force: Force = False,
    form: Format = None,
) -> None:
    """Which few items to label: greedy coverage of the graph, best first; any prefix is a good budget."""
    from kgkt.verbs.suggest import suggest as choose

    picked = pick_format(form, rows=True)
    asked, total = choose(recipe_of(recipe, graph, dir, store, database), OUT.say, n, out, show, force)
    columns = ("item", "concept", "name", "speaks_for", "why", "picture")
    rows = [(a.item_id, a.concept, a.name, a.speaks_for, a.why, a.picture) for a in asked]
    covered = sum(a.speaks_for for a in asked)
    if picked == "json":
        print_json({"columns": columns, "rows": rows, "speak_for": covered, "items": total})
        return
    if picked == "table":
        shown = [(a.item_id, f"c{a.concept:03d} {a.name!r}", count(a.speaks_for, "item"), a.why) for a in asked]
        print_rows(("item", "concept", "speaks for", "why"), shown, "table")
        todo = out or "todo.csv"
        print(f"They speak for {covered:,} of {total:,} items. "
              + (f"Fill in the column class of {todo}, then: kgkt label --file {todo}" if out
                 else f"To fill in: kgkt suggest -n {n} --out {todo}"))  # fmt: skip
    else:
        print_rows(columns, rows, "csv")


@app.command(rich_help_panel=ASK)
def query(
    text: Annotated[str | None, typer.Argument(help="Cypher, or the name of a shipped query; - reads stdin.")] = None,
    param: Annotated[list[str] | None, typer.Option("--param", help="NAME=VALUE of a parameter.")] = None,
    file: Annotated[str | None, typer.Option("--file", help="Read the Cypher from a file.")] = None,
    list_: Annotated[bool, typer.Option("--list", help="List the shipped queries.")] = False,
    rw: Annotated[
        bool, typer.Option("--rw", help="Let it write. Such an edit is obeyed by every verb; kgkt cannot undo it.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="With --rw: say what the statement would change, and keep nothing of it.")
    ] = False,
    seconds: Annotated[float, typer.Option("--seconds", help="Stop after so many seconds.")] = 30.0,
    rows: Annotated[int, typer.Option("--rows", help="Show at most so many rows.")] = 1000,
    memory: Annotated[int, typer.Option("--memory", help="Megabytes a query may use.")] = 2048,
    recipe: RecipePath = None,
    graph: Graph = None,
    dir: Dir = None,
    store: StoreUrl = None,
    database: Database = None,
    force: Annotated[bool, typer.Option("--force", help="Write without a terminal.")] = False,
    form: Format = None,
) -> None:
    """Ask the graph in Cypher. Read-only unless --rw."""
    from kgkt.errors import UnsafeError, UsageError
    from kgkt.verbs.query import ask, shipped_rows

    picked = pick_format(form, rows=True)
    if list_:
        print_rows(("name", "what it shows", "parameters"), shipped_rows(), picked)
        return
    given = [source for source in (text, file) if source is not None]
    if len(given) != 1:
        raise UsageError("give one query: Cypher text, a name of --list, - for stdin, or --file")
    if dry_run and not rw:
        raise UsageError("--dry-run is for statements that write: add --rw")
    if rw and not dry_run and not force and not sys.stdin.isatty():
        raise UnsafeError("--rw writes; off a terminal say --force too")
    if file is not None:
        text = _read(file)
    elif text == "-":
        text = sys.stdin.read()
    assert text is not None
    settings = recipe_of(recipe, graph, dir, store, database)
    for answer in ask(settings, text, _params(param or []), (seconds, rows, memory), rw, OUT.say, dry_run):
        _show(answer, picked, rows, dry_run)


def _read(path: str) -> str:
    from pathlib import Path

    from kgkt.errors import InputError

    try:
        return Path(path).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read: {error}") from error


def _params(pairs: list[str]) -> dict[str, Any]:
    """NAME=VALUE texts as parameters: JSON where it is JSON, else text."""
    import json

    from kgkt.errors import UsageError

    values = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name.isidentifier():
            raise UsageError(f"--param {pair!r}: write NAME=VALUE")
        try:
            values[name] = json.loads(value)
        except json.JSONDecodeError:
            values[name] = value
    return values


def _show(answer: Any, form: str, limit: int, dry: bool) -> None:
    rows, elapsed = answer
    cut = sum(isinstance(v, list | tuple) and len(v) > LIST for row in rows.rows for v in row)
    answers = rows.written is None or bool(rows.columns)  # not SET or DELETE alone
    if form == "json":
        more = {} if rows.written is None else {"written": rows.written, "dry_run": dry}
        print_rows(rows.columns, rows.rows, form, truncated=rows.truncated, **more)
    elif answers:
        print_rows(rows.columns, rows.rows, form)
    if form == "table" and answers and not rows.rows:
        print("(0 rows)")
    if form != "json" and rows.written is not None:
        OUT.say(f"dry run, nothing is kept: {in_words(rows.written)}" if dry else in_words(rows.written))
    if form != "json" and answers and sys.stderr.isatty():
        OUT.say(f"{count(len(rows.rows), 'row')}, {elapsed:.1f} s")
    if rows.truncated:
        OUT.say(f"cut at {count(limit, 'row')}: add LIMIT, or ask for more with --rows")
    if cut and form == "table":
        OUT.say(f"{count(cut, 'list')} cut at {LIST} elements: --format json shows them whole")


def in_words(written: Mapping[str, int]) -> str:
    """What a statement changed, for a person: `2 nodes created, 5 properties set`."""
    parts = []
    for name, n in written.items():
        things, done = name.split("_")
        if n:
            parts.append(f"{n:,} {things if n > 1 else SINGULAR[things]} {done}")
    return ", ".join(parts) or "nothing was changed"
