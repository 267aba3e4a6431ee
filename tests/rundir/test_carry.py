"""Strengths that people changed, and concepts that they merged, from one graph to the next."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_matrix

from kgkt.rundir.carry import place
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


def test_merges_find_their_places_in_a_graph_made_anew() -> None:
    ids = [f"i{n}" for n in range(12)]
    Z = csr_matrix(np.eye(4, dtype=np.float32)[np.repeat([0, 1, 2, 3], 3)])
    members = {"5": ids[:3], "6": ids[3:6], "7": ids[3:6], "8": ids[6:9], "9": ["gone"]}
    people = {"members": members, "merged": [[5, 6], [6, 8], [7, 5], [8, 9], [7, 6]]}
    carried = place(people, {item: row for row, item in enumerate(ids)}, ids, Z, 0)
    # 6 and 7 have become one, which would be a part of two, over one of them of itself; 9 has no successor
    assert carried.merged == [(0, 1), (1, 2)]
    assert carried.lost == ["concept 7 was merged into 5: what came after it is merged already",
                            "concept 8 was merged into 9: no new concept holds half of its items"]
    assert carried.in_words() == "2 merges"
    assert place({"merged": [[5, 6]]}, {}, ids, Z, 10).merged == [(5, 6)]  # grown: every concept keeps its number
