"""The trainer: a command of the user's own that `kgkt run` starts after `fuse`, only where it was allowed to."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from kgkt.errors import InputError, UnsafeError, UsageError
from kgkt.recipe import Recipe, Target
from kgkt.rundir.folder import RunDir
from kgkt.rundir.state import record
from kgkt.verbs.trainer import RUNS, check_trainer, train, trainer_command, trainer_inputs, why_untrained
from tests.cli.conftest import Kgkt

RECIPE = """
[source]
model = "a.keras"
layers = ["mid", "emb"]
data = "pool.npz"
[target]
model = "b.keras"
out = "out.keras"
map = false
steps = 5
trainer = "train.py out.keras"
"""
WORKS = "import sys; print('read', sys.argv[1]); open(sys.argv[1], 'rb').close(); open('trained', 'a').write('x')\n"


def test_run_trains_once_where_it_was_allowed_and_again_where_the_script_changed(labelled: Path, kgkt: Kgkt) -> None:
    Path("kgkt.toml").write_text(RECIPE)
    Path("train.py").write_text(WORKS)
    refused = kgkt("run")
    assert (refused.code, refused.out) == (5, "")
    assert "train.py out.keras, which may do anything that you may do here" in refused.err
    assert "kgkt run --allow-trainer" in refused.err
    assert not Path("out.keras").exists()  # refused before any stage
    assert line_of(kgkt, "train") == "stale: never ran"
    first = kgkt("run", "--allow-trainer")
    assert first.code == 0, first.err
    assert first.json["stages"]["train"] == "done"
    assert "trainer: runs " in first.err
    assert "\nread out.keras\n" in first.err
    assert kgkt("run", "--allow-trainer").json["stages"]["train"] == "fresh"
    assert Path("trained").read_text() == "x"
    Path("train.py").write_text("print('so far'); raise ValueError('no such corpus')\n")
    checked = kgkt("check").json
    assert checked["stale"]["train"] == ["train.py"]
    assert "run only by kgkt run --allow-trainer" in next(f["says"] for f in checked["facts"] if f["what"] == "trainer")
    failed = kgkt("run", "--allow-trainer")
    assert failed.code == 3
    assert "ended with 1, after\nso far\n" in failed.err
    assert failed.err.rstrip().endswith("ValueError: no such corpus")
    assert kgkt("check").json["stale"]["train"] == ["it failed"]
    assert line_of(kgkt, "train").endswith("   stale: it failed")
    Path("train.py").unlink()
    assert kgkt("check").json["problems"] == ["[target] trainer: train.py is not there"]


def line_of(kgkt: Kgkt, what: str) -> str:
    """What check says of it."""
    return next(fact["says"] for fact in kgkt("check").json["facts"] if fact["what"] == what)


def test_a_trainer_that_changes_what_it_reads_is_told(labelled: Path, kgkt: Kgkt) -> None:
    Path("kgkt.toml").write_text(RECIPE)
    Path("train.py").write_text("import sys; open(sys.argv[1], 'ab').write(b'more')\n")
    changed = kgkt("run", "--allow-trainer")
    assert changed.code == 3
    assert "train.py out.keras changed out.keras, which it is only to read. Move that file away" in changed.err
    assert kgkt("check").json["stale"]["train"] == ["it changed out.keras"]
    trained = Path("out.keras").read_bytes()
    again = kgkt("run", "--allow-trainer")
    assert again.code == 3
    assert "out.keras is not what fuse wrote any more: since then the trainer changed it" in again.err
    assert Path("out.keras").read_bytes() == trained  # nothing that was trained is lost
    Path("out.keras").rename("trained.keras")
    Path("train.py").write_text(WORKS)
    last = kgkt("run", "--allow-trainer")
    assert last.code == 0, last.err


@pytest.fixture
def graph(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunDir:
    """A graph of which nothing is written down, in a folder to work in."""
    monkeypatch.chdir(tmp_path)
    run = RunDir("kgkt-run", "main")
    run.folder.mkdir(parents=True)
    run.write_state({"stages": {}})
    return run


def test_while_it_runs_and_after_its_end_check_knows(graph: RunDir, tmp_path: Path) -> None:
    Path("o.keras").write_text("B")
    Path("train.py").write_text("import json; print(json.load(open('kgkt-run/main/run.json'))['stages']['train'])\n")
    ours = recipe(tmp_path, trainer="train.py")
    assert why_untrained(ours, graph) == ["never ran"]
    train(ours, lambda _: None)
    assert why_untrained(ours, graph) == []
    read = trainer_inputs(ours)
    record(graph, "train", read, {}, {"seconds": {}}, {"fault": RUNS, "process": os.getpid()})
    assert why_untrained(ours, graph) == ["it still runs"]
    ended = subprocess.Popen(["true"])
    ended.wait()
    record(graph, "train", read, {}, {"seconds": {}}, {"fault": RUNS, "process": ended.pid})
    assert why_untrained(ours, graph) == ["it never finished"]


def test_a_script_that_changed_while_it_ran_is_stale(graph: RunDir, tmp_path: Path) -> None:
    Path("train.py").write_text("open('train.py', 'a').write('# later')\n")
    ours = recipe(tmp_path, trainer="train.py")
    train(ours, lambda _: None)
    assert why_untrained(ours, graph) == ["train.py"]


def test_a_program_that_may_not_be_run_is_said(graph: RunDir, tmp_path: Path) -> None:
    Path("fit.sh").touch(0o644)
    with pytest.raises(InputError, match="cannot be run: Permission denied"):
        train(recipe(tmp_path, trainer="./fit.sh"), lambda _: None)


def recipe(folder: Path, **target: Any) -> Recipe:
    return Recipe(path=folder / "kgkt.toml", target=Target(**{"model": "b.keras", "out": "o.keras", **target}))


@pytest.mark.parametrize(("target", "error", "says"), [
    ({"trainer": "there.py"}, UnsafeError, "there.py, which may do anything"),
    ({"trainer": "there.py", "out": None}, InputError, "name \\[target\\] model and out as well"),
    ({"trainer": "gone.py"}, InputError, "gone.py is not there"),
    ({"trainer": "no-such-program --fast"}, InputError, "no program no-such-program is found"),
    ({"trainer": "there.py 'open"}, InputError, "is no command: No closing quotation"),
    ({"trainer": " "}, InputError, "trainer is empty"),
])  # fmt: skip
def test_what_cannot_run_is_refused_before_any_stage(tmp_path: Path, target: Any, error: Any, says: str) -> None:
    (tmp_path / "there.py").touch()
    with pytest.raises(error, match=says):
        check_trainer(recipe(tmp_path, **target), allowed=False)


def test_what_is_allowed_and_not_there_is_said() -> None:
    with pytest.raises(UsageError, match="names no \\[target\\] trainer"):
        check_trainer(recipe(Path()), allowed=True)


def test_a_program_of_ones_own_is_run_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "fit.sh").touch()
    assert trainer_command(recipe(tmp_path, trainer="./fit.sh --epochs 3")) == [str(tmp_path / "fit.sh"), "--epochs", "3"]
    assert trainer_command(recipe(tmp_path, trainer="sh fit.sh"))[0] == "sh"


def test_an_interrupt_ends_the_trainer_and_what_it_started(graph: RunDir, tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(
        "import subprocess, sys\n"
        "child = subprocess.Popen(['sleep', '60'])\n"
        "open('pid.part', 'w').write(str(child.pid))\n"
        "import os; os.rename('pid.part', 'pid')\n"
        "child.wait()\n"
    )

    def interrupt() -> None:
        while not (tmp_path / "pid").exists():
            time.sleep(0.02)
        os.kill(os.getpid(), signal.SIGINT)

    waiting = threading.Thread(target=interrupt, daemon=True)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # tests in the background come without it
    try:
        waiting.start()
        with pytest.raises(KeyboardInterrupt):
            train(recipe(tmp_path, trainer="train.py"), lambda _: None)
    finally:
        signal.signal(signal.SIGINT, before)
    waiting.join()
    state = Path(f"/proc/{(tmp_path / 'pid').read_text()}/stat")
    for _ in range(200):
        if ended := not state.exists() or state.read_text().split()[2] == "Z":
            break
        time.sleep(0.02)
    assert ended
    assert why_untrained(recipe(tmp_path, trainer="train.py"), graph) == ["it was interrupted"]
