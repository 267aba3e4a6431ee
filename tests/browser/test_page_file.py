"""The page as one file, opened from disk."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from kgkt.errors import InputError
from kgkt.recipe import read_recipe
from kgkt.serve.offline import save_page
from tests.cli.conftest import cwd_into, kgkt_in

HOSTILE = "</script><img src=x onerror=document.title=1>"


@pytest.fixture
def saved(taught_once: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The page of the labelled digits as a file; one concept is called so that it would be a script elsewhere."""
    shutil.copytree(taught_once, tmp_path / "work")
    cwd_into(monkeypatch, tmp_path / "work")
    kgkt_in(tmp_path / "work", "name", "3", HOSTILE)
    kgkt_in(tmp_path / "work", "export", "--page", "out.html")
    return tmp_path / "work" / "out.html"


def test_a_file_shows_the_graph_and_asks_nobody(saved: Path, page: Any) -> None:
    wrong: list[str] = []
    asked: list[str] = []
    page.on("console", lambda told: wrong.append(told.text) if told.type == "error" else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("request", lambda request: asked.append(request.url) if not request.url.startswith(("data:", "blob:")) else None)
    page.goto(saved.as_uri())
    page.get_by_text("20 labels speak for 600 of 600 items").wait_for()
    page.goto(f"{saved.as_uri()}#/concept/3")
    page.get_by_role("heading", name=HOSTILE).wait_for()
    page.locator("main canvas.picture").nth(7).wait_for()  # eight examples, cut out of the sheet
    drawn = "canvas => canvas.getContext('2d').getImageData(0, 0, 32, 32).data.some(value => value > 0 && value < 255)"
    assert page.locator("main canvas.picture").first.evaluate(drawn)
    page.goto(f"{saved.as_uri()}#/map")
    page.locator("canvas").first.wait_for()
    page.get_by_role("combobox", name="Search").fill("no such item")
    page.get_by_text("this file holds the concepts and their examples, not every item").wait_for()
    page.goto(f"{saved.as_uri()}#/doubt?part=borders")
    page.get_by_text("Borders").first.wait_for()
    page.goto(f"{saved.as_uri()}#/doubt")
    page.get_by_text(re.compile("look wrong|looks wrong|Too few labels")).first.wait_for()
    assert page.get_by_text("does not hold").count() == 0
    assert page.title() != "1"
    assert wrong == []
    assert {url.split("#")[0] for url in asked} == {saved.as_uri()}


def test_what_is_in_the_file(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = saved.read_text(encoding="utf-8")
    assert len(text) < 1_500_000
    assert HOSTILE not in text
    assert "unsafe-inline" not in text
    assert not re.search(r"""(src|href)=["']https?:""", text)
    with pytest.raises(InputError, match="exists: --force replaces it"):
        save_page(read_recipe(None), saved, lambda _: None)
    done = save_page(read_recipe(None), saved, lambda _: None, force=True)
    assert (done.concepts, done.side, done.bytes) == (60, 64, saved.stat().st_size)
    told: list[str] = []
    monkeypatch.setattr("kgkt.serve.offline.LARGEST", 1_000)
    assert save_page(read_recipe(None), saved, told.append, force=True).side == 20
    assert "the graph holds much to show" in told[0]
