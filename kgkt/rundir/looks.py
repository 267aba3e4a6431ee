"""What items look like to a person: their pictures and texts, from the pool where it is at hand."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from kgkt.errors import InputError
from kgkt.recipe import Recipe
from kgkt.rundir.folder import RunDir
from kgkt.rundir.state import settings_of
from kgkt.rundir.task import pool_data
from kgkt.source.thumbs import as_pixels, is_image, safe_name

if TYPE_CHECKING:
    import numpy as np

    from kgkt.source.inputs import Data


@dataclass(frozen=True, slots=True, eq=False)
class Looks:
    """Pictures and texts by item id.

    Args:
        thumbs: folder of the pictures that `populate` kept.
        folder: of the pool, where it is made of picture files.
        data: the pool, where it was read.
        missing: why nothing is at hand, in words; "" where something is.
    """

    thumbs: Path
    folder: Path | None = None
    data: Data | None = None
    missing: str = ""

    def paths(self, item: str) -> list[Path]:
        """The item's own picture file, and the small picture that `populate` kept of it, as far as they are there."""
        own = [] if self.folder is None else [self.folder / item]
        return [path for path in (*own, self.thumbs / safe_name(item)) if path.is_file()]

    def path(self, item: str) -> str | None:
        """The first of `paths`, short where it lies below the working directory; None where there is none."""
        if not (paths := self.paths(item)):
            return None
        path = paths[0]
        here = Path.cwd()  # a table has room for short paths only
        return str(path.relative_to(here) if path.is_relative_to(here) else path)

    def text(self, item: str, whole: bool = False) -> str | None:
        """The item's text, in one line, or as a whole with its lines."""
        row = self._row(item)
        if row is None or self.data is None or self.data.text is None:
            return None
        return self.data.text[row] if whole else " ".join(self.data.text[row].split())

    def pixels(self, items: list[str]) -> dict[str, np.ndarray]:
        """(h, w) or (h, w, 3) uint8 of each item that is a picture of the pool."""
        import numpy as np

        rows = {row: item for item in items if (row := self._row(item)) is not None}
        if self.data is None or not rows or not is_image(self.data):
            return {}
        return {rows[row]: values for row, values in as_pixels(self.data, np.array(list(rows)))}

    def _row(self, item: str) -> int | None:
        import numpy as np

        if self.data is None or not (found := np.flatnonzero(self.data.ids == item)).size:
            return None
        return int(found[0])


def read_looks(recipe: Recipe, run: RunDir, draw: bool = False) -> Looks:
    """How the items of a graph can be shown; the pool itself is read only for texts, and to be drawn.

    Args:
        recipe, run: of the graph.
        draw: pixels or texts of items will be drawn.

    Raises:
        InputError: `draw`, and the items cannot be drawn.
    """
    thumbs, known = run.path("exemplars"), settings_of(run, "populate")
    place, kind = recipe.source.data or known.get("data"), known.get("kind")
    if kind == "words":  # their ids are their texts
        looks = Looks(thumbs, missing="the items are words, which have no picture" if draw else "")
    elif place is None:
        looks = Looks(thumbs, missing="the graph was made from features alone: no picture or text is at hand")
    elif not Path(place).exists():
        looks = Looks(thumbs, missing=f"the pool {place} is not there any more: no picture or text is at hand")
    elif kind in ("array", "images") and not draw:
        looks = Looks(thumbs, Path(place) if kind == "images" else None)
    else:
        looks = _read(recipe, run, thumbs, Path(place), draw)
    if draw:
        _check_drawable(looks, str(place))
    return looks


def _read(recipe: Recipe, run: RunDir, thumbs: Path, place: Path, draw: bool) -> Looks:
    try:
        return Looks(thumbs, place if place.is_dir() else None, pool_data(recipe, run))
    except InputError as error:
        if draw:
            raise
        return Looks(thumbs, missing=str(error))


def _check_drawable(looks: Looks, place: str) -> None:
    if looks.missing or looks.data is None:
        raise InputError(f"nothing can be drawn: {looks.missing}")
    if looks.data.text is None and not is_image(looks.data):
        shape = ", ".join(map(str, looks.data.x.shape[1:]))
        raise InputError(f"nothing can be drawn: the items of {place} are arrays of shape ({shape}), not pictures")
