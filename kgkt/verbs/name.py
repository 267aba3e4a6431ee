"""name: what people call a concept."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

from kgkt.errors import InputError, UsageError, count
from kgkt.recipe import Recipe
from kgkt.rundir.current import open_graph_store, own_info
from kgkt.rundir.edits import make_edit
from kgkt.rundir.state import Say, open_run


@dataclass(frozen=True, slots=True)
class Named:
    """What `name` wrote.

    Args:
        concept: its number; `key`, its key.
        name: that it has now, and the one that it had.
        was: the one that it had.
        edit: number of the edit, which `undo` takes; None where it was called so already.
    """

    concept: int
    key: str
    name: str
    was: str | None
    edit: int | None


def name(recipe: Recipe, say: Say, concept: str, new: str | None = None, reset: bool = False) -> Named:
    """Give a concept another name; it teaches nothing, so no stage becomes stale.

    Args:
        recipe: of the graph.
        say: takes notices.
        concept: its number, its key, or the name that it has, if no other concept has it.
        new: its new name.
        reset: in place of `new`: the name that populate gave it.

    Raises:
        UsageError: neither a name nor `reset`, or both.
        InputError: no such concept (with the nearest names), several, or a name that is empty or a
            concept's number.
    """
    from kgkt.store.facts import as_number, find_concept, read_concepts, write_facts
    from kgkt.store.readback import called

    if (new is None) != reset:
        raise UsageError('give the new name (kgkt name 17 "loops"), or --reset for the one that populate gave')
    if new is not None and not new.strip():
        raise InputError("the name is empty: give at least one letter, or --reset for the name that populate gave")
    run = open_run(recipe)
    with open_graph_store(recipe, run, write=True) as store:
        own_info(store, run)
        there = read_concepts(store, run.graph)
        number = find_concept(there, run.graph, concept)
        row = there[number]
        to = row["auto_name"] if new is None else new
        if to is None:
            raise InputError(f"concept {number} has no name that populate gave: give it one")
        other = None if new is None else as_number(_plain_digits(new.strip()), run.graph)
        if other in there:
            raise InputError(f"{to!r} is how concept {other} is called by its number: give a name that is none, as "
                             f"'the {to}'")  # fmt: skip
        same = [n for n, one in there.items() if n != number and called(one) == to]
        if same:
            say(f"{count(len(same), 'other concept')} {'is' if len(same) == 1 else 'are'} called {to!r} too: "
                f"{', '.join(map(str, same[:5]))}")  # fmt: skip
        if row["name"] == to:
            return Named(number, row["key"], to, to, None)
        about = {"names": [str(number)]}
        edit, _ = make_edit(
            store, run, "name", about, lambda: write_facts(store, run.graph, {"names": {str(number): to}}))
    return Named(number, row["key"], to, row["name"], edit)


def _plain_digits(text: str) -> str:
    """The text with the digits of every script as 0 to 9: what reads as a number is one."""
    return "".join(str(unicodedata.decimal(sign, sign)) for sign in unicodedata.normalize("NFKC", text))
