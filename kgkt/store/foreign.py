"""Other people's nodes in the database, and graphs of other run directories: what a load must leave alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kgkt.errors import InputError, StoreError, count
from kgkt.store.statements import load

if TYPE_CHECKING:
    from kgkt.store.protocol import Store

LABELS = ("Graph", "Model", "Concept", "Theme", "Item", "Class", "Block")


def foreign_nodes(store: Store, graph: str = "") -> dict[str, tuple[int, int]]:
    """Label -> how many of its nodes are not kgkt's, and how many of those have a key that `graph` would use."""
    rows = store.read(load("foreign", store.engine), {"graph": graph}).rows
    return {label: (nodes, clashes) for label, nodes, clashes in rows if nodes}


def admit(store: Store, graph: str, run: str, shared: bool) -> None:
    """Refuse to load a graph where that would harm what is not its own.

    Args:
        store: open; nothing is written.
        graph: name of the graph to load.
        run: identity of the run directory it comes from.
        shared: other people's nodes with kgkt's labels are known of, and none of kgkt's business.

    Raises:
        InputError: the database has a graph of that name from another run directory.
        StoreError: it holds other people's nodes with kgkt's labels.
    """
    from kgkt.store.readback import list_graphs

    for info in list_graphs(store):
        if info.get("graph") == graph:
            if info.get("run") not in (None, run):
                raise InputError(
                    f"the database holds a graph {graph} that was made from another run directory: name this one "
                    f"differently (--graph), say where that directory is (--dir), or kgkt graphs drop {graph} first")
            return
    foreign = foreign_nodes(store, graph)
    clashes = sum(clashes for _, clashes in foreign.values())
    if clashes:
        raise StoreError(f"the database holds {count(clashes, 'node')} of other people with keys like those of graph "
                         f"{graph}: name the graph differently (--graph)")
    if foreign and not shared:
        counts = ", ".join(f"{nodes:,} {label}" for label, (nodes, _) in foreign.items())
        raise StoreError(f"the database holds nodes that are not kgkt's ({counts}): use another database, or --shared "
                         "to go on and touch none of them")
