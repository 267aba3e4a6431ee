"""Rows from vectors and concepts, and which words the rows of an Embedding are of."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from kgkt.errors import InputError, UsageError
from kgkt.rundir.words import listed_words
from kgkt.source.words.vocabulary import read_vocabulary
from kgkt.transfer.words.embeddings import embeddings_of, learned_rows, need_embedding, rows_of, shared_with
from kgkt.transfer.words.rows import projection, rest, word_rows
from kgkt.transfer.words.vocabulary import better_match, match, vocabulary_of

layers = keras.layers


@pytest.fixture(scope="module")
def clouds() -> tuple[np.ndarray, np.ndarray]:
    """400 vectors of 20 numbers in 12 clouds."""
    draw = np.random.default_rng(0)
    concepts = draw.integers(0, 12, 400)
    centres = draw.normal(size=(12, 20))
    return (centres[concepts] + 0.5 * draw.normal(size=(400, 20))).astype(np.float32) + 3, concepts


def lengths(rows: np.ndarray) -> np.ndarray:
    return np.linalg.norm(rows, axis=1)


@pytest.mark.parametrize("width", [8, 20, 64])
@pytest.mark.parametrize("rank", [0, 4, None])
def test_rows_have_the_length_and_the_width_that_are_asked_for(clouds: Any, width: int, rank: int | None) -> None:
    rows = word_rows(*clouds, width, rank=rank, norm=0.3)
    assert rows.shape == (400, width)
    assert rows.dtype == np.float32
    assert lengths(rows).mean() == pytest.approx(0.3, rel=1e-5)
    np.testing.assert_array_equal(rows, word_rows(*clouds, width, rank=rank, norm=0.3))
    assert len(np.unique(rows.round(6), axis=0)) == (12 if rank == 0 else 400)


def test_a_wider_b_keeps_every_angle_and_a_narrower_one_the_first_components(clouds: Any) -> None:
    vectors, concepts = clouds
    centred = vectors - vectors.mean(axis=0)
    wide = word_rows(vectors, concepts, 64, rank=None, norm=1)
    gram, ours = centred @ centred.T, wide @ wide.T
    np.testing.assert_allclose(ours / np.trace(ours), gram / np.trace(gram), atol=1e-6)
    assert (wide.std(axis=0) > 0.3 * wide.std()).all()
    narrow = word_rows(vectors, concepts, 5, rank=None, norm=1)
    variances = np.linalg.svd(centred, compute_uv=False)[:5] ** 2
    ours = (narrow**2).sum(axis=0)
    np.testing.assert_allclose(ours / ours.sum(), variances / variances.sum(), rtol=1e-3)


def test_what_a_rank_keeps_of_the_residual_is_the_most_that_it_can(clouds: Any) -> None:
    vectors, concepts = clouds
    centres = np.stack([vectors[concepts == c].mean(axis=0) for c in range(12)])[concepts]
    left = [((vectors - centres - rest(vectors - centres, rank)) ** 2).sum() for rank in (0, 4, 19, 20, None)]
    singular = np.linalg.svd(vectors - centres, compute_uv=False) ** 2
    np.testing.assert_allclose(left, [singular.sum(), singular[4:].sum(), singular[19:].sum(), 0, 0], rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("width", [5, 20, 64])
def test_whitened_words_differ_as_much_along_every_direction(clouds: Any, width: int) -> None:
    vectors, concepts = clouds[0] * np.geomspace(4, 1, 20).astype(np.float32), clouds[1]
    rows = word_rows(vectors, concepts, width, rank=None, norm=2, whiten=True)
    variances = np.sort(np.linalg.svd(rows, compute_uv=False) ** 2)[::-1][: min(width, 20)]
    assert variances[-1] > 0.5 * variances[0]
    plain = np.linalg.svd(word_rows(vectors, concepts, width, rank=None, norm=2), compute_uv=False) ** 2
    assert plain[min(width, 20) - 1] < 0.3 * plain[0]
    assert lengths(rows).mean() == pytest.approx(2, rel=1e-5)
    np.testing.assert_array_equal(rows, word_rows(vectors, concepts, width, rank=None, norm=2, whiten=True))


def test_of_few_words_whitening_keeps_more_of_how_near_they_are(clouds: Any) -> None:
    vectors, concepts = clouds
    few = np.hstack([vectors[:30], np.zeros((30, 10), np.float32)])  # 10 numbers say nothing
    rows = word_rows(few, concepts[:30], 32, rank=None, norm=1, whiten=True)
    assert np.isfinite(rows).all()
    near, ours = (np.corrcoef(x - x.mean(axis=0))[np.triu_indices(30, 1)] for x in (few, rows))
    assert np.corrcoef(near, ours)[0, 1] > 0.8


@pytest.mark.parametrize(("change", "message"), [
    ({"rank": -1}, "the rank of the residual is -1"), ({"norm": -0.5}, "is -0.5, expected a number above 0"),
    ({"norm": float("nan")}, "expected a number above 0"), ({"width": 0}, "are 0 wide"),
])
def test_numbers_that_make_no_rows_are_refused(clouds: Any, change: dict[str, Any], message: str) -> None:
    asked = {"width": 4, "rank": 2, "norm": 1.0} | change
    with pytest.raises(InputError, match=message):
        word_rows(*clouds, asked["width"], rank=asked["rank"], norm=asked["norm"])
    with pytest.raises(InputError, match="are of one concept"):
        word_rows(clouds[0], np.zeros(400), 4, rank=0, norm=1.0)
    with pytest.raises(InputError, match="a concept for each"):
        word_rows(clouds[0], clouds[1][:-1], 4, norm=1.0)
    assert projection(clouds[0], 4)[1].shape == (20, 4)


def vectorized(words: list[str], rows: int | None = None, **settings: Any) -> Any:
    """A classifier of texts with its TextVectorization inside."""
    texts = layers.TextVectorization(output_sequence_length=4, name="texts")
    texts.set_vocabulary(words)
    text = keras.Input((1,), dtype="string")
    rows = rows or len(words) + 2
    x = layers.GlobalAveragePooling1D()(layers.Embedding(rows, 6, name="emb", **settings)(texts(text)))
    return keras.Model(text, layers.Dense(2, activation="softmax")(x))


def test_the_words_of_a_model_come_from_the_layer_that_numbers_them() -> None:
    found = vocabulary_of(vectorized(["cat", "[start]", "dog"], rows=7))
    assert found.words.tolist() == [None, None, "cat", None, "dog"]
    assert (found.source, found.layer, found.rows) == ("texts (TextVectorization)", "emb", 7)
    assert found.notices == ("texts (TextVectorization) names 5 of the 7 rows of emb: the other 2 are left alone",)
    assert vocabulary_of(vectorized(["cat", "dog"]), special=["dog"]).words.tolist() == [None, None, "cat", None]


def test_only_known_tokens_are_no_words() -> None:
    tokens = ["<s>", "</s>", "<pad>", "<UNK>", "[CLS]", "[unused12]", "<extra_id_0>", "<|endoftext|>", "[start]", "<0x0A>"]
    words = ["<URL:https://www.X.org>", "<br/>", "<3", "[sic]", "[1]", "<-->", "s", "pad"]
    found = vocabulary_of(vectorized([*tokens, *words, "library"]), special=["library"])
    assert found.words.tolist() == [None] * (2 + len(tokens)) + [*words, None]
    assert list(found.special.values()) == ["[UNK]", *tokens, "library"]
    assert found.special[2 + len(tokens) + len(words)] == "library"


def test_each_embedding_of_several_inputs_gets_its_own_vocabulary() -> None:
    """A sequence to sequence model with two lookups, one of them before a nested model."""
    inputs = [keras.Input((None,), dtype="string", name=name) for name in ("source", "shifted")]
    lookups = [layers.StringLookup(vocabulary=words, mask_token="", num_oov_indices=oov, name=name)
               for words, oov, name in ((["un", "deux"], 1, "fr"), (["one", "two"], 2, "en"))]  # fmt: skip
    inner = keras.Input((None,), dtype="int64")
    encoder = keras.Model(inner, layers.LSTM(5)(layers.Embedding(4, 3, mask_zero=True, name="words")(inner)), name="enc")
    state = encoder(lookups[0](inputs[0]))
    x = layers.Embedding(5, 3, name="target")(lookups[1](inputs[1]))
    x = layers.LSTM(5, return_sequences=True)(x, initial_state=[state, state])
    model = keras.Model(inputs, layers.Dense(5)(x))
    assert set(embeddings_of(model)) == {"enc/words", "target"}
    assert vocabulary_of(model, "words").words.tolist() == [None, None, "un", "deux"]
    assert vocabulary_of(model, "target").words.tolist() == [None, None, None, "one", "two"]
    with pytest.raises(UsageError, match=r"2 Embedding layers \(.*enc/words \(4 rows\).*\): which one"):
        vocabulary_of(model)
    with pytest.raises(InputError, match="no Embedding layer 'enc/word'; did you mean enc/words"):
        vocabulary_of(model, "enc/word")


def numbered(layer: Any, rows: int = 5) -> Any:
    """A model whose Embedding reads what `layer` gives; None: numbers as they come."""
    given = keras.Input((3,), dtype="string" if layer is not None else "int64")
    return keras.Model(given, layers.Embedding(rows, 2, name="emb")(given if layer is None else layer(given)))


@pytest.mark.parametrize(("layer", "message"), [
    (None, "nothing in b.keras says which word each row of emb is of: give the words .* --vocabulary FILE"),
    (lambda: layers.Hashing(5, name="hash"), r"hash \(Hashing\) of b.keras comes before emb: its rows are of hashes"),
    (lambda: layers.StringLookup(vocabulary=list("abcdefg"), name="look"),
     r"look \(StringLookup\) has 8 words with a row, emb of b.keras has 5 rows"),
])
def test_a_vocabulary_that_there_is_not_is_refused_by_name(layer: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        vocabulary_of(numbered(layer() if layer else None), name="b.keras")


def test_a_lookup_of_numbers_is_refused_and_a_b_without_rows() -> None:
    given = keras.Input((3,), dtype="int64")
    look = layers.IntegerLookup(vocabulary=[7, 8], name="look")
    with pytest.raises(InputError, match=r"look \(IntegerLookup\) of B comes before emb: its rows are of numbers"):
        vocabulary_of(keras.Model(given, layers.Embedding(5, 2, name="emb")(look(given))))
    dense = keras.Sequential([keras.Input((3,)), layers.Dense(2, name="only")])
    with pytest.raises(InputError, match=r"no Embedding layer: there are no rows to write\. Its layers are only"):
        need_embedding(dense, None)
    lora = keras.Sequential([keras.Input((3,)), layers.Embedding(5, 2, lora_rank=1, name="emb")])
    with pytest.raises(InputError, match="emb has LoRA weights"):
        need_embedding(lora, "emb")
    small = keras.Sequential([keras.Input((3,)), layers.Embedding(5, 2, name="emb")])
    small.layers[0].quantize("int8")
    with pytest.raises(InputError, match="emb is quantised"):
        need_embedding(small, "emb")


def test_a_vocabulary_may_come_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "words.txt").write_text("\ufeff\n[UNK]\r\nélan\na word\n", encoding="utf-8")
    assert read_vocabulary(tmp_path / "words.txt") == [None, "[UNK]", "élan", "a word"]
    found = vocabulary_of(numbered(None), listed=listed_words(str(tmp_path / "words.txt")))
    assert found.words.tolist() == [None, None, "élan", "a word"]
    assert found.notices == ("words.txt names 4 of the 5 rows of emb: the other 1 is left alone",)
    (tmp_path / "w.json").write_text(json.dumps({"b": 3, "a": 1}))
    assert read_vocabulary(tmp_path / "w.json") == [None, "a", None, "b"]
    (tmp_path / "l.json").write_text(json.dumps(["a", "b"]))
    (short,) = vocabulary_of(numbered(None), listed=("l.json", ["a", "b"])).notices
    assert short.startswith("l.json names 2 of the 5 rows of emb: the other 3 are left alone. Its first line is 'a': where")
    with pytest.raises(InputError, match=r"w has 2 words with a row, the last one row 6, emb of B has 5 rows, 0 to 4: is"):
        vocabulary_of(numbered(None), listed=("w", ["a", None, None, None, None, None, "b"]))
    assert read_vocabulary(tmp_path / "l.json") == ["a", "b"]
    for name, text, message in (
        ("e.txt", b"\n", "has no word"), ("l.txt", b"caf\xe9\n", "line 1 is not UTF-8"),
        ("t.json", b'{"a": 1, "b": 1}', "gives row 1 to 'a' and to 'b'"), ("n.json", b'{"a": "1"}', "expected words"),
        ("x.json", b"[", "is not JSON"),
    ):
        (tmp_path / name).write_bytes(text)
        with pytest.raises(InputError, match=message):
            read_vocabulary(tmp_path / name)
    with pytest.raises(InputError, match=r"no\.txt"):
        read_vocabulary(tmp_path / "no.txt")


def test_a_word_is_found_as_it_is_written_and_otherwise_only_if_asked() -> None:
    known = ["the", "Paris", "paris", "élan", "US", "us"]
    words = [None, "The", "Paris", "ELAN", "us", "PARIS", "none"]
    assert match(words, known).tolist() == [-1, -1, 1, -1, 5, -1, -1]
    assert match(words, known, lower=True).tolist() == [-1, 0, 1, -1, 5, 2, -1]
    assert match(words, known, lower=True, strip_accents=True).tolist() == [-1, 0, 1, 3, 5, 2, -1]
    assert better_match(words, known, False, False) == ("--lower --strip-accents", 5)
    assert better_match(words, known, True, False) == ("--strip-accents", 5)
    assert better_match(words, known, True, True) == ("", 0)


def test_rows_that_something_trained_are_told_from_a_fresh_start() -> None:
    keras.utils.set_random_seed(0)
    for initializer in ("uniform", "glorot_uniform", keras.initializers.RandomNormal(stddev=0.3)):
        layer = layers.Embedding(3000, 16, embeddings_initializer=initializer)
        layer.build()
        assert not learned_rows(layer).any()
        rows = rows_of(layer).copy()
        rows[:1500] *= 4
        layer.embeddings.assign(rows)
        learned = learned_rows(layer)
        assert learned[:1500].mean() > 0.97
        assert learned[1500:].mean() < 0.003  # one of 3,000 others is longer than the longest once in two draws


class Tied(layers.Layer):
    """An output of one's own that an Embedding makes in reverse."""

    def __init__(self, words: Any, **settings: Any) -> None:
        super().__init__(**settings)
        self.words = words

    def call(self, x: Any) -> Any:
        return keras.ops.matmul(x, keras.ops.transpose(self.words.embeddings))


def test_rows_that_the_output_shares_are_known() -> None:
    given = keras.Input((3,), dtype="int64")
    words = layers.Embedding(5, 2, name="emb")
    x = words(given)
    tied = keras.Model(given, Tied(words, name="out")(x))
    assert list(embeddings_of(tied)) == ["emb"]
    assert shared_with(tied, words) == ["out"]
    alone = keras.Model(given, layers.Dense(2)(x))
    assert shared_with(alone, words) == []
    outer = keras.Sequential([given, alone])
    assert shared_with(outer, words) == []
    both = layers.ReversibleEmbedding(5, 2, name="both")
    assert shared_with(keras.Model(given, both(both(given), reverse=True)), both) == ["the output, which it makes in reverse"]
