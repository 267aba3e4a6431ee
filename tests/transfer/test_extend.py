"""Rows of unseen words: which way foretells them, how sure is sure enough, and a B that holds them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kgkt.errors import InputError
from kgkt.source.quiet import keras as import_keras
from kgkt.transfer.outputs import read_outputs
from kgkt.transfer.words.confidence import cautious, nearest_known, tune
from kgkt.transfer.words.extend import Pairs, choose_way, foretell
from kgkt.transfer.words.longer import check_alone, largest_difference, lengthen, reads_as_one
from kgkt.transfer.words.order import doubt_order

WORDS = [f"w{i:03d}" for i in range(240)]
KNOWN = 160  # of these words B knows the first ones


def world(noise: float = 0.1) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A's vectors (240, 10), B's rows (240, 6) that follow from them but for noise, and concepts (240,)."""
    rng = np.random.default_rng(0)
    concepts = np.arange(len(WORDS)) % 12
    vectors = rng.standard_normal((12, 10))[concepts] + 0.3 * rng.standard_normal((len(WORDS), 10))
    rows = vectors @ rng.standard_normal((10, 6)) / 3 + noise * rng.standard_normal((len(WORDS), 6))
    return vectors.astype(np.float32), rows.astype(np.float32), concepts


def known_pairs(noise: float = 0.1) -> Pairs:
    vectors, rows, concepts = world(noise)
    return Pairs(vectors[:KNOWN], concepts[:KNOWN], rows[:KNOWN], np.arange(2, KNOWN + 2), np.zeros(6, np.float32))


def test_a_linear_world_is_foretold_by_ridge_and_controls_explain_nothing() -> None:
    way, tried, held = choose_way(known_pairs())
    assert (way, held) == ("ridge", 32)
    assert tried["ridge"].r2 > 0.9
    assert tried["ridge"].cosine > 0.95
    assert tried["ridge"].r2 > tried["concept"].r2 > 0.5
    assert tried["ridge"].stretch == pytest.approx(1, abs=0.05)
    assert (tried["mean row"].cosine, tried["mean row"].r2) == (0, pytest.approx(0, abs=1e-6))
    assert tried["zeros"].r2 == pytest.approx(tried["unknown's row"].r2)
    vectors, rows, concepts = world()
    said = foretell("ridge", known_pairs(), vectors[KNOWN:], concepts[KNOWN:])
    assert np.linalg.norm(said - rows[KNOWN:]) < 0.3 * np.linalg.norm(rows[KNOWN:])
    long, mean = foretell("ridge", known_pairs(), vectors[KNOWN:], concepts[KNOWN:], 2.0), rows[:KNOWN].mean(axis=0)
    np.testing.assert_allclose(long - mean, 2 * (said - mean), atol=1e-5)


def test_what_is_foretold_of_noisy_rows_is_stretched_to_the_length_of_b_s() -> None:
    way, tried, _ = choose_way(known_pairs(noise=1.0))
    assert tried[way].sure
    assert 1.2 < tried[way].stretch < 4
    assert 0.3 < tried[way].cosine < 0.9


def test_rows_that_have_nothing_to_do_with_a_are_not_sure() -> None:
    pairs = known_pairs()
    shuffled = Pairs(pairs.vectors, pairs.concepts, np.random.default_rng(3).standard_normal((KNOWN, 6)).astype("f"),
                     pairs.places, pairs.unknown)  # fmt: skip
    way, tried, _ = choose_way(shuffled)
    assert not tried[way].sure
    with pytest.raises(InputError, match="the graph has 20 of B's words"):
        choose_way(pairs.part(np.arange(20)))


def test_a_concept_without_a_known_word_gets_the_mean_row() -> None:
    pairs = known_pairs()
    said = foretell("concept", pairs, pairs.vectors[:2], np.array([3, 400]))
    np.testing.assert_allclose(said[0], pairs.rows[pairs.concepts == 3].mean(axis=0), atol=1e-6)
    np.testing.assert_allclose(said[1], pairs.rows.mean(axis=0), atol=1e-6)


def test_confidence_is_the_cosine_to_the_nearest_other_word() -> None:
    vectors = np.array([[1, 0], [0.8, 0.6], [-1, 0.0]], np.float32)
    np.testing.assert_allclose(nearest_known(vectors, vectors), [1, 1, 1], atol=1e-6)
    own = nearest_known(vectors, vectors, themselves=True)
    np.testing.assert_allclose(own, [0.8, 0.8, -0.8], atol=1e-6)
    assert cautious(own) == pytest.approx(-0.48)  # a tenth of the way from the least to the next


def build(**options: Any) -> Any:
    """A B that knows the first words, with rows of the world and a head that reads their first number's sign."""
    keras = import_keras()
    keras.utils.set_random_seed(0)
    words = options.pop("words", WORDS[:KNOWN])
    lookup = keras.layers.TextVectorization(name="read", output_sequence_length=8, **options)
    if lookup.get_config()["vocabulary"] is None:
        lookup.set_vocabulary(words)
    b = keras.Sequential([
        keras.Input((), dtype="string"), lookup, keras.layers.Embedding(KNOWN + 2, 6, mask_zero=True, name="rows"),
        keras.layers.GlobalAveragePooling1D(name="mean"), keras.layers.Dense(1, activation="sigmoid", name="out"),
    ])  # fmt: skip
    rows = world()[1]
    b.get_layer("rows").set_weights([np.concatenate([np.zeros((2, 6)), rows[:KNOWN]])])
    b.get_layer("out").set_weights([8.0 * np.eye(6)[:, :1], np.zeros(1)])
    return b


@pytest.mark.parametrize("how", ["set", "given", "full"])
def test_a_longer_b_reads_known_texts_as_before_and_is_saved(how: str, tmp_path: Path) -> None:
    keras = import_keras()
    b = build(**{"set": {}, "given": {"vocabulary": WORDS[:KNOWN]}, "full": {"max_tokens": KNOWN + 2}}[how])
    lookup, layer = b.get_layer("read"), b.get_layer("rows")
    new = world()[1][KNOWN:]
    made, notices = lengthen(b, "rows", layer, lookup, WORDS[KNOWN:], new)
    assert len(notices) == (1 if how == "full" else 0)
    made.save(tmp_path / "b2.keras")
    made = keras.models.load_model(tmp_path / "b2.keras")
    assert made.get_layer("read").get_vocabulary()[2:] == WORDS
    np.testing.assert_array_equal(made.get_layer("rows").embeddings.numpy()[KNOWN + 2 :], new)
    assert largest_difference(b, made, WORDS[:KNOWN]) == 0
    unseen = np.array([" ".join(WORDS[KNOWN : KNOWN + 8]), "w001 nothing of it"], dtype=object)
    before, after = (np.asarray(model(unseen)).ravel() for model in (b, made))
    assert abs(before[0] - after[0]) > 1e-3
    assert before[1] == after[1]
    assert b.get_layer("read").get_vocabulary()[2:] == WORDS[:KNOWN]


def test_rows_without_a_word_are_taken_first() -> None:
    b = build(words=WORDS[: KNOWN - 30])
    made, notices = lengthen(b, "rows", b.get_layer("rows"), b.get_layer("read"), WORDS[KNOWN : KNOWN + 20],
                             np.ones((20, 6)))  # fmt: skip
    assert "30 rows that no word had" in notices[0]
    rows = made.get_layer("rows").embeddings.numpy()
    assert rows.shape == (KNOWN + 2, 6)
    np.testing.assert_array_equal(rows[KNOWN - 28 : KNOWN - 8], 1)


def test_an_output_for_each_word_is_told_of() -> None:
    keras = import_keras()
    b = build()
    said = keras.layers.Dense(KNOWN + 2, name="next")(b.get_layer("mean").output)
    made, notices = lengthen(keras.Model(b.inputs, said), "rows", b.get_layer("rows"), b.get_layer("read"), ["new"],
                             np.ones((1, 6)))  # fmt: skip
    assert "next has 162 outputs, as many as rows had rows" in notices[0]
    assert made.output_shape == (None, KNOWN + 2)


def test_only_what_b_reads_as_one_word_is_new() -> None:
    b = build()
    said = reads_as_one(b.get_layer("read"), ["plain", "Upper", "don't", "two words", "élan"])
    assert said.tolist() == [True, False, False, False, True]


def test_held_out_texts_choose_the_confidence_and_leave_b_as_it_was() -> None:
    b = build()
    pairs = known_pairs()
    rng = np.random.default_rng(1)
    told = rng.integers(0, KNOWN, (200, 3))
    x = np.array([" ".join(WORDS[i] for i in text) for text in told], dtype=object)
    y = (world()[1][told, 0].mean(axis=1) > 0).astype(int)
    before = b.get_layer("rows").embeddings.numpy()
    tuned = tune(b, read_outputs(b), b.get_layer("rows").embeddings, pairs, "ridge", 1.2, x, y)
    np.testing.assert_array_equal(b.get_layer("rows").embeddings.numpy(), before)
    none, every = tuned.tried[:2]
    assert [one.stretch for one in tuned.tried] == [1.0] * 7 + [1.2] * 6
    assert (none.quantile, none.share, every.share) == (None, 0, pytest.approx(1, abs=0.05))
    assert every.loss < none.loss - 0.02
    assert every.gain > 2 * every.error
    assert tuned.known[0] < every.loss
    assert tuned.confidence < np.inf
    assert tuned.texts == 200
    wrong = tune(b, read_outputs(b), b.get_layer("rows").embeddings, pairs, "zeros", 1.0, x, y)
    assert wrong.confidence == np.inf  # unknown's row is zeros here: nothing is gained
    with pytest.raises(InputError, match="none of the texts"):
        tune(b, read_outputs(b), b.get_layer("rows").embeddings, pairs, "ridge", 1.0, np.array(["no"], object), y[:1])


def answered(said: np.ndarray, c: int = 4) -> np.ndarray:
    """(n, c) probabilities of a B that says 0.7 of one class."""
    P = np.full((len(said), c), 0.3 / (c - 1))
    P[np.arange(len(said)), said] = 0.7
    return P


def test_an_order_of_classes_that_b_s_answers_speak_against_is_doubted() -> None:
    rng = np.random.default_rng(0)
    y = rng.integers(0, 4, 400)
    P = answered(np.where(rng.random(400) < 0.7, y, rng.integers(0, 4, 400)))
    assert doubt_order(P, y) == ("", None)
    taken = np.array([1, 2, 3, 0])  # output i is of this class
    why, best = doubt_order(P, taken[y])
    assert "is no better than chance (8.8 %" in why
    assert best is not None
    assert best.tolist() == taken.tolist()
    swapped, rare = np.array([0, 1, 3, 2]), rng.choice(4, 400, p=[0.4, 0.4, 0.1, 0.1])
    why, best = doubt_order(answered(rare), swapped[rare])
    assert why.startswith("is right less often than in another order (78.8 %")
    assert best is not None
    assert best.tolist() == swapped.tolist()
    why, best = doubt_order(answered(rng.integers(0, 4, 400)), y)
    assert ("no better than chance" in why, best) == (True, None)


def test_rows_that_are_used_twice_are_refused() -> None:
    keras = import_keras()
    b = build()
    layers = keras.layers
    text = keras.Input((), dtype="string")
    ids = b.get_layer("read")(text)
    other = layers.Embedding(KNOWN + 2, 3, name="other")(ids)
    rows = b.get_layer("rows")
    two = keras.Model(text, layers.Concatenate()([rows(ids), other]))
    with pytest.raises(InputError, match="goes into other as well as into rows"):
        check_alone(two, "rows", rows, b.get_layer("read"), "two.keras")

    class Tied(layers.Layer):
        def __init__(self, rows: Any) -> None:
            super().__init__(name="back")
            self.rows = rows

        def call(self, x: Any) -> Any:
            return keras.ops.matmul(x, keras.ops.transpose(self.rows.embeddings))

    tied = keras.Model(text, Tied(rows)(layers.GlobalAveragePooling1D()(rows(ids))))
    with pytest.raises(InputError, match="shares its rows with back"):
        check_alone(tied, "rows", rows, b.get_layer("read"), "tied.keras")
