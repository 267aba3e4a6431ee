"""The demo: B learns the digits from a few labels through A's graph, beside every control; then one edit."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kgkt.demo import digits, edit, wrong
from kgkt.proof import answers as contest
from kgkt.proof import task
from kgkt.proof.answers import Answer
from kgkt.proof.view import View, make_view, recluster, write_arrays
from kgkt.transfer.trainer import Trainer
from kgkt.values import REPORT_COLUMNS, Labels, Report

if TYPE_CHECKING:
    import keras
    import numpy as np

DRAWS = 3  # draws of labels, averaged within a seed
FEW, EDIT, WRONG = "few-labels", "edit", "wrong-labels"
WRITTEN = "kgkt, weights written"  # the same targets, into a B whose layers were written first
CEILING = "A's own head"

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Setting:
    """What the demo runs; the defaults are the demo, tests take less.

    Args:
        labels: labels a class, ascending.
        seeds: splits of the digits, each with an A of its own.
        draws: draws of labels a seed.
        epochs: of A's training.
        steps: of each B's training.
        doubted: labels a class where a share of them is wrong, ascending.
    """

    labels: tuple[int, ...] = (2,)
    seeds: int = 5
    draws: int = DRAWS
    epochs: int = digits.A_EPOCHS
    steps: int = digits.B_STEPS
    doubted: tuple[int, ...] = (5, 10)


FULL = Setting(labels=(1, 2, 5), seeds=10)


@dataclass(frozen=True, slots=True)
class Showcase:
    """The first split, to be left behind as a run directory that a person can go on with.

    Args:
        split: data.
        a: the trained A; its head is withheld from everything but the ceiling.
        b: the untrained B of the few labels.
        labels: the first draw at the first number of labels a class.
        case: the first edit.
        a_accuracy: of A's own head on the test set.
        view: the pool through A.
        mass: (k, 10) what each concept leans to.
    """

    split: digits.Split
    a: keras.Model
    b: keras.Model
    labels: Labels
    case: edit.Case
    a_accuracy: float
    view: View
    mass: np.ndarray


@dataclass(frozen=True, slots=True)
class Demo:
    """What the demo found.

    Args:
        report: one row a method, label count, seed and metric.
        facts: what the stages made, and milliseconds to re-propagate.
        showcase: for the run directory.
    """

    report: Report
    facts: dict[str, Any]
    showcase: Showcase


def run_demo(setting: Setting | None = None, progress: Progress | None = None) -> Demo:
    """Run the demo.

    Args:
        setting: what to run.
        progress: called with (what is done, done, total) after every seed's part.

    Returns:
        Its report, facts and showcase. The same setting gives the same figures on the same machine.
    """
    from threadpoolctl import threadpool_limits

    # matrices this small gain nothing from threads, and on a busy machine lose seconds to them
    with threadpool_limits(1):
        return _run(setting or Setting(), progress or (lambda what, done, total: None))


def _run(setting: Setting, progress: Progress) -> Demo:
    start = time.perf_counter()
    source = digits.Source(setting.epochs)
    b, b_edit = (Trainer(digits.build_b(c)) for c in (digits.N_CLASSES, digits.N_CLASSES - 1))
    rows: list[dict[str, Any]] = []
    milliseconds: list[float] = []
    first: tuple[Showcase, dict[str, Any]] | None = None
    for seed in range(setting.seeds):
        split, views, own = _look(source, seed)
        progress("A trained and read", 4 * seed + 1, 4 * setting.seeds)
        rows += average(_few_labels(setting, seed, split, views, own, b))
        progress("few labels", 4 * seed + 2, 4 * setting.seeds)
        rows += average(_edits(setting, seed, split, views[0], b_edit, milliseconds))
        progress("edits", 4 * seed + 3, 4 * setting.seeds)
        rows += average(_wrong_labels(setting, seed, split, views[0]))
        progress("wrong labels", 4 * seed + 4, 4 * setting.seeds)
        if first is None:
            first = _showcase(setting, source, split, views[0]), _facts(split, views[0], source)
    assert first is not None
    showcase, facts = first
    facts["repropagation_ms"] = sorted(milliseconds)[len(milliseconds) // 2]
    facts["seconds"] = time.perf_counter() - start
    return Demo(Report(tuple(rows)), facts, showcase)


def draw_labels(pool_y: np.ndarray, per_class: int, rng: np.random.Generator) -> Labels:
    """Draw `per_class` labels of each digit from the pool; from one `rng` state, fewer are a part of more."""
    return task.draw_labels(pool_y, tuple(str(d) for d in range(digits.N_CLASSES)), per_class, rng)


def average(rows: Iterator[dict[str, Any]]) -> list[dict[str, Any]]:
    """Average the repetitions inside each seed: rows that differ in value and seconds only become one."""
    groups: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for row in rows:
        groups.setdefault(tuple(row[c] for c in REPORT_COLUMNS[:5]), []).append(row)
    return [
        group[0] | {c: sum(row[c] for row in group) / len(group) for c in ("value", "seconds")}
        for group in groups.values()
    ]


def _look(source: digits.Source, seed: int) -> tuple[digits.Split, tuple[View, View, View], np.ndarray]:
    """Train A on a split and see its pool through A, through raw pixels and through an untrained A."""
    split = digits.make_split(seed)
    with tempfile.TemporaryDirectory(prefix="kgkt-demo-") as folder:

        def see(name: str, layers: dict[str, np.ndarray]) -> View:
            features = write_arrays(Path(folder) / f"{name}.parquet", split.pool_ids, layers, name)
            return make_view(features, digits.CONCEPTS, seed)

        source.untrained(seed)
        untrained = see("untrained", source.features(split.pool_x))
        source.train(split, seed)
        views = see("a", source.features(split.pool_x)), see("pixels", {"pixels": split.pool_x}), untrained
    return split, views, source.own_answer(split.pool_x)


def _few_labels(
    setting: Setting, seed: int, split: digits.Split, views: tuple[View, View, View], own: np.ndarray, b: Trainer
) -> Iterator[dict[str, Any]]:
    """Rows of the first table for one seed, one a draw."""
    import numpy as np

    for draw in range(setting.draws):
        a, pixels, untrained = (recluster(view, digits.CONCEPTS, setting.draws * seed + draw) for view in views)
        for count in setting.labels:
            labels = draw_labels(split.pool_y, count, np.random.default_rng([seed, draw]))
            for answer in _answers(a, pixels, untrained, own, labels, _balanced()):
                start = time.perf_counter()
                written = a if answer.method == WRITTEN else None
                contest.teach_b(b, split.pool_x, answer.targets, labels, setting.steps, draw, written)
                value = b.accuracy(split.test_x, split.test_y)
                seconds = answer.seconds + time.perf_counter() - start
                yield _row(FEW, answer.method, count, seed, "test_accuracy", value, seconds)


def _balanced() -> np.ndarray:
    """The prior: the pool is balanced, and that is stated."""
    import numpy as np

    return np.full(digits.N_CLASSES, 1 / digits.N_CLASSES)


def _answers(
    a: View, pixels: View, untrained: View, own: np.ndarray, labels: Labels, prior: np.ndarray
) -> Iterator[Answer]:
    """All rows of the first table."""
    yield from contest.rivals(a, labels, prior)
    yield contest.through_graph("pixels", pixels, labels, prior)
    yield contest.through_graph("untrained A", untrained, labels, prior)
    kgkt = contest.through_graph("kgkt", a, labels, prior)
    yield kgkt
    yield replace(kgkt, method=WRITTEN)
    yield contest.timed(CEILING, lambda: contest.as_targets(own, labels))


def _edits(
    setting: Setting, seed: int, split: digits.Split, view: View, b: Trainer, milliseconds: list[float]
) -> Iterator[dict[str, Any]]:
    """Rows of the second table for one seed, one a pair and draw; times go to `milliseconds`."""
    import numpy as np

    for draw in range(setting.draws):
        rng = np.random.default_rng([seed, draw])
        drawn = recluster(view, digits.CONCEPTS, setting.draws * seed + draw)
        for one, other in edit.pairs(rng):
            case = edit.make_case(split.pool_y, one, other, rng)
            milliseconds.append(edit.repropagation_ms(drawn, case))
            for answer in edit.answers(drawn, case):
                labels = case.before if answer.method == "before" else case.labels
                start = time.perf_counter()
                contest.teach_b(b, split.pool_x, answer.targets, labels, setting.steps, draw)
                predicted = b.predict(split.test_x).argmax(axis=1)
                seconds = answer.seconds + time.perf_counter() - start
                for metric, value in edit.judge(predicted, split.test_y, case).items():
                    yield _row(EDIT, answer.method, edit.OTHER_LABELS, seed, metric, value, seconds)


def _wrong_labels(setting: Setting, seed: int, split: digits.Split, view: View) -> Iterator[dict[str, Any]]:
    """Rows of the third table for one seed, one a draw."""
    import numpy as np

    for draw in range(setting.draws):
        drawn = recluster(view, digits.CONCEPTS, setting.draws * seed + draw)
        for count in setting.doubted:
            rng = np.random.default_rng([seed, draw])
            right = draw_labels(split.pool_y, count, rng)
            given = wrong.plant(right.classes, digits.N_CLASSES, wrong.SHARE, rng)
            labels = Labels(right.items, given, right.names)
            for method, scores, seconds in wrong.rankings(drawn, labels):
                yield _row(WRONG, method, count, seed, "found", wrong.found(scores, given != right.classes), seconds)


def _row(
    task: str, method: str, per_class: int, seed: int, metric: str, value: float, seconds: float
) -> dict[str, Any]:
    return dict(zip(REPORT_COLUMNS, (task, method, per_class, seed, metric, value, seconds), strict=True))


def _showcase(setting: Setting, source: digits.Source, split: digits.Split, view: View) -> Showcase:
    """Keep the first split with an A of its own: the compiled one goes on to the next split."""
    import numpy as np

    a = digits.build_a(0)
    a.set_weights(source.model.get_weights())
    rng = np.random.default_rng([0, 0])
    one, other = edit.pairs(rng)[0]
    case = edit.make_case(split.pool_y, one, other, rng)
    labels = draw_labels(split.pool_y, setting.labels[0], np.random.default_rng([0, 0]))
    right = float(np.mean(source.own_answer(split.test_x).argmax(axis=1) == split.test_y))
    mass = contest.through_graph("kgkt", view, labels, _balanced()).targets.mass
    return Showcase(split, a, digits.build_b(), labels, case, right, view, mass)


def _facts(split: digits.Split, view: View, source: digits.Source) -> dict[str, Any]:
    """What the stages made of the first split."""
    from kgkt.concepts.cluster import stability

    widths = {name: v.shape[1] for name, v in source.features(split.pool_x[:1]).items()}
    return {
        "a_weights": int(source.model.count_params()),
        "items": {"a": len(split.a_y), "pool": len(split.pool_y), "test": len(split.test_y)},
        "features": widths,
        "graph": {
            "concepts": len(view.graph),
            "edges": len(view.graph.edges),
            "stability": stability(view.vectors, len(view.graph), 0),
        },
    }
