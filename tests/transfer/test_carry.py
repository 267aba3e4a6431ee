"""Concepts carried into B's last hidden layer by a head that is taken off again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers
from scipy.sparse import csr_matrix

from kgkt.concepts.edges import unnamed_graph
from kgkt.errors import InputError
from kgkt.transfer.card import write_card
from kgkt.transfer.carry import ConceptHead, carried, distance_scale
from kgkt.transfer.fuse import FuseOptions, fuse
from kgkt.transfer.head import logistic
from kgkt.transfer.outputs import read_outputs
from kgkt.transfer.taps import tapped
from kgkt.transfer.trainer import Trainer, _compile
from kgkt.values import ConceptGraph, Fusion


def graph_of(taught: Any, off: Any = ()) -> ConceptGraph:
    """The concepts, some of them switched off."""
    return replace(unnamed_graph(taught.clustering), active=~np.isin(np.arange(60), off))


def run(model: Any, taught: Any, steps: int = 100, weight: float = 1.0, **more: Any) -> Fusion:
    given = {"carry": "concepts", "memberships": taught.Z, "graph": graph_of(taught)} | more
    options = FuseOptions(steps=steps, carry=given.pop("carry"), carry_weight=weight)
    return fuse(model, taught.x, taught.targets, taught.labels, options=options, **given)


def probe(model: Any, taught: Any) -> float:
    """Share of the pool's second half whose nearest concept a logistic head on layer `two` tells, from the first half."""
    H = np.concatenate([c[0] for c in tapped(model, model.get_layer("two"), taught.x, np.arange(600), side="output")])
    y = np.asarray(taught.Z.argmax(axis=1)).ravel()
    return float((logistic(1.0).fit(H[:300], y[:300]).predict(H[300:]) == y[300:]).mean())


def test_b_s_last_hidden_layer_comes_to_know_the_concepts(mlp: Callable[..., Any], taught: Any) -> None:
    """Of items held out too, from several orders of items; without the head B is what it is without one, to the bit."""
    model = mlp()
    trainer = Trainer(model, beside=ConceptHead(model, *carried(taught.Z, graph_of(taught))))
    gains, ends = [], []
    for seed in (0, 1, 2):
        known = []
        for alone in (True, False):
            trainer.reset()
            history = trainer.train(taught.x, taught.targets.P, np.ones(600), 250, seed, rows=np.arange(500),
                                    held_out=np.arange(500, 600), patience=99, alone=alone)  # fmt: skip
            known.append(probe(model, taught))
            ends.append((trainer.weights(), history["held_out"][-1]))
        gains.append(known[1] - known[0])
        assert history["carried"][0] > 0.15  # one in 60 by chance
        assert abs(ends[-1][1] - ends[-2][1]) < 0.15
    assert min(gains) > 0.02, gains
    plain = Trainer(mlp())
    plain.train(taught.x, taught.targets.P, np.ones(600), 250, 0, rows=np.arange(500), held_out=np.arange(500, 600),
                patience=99)  # fmt: skip
    assert all(np.array_equal(a, b) for a, b in zip(ends[0][0], plain.weights(), strict=True))
    trainer.reset()
    trainer.train(taught.x, taught.targets.P, np.ones(600), 250, 0, rows=np.arange(500),
                  held_out=np.arange(500, 600), patience=99)  # fmt: skip
    assert all(np.array_equal(a, b) for a, b in zip(ends[1][0], trainer.weights(), strict=True))
    assert not np.array_equal(ends[1][0][0], ends[3][0][0])
    assert trainer._run_beside.experimental_get_tracing_count() == 1


def test_the_file_and_its_card_hold_the_b_that_it_was(mlp: Callable[..., Any], taught: Any, tmp_path: Path) -> None:
    got = run(mlp(), taught, test=taught.test, steps=40)
    out, run_json, card = write_card(got, tmp_path / "b.keras")
    opened = keras.saving.load_model(out)
    assert [layer.name for layer in opened.layers] == ["one", "two", "out"]
    assert [w.shape for w in opened.get_weights()] == [w.shape for w in mlp().get_weights()]
    assert opened.predict(taught.x[:5], verbose=0).shape == (5, 10)
    assert got.figures["concepts"] == 60
    assert "learned which of 60 concepts an item is in (loss of weight 1) and told the nearest one of" in card.read_text()
    assert '"carry": "concepts"' in run_json.read_text()


def test_weight_zero_is_without_to_the_bit(mlp: Callable[..., Any], taught: Any) -> None:
    without, nothing = (run(mlp(), taught, steps=10, weight=weight, carry=carry)
                        for carry, weight in ((None, 1.0), ("concepts", 0.0)))  # fmt: skip
    for a, b in zip(without.model.get_weights(), nothing.model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert without.figures == nothing.figures


def test_a_step_is_the_gradient_of_both_losses(mlp: Callable[..., Any], taught: Any) -> None:
    """With plain gradient descent in the place of Adam, against the losses called by hand."""
    import tensorflow as tf

    model = mlp()
    head = ConceptHead(model, *carried(taught.Z, graph_of(taught)), weight=0.5)
    outputs = read_outputs(model)
    C = taught.clustering.centroids.astype(np.float32)
    apart = np.sort(((C[:, None] - C) ** 2).sum(axis=2), axis=1)
    scale = apart[:, 1:4].mean()
    before, (kernel, bias) = model.get_weights(), head.weights()
    rows = np.random.default_rng(7).permutation(600)[:64]
    with tf.GradientTape() as tape:
        hidden = keras.Model(model.inputs[0], model.get_layer("two").output)(taught.x[rows])
        own = keras.losses.categorical_crossentropy(taught.targets.P[rows], model.get_layer("out")(hidden))
        away = tf.reduce_sum((hidden @ kernel + bias - C[:, None]) ** 2, axis=2)  # by the definition
        beside = keras.losses.categorical_crossentropy(taught.Z[rows].toarray(), -tf.transpose(away) / scale, True)
        gradient = tape.gradient(tf.reduce_mean(own) + 0.5 * tf.reduce_mean(beside), model.trainable_variables)
    plain = keras.optimizers.SGD(1.0)
    plain.build([*model.trainable_variables, *head.variables])
    step_of = _compile(model, plain, outputs, head)[0]
    step_of([taught.x[rows][None]], np.asarray(taught.targets.P, np.float32)[rows][None],
             np.ones((1, 64), np.float32), head.rows(rows[None]))  # fmt: skip
    for old, step, new in zip(before, gradient, model.get_weights(), strict=True):
        np.testing.assert_allclose(old - step.numpy(), new, atol=1e-5)


def test_what_is_carried_are_the_memberships_of_active_concepts_that_hold_an_item(taught: Any) -> None:
    wanted, centroids = carried(taught.Z, graph_of(taught, off=range(10)))
    np.testing.assert_allclose(centroids, taught.clustering.centroids[10:], rtol=1e-6)
    kept = taught.Z[:, 10:].toarray()
    total = kept.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(wanted.toarray(), kept / np.where(total > 0, total, 1), atol=1e-6)
    few = csr_matrix(np.eye(60)[[3, 3, 5, 0]])
    wanted, centroids = carried(few, graph_of(taught, off=[0]))
    np.testing.assert_array_equal(wanted.toarray(), [[1, 0], [1, 0], [0, 1], [0, 0]])  # the last one is in none
    assert distance_scale(centroids[:1]) == 1.0  # no other concept to be apart from


def test_into_a_nested_b_in_mixed_precision_with_batchnorm_and_dropout(taught: Any) -> None:
    keras.utils.set_random_seed(4)
    own = {"dtype": "mixed_float16"}
    image = keras.Input((64,))
    hidden = layers.BatchNormalization(**own)(layers.Dense(24, activation="relu", **own)(image))
    inner = keras.Model(image, layers.Dense(10, name="out", **own)(layers.Dropout(0.2, **own)(hidden)), name="inner")
    model = keras.Sequential([keras.Input((64,)), inner, layers.Activation("softmax", **own)])
    got = run(model, taught, steps=150)
    assert got.figures["batchnorm_after"] > 0.75
    assert got.figures["carried"] > 0.15


def test_what_cannot_carry_is_refused_by_name(mlp: Callable[..., Any], taught: Any) -> None:
    frozen = mlp()
    for name in ("one", "two"):
        frozen.get_layer(name).trainable = False
    bare = keras.Sequential([keras.Input((64,)), layers.Dense(10, name="only")])
    ended = keras.Sequential([keras.Input((64,)), layers.Dense(10, "softmax"), layers.LayerNormalization(name="end")])
    image = keras.Input((64,))
    shared = layers.Dense(10, name="twice")
    twice = keras.Model(image, shared(shared(layers.Dense(10)(image))))
    for message, model, more in [
        ("carry is 'concept'; did you mean concepts?", mlp(), {"carry": "concept"}),
        ("carry_weight is -1.0, expected a number from 0 on", mlp(), {"weight": -1.0}),
        ("carry_weight is nan", mlp(), {"weight": float("nan")}),
        ("every concept is switched off", mlp(), {"graph": graph_of(taught, off=range(60))}),
        ("the graph and the memberships of the pool are needed", mlp(), {"memberships": None}),
        ("B ends in end, and no Dense layer", ended, {}),
        ("nothing before B's head out can be trained", frozen, {}),
        ("nothing before B's head only can be trained", bare, {}),
        ("B's head twice is called 2 times", twice, {}),
    ]:  # fmt: skip
        with pytest.raises(InputError, match=message):
            run(model, taught, steps=5, **more)
