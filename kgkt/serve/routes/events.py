"""The stream of events by which pages learn that a graph changed."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import StreamingResponse

from kgkt.serve.held import Held


def router(held: Held) -> APIRouter:
    """The route, of what is held."""
    routes = APIRouter(prefix="/api")

    @routes.get("/events", response_class=StreamingResponse,
                responses={200: {"content": {"text/event-stream": {}}}})  # fmt: skip
    async def events() -> StreamingResponse:
        """Server-sent events `changed`, `answer` and `job`, as long as the client stays."""
        return StreamingResponse(held.listen(), media_type="text/event-stream",
                                 headers={"Cache-Control": "no-cache", "X-Accel-Buffering": "no"})  # fmt: skip

    return routes
