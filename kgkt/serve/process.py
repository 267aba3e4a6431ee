"""The process of a job, seen from the server: how it starts, is interrupted, and ends without a word."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections import deque
from pathlib import Path
from typing import IO

PATIENCE = 5.0  # seconds from an interruption to the end
LEAVING = 10.0  # seconds from its last word to the end of a process
LINE = 2000  # bytes of a line that are kept


def start_child(folder: Path, *load: str) -> subprocess.Popen[bytes]:
    """A process for one job, never forked from this one; interruptions from a terminal do not reach it.

    Args:
        folder: that it works in.
        load: what it loads before it waits for its job.
    """
    package = str(Path(__file__).resolve().parents[2])
    paths = os.pathsep.join([package, *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = {**os.environ, "PYTHONPATH": paths, "PYTHONUTF8": "1"}
    environment.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "kgkt.serve.child", *load], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, cwd=folder, env=environment, start_new_session=True)


def interrupt(process: subprocess.Popen[bytes]) -> None:
    """Interrupt a process as Ctrl-C does; it is killed where that did not end it."""
    process.send_signal(signal.SIGINT if os.name == "posix" else signal.SIGTERM)
    end_later(process, PATIENCE)


def end_later(process: subprocess.Popen[bytes], seconds: float) -> None:
    """Kill a process and those that it started, if it is still there after some seconds."""

    def end() -> None:
        if process.poll() is None:
            if os.name == "posix":
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
            else:
                process.kill()

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()


def in_words(code: int) -> str:
    """How a process ended that did not say so itself.

    >>> in_words(-9)
    'the system ended the job (SIGKILL), as it does where memory runs out; kgkt check estimates what a run needs'
    """
    if code >= 0:
        return f"the job's process ended with code {code} and said nothing: the server's log has its last words"
    name = signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"
    if name in ("SIGKILL", "SIGABRT"):
        what = "the system ended the job" if name == "SIGKILL" else "the job's process gave up"
        return f"{what} ({name}), as it does where memory runs out; kgkt check estimates what a run needs"
    return f"the job's process crashed ({name}): the server's log has its last words"


def drain_into(stream: IO[bytes] | None, last: deque[str]) -> None:
    """Keep the last lines of what a process writes beside its answers."""
    assert stream is not None
    with stream:
        for line in stream:
            last.append(line[:LINE].decode("utf-8", "replace"))
