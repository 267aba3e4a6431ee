"""Files of word vectors as text and in word2vec's binary format: what is read, what is skipped, what is refused."""

from __future__ import annotations

import bz2
import gzip
import lzma
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from kgkt.errors import InputError, UnsafeError, UsageError
from kgkt.source.words import text as word_text
from kgkt.source.words.files import open_words, peek_words, read_words

ODD = ["the", "café", "new york", ". . .", "\u00a0", "x\u00a0y", "null", "nan", "NA", '"q', "'", "1", "3.5", "c", "("]
WORDS = ODD + [f"w{i}" for i in range(60)]
V = np.random.default_rng(0).normal(size=(len(WORDS), 6)).astype(np.float32)


def line(word: str, values: np.ndarray, end: str = "\n") -> str:
    return f"{word} {' '.join(f'{value:.8g}' for value in values)}{end}"


GLOVE = "".join(line(word, values) for word, values in zip(WORDS, V, strict=True))
HEADED = f"{len(WORDS)} 6\n{GLOVE}"
BINARY = f"{len(WORDS)} 6\n".encode() + b"".join(
    word.replace(" ", "_").encode() + b" " + values.tobytes() for word, values in zip(WORDS, V, strict=True))  # fmt: skip


@pytest.fixture
def saved(tmp_path: Path) -> Callable[[bytes | str], Path]:
    def save(content: bytes | str, name: str = "v.txt") -> Path:
        (tmp_path / name).write_bytes(content.encode() if isinstance(content, str) else content)
        return tmp_path / name

    return save


def changed(**lines: str) -> str:
    """The GloVe file with other lines, by their numbers (l7="…")."""
    rows = GLOVE.splitlines(True)
    for name, text in lines.items():
        rows[int(name[1:]) - 1] = text + "\n"
    return "".join(rows)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (GLOVE, None), (GLOVE[:-1], None), (HEADED + "\n\n", len(WORDS)), (HEADED.replace("\n", " \n"), len(WORDS)),
        (GLOVE.replace("\n", "\r\n"), None), ("\ufeff" + GLOVE.replace("\n", " \r\n"), None),
        (GLOVE.replace("café ", "café\t"), None), (GLOVE.replace(" -", "  -"), None),
        ("".join(f" {row}\n" for row in GLOVE.splitlines()), None), (GLOVE.replace("w9 ", "w9 +0"), None),
        (gzip.compress(GLOVE.encode()), None), (bz2.compress(HEADED.encode()), len(WORDS)),
        (lzma.compress(GLOVE.encode()), None),
    ],
    ids=["glove", "no end of line", "word2vec", "fastText", "CRLF", "BOM", "tab", "aligned", "indented", "plus", "gz", "bz2", "xz"],
)  # fmt: skip
def test_text_is_read_as_it_stands(saved, content, told) -> None:
    """Also words with spaces, with a no-break space, quotes, and those that tables take for nothing."""
    path = saved(content)
    found = read_words(path)
    assert found.words.tolist() == WORDS
    np.testing.assert_allclose(found.vectors[:20], V[:20], rtol=1e-6)
    assert (found.vectors.dtype, found.notices) == (np.float32, ())
    assert peek_words(path) == (told, 6, "text")


def test_only_an_end_of_line_ends_a_line(saved) -> None:
    words = ["a\u2028b", "\u0085", "c\x0bd", "e\x1cf", "g\rh", "i"]
    found = read_words(saved("".join(line(word, values) for word, values in zip(words, V, strict=False))))
    assert found.words.tolist() == words
    np.testing.assert_allclose(found.vectors, V[:6], rtol=1e-6)


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
@pytest.mark.parametrize("end", [b"", b"\n"])
def test_word2vec_binary(saved, pack, end) -> None:
    content = b"%d 6\n" % len(WORDS) + b"".join(
        word.replace(" ", "_").encode() + b" " + values.tobytes() + end for word, values in zip(WORDS, V, strict=True))  # fmt: skip
    path = saved(pack(content), "v.bin")
    found = read_words(path)
    assert found.words.tolist() == [word.replace(" ", "_") for word in WORDS]
    np.testing.assert_array_equal(found.vectors, V)
    assert (found.notices, peek_words(path)) == ((), (len(WORDS), 6, "word2vec binary"))


def test_blocks_and_batches_change_nothing(saved, monkeypatch) -> None:
    """A file of many blocks, one of which is read line by line, in batches of 7."""
    monkeypatch.setattr(word_text, "BLOCK", 500)
    batches = list(open_words(saved(HEADED)).batches(7))
    assert max(len(words) for words, _ in batches) <= 7
    assert np.concatenate([words for words, _ in batches]).tolist() == WORDS
    np.testing.assert_allclose(np.concatenate([vectors for _, vectors in batches]), V, rtol=1e-6)


@pytest.mark.parametrize("content", [GLOVE, BINARY], ids=["text", "binary"])
def test_wanted_and_limit(saved, content) -> None:
    path = saved(content)
    space = "new york" if content == GLOVE else "new_york"
    found = read_words(path, wanted=["w7", space, "zebra", "W8"])
    assert found.words.tolist() == [space, "w7"]
    np.testing.assert_allclose(found.vectors, V[[2, WORDS.index("w7")]], rtol=1e-6)
    assert found.notices == (f"{path}: 2 of the 4 words asked for are there",)
    assert read_words(path, limit=3).words.tolist() == ["the", "café", space]
    assert read_words(path, limit=1, wanted={"w8", "w9"}).words.tolist() == ["w8"]
    with pytest.raises(InputError, match=r"none of the 2 words asked for \(Thé, W7\): are they of its language"):
        read_words(path, wanted=["W7", "Thé"])


def test_a_few_lines_are_skipped_and_told(saved) -> None:
    path = saved(changed(l4="short 1 2 3", l9="more 1.5 2.5 3.5 4.5 5.5 6.5 7.5", l20="text 1 2 three 4 5 6",
                         l21="much 1 2 inf 4 5 6", l22="odd 1 nan 3 4 5 6", l30=" 1 2 3 4 5 6", l40="", l50="w1 1 2 3 4 5 6"))  # fmt: skip
    found = read_words(path)
    gone = {WORDS[number - 1] for number in (4, 9, 20, 21, 22, 30, 40, 50)}
    assert found.words.tolist() == [word for word in WORDS if word not in gone]
    assert found.notices == (
        f"{path}: 6 lines skipped: line 4 has 3 numbers, 6 expected, line 9 has 7 numbers, 6 expected, line 20 holds "
        "'three', no number, …", f"{path}: 1 line with a word that stood there before, first 'w1': passed over",
    )  # fmt: skip
    np.testing.assert_allclose(found.vectors[found.words.tolist().index("w1")], V[WORDS.index("w1")], rtol=1e-6)
    many = "".join(line(f"v{i}", V[i % 60]) if i % 300 else "v 1 2\n" for i in range(6000))  # 20, 1 in 300
    with pytest.raises(InputError, match=r"14 of the first 3,901 lines cannot be used: line 1 has 2 numbers, 6 expected"):
        read_words(saved(many))
    with pytest.raises(InputError, match="2 of the first 3 lines cannot be used"):
        read_words(saved(line("a", V[0]) + "b 1 2\nc 1 2 3\n"))


def test_a_first_line_that_lies(saved) -> None:
    path = saved(HEADED.replace(f"{len(WORDS)} 6", "400000 6"))
    assert read_words(path).notices == (
        f"{path}: its first line says 400,000 words, {len(WORDS)} lines follow: is it cut off?",)  # fmt: skip
    assert read_words(path, limit=5).notices == ()
    phrases = "3 2\nroute 66 0.5 0.25\npi 3 0.5 0.25\nred 1 2\n"
    assert read_words(saved(phrases)).words.tolist() == ["route 66", "pi 3", "red"]
    with pytest.raises(InputError, match="first line says 300 numbers a word, the lines below have 6"):
        read_words(saved(HEADED.replace(f"{len(WORDS)} 6", f"{len(WORDS)} 300")))
    with pytest.raises(InputError, match=r"cannot be used: word 2 is not UTF-8.*is its first line right|no word where"):
        read_words(saved(BINARY.replace(b" 6\n", b" 7\n")))
    more = saved(BINARY.replace(b"%d 6" % len(WORDS), b"20 6"))
    assert (len(read_words(more).words), read_words(more).notices[0].endswith("more follow: not read")) == (20, True)


def test_another_encoding_is_refused_with_what_to_do_or_read_when_told(saved) -> None:
    path = saved(GLOVE.encode("latin-1"))
    with pytest.raises(InputError, match=r"line 2 is not UTF-8: byte 0xe9 .*the file is Latin-1: iconv -f WINDOWS-1252"):
        read_words(path)
    assert read_words(path, encoding="latin-1").words.tolist() == WORDS
    wide = saved(GLOVE.encode("utf-16"))
    with pytest.raises(InputError, match="is UTF-16: iconv -f UTF-16"):
        read_words(wide)
    assert read_words(wide, encoding="utf-16").words.tolist() == WORDS
    with pytest.raises(InputError, match="not in the encoding that was told"):
        read_words(saved(GLOVE), encoding="big5")
    for name in ("quatsch", "hex"):
        with pytest.raises(UsageError, match=f"{name} is no encoding"):
            read_words(path, encoding=name)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty"), (b"a\nb\nc\n", "has no numbers behind its words, it begins with 'a'"),
        (GLOVE.replace(" ", ",").encode(), "divide words and numbers by spaces, not by commas"),
        (b"3 5\n", "holds no word but its first line"), (b"\n\n", "holds no word"),
        (GLOVE.replace("\n", "\r").encode(), "lines end with a carriage return alone"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:ab\n", "is a git-LFS pointer"),
        (b"<!DOCTYPE html>\n<html>", "is a web page"), (b"\xba\x16\x4f\x2f\x0c\0\0\0" + bytes(99), r"take the \.vec file"),
        (GLOVE.replace("w9", "w\0").encode(), "line 25 holds a NUL byte"), (b"\x7f\x01\x02" * 99, "is a binary file"),
        (gzip.compress(GLOVE.encode())[:-300], "is a gzip file that is cut off or damaged"),
        (lzma.compress(GLOVE.encode())[:-300], "is a xz file that is cut off or damaged"),
        (BINARY[:-40], f"it should hold {len(WORDS)} words of 6 numbers, and ends in word {len(WORDS) - 1}"),
        (b"9 99999999999\n" + bytes(99), "its first line does not say .*: it says 99,999,999,999 numbers a word"),
        (b"\x89PNG\r\n\x1a\n" + bytes(50), "is a PNG picture, not a file of word vectors"),
        (b"PK\x03\x04" + bytes(50), "is cut off or damaged"),
    ],
    ids=["empty", "one column", "commas", "header only", "blank", "old Mac", "lfs", "html", "fastText", "NUL", "binary", "cut gz",
         "cut xz", "cut bin", "wide bin", "picture", "zip"],
)  # fmt: skip
def test_what_is_no_file_of_word_vectors(saved, content, says) -> None:
    path = saved(content)
    with pytest.raises(InputError, match=says) as refused:
        read_words(path)
    assert str(path) in str(refused.value)


def test_folders_and_pickles_are_refused_and_what_is_not_there(saved, tmp_path) -> None:
    path = saved(b"\x80\x04\x95abcdef", "vectors.kv")
    with pytest.raises(UnsafeError, match=r"is a pickle.*save_word2vec_format"):
        open_words(path)
    with pytest.raises(UnsafeError, match="HDF5"):
        open_words(saved(b"\x89HDF\r\n\x1a\n" + bytes(50)))
    with pytest.raises(InputError, match=r"is a folder: name the file of word vectors \(v.txt, vectors.kv\)"):
        open_words(tmp_path)
    with pytest.raises(InputError, match="cannot be read"):
        open_words(tmp_path / "nothing.txt")
