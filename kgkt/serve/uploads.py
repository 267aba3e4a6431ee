"""Pictures that people send: which they may be, and how they are decoded under limits."""

from __future__ import annotations

import io
import warnings
from typing import TYPE_CHECKING

from kgkt.errors import InputError
from kgkt.serve.kinds import Refused
from kgkt.source.images import COLOUR, GREY, MAX_PIXELS, flat

if TYPE_CHECKING:
    import numpy as np
    from PIL import Image

LARGEST = 8 * 1024 * 1024  # bytes of a file
KINDS = {"PNG": b"\x89PNG\r\n\x1a\n", "JPEG": b"\xff\xd8\xff", "GIF": b"GIF8", "BMP": b"BM"}  # name -> first bytes
SHALLOW = 127  # uint8 pixels that reach no higher are no usual ones: digits from 0 to 16, say


def kind_of_picture(raw: bytes) -> str:
    """What a file is by its first bytes: PNG, JPEG, WEBP, BMP or GIF.

    >>> kind_of_picture(b"GIF89a and so on")
    'GIF'

    Raises:
        Refused: too large, or none of these, whatever it is called.
    """
    if len(raw) > LARGEST:
        raise Refused("limit", f"a picture may have {LARGEST // 1024**2} MB", 413)
    if raw[:4] == b"RIFF" and raw[8:12] == b"WEBP":
        return "WEBP"
    for kind, first in KINDS.items():
        if raw.startswith(first):
            return kind
    raise Refused("input", "that is no picture: send a PNG, JPEG, WebP, BMP or GIF file", 422)


def decode(raw: bytes) -> Image.Image:
    """The picture of a file, the first one of several; its header is looked at before its pixels are.

    Raises:
        Refused: none of the kinds that are taken.
        InputError: more pixels than a picture of a pool may have, or it cannot be decoded.
    """
    from PIL import Image

    kind = kind_of_picture(raw)
    limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, MAX_PIXELS
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            picture = Image.open(io.BytesIO(raw), formats=[kind])
            width, height = picture.size
            if width * height > MAX_PIXELS or not width * height:
                raise InputError(_too_many(f"{width:,} x {height:,}"))
            if picture.mode not in GREY + COLOUR:
                raise InputError(f"the picture has pixels of mode {picture.mode}, not 8 bits a channel: convert it")
            picture.load()
            return picture
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise InputError(_too_many("too many")) from error
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        raise InputError(f"the picture cannot be decoded ({error})") from error
    finally:
        Image.MAX_IMAGE_PIXELS = limit


def _too_many(what: str) -> str:
    return f"the picture has {what} pixels, more than {MAX_PIXELS:,}: send a smaller one"


def as_pool(
    picture: Image.Image, shape: tuple[int, ...], like: np.ndarray, enlarged: bool = False
) -> np.ndarray:
    """The picture as the pool's own pictures are: its size, channels, and range of numbers.

    Args:
        picture: decoded; what is transparent becomes white.
        shape: (h, w), (h, w, 1) or (h, w, 3) of an item of the pool.
        like: (m, ...) pictures of the pool, whose numbers say what black and white are.
        enlarged: whether pictures of the pool are shown larger by whole factors, as small arrays are: one of them that
            comes back is what it was.

    Returns:
        (h, w, …) of the pool's own dtype.
    """
    import numpy as np
    from PIL import Image

    picture = flat(picture, "RGB" if shape[-1] == 3 and len(shape) == 3 else "L")
    across, down = picture.width // shape[1], picture.height // shape[0]
    if enlarged and across > 1 and picture.size == (across * shape[1], down * shape[0]):
        picture = picture.reduce((across, down))
    elif picture.size != (shape[1], shape[0]):
        picture = picture.resize((shape[1], shape[0]), Image.Resampling.BILINEAR)
    pixels = np.asarray(picture, np.uint8).reshape(shape)
    black, white = black_and_white(like)
    if (like.dtype, black, white) == (np.uint8, 0.0, 255.0):
        return pixels
    stretched = black + pixels.astype(np.float64) / 255 * (white - black)
    return (np.round(stretched) if like.dtype.kind in "iu" else stretched).astype(like.dtype)


def black_and_white(like: np.ndarray) -> tuple[float, float]:
    """The numbers that stand for black and white in some pictures: the usual pair that holds them, else the ends.

    >>> import numpy as np
    >>> [black_and_white(np.array(some)) for some in ([0.1, 0.9], [-0.5, 0.9], [0, 16])]
    [(0.0, 1.0), (-1.0, 1.0), (0.0, 16.0)]
    """
    low, high = float(like.min()), float(like.max())
    if str(like.dtype) == "uint8":
        return 0.0, 255.0 if high > SHALLOW else max(high, 1.0)
    if like.dtype.kind == "f" and high <= 1 and low >= -1:
        return (0.0 if low >= 0 else -1.0), 1.0
    return low, max(high, low + 1e-12)
