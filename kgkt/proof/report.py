"""An evaluation's report: JSON for programs, Markdown for repositories, one offline HTML file for people."""

from __future__ import annotations

import html
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import kgkt
from kgkt.errors import count
from kgkt.files import write_json, write_text
from kgkt.proof import verdicts
from kgkt.proof.carried import sentences as of_carried
from kgkt.proof.curves import draw_curves
from kgkt.proof.grid import POOL, SECOND, TEST
from kgkt.proof.stats import plus_minus

if TYPE_CHECKING:
    from kgkt.proof.task import Options, Task
    from kgkt.values import Report

METRICS = {
    POOL: "Pool accuracy, %: the answer for the unlabelled items of the pool",
    TEST: "Test accuracy of B, %: after the same optimiser steps on each row's targets",
    SECOND: "The second task, %: a logistic head on B's last hidden layer, from 5 labels a class",
}
PACKAGES = ("numpy", "scipy", "scikit-learn", "keras", "tensorflow", "graphlearning")


def write_report(report: Report, task: Task, options: Options, skipped: Mapping[str, str], out: Path) -> dict[str, Any]:
    """Write report.json, report.md and report.html into `out`.

    Args:
        report: rows.
        task, options: that were run.
        skipped: row -> why it could not apply.
        out: folder.

    Returns:
        What report.json holds.
    """
    rows = list(report.rows)
    value = {
        "task": task.name,
        "about": about(task, options),
        "sentences": verdicts.sentences(rows, stated=task.prior is not None) + of_carried(rows),
        "bar": verdicts.bar(rows),
        "skipped": dict(skipped),
        "environment": environment(),
        "rows": rows,
    }
    write_json(out / "report.json", value)
    write_text(out / "report.md", as_markdown(value))
    write_text(out / "report.html", as_html(value))
    return value


def about(task: Task, options: Options) -> dict[str, Any]:
    """What was run, in plain values."""

    return {
        "items": len(task.pool_y),
        "test_items": 0 if task.test_y is None else len(task.test_y),
        "classes": list(task.names),
        "labels_per_class": list(options.labels),
        "seeds": options.seeds,
        "prior": None if task.prior is None else [round(float(share), 6) for share in task.prior],
        "kgkt": {"spread": options.spread, "expert": options.expert},
        "b": None if task.b is None else {"steps": options.steps, "batch": options.batch,
                                          "learning_rate": options.learning_rate},
        **({} if options.carry_weight is None else {"carry_weight": options.carry_weight}),
        **({} if task.second is None else {"second_items": len(task.second[1])}),
    }  # fmt: skip


def environment() -> dict[str, Any]:
    """Machine, versions, date and command that the figures come from."""
    import datetime
    import importlib.metadata
    import os
    import platform
    import shlex
    import sys

    versions = {"kgkt": kgkt.__version__, "python": platform.python_version()}
    for name in PACKAGES:
        for candidate in (name, f"{name}-cpu"):
            try:
                versions[name] = importlib.metadata.version(candidate)
            except importlib.metadata.PackageNotFoundError:
                continue
    return {
        "date": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d"),
        "command": shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]]),
        "machine": f"{platform.machine()}, {count(os.cpu_count() or 1, 'core')}, {platform.system()}",
        "versions": versions,
    }


def notes(value: Mapping[str, Any]) -> list[str]:
    """How the figures are to be read."""
    about = value["about"]
    prior = "told to every row that can take it" if about["prior"] else "none is known, no row is told one"
    said = [
        f"{about['items']:,} items in the pool, {about['test_items']:,} in the test set, "
        f"{count(len(about['classes']), 'class')}. Draws of labels: {about['seeds']}, each with a graph of its own "
        "seed; every row gets the same ones.",
        f"Class shares: {prior}. PoissonMBO, where it runs, is told the true ones: its strongest form.",
        f"The row kgkt is the teacher with spread {about['kgkt']['spread']}, expert {about['kgkt']['expert']}; "
        "concepts, items and both are its parts without an expert. nodes only and shuffled memberships get the rounds "
        "of concepts; label spreading+rounds and Poisson+rounds get all that items gets. "
        "Without stated class shares items is Poisson learning with the rounds.",
        "Intervals are bootstrap over the draws; differences are paired by draw, ± one standard error.",
    ]
    if about["b"]:
        said.append("B: {steps} Adam steps of {batch} items, learning rate {learning_rate:g}, no early stop, no "
                    "weights written; its own seed a draw.".format(**about["b"]))  # fmt: skip
    if "carry_weight" in about:
        said.append("kgkt+carry: B's last hidden layer also learns which concepts an item is in (loss of weight "
                    f"{about['carry_weight']:g}); the head for that is taken off.")  # fmt: skip
    if "second_items" in about:
        said.append(
            f"The second task: {about['second_items']:,} items, which no B is taught; 5 labels a class, drawn 5 times, "
            "teach a logistic head (C=.1) on B's last hidden layer, each unit with mean 0 and deviation 1; it is "
            "judged on the rest. second inputs: the same on the items themselves."
        )
    if about["seeds"] == 1:
        said.append("One draw only: there is no interval, and nothing here can be told from chance.")
    return said


def _tables(value: Mapping[str, Any]) -> list[tuple[str, list[str], list[list[str]]]]:
    rows = value["rows"]
    measured = [metric for metric in METRICS if verdicts.methods(rows, metric)]
    return [(METRICS[metric], *verdicts.table(rows, metric)) for metric in measured]


def bar_table(value: Mapping[str, Any]) -> tuple[list[str], list[list[str]]]:
    """The bar in words: kgkt minus each rival on the pool, averaged over label counts."""
    lines = []
    for line in value["bar"]:
        error = "" if line["standard_error"] is None else f" ±{100 * line['standard_error']:.2f}"
        span = "n/a" if line["low"] is None else f"{100 * line['low']:.2f} to {100 * line['high']:.2f}"
        lines.append([line["kgkt minus"], f"{100 * line['difference']:+.2f}{error}", span,
                      f"{line['wins']} of {line['seeds']}"])  # fmt: skip
    return ["kgkt minus", "points, mean of all label counts", "95 % interval", "kgkt ahead"], lines


def as_markdown(value: Mapping[str, Any]) -> str:
    """The report as Markdown."""
    from kgkt.transfer.card import markdown_cell as cell
    from kgkt.transfer.card import markdown_table

    where = value["environment"]
    parts = [f"# kgkt evaluate: {cell(value['task'])}", "\n".join(f"- {cell(s)}" for s in value["sentences"])]
    for title, columns, lines in _tables(value):
        parts += [f"## {title}", markdown_table(tuple(columns), [tuple(line) for line in lines])]
    columns, lines = bar_table(value)
    parts += ["## kgkt beside each rival, on the pool", markdown_table(tuple(columns), [tuple(line) for line in lines])]
    if value["skipped"]:
        parts += ["## Rows that could not apply", markdown_table(("row", "why"), list(value["skipped"].items()))]
    parts += ["## How to read it", "\n".join(f"- {cell(note)}" for note in notes(value))]
    versions = ", ".join(f"{name} {version}" for name, version in where["versions"].items())
    command = " ".join(where["command"].split())
    parts.append(f"{where['date']}; {where['machine']}; {versions}.\n\n    {command}")
    return "\n\n".join(parts) + "\n"


STYLE = """body{font:15px/1.5 system-ui,sans-serif;max-width:75em;margin:2em auto;padding:0 1em;color:#1a1a1a}
table{border-collapse:collapse;font-size:13px;margin:1em 0;display:block;overflow-x:auto}
td,th{padding:.25em .6em;border-bottom:1px solid #ddd;text-align:right;white-space:nowrap}
td:first-child,th:first-child{text-align:left}tr.kgkt{background:#e8f1f8;font-weight:600}
code{background:#f4f4f4;padding:.1em .3em}svg{max-width:100%;height:auto}"""


def as_html(value: Mapping[str, Any]) -> str:
    """The report as one HTML file that needs no network; every name is text, never markup."""
    e, where = html.escape, value["environment"]
    parts = [f"<h1>kgkt evaluate: {e(value['task'])}</h1>", _list(value["sentences"])]
    for metric, title in METRICS.items():
        if verdicts.methods(value["rows"], metric):
            parts += [f"<h2>{e(title)}</h2>", draw_curves(value["rows"], metric)]
            parts.append(_html_table(*verdicts.table(value["rows"], metric)))
    parts += ["<h2>kgkt beside each rival, on the pool</h2>", _html_table(*bar_table(value))]
    if value["skipped"]:
        lines = [list(item) for item in value["skipped"].items()]
        parts += ["<h2>Rows that could not apply</h2>", _html_table(["row", "why"], lines)]
    versions = ", ".join(f"{name} {version}" for name, version in where["versions"].items())
    parts += ["<h2>How to read it</h2>", _list(notes(value)),
              f"<p>{e(where['date'])}; {e(where['machine'])}; {e(versions)}.<br><code>{e(where['command'])}</code></p>"]
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>kgkt: {e(value["task"])}</title>'
        f"<style>{STYLE}</style></head><body>\n" + "\n".join(parts) + "\n</body></html>\n"
    )


def _list(texts: list[str]) -> str:
    return "<ul>" + "".join(f"<li>{html.escape(text)}</li>" for text in texts) + "</ul>"


def _html_table(columns: list[str], lines: list[list[str]]) -> str:
    e = html.escape
    head = "".join(f"<th>{e(column)}</th>" for column in columns)
    body = ""
    for line in lines:
        mark = ' class="kgkt"' if line[0] == "kgkt" else ""
        body += f"<tr{mark}>" + "".join(f"<td>{e(cell)}</td>" for cell in line) + "</tr>"
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


CARD_HEAD = "## What the graph is worth"


def card_section(value: Mapping[str, Any]) -> str:
    """The section of B's model card: what the graph was worth to a B like it."""
    rows = value["rows"]
    lines = [f"- {text}" for text in value["sentences"]]
    scratch = verdicts.difference(rows, "kgkt", "scratch", TEST)
    figure = "not measured" if scratch is None else f"{plus_minus(scratch)} points"
    head = f"{CARD_HEAD}\n\nB taught by kgkt minus B from scratch: {figure}.\n\n"
    return head + "\n".join(lines) + "\n"
