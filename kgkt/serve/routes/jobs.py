"""Routes of long work: start it, watch it, end it; and what lies near a picture that is sent."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from kgkt.serve.job import ENDED
from kgkt.serve.jobs import Jobs
from kgkt.serve.kinds import Refused
from kgkt.serve.uploads import LARGEST, kind_of_picture

if TYPE_CHECKING:
    from kgkt.serve.held import Held

LOOK = 0.1  # seconds between two looks at a job
BEAT = 15.0  # seconds after which a stream without news says that it is there
MOST = 100  # items near to a picture
PICTURE = {"requestBody": {"required": True, "content": {
    "image/*": {"schema": {"type": "string", "format": "binary"}}}}}  # fmt: skip


class Asked(BaseModel):
    """A verb to run, and what it is told; its settings are those of the verb in Python."""

    model_config = ConfigDict(extra="forbid")

    verb: Annotated[str, Field(min_length=1, max_length=100)]
    settings: dict[str, Any] = {}


class Begun(BaseModel):
    """The id of a job that waits for its turn."""

    job: str


def router(held: Held) -> APIRouter:
    """The routes, of what is held."""
    routes = APIRouter(prefix="/api")

    def jobs() -> Jobs:
        if held.jobs is None:
            raise Refused("busy", "this service runs no jobs")
        return held.jobs

    @routes.post("/graphs/{graph}/jobs")
    def begin(graph: str, body: Asked) -> Begun:
        """Let a verb run: propagate, map, fuse, trace, diff, suspects, predict or evaluate; one runs at a time."""
        return Begun(job=jobs().add(graph, body.verb, body.settings).id)

    @routes.post("/graphs/{graph}/similar", openapi_extra=PICTURE)
    async def similar(graph: str, request: Request, n: Annotated[int, Query(ge=1, le=MOST)] = 12) -> Begun:
        """Let A look at a picture (PNG, JPEG, WebP, BMP or GIF, 8 MB): what lies near it is the job's result."""
        if not request.headers.get("content-type", "").startswith("image/"):
            raise Refused("usage", "send the picture itself, with Content-Type: image/png or whatever it is", 415)
        raw = bytearray()
        async for part in request.stream():
            raw += part
            if len(raw) > LARGEST:
                break
        kind_of_picture(bytes(raw))
        return Begun(job=(await run_in_threadpool(jobs().similar, graph, bytes(raw), n)).id)

    @routes.get("/jobs")
    def every() -> list[dict[str, Any]]:
        """The jobs that are kept, the newest first; notices, curve and result are told one by one."""
        return jobs().all()

    @routes.get("/jobs/{job}")
    def one(job: str) -> dict[str, Any]:
        """A job: id, graph, verb, settings, state, started, seconds, progress, notices, curve, result, error."""
        return jobs().shown(job)

    @routes.delete("/jobs/{job}")
    def cancel(job: str) -> dict[str, Any]:
        """End a job: it is interrupted, and killed after 5 seconds; one that has ended stays as it is."""
        jobs().cancel(job)
        return jobs().shown(job)

    @routes.get("/jobs/{job}/events", response_class=StreamingResponse,
                responses={200: {"content": {"text/event-stream": {}}}})  # fmt: skip
    async def events(job: str, request: Request) -> StreamingResponse:
        """Server-sent events `job`: the whole Job, then whatever of its fields changed, until it ends."""
        jobs().get(job)
        return StreamingResponse(_stream(jobs(), job, request), media_type="text/event-stream",
                                 headers={"Cache-Control": "no-cache", "X-Accel-Buffering": "no"})  # fmt: skip

    return routes


async def _stream(jobs: Jobs, job: str, request: Request) -> AsyncIterator[str]:
    """What is new of a job, as long as the client stays and the job goes on."""
    told: dict[str, Any] = {}
    last = time.monotonic()
    while not await request.is_disconnected():
        try:
            shown = jobs.shown(job)
        except Refused:  # it ended, and was forgotten
            return
        new = {name: value for name, value in shown.items() if name not in told or told[name] != value}
        if new:
            told, last = shown, time.monotonic()
            yield f"event: job\ndata: {json.dumps({'id': job, **new})}\n\n"
        elif time.monotonic() - last > BEAT:
            last = time.monotonic()
            yield ": here\n\n"
        if shown["state"] in ENDED:
            return
        await asyncio.sleep(LOOK)
