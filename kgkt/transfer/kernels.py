"""Which weights of a layer its blocks are of: what counts as one unit, filter, row, cell, head of attention."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Kernel:
    """The weights that come into a layer, and how they fall into blocks.

    Args:
        variable: the Keras variable.
        kind: of the blocks, as in `Block`.
        blocks: how many.
        shape: of the weights of one.
    """

    variable: Any
    kind: str
    blocks: int
    shape: tuple[int, ...]


def kernel_of(layer: Any) -> Kernel | None:
    """The weights of a layer that fall into blocks; None where it has none that are known, or was never called.

    What a block is of:

    - Dense: a unit, its weights (d,). Of an EinsumDense a "projection": one output of it, over all inputs.
    - a convolution, also a transposed, depthwise or separable one: a filter, its window (..., d). A depthwise one has a
      filter for each channel and multiple, in the order of its outputs, with a window (..., 1); a separable one has
      those of its pointwise part, over all that comes of the depthwise part.
    - Embedding: a row (dim,).
    - SimpleRNN, LSTM, GRU, a ConvLSTM, or RNN around one of their cells: a "cell", one unit over all its gates, with
      what comes into it from outside (..., d, gates).
    - MultiHeadAttention and GroupQueryAttention: an "attention", one head of the query (d, width of a head).

    Args:
        layer: of a built model.
    """
    import keras

    if not getattr(layer, "built", False):
        return None
    kinds = keras.layers
    if isinstance(layer, kinds.Dense):
        return _last(layer.kernel, "unit")
    if isinstance(layer, kinds.EinsumDense):
        return _einsum(layer)
    if isinstance(layer, kinds.DepthwiseConv1D | kinds.DepthwiseConv2D):
        *window, channels, multiple = layer.kernel.shape
        return Kernel(layer.kernel, "filter", channels * multiple, (*window, 1))
    if isinstance(layer, kinds.SeparableConv1D | kinds.SeparableConv2D):
        return _last(layer.pointwise_kernel, "filter")
    if isinstance(layer, kinds.Conv1DTranspose | kinds.Conv2DTranspose | kinds.Conv3DTranspose):
        *window, filters, channels = layer.kernel.shape
        return Kernel(layer.kernel, "filter", filters, (*window, channels))
    if isinstance(layer, kinds.Conv1D | kinds.Conv2D | kinds.Conv3D):
        return _last(layer.kernel, "filter")
    if isinstance(layer, kinds.Embedding):
        return Kernel(layer.embeddings, "row", layer.embeddings.shape[0], tuple(layer.embeddings.shape[1:]))
    if isinstance(layer, kinds.MultiHeadAttention | kinds.GroupQueryAttention):
        d, heads, width = layer._query_dense.kernel.shape
        return Kernel(layer._query_dense.kernel, "attention", heads, (d, width))
    if isinstance(layer, kinds.RNN):
        return _cell(layer.cell)
    return None if isinstance(layer, kinds.StackedRNNCells) else _cell(layer)


def _last(variable: Any, kind: str) -> Kernel:
    """Blocks along the last axis."""
    return Kernel(variable, kind, variable.shape[-1], tuple(variable.shape[:-1]))


def _cell(cell: Any) -> Kernel | None:
    """A unit, or a filter, of a recurrent cell of Keras, whose gates lie side by side in the last axis."""
    import keras

    kinds = keras.layers
    convolves = "ConvLSTMCell" in (kind.__name__ for kind in type(cell).__mro__)  # the class is not exported
    if not convolves and not isinstance(cell, kinds.SimpleRNNCell | kinds.LSTMCell | kinds.GRUCell):
        return None
    kernel, units = cell.kernel, cell.filters if convolves else cell.units
    return Kernel(kernel, "cell", units, (*kernel.shape[:-1], kernel.shape[-1] // units))


def _einsum(layer: Any) -> Kernel:
    """One output of an EinsumDense: a place along the axes of its kernel that the inputs do not have."""
    inputs, _, rest = layer.equation.replace(" ", "").partition(",")
    letters, sizes = rest.partition("->")[0], tuple(layer.kernel.shape)
    named = list(zip(letters, sizes, strict=True))
    blocks = 1
    for letter, size in named:
        blocks *= 1 if letter in inputs else size
    return Kernel(layer.kernel, "projection", blocks, tuple(size for letter, size in named if letter in inputs))
