"""Second items of mixed concepts, and items that the teacher doubts, on concepts small enough to work out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from kgkt.concepts import choose
from tests.concepts.test_concepts import graph_of


def on_circle(*degrees: float) -> np.ndarray:
    """(n, 2) unit rows."""
    angle = np.radians(degrees)
    return np.stack([np.cos(angle), np.sin(angle)], axis=1).astype(np.float32)


def hard(concepts: list[int], k: int) -> csr_matrix:
    n = len(concepts)
    return csr_matrix((np.ones(n, np.float32), concepts, np.arange(n + 1)), shape=(n, k))


# Concept 0: a labelled item, three like each other a quarter turn away, an outlier across from these. Concept 1: two items.
Z = hard([0, 0, 0, 0, 0, 1, 1], 2)
VECTORS = on_circle(0, 85, 90, 95, 265, 170, 175)
GRAPH = graph_of([(0, 1)], [1.0], 2, sizes=np.array([5, 2]))


def half(*sure: float) -> np.ndarray:
    """(n, 2) what a teacher gives to two classes: so much to the first."""
    return np.stack([sure, 1 - np.array(sure)], axis=1)


def test_what_is_mixed_counts_members_that_the_first_class_does_not_speak_for() -> None:
    apart, share = choose.mixed(Z, half(1, 0.5, 0.5, 0.5, 0.5, 0, 0))
    np.testing.assert_allclose(apart, [2, 0], atol=1e-6)
    np.testing.assert_allclose(share, [0.4, 0], atol=1e-6)
    between = csr_matrix(np.array([[0.5, 0.5, 0], [0.5, 0.5, 0], [1.0, 0, 0]]))
    apart, share = choose.mixed(between)
    np.testing.assert_allclose(apart, [0.5, 0.5, 0])
    np.testing.assert_allclose(share, [0.25, 0.5, 0])  # of sizes 2, 1, 0


def test_the_second_item_covers_what_is_not_covered_and_is_no_outlier() -> None:
    P = half(1, 0.5, 0.5, 0.5, 0.5, 1, 1)
    first = choose.second_items(GRAPH, Z, VECTORS, np.array([0, 5]), 1, P)
    assert first == [choose.Chosen(2, 0, 3, 1)]  # the middle of the three, which are nearer to it than to the label
    three = choose.second_items(GRAPH, Z, VECTORS, np.array([0, 5]), 3, P)
    assert three[:1] == first
    assert (three[1].item, three[1].labels) == (4, 2)  # then the outlier: nothing else is as far from both
    assert choose.second_items(GRAPH, Z, VECTORS, np.array([0, 5]), 99, P)[:3] == three


def test_highest_averages_share_the_items_among_the_concepts() -> None:
    concepts = [0] * 12 + [1] * 12
    rng = np.random.default_rng(0)
    vectors = on_circle(*rng.uniform(0, 90, 24))
    P = half(*[0.5] * 12, *[0.75] * 12)  # 6 and 3 members apart
    graph = graph_of([(0, 1)], [1.0], 2, sizes=np.array([12, 12]))
    got = choose.second_items(graph, hard(concepts, 2), vectors, np.array([0, 12]), 6, P)
    assert [one.concept for one in got] == [0, 0, 1, 0, 0, 1]  # 6/1, 6/2 level with 3/1, 6/3, 6/4 level with 3/2


def test_no_item_comes_twice_and_none_that_was_spoken_of_or_is_off() -> None:
    spoken = np.array([0, 5])
    for P in (None, half(*[0.5] * 7)):
        got = [one.item for one in choose.second_items(GRAPH, Z, VECTORS, spoken, 99, P)]
        assert sorted(got) == [1, 2, 3, 4, 6]
    off = graph_of([(0, 1)], [1.0], 2, active=np.array([False, True]))
    assert [one.item for one in choose.second_items(off, Z, VECTORS, spoken, 99)] == [6]
    assert choose.second_items(GRAPH, Z, VECTORS, np.arange(7), 9) == []


def test_of_a_large_concept_a_sample_is_compared_and_counts_are_scaled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choose, "MEMBERS", 50)
    n = 200
    graph = graph_of([], [], 1, sizes=np.array([n]))
    vectors = on_circle(*np.r_[0, np.linspace(80, 90, n - 1)])
    got = choose.second_items(graph, hard([0] * n, 1), vectors, np.array([0]), 3, half(*[0.5] * n))
    assert len({one.item for one in got}) == 3
    assert got[0].nearer == pytest.approx(n - 1, abs=4)


def test_doubtful_items_take_turns_among_the_concepts() -> None:
    P = half(0.5, 0.51, 0.52, 0.53, 0.9, 0.6, 0.7)
    answered = np.array([True, True, True, False, True, True, True])
    got = choose.doubtful_items(GRAPH, Z, VECTORS, np.array([0]), 99, P, answered)
    assert [one.item for one in got] == [1, 5, 2, 6, 4]  # the most level of each concept, then the next of each
    assert [one.labels for one in got] == [1, 0, 2, 1, 3]
    assert choose.doubtful_items(GRAPH, Z, VECTORS, np.array([0]), 2, P, answered) == got[:2]
    np.testing.assert_allclose(choose.margins(P)[:2], [0, 0.02])
    np.testing.assert_array_equal(choose.margins(np.ones((3, 1))), np.ones(3))
