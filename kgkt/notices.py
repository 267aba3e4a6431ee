"""What the rooms log, for whoever looks on."""

from __future__ import annotations

import logging
from collections.abc import Callable


def hear_notices(say: Callable[[str], None]) -> None:
    """Say what the rooms log, each line once: which server and user, what it does not allow."""
    heard: set[str] = set()

    class Say(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            line = record.getMessage()
            if line not in heard:
                heard.add(line)
                say(line)

    log = logging.getLogger("kgkt")
    log.handlers, log.propagate = [Say()], False
    log.setLevel(logging.INFO)
