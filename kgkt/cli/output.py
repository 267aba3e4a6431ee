"""Printing: data on stdout as a table, JSON or CSV; everything else on stderr."""

from __future__ import annotations

import contextlib
import io
import math
import re
import shlex
import sys
import unicodedata
from collections.abc import Iterator, Sequence
from typing import Any

FORMATS = ("table", "json", "csv")
CELL = 60  # characters of a cell on a terminal
LIST = 100  # elements of a list shown


class Output:
    """What the verbs print with; one for the process.

    Args:
        quiet: no notices, no progress.
        verbose: tracebacks of unexpected errors.
        hints: whether a verb says what to do next.
        run: the graph that the verb is about; `one`, whether it is about no other.
    """

    quiet = False
    verbose = False
    hints = True  # whether verbs say what to do next; not between the stages of a run
    run: Any = None  # the graph that the verb is about
    one = True  # whether that is the only one

    def say(self, line: str) -> None:
        """A notice, on stderr."""
        if not self.quiet:
            print(printable(self._placed(line), keep="\n"), file=sys.stderr, flush=True)

    def next(self, command: str) -> str:
        """The end of a line that says what to do next."""
        return f"   next: {self.here(command)}" if self.hints else ""

    def here(self, command: str, *more: str) -> str:
        """A command, `more` its last words, with the flags by which it finds the same graph where it would not else."""
        flags = [] if self.run is None else self.run.flags()
        return shlex.join([*shlex.split(command), *more, *flags])

    def _placed(self, text: str) -> str:
        """The same with the flags of the graph in the commands that it proposes."""
        from kgkt.cli.hints import PROPOSED, placed
        from kgkt.errors import KgktError

        if self.run is None or PROPOSED.search(text) is None:
            return text
        try:
            return placed(text, self.run.flags(), self.one)
        except (KgktError, OSError):  # what is wrong with the recipe is what the text tells
            return text

    def say_error(self, text: str, typed: bool = False) -> None:
        """An error, on stderr, even when quiet; `typed`: with a command as a person typed it."""
        text = text if typed else self._placed(text)
        text = text.replace("\t", " ")  # engines count a tab as one place where they put a caret below a query's line
        print(f"kgkt: {printable(text, keep=chr(10))}", file=sys.stderr, flush=True)

    @contextlib.contextmanager
    def progress(self, what: str, total: int) -> Iterator[Any]:
        """A bar on a terminal, nothing elsewhere; yields a function that takes how much more is done."""
        if self.quiet or not sys.stderr.isatty():
            yield lambda _: None
            return
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

        columns = (TextColumn("{task.description:<11}"), BarColumn(20), TextColumn("{task.percentage:3.0f}%"),
                   TimeElapsedColumn(), TimeRemainingColumn())  # fmt: skip
        with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task(what, total=total)
            yield lambda done: bar.advance(task, done)

    @contextlib.contextmanager
    def steps(self, what: str) -> Iterator[Any]:
        """A bar for work that tells its own size; yields a function of (what, done, total), or None off a terminal."""
        if self.quiet or not sys.stderr.isatty():
            yield None
            return
        with contextlib.ExitStack() as stack:
            seen: list[Any] = []

            def step(_: str, done: int, total: int) -> None:
                if not seen or seen[2] != total:
                    stack.close()
                    seen[:] = [stack.enter_context(self.progress(what, total)), 0, total]
                seen[0](done - seen[1])
                seen[1] = done

            yield step


OUT = Output()


def pick_format(asked: str | None, rows: bool = False, also: Sequence[str] = ()) -> str:
    """The format that was asked for; else a table on a terminal and JSON in a pipe.

    Args:
        asked: by `--format`.
        rows: whether the verb prints rows; only these can be CSV.
        also: formats that only this verb has.
    """
    from kgkt.errors import UsageError, nearest

    if asked is None:
        return "table" if sys.stdout.isatty() else "json"
    if asked not in (*FORMATS, *also):
        raise UsageError(f"--format {asked!r}{nearest(asked, (*FORMATS, *also))}")
    if asked == "csv" and not rows:
        raise UsageError("--format csv is for rows (query, suggest, graphs, evaluate); this verb has table and json")
    return asked


def print_rows(columns: Sequence[str], rows: Sequence[Sequence[Any]], form: str, **more: Any) -> None:
    """Print rows to stdout; JSON carries `columns`, `rows` and what else is given."""
    if form == "json":
        print_json({"columns": list(columns), "rows": [list(r) for r in rows], **more})
    elif form == "csv":
        import csv

        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows([[cell(v, wide=True) for v in row] for row in rows])
        sys.stdout.write(text.getvalue())
    else:
        sys.stdout.write(table(columns, rows))
    sys.stdout.flush()


def print_json(value: Any) -> None:
    """Print a value as JSON; what JSON has no word for becomes null or text."""
    import json

    from kgkt.tables import plain

    print(json.dumps(plain(value), ensure_ascii=not _utf8(), indent=None, allow_nan=False))


def table(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """An aligned plain table: numbers to the right, at most three digits after the point."""
    cells = [[cell(v) for v in row] for row in rows]
    right = [
        bool(rows) and all(isinstance(row[i], int | float) or row[i] is None for row in rows)
        for i in range(len(columns))
    ]
    widths = [max([_width(str(c))] + [_width(row[i]) for row in cells]) for i, c in enumerate(columns)]
    lines = []
    for row in [[printable(str(c)) for c in columns], *cells]:
        parts = [_pad(text, width, flush) for text, width, flush in zip(row, widths, right, strict=True)]
        lines.append("  ".join(parts).rstrip())
    return "\n".join(lines) + "\n"


def cell(value: Any, wide: bool = False) -> str:
    """One value as short text; nodes, relationships and paths readably."""
    if value is None:
        return "-" if not wide else ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return repr(value) if wide else number(value)
    if isinstance(value, dict):
        text = _entity(value)
    elif isinstance(value, list | tuple):
        shown = ", ".join(_inside(v, wide) for v in value[:LIST])
        text = f"[{shown}{f', … {len(value)} in all' if len(value) > LIST else ''}]"
    else:
        text = str(value)
    text = printable(text)
    return text if wide or len(text) <= CELL else text[: CELL - 1] + "…"


def _inside(value: Any, wide: bool = False) -> str:
    """A value in a list or a map: text with a comma of its own stands in quotes.

    >>> _inside("royals, her, wife"), _inside("woman")
    ("'royals, her, wife'", 'woman')
    """
    return repr(value) if isinstance(value, str) and "," in value else cell(value, wide)


def number(value: float) -> str:
    """A float for a person: three significant digits, integers whole."""
    if not math.isfinite(value):
        return str(value)
    if value == round(value) and abs(value) < 1e15:
        return f"{value:.0f}"
    return f"{value:.3g}" if 1e-3 <= abs(value) < 1000 else (f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.1e}")


def _entity(value: dict[str, Any]) -> str:
    """A node as (Label name …), a relationship as [TYPE …], a path as an arrow chain, a map as it is."""
    if "~path" in value:
        return " ".join(_entity(v) if isinstance(v, dict) else str(v) for v in value["~path"])
    facts = {k: v for k, v in value.items() if not k.startswith("~")}
    shown = ", ".join(f"{k}: {_inside(v)}" for k, v in facts.items() if k not in ("key", "graph", "name", "centroid"))
    if "~node" in value:
        return f"({value['~node']} {facts.get('name', '')!r}{f' {{{shown}}}' if shown else ''})"
    if "~relationship" in value:
        return f"-[{value['~relationship']}{f' {{{shown}}}' if shown else ''}]-"
    return "{" + ", ".join(f"{k}: {_inside(v)}" for k, v in value.items()) + "}"


def printable(text: str, keep: str = "") -> str:
    """Text that cannot steer a terminal: control and direction characters are shown, not sent."""
    return re.sub(
        r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]",
        lambda m: m.group() if m.group() in keep and keep else repr(m.group())[1:-1],
        text,
    )


def _width(text: str) -> int:
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def _pad(text: str, width: int, flush: bool) -> str:
    space = " " * (width - _width(text))
    return space + text if flush else text + space


def _utf8() -> bool:
    return (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"


