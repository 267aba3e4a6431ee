"""A graph that grows beside one made anew: what people's concepts keep, the accuracy, and the time.

    python benchmarks/growth.py [fashion] [wordnet] [--seeds 5] [--old 2000] [--shares 0.02 0.1 1]

For each task, share of new items and seed: a graph of the old items is made, a third of its concepts get a name, then
the pool grows. One graph grows with it, another is made anew (--fresh). Printed, mean ±
standard error over the seeds: the names that are there after growing and after making anew, the old concepts that keep
half of their items, the accuracy of the answer for the pool at 2 and at 10 labels a class, grown minus anew, and the
time of growing over the time of making anew (both with features at hand: extracting them would favour growing more).
"""

from __future__ import annotations

import argparse
import logging
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

import kgkt

SHARES = (0.02, 0.1, 1.0)
NAME = "MATCH (c:Concept) WHERE c.key IN $keys SET c.name = 'mine ' + c.key"
NAMED = "MATCH (c:Concept) WHERE c.name STARTS WITH 'mine' RETURN count(c)"


def main() -> None:
    """Run what is asked for, and print a line a task and share."""
    parser = argparse.ArgumentParser()
    parser.add_argument("tasks", nargs="*", default=["fashion", "wordnet"])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--old", type=int, default=2000)
    parser.add_argument("--shares", type=float, nargs="+", default=SHARES)
    asked = parser.parse_args()
    logging.getLogger("kgkt").setLevel(logging.ERROR)
    print("task      new    names kept: grown / anew   keep half   accuracy, grown - anew: 2 / 10 labels     time")
    for name in asked.tasks:
        X, y, text = load(name)
        for share in asked.shares:
            shown(name, share, [once(X, y, text, share, seed, asked.old) for seed in range(asked.seeds)])


def load(name: str) -> tuple[np.ndarray, np.ndarray, bool]:
    """A's features (n, d) of a task's pool, all layers side by side, its classes (n,), and whether it is of texts."""
    import importlib

    prepared = importlib.import_module(f"tasks.{name}").prepare()
    features = prepared.features
    parts = [features.rows(layer, np.arange(len(features))) for layer in features.layers]
    return np.concatenate(parts, axis=1), prepared.pool_y, prepared.text


def once(X: np.ndarray, y: np.ndarray, text: bool, share: float, seed: int, old: int) -> dict[str, float]:
    """One pool that grows, and the same pool made anew."""
    rng = np.random.default_rng(seed)
    rows = rng.permutation(len(X))[: round(old * (1 + share))]
    ids = np.array([f"i{row:06d}" for row in rows])
    pool = {"features": X[rows], "item_id": ids}
    first = {"features": X[rows[:old]], "item_id": ids[:old]}
    with tempfile.TemporaryDirectory() as folder:
        runs = {}
        for kind in ("grown", "anew"):
            run = kgkt.populate(features=first, dir=Path(folder) / kind, seed=seed)
            named = [f"main/concept/{number}" for number in range(0, run.populated.n_concepts, 3)]
            run.query(NAME, {"keys": named}, write=True)
            runs[kind] = run
        before = members(runs["grown"])
        seconds = {}
        for kind, run in runs.items():
            start = time.perf_counter()
            run.populate(features=pool, seed=seed, fresh=kind == "anew")
            seconds[kind] = time.perf_counter() - start
        after = members(runs["grown"])
        out = {f"names {kind}": run.query(NAMED).rows[0][0] / len(named) for kind, run in runs.items()}
        out["half"] = float(np.mean([np.mean(after[:old][before == c] == c) >= 0.5 for c in np.unique(before)]))
        for labels in (2, 10):
            accuracies = {kind: accuracy(run, ids, y[rows], labels, seed, text) for kind, run in runs.items()}
            out[f"gain {labels}"] = accuracies["grown"] - accuracies["anew"]
        return {**out, "time": seconds["grown"] / seconds["anew"]}


def members(run: Any) -> np.ndarray:
    """(n,) the nearest concept of each item."""
    from kgkt.rundir.folder import load_memberships

    _, Z = load_memberships(run.folder / "memberships.parquet")
    return Z.indices[Z.indptr[:-1]]


def accuracy(run: Any, ids: np.ndarray, y: np.ndarray, labels: int, seed: int, text: bool) -> float:
    """Of the answer for the unlabelled items, at some labels a class drawn from the whole pool."""
    rng = np.random.default_rng(seed + 1000 * labels)
    few = np.concatenate([rng.choice(np.flatnonzero(y == c), labels, False) for c in np.unique(y)])
    run.label(dict(zip(ids[few], y[few].astype(str), strict=True)))
    done = run.propagate(expert="prototypes" if text else "none")
    answer = np.array(done.targets.names)[done.targets.P.argmax(axis=1)]
    free = np.setdiff1d(np.arange(len(y)), done.current.labels.items)
    return float(np.mean(answer[free] == y[free].astype(str)))


def shown(name: str, share: float, found: list[dict[str, float]]) -> None:
    """A line: mean ± standard error over the seeds."""
    def figure(key: str, digits: int = 1) -> str:
        values = 100 * np.array([one[key] for one in found])
        error = values.std(ddof=1) / len(values) ** 0.5 if len(values) > 1 else float("nan")
        return f"{values.mean():.{digits}f} ±{error:.{digits}f}"

    times = np.array([one["time"] for one in found])
    print(f"{name:<9} +{100 * share:<3.0f}%   {figure('names grown')} / {figure('names anew')}      {figure('half')}   "
          f"{figure('gain 2', 2)} / {figure('gain 10', 2)}     {times.mean():.2f}", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
