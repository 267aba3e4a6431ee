"""A learned plan in the database, edited there as a person does, and what is written by it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from sklearn.datasets import load_digits

from kgkt.store.load import write_blocks
from kgkt.store.opening import open_store
from kgkt.store.readback import read_strengths
from kgkt.transfer.learned import strengths
from kgkt.transfer.write import Moments
from tests.store.conftest import IDS, NAMES, K, digits_map, edit


def test_a_strength_that_is_edited_moves_the_weights_of_its_unit_in_proportion(loaded: str) -> None:
    rng = np.random.default_rng(0)
    plan = {"dense": strengths(rng.normal(size=(K, 3))), "out": digits_map().planned["out"]}
    block_map = replace(digits_map(), planned=plan, strength=plan)
    with open_store(loaded, write=True) as store:
        write_blocks(store, "main", {"name": "b", "role": "target"}, block_map, NAMES)
    Z, H = rng.dirichlet(np.full(K, 0.2), len(IDS)), load_digits().data[: len(IDS)] / 16
    concept, unit = np.unravel_index(plan["dense"].toarray().argmax(), (K, 3))
    found = []
    for factor in (1.0, 0.5, 0.0):
        edit(loaded, f"MATCH (:Concept {{key: 'main/concept/{concept}'}})-[m:MAPS_TO]->(:Block {{layer: 'dense', "
                     f"index: {unit}}}) SET m.strength = m.planned * {factor}")  # fmt: skip
        with open_store(loaded) as store:
            strength, planned = read_strengths(store, "main", "b", block_map.blocks)["dense"]
        sums = Moments(64, 3)
        sums.add(H, Z @ strength.toarray(), Z @ planned.toarray())
        found.append(np.vstack(sums.solve()))
    half, none = found[1] - found[0], found[2] - found[0]
    np.testing.assert_allclose(none, 2 * half, atol=1e-9)
    assert np.abs(none[:, unit]).max() > 0.01
    assert np.abs(np.delete(none, unit, axis=1)).max() < 1e-12
