"""The page as one file: the same page, read-only, with its data and pictures in it."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from kgkt.errors import InputError, count
from kgkt.serve.pictures import ACROSS, Pictures, sheet_of

if TYPE_CHECKING:
    from PIL import Image

    from kgkt.recipe import Recipe
    from kgkt.serve.graph import HeldGraph, Snapshot

LARGEST = 9_500_000  # bytes of a file, as far as smaller pictures can do it
# pixels of a picture's side, and quality: the first that fits
LOOKS = ((64, 75), (48, 70), (40, 65), (32, 60), (28, 55), (24, 50), (20, 40))
LARGEST_CELL = LOOKS[0][0]
A_SHEET = 1024  # cells of a sheet
DOUBTED = 20  # labels in doubt, as many as the page asks for
POLICY = "default-src 'none'; img-src data:; script-src 'sha256-%s'; style-src 'sha256-%s'; base-uri 'none'"


@dataclass(frozen=True, slots=True)
class Saved:
    """A page in one file.

    Args:
        place: the file.
        bytes: of it.
        concepts, pictures: that it holds.
        side: pixels of a picture's side; None where there are no pictures.
    """

    place: str
    bytes: int
    concepts: int
    pictures: int
    side: int | None


def save_page(recipe: Recipe, place: Path, say: Callable[[str], None], force: bool = False) -> Saved:
    """Write a graph's page into one file, which opens from disk and asks nothing of any server.

    Args:
        recipe: of the graph.
        place: the file.
        say: takes notices.
        force: replace it where it exists.

    Raises:
        InputError: it exists and is not to be replaced, cannot be written, or the page is not built.
    """
    from kgkt.files import atomic, check_place
    from kgkt.serve.graph import HeldGraph

    if place.exists() and not force:
        raise InputError(f"{place} exists: --force replaces it")
    check_place(place)
    held = HeldGraph(recipe, lambda kind, data: None)
    seen, pictures = held.now(), Pictures(held)
    data = _answers(held, seen, pictures)
    items = _shown(seen)
    drawn = [(item, picture) for item in items if (picture := _small(pictures, item)) is not None]
    text, side = "", None
    for side, quality in LOOKS if drawn else ((None, 0),):
        text = _page(data | _pictures(held.name, seen, drawn, side, quality))
        if len(text.encode()) <= LARGEST:
            break
    else:
        say(f"{place} has {len(text.encode()) / 1e6:.0f} MB: the graph holds much to show")
    with atomic(place) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return Saved(str(place), len(text.encode()), len(seen.current.graph), len(drawn), side)


def _shown(seen: Snapshot) -> list[str]:
    """Ids of the items that the page tells of: examples of concepts, and what is labelled, each once."""
    labels = seen.current.labels
    rows = [row for part in seen.exemplars for row in part.tolist()]
    rows += [*labels.items.tolist(), *labels.tick_items.tolist()]
    return [str(seen.current.ids[row]) for row in dict.fromkeys(rows)]


def _small(pictures: Pictures, item: str) -> Image.Image | None:
    """The item's picture, no larger than any cell: all of a file's are held at once."""
    picture = pictures.image(item, LARGEST_CELL)
    if picture is not None:
        picture.thumbnail((LARGEST_CELL, LARGEST_CELL))
    return picture


def _answers(held: HeldGraph, seen: Snapshot, pictures: Pictures) -> dict[str, Any]:
    """What the service would answer, by the address under which the page asks for it."""
    import kgkt
    from kgkt.serve import items, views

    root = f"/api/graphs/{quote(held.name, safe='')}"
    found: dict[str, Any] = {
        "/api/session": {"version": kgkt.__version__, "write": False, "graphs": [held.name], "graph": held.name},
        root: views.overview(held), f"{root}/map": views.map_of(held, seen), f"{root}/state": held.state(),
        f"{root}/borders": views.borders(seen),
        f"{root}/suspects?n={DOUBTED}": items.suspected(held, pictures, DOUBTED),
    }  # fmt: skip
    for number in range(len(seen.current.graph)):
        found[f"{root}/concept?number={number}"] = items.concept_of(held, seen, pictures, number)
    for item in _shown(seen):
        found[f"{root}/item?id={quote(item, safe=UNQUOTED)}"] = items.item_of(seen, pictures, item)
    return found


UNQUOTED = "!'()*-._~"  # what encodeURIComponent of a browser leaves as it is


def _pictures(
    graph: str, seen: Snapshot, drawn: list[tuple[str, Image.Image]], side: int | None, quality: int
) -> dict[str, Any]:
    """Sheets of all pictures, the cell of each item, and the sheets of medoids that the map draws."""
    if side is None:
        return {}
    root = f"/api/graphs/{quote(graph, safe='')}"
    found: dict[str, Any] = {"sheets": []}
    for start in range(0, len(drawn), A_SHEET):
        part = drawn[start : start + A_SHEET]
        url = _sheet([picture for _, picture in part], side, quality)
        found["sheets"].append({"url": url, "columns": ACROSS, "side": side})
        for cell, (item, _) in enumerate(part):
            found[f"{root}/picture?id={quote(item, safe=UNQUOTED)}"] = [start // A_SHEET, cell]
    by_item = dict(drawn)
    for start in range(0, len(seen.exemplars), A_SHEET):
        parts = seen.exemplars[start : start + A_SHEET]
        medoids = [str(seen.current.ids[part[0]]) if len(part) else "" for part in parts]
        url = _sheet([by_item.get(item) for item in medoids], 32, quality)
        found[f"{root}/sprites?page={start // A_SHEET}"] = url
    return found


def _sheet(pictures: list[Image.Image | None], side: int, quality: int) -> str:
    """Square cells row by row, as a data URL."""
    out = io.BytesIO()
    sheet_of(pictures, side).save(out, "WEBP", quality=quality, method=4)
    return "data:image/webp;base64," + base64.b64encode(out.getvalue()).decode()


def _page(data: dict[str, Any]) -> str:
    """The whole file: the built page with its script and style inside, and the data, packed."""
    from kgkt.serve.pages import PAGE

    try:
        script, style = ((PAGE / name).read_text(encoding="utf-8") for name in ("page.js", "page.css"))
        page = (PAGE / "index.html").read_text(encoding="utf-8")
    except FileNotFoundError as error:
        name = Path(str(error.filename)).name
        raise InputError(f"the page is not built ({name} is missing): npm ci && npm run build in page/") from error
    script = script.replace("</script", "<\\/script").replace("<!--", "<\\!--")
    packed = base64.b64encode(gzip.compress(json.dumps(data, ensure_ascii=False).encode(), 9, mtime=0)).decode()
    policy = POLICY % tuple(base64.b64encode(hashlib.sha256(t.encode()).digest()).decode() for t in (script, style))
    first = '<meta charset="utf-8">'
    guarded = f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
    held = f'<script type="application/json" id="kgkt-data">"{packed}"</script>'
    for old, new in (
        (first, f"{first}\n{guarded}"), ('<link rel="stylesheet" href="/page.css">', f"<style>{style}</style>"),
        ('<script type="module" src="/page.js"></script>', f'{held}\n<script type="module">{script}</script>'),
    ):  # fmt: skip
        if page.count(old) != 1:
            places = count(page.count(old), "place")
            raise InputError(f"the built page is not the one of this kgkt: {places} with {old}")
        page = page.replace(old, new)
    return page
