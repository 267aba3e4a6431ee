"""Long work of the service: one job at a time, each in a process of its own, the others wait in order."""

from __future__ import annotations

import base64
import contextlib
import json
import logging
import subprocess
import threading
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kgkt.errors import NoGraphError, nearest
from kgkt.recipe import Recipe
from kgkt.rundir.state import graphs_of, open_run
from kgkt.serve.allowed import VERBS, checked
from kgkt.serve.job import Holder, Job
from kgkt.serve.kinds import Refused
from kgkt.serve.places import KERAS, Places
from kgkt.serve.process import LEAVING, PATIENCE, drain_into, end_later, in_words, interrupt
from kgkt.serve.similar import refuse_pictures
from kgkt.serve.spare import Spare

LOG = logging.getLogger("kgkt.serve")
KEPT = 100  # jobs that ended
WAITING = 20  # jobs that wait
UPLOADS = 4  # of them with a picture
LOGGED = 40  # last lines of what a process wrote besides


class Jobs:
    """The jobs of one server; ids cannot be guessed.

    Args:
        held: the service.
    """

    def __init__(self, held: Holder) -> None:
        self.held = held
        self.lock = threading.Condition()
        self._jobs: dict[str, Job] = {}  # in the order in which they came
        self._waiting: deque[Job] = deque()
        self._spare = Spare(held.folder)
        self._process: subprocess.Popen[bytes] | None = None  # of the job that runs
        self._written: dict[str, tuple[int, int]] = {}  # what jobs of this server wrote, and when it was so
        self._closed = False
        self._worker: threading.Thread | None = None

    def add(self, graph: str, verb: str, settings: Mapping[str, Any]) -> Job:
        """Let a verb run when its turn comes.

        Raises:
            Refused: no such verb or setting, a server that only reads, a file that may not be replaced, too many.
            NoGraphError: no such graph.
        """
        recipe = self._recipe(graph)
        told = checked(verb, settings, self.places(recipe))
        writes = VERBS[verb].writes
        if writes and not self.held.write:
            raise Refused("readonly", f"{verb} changes the graph, and this server only reads: start kgkt serve --rw")
        with self.lock:
            if verb == "fuse":
                told["out"] = self._out(told, recipe)
            return self._add(Job(graph, verb, settings, told, writes or self.held.write, out=told.get("out")))

    def similar(self, graph: str, picture: bytes, n: int) -> Job:
        """Let what lies near a picture be looked for, by A.

        Raises:
            Refused: too many wait.
            InputError: no such graph, or its A reads no pictures.
        """
        recipe = self._recipe(graph)
        refuse_pictures(recipe, open_run(recipe))
        with self.lock:
            if sum(bool(job.upload) for job in self._waiting) >= UPLOADS:
                raise Refused("limit", f"{UPLOADS} pictures wait already: try again when they are done")
            return self._add(Job(graph, "similar", {"n": n}, {"n": n}, False, upload=picture))

    def work_out(self, graph: str) -> Job | None:
        """Let the items' answer follow what people said, as the last `propagate` was told; once is enough.

        Returns:
            The job; None where one waits already, or too much does.
        """
        with self.lock:
            waits = any(job.background and job.graph == graph for job in self._waiting)
            if waits or self._closed or not self.held.write or len(self._waiting) >= WAITING:
                return None
            return self._add(Job(graph, "work out", {}, {}, True, background=True))

    def works_out(self, graph: str) -> bool:
        """Whether the items' answer is being worked out, or waits to be."""
        with self.lock:
            return any(job.background and job.graph == graph and not job.ended for job in self._jobs.values())

    def get(self, name: str) -> Job:
        """The job of an id.

        Raises:
            Refused: there is none (any more).
        """
        with self.lock:
            if name not in self._jobs:
                raise Refused("missing", "no such job (any more)")
            return self._jobs[name]

    def shown(self, name: str) -> dict[str, Any]:
        """A job as clients see it."""
        with self.lock:
            return self.get(name).shown()

    def all(self) -> list[dict[str, Any]]:
        """Every job that is kept, the newest first, without what is long."""
        with self.lock:
            return [job.shown(whole=False) for job in reversed(self._jobs.values())]

    def cancel(self, name: str) -> None:
        """End a job: one that waits never runs, one that runs is interrupted, and after 5 seconds killed."""
        with self.lock:
            job = self.get(name)
            if job.state == "waiting":
                self._waiting.remove(job)
                job.end("cancelled")
                if job.background:
                    self.held.working(job.graph, self.works_out(job.graph))
            else:
                if job.state == "running" and not job.cancelled and self._process is not None:
                    interrupt(self._process)
                job.cancelled = True  # one whose process is only about to start is interrupted then
                return
        self._told(job)

    def close(self) -> None:
        """End all of them, with the server."""
        with self.lock:
            self._closed = True
            unended = [job.id for job in self._jobs.values() if not job.ended]
            self.lock.notify_all()
        for name in unended:
            self.cancel(name)
        if self._worker is not None:
            self._worker.join(PATIENCE + LEAVING)
        self._spare.drop()

    def places(self, recipe: Recipe) -> Places:
        """The folders that settings may name files in."""
        return Places(self.held.folder, Path(recipe.dir))

    def _recipe(self, graph: str) -> Recipe:
        recipe = self.held.recipe_of(graph)
        if graph not in (there := graphs_of(Path(recipe.dir))):
            raise NoGraphError(f"no graph {graph!r}{nearest(graph, there)}")
        return recipe

    def _add(self, job: Job) -> Job:
        if self._closed:
            raise Refused("busy", "the server is about to end")
        if len(self._waiting) >= WAITING:
            raise Refused("limit", f"{WAITING} jobs wait already: cancel one, or try again when they are done")
        self._jobs[job.id] = job
        self._waiting.append(job)
        ended = [name for name, one in self._jobs.items() if one.ended]
        background = [name for name in ended if self._jobs[name].background]
        for name in {*ended[: max(0, len(ended) - KEPT)], *background[:-1]}:
            del self._jobs[name]
        if self._worker is None:
            self._worker = threading.Thread(target=self._work, name="kgkt-jobs", daemon=True)
            self._worker.start()
        self.lock.notify_all()
        return job

    def _out(self, told: dict[str, Any], recipe: Recipe) -> str:
        """Where the fused B goes: as asked, else beside B under the first name that is free, or this server's own.

        Raises:
            Refused: a file that no job of this server wrote.
        """
        places = self.places(recipe)
        if "out" in told:
            if (places.folder / told["out"]).exists() and not told.get("force") and not self._own(told["out"]):
                raise Refused("input", f"out {told['out']!r} exists, and no job of this server wrote it: name another, "
                              "or say force", 409)  # fmt: skip
            return str(told["out"])
        target = told.get("target") or recipe.target.model
        if target is None:
            raise Refused("usage", "fuse what? Name B: target, a .keras file")
        stem, taken = Path(target).stem, {job.out for job in self._jobs.values() if not job.ended}
        for number in range(1, 10_000):
            name = f"{stem}-fused{'' if number == 1 else f'-{number}'}{KERAS}"
            place = places.shown(places.folder / name)
            if place not in taken and (self._own(place) or not (places.folder / place).exists()):
                return place
        raise Refused("input", f"10,000 files are called like {stem}-fused{KERAS}: name another with out", 409)

    def _own(self, out: str) -> bool:
        """Whether a job of this server wrote this file, and nobody has since."""
        with contextlib.suppress(OSError):
            found = (self.held.folder / out).stat()
            return self._written.get(out) == (found.st_mtime_ns, found.st_size)
        return False

    def _work(self) -> None:
        """Run one job after the other."""
        while True:
            with self.lock:
                self.lock.wait_for(lambda: self._waiting or self._closed)
                if self._closed:
                    return
                job = self._waiting.popleft()
                job.start()
            self._told(job)
            try:
                state = self._run(job)
            except Exception:
                LOG.exception("the job %s could not be run", job.verb)
                job.error = {"kind": "fault", "message": "the job could not be started: the server's log says why"}
                state = "failed"
            with self.lock:
                self._process = None
                if state == "done" and job.out is not None:
                    found = (self.held.folder / job.out).stat()
                    self._written[job.out] = found.st_mtime_ns, found.st_size
                job.end(state)
            if job.background:
                self.held.working(job.graph, self.works_out(job.graph))
            if job.writes:
                self._after(job)
            self._told(job)
            if not self._closed:
                self._spare.make(job.verb)

    def _after(self, job: Job) -> None:
        try:
            self.held.changed(job.graph)
        except Exception:  # the job is done all the same, and others wait
            LOG.exception("graph %s could not be read again after %s", job.graph, job.verb)

    def _told(self, job: Job) -> None:
        self.held.tell("job", {"id": job.id, "state": job.state, "background": job.background})

    def _run(self, job: Job) -> str:
        """Run one job in a process of its own; the state that it ends in."""
        with self.lock:
            process = self._process = self._spare.take(job.verb)
            if job.cancelled:
                interrupt(process)
        last: deque[str] = deque(maxlen=LOGGED)
        drain = threading.Thread(target=drain_into, args=(process.stderr, last), daemon=True)
        drain.start()
        assert process.stdin is not None
        assert process.stdout is not None
        with process.stdout:
            with contextlib.suppress(BrokenPipeError):  # how it ended says why
                process.stdin.write(json.dumps(self._spec(job)).encode() + b"\n")
                process.stdin.flush()
            for line in process.stdout:
                with contextlib.suppress(ValueError):  # a line that an interruption cut
                    said = json.loads(line)
                    with self.lock:
                        job.hear(said)
                    if "result" in said or "error" in said:
                        end_later(process, LEAVING)
            code = process.wait()
        with contextlib.suppress(BrokenPipeError):  # what it never read
            process.stdin.close()
        drain.join(1.0)
        return self._ended(job, code, last)

    def _ended(self, job: Job, code: int, last: deque[str]) -> str:
        if job.result is not None:
            return "done"
        if job.cancelled or (job.error and job.error["kind"] == "cancelled"):
            job.error = None
            return "cancelled"
        if job.error is None:
            job.error = {"kind": "fault", "message": in_words(code)}
        if job.error["kind"] == "fault":
            LOG.error("the job %s failed: %s\n%s", job.verb, job.error["message"], "".join(last))
        return "failed"

    def _spec(self, job: Job) -> dict[str, Any]:
        """What the process is told."""
        recipe, told = self.held.recipe_of(job.graph), dict(job.told)
        if job.out is not None:
            told["force"] = bool(told.get("force")) or self._own(job.out)
        place = {"graph": job.graph, "dir": recipe.dir, "store": recipe.store.url, "database": recipe.store.database,
                 "recipe": None if recipe.path is None else str(recipe.path)}  # fmt: skip
        return {"verb": job.verb, "settings": told, "place": place, "write": job.writes,
                "upload": base64.b64encode(job.upload).decode("ascii")}  # fmt: skip
