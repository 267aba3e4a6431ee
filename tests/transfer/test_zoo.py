"""Bs of every kind: their blocks are read, a map is planned, they are taught from soft targets, saved and opened again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from kgkt.transfer.blocks import MAPPED, read_blocks, unmapped
from kgkt.transfer.fuse import FuseOptions, fuse
from kgkt.transfer.inputs import by_name
from kgkt.transfer.mapper import measured, plan_map
from kgkt.transfer.part import part_to_teach
from kgkt.transfer.taps import as_input, run_model
from kgkt.values import Targets
from tests.transfer.conftest import Taught
from tests.transfer.zoo import ZOO


def a_few(taught: Taught) -> Taught:
    """The labelled items and the first 250."""
    rows = np.union1d(taught.labels.items, np.arange(250))
    labels = replace(taught.labels, items=np.searchsorted(rows, taught.labels.items))
    targets = Targets(taught.targets.P[rows], taught.targets.weight[rows], taught.targets.mass, taught.targets.names,
                      taught.targets.alpha, taught.targets.spread)  # fmt: skip
    clustering = replace(taught.clustering, memberships=taught.Z[rows])
    return replace(taught, x=taught.x[rows], labels=labels, targets=targets, clustering=clustering)


OPTIONS = FuseOptions(steps=4, every=2, batch=16)


def flat(answer: Any) -> list[np.ndarray]:
    return [np.asarray(part, np.float32) for part in keras.tree.flatten(answer)]


def whole_reads(model: Any, x: Any) -> Any:
    """Some items as the whole of a B takes them, without kgkt."""
    arrays = {name: array[:20] for name, array in by_name(x).items()}
    if "" not in arrays:
        return arrays
    return np.array(arrays[""][:, None], str) if arrays[""].dtype == object else arrays[""]


@pytest.mark.parametrize("name", ZOO)
def test_a_kind_of_b_is_mapped_taught_and_saved(name: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    keras.utils.set_random_seed(7)
    kind = ZOO[name]
    taught = a_few(request.getfixturevalue(kind.graph))
    whole, x = kind.build(), kind.items(taught.x)
    model, others = part_to_teach(whole, kind.output)
    assert len(others) == (kind.output is not None)
    before = [v.numpy() for v in model.trainable_variables]
    frozen = [v for v in model.non_trainable_variables if "deep" in v.path]
    deep = np.concatenate([np.zeros(0), *(v.numpy().ravel() for v in frozen)])

    blocks = read_blocks(model)
    read = {layer: (group[0].kind, len(group)) for layer, group in blocks.items()}
    if name == "mobile":
        found = {layer.rpartition("/")[0]: kinds for layer, kinds in read.items()}
        assert len(found) == 2  # everything but the head lies in the nested model
        assert sum(kind == "filter" for kind, _ in read.values()) == len(read) - 1 == 27
    else:
        assert read == kind.kinds
    paths = {v.path for v in model.variables}
    assert {group[0].variable for group in blocks.values()} <= paths
    mapped = [layer for layer, (block, _) in read.items() if block in MAPPED]
    assert len(unmapped(blocks)) == len(blocks) - len(mapped)

    block_map = None
    if mapped:
        block_map = plan_map(blocks, taught.clustering.centroids, taught.targets.mass, taught.Z, seed=0)
        assert list(block_map.blocks) == mapped
    test = (kind.items(taught.test[0][:40]), taught.test[1][:40])
    fusion = fuse(model, x, taught.targets, taught.labels, options=OPTIONS, block_map=block_map,
                  memberships=taught.Z, test=test)  # fmt: skip
    assert set(fusion.written) == set(mapped)
    assert len(fusion.history["loss"]) == 4
    assert np.isfinite(fusion.history["loss"]).all()
    np.testing.assert_array_equal(np.concatenate([np.zeros(0), *(v.numpy().ravel() for v in frozen)]), deep)
    if name == "nested":
        assert len(frozen) == 2
        assert "frozen layers stay as they are: inner/deep" in fusion.notices
    after = [v.numpy() for v in model.trainable_variables]
    assert any((a != b).any() for a, b in zip(after, before, strict=True))

    place = tmp_path / "b.keras"
    whole.save(place)
    again = keras.saving.load_model(place)
    some = whole_reads(whole, x)
    for one, other in zip(flat(whole(some)), flat(again(some)), strict=True):
        np.testing.assert_array_equal(one, other)
    one, other = (np.asarray(run_model(part, as_input(part, x, np.arange(20)), training=False))
                  for part in (model, part_to_teach(again, kind.output)[0]))  # fmt: skip
    np.testing.assert_array_equal(one, other)

    for layer, correlations in measured(model, x, taught.Z).items():
        assert correlations.shape == (taught.Z.shape[1], read[layer][1])
        assert np.isfinite(correlations).all()
