"""The keys of nodes, `<graph>/<kind>/<rest>`, and the natural order of names."""

from __future__ import annotations

import re


def key(graph: str, kind: str, *rest: object) -> str:
    """The key of a node: `main/concept/7`, `main/block/b/dense/0`.

    >>> key("main", "block", "b", "dense", 0)
    'main/block/b/dense/0'
    """
    if len(rest) == 1:  # nearly every key; a load makes tens of thousands
        return f"{graph}/{kind}/{rest[0]}"
    return "/".join((graph, kind, *(str(part) for part in rest)))


def number(node_key: object, graph: str, kind: str) -> int | None:
    """The number at the end of a concept's or theme's key; None where the key is not of that form.

    >>> number("main/concept/7", "main", "concept"), number("main/concept/x", "main", "concept")
    (7, None)
    """
    prefix = f"{graph}/{kind}/"
    if isinstance(node_key, str) and node_key.startswith(prefix):
        rest = node_key[len(prefix):]
        if re.fullmatch(r"[0-9]{1,9}", rest):
            return int(rest)
    return None


def natural(name: str) -> tuple[tuple[int, int, str], ...]:
    """Sort key that puts "2" before "10" and "c2" before "c10".

    >>> sorted(["10", "2", "b", "a10", "a9"], key=natural)
    ['2', '10', 'a9', 'a10', 'b']
    """
    parts = filter(None, re.split(r"([0-9]+)", name))
    return tuple((0, int(part), part) if part.isdecimal() and part.isascii() else (1, 0, part) for part in parts)
