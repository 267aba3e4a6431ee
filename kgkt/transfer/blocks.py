"""What model B is made of: the blocks of its weights, its head; and what of a B cannot be taught."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from kgkt.errors import InputError, count
from kgkt.transfer.inputs import by_name, input_names, inputs_in_words, shape_in_words
from kgkt.transfer.kernels import kernel_of
from kgkt.transfer.layers import leaves
from kgkt.values import Block

if TYPE_CHECKING:
    import keras

SCOPE = re.compile(r"[A-Za-z0-9_.\\/>-]+")  # what a layer may be called in a training, by TensorFlow's rule for names
MAPPED = ("unit", "head")  # kinds of blocks that concepts are mapped to
WORDS = {"row": "embedding row", "attention": "attention head"}  # kinds that their name alone does not tell


def read_blocks(model: keras.Model) -> dict[str, tuple[Block, ...]]:
    """Read the blocks of B's weights; what is one of which layer, `kernel_of` says.

    Args:
        model: B, with one output.

    Returns:
        layer path -> its blocks in index order; layers from input to output. Only blocks of the kinds in MAPPED are
        mapped to concepts (`unmapped` says which are not). The Dense layer that makes the output has kind "head".

    Raises:
        InputError: B has no declared inputs, or several outputs.
    """
    check_single(model)
    head = head_layer(model)
    blocks: dict[str, tuple[Block, ...]] = {}
    for path, layer in leaves(model):
        if (kernel := kernel_of(layer)) is not None:
            kind = "head" if head and layer is head[1] else kernel.kind
            blocks[path] = tuple(Block(path, kind, i, kernel.shape, kernel.variable.path) for i in range(kernel.blocks))
    return blocks


def unmapped(blocks: dict[str, tuple[Block, ...]]) -> list[str]:
    """Sentences that name the layers of B whose blocks no concept is mapped to."""
    return [
        f"{layer} ({count(len(group), WORDS.get(kind, kind))}) is trained, but no concept is mapped to it"
        for layer, group in blocks.items()
        if (kind := group[0].kind) not in MAPPED
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

    for path, layer in reversed(list(leaves(model))):
        if isinstance(layer, keras.layers.Dense):
            return path, layer
        activates = isinstance(layer, keras.layers.Activation | keras.layers.Softmax) or (
            not isinstance(layer, keras.Layer) and type(layer).__name__ in ("Softmax", "Sigmoid"))
        if not activates and not passes(layer):
            return None
    return None


def passes(layer: Any) -> bool:
    """Whether a layer at B's end hands its inputs on as they are: same classes, same order, at most rescaled."""
    import keras

    kinds = keras.layers
    if isinstance(layer, kinds.Activation):  # of mixed precision's usual end, a cast to single
        return layer.activation is keras.activations.linear
    if isinstance(layer, kinds.Flatten | kinds.Reshape):
        return bool(layer._inbound_nodes) and layer.input.shape[-1] == layer.output.shape[-1]
    if isinstance(layer, kinds.Rescaling):  # a temperature
        return isinstance(layer.scale, int | float) and layer.scale > 0
    return isinstance(layer, kinds.Dropout | kinds.Identity | kinds.ActivityRegularization)


def rescaling(model: keras.Model) -> float:
    """What B's logits are multiplied with behind its head; 1 where there is no Rescaling."""
    import keras

    scale = 1.0
    for _, layer in reversed(list(leaves(model))):
        if isinstance(layer, keras.layers.Dense):
            break
        scale *= layer.scale if isinstance(layer, keras.layers.Rescaling) else 1.0
    return scale


def check_single(model: keras.Model) -> None:
    """Refuse a B whose outputs are not exactly one, or that is no graph of layers: `part_to_teach` makes one of it."""
    if not getattr(model, "inputs", None):
        raise InputError(
            f"B is a {type(model).__name__} without declared inputs; build it with keras.Input, or teach what "
            "part_to_teach of kgkt.transfer.part makes of it"
        )
    if len(model.outputs) != 1:
        given = ", ".join(f"{t.name} {shape_in_words(t.shape[1:])}" for t in model.outputs)
        raise InputError(f"B has {len(model.outputs)} outputs ({given}); teach the part that leads to one of them: "
                         "part_to_teach of kgkt.transfer.part")


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
        InputError: several outputs, another number of outputs (one is as good as two), another input shape,
            texts for numbers, weights in half precision.
    """
    check_single(model)
    check_precision(model, file)
    _check_batches(model, file)
    shape = tuple(model.output_shape)
    if len(shape) != 2:
        raise InputError(f"{file} gives outputs of shape {shape[1:]} for an item; kgkt teaches classifiers, "
                         f"expected ({len(names)},)")
    _refuse_no_head(model, shape[1], names, file)
    refuse_outputs(file, shape[1], names)
    if input_shape is not None:
        _check_input(model.inputs[0], tuple(input_shape), text, file)


def _refuse_no_head(model: Any, outputs: int, names: Sequence[str], file: str) -> None:
    """Refuse a B that ends before its head, where its outputs are not as many as the classes."""
    import keras

    head, fits = head_layer(model), outputs == len(names) or (outputs == 1 and len(names) == 2)
    ends = (keras.activations.linear, keras.activations.softmax, keras.activations.sigmoid,
            keras.activations.log_softmax)  # fmt: skip
    if fits or (head is not None and head[1].activation in ends):
        return
    last = head or next(reversed(list(leaves(model))), None)
    of = "" if last is None else f" {last[0]} ({type(last[1]).__name__})"
    raise InputError(f"{file} ends in{of or ' no layer'}, which is no head: it gives {count(outputs, 'number')} for an "
                     f"item, and no answer for each of your graph's {count(len(names), 'class')}.\n"
                     f"Give it one: keras.layers.Dense({len(names)}, activation=\"softmax\") at its end.")


def _check_batches(model: Any, file: str) -> None:
    """Refuse a B that reads batches of one size only, or tensors that are not dense."""
    for tensor in model.inputs:
        if tensor.shape[0] is not None:
            raise InputError(f"{file} reads batches of exactly {count(tensor.shape[0], 'item')}: build it with "
                             "keras.Input(shape), which leaves the size of a batch free")
        if tensor.sparse or getattr(tensor, "ragged", False):
            kind = "sparse" if tensor.sparse else "ragged"
            raise InputError(f"{file} reads {kind} tensors, kgkt gives dense ones: build it with a dense keras.Input")


def _check_input(tensor: Any, given: tuple[int, ...], text: bool, file: str) -> None:
    """Refuse items of another kind or shape than an input of B reads."""
    wanted = tuple(tensor.shape[1:])
    if text != (tensor.dtype == "string"):
        reads, has = ("items of shape " + shape_in_words(wanted), "texts") if text else ("texts", "numbers")
        raise InputError(f"{file} reads {reads}, the data has {has}.\n"
                         "Give B data of that kind for the same items (--target-data FILE), and such a test set.")
    if text and wanted not in ((), (1,)):
        raise InputError(f"{file} reads {shape_in_words(wanted)} texts for an item, the data has one: build B with "
                         "keras.Input((1,), dtype=\"string\")")
    if not text and not _fits(wanted, given):
        raise InputError(
            f"{file} reads items of shape {shape_in_words(wanted)}, the data has {shape_in_words(given)}.\n"
            "Give B data of that shape for the same items: --target-data FILE."
        )


def refuse_outputs(file: str, outputs: int, names: Sequence[str]) -> None:
    """Refuse a number of outputs that does not fit the classes; a single one tells two classes apart.

    Raises:
        InputError: with both.
    """
    if outputs == len(names) > 1 or (outputs == 1 and len(names) == 2):
        return
    shown = " ".join(names[:20]) + (" …" if len(names) > 20 else "")
    tells = ", which tells two classes apart" if outputs == 1 else ""
    give = f"Give B {count(len(names), 'output')}" if len(names) > 1 else "Label items of another class"
    raise InputError(
        f"{file} has {count(outputs, 'output')}{tells}, your graph has {count(len(names), 'class')}.\n"
        f"  outputs  {outputs}\n  classes  {shown}\n"
        f"{give}, or name its {max(outputs, 2)}: every class with a label or a tick, with --target-classes or "
        "[target] classes in kgkt.toml."
    )


def check_precision(model: keras.Model, file: str = "B") -> None:
    """Refuse what cannot be trained: weights in half precision or quantised, layers by names that TensorFlow refuses.

    Raises:
        InputError: the layers by name, and what to do.
    """
    import keras

    strange = [path for path, layer in leaves(model)
               if isinstance(layer, keras.Layer) and not SCOPE.fullmatch(layer.name)]
    if strange:
        raise InputError(f"{file} has layers whose names TensorFlow refuses in a training: "
                         f"{', '.join(repr(path) for path in strange[:5])}. Rename them (letters without accents, "
                         "digits and _ . - / > only) and save it again")
    quantised = [path for path, layer in leaves(model) if getattr(layer, "quantization_mode", None)]
    if quantised:
        raise InputError(f"{file} is quantised ({', '.join(quantised[:5])}), which ends its training: teach it before "
                         "it is quantised, then quantise what fuse writes")
    for dtype in ("float16", "bfloat16"):
        halves = [path for path, layer in leaves(model)
                  if any(v.dtype == dtype for v in getattr(layer, "trainable_variables", []))]
        if halves:
            raise InputError(f"{file} keeps the weights of {', '.join(halves[:5])} in {dtype}, which is too coarse for "
                             f"the steps of a training: build it with the dtype policy mixed_{dtype}, which computes "
                             f"in {dtype} and keeps its weights in float32")


def check_data(model: keras.Model, names: Sequence[str], x: Any, file: str = "B") -> None:
    """`check_target` for items at hand: x (n, ...) numbers or texts, or Inputs."""
    arrays = by_name(x)
    if len(model.inputs) == 1 and len(arrays) == 1:
        x = next(iter(arrays.values()))
        check_target(model, names, x.shape[1:], file, text=x.dtype.kind in "OU")
        return
    check_target(model, names, file=file)
    wanted = input_names(model)
    if set(wanted) != set(arrays):
        has = "one array" if list(arrays) == [""] else ", ".join(arrays)
        raise InputError(f"{file} has {count(len(wanted), 'input')} ({inputs_in_words(model)}), the data has {has}: "
                         "give B an array for each, --target-data FILE.npz")
    for tensor, name in zip(model.inputs, wanted, strict=True):
        one = arrays[name]
        shape = (1,) if len(one.shape) == 1 and tuple(tensor.shape[1:]) == (1,) else tuple(one.shape[1:])
        _check_input(tensor, shape, one.dtype.kind in "OU", f"{file}'s input {name}")


def _fits(wanted: tuple[int | None, ...], given: tuple[int, ...]) -> bool:
    return len(wanted) == len(given) and all(w in (None, g) for w, g in zip(wanted, given, strict=True))
