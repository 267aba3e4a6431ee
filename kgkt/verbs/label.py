"""label: what people say of items."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kgkt.errors import InputError, UsageError, nearest
from kgkt.recipe import Recipe
from kgkt.rundir.current import open_graph_store, own_info, pool_ids
from kgkt.rundir.edits import log_edit, who
from kgkt.rundir.folder import RunDir
from kgkt.rundir.state import Say, now, open_run, settings_of

if TYPE_CHECKING:
    from kgkt.source.labels import LabelRow


@dataclass(frozen=True, slots=True)
class Labelled:
    """What `label` wrote: counts, the classes of the graph now, and whether the file was known already.

    Args:
        skipped: rows of the file, or tasks of an export, that have no class.
        cancelled: how many of these the annotators skipped in Label Studio.
    """

    labels: int
    ticks: int
    replaced: int
    classes: tuple[str, ...]
    known_file: bool = False
    skipped: int = 0
    cancelled: int = 0


def label(
    recipe: Recipe, say: Say, file: str | None = None, assignments: Sequence[str] = (),
    pairs: Sequence[tuple[str, str]] = (),
) -> Labelled:  # fmt: skip
    """Label and tick items: from a file (once per content), from ITEM=CLASS texts, or from pairs.

    The columns of a file are those that the recipe's [teach] names.

    Raises:
        UsageError: none of these, or several.
        InputError: as `read_label_file`, `parse_assignments` and `read_pairs`.
    """
    from kgkt.source.labels import parse_assignments, read_label_file, read_pairs

    if sum(map(bool, (file is not None, assignments, pairs))) != 1:
        raise UsageError("give --file labels.csv, or ITEM=CLASS (ITEM=not:CLASS takes a class away)")
    run = open_run(recipe)
    known = frozenset(pool_ids(run).tolist())
    digest, skipped, cancelled = "", 0, 0
    if file is not None:
        teach, classes = recipe.teach, (*_classes(recipe, run), *recipe.target.classes)
        said = read_label_file(Path(file), known, teach.id_column, teach.class_column, classes)
        rows, digest, skipped, cancelled = said.rows, said.digest, said.empty, said.skipped
        if digest in run.state().get("label_files", {}):
            return Labelled(0, 0, 0, _classes(recipe, run), known_file=True)
    else:
        rows = parse_assignments(assignments, known) if assignments else read_pairs(pairs, known)
    with open_graph_store(recipe, run, write=True) as store:
        done = _write(store, run, recipe, rows, say)
    if digest:
        state = run.state()
        state.setdefault("label_files", {})[digest] = {"path": str(file), "at": now()}
        run.write_state(state)
    return dataclasses.replace(done, skipped=skipped, cancelled=cancelled)


def _write(store: Any, run: RunDir, recipe: Recipe, rows: list[LabelRow], say: Say) -> Labelled:
    from kgkt.store.labels import forget_classes, read_classes, read_label_records, write_labels

    own_info(store, run)
    before_labels, before_ticks = read_label_records(store, run.graph)
    old_classes, frozen, _ = read_classes(store, run.graph)
    by, at = who(), now()
    labels = [(row.item_id, row.name, by, at) for row in rows if not row.tick]
    ticks = [(row.item_id, row.name, by, at) for row in rows if row.tick]
    check_ticks(rows, old_classes)
    touched = {row.item_id for row in rows}
    before = [b for b in (*before_labels, *before_ticks) if b["item_id"] in touched]
    was = {b["item_id"]: b["class"] for b in before_labels}
    replaced = sum(was.get(item, name) != name for item, name, _, _ in labels)
    write_labels(store, run.graph, labels, ticks)
    left = {was[item] for item, name, _, _ in labels if was.get(item, name) != name}
    left -= {*recipe.target.classes, *recipe.teach.prior, *settings_of(run, "propagate").get("prior", {})}
    if gone := forget_classes(store, run.graph, left):
        say(f"no class any more, as no item is called so: {', '.join(map(repr, gone))}")
    classes, _, _ = read_classes(store, run.graph)
    new = [c for c in classes if c not in old_classes]
    if frozen and new:
        say(f"new after the order was frozen: {', '.join(map(repr, new))}; B now needs {len(classes)} outputs")
    for name in new if old_classes else ():
        if close := difflib.get_close_matches(name, old_classes, n=1, cutoff=0.75):
            say(f"{name!r} is a new class, beside {close[0]!r}; to take it back: kgkt label ITEM={close[0]}")
    if recipe.target.classes and (unknown := [c for c in new if c not in recipe.target.classes]):
        say(f"not in [target] classes of the recipe: {', '.join(unknown)}")
    log_edit(run, "label", [s for s in before if s["item_id"] in touched], [
        {"item_id": row.item_id, "class": row.name, "tick": row.tick} for row in rows
    ])  # fmt: skip
    return Labelled(len(labels), len(ticks), replaced, classes)


def check_ticks(rows: list[LabelRow], classes: Sequence[str]) -> None:
    """Refuse a tick of a class that nothing was ever called: it would teach nothing.

    Raises:
        InputError: with the nearest names.
    """
    from kgkt.store.keys import natural

    known = {*classes, *(row.name for row in rows if not row.tick)}
    for one in rows:
        if one.tick and one.name not in known:
            hint = nearest(one.name, sorted(known, key=natural))
            raise InputError(f"{one.where}: no class {one.name!r} to take {one.item_id} from{hint}")


def _classes(recipe: Recipe, run: RunDir) -> tuple[str, ...]:
    from kgkt.store.labels import read_classes

    with open_graph_store(recipe, run) as store:
        return read_classes(store, run.graph)[0]
