"""The fenced child: what it cannot do even when the guard lets everything through."""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from kgkt.errors import InputError, KgktError, QueryError, StoreError, UnsafeError
from kgkt.files import sha256_file
from kgkt.store.child import resident_mb
from kgkt.store.embedded.child import FileChild
from kgkt.store.fence import ANSWER_MB
from kgkt.store.opening import open_store
from kgkt.store.protocol import Limits
from tests.store.hostile import GREEDY, NEVER, WRITES

SMALL = Limits(seconds=0.5, rows=10, memory_mb=256)


@pytest.fixture(scope="module")
def path(tmp_path_factory) -> Path:
    from kgkt.store.load import load_graph
    from tests.store.conftest import digits_graph

    place = tmp_path_factory.mktemp("fence") / "graph.kgl"
    value, more = digits_graph()
    with open_store(f"kglite:{place}", write=True) as store:
        load_graph(store, "main", value, **more)
    return place


@pytest.fixture(scope="module")
def child(path) -> Iterator[Callable[..., FileChild]]:
    """Gives the running child, or a new one where the last was ended."""
    running: list[FileChild] = []

    def get() -> FileChild:
        if not running or not running[-1].alive:
            running.append(FileChild(path, SMALL.memory_mb))
        return running[-1]

    yield get
    for one in running:
        one.close()


def said(child: FileChild, text: str) -> str:
    """What comes back: rows or an error."""
    try:
        return str(child.ask(text, {"url": "file:///etc/passwd"}, SMALL))
    except KgktError as error:
        return str(error)


@pytest.mark.parametrize("text", [*NEVER, *WRITES])
def test_nothing_is_read_or_changed_without_the_guard(path, child, text):
    before = sha256_file(path)
    files = sorted(os.listdir(path.parent))
    assert "root:" not in said(child(), text)
    assert sha256_file(path) == before
    assert sorted(os.listdir(path.parent)) == files


def test_load_csv_fails_in_the_kernel(child):
    with pytest.raises(QueryError, match="Too many open files"):
        child().ask("LOAD CSV FROM 'file:///etc/passwd' AS r RETURN r", {}, SMALL)
    assert child().alive


@pytest.mark.parametrize("text", WRITES[:4] + WRITES[6:9])
def test_a_reading_child_refuses_to_write(child, text):
    with pytest.raises(UnsafeError, match="this query would write"):
        child().ask(text, {}, SMALL)


@pytest.mark.parametrize("text", GREEDY)
def test_a_greedy_query_is_bounded_in_time_rows_and_memory(child, text):
    one = child()
    peaks, done = [0], threading.Event()
    watcher = threading.Thread(target=watch, args=(one.process.pid, peaks, done))
    watcher.start()
    try:
        begin = time.monotonic()
        assert len(said(one, text)) < (ANSWER_MB + 1) * 2**20
        assert time.monotonic() - begin < 20  # its limit is 1.5 s; a loaded machine gets more
    finally:
        done.set()
        watcher.join()
    assert max(peaks) < (SMALL.memory_mb + 160) * 1024  # its interpreter, the graph, 64 MB of reserve


def watch(pid: int, peaks: list[int], done: threading.Event) -> None:
    """Collect the most memory a process has held, in KiB, until it ends or `done`."""
    while not done.wait(0.01):
        with contextlib.suppress(OSError, StopIteration):
            lines = Path(f"/proc/{pid}/status").read_text().splitlines()
            peaks.append(int(next(line for line in lines if line.startswith("VmHWM")).split()[1]))


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the limit is the kernel's only on Linux")
def test_hardly_any_address_space_is_reserved_before_the_limit_is_put_on(child):
    status = Path(f"/proc/{child().process.pid}/status").read_text()
    size, held = (int(re.search(rf"{name}:\s+(\d+) kB", status)[1]) for name in ("VmSize", "VmRSS"))
    assert size - held < 512 * 1024  # 58 MB on two cores; each thread of a larger machine reserves its stack


def test_a_memory_bomb_ends_the_child_and_says_so(path):
    one = FileChild(path, 200)
    with pytest.raises(QueryError, match=r"^the query needed more than 200 MB: add LIMIT or narrow it$"):
        one.ask(GREEDY[0], {}, Limits(seconds=30))
    assert not one.alive


def test_an_endless_query_is_stopped_and_the_child_lives_on(path):
    one = FileChild(path, 2048)
    try:
        with pytest.raises(QueryError, match=r"^stopped after 0\.5 s\. Add LIMIT, or start from fewer nodes\.$"):
            one.ask("MATCH (a)-[*1..30]-(b) RETURN count(*) AS n", {}, SMALL)
        assert one.ask("RETURN 1 AS n", {}, SMALL).rows == ((1,),)
    finally:
        one.close()


def test_a_child_that_does_not_stop_by_itself_is_killed(path):
    one = FileChild(path, 2048)
    endless = {"text": "MATCH (a)-[*1..30]-(b) RETURN count(*) AS n", "params": {}, "seconds": None, "rows": 1}
    one.process.stdin.write(json.dumps(endless) + "\n")
    one.process.stdin.flush()
    with pytest.raises(QueryError, match=r"^too late$"):
        one._wait(0.5, "too late")
    assert not one.alive


def test_rows_are_cut_and_that_is_said(child):
    rows = child().ask("UNWIND range(1, 100) AS i RETURN i", {}, SMALL)
    assert rows.rows == tuple((i,) for i in range(1, 11))
    assert rows.truncated
    exact = child().ask("UNWIND range(1, 10) AS i RETURN i", {}, SMALL)
    assert len(exact.rows) == 10
    assert not exact.truncated


def test_an_answer_too_large_for_the_asking_process_is_refused(path):
    one = FileChild(path, 2048)
    with pytest.raises(QueryError, match=f"the answer is larger than {ANSWER_MB} MB: return fewer columns"):
        one.ask("UNWIND range(1, 70) AS i RETURN reduce(s = 'a', x IN range(1, 20) | s + s) AS x", {}, Limits())
    assert one.alive
    one.close()


def test_limits_of_the_reading_child(child):
    limits = Path(f"/proc/{child().process.pid}/limits").read_text()
    rows = {line[:25].strip(): line[25:].split()[:2] for line in limits.splitlines()}
    assert rows["Max open files"] == ["0", "0"]
    assert rows["Max file size"] == ["0", "0"]
    assert rows["Max core file size"] == ["0", "0"]
    most = int(rows["Max address space"][0]) / 2**20
    assert SMALL.memory_mb < most < SMALL.memory_mb + 3072


def test_the_child_knows_nothing_of_the_environment(path, monkeypatch):
    monkeypatch.setenv("NEO4J_PASSWORD", "secret-of-the-parent")
    one = FileChild(path, 256)
    assert b"secret-of-the-parent" not in Path(f"/proc/{one.process.pid}/environ").read_bytes()
    one.close()


def test_the_child_loads_no_heavy_library():
    code = "import kgkt.store.embedded.worker, sys; print(sorted({m.split('.')[0] for m in sys.modules}))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    for heavy in ("numpy", "scipy", "sklearn", "tensorflow", "keras", "pyarrow", "networkx", "neo4j", "matplotlib"):
        assert f"'{heavy}'" not in loaded


def test_a_child_ends_when_its_parent_dies(path):
    code = ("import sys, time, os\nfrom pathlib import Path\nfrom kgkt.store.embedded.child import FileChild\n"
            "child = FileChild(Path(sys.argv[1]), 256)\nprint(child.process.pid, flush=True)\nos.kill(os.getpid(), 9)")
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=False)
    pid = int(done.stdout)
    for _ in range(100):
        if not Path(f"/proc/{pid}").exists() or "Z (zombie)" in Path(f"/proc/{pid}/status").read_text():
            return
        time.sleep(0.05)
    pytest.fail("the child outlived its parent")


def test_parameters_are_values_only(child):
    hostile = "x' }) DETACH DELETE n //"
    rows = child().ask("MATCH (n {name: $name}) RETURN count(n) AS n", {"name": hostile}, SMALL)
    assert rows.rows == ((0,),)
    with pytest.raises(InputError, match="a parameter of the query cannot be sent"):
        child().ask("RETURN $x AS x", {"x": object()}, SMALL)
    with pytest.raises(InputError, match="a parameter of the query cannot be sent"):
        child().ask("RETURN $x AS x", {"x": float("nan")}, SMALL)


def test_what_is_no_json_is_encoded(child):
    rows = child().ask("RETURN date('2024-01-02') AS d, datetime('2024-01-02T03:04:05Z') AS t, 1e400 AS i, "
                       "duration('P1D') AS p, [1, {a: null}] AS l", {}, SMALL)
    assert rows.rows == (("2024-01-02", "2024-01-02T03:04:05+00:00", float("inf"),
                          {"months": 0, "days": 1, "seconds": 0}, [1, {"a": None}]),)


def test_the_engines_message_is_passed_on(child):
    with pytest.raises(QueryError, match=r"(?s)line 1, col \d+.*MATCH \(c:Concept RETURN c\n +\^"):
        child().ask("MATCH (c:Concept RETURN c", {}, SMALL)
    with pytest.raises(QueryError, match="FORMAT CSV is not for here"):
        child().ask("MATCH (n) RETURN n.name FORMAT CSV", {}, SMALL)


def test_a_writing_child_saves_and_gives_the_lease_back(tmp_path, path):
    place = tmp_path / "graph.kgl"
    place.write_bytes(path.read_bytes())
    before = sha256_file(place)
    with open_store(f"kglite:{place}") as store:
        assert store.ask("MATCH (c:Concept {key: 'main/concept/0'}) SET c.name = 'one' RETURN c.name AS n",
                         write=True).rows == (("one",),)
        assert store.ask("MATCH (c:Concept {key: 'main/concept/0'}) RETURN c.name AS n").rows == (("one",),)
        with pytest.raises(QueryError, match="Too many open files"):
            FileChild(place, 512, write=True).ask("LOAD CSV FROM 'file:///etc/passwd' AS r RETURN r", {}, Limits())
        with pytest.raises(UnsafeError, match="LOAD CSV is refused"):
            store.ask("LOAD CSV FROM 'file:///etc/passwd' AS r CREATE (n:X {name: r})", write=True)
    assert sha256_file(place) != before


def test_a_failed_write_changes_nothing(tmp_path, path):
    place = tmp_path / "graph.kgl"
    place.write_bytes(path.read_bytes())
    with open_store(f"kglite:{place}") as store:
        with pytest.raises(QueryError, match="already exists"):
            store.ask("MATCH (c:Concept) SET c.name = 'x' CREATE (n:Concept {key: 'main/concept/0'})", write=True)
        assert store.ask("MATCH (c:Concept {name: 'x'}) RETURN count(c) AS n").rows == ((0,),)


def test_a_writing_child_takes_turns(tmp_path, path):
    place = tmp_path / "graph.kgl"
    place.write_bytes(path.read_bytes())
    writer = FileChild(place, 512, write=True)
    with pytest.raises(StoreError, match=f"busy, held by pid {writer.process.pid}"):
        FileChild(place, 512, write=True)
    writer.close()
    FileChild(place, 512, write=True).close()


def test_no_graph_and_a_damaged_one(tmp_path):
    with pytest.raises(InputError, match=r"no graph at .*graph\.kgl: run kgkt populate"):
        FileChild(tmp_path / "graph.kgl", 256)
    (tmp_path / "graph.kgl").write_bytes(b"RGF\x08 not a graph")
    with pytest.raises(InputError, match="cannot be opened as a graph"):
        FileChild(tmp_path / "graph.kgl", 256)


def test_the_watch_on_memory_sees_this_process():
    import shutil

    if shutil.which("ps") is None:
        assert resident_mb(os.getpid()) is None
    else:
        assert 10 < resident_mb(os.getpid()) < 100_000
