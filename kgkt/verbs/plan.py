"""What check sees, as a value: findings in order, problems, stages."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from kgkt.errors import KgktError

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that `check` saw.

    Args:
        what: its name: a file, "plan", "the store", a stage.
        says: of it, in words.
        fields: the same for programs; "kind" says what it is.
    """

    what: str
    says: str
    fields: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Plan:
    """What `check` found.

    Args:
        findings: in the order in which they are printed.
        problems: what would stop a run, as errors say it.
        stages: stage -> {"ran": when or None, "stale": whether, "why": what changed, "seconds": of the last time,
            None where they were not kept}.
        memory_mb: what populate would need, where that can be told.
    """

    findings: list[Finding] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    stages: dict[str, dict[str, Any]] = field(default_factory=dict)
    memory_mb: float | None = None

    def add(self, what: str, says: str, **fields: Any) -> None:
        """One more fact."""
        self.findings.append(Finding(what, says, fields))


def try_(plan: Plan, look: Callable[[], T]) -> T | None:
    """What `look` returns; what it raises is a problem of the plan."""
    try:
        return look()
    except KgktError as error:
        plan.problems.append(str(error))
        return None
