"""The Label view as a person uses it, by keyboard: the first class, keys, not, skip, undo, two pages at once."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.browser.driving import item_shown, label_all, opened, violations

if TYPE_CHECKING:
    from playwright.sync_api import Page, Route

    from tests.serving import Served

pytestmark = pytest.mark.slow

HOSTILE = "</script><img src=x onerror=\"document.title='hit'\">"


def gone(page: Page, item: str) -> None:
    expect(page.locator(".stage-words strong")).not_to_have_text(item)


def label_count(served: Served) -> int:
    return served.ask("/api/graphs/main/state")[1]["label_count"]


def look_of(page: Page) -> dict[str, tuple[str | None, str | None, str | None]]:
    """Class -> its key, and the path and colour of its mark."""
    buttons = page.locator(".class-buttons button")
    mark = ".mark path"
    return {
        one.get_attribute("data-class") or "": (one.locator("kbd").text_content(), one.locator(mark).get_attribute("d"),
                                                one.locator(mark).get_attribute("fill"))
        for one in (buttons.nth(i) for i in range(buttons.count()))
    }  # fmt: skip


def saved(page: Page, words: str) -> None:
    expect(page.locator(".line")).to_contain_text(words)


def _keys_label_what_is_seen(page: Page, served: Served, key: str) -> int:
    """A key that is held labels one item, and none labels an item whose picture is not there; how many labels there are."""
    before, item = label_count(served), item_shown(page)
    for _ in range(6):
        page.keyboard.down(key)  # all but the first are repeats
    page.keyboard.up(key)
    gone(page, item)
    saved(page, f"{before + 1} labels")
    held: list[Route] = []
    page.route("**/picture?*side=512*", lambda route: held.append(route))
    while not held or page.locator(".stage[aria-busy=true]").count() == 0:
        page.keyboard.press("ArrowRight")
        page.wait_for_timeout(700)  # a picture that was there before is seen by then
    for _ in range(3):
        page.keyboard.press(key)
    expect(page.locator(".notices")).to_contain_text("before the item was on the screen")
    assert label_count(served) == before + 1
    page.unroute("**/picture?*side=512*")
    for route in held:
        route.continue_()
    item_shown(page)
    return before + 1


def _what_is_said_is_saved(page: Page, served: Served, before: int) -> int:
    """The line names an edit made elsewhere, which u takes back; a page that is left loses no label; how many there are."""
    page.bring_to_front()
    last = page.locator(".last")
    expect(last).to_contain_text(re.compile("Last edit, by .* is "))
    page.keyboard.press("u")
    saved(page, f"{before - 1} labels")
    expect(page.locator(".notices")).to_contain_text("undone")
    items = []
    key = page.locator(".class-buttons kbd").first.inner_text()
    _a_fault_goes_when_it_succeeds(page, key)
    for _ in range(3):
        items.append(item_shown(page))
        page.keyboard.press(key)
        gone(page, items[-1])
    page.reload()
    saved(page, f"{before + 3} labels")
    expect(last).to_contain_text("Last edit, by ")
    return before + 3


def _a_fault_goes_when_it_succeeds(page: Page, key: str) -> None:
    """An item that was not saved comes back with word of why, which goes once it is saved."""
    busy = {"error": {"kind": "busy", "message": "busy just now"}}
    item = item_shown(page)
    page.route("**/label", lambda route: route.fulfill(status=409, json=busy))
    page.keyboard.press(key)
    expect(page.locator(".notice.bad")).to_have_text(re.compile("busy just now"))
    assert item_shown(page) == item
    page.unroute("**/label")
    page.keyboard.press(key)
    expect(page.locator(".notice.bad")).to_have_count(0)


def _many_long_classes_are_cut(page: Page, served: Served, items: list[str]) -> None:
    """A name stays in its button, and a list that goes on says so; on a narrow screen it is whole, below what is typed."""
    said = [{"item": item, "class": f"class {n} {'of many plain words ' * 6}".strip()} for n, item in enumerate(items)]
    assert served.ask("/api/graphs/main/label", {"labels": said, "ticks": []})[0] == 200
    for width in (390, 1400):
        page.set_viewport_size({"width": width, "height": 844})
        expect(page.locator(".more-below")).to_have_count(0 if width == 390 else 1)
        expect(page.get_by_role("button", name="Skip")).to_be_in_viewport()
        over = "all => all.filter((one) => one.getBoundingClientRect().height > one.parentElement.getBoundingClientRect().height).length"
        assert page.locator(".class-text").evaluate_all(over) == 0
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def _what_is_typed_is_meant(page: Page, served: Served, key: str) -> None:
    """First letters take the only class that begins so, and say it before; a digit labels, and letters are of the next."""
    def classes() -> int:
        return len(served.ask("/api/graphs/main/state")[1]["classes"])

    there, before, field, item = classes(), label_count(served), page.locator("#class-field"), item_shown(page)
    page.keyboard.press("t")
    expect(page.locator(".label-does kbd").first).not_to_be_visible()  # no key where it would be written
    page.keyboard.type("</ SCR")
    expect(page.locator(".taken strong")).to_have_text(HOSTILE)
    assert violations(page) == []
    page.keyboard.press("Enter")
    gone(page, item)
    saved(page, f"{before + 1} labels")
    assert classes() == there
    item = item_shown(page)
    page.keyboard.press("t")
    page.keyboard.type("</ SCR")
    page.keyboard.press("Shift+Enter")
    gone(page, item)
    saved(page, f"{before + 2} labels")
    assert classes() == there + 1
    item = item_shown(page)
    page.keyboard.press(key)
    page.keyboard.type("libs")
    gone(page, item)
    expect(field).to_have_value("libs")
    saved(page, f"{before + 3} labels")
    assert classes() == there + 1
    page.keyboard.press("Escape")


def test_label_from_nothing(page: Page, served: Served, truth: dict[str, str]) -> None:
    watched = opened(page, served)
    # the empty graph says what to do, and the field has the focus
    assert "There is no class yet" in page.locator("main").inner_text()
    first = item_shown(page)
    page.keyboard.type(truth[first])
    page.keyboard.press("Enter")
    gone(page, first)
    saved(page, "1 label")
    expect(page.locator(".class-buttons button")).to_have_count(1)
    expect(page.locator(".last .gain")).to_have_text(f"600 more items are taken for {truth[first]} now")
    # the field keeps the focus until there are two classes; then a class that is there has its own digit as key, another
    # is typed after t, and digits typed there label nothing
    names = {truth[first]}
    looks = {}
    for n in range(2, 12):
        item = item_shown(page)
        name = truth[item]
        if len(names) < 2:
            expect(page.locator("#class-field")).to_be_focused()
            page.keyboard.type(name)
            page.keyboard.press("Enter")
        elif page.locator(f'[data-class="{name}"]').count():
            page.keyboard.press(name)
        else:
            page.keyboard.press("t")
            page.keyboard.type(name)
            assert item_shown(page) == item
            page.keyboard.press("Enter")
        gone(page, item)
        saved(page, f"{n} labels")
        names.add(name)
        # key, colour and shape of a class stay as more classes come
        if len(names) == 2:  # a digit that is no key says so
            free = next(digit for digit in "0123456789" if digit not in names)
            page.keyboard.press(free)
            expect(page.locator(".notices")).to_contain_text(f"No class has the key {free}")
            page.wait_for_timeout(600)  # what is typed at once after it would be a word
        shown = look_of(page)
        assert {name: shown[name] for name in looks} == looks
        looks = shown
    assert {name: key for name, (key, *_) in looks.items()} == {name: name for name in names}
    assert len({(path, fill) for _, path, fill in looks.values()}) == len(looks) > 5
    # a word that is typed fires no shortcut: it is in the field
    item = item_shown(page)
    page.keyboard.type("suns")
    expect(page.locator("#class-field")).to_have_value("suns")
    page.keyboard.press("Control+A")
    page.keyboard.press("Delete")
    page.keyboard.press("Escape")
    page.wait_for_timeout(600)
    assert (item_shown(page), label_count(served)) == (item, 11)
    # seen by another process, as the truth has it
    rows = json.loads(served.kgkt("query", "--format", "json",
                                  "MATCH (i:Item)-[:LABELLED]->(c:Class) RETURN i.item_id, c.name").stdout)["rows"]
    assert len(rows) == 11
    assert [row for row in rows if truth[row[0]] != row[1]] == []
    # undo brings the item back, as does u; not ticks; skip and the arrows only move
    item = item_shown(page)
    page.keyboard.press("u")
    gone(page, item)
    saved(page, "10 labels")
    again = item_shown(page)
    assert again in {row[0] for row in rows}
    page.keyboard.press("n")
    expect(page.locator(".classes.not")).to_have_count(1)
    page.keyboard.press(truth[first])
    gone(page, again)
    expect(page.locator(".last")).to_contain_text("not")
    state = served.ask("/api/graphs/main/state")[1]
    assert (state["label_count"], state["tick_count"]) == (10, 1)
    item = item_shown(page)
    page.keyboard.press("ArrowRight")
    gone(page, item)
    page.keyboard.press("ArrowLeft")
    assert item_shown(page) == item
    page.keyboard.press("s")
    gone(page, item)
    assert label_count(served) == 10
    labels = _keys_label_what_is_seen(page, served, truth[first])
    # a second page follows the first, and says who labelled what stands before the person
    other = page.context.browser.new_page()
    opened(other, served)
    saved(other, f"{labels} labels")
    assert look_of(other) == look_of(page)
    item = item_shown(other)
    label_all(served, truth, [item])
    expect(other.locator(".labelled")).to_contain_text(f"Labelled {truth[item]} by")
    saved(page, f"{labels + 1} labels")
    labels = _what_is_said_is_saved(page, served, labels + 1)
    # a class with a hostile name is text and nothing else, on both
    page.bring_to_front()
    page.keyboard.press("t")
    page.keyboard.type(HOSTILE)
    page.keyboard.press("Enter")
    for one in (page, other):
        expect(one.locator(".class-buttons button").filter(has_text=HOSTILE)).to_have_count(1)
        assert one.title() == "kgkt"
        assert one.locator("img[src=x]").count() == 0
    saved(other, f"{labels + 1} labels")
    _what_is_typed_is_meant(page, served, truth[first])
    _many_long_classes_are_cut(page, served, list(truth)[-40:])
    # when all is labelled, by somebody else, the page says so, and where to go on
    label_all(served, truth, truth, {})
    page.reload()
    expect(page.locator(".empty")).to_contain_text("Nothing is left to suggest")
    page.click("main a:has-text('Doubt')")
    page.wait_for_selector(".doubt")
    assert watched.but("409") == []  # what was busy
