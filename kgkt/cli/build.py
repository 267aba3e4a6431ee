"""Verbs that start and build: init, check, populate, run."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from kgkt.cli.app import Database, Dir, Force, Format, Graph, Imports, Legacy, RecipePath, StoreUrl, app, recipe_of
from kgkt.cli.output import OUT, pick_format, print_json
from kgkt.errors import count

START, BUILD = "Start", "Build"

Model = Annotated[
    str | None, typer.Option("--model", help="Model A: a .keras file, or sentence-transformers:FOLDER for texts.")
]
Layers = Annotated[str | None, typer.Option("--layers", help="Layers of A to read, with commas: mid,emb.")]
Data = Annotated[
    str | None, typer.Option("--data", help="Pool: .npz (x, item_id), .npy, .csv (item_id,text) or a folder of images.")
]
FeaturesFile = Annotated[
    str | None, typer.Option("--features", help="Features made elsewhere: .parquet, .npz or .npy.")
]
Size = Annotated[
    str | None,
    typer.Option("--size", metavar="HxW", help="Bring the pictures of a folder to this size; only where A's input "
                 "leaves it open."),
]  # fmt: skip
Pixels = Annotated[str | None, typer.Option("--pixels", help="Range of pixels that A wants: raw, 0..1 or -1..1.")]


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
def check(
    recipe: RecipePath = None,
    graph: Graph = None,
    dir: Dir = None,
    store: StoreUrl = None,
    database: Database = None,
    model: Model = None,
    layers: Layers = None,
    data: Data = None,
    features: FeaturesFile = None,
    size: Size = None,
    target: Annotated[str | None, typer.Option("--target", help="Model B, a .keras file.")] = None,
    imports: Imports = None,
    form: Format = None,
) -> None:
    """Look at models, data and graph: what a run would do, what it takes, what is stale."""
    from kgkt.errors import InputError
    from kgkt.verbs.check import check as look

    picked = pick_format(form)
    settings = recipe_of(recipe, graph, dir, store, database).override("target", model=target)
    plan = look(_with_source(settings, model, layers, data, features, None, imports, size))
    if picked == "json":
        print_json({"facts": [{"what": fact.what, "says": fact.says, **fact.fields} for fact in plan.facts],
                    "stages": plan.stages, "stale": {s: how["why"] for s, how in plan.stages.items() if how["ran"]},
                    "memory_mb": plan.memory_mb, "problems": plan.problems})  # fmt: skip
    else:
        width = max((len(fact.what) for fact in plan.facts), default=0)
        for fact in plan.facts:
            print(f"{fact.what:<{min(width, 24)}}  {fact.says}")
    if plan.problems:
        raise InputError("\n".join(dict.fromkeys(plan.problems)))


def _with_source(
    recipe: Any, model: str | None, layers: str | None, data: str | None, features: str | None,
    pixels: str | None, imports: list[str] | None, size: str | None,
) -> Any:  # fmt: skip
    """The recipe with the source flags; features given on the command line replace a model of the file."""
    import dataclasses

    source = recipe.source
    if features:
        source = dataclasses.replace(source, model=None, features=features)
    elif model:
        source = dataclasses.replace(source, features=None)
    names = tuple(name.strip() for name in layers.split(",") if name.strip()) if layers else None
    return dataclasses.replace(recipe, source=source).override(
        "source", model=model, layers=names, data=data, pixels=pixels, imports=tuple(imports) if imports else None,
        size=_size(size) if size else None,
    )


def _size(text: str) -> tuple[int, int]:
    from kgkt.errors import UsageError

    height, _, width = text.lower().partition("x")
    if not (height.isdecimal() and width.isdecimal() and int(height) and int(width)):
        raise UsageError(f"--size {text!r}: write HEIGHTxWIDTH in pixels, e.g. 64x48")
    return int(height), int(width)


@app.command(rich_help_panel=BUILD)
def populate(
    recipe: RecipePath = None,
    graph: Graph = None,
    dir: Dir = None,
    store: StoreUrl = None,
    database: Database = None,
    model: Model = None,
    layers: Layers = None,
    data: Data = None,
    features: FeaturesFile = None,
    concepts: Annotated[
        int | None, typer.Option("--concepts", help="How many; else a tenth of the items, 50 to 2500.")
    ] = None,
    seed: Annotated[int | None, typer.Option("--seed", help="Of the clustering.")] = None,
    pixels: Pixels = None,
    size: Size = None,
    drop_bad: Annotated[
        bool, typer.Option("--drop-bad", help="Leave out rows with NaN or infinity, and broken pictures.")
    ] = False,
    no_text: Annotated[bool, typer.Option("--no-text", help="Keep texts and paths out of the database.")] = False,
    shared: Annotated[
        bool, typer.Option("--shared", help="The database holds other people's nodes too: touch none of them.")
    ] = False,
    imports: Imports = None,
    allow_legacy: Legacy = False,
    force: Annotated[bool, typer.Option("--force", help="Extract the features again, changed or not.")] = False,
    form: Format = None,
) -> None:
    """Extract what A knows of the pool, and make the graph. What people said of an older one is carried over."""
    from kgkt.verbs.populate import populate as make

    settings = recipe_of(recipe, graph, dir, store, database)
    settings = _with_source(settings, model, layers, data, features, pixels, imports, size)
    settings = settings.override("source", drop_bad=drop_bad or None, allow_legacy=allow_legacy or None)
    settings = settings.override("concepts", k=concepts, seed=seed).override(
        "store", text=False if no_text else None, shared=shared or None
    )
    picked = pick_format(form)
    show_populated(make(settings, OUT.say, OUT.progress, force), picked)


def show_populated(done: Any, form: str) -> None:
    """Print what `populate` made."""
    seconds = done.seconds
    if form == "json":
        print_json({
            "graph": done.run.graph, "store": done.url, "items": done.n_items, "concepts": done.n_concepts,
            "edges": done.n_edges, "themes": done.n_themes, "stability": done.stability, "layers": done.widths,
            "seconds": seconds, "lost": done.lost,
        })  # fmt: skip
        return
    widths = " + ".join(f"{d:,}" for d in done.widths.values())
    small, large = done.sizes
    span = f"{small:,} to {large:,} items" if small < large else count(large, "item")
    print(f"features    {done.n_items:,} x ({widths})".ljust(48) + f"{seconds['features']:6.1f} s")
    concepts = f"concepts    {done.n_concepts:,}, of {span}"
    print(f"{concepts:<48}{seconds['concepts']:6.1f} s   stability {done.stability:.2f} (two seeds on the same items)")
    print(f"edges       {done.n_edges:,}, {count(done.n_themes, 'theme')}".ljust(48) + f"{seconds['edges']:6.1f} s")
    print(f"graph       {done.run.graph} in {done.url}".ljust(48) + f"{seconds['graph']:6.1f} s"
          + OUT.next("kgkt suggest -n 20"))  # fmt: skip


@app.command(rich_help_panel=BUILD)
def run(
    recipe: RecipePath = None,
    graph: Graph = None,
    dir: Dir = None,
    store: StoreUrl = None,
    database: Database = None,
    force: Annotated[bool, typer.Option("--force", help="Do every stage again; replace B's output.")] = False,
    form: Format = None,
) -> None:
    """Do every stage of the recipe; one whose inputs did not change is left alone."""
    from kgkt.cli.teach import show_labelled, show_propagated
    from kgkt.cli.transfer import show_fused, show_mapped
    from kgkt.verbs.run import run_all

    picked = pick_format(form)
    shows = {"populate": show_populated, "label": show_labelled, "propagate": show_propagated, "map": show_mapped,
             "fuse": show_fused}  # fmt: skip
    summary: dict[str, str] = {}

    def done(stage: str, value: Any) -> None:
        summary[stage] = "fresh" if value is None else "done"
        if picked == "json":
            return
        if value is None:
            print(f"{stage:<11} fresh, left alone")
        else:
            shows[stage](value, "table")

    OUT.hints = False
    run_all(recipe_of(recipe, graph, dir, store, database), OUT.say, done, OUT.progress, force)
    if picked == "json":
        print_json({"stages": summary})


