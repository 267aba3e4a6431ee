"""The judges of the teacher's experts against sums by hand, and the experts on pools where it is known who is right."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from kgkt.concepts.propagate import Seeds, make_seeds
from kgkt.transfer import experts, judges
from kgkt.transfer.items import nearest_items, neighbour_graph, poisson
from kgkt.values import Labels

NAMES = ("a", "b", "c")


def labels_of(*counts: int) -> Labels:
    classes = np.repeat(np.arange(len(counts)), counts)
    return Labels(np.arange(len(classes)), classes, NAMES[: len(counts)])


def test_folds_are_stratified_and_spare_the_only_label_of_a_class() -> None:
    fold = judges.folds_of(labels_of(1, 50, 7).classes)
    assert fold[0] == -1
    assert np.bincount(fold[1:51]).tolist() == [10] * 5
    assert sorted(np.bincount(fold[51:]).tolist()) == [1, 1, 1, 2, 2]
    assert judges.folds_of(labels_of(2, 2, 2).classes).max() == 1  # two labels: two folds, one of each class in each
    for part in (0, 1):
        assert sorted(labels_of(2, 2, 2).classes[judges.folds_of(labels_of(2, 2, 2).classes) == part]) == [0, 1, 2]
    assert (judges.folds_of(labels_of(1, 1, 1).classes) == -1).all()


def test_no_expert_is_told_what_it_is_asked() -> None:
    labels = Labels(np.arange(10), np.repeat([0, 1], 5), ("a", "b"), np.array([11]), np.array([0]))
    told = []

    def answer(seeds: Seeds) -> np.ndarray:
        told.append(set(seeds.items.tolist()))
        P = np.zeros((12, seeds.width))
        P[:, 0] = np.arange(12)
        return P

    held = judges.held_out(labels, {"graph": answer}, np.ones(12, bool))
    assert held is not None
    assert len(told) == 5
    assert all(11 in items and len(items) == 9 for items in told)  # ticks are never held out
    asked = held.answers["graph"][:, 0].astype(int)
    assert sorted(asked) == list(range(10))  # each once
    assert (held.classes == labels.classes[asked]).all()
    missing = [set(range(10)) - items for items in told]
    assert [set(part) for part in np.split(asked, 5)] == missing


def test_labels_that_nothing_reaches_and_ticks_of_an_item_held_out_have_no_part() -> None:
    labels = Labels(np.arange(8), np.repeat([0, 1], 4), ("a", "b", "c"), np.array([0, 9]), np.array([2, 2]))
    told = []

    def answer(seeds: Seeds) -> np.ndarray:
        assert seeds.width == 4  # the tick's own column stands, also where its item is held out
        told.append(set(zip(seeds.items.tolist(), seeds.columns.tolist(), strict=True)))
        return np.full((10, 4), 0.25)

    reached = np.arange(10) != 7
    held = judges.held_out(labels, {"graph": answer}, reached)
    assert held is not None
    assert sorted(held.classes.tolist()) == [0] * 4 + [1] * 3
    assert all((9, 3) in seeds for seeds in told)
    assert [(0, 0) in seeds for seeds in told].count(False) == 1
    assert not any((0, 3) in seeds for seeds in told)  # of an item with a label of another class, held out or not
    assert judges.expect(held, {}, np.eye(3)[[0, 1]])[0] == pytest.approx(1 - judges.REMAINS)  # level: none is right


def test_labels_on_items_whose_concepts_are_off_leave_the_others_to_judge() -> None:
    X, y, A = blobs(60, 3)
    items = np.array([0, 3, 1, 4, 2, 5])
    labels = Labels(items, y[items], NAMES)
    seeds, reached = make_seeds(labels), ~np.isin(np.arange(60), [3, 4])
    for expert in ("auto", "head", "prototypes"):
        told = experts.join(
            lambda s: np.full((60, 3), 1 / 3), np.full((60, 3), 1 / 3), reached, labels, seeds, X,
            expert=expert, text=False, prior=None, neighbours=A, finish=lambda joined: experts.combine(joined, None, 3),
        )  # fmt: skip
        assert all(np.isfinite(P).all() for P in told.answers.values())
        assert told.held is not None
        assert set(told.held.classes.tolist()) == {2}


@pytest.mark.parametrize("labels", [labels_of(1, 1, 1), labels_of(5)])
def test_where_nothing_can_be_held_out_nothing_is(labels: Labels) -> None:
    assert judges.held_out(labels, {"graph": lambda seeds: np.ones((5, 1))}, np.ones(5, bool)) is None


def test_a_product_of_answers_by_hand() -> None:
    answers = {"graph": np.array([[0.6, 0.4]]), "head": np.array([[0.2, 0.8]]), "prototypes": np.array([[0.0, 1.0]])}
    on = np.ones(1, bool)
    P = experts.combine(experts.Joined(answers, on, {"head": 0.5, "prototypes": 0.0}), None, 2)
    by_hand = np.array([0.6 * 0.2**0.5, 0.4 * 0.8**0.5])
    np.testing.assert_allclose(P[0], by_hand / by_hand.sum())
    assert experts.combine(experts.Joined(answers, on, {"head": 0.0}), None, 2) is answers["graph"]
    never = experts.combine(experts.Joined(answers, on, {"prototypes": 1.0}), None, 2)
    assert 0 < never[0, 0] < 1e-9  # a 0 of one expert is a strong word, no veto that leaves nothing


def test_what_nothing_reaches_has_no_part_in_the_shares_of_the_classes() -> None:
    graph = np.array([[0.6, 0.0, 0.4], [0.2, 0.0, 0.8], [1 / 3, 1 / 3, 1 / 3]])  # class b is switched off
    head = np.array([[0.5, 0.0, 0.5], [0.5, 0.0, 0.5], [1 / 3, 1 / 3, 1 / 3]])
    told = experts.Joined({"graph": graph, "head": head}, np.array([True, True, False]), {"head": 1.0})
    P = experts.combine(told, np.full(3, 1 / 3), 3)
    np.testing.assert_array_equal(P[2], graph[2])
    np.testing.assert_allclose(P[:2].sum(axis=0), [1, 0, 1], atol=1e-6)


def test_the_score_is_the_likelihood_at_the_best_temperature() -> None:
    P = np.array([[0.9, 0.1], [0.6, 0.4], [0.3, 0.7]])
    held = judges.HeldOut(np.array([0, 1, 1]), {"graph": P})
    by_hand = []
    for sharpness in judges.TEMPERATURES:
        Q = P**sharpness / (P**sharpness).sum(axis=1, keepdims=True)
        by_hand.append(np.log(Q[[0, 1, 2], [0, 1, 1]]).sum())
    assert judges.score(held, {}) == pytest.approx(max(by_hand))


def test_weights_are_averaged_over_what_was_believed_and_foretold() -> None:
    believed = {"head": (0.25, 0.5, 0.2, 0.05)}
    assert judges.weigh(None, believed) == {"head": pytest.approx(0.25 * 0 + 0.5 * 0.5 + 0.2 * 1 + 0.05 * 2)}
    even, right = np.full((60, 2), 0.5), np.tile([0.9, 0.1], (60, 1))
    zeros, wrong = np.zeros(60, int), np.random.default_rng(0).permuted(np.tile([0.9, 0.1], (60, 1)), axis=1)
    trusted = judges.weigh(judges.HeldOut(zeros, {"graph": even, "head": right}), believed)["head"]
    doubted = judges.weigh(judges.HeldOut(zeros, {"graph": right, "head": wrong}), believed)["head"]
    assert doubted < 0.4 < 0.5 < trusted
    assert judges.weigh(judges.HeldOut(zeros, {"graph": even, "head": right}), {"head": experts.ALONE})["head"] == 0


def test_torn_neighbours_are_counted_once_an_edge() -> None:
    A = csr_matrix(np.array([[0, 1, 1, 0], [1, 0, 0, 0], [1, 0, 0, 1], [0, 0, 1, 0]], float))  # 0-1, 0-2, 2-3
    P = np.eye(2)[[0, 0, 1, 1]]
    assert judges.torn(P, A) == pytest.approx(1 / 3)
    assert judges.torn(P, csr_matrix((4, 4))) == 0.0


def test_what_is_expected_counts_each_class_by_its_share() -> None:
    right = np.array([[0.9, 0.1]] * 10 + [[0.9, 0.1]] * 5 + [[0.1, 0.9]] * 5)  # all of a, half of b
    held = judges.HeldOut(np.repeat([0, 1], 10), {"graph": right})
    pool = np.eye(2)[np.repeat([0, 1], [10, 90])]
    share, low, high = judges.expect(held, {}, pool)
    assert share == pytest.approx(1 - judges.REMAINS * (1 - (0.1 * 1 + 0.9 * 0.5)))
    assert low < share < high
    narrow = judges.expect(judges.HeldOut(np.repeat([0, 1], 100), {"graph": np.repeat(right, 10, axis=0)}), {}, pool)
    assert narrow[2] - narrow[1] < high - low


def blobs(n: int, apart: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray, csr_matrix]:
    rng = np.random.default_rng(seed)
    y = np.arange(n) % 3
    centre = np.array([[0, 0], [1, 0], [0, 1]]) * apart
    X = centre[y] + rng.normal(size=(n, 2))
    return X, y, neighbour_graph(nearest_items(X), X)


def joined(X, y, A, features, per_class, *, expert: str = "auto", text: bool = False, prior=None) -> experts.Joined:
    counts = np.broadcast_to(per_class, 3)
    items = np.concatenate([np.flatnonzero(y == j)[: counts[j]] for j in range(3)])
    labels = Labels(items, y[items], NAMES)
    seeds = make_seeds(labels)
    return experts.join(
        lambda told: poisson(A, told), poisson(A, seeds), np.ones(len(X), bool), labels, seeds, features,
        expert=expert, text=text, prior=prior, neighbours=A, finish=lambda joined: experts.combine(joined, prior, 3),
    )  # fmt: skip


def test_features_that_know_the_classes_get_weight_and_noise_gets_none() -> None:
    X, y, A = blobs(600, 2.5)
    rng = np.random.default_rng(1)
    knows = np.eye(3)[y] * 4 + rng.normal(size=(600, 3))
    noise = rng.normal(size=(600, 8))
    assert joined(X, y, A, knows, 20).weights["head"] > 0.7
    told = joined(X, y, A, noise, 20)
    graph, both = (told.answers["graph"], experts.combine(told, None, 3))
    assert (graph.argmax(axis=1) == both.argmax(axis=1)).mean() > 0.95  # whatever its weight, it has nothing to say
    assert told.weights["prototypes"] == 0
    assert told.why["prototypes"].startswith("stay out: ")


def test_the_graph_lets_prototypes_in_that_fit_it_without_any_label_to_spare() -> None:
    X, y, A = blobs(600, 4)
    told = joined(X, y, A, X - X.mean(axis=0), 1)
    assert (told.weights["head"], told.weights["prototypes"]) == (0.0, experts.PROTOTYPES)
    assert told.why["head"] == "no label can be held out: nothing to judge it by"
    assert told.finished is not None
    out = joined(X, y, A, np.random.default_rng(0).normal(size=(600, 8)), 1)
    assert out.weights["prototypes"] == 0.0


def test_of_texts_prototypes_always_join() -> None:
    X, y, A = blobs(300, 3)
    told = joined(X, y, A, np.random.default_rng(0).normal(size=(300, 8)), 1, text=True)
    assert told.weights["prototypes"] >= 0.5


def test_one_class_leaves_nothing_to_ask_an_expert() -> None:
    X, _, A = blobs(60, 3)
    seeds = make_seeds(Labels(np.array([0, 3]), np.array([0, 0]), NAMES))
    P = np.full((60, 3), 1 / 3)
    told = experts.join(
        lambda s: P, P, np.ones(60, bool), Labels(np.array([0, 3]), np.array([0, 0]), NAMES), seeds, X,
        expert="auto", text=False, prior=None, neighbours=A, finish=lambda joined: experts.combine(joined, None, 3),
    )  # fmt: skip
    assert (dict(told.answers), told.weights) == ({"graph": P}, {})


def test_few_examples_are_fewer_than_five_and_half_of_what_others_have() -> None:
    def few(*counts: int) -> list[bool]:
        return experts.with_few(make_seeds(labels_of(*counts)), labels_of(*counts)).tolist()

    assert few(4, 4, 4) == few(1, 1, 1) == few(5, 9, 50) == [False] * 3
    assert few(4, 3, 5) == few(9, 0, 9) == [False] * 3
    assert few(4, 2, 3) == [False, True, False]
    assert few(50, 5, 4) == [False, False, True]
    ticked = Labels(np.arange(4), np.array([0, 0, 1, 1]), ("a", "b"), np.array([9]), np.array([0]))
    assert experts.with_few(make_seeds(ticked), ticked).tolist() == [False, False, True]  # a tick beside two labels each
    heard = labels_of(5, 5, 1)
    assert experts.with_few(make_seeds(heard), heard).tolist() == [False, False, True]
    assert not experts.with_few(make_seeds(heard), labels_of(5, 5, 5)).any()  # the others lie in what is switched off


def test_a_head_keeps_the_graphs_size_of_a_class_with_few_labels() -> None:
    X, y, A = blobs(600, 3)
    told = joined(X, y, A, X, (40, 40, 1))
    said = "what has fewer than 5 labels is as large in it as in the graph"
    assert told.why["head"] == "by how well it foretells 80 labels held out in turn; c has a single one, which is " \
                               f"never held out; {said}"
    graph, head = told.answers["graph"].mean(axis=0), told.answers["head"].mean(axis=0)
    assert head[2] == pytest.approx(graph[2], rel=0.05)
    shared = joined(X, y, A, X, (40, 40, 1), prior=np.full(3, 1 / 3))  # shares that are known hold
    np.testing.assert_allclose(shared.answers["head"].mean(axis=0), 1 / 3, atol=0.01)
    assert said not in shared.why["head"]
    assert said not in joined(X, y, A, X, (40, 40, 5)).why["head"]


def test_what_the_graph_was_asked_last_it_is_not_asked_again() -> None:
    asked = []
    seeds, other = make_seeds(labels_of(2, 2)), make_seeds(labels_of(2, 2))
    P = np.full((4, 2), 0.5)
    answer = experts._remembering(lambda told: asked.append(told) or P * 1, seeds, P)
    assert answer(seeds) is P
    first = answer(other)
    assert answer(other) is first
    assert asked == [other]


@pytest.mark.parametrize("seed", range(3))
def test_a_class_with_one_label_beside_forty_keeps_its_items(seed: int) -> None:
    X, y, A = blobs(900, 2.5, seed)
    features = np.column_stack([X, np.random.default_rng(9).normal(size=(900, 6))])
    told = joined(X, y, A, features, (40, 40, 1))
    graph, both, head = told.answers["graph"], experts.combine(told, None, 3), told.weights["head"]
    assert head > 0.2
    right = [(P[y == 2].argmax(axis=1) == 2).mean() for P in (graph, both)]
    assert right[1] > right[0] - 0.04  # a head that keeps its own shares loses 20 to 35 points here
