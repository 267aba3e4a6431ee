"""A graph read whole, and copied from one store to the other and back."""

from __future__ import annotations

import dataclasses
from collections import Counter
from typing import Any

import numpy as np
import pytest

from kgkt.errors import InputError, StoreError
from kgkt.store.copy import write_snapshot
from kgkt.store.edits import read_edits
from kgkt.store.opening import open_store
from kgkt.store.readback import list_graphs, read_strengths
from kgkt.store.snapshot import Snapshot, read_snapshot
from tests.share.awkward import CONCEPTS, GRAPH, NAMES, WHOLE
from tests.store.conftest import NAMES as CLASSES
from tests.store.conftest import K, digits_graph, digits_map, edit
from tests.store.filled import fill


def whole_of(url: str, graph: str = "main") -> Snapshot:
    with open_store(url) as store:
        return read_snapshot(store, graph)


def copy(source: str, target: str, graph: str = "main", **more: Any) -> list[str]:
    whole = whole_of(source, graph)
    with open_store(target, write=True) as store:
        return write_snapshot(store, whole, **more)


def facts(whole: Snapshot) -> tuple[Any, Any]:
    """Nodes and edges to compare; floats as both engines give them back."""
    return ([(node.id, node.labels, node.properties) for node in whole.nodes],
            [(edge.start, edge.end, edge.type, edge.properties) for edge in whole.edges])


def test_everything_in_a_graph_is_read(loaded):
    whole = whole_of(loaded)
    assert Counter(node.label for node in whole.nodes) == {
        "Graph": 1, "Model": 1, "Concept": K, "Theme": 3, "Class": 10, "Item": len(
            {node.id for node in whole.nodes if node.label == "Item"})}
    value, _ = digits_graph()
    assert sum(edge.type == "SIMILAR_TO" for edge in whole.edges) == len(value.edges)
    assert whole.nodes[0].properties["complete"] is True
    assert not {"writer", "writer_until"} & whole.nodes[0].properties.keys()
    third = next(node for node in whole.nodes if node.id == "main/concept/3")
    assert np.allclose(third.properties["centroid"], value.centroids[3])
    assert all(edge.properties.keys() == {"weight", "cosine"} for edge in whole.edges if edge.type == "SIMILAR_TO")
    assert not any("type" in edge.properties for edge in whole.edges)


def test_neo4j_and_kglite_give_the_same_graph_in_the_same_order(tmp_path, neo4j_url):
    embedded = f"kglite:{tmp_path / 'graph.kgl'}"
    for url in (embedded, neo4j_url):
        fill(url)
    assert facts(whole_of(embedded)) == facts(whole_of(neo4j_url))


def test_a_copy_to_neo4j_and_back_is_the_same_graph(tmp_path, neo4j_url):
    first, second = (f"kglite:{tmp_path / name}" for name in ("first.kgl", "second.kgl"))
    fill(first)
    fill(first, "other")
    assert copy(first, neo4j_url) == []
    assert copy(neo4j_url, second) == []
    assert facts(whole_of(first)) == facts(whole_of(neo4j_url)) == facts(whole_of(second))
    blocks = digits_map().blocks
    for url in (first, neo4j_url, second):
        with open_store(url) as store:
            people = read_edits(store, "main")
            assert people["names"] == {"4": "round \"ones\"\n`\U0001f600"}
            assert (people["switched_off"], people["classes"], people["frozen"]) == ([6], list(CLASSES), True)
            assert [(said["item_id"], said["class"], said["by"]) for said in people["labels"]] == [("x3", "3", "me")]
            assert [(said["item_id"], said["class"], said["at"]) for said in people["ticks"]] == [("x4", "3", "then")]
            strength, planned = read_strengths(store, "main", "b", blocks)["dense"]
            assert (strength[2, 2], planned[2, 2]) == (0.25, 0.5)
    with open_store(second) as store:
        assert [info["graph"] for info in list_graphs(store)] == ["main"]


def test_awkward_names_survive_in_every_store(store_url):
    whole = Snapshot("g", (GRAPH, *CONCEPTS), WHOLE.edges)
    with open_store(store_url, write=True) as store:
        notes = write_snapshot(store, whole)
    back = whole_of(store_url, "g")
    assert [node.properties["name"] for node in back.nodes if node.label == "Concept"] == list(NAMES)
    assert "1 relationships of type LIKES/../`x`, which kgkt does not use, not copied" in notes
    maps = [note for note in notes if "JSON text" in note]
    assert maps == ([f"{len(NAMES)} lists of lists and maps written as JSON text, which a server cannot hold"]
                    if not store_url.startswith("kglite") else [])


def test_a_graph_of_that_name_is_replaced_only_when_told_to(tmp_path, store_url):
    source = f"kglite:{tmp_path / 'source.kgl'}"
    fill(source)
    fill(store_url)
    fill(store_url, "other")
    edit(store_url, "MATCH (c:Concept {graph: 'main'}) SET c.name = 'theirs'")
    with pytest.raises(InputError, match="the target has a graph named main: --force replaces it"):
        copy(source, store_url)
    assert {node.properties["name"] for node in whole_of(store_url).nodes if node.label == "Concept"} == {"theirs"}
    other = facts(whole_of(store_url, "other"))
    copy(source, store_url, replace=True)
    assert facts(whole_of(store_url)) == facts(whole_of(source))
    assert facts(whole_of(store_url, "other")) == other


def test_other_peoples_nodes_in_neo4j_stop_a_copy_or_stay_as_they_are(tmp_path, neo4j_url):
    source = f"kglite:{tmp_path / 'source.kgl'}"
    fill(source)
    theirs = "MATCH (i:Item) WHERE i.graph IS NULL RETURN i.sku AS sku, labels(i) AS labels, size(keys(i)) AS n"
    edit(neo4j_url, "CREATE (:Item {sku: 7})-[:IN]->(:Class {name: '3'})")
    with pytest.raises(StoreError, match=r"not kgkt's \(1 Item, 1 Class\): use another database, or --shared"):
        copy(source, neo4j_url)
    with open_store(neo4j_url) as store:
        assert list_graphs(store) == []
        before = store.ask(theirs).rows
    copy(source, neo4j_url, shared=True)
    assert facts(whole_of(neo4j_url)) == facts(whole_of(source))
    with open_store(neo4j_url) as store:
        assert store.ask(theirs).rows == before == ((7, ["Item"], 1),)


def test_classes_that_people_made_without_a_key_get_one(tmp_path, store_url):
    fill(store_url)
    edit(store_url, "CREATE (:Class {graph: 'main', name: 'new'})", "CREATE (:Class {graph: 'main', name: '5'})",
         "MATCH (i:Item {key: 'main/item/x3'}), (c:Class {graph: 'main', name: 'new'}) CREATE (i)-[:LABELLED_NOT]->(c)",
         "MATCH (i:Item {key: 'main/item/x4'}), (c:Class {graph: 'main', name: '5'}) WHERE c.key IS NULL "
         "CREATE (i)-[:LABELLED {by: 'me', at: 'now'}]->(c)")
    target = f"kglite:{tmp_path / 'target.kgl'}"
    copy(store_url, target)
    whole = whole_of(target)
    assert [node.properties["key"] for node in whole.nodes if node.properties["name"] == "new"] == ["main/class/new"]
    assert sum(node.label == "Class" for node in whole.nodes) == 11
    assert ("main/item/x4", "main/class/5") in {(e.start, e.end) for e in whole.edges if e.type == "LABELLED"}


def test_what_people_added_is_read_and_what_cannot_be_copied_is_said(tmp_path, store_url):
    fill(store_url)
    edit(store_url, "MATCH (a:Concept {key: 'main/concept/1'}), (b:Concept {key: 'main/concept/2'}) "
                    "CREATE (a)-[:OPPOSITE_OF {why: 'I say so'}]->(b)",
         "MATCH (a:Concept {key: 'main/concept/1'}) CREATE (a)-[:SEEN_IN]->(:Page {name: 'p'})",
         "MATCH (a:Concept {key: 'main/concept/1'}) SET a.note = 'mine'")
    whole = whole_of(store_url)
    assert whole.notices == ("1 relationship to nodes outside of graph main left out",)
    assert [edge.properties for edge in whole.edges if edge.type == "OPPOSITE_OF"] == [{"why": "I say so"}]
    assert copy(store_url, f"kglite:{tmp_path / 'target.kgl'}") == [
        "1 relationships of type OPPOSITE_OF, which kgkt does not use, not copied"]
    target = whole_of(f"kglite:{tmp_path / 'target.kgl'}")
    assert [node.properties.get("note") for node in target.nodes if node.id == "main/concept/1"] == ["mine"]


def test_an_unfinished_graph_is_not_read(loaded):
    edit(loaded, "MATCH (g:Graph {graph: 'main'}) SET g.complete = false")
    with pytest.raises(InputError, match="graph main is being rebuilt, or interrupted: run populate"):
        whole_of(loaded)


def test_a_copy_that_ended_early_is_incomplete_and_is_made_again(tmp_path, store_url):
    source = f"kglite:{tmp_path / 'source.kgl'}"
    fill(source)
    whole = whole_of(source)
    last = dataclasses.replace(whole.nodes[-1], properties={**whole.nodes[-1].properties, "x": float("nan")})
    with pytest.raises(InputError, match="cannot be stored"), open_store(store_url, write=True) as store:
        write_snapshot(store, dataclasses.replace(whole, nodes=(*whole.nodes[:-1], last)))
    with pytest.raises(InputError, match=r"no graph named 'main'|being rebuilt, or interrupted"):
        whole_of(store_url)
    copy(source, store_url, replace=True)
    assert facts(whole_of(store_url)) == facts(whole)
