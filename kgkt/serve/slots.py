"""The place of each class on the page: its key, colour and shape hang on it."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from kgkt.errors import InputError

if TYPE_CHECKING:
    from kgkt.rundir.folder import RunDir

FILE = "page.json"


class Slots:
    """The places of a graph's classes, which they keep while others come and go, and from one start to the next.

    The place of a class that is gone stays empty until the service is started again.

    Args:
        run: of the graph.
        write: whether places may be written down.
    """

    def __init__(self, run: RunDir, write: bool) -> None:
        self.run, self.write = run, write
        self._of: dict[str, int] | None = None

    def of(self, names: Sequence[str], in_order: Callable[[], Iterable[str]]) -> list[int]:
        """The place of each class.

        Args:
            names: of the classes.
            in_order: gives them in the order in which they were first labelled; asked where no place is known.
        """
        if self._of is None:
            kept = self._read()
            self._of = {name: place for name, place in kept.items() if name in names}
        elif set(names) <= self._of.keys():
            return [self._of[name] for name in names]
        before = dict(self._of)
        if new := set(names) - before.keys():
            free = self._free()
            self._of |= {name: next(free) for name in (names if before else in_order()) if name in new}
        if self.write and self._of != before:
            self._keep()
        return [self._of[name] for name in names]

    def _free(self) -> Iterator[int]:
        taken = set((self._of or {}).values())
        return (place for place in itertools.count() if place not in taken)

    def _read(self) -> dict[str, int]:
        """What was kept; nothing where there is no such file, or it is damaged."""
        from kgkt.files import read_json

        path = self.run.path(FILE)
        try:
            told = read_json(path)["slots"] if path.exists() else {}
            found = {str(name): place for name, place in told.items() if isinstance(place, int) and place >= 0}
        except (InputError, AttributeError, KeyError, TypeError):
            return {}
        return found if len(set(found.values())) == len(found) else {}

    def _keep(self) -> None:
        from kgkt.files import write_json

        with contextlib.suppress(InputError):  # a folder that cannot be written: the places hold while this runs
            write_json(self.run.path(FILE), {"slots": self._of})
