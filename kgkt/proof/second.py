"""A second task: what a trained B's last hidden layer says of classes that it was never taught."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kgkt.errors import InputError, count
from kgkt.transfer.carry import last_hidden
from kgkt.transfer.head import logistic
from kgkt.transfer.taps import tapped

if TYPE_CHECKING:
    import keras
    import numpy as np

LABELS = 5  # of each class of the second task
DRAWS = 5  # of these labels; their mean counts
PROBE_C = 0.1  # inverse strength of the L2 penalty: few items, many units


def hidden(model: keras.Model, x: Any) -> np.ndarray:
    """(m, d) what goes into B's head for items x (m, ...)."""
    import numpy as np

    calls = tapped(model, last_hidden(model)[1], x, np.arange(len(x)), side="input")
    return np.concatenate([call[0].reshape(len(call[0]), -1) for call in calls])


def probe(H: np.ndarray, y: np.ndarray, seed: int, labels: int = LABELS) -> float:
    """How well few labels of a second task teach a logistic head on H to tell all others.

    Args:
        H: (m, d) what is read of the items; each column is brought to mean 0 and deviation 1.
        y: (m,) class index of each.
        seed: of the draws; the same items are drawn whatever H is.
        labels: of each class, one draw.

    Returns:
        Share of the items that were not drawn it gets right, mean over the draws.

    Reference: Alain & Bengio 2016 (linear probes).
    """
    import numpy as np

    H = (H - H.mean(axis=0)) / np.maximum(H.std(axis=0), 1e-6)
    right = []
    for draw in range(DRAWS):
        order = np.random.default_rng([seed, draw]).permutation(len(y))
        told = np.concatenate([order[y[order] == c][:labels] for c in range(int(y.max()) + 1)])
        rest = np.setdiff1d(order, told)
        right.append(float(np.mean(logistic(PROBE_C).fit(H[told], y[told]).predict(H[rest]) == y[rest])))
    return sum(right) / len(right)


def check_second(y: np.ndarray, file: str) -> tuple[np.ndarray, tuple[str, ...]]:
    """Class names (m,) of a second task as indices (m,) and the names.

    Raises:
        InputError: one class, or a class with too few items to draw labels from and to judge by.
    """
    import numpy as np

    names, at, sizes = np.unique(y.astype(str), return_inverse=True, return_counts=True)
    if len(names) < 2:
        raise InputError(f"{file} has {count(len(names), 'class')}: a second task tells two or more apart")
    least = int(sizes.argmin())
    if sizes[least] < 2 * LABELS:
        raise InputError(f"{file} has {count(int(sizes[least]), 'item')} of {names[least]}: {LABELS} of each class are "
                         f"labels and the rest judges, so give {2 * LABELS} or more, or leave that class out")
    return at, tuple(names.tolist())
