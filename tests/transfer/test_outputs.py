"""Heads that are no softmax over all classes: one output for two classes, sigmoids, and what stands behind a head."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import keras
import numpy as np
import pytest
from scipy.sparse import csr_matrix

from kgkt.errors import InputError
from kgkt.transfer.blocks import head_layer, read_blocks
from kgkt.transfer.fuse import FuseOptions, fuse
from kgkt.transfer.mapper import plan_map
from kgkt.transfer.moments import LAMBDA
from kgkt.transfer.outputs import Outputs, in_words, read_outputs
from kgkt.transfer.trainer import Trainer
from kgkt.transfer.write import HEAD_GAIN, Origin, against_first, edited_targets, write_layer
from kgkt.values import BlockMap, Fusion, Targets

layers, dense = keras.layers, keras.layers.Dense
SOFTMAX, LOGITS = Outputs(3, False, False), Outputs(3, True, False)
SIGMOIDS, ONE, LOGIT = Outputs(3, False, True), Outputs(1, False, True), Outputs(1, True, True)


def model_of(*last: Any) -> Any:
    return keras.Sequential([keras.Input((4,)), dense(6, name="hidden"), *last])


def of_tensor(last: Any) -> Any:
    image = keras.Input((4,))
    return keras.Model(image, last(dense(6, name="hidden")(image)))


HEADS: dict[str, tuple[Any, Outputs, str | None]] = {
    "softmax": (lambda: model_of(dense(3, "softmax", name="out")), SOFTMAX, "out"),
    "linear": (lambda: model_of(dense(3, name="out")), LOGITS, "out"),
    "Softmax layer": (lambda: model_of(dense(3, name="out"), layers.Softmax()), SOFTMAX, "out"),
    "Softmax over axis 1 of 2": (lambda: model_of(dense(3, name="out"), layers.Softmax(axis=1)), SOFTMAX, "out"),
    "Activation": (lambda: model_of(dense(3, name="out"), layers.Activation("softmax")), SOFTMAX, "out"),
    "two of softmax": (lambda: model_of(dense(2, "softmax", name="out")), Outputs(2, False, False), "out"),
    "one sigmoid": (lambda: model_of(dense(1, "sigmoid", name="out")), ONE, "out"),
    "one, Activation": (lambda: model_of(dense(1, name="out"), layers.Activation("sigmoid")), ONE, "out"),
    "one logit": (lambda: model_of(dense(1, name="out")), LOGIT, "out"),
    "sigmoids": (lambda: model_of(dense(3, "sigmoid", name="out")), SIGMOIDS, "out"),
    "cast to single": (
        lambda: model_of(dense(3, "softmax", name="out"), layers.Activation("linear", dtype="float32")), SOFTMAX, "out"),
    "dropout behind": (lambda: model_of(dense(1, "sigmoid", name="out"), layers.Dropout(0.1)), ONE, "out"),
    "temperature": (lambda: model_of(dense(3, name="out"), layers.Rescaling(0.5)), LOGITS, "out"),
    "temperature, softmax": (
        lambda: model_of(dense(3, name="out"), layers.Rescaling(0.5), layers.Softmax()), SOFTMAX, "out"),
    "flattened": (
        lambda: model_of(layers.Reshape((1, 6)), dense(3, "softmax", name="out"), layers.Flatten()), SOFTMAX, "out"),
    "nested": (
        lambda: model_of(keras.Sequential([keras.Input((6,)), dense(1, "sigmoid", name="out")], name="in")), ONE,
        "in/out"),
    "ops.softmax": (lambda: of_tensor(lambda h: keras.ops.softmax(dense(3, name="out")(h))), SOFTMAX, "out"),
    "ops.sigmoid": (lambda: of_tensor(lambda h: keras.ops.sigmoid(dense(1, name="out")(h))), ONE, "out"),
    "convolution": (
        lambda: model_of(layers.Reshape((1, 1, 6)), layers.Conv2D(3, 1, activation="softmax"), layers.Flatten()),
        SOFTMAX, None),
}  # fmt: skip


@pytest.mark.parametrize("name", HEADS)
def test_outputs_and_head_are_read_from_the_last_layers(name: str) -> None:
    build, outputs, head = HEADS[name]
    model = build()
    found = head_layer(model)
    assert read_outputs(model) == outputs
    assert (None if found is None else found[0]) == head
    if head:
        assert read_blocks(model)[head][0].kind == "head"


@pytest.mark.parametrize(
    ("last", "named"),
    [
        ([dense(1, "hard_sigmoid", name="out")], "out ends in hard_sigmoid"),
        ([dense(3, "tanh", name="out")], "out ends in tanh"),
        ([dense(3), layers.Softmax(axis=0, name="out")], "out ends in softmax over axis 0"),
        ([dense(3, activation=layers.LeakyReLU(), name="out")], "out ends in LeakyReLU"),
        ([dense(1, "sigmoid"), layers.Rescaling(2.0, -1.0, name="wide")], "wide ends in Rescaling"),
        ([dense(3), layers.Rescaling(-1.0, name="minus")], "minus ends in Rescaling"),
        ([dense(3), layers.BatchNormalization(name="norm")], "norm ends in BatchNormalization"),
        ([dense(6), layers.Reshape((2, 3)), layers.Softmax(), layers.Flatten(name="flat")], "flat ends in Flatten"),
    ],
)
def test_other_ends_need_the_users_word(last: list[Any], named: str) -> None:
    model = model_of(*last)
    with pytest.raises(InputError, match=rf"B's last layer {named}: kgkt reads.*\n.*--from-logits.*end B in one of"):
        read_outputs(model)
    units = model.output_shape[1]
    assert read_outputs(model, from_logits=True) == Outputs(units, True, units == 1)
    assert read_outputs(model, from_logits=False) == Outputs(units, False, units == 1)


def test_a_softmax_over_one_output_and_a_word_against_the_layer_are_refused() -> None:
    with pytest.raises(InputError, match=r"out ends in softmax over one output, which is always 1.\nEnd it in sigmoid"):
        read_outputs(model_of(dense(1, "softmax", name="out")))
    with pytest.raises(InputError, match=r"ends in sigmoid, so its outputs are probabilities, and from_logits is true"):
        read_outputs(model_of(dense(1, "sigmoid")), from_logits=True)
    with pytest.raises(InputError, match=r"ends in linear, so its outputs are logits, and from_logits is false: leave"):
        read_outputs(model_of(dense(3)), from_logits=False)
    assert read_outputs(model_of(dense(3)), from_logits=True) == LOGITS
    with pytest.raises(InputError, match=r"B gives outputs of shape \(4, 6\) for an item; kgkt reads classifiers"):
        read_outputs(model_of(layers.RepeatVector(4)))


def test_what_a_user_of_softmax_would_not_expect_is_said() -> None:
    names = ("cat", "dog")
    assert in_words(ONE, names, "b.keras") == (
        "b.keras has one output: the probability of 'dog' (the second class) against 'cat'")
    assert in_words(LOGIT, names) == "B has one output: the logit of 'dog' (the second class) against 'cat'"
    assert in_words(SIGMOIDS, ("a", "b", "c")).startswith("B ends in sigmoid: each of its 3 outputs is taught its own")
    assert in_words(SOFTMAX, ("a", "b", "c")) == in_words(LOGITS, ("a", "b", "c")) == ""


@pytest.mark.parametrize(("last", "units"), [("sigmoid", 1), ("linear", 1), ("sigmoid", 10)])
def test_a_step_is_the_step_of_keras_own_binary_cross_entropy(
    mlp: Any, taught: Any, two: Any, last: str, units: int
) -> None:
    data = two if units == 1 else taught
    theirs, ours = mlp(last, units=units), mlp(last, units=units)
    rows = np.random.default_rng(7).permutation(600)[:64]
    theirs.compile(keras.optimizers.Adam(1e-3), keras.losses.BinaryCrossentropy(from_logits=last == "linear"))
    loss = theirs.train_on_batch(data.x[rows], data.targets.P[rows][:, -units:])
    trainer = Trainer(ours)
    history = trainer.train(data.x, data.targets.P, np.ones(600), 1, seed=7)
    assert history["loss"][0] == pytest.approx(float(loss), rel=1e-5)
    for a, b in zip(theirs.get_weights(), ours.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)
    want = theirs.evaluate(data.x, data.targets.P[:, -units:], batch_size=600, verbose=0)
    assert trainer.losses(data.x, data.targets.P, np.arange(600)).mean() == pytest.approx(want, rel=1e-4)


def test_one_output_is_predicted_as_two_classes(mlp: Any, two: Any) -> None:
    model = mlp("sigmoid", units=1)
    P = Trainer(model).predict(two.x)
    second = model.predict(two.x, verbose=0)[:, 0]
    np.testing.assert_allclose(P, np.stack([1 - second, second], axis=1), atol=1e-6)
    logit = mlp("linear", units=1)
    np.testing.assert_allclose(Trainer(logit).predict(two.x), P, atol=1e-6)
    assert Trainer(logit).predict(two.x, np.arange(0)).shape == (0, 2)


def mapped(model: Any, data: Any) -> dict[str, Any]:
    block_map = plan_map(read_blocks(model), data.clustering.centroids, data.targets.mass, data.Z, seed=0)
    return {"block_map": block_map, "memberships": data.Z}


def run(model: Any, data: Any, **more: Any) -> Fusion:
    return fuse(model, data.x, data.targets, data.labels, **({"test": data.test} | more))


@pytest.mark.slow
def test_every_head_of_two_classes_learns_as_much_as_a_softmax(mlp: Any, two: Any) -> None:
    def accuracy(last: str, units: int) -> float:
        model = mlp(last, units=units)
        got = run(model, two, **mapped(model, two))
        predicted = model.predict(two.test[0], verbose=0)
        second = predicted[:, 0] > (0 if last == "linear" else 0.5) if units == 1 else predicted.argmax(1) == 1
        assert got.figures["test_fused"] == pytest.approx((second == two.test[1]).mean())
        assert list(got.written) == ["one", "two", "out"]
        assert got.written["out"]["blocks"] == units
        assert got.written["out"]["error"] > 0
        return got.figures["test_fused"]

    softmax = accuracy("softmax", 2)
    assert softmax > 0.8
    for last, units in (("sigmoid", 1), ("linear", 1), ("sigmoid", 2)):
        assert accuracy(last, units) == pytest.approx(softmax, abs=0.03), (last, units)


def test_sigmoids_of_ten_classes_learn_as_much_as_a_softmax(mlp: Any, taught: Any) -> None:
    softmax, sigmoids = mlp(), mlp("sigmoid")
    figures = [run(model, taught, **mapped(model, taught)).figures for model in (softmax, sigmoids)]
    assert figures[0]["test_fused"] > 0.85
    assert figures[1]["test_fused"] == pytest.approx(figures[0]["test_fused"], abs=0.04)
    assert figures[1]["gain"] > 0.03


def test_how_the_outputs_are_read_stands_among_the_notices(mlp: Any, two: Any) -> None:
    got = run(mlp("sigmoid", units=1), two, options=FuseOptions(steps=20), test=None)
    assert got.notices[0] == "B has one output: the probability of 'dog' (the second class) against 'cat'"


def test_the_one_slot_carries_the_second_class(mlp: Any, two: Any, taught: Any) -> None:
    planned = mapped(mlp("sigmoid", units=1), two)["block_map"].planned["out"].toarray()
    mass = two.targets.mass[:, 1:]
    np.testing.assert_array_equal(planned, np.where(mass >= 0.01, mass, 0).astype(np.float32))
    with pytest.raises(InputError, match="head out has 1 slots, the graph has 10 classes"):
        mapped(mlp("sigmoid", units=1), taught)


def write_head(model: Any, data: Any) -> np.ndarray:
    """Write the head alone from what goes into it now, and return its outputs' logits."""
    given = mapped(model, data)
    P = np.asarray(data.targets.P, np.float64)
    origin = Origin(data.x, np.arange(600), given["block_map"], data.Z, (P, P), gain=HEAD_GAIN)
    why = write_layer(model, "out", model.get_layer("out"), origin, read_outputs(model))
    assert why == ""
    out = model.get_layer("out")
    hidden = keras.Model(model.inputs[0], model.get_layer("two").output)(data.x).numpy()
    return hidden @ out.kernel.numpy() + out.bias.numpy()


@pytest.mark.parametrize("units", [1, 10])
def test_the_written_logit_of_a_class_is_a_ridge_that_is_0_where_it_is_as_likely_as_not(
    mlp: Any, taught: Any, two: Any, units: int
) -> None:
    from sklearn.linear_model import Ridge

    model, data = mlp("sigmoid", units=units), two if units == 1 else taught
    logits = write_head(model, data)
    hidden = keras.Model(model.inputs[0], model.get_layer("two").output)(data.x).numpy().astype(np.float64)
    C = np.cov(hidden.T, bias=True)
    ridge = Ridge(alpha=600 * LAMBDA * np.trace(C) / 16).fit(hidden, data.targets.P[:, -units:].astype(np.float64))
    likely = ridge.predict(hidden).reshape(600, -1)
    np.testing.assert_allclose(logits, HEAD_GAIN * (likely - 0.5) / likely.std(axis=0), atol=1e-3)


@pytest.mark.parametrize(("units", "bar"), [(1, 0.75), (10, 0.8)])
def test_written_layers_alone_make_a_usable_b_of_sigmoids(mlp: Any, taught: Any, two: Any, units: int, bar: float) -> None:
    model, data = mlp("sigmoid", units=units), two if units == 1 else taught
    before = Trainer(model).accuracy(data.x, data.y)
    block_map, P = mapped(model, data)["block_map"], np.asarray(data.targets.P, np.float64)
    origin = Origin(data.x, np.arange(600), block_map, data.Z, (P, P), gain=HEAD_GAIN)
    for path in block_map.blocks:
        write_layer(model, path, model.get_layer(path), origin, read_outputs(model))
    assert before < 0.6
    assert Trainer(model).accuracy(data.x, data.y) > bar


def test_a_rescaling_behind_the_head_is_undone_in_what_is_written(mlp: Any, taught: Any) -> None:
    model = mlp("linear", after=(keras.layers.Rescaling(0.25),))
    write_head(model, taught)
    np.testing.assert_allclose(model(taught.x).numpy().std(axis=0), HEAD_GAIN, rtol=1e-3)


def edited(given: dict[str, Any], change: Any) -> dict[str, Any]:
    block_map: BlockMap = given["block_map"]
    strength = change(block_map.planned["out"].toarray())
    return given | {"block_map": replace(block_map, strength=block_map.strength | {"out": csr_matrix(strength)})}


@pytest.mark.slow
def test_an_edited_strength_of_the_one_slot_decides_between_the_classes(mlp: Any, two: Any) -> None:
    def seconds(change: Any) -> np.ndarray:
        model = mlp("sigmoid", units=1)
        run(model, two, test=None, **edited(mapped(model, two), change))
        return model.predict(two.x, verbose=0)[:, 0] > 0.5

    def of(leaning: np.ndarray) -> np.ndarray:
        return (np.asarray(two.Z[:, leaning].sum(axis=1)).ravel() > 0.6) & ~np.isin(np.arange(600), two.labels.items)

    planned = mapped(mlp("sigmoid", units=1), two)["block_map"].planned["out"].toarray()[:, 0]
    dogs = planned > 0.5
    items, others = of(dogs), of(~dogs)
    assert items.sum() > 150
    as_planned = seconds(lambda s: s)
    assert as_planned[items].mean() > 0.9
    assert seconds(lambda s: np.where(s > 0.5, 0.0, s))[items].mean() < 0.2
    assert as_planned[others].mean() < 0.2
    assert seconds(lambda s: np.ones_like(s))[others].mean() > 0.8


def test_the_strength_of_the_one_slot_is_the_share_of_the_second_class() -> None:
    P = np.array([[0.1, 0.9], [0.6, 0.4], [0.0, 1.0], [1.0, 0.0]], "f4")
    targets = Targets(P, np.ones(4, "f4"), np.zeros((4, 2)), ("cat", "dog"), 0.95, "x")
    planned = csr_matrix(P[:, 1:])
    Z = csr_matrix(np.eye(4))

    def after(*strength: float) -> Targets:
        column = csr_matrix(np.array(strength, "f4")[:, None])
        return edited_targets(targets, Z, against_first(planned), against_first(column))

    assert after(*P[:, 1]) is targets
    np.testing.assert_allclose(after(0, 0, 0, 0).P, [[1, 0]] * 4)
    np.testing.assert_allclose(after(1, 1, 1, 1).P, [[0, 1]] * 4)
    np.testing.assert_allclose(after(0.5, 0.5, 0.5, 0.5).P, np.full((4, 2), 0.5), atol=1e-6)
    halved = after(0.45, 0.4, 1, 0)
    np.testing.assert_allclose(halved.P[0], [0.55, 0.45], atol=1e-6)
    np.testing.assert_array_equal(halved.P[1:], P[1:])
    np.testing.assert_array_equal(after(7, 0.4, 1, 0).P[0], [0, 1])
    np.testing.assert_array_equal(after(0, 0, 0, 0).weight, 1)
