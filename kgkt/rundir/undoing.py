"""Which edit an undo is about, and what cannot be taken back."""

from __future__ import annotations

from collections.abc import Sequence

from kgkt.errors import InputError
from kgkt.rundir.current import pool_ids
from kgkt.rundir.edit_words import in_words
from kgkt.rundir.edits import FILE, Edit, undone_by
from kgkt.rundir.folder import RunDir
from kgkt.rundir.state import Say, lineage
from kgkt.store.facts import Facts


def newest(run: RunDir, edits: Sequence[Edit], say: Say) -> Edit:
    """The newest edit of a verb that is not undone and can be; an undo is none of them.

    Args:
        run: of the graph.
        edits: all of them.
        say: takes which newer ones were passed over, and why.

    Raises:
        InputError: there is none.
    """
    gone = undone_by(edits)
    passed: dict[str, list[int]] = {}
    for edit in reversed(edits):
        if edit.verb == "undo" or edit.number in gone:
            continue
        why = why_never(run, edit)
        if why is None:
            for line in _passed_over(passed):
                say(f"passed over: {line}")
            return edit
        passed.setdefault(why, []).append(edit.number)
    if passed:
        raise InputError("nothing to undo:\n" + "\n".join(f"  {line}" for line in _passed_over(passed)))
    raise InputError("nothing to undo: no verb made an edit that is not undone, and query --rw keeps none")


def _passed_over(passed: dict[str, list[int]]) -> list[str]:
    """A line for each reason, with the edits."""
    return [f"edit{'s' if len(numbers) > 1 else ''} {', '.join(map(str, numbers))} cannot be undone: {why}"
            for why, numbers in passed.items()]  # fmt: skip


def why_never(run: RunDir, edit: Edit) -> str | None:
    """Why an edit cannot be undone, whatever was done since; None where it can.

    It is not known well enough, it is of concepts or items that are others now, or all its items left the pool.
    """
    if not edit.at:
        return f"damaged in {run.path(FILE)}"
    if not edit.whole:
        return "an earlier kgkt did not write down all that stood before it"
    today, items = lineage(run), edit.after.get("items", {})
    if set(edit.after) - {"items"} and edit.lineage.get("concepts") != today["concepts"]:
        return ("the concepts were made anew since, and have other numbers. kgkt name, switch and merge (--apart) "
                "change them as they are now")  # fmt: skip
    if items and edit.lineage.get("items") != today["items"]:
        return "items have other ids since the pool changed. kgkt label ITEM=CLASS labels them as they are now"
    if items and not set(items) & set(pool_ids(run).tolist()):
        return f"its items left the pool, e.g. {next(iter(items))}"
    return None


def refuse_undo(run: RunDir, edit: Edit, edits: Sequence[Edit], present: Facts) -> None:
    """Refuse to take back what is taken back already, what cannot be, or what was changed again since.

    Args:
        run: of the graph.
        edit: that is to be undone.
        edits: all of them.
        present: what the graph says now of what `edit` touched.

    Raises:
        InputError: why, with the edit that changed it since, or that none of kgkt's verbs did.
    """
    gone = undone_by(edits)
    name = f"edit {edit.number} ({edit.verb})"
    changed = []
    for kind, one in edit.facts():
        later = [e for e in edits if e.number > edit.number and one in e.after.get(kind, {})]
        live = next((e for e in reversed(later) if e.verb != "undo" and e.number not in gone), None)
        there = present[kind][one]
        if there != edit.after[kind][one]:
            same = next((e for e in reversed(later) if e.number not in gone and e.after[kind][one] == there), None)
            changed.append((kind, one, same))
        elif live is not None:
            changed.append((kind, one, live))
    if changed:
        raise InputError(f"{name} is not undone, because what it made was changed again since:\n" + "\n".join(
            f"  {in_words(kind, one, present[kind][one])}, {_by(culprit)}" for kind, one, culprit in changed[:5])
            + (f"\n  and {len(changed) - 5:,} more" if len(changed) > 5 else ""))  # fmt: skip


def refuse_gone(run: RunDir, edit: Edit, edits: Sequence[Edit]) -> None:
    """Refuse what is undone already, and what can never be.

    Raises:
        InputError: why.
    """
    name, by = f"edit {edit.number} ({edit.verb})", undone_by(edits).get(edit.number)
    if by is not None:
        raise InputError(f"{name} is undone already, by edit {by}: kgkt undo {by} makes it again")
    if (why := why_never(run, edit)) is not None:
        raise InputError(f"{name} cannot be undone: {why}" if edit.at else
                         f"line {edit.number} of {run.path(FILE)} is damaged: it cannot be undone")  # fmt: skip


def _by(edit: Edit | None) -> str:
    if edit is None:
        return "which no verb of kgkt did (an edit in Cypher, or a populate that lost it)"
    return f"by edit {edit.number} ({edit.verb}): undo that first"
