"""Rows and values as others take them: an HTML table, a pandas DataFrame, JSON."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

from kgkt.errors import UsageError

MOST = 60  # rows shown
WIDEST = 120  # characters of a cell


def html_table(columns: Sequence[str], rows: Iterable[Sequence[Any]], note: str = "") -> str:
    """An HTML table of at most 60 rows, with a line below that says what was left out; what stands in it is text.

    >>> html_table(["a"], [["<b>"]])
    '<table><tr><th>a</th></tr><tr><td>&lt;b&gt;</td></tr></table>'
    """
    rows = list(rows)
    head = "".join(f"<th>{escape(str(column))}</th>" for column in columns)
    body = "".join("<tr>" + "".join(f"<td>{_cell(value)}</td>" for value in row) + "</tr>" for row in rows[:MOST])
    more = f"{MOST} of {len(rows):,} rows" if len(rows) > MOST else ""
    below = "; ".join(filter(None, (more, note)))
    return f"<table><tr>{head}</tr>{body}</table>" + (f"<p>{escape(below)}</p>" if below else "")


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    text = "" if value is None else str(value)
    return escape(text if len(text) <= WIDEST else text[: WIDEST - 1] + "…")


def data_frame(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> Any:
    """The rows as a pandas DataFrame.

    Raises:
        UsageError: pandas is not installed.
    """
    try:
        import pandas as pd
    except ImportError as error:
        raise UsageError("a DataFrame needs pandas: pip install pandas") from error
    return pd.DataFrame([list(row) for row in rows], columns=list(columns))


def plain(value: Any) -> Any:
    """`value` with only what JSON knows: what it has no word for becomes null or text.

    >>> plain({1: (float("nan"), 2.5)})
    {'1': [None, 2.5]}
    """
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    if hasattr(value, "item") and not hasattr(value, "__len__"):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if value is None or isinstance(value, str | int | float | bool):
        return value
    return str(value)
