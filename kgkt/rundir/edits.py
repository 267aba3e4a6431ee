"""edits.jsonl: every edit made by a verb, with what stood before and after it, so that it can be undone."""

from __future__ import annotations

import getpass
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kgkt.errors import InputError, count
from kgkt.recipe import Teach
from kgkt.rundir.effect import Effect, effect_since, look
from kgkt.rundir.folder import RunDir
from kgkt.rundir.state import lineage, now
from kgkt.store.facts import OF_CONCEPTS, Facts, read_facts

if TYPE_CHECKING:
    from kgkt.store.protocol import Store

FILE = "edits.jsonl"
Fact = tuple[str, str]  # kind, and the item id or the number of the concept


@dataclass(frozen=True, slots=True)
class Edit:
    """One line of edits.jsonl.

    Args:
        number: of the line, from 1.
        at: when, UTC.
        by: whom.
        verb: label, name, switch, merge or undo.
        before, after: what the graph said of everything that was touched, as `kgkt.store.facts` has it.
        lineage: which concepts and items the graph had, as `lineage` tells it.
        file: digest and path of the label file that it came from.
        undoes: number of the edit that it took back.
        whole: whether it can be undone at all; an earlier kgkt did not write down enough.
    """

    number: int
    at: str
    by: str
    verb: str
    before: Facts
    after: Facts
    lineage: Mapping[str, str]
    file: Mapping[str, str] | None = None
    undoes: int | None = None
    whole: bool = True

    def facts(self) -> Iterator[Fact]:
        """What it touched."""
        return ((kind, one) for kind, said in self.after.items() for one in said)


def who() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # no entry for this user, as in some containers
        return "unknown"


def make_edit(
    store: Store, run: RunDir, verb: str, about: Mapping[str, Sequence[str]], change: Callable[[], None],
    teach: Teach | None = None, **more: Any,
) -> tuple[int, Effect | None]:  # fmt: skip
    """Change the graph, save it, and write down what was before and after.

    Args:
        store: open for writing.
        run: of the graph.
        verb: that does it.
        about: kind -> what is touched, as `read_facts` takes it.
        change: does it.
        teach: how labels spread; with it the effect on the items' classes is worked out.
        more: `file` and `undoes` of the line.

    Returns:
        The number of the edit, and its effect.
    """
    before = read_facts(store, run.graph, about)
    seen = look(store, run, teach) if teach is not None else None
    change()
    after = read_facts(store, run.graph, about)
    store.save()
    line = {"at": now(), "by": who(), "verb": verb, "before": before, "after": after, "lineage": lineage(run), **more}
    number = _append(run, json.dumps(line, ensure_ascii=False))
    concepts = any(kind in about for kind in OF_CONCEPTS)
    return number, None if seen is None else effect_since(seen, store, run, concepts)


def _append(run: RunDir, line: str) -> int:
    """One more line; returns its number. What a killed process left half written stays a line of its own."""
    path = run.path(FILE)
    there = path.read_bytes() if path.exists() else b""
    cut = b"\n" if there and not there.endswith(b"\n") else b""
    with path.open("ab") as file:
        file.write(cut + line.encode("utf-8", "surrogatepass") + b"\n")
    return (there + cut).count(b"\n") + 1


def read_log(run: RunDir) -> list[Edit]:
    """Every edit that was written down, the oldest first; a line that is damaged is one that cannot be undone."""
    path = run.path(FILE)
    if not path.exists():
        return []
    lines = path.read_bytes().decode("utf-8", "surrogatepass").split("\n")
    return [_read(number, line) for number, line in enumerate(lines, 1) if line.strip()]


def _read(number: int, text: str) -> Edit:
    try:
        line = json.loads(text)
        at, by, verb = (str(line[name]) for name in ("at", "by", "verb"))
    except (ValueError, TypeError, KeyError):
        return Edit(number, "", "", "damaged", {}, {}, {}, whole=False)
    if "lineage" not in line:
        return Edit(number, at, by, verb, {}, {}, {}, whole=False)
    return Edit(number, at, by, verb, line["before"], line["after"], line["lineage"], line.get("file"),
                line.get("undoes"))  # fmt: skip


def undone_by(edits: Sequence[Edit]) -> dict[int, int]:
    """Number of each edit that is undone -> number of the edit that undid it; an undo can itself be undone."""
    found: dict[int, int] = {}
    for edit in reversed(edits):
        if edit.undoes is not None and edit.number not in found:
            found.setdefault(edit.undoes, edit.number)
    return found


def root_of(edit: Edit, edits: Sequence[Edit]) -> tuple[Edit, bool]:
    """The edit that an undo is about in the end, and whether that holds after it: an undo of an undo makes it again."""
    known = {e.number: e for e in edits}
    holds = True
    while edit.undoes in known:
        edit, holds = known[edit.undoes], not holds
    return edit, holds


def newest(edits: Sequence[Edit]) -> Edit | None:
    """The newest edit of a verb that is not undone yet; an undo is none of them."""
    gone = undone_by(edits)
    return next((e for e in reversed(edits) if e.verb != "undo" and e.number not in gone and e.whole), None)


def refuse_undo(run: RunDir, edit: Edit, edits: Sequence[Edit], present: Facts) -> None:
    """Refuse to take back what is taken back already, what is not known well enough, or what was changed again since.

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
    if edit.number in gone:
        raise InputError(f"{name} is undone already, by edit {gone[edit.number]}: kgkt undo {gone[edit.number]} makes "
                         "it again")  # fmt: skip
    if not edit.whole:
        raise InputError(f"{name} cannot be undone: an earlier kgkt did not write down all that stood before it"
                         if edit.at else f"line {edit.number} of {run.path(FILE)} is damaged: it cannot be undone")
    _refuse_other(run, edit, name)
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


def _refuse_other(run: RunDir, edit: Edit, name: str) -> None:
    """Refuse an edit of concepts or items that are others now."""
    today = lineage(run)
    concepts = any(kind != "items" for kind in edit.after)
    if concepts and edit.lineage.get("concepts") != today["concepts"]:
        raise InputError(f"{name} cannot be undone: the concepts were made anew since, and have other numbers. "
                         "kgkt name, switch and merge (--apart) change them as they are now")  # fmt: skip
    if "items" in edit.after and edit.lineage.get("items") != today["items"]:
        raise InputError(f"{name} cannot be undone: items have other ids since the pool changed. kgkt label ITEM=CLASS "
                         "labels them as they are now")  # fmt: skip


def _by(edit: Edit | None) -> str:
    if edit is None:
        return "which no verb of kgkt did (an edit in Cypher, or a populate that lost it)"
    return f"by edit {edit.number} ({edit.verb}): undo that first"


def in_words(kind: str, one: str, said: Any) -> str:
    """A fact for a person."""
    if kind == "items":
        words = [*said["labels"], *(f"not {name}" for name in said["ticks"])]
        return f"{one} is {' and '.join(words)}" if words else f"{one} has no label"
    what = f"concept {one}"
    if kind == "names":
        return f"{what} has no name" if said is None else f"{what} is called {said!r}"
    if said is None:
        return f"{what} is not there any more"
    if kind == "merged":
        return f"{what} is merged into {' and '.join(map(str, said))}" if said else f"{what} stands by itself"
    return f"{what} is {'on' if said is True else 'off' if said is False else repr(said)}"


def describe(edit: Edit, edits: Sequence[Edit] = ()) -> str:
    """What an edit did, for a list; `edits` are all of them."""
    if edit.undoes is not None:
        root, holds = root_of(edit, edits)
        return f"makes edit {root.number} again" if holds else f"takes back edit {root.number}"
    if not edit.whole:
        return "cannot be undone: damaged" if not edit.at else "cannot be undone: of an earlier kgkt"
    facts = list(edit.facts())
    if facts and facts[0][0] == "items" and (len(facts) > 1 or edit.file):
        return _labels_in_words(edit) + (f", {edit.file['path']}" if edit.file else "")
    if len(facts) > 1 and facts[0][0] == "active":
        numbers = [one for _, one in facts]
        on = edit.after["active"][numbers[0]] is True
        return f"{len(facts):,} concepts {'on' if on else 'off'}: {', '.join(numbers[:8])}" + ", …" * (len(facts) > 8)
    return ", ".join(in_words(*fact, edit.after[fact[0]][fact[1]]) + _was(edit, *fact) for fact in facts[:3])


def _was(edit: Edit, kind: str, one: str) -> str:
    """What stood there before, where that is worth a word."""
    before = edit.before[kind][one]
    if kind == "items":
        named = [*before["labels"], *(f"not {name}" for name in before["ticks"])]
    else:
        named = [repr(before)] if kind == "names" else []
    return f" (was {' and '.join(named)})" if named else ""


def _labels_in_words(edit: Edit) -> str:
    items = edit.after["items"]
    labels, ticks = (sum(len(said[what]) for said in items.values()) for what in ("labels", "ticks"))
    parts = [count(n, what) for n, what in ((labels, "label"), (ticks, "tick")) if n]
    changed = sum(bool(said["labels"]) and said["labels"].keys() != items[item]["labels"].keys()
                  for item, said in edit.before["items"].items())  # fmt: skip
    return ", ".join(parts) + (f", {changed:,} of them in place of another" if changed else "")
