"""A graph with the names and values that files are bad at."""

from __future__ import annotations

import itertools

from kgkt.store.snapshot import Edge, Node, Snapshot

NAMES = ("a'b\"c`d", "line\nand\r\nline\ttab", "nul\0bell\x07escape\x1b[31m", "\U0001f600 emoji", "שלום \u202eעולם", "M" * 2**20,
         "", " edges ", "</data><script>&amp;", "comma, semicolon; \\ %s {x}", "=1+1")
GRAPH = Node("g", ("Graph",), {"key": "g", "graph": "g", "name": "g", "complete": True})
CONCEPTS = tuple(
    Node(f"g/concept/{i}", ("Concept",), {
        "key": f"g/concept/{i}", "graph": "g", "name": name, "size": i, "active": i % 2 == 0, "x": i / 4,
        "centroid": [i + 0.5, -1.0], "note": {"a": [1, None], "b": name[:9]}, "empty": None})
    for i, name in enumerate(NAMES))
SIMILAR = tuple(
    Edge(a.id, b.id, "SIMILAR_TO", {"weight": 0.25 * i, "cosine": 0.5})
    for i, (a, b) in enumerate(itertools.pairwise(CONCEPTS)))
BESIDE = (Edge("g/concept/0", "g/concept/1", "LIKES/../`x`", {"why": "two\nlines", "tags": ["a", "b;c"]}),)
WHOLE = Snapshot("g", (GRAPH, *CONCEPTS), (*BESIDE, *SIMILAR))
