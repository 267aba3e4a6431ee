"""Routes that show items and concepts closely, search, and say what to label."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import Response

from kgkt.errors import UsageError
from kgkt.serve import items
from kgkt.serve.held import Held
from kgkt.serve.kinds import Refused
from kgkt.serve.schemas import Asked, ItemId

Few = Annotated[int, Query(ge=1, le=items.MOST)]


def router(held: Held) -> APIRouter:
    """The routes, of what is held."""
    routes = APIRouter(prefix="/api/graphs/{graph}")

    @routes.get("/concept")
    def concept(graph: str, number: Asked) -> dict[str, Any]:
        """One concept: examples, class masses, neighbours, labels, blocks of B."""
        one = held.graph(graph)
        return items.concept_of(one, one.now(), held.pictures(graph), number)

    @routes.get("/item")
    def item(graph: str, id: ItemId) -> dict[str, Any]:
        """One item: what people and the graph say of it, and its concepts."""
        return items.item_of(held.graph(graph).now(), held.pictures(graph), id)

    @routes.get("/picture", response_class=Response, responses={200: {"content": {"image/png": {}}}})
    def picture(graph: str, id: ItemId, side: Annotated[int, Query(ge=1, le=4096)] = 128) -> Response:
        """An item as a PNG."""
        seen = held.graph(graph).now()
        drawn = held.pictures(graph).png(str(seen.current.ids[seen.row(id)]), side)
        if drawn is None:
            raise Refused("missing", f"item {id!r} has no picture")
        return Response(drawn, media_type="image/png", headers={"Cache-Control": "private, max-age=600"})

    @routes.get("/suggest")
    def suggest(graph: str, n: Few = 12, concepts: str = "") -> dict[str, Any]:
        """The items whose labels teach most, best first; `concepts`: only of these, as 1,2,3."""
        one = held.graph(graph)
        return items.suggested(one, one.now(), held.pictures(graph), n, _numbers(concepts))

    @routes.get("/search")
    def search(graph: str, q: Annotated[str, Query(max_length=500)]) -> dict[str, Any]:
        """Concepts, classes and items whose name, id or text holds what was typed."""
        return items.search(held.graph(graph).now(), held.pictures(graph), q)

    @routes.get("/similar")
    def similar(graph: str, item: ItemId, n: Few = 12) -> dict[str, Any]:
        """The items nearest to one in A's features."""
        one = held.graph(graph)
        return items.similar(one, one.now(), held.pictures(graph), item, n)

    @routes.get("/explain")
    def explain(graph: str, id: ItemId) -> dict[str, Any]:
        """Why an item has its class, by the whole teacher."""
        one = held.graph(graph)
        return items.explained(one, one.now(), id)

    @routes.get("/suspects")
    def suspects(graph: str, n: Few = 20) -> dict[str, Any]:
        """Labels that the graph doubts, by what all other labels say."""
        return items.suspected(held.graph(graph), held.pictures(graph), n)

    return routes


def _numbers(text: str) -> list[int]:
    try:
        found = [int(part) for part in text.split(",") if part.strip()]
    except ValueError:
        raise UsageError(f"concepts are numbers, as 1,2,3, received {text[:80]!r}") from None
    return found
