"""The embedded store: one file, kglite's Cypher, readers beside one writer.

Readers load the last save and never touch the file. A writer holds a lease; each statement is kept in a
log as it is done, and `save` puts everything into the file at once, so that readers see the old graph
until then. After a crash readers go on with the last save and the next writer recovers the log.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from kgkt.errors import InputError, UsageError
from kgkt.store import guard
from kgkt.store.embedded import engine as kg
from kgkt.store.embedded.child import FileChild
from kgkt.store.foreign import LABELS, foreign_nodes
from kgkt.store.protocol import Holds, Limits, Rows, Statement, batches, check_finite
from kgkt.store.statements import load
from kgkt.store.waiting import in_turn

if TYPE_CHECKING:
    from kglite import KnowledgeGraph


class KgliteStore:
    """A graph file, opened to read or to write.

    Args:
        path: the file.
        write: hold the writer's lease and make the file where there is none.

    Raises:
        InputError: no file there, a damaged one, or a place that cannot be written.
        BusyError: another process is writing.
    """

    engine = "kglite"
    holds = Holds(reserved=kg.HIDDEN, nested=True, unnamed=False)

    def __init__(self, path: str | Path, write: bool = False) -> None:
        self.path = Path(path)
        self.writable = write
        self.stale = False  # a writer has work that is not saved yet, or died with it
        self._dirty = False
        self._graph: KnowledgeGraph | None = None
        self._signature: tuple[int, int, int] | None = None
        self._child: FileChild | None = None
        self._child_signature: tuple[int, int, int] | None = None
        if write:
            self._graph = kg.open_writer(self.path)
        else:
            kg.need_file(self.path)

    def read(self, statement: Statement, params: Mapping[str, Any] | None = None, limits: Limits | None = None) -> Rows:
        """Run a reading statement of kgkt's own; without `limits` every row is returned."""
        graph = self._reading()
        seconds, rows = (limits.seconds, limits.rows) if limits else (None, None)
        return kg.answer_rows(graph, kg.run(graph, statement.text, params, seconds, rows), rows)

    def write(
        self,
        statement: Statement,
        rows: Iterable[Mapping[str, Any]] | None = None,
        params: Mapping[str, Any] | None = None,
    ) -> int:
        """Run a writing statement of kgkt's own; `rows` are sent as $rows in batches. Returns how many rows."""
        if not self.writable or self._graph is None:
            raise UsageError(f"{self.path} was opened to read: open it with write=True")
        params = dict(params or {})
        check_finite(params, statement.name)
        if rows is None:
            self._dirty = True
            kg.run(self._graph, statement.text, params)
            return 0
        total = 0
        for batch in batches(rows):
            for number, row in enumerate(batch, total):
                check_finite(row, f"{statement.name}, row {number}")
            self._dirty = True
            kg.run(self._graph, statement.text, {**params, "rows": batch})
            total += len(batch)
        return total

    def ask(
        self,
        text: str,
        params: Mapping[str, Any] | None = None,
        limits: Limits | None = None,
        write: bool = False,
        dry: bool = False,
    ) -> Rows:
        """Run a text that came from a user, behind the guard and the fence; `dry` keeps nothing of what it writes."""
        guard.check(text, write)
        text = guard.single(text)
        guard.check_bounded(text)
        params = dict(params or {})
        check_finite(params, "the query's parameters")
        limits = limits or Limits()
        if write:
            if self.writable:
                raise UsageError("a query that writes takes the lease itself: open the store to read")
            with contextlib.closing(in_turn(lambda: FileChild(
                    self.path, limits.memory_mb, write=True, dry=dry))) as child:  # fmt: skip
                return child.ask(text, params, limits)
        return self._asking(limits.memory_mb).ask(text, params, limits)

    def index(self, dimensions: int | None = None, shared: bool = False) -> None:
        """Make keys unique; a label that holds other people's nodes is left as it is."""
        self.write(load("know_graph"))
        foreign = foreign_nodes(self) if shared else {}
        for label in LABELS:
            if label not in foreign:
                self.write(load(f"constraint_{label.lower()}"))

    def hold(self, graph: str) -> None:
        """Keep other writers out; the writer's lease of the file does that for all its graphs."""

    def schema(self) -> guard.Schema:
        """The names of labels, relationship types and properties that the database has."""
        child = self._asking(Limits().memory_mb)
        limits = Limits(rows=100_000)
        parts = [child.ask(load(f"schema_{part}").text, {}, limits).rows for part in ("labels", "types", "properties")]
        return guard.Schema(*(frozenset(str(name) for (name,) in part) - set(kg.HIDDEN) for part in parts))

    def save(self) -> None:
        """Put what was written into the file, so that readers see it."""
        if self._dirty and self._graph is not None:
            kg.save(self._graph)
            self._dirty = False

    def close(self) -> None:
        """Save what was written and give the lease back."""
        try:
            self.save()
        finally:
            self._release()

    def _asking(self, memory_mb: int) -> FileChild:
        """The child that reads the file as it is now: kept from query to query, begun anew when needed."""
        self.save()
        signature = file_signature(self.path)
        child = self._child
        if child and child.alive and child.memory_mb == memory_mb and self._child_signature == signature:
            return child
        self._end_child()
        self._child = FileChild(self.path, memory_mb)
        self._child_signature = signature
        return self._child

    def _end_child(self) -> None:
        if self._child:
            self._child.close()
            self._child = None

    def _release(self) -> None:
        self._end_child()
        if self.writable and self._graph is not None:
            kg.release(self._graph)
        self._graph = None

    def _reading(self) -> KnowledgeGraph:
        """The loaded graph, loaded anew when the file was replaced."""
        if self.writable:
            if self._graph is None:
                raise UsageError(f"{self.path} was closed")
            return self._graph
        signature = file_signature(self.path)
        if self._graph is None or signature != self._signature:
            self._graph, self.stale = kg.open_reader(self.path)
            self._signature = signature
        return self._graph

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self.close()
        else:  # unfinished work stays in the log, readers keep the last save
            self._release()


def file_signature(path: Path) -> tuple[int, int, int]:
    """What changes when a file is replaced: modification time, inode, size."""
    try:
        stat = path.stat()
    except OSError as error:
        raise InputError(f"no graph at {path}: run kgkt populate") from error
    return stat.st_mtime_ns, stat.st_ino, stat.st_size
