"""The service in this process, on a copy of the digits' graph."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import (  # noqa: F401 - fixtures
    cwd_into,
    labelled_once,
    populated_once,
    taught_once,
    truth,
)

TOKEN = "a-token-of-these-tests"


def client_of(folder: Path, write: bool = True, monkeypatch: pytest.MonkeyPatch | None = None) -> Any:
    """A client with the token, of the graph in a folder that is worked in."""
    from starlette.testclient import TestClient

    from kgkt.recipe import read_recipe
    from kgkt.serve.app import create_app
    from kgkt.serve.held import Held
    from kgkt.serve.security import Guard

    held = Held(read_recipe(None), write)
    guarded = Guard(create_app(held), TOKEN, ["127.0.0.1:8000"])
    client = TestClient(guarded, base_url="http://127.0.0.1:8000", headers={"Authorization": f"Bearer {TOKEN}"},
                        raise_server_exceptions=False)  # fmt: skip
    client.held = held
    return client


@pytest.fixture
def client(populated_once: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:  # noqa: F811
    """A client that may write, of a graph without labels; `client.held` is what the service holds."""
    shutil.copytree(populated_once, tmp_path / "work")
    cwd_into(monkeypatch, tmp_path / "work")
    one = client_of(tmp_path / "work")
    yield one
    one.held.close()


@pytest.fixture
def taught_client(taught_once: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:  # noqa: F811
    """The same of a graph with twenty labels, after propagate."""
    shutil.copytree(taught_once, tmp_path / "work")
    cwd_into(monkeypatch, tmp_path / "work")
    one = client_of(tmp_path / "work")
    yield one
    one.held.close()
