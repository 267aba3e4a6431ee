"""The edit of the demo: two digits share one label, and a tick takes one of them out again."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kgkt.concepts.propagate import item_posterior, make_seeds, propagate_masses, settle
from kgkt.proof import baselines
from kgkt.proof.answers import Answer, as_targets, through_graph, timed
from kgkt.transfer.head import head
from kgkt.transfer.prototypes import pt_map
from kgkt.values import Labels, Targets

if TYPE_CHECKING:
    import numpy as np

    from kgkt.proof.view import View

OTHER_LABELS = 5  # labels of every other class
N_DIGITS = 10


@dataclass(frozen=True, slots=True)
class Case:
    """Digits a and b share one label, of which an item of each is an example; a tick then removes b.

    Args:
        a, b: the digits.
        shared: index of the class that they share.
        class_of: (10,) class index of each digit.
        before: labels, the items of b that get ticks among those of the shared class.
        labels: the same with these items' labels turned into ticks.
    """

    a: int
    b: int
    shared: int
    class_of: np.ndarray
    before: Labels
    labels: Labels


def make_case(
    pool_y: np.ndarray, a: int, b: int, rng: np.random.Generator, ticks: int = 1, digits: int = N_DIGITS
) -> Case:
    """Draw the labels and the ticks of one case.

    Args:
        pool_y: (n,) digits of the pool.
        a, b: the digits that share a label; the class is called "a or b".
        rng: of the draw.
        ticks: items of b that are denied, and items of a that keep the label.
        digits: how many there are.
    """
    import numpy as np

    kept = [d for d in range(digits) if d != b]
    class_of = np.array([kept.index(a if d == b else d) for d in range(digits)])
    names = tuple(f"{a} or {b}" if d == a else str(d) for d in kept)
    draws = [
        rng.choice(np.flatnonzero(pool_y == d), ticks if d == a else OTHER_LABELS, replace=False) for d in kept
    ]
    items = np.concatenate(draws)
    tick = rng.choice(np.flatnonzero(pool_y == b), ticks, replace=False)
    shared = kept.index(a)
    before = np.concatenate([items, tick])
    return Case(
        a, b, shared, class_of,
        Labels(before, class_of[pool_y[before]], names),
        Labels(items, class_of[pool_y[items]], names, tick, np.full(ticks, shared)),
    )  # fmt: skip


def pairs(rng: np.random.Generator, digits: int = N_DIGITS) -> list[tuple[int, int]]:
    """Disjoint pairs of digits: five of ten."""
    order = rng.permutation(digits).tolist()
    return list(zip(order[::2], order[1::2], strict=False))


def answers(view: View, case: Case) -> Iterator[Answer]:
    """What is taught before the tick, and after it by the graph and by two rivals under the same rule.

    There is no prior: with two digits under one label the pool is not balanced.
    """
    seeds = make_seeds(case.labels)

    def answered(P: np.ndarray) -> Targets:
        return as_targets(baselines.answer(P, seeds, case.labels), case.labels)

    yield through_graph("before", view, case.before, None)
    yield through_graph("kgkt", view, case.labels, None)
    yield timed("head", lambda: answered(head(view.head, seeds)))
    yield timed("PT-MAP", lambda: answered(pt_map(view.head, seeds)))


def judge(predicted: np.ndarray, test_y: np.ndarray, case: Case) -> dict[str, float]:
    """Shares on the test set.

    Args:
        predicted: (t,) class index that B gives.
        test_y: (t,) true digits.
        case: the edit.

    Returns:
        `b_left`: of b, still called by the shared label; `a_lost`: of a, called otherwise;
        `rest_right`: of all other digits, called by their own.
    """
    import numpy as np

    of_a, of_b = test_y == case.a, test_y == case.b
    rest = ~(of_a | of_b)
    return {
        "b_left": float(np.mean(predicted[of_b] == case.shared)),
        "a_lost": float(np.mean(predicted[of_a] != case.shared)),
        "rest_right": float(np.mean(predicted[rest] == case.class_of[test_y[rest]])),
    }


def repropagation_ms(view: View, case: Case) -> float:
    """Milliseconds from the tick to the concepts' new answer for every item, the factorisation held."""
    start = time.perf_counter()
    seeds = make_seeds(case.labels)
    G, _ = propagate_masses(view.spreader, view.Z, seeds)
    P, _ = item_posterior(view.Z, G, None, len(case.labels.names))
    settle(P, seeds)
    return 1000 * (time.perf_counter() - start)
