"""What comes from a Neo4j server, in the form that `Rows` documents: the same as from the embedded engine."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from kgkt.store.protocol import WRITTEN, Rows
from kgkt.store.statements import load

if TYPE_CHECKING:
    from neo4j import ManagedTransaction, Transaction


def fetch(
    tx: Transaction | ManagedTransaction, text: str, params: Mapping[str, Any], rows: int | None = None
) -> Rows:
    """Run one statement and turn its answer into Rows.

    Args:
        tx: open.
        text: the Cypher.
        params: its parameters.
        rows: keep this many and ask for one more, which says that there were more; None: all.
    """
    result = tx.run(text, dict(params))
    columns = tuple(result.keys())
    records = result.fetch(rows + 1) if rows is not None else list(result)
    truncated = rows is not None and len(records) > rows
    found = [record.values() for record in (records[:rows] if truncated else records)]
    counters = result.consume().counters
    ends: set[str] = set()
    for values in found:
        _collect_ends(values, ends)
    keys = end_keys(tx, ends) if ends else {}
    return Rows(columns, tuple(tuple(shown(value, keys) for value in values) for values in found), truncated,
                {name: getattr(counters, name) for name in WRITTEN})


def end_keys(tx: Transaction | ManagedTransaction, ends: Iterable[str]) -> dict[str, Any]:
    """The `key` of each node in `ends`, which holds the server's element ids."""
    return {record["id"]: record["key"] for record in tx.run(load("element_keys").text, ids=sorted(ends))}


def _collect_ends(value: Any, ends: set[str]) -> None:
    from neo4j.graph import Path, Relationship

    if isinstance(value, Relationship):
        ends.update(node.element_id for node in value.nodes if node is not None)
    elif isinstance(value, Path):
        _collect_ends(list(value.relationships), ends)
    elif isinstance(value, dict):
        for inner in value.values():
            _collect_ends(inner, ends)
    elif isinstance(value, list):
        for inner in value:
            _collect_ends(inner, ends)


def shown(value: Any, keys: Mapping[str, Any]) -> Any:
    """A value of the driver in the form that `Rows` documents."""
    from neo4j.graph import Node, Path, Relationship

    if value is None or isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, list):  # a duration and a point are tuples
        return [shown(inner, keys) for inner in value]
    if isinstance(value, dict):
        return {str(k): shown(v, keys) for k, v in value.items()}
    if isinstance(value, Node):
        properties = {k: shown(v, keys) for k, v in value.items()}
        return {"~node": ":".join(sorted(value.labels)) or "Node", **properties}
    if isinstance(value, Relationship):
        properties = {k: shown(v, keys) for k, v in value.items()}
        start, end = (keys.get(node.element_id) if node is not None else None for node in value.nodes)
        return {"~relationship": value.type, "~start": start, "~end": end, **properties}
    if isinstance(value, Path):
        steps: list[Any] = [None] * (2 * len(value.relationships) + 1)
        steps[::2] = [shown(node, keys) for node in value.nodes]
        steps[1::2] = [shown(relationship, keys) for relationship in value.relationships]
        return {"~path": steps}
    return _plain(value)


def _plain(value: Any) -> Any:
    """Dates, times, durations, points and vectors."""
    from neo4j import time

    if isinstance(value, time.Duration):
        seconds = value.seconds + value.nanoseconds / 1e9 if value.nanoseconds else value.seconds
        return {"months": value.months, "days": value.days, "seconds": seconds}
    if isinstance(value, time.Date | time.Time | time.DateTime):
        return value.to_native().isoformat()
    if type(value).__name__ == "Vector":
        return list(value.to_native())
    return str(value)
