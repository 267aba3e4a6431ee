"""The verb explain."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from kgkt.cli.app import app
from kgkt.cli.ask import ASK
from kgkt.cli.options import Force, graph_of, rows, takes
from kgkt.cli.output import print_json, print_rows, printable
from kgkt.errors import count, shorten

if TYPE_CHECKING:
    from kgkt.api import Run
    from kgkt.transfer.explanation import Explained

TEXT = 110  # characters of an item's text
TEACHER = {"labelled": "a person said so", "ticked": "a person said so", "by a tick": "a tick won",
           "off": "no concept is on", "unreached": "no label reaches it"}  # where it does not weigh its experts


@app.command(rich_help_panel=ASK)
@takes(run=graph_of, form=rows)
def explain(
    *,
    item: Annotated[str, typer.Argument(help="Id of an item of the pool.")],
    examples: Annotated[
        int, typer.Option("-n", "--examples", help="How many labels and nearest labelled examples to show.")
    ] = 5,
    picture: Annotated[
        str | None, typer.Option("--picture", help="PNG to draw: item, examples, and what each expert says.")
    ] = None,
    force: Force = False,
    run: Run,
    form: str,
) -> None:
    """Why an item has its class: its concepts, the labels it hears, examples, experts, and what would change it."""
    from kgkt.transfer.explanation import COLUMNS

    done = run.explain(item, examples, picture=picture, force=force)
    if form == "json":
        print_json({**done.fields(), "file": picture})
    elif form == "csv":
        print_rows(COLUMNS, list(done.rows()), form)
    else:
        _show_explained(done)
        if picture is not None:
            print(f"\nThe picture: {picture}")


def _show_explained(done: Explained) -> None:
    from kgkt.transfer.explanation import in_words

    print(f"{printable(done.item)}: {printable(done.verdict)}")
    for line in filter(None, (done.because, done.picture, done.text)):
        print(f"  {printable(line if line is not done.text else shorten(line, TEXT))}")
    print()
    print_rows(("concept", "strength", "state", "leans to"), [
        (f"c{c.number:03d} {c.name!r}", c.strength, "active" if c.active else "off", in_words(c.leans_to) or None)
        for c in done.concepts], "table")  # fmt: skip
    if done.heard:
        print(f"\nOver the concepts, in closed form, {count(done.speakers, 'label')} arrive; an even share is "
              f"{100 / done.speakers:.1f} %. By class: {printable(in_words(done.arrives))}")  # fmt: skip
        print_rows(("label heard", "says", "share"), [(h.item, h.says, f"{100 * h.share:.1f} %") for h in done.heard],
                   "table")  # fmt: skip
    if done.nearest:
        shows = any(e.text or e.picture for e in done.nearest)
        print()
        print_rows(("nearest example", "class", "distance", *(["shows"] if shows else [])), [
            (e.item, e.says, e.distance, *([e.text or e.picture] if shows else [])) for e in done.nearest], "table")
    print()
    teacher = (f"not {' or '.join(done.denied)}", None) if done.level else done.best
    if done.state in ("labelled", "ticked"):
        print("The experts heard what was said of the item itself, too.")
    print_rows(("expert", "weight", "class", "mass", "why"), [
        *((o.name, o.weight, o.says, o.mass, o.why) for o in done.experts),
        ("teacher", None, *teacher, TEACHER.get(done.state, "the experts together, then rounds on A's features")),
    ], "table")  # fmt: skip
    print(f"\nWhat would change it: {printable(done.advice)}")
