"""name, switch, undo: what they change, what they refuse, and that everything can be taken back, in odd orders too."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kgkt.store.opening import open_store
from kgkt.store.snapshot import read_snapshot
from tests.cli.conftest import Kgkt, write_labels

EDITS = "kgkt-run/main/edits.jsonl"
FEATURES = ("populate", "--features")


def holds(graph: str = "main", url: str = "kglite:kgkt-run/graph.kgl") -> Any:
    """Everything in the graph but what the last `propagate` derived."""
    with open_store(url) as store:
        found = read_snapshot(store, graph)
    return found.nodes, tuple(edge for edge in found.edges if edge.type != "LEANS_TO")


def concepts(kgkt: Kgkt, graph: str = "main") -> dict[str, tuple[str, bool]]:
    """Number -> name and switch of every concept."""
    query = "MATCH (c:Concept {graph: $graph}) RETURN c.key AS key, c.name AS name, c.active AS active"
    rows = kgkt("query", query, "--graph", graph).json["rows"]
    return {key.rsplit("/", 1)[1]: (name, active) for key, name, active in rows}


def stale(kgkt: Kgkt) -> bool:
    return bool(kgkt("check").json["stages"]["propagate"]["stale"])


def test_a_name_and_its_undo(labelled: Path, kgkt: Kgkt) -> None:
    kgkt("propagate")
    was = concepts(kgkt)
    done = kgkt("name", 7, "loops")
    assert (done.json["concept"], done.json["name"], done.json["was"]) == (7, "loops", was["7"][0])
    assert kgkt("name", "loops", "big loops").json["was"] == "loops"
    assert kgkt("name", "main/concept/7", "big loops").json["edit"] is None  # called so already
    assert concepts(kgkt) == was | {"7": ("big loops", True)}
    assert not stale(kgkt)  # names teach nothing
    assert kgkt("name", "c007", "--reset").json["name"] == was["7"][0]
    assert "2 other concepts" not in kgkt("name", 8, "twin").err
    assert "1 other concept is called 'twin' too: 8" in kgkt("name", 9, "twin").err
    two = kgkt("name", "twin", "x")
    assert (two.code, "'twin' is the name of concepts 8, 9; write c008 or c009" in two.err) == (3, True)
    kgkt("undo"), kgkt("undo"), kgkt("undo")
    assert concepts(kgkt) == was | {"7": ("big loops", True)}
    assert kgkt("undo", "--list").json["rows"][0][3:5] == ["undo", "takes back edit 4"]


def test_a_switch_says_what_it_holds_and_is_undone(labelled: Path, kgkt: Kgkt) -> None:
    kgkt("propagate")
    before = holds()
    item = labelled.joinpath("labels.csv").read_text().splitlines()[1].split(",")
    query = "MATCH (:Item {item_id: $item})-[:EXAMPLE_OF]->(c:Concept) RETURN c.key AS key, c.size AS size"
    found = kgkt("query", query, "--param", f"item={item[0]}").json["rows"]
    asked = ("switch", "off", query, "--param", f"item={item[0]}")
    tried = kgkt(*asked, "--dry-run").json
    assert holds() == before
    done = kgkt(*asked).json
    assert {f"main/concept/{n}" for n in done["concepts"]} == {key for key, _ in found}
    assert (done["items"], done["already"], tried["edit"]) == (sum(size for _, size in found), 0, None)
    assert f"{item[0]}={item[1]}" in done["labels"]
    assert done["effect"]["changed"] == tried["effect"]["changed"] > 0
    assert stale(kgkt)
    again = kgkt(*asked, "--format", "table")
    assert f"{len(found)} concept{'s are' if len(found) > 1 else ' is'} off already: nothing to do" in again.out
    back = kgkt("undo").json
    assert (back["undone"], back["effect"]["changed"]) == (2, done["effect"]["changed"])
    assert holds() == before
    assert not stale(kgkt)
    assert len(kgkt("switch", "off", "--concept", 3, "--concept", "main/concept/4").json["concepts"]) == 2
    assert list(kgkt("switch", "on", "switched_off").json["concepts"]) == ["3", "4"]
    assert holds() == before


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("switch", "off", "MATCH (c:Concept) RETURN c.name"), 3, "the query has no column key, but c.name: end it with RETURN"),
        (("switch", "off", "MATCH (c:Concept {name: '?'}) RETURN c.key AS key"), 3, "the query found no concepts (0 rows)"),
        (("switch", "off", "MATCH (c:Concept) RETURN c.key AS key"), 3, "every concept would be off"),
        (("switch", "off", "MATCH (c:Class) RETURN c.key AS key"), 3, "10 of 10 keys are of no concept of graph main: 'main/class/"),
        (("switch", "off", "MATCH (c:Concept) SET c.active = false RETURN c.key AS key"), 5, "SET would change the graph"),
        (("switch", "off", "UNWIND range(1, 100001) AS i RETURN 'main/concept/1' AS key"), 3, "more than 100,000 rows"),
        (("switch", "off", "RETURN 1 AS key; RETURN 2 AS key"), 2, "switch takes one statement, and here are 2"),
        (("switch", "off", "doubtfull"), 3, "did you mean doubtful"),
        (("switch", "of", "doubtful"), 2, "switch 'of'; did you mean off?"),
        (("switch", "off"), 2, "give one query that returns the keys of concepts"),
        (("switch", "off", "doubtful", "--concept", 1), 2, "give one query that returns the keys of concepts"),
        (("switch", "off", "--concept", 99), 3, "no concept 99 in graph main: it has the numbers 0 to 59"),
        (("name", "i99999", "x"), 3, "no concept 'i99999' in graph main; "),
        (("name", 7), 2, "give the new name"),
        (("name", 7, "x", "--reset"), 2, "give the new name"),
        (("name", 7, " "), 3, "the name is empty"),
        (("name", 7, "15"), 3, "'15' is how concept 15 is called by its number"),
        (("name", 7, "c015"), 3, "'c015' is how concept 15 is called by its number"),
        (("undo", 9), 3, "no edit 9: kgkt undo --list shows 1 to 1"),
        (("undo", 1, "--list"), 2, "kgkt undo 1 takes that one back"),
        (("undo", "--format", "csv"), 2, "csv is for undo --list"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_refused_and_changes_nothing(
    labelled: Path, kgkt: Kgkt, arguments: tuple[object, ...], code: int, says: str
) -> None:
    before, log = holds(), Path(EDITS).read_bytes()
    done = kgkt(*arguments)
    assert (done.code, says in done.err, done.err.count("Traceback")) == (code, True, 0), done.err
    assert (holds(), Path(EDITS).read_bytes()) == (before, log)


def test_labels_ticks_and_corrections_are_undone_one_by_one(populated: Path, kgkt: Kgkt) -> None:
    states = [holds()]
    first = kgkt("label", "i0000=cat", "i0001=dog")
    assert first.json["effect"]["now"].keys() == {"cat", "dog"}  # of items that had no class
    states.append(holds())
    for words in (("i0000=cow",), ("i0001=not:cow", "i0002=not:dog"), ("i0001=cow",)):
        kgkt("label", *words)
        states.append(holds())
    assert len(set(map(repr, states))) == 5
    listed = kgkt("undo", "--list").json["rows"]
    assert [row[4] for row in listed] == [
        "i0001 is cow (was dog and not cow)", "1 label, 2 ticks", "i0000 is cow (was cat)", "2 labels"]
    for state in states[-2::-1]:
        assert kgkt("undo").code == 0
        assert holds() == state
    done = kgkt("undo")
    assert (done.code, "nothing to undo" in done.err) == (3, True)
    assert kgkt("undo", 8).code == 0  # the last undo but one: the correction is not made again before its label is


def test_three_verbs_at_once_take_turns(labelled: Path, kgkt: Kgkt) -> None:
    verb = [sys.executable, "-c", "from kgkt.cli import main; main()", "name"]
    at_once = [subprocess.Popen([*verb, str(n), f"mine {n}"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
               for n in (1, 2, 3)]
    said = [process.communicate(timeout=120)[1] for process in at_once]
    assert [process.returncode for process in at_once] == [0, 0, 0], said
    assert [concepts(kgkt)[n][0] for n in "123"] == ["mine 1", "mine 2", "mine 3"]
    assert sorted(row[0] for row in kgkt("undo", "--list").json["rows"]) == [1, 2, 3, 4]


def test_what_stands_already_is_no_edit_and_is_said(labelled: Path, kgkt: Kgkt) -> None:
    kgkt("label", "i0000=cat", "i0001=not:cat")  # 2
    before, log = holds(), Path(EDITS).read_bytes()
    for words, says in ((("i0000=cat",), "1 was there already: nothing to do; 11 classes now.\n"),
                        (("i0000=cat", "i0001=not:cat"), "2 were there already: nothing to do; 11 classes now.\n")):
        assert kgkt("label", *words, "--format", "table").out == says
    write_labels(labelled / "again.csv", [("i0000", "cat")])
    done = kgkt("label", "--file", "again.csv").json
    assert (done["already"], done["labels"], done["edit"], done["known_file"]) == (1, 0, None, False)
    assert kgkt("label", "--file", "again.csv").json["known_file"]
    assert (holds(), Path(EDITS).read_bytes()) == (before, log)
    some = kgkt("label", "i0000=cat", "i0001=cat", "i0002=cat").json  # i0001 was denied to be one
    assert (some["labels"], some["already"], some["replaced"]) == (2, 1, 0)
    listed = kgkt("undo", "--list").json["rows"]
    assert [row[4] for row in listed[:2]] == ["2 labels", "1 label, 1 tick"]
    kgkt("undo")
    assert holds() == before
    kgkt("label", "i0000=not:cat")
    known = kgkt("label", "--file", "again.csv")
    assert (known.json["known_file"], known.json["differ"]) == (True, [["i0000", "cat"]])
    assert "1 label of again.csv stands otherwise now (i0000 is without a label, here cat): --again imports" in known.err
    assert kgkt("label", "--file", "again.csv", "--again").json["labels"] == 1


def test_what_an_undo_says_stands_after_it(labelled: Path, kgkt: Kgkt) -> None:
    kgkt("switch", "off", "--concept", 3)  # 2
    kgkt("switch", "off", *(part for n in (4, 5, 6, 7) for part in ("--concept", n)))  # 3
    kgkt("merge", 8, 9)  # 4
    name = concepts(kgkt)["8"][0]
    kgkt("name", 8, "x")  # 5
    says = [kgkt("undo", *n, "--format", "table").out.splitlines()[0] for n in ((), (), (), (2,), (1,), (10,), (11,))]
    assert says == [
        f"edit 5 (name) is undone: concept 8 is called '{name}' again; make it again: kgkt undo 6",
        "edit 4 (merge) is undone: concept 9 stands by itself again; make it again: kgkt undo 7",
        "edit 3 (switch) is undone: 4 concepts are on again: 4, 5, 6, 7; make it again: kgkt undo 8",
        "edit 2 (switch) is undone: concept 3 is on again; make it again: kgkt undo 9",
        "edit 1 (label) is undone: 20 items have no label again; make it again: kgkt undo 10",
        "edit 1 (label) is made again: 20 items have the labels and ticks of before again; take it back: kgkt undo 11",
        "edit 1 (label) is undone: 20 items have no label again; make it again: kgkt undo 12",
    ]


def test_what_was_changed_since_is_not_undone_and_says_by_what(labelled: Path, kgkt: Kgkt) -> None:
    kgkt("label", "i0000=a")  # 2
    kgkt("label", "i0000=b")  # 3
    done = kgkt("undo", 2)
    assert (done.code, "edit 2 (label) is not undone, because what it made was changed again since:\n"
            "  i0000 is b, by edit 3 (label): undo that first" in done.err) == (3, True)  # fmt: skip
    assert kgkt("undo", 3).code == kgkt("undo", 2).code == 0  # 4, 5
    done = kgkt("undo", 3)
    assert (done.code, "edit 3 (label) is undone already, by edit 4: kgkt undo 4 makes it again" in done.err) == (3, True)
    done = kgkt("undo", 4)
    assert (done.code, "i0000 has no label, by edit 5 (undo): undo that first" in done.err) == (3, True)
    again = kgkt("undo", 5).json
    assert (again["undone"], again["of"], again["what"], again["again"]) == (5, 2, "i0000 is a", True)
    assert "edit 3 (label) is made again: i0000 is b again; take it back: kgkt undo 7" in kgkt("undo", 4, "--format", "table").out
    assert [row[4] for row in kgkt("undo", "--list").json["rows"][:4]] == [
        "makes edit 3 again", "makes edit 2 again", "takes back edit 2", "takes back edit 3"]
    kgkt("name", 1, "x")  # 8
    kgkt("query", "MATCH (c:Concept {key: 'main/concept/1'}) SET c.name = 'y'", "--rw", "--force")
    done = kgkt("undo")
    assert (done.code, "concept 1 is called 'y', which no verb of kgkt did (an edit in Cypher" in done.err) == (3, True)
    kgkt("query", "MATCH (c:Concept {key: 'main/concept/1'}) DETACH DELETE c", "--rw", "--force")
    assert "concept 1 has no name, which no verb of kgkt did" in kgkt("undo").err
    kgkt("query", "MATCH (i:Item {item_id: 'i0000'})-[e:LABELLED]->() DELETE e", "--rw", "--force")
    assert "i0000 has no label, which no verb of kgkt did" in kgkt("undo", 3).err


def test_an_undo_may_not_leave_every_concept_off(labelled: Path, kgkt: Kgkt) -> None:
    kgkt("switch", "off", "--concept", 5)
    kgkt("switch", "on", "--concept", 5)
    kgkt("query", "MATCH (c:Concept) WHERE NOT c.key ENDS WITH '/5' SET c.active = false", "--rw", "--force")
    done = kgkt("undo")
    assert (done.code, "every concept would be off" in done.err) == (3, True)


def test_an_imported_file_can_be_imported_again_after_its_undo(labelled: Path, kgkt: Kgkt) -> None:
    whole = holds()
    assert kgkt("label", "--file", "labels.csv").json["known_file"]
    assert kgkt("undo").json["what"] == "20 labels, labels.csv"
    assert kgkt("query", "MATCH (k:Class) RETURN count(k)").json["rows"] == [[0]]
    assert kgkt("undo", 2).code == 0
    assert holds() == whole
    assert kgkt("label", "--file", "labels.csv").json["known_file"]
    kgkt("undo", 3)
    assert kgkt("label", "--file", "labels.csv").json["labels"] == 20


def test_run_leaves_an_import_undone_until_a_person_imports_it(labelled: Path, kgkt: Kgkt) -> None:
    Path("kgkt.toml").write_text('[source]\nmodel = "a.keras"\nlayers = ["mid", "emb"]\ndata = "pool.npz"\n'
                                 '[teach]\nlabels = "labels.csv"\n')
    kgkt("label", "i0000=cat", "i0001=dog", "i0002=cat")  # 2
    kgkt("undo", 1)  # 3
    bare = holds()
    done = kgkt("run")
    assert (done.code, done.json["stages"]["label"]) == (0, "fresh")
    assert "labels.csv stays undone, by edit 3: kgkt label --file labels.csv imports it again" in done.err
    assert holds() == bare
    assert kgkt("label", "--file", "labels.csv").json["labels"] == 20  # 4
    assert kgkt("run").err == ""
    kgkt("undo")  # 5
    assert "stays undone, by edit 5" in kgkt("run").err
    kgkt("undo", 5)  # 6
    assert kgkt("run").err == ""


def test_digits_that_are_a_name_and_a_number(labelled: Path, kgkt: Kgkt) -> None:
    rename = "MATCH (c:Concept {key: 'main/concept/%d'}) SET c.name = '%s'"
    for number, called in ((20, "0011"), (21, "12"), (22, "c013"), (23, "13")):
        kgkt("query", rename % (number, called), "--rw", "--force")
    assert kgkt("name", "0011", "x").json["concept"] == 20  # digits that begin with 0 are a name where there is one
    assert kgkt("name", "0011", "y").json["concept"] == 11
    was = concepts(kgkt)
    for said, says in (("12", "'12' is the number of concept 12 (%r) and the name of concept 21; write c012 or c021"),
                       ("13", "'13' is the number of concept 13 (%r) and the name of concept 23; write "
                        "main/concept/13 or c023"),
                       ("c013", "'c013' is the number of concept 13 (%r) and the name of concept 22; write "
                        "main/concept/13 or c022")):  # fmt: skip
        words = says % was[said.strip("c0")][0]
        for arguments in (("name", said, "z"), ("switch", "off", "--concept", said), ("merge", 1, said)):
            done = kgkt(*arguments)
            assert (done.code, words in done.err) == (3, True), done.err
    assert concepts(kgkt) == was
    assert [kgkt("name", said, "z").json["concept"] for said in ("c012", "c021", "main/concept/13", "c023")] == [
        12, 21, 13, 23]  # fmt: skip


def test_a_plain_undo_goes_to_the_newest_edit_that_can_be_undone(populated: Path, kgkt: Kgkt, digits: Any) -> None:
    np.savez("flat.npz", pixels=digits.pool_x.reshape(600, 64), item_id=digits.pool_ids)
    main = ("--graph", "flat")
    kgkt(*FEATURES, "flat.npz", *main)
    kgkt("label", "i0000=a", "i0001=b", *main)  # 1
    kgkt("name", 5, "mine", *main)  # 2
    kgkt("switch", "off", "--concept", 6, *main)  # 3
    kgkt(*FEATURES, "flat.npz", "--fresh", *main)
    done = kgkt("undo", *main)
    assert (done.json["undone"], done.json["what"]) == (1, "2 labels")
    assert "passed over: edits 3, 2 cannot be undone: the concepts were made anew since, and have other numbers" in done.err
    done = kgkt("undo", *main)
    assert (done.code, "nothing to undo:\n  edits 3, 2 cannot be undone: the concepts were made anew" in done.err) == (3, True)


def test_edits_outlive_a_graph_that_grows_and_not_one_made_anew(populated: Path, kgkt: Kgkt, digits: Any) -> None:
    flat = np.concatenate([digits.pool_x, digits.test_x[:60]]).reshape(660, 64)
    ids = np.concatenate([digits.pool_ids, [f"t{i}" for i in range(60)]])
    np.savez("f-old.npz", pixels=flat[:600], item_id=ids[:600])
    np.savez("f-more.npz", pixels=flat, item_id=ids)
    main = ("--graph", "flat")
    kgkt(*FEATURES, "f-old.npz", *main)
    write_labels(populated / "l.csv", [("i0000", "a"), ("i0001", "b")])
    kgkt("label", "--file", "l.csv", *main)  # 1
    kgkt("name", 5, "mine", *main)  # 2
    kgkt("switch", "off", "--concept", 6, *main)  # 3
    other, off = holds("main"), concepts(kgkt, "flat")["6"]
    assert off[1] is False
    assert kgkt(*FEATURES, "f-more.npz", *main).json["grown"]["new"] == 6
    assert [kgkt("undo", n, *main).code for n in (3, 2, 5)] == [0, 0, 0]
    assert [concepts(kgkt, "flat")[n] for n in "56"] == [("mine", True), (off[0], True)]
    assert kgkt(*FEATURES, "f-more.npz", "--fresh", *main).json["grown"] is None
    for number in (2, 4):
        done = kgkt("undo", number, *main)
        assert (done.code, "the concepts were made anew since, and have other numbers" in done.err) == (3, True)
    np.savez("f-less.npz", pixels=flat[1:], item_id=ids[1:])
    kgkt(*FEATURES, "f-less.npz", *main)
    less = kgkt("undo", 1, *main)
    assert (less.json["what"], "1 item of it left the pool since, e.g. i0000: passed over" in less.err) == ("1 label, l.csv", True)
    np.savez("f-moved.npz", pixels=flat, item_id=np.roll(ids, 1))
    kgkt(*FEATURES, "f-moved.npz", *main)
    done = kgkt("undo", 7, *main)
    assert (done.code, "items have other ids since the pool changed" in done.err) == (3, True)
    assert holds("main") == other
    assert not (populated / EDITS).exists()


def test_a_log_that_is_damaged_or_of_an_earlier_kgkt_is_listed_and_not_undone(labelled: Path, kgkt: Kgkt) -> None:
    old = {"at": "2026-01-01T00:00:00Z", "by": "ada", "verb": "label", "before": [], "after": [{"item_id": "i0000", "class": "1", "tick": False}]}
    path = labelled / EDITS
    path.write_bytes(json.dumps(old).encode() + b"\n" + path.read_bytes() + b'{"at": "2026')
    kgkt("name", 1, "x")
    rows = kgkt("undo", "--list").json["rows"]
    assert [(row[0], row[4].split(" (")[0]) for row in rows] == [
        (4, "concept 1 is called 'x'"), (3, "cannot be undone: damaged"), (2, "20 labels, labels.csv"),
        (1, "cannot be undone: of an earlier kgkt")]
    assert "line 3 of" in kgkt("undo", 3).err
    assert "an earlier kgkt did not write down all that stood before it" in kgkt("undo", 1).err
    first, second = kgkt("undo"), kgkt("undo")
    assert [first.json["undone"], second.json["undone"]] == [4, 2]
    assert ("passed over" in first.err, "passed over: edit 3 cannot be undone: damaged" in second.err) == (False, True)
    assert "nothing to undo:\n  edit 3 cannot be undone: damaged" in kgkt("undo").err


def test_what_people_put_in_stays_when_a_label_is_undone(populated: Path, kgkt: Kgkt) -> None:
    lone = "MATCH (i:Item {graph: 'main'}) WHERE NOT EXISTS { (i)--() } RETURN i.item_id ORDER BY i.item_id"
    ids = [row[0] for row in kgkt("query", "MATCH (i:Item) RETURN i.item_id").json["rows"]]
    fresh = [f"i{n:04d}" for n in range(600) if f"i{n:04d}" not in ids][:3]
    kgkt("label", *(f"{item}=cat" for item in fresh), f"{ids[0]}=dog")
    kgkt("query", f"MATCH (i:Item {{item_id: '{fresh[0]}'}}) SET i.note = 'mine'", "--rw", "--force")
    kgkt("query", "MATCH (k:Class {name: 'cat'}) SET k.note = 'mine'", "--rw", "--force")
    assert kgkt("undo").json["effect"]["now"] == {"no class": 600}
    assert kgkt("query", lone).json["rows"] == [[fresh[0]]]
    assert kgkt("query", "MATCH (k:Class) RETURN k.name").json["rows"] == [["cat"]]


def test_why_the_effect_cannot_be_told_is_said_and_the_label_stands(labelled: Path, kgkt: Kgkt) -> None:
    kgkt("query", "MATCH (:Concept)-[e:SIMILAR_TO]->(:Concept) WITH e LIMIT 1 SET e.weight = -1", "--rw", "--force")
    done = kgkt("label", "i0000=1", "--format", "table")
    assert done.code == 0
    assert "how many items change class cannot be told: the edge between concepts" in done.out


def test_concepts_that_are_merged_are_one_until_that_is_undone(labelled: Path, kgkt: Kgkt, digits: Any) -> None:
    kgkt("propagate")
    before, masses = holds(), "MATCH (c:Concept {key: $key})-[l:LEANS_TO]->(k) RETURN k.name AS k, l.mass AS m ORDER BY k"
    edge = "MATCH (a:Concept)-[e:SIMILAR_TO]->(b:Concept) RETURN a.key AS a, b.key AS b ORDER BY e.weight DESC LIMIT 1"
    ((kept, part),) = kgkt("query", edge).json["rows"]
    kgkt("name", kept, "kept")
    done = kgkt("merge", "kept", part).json
    assert list(done["parts"]) == [part.rsplit("/", 1)[1]]
    assert stale(kgkt)
    assert kgkt("merge", kept, part).json["edit"] is None
    kgkt("propagate")
    assert kgkt("query", masses, "--param", f"key={kept}").json["rows"] == kgkt(
        "query", masses, "--param", f"key={part}").json["rows"] != []  # fmt: skip
    np.savez("new.npz", x=digits.test_x[:60])
    found = {entry[1] for row in kgkt("predict", "--data", "new.npz").json["rows"] for entry in row[5]}
    name = next(iter(done["parts"].values()))
    assert "kept" in found
    assert name not in found
    held = kgkt("switch", "off", "--concept", "kept", "--dry-run").json
    assert held["items"] == done["items"]
    pool = np.concatenate([digits.pool_x, digits.test_x[:60]])
    np.savez("more.npz", x=pool, item_id=[*digits.pool_ids, *(f"t{i}" for i in range(60))])
    grown = kgkt("populate", "--model", "a.keras", "--layers", "mid,emb", "--data", "more.npz")
    assert grown.json["grown"]["joined"] == 60
    assert ", 1 merge" in grown.err
    assert kgkt("populate", "--model", "a.keras", "--layers", "mid,emb", "--data", "pool.npz").code == 0
    assert [kgkt("undo").json["verb"], kgkt("undo").json["verb"]] == ["merge", "name"]
    (edges,) = ([e for e in graph[1] if e.type == "SIMILAR_TO"] for graph in (before,))
    assert not [e for e in holds()[1] if e.type == "MERGED_INTO"]
    assert len(edges) > 100


def test_a_merge_counts_what_was_merged_into_its_parts(labelled: Path, kgkt: Kgkt) -> None:
    query = "MATCH (c:Concept) RETURN c.key AS key, c.size AS size"
    size = {int(key.rsplit("/", 1)[1]): n for key, n in kgkt("query", query).json["rows"]}
    for arguments, of in (((3, 4, 5), (3, 4, 5)), ((3, 7), (3, 4, 5, 7)), ((6, 3), (3, 4, 5, 6, 7)),
                          (("--apart", 3), (3, 4, 5, 7))):  # fmt: skip
        assert kgkt("merge", *arguments).json["items"] == sum(size[n] for n in of)


def test_merges_that_make_no_sense_are_refused(labelled: Path, kgkt: Kgkt) -> None:
    kgkt("merge", 1, 2, 3)  # 2
    kgkt("switch", "off", "--concept", 9)
    for arguments, says in (
        ((2, 4), "concept 2 is a part of 1 already: merge into that one, or kgkt undo"),
        ((4, 2), "concept 2 is a part of 1 already: merge that one, or kgkt undo"),
        ((4, 4), "a concept cannot be merged with itself: 4 and 4"), ((4, 5, "c005"), "cannot be merged with itself"),
        ((4, 9), "concept 9 is off, and what is off is no part of another: kgkt switch on --concept 9"),
        ((4, 99), "no concept 99"),
    ):  # fmt: skip
        done = kgkt("merge", *arguments)
        assert (done.code, says in done.err) == (3, True), done.err
    assert list(kgkt("merge", "--apart", 3).json["parts"]) == ["3"]
    assert "no part of another already" in kgkt("merge", "--apart", 3, "--format", "table").out
    assert kgkt("merge", 4).code == 2
    kgkt("undo")
    kgkt("undo", 2)  # 6
    kgkt("merge", 2, 1)
    done = kgkt("undo", 6)
    assert (done.code, "concept 1 would be a part of itself, over 2: undo the later merge first" in done.err) == (3, True)
    join = "MATCH (a:Concept {key: 'main/concept/%d'}), (b:Concept {key: 'main/concept/%d'}) CREATE (a)-[:MERGED_INTO]->(b)"
    kgkt("query", join % (5, 6), "--rw", "--force")
    assert kgkt("propagate").code == 0  # obeyed
    kgkt("query", join % (6, 5), "--rw", "--force")
    done = kgkt("propagate")
    assert (done.code, "concept 5 is merged into a circle, over 6: delete one MERGED_INTO" in done.err) == (3, True)
    kgkt("query", join % (5, 7), "--rw", "--force")
    assert "concept 5 is merged into 6 and into 7: delete one MERGED_INTO" in kgkt("propagate").err
