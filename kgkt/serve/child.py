"""The process that one job runs in: `python -m kgkt.serve.child`.

It reads one line of JSON on its standard input, does what that says, and answers with lines of JSON on a descriptor of
its own, as TensorFlow writes to the usual ones what it likes: {"progress"}, {"notice"}, {"point"}, and in the end
{"result"} or {"error"}. When its input ends its server is gone, and it ends as if it had been interrupted.
"""

from __future__ import annotations

import base64
import contextlib
import json
import logging
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from kgkt.errors import KgktError
from kgkt.serve.kinds import kind_of
from kgkt.store.fence import answers, send
from kgkt.tables import plain

if TYPE_CHECKING:
    from kgkt.api import Run

EVERY = 0.1  # seconds between two words of progress
FIRST = 200  # points of a curve that are told however fast they come
PATIENCE = 5.0  # seconds from an interruption to the end
NICE = 5  # the service answers people, a job can wait
SPARE = 0.9  # of the memory that is free when a job starts, what it may take
ROWS = 1000  # of a table that is told


class Teller:
    """What goes to the server.

    Args:
        out: where lines go.
    """

    def __init__(self, out: TextIO) -> None:
        self.out, self.lock = out, threading.Lock()
        self.last, self.points = 0.0, 0
        self.interrupted = False

    def interrupt(self, number: int, frame: Any) -> None:
        """End the job. What a library swallowed of it is raised again with the next word: Keras does, in its logs."""
        self.interrupted = True
        raise KeyboardInterrupt

    def tell(self, **said: Any) -> None:
        """One line."""
        if self.interrupted:
            raise KeyboardInterrupt
        self.end(**said)

    def end(self, **said: Any) -> None:
        """The last line, which is told in any case."""
        with self.lock:
            send(self.out, json.dumps(plain(said)))

    def point(self, step: int, loss: float, val_loss: float | None) -> None:
        """A look at the held-out items; of very many not every one is passed on."""
        now, self.points = time.monotonic(), self.points + 1
        if self.points <= FIRST or now - self.last >= EVERY:
            self.last = now
            self.tell(point={"step": step, "loss": loss, "val_loss": val_loss})

    def say(self, line: str) -> None:
        """A notice."""
        self.tell(notice=line)

    def step(self, what: str, done: float, total: float) -> None:
        """How far the work is; not every word of it is passed on."""
        now = time.monotonic()
        if now - self.last >= EVERY or done in (0, total):
            self.last = now
            self.tell(progress={"what": what, "done": done, "total": total})

    @contextlib.contextmanager
    def progress(self, what: str, total: float) -> Iterator[Callable[[float], None]]:
        """Of work that says how much more is done."""
        done = 0.0
        self.step(what, 0, total)

        def more(steps: float) -> None:
            nonlocal done
            done += steps
            self.step(what, done, total)

        yield more


def main() -> None:
    """Do what the first line of the input says."""
    teller = Teller(answers())
    for one in (signal.SIGINT, signal.SIGTERM):  # a server in the background may have them ignored
        signal.signal(one, teller.interrupt)
    spec = json.loads(_first_line())
    threading.Thread(target=_end_with_the_server, daemon=True).start()
    _hear_notices(teller.say)
    _bound()
    try:
        teller.end(result=do(spec, teller))
    except KeyboardInterrupt:
        teller.end(error={"kind": "cancelled", "message": "cancelled"})
    except KgktError as error:
        teller.end(error={"kind": kind_of(error), "message": str(error)})
    except MemoryError:
        teller.end(error={"kind": "limit", "message": "not enough memory; kgkt check estimates what a run needs"})
    except Exception as error:  # what nobody foresaw: where it was is for whoever runs the server
        traceback.print_exc()
        message = f"unexpected {type(error).__name__}: what the server wrote to its log says where"
        teller.end(error={"kind": "fault", "message": message})
    sys.stderr.flush()
    os._exit(0)  # all is written and told; TensorFlow takes seconds to put itself away


def _first_line() -> bytes:
    """The input up to its first line's end, and no byte more."""
    line = bytearray()
    while not line.endswith(b"\n"):
        part = os.read(0, 1 << 20)
        if not part:
            raise SystemExit("no job came")
        line += part
    return bytes(line)


def _end_with_the_server() -> None:
    """Wait until nobody holds the other end of the input any more."""
    while os.read(0, 4096):
        pass
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(PATIENCE)
    os._exit(1)


def _hear_notices(say: Callable[[str], None]) -> None:
    """Pass on what the rooms log, each line once: which server and user, what it does not allow."""
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


def _bound() -> None:
    """Give way to the server: in time, in memory, and where the machine runs out of it."""
    if hasattr(os, "nice"):
        os.nice(NICE)
    if sys.platform != "linux":
        return
    import resource

    with contextlib.suppress(OSError):  # without the right to it all are equal
        Path("/proc/self/oom_score_adj").write_text("800", encoding="ascii")
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    most = min([free for free in (free_bytes(), soft, hard) if free >= 0])
    resource.setrlimit(resource.RLIMIT_DATA, (most, hard))


def free_bytes() -> int:
    """How much memory a job may take, as Linux tells what is free of the machine and of its control group."""
    told = dict(line.split(":", 1) for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines())
    free = [int(told["MemAvailable"].split()[0]) * 1024]
    group = Path("/sys/fs/cgroup")
    with contextlib.suppress(OSError, ValueError):  # no such group, or one without a limit
        free.append(int((group / "memory.max").read_text(encoding="ascii"))
                    - int((group / "memory.current").read_text(encoding="ascii")))
    return int(SPARE * max(min(free), 1 << 30))


def do(spec: Mapping[str, Any], teller: Teller) -> Any:
    """Call the verb, and return its figures.

    Args:
        spec: `verb`; `settings`, checked; `place`: graph, dir, store, database, recipe; `write`, whether anything may
            be changed; of "similar" also `upload`, a picture in base64.
        teller: takes notices and progress.
    """
    from kgkt.api import open_graph

    teller.step("starting", 0, 1)  # TensorFlow takes its seconds
    run = open_graph(**spec["place"], say=teller.say, progress=teller.progress)
    verb, settings = spec["verb"], dict(spec["settings"])
    if not spec["write"]:
        refuse_to_propagate(run, verb)
    if verb == "similar":
        from kgkt.serve.similar import similar_to

        return similar_to(run.recipe, base64.b64decode(spec["upload"]), settings["n"], teller.say)
    return CALLS[verb](run, settings, teller)


def refuse_to_propagate(run: Run, verb: str) -> None:
    """Refuse a verb that would propagate again, and so write into the graph.

    Raises:
        Refused: something changed since the last `propagate`.
    """
    from kgkt.rundir.measured import as_fused
    from kgkt.rundir.state import open_run
    from kgkt.serve.kinds import Refused
    from kgkt.verbs.stale import stale_reasons

    if verb not in ("trace", "predict"):
        return
    folder = open_run(run.recipe)
    recipe = as_fused(run.recipe, folder) if verb == "trace" else run.recipe
    if "propagate" not in folder.state().get("stages", {}):
        raise Refused("readonly", "nothing was propagated yet, and this server only reads: run kgkt propagate")
    if why := stale_reasons(folder, recipe, "propagate"):
        raise Refused("readonly", f"changed since propagate: {', '.join(why)}; this server only reads: run kgkt "
                      "propagate")  # fmt: skip


def _propagate(run: Run, settings: dict[str, Any], teller: Teller) -> Any:
    return run.propagate(**settings).to_json()


def _work_out(run: Run, settings: dict[str, Any], teller: Teller) -> Any:
    """The items' answer as the last `propagate` was told, where something changed since."""
    from kgkt.rundir.state import open_run
    from kgkt.verbs.propagate import fresh_targets

    _, targets = fresh_targets(run.recipe, open_run(run.recipe), teller.say)
    return {"items": len(targets.weight), "reached": int((targets.weight > 0).sum())}


def _map(run: Run, settings: dict[str, Any], teller: Teller) -> Any:
    return run.map(settings.pop("target", None), **settings).to_json()


def _fuse(run: Run, settings: dict[str, Any], teller: Teller) -> Any:
    from kgkt.serve.figures import beside

    settings["map"] = None if settings.pop("map", True) else False
    done: Any = run.fuse(settings.pop("target", None), settings.pop("out"), callbacks=_listeners(teller), **settings)
    told = done.to_json()
    return {**told, "rows": beside(told["figures"]), "card": str(Path(told["out"]).with_suffix(".card.md"))}


def _listeners(teller: Teller) -> Iterator[Any]:
    """The one callback that tells each look at the held-out items; made when Keras is loaded."""
    from kgkt.source.quiet import keras

    class Curve(keras().callbacks.Callback):  # type: ignore[misc]
        steps = 0

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            self.steps += 1

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            teller.point(self.steps, logs["loss"], logs.get("val_loss"))

    yield Curve()


def _trace(run: Run, settings: dict[str, Any], teller: Teller) -> Any:
    return run.trace(settings.pop("what", None), settings.pop("examples", 5), **settings).to_json()


def _diff(run: Run, settings: dict[str, Any], teller: Teller) -> Any:
    return _cut(run.diff(settings.pop("other", None), **settings).to_json())


def _suspects(run: Run, settings: dict[str, Any], teller: Teller) -> Any:
    return _cut(run.suspects(settings.pop("n", None), **settings).to_json())


def _predict(run: Run, settings: dict[str, Any], teller: Teller) -> Any:
    from kgkt.transfer.prediction import COLUMNS

    done = run.predict(settings.pop("data", None), **settings)
    return _cut({"columns": COLUMNS, "rows": list(done.rows()), "right": done.right, "far": done.far})


def _evaluate(run: Run, settings: dict[str, Any], teller: Teller) -> Any:
    done = run.evaluate(progress=teller.step, **settings)
    return {"out": str(done.out), "sentences": done.report["sentences"], "skipped": done.report["skipped"]}


def _cut(table: dict[str, Any]) -> dict[str, Any]:
    """A table of at most ROWS rows, and how many there are."""
    return {**table, "rows": table["rows"][:ROWS], "of": len(table["rows"])}


CALLS: dict[str, Callable[[Run, dict[str, Any], Teller], Any]] = {
    "propagate": _propagate, "work out": _work_out, "map": _map, "fuse": _fuse, "trace": _trace, "diff": _diff,
    "suspects": _suspects, "predict": _predict, "evaluate": _evaluate,
}  # fmt: skip

if __name__ == "__main__":
    main()
