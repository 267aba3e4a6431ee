"""Verbs that teach: label, propagate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from kgkt.cli.app import app
from kgkt.cli.options import Balanced, ClassColumn, Force, IdColumn, graph_of, plain, takes
from kgkt.cli.output import OUT, print_json, printable
from kgkt.errors import count, in_place_of

if TYPE_CHECKING:
    from kgkt.api import Run

TEACH = "Teach"
FEW = 5  # ticks that are named


@app.command(rich_help_panel=TEACH)
@takes(run=graph_of, form=plain)
def label(
    *,
    assignments: Annotated[
        list[str] | None, typer.Argument(help="ITEM=CLASS, or ITEM=not:CLASS: what is like this is not that.")
    ] = None,
    file: Annotated[
        list[str] | None, typer.Option("--file", help="CSV, JSON or Parquet: item_id, class; or Label Studio's export.")
    ] = None,
    id_column: IdColumn = None,
    class_column: ClassColumn = None,
    again: Annotated[bool, typer.Option("--again", help="Import a file that was imported before.")] = False,
    run: Run,
    form: str,
) -> None:
    """Say what items are, or are not."""
    from kgkt.errors import UsageError

    if file and len(file) > 1:
        raise UsageError(f"one --file at a time, received {len(file)}: {', '.join(file)}; each is an edit of its own")
    show_labelled(run.label(assignments, file[0] if file else None, id_column, class_column, again=again), form)


def show_labelled(done: Any, form: str) -> None:
    """Print what `label` wrote."""
    if form == "json":
        print_json({"labels": done.labels, "ticks": done.ticks, "replaced": done.replaced, "classes": done.classes,
                    "known_file": done.known_file, "differ": done.differ, "skipped": done.skipped,
                    "cancelled": done.cancelled, "already": done.already, "implied": done.implied,
                    **edit_fields(done)})  # fmt: skip
    elif done.known_file:
        print("the label file was imported before: nothing " + ("was done" if done.differ else "to do"))
    else:
        said = [count(done.labels, "label") + in_place_of(done.replaced, done.labels)] if done.labels else []
        said += [count(done.ticks, "tick")] if done.ticks else []
        if done.already:
            said += [f"{done.already:,} {'was' if done.already == 1 else 'were'} there already"
                     + ("" if said else ": nothing to do")]
        by = f", {done.cancelled:,} of them by the annotators" if done.cancelled else ""
        skipped = f"  {count(done.skipped, 'row')} without a class skipped{by}." if done.skipped else ""
        print(f"{', '.join(said)}; {count(len(done.classes), 'class')} now.{skipped}"
              + ("" if done.edit is None else OUT.next("kgkt propagate")))  # fmt: skip
        if done.implied:
            ticks = ", ".join(done.implied[:FEW]) + (", …" if len(done.implied) > FEW else "")
            adds, item = ("adds", "the item has") if len(done.implied) == 1 else ("add", "the items have")
            print(printable(f"{count(len(done.implied), 'tick')} ({ticks}) {adds} nothing while {item} the label of "
                            "another class"))
        show_effect(done)


def edit_fields(done: Any) -> dict[str, Any]:
    """Number and effect of an edit, for programs."""
    return {"edit": done.edit, "effect": None if done.effect is None else done.effect.fields()}


def show_effect(done: Any, then: str | None = None) -> None:
    """Print how many items an edit gives another class, where that was asked of the concepts, and what they hear not.

    Args:
        done: with the effect, and the number of the edit.
        then: what stands behind it, in place of how it is undone.
    """
    if done.effect is None:
        return
    if then is None:
        then = "" if done.edit is None else "; undo: " + OUT.here("kgkt undo")
    if silence := done.effect.silence():
        print(printable(silence))
    print(printable(done.effect.in_words()) + then)


@app.command(rich_help_panel=TEACH)
@takes(run=graph_of, form=plain)
def propagate(
    *,
    items: Annotated[str | None, typer.Option("--items", help="CSV to write: item_id, class, mass.")] = None,
    spread: Annotated[
        str | None, typer.Option("--spread", help="concepts, items or both; else both up to 300,000 items.")
    ] = None,
    expert: Annotated[
        str | None, typer.Option("--expert", help="auto, head, prototypes or none: what joins the graph (auto).")
    ] = None,
    balanced: Balanced = False,
    prior: Annotated[
        list[str] | None, typer.Option("--prior", help="CLASS=SHARE in the pool, for every class; shares sum to 1.")
    ] = None,
    force: Force = False,
    run: Run,
    form: str,
) -> None:
    """Spread the labels over the graph, and say what every item is."""
    done = run.propagate(
        items=items, spread=spread, expert=expert, balanced=balanced, prior=_shares(prior or []), force=force
    )
    show_propagated(done, form)


def _shares(pairs: list[str]) -> dict[str, float]:
    from kgkt.errors import UsageError

    shares = {}
    for pair in pairs:
        name, _, value = pair.rpartition("=")
        try:
            shares[name] = float(value)
        except ValueError as error:
            raise UsageError(f"--prior {pair!r}: write CLASS=SHARE, e.g. cat=0.7") from error
    return shares


def show_propagated(done: Any, form: str) -> None:
    """Print what `propagate` found."""
    targets, n, expected = done.targets, len(done.targets.weight), done.targets.expected_accuracy
    labels = sum(done.labels_per_class.values())
    quick, whole = done.milliseconds
    if form == "json":
        print_json(done.to_json())
        return
    print(printable(f"{count(labels, 'label')}, {count(len(done.labels_per_class), 'class')}{_without(done)}")
          + f".  Reached {n - done.unreached:,} of {n:,} items"
          + (f"; weight 0: {done.unreached:,}" + (f", {done.off:,} of them switched off" if done.off else "")
             if done.unreached else "") + ".")  # fmt: skip
    if done.silent:
        print(f"{count(done.silent, 'label')} more {'lies' if done.silent == 1 else 'lie'} in what is off: nothing is "
              f"learned of {'it' if done.silent == 1 else 'them'}")  # fmt: skip
    for name, items in done.ticked.items():
        print(f"{count(items, 'item')} {'is' if items == 1 else 'are'} not {name}, by a tick.")
    print(f"spread {targets.spread}, {done.prior}")
    for expert in targets.experts[1:]:
        print(f"{expert.name}{f' {expert.weight:.2f}' if expert.weight else ''}: {expert.why}")
    if done.sources:
        print(printable(done.sources))
    print(f"{quick:.0f} ms over the concepts, {whole:.0f} ms with the rounds.  "
          + _expected(expected, len(done.labels_per_class)))  # fmt: skip


def _without(done: Any) -> str:
    """The classes without a label, and those whose labels all lie in what is off, in brackets."""
    given = done.current.labels
    there = {given.names[c] for c in given.classes.tolist()}
    none = [name for name, labels in done.labels_per_class.items() if not labels]
    said = [f"{', '.join(names)} {words}"
            for names, words in (([n for n in none if n not in there], "without a label"),
                                 ([n for n in none if n in there], "without a label that is heard")) if names]
    return f" ({'; '.join(said)})" if said else ""


def _expected(expected: tuple[float, float, float] | None, classes: int) -> str:
    from kgkt.transfer.judges import why_untold

    if expected is None:
        why = why_untold(classes)
        return f"{why[0].upper()}{why[1:]}."
    share, low, high = (100 * part for part in expected)
    many = "Nearly all" if share >= 99.5 else f"About {share:.0f} %"  # no promise where few were held out
    return f"{many} of the answers should be right ({low:.0f} to {high:.0f} %)."
