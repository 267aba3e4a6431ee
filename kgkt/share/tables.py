"""A graph as CSV: one file a label and one a relationship type, for pandas or for neo4j-admin's import."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from kgkt.errors import InputError
from kgkt.files import need_parent
from kgkt.share.graph_files import LISTS, Notes, plain
from kgkt.store.snapshot import Edge, Node, Snapshot

ARGUMENTS = "import.args"
DELIMITED = "texts in lists hold the delimiter: such lists written as JSON text"
MIXED = "properties with values of several kinds written as text"
HEADERS = "property names without the signs that a header keeps for itself"


def write_csv(snapshot: Snapshot, folder: Path, force: bool = False) -> Notes:
    """Write `<Label>.csv` and `<TYPE>.csv`: `id` and properties of nodes, `start` and `end` of relationships.

    Returns:
        What was written differently, and how often.

    Raises:
        InputError: the folder exists and is not to be replaced, or holds other files.
    """
    notes: Notes = Counter()
    with new_folder(folder, force, (".csv",)) as temporary:
        for label, nodes in _by_label(snapshot).items():
            names = _names(nodes, ("id",))
            rows = ([node.id, *_cells(node, names, notes)] for node in nodes)
            _write(temporary / _file(label), ["id", *names], rows)
        for kind, edges in _by_type(snapshot).items():
            names = _names(edges, ("start", "end"))
            lines = ([edge.start, edge.end, *_cells(edge, names, notes)] for edge in edges)
            _write(temporary / _file(kind), ["start", "end", *names], lines)
    return notes


def write_admin_import(snapshot: Snapshot, folder: Path, force: bool = False) -> Notes:
    """Write what `neo4j-admin database import full @import.args NAME` reads in, with types in the headers.

    Returns:
        What was written differently, and how often.

    Raises:
        InputError: the folder exists and is not to be replaced, or holds other files.
    """
    notes: Notes = Counter()
    arguments = []
    with new_folder(folder, force, (".csv", ".args")) as temporary:
        for label, nodes in _by_label(snapshot).items():
            name = _file(label)
            heads, columns = _typed(nodes, ("key",), notes)
            labels = [";".join(node.labels) for node in nodes]
            _write(temporary / name, ["key:ID", *heads, ":LABEL"],
                   zip((node.id for node in nodes), *columns, labels, strict=True))  # fmt: skip
            arguments.append(f"--nodes={name}")
        for kind, edges in _by_type(snapshot).items():
            name = _file(kind)
            heads, columns = _typed(edges, (), notes)
            ends = ([edge.start for edge in edges], [edge.end for edge in edges])
            _write(temporary / name, [":START_ID", ":END_ID", *heads, ":TYPE"],
                   zip(*ends, *columns, [kind] * len(edges), strict=True))
            arguments.append(f"--relationships={name}")
        # What follows a file is read as one more file, so these come last.
        arguments += ["--multiline-fields=true", "--id-type=string"]
        (temporary / ARGUMENTS).write_text("\n".join(arguments) + "\n", encoding="utf-8")
    return notes


@contextlib.contextmanager
def new_folder(folder: Path, force: bool, endings: tuple[str, ...]) -> Iterator[Path]:
    """Yield a temporary folder that takes the place of `folder` at the end; on an error nothing changes.

    Args:
        folder: where it goes.
        force: replace a folder that is there, if it holds nothing but files with these endings.
        endings: of the files that are written.
    """
    folder = folder.resolve()
    if folder.exists():
        if not folder.is_dir():
            raise InputError(f"{folder} is a file; name a folder")
        there = sorted(folder.iterdir())
        if there and not force:
            raise InputError(f"{folder} exists: --force replaces it")
        if others := [path.name for path in there if path.suffix not in endings or not path.is_file()]:
            raise InputError(f"{folder} holds other things ({', '.join(others[:3])}): name a folder of its own")
    need_parent(folder)
    try:
        temporary = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", suffix=".part", dir=folder.parent))
    except OSError as error:
        raise InputError(f"{folder} cannot be written: {error.strerror or error}") from error
    old = temporary.with_suffix(".old")
    try:
        yield temporary
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o777 & ~umask)
        if folder.exists():
            folder.replace(old)
        temporary.replace(folder)
    except OSError as error:
        raise InputError(f"{folder} could not be written: {error.strerror or error}") from error
    finally:
        if old.exists() and not folder.exists():
            old.replace(folder)
        for path in (temporary, old):
            shutil.rmtree(path, ignore_errors=True)


def _by_label(snapshot: Snapshot) -> dict[str, list[Node]]:
    groups: dict[str, list[Node]] = {}
    for node in snapshot.nodes:
        groups.setdefault(node.label, []).append(node)
    return groups


def _by_type(snapshot: Snapshot) -> dict[str, list[Edge]]:
    groups: dict[str, list[Edge]] = {}
    for edge in snapshot.edges:
        groups.setdefault(edge.type, []).append(edge)
    return groups


def _file(name: str) -> str:
    """A file name for a label or a type; people may have made types of any letters."""
    return quote(name, safe="") + ".csv"


def _names(parts: Sequence[Node] | Sequence[Edge], reserved: tuple[str, ...]) -> list[str]:
    names = sorted({name for part in parts for name in part.properties})
    return [name for name in names if name not in reserved]


def _cells(part: Node | Edge, names: Sequence[str], notes: Notes) -> Iterator[Any]:
    for name in names:
        value = part.properties.get(name)
        yield None if value is None else plain(value, notes)


def _typed(
    parts: Sequence[Node] | Sequence[Edge], reserved: tuple[str, ...], notes: Notes
) -> tuple[list[str], list[list[Any]]]:
    """The headers of properties, with types, and their columns."""
    names = _names(parts, reserved)
    heads, columns = [], []
    for name in names:
        kind, column = _column([part.properties.get(name) for part in parts], notes)
        plain_name = "".join(c if c.isprintable() and c not in ':{}",;' else "_" for c in name)
        notes.update({HEADERS: 1} if plain_name != name else {})
        while f"{plain_name}:{kind}" in heads:
            plain_name += "_"
        heads.append(f"{plain_name}:{kind}")
        columns.append(column)
    return heads, columns


def _column(values: list[Any], notes: Notes) -> tuple[str, list[Any]]:
    """The type of a column in neo4j-admin's words, and its values in that type."""
    given = [value for value in values if value is not None]
    if kind := _kind(given):
        return kind, [float(v) if kind == "double" and v is not None else v for v in values]
    if all(isinstance(value, list) for value in given) and (kind := _kind([v for part in given for v in part])):
        if kind == "string" and any(";" in text for part in given for text in part):
            notes[DELIMITED] += 1
        else:
            return f"{kind}[]", [None if part is None else ";".join(_text(v) for v in part) for part in values]
    structured = sum(isinstance(value, list | dict) for value in given)
    notes.update({LISTS: structured} if structured else {})
    notes.update({MIXED: 1} if structured < len(given) else {})
    return "string", [None if v is None else v if isinstance(v, str) else json.dumps(v, ensure_ascii=False)
                      for v in values]


def _kind(values: Sequence[Any]) -> str:
    """What all the values are: boolean, long, double or string; nothing where they differ or there are none."""
    kinds = {bool: "boolean", int: "long", float: "double", str: "string"}
    found = {kinds.get(type(value), "") for value in values}
    return "double" if found == {"long", "double"} else found.pop() if len(found) == 1 else ""


def _write(path: Path, head: Sequence[str], rows: Any) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(",".join(_quoted(name) for name in head) + "\n")
        for row in rows:
            file.write(",".join(_quoted(value) for value in row) + "\n")
        file.flush()
        os.fsync(file.fileno())


def _quoted(value: Any) -> str:
    """A cell: texts in quotes, so that an empty text is not an empty cell; everything else bare."""
    if value is None:
        return ""
    if not isinstance(value, str):
        return _text(value)
    return '"' + value.replace('"', '""') + '"'


def _text(value: Any) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else str(value)
