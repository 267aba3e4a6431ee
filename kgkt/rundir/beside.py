"""What kgkt wrote down beside a B that it made: the facts of its `.run.json`, where that is of this very file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from kgkt.files import read_json, sha256_file


def facts_beside(model: Path) -> dict[str, Any]:
    """What the `.run.json` beside a model says of it; empty where there is none, or the file was changed since."""
    beside = model.with_suffix(".run.json")
    told = read_json(beside) if beside.is_file() else None
    facts = told.get("facts") if isinstance(told, dict) and told.get("sha256") == sha256_file(model) else None
    return facts if isinstance(facts, dict) else {}


def classes_beside(model: Path) -> tuple[str, ...]:
    """The classes of B's outputs, in order, as they stand beside it; none where they do not."""
    return tuple(str(name) for name in facts_beside(model).get("classes", ()))


def foretold_beside(model: Path) -> tuple[int, int]:
    """Of the rows of B's words, the first that kgkt foretold and how many there are; (0, 0) of a B that has none."""
    foretold = facts_beside(model).get("extended", {}).get("foretold", {})
    return int(foretold.get("first", 0)), int(foretold.get("rows", 0))
