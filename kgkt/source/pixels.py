"""Ranges of pixels: what a model was trained on, and how data is brought to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kgkt.errors import InputError, UsageError, nearest

if TYPE_CHECKING:
    import numpy as np


PIXELS = {"raw": None, "0..1": (0.0, 1.0), "-1..1": (-1.0, 1.0)}


def check_pixels(pixels: str) -> None:
    """Refuse a range of pixels that there is not."""
    if pixels not in PIXELS:
        raise UsageError(f"--pixels {pixels}{nearest(pixels, PIXELS)}")


def prepare(
    x: np.ndarray, pixels: str = "raw", shape: tuple[int | None, ...] | None = None, flag: str = "--pixels"
) -> np.ndarray:
    """Bring a batch of inputs to what a model was trained on.

    Args:
        x: (b, ...) numbers.
        pixels: "raw" leaves values alone; "0..1" and "-1..1" scale uint8 pixels to that range and take
            floats that lie in it already.
        shape: the model's input shape; an axis of one channel is added where only that is missing.
        flag: the option that said it, for the error.

    Returns:
        (b, ...) float32.

    Raises:
        UsageError: no such range.
        InputError: floats outside of the range.
    """
    import numpy as np

    check_pixels(pixels)
    out: np.ndarray = np.asarray(x, dtype=np.float32)
    bounds = PIXELS[pixels]
    if bounds is not None and x.dtype == np.uint8:
        out = out / 255 * (bounds[1] - bounds[0]) + bounds[0]
    elif bounds is not None and out.size and (out.min() < bounds[0] or out.max() > bounds[1]):
        raise InputError(f"{flag} {pixels} scales uint8 pixels; this data is {x.dtype} from {out.min():g} to "
                         f"{out.max():g}: save it as uint8, or scale it and pass {flag} raw")
    if shape is not None and len(shape) == out.ndim and shape[-1] in (1, None):
        out = out[..., np.newaxis]
    return out


@dataclass(frozen=True, slots=True, eq=False)
class ScaledRows:
    """Rows brought to a range of pixels when they are asked for.

    Args:
        base: (n, ...) numbers, in memory or lazy.
        pixels, flag: "0..1" or "-1..1", and the option that said it, as for `prepare`.
    """

    base: Any
    pixels: str
    flag: str

    @property
    def shape(self) -> tuple[int, ...]:
        """(n, ...)."""
        return tuple(self.base.shape)

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def dtype(self) -> Any:
        """float32."""
        import numpy as np

        return np.dtype(np.float32)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, key: Any) -> np.ndarray:
        """Rows by a slice or an index array, in memory."""
        import numpy as np

        return prepare(np.asarray(self.base[key]), self.pixels, flag=self.flag)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        import numpy as np

        return np.asarray(self[:], dtype=dtype)
