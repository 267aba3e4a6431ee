"""The verb trace."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from kgkt.cli.app import app
from kgkt.cli.ask import ASK
from kgkt.cli.options import (
    AllowShift,
    Force,
    FromLogits,
    Output,
    TargetClasses,
    TargetData,
    TargetPixels,
    graph_of,
    opening,
    rows,
    table_columns,
    takes,
)
from kgkt.cli.output import print_json, print_rows, printable
from kgkt.errors import count, shorten

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kgkt.api import Run
    from kgkt.transfer.told import Seen, Through
    from kgkt.transfer.traced import TracedClass, TracedItem, TracedUnit

TEXT = 110  # characters of an item's text


@app.command(rich_help_panel=ASK)
@takes(columns=table_columns, opening=opening, run=graph_of, form=rows)
def trace(
    *,
    what: Annotated[str | None, typer.Argument(help="LAYER:UNIT of a trained B, or a class.")] = None,
    item: Annotated[
        str | None, typer.Option("--item", help="Why B says what it says of this item of the pool, or of --data.")
    ] = None,
    data: Annotated[
        str | None, typer.Option("--data", help="An item that was never in the pool: a picture, or any form of a pool.")
    ] = None,
    target: Annotated[
        str | None, typer.Option("--target", help="A trained B, a .keras file; else the one that was fused last.")
    ] = None,
    target_data: TargetData = None,
    target_pixels: TargetPixels = None,
    target_classes: TargetClasses = None,
    output: Output = None,
    allow_shift: AllowShift = False,
    from_logits: FromLogits = False,
    examples: Annotated[
        int, typer.Option("-n", "--examples", help="How many concepts, blocks of a layer and examples to show.")
    ] = 5,
    picture: Annotated[
        str | None, typer.Option("--picture", help="PNG to draw: examples, and bars of concepts and blocks.")
    ] = None,
    force: Force = False,
    columns: dict[str, str | None],
    opening: dict[str, Any],
    run: Run,
    form: str,
) -> None:
    """From a unit, a class or an answer of a trained B back to concepts and A's examples."""
    from kgkt.transfer.told import COLUMNS
    from kgkt.transfer.traced import TracedClass, TracedUnit

    done = run.trace(
        what, examples, item=item, data=data, target=target, target_data=target_data, pixels=target_pixels,
        output=output, classes=target_classes, allow_shift=allow_shift or None, from_logits=from_logits or None,
        picture=picture, force=force, **columns, **opening,
    )  # fmt: skip
    if form == "json":
        print_json({**done.to_json(), "file": picture})
        return
    if form == "csv":
        print_rows(COLUMNS, list(done.rows()), form)
        return
    if isinstance(done, TracedUnit):
        _show_unit(done)
    elif isinstance(done, TracedClass):
        _show_class(done)
    else:
        _show_item(done)
    if picture is not None:
        print(f"\nThe picture: {picture}")


def _show_unit(done: TracedUnit) -> None:
    own = f", the slot of {done.name}" if done.kind == "head" else ""
    what = f"{done.layer}:{done.unit} of {done.target}{own}"
    if done.deviation == 0:
        print(printable(f"{what}: it is {done.mean:.4g} on each of {count(done.items, 'item')}, and says nothing"))
    else:
        print(printable(f"{what}: the concepts explain {_share(done.explained)} of what its activation varies over "
                        f"{count(done.items, 'item')}, {_share(done.by_chance)} by chance"))
    print()
    print_rows(("concept", "leans to", "items", "strength", "planned", "measured", "share"), [
        (_concept(c.number, c.name, c.active), c.says, c.items, c.strength, c.planned, c.measured, _share(c.share))
        for c in done.concepts], "table")  # fmt: skip
    if done.speaks_for:
        every = list(done.speaks_for.items())
        most, least = every[:3], [entry for entry in every[3:][-3:] if entry[1] < 0]
        print()
        print(printable("It adds, in nats beside a unit that is as on average: " + ", ".join(
            f"{name} {nats:+.2f}" for name, nats in [*most, *least])))
    _examples(done.examples, "most active on", "activation")


def _show_class(done: TracedClass) -> None:
    print(printable(f"{done.says}: {done.target} calls {done.called:,} of {count(done.items, 'item')} so; the graph "
                    f"agrees on {done.agreed:,}"))
    if not done.called:
        return
    print()
    print_rows(("concept", "items", "share", "of the concept", "mass", "strength", "planned", "measured"), [
        (_concept(c.number, c.name, c.active), c.items, _share(c.share), _share(c.of_concept), c.mass, c.strength,
         c.planned, c.measured) for c in done.concepts], "table")  # fmt: skip
    _blocks(done.blocks, f"In the mean over {count(done.asked, 'item')} that it calls so:")
    if done.without is not None:
        print(printable(f"With these of {done.blocks[-1].layer} held at their average, B still calls "
                        f"{_share(done.without)} of them so."))
    _examples(done.examples, "surest of", "probability")


def _show_item(done: TracedItem) -> None:
    following = "" if done.next_class is None else f"; next {done.next_class}, {done.next_mass:.2f}"
    print(printable(f"{done.item}: {done.target} says {done.says}, {done.mass:.2f}{following}"))
    told = [] if done.graph_says is None else [f"the graph says {done.graph_says}, {done.graph_mass:.2f}"]
    told += [] if done.label is None else [f"a person said {done.label}"]
    for line in filter(None, ("; ".join(told), done.picture, done.text)):
        print(f"  {printable(shorten(line, TEXT) if line is done.text else line)}")
    if done.concepts:
        print()
        print_rows(("concept", "membership", "leans to", f"nats to {done.says}"), [
            *((_concept(c.number, c.name, c.active), c.membership, c.says, c.contribution) for c in done.concepts),
            *([("of the item alone", None, None, done.own)] if done.own is not None else []),
        ], "table")  # fmt: skip
    if done.layer is not None:
        print(f"Together {done.evidence:+.2f} nats in {printable(done.layer)}, beside a layer that is as on average.")
    _blocks(done.blocks, "")
    if done.without is not None:
        print(printable(f"With these of {done.blocks[-1].layer} held at their average, B says {done.without}, "
                        f"{done.without_mass:.2f}."))
    _examples(done.nearest, "nearest in A", "distance")


def _blocks(blocks: Sequence[Through], above: str) -> None:
    if not blocks:
        return
    print(f"\n{above}" if above else "")
    print_rows(("block", "activation", "average", "nats", "share", "by concept", "strength", "measured"), [
        (f"{b.layer}:{b.unit}", b.activation, b.mean, b.contribution, _share(b.share),
         None if b.concept is None else _concept(b.concept, b.name), b.strength, b.measured) for b in blocks],
        "table")  # fmt: skip


def _examples(examples: Sequence[Seen], what: str, value: str) -> None:
    if not examples:
        return
    shows = any(e.text or e.picture for e in examples)
    print()
    print_rows((what, value, "B says", "label", "concept", *(["shows"] if shows else [])), [
        (e.item, e.value, e.says, e.label, f"c{e.concept:03d}", *([e.text or e.picture] if shows else []))
        for e in examples], "table")  # fmt: skip


def _concept(number: int, name: str | None, active: bool = True) -> str:
    return f"c{number:03d} {name!r}" + ("" if active else " (off)")


def _share(value: float) -> str:
    return f"{100 * value:.0f} %"
