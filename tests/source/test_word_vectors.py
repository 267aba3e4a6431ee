"""Word vectors as a source: which words are items, what is said of a list that cuts them, what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kgkt.errors import InputError, UsageError
from kgkt.recipe import SourceSettings, read_recipe
from kgkt.rundir.given_words import words_file
from kgkt.source.choose import need_source, source_of
from kgkt.source.inputs import read_data, words_as_data
from kgkt.source.words.choice import percent
from kgkt.source.words.vectors import WordSource
from kgkt.source.words.word_list import read_word_list
from kgkt.values import Features
from tests.words import WORDS, save_words, vectors


@pytest.fixture
def glove(tmp_path: Path) -> Path:
    return save_words(tmp_path / "glove.txt")


def features_of(glove: Path, data: Any = None, **settings: Any) -> Features:
    return need_source(SourceSettings(model=f"words:{glove}", **settings)).extract(data, glove.parent / "out.parquet")


def listed(folder: Path, *words: str, name: str = "list.txt") -> str:
    (folder / name).write_text("\n".join(words) + "\n", encoding="utf-8")
    return str(folder / name)


def test_items_are_the_words_in_the_order_of_the_file(glove: Path) -> None:
    features = features_of(glove)
    assert features.ids.tolist() == WORDS
    assert (features.widths, features.meta["items"], features.meta["notices"]) == ({"words": 12}, "words", "")
    np.testing.assert_allclose(features.rows("words", np.arange(72)), vectors(), atol=1e-5)
    source = source_of(SourceSettings(model=f"words:{glove}"))
    assert source is not None
    look = source.look()
    assert (look.items, look.widths, look.fields["format"]) == (72, {"words": 12}, "text")
    assert source.held_ids().tolist() == WORDS  # type: ignore[union-attr]


def test_the_most_frequent_are_the_first(glove: Path) -> None:
    assert features_of(glove, most_frequent=10).ids.tolist() == WORDS[:10]
    more = features_of(glove, most_frequent=100)
    assert more.ids.tolist() == WORDS
    assert more.meta["notices"] == "glove.txt holds 72 words, fewer than --most-frequent 100"


def test_a_vocabulary_cuts_and_its_words_are_counted(glove: Path, tmp_path: Path) -> None:
    given = listed(tmp_path, "cat", "unheard", "dog", "cat", "Paris")
    features = features_of(glove, vocabulary=given)
    assert features.ids.tolist() == ["dog", "Paris", "cat"]
    assert features.meta["notices"].splitlines() == [
        f"vocabulary {given}: 1 line with a word that stood there before, e.g. cat: each word counts once",
        f"3 of 4 words of {given} (75 %) are in glove.txt; not unheard",
    ]
    assert features_of(glove, vocabulary=given, most_frequent=2).ids.tolist() == ["dog", "Paris"]


def test_another_casing_is_told_and_lower_does_it(glove: Path, tmp_path: Path) -> None:
    given = listed(tmp_path, "Dog", "Cat", "Bread", "PARIS", "milk", "fox")
    said = features_of(glove, vocabulary=given).meta["notices"]
    assert said == (f"2 of 6 words of {given} (33 %) are in glove.txt; not Dog, Cat, Bread, PARIS; 100 % are if all are "
                    "lower-cased: try --lower")
    lowered = features_of(glove, vocabulary=given, lower=True)
    assert lowered.ids.tolist() == ["dog", "bread", "paris", "cat", "milk", "fox"]
    assert lowered.meta["notices"] == f"all 6 words of {given} are in glove.txt"
    np.testing.assert_allclose(lowered.rows("words", [2])[0], vectors()[WORDS.index("Paris")], atol=1e-5)
    with pytest.raises(InputError, match=r"0 of 2 words of .* \(0 %\) are in glove.txt; not DOG, CAT; 100 % are if all"):
        features_of(glove, vocabulary=listed(tmp_path, "DOG", "CAT"))


def test_of_several_spellings_the_first_one_counts(tmp_path: Path) -> None:
    path = tmp_path / "cased.vec"
    path.write_text("3 2\nThe 1 0\nthe 0 1\nriver 1 1\n", encoding="utf-8")
    features = features_of(path, lower=True)
    assert features.ids.tolist() == ["the", "river"]
    assert features.rows("words", [0]).tolist() == [[1, 0]]


def test_words_of_a_pool_are_looked_up(glove: Path) -> None:
    found = features_of(glove, words_as_data(["lamb", "unheard", "river"], "", []))
    assert found.ids.tolist() == ["river", "lamb"]
    assert found.meta["notices"] == "1 of 3 words are not in glove.txt, and so in no concept: unheard"
    with pytest.raises(InputError, match=r"none of the 2 words \(RIVER, LAMB\) is in .*glove.txt: are they"):
        features_of(glove, words_as_data(["RIVER", "LAMB"], "", []))
    assert features_of(glove, words_as_data(["RIVER"], "", []), lower=True).ids.tolist() == ["RIVER"]


def test_words_that_are_too_long_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "long.txt"
    path.write_text(f"a 1 0\n{'x' * 101} 0 1\nb 1 1\n", encoding="utf-8")
    features = features_of(path)
    assert features.ids.tolist() == ["a", "b"]
    assert features.meta["notices"] == "long.txt: 1 word of more than 100 characters left out"


@pytest.mark.parametrize(("settings", "message"), [
    ({"data": "pool.npz"}, r"--data pool.npz: with words:FILE the words of the file are the items themselves"),
    ({"most_frequent": 0}, "--most-frequent must be at least 1, received 0"),
    ({"model": "a.keras", "data": "x.npz", "vocabulary": "v.txt", "lower": True},
     "--vocabulary and --lower chooses among words: give --model words:FILE"),
])  # fmt: skip
def test_what_makes_no_sense_beside_words(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        need_source(SourceSettings(**{"model": "words:glove.txt", **settings}))


def test_a_list_of_words(tmp_path: Path) -> None:
    path = tmp_path / "pool.txt"
    path.write_bytes("\ufeffNew York\r\n\r\n Zürich \r\nOslo\r\nOslo\r\n".encode())
    data = read_data(path)
    assert (data.ids.tolist(), data.text, data.is_words) == (["New York", "Zürich", "Oslo"],) * 2 + (True,)
    assert data.notices == [f"pool {path}: 1 line with a word that stood there before, e.g. Oslo: each word counts once"]


@pytest.mark.parametrize(("content", "message"), [
    (b"", "is empty"), (b"\n \n", "holds no word"), ("Zürich\n".encode("latin-1"), "is not UTF-8.*iconv"),
    (b"a dog ran over the bridge\nthe cat sat on the mat\n", "holds sentences"), (b"x" * 101, "101 characters"),
    (b"\x89PNG\r\n\x1a\n", "is a PNG picture, not a list of words"),
])  # fmt: skip
def test_a_list_that_is_none_is_refused(content: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "v.txt"
    path.write_bytes(content)
    with pytest.raises(InputError, match=message):
        read_word_list(path, "vocabulary")
    with pytest.raises(InputError, match="not there"):
        read_word_list(tmp_path / "none.txt", "vocabulary")


def test_an_array_and_its_words_are_named(tmp_path: Path) -> None:
    (tmp_path / "w.txt").write_text("\n".join(WORDS) + "\n")
    np.save(tmp_path / "v.npy", vectors())
    (tmp_path / "kgkt.toml").write_text('[source]\nmodel = "words:v.npy,w.txt"\nvocabulary = "few.txt"\nlower = true\n')
    listed(tmp_path, "PARIS", "dog", name="few.txt")
    settings = read_recipe(tmp_path / "kgkt.toml").source
    assert settings.model == f"words:{tmp_path}/v.npy,{tmp_path}/w.txt"
    assert settings.model_path == tmp_path / "v.npy"
    source = need_source(settings)
    before = source.digests()
    assert source.extract(None, tmp_path / "f.parquet").ids.tolist() == ["dog", "paris"]
    (tmp_path / "w.txt").write_text("\n".join(WORDS[::-1]) + "\n")
    assert source.digests() != before


def test_layers_name_one_of_several_arrays(tmp_path: Path) -> None:
    path = tmp_path / "v.npz"
    np.savez(path, words=np.array(WORDS), one=vectors(), other=vectors(1)[:, :5])
    settings = SourceSettings(model=f"words:{path}", layers=("other",))
    features = need_source(settings).extract(None, tmp_path / "f.parquet")
    assert features.widths == {"words": 5}
    with pytest.raises(InputError, match="nothing"):
        need_source(SourceSettings(model=f"words:{path}", layers=("nothing",))).look()


@pytest.mark.slow
def test_a_sentence_model_reads_the_words_of_the_first_source(glove: Path, sentence_model: Path) -> None:
    settings = SourceSettings(model=f"words:{glove}", also=(f"sentence-transformers:{sentence_model}",), most_frequent=20)
    features = need_source(settings).extract(None, glove.parent / "f.parquet")
    assert features.ids.tolist() == WORDS[:20]
    assert (features.widths, features.meta["items"]) == ({"glove/words": 12, "tiny/sentence": 32}, "words")
    rows = features.rows("tiny/sentence", np.arange(20))
    assert len(np.unique(rows.round(4), axis=0)) > 5


def test_a_list_from_python_holds_words_alone(tmp_path: Path) -> None:
    path = words_file(["café", 3, np.float32(0.5), np.str_("x")], tmp_path)
    assert Path(str(path)).read_text(encoding="utf-8") == "café\n3\n0.5\nx\n"
    for wrong in (None, float("nan"), True, b"x", ["a"], "a\nb"):
        with pytest.raises(UsageError, match="vocabulary: expected words, received"):
            words_file(["café", wrong], tmp_path)


@pytest.mark.parametrize(("part", "n", "says"), [(202, 203, "99.5 %"), (19_999, 20_000, "99.9 %"), (5, 5, "100 %"),
                                                 (1, 100_000, "0.1 %"), (0, 5, "0 %"), (497, 1000, "50 %")])  # fmt: skip
def test_a_share_is_all_only_where_none_is_missing(part: int, n: int, says: str) -> None:
    assert percent(part, n) == says


def test_a_look_counts_all_lines_and_says_what_would_be_refused(tmp_path: Path) -> None:
    path = tmp_path / "v.txt"
    path.write_bytes(b"a 1 2\nb 3 4\nc 5 6")

    def look(**more: Any) -> str:
        return WordSource(SourceSettings(model=f"words:{path}", **more)).look().text

    assert look() == "word vectors (text), 2 numbers each   3 words are read"
    lines = [f"w{i} 1 2\n".encode() for i in range(300)]
    path.write_bytes(b"".join([*lines, b"caf\xe9 1 2"]))
    with pytest.raises(InputError, match=r"line 301 is not UTF-8.*If it should read 'café 1 2', the file is Latin-1"):
        look()
    assert look(most_frequent=5).endswith("5 words are read")
    path.write_bytes(b"".join([*lines[:2], b"caf\xe9 1 2\n", *lines[2:]]))
    with pytest.raises(InputError, match="line 3 is not UTF-8"):
        look(most_frequent=5)
    assert look(most_frequent=2).endswith("2 words are read")
    (tmp_path / "list.txt").write_text("w1\nw2\n")  # lines of other words are not looked at
    assert look(vocabulary=str(tmp_path / "list.txt")).endswith("up to 2 words are read")
