"""Surgery on a trained B: the same layers with more units, filters or slots, and the old weights in their place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kgkt.errors import InputError, count, nearest
from kgkt.transfer.blocks import head_layer, leaves
from kgkt.transfer.flow import call_of, check_own, readers
from kgkt.transfer.outputs import Outputs

if TYPE_CHECKING:
    import keras
    import numpy as np

SILENT = -1e4  # bias of a new slot before it is written: its probability is 0 in single and in half precision
CONVOLUTIONS = ("Conv1D", "Conv2D", "Conv3D")


@dataclass(frozen=True, slots=True)
class Wider:
    """What becomes of one variable of a layer.

    Args:
        axis: that gets longer.
        repeats: times that the channels stand along it.
        old, new: channels before and after.
        fill: of what is new.
    """

    axis: int
    repeats: int
    old: int
    new: int
    fill: float

    def of(self, value: np.ndarray) -> np.ndarray:
        """The variable's value with what is new behind the old channels of each place."""
        import numpy as np

        shape = value.shape
        parts = value.reshape(*shape[: self.axis], self.repeats, self.old, *shape[self.axis + 1 :])
        pad = [(0, 0)] * parts.ndim
        pad[self.axis + 1] = (0, self.new - self.old)
        wide = np.pad(parts, pad, constant_values=self.fill)
        return wide.reshape(*shape[: self.axis], self.repeats * self.new, *shape[self.axis + 1 :])


def hidden_layers(model: keras.Model) -> dict[str, Any]:
    """The layers of B that `widen` knows: Dense and convolutions, without the head; from input to output."""
    import keras

    head = head_layer(model)
    return {
        path: layer for path, layer in leaves(model)
        if (isinstance(layer, keras.layers.Dense) or type(layer).__name__ in CONVOLUTIONS)
        and not (head and layer is head[1])
    }  # fmt: skip


def widen(model: keras.Model, path: str, units: int) -> tuple[keras.Model, int]:
    """B with a hidden layer of more units or filters, whose outgoing weights are 0: it answers as before.

    Args:
        model: B, a Sequential or Functional model; it is not changed.
        path: of the layer.
        units: how many it gets.

    Returns:
        The new B, and how many the layer had. The incoming weights of the new ones are drawn by the layer's own
        initializer, and are for `write_units` to write.

    Raises:
        InputError: no such layer, another kind, frozen, shared, not wider than now, or its width cannot be carried on.

    Reference: Chen, Goodfellow & Shlens 2015 (Net2Net), with outgoing zeros in place of copies.
    """
    layer = _hidden(model, path)
    key = "units" if type(layer).__name__ == "Dense" else "filters"
    had = int(layer.kernel.shape[-1])
    if units <= had:
        raise InputError(f"--grow units={path}:{units}: {path} has {count(had, key.removesuffix('s'))} now; name more")
    if not (layer.trainable and layer.kernel.trainable):
        raise InputError(f"{path} is frozen: its new {key} would never be trained. Set trainable = True, save B again")
    call_of(model, path, layer)
    check_own(path, layer)
    wider: dict[int, Wider] = {}
    for reader in readers(model, path, layer):
        if reader.scales:
            scale = reader.layer
            for variable, fill in ((scale.gamma, 1.0), (scale.beta, 0.0), (scale.moving_mean, 0.0),
                                   (scale.moving_variance, 1.0)):  # fmt: skip
                if variable is not None:
                    wider[id(variable)] = Wider(0, reader.repeats, had, units, fill)
        else:
            axis = reader.layer.kernel.ndim - 2
            wider[id(reader.layer.kernel)] = Wider(axis, reader.repeats, had, units, 0.0)
    grown = rebuild(model, {id(layer): {key: units}})
    new = dict(leaves(grown))[path]
    drawn = [variable.numpy() for variable in new.weights]  # kernel and bias: the channels are the last axis
    for value, old in zip(drawn, layer.weights, strict=True):
        value[..., :had] = old.numpy()
    copy_state(model, grown, wider, (layer, new))
    new.set_weights(drawn)
    return grown, had


def _hidden(model: keras.Model, path: str) -> Any:
    """The layer at `path`, if it is one that can grow."""
    known = hidden_layers(model)
    if path in known:
        return known[path]
    head, every = head_layer(model), dict(leaves(model))
    if head and path == head[0]:
        raise InputError(f"{path} is B's head: its slots are classes. Name the new ones: --grow classes=…")
    if path in every:
        raise InputError(f"{path} is a {type(every[path]).__name__}: kgkt widens Dense and convolutions"
                         f"{nearest(path, known)}")
    raise InputError(f"B has no layer {path!r}{nearest(path, known)}")


def add_slots(model: keras.Model, outputs: Outputs, more: int) -> keras.Model:
    """B with more slots in its head; the new ones are silent, so that it answers as before.

    A single output, which tells two classes apart, becomes one for each: the first with logit 0, the second with the
    logit that was there, under softmax, which is the same.

    Args:
        model: B, a Sequential or Functional model; it is not changed.
        outputs: how its outputs are read.
        more: new slots.

    Raises:
        InputError: a head that kgkt does not know, frozen, shared, or behind it a layer of fixed size.
    """
    head = head_layer(model)
    if head is None:
        last = list(leaves(model))[-1]
        raise InputError(f"B ends in {last[0]} ({type(last[1]).__name__}), and not in a Dense head whose slots are its "
                         "classes: kgkt grows heads of that kind only")
    path, layer = head
    if not (layer.trainable and layer.kernel.trainable):
        raise InputError(f"B's head {path} is frozen: new classes could never be learned. Set trainable = True on it "
                         "and save B again")
    call_of(model, path, layer)
    behind = _behind(model, layer)
    if fixed := [f"{name} ({type(after).__name__})" for name, after in behind if type(after).__name__ == "Reshape"]:
        raise InputError(f"behind B's head {path} stands {fixed[0]}, of fixed size: take it off, save B again")
    units, single = int(layer.kernel.shape[-1]), outputs.units == 1
    changed: dict[int, dict[str, Any]] = {id(layer): {"units": units + more + single, "use_bias": True}}
    if single and not outputs.logits:
        ends = [(path, layer), *behind]
        for _, after in ends:
            if getattr(getattr(after, "activation", None), "__name__", "") == "sigmoid":
                changed[id(after)] = changed.get(id(after), {}) | {"activation": "softmax"}
                break
        else:
            raise InputError(f"B's one output is made a probability by {ends[-1][0]}, which kgkt cannot turn into the "
                             "softmax of three classes: let its Dense end in sigmoid, or have no activation")
    grown = rebuild(model, changed)
    new = dict(leaves(grown))[path]
    copy_state(model, grown, {}, (layer, new))
    kernel, bias = layer.kernel.numpy(), layer.bias.numpy() if layer.use_bias else None
    bias = (kernel[0] * 0) if bias is None else bias
    first = 1 if single else 0
    new.kernel.assign(_beside(kernel, first, more, 0.0))
    new.bias.assign(_beside(bias, first, more, SILENT))
    return grown


def _beside(value: np.ndarray, before: int, after: int, fill: float) -> np.ndarray:
    """A head's weights (..., u) with zeros in front and `fill` behind."""
    import numpy as np

    parts = [np.zeros((*value.shape[:-1], before)), value, np.full((*value.shape[:-1], after), fill)]
    return np.concatenate(parts, axis=-1).astype(value.dtype)


def _behind(model: keras.Model, head: Any) -> list[tuple[str, Any]]:
    """The layers behind the head."""
    every = list(leaves(model))
    place = next(i for i, (_, layer) in enumerate(every) if layer is head)
    return every[place + 1 :]


def rebuild(model: keras.Model, changed: dict[int, dict[str, Any]]) -> keras.Model:
    """The same model of new layers, some with other settings; its weights are not those of the old one yet.

    Args:
        model: Sequential or Functional, nested or not.
        changed: id of a layer -> settings of its config.

    Raises:
        InputError: a layer that cannot be made from its config, or a model that is no graph of layers.
    """
    import keras

    def make(layer: Any) -> Any:
        config = layer.get_config() | changed.get(id(layer), {})
        return type(layer).from_config(config)

    try:
        return keras.models.clone_model(model, clone_function=make, recursive=True)
    except (ValueError, TypeError, NotImplementedError) as error:
        reason = next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
        raise InputError(f"B cannot be built again with other widths: {reason[:300]}") from error


def copy_state(old: keras.Model, new: keras.Model, wider: dict[int, Wider], grown: tuple[Any, Any]) -> None:
    """Give the new model the weights and vocabularies of the old one.

    Args:
        old, new: of the same layers, in the same order.
        wider: id of an old variable -> what becomes of it.
        grown: the layer that grew, old and new; it gets its own weights.
    """
    import tempfile

    known, fresh = ([v for v in model.variables if id(v) not in {id(own) for own in layer.variables}]
                    for model, layer in zip((old, new), grown, strict=True))  # fmt: skip
    for variable, target in zip(known, fresh, strict=True):
        value = variable.numpy()
        target.assign(wider[id(variable)].of(value) if id(variable) in wider else value)
    for layer, after in zip(old._flatten_layers(), new._flatten_layers(), strict=True):
        if hasattr(layer, "save_assets"):  # a vocabulary is no weight
            with tempfile.TemporaryDirectory() as folder:
                layer.save_assets(folder)
                after.load_assets(folder)
