"""Opens a store from a URL: the one place where the kind of database is chosen."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kgkt.store.protocol import Store


EMBEDDED = "kglite:"
SERVERS = ("neo4j", "neo4j+s", "neo4j+ssc", "bolt", "bolt+s", "bolt+ssc")


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
    if (path := embedded_path(url)) is not None:
        from kgkt.store.embedded.store import KgliteStore

        return KgliteStore(path, write=write)
    from kgkt.store.server.connection import read_settings
    from kgkt.store.server.store import Neo4jStore

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


def embedded_path(url: str) -> Path | None:
    """The file of an embedded store; None where `url` is of a server.

    >>> embedded_path("kglite:run/graph.kgl"), embedded_path("neo4j://localhost")
    (PosixPath('run/graph.kgl'), None)
    """
    return Path(url.removeprefix(EMBEDDED)) if url.startswith(EMBEDDED) else None


def embedded_url(path: Path) -> str:
    """URL of an embedded store in a file."""
    return f"{EMBEDDED}{path}"


def absolute(url: str) -> str:
    """The URL of a database, the same however it is written and from wherever it is opened."""
    path = embedded_path(url)
    return url.rstrip("/") if path is None else embedded_url(path.resolve())
