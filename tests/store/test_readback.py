from __future__ import annotations

import numpy as np

from kgkt.store.load import load_graph, write_blocks, write_masses
from kgkt.store.people import read_labels, write_labels
from kgkt.store.readback import read_concept_graph, read_info, read_strengths
from kgkt.store.store import open_store
from tests.store.conftest import IDS, NAMES, digits_graph, digits_map


def test_what_is_loaded_is_read_back(store_url):
    value, more = digits_graph()
    with open_store(store_url, write=True) as store:
        load_graph(store, "main", value, **more)
        write_labels(store, "main", [("i3", "3", "me", "now")], [("i4", "3", "me", "now")])
        write_masses(store, "main", np.full((12, 10), 0.1), NAMES)
        write_blocks(store, "main", {"name": "b", "role": "target"}, digits_map(), NAMES)
    with open_store(store_url) as store:
        back, notices = read_concept_graph(store, "main", value.centroids)
        info = read_info(store, "main")
        labels, more_notices = read_labels(store, "main", IDS)
        strengths = read_strengths(store, "main", "b", digits_map().blocks)
    assert notices == more_notices == []
    assert info["n_concepts"] == 12
    assert info["complete"] is True
    for name in ("keys", "names", "sizes", "active", "edges", "weights", "cosines", "themes"):
        np.testing.assert_array_equal(getattr(back, name), getattr(value, name), err_msg=name)
    assert labels.names == NAMES
    assert labels.items.tolist() == [3]
    assert labels.classes.tolist() == [3]
    assert labels.tick_items.tolist() == [4]
    assert labels.tick_classes.tolist() == [3]
    for layer, (strength, planned) in strengths.items():
        np.testing.assert_array_equal(strength.toarray(), digits_map().strength[layer].toarray())
        np.testing.assert_array_equal(planned.toarray(), digits_map().planned[layer].toarray())
