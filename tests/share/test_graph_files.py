from __future__ import annotations

import json
from collections import Counter

import networkx as nx
import pytest

from kgkt.errors import InputError
from kgkt.share import graph_files as formats
from kgkt.store.snapshot import Edge, Node, Snapshot
from tests.share.awkward import CONCEPTS, NAMES, SIMILAR, WHOLE

STRIPPED = tuple(name.replace("\r\n", "\n").replace("\0", "").replace("\x07", "").replace("\x1b", "") for name in NAMES)


def test_graphml_is_read_again_by_networkx(tmp_path):
    notes = formats.write_graphml(WHOLE, tmp_path / "g.graphml")
    graph = nx.read_graphml(tmp_path / "g.graphml")
    assert len(graph) == 1 + len(NAMES)
    for i, name in enumerate(STRIPPED):
        node = graph.nodes[f"g/concept/{i}"]
        assert node["name"] == name
        assert node["labels"] == ":Concept"
        assert (node["size"], node["active"], node["x"]) == (i, i % 2 == 0, i / 4)
        assert json.loads(node["centroid"]) == [i + 0.5, -1.0]
        assert json.loads(node["note"]) == CONCEPTS[i].properties["note"]
        assert "empty" not in node
    found = Counter((a, b, facts["label"], facts.get("weight")) for a, b, facts in graph.edges(data=True))
    assert found == Counter([("g/concept/0", "g/concept/1", "LIKES/../`x`", None),
                             *((edge.start, edge.end, "SIMILAR_TO", edge.properties["weight"]) for edge in SIMILAR)])
    assert notes == {formats.LISTS: 2 * len(NAMES) + 1, formats.EMPTY: len(NAMES), formats.STRIPPED: 2}


def test_gexf_is_read_again_by_networkx(tmp_path):
    notes = formats.write_gexf(WHOLE, tmp_path / "g.gexf")
    graph = nx.read_gexf(tmp_path / "g.gexf")
    assert len(graph) == 1 + len(NAMES)
    for i, name in enumerate(STRIPPED):
        node = graph.nodes[f"g/concept/{i}"]
        assert node["label"] == node["name"] == name
        assert (node["size"], node["active"], node["x"]) == (i, i % 2 == 0, i / 4)
        assert json.loads(node["centroid"]) == [i + 0.5, -1.0]
    assert sorted(facts["weight"] for _, _, facts in graph.edges(data=True) if facts["label"] == "SIMILAR_TO") == [
        edge.properties["weight"] for edge in SIMILAR]
    assert notes[formats.STRIPPED] == 2


def test_json_holds_every_value_as_it_is(tmp_path):
    assert not formats.write_json(WHOLE, tmp_path / "g.json")
    data = json.loads((tmp_path / "g.json").read_text(encoding="utf-8"))
    graph = nx.node_link_graph(data, edges="edges")
    for node in CONCEPTS:
        assert graph.nodes[node.id] == {"labels": ["Concept"], **node.properties}
    assert graph.number_of_edges() == len(WHOLE.edges)
    assert graph.edges["g/concept/0", "g/concept/1", 0] == {
        "label": "LIKES/../`x`", "why": "two\nlines", "tags": ["a", "b;c"]}


@pytest.mark.parametrize(("write", "read"), [(formats.write_graphml, nx.read_graphml),
                                             (formats.write_gexf, nx.read_gexf)])
def test_ids_that_differ_in_a_control_character_stay_two(tmp_path, write, read):
    nodes = tuple(Node(key, ("Item",), {"key": key, "graph": "g", "name": key}) for key in ("g/item/a", "g/item/a\0"))
    write(Snapshot("g", nodes, (Edge(nodes[0].id, nodes[1].id, "LIKES", {}),)), tmp_path / "g.xml")
    graph = read(tmp_path / "g.xml")
    assert set(graph) == {"g/item/a", "g/item/a~2"}
    assert list(graph.edges()) == [("g/item/a", "g/item/a~2")]


def test_a_property_whose_name_the_format_keeps_gets_an_underscore(tmp_path):
    node = Node("g/item/a", ("Item",), {"key": "g/item/a", "name": "a", "id": 7, "start": "s", "label": "l"})
    whole = Snapshot("g", (node,), (Edge(node.id, node.id, "LIKES", {"type": "t", "source": "s", "key": 1}),))
    assert formats.write_gexf(whole, tmp_path / "g.gexf") == {formats.RENAMED: 6}
    graph = nx.read_gexf(tmp_path / "g.gexf")
    assert {"id_": 7, "start_": "s", "label_": "l"}.items() <= graph.nodes["g/item/a"].items()
    (edge,) = graph.edges(data=True)
    assert {"type_": "t", "source_": "s", "key_": 1}.items() <= edge[2].items()
    assert formats.write_json(whole, tmp_path / "g.json") == {formats.RENAMED: 3}
    assert formats.write_graphml(whole, tmp_path / "g.graphml") == {formats.RENAMED: 2}
    assert nx.read_graphml(tmp_path / "g.graphml").nodes["g/item/a"]["label"] == "l"


@pytest.mark.parametrize("write", [formats.write_graphml, formats.write_gexf, formats.write_json])
def test_a_place_that_is_a_folder_is_refused_and_a_failed_write_leaves_the_old_file(tmp_path, write):
    with pytest.raises(InputError, match="is a folder; name a file"):
        write(WHOLE, tmp_path)
    old = tmp_path / "old"
    old.write_text("old")
    bad = Node("g/item/a", ("Item",), {"key": "g/item/a", "name": object()})
    with pytest.raises((TypeError, nx.NetworkXError)):
        write(Snapshot("g", (bad,), ()), old)
    assert old.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["old"]
