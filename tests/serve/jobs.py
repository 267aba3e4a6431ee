"""Jobs of a service in this process, begun and waited for."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

LATE = 240  # seconds
ENDED = ("done", "failed", "cancelled")


def begin(client: Any, verb: str, graph: str = "main", **settings: Any) -> str:
    """The id of a job that was begun."""
    answer = client.post(f"/api/graphs/{graph}/jobs", json={"verb": verb, "settings": settings})
    assert answer.status_code == 200, answer.text
    return str(answer.json()["job"])


def refused(client: Any, verb: str, **settings: Any) -> tuple[int, str, str]:
    """Status, kind and message of a job that was not begun."""
    answer = client.post("/api/graphs/main/jobs", json={"verb": verb, "settings": settings})
    return answer.status_code, answer.json()["error"]["kind"], answer.json()["error"]["message"]


def wait(client: Any, job: str, until: Callable[[dict[str, Any]], Any] = lambda job: job["state"] in ENDED) -> Any:
    """The Job, once it has ended, or is as it should be."""
    late = time.monotonic() + LATE
    while time.monotonic() < late:
        shown = client.get(f"/api/jobs/{job}").json()
        if until(shown):
            return shown
        assert shown["state"] not in ENDED, shown
        time.sleep(0.02)
    raise AssertionError(f"nothing came of {shown}")
