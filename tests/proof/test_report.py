"""What figures say: differences, sentences and routes from rows whose answer is known; the three files."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest

from kgkt.proof import verdicts
from kgkt.proof.curves import draw_curves
from kgkt.proof.report import as_html, as_markdown, card_section
from kgkt.proof.stats import spread
from kgkt.values import REPORT_COLUMNS


def rows(figures: dict[str, list[list[float]]], metric: str = "pool_accuracy", labels=(1, 5)) -> list[dict]:
    """Rows from method -> one list of seeds a label count, in per cent."""
    return [
        dict(zip(REPORT_COLUMNS, ("t", method, count, seed, metric, value / 100, 0.1), strict=True))
        for method, groups in figures.items()
        for count, values in zip(labels, groups, strict=True)
        for seed, value in enumerate(values)
    ]


NOISE = np.array([0.0, 1.0, -1.0, 0.5, -0.5, 0.2])
BASE = rows({
    "nearest mean": [(60 + NOISE).tolist(), (70 + NOISE).tolist()],
    "head+rounds": [(65 + NOISE).tolist(), (84 - NOISE).tolist()],
    "PoissonMBO": [(72 + 2 * NOISE).tolist(), (80 + NOISE).tolist()],
    "nodes only": [(50 + NOISE).tolist(), (60 + NOISE).tolist()],
    "untrained A": [(40 + NOISE).tolist(), (50 + NOISE).tolist()],
    "concepts": [(69 + NOISE).tolist(), (83 + NOISE).tolist()],
    "kgkt": [(70 + NOISE).tolist(), (84 + NOISE).tolist()],
})  # fmt: skip
IN_B = rows({"scratch": [(40 + NOISE).tolist(), (60 + NOISE).tolist()], "keras distillation": [(75 + NOISE).tolist()] * 2,
             "kgkt": [(68 + NOISE).tolist(), (80 + NOISE).tolist()]}, "test_accuracy")  # fmt: skip


def test_a_difference_is_paired_by_seed_and_averaged_over_label_counts() -> None:
    found = verdicts.difference(BASE, "kgkt", "PoissonMBO", "pool_accuracy")
    assert found is not None
    by_hand = (((70 + NOISE) - (72 + 2 * NOISE)) + 4.0) / 2 / 100
    assert found.difference.mean == pytest.approx(by_hand.mean())
    assert found.difference.error == pytest.approx(by_hand.std(ddof=1) / np.sqrt(6))
    assert (found.wins, found.losses) == ((by_hand > 0).sum(), (by_hand < 0).sum())


def test_seeds_and_label_counts_that_one_row_lacks_are_left_out() -> None:
    few = [r for r in BASE if not (r["method"] == "nearest mean" and (r["seed"] == 0 or r["labels_per_class"] == 5))]
    found = verdicts.difference(few, "kgkt", "nearest mean", "pool_accuracy")
    assert found is not None
    assert (found.difference.n, found.difference.mean) == (5, pytest.approx(0.10))
    assert verdicts.difference(few, "kgkt", "missing", "pool_accuracy") is None


def test_sentences_say_what_the_rows_hold() -> None:
    said = "\n".join(verdicts.sentences([*BASE, *IN_B], stated=True))
    assert "kgkt against B from scratch: +24.0 ±0.0 points" in said
    assert "24.0 to 24.0, ahead in 6 of 6 draws: worth it." in said
    assert "against the best without a graph, head+rounds: +2.5" in said
    assert "of other graphs, PoissonMBO (told the pool's true class shares): +1.0" in said
    assert "an untrained A +32.0" in said
    assert "what A learned matters" in said
    assert "against concepts without edges +21.0" in said
    assert "they matter" in said
    assert "Distillation of A is better for B here: kgkt -1.0" in said


def test_a_b_that_loses_is_said_plainly() -> None:
    worse = rows({"scratch": [(70 + NOISE).tolist()] * 2, "kgkt": [(60 + NOISE).tolist()] * 2}, "test_accuracy")
    assert "B is better off without it" in "\n".join(verdicts.sentences([*BASE, *worse], stated=True))


def test_routes_at_each_label_count() -> None:
    first, second = verdicts.routes(BASE, stated=True)
    assert first == "At 1 label a class take PoissonMBO: kgkt is -2.0 ±0.3 beside it."
    assert second.startswith("At 5 labels a class take head+rounds, which needs no graph: kgkt is +0.1 ±0.6 beside it")
    ahead = rows({"head+rounds": [(60 + NOISE).tolist()] * 2, "kgkt": [(70 + NOISE).tolist()] * 2})
    assert verdicts.routes(ahead, stated=True)[0] == (
        "At 1 label a class take kgkt: +10.0 ±0.0 over the best row without a graph, head+rounds."
    )


def test_nobody_is_sent_to_a_row_that_knows_what_they_do_not() -> None:
    told = [r | {"method": "Poisson"} for r in BASE if r["method"] == "nodes only"]
    said = verdicts.sentences([*BASE, *told], stated=False)
    graphs = next(line for line in said if "of other graphs" in line)
    assert graphs.startswith("On the pool, against the best of other graphs, Poisson: +22.0")
    assert "Against PoissonMBO, told the pool's true class shares, which nobody stated: +1.0" in graphs
    assert verdicts.routes(BASE, stated=False)[0] == (
        "At 1 label a class take kgkt: +5.0 ±0.0 over the best row without a graph, head+rounds."
    )
    near = rows({"Poisson": [(70 - 2 * NOISE).tolist(), (84 + 2 * NOISE).tolist()]})
    assert verdicts.routes([*BASE, *near], stated=False)[0].endswith(
        "without a graph, head+rounds; level with graphs of items: Poisson (+0.1 ±0.9).")
    behind = [r | {"value": r["value"] + 0.1} if r["method"] == "PoissonMBO" else r for r in BASE]
    assert "state them (--prior): kgkt uses them too" in "".join(verdicts.sentences(behind, stated=False))


@pytest.mark.parametrize("seeds", [1, 2, 4])
def test_few_draws_prove_nothing(seeds: int) -> None:
    few = [r for r in [*BASE, *IN_B] if r["seed"] < seeds]
    said = "\n".join(verdicts.sentences(few, stated=True))
    assert "worth it" not in said
    assert "nobody can tell whether that is chance" in said
    assert ("no interval" in said) == (seeds == 1)
    assert f"as far as {seeds} draw{'s' if seeds > 1 else ''} can tell" in said


def test_the_table_holds_means_intervals_and_differences() -> None:
    columns, lines = verdicts.table(BASE, "pool_accuracy")
    assert columns[:5] == ["row", "1 label", "95 % interval", "kgkt minus it", "kgkt ahead"]
    mbo = next(line for line in lines if line[0] == "PoissonMBO")
    s = spread(((72 + 2 * NOISE) / 100).tolist())
    assert mbo[1:5] == ["72.1", f"{100 * s.low:.1f} to {100 * s.high:.1f}", "-2.0 ±0.3", "0 of 6"]
    assert mbo[-2:] == ["76.1", "+1.0 ±0.1"]
    narrow = verdicts.narrow_table(BASE, "pool_accuracy")
    assert narrow[0] == ["row", "1 label", "5 labels", "mean of all"]
    assert narrow[1][2] == ["PoissonMBO", "72.1  -2.0 ±0.3", "80.0  +4.0 ±0.0", "76.1  +1.0 ±0.1"]
    missing = [r for r in BASE if not (r["method"] == "nodes only" and r["labels_per_class"] == 5)]
    line = next(line for line in verdicts.table(missing, "pool_accuracy")[1] if line[0] == "nodes only")
    assert line[5] == line[-2] == "not measured"


def test_the_bar_is_kgkt_minus_each_rival() -> None:
    lines = {line["kgkt minus"]: line for line in verdicts.bar(BASE)}
    assert list(lines) == ["PoissonMBO", "head+rounds", "nearest mean"]
    assert lines["nearest mean"]["difference"] == pytest.approx(0.12)
    assert (lines["PoissonMBO"]["wins"], lines["PoissonMBO"]["seeds"]) == (6, 6)


HOSTILE = "</script><img onerror=alert(1)>|`x`\n"


@pytest.fixture
def value() -> dict:
    """A report's value with a name that wants to be markup."""
    mixed = [r | {"task": HOSTILE} for r in [*BASE, *IN_B]]
    return {
        "task": HOSTILE,
        "about": {"items": 600, "test_items": 100, "classes": ["a", HOSTILE], "labels_per_class": [1, 5], "seeds": 6,
                  "prior": None, "kgkt": {"spread": "both", "expert": "none"},
                  "b": {"steps": 400, "batch": 64, "learning_rate": 0.001}},
        "sentences": verdicts.sentences(mixed, stated=True),
        "bar": verdicts.bar(mixed),
        "skipped": {"untrained A": HOSTILE},
        "environment": {"date": "2026-01-02", "command": f"kgkt evaluate {HOSTILE}", "machine": "m",
                        "versions": {"kgkt": "0"}},
        "rows": mixed,
    }  # fmt: skip


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list) -> None:
        self.tags.append(tag)
        self.links += [value for name, value in attrs if name in ("src", "href")]


def test_html_is_one_offline_file_and_names_stay_text(value: dict) -> None:
    page = as_html(value)
    tags = Tags()
    tags.feed(page)
    assert not {"script", "img", "link", "iframe"} & set(tags.tags)
    assert not tags.links
    assert tags.tags.count("svg") == 2
    assert tags.tags.count("table") == 4
    assert "http" not in re.sub(r'xmlns="[^"]*"', "", page)
    assert "&lt;img onerror=alert(1)&gt;" in page


def test_markdown_keeps_its_tables_whole(value: dict) -> None:
    text = as_markdown(value)
    body, command = text.rsplit("\n\n    ", 1)  # the command is a block of code, where nothing is markup
    assert "<img" not in body.replace("\\<img", "")
    assert command.count("\n") == 1
    tables = [line for line in text.splitlines() if line.startswith("|")]
    assert len(tables) == 2 + 7 + 2 + 3 + 2 + 3 + 2 + 1
    assert "none is known, no row is told one" in text
    assert "Rows that could not apply" in text
    assert "2026-01-02" in text


def test_one_draw_is_said_in_the_report(value: dict) -> None:
    value["about"]["seeds"] = 1
    value["about"]["prior"] = [0.5, 0.5]
    assert "One draw only: there is no interval" in as_markdown(value)
    assert "told to every row that can take it" in as_markdown(value)


def test_curves_are_where_the_figures_are() -> None:
    svg = draw_curves(BASE, "pool_accuracy")
    assert svg.count("<polyline") == 6  # concepts is a part of kgkt, not a curve of its own
    assert svg.count("<polygon") == 1
    assert "kgkt 84.0" in svg
    assert draw_curves([], "pool_accuracy") == ""
    one = draw_curves([r for r in BASE if r["labels_per_class"] == 1], "pool_accuracy")
    assert "kgkt 70.0" in one
    assert "NaN" not in one
    assert "nan" not in one


def test_the_card_section_says_what_b_gained(value: dict) -> None:
    section = card_section(value)
    assert section.startswith("## What the graph is worth\n\nB taught by kgkt minus B from scratch: +24.0 ±0.0 points.")
    value["rows"] = BASE
    assert "B from scratch: not measured." in card_section(value)


def test_report_json_has_the_promised_names(value: dict) -> None:
    again = json.loads(json.dumps(value))
    assert tuple(again["rows"][0]) == REPORT_COLUMNS
