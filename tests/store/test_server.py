"""How a Neo4j server is reached, who asks, and what its errors say."""

from __future__ import annotations

import contextlib
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from kgkt.errors import InputError, KgktError, QueryError, StoreError, UnsafeError, UsageError
from kgkt.store.opening import check_url, open_store
from kgkt.store.protocol import Statement
from kgkt.store.server import connection as server
from tests import neo4j_server as servers


@pytest.mark.parametrize(("url", "says"), [
    ("neo4j://me:secret-word@localhost", r"^neo4j://… holds a user or a password: leave it out, and set NEO4J_USER"),
    ("bolt+s://secret-word@localhost", r"^bolt\+s://… holds a user or a password"),
    ("neo4j://localhost/secret-word@x", "holds a user or a password"),
    ("mysql://me:secret-word@localhost", "^no store for that address"),
    ("neo4j://", "names no server: write neo4j://HOST:PORT"),
    ("neo4j:localhost", "names no server: write neo4j://HOST:PORT"),
    ("neo4j://localhost:port", "write neo4j://HOST:PORT"),
    ("neo4j://localhost/graph", "the name of the database goes into --database or NEO4J_DATABASE"),
])
def test_an_address_that_makes_no_sense_is_refused(url, says):
    with pytest.raises(UsageError, match=says) as error:
        open_store(url)
    assert "secret-word" not in str(error.value)


@pytest.mark.parametrize("scheme", ["neo4j", "neo4j+s", "neo4j+ssc", "bolt", "bolt+s", "bolt+ssc"])
def test_addresses_of_every_kind_are_known(scheme):
    check_url(f"{scheme}://example.org")
    check_url(f"{scheme}://[::1]:7687/")


def test_settings_come_from_the_environment_then_from_the_file(tmp_path, monkeypatch):
    for name in ("NEO4J_USERNAME", "NEO4J_PASSWORD", "NEO4J_DATABASE", "NEO4J_URI"):
        monkeypatch.delenv(name, raising=False)
    nothing = server.read_settings(folder=tmp_path)
    assert (nothing.username, nothing.password, nothing.database) == ("neo4j", None, "neo4j")
    (tmp_path / ".env").write_text("# mine\nexport NEO4J_USERNAME=ann # who\nNEO4J_PASSWORD=\"p # w\"\nOTHER=x\n"
                                   "NEO4J_DATABASE = 'films'\nNEO4J_URI=neo4j://there\nnonsense\n")
    filed = server.read_settings(folder=tmp_path)
    assert (filed.username, filed.password, filed.database) == ("ann", "p # w", "films")
    assert filed.origin == f"NEO4J_USERNAME, NEO4J_PASSWORD, NEO4J_DATABASE from {tmp_path / '.env'}"
    assert server.address(tmp_path) == "neo4j://there"
    monkeypatch.setenv("NEO4J_PASSWORD", "other")
    both = server.read_settings("plays", tmp_path)
    assert (both.username, both.password, both.database) == ("ann", "other", "plays")
    assert both.origin.startswith("NEO4J_USERNAME, NEO4J_DATABASE from")
    assert "other" not in repr(both)
    (tmp_path / ".env").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match=r"\.env cannot be read as text"):
        server.read_settings(folder=tmp_path)


def test_old_servers_are_refused():
    for agent in ("Neo4j/4.4.30", "Neo4j/5.10.0", "Neo4j/3.5.1"):
        with pytest.raises(StoreError, match=rf"^neo4j://x is {agent}: kgkt needs Neo4j 5\.11 or newer$"):
            server.check_version(agent, "neo4j://x")
    for agent in ("Neo4j/5.11.0", "Neo4j/5.26.3-aura", "Neo4j/2025.10.1", "Something/1.0"):
        server.check_version(agent, "neo4j://x")


def failure(url: str, database: str | None = None) -> str:
    """The one line that opening gives, within 10 seconds."""
    begin = time.monotonic()
    with pytest.raises(StoreError) as error:
        open_store(url, database=database)
    assert time.monotonic() - begin < 10
    assert "\n" not in str(error.value)
    assert error.value.exit_code == 4
    return str(error.value)


@pytest.mark.parametrize("scheme", ["neo4j", "bolt"])
def test_a_server_that_is_down(scheme):
    said = failure(f"{scheme}://127.0.0.1:{servers.free_port()}")
    assert "cannot be reached: is the server up, and the address right?" in said


def test_a_name_that_nobody_has():
    assert "cannot be reached" in failure("neo4j://no-such-host.invalid:7687")


def test_wrong_and_missing_passwords_of_neo4j(neo4j_url, monkeypatch):
    monkeypatch.setenv("NEO4J_PASSWORD", "not-the-password")
    said = failure(neo4j_url)
    assert said.startswith(f"{neo4j_url} refuses user neo4j with this password (NEO4J_USERNAME, NEO4J_PASSWORD from the ")
    assert "not-the-password" not in said
    monkeypatch.delenv("NEO4J_PASSWORD")
    assert failure(neo4j_url) == (
        f"{neo4j_url} wants a password: set NEO4J_USERNAME and NEO4J_PASSWORD, or put them in .env")


@pytest.mark.parametrize("scheme", ["neo4j", "bolt"])
def test_a_database_that_neo4j_does_not_have(neo4j_url, scheme):
    said = failure(neo4j_url.replace("neo4j://", f"{scheme}://"), "nothere")
    assert said.endswith("has no database 'nothere': name another with --database or NEO4J_DATABASE")


@pytest.mark.parametrize("scheme", ["neo4j+s", "bolt+s", "neo4j+ssc", "bolt+ssc"])
def test_a_neo4j_without_tls_that_is_asked_for_it(neo4j_url, scheme):
    assert "TLS is asked for (+s) and the server does not speak it" in failure(neo4j_url.replace("neo4j://", f"{scheme}://"))


@pytest.fixture
def answering() -> Iterator[tuple[str, list[bytes]]]:
    """HOST:PORT of something that accepts a connection, answers with the given bytes, and closes it."""
    answer: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(30)

        def serve() -> None:
            while True:
                try:
                    one, _ = listening.accept()
                except OSError:
                    return
                with one:
                    if answer:
                        one.recv(64)
                        one.sendall(answer[0])
                    else:
                        time.sleep(12)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"127.0.0.1:{listening.getsockname()[1]}", answer


@pytest.mark.parametrize("answer", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x15\x03\x03\x00\x02\x02\x28", b""])
def test_something_else_answers(answering, answer):
    place, answers = answering
    answers.append(answer)
    said = failure(f"bolt://{place}")
    assert "something answers there, but not as Neo4j's Bolt does" in said or "cannot be reached" in said


@pytest.mark.slow
def test_something_listens_and_never_answers(answering):
    said = failure(f"bolt://{answering[0]}")
    assert "cannot be reached" in said or "something answers there" in said


def test_a_certificate_that_nobody_signed(tmp_path):
    key, cert = tmp_path / "key.pem", tmp_path / "cert.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", cert, "-days", "1",
                    "-subj", "/CN=localhost"], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        def serve() -> None:
            one, _ = listening.accept()
            with one, contextlib.suppress(ssl.SSLError, OSError):
                context.wrap_socket(one, server_side=True).close()

        threading.Thread(target=serve, daemon=True).start()
        said = failure(f"bolt+s://localhost:{listening.getsockname()[1]}")
    assert "the server's certificate is not trusted; a self-signed one needs +ssc://" in said


def test_what_is_said_of_errors_that_are_hard_to_bring_about():
    from neo4j.exceptions import ClientError, Neo4jError

    settings = server.Settings("ann", "secret-word", "neo4j", "here")

    def said(code: str) -> KgktError:
        error = Neo4jError._hydrate_neo4j(code=code, message="what it said\nand more")
        assert isinstance(error, ClientError | Neo4jError)
        return server.translated(error, "neo4j://x", settings, 3)

    for code, kind, text in (
        ("Neo.ClientError.Security.AuthenticationRateLimit", StoreError, "too many wrong passwords for user ann"),
        ("Neo.ClientError.Security.CredentialsExpired", StoreError, "the password of user ann must be changed first"),
        ("Neo.ClientError.Security.Forbidden", StoreError, "user ann may not do that: what it said and more"),
        ("Neo.TransientError.General.DatabaseUnavailable", StoreError, "could not do it: what it said and more"),
        ("Neo.TransientError.General.MemoryPoolOutOfMemoryError", QueryError, "more memory than the server gives it"),
        ("Neo.ClientError.Transaction.TransactionTimedOut", QueryError, "stopped after 3 s"),
        ("Neo.ClientError.Statement.AccessMode", UnsafeError, "would write"),
    ):
        found = said(code)
        assert type(found) is kind, code
        assert text in str(found)
        assert "secret-word" not in str(found)


def test_the_password_of_neo4j_is_in_no_argument_and_no_environment_of_the_child(neo4j_url, neo4j_server):
    with open_store(neo4j_url) as store:
        store.ask("RETURN 1 AS x")
        process = Path(f"/proc/{store._child.process.pid}")
        for place in ("cmdline", "environ"):
            assert neo4j_server.password.encode() not in (process / place).read_bytes()


def test_the_child_that_asks_neo4j_loads_no_library_that_the_driver_would_like(neo4j_url):
    with open_store(neo4j_url) as store:
        store.ask("RETURN 1 AS x")
        files = Path(f"/proc/{store._child.process.pid}/maps").read_text()
    assert not [name for name in ("numpy", "pandas", "pyarrow") if f"/{name}/" in files]


def test_notifications_of_the_neo4j_driver_are_not_printed(neo4j_url, capfd):
    with open_store(neo4j_url) as store:
        assert store.ask("MATCH (n:Nothing {nowhere: 1})-[:NEVER]->(m), (o) RETURN n.nothing, id(n)").rows == ()
        assert store.read(Statement("x", "MATCH (n:Nothing) RETURN n.nothing")).rows == ()
    assert capfd.readouterr() == ("", "")
