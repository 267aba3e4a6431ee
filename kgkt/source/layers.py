"""Which layers of A are read where nobody names any, by a rule that `check` prints."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from kgkt.values import GRID

if TYPE_CHECKING:
    from kgkt.source.model_config import Shape
    from kgkt.source.models import ModelInfo

WIDEST = 4_096  # numbers an item of the middle layer, after pooling; wider maps cost more than they tell
MIDDLE = (0.25, 0.75)  # of the depth of the layers with a map
NO_OUTPUT_OF_THEIR_OWN = {"InputLayer", "Dropout", "SpatialDropout1D", "SpatialDropout2D", "GaussianNoise",
                          "GaussianDropout", "ActivityRegularization", "Functional", "Sequential", "Rescaling",
                          "Normalization", "Resizing", "ZeroPadding2D"}  # fmt: skip
ENDS = {"Activation", "Softmax", "Dropout", "Rescaling"}  # what may stand behind the head
RULE = "the last hidden layer and the largest map of the middle"


def default_layers(info: ModelInfo) -> tuple[str, ...]:
    """The middle map and the last hidden layer of a model, in this order; what it lacks is left out.

    The last hidden layer is the last vector before the head (a Dense that ends the model); of a model that ends in
    something else it is the end itself. The middle map is the widest after pooling, up to 4,096 numbers, of the layers
    with a map from the first to the third quarter of their depth; of several the last. Layers inside of a nested model
    count like any other.
    """
    own = [name for name in info.layers if info.classes[name] not in NO_OUTPUT_OF_THEIR_OWN]
    before = own[: _head(info, own)]
    vectors = [name for name in before if _rank(info.layers[name]) == 1 and (info.layers[name] or (0,))[0] != 1]
    last = vectors[-1] if vectors else before[-1] if before and pooled_width(info.layers[before[-1]]) else None
    maps = [name for name in before if _rank(info.layers[name]) >= 2 and name != last]
    low, high = math.floor(MIDDLE[0] * len(maps)), math.ceil(MIDDLE[1] * len(maps))
    middle = [name for name in maps[low:high] if 2 <= (pooled_width(info.layers[name]) or 0) <= WIDEST]
    widest = max(middle, key=lambda name: (pooled_width(info.layers[name]) or 0, own.index(name)), default=None)
    return tuple(name for name in (widest, last) if name is not None)


def _head(info: ModelInfo, own: list[str]) -> int:
    """Where the head begins among the layers; their number where the model has none."""
    end = len(own)
    while end and info.classes[own[end - 1]] in ENDS:
        end -= 1
    if end and info.classes[own[end - 1]] == "Dense" and _rank(info.layers[own[end - 1]]) in (0, 1):
        return end - 1
    return len(own)


def _rank(shape: Shape | None) -> int:
    return 0 if shape is None else len(shape)


def pooled_width(shape: Shape | None) -> int | None:
    """Width of a layer's features: a map larger than 4x4 is pooled to 4x4, then flattened.

    >>> pooled_width((8, 8, 64)), pooled_width((None, None, 3)), pooled_width((64,))
    (1024, 48, 64)
    """
    if shape is None or any(s is None for s in shape[-1:]):
        return None
    *inner, channels = (s or GRID for s in shape)
    return math.prod(min(size, GRID) for size in inner) * channels
