"""The protocol of a store, and the one function that opens one from a URL."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
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
    """An answer: column names, rows as tuples, and whether rows were cut off at the limit.

    Nodes come as {"~node": label, **properties}, relationships as {"~relationship": type,
    "~start": key, "~end": key, **properties}, paths as {"~path": [node, relationship, node, ...]}:
    the same on every store.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    truncated: bool = False

    def dicts(self) -> list[dict[str, Any]]:
        """The rows as dictionaries by column name."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]


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
    ) -> Rows:
        """Run a text that came from a user, behind the guard and the fence."""
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


def open_store(url: str, write: bool = False) -> Store:
    """Open the database that `url` names.

    Args:
        url: `kglite:PATH` for the embedded engine.
        write: take the writer's lease; readers never do.

    Raises:
        StoreError: unreachable, busy (another writer, with its pid) or refused.
        UsageError: a scheme that no store has.
    """
    from kgkt.errors import UsageError

    scheme, _, rest = url.partition(":")
    if scheme == "kglite" and rest:
        from kgkt.store.kglite import KgliteStore

        return KgliteStore(rest, write=write)
    raise UsageError(f"no store for {url!r}: use kglite:PATH")
