"""Verbs that prove: evaluate."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kgkt.cli.app import app
from kgkt.cli.options import (
    AllowShift,
    Balanced,
    Carry,
    CarryWeight,
    Dir,
    FromLogits,
    Graph,
    Imports,
    Output,
    RecipePath,
    Target,
    TargetData,
    TargetPixels,
    Test,
    graph_of,
    plain,
    points,
    table_columns,
    takes,
)
from kgkt.cli.output import OUT, print_json, table

if TYPE_CHECKING:
    from kgkt.api import Run

PROVE = "Prove"


def judged_graph(
    path: Annotated[str | None, typer.Argument(metavar="[RECIPE]", help="Recipe instead of ./kgkt.toml.")] = None,
    graph: Graph = None,
    dir: Dir = None,
    recipe: RecipePath = None,
) -> Run:
    """The graph that is judged; its recipe may be named without a flag."""
    from kgkt.errors import UsageError

    if path is not None and recipe is not None:
        raise UsageError("name the recipe once")
    return graph_of(graph, dir, recipe=path or recipe)


@app.command(rich_help_panel=PROVE)
@takes(run=judged_graph, columns=table_columns, form=plain)
def evaluate(
    *,
    labels: Annotated[str, typer.Option("--labels", help="Labels a class, with commas.")] = "1,2,5,10",
    seeds: Annotated[
        int | None, typer.Option("--seeds", help="Draws of labels, each with a graph of its own (20).")
    ] = None,
    truth: Annotated[
        str | None, typer.Option("--truth", help="Table item_id,class of every item; else the classes in the pool.")
    ] = None,
    target: Target = None,
    test: Test = None,
    target_data: TargetData = None,
    output: Output = None,
    imports: Imports = None,
    columns: dict[str, str | None],
    target_pixels: TargetPixels = None,
    allow_shift: AllowShift = False,
    from_logits: FromLogits = False,
    balanced: Balanced = False,
    carry: Carry = None,
    carry_weight: CarryWeight = None,
    second: Annotated[
        str | None,
        typer.Option("--second", help="Items with classes of another task, as --test has them: how well few labels "
                     "tell them from B's last hidden layer."),
    ] = None,
    train_b: Annotated[
        str | None,
        typer.Option("--train-b", help="Rows that teach a B: all, few, none or ROWS@COUNTS@SEEDS; else by B's speed."),
    ] = None,
    jobs: Annotated[int, typer.Option("--jobs", help="Processes.")] = 1,
    recommend: Annotated[
        bool, typer.Option("--recommend", help="A short version: which route to take at each label count.")
    ] = False,
    require_gain: Annotated[
        float | None, typer.Option("--require-gain", help="Exit 6 if B gains less than these points over scratch.")
    ] = None,
    out: Annotated[str | None, typer.Option("--out", help="Folder of the report; else in the run directory.")] = None,
    allow_overlap: Annotated[
        bool, typer.Option("--allow-overlap", help="Go on with a test set that holds items of the pool.")
    ] = False,
    run: Run,
    form: str,
) -> None:
    """What the graph is worth on your own A, data and B, beside every control and rival. Resumable."""
    with OUT.steps("comparing") as progress:
        done = run.evaluate(
            labels=_counts(labels), seeds=seeds, truth=truth, target=target, test=test, data=target_data, output=output,
            imports=imports, pixels=target_pixels, allow_shift=allow_shift or None, from_logits=from_logits or None,
            balanced=balanced, carry=carry, carry_weight=carry_weight, second=second, train_b=train_b, jobs=jobs,
            recommend=recommend, **columns,
            require_gain=points(require_gain), out=out, allow_overlap=allow_overlap, progress=progress,
        )  # fmt: skip
    show_evaluated(done, recommend, form)


def _counts(text: str) -> tuple[int, ...]:
    from kgkt.errors import UsageError

    try:
        return tuple(sorted({int(part) for part in text.split(",")}))
    except ValueError as error:
        raise UsageError(f"--labels {text!r}: write whole numbers with commas, e.g. 1,2,5,10") from error


def show_evaluated(done: Any, recommend: bool, form: str) -> None:
    """Print what `evaluate` found."""
    from kgkt.proof.report import METRICS
    from kgkt.proof.verdicts import methods, narrow_table, routes

    report = done.report
    if form == "json":
        print_json({**report, "out": str(done.out)})
        return
    if recommend:
        print("\n".join(routes(report["rows"], report["about"]["prior"] is not None)))
    else:
        for metric, title in METRICS.items():
            if methods(report["rows"], metric):
                print(f"{title}; mean, and kgkt minus it ± standard error")
                print(table(*narrow_table(report["rows"], metric)))
        print("\n".join(report["sentences"]))
    if sys.stdout.isatty():
        print(f"{done.out}: report.html, report.md, report.json; cells.jsonl keeps what is finished")
