"""What the graph says of its items and concepts right now, as the page shows it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kgkt.errors import count

if TYPE_CHECKING:
    import numpy as np

    from kgkt.concepts.propagate import Spreader
    from kgkt.recipe import Teach
    from kgkt.rundir.current import CurrentGraph
    from kgkt.values import Targets


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """The classes of all items and concepts.

    Args:
        kind: "none" before anything is labelled; "concepts": the concepts' answer, which a label changes at once;
            "items": that of the whole teacher, as `propagate` left it.
        names: the c classes.
        masses: (k, c) what each concept leans to, rows sum to 1, or 0 where no label reaches.
        P: (n, c) float32, rows sum to 1; None for "none".
        reached: (n,) bool, the items that have an answer.
        expected: accuracy with its interval, where it was worked out.
        why_not: why there is none, in words; "" where there is one, or nothing is labelled.
    """

    kind: str
    names: tuple[str, ...]
    masses: np.ndarray
    P: np.ndarray | None
    reached: np.ndarray
    expected: tuple[float, float, float] | None = None
    why_not: str = ""

    def best(self) -> np.ndarray:
        """(k,) index of the class that each concept leans to most, -1 where to none."""
        import numpy as np

        if not self.masses.shape[1]:
            return np.full(len(self.masses), -1)
        return np.where(self.masses.sum(axis=1) > 0, self.masses.argmax(axis=1), -1)

    def of_item(self, row: int, most: int = 5) -> list[dict[str, Any]]:
        """{class, mass} of an item, the largest first; empty where it has no answer."""
        if self.P is None or not self.reached[row]:
            return []
        values = self.P[row]
        order = (-values).argsort(kind="stable")[:most].tolist()
        return [{"class": self.names[c], "mass": round(float(values[c]), 4)} for c in order if values[c] > 0]

    def class_items(self) -> list[int]:
        """How many items have each class."""
        import numpy as np

        if self.P is None:
            return [0] * len(self.names)
        return np.bincount(self.P[self.reached].argmax(axis=1), minlength=len(self.names)).tolist()


def no_answer(current: CurrentGraph, why_not: str = "") -> Answer:
    """The answer before anything is labelled, or where the concepts cannot be asked."""
    import numpy as np

    names = current.labels.names
    return Answer("none", names, np.zeros((len(current.graph), len(names))), None, np.zeros(len(current.ids), bool),
                  None, why_not)  # fmt: skip


def concepts_answer(current: CurrentGraph, spreader: Spreader, teach: Teach) -> Answer:
    """The concepts' answer: a closed form, solved in milliseconds.

    Args:
        current: the graph, with at least one label that teaches.
        spreader: of it.
        teach: the class shares that were stated.

    Raises:
        InputError: every label lies in concepts that are off, or a tick has no second class.
    """
    import numpy as np

    from kgkt.transfer.teacher import read_prior
    from kgkt.transfer.teacher import teach as ask

    prior = read_prior(teach.prior, teach.balanced, current.labels.names)
    targets = ask(current.graph, current.Z, current.labels, np.zeros((0, 0)), spread="concepts", expert="none",
                  prior=prior, alpha=spreader.alpha, n_rounds=0, spreader=spreader, expectation=False)  # fmt: skip
    return _of(targets, "concepts", current)


def items_answer(current: CurrentGraph, targets: Targets, expected: tuple[float, float, float] | None) -> Answer:
    """What the last `propagate` said, where that is of the graph as it stands."""
    answer = _of(targets, "items", current)
    return Answer(answer.kind, answer.names, answer.masses, answer.P, answer.reached, expected)


def _of(targets: Targets, kind: str, current: CurrentGraph) -> Answer:
    import numpy as np

    masses = np.asarray(targets.mass, np.float64)
    if kind == "concepts" and current.merged:  # a merged concept leans to what the one leans to that it is a part of
        masses = masses[current.into]
    return Answer(kind, tuple(targets.names), masses, targets.P.astype(np.float32), targets.weight > 0)


def shorts(answer: Answer, current: CurrentGraph, nearest: np.ndarray) -> dict[str, np.ndarray]:
    """best, mass, doubt and labels of every concept, (k,) each; `nearest` (n,) is the concept of each item."""
    import numpy as np

    best = answer.best()
    mass = answer.masses.max(axis=1) if answer.names else np.zeros(len(best))
    mass = np.where(best >= 0, mass, 0.0)
    labels = np.bincount(nearest[current.labels.items], minlength=len(best))
    return {"best": best, "mass": mass, "doubt": np.where(best >= 0, 1 - mass, 0.0), "labels": labels}


def as_state(
    answer: Answer, current: CurrentGraph, nearest: np.ndarray, numbers: dict[str, Any]
) -> dict[str, Any]:
    """The State of the page: what a label changes.

    Args:
        answer: shown now.
        current: the graph that it is of.
        nearest: (n,) the concept that each item is nearest to.
        numbers: revision, layout, working, last_edit.
    """
    import numpy as np

    labels, c = current.labels, len(answer.names)
    short = shorts(answer, current, nearest)
    return {
        **numbers, "answer": answer.kind, "classes": list(answer.names),
        "class_labels": np.bincount(labels.classes, minlength=c).tolist(),
        "class_ticks": np.bincount(labels.tick_classes, minlength=c).tolist(), "class_items": answer.class_items(),
        "best": short["best"].tolist(), "mass": np.round(short["mass"], 4).tolist(),
        "doubt": np.round(short["doubt"], 4).tolist(), "labels": short["labels"].tolist(),
        "label_count": len(labels), "tick_count": len(labels.tick_items), "reached": int(answer.reached.sum()),
        "items": len(current.ids), "expected": _expected(answer.expected), "line": in_words(answer, current),
    }  # fmt: skip


def _expected(expected: tuple[float, float, float] | None) -> dict[str, float] | None:
    return None if expected is None else dict(zip(("value", "low", "high"), map(float, expected), strict=True))


def in_words(answer: Answer, current: CurrentGraph) -> str:
    """The line above the page: what the labels speak for, and which answer that is."""
    from kgkt.transfer.judges import why_untold

    labels, ticks = len(current.labels), len(current.labels.tick_items)
    if answer.why_not:
        return answer.why_not
    if not labels:
        return f"nothing is labelled yet, of {count(len(current.ids), 'item')}"
    said = count(labels, "label") + (f" and {ticks:,} \"not\"" if ticks else "")
    verb = "speaks" if labels + ticks == 1 else "speak"
    line = f"{said} {verb} for {int(answer.reached.sum()):,} of {len(current.ids):,} items"
    if answer.kind == "concepts":
        return f"{line}, by the concepts' answer"
    if answer.expected is None:
        return f"{line}; {why_untold(len(answer.names))}"
    value, low, high = answer.expected
    return f"{line}, expected accuracy {100 * value:.0f} % ({100 * low:.0f} to {100 * high:.0f})"
