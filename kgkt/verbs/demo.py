"""demo: run the comparison on digits, then leave a graph behind that a person can go on with."""

from __future__ import annotations

import csv
import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kgkt.errors import InputError
from kgkt.files import atomic, write_json
from kgkt.recipe import Concepts, Recipe, SourceSettings, Teach
from kgkt.rundir.state import Say
from kgkt.verbs.label import label
from kgkt.verbs.populate import Populated, populate
from kgkt.verbs.propagate import propagate
from kgkt.verbs.query import ask

if TYPE_CHECKING:
    import numpy as np

    from kgkt.demo.comparison import Demo, Showcase
    from kgkt.demo.digits import Split

GRAPH, EDITED, YOURS = "digits", "edit", "yours"
FILES = ("a.keras", "b.keras", "pool.npz", "test.npz", "labels.csv", "truth.csv", "demo.json", GRAPH, EDITED, YOURS)
CYPHER = (
    "MATCH (c:Concept {graph: $graph})-[l:LEANS_TO]->(k:Class {name: '%s'}) "
    "WHERE l.mass > .5 RETURN count(c) AS concepts, sum(c.size) AS items"
)


@dataclass(frozen=True, slots=True)
class Shown:
    """What the demo leaves behind.

    Args:
        demo: tables and facts.
        populated: the graph "digits" in the run directory.
        folder: the run directory.
        picture: PNG beside it.
        cypher: the query that shows what the tick did.
        before, after: its answer (concepts, items) before and after the tick.
        tick: ITEM=not:CLASS.
    """

    demo: Demo
    populated: Populated
    folder: Path
    picture: Path
    cypher: str
    before: tuple[int, int]
    after: tuple[int, int]
    tick: str


def run(folder: Path, full: bool, say: Say, force: bool = False, progress: Any = None) -> Shown:
    """Compare, draw, and leave a run directory with two graphs: the digits, and the edit.

    Args:
        folder: the run directory to make.
        full: 1, 2 and 5 labels a class and 10 seeds instead of 2 and 5.
        say: takes notices.
        force: replace an older demo.
        progress: called with what is done, done, total.

    Raises:
        InputError: the folder holds something else, or an older demo and no `force`.
    """
    from kgkt.source.quiet import keras

    keras()  # quietly, before any other module imports it
    from kgkt.demo.comparison import FULL, Setting, run_demo
    from kgkt.demo.picture import draw
    from kgkt.demo.tables import as_json

    _make_room(folder, force)
    demo = run_demo(FULL if full else Setting(), progress)
    show = demo.showcase
    _save_files(folder, show)
    write_json(folder / "demo.json", as_json(demo))
    picture = folder.with_name(folder.name + ".png")
    draw(demo, picture)
    recipe = Recipe(
        graph=GRAPH, dir=str(folder),
        source=SourceSettings(model=str(folder / "a.keras"), layers=("mid", "emb"), data=str(folder / "pool.npz")),
        concepts=Concepts(k=len(show.view.graph)), teach=Teach(balanced=True),
    )  # fmt: skip
    populated = populate(recipe, say)
    label(recipe, say, file=str(folder / "labels.csv"), tell=False)
    propagate(recipe, say)
    return Shown(demo, populated, folder, picture, *_edit(recipe, show, say))


def begin(folder: Path, say: Say, force: bool = False) -> Recipe:
    """The digits as a graph without a label, with the models and data beside it, for `serve`; one that is there stays.

    Args:
        folder: the run directory, made where it is not there.
        say: takes notices.
        force: make it anew.

    Returns:
        The recipe of the graph.

    Raises:
        InputError: the folder holds something else.
    """
    from kgkt.source.quiet import keras

    recipe = Recipe(
        graph=YOURS, dir=str(folder),
        source=SourceSettings(model=str(folder / "a.keras"), layers=("mid", "emb"), data=str(folder / "pool.npz")),
    )  # fmt: skip
    keras()  # quietly, before any other module imports it
    from kgkt.demo import digits

    recipe = recipe.override("concepts", k=digits.CONCEPTS)
    if not force and (folder / YOURS / "run.json").exists():
        say(f"going on with the graph {YOURS} of {folder}; --force makes all of it anew")
        return recipe
    if force or not all((folder / name).exists() for name in ("a.keras", "b.keras", "pool.npz")):
        _make_room(folder, force)
        split, source = digits.make_split(0), digits.Source()
        source.train(split, 0)
        _save_data(folder, source.model, digits.build_b(), split)
        _write_labels(folder / "truth.csv", zip(split.pool_ids, split.pool_y.tolist(), strict=True))
    populate(recipe, say)
    return recipe


def _make_room(folder: Path, force: bool) -> None:
    """Refuse a folder with other things in it; clear an older demo with `force`."""
    import shutil

    if not folder.exists():
        return
    there = [p.name for p in folder.iterdir()] if folder.is_dir() else [folder.name]
    known = [name for name in there if name in FILES or name.startswith("graph.kgl")]
    if len(known) < len(there):
        raise InputError(f"{folder} holds other things ({sorted(set(there) - set(known))[0]}): name another --dir")
    if there and not force:
        raise InputError(f"{folder} holds an older demo: --force replaces it, --dir puts this one elsewhere")
    shutil.rmtree(folder)


def _save_files(folder: Path, show: Showcase) -> None:
    """A, B, pool, test and labels, as a user's own would lie there; truth.csv is for whoever plays the labeller."""
    import numpy as np

    _save_data(folder, show.a, show.b, show.split)
    labels = show.labels
    rows = zip(show.split.pool_ids[labels.items], np.array(labels.names)[labels.classes], strict=True)
    _write_labels(folder / "labels.csv", rows)
    _write_labels(folder / "truth.csv", zip(show.split.pool_ids, show.split.pool_y.tolist(), strict=True))


def _save_data(folder: Path, a: Any, b: Any, split: Split) -> None:
    import numpy as np

    folder.mkdir(parents=True, exist_ok=True)
    for name, model in (("a.keras", a), ("b.keras", b)):
        with atomic(folder / name) as temporary:
            model.save(temporary)
    np.savez_compressed(folder / "pool.npz", x=split.pool_x, item_id=split.pool_ids)
    np.savez_compressed(folder / "test.npz", x=split.test_x, y=split.test_y)


def _write_labels(path: Path, rows: Any) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("item_id", "class"), *rows])


def _edit(recipe: Recipe, show: Showcase, say: Say) -> tuple[str, tuple[int, int], tuple[int, int], str]:
    """The same features as a second graph, where two digits share a label until one tick parts them."""
    case, ids = show.case, show.split.pool_ids
    recipe = dataclasses.replace(
        recipe, graph=EDITED, teach=Teach(),
        source=SourceSettings(features=str(Path(recipe.dir) / GRAPH / "features.parquet")),
    )  # fmt: skip
    populate(recipe, say)
    shared = case.before.names[case.shared]
    names: np.ndarray = case.before.names  # type: ignore[assignment]
    label(recipe, say, assignments=[
        f"{ids[item]}={names[number]}" for item, number in zip(case.before.items, case.before.classes, strict=True)
    ])  # fmt: skip
    propagate(recipe, say)
    cypher = CYPHER % shared
    before = _answer(recipe, cypher)
    tick = f"{ids[case.labels.tick_items[0]]}=not:{shared}"
    label(recipe, say, assignments=[tick], tell=False)
    propagate(recipe, say)
    return cypher, before, _answer(recipe, cypher), tick


def _answer(recipe: Recipe, cypher: str) -> tuple[int, int]:
    rows, _ = next(iter(ask(recipe, cypher, {}, (30.0, 10, 2048), False, lambda _: None)))
    concepts, items = rows.rows[0]
    return int(concepts), int(items or 0)
