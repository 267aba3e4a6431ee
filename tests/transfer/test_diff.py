"""What of one view of a pool stands in another."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from scipy.sparse import csr_matrix

from kgkt.errors import InputError
from kgkt.transfer import diff
from kgkt.transfer.diff_target import fresh_copy, hidden_vectors, tap_of
from kgkt.transfer.items import nearest_items
from tests.texts import make_phrases, string_b


def held(numbers: list[int], k: int | None = None) -> csr_matrix:
    """(n, k) memberships of items in one concept each."""
    rows = np.arange(len(numbers))
    return csr_matrix((np.ones(len(numbers)), (rows, numbers)), shape=(len(numbers), k or max(numbers) + 1))


# Twenty items a concept: 0 stays, but for two items in 11, 1 falls into two, 2 and 3 become one, 4 and 5 are dealt out over 7
# to 10.
OURS = [c for c in range(6) for _ in range(20)]
THEIRS = [0] * 18 + [11] * 2 + [1] * 12 + [2] * 8 + [3] * 40 + [7, 8, 9, 10] * 5 + [7, 8, 9, 10] * 5


def kept_by(Z: csr_matrix, groups: csr_matrix) -> diff.Kept:
    return diff.Kept(diff.in_groups(Z, groups), diff.shuffled(Z, groups, 0), diff.in_groups(Z, Z), diff.sizes_of(Z))


def test_the_chance_to_come_back_by_way_of_a_group() -> None:
    Z, groups = held(OURS), held(THEIRS)
    found = diff.in_groups(Z, groups)
    assert found[2] == found[3] == pytest.approx(0.5)
    assert found[1] == pytest.approx(1.0)
    assert (found[0], found[4]) == (pytest.approx(1.0), pytest.approx(0.5))
    np.testing.assert_allclose(diff.in_groups(Z, Z), 1.0)
    chance = diff.shuffled(Z, held([0] * 120), 0)
    np.testing.assert_allclose(chance, 1 / 6)  # one group of all knows nothing


def test_soft_memberships_count_by_their_strength() -> None:
    Z = csr_matrix(np.array([[0.75, 0.25], [0.75, 0.25], [0.0, 1.0], [0.0, 1.0]]))
    pairs = np.array([[1], [0], [3], [2]])
    np.testing.assert_allclose(diff.near_each(Z, pairs), [0.75, (2 * 0.0625 + 2) / 2.5])
    across = np.array([[2], [3], [0], [1]])
    np.testing.assert_allclose(diff.near_each(Z, across), [0.0, (0.25 * 2 + 0.25 * 2) / 2.5])


def test_verdicts_by_hand() -> None:
    Z, groups = held(OURS), held(THEIRS)
    kept = kept_by(Z, groups)
    found = diff.verdicts(kept, Z, groups)
    assert [v.word for v in found] == ["arrived", "split", "merged", "merged", "in part", "in part"]
    assert (found[1].into, found[2].into, found[2].beside, found[3].beside) == ((1, 2), (3,), (3,), (2,))
    assert kept.position[0] > 0.9 > kept.position[4]


def test_what_is_scattered_is_lost_and_the_rest_of_it_new_the_other_way_round() -> None:
    rng = np.random.default_rng(0)
    numbers = np.array([c for c in range(6) for _ in range(20)])
    other = numbers.copy()
    some = np.flatnonzero(numbers >= 3)
    other[some] = rng.permutation(numbers[some])  # three concepts, whose items are dealt out anew
    Z, groups = held(numbers.tolist()), held(other.tolist())
    assert [v.word for v in diff.verdicts(kept_by(Z, groups), Z, groups)] == ["arrived"] * 3 + ["lost"] * 3
    back = diff.Kept(diff.in_groups(groups, Z), diff.shuffled(groups, Z, 0), diff.in_groups(groups, groups),
                     diff.sizes_of(groups))  # fmt: skip
    assert diff.new_ones(back, groups, Z) == [3, 4, 5]


def test_nothing_is_told_without_room_between_floor_and_ceiling() -> None:
    Z = held([0, 0, 0, 1, 1, 1], k=3)
    kept = diff.Kept(np.array([0.5, 0.5, np.nan]), np.array([0.46, 0.2, np.nan]), np.array([0.5, 0.6, np.nan]),
                     diff.sizes_of(Z))  # fmt: skip
    assert [v.word for v in diff.verdicts(kept, Z, Z)] == ["unclear", "arrived", "unclear"]
    assert kept.overall(np.array([False, True, True])) == pytest.approx(
        {"kept": 0.5, "floor": 0.2, "ceiling": 0.6, "position": 0.75})
    assert np.isnan(kept.overall(np.zeros(3, bool))["kept"])


def test_correspondences_are_the_strong_ones_and_the_best_of_each() -> None:
    Z, groups = held(OURS), held(THEIRS)
    found = {(a, b): (there, back) for a, b, there, back in diff.correspondences(Z, groups, range(6))}
    assert found[2, 3] == (1.0, 0.5)
    assert found[0, 11] == (pytest.approx(0.1), pytest.approx(1.0))
    assert (0, 3) not in found
    assert {a for a, _ in found} == set(range(6))
    assert {a for a, *_ in diff.correspondences(Z, groups, [2])} == {2}


def test_the_strongest_is_found_wherever_it_stands_in_a_row() -> None:
    Z = csr_matrix(np.array([[0.25, 0.75, 0.0], [0.5, 0.0, 0.5], [0.0, 0.0, 0.0]]))
    assert diff.strongest(Z).toarray().tolist() == [[0, 1, 0], [1, 0, 0], [0, 0, 0]]


def small_b() -> keras.Model:
    keras.utils.set_random_seed(0)
    return keras.Sequential([
        keras.Input((4,)), keras.layers.Normalization(name="range"), keras.layers.Dense(6, activation="relu", name="in"),
        keras.layers.Dropout(0.5), keras.layers.Dense(3, activation="softmax", name="out")])  # fmt: skip


def test_the_last_hidden_layer_as_b_has_it() -> None:
    b, x = small_b(), np.random.default_rng(0).normal(size=(40, 4)).astype(np.float32)
    b.layers[0].adapt(x)
    assert tap_of(b)[0].name == "out"
    vectors = hidden_vectors(b, x)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    named = hidden_vectors(b, x, "in")
    assert (nearest_items(vectors, 3) == nearest_items(named, 3)).all()  # dropout does nothing there


def test_a_fresh_copy_keeps_what_was_adapted_and_nothing_learned() -> None:
    b, x = small_b(), np.random.default_rng(0).normal(3, 2, size=(40, 4)).astype(np.float32)
    b.layers[0].adapt(x)
    one, again, other = (fresh_copy(b, seed) for seed in (1, 1, 2))
    np.testing.assert_allclose(one.layers[0](x), b.layers[0](x), atol=1e-5)
    kernels = [model.get_layer("in").kernel.numpy() for model in (b, one, again, other)]
    assert (kernels[1] == kernels[2]).all()
    assert not any((kernels[1] == kernels[n]).all() for n in (0, 3))


def test_a_fresh_copy_reads_the_same_words() -> None:
    b = string_b(make_phrases(), (1,))
    fresh = fresh_copy(b, 0)
    words = [next(la for la in model.layers if la.name == "words").get_vocabulary() for model in (b, fresh)]
    assert words[0] == words[1] != []


def test_what_knows_nothing_is_refused() -> None:
    b, x = small_b(), np.ones((10, 4), np.float32)
    with pytest.raises(InputError, match="the same for every item"):
        hidden_vectors(b, x)
    with pytest.raises(InputError, match="no numbers for 1 of 10 items"):
        hidden_vectors(b, np.vstack([x[:9], [[np.nan] * 4]]), "range")
    with pytest.raises(InputError, match=r"b\.keras has no layer 'inn'; did you mean in"):
        tap_of(b, "inn", "b.keras")
    bare = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, activation="softmax", name="out")])
    with pytest.raises(InputError, match="no hidden layer: its head out reads the items themselves"):
        tap_of(bare)
    pooled = keras.Sequential([keras.Input((4, 4, 1)), keras.layers.Conv2D(3, 3, name="c"),
                               keras.layers.GlobalAveragePooling2D(name="gap")])  # fmt: skip
    with pytest.raises(InputError, match=r"ends in no Dense layer.*--layer \(.*gap\)"):
        tap_of(pooled)
