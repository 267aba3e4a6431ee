"""Which items to label once every concept has a label: second items of mixed concepts, doubtful ones, random ones.

    python benchmarks/second.py [digits] [emoji] [fashion] [wordnet] [--seeds 3] [--share 0.1 0.3]

For each task and seed (of the concepts) the medoid of every concept is labelled; then as many more as a share of the
concepts, or as all of them, chosen in each way. Printed: how many answers for the whole pool are right, mean ± standard
error over the seeds.
"""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Callable

import numpy as np

from kgkt.concepts.choose import doubtful_items, second_items
from kgkt.concepts.cluster import choose_k, fit_local, medoids
from kgkt.concepts.edges import unnamed_graph
from kgkt.concepts.embed import fit_embedding
from kgkt.concepts.propagate import choose_alpha
from kgkt.transfer.items import nearest_items, neighbour_graph
from kgkt.transfer.teacher import teach
from kgkt.values import Labels, Targets


def main() -> None:
    """Run what is asked for, and print a line a task, number of labels and way."""
    parser = argparse.ArgumentParser()
    parser.add_argument("tasks", nargs="*", default=["digits", "emoji", "fashion", "wordnet"])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--share", type=float, nargs="+", default=[0.3, 1.0])
    asked = parser.parse_args()
    for name in asked.tasks:
        prepared = importlib.import_module(f"tasks.{name}").prepare()
        embedding = fit_embedding(prepared.features, seed=0)
        near = neighbour_graph(nearest_items(embedding.vectors), embedding.vectors)
        found: dict[str, list[float]] = {}
        for seed in range(asked.seeds):
            for way, right in once(prepared, embedding, near, seed, asked.share).items():
                found.setdefault(way, []).append(100 * right)
        for way, values in found.items():
            error = np.std(values, ddof=1) / len(values) ** 0.5 if len(values) > 1 else float("nan")
            print(f"{name:<9} {way:<34} {np.mean(values):5.1f} ±{error:.1f}", flush=True)


def once(prepared: object, embedding: object, near: object, seed: int, shares: list[float]) -> dict[str, float]:
    """Share of right answers, a way and a number of labels each."""
    vectors, y, names = embedding.vectors, prepared.pool_y, tuple(map(str, prepared.names))
    k, _ = choose_k(vectors, None)
    clustering = fit_local(vectors, k, seed)
    graph, Z = unnamed_graph(clustering), clustering.memberships
    rng = np.random.default_rng(seed)
    none = np.zeros(0, int)

    def answer(items: np.ndarray) -> tuple[Targets, float]:
        labels = Labels(items, y[items], names, none, none)
        targets = teach(graph, Z, labels, embedding.head, spread="both", expert="auto", text=prepared.text, prior=None,
                        alpha=choose_alpha(graph, Z, labels), neighbours=near)  # fmt: skip
        return targets, float((targets.P.argmax(axis=1) == y).mean())

    first = np.unique([members[0] for members in medoids(vectors, clustering, 1) if len(members)]).astype(int)
    taught, right = answer(first)
    free = np.setdiff1d(np.arange(len(y)), first)
    out = {f"{len(first)} medoids": right}
    for share in shares:
        n = min(round(share * len(first)), len(free))
        ways: dict[str, Callable[[], np.ndarray]] = {
            "random": lambda n=n: rng.choice(free, n, replace=False),
            "second, by memberships": lambda n=n: rows(second_items(graph, Z, vectors, first, n)),
            "second, by targets": lambda n=n: rows(second_items(graph, Z, vectors, first, n, taught.P)),
            "doubt": lambda n=n: rows(doubtful_items(graph, Z, vectors, first, n, taught.P, taught.weight > 0)),
        }
        for way, choose in ways.items():
            out[f"{n} more, {way}"] = answer(np.concatenate([first, choose()]))[1]
    return out


def rows(chosen: list) -> np.ndarray:
    return np.array([one.item for one in chosen], int)


if __name__ == "__main__":
    main()
