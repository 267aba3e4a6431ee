"""suggest: which few items to label, and what each label would speak for."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kgkt.errors import InputError, UsageError, count, nearest
from kgkt.files import check_place, need_parent
from kgkt.recipe import Recipe
from kgkt.rundir.asking import Asked, covering, doubtful, leans, read_exemplars, seconds
from kgkt.rundir.current import CurrentGraph, open_graph_store, read_current
from kgkt.rundir.folder import RunDir
from kgkt.rundir.looks import Looks, read_looks
from kgkt.rundir.state import Say, open_run, settings_of, why_stale
from kgkt.rundir.targets import read_targets
from kgkt.values import Targets
from kgkt.verbs.propagate import as_last_taught, propagate_inputs
from kgkt.verbs.switch import keys_asked, numbers_of

if TYPE_CHECKING:
    import numpy as np

COLUMNS = ("item", "concept", "name", "speaks_for", "why", "picture")
LISTS = ("csv", "label-studio")  # what `out` can be
EXAMPLES = 5  # of a concept, beside an item on a sheet
WARNING = ("--doubt asks where the teacher's first two classes are nearly level: on a long-tailed pool that was 8 "
           "points worse than labels drawn at random, on texts it helped a little")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Suggested:
    """The items to label, best first.

    Args:
        items: to label.
        pool: items in the pool.
        mixed_by: what said which concepts are mixed, "targets" or "memberships"; None where no second item was needed.
        files: that were written.
    """

    items: tuple[Asked, ...]
    pool: int
    mixed_by: str | None = None
    files: tuple[str, ...] = ()

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
    recipe: Recipe, say: Say, how_many: int = 20, out: str | None = None, show: str | None = None, force: bool = False,
    *, form: str = "csv", sheet: str | None = None, doubt: bool = False, within: str | None = None,
    params: Mapping[str, Any] | None = None,
) -> Suggested:  # fmt: skip
    """The items whose labels teach most, best first: any prefix is a good budget.

    Args:
        recipe: of the graph.
        say: takes notices.
        how_many: items wanted.
        out: a CSV to fill in, with the columns item_id, class, concept, name, speaks_for (and text, of texts).
        show: a folder for the items' pictures.
        force: replace `out`, `sheet` and pictures where they exist.
        form: "label-studio": `out` holds tasks for Label Studio, its labelling interface is written beside it.
        sheet: a PNG of the items, each beside examples of its concept.
        doubt: the items whose first two classes are nearly level, in place of those that cover the graph.
        within: only items of the concepts that a query gives: Cypher with a column `key`, or a shipped query's name.
        params: of that query.

    Returns:
        The items.

    Raises:
        UsageError: fewer than one item asked for, an unknown form, tasks without a file for them, params of no query.
        InputError: a file exists or cannot be written, nothing is left to label, `doubt` without a fresh answer of the
            teacher, a sheet of what cannot be drawn, a query that gives no concept that is on.
    """
    if how_many < 1:
        raise UsageError(f"-n must be at least 1, received {how_many}")
    if params and within is None:
        raise UsageError("parameters are of the query of --within, and there is none")
    run = open_run(recipe)
    _check_places(out, show, sheet, force, form)
    looks = _looks(recipe, run, out, show, sheet, form, say)
    recipe = as_last_taught(recipe, run)
    with open_graph_store(recipe, run) as store:
        current = read_current(store, run, say, recipe.target.classes)
    if not current.graph.active.any():
        raise InputError("no concept is active: there is nothing to label (kgkt query switched_off lists them)")
    exemplars = read_exemplars(run)
    asking = current if within is None else _restricted(recipe, current, run, within, dict(params or {}), say)
    asked = [] if doubt else covering(asking, exemplars, how_many, say)
    targets, missing, mixed_by = None, "", None
    if doubt or sheet or form == "label-studio" or len(asked) < how_many:
        targets, missing = answer_at_hand(recipe, run, current)
    if doubt:
        if targets is None:
            raise InputError(f"--doubt needs the teacher's answer, and {missing}: run kgkt propagate first")
        asked = doubtful(run, asking, targets, how_many)
        say(WARNING)
    elif len(asked) < how_many:
        more = seconds(run, asking, targets, asked, how_many - len(asked))
        if more:
            mixed_by = "memberships" if targets is None else "targets"
            if missing:
                say(f"{missing}; so memberships say which concepts are mixed, after kgkt propagate the teacher would")
        asked = [*asked, *more]
    if not asked:
        which = "an active concept" if within is None else "these concepts"
        raise InputError(f"every item of {which} has a label already: nothing is left to ask")
    asked = _dressed(run, current, targets, asked, looks, pictures=bool(show) or form == "label-studio")
    files = _write(run, current, asked, exemplars, looks, recipe, (out, show, sheet), form, say)
    return Suggested(tuple(asked), len(current.ids), mixed_by, files)


def _restricted(
    recipe: Recipe, current: CurrentGraph, run: RunDir, query: str, params: dict[str, Any], say: Say
) -> CurrentGraph:
    """The graph with no concept on but those that a query gives; a merged one counts as what it is merged into."""
    import numpy as np

    number = {str(key): i for i, key in enumerate(current.graph.keys)}
    keys = keys_asked(recipe, query, params, (30.0, 2048), say, "suggest")
    numbers = numbers_of(keys, {i: {"key": key} for key, i in number.items()}, run.graph)
    active = np.zeros_like(current.graph.active)
    active[current.into[numbers]] = True
    active &= current.graph.active
    if not active.any():
        raise InputError(f"all of the {count(len(keys), 'concept')} that the query gives are switched off")
    return dataclasses.replace(current, graph=dataclasses.replace(current.graph, active=active))


def _check_places(out: str | None, show: str | None, sheet: str | None, force: bool, form: str) -> None:
    """Refuse, before any work, what could not be written."""
    from kgkt.share.label_studio import interface_path
    from kgkt.share.sheet import pages_there

    if form not in LISTS:
        raise UsageError(f"format {form!r}{nearest(form, LISTS)}")
    if form == "label-studio" and out is None:
        raise UsageError("--format label-studio needs --out tasks.json")
    for given in filter(None, (out, sheet)):
        check_place(Path(given))
    places = [] if out is None else [Path(out)]
    if form == "label-studio" and out is not None:
        places.append(interface_path(Path(out)))
    if sheet is not None:
        places += pages_there(Path(sheet))
    for place in places:
        if place.is_dir():
            raise InputError(f"{place} is a folder: name another file")
        if place.exists() and not force:
            raise InputError(f"{place} exists: --force replaces it")
    if show is not None:
        need_parent(Path(show))
        if Path(show).is_dir() and any(Path(show).iterdir()) and not force:
            raise InputError(f"{show} is not empty: --force writes into it")


def _looks(
    recipe: Recipe, run: RunDir, out: str | None, show: str | None, sheet: str | None, form: str, say: Say
) -> Looks | None:
    """What the items look like, as far as what is to be written needs it."""
    if sheet is not None:
        looks = read_looks(recipe, run, draw=True)
        if looks.data is not None and looks.data.text is not None:
            raise InputError("a sheet of texts is of no use: kgkt suggest --out todo.csv lists them, with their texts")
        return looks
    if show is None and out is None:
        return None
    looks = read_looks(recipe, run)
    if looks.missing and (form == "label-studio" or settings_of(run, "populate").get("kind") == "text"):
        say(looks.missing)
    if (show is not None or form == "label-studio") and not looks.missing:
        try:
            return read_looks(recipe, run, draw=True)
        except InputError as error:
            say(str(error))
    return looks


def answer_at_hand(recipe: Recipe, run: RunDir, current: CurrentGraph) -> tuple[Targets | None, str]:
    """What the last `propagate` said of every item; None, and why, where it never ran or something changed since."""
    changed = why_stale(run, "propagate", propagate_inputs(run, recipe, current))
    if not changed:
        return read_targets(run, current), ""
    if changed == ["never ran"]:
        return None, "propagate has not run yet"
    return None, f"changed since propagate: {', '.join(changed)}"


def _dressed(
    run: RunDir, current: CurrentGraph, targets: Targets | None, asked: list[Asked], looks: Looks | None, pictures: bool
) -> list[Asked]:
    """The items with their pictures, which are made where they are asked for, and with what they lean to."""
    import numpy as np

    from kgkt.source.thumbs import write_exemplars

    if looks is not None and pictures and looks.data is not None:
        bare = [a.item_id for a in asked if picture_of(run, a.item_id) is None]
        write_exemplars(looks.data, np.flatnonzero(np.isin(looks.data.ids, bare)), looks.thumbs)
    row = {a.item_id: int(np.flatnonzero(current.ids == a.item_id)[0]) for a in asked} if targets is not None else {}
    return [
        dataclasses.replace(
            a, picture=picture_of(run, a.item_id), leans_to=() if targets is None else leans(targets, row[a.item_id])
        )
        for a in asked
    ]  # fmt: skip


def _write(
    run: RunDir, current: CurrentGraph, asked: list[Asked], exemplars: list[np.ndarray], looks: Looks | None,
    recipe: Recipe, places: tuple[str | None, str | None, str | None], form: str, say: Say,
) -> tuple[str, ...]:  # fmt: skip
    """Write the list, the pictures and the sheet; returns the files."""
    from kgkt.share.label_studio import write_tasks
    from kgkt.share.sheet import draw_sheet, pages_there
    from kgkt.share.todo import copy_pictures, write_todo

    out, show, sheet = places
    files: list[Path] = []
    if out is not None:
        assert looks is not None
        texts = {a.item_id: looks.text(a.item_id, whole=form == "label-studio") for a in asked}
        if form == "label-studio":
            stages = run.state().get("stages", {})
            version = f"kgkt, graph {run.graph}, propagate {stages['propagate']['at']}" if "propagate" in stages else ""
            classes = recipe.target.classes or current.labels.names
            files += write_tasks(Path(out), asked, texts, classes, looks, version, say)
        else:
            files.append(write_todo(Path(out), asked, texts))
    if show is not None:
        copy_pictures(Path(show), asked, say)
    if sheet is not None:
        assert looks is not None
        pages = draw_sheet(Path(sheet), _cells(current, asked, exemplars, looks))
        files += pages
        for old in set(pages_there(Path(sheet))) - set(pages):
            say(f"{old} is a page of an earlier sheet")
    return tuple(map(str, files))


def _cells(
    current: CurrentGraph, asked: list[Asked], exemplars: list[np.ndarray], looks: Looks
) -> list[Any]:
    """Each item with up to five other examples of its concept, and what they are called."""
    from kgkt.share.sheet import Cell, Shown

    labels = current.labels
    said = dict(zip(current.ids[labels.items].tolist(), (labels.names[c] for c in labels.classes), strict=True))
    beside = {a.item_id: [i for i in current.ids[exemplars[a.concept]].tolist() if i != a.item_id][:EXAMPLES]
              for a in asked}  # fmt: skip
    pixels = looks.pixels(sorted({*beside, *(item for items in beside.values() for item in items)}))
    return [
        Cell(
            a.item_id, f"c{a.concept:03d} {a.name!r}", a.speaks_for, a.why, a.leans_to, pixels.get(a.item_id),
            [Shown(pixels.get(item), said.get(item)) for item in beside[a.item_id]],
        )
        for a in asked
    ]  # fmt: skip


def picture_of(run: RunDir, item_id: str) -> str | None:
    """The item's thumbnail in the run directory, if it has one."""
    from kgkt.source.thumbs import safe_name

    path = run.path("exemplars") / safe_name(item_id)
    return str(path) if path.exists() else None
