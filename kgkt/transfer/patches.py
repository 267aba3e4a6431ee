"""What B's convolutions see: patches of their inputs at a few places, and the targets of their filters there."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from kgkt.transfer.places import Places

if TYPE_CHECKING:
    import numpy as np
    from scipy.sparse import csr_matrix


def refusal(layer: Any) -> str:
    """Why the filters of a layer are not written; "" where they are."""
    import keras

    kind, plain = type(layer), (keras.layers.Conv1D, keras.layers.Conv2D, keras.layers.Conv3D)
    if kind not in plain:
        return f"it is a {kind.__name__}: of convolutions only the plain ones are written"
    if layer.data_format != "channels_last":
        return "its channels come first"
    if layer.groups != 1:
        return f"its channels fall into {layer.groups} groups"
    if layer.lora_enabled:
        return "it has LoRA weights beside its own"
    return ""


def grid_of(layer: Any, inputs: tuple[int, ...]) -> tuple[tuple[int, ...], tuple[tuple[int, int], ...]]:
    """Places of a convolution's output along each axis, and the zeros put before and behind its input.

    Args:
        layer: a plain convolution.
        inputs: size of its input along each axis.

    Returns:
        As `padding="same"` of TensorFlow does it; "causal" puts all zeros before.
    """
    sizes, pads = [], []
    for size, kernel, stride, apart in zip(inputs, layer.kernel_size, layer.strides, layer.dilation_rate, strict=True):
        reach = (kernel - 1) * apart + 1
        if layer.padding == "valid":
            sizes.append((size - reach) // stride + 1)
            pads.append((0, 0))
            continue
        count = -(-size // stride)
        zeros = max((count - 1) * stride + reach - size, 0)
        before = reach - 1 if layer.padding == "causal" else zeros // 2
        sizes.append(count)
        pads.append((before, max(zeros - before, 0)))
    return tuple(sizes), tuple(pads)


def patches_at(layer: Any, H: np.ndarray, at: np.ndarray) -> np.ndarray:
    """The patches that a convolution sees.

    Args:
        layer: a plain convolution.
        H: (b, ..., channels) its input.
        at: (b, q) numbers of places of its output, counted row by row.

    Returns:
        (b, q, d) in the order of the kernel's weights (d, u).
    """
    import numpy as np

    grid, pads = grid_of(layer, H.shape[1:-1])
    padded = np.pad(H, ((0, 0), *pads, (0, 0)))
    axes, places = len(grid), np.unravel_index(at, grid)
    index: list[Any] = [np.arange(len(H)).reshape(-1, *[1] * (axes + 1))]
    for axis, (place, stride, apart) in enumerate(zip(places, layer.strides, layer.dilation_rate, strict=True)):
        inside = np.arange(layer.kernel_size[axis]) * apart
        shape = [1] * axes
        shape[axis] = -1
        index.append(place.reshape(*place.shape, *[1] * axes) * stride + inside.reshape(shape))
    return padded[tuple(index)].reshape(*at.shape, -1)


def every_patch(layer: Any, H: np.ndarray) -> np.ndarray:
    """The patches (b, places, d) that a convolution sees at every place of its output; see `patches_at`."""
    import numpy as np

    count = math.prod(grid_of(layer, H.shape[1:-1])[0])
    return patches_at(layer, H, np.broadcast_to(np.arange(count), (len(H), count)))


def stretched(grid: tuple[int, ...], onto: tuple[int, ...]) -> np.ndarray:
    """(places of `onto`, places of `grid`) weights that resize a map linearly; rows sum to 1."""
    import numpy as np

    weights = np.ones((1, 1), np.float32)
    for size, wanted in zip(grid, onto, strict=True):
        centre = np.clip((np.arange(wanted) + 0.5) * size / wanted - 0.5, 0, size - 1)
        apart = np.abs(centre[:, None] - np.arange(size))
        weights = np.kron(weights, np.maximum(1 - apart, 0)).astype(np.float32)
    return weights


class FilterTargets:
    """Targets of a layer's filters at places of its output, as planned and as edited.

    Planned: what A's map holds there, resized to the layer's grid, of the local concepts that the filter carries.
    Edited: of each item times (Z S_edited) / (Z S_planned). Where nothing was planned, a new strength enters with its
    own share Z S_edited at every place.

    Args:
        places: of A.
        groups: (m, u), local concepts to filters.
        memberships: (n, k).
        planned, strength: (k, u).
    """

    def __init__(
        self, places: Places, groups: np.ndarray, memberships: csr_matrix, planned: csr_matrix, strength: csr_matrix
    ) -> None:
        self.places, self.groups, self.Z, self.planned, self.strength = places, groups, memberships, planned, strength
        self.edited = (planned != strength).nnz > 0

    def at(self, numbers: np.ndarray, at: np.ndarray, grid: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
        """(b, q, u) edited and planned targets.

        Args:
            numbers: (b,) of the items in `places.items`.
            at: (b, q) numbers of places of the layer's output.
            grid: of that output.
        """
        import numpy as np

        onto = stretched(self.places.grid, grid)[at]
        planned = np.einsum("bqp,bpu->bqu", onto, self.places.carried(numbers, self.groups), optimize=True)
        if not self.edited:
            return planned, planned
        z = self.Z[self.places.items[numbers]]
        was, now = (np.asarray((z @ s).todense(), np.float32)[:, None] for s in (self.planned, self.strength))
        held = was > 0
        moved = np.where(held, planned * now / np.where(held, was, 1), np.where(now > 0, now, planned))
        return np.where(was == now, planned, moved), planned
