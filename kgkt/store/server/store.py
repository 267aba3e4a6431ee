"""A Neo4j server as the store, through its driver: 5.11 or newer, Community, Enterprise or Aura."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from kgkt.errors import InputError, KgktError, UsageError
from kgkt.store import guard
from kgkt.store.foreign import LABELS, foreign_nodes
from kgkt.store.protocol import Holds, Limits, Rows, Statement, batches, check_finite
from kgkt.store.server import connection as server
from kgkt.store.server.answers import fetch
from kgkt.store.server.child import ServerChild
from kgkt.store.server.lease import Lease
from kgkt.store.statements import load

if TYPE_CHECKING:
    from neo4j import ManagedTransaction, Session


class Neo4jStore:
    """A database on a server, opened to read or to write.

    Args:
        url: neo4j://HOST, neo4j+s://, neo4j+ssc://, bolt://, bolt+s:// or bolt+ssc://.
        settings: who asks, and which database.
        write: allow `write`; `hold` keeps other writers of a graph out.

    Raises:
        StoreError: unreachable, refused, no such database, or too old: one line each.
    """

    engine = "neo4j"
    holds = Holds()

    def __init__(self, url: str, settings: server.Settings, write: bool = False) -> None:
        self.url, self.settings, self.writable = url, settings, write
        self._leases: list[Lease] = []
        self._reachable = True
        self._child: ServerChild | None = None
        self._driver = server.connect(url, settings)
        server.LOG.info("%s, database %s, user %s (%s)", url, settings.database, settings.username, settings.origin)

    def read(self, statement: Statement, params: Mapping[str, Any] | None = None, limits: Limits | None = None) -> Rows:
        """Run a reading statement of kgkt's own; without `limits` every row is returned."""
        from neo4j import unit_of_work

        rows, seconds = (limits.rows, limits.seconds) if limits else (None, None)
        given = dict(params or {})

        @unit_of_work(timeout=seconds)
        def work(tx: ManagedTransaction) -> Rows:
            return fetch(tx, statement.text, given, rows)

        return self._managed(lambda session: session.execute_read(work), seconds, "READ")

    def write(
        self,
        statement: Statement,
        rows: Iterable[Mapping[str, Any]] | None = None,
        params: Mapping[str, Any] | None = None,
    ) -> int:
        """Run a writing statement of kgkt's own; `rows` are sent as $rows in batches. Returns how many rows."""
        if not self.writable:
            raise UsageError(f"{self.url} was opened to read: open it with write=True")
        given = dict(params or {})
        check_finite(given, statement.name)
        if rows is None:
            self._change(statement, given)
            return 0
        total = 0
        for batch in batches(rows):
            for number, row in enumerate(batch, total):
                check_finite(row, f"{statement.name}, row {number}")
                _check_key(row, f"{statement.name}, row {number}")
            self._change(statement, {**given, "rows": batch})
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
        given = dict(params or {})
        check_finite(given, "the query's parameters")
        limits = limits or Limits()
        if write and self.writable:
            raise UsageError("a query that writes opens the store itself: open it to read")
        return self._asking(limits.memory_mb, write, dry).ask(text, given, limits)

    def schema(self) -> guard.Schema:
        """The names of labels, relationship types and properties that the database has."""
        parts = [self.read(load(f"schema_{part}", self.engine)).rows for part in ("labels", "types", "properties")]
        return guard.Schema(*(frozenset(str(name) for (name,) in part) for part in parts))

    def index(self, dimensions: int | None = None, shared: bool = False) -> None:
        """Make keys unique, and centroids and names searchable, as far as the database can and may."""
        foreign = foreign_nodes(self) if shared else {}
        wanted = [f"{'index' if label in foreign else 'constraint'}_{label.lower()}" for label in LABELS]
        refusals = [reason for name in wanted if (reason := self._define(name))]
        if refusals:
            server.LOG.warning("%d of %d keys are not indexed in database %s: slower, still right (%s)", len(refusals),
                               len(wanted), self.settings.database, refusals[0])
            return
        if dimensions:
            self._define("index_centroids", dimensions=dimensions)
        self._define("index_names")

    def hold(self, graph: str) -> None:
        """Keep other writers of a graph out until `close`.

        Raises:
            BusyError: another one holds it, with its pid.
        """
        self._leases.append(Lease(self._change, graph))

    def save(self) -> None:
        """Nothing: what was written is visible already."""

    def close(self) -> None:
        """Let other writers in, and end the child; the driver is kept for the next store of this process."""
        while self._leases:
            self._leases.pop().end(self._reachable)
        if self._child:
            self._child.close()
            self._child = None

    def _define(self, name: str, **params: Any) -> str:
        """Make a constraint or an index; where the server has it otherwise or refuses, why."""
        try:
            self._change(load(name, self.engine), params)
        except KgktError as error:
            return str(error)
        return ""

    def _change(self, statement: Statement, params: Mapping[str, Any]) -> Rows:
        for lease in self._leases:
            lease.check()
        return self._managed(lambda session: session.execute_write(fetch, statement.text, params), None, "WRITE")

    def _managed(self, work: Callable[[Session], Rows], seconds: float | None, mode: str) -> Rows:
        try:
            with self._driver.session(
                    database=self.settings.database, default_access_mode=mode,
                    bookmark_manager=self._driver.execute_query_bookmark_manager) as session:
                rows = work(session)
        except Exception as error:
            self._reachable = not server.is_lost(error)
            raise server.translated(error, self.url, self.settings, seconds) from error
        self._reachable = True
        return rows

    def _asking(self, memory_mb: int, write: bool, dry: bool) -> ServerChild:
        """The child that asks: kept from query to query, begun anew when needed."""
        child = self._child
        if child and child.alive and (child.memory_mb, child.write, child.dry) == (memory_mb, write, dry):
            return child
        if child:
            child.close()
        self._child = ServerChild(self.url, self.settings, memory_mb, write, dry)
        return self._child

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _check_key(row: Mapping[str, Any], where: str) -> None:
    """Refuse a key that is too long for an index of the server."""
    key = row.get("key")
    if isinstance(key, str) and len(key) > server.LONGEST_KEY // 4 and len(
            key.encode("utf-8", "surrogatepass")) > server.LONGEST_KEY:
        raise InputError(f"{where}: a key of {len(key):,} characters is too long for Neo4j, which indexes "
                         f"{server.LONGEST_KEY:,} bytes: shorten the item's id or the name ({key[:40]}…)")
