"""The random queries of `random_queries`, put to a real Neo4j: the same rows as trying everything gives."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor

import pytest

from kgkt.store.opening import open_store
from kgkt.store.protocol import Statement
from tests.store.brute import multiset
from tests.store.random_queries import cases


@pytest.mark.timeout(900)
def test_random_queries_give_what_trying_everything_gives(neo4j_url):
    asked = odd = 0
    with open_store(neo4j_url, write=True) as store, ThreadPoolExecutor(4) as pool:
        for graph_text, queries in cases(seed=1, graphs=50, queries=40):
            store.write(Statement("empty", "MATCH (n) DETACH DELETE n"))
            store.write(Statement("fill", graph_text))
            answers = pool.map(lambda query: multiset(store.read(Statement("random", query[0])).rows), queries)
            for (text, expected), found in zip(queries, answers, strict=True):
                asked += 1
                # Neo4j 5.26 loses rows where COUNT { } stands beside OR or XOR: it counts for each value of the wrong
                # variables, and where the count is 0 the row is gone.
                if found != expected and re.search(r" X?OR .*COUNT \{|COUNT \{.* X?OR ", text):
                    odd += 1
                    continue
                assert found == expected, f"{graph_text}\n{text}"
    assert asked == 2_000
    assert odd <= 5
