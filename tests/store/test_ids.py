"""Ids of the embedded engine: it may give one twice, and then no writer can open the file."""

from __future__ import annotations

import pytest

from kgkt.store.load import drop, load_graph
from kgkt.store.opening import open_store
from kgkt.store.protocol import Statement
from kgkt.store.readback import list_graphs
from tests.store.conftest import digits_graph, edit


def populate(url: str, graph: str) -> None:
    value, more = digits_graph(graph)
    with open_store(url, write=True) as store:
        load_graph(store, graph, value, **more)


def remove(url: str, graph: str) -> None:
    with open_store(url, write=True) as store:
        drop(store, graph)


def count(url: str, text: str) -> int:
    with open_store(url) as store:
        return int(store.read(Statement("count", text)).rows[0][0])


def test_two_graphs_are_loaded_again_in_turn(store_url):
    for graph in ("a", "b") * 3:
        populate(store_url, graph)
    with open_store(store_url) as store:
        assert [info["graph"] for info in list_graphs(store)] == ["a", "b"]
    assert count(store_url, "MATCH (n) RETURN count(n)") == 2 * count(store_url, "MATCH (n {graph: 'a'}) RETURN count(n)")
    assert count(store_url, "MATCH (c:Concept) RETURN count(DISTINCT c.key)") == 24


@pytest.mark.parametrize("first", [True, False])
def test_nodes_that_people_made_between_drops_and_loads_do_not_clash(store_url, first):
    make = "CREATE (:Class {{graph: '{0}', name: '{1}'}})"
    populate(store_url, "a")
    populate(store_url, "b")
    if first:
        edit(store_url, make.format("b", "p"))
    remove(store_url, "a")
    edit(store_url, make.format("b", "q"), make.format("b", "r"))
    populate(store_url, "a")
    edit(store_url, make.format("a", "s"))
    populate(store_url, "a")
    edit(store_url, make.format("b", "t"))
    assert count(store_url, "MATCH (c:Class {graph: 'b'}) WHERE c.key IS NULL RETURN count(c)") == 3 + first
    populate(store_url, "b")


def test_an_id_that_a_person_gave_far_ahead_costs_nothing(tmp_path):
    url = f"kglite:{tmp_path / 'graph.kgl'}"
    populate(url, "a")
    edit(url, "CREATE (:Class {id: 100000000000, graph: 'a', name: 'far'})", "CREATE (:Class {graph: 'a', name: 'near'})")
    populate(url, "b")
    assert count(url, "MATCH (c:Class) WHERE c.key IS NULL RETURN count(c)") == 2
