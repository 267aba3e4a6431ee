"""The translator of examples/translate: pairs, model, decoding; and what its benchmark compares."""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from kgkt.source.quiet import keras

ROOT = Path(__file__).parents[2]
FRENCH = {"a red cat": "un chat rouge", "one big dog": "un gros chien"}
PAIRS = [*FRENCH.items()] * 8


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Any]:
    for folder in (ROOT / "examples" / "translate", ROOT / "benchmarks"):
        monkeypatch.syspath_prepend(str(folder))
    return importlib.import_module


def test_descriptions_become_pairs(module: Callable[[str], Any]) -> None:
    corpus = module("corpus")
    english = ("small text editor\n It opens all your files. It saves them as well.\n .\n It has:\n  * a list of words\n"
               "  * a red button")  # fmt: skip
    french = ("petit éditeur de texte\n Il ouvre tous vos fichiers. Il les enregistre aussi.\n .\n Il a :\n"
              "  * une liste de mots\n  * un bouton rouge")  # fmt: skip
    assert list(corpus.aligned(english, french)) == [
        ("small text editor", "petit éditeur de texte"),
        ("It opens all your files.", "Il ouvre tous vos fichiers."),
        ("It saves them as well.", "Il les enregistre aussi."),
        ("a list of words", "une liste de mots"), ("a red button", "un bouton rouge"),
    ]  # fmt: skip
    # as many sentences as there are not on both sides give none, and other paragraphs leave the title
    assert list(corpus.aligned("a small tool\n It is red. It is big.", "un petit outil\n Il est rouge.")) == [
        ("a small tool", "un petit outil")]  # fmt: skip
    assert not corpus.fits("one two", "un deux")
    assert not corpus.fits("see http://a.b for more", "voir http://a.b pour le reste")


def test_what_belongs_together_stays_on_one_side(module: Callable[[str], Any]) -> None:
    corpus = module("corpus")
    family = corpus.families({"gimp": "gimp", "gimp-data": "gimp", "gimp-help-fr": "gimp-help", "python3-numpy": "numpy",
                              "libnumpy2": "other", "nano": "nano"})  # fmt: skip
    assert family["gimp"] == family["gimp-data"] == family["gimp-help-fr"]
    assert len({family["gimp"], family["numpy" if "numpy" in family else "python3-numpy"], family["nano"]}) == 3
    assert family["python3-numpy"] != family["nano"]
    training = [("the same long sentence about files", ""), ("quite another thing", "")]
    held = [("the same long sentence about Files .", "x"), ("something new about files", "y")]
    assert corpus.unlike(held, training) == held[1:]


def test_a_file_of_pairs_says_which_line_is_none(module: Callable[[str], Any], tmp_path: Path) -> None:
    corpus = module("corpus")
    corpus.write(tmp_path / "a.tsv", PAIRS[:2])
    assert corpus.read(tmp_path / "a.tsv") == PAIRS[:2]
    (tmp_path / "b.tsv").write_text("a\tb\nno tab here\n")
    with pytest.raises(SystemExit, match="line 2: expected two texts parted by a tab, received 'no tab here'"):
        corpus.read(tmp_path / "b.tsv")


def test_pairs_are_fetched_anew_where_another_number_is_asked_for(
    module: Callable[[str], Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, corpus = module("data"), module("corpus")
    fetched = [(f"english {n}", f"french {n}") for n in range(9)]
    monkeypatch.setattr(corpus, "fetch", lambda folder: None)
    monkeypatch.setattr(corpus, "sentences", lambda folder: {"family": fetched})
    monkeypatch.setattr(corpus, "split", lambda found: ([fetched], fetched[:1], fetched[1:2]))
    assert data.pairs(tmp_path, 4) == "pairs fetched"
    assert data.pairs(tmp_path, 4) == "pairs as they were fetched before"
    assert data.pairs(tmp_path, 6) == "pairs fetched anew, 4 before"
    assert len(corpus.read(tmp_path / "train.tsv")) == 6
    assert data.pairs(tmp_path, None) == "pairs fetched anew, 6 before"  # what nobody asked for is 5,000
    corpus.write(tmp_path / "train.tsv", fetched[:2])
    with pytest.raises(SystemExit, match=r"did not fetch train\.tsv of .*: leave --pairs away, or move"):
        data.pairs(tmp_path, 6)
    assert data.pairs(tmp_path, None) == "pairs of your own"
    (tmp_path / "dev.tsv").unlink()
    with pytest.raises(SystemExit, match=r"has train\.tsv and not all of train\.tsv, dev\.tsv and test\.tsv"):
        data.pairs(tmp_path, None)
    assert corpus.read(tmp_path / "train.tsv") == fetched[:2]  # own pairs are never written over


def test_without_apt_it_is_said_what_to_do(
    module: Callable[[str], Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SystemExit, match="apt, which Debian and Ubuntu have, is not here: put pairs of your own into data/"):
        module("corpus").fetch(tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_translator_learns_is_saved_reads_text_and_copies_names(module: Callable[[str], Any], tmp_path: Path) -> None:
    tokenizers = pytest.importorskip("tokenizers")
    model = module("model")
    k = keras()
    words = {"tool": "outil", "file": "fichier", "list": "liste", "game": "jeu", "red": "rouge", "big": "gros"}
    names = [f"N{n}x" for n in range(12)]
    both = {**words, **{name: name for name in names}}
    pairs = [(f"{one} {other}", f"{both[one]} {both[other]}") for one in both for other in both if one != other]
    pairs = [pair for pair in pairs if pair[0].split()[0] in words or pair[0].split()[1] in words]
    pieces = model.learn_pieces((french for _, french in pairs), 300)
    b = model.build([*words, *map(str.lower, names)], pieces.get_vocab_size(), 16, 24, dropout=0.0)
    assert np.linalg.norm(b.get_layer("word_rows").get_weights()[0], axis=1).mean() == pytest.approx(model.NORM, rel=0.15)
    learn = model.Batches(pairs, pieces, 16, rare=50.0, seed=0)
    hold = model.Batches(pairs[:8], pieces, known=set(words))
    looks: list[str] = []
    losses = model.train(b, learn, hold, 12, 2e-2, look=looks.append)["loss"]
    assert len(looks) == len(losses)
    assert re.fullmatch(r"epoch  1 of at most 12 +\d+ s   dev loss \d\.\d{3}", looks[0])
    assert losses[-1] < 0.2 * losses[0]
    model.save(b, pieces, tmp_path / "b.keras")
    again = model.Translator(k.saving.load_model(tmp_path / "b.keras"),
                             tokenizers.Tokenizer.from_file(str(tmp_path / "b.pieces.json")))  # fmt: skip
    assert again.translate(["Tool Qüx7", "Zog-9 game"]) == ["outil Qüx7", "Zog-9 jeu"]
    assert again.translate(["list N3x"], known=set(words)) == ["liste N3x"]  # not told, though B knows it
    # a text beside a longer one is read as it is by itself
    assert again.translate(["Zog file", " ".join(["tool"] * 9)])[0] == "Zog fichier"


def test_rare_words_are_hidden_in_training_and_unknown_ones_always(module: Callable[[str], Any]) -> None:
    pytest.importorskip("tokenizers")
    model = module("model")
    pairs = [("the Foo tool", "l'outil Foo"), *[(f"the big {n} tool", f"le gros outil {n}") for n in range(39)]]
    pieces = model.learn_pieces((french for _, french in pairs), 300)

    def told(batches: Any) -> list[str]:
        return [row[0].decode() for chunk in range(len(batches)) for row in np.asarray(batches[chunk][0][0])]

    (_, before), after, weights = model.Batches(pairs, pieces, 24, rare=1.0, seed=0)[0]
    assert (before[:, 0] == model.BEGIN).all()
    assert ((after == model.PAD) == (weights == 0)).all()
    training = model.Batches(pairs * 2, pieces, 24, rare=1.0, seed=0)
    texts = [text for _ in range(40) for text in told(training)]
    hidden = texts.count(f"the {model.UNKNOWN} tool")  # "foo", seen once: drawn every second time, and then in half hidden
    assert 8 <= hidden <= 32
    assert texts.count("the foo tool") >= 40
    assert sum(f"the {model.UNKNOWN} " in text for text in texts) - hidden < 160  # "big", seen 39 times, in 3,120
    dev = told(model.Batches(pairs, pieces, known={"the", "tool", *map(str, range(39))}))
    assert {text.split()[1] for text in dev} == {model.UNKNOWN}
    assert model.UNKNOWN not in " ".join(told(model.Batches(pairs, pieces)))


def test_a_hidden_word_that_the_target_writes_as_it_is_becomes_a_copy(module: Callable[[str], Any]) -> None:
    pytest.importorskip("tokenizers")
    model = module("model")
    assert model.copied("Foo++ et foo, l'API Foo", {"Foo", "API"}) == (
        f"{model.COPY}++ et foo, l'{model.COPY} {model.COPY}")  # fmt: skip
    assert model.copied("Foobar", {"Foo"}) == "Foobar"
    pieces = model.learn_pieces(["l'outil Foo", "le gros outil"], 300)
    assert len(pieces.encode(f"{model.COPY} {model.COPY}+{model.COPY}").ids) == 4  # each is one piece, with its space
    (_, before), _, _ = model.Batches([("the Foo tool", "l'outil Foo")], pieces, known={"the", "tool"})[0]
    assert pieces.decode(before[0].tolist()).endswith(f"l'outil {model.COPY}")


def test_each_pair_is_in_one_batch_and_the_first_two_differ_in_length(module: Callable[[str], Any]) -> None:
    pytest.importorskip("tokenizers")
    model = module("model")
    texts = [(" ".join(["word"] * (1 + n % 7)), " ".join(["mot"] * (1 + n % 7))) for n in range(70)]
    pieces = model.learn_pieces((french for _, french in texts), 300)
    for seed in (None, 0):
        batches = model.Batches(texts, pieces, 8, seed=seed)
        for _ in range(3):
            assert sorted(i for chunk in batches.chunks for i in chunk) == list(range(70))
            widths = [batches[number][1].shape[1] for number in range(len(batches))]
            assert widths[0] > max(widths[1:])  # else Keras takes the length of the first two for that of all
            batches.on_epoch_end()
    assert len(model.Batches(texts[:3], pieces, 8)) == 1
    assert len(model.repeated(texts)) == 70 * (model.LOOK // 70)
    assert [model.epochs_for(pairs) for pairs in (2_000, 5_000, 10_000, 20_000, 37_000)] == [5, 8, 12, 8, 6]


def test_every_arm_has_the_same_mean_norm(module: Callable[[str], Any]) -> None:
    translation = module("translation")
    rng = np.random.default_rng(0)
    known = SimpleNamespace(words=[f"w{i}" for i in range(40)], glove=rng.normal(size=(40, 6)),
                            joined=rng.normal(size=(40, 20)), concepts=np.arange(40) % 5)  # fmt: skip
    words, own = [f"w{i}" for i in range(30)] + ["x", "y"], rng.normal(size=(34, 8))
    rows = {arm: translation.rows_of(arm, known, words, own, 0, translation.NORM) for arm in translation.ARMS}
    for arm, found in rows.items():
        assert np.linalg.norm(found[2:32], axis=1).mean() == pytest.approx(translation.NORM, rel=0.1), arm
        np.testing.assert_allclose(found[32:], rows["random"][32:], err_msg=arm)  # what A lacks keeps B's own
    assert len(np.unique(rows["rank 0"][2:32].round(5), axis=0)) == 5  # one row a concept
    assert not np.allclose(rows["shuffled"], rows["full"])
    np.testing.assert_allclose(np.sort(rows["shuffled"][2:32], 0), np.sort(rows["full"][2:32], 0), atol=1e-5)


def test_unseen_words_are_those_that_only_a_knows(module: Callable[[str], Any]) -> None:
    translation = module("translation")
    pairs = SimpleNamespace(dev=[("a blue cat", "")], test=[("a zyx dog", "")])
    words, unseen = translation.vocabulary([("a red cat", ""), ("a dog", "")], pairs, {"blue", "red", "yes"})
    assert (words, unseen) == (["a", "cat", "dog", "red", "blue"], ["blue"])


def test_the_report_holds_gains_against_the_bar(module: Callable[[str], Any]) -> None:
    paired, translation = module("paired"), module("translation")
    found = {"random, unknown": [0.10, 0.12], "full, unknown": [0.14, 0.15], "shuffled, unknown": [0.13, 0.12]}
    rows = [paired.row("en-fr", arm, 10_000, seed, metric, value, 60.0) for arm, values in found.items()
            for seed, value in enumerate(values)
            for metric in (*translation.METRICS, "epochs")]  # fmt: skip
    text = "\n".join(translation.report(rows))
    assert "| rows from A, full | unknown | 2 | 14.5 ±0.5 |" in text
    assert "| 10,000 pairs: at least 3 BLEU over random rows | +3.5 ±0.5 | met |" in text
    assert "| 10,000 pairs: at least 2 BLEU over A's rows, shuffled over the words | +2.0 ±1.0 | met |" in text
    assert "| 20,000 pairs: not behind random rows | – | not run |" in text
