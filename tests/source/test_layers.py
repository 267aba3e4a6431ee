"""Which layers are read by default, and shapes worked out from a model's config without TensorFlow."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kgkt.source.layers import default_layers, pooled_width
from kgkt.source.models import inspect_model


def small_cnn(k: Any) -> Any:
    return k.Sequential([
        k.Input((28, 28, 1)), k.layers.Rescaling(1 / 255), k.layers.Conv2D(8, 3, padding="same", name="c1"),
        k.layers.BatchNormalization(), k.layers.Activation("relu", name="a1"), k.layers.MaxPooling2D(name="p1"),
        k.layers.Conv2D(16, 3, strides=2, name="c2"), k.layers.ReLU(name="a2"), k.layers.AveragePooling2D(2, name="p2"),
        k.layers.Flatten(), k.layers.Dense(32, activation="relu", name="hidden"), k.layers.Dropout(0.2),
        k.layers.Dense(10, name="logits"), k.layers.Softmax(),
    ])  # fmt: skip


def branches(k: Any) -> Any:
    x = image = k.Input((None, None, 3))
    for number in range(8):
        x = k.layers.Conv2D(8 * (1 + number // 2), 3, padding="same", activation="relu", name=f"c{number}")(x)
        if number % 2:
            x = k.layers.Add(name=f"add{number}")([x, x])
    x = k.layers.GlobalAveragePooling2D(name="pool")(x)
    return k.Model(image, k.layers.Dense(5, activation="softmax", name="head")(x))


def nested(k: Any) -> Any:
    x = image = k.Input((32, 32, 3))
    for number in range(4):
        x = k.layers.SeparableConv2D(16 * (number + 1), 3, strides=2, padding="same", name=f"s{number}")(x)
    backbone = k.Model(image, x, name="backbone")
    return k.Sequential([k.Input((32, 32, 3)), backbone, k.layers.GlobalMaxPooling2D(name="pool"),
                         k.layers.Dense(7, activation="softmax", name="head")])  # fmt: skip


def headless(k: Any) -> Any:
    return k.Sequential([k.Input((16, 16, 3)), k.layers.Conv2D(4, 3, name="c1"), k.layers.Conv2D(6, 3, name="c2"),
                         k.layers.DepthwiseConv2D(3, depth_multiplier=2, name="c3")])  # fmt: skip


def perceptron(k: Any) -> Any:
    return k.Sequential([k.Input((20,)), k.layers.Dense(16, activation="relu", name="one"),
                         k.layers.Dense(8, activation="relu", name="two"), k.layers.Dense(1, activation="sigmoid")])  # fmt: skip


def sequence(k: Any) -> Any:
    return k.Sequential([
        k.Input((30,), dtype="int32"), k.layers.Embedding(50, 12, name="rows"), k.layers.Conv1D(9, 5, dilation_rate=2),
        k.layers.MaxPooling1D(2, strides=1, padding="same", name="slid"), k.layers.LSTM(7, return_sequences=True, name="seq"),
        k.layers.GRU(6, name="last"), k.layers.Reshape((2, -1), name="pairs"),
        k.layers.Flatten(name="flat"), k.layers.Dense(3, "softmax"),
    ])  # fmt: skip


def embedding(k: Any) -> Any:
    return k.Sequential([k.Input((8, 8, 1)), k.layers.Flatten(), k.layers.UnitNormalization(name="end")])


WANTED: dict[Callable[[Any], Any], tuple[str, ...]] = {
    small_cnn: ("a2", "hidden"), branches: ("add5", "pool"), nested: ("backbone/s2", "pool"), headless: ("c2", "c3"),
    perceptron: ("two",), sequence: ("slid", "flat"), embedding: ("end",),
}  # fmt: skip


@pytest.mark.parametrize("build", WANTED, ids=lambda build: build.__name__)
def test_shapes_are_those_of_keras_and_the_rule_chooses(build: Callable[[Any], Any], tmp_path: Path) -> None:
    from kgkt.source.quiet import keras

    keras = keras()
    model = build(keras)
    model.save(tmp_path / "a.keras")
    info = inspect_model(tmp_path / "a.keras")
    for layer in model.layers:
        if info.classes[layer.name] != "InputLayer":
            assert info.layers[layer.name] == tuple(layer.output.shape[1:]), layer.name
    chosen = default_layers(info)
    assert chosen == WANTED[build]
    assert all(pooled_width(info.layers[name]) >= 2 for name in chosen)


def test_a_graph_is_made_without_a_word_of_layers(tmp_path: Path, digits: Any, model_a: Path, pool_npz: Path) -> None:
    import kgkt

    heard: list[str] = []
    run = kgkt.populate(model=model_a, data=pool_npz, dir=tmp_path / "run", say=heard.append)
    assert run.populated.widths == {"half": 512, "emb": 32}
    assert heard == ["layers half (4, 4, 32) and emb (32) are read: the last hidden layer and the largest map of the "
                     "middle (--layers names others)"]  # fmt: skip
    run.label(dict(zip(digits.pool_ids[:60], digits.pool_y[:60].astype(str), strict=True)))
    assert run.predict({"x": digits.test_x, "y": digits.test_y}).right > 0.6


def test_a_model_without_a_hidden_layer_is_refused(tmp_path: Path) -> None:
    import kgkt
    from kgkt.errors import UsageError
    from kgkt.source.quiet import keras

    keras = keras()
    keras.Sequential([keras.Input((20,)), keras.layers.Dense(3, activation="softmax")]).save(tmp_path / "a.keras")
    with pytest.raises(UsageError, match="has no hidden layer whose shape its file tells"):
        kgkt.populate(model=tmp_path / "a.keras", data=tmp_path, dir=tmp_path / "run")
