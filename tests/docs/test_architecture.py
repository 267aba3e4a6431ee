"""docs/architecture.md says what the tree is: rooms, what each may import, what each value holds."""

from __future__ import annotations

import ast
import dataclasses
import re
from pathlib import Path

import pytest

from kgkt import values
from tests.docs.conftest import ROOT, read

PACKAGE = ROOT / "kgkt"
TEXT = read(ROOT / "docs" / "architecture.md")


def rows_of(heading: str, columns: int) -> list[list[str]]:
    """The rows of the table below a heading, without its head."""
    section = TEXT.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines() if line[:1] == "|"]
    assert all(len(row) == columns for row in rows)
    return rows[2:]


def names(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


ROOMS = [names(room)[0] for room, _, _ in rows_of("Rooms", 3)]  # folders, and files that are rooms by themselves
# What a room may import, by its row: rooms, or all above it.
MAY = {names(room)[0]: set(ROOMS[:number]) if may == "all above" else set(names(may))
       for number, (room, _, may) in enumerate(rows_of("Rooms", 3))}  # fmt: skip
ABOVE = set(names(TEXT.split("above the rooms (")[1].split(")")[0]))


def imported(path: Path) -> set[str]:
    """The folders and the files of the package's top that a file imports from, anywhere in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(read(path))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    parts = [name.split(".") for name in found]
    tops = {part[1] for part in parts if part[0] == "kgkt" and len(part) > 1}
    return {name if (PACKAGE / name).is_dir() else f"{name}.py" for name in tops - {"__version__"}}


def test_the_rooms_are_the_folders_and_files() -> None:
    folders = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    files = {path.name for path in PACKAGE.glob("*.py")} - {"__init__.py"}
    assert {*ROOMS, *ABOVE} == folders | files


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_what_it_may(room: str) -> None:
    assert MAY[room] <= set(ROOMS[: ROOMS.index(room)])
    allowed = {room, *MAY[room], *ABOVE}
    for path in [PACKAGE / room] if room.endswith(".py") else sorted((PACKAGE / room).rglob("*.py")):
        assert imported(path) <= allowed, path.relative_to(ROOT)


def test_what_stands_above_the_rooms_imports_none() -> None:
    for name in ABOVE:
        assert imported(PACKAGE / name) <= ABOVE, name


def test_every_value_is_listed_with_all_that_it_holds() -> None:
    listed = {names(value)[0]: names(holds) for value, holds in rows_of("Values", 2)}
    made = {name: kind for name, kind in vars(values).items() if dataclasses.is_dataclass(kind)}
    assert list(listed) == list(made)
    for name, kind in made.items():
        assert listed[name] == [field.name for field in dataclasses.fields(kind)]


def test_functions_that_are_named_exist() -> None:
    named = re.findall(r"`(kgkt/[\w/]+\.py)` `(\w+)`(?:, `(\w+)`)?", TEXT)
    assert len(named) > 15
    for file, *functions in named:
        made = {node.name for node in ast.parse(read(ROOT / file)).body if hasattr(node, "name")}
        assert {function for function in functions if function} <= made, file
