"""Tracing a unit, a class or an item of a trained B back to concepts and to A's examples."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kgkt.concepts.cluster import nearest_concept
from kgkt.transfer.blocks import leaves
from kgkt.transfer.contribution import contributions, silenced
from kgkt.transfer.measure import Measured, activations, recorded
from kgkt.transfer.outputs import Outputs, probabilities
from kgkt.transfer.taps import as_input, run_model
from kgkt.transfer.told import Made, Part, Reach, Seen, Through
from kgkt.transfer.trace import concept_parts, explained, hidden_layers, shares, strongest
from kgkt.transfer.traced import TracedClass, TracedItem, TracedUnit
from kgkt.values import ConceptGraph, Labels, Targets

if TYPE_CHECKING:
    import numpy as np
    from scipy.sparse import csr_matrix

LEANS = 0.05  # mass from which on a concept is said to lean to a class
OF_UNIT, OF_CLASS = 256, 128  # items at most that contributions are a mean over


@dataclass(frozen=True, slots=True, eq=False)
class Ground:
    """What every trace stands on.

    Args:
        target: B's file; `model` is B, `outputs` how its outputs are read, `x` (n, ...) the pool as it reads it.
        found: what was measured in it.
        graph, ids, Z: concepts, item ids (n,), memberships (n, k).
        labels, targets: what people said, and what the graph says.
        strengths: layer -> strength and planned (k, u); empty where B is not mapped.
        look: picture and text of an item.
        n: how many concepts, blocks of a layer and examples are told of.
    """

    target: str
    model: Any
    outputs: Outputs
    x: Any
    found: Measured
    graph: ConceptGraph
    ids: np.ndarray
    Z: csr_matrix
    labels: Labels
    targets: Targets
    strengths: dict[str, tuple[csr_matrix, csr_matrix]]
    look: Callable[[str], tuple[str | None, str | None]]
    n: int

    @property
    def names(self) -> tuple[str, ...]:
        """(c,) the classes in the order of B's outputs."""
        return self.targets.names

    def layer(self, path: str) -> Any:
        """B's layer of that path."""
        return dict(leaves(self.model))[path]

    def leans(self, concept: int) -> str | None:
        """The class that a concept leans to most."""
        row = self.targets.mass[concept]
        return self.names[int(row.argmax())] if row.max() >= LEANS else None

    def strength(self, path: str, concept: int, unit: int) -> tuple[float | None, float | None]:
        """Strength and plan of a concept and a unit; None where the layer is not mapped."""
        if path not in self.strengths or unit >= self.strengths[path][0].shape[1]:
            return None, None
        return tuple(float(part[concept, unit]) for part in self.strengths[path])  # type: ignore[return-value]

    def label(self, row: int) -> str | None:
        """What a person called an item of the pool."""
        said = (self.labels.items == row).nonzero()[0]
        return self.labels.names[int(self.labels.classes[said[0]])] if len(said) else None

    def seen(self, row: int, value: float) -> Seen:
        """An item of the pool, to be shown."""
        item, says = str(self.ids[row]), self.names[int(self.found.answers[row])]
        near = int(self.Z[row].toarray().argmax())
        return Seen(item, float(value), near, says, self.label(row), *self.look(item))


def trace_unit(ground: Ground, path: str, unit: int) -> TracedUnit:
    """Which concepts a unit answers to, what it speaks for, and which items it is most active on."""
    import numpy as np

    layer, k = ground.found.layers[path], len(ground.graph)
    sizes = np.bincount(nearest_concept(ground.Z), minlength=k)
    share = explained(layer, unit, sizes)
    concepts = []
    for c in strongest(layer.correlation[:, unit], ground.n):
        strength, planned = ground.strength(path, c, unit)
        if layer.correlation[c, unit] > 0 or strength:
            concepts.append(Reach(
                c, str(ground.graph.names[c]), bool(ground.graph.active[c]), int(sizes[c]), ground.leans(c),
                strength, planned, float(layer.correlation[c, unit]), float(share[c]),
            ))  # fmt: skip
    head, live = layer.kind == "head", bool(layer.deviation[unit] > 0)
    slots = ground.names[-len(layer.mean) :] if head else ()
    examples = tuple(ground.seen(int(row), value) for row, value in zip(
        layer.top[unit, : ground.n].tolist(), layer.top_values[unit, : ground.n].tolist(), strict=True) if live)
    return TracedUnit(
        ground.target, len(ground.ids), path, unit, layer.kind, slots[unit] if slots else f"{path} {unit}",
        float(layer.mean[unit]), float(layer.deviation[unit]), tuple(concepts), float(share.sum()),
        (int((sizes > 0).sum()) - 1) / max(len(ground.ids) - 1, 1),
        {} if head or not live else _speaks_for(ground, path, unit), examples,
    )  # fmt: skip


def _speaks_for(ground: Ground, path: str, unit: int) -> dict[str, float]:
    """Class -> mean contribution of a unit to it over items that B calls so, the largest first."""
    import numpy as np

    rows = _spread(np.arange(len(ground.ids)), OF_UNIT)
    answers = ground.found.answers[rows]
    given, _, _ = contributions(ground.model, ground.layer(path), ground.x, rows, answers,
                                ground.found.layers[path].mean, ground.outputs)  # fmt: skip
    found = {ground.names[c]: float(given[answers == c, unit].mean()) for c in np.unique(answers).tolist()}
    return dict(sorted(found.items(), key=lambda entry: -entry[1]))


def trace_class(ground: Ground, c: int) -> TracedClass:
    """Which concepts hold the items that B calls a class, and which units make it do so."""
    import numpy as np

    near, k = nearest_concept(ground.Z), len(ground.graph)
    rows = np.flatnonzero(ground.found.answers == c)
    counts, sizes = (np.bincount(near[part], minlength=k) for part in (rows, np.arange(len(near))))
    agreed = int((ground.targets.P[rows].argmax(axis=1) == c)[ground.targets.weight[rows] > 0].sum())
    concepts = []
    for number in strongest(counts, ground.n):
        if counts[number]:
            concepts.append(Made(
                number, str(ground.graph.names[number]), bool(ground.graph.active[number]), int(counts[number]),
                float(counts[number] / len(rows)), float(counts[number] / sizes[number]),
                float(ground.targets.mass[number, c]), *_to_slot(ground, number, c),
            ))  # fmt: skip
    chosen = _spread(rows, OF_CLASS)
    blocks: list[Through] = []
    for path in hidden_layers(ground.found) if len(chosen) else ():
        layer = ground.found.layers[path]
        given, slopes, _ = contributions(ground.model, ground.layer(path), ground.x, chosen,
                                         np.full(len(chosen), c), layer.mean, ground.outputs)  # fmt: skip
        apart = np.asarray(layer.means, np.float64) - layer.mean
        parts = apart * np.asarray(ground.Z[chosen].T @ slopes) / len(chosen)
        active = _activations(ground, path, ground.x, chosen).mean(axis=0)
        blocks += _strongest_blocks(ground, path, given.mean(axis=0), active, parts, np.arange(k))
    surest = rows[np.argsort(-ground.found.sure[rows], kind="stable")][: ground.n]
    return TracedClass(
        ground.target, len(ground.ids), ground.names[c], len(rows), agreed, tuple(concepts), tuple(blocks), len(chosen),
        float((_without(ground, ground.x, chosen, blocks).argmax(axis=1) == c).mean()) if blocks else None,
        tuple(ground.seen(int(row), ground.found.sure[row]) for row in surest.tolist()),
    )  # fmt: skip


def _to_slot(ground: Ground, concept: int, c: int) -> tuple[float | None, float | None, float | None]:
    """Strength, plan and measure of a concept and the head's slot of a class; a single slot is that of the second."""
    path = next((path for path, layer in ground.found.layers.items() if layer.kind == "head"), None)
    if path is None:
        return None, None, None
    r = ground.found.layers[path].correlation
    slot = c - (len(ground.names) - r.shape[1])
    if slot < 0:  # of two classes with one slot: what speaks against the second speaks for the first
        return None, None, -float(r[concept, 0])
    return (*ground.strength(path, concept, slot), float(r[concept, slot]))


def trace_item(
    ground: Ground, item: str, x: Any, row: int, z: csr_matrix | None, graph_says: tuple[str | None, float | None],
    near: list[tuple[int, float]], new: bool,
) -> TracedItem:  # fmt: skip
    """Why B says what it says of an item: its concepts, what came through which units, and A's nearest examples.

    Args:
        ground: of the trace.
        item: its id.
        x, row: items as B reads them, and which of them it is.
        z: (1, k) its memberships; None: not known.
        graph_says: the graph's answer and its mass.
        near: (row of the pool, cosine distance) of the nearest items, the nearest first.
        new: whether it is none of the pool.
    """
    import numpy as np

    rows = np.array([row])
    y = run_model(ground.model, as_input(ground.model, x, rows), training=False)
    P = np.asarray(probabilities(ground.outputs, y))[0]
    best = strongest(P, 2)
    blocks: list[Through] = []
    own = evidence = None
    through: dict[int, float] = {}
    paths = hidden_layers(ground.found)
    for path in paths:
        layer = ground.found.layers[path]
        given, slopes, _ = contributions(ground.model, ground.layer(path), x, rows, np.array(best[:1]), layer.mean,
                                         ground.outputs)  # fmt: skip
        parts, concepts = np.zeros((0, given.shape[1])), np.zeros(0, int)
        if z is not None:
            parts, concepts = concept_parts(layer, z, slopes[0]), z.indices
        active = _activations(ground, path, x, rows)[0]
        blocks += _strongest_blocks(ground, path, given[0], active, parts, concepts)
        through = dict(zip(concepts.tolist(), parts.sum(axis=1).tolist(), strict=True))
        evidence = float(given.sum())
        own = None if z is None else evidence - sum(through.values())
    look = (None, None) if new else ground.look(item)
    without = _answer(ground, x, rows, blocks)
    following = (ground.names[best[1]], float(P[best[1]])) if len(best) > 1 else (None, None)
    return TracedItem(
        ground.target, len(ground.ids), item, new, ground.names[best[0]], float(P[best[0]]), following[0],
        following[1], graph_says[0], graph_says[1], None if new else ground.label(row), paths[-1] if paths else None,
        evidence, () if z is None else _parts(ground, z, through), own, tuple(blocks), without[0], without[1],
        tuple(ground.seen(place, distance) for place, distance in near), look[0], look[1],
    )  # fmt: skip


def _without(ground: Ground, x: Any, rows: np.ndarray, blocks: list[Through]) -> np.ndarray:
    """(r, c) what B says with the blocks of the last layer that are told of held at their average."""
    import numpy as np

    path = blocks[-1].layer
    units = np.array([block.unit for block in blocks if block.layer == path])
    y = silenced(ground.model, ground.layer(path), x, rows, units, ground.found.layers[path].mean)
    return np.asarray(probabilities(ground.outputs, y))


def _answer(ground: Ground, x: Any, rows: np.ndarray, blocks: list[Through]) -> tuple[str | None, float | None]:
    """B's answer without the blocks that are told of, and its probability."""
    if not blocks:
        return None, None
    P = _without(ground, x, rows, blocks)[0]
    return ground.names[int(P.argmax())], float(P.max())


def _parts(ground: Ground, z: csr_matrix, through: dict[int, float]) -> tuple[Part, ...]:
    """The concepts of an item with memberships z (1, k), the strongest first, and what came through each."""
    members = sorted(zip(z.indices.tolist(), z.data.tolist(), strict=True), key=lambda entry: -entry[1])
    graph = ground.graph
    return tuple(Part(c, str(graph.names[c]), bool(graph.active[c]), float(m), ground.leans(c), through.get(c))
                 for c, m in members if m > 0)  # fmt: skip


def _strongest_blocks(
    ground: Ground, path: str, given: np.ndarray, active: np.ndarray, parts: np.ndarray, concepts: np.ndarray
) -> list[Through]:
    """The units of a layer that contribute most, each with the concept (of `concepts`, (q,)) that most came through."""
    layer, share = ground.found.layers[path], shares(given)
    told = []
    for unit in strongest(given, ground.n):
        if given[unit] <= 0:
            break
        concept = name = measured = strength = None
        if len(concepts) and parts[:, unit].max() > 0:
            concept = int(concepts[int(parts[:, unit].argmax())])
            name, measured = str(ground.graph.names[concept]), float(layer.correlation[concept, unit])
            strength = ground.strength(path, concept, unit)[0]
        told.append(Through(path, unit, float(active[unit]), float(layer.mean[unit]), float(given[unit]),
                            float(share[unit]), concept, name, measured, strength))  # fmt: skip
    return told


def _activations(ground: Ground, path: str, x: Any, rows: np.ndarray) -> np.ndarray:
    """(r, u) how active the units of a layer are on some items."""
    layer = ground.layer(path)
    with recorded({path: layer}) as calls:
        run_model(ground.model, as_input(ground.model, x, rows), training=False)
    return activations(calls[path], layer)


def _spread(rows: np.ndarray, most: int) -> np.ndarray:
    """At most so many of some rows, evenly spaced."""
    import numpy as np

    if len(rows) <= most:
        return rows
    return rows[np.linspace(0, len(rows) - 1, most).astype(int)]
