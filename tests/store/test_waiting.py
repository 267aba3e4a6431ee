"""Writers take turns on every store: one waits for another, and says whom it waits for."""

from __future__ import annotations

import logging
import subprocess
import sys

import pytest

from kgkt.errors import BusyError
from kgkt.store import waiting
from kgkt.store.load import set_names
from kgkt.store.opening import open_store
from kgkt.store.protocol import Store
from kgkt.store.readback import rows

HOLDER = """
import sys
from kgkt.store.opening import open_store
with open_store(sys.argv[1], write=True) as store:
    store.hold("main")
    print("held", flush=True)
    sys.stdin.readline()
"""


def take(url: str) -> Store:
    """The store with the right to write the graph, as verbs take it."""
    store = open_store(url, write=True)
    try:
        store.hold("main")
    except BaseException:
        store.close()
        raise
    return store


def test_a_writer_waits_for_another_and_then_says_who_it_is(
    loaded: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    other = subprocess.Popen([sys.executable, "-c", HOLDER, loaded], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert other.stdin is not None
    assert other.stdout is not None
    assert other.stdout.readline() == "held\n"
    with monkeypatch.context() as patch:
        patch.setattr(waiting, "SECONDS", 0.0)
        with pytest.raises(BusyError, match=rf"busy, held by pid {other.pid}\b.*: it is being written; try again when"):
            waiting.in_turn(lambda: take(loaded))
        if loaded.startswith("kglite"):
            with open_store(loaded) as store, pytest.raises(BusyError, match=rf"held by pid {other.pid}\b"):
                store.ask("MATCH (c:Concept) SET c.name = 'x'", write=True)
    caplog.clear()

    class Done(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if "waiting" in record.getMessage():
                other.stdin.write("\n")  # type: ignore[union-attr]
                other.stdin.flush()  # type: ignore[union-attr]
                waiting.LOG.removeHandler(self)

    waiting.LOG.addHandler(Done())
    with waiting.in_turn(lambda: take(loaded)) as store:
        set_names(store, "main", {0: "mine"})
    said = [record.getMessage() for record in caplog.records if "waiting" in record.getMessage()]
    assert len(said) == 1
    assert f"busy, held by pid {other.pid}" in said[0]
    assert said[0].endswith("it is being written; waiting up to 10 s for it")
    other.stdin.close()
    other.stdout.close()
    assert other.wait(30) == 0
    with open_store(loaded) as store:
        assert "mine" in [row["name"] for row in rows(store, "read_concepts", graph="main")]
