"""A graph of words: named by them, asked, labelled, grown; and what is said of a wrong one."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from kgkt.cli.output import cell
from kgkt.errors import InputError, UsageError
from kgkt.source.known_items import known_item
from tests.cli.conftest import Kgkt, cwd_into, kgkt_in, write_labels
from tests.conftest import Once
from tests.words import TOPIC, TOPICS, WORDS, save_words, vectors


@pytest.fixture(scope="session")
def words_once(once: Once) -> Path:
    """A folder with word vectors and their graph of twelve concepts; not to be changed."""

    def fill(folder: Path) -> None:
        save_words(folder / "glove.txt")
        kgkt_in(folder, "populate", "--model", "words:glove.txt", "--concepts", 12)

    return once("words", fill)


@pytest.fixture
def words(words_once: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same folder, to work in."""
    shutil.copytree(words_once, tmp_path / "work")
    return cwd_into(monkeypatch, tmp_path / "work")


def test_concepts_are_named_by_their_words_and_hold_them(words: Path, kgkt: Kgkt) -> None:
    rows = kgkt("query", "MATCH (i:Item)-[:EXAMPLE_OF]->(c:Concept) RETURN c.name, collect(i.name), collect(i.text)").json
    assert len(rows["rows"]) == 12
    for name, items, texts in rows["rows"]:
        assert items == texts
        assert set(name.split(", ")) <= set(items)
        assert len({TOPIC[word] for word in items}) == 1


def test_check_tells_of_the_words(words: Path, kgkt: Kgkt) -> None:
    shown = kgkt("check", "--model", "words:glove.txt", "--most-frequent", 20, "--format", "table")
    assert "glove.txt  word vectors (text), 12 numbers each   20 words are read" in shown.out
    assert "plan       populate 20 x (12) into 6 concepts, about " in shown.out
    facts = kgkt("check", "--model", "words:glove.txt").json["facts"]
    assert facts[0] | {"what": "", "says": ""} == {"what": "", "says": "", "kind": "words", "path": "glove.txt",
                                                   "format": "text", "items": 72, "layers": {"words": 12}}  # fmt: skip


def test_the_nearest_words_and_analogies(words: Path, kgkt: Kgkt) -> None:
    X = vectors() / np.linalg.norm(vectors(), axis=1, keepdims=True)
    cosines = X @ X[WORDS.index("river")]
    order = [i for i in np.argsort(-cosines) if WORDS[i] != "river"][:5]
    found = kgkt("nearest", "river", "-n", 5).json
    assert [row[0] for row in found["rows"]] == [WORDS[i] for i in order]
    assert [row[1] for row in found["rows"]] == pytest.approx(cosines[order], abs=1e-4)
    names = dict(kgkt("query", "MATCH (c:Concept) RETURN c.key, c.name").json["rows"])
    assert all(row[3] == names[f"main/concept/{row[2]}"] for row in found["rows"])
    target = X[WORDS.index("dog")] - X[WORDS.index("bread")] + X[WORDS.index("milk")]
    best = max((i for i, word in enumerate(WORDS) if word not in ("dog", "bread", "milk")), key=lambda i: X[i] @ target)
    assert kgkt("nearest", "dog", "milk", "--minus", "bread").json["rows"][0][0] == WORDS[best]
    assert "  c0" in kgkt("nearest", "river", "--format", "table").out


def test_neighbours_of_what_is_not_there_or_no_example_are_told_why(words: Path, kgkt: Kgkt) -> None:
    wrong = kgkt("query", "neighbours", "--param", "item=rivr")
    assert "no item 'rivr' in the pool; did you mean river" in wrong.err
    assert "the database holds only examples of concepts, and items with a label" in wrong.err
    near = kgkt("query", "neighbours", "--param", "item=river")
    assert (near.json["rows"] != [], "database holds" in near.err) == (True, False)
    kgkt("query", "MATCH (i:Item {item_id: 'river'}) DETACH DELETE i", "--rw", "--force")
    none = kgkt("query", "neighbours", "--param", "item=river")
    assert "'river' is in the pool, and no example of a concept (" in none.err


def test_an_accent_may_be_written_as_one_character_or_two() -> None:
    assert known_item("ARRE\u0302T", {"ARR\u00caT", "x"}) == "ARR\u00caT"
    assert known_item("ARR\u00caT", {"ARRE\u0302T", "x"}) == "ARRE\u0302T"
    assert known_item("ARRE\u0302T", {"ARR\u00caT", "ARRE\u0302T"}) == "ARRE\u0302T"


def test_switching_without_labels_does_not_lead_to_propagate(words: Path, kgkt: Kgkt) -> None:
    assert "propagate" not in kgkt("switch", "off", "--concept", 3, "--format", "table").out
    kgkt("label", "river=water")
    assert "next: kgkt propagate" in kgkt("switch", "on", "--concept", 3, "--format", "table").out


def test_what_nearest_refuses(words: Path, kgkt: Kgkt) -> None:
    for arguments, code, message in (
        (("rivr",), 3, "no item 'rivr' in the pool; did you mean river"), (("RIVER",), 3, "is 'river' meant?"), ((), 2, "nearest to what?"),
        (("river", "-n", 0), 2, "-n must be at least 1"), (("river", "--minus", "river"), 2, "both added and taken away"),
    ):  # fmt: skip
        wrong = kgkt("nearest", *arguments)
        assert (wrong.code, message in wrong.err) == (code, True), wrong.err


def test_labels_spread_and_new_words_are_found(words: Path, kgkt: Kgkt) -> None:
    write_labels(words / "labels.csv", [(topic.split()[i], name) for name, topic in TOPICS.items() for i in (0, 1)])
    assert kgkt("label", "--file", "labels.csv").code == 0
    assert kgkt("propagate", "--items", "items.csv").code == 0
    lines = (words / "items.csv").read_text().splitlines()[1:]
    right = [TOPIC[line.split(",")[0]] == line.split(",")[1] for line in lines]
    assert len(right) == 72
    assert np.mean(right) > 0.95
    assert kgkt("explain", "lamb").json["class"] == "animal"
    (words / "new.txt").write_text("flood\nunheard\n")
    new = kgkt("predict", "--data", "new.txt")
    assert [row[:2] for row in new.json["rows"]] == [["flood", "water"], ["unheard", None]]
    assert "1 of 2 words are not in glove.txt, and so in no concept: unheard" in new.err


def test_a_grown_vocabulary_keeps_names_and_switches(home: Path, kgkt: Kgkt) -> None:
    save_words(home / "glove.txt")
    few = ("populate", "--model", "words:glove.txt", "--concepts", 8, "--most-frequent", 48)
    assert kgkt(*few).code == 0
    assert kgkt("name", 3, "mine").code == kgkt("switch", "off", "--concept", 5).code == 0
    grown = kgkt("populate", "--model", "words:glove.txt", "--concepts", 8)
    assert (grown.json["items"], grown.json["grown"]["old"], grown.json["grown"]["joined"]) == (72, 8, 24)
    rows = kgkt("query", "MATCH (c:Concept) WHERE c.key ENDS WITH '/3' OR NOT c.active RETURN c.name, c.active").json["rows"]
    assert ["mine", True] in rows
    assert len(rows) == 2
    again = kgkt("populate", "--model", "words:glove.txt", "--concepts", 8)
    assert again.json["unchanged"]


def test_a_name_of_words_that_left_is_made_anew_and_a_persons_stays(words: Path, kgkt: Kgkt) -> None:
    asked = ("query", "MATCH (c:Concept) RETURN c.key, c.name, c.auto_name ORDER BY c.key")
    kgkt("name", "0", "mine")
    before = kgkt(*asked).json["rows"]
    assert before[0][:2] == ["main/concept/0", "mine"]
    left = {before[0][2].split(", ")[0], before[3][2].split(", ")[0]}
    save_words(words / "glove.txt", [word for word in WORDS if word not in left])
    grown = kgkt("populate", "--model", "words:glove.txt", "--concepts", 12)
    assert "2 concepts named anew: what their names told of is not there any more, e.g. " in grown.err
    after = kgkt(*asked).json["rows"]
    assert after[0][1] == "mine"
    assert not any(word in left for row in after for word in row[2].split(", "))
    stays = [row for row in before if not left & {*row[2].split(", ")}]
    assert len(stays) == len(before) - 2
    assert all(row in after for row in stays)


def test_a_few_first_words_do_not_hold_a_long_list_in_their_few_dimensions(home: Path, kgkt: Kgkt) -> None:
    save_words(home / "glove.txt")
    few = ("populate", "--model", "words:glove.txt", "--most-frequent")
    assert kgkt(*few, 2).code == 0
    kgkt("label", "dog=animal", "--format", "json")
    done = kgkt(*few, 72)
    why = "it has 72 items, and 2 old items cannot fill an embedding of 12 dimensions"
    assert (done.code, done.json["grown"], done.json["made_anew_because"]) == (0, None, why), done.err
    assert "2 of 72 items differ" not in done.err
    fresh = kgkt(*few, 72, "--fresh").json
    assert (done.json["concepts"], done.json["stability"]) == (fresh["concepts"], fresh["stability"])
    assert kgkt("query", "labels").json["rows"][0][:2] == ["dog", "animal"]


def test_no_text_leaves_the_words_out_of_the_database(home: Path, kgkt: Kgkt) -> None:
    save_words(home / "glove.txt")
    assert kgkt("populate", "--model", "words:glove.txt", "--concepts", 12, "--no-text").code == 0
    assert kgkt("label", "river=water").code == 0
    rows = kgkt("query", "MATCH (n) WHERE n:Item OR n:Concept RETURN n.name ORDER BY n.name").json["rows"]
    assert sorted(name for name, in rows) == sorted([*(f"concept {i}" for i in range(12)), "river"])
    assert kgkt("nearest", "river", "-n", 1).json["rows"][0][3].startswith("concept ")


def test_two_files_of_words_have_those_that_both_hold(home: Path, kgkt: Kgkt) -> None:
    save_words(home / "a.txt")
    save_words(home / "b.txt", WORDS[::-1][:60], seed=1)
    done = kgkt("populate", "--model", "words:a.txt", "--also", "words:b.txt", "--concepts", 6)
    assert (done.json["items"], done.json["layers"]) == (60, {"a/words": 12, "b/words": 12})
    assert "12 of 72 words are not in b.txt, and so in no concept: dog, bread" in done.err
    assert kgkt("nearest", "lamb", "-n", 3).code == 0
    (home / "new.txt").write_text("lamb\ndog\n")
    assert kgkt("label", "lamb=animal", "brook=water").code == kgkt("propagate").code == 0
    rows = kgkt("predict", "--data", "new.txt").json["rows"]
    assert [(row[0], row[1], row[5] == []) for row in rows] == [("lamb", "animal", False), ("dog", None, True)]


def test_the_same_from_python(home: Path) -> None:
    import kgkt

    save_words(home / "glove.txt")
    said: list[str] = []
    run = kgkt.populate(model="words:glove.txt", vocabulary=[*WORDS[:30], "unheard"], concepts=5, say=said.append)
    assert run.populated is not None
    assert run.populated.n_items == 30
    assert said == ["30 of 31 words of kgkt-run/main/vocabulary.txt (97 %) are in glove.txt; not unheard"]
    near = run.nearest(["dog", "milk"], minus="bread", n=2)
    assert (len(near), near.plus, near.minus) == (2, ("dog", "milk"), ("bread",))
    assert near.to_pandas().columns.tolist() == ["item", "cosine", "concept", "name"]
    with pytest.raises(UsageError, match="expected a path, a list of words or a Keras model, received an empty list"):
        run.populate(model="words:glove.txt", vocabulary=[])


def test_a_list_of_words_beside_features_makes_them_words(home: Path, kgkt: Kgkt) -> None:
    (home / "list.txt").write_text("\n".join(WORDS))
    np.savez(home / "f.npz", x=vectors(), item_id=WORDS)
    assert kgkt("populate", "--features", "f.npz", "--data", "list.txt", "--concepts", 12).json["items"] == 72
    for name, items in kgkt("query", "MATCH (i:Item)-[:EXAMPLE_OF]->(c:Concept) RETURN c.name, collect(i.text)").json["rows"]:
        assert set(name.split(", ")) <= set(items)


@pytest.mark.parametrize(("flags", "code", "message"), [
    (("--data", "pool.npz"), 2, "leave --data away"),
    (("--layers", "nothing"), 3, "are one layer, words, and there is no 'nothing'"),
    (("--most-frequent", 0), 2, "--most-frequent must be at least 1, received 0"),
    (("--vocabulary", "none.txt"), 3, "vocabulary none.txt is not there"),
    (("--vocabulary", "latin.txt"), 3, "is not UTF-8"),
    (("--vocabulary", "cased.txt"), 3, "100 % are if all are lower-cased: try --lower"),
    (("--also", "a2.npz"), 3, "glove.txt and a2.npz have 1 word in common: a graph needs many"),
    (("--also", "b.keras:hidden"), 3, "the data is text, which kgkt reads with a sentence model only"),
    (("--model", "glove.txt", "--data", "f.npz"), 3, "a file of word vectors is named words:glove.txt"),
    (("--also", "f.npz"), 3, "f.npz are not there"),
    (("--most-frequent", 1), 3, "glove.txt: 1 word of it is asked for: a graph needs many"),
    (("--concepts", 100), 3, "100 concepts from 72 items is not possible"),
])  # fmt: skip
def test_what_is_refused(flags: tuple[object, ...], code: int, message: str, home: Path, kgkt: Kgkt, model_b: Path) -> None:
    save_words(home / "glove.txt")
    shutil.copy(model_b, home / "b.keras")
    (home / "latin.txt").write_bytes("Zürich\n".encode("latin-1"))
    (home / "cased.txt").write_text("DOG\nCAT\n")
    np.savez(home / "a2.npz", x=np.ones((2, 3)), item_id=["dog", "other"])
    wrong = kgkt("populate", "--model", "words:glove.txt", *flags)
    assert (wrong.code, message in wrong.err) == (code, True), wrong.err
    assert wrong.err.count("\n") <= 2
    assert not list(home.glob("kgkt-run/main/*.part*"))


def test_word_vectors_are_no_features(home: Path, kgkt: Kgkt) -> None:
    save_words(home / "glove.txt")
    wrong = kgkt("populate", "--features", "glove.txt")
    assert (wrong.code, "is named --model words:glove.txt" in wrong.err) == (3, True)


def test_text_with_a_comma_stands_in_quotes_in_a_list_of_a_table() -> None:
    names = ["royals, her, wife", "woman"]
    assert cell(names) == "['royals, her, wife', woman]"
    assert cell({"names": names, "of": "a, b"}) == "{names: ['royals, her, wife', woman], of: 'a, b'}"
    assert cell("a, b") == "a, b"


def test_a_word_without_its_accents_or_capitals_is_told_first() -> None:
    for known, said in (({"\u00e9t\u00e9", "etre", "te", "et"}, "; is '\u00e9t\u00e9' meant?"), ({"\u00c9t\u00e9", "\u00e9t\u00e9", "te"}, "is '\u00e9t\u00e9' or '\u00c9t\u00e9' meant?"),
                        ({"te", "etre"}, "; did you mean etre or te?")):  # fmt: skip
        with pytest.raises(InputError, match=re.escape(said)):
            known_item("ete", known)
def test_words_from_python_are_answered_in_their_order(words: Path) -> None:
    import kgkt

    run = kgkt.open_graph(dir="kgkt-run", say=lambda _: None)
    run.label({topic.split()[0]: name for name, topic in TOPICS.items()})
    asked = ["saw", "zzz", "lake", " cow", "saw", ""]
    new = run.predict(asked, items="items.csv")
    assert new.ids.tolist() == ["saw", "zzz", "lake", "cow", "saw", ""]
    assert new.classes == ["tool", None, "water", "animal", "tool", None]
    assert new.to_pandas()["item"].tolist() == new.ids.tolist()
    assert new.P[1] == pytest.approx(np.full(6, 1 / 6))
    assert (words / "items.csv").read_text().splitlines()[2] == "zzz,,,,,"
    assert run.predict({"text": ["zzz", "oak", "cow"], "item_id": ["a", "b", "c"]}).ids.tolist() == ["a", "b", "c"]
    assert run.predict(("saw", "cow")).classes == ["tool", "animal"]
    told = run.predict((["cow", "zzz"], ["animal", "tool"]))
    assert (told.ids.tolist(), told.right) == (["cow", "zzz"], 0.5)


def test_a_graph_that_is_refused_leaves_nothing_behind(words: Path, kgkt: Kgkt) -> None:
    (words / "alien.txt").write_text("zzz 1 2\nyyy 2 1\n", encoding="utf-8")
    before = sorted(words.rglob("*"))
    bad = ("populate", "--graph", "joined", "--model", "words:glove.txt", "--also", "words:alien.txt")
    refused = kgkt(*bad)
    assert (refused.code, "none of the 72 words" in refused.err) == (3, True), refused.err
    assert sorted(words.rglob("*")) == before
    assert [row[0] for row in kgkt("graphs", "list").json["rows"]] == ["main"]
    (words / "kgkt-run" / "joined").mkdir()
    (words / "kgkt-run" / "joined" / "mine.txt").write_text("kept", encoding="utf-8")
    assert kgkt(*bad).code == 3
    assert [path.name for path in (words / "kgkt-run" / "joined").iterdir()] == ["mine.txt"]
    assert kgkt("populate", "--graph", "main", "--fresh", *bad[3:]).code == 3  # one that was made before stays
    assert kgkt("nearest", "river", "-n", 1).code == 0
    (words / "kgkt-run" / "joined" / "run.json").write_text('{"run": "1"}', encoding="utf-8")  # of a process that died
    assert [row[0] for row in kgkt("graphs", "list").json["rows"]] == ["main"]
    assert kgkt("nearest", "river", "-n", 1).code == 0
    assert kgkt("graphs", "drop", "joined", "--force").code == 0
    assert not (words / "kgkt-run" / "joined").exists()
