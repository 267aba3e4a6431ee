"""Every control and every rival beside kgkt on one public task; its data is fetched by name on the first call.

    python benchmarks/evaluate.py digits                     the demo's digits
    python benchmarks/evaluate.py fashion --seeds 20         Fashion-MNIST, classes A never saw
    python benchmarks/evaluate.py fashion_same               Fashion-MNIST, the classes that A learned
    python benchmarks/evaluate.py fashion_digits             Fashion-MNIST into MNIST digits
    python benchmarks/evaluate.py emoji                      ImageNet's EfficientNet-Lite0 on emoji pictures
    python benchmarks/evaluate.py emoji_shares               the same with the class shares stated
    python benchmarks/evaluate.py emoji_fine                 86 subcategories of emoji, few pictures of each
    python benchmarks/evaluate.py wordnet                    a sentence model into a bag of words

Writes report.json, report.md and report.html into benchmarks/results/<task>; a run that was stopped goes on where it
was. Then `python benchmarks/summary.py` makes the page over all tasks.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import sys
import time
from pathlib import Path

TASKS = ("wordnet", "fashion", "fashion_same", "fashion_digits", "emoji", "emoji_shares", "emoji_fine", "digits")
LABELS, FEWER = "1,2,5,10,20", {"emoji_fine": "1,2,5"}  # some of its classes have eight pictures in the pool
RESULTS = Path(__file__).parent / "results"


def main() -> None:
    """Run one task."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("task", choices=TASKS)
    parser.add_argument("--labels", help="labels a class, ascending (1,2,5,10,20; for emoji_fine 1,2,5)")
    parser.add_argument("--seeds", type=int, default=20, help="draws of labels, each with a graph of its own (20)")
    parser.add_argument("--jobs", type=int, default=2, help="processes (2)")
    parser.add_argument("--train-b", choices=("all", "few", "none"), default=None,
                        help="rows that teach a B; few: scratch, head+rounds, the best rival, kgkt at two counts "
                             "and 5 seeds (all for digits, few else)")  # fmt: skip
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of the reports (benchmarks/results)")
    given = parser.parse_args()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

    from tasks.prepared import as_task

    from kgkt.proof.evaluate import DEAR, Options, evaluate
    from kgkt.proof.grid import FILE

    train_b = given.train_b or ("all" if given.task == "digits" else "few")
    labels = tuple(int(count) for count in (given.labels or FEWER.get(given.task, LABELS)).split(","))
    methods, counts, seeds = DEAR
    dear = methods, counts if set(counts) <= set(labels) else labels[-2:], seeds
    options = Options(
        labels=labels,
        seeds=given.seeds,
        jobs=given.jobs,
        train_b=dear if train_b == "few" else train_b,
    )
    task = as_task(importlib.import_module(f"tasks.{given.task}").prepare())
    folder = given.out / given.task
    fresh = not (folder / FILE).exists()
    start = time.perf_counter()

    def progress(name: str, done: int, total: int) -> None:
        print(f"{name}: {done} of {total} cells, {time.perf_counter() - start:.0f} s", file=sys.stderr, flush=True)

    report = evaluate(task, options, folder, progress)
    if fresh:  # wall time means something only where no cell was kept from an earlier run
        timing = {"minutes": (time.perf_counter() - start) / 60, "jobs": given.jobs, "rows": len(report.rows)}
        (folder / "timing.json").write_text(json.dumps(timing, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
