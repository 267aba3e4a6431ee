"""Who may ask, from where, how much; and how the service is begun."""

from __future__ import annotations

import json
import shutil
import socket
from pathlib import Path
from typing import Any

import pytest

from kgkt.errors import InputError
from kgkt.serve.app import bind, hosts_of, is_loopback, read_token
from kgkt.serve.security import LARGEST, Bucket, Guard
from tests.cli.conftest import Kgkt, cwd_into, kgkt  # noqa: F401
from tests.serve.conftest import TOKEN, client_of

G = "/api/graphs/main"


def test_only_who_shows_the_token_gets_in(client: Any) -> None:
    for headers in ({"Authorization": ""}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {TOKEN}"},
                    {"Authorization": "", "Cookie": "kgkt-8000=wrong"}):  # fmt: skip
        for path in ("/", "/page.js", "/api/session", "/api/openapi.json"):
            assert client.get(path, headers=headers).status_code == 401
    answer = client.get("/?token=wrong", headers={"Authorization": ""})
    assert answer.status_code == 401
    assert "Open the one that <code>kgkt serve</code> printed last" in answer.text


def test_the_link_gives_a_cookie_and_hides_the_token(client: Any) -> None:
    answer = client.get(f"/?token={TOKEN}", headers={"Authorization": ""}, follow_redirects=False)
    assert answer.status_code == 303
    assert answer.headers["location"] == "/"
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert client.get("/api/session", headers={"Authorization": ""}).status_code == 200  # the client kept it


@pytest.mark.parametrize("headers", [
    {"Host": "evil.example"}, {"Host": "127.0.0.1:8001"}, {"Origin": "http://evil.example"}, {"Origin": "null"},
    {"Sec-Fetch-Site": "cross-site"},
])  # fmt: skip
def test_pages_of_other_addresses_may_not_ask(client: Any, headers: dict[str, str]) -> None:
    body = {"labels": [{"item": "i0001", "class": "a"}]}
    assert client.post(G + "/label", json=body, headers=headers).status_code == 403
    assert client.get("/api/session", headers=headers).status_code == 403
    assert client.get(G + "/state").json()["label_count"] == 0
    assert client.get("/api/session", headers={"Origin": "http://127.0.0.1:8000", "Host": "127.0.0.1:8000"}).status_code == 200


def test_a_body_has_a_kind_and_a_size(client: Any) -> None:
    assert client.post(G + "/label", content=b"item=1", headers={"Content-Type": "text/plain"}).status_code == 415
    assert client.post(G + "/label", content=b"{", headers={"Content-Type": "application/json"}).status_code == 422
    large = b" " * (LARGEST + 1)
    kind = {"Content-Type": "application/json"}
    assert client.post(G + "/label", content=large, headers=kind).status_code == 413
    parts = (large[i : i + 2**16] for i in range(0, len(large), 2**16))  # without a length
    assert client.post(G + "/label", content=parts, headers=kind).status_code == 413


def test_answers_carry_the_headers_that_keep_a_page_to_itself(client: Any) -> None:
    for path in ("/api/session", "/api/nothing"):
        headers = client.get(path).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "unsafe-inline" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"


def test_a_page_that_only_reads(taught_once: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    client = client_of(cwd_into(monkeypatch, taught_once), write=False)
    before = {path: path.read_bytes() for path in sorted(taught_once.rglob("run.json"))}
    for path, body in (("label", {"labels": [{"item": "i0001", "class": "a"}]}), ("name", {"concept": 0, "name": "a"}),
                       ("switch", {"concepts": [0], "on": False}), ("merge", {"kept": 0, "others": [1]}),
                       ("apart", {"concepts": [0]}), ("undo", {}), ("undo", {"edit": "x"})):  # fmt: skip
        answer = client.post(f"{G}/{path}", json=body)
        assert answer.status_code == 405
        assert answer.json()["error"]["kind"] == "readonly"
    assert client.get(G + "/state").json()["answer"] == "items"
    assert {path: path.read_bytes() for path in sorted(taught_once.rglob("run.json"))} == before
    client.held.close()


def test_an_unexpected_error_tells_the_client_nothing_of_the_inside(client: Any, monkeypatch: pytest.MonkeyPatch,
                                                                    caplog: pytest.LogCaptureFixture) -> None:  # fmt: skip
    monkeypatch.setattr("kgkt.serve.views.overview", lambda _: 1 / 0)
    answer = client.get(G)
    assert answer.status_code == 500
    assert answer.json()["error"]["kind"] == "fault"
    assert "Traceback" not in answer.text
    assert "division" not in answer.text
    assert "ZeroDivisionError" in caplog.text


def test_too_many_requests_wait() -> None:
    bucket = Bucket(1e-9, 3)
    assert [bucket.take() for _ in range(4)] == [True, True, True, False]


def test_tokens(tmp_path: Path) -> None:
    assert len(read_token(None)) >= 40
    assert read_token(None) != read_token(None)
    place = tmp_path / "token"
    for bad in ("", "short", "a token with spaces in it", "ä" * 20):
        place.write_text(bad, encoding="utf-8")
        with pytest.raises(InputError, match="at least 16"):
            read_token(str(place))
    place.write_text("0123456789abcdef\n")
    assert read_token(str(place)) == "0123456789abcdef"
    with pytest.raises(InputError, match="cannot be read"):
        read_token(str(tmp_path / "none"))


def test_addresses() -> None:
    assert [is_loopback(host) for host in ("127.0.0.1", "::1", "localhost", "0.0.0.0", "10.0.0.1", "box")] == [
        True, True, True, False, False, False]
    assert hosts_of("127.0.0.1", 81) == ["127.0.0.1:81", "localhost:81", "[::1]:81"]
    assert hosts_of("::1", 81)[0] == "[::1]:81"
    assert f"{socket.gethostname()}:81" in hosts_of("0.0.0.0", 81)
    assert "localhost:81" in hosts_of("::", 81)
    assert hosts_of("10.0.0.1", 80, ["kgkt.example"]) == ["10.0.0.1:80", "10.0.0.1", "kgkt.example"]
    with bind("127.0.0.1", 0) as one:
        one.listen()
        with pytest.raises(InputError, match="cannot listen"):
            bind("127.0.0.1", one.getsockname()[1])


def test_the_command_refuses_what_cannot_be_served(kgkt: Kgkt, taught_once: Path, monkeypatch: pytest.MonkeyPatch,  # noqa: F811
                                                   tmp_path: Path) -> None:  # fmt: skip
    cwd_into(monkeypatch, taught_once)
    told = kgkt("serve", "--host", "0.0.0.0")
    assert (told.code, "--token-file" in told.err) == (2, True)
    assert kgkt("serve", "--graph", "mian").code == 3
    assert kgkt("serve", "--token-file", str(tmp_path / "none")).code == 3
    assert kgkt("serve", "--port", "99999").code == 2


def test_the_command_serves(populated_once: Path, tmp_path: Path) -> None:
    from tests.serving import serving

    shutil.copytree(populated_once, tmp_path / "work")
    with serving(tmp_path / "work", "--rw") as one:
        item = one.ask(G + "/suggest?n=1")[1]["items"][0]["item"]
        assert one.ask(G + "/label", {"labels": [{"item": item, "class": "seven"}]})[0] == 200
        rows = json.loads(one.kgkt("query", "labels", "--format", "json").stdout)["rows"]
        assert [row[0] for row in rows] == [item]
    assert one.process.returncode == 0


def test_a_guard_lets_no_websocket_through() -> None:
    import asyncio

    reached: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        reached.append(scope["type"])

    guard = Guard(app, TOKEN, ["127.0.0.1:8000"])
    asyncio.run(guard({"type": "websocket"}, None, None))  # type: ignore[arg-type]
    assert reached == []
