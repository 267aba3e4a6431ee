"""The B view as a person uses it: fuse with a live curve, cancel, what it was worth, layers, trace."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.browser.driving import label_all, opened, suggested, violations

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.serving import Served

pytestmark = pytest.mark.slow

LONG = 90_000  # ms that training may take on a busy machine


def test_b_is_taught_and_looked_into(page: Page, served: Served, truth: dict[str, str]) -> None:
    label_all(served, truth, suggested(served, 20))
    watched = opened(page, served, "#/b")
    main = page.locator("main")
    expect(main).to_contain_text("No B yet")
    page.get_by_label("B, the model that is taught").select_option("b.keras")
    expect(main).to_contain_text("b.keras is not mapped yet")
    expect(page.get_by_label("Test set")).to_have_value("test.npz")
    assert violations(page) == []

    page.get_by_role("button", name="Map", exact=True).click()
    job = page.locator(".job", has_text="Map")
    job.get_by_role("button", name="Cancel").click()
    expect(job).to_contain_text("cancelled", timeout=LONG)

    page.get_by_text("More: steps, seed").click()
    expect(page.get_by_label("Classes of B, in order")).to_be_visible()  # whatever an error may mean has a field
    expect(page.get_by_label("What B reads of the same items")).to_be_visible()
    page.get_by_label("Steps", exact=True).fill("60")
    page.get_by_role("button", name="Fuse").click()
    expect(page.get_by_role("button", name="It runs")).to_be_disabled()
    expect(page.locator(".curve-held")).to_have_attribute("points", re.compile(r"\S+ \S+"), timeout=LONG)
    worth = page.get_by_role("region", name="What it was worth")
    expect(worth).to_contain_text("B alone", timeout=LONG)
    rows = served.ask("/api/graphs/main/models")[1]["models"][0]["fused"]["rows"]
    values = {row["method"]: row["value"] for row in rows}
    for row in rows:
        expect(worth).to_contain_text(row["title"])
        expect(worth).to_contain_text(f"{100 * row['value']:.1f} %")
    assert values["fused"] > values["alone"]
    expect(worth).to_contain_text(f"+{100 * (values['fused'] - values['alone']):.1f}")

    page.get_by_role("button", name=re.compile("^out 10 classes")).click()
    block = page.locator(".block").nth(3)
    block.locator(".block-head").click()
    strongest = served.ask("/api/graphs/main/blocks?model=b&layer=out")[1]["blocks"][3]["concepts"][0]
    expect(block.locator(".card").first).to_contain_text(strongest["name"])

    item = served.ask("/api/graphs/main/map")[1]["medoids"][0]
    page.get_by_label("An item, a class, or layer:unit").fill(item)
    page.get_by_role("button", name="Trace", exact=True).click()
    traced = page.locator(".traced")
    expect(traced).to_contain_text("b-fused.keras says", timeout=LONG)
    expect(traced).to_contain_text("The graph says")
    assert traced.locator(".card").count() > 0
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert violations(page) == []
    _says_what_stands_from_before(page, served, item)
    page.reload()
    expect(worth).to_contain_text("B alone")  # what was measured stays with the graph
    expect(page.locator(".curve-held")).to_be_visible()  # and the service still holds the job

    expect(traced).to_contain_text("b-fused.keras says")
    other = served.ask("/api/graphs/main/map")[1]["medoids"][1]
    page.goto(f"{served.base}/#/b?trace={other}")  # an address gives the trace that it names
    expect(traced.get_by_role("button", name=f"Open {other}").first).to_be_visible(timeout=LONG)
    page.get_by_label("An item, a class, or layer:unit").fill("no such item")
    page.get_by_role("button", name="Trace", exact=True).click()
    expect(page.locator(".job .trouble")).to_contain_text("no such item", timeout=LONG)
    assert watched.said == []


def _says_what_stands_from_before(page: Page, served: Served, item: str) -> None:
    """One more class: figures and trace are marked, and B's outputs are told before Fuse is pressed; undone, not."""
    before = page.locator(".b-view .before")
    expect(before).to_have_count(0)
    status, done = served.ask("/api/graphs/main/label", {"labels": [{"item": item, "class": "an eleventh"}]})
    assert status == 200
    expect(page.get_by_role("region", name="What it was worth")).to_contain_text("Fused before your last edit")
    expect(page.locator(".trace")).to_contain_text("Traced before your last edit")
    expect(page.locator("form.fuse")).to_contain_text("B has 10 outputs, the graph has 11 classes")
    expect(page.get_by_label("Classes of B, in order")).to_have_value("\n".join(map(str, range(10))))
    expect(page.get_by_label("B grows by an output for an eleventh")).not_to_be_checked()
    assert violations(page) == []
    served.ask("/api/graphs/main/undo", {"edit": done["edit"]})
    expect(before).to_have_count(0)
    page.get_by_text("Beside every control").click()
    page.get_by_role("button", name="Measure beside every control").click()
    expect(page.locator(".job", has_text="Beside every control")).to_contain_text(
        "the true classes of the pool are not known", timeout=LONG
    )
