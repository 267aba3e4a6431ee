"""A B that reads strings: what it is told apart from, how it is taught, and that it opens again as it was."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kgkt.errors import InputError
from kgkt.source.models import inspect_model, open_model
from kgkt.source.quiet import keras as import_keras
from kgkt.transfer.blocks import check_target
from kgkt.transfer.taps import tapped
from kgkt.transfer.trainer import Trainer
from tests.texts import NAMES, Phrases, string_b

keras = import_keras()
SHAPES = [(), (1,)]


@pytest.fixture(params=SHAPES, ids=str)
def b(request, phrases: Phrases) -> Any:
    """A bag of words (items of shape ()) or word vectors (items of shape (1,)), untrained."""
    return string_b(phrases, request.param)


def test_texts_teach_it_and_a_reset_gives_the_same_again(b: Any, phrases: Phrases) -> None:
    x = np.array(phrases.pool, object)
    y = np.array([NAMES.index(name) for name in phrases.pool_y])
    test, test_y = np.array(phrases.test, object), np.array([NAMES.index(name) for name in phrases.test_y])
    trainer = Trainer(b, learning_rate=0.01)
    before = trainer.predict(test)
    first = trainer.train(x, np.eye(3)[y], np.ones(240), 60, seed=0, held_out=np.arange(24))
    assert trainer.accuracy(test, test_y) > 0.95
    trainer.reset()
    np.testing.assert_array_equal(trainer.predict(test), before)
    again = trainer.train(x, np.eye(3)[y], np.ones(240), 60, seed=0, held_out=np.arange(24))
    assert first["loss"] == again["loss"]


def test_what_flows_into_a_layer_is_the_words(phrases: Phrases) -> None:
    model = string_b(phrases, ())
    (calls,) = tapped(model, model.get_layer("hidden"), np.array(phrases.pool, object), np.arange(5), side="input")
    words = model.get_layer("words").get_vocabulary()
    for row, text in zip(calls[0], phrases.pool[:5], strict=True):
        assert {words[i] for i in np.flatnonzero(row)} == set(text.split())


def test_saved_it_keeps_its_words_and_says_that_it_reads_text(b: Any, phrases: Phrases, tmp_path: Path) -> None:
    b.save(tmp_path / "b.keras")
    info = inspect_model(tmp_path / "b.keras")
    assert (info.reads_text, info.outputs) == (True, 3)
    opened = open_model(tmp_path / "b.keras")
    x = np.array(phrases.test, object)
    np.testing.assert_allclose(Trainer(opened).predict(x), Trainer(b).predict(x), atol=1e-6)


def test_texts_and_numbers_are_told_apart(b: Any) -> None:
    check_target(b, NAMES, (), text=True)
    with pytest.raises(InputError, match=r"b\.keras reads texts, the data has numbers\.\nGive B data of that kind"):
        check_target(b, NAMES, (64,), file="b.keras")
    numbers = keras.Sequential([keras.Input((64,)), keras.layers.Dense(3)])
    with pytest.raises(InputError, match=r"reads items of shape \(64\), the data has texts\.\nGive B data of that kind"):
        check_target(numbers, NAMES, (), text=True)
    two = keras.Sequential([keras.Input((2,), dtype="string"), keras.layers.StringLookup(vocabulary=["a"]),
                            keras.layers.Embedding(2, 4), keras.layers.Flatten(), keras.layers.Dense(3)])
    with pytest.raises(InputError, match=r"reads \(2\) texts for an item, the data has one: build B with keras.Input"):
        check_target(two, NAMES, (), text=True)
