"""Routes that show a graph: what it is made of, its map, its state, its concepts."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import Response

import kgkt
from kgkt.errors import KgktError
from kgkt.serve import views
from kgkt.serve.held import Held
from kgkt.serve.kinds import Refused
from kgkt.serve.schemas import Asked

Page = Annotated[int, Query(ge=0, lt=10_000)]


def router(held: Held) -> APIRouter:
    """The routes, of what is held."""
    routes = APIRouter(prefix="/api")

    @routes.get("/session")
    def session() -> dict[str, Any]:
        """Whether one may write here, and which graphs there are."""
        return {"version": kgkt.__version__, "write": held.write, "graphs": held.names(), "graph": held.first}

    @routes.get("/graphs")
    def graphs() -> list[dict[str, Any]]:
        """Every graph of the run directory, with its counts."""
        return [_counts(held, name) for name in held.names()]

    @routes.get("/graphs/{graph}")
    def overview(graph: str) -> dict[str, Any]:
        """What a graph is made of, and how fresh its stages are."""
        return views.overview(held.graph(graph))

    @routes.get("/graphs/{graph}/state")
    def state(graph: str) -> dict[str, Any]:
        """What labels change: the class of each concept, counts, and which answer that is."""
        return held.graph(graph).state()

    @routes.get("/graphs/{graph}/map")
    def map_(graph: str) -> dict[str, Any]:
        """Where concepts lie, and the backbone of their edges."""
        one = held.graph(graph)
        return views.map_of(one, one.now())

    @routes.get("/graphs/{graph}/edges")
    def edges(graph: str, concept: Asked) -> dict[str, Any]:
        """All edges of a concept."""
        return views.edges_of(held.graph(graph).now(), concept)

    @routes.get("/graphs/{graph}/sprites", response_class=Response, responses={200: {"content": {"image/png": {}}}})
    def sprites(graph: str, page: Page = 0) -> Response:
        """A sheet of 32 x 32 cells of 32 x 32 pixels: the medoids' pictures of 1,024 concepts."""
        drawn = held.pictures(graph).sheet(held.graph(graph).now(), page)
        if drawn is None:
            raise Refused("missing", "no concept of this page has a picture")
        return Response(drawn, media_type="image/png", headers={"Cache-Control": "private, max-age=60"})

    @routes.get("/graphs/{graph}/concepts")
    def concepts(
        graph: str, offset: Annotated[int, Query(ge=0, lt=2**31)] = 0, limit: Annotated[int, Query(ge=1, le=1000)] = 50,
        sort: str = "size", order: Annotated[str, Query(pattern="^(asc|desc)$")] = "desc",
        of_class: Annotated[str | None, Query(alias="class")] = None, theme: int | None = None,
        active: bool | None = None, search: str | None = None,
    ) -> dict[str, Any]:  # fmt: skip
        """Some concepts, sorted and filtered."""
        return views.concepts_page(held.graph(graph).now(), offset, limit, sort, order, of_class=of_class or None,
                                   theme=theme, active=active, search=search)  # fmt: skip

    @routes.get("/graphs/{graph}/borders")
    def borders(graph: str) -> dict[str, Any]:
        """Concepts between two classes, by pair of classes."""
        return views.borders(held.graph(graph).now())

    @routes.get("/graphs/{graph}/edits")
    def edits(graph: str) -> dict[str, Any]:
        """Every edit that verbs made, the newest first."""
        from kgkt.verbs.undo import edits as made

        names = ("number", "at", "by", "verb", "what", "undone_by")
        return {"edits": [dict(zip(names, row, strict=True)) for row in made(held.recipe_of(held.graph(graph).name))]}

    return routes


def _counts(held: Held, name: str) -> dict[str, Any]:
    """What a graph holds; one that cannot be read says so and hides no other."""
    try:
        current = held.graph(name).now().current
    except KgktError as error:
        return {"graph": name, "items": None, "concepts": None, "labels": None, "complete": False, "why": str(error)}
    return {"graph": name, "items": len(current.ids), "concepts": len(current.graph), "labels": len(current.labels),
            "complete": True, "why": None}  # fmt: skip
