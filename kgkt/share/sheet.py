"""Contact sheets: each item to label beside examples of its concept, so that a person names it at a glance."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kgkt.errors import count
from kgkt.files import atomic
from kgkt.share.why import plain_text

if TYPE_CHECKING:
    import numpy as np
    from PIL import Image, ImageDraw

ACROSS, DOWN = 2, 10  # items of a page
ITEM, EXAMPLE, GAP = 136, 72, 12  # pixels: sides of the two boxes, and what lies between
EXAMPLES = 5
WIDE = GAP + ITEM + EXAMPLES * (EXAMPLE + GAP // 2) + GAP
TALL = GAP + ITEM + GAP
INK, GREY, EDGE, SAID = "#202020", "#707070", "#c8c8c8", "#1b6ca8"


@dataclass(frozen=True, slots=True)
class Shown:
    """An example: its pixels (h, w) or (h, w, 3), None where they are not at hand, and what it is called."""

    pixels: np.ndarray | None
    says: str | None = None


@dataclass(frozen=True, slots=True)
class Cell:
    """An item on a sheet.

    Args:
        item_id: of the item.
        concept: number and name.
        speaks_for: items that its label speaks for.
        why: it is asked, in words.
        leans_to: (class, mass), the largest first; none where the teacher has no answer.
        pixels: (h, w) or (h, w, 3) uint8, None where they are not at hand.
        beside: examples of its concept.
    """

    item_id: str
    concept: str
    speaks_for: int
    why: str
    leans_to: tuple[tuple[str, float], ...]
    pixels: np.ndarray | None
    beside: Sequence[Shown]


def draw_sheet(path: Path, cells: Sequence[Cell]) -> list[Path]:
    """Save PNG pages of 20 items: `path`, then the same name with -2, -3, …

    Returns:
        The pages.
    """
    pages = []
    for number, start in enumerate(range(0, len(cells), ACROSS * DOWN), 1):
        page = _page_path(path, number)
        with atomic(page) as temporary:
            _page(cells[start : start + ACROSS * DOWN], start).save(temporary, format="png")
        pages.append(page)
    return pages


def pages_there(path: Path) -> list[Path]:
    """The pages of a sheet that exist, the first one included."""
    found = [path] if path.exists() else []
    number = 2
    while (page := _page_path(path, number)).exists():
        found.append(page)
        number += 1
    return found


def _page_path(path: Path, number: int) -> Path:
    return path if number == 1 else path.with_name(f"{path.stem}-{number}{path.suffix}")


def _page(cells: Sequence[Cell], start: int) -> Image.Image:
    """One page: down the left half first, then the right."""
    from PIL import Image, ImageDraw

    across = 1 if len(cells) <= DOWN else ACROSS
    page = Image.new("RGB", (across * WIDE, min(len(cells), DOWN) * TALL), "white")
    draw = ImageDraw.Draw(page)
    for place, cell in enumerate(cells):
        _cell(page, draw, cell, start + place + 1, (place // DOWN * WIDE, place % DOWN * TALL))
    return page


def _cell(page: Image.Image, draw: ImageDraw.ImageDraw, cell: Cell, rank: int, at: tuple[int, int]) -> None:
    left, top = at[0] + GAP, at[1] + GAP
    _picture(page, draw, cell.pixels, (left, top), ITEM, INK)
    x, room = left + ITEM + GAP, WIDE - ITEM - 3 * GAP
    _line(draw, f"{rank}  {cell.item_id}", (x, top - 3), 14, room, INK, end=True, bold=True)
    _line(draw, f"{cell.concept}, speaks for {count(cell.speaks_for, 'item')}", (x, top + 15), 12, room, GREY, end=True)
    leans = ", ".join(f"{name} {mass:.2f}" for name, mass in cell.leans_to if mass >= 0.005)
    _line(draw, f"leans to {leans}" if leans else "leans to no class yet", (x, top + 31), 12, room, INK)
    for place, one in enumerate(cell.beside[:EXAMPLES]):
        corner = (x + place * (EXAMPLE + GAP // 2), top + 49)
        _picture(page, draw, one.pixels, corner, EXAMPLE, SAID if one.says else EDGE)
        if one.says:
            _line(draw, one.says, (corner[0], corner[1] + EXAMPLE), 11, EXAMPLE, SAID)


def _picture(
    page: Image.Image, draw: ImageDraw.ImageDraw, pixels: np.ndarray | None, at: tuple[int, int], side: int, edge: str
) -> None:
    """A picture within a box of `side` pixels: small ones grow by whole factors, so that their pixels stay sharp."""
    from PIL import Image

    draw.rectangle((at[0], at[1], at[0] + side - 1, at[1] + side - 1), outline=edge)
    inner = side - 4
    if pixels is None:
        for number, line in enumerate(("not in the", "pool", "any more")):
            _line(draw, line, (at[0] + 6, at[1] + 8 + 14 * number), 10, inner, GREY)
        return
    picture = Image.fromarray(pixels).convert("RGB")
    most = max(picture.size)
    if most <= inner:
        factor = inner // most
        picture = picture.resize((picture.width * factor, picture.height * factor), Image.Resampling.NEAREST)
    else:
        sizes = (max(1, round(picture.width * inner / most)), max(1, round(picture.height * inner / most)))
        picture = picture.resize(sizes, Image.Resampling.LANCZOS)
    page.paste(picture, (at[0] + (side - picture.width) // 2, at[1] + (side - picture.height) // 2))


def _line(
    draw: ImageDraw.ImageDraw, text: str, at: tuple[int, int], size: int, room: int, colour: str, end: bool = False,
    bold: bool = False,
) -> None:  # fmt: skip
    """One line of text, cut to `room` pixels: in its middle where its end tells more, else at its end."""
    font = _font(size, bold)
    text = " ".join(plain_text(text).split("\n"))
    shown, keep = text, len(text)
    while keep > 1 and draw.textlength(shown, font) > room:
        keep -= max(1, keep // 16)
        shown = f"{text[: keep // 2]}…{text[len(text) - keep // 2 :]}" if end else f"{text[:keep]}…"
    draw.text(at, shown, colour, font)


@functools.cache
def _font(size: int, bold: bool) -> Any:
    """DejaVu Sans as Matplotlib brings it: it holds more letters than Pillow's own."""
    import matplotlib
    from PIL import ImageFont

    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    return ImageFont.truetype(str(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / name), size)
