"""What model B is made of: its layers from input to output, and the blocks of their weights."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from kgkt.errors import InputError, count
from kgkt.values import Block

if TYPE_CHECKING:
    import keras


def leaves(model: keras.Model) -> Iterator[tuple[str, Any]]:
    """Yield (path, operation) of B from input to output, nested models opened.

    The path of a layer inside a nested model is `outer/inner`, so that a name means one layer.
    """
    import keras

    for operation in model.layers if isinstance(model, keras.Sequential) else model.operations:
        if isinstance(operation, keras.Model):
            yield from ((f"{operation.name}/{path}", inner) for path, inner in leaves(operation))
        else:
            yield operation.name, operation


def read_blocks(model: keras.Model) -> dict[str, tuple[Block, ...]]:
    """Read the blocks of B's weights: Dense units, head slots, convolution filters, embedding rows.

    Args:
        model: B, with one input and one output.

    Returns:
        layer path -> its blocks in index order; layers from input to output. Only blocks of kind
        "unit" and "head" are mapped to concepts (`unmapped` says which are not).

    Raises:
        InputError: B is not a Sequential or Functional model, or has several inputs or outputs.
    """
    import keras

    check_single(model)
    head = head_layer(model)
    blocks: dict[str, tuple[Block, ...]] = {}
    for path, layer in leaves(model):
        if isinstance(layer, keras.layers.Dense):
            kind, weights, axis = ("head" if head and layer is head[1] else "unit"), layer.kernel, -1
        elif isinstance(layer, keras.layers.Conv1D | keras.layers.Conv2D | keras.layers.Conv3D):
            kind, weights, axis = "filter", layer.kernel, -1
        elif isinstance(layer, keras.layers.Embedding):
            kind, weights, axis = "row", layer.embeddings, 0
        else:
            continue
        shape = tuple(weights.shape[:-1] if axis == -1 else weights.shape[1:])
        blocks[path] = tuple(Block(path, kind, i, shape) for i in range(weights.shape[axis]))
    return blocks


def unmapped(blocks: dict[str, tuple[Block, ...]]) -> list[str]:
    """Sentences that name the layers of B whose blocks no concept is mapped to."""
    words = {"filter": "filters", "row": "embedding rows"}
    return [
        f"{layer} ({len(group)} {words[group[0].kind]}) is trained, but no concept is mapped to it"
        for layer, group in blocks.items()
        if group[0].kind in words
    ]


def frozen_layers(model: keras.Model) -> list[str]:
    """Paths of the layers that hold weights and are not trainable, alone or through a nested model."""
    frozen = []
    for path, layer in leaves(model):
        weights = [v for v in getattr(layer, "weights", []) if not v.path.endswith("seed_generator_state")]
        if weights and not layer.trainable_variables:
            frozen.append(path)
    return frozen


def head_layer(model: keras.Model) -> tuple[str, Any] | None:
    """The Dense layer that makes B's output, as (path, layer); None where the output is made otherwise."""
    import keras

    passive = (keras.layers.Activation, keras.layers.Softmax, keras.layers.Dropout)
    for path, layer in reversed(list(leaves(model))):
        if isinstance(layer, keras.layers.Dense):
            return path, layer
        if not isinstance(layer, passive):
            return None
    return None


def reads_logits(model: keras.Model, from_logits: bool | None = None) -> bool:
    """Whether B's outputs are logits (True) or probabilities (False), read from its last activation.

    Args:
        model: B.
        from_logits: what the user says of it; None reads it from the last layer.

    Raises:
        InputError: the last layer is neither linear nor softmax, and the user did not say.
    """
    if from_logits is not None:
        return from_logits
    import keras

    path, last = list(leaves(model))[-1]
    if isinstance(last, keras.layers.Softmax):
        return False
    known = isinstance(last, keras.layers.Dense | keras.layers.Activation)
    activation = last.activation.__name__ if known else type(last).__name__
    if activation in ("softmax", "linear"):
        return activation == "linear"
    raise InputError(
        f"B's last layer {path} ends in {activation}: kgkt reads softmax (probabilities) or linear (logits).\n"
        "Say --from-logits if its outputs are logits, or end B in softmax."
    )


def check_single(model: keras.Model) -> None:
    """Refuse a B whose inputs or outputs are not exactly one, or that is no graph of layers."""
    if not getattr(model, "inputs", None):
        raise InputError(
            f"B is a {type(model).__name__} without declared inputs; kgkt reads Sequential and Functional models. "
            "Build it with keras.Input."
        )
    for what, tensors in (("inputs", model.inputs), ("outputs", model.outputs)):
        if len(tensors) != 1:
            names = ", ".join(f"{t.name} {tuple(t.shape[1:])}" for t in tensors)
            raise InputError(
                f"B has {len(tensors)} {what} ({names}); kgkt teaches models with one.\n"
                "Save the part to be taught: keras.Model(b.input, b.get_layer(NAME).output)"
            )


def check_target(
    model: keras.Model, names: Sequence[str], input_shape: Sequence[int] | None = None, file: str = "B",
    text: bool = False,
) -> None:
    """Refuse a B that does not fit the graph's classes or the data, before any work.

    Args:
        model: B.
        names: (c,) class names of the graph, in the order of B's outputs.
        input_shape: shape of one item of the data B is taught with; None is not checked.
        file: how B is called in the message.
        text: whether an item of that data is a text.

    Raises:
        InputError: several inputs or outputs, another number of outputs, another input shape, texts for numbers.
    """
    check_single(model)
    shape = tuple(model.output_shape)
    if len(shape) != 2:
        raise InputError(f"{file} gives outputs of shape {shape[1:]} for an item; kgkt teaches classifiers, "
                         f"expected ({len(names)},)")
    if shape[1] != len(names):
        shown = " ".join(names[:20]) + (" …" if len(names) > 20 else "")
        raise InputError(
            f"{file} has {count(shape[1], 'output')}, your graph has {count(len(names), 'class')}.\n"
            f"  outputs  {shape[1]}\n  classes  {shown}\n"
            f"Give B {count(len(names), 'output')}, or name its {shape[1]} with [target] classes in kgkt.toml "
            "(every class with a label or a tick)."
        )
    wanted = tuple(model.input_shape[1:])
    if input_shape is None:
        return
    if text != (model.inputs[0].dtype == "string"):
        reads, has = ("items of shape " + _shown(wanted), "texts") if text else ("texts", "numbers")
        raise InputError(f"{file} reads {reads}, the data has {has}.\n"
                         "Give B data of that kind for the same items (--target-data FILE), and such a test set.")
    if text and wanted not in ((), (1,)):
        raise InputError(f"{file} reads {_shown(wanted)} texts for an item, the data has one: build B with "
                         "keras.Input((1,), dtype=\"string\")")
    if not text and not _fits(wanted, tuple(input_shape)):
        raise InputError(
            f"{file} reads items of shape {_shown(wanted)}, the data has {_shown(tuple(input_shape))}.\n"
            "Give B data of that shape for the same items: --target-data FILE."
        )


def check_data(model: keras.Model, names: Sequence[str], x: Any, file: str = "B") -> None:
    """`check_target` for items at hand: x (n, ...) numbers or texts."""
    check_target(model, names, x.shape[1:], file, text=x.dtype.kind in "OU")


def _fits(wanted: tuple[int | None, ...], given: tuple[int, ...]) -> bool:
    return len(wanted) == len(given) and all(w in (None, g) for w, g in zip(wanted, given, strict=True))


def _shown(shape: tuple[int | None, ...]) -> str:
    return "(" + ", ".join("any" if s is None else str(s) for s in shape) + ")"
