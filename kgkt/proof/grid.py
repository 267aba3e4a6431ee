"""The cells of an evaluation: one row, label count and seed each; computed once, kept, and never again."""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kgkt.errors import BelowBarError, InputError, count
from kgkt.proof import answers as contest
from kgkt.proof.rows import B_ONLY, CARRIED, INPUTS, ROWS, Bench
from kgkt.proof.task import Options, Task, draw_labels
from kgkt.proof.view import View, bare, recluster
from kgkt.values import REPORT_COLUMNS

if TYPE_CHECKING:
    from kgkt.proof.distillation import Distillation
    from kgkt.transfer.trainer import Trainer

POOL, TEST = "pool_accuracy", "test_accuracy"
SECOND = "second_accuracy"  # of a task that no B is taught, read from B's last hidden layer
EXPECTED = ("expected_accuracy", "expected_low", "expected_high")  # what the teacher of the row kgkt foretold of itself
FILE = "cells.jsonl"
Cell = tuple[str, int, int, str]  # method, labels a class, seed, metric


@dataclass(frozen=True, slots=True)
class Unit:
    """What one process does at a time: the cells of one seed and label count.

    Args:
        per_class: labels a class.
        seed: of the draw and of the graph.
        cells: (method, metric) that are still missing.
    """

    per_class: int
    seed: int
    cells: tuple[tuple[str, str], ...]


class Kept:
    """Finished cells on disk, one JSON line each; those of another task or of other settings are passed over.

    Args:
        path: of the file.
        digest: of task and settings.
    """

    def __init__(self, path: Path, digest: str) -> None:
        self.path, self.digest = path, digest
        self.rows: dict[Cell, dict[str, Any]] = {}
        path.parent.mkdir(parents=True, exist_ok=True)
        for number, line in enumerate(_lines(path)):
            try:
                row = json.loads(line)
            except json.JSONDecodeError:
                if number == len(_lines(path)) - 1:
                    continue  # cut off in the middle of writing
                raise InputError(f"{path}, line {number + 1} is damaged: remove that line, or the file") from None
            if row.pop("digest") == digest:
                self.rows[_cell(row)] = row

    def add(self, rows: Sequence[dict[str, Any]]) -> None:
        """Keep finished cells at once."""
        text = "".join(json.dumps({**row, "digest": self.digest}) + "\n" for row in rows)
        try:
            with self.path.open("a", encoding="utf-8") as file:
                file.write(text)
        except OSError as error:
            raise InputError(f"{self.path} could not be written: {error.strerror}") from error
        self.rows |= {_cell(row): row for row in rows}


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines() if path.exists() else []


def _cell(row: dict[str, Any]) -> Cell:
    return row["method"], row["labels_per_class"], row["seed"], row["metric"]


def missing_units(wanted: Sequence[Cell], kept: Kept) -> list[Unit]:
    """The units that hold the wanted cells which are not kept yet, seed by seed."""
    groups: dict[tuple[int, int], list[tuple[str, str]]] = {}
    for method, per_class, seed, metric in wanted:
        if (method, per_class, seed, metric) not in kept.rows:
            groups.setdefault((seed, per_class), []).append((method, metric))
    return [Unit(per_class, seed, tuple(cells)) for (seed, per_class), cells in sorted(groups.items())]


def run_units(task: Task, options: Options, units: list[Unit]) -> Iterator[list[dict[str, Any]]]:
    """Yield the rows of each unit as it is done, in `options.jobs` processes."""
    jobs = min(options.jobs, len(units))
    if jobs <= 1:
        worker = Worker(task, options)
        for unit in units:
            yield worker.run(unit)
        return
    from concurrent.futures import ProcessPoolExecutor, as_completed
    from concurrent.futures.process import BrokenProcessPool

    context = multiprocessing.get_context("spawn")  # TensorFlow does not survive a fork
    pool = ProcessPoolExecutor(jobs, context, initializer=_start, initargs=(_portable(task), options))
    ours = set(multiprocessing.active_children())
    try:
        futures = [pool.submit(_run, unit) for unit in units]
        ours = set(multiprocessing.active_children()) - ours
        for future in as_completed(futures):
            yield future.result()
        pool.shutdown()
    except BrokenProcessPool as error:
        raise InputError(
            "a process of the evaluation ended (not enough memory?): run it again with fewer --jobs; finished cells "
            "are kept"
        ) from error
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        for process in ours:
            process.terminate()


def _portable(task: Task) -> Task:
    """The task without what cannot leave a process, and is made anew for each seed: graphs."""
    parts = (task.view, task.raw_inputs, task.untrained)
    view, raw, untrained = (None if part is None else bare(part) for part in parts)
    assert view is not None
    return replace(task, view=view, raw_inputs=raw, untrained=untrained)


_worker: Worker | None = None


def _start(task: Task, options: Options) -> None:
    import os
    import signal

    global _worker
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches every process; the parent ends us
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    _worker = Worker(task, options)


def _run(unit: Unit) -> list[dict[str, Any]]:
    assert _worker is not None
    return _worker.run(unit)


class Worker:
    """Computes units; holds what several of them share: neighbours, the bench of the last seed, the compiled B.

    Args:
        task, options: of the evaluation.
    """

    def __init__(self, task: Task, options: Options) -> None:
        self.task, self.options = task, options
        self._near: dict[int, Any] = {}
        self._bench: Bench | None = None
        self._trainer: Trainer | None = None
        self._carrying: Trainer | None = None
        self._distillation: Distillation | None = None

    def run(self, unit: Unit) -> list[dict[str, Any]]:
        """Rows of one unit: the same whoever computes them, and however many processes there are."""
        import numpy as np
        from threadpoolctl import threadpool_limits

        # one thread: sums come out the same on every machine load, and matrices this small gain little from more
        with threadpool_limits(1):
            labels = draw_labels(self.task.pool_y, self.task.names, unit.per_class, np.random.default_rng(unit.seed))
            rows = []
            for method in dict.fromkeys(method for method, _ in unit.cells):
                metrics = [metric for name, metric in unit.cells if name == method]
                rows += list(self._row(method, metrics, unit, labels))
            return rows

    def _row(self, method: str, metrics: list[str], unit: Unit, labels: Any) -> Iterator[dict[str, Any]]:
        import numpy as np

        bench = self._bench_of(unit.seed)
        start = time.perf_counter()
        targets = ROWS[method](bench, labels) if method in ROWS else None
        seconds = time.perf_counter() - start + sum(bench.spared)
        bench.spared.clear()
        head = (self.task.name, method, unit.per_class, unit.seed)
        if POOL in metrics and targets is not None:
            free = np.setdiff1d(np.arange(len(self.task.pool_y)), labels.items)
            value = float(np.mean(targets.P[free].argmax(axis=1) == self.task.pool_y[free]))
            yield dict(zip(REPORT_COLUMNS, (*head, POOL, value, seconds), strict=True))
            foretold = targets.expected_accuracy if method == "kgkt" else None
            for metric, part in zip(EXPECTED, foretold or (), strict=bool(foretold)):
                yield dict(zip(REPORT_COLUMNS, (*head, metric, part, seconds), strict=True))
        found: dict[str, float] = {}
        start = time.perf_counter()
        if method == INPUTS:
            found = {SECOND: self._second(None, unit.seed)}
        elif TEST in metrics or SECOND in metrics:
            found = self._b_figures(method, targets, labels, unit, metrics)
        seconds += time.perf_counter() - start
        for metric, value in found.items():
            yield dict(zip(REPORT_COLUMNS, (*head, metric, value, seconds), strict=True))

    def _bench_of(self, seed: int) -> Bench:
        if self._bench is None or self._bench.seed != seed:
            task = self.task
            a, raw, untrained = (
                None if view is None else recluster(view, task.concepts, seed)
                for view in (task.view, task.raw_inputs, task.untrained)
            )
            assert a is not None
            self._bench = Bench(task, self.options, a, raw, untrained, self._neighbours, seed)
        return self._bench

    def _neighbours(self, view: View) -> Any:
        """Nearest items of a view and their graph; the embedding is the same for every seed."""
        from kgkt.transfer.items import nearest_items, neighbour_graph

        key = id(view.vectors)
        if key not in self._near:
            index = nearest_items(view.vectors)
            self._near[key] = index, neighbour_graph(index, view.vectors)
        return self._near[key]

    def _b_figures(self, method: str, targets: Any, labels: Any, unit: Unit, metrics: list[str]) -> dict[str, float]:
        """What B is worth after `steps` steps from its own weights: on the targets, or by distillation without."""
        import numpy as np

        from kgkt.transfer.batchnorm import reestimate
        from kgkt.transfer.trainer import Trainer

        task, options = self.task, self.options
        assert task.b is not None
        assert task.test_y is not None
        if self._trainer is None:
            self._trainer = Trainer(task.b(), batch=options.batch, learning_rate=options.learning_rate,
                                    from_logits=options.from_logits)
        trainer = self._carrier(unit.seed) if method == CARRIED else self._trainer
        try:
            if targets is None:
                self._distilled(trainer).train(task.pool_x, labels, options.steps, unit.seed, options.batch)
            else:
                contest.teach_b(trainer, task.pool_x, targets, labels, options.steps, unit.seed)
        except BelowBarError as error:
            where = f"{method}, {count(unit.per_class, 'label')} a class, seed {unit.seed}"
            raise BelowBarError(f"{where}: {error}") from error
        reestimate(trainer.model, task.pool_x, np.arange(len(task.pool_y)))
        return {metric: trainer.accuracy(task.test_x, task.test_y) if metric == TEST
                else self._second(trainer, unit.seed) for metric in (TEST, SECOND) if metric in metrics}  # fmt: skip

    def _carrier(self, seed: int) -> Trainer:
        """B with a head beside it for the concepts of this seed; compiled once for as many concepts."""
        from kgkt.transfer.carry import ConceptHead, carried
        from kgkt.transfer.trainer import Trainer

        options, view = self.options, self._bench_of(seed).a
        wanted, centroids = carried(view.Z, view.graph)
        if self._carrying is None or self._carrying.beside is None or self._carrying.beside.width != wanted.shape[1]:
            assert self.task.b is not None
            assert options.carry_weight is not None
            model = self.task.b()
            head = ConceptHead(model, wanted, centroids, options.carry_weight)
            self._carrying = Trainer(model, batch=options.batch, learning_rate=options.learning_rate,
                                     from_logits=options.from_logits, beside=head)  # fmt: skip
        assert self._carrying.beside is not None
        self._carrying.beside.learn(wanted, centroids)
        return self._carrying

    def _second(self, trainer: Trainer | None, seed: int) -> float:
        """How well few labels of the second task tell it from B's last hidden layer, or from its items themselves."""
        import numpy as np

        from kgkt.proof.second import hidden, probe

        assert self.task.second is not None
        x, y = self.task.second
        H = np.asarray(x, np.float32).reshape(len(x), -1) if trainer is None else hidden(trainer.model, x)
        return probe(H, y, seed)

    def _distilled(self, trainer: Trainer) -> Distillation:
        from kgkt.proof.distillation import Distillation, teacher_of

        if self._distillation is None:
            self._distillation = Distillation(trainer, *teacher_of(self.task), self.options.learning_rate)
        return self._distillation


def pool_cells(methods: Sequence[str], options: Options) -> list[Cell]:
    """Every row's answer for the pool."""
    return [
        (method, count, seed, POOL)
        for seed in range(options.seeds)
        for count in options.labels
        for method in methods
        if method not in B_ONLY
    ]


def b_cells(
    methods: Sequence[str], labels: Sequence[int], seeds: int, options: Options, second: bool = False
) -> list[Cell]:
    """The rows, label counts and seeds that teach a B; with `second` it is judged on a second task too."""
    return [
        (method, count, seed, metric)
        for seed in range(min(seeds, options.seeds))
        for count in labels
        if count in options.labels
        for method in methods
        for metric in (TEST, *((SECOND,) if second else ()))
    ]


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold `folder` for one evaluation: two at once would write the same cells."""
    import fcntl

    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise InputError(f"another evaluation writes into {folder}: wait for it, or give another --out") from error
        yield
