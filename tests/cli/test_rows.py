"""fuse --method rows: from a graph of words into the rows of B's Embedding, edited, switched off, undone, refused."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

import kgkt as kgkt_package
from kgkt.errors import UsageError
from kgkt.source.quiet import keras as import_keras
from tests.cli.conftest import Kgkt, Rows
from tests.cli.row_words import FUSE, WIDTH, WORDS, ask, rows_in


def lengths(rows: np.ndarray) -> np.ndarray:
    return np.linalg.norm(rows, axis=1)


def test_rows_are_written_traced_edited_switched_off_and_brought_back(kgkt: Kgkt, words: Path, written: Rows) -> None:
    own = rows_in("b.keras")
    done, rows = written()
    figures = done.json["figures"]
    assert {name: figures[name] for name in ("rows", "words", "covered", "filled", "special", "unknown", "trained")} == {
        "rows": 130, "words": 121, "covered": 118, "filled": 0, "special": 9, "unknown": 3, "trained": 0}  # fmt: skip
    assert done.json["options"]["rank"] == 8
    assert "98 % of B's words are in this graph; 99 % with --lower" in done.err
    assert "names 124 of the 130 rows of emb: the other 6 are left alone" in done.err
    assert figures["not_found"] == ["W118", "W119", "unheard"]
    assert re.search(r"rows stay 0\.0\d+ long in the mean, A's vectors are \S+: try --row-norm 1, 3 and", done.err)
    same = (rows == own).all(axis=1)
    assert same.sum() == 12
    assert lengths(rows[~same]).mean() == pytest.approx(lengths(own[~same]).mean(), rel=1e-5)
    _check_graph(kgkt, words)
    assert kgkt("check", "--target", "b.keras").json["stages"]["rows"]["stale"] is False

    edge = "MATCH (:Concept)-[m:MAPS_TO]->(:Block {kind: 'row', name: '%s'}) SET m.strength = %s"
    ask(kgkt, edge % ("w003", 0.25), "--rw", "--force")
    ask(kgkt, edge % ("w004", 0.0), "--rw", "--force")
    assert kgkt("check", "--target", "b.keras").json["stages"]["rows"]["why"] == ["the graph"]
    done, edited = written()
    assert done.json["figures"]["set_to_0"] == 1
    np.testing.assert_allclose(edited[5], 0.25 * rows[5] + 0.75 * own[5], atol=1e-6)
    np.testing.assert_array_equal(edited[6], own[6])
    rest = np.delete(np.arange(130), [5, 6])
    np.testing.assert_array_equal(edited[rest], rows[rest])
    assert kgkt("query", "concept_of_row", "--param", "word=w003").json["rows"][0][-2:] == [0.25, 1.0]

    concept = kgkt("query", "concept_of_row", "--param", "word=w010").json["rows"][0][3]
    off = f"MATCH (c:Concept {{key: '{concept}'}}) RETURN c.key AS key"
    assert kgkt("switch", "off", off).code == 0
    done, without = written()
    there = {row[2] for row in kgkt("query", "rows_of_concept", "--param", f"concept={concept.rpartition('/')[2]}",
                                    "--param", "limit=999").json["rows"]}  # fmt: skip
    assert done.json["figures"]["switched_off"] == len(there - {6}) > 5
    for row in range(130):
        np.testing.assert_array_equal(without[row], own[row] if row in there else edited[row])
    assert kgkt("undo").code == 0
    np.testing.assert_array_equal(written()[1], edited)


def _check_graph(kgkt: Kgkt, words: Path) -> None:
    """The blocks of the rows, beside those that `map` makes."""
    assert ask(kgkt, "MATCH (b:Block {kind: 'row'})-[:IN_MODEL]->(m:Model) RETURN m.name, count(b)") == [["b", 121]]
    maps = "MATCH (c:Concept)-[m:MAPS_TO]->(b:Block) RETURN count(m), min(m.strength), max(m.planned), count(DISTINCT b)"
    assert ask(kgkt, maps) == [[118, 1.0, 1.0, 118]]
    assert kgkt("query", "concept_of_row", "--param", "word=unheard").json["rows"][0][3] is None
    card = Path("f.card.md").read_text()
    assert "not in the graph, B's first ones | W118, W119, unheard" in card
    assert "written by A's vector of the word and its concept | 118" in card
    assert "Nothing was trained" in card
    assert json.loads(Path("f.run.json").read_text())["figures"]["covered"] == 118


def test_a_word_goes_to_the_concept_that_people_give_it(kgkt: Kgkt, words: Path, written: Rows) -> None:
    own, (_, before) = rows_in("b.keras"), written("--rank", 0)
    target = kgkt("query", "concept_of_row", "--param", "word=w001").json["rows"][0][3]
    ask(kgkt, "MATCH (:Concept)-[m:MAPS_TO]->(:Block {name: 'w000'}) SET m.strength = 0.0", "--rw", "--force")
    for word in ("w000", "unheard"):
        ask(kgkt, f"MATCH (c:Concept {{key: '{target}'}}), (b:Block {{name: '{word}'}}) MERGE (c)-[m:MAPS_TO]->(b) "
            "SET m.strength = 1.0", "--rw", "--force")  # fmt: skip
    done, after = written("--rank", 0)
    assert done.json["figures"]["filled"] == 119
    assert done.json["figures"]["edited"] == 3
    for row in (2, 122):  # w000 and unheard
        np.testing.assert_allclose(after[row], before[3], atol=1e-6)
    assert (before[122] == own[122]).all()
    assert kgkt("populate", "--features", "words.npz", "--concepts", "8", "--fresh").code == 0
    np.testing.assert_array_equal(written("--rank", 0)[1], after)
    assert json.loads(Path("kgkt-run/main/run.json").read_text())["row strengths"] == []


def test_a_relation_that_people_delete_is_a_strength_of_0(kgkt: Kgkt, words: Path, written: Rows) -> None:
    own, (_, before) = rows_in("b.keras"), written()
    target = kgkt("query", "concept_of_row", "--param", "word=w001").json["rows"][0][3]
    for word in ("w000", "w003"):
        ask(kgkt, f"MATCH (:Concept)-[m:MAPS_TO]->(:Block {{name: '{word}'}}) DELETE m", "--rw", "--force")
    ask(kgkt, f"MATCH (c:Concept {{key: '{target}'}}), (b:Block {{name: 'w000'}}) MERGE (c)-[m:MAPS_TO]->(b) "
        "SET m.strength = 1.0", "--rw", "--force")  # fmt: skip
    assert kgkt("check", "--target", "b.keras").json["stages"]["rows"]["why"] == ["the graph"]
    done, after = written()
    assert "2 relations to rows of emb were deleted in the graph: taken as strength 0" in done.err
    assert (done.json["figures"]["set_to_0"], done.json["figures"]["edited"]) == (1, 3)
    np.testing.assert_array_equal(after[5], own[5])
    assert not (after[2] == before[2]).all()
    assert kgkt("query", "concept_of_row", "--param", "word=w003").json["rows"][0][-2:] == [0.0, 1.0]
    assert kgkt("check", "--target", "b.keras").json["stages"]["rows"]["stale"] is False


def test_map_and_rows_of_one_b_stand_beside_each_other(kgkt: Kgkt, words: Path, written: Rows) -> None:
    written()
    ask(kgkt, "MATCH (:Concept)-[m:MAPS_TO]->(:Block {name: 'w003'}) SET m.strength = 0.5", "--rw", "--force")
    kgkt("label", "w000=a", "w001=b", "w008=a", "w009=b")
    Path("texts.csv").write_text("item_id,text\n" + "".join(f"{w},{w}\n" for w in WORDS))
    mapped = kgkt("map", "--target", "b.keras", "--target-data", "texts.csv")
    assert mapped.code == 0, mapped.err
    assert (mapped.json["edits_kept"], list(mapped.json["layers"])) == (0, ["out"])
    assert ask(kgkt, "MATCH (b:Block {model: 'b'}) RETURN b.kind, count(b) ORDER BY b.kind") == [["head", 2], ["row", 121]]
    done, _ = written()
    assert done.json["figures"]["edited"] == 1
    assert ask(kgkt, "MATCH (b:Block {model: 'b'}) RETURN b.kind, count(b) ORDER BY b.kind") == [["head", 2], ["row", 121]]
    taught = kgkt("fuse", "--target", "f.keras", "--target-data", "texts.csv", "--out", "g.keras", "--steps", "5",
                  "--method", "soft-targets")  # fmt: skip
    assert taught.code == 0, taught.err


def test_options_and_what_b_has_learned(kgkt: Kgkt, words: Path, written: Rows) -> None:
    done, _ = written("--lower", "--rank", "full", "--row-norm", 2, "--no-map", "--special", "w000")
    assert done.json["figures"]["covered"] == 119
    assert done.json["figures"]["blocks"] is None
    assert done.json["figures"]["length"] == pytest.approx(2)
    assert "1 row of words left alone in emb: mean length 0.0777, of those written 2." in done.err
    assert "try --row-norm" not in done.err
    assert ask(kgkt, "MATCH (b:Block) RETURN count(b)") == [[0]]
    keras = import_keras()
    model = keras.models.load_model("b.keras")
    layer = model.get_layer("emb")
    x = np.load("words.npz")["x"][:100]
    known = layer.embeddings.numpy()
    known[2:102] = x @ np.random.default_rng(0).normal(size=(WIDTH, 8)) / 3
    layer.embeddings.assign(known)
    model.save("known.keras")
    done, rows = written(target="known.keras")
    figures = done.json["figures"]
    assert (figures["covered"], figures["trained"]) == (18, 100)
    assert figures["ridge"] > 0.99
    assert done.json["options"]["projection"] == "ridge"
    np.testing.assert_array_equal(rows[:102], known[:102])
    assert lengths(rows[102:120]).mean() == pytest.approx(lengths(known[2:102]).mean(), rel=0.2)
    assert "100 of these are of words that A has, and stay as they are" in done.err
    done, rows = written("--replace", target="known.keras")
    assert (done.json["figures"]["covered"], (rows[2:102] == known[2:102]).all(axis=1).sum()) == (118, 0)
    done, rows = written("--projection", "pca", target="known.keras")
    assert (done.json["figures"]["covered"], done.json["options"]["projection"]) == (118, "pca")
    done, white = written("--projection", "whitened", target="known.keras")
    assert (done.json["figures"]["covered"], done.json["options"]["projection"]) == (118, "whitened")
    spread = [np.linalg.svd(found[2:120] - found[2:120].mean(axis=0), compute_uv=False) for found in (white, rows)]
    assert spread[0][-1] / spread[0][0] > spread[1][-1] / spread[1][0]
    assert "12 numbers whitened into 8" in kgkt(*FUSE, "--projection", "whitened", "--format", "table").out
    table = kgkt(*FUSE, "--format", "table").out
    assert "the first 8 of 12 principal components" in table
    assert "not in this graph, in B's order: 'W118', 'W119', 'unheard'" in table


def test_a_b_that_trained_every_row_is_refused_before_the_learning(kgkt: Kgkt, words: Path) -> None:
    model = import_keras().models.load_model("b.keras")
    layer = model.get_layer("emb")
    layer.embeddings.assign(np.random.default_rng(0).normal(size=(130, 8)))
    model.save("whole.keras")
    refused = kgkt(*FUSE, "--target", "whole.keras")
    assert refused.code == 3
    assert ("all 118 rows of emb of words that the graph has were trained in whole.keras already, and stay: nothing is "
            "left to write. --replace writes over them") in refused.err
    assert "kgkt extend-vocabulary" in refused.err
    assert not Path("f.keras").exists()


def test_an_edit_waits_while_its_row_is_called_special(kgkt: Kgkt, words: Path, written: Rows) -> None:
    own, (_, rows) = rows_in("b.keras"), written()
    ask(kgkt, "MATCH (:Concept)-[m:MAPS_TO]->(:Block {kind: 'row', name: 'w003'}) SET m.strength = 0.5", "--rw", "--force")
    for _ in range(2):
        done, apart = written("--special", "w003")
        assert "1 strength to the row of 'w003' waits: B has it, --special calls it no word's" in done.err
        assert "lost:" not in done.err
        np.testing.assert_array_equal(apart[5], own[5])
        assert done.json["figures"]["special_words"] == ["[UNK]", "w003", "[start]"]
    done, back = written()
    np.testing.assert_allclose(back[5], 0.5 * rows[5] + 0.5 * own[5], atol=1e-6)
    assert done.json["figures"]["edited"] == 1
    assert json.loads(Path("kgkt-run/main/run.json").read_text())["row strengths"] == []


def test_from_python_a_vocabulary_may_be_a_list_or_a_dict(words: Path) -> None:
    run = kgkt_package.open_graph(dir="kgkt-run")
    listed = ["", "[UNK]", "w000", "none"]
    for given in (listed, {"w000": 2, "none": 3}):
        done = run.fuse("b.keras", method="rows", vocabulary=given, map=False)
        assert (done.figures["words"], done.figures["covered"], done.figures["not_found"]) == (2, 1, ["none"])
    with pytest.raises(UsageError, match="vocabulary: expected a path, a list"):
        run.fuse("b.keras", method="rows", vocabulary=7)


def test_a_recipe_writes_rows_and_leaves_them_alone_once_they_are_fresh(kgkt: Kgkt, words: Path) -> None:
    recipe = ('[source]\nfeatures = "words.npz"\n[concepts]\nk = 8\n[target]\nmodel = "b.keras"\nout = "f.keras"\n'
              'method = "rows"\nrank = "full"\nlower = true\n')  # fmt: skip
    Path("kgkt.toml").write_text(recipe)
    assert kgkt("run").json["stages"] == {"populate": "fresh", "rows": "done"}
    assert kgkt("run").json["stages"] == {"populate": "fresh", "rows": "fresh"}
    Path("kgkt.toml").write_text(recipe.replace('"full"', "2"))
    assert kgkt("check").json["stages"]["rows"]["why"] == ["row settings"]
    assert kgkt("run").json["stages"]["rows"] == "done"
    assert json.loads(Path("f.run.json").read_text())["options"]["rank"] == 2
    Path("kgkt.toml").write_text(recipe.replace('"full"', "true"))
    assert 'rank must be a whole number or "full"' in kgkt("run").err


def test_what_makes_no_rows_is_refused(kgkt: Kgkt, words: Path) -> None:
    layers = import_keras().layers
    import_keras().Sequential([import_keras().Input((3,)), layers.Dense(2, name="only")]).save("dense.keras")
    Path("other.txt").write_text("cat\ndog\nW118\n")
    Path("long.txt").write_text("\n".join(f"x{i}" for i in range(131)))
    for given, code, message in (
        (("--target", "dense.keras"), 3, "dense.keras has no Embedding layer"),
        (("--layer", "embd"), 3, "no Embedding layer 'embd'; did you mean emb?"),
        (("--vocabulary", "other.txt"), 3, "none of the words of other.txt is an item of the graph."),
        (("--vocabulary", "other.txt"), 3, "1 word would be found with --lower"),
        (("--vocabulary", "long.txt"), 3, "long.txt has 131 words with a row, emb of b.keras has 130 rows"),
        (("--rank", 9), 3, "--rank 9 is above the width: B's rows are 8 wide; expected 0 to 8, or full"),
        (("--rank", -1), 3, "--rank -1: expected 0 or more"), (("--rank", "all"), 2, "--rank all: expected a number"),
        (("--row-norm", -1), 3, "--row-norm -1: expected a number above 0"),
        (("--row-norm", "long"), 2, "--row-norm long: expected a length"),
        (("--projection", "lerned"), 2, "--projection lerned; did you mean learned?"),
        (("--projection", "learned"), 3, "A's vectors explain nothing of B's trained rows"),
        (("--grow", "units=9", "--carry", "concepts"), 2, "leave out --grow and --carry"),
        (("--method", "soft-targets", "--rank", "3"), 2, "rank: of method rows, and the method is soft-targets"),
    ):
        refused = kgkt(*FUSE, *given)
        assert (refused.code, message in refused.err) == (code, True), refused.err
        assert not Path("f.keras").exists()
    assert ask(kgkt, "MATCH (b:Block) RETURN count(b)") == [[0]]
    done = kgkt(*FUSE)
    assert done.code == 0
    ask(kgkt, "MATCH (:Concept)-[m:MAPS_TO]->(:Block {name: 'w003'}) SET m.strength = 2", "--rw", "--force")
    assert "to the row of 'w003' in b emb is 2: set a number from 0 (B's own row) to 1" in kgkt(*FUSE).err


def test_a_graph_of_pictures_is_refused(kgkt: Kgkt, populated: Path, words_once: Path) -> None:
    shutil.copy(words_once / "b.keras", populated / "words.keras")
    refused = kgkt("fuse", "--method", "rows", "--target", "words.keras", "--out", "f.keras")
    assert refused.code == 3
    assert "The graph's items have to be words, each item's id being the word" in refused.err
    assert "items        'i0000', 'i0001'" in refused.err


def test_what_is_told_of_rows_that_went_runs_as_it_is_printed(kgkt: Kgkt, words: Path) -> None:
    never = kgkt("query", "concept_of_row", "--param", "word=w003")
    assert "no row of an Embedding is in the graph: kgkt fuse --method rows --target b.keras --out b-rows.keras writes them" in never.err
    with np.load("words.npz") as held:
        np.savez("more.npz", x=np.concatenate([held["x"], held["x"][:1] + 0.1]), item_id=[*held["item_id"], "new"])
    kgkt("populate", "--graph", "second", "--features", "words.npz", "--concepts", "8")
    assert kgkt(*FUSE, "--graph", "main", "--rank", "full", "--row-norm", "2").code == 0
    for query, said in ((("concept_of_row", "--param", "word=water"), "'water' is no word of the Embedding of b"),
                        (("concept_of_row", "--param", "word=w003", "--param", "model=c"), "no rows of c"),
                        (("rows_of_concept", "--param", "concept=99"), "no row of the Embedding of b comes from concept 99")):  # fmt: skip
        assert said in kgkt("query", *query, "--graph", "main").err
    again = "kgkt fuse --graph main --method rows --target b.keras --out f.keras --rank full --row-norm 2 --force"
    gone = kgkt("populate", "--graph", "main", "--features", "more.npz", "--concepts", "8").err
    assert again in gone, gone
    went = kgkt("query", "concept_of_row", "--param", "word=w003", "--graph", "main").err
    assert f"the rows of b went when the graph was populated again; to make them again: {again}" in went
    assert kgkt(*again.split()[1:]).code == 0
    assert kgkt("query", "concept_of_row", "--param", "word=w003", "--graph", "main").err == ""


def test_a_graph_of_texts_whose_ids_are_words_is_refused_by_both(kgkt: Kgkt, words: Path) -> None:
    def graph_of(lines: list[str]) -> None:
        Path("texts.csv").write_text("item_id,text\n" + "".join(lines), encoding="utf-8")
        done = kgkt("populate", "--graph", "texts", "--features", "words.npz", "--data", "texts.csv", "--concepts", "8")
        assert done.code == 0, done.err

    graph_of([f"{word},A library of {word} and more\n" for word in WORDS])
    for verb in ((*FUSE, "--graph", "texts"), ("extend-vocabulary", "b.keras", "--out", "f.keras", "--graph", "texts")):
        refused = kgkt(*verb)
        assert refused.code == 3
        assert ("the items of graph texts are texts ('w000' is 'A library of w000 and more'), and what A knows is of "
                "these: the graph's items have to be words") in refused.err  # fmt: skip
        assert not Path("f.keras").exists()
    Path("texts.csv").unlink()
    assert "texts.csv is not there to see whether they are words" in kgkt(*FUSE, "--graph", "texts").err
    graph_of([f"{word},{word.upper()}\n" for word in WORDS])
    assert kgkt(*FUSE, "--graph", "texts").code == 0


@pytest.fixture
def texts_of_two_classes(words: Path) -> Path:
    """90 texts of four words, three of them from the clouds of the text's class."""
    draw, lines = np.random.default_rng(0), ["text,class"]
    for i in range(90):
        chosen = [WORDS[8 * draw.integers(14) + 4 * (i % 2) + draw.integers(4)] for _ in range(3)]
        lines.append(f"{' '.join([*chosen, WORDS[draw.integers(118)]])},{'ab'[i % 2]}")
    Path("texts.csv").write_text("\n".join(lines) + "\n")
    return Path("texts.csv")


def test_texts_choose_how_long_rows_are(
    kgkt: Kgkt, texts_of_two_classes: Path, written: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kgkt.transfer.words.row_length.STEPS", 30)
    own = rows_in("b.keras")
    done, rows = written("--row-norm", "tuned", "--test", texts_of_two_classes, "--rank", "full")
    tried, chosen = done.json["figures"]["tried"], done.json["figures"]["length_chosen"]
    assert tried[1]["norm"] == pytest.approx(lengths(own[2:120]).mean(), rel=0.1)
    assert [one["norm"] for one in tried[2:4]] == [1.0, 3.0]
    assert tried[0] | {"norm": None, "gain": 0.0, "error": 0.0} == tried[0]
    best = min(tried, key=lambda one: one["loss"])
    assert chosen == best["norm"] > 0.9
    assert best["gain"] == pytest.approx(tried[0]["loss"] - best["loss"])
    assert lengths(rows[2:120]).mean() == pytest.approx(chosen, rel=0.01)
    np.testing.assert_array_equal(written("--row-norm", chosen, "--rank", "full")[1], rows)
    assert "--row-norm tuned: 90 texts" in done.err
    assert "is not looked at" not in done.err
    table = kgkt(*FUSE, "--row-norm", "tuned", "--test", texts_of_two_classes, "--format", "table").out
    assert re.search(r"tuned +mean length +loss +right +on texts held out\n +B's own rows +\d\.\d{3} +\d+\.\d %\n", table)
    assert "taken" in table
    assert "right on texts held out, taken" in Path("f.card.md").read_text()
    assert kgkt("check").json["stages"]["rows"]["stale"] is False
    Path("texts.csv").write_text(Path("texts.csv").read_text().replace(",a\n", ",b\n", 1))
    assert kgkt("check").json["stages"]["rows"]["why"] == ["texts that chose the length"]


def test_texts_that_choose_no_length_are_refused(kgkt: Kgkt, texts_of_two_classes: Path) -> None:
    lines = texts_of_two_classes.read_text().splitlines()
    Path("few.csv").write_text("\n".join(lines[:7]) + "\n")
    Path("one.csv").write_text("\n".join([lines[0], *lines[1::2]]) + "\n")
    for options, code, message in (
        ((), 2, "--row-norm tuned is chosen by texts with classes"),
        (("--test", "gone.csv"), 3, "test data gone.csv is not there"),
        (("--test", "few.csv"), 3, "expected 4 of each class or more, found 3 of one"),
        (("--test", "one.csv"), 3, "one.csv has 1 class"),
    ):
        done = kgkt(*FUSE, "--row-norm", "tuned", *options, "--target", "b.keras")
        assert (done.code, message in done.err) == (code, True), done.err
        assert not Path("f.keras").exists()
