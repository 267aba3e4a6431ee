"""Writes a query so that the embedded engine answers it rightly.

kglite 0.21.2 looks at one candidate only for the last step of a pattern inside `EXISTS { }`, and only
afterwards asks whether that step uses a relationship twice: on random graphs every tenth such test of two
or more steps comes out false where it is true. With a WHERE in the block it looks at all of them, so
one is added: `WHERE true`. A bare pattern of several steps used as a predicate has the same fault and
becomes such a block. Block comments, which it does not read, become white space.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from dataclasses import dataclass

from kgkt.errors import QueryError
from kgkt.store.tokens import Token, tokenize

_PATTERN = frozenset(("MATCH", "CREATE", "MERGE", "INSERT"))
_EXPRESSION = frozenset(("WHERE", "RETURN", "WITH", "UNWIND", "SET", "DELETE", "REMOVE", "ORDER", "CALL", "FOREACH",
                         "ON", "UNION", "FILTER", "YIELD"))
_CLOSES = {"(": ")", "[": "]", "{": "}"}


@dataclass
class _Level:
    """What stands between two brackets: whether patterns there are matched, and what was seen."""

    pattern: bool
    exists: bool = False
    plain: bool = True  # nothing but MATCH and a pattern so far


@functools.lru_cache(maxsize=1024)
def repaired(text: str) -> str:
    """The text as the engine needs it; where it needs nothing else, as it is.

    >>> repaired("MATCH (a) WHERE EXISTS { (a)-->()-->() } RETURN a")
    'MATCH (a) WHERE EXISTS { (a)-->()-->()  WHERE true } RETURN a'
    >>> repaired("MATCH (a) WHERE NOT (a)-->()-->() RETURN a")
    'MATCH (a) WHERE NOT EXISTS { MATCH (a)-->()-->() WHERE true } RETURN a'
    """
    try:
        tokens = tokenize(text)
    except QueryError:
        return text  # the engine says what is wrong with it
    changes: list[tuple[int, int, str]] = []  # from, to, what stands there instead
    levels = [_Level(pattern=False)]
    skip = 0
    for i, token in enumerate(tokens):
        level = levels[-1]
        word = token.word
        if word in _PATTERN or word in _EXPRESSION:
            if not _is_property(tokens, i):
                level.pattern = word in _PATTERN
                level.plain = level.plain and word == "MATCH"
        elif token.kind != "symbol":
            continue
        elif token.text == "(" and not level.pattern and i >= skip:
            end, steps = chain_end(tokens, i)
            if steps >= 2 and not _comprehension(tokens, i):
                changes += _wrapped(tokens, i, end)
            if steps:
                skip = end  # its other nodes begin no pattern of their own
            levels.append(_Level(pattern=False))
        elif token.text in _CLOSES:
            block = token.text == "{" and i > 0 and tokens[i - 1].word in ("EXISTS", "COUNT", "COLLECT")
            exists = block and tokens[i - 1].word == "EXISTS"
            levels.append(_Level(pattern=block, exists=exists))
        elif token.text in _CLOSES.values() and len(levels) > 1:
            levels.pop()
            if level.exists and level.plain:
                changes.append((token.start, token.start, " WHERE true "))
    changes += _comments(text, tokens)
    for start, end, new in sorted(changes, reverse=True):
        text = text[:start] + new + text[end:]
    return text


def chain_end(tokens: Sequence[Token], i: int) -> tuple[int, int]:
    """Where the pattern that begins at the bracket i ends, and how many steps it has (0: it is none)."""
    end = _node_end(tokens, i)
    steps = 0
    while end:
        j = end
        j += _is(tokens, j, "<")
        if not _is(tokens, j, "-"):
            break
        j += 1
        if _is(tokens, j, "["):
            j = _bracket_end(tokens, j)
        if not _is(tokens, j, "-"):
            break
        j += 1
        j += _is(tokens, j, ">")
        following = _node_end(tokens, j)
        if not following:
            break
        end, steps = following, steps + 1
    return end, steps


def _comments(text: str, tokens: Sequence[Token]) -> list[tuple[int, int, str]]:
    """The changes that put white space in place of block comments, which the engine does not read."""
    starts = [0, *(token.end for token in tokens)]
    ends = [*(token.start for token in tokens), len(text)]
    return [(start, end, re.sub(r"[^\n]", " ", text[start:end]))
            for start, end in zip(starts, ends, strict=True) if "/*" in text[start:end]]


def _wrapped(tokens: Sequence[Token], i: int, end: int) -> list[tuple[int, int, str]]:
    """The changes that make a block of the pattern from i to `end`; `exists(...)` around it goes."""
    first, last = tokens[i].start, tokens[end - 1].end
    changes = [(first, first, "EXISTS { MATCH "), (last, last, " WHERE true }")]
    if _is(tokens, i - 1, "(") and i >= 2 and tokens[i - 2].word == "EXISTS":
        changes.append((tokens[i - 2].start, tokens[i - 2].end, ""))
    return changes


def _comprehension(tokens: Sequence[Token], i: int) -> bool:
    """Whether the pattern at i begins a list, `[(a)-->(b) | b]`, or is the argument of a path function."""
    if _is(tokens, i - 1, "="):
        return True
    if _is(tokens, i - 1, "("):
        return i >= 2 and tokens[i - 2].word in ("SHORTESTPATH", "ALLSHORTESTPATHS", "SIZE")
    return _is(tokens, i - 1, "[")


def _node_end(tokens: Sequence[Token], i: int) -> int:
    """The place after the node that begins at i; 0 where none does."""
    if not _is(tokens, i, "("):
        return 0
    j = i + 1
    if j < len(tokens) and tokens[j].kind in ("word", "name"):
        j += 1
    if not any(_is(tokens, j, sign) for sign in ":{)"):
        return 0
    return _bracket_end(tokens, i)


def _bracket_end(tokens: Sequence[Token], i: int) -> int:
    """The place after the bracket that closes the one at i."""
    depth = 0
    for j in range(i, len(tokens)):
        if tokens[j].kind == "symbol":
            depth += (tokens[j].text in _CLOSES) - (tokens[j].text in _CLOSES.values())
            if not depth:
                return j + 1
    return len(tokens)


def _is_property(tokens: Sequence[Token], i: int) -> bool:
    return any(_is(tokens, i - 1, sign) for sign in ".:$") or _is(tokens, i + 1, ":")


def _is(tokens: Sequence[Token], i: int, sign: str) -> bool:
    return 0 <= i < len(tokens) and tokens[i].kind == "symbol" and tokens[i].text == sign
