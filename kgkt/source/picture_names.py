"""Items by the names and paths of their pictures, as tools that know nothing of item ids write them down."""

from __future__ import annotations

import re
from collections.abc import Collection
from urllib.parse import unquote

from kgkt.errors import InputError, count

# columns that hold a picture's path or name: FiftyOne, CVAT by way of tables, pandas
COLUMNS = ("filepath", "file_path", "filename", "file_name", "image", "image_path", "image_name", "picture", "path")
SUFFIX = re.compile(r"\.(png|jpe?g|bmp|gif|tiff?|webp)$", re.IGNORECASE)
UPLOADED = re.compile(r"^[0-9a-f]{8}-")  # what Label Studio puts before the name of an uploaded file
RANKED = re.compile(r"^\d{3,}-")  # what kgkt suggest --show puts before the name of a picture


class PictureNames:
    """Finds the item whose picture a path or name means.

    Args:
        known: ids of the pool; of a folder of pictures they are paths in it.
    """

    def __init__(self, known: Collection[str]) -> None:
        self.known = known
        self._by_stem: dict[str, list[str]] = {}
        for item in known:
            self._by_stem.setdefault(_stem(item.rpartition("/")[2]), []).append(item)
        self._thumbs: dict[str, str] | None = None

    def find(self, text: str, where: str) -> str | None:
        """The item of a picture; None where no item's picture is called so.

        An id is taken as it stands. Else the item whose id ends as the path does, or the other way round, with all
        folders of the shorter one; then names that Label Studio and kgkt itself make of a picture's name. An ending
        such as .png may be left out.

        Args:
            text: a path, an address or a file name.
            where: what an error begins with.

        Raises:
            InputError: several items fit equally.
        """
        text = text.strip()
        if text in self.known:
            return text
        parts = _parts(text)
        if not parts:
            return None
        for name in dict.fromkeys((parts[-1], UPLOADED.sub("", parts[-1]), RANKED.sub("", parts[-1]))):
            if found := self._nearest([*parts[:-1], name], text, where):
                return found
        return self._thumb(parts[-1]) or self._thumb(RANKED.sub("", parts[-1]))

    def _nearest(self, parts: list[str], text: str, where: str) -> str | None:
        """The item whose id has most parts in common with a path, from its end on."""
        fits = []
        for item in self._by_stem.get(_stem(parts[-1]), ()):
            own = item.split("/")
            common = _common(own, parts)
            if _same(own[-1], parts[-1]) and common == min(len(own), len(parts)) - 1:
                fits.append((common, item))
        if not fits:
            return None
        best = [item for common, item in fits if common == max(fits)[0]]
        if len(best) > 1:
            raise InputError(f"{where}{text!r} can be {best[0]} or {best[1]}"
                             + (f" ({count(len(best), 'item')} in all)" if len(best) > 2 else "")
                             + ": write the path below the pool's folder, or a column item_id")  # fmt: skip
        return best[0]

    def _thumb(self, name: str) -> str | None:
        """The item that kgkt called a small picture after."""
        if self._thumbs is None:
            from kgkt.source.thumbs import safe_name

            self._thumbs = {safe_name(item): item for item in self.known}
        return self._thumbs.get(name)


def _parts(text: str) -> list[str]:
    """The folders and the name of a path or an address."""
    local = text.partition("/data/local-files/?d=")[2]
    if local:
        text = unquote(local)
    elif text.startswith("/data/upload/"):
        text = unquote(text.rpartition("/")[2])  # its folder is the number of a project
    elif re.match(r"[a-z][a-z0-9+.-]*://", text):
        text = unquote(text.partition("?")[0].partition("#")[0])
    return [part for part in text.replace("\\", "/").split("/") if part not in ("", ".")]


def _stem(name: str) -> str:
    return SUFFIX.sub("", name)


def _same(one: str, other: str) -> bool:
    """Whether two names mean one picture: equal, or one of them without its ending."""
    return one == other or (_stem(one) == _stem(other) and (_stem(one) == one or _stem(other) == other))


def _common(one: list[str], other: list[str]) -> int:
    """How many parts two paths share before their names, from the names on."""
    shared = 0
    for a, b in zip(reversed(one[:-1]), reversed(other[:-1]), strict=False):
        if a != b:
            break
        shared += 1
    return shared
