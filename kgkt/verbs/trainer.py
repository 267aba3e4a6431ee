"""The trainer: a command of the user's own that `kgkt run` starts once B is written, where it was allowed to."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path

from kgkt.errors import InputError, UnsafeError, UsageError
from kgkt.files import digest_value, is_running, sha256_file
from kgkt.recipe import Recipe
from kgkt.rundir.folder import RunDir
from kgkt.rundir.state import Say, open_run, record, settings_of, why_stale

LAST = 8  # lines of a trainer that failed
GRACE = 10.0  # seconds that an interrupted trainer has to end by itself
RUNS = "it still runs"
AWAY = "Move that file away if you want it, have the trainer write to another one, and run again"


@dataclass(frozen=True, slots=True)
class Trained:
    """Which command trained, and for how many seconds."""

    command: str
    seconds: float


def folder_of(recipe: Recipe) -> Path:
    """The folder that the trainer runs in: that of the recipe."""
    return Path() if recipe.path is None else recipe.path.parent


def trainer_command(recipe: Recipe) -> list[str]:
    """The words of the trainer's command; a script of Python is run by the Python that runs kgkt.

    Raises:
        InputError: no command, or one whose script or program is not there.
    """
    text = recipe.target.trainer or ""
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise InputError(f"[target] trainer {text!r} is no command: {error}") from error
    if not words:
        raise InputError('[target] trainer is empty: name a script, as in trainer = "train.py"')
    folder = folder_of(recipe)
    if words[0].endswith(".py"):
        if not (folder / words[0]).is_file():
            raise InputError(f"[target] trainer: {folder / words[0]} is not there")
        return [sys.executable, *words]
    here = folder / words[0]
    if shutil.which(words[0]) is None and not (os.sep in words[0] and here.is_file()):
        raise InputError(f"[target] trainer: no program {words[0]} is found: name one, or a script that ends in .py")
    return [str(here.resolve()) if os.sep in words[0] and here.is_file() else words[0], *words[1:]]


def check_trainer(recipe: Recipe, allowed: bool) -> None:
    """Refuse a trainer that nobody allowed, or that could not be run, before any stage.

    Args:
        recipe: with or without a trainer.
        allowed: whether whoever runs the recipe said that its command may run.

    Raises:
        UnsafeError: it was not allowed.
        UsageError: it was allowed, and there is none.
        InputError: it has nothing to train, or is not there.
    """
    target = recipe.target
    if target.trainer is None:
        if allowed:
            raise UsageError("--allow-trainer: the recipe names no [target] trainer")
        return
    if not (target.model and target.out):
        raise InputError("[target] trainer trains what fuse writes: name [target] model and out as well")
    command = trainer_command(recipe)
    if not allowed:
        raise UnsafeError(f"the recipe runs a command of its own, {shlex.join(command)}, which may do anything that "
                          "you may do here: read it, then kgkt run --allow-trainer")


def trainer_inputs(recipe: Recipe) -> dict[str, str]:
    """Digests of what makes training stale: the command, the files that it names, and B as it was written."""
    command, folder = trainer_command(recipe), folder_of(recipe)
    named = {word: folder / word for word in command[1:] if (folder / word).is_file()}
    return {
        "trainer": digest_value(command[1:] if command[0] == sys.executable else command),
        "written B": written_b(recipe),
        **{name: sha256_file(path) for name, path in named.items()},
    }


def written_b(recipe: Recipe) -> str:
    """Digest of the B that the trainer reads; empty where it is not there."""
    out = Path(recipe.target.out or "")
    return sha256_file(out) if out.is_file() else ""


def why_untrained(recipe: Recipe, run: RunDir) -> list[str]:
    """Why the trainer has to run (again): it never ran or did not end well, or what changed; [] if it is fresh.

    Raises:
        InputError: the trainer is not there.
    """
    told = settings_of(run, "train")
    fault = told.get("fault")
    if fault == RUNS and not is_running(told["process"]):
        fault = "it never finished"
    return [fault] if fault else why_stale(run, "train", trainer_inputs(recipe))


def refuse_changed(recipe: Recipe, run: RunDir, stage: str) -> None:
    """Refuse an `out` that a trainer read and that is not what `stage` wrote any more: it may hold what was trained.

    Raises:
        InputError: it is so.
    """
    stages = run.state().get("stages", {})
    wrote = stages.get(stage, {}).get("outputs", {}).get("model")
    read = stages.get("train", {}).get("inputs", {}).get("written B")
    if wrote and read == wrote and written_b(recipe) not in ("", wrote):
        raise InputError(f"{recipe.target.out} is not what fuse wrote any more: since then the trainer changed it, or "
                         f"another program. {AWAY}; --force replaces it")


def train(recipe: Recipe, say: Say) -> Trained:
    """Run the trainer in the recipe's folder; what it prints goes to stderr, and it ends when kgkt is interrupted.

    That it runs, and how it ended, is written down; what it read is as it was when it began.

    Args:
        recipe: with a trainer that was allowed.
        say: takes which command is run, and where.

    Raises:
        InputError: it failed, with its last lines; or it changed the B that it was to read.
    """
    command, run, inputs = trainer_command(recipe), open_run(recipe), trainer_inputs(recipe)
    begun = time.perf_counter()

    def note(fault: str | None) -> float:
        seconds = time.perf_counter() - begun
        settings = {"fault": fault, "process": os.getpid()} if fault else {}
        record(run, "train", inputs, {}, {"seconds": {"train": seconds}}, settings)
        return seconds

    note(RUNS)
    fault = "it failed"
    try:
        _run(command, folder_of(recipe), say)
        if written_b(recipe) != inputs["written B"]:
            fault = f"it changed {recipe.target.out}"
            raise InputError(f"[target] trainer: {shlex.join(command)} changed {recipe.target.out}, which it is only "
                             f"to read. {AWAY}")
    except BaseException as error:
        note("it was interrupted" if isinstance(error, KeyboardInterrupt) else fault)
        raise
    return Trained(shlex.join(command), note(None))


def _run(command: list[str], folder: Path, say: Say) -> None:
    say(f"trainer: runs {shlex.join(command)} in {folder.resolve()}")
    last = deque[str](maxlen=LAST)
    try:
        process = subprocess.Popen(
            command, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            errors="replace", start_new_session=True, env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )  # fmt: skip
    except OSError as error:
        raise InputError(f"[target] trainer: {shlex.join(command)} cannot be run: {error.strerror or error}") from error
    assert process.stdout is not None
    try:
        for line in process.stdout:
            sys.stderr.write(line)
            sys.stderr.flush()
            last.append(line.rstrip())
        code = process.wait()
    except BaseException:
        _end(process)
        raise
    finally:
        process.stdout.close()
    if code:
        how = f"was ended by signal {-code}" if code < 0 else f"ended with {code}"
        said = "; it said nothing" if not any(last) else ", after\n" + "\n".join(line for line in last if line)
        raise InputError(f"[target] trainer: {shlex.join(command)} {how}{said}")


def _end(process: subprocess.Popen[str]) -> None:
    """End the trainer and what it started: by an interrupt, and if that does not help in time, at once."""
    for sign in (signal.SIGINT, signal.SIGKILL):
        try:
            os.killpg(process.pid, sign)
            process.wait(GRACE)
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            continue
        return
