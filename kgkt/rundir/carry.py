"""Populate again without losing what people said: saved to carry.json first, put back into the new graph."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from kgkt.concepts.cluster import nearest_concept
from kgkt.concepts.edges import bridge_edges, centroid_cosines
from kgkt.errors import InputError
from kgkt.files import load_arrays, read_json, write_json
from kgkt.rundir.folder import RunDir, load_memberships
from kgkt.store.labels import LabelRecord
from kgkt.values import ConceptGraph

if TYPE_CHECKING:
    import numpy as np
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
        strengths: edits of MAPS_TO as `Strength`, for the next map.
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
    edges: list[tuple[int, int, dict[str, float]]] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)

    def in_words(self) -> str:
        """What follows, counted; "" where there is nothing."""
        parts = ((len(self.labels), "labels"), (len(self.ticks), "ticks"), (len(self.names), "names"),
                 (len(self.off), "switches"), (len(self.edges), "edges"),
                 (len(self.strengths), "strengths"))  # fmt: skip
        return ", ".join(f"{n} {what if n != 1 else what.removesuffix('s') if what != 'switches' else 'switch'}"
                         for n, what in parts if n)  # fmt: skip


def save_edits(store: Store, run: RunDir) -> dict[str, Any]:
    """What people said in the graph that stands now, written to carry.json; a file left there is kept.

    A file left there means that an earlier populate was interrupted: the graph may be half rebuilt, so
    the file is the truth.
    """
    from kgkt.store.edits import read_edits

    path = run.path(FILE)
    if path.exists():
        return read_json(path)
    before = generated(run)
    if before is None or not _stands(store, run.graph):
        return {}
    graph, ids, Z = before
    people = read_edits(store, run.graph, graph)
    people["strengths"] = waiting(run) + edited_strengths(store, run.graph)
    nearest = nearest_concept(Z)
    edited = {int(n) for n in people["names"]} | set(people["switched_off"]) | set(people["deleted"])
    edited |= {entry[0] for entry in people["strengths"]}
    edited |= {n for a, b, _ in people["edges"] for n in (a, b)}
    people["members"] = {str(n): ids[nearest == n].tolist() for n in sorted(edited)}
    write_json(path, people)
    return people


def edited_strengths(store: Store, graph: str) -> list[Strength]:
    """The strengths that differ from their plan, in the graph that stands.

    Raises:
        InputError: one that is no number.
    """
    from kgkt.store.readback import rows

    found = []
    for row in rows(store, "edited_strengths", graph=graph):
        concept, block, value = str(row["key"]).rsplit("/", 1)[-1], f"{row['layer']} {row['index']}", row["strength"]
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise InputError(f"the strength of concept {concept} to {block} is {value!r}: set a number from 0 up")
        found.append((int(concept), row["model"], row["layer"], row["index"], float(value)))
    return found


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


def generated(run: RunDir) -> tuple[ConceptGraph, np.ndarray, csr_matrix] | None:
    """The graph as the last populate made it, its item ids and memberships; None before the first one."""
    import numpy as np

    if not (run.path("memberships.parquet").exists() and run.path("concepts.safetensors").exists()):
        return None
    ids, Z = load_memberships(run.path("memberships.parquet"))
    arrays, _ = load_arrays(run.path("concepts.safetensors"))
    centroids, k = arrays["centroids"], len(arrays["centroids"])
    edges, weights = bridge_edges(Z)
    keys = np.array([f"{run.graph}/concept/{n}" for n in range(k)], object)
    graph = ConceptGraph(
        keys, keys, centroids, arrays["sizes"], np.ones(k, bool), edges, weights,
        centroid_cosines(centroids, edges), np.zeros(k, int),
    )  # fmt: skip
    return graph, ids, Z


def place(people: dict[str, Any], ids: np.ndarray, Z: csr_matrix) -> Carried:
    """Find where in the new graph each thing said belongs.

    Args:
        people: what `save_edits` returned.
        ids: (n,) item ids of the new pool.
        Z: (n, k) new memberships.
    """
    carried = Carried(classes=list(people.get("classes", [])), frozen=bool(people.get("frozen")))
    known = {item: row for row, item in enumerate(ids.tolist())}
    for what, kept in (("labels", carried.labels), ("ticks", carried.ticks)):
        for record in people.get(what, []):
            if record["item_id"] in known:
                kept.append((record["item_id"], record["class"], record["by"] or "", record["at"] or ""))
            else:
                carried.lost.append(f"{what[:-1]} {record['item_id']}={record['class']}: the item left the pool")
    places = {int(n): _successor(members, known, Z) for n, members in people.get("members", {}).items()}
    homeless = "no new concept holds half of its items"
    for number, name in people.get("names", {}).items():
        new = places[int(number)]
        if new is None:
            carried.lost.append(f"name {name!r} of concept {number}: {homeless}")
        else:
            carried.names[new] = name
    for number in (*people.get("switched_off", []), *people.get("deleted", [])):
        new = places[number]
        if new is None:
            carried.lost.append(f"concept {number} was switched off: {homeless}")
        elif new not in carried.off:
            carried.off.append(new)
    for number, model, layer, index, strength in people.get("strengths", []):
        new = places[number]
        if new is None:
            carried.lost.append(f"strength {strength:g} of concept {number} to {layer} {index}: {homeless}")
        else:
            carried.strengths.append((new, model, layer, index, strength))
    for a, b, weight in people.get("edges", []):
        new_a, new_b = places[a], places[b]
        if new_a is None or new_b is None or new_a == new_b:
            carried.lost.append(f"edge between concepts {a} and {b}: {homeless}")
        else:
            carried.edges.append((new_a, new_b, {"weight": weight or 0.0, "cosine": 0.0}))
    return carried


def _successor(members: list[str], known: dict[str, int], Z: csr_matrix) -> int | None:
    """The new concept that overlaps most with `members`, if at least half (Jaccard)."""
    import numpy as np

    nearest = nearest_concept(Z)
    counts = np.bincount(nearest[[known[m] for m in members if m in known]], minlength=Z.shape[1])
    jaccard = counts / np.maximum(len(members) + np.bincount(nearest, minlength=Z.shape[1]) - counts, 1)
    best = int(jaccard.argmax())
    return best if jaccard[best] >= SAME else None
