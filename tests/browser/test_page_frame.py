"""A server that goes away, and comes back as one that only reads."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.browser.driving import opened
from tests.serving import serving

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.serving import Served

pytestmark = pytest.mark.slow


def test_lost_server(page: Page, served: Served) -> None:
    """It is told of; what was not saved is still there; the page finds it by itself, and what it may do then."""
    watched = opened(page, served, "#/label?concept=3")
    page.wait_for_selector(".beside >> text=Switch off")
    item = page.locator(".stage-words strong").inner_text()
    (served.folder / "token").write_text(served.token)
    served.process.send_signal(signal.SIGINT)
    expect(page.locator(".lost")).to_contain_text("Not connected")
    served.process.wait()
    expect(page.locator(".label-does button").filter(has_text="Undo")).to_have_attribute("title", "not connected: not saved")
    expect(page.locator(".beside >> text=Switch off")).to_be_disabled()
    page.fill("#class-field", "one")
    page.keyboard.press("Enter")
    expect(page.locator("#class-field")).to_have_value("one")
    expect(page.locator(".last")).to_have_text("")
    expect(page.locator(".stage-words strong")).to_have_text(item)
    with serving(served.folder, "--port", served.base.rsplit(":", 1)[1], "--token-file", "token") as back:
        page.wait_for_selector(".lost", state="detached")
        expect(page.locator(".line")).to_contain_text("read-only")
        expect(page.locator(".label")).to_contain_text("kgkt serve --rw")
        expect(page.locator("text=/^(Switch off|Rename|Merge …)$/")).to_have_count(0)
        page.keyboard.press("1")
        signed = {"Authorization": f"Bearer {served.token}"}
        assert back.ask("/api/graphs/main/state", **signed)[1]["label_count"] == 0
        # once the service knows this page no more, it says so and asks for nothing again
        page.context.clear_cookies()
        page.fill(".search [role=combobox]", "x")
        expect(page.locator(".lost")).to_contain_text("This link is no longer valid: open the one that kgkt serve printed last")
    assert watched.but("ERR_", "Failed to fetch", "401") == []
