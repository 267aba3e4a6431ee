"""How the tests of the page go through it."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from playwright.sync_api import expect

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.serving import Served

SOON = 15_000  # ms that a step may take


class Watched:
    """The console of a page: what went wrong in it, and what of that was meant to."""

    def __init__(self, page: Page) -> None:
        self.said: list[str] = []
        page.on("pageerror", lambda error: self.said.append(str(error)))
        page.on("console", lambda line: self.said.append(line.text) if line.type == "error" else None)

    def but(self, *meant: str) -> list[str]:
        return [line for line in self.said if not any(part in line for part in meant)]


def opened(page: Page, served: Served, view: str = "#/label") -> Watched:
    """The page, signed in by its link, at a view."""
    watched = Watched(page)
    page.set_default_timeout(SOON)
    expect.set_options(timeout=SOON)
    page.goto(served.link)
    page.goto(f"{served.base}/{view}")
    page.wait_for_selector("main > :not(.busy)")
    return watched


def item_shown(page: Page) -> str:
    """The item that is to be labelled, once it is on the screen."""
    return page.locator(".stage[aria-busy=false] .stage-words strong").inner_text()


def suggested(served: Served, n: int) -> list[str]:
    """The n items that the service asks for first."""
    return [one["item"] for one in served.ask(f"/api/graphs/main/suggest?n={n}")[1]["items"]]


def label_all(
    served: Served, truth: dict[str, str], items: Iterable[str], wrong: Mapping[str, str] = MappingProxyType({})
) -> None:
    """Label items by the service itself; those in `wrong` otherwise than they are."""
    said = [{"item": item, "class": wrong.get(item, truth[item])} for item in items]
    assert served.ask("/api/graphs/main/label", {"labels": said, "ticks": []})[0] == 200


def answered(served: Served) -> None:
    """Wait until the service has worked out the items' answer to what was said last."""
    deadline = time.monotonic() + 100
    while served.ask("/api/graphs/main/state")[1]["answer"] != "items":
        assert time.monotonic() < deadline
        time.sleep(0.2)


def violations(page: Page) -> list[str]:
    """What axe finds wrong, a line each."""
    import axe_playwright_python

    page.evaluate((Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8"))
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
    return [f"{one['id']}: {one['nodes'][0]['html'][:200]}" for one in found]
