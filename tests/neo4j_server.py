"""A real Neo4j for the tests: by Docker where a daemon answers, else by Maven and Java 17.

    python tests/neo4j_server.py start FOLDER    starts one, keeps its data and address in FOLDER
    python tests/neo4j_server.py stop FOLDER     ends it
    . FOLDER/environment                         sets KGKT_NEO4J_TEST_URI and its password for the tests

A test takes the fixture `neo4j_url`; see tests/conftest.py.
"""

from __future__ import annotations

import ctypes
import dataclasses
import json
import os
import secrets
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

VERSION = "5.26"
POM = Path(__file__).parent / "neo4j" / "pom.xml"
START_SECONDS = 90
# Small, so that a greedy query meets its limit before the machine does.
SETTINGS = {
    "server.memory.pagecache.size": "64m", "db.memory.transaction.max": "128m", "db.tx_log.preallocate": "false",
    "dbms.usage_report.enabled": "false", "dbms.cypher.min_replan_interval": "1h", "dbms.security.allow_csv_import_from_file_urls": "false",
}
HEAP = "640m"
# A server that lives for minutes: it is killed and started again, and must say no before it runs out of its heap.
QUICK = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:+UnlockDiagnosticVMOptions",
         "-XX:-BytecodeVerificationRemote", "-XX:MaxDirectMemorySize=320m")
OPENED = ("java.nio", "java.io", "sun.nio.ch", "java.lang")


class NoServerError(Exception):
    """Nothing here can run Neo4j; the text says what is missing."""


@dataclass
class Server:
    """A running server.

    Args:
        url: of Bolt.
        http: of the Browser.
        password: of the user neo4j.
        home: folder with its data and settings.
        container: name of the Docker container, "" where Java runs it.
        pid: of the Java process.
        holds: name of what it was filled with for tests that only read, "" from the next `empty` on.
    """

    url: str
    http: str
    password: str
    home: str
    container: str = ""
    pid: int = 0
    holds: str = ""


def start(home: Path, tied: bool = True) -> Server:
    """Start a server with its data in `home`; `tied` ends it with this process.

    Raises:
        NoServerError: neither Docker nor Maven with Java 17 can run one.
    """
    home.mkdir(parents=True, exist_ok=True)
    bolt, http = free_port(), free_port()
    server = Server(f"neo4j://127.0.0.1:{bolt}", f"http://127.0.0.1:{http}", secrets.token_urlsafe(12), str(home))
    if docker_answers():
        server.container = f"kgkt-test-{secrets.token_hex(4)}"
        ports = ["-p", f"127.0.0.1:{bolt}:7687", "-p", f"127.0.0.1:{http}:7474"]
        given = {f"NEO4J_{k.replace('_', '__').replace('.', '_')}": v for k, v in SETTINGS.items()}
        given |= {"NEO4J_AUTH": f"neo4j/{server.password}", "NEO4J_server_memory_heap_max__size": HEAP}
        subprocess.run(["docker", "run", "-d", "--name", server.container, *ports,
                        *(part for k, v in given.items() for part in ("-e", f"{k}={v}")),
                        f"neo4j:{VERSION}-community"], check=True, stdout=subprocess.DEVNULL)
        wait(server)
        return server
    _configure(home, bolt, http)
    start_again(server, tied)
    _first_password(server)
    return server


def start_again(server: Server, tied: bool = True) -> None:
    """Start a server that was killed, with the data and at the address it had."""
    if server.container:
        subprocess.run(["docker", "start", server.container], check=True, stdout=subprocess.DEVNULL)
        wait(server)
        return
    home = Path(server.home)
    log = (home / "console.log").open("ab")
    process = subprocess.Popen(
        [_java(), f"-Xmx{HEAP}", *QUICK,
         *(f"--add-opens=java.base/{package}=ALL-UNNAMED" for package in OPENED),
         "-cp", (home / "classpath").read_text().strip(), "org.neo4j.server.CommunityEntryPoint",
         f"--home-dir={home}", f"--config-dir={home / 'conf'}"],
        stdin=subprocess.DEVNULL, stdout=log, stderr=log, preexec_fn=_end_with_parent if tied else os.setsid)
    log.close()
    server.pid = process.pid
    RUNNING[process.pid] = process
    wait(server)


RUNNING: dict[int, subprocess.Popen[bytes]] = {}


def kill(server: Server) -> None:
    """End a server as a power cut does."""
    _end(server, signal.SIGKILL)


def stop(server: Server) -> None:
    """End a server and remove its data."""
    _end(server, signal.SIGKILL)  # nobody needs the data any more
    if server.container:
        subprocess.run(["docker", "rm", "-f", server.container], check=False, stdout=subprocess.DEVNULL)
    shutil.rmtree(server.home, ignore_errors=True)


def _end(server: Server, number: int) -> None:
    if server.container:
        subprocess.run(["docker", "kill", server.container], check=False, stdout=subprocess.DEVNULL)
        return
    try:
        os.kill(server.pid, number)
    except ProcessLookupError:
        return
    if process := RUNNING.pop(server.pid, None):
        process.wait()
    else:
        while Path(f"/proc/{server.pid}").exists():
            time.sleep(0.05)


def docker_answers() -> bool:
    """Whether a Docker daemon can be asked to run something."""
    return bool(shutil.which("docker")) and not subprocess.run(
        ["docker", "info"], capture_output=True, check=False, timeout=30).returncode


def given() -> Server | None:
    """The running server that the environment names, if it does; the tests empty it."""
    url = os.environ.get("KGKT_NEO4J_TEST_URI")
    if not url:
        return None
    return Server(url, os.environ.get("KGKT_NEO4J_TEST_HTTP", ""), os.environ.get("KGKT_NEO4J_TEST_PASSWORD", ""), "")


def empty(server: Server, bare: bool = False) -> None:
    """Delete every node of the server; `bare`: every constraint and index too, which take it a second to make again."""
    from neo4j import GraphDatabase

    server.holds = ""
    with GraphDatabase.driver(server.url, auth=("neo4j", server.password)) as driver, driver.session() as session:
        session.run("MATCH (n) CALL (n) { DETACH DELETE n } IN TRANSACTIONS OF 10000 ROWS").consume()
        if not bare:
            return
        for what, plural in (("CONSTRAINT", "CONSTRAINTS"), ("INDEX", "INDEXES")):
            for row in list(session.run(f"SHOW {plural}")):
                if row["type"] != "LOOKUP":
                    session.run(f"DROP {what} `{row['name']}` IF EXISTS").consume()


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def wait(server: Server) -> None:
    """Wait until Bolt answers."""
    host, port = server.url.removeprefix("neo4j://").split(":")
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        with socket.socket() as one:
            one.settimeout(2)
            try:
                one.connect((host, int(port)))
                one.sendall(bytes.fromhex("6060b01700000005000000040000000300000002"))
                if len(one.recv(4)) == 4:
                    return
            except OSError:
                pass
        if (process := RUNNING.get(server.pid)) and process.poll() is not None:
            break
        time.sleep(0.1)
    console = Path(server.home) / "console.log"
    raise NoServerError(f"Neo4j does not answer at {server.url}: {console.read_text()[-500:] if console.exists() else ''}")


def _configure(home: Path, bolt: int, http: int) -> None:
    """Find the jars and write neo4j.conf."""
    _java()
    if not shutil.which("mvn"):
        raise NoServerError("no Docker daemon answers, and mvn is missing: install Docker, or maven and Java 17")
    subprocess.run(["mvn", "-q", "-B", "-f", str(POM), "dependency:build-classpath",
                    f"-Dmdep.outputFile={home / 'classpath'}"], check=True, stdout=subprocess.DEVNULL)
    settings = {**SETTINGS, "server.default_listen_address": "127.0.0.1",
                "server.bolt.listen_address": f"127.0.0.1:{bolt}", "server.http.listen_address": f"127.0.0.1:{http}"}
    (home / "conf").mkdir()
    (home / "conf" / "neo4j.conf").write_text("".join(f"{k}={v}\n" for k, v in settings.items()))


def _java() -> str:
    """The Java to run; version 17 or 21."""
    java = shutil.which("java")
    if not java:
        raise NoServerError("no Docker daemon answers, and java is missing: install Docker, or maven and Java 17")
    said = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr
    if not any(f'version "{number}.' in said for number in (17, 21)):
        raise NoServerError(f"no Docker daemon answers, and Neo4j needs Java 17: {said.splitlines()[:1]}")
    return java


def _first_password(server: Server) -> None:
    from neo4j import GraphDatabase

    with GraphDatabase.driver(server.url, auth=("neo4j", "neo4j")) as driver:
        driver.execute_query("ALTER CURRENT USER SET PASSWORD FROM 'neo4j' TO $new", new=server.password,
                             database_="system")


def _end_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def main(arguments: list[str]) -> None:
    """start FOLDER, stop FOLDER."""
    verb, folder = arguments[0], Path(arguments[1]).absolute()
    kept = folder / "server.json"
    if verb == "stop":
        stop(Server(**json.loads(kept.read_text())))
        return
    server = start(folder, tied=False)
    kept.write_text(json.dumps(dataclasses.asdict(server)))
    kept.chmod(0o600)
    (folder / "environment").write_text(f"export KGKT_NEO4J_TEST_URI={shlex.quote(server.url)} "
                                        f"KGKT_NEO4J_TEST_PASSWORD={shlex.quote(server.password)} "
                                        f"KGKT_NEO4J_TEST_HTTP={shlex.quote(server.http)}\n")
    print(f"{server.url}, Browser at {server.http}/browser/; stop it with: python {sys.argv[0]} stop {folder}")


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except NoServerError as error:
        sys.exit(str(error))
