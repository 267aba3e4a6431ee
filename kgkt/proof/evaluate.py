"""Evaluate: every control and every rival beside kgkt, on one pool, from the same draws of labels."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from kgkt.errors import InputError, nearest
from kgkt.proof.grid import (
    EXPECTED,
    FILE,
    POOL,
    SECOND,
    Cell,
    Kept,
    b_cells,
    locked,
    missing_units,
    pool_cells,
    run_units,
)
from kgkt.proof.report import write_report
from kgkt.proof.rows import B_ONLY, CONTROLS, INPUTS, METHODS, OWN, further, same_as_kgkt, why_not
from kgkt.proof.task import BEST_RIVAL, DEAR, Options, Task, TrainB, check_counts, digest
from kgkt.values import Report

__all__ = ["BEST_RIVAL", "DEAR", "Options", "Task", "TrainB", "evaluate"]

Progress = Callable[[str, int, int], None]


def evaluate(task: Task, options: Options, out: Path, progress: Progress | None = None) -> Report:
    """Run every row of `task` and write cells.jsonl, report.json, report.md and report.html into `out`.

    Finished cells are kept: a run that was interrupted goes on where it stopped, and a second run with the same
    task and options gives the same figures.

    Args:
        task: pool, A's view of it, B.
        options: how much to run.
        out: folder of the report.
        progress: called with (what is done, cells done, cells in all).

    Returns:
        One row a method, label count, seed and metric. `pool_accuracy` is of the pool's unlabelled items,
        `test_accuracy` of B.

    Raises:
        InputError: an unknown row, true classes that do not fit.
        BelowBarError: the training of a B diverged.
    """
    check_counts(task, options.labels)
    names = options.methods or METHODS
    for name in names:
        if name not in METHODS:
            raise InputError(f"no row {name!r}{nearest(name, METHODS)}")
    names = tuple(name for name in METHODS if name in names or name == "kgkt")
    skipped = {name: why for name in names if (why := why_not(task, name))}
    more = further(task, options)
    names += more
    methods = [name for name in names if name not in skipped and name != INPUTS]
    same = [name for name in methods if same_as_kgkt(options, name)]
    alone = [name for name in methods if name not in same]
    out = Path(out)
    with locked(out):
        kept = Kept(out / FILE, digest(task, options))
        wanted = pool_cells(alone, options)
        if options.train_b == "all" and task.b is not None:
            wanted += b_cells(alone, options.labels, options.seeds, options, task.second is not None)
        if INPUTS in more:
            wanted += [(INPUTS, count, seed, SECOND) for seed in range(options.seeds) for count in options.labels]
        _run(task, options, kept, wanted, progress)
        if task.b is not None and isinstance(options.train_b, tuple):
            named = _named_b_cells(options, kept, wanted, alone, task.second is not None)
            _run(task, options, kept, named, progress)
            wanted += named
        rows = [kept.rows[cell] for cell in wanted]
        rows += [row | {"method": name} for name in same for row in rows if row["method"] == "kgkt"]
        rows += [row for (_, labels, seed, metric), row in kept.rows.items()
                 if metric in EXPECTED and labels in options.labels and seed < options.seeds]  # fmt: skip
        report = Report(tuple(sorted(rows, key=lambda r: (names.index(r["method"]), r["labels_per_class"],
                                                          r["seed"], r["metric"]))))  # fmt: skip
        write_report(report, task, options, skipped, out)
    return report


def _run(task: Task, options: Options, kept: Kept, wanted: list[Cell], progress: Progress | None) -> None:
    """Compute the wanted cells that are not kept."""
    units = missing_units(wanted, kept)
    total = len(wanted)
    done = total - sum(len(unit.cells) for unit in units)
    if progress:
        progress(task.name, done, total)
    for rows in run_units(task, options, units):
        kept.add(rows)
        done += sum(row["metric"] not in EXPECTED for row in rows)
        if progress:
            progress(task.name, done, total)


def _named_b_cells(options: Options, kept: Kept, pool: list[Cell], methods: list[str], second: bool) -> list[Cell]:
    """The cells of `train_b` = (methods, label counts, seeds), the best rival found from the pool's figures."""
    assert isinstance(options.train_b, tuple)
    asked, labels, seeds = options.train_b
    chosen = []
    for name in asked:
        if name == BEST_RIVAL:
            if (rival := best_rival(kept, pool)) is not None:
                chosen.append(rival)
        elif name not in (*METHODS, *methods):
            raise InputError(f"train B for {name!r}{nearest(name, [*METHODS, BEST_RIVAL])}")
        elif name in methods:
            chosen.append(name)
    return b_cells(list(dict.fromkeys(chosen)), labels, seeds, options, second)


def best_rival(kept: Kept, cells: list[Cell]) -> str | None:
    """The row without kgkt's teacher that is best on the pool, averaged over label counts and seeds."""
    sums: dict[str, float] = {}
    for cell in cells:
        method, metric = cell[0], cell[3]
        if metric == POOL and method not in (*OWN, *CONTROLS, *B_ONLY):
            sums[method] = sums.get(method, 0.0) + kept.rows[cell]["value"]
    return max(sums, key=lambda name: sums[name]) if sums else None


