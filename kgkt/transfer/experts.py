"""The experts of the teacher beside the graph: which of them join, with which weight, and why.

Its first answer is a product: log P0 = log P_graph + w_head log P_head + w_prototypes log P_prototypes. A head gives a
class with few examples beside others with many too few items, though each class weighs the same in it: where no class
shares are stated, such a class is as large in its answer as in that of the graph.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from kgkt.concepts.propagate import ENOUGH, Seeds, normalise, usual_count
from kgkt.errors import count
from kgkt.transfer.head import head
from kgkt.transfer.items import within
from kgkt.transfer.judges import FLOOR, AnswerOf, HeldOut, held_out, multiply, score, torn, weigh
from kgkt.transfer.prototypes import pt_map

if TYPE_CHECKING:
    import numpy as np
    from scipy.sparse import csr_matrix

    from kgkt.values import Labels

EXPERTS = ("auto", "none", "head", "prototypes")
MARGIN = 0.5  # standard errors by which prototypes may tear more neighbours apart than are torn without them
MARGIN_ALONE = 2.0  # the same where a class or tick has a single example, so that the graph must judge
AGAINST = 1.0  # log-likelihood that the labels held out must lose with prototypes to keep them out
AGAINST_ALONE = 4.0  # the same where a class or tick has a single example, of which the labels of others say less
PROTOTYPES = 0.5  # their weight where the graph lets them in
# How likely each weight of judges.WEIGHTS is before any label is looked at; chosen on draws 300 to 303 of the tasks.
ALONE = (1.0, 0.0, 0.0, 0.0)  # one label a class
DOUBTED = (0.6, 0.35, 0.05, 0.0)
TRUSTED = (0.25, 0.5, 0.2, 0.05)  # five labels a class, or more
JOINED = (0.0, 0.6, 0.3, 0.1)  # told to join, or prototypes of texts, whose models were trained for cosine


@dataclass(frozen=True, slots=True)
class Joined:
    """What the experts say, and what it counts.

    Args:
        answers: expert -> (n, c + h), rows sum to 1; of the graph, and of all that were asked.
        reached: (n,) bool; the others keep what the graph says of them.
        weights: expert -> weight, without the graph's, which is 1.
        why: expert -> of its weight, in words.
        held: what they said of labels that were held out; None where there were none.
        finished: (n, c + h) the teacher's last answer, where the graph judged it already.
    """

    answers: Mapping[str, np.ndarray]
    reached: np.ndarray
    weights: dict[str, float] = field(default_factory=dict)
    why: dict[str, str] = field(default_factory=dict)
    held: HeldOut | None = None
    finished: np.ndarray | None = None


def combine(joined: Joined, prior: np.ndarray | None, n_classes: int) -> np.ndarray:
    """The first answer P0 (n, c + h): the graph's times each expert's to the power of its weight; rows sum to 1."""
    import numpy as np

    graph, on = joined.answers["graph"], joined.reached
    if not any(joined.weights.values()):
        return graph
    out = graph.copy()
    P = np.exp(multiply({name: answer[on] for name, answer in joined.answers.items()}, joined.weights))
    P[:, ~(graph[on] > 0).any(axis=0)] = 0.0  # a class that is nowhere must not be blown up to its share
    out[on] = normalise(P, prior, n_classes)
    return out


def join(
    graph_answer: AnswerOf,
    P: np.ndarray,
    reached: np.ndarray,
    labels: Labels,
    seeds: Seeds,
    features: np.ndarray,
    *,
    expert: str,
    text: bool,
    prior: np.ndarray | None,
    neighbours: csr_matrix | None,
    finish: Callable[[Joined], np.ndarray],
    given: Labels | None = None,
    expectation: bool = True,
) -> Joined:
    """Ask the experts, and let labels and graph judge them.

    The labels that are held out weigh the head, and the prototypes of texts. Elsewhere prototypes may ruin an answer:
    they join where they give no more neighbours different answers, and do not foretell the labels held out worse.

    Args:
        graph_answer: the graph's answer from any seeds.
        P: (n, c + h) its answer from all of them.
        reached: (n,) bool; the others take no part.
        labels, seeds: the labels and ticks.
        features: (n, d) head features.
        expert: one of EXPERTS.
        text: whether A was trained for cosine, as models of sentences are.
        prior: (c,) or None.
        neighbours: (n, n) graph of nearest items, or None.
        finish: the teacher's last answer, from what the experts say.
        given: all that people said, if that is more than what teaches.
        expectation: whether labels are held out where no expert is asked.
    """
    import numpy as np

    usual = usual_count(labels)
    if expert == "none":
        wanted = expectation and usual >= ENOUGH
        held = held_out(labels, {"graph": graph_answer}, reached) if wanted else None
        return Joined({"graph": P}, reached, held=held)
    if len(np.unique(within(seeds, np.flatnonzero(reached), len(features)).columns)) < 2:
        return Joined({"graph": P}, reached)
    graph_answer = _remembering(graph_answer, seeds, P)
    ask = _ask(features, reached, prior)
    few = np.zeros(seeds.width, bool) if prior is not None else with_few(seeds, labels if given is None else given)
    if few.any():
        ask["head"] = _keeping_sizes(ask["head"], graph_answer, reached, few)
    names: tuple[str, ...] = ("head", "prototypes") if expert == "auto" else (expert,)
    if expert == "auto" and neighbours is None and not text:
        names = names[:1]  # nothing could judge prototypes
    judged = names if text else names[:1]  # elsewhere the graph judges prototypes first, which costs less
    held = held_out(labels, {"graph": graph_answer} | {name: ask[name] for name in judged}, reached)
    answers = {"graph": P} | {name: ask[name](seeds) for name in names}
    by = _by_labels(labels, held)
    of_head = f"{by}; what has fewer than {ENOUGH} labels is as large in it as in the graph" if few.any() else by
    if expert != "auto":
        why = f"asked for; {of_head if expert == 'head' else by}"
        return Joined(answers, reached, weigh(held, {expert: JOINED}), {expert: why}, held)
    silent = bool((np.bincount(seeds.columns) == 1).any())
    believed = {"head": ALONE if held is None else TRUSTED if usual >= ENOUGH else DOUBTED}
    if text:
        both = {"head": of_head, "prototypes": f"texts are embedded for cosine; {by}"}
        return Joined(answers, reached, weigh(held, believed | {"prototypes": JOINED}), both, held)
    alone = Joined(answers, reached, weigh(held, believed), {"head": of_head}, held)
    if neighbours is None:
        return alone
    without = finish(alone)
    joined = _let_in(alone, without, neighbours, finish, MARGIN_ALONE if silent else MARGIN)
    if held is None or not joined.weights["prototypes"]:
        return joined
    beside = held_out(labels, {"prototypes": ask["prototypes"]}, reached)
    assert beside is not None
    more = replace(held, answers=dict(held.answers) | dict(beside.answers))
    may_lose = AGAINST_ALONE if silent and not few.any() else AGAINST  # of uneven labels those held out say enough
    if score(more, joined.weights) >= score(more, alone.weights) - may_lose:
        return replace(joined, held=more)
    return _with_prototypes(alone, 0.0, "stay out: with them the labels held out are foretold worse", without)


def _let_in(
    alone: Joined,
    without: np.ndarray,
    neighbours: csr_matrix,
    finish: Callable[[Joined], np.ndarray],
    margin: float,
) -> Joined:
    """The same with the prototypes' weight, as the graph judges them by what comes `without` them."""
    beside = finish(_with_prototypes(alone, PROTOTYPES, ""))
    level, share = torn(without, neighbours), torn(beside, neighbours)
    why = f"{100 * share:.1f} % of neighbours get different answers with them, {100 * level:.1f} % without"
    if share <= level + margin * (2 * level * (1 - level) / max(neighbours.nnz, 1)) ** 0.5:
        return _with_prototypes(alone, PROTOTYPES, f"join: {why}", beside)
    return _with_prototypes(alone, 0.0, f"stay out: {why}", without)


def _with_prototypes(alone: Joined, weight: float, why: str, finished: np.ndarray | None = None) -> Joined:
    return replace(
        alone, weights=alone.weights | {"prototypes": weight}, why=alone.why | {"prototypes": why}, finished=finished
    )


def with_few(seeds: Seeds, given: Labels) -> np.ndarray:
    """(c + h,) bool, the classes and ticks with few examples: fewer than five, and half of what another has at most.

    Args:
        seeds: those that teach.
        given: all that people said: a class is none of these for having most of its labels where concepts are off.
    """
    import numpy as np

    counts = np.bincount(seeds.columns, minlength=seeds.width)
    counts[: seeds.n_classes] = np.bincount(given.classes, minlength=seeds.n_classes)
    return (counts > 0) & (counts < ENOUGH) & (2 * counts <= counts.max())


def _remembering(answer_of: AnswerOf, seeds: Seeds, P: np.ndarray) -> AnswerOf:
    """The same; what it was asked last, P of these seeds to begin with, it does not work out again."""
    last = seeds, P

    def answer(told: Seeds) -> np.ndarray:
        nonlocal last
        if told is not last[0]:
            last = told, answer_of(told)
        return last[1]

    return answer


def _keeping_sizes(
    head_answer: AnswerOf, graph_answer: AnswerOf, reached: np.ndarray, few: np.ndarray
) -> AnswerOf:
    """The head with as many items in classes with few examples as the graph's answer has, of those that it reaches.

    The other classes share the rest as the head has it.

    Args:
        head_answer, graph_answer: from any seeds.
        reached: (n,) bool.
        few: (c + h,) bool, at least one of them not.
    """
    import numpy as np

    def answer(told: Seeds) -> np.ndarray:
        P = head_answer(told)
        own, shares = P[reached].mean(axis=0), graph_answer(told)[reached].mean(axis=0)
        others = own * ~few
        shares = np.where(few, shares, others / max(others.sum(), FLOOR) * (1 - shares[few].sum()))
        P[reached] = normalise(P[reached], shares, told.width)
        return P

    return answer


def _by_labels(labels: Labels, held: HeldOut | None) -> str:
    """What the labels could say, in words."""
    import numpy as np

    if held is None:
        return "no label can be held out: nothing to judge it by"
    counts = np.bincount(labels.classes, minlength=len(labels.names))
    single = [name for name, many in zip(labels.names, counts, strict=True) if many == 1]
    some = f"{', '.join(single[:3])}{', …' if len(single) > 3 else ''} {'has' if len(single) == 1 else 'have'}"
    left = f"; {some} a single one, which is never held out" if single else ""
    return f"by how well it foretells {count(len(held.classes), 'label')} held out in turn{left}"


def _ask(features: np.ndarray, reached: np.ndarray, prior: np.ndarray | None) -> dict[str, AnswerOf]:
    """The experts as functions of seeds; items that nothing reaches take no part, and get even answers.

    The head's strength is not tuned: its weight is, and on the benchmark tasks tuning both gained nothing.
    """
    import numpy as np

    on = np.flatnonzero(reached)
    X = features if len(on) == len(features) else features[on]

    def over(answer: AnswerOf) -> AnswerOf:
        def answer_of(told: Seeds) -> np.ndarray:
            P = np.full((len(features), told.width), 1.0 / told.n_classes)
            P[:, told.n_classes :] = 0.0
            P[on] = answer(within(told, on, len(features)))
            return P

        return answer_of

    return {
        "head": over(lambda told: head(X, told, prior, even=True)),
        "prototypes": over(lambda told: pt_map(X, told, prior)),
    }
