"""The child that puts a user's Cypher to a Neo4j server: `python -m kgkt.store.server.worker`.

What the server may use for a query is the server's to bound. What comes back is bounded here: a list of a
hundred million numbers costs the server nothing and would fill the asking process. The child takes the
memory agreed and no more, and the parent ends it when it is late. The password comes over its input: the
arguments and the environment of a process can be read by others.
"""

from __future__ import annotations

import json
import os
import re
import sys
from typing import TYPE_CHECKING, Any

from kgkt.errors import KgktError, QueryError, UnsafeError
from kgkt.store.fence import answers, encoded, limit, refusal, send
from kgkt.store.server import connection as server
from kgkt.store.server.answers import fetch

if TYPE_CHECKING:
    from neo4j import Driver

EXPLAIN = "EXPLAIN\n"  # on a line of its own, so that columns stay as they are
READS, WRITES = ("r",), ("r", "w", "rw")
UNUSED = ("numpy", "pandas", "pyarrow")  # the driver loads them where it finds them: most of what it takes to start


def main(arguments: list[str]) -> None:
    """Answer questions until the input ends; the first line of it says who asks.

    Args:
        arguments: URL of the server, megabytes a query may take, and "r", "rw", or "dry": to write and take it back.
    """
    url, memory_mb, mode = arguments[0], int(arguments[1]), arguments[2]
    out = answers()
    settings = server.Settings(**json.loads(sys.stdin.readline()))
    for name in UNUSED:
        sys.modules[name] = None  # type: ignore[assignment]  # counts as not installed
    try:
        driver = server.connect(url, settings)
        limit(memory_mb, writes=True)  # it opens no file, and may have to connect again
    except KgktError as error:
        send(out, refusal(error))
        return
    send(out, json.dumps({"ready": os.getpid()}))
    for line in sys.stdin:
        send(out, reply(driver, url, settings, json.loads(line), mode))


def reply(driver: Driver, url: str, settings: server.Settings, question: dict[str, Any], mode: str) -> str:
    """The answer to one question, as a line of JSON.

    Args:
        driver: connected.
        url, settings: what errors name.
        question: {"text", "params", "seconds", "rows"}.
        mode: "r", "rw", or "dry".
    """
    text, params, seconds, rows = (question[name] for name in ("text", "params", "seconds", "rows"))
    writes = mode != "r"
    try:
        with driver.session(database=settings.database, default_access_mode="WRITE" if writes else "READ",
                            fetch_size=min(rows + 1, 1000)) as session, session.begin_transaction(
                                timeout=seconds) as tx:
            kind = tx.run(EXPLAIN + text, params).consume().query_type
            if kind not in (WRITES if writes else READS):
                raise _not_allowed(kind)
            found = fetch(tx, text, params, rows)
            answer = encoded(found, found.written if writes else None)
            if mode == "rw":
                tx.commit()
            else:
                tx.rollback()  # the end of the block would commit
        return answer
    except MemoryError:
        os._exit(1)  # nothing can be said any more; the parent knows what an end without a word means
    except Exception as error:
        if any(isinstance(cause, MemoryError) for cause in server.chain(error)):
            os._exit(1)
        if _broken_off(error, url, settings):
            return refusal(QueryError("the server broke off in the middle of the answer, which was too large for it: "
                                      "return less, or add LIMIT"))
        said = server.translated(error, url, settings, seconds)
        return refusal(type(said)(_as_sent(str(said))))


def _broken_off(error: BaseException, url: str, settings: server.Settings) -> bool:
    """Whether the connection was lost while the server itself goes on."""
    if not server.is_lost(error):
        return False
    try:
        server.connect(url, settings)
    except KgktError:
        return False
    return True


def _as_sent(message: str) -> str:
    """An error's message with the places of the text as it was sent, without the line that went before it."""
    if "conflicting values for execution mode" in message:
        return "PROFILE is for Neo4j Browser and cypher-shell: leave it out"
    return re.sub(r"\(line (\d+), column (\d+) \(offset: (\d+)\)\)", lambda match: (
        f"(line {int(match.group(1)) - 1}, column {match.group(2)})"
        if int(match.group(1)) > 1 else match.group()), message)


def _not_allowed(kind: str | None) -> KgktError:
    if kind in ("w", "rw"):
        return UnsafeError("this query would write: add --rw if you mean to")
    if kind == "s":
        return UnsafeError("commands on the schema, users or the server are refused: use cypher-shell or the Browser")
    return QueryError(f"the server does not say what this query does ({kind}): it is not run")


if __name__ == "__main__":
    main(sys.argv[1:])
