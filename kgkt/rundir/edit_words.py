"""Edits and what the graph says, in words for a person."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kgkt.errors import count, in_place_of
from kgkt.rundir.edits import Edit, root_of
from kgkt.store.facts import Facts

FEW = 3  # facts that are told one by one
NUMBERS = 8  # of concepts that are shown


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
        return f"{len(facts):,} concepts {'on' if on else 'off'}: {_shown(numbers)}"
    return ", ".join(in_words(*fact, edit.after[fact[0]][fact[1]]) + _was(edit, *fact) for fact in facts[:FEW])


def again(facts: Facts) -> str:
    """What stands once more, after an undo; facts are those that it wrote.

    >>> again({"active": {"3": True}}), again({"items": {"i1": {"labels": {}, "ticks": {}}}})
    ('concept 3 is on again', 'i1 has no label again')
    """
    single = [(kind, one, now) for kind, said in facts.items() for one, now in said.items()]
    if len(single) <= FEW:
        return ", ".join(f"{in_words(*fact)} again" for fact in single)
    if items := facts.get("items"):
        bare = sum(not any(said.values()) for said in items.values())
        parts = [(bare, "no label again"), (len(items) - bare, "the labels and ticks of before again")]
        return ", ".join(f"{count(n, 'item')} {'has' if n == 1 else 'have'} {what}" for n, what in parts if n)
    ways: dict[str, list[str]] = {}
    for kind, one, now in single:
        ways.setdefault(in_words(kind, one, now).removeprefix(f"concept {one} "), []).append(one)
    return ", ".join(
        f"concept {numbers[0]} {what} again" if len(numbers) == 1 else
        f"{len(numbers):,} concepts {_of_many(what)} again: {_shown(numbers)}" for what, numbers in ways.items()
    )  # fmt: skip


def _of_many(what: str) -> str:
    """The words of one concept for several."""
    verb, _, rest = what.partition(" ")
    return f"{ {'is': 'are', 'has': 'have', 'stands': 'stand'}.get(verb, verb)} {rest}".replace("itself", "themselves")


def _shown(numbers: Sequence[str]) -> str:
    return ", ".join(numbers[:NUMBERS]) + ", …" * (len(numbers) > NUMBERS)


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
    return ", ".join(parts) + in_place_of(changed, labels)
