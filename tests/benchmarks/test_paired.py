"""The benchmarks of what people do with the graph: draws, what is counted, and pages made from rows."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

ROOT = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Any]:
    monkeypatch.syspath_prepend(str(ROOT))
    return importlib.import_module


def rows_of(paired: Any, task: str, found: dict[tuple[str, int, str], list[float]]) -> list[dict[str, Any]]:
    """Rows of a report: (method, labels, metric) -> a value a draw."""
    return [paired.row(task, method, labels, seed, metric, value)
            for (method, labels, metric), several in found.items() for seed, value in enumerate(several)]


def test_gains_are_paired(bench: Callable[[str], Any]) -> None:
    paired = bench("paired")
    mean, error = paired.gain({0: 0.5, 1: 0.7, 2: 0.9}, {0: 0.4, 1: 0.5})
    assert (round(mean, 6), round(error, 6)) == (0.15, 0.05)
    assert paired.points((mean, error)) == "+15.0 ±5.0"
    assert paired.gain({0: 0.5}, {1: 0.5}) is None
    assert paired.level((-0.1, 0.05)) is True
    assert paired.level((-0.11, 0.05)) is False
    assert paired.level(paired.gain({0: 0.5}, {0: 0.4})) is None  # one draw says nothing of a standard error
    assert paired.share({0: 0.5}) == "50.0"
    assert [paired.verdict(v) for v in (True, False, None)] == ["met", "**missed**", "not run"]


def test_a_report_keeps_what_it_has(
    bench: Callable[[str], Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    paired = bench("paired")
    asked: list[list[int]] = []

    def run(task: str, draws: range) -> Any:
        asked.append(list(draws))
        yield from (paired.row(task, "kgkt", 1, seed, "m", 0.5) for seed in draws)

    def report(rows: Any) -> Any:
        yield f"{len(rows)} rows"

    def called(*arguments: str) -> None:
        monkeypatch.setattr("sys.argv", ["bench", "--out", str(tmp_path), *arguments])
        paired.main("bench", "help", ("one", "two"), run, report, draws=2)

    called("--tasks", "one")
    called("--tasks", "one", "--draws", "3")
    called("--tasks", "two", "--draws", "1")
    called("--tasks", "two", "--draws", "1", "--fresh")
    assert asked == [[0, 1], [2], [0], [0]]
    kept = json.loads((tmp_path / "bench" / "report.json").read_text())
    assert kept["commands"]["one"] == "python benchmarks/bench.py --tasks one --draws 3"
    text = (tmp_path / "bench" / "report.md").read_text()
    assert text == paired.page(kept, report)
    assert text.startswith("4 rows")
    for wrong in (("--tasks", "none"), ("--draws", "0")):
        with pytest.raises(SystemExit):
            called(*wrong)
    said = capsys.readouterr().err
    assert "no task none: choose of one, two" in said
    assert "--draws must be 1 or more, received 0" in said
    monkeypatch.setattr("sys.argv", ["bench"])
    with pytest.raises(SystemExit):
        paired.main("bench", "help", ("one",), run, report, needs=("json", "no_such_module"))
    assert "no_such_module is not installed: pip install -r benchmarks/requirements.txt" in capsys.readouterr().err


def test_how_many_random_labels_are_as_good(bench: Callable[[str], Any]) -> None:
    suggest, paired = bench("suggest"), bench("paired")
    counts = sorted((*suggest.BUDGETS, *suggest.MORE))
    curve = {("random", n, "pool_accuracy"): [0.1 * i + 0.1] for i, n in enumerate(counts)}
    for wanted, answer in ((0.4, f"{counts[3]}"), (0.05, f"under {counts[0]}"), (0.95, f"over {counts[-1]}")):
        rows = rows_of(paired, "t", curve | {("suggest", 20, "pool_accuracy"): [wanted]})
        assert suggest.as_good(rows, "t", 20) == answer
    rows = rows_of(paired, "t", curve | {("suggest", 20, "pool_accuracy"): [0.15]})
    assert suggest.as_good(rows, "t", 20) == f"{(counts[0] * counts[1]) ** 0.5:.0f}"  # half way, of the logarithms


def test_the_oracle_draws_as_many_of_each_class(bench: Callable[[str], Any]) -> None:
    y = np.repeat(np.arange(3), 50)
    items = bench("suggest").per_class(y, 20, 0)
    assert sorted(np.bincount(y[items]).tolist()) == [6, 7, 7]
    assert len(set(items.tolist())) == 20


def test_the_suggested_items_are_those_of_the_verb(bench: Callable[[str], Any], small_run: Any) -> None:
    suggest = bench("suggest")
    view, asked = small_run
    assert suggest.suggested(view, 5).tolist() == asked


@pytest.fixture(scope="module")
def small_run(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A graph of made-up features as a view, and the rows of the pool that the verb suggests."""
    import kgkt
    from kgkt.concepts.cluster import fit_local
    from kgkt.concepts.edges import unnamed_graph
    from kgkt.concepts.propagate import make_spreader
    from kgkt.files import load_arrays
    from kgkt.proof.view import View

    X = np.random.default_rng(0).normal(size=(120, 12)).astype(np.float32)
    ids = [f"i{i:03d}" for i in range(len(X))]
    run = kgkt.populate(features={"features": X, "item_id": ids}, dir=tmp_path_factory.mktemp("small") / "run")
    vectors = load_arrays(run.folder / "embedding.safetensors")[0]["vectors"]
    clustering = fit_local(vectors, run.populated.n_concepts, 0)
    graph = unnamed_graph(clustering)
    asked = [ids.index(one.item_id) for one in run.suggest(5)]
    return View(vectors, X, graph, clustering.memberships, make_spreader(graph)), asked


def test_the_pool_gets_a_long_tail(bench: Callable[[str], Any]) -> None:
    imbalance = bench("imbalance")
    y = np.repeat(np.arange(5), 200)
    rank = np.array([2, 0, 1, 4, 3])
    counts = np.array([50, 19, 7, 3, 1])
    kept = y[imbalance.tail(y, rank, counts, 0)]
    assert np.bincount(kept).tolist() == [28, 200, 76, 4, 12]  # never fewer than twice the labels
    labels = imbalance.uneven(y, tuple("abcde"), counts[rank], 0)
    assert np.bincount(labels.classes).tolist() == counts[rank].tolist()
    P = np.eye(5)[y]
    P[y == 3] = np.eye(5)[0]
    recalls = imbalance.of_each_class(P, y, labels.items, 5)
    assert recalls.tolist() == [1, 1, 1, 0, 1]


def test_made_up_features_are_the_same_each_time(bench: Callable[[str], Any]) -> None:
    edits = bench("edits")
    X, y = edits.made_up(500)
    assert (edits.made_up(500)[0] == X).all()
    assert X.shape == (500, edits.WIDTH)
    assert len(edits.first(np.tile(np.arange(10), 50))) == edits.CLASSES * edits.LABELS
    assert len(np.unique(y)) == edits.CLASSES


def test_the_bars_say_what_was_missed(bench: Callable[[str], Any]) -> None:
    paired, edits, tick, switched = (bench(name) for name in ("paired", "edits", "tick", "switched"))
    n = edits.SIZES["300k"]
    took = {(m, n, f"{e}_seconds"): [3.0] for m in edits.RIVALS for e in (edits.LABEL, edits.SWITCH)}
    took |= {(edits.HELD, n, "label_seconds"): [0.1], (edits.HELD, n, "switch_seconds"): [1.0]}
    lines = {line[1]: line[2:] for line in edits.bar(rows_of(paired, "300k", took))}
    assert lines[f"{edits.HELD}: 20x faster than the fastest, label"] == ["30.0x", "met"]
    assert lines[f"{edits.HELD}: 20x faster than the fastest, switch"] == ["3.0x", "**missed**"]
    assert lines[f"{edits.VERB}: 20x faster than the fastest, label"] == ["–", "not run"]

    share = {(m, t, f"b_{part}"): [0.1] for m in tick.METHODS for t in tick.TICKS for part in tick.PARTS}
    share[tick.OURS, 2, "b_b_left"] = [0.16]
    lines = {line[0]: line[1:] for line in tick.bar(rows_of(paired, "fashion", share))}
    assert lines["1: b left at most 15 %, a kept at least 80 %"] == ["10.0 % left, 90.0 % kept", "met"]
    assert lines["2: b left at most 15 %, a kept at least 80 %"] == ["16.0 % left, 90.0 % kept", "**missed**"]
    assert lines["2: least left and lost together"][1] == "**missed**"

    found = {(w, switched.LABELS, m): [0.0, 0.0] for w in switched.WAYS for m in (switched.OWN, switched.REST)}
    found[switched.OFF, switched.LABELS, switched.OWN] = [0.0, 0.1]
    lines = {line[1]: line[2:] for line in switched.bar(rows_of(paired, "fashion", found), ["fashion"])}
    assert lines["switched off: at most 1 % of the class is left"] == ["5.0 ±5.0", "**missed**"]
    assert lines["and its labels: at most 1 % of the class is left"] == ["0.0 ±0.0", "met"]


def test_the_edit_has_other_classes_and_more_ticks() -> None:
    from kgkt.demo import edit

    y = np.tile(np.arange(5), 40)
    assert len(edit.pairs(np.random.default_rng(0), 5)) == 2
    case = edit.make_case(y, 1, 3, np.random.default_rng(0), ticks=2, digits=5)
    assert case.labels.names == ("0", "1 or 3", "2", "4")
    assert np.bincount(case.labels.classes).tolist() == [5, 2, 5, 5]
    assert y[case.labels.tick_items].tolist() == [3, 3]
    assert case.labels.tick_classes.tolist() == [1, 1]
    assert np.bincount(case.before.classes).tolist() == [5, 4, 5, 5]
