"""Verbs that change the graph, and take changes back: name, switch, merge, undo."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from kgkt.cli.app import app
from kgkt.cli.options import Params, graph_of, params_of, plain, rows, takes
from kgkt.cli.output import OUT, print_json, print_rows, printable
from kgkt.cli.teach import TEACH, edit_fields, show_effect
from kgkt.errors import count

if TYPE_CHECKING:
    from kgkt.api import Run

FEW = 5  # names and labels that are shown


@app.command(rich_help_panel=TEACH)
@takes(run=graph_of, form=plain)
def name(
    *,
    concept: Annotated[str, typer.Argument(help="Number, key or present name of a concept.")],
    new: Annotated[str | None, typer.Argument(help="Its new name.")] = None,
    reset: Annotated[bool, typer.Option("--reset", help="Give back the name that populate gave.")] = False,
    run: Run,
    form: str,
) -> None:
    """Call a concept otherwise. Names teach nothing; people read them."""
    done = run.name(concept, new, reset=reset)
    if form == "json":
        print_json({"concept": done.concept, "key": done.key, "name": done.name, "was": done.was, "edit": done.edit})
    elif done.edit is None:
        print(printable(f"concept {done.concept} is called {done.name!r} already: nothing to do"))
    else:
        print(printable(f"concept {done.concept} is {done.name!r} now, it was {done.was!r}; undo: "
                        + OUT.here("kgkt undo")))  # fmt: skip


@app.command(rich_help_panel=TEACH)
@takes(run=graph_of, form=plain)
def switch(
    *,
    to: Annotated[str, typer.Argument(metavar="off|on", help="Off: what the concepts hold teaches nothing.")],
    query: Annotated[
        str | None, typer.Argument(help="Cypher that returns c.key AS key of concepts, or the name of such a query.")
    ] = None,
    concept: Annotated[
        list[str] | None, typer.Option("--concept", help="In place of a query: number, key or name; may be repeated.")
    ] = None,
    param: Params = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")] = False,
    seconds: Annotated[float, typer.Option("--seconds", help="Stop the query after so many seconds.")] = 30.0,
    memory: Annotated[int, typer.Option("--memory", help="Megabytes the query may use.")] = 2048,
    run: Run,
    form: str,
) -> None:
    """Switch concepts off, so that what they hold teaches nothing, or on again."""
    from kgkt.errors import UsageError, nearest

    if to not in ("off", "on"):
        raise UsageError(f"switch {to!r}{nearest(to, ('off', 'on'))}; write kgkt switch off QUERY, or on QUERY")
    done = run.switch(to == "on", query, params_of(param), concepts=concept or [], seconds=seconds,
                      memory_mb=memory, dry_run=dry_run)  # fmt: skip
    if form == "json":
        print_json({
            "on": done.on, "concepts": done.concepts, "already": done.already, "items": done.items,
            "labels": done.labels, "dry_run": done.dry, **edit_fields(done),
        })  # fmt: skip
    else:
        show_switched(done, to)


def show_switched(done: Any, to: str) -> None:
    """Print what `switch` did."""
    already = f"; {done.already:,} {'was' if done.already == 1 else 'were'} {to} already" if done.already else ""
    if not done.concepts:
        print(f"{count(done.already, 'concept')} {'is' if done.already == 1 else 'are'} {to} already: nothing to do")
        return
    shown = [repr(name) for name in list(done.concepts.values())[:FEW]]
    shown += [f"{len(done.concepts) - FEW:,} more"] if len(done.concepts) > FEW else []
    would = "would be " if done.dry else ""
    print(printable(f"{count(len(done.concepts), 'concept')} {would}switched {to} ({', '.join(shown)}), which hold"
                    f"{'s' if len(done.concepts) == 1 else ''} {count(done.items, 'item')}{already}"
                    + ("" if done.dry else _propagate(done))))  # fmt: skip
    if done.labels:
        labels = ", ".join(done.labels[:FEW]) + (", …" if len(done.labels) > FEW else "")
        lies = "lies" if len(done.labels) == 1 else "lie"
        print(printable(f"{count(len(done.labels), 'label')} {lies} in what is off now ({labels})"))
    show_effect(done)


def _propagate(done: Any) -> str:
    """What to do next, where a label is there to spread."""
    return "" if done.effect is None else OUT.next("kgkt propagate")


@app.command(rich_help_panel=TEACH)
@takes(run=graph_of, form=plain)
def merge(
    *,
    kept: Annotated[str, typer.Argument(help="Number, key or name of the concept that stays.")],
    others: Annotated[list[str] | None, typer.Argument(help="Those that count as parts of it from now on.")] = None,
    apart: Annotated[bool, typer.Option("--apart", help="Let all of these stand by themselves again.")] = False,
    run: Run,
    form: str,
) -> None:
    """Hold concepts to be one: every later verb sees one concept, with the items and edges of all."""
    done = run.merge(kept, *others or (), apart=apart)
    number, name = done.kept or (None, None)
    if form == "json":
        print_json({"concept": number, "name": name, "parts": done.parts, "items": done.items, **edit_fields(done)})
        return
    parts = ", ".join(f"{n} {part!r}" for n, part in done.parts.items())
    whole = "no part of another" if number is None else f"part of concept {number} {name!r}"
    if done.edit is None:
        print(printable(f"{parts}: {whole} already, nothing to do"))
        return
    joined = f"concept {number} {name!r} holds {count(done.items, 'item')} now, with those of {parts}"
    print(printable(f"{parts}: {whole} any more" if number is None else joined) + _propagate(done))
    show_effect(done)


@app.command(rich_help_panel=TEACH)
@takes(run=graph_of, form=rows)
def undo(
    *,
    edit: Annotated[int | None, typer.Argument(help="Number of an edit, as --list shows it; else the newest.")] = None,
    list_: Annotated[bool, typer.Option("--list", help="List the edits of verbs, newest first.")] = False,
    run: Run,
    form: str,
) -> None:
    """Take back an edit: label, tick, name, switch or merge; undo of an undo makes it again."""
    from kgkt.errors import UsageError

    if list_:
        if edit is not None:
            raise UsageError(f"kgkt undo --list lists every edit; kgkt undo {edit} takes that one back")
        found = run.edits()
        print_rows(found.columns, found.rows, form)
        return
    if form == "csv":
        raise UsageError("--format csv is for undo --list; undo itself has table and json")
    done = run.undo(edit)
    if form == "json":
        effect = None if done.effect is None else done.effect.fields()
        print_json({"undone": done.undone, "of": done.edit, "verb": done.verb, "what": done.what, "again": done.again,
                    "now": done.now, "edit": done.number, "effect": effect})  # fmt: skip
        return
    is_, else_ = ("made again", "take it back") if done.again else ("undone", "make it again")
    print(printable(f"edit {done.edit} ({done.verb}) is {is_}: {done.now}; {else_}: "
                    + OUT.here(f"kgkt undo {done.number}")))  # fmt: skip
    show_effect(done, OUT.next("kgkt propagate"))
