"""undo: takes back an edit of a verb, and lists the edits there were."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kgkt.errors import InputError, count
from kgkt.recipe import Recipe
from kgkt.rundir.current import open_graph_store, own_info, pool_ids
from kgkt.rundir.edit_words import again, describe
from kgkt.rundir.edits import Edit, make_edit, read_log, root_of, undone_by
from kgkt.rundir.effect import Effect
from kgkt.rundir.folder import RunDir
from kgkt.rundir.state import Say, open_run
from kgkt.rundir.undoing import newest, refuse_gone, refuse_undo
from kgkt.verbs.label import forget, know_file
from kgkt.verbs.propagate import as_last_taught
from kgkt.verbs.switch import refuse_all_off

COLUMNS = ("edit", "at", "by", "verb", "what", "undone_by")


@dataclass(frozen=True, slots=True)
class Undone:
    """What `undo` did.

    Args:
        undone: number of the edit that was taken back.
        edit: the same, or where that was an undo, the edit that it was about; `verb` and `what` it did.
        again: whether that one holds again: an undo was undone.
        now: what stands once more, in words.
        number: of this undo, which is an edit itself.
        effect: on the items' classes, by the concepts' answer; None where no label is there, or none is needed.
    """

    undone: int
    edit: int
    verb: str
    what: str
    again: bool
    now: str
    number: int
    effect: Effect | None


def edits(recipe: Recipe) -> list[tuple[Any, ...]]:
    """Every edit that verbs made, the newest first: number, when, who, verb, what, and the edit that undid it."""
    log = read_log(open_run(recipe))
    gone = undone_by(log)
    return [(e.number, e.at, e.by, e.verb, describe(e, log), gone.get(e.number)) for e in reversed(log)]


def undo(recipe: Recipe, say: Say, number: int | None = None, tell: bool = True) -> Undone:
    """Take back an edit: the newest that is not undone and can be, or the one with this number.

    Args:
        recipe: of the graph.
        say: takes notices.
        number: of an edit, as `edits` gives it. That of an undo makes again what it took back.
        tell: work out what the undo changes.

    Raises:
        InputError: no such edit; it is undone, or was changed again since (with the edit that did); the concepts were
            made anew; or no concept would be left on.
    """
    from kgkt.store.edits import merged_pairs
    from kgkt.store.facts import classes_in, read_concepts, read_facts, write_facts

    run = open_run(recipe)
    with open_graph_store(recipe, run, write=True) as store:
        own_info(store, run)
        log = read_log(run)
        edit = newest(run, log, say) if number is None else _numbered(log, number)
        refuse_gone(run, edit, log)
        edit = _of_the_pool(run, edit, say)
        root, held = root_of(edit, log)
        root = edit if root.number == edit.number else root
        about = {kind: list(said) for kind, said in edit.after.items()}
        refuse_undo(run, edit, log, read_facts(store, run.graph, about))
        back = edit.before
        if "active" in back:
            now = {int(n): on for n, on in back["active"].items()}
            refuse_all_off(read_concepts(store, run.graph), dict(merged_pairs(store, run.graph)), now)
        if "merged" in back:
            _refuse_circle(dict(merged_pairs(store, run.graph)), back["merged"])

        def change() -> None:
            write_facts(store, run.graph, back)
            forget(store, run, recipe, classes_in(edit.after) - classes_in(back), say)

        teach = as_last_taught(recipe, run).teach if tell and set(about) - {"names"} else None
        made, effect = make_edit(store, run, "undo", about, change, teach, undoes=edit.number, file=edit.file)
        if edit.file is not None:  # it stays undone until a person imports it again, or undoes the undo
            know_file(run, edit.file["digest"], edit.file["path"], made if held else None)
    return Undone(edit.number, root.number, root.verb, describe(root), not held, again(back), made, effect)


def _numbered(log: list[Edit], number: int) -> Edit:
    found = next((e for e in log if e.number == number), None)
    if found is None:
        there = f"kgkt undo --list shows 1 to {log[-1].number}" if log else "no verb made one yet"
        raise InputError(f"no edit {number}: {there}")
    return found


def _of_the_pool(run: RunDir, edit: Edit, say: Say) -> Edit:
    """The edit without the items that left the pool: what was said of them went with them."""
    items = edit.after.get("items", {})
    there = set(pool_ids(run).tolist()) if items else set()
    gone = [item for item in items if item not in there]
    if not gone:
        return edit
    say(f"{count(len(gone), 'item')} of it left the pool since, e.g. {gone[0]}: passed over")
    before, after = ({**facts, "items": {item: facts["items"][item] for item in items if item in there}}
                     for facts in (edit.before, edit.after))  # fmt: skip
    return dataclasses.replace(edit, before=before, after=after)


def _refuse_circle(into: dict[int, int], back: Mapping[str, list[int]]) -> None:
    """Refuse what would make concepts parts of each other.

    Args:
        into: concept -> the one that it is merged into now.
        back: number -> the ones that it is going to be merged into.
    """
    for number, ends in back.items():
        into.pop(int(number), None)
        into.update((int(number), end) for end in ends)
    for n in into:
        end, passed = n, 0
        while end in into and passed <= len(into):
            end, passed = into[end], passed + 1
        if passed > len(into):
            raise InputError(f"concept {n} would be a part of itself, over {into[n]}: undo the later merge first")
