"""Wrong labels that are planted: who finds them, at how many labels a class.

    python benchmarks/suspects.py                                  every task, 20 draws: what docs/results.md quotes
    python benchmarks/suspects.py wordnet --labels 10,25 --share 0.1 --seeds 5 --out /tmp/suspects

For each task, label count and draw of labels, a share of them is made wrong: "uniform", any other class, or "pair", the
next class. Every row ranks the same labels. "found": of as many of the lowest ranked as there are wrong labels, the
share that is wrong. "called": of what a method calls wrong by its own rule, the share that is, and "caught" the share
of the wrong that it calls; "clean", the share that it calls wrong of labels that all are right. A class that has fewer
items than labels are asked for gives all of them; small tables are left out where a class has too few.

    kgkt         what `kgkt suspects` computes
    head         logistic head on A's features, C tuned, held out in the same folds: probability of the given class
    cleanlab     the same probabilities, adjusted self-confidence and find_label_issues (cleanlab 2, its defaults)
    cleanlab C=1 the score with scikit-learn's default C, which is not tuned
    neighbours   the ten nearest labels by cosine in A's embedding: their share of the given class

Three labels a class are the fewest that can be judged. Writes report.json and report.md into
benchmarks/results/suspects. Reference: Northcutt, Jiang & Chuang 2021, whose package cleanlab is.
"""

from __future__ import annotations

import argparse
import importlib
import json
import multiprocessing
import os
import statistics
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

TABLES = ("iris", "wine", "cancer", "moons")  # measurements; A is none: the columns themselves, scaled
TASKS = ("fashion", "fashion_digits", "emoji", "fashion_same", "digits", "wordnet", *TABLES)
NEW = ("fashion", "fashion_digits")  # classes that A was not trained on, where kgkt has to be ahead
KINDS = ("uniform", "pair")
COUNTS = "5,10,25,50,100"
AHEAD, BEHIND, UP_TO = 5.0, -3.0, 25  # the bar, in points beside cleanlab: at 5 and 10 labels of NEW; else
RESULTS = Path(__file__).parent / "results" / "suspects"


@dataclass(frozen=True)
class Case:
    """One draw: the pool as A sees it, the labels as they were given, and which are wrong.

    Args:
        view: embedding, head features, concepts of the draw's seed, and nearest items.
        labels: as given.
        wrong: (M,) bool.
        head: (M, c) of a tuned logistic head, each label held out.
    """

    view: Any
    labels: Any
    wrong: np.ndarray
    head: np.ndarray


@dataclass(frozen=True)
class Pool:
    """A task before any label is drawn: embedded, with nearest items; (n,) true classes; their names."""

    view: Any
    y: np.ndarray
    names: tuple[str, ...]


Found = tuple[np.ndarray, np.ndarray | None]  # scores (M,), low where doubted; (M,) bool: called wrong, by a rule


def main() -> None:
    """Run what is asked for, and write the reports."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tasks", nargs="*", choices=(*TASKS, []), default=[], help=f"all: {' '.join(TASKS)}")
    parser.add_argument("--labels", default=COUNTS, help=f"labels a class ({COUNTS})")
    parser.add_argument("--share", type=float, default=0.2, help="of the labels that is made wrong (0.2)")
    parser.add_argument("--seeds", type=int, default=20, help="draws of labels, each with a graph of its own (20)")
    parser.add_argument("--first", type=int, default=0, help="the first draw; 300 to 303 chose the method (0)")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of the reports (benchmarks/results/suspects)")
    parser.add_argument("--jobs", type=int, default=1, help="tasks at once (1)")
    given = parser.parse_args()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    counts, seeds = tuple(map(int, given.labels.split(","))), range(given.first, given.first + given.seeds)
    about = {"command": " ".join(["python benchmarks/suspects.py", *sys.argv[1:]]), "share": given.share,
             "draws": [seeds[0], seeds[-1]]}  # fmt: skip
    given.out.mkdir(parents=True, exist_ok=True)
    rows: list[dict[str, Any]] = []
    tasks = given.tasks or TASKS
    with ProcessPoolExecutor(given.jobs, multiprocessing.get_context("spawn")) as workers:
        for name, more in zip(tasks, workers.map(partial(run_alone, counts, given.share, seeds), tasks), strict=True):
            rows += more
            print(f"{name}: {len(more)} rows", file=sys.stderr, flush=True)
            (given.out / "report.json").write_text(as_json(rows, about), encoding="utf-8")
            (given.out / "report.md").write_text(report(rows, about) + "\n", encoding="utf-8")
    print(report(rows, about))


def run_alone(counts: tuple[int, ...], share: float, seeds: range, name: str) -> list[dict[str, Any]]:
    """The rows of one task, in a process of its own."""
    from threadpoolctl import threadpool_limits

    warnings.filterwarnings("ignore", "May not flag all label issues", UserWarning)  # cleanlab, of small classes
    with threadpool_limits(1):
        return [row | {c: round(row[c], 4) for c in ("value", "seconds")} for row in run(name, counts, share, seeds)]


def as_json(rows: list[dict[str, Any]], about: dict[str, Any]) -> str:
    """The report, a row a line."""
    lines = ",\n".join(map(json.dumps, rows))
    return f'{{"about": {json.dumps(about)}, "rows": [\n{lines}\n]}}\n'


def run(name: str, counts: tuple[int, ...], share: float, seeds: range) -> Iterator[dict[str, Any]]:
    """The rows of one task."""
    from kgkt.demo.wrong import found, held_out_head, plant
    from kgkt.proof.task import draw_labels
    from kgkt.proof.view import recluster
    from kgkt.values import REPORT_COLUMNS, Labels

    pool = small_table(name) if name in TABLES else prepared(name)
    fewest = int(np.bincount(pool.y).min())
    for seed in seeds:
        view = replace(recluster(pool.view, None, seed), near=pool.view.near)
        for count in counts:
            if name in TABLES and count > fewest / 2:
                continue
            drawn = draw_labels(pool.y, pool.names, count, np.random.default_rng(seed))
            for kind in (*KINDS, "clean"):
                if kind == "pair" and len(pool.names) == 2:
                    continue  # the next class is the only other one
                rng = np.random.default_rng(1000 + seed)
                given = plant(drawn.classes, len(pool.names), 0.0 if kind == "clean" else share, rng, kind)
                labels = Labels(drawn.items, given, pool.names)
                case = Case(view, labels, given != drawn.classes, held_out_head(view, labels))
                for method, find in METHODS.items():
                    start = time.perf_counter()
                    scores, called = find(case)
                    seconds = time.perf_counter() - start
                    for metric, value in judged(found, scores, called, case.wrong):
                        yield dict(zip(REPORT_COLUMNS, (name, method, count, seed, f"{kind}_{metric}", value, seconds),
                                       strict=True))  # fmt: skip


def prepared(name: str) -> Pool:
    """A task of benchmarks/tasks."""
    from kgkt.concepts.embed import HEAD_DIMS, fit_embedding

    task = importlib.import_module(f"tasks.{name}").prepare()
    embedding = fit_embedding(task.features, head_dims=None if task.text else HEAD_DIMS)
    return Pool(_seen(embedding), task.pool_y, task.names)


def small_table(name: str) -> Pool:
    """A table of scikit-learn, each column scaled to deviation 1."""
    from sklearn import datasets
    from sklearn.preprocessing import scale

    from kgkt.concepts.embed import fit_embedding
    from kgkt.proof.view import write_arrays

    make = {"iris": datasets.load_iris, "wine": datasets.load_wine, "cancer": datasets.load_breast_cancer}
    if name == "moons":
        X, y = datasets.make_moons(400, noise=0.2, random_state=0)
    else:
        X, y = make[name](return_X_y=True)
    ids = np.array([f"{name}-{i}" for i in range(len(X))])
    with tempfile.TemporaryDirectory() as folder:
        columns = {"columns": scale(X).astype(np.float32)}
        embedding = fit_embedding(write_arrays(Path(folder) / "f.parquet", ids, columns, name))
    return Pool(_seen(embedding), y, tuple(str(c) for c in range(y.max() + 1)))


def _seen(embedding: Any) -> Any:
    from kgkt.proof.view import embedded
    from kgkt.transfer.items import nearest_items, neighbour_graph

    view = embedded(embedding.vectors, embedding.head)
    return replace(view, near=neighbour_graph(nearest_items(view.vectors), view.vectors))


def judged(
    found: Callable[[np.ndarray, np.ndarray], float], scores: np.ndarray, called: np.ndarray | None, wrong: np.ndarray
) -> Iterator[tuple[str, float]]:
    """What a ranking found, and what a rule called wrong."""
    if not wrong.any():
        if called is not None:
            yield "clean", float(called.mean())
        return
    yield "found", found(scores, wrong)
    if called is not None:
        yield "caught", float(called[wrong].mean())
        if called.any():
            yield "called", float(wrong[called].mean())


def by_kgkt(case: Case) -> Found:
    """A label that is not judged ranks behind all others, and is never called wrong."""
    from kgkt.demo import wrong
    from kgkt.transfer.suspects import ISSUE

    scores = wrong.by_kgkt(case.view, case.labels)
    return scores, scores < ISSUE


def by_head(case: Case) -> Found:
    """Self-confidence; without a rule of its own."""
    return case.head[np.arange(len(case.head)), case.labels.classes], None


def by_cleanlab(case: Case) -> Found:
    """cleanlab's own functions on the head's probabilities; the demo's version of its score has to be the same."""
    from cleanlab.filter import find_label_issues
    from cleanlab.rank import get_label_quality_scores

    from kgkt.demo.wrong import adjusted_self_confidence

    given, P = case.labels.classes, case.head
    scores = get_label_quality_scores(given, P, method="self_confidence", adjust_pred_probs=True)
    np.testing.assert_allclose(adjusted_self_confidence(given, P), scores, rtol=1e-9)
    return scores, find_label_issues(given, P, n_jobs=1)


def by_plain_cleanlab(case: Case) -> Found:
    """cleanlab's score where nobody tunes C."""
    from cleanlab.rank import get_label_quality_scores

    from kgkt.demo.wrong import held_out_head

    P = held_out_head(case.view, case.labels, 1.0)
    return get_label_quality_scores(case.labels.classes, P, method="self_confidence", adjust_pred_probs=True), None


def by_neighbours(case: Case) -> Found:
    """Without a rule of its own."""
    from kgkt.demo.wrong import nearest_labels

    return nearest_labels(case.view, case.labels), None


METHODS: dict[str, Callable[[Case], Found]] = {
    "kgkt": by_kgkt, "head": by_head, "cleanlab": by_cleanlab, "cleanlab C=1": by_plain_cleanlab,
    "neighbours": by_neighbours,
}  # fmt: skip
TITLES = {
    "uniform_found": "found, any other class", "pair_found": "found, the next class",
    "uniform_called": "wrong of those called wrong, any other class",
    "pair_called": "wrong of those called wrong, the next class",
    "uniform_caught": "called of the wrong, any other class", "pair_caught": "called of the wrong, the next class",
    "clean_clean": "called wrong where all labels are right",
}  # fmt: skip
Values = dict[tuple[str, str, str, int], list[float]]  # (task, metric, method, labels a class) -> one a draw


def report(rows: list[dict[str, Any]], about: dict[str, Any]) -> str:
    """What kgkt is ahead or behind, the bar, and every figure: mean ± standard error over the draws, per cent."""
    values: Values = {}
    for row in sorted(rows, key=lambda row: row["seed"]):
        key = (row["task"], row["metric"], row["method"], row["labels_per_class"])
        values.setdefault(key, []).append(row["value"])
    counts = sorted({row["labels_per_class"] for row in rows})
    tasks = list(dict.fromkeys(row["task"] for row in rows))
    lines = [
        "# Wrong labels that are planted", "",
        f"`{about['command']}`: draws {about['draws'][0]} to {about['draws'][1]}, {100 * about['share']:.0f} % of the "
        "labels wrong; per cent, mean ± standard error over the draws.", "",
        "## What kgkt finds, and in brackets that minus what cleanlab finds", "",
        *_in_short(values, tasks, counts), "", "## The bar", "", *_bar(values, tasks, counts), "",
    ]  # fmt: skip
    for task in tasks:
        for metric, title in TITLES.items():
            own = [n for n in counts if (task, metric, "kgkt", n) in values]
            if own:
                lines += [f"## {task}: {title}", "", *_table("method", [f"{n} labels" for n in own], (
                    (method, [_cell(values.get((task, metric, method, n), [])) for n in own]) for method in METHODS
                    if any((task, metric, method, n) in values for n in own))), ""]  # fmt: skip
    return "\n".join(lines)


def _table(first: str, columns: list[str], rows: Any) -> Iterator[str]:
    yield f"| {first} | " + " | ".join(columns) + " |"
    yield "|---" * (len(columns) + 1) + "|"
    for name, cells in rows:
        yield f"| {name} | " + " | ".join(cells) + " |"


def _cell(values: list[float]) -> str:
    if not values:
        return "n/a"
    error = f" ±{100 * np.std(values, ddof=1) / len(values) ** 0.5:.1f}" if len(values) > 1 else ""
    return f"{100 * np.mean(values):.1f}{error}"


def gain(values: Values, task: str, kind: str, rival: str, count: int) -> tuple[float, float] | None:
    """kgkt minus a rival in points over paired draws, with its standard error; None where one was not run."""
    ours, theirs = (values.get((task, f"{kind}_found", method, count)) for method in ("kgkt", rival))
    if not ours or not theirs:
        return None
    apart = [100 * (a - b) for a, b in zip(ours, theirs, strict=True)]
    return statistics.fmean(apart), statistics.stdev(apart) / len(apart) ** 0.5 if len(apart) > 1 else 0.0


def _in_short(values: Values, tasks: list[str], counts: list[int]) -> Iterator[str]:
    """A row a task and kind of noise; a loss in bold; and from how many labels on kgkt is behind each rival."""
    rows = []
    for kind in KINDS:
        for task in tasks:
            cells = []
            for count in counts:
                beside = gain(values, task, kind, "cleanlab", count)
                if beside is None:
                    cells.append("–")
                    continue
                found = 100 * statistics.fmean(values[task, f"{kind}_found", "kgkt", count])
                text = f"{found:.1f} ({beside[0]:+.1f} ±{beside[1]:.1f})"
                cells.append(f"**{text}**" if beside[0] < 0 else text)
            if set(cells) != {"–"}:
                behind = [_behind(values, task, kind, rival, counts) for rival in list(METHODS)[1:]]
                rows.append((f"{task}, {'any other class' if kind == 'uniform' else 'the next class'}", cells + behind))
    return _table("task, wrong labels", [*(f"{n} labels" for n in counts),
                                         *(f"{rival} ahead at" for rival in list(METHODS)[1:])], rows)  # fmt: skip


def _behind(values: Values, task: str, kind: str, rival: str, counts: list[int]) -> str:
    """The label counts at which the rival's mean is ahead of kgkt's."""
    gains = {n: gain(values, task, kind, rival, n) for n in counts}
    return ", ".join(str(n) for n, found in gains.items() if found and found[0] < 0) or "none"


def _bar(values: Values, tasks: list[str], counts: list[int]) -> Iterator[str]:
    """What the comparison with cleanlab has to show, where there is a model A."""
    rows = []
    for task in [task for task in tasks if task not in TABLES]:
        for kind in KINDS:
            for count in [n for n in counts if n <= UP_TO]:
                for rival in ("cleanlab", "cleanlab C=1"):
                    found = gain(values, task, kind, rival, count)
                    strict = task in NEW and kind == "uniform" and count <= 10
                    least = AHEAD if strict else BEHIND
                    if found and (strict or found[0] < least):
                        apart = f"{found[0]:+.1f} ±{found[1]:.1f}"
                        met = "met" if found[0] >= least else "**missed**"
                        rows.append((task, [kind, str(count), f"{rival}: {least:+.0f}", apart, met]))
    every = f"every other one above with a model A, up to {UP_TO} labels"
    rows.append((every, ["both", "", f"both: {BEHIND:+.0f}", "", "met"]))
    return _table("task", ["wrong labels", "labels a class", "asked beside", "kgkt minus it", ""], rows)


if __name__ == "__main__":
    main()
