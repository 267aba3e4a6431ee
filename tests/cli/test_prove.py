"""evaluate as a user types it, on the populated graph of the fixtures."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from tests.cli.conftest import Kgkt, write_labels

pytestmark = pytest.mark.slow

FAST = ("evaluate", "--labels", "1,5", "--seeds", "2", "--train-b", "scratch,kgkt@1,5@2")


@pytest.fixture
def known(populated: Path, truth: dict[str, str]) -> Path:
    """The populated folder with the true class of every item beside it."""
    write_labels(populated / "truth.csv", list(truth.items()))
    return populated


def test_a_short_evaluation_from_the_command_line(known: Path, kgkt: Kgkt) -> None:
    done = kgkt(*FAST, "--truth", "truth.csv", "--target", "b.keras", "--test", "test.npz", "--balanced", "--out", "r")
    assert done.code == 0, done.err
    report = done.json
    cells = {(r["method"], r["labels_per_class"], r["seed"], r["metric"]): r["value"] for r in report["rows"]}
    assert cells[("kgkt", 5, 0, "test_accuracy")] > cells[("scratch", 5, 0, "test_accuracy")]
    assert {m for m, *_, metric in cells if metric == "test_accuracy"} == {"scratch", "kgkt"}
    assert report["about"]["prior"] == [0.1] * 10
    assert "untrained A" in report["skipped"]  # the recipe names no A
    assert "row untrained A is left out: needs the model A itself" in done.err
    for name in ("report.json", "report.md", "report.html", "cells.jsonl", "card.md"):
        assert (known / "r" / name).stat().st_size > 0
    assert json.loads((known / "r" / "report.json").read_text())["rows"] == report["rows"]


def test_with_a_named_a_its_untrained_copy_and_its_own_answer_join_in(known: Path, kgkt: Kgkt) -> None:
    (known / "kgkt.toml").write_text(
        '[source]\nmodel = "a.keras"\nlayers = ["mid", "emb"]\ndata = "pool.npz"\n'
        f"classes = {[str(d) for d in range(10)]}\n"
        '[target]\nmodel = "b.keras"\ntest = "test.npz"\n'
    )
    rows = "scratch,keras distillation,kgkt@1@1"
    done = kgkt("evaluate", "--labels", "1", "--seeds", "1", "--truth", "truth.csv", "--train-b", rows)
    assert done.code == 0, done.err
    cells = {(r["method"], r["metric"]): r["value"] for r in done.json["rows"]}
    assert cells[("keras distillation", "test_accuracy")] > cells[("scratch", "test_accuracy")] + 0.1
    assert cells[("kgkt", "pool_accuracy")] > cells[("untrained A", "pool_accuracy")]
    assert "one seed: there is no interval" in done.err
    assert "nobody can tell" in "\n".join(done.json["sentences"])
    assert not set(done.json["skipped"]) - {"PoissonMBO", "PoissonMBO+rounds", "PoissonMBO untold"}  # where GraphLearning is not installed
    again = kgkt("evaluate", "--labels", "1", "--seeds", "1", "--truth", "truth.csv", "--train-b", rows)
    assert again.json["rows"] == done.json["rows"]  # the seconds too: nothing was computed again
    assert "reading the pool through an untrained copy" not in again.err


def test_recommend_names_a_route_a_label_count_and_trains_no_b(known: Path, kgkt: Kgkt) -> None:
    done = kgkt("evaluate", "--recommend", "--labels", "1,5", "--truth", "truth.csv", "--format", "table")
    assert done.code == 0, done.err
    lines = done.out.splitlines()
    assert [line[:30] for line in lines] == ["At 1 label a class take ".ljust(24) + lines[0][24:30],
                                             "At 5 labels a class take ".ljust(25) + lines[1][25:30]]  # fmt: skip
    report = json.loads((known / "kgkt-run" / "main" / "recommend" / "report.json").read_text())
    assert "test_accuracy" not in {r["metric"] for r in report["rows"]}
    assert {r["seed"] for r in report["rows"]} == set(range(5))


def test_the_true_classes_may_stand_in_the_pool(known: Path, kgkt: Kgkt, digits) -> None:
    np.savez(known / "pool.npz", x=digits.pool_x, item_id=digits.pool_ids, y=digits.pool_y)
    (known / "kgkt.toml").write_text('[source]\ndata = "pool.npz"\n')
    done = kgkt("evaluate", "--labels", "5", "--seeds", "1", "--train-b", "none")
    assert done.code == 0, done.err
    assert {r["metric"] for r in done.json["rows"] if r["method"] != "kgkt"} == {"pool_accuracy"}


def test_without_true_classes_nothing_is_judged(populated: Path, kgkt: Kgkt) -> None:
    done = kgkt("evaluate")
    assert done.code == 3
    assert "the true classes of the pool are not known" in done.err
    assert "--truth truth.csv" in done.err


def test_true_classes_of_a_part_are_not_enough(known: Path, kgkt: Kgkt, truth: dict[str, str]) -> None:
    write_labels(known / "part.csv", [*list(truth.items())[:-3], ("of tomorrow", "3")])
    done = kgkt("evaluate", "--truth", "part.csv")
    assert done.code == 3
    assert "part.csv: 1 row of items that the pool does not have, passed over" in done.err
    assert "part.csv lacks the class of 3 of 600 items, e.g. 'i0597'" in done.err


def test_a_b_without_a_test_set_is_left_out_aloud(known: Path, kgkt: Kgkt) -> None:
    done = kgkt("evaluate", "--labels", "5", "--seeds", "1", "--truth", "truth.csv", "--target", "b.keras")
    assert done.code == 0
    assert "B is left out, only the answers for the pool are compared: --test test.npz is missing" in done.err
    assert done.json["about"]["b"] is None


def test_a_test_set_that_overlaps_the_pool_is_refused(known: Path, kgkt: Kgkt, digits) -> None:
    x, y = np.concatenate([digits.test_x, digits.pool_x[5:9]]), np.concatenate([digits.test_y, digits.pool_y[5:9]])
    np.savez(known / "leaky.npz", x=x, y=y)
    command = ("evaluate", "--labels", "5", "--seeds", "1", "--truth", "truth.csv", "--target", "b.keras",
               "--test", "leaky.npz", "--train-b", "kgkt@5@1")  # fmt: skip
    done = kgkt(*command)
    assert done.code == 3
    assert "4 of 601 test items are items of the pool, e.g. row 597 is 'i0005'" in done.err
    assert "--allow-overlap" in done.err
    done = kgkt(*command, "--allow-overlap")
    assert done.code == 0
    assert "allowed, and the test accuracy flatters every row" in done.err


def test_a_test_set_without_some_classes_is_refused(known: Path, kgkt: Kgkt, digits) -> None:
    few = digits.test_y < 8
    np.savez(known / "few.npz", x=digits.test_x[few], y=digits.test_y[few])
    done = kgkt(*FAST, "--truth", "truth.csv", "--target", "b.keras", "--test", "few.npz")
    assert done.code == 3
    assert "the test set has no item of 8, 9" in done.err


def test_a_gain_below_the_bar_is_exit_6_and_the_report_stays(known: Path, kgkt: Kgkt) -> None:
    command = ("evaluate", "--labels", "5", "--seeds", "1", "--truth", "truth.csv", "--out", "r")
    done = kgkt(*command, "--target", "b.keras", "--test", "test.npz", "--train-b", "scratch,kgkt@5@1",
                "--require-gain", "99")  # fmt: skip
    assert done.code == 6
    assert "asked for at least 99.0; the report is in r" in done.err
    assert (known / "r" / "report.html").exists()
    done = kgkt(*command, "--require-gain", "0", "--recommend")
    assert done.code == 6
    assert "gain over scratch not measured (give --target and --test)" in done.err


@pytest.mark.parametrize(
    ("flags", "code", "message"),
    [
        (("--labels", "1,x"), 2, "write whole numbers with commas"),
        (("--labels", "0"), 3, "ascending whole numbers from 1"),
        (("--seeds", "0"), 3, "seeds must be 1 or more"),
        (("--train-b", "some", "--target", "b.keras", "--test", "test.npz"), 2, "say all, few, none"),
        (("nowhere.toml",), 3, "nowhere.toml is not there"),
    ],
)
def test_what_makes_no_sense_is_refused(
    known: Path, kgkt: Kgkt, flags: tuple[str, ...], code: int, message: str
) -> None:
    done = kgkt("evaluate", "--truth", "truth.csv", *flags)
    assert (done.code, message in done.err) == (code, True), done.err


def test_source_classes_must_name_b_s_classes(known: Path, kgkt: Kgkt) -> None:
    (known / "kgkt.toml").write_text('[source]\nmodel = "a.keras"\ndata = "pool.npz"\nclasses = ["0", "1"]\n')
    done = kgkt("evaluate", "--truth", "truth.csv", "--seeds", "1")
    assert done.code == 3
    assert "[source] classes lacks '2'" in done.err


def test_the_card_of_a_fused_b_gets_the_section_once(known: Path, kgkt: Kgkt) -> None:
    (known / "fused.card.md").write_text("# fused\n\n## Figures\n\nx\n")
    (known / "kgkt.toml").write_text('[target]\nmodel = "b.keras"\nout = "fused.keras"\n')
    for _ in range(2):
        assert kgkt("evaluate", "--labels", "5", "--seeds", "1", "--truth", "truth.csv", "--train-b", "none").code == 0
    card = (known / "fused.card.md").read_text()
    assert card.startswith("# fused\n\n## Figures\n\nx\n\n## What the graph is worth\n")
    assert card.count("## What the graph is worth") == 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_evaluation_keeps_its_cells_and_leaves_nothing_running(known: Path, number: int) -> None:
    command = [Path(sys.executable).with_name("kgkt"), "evaluate", "--recommend", "--labels", "1", "--seeds", "200",
               "--truth", "truth.csv", "--jobs", "2"]  # fmt: skip
    run = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True,
                           preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler))  # fmt: skip
    cells = known / "kgkt-run" / "main" / "recommend" / "cells.jsonl"
    while not cells.exists() or not cells.stat().st_size:
        assert run.poll() is None
        time.sleep(0.1)
    os.killpg(run.pid, number) if number == signal.SIGINT else run.send_signal(number)
    _, said = run.communicate(timeout=60)
    assert run.returncode == 130
    assert b"interrupted; run the same command again to go on" in said
    for _ in range(600):
        try:
            os.killpg(run.pid, 0)
        except ProcessLookupError:
            break
        time.sleep(0.1)
    else:
        pytest.fail("a process of the evaluation is still there")
    assert all(json.loads(line)["metric"] == "pool_accuracy" for line in cells.read_text().splitlines())
