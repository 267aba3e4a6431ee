"""How much memory is free; and gives what was freed back to the system, where the allocators would keep it."""

from __future__ import annotations

import contextlib
import ctypes
import sys
from pathlib import Path


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


def free_bytes() -> int | None:
    """How much memory is free, as Linux tells it of the machine and of this process' control group; None elsewhere."""
    try:
        told = dict(line.split(":", 1) for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines())
        free = [int(told["MemAvailable"].split()[0]) * 1024]
    except (OSError, KeyError, ValueError):
        return None
    group = Path("/sys/fs/cgroup")
    with contextlib.suppress(OSError, ValueError):  # no such group, or one without a limit
        free.append(int((group / "memory.max").read_text(encoding="ascii"))
                    - int((group / "memory.current").read_text(encoding="ascii")))
    return max(0, min(free))
