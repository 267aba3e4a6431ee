"""Items to label as a table to fill in, and their pictures as a folder."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from kgkt.errors import InputError, shorten
from kgkt.files import write_csv
from kgkt.rundir.asking import Asked
from kgkt.rundir.state import Say

TEXT = 500  # characters of a text in a table to fill in; a spreadsheet's cell holds no book


def write_todo(path: Path, items: Sequence[Asked], texts: Mapping[str, str | None]) -> Path:
    """Write a CSV to fill in: item_id, class, concept, name, speaks_for; of texts, text as well."""
    text = any(texts.get(item.item_id) is not None for item in items)
    write_csv(path, ("item_id", "class", "concept", "name", "speaks_for", *(["text"] if text else [])), (
        (a.item_id, "", a.concept, a.name, a.speaks_for, *([shorten(texts.get(a.item_id) or "", TEXT)] if text else []))
        for a in items
    ))  # fmt: skip
    return path


def copy_pictures(folder: Path, items: Sequence[Asked], say: Say) -> None:
    """Copy the items' pictures to `folder`, numbered in the order of the list.

    Raises:
        InputError: the folder cannot be written.
    """
    pictures = [(rank, item.picture) for rank, item in enumerate(items, 1) if item.picture]
    if not pictures:
        say("no pictures: the pool is not made of images")
        return
    try:
        folder.mkdir(exist_ok=True)
        for rank, picture in pictures:
            shutil.copyfile(picture, folder / f"{rank:03d}-{Path(picture).name}")
    except OSError as error:
        raise InputError(f"{folder} cannot be written: {error.strerror or error}") from error
