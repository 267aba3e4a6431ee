"""A's places, and filters written from them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import keras
import numpy as np
import pytest
from scipy.sparse import csr_matrix

from kgkt.source.parquet import describe, write_features
from kgkt.transfer.blocks import read_blocks
from kgkt.transfer.mapper import plan_map
from kgkt.transfer.outputs import read_outputs
from kgkt.transfer.patches import grid_of, patches_at, stretched
from kgkt.transfer.places import STRONGEST, Places, filter_groups, find_places, places_for, plan_filters
from kgkt.transfer.write import Origin, write_layer, write_layers
from kgkt.values import BlockMap, Features


def conv_b() -> Any:
    keras.utils.set_random_seed(4)
    layers = keras.layers
    return keras.Sequential([
        keras.Input((64,)), layers.Reshape((8, 8, 1)),
        layers.Conv2D(8, 3, activation="relu", name="conv"),
        layers.Conv2D(6, 3, strides=2, padding="same", activation="relu", name="next"),
        layers.Flatten(), layers.Dense(10, name="out"),
    ])  # fmt: skip


@pytest.fixture(scope="module")
def features(taught: Any, tmp_path_factory: pytest.TempPathFactory) -> Features:
    """A map of 4 x 4 places and 4 channels: the pixels of each place."""
    cells = taught.x.reshape(-1, 4, 2, 4, 2).transpose(0, 1, 3, 2, 4).reshape(len(taught.x), -1)
    path = tmp_path_factory.mktemp("places") / "features.parquet"
    ids = np.array([f"i{i}" for i in range(len(cells))])
    meta = describe("pixels", (), shapes='{"map": [8, 8, 4], "flat": [64]}')
    return write_features(path, {"map": 64, "flat": 64}, [(ids, {"map": cells, "flat": taught.x})], meta)


@pytest.fixture(scope="module")
def places(features: Features) -> Places:
    found = find_places(features)
    assert found is not None
    return found


@pytest.fixture(scope="module")
def block_map(taught: Any, places: Places) -> BlockMap:
    blocks = read_blocks(conv_b())
    dense = plan_map(blocks, taught.clustering.centroids, taught.targets.mass, taught.Z, seed=0)
    return plan_filters(dense, blocks, places, taught.Z, 0)


def origin(taught: Any, block_map: BlockMap, places: Places | None) -> Origin:
    P = np.asarray(taught.targets.P, np.float64)
    return Origin(taught.x, np.arange(len(taught.x)), block_map, taught.Z, (P, P), places)


def test_places_are_those_of_the_map_that_has_a_shape(features: Features, places: Places) -> None:
    assert features.grids == {"map": (4, 4)}
    assert (places.layer, places.grid) == ("map", (4, 4))
    assert places.near.shape == (600, 16, 3)
    np.testing.assert_allclose(places.share.sum(axis=2), 1, atol=1e-6)
    assert find_places(features, axes=1) is None
    assert places_for(features, {}) is None
    assert find_places(replace(features, meta={})) is None


@pytest.mark.parametrize("how", [
    {"padding": "same"}, {"padding": "valid"}, {"padding": "same", "strides": 2}, {"padding": "same", "strides": 3},
    {"padding": "valid", "dilation_rate": 2}, {"padding": "same", "dilation_rate": 2},
])  # fmt: skip
def test_patches_times_kernel_are_what_the_layer_gives(how: dict[str, Any]) -> None:
    x = np.random.default_rng(0).normal(size=(2, 7, 9, 3)).astype(np.float32)
    layer = keras.layers.Conv2D(4, (3, 2), use_bias=False, **how)
    want = np.asarray(layer(x))
    grid, _ = grid_of(layer, (7, 9))
    assert grid == want.shape[1:3]
    at = np.tile(np.arange(np.prod(grid)), (2, 1))
    got = patches_at(layer, x, at) @ layer.kernel.numpy().reshape(-1, 4)
    np.testing.assert_allclose(got.reshape(want.shape), want, atol=1e-5)


def test_patches_of_a_series_look_back_only_where_the_layer_does() -> None:
    x = np.random.default_rng(0).normal(size=(2, 7, 3)).astype(np.float32)
    layer = keras.layers.Conv1D(4, 3, padding="causal", use_bias=False)
    want = np.asarray(layer(x))
    got = patches_at(layer, x, np.tile(np.arange(7), (2, 1))) @ layer.kernel.numpy().reshape(-1, 4)
    np.testing.assert_allclose(got, want, atol=1e-5)


def test_a_map_is_resized_as_tensorflow_does_it() -> None:
    import tensorflow as tf

    small = np.random.default_rng(0).normal(size=(1, 4, 3, 2)).astype(np.float32)
    want = tf.image.resize(small, (10, 7), method="bilinear").numpy()
    got = stretched((4, 3), (10, 7)) @ small.reshape(1, 12, 2)
    np.testing.assert_allclose(got.reshape(want.shape), want, atol=1e-5)


def test_planned_is_the_mean_of_the_filters_target_over_a_concepts_items_and_places(
    taught: Any, places: Places, block_map: BlockMap
) -> None:
    assert list(block_map.blocks) == ["conv", "next", "out"]
    T = places.carried(np.arange(600), filter_groups(places, 0, 8, 0)).mean(axis=1)
    Z = taught.Z.toarray()
    want = Z.T @ T / Z.sum(axis=0)[:, None]
    planned = block_map.planned["conv"].toarray()
    np.testing.assert_allclose(planned[planned > 0], want[planned > 0], rtol=1e-4)
    assert (planned > 0).sum(axis=1).max() <= STRONGEST
    assert (filter_groups(places, 0, 8, 0) != filter_groups(places, 1, 8, 0)).any()


def test_a_filters_strength_acts_in_proportion_and_in_that_filter_only(
    taught: Any, places: Places, block_map: BlockMap
) -> None:
    def written(share: float) -> list[np.ndarray]:
        strength = block_map.planned["conv"].toarray()
        strength[:, 3] *= share
        model = conv_b()
        edited = replace(block_map, strength=block_map.strength | {"conv": csr_matrix(strength)})
        assert write_layer(model, "conv", model.get_layer("conv"), origin(taught, edited, places),
                           read_outputs(model)) == ""
        return [v.numpy().astype(np.float64) for v in model.get_layer("conv").weights]

    full, half, none = written(1.0), written(0.5), written(0.0)
    others = np.delete(np.arange(8), 3)
    for whole, middle, off in zip(full, half, none, strict=True):
        np.testing.assert_array_equal(whole[..., others], off[..., others])
        assert np.abs(whole - off)[..., 3].max() > 0.05
        np.testing.assert_allclose(middle - off, whole - middle, atol=1e-4)


def test_all_layers_are_written_and_make_a_usable_b(taught: Any, places: Places, block_map: BlockMap) -> None:
    model = conv_b()
    found = write_layers(model, origin(taught, block_map, places), read_outputs(model))
    assert [entry["why"] for entry in found.values()] == ["", "", ""]
    assert (model(taught.x).numpy().argmax(1) == taught.y).mean() > 0.8
    seen = keras.Sequential(model.layers[:2])(taught.x).numpy()  # after relu, of unit deviation and mean 0 before it
    assert 0.3 < seen.std() < 1.2


def test_filters_that_cannot_be_written_say_why(taught: Any, places: Places, block_map: BlockMap) -> None:
    model = conv_b()
    before = model.get_layer("conv").kernel.numpy()
    outputs = read_outputs(model)
    layers = keras.layers

    def why(layer: Any, found: Places | None = places) -> str:
        return write_layer(model, "conv", layer, origin(taught, block_map, found), outputs)

    assert why(model.get_layer("conv"), None) == "A's features hold no map of places"
    assert why(layers.DepthwiseConv2D(3)).startswith("it is a DepthwiseConv2D")
    assert why(layers.Conv2D(8, 3, data_format="channels_first")) == "its channels come first"
    assert why(layers.Conv2D(8, 3, groups=2)) == "its channels fall into 2 groups"
    model.get_layer("conv").trainable = False
    assert why(model.get_layer("conv")) == "it is frozen"
    np.testing.assert_array_equal(before, model.get_layer("conv").kernel.numpy())


def test_without_places_no_filter_is_mapped(taught: Any) -> None:
    blocks = read_blocks(conv_b())
    dense = plan_map(blocks, taught.clustering.centroids, taught.targets.mass, taught.Z, seed=0)
    assert plan_filters(dense, blocks, None, taught.Z, 0) is dense


def test_places_are_found_the_same_each_time(features: Features, places: Places) -> None:
    again = find_places(features)
    assert again is not None
    np.testing.assert_array_equal(again.near, places.near)
    np.testing.assert_array_equal(again.share, places.share)


def test_two_fusions_of_a_convolutional_b_are_the_same_to_the_bit(
    taught: Any, places: Places, block_map: BlockMap
) -> None:
    from kgkt.transfer.fuse import FuseOptions, fuse

    first, second = (
        fuse(conv_b(), taught.x, taught.targets, taught.labels, options=FuseOptions(steps=40), block_map=block_map,
             memberships=taught.Z, places=places)
        for _ in range(2)
    )  # fmt: skip
    assert [entry["written"] for entry in first.written.values()] == [True, True, True]
    assert first.written["conv"]["kind"] == "filter"
    assert first.history == second.history
    for a, b in zip(first.model.get_weights(), second.model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
