"""What the benchmarks of people's work share: a task as A sees it, a graph for each draw, paired means, reports.

Every draw has a graph of its own (KMeans with the draw's seed) and draws of its own; all rows of a draw see the same.
"""

from __future__ import annotations

import argparse
import importlib.util
import itertools
import json
import math
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"

Row = dict[str, Any]  # with the columns of every report of kgkt
Rows = Sequence[Row]


@dataclass(frozen=True)
class Pool:
    """A task before anything is drawn.

    Args:
        prepared: its arrays.
        view: embedding, head features and the graph of nearest items; no concepts yet.
    """

    prepared: Any
    view: Any

    def drawn(self, seed: int) -> Any:
        """The view with concepts of this seed."""
        from kgkt.proof.view import recluster

        return recluster(self.view, None, seed)


def read_pool(name: str) -> Pool:
    """A task, embedded as `populate` does it."""
    prepared = importlib.import_module(f"tasks.{name}").prepare()
    return Pool(prepared, seen(prepared.features, prepared.text))


def seen(features: Any, text: bool) -> Any:
    """Features as a view without concepts: embedding, head features, nearest items."""
    from kgkt.concepts.embed import HEAD_DIMS, fit_embedding
    from kgkt.proof.view import embedded
    from kgkt.transfer.items import nearest_items, neighbour_graph

    embedding = fit_embedding(features, head_dims=None if text else HEAD_DIMS)
    near = neighbour_graph(nearest_items(embedding.vectors), embedding.vectors)
    return replace(embedded(embedding.vectors, embedding.head), near=near)


def row(task: str, method: str, labels: int, seed: int, metric: str, value: float, seconds: float = 0.0) -> Row:
    """One row with kgkt's columns; `labels` is what a benchmark counts by (labels in all, ticks, items)."""
    from kgkt.values import REPORT_COLUMNS

    return dict(zip(REPORT_COLUMNS, (task, method, labels, seed, metric, value, seconds), strict=True))


def values(rows: Rows, task: str, method: str, labels: int, metric: str) -> dict[int, float]:
    """Draw -> value."""
    wanted = task, method, labels, metric
    return {r["seed"]: r["value"] for r in rows
            if (r["task"], r["method"], r["labels_per_class"], r["metric"]) == wanted}  # fmt: skip


def titled(rows: Rows, task: str) -> str:
    """A task with the number of its draws."""
    from kgkt.errors import count

    return f"{task}, {count(draws_of(rows, task), 'draw')}"


def error(found: Sequence[float]) -> float:
    """Standard error of a mean; NaN of one value."""
    return statistics.stdev(found) / len(found) ** 0.5 if len(found) > 1 else float("nan")


def share(found: dict[int, float]) -> str:
    """A mean share ± its standard error, per cent."""
    return f"{100 * statistics.fmean(found.values()):.1f}{_beside(error(list(found.values())))}" if found else "–"


def gain(ours: dict[int, float], theirs: dict[int, float]) -> tuple[float, float] | None:
    """Paired difference of two rows over their common draws, and its standard error."""
    both = sorted(ours.keys() & theirs.keys())
    apart = [ours[seed] - theirs[seed] for seed in both]
    return (statistics.fmean(apart), error(apart)) if apart else None


def points(found: tuple[float, float] | None) -> str:
    """A gain in points ± its standard error."""
    return "–" if found is None else f"{100 * found[0]:+.1f}{_beside(found[1])}"


def _beside(of_a_mean: float) -> str:
    """A standard error in points; nothing where there is one draw."""
    return "" if math.isnan(of_a_mean) else f" ±{100 * of_a_mean:.1f}"


def level(found: tuple[float, float] | None, errors: int = 2) -> bool | None:
    """Whether a gain is not more than so many standard errors below 0; None where there are not two draws."""
    return None if found is None or math.isnan(found[1]) else found[0] >= -errors * found[1]


def verdict(met: bool | None) -> str:
    """How a line of a bar ends."""
    return "not run" if met is None else "met" if met else "**missed**"


def draws_of(rows: Rows, task: str) -> int:
    """How many draws of a task there are."""
    return len({r["seed"] for r in rows if r["task"] == task})


def main(
    name: str, doc: str, tasks: Sequence[str], run: Callable[[str, range], Iterator[Row]],
    report: Callable[[Rows], Iterator[str]], draws: int = 20, needs: Sequence[str] = (),
) -> None:  # fmt: skip
    """Run what is asked for, and write report.json and report.md draw by draw; what is there already is kept.

    Args:
        name: of the benchmark's folder of results.
        doc: its help.
        tasks: that it knows.
        run: gives the rows of a task and its draws.
        report: gives the lines of report.md.
        draws: unless others are asked for.
        needs: modules that kgkt itself does not.
    """
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", default=",".join(tasks), help=f"of {', '.join(tasks)} (all)")
    parser.add_argument("--draws", type=int, default=draws, help=f"draws, each with a graph of its own ({draws})")
    parser.add_argument("--fresh", action="store_true", help="measure again also the draws that the report has")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of the reports (benchmarks/results)")
    given = parser.parse_args()
    asked = given.tasks.split(",")
    if wrong := [task for task in asked if task not in tasks]:
        parser.error(f"no task {', '.join(wrong)}: choose of {', '.join(tasks)}")
    if missing := [module for module in needs if importlib.util.find_spec(module) is None]:
        parser.error(f"{', '.join(missing)} is not installed: pip install -r benchmarks/requirements.txt")
    if given.draws < 1:
        parser.error(f"--draws must be 1 or more, received {given.draws}")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    from threadpoolctl import threadpool_limits

    folder = given.out / name
    for task in asked:
        start, rows = time.perf_counter(), [] if given.fresh else before(folder, task)
        first = draws_of(rows, task)
        with threadpool_limits(1):
            drawing = run(task, range(first, given.draws)) if first < given.draws else iter(())
            for seed, drawn in itertools.groupby(drawing, key=lambda found: found["seed"]):
                rows += list(drawn)
                write(folder, task, rows, report, f"python benchmarks/{name}.py --tasks {task} --draws {seed + 1}")
                print(f"{task}: draw {seed}, {time.perf_counter() - start:.0f} s", file=sys.stderr, flush=True)
    print((folder / "report.md").read_text(encoding="utf-8"))


def before(folder: Path, task: str) -> list[Row]:
    """The rows of a task that a report has already."""
    path = folder / "report.json"
    kept = json.loads(path.read_text(encoding="utf-8"))["rows"] if path.exists() else []
    return [r for r in kept if r["task"] == task]


def write(folder: Path, task: str, rows: list[Row], report: Callable[[Rows], Iterator[str]], command: str) -> None:
    """Put the rows of a task into the report in place of its earlier ones, and make the page anew."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "report.json"
    kept = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {"commands": {}, "rows": []}
    commands = kept["commands"] | {task: command}
    every = [r for r in kept["rows"] if r["task"] != task] + rows
    lines = ",\n".join(json.dumps(r) for r in every)
    text = f'{{"commands": {json.dumps(commands)}, "rows": [\n{lines}\n]}}\n'
    path.write_text(text, encoding="utf-8")
    (folder / "report.md").write_text(page(json.loads(text), report), encoding="utf-8")


def page(kept: dict[str, Any], report: Callable[[Rows], Iterator[str]]) -> str:
    """report.md from report.json: what the benchmark says, and the commands that measured it."""
    made = [f"- `{command}`" for _, command in sorted(kept["commands"].items())]
    return "\n".join([*report(kept["rows"]), "", "Measured by", "", *made]) + "\n"
