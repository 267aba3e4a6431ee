"""Curves of an evaluation as inline SVG: accuracy over labels a class."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from typing import Any

from kgkt.proof import verdicts

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 860, 380, 48, 200, 14, 36
SHOWN = ("kgkt", "scratch", "nearest mean", "random forest", "head+rounds", "label spreading+rounds", "PT-MAP",
         "Poisson+rounds", "PoissonMBO", "nodes only", "untrained A", "keras distillation")  # fmt: skip
COLOURS = ("#1b6ca8", "#8a8a8a", "#d98c3f", "#b5651d", "#2e8b57", "#7b5ea7", "#c0392b", "#16a085", "#34495e", "#b8b800",
           "#aaaaaa", "#e377c2")  # fmt: skip


def draw_curves(rows: Sequence[Any], metric: str) -> str:
    """One line a row over label counts, with the 95 % interval of kgkt shaded.

    Args:
        rows: of a report.
        metric: which figures.

    Returns:
        An <svg> element.
    """
    labels = verdicts.counts(rows, metric)
    lines = {
        name: [(count, s) for count in labels if (s := verdicts.mean_of(rows, name, metric, [count])) is not None]
        for name in SHOWN
    }
    lines = {name: points for name, points in lines.items() if points}
    if not lines:
        return ""
    values = [s.mean for points in lines.values() for _, s in points]
    low, high = math.floor(10 * min(values)) / 10, math.ceil(10 * max(values)) / 10
    high = max(high, low + 0.1)

    def x(count: int) -> float:
        span = math.log(labels[-1] / labels[0]) or 1.0
        return LEFT + (WIDTH - LEFT - RIGHT) * math.log(count / labels[0]) / span

    def y(value: float) -> float:
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * (min(max(value, low), high) - low) / (high - low)

    parts = [*_axes(labels, low, high, x, y), *_band(lines.get("kgkt", []), x, y)]
    ends = _spaced({name: y(points[-1][1].mean) for name, points in lines.items()})
    for name, points in lines.items():
        colour = COLOURS[SHOWN.index(name)]
        path = " ".join(f"{x(count):.1f},{y(s.mean):.1f}" for count, s in points)
        thick = 3 if name == "kgkt" else 1.5
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="{thick}"/>')
        parts += [f'<circle cx="{x(c):.1f}" cy="{y(s.mean):.1f}" r="2.5" fill="{colour}"/>' for c, s in points]
        parts.append(f'<text x="{WIDTH - RIGHT + 12}" y="{ends[name]:.1f}" fill="{colour}">'
                     f"{html.escape(name)} {100 * points[-1][1].mean:.1f}</text>")  # fmt: skip
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" '
        f'font-family="sans-serif" font-size="12" role="img" aria-label="{html.escape(metric)} over labels a class">'
        + "".join(parts) + "</svg>"
    )  # fmt: skip


def _axes(labels: list[int], low: float, high: float, x: Any, y: Any) -> list[str]:
    parts = []
    for tenth in range(round(10 * low), round(10 * high) + 1):
        level = y(tenth / 10)
        parts.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{level:.1f}" y2="{level:.1f}" stroke="#e3e3e3"/>')
        parts.append(f'<text x="{LEFT - 8}" y="{level + 4:.1f}" text-anchor="end" fill="#555">{10 * tenth}</text>')
    for count in labels:
        parts.append(f'<text x="{x(count):.1f}" y="{HEIGHT - 16}" text-anchor="middle" fill="#555">{count}</text>')
    middle = (LEFT + WIDTH - RIGHT) / 2
    parts.append(f'<text x="{middle}" y="{HEIGHT - 2}" text-anchor="middle" fill="#555">labels a class</text>')
    return parts


def _band(points: list[Any], x: Any, y: Any) -> list[str]:
    sure = [(count, s) for count, s in points if s.low is not None]
    if len(sure) < 2:
        return []
    upper = [f"{x(count):.1f},{y(s.high):.1f}" for count, s in sure]
    lower = [f"{x(count):.1f},{y(s.low):.1f}" for count, s in reversed(sure)]
    return [f'<polygon points="{" ".join(upper + lower)}" fill="#1b6ca8" opacity="0.15"/>']


def _spaced(wanted: dict[str, float], gap: float = 14) -> dict[str, float]:
    """Heights of the names at the right, moved apart so that none covers another."""
    placed, last = {}, -math.inf
    for name, height in sorted(wanted.items(), key=lambda item: item[1]):
        last = max(height + 4, last + gap)
        placed[name] = last
    over = max(0.0, last - (HEIGHT - 4))
    return {name: height - over for name, height in placed.items()}
