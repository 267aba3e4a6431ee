"""The rooms follow the path of the data: none imports a room to its right, and no file is part of a circle."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "kgkt"
# left to right; what stands at one place is one room
ROOMS = ("errors", "notices", "tables", "files", "memory", "lookup", "values", "recipe", "source", "concepts", "store",
         "transfer", "estimator", "proof", "demo", "rundir", "share", "verbs", "api", "serve", "cli")  # fmt: skip


def modules() -> dict[str, Path]:
    """Module name -> file; a package's `__init__` by the name of the package."""
    return {
        ".".join(("kgkt", *path.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(".__init__"): path
        for path in PACKAGE.rglob("*.py")
    }


def imports(path: Path, known: dict[str, Path]) -> set[str]:
    """The modules of kgkt that a file imports anywhere in it, also inside of functions."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("kgkt"):
            whole = [f"{node.module}.{alias.name}" for alias in node.names]
            found |= {name if name in known else node.module for name in whole}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names if alias.name.startswith("kgkt")}
    return found


def room(module: str) -> str:
    return module.split(".")[1] if "." in module else ""


def test_every_room_is_in_the_list() -> None:
    assert {room(module) for module in modules()} - {""} == set(ROOMS)


@pytest.mark.parametrize("name", ROOMS)
def test_no_room_imports_one_to_its_right(name: str) -> None:
    known = modules()
    right = ROOMS[ROOMS.index(name) + 1 :]
    wrong = [(module, other) for module, path in known.items() if room(module) == name
             for other in imports(path, known) if room(other) in right]
    assert wrong == []


def test_no_circle_of_imports() -> None:
    known = modules()
    needs = {module: imports(path, known) - {"kgkt", module} for module, path in known.items()}
    while free := {module for module, others in needs.items() if not others & needs.keys()}:
        needs = {module: others for module, others in needs.items() if module not in free}
    assert needs == {}
