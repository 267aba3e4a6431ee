"""Says of a user's Cypher, before any engine sees it, whether it may run.

Never: LOAD CSV (it reads files and addresses), IN TRANSACTIONS (it commits by itself), SHOW (it tells of
the server and its users), USE (it asks another database), a procedure or a function of a library outside
the lists below (some run Cypher themselves, some call addresses). Only when asked to write: clauses that
write. The engines have their own checks behind this one; each stands on its own.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Sequence
from dataclasses import dataclass

from kgkt.errors import QueryError, UnsafeError, nearest
from kgkt.store.tokens import Token, readings, tokenize, where

PROCEDURES = ("db.labels", "db.relationshiptypes", "db.propertykeys", "db.schema.*", "db.index.*.query*")
FUNCTIONS = ("date.*", "time.*", "localtime.*", "datetime.*", "localdatetime.*", "duration.*", "point.*", "vector.*",
             "apoc.agg.*", "apoc.coll.*", "apoc.convert.*", "apoc.date.*", "apoc.map.*", "apoc.math.*", "apoc.number.*",
             "apoc.temporal.*", "apoc.text.*", "gds.similarity.*")
WRITES = frozenset((
    "CREATE", "MERGE", "SET", "DELETE", "DETACH", "NODETACH", "REMOVE", "DROP", "FOREACH", "INSERT", "ALTER",
    "GRANT", "DENY", "REVOKE", "RENAME", "TERMINATE", "START", "STOP", "ENABLE", "DEALLOCATE", "REALLOCATE"))


@dataclass(frozen=True, slots=True)
class Schema:
    """The names that a database has; a query that uses another one finds nothing."""

    labels: frozenset[str]
    types: frozenset[str]
    properties: frozenset[str]


def check(text: str, write: bool = False) -> None:
    """Refuse a text that may not run.

    Args:
        text: one Cypher statement from a user.
        write: whether clauses that write are asked for.

    Raises:
        UnsafeError: what it holds and why that is refused.
        QueryError: it cannot be cut into tokens.
    """
    for tokens in readings(text):
        for i, token in enumerate(tokens):
            if token.kind == "word":
                _check_word(tokens, i, write)
            if token.kind in ("word", "name"):
                _check_function(tokens, i)


def split(text: str) -> list[str]:
    """The statements of a text, cut at its semicolons; empty ones are left out.

    >>> split("RETURN ';' AS a; RETURN 2 AS b;")
    ["RETURN ';' AS a", 'RETURN 2 AS b']
    """
    parts: list[str] = []
    start, full = 0, False
    for token in tokenize(text):
        if token.kind == "symbol" and token.text == ";":
            if full:
                parts.append(text[start:token.start].strip())
            start, full = token.end, False
        else:
            full = True
    return [*parts, text[start:].strip()] if full else parts


def single(text: str) -> str:
    """The only statement of a text.

    Raises:
        QueryError: none, or several.
    """
    parts = split(text)
    if len(parts) != 1:
        raise QueryError(f"expected one statement, received {len(parts)}: send them one by one")
    return parts[0]


def check_bounded(text: str) -> None:
    """Refuse a path of any length, `[*]`, for an engine that silently ends it after ten steps.

    Raises:
        QueryError: where it stands.
    """
    tokens = tokenize(text)
    inside: list[bool] = []  # of each open bracket, whether it is a relationship's
    for i, token in enumerate(tokens):
        if token.kind != "symbol":
            continue
        if token.text in "([{":
            inside.append(token.text == "[" and _symbol(tokens, i - 1, "-"))
        elif token.text in ")]}" and inside:
            inside.pop()
        elif token.text == "*" and inside and inside[-1] and not _bounded(tokens, i + 1):
            raise QueryError(f"the * at {where(text, token.start)} has no upper bound, and the embedded engine would "
                             "end the path after 10 steps: write how long it may be, such as *1..5")


def _bounded(tokens: Sequence[Token], i: int) -> bool:
    """Whether the length after a `*` says where it ends: `3`, `1..3`, `..3`."""
    number = i < len(tokens) and tokens[i].kind == "number"
    i += number
    if not (_symbol(tokens, i, ".") and _symbol(tokens, i + 1, ".")):
        return number
    return i + 2 < len(tokens) and tokens[i + 2].kind == "number"


def _check_word(tokens: Sequence[Token], i: int, write: bool) -> None:
    word = tokens[i].word
    if word == "LOAD" and _word(tokens, i + 1) == "CSV":
        raise UnsafeError("LOAD CSV is refused: it reads files and addresses of the server. "
                          "Give the rows in another way (kgkt label --file)")
    if word in ("TRANSACTIONS", "TRANSACTION") and _word(tokens, i - 1) in ("IN", "CONCURRENT"):
        raise UnsafeError("IN TRANSACTIONS is refused: it commits while it runs. Leave it out")
    if word == "CALL" and not _is_name(tokens, i):
        _check_call(tokens, i + 1)
    if word in ("SHOW", "USE") and not _is_name(tokens, i) and _begins(tokens, i, word):
        raise UnsafeError(f"{word} is refused: it asks about the server, or another database. Labels, types and "
                          "properties are at :schema, another database at --database")
    if word in WRITES and not write and not _is_name(tokens, i):
        raise UnsafeError(f"{word} would change the graph: add --rw if you mean to (a name goes in back-ticks)")


def _check_call(tokens: Sequence[Token], i: int) -> None:
    """Allow a subquery `CALL {` or `CALL (`, and the listed procedures."""
    if i < len(tokens) and tokens[i].kind == "symbol":
        if tokens[i].text not in "{(":
            return  # a variable of that name, or nothing that runs
        return
    name = ""
    while i < len(tokens):
        token = tokens[i]
        if token.kind not in ("word", "name"):
            break
        name += token.text
        if not _symbol(tokens, i + 1, "."):
            break
        name += "."
        i += 2
    if name.lower().startswith("dbms."):
        raise UnsafeError(f"CALL {name} is refused: it asks about the server, not the graph; Neo4j Browser and "
                          "cypher-shell answer it")
    if name and not _listed(name, PROCEDURES):
        raise UnsafeError(f"CALL {name} is refused: only {', '.join(PROCEDURES)} may be called")


def _check_function(tokens: Sequence[Token], i: int) -> None:
    """Allow a function with a dot in its name, `a.b(`, if it is on the list."""
    if not _symbol(tokens, i + 1, ".") or _symbol(tokens, i - 1, ".") or _word(tokens, i - 1) == "CALL":
        return
    name = tokens[i].text
    while _symbol(tokens, i + 1, ".") and i + 2 < len(tokens) and tokens[i + 2].kind in ("word", "name"):
        i += 2
        name += f".{tokens[i].text}"
    if _symbol(tokens, i + 1, "(") and not _listed(name, FUNCTIONS):
        raise UnsafeError(f"the function {name} is refused: only {', '.join(FUNCTIONS)} and those without a dot may "
                          "be called")


def _listed(name: str, allowed: Sequence[str]) -> bool:
    return any(fnmatch.fnmatchcase(name.lower(), pattern) for pattern in allowed)


def _begins(tokens: Sequence[Token], i: int, word: str) -> bool:
    """Whether the word at i is the first of its query, after options such as EXPLAIN or CYPHER runtime=slotted."""
    if word == "USE" and (_symbol(tokens, i - 1, "{") or _word(tokens, i - 1) in ("UNION", "ALL", "DISTINCT")):
        return True
    for token in reversed(tokens[:i]):
        if token.kind == "symbol" and token.text == ";":
            return True
        if token.kind not in ("word", "name", "number") and token.text != "=":
            return False
    return True


def _is_name(tokens: Sequence[Token], i: int) -> bool:
    """Whether the word at i can only be a name: a property, a label, a parameter, a map's key, an alias."""
    if _symbol(tokens, i - 1, "."):
        before = tokens[i - 2] if i >= 2 else None
        return before is not None and (before.kind in ("word", "name") or before.text in (")", "]", "}"))
    return any(_symbol(tokens, i - 1, sign) for sign in ":&!$") or _symbol(tokens, i + 1, ":") \
        or _word(tokens, i - 1) == "AS"


def _word(tokens: Sequence[Token], i: int) -> str:
    return tokens[i].word if 0 <= i < len(tokens) else ""


def _symbol(tokens: Sequence[Token], i: int, sign: str) -> bool:
    return 0 <= i < len(tokens) and tokens[i].kind == "symbol" and tokens[i].text == sign


def unknown_names(text: str, schema: Schema) -> list[str]:
    """What a reading query names that the database does not have, with the nearest name, a line each.

    >>> unknown_names("MATCH (c:Concpt) RETURN c", Schema(frozenset({"Concept"}), frozenset(), frozenset()))
    ['No label Concpt in this graph; did you mean Concept?']
    """
    tokens = tokenize(text)
    if any(token.word in WRITES and not _is_name(tokens, i) for i, token in enumerate(tokens)):
        return []  # it may be about to make them
    lines: dict[str, None] = {}
    for kind, name in _names(tokens):
        known = {"label": schema.labels, "relationship type": schema.types, "property": schema.properties}[kind]
        if name not in known:
            lines[f"No {kind} {name} in this graph{nearest(name, sorted(known))}"] = None
    return list(lines)


def _names(tokens: Sequence[Token]) -> list[tuple[str, str]]:
    """("label" | "relationship type" | "property", name) of each name that a query's patterns hold."""
    found: list[tuple[str, str]] = []
    variables: set[str] = set()
    open_brackets: list[tuple[str, int]] = []  # the bracket, where a relationship's counts as "-[", and its place
    for i, token in enumerate(tokens):
        inside = open_brackets[-1][0] if open_brackets else ""
        if token.kind == "symbol" and token.text in "([{":
            relationship = token.text == "[" and _symbol(tokens, i - 1, "-")
            open_brackets.append(("-[" if relationship else token.text, i))
        elif token.kind == "symbol" and token.text in ")]}" and open_brackets:
            open_brackets.pop()
        elif token.kind in ("word", "name"):
            if inside in ("(", "-[") and open_brackets[-1][1] == i - 1 and not _symbol(tokens, i + 1, "."):
                variables.add(token.text)
            if _symbol(tokens, i - 1, ".") and not _symbol(tokens, i + 1, "(") and i >= 2:
                if tokens[i - 2].kind in ("word", "name") and tokens[i - 2].text in variables \
                        and not _symbol(tokens, i - 3, "."):
                    found.append(("property", token.text))
            elif inside in ("(", "-[") and _in_expression(tokens, i, open_brackets[-1][1]):
                found.append(("relationship type" if inside == "-[" else "label", token.text))
    return found


def _in_expression(tokens: Sequence[Token], i: int, opened: int) -> bool:
    """Whether the name at i belongs to a label expression, `:A|B&!C`, of the bracket opened at `opened`."""
    if not any(_symbol(tokens, i - 1, sign) for sign in ":|&!"):
        return False
    while i > opened + 1:
        i -= 1
        if _symbol(tokens, i, ":"):
            return i - opened <= 2
        if tokens[i].kind not in ("word", "name") and tokens[i].text not in "|&!":
            return False
    return False
