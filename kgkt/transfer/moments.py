"""The closed form of a layer: sums over its inputs and targets, and the ridge that is solved from them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

LAMBDA = 0.01  # ridge, as a share of the mean variance of the layer's inputs


class Moments:
    """Sums over items from which the ridge of a layer is solved, so that its inputs are never all in memory.

    Args:
        d: inputs of the layer.
        u: its units.
    """

    def __init__(self, d: int, u: int) -> None:
        import numpy as np

        self.n, self.edited = 0, False
        self.shift, self.t_shift = np.zeros(d), np.zeros(u)
        self.h, self.t, self.t_planned = np.zeros(d), np.zeros(u), np.zeros(u)
        self.hh, self.ht, self.ht_planned = np.zeros((d, d)), np.zeros((d, u)), np.zeros((d, u))

    def add(self, H: np.ndarray, T: np.ndarray, T_planned: np.ndarray) -> None:
        """Add a batch: layer inputs H (b, d), edited and planned targets (b, u), the same array if none is edited.

        Products are made in the precision of H, of distances to the first batch's means, and summed in double
        precision.
        """
        import numpy as np
        from scipy.linalg import blas

        if not self.n:
            self.shift = H.mean(axis=0, dtype=np.float64).astype(H.dtype)
            self.t_shift = T_planned.mean(axis=0, dtype=np.float64).astype(H.dtype)
        H = np.ascontiguousarray(H - self.shift)
        upper = (blas.ssyrk if H.dtype == np.float32 else blas.dsyrk)(1.0, H.T)  # half the work of H.T @ H
        self.n += len(H)
        self.h += H.sum(axis=0, dtype=np.float64)
        self.hh += upper
        self.edited = self.edited or T is not T_planned
        kinds = [(self.t_planned, self.ht_planned, T_planned)] + [(self.t, self.ht, T)] * (T is not T_planned)
        for sums, products, targets in kinds:
            apart = np.asarray(targets, H.dtype) - self.t_shift
            sums += apart.sum(axis=0, dtype=np.float64)
            products += H.T @ apart

    def solve(
        self, gain: float = 1.0, lam: float = LAMBDA, zero: float | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """The layer's kernel (d, u) and bias (u,) in closed form.

        With mu the mean of H, C = (H - mu)'(H - mu)/n and I the identity,
        Omega = (C + lam tr(C)/d I)^-1 (H - mu)'T/n, divided by the deviation of the outputs that the
        planned targets would give, times `gain`; bias = -mu Omega, plus what the edits moved the mean
        of T by. An edit of one strength is thus proportional, and stays in its unit.

        Args:
            gain: deviation of the outputs.
            lam: ridge, as a share of the mean variance.
            zero: the value of a target at which the output is 0; the mean of the planned targets by default.

        Reference: Hoerl and Kennard 1970 (ridge regression).
        """
        import numpy as np
        from scipy.linalg import solve

        n, d = self.n, len(self.h)
        mu = self.h / n
        C = (np.triu(self.hh) + np.triu(self.hh, 1).T) / n - np.outer(mu, mu)
        ridge = lam * np.trace(C) / d + 1e-12
        kinds = [(self.ht_planned, self.t_planned)] + [(self.ht, self.t)] * self.edited
        cross = [ht / n - np.outer(mu, t / n) for ht, t in kinds]
        found = np.hsplit(solve(C + ridge * np.eye(d), np.hstack(cross), assume_a="pos"), len(kinds))
        planned, omega, t = found[0], found[-1], kinds[-1][1]
        deviation = np.sqrt(np.maximum(np.einsum("du,du->u", planned, C @ planned), 0.0))
        scale = np.where(deviation > 1e-9, gain / np.maximum(deviation, 1e-9), 0.0)
        kernel = omega * scale
        middle = self.t_planned if zero is None else n * (zero - self.t_shift)
        return kernel, (t - middle) / n * scale - (self.shift + mu) @ kernel
