"""The demo in one picture: A's concepts of the digits, and what they were worth to B."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from kgkt.concepts.cluster import nearest_concept
from kgkt.demo.comparison import EDIT, FEW, WRONG
from kgkt.demo.tables import counts, figures, methods
from kgkt.demo.wrong import OURS
from kgkt.files import atomic
from kgkt.proof.stats import spread

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.figure import Figure

    from kgkt.demo.comparison import Demo, Showcase
    from kgkt.values import ConceptGraph, Report

KGKT, OTHER, LOST = "#1b6ca8", "#b8b8b8", "#d98c3f"


def draw(demo: Demo, path: Path) -> None:
    """Save the picture of a demo as PNG.

    Args:
        demo: what was found.
        path: of the picture.
    """
    with atomic(path) as temporary:
        figure_of(demo).savefig(temporary, format="png", dpi=110, metadata={"Software": "kgkt"})


def figure_of(demo: Demo) -> Figure:
    """The concepts, the test accuracies, the edit and the wrong labels, side by side; every bar begins at 0."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(16, 5.2), layout="constrained")
    concepts, few, edit, wrong = figure.subplots(1, 4, width_ratios=(1.25, 1, 0.85, 0.75))
    _concepts(concepts, demo.showcase)
    _few_labels(few, demo.report)
    _edit(edit, demo.report)
    _wrong_labels(wrong, demo.report)
    return figure


def _concepts(axes: Any, showcase: Showcase) -> None:
    """Each concept as the digit nearest to its centre, coloured by what it leans to; strong edges as lines."""
    import numpy as np
    from matplotlib import colormaps
    from matplotlib.offsetbox import AnnotationBbox, OffsetImage

    view, mass = showcase.view, showcase.mass
    place = _place(view.graph)
    strong = view.graph.weights > np.quantile(view.graph.weights, 0.7)
    for one, other in view.graph.edges[strong]:
        axes.plot(*place[[one, other]].T, color="#d0d0d0", lw=0.8, zorder=1)
    distance = ((view.vectors - view.graph.centroids[nearest_concept(view.Z)]) ** 2).sum(axis=1)
    colours = colormaps["tab10"]
    for concept in range(len(view.graph)):
        members = np.flatnonzero(nearest_concept(view.Z) == concept)
        if not len(members):
            continue
        digit = showcase.split.pool_x[members[distance[members].argmin()], :, :, 0]
        colour = colours(int(mass[concept].argmax()))
        # ink in the colour of the class, paper white
        picture = 1 - digit[..., None] * (1 - np.array(colour[:3]))
        axes.add_artist(
            AnnotationBbox(OffsetImage(picture, zoom=2.1, interpolation="nearest"), place[concept],
                           bboxprops={"edgecolor": colour, "lw": 0.8}, pad=0.05)
        )  # fmt: skip
    low, high = place.min(axis=0), place.max(axis=0)
    margin = 0.06 * (high - low)
    axes.set(xlim=(low[0] - margin[0], high[0] + margin[0]), ylim=(low[1] - margin[1], high[1] + margin[1]))
    axes.set(xticks=[], yticks=[], title=f"What A knows: {len(view.graph)} concepts,\ncolour: the class they lean to")


def _place(graph: ConceptGraph) -> np.ndarray:
    """Coordinates (k, 2) where concepts with strong edges lie together; the same every time."""
    import networkx as nx
    import numpy as np

    drawn = nx.Graph()
    drawn.add_nodes_from(range(len(graph)))
    drawn.add_weighted_edges_from(
        zip(graph.edges[:, 0].tolist(), graph.edges[:, 1].tolist(), graph.weights.tolist(), strict=True)
    )
    place = nx.spring_layout(drawn, k=0.35, iterations=150, seed=0)
    return np.array([place[concept] for concept in range(len(graph))])


def _few_labels(axes: Any, report: Report) -> None:
    count = counts(report)[min(1, len(counts(report)) - 1)]
    names = methods(report, FEW)[::-1]
    for row, name in enumerate(names):
        s = spread(figures(report, FEW, name, count, "test_accuracy"))
        axes.barh(row, 100 * s.mean, color=KGKT if name.startswith("kgkt") else OTHER)
        if s.low is not None and s.high is not None:
            axes.plot([100 * s.low, 100 * s.high], [row, row], color="black", lw=1)
        axes.text(100.5, row, f"{100 * s.mean:.1f}", va="center", fontsize=8)
    axes.set_yticks(range(len(names)), names, fontsize=8)
    axes.set(xlim=(0, 100), title=f"B's test accuracy, %\n{count} label{'s' if count > 1 else ''} a class")


def _edit(axes: Any, report: Report) -> None:
    names = methods(report, EDIT)
    per_class = next(row["labels_per_class"] for row in report.rows if row["task"] == EDIT)
    for column, name in enumerate(names):
        for shift, metric, colour in ((-0.2, "b_left", KGKT), (0.2, "a_lost", LOST)):
            s = spread(figures(report, EDIT, name, per_class, metric))
            axes.bar(column + shift, 100 * s.mean, 0.38, color=colour, label=metric if column == 0 else None)
            axes.text(column + shift, 100 * s.mean + 1, f"{100 * s.mean:.0f}", ha="center", fontsize=8)
    axes.set_xticks(range(len(names)), names, fontsize=8)
    axes.set(ylim=(0, 105), title="One tick removes b from the label\nthat a and b share, %")
    axes.legend(["b, still called by it", "a, lost"], fontsize=8, frameon=False, loc="upper right")


def _wrong_labels(axes: Any, report: Report) -> None:
    names, each = methods(report, WRONG), counts(report, WRONG)
    width = 0.8 / len(each)
    for column, name in enumerate(names):
        for number, count in enumerate(each):
            s = spread(figures(report, WRONG, name, count, "found"))
            place = column + (number - (len(each) - 1) / 2) * width
            colour = KGKT if name == OURS else OTHER
            axes.bar(place, 100 * s.mean, 0.95 * width, color=colour, alpha=1 - 0.4 * (number < len(each) - 1))
            axes.text(place, 100 * s.mean + 1, f"{100 * s.mean:.0f}", ha="center", fontsize=8)
    axes.set_xticks(range(len(names)), [name.replace(" ", "\n", 1) for name in names], fontsize=8)
    many = " and ".join(map(str, each))
    axes.set(ylim=(0, 105), title=f"Wrong labels found, %\n{many} labels a class")
