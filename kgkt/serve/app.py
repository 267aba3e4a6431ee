"""The service: its routes together, behind the guard, and how it is run."""

from __future__ import annotations

import contextlib
import ipaddress
import secrets
import socket
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kgkt.errors import InputError, UsageError

if TYPE_CHECKING:
    from kgkt.recipe import Recipe
    from kgkt.serve.held import Held

PORT = 8765  # where nothing is said; a free one where that is taken
SHORTEST = 16  # characters of a token that a person chose
AT_ONCE = 200  # connections
CLOSING = 3  # seconds that a request has to end in, when the service ends


def create_app(held: Held) -> Any:
    """The FastAPI application, without the guard before it."""
    from fastapi import FastAPI

    import kgkt
    from kgkt.serve.pages import add_page, answer_errors
    from kgkt.serve.routes import ask, edits, events, graphs, items, jobs, models
    from kgkt.serve.schemas import Error
    from kgkt.serve.security import Caught

    app = FastAPI(
        title="kgkt", version=kgkt.__version__, docs_url=None, redoc_url=None, openapi_url="/api/openapi.json",
        description="What a trained model knows, as a graph: look, label, correct, teach another model.",
        responses={"default": {"model": Error, "description": "Why the request was refused."}},
    )  # fmt: skip
    answer_errors(app)
    app.add_middleware(Caught)
    for part in (graphs, items, ask, edits, jobs, models, events):
        app.include_router(part.router(held))
    add_page(app)
    return app


def read_token(path: str | None) -> str:
    """The token that clients must show: that of a file, else a new one.

    Raises:
        InputError: the file is not there, or what it holds is short or no plain text.
    """
    if path is None:
        return secrets.token_urlsafe(32)
    try:
        token = Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read as text: {getattr(error, 'strerror', None) or error}") from error
    if len(token) < SHORTEST or not token.isascii() or not token.isprintable() or " " in token:
        raise InputError(f"{path}: a token has at least {SHORTEST} letters, digits or signs and no space: "
                         "python -c 'import secrets; print(secrets.token_urlsafe(32))' makes one")
    return token


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a service at that host."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def bind(host: str, port: int | None) -> socket.socket:
    """A socket that listens: at the port that was named, else at 8765 or one that is free.

    Raises:
        InputError: the address is taken, or not of this machine.
    """
    wanted = [port] if port is not None else [PORT, 0]
    for place in wanted:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        one = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)  # named, else asyncio lets it wait
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            one.bind((host, place))
            return one
        except OSError as error:
            one.close()
            if place == wanted[-1]:
                raise InputError(f"cannot listen at {host}:{place}: {error.strerror or error}") from error
    raise AssertionError


def hosts_of(host: str, port: int, names: Sequence[str] = ()) -> list[str]:
    """What a client may call the service: name:port, the bare name at port 80, and other names as they are."""
    own = own_names(host)
    return [*(f"{name}:{port}" for name in own), *(own if port == 80 else []), *names]


def own_names(host: str) -> list[str]:
    """What a service at that host is called by itself, the first for the link."""
    if is_loopback(host):
        return ["127.0.0.1" if host != "::1" else "[::1]", "localhost", "[::1]"]
    try:
        everywhere = ipaddress.ip_address(host).is_unspecified
    except ValueError:
        everywhere = False
    if not everywhere:
        return [_bracketed(host)]
    name = socket.gethostname()
    found = [name, socket.getfqdn(name)]
    with contextlib.suppress(OSError):  # a name that nothing resolves
        found += [_bracketed(str(info[4][0])) for info in socket.getaddrinfo(name, None)]
    return list(dict.fromkeys([*found, "127.0.0.1", "localhost", "[::1]"]))


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def serve(
    recipe: Recipe, *, write: bool = False, host: str = "127.0.0.1", port: int | None = None,
    token_file: str | None = None, names: Sequence[str] = (), say: Callable[[str], None], ready: Callable[[str], None],
) -> None:  # fmt: skip
    """Serve the page and its routes until the process is told to end.

    Args:
        recipe: that names the run directory and the graph.
        write: whether people may label, correct and train.
        host, port: where to listen.
        token_file: that holds the token; needed where others than this machine can reach the service.
        names: further names under which the service is reached, as behind a proxy.
        say: takes notices.
        ready: takes the link, once it can be opened.

    Raises:
        UsageError: a host that others can reach, without a token file.
        InputError: no such graph, an address that is taken, a token that is none.
    """
    with _needed():
        import uvicorn

        from kgkt.serve.held import Held
        from kgkt.serve.security import Guard
    from kgkt.rundir.state import open_run

    if not is_loopback(host) and token_file is None:
        raise UsageError(f"others can reach {host}: say with --token-file which token they must show")
    token = read_token(token_file)
    open_run(recipe)  # there is such a graph
    if not is_loopback(host):
        say(f"whoever reaches {host} and has the token can {'change' if write else 'read'} these graphs, and what they "
            "send is not encrypted: put a proxy with TLS before it")
        say(f"it may be called {', '.join([*own_names(host), *names])}; --name adds another")
    listening = bind(host, port)
    port = int(listening.getsockname()[1])
    held = Held(recipe, write)
    held.graph(held.first).now()  # what cannot be read is refused before anything is served
    shown = own_names(host)[0]

    class Server(uvicorn.Server):
        def handle_exit(self, sig: int, frame: Any) -> None:
            held.close()
            super().handle_exit(sig, frame)

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            ready(f"http://{shown}:{port}/?token={token}" if token_file is None else f"http://{shown}:{port}/?token=TOKEN")

    guarded = Guard(create_app(held), token, hosts_of(host, port, names))
    config = uvicorn.Config(
        guarded, log_level="warning", access_log=False, server_header=False, limit_concurrency=AT_ONCE,
        timeout_graceful_shutdown=CLOSING, timeout_keep_alive=15, lifespan="off",
    )  # fmt: skip
    try:
        Server(config).run(sockets=[listening])
    except KeyboardInterrupt:  # uvicorn hands on the signal that ended it
        pass
    finally:
        held.close()
        listening.close()


@contextlib.contextmanager
def _needed() -> Any:
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] not in ("fastapi", "uvicorn", "starlette", "pydantic"):
            raise
        raise InputError("the page needs FastAPI and uvicorn: pip install 'kgkt[serve]'") from error
