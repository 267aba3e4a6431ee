"""suggest: which few items to label, and what each label would speak for."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kgkt.errors import InputError, UsageError
from kgkt.files import atomic, check_place, load_arrays, need_parent
from kgkt.recipe import Recipe
from kgkt.rundir.current import open_graph_store, read_current
from kgkt.rundir.folder import RunDir
from kgkt.rundir.state import Say, made_by, open_run

if TYPE_CHECKING:
    import numpy as np


COLUMNS = ("item", "concept", "name", "speaks_for", "why", "picture")


@dataclass(frozen=True, slots=True)
class Asked:
    """One item to label.

    Args:
        item_id: the concept's medoid, or its next example where the medoid has a label.
        concept: number and name.
        name: of the concept.
        speaks_for: items that this label covers beyond those before it.
        why: in words.
        picture: file in the run directory, where there is one.
    """

    item_id: str
    concept: int
    name: str
    speaks_for: int
    why: str
    picture: str | None


@dataclass(frozen=True, slots=True)
class Suggested:
    """The items to label, best first, and how many items there are in the pool."""

    items: tuple[Asked, ...]
    pool: int

    def __iter__(self) -> Iterator[Asked]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)

    def rows(self) -> list[tuple[Any, ...]]:
        """item, concept, name, speaks_for, why, picture of each."""
        return [(a.item_id, a.concept, a.name, a.speaks_for, a.why, a.picture) for a in self.items]

    def to_pandas(self) -> Any:
        """The items as a pandas DataFrame."""
        from kgkt.tables import data_frame

        return data_frame(COLUMNS, self.rows())

    def _repr_html_(self) -> str:
        from kgkt.tables import html_table

        return html_table(COLUMNS, self.rows())


def suggest(
    recipe: Recipe, say: Say, how_many: int = 20, out: str | None = None, show: str | None = None, force: bool = False
) -> Suggested:
    """The items whose labels teach most, best first: any prefix is a good budget.

    Args:
        recipe: of the graph.
        say: takes notices.
        how_many: items wanted.
        out: a CSV to fill in, with the columns item_id, class, concept, name, speaks_for.
        show: a folder for the items' pictures.
        force: replace `out` and pictures where they exist.

    Returns:
        The items.

    Raises:
        UsageError: fewer than one item asked for.
        InputError: `out` exists, or every active concept has a label already.
    """
    import numpy as np

    from kgkt.concepts.choose import reach
    from kgkt.concepts.cluster import nearest_concept

    if how_many < 1:
        raise UsageError(f"-n must be at least 1, received {how_many}")
    run = open_run(recipe)
    if out is not None and Path(out).exists() and not force:
        raise InputError(f"{out} exists: --force replaces it")
    if out is not None:
        check_place(Path(out))
    if show is not None:
        need_parent(Path(show))
    with open_graph_store(recipe, run) as store:
        current = read_current(store, run, say)
    spoken = np.union1d(current.labels.items, current.labels.tick_items).astype(int)
    chosen = reach(current.graph, nearest_concept(current.Z)[spoken], how_many)
    exemplars = read_exemplars(run)
    taken = set(spoken.tolist())
    asked = []
    for suggestion in chosen:
        number = suggestion.concept
        item = next((int(i) for i in exemplars[number] if int(i) not in taken), None)
        if item is None:
            say(f"concept {number} has no example without a label left: passed over")
            continue
        taken.add(item)
        near = suggestion.covered
        why = f"{100 * near:.0f} % covered by what comes before" if near > 0.005 else "no label reaches this region"
        picture = picture_of(run, str(current.ids[item]))
        asked.append(Asked(str(current.ids[item]), number, str(current.graph.names[number]),
                           round(suggestion.speaks_for), why, picture))  # fmt: skip
    if not asked:
        raise InputError("every active concept has a label already: label single items, or populate with more concepts")
    if out is not None:
        _write_todo(Path(out), asked)
    if show is not None:
        _show(run, Path(show), asked, say, force)
    return Suggested(tuple(asked), len(current.ids))


def read_exemplars(run: RunDir) -> list[np.ndarray]:
    """The exemplars of each concept, nearest to its centroid first: k arrays of item indices."""
    import numpy as np

    arrays, _ = load_arrays(made_by(run, "populate", "concepts.safetensors"))
    return np.split(arrays["exemplars"], np.cumsum(arrays["exemplar_counts"])[:-1])


def picture_of(run: RunDir, item_id: str) -> str | None:
    """The item's thumbnail in the run directory, if it has one."""
    from kgkt.source.thumbs import safe_name

    path = run.path("exemplars") / safe_name(item_id)
    return str(path) if path.exists() else None


def _write_todo(path: Path, asked: list[Asked]) -> None:
    import csv

    with atomic(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("item_id", "class", "concept", "name", "speaks_for"))
        writer.writerows((a.item_id, "", a.concept, a.name, a.speaks_for) for a in asked)


def _show(run: RunDir, folder: Path, asked: list[Asked], say: Say, force: bool) -> None:
    """Copy the items' pictures to `folder`, numbered in the order of the list."""
    pictures = [(rank, a) for rank, a in enumerate(asked, 1) if a.picture]
    if not pictures:
        say("no pictures: the pool is not made of images")
        return
    if folder.is_dir() and any(folder.iterdir()) and not force:
        raise InputError(f"{folder} is not empty: --force writes into it")
    try:
        folder.mkdir(exist_ok=True)
        for rank, a in pictures:
            assert a.picture is not None
            shutil.copyfile(a.picture, folder / f"{rank:03d}-{Path(a.picture).name}")
    except OSError as error:
        raise InputError(f"{folder} cannot be written: {error.strerror or error}") from error
