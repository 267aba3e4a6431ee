from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from kgkt.errors import InputError, UsageError
from kgkt.transfer.batchnorm import reestimate, still_norms
from kgkt.transfer.blocks import head_layer, leaves
from kgkt.transfer.grow import (
    Growth,
    answers,
    beside_new,
    check_identical,
    grown_targets,
    layer_to_widen,
    read_growth,
    speak_for_old,
    write_slots,
    write_units,
)
from kgkt.transfer.outputs import read_outputs
from kgkt.transfer.patches import every_patch
from kgkt.transfer.trainer import Trainer
from kgkt.transfer.widen import add_slots, widen
from kgkt.values import Labels

L = keras.layers
PICTURES = np.random.default_rng(0).random((40, 8, 8, 1)).astype(np.float32)


def plain_cnn() -> Any:
    keras.utils.set_random_seed(0)
    return keras.Sequential([
        keras.Input((8, 8, 1)), L.Conv2D(4, 3, padding="same", activation="relu", name="first"),
        L.BatchNormalization(name="norm"), L.MaxPooling2D(), L.Conv2D(6, 3, name="second"), L.Activation("gelu"),
        L.Flatten(), L.BatchNormalization(name="flat_norm"), L.Dropout(0.3),
        L.Dense(16, activation="relu", name="hidden"), L.Dense(5, activation="softmax", name="out"),
    ])  # fmt: skip


def nested() -> Any:
    """Functional, with a nested Sequential model, a plain operation and one output for two classes."""
    keras.utils.set_random_seed(0)
    inner = keras.Sequential([keras.Input((8, 8, 1)), L.Conv2D(4, 3, name="c"), L.GlobalAveragePooling2D()], name="inner")
    image = keras.Input((8, 8, 1))
    x = keras.ops.relu(L.Dense(8, name="hidden")(inner(image)))
    x = L.Dense(6, activation="tanh", name="left")(x) * 2.0
    return keras.Model(image, L.Dense(1, activation="sigmoid", name="out")(x))


def moved(model: Any) -> Any:
    """The model with statistics of BatchNorm that are not those of a fresh one."""
    for _, layer in leaves(model):
        if type(layer).__name__ == "BatchNormalization":
            layer.set_weights([w + 0.1 * np.arange(1, len(w) + 1, dtype=np.float32) for w in layer.get_weights()])
    return model


@pytest.mark.parametrize(("make", "path", "units"), [
    (plain_cnn, "first", 9), (plain_cnn, "second", 7), (plain_cnn, "hidden", 40), (nested, "inner/c", 9),
    (nested, "hidden", 11),
])  # fmt: skip
def test_a_wider_layer_leaves_every_output_as_it_was(
    make: Callable[[], Any], path: str, units: int, tmp_path: Path
) -> None:
    model = moved(make())
    grown, had = widen(model, path, units)
    old, new = dict(leaves(model))[path], dict(leaves(grown))[path]
    assert (had, new.kernel.shape[-1]) == (old.kernel.shape[-1], units)
    np.testing.assert_array_equal(new.kernel.numpy()[..., :had], old.kernel.numpy())
    assert np.abs(new.kernel.numpy()[..., had:]).max() > 0
    outputs = read_outputs(model)
    apart = check_identical(answers(model, outputs, PICTURES), answers(grown, outputs, PICTURES))
    assert apart <= 1e-6
    new.kernel.assign(new.kernel.numpy() + np.r_[np.zeros(had), np.full(units - had, 50.0)])  # the new ones speak up
    np.testing.assert_allclose(np.asarray(grown(PICTURES)), np.asarray(model(PICTURES)), atol=1e-6)
    grown.save(tmp_path / "grown.keras")
    again = keras.models.load_model(tmp_path / "grown.keras")
    np.testing.assert_allclose(np.asarray(again(PICTURES)), np.asarray(grown(PICTURES)), atol=1e-6)


def ends_in(last: str | None, units: int, *after: Any) -> Any:
    keras.utils.set_random_seed(0)
    hidden = L.Dense(6, activation="relu", name="hidden")
    return keras.Sequential([keras.Input((8, 8, 1)), L.Flatten(), hidden,
                             L.Dense(units, last, name="out", use_bias=not after), *after])  # fmt: skip


@pytest.mark.parametrize(("last", "units", "after", "ends"), [
    ("softmax", 5, (), "softmax"), (None, 5, (), "linear"), ("sigmoid", 5, (), "sigmoid"), ("sigmoid", 1, (), "softmax"),
    (None, 1, (), "linear"), (None, 5, (L.Softmax(),), None), (None, 1, (L.Activation("sigmoid"),), None),
    (None, 1, (L.Rescaling(0.5),), None),
])  # fmt: skip
def test_new_slots_leave_the_probabilities_of_the_old_classes(last: Any, units: int, after: Any, ends: Any) -> None:
    model = ends_in(last, units, *after)
    outputs = read_outputs(model)
    grown = add_slots(model, outputs, 2)
    found, old = read_outputs(grown), outputs.classes
    assert (found.units, found.each) == (old + 2, outputs.each and units > 1)
    if ends:
        assert head_layer(grown)[1].activation.__name__ == ends
    before, now = answers(model, outputs, PICTURES), answers(grown, found, PICTURES)
    assert check_identical(before, now) <= 1e-6
    assert now[:, old:].max() <= 1e-6


def test_a_vocabulary_and_frozen_layers_stay() -> None:
    words = L.TextVectorization(max_tokens=50, output_mode="multi_hot", name="words")
    words.adapt(["red fox", "grey owl", "red owl"])
    frozen = L.Dense(4, activation="relu", name="frozen", trainable=False)
    model = keras.Sequential([keras.Input((1,), dtype="string"), words, frozen, L.Dense(4, name="hidden"),
                              L.Dense(2, activation="softmax")])  # fmt: skip
    grown, _ = widen(model, "hidden", 9)
    assert dict(leaves(grown))["words"].get_vocabulary() == words.get_vocabulary()
    assert not dict(leaves(grown))["frozen"].trainable
    x = np.array([["red fox"], ["grey cat"]], object)
    np.testing.assert_allclose(np.asarray(grown(x)), np.asarray(model(x)), atol=1e-6)


def test_norms_stay_as_they_are_while_a_grown_b_is_trained() -> None:
    model, said = moved(plain_cnn()), []
    model.get_layer("flat_norm").trainable = False
    model.get_layer("norm").gamma.trainable = False
    flags = [v.trainable for v in model.variables]
    norms = [model.get_layer(name).get_weights() for name in ("norm", "flat_norm")]
    P = np.eye(5, dtype=np.float32)[np.arange(40) % 5]
    with still_norms(model, said.append):
        trainer = Trainer(model)
        before = trainer.losses(PICTURES, P, np.arange(40)).mean()
        losses = trainer.train(PICTURES, P, np.ones(40), 5, 0)["loss"]
        assert reestimate(model, PICTURES, np.arange(40)) == 0
    assert losses[0] == pytest.approx(before, rel=0.2)  # of one batch, with dropout
    assert [v.trainable for v in model.variables] == flags
    assert model.get_layer("norm").trainable
    for was, layer in zip(norms, ("norm", "flat_norm"), strict=True):
        for one, now in zip(was, model.get_layer(layer).get_weights(), strict=True):
            np.testing.assert_array_equal(one, now)
    assert len(said) == 1
    assert said[0].startswith("1 BatchNorm layer of B in inference mode")


def residual() -> Any:
    image = keras.Input((8, 8, 1))
    x = L.Dense(8, name="into_add", activation="relu")(L.Flatten()(image))
    y = L.Dense(8, name="beside")(x)
    z = L.Dense(4, name="into_cat")(L.Add(name="sum")([x, y]))
    z = L.Concatenate(name="both")([z, y])
    z = L.Dense(4, name="into_norm")(z)
    z = L.LayerNormalization(name="over_all")(z)
    z = L.Dense(4, name="into_shape")(z)
    z = L.Reshape((2, 2), name="two")(z)
    z = L.Dense(3, name="each", activation="softmax")(z)
    z = L.Dense(3, name="into_frozen")(L.Flatten()(z))
    z = L.Dense(3, name="stuck", trainable=False)(z)
    shared = L.Dense(3, name="shared")
    return keras.Model(image, L.Dense(2, name="out")(shared(shared(z))))


@pytest.mark.parametrize(("path", "words"), [
    ("into_add", r"into_add goes into sum \(Add\), where its width cannot be carried on: it reads another layer"),
    ("into_cat", r"into_cat goes into both \(Concatenate\)"),
    ("into_norm", r"into_norm goes into over_all \(LayerNormalization\).*leaves the old units as they are"),
    ("into_shape", r"into_shape goes into two \(Reshape\)"),
    ("each", "each ends in softmax, which looks at all its units"),
    ("into_frozen", "into_frozen goes into stuck, which is frozen"),
    ("stuck", "stuck is frozen: its new units would never be trained"),
    ("shared", "shared is shared, called 2 times"),
    ("out", "out is B's head: its slots are classes"),
    ("sum", "sum is a Add: kgkt widens Dense and convolutions"),
    ("into_ad", "B has no layer 'into_ad'; did you mean into_add"),
])  # fmt: skip
def test_a_layer_that_cannot_be_wider_is_refused_by_name(path: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        widen(residual(), path, 20)


def test_fewer_units_and_foreign_heads_are_refused() -> None:
    with pytest.raises(InputError, match="units=hidden:16: hidden has 16 units now; name more"):
        widen(plain_cnn(), "hidden", 16)
    pooled = keras.Sequential([keras.Input((8, 8, 1)), L.Conv2D(3, 3), L.GlobalAveragePooling2D(name="mean"), L.Softmax()])
    with pytest.raises(InputError, match="not in a Dense head"):
        add_slots(pooled, read_outputs(pooled), 1)
    for last, after, words in ((L.Dense(3, trainable=False, name="out"), (), "head out is frozen"),
                               (L.Dense(3, name="out"), (L.Reshape((3,), name="as_is"),), r"as_is \(Reshape\)")):  # fmt: skip
        model = keras.Sequential([keras.Input((4,)), last, *after])
        with pytest.raises(InputError, match=words):
            add_slots(model, read_outputs(model), 1)
    with pytest.raises(InputError, match="does not answer as B did"):
        check_identical(np.zeros((2, 2)), np.full((2, 3), 0.1))


@pytest.mark.parametrize(("layer", "shape"), [
    (L.Conv2D(5, (3, 2), strides=(2, 1), padding="same"), (4, 9, 7, 3)),
    (L.Conv2D(5, 3, dilation_rate=2), (4, 9, 8, 2)), (L.Conv1D(4, 3, padding="causal"), (4, 9, 3)),
    (L.Conv3D(2, 2, strides=2), (2, 4, 4, 5, 2)),
])  # fmt: skip
def test_patches_are_what_a_convolution_weighs(layer: Any, shape: tuple[int, ...]) -> None:
    x = np.random.default_rng(0).random(shape).astype(np.float32)
    y = np.asarray(layer(x))
    kernel = layer.kernel.numpy()
    found = every_patch(layer, x) @ kernel.reshape(-1, kernel.shape[-1])
    np.testing.assert_allclose(found.reshape(y.shape), y, atol=1e-5)


@pytest.mark.parametrize("path", ["one", "conv"])
def test_new_units_carry_concepts_that_none_carried_and_change_nothing(
    path: str, mlp: Callable[..., Any], cnn: Any, taught: Any
) -> None:
    model = mlp() if path == "one" else cnn
    had = dict(leaves(model))[path].kernel.shape[-1]
    grown, _ = widen(model, path, had + 16)
    outputs = read_outputs(model)
    done = write_units(grown, path, had, taught.x, taught.Z, taught.clustering.centroids, np.ones(taught.Z.shape[1], bool))
    assert done.concepts == taught.Z.shape[1] // 2
    assert done.after > done.before + (0.2 if path == "one" else 0.01)  # nine pixels say little of a concept
    assert check_identical(answers(model, outputs, taught.x), answers(grown, outputs, taught.x)) <= 1e-6
    again, _ = widen(model, path, had + 16)
    write_units(again, path, had, taught.x, taught.Z, taught.clustering.centroids, np.ones(taught.Z.shape[1], bool))
    layers = (dict(leaves(m))[path] for m in (grown, again))
    np.testing.assert_array_equal(*(layer.kernel.numpy() for layer in layers))


def test_a_layer_of_very_many_inputs_says_that_it_is_not_written() -> None:
    model = keras.Sequential([keras.Input((5000,)), L.Dense(2, name="hidden"), L.Dense(2)])
    grown, had = widen(model, "hidden", 4)
    done = write_units(grown, "hidden", had, np.zeros((3, 5000)), None, None, None)  # type: ignore[arg-type]
    assert done.why_not == "its 5,000 inputs are more than 4,096"


def test_b_speaks_for_old_classes_as_often_as_people_for_new_ones() -> None:
    rng = np.random.default_rng(0)
    own = beside_new(rng.dirichlet(np.full(3, 0.2), 200).astype(np.float32), 1)
    kept = np.array([True, True, True, False])
    labels = Labels(np.r_[0:5, 100], np.r_[np.full(5, 3), 0], ("a", "b", "c", "new"), [7], [3])
    spoken, items = speak_for_old(labels, own, kept)
    assert np.bincount(spoken.classes).tolist() == [5, 5, 5, 5]  # one of a is a person's
    assert len(items) == 14
    assert not {*range(5), 7, 100} & set(items.tolist())
    answer, sure = own.argmax(axis=1), own.max(axis=1)
    of_b = items[answer[items] == 1]
    left = np.setdiff1d(np.flatnonzero(answer == 1), [*range(5), 7, 100, *of_b])
    assert sure[of_b].min() >= sure[left].max()
    first = np.zeros((200, 4))
    first[:, 3] = np.linspace(0, 1, 200)
    first[:, 0] = 1 - first[:, 3]
    spoken, items = speak_for_old(labels, own, kept, first)
    assert np.bincount(spoken.classes).tolist() == [10, 10, 10, 5]
    assert (first[items, 3] < 0.5).all()
    assert sure[items].min() < 0.6
    assert speak_for_old(labels, own, kept, first)[1].tolist() == items.tolist()


def test_the_targets_are_b_s_own_where_the_graph_sees_nothing_new(taught: Any) -> None:
    P = np.zeros((3, 10), np.float32)
    P[0, 8], P[1, 2], P[2, 9], P[2, 0] = 1, 1, 0.25, 0.75
    own = beside_new(np.random.default_rng(0).dirichlet(np.ones(8), 3).astype(np.float32), 2)
    kept = np.arange(10) < 8
    made = grown_targets(replace(taught.targets, P=P, weight=np.ones(3), ticked=None), own, kept, 2.0)
    trained = made.P.astype(float) ** 2
    trained /= trained.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(trained[0], np.eye(10)[8], atol=1e-6)
    np.testing.assert_allclose(trained[1], own[1], atol=1e-6)
    np.testing.assert_allclose(trained[2], 0.75 * own[2] + 0.25 * np.eye(10)[9], atol=1e-6)
    unseen = grown_targets(replace(taught.targets, P=P, weight=np.zeros(3), ticked=None), own, kept, 2.0)
    np.testing.assert_allclose(unseen.P[:, 8:], 0)
    assert unseen.weight.tolist() == [1, 1, 1]


@pytest.mark.parametrize("last", ["softmax", "sigmoid", None])
def test_new_slots_are_written_towards_what_they_are_to_say(last: Any, mlp: Callable[..., Any], taught: Any) -> None:
    model = mlp(units=8, last=last)
    grown = add_slots(model, read_outputs(model), 2)
    P = np.full((len(taught.y), 10), 0.0)
    P[np.arange(len(P)), taught.y] = 1.0
    before = [w[..., :8].copy() for w in grown.layers[-1].get_weights()]
    outputs = read_outputs(grown)
    write_slots(grown, outputs, taught.x, P, 8)
    for was, now in zip(before, grown.layers[-1].get_weights(), strict=True):
        np.testing.assert_array_equal(was, now[..., :8])
    said = answers(grown, outputs, taught.x)[:, 8:]
    for place in (8, 9):
        mine, others = said[taught.y == place, place - 8].mean(), said[taught.y < 8, place - 8].mean()
        assert mine > 3 * others


def test_what_is_asked_for_is_read() -> None:
    asked = ['classes=a, "b,c"', "units=64", "classes=d", "units=inner/h:1:8"]
    assert read_growth(asked) == Growth(("a", "b,c", "d"), (("", 64), ("inner/h:1", 8)))
    assert layer_to_widen(plain_cnn(), "") == "hidden"


@pytest.mark.parametrize(("asked", "words"), [
    (["class=a"], "did you mean classes"), (["a,b"], "say classes=a,b or units=64"), (["classes="], "name the new classes"),
    (["classes=a,,b"], "name the new classes"), (["units=many"], "takes a whole number"), (["units=h:-3"], "whole number"),
    (["units=0"], "whole number"), (["classes=a", "classes=a"], "names the class a twice"),
    (["units=h:3", "units=h:4"], "names the layer h twice"), (["units=3", "units=4"], "the last hidden one twice"),
])  # fmt: skip
def test_what_cannot_be_read_is_refused(asked: list[str], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        read_growth(asked)
