"""The real Neo4j Browser, with the style that kgkt writes and the queries that it ships for it."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from kgkt.share.browser_style import grass
from kgkt.store import statements
from kgkt.store.opening import open_store
from kgkt.store.readback import read_concept_graph
from tests import neo4j_server as servers
from tests.store.conftest import digits_graph
from tests.store.filled import fill

pytestmark = pytest.mark.slow

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

QUERIES = sorted((statements.folder() / "browser").glob("*.cypher"))
PARAMS = {"graph": "main", "concept": "c5", "a": "3", "b": "5", "class": "3", "layer": "dense", "index": 2}
def ask(url: str, path: Path) -> list[dict[str, Any]]:
    described = statements.describe(path.stem, path.read_text(encoding="utf-8"))
    with open_store(url) as store:
        rows = store.ask(described.text, {name: PARAMS[name] for name in described.params})
    assert rows.columns == described.columns
    return [value for row in rows.rows for value in row if isinstance(value, dict)]


def test_there_are_five_queries():
    assert [path.stem for path in QUERIES] == ["around", "between", "examples", "map", "taught"]


@pytest.mark.parametrize("path", QUERIES, ids=lambda path: path.stem)
def test_a_query_gives_nodes_and_relationships_on_both_stores(path, tmp_path, neo4j_url):
    embedded = f"kglite:{tmp_path / 'graph.kgl'}"
    found = []
    for url in (embedded, neo4j_url):
        fill(url)
        found.append(sorted(json.dumps(value, sort_keys=True) for value in ask(url, path)))
    assert found[0] == found[1] != []
    assert all("~node" in value or "~relationship" in value or "~path" in value for value in found[0])


def drawn(found: list[dict[str, Any]]) -> Counter[str]:
    """Label -> how many nodes an answer holds, each counted once."""
    values = [part for value in found for part in value.get("~path", [value])]
    return Counter(label for label, _ in {(node["~node"], node["key"]) for node in values if "~node" in node})


def log_in(page: Page, server: servers.Server) -> None:
    page.goto(f"{server.http}/browser/?dbms={server.url}")
    page.get_by_test_id("username").fill("neo4j")
    page.get_by_test_id("password").fill(server.password)
    page.get_by_test_id("connect").click()
    page.get_by_test_id("password").wait_for(state="detached")


def drop_style(page: Page) -> None:
    """Drop the style file on the page, as its user does."""
    transfer = page.evaluate_handle(
        "text => {const data = new DataTransfer(); data.items.add(new File([text], 'kgkt.grass')); return data}", grass())
    page.dispatch_event(".filedrop", "drop", {"dataTransfer": transfer})


def run(page: Page, text: str) -> Locator:
    """Type a command or a query, run it, and give the frame with its answer."""
    before = page.get_by_test_id("frame").count()
    page.locator(".monaco-editor textarea").first.focus()
    page.keyboard.press("Control+a")
    page.keyboard.insert_text(text)
    page.get_by_test_id("editor-Run").click()
    page.wait_for_function("n => document.querySelectorAll('[data-testid=frame]').length > n", arg=before)
    return page.get_by_test_id("frame").first


def test_neo4j_browser_draws_the_queries_in_kgkts_style(page, neo4j_server, neo4j_url, tmp_path):
    if not neo4j_server.http:
        pytest.skip("KGKT_NEO4J_TEST_HTTP does not say where the Browser is")
    fill(neo4j_url)
    log_in(page, neo4j_server)
    drop_style(page)
    page.get_by_test_id("frame").filter(has_text="node.Concept {").wait_for()
    run(page, f":params {json.dumps(PARAMS)}").get_by_text("Successfully set your parameters").wait_for()
    for path in QUERIES:
        frame = run(page, path.read_text(encoding="utf-8"))
        frame.locator("svg g.node").first.wait_for()
        counts = drawn(ask(neo4j_url, path))
        assert "Concept" in counts
        for label, count in counts.items():
            frame.get_by_text(f"{label} ({count})").wait_for()
        colours = set(frame.locator("svg g.node circle.b-outline").evaluate_all(
            "circles => circles.map(circle => circle.getAttribute('fill'))"))
        assert "#57C7E3" in colours
        assert colours <= {"#57C7E3", "#F79767", "#C9D1D9", "#DA7194", "#8DCC93"}
        page.screenshot(path=tmp_path / f"{path.stem}.png")
        assert (tmp_path / f"{path.stem}.png").stat().st_size > 20_000


def test_an_edit_made_in_neo4j_browser_is_read_back(page, neo4j_server, neo4j_url):
    if not neo4j_server.http:
        pytest.skip("KGKT_NEO4J_TEST_HTTP does not say where the Browser is")
    fill(neo4j_url)
    log_in(page, neo4j_server)
    run(page, "MATCH (c:Concept {key: 'main/concept/2'}) SET c.active = false").get_by_text("Set 1 property").first.wait_for()
    with open_store(neo4j_url) as store:
        graph, _ = read_concept_graph(store, "main", digits_graph()[0].centroids)
    assert graph.active.tolist() == [i not in (2, 6) for i in range(12)]  # 6 was off before
