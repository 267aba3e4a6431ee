"""Which labels the others speak against: scores by hand, planted errors, and what is not judged."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from kgkt.concepts.propagate import loo_scores, make_seeds, make_spreader, without_items
from kgkt.errors import InputError
from kgkt.transfer import explain, suspects
from kgkt.transfer.items import nearest_items, neighbour_graph
from kgkt.transfer.judges import TEMPERATURES, folds_of, in_folds
from kgkt.transfer.teacher import graph_answer
from kgkt.values import Labels
from tests.transfer.test_explain import K, N, world

HEAD = np.random.default_rng(0).normal(size=(N, 4))


def of(graph: Any, Z: Any, labels: Labels, **more: Any) -> suspects.Judged:
    return suspects.judge(make_spreader(graph), Z, labels, HEAD, **more)


def test_scores_say_how_likely_the_given_class_is_beside_the_likeliest_other() -> None:
    P = np.array([[0.7, 0.2, 0.1], [0.6, 0.3, 0.1], [0.4, 0.4, 0.2], [0.2, 0.5, 0.3]])
    given = np.array([0, 1, 0, 1])
    expected, scores = suspects.doubt(np.log(P) + np.arange(4)[:, None], given)  # a constant a row does not count

    def chance(sharpness: float) -> float:
        sharp = P**sharpness / (P**sharpness).sum(axis=1, keepdims=True)
        own, other = sharp[np.arange(4), given], (1 - sharp[np.arange(4), given]) / 2
        return max(float(np.log((1 - share) * own + share * other).sum()) for share in suspects.WRONG)

    best = max(TEMPERATURES, key=chance)
    assert expected.tolist() == [0, 0, 0, 1]  # where it is level, the given one
    own, other = np.array([0.7, 0.3, 0.4, 0.5]) ** best, np.array([0.2, 0.6, 0.4, 0.3]) ** best
    np.testing.assert_allclose(scores, own / (own + other))
    far = suspects.doubt(np.array([[0.0, -5000.0], [-5000.0, 0.0]]), np.array([1, 1]))[1]
    assert (far[0] < 1e-300, far[1]) == (True, 1.0)


def test_wrong_labels_do_not_make_the_answers_look_unsure() -> None:
    answers = np.log(np.array([[0.9, 0.1]] * 50 + [[0.1, 0.9]] * 50))
    given = np.repeat([0, 1], 50)
    given[::5] = 1 - given[::5]  # every fifth
    expected, scores = suspects.doubt(answers, given)
    assert (expected == np.repeat([0, 1], 50)).all()
    assert (scores < suspects.ISSUE).tolist() == (expected != given).tolist()


def test_without_a_head_the_score_is_the_product_of_both_answers_of_the_graph() -> None:
    graph, Z, labels = world()
    done, spreader = of(graph, Z, labels, with_head=False), make_spreader(graph)
    alone = loo_scores(spreader, Z, labels)
    places, answers = in_folds(labels, {"graph": lambda told: graph_answer(spreader, Z, told, None, None)[0]},
                               folds_of(labels.classes))  # fmt: skip
    assert sorted(places.tolist()) == list(range(12))
    for row, place in enumerate(places):  # one by one, with its fold left out
        out = labels.items[folds_of(labels.classes) == folds_of(labels.classes)[place]]
        alone_in_fold = graph_answer(spreader, Z, without_items(make_seeds(labels), out), None, None)[0]
        np.testing.assert_allclose(answers["graph"][row], alone_in_fold[labels.items[place]], rtol=1e-9)
    folds = answers["graph"][np.argsort(places), :3]
    expected, scores = suspects.doubt(np.log(alone) + np.log(folds), labels.classes)
    assert done.places.tolist() == list(range(12))
    assert done.expected.tolist() == expected.tolist()
    np.testing.assert_allclose(done.scores, scores)
    assert done.weight == 0


def planted(taught: Any) -> tuple[Labels, np.ndarray]:
    """Fifteen labels of each digit, every fifth of them wrong; (150,) bool: which."""
    rng = np.random.default_rng(304)
    items = np.concatenate([rng.permutation(np.flatnonzero(taught.y == digit))[:15] for digit in range(10)])
    wrong = np.zeros(150, bool)
    wrong[rng.choice(150, 30, replace=False)] = True
    given = np.where(wrong, (taught.y[items] + rng.integers(1, 10, 150)) % 10, taught.y[items])
    return Labels(items, given, tuple("0123456789")), wrong


def pixels_graph(taught: Any) -> Any:
    from kgkt.concepts.edges import unnamed_graph

    return unnamed_graph(taught.clustering)


def test_planted_errors_come_first(taught: Any) -> None:
    labels, wrong = planted(taught)
    x = taught.x.astype(np.float32)
    near = neighbour_graph(nearest_items(x), x)
    done = suspects.judge(make_spreader(pixels_graph(taught)), taught.Z, labels, x, neighbours=near)
    assert (len(done.places), done.few, done.off, done.unheard) == (150, {}, 0, 0)
    assert 0 < done.weight <= 2
    first = done.places[np.argsort(done.scores, kind="stable")[:30]]
    assert wrong[first].mean() >= 0.85
    called = done.scores < suspects.ISSUE
    assert wrong[done.places[called]].mean() >= 0.85  # of what is called wrong
    assert called[wrong].mean() >= 0.8
    right = (done.expected == taught.y[labels.items])[wrong & called]
    assert right.mean() >= 0.8  # the class that is expected in place of a wrong one


def test_who_speaks_for_a_class_is_heard_as_explain_says() -> None:
    graph, Z, labels = world()
    spreader = make_spreader(graph)
    for place in (0, 5):
        seeds = without_items(make_seeds(labels), int(labels.items[place]))
        share = explain.shares(explain.hear(spreader, Z, seeds, int(labels.items[place])))
        for wanted in range(3):
            found = suspects.speak_for(spreader, Z, labels, place, wanted, 2)
            assert len(found) == 2
            for other, part in found:
                assert other != place
                assert labels.classes[other] == wanted
                assert part == share[list(seeds.items).index(labels.items[other])]
            assert found[0][1] >= found[1][1]
            assert found[0][1] == share[seeds.columns == wanted].max()


def test_labels_of_small_classes_of_items_that_are_off_and_that_nothing_reaches_are_not_judged() -> None:
    graph, Z, labels = world()
    more = Labels(np.append(labels.items, [181, 182]), np.append(labels.classes, [3, 3]), ("a", "b", "c", "d"))
    assert of(graph, Z, more).few == {3: 2}
    apart = Labels(np.append(labels.items, 185), np.append(labels.classes, 0), labels.names)  # alone in the other part
    done = of(graph, Z, apart)
    assert (done.unheard, 12 in done.places.tolist(), len(done.places)) == (1, False, 12)
    off = np.flatnonzero(Z[labels.items[0]].toarray())
    dark = dataclasses.replace(graph, active=~np.isin(np.arange(K), off))
    done = of(dark, Z, labels)
    without = [p for p, item in enumerate(labels.items) if set(Z[item].indices) <= set(off.tolist())]
    assert (done.off, 0 in without) == (len(without), True)
    assert not set(without) & set(done.places.tolist())


@pytest.mark.parametrize(("given", "says"), [
    ([], "nothing is labelled yet"),
    ([0], r"only class a has labels \(1\)"),
    ([0] * 12, r"only class a has labels \(12\)"),
    ([0, 0, 1, 1, 2], "no class has 3 labels, and a has most, 2"),
])  # fmt: skip
def test_labels_of_which_none_can_be_judged_are_refused(given: list[int], says: str) -> None:
    graph, Z, labels = world()
    with pytest.raises(InputError, match=says):
        of(graph, Z, Labels(labels.items[: len(given)], np.array(given, int), labels.names))


def test_labels_that_are_all_off_or_all_apart_are_refused() -> None:
    graph, Z, labels = world()
    dark = dataclasses.replace(graph, active=np.arange(K) >= 20)
    with pytest.raises(InputError, match="every labelled item has only concepts that are switched off"):
        of(dark, Z, labels)
    few = Labels(labels.items[:4], np.array([0, 0, 0, 1]), labels.names)
    bare = dataclasses.replace(graph, edges=np.zeros((0, 2), int), weights=np.zeros(0), cosines=np.zeros(0))
    own = Z.copy()  # each of the four in a concept of its own, and no edge between them
    own = own.tolil()
    for number, item in enumerate(few.items):
        own[item] = 0
        own[item, number] = 1.0
    with pytest.raises(InputError, match="no label reaches another one"):
        of(bare, own.tocsr(), few)
