"""A folder of pictures as an array whose rows are read when they are asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kgkt.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    from PIL import Image

SUFFIXES = (".png", ".jpg", ".jpeg")
MAX_PIXELS = 50_000_000  # of one picture; a bomb of pixels is refused by its header
HELD_BYTES = 256 << 20  # of decoded pictures that one folder keeps
GREY = ("1", "L")
COLOUR = ("RGB", "RGBA", "P", "LA", "PA", "CMYK", "YCbCr")
LEAVE_OUT = "take it out, or pass --drop-bad to go on without"


@dataclass(frozen=True, slots=True, eq=False)
class ImageFolder:
    """Pictures as (n, h, w, channels) uint8, decoded row by row.

    One that is read a second time is kept, as far as `HELD_BYTES` reach: B is taught the same pictures many times, and
    to decode them is most of that work, while to read a pool once through A keeps nothing.

    Args:
        files: (n,) paths, in item order.
        shape: (n, h, w, 1) where all are grey, else (n, h, w, 3).
        resized: how many are of another size, and are brought to h x w.
        dropped: files that were to be left out because they cannot be read.
    """

    files: np.ndarray
    shape: tuple[int, ...]
    resized: int = 0
    dropped: tuple[Path, ...] = ()
    _held: dict[Path, np.ndarray] = field(default_factory=dict, init=False, repr=False)
    _read_once: set[Path] = field(default_factory=set, init=False, repr=False)

    def __reduce__(self) -> tuple[Any, ...]:
        """What another process gets: it keeps pictures of its own."""
        return ImageFolder, (self.files, self.shape, self.resized, self.dropped)

    @property
    def dtype(self) -> Any:
        """uint8."""
        import numpy as np

        return np.dtype(np.uint8)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, key: Any) -> np.ndarray:
        """Pictures by a number, a slice or an index array of any shape."""
        import numpy as np

        chosen = self.files[key]
        if isinstance(chosen, Path):
            return self._read(chosen).copy()
        read = np.empty((chosen.size, *self.shape[1:]), np.uint8)
        for number, file in enumerate(chosen.flat):
            read[number] = self._read(file)
        return read.reshape(*chosen.shape, *self.shape[1:])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        import numpy as np

        return np.asarray(self[:], dtype=dtype)

    def _read(self, file: Path) -> np.ndarray:
        """One picture, decoded or as it is held."""
        if file in self._held:
            return self._held[file]
        picture = self._decode(file)
        if file in self._read_once and (len(self._held) + 1) * picture.nbytes <= HELD_BYTES:
            self._held[file] = picture
        self._read_once.add(file)
        return picture

    def _decode(self, file: Path) -> np.ndarray:
        """One picture as (h, w, channels) uint8; what is transparent becomes white."""
        import numpy as np
        from PIL import Image

        height, width, channels = self.shape[1:]
        try:
            with Image.open(file) as raw:
                picture = flat(raw, "L" if channels == 1 else "RGB")
                if self.resized and picture.size != (width, height):
                    picture = picture.resize((width, height), Image.Resampling.BILINEAR)
                return np.asarray(picture, dtype=np.uint8).reshape(height, width, channels)
        except (OSError, SyntaxError, ValueError) as error:
            raise InputError(f"{file} cannot be decoded ({error}): {LEAVE_OUT}") from error


def flat(picture: Image.Image, mode: str) -> Image.Image:
    """The picture without transparency, which becomes white; `mode`: L or RGB."""
    from PIL import Image

    if picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info:
        picture = picture.convert("RGBA")
        picture = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture)
    return picture.convert(mode)


def picture_size(
    shape: Sequence[int | None] | None, asked: Sequence[int] | None, model: str = ""
) -> tuple[int, int] | None:
    """The size that pictures are brought to for a model: its own where that is fixed, else the one asked for.

    Args:
        shape: of the model's input without the batch axis, None where a size is free; None: unknown.
        asked: (h, w), or None.
        model: what to call the model where the two must agree; "" where the model's own size goes first.

    Returns:
        (h, w), or None: the pictures must be of one size already.

    Raises:
        InputError: another size is asked for than the model reads.
    """
    if shape is None or len(shape) != 3 or None in shape[:2] or shape[2] not in (1, 3, None):
        return (asked[0], asked[1]) if asked else None
    height, width = int(shape[0] or 0), int(shape[1] or 0)
    if model and asked and (height, width) != tuple(asked):
        raise InputError(f"{model} reads pictures of {height} x {width}, asked for are {asked[0]} x {asked[1]}: leave "
                         "the size out, they are brought to what the model reads")
    return height, width


def open_folder(folder: Path, size: tuple[int, int] | None = None, drop_bad: bool = False) -> ImageFolder:
    """The PNG and JPEG files below `folder`, sorted by relative path; only their headers are read.

    Args:
        folder: where they lie, subfolders included.
        size: (h, w) to bring each picture to; without it they must be of one size.
        drop_bad: decode every file once, and leave out those that are broken or no picture.

    Raises:
        InputError: no picture, several sizes, a file that is no picture or has more than 8 bits.
    """
    import numpy as np
    from PIL import Image, UnidentifiedImageError

    files = sorted((p for p in folder.rglob("*") if p.suffix.lower() in SUFFIXES and p.is_file()),
                   key=lambda p: p.relative_to(folder).as_posix())
    if not files:
        raise InputError(f"{folder} holds no picture ({', '.join(SUFFIXES)})")
    first: tuple[int, int] | None = None
    kept: list[Path] = []
    dropped: list[Path] = []
    resized = 0
    grey = True
    limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None  # judged here, by one rule
    try:
        for file in files:
            try:
                with Image.open(file) as picture:
                    (width, height), mode = picture.size, picture.mode
                    if drop_bad and width * height <= MAX_PIXELS:
                        picture.load()  # one that is cut short has a whole header
            except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
                if drop_bad:
                    dropped.append(file)
                    continue
                raise InputError(f"{file} is no picture that can be read ({error}): {LEAVE_OUT}") from error
            if width * height > MAX_PIXELS:
                raise InputError(f"{file} has {width} x {height} pixels, more than {MAX_PIXELS:,}: refused")
            if mode not in GREY + COLOUR:
                raise InputError(f"{file} has pixels of mode {mode}, not 8 bits a channel: convert it")
            grey = grey and mode in GREY
            first = first or (height, width)
            if size is None and (height, width) != first:
                raise InputError(f"{file} is {height} x {width}, {kept[0].name} is {first[0]} x {first[1]}: give "
                                 "--size HEIGHTxWIDTH to bring them to one size ([source] size in kgkt.toml)")
            kept.append(file)
            resized += (height, width) != (size or first)
    finally:
        Image.MAX_IMAGE_PIXELS = limit
    if not kept:
        raise InputError(f"{folder} holds no picture that can be read: {len(files):,} are broken")
    height, width = size or first or (0, 0)
    paths = np.empty(len(kept), dtype=object)
    paths[:] = kept
    return ImageFolder(paths, (len(kept), height, width, 1 if grey else 3), resized, tuple(dropped))
