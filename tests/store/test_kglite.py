"""The embedded store: its file, its lease, crashes, and readers beside a writer."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from kgkt.errors import InputError, StoreError, UsageError
from kgkt.files import sha256_file
from kgkt.store.embedded.store import KgliteStore
from kgkt.store.labels import write_labels
from kgkt.store.load import begin, load_graph, set_names, write
from kgkt.store.opening import open_store
from kgkt.store.protocol import EDGE_BATCH, NODE_BATCH, batches
from kgkt.store.readback import list_graphs, read_concept_graph, read_info
from kgkt.store.statements import load
from tests.store.conftest import digest, digits_graph


@pytest.fixture
def store_url(tmp_path: Path) -> str:
    """Only the embedded store has a file."""
    return f"kglite:{tmp_path / 'graph.kgl'}"


# Loads the digits graph and is killed just before the given write, or right after the last one.
LOADER = """
import os, sys
from kgkt.store.embedded.store import KgliteStore
from kgkt.store.load import load_graph
from tests.store.conftest import digest, digits_graph

class Killed(KgliteStore):
    writes = 0
    def write(self, statement, rows=None, params=None):
        if self.writes == self.at:
            os.kill(os.getpid(), 9)
        self.writes += 1
        return super().write(statement, rows, params)

value, more = digits_graph()
for at in map(int, sys.argv[2:]):
    if pid := os.fork():
        assert os.waitpid(pid, 0)[1] == 9
        continue
    store = Killed(f"{sys.argv[1]}/{at}.kgl", write=True)
    store.at = at
    load_graph(store, "main", value, **more)
    os.kill(os.getpid(), 9)
"""


def test_a_load_killed_between_any_two_statements_and_run_again_gives_the_same_graph(tmp_path):
    value, more = digits_graph()
    counting = KgliteStore(tmp_path / "whole.kgl", write=True)
    statements = []
    write_snapshot = counting.write
    counting.write = lambda statement, *rest: statements.append(statement.name) or write_snapshot(statement, *rest)
    load_graph(counting, "main", value, **more)
    counting.close()
    whole = digest(f"kglite:{tmp_path / 'whole.kgl'}")
    points = range(1, len(statements) + 1)
    assert len(points) > 15
    subprocess.run([sys.executable, "-c", LOADER, str(tmp_path), *map(str, points)], check=True,
                   cwd=Path(__file__).parents[2])
    for at in points:
        url = f"kglite:{tmp_path / f'{at}.kgl'}"
        with open_store(url) as store:  # the last save is the one made when the file was made
            assert list_graphs(store) == []
            assert store.stale or statements[:at] == ["know_graph"]  # which changes nothing, so nothing is logged
        with open_store(url, write=True) as store:
            infos = list_graphs(store)
            if at > statements.index("write_graphs"):
                assert infos[0].get("complete", False) is (at == len(statements))
            load_graph(store, "main", value, **more)
        assert digest(url) == whole, f"killed before {statements[at - 1:at]}"


def test_an_interrupted_load_is_refused_until_it_is_done(loaded):
    with open_store(loaded, write=True) as store:
        begin(store, "main")
    with open_store(loaded) as store, pytest.raises(
            InputError, match=r"^graph main is being rebuilt, or interrupted: run populate$"):
        read_info(store, "main")


def test_an_error_while_writing_leaves_readers_the_last_save(loaded):
    path = loaded.removeprefix("kglite:")
    before = sha256_file(path)
    with pytest.raises(InputError, match="cannot be stored"), open_store(loaded, write=True) as store:
        write(store, "write_graphs", [*[{"key": "main", "props": {"complete": False}}] * NODE_BATCH,
                                      {"key": "main", "props": {"seed": float("nan")}}])
    assert sha256_file(path) == before
    with open_store(loaded) as store:
        assert read_info(store, "main")["complete"] is True
        assert store.stale
    with open_store(loaded, write=True) as store:  # the next writer sees where the other stopped
        assert list_graphs(store)[0]["complete"] is False


WRITER = """
import sys
from kgkt.store.load import set_names
from kgkt.store.opening import open_store
store = open_store(sys.argv[1], write=True)
set_names(store, "main", {0: "written"})
print("written", flush=True)
for line in sys.stdin:
    store.save()
    print("saved", flush=True)
"""


def test_a_reader_and_a_second_writer_beside_a_writer(loaded, monkeypatch):
    monkeypatch.setattr("kgkt.store.waiting.SECONDS", 0.0)
    writer = subprocess.Popen([sys.executable, "-c", WRITER, loaded], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              text=True)
    assert writer.stdout.readline() == "written\n"
    first = load("read_concepts")
    with open_store(loaded) as reader:
        def name() -> str:
            rows = reader.read(first, {"graph": "main"}).dicts()
            return next(row["name"] for row in rows if row["key"] == "main/concept/0")

        asked = "MATCH (c:Concept {key: 'main/concept/0'}) RETURN c.name"
        assert name() == "c0"
        assert reader.ask(asked).rows == (("c0",),)
        assert reader.stale
        with pytest.raises(StoreError, match=f"busy, held by pid {writer.pid}") as error:
            open_store(loaded, write=True)
        assert "\n" not in str(error.value)
        with pytest.raises(StoreError, match=f"busy, held by pid {writer.pid}"):
            reader.ask("MATCH (c:Concept) SET c.name = 'x'", write=True)
        writer.stdin.write("save\n")
        writer.stdin.flush()
        assert writer.stdout.readline() == "saved\n"
        assert name() == "written"
        assert reader.ask(asked).rows == (("written",),)
        assert not reader.stale
    writer.stdin.close()
    writer.stdout.close()
    assert writer.wait(30) == 0
    with open_store(loaded, write=True) as store:
        assert read_info(store, "main")["n_concepts"] == 12


def test_what_a_killed_writer_committed_is_there_for_the_next(loaded):
    code = WRITER + "\n"
    writer = subprocess.Popen([sys.executable, "-c", code, loaded], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              text=True)
    writer.stdout.readline()
    writer.kill()
    writer.wait()
    writer.stdin.close()
    writer.stdout.close()
    asked = "MATCH (c:Concept {key: 'main/concept/0'}) RETURN c.name"
    with open_store(loaded) as store:
        assert store.ask(asked).rows == (("c0",),)
        # a query that writes takes the committed work with it
        assert store.ask(asked, write=True).rows == (("written",),)
        assert store.ask(asked).rows == (("written",),)


def test_a_writer_that_writes_nothing_leaves_the_file_alone(loaded):
    path = Path(loaded.removeprefix("kglite:"))
    before = path.stat().st_mtime_ns
    with open_store(loaded, write=True) as store:
        read_info(store, "main")
    assert path.stat().st_mtime_ns == before


def test_one_save_puts_everything_into_the_file(loaded):
    path = Path(loaded.removeprefix("kglite:"))
    before = sha256_file(path)
    store = open_store(loaded, write=True)
    set_names(store, "main", {0: "a"})
    write_labels(store, "main", [("i1", "1", "me", "now")])
    assert sha256_file(path) == before
    store.save()
    after = sha256_file(path)
    assert after != before
    store.close()
    assert sha256_file(path) == after


def test_a_missing_file_a_folder_and_a_place_that_cannot_be(tmp_path):
    with pytest.raises(InputError, match=r"^no graph at .*nothing\.kgl: run kgkt populate$"):
        KgliteStore(tmp_path / "nothing.kgl")
    for write_too in (False, True):
        with pytest.raises(InputError, match="is a folder; name a"):
            KgliteStore(tmp_path, write=write_too)
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"cannot be written: there is no folder .*file; make it"):
        KgliteStore(tmp_path / "file" / "graph.kgl", write=True)
    assert sorted(os.listdir(tmp_path)) == ["file"]


@pytest.mark.parametrize("write_too", [False, True])
@pytest.mark.parametrize("damage", ["empty", "truncated", "flipped", "lfs", "html"])
def test_a_damaged_file_is_refused_and_left_alone(loaded, write_too, damage):
    path = Path(loaded.removeprefix("kglite:"))
    good = path.read_bytes()
    flipped = bytearray(good)
    flipped[len(flipped) // 3] ^= 0xFF
    bad = {"empty": b"", "truncated": good[: len(good) // 2], "flipped": bytes(flipped),
           "lfs": b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 3\n", "html": b"<!doctype html><html>"}
    path.write_bytes(bad[damage])
    with pytest.raises(InputError, match=r"graph\.kgl cannot be opened as a graph: ") as error:
        read_info(KgliteStore(path, write=write_too), "main")
    assert error.value.exit_code == 3
    assert path.read_bytes() == bad[damage]


def test_bits_flipped_anywhere_are_noticed(loaded):
    path = Path(loaded.removeprefix("kglite:"))
    good = path.read_bytes()
    rng = np.random.default_rng(0)
    whole = None
    for place in rng.integers(0, len(good), 40).tolist():
        bad = bytearray(good)
        bad[place] ^= 1 << int(rng.integers(8))
        path.write_bytes(bytes(bad))
        try:
            with open_store(loaded) as store:
                found = read_concept_graph(store, "main", digits_graph()[0].centroids)[0]
        except InputError:
            continue
        whole = whole or digits_graph()[0]
        np.testing.assert_array_equal(found.weights, whole.weights)  # read, so it must be what was written
        assert found.names.tolist() == whole.names.tolist()


def test_a_closed_or_reading_store_does_not_write(loaded):
    with open_store(loaded) as store, pytest.raises(UsageError, match="was opened to read"):
        set_names(store, "main", {0: "x"})
    store = open_store(loaded, write=True)
    with pytest.raises(UsageError, match="takes the lease itself"):
        store.ask("CREATE (n:X)", write=True)
    store.close()
    with pytest.raises(UsageError, match="was closed"):
        read_info(store, "main")
    store.close()


def test_the_url_names_the_store():
    for url in ("sqlite:x", "kglite:", "graph.kgl"):
        with pytest.raises(UsageError, match="no store for"):
            open_store(url)


def test_rows_go_in_batches():
    nodes = list(batches({"key": i} for i in range(NODE_BATCH * 2 + 1)))
    assert [len(batch) for batch in nodes] == [NODE_BATCH, NODE_BATCH, 1]
    edges = list(batches({"a": i, "b": i, "props": {}} for i in range(EDGE_BATCH + 1)))
    assert [len(batch) for batch in edges] == [EDGE_BATCH, 1]
    assert list(batches([])) == []


FULL = """
import resource, sys
from kgkt.errors import InputError
from kgkt.store.load import write_items
from kgkt.store.opening import open_store
resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))
try:
    with open_store(sys.argv[1], write=True) as store:
        write_items(store, "main", [{"item_id": i, "text": f"{i}" * 50} for i in range(10 ** 4, 2 * 10 ** 4)])
except InputError as error:
    print(error)
"""


def test_a_full_disk_leaves_the_old_file(loaded):
    path = Path(loaded.removeprefix("kglite:"))
    before = sha256_file(path)
    done = subprocess.run([sys.executable, "-c", FULL, loaded], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("the graph file could not be read or written: ")
    assert done.stderr == ""
    assert sha256_file(path) == before
    with open_store(loaded) as store:
        assert read_info(store, "main")["complete"] is True
    with open_store(loaded, write=True) as store:
        set_names(store, "main", {0: "goes on"})
    with open_store(loaded) as store:
        assert store.ask("MATCH (c:Concept {name: 'goes on'}) RETURN count(c) AS n").rows == ((1,),)
