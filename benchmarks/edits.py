"""What an edit costs until every item has its new class: kgkt beside solving an item-level method again.

    python benchmarks/edits.py --tasks 10k,100k,300k --draws 5

Features are made up (32 columns, 400 overlapping heaps, ten classes in different directions, five labels each). An edit
is one more label, or a concept switched off; for the item-level methods, which have no concepts, its items taken out of
their graph. Measured, each method in a process of its own with one thread: the processor's seconds (others may work
beside it), the median over edits, and the memory needed beside what was loaded before (the graph, and its factorisation
where it is held).

    kgkt, held             the concepts' answer, the graph in memory: of a label with the factorisation, of a switch
                           solved without one
    kgkt, the verb         run.label and run.switch from the run directory: all is read, the edit saved, the answer
                           solved before and after it
    Laplace, Poisson       GraphLearning's laplace and poisson, the graph of the 10 nearest items in memory
    label spreading        scikit-learn's LabelSpreading until it converges at alpha .95, as `kgkt evaluate` takes it,
                           given the same graph in memory
    its defaults           the same at alpha .2, 30 rounds at most
    its fit                at .95 as it is called, kernel="knn" with 10 neighbours: it finds them anew; 10k only

kgkt's rounds, experts and nearest items are no part of its answer here: they are heard at the next `propagate`.
Needs graphlearning, and pynndescent above 60,000 items (benchmarks/requirements.txt). Reference: Zhu, Ghahramani &
Lafferty 2003; Calder, Cook, Thorpe & Slepcev 2020; Zhou et al. 2004.
"""

from __future__ import annotations

import contextlib
import io
import multiprocessing
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from paired import Row, Rows, draws_of, main, row, values, verdict
from summary import table

SIZES = {"10k": 10_000, "100k": 100_000, "300k": 300_000}
WIDTH, HEAPS, CLASSES, LABELS = 32, 400, 10, 5
LABEL, SWITCH = "label", "switch"
HELD, VERB = "kgkt, held", "kgkt, the verb"
SHORT, FIT = "label spreading, its defaults", "label spreading, its fit"
RIVALS = ("Laplace", "Poisson", "label spreading", SHORT)
FASTER = 20  # times, than the fastest rival at 300k

Edit = Callable[[], object]
WHY = """\
An edit costs kgkt what its concepts cost, of which there are 2,500 at most, and one product for the items. That holds
for a graph in memory, as a page or a notebook could hold it. A verb begins with the run directory: it reads the graph
and its memberships (a label once, a switch three times) and saves the database, and there the lead is lost. Label
spreading's defaults stop early; Laplace learning is known to fail at few labels."""


def run(task: str, draws: range) -> Iterator[Row]:
    """The rows of one size: each method edits in a process of its own."""
    n = SIZES[task]
    with tempfile.TemporaryDirectory() as folder:
        spawned(prepare, folder, n)
        methods = (HELD, VERB, *RIVALS, *((FIT,) if task == "10k" else ()))
        found = {method: spawned(measure, folder, method, n, len(draws)) for method in methods}
    for number, draw in enumerate(draws):
        for method, figures in found.items():
            for edit in (LABEL, SWITCH):
                seconds, megabytes = figures[edit][number]
                yield row(task, method, n, draw, f"{edit}_seconds", seconds, seconds)
                yield row(task, method, n, draw, f"{edit}_megabytes", megabytes, seconds)
            if "right" in figures:
                yield row(task, method, n, draw, "right", figures["right"])


def spawned(work: Callable, *given: Any) -> Any:
    """What `work` gives in a fresh process."""
    with multiprocessing.get_context("spawn").Pool(1) as one:
        return one.apply(work, given)


def prepare(folder: str, n: int) -> None:
    """Make features, populate a graph from them, and keep the graph of nearest items."""
    import scipy.sparse
    from threadpoolctl import threadpool_limits

    import kgkt
    from kgkt.files import load_arrays
    from kgkt.transfer.items import nearest_items, neighbour_graph

    X, y = made_up(n)
    with threadpool_limits(1), contextlib.redirect_stderr(io.StringIO()):
        graph = kgkt.populate(features={"features": X, "item_id": ids(np.arange(n))}, dir=Path(folder) / "run")
        graph.label(dict(zip(ids(first(y)), y[first(y)].astype(str), strict=True)))
        vectors = load_arrays(graph.folder / "embedding.safetensors")[0]["vectors"]
        scipy.sparse.save_npz(Path(folder) / "near.npz", neighbour_graph(nearest_items(vectors), vectors))


def made_up(n: int) -> tuple[np.ndarray, np.ndarray]:
    """(n, 32) float32 in heaps that overlap, and the class of each (n,)."""
    rng = np.random.default_rng(0)
    middles = rng.normal(size=(HEAPS, WIDTH)).astype(np.float32)
    heap = rng.integers(HEAPS, size=n)
    classes = (middles @ rng.normal(size=(WIDTH, CLASSES))).argmax(axis=1)
    return middles[heap] + 1.2 * rng.normal(size=(n, WIDTH)).astype(np.float32), classes[heap]


def ids(items: np.ndarray) -> np.ndarray:
    return np.array([f"i{item:06d}" for item in items])


def first(y: np.ndarray) -> np.ndarray:
    """The items that are labelled before any edit."""
    return np.concatenate([np.flatnonzero(y == c)[:LABELS] for c in range(CLASSES)])


def measure(folder: str, method: str, n: int, edits: int) -> dict[str, Any]:
    """Processor's seconds and megabytes of each edit; where answers are returned, how many are right before."""
    from threadpoolctl import threadpool_limits

    warnings.simplefilter("ignore")
    _, y = made_up(n)
    told = np.concatenate([first(y), np.random.default_rng(1).permutation(n)[: edits + 1]])
    editor = {HELD: held, VERB: verb}.get(method, item_level)
    with threadpool_limits(1), contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        label, switch = editor(Path(folder), method, y, told)
        answer = label(0)  # what is loaded on the first call is no part of an edit
        right = {} if method == VERB else {"right": float((answer == y).mean())}
        return right | {name: [once(lambda edit=edit, number=number: edit(number)) for number in range(1, edits + 1)]
                        for name, edit in ((LABEL, label), (SWITCH, switch))}  # fmt: skip


def once(edit: Edit) -> tuple[float, float]:
    """Processor's seconds of an edit, and the megabytes by which the process grew at most meanwhile."""
    before, start = memory(reset=True), time.process_time()
    edit()
    return time.process_time() - start, max(memory() - before, 0.0)


def memory(reset: bool = False) -> float:
    """The largest resident size of this process since the last reset, in megabytes; Linux only, else 0."""
    status = Path("/proc/self/status")
    if not status.exists():
        return 0.0
    if reset:
        Path("/proc/self/clear_refs").write_text("5")
    return int(next(line for line in status.read_text().splitlines() if line.startswith("VmHWM")).split()[1]) / 1000


def current(folder: Path) -> Any:
    """The graph as a verb reads it."""
    from kgkt.recipe import Recipe
    from kgkt.rundir.current import open_graph_store, read_current
    from kgkt.rundir.state import open_run

    recipe = Recipe(dir=str(folder / "run"))
    run_dir = open_run(recipe)
    with open_graph_store(recipe, run_dir) as store:
        return read_current(store, run_dir, lambda said: None)


def held(folder: Path, method: str, y: np.ndarray, told: np.ndarray) -> tuple[Callable, Callable]:
    """The concepts' answer as the verbs ask for it, of a graph in memory."""
    from kgkt.concepts.effect import concepts_say
    from kgkt.concepts.propagate import make_spreader
    from kgkt.values import Labels

    now = current(folder)
    spreader = make_spreader(now.graph)

    def labels(number: int) -> Labels:
        items = told[: CLASSES * LABELS + number]
        return Labels(items, y[items], now.labels.names)

    def switch(number: int) -> object:
        active = now.graph.active.copy()
        active[number] = False
        graph = replace(now.graph, active=active)
        return concepts_say(make_spreader(graph, once=True), now.Z, labels(0))

    def label(number: int) -> np.ndarray:
        won, names = concepts_say(spreader, now.Z, labels(number))
        return np.array([int(name) if name.isdigit() else -1 for name in names])[won]

    return label, switch


def verb(folder: Path, method: str, y: np.ndarray, told: np.ndarray) -> tuple[Callable, Callable]:
    """What a user of Python calls, or the command line does once it is loaded."""
    import kgkt

    graph = kgkt.open_graph(dir=folder / "run")
    more = told[CLASSES * LABELS :]
    return (lambda number: graph.label({str(ids(more)[number]): str(y[more[number]])}),
            lambda number: graph.switch("off", concepts=[number]))  # fmt: skip


def item_level(folder: Path, method: str, y: np.ndarray, told: np.ndarray) -> tuple[Callable, Callable]:
    """An item-level method that is solved again."""
    import scipy.sparse

    from kgkt.proof.baselines import ALPHA

    near = scipy.sparse.load_npz(folder / "near.npz").tocsr()
    now = current(folder)
    nearest = now.Z.indices[now.Z.indptr[:-1]]
    X = made_up(len(y))[0] if method == FIT else None

    def answer(W: Any, items: np.ndarray, classes: np.ndarray, rows: np.ndarray | slice) -> object:
        if method in ("Laplace", "Poisson"):
            import graphlearning

            return getattr(graphlearning.ssl, method.lower())(W).fit_predict(items, classes)
        from sklearn.semi_supervised import LabelSpreading

        given = np.full(W.shape[0], -1)
        given[items] = classes
        settings = {} if method == SHORT else {"alpha": ALPHA, "max_iter": 1000}
        if X is not None:
            model = LabelSpreading(kernel="knn", n_neighbors=10, **settings).fit(X[rows], given)
        else:
            model = LabelSpreading(kernel=lambda *_: W, **settings).fit(np.zeros((W.shape[0], 1)), given)
        return model.transduction_

    def label(number: int) -> object:
        items = told[: CLASSES * LABELS + number]
        return answer(near, items, y[items], slice(None))

    def switch(number: int) -> object:
        on = np.flatnonzero(nearest != number)
        items = np.intersect1d(told[: CLASSES * LABELS], on)
        return answer(near[on][:, on], np.searchsorted(on, items), y[items], on)

    return label, switch


def median(rows: Rows, task: str, method: str, metric: str) -> float | None:
    """Over the edits."""
    found = values(rows, task, method, SIZES[task], metric)
    return statistics.median(found.values()) if found else None


def report(rows: Rows) -> Iterator[str]:
    """The lines of report.md."""
    tasks = [task for task in SIZES if draws_of(rows, task)]
    yield "# What an edit costs"
    yield ""
    edits = "; ".join(f"{task} {draws_of(rows, task)}" for task in tasks)
    yield "Processor's seconds until every item has its new class, the median of so many edits of each kind"
    yield f"({edits}); how many times as long as kgkt with its graph in memory; megabytes needed meanwhile."
    for edit, title in ((LABEL, "One more label"), (SWITCH, "One concept switched off")):
        yield ""
        yield f"{title}:"
        yield ""
        cells = []
        for method in (HELD, VERB, *RIVALS, FIT):
            line = [f"**{method}**" if method.startswith("kgkt") else method]
            for task in tasks:
                took, ours = median(rows, task, method, f"{edit}_seconds"), median(rows, task, HELD, f"{edit}_seconds")
                space = median(rows, task, method, f"{edit}_megabytes")
                line.append("–" if took is None else f"{took:.3g} s, {took / ours:.1f}x, {space:.0f} MB")
            cells.append(line)
        yield from table(["", *(f"{task} items" for task in tasks)], cells)
    yield ""
    yield "Answers that are right at five labels a class, so that each is known to answer the same question, per cent:"
    yield ""
    yield from table(["", *(f"{task} items" for task in tasks)], [
        [method, *(f"{100 * right:.1f}" if (right := median(rows, task, method, "right")) is not None else "–"
                   for task in tasks)] for method in (HELD, *RIVALS, FIT)
    ])  # fmt: skip
    yield ""
    yield "What it has to show:"
    yield ""
    yield from table(["task", "asked", "found", ""], list(bar(rows)))
    yield ""
    yield from WHY.splitlines()


def bar(rows: Rows) -> Iterator[list[str]]:
    """One row for each thing that has to be shown."""
    task = "300k"
    for edit in (LABEL, SWITCH):
        times = [median(rows, task, rival, f"{edit}_seconds") for rival in RIVALS]
        for method in (HELD, VERB):
            ours = median(rows, task, method, f"{edit}_seconds")
            asked = f"{method}: {FASTER}x faster than the fastest, {edit}"
            if ours is None or None in times:
                yield [task, asked, "–", verdict(None)]
            else:
                yield [task, asked, f"{min(times) / ours:.1f}x", verdict(min(times) / ours >= FASTER)]


if __name__ == "__main__":
    main("edits", __doc__, tuple(SIZES), run, report, draws=5, needs=("graphlearning", "pynndescent"))
