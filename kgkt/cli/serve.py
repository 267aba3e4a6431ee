"""The verb serve."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from kgkt.cli.app import app
from kgkt.cli.ask import ASK
from kgkt.cli.options import graph_of, takes
from kgkt.cli.output import OUT

if TYPE_CHECKING:
    from kgkt.api import Run

Browser = Annotated[
    bool | None, typer.Option("--open/--no-open", help="Open the page in a browser (on a terminal).")
]


@app.command(rich_help_panel=ASK)
@takes(run=graph_of)
def serve(
    *,
    rw: Annotated[
        bool, typer.Option("--rw", help="Let people label, correct and train; else the page only reads.")
    ] = False,
    port: Annotated[int | None, typer.Option("--port", min=0, max=65535, help="Port (8765, or a free one).")] = None,
    host: Annotated[
        str, typer.Option("--host", help="Address to listen at; one that others can reach needs --token-file.")
    ] = "127.0.0.1",
    token_file: Annotated[
        str | None, typer.Option("--token-file", help="File with the token that clients must show; else a new one.")
    ] = None,
    name: Annotated[
        list[str] | None, typer.Option("--name", help="A further name of the service, as behind a proxy; repeatable.")
    ] = None,
    browser: Browser = None,
    run: Run,
) -> None:
    """Open the graph as a page in the browser, and the verbs over HTTP."""
    serve_graph(run, rw=rw, port=port, host=host, token_file=token_file, names=name or (), browser=browser)


def serve_graph(
    run: Run, *, rw: bool, port: int | None, host: str = "127.0.0.1", token_file: str | None = None,
    names: Sequence[str] = (), browser: bool | None,
) -> None:  # fmt: skip
    """Serve a graph until Ctrl-C; the link goes to stdout."""
    from kgkt.serve.app import serve as begin

    show = sys.stdout.isatty() if browser is None else browser

    def ready(link: str) -> None:
        print(link, flush=True)
        may = "may be changed" if rw else "is only read: --rw lets people label"
        OUT.say(f"graph {run.graph} {may}; open the link, Ctrl-C ends it")
        if show:
            import webbrowser

            webbrowser.open(link)

    begin(run.recipe, write=rw, host=host, port=port, token_file=token_file, names=names, say=OUT.say, ready=ready)
