"""The verb serve."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from kgkt.cli.app import app
from kgkt.cli.ask import ASK
from kgkt.cli.options import graph_of, takes
from kgkt.cli.output import OUT

if TYPE_CHECKING:
    from kgkt.api import Run


@app.command(rich_help_panel=ASK)
@takes(run=graph_of)
def serve(
    *,
    rw: Annotated[
        bool, typer.Option("--rw", help="Let people label, correct and train; else the page only reads.")
    ] = False,
    port: Annotated[int | None, typer.Option("--port", min=0, max=65535, help="Port (8765, or a free one).")] = None,
    host: Annotated[str, typer.Option("--host", help="Address to listen at; others than this machine's own need "
                                      "--token-file.")] = "127.0.0.1",
    token_file: Annotated[str | None, typer.Option("--token-file", help="File with the token that clients must show; "
                                                   "else a new one each time.")] = None,
    name: Annotated[list[str] | None, typer.Option("--name", help="A further name under which the service is reached, "
                                                   "as behind a proxy.")] = None,
    browser: Annotated[bool | None, typer.Option("--open/--no-open", help="Open the page in a browser (on a "
                                                 "terminal).")] = None,
    run: Run,
) -> None:
    """Open the graph as a page in the browser, and its verbs over HTTP."""
    from kgkt.serve.app import serve as begin

    show = sys.stdout.isatty() if browser is None else browser

    def ready(link: str) -> None:
        print(link, flush=True)
        OUT.say(f"graph {run.graph}, {'may be changed' if rw else 'only read: --rw lets people label'}; Ctrl-C ends it")
        if show:
            import webbrowser

            webbrowser.open(link)

    begin(run.recipe, write=rw, host=host, port=port, token_file=token_file, names=name or (), say=OUT.say, ready=ready)
