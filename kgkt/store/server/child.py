"""The child that asks a server (`kgkt.store.server.worker`)."""

from __future__ import annotations

import json

from kgkt.store.child import Child
from kgkt.store.server.connection import Settings


class ServerChild(Child):
    """A process that puts a user's queries to a server.

    Args:
        url, settings: of the server.
        memory_mb: what an answer may take beyond what the child holds when it is ready.
        write: allow statements that write.
        dry: keep nothing of what they write.
    """

    def __init__(self, url: str, settings: Settings, memory_mb: int, write: bool = False, dry: bool = False) -> None:
        told = {"username": settings.username, "password": settings.password, "database": settings.database,
                "origin": settings.origin}
        super().__init__("kgkt.store.server.worker", [url], url, memory_mb, write, dry, first=json.dumps(told))
