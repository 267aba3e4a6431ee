"""The fenced child that asks a graph file (`kgkt.store.embedded.worker`)."""

from __future__ import annotations

from pathlib import Path

from kgkt.store.child import Child


class FileChild(Child):
    """A process that answers questions about one graph file.

    Args:
        path: the graph file.
        memory_mb: what a query may take beyond what the child holds when it is ready.
        write: hold the writer's lease, and save after each statement.
        dry: let statements write into a copy in memory instead, without lease and save.

    Raises:
        InputError: no graph there, or a damaged one.
        BusyError: another process is writing (only with `write`).
    """

    def __init__(self, path: Path, memory_mb: int, write: bool = False, dry: bool = False) -> None:
        super().__init__("kgkt.store.embedded.worker", [str(path.resolve())], str(path), memory_mb, write, dry)
