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

    from kgkt.values import ConceptGraph

CARRY = ("concepts",)
WEIGHT = 1.0  # of its loss beside B's own
NEAREST = 3  # concepts that a concept's distance to the others is measured by


class ConceptHead:
    """A softmax head over concepts on what goes into B's own head: trained with B, and then taken off.

    A linear layer says where in A's embedding an item lies; the softmax of its squared distances to the concepts'
    centroids, which stay as they are, says which concepts it is in. That is how the graph itself makes memberships. It
    has no part in B: B's file and B's answers are made as without it.

    Args:
        model: B.
        wanted: (n, k) what it learns to say of each item, rows sum to 1; of a row of zeros it learns nothing.
        centroids: (k, e) of the concepts.
        weight: of its loss beside B's own.

    Raises:
        InputError: B has no head that kgkt knows, or nothing before it can be trained.

    Reference: Caruana 1997 (multitask learning); Snell et al. 2017 (softmax of distances to prototypes).
    """

    def __init__(self, model: keras.Model, wanted: Any, centroids: np.ndarray, weight: float = WEIGHT) -> None:
        import keras
        import numpy as np

        self.path, self.layer = last_hidden(model)
        self.weight = weight
        self._centroids = keras.Variable(np.zeros_like(centroids, np.float32), trainable=False, name="carry_centroids")
        self._scale = keras.Variable(1.0, trainable=False, dtype="float32", name="carry_scale")
        self.learn(wanted, centroids)
        shape = int(self.layer.kernel.shape[0]), int(centroids.shape[1])
        # from 0 on B hears nothing of it until it knows what to say; from random weights it drowned B's own loss
        self._first = [np.zeros(shape, np.float32), np.zeros(shape[1], np.float32)]
        self.variables = [keras.Variable(value, dtype="float32", name=name)
                          for value, name in zip(self._first, ("carry_kernel", "carry_bias"), strict=True)]  # fmt: skip

    def learn(self, wanted: Any, centroids: np.ndarray) -> None:
        """Take (n, k) and centroids (k, e) of another graph of as many concepts, without being compiled anew."""
        self.wanted = wanted
        self._centroids.assign(centroids)
        self._scale.assign(distance_scale(centroids))

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

    def loss(self, place: Any, wanted: Any) -> Any:
        """Mean cross-entropy in nats of what places (b, e) in A's embedding say, over the items that have a concept."""
        import tensorflow as tf

        centroids, scale = (tf.convert_to_tensor(v.value) for v in (self._centroids, self._scale))
        each = tf.nn.softmax_cross_entropy_with_logits(wanted, _logits(place, centroids, scale))
        return tf.reduce_sum(each) / tf.maximum(tf.reduce_sum(wanted), 1.0)

    def told(self, model: keras.Model, x: Any, items: np.ndarray) -> float | None:
        """Share of items (r,) whose nearest concept it tells, out of those that have one; None where none has."""
        import numpy as np

        wanted = self.rows(items)
        has = wanted.any(axis=1)
        if not has.any():
            return None
        kernel, bias = self.weights()
        centroids, scale = self._centroids.numpy(), float(self._scale.numpy())
        hidden = np.concatenate([calls[0].reshape(-1, len(kernel)) for calls in
                                 tapped(model, self.layer, x, items, side="input")])  # fmt: skip
        answer = np.asarray(_logits(hidden @ kernel + bias, centroids, scale))
        return float((answer.argmax(axis=1) == wanted.argmax(axis=1))[has].mean())


def _logits(place: Any, centroids: Any, scale: Any) -> Any:
    """Minus the squared distances of places (b, e) to centroids (k, e) over a scale; what all share is left out."""
    import keras

    return (2 * place @ keras.ops.transpose(centroids) - keras.ops.sum(centroids**2, axis=1)) / scale


def distance_scale(centroids: np.ndarray) -> float:
    """Mean squared distance of a concept (k, e) to its three nearest others; 1 where there are no others."""
    import numpy as np
    from sklearn.neighbors import NearestNeighbors

    k = len(centroids)
    if k < 2:
        return 1.0
    found = NearestNeighbors(n_neighbors=min(NEAREST, k - 1)).fit(centroids).kneighbors()[0]
    return float(np.mean(found**2)) or 1.0


def head_beside(
    model: keras.Model, carry: str | None, weight: float, memberships: csr_matrix | None, graph: ConceptGraph | None,
) -> ConceptHead | None:
    """The head that carries what is asked for into B; None where nothing is, or with weight 0.

    Args:
        model: B.
        carry: "concepts", or None.
        weight: of its loss.
        memberships: (n, k) of the pool.
        graph: of its k concepts.

    Raises:
        InputError: as `ConceptHead` and `carried` do; no graph.
    """
    if carry is None:
        return None
    if memberships is None or graph is None:
        raise InputError("to carry concepts the graph and the memberships of the pool are needed: run populate")
    head = ConceptHead(model, *carried(memberships, graph), weight)
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


def carried(memberships: csr_matrix, graph: ConceptGraph) -> tuple[csr_matrix, np.ndarray]:
    """What a concept head learns to say of the pool: its items' memberships of active concepts, rows to 1.

    Args:
        memberships: (n, k).
        graph: of the k concepts.

    Returns:
        (n, a) float32 of the a active concepts that hold an item, zeros for an item that is in none of them; and their
        centroids (a, e).

    Raises:
        InputError: every concept is off.
    """
    import numpy as np
    from scipy.sparse import csr_matrix, diags

    Z = csr_matrix(memberships, dtype=np.float64)
    held = np.asarray(Z.sum(axis=0)).ravel() > 0
    kept = held & graph.active
    if not kept.any():
        raise InputError("every concept is switched off, so there is nothing to carry: switch some on, or leave out "
                         "--carry")
    Z = Z[:, kept]
    total = np.asarray(Z.sum(axis=1)).ravel()
    wanted = csr_matrix(diags(1.0 / np.where(total > 0, total, 1.0)) @ Z, dtype=np.float32)
    return wanted, np.asarray(graph.centroids, np.float32)[kept]


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
