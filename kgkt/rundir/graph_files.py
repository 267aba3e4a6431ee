"""What populate keeps of a graph in the run directory, and how the next one finds it: the graph to grow from."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import kgkt
from kgkt.errors import InputError
from kgkt.files import load_arrays, make_folder, save_arrays, sha256_file
from kgkt.rundir.features import ITEMS
from kgkt.rundir.folder import RunDir, load_items, load_memberships, save_memberships
from kgkt.values import Clustering, ConceptGraph, Embedding, Maps

if TYPE_CHECKING:
    import numpy as np
    from scipy.sparse import csr_matrix

EMBEDDING, CONCEPTS, MEMBERSHIPS = "embedding.safetensors", "concepts.safetensors", "memberships.parquet"
MADE = (EMBEDDING, CONCEPTS, MEMBERSHIPS)
SOURCES = "sources.safetensors"  # where there are several
BEFORE = "carry"  # folder of the files of the graph before, while the next one is made


@dataclass(frozen=True, slots=True)
class Before:
    """A graph as the last populate left it.

    Args:
        done: what run.json says of that populate.
        ids: (n,) item ids; `contents`, the digest of each, None where an earlier kgkt did not keep it.
        vectors: (n, e) embedding; `maps` made it, without what head features need where an earlier kgkt kept none.
        centroids: (k, e); a concept's number is its row.
        sizes: (k,).
        memberships: (n, k).
        names: k names that concepts got by themselves; None where an earlier kgkt did not keep them.
        emptied: (k,) bool, concepts that are inactive because no item is left in them, not by a person's word.
        themes: (k,) number of each concept's theme; `frame` what they are drawn in. None as the names are.
    """

    done: dict[str, Any]
    ids: np.ndarray
    contents: list[bytes] | None
    vectors: np.ndarray
    maps: Maps
    centroids: np.ndarray
    sizes: np.ndarray
    memberships: csr_matrix
    names: list[str] | None
    emptied: np.ndarray
    themes: np.ndarray | None = None
    frame: tuple[np.ndarray, np.ndarray] | None = None

    def __len__(self) -> int:
        return len(self.centroids)


@dataclass(frozen=True, slots=True)
class Drawn:
    """The graph of a pool, before it is written anywhere: concepts with edges, themes and names.

    Args:
        graph: of k concepts.
        exemplars: k arrays of items.
        coordinates: (k, 2), where each concept is in a picture.
        frame: (e,) and (e, 2), what the picture is a view of.
    """

    graph: ConceptGraph
    exemplars: list[np.ndarray]
    coordinates: np.ndarray
    frame: tuple[np.ndarray, np.ndarray]


def save_graph_files(
    run: RunDir, ids: np.ndarray, embedding: Embedding, clustering: Clustering, drawn: Drawn, emptied: np.ndarray,
) -> None:  # fmt: skip
    """Write embedding.safetensors, concepts.safetensors and memberships.parquet.

    Args:
        run: of the graph.
        ids: (n,) item ids.
        embedding, clustering: of the items.
        drawn: the graph, with the names that concepts got by themselves.
        emptied: (k,) bool, see `Before`.
    """
    import numpy as np

    maps = embedding.maps
    arrays = {"vectors": embedding.vectors, "head": embedding.head}
    for number, (layer, (W, b)) in enumerate(maps.layers.items()):
        arrays |= {f"W{number}": W, f"b{number}": b, f"mean{number}": maps.means[layer]}
    projection = {"head_components": maps.components, "head_offset": maps.offset}
    arrays |= {name: array for name, array in projection.items() if array is not None}
    facts = {f"layer{number}": layer for number, layer in enumerate(maps.layers)}
    facts["held_out"] = json.dumps(maps.held_out)
    if maps.shares:
        facts["shares"] = json.dumps(maps.shares)
    save_arrays(run.path(EMBEDDING), arrays, facts)
    lengths = np.array([len(e) for e in drawn.exemplars], np.int64)
    save_arrays(
        run.path(CONCEPTS),
        {"centroids": clustering.centroids, "sizes": clustering.sizes, "emptied": emptied,
         "exemplars": np.concatenate(drawn.exemplars).astype(np.int64), "exemplar_counts": lengths,
         "themes": drawn.graph.themes, "places": drawn.coordinates,
         "middle": drawn.frame[0], "axes": drawn.frame[1]},
        {"bandwidth": repr(clustering.bandwidth), "seed": str(clustering.seed), "engine": clustering.engine,
         "names": json.dumps(drawn.graph.names.tolist()), "kgkt_version": kgkt.__version__},
    )  # fmt: skip
    save_memberships(run.path(MEMBERSHIPS), ids, clustering.memberships)


def read_before(folder: Path, done: dict[str, Any] | None) -> Before | None:
    """The graph whose files lie in a folder.

    Args:
        folder: of the graph, or the one that `keep_files` made.
        done: what run.json said of the populate that wrote the files.

    Returns:
        None where there was none, or its files are not what it wrote.
    """
    import numpy as np

    if not done or any(_digest(folder / name) != done["outputs"].get(name) for name in MADE):
        return None
    arrays, facts = load_arrays(folder / EMBEDDING)
    concepts, more = load_arrays(folder / CONCEPTS)
    ids, memberships = load_memberships(folder / MEMBERSHIPS)
    k = len(concepts["centroids"])
    return Before(
        done, ids, _contents(folder / ITEMS, ids), arrays["vectors"], read_maps(arrays, facts), concepts["centroids"],
        concepts["sizes"], memberships, json.loads(more["names"]) if "names" in more else None,
        concepts.get("emptied", np.zeros(k, bool)), concepts.get("themes"),
        (concepts["middle"], concepts["axes"]) if "axes" in concepts else None,
    )  # fmt: skip


def read_maps(arrays: dict[str, np.ndarray], facts: dict[str, str]) -> Maps:
    """The maps that embedding.safetensors holds, from its arrays and its metadata."""
    numbers = range(sum(name.startswith("layer") for name in facts))
    held_out = json.loads(facts.get("held_out", "null"))
    return Maps(
        {facts[f"layer{i}"]: (arrays[f"W{i}"], arrays[f"b{i}"]) for i in numbers},
        {facts[f"layer{i}"]: arrays[f"mean{i}"] for i in numbers if f"mean{i}" in arrays},
        arrays.get("head_components"), arrays.get("head_offset"), None if held_out is None else tuple(held_out),
        json.loads(facts.get("shares", "{}")),
    )  # fmt: skip


def save_sources(run: RunDir, alone: Mapping[str, np.ndarray]) -> None:
    """Write sources.safetensors: the items as each of several sources embeds them by itself, (n, e) unit rows.

    Where there is one source there is no such file: it would say what embedding.safetensors says.
    """
    if not alone:
        run.path(SOURCES).unlink(missing_ok=True)
        return
    arrays = {f"vectors{number}": vectors for number, vectors in enumerate(alone.values())}
    save_arrays(run.path(SOURCES), arrays, {"names": json.dumps(list(alone))})


def sources_stand(folder: Path, done: dict[str, Any]) -> bool:
    """Whether sources.safetensors is what that populate wrote, if it wrote one."""
    return SOURCES not in done["outputs"] or _digest(folder / SOURCES) == done["outputs"][SOURCES]


def load_sources(path: Path) -> dict[str, np.ndarray]:
    """What `save_sources` wrote: name of a source -> (n, e)."""
    arrays, facts = load_arrays(path)
    return {name: arrays[f"vectors{number}"] for number, name in enumerate(json.loads(facts["names"]))}


def _digest(path: Path) -> str | None:
    return sha256_file(path) if path.exists() else None


def _contents(path: Path, ids: np.ndarray) -> list[bytes] | None:
    """The digests of the items `ids` (n,), if the file is of these items."""
    if not path.exists():
        return None
    try:
        known, contents = load_items(path)
    except InputError:  # damaged: the items are known by their ids only
        return None
    return contents if known.tolist() == ids.tolist() else None


def keep_files(run: RunDir) -> None:
    """Lay the files of the graph that stands aside: while the next one is made, they are what a rerun begins with."""
    drop_files(run)
    folder = run.path(BEFORE)
    make_folder(folder)
    for name in (*MADE, ITEMS):
        if run.path(name).exists():
            _link(run.path(name), folder / name)


def _link(path: Path, to: Path) -> None:
    """A second name for a file, which is replaced and never written into; a copy where the disk knows no such names."""
    try:
        os.link(path, to)
    except OSError:
        try:
            shutil.copyfile(path, to)
        except OSError as error:
            raise InputError(f"{to} could not be written: {error.strerror or error}") from error


def drop_files(run: RunDir) -> None:
    """Let go of what `keep_files` laid aside."""
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(run.path(BEFORE))
