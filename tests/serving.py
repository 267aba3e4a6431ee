"""A running `kgkt serve`, for tests that need a real one."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

COMMAND = (sys.executable, "-c", "from kgkt.cli import main; main()")


@dataclass(frozen=True)
class Served:
    """A service: its link with the token, its folder, its process."""

    link: str
    folder: Path
    process: subprocess.Popen[str]

    @property
    def base(self) -> str:
        return self.link.split("/?")[0]

    @property
    def token(self) -> str:
        return self.link.split("token=")[1]

    def ask(self, path: str, body: Any = None, method: str | None = None, **headers: str) -> tuple[int, Any]:
        """Status and JSON of a request with the token; with a body it is a POST."""
        sent = None if body is None else json.dumps(body).encode()
        asked = urllib.request.Request(self.base + path, sent, {"Authorization": f"Bearer {self.token}", **headers},
                                       method=method)  # fmt: skip
        if body is not None and "Content-Type" not in headers:
            asked.add_header("Content-Type", "application/json")
        try:
            with urllib.request.urlopen(asked, timeout=120) as answer:
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read())

    def kgkt(self, *arguments: object) -> subprocess.CompletedProcess[str]:
        """A command of another process, in the same folder."""
        return subprocess.run([*COMMAND, *map(str, arguments)], cwd=self.folder, capture_output=True, text=True, check=True)


@contextlib.contextmanager
def serving(folder: Path, *options: str) -> Iterator[Served]:
    """Run `kgkt serve` in a folder, at a free port, until the block ends."""
    environment = {**os.environ, "PYTHONUNBUFFERED": "1", "TF_CPP_MIN_LOG_LEVEL": "3"}
    process = subprocess.Popen(
        [*COMMAND, "serve", "--port", "0", "--no-open", *options], cwd=folder, env=environment, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        assert process.stderr is not None
        link = process.stdout.readline().strip()
        if not link.startswith("http"):
            raise AssertionError(f"no link: {link!r}, {process.stderr.read()}")
        yield Served(link, folder, process)
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.communicate(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
