"""A graph with everything that stages and people put into one."""

from __future__ import annotations

from typing import Any

import numpy as np

from kgkt.store.diff import write_arrived
from kgkt.store.labels import write_labels
from kgkt.store.load import load_graph, set_active, set_names, write_blocks, write_masses, write_measured
from kgkt.store.opening import open_store
from tests.store.conftest import NAMES, K, digits_graph, digits_map


def fill(url: str, graph: str = "main", **more: Any) -> None:
    """A graph with everything that people and stages put into it."""
    value, parts = digits_graph(graph)
    mass = np.zeros((K, 10))
    mass[np.arange(10), np.arange(10)] = 0.7
    block_map = digits_map()
    block_map.strength["dense"][2, 2] = 0.25
    with open_store(url, write=True) as store:
        load_graph(store, graph, value, **parts, frozen=True, **more)
        write_labels(store, graph, [("x3", "3", "me", "now")], [("x4", "3", "me", "then")], examples=[("x3", 3, 0.5)])
        write_masses(store, graph, mass, NAMES)
        write_blocks(store, graph, {"name": "b", "role": "target"}, block_map, NAMES)
        write_measured(store, graph, "b", [(2, "dense", 2, 0.5), (5, "dense", 0, 0.75)], "b-fused.keras", "00")
        write_arrived(store, graph, {"name": "b", "role": "target"}, [(1, {"verdict": "lost", "kept": 0.25})])
        set_names(store, graph, {4: "round \"ones\"\n`\U0001f600"})
        set_active(store, graph, {6: False})
