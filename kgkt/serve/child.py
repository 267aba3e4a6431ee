"""The process that one job runs in: `python -m kgkt.serve.child`.

It reads one line of JSON on its standard input, does what that says, and answers with lines of JSON on a descriptor of
its own, as TensorFlow writes to the usual ones what it likes: {"progress"}, {"notice"}, {"point"}, and in the end
{"result"} or {"error"}. With an argument it first loads what many jobs need (`load`), and then waits for its job. When
its input ends its server is gone, and it ends as if it had been interrupted.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TextIO

from kgkt.errors import KgktError
from kgkt.memory import free_bytes
from kgkt.notices import hear_notices
from kgkt.serve.calls import do
from kgkt.serve.kinds import kind_of
from kgkt.store.fence import answers, send
from kgkt.tables import plain

EVERY = 0.1  # seconds between two words of progress
TRAININGS = {"alone": "training B alone", "own": "checking B's own weights", "written": "checking the written weights",
             "kept": "training"}  # fmt: skip
FIRST = 200  # points of a curve that are told however fast they come
PATIENCE = 5.0  # seconds from an interruption to the end
NICE = 5  # the service answers people, a job can wait
LEAST = 1 << 30  # bytes that it may take in any case
SHARE = 0.9  # of the memory that is free when a job starts, what it may take


class Teller:
    """What goes to the server.

    Args:
        out: where lines go.
    """

    def __init__(self, out: TextIO) -> None:
        self.out, self.lock = out, threading.Lock()
        self.stepped, self.pointed, self.points, self.training = 0.0, 0.0, 0, ""
        self.looked: dict[str, int] = {}
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
        """A line that is told in any case: the last one; whoever heard it may be gone."""
        with self.lock, contextlib.suppress(OSError):
            send(self.out, json.dumps(plain(said)))

    def look(self, training: str, history: Mapping[str, list[float]], every: int) -> None:
        """What is new of one of the trainings: points of its curve; of very many not every one is passed on."""
        losses, held_out = history["loss"], history.get("held_out", [])
        self.training = training
        for number in range(self.looked.get(training, 0), -(-len(losses) // every)):
            self.looked[training], self.points = number + 1, self.points + 1
            now, part = time.monotonic(), losses[number * every : (number + 1) * every]
            if self.points <= FIRST or now - self.pointed >= EVERY:
                self.pointed = now
                self.tell(point={"of": training, "step": number * every + len(part), "loss": sum(part) / len(part),
                                 "val_loss": held_out[number] if number < len(held_out) else None})

    def say(self, line: str) -> None:
        """A notice."""
        self.tell(notice=line)

    def step(self, what: str, done: float, total: float) -> None:
        """How far the work is; not every word of it is passed on."""
        now = time.monotonic()
        if now - self.stepped >= EVERY or done in (0, total):
            self.stepped = now
            self.tell(progress={"what": TRAININGS.get(self.training, what), "done": done, "total": total})

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
    for name in sys.argv[1:]:
        load(name)
    spec = json.loads(_first_line())
    threading.Thread(target=_end_with_the_server, daemon=True).start()
    hear_notices(teller.say)
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
    with contextlib.suppress(OSError):
        sys.stderr.flush()
    os._exit(0)  # all is written and told; TensorFlow takes seconds to put itself away


def load(what: str) -> None:
    """Import ahead of a job what it will need: "arrays", or also "keras".

    The database comes before TensorFlow, which leaves it no place for its thread-local data on some machines.
    """
    from kgkt.source.quiet import import_quietly, keras

    for name in ("kglite", "scipy.linalg", "sklearn.linear_model", "pyarrow.parquet", "kgkt.verbs.propagate"):
        import_quietly(name)
    if what == "keras":
        keras()


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
    free = free_bytes()
    most = min([one for one in (-1 if free is None else max(int(SHARE * free), LEAST), soft, hard) if one >= 0])
    resource.setrlimit(resource.RLIMIT_DATA, (most, hard))


if __name__ == "__main__":
    main()
