"""A's own answer for B's classes, whatever head it ends in."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from kgkt.errors import InputError
from kgkt.recipe import Recipe, SourceSettings
from kgkt.rundir.task import own_answer
from kgkt.source.inputs import Data, read_data
from kgkt.source.quiet import keras as import_keras

NAMES = ("cat", "dog")


@pytest.fixture(scope="module")
def data(pool_npz: Path) -> Data:
    return read_data(pool_npz)


def source(
    tmp_path: Path, units: int, last: str | None, classes: tuple[str, ...] = NAMES, dtype: str = "float32"
) -> Recipe:
    """A recipe whose A, 64 pixels to 8 units, ends in `units` of the activation `last`; the same weights each time."""
    keras = import_keras()
    keras.utils.set_random_seed(0)
    own = {"dtype": dtype}
    model = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Flatten(**own),
                              keras.layers.Dense(8, "tanh", **own),
                              keras.layers.Dense(units, last, name="out", **own)])  # fmt: skip
    model.save(tmp_path / "a.keras")
    return Recipe(source=SourceSettings(model=str(tmp_path / "a.keras"), classes=classes))


@pytest.mark.parametrize("dtype", ["float32", "mixed_float16", "mixed_bfloat16"])
def test_one_output_of_a_answers_for_both_classes_in_the_order_of_b(tmp_path: Path, data: Data, dtype: str) -> None:
    keras = import_keras()
    recipe = source(tmp_path, 1, "sigmoid", dtype=dtype)
    second = np.asarray(keras.saving.load_model(tmp_path / "a.keras").predict(data.x, verbose=0), np.float64)[:, 0]
    P = own_answer(recipe, data, NAMES)
    assert P is not None
    np.testing.assert_allclose(P, np.stack([1 - second, second], axis=1), atol=1e-2 if "bf" in dtype else 2e-3)
    np.testing.assert_allclose(P.sum(axis=1), 1, atol=1e-12)
    turned = own_answer(recipe, data, ("dog", "cat"))
    assert turned is not None
    np.testing.assert_array_equal(turned, P[:, ::-1])


def test_a_logit_and_sigmoids_answer_in_probabilities(tmp_path: Path, data: Data) -> None:
    sigmoid = own_answer(source(tmp_path, 1, "sigmoid"), data, NAMES)
    logit = own_answer(source(tmp_path, 1, None), data, NAMES)
    assert sigmoid is not None
    assert logit is not None
    np.testing.assert_allclose(logit, sigmoid, atol=1e-6)
    names = ("a", "b", "c")
    recipe = source(tmp_path, 3, "sigmoid", names)
    each = np.asarray(import_keras().saving.load_model(tmp_path / "a.keras").predict(data.x, verbose=0), np.float64)
    got = own_answer(recipe, data, names)
    assert got is not None
    np.testing.assert_allclose(got, each / each.sum(axis=1, keepdims=True), atol=1e-6)


def test_an_a_that_cannot_be_read_or_counts_otherwise_is_refused(tmp_path: Path, data: Data) -> None:
    with pytest.raises(InputError, match=r"A's last layer out ends in tanh: kgkt reads .*\nTake classes out of \[source"):
        own_answer(source(tmp_path, 2, "tanh"), data, NAMES)
    with pytest.raises(InputError, match=r"A has 1 output, \[source\] classes names 3"):
        own_answer(source(tmp_path, 1, "sigmoid", (*NAMES, "owl")), data, NAMES)
