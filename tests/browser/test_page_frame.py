"""What holds for every view: accessible in both themes at both widths, and what happens without the server."""

from __future__ import annotations

import shutil
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.browser.driving import label_all, opened, violations
from tests.cli.conftest import populated_once, truth  # noqa: F401 - fixtures
from tests.serving import serving

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.serving import Served

pytestmark = pytest.mark.slow

VIEWS = {"#/label": ".stage", "#/label?concept=3": ".beside .concept", "#/item/i0001": ".item .examples .example",
         "#/doubt?part=borders": ".borders, .empty", "#/doubt?part=edits": "table",
         "#/ask?q=concepts": ".answer table"}  # fmt: skip


def test_accessible(page: Page, served: Served, truth: dict[str, str]) -> None:  # noqa: F811
    label_all(served, truth, 20)
    watched = opened(page, served)
    for theme, width, height in (("light", 1280, 800), ("dark", 390, 844)):
        page.emulate_media(color_scheme=theme)
        page.set_viewport_size({"width": width, "height": height})
        for view, there in VIEWS.items():
            page.goto(f"{served.base}/{view}")
            page.wait_for_selector(there)
            assert violations(page) == [], (theme, width, view)
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (width, view)
    assert watched.said == []


def test_lost_server(page: Page, served: Served) -> None:
    """A server that does not answer is told of; what was not saved is still there; the page finds it again by itself."""
    watched = opened(page, served)
    item = page.locator(".stage-words strong").inner_text()
    port = served.base.rsplit(":", 1)[1]
    token = served.folder / "token"
    token.write_text(served.token)
    served.process.send_signal(signal.SIGINT)
    page.wait_for_selector(".lost")
    served.process.wait()
    page.fill("#class-field", "one")
    page.keyboard.press("Enter")
    expect(page.locator(".last")).to_have_text("")
    expect(page.locator(".stage-words strong")).to_have_text(item)
    with serving(served.folder, "--rw", "--port", port, "--token-file", "token"):
        page.wait_for_selector(".lost", state="detached")
        page.fill("#class-field", "one")
        page.keyboard.press("Enter")
        expect(page.locator(".line")).to_contain_text("1 label")
    assert watched.but("ERR_", "Failed to fetch") == []


def test_read_only(page: Page, populated_once: Path, tmp_path: Path) -> None:  # noqa: F811
    """Without --rw the page says so, and offers nothing that would be refused."""
    shutil.copytree(populated_once, tmp_path / "work")
    with serving(tmp_path / "work") as served:
        watched = opened(page, served, "#/label?concept=3")
        page.wait_for_selector(".beside .concept")
        text = page.locator("body").inner_text()
        assert "read-only" in text
        assert "kgkt serve --rw" in text
        assert page.locator("text=/^(Switch off|Rename|Merge …)$/").count() == 0
        page.keyboard.press("1")
        assert served.ask("/api/graphs/main/state")[1]["label_count"] == 0
        assert watched.said == []
