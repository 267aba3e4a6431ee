"""The figures that the documents quote are those of the reports."""

from __future__ import annotations

import importlib
import json
import re
from statistics import fmean

import pytest

from tests.docs.conftest import ROOT, read

# The rows of docs/results.md and the methods they are; of several the one that comes closest to kgkt.
ROWS = {
    "nearest class mean": ("nearest mean",),
    "balanced random forest": ("random forest",),
    "logistic head with the rounds": ("head+rounds",),
    "label spreading with the rounds": ("label spreading+rounds",),
    "PT-MAP, the better form": ("PT-MAP", "PT-MAP whitened"),
    "Poisson learning with the rounds": ("Poisson+rounds",),
    "PoissonMBO, told the true class shares": ("PoissonMBO",),
    "the same with the rounds": ("PoissonMBO+rounds",),
    "graph of an untrained A": ("untrained A",),
    "concepts without edges": ("nodes only",),
}


def table(text: str, section: str) -> dict[str, list[str]]:
    """The rows of the first table below a heading, by their first cell, without marks and spaces of numbers."""
    part = text.split(f"\n## {section}")[1].split("\n## ")[0]
    rows = [[cell.strip(" *") for cell in line.strip("|").split("|")] for line in part.splitlines() if line[:1] == "|"]
    return {row[0]: [cell.replace("± ", "±") for cell in row[1:]] for row in rows}


def test_the_table_of_results_is_that_of_the_reports() -> None:
    measured = table(read(ROOT / "benchmarks" / "results" / "README.md"), "kgkt minus each method")
    quoted = table(read(ROOT / "docs" / "results.md"), "Seven public tasks")
    assert [row for row in quoted if row.strip("-")] == list(ROWS)
    for row, methods in ROWS.items():
        for number, cell in enumerate(quoted[row]):
            assert cell == min((measured[m][number] for m in methods), key=lambda c: float(c.split(" ")[0])), row


def test_the_readme_says_where_kgkt_loses() -> None:
    quoted = table(read(ROOT / "docs" / "results.md"), "Seven public tasks")
    worth = " ".join(read(ROOT / "README.md").split("\n## What it is worth")[1].split("\n## ")[0].split())
    lost = {cell[1:] for row, cells in quoted.items() if row.endswith("rounds") for cell in cells if cell[0] == "-"}
    assert len(lost) == 4
    assert set(re.findall(r"by (\d\.\d ±\d\.\d)", worth)) == lost
    means = [float(cell.split()[0]) for cell in quoted["nearest class mean"]]
    assert f"({min(means)} to {max(means)} points over the nearest class mean)" in worth


# Tasks of benchmarks/suspects.py, as docs/results.md calls them.
PLANTED = {
    "fashion": "Fashion-MNIST, new classes", "fashion_digits": "Fashion-MNIST into MNIST", "emoji": "emoji, 8 classes",
    "fashion_same": "Fashion-MNIST, A's own classes", "digits": "the demo's digits", "wordnet": "WordNet definitions",
}  # fmt: skip


def test_the_table_of_wrong_labels_is_that_of_the_report() -> None:
    measured = table(read(ROOT / "benchmarks" / "results" / "suspects" / "report.md"), "What kgkt finds")
    quoted = table(read(ROOT / "docs" / "results.md"), "Wrong labels that are planted")
    for row in [row for row in measured if row.strip("-") and row != "task, wrong labels"]:
        task, kind = row.split(", ", 1)
        assert quoted.pop(f"{PLANTED.get(task, task)}: {kind}") == measured[row], row
    assert [row for row in quoted if row.strip("-")] == ["task, wrong labels"]


def test_the_documents_say_how_much_of_the_bar_is_missed() -> None:
    bar = read(ROOT / "benchmarks" / "results" / "suspects" / "report.md").split("\n## The bar")[1].split("\n## ")[0]
    said = read(ROOT / "docs" / "results.md").split("\n## Wrong labels")[1].split("\n## ")[0]
    assert re.findall(r"missed by kgkt: (\d+) of", said) == [str(bar.count("**missed**"))]
    assert "| met |" in bar


def test_the_readme_says_what_words_are_worth() -> None:
    kept = json.loads(read(ROOT / "benchmarks" / "results" / "texts" / "report.json"))["rows"]
    worth = " ".join(read(ROOT / "README.md").split())
    for method in ("own start", "rows full, length tuned", "soft-targets", "soft-targets and long rows"):
        found = [fmean(r["value"] for r in kept if (r["task"], r["method"], r["labels_per_class"], r["metric"])
                       == (task, method, 10, "test_accuracy")) for task in ("debian", "wordnet")]  # fmt: skip
        assert f"{100 * found[0]:.1f} and {100 * found[1]:.1f} %" in worth, method
    kept = json.loads(read(ROOT / "benchmarks" / "results" / "translation" / "report.json"))["rows"]
    bleu = [fmean(r["value"] for r in kept if (r["method"], r["labels_per_class"], r["metric"])
                  == (f"{arm}, unknown", 10_000, "BLEU")) for arm in ("random", "shuffled", "full")]  # fmt: skip
    random, shuffled, full = (f"{100 * value:.1f}" for value in bleu)
    assert f"{random} BLEU from random rows, {shuffled} from A's rows shuffled, {full} from [A's]" in worth


PEOPLE = ("suggest", "edits", "tick", "imbalance", "switched", "written", "mapped", "carried", "grown", "traced",
          "diffed", "lexicon", "extend", "texts", "word_labels", "translation")


@pytest.mark.parametrize("name", PEOPLE)
def test_what_people_do_is_told_as_it_was_measured(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    people = importlib.import_module("people")
    text = people.page(name)
    assert read(ROOT / "benchmarks" / "results" / name / "report.md") == text, "python benchmarks/people.py writes it"
    heading, section = people.section(text)
    document = read(ROOT / "docs" / "results.md")
    assert document.count(f"\n{heading}\n") == 1
    assert f"\n{section}" in document, "python benchmarks/people.py writes it"
    assert "±nan" not in text
    assert f"]({name}/report.md)" in read(ROOT / "benchmarks" / "results" / "README.md"), "python benchmarks/summary.py"
