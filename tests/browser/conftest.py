"""A page in headless Chromium that reaches nothing but this machine."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from tests.cli.conftest import labelled_once, populated_once, taught_once, truth  # noqa: F401 - fixtures
from tests.serving import Served, serving

if TYPE_CHECKING:
    from playwright.sync_api import Page, Route

FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync")


def _only_here(route: Route) -> None:
    place = urlsplit(route.request.url)
    here = place.scheme in ("file", "data", "blob") or place.hostname in ("127.0.0.1", "localhost")
    route.continue_() if here else route.abort()


@pytest.fixture
def page() -> Iterator[Page]:
    """An empty page; where there is no Chromium the test is skipped, with CI=true it fails."""
    from playwright.sync_api import sync_playwright

    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if chromium is None:
        reason = "no Chromium here: apt-get install chromium"
        pytest.fail(reason) if os.environ.get("CI") == "true" else pytest.skip(reason)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, headless=True, args=list(FLAGS))
        page = browser.new_page(viewport={"width": 1400, "height": 1000})
        page.route("**/*", _only_here)
        page.set_default_timeout(60_000)
        yield page
        browser.close()


@pytest.fixture
def served(populated_once: Path, tmp_path: Path) -> Iterator[Served]:  # noqa: F811
    """`kgkt serve --rw` on a copy of the digits' graph, without labels."""
    shutil.copytree(populated_once, tmp_path / "work")
    with serving(tmp_path / "work", "--rw") as one:
        yield one
