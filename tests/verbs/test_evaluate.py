"""What evaluate says beside its report."""

from __future__ import annotations

from typing import Any

import pytest

from kgkt.verbs.evaluate import at_chance


def report(accuracy: float, items: int = 400) -> dict[str, Any]:
    rows = [{"task": "t", "method": "kgkt", "labels_per_class": count, "seed": seed, "metric": "test_accuracy",
             "value": accuracy if count == 5 else 0.1, "seconds": 1.0} for count in (1, 5) for seed in (0, 1)]  # fmt: skip
    return {"rows": rows, "about": {"classes": list("abcde"), "test_items": items}}


def test_a_b_that_learned_nothing_is_told_so() -> None:
    assert at_chance(report(0.21)).startswith("B taught by kgkt is at chance level (20.0 %) at 5 labels a class")
    assert at_chance(report(0.26)) == ""  # 1.5 points above what guessing gives by luck in 1 of 40 tests
    assert at_chance(report(0.26, items=40)) != ""


@pytest.mark.parametrize("without", ["rows", "items"])
def test_nothing_is_said_where_no_b_was_tested(without: str) -> None:
    value = report(0.2, items=0 if without == "items" else 400)
    if without == "rows":
        value["rows"] = []
    assert at_chance(value) == ""
