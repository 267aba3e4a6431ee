"""Labels, ticks, masses and strengths, written by kgkt and by people; on every store."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from kgkt.errors import InputError
from kgkt.store.edits import read_edits
from kgkt.store.labels import (
    delete_labels,
    fix_order,
    forget_classes,
    read_classes,
    read_label_records,
    read_labels,
    write_labels,
)
from kgkt.store.load import (
    freeze_classes,
    load_graph,
    set_active,
    set_edges,
    set_merged,
    set_names,
    write_blocks,
    write_masses,
    write_measured,
)
from kgkt.store.opening import open_store
from kgkt.store.readback import read_strengths
from kgkt.values import BlockMap, Labels
from tests.store.conftest import IDS, NAMES, K, digits_graph, digits_map, edit

ME = ("me", "2026-11-24T10:00:00Z")


def said(url: str) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    with open_store(url) as store:
        labels, ticks = ([(s["item_id"], s["class"]) for s in part] for part in read_label_records(store, "main"))
    return labels, ticks


def labels_of(url: str) -> tuple[Labels, list[str]]:
    with open_store(url) as store:
        return read_labels(store, "main", IDS)


def test_labels_and_ticks_are_read_back(loaded):
    with open_store(loaded, write=True) as store:
        write_labels(store, "main", [("i3", "3", *ME), ("i9", "7", *ME)], [("i4", "3", *ME), ("i4", "2", *ME)],
                     items=[{"item_id": "i3", "uri": "3.png", "text": "three"}], examples=[("i3", 2, 0.5)])
    labels, notices = labels_of(loaded)
    assert notices == []
    assert labels.names == NAMES
    assert (labels.items.tolist(), labels.classes.tolist()) == ([3, 9], [3, 7])
    assert (labels.tick_items.tolist(), labels.tick_classes.tolist()) == ([4, 4], [2, 3])
    with open_store(loaded) as store:
        assert store.ask("MATCH (i:Item {item_id: 'i3'})-[e:LABELLED]->() RETURN i.uri, i.text, e.by, e.at").rows == (
            ("3.png", "three", *ME),)
        assert store.ask("MATCH (i:Item {item_id: 'i3'})-[e:EXAMPLE_OF]->(c {key: 'main/concept/2'}) "
                         "RETURN e.strength").rows == ((0.5,),)


def test_a_new_word_takes_the_place_of_what_contradicts_it(loaded):
    with open_store(loaded, write=True) as store:
        write_labels(store, "main", [("i3", "3", *ME)], [("i4", "3", *ME), ("i5", "3", *ME)])
        write_labels(store, "main", [("i3", "8", *ME), ("i4", "3", *ME)])
    assert said(loaded) == ([("i3", "8"), ("i4", "3")], [("i5", "3")])
    with open_store(loaded, write=True) as store:
        write_labels(store, "main", [], [("i3", "8", *ME), ("i4", "5", *ME)])
    assert said(loaded) == ([("i4", "3")], [("i3", "8"), ("i4", "5"), ("i5", "3")])
    with open_store(loaded, write=True) as store:
        delete_labels(store, "main", labels=[("i4", "3"), ("i9", "9")], ticks=[("i3", "8"), ("i5", "4")])
    assert said(loaded) == ([], [("i4", "5"), ("i5", "3")])


@pytest.mark.parametrize(("labels", "ticks", "text"), [
    ([("i1", "a"), ("i1", "b")], [], "item i1 is labelled a and b: give it one class"),
    ([("i1", "")], [], "item i1 has an empty class name: name the class"),
    ([], [("i1", " ")], "item i1 has an empty class name: name the class"),
    ([("i1", "a")], [("i1", "a")], "item i1 is labelled a and ticked as not a: choose one"),
])
def test_words_that_make_no_sense_are_refused_before_anything_is_written(loaded, labels, ticks, text):
    with open_store(loaded, write=True) as store:
        with pytest.raises(InputError, match=f"^{text}$"):
            write_labels(store, "main", *([(*pair, *ME) for pair in part] for part in (labels, ticks)))
        assert read_label_records(store, "main") == ([], [])


LABEL = "MATCH (i:Item {item_id: '%s'}), (k:Class {name: '%s'}) MERGE (i)-[:%s]->(k)"


def first_item(url: str) -> str:
    with open_store(url) as store:
        return store.ask("MATCH (i:Item) RETURN i.item_id AS id ORDER BY id LIMIT 1").rows[0][0]


@pytest.mark.parametrize(("texts", "said"), [
    ([LABEL % ("ITEM", 3, "LABELLED"), LABEL % ("ITEM", 4, "LABELLED")],
     "item ITEM has two labels, 3 and 4: delete one"),
    ([LABEL % ("ITEM", 3, "LABELLED"), LABEL % ("ITEM", 3, "LABELLED_NOT")],
     "item ITEM is labelled 3 and ticked as not 3: delete one"),
    (["CREATE (i:Item {graph: 'main', item_id: 'zz', name: 'zz'})", LABEL % ("zz", 3, "LABELLED")],
     "item zz is labelled but not in the pool: take the label away, or populate with the data that holds it"),
    (["CREATE (i:Item {graph: 'main', item_id: 'zz', name: 'zz'})", LABEL % ("zz", 3, "LABELLED_NOT")],
     "item zz is labelled but not in the pool"),
    (["CREATE (k:Class {graph: 'other', name: 'x'})", LABEL % ("ITEM", "x", "LABELLED")],
     "item ITEM is labelled with class x of graph other: use a class of main"),
    (["CREATE (k:Class {graph: 'main', name: 'x'})", LABEL % ("ITEM", "x", "LABELLED"),
      "MATCH (k:Class {name: 'x'}) SET k.name = ' '"],
     "a class of graph main has no name: set its name, or delete it"),
])
def test_what_people_wrote_in_cypher_is_checked(loaded, texts, said):
    item = first_item(loaded)
    edit(loaded, *(text.replace("ITEM", item) for text in texts))
    with pytest.raises(InputError, match=said.replace("ITEM", item)):
        labels_of(loaded)


def test_a_class_made_in_cypher_is_matched_by_its_name(loaded):
    item = first_item(loaded)
    edit(loaded, "CREATE (k:Class {graph: 'main', name: 'boot'})", LABEL % (item, "boot", "LABELLED"))
    labels, notices = labels_of(loaded)
    assert labels.names == (*NAMES, "boot")
    assert [labels.names[c] for c in labels.classes] == ["boot"]
    assert notices == ["class boot has no key of its own: matched by its name"]
    with open_store(loaded, write=True) as store:  # the same class, now with a key: still one
        write_labels(store, "main", [("i7", "boot", *ME)], [(item, "boot", *ME)])
    labels, _ = labels_of(loaded)
    assert labels.names == (*NAMES, "boot")
    assert labels.items.tolist() == [7]
    assert len(labels.tick_items) == 1


def test_an_item_without_an_item_id_is_known_by_its_key(loaded):
    item = first_item(loaded)
    edit(loaded, f"MATCH (i:Item {{item_id: '{item}'}}) REMOVE i.item_id",
         f"MATCH (i:Item {{key: 'main/item/{item}'}}), (k:Class {{name: '3'}}) MERGE (i)-[:LABELLED]->(k)")
    assert labels_of(loaded)[0].items.tolist() == [int(item[1:])]


def test_masses_replace_those_before(loaded):
    mass = np.zeros((K, 10))
    mass[0, :3] = 0.9, 0.06, 0.04
    with open_store(loaded, write=True) as store:
        write_masses(store, "main", np.full((K, 10), 0.1), NAMES)
        write_masses(store, "main", mass, NAMES)
    with open_store(loaded) as store:
        rows = store.ask("MATCH (c:Concept)-[l:LEANS_TO]->(k:Class) RETURN c.key, k.name, l.mass ORDER BY l.mass").rows
    assert rows == (("main/concept/0", "1", 0.06), ("main/concept/0", "0", 0.9))
    with open_store(loaded, write=True) as store, pytest.raises(
            InputError, match=r"^mass: expected shape \(any, 3\), received \(12, 10\)$"):
        write_masses(store, "main", mass, NAMES[:3])


def strengths(url: str) -> dict[str, tuple[csr_matrix, csr_matrix]]:
    with open_store(url) as store:
        return read_strengths(store, "main", "b", digits_map().blocks)


@pytest.fixture
def mapped(loaded: str) -> str:
    with open_store(loaded, write=True) as store:
        write_blocks(store, "main", {"name": "b", "role": "target", "n_weights": 7}, digits_map(), NAMES)
    return loaded


def test_strengths_are_read_back_with_what_people_changed(mapped):
    for layer, (strength, planned) in strengths(mapped).items():
        np.testing.assert_array_equal(strength.toarray(), digits_map().strength[layer].toarray())
        np.testing.assert_array_equal(planned.toarray(), digits_map().planned[layer].toarray())
    edit(mapped, "MATCH (:Concept {key: 'main/concept/4'})-[m:MAPS_TO]->(b:Block {layer: 'dense'}) SET m.strength = 0",
         "MATCH (c:Concept {key: 'main/concept/4'}), (b:Block {key: 'main/block/b/dense/2'}) "
         "MERGE (c)-[m:MAPS_TO]->(b) SET m.strength = 0.25")
    strength, planned = strengths(mapped)["dense"]
    assert strength[4].toarray().tolist() == [[0, 0, 0.25]]
    assert planned[4].toarray().tolist() == [[0, 0.5, 0]]
    with open_store(mapped) as store:
        assert store.ask("MATCH (b:Block {model: 'b', kind: 'head'}) RETURN b.name ORDER BY b.index").rows == tuple(
            (name,) for name in NAMES)
        assert store.ask("MATCH (b:Block)-[:IN_MODEL]->(m:Model {name: 'b'}) RETURN count(b), m.n_weights").rows == (
            (13, 7),)


def test_a_new_map_replaces_the_old_and_keeps_the_strengths_it_is_given(mapped):
    dense = csr_matrix(np.eye(2)[np.arange(K) % 2])
    strength = dense.copy()
    strength[5, 1] = 0
    new = BlockMap({"dense": digits_map().blocks["dense"][:2]}, {"dense": dense}, {"dense": strength})
    with open_store(mapped, write=True) as store:
        write_blocks(store, "main", {"name": "b", "role": "target"}, new, NAMES)
        write_blocks(store, "main", {"name": "c", "role": "target"}, digits_map(), NAMES)
    with open_store(mapped) as store:
        back, planned = read_strengths(store, "main", "b", new.blocks)["dense"]
        assert store.ask("MATCH (b:Block {model: 'b'}) RETURN count(b) AS n").rows == ((2,),)
        assert store.ask("MATCH (b:Block {model: 'c'}) RETURN count(b) AS n").rows == ((13,),)
    assert back[5].toarray().tolist() == [[0, 0]]
    assert planned[5].toarray().tolist() == [[0, 1]]


def test_what_is_measured_stands_beside_strengths_and_is_replaced_as_a_whole(mapped):
    edit(mapped, "MATCH (:Concept {key: 'main/concept/4'})-[m:MAPS_TO]->(b:Block {layer: 'dense'}) SET m.strength = 0")
    before = strengths(mapped)
    for measured in ([(4, "dense", 1, 0.5), (4, "dense", 0, 0.25)], [(4, "dense", 1, -0.5), (5, "dense", 0, 0.75)]):
        with open_store(mapped, write=True) as store:
            write_measured(store, "main", "b", measured, "b-fused.keras", "00")
        for layer, (strength, planned) in strengths(mapped).items():
            assert (strength != before[layer][0]).nnz == (planned != before[layer][1]).nnz == 0
        with open_store(mapped) as store:
            rows = store.ask("MATCH (c:Concept)-[m:MAPS_TO]->(b:Block) WHERE m.measured IS NOT NULL "
                             "RETURN c.key, b.index, m.strength, m.measured ORDER BY b.index DESC").rows
            model = store.ask("MATCH (m:Model {name: 'b'}) RETURN m.measured_on, m.n_weights").rows
        assert model == (("b-fused.keras", 7),)
    assert rows == (("main/concept/4", 1, 0.0, -0.5), ("main/concept/5", 0, 0.0, 0.75))
    edit(mapped, "MATCH (:Concept {key: 'main/concept/5'})-[m:MAPS_TO]->(b:Block {layer: 'dense', index: 0}) SET m.strength = 0.5")
    assert strengths(mapped)["dense"][0][5].toarray().tolist() == [[0.5, 0, 0.5]]  # a person may take it for more
    with open_store(mapped, write=True) as store:
        write_blocks(store, "main", {"name": "b", "role": "target"}, digits_map(), NAMES)
    with open_store(mapped) as store:
        assert store.ask("MATCH (m:Model {name: 'b'}) RETURN m.measured_on").rows == ((None,),)


@pytest.mark.parametrize(("change", "said"), [
    ("SET m.strength = 'x'", r"strength of concept 4 to dense 1 has weight 'x': set a number from 0 up"),
    ("SET m.strength = null", r"strength of concept 4 to dense 1 has no weight"),
    ("SET m.planned = -1", r"planned of concept 4 to dense 1 has weight -1"),
    ("SET b.index = 7", r"model b has no block dense 7: run kgkt map again"),
    ("SET b.layer = 'gone'", r"model b has no block gone 1: run kgkt map again"),
    ("CREATE (c)-[:MAPS_TO {strength: 9, planned: 9}]->(b)", r"concept 4 maps to dense 1 twice"),
])
def test_a_strength_that_makes_no_sense_is_refused_by_name(mapped, change, said):
    edit(mapped, "MATCH (c:Concept {key: 'main/concept/4'})-[m:MAPS_TO]->(b:Block {layer: 'dense'}) " + change)
    with pytest.raises(InputError, match=said):
        strengths(mapped)


def test_everything_that_people_said(loaded):
    value, _ = digits_graph()
    a, b = value.edges[0].tolist()
    with open_store(loaded, write=True) as store:
        assert read_edits(store, "main", value) == {
            "labels": [], "ticks": [], "names": {}, "switched_off": [], "deleted": [], "classes": list(NAMES),
            "frozen": False, "edges": [], "merged": []}
        write_labels(store, "main", [("i3", "3", *ME)], [("i4", "3", *ME)])
        set_names(store, "main", {2: "twos", 7: "sevens", 8: "c8"})
        set_active(store, "main", {7: False})
        set_edges(store, "main", [(a, b, {"weight": 42})])
        freeze_classes(store, "main", NAMES)
        set_merged(store, "main", [(9, 3)])
    gone = value.edges[-1].tolist()
    edit(loaded, f"MATCH (:Concept {{key: 'main/concept/{gone[0]}'}})-[e:SIMILAR_TO]-"
                 f"(:Concept {{key: 'main/concept/{gone[1]}'}}) DELETE e",
         "MATCH (c:Concept {key: 'main/concept/6'}) DETACH DELETE c")
    with open_store(loaded) as store:
        people = read_edits(store, "main", value)
    assert people == {
        "labels": [{"item_id": "i3", "class": "3", "by": ME[0], "at": ME[1]}],
        "ticks": [{"item_id": "i4", "class": "3", "by": ME[0], "at": ME[1]}],
        "names": {"2": "twos", "7": "sevens"}, "switched_off": [7], "deleted": [6], "classes": list(NAMES),
        "frozen": True, "edges": [[a, b, 42], [*gone, None]], "merged": [[9, 3]]}


def test_what_people_said_follows_into_a_graph_made_again(loaded):
    value, more = digits_graph()
    with open_store(loaded, write=True) as store:
        write_labels(store, "main", [("i3", "3", *ME)])
        people = read_edits(store, "main")
        load_graph(store, "main", value, **more)
        assert read_label_records(store, "main") == ([], [])
        write_labels(store, "main", [tuple(s.values()) for s in people["labels"]])
    assert said(loaded) == ([("i3", "3")], [])


def test_classes_that_nothing_names_are_forgotten(loaded):
    with open_store(loaded, write=True) as store:
        write_labels(store, "main", [("i3", "3", *ME)], [("i4", "2", *ME)])
        write_masses(store, "main", np.full((K, len(NAMES)), 0.1), NAMES)
    edit(loaded, "MATCH (k:Class {name: '5'}) SET k.note = 'mine'", "MATCH (k:Class {name: '6'}) SET k.index = 0",
         "MATCH (k:Class {name: '7'}), (c:Concept {key: 'main/concept/1'}) CREATE (k)-[:SEEN_IN]->(c)",
         "CREATE (k:Class {graph: 'main', name: 'own'})")
    with open_store(loaded, write=True) as store:
        assert forget_classes(store, "main", ["9", "2", "3", "4", "5", "6", "7", "own", "none"]) == ["4", "9"]
        assert read_classes(store, "main")[0] == ("6", "0", "1", "2", "3", "5", "7", "8", "own")
        assert forget_classes(store, "main", []) == []


def test_a_shorter_order_takes_the_place_of_a_longer_one(loaded):
    longer = (*NAMES, "cross", "other", "own", "said")
    with open_store(loaded, write=True) as store:
        freeze_classes(store, "main", longer)
        write_labels(store, "main", [("i3", "said", *ME)])
        write_blocks(store, "main", {"name": "wide", "role": "target"}, digits_map(), ("other", *NAMES[1:]))
    edit(loaded, "MATCH (k:Class {name: 'own'}) SET k.note = 'mine'")
    with open_store(loaded, write=True) as store:
        assert fix_order(store, "main", NAMES[::-1], "b") == (["cross"], ["other", "own", "said"])
        assert read_classes(store, "main") == ((*NAMES[::-1], "other", "said", "own"), True, [])
        delete_labels(store, "main", [("i3", "said")])
        assert fix_order(store, "main", NAMES, "wide") == (["other", "said"], ["own"])  # its slots are written anew
        assert read_classes(store, "main")[0] == (*NAMES, "own")
        assert fix_order(store, "main", (*NAMES, "own", "new")) == ([], [])
        assert read_classes(store, "main")[0] == (*NAMES, "own", "new")


def test_a_shorter_order_of_a_graph_in_which_nothing_is_mapped(loaded):
    with open_store(loaded, write=True) as store:
        freeze_classes(store, "main", (*NAMES, "cross"))
        assert fix_order(store, "main", NAMES) == (["cross"], [])
        assert read_classes(store, "main") == (NAMES, True, [])
