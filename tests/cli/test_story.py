"""The story a user lives, verb by verb, on a trained CNN and a pool of digits."""

from __future__ import annotations

import csv
import dataclasses
import json
import re
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from kgkt.files import sha256_file
from tests.cli.conftest import Kgkt, write_labels


def read_csv(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))


def share_right(path: Path, truth: dict[str, str]) -> float:
    """Share of the items of an items.csv that are called right."""
    rows = read_csv(path)
    return float(np.mean([row["class"] == truth[row["item_id"]] for row in rows]))


def test_populate_makes_the_files_and_the_graph(populated: Path, kgkt: Kgkt) -> None:
    made = {p.name for p in (populated / "kgkt-run/main").iterdir()}
    assert made >= {"features.parquet", "embedding.safetensors", "concepts.safetensors", "memberships.parquet",
                    "exemplars", "run.json"}  # fmt: skip
    rows = kgkt("query", "MATCH (c:Concept) RETURN count(c) AS n, sum(c.size) AS items").json["rows"]
    assert rows == [[60, 600]]
    info = kgkt("query", "MATCH (g:Graph)-[:LEARNED_FROM]->(m:Model) RETURN g.complete, m.name, m.role").json["rows"]
    assert info == [[True, "a.keras", "source"]]


def test_features_file_has_a_column_a_layer(populated: Path) -> None:
    schema = pq.read_schema(populated / "kgkt-run/main/features.parquet")
    assert schema.names == ["item_id", "mid", "emb"]
    assert [schema.field(n).type.list_size for n in ("mid", "emb")] == [512, 32]


def test_twenty_labels_teach_b_and_beat_b_alone(labelled: Path, kgkt: Kgkt, truth: dict[str, str]) -> None:
    done = kgkt("propagate", "--balanced", "--items", "items.csv")
    assert done.json["reached"] == 600
    assert share_right(labelled / "items.csv", truth) > 0.85
    mapped = kgkt("map", "--target", "b.keras").json
    assert mapped["layers"] == {"hidden": {"kind": "unit", "blocks": 32}, "out": {"kind": "head", "blocks": 10}}
    before = (labelled / "b.keras").read_bytes()
    fused = kgkt("fuse", "--target", "b.keras", "--out", "b-fused.keras", "--test", "test.npz", "--format", "table")
    assert fused.code == 0, fused.err
    assert "B alone, the same steps on your labels" in fused.out
    assert (labelled / "b.keras").read_bytes() == before
    figures = json.loads((labelled / "b-fused.run.json").read_text())["figures"]
    assert figures["test_fused"] > 0.8
    assert figures["test_fused"] > figures["test_alone"] + 0.03
    assert "propagating again" not in fused.err  # --balanced of propagate is remembered
    card = (labelled / "b-fused.card.md").read_text()
    assert card.startswith("# b-fused.keras\n\nb.keras, taught by a concept graph of what a.keras knows; made with kgkt")
    assert "| model A | a.keras, layers mid (512 features), emb (32 features) |" in card
    assert "| spread over | concepts and items, alpha 0.9 |" in card
    assert f"| a.keras (A) | {sha256_file(labelled / 'a.keras')} |" in card


def test_fused_b_opens_in_plain_keras(labelled: Path, kgkt: Kgkt) -> None:
    assert kgkt("fuse", "--target", "b.keras", "--out", "b-fused.keras", "--steps", 40).code == 0
    with zipfile.ZipFile("b-fused.keras") as archive:
        modules = set(re.findall(r'"module": "([^"]+)"', archive.read("config.json").decode()))
    assert {module.split(".")[0] for module in modules} == {"keras"}  # no class of kgkt's; test_card opens one without kgkt
    from kgkt.source.quiet import keras

    b = keras().saving.load_model("b-fused.keras")
    assert b.predict(np.zeros((2, 8, 8, 1)), verbose=0).shape == (2, 10)


def test_without_test_set_the_worth_is_not_measured(labelled: Path, kgkt: Kgkt) -> None:
    done = kgkt("fuse", "--target", "b.keras", "--out", "f.keras", "--steps", 40, "--format", "table")
    assert "worth      not measured" in done.out
    assert "no weights were written" in done.err


def test_targets_file_fits_any_trainer(labelled: Path, kgkt: Kgkt) -> None:
    kgkt("propagate")
    table = pq.read_table(labelled / "kgkt-run/main/targets.parquet").to_pandas()
    assert list(table.columns) == ["item_id", "class", *(f"p:{c}" for c in "0123456789"), "weight", "labelled",
                                   "held_out"]  # fmt: skip
    np.testing.assert_allclose(table[[f"p:{c}" for c in "0123456789"]].sum(axis=1), 1, atol=1e-5)
    assert table["labelled"].sum() == 20
    assert not (table["labelled"] & table["held_out"]).any()
    assert table["held_out"].sum() == 60


def test_a_label_changed_in_cypher_is_obeyed(labelled: Path, kgkt: Kgkt) -> None:
    item = kgkt("query", "MATCH (i:Item)-[:LABELLED]->(k:Class {name: '3'}) RETURN i.item_id LIMIT 1").json["rows"][0][0]
    text = (
        f"MATCH (i:Item {{item_id: '{item}'}})-[l:LABELLED]->(:Class) DELETE l; "
        f"MATCH (i:Item {{item_id: '{item}'}}), (k:Class {{name: '5'}}) CREATE (i)-[:LABELLED {{by: 'me', at: ''}}]->(k)"
    )
    done = kgkt("query", text, "--rw", "--force")
    assert done.code == 0, done.err
    kgkt("propagate", "--items", "items.csv")
    row = next(r for r in read_csv(labelled / "items.csv") if r["item_id"] == item)
    assert (row["class"], row["mass"]) == ("5", "1.000000")


def test_a_concept_switched_off_in_cypher_teaches_nothing(labelled: Path, kgkt: Kgkt) -> None:
    kgkt("propagate")
    off = "MATCH (c:Concept)-[l:LEANS_TO]->(k:Class {name: '0'}) WHERE l.mass > .5 SET c.active = false"
    assert kgkt("query", off, "--rw", "--force").code == 0
    done = kgkt("propagate", "--items", "items.csv")
    assert done.json["switched_off"] > 20
    assert done.json["unreached"] == done.json["switched_off"]
    rows = read_csv(labelled / "items.csv")
    assert sum(r["class"] == "" for r in rows) == done.json["unreached"]


def test_fuse_notices_an_edit_and_propagates_again(labelled: Path, kgkt: Kgkt) -> None:
    kgkt("propagate")
    kgkt("map", "--target", "b.keras")
    kgkt("query", "MATCH (c:Concept) WHERE c.key ENDS WITH '/7' SET c.active = false", "--rw", "--force")
    fused = kgkt("fuse", "--target", "b.keras", "--out", "f.keras", "--steps", 40)
    assert "changed since propagate: the graph; propagating again" in fused.err
    assert "changed since map: targets; mapping again" in fused.err
    assert fused.code == 0


def test_an_edited_strength_takes_a_concept_out_of_a_class(labelled: Path, kgkt: Kgkt, digits: Any) -> None:
    kgkt("propagate", "--balanced")
    kgkt("map", "--target", "b.keras")
    kgkt("fuse", "--target", "b.keras", "--out", "f0.keras")
    cut = "MATCH (c:Concept)-[m:MAPS_TO]->(b:Block {kind: 'head', name: '1'}) SET m.strength = 0.0"
    assert kgkt("query", cut, "--rw", "--force").code == 0
    assert kgkt("fuse", "--target", "b.keras", "--out", "f1.keras").code == 0
    kept = kgkt("map", "--target", "b.keras").json["edits_kept"]
    assert kept == kgkt("query", "MATCH ()-[m:MAPS_TO]->() WHERE m.strength <> m.planned RETURN count(m)").json["rows"][0][0]
    assert kept > 0
    from kgkt.source.quiet import keras

    ones = digits.pool_x[digits.pool_y == 1]
    said = [
        np.mean(keras().saving.load_model(labelled / f).predict(ones, verbose=0).argmax(axis=1) == 1)
        for f in ("f0.keras", "f1.keras")
    ]
    assert said[0] > 0.6
    assert said[1] < 0.2  # what stays are the labelled ones themselves


def test_populate_again_carries_what_people_said(labelled: Path, kgkt: Kgkt) -> None:
    kgkt("label", "i0000=not:3")
    kgkt("query", "MATCH (c:Concept {key: 'main/concept/5'}) SET c.name = 'mine', c.active = false", "--rw", "--force")
    said = "MATCH (i:Item)-[l:LABELLED|LABELLED_NOT]->(k:Class) RETURN i.item_id AS i, k.name AS k, l.by AS b ORDER BY i, k"
    before = kgkt("query", said).json["rows"]
    done = kgkt("populate", "--model", "a.keras", "--layers", "mid,emb", "--data", "pool.npz", "--seed", 0, "--force")
    assert done.code == 0
    assert "carried over: 20 labels, 1 tick, 1 name, 1 switch" in done.err
    assert done.json["lost"] == []
    assert len(before) == 21
    assert kgkt("query", said).json["rows"] == before
    renamed = kgkt("query", "MATCH (c:Concept) WHERE c.name <> c.auto_name RETURN c.name, c.active").json["rows"]
    assert renamed == [["mine", False]]
    assert not (labelled / "kgkt-run/main/carry.json").exists()


def test_a_strength_outlives_its_concept_being_off(labelled: Path, kgkt: Kgkt) -> None:
    kgkt("map", "--target", "b.keras")
    one = "MATCH (c:Concept)-[m:MAPS_TO]->(b:Block {kind: 'head'}) RETURN c.key, b.index, m.strength ORDER BY m.planned DESC LIMIT 1"
    concept, index, _ = kgkt("query", one).json["rows"][0]
    edge = f"MATCH (c:Concept {{key: '{concept}'}})-[m:MAPS_TO]->(b:Block {{kind: 'head', index: {index}}}) "
    kgkt("query", edge + "SET m.strength = 0.0", "--rw", "--force")
    for active, rows in (("false", []), ("true", [[0.0]])):
        kgkt("query", f"MATCH (c:Concept {{key: '{concept}'}}) SET c.active = {active}", "--rw", "--force")
        kgkt("propagate")
        assert kgkt("map", "--target", "b.keras").json["edits_kept"] == 1
        assert kgkt("query", edge + "RETURN m.strength").json["rows"] == rows
    assert kgkt("query", edge + "RETURN m.planned > 0").json["rows"] == [[True]]


@pytest.mark.parametrize("where", ["kgkt.verbs.map.record_map", "kgkt.store.load._maps"])
def test_a_map_cut_off_while_it_is_written_keeps_the_edits(
    labelled: Path, kgkt: Kgkt, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    kgkt("map", "--target", "b.keras")
    first = "MATCH (c:Concept)-[m:MAPS_TO]->(b:Block {kind: 'head'}) RETURN c.key, b.key ORDER BY m.planned DESC LIMIT 2"
    (off, block), (on, other) = kgkt("query", first).json["rows"]
    edge = "MATCH (c:Concept {key: '%s'})-[m:MAPS_TO]->(b:Block {key: '%s'}) "
    kgkt("query", edge % (off, block) + "SET m.strength = 0.0", "--rw", "--force")
    kgkt("query", edge % (on, other) + "SET m.strength = 0.25", "--rw", "--force")
    kgkt("query", f"MATCH (c:Concept {{key: '{off}'}}) SET c.active = false", "--rw", "--force")  # hides its edit
    kgkt("propagate")

    def cut(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(where, cut)
        assert kgkt("map", "--target", "b.keras").code == 130
    assert kgkt("map", "--target", "b.keras").json["edits_kept"] == 2
    assert kgkt("query", edge % (on, other) + "RETURN m.strength").json["rows"] == [[0.25]]
    kgkt("query", f"MATCH (c:Concept {{key: '{off}'}}) SET c.active = true", "--rw", "--force")
    kgkt("propagate")
    assert kgkt("map", "--target", "b.keras").json["edits_kept"] == 2
    assert kgkt("query", edge % (off, block) + "RETURN m.strength, m.planned > 0").json["rows"] == [[0.0, True]]


def test_check_knows_what_is_stale_where_flags_named_the_model(labelled: Path, kgkt: Kgkt) -> None:
    kgkt("map", "--target", "b.keras")
    kgkt("fuse", "--target", "b.keras", "--out", "f.keras", "--steps", 20)
    assert [s["stale"] for s in kgkt("check").json["stages"].values()] == [False] * 4
    kgkt("label", "i0000=not:3")
    kgkt("propagate")
    stages = kgkt("check").json["stages"]
    assert [stages[stage]["stale"] for stage in ("populate", "propagate", "map", "fuse")] == [False, False, True, True]
    assert stages["map"]["why"] == stages["fuse"]["why"] == ["targets"]


def test_what_is_taught_anew_while_b_trains_is_not_in_it(labelled: Path, kgkt: Kgkt) -> None:
    import keras

    from kgkt.recipe import read_recipe
    from kgkt.verbs.fuse import fuse_target

    class Meanwhile(keras.callbacks.Callback):
        def on_train_begin(self, logs: Any = None) -> None:
            if not said:
                said.append(kgkt("label", "i0000=not:3").json["edit"])
                kgkt("propagate")

    said: list[int] = []
    recipe = read_recipe(None)
    target = dataclasses.replace(recipe.target, model="b.keras", out="f.keras", steps=20, map=False)
    fuse_target(dataclasses.replace(recipe, target=target), lambda line: None, callbacks=[Meanwhile()])
    assert json.loads(Path("f.run.json").read_text())["facts"]["last_edit"] < said[0]
    assert kgkt("check").json["stages"]["fuse"]["why"] == ["targets"]


def test_populate_again_carries_edited_strengths(labelled: Path, kgkt: Kgkt) -> None:
    populate = ("populate", "--model", "a.keras", "--layers", "mid,emb", "--data", "pool.npz")
    assert kgkt("map", "--target", "b.keras").json["edits_kept"] == 0
    edits = "MATCH (:Concept)-[m:MAPS_TO]->(b:Block {kind: 'head', name: '1'}) SET m.strength = 0.0"
    assert kgkt("query", edits, "--rw", "--force").code == 0
    before = kgkt("query", "edited_strengths").json["rows"]
    n = len(before)
    assert n > 5
    for _ in range(2):  # the second time nothing is mapped: they wait
        done = kgkt(*populate, "--force")
        assert f"carried over: 20 labels, {n} strengths" in done.err
        assert done.json["lost"] == kgkt("query", "edited_strengths").json["rows"] == []
    assert kgkt("map", "--target", "b.keras").json["edits_kept"] == n
    after = kgkt("query", "edited_strengths").json["rows"]
    assert [(row[0], *row[2:5], row[6]) for row in after] == [(row[0], *row[2:5], row[6]) for row in before]
    assert f"carried over: 20 labels, {n} strengths" in kgkt(*populate, "--force").err
    fused = kgkt("fuse", "--target", "b.keras", "--out", "f.keras", "--steps", 20)
    assert f"edited strengths kept: {n}" in fused.err
    assert json.loads((labelled / "kgkt-run/main/run.json").read_text())["strengths"] == []
    lost = kgkt(*populate, "--concepts", 8).json["lost"]
    waiting = json.loads((labelled / "kgkt-run/main/run.json").read_text())["strengths"]
    assert len(lost) + len(waiting) == n
    assert all(re.fullmatch(r"strength 0 of concept \d+ to out 1: no new concept holds half of its items", line) for line in lost)
    assert len(lost) > n / 2
    kgkt("map", "--target", "b.keras")
    kgkt("query", "MATCH (:Concept)-[m:MAPS_TO]->(:Block {layer: 'out', index: 3}) SET m.strength = 'much'", "--rw", "--force")
    wrong = kgkt(*populate, "--force")
    assert wrong.code == 3
    assert re.search(r"the strength of concept \d to out 3 is 'much': set a number from 0 up", wrong.err)


def test_populate_with_another_pool_says_what_was_lost(labelled: Path, kgkt: Kgkt, digits: Any) -> None:
    labels = [r[0] for r in kgkt("query", "MATCH (i:Item)-[:LABELLED]->() RETURN i.item_id").json["rows"]]
    gone = digits.pool_ids == labels[0]
    np.savez("smaller.npz", x=digits.pool_x[~gone], item_id=digits.pool_ids[~gone])
    done = kgkt("populate", "--model", "a.keras", "--layers", "mid,emb", "--data", "smaller.npz")
    assert len(done.json["lost"]) == 1
    assert labels[0] in done.json["lost"][0]
    assert f"lost: label {labels[0]}" in done.err
    assert kgkt("query", "MATCH ()-[l:LABELLED]->() RETURN count(l)").json["rows"] == [[19]]


def test_run_does_all_of_it_and_the_second_time_nothing(labelled: Path, kgkt: Kgkt) -> None:
    (labelled / "more.csv").write_text((labelled / "labels.csv").read_text() + "i0001,8\n")
    (labelled / "kgkt.toml").write_text(
        '[source]\nmodel = "a.keras"\nlayers = ["mid", "emb"]\ndata = "pool.npz"\n'
        '[teach]\nlabels = "more.csv"\nbalanced = true\n'
        '[target]\nmodel = "b.keras"\nout = "out.keras"\ntest = "test.npz"\nsteps = 60\n'
    )
    first = kgkt("run")
    assert first.code == 0, first.err
    assert first.json["stages"] == {"populate": "fresh", "label": "done", "propagate": "done", "map": "done",
                                    "fuse": "done"}  # fmt: skip
    second = kgkt("run").json["stages"]
    assert set(second) == {s for s in second if second[s] == "fresh"} == set(first.json["stages"])
    said = (labelled / "more.csv").read_text()
    kgkt("label", next(f"{item}=not:9" for item in (f"i{n:04d}" for n in range(600)) if item not in said))
    third = kgkt("run").json["stages"]
    assert third["populate"] == "fresh"
    assert third["propagate"] == third["fuse"] == "done"


def test_features_made_elsewhere_make_the_same_graph(populated: Path, kgkt: Kgkt) -> None:
    done = kgkt("populate", "--features", "kgkt-run/main/features.parquet", "--graph", "copy")
    assert done.code == 0, done.err
    edges = "MATCH (a:Concept {graph: $g})-[s:SIMILAR_TO]->(b) RETURN count(s), sum(s.weight)"
    main, copy = (kgkt("query", edges, "--param", f"g={g}", "--graph", g).json["rows"][0] for g in ("main", "copy"))
    assert main[0] == copy[0]
    assert main[1] == pytest.approx(copy[1], rel=1e-9)


def test_two_graphs_need_a_name(populated: Path, kgkt: Kgkt) -> None:
    kgkt("populate", "--features", "kgkt-run/main/features.parquet", "--graph", "copy")
    assert "holds 2 graphs (copy, main): say --graph NAME" in kgkt("suggest").err
    wrong = kgkt("suggest", "--graph", "mian")
    assert (wrong.code, "did you mean main?" in wrong.err) == (3, True)


def test_b_may_read_other_inputs_of_the_same_items(labelled: Path, kgkt: Kgkt, digits: Any) -> None:
    from kgkt.source.quiet import keras

    k = keras()
    k.Sequential([k.Input((64,)), k.layers.Dense(10, activation="softmax")]).save("flat.keras")
    order = np.random.default_rng(0).permutation(600)
    np.savez("flat.npz", x=digits.pool_x[order].reshape(600, 64), item_id=digits.pool_ids[order])
    np.savez("flat-test.npz", x=digits.test_x.reshape(-1, 64), y=digits.test_y)
    done = kgkt("fuse", "--target", "flat.keras", "--target-data", "flat.npz", "--out", "f.keras", "--test", "flat-test.npz")
    assert done.code == 0, done.err
    assert done.json["figures"]["test_fused"] > 0.75
    np.savez("part.npz", x=digits.pool_x[:500].reshape(500, 64), item_id=digits.pool_ids[:500])
    part = kgkt("fuse", "--target", "flat.keras", "--target-data", "part.npz", "--out", "g.keras")
    assert (part.code, "lacks 100 of the graph's 600 items" in part.err) == (3, True)


def test_suggest_writes_a_list_and_pictures(populated: Path, kgkt: Kgkt) -> None:
    done = kgkt("suggest", "-n", 5, "--out", "todo.csv", "--show", "todo", "--format", "table")
    assert done.code == 0
    rows = read_csv(populated / "todo.csv")
    assert [r["class"] for r in rows] == [""] * 5
    assert len(list((populated / "todo").glob("*.png"))) == 5
    assert kgkt("label", "--file", "todo.csv").err == "kgkt: todo.csv holds no label (5 rows, no class filled in): fill in the column class\n"
    assert "todo.csv exists: --force replaces it" in kgkt("suggest", "--out", "todo.csv").err
    ten = [r[0] for r in kgkt("suggest", "-n", 10).json["rows"]]
    assert ten[:5] == [r["item_id"] for r in rows]


def test_a_label_file_is_imported_once(labelled: Path, kgkt: Kgkt) -> None:
    again = kgkt("label", "--file", "labels.csv")
    assert again.json["known_file"]
    (labelled / "copy.csv").write_bytes((labelled / "labels.csv").read_bytes())
    assert kgkt("label", "--file", "copy.csv").json["known_file"]


def test_edits_are_logged_with_before_and_after(labelled: Path, kgkt: Kgkt) -> None:
    item = read_csv(labelled / "labels.csv")[0]
    other = "0" if item["class"] != "0" else "1"
    done = kgkt("label", f"{item['item_id']}={other}")
    assert done.json["replaced"] == 1
    last = json.loads((labelled / "kgkt-run/main/edits.jsonl").read_text().splitlines()[-1])
    before, after = (last[when]["items"][item["item_id"]] for when in ("before", "after"))
    assert (list(before["labels"]), list(after["labels"]), after["ticks"]) == ([item["class"]], [other], {})


def test_classes_have_natural_order_until_frozen(populated: Path, kgkt: Kgkt) -> None:
    write_labels(populated / "l.csv", [("i0000", "10"), ("i0001", "9"), ("i0002", "2")])
    assert kgkt("label", "--file", "l.csv").json["classes"] == ["2", "9", "10"]
    assert "2 9 10 (natural order, not frozen yet)" in kgkt("check", "--format", "table").out


def test_a_class_goes_with_the_last_label_that_named_it(populated: Path, kgkt: Kgkt) -> None:
    kgkt("label", "i0000=cat", "i0001=cta", "i0002=dog", "i0003=dgo", "i0004=made", "i0005=used")
    kgkt("label", "i0006=not:dgo")
    kgkt("query", "MATCH (k:Class {name: 'made'}) SET k.note = 'mine'", "--rw", "--force")
    kgkt("query", "MATCH (k:Class {name: 'used'}), (c:Concept {key: 'main/concept/1'}) CREATE (k)-[:SEEN_IN]->(c)", "--rw", "--force")
    kgkt("propagate")  # every class has concepts that lean to it
    done = kgkt("label", "i0001=cat", "i0003=dog", "i0004=cat", "i0005=cat")
    assert done.json["classes"] == ["cat", "dgo", "dog", "made", "used"]  # ticked, or of a person's own making
    assert "no class any more, as no item is called so: 'cta'\n" in done.err
    names = kgkt("query", "MATCH (k:Class) RETURN k.name ORDER BY k.name").json["rows"]
    assert names == [["cat"], ["dgo"], ["dog"], ["made"], ["used"]]


def test_a_class_that_the_recipe_or_the_order_names_stays(populated: Path, kgkt: Kgkt) -> None:
    Path("kgkt.toml").write_text("[target]\nclasses = ['a', 'b', 'c']\n[teach]\nprior = {a = 0.5, b = 0.2, d = 0.3}\n")
    kgkt("label", "i0000=a", "i0001=c", "i0002=d", "i0003=e")
    assert kgkt("label", "i0001=a", "i0002=a", "i0003=a").json["classes"] == ["a", "c", "d"]
    Path("kgkt.toml").unlink()
    kgkt("label", "i0007=f")
    told = kgkt("propagate", "--prior", "a=0.5", "--prior", "c=0.2", "--prior", "d=0.2", "--prior", "f=0.1")
    assert told.code == 0, told.err
    assert kgkt("label", "i0007=a").json["classes"] == ["a", "c", "d", "f"]
    kgkt("query", "MATCH (k:Class {name: 'f'}) DETACH DELETE k", "--rw", "--force")
    kgkt("query", "MATCH (k:Class) SET k.index = CASE k.name WHEN 'a' THEN 0 WHEN 'c' THEN 1 ELSE 2 END", "--rw", "--force")
    kgkt("label", "i0001=c")
    assert kgkt("label", "i0001=a").json["classes"] == ["a", "c", "d"]
