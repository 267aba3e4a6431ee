"""What of a pool lies near a picture that was never in it: through A, and the stored W and b."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kgkt.errors import InputError
from kgkt.recipe import Recipe
from kgkt.rundir.folder import RunDir
from kgkt.rundir.state import Say, open_run, settings_of
from kgkt.serve.uploads import as_pool, decode

if TYPE_CHECKING:
    import numpy as np

LOOKED_AT = 256  # pictures of the pool that say what black and white are
CONCEPTS = 8  # that are told


def refuse_pictures(recipe: Recipe, run: RunDir) -> None:
    """Refuse a graph whose A cannot read a picture, before anything is loaded.

    Raises:
        InputError: made from features alone, or of texts or words.
    """
    from kgkt.rundir.source_memory import source_as_populated

    kind = settings_of(run, "populate").get("kind")
    if kind in ("text", "words"):
        raise InputError(f"the items of this graph are {'words' if kind == 'words' else 'texts'}: A reads no picture")
    if kind not in ("array", "images") or source_as_populated(recipe, run).model is None:
        raise InputError("this graph was made from features alone: what A makes of a picture is not known here. Look "
                         "for an item of the pool instead")


def similar_to(recipe: Recipe, raw: bytes, n: int, say: Say) -> dict[str, Any]:
    """The items and concepts nearest to a picture, by cosine in the graph's embedding.

    Args:
        recipe: of the graph.
        raw: a file, decoded under limits.
        n: how many items.
        say: takes notices.

    Returns:
        items {item, cosine, picture, text, label, concept, name}; concepts {number, name, cosine}, those that are on;
        far, whether it is farther from the pool than 99 of 100 of its items are from one another.

    Raises:
        InputError: no picture, or none that A reads; the pool is not there any more.
    """
    import numpy as np

    from kgkt.rundir.task import pool_data
    from kgkt.source.thumbs import is_image

    run = open_run(recipe)
    refuse_pictures(recipe, run)
    picture = decode(raw)
    pool = pool_data(recipe, run)
    if pool is None:
        raise InputError("the pool is not there any more, so how its pictures are read is not known: say where it is, "
                         "[source] data in kgkt.toml")
    if not is_image(pool):
        raise InputError(f"the items of this graph are arrays of shape {tuple(pool.x.shape[1:])}, no pictures")
    like = np.asarray(pool.x[np.arange(min(len(pool), LOOKED_AT))])
    pixels = as_pool(picture, tuple(pool.x.shape[1:]), like, enlarged=pool.kind == "array")
    return _near(recipe, run, pixels, n, say)


def _near(recipe: Recipe, run: RunDir, pixels: np.ndarray, n: int, say: Say) -> dict[str, Any]:
    """What is nearest to one picture, which is as the pool's are."""
    import numpy as np

    from kgkt.concepts.cluster import nearest_concept
    from kgkt.rundir.current import open_graph_store, read_current
    from kgkt.rundir.new_items import read_new
    from kgkt.source.texts import Columns
    from kgkt.transfer.new_items import far_from

    with open_graph_store(recipe, run) as store:
        current = read_current(store, run, say, recipe.target.classes)
    with tempfile.TemporaryDirectory(prefix="kgkt-upload-") as folder:
        np.savez(Path(folder) / "upload.npz", x=pixels[None], item_id=np.array(["upload"]))
        new = read_new(recipe, run, str(Path(folder) / "upload.npz"), None, Columns(), (), say, None)
    vector, vectors = new.vectors[0], new.pool["vectors"]
    cosines = vectors @ vector
    found = np.argsort(-cosines, kind="stable")[:n]
    graph = current.graph
    lengths = np.linalg.norm(graph.centroids, axis=1)
    near = np.where(graph.active, graph.centroids @ vector / np.where(lengths > 0, lengths, 1), -np.inf)
    said = current.labels
    labels = {int(i): said.names[c] for i, c in zip(said.items, said.classes, strict=True)}
    concepts = nearest_concept(current.Z[found])
    return {
        "items": [{"item": str(current.ids[row]), "cosine": round(float(cosines[row]), 4), "picture": True,
                   "text": None, "label": labels.get(row), "concept": int(concept), "name": str(graph.names[concept])}
                  for row, concept in zip(found.tolist(), concepts.tolist(), strict=True)],
        "concepts": [{"number": number, "name": str(graph.names[number]), "cosine": round(float(near[number]), 4)}
                     for number in np.argsort(-near, kind="stable")[:CONCEPTS].tolist() if np.isfinite(near[number])],
        "far": bool(far_from(new.vectors, vectors)[0]),
    }  # fmt: skip
