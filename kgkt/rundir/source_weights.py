"""What each of several sources counts in a graph: as it was asked for, or as the labels prefer."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kgkt.concepts.sources import FEWEST, Weighed, weigh_sources
from kgkt.errors import count
from kgkt.recipe import Recipe
from kgkt.rundir.folder import RunDir
from kgkt.rundir.graph_files import SOURCES, load_sources
from kgkt.rundir.source_memory import weights_asked
from kgkt.rundir.state import Say, made_by, place_flags, settings_of
from kgkt.source.columns import ITEM_ID
from kgkt.source.parts import AUTO, read_weights
from kgkt.values import Features, Labels, Maps

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from scipy.sparse import csr_matrix


def weights_of(features: Features, maps: Maps) -> dict[str, float]:
    """Name of each source -> its part of a squared distance between two items; they sum to 1."""
    return {name: sum(maps.share(layer) for layer in layers) for name, layers in features.sources.items()}


def known_labels(
    recipe: Recipe, people: Mapping[str, Any], rows: Mapping[str, int], ids: np.ndarray
) -> dict[int, str]:
    """Row of an item -> its class: of the graph that stands, else of the recipe's label file.

    Args:
        recipe: whose [teach] names the file.
        people: what they said, as `carry` saves it.
        rows: item id as people knew it -> row now.
        ids: (n,) item ids now.
    """
    known = {rows[one["item_id"]]: one["class"] for one in people.get("labels", []) if one["item_id"] in rows}
    if known or not recipe.teach.labels or not Path(recipe.teach.labels).exists():
        return known
    from kgkt.source.labels import read_label_file

    teach, place = recipe.teach, {item: row for row, item in enumerate(ids.tolist())}
    said = read_label_file(Path(recipe.teach.labels), frozenset(place), teach.id_column, teach.class_column,
                           recipe.target.classes)  # fmt: skip
    return {place[row.item_id]: row.name for row in said.rows if not row.tick}


def choose_weights(
    recipe: Recipe, alone: Mapping[str, np.ndarray], labels: Mapping[int, str], say: Say
) -> tuple[tuple[float, ...], Weighed | None]:
    """The weights of a graph that is made anew, and what the labels said of them where they were asked.

    Args:
        recipe: whose [source] may say them.
        alone: name of each source -> (n, e) unit rows.
        labels: row of an item -> its class.
        say: takes a notice of why.
    """
    import numpy as np

    names = tuple(alone)
    if asked := read_weights(recipe.source.weights, names):
        return asked, None
    rows = np.array(sorted(labels), np.int64)
    classes = np.unique([labels[row] for row in rows.tolist()], return_inverse=True)[1] if len(rows) else rows
    weighed = weigh_sources(list(alone.values()), rows, classes, _near)
    say(in_words(weighed, names))
    return weighed.weights, weighed


def weights_kept(recipe: Recipe, run: RunDir, weights: Mapping[str, float], grown: bool) -> dict[str, Any]:
    """What run.json keeps of the weights of several sources: what was asked for, and what they are, the largest 1.

    Args:
        recipe: which asks.
        run: of the graph.
        weights: name of each source -> its part of a squared distance.
        grown: whether the graph grew from the one that stood, whose weights it keeps.
    """
    if len(weights) < 2:
        return {}
    before = settings_of(run, "populate").get("weights")
    if grown and before is not None:
        return {"weights": before}
    largest = max(weights.values())
    told = [round(weight / largest, 6) for weight in weights.values()]
    return {"weights": {"asked": weights_asked(recipe.source), "weights": told}}


def prefer_others(recipe: Recipe, run: RunDir, labels: Labels) -> str | None:
    """A word where the labels now prefer other weights than the graph was made with, and nobody asked for these.

    Args:
        recipe, run: of a populated graph.
        labels: as they stand.
    """
    done = settings_of(run, "populate").get("weights")
    if done is None or done["asked"] != AUTO:
        return None
    alone = load_sources(made_by(run, "populate", SOURCES))
    weighed = weigh_sources(list(alone.values()), labels.items, labels.classes, _near)
    before = tuple(done["weights"])
    if weighed.weights == before or not weighed.found:
        return None
    now, then = weighed.found[weighed.weights], weighed.found.get(before)
    beside = "" if then is None else f", {100 * then:.1f} % with {_shown(before, tuple(alone))}, as the graph has them"
    said = f"the labels now prefer {_shown(weighed.weights, tuple(alone))}: {_likely(weighed.n, now)}{beside}"
    return f"{said}; made anew with them, and what people said carried over, by: {_anew(recipe, run)}"


def in_words(weighed: Weighed, names: tuple[str, ...]) -> str:
    """Why the weights are what they are."""
    same = "every source counts the same"
    if not weighed.found:
        few = f"{weighed.n} of the {FEWEST} labels that it takes" if weighed.n else "no label to judge them by"
        return f"{same} ({few}): once there are more, kgkt propagate says whether they prefer other weights"
    found, plain = weighed.found[weighed.weights], weighed.found[weighed.equal]
    if weighed.weights == weighed.equal:
        return f"{same}: {_likely(weighed.n, plain)}, and no other weights are surely better"
    return f"{_shown(weighed.weights, names)}: {_likely(weighed.n, found)}, {100 * plain:.1f} % where {same}"


def _near(vectors: np.ndarray) -> csr_matrix:
    """The graph of the nearest items, as the teacher has it."""
    from kgkt.transfer.items import nearest_items, neighbour_graph

    return neighbour_graph(nearest_items(vectors), vectors)


def _anew(recipe: Recipe, run: RunDir) -> str:
    """The command that makes the graph anew: with its sources, where the recipe does not name them."""
    words = ["kgkt", "populate", *place_flags(recipe)]
    if not (recipe.source.model or recipe.source.features):
        last = settings_of(run, "populate")
        told, asked = last["source"], last["asked"]
        flags = [("model", told["model"]), ("features", told["features"]), ("layers", ",".join(told["layers"])),
                 ("data", last.get("data")), *(("also", also) for also in told["also"]),
                 *((name.replace("_", "-"), told.get(name)) for name in ("text_column", "class_column")),
                 ("id-column", None if told["id_column"] == ITEM_ID else told["id_column"]),
                 ("columns", ",".join(told["columns"]) or None),
                 ("size", "x".join(map(str, told["size"])) if told["size"] else None),
                 *(("import", name) for name in told["imports"]),
                 ("pixels", None if told["pixels"] == "raw" else told["pixels"]),
                 ("vocabulary", told.get("vocabulary")), ("most-frequent", told.get("most_frequent")),
                 ("concepts", asked["concepts"]), ("seed", asked["seed"] or None)]  # fmt: skip
        for name, value in flags:
            words += [] if value is None else [f"--{name}", str(value)]
        switches = (("drop-bad", last.get("drop_bad")), ("no-text", last.get("text") is False),
                    ("shared", last.get("shared")), ("allow-legacy", told["allow_legacy"]),
                    ("lower", told.get("lower")))  # fmt: skip
        words += [f"--{name}" for name, on in switches if on]
    return shlex.join([*words, "--fresh"])


def _likely(n: int, found: float) -> str:
    return f"of {count(n, 'label')}, each left out in turn, the others find the class {100 * found:.1f} % likely"


def _shown(weights: tuple[float, ...], names: tuple[str, ...]) -> str:
    return "weights " + ", ".join(f"{weight:g} ({name})" for weight, name in zip(weights, names, strict=True))
