"""The map as a person uses it: colours, legend, pointer, keyboard, lasso, list, and a graph of many concepts."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from playwright.sync_api import expect

from kgkt.serve.offline import _page
from tests.browser.driving import Watched, label_all, opened, suggested, violations

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Locator, Page

    from tests.serving import Served

pytestmark = pytest.mark.slow


PIXELS = """([x, y]) => {
  const canvas = document.querySelector('.map-canvas canvas'), box = canvas.getBoundingClientRect();
  const part = canvas.getContext('2d').getImageData(x - box.left - 30, y - box.top - 30, 60, 60).data;
  return Array.from(part).reduce((sum, value, at) => (sum * 31 + value * (at % 7 + 1)) % 1000003, 0);
}"""


def _contrast(a: str, b: str) -> float:
    """WCAG's contrast of two colours, #rrggbb."""

    def light(colour: str) -> float:
        parts = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
        r, g, b = (one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in parts)
        return 0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05

    high, low = sorted((light(a), light(b)), reverse=True)
    return high / low


def _canvas(page: Page) -> Locator:
    """The canvas, drawn."""
    page.wait_for_selector("canvas[data-drawn]")
    return page.locator(".map-canvas canvas")


def _focus_at(page: Page, key: str = "ArrowRight") -> tuple[float, float]:
    """Where the concept that the keyboard is at is drawn, in pixels of the page."""
    canvas = _canvas(page)
    canvas.focus()
    page.keyboard.press(key)
    expect(canvas).not_to_have_attribute("data-at", "")
    seen, at = None, canvas.get_attribute("data-at")
    while seen != at:  # it moves while the canvas gets another size
        page.wait_for_timeout(100)
        seen, at = at, canvas.get_attribute("data-at")
    x, y = map(int, (at or "").split(","))
    box = canvas.bounding_box()
    assert box
    return box["x"] + x, box["y"] + y


def _lasso(page: Page, left: float, top: float, right: float, bottom: float) -> None:
    """Draw the lasso around a part of the canvas, in shares of it."""
    page.keyboard.press("l")
    box = _canvas(page).bounding_box()
    assert box
    corners = [(left, top), (right, top), (right, bottom), (left, bottom)]
    for n, (x, y) in enumerate(corners):
        page.mouse.move(box["x"] + x * (box["width"] - 2) + 1, box["y"] + y * (box["height"] - 2) + 1, steps=4)
        if n == 0:
            page.mouse.down()
    page.mouse.up()


def _shown(page: Page) -> list[str]:
    """The names in the list."""
    return page.locator(".concept-list tbody .link").all_inner_texts()


def _ask(served: Served, path: str, body: Any = None) -> Any:
    status, answer = served.ask(f"/api/graphs/main/{path}", body)
    assert status == 200, answer
    return answer


def test_colours_follow_labels_and_the_legend_filters(page: Page, served: Served, truth: dict[str, str]) -> None:
    watched = opened(page, served, "#/map")
    legend = page.locator(".legend li")
    expect(legend).to_have_count(1)
    expect(legend).to_contain_text("no class")
    place = _focus_at(page)
    layout, before = _ask(served, "map")["layout"], page.evaluate(PIXELS, place)
    label_all(served, truth, suggested(served, 20))  # by another client
    expect(page.locator(".line")).to_contain_text("20 labels")
    state = _ask(served, "state")
    for index, name in enumerate(state["classes"]):
        expect(legend.nth(index)).to_contain_text(name)
        expect(legend.nth(index).locator("small")).to_have_text(str(state["class_items"][index]))
    expect(page.locator(".legend .mark")).to_have_count(legend.count())
    assert page.evaluate(PIXELS, place) != before
    assert _ask(served, "map")["layout"] == layout

    page.keyboard.press("t")
    expect(page.locator(".concept-list tbody tr")).to_have_count(50)
    assert _shown(page)[:5] == [one["name"] for one in _ask(served, "concepts?limit=5")["concepts"]]
    entry = page.locator(".legend li button").first
    entry.focus()
    page.keyboard.press("Enter")
    expect(entry).to_have_attribute("aria-pressed", "true")
    only = _ask(served, f"concepts?class={state['classes'][0]}&limit=100")
    expect(page.locator(".concept-list")).to_contain_text(f"{only['total']} concepts, of 60")
    assert sorted(_shown(page)) == sorted(one["name"] for one in only["concepts"])
    page.get_by_role("button", name="Choose all of these").click()
    expect(page.locator(".chosen-bar")).to_contain_text(f"{only['total']} concepts")
    page.get_by_role("combobox", name="Colour").select_option("doubt")
    expect(page.locator(".legend li")).to_have_count(5)
    assert "colour=doubt" in page.url
    expect(page.locator(".concept-list")).to_contain_text("60 concepts.")
    assert watched.but() == []

    page.set_viewport_size({"width": 390, "height": 844})
    page.keyboard.press("Escape")
    for count in (0, 1):
        page.get_by_role("button", name="List").click()
        expect(page.locator(".concept-list")).to_have_count(count)
    expect(page.locator(".concept-list thead")).to_be_in_viewport()
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        if scheme == "dark":  # marks are seen on a dark ground (WCAG 1.4.11)
            expect(page.locator("html")).to_have_attribute("data-theme", "dark")
            marks = page.locator(".legend .mark .mark-line")
            fills = marks.evaluate_all("all => all.map((one) => one.getAttribute('fill'))")
            assert len(fills) == 5
            assert min(_contrast(fill, "#14171a") for fill in fills) >= 3
        assert violations(page) == []


def test_pointer_keys_and_lasso_choose_and_the_bar_edits(page: Page, served: Served) -> None:
    opened(page, served, "#/map")
    _focus_at(page)
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Enter")
    aside = page.locator("aside.beside")
    expect(aside).to_be_visible()
    assert page.evaluate("document.documentElement.scrollHeight") <= 1000  # the header stays in sight
    expect(page.locator(".map-tip")).to_have_count(0)
    number = int(page.url.split("concept=")[1].split("&")[0])
    assert f"chosen={number}" in page.url
    expect(aside).to_contain_text(_ask(served, f"concept?number={number}")["name"])
    page.keyboard.press("Escape")
    expect(aside).to_have_count(0)
    x, y = _focus_at(page)
    page.mouse.move(x, y)
    expect(page.locator(".map-tip")).to_contain_text("items")
    page.keyboard.down("Shift")
    page.mouse.click(x, y)
    page.keyboard.up("Shift")
    bar = page.locator(".chosen-bar")
    expect(bar).to_be_visible()
    page.reload()
    expect(bar).to_be_visible()  # the address holds what is chosen
    page.keyboard.press("Escape")
    expect(bar).to_have_count(0)
    _edit_many(page, served)
    _merge_and_name(page, served)


def _edit_many(page: Page, served: Served) -> None:
    bar = page.locator(".chosen-bar")
    _lasso(page, 0, 0, 1, 1)
    expect(bar).to_contain_text("60 concepts with 600 items")
    expect(bar).to_contain_text("Labels 60 items: the one in the middle of each concept")
    bar.get_by_label("Label as").fill("all of them")
    bar.get_by_role("button", name="Label", exact=True).click()
    expect(page.locator(".line")).to_contain_text("60 labels")
    medoid = _ask(served, "map")["medoids"][7]
    assert _ask(served, f"item?id={medoid}")["label"] == "all of them"
    expect(bar).to_contain_text("Labels up to 60 items")
    bar.get_by_label("Label as").fill("another")  # those that have a label keep it
    bar.get_by_role("button", name="Label", exact=True).click()
    expect(page.locator(".notices")).to_contain_text("60 items left")
    assert _ask(served, "state")["classes"] == ["all of them"]
    _canvas(page).focus()
    page.keyboard.press("Escape")
    _lasso(page, 0.5, 0, 1, 1)
    expect(bar).to_be_visible()
    chosen = int(bar.locator("strong").inner_text().split()[0])
    assert 0 < chosen < 60
    bar.get_by_role("button", name="Switch off").click()
    expect(bar.get_by_role("button", name="Switch on")).to_be_visible()
    assert _ask(served, "map")["active"].count(False) == chosen
    expect(page.locator(".legend")).to_contain_text("Hollow: off")
    page.locator(".notices").get_by_role("button", name="Undo").last.click()
    expect(bar.get_by_role("button", name="Switch off")).to_be_visible()
    assert all(_ask(served, "map")["active"])


def _merge_and_name(page: Page, served: Served) -> None:
    page.goto(f"{served.base}/#/map?chosen=3,5")
    bar = page.locator(".chosen-bar")
    expect(bar).to_contain_text("2 concepts")
    sizes = _ask(served, "map")["sizes"]
    bar.get_by_role("button", name="Merge").click()
    expect(bar.get_by_role("button", name="Take apart")).to_be_visible()
    kept = max((3, 5), key=lambda n: sizes[n])
    assert _ask(served, "map")["into"][8 - kept] == kept
    bar.get_by_role("button", name="Name").click()
    bar.get_by_label("Name of the concept").fill("<b>two</b> in one")
    page.keyboard.press("Enter")
    expect(bar).to_contain_text("<b>two</b> in one")
    assert _ask(served, f"concept?number={kept}")["name"] == "<b>two</b> in one"
    expect(page.locator(".map-canvas canvas")).to_have_attribute("aria-label", "Map of 59 concepts")


def test_a_file_of_five_thousand_concepts_and_fifty_thousand_edges(page: Page, tmp_path: Path) -> None:
    watched = Watched(page)
    file = tmp_path / "out.html"
    file.write_text(_page(_many(5_000, 50_000)), encoding="utf-8")
    page.unroute("**/*")
    page.goto(f"{file.as_uri()}#/map")
    canvas = _canvas(page)
    expect(page.locator(".map-rule")).to_have_text("Edges show as themes open")
    expect(page.locator(".bare-note")).to_contain_text("populate --data")
    x, y = _focus_at(page)  # themes first
    page.keyboard.press("Enter")
    expect(page.locator(".map-canvas [aria-live]")).to_contain_text("words of ")  # a theme goes by its title
    expect(canvas).to_have_attribute("data-drawn", re.compile(r"\d\d"))  # it flew there, and the edges came
    box = canvas.bounding_box()
    assert box
    page.mouse.move(box["x"] + 400, box["y"] + 300)
    before = page.evaluate(PIXELS, [x, y])
    page.mouse.wheel(0, -600)
    page.mouse.down()
    page.mouse.move(box["x"] + 500, box["y"] + 320, steps=5)
    page.mouse.up()
    _focus_at(page)
    expect(page.locator(".map-canvas [aria-live]")).to_contain_text(re.compile(r"^concept \d+: \d+ items?, "))
    assert page.evaluate(PIXELS, [x, y]) != before
    for _ in range(4):
        page.keyboard.press("+")
    expect(page.locator(".map-rule")).to_have_text("50,000 edges")
    page.keyboard.press("t")
    expect(page.locator(".concept-list")).to_contain_text("5,000 concepts.")
    page.keyboard.press("0")
    assert watched.but() == []


def _many(k: int, m: int) -> dict[str, Any]:
    """What a file of k concepts holds for the map: 40 themes, m edges mostly within them."""
    rng = np.random.default_rng(0)
    themes = np.sort(rng.integers(0, 40, k))
    place = rng.normal(size=(40, 2))[themes] + rng.normal(size=(k, 2)) / 4
    ends = rng.integers(0, k, (2 * m, 2))
    ends[:, 1] = np.where(rng.random(2 * m) < 0.9, (ends[:, 0] + rng.integers(1, 60, 2 * m)) % k, ends[:, 1])
    edges = np.unique(np.sort(ends[ends[:, 0] != ends[:, 1]], axis=1), axis=0)[:m]
    assert len(edges) == m
    root, names = "/api/graphs/main", [f"concept {i}" for i in range(k)]
    mass = rng.uniform(0.3, 1, k).round(3)
    return {
        "/api/session": {"version": "1", "write": False, "graphs": ["main"], "graph": "main"},
        root: {"graph": "main", "kind": "features", "pictures": False, "texts": False, "items": 10 * k, "concepts": k},
        f"{root}/map": {
            "layout": 1, "x": (place[:, 0] / 4).tolist(), "y": (place[:, 1] / 4).tolist(), "names": names, "auto_names": names,
            "sizes": rng.integers(1, 20, k).tolist(), "themes": themes.tolist(),
            "theme_names": [{"number": t, "name": f"theme {t}", "title": f"words of {t}", "size": int((themes == t).sum())} for t in range(40)],
            "active": [True] * k, "into": list(range(k)), "medoids": [None] * k, "sources": None, "reach": None,
            "edges": {"a": edges[:, 0].tolist(), "b": edges[:, 1].tolist(), "weight": rng.pareto(1.5, m).tolist(),
                      "kept": m, "all": m, "rule": "all"},
        },
        f"{root}/state": {
            "revision": 1, "layout": 1, "answer": "concepts", "classes": [str(c) for c in range(10)], "slots": list(range(10)),
            "class_items": [k] * 10, "class_labels": [1] * 10, "class_ticks": [0] * 10, "best": (themes % 10).tolist(), "mass": mass.tolist(),
            "doubt": (1 - mass).tolist(), "labels": [0] * k, "label_count": 10, "tick_count": 0, "reached": 10 * k,
            "items": 10 * k, "expected": None, "line": "10 labels", "working": False, "last_edit": None,
        },
    }  # fmt: skip
