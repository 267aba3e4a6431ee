"""What a fused B was worth, as rows that a page shows: before, alone and fused, as far as they were measured."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

ROWS = (("before", "B before it grew", "test_before"), ("alone", "B alone, the same steps on the labels", "test_alone"),
        ("fused", "B fused", "test_fused"), ("chance", "chance", "chance"))  # fmt: skip


def beside(figures: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A row for each accuracy on the test set; none where there was no test set.

    Args:
        figures: of a `Fusion`.

    Returns:
        method, title, value (a share), minus and error: how much B fused is above it, ± standard error, where that
        was measured.
    """
    fused = figures.get("test_fused")
    if fused is None:
        return []
    rows = []
    for method, title, name in ROWS:
        value = figures.get(name)
        if value is None:
            continue
        minus = None if method in ("fused", "chance") else fused - value
        error = figures.get({"alone": "gain_error", "before": "before_error"}.get(method, ""))
        rows.append({"method": method, "title": title, "value": value, "minus": minus, "error": error})
    return rows
