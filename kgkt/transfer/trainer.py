"""Teaching B soft targets with one compiled train step, reused over many runs."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from typing import TYPE_CHECKING, Any

from kgkt.errors import BelowBarError, InputError, count
from kgkt.transfer.blocks import check_precision, check_single
from kgkt.transfer.inputs import width
from kgkt.transfer.outputs import Outputs, cross_entropy, probabilities, read_outputs
from kgkt.transfer.taps import as_input, run_model

if TYPE_CHECKING:
    import keras
    import numpy as np

    from kgkt.transfer.carry import ConceptHead

Progress = Callable[[int, int], None]

CHUNK_BYTES = 64 << 20  # of items handed to the compiled loop at once
TINY = 1e-7  # the least probability whose logarithm is taken
EXPLODED = 5.0  # times the loss of an uninformed B, or of B's first step where that is larger


class Trainer:
    """Trains one model again and again from the weights it came with, without tracing anew.

    B's own optimizer, loss and metrics are not used; regularisers and dtype policies of its layers are.

    Args:
        model: B, with one output.
        batch: items a step.
        learning_rate: of Adam.
        from_logits: whether B's outputs are logits, where its last layer does not say.
        beside: a head that is trained with B on another question, or None.
    """

    def __init__(
        self, model: keras.Model, *, batch: int = 64, learning_rate: float = 1e-3, from_logits: bool | None = None,
        beside: ConceptHead | None = None,
    ) -> None:
        check_single(model)
        check_precision(model)
        if not model.trainable_variables:
            raise InputError("every layer of B is frozen; set trainable = True on one and save it again")
        self.model = model
        self.batch = batch
        self.beside = beside
        self.outputs = read_outputs(model, from_logits)
        self.initial = self.weights()
        self._adam = make_adam(model, learning_rate)
        self._adam.build([*model.trainable_variables, *(beside.variables if beside else ())])
        self._adam_initial = [v.numpy() for v in self._adam.variables]
        self._run, self._forward = _compile(model, self._adam, self.outputs)
        self._run_beside: Any = _compile(model, self._adam, self.outputs, beside)[0] if beside else None

    def weights(self) -> list[np.ndarray]:
        """A copy of all of B's variables."""
        return [v.numpy() for v in self.model.variables]

    def reset(self, weights: list[np.ndarray] | None = None) -> None:
        """Give B `weights` (those it came with by default) and forget the optimizer's memory."""
        for variable, value in zip(self.model.variables, weights or self.initial, strict=True):
            variable.assign(value)
        for variable, value in zip(self._adam.variables, self._adam_initial, strict=True):
            variable.assign(value)
        if self.beside:
            self.beside.reset()

    def seed_dropout(self, seed: int) -> None:
        """Let B's dropout begin from `seed`, whatever was drawn before."""
        import numpy as np

        for number, variable in enumerate(v for v in self.model.variables if v.path.endswith("seed_generator_state")):
            variable.assign(np.array([seed, number], dtype=variable.dtype))

    def train(
        self,
        x: Any,
        P: np.ndarray,
        weight: np.ndarray,
        steps: int,
        seed: int,
        *,
        rows: np.ndarray | None = None,
        held_out: np.ndarray | None = None,
        every: int = 20,
        patience: int = 5,
        progress: Progress | None = None,
        alone: bool = False,
    ) -> dict[str, list[float]]:
        """Take Adam steps on soft targets from where B stands; the same seed gives the same B.

        A course (`course`) is the same with a pause after each look.

        Args:
            x: (n, ...) items as B reads them, or Inputs.
            P: (n, c) targets, rows sum to 1.
            weight: (n,) of the items; items of weight 0 are not used.
            steps: at most.
            seed: of the order of items and of B's dropout.
            rows: items to train on; all by default.
            held_out: items for early stopping; without them all steps are taken.
            every: steps between two looks at `held_out`.
            patience: looks without improvement before stopping; the best weights are restored.
            progress: called with (steps taken, steps).
            alone: whether the head beside B is left out.

        Returns:
            "loss" a step, B's own; with `held_out` also "held_out", its loss at each look, and "best_step"; with a
            head beside B "carried", the share of the held-out items whose concept it tells.

        Raises:
            BelowBarError: the loss became NaN or exploded; B's weights are those it came with.
        """
        history: dict[str, list[float]] = {}
        for _ in self.course(x, P, weight, steps, seed, history, rows=rows, held_out=held_out, every=every,
                             patience=patience, progress=progress, alone=alone):  # fmt: skip
            pass
        return history

    def course(
        self, x: Any, P: np.ndarray, weight: np.ndarray, steps: int, seed: int, history: dict[str, list[float]], *,
        rows: np.ndarray | None = None, held_out: np.ndarray | None = None, every: int = 20, patience: int = 5,
        progress: Progress | None = None, alone: bool = False,
    ) -> Generator[int, bool | None, None]:
        """Train as `train` does, and pause after each look: yields the steps taken.

        In a pause B may be used otherwise, if `state` is kept and given back to `restore`. What has happened is in
        `history`; in the end B has its best weights. True that is sent into a pause ends the training.
        """
        import numpy as np

        use = np.arange(len(P)) if rows is None else np.asarray(rows)
        use = use[np.asarray(weight)[use] > 0]
        if len(use) == 0:
            raise InputError("no item has a target: label an item or switch concepts on, then propagate")
        weight = np.asarray(weight, np.float32) / np.mean(weight[use], dtype=np.float64).astype(np.float32)
        P = np.asarray(P, np.float32)
        self.seed_dropout(seed)
        history["loss"] = []
        best: tuple[float, int, list[np.ndarray], list[np.ndarray]] | None = None
        beside = None if alone else self.beside
        run = self._run_beside if beside else self._run
        taken = 0
        for chunk in self._chunks(x, use, steps, every, seed):
            also = beside.rows(chunk) if beside else np.zeros((*chunk.shape, 0), np.float32)
            losses, sound = (v.numpy() for v in run(as_input(self.model, x, chunk), P[chunk], weight[chunk], also))
            history["loss"] += losses.astype(float).tolist()
            taken += len(chunk)
            self._check(losses, bool(sound), history["loss"][0], taken)
            if progress:
                progress(taken, steps)
            if held_out is not None and (taken % every == 0 or taken == steps):
                look = float(self.losses(x, P, held_out).mean())
                history.setdefault("held_out", []).append(look)
                if best is None or look < best[0]:
                    best = (look, taken, self.weights(), beside.weights() if beside else [])
                elif taken - best[1] >= patience * every:
                    break
            if (taken % every == 0 or taken == steps) and (yield taken):
                break
        if best is not None:
            self.reset(best[2])
            history["best_step"] = [float(best[1])]
            if beside:
                beside.reset(best[3])
        if beside and held_out is not None and (told := beside.told(self.model, x, held_out)) is not None:
            history["carried"] = [told]

    def state(self) -> list[np.ndarray]:
        """A copy of the variables of B, of the head beside it, and of the optimizer's memory."""
        return [v.numpy() for v in self._all()]

    def restore(self, state: list[np.ndarray]) -> None:
        """Put B, the head beside it and the optimizer where `state` says they were."""
        for variable, value in zip(self._all(), state, strict=True):
            variable.assign(value)

    def _all(self) -> list[Any]:
        beside = self.beside.variables if self.beside else ()
        return [*self.model.variables, *beside, *self._adam.variables]

    def predict(self, x: Any, rows: np.ndarray | None = None, batch: int = 1024) -> np.ndarray:
        """B's class probabilities (r, c) float32 for the items `rows` of `x` (all by default); see `probabilities`."""
        import numpy as np

        rows = np.arange(len(x)) if rows is None else np.asarray(rows)
        parts = [
            self._forward(as_input(self.model, x, rows[i : i + batch])).numpy() for i in range(0, len(rows), batch)
        ]
        return np.concatenate(parts) if parts else np.zeros((0, self.outputs.classes), np.float32)

    def losses(self, x: Any, P: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Cross-entropy (r,) in nats of B's probabilities against the targets of the items `rows`, as it is taught."""
        import numpy as np

        predicted = self.predict(x, rows)
        right = P[rows] * np.log(np.maximum(predicted, TINY))
        if not self.outputs.each or self.outputs.units == 1:
            return -np.sum(right, axis=1)
        return -np.mean(right + (1 - P[rows]) * np.log(np.maximum(1 - predicted, TINY)), axis=1)

    def accuracy(self, x: Any, y: np.ndarray, rows: np.ndarray | None = None) -> float:
        """Share of the items whose most probable class is `y` (r,)."""
        return float(self.right(x, y, rows).mean())

    def right(self, x: Any, y: np.ndarray, rows: np.ndarray | None = None) -> np.ndarray:
        """(r,) bool: the items whose most probable class is `y` (r,)."""
        return self.predict(x, rows).argmax(axis=1) == y

    def _chunks(self, x: Any, use: np.ndarray, steps: int, every: int, seed: int) -> Iterator[np.ndarray]:
        """Yield item indices (s, batch): each item once an epoch, never across a look at the held-out."""
        import numpy as np

        rng = np.random.default_rng(seed)
        wide = width(x) + (self.beside.width if self.beside else 0)
        largest = max(1, min(every, CHUNK_BYTES // max(1, 4 * wide * self.batch)))
        stream = np.empty(0, dtype=np.int64)
        taken = 0
        while taken < steps:
            size = min(largest, steps - taken, every - taken % every)
            while len(stream) < size * self.batch:
                stream = np.concatenate([stream, rng.permutation(use)])
            yield stream[: size * self.batch].reshape(size, self.batch)
            stream = stream[size * self.batch :]
            taken += size

    def _check(self, losses: np.ndarray, sound: bool, first: float, taken: int) -> None:
        """Stop a training whose loss or weights are no numbers or whose loss exploded; B's weights are restored."""
        import numpy as np

        uninformed = np.log(2 if self.outputs.each else self.outputs.classes)
        if not np.isfinite(losses).all():
            what = "the loss is not a number"
        elif not sound:  # relu turns NaN into 0 on some processors, and the loss looks fine
            what = "weights became no numbers"
        elif losses.mean() > EXPLODED * max(uninformed, first):
            what = f"the loss exploded from {first:.3g} to {losses.mean():.3g}"
        else:
            return
        self.reset()
        raise BelowBarError(
            f"training stopped after {count(taken, 'step')}: {what}. B has its own weights again.\n"
            "Look for wild values in B's data or weights, or teach it with a smaller learning rate."
        )


def make_adam(model: keras.Model, learning_rate: float) -> Any:
    """Adam; with the loss scaled where a layer computes in float16, in which small gradients are 0.

    Keras does the same in `compile`, by the policy of the model, which a file does not keep; layers keep theirs.

    Reference: Micikevicius et al. 2018 (mixed precision training).
    """
    import keras

    adam = keras.optimizers.Adam(learning_rate)
    if any(layer.compute_dtype == "float16" for layer in model._flatten_layers()):  # those inside of wrappers too
        return keras.optimizers.LossScaleOptimizer(adam)
    return adam


def _compile(
    model: keras.Model, adam: Any, outputs: Outputs, beside: ConceptHead | None = None
) -> tuple[Any, Any]:
    """Compile B's training loop over (s, batch, ...) and its forward pass, free in both leading sizes."""
    import tensorflow as tf

    @tf.autograph.experimental.do_not_convert
    def through(x: list[Any], also: Any) -> tuple[Any, list[Any]]:
        if beside is None:
            return run_model(model, x, training=True), []
        y, added = beside.run(model, x, also)
        return y, [added]

    def run(x: list[Any], P: Any, weight: Any, also: Any) -> Any:
        variables = [*model.trainable_variables, *(beside.variables if beside else ())]
        losses = tf.TensorArray(tf.float32, size=tf.shape(P)[0])
        for i in tf.range(tf.shape(P)[0]):
            with tf.GradientTape() as tape:
                y, added = through([part[i] for part in x], also[i])
                loss = tf.reduce_mean(cross_entropy(outputs, P[i], y) * weight[i])
                extra = [tf.cast(other, tf.float32) for other in [*model.losses, *added]]
                total = adam.scale_loss(tf.add_n([loss, *extra]))
            pairs = zip(tape.gradient(total, variables), variables, strict=True)
            reached = [(gradient, v) for gradient, v in pairs if gradient is not None]  # not those of another output
            adam.apply(*zip(*reached, strict=True))
            losses = losses.write(i, loss)
        sound = tf.reduce_all([tf.reduce_all(tf.math.is_finite(tf.cast(v, tf.float32))) for v in variables])
        return losses.stack(), sound

    def forward(x: list[Any]) -> Any:
        return probabilities(outputs, run_model(model, x, training=False))

    spec = tf.TensorSpec
    items = [([None if d is None else int(d) for d in part.shape[1:]], part.dtype) for part in model.inputs]
    compiled = tf.function(
        run,
        input_signature=[
            [spec([None, None, *item], dtype) for item, dtype in items],
            spec([None, None, outputs.classes], tf.float32), spec([None, None], tf.float32),
            spec([None, None, beside.width if beside else 0], tf.float32),
        ],
    )
    return compiled, tf.function(forward, input_signature=[[spec([None, *item], dtype) for item, dtype in items]])
