"""explain: every form, every kind of pool, items that a person spoke of, and what cannot be explained."""

from __future__ import annotations

import csv
import io
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import kgkt as package
from kgkt.errors import InputError, UsageError
from kgkt.files import load_arrays, save_arrays, sha256_file
from kgkt.rundir.folder import RunDir
from tests.cli.conftest import Kgkt

ITEM = "i0003"  # without a label


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def unlabelled(folder: Path, rank: int) -> str:
    """The item of that rank by mass, the least sure first."""
    said = {row["item_id"] for row in rows_of(folder / "labels.csv")}
    rows = [row for row in rows_of(folder / "items.csv") if row["item_id"] not in said]
    return sorted(rows, key=lambda row: float(row["mass"]))[rank]["item_id"]


def test_json_says_what_the_graph_and_its_files_say(taught: Path, kgkt: Kgkt) -> None:
    answers = {row["item_id"]: row for row in rows_of(taught / "items.csv")}
    item = unlabelled(taught, 0)
    done = kgkt("explain", item, "-n", 20)
    assert (done.code, done.err) == (0, "")
    told = done.json
    assert (told["class"], told["state"], told["because"]) == (answers[item]["class"], "taught", "")
    assert told["mass"] == pytest.approx(float(answers[item]["mass"]), abs=1e-6)
    assert told["ratio"] == pytest.approx(told["mass"] / told["next_mass"])
    assert sum(told["masses"].values()) == pytest.approx(1, abs=1e-5)
    assert sum(label["share"] for label in told["labels_heard"]) == pytest.approx(1)
    assert sum(told["arrives"].values()) == pytest.approx(1)
    by_class: dict[str, float] = {}
    for label in told["labels_heard"]:
        by_class[label["class"]] = by_class.get(label["class"], 0) + label["share"]
    assert by_class == pytest.approx(told["arrives"])
    assert {label["item"] for label in told["labels_heard"]} == {row["item_id"] for row in rows_of(taught / "labels.csv")}
    asked = kgkt("query", "MATCH (c:Concept)-[l:LEANS_TO]->(k:Class) RETURN c.key, c.name, k.name, l.mass").json["rows"]
    strengths = [concept["strength"] for concept in told["concepts"]]
    assert strengths == sorted(strengths, reverse=True)
    assert sum(strengths) == pytest.approx(1, abs=1e-5)
    for concept in told["concepts"]:
        leans = {name: mass for key, _, name, mass in asked if key == f"main/concept/{concept['number']}"}
        assert concept["leans_to"] == pytest.approx(leans)
    distances = [example["distance"] for example in told["nearest"]]
    assert (len(distances), distances) == (20, sorted(distances))
    graph = told["experts"][0]
    assert (graph["name"], graph["weight"], graph["why"]) == ("graph", 1.0, "always speaks")
    assert graph["masses"][graph["class"]] == graph["mass"] == max(graph["masses"].values())


def test_the_table_has_every_part_and_csv_is_its_rows(taught: Path, kgkt: Kgkt) -> None:
    item = unlabelled(taught, 0)
    told, shown = kgkt("explain", item, "-n", 3).json, kgkt("explain", item, "-n", 3, "--format", "table").out
    lines = shown.splitlines()
    assert lines[0] == (f"{item}: {told['class']}, mass {told['mass']:.2f}; next {told['next_class']}, {told['next_mass']:.2f}")
    heads = ("concept ", "Over the concepts, in closed form, 20 labels arrive; an even share is 5.0 %. By class: ",
             "label heard", "nearest example", "expert", "What would change it: ")  # fmt: skip
    places = [next(i for i, line in enumerate(lines) if line.startswith(head)) for head in heads]
    assert places == sorted(places)
    assert lines[-1] == f"What would change it: {told['advice']}"
    assert told["advice"].startswith(f"{told['next_class']} is next, ")
    rows = list(csv.reader(io.StringIO(kgkt("explain", item, "-n", 3, "--format", "csv").out)))
    assert rows[0] == ["part", "what", "says", "value", "more"]
    assert [row[0] for row in rows[1:]] == [
        "answer", "answer", *["concept"] * 3, *["label heard"] * 3, *["nearest example"] * 3, *["expert"] * 3, "change"]  # fmt: skip
    assert rows[1][2] == told["class"]


def test_the_label_that_is_said_to_turn_the_concepts_turns_them(labelled: Path, kgkt: Kgkt) -> None:
    kgkt("propagate", "--items", "items.csv")
    for rank in range(60):
        item = unlabelled(labelled, rank)
        told = kgkt("explain", item).json
        turn = told["turn"]
        if turn["item"] is not None:
            break
    assert told["concepts_alone"] != turn["class"] == told["next_class"]
    assert f"{turn['item']}={turn['class']}" in told["advice"]
    assert turn["concept"] in {concept["number"] for concept in told["concepts"]}
    kgkt("label", f"{turn['item']}={turn['class']}")
    after = kgkt("explain", item)
    assert after.json["concepts_alone"] == turn["class"]
    assert "changed since propagate: the graph; propagating again" in after.err


def test_a_labelled_item_stands_and_the_others_are_heard_without_it(taught: Path, kgkt: Kgkt) -> None:
    label = rows_of(taught / "labels.csv")[0]
    told = kgkt("explain", label["item_id"], "-n", 30).json
    assert (told["class"], told["mass"], told["state"]) == (label["class"], 1.0, "labelled")
    assert told["because"] == f"a person labelled it; by the others' labels its concepts say {told['concepts_alone']}"
    assert told["advice"] == f"only a label of its own: kgkt label {label['item_id']}=CLASS"
    assert (told["labels_that_arrive"], told["turn"]) == (19, None)
    spoken = [*told["labels_heard"], *told["nearest"]]
    assert (len(spoken), label["item_id"] in {one["item"] for one in spoken}) == (38, False)
    shown = kgkt("explain", label["item_id"], "--format", "table").out
    assert "The experts heard what was said of the item itself, too." in shown
    assert shown.startswith(f"{label['item_id']}: {label['class']}, mass 1.00\n  a person labelled it; ")


def test_ticks_and_switches(labelled: Path, kgkt: Kgkt) -> None:
    kgkt("propagate", "--items", "items.csv")
    item = unlabelled(labelled, 30)
    was = kgkt("explain", item).json
    near = "MATCH (i:Item)-[:EXAMPLE_OF]->(c:Concept {key: $key}) WHERE NOT (i)-[:LABELLED]->() RETURN i.item_id"
    key = f"main/concept/{was['concepts'][0]['number']}"
    ticked = {item, *(row[0] for row in kgkt("query", "--param", f"key={key}", near).json["rows"][:3])}
    kgkt("label", *(f"{one}=not:{was['class']}" for one in ticked))
    told = kgkt("explain", item).json
    assert (told["state"], told["denied"], told["masses"][was["class"]]) == ("ticked", [was["class"]], 0)
    assert told["because"].startswith(f"a person said that it is not {was['class']}; by the others' labels")
    assert item not in {label["item"] for label in told["labels_heard"]}  # its own tick
    shown = kgkt("explain", item, "--format", "table").out
    assert shown.startswith(f"{item}: not {was['class']}; every other class has mass 0.11\n")

    kgkt("propagate", "--items", "items.csv", "--force")
    like = [row["item_id"] for row in rows_of(labelled / "items.csv")
            if row["mass"] == "0.111111" and row["item_id"] not in ticked]  # fmt: skip
    other = kgkt("explain", like[0]).json
    assert (other["state"], other["denied"]) == ("by a tick", [was["class"]])
    assert next(iter(other["arrives"])) == other["concepts_alone"] == f"not {was['class']}"
    assert other["experts"][0]["class"] == f"not {was['class']}"
    assert other["advice"].startswith(f"a label of its own: kgkt label {like[0]}=CLASS. ")

    keys = [f"main/concept/{concept['number']}" for concept in was["concepts"]]
    off = "MATCH (c:Concept) WHERE c.key IN $keys SET c.active = false"
    kgkt("query", "--rw", "--force", "--param", f"keys={keys[:1]}".replace("'", '"'), off)
    some = kgkt("explain", item, "--format", "table").out.splitlines()
    first = next(line for line in some if line.startswith(f"c{was['concepts'][0]['number']:03d}"))
    assert "  off  " in first
    kgkt("query", "--rw", "--force", "--param", f"keys={keys}".replace("'", '"'), off)
    dark = kgkt("explain", item, "--picture", "off.png").json
    assert (dark["class"], dark["mass"], dark["state"], dark["masses"]) == (None, None, "off", {})
    assert (dark["labels_heard"], dark["arrives"], dark["concepts_alone"], dark["turn"]) == ([], {}, None, None)
    assert [concept["active"] for concept in dark["concepts"]] == [False] * 3
    assert dark["experts"][0]["class"] is None
    assert dark["advice"].startswith("one of its concepts switched on: kgkt switch on --concept ")
    assert kgkt("explain", item, "--format", "table").out.startswith(
        f"{item}: no class\n  all its concepts are switched off; a person said that it is not {was['class']}: nothing is ")
    kgkt("undo", "2")
    assert kgkt("explain", item, "--format", "table").out.startswith(f"{item}: no class\n  all its concepts are switched off\n")


def test_an_item_that_no_label_reaches(labelled: Path, kgkt: Kgkt) -> None:
    kgkt("query", "--rw", "--force", "MATCH (:Concept)-[e:SIMILAR_TO]->(:Concept) DELETE e")
    kgkt("propagate", "--items", "items.csv")
    lost = next(row["item_id"] for row in rows_of(labelled / "items.csv") if not row["class"])
    told = kgkt("explain", lost).json
    assert (told["class"], told["state"], told["because"]) == (None, "unreached", "no label reaches its concepts")
    turn = told["turn"]
    assert told["advice"].startswith(f"any label on {turn['item']} (in c{turn['concept']:03d}) reaches it; or ")
    kgkt("label", f"{turn['item']}=1")
    after = kgkt("explain", lost).json
    assert (after["state"], after["concepts_alone"], after["arrives"]) == ("taught", "1", {"1": 1.0})


def test_stated_class_shares_count(labelled: Path, kgkt: Kgkt) -> None:
    kgkt("propagate", "--balanced", "--items", "items.csv")
    found = [kgkt("explain", unlabelled(labelled, rank)).json for rank in range(12)]
    assert any(one["concepts_alone"] != next(iter(one["arrives"])) for one in found)
    none = next(one for one in found if one["turn"]["item"] is None and not one["turn"]["already"])
    assert "No single label tried on its concepts (medoids, and the member heard best) would turn" in none["advice"]
    assert not none["turn"]["every"]


def test_the_picture_of_an_item(taught: Path, kgkt: Kgkt, tmp_path: Path) -> None:
    few, many, item = tmp_path / "few.png", tmp_path / "many.png", unlabelled(taught, 0)
    done = kgkt("explain", item, "-n", 3, "--picture", few)
    assert (done.code, done.json["file"]) == (0, str(few))
    assert kgkt("explain", item, "-n", 11, "--picture", many, "--format", "table").out.endswith(f"\nThe picture: {many}\n")
    with Image.open(few) as one, Image.open(many) as other:
        assert (one.format, one.width, other.width) == ("PNG", other.width, one.width)
        assert other.height > one.height + 300
        dark = np.asarray(one.convert("L")) < 60
    assert dark.mean() > 0.1  # digits are drawn on black
    refused = kgkt("explain", item, "--picture", few)
    assert (refused.code, refused.err) == (3, f"kgkt: {few} exists: --force replaces it\n")
    before = few.read_bytes()
    label = rows_of(taught / "labels.csv")[0]["item_id"]
    assert kgkt("explain", label, "--picture", few, "--force").code == 0
    assert few.read_bytes() != before


@pytest.mark.parametrize(("arguments", "code", "reason"), [
    ((), 2, "Missing argument 'item'"),
    (("i003",), 3, "no item 'i003' in the pool; did you mean i0"),
    (("3",), 3, "no item '3' in the pool; is 'i0003' meant?"),
    (("i0003", "-n", "0"), 2, "-n must be at least 1, received 0"),
    (("i0003", "--picture", "gone/why.png"), 3, "cannot be written: there is no folder"),
    (("i0003", "--picture", "kgkt-run"), 3, "kgkt-run exists"),
    (("i0003", "--picture", "kgkt-run", "--force"), 3, "kgkt-run is a folder; name a file"),
    (("i0003", "--graph", "mian"), 3, "no graph mian"),
])  # fmt: skip
def test_what_cannot_be_explained(taught: Path, kgkt: Kgkt, arguments: tuple[str, ...], code: int, reason: str) -> None:
    done = kgkt("explain", *arguments)
    assert (done.code, reason in done.err, done.out) == (code, True, ""), done.err


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_a_place_that_cannot_be_written(taught: Path, kgkt: Kgkt, tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    done = kgkt("explain", ITEM, "--picture", tmp_path / "why.png")
    assert (done.code, "cannot be written: Permission denied" in done.err) == (3, True)


def test_before_a_label_and_before_propagate(populated: Path, kgkt: Kgkt, truth: dict[str, str]) -> None:
    done = kgkt("explain", ITEM)
    assert (done.code, "nothing is labelled yet: kgkt suggest says which items to label" in done.err) == (3, True)
    kgkt("label", "i0001=0")
    one = kgkt("explain", ITEM).json
    assert (one["class"], one["mass"], one["next_class"], one["ratio"]) == ("0", 1.0, None, None)
    assert one["advice"] == "a label of another class: there is one only"
    alone = kgkt("explain", "i0001")
    assert alone.json["because"] == "a person labelled it; no other label reaches it"
    assert (alone.json["nearest"], alone.json["labels_heard"], alone.err) == ([], [], "")
    assert kgkt("explain", "i0001", "--picture", "why.png").code == 0
    shown = kgkt("explain", "i0001", "--format", "table").out
    assert "label heard" not in shown
    assert "nearest example" not in shown


def test_a_pool_that_went_away_or_is_another(labelled: Path, kgkt: Kgkt) -> None:
    kgkt("propagate", "--items", "items.csv")
    Path("kgkt.toml").write_text('[source]\ndata = "pool.npz"\n')  # this folder's, not the one that was populated
    item = unlabelled(labelled, 0)
    with np.load("pool.npz") as pool:
        ids, x = pool["item_id"], pool["x"]
    np.savez("pool.npz", x=x[ids != item], item_id=ids[ids != item])
    assert kgkt("explain", item, "--picture", "less.png").code == 0  # its place in the picture says that it is gone
    np.savez("pool.npz", x=x.reshape(600, -1), item_id=ids)
    done = kgkt("explain", item, "--picture", "why.png")
    assert (done.code, done.err.endswith("are arrays of shape (64), not pictures\n")) == (3, True)
    Path("pool.npz").unlink()
    done = kgkt("explain", item, "--picture", "why.png")
    assert (done.code, "nothing can be drawn: the pool " in done.err, Path("why.png").exists()) == (3, True, False)
    done = kgkt("explain", item)
    assert (done.code, "is not there any more: no picture or text is at hand" in done.err) == (0, True)
    assert done.json["nearest"]


@pytest.fixture(scope="module")
def vectors(digits: Any) -> np.ndarray:
    """(600, 64) pixels of the pool."""
    return digits.pool_x.reshape(600, -1)


def few_labels(digits: Any, ids: list[str]) -> dict[str, str]:
    return {ids[int(i)]: f"digit {d}" for d in range(3) for i in np.flatnonzero(digits.pool_y == d)[:3]}


def test_features_alone_and_in_python(tmp_path: Path, vectors: np.ndarray, digits: Any) -> None:
    heard: list[str] = []
    run = package.populate(features={"pixels": vectors, "item_id": digits.pool_ids}, dir=tmp_path / "run")
    run = package.open_graph(dir=tmp_path / "run", say=heard.append)
    run.label(few_labels(digits, digits.pool_ids.tolist()))
    done = run.explain(digits.pool_ids[-1], 4)
    assert heard == ["the graph was made from features alone: no picture or text is at hand"]
    assert (len(done.nearest), done.picture, done.text) == (4, None, None)
    assert {example.says for example in done.nearest} <= {"digit 0", "digit 1", "digit 2"}
    assert (done.best[0], done.best[1] >= done.following[1]) == (next(iter(done.masses)), True)
    table = done.to_pandas()
    assert (table.shape[1], table["part"].nunique()) == (5, 6)
    assert done._repr_html_().startswith("<table><tr><th>part</th><th>what</th>")
    with pytest.raises(InputError, match="nothing can be drawn: the graph was made from features alone"):
        run.explain(digits.pool_ids[-1], picture=tmp_path / "why.png")
    with pytest.raises(UsageError, match="-n must be at least 1"):
        run.explain(digits.pool_ids[-1], 0)
    with pytest.raises(InputError, match="no item 'i9999' in the pool"):
        run.explain("i9999")


def test_texts_are_shown_and_drawn(home: Path, kgkt: Kgkt, vectors: np.ndarray, digits: Any) -> None:
    ids = [f"t$_{number}" for number in range(600)]  # what would be mathematics to the drawing library
    np.savez("f.npz", item_id=np.array(ids), bag=vectors)
    texts = [f"it costs ${number} and\n  $x^{number} 日本 {'and more ' * 40}" for number in range(600)]
    with Path("pool.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("item_id", "text"), *zip(ids, texts, strict=True)])
    kgkt("populate", "--features", "f.npz", "--data", "pool.csv")
    kgkt("label", *(f"{item}={name}" for item, name in few_labels(digits, ids).items()))
    item = next(item for item in ids if item not in few_labels(digits, ids))
    begins = f"it costs ${item[3:]} and $x^{item[3:]} 日本 and more"
    done = kgkt("explain", item, "--picture", "why.png")
    assert (done.code, done.json["text"].startswith(begins)) == (0, True), done.err
    assert all(example["text"].startswith("it costs $") for example in done.json["nearest"])
    with Image.open("why.png") as picture:
        assert picture.width == 1430
    shown = kgkt("explain", item, "--format", "table").out
    line = shown.splitlines()[1]
    assert (len(line), line.startswith(f"  {begins}"), line.endswith("…")) == (112, True, True)
    Path("pool.csv").write_bytes(b"item_id,text\nt$_0,caf\xe9\n")
    broken = kgkt("explain", item)
    assert (broken.code, "not UTF-8" in broken.err, broken.json["text"]) == (0, True, None)
    assert kgkt("explain", item, "--picture", "again.png").code == 3


def test_a_folder_of_pictures(home: Path, kgkt: Kgkt, vectors: np.ndarray, digits: Any) -> None:
    ids = [f"in/{number:03d}.png" for number in range(120)]
    Path("pictures/in").mkdir(parents=True)
    for name, x in zip(ids, digits.pool_x, strict=False):
        Image.fromarray((255 * x[..., 0]).astype(np.uint8)).save(Path("pictures") / name)
    np.savez("f.npz", item_id=np.array(ids), pixels=vectors[:120])
    kgkt("populate", "--features", "f.npz", "--data", "pictures")
    kgkt("label", "in/000.png=a", "in/001.png=b")
    done = kgkt("explain", "in/050.png", "--picture", "why.png")
    assert (done.code, done.json["picture"]) == (0, "pictures/in/050.png"), done.err
    assert sorted(example["picture"] for example in done.json["nearest"]) == ["pictures/in/000.png", "pictures/in/001.png"]
    assert "pictures/in/001.png" in kgkt("explain", "in/050.png", "--format", "table").out


@pytest.mark.slow
def test_neo4j_gives_the_same_answer(home: Path, kgkt: Kgkt, neo4j_url: str, vectors: np.ndarray, digits: Any) -> None:
    np.savez("f.npz", item_id=digits.pool_ids, pixels=vectors)
    told = []
    for store in ((), ("--store", neo4j_url)):
        where = ("--dir", f"run{len(store)}")
        assert kgkt("populate", "--features", "f.npz", *where, *store).code == 0
        labels = few_labels(digits, digits.pool_ids.tolist())
        kgkt("label", *where, *(f"{item}={name}" for item, name in labels.items()), f"{ITEM}=not:digit 0")
        told.append([kgkt("explain", item, *where).json for item in ("i0300", ITEM, next(iter(labels)))])
    assert told[0] == told[1]


def test_an_expert_that_stayed_out_is_shown(labelled: Path, kgkt: Kgkt) -> None:
    kgkt("propagate", "--items", "items.csv")
    run, item = RunDir("kgkt-run", "main"), unlabelled(labelled, 0)
    arrays, _ = load_arrays(run.path("experts.safetensors"))
    head = np.full((600, 10), 0.02, np.float16)
    head[:, 7] = 0.82
    told = [["graph", 1.0, "it always speaks"], ["head", 0.0, "it was right of too few labels"]]
    save_arrays(run.path("experts.safetensors"), {**arrays, "head": head}, {"experts": json.dumps(told)})
    state = run.state()
    state["stages"]["propagate"]["outputs"]["experts.safetensors"] = sha256_file(run.path("experts.safetensors"))
    run.write_state(state)
    done = kgkt("explain", item, "--picture", "why.png").json["experts"]
    assert [(one["name"], one["weight"], one["why"]) for one in done] == [tuple(one) for one in told]
    assert (done[1]["class"], done[1]["mass"]) == ("7", pytest.approx(0.82, abs=1e-3))
    lines = [line.split() for line in kgkt("explain", item, "--format", "table").out.splitlines()]
    assert ["head", "0", "7", "0.82", "it", "was", "right", "of", "too", "few", "labels"] in lines
