"""Pictures and texts of items for the page: thumbnails as `populate` kept them, others drawn from the pool."""

from __future__ import annotations

import contextlib
import io
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kgkt.errors import InputError
from kgkt.source.images import GREY, flat

if TYPE_CHECKING:
    from PIL import Image

    from kgkt.rundir.looks import Looks
    from kgkt.serve.graph import HeldGraph, Snapshot

CELL, ACROSS = 32, 32  # pixels of a cell of a sheet, cells of a row and of a column
SIDES = (32, 1024)  # least and most pixels of the short side that can be asked for
SAMPLE = 256  # items that say which values are black and white
TEXT = 2_000  # characters of an item's text


class Pictures:
    """What the items of one graph look like; the pool is opened when the first item asks for it."""

    def __init__(self, held: HeldGraph) -> None:
        self.held, self._lock = held, threading.Lock()
        self._looks: tuple[Any, Looks] | None = None
        self._span: tuple[float, float] | None = None
        self._rows: dict[str, int] = {}
        self._words = False  # the items are words, which are their own texts
        self._sheets: dict[tuple[int, int], bytes] = {}

    def text(self, item: str) -> str | None:
        """The item's text, in whole lines; None where it has none."""
        looks = self._read()
        if looks.data is None or looks.data.text is None:
            return item if self._words else None
        row = self._rows.get(item)
        return None if row is None else looks.data.text[row][:TEXT]

    def has(self, item: str) -> bool:
        """Whether the item can be shown as a picture."""
        if self._read().paths(item):
            return True
        looks = self._read(draw=True)
        return self._drawable(looks) and item in self._rows

    def png(self, item: str, side: int) -> bytes | None:
        """The item as a PNG whose short side is about `side` pixels; None where there is nothing to draw."""
        side = min(max(side, SIDES[0]), SIDES[1])
        picture = self.image(item, side)
        return None if picture is None else _png(_fit(picture, side))

    def sheet(self, seen: Snapshot, page: int) -> bytes | None:
        """A sheet of the medoids' pictures, concept 1024 * page first; None where no item of it has a picture."""
        key = (seen.layout, page)
        with self._lock:
            if key in self._sheets:
                return self._sheets[key]
        drawn = self._draw(seen, page)
        if drawn is not None:
            with self._lock:
                self._sheets = {k: v for k, v in self._sheets.items() if k[0] == seen.layout} | {key: drawn}
        return drawn

    def search(self, wanted: str, seen: Snapshot, most: int) -> list[int]:
        """Rows of items whose text holds every word that is wanted, capitals aside; those that hold them as they stand
        there come first."""
        looks = self._read()
        texts = looks.data.text if looks.data is not None else None
        if texts is None:
            return []
        words = wanted.split()
        phrase, together, apart = " ".join(words), list[int](), list[int]()
        for item, text in zip(looks.data.ids.tolist(), texts, strict=True):  # type: ignore[union-attr]
            folded = text.casefold()
            if all(word in folded for word in words) and (row := seen.rows.get(str(item))) is not None:
                (together if phrase in " ".join(folded.split()) else apart).append(row)
                if len(together) == most:
                    break
        return [*together, *apart][:most]

    def _draw(self, seen: Snapshot, page: int) -> bytes | None:
        first = page * ACROSS * ACROSS
        part = seen.exemplars[first : first + ACROSS * ACROSS]
        medoids = [str(seen.current.ids[members[0]]) if len(members) else None for members in part]
        drawn = [None if item is None else self.image(item, CELL) for item in medoids]
        return _png(sheet_of(drawn, CELL)) if any(picture is not None for picture in drawn) else None

    def image(self, item: str, side: int) -> Image.Image | None:
        """The item as a picture whose short side has `side` pixels or more, where it has as many; None: it has none."""
        looks = self._read()
        for path in looks.paths(item):
            with contextlib.suppress(OSError, SyntaxError, ValueError):  # broken since the graph was made
                return _opened(path, side)
        looks = self._read(draw=True)
        return self._pixels(looks, item) if self._drawable(looks) and item in self._rows else None

    def _pixels(self, looks: Looks, item: str) -> Image.Image:
        """An item that `populate` kept no thumbnail of, black and white as a sample of the pool has them."""
        import numpy as np
        from PIL import Image

        from kgkt.source.thumbs import as_pixels, value_range

        assert looks.data is not None
        if self._span is None:
            n = len(looks.data.ids)
            self._span = value_range(looks.data, np.linspace(0, n - 1, min(n, SAMPLE)).astype(int))
        _, pixels = next(iter(as_pixels(looks.data, np.array([self._rows[item]]), self._span)))
        return Image.fromarray(pixels)

    def _drawable(self, looks: Looks) -> bool:
        from kgkt.source.thumbs import is_image

        return looks.data is not None and looks.data.text is None and is_image(looks.data)

    def _read(self, draw: bool = False) -> Looks:
        """How items can be shown, read again where the graph was made anew."""
        from kgkt.rundir.looks import Looks, read_looks
        from kgkt.rundir.state import settings_of

        key = (self.held.made, draw)
        with self._lock:
            if self._looks is None or self._looks[0][0] != key[0] or (draw and not self._looks[0][1]):
                try:
                    self._looks = key, read_looks(self.held.recipe, self.held.run, draw)
                except InputError as error:  # nothing can be drawn, and why
                    self._looks = key, Looks(self.held.run.path("exemplars"), missing=str(error))
                data = self._looks[1].data
                self._rows = {} if data is None else {item: row for row, item in enumerate(data.ids.tolist())}
                self._span = None
                self._words = settings_of(self.held.run, "populate").get("kind") == "words"
            return self._looks[1]


def sheet_of(pictures: list[Image.Image | None], side: int) -> Image.Image:
    """Square cells row by row, `ACROSS` to a row, each filled by its picture without cutting it; None: an empty one."""
    from PIL import Image

    sheet = Image.new("RGBA", (ACROSS * side, -(-len(pictures) // ACROSS) * side), (0, 0, 0, 0))
    for cell, picture in enumerate(pictures):
        if picture is not None:
            longest = max(picture.size)
            small = picture.resize((max(picture.width * side // longest, 1), max(picture.height * side // longest, 1)))
            x, y = cell % ACROSS * side, cell // ACROSS * side
            sheet.paste(small, (x + (side - small.width) // 2, y + (side - small.height) // 2))
    return sheet


def _opened(path: Path, side: int) -> Image.Image:
    """A picture file, of a large JPEG no more than is needed for `side` pixels."""
    from PIL import Image

    with Image.open(path) as picture:
        picture.draft("RGB", (side, side))
        return flat(picture, "L" if picture.mode in GREY else "RGB")


def _fit(picture: Image.Image, side: int) -> Image.Image:
    """The short side near `side`: whole factors up, so that pixels stay sharp."""
    from PIL import Image

    short = min(picture.size)
    if short < side:
        factor = max(side // short, 1)
        return picture.resize((picture.width * factor, picture.height * factor), Image.Resampling.NEAREST)
    return picture.resize((max(picture.width * side // short, 1), max(picture.height * side // short, 1)))


def _png(picture: Image.Image) -> bytes:
    out = io.BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()


