"""Gives memory that was freed back to the system, where the allocators would keep it."""

from __future__ import annotations

import ctypes
import sys


def release_memory() -> None:
    """Hand back what Arrow's pool and, on Linux, the C library hold of freed memory.

    The C library keeps freed arrays of up to 32 MB for later, which a next stage of other sizes cannot use.
    """
    if "pyarrow" in sys.modules:
        sys.modules["pyarrow"].default_memory_pool().release_unused()
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc has it, musl has not
        if trim is not None:
            trim(0)
