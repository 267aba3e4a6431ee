"""EfficientNet-Lite0 in Keras, with the ImageNet weights of a PyTorch state dict."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kgkt.source.quiet import keras as import_keras

if TYPE_CHECKING:
    import keras
    import numpy as np

SIZE = 224
STAGES = (  # repeats, kernel, stride, expansion, filters
    (1, 3, 1, 1, 16), (2, 3, 2, 6, 24), (2, 5, 2, 6, 40), (3, 3, 2, 6, 80), (3, 5, 1, 6, 112), (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)  # fmt: skip
MIDDLE = 11  # the block whose output is read beside the last pooling
LAYERS = ("middle", "last")


def build(seed: int = 0) -> keras.Model:
    """The network on pictures of any size, pixels 0 to 255; untrained.

    Outputs are ImageNet's 1,000 probabilities, and `middle`: block 11 averaged over places, so that both feature
    layers are part of the model.

    Reference: Tan & Le 2019; the Lite variant has no squeeze-and-excitation and ReLU6 throughout.
    """
    keras = import_keras()
    keras.utils.set_random_seed(seed)
    layers = keras.layers
    image = keras.Input((None, None, 3), name="image")
    x = layers.Resizing(SIZE, SIZE, name="resize")(image)
    x = layers.Rescaling(1 / 128, -127 / 128, name="rescale")(x)
    x = layers.Conv2D(32, 3, strides=2, padding="same", use_bias=False, name="stem")(x)
    x = _norm(x, "stem_norm")
    number = 0
    for repeats, kernel, stride, expansion, filters in STAGES:
        for repeat in range(repeats):
            x = _block(x, f"block{number}", kernel, stride if repeat == 0 else 1, expansion, filters)
            if number == MIDDLE:
                middle = layers.GlobalAveragePooling2D(name="middle")(x)
            number += 1
    x = layers.Conv2D(1280, 1, use_bias=False, name="head")(x)
    x = _norm(x, "head_norm")
    x = layers.GlobalAveragePooling2D(name="last")(x)
    x = layers.Dense(1000, activation="softmax", name="imagenet")(x)
    return keras.Model(image, [x, middle], name="efficientnet_lite0")


def _block(x: Any, name: str, kernel: int, stride: int, expansion: int, filters: int) -> Any:
    """An inverted residual: expand, depthwise, project; the input is added where shapes agree."""
    layers = import_keras().layers
    start, width = x, x.shape[-1]
    if expansion > 1:
        x = layers.Conv2D(width * expansion, 1, use_bias=False, name=f"{name}_expand")(x)
        x = _norm(x, f"{name}_expand_norm")
    x = layers.DepthwiseConv2D(kernel, strides=stride, padding="same", use_bias=False, name=f"{name}_depth")(x)
    x = _norm(x, f"{name}_depth_norm")
    x = layers.Conv2D(filters, 1, use_bias=False, name=f"{name}_project")(x)
    x = _norm(x, f"{name}_project_norm", relu=False)
    return layers.Add(name=f"{name}_add")([start, x]) if stride == 1 and width == filters else x


def _norm(x: Any, name: str, relu: bool = True) -> Any:
    layers = import_keras().layers
    x = layers.BatchNormalization(epsilon=0.001, name=name)(x)
    return layers.ReLU(6.0, name=f"{name}_relu")(x) if relu else x


def load(state: dict[str, np.ndarray]) -> keras.Model:
    """The network with the weights of a state dict whose names are those of the PyTorch port."""
    model = build()

    def conv(layer: str, name: str) -> None:
        kernel = state[f"{name}.weight"]
        order = (2, 3, 0, 1) if kernel.shape[1] == 1 and "depth" in name else (2, 3, 1, 0)
        model.get_layer(layer).set_weights([kernel.transpose(order)])

    def norm(layer: str, name: str) -> None:
        parts = ("weight", "bias", "running_mean", "running_var")
        model.get_layer(layer).set_weights([state[f"{name}.{part}"] for part in parts])

    conv("stem", "_conv_stem")
    norm("stem_norm", "_bn0")
    for number in range(sum(stage[0] for stage in STAGES)):
        name, theirs = f"block{number}", f"_blocks.{number}"
        if number:  # the first block does not expand
            conv(f"{name}_expand", f"{theirs}._expand_conv")
            norm(f"{name}_expand_norm", f"{theirs}._bn0")
        conv(f"{name}_depth", f"{theirs}._depthwise_conv")
        norm(f"{name}_depth_norm", f"{theirs}._bn1")
        conv(f"{name}_project", f"{theirs}._project_conv")
        norm(f"{name}_project_norm", f"{theirs}._bn2")
    conv("head", "_conv_head")
    norm("head_norm", "_bn1")
    model.get_layer("imagenet").set_weights([state["_fc.weight"].T, state["_fc.bias"]])
    return model
