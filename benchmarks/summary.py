"""One page over all tasks, computed from their report.json: what each method reached, and what kgkt gained or lost.

    python benchmarks/summary.py          writes benchmarks/results/README.md
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterator
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"
TASKS = ("wordnet", "fashion", "fashion_same", "fashion_digits", "emoji", "emoji_shares", "emoji_fine", "digits")
PEOPLE = (  # made by paired.py
    "suggest", "edits", "tick", "imbalance", "switched", "written", "mapped", "carried", "grown", "traced", "diffed",
    "lexicon", "extend", "texts", "word_labels", "translation",
)
OURS = "kgkt"
POOL, TEST = "pool_accuracy", "test_accuracy"
EXPECTED = ("expected_accuracy", "expected_low", "expected_high")
# what the comparison has to show: on no task behind any of these, and ahead of each over all tasks
CONTROLS = ("head", "head+rounds", "PT-MAP", "Poisson+rounds", "label spreading+rounds")
TOLD = "PoissonMBO"  # told the true class shares, also where none are stated

Cells = dict[tuple[str, int, int], float]  # (method, labels a class, seed) -> value


def cells(report: dict[str, Any], metric: str) -> Cells:
    """The values of one metric."""
    return {
        (row["method"], row["labels_per_class"], row["seed"]): row["value"]
        for row in report["rows"]
        if row["metric"] == metric and row["value"] is not None
    }


def mean(values: Cells, method: str, labels: int) -> float | None:
    """Mean over seeds, or None where the row was not run."""
    found = [v for (m, n, _), v in values.items() if m == method and n == labels]
    return statistics.fmean(found) if found else None


def gain(
    values: Cells, rival: str, counts: tuple[int, ...], ours: str = OURS
) -> tuple[float, float, int] | None:
    """`ours` minus `rival`, averaged over label counts within a seed: mean, standard error, seeds."""
    seeds = sorted({seed for _, _, seed in values})
    paired = []
    for seed in seeds:
        pairs = [(values.get((ours, n, seed)), values.get((rival, n, seed))) for n in counts]
        if all(a is not None and b is not None for a, b in pairs):
            paired.append(statistics.fmean(a - b for a, b in pairs if a is not None and b is not None))
    if not paired:
        return None
    error = statistics.stdev(paired) / len(paired) ** 0.5 if len(paired) > 1 else float("nan")
    return statistics.fmean(paired), error, len(paired)


def counts_of(values: Cells) -> tuple[int, ...]:
    """Label counts that kgkt was run at."""
    return tuple(sorted({n for method, n, _ in values if method == OURS}))


def methods_of(all_values: dict[str, Cells]) -> list[str]:
    """Every method in the order of the reports, each once."""
    return list(dict.fromkeys(method for values in all_values.values() for method, _, _ in values))


def percent(value: float | None, digits: int = 1) -> str:
    """A share as per cent, or a dash."""
    return "–" if value is None else f"{100 * value:.{digits}f}"


def signed(found: tuple[float, float, int] | None) -> str:
    """A gain in points with its standard error."""
    return "–" if found is None else f"{100 * found[0]:+.1f} ± {100 * found[1]:.1f}"


def table(header: list[str], rows: list[list[str]]) -> Iterator[str]:
    """A Markdown table."""
    yield "| " + " | ".join(header) + " |"
    yield "|" + " --- |" * len(header)
    for row in rows:
        yield "| " + " | ".join(row) + " |"


def bar(all_values: dict[str, Cells]) -> Iterator[list[str]]:
    """One row for each thing that the comparison has to show."""
    for rival in CONTROLS:
        for task, values in all_values.items():
            found = gain(values, rival, counts_of(values))
            yield [task, f"not one SE behind {rival}", signed(found), _verdict(found, level(found))]
            for n in counts_of(values) if found else ():
                at = gain(values, rival, (n,))
                if not level(at, 2):
                    yield [task, f"not two SE behind {rival} at {n}", signed(at), _verdict(at, False)]
        means = [found[0] for values in all_values.values() if (found := gain(values, rival, counts_of(values)))]
        over = statistics.fmean(means) if means else 0.0
        ahead = f"{100 * over:+.1f}" if means else "–"
        yield ["all", f"a point ahead of {rival}", ahead, _verdict(means or None, over >= 0.01)]
    for n in (10, 20):
        found = gain(all_values.get("fashion_same", {}), "head+rounds", (n,))
        yield ["fashion_same", f"level with head+rounds at {n}", signed(found), _verdict(found, level(found))]
    many = all_values.get("emoji_fine", {})
    edges = gain(many, "nodes only", counts_of(many), ours="concepts")
    yield ["emoji_fine", "concepts ahead of nodes only", signed(edges), _verdict(edges, bool(edges) and edges[0] > 0)]
    for task, values in all_values.items():
        found = gain(values, TOLD, counts_of(values))
        yield [task, f"beside {TOLD}, told the shares", signed(found), ""]


def level(found: tuple[float, float, int] | None, errors: int = 1) -> bool:
    """Whether a gain is not more than so many standard errors below 0."""
    return found is not None and found[0] >= -errors * found[1]


def _verdict(found: object, met: bool) -> str:
    return "not run" if found is None else "met" if met else "**missed**"


def page(reports: dict[str, dict[str, Any]], people: dict[str, str] | None = None) -> Iterator[str]:
    """The lines of the page; `people`: folder -> title of the reports of what people do with the graph."""
    pool = {task: cells(report, POOL) for task, report in reports.items()}
    test = {task: cells(report, TEST) for task, report in reports.items()}
    yield "# Results"
    yield ""
    yield "Computed by `python benchmarks/summary.py` from each task's `report.json`. Per cent; methods see the same"
    yield "draws of labels. What each row is: the tasks' own reports, one folder a task. Minutes are of a run from"
    yield "nothing, beside other work on the machine; a dash: finished in several runs. The smoothing that ends kgkt's"
    yield "rounds was found on the first draws of these tasks, which are among those reported; the weights of the item"
    yield "graph's edges and the factor for known class shares were chosen on draws from 100 on, what weighs the"
    yield "experts, where the last smoothing fades and the range of alpha on draws 300 to 311: none of them is"
    yield "reported."
    yield ""
    yield from made(reports, pool)
    earlier = [task for task, report in reports.items() if report["about"]["kgkt"]["expert"] != "auto"]
    if earlier:
        yield ""
        yield f"Measured before the teacher weighed experts, and not yet again: {', '.join(earlier)}."
    yield ""
    yield "## Accuracy on the unlabelled pool, averaged over label counts and seeds"
    yield ""
    tasks = list(pool)
    methods = methods_of(pool)
    rows = []
    for method in methods:
        averages = []
        for task in tasks:
            means = [mean(pool[task], method, n) for n in counts_of(pool[task])]
            complete = None not in means and means
            averages.append(percent(statistics.fmean(m for m in means if m is not None)) if complete else "–")
        rows.append([f"**{method}**" if method == OURS else method, *averages])
    yield from table(["method", *tasks], rows)
    yield ""
    yield "## kgkt minus each method, in points ± standard error over paired seeds"
    yield ""
    yield "Averaged over label counts within each seed; a minus is a loss."
    yield ""
    rows = [
        [method, *(signed(gain(pool[task], method, counts_of(pool[task]))) for task in tasks)]
        for method in methods
        if method != OURS
    ]
    yield from table(["method", *tasks], rows)
    yield ""
    yield "## By label count"
    for task in tasks:
        counts = counts_of(pool[task])
        yield ""
        yield f"### {task}: pool accuracy at {', '.join(map(str, counts))} labels a class; B's test accuracy beside it"
        yield ""
        found = test[task]
        b_counts = tuple(sorted({n for _, n, _ in found}))
        rows = []
        for method in dict.fromkeys([*methods_of({task: pool[task]}), *methods_of({task: found})]):
            at_pool = [percent(mean(pool[task], method, n)) for n in counts]
            at_test = [percent(mean(found, method, n)) for n in b_counts]
            rows.append([f"**{method}**" if method == OURS else method, *at_pool, *at_test])
        yield from table(["method", *(f"pool {n}" for n in counts), *(f"B {n}" for n in b_counts)], rows)
    yield ""
    yield "## What kgkt foretold of itself"
    yield ""
    yield "`propagate` says how many answers should be right where each class has five labels or more: from labels that"
    yield "were held out. What came, minus that, in points, and how often it lay inside of the interval (asked: 9 in"
    yield "10)."
    yield ""
    yield from foretold(reports, pool)
    yield ""
    yield "## The bar"
    yield ""
    yield from table(["task", "asked", "kgkt minus it", ""], list(bar(pool)))
    if people:
        yield ""
        yield "## What people do with the graph"
        yield ""
        yield from (f"- [{title}]({name}/report.md)" for name, title in people.items())


def foretold(reports: dict[str, dict[str, Any]], pool: dict[str, Cells]) -> Iterator[str]:
    """How far the accuracy was from what was foretold, by task and label count."""
    parts = {task: [cells(report, metric) for metric in EXPECTED] for task, report in reports.items()}
    counts = sorted({n for expected, _, _ in parts.values() for _, n, _ in expected})
    rows = []
    for n in counts:
        line, off, inside, total = [str(n)], [], 0, 0
        for task, (expected, low, high) in parts.items():
            keys = [key for key in expected if key[1] == n and key in pool[task]]
            apart = [pool[task][key] - expected[key] for key in keys]
            line.append(f"{100 * statistics.fmean(apart):+.1f}" if apart else "–")
            off += [statistics.fmean(apart)] if apart else []
            inside += sum(low[key] <= pool[task][key] <= high[key] for key in keys)
            total += len(keys)
        rows.append([*line, f"{100 * statistics.fmean(off):+.1f}", f"{inside} of {total}"])
    yield from table(["labels a class", *parts, "all", "inside"], rows)


def made(reports: dict[str, dict[str, Any]], pool: dict[str, Cells]) -> Iterator[str]:
    """How each report was made."""
    rows = []
    for task, report in reports.items():
        about, where = report["about"], report["environment"]
        seeds = len({seed for _, _, seed in pool[task]})
        timing = RESULTS / task / "timing.json"
        minutes = f"{json.loads(timing.read_text())['minutes']:.1f}" if timing.exists() else "–"
        rows.append([
            task, str(seeds), f"{about['items']:,} / {about['test_items']:,}", "stated" if about["prior"] else "none",
            f"{about['kgkt']['spread']}, expert {about['kgkt']['expert']}", f"`python benchmarks/{where['command']}`",
            minutes, where["date"], where["machine"],
        ])  # fmt: skip
    header = ["task", "seeds", "pool / test", "class shares", "kgkt", "command", "minutes", "date", "machine"]
    yield from table(header, rows)


def main() -> None:
    """Write the page."""
    found = {task: RESULTS / task / "report.json" for task in TASKS}
    reports = {task: json.loads(path.read_text()) for task, path in found.items() if path.exists()}
    pages = {name: RESULTS / name / "report.md" for name in PEOPLE}
    titles = {name: path.read_text(encoding="utf-8").partition("\n")[0].strip("# ")
              for name, path in pages.items() if path.exists()}  # fmt: skip
    (RESULTS / "README.md").write_text("\n".join(page(reports, titles)) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
