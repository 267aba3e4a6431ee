"""The protocol of a store, and the one function that opens one from a URL."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol, Self

if TYPE_CHECKING:
    from kgkt.store.guard import Schema


@dataclass(frozen=True, slots=True)
class Limits:
    """What a query may use: wall seconds, rows returned, megabytes of the asking child."""

    seconds: float = 30.0
    rows: int = 1000
    memory_mb: int = 2048


@dataclass(frozen=True, slots=True)
class Statement:
    """A Cypher text with its name; shipped ones come from `cypher/`, a user's is called "query"."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Rows:
    """An answer: column names, rows as tuples, whether rows were cut off at the limit, and what was written.

    Nodes come as {"~node": label, **properties}, relationships as {"~relationship": type,
    "~start": key, "~end": key, **properties}, paths as {"~path": [node, relationship, node, ...]}:
    the same on every store. `written` counts under the names of `WRITTEN` what a statement changed that
    was allowed to write; None where it was not.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    truncated: bool = False
    written: Mapping[str, int] | None = None

    def dicts(self) -> list[dict[str, Any]]:
        """The rows as dictionaries by column name."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]


WRITTEN = (
    "nodes_created", "nodes_deleted", "relationships_created", "relationships_deleted", "properties_set",
    "labels_added", "labels_removed", "constraints_added", "constraints_removed", "indexes_added", "indexes_removed",
)  # fmt: skip
SERVERS = ("neo4j", "neo4j+s", "neo4j+ssc", "bolt", "bolt+s", "bolt+ssc")
NODE_BATCH = 5_000
EDGE_BATCH = 10_000


def batches(rows: Iterable[Mapping[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """Cut rows into batches: those of edges have the ends `a` and `b` and may be longer."""
    batch: list[dict[str, Any]] = []
    size = NODE_BATCH
    for row in rows:
        if not batch:
            size = EDGE_BATCH if "a" in row and "b" in row else NODE_BATCH
        batch.append(dict(row))
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


class Store(Protocol):
    """What every database must do; `kgkt.store.kglite` and `kgkt.store.neo4j` are the variants."""

    engine: str

    def read(
        self, statement: Statement, params: Mapping[str, Any] | None = None, limits: Limits | None = None
    ) -> Rows:
        """Run a reading statement of kgkt's own; without `limits` every row is returned."""
        ...

    def write(
        self,
        statement: Statement,
        rows: Iterable[Mapping[str, Any]] | None = None,
        params: Mapping[str, Any] | None = None,
    ) -> int:
        """Run a writing statement of kgkt's own; `rows` are sent as $rows in batches. Returns how many rows."""
        ...

    def ask(
        self,
        text: str,
        params: Mapping[str, Any] | None = None,
        limits: Limits | None = None,
        write: bool = False,
        dry: bool = False,
    ) -> Rows:
        """Run a text that came from a user, behind the guard and the fence.

        Args:
            text: one Cypher statement.
            params: of the statement.
            limits: on time, rows and memory.
            write: whether it may write.
            dry: keep nothing of what it writes, and say what that was.
        """
        ...

    def index(self, dimensions: int | None = None, shared: bool = False) -> None:
        """Make keys unique, and centroids and names searchable, as far as the database can and may.

        Args:
            dimensions: width of the centroids.
            shared: leave labels alone that hold other people's nodes.
        """
        ...

    def hold(self, graph: str) -> None:
        """Keep other writers of a graph out until `close`.

        Raises:
            StoreError: another one holds it, with its pid.
        """
        ...

    def save(self) -> None:
        """Make what `write` did visible to readers; on a server that is so already."""
        ...

    def schema(self) -> Schema:
        """The names of labels, relationship types and properties that the database has."""
        ...

    def close(self) -> None:
        """Let go of the database; on the embedded one, whatever `write` did is saved first."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


def open_store(url: str, write: bool = False, database: str | None = None) -> Store:
    """Open the database that `url` names.

    Args:
        url: `kglite:PATH` for the embedded engine, `neo4j://HOST:PORT` and its kin for a server.
        write: to write; on the embedded engine that takes the writer's lease.
        database: its name on a server; else NEO4J_DATABASE, else neo4j.

    Raises:
        StoreError: unreachable, busy (another writer, with its pid) or refused.
        UsageError: a scheme that no store has, or an address that holds a password.
    """
    check_url(url)
    if url.startswith("kglite:"):
        from kgkt.store.kglite import KgliteStore

        return KgliteStore(url.removeprefix("kglite:"), write=write)
    from kgkt.store.neo4j import Neo4jStore
    from kgkt.store.server import read_settings

    return Neo4jStore(url, read_settings(database), write=write)


def check_url(url: str) -> None:
    """Refuse what names no database, and an address that a password stands in; it is not repeated.

    Raises:
        UsageError: what is wrong with it.
    """
    from urllib.parse import urlsplit

    from kgkt.errors import UsageError

    scheme, _, rest = url.partition(":")
    if scheme == "kglite" and rest:
        return
    if scheme not in SERVERS:
        raise UsageError(f"no store for {url!r}: use kglite:PATH, or {', '.join(f'{s}://HOST' for s in SERVERS)}"
                         if "@" not in url else "no store for that address: use kglite:PATH or neo4j://HOST")
    if "@" in rest:
        raise UsageError(f"{scheme}://… holds a user or a password: leave it out, and set NEO4J_USERNAME and "
                         "NEO4J_PASSWORD (or put them in .env)")
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise UsageError(f"{url}: {error}; write {scheme}://HOST:PORT") from error
    if not host or not rest.startswith("//"):
        raise UsageError(f"{url} names no server: write {scheme}://HOST:PORT")
    if parts.path not in ("", "/"):
        raise UsageError(f"{url}: the name of the database goes into --database or NEO4J_DATABASE, not into the "
                         "address")
