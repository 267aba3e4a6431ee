"""What people say, written into the store and read back with checks: labels, ticks, classes, names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from kgkt.errors import InputError
from kgkt.store.keys import key, natural
from kgkt.store.load import freeze_classes, write, write_classes, write_examples, write_items
from kgkt.store.protocol import Store
from kgkt.store.readback import rows

if TYPE_CHECKING:
    import numpy as np

    from kgkt.values import Labels

OWN = {"key", "graph", "name"}  # properties of a class as `write_classes` makes it, without a place in the order
LabelRecord = tuple[str, str, str, str]  # item_id, class name, by whom, when (ISO 8601)


def write_labels(
    store: Store,
    graph: str,
    labels: Sequence[LabelRecord],
    ticks: Sequence[LabelRecord] = (),
    items: Iterable[Mapping[str, Any]] = (),
    examples: Iterable[tuple[str, int, float]] = (),
) -> None:
    """Label and tick items; a new word on an item takes the place of what contradicts it.

    A label takes the place of the item's label and of its tick of that class; a tick takes the place of
    the item's label of that class.

    Args:
        store: open for writing.
        graph: name of the graph.
        labels: (item_id, class name, by, at).
        ticks: the same, for "what is like this is not that class".
        items: {item_id, uri, text} of items that may not be in the graph yet.
        examples: (item_id, concept number, strength): the concepts that these items belong to.

    Raises:
        InputError: an empty class name, an item twice with two classes, or a label and a tick of one class.
    """
    _check(labels, ticks)
    bare = dict.fromkeys(record[0] for record in (*labels, *ticks))
    write_items(store, graph, ({"item_id": item_id} for item_id in bare))
    write_items(store, graph, items)
    write_examples(store, graph, examples)
    write_classes(store, graph, (record[1] for record in (*labels, *ticks)))
    write(store, "delete_labels_of_items", ({"item": key(graph, "item", record[0])} for record in labels))
    delete_labels(store, graph, labels=[record[:2] for record in ticks], ticks=[record[:2] for record in labels])
    for statement, part in (("write_labelled", labels), ("write_labelled_not", ticks)):
        write(store, statement, (
            {"a": key(graph, "item", item), "b": key(graph, "class", name), "props": {"by": by, "at": at}}
            for item, name, by, at in part))


def delete_labels(
    store: Store,
    graph: str,
    labels: Iterable[Sequence[str]] = (),
    ticks: Iterable[Sequence[str]] = (),
) -> None:
    """Take labels and ticks away, each given as (item_id, class name); what is not there is passed over."""
    for statement, part in (("delete_labels", labels), ("delete_ticks", ticks)):
        write(store, statement, ({"item": key(graph, "item", item), "class": name} for item, name in part))


def forget_classes(store: Store, graph: str, names: Iterable[str]) -> list[str]:
    """Delete those of the classes that nothing in the graph names any more; returns their names, sorted.

    One stays that has a label, a tick or a place in the order of B's outputs. So does one that a person made in Cypher
    or put to use there: it has no key of kgkt's, or a property or a relationship that kgkt gives to no class.
    """
    asked = {key(graph, "class", name): name for name in names}
    tied = {row["key"] for row in rows(store, "class_ties", graph=graph) if row["type"] != "LEANS_TO"}
    gone = [row["key"] for row in rows(store, "class_properties", graph=graph)
            if row["key"] in asked and row["key"] not in tied and not set(row["properties"]) - OWN]
    write(store, "delete_classes", ({"key": k} for k in gone))
    return sorted((asked[k] for k in gone), key=natural)


def fix_order(store: Store, graph: str, names: Sequence[str], model: str = "") -> tuple[list[str], list[str]]:
    """Fix the order of the classes in place of one that may have named more: place i of B's outputs is `names[i]`.

    A class that is left out loses its place, and goes if nothing names it any more. Those stay, behind the others, for
    which another mapped model has a slot, and those with a label or a tick.

    Args:
        store: open for writing.
        graph: name of the graph.
        names: the order.
        model: the mapped model that it is of, whose slots are as many.

    Returns:
        The classes that are gone, and those that were left out and stay.
    """
    known, _, _ = read_classes(store, graph)
    others = [name for name in known if name not in names]
    if not others:
        freeze_classes(store, graph, names)
        return [], []
    used = {row["name"] for row in rows(store, "class_slots", graph=graph) if row["model"] != model}
    used |= {record["class"] for part in read_label_records(store, graph) for record in part}
    needed = [name for name in others if name in used]
    out = [name for name in others if name not in needed]
    write(store, "clear_class_index", ({"graph": graph, "name": name} for name in out))
    freeze_classes(store, graph, (*names, *needed))
    gone = forget_classes(store, graph, out)
    return gone, [name for name in others if name not in gone]


def _check(labels: Sequence[LabelRecord], ticks: Sequence[LabelRecord]) -> None:
    given: dict[str, str] = {}
    for item, name, *_ in labels:
        if given.setdefault(item, name) != name:
            raise InputError(f"item {item} is labelled {given[item]} and {name}: give it one class")
    for item, name, *_ in (*labels, *ticks):
        if not name.strip():
            raise InputError(f"item {item} has an empty class name: name the class")
    for item, name, *_ in ticks:
        if given.get(item) == name:
            raise InputError(f"item {item} is labelled {name} and ticked as not {name}: choose one")


def read_classes(store: Store, graph: str) -> tuple[tuple[str, ...], bool, list[str]]:
    """Class names in the order of B's outputs, whether that order is frozen, and notices.

    Frozen classes come first, by their place; the others follow in natural order.

    Raises:
        InputError: two classes at one place, a place without a class, a class without a name.
    """
    places: dict[str, int | None] = {}
    notices: list[str] = []
    for row in rows(store, "read_classes", graph=graph):
        name = _class_name(row["name"], row["key"], graph)
        if row["key"] != key(graph, "class", name) and name not in places:
            notices.append(f"class {name} has no key of its own: matched by its name")
        if places.get(name) is None:
            places[name] = row["index"]
        elif row["index"] not in (None, places[name]):
            raise InputError(f"class {name} stands at places {places[name]} and {row['index']}: keep one index")
    return *_order(places), notices


def _order(places: Mapping[str, int | None]) -> tuple[tuple[str, ...], bool]:
    frozen = sorted((index, name) for name, index in places.items() if index is not None)
    for expected, (index, name) in enumerate(frozen):
        if index != expected:
            before = frozen[expected - 1][1] if expected else ""
            reason = f"classes {before} and {name} share place {index}" if expected and index == expected - 1 else (
                f"no class stands at place {expected}, and {name} stands at {index}")
            raise InputError(f"the order of the classes is broken: {reason}. Set Class.index to 0, 1, 2, …")
    names = [name for _, name in frozen] + sorted((n for n, i in places.items() if i is None), key=natural)
    return tuple(names), bool(frozen)


def read_label_records(store: Store, graph: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Labels and ticks as {item_id, class, by, at}, by item and class.

    Raises:
        InputError: a label of an item that has no item_id, or of another graph's class.
    """
    return tuple([_record(row, graph) for row in sorted(  # type: ignore[return-value]
        rows(store, statement, graph=graph), key=lambda row: (str(row["item_id"]), str(row["class"])))]
        for statement in ("read_labels", "read_ticks"))


def _record(row: Mapping[str, Any], graph: str) -> dict[str, Any]:
    item = row["item_id"] if row["item_id"] is not None else str(row["key"]).removeprefix(key(graph, "item", ""))
    if row["class_graph"] not in (None, graph):
        raise InputError(f"item {item} is labelled with class {row['class']} of graph {row['class_graph']}: "
                         f"use a class of {graph}")
    return {"item_id": str(item), "class": _class_name(row["class"], row["class_key"], graph),
            "by": row["by"], "at": row["at"]}


def read_labels(store: Store, graph: str, ids: np.ndarray) -> tuple[Labels, list[str]]:
    """The labels and ticks of a graph over the items `ids` (n,), and notices.

    Raises:
        InputError: an item with two labels, with a label and a tick of one class, or not in the pool.
    """
    from kgkt.values import Labels

    names, _, notices = read_classes(store, graph)
    labels, ticks = read_label_records(store, graph)
    names += tuple(sorted({s["class"] for s in (*labels, *ticks)} - set(names), key=natural))
    given: dict[str, str] = {}
    for record in labels:
        item, name = record["item_id"], record["class"]
        if given.setdefault(item, name) != name:
            raise InputError(f"item {item} has two labels, {given[item]} and {name}: delete one")
    for record in ticks:
        if given.get(record["item_id"]) == record["class"]:
            raise InputError(f"item {record['item_id']} is labelled {record['class']} and ticked as not "
                             f"{record['class']}: delete one")
    denied = dict.fromkeys((s["item_id"], s["class"]) for s in ticks)
    spoken = {*given, *(item for item, _ in denied)}
    place = {item: i for i, item in enumerate(ids.tolist()) if item in spoken}
    index = {name: i for i, name in enumerate(names)}
    for item in (*given, *(item for item, _ in denied)):
        if item not in place:
            raise InputError(f"item {item} is labelled but not in the pool: take the label away, or populate "
                             "with the data that holds it")
    value = Labels(
        items=[place[item] for item in given], classes=[index[name] for name in given.values()],  # type: ignore[arg-type]
        names=names,
        tick_items=[place[item] for item, _ in denied],  # type: ignore[arg-type]
        tick_classes=[index[name] for _, name in denied])  # type: ignore[arg-type]
    return value, notices


def _class_name(name: Any, class_key: Any, graph: str) -> str:
    prefix = key(graph, "class", "")
    if name is None and isinstance(class_key, str) and class_key.startswith(prefix):
        name = class_key.removeprefix(prefix)
    if name is None or not str(name).strip():
        raise InputError(f"a class of graph {graph} has no name: set its name, or delete it")
    return str(name)
