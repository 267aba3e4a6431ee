"""One job as people see it: what it was told, how far it is, what came of it; and whom jobs belong to."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from kgkt.errors import shorten
from kgkt.recipe import Recipe
from kgkt.rundir.state import now

ENDED = ("done", "failed", "cancelled")
POINTS = 500  # of a curve that are kept; beyond, every second one goes
NOTICES = 200
LINE = 2000  # characters of a notice


@dataclass(slots=True, eq=False)
class Job:
    """A job; only `Jobs` changes it, under its lock.

    Args:
        graph, verb, settings: that a client asked for; paths as they were given.
        told: the settings as the verb takes them.
        writes: whether it may change the graph.
        background: whether the service itself asked for it.
        upload: a picture that it is about.
        out: the file that it will write.
    """

    graph: str
    verb: str
    settings: Mapping[str, Any]
    told: dict[str, Any]
    writes: bool
    background: bool = False
    upload: bytes = b""
    out: str | None = None
    id: str = field(default_factory=lambda: secrets.token_urlsafe(12))
    state: str = "waiting"
    started: str | None = None
    since: float = 0.0
    seconds: float | None = None
    progress: dict[str, Any] | None = None
    notices: list[str] = field(default_factory=list)
    curves: dict[str, list[dict[str, Any]]] = field(default_factory=dict)  # training -> its points
    result: Any = None
    error: dict[str, str] | None = None
    cancelled: bool = False

    @property
    def ended(self) -> bool:
        """Whether nothing more will come of it."""
        return self.state in ENDED

    def start(self) -> None:
        """It runs now."""
        self.state, self.started, self.since = "running", now(), time.monotonic()

    def hear(self, said: Mapping[str, Any]) -> None:
        """Take what its process said, one line."""
        if "progress" in said:
            self.progress = said["progress"]
        elif "notice" in said:
            if len(self.notices) < NOTICES:
                self.notices.append(shorten(str(said["notice"]), LINE))
        elif "point" in said:
            point = dict(said["point"])
            curve = self.curves.setdefault(point.pop("of"), [])
            curve.append(point)
            if len(curve) > POINTS:
                del curve[1:-1:2]
        elif "error" in said:
            self.error = said["error"]
        elif "result" in said:
            self.result = said["result"]

    def end(self, state: str) -> None:
        """Nothing more comes."""
        if self.since:
            self.seconds = round(time.monotonic() - self.since, 2)
        self.state, self.upload = state, b""

    def shown(self, whole: bool = True) -> dict[str, Any]:
        """The Job that clients see; one of a list leaves out what is long: notices, curve and result."""
        running = round(time.monotonic() - self.since, 0) if self.state == "running" else self.seconds
        told: dict[str, Any] = {
            "id": self.id, "graph": self.graph, "verb": self.verb, "settings": dict(self.settings),
            "state": self.state, "started": self.started, "seconds": running, "progress": self.progress,
            "error": self.error, "background": self.background,
        }  # fmt: skip
        if whole:
            last = list(self.curves)[-1:]  # the training that goes on, or was kept
            told |= {"notices": list(self.notices), "result": self.result, "curve_of": last[0] if last else None,
                     "curve": list(self.curves[last[0]]) if last else [],
                     "curves": {name: list(curve) for name, curve in self.curves.items()} if self.ended else {}}
        return told


class Holder(Protocol):
    """What jobs need of the service."""

    folder: Path
    write: bool

    def recipe_of(self, name: str) -> Recipe:
        """The recipe of a graph."""
        ...

    def changed(self, name: str) -> None:
        """Called when a job may have changed a graph."""
        ...

    def working(self, name: str, on: bool) -> None:
        """Called when the items' answer of a graph is no longer worked out."""
        ...

    def tell(self, kind: str, data: dict[str, Any]) -> None:
        """Called with "job" and {id, state} when a job changes its state."""
        ...
