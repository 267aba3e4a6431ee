"""The estimator: scikit-learn's own checks, and its contract on real digits."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from sklearn.datasets import load_digits, make_circles, make_moons
from sklearn.semi_supervised import LabelSpreading
from sklearn.utils.estimator_checks import parametrize_with_checks

from kgkt import ConceptSpreading


def minus_one_is_no_class(estimator) -> dict[str, str]:
    """The one check that cannot hold: it gives -1 as a class, which scikit-learn's own LabelSpreading is spared."""
    return {"check_classifiers_classes": "-1 says that a row has no label, as in LabelSpreading"}


@parametrize_with_checks(
    [ConceptSpreading(random_state=0), ConceptSpreading(spread="concepts", balanced=True, random_state=0)],
    expected_failed_checks=minus_one_is_no_class,
)
def test_scikit_learn_s_checks(estimator, check) -> None:
    check(estimator)


@pytest.fixture(scope="module")
def few():
    """900 digits of which two a class have a label, and 897 others."""
    X, y = load_digits(return_X_y=True)
    given = np.full(900, -1)
    for digit in range(10):
        given[np.flatnonzero(y[:900] == digit)[:2]] = digit
    return X[:900], given, y[:900], X[900:], y[900:]


@pytest.fixture(scope="module")
def fitted(few) -> ConceptSpreading:
    return ConceptSpreading(random_state=0).fit(few[0], few[1])


def test_two_labels_a_class_teach_the_rest_better_than_label_spreading(few, fitted) -> None:
    X, given, y, _, _ = few
    free = given == -1
    ours = np.mean(fitted.transduction_[free] == y[free])
    theirs = np.mean(LabelSpreading(kernel="knn").fit(X, given).transduction_[free] == y[free])
    assert ours > 0.85
    assert ours > theirs + 0.05


def test_rows_of_fit_are_distributions_and_keep_their_labels(few, fitted) -> None:
    given = few[1]
    P = fitted.label_distributions_
    assert P.shape == (900, 10)
    assert np.allclose(P.sum(axis=1), 1, atol=1e-5)
    assert (fitted.transduction_[given >= 0] == given[given >= 0]).all()
    assert (fitted.transduction_ == fitted.classes_[P.argmax(axis=1)]).all()


def test_new_rows_are_predicted_through_the_fitted_map(few, fitted) -> None:
    X, _, _, new, y = few
    assert fitted.score(new, y) > 0.8
    P = fitted.predict_proba(new)
    assert np.allclose(P.sum(axis=1), 1)
    agree = np.mean(fitted.predict(X) == fitted.transduction_)
    assert agree > 0.9  # new rows go by their concepts alone


def test_the_same_state_gives_the_same_answer(few, fitted) -> None:
    again = ConceptSpreading(random_state=0).fit(few[0], few[1])
    assert np.array_equal(again.label_distributions_, fitted.label_distributions_)
    other = ConceptSpreading(random_state=1).fit(few[0], few[1])
    assert not np.array_equal(other.label_distributions_, fitted.label_distributions_)


def test_no_label_at_all_is_refused(few) -> None:
    with pytest.raises(ValueError, match="no row has a label"):
        ConceptSpreading().fit(few[0], np.full(900, -1))


def test_a_wrong_spread_names_the_nearest(few) -> None:
    with pytest.raises(ValueError, match="did you mean concepts"):
        ConceptSpreading(spread="concept").fit(few[0], few[1])


def test_importing_kgkt_stays_light() -> None:
    code = "import sys, kgkt; print(sorted({'numpy', 'sklearn', 'scipy'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        __import__("kgkt").nothing  # noqa: B018


@pytest.mark.parametrize("nothing", [None, "", -1, float("nan")])
def test_classes_may_be_texts_and_none_or_empty_says_that_a_row_has_no_label(few, fitted, nothing) -> None:
    X, given = few[0], few[1]
    words = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
    model = ConceptSpreading(random_state=0).fit(X, [words[digit] if digit >= 0 else nothing for digit in given])
    assert model.classes_.tolist() == sorted(words)
    assert [words.index(word) for word in model.transduction_] == fitted.transduction_.tolist()


def test_numbers_beside_none_stay_numbers_and_nothing_but_none_is_refused(few, fitted) -> None:
    X, given = few[0], few[1]
    model = ConceptSpreading(random_state=0).fit(X, [int(digit) if digit >= 0 else None for digit in given])
    assert np.array_equal(model.transduction_, fitted.transduction_)
    with pytest.raises(ValueError, match="no row has a label"):
        ConceptSpreading().fit(X, [None] * len(X))


@pytest.mark.parametrize(("shape", "least"), [("moons", 0.88), ("circles", 0.99)])
def test_shapes_in_the_plane_are_told_apart(shape, least):
    make = make_moons(300, noise=0.1, random_state=0) if shape == "moons" else make_circles(
        300, noise=0.03, factor=0.5, random_state=0)  # fmt: skip
    X, y = make
    told = np.concatenate([np.flatnonzero(y == c)[:5] for c in (0, 1)])
    labels = np.full(len(y), -1)
    labels[told] = y[told]
    model = ConceptSpreading(random_state=0).fit(X, labels)
    assert np.mean(model.transduction_ == y) > least
