"""Verbs that ask: suggest, nearest, predict, query."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kgkt.cli.app import app
from kgkt.cli.options import (
    Columns,
    Force,
    Imports,
    Output,
    Params,
    asked_rows,
    graph_of,
    listed,
    params_of,
    rows,
    table_columns,
    takes,
)
from kgkt.cli.output import LIST, OUT, print_json, print_rows
from kgkt.errors import count, shorten

if TYPE_CHECKING:
    from kgkt.api import Run
    from kgkt.store.protocol import Rows
    from kgkt.verbs.suggest import Suggested

ASK = "Ask"
SHORT = 60  # characters of an item's text in a table of many columns
SINGULAR = {"nodes": "node", "relationships": "relationship", "properties": "property", "labels": "label",
            "constraints": "constraint", "indexes": "index"}  # fmt: skip


@app.command(rich_help_panel=ASK)
@takes(run=graph_of, form=asked_rows)
def suggest(
    *,
    n: Annotated[int, typer.Option("-n", help="How many items.")] = 20,
    out: Annotated[str | None, typer.Option("--out", help="CSV to fill in and give to kgkt label --file.")] = None,
    show: Annotated[str | None, typer.Option("--show", help="Folder for the items' pictures.")] = None,
    sheet: Annotated[
        str | None, typer.Option("--sheet", help="PNG of the items, each beside examples of its concept.")
    ] = None,
    doubt: Annotated[
        bool, typer.Option("--doubt", help="Items whose first two classes are nearly level; after propagate.")
    ] = False,
    within: Annotated[
        str | None,
        typer.Option("--within", help="Only items of concepts that a query gives: Cypher with a column key, or the "
                     "name of a shipped query, such as lost."),
    ] = None,
    param: Params = None,
    force: Force = False,
    run: Run,
    form: str,
) -> None:
    """Which few items to label: greedy coverage of the graph, best first; any prefix is a good budget."""
    from kgkt.verbs.suggest import COLUMNS

    tasks = form == "label-studio"
    found = run.suggest(n, out, show, force, form=form if tasks else "csv", sheet=sheet, doubt=doubt, within=within,
                        params=params_of(param))  # fmt: skip
    if form == "json":
        first = [] if doubt else [a for a in found if not a.second]
        print_json({
            "columns": COLUMNS, "rows": found.rows(), "speak_for": sum(a.speaks_for for a in first),
            "items": found.pool, "second": sum(a.second for a in found), "mixed_by": found.mixed_by,
            "files": found.files,
        })  # fmt: skip
    elif form == "csv":
        print_rows(COLUMNS, found.rows(), "csv")
    else:
        shown = [(a.item_id, f"c{a.concept:03d} {a.name!r}", count(a.speaks_for, "item"), a.why) for a in found]
        print_rows(("item", "concept", "speaks for", "why"), shown, "table")
        print(" ".join(_of_suggested(found, n, out, tasks, doubt)))


def _of_suggested(found: Suggested, n: int, out: str | None, tasks: bool, doubt: bool) -> Iterator[str]:
    """What the items are together, and what to do with them."""
    first = [] if doubt else [a for a in found if not a.second]
    second = len(found) - len(first)
    if first:
        who = "They speak" if not second else f"The first {len(first):,} speak"
        yield f"{who} for {sum(a.speaks_for for a in first):,} of {found.pool:,} items."
    if second and not doubt:
        by = "the teacher's targets" if found.mixed_by == "targets" else "memberships"
        above, these = (" or an item above", "the others") if first else ("", "these")
        yield f"Every active concept has a label{above}: {these} are of the largest and most mixed concepts, by {by}."
    if doubt:
        yield "The teacher's first two classes are nearly level for these, the most level of each concept first."
    sheets = [file for file in found.files if file.endswith(".png")]
    if sheets:
        yield f"The sheet: {', '.join(sheets)}."
    if tasks:
        yield f"Tasks and labelling interface: {found.files[0]}, {found.files[1]}; then: " + OUT.here(
            "kgkt label --file export.json")
    elif out:
        yield f"Fill in the column class of {out}, then: {OUT.here('kgkt label --file', out)}"
    else:
        yield f"To fill in: {OUT.here(f'kgkt suggest -n {n} --out todo.csv')}"


@app.command(rich_help_panel=ASK)
@takes(run=graph_of, form=rows)
def nearest(
    *,
    items: Annotated[list[str] | None, typer.Argument(help="Items of the pool, added up: a word, or several.")] = None,
    minus: Annotated[
        list[str] | None, typer.Option("--minus", help="An item to take away: king woman --minus man. May be repeated.")
    ] = None,
    n: Annotated[int, typer.Option("-n", help="How many items.")] = 10,
    run: Run,
    form: str,
) -> None:
    """Which items are nearest to one, or to a sum and difference of several, as A sees them."""
    from kgkt.verbs.nearest import COLUMNS

    found = run.nearest(items or [], minus or [], n)
    if form == "table":
        print_rows(COLUMNS[:3], [(one.item, one.cosine, f"c{one.concept:03d} {one.name!r}") for one in found], form)
    else:
        print_rows(COLUMNS, found.rows(), form)


@app.command(rich_help_panel=ASK)
@takes(run=graph_of, named=table_columns, form=rows)
def predict(
    *,
    data: Annotated[
        str | None, typer.Option("--data", help="The new items, in any form of a pool.")
    ] = None,
    features: Annotated[
        str | None, typer.Option("--features", help="In place of data: the same layers of them, made elsewhere.")
    ] = None,
    model: Annotated[
        str | None, typer.Option("--model", help="A B that answers in place of the graph: b-fused.keras.")
    ] = None,
    items: Annotated[
        str | None, typer.Option("--items", help="CSV to write: item_id, class, mass, next class, nearest concepts.")
    ] = None,
    imports: Imports = None,
    output: Output = None,
    named: dict[str, str | None],
    columns: Columns = None,
    force: Force = False,
    run: Run,
    form: str,
) -> None:
    """What items are that were never in the pool: by the graph alone, or by B."""
    from kgkt.transfer.prediction import COLUMNS

    done = run.predict(data, features=features, model=model, items=items, force=force, columns=listed(columns),
                       imports=imports, output=output, **named)  # fmt: skip
    counted = Counter(name or "no class" for name in done.classes)
    if items is None and form != "json":
        more = (done.texts is not None, done.concepts is not None)
        names = (*COLUMNS[:5], *(name for name, there in zip(("text", "concepts"), more, strict=True) if there))
        print_rows(names, [_predicted(row, None if done.texts is None else done.texts[i])
                           for i, row in enumerate(done.rows())], form)  # fmt: skip
    elif items is None:
        print_json({"columns": COLUMNS, "rows": list(done.rows()), "right": done.right, "far": done.far})
    elif form == "json":
        print_json({"items": len(done), "classes": counted, "right": done.right, "far": done.far, "file": items})
    else:
        print(f"{count(len(done), 'item')}: " + ", ".join(f"{name} {n:,}" for name, n in counted.most_common()))
    if done.right is not None and form == "table":
        print(f"{100 * done.right:.1f} % are of the class that the data says")


def _predicted(row: tuple[Any, ...], text: str | None) -> tuple[Any, ...]:
    """A row of `predict` as a person reads it: with the beginning of the text, and concepts in words."""
    concepts = [] if row[5] is None else [", ".join(f"{name!r} {strength:.2f}" for _, name, strength in row[5])]
    return (*row[:5], *([] if text is None else [shorten(text, SHORT)]), *concepts)


@app.command(rich_help_panel=ASK)
@takes(run=graph_of, form=rows)
def query(
    *,
    text: Annotated[str | None, typer.Argument(help="Cypher, or the name of a shipped query; - reads stdin.")] = None,
    param: Params = None,
    file: Annotated[str | None, typer.Option("--file", help="Read the Cypher from a file.")] = None,
    list_: Annotated[bool, typer.Option("--list", help="List the shipped queries.")] = False,
    rw: Annotated[
        bool, typer.Option("--rw", help="Let it write. Such an edit is obeyed by every verb; kgkt cannot undo it.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="With --rw: say what the statement would change, and keep nothing of it.")
    ] = False,
    seconds: Annotated[float, typer.Option("--seconds", help="Stop after so many seconds.")] = 30.0,
    most: Annotated[int, typer.Option("--rows", help="Show at most so many rows.")] = 1000,
    memory: Annotated[int, typer.Option("--memory", help="Megabytes a query may use.")] = 2048,
    force: Annotated[bool, typer.Option("--force", help="Write without a terminal.")] = False,
    run: Run,
    form: str,
) -> None:
    """Ask the graph in Cypher. Read-only unless --rw."""
    from kgkt.errors import UnsafeError, UsageError

    if list_:
        from kgkt.verbs.query import shipped_rows

        print_rows(("name", "what it shows", "parameters"), shipped_rows(), form)
        return
    given = [place for place in (text, file) if place is not None]
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
    answers = run.queries(text, params_of(param), seconds=seconds, rows=most, memory_mb=memory, write=rw,
                          dry_run=dry_run)  # fmt: skip
    for answer, elapsed in answers:
        _show(answer, elapsed, form, most, dry_run)


def _read(path: str) -> str:
    from pathlib import Path

    from kgkt.errors import InputError

    try:
        return Path(path).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read: {error}") from error


def _show(found: Rows, elapsed: float, form: str, limit: int, dry: bool) -> None:
    cut = sum(isinstance(v, list | tuple) and len(v) > LIST for row in found.rows for v in row)
    answers = found.written is None or bool(found.columns)  # not SET or DELETE alone
    if form == "json":
        more = {} if found.written is None else {"written": found.written, "dry_run": dry}
        print_rows(found.columns, found.rows, form, truncated=found.truncated, **more)
    elif answers:
        print_rows(found.columns, found.rows, form)
    if form == "table" and answers and not found.rows:
        print("(0 rows)")
    if form != "json" and found.written is not None:
        OUT.say(f"dry run, nothing is kept: {in_words(found.written)}" if dry else in_words(found.written))
    if form != "json" and answers and sys.stderr.isatty():
        OUT.say(f"{count(len(found.rows), 'row')}, {elapsed:.1f} s")
    if found.truncated:
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
