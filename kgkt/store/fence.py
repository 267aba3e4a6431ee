"""What a fenced child does to itself and says: its limits, and answers as lines of JSON.

Limits on memory and files hold on Linux. On macOS the limit on memory is weak and on Windows there is
none: there the time limit, the parent's watch and the guard are all there is.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TextIO

from kgkt.errors import BusyError, InputError, KgktError, QueryError, StoreError, UnsafeError
from kgkt.store.protocol import Rows

KINDS: dict[str, type[KgktError]] = {
    kind.__name__: kind for kind in (QueryError, InputError, BusyError, StoreError, UnsafeError, KgktError)}
# An answer larger than this is refused: it has to fit into the asking process too.
ANSWER_MB = 64


def answers() -> TextIO:
    """Where answers go; what a library prints from now on is not taken for one."""
    out = os.fdopen(os.dup(1), "w", encoding="utf-8", errors="surrogatepass", newline="\n")
    os.dup2(2, 1)
    return out


def limit(memory_mb: int, writes: bool) -> None:
    """Put the limits of this process on: memory beyond what it holds now, files, core files."""
    try:
        import resource
    except ImportError:  # Windows has none
        return
    if sys.platform == "linux":
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
        room = pages * os.sysconf("SC_PAGE_SIZE") + memory_mb * 1024 * 1024
        resource.setrlimit(resource.RLIMIT_AS, (room, room))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if not writes:
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
        resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))


@contextlib.contextmanager
def no_files() -> Iterator[None]:
    """Let nothing open a file inside; a writer needs that right back for its save."""
    try:
        import resource
    except ImportError:  # Windows has none
        yield
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def encoded(found: Rows, written: Mapping[str, int] | None) -> str:
    """Rows, and what was written on the way, as a line of JSON.

    Raises:
        QueryError: it would be too long for the asking process.
    """
    parts: list[str] = []
    size = 0
    for row in found.rows:
        parts.append(json.dumps(row, ensure_ascii=False))
        size += len(parts[-1])
        if size > ANSWER_MB * 1024 * 1024:
            raise QueryError(f"the answer is larger than {ANSWER_MB} MB: return fewer columns, or add LIMIT")
    head = json.dumps({"columns": found.columns, "truncated": found.truncated, "written": written}, ensure_ascii=False)
    return f'{head[:-1]}, "rows": [{", ".join(parts)}]}}'


def refusal(error: KgktError) -> str:
    """An error as a line of JSON."""
    kind = next((name for name, kind in KINDS.items() if type(error) is kind), "KgktError")
    return json.dumps({"error": kind, "message": str(error)})


def send(out: TextIO, line: str) -> None:
    """Answer with one line."""
    out.write(line + "\n")
    out.flush()
