"""Wrong labels that are planted: who finds them, at how many labels a class.

    python benchmarks/suspects.py digits fashion_same --seeds 20
    python benchmarks/suspects.py wordnet --labels 10,25 --share 0.1 --seeds 5

For each task, label count and draw of labels, a share of them is made wrong: "uniform", any other class, or "pair", the
next class. Every row ranks the same labels. "found": of as many of the lowest ranked as there are wrong labels, the
share that is wrong. "called": of what a method calls wrong by its own rule, the share that is, and "caught" the share
of the wrong that it calls; "clean", the share that it calls wrong of labels that all are right.

    kgkt         what `kgkt suspects` computes
    head         logistic head on A's features, C tuned, held out in the same folds: probability of the given class
    cleanlab     the same probabilities, adjusted self-confidence and find_label_issues (cleanlab 2, its defaults)
    neighbours   the ten nearest labels by cosine in A's embedding: their share of the given class

Three labels a class are the fewest that can be judged. Writes report.json and report.md into
benchmarks/results/suspects. Reference: Northcutt, Jiang & Chuang 2021, whose package cleanlab is.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

TASKS = ("wordnet", "fashion", "fashion_same", "fashion_digits", "emoji", "emoji_fine", "digits")
KINDS = ("uniform", "pair")
NEAREST = 10
RESULTS = Path(__file__).parent / "results" / "suspects"


@dataclass(frozen=True)
class Case:
    """One draw: the pool as A sees it, the labels as they were given, and which are wrong.

    Args:
        view: embedding, head features, concepts of the draw's seed, and nearest items.
        labels: as given.
        wrong: (M,) bool.
    """

    view: Any
    labels: Any
    wrong: np.ndarray


Found = tuple[np.ndarray, np.ndarray | None]  # scores (M,), low where doubted; (M,) bool: called wrong, by a rule


def main() -> None:
    """Run what is asked for, and write the reports."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tasks", nargs="+", choices=TASKS)
    parser.add_argument("--labels", default="5,10,25,50,100", help="labels a class (5,10,25,50,100)")
    parser.add_argument("--share", type=float, default=0.2, help="of the labels that is made wrong (0.2)")
    parser.add_argument("--seeds", type=int, default=20, help="draws of labels, each with a graph of its own (20)")
    parser.add_argument("--first", type=int, default=0, help="the first draw; 300 to 303 chose the method (0)")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of the reports (benchmarks/results/suspects)")
    given = parser.parse_args()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    from threadpoolctl import threadpool_limits

    counts = tuple(int(count) for count in given.labels.split(","))
    rows: list[dict[str, Any]] = []
    with threadpool_limits(1):
        for name in given.tasks:
            rows += run(name, counts, given.share, range(given.first, given.first + given.seeds))
            print(f"{name}: {len(rows)} rows", file=sys.stderr, flush=True)
    given.out.mkdir(parents=True, exist_ok=True)
    about = {"command": "python benchmarks/suspects.py " + " ".join(sys.argv[1:]), "share": given.share}
    text = report(rows, about)
    for file, content in (("report.json", json.dumps({"about": about, "rows": rows}, indent=1)), ("report.md", text)):
        (given.out / file).write_text(content + "\n", encoding="utf-8")
    print(text)


def run(name: str, counts: tuple[int, ...], share: float, seeds: range) -> Iterator[dict[str, Any]]:
    """The rows of one task."""
    from kgkt.concepts.embed import HEAD_DIMS, fit_embedding
    from kgkt.proof.task import draw_labels
    from kgkt.proof.view import embedded, recluster
    from kgkt.transfer.items import nearest_items, neighbour_graph
    from kgkt.values import REPORT_COLUMNS, Labels

    prepared = importlib.import_module(f"tasks.{name}").prepare()
    embedding = fit_embedding(prepared.features, head_dims=None if prepared.text else HEAD_DIMS)
    near = neighbour_graph(nearest_items(embedding.vectors), embedding.vectors)
    for seed in seeds:
        view = recluster(embedded(embedding.vectors, embedding.head), None, seed)
        view = replace(view, near=near)
        for count in counts:
            drawn = draw_labels(prepared.pool_y, prepared.names, count, np.random.default_rng(seed))
            for kind in (*KINDS, "clean"):
                given = plant(drawn.classes, len(prepared.names), 0.0 if kind == "clean" else share, kind, seed)
                case = Case(view, Labels(drawn.items, given, prepared.names), given != drawn.classes)
                for method, find in METHODS.items():
                    start = time.perf_counter()
                    scores, called = find(case)
                    seconds = time.perf_counter() - start
                    for metric, value in judged(scores, called, case.wrong):
                        yield dict(zip(REPORT_COLUMNS, (name, method, count, seed, f"{kind}_{metric}", value, seconds),
                                       strict=True))  # fmt: skip


def plant(classes: np.ndarray, n_classes: int, share: float, kind: str, seed: int) -> np.ndarray:
    """The classes (M,) with a share of them wrong: any other class ("uniform"), or the next one ("pair")."""
    rng = np.random.default_rng(1000 + seed)
    wrong = rng.choice(len(classes), round(share * len(classes)), replace=False)
    given = classes.copy()
    step = rng.integers(1, n_classes, len(wrong)) if kind == "uniform" else 1
    given[wrong] = (classes[wrong] + step) % n_classes
    return given


def judged(scores: np.ndarray, called: np.ndarray | None, wrong: np.ndarray) -> Iterator[tuple[str, float]]:
    """What a ranking found, and what a rule called wrong."""
    if not wrong.any():
        if called is not None:
            yield "clean", float(called.mean())
        return
    yield "found", float(wrong[np.argsort(scores, kind="stable")[: wrong.sum()]].mean())
    if called is not None:
        yield "caught", float(called[wrong].mean())
        if called.any():
            yield "called", float(wrong[called].mean())


def by_kgkt(case: Case) -> Found:
    """A label that is not judged ranks behind all others, and is never called wrong."""
    from kgkt.concepts.propagate import choose_alpha, make_spreader
    from kgkt.transfer.suspects import ISSUE, judge

    view, labels = case.view, case.labels
    spreader = make_spreader(view.graph, choose_alpha(view.graph, view.Z, labels))
    done = judge(spreader, view.Z, labels, view.head, neighbours=view.near)
    scores = np.full(len(labels), 2.0)
    scores[done.places] = done.scores
    return scores, scores < ISSUE


def held_out_probabilities(case: Case) -> np.ndarray:
    """(M, c) of a tuned logistic head, each label held out; even for the only label of a class."""
    from kgkt.concepts.propagate import make_seeds
    from kgkt.transfer.head import head, tuned_C
    from kgkt.transfer.judges import folds_of, in_folds

    labels, features = case.labels, case.view.head
    C = tuned_C(features, make_seeds(labels))
    places, answers = in_folds(labels, {"head": lambda told: head(features, told, None, C)}, folds_of(labels.classes))
    P = np.full((len(labels), len(labels.names)), 1 / len(labels.names))
    P[places] = answers["head"]
    return P


def by_head(case: Case) -> Found:
    """Self-confidence; without a rule of its own."""
    P = held_out_probabilities(case)
    return P[np.arange(len(P)), case.labels.classes], None


def by_cleanlab(case: Case) -> Found:
    """cleanlab's own functions on the head's probabilities."""
    from cleanlab.filter import find_label_issues
    from cleanlab.rank import get_label_quality_scores

    given, P = case.labels.classes, held_out_probabilities(case)
    scores = get_label_quality_scores(given, P, method="self_confidence", adjust_pred_probs=True)
    return scores, find_label_issues(given, P, n_jobs=1)


def by_neighbours(case: Case) -> Found:
    """Share of the given class among the nearest labels, each by its cosine; ties by the mean cosine of the class."""
    given = case.labels.classes
    vectors = case.view.vectors[case.labels.items].astype(np.float64)
    cosine = vectors @ vectors.T
    np.fill_diagonal(cosine, -np.inf)
    nearest = np.argsort(-cosine, axis=1, kind="stable")[:, :NEAREST]
    weight = np.maximum(np.take_along_axis(cosine, nearest, axis=1), 1e-6)
    same = given[nearest] == given[:, None]
    votes = np.zeros((len(given), len(case.labels.names)))
    np.add.at(votes, (np.arange(len(given))[:, None], given[nearest]), weight)
    own = (same * weight).sum(axis=1)
    votes[np.arange(len(given)), given] = 0.0
    return own / (own + votes.max(axis=1)), None


METHODS: dict[str, Callable[[Case], Found]] = {
    "kgkt": by_kgkt, "head": by_head, "cleanlab": by_cleanlab, "neighbours": by_neighbours,
}  # fmt: skip


def report(rows: list[dict[str, Any]], about: dict[str, Any]) -> str:
    """The tables: mean ± standard error over the draws, in per cent."""
    lines = ["# Wrong labels that are planted", "", f"`{about['command']}`: {100 * about['share']:.0f} % of the labels "
             "are wrong; per cent, mean ± standard error over the draws.", ""]  # fmt: skip
    titles = {
        "uniform_found": "found, any other class", "pair_found": "found, the next class",
        "uniform_called": "wrong of those called wrong, any other class",
        "pair_called": "wrong of those called wrong, the next class",
        "uniform_caught": "called of the wrong, any other class", "pair_caught": "called of the wrong, the next class",
        "clean_clean": "called wrong where all labels are right",
    }  # fmt: skip
    for task in dict.fromkeys(row["task"] for row in rows):
        counts = sorted({row["labels_per_class"] for row in rows if row["task"] == task})
        for metric, title in titles.items():
            lines += [f"## {task}: {title}", "", "| method | " + " | ".join(f"{n} labels" for n in counts) + " |",
                      "|---" * (len(counts) + 1) + "|"]  # fmt: skip
            for method in METHODS:
                cells = [_cell([r["value"] for r in rows if (r["task"], r["method"], r["labels_per_class"], r["metric"])
                                == (task, method, n, metric)]) for n in counts]  # fmt: skip
                if any(cells):
                    lines.append(f"| {method} | " + " | ".join(cell or "n/a" for cell in cells) + " |")
            lines.append("")
    return "\n".join(lines)


def _cell(values: list[float]) -> str:
    if not values:
        return ""
    error = f" ±{100 * np.std(values, ddof=1) / len(values) ** 0.5:.1f}" if len(values) > 1 else ""
    return f"{100 * np.mean(values):.1f}{error}"


if __name__ == "__main__":
    main()
