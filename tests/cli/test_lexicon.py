"""kgkt lexicon: two languages' words from files and from graphs, and which concepts have a counterpart."""

from __future__ import annotations

import csv
import io
import shutil
from pathlib import Path

import numpy as np
import pytest
from typer.main import get_command

import kgkt as library
from kgkt.cli.app import app
from kgkt.cli.hints import VERBS, WITHOUT_GRAPH
from kgkt.errors import InputError, UsageError
from kgkt.verbs.lexicon import _language
from tests.cli.conftest import Kgkt, cwd_into, kgkt_in
from tests.conftest import Once

GROUPS, EACH, WIDTH = 10, 30, 16
ONLY = 0  # of what the words of this group mean the other language has no words
SEEDS = 40
TRANSLATES = ("MATCH (a:Concept)-[t:TRANSLATES]->(b:Concept) RETURN a.graph AS a, b.graph AS b, a.key AS key, t.share AS "
              "share, t.back AS back, t.words AS words, t.confidence AS confidence, t.examples AS examples")  # fmt: skip


def group(word: str) -> int:
    return int(word[1:]) % GROUPS


def write_words(path: Path, words: list[str], vectors: np.ndarray) -> None:
    path.write_text("".join(f"{word} {' '.join(f'{v:.5f}' for v in row)}\n" for word, row in zip(words, vectors, strict=True)),
                    encoding="utf-8")


def make_languages(folder: Path) -> None:
    """Words e0 … and f0 … of the same meanings; f has none for the first group; files, features and pairs."""
    rng = np.random.default_rng(0)
    n = GROUPS * EACH
    means = rng.normal(size=(GROUPS, WIDTH)) * 2
    vectors = means[np.arange(n) % GROUPS] + rng.normal(size=(n, WIDTH)) * 0.7
    turn = np.linalg.qr(rng.normal(size=(WIDTH, WIDTH)))[0]
    there = vectors @ turn + 0.5 * rng.normal(size=vectors.shape)
    kept = np.flatnonzero(np.arange(n) % GROUPS != ONLY)
    english, french = [f"e{i}" for i in range(n)], [f"f{i}" for i in kept]
    write_words(folder / "e.vec", english, vectors)
    write_words(folder / "f.vec", french, there[kept])
    np.savez(folder / "e.npz", x=vectors.astype(np.float32), item_id=english)
    np.savez(folder / "f.npz", x=there[kept].astype(np.float32), item_id=french)
    pairs = [(f"e{i}", f"f{i}") for i in rng.permutation(kept).tolist()]
    for name, part in (("seeds.tsv", pairs[:SEEDS]), ("test.tsv", pairs[SEEDS:])):
        (folder / name).write_text("".join(f"{a}\t{b}\n" for a, b in part), encoding="utf-8")


@pytest.fixture(scope="session")
def tongues_once(once: Once) -> Path:
    """A folder with two languages and a graph of each; not to be changed."""

    def fill(folder: Path) -> None:
        make_languages(folder)
        for name in ("e", "f"):
            kgkt_in(folder, "populate", "--graph", name, "--features", f"{name}.npz", "--concepts", 20)

    return once("two-tongues", fill)


@pytest.fixture
def tongues(tongues_once: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same folder, to work in."""
    shutil.copytree(tongues_once, tmp_path / "work")
    return cwd_into(monkeypatch, tmp_path / "work")


FILES = ("lexicon", "--source", "e.vec", "--target", "f.vec", "--seeds", "seeds.tsv")


def test_a_lexicon_of_two_files(tongues: Path, kgkt: Kgkt) -> None:
    done = kgkt(*FILES, "--out", "lexicon.tsv")
    assert done.code == 0, done.err
    told = done.json
    assert (told["words"], told["widths"]) == ([300, 270], [WIDTH, WIDTH])
    assert told["seeds"] == {"pairs": SEEDS, "words": SEEDS}
    assert len(told["grown"]) == 5
    held = told["held_out"]
    assert (held["words"], held["test"]) == (SEEDS, False)
    assert held["p_at_1"] > 0.6
    assert held["low"] < held["p_at_1"] <= held["high"]
    with Path("lexicon.tsv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    assert len(rows) == 300 * 5
    first = [row for row in rows if row["rank"] == "1"]
    right = [row for row in first if row["source"][1:] == row["target"][1:]]
    assert len(right) / 270 > 0.6
    assert told["sure"] == sum(float(row["confidence"]) >= 0.5 for row in first)
    lacking = [float(row["confidence"]) for row in first if group(row["source"]) == ONLY]
    there = [float(row["confidence"]) for row in first if group(row["source"]) != ONLY]
    assert np.mean(lacking) < np.mean(there) - 0.3
    again = kgkt(*FILES, "--out", "lexicon.tsv")
    assert (again.code, "lexicon.tsv exists: --force replaces it" in again.err) == (3, True)
    # what it wrote can be corrected and given back as seeds, confidences and all
    Path("mine.tsv").write_text("".join("\t".join(row.values()) + "\n" for row in (rows[0].fromkeys(rows[0]), *right)
                                        if None not in row.values()), encoding="utf-8")  # fmt: skip
    own = kgkt(*FILES[:-1], "mine.tsv", "--test", "test.tsv", "--format", "table", "--best", 1, "--rounds", 0)
    assert own.code == 0, own.err
    assert "of the test" in own.out
    assert "translations with a confidence of" in own.out
    assert "test.tsv: " in own.err  # words of the test that are among the seeds are no part of it
    assert "are among the seeds, and no part of the test" in own.err


def test_a_test_has_pairs_of_its_own(tongues: Path, kgkt: Kgkt) -> None:
    done = kgkt(*FILES, "--test", "test.tsv").json
    assert (done["held_out"]["test"], done["held_out"]["words"]) == (True, 270 - SEEDS)
    assert sum(band["translations"] for band in done["bands"]) == 5 * (270 - SEEDS)
    rows = kgkt(*FILES, "--format", "csv", "--best", 2).out
    assert len(list(csv.DictReader(io.StringIO(rows)))) == 600
    same = kgkt(*FILES, "--test", "seeds.tsv")
    assert (same.code, "a test needs words of its own" in same.err) == (3, True)


def test_concepts_without_a_counterpart_can_be_asked_for(tongues: Path, kgkt: Kgkt) -> None:
    never = kgkt("query", "untranslated", "--graph", "e")
    assert never.json["rows"] == []
    assert "no lexicon with another graph: kgkt lexicon --graphs e,OTHER --seeds pairs.tsv makes one" in never.err
    done = kgkt("lexicon", "--graphs", "e,f", "--seeds", "seeds.tsv", "--out", "lexicon.tsv")
    assert done.code == 0, done.err
    rows = [dict(zip(("a", "b", "key", "share", "back", "words", "confidence", "examples"), row, strict=True))
            for row in kgkt("query", TRANSLATES, "--graph", "e").json["rows"]]  # fmt: skip
    assert len(rows) == done.json["concepts"] > 10
    assert {(row["a"], row["b"]) for row in rows} == {("e", "f")}
    assert all(0 <= row["share"] <= 1 and 0 <= row["back"] <= 1 and 0 <= row["confidence"] <= 1 for row in rows)
    held = library.open_graph("e").query("MATCH (i:Item)-[:EXAMPLE_OF]->(c:Concept {graph: 'e'}) RETURN c.key AS key, i.name AS item")
    groups: dict[str, set[int]] = {}
    for key, item in held.rows:
        groups.setdefault(key, set()).add(group(item))
    lacking = {row[0] for row in kgkt("query", "untranslated", "--graph", "e").json["rows"]}
    assert lacking
    assert all(groups[key] == {ONLY} for key in lacking)
    assert {key for key, held in groups.items() if held == {ONLY}} == lacking
    assert done.json["untranslated"] == [len(lacking), len(kgkt("query", "untranslated", "--graph", "f").json["rows"])]
    ahead = kgkt("query", "translated", "--graph", "e").json
    back = kgkt("query", "translated", "--graph", "f", "--param", "into=e").json
    place = {name: i for i, name in enumerate(ahead["columns"])}
    assert {(r[place["key"]], r[place["other"]], r[place["share"]], r[place["back"]]) for r in ahead["rows"]} == {
        (r[place["other"]], r[place["key"]], r[place["back"]], r[place["share"]]) for r in back["rows"]}  # fmt: skip
    # again, with wrong pairs: what was said of these two is replaced, by nothing
    wrong = [f"e{i}\tf{(7 * i + 11) % 300}\n" for i in range(1, 60) if group(f"e{i}") != ONLY]
    Path("wrong.tsv").write_text("".join(wrong))
    few = kgkt("lexicon", "--graphs", "e,f", "--seeds", "wrong.tsv", "--rounds", 0, "--format", "table")
    assert (few.code, "concepts   none has a counterpart: too few translations" in few.out) == (0, True)
    run = library.open_graph("e")
    assert run.query(TRANSLATES).rows == ()
    # it goes with the concepts, which is said, and by which command it is made again
    assert run.lexicon("f", "seeds.tsv").concepts == done.json["concepts"]
    gone = kgkt("populate", "--graph", "f", "--features", "f.npz", "--concepts", 18, "--fresh")
    assert "the lexicon of e,f; to make it again: kgkt lexicon --graphs e,f --seeds pairs.tsv" in gone.err
    assert "the lexicon of e,f went when one of its graphs was populated again" in kgkt("query", "translated", "--graph", "f").err
    assert "the lexicon of e,f went when one of its graphs was populated again" in kgkt("query", "translated", "--graph", "e").err
    # and with a graph that is dropped
    run.lexicon("f", "seeds.tsv")
    assert "with it goes the lexicon of e,f" in kgkt("graphs", "drop", "f", "--dry-run", "--format", "table").out
    assert kgkt("graphs", "drop", "f", "--force").json["lexicons"] == ["e,f"]
    for asked in ((), ("--param", "into=f")):
        assert ("the lexicon of e,f went with graph f, not there any more; to make it again: kgkt populate --graph f …; "
                "kgkt lexicon --graphs e,f --seeds pairs.tsv") in kgkt("query", "translated", "--graph", "e", *asked).err


def test_switches_count_when_it_is_asked_not_when_the_lexicon_was_made(tongues: Path, kgkt: Kgkt) -> None:
    def asked() -> tuple[set[str], set[str], set[str]]:
        found = kgkt("query", "translated", "--graph", "e").json["rows"]
        lacking = kgkt("query", "untranslated", "--graph", "e").json["rows"]
        return {row[0] for row in found}, {row[2] for row in found}, {row[0] for row in lacking}

    kgkt("switch", "off", "--concept", "3", "--graph", "f")
    kgkt("switch", "off", "--concept", "4", "--graph", "e")
    made = kgkt("lexicon", "--graphs", "e,f", "--seeds", "seeds.tsv").json
    ours, theirs, lacking = asked()
    assert len(theirs) > 5
    assert "f/concept/3" not in theirs
    assert "e/concept/4" not in ours | lacking
    assert made["untranslated"][0] == len(lacking)
    assert made["concepts"] == len(kgkt("query", "translated", "--graph", "e").json["rows"])
    kgkt("switch", "on", "--concept", "3", "--graph", "f")
    kgkt("switch", "on", "--concept", "4", "--graph", "e")
    kgkt("switch", "off", "--concept", "5", "--graph", "f")
    again = asked()
    assert "f/concept/3" in again[1]
    assert ("e/concept/4" in again[0]) != ("e/concept/4" in again[2])
    assert "f/concept/5" not in again[1]
    fresh = kgkt("lexicon", "--graphs", "e,f", "--seeds", "seeds.tsv")
    assert (fresh.code, asked()) == (0, again)
    words = [row[4] * row[7] for row in kgkt("query", "translated", "--graph", "e").json["rows"]]
    assert words == sorted(words, reverse=True)
    guess = "the lexicon of e,f has 10 % of the words right that were held out: its counterparts are guesses"
    assert guess not in kgkt("query", "translated", "--graph", "e").err
    kgkt("query", "MATCH (:Concept)-[t:TRANSLATES]->() SET t.right = 0.1", "--graph", "e", "--rw", "--force")
    assert guess in kgkt("query", "translated", "--graph", "f").err


def test_a_lexicon_stands_in_place_of_the_one_the_other_way_round(tongues: Path, kgkt: Kgkt) -> None:
    turned = [line.split("\t")[::-1] for line in Path("seeds.tsv").read_text().splitlines()]
    Path("turned.tsv").write_text("".join("\t".join(pair) + "\n" for pair in turned))
    assert kgkt("lexicon", "--graphs", "f,e", "--seeds", "turned.tsv").code == 0
    done = kgkt("lexicon", "--graphs", "e,f", "--seeds", "seeds.tsv").json
    asked = [kgkt("query", "untranslated", "--graph", name).json["rows"] for name in ("e", "f")]
    assert done["untranslated"] == [len(rows) for rows in asked]
    both = [(row[0], row[2]) for row in kgkt("query", "translated", "--graph", "e").json["rows"]]
    assert len(both) == len(set(both)) == done["concepts"]
    kgkt("populate", "--graph", "f", "--features", "f.npz", "--concepts", 18, "--fresh")
    kgkt("lexicon", "--graphs", "f,e", "--seeds", "turned.tsv")
    assert "went" not in kgkt("query", "untranslated", "--graph", "e", "--param", "into=f").err


def test_merged_concepts_count_as_one(tongues: Path, kgkt: Kgkt) -> None:
    kgkt("lexicon", "--graphs", "e,f", "--seeds", "seeds.tsv")
    rows = kgkt("query", "translated", "--graph", "e").json["rows"]
    alone = [row[0] for row in kgkt("query", "untranslated", "--graph", "e").json["rows"]]
    there, lost = rows[0][0].rsplit("/", 1)[-1], alone[0].rsplit("/", 1)[-1]
    said = "the lexicon of e,f was made before concepts were merged or taken apart"
    again = "to make it again: kgkt lexicon --graphs e,f --seeds pairs.tsv"
    kgkt("merge", lost, there, "--graph", "e")
    for word, name in (("translated", "e"), ("untranslated", "f")):
        done = kgkt("query", word, "--graph", name)
        assert said in done.err
        assert again in done.err
    keys = {row[0] for row in kgkt("query", "untranslated", "--graph", "e").json["rows"]}
    assert not keys & {f"e/concept/{lost}", f"e/concept/{there}"}  # what was merged into it has a counterpart
    done = kgkt("lexicon", "--graphs", "e,f", "--seeds", "seeds.tsv").json
    found = kgkt("query", "untranslated", "--graph", "e")
    assert (said in found.err, len(found.json["rows"])) == (False, done["untranslated"][0])
    kgkt("merge", "--apart", there, "--graph", "e")
    assert said in kgkt("query", "translated", "--graph", "f").err


@pytest.mark.parametrize(("more", "code", "said"), [
    (("--seeds", "turned.tsv"), 3, "40 are known the other way round, and 0 as they stand (e.vec, then f.vec): swap its columns"),
    (("--seeds", "few.tsv"), 3, "the translation of 9 words is known, 10 are needed"),
    (("--seeds", "none.tsv"), 3, "In lower case 40 pairs are known: --lower"),
    (("--seeds", "nothing.tsv"), 3, "nothing.tsv is not there"),
    (("--most-frequent", "20"), 2, "--most-frequent 20 is fewer than the 40 words of the seeds"),
    (("--rounds", "-1"), 2, "--rounds -1: at least 0"),
    (("--target", "e.vec"), 2, "are the same file"),
    (("--target", "copy.vec"), 3, "hold the same vectors: name two languages"),
    (("--graphs", "e,f"), 2, "--graphs stands in place of --source and --target"),
    (("--out", "no/lexicon.tsv"), 3, "there is no folder"),
    (("--words", "30"), 3, "; the first 30 words of either are read: --words"),
])  # fmt: skip
def test_what_makes_no_sense_is_refused(tongues: Path, kgkt: Kgkt, more: tuple[str, ...], code: int, said: str) -> None:
    lines = Path("seeds.tsv").read_text().splitlines()
    Path("turned.tsv").write_text("".join("\t".join(line.split("\t")[::-1]) + "\n" for line in lines))
    Path("few.tsv").write_text("\n".join(lines[:9]) + "\n")
    Path("none.tsv").write_text("\n".join(lines).upper() + "\n")
    shutil.copy("e.vec", "copy.vec")
    before = sorted(Path().iterdir())
    done = kgkt(*FILES, *more)
    assert (done.code, done.err if said not in done.err else said) == (code, said)
    assert sorted(Path().iterdir()) == before


def test_what_makes_no_sense_of_graphs_is_refused(tongues: Path, kgkt: Kgkt) -> None:
    for more, code, said in (
        (("--graphs", "e"), 2, "--graphs takes two names"), (("--graphs", "e,e"), 2, "graph e with itself"),
        (("--graphs", "e,g"), 3, "no graph g in kgkt-run"), ((), 2, "name the vectors of both languages"),
        (("--graphs", "f,e"), 3, "swap its columns, or the two languages"),
    ):  # fmt: skip
        done = kgkt("lexicon", *more, "--seeds", "seeds.tsv")
        assert (done.code, said in done.err) == (code, True), done.err
    assert kgkt("query", TRANSLATES, "--graph", "e").json["rows"] == []


def test_what_a_message_proposes_finds_the_same_graph(tongues: Path, kgkt: Kgkt) -> None:
    done = kgkt("propagate", "--graph", "f")
    assert (done.code, done.err) == (3, "kgkt: nothing is labelled yet: kgkt suggest --graph f says which items to label, kgkt "
                                        "label --graph f takes them\n")  # fmt: skip
    Path("kgkt-run").rename("there")
    lost = kgkt("query", "translated", "--graph", "e", "--dir", "there").err
    assert "kgkt lexicon --dir there --graphs e,OTHER --seeds pairs.tsv makes one" in lost
    never = kgkt("lexicon", "--dir", "there", "--graphs", "e,g", "--seeds", "seeds.tsv").err
    assert "--graph e" not in never


def test_every_verb_that_takes_the_flags_of_a_graph_is_known_to_hints() -> None:
    options = {name: {option for one in verb.params for option in one.opts}
               for name, verb in get_command(app).commands.items()}  # fmt: skip
    known = {name for name, takes in options.items() if "--dir" in takes and "--recipe" in takes}
    assert known == {*VERBS, *WITHOUT_GRAPH}
    assert all("--graph" in options[name] for name in VERBS)


def test_words_without_a_direction_are_left_out_and_what_is_no_word_is_refused() -> None:
    heard: list[str] = []
    vectors = np.array([[1, 0], [0, 0], [0, 1], [1, 1]], np.float32)
    language = _language("g", ["a", "b", "c", "d"], vectors, heard.append)
    assert (language.words, language.kept.tolist(), language.rows) == (["a", "c", "d"], [0, 2, 3], {"a": 0, "c": 1, "d": 2})
    assert heard == ["g: 1 word with a vector of zeros left out"]
    with pytest.raises(InputError, match="is no word, it holds a tab"):
        _language("g", ["a", "b\tc", "d", "e"], vectors + 1, heard.append)
    with pytest.raises(InputError, match="g has 1 word: there is nothing to translate"):
        _language("g", ["a", "b"], vectors[:2], heard.append)


def test_in_python(tongues: Path) -> None:
    heard: list[str] = []
    pairs = [(f"e{i}", f"f{i}") for i in range(1, 60) if i % GROUPS]
    done = library.lexicon("e.vec", "f.vec", [*pairs, ("e1", "nothing")], best=2, say=heard.append)
    assert len(done) == 300
    assert done.of("e1")[0][0] == "f1"
    assert len(done.of("e1")) == 2
    assert done.seeds == (len(pairs), len(pairs))
    assert "1 of 55 pairs left out" in heard[0]
    assert "<table>" in done._repr_html_()
    assert repr(done).startswith("Lexicon(e.vec to f.vec: 300 words, ")
    assert len(repr(done)) < 150
    assert not any("these pairs look wrong" in line for line in heard)
    wrong = [(f"e{i}", f"f{(7 * i + 11) % 300 + 1}") for i in range(1, 80) if (7 * i + 12) % GROUPS]
    library.lexicon("e.vec", "f.vec", wrong, rounds=0, say=heard.append)
    assert "came out right: these pairs look wrong. Are they shuffled, is it another column" in heard[-1]
    with pytest.raises(UsageError, match="seeds: expected"):
        library.lexicon("e.vec", "f.vec", 7)
    with pytest.raises(InputError, match="is not there"):
        library.lexicon("e.vec", "f.vec", "nothing.tsv")
