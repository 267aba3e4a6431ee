"""Who may write a graph on a server: one writer at a time, and one that died is followed at once.

The writer's name stands on the Graph node until it ends, with a time that it keeps putting off. A process
on this machine that is gone, or one anywhere that put nothing off for a minute, holds nothing any more.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import secrets
import socket
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from kgkt.errors import BusyError, KgktError, StoreError
from kgkt.files import is_running
from kgkt.store.protocol import Rows, Statement
from kgkt.store.statements import load
from kgkt.store.waiting import LATER

LASTS_SECONDS = 60.0
BEAT_SECONDS = 10.0

HELD: set[str] = set()  # by this process

Change = Callable[[Statement, Mapping[str, Any]], Rows]


class Lease:
    """The right to write one graph.

    Args:
        change: runs a statement that writes and returns rows.
        graph: name of the graph.

    Raises:
        BusyError: another writer holds it.
    """

    def __init__(self, change: Change, graph: str) -> None:
        self.graph = graph
        self.writer = f"pid {os.getpid()} on {socket.gethostname()} {machine()}-{secrets.token_hex(3)}"
        self.lost = False
        self._change = change
        self._ended = threading.Event()
        self._run("hold_make", graph=graph)
        holder = self._take()
        if holder != self.writer and gone(holder):
            holder = self._take(gone=holder)
        if holder != self.writer:
            raise BusyError(f"graph {graph} is busy, held by {holder.rpartition(' ')[0]}: it is being written; {LATER}")
        HELD.add(self.writer)
        self._thread = threading.Thread(target=self._beat, daemon=True)
        self._thread.start()

    def check(self) -> None:
        """Refuse to go on when another writer has taken over."""
        if self.lost:
            raise StoreError(f"another writer took graph {self.graph} over, for nothing was heard of this one for "
                             f"{LASTS_SECONDS:.0f} s: run this again when that is done")

    def end(self, reachable: bool = True) -> None:
        """Give the right back; where the server is gone the right runs out by itself."""
        self._ended.set()
        HELD.discard(self.writer)
        if not reachable:
            return
        self._thread.join()
        with contextlib.suppress(KgktError):
            self._run("hold_end", graph=self.graph, writer=self.writer)

    def _take(self, gone: str = "") -> str:
        rows = self._run("hold_take", graph=self.graph, writer=self.writer, gone=gone,
                         milliseconds=int(1000 * LASTS_SECONDS))
        return str(rows.rows[0][0])

    def _beat(self) -> None:
        while not self._ended.wait(BEAT_SECONDS):
            with contextlib.suppress(KgktError):  # the server may come back; what is written meanwhile says so
                rows = self._run("hold_keep", graph=self.graph, writer=self.writer,
                                 milliseconds=int(1000 * LASTS_SECONDS))
                self.lost = not rows.rows

    def _run(self, statement: str, **params: Any) -> Rows:
        return self._change(load(statement, "neo4j"), params)


@functools.cache
def machine() -> str:
    """What tells this machine, since it was started, and this space of process numbers from others."""
    parts = [socket.gethostname()]
    for path in ("/proc/sys/kernel/random/boot_id", "/proc/self/ns/pid"):
        with contextlib.suppress(OSError):
            parts.append(os.readlink(path) if path.endswith("pid") else Path(path).read_text(encoding="ascii"))
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]


def gone(writer: str) -> bool:
    """Whether a writer is known to be gone: a process of this machine that is no more, or this one, long ago."""
    words = writer.split()
    if len(words) < 2 or words[-1].partition("-")[0] != machine() or os.name != "posix":
        return False
    if words[1] == str(os.getpid()):
        return writer not in HELD
    return words[1].isdecimal() and not is_running(int(words[1]))
