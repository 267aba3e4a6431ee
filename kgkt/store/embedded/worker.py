"""The fenced child that runs a user's Cypher on the embedded engine: `python -m kgkt.store.embedded.worker`.

A query such as `RETURN reduce(s = 'a', x IN range(1, 60) | s + s)` ignores every limit of the engine and
takes all the memory of a machine. Here it ends the child only. The child loads the graph, warms the
engine up, then gives up the right to open files, to write them (a reader), to leave core files and to
take more memory than agreed; only then it reads questions, JSON lines, from its input and answers them.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kgkt.errors import KgktError
from kgkt.store.embedded import engine
from kgkt.store.fence import answers, encoded, limit, no_files, refusal, send
from kgkt.store.statements import load

if TYPE_CHECKING:
    from kglite import KnowledgeGraph


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


if __name__ == "__main__":
    main(sys.argv[1:])
