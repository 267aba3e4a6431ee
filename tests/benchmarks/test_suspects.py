"""Labels that are made wrong, and what is counted of what a method finds."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "benchmarks"))
    return importlib.import_module("suspects")


def test_the_share_that_is_asked_for_is_wrong(bench: Any) -> None:
    classes = np.repeat(np.arange(5), 20)
    for kind in ("uniform", "pair"):
        given = bench.plant(classes, 5, 0.2, kind, 3)
        assert (given != classes).sum() == 20
        assert set(given.tolist()) <= set(range(5))
        assert (given == bench.plant(classes, 5, 0.2, kind, 3)).all()
    step = (given - classes) % 5
    assert set(step.tolist()) == {0, 1}  # the next class
    assert (bench.plant(classes, 5, 0.0, "uniform", 3) == classes).all()


def test_what_is_counted(bench: Any) -> None:
    scores, wrong = np.array([0.1, 0.9, 0.2, 0.3]), np.array([True, True, False, False])
    called = np.array([True, False, True, True])
    assert dict(bench.judged(scores, called, wrong)) == {"found": 0.5, "caught": 0.5, "called": pytest.approx(1 / 3)}
    assert dict(bench.judged(scores, None, wrong)) == {"found": 0.5}
    assert dict(bench.judged(scores, called, np.zeros(4, bool))) == {"clean": 0.75}


def test_the_report_has_every_row(bench: Any) -> None:
    rows = [{"task": "t", "method": m, "labels_per_class": 5, "seed": s, "metric": "pair_found", "value": v}
            for m, s, v in (("kgkt", 0, 0.5), ("kgkt", 1, 1.0), ("head", 0, 0.25))]  # fmt: skip
    text = bench.report(rows, {"command": "c", "share": 0.2})
    assert "## t: found, the next class" in text
    assert "| kgkt | 75.0 ±25.0 |" in text
    assert "| head | 25.0 |" in text
    assert "cleanlab" not in text
