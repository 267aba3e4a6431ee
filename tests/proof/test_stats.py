"""Paired comparison over seeds."""

from __future__ import annotations

import numpy as np
import pytest

from kgkt.errors import InputError
from kgkt.proof.stats import paired, spread


def test_spread_by_hand() -> None:
    s = spread([0.8, 0.9, 1.0])
    assert s.mean == pytest.approx(0.9)
    assert s.error == pytest.approx(0.1 / 3**0.5)
    assert s.low is not None
    assert s.high is not None
    assert 0.8 <= s.low < 0.9 < s.high <= 1.0
    assert s.n == 3


def test_interval_covers_the_true_mean_as_often_as_it_says() -> None:
    rng = np.random.default_rng(0)
    covered = 0
    for _ in range(200):
        s = spread(rng.normal(0.5, 0.1, 30))
        assert s.low is not None
        assert s.high is not None
        covered += s.low <= 0.5 <= s.high
    assert 180 <= covered <= 199  # 95 % of 200, less what a percentile bootstrap of 30 loses


def test_one_seed_has_no_interval() -> None:
    s = spread([0.7])
    assert (s.mean, s.error, s.low, s.high, s.n) == (0.7, None, None, None, 1)
    p = paired([0.7], [0.8])
    assert p.difference.error is None
    assert not p.above


def test_paired_is_seed_by_seed() -> None:
    a, b = [0.9, 0.8, 0.7, 0.6], [0.8, 0.7, 0.6, 0.6]
    p = paired(a, b)
    assert p.difference.mean == pytest.approx(0.075)
    assert p.difference.error == pytest.approx(np.std([0.1, 0.1, 0.1, 0.0], ddof=1) / 2)
    assert (p.wins, p.ties, p.losses) == (3, 1, 0)
    assert p.above
    assert not p.below
    assert paired(b, a).below


def test_the_interval_is_the_same_every_time() -> None:
    values = [0.1, 0.5, 0.9, 0.4]
    assert spread(values) == spread(values)


def test_refuses_what_cannot_be_paired() -> None:
    with pytest.raises(InputError, match="2 figures against 1"):
        paired([0.1, 0.2], [0.1])
    with pytest.raises(InputError, match="no seed"):
        spread([])
