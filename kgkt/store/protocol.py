"""The protocol of a store, and the one function that opens one from a URL."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol, Self

from kgkt.errors import InputError

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

    def to_pandas(self) -> Any:
        """The rows as a pandas DataFrame."""
        from kgkt.tables import data_frame

        return data_frame(self.columns, self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        return iter(self.rows)

    def _repr_html_(self) -> str:
        from kgkt.tables import html_table

        return html_table(self.columns, self.rows, "cut at the limit on rows" if self.truncated else "")


WRITTEN = (
    "nodes_created", "nodes_deleted", "relationships_created", "relationships_deleted", "properties_set",
    "labels_added", "labels_removed", "constraints_added", "constraints_removed", "indexes_added", "indexes_removed",
)  # fmt: skip
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


@dataclass(frozen=True, slots=True)
class Holds:
    """What a database can hold as a property.

    Args:
        reserved: names that it keeps for itself.
        nested: whether a value may be a map, or a list of lists.
        unnamed: whether a node may be without `name`.
    """

    reserved: tuple[str, ...] = ()
    nested: bool = False
    unnamed: bool = True


class Store(Protocol):
    """What every database must do; `kgkt.store.embedded.store` and `kgkt.store.server.store` are the variants."""

    engine: str  # which variant of a shipped statement it reads
    holds: Holds

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
            BusyError: another one holds it, with its pid.
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


def timed_out(seconds: float) -> str:
    """What is said of a query that ran too long."""
    return f"stopped after {seconds:g} s. Add LIMIT, or start from fewer nodes."


def check_finite(value: Any, where: str) -> None:
    """Refuse NaN and infinity, which the engine would store and compare as null."""
    if isinstance(value, float):
        if not math.isfinite(value):
            raise InputError(f"{where}: {value} cannot be stored; give a finite number")
    elif isinstance(value, list | tuple):
        for inner in value:
            check_finite(inner, where)
    elif isinstance(value, dict):
        for name, inner in value.items():
            check_finite(inner, f"{where}, {name}")
