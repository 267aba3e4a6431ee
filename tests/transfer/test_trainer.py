from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

from kgkt.errors import BelowBarError, InputError
from kgkt.transfer.trainer import Trainer


def same(a: list[np.ndarray], b: list[np.ndarray]) -> bool:
    return all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))


def run(trainer: Trainer, taught: Any, steps: int = 40, seed: int = 0, **more: Any) -> dict[str, list[float]]:
    trainer.reset()
    return trainer.train(taught.x, taught.targets.P, taught.targets.weight, steps, seed, **more)


def test_a_step_is_the_step_of_keras_own_adam(mlp: Any, taught: Any) -> None:
    theirs, ours = mlp(), mlp()
    rows = np.random.default_rng(7).permutation(600)[:64]
    theirs.compile(keras.optimizers.Adam(1e-3), "categorical_crossentropy")
    loss = theirs.train_on_batch(taught.x[rows], taught.targets.P[rows])
    history = Trainer(ours).train(taught.x, taught.targets.P, np.ones(600), 1, seed=7)
    assert history["loss"][0] == pytest.approx(float(loss), rel=1e-5)
    for a, b in zip(theirs.get_weights(), ours.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)


def test_reset_and_the_same_seed_give_the_same_b_without_tracing_anew(mlp: Any, taught: Any) -> None:
    trainer = Trainer(mlp())
    own = trainer.weights()
    first = run(trainer, taught)
    end = trainer.weights()
    assert not same(own, end)
    run(trainer, taught, steps=17, seed=1, rows=np.arange(50), held_out=np.arange(50, 90))
    second = run(trainer, taught)
    assert first == second
    assert same(end, trainer.weights())
    assert run(trainer, taught, seed=1) != first
    trainer.reset()
    assert same(own, trainer.weights())
    assert trainer._run.experimental_get_tracing_count() == 1


def test_logits_and_softmax_learn_the_same(mlp: Any, taught: Any) -> None:
    softmax, linear = Trainer(mlp()), Trainer(mlp(last="linear"))
    assert (softmax.outputs.logits, linear.outputs.logits) == (False, True)
    run(softmax, taught)
    run(linear, taught)
    np.testing.assert_allclose(softmax.predict(taught.x), linear.predict(taught.x), atol=1e-4)
    np.testing.assert_allclose(linear.predict(taught.x).sum(axis=1), 1, atol=1e-5)


def test_dropout_follows_the_seed(mlp: Any, taught: Any) -> None:
    trainer = Trainer(mlp(between=(keras.layers.Dropout(0.5),)))
    first, again, other = run(trainer, taught), run(trainer, taught), run(trainer, taught, seed=1)
    assert first == again
    assert first != other
    twin = Trainer(mlp(between=(keras.layers.Dropout(0.5),)))
    assert run(twin, taught) == first


def test_items_of_weight_zero_are_never_read(mlp: Any, taught: Any) -> None:
    x, weight = taught.x.copy(), np.ones(600)
    x[100:], weight[100:] = np.nan, 0
    trainer = Trainer(mlp())
    history = trainer.train(x, taught.targets.P, weight, 30, 0)
    assert np.isfinite(history["loss"]).all()


def test_weights_scale_an_items_part_of_the_loss(mlp: Any, taught: Any) -> None:
    weight = np.linspace(0.1, 2, 600)
    rows = np.random.default_rng(7).permutation(600)[:64]
    history = Trainer(mlp()).train(taught.x, taught.targets.P, weight, 1, seed=7)
    p = mlp()(taught.x[rows]).numpy()
    each = -(taught.targets.P[rows] * np.log(p)).sum(axis=1)
    assert history["loss"][0] == pytest.approx((each * weight[rows]).mean() / weight.mean(), rel=1e-5)


def test_early_stop_gives_the_best_weights_back(mlp: Any, taught: Any) -> None:
    # Held-out targets that contradict what is learned: the first look is the best one.
    P = taught.targets.P.copy()
    P[500:] = np.roll(P[500:], 1, axis=1)
    trainer = Trainer(mlp(), learning_rate=0.01)
    history = trainer.train(
        taught.x, P, np.ones(600), 400, 0, rows=np.arange(500), held_out=np.arange(500, 600), every=10, patience=3
    )
    best = int(np.argmin(history["held_out"]))
    assert history["best_step"] == [10.0 * (best + 1)]
    assert len(history["loss"]) == 10 * (best + 4)
    assert trainer.losses(taught.x, P, np.arange(500, 600)).mean() == pytest.approx(min(history["held_out"]))


def test_progress_reaches_the_last_step(mlp: Any, taught: Any) -> None:
    seen: list[tuple[int, int]] = []
    run(Trainer(mlp()), taught, steps=45, progress=lambda done, of: seen.append((done, of)))
    assert seen == [(20, 45), (40, 45), (45, 45)]


def test_frozen_layers_stay_and_regularisers_count(mlp: Any, taught: Any) -> None:
    model = mlp()
    model.get_layer("one").trainable = False
    frozen, free = model.get_layer("one").kernel.numpy(), model.get_layer("two").kernel.numpy()
    run(Trainer(model), taught)
    np.testing.assert_array_equal(frozen, model.get_layer("one").kernel.numpy())
    assert not np.array_equal(free, model.get_layer("two").kernel.numpy())

    keras.utils.set_random_seed(0)
    ridge = keras.regularizers.L2(1.0)
    pulled = keras.Sequential([keras.Input((64,)), keras.layers.Dense(10, "softmax", kernel_regularizer=ridge)])
    before = np.abs(pulled.layers[0].kernel.numpy()).mean()
    run(Trainer(pulled, learning_rate=0.01), taught, steps=100)
    assert np.abs(pulled.layers[0].kernel.numpy()).mean() < before / 4


def test_inputs_in_lists_and_whole_numbers(taught: Any) -> None:
    image = keras.Input((64,), dtype="int32", name="image")
    hidden = keras.layers.Flatten()(keras.layers.Embedding(17, 2)(image))
    model = keras.Model([image], [keras.layers.Dense(10, "softmax")(hidden)])
    x = np.round(taught.x * 16).astype(np.uint8)
    trainer = Trainer(model)
    history = trainer.train(x, taught.targets.P, np.ones(600), 200, 0)
    assert history["loss"][-1] < 0.7 * history["loss"][0]
    assert trainer.predict(x).shape == (600, 10)


@pytest.mark.parametrize("activation", ["relu", "tanh"])  # relu hides NaN on some processors, tanh never
def test_no_number_in_the_data_gives_b_its_weights_back(taught: Any, activation: str) -> None:
    x = taught.x.copy()
    x[300, 5] = np.nan
    model = keras.Sequential([keras.Input((64,)), keras.layers.Dense(8, activation), keras.layers.Dense(10)])
    trainer = Trainer(model)
    own = trainer.weights()
    with pytest.raises(BelowBarError, match=r"after \d+ steps: (the loss is not a|weights became no) number.*own weig"):
        trainer.train(x, taught.targets.P, np.ones(600), 40, 0)
    assert same(own, trainer.weights())


@pytest.mark.parametrize("last", ["softmax", "linear"])
def test_a_loss_that_explodes_gives_b_its_weights_back(mlp: Any, taught: Any, last: str) -> None:
    trainer = Trainer(mlp(last), learning_rate=100.0)
    own = trainer.weights()
    with pytest.raises(BelowBarError, match="the loss exploded from"):
        trainer.train(taught.x, taught.targets.P, np.ones(600), 100, 0)
    assert same(own, trainer.weights())


def test_nothing_to_train_or_to_teach_is_refused(mlp: Any, taught: Any) -> None:
    model = mlp()
    with pytest.raises(InputError, match="no item has a target: label an item or switch concepts on"):
        Trainer(model).train(taught.x, taught.targets.P, np.zeros(600), 10, 0)
    model.trainable = False
    with pytest.raises(InputError, match="every layer of B is frozen"):
        Trainer(model)
