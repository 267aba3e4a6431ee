"""The service in this process, on a copy of the digits' graph."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import (  # noqa: F401 - fixtures
    cwd_into,
    kgkt_in,
    labelled_once,
    populated_once,
    taught_once,
    truth,
)
from tests.conftest import Once

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


def copied(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A client that may write, of a copy of the folder's graph; `client.held` is what the service holds."""
    shutil.copytree(folder, tmp_path / "work")
    cwd_into(monkeypatch, tmp_path / "work")
    one = client_of(tmp_path / "work")
    yield one
    one.held.close()


@pytest.fixture
def client(populated_once: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:  # noqa: F811
    """A client of a graph without labels."""
    yield from copied(populated_once, tmp_path, monkeypatch)


@pytest.fixture
def taught_client(taught_once: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:  # noqa: F811
    """A client of a graph with twenty labels, after propagate."""
    yield from copied(taught_once, tmp_path, monkeypatch)


@pytest.fixture(scope="session")
def mapped_once(once: Once, taught_once: Path) -> Path:  # noqa: F811
    """The taught folder with B mapped; not to be changed."""

    def fill(folder: Path) -> None:
        shutil.copytree(taught_once, folder, dirs_exist_ok=True)
        kgkt_in(folder, "map", "--target", "b.keras")

    return once("served-map", fill)


@pytest.fixture
def mapped_client(mapped_once: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A client of the graph with B mapped."""
    yield from copied(mapped_once, tmp_path, monkeypatch)


@pytest.fixture
def reader(taught_once: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:  # noqa: F811
    """A client that only reads, where others read too."""
    one = client_of(cwd_into(monkeypatch, taught_once), write=False)
    yield one
    one.held.close()
