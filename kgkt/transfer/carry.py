"""Carrying concepts: B's last hidden layer learns beside the classes which concepts an item is in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kgkt.errors import InputError, nearest
from kgkt.transfer.blocks import head_layer, leaves
from kgkt.transfer.taps import run_model, tapped

if TYPE_CHECKING:
    import keras
    import numpy as np
    from scipy.sparse import csr_matrix

CARRY = ("concepts",)
WEIGHT = 1.0  # of its loss beside B's own


class ConceptHead:
    """A softmax head over concepts on what goes into B's own head: trained with B, and then taken off.

    It has no part in B: B's file and B's answers are made as without it.

    Args:
        model: B.
        wanted: (n, k) what it learns to say of each item, rows sum to 1; of a row of zeros it learns nothing.
        weight: of its loss beside B's own.
        seed: of its first weights.

    Raises:
        InputError: B has no head that kgkt knows, or nothing before it can be trained.

    Reference: Caruana 1997 (multitask learning).
    """

    def __init__(self, model: keras.Model, wanted: Any, weight: float = WEIGHT, seed: int = 0) -> None:
        import keras
        import numpy as np

        self.path, self.layer = last_hidden(model)
        self.wanted, self.weight = wanted, weight
        shape = int(self.layer.kernel.shape[0]), int(wanted.shape[1])
        self._first = [np.asarray(keras.initializers.GlorotUniform(seed)(shape), np.float32),
                       np.zeros(shape[1], np.float32)]  # fmt: skip
        self.variables = [keras.Variable(value, dtype="float32", name=name)
                          for value, name in zip(self._first, ("carry_kernel", "carry_bias"), strict=True)]  # fmt: skip

    @property
    def width(self) -> int:
        """How many concepts there are."""
        return int(self.wanted.shape[1])

    def weights(self) -> list[np.ndarray]:
        """A copy of its variables."""
        return [v.numpy() for v in self.variables]

    def reset(self, weights: list[np.ndarray] | None = None) -> None:
        """Give it `weights`, those that it began with by default."""
        for variable, value in zip(self.variables, weights or self._first, strict=True):
            variable.assign(value)

    def rows(self, items: np.ndarray) -> np.ndarray:
        """What is wanted of some items, (..., k) float32 for items (...)."""
        import numpy as np

        found = self.wanted[items.ravel()]
        dense = found if isinstance(found, np.ndarray) else found.toarray()
        return np.asarray(dense, np.float32).reshape(*items.shape, self.width)

    def run(self, model: keras.Model, x: Any, wanted: Any) -> tuple[Any, Any]:
        """One training pass of B, to be called while TensorFlow traces it.

        Args:
            model: B.
            x: (b, ...) a batch.
            wanted: (b, k) what the head is to say of it.

        Returns:
            B's output tensor, and the weighted loss of the head, a number.
        """
        import tensorflow as tf

        original, calls = self.layer.call, []

        def record(inputs: Any, *args: Any, **kwargs: Any) -> Any:
            calls.append(inputs)
            return original(inputs, *args, **kwargs)

        self.layer.call = record
        try:
            y = run_model(model, x, training=True)
        finally:
            del self.layer.call
        if len(calls) != 1:
            raise InputError(f"B's head {self.path} is called {len(calls)} times: which of its inputs would carry the "
                             "concepts? Leave out --carry, or give B a head that is called once")
        hidden = tf.reshape(tf.cast(calls[0], tf.float32), (-1, self.layer.kernel.shape[0]))
        kernel, bias = (tf.convert_to_tensor(v.value) for v in self.variables)
        return y, self.weight * self.loss(hidden @ kernel + bias, wanted)

    def loss(self, answer: Any, wanted: Any) -> Any:
        """Mean cross-entropy in nats of its answer (b, k), logits, over the items that have a concept."""
        import tensorflow as tf

        each = tf.nn.softmax_cross_entropy_with_logits(wanted, answer)
        return tf.reduce_sum(each) / tf.maximum(tf.reduce_sum(wanted), 1.0)

    def told(self, model: keras.Model, x: Any, items: np.ndarray) -> float | None:
        """Share of items (r,) whose nearest concept it tells, out of those that have one; None where none has."""
        import numpy as np

        wanted = self.rows(items)
        has = wanted.any(axis=1)
        if not has.any():
            return None
        kernel, bias = self.weights()
        hidden = np.concatenate([calls[0].reshape(-1, len(kernel)) for calls in
                                 tapped(model, self.layer, x, items, side="input")])  # fmt: skip
        right = (hidden @ kernel + bias).argmax(axis=1) == wanted.argmax(axis=1)
        return float(right[has].mean())


def head_beside(
    model: keras.Model, carry: str | None, weight: float, memberships: csr_matrix | None, active: np.ndarray | None,
    seed: int,
) -> ConceptHead | None:
    """The head that carries what is asked for into B; None where nothing is, or with weight 0.

    Args:
        model: B.
        carry: "concepts", or None.
        weight: of its loss.
        memberships: (n, k) of the pool.
        active: (k,) bool; None: all are.
        seed: of its first weights.

    Raises:
        InputError: as `ConceptHead` and `carried` do; no memberships.
    """
    if carry is None:
        return None
    if memberships is None:
        raise InputError("to carry concepts the memberships of the pool are needed: run populate")
    head = ConceptHead(model, carried(memberships, active), weight, seed)
    return head if weight else None


def last_hidden(model: keras.Model) -> tuple[str, Any]:
    """B's own head, (path, layer), whose input is B's last hidden layer.

    Raises:
        InputError: B has no head that kgkt knows, or no weights before it that are trained.
    """
    found = head_layer(model)
    if found is None:
        last = list(leaves(model))[-1][0]
        raise InputError(f"B ends in {last}, and no Dense layer over the classes leads there: kgkt does not know "
                         "which of its layers would carry the concepts. Leave out --carry")
    own = {id(v) for v in found[1].trainable_variables}
    if all(id(v) in own for v in model.trainable_variables):
        raise InputError(f"nothing before B's head {found[0]} can be trained, so nothing can be carried into it: leave "
                         "out --carry, or set trainable = True on a layer before the head and save B again")
    return found


def carried(memberships: csr_matrix, active: np.ndarray | None = None) -> csr_matrix:
    """What a concept head learns to say of the pool: its items' memberships of active concepts, rows to 1.

    Args:
        memberships: (n, k).
        active: (k,) bool; None: all are.

    Returns:
        (n, a) float32 of the a active concepts that hold an item; zeros for an item that is in none of them.

    Raises:
        InputError: every concept is off.
    """
    import numpy as np
    from scipy.sparse import csr_matrix, diags

    Z = csr_matrix(memberships, dtype=np.float64)
    held = np.asarray(Z.sum(axis=0)).ravel() > 0
    kept = held if active is None else held & np.asarray(active, bool)
    if not kept.any():
        raise InputError("every concept is switched off, so there is nothing to carry: switch some on, or leave out "
                         "--carry")
    Z = Z[:, kept]
    total = np.asarray(Z.sum(axis=1)).ravel()
    return csr_matrix(diags(1.0 / np.where(total > 0, total, 1.0)) @ Z, dtype=np.float32)


def check_carry(carry: str | None, weight: float) -> None:
    """Refuse a kind of carrying that there is not, and a weight that is none.

    Raises:
        InputError: with the nearest kind.
    """
    import math

    if carry is not None and carry not in CARRY:
        raise InputError(f"carry is {carry!r}{nearest(carry, CARRY)}")
    if not (math.isfinite(weight) and weight >= 0):
        raise InputError(f"carry_weight is {weight}, expected a number from 0 on")
