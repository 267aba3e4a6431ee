"""The Typer application: options that every verb shares, errors to exit codes."""

from __future__ import annotations

import importlib
import shlex
import signal
import sys
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from kgkt.cli.output import OUT
from kgkt.errors import KgktError, NoGraphError
from kgkt.notices import hear_notices

INTERRUPTED = 130
WHOLE = 200  # characters: no first sentence of a verb is cut


class Panels(TyperGroup):
    """Help of the verbs in their panels, as plain text: what draws boxes takes longer to load than all else."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the verbs, a section for each panel, in the order in which they came."""
        panels: dict[str, list[tuple[str, str]]] = {}
        for name, verb in self.commands.items():
            panel = getattr(verb, "rich_help_panel", None)
            panels.setdefault(panel if isinstance(panel, str) else "Commands", []).append(
                (name, verb.get_short_help_str(WHOLE)))
        for panel, verbs in panels.items():
            with formatter.section(panel):
                formatter.write_dl(verbs)


app = typer.Typer(
    name="kgkt",
    cls=Panels,
    help="Turn what a trained model knows into a graph you can ask, label and correct, and teach your own model "
    "from it. Every verb reads kgkt.toml where there is one; flags override it.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

def _version(value: bool) -> None:
    if value:
        import kgkt

        print(f"kgkt {kgkt.__version__}")
        raise typer.Exit


@app.callback()
def common(
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No notices, no progress.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", help="Show where an unexpected error came from.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Options before the verb."""
    from kgkt.cli.options import BEFORE

    OUT.quiet, OUT.verbose, OUT.hints, OUT.run, OUT.one = quiet, verbose, True, None, True
    BEFORE.clear()  # of a command before, in the same process


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit with the code that design and `kgkt.errors` give.

    0 done, 1 unexpected, 2 usage, 3 bad input, 4 database, 5 refused for safety, 6 below the bar, 130 interrupted.
    """
    signal.signal(signal.SIGTERM, _terminated)
    hear_notices(OUT.say)
    try:
        code = app(args=arguments, standalone_mode=False)
    except NoGraphError as error:
        typed = ["kgkt", *(sys.argv[1:] if arguments is None else arguments)]
        told = f"{error}: {shlex.join(typed)} {error.options}" if error.options else str(error)
        OUT.say_error(told, typed=bool(error.options))
        code = error.exit_code
    except KgktError as error:
        OUT.say_error(str(error))
        code = error.exit_code
    except KeyboardInterrupt:
        code = INTERRUPTED
    except BrokenPipeError:  # the reader of our output went away, as `head` does
        sys.stdout = None
        code = 0
    except Exception as error:
        code = _other(error)
    if code == INTERRUPTED:  # Typer turns some interruptions into this code itself
        OUT.say_error("interrupted; run the same command again to go on")
    sys.exit(code if isinstance(code, int) else 0)


def _terminated(number: int, frame: Any) -> None:
    raise KeyboardInterrupt


def _other(error: Exception) -> int:
    """Exit code of what Typer raises, and of errors nobody expected."""
    kind = type(error).__name__
    if kind == "Abort":
        return INTERRUPTED
    if hasattr(error, "format_message") and hasattr(error, "exit_code"):
        message = error.format_message()
        if kind == "NoArgsIsHelpError":
            print(message)
            return 2
        OUT.say_error(message)
        return 2
    if hasattr(error, "exit_code"):
        return int(error.exit_code)
    if OUT.verbose:
        raise error
    if isinstance(error, MemoryError):
        OUT.say_error("not enough memory; kgkt check estimates what a run needs")
    else:
        OUT.say_error(f"unexpected {kind}: {error}\nkgkt --verbose VERB … shows where; please report it")
    return 1


# the verbs add themselves to `app`, in the order in which help shows their panels
for _room in ("build", "demo", "ask", "explain", "suspects", "teach", "edit", "transfer", "extend", "lexicon", "trace",
              "prove", "diff", "share", "serve"):
    importlib.import_module(f"kgkt.cli.{_room}")
