"""Plain distillation with Keras's losses, against the losses called by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from kgkt.demo.digits import build_b
from kgkt.errors import InputError
from kgkt.proof.distillation import Distillation, last_hidden, teacher_of
from kgkt.proof.rows import why_not
from kgkt.proof.task import Task, draw_labels
from kgkt.source.quiet import keras as import_keras
from kgkt.transfer.trainer import Trainer

NAMES = tuple(str(d) for d in range(10))


@pytest.fixture(scope="module")
def task(digits, view) -> Task:
    return Task("digits", view, digits.pool_y, NAMES, features={"first": digits.pool_x, "last": digits.pool_x * 3 + 1},
                b=build_b, pool_x=digits.pool_x, test_x=digits.test_x, test_y=digits.test_y)  # fmt: skip


@pytest.fixture(scope="module")
def labels(digits):
    return draw_labels(digits.pool_y, NAMES, 2, np.random.default_rng(0))


def test_features_are_of_the_last_layer_centred_with_variance_one(task: Task) -> None:
    X, answers = teacher_of(task)
    assert not answers
    assert X.shape == (600, 64)
    assert np.abs(X.mean(axis=0)).max() < 1e-4
    assert X.std() == pytest.approx(1, abs=1e-4)
    assert np.corrcoef(X[:, 20], task.pool_x.reshape(600, -1)[:, 20])[0, 1] == pytest.approx(1)


def test_a_s_own_answer_goes_in_as_logits(task: Task) -> None:
    P = np.full((600, 10), 0.05)
    P[:, 3] = 0.55
    logits, answers = teacher_of(replace(task, own_answer=P))
    assert answers
    assert np.allclose(np.exp(logits), P, atol=1e-6)


def test_the_true_answer_as_teacher_makes_b_learn_it(task: Task, digits, labels) -> None:
    truth = np.eye(10)[digits.pool_y] * 0.9 + 0.01
    trainer = Trainer(build_b())
    Distillation(trainer, *teacher_of(replace(task, own_answer=truth)), 1e-3).train(digits.pool_x, labels, 400, 0, 64)
    taught = trainer.accuracy(digits.test_x, digits.test_y)
    Distillation(trainer, *teacher_of(task), 1e-3).train(digits.pool_x, labels, 400, 0, 64)
    from_features = trainer.accuracy(digits.test_x, digits.test_y)
    assert taught > 0.9
    assert from_features < taught - 0.1  # features alone do not name the classes


def test_one_step_is_the_gradient_of_keras_s_own_losses(task: Task, digits) -> None:
    """With plain gradient descent in the place of Adam, a step moves B by the losses called by hand."""
    import keras
    import tensorflow as tf

    trainer = Trainer(build_b())
    own = np.full((600, 10), 0.02) + np.eye(10)[digits.pool_y] * 0.8
    d = Distillation(trainer, *teacher_of(replace(task, own_answer=own)), 1e-3)
    d._adam = keras.optimizers.SGD(1.0)
    d._adam.build(d._variables)
    rows, y = np.arange(32), np.eye(10, dtype=np.float32)[digits.pool_y[:32]]
    before = [v.numpy() for v in trainer.model.trainable_variables]
    with tf.GradientTape() as tape:
        P = trainer.model(digits.pool_x[rows])
        loss = keras.distillation.LogitsDistillation(loss=keras.losses.KLDivergence())
        agreed = loss.compute_loss(np.log(own[rows]).astype("float32"), tf.math.log(P))
        said = tf.reduce_mean(keras.losses.categorical_crossentropy(y, P))
        gradient = tape.gradient(0.5 * said + 0.5 * agreed, trainer.model.trainable_variables)
    d._step(digits.pool_x[rows], y, digits.pool_x[rows], d.teacher[rows])
    for old, step, new in zip(before, gradient, trainer.model.trainable_variables, strict=True):
        assert np.allclose(old - step.numpy(), new.numpy(), atol=1e-5)


@pytest.mark.parametrize(("last", "units"), [("sigmoid", 1), ("linear", 1), ("sigmoid", 2)])
def test_a_step_into_another_head_of_two_classes_is_the_gradient_of_keras_s_own_losses(digits, last, units) -> None:
    """Against binary cross-entropy and the divergence of the two classes' probabilities, called by hand."""
    import keras
    import tensorflow as tf

    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Flatten(), keras.layers.Dense(8, "relu"),
                              keras.layers.Dense(units, last)])  # fmt: skip
    late = (digits.pool_y > 4).astype(int)
    own = (np.eye(2)[late] * 0.8 + 0.1).astype("float32")
    trainer = Trainer(model)
    d = Distillation(trainer, np.log(own), True, 1e-3)
    d._adam = keras.optimizers.SGD(1.0)
    d._adam.build(d._variables)
    rows, y = np.arange(32), np.eye(2, dtype=np.float32)[late[:32]]
    before = [v.numpy() for v in model.trainable_variables]
    with tf.GradientTape() as tape:
        out = model(digits.pool_x[rows])
        said = tf.reduce_mean(keras.losses.binary_crossentropy(y[:, -units:], out, from_logits=last == "linear"))
        p = tf.sigmoid(out) if last == "linear" else out
        z = tf.math.log(p / (1 - p))
        student = tf.concat([tf.zeros_like(z), z], axis=1) if units == 1 else z
        loss = keras.distillation.LogitsDistillation(loss=keras.losses.KLDivergence())
        agreed = loss.compute_loss(np.log(own[rows]), student)
        gradient = tape.gradient(0.5 * said + 0.5 * agreed, model.trainable_variables)
    d._step(digits.pool_x[rows], y, digits.pool_x[rows], d.teacher[rows])
    for old, step, new in zip(before, gradient, model.trainable_variables, strict=True):
        assert np.allclose(old - step.numpy(), new.numpy(), atol=1e-5)


def test_the_same_seed_gives_the_same_b_and_starts_from_its_own_weights(task: Task, digits, labels) -> None:
    trainer = Trainer(build_b())
    d = Distillation(trainer, *teacher_of(task), 1e-3)
    d.train(digits.pool_x, labels, 30, 1, 64)
    first = trainer.weights()
    d.train(digits.pool_x, labels, 30, 2, 64)
    other = trainer.weights()
    d.train(digits.pool_x, labels, 30, 1, 64)
    assert all(np.array_equal(a, b) for a, b in zip(first, trainer.weights(), strict=True))
    assert not np.array_equal(first[0], other[0])


def test_what_was_drawn_before_does_not_matter(task: Task, digits, labels) -> None:
    """As in another process: the linear layer and B's dropout begin from the seed of the row."""
    keras = import_keras()
    weights: list[np.ndarray] = []

    def taught(before: int) -> list[np.ndarray]:
        keras.utils.set_random_seed(before)
        model = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Flatten(), keras.layers.Dense(16, "relu"),
                                  keras.layers.Dropout(0.5), keras.layers.Dense(10, "softmax")])  # fmt: skip
        weights[:] = weights or model.get_weights()
        model.set_weights(weights)
        trainer = Trainer(model)
        Distillation(trainer, *teacher_of(task), 1e-3).train(digits.pool_x, labels, 30, 1, 64)
        return trainer.weights()

    assert all(np.array_equal(a, b) for a, b in zip(taught(5), taught(6), strict=True))


def headless():
    keras = import_keras()
    return keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Conv2D(10, 8), keras.layers.Reshape((10,)),
                             keras.layers.Activation("softmax")])  # fmt: skip


def test_a_b_without_a_dense_head_leaves_the_row_out_with_its_reason(task: Task) -> None:
    with pytest.raises(InputError, match="no Dense head"):
        last_hidden(headless())
    assert "no Dense head" in str(why_not(replace(task, b=headless), "keras distillation"))
