"""Small pictures of items, so that a person sees what a concept holds."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from kgkt.errors import InputError
from kgkt.source.inputs import Data

if TYPE_CHECKING:
    import numpy as np
    from PIL import Image

MIN_SIDE, MAX_SIDE = 64, 256  # pixels of the short side


def safe_name(item_id: str) -> str:
    """A file name for an item id: letters, digits, '.', '_' and '-', told apart by a digest where changed.

    >>> safe_name("i0001")
    'i0001.png'
    >>> safe_name("../a b").startswith("a_b-")
    True
    """
    name = re.sub(r"[^A-Za-z0-9._-]+", "_", item_id).strip("._-")[:80]
    if name == item_id and name == name.lower():
        return f"{name}.png"
    return f"{name or 'item'}-{hashlib.sha256(item_id.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}.png"


def is_image(data: Data) -> bool:
    """Whether items look like pictures: (h, w), (h, w, 1) or (h, w, 3)."""
    shape = data.x.shape
    return len(shape) in (3, 4) and min(shape[1:3]) > 1 and (len(shape) == 3 or shape[3] in (1, 3))


def write_exemplars(data: Data, index: np.ndarray, folder: Path) -> dict[int, str]:
    """Write PNG thumbnails of some items, the short side at least 64 pixels.

    uint8 pixels above 127 are shown as they are; other numbers are stretched between the least and the
    greatest among the items shown, so that pictures of one call compare.

    Args:
        data: the items; nothing is written where they are no pictures.
        index: (M,) which items.
        folder: where to; made if it is not there.

    Returns:
        Item index -> path relative to `folder`.

    Raises:
        InputError: the folder cannot be written.
    """
    import numpy as np
    from PIL import Image

    if not is_image(data) or not len(index):
        return {}
    rows = np.unique(np.asarray(index, dtype=np.int64))
    written: dict[int, str] = {}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for row, pixels in as_pixels(data, rows):
            name = safe_name(str(data.ids[row]))
            _scale(Image.fromarray(pixels)).save(folder / name)
            written[row] = name
    except OSError as error:
        raise InputError(f"{folder} cannot be written: {error.strerror or error}") from error
    return written


def as_pixels(
    data: Data, rows: np.ndarray, span: tuple[float, float] | None = None
) -> Iterator[tuple[int, np.ndarray]]:
    """Some items of a pool of pictures as people see them: yields row and (h, w) or (h, w, 3) uint8, one at a time.

    Args:
        data: the pool.
        rows: (M,) which items.
        span: values that become black and white; None: those of these items, as `value_range` has them.
    """
    import numpy as np

    low, high = value_range(data, rows) if span is None else span
    for row in rows.tolist():
        values = np.asarray(data.x[row], dtype=np.float32)
        values = values[..., 0] if values.ndim == 3 and values.shape[-1] == 1 else values
        yield row, np.round(np.clip((values - low) / (high - low), 0, 1) * 255).astype(np.uint8)


def value_range(data: Data, rows: np.ndarray) -> tuple[float, float]:
    """The values of some items that become black and white."""
    import numpy as np

    low, high = np.inf, -np.inf
    for row in rows.tolist():
        values = np.asarray(data.x[row])
        low, high = min(low, float(values.min())), max(high, float(values.max()))
        if np.dtype(data.x.dtype) == np.uint8 and high > 127:
            return 0.0, 255.0  # whatever the others hold
    return low, max(high, low + 1e-12)


def _scale(picture: Image.Image) -> Image.Image:
    """Bring the short side to between 64 and 256 pixels: whole factors up, so that pixels stay sharp."""
    from PIL import Image

    short = min(picture.size)
    if short < MIN_SIDE:
        factor = -(-MIN_SIDE // short)
        return picture.resize((picture.width * factor, picture.height * factor), Image.Resampling.NEAREST)
    if short > MAX_SIDE:
        return picture.resize((picture.width * MAX_SIDE // short, picture.height * MAX_SIDE // short))
    return picture
