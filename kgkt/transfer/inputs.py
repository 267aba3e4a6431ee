"""The items that B reads: one array, or one for each of B's inputs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kgkt.errors import InputError

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True, slots=True, eq=False)
class Inputs:
    """Items of a B with several inputs.

    Args:
        arrays: name of an input -> (n, ...) what it reads of the items, in memory or read when indexed.
    """

    arrays: Mapping[str, Any]

    def __post_init__(self) -> None:
        lengths = {name: len(array) for name, array in self.arrays.items()}
        if len(set(lengths.values())) != 1:
            raise InputError(f"Inputs: expected as many items in each array, received {lengths}")

    def __len__(self) -> int:
        return len(next(iter(self.arrays.values())))

    def __getitem__(self, rows: Any) -> Inputs:
        """The items by a slice or an index array, in memory."""
        return Inputs({name: array[rows] for name, array in self.arrays.items()})


def by_name(x: Any) -> Mapping[str, Any]:
    """The arrays of some items by the input that reads them; of a B with one input it has no name, ""."""
    return x.arrays if isinstance(x, Inputs) else {"": x}


def in_memory(x: Any) -> Any:
    """The same items, read."""
    import numpy as np

    read = {name: np.asarray(array[np.arange(len(array))]) for name, array in by_name(x).items()}
    return Inputs(read) if isinstance(x, Inputs) else read[""]


def width(x: Any) -> int:
    """How many numbers an item has."""
    import numpy as np

    return sum(int(np.prod(array.shape[1:])) for array in by_name(x).values())


def input_names(model: keras.Model) -> tuple[str, ...]:
    """The names of B's inputs, in order: the keys where B declares them as a dict, else those that it gave them."""
    declared = getattr(model, "input", None)
    if isinstance(declared, dict):  # Keras reads a dict in the order of its keys
        return tuple(sorted(declared))
    return tuple(tensor.name for tensor in model.inputs)


def inputs_in_words(model: keras.Model) -> str:
    """What B reads: image (8, 8, 1), size (3)."""
    return ", ".join(f"{name} {shape_in_words(tensor.shape[1:])}"
                     for name, tensor in zip(input_names(model), model.inputs, strict=True))  # fmt: skip


def shape_in_words(shape: Any) -> str:
    """A shape as people read it."""
    return "(" + ", ".join("any" if size is None else str(size) for size in shape) + ")"
