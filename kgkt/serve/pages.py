"""The page's own files, and errors as a client sees them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from kgkt.errors import KgktError
from kgkt.serve.kinds import Refused, kind_of, status_of

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.requests import Request
    from starlette.responses import Response

PAGE = Path(__file__).parent / "page"
FILES = {"/": ("index.html", "text/html; charset=utf-8"), "/page.js": ("page.js", "text/javascript; charset=utf-8"),
         "/page.css": ("page.css", "text/css; charset=utf-8"),
         "/LICENSES.txt": ("LICENSES.txt", "text/plain; charset=utf-8")}  # fmt: skip


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
        return refused(status_of(error), kind_of(error), str(error))

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
                raise Refused("missing", f"{name} of the page is not built: npm ci && npm run build in page/")
            return Response(place.read_bytes(), media_type=kind, headers={"Cache-Control": "no-cache"})

        return get

    for path in FILES:
        app.get(path, include_in_schema=False)(file_of(path))
