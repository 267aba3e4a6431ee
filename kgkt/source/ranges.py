"""In which range data comes: pixels of 0..255 beside 0..1, features scaled beside raw ones."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

SAMPLE = 2_000  # items looked at
# layers that bring inputs to a range of their own, and those that may stand before them
SCALING = {"Rescaling", "Normalization", "TrueDivide", "Divide", "Multiply", "Subtract", "Add"}
BEFORE = {"InputLayer", "Functional", "Sequential", "Reshape", "Resizing", "CenterCrop", "Permute", "ZeroPadding2D",
          "Cropping2D", "Identity", "Cast", "RandomFlip", "RandomRotation", "RandomZoom", "RandomTranslation",
          "RandomContrast", "RandomBrightness", "RandomCrop"}  # fmt: skip
SPREADS_APART = 4.0  # factor between two deviations from which they are not of one range
MEANS_APART = 3.0  # deviations between two means


@dataclass(frozen=True, slots=True)
class Extent:
    """What the numbers of some data are like.

    Args:
        dtype: of the data.
        low, high: least and greatest.
        means, deviations: (channels,) of pictures, (d,) of rows of d numbers.
        pictures: whether an item has more than one axis.
    """

    dtype: str
    low: float
    high: float
    means: np.ndarray
    deviations: np.ndarray
    pictures: bool

    @property
    def pixels(self) -> str:
        """The range of pixels that this looks like: "0..255", "0..1", "-1..1"; "" for another."""
        if self.low >= 0 and 1 < self.high <= 255 and (self.dtype == "uint8" or self.high > 32):
            return "0..255"
        if self.low >= 0 and self.high <= 1:
            return "0..1"
        return "-1..1" if self.low >= -1 and self.high <= 1 else ""

    def in_words(self) -> str:
        """dtype, range, mean and deviation; of several channels those of each."""
        def shown(values: np.ndarray) -> str:
            return ", ".join(f"{v:.3g}" for v in values) if len(values) <= 4 else f"{values.mean():.3g}"

        return (f"{self.dtype} from {self.low:.4g} to {self.high:.4g}, mean {shown(self.means)}, "
                f"deviation {shown(self.deviations)}")


def extent_of(x: Any) -> Extent | None:
    """Look at (n, ...) numbers, at most 2,000 items of them; None for texts."""
    import numpy as np

    if np.dtype(x.dtype).kind in "OU":
        return None
    n = x.shape[0]
    rows = np.asarray(x[np.unique(np.linspace(0, n - 1, min(n, SAMPLE)).astype(int))])
    dtype = str(rows.dtype)
    rows = rows.astype(np.float64)
    channels = rows.shape[-1] if rows.ndim == 2 or (rows.ndim == 4 and rows.shape[-1] in (1, 3, 4)) else 1
    flat = rows.reshape(-1, channels)
    return Extent(dtype, float(flat.min()), float(flat.max()), flat.mean(axis=0), flat.std(axis=0),
                  rows.ndim > 2)  # fmt: skip


def differ(one: Extent, other: Extent) -> bool:
    """Whether two data cannot be of one range: pixels of two ranges, or means or deviations far apart.

    Of rows of many numbers, half of these must be; so that a test set of other classes is not taken for another range.
    """
    import numpy as np

    if one.pictures and one.pixels and other.pixels and one.pixels != other.pixels:
        return True
    if len(one.means) != len(other.means):
        return False
    wide = np.maximum(one.deviations, other.deviations)
    live = wide > 1e-12
    if not live.any():
        return False
    narrow = np.minimum(one.deviations, other.deviations)[live]
    apart = (wide[live] > SPREADS_APART * narrow) | (np.abs(one.means - other.means)[live] > MEANS_APART * wide[live])
    return bool(apart.mean() > 0.5)


def scales_itself(kinds: Iterable[str]) -> bool:
    """Whether a model brings its inputs to a range of its own, by its layers' kinds from input to output."""
    return next((kind for kind in kinds if kind not in BEFORE), "") in SCALING
