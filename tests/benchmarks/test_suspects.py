"""Labels that are made wrong, and what is counted of what a method finds."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "benchmarks"))
    return importlib.import_module("suspects")


def test_what_is_counted(bench: Any) -> None:
    from kgkt.demo.wrong import found

    scores, wrong = np.array([0.1, 0.9, 0.2, 0.3]), np.array([True, True, False, False])
    called = np.array([True, False, True, True])
    assert dict(bench.judged(found, scores, called, wrong)) == {
        "found": 0.5, "caught": 0.5, "called": pytest.approx(1 / 3)}  # fmt: skip
    assert dict(bench.judged(found, scores, None, wrong)) == {"found": 0.5}
    assert dict(bench.judged(found, scores, called, np.zeros(4, bool))) == {"clean": 0.75}


def rows_of(task: str, count: int, **values: list[float]) -> list[dict[str, Any]]:
    return [{"task": task, "method": m, "labels_per_class": count, "seed": s, "metric": "uniform_found", "value": v}
            for m, of in values.items() for s, v in enumerate(of)]  # fmt: skip


def test_the_report_has_every_row(bench: Any) -> None:
    rows = [{"task": "t", "method": m, "labels_per_class": 5, "seed": s, "metric": "pair_found", "value": v}
            for m, s, v in (("kgkt", 0, 0.5), ("kgkt", 1, 1.0), ("head", 0, 0.25))]  # fmt: skip
    text = bench.report(rows, {"command": "c", "share": 0.2, "draws": [0, 1]}).split("\n## t: found")[1]
    assert text.startswith(", the next class")
    assert "| kgkt | 75.0 ±25.0 |" in text
    assert "| head | 25.0 |" in text
    assert "cleanlab" not in text


def test_the_report_says_where_kgkt_is_behind_and_what_of_the_bar_is_missed(bench: Any) -> None:
    rows = [
        *rows_of("fashion", 5, kgkt=[0.9, 0.8], cleanlab=[0.8, 0.76], head=[0.85, 0.87], neighbours=[0.1, 0.1]),
        *rows_of("fashion", 10, kgkt=[0.9, 0.8], cleanlab=[0.88, 0.78], head=[0.1, 0.1], neighbours=[0.1, 0.1]),
        *rows_of("emoji", 5, kgkt=[0.5, 0.5], cleanlab=[0.54, 0.56], head=[0.1, 0.1], neighbours=[0.1, 0.1]),
    ]
    text = bench.report(rows, {"command": "c", "share": 0.2, "draws": [0, 1]})
    assert "| fashion, any other class | 85.0 (+7.0 ±3.0) | 85.0 (+2.0 ±0.0) | 5 | none | none | none |" in text
    assert "| emoji, any other class | **50.0 (-5.0 ±1.0)** | – | none | 5 | none | none |" in text
    assert "| fashion | uniform | 5 | cleanlab: +5 | +7.0 ±3.0 | met |" in text
    assert "| fashion | uniform | 10 | cleanlab: +5 | +2.0 ±0.0 | **missed** |" in text
    assert "| emoji | uniform | 5 | cleanlab: -3 | -5.0 ±1.0 | **missed** |" in text


def test_the_report_that_is_kept_follows_from_its_rows(bench: Any) -> None:
    kept = json.loads((bench.RESULTS / "report.json").read_text(encoding="utf-8"))
    assert bench.report(kept["rows"], kept["about"]) + "\n" == (bench.RESULTS / "report.md").read_text(encoding="utf-8")
    assert {row["task"] for row in kept["rows"]} == set(bench.TASKS)
