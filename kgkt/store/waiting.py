"""Verbs that write take turns: one waits some seconds for another before it says who is writing."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import TypeVar

from kgkt.errors import BusyError

LOG = logging.getLogger("kgkt.store")
SECONDS = 10.0  # an edit of a large graph takes a few
STEP = 0.2
LATER = "try again when that is done"  # the end of what is said of another writer

T = TypeVar("T")


def in_turn(take: Callable[[], T]) -> T:
    """What `take` returns, which takes the right to write; while another writer has it, it is asked again.

    Raises:
        BusyError: another one still writes after `SECONDS`, with its pid.
    """
    deadline, told = time.monotonic() + SECONDS, ""
    while True:
        try:
            return take()
        except BusyError as error:
            if time.monotonic() >= deadline:
                raise
            if told != (told := str(error)):
                LOG.warning("%s", told.replace(LATER, f"waiting up to {SECONDS:.0f} s for it"))
        time.sleep(STEP)
