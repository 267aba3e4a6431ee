"""Two languages in one space, against brute force, and on words that are known to translate."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from kgkt.transfer.words import near
from kgkt.transfer.words.dictionary import Lexicon, Precision, counterparts
from kgkt.transfer.words.lexicon import (
    Candidates,
    Space,
    align,
    candidates,
    crowded,
    levelled,
    procrustes,
)
from kgkt.transfer.words.lexicon_confidence import bands, in_turn, judged, learn_confidence, pairs_of, precision
from kgkt.transfer.words.near import best, crowding, crowdings, greatest, greatest_down, mutual

N, WIDTH = 400, 24


def rotation(width: int, rng: np.random.Generator) -> np.ndarray:
    return np.linalg.qr(rng.normal(size=(width, width)))[0].astype(np.float32)


def languages(noise: float, width: int = WIDTH, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Vectors of the same meanings in two languages: groups of words, turned, with noise; word i means word i."""
    rng = np.random.default_rng(seed)
    groups = rng.normal(size=(20, WIDTH)) * np.linspace(2, 0.3, WIDTH)
    words = groups[rng.integers(20, size=N)] + rng.normal(size=(N, WIDTH)) * np.linspace(1, 0.3, WIDTH)
    there = np.hstack([words, np.zeros((N, max(0, width - WIDTH)))])[:, :width] @ rotation(width, rng)
    return levelled(words), levelled(there + noise * rng.normal(size=there.shape))


def brute(A: np.ndarray, B: np.ndarray, k: int) -> np.ndarray:
    """CSLS of every pair, by the formula."""
    cosines = A.astype(float) @ B.astype(float).T
    theirs = np.sort(cosines, axis=1)[:, -k:].mean(axis=1), np.sort(cosines, axis=0)[-k:].mean(axis=0)
    return 2 * cosines - theirs[0][:, None] - theirs[1]


def test_levelled_vectors_have_unit_length_and_no_direction_in_common() -> None:
    X = levelled(np.random.default_rng(0).normal(size=(200, 5)) * 7 + 3)
    np.testing.assert_allclose(np.linalg.norm(X, axis=1), 1, atol=1e-6)
    assert np.linalg.norm(X.mean(axis=0)) < 0.1
    assert X.dtype == np.float32


def test_procrustes_finds_a_rotation() -> None:
    X = np.random.default_rng(1).normal(size=(50, 3)).astype(np.float32)
    turn = Rotation.from_euler("xyz", [0.3, -1, 2]).as_matrix().astype(np.float32)
    U, V, s = procrustes(X, X @ turn)
    np.testing.assert_allclose(U @ V.T, turn, atol=1e-5)
    assert (np.diff(s) <= 0).all()


@pytest.mark.parametrize("width", [WIDTH - 8, WIDTH + 16])
def test_widths_may_differ(width: int) -> None:
    X, Z = languages(0.0, width)
    space = align(X, Z, (np.arange(120), np.arange(120)), 1, N)
    assert space.source.shape == space.target.shape == (N, min(width, WIDTH))
    found = candidates(space, np.arange(120, N), N, 1)
    assert (found.targets[:, 0] == found.rows).mean() > (0.99 if width > WIDTH else 0.5)


def test_csls_is_that_of_the_formula_block_by_block(monkeypatch: pytest.MonkeyPatch) -> None:
    X, Z = languages(0.3)
    A, B = X[:90], (Z @ rotation(WIDTH, np.random.default_rng(2)))[:130]
    scores = brute(A, B, 10)
    pairs = [mutual(A, B)]
    wholes = [(crowding(A, B), best(A, B, crowding(B, A), 4))]
    monkeypatch.setattr(near, "BLOCK_BYTES", 4 * len(B) * 7)
    for one, other in zip(crowdings(A, B), (crowding(A, B), crowding(B, A)), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)
    pairs.append(mutual(A, B))
    wholes.append((crowding(A, B), best(A, B, crowding(B, A), 4)))
    for crowd, (rows, values) in wholes:
        assert (rows == np.argsort(-scores, axis=1)[:, :4]).all()
        np.testing.assert_allclose(values - crowd[:, None], np.sort(scores, axis=1)[:, ::-1][:, :4], atol=1e-5)
    expected = [(i, j) for i, j in enumerate(scores.argmax(axis=1).tolist()) if scores[:, j].argmax() == i]
    for ours, theirs in pairs:
        assert list(zip(ours.tolist(), theirs.tolist(), strict=True)) == expected


@pytest.mark.parametrize(("m", "k"), [(5, 5), (40, 3), (319, 10), (320, 10), (1003, 10), (1003, 1), (1003, 31)])
def test_the_greatest_of_a_row_are_found_by_groups(m: int, k: int) -> None:
    values = np.random.default_rng(m).normal(size=(50, m)).astype(np.float32)
    values[:5] = 0.5  # all alike
    values[5:10, : m // 2] = -1
    for columns in (greatest(values, k), greatest_down(np.ascontiguousarray(values.T), k)):
        assert columns.shape == (50, k)
        assert all(len(set(row)) == k for row in columns.tolist())
        found = np.sort(np.take_along_axis(values, columns, 1), axis=1)
        np.testing.assert_array_equal(found, np.sort(values, axis=1)[:, -k:])

def test_leads_are_those_over_the_best_other() -> None:
    X, Z = languages(0.5)
    space = Space(X[:60], Z[:70])
    found = candidates(space, np.arange(60), 100, 3)
    for name in ("targets", "scores", "lead", "back"):
        np.testing.assert_array_equal(getattr(found, name), getattr(candidates(crowded(space, 100), found.rows, 100, 3), name))
    scores = brute(X[:60], Z[:70], 10)
    for row, targets in enumerate(found.targets):
        for rank, j in enumerate(targets):
            others, rivals = np.delete(scores[row], j), np.delete(scores[:, j], row)
            assert found.scores[row, rank] == pytest.approx(scores[row, j], abs=1e-5)
            assert found.lead[row, rank] == pytest.approx(scores[row, j] - others.max(), abs=1e-5)
            assert found.back[row, rank] == pytest.approx(scores[row, j] - rivals.max(), abs=1e-5)


def test_rounds_find_what_few_seeds_do_not() -> None:
    X, Z = languages(0.8)
    seeds = np.arange(12), np.arange(12)
    right = []
    for rounds in (0, 3):
        space = align(X, Z, seeds, rounds, N)
        assert len(space.grown) == rounds
        found = candidates(space, np.arange(12, N), N, 1)
        right.append(float((found.targets[:, 0] == found.rows).mean()))
    assert right[1] > right[0] + 0.3
    assert right[1] > 0.7


def test_a_confidence_is_the_share_that_is_right() -> None:
    X, Z = languages(1.0)
    known = {int(i): [int(i)] for i in np.random.default_rng(3).permutation(N)}
    seeds, rest = ({i: known[i] for i in part} for part in (list(known)[:150], list(known)[150:]))

    def bring(pairs):
        return align(X, Z, pairs, 2, N)

    held, true = in_turn(seeds, bring, N, 0)
    assert sorted(held.rows.tolist()) == sorted(seeds)
    sure = learn_confidence(held, true)
    found = candidates(bring(pairs_of(seeds, sorted(seeds))), np.array(sorted(rest)), N, 5)
    told, right = sure(found), judged(found, rest)
    figures = precision(right, test=True)
    assert 0.3 < figures.at_1 < figures.at_5 < 1
    assert abs(told[:, 0].mean() - right[:, 0].mean()) < 0.1
    found_bands = bands(told, right)
    assert sum(band.n for band in found_bands) == right.size
    for band in found_bands:
        assert band.low <= band.expected <= band.high
        if band.n >= 30:
            assert abs(band.right - band.expected) < 0.2


@pytest.mark.parametrize(("value", "low", "high"), [(True, 0.9, 1.0), (False, 0.0, 0.1)])
def test_where_all_or_nothing_was_right_a_confidence_says_so(value: bool, low: float, high: float) -> None:
    part = np.random.default_rng(5).random((20, 5))
    found = Candidates(np.arange(20), np.zeros((20, 5), int), part, part, part)
    told = learn_confidence(found, np.full((20, 5), value))(found)
    assert low < told.min() == told.max() < high


def test_the_interval_is_wilsons() -> None:
    few = Precision(10, 5, 7)
    low, high = few.interval()
    assert (round(low, 3), round(high, 3)) == (0.237, 0.763)
    assert (few.at_1, few.at_5) == (0.5, 0.7)


def test_concepts_translate_where_their_words_do() -> None:
    # three concepts here, four there: 0 goes to 0, 1 is divided, 2 has words in no surer place than chance
    first, second = np.array([0, 0, 0, 1, 1, 1, 1, 2, 2, 2]), np.array([0, 0, 0, 1, 1, 2, 2, 3, 3, 3])
    there = np.array([0, 1, 2, 3, 4, 5, 6, 7, 0, 3])
    sure = np.array([0.9, 0.9, 0.6, 0.8, 0.8, 0.7, 0.7, 0.04, 0.04, 0.04])
    words = [f"w{i}" for i in range(10)]
    done = Lexicon(("a", "b"), words, [w.upper() for w in words], there[:, None], sure[:, None], (3, 3), (), Precision(3, 2, 3))
    back = np.array([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]), sure
    found = counterparts(done, (first, second), back, (3, 4))
    rows = {(a, b): said for a, b, said in found.rows()}
    assert set(rows) == {(0, 0), (1, 1), (1, 2)}
    assert rows[0, 0]["words"] == 3
    assert rows[0, 0]["share"] == pytest.approx(0.8)
    assert rows[0, 0]["confidence"] == pytest.approx(0.8)
    assert rows[0, 0]["examples"] == "w0 = W0; w1 = W1; w2 = W2"
    assert rows[1, 1]["share"] == pytest.approx(0.4)
    assert rows[1, 1]["back"] == pytest.approx(0.8)
    assert rows[1, 1]["right"] == pytest.approx(2 / 3)
    assert [row[0] for row in done.surest(3)] == ["w0", "w1", "w3"]
    plain = Lexicon(("a", "b"), ["the", "of", ",,,", "cat", "dog"], words, np.arange(5)[:, None], sure[:5, None], (3, 3), (),
                    Precision(3, 2, 3))  # fmt: skip
    assert plain.surest(2) == [("the", "w0", 0.9), ("cat", "w3", 0.8)]
    assert done.of("w3") == [("W3", pytest.approx(0.8))]
    assert done.of("nothing") == []
    two = Lexicon(("a", "b"), ["cat"], ["un", "chat"], np.array([[0, 1]]), np.array([[0.25, 0.5]]), (3, 3), (), Precision(3, 2, 3))
    assert two.of("cat") == [("chat", 0.5), ("un", 0.25)]
    assert list(two) == [("cat", "un", 0.25, 1), ("cat", "chat", 0.5, 2)]
    assert next(iter(done)) == ("w0", "W0", 0.9, 1)
