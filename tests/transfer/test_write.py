from __future__ import annotations

from dataclasses import replace
from typing import Any

import keras
import numpy as np
import pytest
from scipy.sparse import csr_matrix

from kgkt.transfer.blocks import read_blocks
from kgkt.transfer.mapper import plan_map
from kgkt.transfer.moments import LAMBDA, Moments
from kgkt.transfer.outputs import read_outputs
from kgkt.transfer.write import TAUGHT_GAIN, Origin, edited_targets, training_targets, write_layer
from kgkt.values import BlockMap, Labels, Targets


def moments(H: np.ndarray, T: np.ndarray, planned: np.ndarray | None = None, batch: int = 50) -> Moments:
    m = Moments(H.shape[1], T.shape[1])
    for i in range(0, len(H), batch):
        m.add(H[i : i + batch], T[i : i + batch], (T if planned is None else planned)[i : i + batch])
    return m


def with_strength(block_map: BlockMap, layer: str, change: Any) -> BlockMap:
    dense = block_map.planned[layer].toarray()
    change(dense)
    return replace(block_map, strength=block_map.strength | {layer: csr_matrix(dense)})


@pytest.fixture
def block_map(mlp: Any, taught: Any) -> BlockMap:
    return plan_map(read_blocks(mlp()), taught.clustering.centroids, taught.targets.mass, taught.Z, seed=0)


def write(model: Any, path: str, taught: Any, block_map: BlockMap, **change: Any) -> str:
    given = {"x": taught.x, "layer": model.get_layer(path), "places": None} | change
    P, rows = np.asarray(taught.targets.P, np.float64), np.arange(len(taught.x))
    origin = Origin(given["x"], rows, block_map, taught.Z, (P, P), given["places"])
    return write_layer(model, path, given["layer"], origin, read_outputs(model))


def test_the_closed_form_is_scikit_learns_ridge_with_unit_outputs(taught: Any) -> None:
    from sklearn.linear_model import Ridge

    H, T = taught.x.astype(np.float64), np.asarray(taught.targets.P, np.float64)
    kernel, bias = moments(H, T).solve(gain=4.0)
    C = np.cov(H.T, bias=True)
    ridge = Ridge(alpha=len(H) * LAMBDA * np.trace(C) / 64).fit(H, T)
    deviation = ((H - H.mean(0)) @ ridge.coef_.T).std(axis=0)
    np.testing.assert_allclose(kernel, 4 * ridge.coef_.T / deviation, rtol=1e-6, atol=1e-9)
    outputs = H @ kernel + bias
    np.testing.assert_allclose(outputs.std(axis=0), 4, rtol=1e-6)
    np.testing.assert_allclose(outputs.mean(axis=0), 0, atol=1e-9)


def test_without_ridge_it_is_least_squares(taught: Any) -> None:
    H = np.random.default_rng(0).normal(size=(600, 8))
    T = np.asarray(taught.targets.P[:, :3], np.float64)
    kernel, _ = moments(H, T).solve(lam=0.0)
    want = np.linalg.lstsq(H - H.mean(0), T - T.mean(0), rcond=None)[0]
    want /= ((H - H.mean(0)) @ want).std(axis=0)
    np.testing.assert_allclose(kernel, want, rtol=1e-6)


def test_a_target_that_never_varies_writes_zeros() -> None:
    H = np.random.default_rng(0).normal(size=(50, 4))
    kernel, bias = moments(H, np.full((50, 2), 0.3)).solve()
    np.testing.assert_array_equal(kernel, 0)
    np.testing.assert_array_equal(bias, 0)


def test_a_strength_acts_in_proportion_and_in_its_unit_only(mlp: Any, taught: Any, block_map: BlockMap) -> None:
    def written(share: float) -> tuple[np.ndarray, np.ndarray]:
        def change(m: np.ndarray) -> None:
            m[concept, unit] *= share

        model = mlp()
        assert write(model, "one", taught, with_strength(block_map, "one", change)) == ""
        return tuple(v.numpy().astype(np.float64) for v in model.get_layer("one").weights)  # type: ignore[return-value]

    concept, unit = np.unravel_index(block_map.planned["one"].toarray().argmax(), (60, 32))
    full, half, none = written(1.0), written(0.5), written(0.0)
    for whole, middle, off in zip(full, half, none, strict=True):
        others = np.delete(np.arange(32), unit)
        np.testing.assert_array_equal(whole[..., others], off[..., others])
        assert np.abs(whole - off)[..., unit].max() > 0.05
        np.testing.assert_allclose(middle - off, whole - middle, atol=1e-4)


def test_written_layers_alone_make_a_usable_b(mlp: Any, taught: Any, block_map: BlockMap) -> None:
    model = mlp()
    before = (model(taught.x).numpy().argmax(1) == taught.y).mean()
    for path in block_map.blocks:
        assert write(model, path, taught, block_map) == ""
    after = (model(taught.x).numpy().argmax(1) == taught.y).mean()
    assert before < 0.3
    assert after > 0.8
    head = model.get_layer("out")
    H = keras.Model(model.layers[0].input, model.get_layer("two").output)(taught.x).numpy()
    np.testing.assert_allclose((H @ head.kernel.numpy()).std(axis=0), TAUGHT_GAIN, rtol=1e-3)


def test_layers_that_cannot_be_written_say_why_and_stay(mlp: Any, taught: Any, block_map: BlockMap) -> None:
    model = mlp()
    model.get_layer("one").trainable = False
    before = model.get_weights()
    assert write(model, "one", taught, block_map) == "it is frozen"
    model.get_layer("one").trainable = True
    assert write(model, "one", taught, block_map, x=np.full_like(taught.x, np.nan)) == "its inputs are not finite"
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_shared_wide_and_sequence_layers_are_not_written(taught: Any) -> None:
    image, shared = keras.Input((64,)), keras.layers.Dense(64, name="shared")
    twice = keras.Model(image, keras.layers.Dense(10, name="out")(shared(shared(image))))
    along = keras.Sequential(
        [keras.Input((64,)), keras.layers.Reshape((8, 8)), keras.layers.Dense(4, name="each"), keras.layers.Flatten(),
         keras.layers.Dense(10, name="out")]
    )  # fmt: skip
    wide = keras.Sequential(
        [keras.Input((64,)), keras.layers.RepeatVector(65), keras.layers.Flatten(),
         keras.layers.Dense(4, name="wide"), keras.layers.Dense(10, name="out")]
    )  # fmt: skip
    for model, path, why in (
        (twice, "shared", "it is shared, called 2 times"),
        (along, "each", "it reads every position of inputs of shape (8, 8)"),
        (wide, "wide", "its 4,160 inputs are more than 4,096"),
    ):
        own = plan_map(read_blocks(model), taught.clustering.centroids, taught.targets.mass, taught.Z, seed=0)
        before = model.get_layer(path).kernel.numpy()
        assert write(model, path, taught, own) == why
        np.testing.assert_array_equal(before, model.get_layer(path).kernel.numpy())


def test_a_layer_without_bias_gets_its_kernel(taught: Any) -> None:
    model = keras.Sequential([keras.Input((64,)), keras.layers.Dense(10, use_bias=False, name="out")])
    own = plan_map(read_blocks(model), taught.clustering.centroids, taught.targets.mass, taught.Z, seed=0)
    assert write(model, "out", taught, own) == ""
    np.testing.assert_allclose(model(taught.x).numpy().std(axis=0), TAUGHT_GAIN, rtol=1e-3)


def test_no_edit_means_the_same_targets(taught: Any, block_map: BlockMap) -> None:
    head = block_map.planned["out"]
    assert edited_targets(taught.targets, taught.Z, head, head.copy()) is taught.targets


def test_zeroing_a_strength_takes_its_items_from_the_class_and_touches_no_other(
    taught: Any, block_map: BlockMap
) -> None:
    planned = block_map.planned["out"].toarray()
    concept = int((planned[:, 3] * taught.clustering.sizes).argmax())
    edited = planned.copy()
    edited[concept, 3] = 0
    got = edited_targets(taught.targets, taught.Z, csr_matrix(planned), csr_matrix(edited))
    Z = taught.Z.toarray()
    touched = Z[:, concept] > 0
    np.testing.assert_array_equal(got.P[~touched], taught.targets.P[~touched])
    np.testing.assert_allclose(got.P.sum(axis=1), 1, atol=1e-6)
    ratio = (Z @ edited)[touched, 3] / (Z @ planned)[touched, 3]
    raw = taught.targets.P[touched].astype(np.float64)
    raw[:, 3] *= ratio
    np.testing.assert_allclose(got.P[touched], raw / raw.sum(axis=1, keepdims=True), atol=1e-5)
    np.testing.assert_array_equal(got.weight, taught.targets.weight)
    edited[:, 3] = 0
    got = edited_targets(taught.targets, taught.Z, csr_matrix(planned), csr_matrix(edited))
    held = ((Z @ planned)[:, 3] > 0) & (got.weight > 0)
    assert held.sum() > 500
    np.testing.assert_array_equal(got.P[held, 3], 0)


def test_a_strength_where_nothing_was_planned_and_an_item_left_without_class() -> None:
    targets = Targets(np.array([[1, 0], [1, 0]], "f4"), np.ones(2, "f4"), np.zeros((2, 2)), ("a", "b"), 0.95, "x")
    Z = csr_matrix(np.eye(2))
    planned = csr_matrix(np.array([[1.0, 0.0], [1.0, 0.0]]))
    added = edited_targets(targets, Z, planned, csr_matrix(np.array([[1.0, 1.0], [1.0, 0.0]])))
    np.testing.assert_allclose(added.P, [[0.5, 0.5], [1, 0]])
    emptied = edited_targets(targets, Z, planned, csr_matrix(np.array([[0.0, 0.0], [1.0, 0.0]])))
    np.testing.assert_allclose(emptied.P, [[0.5, 0.5], [1, 0]])
    np.testing.assert_array_equal(emptied.weight, [0, 1])


def test_training_targets_are_sharpened_and_labels_stand() -> None:
    targets = Targets(
        np.array([[0.8, 0.2], [0.5, 0.5], [0.5, 0.5]], "f4"), np.array([1, 0, 0], "f4"), np.zeros((1, 2)),
        ("a", "b"), 0.95, "concepts",
    )  # fmt: skip
    P, weight = training_targets(targets, Labels([1], [1], ("a", "b")), sharpen=2.0)
    np.testing.assert_allclose(P, [[0.64 / 0.68, 0.04 / 0.68], [0, 1], [0.5, 0.5]], atol=1e-6)
    np.testing.assert_array_equal(weight, [1, 1, 0])
