"""The grid of an evaluation on real digits: same draws for all, kept cells, processes, bad input."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from kgkt.demo import digits as demo_digits
from kgkt.errors import BelowBarError, InputError
from kgkt.proof.evaluate import Options, Task, evaluate
from kgkt.proof.grid import FILE, Worker, locked
from kgkt.proof.rows import METHODS, why_not
from kgkt.proof.task import BEST_RIVAL, digest, draw_labels
from kgkt.proof.view import View, embedded, make_view, write_arrays
from kgkt.source.quiet import keras as import_keras

NAMES = tuple(str(d) for d in range(10))
FEW = ("scratch", "nearest mean", "head+rounds", "both", "kgkt")
SMALL = Options(labels=(1, 5), seeds=2, methods=FEW, steps=200)
FORETOLD = {"expected_accuracy", "expected_low", "expected_high"}


def normalised_b():
    """A B with BatchNorm."""
    keras = import_keras()
    keras.utils.set_random_seed(0)
    layers = keras.layers
    return keras.Sequential([keras.Input((8, 8, 1)), layers.Flatten(), layers.Dense(32), layers.BatchNormalization(),
                             layers.ReLU(), layers.Dense(10, activation="softmax")])  # fmt: skip


@pytest.fixture(scope="module")
def pixels(digits, tmp_path_factory: pytest.TempPathFactory) -> View:
    """The pool through its pixels, on fewer items, so that a row takes milliseconds."""
    path = tmp_path_factory.mktemp("pixels") / "pixels.parquet"
    return make_view(write_arrays(path, digits.pool_ids, {"pixels": digits.pool_x}, "pixels"), 40, seed=0)


@pytest.fixture(scope="module")
def task(digits, pixels: View) -> Task:
    return Task(
        "digits", pixels, digits.pool_y, NAMES, features={"pixels": digits.pool_x.reshape(600, -1)},
        prior=np.full(10, 0.1), b=demo_digits.build_b, pool_x=digits.pool_x, test_x=digits.test_x,
        test_y=digits.test_y, concepts=40,
    )  # fmt: skip


@pytest.fixture(scope="module")
def done(task: Task, tmp_path_factory: pytest.TempPathFactory):
    """A finished evaluation and its folder."""
    out = tmp_path_factory.mktemp("evaluate")
    return evaluate(task, SMALL, out), out


def values(report) -> dict[tuple, float]:
    return {tuple(row.values())[1:5]: row["value"] for row in report.rows}


def mean(report, method: str, metric: str, count: int) -> float:
    return float(np.mean([v for (m, c, _, k), v in values(report).items() if (m, c, k) == (method, count, metric)]))


def test_every_cell_once_in_the_order_of_the_tables(done) -> None:
    report, _ = done
    cells = values(report)
    assert len(cells) == len(report.rows) == 2 * 2 * (4 + 5) + 2 * 3  # scratch has no answer; kgkt foretells at five
    assert list(dict.fromkeys(row["method"] for row in report.rows)) == list(FEW)
    assert all(0 <= row["value"] <= 1 and row["seconds"] > 0 for row in report.rows)
    assert {row["task"] for row in report.rows} == {"digits"}


def test_figures_make_sense(done) -> None:
    report, _ = done
    assert mean(report, "kgkt", "pool_accuracy", 5) > 0.8
    assert mean(report, "kgkt", "pool_accuracy", 1) > mean(report, "nearest mean", "pool_accuracy", 1) + 0.1
    assert mean(report, "kgkt", "test_accuracy", 1) > mean(report, "scratch", "test_accuracy", 1) + 0.15
    cells = values(report)
    assert mean(report, "kgkt", "expected_low", 5) < mean(report, "kgkt", "pool_accuracy", 5)
    assert {cell[0] for cell in cells if cell[3] in FORETOLD} == {"kgkt"}


def test_pool_accuracy_is_of_unlabelled_items_only(task: Task, done) -> None:
    from kgkt.proof import baselines

    report, _ = done
    labels = draw_labels(task.pool_y, NAMES, 5, np.random.default_rng(1))
    from kgkt.concepts.propagate import make_seeds

    P = baselines.nearest_mean(task.view.head, make_seeds(labels))
    free = np.setdiff1d(np.arange(600), labels.items)
    assert len(free) == 550
    expected = np.mean(P[free].argmax(axis=1) == task.pool_y[free])
    assert values(report)[("nearest mean", 5, 1, "pool_accuracy")] == pytest.approx(expected)


def test_fewer_labels_are_a_part_of_more() -> None:
    y = np.arange(600) % 10
    one, five = (draw_labels(y, NAMES, count, np.random.default_rng(3)) for count in (1, 5))
    assert set(one.items) < set(five.items)
    assert np.bincount(five.classes).tolist() == [5] * 10
    small = draw_labels(np.array([0, 0, 1, 0]), ("a", "b"), 2, np.random.default_rng(0))
    assert np.bincount(small.classes).tolist() == [2, 1]  # a class with fewer items gives all it has


def test_finished_cells_are_kept_and_a_torn_line_is_done_again(task: Task, done, tmp_path: Path) -> None:
    report, out = done
    lines = (out / FILE).read_text().splitlines()
    (tmp_path / FILE).write_text("\n".join(lines[: len(lines) // 2]) + "\n" + lines[-1][:40])
    progress: list[tuple[int, int]] = []
    again = evaluate(task, SMALL, tmp_path, lambda what, done, total: progress.append((done, total)))
    computed = [json.loads(line)["metric"] not in FORETOLD for line in lines]
    assert progress[0] == (sum(computed[: len(lines) // 2]), sum(computed))
    assert progress[-1] == (sum(computed), sum(computed))
    assert values(again) == values(report)
    kept = {tuple(json.loads(line).values())[:5]: json.loads(line)["seconds"] for line in lines[: len(lines) // 2]}
    now = {tuple(row.values())[:5]: row["seconds"] for row in again.rows}
    assert all(now[cell] == seconds for cell, seconds in kept.items())  # not computed again


@pytest.mark.slow
def test_two_processes_give_the_same_figures(task: Task, done, tmp_path: Path) -> None:
    pool = {cell: value for cell, value in values(done[0]).items() if cell[3] != "test_accuracy"}
    assert values(evaluate(replace(task, b=None), replace(SMALL, jobs=2), tmp_path)) == pool


def test_cells_of_another_task_or_setting_are_not_taken(task: Task) -> None:
    first = digest(task, SMALL)
    assert first == digest(task, replace(SMALL, jobs=2, seeds=5, methods=None))
    assert first != digest(task, replace(SMALL, steps=201))
    assert first != digest(replace(task, prior=None), SMALL)
    assert first != digest(replace(task, pool_y=np.roll(task.pool_y, 1)), SMALL)
    assert first != digest(replace(task, b=partial(demo_digits.build_b, 10, 1)), SMALL)


def test_every_row_runs(task: Task, tmp_path: Path) -> None:
    full = replace(task, raw_inputs=task.view, untrained=task.view)
    options = Options(labels=(2,), seeds=1, steps=20)
    report = evaluate(full, options, tmp_path)
    skipped = json.loads((tmp_path / "report.json").read_text())["skipped"]
    ran = list(dict.fromkeys(row["method"] for row in report.rows))
    assert [*ran, *skipped] == [m for m in METHODS if m not in skipped] + list(skipped)
    assert "stated" in skipped["PoissonMBO untold"]
    assert set(skipped) <= {"PoissonMBO", "PoissonMBO+rounds", "PoissonMBO untold"}
    cells = values(report)
    same = cells[("kgkt", 2, 0, "pool_accuracy")]
    assert cells[("raw inputs", 2, 0, "pool_accuracy")] == cells[("untrained A", 2, 0, "pool_accuracy")] == same
    assert cells[("shuffled memberships", 2, 0, "pool_accuracy")] < 0.4 < same


def test_the_untold_rival_is_given_even_shares(task: Task, tmp_path: Path) -> None:
    pytest.importorskip("graphlearning")
    told, untold = "PoissonMBO", "PoissonMBO untold"
    # two classes: of more, GraphLearning seeks shares that no answer has in 10000 rounds a step, for half a minute
    threes = np.flatnonzero(task.pool_y == 3)
    even = np.sort(np.concatenate([np.flatnonzero(task.pool_y == 0)[:30], threes[:30]]))
    uneven = np.sort(np.concatenate([even, threes[30:]]))
    for rows, same in ((even, True), (uneven, False)):
        part = View(task.view.vectors[rows], task.view.head[rows], None, None, None)  # type: ignore[arg-type]
        pool = Task("part", part, (task.pool_y[rows] == 3).astype(int), ("0", "3"))
        report = evaluate(pool, Options(labels=(2,), seeds=2, methods=(told, untold)), tmp_path / str(same))
        found = values(report)
        assert [found[(told, 2, seed, "pool_accuracy")] == found[(untold, 2, seed, "pool_accuracy")]
                for seed in range(2)] == [same, same]  # fmt: skip


@pytest.mark.slow
def test_an_answer_that_two_rows_begin_with_costs_both(task: Task, tmp_path: Path) -> None:
    pytest.importorskip("graphlearning")
    told, rounds = "PoissonMBO", "PoissonMBO+rounds"
    report = evaluate(task, Options(labels=(2,), seeds=2, methods=(told, rounds)), tmp_path / "both")
    cost = {(r["method"], r["seed"]): r["seconds"] for r in report.rows if r["metric"] == "pool_accuracy"}
    assert all(cost[(rounds, seed)] > 0.9 * cost[(told, seed)] for seed in range(2))
    alone = evaluate(task, Options(labels=(2,), seeds=2, methods=(rounds,)), tmp_path / "alone")
    both, one = values(report), values(alone)
    assert [one[(rounds, 2, seed, "pool_accuracy")] for seed in range(2)] == [both[(rounds, 2, seed, "pool_accuracy")] for seed in range(2)]
    assert np.mean([both[(rounds, 2, s, "pool_accuracy")] - both[(told, 2, s, "pool_accuracy")] for s in range(2)]) > -0.02


def test_more_labels_than_a_class_has_items_are_refused(task: Task, tmp_path: Path) -> None:
    least = int(np.bincount(task.pool_y).min())
    with pytest.raises(InputError, match=rf"{least} labels a class nothing is left to judge by: the pool has {least} items of"):
        evaluate(task, replace(SMALL, labels=(1, least)), tmp_path)
    assert not (tmp_path / "report.json").exists()


def test_rows_that_cannot_apply_are_left_out_with_their_reason(task: Task, tmp_path: Path) -> None:
    bare = replace(task, b=None, pool_x=None, test_x=None, test_y=None, features=None)
    report = evaluate(bare, replace(SMALL, methods=(*FEW, "raw inputs", "untrained A", "keras distillation")), tmp_path)
    told = json.loads((tmp_path / "report.json").read_text())
    assert told["skipped"] == {
        "scratch": "there is no B",
        "keras distillation": "there is no B",
        "raw inputs": "the inputs of the pool are not at hand as numbers",
        "untrained A": "needs the model A itself, to read an untrained copy of it: name it in kgkt.toml, [source] model",
    }
    assert {row["metric"] for row in report.rows} == {"pool_accuracy", *FORETOLD}
    assert any("was not measured" in sentence for sentence in told["sentences"])
    assert "needs A's outputs or features" in str(why_not(replace(task, features=None), "keras distillation"))


def test_named_rows_teach_b_and_the_best_rival_is_found(task: Task, tmp_path: Path) -> None:
    few = replace(SMALL, train_b=(("scratch", BEST_RIVAL, "kgkt"), (5, 10), 1), methods=(*FEW, "PT-MAP"))
    cells = values(evaluate(task, few, tmp_path))
    taught = {(m, c, s) for m, c, s, metric in cells if metric == "test_accuracy"}
    pool = {m: np.mean([v for (n, *_, k), v in cells.items() if (n, k) == (m, "pool_accuracy")])
            for m in ("nearest mean", "head+rounds", "PT-MAP")}  # fmt: skip
    rival = max(pool, key=lambda m: pool[m])
    assert taught == {(m, 5, 0) for m in ("scratch", rival, "kgkt")}


def test_batchnorm_statistics_are_estimated_anew_for_every_row(task: Task, tmp_path: Path) -> None:
    options = replace(SMALL, labels=(5,), seeds=1, methods=("scratch", "kgkt"), steps=100)
    report = evaluate(replace(task, b=normalised_b), options, tmp_path)
    assert mean(report, "kgkt", "test_accuracy", 5) > 0.75  # 100 steps leave the moving averages far behind


def test_a_diverging_b_stops_the_run_by_name_and_keeps_what_is_done(task: Task, tmp_path: Path) -> None:
    wild = replace(task, pool_x=np.where(np.arange(600)[:, None, None, None] == 7, np.nan, task.pool_x))
    options = replace(SMALL, labels=(5,), seeds=1, methods=("nearest mean", "kgkt"), train_b=(("kgkt",), (5,), 1))
    with pytest.raises(BelowBarError, match="kgkt, 5 labels a class, seed 0: training stopped"):
        evaluate(wild, options, tmp_path)
    kept = [json.loads(line) for line in (tmp_path / FILE).read_text().splitlines()]
    assert {row["metric"] for row in kept} == {"pool_accuracy", *FORETOLD}
    assert len(kept) == 2 + len(FORETOLD)


def test_the_same_bench_whatever_ran_before(task: Task) -> None:
    worker = Worker(task, SMALL)
    from kgkt.proof.grid import Unit

    first = worker.run(Unit(5, 0, (("kgkt", "pool_accuracy"),)))[0]["value"]
    worker.run(Unit(1, 1, (("kgkt", "pool_accuracy"), ("scratch", "test_accuracy"))))
    assert worker.run(Unit(5, 0, (("kgkt", "pool_accuracy"),)))[0]["value"] == first


def test_a_text_task_lets_prototypes_in(task: Task, tmp_path: Path) -> None:
    text = replace(task, text=True, b=None)
    cells = values(evaluate(text, replace(SMALL, labels=(2,), seeds=1, methods=("both", "kgkt")), tmp_path))
    assert cells[("both", 2, 0, "pool_accuracy")] != cells[("kgkt", 2, 0, "pool_accuracy")]
    assert json.loads((tmp_path / "report.json").read_text())["about"]["kgkt"]["expert"] == "auto"


BAD = [
    ({"pool_y": np.zeros(600, int)}, "pool has no item of 1, 2, 3, 4, 5, … (9 in all)"),
    ({"test_y": np.zeros(597, int)}, "test set has no item of 1, 2"),
    ({"pool_y": np.full(600, 11)}, "the pool has class 11, outside of 10 names"),
    ({"pool_y": np.arange(500) % 10}, "600 items in the view, 500 true classes"),
    ({"test_x": None}, "B needs pool_x to learn from, test_x and test_y"),
]


@pytest.mark.parametrize(("change", "message"), BAD)
def test_a_task_that_does_not_fit_is_refused(task: Task, change: dict, message: str) -> None:
    with pytest.raises(InputError) as error:
        replace(task, **change)
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"labels": ()}, "ascending whole numbers from 1"),
        ({"labels": (5, 1)}, r"ascending whole numbers from 1, received \(5, 1\)"),
        ({"labels": (0, 1)}, "ascending whole numbers from 1"),
        ({"seeds": 0}, "seeds must be 1 or more"),
        ({"jobs": 0}, "jobs must be 1 or more"),
    ],
)
def test_options_that_mean_nothing_are_refused(change: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        replace(SMALL, **change)


def test_an_unknown_row_names_the_nearest(task: Task, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no row 'PTMAP'; did you mean PT-MAP"):
        evaluate(task, replace(SMALL, methods=("PTMAP",)), tmp_path)
    unknown = replace(SMALL, methods=("nearest mean",), labels=(1,), seeds=1, train_b=(("kgk",), (1,), 1))
    with pytest.raises(InputError, match="train B for 'kgk'; did you mean kgkt"):
        evaluate(task, unknown, tmp_path)


def test_a_damaged_line_is_named_and_two_runs_do_not_share_a_folder(task: Task, done, tmp_path: Path) -> None:
    lines = (done[1] / FILE).read_text().splitlines()
    (tmp_path / FILE).write_text("\n".join([lines[0], "{broken", lines[1]]) + "\n")
    with pytest.raises(InputError, match=r"cells.jsonl, line 2 is damaged"):
        evaluate(task, SMALL, tmp_path)
    with locked(tmp_path), pytest.raises(InputError, match="another evaluation writes into"):
        evaluate(task, SMALL, tmp_path)


def test_a_view_needs_no_graph(task: Task, pixels: View) -> None:
    plain = embedded(pixels.vectors, pixels.head)
    assert digest(replace(task, view=plain), SMALL) == digest(task, SMALL)
