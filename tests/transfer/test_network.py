from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

from kgkt.errors import InputError
from kgkt.transfer.blocks import MAPPED, read_blocks
from kgkt.transfer.learned import learn, split, strengths
from kgkt.transfer.mapper import plan_map
from kgkt.transfer.network import given, lessons
from kgkt.transfer.part import part_to_teach
from tests.transfer.zoo import ZOO


@pytest.fixture(scope="module")
def pairs(taught: Any) -> tuple[np.ndarray, np.ndarray]:
    """The pixels' first twelve directions as an embedding, and the concepts in it."""
    from sklearn.decomposition import PCA

    vectors = PCA(12, random_state=0).fit_transform(taught.x).astype(np.float32)
    shares = taught.Z.multiply(1 / taught.Z.sum(axis=0))
    return vectors, np.asarray(shares.T @ vectors)


def test_ridge_explains_what_is_linear_and_the_network_what_is_not(pairs: Any) -> None:
    vectors, centroids = pairs
    found = learn(vectors, vectors[:, :2] * [1.0, 30.0] + 5, centroids)
    assert found is not None
    assert found.ridge > 0.999
    assert (found.pairs, found.held_out, found.still) == (480, 120, 0)
    bent = learn(vectors, np.abs(vectors[:, :2]), centroids)
    assert bent is not None
    assert bent.ridge < 0.3
    assert bent.network > 0.7
    assert (bent.better, found.better) == ("network", "ridge")


def test_noise_is_not_explained_on_what_is_held_out(pairs: Any) -> None:
    found = learn(pairs[0], np.random.default_rng(0).normal(size=(600, 30)), pairs[1])
    assert found is not None
    assert max(found.ridge, found.network) < 0.05


def test_ridges_figure_is_that_of_least_squares_where_nothing_is_to_be_regularised(pairs: Any) -> None:
    vectors, centroids = pairs
    given = vectors[:, :3] ** 2 + vectors[:, 3:6]
    held, fitted = split(600, 4)
    assert sorted([*held, *fitted]) == list(range(600))
    design = np.column_stack([vectors, np.ones(600)])
    solved = np.linalg.lstsq(design[fitted], given[fitted], rcond=None)[0]
    rest = ((given[held] - design[held] @ solved) ** 2).sum() / ((given[held] - given[held].mean(0)) ** 2).sum()
    found = learn(vectors, given, centroids, seed=4)
    assert found is not None
    assert found.ridge == pytest.approx(1 - rest, abs=0.01)


def test_a_concept_maps_to_the_units_that_it_is_most_above_the_mean_of() -> None:
    above = np.array([[3.0, 1, 0, -1, -2, -3, -4], [-9, -8, -7, -1, -2, -3, -np.inf], [2, 2, 2, 2, 2, 2, -np.inf]])
    above[0, 6] = -np.inf
    got = strengths(above).toarray()
    np.testing.assert_allclose(got[0], [0.75, 0.25, 0, 0, 0, 0, 0])
    np.testing.assert_allclose(got[1], [0, 0, 0, 1, 0, 0, 0])  # below every mean: the nearest
    assert (got[:, 6] == 0).all()  # never varies
    assert (got[:, :6].sum(axis=0) > 0).all()  # the sixth unit is among nobody's five
    np.testing.assert_allclose(got.sum(axis=1), 1, rtol=1e-6)


def test_a_wide_layer_gets_few_strengths() -> None:
    got = strengths(np.random.default_rng(0).normal(size=(2500, 512)))
    assert got.nnz <= 5 * 2500 + 512
    assert got.getnnz(axis=0).min() >= 1
    assert got.data.min() > 0


def test_units_beyond_the_concepts_get_few_strengths(mlp: Any, taught: Any) -> None:
    wide = keras.Sequential([keras.Input((64,)), keras.layers.Dense(512, name="wide"), keras.layers.Dense(10)])
    plan = plan_map(read_blocks(wide), taught.clustering.centroids, taught.targets.mass, taught.Z)
    assert plan.planned["wide"].nnz < 0.25 * 60 * 512
    assert plan.planned["wide"].getnnz(axis=0).min() >= 1


def test_activations_of_a_convolution_are_means_over_its_positions(cnn: Any, taught: Any) -> None:
    read, why = given(cnn, read_blocks(cnn), taught.x, np.arange(600))
    whole = keras.Model(cnn.inputs[0], cnn.get_layer("conv").output)(taught.x).numpy()
    assert whole.shape == (600, 6, 6, 8)
    np.testing.assert_allclose(read["conv"], whole.mean(axis=(1, 2)), atol=1e-6)
    assert (read["one"].shape, read["out"].shape, "conv" in why) == ((600, 16), (600, 10), False)


def test_auto_maps_a_b_that_was_trained_by_what_its_units_do(mlp: Any, taught: Any, pairs: Any) -> None:
    model = mlp()
    blocks = read_blocks(model)
    last = {"two": blocks["two"]}
    before = lessons(model, last, taught.x, *pairs, "auto")["two"]
    assert (before.by, before.planned) == ("communities", None)
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(taught.x, taught.y, batch_size=64, epochs=30, verbose=0)
    weights = [w.copy() for w in model.get_weights()]
    after = lessons(model, last, taught.x, *pairs, "auto")
    assert all((a == b).all() for a, b in zip(weights, model.get_weights(), strict=True))  # begun anew only in between
    lesson = after["two"]
    assert lesson.by in ("ridge", "network")
    assert lesson.learned is not None
    assert lesson.untrained is not None
    assert 1 - lesson.learned.most <= 0.5 * (1 - lesson.untrained)
    assert lesson.planned is not None
    plan = plan_map(blocks, taught.clustering.centroids, taught.targets.mass, taught.Z, learned={"two": lesson.planned})
    assert (plan.planned["two"] != lesson.planned).nnz == 0
    read = given(model, last, taught.x, np.arange(600))[0]["two"]
    above = (read - read.mean(axis=0)) / np.maximum(read.std(axis=0), 1e-9)
    carried = np.asarray((taught.Z @ lesson.planned).multiply(above).sum(axis=1)).mean()
    communities = plan_map(blocks, taught.clustering.centroids, taught.targets.mass, taught.Z).planned["two"]
    other = np.asarray((taught.Z @ communities).multiply(above).sum(axis=1)).mean()
    assert carried > 0.7
    assert other < 0.3


def test_a_layer_that_cannot_be_read_keeps_its_communities(mlp: Any, taught: Any, pairs: Any) -> None:
    model = mlp()
    model.get_layer("two").bias.assign(np.full(16, np.nan))
    found = lessons(model, read_blocks(model), taught.x, *pairs, "network")
    assert {layer: (lesson.by, lesson.why) for layer, lesson in found.items()} == {
        "one": ("network", ""), "two": ("communities", "its outputs are not finite"), "out": ("class mass", "")}
    assert found["one"].planned is not None
    assert found["two"].planned is None


def test_what_a_map_cannot_be_learned_from_is_refused(mlp: Any, taught: Any, pairs: Any) -> None:
    model, (vectors, centroids) = mlp(), pairs
    blocks = read_blocks(model)
    with pytest.raises(InputError, match=r"learned from 50 items or more, the pool has 49: --method communities"):
        lessons(model, blocks, taught.x[:49], vectors[:49], centroids, "network")
    bare = {"out": blocks["out"]}
    with pytest.raises(InputError, match=r"B has no hidden layer .* --method communities"):
        lessons(model, bare, taught.x, vectors, centroids, "network")
    assert lessons(model, bare, taught.x, vectors, centroids, "auto")["out"].by == "class mass"
    still = np.zeros_like(taught.x)
    with pytest.raises(InputError, match=r"no layer of B to learn a map to \(one: it gives the same for every item; two"):
        lessons(model, blocks, still, vectors, centroids, "network")
    assert {lesson.by for lesson in lessons(model, blocks, still, vectors, centroids, "auto").values()} == {
        "communities", "class mass"}  # fmt: skip
    model.get_layer("one").bias.assign(np.full(32, np.nan))
    with pytest.raises(InputError, match=r"\(one: its outputs are not finite; two: its outputs are not finite\)"):
        lessons(model, blocks, taught.x, vectors, centroids, "network")


@pytest.mark.parametrize("name", ["own", "inputs"])
def test_other_kinds_of_b_are_begun_anew_too(name: str, taught: Any, pairs: Any) -> None:
    kind = ZOO[name]
    model, _ = part_to_teach(kind.build(), kind.output)
    blocks = {layer: group for layer, group in read_blocks(model).items() if group[0].kind in MAPPED}
    before = [v.numpy() for v in model.variables]
    found = lessons(model, blocks, kind.items(taught.x[:60]), pairs[0][:60], pairs[1], "auto")
    assert all((a == v.numpy()).all() for a, v in zip(before, model.variables, strict=True))
    hidden = [lesson for layer, lesson in found.items() if blocks[layer][0].kind != "head"]
    assert [lesson.untrained is not None for lesson in hidden] == [True] * (len(found) - 1)
