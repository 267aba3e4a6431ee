"""The verb suspects: which labels to look at again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from kgkt.cli.app import app
from kgkt.cli.ask import ASK
from kgkt.cli.options import Force, graph_of, rows, takes
from kgkt.cli.output import OUT, print_json, print_rows
from kgkt.errors import count

if TYPE_CHECKING:
    from kgkt.api import Run
    from kgkt.verbs.suspects import Suspects


@app.command(rich_help_panel=ASK)
@takes(run=graph_of, form=rows)
def suspects(
    *,
    n: Annotated[int | None, typer.Option("-n", help="How many suspects at most (20).")] = None,
    every: Annotated[
        bool, typer.Option("--all", help="Every label that can be judged, in no doubt or not.")
    ] = False,
    out: Annotated[
        str | None, typer.Option("--out", help="CSV to correct in its column class and give to kgkt label --file.")
    ] = None,
    force: Force = False,
    run: Run,
    form: str,
) -> None:
    """Labels that the graph doubts, by what all other labels say; a person decides."""
    done = run.suspects(n, every=every, out=out, force=force)
    if form == "json":
        print_json({**done.to_json(), "file": out})
    elif form == "csv":
        print_rows(*done.file_rows(), "csv")
    else:
        _show(done, every, out)


def _show(done: Suspects, every: bool, out: str | None) -> None:
    from kgkt.verbs.suspects import in_words

    looks = [name for name in ("uri", "text") if any(getattr(s, name) for s in done)]
    if len(done):
        columns = ("item", "given", "expected", "how sure", "suspect", "labels that say so", *looks)
        print_rows(columns, [
            (s.item, s.given, s.expected, _sure(s.score), "yes" if s.is_issue else "no", in_words(s) or None,
             *(getattr(s, name) for name in looks)) for s in done], "table")  # fmt: skip
        print()
    shown = sum(s.is_issue for s in done)
    more = f", {shown:,} of them shown (-n, --all)" if shown < done.issues else ""
    print(f"{count(done.issues, 'suspect')}{more}; {done.judged:,} of {count(done.given, 'label')} judged.")
    for line in done.passed_over:
        print(f"not judged: {line}")
    if done.issues or every:
        print("You decide: the given class may be right. To correct one: " + OUT.here("kgkt label ITEM=CLASS")
              + (f"; several: fill in the column class of {out}, then {OUT.here('kgkt label --file', out)}" if out
                 else "; several: " + OUT.here("kgkt suspects --out suspects.csv")))  # fmt: skip


def _sure(score: float) -> str:
    """How likely the expected class is beside the next one, in words."""
    share = max(score, 1 - score)
    return f"{100 * share:.0f} %" if share < 0.995 else "over 99 %"
