"""Starts the fenced child (`kgkt.store.embedded.worker`), puts questions to it, and ends it when it takes too much."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from kgkt.errors import InputError, KgktError, QueryError
from kgkt.store.fence import KINDS
from kgkt.store.protocol import Limits, Rows, timed_out

START_SECONDS = 120.0  # a large graph on a slow disk; a small one takes a tenth of a second
WATCH_SECONDS = 0.25
# The engine's allocator reserves 1 GiB of addresses at a time, which a limit on addresses counts before any of it is
# used: a query held to 256 MB could take 1.2 GB. In KiB.
ARENA_KIB = 64 * 1024


class Child:
    """A process that answers queries; it is never forked from this one.

    Args:
        module: what it runs, `python -m module`.
        arguments: of that module, before those that every child takes.
        what: it is asked about, for the message when it does not start.
        memory_mb: what a query may take beyond what the child holds when it is ready.
        write: let statements write.
        dry: keep nothing of what they write.
        first: a line that it reads before all else.

    Raises:
        KgktError: as the child says; InputError where it ends without a word.
    """

    def __init__(
        self, module: str, arguments: Sequence[str], what: str, memory_mb: int, write: bool = False, dry: bool = False,
        first: str = "",
    ) -> None:  # fmt: skip
        self.memory_mb, self.write, self.dry = memory_mb, write, dry
        arguments = [*arguments, str(memory_mb), "dry" if dry else "rw" if write else "r"]
        package = str(Path(__file__).resolve().parents[2])
        keep = ("PATH", "SYSTEMROOT", "TMPDIR", "TEMP", "LD_LIBRARY_PATH", "VIRTUAL_ENV", "SSL_CERT_FILE",
                "SSL_CERT_DIR")
        environment = {name: os.environ[name] for name in keep if name in os.environ}
        environment.update(PYTHONPATH=package, PYTHONUTF8="1", PYTHONDONTWRITEBYTECODE="1",
                           MIMALLOC_ARENA_RESERVE=str(ARENA_KIB))
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", module, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, encoding="utf-8", errors="surrogatepass", env=environment)
        self._lines: queue.Queue[str | None] = queue.Queue()
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()
        if first:
            self._send(first)
        answer = self._wait(START_SECONDS, "the graph took too long to load")
        if answer is None:
            self.close()
            raise InputError(f"{what} could not be opened to be asked: the child ended with code "
                             f"{self.process.returncode}")
        try:
            self._checked(answer)
        except KgktError:
            self.close()
            raise

    def ask(self, text: str, params: Mapping[str, Any], limits: Limits) -> Rows:
        """Run one statement.

        Raises:
            QueryError: refused by the engine, out of time or out of memory; then the child is gone.
        """
        try:
            line = json.dumps({"text": text, "params": dict(params), "seconds": limits.seconds, "rows": limits.rows},
                              allow_nan=False)
        except (TypeError, ValueError, RecursionError) as error:
            raise InputError(f"a parameter of the query cannot be sent: {error}") from error
        self._send(line)
        answer = self._wait(limits.seconds + 1, timed_out(limits.seconds))
        if answer is None:
            self.close()
            raise QueryError(self._too_much())
        value = self._checked(answer)
        return Rows(tuple(value["columns"]), tuple(map(tuple, value["rows"])), value["truncated"], value["written"])

    @property
    def alive(self) -> bool:
        """Whether it can still be asked."""
        return self.process.poll() is None

    def close(self) -> None:
        """End the child; a writer first gives its lease back."""
        assert self.process.stdin is not None
        with contextlib.suppress(OSError):
            self.process.stdin.close()
        if not self.write:
            self.process.kill()
        try:
            self.process.wait(START_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
        self._listener.join()

    def kill(self) -> None:
        """End the child now, whatever it is doing."""
        self.process.kill()
        self.process.wait()

    def _send(self, line: str) -> None:
        with contextlib.suppress(BrokenPipeError):  # it is gone: the wait for its answer says so
            assert self.process.stdin is not None
            self.process.stdin.write(line + "\n")
            self.process.stdin.flush()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as out:
            for line in out:
                self._lines.put(line)
        self._lines.put(None)

    def _wait(self, seconds: float, late: str) -> str | None:
        """The next line of the child, None where it ended; after `seconds` it is killed and `late` is said."""
        deadline = time.monotonic() + seconds
        try:
            while True:
                try:
                    return self._lines.get(timeout=max(0.0, min(WATCH_SECONDS, deadline - time.monotonic())))
                except queue.Empty:
                    if time.monotonic() >= deadline:
                        raise QueryError(late) from None
                    if sys.platform == "darwin" and (resident_mb(self.process.pid) or 0) > self.memory_mb:
                        raise QueryError(self._too_much()) from None
        except BaseException:
            self.kill()
            self.close()
            raise

    def _checked(self, line: str) -> dict[str, Any]:
        value: dict[str, Any] = json.loads(line)
        if "error" in value:
            raise KINDS[value["error"]](value["message"])
        return value

    def _too_much(self) -> str:
        return f"the query needed more than {self.memory_mb} MB: add LIMIT or narrow it"


def resident_mb(pid: int) -> int | None:
    """Megabytes a process holds, as `ps` says; None where it cannot be told."""
    answer = subprocess.run(["ps", "-o", "rss=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return int(answer.stdout) // 1024 if answer.stdout.strip().isdigit() else None
