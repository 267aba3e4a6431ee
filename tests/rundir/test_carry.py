"""Strengths that people changed, from the map of one graph to that of the next."""

from __future__ import annotations

from kgkt.verbs.map import carry_edits
from tests.store.conftest import digits_map


def test_a_strength_to_a_block_that_b_does_not_have_is_told() -> None:
    before, said = digits_map(), []
    entries = [(4, "b", "dense", 1, 0.25), (5, "b", "out", 9, 0.0), (6, "b", "dense", 3, 0.5), (6, "b", "gone", 0, 1.0)]
    after = carry_edits(before, entries, said.append)
    assert said == ["lost: strength 0.5 of concept 6 to dense 3, a block that B does not have",
                    "lost: strength 1 of concept 6 to gone 0, a block that B does not have"]
    assert after.strength["dense"][4, 1] == 0.25
    assert after.strength["out"][5, 9] == 0
    changed = {layer: (after.strength[layer] != before.strength[layer]).nnz for layer in before.strength}
    assert changed == {"dense": int(before.strength["dense"][4, 1] != 0.25), "out": int(before.strength["out"][5, 9] != 0)}
    assert (after.planned["dense"] != before.planned["dense"]).nnz == 0
