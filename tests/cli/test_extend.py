"""extend-vocabulary from the command line: a B that knows more words, how sure, and what is refused."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import kgkt
from kgkt.api.settings import with_target
from kgkt.cli.extend import show_extended
from kgkt.errors import InputError, UsageError
from kgkt.files import sha256_file
from kgkt.rundir.labelled_texts import Labelled, labelled_texts
from kgkt.rundir.state import open_run
from kgkt.source.quiet import keras as import_keras
from kgkt.transfer.words.extended import in_words
from tests.cli.conftest import Kgkt, cwd_into, kgkt_in
from tests.conftest import Once
from tests.transfer.test_extend import KNOWN, WORDS, build, world


@pytest.fixture(scope="session")
def worded_once(once: Once) -> Path:
    """A graph of 240 words, and a B that knows 160 of them and one that A does not; not to be changed."""

    def fill(folder: Path) -> None:
        np.savez(folder / "words.npz", x=world()[0], item_id=np.array(WORDS))
        build(words=[*WORDS[: KNOWN - 1], "other"]).save(folder / "b.keras")
        kgkt_in(folder, "populate", "--features", "words.npz")

    return once("worded", fill)


@pytest.fixture
def worded(worded_once: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same folder, to work in."""
    shutil.copytree(worded_once, tmp_path / "work")
    return cwd_into(monkeypatch, tmp_path / "work")


def write_texts(path: Path, words: list[str], n: int = 120) -> Path:
    """Texts of three words, their class the sign of the mean of their rows' first number."""
    rng = np.random.default_rng(2)
    row = dict(zip(WORDS, world()[1][:, 0].tolist(), strict=True))
    texts = [rng.choice(words, 3).tolist() for _ in range(n)]
    lines = [f"{' '.join(text)},{'yes' if sum(row[w] for w in text) > 0 else 'no'}" for text in texts]
    path.write_text("\n".join(["text,y", *lines]) + "\n", encoding="utf-8")
    return path


def test_words_are_added_above_a_cautious_confidence_and_known_texts_stay(kgkt: Kgkt, worded: Path) -> None:
    before = (worded / "b.keras").read_bytes()
    done = kgkt("extend-vocabulary", "b.keras", "--out", "b2.keras")
    assert done.code == 0, done.err
    told = done.json
    assert (told["rule"], told["way"], told["pairs"], told["held_out"]) == ("cautious", "ridge", KNOWN - 1, 32)
    assert told["difference"] == 0
    added = told["words"]
    assert 0 < len(added) < len(WORDS) - KNOWN
    assert told["left"] == {"known to B": KNOWN - 1, "not sure enough": len(WORDS) - KNOWN + 1 - len(added)}
    assert min(told["sure"]) >= told["confidence"] - 1e-4
    assert (worded / "b.keras").read_bytes() == before
    b, b2 = (import_keras().models.load_model(worded / name) for name in ("b.keras", "b2.keras"))
    assert b2.get_layer("read").get_vocabulary() == [*b.get_layer("read").get_vocabulary(), *added]
    known = np.array([" ".join(WORDS[i : i + 4]) for i in range(0, KNOWN - 8, 4)], dtype=object)
    np.testing.assert_array_equal(np.asarray(b(known)), np.asarray(b2(known)))
    away = next(word for word in WORDS[KNOWN:] if word not in added)
    lone = np.array([away, added[0]], dtype=object)
    moved = np.abs(np.asarray(b(lone)) - np.asarray(b2(lone))).ravel()
    assert moved[0] == 0
    assert moved[1] > 1e-3
    beside = json.loads((worded / "b2.run.json").read_text(encoding="utf-8"))
    assert beside["facts"]["extended"]["words"] == len(added)
    assert beside["facts"]["foretold"] == {"rows": [[KNOWN + 2, len(added)]]}
    vectors = world()[0] - world()[0][: KNOWN - 1].mean(axis=0)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    cosines = (vectors @ vectors[: KNOWN - 1].T).max(axis=1)
    np.testing.assert_allclose(told["sure"], [cosines[WORDS.index(word)] for word in added], atol=1e-4)
    home = kgkt("query", "concept_of_row", "--param", f"word={added[0]}").json
    row = dict(zip(home["columns"], home["rows"][0], strict=True))
    assert (row["model"], row["layer"], row["index"], row["strength"]) == ("b2", "rows", KNOWN + 2, 1)
    holds = f"MATCH (:Item {{item_id: '{added[0]}'}})-[:EXAMPLE_OF]->(c) RETURN c.key"
    assert [row["key"]] in kgkt("query", holds).json["rows"]
    again = kgkt("extend-vocabulary", "b2.keras", "--out", "b3.keras", "--confidence", -1, "--format", "table")
    assert again.code == 0, again.err
    assert f"{len(WORDS) - KNOWN + 1 - len(added)} words" in again.out
    assert "as you said" in again.out
    assert f"from {KNOWN - 1} words that A and B know" in again.out  # not from those that were foretold
    assert f"b2.keras got the rows of {len(added)} words from kgkt, as b2.run.json says" in again.err
    beside = json.loads((worded / "b3.run.json").read_text(encoding="utf-8"))["facts"]
    assert beside["foretold"] == {"rows": [[KNOWN + 2, len(WORDS) - KNOWN + 1]]}
    none = kgkt("extend-vocabulary", "b.keras", "--out", "b4.keras", "--confidence", 1)
    assert (none.code, none.json["out"], none.json["words"]) == (0, None, [])
    assert "nothing was written: no new word is served" in none.err
    assert not (worded / "b4.keras").exists()


def test_rows_that_kgkt_foretold_teach_fuse_nothing_and_are_made_again_as_they_were(kgkt: Kgkt, worded: Path) -> None:
    new = len(WORDS) - KNOWN + 1
    again = "kgkt extend-vocabulary b.keras --out b2.keras --confidence -1 --force"
    assert kgkt(*again.split()[1:]).code == 0
    gone = kgkt("populate", "--features", "words.npz", "--concepts", 9)
    assert f"goes: the rows of b2; to make it again: {again}" in gone.err
    assert f"to make them again: {again}" in kgkt("query", "concept_of_row", "--param", "word=w200").err
    fused = kgkt("fuse", "--method", "rows", "--target", "b2.keras", "--out", "f.keras")
    assert fused.code == 0, fused.err
    figures = fused.json["figures"]
    assert figures["pairs"] + figures["held_out"] == figures["trained"] == KNOWN - 1
    assert figures["covered"] == new
    assert (f"b2.keras got the rows of {new} words from kgkt, as b2.run.json says: nothing is learned from them, and "
            "those that the graph has are written anew") in fused.err  # fmt: skip
    assert json.loads(Path("f.run.json").read_text())["facts"]["foretold"] == {"rows": [[KNOWN + 2, new]]}
    twice = kgkt("fuse", "--method", "rows", "--target", "f.keras", "--out", "g.keras")
    assert twice.json["figures"]["trained"] == KNOWN - 1


def test_held_out_texts_choose_the_confidence(worded: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_texts(worded / "test.csv", WORDS[: KNOWN - 1])
    run = kgkt.open_graph(say=lambda _: None)
    tuned = run.extend_vocabulary("b.keras", test="test.csv", words=["w200", "w201", "W202", "nowhere", "w001"],
                                  lower=True, classes="no,yes")  # fmt: skip
    assert tuned.rule == "tuned"
    assert tuned.tuned.tried[1].loss < tuned.tuned.tried[0].loss
    assert 0 < len(tuned.words) == len(tuned.to_pandas())
    assert set(tuned.words) <= {"w200", "w201", "w202"}
    assert (tuned.left["not in the graph"], tuned.left["known to B"]) == (1, 1)
    assert tuned.out == run.folder / "extended.keras"
    beside = json.loads((run.folder / "extended.run.json").read_text(encoding="utf-8"))
    assert tuple(beside["facts"]["classes"]) == tuned.classes == ("no", "yes")
    show_extended(tuned, "table")
    told = capsys.readouterr().out
    assert "120 texts with masked words of B's own (159, a fifth at a time)" in told
    assert told.count("loss less by") == 12
    json.dumps(tuned.to_json(), allow_nan=False)


def test_where_texts_gain_from_no_word_none_is_called_unsure(worded: Path) -> None:
    path = write_texts(worded / "test.csv", WORDS[: KNOWN - 1], 60)
    text = path.read_text(encoding="utf-8").replace(",yes", ",a").replace(",no", ",yes").replace(",a", ",no")
    path.write_text(text, encoding="utf-8")
    said: list[str] = []
    run = kgkt.open_graph(say=said.append)
    none = run.extend_vocabulary("b.keras", test="test.csv", classes="no,yes", words=["w200", "w201"])
    assert (none.out, none.left) == (None, {"kept out, as the texts gained from none": 2})
    assert said[-1] == "nothing was written: no new word is served; --confidence -1 serves all of them"


def read(say: Callable[[str], None], **settings: Any) -> Labelled:
    """The texts that b.keras is asked, as `test` gives them."""
    run = kgkt.open_graph(say=say)
    recipe = with_target(run.recipe, run.folder, target="b.keras", **settings)
    return labelled_texts(recipe, open_run(recipe), import_keras().models.load_model("b.keras"), say)


def test_texts_in_memory_are_read_as_those_of_a_file(worded: Path) -> None:
    frame = pd.read_csv(write_texts(worded / "test.csv", WORDS[: KNOWN - 1], 60)).rename(columns={"y": "class"})
    said: list[str] = []
    texts, classes = frame["text"].tolist(), frame["class"].tolist()
    given = ((texts, classes), (np.array(texts), frame["class"]), {"x": frame["text"], "y": classes}, frame, "test.csv")
    for test in given:
        found = read(said.append, test=test, classes="no,yes")
        assert found.x.tolist() == texts
        assert found.y.tolist() == [int(name == "yes") for name in classes]
    assert said == ["the outputs of b.keras are, in order, no yes: as --target-classes says"] * len(given)
    assert read(said.append, test=(texts, np.arange(60) % 2), classes="0,1").y.tolist() == [0, 1] * 30
    with pytest.raises(InputError, match=r"test: y has shape \(59,\)"):
        read(said.append, test=(texts, classes[1:]))
    run = kgkt.open_graph(say=said.append)
    with pytest.raises(UsageError, match=r"no file china; a text is the path.*words=\['china'\]"):
        run.extend_vocabulary("b.keras", words="china")
    with pytest.raises(UsageError, match="expected a path or a list of words, received int"):
        run.extend_vocabulary("b.keras", words=3)


def test_an_order_of_classes_that_nobody_said_is_held_against_b_s_answers(worded: Path) -> None:
    path = write_texts(worded / "test.csv", WORDS[: KNOWN - 1], 60)
    text = path.read_text(encoding="utf-8").replace(",yes", ",a").replace(",no", ",b")
    path.write_text(text, encoding="utf-8")
    said: list[str] = []
    with pytest.raises(InputError, match=r"nobody said.*no better than.*-classes a,b,… \(its answers agree best with b a"):
        read(said.append, test="test.csv")
    assert said == ["the outputs of b.keras are, in order, a b: the classes of test.csv, sorted"]
    read(said.append, test="test.csv", classes="a,b")
    assert "in this order of its classes b.keras is no better than chance" in said[-1]
    told = {"sha256": sha256_file(worded / "b.keras"), "facts": {"classes": ["b", "a"]}}
    (worded / "b.run.json").write_text(json.dumps(told), encoding="utf-8")
    assert read(said.append, test="test.csv").known
    assert said[-1] == "the outputs of b.keras are, in order, b a: as b.run.json says, which stands beside it"


def test_rows_that_are_foretold_too_well_are_doubted_and_words_left_out_are_named(kgkt: Kgkt, worded: Path) -> None:
    b = build(words=[*WORDS[: KNOWN - 1], "other"])
    b.get_layer("rows").set_weights([np.concatenate([np.zeros((2, 6)), world(0)[1][:KNOWN]])])
    b.save(worded / "made.keras")
    (worded / "new.txt").write_text(" W200\nw001 \nnow here\u3000not\nw201  \n\nw201\t\nnowhere\r\n", encoding="utf-8")
    done = kgkt("extend-vocabulary", "made.keras", "--out", "b2.keras", "--words", "new.txt", "--confidence", -1)
    assert done.code == 0, done.err
    assert "is more than a training leaves" in done.err
    assert "of the words not in the graph it has 1 with --lower" in done.err
    assert "new.txt: 1 line with a word that stood there before, e.g. w201: each word counts once" in done.err
    assert done.json["words"] == ["w201"]
    assert done.json["left"] == {"known to B": 1, "not in the graph": 3}
    assert done.json["named"] == {"known to B": ["w001"], "not in the graph": ["W200", "now here\u3000not", "nowhere"]}
    assert "(W200, 'now here\\u3000not', nowhere)" in in_words(done.json["left"], done.json["named"])


def test_a_switched_off_concept_teaches_no_word(kgkt: Kgkt, worded: Path) -> None:
    off = kgkt("switch", "off", "--concept", "c003")
    assert off.code == 0, off.err
    done = kgkt("extend-vocabulary", "b.keras", "--out", "b2.keras", "--confidence", -1).json
    fewer = done["left"].get("of a concept that is off", 0)
    assert len(done["words"]) == len(WORDS) - KNOWN + 1 - fewer
    size = kgkt("query", "MATCH (c:Concept {key: 'main/concept/3'}) RETURN c.size").json["rows"][0][0]
    assert KNOWN - 1 - done["pairs"] + fewer == size
    assert 0 < fewer < size


def test_a_strength_of_a_new_word_acts_when_b_is_extended_again(kgkt: Kgkt, worded: Path) -> None:
    told = ("extend-vocabulary", "b.keras", "--out", "b2.keras", "--confidence", -1, "--force")

    def rows() -> np.ndarray:
        return np.asarray(import_keras().models.load_model("b2.keras").get_layer("rows").embeddings.numpy())

    assert kgkt(*told).json["edited"] == 0
    before = rows()
    first, edge = KNOWN + 2, "MATCH (:Concept)-[m:MAPS_TO]->(:Block {kind: 'row', name: '%s'}) "
    other = kgkt("query", "concept_of_row", "--param", f"word={WORDS[190]}").json["rows"][0][3]
    edits = [edge % WORDS[170] + "SET m.strength = 0.0", edge % WORDS[171] + "SET m.strength = 0.25", edge % WORDS[172] + "DELETE m",
             f"MATCH (c:Concept {{key: '{other}'}}), (b:Block {{name: '{WORDS[173]}'}}) MERGE (c)-[m:MAPS_TO]->(b) SET m.strength = 1.0"]
    assert kgkt("query", "; ".join(edits), "--rw", "--force").code == 0
    done = kgkt(*told)
    assert (done.json["edited"], done.json["words"][11:14]) == (3, WORDS[170:173])
    assert "3 strengths to the row of 'w170', 'w171', 'w172' act: at 0 it is the row of unknown words" in done.err
    assert "1 strength to the row of 'w173' does not act: of another concept" in done.err
    wanted, unknown, places = before.copy(), before[1], [first + 11, first + 12, first + 13]
    wanted[places] = unknown, 0.25 * before[places[1]] + 0.75 * unknown, unknown
    np.testing.assert_allclose(rows(), wanted, atol=1e-6)
    np.testing.assert_array_equal(rows()[places[0]], unknown)
    x, _, _ = world()
    np.savez(worded / "more.npz", x=np.concatenate([x, x[:1]]), item_id=np.array([*WORDS, "more"]))
    assert "carried over: 4 strengths" in kgkt("populate", "--features", "more.npz").err
    (worded / "few.txt").write_text("w170\nw180\n", encoding="utf-8")
    done = kgkt(*told, "--words", "few.txt")
    assert "3 strengths to the row of 'w171', 'w172', 'w173' wait: B does not get that now" in done.err
    assert done.json["edited"] == 1
    np.testing.assert_array_equal(rows()[first], unknown)


def test_a_vocabulary_outside_of_b_gets_a_file_of_its_own(kgkt: Kgkt, worded: Path) -> None:
    keras = import_keras()
    b = build()
    inner = keras.Sequential([keras.Input((None,), dtype="int64"), *b.layers[1:]])
    inner.save(worded / "ids.keras")
    (worded / "vocabulary.txt").write_text("\n".join(["", "[UNK]", *WORDS[:KNOWN]]) + "\n", encoding="utf-8")
    told = ("extend-vocabulary", "ids.keras", "--vocabulary", "vocabulary.txt", "--most-frequent", 200)
    done = kgkt(*told, "--out", "ids2.keras", "--confidence", -1)
    assert done.code == 0, done.err
    assert done.json["words"] == WORDS[KNOWN:200]
    assert done.json["vocabulary"] == "ids2.vocabulary.txt"
    lines = (worded / "ids2.vocabulary.txt").read_text(encoding="utf-8").splitlines()
    assert lines == ["", "[UNK]", *WORDS[:200]]
    model = keras.models.load_model(worded / "ids2.keras")
    assert model.get_layer("rows").embeddings.shape == (202, 6)
    (worded / "short.txt").write_text("\n".join(["", "[UNK]", *WORDS[: KNOWN - 5]]) + "\n", encoding="utf-8")
    short = kgkt("extend-vocabulary", "ids.keras", "--vocabulary", "short.txt", "--out", "ids3.keras")
    assert short.code == 3
    assert "names 157 of the 162 rows" in short.err
    assert "a line each at the place where they are: the first ones as a rule, for a mask and unknown words" in short.err


def test_what_cannot_be_extended_is_refused(kgkt: Kgkt, worded: Path) -> None:
    keras = import_keras()
    layers = keras.layers
    text = keras.Input((), dtype="string")
    hashed = layers.Embedding(50, 4, name="rows")(layers.Hashing(50, name="hash")(text))
    keras.Model(text, layers.Dense(2)(hashed)).save(worded / "hashed.keras")
    bag = layers.TextVectorization(output_mode="multi_hot", vocabulary=WORDS[:KNOWN])
    keras.Sequential([keras.Input((), dtype="string"), bag, layers.Dense(2)]).save(worded / "bag.keras")
    build(split="character", words=list("abcdefgh")).save(worded / "letters.keras")
    fresh = build()
    rows = fresh.get_layer("rows")
    rows.set_weights([np.random.default_rng(0).uniform(-0.05, 0.05, rows.embeddings.shape)])
    fresh.save(worded / "fresh.keras")
    (worded / "none.txt").write_text("nowhere\nw001\n", encoding="utf-8")
    (worded / "one.csv").write_text("text,y\nw001,yes\n", encoding="utf-8")
    np.savez(worded / "x.npz", x=np.zeros((4, 3), "f"), y=np.arange(4))
    shutil.copy("b.keras", "taken.keras")
    asked = {
        ("hashed.keras",): (3, "of hashes"),
        ("bag.keras",): (3, "has no Embedding layer"),
        ("letters.keras",): (3, "splits texts into characters"),
        ("fresh.keras",): (3, "Is fresh.keras trained? Rows of new words would be guesses; --confidence 0.5, say, writes those in spite"),
        ("b.keras", "--test", "one.csv"): (3, "test data one.csv has 1 row: to measure by it more are needed"),
        ("b.keras", "--words", "none.txt"): (3, "none of the words is new to b.keras and in the graph: 1 known to B (w001), 1 not in the graph (nowhere)"),
        ("b.keras", "--words", "gone.txt"): (3, "list of words gone.txt is not there"),
        ("b.keras", "--words", "none.txt", "--most-frequent", 5): (2, "one of the two"),
        ("b.keras", "--most-frequent", 0): (2, "expected 1 or more"),
        ("b.keras", "--confidence", 3): (2, "a cosine: expected -1 to 1"),
        ("b.keras", "--confidence", 0.5, "--test", "x.npz"): (2, "one of the two"),
        ("b.keras", "--layer", "row"): (3, "did you mean rows"),
        ("b.keras", "--test", "x.npz"): (3, "tells 2 classes apart, x.npz has 4 classes"),
        ("b.keras", "--out", "taken.keras"): (3, "taken.keras exists"),
        ("b.keras", "--out", "b.keras"): (3, "never changes"),
        (): (2, "which model B?"),
    }
    for given, (code, said) in asked.items():
        out = () if "--out" in given else ("--out", "new.keras")
        done = kgkt("extend-vocabulary", *given, *out)
        assert done.code == code, (given, done.err)
        assert said in done.err, given
        assert not (worded / "new.keras").exists()
    nowhere = kgkt("extend-vocabulary", "b.keras")
    assert nowhere.code == 2
    assert "where to? --out" in nowhere.err


def test_a_graph_of_other_items_is_refused(kgkt: Kgkt, worded: Path, pool_npz: Path) -> None:
    np.savez(worded / "pictures.npz", x=world()[0], item_id=np.array([f"i{n}" for n in range(240)]))
    assert kgkt("populate", "--features", "pictures.npz", "--graph", "pictures").code == 0
    done = kgkt("extend-vocabulary", "b.keras", "--out", "b2.keras", "--graph", "pictures")
    assert done.code == 3
    assert "the graph has 0 of the 160 words of b.keras" in done.err
    assert "have to be words" in done.err
