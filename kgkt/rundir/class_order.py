"""The order of B's outputs in the graph: fixed by what is told, and what is said aloud of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kgkt.errors import count
from kgkt.recipe import Recipe
from kgkt.rundir.current import CurrentGraph
from kgkt.rundir.folder import RunDir
from kgkt.rundir.state import Say

if TYPE_CHECKING:
    from kgkt.store.protocol import Store


def fix_classes(store: Store, run: RunDir, names: tuple[str, ...], model: str, say: Say) -> None:
    """Fix the order of the classes, and say which ones an order that was fixed before had more.

    Args:
        store: open for writing.
        run: of the graph.
        names: the order of B's outputs.
        model: B's name in the graph.
        say: takes notices.
    """
    from kgkt.store.labels import fix_order

    gone, stay = fix_order(store, run.graph, names, model)
    if gone:
        order = " ".join(names[:20]) + (" …" if len(names) > 20 else "")
        say(f"the order of the classes is now {order}, as you named it; no longer in it, as no label says so any more: "
            f"{', '.join(gone[:5])}")  # fmt: skip
    if stay:
        say(f"{', '.join(stay[:5])} stays a class of the graph behind these, though no label says so: another mapped B "
            "has an output for it, or you put it to use in Cypher. Name the order of this B each time "
            "(--target-classes), or give it a graph of its own (--graph)")  # fmt: skip


def longer_order(store: Store, run: RunDir, names: tuple[str, ...]) -> bool:
    """Whether the order that is fixed in the graph has classes that `names` leaves out."""
    from kgkt.store.labels import read_classes

    known, frozen, _ = read_classes(store, run.graph)
    return frozen and any(name not in names for name in known)


def tell_unlabelled(recipe: Recipe, current: CurrentGraph, say: Say) -> None:
    """Say which of the classes that the recipe names have neither a label nor a tick."""
    labels = current.labels
    spoken = {labels.names[i] for i in (*labels.classes.tolist(), *labels.tick_classes.tolist())}
    silent = [name for name in recipe.target.classes if name not in spoken]
    if silent:
        shown = ", ".join(silent[:5]) + (f" and {len(silent) - 5} more" if len(silent) > 5 else "")
        say(f"no label says {shown}: the order of the classes (--target-classes) names "
            f"{count(len(silent), 'class')} of which B is taught nothing")  # fmt: skip
