"""Read a state dict from PyTorch's legacy .pth layout without torch and without running what the file says."""

from __future__ import annotations

import pickle
from collections import OrderedDict
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

if TYPE_CHECKING:
    import numpy as np

MAGIC = 0x1950A86A20F9469CFC6C
PROTOCOL = 1001
KINDS = {"FloatStorage": "<f4", "LongStorage": "<i8"}


class _Pending:
    """A tensor whose storage has not been read yet: its storage key, offset, shape and strides in items."""

    def __init__(self, storage: tuple[Any, ...], offset: int, shape: tuple[int, ...], strides: tuple[int, ...]) -> None:
        self.kind, self.key = storage[1], storage[2]
        self.offset, self.shape, self.strides = offset, shape, strides


def _pending(storage: Any, offset: int, shape: Any, strides: Any, *_: Any) -> _Pending:
    return _Pending(storage, offset, shape, strides)


class _Unpickler(pickle.Unpickler):
    """Knows the four names that a state dict of plain tensors needs, and no other."""

    def find_class(self, module: str, name: str) -> Any:
        """The stand-in of a known name."""
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _pending
        if module == "torch" and name in KINDS:
            return name
        raise pickle.UnpicklingError(f"{module}.{name} has no place in a state dict of tensors")

    def persistent_load(self, pid: Any) -> Any:
        """("storage", kind, key, place, size, view) as it stands."""
        return pid


def read_state(path: Path) -> dict[str, np.ndarray]:
    """Name -> array of every tensor.

    Args:
        path: a .pth of the legacy layout: magic number, protocol and system as pickles, then the state dict, the list
            of storage keys, and per key an 8-byte count and the raw numbers.

    Raises:
        pickle.UnpicklingError: another layout, or a name that is not a tensor's.
    """
    import numpy as np

    with path.open("rb") as file:
        if _Unpickler(file).load() != MAGIC or _Unpickler(file).load() != PROTOCOL:
            raise pickle.UnpicklingError(f"{path} is not a legacy .pth")
        _Unpickler(file).load()
        state, keys = _Unpickler(file).load(), _Unpickler(file).load()
        kinds = {tensor.key: tensor.kind for tensor in state.values()}
        storages = {key: _storage(file, np.dtype(KINDS[kinds[key]])) for key in keys}
    out = {}
    for name, tensor in state.items():
        flat = storages[tensor.key][tensor.offset :]
        strides = [s * flat.itemsize for s in tensor.strides]
        needed = 1 + sum((n - 1) * s for n, s in zip(tensor.shape, tensor.strides, strict=True))
        if needed > len(flat):
            raise pickle.UnpicklingError(f"{path}: {name} reaches past the end of its storage")
        out[name] = np.lib.stride_tricks.as_strided(flat, tensor.shape, strides).copy()
    return out


def _storage(file: BinaryIO, dtype: np.dtype) -> np.ndarray:
    import numpy as np

    count = int.from_bytes(file.read(8), "little")
    return np.frombuffer(file.read(count * dtype.itemsize), dtype, count)
