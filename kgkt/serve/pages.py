"""The page's own files, and errors as a client sees them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from kgkt.errors import (
    BelowBarError,
    BusyError,
    InputError,
    KgktError,
    NoGraphError,
    QueryError,
    StoreError,
    UnsafeError,
    UsageError,
)
from kgkt.serve.kinds import Refused

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.requests import Request
    from starlette.responses import Response

PAGE = Path(__file__).parent / "page"
FILES = {"/": ("index.html", "text/html; charset=utf-8"), "/page.js": ("page.js", "text/javascript; charset=utf-8"),
         "/page.css": ("page.css", "text/css; charset=utf-8"),
         "/LICENSES.txt": ("LICENSES.txt", "text/plain; charset=utf-8")}  # fmt: skip
# the first that fits says the answer's status and kind
KINDS: tuple[tuple[type[KgktError], int, str], ...] = (
    (NoGraphError, 404, "missing"), (BusyError, 409, "busy"), (StoreError, 502, "store"), (UnsafeError, 403, "safety"),
    (QueryError, 400, "input"), (UsageError, 400, "usage"), (InputError, 400, "input"), (BelowBarError, 400, "input"),
    (KgktError, 500, "fault"),
)  # fmt: skip


class Missing(InputError):
    """What was asked for is not there."""


class ReadOnly(UnsafeError):
    """The service was started without the right to write."""

    def __init__(self) -> None:
        super().__init__("this page only reads: kgkt serve --rw lets it write")


def refused(status: int, kind: str, message: str) -> Response:
    """An answer that says why nothing was done."""
    from starlette.responses import JSONResponse

    return JSONResponse({"error": {"kind": kind, "message": message}}, status)


def answer_errors(app: FastAPI) -> None:
    """Every error that is known as {"error": {kind, message}}."""
    from fastapi.exceptions import RequestValidationError
    from starlette.exceptions import HTTPException

    @app.exception_handler(KgktError)
    def known(_: Request, error: KgktError) -> Response:
        if isinstance(error, Missing):
            return refused(404, "missing", str(error))
        if isinstance(error, ReadOnly):
            return refused(405, "readonly", str(error))
        if isinstance(error, Refused):
            return refused(error.status, error.kind, str(error))
        status, kind = next((status, kind) for cls, status, kind in KINDS if isinstance(error, cls))
        return refused(status, kind, str(error))

    @app.exception_handler(RequestValidationError)
    def invalid(_: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"][1:]) or str(first["loc"][0])
        return refused(422, "input", f"{where}: {first['msg']}")

    @app.exception_handler(HTTPException)
    def http(request: Request, error: HTTPException) -> Response:
        kind = {404: "missing", 408: "limit", 413: "limit"}.get(error.status_code, "usage")
        return refused(error.status_code, kind, f"{request.method} {request.url.path}: {error.detail}")


def add_page(app: FastAPI) -> None:
    """Serve the built page."""
    from starlette.responses import Response

    def file_of(path: str) -> Any:
        name, kind = FILES[path]

        def get() -> Response:
            place = PAGE / name
            if not place.is_file():
                raise Missing(f"{name} of the page is not built: npm ci && npm run build in page/")
            return Response(place.read_bytes(), media_type=kind, headers={"Cache-Control": "no-cache"})

        return get

    for path in FILES:
        app.get(path, include_in_schema=False)(file_of(path))
