"""The verb diff."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kgkt.cli.app import app
from kgkt.cli.options import Output, Target, TargetData, TargetPixels, graph_of, opening, rows, table_columns, takes
from kgkt.cli.output import OUT, number, print_json, print_rows
from kgkt.cli.prove import PROVE
from kgkt.errors import count

if TYPE_CHECKING:
    from kgkt.api import Run
    from kgkt.transfer.difference import Diffed

SHOWN = 20
FEW = 3  # names in a cell


@app.command(rich_help_panel=PROVE)
@takes(run=graph_of, columns=table_columns, opening=opening, form=rows)
def diff(
    *,
    graphs: Annotated[
        list[str] | None, typer.Argument(help="Two graphs of the same pool; the first may be that of --graph.")
    ] = None,
    target: Target = None,
    target_data: TargetData = None,
    columns: dict[str, str | None],
    target_pixels: TargetPixels = None,
    output: Output = None,
    before: Annotated[
        str | None, typer.Option("--before", help="B before its training: the floor; else copies with fresh weights.")
    ] = None,
    layer: Annotated[str | None, typer.Option("--layer", help="Layer of B, in place of its last hidden one.")] = None,
    n: Annotated[int, typer.Option("-n", help="How many concepts to show, the least kept first.")] = SHOWN,
    every: Annotated[bool, typer.Option("--all", help="Show every concept.")] = False,
    opening: dict[str, Any],
    run: Run,
    form: str,
) -> None:
    """Which concepts are in another graph of the pool, or in B: arrived, split, merged, lost or new."""
    from kgkt.transfer.difference import COLUMNS

    done = _compared(run, list(graphs or ()), target, before=before, layer=layer, data=target_data,
                     pixels=target_pixels, output=output, **columns, **opening)  # fmt: skip
    if form == "json":
        print_json(done.to_json())
    elif form == "csv":
        print_rows(COLUMNS, done.rows(), "csv")
    else:
        _show(done, len(done) if every else n)


def _compared(run: Run, graphs: list[str], target: str | None, **settings: Any) -> Diffed:
    """What is asked for: two graphs, or a graph and a model."""
    from kgkt.errors import UsageError

    if len(graphs) > (1 if target else 2):
        raise UsageError("diff compares two graphs (kgkt diff GRAPH GRAPH), or a graph with B (kgkt diff GRAPH "
                         f"--target b.keras); received {count(len(graphs), 'graph')}"
                         + (" and --target" if target else ""))  # fmt: skip
    first = graphs[0] if len(graphs) == 2 or (graphs and target) else None
    if first is not None:
        run = type(run)(run.recipe.override(graph=first), run.say, run.progress)
        OUT.run, OUT.one = run, len(graphs) < 2
    return run.diff(None if target or not graphs else graphs[-1], target=target, **settings)


def _show(done: Diffed, most: int) -> None:
    """The least kept concepts, and what all of them come to."""
    shown = [(c.name, c.size, c.verdict, _share(c.kept), _share(c.floor), _share(c.ceiling), _place(c.position),
              _names(c.beside or (() if done.model else c.into)), ", ".join(c.examples))
             for c in done.concepts[:most]]  # fmt: skip
    columns = ("concept", "items", "verdict", "kept", "floor", "ceiling", "position", "with", "examples")
    print_rows(columns, shown, "table")
    if done.new and most:
        print()
        print_rows(("new in " + done.other, "items", "kept", "examples"),
                   [(c.name, c.size, _share(c.kept), ", ".join(c.examples)) for c in done.new[:most]], "table")
    figures = done.figures
    said = ", ".join(f"{n:,} {word}" for word, n in Counter(c.verdict for c in done).most_common()) or "none"
    if done.new:
        own = (count(len(done.new), "group") + " of B's own that " if done.model else
               count(len(done.new), "concept") + f" of {done.other} that ")  # fmt: skip
        said += f"; and {own}{'is' if len(done.new) == 1 else 'are'} new"
    off = f", {done.off:,} that are off left out" if done.off else ""
    print(f"\n{count(len(done), 'concept')}{off}: {said}")
    floor = "B before" if done.before else "an untrained B"
    between = floor if done.model else "shuffled items", "A itself" if done.model else "another seed"
    way = _way(figures["position"], between)
    print(f"kept in {done.other}: {_share(figures['kept'])} ({between[0]} {_share(figures['floor'])}, {between[1]} "
          f"{_share(figures['ceiling'])}): {way}")  # fmt: skip
    if done.lost and done.stored:
        into = f"--param into={done.other}"
        print(f"lost ones: {OUT.here(f'kgkt query lost {into}')}; items of them to label: "
              + OUT.here(f"kgkt suggest --within lost {into}"))


def _way(position: float, between: tuple[str, str]) -> str:
    """How far it is from floor to ceiling, in words where it is outside of them."""
    if position != position:
        return "too close to tell"
    if position > 1:
        return f"all of the way, and more than {between[1]}"
    if position < 0:
        return f"none of the way: less than {between[0]}"
    return f"{number(round(100 * position))} % of the way"


def _place(position: float | None) -> str | float | None:
    """The position of a concept; outside of floor and ceiling its figure depends on how near they are to each other."""
    if position is None or 0 <= position <= 1:
        return position
    return "under the floor" if position < 0 else "over the ceiling"


def _share(value: float | None) -> str | None:
    return None if value is None or value != value else f"{value:.3f}"


def _names(names: tuple[str, ...]) -> str | None:
    more = f" and {len(names) - FEW:,} more" if len(names) > FEW else ""
    return ", ".join(names[:FEW]) + more or None
