"""propagate while others edit: they need not wait for it, and what it writes is of the graph as it stands."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kgkt.errors import BusyError
from kgkt.recipe import read_recipe
from kgkt.verbs import propagate as verb
from kgkt.verbs.label import label


def edits_meanwhile(monkeypatch: pytest.MonkeyPatch, item: str) -> list[int]:
    """Let somebody label an item while the first answer is worked out; the labels that each one was worked out from."""
    seen: list[int] = []
    whole = verb.spread

    def spread(run: Any, recipe: Any, current: Any) -> Any:
        if not seen:
            label(recipe, lambda _: None, assignments=[f"{item}=meanwhile"], tell=False)
        seen.append(len(current.labels))
        return whole(run, recipe, current)

    monkeypatch.setattr(verb, "spread", spread)
    return seen


def test_a_label_meanwhile_is_in_the_answer(labelled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = edits_meanwhile(monkeypatch, "i0001")
    done = verb.propagate(read_recipe(None), lambda _: None)
    assert seen == [20, 21]
    assert "meanwhile" in done.targets.names
    current, targets = verb.fresh_targets(read_recipe(None), verb.open_run(read_recipe(None)), lambda _: None)
    assert seen == [20, 21]  # fresh: nothing is worked out again
    assert targets.names == current.labels.names


def test_who_gives_way_writes_nothing(labelled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    edits_meanwhile(monkeypatch, "i0001")
    with pytest.raises(BusyError, match="edited meanwhile"):
        verb.propagate(read_recipe(None), lambda _: None, give_way=True)
    assert not list(labelled.rglob("targets.parquet"))
