"""Whether B's answers speak against the order that its classes are taken in."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

SURE = 3.0  # standard errors by which another order must be right more often


def doubt_order(P: np.ndarray, y: np.ndarray, seed: int = 0) -> tuple[str, np.ndarray | None]:
    """Why B's outputs may stand for other classes than they are taken for.

    Args:
        P: (n, c) probabilities of B for texts with classes.
        y: (n,) class indices, as the order has them.
        seed: of the half of the texts that another order is found on; it is judged on the other half.

    Returns:
        "" where nothing speaks against it, else why, in words; and the order (c,) that the answers agree best with, as
        indices of the present one, or None where none is right more often by more than 3 standard errors.

    Reference: Kuhn 1955 (assignment).
    """
    import numpy as np

    n, c = P.shape
    said = P.argmax(axis=1)
    right, order = float((said == y).mean()), np.random.default_rng(seed).permutation(n)
    half = order[: n // 2]
    best = _agreed(said[half], y[half], c)
    more = (best[said] == y).astype(float)[order[n // 2 :]] - (said == y)[order[n // 2 :]]
    apart = float(more.mean()) > SURE * max(float(np.std(more)), 1e-12) / len(more) ** 0.5
    other = _agreed(said, y, c) if apart else None
    loss = float(-np.log(np.clip(P[np.arange(n), y], 1e-7, 1)).mean())
    figures = f"{100 * right:.1f} % right of {n:,} texts, loss {loss:.3f}; who knows nothing has {100 / c:.1f} % and " \
              f"{np.log(c):.3f}"  # fmt: skip
    if right <= 1 / c:
        return f"is no better than chance ({figures})", other
    if loss >= np.log(c):
        return f"has a loss no better than chance ({figures})", other
    return ("", None) if other is None else (f"is right less often than in another order ({figures})", other)


def _agreed(said: np.ndarray, y: np.ndarray, c: int) -> np.ndarray:
    """(c,) the class that each output stands for, where as many answers as can be are right."""
    import numpy as np
    from scipy.optimize import linear_sum_assignment

    found = np.zeros((c, c), np.int64)
    np.add.at(found, (said, y), 1)
    return np.asarray(linear_sum_assignment(-found)[1])
