"""What people said of single items and concepts, as plain JSON values: read around an edit, written by an undo.

Facts are of four kinds, each a mapping by what it is said of:

    {"items": {item_id: {"labels": {class: [by, at]}, "ticks": {class: [by, at]}}},
     "names": {number: name}, "active": {number: whether it is on}, "merged": {number: [the one it is merged into]}}

The number of a concept is a text there, as JSON has it. A concept that is not in the database (any more) has no name
and no switch: both are None.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from kgkt.errors import InputError, nearest
from kgkt.store.edits import merged_pairs
from kgkt.store.keys import key, number
from kgkt.store.labels import delete_labels, read_label_records
from kgkt.store.load import set_merged, write, write_classes, write_items
from kgkt.store.protocol import Store
from kgkt.store.readback import called, read_info, rows

Facts = Mapping[str, Mapping[str, Any]]

FEW = 5  # concepts that are named in an error
OF_CONCEPTS = ("names", "active", "merged")
MADE = {"key", "graph", "name", "item_id", "uri", "text"}  # properties of an item that kgkt gives it


def read_facts(store: Store, graph: str, about: Mapping[str, Iterable[str]]) -> dict[str, dict[str, Any]]:
    """What the graph says now of what is asked about.

    Args:
        about: kind -> item ids, or numbers of concepts.
    """
    found: dict[str, dict[str, Any]] = {}
    if "items" in about:
        found["items"] = {item: {"labels": {}, "ticks": {}} for item in about["items"]}
        for what, records in zip(("labels", "ticks"), read_label_records(store, graph), strict=True):
            for record in records:
                if record["item_id"] in found["items"]:
                    said = [str(record[part] or "") for part in ("by", "at")]
                    found["items"][record["item_id"]][what][record["class"]] = said
    columns = {kind: column for kind, column in (("names", "name"), ("active", "active")) if kind in about}
    there = read_concepts(store, graph) if columns else {}
    for kind, column in columns.items():
        found[kind] = {n: there.get(int(n), {}).get(column) for n in about[kind]}
    if "merged" in about:
        pairs = merged_pairs(store, graph)
        found["merged"] = {n: sorted(b for a, b in pairs if str(a) == n) for n in about["merged"]}
    return found


def write_facts(store: Store, graph: str, facts: Facts) -> None:
    """Make the graph say these facts, whatever it says now of the same items and concepts.

    An item that nothing is said of any more goes, where it is no example and holds nothing that people put there.
    """
    if facts.get("items"):
        _write_items(store, graph, facts["items"])
    write(store, "set_concept_name", (
        {"key": key(graph, "concept", n), "name": name} for n, name in facts.get("names", {}).items()))
    write(store, "set_concept_active", (
        {"key": key(graph, "concept", n), "active": on} for n, on in facts.get("active", {}).items()))
    merged = facts.get("merged", {})
    write(store, "delete_merged_into", ({"key": key(graph, "concept", n)} for n in merged))
    set_merged(store, graph, ((int(n), b) for n, ends in merged.items() for b in ends))


def _write_items(store: Store, graph: str, items: Mapping[str, Any]) -> None:
    now = read_facts(store, graph, {"items": list(items)})["items"]
    write(store, "delete_labels_of_items", ({"item": key(graph, "item", item)} for item in items))
    delete_labels(store, graph, ticks=[(item, name) for item, said in now.items() for name in said["ticks"]])
    said = {what: [(item, name, *record) for item in items for name, record in items[item][what].items()]
            for what in ("labels", "ticks")}  # fmt: skip
    spoken = [record for records in said.values() for record in records]
    write_items(store, graph, ({"item_id": item} for item in dict.fromkeys(record[0] for record in spoken)))
    write_classes(store, graph, (record[1] for record in spoken))
    for what, statement in (("labels", "write_labelled"), ("ticks", "write_labelled_not")):
        write(store, statement, (
            {"a": key(graph, "item", item), "b": key(graph, "class", name), "props": {"by": by, "at": at}}
            for item, name, by, at in said[what]))  # fmt: skip
    silent = {key(graph, "item", item) for item, words in items.items() if not any(words.values())}
    if silent:
        gone = [row["key"] for row in rows(store, "lone_items", graph=graph)
                if row["key"] in silent and not set(row["properties"]) - MADE]  # fmt: skip
        write(store, "delete_items", ({"key": k} for k in gone))


def classes_in(facts: Facts) -> set[str]:
    """The classes that facts of items name."""
    return {name for said in facts.get("items", {}).values() for records in said.values() for name in records}


def read_concepts(store: Store, graph: str) -> dict[int, dict[str, Any]]:
    """The concepts that populate made, by number: {key, name, auto_name, size, active}, as the database has them."""
    k = int(read_info(store, graph)["n_concepts"])
    found: dict[int, dict[str, Any]] = {}
    for row in rows(store, "read_concepts", graph=graph):
        n = number(row["key"], graph, "concept")
        if n is not None and n < k:
            found.setdefault(n, row)
    return found


def as_number(said: str, graph: str) -> int | None:
    """The number of a concept that a text is (7 or c007), or that the key in it holds; None where it is neither."""
    short = re.fullmatch(r"c?([0-9]{1,9})", said)
    return int(short[1]) if short else number(said, graph, "concept")


def find_concept(there: Mapping[int, Mapping[str, Any]], graph: str, said: str) -> int:
    """The number of the concept that a person means: by number (7 or c007), by key, or by its name.

    What could be the number of one concept and the name of another is refused. Digits that begin with 0 are a name
    where a concept is called so: the number of a concept is written 7 or c007.

    Args:
        there: what `read_concepts` gives.
        graph: its name.
        said: what the person wrote.

    Raises:
        InputError: none, with the nearest names; or several, with what to write for each.
    """
    named = [n for n, row in there.items() if called(row) == said]
    by_number = as_number(said, graph)
    if named and re.fullmatch("0[0-9]+", said):
        by_number = None
    meant = sorted({*named, *(n for n in there if n == by_number)})
    if len(meant) == 1:
        return meant[0]
    if meant:
        raise InputError(_ambiguous(there, graph, said, meant, by_number))
    if by_number is not None:
        raise InputError(f"no concept {said} in graph {graph}: it has the numbers {min(there)} to {max(there)}"
                         if there else f"no concept {said}: graph {graph} has none")  # fmt: skip
    names = sorted({called(row) for row in there.values()})
    raise InputError(f"no concept {said!r} in graph {graph}{nearest(said, names)}")


def _ambiguous(
    there: Mapping[int, Mapping[str, Any]], graph: str, said: str, meant: list[int], by_number: int | None
) -> str:
    """What several concepts that could be meant are, and how to say each."""
    names = {called(row) for row in there.values()}

    def sure(n: int) -> str:
        short = f"c{n:03d}"
        return key(graph, "concept", n) if short in names else short

    named = [n for n in meant if n != by_number or called(there[n]) == said]
    others = f"the name of concept{'s' if len(named) > 1 else ''} {', '.join(map(str, named[:FEW]))}"
    others += f" and {len(named) - FEW:,} more" if len(named) > FEW else ""
    if by_number not in meant:
        return f"{said!r} is {others}; write {' or '.join(map(sure, named[:FEW]))}"
    first = [by_number, *(n for n in named if n != by_number)]
    return (f"{said!r} is the number of concept {by_number} ({called(there[by_number])!r}) and {others}; write "
            f"{' or '.join(map(sure, first[:FEW]))}")  # fmt: skip
