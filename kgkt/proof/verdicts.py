"""What an evaluation's figures say: differences to kgkt, sentences, the route to take."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from kgkt.proof.grid import EXPECTED, POOL, TEST
from kgkt.proof.stats import Paired, Spread, interval, paired, percent, plus_minus, spread

Row = Mapping[str, Any]

NO_GRAPH = ("scratch", "nearest mean", "random forest", "head", "head+rounds", "PT-MAP", "PT-MAP whitened",
            "keras distillation")  # fmt: skip
GRAPH_RIVALS = ("label spreading", "label spreading+rounds", "Poisson", "Poisson+rounds", "PoissonMBO",
                "PoissonMBO+rounds", "PoissonMBO untold")  # fmt: skip
BAR = ("PoissonMBO", "Poisson+rounds", "label spreading+rounds", "head+rounds", "PT-MAP", "nearest mean",
       "random forest")  # fmt: skip
FEWEST = 5  # seeds; the bootstrap of fewer says less than it seems to
TOLD = dict.fromkeys(("PoissonMBO", "PoissonMBO+rounds"), "told the pool's true class shares")


def counts(rows: Iterable[Row], metric: str | None = None) -> list[int]:
    """Labels a class that ran, ascending."""
    return sorted({row["labels_per_class"] for row in rows if metric in (None, row["metric"])})


def methods(rows: Iterable[Row], metric: str) -> list[str]:
    """Rows that have figures of a metric, in order."""
    return list(dict.fromkeys(row["method"] for row in rows if row["metric"] == metric))


def by_seed(rows: Iterable[Row], method: str, metric: str, labels: Sequence[int]) -> dict[int, float]:
    """seed -> mean over the label counts `labels`; seeds that lack one of them are left out."""
    found: dict[int, dict[int, float]] = {}
    for row in rows:
        if row["method"] == method and row["metric"] == metric and row["labels_per_class"] in labels:
            found.setdefault(row["seed"], {})[row["labels_per_class"]] = row["value"]
    return {
        seed: sum(values.values()) / len(values)
        for seed, values in sorted(found.items())
        if len(values) == len(labels)
    }


def mean_of(rows: Iterable[Row], method: str, metric: str, labels: Sequence[int]) -> Spread | None:
    """Mean over the seeds of one row; None where it has no figure."""
    values = by_seed(rows, method, metric, labels)
    return spread(list(values.values())) if values else None


def difference(
    rows: Sequence[Row], one: str, other: str, metric: str, labels: Sequence[int] | None = None
) -> Paired | None:
    """`one` minus `other`, paired by seed, averaged over label counts; None where nothing is common to both.

    Args:
        rows: of a report.
        one, other: methods.
        metric: "pool_accuracy" or "test_accuracy".
        labels: label counts; all that both rows have by default.
    """
    if labels is None:
        both = [
            {row["labels_per_class"] for row in rows if row["method"] == name and row["metric"] == metric}
            for name in (one, other)
        ]
        labels = sorted(both[0] & both[1])
    if not labels:
        return None
    a, b = (by_seed(rows, name, metric, labels) for name in (one, other))
    seeds = [seed for seed in a if seed in b]
    return paired([a[s] for s in seeds], [b[s] for s in seeds]) if seeds else None


def best(rows: Sequence[Row], names: Iterable[str], metric: str, labels: Sequence[int]) -> str | None:
    """The method of `names` with the highest mean over `labels`."""
    means = {name: found.mean for name in names if (found := mean_of(rows, name, metric, labels)) is not None}
    return max(means, key=lambda name: means[name]) if means else None


def in_words(difference: Paired) -> str:
    """A paired difference in points: mean, standard error, interval, wins."""
    s = difference.difference
    if s.low is None:
        return f"{plus_minus(difference)} points (one draw: no interval)"
    return f"{plus_minus(difference)} points, 95 % interval {interval(s)}, ahead in {difference.wins} of {s.n} draws"


def judged(difference: Paired, gain: str, loss: str, neither: str) -> str:
    """One of three phrases, by where the interval lies; with few seeds nobody can tell."""
    side = sign(difference)
    if side is None:
        draws = difference.difference.n
        return f"{'one draw' if draws == 1 else f'{draws} draws'}, so nobody can tell whether that is chance"
    return (neither, gain, loss)[side]


def sign(difference: Paired) -> int | None:
    """1 where the interval lies above 0, -1 below, 0 around it; None with fewer than five seeds."""
    s = difference.difference
    if s.low is None or s.high is None or s.n < FEWEST:
        return None
    return 1 if s.low > 0 else -1 if s.high < 0 else 0


def sentences(rows: Sequence[Row], stated: bool) -> list[str]:
    """What the figures say, averaged over label counts: worth, A's training, the edges, the route.

    Args:
        rows: of a report.
        stated: whether the class shares are known to the user, and so to every row that can take them.
    """
    metric = TEST if "kgkt" in methods(rows, TEST) and "scratch" in methods(rows, TEST) else POOL
    said = [_worth(rows), _against(rows, NO_GRAPH, "without a graph")]
    said += [_against(rows, _usable(stated), "of other graphs") + ("" if stated else _against_told(rows))]
    said += [_training(rows), _edges(rows), _foretold(rows)]
    if metric == POOL:
        said.append("What it is worth to a B was not measured.")
    return [text for text in said if text] + routes(rows, stated)


def _usable(stated: bool) -> list[str]:
    """The rivals that the user could run: class shares that nobody stated are told to no one."""
    return [name for name in GRAPH_RIVALS if stated or name not in TOLD]


def _against_told(rows: Sequence[Row]) -> str:
    """Beside it, the best of the rows that are told what the user does not know."""
    rival = best(rows, TOLD, POOL, counts(rows, POOL))
    found = difference(rows, "kgkt", rival, POOL) if rival else None
    if found is None:
        return ""
    hint = ". If you know the shares, state them (--prior): kgkt uses them too" if sign(found) == -1 else ""
    return f" Against {rival}, {TOLD[str(rival)]}, which nobody stated: {in_words(found)}{hint}."


def _foretold(rows: Sequence[Row]) -> str:
    """How well the teacher foretold its own accuracy; empty where it never tried."""
    ours = [row for row in rows if row["method"] == "kgkt"]
    found = {(row["labels_per_class"], row["seed"], row["metric"]): row["value"] for row in ours}
    drawn = [(n, s) for n, s, metric in found if metric == POOL and all((n, s, part) in found for part in EXPECTED)]
    if not drawn:
        return ""
    off, held = [], 0
    for n, seed in drawn:
        expected, low, high = (found[n, seed, metric] for metric in EXPECTED)
        off.append(found[n, seed, POOL] - expected)
        held += low <= found[n, seed, POOL] <= high
    return (f"kgkt foretold its own accuracy on the pool {len(drawn)} times: what came was "
            f"{100 * sum(off) / len(off):+.1f} points from that on average, and inside of its interval {held} times.")


def _worth(rows: Sequence[Row]) -> str:
    found = difference(rows, "kgkt", "scratch", TEST)
    if found is None:
        return ""
    verdict = judged(found, "worth it", "B is better off without it", "no worth that these draws can show")
    return f"B taught by kgkt against B from scratch: {in_words(found)}: {verdict}."


def _against(rows: Sequence[Row], names: Sequence[str], what: str) -> str:
    labels = counts(rows, POOL)
    rival = best(rows, names, POOL, labels)
    found = difference(rows, "kgkt", rival, POOL) if rival else None
    if found is None or rival is None:
        return ""
    told = f" ({TOLD[rival]})" if rival in TOLD else ""
    verdict = judged(found, "ahead", "behind: use that", "level")
    text = f"On the pool, against the best {what}, {rival}{told}: {in_words(found)}: {verdict}."
    on_b = difference(rows, "kgkt", rival, TEST)
    return text + (f" In B: {plus_minus(on_b)}." if on_b else "")


def _training(rows: Sequence[Row]) -> str:
    parts = []
    for name, what in (("untrained A", "an untrained A"), ("raw inputs", "the raw inputs")):
        found = difference(rows, "kgkt", name, POOL)
        if found:
            parts.append((f"against a graph of {what} {in_words(found)}", found))
    if not parts:
        return ""
    worst = min((found for _, found in parts), key=lambda found: found.difference.mean)
    missing = "what A learned is not shown to matter here"
    verdict = judged(worst, "what A learned matters", missing, missing)
    return "A's training: " + "; ".join(text for text, _ in parts) + f": {verdict}."


def _edges(rows: Sequence[Row]) -> str:
    parts = []
    for name, what in (("nodes only", "concepts without edges"), ("shuffled memberships", "shuffled memberships")):
        found = difference(rows, "concepts", name, POOL)
        if found:
            verdict = judged(found, "they matter", "they harm", "no difference that these draws can tell")
            parts.append(f"against {what} {in_words(found)}: {verdict}")
    return "The edges between concepts, in the row concepts: " + "; ".join(parts) + "." if parts else ""


def routes(rows: Sequence[Row], stated: bool) -> list[str]:
    """Which row to take at each label count: the best one, unless a simpler one or kgkt is level with it."""
    said = []
    for count in counts(rows, POOL):
        plain = best(rows, NO_GRAPH, POOL, [count])
        top = best(rows, (*NO_GRAPH, *_usable(stated), "kgkt"), POOL, [count])
        if top is None or plain is None:
            continue
        route = _route(rows, count, plain, top, _usable(stated))
        said.append(f"At {count} label{'s' if count > 1 else ''} a class take {route}.")
    distilled = difference(rows, "kgkt", "keras distillation", TEST)
    if distilled and sign(distilled) == -1:
        said.append(f"Distillation of A is better for B here: kgkt {in_words(distilled)}. Use keras.distillation.")
    return said


def _route(rows: Sequence[Row], count: int, plain: str, top: str, graphs: Sequence[str]) -> str:
    gain = difference(rows, "kgkt", plain, POOL, [count])
    rest = difference(rows, "kgkt", top, POOL, [count])
    assert gain is not None
    assert rest is not None
    if sign(gain) is None:
        return f"{top}, as far as {gain.difference.n} draw{'s' if gain.difference.n > 1 else ''} can tell"
    if sign(rest) == -1:
        return f"{top}: kgkt is {plus_minus(rest)} beside it"
    if sign(gain) == 1:
        level = _level(rows, count, graphs)
        return f"kgkt: {plus_minus(gain)} over the best row without a graph, {plain}{level}"
    return (
        f"{plain}, which needs no graph: kgkt is {plus_minus(gain)} beside it; the graph is worth its questions and "
        "corrections only"
    )


def _level(rows: Sequence[Row], count: int, rivals: Sequence[str]) -> str:
    """The graph rivals that these draws cannot tell from kgkt."""
    found = {name: difference(rows, "kgkt", name, POOL, [count]) for name in rivals}
    level = [f"{name} ({plus_minus(gap)})" for name, gap in found.items() if gap and sign(gap) == 0]
    return f"; level with graphs of items: {', '.join(level)}" if level else ""


def bar(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """kgkt minus each rival on the pool, averaged over label counts: points, standard error, interval, wins."""
    lines = []
    for name in BAR:
        found = difference(rows, "kgkt", name, POOL)
        if found is None:
            continue
        s = found.difference
        lines.append(
            {"kgkt minus": name, "difference": s.mean, "standard_error": s.error, "low": s.low, "high": s.high,
             "wins": found.wins, "ties": found.ties, "losses": found.losses, "seeds": s.n}
        )  # fmt: skip
    return lines


def table(rows: Sequence[Row], metric: str) -> tuple[list[str], list[list[str]]]:
    """Rows by label counts in per cent: mean, 95 % interval, kgkt minus it, seeds in which kgkt was ahead."""
    labels = counts(rows, metric)
    columns = ["row"]
    for count in labels:
        columns += [f"{count} label{'s' if count > 1 else ''}", "95 % interval", "kgkt minus it", "kgkt ahead"]
    columns += ["mean of all", "kgkt minus it"]
    lines = []
    for method in methods(rows, metric):
        line = [method]
        for group in [[count] for count in labels]:
            line += _figures(rows, method, metric, group)
        whole = _figures(rows, method, metric, labels)
        lines.append([*line, whole[0], whole[2]])
    return columns, lines


def narrow_table(rows: Sequence[Row], metric: str) -> tuple[list[str], list[list[str]]]:
    """The same for a terminal: mean and difference in one cell a label count."""
    columns, lines = table(rows, metric)
    at = range(1, len(columns) - 2, 4)
    head = [columns[0], *(columns[i] for i in at), columns[-2]]
    cells = [(*((line[i], line[i + 2]) for i in at), (line[-2], line[-1])) for line in lines]
    return head, [
        [line[0], *(f"{mean}  {against}".rstrip() for mean, against in pairs)]
        for line, pairs in zip(lines, cells, strict=True)
    ]


def _figures(rows: Sequence[Row], method: str, metric: str, labels: Sequence[int]) -> list[str]:
    found = mean_of(rows, method, metric, labels)
    if found is None:
        return ["not measured", "", "", ""]
    against = None if method == "kgkt" else difference(rows, "kgkt", method, metric, labels)
    ahead = "" if against is None else f"{against.wins} of {against.difference.n}"
    return [percent(found.mean), interval(found), "" if against is None else plus_minus(against), ahead]
