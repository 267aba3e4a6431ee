"""The embedded engine behind one function, `run`; nothing else in kgkt calls it.

Some of the optimiser's passes give wrong rows (its `fuse_*` passes: 79 of 40,000 random queries), so
every query runs with all passes off but three that were found right in 120,000. Transactions, sessions
and frozen graphs of the engine take no such switch and are never used. What is wrong without any pass is
written differently before it is run (`kgkt.store.embedded.repair`).
"""

from __future__ import annotations

import datetime
import functools
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kgkt.errors import BusyError, InputError, KgktError, QueryError, StoreError, UnsafeError
from kgkt.files import need_parent
from kgkt.store.embedded.repair import repaired
from kgkt.store.protocol import WRITTEN, Rows, timed_out
from kgkt.store.waiting import LATER

if TYPE_CHECKING:
    from kglite import KnowledgeGraph, ResultView

# Without them a match on two keys is a product of all nodes; all others stay off.
KEEP = ("push_where_into_match.1", "push_where_into_match.2", "fold_or_to_in")
SOON = 100_000  # ids ahead of the engine's counter that are looked at; who gave an id beyond gave it by hand
# What the engine adds to every node it shows; kgkt stores no property of these names.
HIDDEN = ("id", "title", "type")

# Only `populate` makes a graph anew, and it opens the old one first, for what people said in it.
REBUILD = (
    "Put back a copy, or move the file away and run kgkt populate for each graph that was in it: the features are "
    "still in the run directory.\nThen kgkt label again: label files are read again, what was said as ITEM=CLASS "
    "stands in edits.jsonl. What was changed in Cypher was in that file alone."
)


@functools.cache
def disabled_passes() -> tuple[str, ...]:
    """The optimiser passes that are switched off.

    Raises:
        StoreError: the engine no longer has a pass that must stay on, so it is not the one tested.
    """
    import kglite

    kglite.set_query_warning_policy("silent")
    known = kglite.cypher_pass_names()
    missing = [name for name in KEEP if name not in known]
    if missing:
        raise StoreError(f"kglite {kglite.__version__} has no pass {', '.join(missing)}: install kglite==0.21.2")
    return tuple(name for name in known if name not in KEEP)


def run(
    graph: KnowledgeGraph,
    text: str,
    params: Mapping[str, Any] | None = None,
    seconds: float | None = None,
    rows: int | None = None,
) -> ResultView:
    """Run one Cypher text on the engine.

    Args:
        graph: an open graph of the engine.
        text: the Cypher.
        params: its parameters.
        seconds: stop after this time; None: never.
        rows: keep this many rows and one more, which says that there were more; None: all.

    Raises:
        QueryError: refused by the engine, or stopped at the time limit.
    """
    passes = list(disabled_passes())
    try:
        answer = graph.cypher(
            repaired(text),
            params=dict(params or {}),
            disabled_passes=passes,
            timeout_ms=0 if seconds is None else max(1, int(seconds * 1000)),
            row_limit=None if rows is None else rows + 1,
        )
    except Exception as error:
        raise translated(error, seconds) from error
    if isinstance(answer, str):
        raise QueryError("FORMAT CSV is not for here: ask for the format outside of the query (--format csv)")
    return answer


def translated(error: Exception, seconds: float | None = None) -> KgktError:
    """The error of kgkt that says what the engine's error means to a user."""
    import kglite

    if isinstance(error, KgktError):
        return error
    if isinstance(error, kglite.CypherTimeoutError):
        return QueryError(timed_out(seconds or 0))
    if isinstance(error, kglite.ReadOnlyError):
        return UnsafeError(f"this query would write: {error}")
    if isinstance(error, kglite.WriterLeaseHeldError):
        return BusyError(busy(error.holder))
    if isinstance(error, kglite.FileIoError | OSError):
        return InputError(f"the graph file could not be read or written: {error}")
    if isinstance(error, OverflowError | TypeError | RecursionError):
        return InputError(f"a parameter of the query cannot be stored: {error}")
    return QueryError(str(error))


def busy(holder: Mapping[str, Any] | None) -> str:
    """What is said when another process writes."""
    pid = (holder or {}).get("pid")
    return f"the graph is busy, held by pid {pid}: it is being written; {LATER}"


def open_reader(path: Path) -> tuple[KnowledgeGraph, bool]:
    """Load the last save of a graph; the flag says that a writer has newer work, or died with it.

    Raises:
        InputError: missing, truncated, damaged, or not a graph.
    """
    import kglite

    need_file(path)
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        graph = _opened(path, lambda: kglite.load(str(path)))
    graph.read_only(True)
    return graph, any("write-ahead" in str(warning.message) for warning in heard)


def open_writer(path: Path, log: bool = True) -> KnowledgeGraph:
    """Open a graph for writing, making it where there is none, and hold the writer's lease.

    Args:
        path: the graph file.
        log: keep each statement in the log beside the file as it is done. The log opens its file anew for
            each statement, so where no file may be opened it is off, and only a save keeps what was done.

    Raises:
        BusyError: another process holds the lease.
        InputError: the file is damaged, or its place cannot be written.
    """
    import kglite

    if path.is_dir():
        raise InputError(f"{path} is a folder; name a file")
    need_parent(path)
    fresh = not path.exists()
    graph = _opened(path, lambda: kglite.open(str(path)))
    if fresh or not log:  # what a writer that died left in the log goes into the file
        save(graph)
    if log:
        return graph
    release(graph)
    return _opened(path, lambda: kglite.open(str(path), durable="off"))


def spend_ids(graph: KnowledgeGraph) -> None:
    """Bring the engine's counter of ids past every id that it gave before.

    It begins at the number of places for nodes, which deleted nodes leave free: a node that a person creates
    could get the id of another one, and a file with an id twice opens for no writer any more.
    """
    from kgkt.store.statements import load

    last = run(graph, load("spend_ids").text, {"n": 1}).to_list()[0]["id"]
    highest = run(graph, load("next_ids").text, {"from": last, "below": last + SOON}).to_list()[0]["id"]
    if highest is not None:
        run(graph, load("spend_ids").text, {"n": highest - last})


def save(graph: KnowledgeGraph) -> None:
    """Write the graph to its file, whole or not at all."""
    try:
        graph.save()
    except Exception as error:
        raise translated(error) from error


def release(graph: KnowledgeGraph) -> None:
    """Give the writer's lease back without a save; what was committed stays in the log beside the file."""
    graph.__exit__(KgktError, KgktError("released"), None)


def need_file(path: Path) -> None:
    """Refuse a path where no graph is."""
    if path.is_dir():
        raise InputError(f"{path} is a folder; name a graph file")
    if not path.exists():
        raise InputError(f"no graph at {path}: run kgkt populate")


def _opened(path: Path, opener: Callable[[], KnowledgeGraph]) -> KnowledgeGraph:
    import kglite

    try:
        return opener()
    except kglite.WriterLeaseHeldError as error:
        raise BusyError(f"{path}: {busy(error.holder)}") from error
    except (kglite.KgError, OSError, ValueError) as error:
        reason = str(error).removeprefix(f"File format error ({path}): ")
        hint = f"\n{REBUILD}" if isinstance(error, kglite.FileFormatError) else ""
        raise InputError(f"{path} cannot be opened as a graph: {reason}{hint}") from error


def answer_rows(graph: KnowledgeGraph, answer: ResultView, rows: int | None = None) -> Rows:
    """Turn an answer of the engine into Rows, nodes and relationships in kgkt's form.

    Args:
        graph: the graph it came from, to name the ends of relationships.
        answer: what `run` gave.
        rows: the limit that was asked for.
    """
    columns = tuple(answer.columns)
    found = [tuple(row[column] for column in columns) for row in answer.to_list()]
    truncated = rows is not None and len(found) > rows
    if truncated:
        found = found[:rows]
    ends: set[int] = set()
    for row in found:
        for value in row:
            _collect_ends(value, ends)
    keys = end_keys(graph, ends) if ends else {}
    return Rows(columns, tuple(tuple(shown(value, keys) for value in row) for row in found), truncated)


def written(answer: ResultView) -> dict[str, int]:
    """What a statement changed, under the names of `WRITTEN`; the engine does not count properties of new nodes."""
    counted: dict[str, int] = answer.stats or {}
    removed = counted.get("properties_removed", 0)
    return {name: counted.get(name, 0) + (removed if name == "properties_set" else 0) for name in WRITTEN}


def end_keys(graph: KnowledgeGraph, ends: set[int]) -> dict[int, Any]:
    """The `key` of each node in `ends`, which holds the engine's own numbers."""
    from kgkt.store.statements import load

    answer = run(graph, load("element_keys").text, {"ids": [str(end) for end in sorted(ends)]})
    return {int(row["id"]): row["key"] for row in answer.to_list()}


def _collect_ends(value: Any, ends: set[int]) -> None:
    if isinstance(value, dict):
        if value.keys() == {"id", "start", "end", "type", "properties"}:
            ends.update((value["start"], value["end"]))
        else:
            for inner in value.values():
                _collect_ends(inner, ends)
    elif isinstance(value, list):
        for inner in value:
            if isinstance(inner, dict | list):
                _collect_ends(inner, ends)


def shown(value: Any, keys: Mapping[int, Any]) -> Any:
    """A value of the engine in the form that `Rows` documents."""
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, list | tuple):
        return [shown(inner, keys) for inner in value]
    if isinstance(value, dict):
        names = value.keys()
        if names == {"id", "labels", "properties"} and value["labels"]:
            kept = {k: shown(v, keys) for k, v in value["properties"].items() if k not in HIDDEN}
            return {"~node": value["labels"][0], **kept}
        if names == {"id", "start", "end", "type", "properties"}:
            properties = {k: shown(v, keys) for k, v in value["properties"].items()}
            return {"~relationship": value["type"], "~start": keys.get(value["start"]),
                    "~end": keys.get(value["end"]), **properties}
        if names == {"nodes", "relationships"}:
            steps: list[Any] = [None] * (len(value["nodes"]) + len(value["relationships"]))
            steps[::2] = [shown(node, keys) for node in value["nodes"]]
            steps[1::2] = [shown(relationship, keys) for relationship in value["relationships"]]
            return {"~path": steps}
        return {str(k): shown(v, keys) for k, v in value.items()}
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    return str(value)


