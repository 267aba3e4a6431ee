"""Word vectors in arrays and tables, with the list of their words; rows of an Embedding."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from safetensors.numpy import save_file

from kgkt.errors import InputError
from kgkt.recipe import SourceSettings
from kgkt.source.words import arrays as word_arrays
from kgkt.source.words.choice import wanted_words
from kgkt.source.words.files import open_words, peek_words, read_words
from kgkt.source.words.vectors import WordSource
from kgkt.source.words.vocabulary import read_vocabulary

WORDS = ["the", "café", "new york", "\u00a0", "null"] + [f"w{i}" for i in range(40)]
V = np.random.default_rng(0).normal(size=(len(WORDS), 6)).astype(np.float32)
LIST = "\n".join(WORDS) + "\n"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def same(name: str, kind: str, files: list[str], rtol: float = 1e-6) -> None:
    found, file = read_words(name), open_words(name)
    assert found.words.tolist() == WORDS
    np.testing.assert_allclose(found.vectors, V, rtol=rtol)
    listed = tuple(f"{files[0]}: the words of its rows are those of {one}" for one in files[1:])
    assert (found.vectors.dtype, found.notices) == (np.float32, listed)
    assert (peek_words(name), [str(path) for path in file.files]) == ((len(WORDS), 6, kind), files)


def refused(name: str, says: str) -> None:
    with pytest.raises(InputError, match=says):
        read_words(name)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_npy_with_a_list_named_or_beside(dtype, monkeypatch) -> None:
    np.save("m.npy", V.astype(dtype))
    refused("m.npy", r"m\.npy,WORDS\.txt, or put it beside as m\.txt or vocab\.txt or tokenizer\.json")
    refused("m.npy,nothing.txt", r"nothing\.txt, which should list the words of m\.npy, is not there")
    Path("tokenizer.json").write_text(json.dumps(
        {"model": {"vocab": {word: row for row, word in enumerate(WORDS[:-1])}},
         "added_tokens": [{"content": WORDS[-1], "id": len(WORDS) - 1}, {"content": "the", "id": 0}]}))  # fmt: skip
    same("m.npy", "npy", ["m.npy", "tokenizer.json"])
    Path("vocab.txt").write_bytes(LIST.replace("\n", "\r\n").encode())
    same("m.npy", "npy", ["m.npy", "vocab.txt"])
    Path("m.txt").write_text("".join(f"{word} {9 * row}\n" for row, word in enumerate(WORDS)))
    same("m.npy", "npy", ["m.npy", "m.txt"])
    Path("m.txt").write_text("".join(f"{word} 0.5 -1 2e-3\n" for word in WORDS))
    refused("m.npy", "m.txt holds words with vectors, not a list of words")
    Path("own.lst").write_bytes(gzip.compress(LIST.encode()))
    monkeypatch.setattr(word_arrays, "ROWS_BYTES", 200)
    same("m.npy,own.lst", "npy", ["m.npy", "own.lst"])
    pq.write_table(pa.table({"index": WORDS, "row": range(len(WORDS))}), "index.parquet")
    same("m.npy,index.parquet", "npy", ["m.npy", "index.parquet"])
    assert read_words("m.npy,own.lst", wanted=["w7", "the"], limit=1).words.tolist() == ["the"]


def test_rows_without_a_word_or_with_numbers_that_are_none() -> None:
    bad = V.copy()
    bad[3, 2], bad[7, 0] = np.nan, np.inf
    np.save("m.npy", bad)
    Path("m.txt").write_text("\n" + LIST.partition("\n")[2])
    found = read_words("m.npy")
    assert found.words.tolist() == [word for word in WORDS if word not in {"the", WORDS[3], WORDS[7]}]
    assert found.notices == ("m.npy: the words of its rows are those of m.txt", "m.npy: 1 of 45 rows have no word: passed over",
                             "m.npy: 2 rows skipped: row 3 holds NaN or infinity, row 7 holds NaN or infinity")  # fmt: skip
    Path("m.txt").write_text(LIST + "more\n")
    refused("m.npy", r"m\.txt lists 46 words, m\.npy has 45 rows: is it the list of another file\?")
    for wrong, says in ((V[0], r"received shape \(6,\)"), (V.astype(str), "dtype <U32 is not a number"),
                        (np.array([[None]]), "Python objects"), (V[:0], r"received shape \(0, 6\)")):  # fmt: skip
        np.save("m.npy", wrong, allow_pickle=True)
        refused("m.npy", says)
    np.save("m.npy", V)
    Path("m.npy.gz").write_bytes(gzip.compress(Path("m.npy").read_bytes()))
    refused("m.npy.gz", "is npy packed with gzip: unpack it")


def test_a_name_that_a_kind_has_no_use_for_is_refused() -> None:
    np.save("m.npy", V)
    Path("m.txt").write_text(LIST)
    refused("m.npy:foo", r"m\.npy is a \.npy, which holds one set of vectors, and none called foo: leave :foo out")
    pq.write_table(pa.table({"word": ["a", "b"], "vector": [[1.0, 2.0], [2.0, 3.0]]}), "v.parquet")
    refused("v.parquet,m.txt", r"v\.parquet is Parquet, which holds its words itself")


def test_npz() -> None:
    words = np.array(WORDS)
    np.savez("a.npz", words=words, vectors=V)
    same("a.npz", "npz", ["a.npz"])
    np.savez("a.npz", item_id=words, x=V)
    same("a.npz", "npz", ["a.npz"])
    np.savez("a.npz", words=words, near=V, far=-V)
    refused("a.npz", r"has 2 arrays of two axes \(near, far\): name one, as a\.npz:near")
    same("a.npz:near", "npz", ["a.npz"])
    refused("a.npz:naer", r"has no array naer of two axes; did you mean near\?")
    np.savez("a.npz", vectors=V)
    refused("a.npz", "has no array words: save it with np.savez")
    Path("own.txt").write_text(LIST)
    same("a.npz,own.txt", "npz", ["a.npz", "own.txt"])
    np.savez("a.npz", words=words[1:], vectors=V)
    refused("a.npz", r"words has shape \(44,\) and dtype <U8, vectors has 45 rows")
    np.savez("a.npz", words=words.astype(object), vectors=V)
    refused("a.npz", r"array words holds Python objects, which are not read; .*np\.array\(list\(words\), dtype=str\)")


def test_safetensors() -> None:
    Path("vocab.txt").write_text(LIST)
    save_file({"embedding.weight": V}, "m.safetensors")
    same("m.safetensors", "safetensors", ["m.safetensors", "vocab.txt"])
    for listed in (json.dumps(WORDS), LIST):
        save_file({"embedding.weight": V}, "m.safetensors", metadata={"words": listed})
        same("m.safetensors", "safetensors", ["m.safetensors"])
    save_file({"layer.0.bias": V[0], "layer.0": -V, "embeddings": V}, "m.safetensors")
    refused("m.safetensors", r"has 2 tensors of two axes \(embeddings, layer\.0\): name one, as m\.safetensors:embeddings")
    same("m.safetensors:embeddings", "safetensors", ["m.safetensors", "vocab.txt"])
    same("m.safetensors:embeddings,vocab.txt", "safetensors", ["m.safetensors", "vocab.txt"])
    refused("m.safetensors:layer.1", r"has no tensor layer\.1 of two axes; did you mean layer\.0\?")
    save_file({"half": V.astype(np.float16)}, "m.safetensors")
    same("m.safetensors", "safetensors", ["m.safetensors", "vocab.txt"], rtol=1e-3)
    save_file({"half": V}, "m.safetensors", metadata={"words": '["a"]'})
    refused("m.safetensors", "its metadata words lists 1 words, half has 45 rows")
    Path("m.safetensors").write_bytes(Path("m.safetensors").read_bytes()[:-100])
    refused("m.safetensors", "cannot be read")


def test_parquet() -> None:
    pq.write_table(pa.table({"word": WORDS, "vector": list(V)}), "p.parquet")
    same("p.parquet", "Parquet", ["p.parquet"])
    numbers = {f"f{j}": V[:, j] for j in (5, 0, 1, 2, 3, 4)}
    pq.write_table(pa.table({"word": pa.array(WORDS).dictionary_encode(), "vector": list(V)}), "p.parquet")
    same("p.parquet", "Parquet", ["p.parquet"])
    pq.write_table(pa.table({"item_id": WORDS, "text": WORDS, **numbers, "count": range(45)}), "p.parquet")
    same("p.parquet", "Parquet", ["p.parquet"])
    ragged = [V[0, :3] if row == 4 else None if row == 6 else values for row, values in enumerate(V)]
    pq.write_table(pa.table({"token": [*WORDS[:9], None, *WORDS[10:]], "vector": ragged}), "p.parquet")
    assert read_words("p.parquet").notices == ("p.parquet: 3 rows skipped: row 4 has 3 numbers, 6 expected, row 6 has 0 "
                                               "numbers, 6 expected, row 9 has an empty word",)  # fmt: skip
    pq.write_table(pa.table({"word": WORDS, "near": list(V), "far": list(-V)}), "p.parquet")
    refused("p.parquet", r"has several vectors a word \(near, far\): name one, as p\.parquet:near")
    same("p.parquet:near", "Parquet", ["p.parquet"])
    pq.write_table(pa.table({"a": WORDS, "b": WORDS, "near": list(V)}), "p.parquet")
    refused("p.parquet", r"has several columns of texts \(a, b\), and none is called word")
    pq.write_table(pa.table({"word": WORDS}), "p.parquet")
    refused("p.parquet", "no columns of numbers beside the words")
    Path("p.parquet").write_bytes(Path("p.parquet").read_bytes()[:-20])
    refused("p.parquet", "cannot be read as Parquet")


@pytest.mark.parametrize(
    ("content", "words"),
    [('["a", null, "b"]', ["a", None, "b"]), ('{"b": 2, "a": 0}', ["a", None, "b"]), ("a\n\nb\n", ["a", None, "b"]),
     ('{"model": {"vocab": [["<unk>", 0.0], ["▁a", -1.5]]}}', ["<unk>", "▁a"]), ("a 7\nb 3\n", ["a", "b"])],
)  # fmt: skip
def test_lists_of_words(content, words) -> None:
    name = "v.json" if content[0] in "[{" else "v.txt"
    Path(name).write_text(content)
    assert read_vocabulary(name) == words


@pytest.mark.parametrize(
    ("content", "says"),
    [('{"a": 0, "b": 0}', "gives row 0 to 'a' and to 'b'"), ('{"a": "x"}', "each with the number of its row"),
     ("[1]", "expected a list of words"), ("[", "is not JSON"), ('{"a": 99999999}', "names 1 word, and row 99,999,999"),
     ('{"model": {}}', "a tokenizer without a list of its pieces"), ("\n\n", "has no word"), ("caf\udce9\n", "not UTF-8")],
)  # fmt: skip
def test_lists_that_are_none(content, says) -> None:
    name = "v.json" if content[0] in "[{" else "v.txt"
    Path(name).write_text(content, errors="surrogateescape")
    with pytest.raises(InputError, match=says):
        read_vocabulary(name)


@pytest.fixture
def embeddings(tmp_path: Path) -> np.ndarray:
    """Rows of `one.keras`, which reads texts and has more rows than words; `two.keras` reads numbers, and has two such."""
    from kgkt.source.quiet import keras

    layers, model = keras().layers, keras().Model
    words = layers.TextVectorization(output_sequence_length=4)
    words.adapt(["red green green", "red blue red"])
    start = keras().Input((), dtype="string")
    table = layers.Embedding(8, 3, name="table")
    model(start, layers.Flatten()(table(words(start)))).save("one.keras")
    start = keras().Input((4,), dtype="int32")
    model(start, layers.Concatenate()([layers.Embedding(5, 3, name=name)(start) for name in ("near", "far")])).save("two.keras")
    return np.asarray(table.embeddings)


def test_rows_of_an_embedding(embeddings) -> None:
    assert peek_words("one.keras") == (8, 3, "Keras")
    found = read_words("one.keras")
    assert found.words.tolist() == ["red", "green", "blue"]
    np.testing.assert_array_equal(found.vectors, embeddings[2:5])
    assert found.notices[1] == "one.keras: table: 5 of 8 rows have no word: passed over"
    refused("two.keras", r"has 2 layers with rows of words \(near, far\): name one, as two\.keras:near")
    assert wanted_words(Path("one.keras:table"), lower=False).words == ["red", "green", "blue"]  # as populate's --vocabulary
    assert wanted_words(Path("one.keras"), lower=False).words == ["red", "green", "blue"]
    listed = SourceSettings(model="words:v.txt", vocabulary="one.keras:table")
    assert (listed.vocabulary_path, SourceSettings(vocabulary="w.txt").vocabulary_path) == (Path("one.keras"), Path("w.txt"))
    refused("two.keras:farr", r"has no Embedding farr; did you mean far\?")
    refused("two.keras:far", r"nothing in two\.keras says which word each row of far is of: name a list .*two\.keras:far,WORDS\.txt")
    with pytest.raises(InputError, match="says which word each row of far is of"):  # before it is opened
        open_words("two.keras:far")
    look = WordSource(SourceSettings(model="words:one.keras")).look()
    assert look.text == "word vectors (Keras), 8 rows, 3 numbers each, of which words is seen when the model is opened"
    refused("two.keras:far,nothing.txt", "nothing.txt, which should list the words of far")
    Path("own.txt").write_text("a\nb\nc\n")
    assert read_words("two.keras:far,own.txt").words.tolist() == ["a", "b", "c"]
    Path("own.txt").write_text("[PAD]\n[UNK]\n<br/>\n<s>\n[\n")  # tokens of a model are no words, others in brackets are
    special = read_words("two.keras:far,own.txt")
    assert special.words.tolist() == ["<br/>", "["]
    assert special.notices[0].endswith("those of own.txt, without [PAD], [UNK], <s>, which are no words")
    Path("own.txt").write_text("a\nb\nc\nd\ne\nf\n")
    refused("two.keras:far,own.txt", "lists 6 words, far of two.keras has 5 rows")
