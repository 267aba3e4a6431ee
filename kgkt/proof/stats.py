"""Paired comparison of two methods over the same seeds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kgkt.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

RESAMPLES = 10_000


@dataclass(frozen=True, slots=True)
class Spread:
    """Mean of a figure over seeds, with how sure it is.

    Args:
        mean: over the seeds.
        error: standard error of the mean; None with one seed.
        low, high: bootstrap 95 % interval of the mean; None with one seed.
        n: number of seeds.
    """

    mean: float
    error: float | None
    low: float | None
    high: float | None
    n: int


@dataclass(frozen=True, slots=True)
class Paired:
    """Method a minus method b, seed by seed.

    Args:
        difference: mean over the seeds, with its standard error and interval.
        wins, ties, losses: seeds in which a was above, level with and below b.
    """

    difference: Spread
    wins: int
    ties: int
    losses: int

    @property
    def below(self) -> bool:
        """Whether a lies below b by more than the standard error of the difference."""
        return self.difference.mean < -(self.difference.error or 0.0)

    @property
    def above(self) -> bool:
        """Whether the interval of the difference lies above 0; never with one seed."""
        return self.difference.low is not None and self.difference.low > 0


def spread(values: Sequence[float]) -> Spread:
    """Mean, standard error and bootstrap 95 % interval of figures over seeds.

    Args:
        values: (s,) one figure a seed.

    Returns:
        The spread; with one seed only its mean.

    Reference: percentile bootstrap, Efron 1979; 10,000 resamples, always the same ones.
    """
    import numpy as np

    x = np.asarray(values, np.float64)
    if not len(x):
        raise InputError("there is no seed to average over")
    if len(x) == 1:
        return Spread(float(x[0]), None, None, None, 1)
    draws = x[np.random.default_rng(0).integers(0, len(x), (RESAMPLES, len(x)))].mean(axis=1)
    low, high = np.quantile(draws, [0.025, 0.975])
    return Spread(float(x.mean()), float(x.std(ddof=1) / np.sqrt(len(x))), float(low), float(high), len(x))


def paired(a: Sequence[float], b: Sequence[float]) -> Paired:
    """Compare two methods that ran on the same seeds.

    Args:
        a: (s,) figures of the first method.
        b: (s,) figures of the second, seed by seed the same splits and labels.

    Raises:
        InputError: another number of seeds.
    """
    import numpy as np

    if len(a) != len(b):
        raise InputError(f"a paired difference needs the same seeds: {len(a)} figures against {len(b)}")
    difference = np.asarray(a, np.float64) - np.asarray(b, np.float64)
    return Paired(
        spread(difference.tolist()),
        int((difference > 0).sum()), int((difference == 0).sum()), int((difference < 0).sum()),
    )  # fmt: skip


def percent(share: float) -> str:
    """A share as per cent with one digit."""
    return f"{100 * share:.1f}"


def interval(s: Spread) -> str:
    """A 95 % interval in per cent; n/a with one seed."""
    return "n/a" if s.low is None or s.high is None else f"{100 * s.low:.1f} to {100 * s.high:.1f}"


def plus_minus(difference: Paired) -> str:
    """A paired difference in points with its standard error."""
    s = difference.difference
    return f"{100 * s.mean:+.1f}" + ("" if s.error is None else f" ±{100 * s.error:.1f}")
