"""Routes for Cypher that reads, behind the guard and the fence."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from kgkt.errors import UnsafeError, UsageError
from kgkt.serve.held import Held
from kgkt.serve.schemas import Query

LIMITS = (30.0, 1000, 2048)  # seconds, rows, megabytes
AT_ONCE = 2  # queries that run beside each other; others wait


def router(held: Held) -> APIRouter:
    """The routes, of what is held."""
    import threading

    routes = APIRouter(prefix="/api")
    turn = threading.Semaphore(AT_ONCE)

    @routes.get("/queries")
    def queries() -> list[dict[str, Any]]:
        """The queries that kgkt ships: name, what it shows, parameters with their defaults."""
        from kgkt.store.statements import shipped

        return [{"name": q.name, "doc": q.doc, "params": {p: q.defaults.get(p) for p in q.params if p != "graph"}}
                for q in shipped()]  # fmt: skip

    @routes.post("/graphs/{graph}/query")
    def query(graph: str, body: Query) -> dict[str, Any]:
        """Rows of one statement that reads."""
        from kgkt.tables import plain
        from kgkt.verbs.query import ask

        one = held.graph(graph)
        said: list[str] = []
        try:
            with turn:
                answers = list(ask(one.recipe, body.text, body.params, LIMITS, False, said.append))
        except UnsafeError as error:
            told = str(error).replace("add --rw if you mean to", "the page only reads, kgkt query --rw writes")
            raise UnsafeError(told) from error
        if len(answers) > 1:
            raise UsageError(f"one statement at a time, and here are {len(answers)}")
        rows, seconds = answers[0]
        return {
            "columns": list(rows.columns), "rows": plain([list(row) for row in rows.rows]),
            "truncated": rows.truncated, "seconds": round(seconds, 3), "notices": said,
            "concepts": _concepts(rows.rows, one.name),
        }  # fmt: skip

    return routes


def _concepts(rows: Any, graph: str) -> list[int]:
    """Numbers of the concepts that an answer tells of, by their keys or as nodes, in the order of the rows."""
    from kgkt.store.keys import number

    found: dict[int, None] = {}

    def walk(value: Any) -> None:
        if isinstance(value, str):
            if value.startswith(f"{graph}/concept/") and (n := number(value, graph, "concept")) is not None:
                found[n] = None
        elif isinstance(value, dict):
            for inner in [value.get("key")] if "~node" in value else value.values():
                walk(inner)
        elif isinstance(value, list | tuple):
            for inner in value:
                walk(inner)

    walk(rows)
    return list(found)
