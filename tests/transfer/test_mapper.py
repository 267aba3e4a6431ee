from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from scipy.sparse import csr_matrix

from kgkt.errors import InputError
from kgkt.transfer.blocks import read_blocks
from kgkt.transfer.mapper import plan_map


def plan(model: Any, taught: Any, seed: int = 0, **change: Any) -> Any:
    given = {"centroids": taught.clustering.centroids, "mass": taught.targets.mass, "memberships": taught.Z} | change
    return plan_map(read_blocks(model), seed=seed, **given)


def test_a_head_slot_gets_the_mass_of_its_class(mlp: Any, taught: Any) -> None:
    head = plan(mlp(), taught).planned["out"].toarray()
    mass = taught.targets.mass.astype(np.float32)
    np.testing.assert_array_equal(head, np.where(taught.targets.mass >= 0.01, mass, 0))


def test_hidden_units_get_communities_of_concepts(mlp: Any, taught: Any) -> None:
    block_map = plan(mlp(), taught)
    assert list(block_map.planned) == ["one", "two", "out"]
    for layer, units in (("one", 32), ("two", 16)):
        m = block_map.planned[layer]
        assert m.shape == (60, units)
        np.testing.assert_allclose(m.sum(axis=1), 1, atol=1e-6)
        assert (np.asarray(m.sum(axis=0)) > 0).all()
        assert m.getnnz(axis=1).max() == 3
    assert (block_map.planned["one"] != block_map.strength["one"]).nnz == 0


def test_more_units_than_concepts_share_concepts_but_never_twins(taught: Any) -> None:
    layer = keras.layers.Dense(100, name="wide")
    model = keras.Sequential([keras.Input((64,)), layer, keras.layers.Dense(10, name="out")])
    m = plan(model, taught).planned["wide"].toarray()
    assert m.shape == (60, 100)
    np.testing.assert_allclose(m.sum(axis=1), 1, atol=1e-6)
    assert len(np.unique(np.round(m / m.max(axis=0), 5), axis=1).T) == 100


def test_one_concept_fills_every_unit(mlp: Any) -> None:
    z = csr_matrix(np.ones((5, 1)))
    m = plan_map(read_blocks(mlp()), np.ones((1, 3)), np.full((1, 10), 0.1), z, seed=0).planned["two"]
    np.testing.assert_allclose(m.toarray(), np.full((1, 16), 1 / 16), rtol=1e-6)


def test_the_same_seed_gives_the_same_map(mlp: Any, taught: Any) -> None:
    first, second, other = plan(mlp(), taught), plan(mlp(), taught), plan(mlp(), taught, seed=5)
    assert (first.planned["one"] != second.planned["one"]).nnz == 0
    assert (first.planned["one"] != other.planned["one"]).nnz > 0


def test_filters_are_not_mapped(cnn: Any, taught: Any) -> None:
    assert list(plan(cnn, taught).blocks) == ["one", "out"]


def test_a_b_without_dense_layer_cannot_be_mapped(taught: Any) -> None:
    model = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Conv2D(10, 3), keras.layers.GlobalAvgPool2D()])
    with pytest.raises(InputError, match=r"no Dense layer.*Run fuse without a map"):
        plan(model, taught)


def test_concepts_all_off_cannot_be_mapped(mlp: Any, taught: Any) -> None:
    with pytest.raises(InputError, match=r"no active concept leans to a class.*then propagate"):
        plan(mlp(), taught, mass=np.zeros_like(taught.targets.mass))
    with pytest.raises(InputError, match="head out has 10 slots, the graph has 4 classes"):
        plan(mlp(), taught, mass=taught.targets.mass[:, :4])
