"""Concepts carried into B, and a second task that is read from its last hidden layer."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from kgkt.demo.digits import build_b
from kgkt.errors import InputError
from kgkt.proof.carried import sentences
from kgkt.proof.evaluate import Options, Task, evaluate
from kgkt.proof.second import check_second, probe
from kgkt.proof.task import digest

CARRY = Options(labels=(5,), seeds=2, steps=250, methods=("kgkt",), carry_weight=1.0)


@pytest.fixture(scope="module")
def task(digits, view) -> Task:
    """B tells low digits from high ones; the second task is which digit it is."""
    low = (digits.pool_y > 4).astype(int), (digits.test_y > 4).astype(int)
    return Task("halves", view, low[0], ("low", "high"), b=partial(build_b, 2), pool_x=digits.pool_x,
                test_x=digits.test_x, test_y=low[1], second=(digits.test_x, digits.test_y))  # fmt: skip


def test_a_second_task_is_read_better_from_a_b_that_carries_concepts(task: Task, tmp_path: Path) -> None:
    report = evaluate(task, CARRY, tmp_path)
    found = {(r["method"], r["metric"], r["seed"]): r["value"] for r in report.rows}
    assert {metric for method, metric, _ in found if method == "kgkt+carry"} == {"test_accuracy", "second_accuracy"}
    assert {metric for method, metric, _ in found if method == "second inputs"} == {"second_accuracy"}
    for seed in (0, 1):
        assert found["kgkt+carry", "second_accuracy", seed] > found["kgkt", "second_accuracy", seed] + 0.02
        assert found["kgkt+carry", "test_accuracy", seed] > found["kgkt", "test_accuracy", seed] - 0.05
    x = task.second[0].reshape(len(task.second[1]), -1)
    assert found["second inputs", "second_accuracy", 1] == probe(x, task.second[1], 1)
    told = json.loads((tmp_path / "report.json").read_text())
    assert told["about"]["carry_weight"] == 1.0
    assert told["sentences"][-2].startswith("Concepts carried into B, its own task: ")
    assert told["sentences"][-1].startswith("The second task, read from B's last hidden layer: +")
    assert "Against the second task's items themselves, without any B: " in told["sentences"][-1]
    assert "| kgkt+carry |" in (tmp_path / "report.md").read_text().split("The second task, %")[1]
    again = evaluate(task, CARRY, tmp_path)
    assert again.rows == report.rows  # the seconds too: nothing was computed again


def test_what_was_not_asked_for_leaves_the_report_as_it_was(task: Task, tmp_path: Path) -> None:
    bare = replace(task, second=None)
    assert digest(bare, replace(CARRY, carry_weight=None)) != digest(bare, CARRY) != digest(task, CARRY)
    rows = [dict(zip(("task", "method", "labels_per_class", "seed", "metric", "value", "seconds"),
                     ("t", method, 5, seed, "test_accuracy", value, 1.0), strict=True))
            for seed in range(5) for method, value in (("kgkt", 0.9), ("kgkt+carry", 0.8))]  # fmt: skip
    assert sentences(rows[::2]) == []
    cost, unknown = sentences(rows)
    assert "-10.0" in cost
    assert cost.endswith("ahead in 0 of 5 draws: they cost B that.")
    assert unknown == "What they are worth for a task to come was not measured: name one with --second."


def test_a_probe_tells_what_lies_apart_and_guesses_where_nothing_does() -> None:
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1, 2], 60)
    noise = rng.normal(size=(180, 4))
    assert probe(noise * 1000 + np.eye(4)[y] * 9000, y, 0) > 0.95  # whatever the scale
    assert probe(noise, y, 0) == pytest.approx(1 / 3, abs=0.08)
    assert probe(noise, y, 0) == probe(noise, y, 0) != probe(noise, y, 1)


def test_a_second_task_that_cannot_be_judged_is_refused() -> None:
    at, names = check_second(np.array(["b", "a"] * 10), "s.npz")
    assert (at.tolist(), names) == ([1, 0] * 10, ("a", "b"))
    with pytest.raises(InputError, match=r"s\.npz has 1 class: a second task tells two or more apart"):
        check_second(np.array(["a"] * 20), "s.npz")
    with pytest.raises(InputError, match=r"s\.npz has 9 items of b: 5 of each class are labels and the rest judges"):
        check_second(np.array(["a"] * 20 + ["b"] * 9), "s.npz")
