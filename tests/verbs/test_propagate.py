"""How propagate is told to spread, by itself: the size and the kind of the pool decide what nobody said."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from kgkt.recipe import Recipe, Teach
from kgkt.rundir.folder import RunDir
from kgkt.rundir.state import record
from kgkt.verbs.propagate import teach_settings

DESCENT = importlib.util.find_spec("pynndescent") is not None


def populated(folder: Path, items: int, kind: str | None = "array") -> RunDir:
    """A run directory whose state says that so many items were populated."""
    run = RunDir(folder, "main")
    run.folder.mkdir(parents=True)
    record(run, "populate", {}, {}, {"items": items}, {} if kind is None else {"kind": kind})
    return run


@pytest.mark.parametrize(
    ("items", "spread"),
    [(100, "both"), (60_000, "both"), (60_001, "both" if DESCENT else "concepts"),
     (300_000, "both" if DESCENT else "concepts"), (300_001, "concepts")],
)  # fmt: skip
def test_items_are_spread_over_as_far_as_their_neighbours_can_be_had(tmp_path: Path, items: int, spread: str) -> None:
    assert teach_settings(populated(tmp_path, items), Recipe()) == (spread, False)


@pytest.mark.parametrize(("kind", "text"), [("text", True), ("images", False), (None, False)])
def test_texts_are_known_as_such(tmp_path: Path, kind: str | None, text: bool) -> None:
    assert teach_settings(populated(tmp_path, 100, kind), Recipe())[1] == text


def test_what_the_user_says_holds(tmp_path: Path) -> None:
    run = populated(tmp_path, 100, "text")
    assert teach_settings(run, Recipe(teach=Teach(spread="items"))) == ("items", True)
    assert teach_settings(run, Recipe(teach=Teach(spread="concepts"))) == ("concepts", True)
