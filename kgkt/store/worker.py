"""The fenced child that runs a user's Cypher on the embedded engine: `python -m kgkt.store.worker`.

A query such as `RETURN reduce(s = 'a', x IN range(1, 60) | s + s)` ignores every limit of the engine and
takes all the memory of a machine. Here it ends the child only. The child loads the graph, warms the
engine up, then gives up the right to open files, to write them (a reader), to leave core files and to
take more memory than agreed; only then it reads questions, JSON lines, from its input and answers them.

Limits on memory and files hold on Linux. On macOS the limit on memory is weak and on Windows there is
none: there the time limit, the parent's watch and the guard are all there is.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from kgkt.errors import InputError, KgktError, QueryError, StoreError, UnsafeError
from kgkt.store import engine
from kgkt.store.statements import load
from kgkt.store.store import Rows

if TYPE_CHECKING:
    from kglite import KnowledgeGraph

KINDS: dict[str, type[KgktError]] = {
    kind.__name__: kind for kind in (QueryError, InputError, StoreError, UnsafeError, KgktError)}
# An answer larger than this is refused: it has to fit into the asking process too.
ANSWER_MB = 64


def main(arguments: list[str]) -> None:
    """Answer questions about a graph file until the input ends.

    Args:
        arguments: path of the graph, megabytes a query may take, and "r", "rw", or "dry": to write into the
            copy in memory, which is never saved.
    """
    path, memory_mb, mode = Path(arguments[0]), int(arguments[1]), arguments[2]
    out = answers()
    try:
        graph = _ready(path, mode)
        limit(memory_mb, writes=mode == "rw")
    except KgktError as error:
        send(out, refusal(error))
        return
    send(out, json.dumps({"ready": os.getpid()}))
    for line in sys.stdin:
        send(out, reply(graph, json.loads(line), mode))
    if mode == "rw":
        engine.release(graph)


def answers() -> TextIO:
    """Where answers go; what a library prints from now on is not taken for one."""
    out = os.fdopen(os.dup(1), "w", encoding="utf-8", errors="surrogatepass", newline="\n")
    os.dup2(2, 1)
    return out


def _ready(path: Path, mode: str) -> KnowledgeGraph:
    """Open the graph and load what a query may need later, when no file can be opened any more."""
    import zoneinfo

    zoneinfo.ZoneInfo("UTC")
    load("element_keys")
    graph = engine.open_writer(path, log=False) if mode == "rw" else engine.open_reader(path)[0]
    if mode == "dry":
        graph.read_only(False)
    if mode != "r":
        engine.spend_ids(graph)
    engine.answer_rows(graph, engine.run(graph, load("warm_up").text))
    return graph


def limit(memory_mb: int, writes: bool) -> None:
    """Put the limits of this process on: memory beyond what it holds now, files, core files."""
    try:
        import resource
    except ImportError:  # Windows has none
        return
    if sys.platform == "linux":
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
        room = pages * os.sysconf("SC_PAGE_SIZE") + memory_mb * 1024 * 1024
        resource.setrlimit(resource.RLIMIT_AS, (room, room))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if not writes:
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
        resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))


@contextlib.contextmanager
def no_files() -> Iterator[None]:
    """Let nothing open a file inside; a writer needs that right back for its save."""
    try:
        import resource
    except ImportError:  # Windows has none
        yield
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def reply(graph: KnowledgeGraph, question: dict[str, Any], mode: str) -> str:
    """The answer to one question, as a line of JSON.

    Args:
        graph: the open graph.
        question: {"text", "params", "seconds", "rows"}.
        mode: "r", "rw": save after the statement, or "dry".
    """
    try:
        with no_files() if mode == "rw" else contextlib.nullcontext():
            answer = engine.run(graph, question["text"], question["params"], question["seconds"], question["rows"])
            rows = engine.answer_rows(graph, answer, question["rows"])
        if mode == "rw":
            engine.save(graph)
        return encoded(rows, engine.written(answer) if mode != "r" else None)
    except KgktError as error:
        return refusal(error)
    except MemoryError:
        os._exit(1)  # nothing can be said any more; the parent knows what an end without a word means


def encoded(found: Rows, written: Mapping[str, int] | None) -> str:
    """Rows, and what was written on the way, as a line of JSON.

    Raises:
        QueryError: it would be too long for the asking process.
    """
    parts: list[str] = []
    size = 0
    for row in found.rows:
        parts.append(json.dumps(row, ensure_ascii=False))
        size += len(parts[-1])
        if size > ANSWER_MB * 1024 * 1024:
            raise QueryError(f"the answer is larger than {ANSWER_MB} MB: return fewer columns, or add LIMIT")
    head = json.dumps({"columns": found.columns, "truncated": found.truncated, "written": written}, ensure_ascii=False)
    return f'{head[:-1]}, "rows": [{", ".join(parts)}]}}'


def refusal(error: KgktError) -> str:
    """An error as a line of JSON."""
    kind = next((name for name, kind in KINDS.items() if type(error) is kind), "KgktError")
    return json.dumps({"error": kind, "message": str(error)})


def send(out: TextIO, line: str) -> None:
    """Answer with one line."""
    out.write(line + "\n")
    out.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
