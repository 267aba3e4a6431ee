"""The rows of an evaluation: every control and every rival by its name, from the same labels on the same pool.

scratch                  B on the labels alone
nearest mean             imprinted weights, Qi et al. 2018: what few-shot labelling tools do
random forest            balanced, on the labelled items: what active-learning tools do
head, head+rounds        logistic head tuned in C; the same with the teacher's rounds: no graph
label spreading(+rounds) Zhou et al. 2004 on the nearest items; rounds that end in the teacher's smoothing
PT-MAP (whitened)        Hu et al. 2021
Poisson(+rounds)         Calder et al. 2020 on the nearest items
PoissonMBO(+rounds)      the same authors' GraphLearning, given the true prior: its strongest form
PoissonMBO untold        the same knowing no more than the other rows, where no prior is stated: even shares
keras distillation       keras.distillation of A's own outputs where they are B's classes, else of its features
nodes only               concepts without edges, with the rounds
concepts, items, both    the teacher by its parts
shuffled memberships     `concepts` with every item given another item's concepts
raw inputs, untrained A  the teacher on a graph of the inputs themselves, of A before its training
kgkt                     the teacher as it would run on this task
kgkt+carry               the same for a B whose last hidden layer also learns which concepts an item is in
second inputs            no B at all: the second task read from its items themselves
"""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from kgkt.concepts.propagate import make_seeds
from kgkt.errors import InputError
from kgkt.proof import baselines
from kgkt.proof.answers import as_targets, scratch
from kgkt.transfer.head import head, tuned_C
from kgkt.transfer.items import poisson, smooth, smooth_answer
from kgkt.transfer.prototypes import pt_map
from kgkt.transfer.teacher import refit_rounds, teach

if TYPE_CHECKING:
    import numpy as np
    from scipy.sparse import csr_matrix

    from kgkt.concepts.propagate import Seeds
    from kgkt.proof.task import Options, Task
    from kgkt.proof.view import View
    from kgkt.values import Labels, Targets

CARRIED, INPUTS = "kgkt+carry", "second inputs"
B_ONLY = ("scratch", "keras distillation", CARRIED, INPUTS)  # rows without an answer for the pool
UNTOLD = "PoissonMBO untold"
OWN = ("kgkt", "concepts", "items", "both")  # kgkt's teacher and its parts
CONTROLS = ("nodes only", "shuffled memberships", "raw inputs", "untrained A")  # kgkt with a part broken


@dataclass(frozen=True, slots=True)
class Bench:
    """What every row of one seed works on.

    Args:
        task, options: of the evaluation.
        a: the pool through A, with a graph of this seed.
        raw, untrained: through its own inputs, through an untrained A; or None.
        near: gives the nearest items (n, 10) of a view and their graph (n, n).
        seed: of this draw.
        held: answers that several rows begin with, and the seconds they took.
        spared: seconds that were not spent again; they count for each row all the same.
    """

    task: Task
    options: Options
    a: View
    raw: View | None
    untrained: View | None
    near: Callable[[View], tuple[np.ndarray, csr_matrix]]
    seed: int
    held: dict[tuple[str, bytes], tuple[np.ndarray, float]] = field(default_factory=dict)
    spared: list[float] = field(default_factory=list)

    def once(self, name: str, seeds: Seeds, work: Callable[[], np.ndarray]) -> np.ndarray:
        """What `work` answers for these seeds, computed by the first row that asks."""
        key = (name, seeds.items.tobytes())
        if key in self.held:
            self.spared.append(self.held[key][1])
        else:
            start = time.perf_counter()
            self.held[key] = work(), time.perf_counter() - start
        return self.held[key][0].copy()


Row = Callable[[Bench, "Labels"], "Targets"]


def why_not(task: Task, method: str) -> str | None:
    """Why a row cannot apply to this task; None where it can."""
    if method in B_ONLY and task.b is None:
        return "there is no B"
    if method == "keras distillation" and task.own_answer is None and task.features is None:
        return "needs A's outputs or features of the pool"
    if method == "keras distillation" and task.own_answer is None:
        from kgkt.proof.distillation import last_hidden

        assert task.b is not None
        try:
            last_hidden(task.b())
        except InputError as error:
            return str(error)
    if method == "raw inputs" and task.raw_inputs is None:
        return "the inputs of the pool are not at hand as numbers"
    if method == "untrained A" and task.untrained is None:
        return "needs the model A itself, to read an untrained copy of it: name it in kgkt.toml, [source] model"
    if method == UNTOLD and task.prior is not None:
        return "the class shares are stated: PoissonMBO is told no more than the other rows"
    if method in ("PoissonMBO", "PoissonMBO+rounds", UNTOLD) and importlib.util.find_spec("graphlearning") is None:
        return "GraphLearning is not installed (pip install 'kgkt[proof]')"
    return None


def _answered(bench: Bench, labels: Labels, P: np.ndarray) -> Targets:
    return as_targets(baselines.answer(P, make_seeds(labels), labels), labels)


def _through(P_of: Callable[[Bench, Seeds], np.ndarray], rounds: bool = False, smoothed: bool = False) -> Row:
    """A row from a function of bench and seeds, with the teacher's rounds and the smoothing that ends them."""

    def row(bench: Bench, labels: Labels) -> Targets:
        import numpy as np

        seeds, prior = make_seeds(labels), bench.task.prior
        P = P_of(bench, seeds)
        if rounds:
            P = refit_rounds(P, bench.a.head, prior, len(labels.names))
        if smoothed:
            P = smooth_answer(P, np.ones(len(P), bool), bench.near(bench.a)[1], seeds, prior)
        return _answered(bench, labels, P)

    return row


def _head(bench: Bench, seeds: Seeds) -> np.ndarray:
    return head(bench.a.head, seeds, bench.task.prior, tuned_C(bench.a.head, seeds))


def _label_spreading(bench: Bench, seeds: Seeds) -> np.ndarray:
    return baselines.label_spreading(bench.a.vectors, seeds, bench.task.prior)


def _poisson(bench: Bench, seeds: Seeds) -> np.ndarray:
    return poisson(bench.near(bench.a)[1], seeds, bench.task.prior)


def _poisson_mbo(bench: Bench, seeds: Seeds) -> np.ndarray:
    import numpy as np

    shares = np.bincount(bench.task.pool_y, minlength=len(bench.task.names)) / len(bench.task.pool_y)
    near = bench.near(bench.a)[0]
    return bench.once("PoissonMBO", seeds, lambda: baselines.poisson_mbo(bench.a.vectors, near, seeds, shares))


def _poisson_mbo_soft(bench: Bench, seeds: Seeds) -> np.ndarray:
    """Its answer is all or nothing, which no round can change: smoothed over the nearest items first."""
    return smooth(_poisson_mbo(bench, seeds), bench.near(bench.a)[1], seeds)


def _poisson_mbo_untold(bench: Bench, seeds: Seeds) -> np.ndarray:
    import numpy as np

    c = len(bench.task.names)
    return baselines.poisson_mbo(bench.a.vectors, bench.near(bench.a)[0], seeds, np.full(c, 1 / c))


def _shuffled(bench: Bench, labels: Labels) -> Targets:
    Z = baselines.shuffled_memberships(bench.a.Z, bench.seed)
    return teach(
        bench.a.graph, Z, labels, bench.a.head, expert="none", prior=bench.task.prior, spreader=bench.a.spreader,
        expectation=False,
    )  # fmt: skip


def _teacher(
    spread: str | None = None, expert: str | None = None, view_of: Callable[[Bench], View | None] = lambda b: b.a
) -> Row:
    """The teacher on one view; `spread` and `expert` of the options where None."""

    def row(bench: Bench, labels: Labels) -> Targets:
        view = view_of(bench)
        assert view is not None
        how = spread or bench.options.spread
        return teach(
            view.graph, view.Z, labels, view.head, spread=how, expert=expert or bench.options.expert,
            text=bench.task.text, alpha=bench.options.alpha, prior=bench.task.prior, spreader=view.spreader,
            neighbours=None if how == "concepts" else bench.near(view)[1], expectation=False,
        )  # fmt: skip

    return row


ROWS: dict[str, Row] = {
    "scratch": lambda bench, labels: scratch(len(bench.task.pool_y), labels),
    "nearest mean": _through(lambda b, s: baselines.nearest_mean(b.a.head, s)),
    "random forest": _through(lambda b, s: baselines.random_forest(b.a.head, s, b.seed)),
    "head": _through(_head),
    "head+rounds": _through(_head, rounds=True),
    "label spreading": _through(_label_spreading),
    "label spreading+rounds": _through(_label_spreading, rounds=True, smoothed=True),
    "PT-MAP": _through(lambda b, s: pt_map(b.a.head, s, b.task.prior)),
    "PT-MAP whitened": _through(lambda b, s: pt_map(b.a.vectors, s, b.task.prior)),
    "Poisson": _through(_poisson),
    "Poisson+rounds": _through(_poisson, rounds=True, smoothed=True),
    "PoissonMBO": _through(_poisson_mbo),
    "PoissonMBO+rounds": _through(_poisson_mbo_soft, rounds=True, smoothed=True),
    UNTOLD: _through(_poisson_mbo_untold),
    "nodes only": _through(lambda b, s: baselines.nodes_only(b.a.Z, s, b.task.prior), rounds=True),
    "shuffled memberships": _shuffled,
    "raw inputs": _teacher(view_of=lambda b: b.raw),
    "untrained A": _teacher(view_of=lambda b: b.untrained),
    "concepts": _teacher("concepts", "none"),
    "items": _teacher("items", "none"),
    "both": _teacher("both", "none"),
    "kgkt": _teacher(),
}

_at = list(ROWS).index("nodes only")
METHODS = (*list(ROWS)[:_at], "keras distillation", *list(ROWS)[_at:])  # in the order of the tables
ROWS[CARRIED] = ROWS["kgkt"]


def further(task: Task, options: Options) -> tuple[str, ...]:
    """The rows behind those of METHODS that are run where they were asked for."""
    if task.b is None or options.train_b == "none":
        return ()
    carried = () if options.carry_weight is None else (CARRIED,)
    readable = task.second is not None and task.second[0].dtype.kind not in "OUS"
    return (*carried, *((INPUTS,) if readable else ()))


def same_as_kgkt(options: Options, method: str) -> bool:
    """Whether the row is what kgkt runs on this task, so that its figures are kgkt's."""
    return method == options.spread and options.expert == "none"
