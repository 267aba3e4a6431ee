"""Verbs that share and keep house: export, graphs."""

from __future__ import annotations

import dataclasses
import os
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kgkt.cli.app import app
from kgkt.cli.build import BUILD
from kgkt.cli.options import (
    BEFORE,
    Database,
    Force,
    Format,
    RecipePath,
    Shared,
    StoreUrl,
    directory,
    graph_of,
    plain,
    plain_of_group,
    rows_of_group,
    takes,
)
from kgkt.cli.output import OUT, print_json, print_rows
from kgkt.errors import count

if TYPE_CHECKING:
    from kgkt.api import Run
    from kgkt.serve.offline import Saved

SHARE = "Share"
# What to do with each format, after it was written.
NEXT = {
    "graphml": "networkx.read_graphml, Gephi, yEd, Cytoscape", "gexf": "Gephi, networkx.read_gexf",
    "json": "networkx.node_link_graph(data, edges='edges'), D3", "csv": "pandas.read_csv",
    "admin_import": "in the folder: neo4j-admin database import full @import.args neo4j",
    "points": "embedding-atlas {place} --x x --y y --neighbors neighbors",
    "grass": "Neo4j Browser: drop the file on its page",
    "to": "kgkt query --store {place}",
}  # fmt: skip

graphs = typer.Typer(name="graphs", help="The graphs of the database and of the run directory: list, drop.",
                     no_args_is_help=True, rich_markup_mode=None)  # fmt: skip
app.add_typer(graphs, rich_help_panel=BUILD)


@graphs.callback(invoke_without_command=True)
def places(
    context: typer.Context,
    dir: Annotated[str | None, typer.Option("--dir", help="Run directory (kgkt-run).")] = None,
    store: StoreUrl = None,
    database: Database = None,
    recipe: RecipePath = None,
    form: Format = None,
) -> None:
    """The graphs of the database and of the run directory: list, drop."""
    BEFORE.update(dir=dir, store=store, database=database, recipe=recipe, form=form)
    if context.invoked_subcommand is None:  # options alone: of no arguments at all the help is shown
        show_graphs(directory(os.environ.get("KGKT_DIR")), rows_of_group())


@app.command(rich_help_panel=SHARE)
@takes(run=graph_of, form=plain)
def export(
    *,
    graphml: Annotated[str | None, typer.Option("--graphml", help="GraphML file.")] = None,
    gexf: Annotated[str | None, typer.Option("--gexf", help="GEXF file, for Gephi.")] = None,
    json: Annotated[str | None, typer.Option("--json", help="JSON file of nodes and edges.")] = None,
    csv: Annotated[str | None, typer.Option("--csv", help="Folder of CSV files, one a label and one a type.")] = None,
    admin_import: Annotated[
        str | None, typer.Option("--admin-import", help="Folder that neo4j-admin database import reads.")
    ] = None,
    points: Annotated[
        str | None, typer.Option("--points", help="Parquet file of every item, for embedding-atlas.")
    ] = None,
    grass: Annotated[str | None, typer.Option("--grass", help="Style file for Neo4j Browser.")] = None,
    page: Annotated[
        str | None, typer.Option("--page", help="HTML file: the page of kgkt serve to look at, with data and pictures.")
    ] = None,
    to: Annotated[
        str | None, typer.Option("--to", help="Database to copy the graph to: neo4j://HOST or kglite:PATH.")
    ] = None,
    shared: Shared = False,
    force: Force = False,
    run: Run,
    form: str,
) -> None:
    """Write the graph for other tools, or copy it to another database."""
    places = {"graphml": graphml, "gexf": gexf, "json": json, "csv": csv, "admin_import": admin_import,
              "points": points, "grass": grass, "to": to}  # fmt: skip
    done = run.export(**places, shared=shared, force=force) if page is None or any(places.values()) else []
    saved = None if page is None else _save_page(run, page, force)
    if form == "json":
        written = [dataclasses.asdict(part) for part in done]
        print_json({"written": written + ([] if saved is None else [{"form": "page", **dataclasses.asdict(saved)}])})
        return
    for part in done:
        for note in part.notes:
            OUT.say(f"{part.place}: {note}")
        counts = ((part.nodes, "node"), (part.edges, "relationship"), (part.rows, "item"))
        holds = ", ".join(count(n, word) for n, word in counts if n is not None)
        holds = f"{holds}   " if holds else ""
        print(f"{part.place}   {holds}open with: {NEXT[part.form].format(place=part.place)}")


    if saved is not None:
        pictures = f", {count(saved.pictures, 'picture')} of {saved.side} pixels" if saved.side else ""
        print(f"{saved.place}   {count(saved.concepts, 'concept')}{pictures}, {saved.bytes / 1e6:.1f} MB   open with: "
              "any browser, from disk")  # fmt: skip


def _save_page(run: Run, place: str, force: bool) -> Saved:
    from pathlib import Path

    from kgkt.serve.offline import save_page

    return save_page(run.recipe, Path(place), OUT.say, force)


@graphs.command("list")
@takes(run=directory, form=rows_of_group)
def list_(run: Run, form: str) -> None:
    """Every graph of the run directory, and of the databases that it knows."""
    show_graphs(run, form)


def show_graphs(run: Run, form: str) -> None:
    """Print the graphs of a run directory."""
    columns = ("graph", "state", "items", "concepts", "stability", "created_at", "store", "folder")
    found = [(g.name, g.state, g.items, g.concepts, g.stability, g.created_at, g.url, g.folder and str(g.folder))
             for g in run.graphs()]  # fmt: skip
    print_rows(columns, found, form)


@graphs.command("drop")
@takes(run=directory, form=plain_of_group)
def drop(
    *,
    name: Annotated[str, typer.Argument(help="Name of the graph.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would go; change nothing.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Do not ask; needed off a terminal.")] = False,
    run: Run,
    form: str,
) -> None:
    """Drop a graph: its nodes in the database and its folder in the run directory. There is no undo."""
    from kgkt.errors import UnsafeError

    if dry_run:
        show_dropped(run.drop(name, dry_run=True), form, "would drop")
        return
    if not force:
        if not sys.stdin.isatty():
            raise UnsafeError(f"dropping graph {name} cannot be undone; off a terminal say --force (--dry-run shows "
                              "what would go)")  # fmt: skip
        show_dropped(run.drop(name, dry_run=True), "table", "would drop")
        if not typer.confirm("Drop it?", err=True):
            OUT.say("nothing was dropped")
            return
    show_dropped(run.drop(name), form, "dropped")


def show_dropped(gone: Any, form: str, verb: str) -> None:
    """Print what a drop takes away."""
    if form == "json":
        print_json({"graph": gone.name, "done": verb == "dropped", "store": gone.url, "in_database": gone.in_database,
                    "nodes": gone.nodes, "folder": gone.folder and str(gone.folder), "files": gone.files,
                    "bytes": gone.size, "kept_folder": gone.kept and str(gone.kept),
                    "lexicons": list(gone.lexicons), "diffs": list(gone.diffs)})  # fmt: skip
        return
    held = ", ".join(f"{n:,} {kind}" for kind, n in gone.nodes.items() if n) or "no nodes"
    print(f"{verb} {gone.name}")
    print(f"  {gone.url}   {held if gone.in_database else 'not there'}")
    if gone.folder is not None:
        print(f"  {gone.folder}   {count(gone.files, 'file')}, {gone.size / 1e6:.1f} MB")
    if gone.lexicons:
        print(f"  with it goes the lexicon of {' and of '.join(gone.lexicons)}")
    if gone.diffs:
        print(f"  with it goes what diff found between it and {', '.join(gone.diffs)}")
    if gone.kept is not None:
        print(f"  {gone.kept}   stays: its graph is in another database")
