"""All that the service holds: the graphs of a run directory, and the pages that listen."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kgkt.errors import KgktError, NoGraphError, nearest
from kgkt.serve.graph import HeldGraph
from kgkt.serve.pictures import Pictures

if TYPE_CHECKING:
    from kgkt.recipe import Recipe
    from kgkt.serve.jobs import Jobs

WATCH_EVERY = 2.0  # seconds between two looks whether somebody else changed a graph
QUIET = 1.0  # seconds without another label, before the items' answer is worked out
BEAT = 15.0  # seconds after which a silent stream says that it is there
WAITING = 200  # events that a page may be behind before it is let go


class Held:
    """The graphs of one run directory, read when they are first asked for.

    Args:
        recipe: that names the run directory, and the graph that the page opens.
        write: whether people may change anything.
    """

    def __init__(self, recipe: Recipe, write: bool) -> None:
        from kgkt.rundir.state import graphs_of, open_run
        from kgkt.serve.jobs import Jobs

        self.recipe, self.write = recipe, write
        self.folder = Path.cwd()
        self.first = recipe.graph or (graphs_of(Path(recipe.dir)) or [open_run(recipe).graph])[0]
        self.jobs: Jobs | None = Jobs(self)
        self._graphs: dict[str, HeldGraph] = {}
        self._pictures: dict[str, Pictures] = {}
        self._lock = threading.Lock()
        self._listeners: set[tuple[asyncio.AbstractEventLoop, asyncio.Queue[str | None]]] = set()
        self._timers: dict[str, threading.Timer] = {}
        self._tried: dict[str, int] = {}  # graph -> the revision of which the items' answer was asked for last
        self._ended = threading.Event()
        threading.Thread(target=self._watch, name="kgkt-watch", daemon=True).start()

    def names(self) -> list[str]:
        """The graphs that there are now."""
        from kgkt.rundir.state import graphs_of

        return graphs_of(Path(self.recipe.dir))

    def graph(self, name: str) -> HeldGraph:
        """A graph, held from its first use on.

        Raises:
            NoGraphError: there is none of that name (any more).
        """
        there = self.names()
        if name not in there:
            self._graphs.pop(name, None)
            raise NoGraphError(f"no graph {name!r}{nearest(name, there)}")
        with self._lock:
            if name not in self._graphs:
                self._graphs[name] = HeldGraph(self.recipe_of(name), self.tell, self.write)
            return self._graphs[name]

    def pictures(self, name: str) -> Pictures:
        """What the items of a graph look like."""
        one = self.graph(name)
        with self._lock:
            if name not in self._pictures or self._pictures[name].held is not one:
                self._pictures[name] = Pictures(one)
            return self._pictures[name]

    def recipe_of(self, name: str) -> Recipe:
        """The recipe of a graph."""
        return self.recipe.override(graph=name)

    def changed(self, name: str) -> None:
        """A job changed a graph or its files: read it again, and tell the pages."""
        with contextlib.suppress(NoGraphError):  # a job may have been its last
            self.graph(name).look_again()

    def labelled(self, name: str) -> None:
        """A label was written: when no other follows for a moment, the items' answer is worked out."""
        if self.jobs is None:
            return
        with self._lock:
            if old := self._timers.pop(name, None):
                old.cancel()
            timer = self._timers[name] = threading.Timer(QUIET, self._work_out, (name,))
            timer.daemon = True
            timer.start()
        self.working(name, True)

    def working(self, name: str, on: bool) -> None:
        """Whether the items' answer of a graph is being worked out."""
        with self._lock:
            if name in self._graphs:
                self._graphs[name].working = on

    def _work_out(self, name: str) -> None:
        with contextlib.suppress(KgktError):  # whoever asks for the graph next is told
            seen = self.graph(name).now()
            self._tried[name] = seen.revision
            if seen.answer.kind == "items":  # an undo led back to what it was worked out for
                self.working(name, False)
                return
        if self.jobs is not None and not self._ended.is_set():
            self.jobs.work_out(name)
            self.working(name, self.jobs.works_out(name))

    def tell(self, kind: str, data: dict[str, Any]) -> None:
        """Send an event to every page that listens; one that does not read any more is let go."""
        text = f"event: {kind}\ndata: {json.dumps(data)}\n\n"
        for listener in list(self._listeners):
            loop, queue = listener
            if queue.qsize() > WAITING:
                self._listeners.discard(listener)
                continue
            with contextlib.suppress(RuntimeError):  # its loop has ended
                loop.call_soon_threadsafe(queue.put_nowait, text)

    async def listen(self) -> AsyncIterator[str]:
        """The events for one page, from now on."""
        queue: asyncio.Queue[str | None] = asyncio.Queue()
        listener = asyncio.get_running_loop(), queue
        self._listeners.add(listener)
        try:
            yield ": here\n\n"
            while listener in self._listeners:
                try:
                    text = await asyncio.wait_for(queue.get(), BEAT)
                except TimeoutError:
                    text = ": here\n\n"
                if text is None:
                    return
                yield text
        finally:
            self._listeners.discard(listener)

    def close(self) -> None:
        """Let every page go, and end what was going on."""
        self._ended.set()
        for timer in self._timers.values():
            timer.cancel()
        for loop, queue in list(self._listeners):
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(queue.put_nowait, None)
        if self.jobs is not None:
            self.jobs.close()

    def _watch(self) -> None:
        """Look, while pages listen, whether somebody else changed a graph that is held."""
        while not self._ended.wait(WATCH_EVERY):
            if not self._listeners:
                continue
            for held in list(self._graphs.values()):
                with contextlib.suppress(KgktError):  # whoever asks for it next is told
                    held.look_again()
                    seen = held.now()
                    if self.write and seen.answer.kind == "concepts" and self._tried.get(held.name) != seen.revision:
                        self._tried[held.name] = seen.revision  # somebody else labelled
                        self.labelled(held.name)
