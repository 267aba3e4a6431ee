"""Plain distillation of A into B with Keras's own losses: what a user would do without kgkt."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kgkt.errors import InputError
from kgkt.transfer.blocks import head_layer
from kgkt.transfer.outputs import Outputs, cross_entropy, single
from kgkt.transfer.taps import as_input
from kgkt.transfer.trainer import TINY, make_adam
from kgkt.values import Features

if TYPE_CHECKING:
    import keras
    import numpy as np

    from kgkt.proof.task import Task
    from kgkt.transfer.trainer import Trainer
    from kgkt.values import Labels

STUDENT_LOSS_WEIGHT = 0.5  # Keras's default


def teacher_of(task: Task) -> tuple[np.ndarray, bool]:
    """What is distilled, (n, d), and whether it is A's answer for B's classes, as logits.

    A's own answer where its outputs are B's classes; else the activations of its last layer, each feature with
    mean 0, all together with variance 1.
    """
    import numpy as np

    if task.own_answer is not None:
        return np.log(np.maximum(np.asarray(task.own_answer, np.float32), TINY)), True
    features = task.features
    assert features is not None
    layer = list(features.widths if isinstance(features, Features) else features)[-1]
    if isinstance(features, Features):
        X = features.rows(layer, np.arange(len(features)))
    else:
        X = np.asarray(features[layer], np.float32).reshape(len(task.pool_y), -1)
    X = X - X.mean(axis=0)
    return (X / max(float(X.std()), 1e-9)).astype(np.float32), False


class Distillation:
    """B trained on the labels and, on the whole pool, to agree with A.

    Each step takes a batch of labelled items for the cross-entropy and a batch of the pool for the distillation
    loss, each weighing half. For features B's last hidden layer is brought to A's width by a linear layer that is
    trained with it and thrown away.

    Args:
        trainer: of B.
        teacher: (n, d) A's answer or features of the pool.
        answers: whether `teacher` is A's answer for B's classes.
        learning_rate: of Adam.

    Raises:
        InputError: B has no Dense head with one input, to read its last hidden layer from.

    Reference: Hinton, Vinyals & Dean 2015; Romero et al. 2015; keras.distillation's LogitsDistillation and
    FeatureDistillation with their default settings.
    """

    def __init__(self, trainer: Trainer, teacher: np.ndarray, answers: bool, learning_rate: float) -> None:
        import keras

        self.trainer, self.teacher = trainer, teacher
        model = trainer.model
        # named "kl_divergence", its default, the loss skips the softmax of logits (Keras 3.15); given as an object not
        kl = keras.losses.KLDivergence()
        losses = keras.distillation
        self._loss = losses.LogitsDistillation(loss=kl) if answers else losses.FeatureDistillation()
        self._answers = answers
        self._both = keras.Model(model.inputs, [last_hidden(model), model.outputs[0]])
        self._bring = keras.layers.Dense(teacher.shape[1])
        self._bring.build(self._both.outputs[0].shape)
        extra = [] if answers else self._bring.trainable_variables
        self._variables = [*model.trainable_variables, *extra]
        self._adam = make_adam(model, learning_rate)
        self._adam.build(self._variables)
        self._adam_start = [v.numpy() for v in self._adam.variables]
        self._step = _compile(self)

    def train(self, x: Any, labels: Labels, steps: int, seed: int, batch: int) -> None:
        """Take `steps` Adam steps from B's own weights.

        Args:
            x: (n, ...) the pool as B reads it.
            labels: of the pool.
            steps: Adam steps.
            seed: of the order of items, of B's dropout and of the linear layer.
            batch: items of the pool a step, and labelled items at most.
        """
        import keras
        import numpy as np

        self.trainer.reset()
        self.trainer.seed_dropout(seed)
        kernel, bias = self._bring.variables
        kernel.assign(keras.initializers.GlorotUniform(seed)(kernel.shape))  # as Dense begins, but from this seed
        bias.assign(np.zeros(bias.shape))
        for variable, value in zip(self._adam.variables, self._adam_start, strict=True):
            variable.assign(value)
        rng = np.random.default_rng(seed)
        onehot = np.eye(len(labels.names), dtype=np.float32)[labels.classes]
        pool = _stream(len(self.teacher), batch, steps, rng)
        said = _stream(len(labels), min(batch, len(labels)), steps, rng)
        for rows, marks in zip(pool, said, strict=True):
            self._step(
                as_input(self.trainer.model, x, labels.items[marks]), onehot[marks],
                as_input(self.trainer.model, x, rows), self.teacher[rows],
            )  # fmt: skip


def last_hidden(model: keras.Model) -> Any:
    """What goes into B's head, as a symbolic tensor.

    Raises:
        InputError: B has no Dense head, or it lies inside a nested model.
    """
    found = head_layer(model)
    if found is None or "/" in found[0] or not found[1]._inbound_nodes:
        raise InputError("B has no Dense head of its own whose input could be compared with A's features")
    return found[1].input


def _stream(n: int, batch: int, steps: int, rng: np.random.Generator) -> np.ndarray:
    """(steps, batch) item indices, each item once an epoch."""
    import numpy as np

    epochs = -(-steps * batch // n)
    return np.concatenate([rng.permutation(n) for _ in range(epochs)])[: steps * batch].reshape(steps, batch)


def class_logits(outputs: Outputs, y: Any) -> Any:
    """Logits (b, c) of the classes from B's output tensor y (b, units); of one output, 0 and that of the second."""
    import tensorflow as tf

    y, logits = single(outputs, y)
    if not logits:
        against = tf.math.log(tf.maximum(1 - y, TINY)) if outputs.each else 0.0
        y = tf.math.log(tf.maximum(y, TINY)) - against
    return tf.concat([tf.zeros_like(y), y], axis=1) if outputs.units == 1 else y


def _compile(d: Distillation) -> Any:
    import tensorflow as tf

    outputs = d.trainer.outputs

    def step(x: Any, y: Any, pool: Any, teacher: Any) -> None:
        with tf.GradientTape() as tape:
            said = tf.reduce_mean(cross_entropy(outputs, y, d._both(x, training=True)[1]))
            hidden, answer = d._both(pool, training=True)
            student = class_logits(outputs, answer) if d._answers else d._bring(hidden)
            agreed = d._loss.compute_loss(teacher, student)
            total = d._adam.scale_loss(STUDENT_LOSS_WEIGHT * said + (1 - STUDENT_LOSS_WEIGHT) * agreed)
        d._adam.apply(tape.gradient(total, d._variables), d._variables)

    return tf.function(step, reduce_retracing=True)
