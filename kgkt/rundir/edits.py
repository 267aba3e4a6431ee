"""edits.jsonl: every edit made by a verb, with what stood before it, so that it can be undone."""

from __future__ import annotations

import getpass
import json
from typing import Any

from kgkt.rundir.folder import RunDir
from kgkt.rundir.state import now


def who() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # no entry for this user, as in some containers
        return "unknown"


def log_edit(run: RunDir, verb: str, before: Any, after: Any) -> None:
    """Append one edit to edits.jsonl, so that it can be undone."""
    line = json.dumps({"at": now(), "by": who(), "verb": verb, "before": before, "after": after}, ensure_ascii=False)
    with run.path("edits.jsonl").open("a", encoding="utf-8") as file:
        file.write(line + "\n")
