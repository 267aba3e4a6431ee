"""What fuse --method rows says of words that were not found, and of lengths."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import keras
import numpy as np
import pytest

from kgkt.recipe import Recipe, Target
from kgkt.transfer.words.vocabulary import vocabulary_of
from kgkt.verbs.check import check
from kgkt.verbs.row_notices import notices_of_rows

FRENCH = ["de", "les", "et", "des", "la", "le", "une", "pour", "du", "que", "au", "son", "sur", "fin", "or"]
ENGLISH = ["the", "son", "fin", "or", "of"]


def b_of(words: list[str]) -> tuple[Any, Any]:
    """A B that numbers words, and its Embedding."""
    layers = keras.layers
    texts = layers.TextVectorization(output_sequence_length=4, standardize=None, name="texts")
    texts.set_vocabulary(words)
    text = keras.Input((1,), dtype="string")
    model = keras.Model(text, layers.Embedding(len(words) + 2, 8, name="emb")(texts(text)))
    return model, model.get_layer("emb")


def said(found: int, not_found: list[str], norm: str | None = None, a: float = 5.0, **more: Any) -> str:
    """The notices on a B of French words, of which so many are in A."""
    model, layer = b_of(FRENCH)
    figures = {"words": len(FRENCH), "in_a": found, "covered": found, "filled": 0, "trained": 0, "cut_by": "",
               "not_found": not_found, "length": 3.0, "length_alone": 0.23} | more  # fmt: skip
    words: Any = SimpleNamespace(vectors=np.full((3, 4), a / 2), learned=np.zeros(3, bool))
    space: Any = SimpleNamespace(norm=0.23, learned=more.get("learned"))
    target = Target(row_norm=norm)
    return "\n".join(notices_of_rows(target, model, layer, vocabulary_of(model), ENGLISH, words, space, figures))


def test_words_not_found_are_named_and_the_language_is_asked() -> None:
    few = said(3, FRENCH[:11])
    assert few.startswith("20 % of B's words are in this graph. Not found, in B's order: 'de', 'les', 'et', 'des', "
                          "'la', 'le', 'une', 'pour', 'du', 'que'. Is A of the language of B's texts?")  # fmt: skip
    cut = said(3, FRENCH[:11], cut_by="--most-frequent 700")
    assert "'que'. It was cut by --most-frequent 700: a larger one may have more of them" in cut
    assert "language" not in cut
    half = said(6, FRENCH[:9])
    assert "40 % of B's words are in this graph. Not found, in B's order: 'de'" in half
    assert "language" not in half
    assert "Not found" not in said(12, FRENCH[:3])


def test_words_are_plain_text_and_rows_left_alone_are_measured() -> None:
    found = vocabulary_of(b_of(FRENCH)[0])
    assert {type(word) for word in found.words[2:]} == {str}
    assert ("12 rows of words left alone in emb: mean length 0.23, of those written 3. Where B adds up its words, the "
            "longer written ones count more") in said(3, FRENCH)  # fmt: skip
    assert "left alone" not in said(3, FRENCH, length=0.3)
    assert "left alone" not in said(3, FRENCH, length_alone=None)


@pytest.mark.parametrize(("norm", "a", "shown"), [
    (None, 5.0, "rows stay 0.23 long in the mean, A's vectors are 5: try --row-norm 1, 3 and 5 on texts held out"),
    ("keep", 1.0, "try --row-norm 1 and 3 on"), (None, 0.5, ""), ("2", 5.0, ""),
])
def test_longer_rows_are_proposed(norm: str | None, a: float, shown: str) -> None:
    notices = said(12, [], norm, a)
    assert (shown in notices) if shown else ("--row-norm" not in notices)


def test_check_says_that_rows_do_without_a_view_of_the_pool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    layers = keras.layers
    inputs = [keras.Input((4,), dtype="int64", name=name) for name in ("source", "target")]
    parts = [layers.Flatten()(layers.Embedding(9, 2)(inputs[0])), layers.Rescaling(1.0)(inputs[1])]
    keras.Model(inputs, layers.Dense(2)(layers.Concatenate()(parts))).save("b.keras")
    asked = check(Recipe(target=Target(model="b.keras")))
    assert len(asked.problems) == 1
    assert "an array for each (fuse --method rows does without)" in asked.problems[0]
    assert check(Recipe(target=Target(model="b.keras", method="rows"))).problems == []


@pytest.mark.parametrize(("gain", "heard"), [(0.2, False), (0.01, True), (-0.3, True)])
def test_rows_that_gain_nothing_on_the_texts_that_chose_their_length_are_told(gain: float, heard: bool) -> None:
    tried = [{"norm": None, "loss": 1.0, "accuracy": 0.5, "gain": 0.0, "error": 0.0},
             {"norm": 3.0, "loss": 1.0 - gain, "accuracy": 0.6, "gain": gain, "error": 0.05}]  # fmt: skip
    notices = said(12, FRENCH[:3], norm="tuned", tried=tried, length_chosen=3.0)
    assert ("rows from A gain B nothing on these texts" in notices) is heard
    assert "try --row-norm" not in notices
