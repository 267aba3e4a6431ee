"""The demo in words: three tables, computed sentences, and the JSON of all of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kgkt.demo.comparison import CEILING, EDIT, FEW, WRITTEN, WRONG
from kgkt.demo.wrong import OURS, SHARE
from kgkt.proof.stats import Paired, interval, paired, percent, plus_minus, spread

if TYPE_CHECKING:
    from kgkt.demo.comparison import Demo
    from kgkt.values import Report

Table = tuple[list[str], list[list[str]]]


def figures(report: Report, task: str, method: str, per_class: int, metric: str) -> list[float]:
    """The figures of one method, one a seed, in the order of seeds."""
    return [
        row["value"]
        for row in sorted(report.rows, key=lambda row: row["seed"])
        if (row["task"], row["method"], row["labels_per_class"], row["metric"]) == (task, method, per_class, metric)
    ]


def methods(report: Report, task: str) -> list[str]:
    """Methods of a task in the order of their rows."""
    return list(dict.fromkeys(row["method"] for row in report.rows if row["task"] == task))


def counts(report: Report, task: str = FEW) -> list[int]:
    """Labels a class that a task ran with, ascending."""
    return sorted({row["labels_per_class"] for row in report.rows if row["task"] == task})


def few_labels_table(report: Report) -> Table:
    """B's test accuracy in per cent: mean, 95 % interval, and kgkt minus the row with its standard error."""
    return _beside_kgkt(report, "B's test accuracy, %", FEW, "test_accuracy")


def wrong_labels_table(report: Report) -> Table:
    """Of the labels a method doubts most, as many as are wrong, how many are; per cent, as in the first table."""
    return _beside_kgkt(report, "wrong labels found, %", WRONG, "found")


def _beside_kgkt(report: Report, title: str, task: str, metric: str) -> Table:
    columns, rows = [title], [[m] for m in methods(report, task)]
    for count in counts(report, task):
        columns += [_labels(count), "95 % interval", "kgkt minus it"]
        kgkt = figures(report, task, OURS, count, metric)
        for row in rows:
            values = figures(report, task, row[0], count, metric)
            row += [percent(spread(values).mean), interval(spread(values))]
            row.append("" if row[0] == OURS else plus_minus(paired(kgkt, values)))
    return columns, rows


def edit_table(report: Report) -> Table:
    """The edit in per cent of the test digits: b still called by the shared label, a lost, the rest right."""
    columns = ["one tick, %", "b left", "95 % interval", "a lost", "95 % interval", "rest right"]
    rows = []
    for method in methods(report, EDIT):
        per_class = next(r["labels_per_class"] for r in report.rows if r["task"] == EDIT)
        left, lost, rest = (
            spread(figures(report, EDIT, method, per_class, metric)) for metric in ("b_left", "a_lost", "rest_right")
        )
        rows.append(
            [method, percent(left.mean), interval(left), percent(lost.mean), interval(lost), percent(rest.mean)]
        )
    return columns, rows


def best_control(report: Report, count: int) -> str:
    """The control with the highest mean; neither the ceiling nor a row of kgkt's own is one."""
    rivals = [m for m in methods(report, FEW) if m not in ("kgkt", WRITTEN, CEILING)]
    return max(rivals, key=lambda m: spread(figures(report, FEW, m, count, "test_accuracy")).mean)


def sentences(report: Report) -> list[str]:
    """What the figures say, one sentence a label count on the edges, then what the tick did, and on wrong labels."""
    said = []
    for count in counts(report):
        best = best_control(report, count)
        kgkt = figures(report, FEW, "kgkt", count, "test_accuracy")
        against = paired(kgkt, figures(report, FEW, best, count, "test_accuracy"))
        scratch = paired(kgkt, figures(report, FEW, "scratch", count, "test_accuracy"))
        said.append(
            f"{_labels(count)}: kgkt against B from scratch {plus_minus(scratch)} points; over the best control, "
            f"{best}, the graph's edges added {plus_minus(against)}, 95 % interval "
            f"{interval(against.difference)}: {verdict(against)}."
        )
        written = figures(report, FEW, WRITTEN, count, "test_accuracy")
        if written:
            said[-1] += f" Writing weights first: {plus_minus(paired(written, kgkt))}."
    columns = {row[0]: row for row in edit_table(report)[1]}
    said.append(
        f"One tick took b from {columns['before'][1]} to {columns['kgkt'][1]} % still called by the shared label "
        f"(PT-MAP {columns['PT-MAP'][1]}, head {columns['head'][1]}), at {columns['kgkt'][3]} % of a lost "
        f"(PT-MAP {columns['PT-MAP'][3]}, head {columns['head'][3]})."
    )
    return [*said, *(_on_wrong_labels(report, count) for count in counts(report, WRONG))]


def _on_wrong_labels(report: Report, count: int) -> str:
    """kgkt against whichever of the others found most."""

    def of(method: str) -> list[float]:
        return figures(report, WRONG, method, count, "found")

    rival = max((m for m in methods(report, WRONG) if m != OURS), key=lambda m: spread(of(m)).mean)
    against = paired(of(OURS), of(rival))
    return (
        f"{_labels(count)}, {100 * SHARE:.0f} % of them wrong: of the most doubted, as many as are wrong, "
        f"{percent(spread(of(OURS)).mean)} % are wrong with kgkt, {percent(spread(of(rival)).mean)} with the best of "
        f"the others, {rival}: {plus_minus(against)}, 95 % interval {interval(against.difference)}: {verdict(against)}."
    )


def verdict(difference: Paired) -> str:
    """A paired difference in words."""
    s = difference.difference
    if s.low is None or s.high is None:
        return "one seed, so nobody can tell whether that is chance"
    if s.low > 0:
        return "a gain on these splits"
    if s.high < 0:
        return "a loss on these splits"
    return "nothing that these splits can tell from chance"


def as_json(demo: Demo) -> dict[str, Any]:
    """The demo as JSON: `rows` as in every report, shares as fractions; `graph`; what else was made."""
    return {"rows": list(demo.report.rows), **demo.facts, "sentences": sentences(demo.report)}


def _labels(count: int) -> str:
    return f"{count} label{'s' if count > 1 else ''} a class"
