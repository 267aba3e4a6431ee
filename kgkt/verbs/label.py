"""label: what people say of items."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kgkt.errors import InputError, UsageError, count, nearest
from kgkt.recipe import Recipe
from kgkt.rundir.current import open_graph_store, own_info, pool_ids
from kgkt.rundir.edits import make_edit, who
from kgkt.rundir.effect import Effect
from kgkt.rundir.folder import RunDir
from kgkt.rundir.state import Say, now, open_run, settings_of
from kgkt.verbs.propagate import as_last_taught

if TYPE_CHECKING:
    from kgkt.source.labels import LabelRow

HINTS = 5  # names that are nearly others, shown one by one
COMPARISONS = 30_000  # of names, letter by letter: half a second


@dataclass(frozen=True, slots=True)
class Labelled:
    """What `label` wrote: counts, the classes of the graph now, and whether the file was known already.

    Args:
        skipped: rows of the file, or tasks of an export, that have no class.
        cancelled: how many of these the annotators skipped in Label Studio.
        already: labels and ticks that stood in the graph before; they are not counted above, and are no edit.
        undone: number of the undo that took the import of this file back, where it was therefore not done again.
        implied: ticks of these items that add nothing, as ITEM=not:CLASS, because the item has the label of another
            class; they stay, and count once that label goes.
        differ: what a file that was imported before says otherwise than the graph does now: item, and class as a file
            says it (not:CLASS is a tick).
        edit: its number, which `undo` takes; None where nothing was done.
        effect: on the items' classes, by the concepts' answer; None where it was not asked for.
    """

    labels: int
    ticks: int
    replaced: int
    classes: tuple[str, ...]
    known_file: bool = False
    skipped: int = 0
    cancelled: int = 0
    already: int = 0
    undone: int | None = None
    implied: tuple[str, ...] = ()
    differ: tuple[tuple[str, str], ...] = ()
    edit: int | None = None
    effect: Effect | None = None


def label(
    recipe: Recipe, say: Say, file: str | None = None, assignments: Sequence[str] = (),
    pairs: Sequence[tuple[str, str]] = (), tell: bool = True, again: bool | None = None,
) -> Labelled:  # fmt: skip
    """Label and tick items: from a file (once per content), from ITEM=CLASS texts, or from pairs.

    The columns of a file are those that the recipe's [teach] names. What stands in the graph already is no edit.

    Args:
        recipe: of the graph.
        say: takes notices.
        file, assignments, pairs: what is said, in one of three ways.
        tell: work out how many items change class.
        again: import a file once more that was imported before; None: only where its import was undone, else what it
            says otherwise than the graph is said; False: not even that.

    Raises:
        UsageError: none of these, or several.
        InputError: as `read_label_file`, `parse_assignments` and `read_pairs`.
    """
    from kgkt.source.labels import parse_assignments, read_label_file, read_pairs
    from kgkt.store.labels import read_classes

    if sum(map(bool, (file is not None, assignments, pairs))) != 1:
        raise UsageError("give --file labels.csv, or ITEM=CLASS (ITEM=not:CLASS takes a class away)")
    run = open_run(recipe)
    with open_graph_store(recipe, run, write=True) as store:
        known = frozenset(pool_ids(run).tolist())
        if file is None:
            rows = parse_assignments(assignments, known) if assignments else read_pairs(pairs, known)
            return write_rows(store, run, recipe, rows, say, None, tell)
        teach, names = recipe.teach, read_classes(store, run.graph)[0]
        ids = settings_of(run, "populate").get("id_column") or teach.id_column
        said = read_label_file(
            Path(file), known, teach.id_column, teach.class_column, (*names, *recipe.target.classes), ids)
        before = run.state().get("label_files", {}).get(said.digest)
        undone = None if before is None else before.get("undone")
        if undone and again is False:
            say(f"{file} stays undone, by edit {undone}: kgkt label --file {file} imports it again")
        if before is not None and not (again or (undone and again is None)):
            differ = () if again is False else _differ(store, run, said.rows, file, say)
            return Labelled(0, 0, 0, names, known_file=True, undone=undone, differ=differ)
        origin = {"digest": said.digest, "path": str(file)}
        done = write_rows(store, run, recipe, said.rows, say, origin, tell)
        know_file(run, said.digest, str(file))
    return dataclasses.replace(done, skipped=said.empty, cancelled=said.skipped)


def know_file(run: RunDir, digest: str, path: str, undone: int | None = None) -> None:
    """Write down that a label file was imported; or the number of the edit that took that back."""
    state = run.state()
    known = state.setdefault("label_files", {})
    known[digest] = {"path": path, "at": now()} | ({"undone": undone} if undone else {})
    run.write_state(state)


def write_rows(
    store: Any, run: RunDir, recipe: Recipe, rows: list[LabelRow], say: Say, origin: dict[str, str] | None, tell: bool
) -> Labelled:
    """Labels and ticks that were read and checked, written as one edit.

    Args:
        store: open for writing.
        run, recipe: of the graph.
        rows: of items that are in the pool.
        say: takes notices.
        origin: digest and path of the file that they come from.
        tell: work out what the edit changes.

    Raises:
        InputError: a tick of a class that nothing was ever called, with the nearest names.
    """
    from kgkt.store.labels import read_classes, write_labels

    own_info(store, run)
    old_classes, frozen, _ = read_classes(store, run.graph)
    check_ticks(rows, old_classes)
    was, ticked, new = _new(store, run, rows)
    already = len(rows) - len(new)
    if not new:
        return Labelled(0, 0, 0, old_classes, already=already)
    by, at = who(), now()
    labels = [(row.item_id, row.name, by, at) for row in new if not row.tick]
    ticks = [(row.item_id, row.name, by, at) for row in new if row.tick]
    left = {name for item, now_is, _, _ in labels for name in was[item] if name != now_is}

    def change() -> None:
        write_labels(store, run.graph, labels, ticks)
        forget(store, run, recipe, left, say)

    teach = as_last_taught(recipe, run).teach if tell else None
    touched = list(dict.fromkeys(row.item_id for row in new))
    number, effect = make_edit(store, run, "label", {"items": touched}, change, teach, file=origin)
    classes, _, _ = read_classes(store, run.graph)
    _tell_new(recipe, [c for c in classes if c not in old_classes], old_classes, len(classes) if frozen else 0, say)
    replaced = sum(any(other != name for other in was[item]) for item, name, _, _ in labels)
    return Labelled(len(labels), len(ticks), replaced, classes, already=already, implied=_implied(was, ticked, new),
                    edit=number, effect=effect)  # fmt: skip


def _differ(
    store: Any, run: RunDir, rows: list[LabelRow], file: str | None, say: Say
) -> tuple[tuple[str, str], ...]:
    """What a known file says otherwise than the graph does now; said with how it is imported again."""
    was, _, new = _new(store, run, rows)
    if new:
        shown = [f"{row.item_id} is {', '.join(sorted(was[row.item_id])) or 'without a label'}, here "
                 f"{'not:' * row.tick}{row.name}" for row in new[:HINTS]]  # fmt: skip
        verb = "stands" if len(new) == 1 else "stand"
        say(f"{count(len(new), 'label')} of {file} {verb} otherwise now ({'; '.join(shown)}"
            f"{'; …' if len(new) > HINTS else ''}): --again imports it once more, in place of these")
    return tuple((row.item_id, "not:" * row.tick + row.name) for row in new)


def _new(
    store: Any, run: RunDir, rows: list[LabelRow]
) -> tuple[dict[str, set[str]], dict[str, set[str]], list[LabelRow]]:
    """Classes of the items now, and those that ticks deny; the rows that say something else than what stands there."""
    from kgkt.store.facts import read_facts

    stands = read_facts(store, run.graph, {"items": dict.fromkeys(row.item_id for row in rows)})["items"]
    classes = {item: set(said["labels"]) for item, said in stands.items()}

    def is_so(row: LabelRow) -> bool:
        denied = row.name in stands[row.item_id]["ticks"]
        if row.tick:
            return denied and row.name not in classes[row.item_id]
        return not denied and classes[row.item_id] == {row.name}

    ticks = {item: set(said["ticks"]) for item, said in stands.items()}
    return classes, ticks, [row for row in rows if not is_so(row)]


def _implied(was: dict[str, set[str]], ticked: dict[str, set[str]], new: list[LabelRow]) -> tuple[str, ...]:
    """The ticks of what was touched that an item's label says as well, once the new rows stand."""
    labels, ticks = dict(was), dict(ticked)
    for row in new:
        if row.tick:
            labels[row.item_id] = labels[row.item_id] - {row.name}
            ticks[row.item_id] = ticks[row.item_id] | {row.name}
    for row in new:
        if not row.tick:
            labels[row.item_id] = {row.name}
            ticks[row.item_id] = ticks[row.item_id] - {row.name}
    items = [item for item in dict.fromkeys(row.item_id for row in new) if labels[item]]
    return tuple(f"{item}=not:{name}" for item in items for name in sorted(ticks[item]))


def forget(store: Any, run: RunDir, recipe: Recipe, names: set[str], say: Say) -> None:
    """Let those of the classes go that nothing names any more, and say which."""
    from kgkt.store.labels import forget_classes

    names = names - {*recipe.target.classes, *recipe.teach.prior, *settings_of(run, "propagate").get("prior", {})}
    if gone := forget_classes(store, run.graph, names):
        say(f"no class any more, as no item is called so: {', '.join(map(repr, gone))}")


def _tell_new(recipe: Recipe, new: list[str], old: Sequence[str], outputs: int, say: Say) -> None:
    """What is to be said of new classes; `outputs`: that B now needs, where the order is frozen."""
    if outputs and new:
        say(f"new after the order was frozen: {', '.join(map(repr, new))}; B now needs {outputs} outputs")
    close = near_names(new, old)
    for name, other in close[:HINTS]:
        say(f"{name!r} is a new class, beside {other!r}; to take it back: kgkt label ITEM={other}")
    if more := len(close) - HINTS if len(close) > HINTS else 0:
        say(f"{more:,} more of the new classes {'is' if more == 1 else 'are'} called nearly like another")
    if recipe.target.classes and (unknown := [c for c in new if c not in recipe.target.classes]):
        say(f"not in [target] classes of the recipe: {', '.join(unknown)}")


def near_names(new: Sequence[str], old: Sequence[str]) -> list[tuple[str, str]]:
    """(new class, the one that may have been meant), where they differ in case, in spaces, or in a letter or two.

    Among the new names only case, spaces, signs around them and two neighbouring letters that changed places count:
    names that are given together are meant to differ. Digits that differ are meant too. With many classes only these
    are looked for.

    Args:
        new: names that were given, in order.
        old: names that there were.
    """
    plain = {_bare(name): name for name in reversed(old)}
    before, found = list(plain), []
    thorough = len(new) * len(before) <= COMPARISONS
    for name in new:
        bare = _bare(name)
        near = next((one for one in (bare, *_swaps(bare)) if one in plain), None)
        if near is None and thorough:
            close = difflib.get_close_matches(bare, before, n=5, cutoff=0.75)
            near = next((one for one in close if _letters(one) != _letters(bare)), None)
        if near is not None:
            found.append((name, plain[near]))
        plain.setdefault(bare, name)
    return found


def _bare(name: str) -> str:
    """A name without what is easily typed otherwise: case, more than one space, signs around it.

    >>> _bare(" Colour,"), _bare("C++"), _bare("?")
    ('colour', 'c++', '?')
    """
    plain = " ".join(name.casefold().split())
    return plain.strip(" ,;.:'\"") or plain


def _swaps(name: str) -> Iterator[str]:
    """The name with two neighbouring letters in each other's place; of three letters or more."""
    for i in range(len(name) - 1 if len(name) > 2 else 0):
        if name[i] != name[i + 1] and name[i : i + 2].isalpha():
            yield name[:i] + name[i + 1] + name[i] + name[i + 2 :]


def _letters(name: str) -> str:
    return "".join(sign for sign in name if not sign.isdecimal())


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
