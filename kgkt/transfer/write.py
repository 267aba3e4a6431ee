"""Writing the map into B's Dense layers in closed form, and what an edited strength does."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from kgkt.transfer.blocks import rescaling
from kgkt.transfer.outputs import Outputs
from kgkt.transfer.taps import tapped
from kgkt.values import BlockMap, Labels, Targets

if TYPE_CHECKING:
    import keras
    import numpy as np
    from scipy.sparse import csr_matrix

LAMBDA = 0.01  # ridge, as a share of the mean variance of the layer's inputs
HEAD_GAIN = 4.0  # logits of unit deviation would leave softmax nearly uniform
WIDEST = 4096  # inputs of a layer: its Gram matrix is solved in double precision (128 MB at this width)


def edited_targets(
    targets: Targets, memberships: csr_matrix, planned: csr_matrix, strength: csr_matrix
) -> Targets:
    """Carry the user's edits of the head's strengths into the targets.

    P_edited = rows to 1 of P * (Z S_edited) / (Z S_planned). An item whose ratios are all 1 keeps
    its row to the bit. Where nothing was planned, a new strength enters with its own share Z S_edited.
    An item left without any class gets a uniform row and weight 0.

    Args:
        targets: from the teacher.
        memberships: (n, k), Z; `fuse` gives each item's nearest concept alone.
        planned, strength: (k, c) of the head.

    Returns:
        The targets with P and weight edited.
    """
    import numpy as np

    if (planned != strength).nnz == 0:
        return targets
    before = np.asarray((memberships @ planned).todense(), np.float64)
    after = np.asarray((memberships @ strength).todense(), np.float64)
    P, weight = np.array(targets.P, np.float64), np.array(targets.weight)
    touched = np.flatnonzero((before != after).any(axis=1))
    was, now, old = before[touched], after[touched], P[touched]
    new = np.where(was > 0, old * now / np.where(was > 0, was, 1.0), np.where(now > 0, now, old))
    total = new.sum(axis=1, keepdims=True)
    empty = total[:, 0] <= 0
    P[touched] = np.where(empty[:, None], 1.0 / P.shape[1], new / np.where(total > 0, total, 1.0))
    weight[touched[empty]] = 0.0
    return replace(targets, P=P.astype(np.float32), weight=weight)


def against_first(strength: csr_matrix) -> csr_matrix:
    """Strengths (k, 2) to both classes of the one slot (k, 1) that carries the second against the first.

    What a concept does not carry of the second it carries of the first: strength 0 leads to the first, 1 to the
    second, 0.5 to neither.
    """
    import numpy as np
    from scipy.sparse import csr_matrix

    second = strength.toarray()
    return csr_matrix(np.hstack([np.maximum(1.0 - second, 0.0), second]))


def training_targets(targets: Targets, labels: Labels, sharpen: float) -> tuple[np.ndarray, np.ndarray]:
    """What B is trained on: P to the power `sharpen`, rows to 1, labelled items at their labels.

    Returns:
        P (n, c) float32, weight (n,) float32 (1 for labelled items).
    """
    import numpy as np

    P = np.asarray(targets.P, np.float64) ** sharpen
    P /= P.sum(axis=1, keepdims=True)
    weight = np.array(targets.weight, np.float32)
    P[labels.items] = np.eye(P.shape[1])[labels.classes]
    weight[labels.items] = 1.0
    return P.astype(np.float32), weight


class Moments:
    """Sums over items from which the ridge of a layer is solved, so that its inputs are never all in memory.

    Args:
        d: inputs of the layer.
        u: its units.
    """

    def __init__(self, d: int, u: int) -> None:
        import numpy as np

        self.n = 0
        self.h, self.t, self.t_planned = np.zeros(d), np.zeros(u), np.zeros(u)
        self.hh, self.ht, self.ht_planned = np.zeros((d, d)), np.zeros((d, u)), np.zeros((d, u))

    def add(self, H: np.ndarray, T: np.ndarray, T_planned: np.ndarray) -> None:
        """Add a batch: layer inputs H (b, d), edited and planned targets (b, u)."""
        import numpy as np

        H = np.asarray(H, np.float64)
        self.n += len(H)
        self.h += H.sum(axis=0)
        self.t += T.sum(axis=0)
        self.t_planned += T_planned.sum(axis=0)
        self.hh += H.T @ H
        self.ht += H.T @ T
        self.ht_planned += H.T @ T_planned

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
        C = self.hh / n - np.outer(mu, mu)
        ridge = lam * np.trace(C) / d + 1e-12
        cross = [ht / n - np.outer(mu, t / n) for ht, t in ((self.ht, self.t), (self.ht_planned, self.t_planned))]
        both = solve(C + ridge * np.eye(d), np.hstack(cross), assume_a="pos")
        omega, planned = np.hsplit(both, 2)
        deviation = np.sqrt(np.maximum(np.einsum("du,du->u", planned, C @ planned), 0.0))
        scale = np.where(deviation > 1e-9, gain / np.maximum(deviation, 1e-9), 0.0)
        kernel = omega * scale
        middle = self.t_planned if zero is None else n * zero
        return kernel, (self.t - middle) / n * scale - mu @ kernel


def write_layer(
    model: keras.Model,
    path: str,
    layer: keras.layers.Dense,
    x: Any,
    rows: np.ndarray,
    block_map: BlockMap,
    memberships: csr_matrix,
    head: tuple[np.ndarray, np.ndarray],
    outputs: Outputs,
) -> str:
    """Write one Dense layer's weights from the map, given the weights before it.

    Args:
        model: B, changed in place.
        path: the layer's name in the map.
        layer: the layer.
        x: (n, ...) the pool as B reads it.
        rows: items to write from.
        block_map: planned and edited strengths.
        memberships: (n, k).
        head: (n, c) edited and planned targets, written where the layer is the head.
        outputs: how B's outputs are read.

    Returns:
        An empty string, or why the layer cannot be written (nothing is changed then).
    """
    import numpy as np

    if not layer.trainable or not layer.kernel.trainable:
        return "it is frozen"
    d, u = layer.kernel.shape
    if d > WIDEST:
        return f"its {d:,} inputs are more than {WIDEST:,}"
    is_head = block_map.blocks[path][0].kind == "head"
    moments, start = Moments(d, u), 0
    for calls in tapped(model, layer, x, rows, side="input"):
        if len(calls) != 1:
            return f"it is shared, called {len(calls)} times"
        if calls[0].ndim != 2:
            return f"it reads every position of inputs of shape {calls[0].shape[1:]}"
        if not np.isfinite(calls[0]).all():
            return "its inputs are not finite"
        batch = rows[start : start + len(calls[0])]
        start += len(batch)
        if is_head:
            T, T_planned = (P[batch][:, -u:] for P in head)  # of a single slot: the second class
        else:
            z = memberships[batch]
            T = np.asarray((z @ block_map.strength[path]).todense(), np.float64)
            T_planned = np.asarray((z @ block_map.planned[path]).todense(), np.float64)
        moments.add(calls[0], T, T_planned)
    if is_head:
        # a class judged by itself has logit 0 where it is as likely as not; those judged together are only compared
        kernel, bias = moments.solve(HEAD_GAIN / rescaling(model), zero=0.5 if outputs.each else None)
    else:
        kernel, bias = moments.solve()
    layer.kernel.assign(kernel)
    if layer.use_bias:
        layer.bias.assign(bias)
    return ""
