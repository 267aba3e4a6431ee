"""Items to ask people about, and why: first ones of concepts, second ones of mixed concepts, doubtful ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kgkt.errors import InputError
from kgkt.files import load_arrays
from kgkt.rundir.current import CurrentGraph
from kgkt.rundir.folder import RunDir
from kgkt.rundir.state import Say, made_by
from kgkt.values import Targets

if TYPE_CHECKING:
    import numpy as np

    from kgkt.concepts.choose import Kernel

LEANS = 3  # classes that are told of an item


@dataclass(frozen=True, slots=True)
class Asked:
    """One item to label.

    Args:
        item_id: the concept's medoid, its next example where the medoid has a label, or one of its members.
        concept: number.
        name: of the concept.
        speaks_for: items that this label covers beyond those before it; of a second item, or one asked out of doubt,
            the members of its concept that are nearer to it than to any label or item before it.
        why: in words.
        picture: file in the run directory, where there is one.
        second: whether its concept has a label, or an item before this one.
        leans_to: (class, mass), the largest first, where the teacher's answer was read.
    """

    item_id: str
    concept: int
    name: str
    speaks_for: int
    why: str
    picture: str | None
    second: bool = False
    leans_to: tuple[tuple[str, float], ...] = ()


def covering(
    current: CurrentGraph, exemplars: list[np.ndarray], how_many: int, say: Say, kernel: Kernel | None = None
) -> list[Asked]:
    """First items of the concepts that no label speaks for; `kernel`: of the graph, where it is held already."""
    from kgkt.concepts.choose import reach
    from kgkt.concepts.cluster import nearest_concept

    spoken = _spoken(current)
    taken = set(spoken.tolist())
    asked = []
    for suggestion in reach(current.graph, nearest_concept(current.Z)[spoken], how_many, kernel=kernel):
        number = suggestion.concept
        item = next((int(i) for i in exemplars[number] if int(i) not in taken), None)
        if item is None:
            say(f"concept {number} has no example without a label left: passed over")
            continue
        taken.add(item)
        near = suggestion.covered
        why = f"{100 * near:.0f} % covered by what comes before" if near > 0.005 else "no label reaches this region"
        asked.append(_asked(current, item, number, round(suggestion.speaks_for), why))
    return asked


def seconds(
    run: RunDir, current: CurrentGraph, targets: Targets | None, before: list[Asked], how_many: int
) -> list[Asked]:
    """More items of the largest and most mixed concepts."""
    import numpy as np

    from kgkt.concepts.choose import mixed, second_items

    P = None if targets is None else targets.P
    rows = np.flatnonzero(np.isin(current.ids, [a.item_id for a in before]))
    spoken = np.union1d(_spoken(current), rows).astype(int)
    _, share = mixed(current.Z, P)
    leads = None if targets is None else (current.Z.T @ targets.P).argmax(axis=1)
    asked = []
    for one in second_items(current.graph, current.Z, _vectors(run), spoken, how_many, P):
        apart = ("lies between concepts" if targets is None or leads is None
                 else f"is not {targets.names[leads[one.concept]]}")  # fmt: skip
        why = f"{one.labels} before it; {100 * share[one.concept]:.0f} % of its concept {apart}"
        asked.append(_asked(current, one.item, one.concept, one.nearer, why, second=True))
    return asked


def doubtful(run: RunDir, current: CurrentGraph, targets: Targets, how_many: int) -> list[Asked]:
    """The items without a label whose first two classes are nearly level.

    Raises:
        InputError: one class only, or every item that has an answer has a label.
    """
    from kgkt.concepts.choose import doubtful_items

    if len(targets.names) < 2:
        raise InputError(f"--doubt needs two classes, the graph has one: {targets.names[0]}")
    spoken = _spoken(current)
    asked = []
    for one in doubtful_items(
        current.graph, current.Z, _vectors(run), spoken, how_many, targets.P, targets.weight > 0
    ):
        (first, most), (second, next_most) = leans(targets, one.item)[:2]
        why = f"margin {most - next_most:.2f}: {first} {most:.2f}, {second} {next_most:.2f}"
        asked.append(_asked(current, one.item, one.concept, one.nearer, why, second=one.labels > 0))
    if not asked:
        raise InputError("every item that the teacher has an answer for has a label already")
    return asked


def _asked(
    current: CurrentGraph, item: int, concept: int, speaks_for: int, why: str, second: bool = False
) -> Asked:
    return Asked(str(current.ids[item]), concept, str(current.graph.names[concept]), speaks_for, why, None, second)


def _spoken(current: CurrentGraph) -> np.ndarray:
    """Items with a label or a tick."""
    import numpy as np

    return np.union1d(current.labels.items, current.labels.tick_items).astype(int)


def _vectors(run: RunDir) -> np.ndarray:
    arrays, _ = load_arrays(made_by(run, "populate", "embedding.safetensors"))
    return arrays["vectors"]


def leans(targets: Targets, item: int) -> tuple[tuple[str, float], ...]:
    """The classes that the teacher gives most of an item; none where it has no answer."""
    if targets.weight[item] == 0:
        return ()
    row = targets.P[item]
    return tuple((targets.names[c], float(row[c])) for c in (-row).argsort(kind="stable")[:LEANS].tolist())


def read_exemplars(run: RunDir) -> list[np.ndarray]:
    """The exemplars of each concept, nearest to its centroid first: k arrays of item indices."""
    import numpy as np

    arrays, _ = load_arrays(made_by(run, "populate", "concepts.safetensors"))
    return np.split(arrays["exemplars"], np.cumsum(arrays["exemplar_counts"])[:-1])
