"""The verb demo."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from kgkt.cli.app import app
from kgkt.cli.options import plain, takes
from kgkt.cli.output import OUT, print_json, table
from kgkt.cli.serve import Browser, serve_graph
from kgkt.errors import UsageError, count

DEFAULT_FOLDER = "kgkt-demo"


@app.command(rich_help_panel="Start")
@takes(form=plain)
def demo(
    *,
    full: Annotated[bool, typer.Option("--full", help="1, 2 and 5 labels a class and 10 seeds.")] = False,
    dir: Annotated[str, typer.Option("--dir", help="Run directory to make.")] = DEFAULT_FOLDER,
    force: Annotated[bool, typer.Option("--force", help="Replace an older demo.")] = False,
    serve: Annotated[
        bool, typer.Option("--serve", help="Instead: open the digits as a page, without a label, to label them there.")
    ] = False,
    port: Annotated[
        int | None, typer.Option("--port", min=0, max=65535, help="With --serve: port (8765, or a free one).")
    ] = None,
    browser: Browser = None,
    form: str,
) -> None:
    """Digits: a small CNN's knowledge into another model from two labels a class, beside every control."""
    from pathlib import Path

    from kgkt.demo.tables import as_json
    from kgkt.verbs.demo import begin, run

    if serve:
        if full:
            raise UsageError("--full is of the comparison, which --serve leaves out")
        serve_graph(open_begun(begin(Path(dir), OUT.say, force)), rw=True, port=port, browser=browser)
        return
    with OUT.steps("comparing") as progress:
        shown = run(Path(dir), full, OUT.say, force, progress)
    if form == "json":
        print_json({**as_json(shown.demo), "dir": str(shown.folder), "picture": str(shown.picture),
                    "tick": {"cypher": shown.cypher, "before": shown.before, "after": shown.after}})  # fmt: skip
    else:
        _print(shown)


def open_begun(recipe: Any) -> Any:
    """The run of a recipe, whose graph is the one that commands are about."""
    from kgkt.api import Run

    OUT.run = Run(recipe, OUT.say, OUT.progress)
    return OUT.run


def _print(shown: Any) -> None:
    from kgkt.cli.build import show_populated
    from kgkt.demo.tables import edit_table, few_labels_table, sentences, wrong_labels_table

    demo, facts = shown.demo, shown.demo.facts
    items = facts["items"]
    print(f"model A     CNN, {facts['a_weights']:,} weights, trained on {items['a']:,} digits; its head is withheld")
    print(f"the pool    {items['pool']:,} digits without labels (balanced, which is stated); test {items['test']:,}")
    print("model B     Dense 64-32, untrained; every row below trains it for the same 400 steps")
    show_populated(shown.populated, "table")
    print()
    print(table(*few_labels_table(demo.report)))
    print(table(*edit_table(demo.report)))
    print(table(*wrong_labels_table(demo.report)))
    for sentence in sentences(demo.report):
        print(sentence)
    print(f"Re-propagating after the tick: {facts['repropagation_ms']:.1f} ms. What it did, in Cypher "
          f"(graph \"edit\", tick {shown.tick}):")  # fmt: skip
    print(f"  {shown.cypher}")
    print(f"  before: {count(shown.before[0], 'concept')}, {count(shown.before[1], 'item')}; "
          f"after: {count(shown.after[0], 'concept')}, {count(shown.after[1], 'item')}")  # fmt: skip
    print()
    print(f"{facts['seconds']:.0f} s of comparing. The picture: {shown.picture}. Three things to try:")
    for command in commands(shown):
        print(f"  {command}")


def commands(shown: Any) -> list[str]:
    """Three commands that work on what the demo left behind."""
    there = f"--dir {shown.folder} --graph digits"
    return [
        f"kgkt query {there} doubtful",
        f"kgkt suggest {there} -n 5",
        f"kgkt fuse {there} --target {shown.folder}/b.keras --out b-fused.keras --test {shown.folder}/test.npz",
    ]
