"""Verbs that transfer: map, fuse."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kgkt.cli.app import app
from kgkt.cli.options import (
    AllowShift,
    Carry,
    CarryWeight,
    Force,
    FromLogits,
    Output,
    Target,
    TargetClasses,
    TargetData,
    TargetPixels,
    Test,
    graph_of,
    opening,
    plain,
    points,
    table_columns,
    takes,
)
from kgkt.cli.output import OUT, print_json
from kgkt.cli.rows import row_settings, show_rows, words_of_b
from kgkt.errors import count

if TYPE_CHECKING:
    from kgkt.api import Run

TRANSFER = "Transfer"
SURE = 1.96  # standard errors: 95 %


@app.command("map", rich_help_panel=TRANSFER)
@takes(run=graph_of, opening=opening, columns=table_columns, form=plain)
def map_(
    *,
    target: Target = None,
    output: Output = None,
    method: Annotated[
        str | None,
        typer.Option("--method", help="By what hidden layers get concepts: communities; a network that learns B's "
                     "activations from A's embedding; auto."),
    ] = None,
    target_data: TargetData = None,
    columns: dict[str, str | None],
    target_pixels: TargetPixels = None,
    target_classes: TargetClasses = None,
    from_logits: FromLogits = False,
    opening: dict[str, Any],
    run: Run,
    form: str,
) -> None:  # fmt: skip
    """Give the blocks of B's weights their concepts, in the graph, where strengths can be edited."""
    done = run.map(target, output=output, method=method, data=target_data, pixels=target_pixels,
                   classes=target_classes, from_logits=from_logits or None, **columns, **opening)  # fmt: skip
    show_mapped(done, form)


def show_mapped(done: Any, form: str) -> None:
    """Print what `map` wrote."""
    from kgkt.verbs.map import off_plan

    if form == "json":
        print_json(done.to_json())
        return
    for layer, (kind, blocks) in done.layers.items():
        print(f"mapped     {layer}: {count(blocks, 'slot' if kind == 'head' else kind)}"
              + (" of the head" if kind == "head" else "") + by_what(done.lessons.get(layer)))  # fmt: skip
    for line in learned_from(done.lessons):
        print(line)
    for line in done.unmapped:
        print(f"left out   {line}")
    if done.edits:
        print(f"kept       {count(done.edits, 'strength')} that you changed{off_plan(done.unplanned)}")
    print(f"classes    {' '.join(done.classes)} (this order is now fixed)" + OUT.next("kgkt fuse"))


def by_what(lesson: Any) -> str:
    """How a layer got its concepts, for the end of its line; "" where all did by communities."""
    if lesson is None:
        return ""
    why = f" ({lesson.why})" if lesson.why else ""
    learned = lesson.learned
    if learned is None:
        return f", by {lesson.by}{why}"
    copy = "" if lesson.untrained is None else f"; of an untrained copy {100 * lesson.untrained:.0f} %"
    dead = learned.still if lesson.planned is not None else 0
    still = f"; {count(dead, 'block')} never vary: no concept" if dead else ""
    explains = f"ridge explains {100 * learned.ridge:.0f} %, the network {100 * learned.network:.0f} %"
    return f", by {lesson.by}{why}: {explains}{copy}{still}"


def learned_from(lessons: Mapping[str, Any]) -> list[str]:
    """The line that says which pairs the figures are of; none where nothing was learned."""
    for lesson in lessons.values():
        if (learned := lesson.learned) is not None:
            return [f"           of the variance of what B gives for {count(learned.held_out, 'item')} held out; "
                    f"learned from {learned.pairs:,}"]
    return []


@app.command(rich_help_panel=TRANSFER)
@takes(run=graph_of, opening=opening, columns=table_columns, words=words_of_b, rows=row_settings, form=plain)
def fuse(
    *,
    target: Target = None,
    out: Annotated[str | None, typer.Option("--out", help="Where the fused B goes, a .keras file.")] = None,
    test: Test = None,
    target_data: TargetData = None,
    output: Output = None,
    columns: dict[str, str | None],
    target_pixels: TargetPixels = None,
    allow_shift: AllowShift = False,
    steps: Annotated[int | None, typer.Option("--steps", help="Adam steps at most (400).")] = None,
    batch: Annotated[int | None, typer.Option("--batch", help="Items a step (64).")] = None,
    learning_rate: Annotated[float | None, typer.Option("--learning-rate", help="Of Adam (0.001).")] = None,
    seed: Annotated[int | None, typer.Option("--seed", help="Of order, split and dropout.")] = None,
    grow: Annotated[
        list[str] | None,
        typer.Option("--grow", help="A trained B gets new classes (classes=a,b), or a wider layer (units=64, "
                     "units=LAYER:64). May be repeated."),
    ] = None,
    target_classes: TargetClasses = None,
    carry: Carry = None,
    carry_weight: CarryWeight = None,
    method: Annotated[
        str | None,
        typer.Option("--method", help="auto, soft-targets (write nothing), write (no check), distil (A's outputs), or "
                     "rows (of an Embedding, from a graph of words; no training)."),
    ] = None,
    temperature: Annotated[float | None, typer.Option("--temperature", help="Of A's outputs, with distil (2).")] = None,
    class_weights: Annotated[
        str | None, typer.Option("--class-weights", help="balanced: rare classes count as much as frequent ones.")
    ] = None,
    log: Annotated[str | None, typer.Option("--log", help="Folder for the losses, which TensorBoard reads.")] = None,
    no_map: Annotated[
        bool, typer.Option("--no-map", help="Write no weights, only train; rows: leave the graph alone.")
    ] = False,
    from_logits: FromLogits = False,
    require_gain: Annotated[
        float | None, typer.Option("--require-gain", help="Exit 6 if B gains less than these points.")
    ] = None,
    force: Force = False,
    words: dict[str, Any],
    rows: dict[str, Any],
    opening: dict[str, Any],
    run: Run,
    form: str,
) -> None:
    """Write B's weights where the plan helps, and train B on what the graph teaches."""
    from kgkt.errors import UsageError

    if not (out or run.recipe.target.out):
        raise UsageError("where to? --out b-fused.keras")
    given: dict[str, Any] = {**columns, **opening, **words, **rows}
    done = run.fuse(
        target, out, test=test, data=target_data, output=output, pixels=target_pixels, allow_shift=allow_shift or None,
        steps=steps, batch=batch, learning_rate=learning_rate, seed=seed,
        carry=carry, carry_weight=carry_weight,
        method=method, temperature=temperature, class_weights=class_weights, log=log,
        map=False if no_map else None, grow=grow, classes=target_classes, from_logits=from_logits or None,
        require_gain=points(require_gain), force=force, **given,
    )  # fmt: skip
    show_fused(done, form)


def show_fused(done: Any, form: str) -> None:
    """Print what `fuse` did and what it was worth.

    Raises:
        BelowBarError: after printing, where the gain lies below what was asked.
    """
    from kgkt.errors import BelowBarError

    if not hasattr(done, "fusion"):
        show_rows(done, form)
        return
    _print_fused(done, form)
    if done.below:
        raise BelowBarError(done.below)


def _print_written(written: dict[str, dict[str, Any]]) -> None:
    """Which layers were written and which were not; those that could be share one check."""
    checked = [entry for entry in written.values() if entry["gain"] is not None]
    for layer, entry in written.items():
        what = f"{layer} ({count(entry['blocks'], entry['kind'] + ' block')})"
        why = "" if entry["gain"] is not None else f": {entry['why']}"
        print(f"wrote      {what} in closed form{why}" if entry["written"] else f"kept       {what} as B had it{why}")
    if checked:
        print(f"           {checked[0]['why'] if checked[0]['written'] else 'if written: ' + checked[0]['why']}")


def _print_fused(done: Any, form: str) -> None:
    from kgkt.transfer.card import share

    fusion, figures = done.fusion, done.fusion.figures
    if form == "json":
        print_json(done.to_json())
        return
    _print_grown(done.grown, figures)
    _print_written(fusion.written)
    options = fusion.options
    taken = f"{figures['steps']:.0f} of {options['steps']} steps"
    print("trained    not at all: 0 steps, as asked" if options["steps"] == 0 else
          f"trained    {taken}, best at {figures['best_step']:.0f}; {options['optimizer']} "
          f"{options['learning_rate']:g}, batch {options['batch']}, seed {options['seed']}, "
          f"patience {options['patience']} looks")  # fmt: skip
    if figures.get("concepts"):
        print(f"carried    {_carried(figures, options)}")
    if figures.get("batchnorm_after") is not None:
        print(f"           BatchNorm statistics re-estimated: {share(figures['batchnorm_before'])} before, "
              f"{share(figures['batchnorm_after'])} after")  # fmt: skip
    if figures.get("test_fused") is None:
        print("worth      not measured (give --test with arrays x and y)")
    else:
        gain = figures["gain"]
        alone = "alone, the same steps on your labels" if options["steps"] else "as it came, not trained either"
        print(f"           B {alone:36}   {share(figures['test_alone'])}")
        error = figures["gain_error"]
        points = "" if gain is None else f"   {_points(figures['test_fused'], figures['test_alone']):+.1f}"
        points += "" if error is None else f" ±{100 * error:.1f}"
        print(f"           B fused                                  {share(figures['test_fused'])}{points}")
        chance = share(figures["chance"])
        if _worse(figures):
            print("           B was better before it grew: see above")
        if _at_chance(figures, "test_alone"):
            print(f"           B alone is at chance level ({chance})")
        if _at_chance(figures, "test_fused"):
            print(f"           B fused is at chance level ({chance}): it learned nothing of this test set. Are the "
                  "range of its inputs and the order of its classes those of B?")  # fmt: skip
        elif error is not None and abs(gain) <= SURE * error:
            print("           too close to tell with this test set whether the graph was worth it here")
        elif gain is not None and gain < 0:
            print("           B alone is better: the graph was not worth it here")
    print(f"{done.out}, with {done.out.with_suffix('.run.json')} and {done.out.with_suffix('.card.md')}")


def _print_grown(grown: Mapping[str, Any], figures: Mapping[str, Any]) -> None:
    """What of B is new, and what became of what it knew."""
    from kgkt.transfer.card import share

    for path, layer in grown.get("layers", {}).items():
        print(f"grown      {path}: {layer['had']} to {layer['units']} units")
    if figures.get("test_before") is not None:
        print(f"           B on the test set      {share(figures['test_before'])} before, "
              f"{share(figures['test_fused'])} now")  # fmt: skip
    if not grown.get("classes"):
        return
    old = len(grown["old_classes"])
    found = ", ".join(f"{name} in {count(n, 'item')}" for name, n in grown["new_in_pool"].items())
    print(f"grown      {old} to {old + len(grown['classes'])} classes; of the pool the graph sees {found}")
    print(f"           {share(figures.get('kept'))} of B's answers stayed where the graph sees no new class")
    if figures.get("old_after") is not None:
        before, now = share(figures["old_before"]), share(figures["old_after"])
        print(f"           classes that B knew    {before} before, {now} now")
    if figures.get("new_after") is not None:
        print(f"           new classes            {share(figures['new_after'])}")


def _carried(figures: Mapping[str, Any], options: Mapping[str, Any]) -> str:
    """What was carried into B beside the classes."""
    told = figures["carried"]
    tells = "" if told is None else f"; it tells the nearest one of {100 * told:.0f} % of the items held out"
    return (f"{count(int(figures['concepts']), 'concept')} into B's last hidden layer, weight "
            f"{options['carry_weight']:g}{tells}")  # fmt: skip


def _worse(figures: Mapping[str, Any]) -> bool:
    """Whether a B that got units is worse on the test set than before it grew, at 95 %."""
    before = figures.get("test_before")
    return before is not None and before - figures["test_fused"] > SURE * figures["before_error"]


def _at_chance(figures: Mapping[str, Any], name: str) -> bool:
    """Whether an accuracy cannot be told from guessing, at 95 %."""
    accuracy, chance, n = figures.get(name), figures["chance"], figures["test_items"]
    return accuracy is not None and accuracy <= chance + SURE * (chance * (1 - chance) / n) ** 0.5


def _points(share: float, other: float) -> float:
    """The difference of two shares as they are printed, in points."""
    return round(100 * share, 1) - round(100 * other, 1)
