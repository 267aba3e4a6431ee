"""A graph that grows beside one made anew: what people said of concepts, the accuracy, and the time.

    python benchmarks/growth.py [fashion] [wordnet] [--seeds 5] [--old 2000] [--shares 0.02 0.1 1]

For each task, share of new items and seed: a graph of the old items is made, a third of its concepts get a name, then
the pool grows. One graph grows with it, another is made anew (--fresh). In copies of both, a tenth of the concepts is
switched off, a tenth merged into others, and a tenth of the edges gets another weight. Printed, mean ± standard error
over the seeds: the names, switches, merges and edited weights that are there after growing and after making anew; the
old concepts that keep half of their items; the accuracy of the answer for the pool at 2 and at 10 labels a class, grown
minus anew; and the time of growing over the time of making anew, with the seconds of both (features are at hand:
extracting them would favour growing more).
"""

from __future__ import annotations

import argparse
import logging
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

import kgkt

SHARES = (0.02, 0.1, 1.0)
KINDS = ("grown", "anew")
SAID = ("names", "switches", "merges", "weights")
NAME = "MATCH (c:Concept) WHERE c.key IN $keys SET c.name = 'mine ' + c.key"
OFF = "MATCH (c:Concept) WHERE c.key IN $keys SET c.active = false"
MERGE = ("UNWIND $pairs AS p MATCH (a:Concept {key: p[0]}), (b:Concept {key: p[1]}) CREATE (a)-[:MERGED_INTO]->(b)")
WEIGH = "UNWIND $pairs AS p MATCH (:Concept {key: p[0]})-[e:SIMILAR_TO]->(:Concept {key: p[1]}) SET e.weight = 77.5"
EDGES = "MATCH (a:Concept)-[:SIMILAR_TO]->(b:Concept) RETURN a.key AS a, b.key AS b ORDER BY a, b"
COUNTS = {
    "names": "MATCH (c:Concept) WHERE c.name STARTS WITH 'mine' RETURN count(c)",
    "switches": "MATCH (c:Concept) WHERE c.active = false AND c.size > 0 RETURN count(c)",
    "merges": "MATCH (:Concept)-[m:MERGED_INTO]->(:Concept) RETURN count(m)",
    "weights": "MATCH (:Concept)-[e:SIMILAR_TO]->(:Concept) WHERE e.weight = 77.5 RETURN count(e)",
}


def main() -> None:
    """Run what is asked for, and print a line a task and share."""
    parser = argparse.ArgumentParser()
    parser.add_argument("tasks", nargs="*", default=["fashion", "wordnet"])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--old", type=int, default=2000)
    parser.add_argument("--shares", type=float, nargs="+", default=SHARES)
    asked = parser.parse_args()
    logging.getLogger("kgkt").setLevel(logging.ERROR)
    print("task      new   kept, grown / anew: names    switches    merges    weights   keep half   "
          "accuracy, grown - anew: 2 / 10 labels   time, grown / anew")  # fmt: skip
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
        base = kgkt.populate(features=first, dir=Path(folder) / "grown", seed=seed)
        keys = [f"main/concept/{number}" for number in range(base.populated.n_concepts)]
        base.query(NAME, {"keys": keys[::3]}, write=True)
        before = members(base)
        edited, said = with_edits(base, keys, Path(folder) / "edited-grown")
        runs, out, seconds = {"grown": base, "anew": copied(base, Path(folder) / "anew")}, {}, {}
        others = {"grown": edited, "anew": copied(edited, Path(folder) / "edited-anew")}
        for kind in KINDS:
            start = time.perf_counter()
            runs[kind].populate(features=pool, seed=seed, fresh=kind == "anew")
            seconds[kind] = time.perf_counter() - start
            others[kind].populate(features=pool, seed=seed, fresh=kind == "anew")
            for what in SAID:
                run = runs[kind] if what == "names" else others[kind]
                out[f"{what} {kind}"] = run.query(COUNTS[what]).rows[0][0] / said[what]
        after = members(runs["grown"])
        out["half"] = float(np.mean([np.mean(after[:old][before == c] == c) >= 0.5 for c in np.unique(before)]))
        for labels in (2, 10):
            accuracies = {kind: accuracy(run, ids, y[rows], labels, seed, text) for kind, run in runs.items()}
            out[f"gain {labels}"] = accuracies["grown"] - accuracies["anew"]
        return {**out, **seconds, "time": seconds["grown"] / seconds["anew"]}


def copied(run: Any, to: Path) -> Any:
    """A copy of a run directory, opened."""
    shutil.copytree(run.folder.parent, to)
    return kgkt.open_graph(dir=to)


def with_edits(run: Any, keys: list[str], to: Path) -> tuple[Any, dict[str, int]]:
    """A copy of the graph with concepts switched off and merged and edges weighed otherwise, and how many of each."""
    run = copied(run, to)
    off, pairs = keys[1::10], [list(pair) for pair in zip(keys[2::10], keys[3::10], strict=False)]
    edges = [list(pair) for pair in run.query(EDGES, rows=1_000_000).rows][::10]
    for text, given in ((OFF, {"keys": off}), (MERGE, {"pairs": pairs}), (WEIGH, {"pairs": edges})):
        run.query(text, given, write=True)
    return run, {"names": len(keys[::3]), "switches": len(off), "merges": len(pairs), "weights": len(edges)}


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

    def middle(key: str) -> float:
        return float(np.mean([one[key] for one in found]))

    kept = "   ".join(f"{figure(f'{what} grown', 0)} / {figure(f'{what} anew', 0)}" for what in SAID)
    took = f"{middle('time'):.2f}: {middle('grown'):.1f} / {middle('anew'):.1f} s"
    print(f"{name:<9} +{100 * share:<3.0f}%  {kept}   {figure('half')}   "
          f"{figure('gain 2', 2)} / {figure('gain 10', 2)}   {took}   ({len(found)} draws)", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
