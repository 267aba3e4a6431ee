"""Populate again without losing what people said: saved to carry.json first, put back into the new graph."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from kgkt.concepts.cluster import nearest_concept
from kgkt.concepts.edges import bridge_edges, centroid_cosines
from kgkt.concepts.merge import end_of
from kgkt.errors import InputError
from kgkt.files import read_json, write_json
from kgkt.recipe import Recipe, StoreSettings
from kgkt.rundir.derived import read_written
from kgkt.rundir.folder import RunDir
from kgkt.rundir.graph_files import BEFORE, Before, drop_files, keep_files, read_before
from kgkt.rundir.row_carry import RowStrength, deleted_strengths, place_rows, row_strengths
from kgkt.rundir.state import Say, moves, store_database, store_url
from kgkt.store.labels import LabelRecord
from kgkt.store.opening import embedded_path
from kgkt.values import ConceptGraph

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scipy.sparse import csr_matrix

    from kgkt.store.protocol import Store

SAME = 0.5  # Jaccard overlap of members from which a new concept counts as an old one
FILE = "carry.json"
WAITING = "strengths"  # key of run.json: edited strengths of the graph before, until B is mapped again
Strength = tuple[int, str, str, int, float]  # concept, model B, layer, index of the block, strength as it was set


@dataclass(slots=True)
class Carried:
    """What follows into the new graph.

    Args:
        labels, ticks: (item_id, class, by, at).
        classes: class names in their old order, and whether that order was frozen.
        names: new concept number -> the name a person gave.
        off: numbers of the new concepts that stay switched off.
        strengths: edits of MAPS_TO as `Strength`, for the next map; `rows`, those to rows of an Embedding.
        merged: (a, b) new concepts, of which people counted the first as a part of the second.
        edges: (a, b, weight) between new concepts, as people set them; a deleted edge has weight 0.
        lost: a line for each thing that found no place.
    """

    labels: list[LabelRecord] = field(default_factory=list)
    ticks: list[LabelRecord] = field(default_factory=list)
    classes: list[str] = field(default_factory=list)
    frozen: bool = False
    names: dict[int, str] = field(default_factory=dict)
    off: list[int] = field(default_factory=list)
    strengths: list[Strength] = field(default_factory=list)
    rows: list[RowStrength] = field(default_factory=list)
    merged: list[tuple[int, int]] = field(default_factory=list)
    edges: list[tuple[int, int, dict[str, float]]] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)

    def in_words(self) -> str:
        """What follows, counted; "" where there is nothing."""
        parts = ((len(self.labels), "labels"), (len(self.ticks), "ticks"), (len(self.names), "names"),
                 (len(self.off), "switches"), (len(self.merged), "merges"), (len(self.edges), "edges"),
                 (len(self.strengths) + len(self.rows), "strengths"))  # fmt: skip
        return ", ".join(f"{n} {what if n != 1 else what.removesuffix('s') if what != 'switches' else 'switch'}"
                         for n, what in parts if n)  # fmt: skip


def save_edits(recipe: Recipe, run: RunDir, store: Store) -> tuple[dict[str, Any], Before | None]:
    """What people said in the graph that stands now, written to carry.json, and that graph; a file left there is kept.

    A file left there means that an earlier populate was interrupted: the graph and its files may be half rebuilt, so
    carry.json, and the folder of files beside it, are the truth.

    Args:
        recipe, run: of the graph.
        store: where it is written to; it may be moving there from another one.
    """
    path = run.path(FILE)
    interrupted = path.exists()
    if interrupted or moves(recipe, run):
        people, before = edits_before(recipe, run)
    else:
        people, before = read_people(store, run)
    if people and not interrupted:
        keep_files(run)
        write_json(path, people)  # last: where it is, the files are
    return people, before


def edits_before(recipe: Recipe, run: RunDir) -> tuple[dict[str, Any], Before | None]:
    """What people said in the graph as the last whole populate left it, and that graph, read where it lies now."""
    from kgkt.store.opening import open_store

    if run.path(FILE).exists():
        people = read_json(run.path(FILE))
        return people, read_before(run.path(BEFORE), people.get("populate"))
    lies = dataclasses.replace(recipe, store=StoreSettings()) if moves(recipe, run) else recipe
    url = store_url(lies, run)
    if (path := embedded_path(url)) is not None and not path.exists():
        return read_people(None, run)
    with open_store(url, database=store_database(lies, run)) as store:
        return read_people(store, run)


def read_people(store: Store | None, run: RunDir) -> tuple[dict[str, Any], Before | None]:
    """What people said in the graph that stands now ({} where there is none), and that graph.

    Args:
        store: that has the graph; None where it is gone.
        run: of the graph.

    Returns:
        What `read_edits` gives with "strengths", "rows" (those to rows), "members" (concept -> its items, for each one
        that people changed), "populate" (what run.json says of it) and "written" (as `read_written`); without its
        labels and edits where the database has not got it.
    """
    from kgkt.store.edits import read_edits

    done = run.state().get("stages", {}).get("populate")
    before = read_before(run.folder, done)
    if store is None or not _stands(store, run.graph):
        return {} if before is None else {"populate": done}, before
    people = read_edits(store, run.graph, None if before is None else generated(run, before))
    strengths, to_rows = edited_strengths(store, run.graph)
    people |= {"strengths": waiting(run) + strengths, "members": {}, "populate": done,
               "rows": row_strengths(to_rows, run, before, people),
               "written": read_written(store, run.graph)}  # fmt: skip
    if before is None:
        return people, None
    # a concept that no item was left in is inactive by itself: nobody switched it off
    people["switched_off"] = [n for n in people["switched_off"] if n >= len(before) or not before.emptied[n]]
    people["rows"] += deleted_strengths(store, run, before, people)
    nearest = nearest_concept(before.memberships)
    edited = {int(n) for n in people["names"]} | set(people["switched_off"]) | set(people["deleted"])
    edited |= {entry[0] for entry in (*people["strengths"], *people["rows"]) if entry[0] is not None}
    edited |= {n for a, b, _ in people["edges"] for n in (a, b)} | {n for pair in people["merged"] for n in pair}
    people["members"] = {str(n): before.ids[nearest == n].tolist() for n in sorted(edited)}
    return people, before


def forget_label_files(run: RunDir, say: Say) -> None:
    """The graph that label files were read into is gone: let them be read again."""
    state = run.state()
    if state.pop("label_files", None):
        say("the graph was not in the database any more: what people said is gone with it; label files are read again")
        run.write_state(state)


def let_go(run: RunDir) -> None:
    """The new graph stands and is written down: what was saved of the one before is not needed any more."""
    run.path(FILE).unlink(missing_ok=True)
    drop_files(run)


def edited_strengths(store: Store, graph: str) -> tuple[list[Strength], list[dict[str, Any]]]:
    """The strengths that differ from their plan, in the graph that stands; those to rows as `row_strengths` takes them.

    Raises:
        InputError: one that is no number.
    """
    from kgkt.store.readback import rows

    found, to_rows = [], []
    for row in rows(store, "edited_strengths", graph=graph):
        concept, block, value = str(row["key"]).rsplit("/", 1)[-1], f"{row['layer']} {row['index']}", row["strength"]
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise InputError(f"the strength of concept {concept} to {block} is {value!r}: set a number from 0 up")
        if row["kind"] == "row":
            to_rows.append({**row, "number": int(concept)})
        else:
            found.append((int(concept), row["model"], row["layer"], row["index"], float(value)))
    return found, to_rows


def waiting(run: RunDir) -> list[Strength]:
    """The edited strengths of an earlier graph that the next map takes over."""
    return [tuple(entry) for entry in run.state().get(WAITING, [])]


def let_wait(run: RunDir, strengths: list[Strength]) -> None:
    """Keep these strengths, and no others, for the next map."""
    if strengths != waiting(run):
        run.write_state({**run.state(), WAITING: strengths})


def _stands(store: Store, graph: str) -> bool:
    """Whether the store holds that graph whole: of a half-made one nothing can be said that people said."""
    from kgkt.store.readback import list_graphs

    return any(info.get("graph") == graph and info.get("complete") is True for info in list_graphs(store))


def generated(run: RunDir, before: Before) -> ConceptGraph:
    """The concepts and edges as populate made them."""
    import numpy as np

    k = len(before)
    edges, weights = bridge_edges(before.memberships)
    keys = np.array([f"{run.graph}/concept/{n}" for n in range(k)], object)
    return ConceptGraph(
        keys, keys, before.centroids, before.sizes, np.ones(k, bool), edges, weights,
        centroid_cosines(before.centroids, edges), np.zeros(k, int),
    )  # fmt: skip


def place(people: dict[str, Any], rows: Mapping[str, int], ids: list[str], Z: csr_matrix, grown: int) -> Carried:
    """Find where in the new graph each thing said belongs.

    Args:
        people: what `save_edits` returned.
        rows: item id as people knew it -> row of the item in the new pool.
        ids: the n item ids of the new pool.
        Z: (n, k) new memberships.
        grown: how many concepts keep their number, because the graph grew from theirs; else 0.
    """
    carried = Carried(classes=list(people.get("classes", [])), frozen=bool(people.get("frozen")))
    for what, kept in (("labels", carried.labels), ("ticks", carried.ticks)):
        for record in people.get(what, []):
            if record["item_id"] in rows:
                item = ids[rows[record["item_id"]]]
                kept.append((item, record["class"], record["by"] or "", record["at"] or ""))
            else:
                carried.lost.append(f"{what[:-1]} {record['item_id']}={record['class']}: the item left the pool")
    _place_concepts(people, _places(people, rows, Z, grown), carried)
    return carried


def _places(people: dict[str, Any], rows: Mapping[str, int], Z: csr_matrix, grown: int) -> dict[int, int]:
    """The new number of each concept that people changed; one without a successor has none."""
    if grown:
        return {n: n for n in range(grown)}
    found = {int(n): _successor(members, rows, Z) for n, members in people.get("members", {}).items()}
    return {n: new for n, new in found.items() if new is not None}


def _place_concepts(people: dict[str, Any], places: Mapping[int, int], carried: Carried) -> None:
    """Names, switches, strengths and edges to the concepts that come after those they were given to."""
    homeless = "no new concept holds half of its items"
    for number, name in people.get("names", {}).items():
        if (new := places.get(int(number))) is None:
            carried.lost.append(f"name {name!r} of concept {number}: {homeless}")
        else:
            carried.names[new] = name
    for number in (*people.get("switched_off", []), *people.get("deleted", [])):
        if (new := places.get(number)) is None:
            carried.lost.append(f"concept {number} was switched off: {homeless}")
        elif new not in carried.off:
            carried.off.append(new)
    for a, b in people.get("merged", []):
        new_a, new_b = places.get(a), places.get(b)
        if new_a is None or new_b is None:
            carried.lost.append(f"concept {a} was merged into {b}: {homeless}")
        elif new_a in dict(carried.merged) or end_of(dict(carried.merged), new_b) == new_a:
            if new_a != new_b:  # else they have become one by themselves
                carried.lost.append(f"concept {a} was merged into {b}: what came after it is merged already")
        else:
            carried.merged.append((new_a, new_b))
    for number, model, layer, index, strength in people.get("strengths", []):
        if (new := places.get(number)) is None:
            carried.lost.append(f"strength {strength:g} of concept {number} to {layer} {index}: {homeless}")
        else:
            carried.strengths.append((new, model, layer, index, strength))
    carried.rows, lost = place_rows(people.get("rows", []), places)
    carried.lost += lost
    for a, b, weight in people.get("edges", []):
        new_a, new_b = places.get(a), places.get(b)
        if new_a is None or new_b is None or new_a == new_b:
            carried.lost.append(f"edge between concepts {a} and {b}: {homeless}")
        else:
            carried.edges.append((new_a, new_b, {"weight": weight or 0.0, "cosine": 0.0}))


def _successor(members: list[str], rows: Mapping[str, int], Z: csr_matrix) -> int | None:
    """The new concept that overlaps most with `members`, if at least half (Jaccard)."""
    import numpy as np

    nearest = nearest_concept(Z)
    counts = np.bincount(nearest[[rows[m] for m in members if m in rows]], minlength=Z.shape[1])
    jaccard = counts / np.maximum(len(members) + np.bincount(nearest, minlength=Z.shape[1]) - counts, 1)
    best = int(jaccard.argmax())
    return best if jaccard[best] >= SAME else None
