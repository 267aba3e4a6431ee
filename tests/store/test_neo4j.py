"""Asking a Neo4j server: nothing hostile gets through, everything is bounded, values look alike."""

from __future__ import annotations

import contextlib
import socket
import socketserver
import threading
import time

import pytest

from kgkt.errors import KgktError, QueryError, UnsafeError
from kgkt.store.opening import open_store
from kgkt.store.protocol import Limits
from tests.store.conftest import digest, run
from tests.store.hostile import GREEDY, NEVER, WRITES


@pytest.mark.slow
@pytest.mark.parametrize("last", [2_500_000, 50_000_000])
def test_an_answer_that_does_not_fit_ends_the_child_and_not_this_process(neo4j_url, last):
    with open_store(neo4j_url) as store:  # who gives in first, and where, depends on what else they do
        with pytest.raises(QueryError, match=r"^(the query needed more than 50 MB: add LIMIT or narrow it|"
                                             r"the query needed more memory than the server gives it .*|"
                                             r"the server broke off in the middle of the answer, .*)$"):
            store.ask(f"RETURN range(1, {last}) AS x", limits=Limits(seconds=120, memory_mb=50))
        assert store.ask("RETURN 1 AS x").rows == ((1,),)


def test_nothing_hostile_reads_or_changes_anything_with_or_without_the_guard(unchanged, monkeypatch):
    """The guard's texts one by one, first as users send them, then with the guard taken away."""
    from kgkt.store import guard

    before = digest(unchanged)
    users = run(unchanged, "SHOW USERS")
    with open_store(unchanged) as store:
        for text in (*NEVER, *WRITES):
            with pytest.raises(UnsafeError, match=r"refused|would change the graph"):
                store.ask(text, {"url": "file:///etc/passwd"})
        monkeypatch.setattr(guard, "check", lambda text, write: None)
        monkeypatch.setattr(guard, "single", lambda text: text)
        for text in (*NEVER, *WRITES):
            try:
                said = str(store.ask(text, {"url": "file:///etc/passwd"}, Limits(seconds=5)))
            except KgktError as error:
                said = str(error)
            assert "root:" not in said
    assert digest(unchanged) == before
    assert run(unchanged, "SHOW USERS") == users


@pytest.mark.parametrize("text", [
    "CREATE (n:Concept {key: 'x'})", "CREATE INDEX i FOR (n:Concept) ON (n.name)", "CALL db.createLabel('X')",
    "CREATE USER x SET PASSWORD 'abcdefgh'", "DROP CONSTRAINT kgkt_concept_key", "SHOW USERS"])
def test_what_is_no_reading_query_stops_at_explain(unchanged, text, monkeypatch):
    from kgkt.store import guard

    monkeypatch.setattr(guard, "check", lambda text, write: None)
    with open_store(unchanged) as store:
        with pytest.raises(UnsafeError, match=r"this query would write|commands on the schema, users or the server"):
            store.ask(text)
        if "CREATE (n" not in text and "createLabel" not in text:
            with pytest.raises(UnsafeError, match="commands on the schema, users or the server are refused"):
                store.ask(text, write=True)


@pytest.mark.parametrize(("text", "runs"), [
    ("RETURN 1 AS x\u180e", None), ("RETURN\u00a01 AS x", None), ("RETURN\u20031 AS x", None), ("RETURN\x1c1 AS x", None),
    ("RETURN\u200b1 AS x", None), ("RETURN '\\u0041' AS x", "A"), ("R\\u0045TURN 1 AS x", 1),
    ("RETURN 1 AS x // \\u000a , 2 AS y", 1), ("RETURN 1 AS `x\\u0060`", None), ("// a\rRETURN 1 AS x", None),
])
def test_the_guard_reads_no_less_than_the_server(neo4j_url, text, runs):
    """Where the server finds two words, the tokenizer finds them too, whatever stands between them."""
    from kgkt.store.guard import single
    from kgkt.store.tokens import readings

    try:
        rows = run(neo4j_url, text)
    except KgktError:
        return
    words = {token.word for tokens in readings(text) for token in tokens} if "\r" not in text else {"RETURN"}
    assert "RETURN" in words
    if runs is not None:
        assert rows[0][0] == runs
        assert single(text)


@pytest.mark.slow
@pytest.mark.parametrize("text", [*GREEDY, "RETURN range(1, 100000000) AS x", "UNWIND range(1, 100000000) AS x RETURN x",
                                  "RETURN [x IN range(1, 100000000) | x] AS x"])
def test_a_greedy_query_is_bounded_here_and_there(unchanged, text):
    begin = time.monotonic()
    with open_store(unchanged) as store:
        with contextlib.suppress(QueryError):
            assert len(store.ask(text, limits=Limits(seconds=1, rows=10, memory_mb=256)).rows) <= 10
        assert time.monotonic() - begin < 20
        assert store.ask("RETURN 1 AS x").rows == ((1,),)


class Cutting(socketserver.ThreadingTCPServer):
    """Stands before a port, and breaks off once, after so many bytes of what comes back."""

    def __init__(self, port: int, most: int) -> None:
        super().__init__(("127.0.0.1", 0), Carrying)
        self.port, self.room, self.behind = port, most, []

    def server_close(self) -> None:
        for one in self.behind:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        super().server_close()


class Carrying(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        with socket.create_connection(("127.0.0.1", self.server.port)) as behind:
            self.server.behind.append(behind)
            asking = threading.Thread(target=self.carry, args=(self.request, behind))
            asking.start()
            self.carry(behind, self.request, cuts=self.server.room > 0)
            asking.join()

    def carry(self, source: socket.socket, target: socket.socket, cuts: bool = False) -> None:
        with contextlib.suppress(OSError):
            while (part := source.recv(65_536)) and not (cuts and self.server.room <= 0):
                target.sendall(part)
                self.server.room -= len(part) * cuts
        for one in (source, target):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)


def test_a_server_that_breaks_off_in_the_middle_of_an_answer_and_goes_on(neo4j_url):
    with Cutting(int(neo4j_url.rpartition(":")[2]), most=100_000) as cutting:
        threading.Thread(target=cutting.serve_forever).start()
        with open_store(f"bolt://127.0.0.1:{cutting.server_address[1]}") as store:
            with pytest.raises(QueryError, match=r"^the server broke off in the middle of the answer, which was too large"):
                store.ask("UNWIND range(1, 100000) AS x RETURN x", limits=Limits(rows=100_000))
            assert store.ask("RETURN 1 AS x").rows == ((1,),)
        cutting.shutdown()


def test_an_answer_that_is_too_large_for_this_process_is_refused(neo4j_url):
    with open_store(neo4j_url) as store:
        with pytest.raises(QueryError, match=r"^the answer is larger than 64 MB: return fewer"):
            store.ask("UNWIND range(1, 70) AS i RETURN reduce(s = 'a', x IN range(1, 20) | s + s) AS x", limits=Limits())
        assert store.ask("RETURN 1 AS x").rows == ((1,),)


def test_what_the_server_says_of_a_text_names_the_places_of_that_text(neo4j_url):
    with open_store(neo4j_url) as store:
        with pytest.raises(QueryError, match=r"""\(line 1, column 18\)\n"MATCH \(c:Concept RETURN c"\n {18}\^""") as error:
            store.ask("MATCH (c:Concept RETURN c")
        assert "EXPLAIN" not in str(error.value)
        with pytest.raises(QueryError, match=r"(?s)line 2, column 8"):
            store.ask("MATCH (c)\nRETURN d")


def test_time_is_up(neo4j_url):
    with open_store(neo4j_url) as store, pytest.raises(QueryError, match=r"^stopped after 0\.5 s\. Add LIMIT"):
        store.ask("UNWIND range(1, 1000000000) AS x RETURN count(x) AS n", limits=Limits(seconds=0.5))


def test_values_of_every_kind_look_as_from_the_embedded_store(neo4j_url, tmp_path):
    text = ("RETURN date('2024-01-02') AS d, datetime('2024-01-02T03:04:05Z') AS t, duration('P1D') AS p, "
            "[1, {a: null}] AS l, 2 AS n, 2.0 AS f, 'x' AS s, true AS b")
    rows = []
    with open_store(f"kglite:{tmp_path / 'x.kgl'}", write=True):
        pass
    for url in (f"kglite:{tmp_path / 'x.kgl'}", neo4j_url):
        with open_store(url) as store:
            rows.append(store.ask(text))
    assert rows[0] == rows[1]
    with open_store(neo4j_url) as store:
        (point, time_of_day, half), = store.ask("RETURN point({x: 1, y: 2}) AS p, time('01:02:03Z') AS t, "
                                                "duration('PT0.5S') AS h").rows
    assert (point, time_of_day, half) == ("CartesianPoint(1.0, 2.0)", "01:02:03+00:00", {"months": 0, "days": 0, "seconds": 0.5})


def test_nodes_of_other_people_are_shown_with_all_their_labels(neo4j_url):
    run(neo4j_url, "CREATE (:A:B {x: 1})-[:R {w: 2}]->()")
    with open_store(neo4j_url) as store:
        (a, r, b), = store.ask("MATCH (a)-[r]->(b) RETURN a, r, b").rows
    assert a == {"~node": "A:B", "x": 1}
    assert r == {"~relationship": "R", "~start": None, "~end": None, "w": 2}
    assert b == {"~node": "Node"}
