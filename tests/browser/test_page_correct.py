"""Doubt, Concept, Ask and the search box as a person uses them."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
from playwright.sync_api import expect

from tests.browser.driving import answered, label_all, opened, violations
from tests.cli.conftest import populated_once, truth  # noqa: F401 - fixtures
from tests.serving import serving

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.serving import Served

pytestmark = pytest.mark.slow

VIEWS = {"#/label": ".stage", "#/label?concept=3": ".beside .concept", "#/item/i0001": ".item .examples .example",
         "#/doubt": ".suspect", "#/doubt?part=borders": ".borders, .empty", "#/doubt?part=edits": "table",
         "#/ask?q=concepts": ".answer table"}  # fmt: skip
NARROW = ("#/label", "#/label?concept=3", "#/doubt")  # also looked at on a telephone, in the dark
NAME = "<b onmouseover=alert(1)>loops</b>"


def concept(served: Served, number: int) -> dict:
    return served.ask(f"/api/graphs/main/concept?number={number}")[1]


def labels_of(served: Served) -> dict[str, str]:
    text = "MATCH (i:Item)-[:LABELLED]->(c:Class) RETURN i.item_id, c.name"
    return dict(served.ask("/api/graphs/main/query", {"text": text, "params": {}})[1]["rows"])


@pytest.fixture(scope="module")
def labelled(populated_once: Path, truth: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:  # noqa: F811
    """A service of the digits with sixty labels, every twelfth of them wrong."""
    folder = tmp_path_factory.mktemp("labelled") / "work"
    shutil.copytree(populated_once, folder)
    with serving(folder, "--rw") as served:
        items = [one["item"] for one in served.ask("/api/graphs/main/suggest?n=60")[1]["items"]]
        label_all(served, truth, items, {item: str((int(truth[item]) + 5) % 10) for item in items[4::12]})
        yield served


def test_suspects_and_borders(page: Page, labelled: Served) -> None:
    served = labelled
    watched = opened(page, served, "#/doubt")
    page.wait_for_selector(".suspect")
    of = page.locator(".suspect")
    assert of.count() >= 3
    # by keyboard: to the first, accept what is expected; it stays in its place with the way back
    page.locator("h1").click(force=True)
    page.keyboard.press("ArrowDown")
    name = of.nth(0).get_attribute("aria-label") or ""
    item, given, expected = name.split(":")[0], name.split("labelled ")[1].split(",")[0], name.split("expects ")[1]
    page.keyboard.press("a")
    page.wait_for_selector(".suspect.settled [data-key=u]")
    assert labels_of(served)[item] == expected
    page.locator(".suspect.settled >> text=Undo").click()
    page.wait_for_selector(".suspect.settled", state="detached")
    assert labels_of(served)[item] == given
    # keep: nothing is written, and it does not come back
    kept = of.nth(1).get_attribute("aria-label") or ""
    of.nth(1).locator("[data-key=k]").click()
    page.wait_for_selector(".suspect.settled [data-key=u]")
    page.reload()
    page.wait_for_selector(".suspect")
    assert kept not in [of.nth(i).get_attribute("aria-label") for i in range(of.count())]
    # by whom it is doubted
    assert "%" in of.nth(0).locator("small").inner_text()
    # another class
    item = (of.nth(0).get_attribute("aria-label") or "").split(":")[0]
    other = of.nth(0).locator("option").nth(1).inner_text()
    of.nth(0).locator("select").select_option(other)
    page.wait_for_selector(".suspect.settled [data-key=u]")
    assert labels_of(served)[item] == other
    # what lies between two classes: label an example, switch the concept off, take it back
    answered(served)  # which borders there are changes with the items' answer
    borders = served.ask("/api/graphs/main/borders")[1]["borders"]
    page.click("text=Borders")
    if not borders:
        page.wait_for_selector("text=No concept lies between two classes")
    else:
        page.wait_for_selector(".mixed")
        first = (page.locator(".mixed").first.get_attribute("aria-label") or "").removeprefix("Concept ")
        number = served.ask("/api/graphs/main/map")[1]["names"].index(first)
        order = page.locator(".mixed").evaluate_all("all => all.map((one) => one.ariaLabel)")
        page.locator(".mixed").first.locator("text=Switch off").click()
        page.wait_for_selector(".between .last")
        assert concept(served, number)["active"] is False
        # it stays where it is, marked
        page.wait_for_selector(".mixed.settled >> text=Switch on")
        assert page.locator(".mixed").evaluate_all("all => all.map((one) => one.ariaLabel)") == order
        page.locator(".between .last >> text=Undo").click()
        page.wait_for_selector(".between .last", state="detached")
        assert concept(served, number)["active"] is True
    # the list of edits
    page.locator(".parts >> text=Edits").click()
    page.wait_for_selector("td:has-text('undone by')")
    # an undo is taken back as any other; what it adds does not push the rows down by itself
    rows = page.locator("tbody tr").count()
    page.locator("tr:has(td:has-text('takes back')) >> button").first.click()
    page.click("text=Show 1 newer edit")
    expect(page.locator("tbody tr")).to_have_count(rows + 1)
    assert watched.said == []


def test_concept_search_ask(page: Page, labelled: Served, truth: dict[str, str]) -> None:  # noqa: F811
    served = labelled
    watched = opened(page, served)
    medoid = concept(served, 3)["name"]
    # the search box, by keyboard: a concept opens beside the view
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    page.keyboard.type(medoid)
    page.wait_for_selector("[role=option]")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_selector(f".beside h2:has-text('{medoid}')")
    assert "concept=3" in page.url
    # a text that is pasted is looked for by its beginning
    page.get_by_role("combobox", name="Search").fill("no such words " * 60)
    expect(page.locator("[role=option]")).to_have_text("Nothing is called that.")
    expect(page.locator(".notice")).to_have_count(0)
    page.get_by_role("combobox", name="Search").fill("")
    # its name is edited where it stands, and is text whatever it holds
    page.click(".beside >> text=Rename")
    page.keyboard.press("Control+A")
    page.keyboard.type(NAME)
    page.keyboard.press("Enter")
    expect(page.locator(".beside h2")).to_have_text(NAME)
    assert concept(served, 3)["name"] == NAME
    page.locator(".notice >> text=Undo").first.click()
    expect(page.locator(".beside h2")).to_have_text(medoid)
    # off and on
    page.click(".beside >> text=Switch off")
    page.wait_for_selector(".beside .is-off")
    page.click(".beside >> text=Switch on")
    page.wait_for_selector(".beside .is-off", state="detached")
    # two beside each other, at an address that another person can open; merge, and take apart
    page.click(".beside >> text=Compare …")
    page.locator(".picker .card").first.click()
    expect(page.locator(".beside .concept")).to_have_count(2)
    page.reload()
    expect(page.locator(".beside .concept")).to_have_count(2)
    page.locator(".beside .concept").first.locator("text=Merge …").click()
    page.locator(".picker .card").first.click()
    page.locator(".sure button.main").click()  # asked once
    page.wait_for_selector(".beside .merged")
    assert len(concept(served, 3)["parts"]) >= 1
    page.locator(".beside .merged >> text=Take apart").first.click()
    page.wait_for_selector(".beside .merged", state="detached")
    # Escape closes it
    page.locator(".beside").focus()
    page.keyboard.press("Escape")
    page.wait_for_selector(".beside", state="detached")
    expect(page.locator(":focus")).to_have_count(1)  # not the page itself
    # an item, and what is like it
    page.goto(f"{served.base}/#/label?item={next(iter(truth))}")
    page.wait_for_selector(".item .examples .example")
    assert page.locator(".item .cards .card").count() >= 1
    # Ask: a shipped query with a parameter, one of one's own, a wrong one
    page.goto(f"{served.base}/#/ask")
    page.locator(".shipped button").filter(has_text=re.compile("^concepts ")).click()
    page.fill(".params input >> nth=0", "7")
    page.focus("#ask-text")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".answer tbody tr")).to_have_count(7)
    expect(page.locator(".answer td:nth-child(2) .link")).to_have_count(7)  # names of concepts whose key is in the row
    page.locator("#ask-text").fill("MATCH")
    expect(page.locator(".answer")).to_contain_text("The answer to the question before: concepts")
    page.goto(f"{served.base}/#/ask?q={quote('MATCH (c:Concept) RETURN c, c.key')}")
    page.wait_for_selector(".answer th:has-text('c.key')")
    expect(page.locator(".answer tbody tr")).to_have_count(concept_count(served))
    expect(page.locator(".answer >> text=on the map")).to_have_text(f"Show {concept_count(served)} concepts on the map")
    page.locator(".answer .node-head").first.click()
    assert "auto_name" in page.locator(".properties").first.inner_text()
    page.locator("#ask-text").fill("")
    page.get_by_role("button", name="Ask").click()
    expect(page.locator(".answer")).to_contain_text("There is no question yet")
    shipped = page.locator(".shipped button", has_text="separates")
    expect(shipped).to_contain_text("What separates two classes")
    shipped.click()
    expect(page.locator(".answer")).to_have_text("")  # what stood there answered another question
    expect(page.locator(".params label").first).to_have_text(re.compile("^a: a class"))
    page.goto(f"{served.base}/#/ask?q={quote('MATCH (c:Concept) SET c.name = 1')}")
    page.wait_for_selector(".answer .trouble")
    page.go_back()
    page.wait_for_selector(".answer th:has-text('c.key')")
    assert watched.but("400", "403") == []  # what the two wrong queries are answered with


def concept_count(served: Served) -> int:
    return served.ask("/api/graphs/main")[1]["concepts"]


def test_accessible(page: Page, labelled: Served) -> None:
    watched = opened(page, labelled)
    for theme, width, height, views in (("light", 1280, 800, tuple(VIEWS)), ("dark", 390, 844, NARROW)):
        page.emulate_media(color_scheme=theme)
        page.set_viewport_size({"width": width, "height": height})
        for view in views:
            page.goto(f"{labelled.base}/{view}")
            page.wait_for_selector(VIEWS[view])
            assert violations(page) == [], (theme, width, view)
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (width, view)
    assert watched.said == []
