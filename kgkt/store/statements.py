"""Loads the Cypher statements in `cypher/`: one a file, its leading `//` lines say what it does.

A statement begins with lines such as

    // The largest concepts that no label speaks for.
    // params: graph, limit = 20
    // columns: key, concept, items

Those meant for users lie in `cypher/query/`. Where the engines differ, `NAME.neo4j.cypher` stands
beside `NAME.cypher`.
"""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kgkt.errors import InputError, nearest
from kgkt.store.protocol import Statement


@dataclass(frozen=True, slots=True)
class Shipped:
    """A statement meant for users, as its file describes it.

    Args:
        name: what a user types.
        doc: what it answers.
        params: names of its parameters, `graph` first.
        columns: names of its columns.
        text: the Cypher.
        defaults: values of the parameters that need not be given.
    """

    name: str
    doc: str
    params: tuple[str, ...]
    columns: tuple[str, ...]
    text: str
    defaults: dict[str, Any]


@functools.cache
def folder() -> Path:
    """Where the statements lie: in the installed package, or beside it in a checkout."""
    package = Path(__file__).resolve().parents[1]
    for place in (package / "cypher", package.parent / "cypher"):
        if (place / "query").is_dir():
            return place
    raise InputError(f"the statements of kgkt are not at {package / 'cypher'}: install kgkt again")


@functools.cache
def load(name: str, engine: str = "kglite") -> Statement:
    """The statement `name`, in the variant for `engine` where there is one.

    Raises:
        InputError: no statement of that name; the nearest names are given.
    """
    for place in (folder() / "query", folder()):
        for path in (place / f"{name}.{engine}.cypher", place / f"{name}.cypher"):
            if path.parent == place and path.is_file():
                return Statement(name, path.read_text(encoding="utf-8"))
    known = [query.name for query in shipped()]
    raise InputError(f"no query named {name!r}{nearest(name, known)}")


@functools.cache
def shipped() -> tuple[Shipped, ...]:
    """The statements meant for users, by name."""
    paths = sorted(path for path in (folder() / "query").glob("*.cypher") if path.suffixes == [".cypher"])
    return tuple(describe(path.stem, path.read_text(encoding="utf-8")) for path in paths)


def describe(name: str, text: str) -> Shipped:
    """Read the leading `//` lines of a statement."""
    doc: list[str] = []
    named: dict[str, tuple[str, ...]] = {"params": (), "columns": ()}
    defaults: dict[str, Any] = {}
    for line in text.splitlines():
        if not line.startswith("//"):
            break
        line = line.removeprefix("//").strip()
        word, colon, rest = line.partition(":")
        if colon and word in named:
            pairs = [part.partition("=") for part in rest.split(",") if part.strip()]
            named[word] = tuple(key.strip() for key, _, _ in pairs)
            defaults.update((key.strip(), json.loads(value)) for key, given, value in pairs if given)
        else:
            doc.append(line)
    return Shipped(name, " ".join(doc), named["params"], named["columns"], text, defaults)
