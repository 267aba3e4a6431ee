"""What every store must do; `store_url` runs it over all of them."""

from __future__ import annotations

import numpy as np
import pytest

from kgkt.errors import InputError, QueryError, UnsafeError
from kgkt.store.labels import read_classes, read_label_records, write_labels
from kgkt.store.load import (
    drop,
    freeze_classes,
    load_graph,
    set_active,
    set_edges,
    set_names,
    write,
    write_classes,
    write_items,
)
from kgkt.store.opening import open_store
from kgkt.store.protocol import Limits, Statement
from kgkt.store.readback import list_graphs, read_concept_graph, read_info
from kgkt.values import ConceptGraph
from tests.store.conftest import IDS, NAMES, K, digits_graph, edit


def concepts(url: str, graph: str = "main") -> tuple[ConceptGraph, list[str]]:
    value, _ = digits_graph(graph)
    with open_store(url) as store:
        return read_concept_graph(store, graph, value.centroids)


def small(k: int, edges: list[tuple[int, int]]) -> ConceptGraph:
    return ConceptGraph([f"s/concept/{i}" for i in range(k)], [f"c{i}" for i in range(k)],  # type: ignore[arg-type]
                        np.eye(k, 3), np.ones(k), np.ones(k, bool), np.array(edges).reshape(-1, 2),
                        np.ones(len(edges)), np.ones(len(edges)), np.zeros(k))


def test_what_is_loaded_is_read_back(loaded):
    value, more = digits_graph()
    back, notices = concepts(loaded)
    assert notices == []
    for name in ("keys", "names", "sizes", "active", "edges", "weights", "cosines", "themes"):
        np.testing.assert_array_equal(getattr(back, name), getattr(value, name), err_msg=name)
    with open_store(loaded) as store:
        info = read_info(store, "main")
        assert {**info, "n_concepts": K} == info
        assert {name: info[name] for name in more["info"]} == more["info"]
        centroids = store.ask("MATCH (c:Concept {key: 'main/concept/3'}) RETURN c.centroid, c.x, c.y").rows[0]
    np.testing.assert_array_equal(np.float32(centroids[0]), value.centroids[3])
    np.testing.assert_allclose(centroids[1:], more["coordinates"][3])


def test_nodes_relationships_and_paths_look_the_same_everywhere(loaded):
    with open_store(loaded) as store:
        for ask in (store.ask, lambda text: store.read(Statement("test", text))):
            (class_node,), = ask("MATCH (k:Class {name: '3'}) RETURN k").rows
            assert class_node == {"~node": "Class", "key": "main/class/3", "graph": "main", "name": "3"}
            (relationship,), = ask("MATCH (:Concept {key: 'main/concept/0'})-[e:IN_GRAPH]->() RETURN e").rows
            assert relationship == {"~relationship": "IN_GRAPH", "~start": "main/concept/0", "~end": "main"}
            (path,), = ask("MATCH p = (:Class {name: '3'})<-[*0..1]-() RETURN p").rows
            assert path == {"~path": [class_node]}
            (path,), = ask("MATCH p = (:Graph)-[:LEARNED_FROM]->(:Model) RETURN p").rows
            assert [next(iter(step)) for step in path["~path"]] == ["~node", "~relationship", "~node"]
            assert path["~path"][1]["~start"] == path["~path"][0]["key"] == "main"
            assert path["~path"][1]["~end"] == path["~path"][2]["key"] == "main/model/a"
            (inside,), = ask("MATCH (k:Class {name: '3'}) RETURN {a: [k], b: k.index} AS m").rows
            assert inside == {"a": [class_node], "b": None}


def test_every_node_has_one_label_a_name_a_graph_and_a_key(loaded):
    with open_store(loaded) as store:
        (count,), = store.ask("MATCH (n) WHERE size(labels(n)) <> 1 OR n.name IS NULL OR n.graph IS NULL "
                              "OR n.key IS NULL RETURN count(n) AS n").rows
        assert count == 0
        schema = store.schema()
        assert schema.labels - {"Block"} == {"Graph", "Model", "Concept", "Theme", "Item", "Class"}  # a constraint names it
        assert schema.types == {"LEARNED_FROM", "IN_GRAPH", "SIMILAR_TO", "PART_OF", "EXAMPLE_OF"}
        assert {"name", "key", "graph", "centroid", "auto_name"} <= schema.properties
        if store.engine == "kglite":  # which adds them to what it shows; a server forgets no name that ever was
            assert not {"id", "title", "type"} & schema.properties


def test_parameters_of_every_kind(loaded):
    params = {"i": 2**53 + 1, "f": 0.1, "s": "a'b", "b": True, "n": None, "l": [1, [2.5, None]], "m": {"a": [1]}}
    with open_store(loaded) as store:
        rows = store.ask("RETURN $i AS i, $f AS f, $s AS s, $b AS b, $n AS n, $l AS l, $m AS m", params)
    assert rows.dicts() == [params]
    assert rows.columns == tuple(params)


def test_limits_cut_rows_and_say_so(loaded):
    with open_store(loaded) as store:
        cut = store.ask("UNWIND range(1, 20) AS i RETURN i", limits=Limits(rows=5))
        assert (len(cut.rows), cut.truncated) == (5, True)
        whole = store.ask("UNWIND range(1, 5) AS i RETURN i", limits=Limits(rows=5))
        assert (len(whole.rows), whole.truncated) == (5, False)
        many = store.read(Statement("test", "UNWIND range(1, 20000) AS i RETURN i"))
        assert (len(many.rows), many.truncated) == (20000, False)
        limited = store.read(Statement("test", "UNWIND range(1, 20) AS i RETURN i"), limits=Limits(rows=5))
        assert (len(limited.rows), limited.truncated) == (5, True)


def test_wrong_cypher_and_writes_are_refused(loaded):
    with open_store(loaded) as store:
        with pytest.raises(QueryError):
            store.ask("MATCH (c:Concept RETURN c")
        with pytest.raises(QueryError, match="expected one statement, received 2"):
            store.ask("RETURN 1 AS a; RETURN 2 AS b")
        with pytest.raises(UnsafeError, match="SET would change the graph: add --rw"):
            store.ask("MATCH (c:Concept) SET c.name = 'x'")
        with pytest.raises(UnsafeError, match="LOAD CSV is refused"):
            store.ask("LOAD CSV FROM 'file:///etc/passwd' AS r RETURN r", write=True)
        assert store.ask("MATCH (c:Concept {name: 'x'}) RETURN count(c) AS n").rows == ((0,),)


def test_loading_again_replaces_the_graph(loaded):
    value, more = digits_graph()
    with open_store(loaded, write=True) as store:
        set_names(store, "main", {0: "mine"})
        load_graph(store, "main", value, **more)
    with open_store(loaded) as store:
        counts = dict(store.ask("MATCH (n) RETURN labels(n)[0] AS label, count(n) AS n").rows)
        assert store.ask("MATCH ()-[e:SIMILAR_TO]->() RETURN count(e) AS n").rows == ((len(value.edges),),)
    assert counts == {"Graph": 1, "Model": 1, "Concept": K, "Theme": 3, "Class": 10, "Item": len(more["items"])}
    assert concepts(loaded)[0].names[0] == "c0"


def test_two_graphs_in_one_database(loaded):
    value, more = digits_graph("other", 5)
    with open_store(loaded, write=True) as store:
        load_graph(store, "other", value, **more)
        set_names(store, "other", {0: "elsewhere"})
    assert concepts(loaded)[0].names[0] == "c0"
    with open_store(loaded, write=True) as store:
        assert [(info["name"], info["n_concepts"]) for info in list_graphs(store)] == [("main", K), ("other", 5)]
        drop(store, "main")
    with open_store(loaded) as store:
        assert [info["name"] for info in list_graphs(store)] == ["other"]
        assert store.ask("MATCH (n {graph: 'main'}) RETURN count(n) AS n").rows == ((0,),)
        assert read_concept_graph(store, "other", value.centroids)[0].names[0] == "elsewhere"
        with pytest.raises(InputError, match=r"^no graph named 'oter' in the database; did you mean other\?$"):
            read_info(store, "oter")


@pytest.mark.parametrize("value", [small(1, []), small(4, []), small(5, [(0, 1), (3, 4)])],
                         ids=["one concept", "no edges", "two components"])
def test_graphs_that_are_not_well_behaved(store_url, value):
    nothing = {"info": {}, "models": [], "items": [], "examples": [], "classes": []}
    with open_store(store_url, write=True) as store:
        load_graph(store, "s", value, np.zeros((len(value), 2)), **nothing)
    with open_store(store_url) as store:
        back, notices = read_concept_graph(store, "s", value.centroids)
        assert read_classes(store, "s") == ((), False, [])
    assert notices == []
    np.testing.assert_array_equal(back.edges, value.edges)
    assert back.weights.shape == (len(value.edges),)


def test_a_deleted_concept_counts_as_switched_off(loaded):
    edit(loaded, "MATCH (c:Concept {key: 'main/concept/2'}) DETACH DELETE c")
    value, notices = concepts(loaded)
    assert notices == [f"1 of {K} concepts were deleted from the database: they count as switched off"]
    assert value.active.tolist() == [i != 2 for i in range(K)]
    assert value.names[2] == "concept 2 (deleted)"
    assert not (value.edges == 2).any()


def test_names_switches_and_edges_that_people_set(loaded):
    with open_store(loaded, write=True) as store:
        set_names(store, "main", {1: "ones"})
        set_active(store, "main", {3: False, 4: False})
        set_active(store, "main", {4: True})
        set_edges(store, "main", [(9, 0, {"weight": 7.5})])
    edit(loaded, "MATCH (c:Concept {key: 'main/concept/5'}) SET c.active = false, c.name = null",
         "MATCH (a:Concept {key: 'main/concept/0'})-[e:SIMILAR_TO]-(b:Concept {key: 'main/concept/1'}) DELETE e",
         "MATCH (a:Concept {key: 'main/concept/1'}), (b:Concept {key: 'main/concept/0'}) "
         "MERGE (a)-[e:SIMILAR_TO]->(b) SET e.weight = 3")
    value, notices = concepts(loaded)
    assert notices == []
    assert value.names[[1, 5]].tolist() == ["ones", "c5"]
    assert np.flatnonzero(~value.active).tolist() == [3, 5]
    weights = {tuple(edge): weight for edge, weight in zip(value.edges.tolist(), value.weights.tolist(), strict=True)}
    assert weights[0, 9] == 7.5
    assert weights[0, 1] == 3
    cosine = value.cosines[(value.edges == (0, 1)).all(axis=1)]
    a, b = digits_graph()[0].centroids[:2].astype(float)
    np.testing.assert_allclose(cosine, a @ b / np.linalg.norm(a) / np.linalg.norm(b), rtol=1e-6)


MISTAKES = {
    "SET e.weight = null": "has no weight: set a number from 0 up, or delete it",
    "REMOVE e.weight": "has no weight: set a number from 0 up, or delete it",
    "SET e.weight = 'much'": "has weight 'much': set a number",
    "SET e.weight = -1": "has weight -1: set a number from 0 up",
    "SET e.weight = true": "has weight True: set a number",
    "MERGE (b)-[f:SIMILAR_TO]->(a) SET f.weight = 99":
        r"is there twice, with weights .* and .*: delete one, or set its weight",
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_an_edge_that_makes_no_sense_is_refused_by_name(loaded, mistake):
    edit(loaded, "MATCH (a:Concept {key: 'main/concept/0'}) SET a.name = 'round'",
         "MATCH (a:Concept {key: 'main/concept/0'})-[e:SIMILAR_TO]->(b:Concept {key: 'main/concept/1'}) " + mistake)
    with pytest.raises(InputError, match=r"^the edge between concepts 0 \(round\) and 1 \(c1\) " + MISTAKES[mistake]):
        concepts(loaded)


def test_what_is_passed_over_is_said(loaded):
    edit(loaded,
         "MATCH (a:Concept {key: 'main/concept/0'})-[e:SIMILAR_TO]->(b:Concept {key: 'main/concept/1'}) "
         "MERGE (b)-[f:SIMILAR_TO]->(a) SET f.weight = e.weight",
         "MATCH (a:Concept {key: 'main/concept/0'}) MERGE (a)-[f:SIMILAR_TO]->(a) SET f.weight = 1",
         "CREATE (c:Concept {graph: 'main', name: 'mine', active: true})",
         "MATCH (c:Concept {name: 'mine'}), (d:Concept {key: 'main/concept/4'}) MERGE (c)-[:SIMILAR_TO]->(d)",
         "MATCH (c:Concept {key: 'main/concept/0'}), (t:Theme {key: 'main/theme/1'}) MERGE (c)-[:PART_OF]->(t)")
    value, notices = concepts(loaded)
    assert sorted(notices) == [
        "1 edge there twice, in both directions: counted once",
        "concept c0 has an edge to itself: passed over",
        "concept c0 is part of several themes: the first counts",
        "concept mine was not made by populate: passed over"]
    np.testing.assert_array_equal(value.weights, digits_graph()[0].weights)


@pytest.mark.parametrize("bad", ["'no'", "0", "null"])
def test_a_switch_is_a_boolean(loaded, bad):
    edit(loaded, f"MATCH (c:Concept {{key: 'main/concept/7'}}) SET c.active = {bad}")
    with pytest.raises(InputError, match=r"^concept c7: active is .*; set it to true or false$"):
        concepts(loaded)


def test_the_order_of_the_classes(store_url):
    value, more = digits_graph()
    with open_store(store_url, write=True) as store:
        load_graph(store, "main", value, **{**more, "classes": []})
        write_classes(store, "main", ["10", "2", "b", "a10", "a9", "2"])
        assert read_classes(store, "main") == (("2", "10", "a9", "a10", "b"), False, [])
        freeze_classes(store, "main", ["b", "10", "2"])
        assert read_classes(store, "main") == (("b", "10", "2", "a9", "a10"), True, [])
        write_classes(store, "main", ["0", "b"])
        assert read_classes(store, "main") == (("b", "10", "2", "0", "a9", "a10"), True, [])
    edit(store_url, "CREATE (k:Class {graph: 'main', name: '0'})", "CREATE (k:Class {graph: 'main', name: 'new'})")
    with open_store(store_url) as store:
        names, _, notices = read_classes(store, "main")
    assert names == ("b", "10", "2", "0", "a9", "a10", "new")
    assert notices == ["class new has no key of its own: matched by its name"]


@pytest.mark.parametrize(("change", "said"), [
    ("MATCH (k:Class {name: '1'}) SET k.index = 0", "classes 0 and 1 share place 0"),
    ("MATCH (k:Class {name: '1'}) DETACH DELETE k", "no class stands at place 1, and 2 stands at 2"),
    ("MATCH (k:Class {name: '0'}) SET k.index = 12", "no class stands at place 0, and 1 stands at 1"),
    ("CREATE (k:Class {graph: 'main', name: '3', index: 4})", "class 3 stands at places"),
    ("MATCH (k:Class {name: '3'}) SET k.name = ' '", "a class of graph main has no name"),
])
def test_a_broken_order_of_classes_is_refused(store_url, change, said):
    value, more = digits_graph()
    with open_store(store_url, write=True) as store:
        load_graph(store, "main", value, **more, frozen=True)
        assert read_classes(store, "main") == (NAMES, True, [])
    edit(store_url, change)
    with open_store(store_url) as store, pytest.raises(InputError, match=said):
        read_classes(store, "main")


def test_the_ids_of_the_fixture_are_the_items_of_the_graph(loaded):
    with open_store(loaded) as store:
        found = {item for (item,) in store.ask("MATCH (i:Item) RETURN i.item_id").rows}
    assert found <= set(IDS.tolist())


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_no_number_is_stored_that_is_none(store_url, value):
    with open_store(store_url, write=True) as store:
        with pytest.raises(InputError, match=r"^write_items, row 1, props, x: -?(nan|inf) cannot be stored"):
            write(store, "write_items", [{"key": "a", "props": {"x": [1.0]}}, {"key": "b", "props": {"x": [value]}}])
        with pytest.raises(InputError, match="cannot be stored"):
            store.ask("RETURN $x AS x", {"x": value})
        assert store.ask("MATCH (n) RETURN count(n) AS n").rows == ((0,),)


def test_values_the_engine_cannot_hold_are_refused(store_url):
    with open_store(store_url, write=True) as store:
        for value in (10**30, object(), "\ud800"):
            with pytest.raises(InputError, match="a parameter of the query cannot be stored"):
                write(store, "write_items", [{"key": "a", "props": {"x": value}}])


@pytest.mark.parametrize("name", [
    "a'b", 'a"b', "a`b", "a\nb\r\n", "a\x00b", "\U0001f600", "\u202eabc", "x" * 1_000_000, "Robby' DETACH DELETE n //",
    "</script><img onerror=alert(1)>", "$graph", "{key: 1}", "caf\u00e9", "a/b", " ", "\\u0041", "1", "null"],
    ids=lambda name: repr(name[:12]))
def test_names_are_stored_as_data(store_url, name):
    with open_store(store_url, write=True) as store:
        if store.engine == "neo4j" and len(name) > 8000:  # its index holds no longer key
            with pytest.raises(InputError, match="a key of 1,000,010 characters is too long for Neo4j"):
                write_items(store, "main", [{"item_id": name}])
            write_items(store, "main", [{"item_id": "long", "text": name}])
            assert store.ask("MATCH (i:Item) RETURN i.text").rows == ((name,),)
            return
        write_items(store, "main", [{"item_id": name, "text": name}])
        if name.strip():
            write_labels(store, "main", [(name, name, "me", "now")])
            assert read_label_records(store, "main")[0] == [{"item_id": name, "class": name, "by": "me", "at": "now"}]
    with open_store(store_url) as store:
        rows = store.ask("MATCH (i:Item) RETURN i.item_id, i.name, i.text, i.key")
        assert rows.rows == ((name, name, name, f"main/item/{name}"),)
        assert store.ask("MATCH (i:Item {name: $name}) RETURN count(i)", {"name": name}).rows == ((1,),)
