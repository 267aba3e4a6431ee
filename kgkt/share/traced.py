"""A trace of a trained B as one picture: examples above, bars of concepts, blocks and classes below."""

from __future__ import annotations

import textwrap
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kgkt.errors import count
from kgkt.files import atomic
from kgkt.share.why import ACROSS, EXAMPLE, EXPERT, ITEM, MOST, TEACHER, TITLE, Panel, draw_panel, plain_text
from kgkt.transfer.told import Seen, Through
from kgkt.transfer.traced import Traced, TracedClass, TracedItem, TracedUnit

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.figure import Figure

LABEL = 26  # characters of a bar's name
BARS = 8  # bars of a group


@dataclass(frozen=True, slots=True)
class Group:
    """Bars of one kind: a title, and (name, value, how the value reads) of each."""

    title: str
    bars: tuple[tuple[str, float, str], ...]
    first: bool = False


def shown_items(done: Traced) -> list[str]:
    """Ids of the items of the pool that the picture of a trace shows."""
    own = [done.item] if isinstance(done, TracedItem) and not done.new else []
    return [*own, *(one.item for one in _examples(done))]


def draw_traced(path: Path, done: Traced, pixels: Mapping[str, np.ndarray]) -> None:
    """Save the picture of a trace as PNG.

    Args:
        path: of the picture.
        done: the trace.
        pixels: of its items, where they are pictures.
    """
    item = None
    if isinstance(done, TracedItem):
        item = Panel(done.item, pixels.get(done.item), done.text)
    panels = [Panel(f"{one.item}\n{caption_of(done, one)}", pixels.get(one.item), one.text) for one in _examples(done)]
    with warnings.catch_warnings(), atomic(path) as temporary:
        warnings.filterwarnings("ignore", "Glyph .* missing from")  # a text may hold signs that no font here has
        figure = figure_of(title_of(done), item, _heading(done), panels, groups_of(done))
        figure.savefig(temporary, format="png", dpi=110, metadata={"Software": "kgkt"})


def figure_of(title: str, item: Panel | None, heading: str, panels: Sequence[Panel], groups: Sequence[Group]) -> Figure:
    """The item at the left where there is one, examples beside it, groups of bars below."""
    from matplotlib.figure import Figure

    shown = panels[:MOST]
    rows = max(1, -(-len(shown) // ACROSS))
    above, below = 1.5 + 2.0 * rows, 1.0 + 0.3 * max([len(group.bars) for group in groups], default=0)
    figure = Figure(figsize=(13, above + below), layout="constrained")
    figure.suptitle("\n".join(map(plain_text, textwrap.wrap(title, TITLE))), fontsize=13, parse_math=False)
    parts: Any = figure.subfigures(2, 1, height_ratios=(above, below))
    right = parts[0]
    if item is not None:
        left, right = parts[0].subfigures(1, 2, width_ratios=(1, 3.2))
        draw_panel(left.subplots(), item, ITEM)
    right.suptitle(heading if shown else "no example", fontsize=10)
    grid = right.subplots(rows, ACROSS, squeeze=False).ravel()
    for axes, panel in zip(grid, shown, strict=False):
        draw_panel(axes, panel, EXAMPLE)
    for axes in grid[len(shown) :]:
        axes.set_axis_off()
    for number, group in enumerate(groups):
        _bars(parts[1].add_subplot(1, len(groups), number + 1), group)
    return figure


def title_of(done: Traced) -> str:
    """What the trace found, in a line."""
    if isinstance(done, TracedUnit):
        own = f" ({done.name})" if done.kind == "head" else ""
        return (f"{done.target} {done.layer}:{done.unit}{own}: the concepts explain {100 * done.explained:.0f} % of "
                f"its activation, {100 * done.by_chance:.0f} % by chance")
    if isinstance(done, TracedClass):
        return f"{done.target} calls {done.called} of {done.items} items {done.says}"
    assert isinstance(done, TracedItem)
    graph = "" if done.graph_says is None else f"; the graph says {done.graph_says}, {done.graph_mass:.2f}"
    return f"{done.item}: {done.target} says {done.says}, {done.mass:.2f}{graph}"


def groups_of(done: Traced) -> list[Group]:
    """The groups of bars of a trace."""
    if isinstance(done, TracedUnit):
        return [
            Group("concepts: correlation with the unit", tuple(
                (f"c{c.number:03d} {c.name}", c.measured, f"{c.measured:.2f}") for c in done.concepts), True),
            Group("share of its activation", tuple(
                (f"c{c.number:03d}", c.share, f"{100 * c.share:.0f} %") for c in done.concepts)),
            *([Group("what it adds to each class, nats", _ends(done.speaks_for))] if done.speaks_for else []),
        ]
    if isinstance(done, TracedClass):
        return [Group(f"share of the items called {done.says}, by concept", tuple(
            (f"c{c.number:03d} {c.name}", c.share, count(c.items, "item")) for c in done.concepts), True),
            *_blocks(done.blocks)]  # fmt: skip
    assert isinstance(done, TracedItem)
    parts = [(f"c{c.number:03d} {c.name}", c.contribution, f"{c.contribution:+.2f}")
             for c in done.concepts if c.contribution is not None]
    if done.own is not None and parts:
        parts.append(("of the item alone", done.own, f"{done.own:+.2f}"))
    first = [Group(f"through concepts to {done.says}, nats, in {done.layer}", tuple(parts), True)] if parts else []
    return [*first, *_blocks(done.blocks)]


def _blocks(blocks: Sequence[Through]) -> Iterable[Group]:
    """A group for each of the last two layers."""
    layers = list(dict.fromkeys(block.layer for block in blocks))[-2:]
    for layer in layers:
        yield Group(f"units of {layer}, nats", tuple(
            (f"{b.unit}" + ("" if b.concept is None else f" by c{b.concept:03d}"), b.contribution,
             f"{b.contribution:+.2f}") for b in blocks if b.layer == layer))  # fmt: skip


def _ends(values: Mapping[str, float]) -> tuple[tuple[str, float, str], ...]:
    """The largest and the smallest of some values."""
    every = [(name, value, f"{value:+.2f}") for name, value in values.items()]
    return tuple(every if len(every) <= BARS else [*every[: BARS // 2], *every[-BARS // 2 :]])


def _examples(done: Traced) -> tuple[Seen, ...]:
    if isinstance(done, TracedItem):
        return done.nearest
    assert isinstance(done, TracedUnit | TracedClass)
    return done.examples


def caption_of(done: Traced, one: Seen) -> str:
    """What stands under an example, its figure with what it is."""
    value = f"{one.value:.2f}"
    what = {TracedUnit: f"active {value}", TracedClass: f"probability {value}"}.get(type(done), f"distance {value}")
    return f"B says {one.says}, {what}" + ("" if one.label is None else f" ({one.label})")


def _heading(done: Traced) -> str:
    if isinstance(done, TracedUnit):
        return "items of the pool that it is most active on"
    if isinstance(done, TracedClass):
        return "the items that B is surest of"
    return "A's nearest items of the pool, by cosine distance in its embedding"


def _bars(axes: Any, group: Group) -> None:
    shown = group.bars[:BARS]
    most = max([abs(value) for _, value, _ in shown] + [1e-12])
    for row, (_, value, reads) in enumerate(shown):
        axes.barh(row, value, color=TEACHER if group.first else EXPERT)
        axes.text(max(value, 0.0) + 0.02 * most, row, reads, va="center", fontsize=8)
    names = [textwrap.shorten(plain_text(name), LABEL, placeholder="…") for name, _, _ in shown]
    axes.set_yticks(range(len(shown)), names, fontsize=8, parse_math=False)
    low = min([value for _, value, _ in shown] + [0.0])
    axes.set(xlim=(1.05 * low, 1.25 * most), ylim=(max(len(shown), 3) - 0.4, -0.6))
    axes.tick_params(axis="x", labelsize=7)
    axes.set_title(plain_text(group.title), fontsize=9, parse_math=False)
    axes.spines[["top", "right"]].set_visible(False)
