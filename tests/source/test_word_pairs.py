"""Pairs of words from files: what is read, what is said, what is refused."""

from __future__ import annotations

import gzip
import unicodedata
from pathlib import Path

import pandas as pd
import pytest

from kgkt.errors import InputError, UsageError
from kgkt.source.words.known_pairs import know_pairs
from kgkt.source.words.pairs import WordPairs, given_pairs, read_pairs

ENGLISH = {word: row for row, word in enumerate(("dog", "cat", "house", "tree", "red", "one", "two", "go", "eat", "sea", "sun"))}
FRENCH = {word: row for row, word in enumerate(("chien", "chat", "maison", "arbre", "rouge", "un", "deux", "aller", "manger", "mer", "soleil"))}
PAIRS = tuple(zip(ENGLISH, FRENCH, strict=True))


def write(path: Path, lines: list[str]) -> Path:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize("sign", ["\t", ";", ",", " ", "   ", " = ", " | ", "->", " -> ", " => ", " → ", "|", "=", ":", ": ", " : ",
                                  " - ", " ~ ", " ; "])  # fmt: skip
def test_any_sign_between_the_words(tmp_path: Path, sign: str) -> None:
    told = read_pairs(write(tmp_path / "p.txt", [f"{a}{sign}{b}" for a, b in PAIRS]))
    assert (told.pairs, told.notices) == (PAIRS, ())


def test_heading_comments_further_columns_and_what_stands_twice(tmp_path: Path) -> None:
    lines = ["# of a friend", "source\ttarget\tconfidence", "", '"dog"\tchien\t0.9', "dog\tchien\t0.1", "dog\tclebs"]
    told = read_pairs(write(tmp_path / "p.tsv", lines))
    assert told.pairs == (("dog", "chien"), ("dog", "clebs"))
    assert "1 line beginning with # passed over" in told.notices[0]
    assert "line 2 (source, target) is taken for a heading" in told.notices[1]
    assert "1 pair stood there more than once" in told.notices[2]
    packed = tmp_path / "p.tsv.gz"
    packed.write_bytes(gzip.compress(b"en,fr\nDog,Chien\n"))
    assert read_pairs(packed, lower=True).pairs == (("dog", "chien"),)


@pytest.mark.parametrize(("lines", "said"), [
    (["dog", "cat"], r"line 1 has no two words \('dog'\): write a word, a tab, and its translation"),
    (["dog\tchien", "cat;chat"], r"line 2 has no two words \('cat;chat'\)"),
    (["dog\tchien", "\tchat"], "line 2 has no two words"),
    (["", "# nothing"], "holds no pairs of words"),
    (["en\tfr"], "holds no pairs of words"),
])  # fmt: skip
def test_what_is_no_list_of_pairs_is_refused(tmp_path: Path, lines: list[str], said: str) -> None:
    with pytest.raises(InputError, match=said):
        read_pairs(write(tmp_path / "p.tsv", lines))


def test_a_file_that_is_not_there_or_is_another_kind(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is not there"):
        read_pairs(tmp_path / "nothing.tsv")
    (tmp_path / "p.tsv").write_bytes("chien\tété\n".encode("latin-1"))
    with pytest.raises(InputError, match="line 1 is not UTF-8"):
        read_pairs(tmp_path / "p.tsv")


def told(*pairs: tuple[str, str]) -> WordPairs:
    return WordPairs(Path("p.tsv"), pairs, ())


def test_pairs_of_unknown_words_are_counted() -> None:
    known = know_pairs(told(*PAIRS, ("dog", "chat"), ("unicorn", "licorne"), ("dog", "clebs")), ENGLISH, FRENCH, ("e", "f"))
    assert (len(known.right), known.pairs, known.told, known.unknown) == (11, 12, 14, 2)
    assert known.right[0] == [0, 1]
    assert known.notices == ("p.tsv: 2 of 14 pairs left out: 1 word of its first column that e does not have (unicorn), "
                             "2 words of its second column that f does not have (licorne, clebs)",)


def test_two_languages_in_the_wrong_order_are_refused() -> None:
    turned = told(*((b, a) for a, b in PAIRS))
    with pytest.raises(InputError, match=r"of 11 pairs 11 are known the other way round, and 0 as they stand \(e, then f\): swap"):
        know_pairs(turned, ENGLISH, FRENCH, ("e", "f"))


def test_too_few_pairs_are_refused_with_what_casing_would_change() -> None:
    with pytest.raises(InputError, match=r"of 2 words is known, 10 are needed; 2 words in all$"):
        know_pairs(told(*PAIRS[:2]), ENGLISH, FRENCH, ("e", "f"))
    with pytest.raises(InputError, match=r"of 0 words is known, 10 are needed; .*In lower case 11 pairs are known: --lower"):
        know_pairs(told(*((a.title(), b.title()) for a, b in PAIRS)), ENGLISH, FRENCH, ("e", "f"))


def test_pairs_of_a_word_and_itself_are_doubted() -> None:
    known = know_pairs(told(*((a, a) for a in ENGLISH)), ENGLISH, ENGLISH, ("e", "f"))
    assert "11 of 11 pairs are a word and itself: are e and f of one language?" in known.notices[-1]


def test_pairs_in_memory() -> None:
    assert given_pairs({"dog": ["chien", "clebs"], "cat": "chat"}, "seeds").pairs == (
        ("dog", "chien"), ("dog", "clebs"), ("cat", "chat"))  # fmt: skip
    assert given_pairs([("Dog", "Chien")], "seeds", lower=True).pairs == (("dog", "chien"),)
    table = pd.DataFrame({"en": ["dog", "cat"], "fr": ["chien", "chat"]})
    assert given_pairs(table, "seeds").pairs == given_pairs(table.to_numpy(), "seeds").pairs == (("dog", "chien"), ("cat", "chat"))
    for wrong in (7, [("dog",)], [("dog", 3)], ["dog chien"], ["ab"], table["en"], [{"dog", "chien"}], b"dog chien", table[["en"]],
                  []):  # fmt: skip
        with pytest.raises(UsageError, match=r"seeds: (expected|a table with 1 column|no pairs)"):
            given_pairs(wrong, "seeds")


def test_a_sign_that_was_taken_for_a_word_is_refused() -> None:
    signs = told(*((a, "=") for a in ENGLISH))
    with pytest.raises(InputError, match=r"11 of 11 pairs have '=' as their second word, which is no translation: write a word, a tab"):
        know_pairs(signs, ENGLISH, {**FRENCH, "=": 11}, ("e", "f"))
    with pytest.raises(InputError, match="have 'the' as their first word"):
        know_pairs(told(*(("the", b) for b in FRENCH)), {**ENGLISH, "the": 11}, FRENCH, ("e", "f"))


def test_a_column_of_numbers_is_passed_over_and_said(tmp_path: Path) -> None:
    rows = [f"{n},{a},{b}" for n, (a, b) in enumerate(PAIRS)]
    for heading in ([], ["id,en,fr"], ["nr,eng,fra"]):
        found = read_pairs(write(tmp_path / "p.csv", [*heading, *rows]))
        assert found.pairs == PAIRS
        assert "the words are taken from its second and its third column; the first one holds none" in found.notices[0]
        assert [("is taken for a heading" in notice) for notice in found.notices[1:]] == [True] * len(heading)
    with pytest.raises(InputError, match=r"its first column holds no words \(1, …\), and two columns of words are needed"):
        read_pairs(write(tmp_path / "p.csv", [f"{n},{a}" for n, a in enumerate(ENGLISH)]))
    apart = read_pairs(write(tmp_path / "p.tsv", [f"{a}\t=\t{b}" for a, b in PAIRS]))
    assert (apart.pairs, "its first and its third column; the second one holds none (=, …)" in apart.notices[0]) == (PAIRS, True)
    scored = read_pairs(write(tmp_path / "p.csv", [f"{a},{b},0.5" for a, b in PAIRS]))
    assert (scored.pairs, scored.notices) == (PAIRS, ())


def test_accents_are_found_however_they_are_written() -> None:
    french = {"été" if word == "soleil" else word: row for word, row in FRENCH.items()}
    pairs = [(a, "été" if b == "soleil" else b) for a, b in PAIRS]
    for ours in ("NFC", "NFD"):
        held = {unicodedata.normalize(ours, word): row for word, row in french.items()}
        other = told(*((a, unicodedata.normalize("NFD" if ours == "NFC" else "NFC", b)) for a, b in pairs))
        known = know_pairs(other, ENGLISH, held, ("e", "f"))
        assert (known.pairs, known.unknown) == (11, 0)
        assert "1 word found with accents written the other way" in known.notices[0]
        assert know_pairs(told(*((a, unicodedata.normalize(ours, b)) for a, b in pairs)), ENGLISH, held, ("e", "f")).notices == ()


def test_several_translations_in_one_cell_are_as_many_pairs() -> None:
    known = know_pairs(told(*PAIRS[1:], ("dog", "chien, xyz; chat")), ENGLISH, FRENCH, ("e", "f"))
    assert (known.right[0], known.unknown) == ([0, 1], 1)
    assert "1 cell with several words, as 'chien, xyz; chat': each word is a pair of its own" in known.notices[0]
    whole = know_pairs(told(*PAIRS, ("dog", "km/h")), ENGLISH, {**FRENCH, "km/h": 11, "km": 12, "h": 13}, ("e", "f"))
    assert (whole.right[0], whole.notices) == ([0, 11], ())


@pytest.mark.parametrize("heading", ["source word\ttarget word", "English\tFrench", "word\tfr", "Language 1\tLanguage 2"])
def test_headings(tmp_path: Path, heading: str) -> None:
    found = read_pairs(write(tmp_path / "p.tsv", [heading, "dog\tchien", "cat\tchat"]))
    assert (found.pairs, len(found.notices)) == ((("dog", "chien"), ("cat", "chat")), 1)
