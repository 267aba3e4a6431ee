"""Labels that the graph doubts: what all other labels say of each labelled item, beside the class it was given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kgkt.concepts.propagate import (
    ENOUGH,
    Seeds,
    Spreader,
    loo_scores,
    make_seeds,
    normalise,
    usual_count,
    without_items,
)
from kgkt.concepts.threads import one_thread
from kgkt.errors import InputError, count
from kgkt.transfer.experts import DOUBTED, TRUSTED
from kgkt.transfer.explain import hear, shares
from kgkt.transfer.explanation import Heard
from kgkt.transfer.head import head
from kgkt.transfer.items import within
from kgkt.transfer.judges import FLOOR, TEMPERATURES, AnswerOf, HeldOut, folds_of, in_folds, multiply, weigh
from kgkt.transfer.teacher import graph_answer
from kgkt.values import Labels

if TYPE_CHECKING:
    import numpy as np
    from scipy.sparse import csr_matrix

# Chosen on draws 300 to 303 of the benchmark tasks, ISSUE also of four small tables.
FEWEST = 3  # labels of a class, from which on they are judged: with two, half of what was called wrong was right
ISSUE = 0.07  # score below which a label is a suspect: another class is more than 13 times as likely
WRONG = (0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4)  # shares of the labels that may be wrong
EXACT = 0.03  # of Poisson learning: a thousandth finds as many, and takes twice as long


@dataclass(frozen=True, slots=True)
class Suspect:
    """A label, and what the others say of it.

    Args:
        item: its id.
        given: the class that a person gave it.
        expected: the class that the other labels speak for; it may be the same.
        score: quality of the label from 0 to 1: how likely `given` is beside the likeliest other class.
        is_issue: whether the score is below ISSUE.
        because: the labels of `expected` that the item hears most, with their shares in all that it hears over the
            concepts; none where nothing speaks against the label.
        uri, text: of the item, where they are at hand.
    """

    item: str
    given: str
    expected: str
    score: float
    is_issue: bool
    because: tuple[Heard, ...] = ()
    uri: str | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True)
class Judged:
    """Every label that can be judged, by its place among the M labels.

    Args:
        places: (m,).
        expected: (m,) the class that the others speak for.
        scores: (m,) from 0 to 1, low where they speak against the label.
        few: class -> its labels, for classes with fewer than FEWEST: none of theirs is judged.
        off: labels of items whose concepts are all off.
        unheard: labels that no other one reaches.
        weight: of the head, beside the graph's 1.
    """

    places: np.ndarray
    expected: np.ndarray
    scores: np.ndarray
    few: Mapping[int, int]
    off: int
    unheard: int
    weight: float


@one_thread()
def judge(
    spreader: Spreader,
    Z: csr_matrix,
    labels: Labels,
    features: np.ndarray,
    *,
    neighbours: csr_matrix | None = None,
    both: bool = True,
    with_head: bool = True,
) -> Judged:
    """Hold each label against what the others say of its item.

    Three answers are multiplied: the concepts' in closed form, the label left out; the graph's, and to the power of its
    weight that of a logistic head, both with labels held out in folds. The weight is the teacher's. A temperature, the
    one at which the product foretells the given classes best, some of them taken to be wrong, makes likelihoods of it.
    Wrong labels sit among those that judge. Ticks speak, but are not judged. Class shares do not count: people label
    as they like.

    Args:
        spreader: of the graph.
        Z: (n, k) memberships.
        labels: M labels, and ticks.
        features: (n, d) head features.
        neighbours: (n, n) graph of nearest items, or None: the concepts alone.
        both: whether the concepts have a part in the graph's answer beside Poisson learning.
        with_head: whether the head is asked.

    Raises:
        InputError: no label, labels of one class only, or no label that can be judged.
    """
    import numpy as np

    make_seeds(labels)  # refuses no labels at all
    if neighbours is not None:
        Z, labels, features, neighbours = _side_by_side(Z, labels, features, neighbours)
    on = np.asarray(Z[labels.items][:, spreader.active].sum(axis=1)).ravel() > 0
    told = Labels(labels.items[on], labels.classes[on], labels.names, labels.tick_items, labels.tick_classes)
    counts = np.bincount(told.classes, minlength=len(labels.names))
    few = {number: int(counts[number]) for number in np.flatnonzero((counts > 0) & (counts < FEWEST)).tolist()}
    _check(labels, told, counts)
    alone = loo_scores(spreader, Z, told)
    own = np.flatnonzero(counts[told.classes] >= FEWEST)
    heard = own[alone[own].sum(axis=1) > 0]
    if not len(heard):
        raise InputError("no label reaches another one over the concepts that are on: nothing to judge labels by")
    ask: dict[str, AnswerOf] = {
        "graph": lambda seeds: graph_answer(spreader, Z, seeds, None, neighbours, both=both, rough_to=EXACT)[0]
    }
    if with_head:
        ask["head"] = _head_of(features, told.items)
    places, answers = in_folds(told, ask, folds_of(told.classes))
    weights = {}
    if with_head:
        believed = TRUSTED if usual_count(told) >= ENOUGH else DOUBTED
        weights = weigh(HeldOut(told.classes[places], answers), {"head": believed})
    c, row = len(labels.names), np.argsort(places)[np.searchsorted(np.sort(places), heard)]
    logs = multiply({name: _named(P[row], c) for name, P in answers.items()}, weights)
    logs += np.log(np.maximum(_named(alone[heard], c), FLOOR))
    expected, scores = doubt(logs, told.classes[heard])
    return Judged(
        np.flatnonzero(on)[heard], expected, scores, few, int((~on).sum()), len(own) - len(heard),
        weights.get("head", 0.0),
    )  # fmt: skip


def _side_by_side(
    Z: csr_matrix, labels: Labels, features: np.ndarray, neighbours: csr_matrix
) -> tuple[csr_matrix, Labels, np.ndarray, csr_matrix]:
    """The same with the items in an order in which neighbours lie close: in memory, too, which halves the time.

    Reference: Cuthill & McKee 1969.
    """
    import numpy as np
    from scipy.sparse.csgraph import reverse_cuthill_mckee

    order = reverse_cuthill_mckee(neighbours, symmetric_mode=True)
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    moved = Labels(place[labels.items], labels.classes, labels.names, place[labels.tick_items], labels.tick_classes)
    return Z[order], moved, features[order], neighbours[order][:, order]


def _head_of(features: np.ndarray, items: np.ndarray) -> AnswerOf:
    """The head as a function of seeds, with answers for the labelled items: nobody else is asked about."""
    import numpy as np

    X = features[items]

    def answer_of(seeds: Seeds) -> np.ndarray:
        P = np.zeros((len(features), seeds.width))
        P[items] = head(X, within(seeds, items, len(features)), even=True)
        return P

    return answer_of


def _named(P: np.ndarray, n_classes: int) -> np.ndarray:
    """What answers (m, c + h) say of the named classes, rows to 1."""
    return normalise(P[:, :n_classes], None, n_classes)


def doubt(logs: np.ndarray, classes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How likely given classes are beside the likeliest other one, at the temperature that fits them best.

    Args:
        logs: (m, c) logarithms of answers, up to a constant for each row.
        classes: (m,) that were given.

    Returns:
        (m,) the likeliest class, the given one where it is level, and (m,) scores P_given / (P_given + P_other).
    """
    import numpy as np

    rows, logs = np.arange(len(classes)), logs - logs.max(axis=1, keepdims=True)
    sharpness = _sharpness(logs, classes)
    others = logs.copy()
    others[rows, classes] = -np.inf
    ahead = others.max(axis=1) - logs[rows, classes]
    expected = np.where(ahead > 0, others.argmax(axis=1), classes)
    return expected, 1 / (1 + np.exp(np.minimum(sharpness * ahead, 700.0)))


def _sharpness(logs: np.ndarray, classes: np.ndarray) -> float:
    """The temperature at which the answers foretell the classes (m,) best, if a share of these is wrong at random.

    Without that share few classes and many wrong labels make the answers look unsure of every item.

    Args:
        logs: (m, c) logarithms of answers, the largest of each row 0.

    Reference: label noise that is the same for all classes, Natarajan, Dhillon, Ravikumar & Tewari 2013.
    """
    import numpy as np

    def fit(sharpness: float) -> float:
        scaled = sharpness * logs
        own = np.exp(scaled[np.arange(len(classes)), classes]) / np.exp(scaled).sum(axis=1)
        others = (1 - own) / (logs.shape[1] - 1)
        return max(float(np.log((1 - wrong) * own + wrong * others).sum()) for wrong in WRONG)

    return max(TEMPERATURES, key=fit)


def _check(labels: Labels, told: Labels, counts: np.ndarray) -> None:
    """Refuse labels of which none can be judged, and say why."""
    if not len(told):
        raise InputError("every labelled item has only concepts that are switched off: no label can be judged")
    spoken = counts.nonzero()[0]
    if len(spoken) == 1:
        name, where = labels.names[spoken[0]], " on concepts that are on" if len(told) < len(labels) else ""
        raise InputError(f"only class {name} has labels{where} ({len(told)}): a label is doubted where another class "
                         "is likelier, so label items of a second one")
    if counts.max() < FEWEST:
        raise InputError(f"no class has {count(FEWEST, 'label')}, and {labels.names[counts.argmax()]} has most, "
                         f"{counts.max()}: too few to judge one by the others of its class")


def speak_for(
    spreader: Spreader, Z: csr_matrix, labels: Labels, place: int, wanted: int, how_many: int
) -> list[tuple[int, float]]:
    """The labels of a class that a labelled item hears most, its own left out.

    Args:
        spreader, Z, labels: as for `judge`.
        place: of the item's label.
        wanted: the class.
        how_many: at most.

    Returns:
        Place and share in all that arrives, the largest first.
    """
    import numpy as np

    item = int(labels.items[place])
    seeds = without_items(make_seeds(labels), item)
    share = shares(hear(spreader, Z, seeds, item))
    share[seeds.columns != wanted] = 0.0
    most = [s for s in np.argsort(-share, kind="stable")[:how_many].tolist() if share[s] > 0]
    at = {one: number for number, one in enumerate(labels.items.tolist())}
    return [(at[int(seeds.items[s])], float(share[s])) for s in most]
