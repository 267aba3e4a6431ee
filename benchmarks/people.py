"""Pages of the benchmarks of what people do with the graph, made anew from what was measured.

    python benchmarks/people.py

Writes each report.md from its report.json, and its section of docs/results.md from that.
"""

from __future__ import annotations

import importlib
import json
from pathlib import Path

import paired
from summary import PEOPLE

DOCUMENT = Path(__file__).parents[1] / "docs" / "results.md"


def measured() -> list[str]:
    """The benchmarks that have a report."""
    return [name for name in PEOPLE if (paired.RESULTS / name / "report.json").exists()]


def page(name: str) -> str:
    """report.md of a benchmark, from its report.json."""
    kept = json.loads((paired.RESULTS / name / "report.json").read_text(encoding="utf-8"))
    return paired.page(kept, importlib.import_module(name).report)


def section(text: str) -> tuple[str, str]:
    """A page as a section of the document: its heading, and all of it with the heading one level down."""
    heading = text.partition("\n")[0]
    return f"#{heading}", f"#{text}"


def put(document: str, text: str) -> str:
    """The document with the section of a page in place of its earlier one, or at the end."""
    heading, new = section(text)
    parts = document.split("\n## ")
    found = [i for i, part in enumerate(parts) if f"## {part}".startswith(f"{heading}\n")]
    body = new.removeprefix("## ").rstrip("\n") + "\n"
    if found:
        parts[found[0]] = body
    else:
        parts.append(body)
    return "\n## ".join(parts)


def main() -> None:
    """Write them."""
    document = DOCUMENT.read_text(encoding="utf-8")
    for name in measured():
        text = page(name)
        (paired.RESULTS / name / "report.md").write_text(text, encoding="utf-8")
        document = put(document, text)
    DOCUMENT.write_text(document, encoding="utf-8")


if __name__ == "__main__":
    main()
