"""Rows of a trained B foretold from A's vectors: what is explained, how long they are, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from kgkt.errors import InputError
from kgkt.transfer.words.row_map import explained, learn_row_map
from kgkt.transfer.words.row_plan import Space, Words, into_b, written_rows

N, NEW = 200, 60  # words that B trained, and others


def words_of(noise: float | None) -> tuple[Words, np.ndarray]:
    """Words whose true rows lie around a long mean row, noise times what A says of them beside it; None: all is noise."""
    draw = np.random.default_rng(0)
    vectors = draw.normal(size=(N + NEW, 12)).astype(np.float32)
    said = vectors @ draw.normal(size=(12, 8)) / 12**0.5
    parts = said + noise * draw.normal(size=said.shape) if noise is not None else draw.normal(size=said.shape)
    true = (parts / parts.std() + 3).astype(np.float32)
    own = np.where(np.arange(N + NEW)[:, None] < N, true, 0.01).astype(np.float32)
    homes = np.zeros(N + NEW, np.int64)
    return Words(own, np.arange(N + NEW) < N, np.arange(N + NEW), vectors, homes, vectors.mean(axis=0)[None]), true


def placed(words: Words, norm: float | None = None) -> tuple[Space, np.ndarray]:
    space = into_b(words, "auto", None, norm)
    return space, space.place(words.vectors[N:])


@pytest.mark.parametrize("noise", [0.5, 2.0])
def test_foretold_rows_lie_as_far_from_the_mean_row_as_bs_own(noise: float) -> None:
    words, true = words_of(noise)
    space, rows = placed(words)
    assert space.learned is not None
    mean = true[:N].mean(axis=0)
    far, own = (np.linalg.norm(part - mean, axis=1) for part in (rows, true[N:]))
    assert far.mean() == pytest.approx(own.mean(), rel=0.2)
    assert np.linalg.norm(rows, axis=1).mean() == pytest.approx(np.linalg.norm(true, axis=1).mean(), rel=0.1)
    raw = space.learned.predict(words.vectors[N:]) - mean
    assert np.linalg.norm(raw, axis=1).mean() < 0.95 * own.mean()
    cosine = ((rows - mean) * (true[N:] - mean)).sum(axis=1) / far / own
    assert cosine.mean() > (0.7 if noise == 0.5 else 0.15)
    assert np.linalg.norm(placed(words, 0.5)[1], axis=1).mean() == pytest.approx(0.5, rel=0.1)


def test_a_length_is_that_of_the_rows_that_are_written() -> None:
    words, _ = words_of(0.5)
    rows = into_b(words, "auto", None, 0.5, keep=True).place(words.vectors[N:])  # what B trained stays
    assert np.linalg.norm(rows, axis=1).mean() == pytest.approx(0.5)


def among_each_other(rows: np.ndarray) -> float:
    """The mean cosine of pairs of rows."""
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return float((unit[::2] * unit[1::2]).sum(axis=1).mean())


def test_a_whole_row_made_longer_would_be_the_mean_row() -> None:
    """The figures of docs/commands.md: 1,000 rows that B trained, of which ridge explains 1 %, and 300 others."""
    draw = np.random.default_rng(1)
    vectors = draw.normal(size=(1300, 20)).astype(np.float32)
    said = vectors @ draw.normal(size=(20, 16)) / 20**0.5
    said += 6 * draw.normal(size=said.shape)
    true = (said / said.std() + 2 * draw.normal(size=16)).astype(np.float32)
    own, one = true * (np.arange(1300) < 1000)[:, None], np.zeros(1300, np.int64)
    words = Words(own, np.arange(1300) < 1000, np.arange(1300), vectors, one, vectors.mean(axis=0)[None])
    space = into_b(words, "auto", None, None)
    assert space.learned is not None
    assert space.learned.ridge == pytest.approx(0.013, abs=0.003)
    new, mean = vectors[1000:], true[:1000].mean(axis=0)
    raw, placed_ = space.learned.predict(new), space.place(new)
    assert among_each_other(raw) == pytest.approx(1, abs=0.005)  # whatever its length
    assert among_each_other(true[1000:]) == pytest.approx(0.75, abs=0.02)
    assert among_each_other(placed_) == pytest.approx(0.73, abs=0.02)
    far, own_far = (np.linalg.norm(part - mean, axis=1).mean() for part in (placed_, true[1000:]))
    assert far == pytest.approx(own_far, rel=0.05)


def test_what_is_not_above_chance_is_refused() -> None:
    words, _ = words_of(None)
    with pytest.raises(InputError, match=r"above 0 by 3 standard errors \(ridge .* % ±.*, of 40 held out\): nothing"):
        into_b(words, "auto", None, None)
    with pytest.raises(InputError, match="A has vectors of 20 words of these rows: 50 or more"):
        learn_row_map(words.vectors[:20], words.own[:20])
    with pytest.raises(InputError, match="the same for every word"):
        learn_row_map(words.vectors[:N], np.ones((N, 8), np.float32))


def test_the_share_that_is_explained_has_a_standard_error() -> None:
    true = np.array([[1.0, 0], [0, 2], [3, 0]])
    assert explained(true, true) == pytest.approx((1.0, 0.0))
    assert explained(true, 0 * true) == pytest.approx((0.0, 0.0))
    share, error = explained(true, np.array([[1.0, 0], [0, 0], [0, 0]]))
    assert share == pytest.approx(1 / 14)
    gains = np.array([1.0, 0, 0]) - np.array([1.0, 4, 9]) / 14
    assert error == pytest.approx(gains.std() / (14 / 3) / 3**0.5)


def test_where_nothing_is_left_to_write_rows_stay() -> None:
    words, _ = words_of(0.5)
    rows, s = written_rows(words, csr_matrix((N + NEW, 1)), None, placed(words)[0])
    np.testing.assert_array_equal(rows, words.own)
    assert not s.any()
