"""A process that loads what a job needs before there is one: TensorFlow takes seconds, which nobody should wait for."""

from __future__ import annotations

import contextlib
import subprocess
import threading
from pathlib import Path

from kgkt.memory import free_bytes
from kgkt.serve.process import start_child

PLENTY = 3 << 30  # bytes that must be free for it
IDLE = 600.0  # seconds that it waits for a job
HEAVY = ("map", "fuse", "trace", "diff", "predict", "similar")  # verbs that need TensorFlow


class Spare:
    """One process at most that waits for a job; it is made after a job, for the next one.

    Args:
        folder: that it works in.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.lock = folder, threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._heavy = False
        self._timer: threading.Timer | None = None

    def take(self, verb: str) -> subprocess.Popen[bytes]:
        """A process for a job: the one that waits, where it is not meant for more than this; else a new one."""
        with self.lock:
            process, fits = self._process, self._heavy <= (verb in HEAVY)
            if process is not None and fits and process.poll() is None:
                self._process = None
                self._forget()
                return process
        return start_child(self.folder)

    def make(self, verb: str) -> None:
        """Let one wait for a job like the last one, where memory is plenty."""
        heavy, free = verb in HEAVY, free_bytes()
        with self.lock:
            if self._process is not None and self._process.poll() is None and self._heavy >= heavy:
                return
        self.drop()
        if free is None or free < PLENTY:
            return
        with self.lock:
            self._process, self._heavy = start_child(self.folder, "keras" if heavy else "arrays"), heavy
            self._timer = threading.Timer(IDLE, self.drop)
            self._timer.daemon = True
            self._timer.start()

    def drop(self) -> None:
        """End the one that waits."""
        with self.lock:
            process, self._process = self._process, None
            self._forget()
        if process is None:
            return
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout, process.stderr):
            with contextlib.suppress(OSError):
                if stream is not None:
                    stream.close()

    def _forget(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
