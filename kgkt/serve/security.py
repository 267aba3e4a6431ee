"""What stands before every request: who asks, from where, how much and how often."""

from __future__ import annotations

import asyncio
import hmac
import logging
import time
from collections.abc import Sequence
from http.cookies import CookieError, SimpleCookie
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlencode

from kgkt.errors import count

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOG = logging.getLogger("kgkt.serve")
LARGEST = 8 * 2**20  # bytes of a body
PATIENCE = 30.0  # seconds for the next part of a body
READS, WRITES = (500.0, 2000.0), (50.0, 300.0)  # requests a second, and how many may come at once
BODIES = ("application/json", "image/")  # kinds of bodies that are taken
POLICY = ("default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
          "base-uri 'none'; form-action 'none'; frame-ancestors 'none'")  # fmt: skip
HEADERS = {
    "content-security-policy": POLICY, "x-content-type-options": "nosniff", "referrer-policy": "no-referrer",
    "x-frame-options": "DENY", "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}  # fmt: skip


class Bucket:
    """How many requests may still come: so many a second, and so many at once."""

    def __init__(self, rate: float, most: float) -> None:
        self.rate, self.most, self._left, self._at = rate, most, most, time.monotonic()

    def take(self) -> bool:
        """Whether one more may come now."""
        now = time.monotonic()
        self._left = min(self.most, self._left + (now - self._at) * self.rate)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True


class Guard:
    """An ASGI application around another one, that lets through only what its own page and its token's holders ask.

    Args:
        app: behind it.
        token: that a client must show: in the link (then it gets a cookie), as a cookie, or as a bearer.
        hosts: what `Host` may be, as name:port.
        secure: whether the address is https, as behind a proxy.
    """

    def __init__(self, app: ASGIApp, token: str, hosts: Sequence[str], secure: bool = False) -> None:
        self.app, self.token, self.hosts = app, token, frozenset(host.lower() for host in hosts)
        self.cookie = "kgkt-" + (hosts[0].rsplit(":", 1)[-1] if hosts else "0")
        self._secure = secure
        self._reads, self._writes = Bucket(*READS), Bucket(*WRITES)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self.app(scope, receive, send)
            return
        dressed = _dressed(send)
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        answer = self._refuse(scope, headers)
        if answer is not None:
            await answer(scope, receive, dressed)
            return
        await self.app(scope, _bounded(receive), dressed)

    def _refuse(self, scope: Scope, headers: dict[str, str]) -> Any:
        """The answer to what is not let through; None for what is."""
        method, writes = scope["method"], scope["method"] not in ("GET", "HEAD")
        host, origin = headers.get("host", "").lower(), headers.get("origin")
        if host not in self.hosts:
            return _said(403, "auth", f"this service is not called {host!r}")
        if origin is not None and origin.lower() not in (f"http://{host}", f"https://{host}"):
            return _said(403, "auth", "a page of another address may not ask here")
        if headers.get("sec-fetch-site", "none") not in ("same-origin", "none") and scope["path"] != "/":
            return _said(403, "auth", "a page of another address may not ask here")
        if not (self._writes if writes else self._reads).take():
            return _said(429, "limit", "too many requests: wait a moment")
        if (answer := self._let_in(scope, headers)) is not None:
            return answer
        length = headers.get("content-length", "0")
        if not length.isdecimal():
            return _said(400, "usage", "Content-Length is no number")
        if int(length) > LARGEST:
            most = f"a body may have {LARGEST // 2**20} MB"
            return _said(413, "limit", f"{most}, this one has {count(int(length), 'byte')}")
        kind = headers.get("content-type", "").lower()
        if method == "POST" and not kind.startswith(BODIES):
            return _said(415, "usage", f"a body is JSON (Content-Type: application/json), received {kind[:80]!r}")
        return None

    def _let_in(self, scope: Scope, headers: dict[str, str]) -> Any:
        """None for who shows the token; a cookie for who comes with the link; else a refusal."""
        from starlette.responses import RedirectResponse

        query = parse_qs(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        if scope["path"] == "/" and "token" in query:
            if not self._right(query.pop("token")[-1]):
                return _stranger(scope)
            rest = urlencode(query, doseq=True)
            answer = RedirectResponse("/" + (f"?{rest}" if rest else ""), 303)
            answer.set_cookie(self.cookie, self.token, httponly=True, samesite="strict", secure=self._secure, path="/")
            return answer
        bearer = headers.get("authorization", "")
        if bearer.lower().startswith("bearer ") and self._right(bearer[7:].strip()):
            return None
        if self._right(_cookie(headers.get("cookie", ""), self.cookie)):
            return None
        return _stranger(scope)

    def _right(self, shown: str) -> bool:
        return hmac.compare_digest(shown.encode("utf-8", "surrogateescape"), self.token.encode())


class Caught:
    """An ASGI application around another one, that answers what no route expects without telling of the inside."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun = False

        async def answered(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self.app(scope, receive, answered)
        except Exception as error:
            if begun or scope["type"] != "http":  # the client sees that the answer breaks off
                raise
            LOG.error("%s %s", scope["method"], scope["path"], exc_info=error)
            answer = _said(500, "fault", "something unexpected happened; the log of kgkt serve says what")
            await answer(scope, receive, send)


def _said(status: int, kind: str, message: str) -> Any:
    from kgkt.serve.pages import refused

    return refused(status, kind, message)


def _stranger(scope: Scope) -> Any:
    """What who does not know the token is told: a person in words, a program in JSON."""
    from starlette.responses import HTMLResponse

    if scope["path"] != "/":
        return _said(401, "auth", "this link is not valid (any more): open the one that kgkt serve printed last, or "
                     "send its token: Authorization: Bearer TOKEN")  # fmt: skip
    return HTMLResponse("<!doctype html><html lang=en><meta charset=utf-8><title>kgkt</title><h1>This link is not "
                        "valid (any more)</h1><p>Open the one that <code>kgkt serve</code> printed last: each start "
                        "makes a new one, unless a --token-file holds it.</p></html>", 401)  # fmt: skip


def _cookie(text: str, name: str) -> str:
    try:
        found = SimpleCookie(text).get(name)
    except CookieError:
        return ""
    return "" if found is None else found.value


def _bounded(receive: Receive) -> Receive:
    """The same, ended by an error where a body grows too large or does not come."""
    from fastapi import HTTPException

    seen, whole = 0, False

    async def more() -> Message:
        nonlocal seen, whole
        if whole:  # what follows the body is the client's going away, which may take as long as it likes
            return await receive()
        try:
            message = await asyncio.wait_for(receive(), PATIENCE)
        except TimeoutError:
            raise HTTPException(408, f"the body did not come within {PATIENCE:g} s") from None
        if message["type"] == "http.request":
            seen, whole = seen + len(message.get("body", b"")), not message.get("more_body", False)
            if seen > LARGEST:
                raise HTTPException(413, f"a body may have {LARGEST // 2**20} MB")
        return message

    return more


def _dressed(send: Send) -> Send:
    """The same with the headers that keep a page to itself."""

    async def dressed(message: Message) -> None:
        if message["type"] == "http.response.start":
            there = {name.lower() for name, _ in message.get("headers", [])}
            more = [(name.encode(), value.encode()) for name, value in HEADERS.items() if name.encode() not in there]
            message = {**message, "headers": [*message.get("headers", []), *more]}
        await send(message)

    return dressed
