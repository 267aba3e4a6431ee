"""The demo in small: every row is there, the figures are the same every time, the words follow the figures."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from kgkt.demo import edit, wrong
from kgkt.demo import tables as demo_tables
from kgkt.demo.comparison import Demo, Setting, average, draw_labels, run_demo
from kgkt.demo.digits import make_split
from kgkt.demo.picture import draw, figure_of
from kgkt.proof.stats import plus_minus
from kgkt.values import REPORT_COLUMNS, Report

SMALL = {"labels": (2,), "draws": 1, "epochs": 4, "steps": 100}
FEW = ["scratch", "nearest mean", "head", "head+rounds", "label spreading+rounds", "PT-MAP", "nodes only", "pixels",
       "untrained A", "kgkt", "kgkt, weights written", "A's own head"]  # fmt: skip
WRONG = ["kgkt", "head", "cleanlab's rule", "nearest labels"]


@pytest.fixture(scope="module")
def small() -> Demo:
    return run_demo(Setting(seeds=2, **SMALL))


def value(report: Report, task: str, method: str, metric: str) -> float:
    return float(np.mean([r["value"] for r in report.rows if (r["task"], r["method"], r["metric"])
                          == (task, method, metric)]))  # fmt: skip


def test_every_row_is_there_once_a_seed(small: Demo) -> None:
    keys = [tuple(r[c] for c in REPORT_COLUMNS[:5]) for r in small.report.rows]
    assert len(set(keys)) == len(keys) == 2 * (12 + 4 * 3 + 4 * 2)
    assert demo_tables.methods(small.report, "few-labels") == FEW
    assert demo_tables.methods(small.report, "edit") == ["before", "kgkt", "head", "PT-MAP"]
    assert demo_tables.methods(small.report, "wrong-labels") == WRONG
    assert demo_tables.counts(small.report, "wrong-labels") == [5, 10]
    assert all(0 <= r["value"] <= 1 and r["seconds"] > 0 for r in small.report.rows)


def test_even_in_small_the_graph_is_worth_it(small: Demo) -> None:
    few = {m: value(small.report, "few-labels", m, "test_accuracy") for m in FEW}
    assert few["kgkt"] > few["scratch"] + 0.08
    assert few["kgkt"] > few["untrained A"]
    assert value(small.report, "edit", "before", "b_left") > 0.6
    assert value(small.report, "edit", "kgkt", "b_left") < 0.25
    assert value(small.report, "wrong-labels", "kgkt", "found") > 0.8  # by chance .2
    assert value(small.report, "wrong-labels", "nearest labels", "found") > 0.5


@pytest.mark.slow
def test_a_seed_gives_the_same_figures_alone(small: Demo) -> None:
    again = run_demo(Setting(seeds=1, **SMALL))
    first = [r["value"] for r in small.report.rows if r["seed"] == 0]
    assert [r["value"] for r in again.report.rows] == first
    said = demo_tables.sentences(again.report)
    assert "nobody can tell" in said[0]
    assert "n/a" in demo_tables.few_labels_table(again.report)[1][0]


def test_json_has_the_promised_names(small: Demo) -> None:
    value = json.loads(json.dumps(demo_tables.as_json(small)))
    assert tuple(value["rows"][0]) == REPORT_COLUMNS
    assert value["graph"]["concepts"] == 60
    assert value["graph"]["edges"] == len(small.showcase.view.graph.edges)
    assert 0 < value["graph"]["stability"] < 1
    assert value["repropagation_ms"] > 0


def test_showcase_holds_the_trained_a(small: Demo) -> None:
    s = small.showcase
    predicted = s.a.predict(s.split.test_x, verbose=0).argmax(axis=1)
    assert np.mean(predicted == s.split.test_y) == pytest.approx(s.a_accuracy)
    assert s.a_accuracy > 0.8
    assert len(s.labels) == 20


def test_tables_say_what_the_rows_say() -> None:
    def rows(method: str, values: list[float]) -> list[dict]:
        return [dict(zip(REPORT_COLUMNS, ("few-labels", method, 2, s, "test_accuracy", v, 1.0), strict=True))
                for s, v in enumerate(values)]  # fmt: skip

    report = Report(tuple(rows("scratch", [0.7, 0.72, 0.74]) + rows("PT-MAP", [0.9, 0.9, 0.93])
                          + rows("kgkt", [0.93, 0.94, 0.95]) + rows("A's own head", [0.97, 0.97, 0.97])))  # fmt: skip
    columns, table = demo_tables.few_labels_table(report)
    assert columns == ["B's test accuracy, %", "2 labels a class", "95 % interval", "kgkt minus it"]
    assert table[0] == ["scratch", "72.0", "70.0 to 74.0", "+22.0 ±0.6"]
    assert table[2][3] == ""
    assert demo_tables.best_control(report, 2) == "PT-MAP"
    against = demo_tables.paired([0.93, 0.94, 0.95], [0.9, 0.9, 0.93])
    assert plus_minus(against) == "+3.0 ±0.6"
    assert demo_tables.verdict(against) == "a gain on these splits"
    assert "chance" in demo_tables.verdict(demo_tables.paired([0.9, 0.8, 0.7], [0.8, 0.9, 0.7]))


@pytest.mark.parametrize(("kgkt", "says"), [
    ([0.9, 0.92, 0.94],
     "92.0 % are wrong with kgkt, 70.0 with the best of the others, nearest labels: +22.0 ±1.2, 95 % interval 20.0 to 24.0: a gain"),
    ([0.5, 0.6, 0.55],
     "55.0 % are wrong with kgkt, 70.0 with the best of the others, nearest labels: -15.0 ±2.9, 95 % interval -20.0 to -10.0: a loss"),
    ([0.6, 0.8, 0.7],
     "70.0 % are wrong with kgkt, 70.0 with the best of the others, nearest labels: +0.0 ±5.8, 95 % interval -10.0 to 10.0: nothing"),
])  # fmt: skip
def test_the_sentence_on_wrong_labels_follows_the_figures(kgkt: list[float], says: str) -> None:
    values = {"kgkt": kgkt, "head": [0.6, 0.6, 0.6], "nearest labels": [0.7, 0.7, 0.7]}
    rows = [dict(zip(REPORT_COLUMNS, ("wrong-labels", method, 5, s, "found", v, 1.0), strict=True))
            for method, of in values.items() for s, v in enumerate(of)]  # fmt: skip
    columns, table = demo_tables.wrong_labels_table(Report(tuple(rows)))
    assert columns == ["wrong labels found, %", "5 labels a class", "95 % interval", "kgkt minus it"]
    assert table[2][:2] == ["nearest labels", "70.0"]
    assert table[2][3] in says
    said = demo_tables._on_wrong_labels(Report(tuple(rows)), 5)
    assert said.startswith("5 labels a class, 20 % of them wrong: ")
    assert says in said


def test_the_share_that_is_asked_for_is_wrong() -> None:
    classes = np.repeat(np.arange(5), 20)
    for kind in ("uniform", "pair"):
        given = wrong.plant(classes, 5, 0.2, np.random.default_rng(3), kind)
        assert (given != classes).sum() == 20
        assert set(given.tolist()) <= set(range(5))
        assert (given == wrong.plant(classes, 5, 0.2, np.random.default_rng(3), kind)).all()
    assert set(((given - classes) % 5).tolist()) == {0, 1}  # the next class
    assert (wrong.plant(classes, 5, 0.0, np.random.default_rng(3)) == classes).all()


def test_found_counts_as_many_as_are_wrong() -> None:
    assert wrong.found(np.array([0.1, 0.9, 0.2, 0.3]), np.array([True, True, False, False])) == 0.5


def test_adjusted_self_confidence_by_hand() -> None:
    P = np.array([[0.8, 0.2], [0.6, 0.4], [0.3, 0.7]])
    given = np.array([0, 1, 1])  # thresholds .8 and .55: rows become (.8, .45), (.6, .65), (.3, .95)
    np.testing.assert_allclose(wrong.adjusted_self_confidence(given, P), [0.8 / 1.25, 0.65 / 1.25, 0.95 / 1.25])


def test_bars_of_the_picture_begin_at_nothing(small: Demo) -> None:
    _, few, edit, wrong_labels = figure_of(small).axes
    assert few.get_xlim() == (0, 100)
    assert edit.get_ylim()[0] == wrong_labels.get_ylim()[0] == 0
    assert {bar.get_x() for bar in few.patches} == {0}
    kgkt = next(row for row, label in enumerate(few.get_yticklabels()) if label.get_text() == "kgkt")
    values = [r["value"] for r in small.report.rows if (r["task"], r["method"], r["metric"]) == ("few-labels", "kgkt", "test_accuracy")]
    assert few.patches[kgkt].get_width() == pytest.approx(100 * np.mean(values))
    heights = [bar.get_height() for bar in wrong_labels.patches]
    assert len(heights) == 2 * len(WRONG)
    assert np.mean(heights[:2]) == pytest.approx(100 * value(small.report, "wrong-labels", "kgkt", "found"))


def test_picture_is_a_png(small: Demo, tmp_path: Path) -> None:
    from PIL import Image

    draw(small, tmp_path / "demo.png")
    with Image.open(tmp_path / "demo.png") as picture:
        assert picture.format == "PNG"
        assert picture.width > 1000
        assert len(picture.convert("RGB").getcolors(1 << 20)) > 100


def test_repetitions_inside_a_seed_are_averaged() -> None:
    row = dict(zip(REPORT_COLUMNS, ("t", "m", 2, 0, "x", 0.5, 1.0), strict=True))
    assert average(iter([row, row | {"value": 0.7, "seconds": 3.0}, row | {"seed": 1}])) == [
        row | {"value": 0.6, "seconds": 2.0}, row | {"seed": 1},
    ]  # fmt: skip


def test_fewer_labels_are_a_part_of_more() -> None:
    y = make_split(0).pool_y
    one, five = (draw_labels(y, count, np.random.default_rng(3)) for count in (1, 5))
    assert len(one) == 10
    assert np.bincount(five.classes).tolist() == [5] * 10
    assert set(one.items) < set(five.items)
    assert (y[five.items] == five.classes).all()


def test_a_split_has_no_digit_twice() -> None:
    split = make_split(1)
    rows = np.concatenate([split.a_x, split.pool_x, split.test_x]).reshape(1797, -1)
    assert (len(split.a_x), len(split.pool_x), len(split.test_x)) == (800, 600, 397)
    from sklearn.datasets import load_digits

    assert np.array_equal(np.unique(rows * 16, axis=0), np.unique(load_digits().data, axis=0))


def test_case_turns_one_label_into_a_tick() -> None:
    y = make_split(0).pool_y
    case = edit.make_case(y, 3, 5, np.random.default_rng(0))
    assert case.before.names == ("0", "1", "2", "3 or 5", "4", "6", "7", "8", "9")
    assert case.class_of.tolist() == [0, 1, 2, 3, 4, 3, 5, 6, 7, 8]
    assert len(case.before) == 8 * 5 + 2
    assert len(case.labels) == 8 * 5 + 1
    tick = case.labels.tick_items[0]
    assert y[tick] == 5
    assert case.labels.tick_classes.tolist() == [3]
    assert tick in case.before.items
    assert tick not in case.labels.items
    assert (case.class_of[y[case.before.items]] == case.before.classes).all()


def test_pairs_are_disjoint() -> None:
    pairs = edit.pairs(np.random.default_rng(0))
    assert sorted(d for pair in pairs for d in pair) == list(range(10))


def test_judge_by_hand() -> None:
    case = edit.make_case(make_split(0).pool_y, 3, 5, np.random.default_rng(0))
    test_y = np.array([3, 3, 3, 3, 5, 5, 5, 9, 0])
    predicted = np.array([3, 3, 3, 4, 3, 8, 8, 8, 1])
    assert edit.judge(predicted, test_y, case) == {
        "b_left": pytest.approx(1 / 3), "a_lost": 0.25, "rest_right": 0.5,
    }  # fmt: skip
