"""Small Bs of many kinds for the digits' 64 pixels; the same weights each time."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np

from kgkt.transfer.inputs import Inputs

layers = keras.layers


def as_text(x: np.ndarray) -> Any:
    """(n, 64) pixels as texts: a word for each bright one."""
    return np.array([" ".join(f"p{j}" for j in np.flatnonzero(row > 0.5)) for row in x], object)


def as_two(x: np.ndarray) -> Inputs:
    """(n, 64) pixels as the upper half, a picture, and the lower half, numbers."""
    return Inputs({"top": x[:, :32].reshape(-1, 4, 8, 1), "bottom": x[:, 32:]})


@dataclass(frozen=True)
class Kind:
    """A B of the zoo.

    Args:
        build: makes it.
        kinds: layer -> kind and number of its blocks.
        items: the pixels as it reads them.
        output: which output is taught.
        graph: the fixture of what it is taught: all digits, or "two" classes of them.
    """

    build: Callable[[], Any]
    kinds: dict[str, tuple[str, int]]
    items: Callable[[np.ndarray], Any] = lambda x: x
    output: str | None = None
    graph: str = "taught"


def mlp() -> Any:
    return keras.Sequential([keras.Input((64,)), layers.Dense(16, activation="relu", name="one"),
                             layers.Dense(10, activation="softmax", name="out")])  # fmt: skip


def cnn() -> Any:
    return keras.Sequential([
        keras.Input((64,)), layers.Reshape((8, 8, 1)), layers.Conv2D(6, 3, activation="relu", name="conv"),
        layers.MaxPooling2D(), layers.Flatten(), layers.Dense(10, name="out"),
    ])  # fmt: skip


def mobile() -> Any:
    """MobileNet for pictures of 32 x 32, without its weights, nested in a model."""
    body = keras.applications.MobileNet((32, 32, 3), 0.25, include_top=False, weights=None, pooling="avg")
    pixels = keras.Input((64,))
    x = layers.UpSampling2D(4)(layers.Concatenate()([layers.Reshape((8, 8, 1))(pixels)] * 3))
    return keras.Model(pixels, layers.Dense(10, activation="softmax", name="out")(body(x)))


def residual() -> Any:
    pixels = keras.Input((64,))
    x = layers.Conv2D(4, 3, padding="same", name="stem")(layers.Reshape((8, 8, 1))(pixels))
    y = layers.Conv2D(4, 3, padding="same", activation="relu", name="inside")(x)
    x = layers.Activation("relu")(layers.BatchNormalization(name="norm")(layers.Add()([x, y])))
    return keras.Model(pixels, layers.Dense(10, activation="softmax", name="out")(layers.Flatten()(x)))


def words() -> Any:
    vectorize = layers.TextVectorization(70, output_sequence_length=24, vocabulary=[f"p{i}" for i in range(64)])
    return keras.Sequential([
        keras.Input((1,), dtype="string"), vectorize, layers.Embedding(66, 8, name="embed"),
        layers.GlobalAveragePooling1D(), layers.Dense(12, activation="relu", name="one"), layers.Dense(10, name="out"),
    ])  # fmt: skip


def recurrent() -> Any:
    return keras.Sequential([
        keras.Input((64,)), layers.Reshape((8, 8)), layers.Bidirectional(layers.LSTM(5, return_sequences=True, name="lstm"), name="both"),
        layers.GRU(6, name="gru"), layers.Dense(10, name="out"),
    ])  # fmt: skip


def transformer() -> Any:
    pixels = keras.Input((64,))
    x = layers.Dense(8, name="embed")(layers.Reshape((8, 8))(pixels))
    x = layers.LayerNormalization()(layers.Add()([x, layers.MultiHeadAttention(2, 4, name="attention")(x, x)]))
    y = layers.TimeDistributed(layers.Dense(8, activation="relu", name="fed"), name="each")(x)
    x = layers.GlobalAveragePooling1D()(layers.LayerNormalization()(layers.Add()([x, y])))
    return keras.Model(pixels, layers.Dense(10, activation="softmax", name="out")(x))


def nested() -> Any:
    deep = keras.Sequential([keras.Input((64,)), layers.Dense(12, activation="relu", name="deep")], name="inner")
    deep.trainable = False
    return keras.Sequential([keras.Input((64,)), deep, layers.Dropout(0.1),
                             layers.SpectralNormalization(layers.Dense(8, activation="relu", name="kept"), name="held"),
                             layers.Dense(10, activation="softmax", name="out")])  # fmt: skip


def shared() -> Any:
    """One layer reads both halves of an item."""
    pixels = keras.Input((64,))
    half = layers.Dense(8, activation="relu", name="half")
    both = [half(part) for part in (pixels[:, :32], pixels[:, 32:])]
    return keras.Model(pixels, layers.Dense(10, activation="softmax", name="out")(layers.Concatenate()(both)))


def outputs() -> Any:
    """Its body gives two heads: the digit, and how dark it is."""
    pixels = keras.Input((64,))
    x = layers.Dense(12, activation="relu", name="trunk")(pixels)
    body = keras.Model(pixels, [layers.Dense(10, name="digit")(x), layers.Dense(1, name="dark")(x)], name="body")
    outer = keras.Input((64,))
    return keras.Model(outer, body(outer))


def inputs() -> Any:
    top, bottom = keras.Input((4, 8, 1), name="top"), keras.Input((32,), name="bottom")
    x = layers.Flatten()(layers.Conv2D(3, 3, activation="relu", name="conv")(top))
    x = layers.Concatenate()([x, layers.Dense(8, activation="relu", name="side")(bottom)])
    return keras.Model({"top": top, "bottom": bottom}, layers.Dense(10, activation="softmax", name="out")(x))


@keras.saving.register_keras_serializable("zoo")
class Block(layers.Layer):
    """A layer of one's own that holds others; the first one that is made is the last one that is called."""

    def __init__(self, width: int, **rest: Any) -> None:
        super().__init__(**rest)
        self.width = width
        self.after = layers.Dense(width)
        self.first = [layers.Dense(width, activation="relu"), layers.BatchNormalization()]

    def build(self, shape: Any) -> None:
        self.first[0].build(shape)
        self.first[1].build((*shape[:-1], self.width))
        self.after.build((*shape[:-1], self.width))
        self.built = True

    def call(self, x: Any, training: bool | None = None) -> Any:
        return x + self.after(self.first[1](self.first[0](x), training=training))

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"width": self.width}


@keras.saving.register_keras_serializable("zoo")
class Own(keras.Model):
    """A model of one's own, with two outputs."""

    def __init__(self, **rest: Any) -> None:
        super().__init__(**rest)
        self.dark = layers.Dense(1)
        self.digit = layers.Dense(10, activation="softmax")
        self.block = Block(12)
        self.hidden = layers.Dense(12, activation="relu")

    def call(self, x: Any, training: bool | None = None) -> Any:
        x = self.block(self.hidden(x), training=training)
        return {"digit": self.digit(x), "dark": self.dark(x)}


def own() -> Any:
    model = Own()
    model(np.zeros((2, 64), np.float32))
    return model


def mixed() -> Any:
    half = "mixed_float16"
    return keras.Sequential([keras.Input((64,)), layers.Dense(16, activation="relu", name="one", dtype=half),
                             layers.Dense(10, activation="softmax", name="out", dtype=half)])  # fmt: skip


def sigmoid() -> Any:
    return keras.Sequential([keras.Input((64,)), layers.Dense(8, activation="relu", name="one"),
                             layers.Dense(1, activation="sigmoid", name="out")])  # fmt: skip


def separable() -> Any:
    return keras.Sequential([
        keras.Input((64,)), layers.Reshape((8, 8, 1)), layers.Conv2D(4, 3, name="stem"),
        layers.DepthwiseConv2D(3, depth_multiplier=2, name="depthwise"), layers.BatchNormalization(),
        layers.SeparableConv2D(6, 3, activation="relu", name="separable"), layers.GlobalAveragePooling2D(),
        layers.Dense(10, activation="softmax", name="out"),
    ])  # fmt: skip


def convolved() -> Any:
    """No Dense layer at all."""
    return keras.Sequential([
        keras.Input((64,)), layers.Reshape((8, 8, 1)), layers.Conv2DTranspose(5, 2, activation="relu", name="up"),
        layers.Conv2D(10, 3, name="last"), layers.GlobalAveragePooling2D(), layers.Softmax(),
    ])  # fmt: skip


HEAD = {"out": ("head", 10)}
ZOO = {
    "mlp": Kind(mlp, {"one": ("unit", 16)} | HEAD),
    "cnn": Kind(cnn, {"conv": ("filter", 6)} | HEAD),
    "mobile": Kind(mobile, HEAD),
    "residual": Kind(residual, {"stem": ("filter", 4), "inside": ("filter", 4)} | HEAD),
    "words": Kind(words, {"embed": ("row", 66), "one": ("unit", 12)} | HEAD, as_text),
    "recurrent": Kind(recurrent, {"both/forward_lstm": ("cell", 5), "both/backward_lstm": ("cell", 5),
                                  "gru": ("cell", 6)} | HEAD),
    "transformer": Kind(transformer, {"embed": ("unit", 8), "attention": ("attention", 2), "each/fed": ("unit", 8)} | HEAD),
    "nested": Kind(nested, {"inner/deep": ("unit", 12), "held/kept": ("unit", 8)} | HEAD),
    "shared": Kind(shared, {"half": ("unit", 8)} | HEAD),
    "outputs": Kind(outputs, {"body/trunk": ("unit", 12), "body/digit": ("head", 10)}, output="body/digit"),
    "inputs": Kind(inputs, {"conv": ("filter", 3), "side": ("unit", 8)} | HEAD, as_two),
    "own": Kind(own, {"hidden": ("unit", 12), "block/first/0": ("unit", 12), "block/after": ("unit", 12),
                      "digit": ("head", 10)}, output="digit"),
    "sigmoid": Kind(sigmoid, {"one": ("unit", 8), "out": ("head", 1)}, graph="two"),
    "mixed": Kind(mixed, {"one": ("unit", 16)} | HEAD),
    "separable": Kind(separable, {"stem": ("filter", 4), "depthwise": ("filter", 8), "separable": ("filter", 6)} | HEAD),
    "convolved": Kind(convolved, {"up": ("filter", 5), "last": ("filter", 10)}),
}  # fmt: skip
