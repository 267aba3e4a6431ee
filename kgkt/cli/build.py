"""Verbs that start and build: init, check, populate, run."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kgkt.cli.app import app
from kgkt.cli.options import AllowLegacy, Force, Output, Shared, Target, graph_of, plain, source, takes
from kgkt.cli.output import OUT, print_json
from kgkt.errors import count

if TYPE_CHECKING:
    from kgkt.api import Run

START, BUILD = "Start", "Build"

@app.command(rich_help_panel=START)
def init(
    path: Annotated[str, typer.Argument(help="File to write.")] = "kgkt.toml",
    force: Force = False,
) -> None:
    """Write a commented kgkt.toml to fill in."""
    from pathlib import Path

    from kgkt.errors import InputError
    from kgkt.files import write_text
    from kgkt.recipe import TEMPLATE

    if Path(path).exists() and not force:
        raise InputError(f"{path} exists: --force replaces it")
    write_text(Path(path), TEMPLATE)
    OUT.say(f"{path} written. Take the # from model, layers, data and [target] model, fill them in, then: kgkt check")


@app.command(rich_help_panel=START)
@takes(source=source, run=graph_of, form=plain)
def check(*, source: dict[str, Any], target: Target = None, output: Output = None, run: Run, form: str) -> None:
    """Look at models, data and graph: what a run would do, what it takes, what is stale."""
    from kgkt.errors import InputError

    plan = run.check(**source, target=target, output=output)
    if form == "json":
        print_json({"facts": [{"what": found.what, "says": found.says, **found.fields} for found in plan.findings],
                    "stages": plan.stages, "stale": {s: how["why"] for s, how in plan.stages.items() if how["ran"]},
                    "memory_mb": plan.memory_mb, "problems": plan.problems})  # fmt: skip
    else:
        width = max((len(found.what) for found in plan.findings), default=0)
        for found in plan.findings:
            print(f"{found.what:<{min(width, 24)}}  {found.says}")
    if plan.problems:
        raise InputError("\n".join(dict.fromkeys(plan.problems)))


@app.command(rich_help_panel=BUILD)
@takes(source=source, run=graph_of, form=plain)
def populate(
    *,
    source: dict[str, Any],
    concepts: Annotated[
        int | None, typer.Option("--concepts", help="How many; else a tenth of the items, 50 to 2500.")
    ] = None,
    seed: Annotated[int | None, typer.Option("--seed", help="Of the clustering.")] = None,
    pixels: Annotated[
        str | None, typer.Option("--pixels", help="Range of pixels that A wants: raw, 0..1 or -1..1.")
    ] = None,
    drop_bad: Annotated[
        bool, typer.Option("--drop-bad", help="Leave out rows with NaN or infinity, and broken pictures.")
    ] = False,
    no_text: Annotated[bool, typer.Option("--no-text", help="Keep texts and paths out of the database.")] = False,
    shared: Shared = False,
    allow_legacy: AllowLegacy = False,
    force: Annotated[bool, typer.Option("--force", help="Extract the features again, changed or not.")] = False,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Make the concepts anew instead of growing those that stand.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be made, and lost; change nothing.")
    ] = False,
    run: Run,
    form: str,
) -> None:
    """Extract what A knows of the pool, and make the graph; one that stands grows, and keeps what people said of it."""
    done = run.populate(
        **source, pixels=pixels, drop_bad=drop_bad, allow_legacy=allow_legacy, concepts=concepts, seed=seed,
        text=False if no_text else None, shared=shared or None, force=force, fresh=fresh, dry_run=dry_run,
    )  # fmt: skip
    show_populated(done, form)


def show_populated(done: Any, form: str) -> None:
    """Print what `populate` made."""
    seconds = done.seconds
    if form == "json":
        print_json({
            "graph": done.run.graph, "store": done.url, "items": done.n_items, "concepts": done.n_concepts,
            "edges": done.n_edges, "themes": done.n_themes, "stability": done.stability, "layers": done.widths,
            "seconds": seconds, "lost": done.lost, "unchanged": done.unchanged, "dry_run": done.dry,
            "grown": None if done.growth is None else dataclasses.asdict(done.growth),
            "made_anew_because": done.why, "weights": done.weights,
        })  # fmt: skip
        return
    where = f"{done.run.graph} in {done.url}"
    if done.unchanged:
        held = f"{count(done.n_items, 'item')}, {count(done.n_concepts, 'concept')}"
        print(f"unchanged   {held}: graph {where} stays as it is" + OUT.next("kgkt suggest -n 20"))
        return
    widths = " + ".join(f"{d:,}" for d in done.widths.values())
    if len(done.weights) > 1:
        print("sources     " + ", ".join(f"{name} {100 * share:.0f} %" for name, share in done.weights.items()))
    small, large = done.sizes
    span = f"{small:,} to {large:,} items" if small < large else count(large, "item")
    print(f"features    {done.n_items:,} x ({widths})".ljust(48) + f"{seconds['features']:6.1f} s")
    concepts = f"concepts    {done.n_concepts:,}, of {span}"
    when = "two seeds on the same items" if done.growth is None else "when they were first fitted"
    print(f"{concepts:<48}{seconds['concepts']:6.1f} s   stability {done.stability:.2f} ({when})")
    if done.growth is not None:
        print(f"grown       {done.growth.in_words()}")
    print(f"edges       {done.n_edges:,}, {count(done.n_themes, 'theme')}".ljust(48) + f"{seconds['edges']:6.1f} s")
    if done.dry:
        OUT.say("dry run: nothing was written")
        return
    print(f"graph       {where}".ljust(48) + f"{seconds['graph']:6.1f} s" + OUT.next("kgkt suggest -n 20"))


@app.command("run", rich_help_panel=BUILD)
@takes(run=graph_of, form=plain)
def run_(
    *,
    force: Annotated[bool, typer.Option("--force", help="Do every stage again; replace B's output.")] = False,
    allow_trainer: Annotated[
        bool, typer.Option("--allow-trainer", help="Let the recipe's trainer run: a command of its own.")
    ] = False,
    run: Run,
    form: str,
) -> None:
    """Do every stage of the recipe; one whose inputs did not change is left alone."""
    from kgkt.cli.teach import show_labelled, show_propagated
    from kgkt.cli.transfer import show_fused, show_mapped

    shows = {"populate": show_populated, "label": show_labelled, "propagate": show_propagated, "map": show_mapped,
             "fuse": show_fused, "rows": show_fused, "train": show_trained}  # fmt: skip

    def done(stage: str, value: Any) -> None:
        if form != "json" and value is None:
            print(f"{stage:<11} fresh, left alone")
        elif form != "json":
            shows[stage](value, "table")

    OUT.hints = False
    results = run.run(done, force, allow_trainer)
    if form == "json":
        print_json({"stages": {stage: "fresh" if value is None else "done" for stage, value in results.items()}})


def show_trained(done: Any, form: str) -> None:
    """Print that the trainer is done."""
    print(f"{'trained':<11} {done.command}".ljust(48) + f"{done.seconds:6.1f} s")
