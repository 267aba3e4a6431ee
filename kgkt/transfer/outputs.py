"""How B's outputs are read as classes: what its last layers make of its last weighted sums."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kgkt.errors import InputError
from kgkt.transfer.blocks import passes
from kgkt.transfer.layers import leaves

if TYPE_CHECKING:
    import keras

READ = ("softmax", "sigmoid", "linear")
FOR_B = ("Say --from-logits if its outputs are logits, from_logits = false in [target] if they are probabilities, or "
         "end B in one of these.")


@dataclass(frozen=True, slots=True)
class Outputs:
    """What B's outputs are.

    Args:
        units: how many there are; one tells two classes apart, as what speaks for the second.
        logits: whether they are logits rather than probabilities.
        each: whether each is judged by itself (sigmoid), rather than all together (softmax).
    """

    units: int
    logits: bool
    each: bool

    @property
    def classes(self) -> int:
        """How many classes they tell apart."""
        return 2 if self.units == 1 else self.units


def read_outputs(
    model: keras.Model, from_logits: bool | None = None, *, name: str = "B", advice: str = FOR_B
) -> Outputs:
    """Read from a classifier's last layers what its outputs are.

    Args:
        model: B, with one output of shape (units,).
        from_logits: what the user says of it where its last layers do not; None: nothing.
        name, advice: how the model is called, and what to do, in a refusal.

    Returns:
        Several linear outputs are logits of a softmax, a single one is the logit of a sigmoid.

    Raises:
        InputError: no classifier; the last layer is none that is read, or the user says otherwise than it.
    """
    if len(model.output_shape) != 2:
        raise InputError(f"{name} gives outputs of shape {model.output_shape[1:]} for an item; kgkt reads classifiers")
    path, activation = last_activation(model)
    units = int(model.output_shape[1])
    refuse_activation(f"{name}'s last layer {path}", activation, units, from_logits, advice)
    logits = activation == "linear" if activation in READ else bool(from_logits)
    return Outputs(units, logits, activation == "sigmoid" or units == 1)


def last_activation(model: keras.Model) -> tuple[str, str]:
    """Path and activation of the layer that makes the outputs; the name of its kind where it has none."""
    rescaled = None
    for path, layer in reversed(list(leaves(model))):
        if not passes(layer):
            # a rescaled logit is a logit, a rescaled probability is no probability
            return rescaled if rescaled and _activation(layer) != "linear" else (path, _activation(layer))
        if type(layer).__name__ == "Rescaling":
            rescaled = path, "Rescaling"
    return rescaled or (path, "nothing that is trained")


def _activation(layer: Any) -> str:
    """Name of a layer's activation; a softmax counts over the classes, the last axis, only."""
    import keras

    kind = type(layer).__name__
    if isinstance(layer, keras.layers.Softmax) or (not isinstance(layer, keras.Layer) and kind == "Softmax"):
        axes = list(layer.axis) if isinstance(layer.axis, list | tuple) else [layer.axis]
        last = [len(layer.output.shape) - 1] if layer._inbound_nodes else []  # inside of one's own class it has no node
        return "softmax" if axes in ([-1], last) else f"softmax over axis {layer.axis}"
    if not isinstance(layer, keras.Layer) and kind == "Sigmoid":
        return "sigmoid"
    function = getattr(layer, "activation", None)
    return kind if function is None else getattr(function, "__name__", type(function).__name__)


def refuse_activation(
    what: str, activation: str, units: int, from_logits: bool | None, advice: str = FOR_B
) -> None:
    """Refuse a last activation that cannot be read as classes, or that the user contradicts.

    Args:
        what: the model or its last layer, in the message.
        activation: of that layer.
        units: outputs.
        from_logits: as for `read_outputs`.
        advice: what to do.

    Raises:
        InputError: as said.
    """
    if activation == "softmax" and units == 1:
        raise InputError(f"{what} ends in softmax over one output, which is always 1.\n"
                         "End it in sigmoid, which tells two classes apart, or give it an output for each class.")
    if activation in READ and from_logits not in (None, activation == "linear"):
        are, said = ("logits", "false") if activation == "linear" else ("probabilities", "true (--from-logits)")
        raise InputError(f"{what} ends in {activation}, so its outputs are {are}, and from_logits is {said}: "
                         "leave it out.")
    if activation not in READ and from_logits is None:
        raise InputError(f"{what} ends in {activation}: kgkt reads softmax or sigmoid (probabilities) and linear "
                         f"(logits).\n{advice}")


def in_words(outputs: Outputs, names: Sequence[str], name: str = "B") -> str:
    """What a user of softmax would not expect of the outputs, in a sentence; "" where there is nothing."""
    if outputs.units == 1:
        what = "logit" if outputs.logits else "probability"
        return f"{name} has one output: the {what} of {names[1]!r} (the second class) against {names[0]!r}"
    if outputs.each:
        return (f"{name} ends in sigmoid: each of its {outputs.units} outputs is taught its own class (binary "
                "cross-entropy), and the largest one is its answer")
    return ""


def single(outputs: Outputs, y: Any) -> tuple[Any, bool]:
    """B's output tensor, of a graph, in single precision, and whether it holds logits.

    Of a softmax or sigmoid in half precision these are the logits behind it: its probabilities are rounded to 0 and 1,
    from which nothing is learned. (In single precision Keras's losses take the logits behind by themselves.)
    """
    import tensorflow as tf

    source = y
    while source.op.type in ("Cast", "Identity"):
        source = source.op.inputs[0]
    if source.dtype != tf.float32 and source.op.type in ("Softmax", "Sigmoid"):
        return tf.cast(source.op.inputs[0], tf.float32), True
    return tf.cast(y, tf.float32), outputs.logits


def cross_entropy(outputs: Outputs, P: Any, y: Any) -> Any:
    """Loss (b,) in nats of B's output tensor y (b, units) against targets P (b, c); of sigmoids the mean over them."""
    import keras

    y, logits = single(outputs, y)
    if outputs.each:
        return keras.losses.binary_crossentropy(P[:, -outputs.units :], y, from_logits=logits)  # of one: the second
    return keras.losses.categorical_crossentropy(P, y, from_logits=logits)


def probabilities(outputs: Outputs, y: Any) -> Any:
    """Probabilities (b, c) of the classes from B's output tensor y (b, units); those of sigmoids need not sum to 1."""
    import tensorflow as tf

    y = tf.cast(y, tf.float32)
    if outputs.logits:
        y = tf.nn.sigmoid(y) if outputs.each else tf.nn.softmax(y)
    return tf.concat([1 - y, y], axis=1) if outputs.units == 1 else y
