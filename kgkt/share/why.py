"""Why an item has its class, as one picture: the item, its nearest labelled examples, and what each expert says."""

from __future__ import annotations

import textwrap
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kgkt.files import atomic

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.figure import Figure

TEACHER, EXPERT, SILENT = "#1b6ca8", "#8a8a8a", "#d8d8d8"
ITEM, EXAMPLE = "#d98c3f", "#c8c8c8"
ACROSS, MOST = 5, 20  # examples in a row, and in all
FEWEST, CLASSES, LEAST = 3, 8, 0.005  # classes with a bar; a mass below the last reads 0.00
TITLE = 120  # characters of a line
CAPTION = 30  # characters of a line; of longer ids the end tells more
WRAP, LINES = 26, 9  # of a text that stands for an example; the item's own has half as much again


@dataclass(frozen=True, slots=True)
class Panel:
    """An item: its caption, and its pixels or its text; neither where it is not in the pool any more."""

    caption: str
    pixels: np.ndarray | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True)
class Bars:
    """What one expert says: a title, the mass of each class, and whether it counts."""

    title: str
    masses: dict[str, float]
    counts: bool = True
    teacher: bool = False


def draw_why(
    path: Path, title: str, item: Panel, examples: Sequence[Panel], bars: Sequence[Bars], denied: Sequence[str] = ()
) -> None:
    """Save the picture as PNG.

    Args:
        path: of the picture.
        title: above all.
        item: the one that is explained.
        examples: the nearest first; at most 20 are shown.
        bars: of the teacher first, then of its experts; every axis goes from 0 to 1. None where the item has no class.
        denied: classes that have a bar though their mass is 0.
    """
    with warnings.catch_warnings(), atomic(path) as temporary:
        warnings.filterwarnings("ignore", "Glyph .* missing from")  # a text may hold signs that no font here has
        figure = figure_of(title, item, examples, bars, denied)
        figure.savefig(temporary, format="png", dpi=110, metadata={"Software": "kgkt"})


def figure_of(
    title: str, item: Panel, examples: Sequence[Panel], bars: Sequence[Bars], denied: Sequence[str]
) -> Figure:
    """The item at the left, its examples beside it, the bars below."""
    from matplotlib.figure import Figure

    shown = examples[:MOST]
    rows = max(1, -(-len(shown) // ACROSS))
    names = _classes(bars, denied)
    above, below = 1.5 + 2.0 * rows, 1.0 + 0.26 * len(names) if bars else 0.1
    figure = Figure(figsize=(13, above + below), layout="constrained")
    figure.suptitle("\n".join(map(plain_text, textwrap.wrap(title, TITLE))), fontsize=13, parse_math=False)
    parts: Any = figure.subfigures(2, 1, height_ratios=(above, below))
    left, right = parts[0].subfigures(1, 2, width_ratios=(1, 3.2))
    draw_panel(left.subplots(), item, ITEM)
    if shown:
        more = f", {len(shown)} of {len(examples)}" if len(shown) < len(examples) else ""
        right.suptitle(f"nearest labelled examples{more}, by cosine distance in A's embedding", fontsize=10)
        grid = right.subplots(rows, ACROSS, squeeze=False).ravel()
        for axes, panel in zip(grid, shown, strict=False):
            draw_panel(axes, panel, EXAMPLE)
        for axes in grid[len(shown) :]:
            axes.set_axis_off()
    else:
        right.suptitle("no other item is labelled", fontsize=10)
    for number, one in enumerate(bars):
        _bars(parts[1].add_subplot(1, len(bars), number + 1), one, names, number == 0)
    return figure


def _classes(bars: Sequence[Bars], denied: Sequence[str]) -> list[str]:
    """The classes that any expert gives most mass, the teacher's own first: its bars come first."""
    largest: dict[str, float] = {}
    for one in bars:
        for name, mass in one.masses.items():
            largest[name] = max(mass, largest.get(name, 0.0), 2.0 * (name in denied))
    order = sorted(largest, key=lambda name: -largest[name])[:CLASSES]
    chosen = [name for place, name in enumerate(order) if place < FEWEST or largest[name] >= LEAST]
    return sorted(chosen, key=lambda name: -bars[0].masses.get(name, 0.0))


def draw_panel(axes: Any, panel: Panel, edge: str) -> None:
    """An item in its place: its pixels or its text in a frame of colour `edge`, its caption above."""
    axes.set(xticks=[], yticks=[])
    lines = [plain_text(line) for line in panel.caption.splitlines()]
    caption = "\n".join(line if len(line) <= CAPTION else f"…{line[1 - CAPTION :]}" for line in lines)
    axes.set_title(caption, fontsize=9, parse_math=False)
    for spine in axes.spines.values():
        spine.set_edgecolor(edge)
        spine.set_linewidth(2 if edge == ITEM else 1)
    if panel.pixels is not None:
        axes.imshow(panel.pixels, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
        return
    text = "not in the pool any more" if panel.text is None else panel.text
    wide, most = (WRAP, LINES) if edge == EXAMPLE else (3 * WRAP // 2, 3 * LINES // 2)
    lines = textwrap.wrap(plain_text(text), wide) or ["(empty)"]
    if len(lines) > most:
        lines = [*lines[: most - 1], f"{lines[most - 1][: wide - 1]}…"]
    axes.set_box_aspect(0.85)
    axes.text(0.04, 0.95, "\n".join(lines), transform=axes.transAxes, va="top", fontsize=8, parse_math=False)


def _bars(axes: Any, bars: Bars, names: Sequence[str], first: bool) -> None:
    colour = TEACHER if bars.teacher else EXPERT if bars.counts else SILENT
    for row, name in enumerate(names):
        mass = bars.masses.get(name, 0.0)
        axes.barh(row, mass, color=colour)
        axes.text(max(mass, 0) + 0.02, row, f"{mass:.2f}", va="center", fontsize=8)
    labels = [textwrap.shorten(plain_text(name), 28, placeholder="…") for name in names] if first else [""] * len(names)
    axes.set_yticks(range(len(names)), labels, fontsize=9, parse_math=False)
    axes.set(xlim=(0, 1.18), ylim=(len(names) - 0.4, -0.6), xticks=(0, 0.5, 1))
    axes.set_title(plain_text(bars.title), fontsize=9, parse_math=False)
    axes.spines[["top", "right"]].set_visible(False)


def plain_text(text: str) -> str:
    """Text that can be drawn: half characters and signs that steer are shown as a question mark."""
    whole = text.encode("utf-8", "replace").decode("utf-8")
    return "".join(sign if sign.isprintable() or sign in "\n " else "?" for sign in whole)
