"""Every item as a point with its neighbours and its class: a Parquet file that embedding-atlas opens."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from kgkt.errors import InputError
from kgkt.files import atomic, load_arrays, sha256_file
from kgkt.rundir.current import CurrentGraph
from kgkt.rundir.folder import RunDir, load_neighbours
from kgkt.rundir.reading import told_columns
from kgkt.rundir.state import Say, made_by, settings_of

if TYPE_CHECKING:
    import numpy as np

    from kgkt.values import Targets


def write_points(run: RunDir, current: CurrentGraph, targets: Targets | None, path: Path, say: Say) -> None:
    """Write one row an item, whole or not at all.

    Columns: `item_id`; `x`, `y`, the first two principal components of the embedding; `neighbors`, a struct of
    `ids` (row numbers) and `distances` (1 - cosine); `concept`, the name of the nearest one; `label`, what
    people said; `class`, `mass` (how much of its concept leans to that class), `doubt` (1 - the largest
    probability), null where no label reaches; `text` and `uri` where the pool has them.

    Args:
        run: of the graph.
        current: the graph as people left it.
        targets: what the labels teach; None before there are labels.
        path: the file.
        say: takes notices.
    """
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    from kgkt.concepts.cluster import nearest_concept
    from kgkt.concepts.edges import layout

    arrays, _ = load_arrays(made_by(run, "populate", "embedding.safetensors"))
    vectors = arrays["vectors"]
    places = layout(vectors)
    nearest = nearest_concept(current.Z)
    label = np.full(len(current.ids), None, object)
    label[current.labels.items] = np.array(current.labels.names, object)[current.labels.classes]
    columns: dict[str, Any] = {
        "item_id": pa.array(current.ids.tolist(), pa.string()),
        "x": pa.array(places[:, 0].astype("float32")), "y": pa.array(places[:, 1].astype("float32")),
        "neighbors": _neighbours(run, vectors),
        "concept": pa.array(current.graph.names[nearest].tolist(), pa.string()),
        "label": pa.array(label.tolist(), pa.string()),
        **_classes(targets, nearest),
        **_pool(run, current.ids, say),
    }  # fmt: skip
    with atomic(path) as temporary:
        pq.write_table(pa.table(columns), temporary, compression="zstd", write_page_checksum=True)


def _neighbours(run: RunDir, vectors: np.ndarray) -> Any:
    """The nearest items of each item and how far they are; found again where no stage kept them."""
    import importlib.util

    import numpy as np
    import pyarrow as pa

    from kgkt.transfer.items import EXACT_UP_TO, nearest_items

    n = len(vectors)
    if n < 2:
        return pa.nulls(n, pa.struct({"ids": pa.list_(pa.int32()), "distances": pa.list_(pa.float32())}))
    path, made_from = run.path("neighbours.parquet"), sha256_file(run.path("embedding.safetensors"))
    index = load_neighbours(path, made_from) if path.exists() else None
    if index is None:
        if n > EXACT_UP_TO and not importlib.util.find_spec("pynndescent"):
            raise InputError(f"nearest items of {n:,} items need an approximate search: pip install 'kgkt[large]'")
        index = nearest_items(vectors)
    distances = np.empty(index.shape, np.float32)
    for start in range(0, n, 8192):
        rows = slice(start, start + 8192)
        distances[rows] = 1 - np.einsum("ne,nqe->nq", vectors[rows], vectors[index[rows]])
    q = index.shape[1]
    offsets = pa.array(np.arange(0, n * q + 1, q, dtype="int32"))
    lists = (pa.ListArray.from_arrays(offsets, pa.array(part.ravel())) for part in (index, distances.clip(0)))
    return pa.StructArray.from_arrays(list(lists), names=["ids", "distances"])


def _classes(targets: Targets | None, nearest: np.ndarray) -> dict[str, Any]:
    import numpy as np
    import pyarrow as pa

    n = len(nearest)
    if targets is None or not targets.names:
        return {"class": pa.nulls(n, pa.string()), "mass": pa.nulls(n, pa.float32()),
                "doubt": pa.nulls(n, pa.float32())}  # fmt: skip
    best, dark = targets.P.argmax(axis=1), targets.weight <= 0
    names = np.array(targets.names, object)[best]
    return {
        "class": pa.array(names.tolist(), pa.string(), mask=dark),
        "mass": pa.array(targets.mass[nearest, best].astype("float32"), mask=dark),
        "doubt": pa.array(1 - targets.P.max(axis=1), pa.float32(), mask=dark),
    }


def _pool(run: RunDir, ids: np.ndarray, say: Say) -> dict[str, Any]:
    """Texts and paths of the items, from the pool that the graph was made of; none where it is gone."""
    import pyarrow as pa

    from kgkt.source.inputs import read_data

    pool = settings_of(run, "populate")
    if not pool.get("data") or not pool.get("text", True):
        return {}
    if not Path(pool["data"]).exists():
        say(f"the pool {pool['data']} is not there any more: the points have no text and no uri")
        return {}
    data = read_data(pool["data"], drop_bad=pool.get("drop_bad", False), size=pool.get("size"), **told_columns(pool))
    rows = {item: row for row, item in enumerate(data.ids.tolist())}
    if missing := [item for item in ids.tolist() if item not in rows]:
        raise InputError(f"{pool['data']} lacks {len(missing)} of the graph's items, e.g. {missing[0]!r}: "
                         "it is not what the graph was made of; run kgkt populate")
    order = [rows[item] for item in ids.tolist()]
    given = (("text", data.text), ("uri", data.uris))
    return {name: pa.array([values[row] for row in order], pa.string()) for name, values in given if values}
