"""How a Neo4j server is reached: its address, who asks, one driver a process, and what its errors mean."""

from __future__ import annotations

import atexit
import functools
import logging
import os
import re
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from kgkt.errors import InputError, KgktError, QueryError, StoreError, UnsafeError
from kgkt.store.protocol import timed_out

if TYPE_CHECKING:
    from neo4j import Driver

LOG = logging.getLogger("kgkt.store")
OLDEST = (5, 11)
# An address that does not answer is given up after this; a host may have two addresses.
CONNECT_SECONDS = 3.0
RETRY_SECONDS = 8.0
# The server cannot index a longer key; it counts bytes, and its index needs some of them itself.
LONGEST_KEY = 8_000


@dataclass(frozen=True, slots=True)
class Settings:
    """Who asks, and which database.

    Args:
        username, password: None where none is set anywhere.
        database: its name on the server.
        origin: where they were found, in words.
    """

    username: str
    password: str | None = field(repr=False)
    database: str
    origin: str


def read_settings(database: str | None = None, folder: Path | None = None) -> Settings:
    """NEO4J_USERNAME, NEO4J_PASSWORD and NEO4J_DATABASE, of the environment, else of `.env`.

    Args:
        database: said by a flag or the recipe; it goes first.
        folder: where `.env` lies; else the current folder.

    Raises:
        InputError: `.env` cannot be read.
    """
    path = (folder or Path()) / ".env"
    file = read_env_file(path) if path.is_file() else {}
    found: dict[str, str] = {}
    places: dict[str, list[str]] = {}
    for name in ("NEO4J_USERNAME", "NEO4J_PASSWORD", "NEO4J_DATABASE"):
        for place, values in (("the environment", os.environ), (str(path), file)):
            if values.get(name):
                found[name] = values[name]
                places.setdefault(place, []).append(name)
                break
    origin = "; ".join(f"{', '.join(names)} from {place}" for place, names in places.items())
    return Settings(found.get("NEO4J_USERNAME", "neo4j"), found.get("NEO4J_PASSWORD"),
                    database or found.get("NEO4J_DATABASE", "neo4j"), origin or "no NEO4J_ settings found")


def address(folder: Path | None = None) -> str | None:
    """NEO4J_URI, of the environment, else of `.env`."""
    path = (folder or Path()) / ".env"
    return os.environ.get("NEO4J_URI") or (read_env_file(path).get("NEO4J_URI") if path.is_file() else None)


def read_env_file(path: Path) -> dict[str, str]:
    """The NAME=VALUE lines of a file; `export`, quotes and comments are understood.

    Raises:
        InputError: it cannot be read as text.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read as text: correct it, or take it away") from error
    values = {}
    for line in text.splitlines():
        match = re.fullmatch(r"""\s*(?:export\s+)?(\w+)\s*=\s*("[^"]*"|'[^']*'|[^#]*?)\s*(?:\s#.*)?""", line)
        if match and not line.lstrip().startswith("#"):
            value = match.group(2)
            values[match.group(1)] = value[1:-1] if value[:1] in ("'", '"') and len(value) > 1 else value
    return values


@functools.cache
def driver(url: str, username: str, password: str | None) -> Driver:
    """The driver for a server; there is one in a process, closed when it ends."""
    made = _made(url, username, password, CONNECT_SECONDS)
    atexit.register(made.close)
    return made


def _made(url: str, username: str, password: str | None, seconds: float) -> Driver:
    from neo4j import GraphDatabase

    logging.getLogger("neo4j").addHandler(logging.NullHandler())  # else it prints; what it raises says the same
    return GraphDatabase.driver(
        url, auth=(username, password) if password is not None else None,
        connection_timeout=seconds, connection_acquisition_timeout=2 * seconds,
        max_transaction_retry_time=RETRY_SECONDS, notifications_min_severity="OFF", user_agent="kgkt")


def connect(url: str, settings: Settings) -> Driver:
    """The driver, after the server was heard: it answers, lets us in, has the database, and is new enough.

    Raises:
        StoreError: one line for each way in which that can fail.
    """
    try:
        made = driver(url, settings.username, settings.password)
        with made.session(database=settings.database, default_access_mode="READ") as session:
            agent = session.run("RETURN 1").consume().server.agent
    except Exception as error:
        cause = _cause(url, settings) if "routing" in str(error) else None
        raise translated(cause or error, url, settings) from error
    check_version(agent, url)
    return made


def _cause(url: str, settings: Settings) -> Exception | None:
    """Why a server behind neo4j:// was not reached: the driver only says that it has no routes."""
    try:
        with _made(url.replace("neo4j", "bolt", 1), settings.username, settings.password, CONNECT_SECONDS / 2) as made:
            made.verify_connectivity()
    except Exception as error:
        return error
    return None


def check_version(agent: str, url: str) -> None:
    """Refuse a server older than 5.11; `agent` is what it calls itself, e.g. Neo4j/5.26.3.

    >>> check_version("Neo4j/5.26.3", "neo4j://localhost"), check_version("Neo4j/2025.10.1", "neo4j://localhost")
    (None, None)
    """
    match = re.match(r"Neo4j/(\d+)\.(\d+)", agent)
    if match and (int(match.group(1)), int(match.group(2))) < OLDEST:
        raise StoreError(f"{url} is {agent}: kgkt needs Neo4j {OLDEST[0]}.{OLDEST[1]} or newer")


def is_lost(error: BaseException) -> bool:
    """Whether an error says that the server is not there, or not any more."""
    from neo4j.exceptions import ServiceUnavailable, SessionExpired

    return isinstance(error, ServiceUnavailable | SessionExpired)


def translated(error: BaseException, url: str, settings: Settings, seconds: float | None = None) -> KgktError:
    """The error of kgkt that says in one line what the driver's error means, and what to do."""
    from neo4j import exceptions as ex

    if isinstance(error, KgktError):
        return error
    code = getattr(error, "code", None) or ""
    message = " ".join(str(getattr(error, "message", None) or error).split())
    if isinstance(error, ex.AuthError) or code.startswith("Neo.ClientError.Security.") or isinstance(
            error, ex.Forbidden):
        return _refused(code, message, url, settings)
    if code.startswith("Neo.ClientError.Database.") or "DatabaseNotFound" in code:
        return StoreError(f"{url} has no database {settings.database!r}: name another with --database or "
                          "NEO4J_DATABASE")
    if isinstance(error, ex.ServiceUnavailable | ex.SessionExpired | ex.ConfigurationError | OSError):
        return _unreachable(error, message, url)
    if isinstance(error, ex.DriverError) and not isinstance(error, ex.ResultError | ex.TransactionError):
        return StoreError(f"{url}: {message}")
    if "TransactionTimedOut" in code or "Terminated" in code or code.endswith("LockAcquisitionTimeout"):
        return QueryError(timed_out(seconds or 0))
    if "OutOfMemory" in code:
        return QueryError("the query needed more memory than the server gives it (db.memory.transaction.max): "
                          "add LIMIT or narrow it")
    if code.endswith("Statement.AccessMode"):
        return UnsafeError("this query would write: add --rw if you mean to")
    if code.startswith("Neo.DatabaseError.Statement"):
        return QueryError(message)
    if code.startswith(("Neo.TransientError", "Neo.DatabaseError")):
        return StoreError(f"{url} could not do it: {message}")
    if isinstance(error, OverflowError | TypeError | ValueError | RecursionError):
        return InputError(f"a parameter of the query cannot be stored: {message}")
    return QueryError(str(getattr(error, "message", None) or error))


def _refused(code: str, message: str, url: str, settings: Settings) -> StoreError:
    if code.endswith("AuthenticationRateLimit"):
        return StoreError(f"{url}: too many wrong passwords for user {settings.username}: wait some seconds")
    if code.endswith("CredentialsExpired"):
        return StoreError(f"{url}: the password of user {settings.username} must be changed first "
                          "(ALTER CURRENT USER SET PASSWORD, in the Browser or cypher-shell)")
    if code.endswith("Forbidden"):
        return StoreError(f"{url}: user {settings.username} may not do that: {message}")
    if settings.password is None:
        return StoreError(f"{url} wants a password: set NEO4J_USERNAME and NEO4J_PASSWORD, or put them in .env")
    return StoreError(f"{url} refuses user {settings.username} with this password ({settings.origin}): "
                      "set NEO4J_USERNAME and NEO4J_PASSWORD")


def _unreachable(error: BaseException, message: str, url: str) -> StoreError:
    causes = list(chain(error))
    encrypted = "+s" in url.partition(":")[0]
    if any(isinstance(cause, ssl.SSLCertVerificationError) for cause in causes):
        return StoreError(f"{url}: the server's certificate is not trusted; a self-signed one needs +ssc:// "
                          "in place of +s://")
    if any(isinstance(cause, ssl.SSLError) for cause in causes) or (encrypted and "secur" in message.lower()):
        return StoreError(f"{url}: TLS is asked for (+s) and the server does not speak it: leave +s or +ssc out of the "
                          "address")
    if not encrypted and any(isinstance(cause, ConnectionResetError | EOFError) or "handshake" in str(cause).lower()
                             or "incomplete" in str(cause).lower() for cause in causes):
        return StoreError(f"{url}: something answers there, but not as Neo4j's Bolt does: is the port right (7687)? "
                          f"A server that wants TLS is asked with {url.partition(':')[0]}+s://")
    reason = "the connection was lost" if "defunct" in message else message[:120] or type(error).__name__
    return StoreError(f"{url} cannot be reached: is the server up, and the address right? ({reason})")


def chain(error: BaseException | None) -> Iterator[BaseException]:
    """An error, and those that it came from."""
    seen: list[BaseException] = []
    while error is not None and error not in seen:
        seen.append(error)
        yield error
        error = error.__cause__ or error.__context__
