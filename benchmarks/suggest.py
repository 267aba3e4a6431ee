"""Which items to label: those that `kgkt suggest` asks for, beside random ones and what active learning offers.

    python benchmarks/suggest.py --tasks wordnet,emoji,fashion,fashion_same --draws 20

Each way chooses 20, 50, 100 and 200 items (of five classes also 5 and 10), which get their true classes; kgkt's own
teacher answers for the pool from them, with the classes that have a label and the shares that the task states. Printed:
how many answers for the items that were not chosen are right, and the processor's seconds of choosing 200, in one
thread.

    suggest        what `kgkt suggest` asks for (one nested list)
    random         drawn from the pool
    per class      as many of each class, drawn at random: nobody can, who does not know the classes already
    KMeans         the items nearest to the means of KMeans with one cluster an item; not nested
    MaxHerding, TypiClust, CoreSet
                   of scikit-activeml with its defaults, in the same embedding; MaxHerding has no random part

"Labels saved": how many random labels are as good as 20 or 50 suggested, between the budgets on a straight line in
accuracy over the logarithm of the labels; random ones are drawn up to 400.

Needs scikit-activeml (benchmarks/requirements.txt). Reference: Bae, Noh & Sutherland 2024 (MaxHerding); Hacohen, Dekel
& Weinshall 2022 (TypiClust); Sener & Savarese 2018 (CoreSet).
"""

from __future__ import annotations

import statistics
import time
import warnings
from collections.abc import Callable, Iterator

import numpy as np
from paired import Pool, Row, Rows, draws_of, gain, level, main, points, read_pool, row, share, titled, values, verdict
from summary import table

TASKS = ("wordnet", "emoji", "fashion", "fashion_same")
BUDGETS = (20, 50, 100, 200)
FEWER = {"fashion": (5, 10)}  # with five classes twenty random labels are nearly enough
MORE = (35, 70, 140, 400)  # random labels, for the labels that are saved
OURS, MADE = "suggest", "suggest, graph made anew"
ORACLE = "per class"
WAYS = (OURS, "random", ORACLE, "KMeans", "MaxHerding", "TypiClust", "CoreSet")
SURE = "fashion"  # the task on which the smallest two budgets have to be ten points ahead
WHY = """\
Where few classes are easy, labels of any kind soon reach what the teacher can do at best, and no choice is ahead of
another. At as many labels as there are classes `suggest` may pass one over: by its kernel a label speaks for a small
part of the pool, so the first items go where the pool is densest, and a class in a thinner region waits. KMeans with a
cluster an item, and MaxHerding with a wide kernel over all pairs of items, do not. MaxHerding's time and memory grow
with the square of the pool; KMeans has no order in which to label."""


def budgets(task: str) -> tuple[int, ...]:
    """How many labels in all."""
    return (*FEWER.get(task, ()), *BUDGETS)


def run(task: str, draws: range) -> Iterator[Row]:
    """The rows of one task."""
    pool = read_pool(task)
    herded, herding = timed(lambda: strategy("MaxHerding", 0, pool.view.vectors, BUDGETS[-1]))
    for seed in draws:
        view, made = timed(lambda seed=seed: pool.drawn(seed))
        asked, seconds = timed(lambda view=view: suggested(view, BUDGETS[-1]))
        shuffled = np.random.default_rng(seed).permutation(len(pool.prepared.pool_y))
        chosen: dict[str, Callable[[int], tuple[np.ndarray, float]]] = {
            OURS: lambda n, asked=asked, seconds=seconds: (asked[:n], seconds),
            "random": lambda n, shuffled=shuffled: (shuffled[:n], 0.0),
            ORACLE: lambda n, seed=seed: (per_class(pool.prepared.pool_y, n, seed), 0.0),
            "KMeans": lambda n, seed=seed: timed(lambda: means(pool.view.vectors, n, seed)),
            "MaxHerding": lambda n: (herded[:n], herding),
            "TypiClust": lambda n, seed=seed: timed(lambda: strategy("TypiClust", seed, pool.view.vectors, n)),
            "CoreSet": lambda n, seed=seed: timed(lambda: strategy("CoreSet", seed, pool.view.vectors, n)),
        }
        for way in WAYS:
            for n in (*budgets(task), *MORE) if way == "random" else budgets(task):
                items, took = chosen[way](n)
                yield row(task, way, n, seed, "pool_accuracy", right(pool, view, items), took)
                if n == BUDGETS[-1]:
                    yield row(task, way, n, seed, "seconds", took, took)
                if (way, n) == (OURS, BUDGETS[-1]):
                    yield row(task, MADE, n, seed, "seconds", took + made, took + made)


def timed(work: Callable) -> tuple:
    """What `work` gives, and the processor's seconds that it took in one thread: others may work beside it."""
    start = time.process_time()
    return work(), time.process_time() - start


def suggested(view: object, how_many: int) -> np.ndarray:
    """The items that `kgkt suggest` asks for where nothing has a label yet."""
    from kgkt.concepts.cluster import medoids
    from kgkt.rundir.asking import covering
    from kgkt.rundir.current import CurrentGraph
    from kgkt.values import Clustering, Labels

    k, ids = len(view.graph), np.arange(len(view.vectors)).astype(str)
    current = CurrentGraph(view.graph, Labels(np.zeros(0, int), np.zeros(0, int), ()), ids, view.Z, np.arange(k))
    clusters = Clustering(view.graph.centroids, view.Z, view.graph.sizes, 1.0, 0)
    asked = covering(current, medoids(view.vectors, clusters, 8), how_many, lambda said: None)
    return np.array([int(one.item_id) for one in asked])


def per_class(y: np.ndarray, n: int, seed: int) -> np.ndarray:
    """(n,) items, as many of each class; what does not divide evenly goes to classes drawn at random."""
    rng = np.random.default_rng(seed)
    classes = y.max() + 1
    counts = np.full(classes, n // classes)
    counts[rng.permutation(classes)[: n % classes]] += 1
    order = rng.permutation(len(y))
    return np.concatenate([order[y[order] == c][:count] for c, count in enumerate(counts)])


def means(vectors: np.ndarray, n: int, seed: int) -> np.ndarray:
    """The items nearest to the means of n clusters."""
    from sklearn.cluster import KMeans
    from sklearn.metrics import pairwise_distances_argmin

    model = KMeans(n, n_init=1, random_state=seed).fit(vectors)
    return np.unique(pairwise_distances_argmin(model.cluster_centers_, vectors))


def strategy(name: str, seed: int, vectors: np.ndarray, n: int) -> np.ndarray:
    """What a strategy of scikit-activeml asks for where nothing has a label yet."""
    import skactiveml.pool

    unknown = np.full(len(vectors), np.nan)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return getattr(skactiveml.pool, name)(random_state=seed).query(vectors, unknown, batch_size=n)


def right(pool: Pool, view: object, items: np.ndarray) -> float:
    """Share of right answers of the teacher for the items that were not chosen; a class without label is never one."""
    from kgkt.transfer.teacher import teach
    from kgkt.values import Labels

    y, names, prior = pool.prepared.pool_y, pool.prepared.names, pool.prepared.prior
    known, classes = np.unique(y[items], return_inverse=True)
    labels = Labels(items, classes, tuple(names[c] for c in known))
    P = teach(
        view.graph, view.Z, labels, view.head, spread="both", text=pool.prepared.text, neighbours=view.near,
        prior=None if prior is None else prior[known] / prior[known].sum(), expectation=False,
    ).P  # fmt: skip
    free = np.setdiff1d(np.arange(len(y)), items)
    return float((known[P[free].argmax(axis=1)] == y[free]).mean())


def as_good(rows: Rows, task: str, budget: int) -> str:
    """How many random labels are as good as the suggested ones, by the means over draws."""
    wanted = statistics.fmean(values(rows, task, OURS, budget, "pool_accuracy").values())
    curve = [(n, statistics.fmean(values(rows, task, "random", n, "pool_accuracy").values()))
             for n in sorted((*BUDGETS, *MORE))]  # fmt: skip
    below = [i for i, (_, accuracy) in enumerate(curve) if accuracy < wanted]
    if not below:
        return f"under {curve[0][0]}"
    last = below[-1]
    if last + 1 == len(curve):
        return f"over {curve[-1][0]}"
    (low, a), (high, b) = curve[last], curve[last + 1]
    return f"{low * (high / low) ** ((wanted - a) / (b - a)):.0f}"


def report(rows: Rows) -> Iterator[str]:
    """The lines of report.md."""
    tasks = [task for task in TASKS if draws_of(rows, task)]
    yield "# Which items to label"
    yield ""
    yield "Answers of kgkt's teacher that are right, per cent of the pool, by how many labels there are in all, and by"
    yield "what chose them; mean ± standard error over draws."
    yield ""
    header = ["chosen by", *(f"{titled(rows, task)}, {' / '.join(map(str, budgets(task)))}"
                             for task in tasks)]  # fmt: skip
    cells = [[f"{way} (nobody has it)" if way == ORACLE else f"**{way}**" if way == OURS else way,
              *(" / ".join(share(values(rows, task, way, n, "pool_accuracy")) for n in budgets(task))
                for task in tasks)] for way in WAYS]  # fmt: skip
    yield from table(header, cells)
    yield ""
    yield "`suggest` minus each, in points over the same draws:"
    yield ""
    yield from table(header, [
        [way, *(" / ".join(points(ahead(rows, task, way, n)) for n in budgets(task)) for task in tasks)]
        for way in WAYS if way != OURS
    ])  # fmt: skip
    yield ""
    yield "Random labels that are as good as 20 and as 50 suggested, and the processor's seconds of choosing 200:"
    yield ""
    yield from table(["", *tasks], [
        *([f"as good as {n} suggested", *(as_good(rows, task, n) for task in tasks)] for n in BUDGETS[:2]),
        *([f"seconds, {way}", *(f"{took(rows, task, way):.2f}" for task in tasks)]
          for way in (OURS, MADE, "KMeans", "MaxHerding", "TypiClust", "CoreSet")),
    ])  # fmt: skip
    yield ""
    yield "What it has to show:"
    yield ""
    yield from table(["task", "asked", "found", ""], list(bar(rows, tasks)))
    yield ""
    yield from WHY.splitlines()


def ahead(rows: Rows, task: str, way: str, n: int) -> tuple[float, float] | None:
    """`suggest` minus another way at one budget."""
    return gain(values(rows, task, OURS, n, "pool_accuracy"), values(rows, task, way, n, "pool_accuracy"))


def took(rows: Rows, task: str, way: str) -> float:
    """Median seconds of choosing the largest budget."""
    return statistics.median(values(rows, task, way, BUDGETS[-1], "seconds").values())


def bar(rows: Rows, tasks: list[str]) -> Iterator[list[str]]:
    """One row for each thing that has to be shown."""
    for task in tasks:
        found = [ahead(rows, task, "random", n) for n in budgets(task)]
        least = min(found, key=lambda one: one[0])
        yield [task, "a point ahead of random at every budget", f"{points(least)} at least", verdict(least[0] >= 0.01)]
        if task == SURE:
            least = min(found[:2], key=lambda one: one[0])
            yield [task, "ten ahead of random at 5 and 10", f"{points(least)} at least", verdict(least[0] >= 0.1)]
        herding = [ahead(rows, task, "MaxHerding", n) for n in budgets(task)]
        least = min(herding, key=lambda one: one[0] + 2 * one[1])
        yield [task, "not two standard errors behind MaxHerding", f"{points(least)} at worst", verdict(level(least))]
        ratio = took(rows, task, OURS) / took(rows, task, "MaxHerding")
        yield [task, "a tenth of MaxHerding's time", f"{ratio:.3f} of it", verdict(ratio <= 0.1)]


if __name__ == "__main__":
    main("suggest", __doc__, TASKS, run, report, needs=("skactiveml",))
