"""What is measured in a trained B, what its units contribute, and whether what is named so matters."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from scipy.sparse import csr_matrix

from kgkt.concepts.cluster import nearest_concept
from kgkt.errors import InputError
from kgkt.transfer.blocks import leaves
from kgkt.transfer.contribution import contributions, silenced
from kgkt.transfer.measure import Measured, correlation, evidence, measure
from kgkt.transfer.outputs import Outputs, probabilities, read_outputs
from kgkt.transfer.trace import concept_parts, explained, find_unit, hidden_layers
from kgkt.transfer.trainer import Trainer


@pytest.fixture(scope="module")
def trained(taught: Any) -> tuple[Any, Measured]:
    """Dense 32 and 16 on the digits, trained on the graph's targets, and what was measured in it."""
    keras.utils.set_random_seed(3)
    model = keras.Sequential([
        keras.Input((64,)), keras.layers.Dense(32, activation="relu", name="one"),
        keras.layers.Dense(16, activation="relu", name="two"), keras.layers.Dense(10, activation="softmax", name="out"),
    ])  # fmt: skip
    Trainer(model).train(taught.x, taught.targets.P, taught.targets.weight, 300, 0)
    return model, measure(model, taught.x, taught.Z)


def test_correlation_is_pearsons(taught: Any) -> None:
    a = np.random.default_rng(0).normal(size=(len(taught.x), 4)) + [0, 1e4, 0, 0]
    a[:, 3] = 2.0
    got = correlation(taught.Z, a)
    want = np.corrcoef(taught.Z.toarray().T, a[:, :3].T)[:60, 60:]
    np.testing.assert_allclose(got[:, :3], want, atol=1e-5)
    np.testing.assert_array_equal(got[:, 3], 0)


def test_a_measurement_holds_what_every_unit_does_on_the_pool(trained: Any, taught: Any) -> None:
    model, found = trained
    assert {path: (layer.kind, layer.correlation.shape) for path, layer in found.layers.items()} == {
        "one": ("unit", (60, 32)), "two": ("unit", (60, 16)), "out": ("head", (60, 10))}
    a = keras.Model(model.inputs[0], model.get_layer("two").output)(taught.x).numpy().astype(float)
    two, near = found.layers["two"], nearest_concept(taught.Z)
    np.testing.assert_allclose(two.correlation, correlation(taught.Z, a), atol=1e-5)
    np.testing.assert_allclose(two.mean, a.mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(two.deviation, a.std(axis=0), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(two.means[7], a[near == 7].mean(axis=0), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(two.top_values[3], np.sort(a[:, 3])[::-1][:8], rtol=1e-5)
    np.testing.assert_allclose(a[two.top[3], 3], two.top_values[3], rtol=1e-5)
    P = model(taught.x).numpy()
    np.testing.assert_array_equal(found.answers, P.argmax(axis=1))
    np.testing.assert_allclose(found.sure, P.max(axis=1), rtol=1e-5)
    assert found.notices == ()


def test_filters_and_shared_layers_are_measured_in_the_mean(cnn: Any, taught: Any) -> None:
    found = measure(cnn, taught.x, taught.Z)
    maps = keras.Model(cnn.inputs[0], cnn.get_layer("conv").output)(taught.x).numpy().mean(axis=(1, 2))
    np.testing.assert_allclose(found.layers["conv"].mean, maps.mean(axis=0), rtol=1e-4)
    np.testing.assert_allclose(found.layers["conv"].correlation, correlation(taught.Z, maps), atol=1e-4)
    image, shared = keras.Input((64,)), keras.layers.Dense(64, name="shared")
    first = shared(image)
    second = shared(first)
    model = keras.Model(image, keras.layers.Dense(10, name="out")(second))
    found = measure(model, taught.x, taught.Z)
    assert found.notices == ("shared is shared, called 2 times: its units were measured in the mean over these",)
    a = np.mean(keras.Model(image, [first, second])(taught.x), axis=0)
    np.testing.assert_allclose(found.layers["shared"].mean, a.mean(axis=0), atol=1e-5)


def test_what_cannot_be_read_unit_by_unit_is_said(taught: Any) -> None:
    words = keras.Input((64,), dtype="int32")
    x = keras.layers.GlobalAveragePooling1D()(keras.layers.Embedding(20, 4, name="words")(words))
    model = keras.Model(words, keras.layers.Dense(10, activation="softmax", name="out")(x))
    found = measure(model, (taught.x * 16).astype(int), taught.Z)
    assert list(found.layers) == ["out"]
    assert found.notices[0].startswith("words was not measured: its blocks are rows, which have no outputs")
    with pytest.raises(InputError, match="words was not measured"):
        find_unit("words:3", found, ())


def test_contributions_before_the_head_are_the_difference_from_the_average_times_the_weight(trained: Any, taught: Any) -> None:
    model, found = trained
    rows, outputs = np.arange(50), read_outputs(model)
    answers, mean = found.answers[:50], found.layers["two"].mean
    given, slopes, said = contributions(model, model.get_layer("two"), taught.x, rows, answers, mean, outputs)
    a = keras.Model(model.inputs[0], model.get_layer("two").output)(taught.x[:50]).numpy()
    W = model.get_layer("out").kernel.numpy()
    centred = (W - W.mean(axis=1, keepdims=True))[:, answers].T
    np.testing.assert_allclose(given, (a - mean) * centred, atol=2e-4)
    np.testing.assert_allclose(slopes, centred, atol=2e-4)
    z = np.log(model(taught.x[:50]).numpy())
    np.testing.assert_allclose(said, z[rows, answers] - z.mean(axis=1), rtol=1e-4)


@pytest.mark.parametrize("path", ["one", "conv"])
def test_contributions_of_deeper_layers_sum_to_what_the_layer_tells(path: str, trained: Any, cnn: Any, taught: Any) -> None:
    model, found = trained if path == "one" else (cnn, measure(cnn, taught.x, taught.Z))
    rows, layer, outputs = np.arange(100), dict(leaves(model))[path], read_outputs(model)
    mean, answers = found.layers[path].mean, found.answers[:100]
    given, _, said = contributions(model, layer, taught.x, rows, answers, mean, outputs)
    plain = silenced(model, layer, taught.x, rows, np.arange(len(mean)), mean)
    apart = said - evidence(outputs, plain, answers).numpy()
    error = np.abs(given.sum(axis=1) - apart)
    assert error.mean() < 0.05 * np.abs(apart).mean()
    assert error.max() < 0.25 * np.abs(apart).mean()


def test_evidence_of_sigmoids_is_the_logit() -> None:
    z = np.array([[2.0, -1.0, 0.5]], np.float32)
    p = 1 / (1 + np.exp(-z))
    assert evidence(Outputs(3, False, True), p, [0]).numpy() == pytest.approx([2.0], rel=1e-5)
    assert evidence(Outputs(3, True, True), z, [1]).numpy() == pytest.approx([-1.0])
    for label, wanted in ((0, -2.0), (1, 2.0)):
        assert evidence(Outputs(1, False, True), p[:, :1], [label]).numpy() == pytest.approx([wanted], rel=1e-5)
    assert evidence(Outputs(3, True, False), z, [0]).numpy() == pytest.approx([1.5])


def test_the_units_that_a_concept_reaches_most_are_those_that_its_items_need(trained: Any, taught: Any) -> None:
    model, found = trained
    layer, measured, near = model.get_layer("one"), found.layers["one"], nearest_concept(taught.Z)
    right, rng, outputs = found.answers == taught.y, np.random.default_rng(0), read_outputs(model)
    lost: dict[str, list[float]] = {"measured": [], "others": [], "random": []}
    for c in [c for c in range(60) if (near == c).sum() >= 3]:
        rows = np.flatnonzero(near == c)
        named = np.argsort(-measured.correlation[c])[:4]
        left = np.where(np.isin(np.arange(32), named), -np.inf, measured.means[c])
        for way, units in (("measured", named), ("others", np.argsort(-left)[:4]), ("random", rng.choice(32, 4, replace=False))):
            now = probabilities(outputs, silenced(model, layer, taught.x, rows, units)).numpy().argmax(axis=1)
            lost[way].append(right[rows].mean() - (now == taught.y[rows]).mean())
    mean = {way: np.mean(found) for way, found in lost.items()}
    assert mean["measured"] > mean["others"] + 0.1
    assert mean["measured"] > mean["random"] + 0.1


def test_what_comes_through_concepts_is_what_their_items_have_in_common(trained: Any, taught: Any) -> None:
    model, found = trained
    layer = found.layers["two"]
    _, slopes, _ = contributions(model, model.get_layer("two"), taught.x, np.array([5]), found.answers[5:6], layer.mean,
                                 read_outputs(model))  # fmt: skip
    parts = concept_parts(layer, taught.Z[5], slopes[0])
    z = taught.Z[5].toarray()[0]
    np.testing.assert_allclose(parts.sum(axis=0), z @ (layer.means - layer.mean) * slopes[0], atol=1e-5)


def test_the_share_that_concepts_explain() -> None:
    Z = csr_matrix(np.eye(2)[[0, 0, 1, 1]])
    a = np.array([[0.0, 1.0, 5.0], [0.0, 3.0, 5.0], [2.0, 1.0, 5.0], [2.0, 3.0, 5.0]])
    from kgkt.transfer.measure import _Sums

    sums = _Sums(3, Z)
    sums.add(np.arange(4), a)
    layer, sizes = sums.result("unit"), np.array([2, 2])
    assert [explained(layer, unit, sizes).tolist() for unit in range(3)] == [[0.5, 0.5], [0.0, 0.0], [0.0, 0.0]]


def test_a_unit_that_is_not_there(trained: Any) -> None:
    _, found = trained
    assert find_unit("two:15", found, ("3",)) == ("two", 15)
    assert hidden_layers(found) == ["one", "two"]
    for what, said in (("two:16", r"no unit '16' in two: it has 16, two:0 to two:15"), ("two:x", "no unit 'x' in two"),
                       ("two", r"which unit of two\?: it has 16"), ("tow:1", r"no layer 'tow' .*did you mean two"),
                       ("ou", r"no class and no layer 'ou'; did you mean out\?")):
        with pytest.raises(InputError, match=said):
            find_unit(what, found, ("3", "cat"))
