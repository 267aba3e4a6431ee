"""The frozen values that pass between rooms; shapes are checked once, where a value is made.

Letters: n items, d features, e embedding width, k concepts, m edges, c classes, u units.
Arrays are made read-only on construction, so that a value means the same to everyone who holds it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kgkt.errors import InputError, nearest

if TYPE_CHECKING:
    import numpy as np
    from scipy.sparse import csr_matrix

GRID = 4  # a map of A larger than this is average-pooled: a middle layer keeps where things are, coarsely

# One row of a report: the names of every table and JSON that kgkt writes.
REPORT_COLUMNS = ("task", "method", "labels_per_class", "seed", "metric", "value", "seconds")


def _array(owner: Any, name: str, dtype: Any, *shape: int | None) -> np.ndarray:
    """Cast field `name` of `owner` to a read-only array of `dtype` and check its shape (None: any)."""
    import numpy as np

    array = np.asarray(getattr(owner, name), dtype=dtype)
    if array.ndim != len(shape) or any(s is not None and s != g for s, g in zip(shape, array.shape, strict=True)):
        wanted = "(" + ", ".join("any" if s is None else str(s) for s in shape) + ")"
        raise InputError(f"{type(owner).__name__}.{name}: expected shape {wanted}, received {array.shape}")
    if array.flags.writeable:
        array = array.view()
        array.flags.writeable = False
    object.__setattr__(owner, name, array)
    return array


@dataclass(frozen=True, slots=True)
class Features:
    """A handle on a features file; rows are read in batches, never all at once unless asked.

    The file is Parquet with a column `item_id` and one `fixed_size_list<float32>` column a layer
    (an open layout: any framework may write it).

    Args:
        path: the Parquet file.
        ids: (n,) item ids, unique.
        widths: layer name -> number of features d.
        source: where the features come from, e.g. the model file's name.
        sha256: digest of the file.
        meta: what the file's own metadata says (preprocessing, model digest, layer shapes).
    """

    path: Path
    ids: np.ndarray
    widths: dict[str, int]
    source: str = ""
    sha256: str = ""
    meta: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _array(self, "ids", str, None)

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def layers(self) -> tuple[str, ...]:
        """Layer names in the order of the file's columns."""
        return tuple(self.widths)

    @property
    def sources(self) -> dict[str, tuple[str, ...]]:
        """Name of each source -> its layers; one of several says so in the file's metadata."""
        told = self.meta.get("sources")
        if told is None:
            return {self.source: self.layers}
        return {name: tuple(layers) for name, layers in json.loads(told).items()}

    @property
    def grids(self) -> dict[str, tuple[int, ...]]:
        """Layer -> the places of its map along each axis, at most 4; of layers whose shape the file tells."""
        grids = {}
        for layer, shape in json.loads(self.meta.get("shapes", "{}")).items():
            grid = tuple(min(size or GRID, GRID) for size in shape[:-1])
            if grid and self.widths.get(layer) == math.prod(grid) * (shape[-1] or 0):
                grids[layer] = grid
        return grids

    def batches(self, layer: str, size: int = 8192, groups: list[int] | None = None) -> Iterator[np.ndarray]:
        """Yield (b, d) float32 arrays of `layer`, in item order; of some row groups of the file only, where asked.

        Raises:
            InputError: no such layer, or the file is damaged (each page has a checksum).
        """
        import pyarrow as pa
        import pyarrow.parquet as pq

        if layer not in self.widths:
            raise InputError(f"{self.path} has no layer {layer!r}{nearest(layer, self.widths)}")
        try:
            with pq.ParquetFile(self.path, pre_buffer=False, page_checksum_verification=True) as file:
                for batch in file.iter_batches(batch_size=size, row_groups=groups, columns=[layer]):
                    yield batch.column(layer).flatten().to_numpy(zero_copy_only=False).reshape(len(batch), -1)
        except (pa.ArrowException, OSError) as error:
            raise InputError(f"{self.path} is damaged ({error}); run populate to make it anew") from error
        finally:
            pa.default_memory_pool().release_unused()  # else it keeps what it read for the next reader

    def rows(self, layer: str, index: np.ndarray) -> np.ndarray:
        """The rows `index` (M,) of `layer` as (M, d) float32, in their order; other row groups are not read."""
        import numpy as np
        import pyarrow.parquet as pq

        index = np.asarray(index, dtype=np.int64)
        facts = pq.read_metadata(self.path)
        sizes = np.array([facts.row_group(g).num_rows for g in range(facts.num_row_groups)], dtype=np.int64)
        group = np.searchsorted(np.cumsum(sizes), index, side="right")
        needed = np.unique(group)
        skipped = np.cumsum(np.where(np.isin(np.arange(len(sizes)), needed), 0, sizes))
        place = index - skipped[group]  # among the rows of the groups that are read
        out = np.empty((len(index), self.widths[layer]), dtype=np.float32)
        order = np.argsort(place, kind="stable")
        start = 0
        for batch in self.batches(layer, groups=needed.tolist()):
            lo, hi = np.searchsorted(place[order], [start, start + len(batch)])
            out[order[lo:hi]] = batch[place[order[lo:hi]] - start]
            start += len(batch)
        return out


@dataclass(frozen=True, slots=True)
class Maps:
    """What makes an embedding of features: fitted once, and kept for the items that come later.

    Args:
        layers: layer -> (W (e_l, d), b (e_l,)) of F(V) = W·V + b.
        means: layer -> (d,), what head features are centred by; of few features as `embed.centre_of` gives it.
        components: (sum of d, h) of the head features; None leaves them as wide as they are.
        offset: (h,), what is taken from them after that; None: nothing.
        held_out: mean and deviation of the share of variance that W explains of items that it was not fitted on,
            and how many these were; None where that was not measured.
        shares: layer -> what part of a squared distance between two items is measured in it; they sum to 1, and a
            layer without any has no part in the embedding. Empty: every layer has the same.
    """

    layers: dict[str, tuple[np.ndarray, np.ndarray]]
    means: dict[str, np.ndarray]
    components: np.ndarray | None = None
    offset: np.ndarray | None = None
    held_out: tuple[float, float, int] | None = None
    shares: dict[str, float] = field(default_factory=dict)

    def share(self, layer: str) -> float:
        """What part of a squared distance between two items is measured in a layer."""
        return self.shares[layer] if self.shares else 1 / len(self.layers)

    @property
    def live(self) -> tuple[str, ...]:
        """The layers that have a part in the embedding."""
        return tuple(layer for layer in self.layers if self.share(layer) > 0)


@dataclass(frozen=True, slots=True)
class Embedding:
    """F(V) = W·V + b, rows to unit length; several layers stand side by side.

    Args:
        vectors: (n, e) float32 unit rows: layers concatenated, each scaled by the root of its share (`Maps.share`).
        maps: that made them.
        head: (n, h) float32, A's features for the logistic head of the teacher (all layers, each
            centred, unit rows, concatenated, PCA to at most 64).
    """

    vectors: np.ndarray
    maps: Maps
    head: np.ndarray

    def __post_init__(self) -> None:
        vectors = _array(self, "vectors", "float32", None, None)
        _array(self, "head", "float32", len(vectors), None)


@dataclass(frozen=True, slots=True)
class Clustering:
    """Concepts as clusters of the embedding, with soft memberships.

    Args:
        centroids: (k, e) float32.
        memberships: (n, k) CSR float32, rows sum to 1, at most 3 a row.
        sizes: (k,) int64, number of items nearest to each centroid.
        bandwidth: mean squared distance over all memberships, kept for new items.
        seed: of the fit.
        engine: "local".
    """

    centroids: np.ndarray
    memberships: csr_matrix
    sizes: np.ndarray
    bandwidth: float
    seed: int
    engine: str = "local"

    def __post_init__(self) -> None:
        centroids = _array(self, "centroids", "float32", None, None)
        _array(self, "sizes", "int64", len(centroids))
        if self.memberships.shape[1] != len(centroids):
            raise InputError(f"Clustering.memberships: {self.memberships.shape[1]} columns for "
                             f"{len(centroids)} centroids")


@dataclass(frozen=True, slots=True)
class ConceptGraph:
    """The graph as arrays: what the store holds of one graph's concepts and edges.

    Args:
        keys: (k,) store keys, `<graph>/concept/<number>`; a concept's number is its column in the
            memberships.
        names: (k,) readable names.
        centroids: (k, e) float32.
        sizes: (k,) int64.
        active: (k,) bool.
        edges: (m, 2) int64, lower number first.
        weights: (m,) float64, items lying between the two concepts.
        cosines: (m,) float64, cosine of the two centroids.
        themes: (k,) int64, community of each concept.
    """

    keys: np.ndarray
    names: np.ndarray
    centroids: np.ndarray
    sizes: np.ndarray
    active: np.ndarray
    edges: np.ndarray
    weights: np.ndarray
    cosines: np.ndarray
    themes: np.ndarray

    def __post_init__(self) -> None:
        k = len(_array(self, "keys", object, None))
        _array(self, "names", object, k)
        _array(self, "centroids", "float32", k, None)
        _array(self, "sizes", "int64", k)
        _array(self, "active", bool, k)
        m = len(_array(self, "edges", "int64", None, 2))
        _array(self, "weights", "float64", m)
        _array(self, "cosines", "float64", m)
        _array(self, "themes", "int64", k)

    def __len__(self) -> int:
        return len(self.keys)


@dataclass(frozen=True, slots=True)
class Labels:
    """What people said of items: labels, and ticks ("what is like this is not that").

    Args:
        items: (M,) item index of each label.
        classes: (M,) class index of each label.
        names: (c,) class names in the order of B's outputs.
        tick_items: (T,) item index of each tick.
        tick_classes: (T,) class index that the tick denies.
    """

    items: np.ndarray
    classes: np.ndarray
    names: tuple[str, ...]
    tick_items: np.ndarray = ()  # type: ignore[assignment]
    tick_classes: np.ndarray = ()  # type: ignore[assignment]

    def __post_init__(self) -> None:
        items = _array(self, "items", "int64", None)
        classes = _array(self, "classes", "int64", len(items))
        ticks = _array(self, "tick_items", "int64", None)
        denied = _array(self, "tick_classes", "int64", len(ticks))
        object.__setattr__(self, "names", tuple(str(n) for n in self.names))
        for part in (classes, denied):
            if len(part) and not (part.min() >= 0 and part.max() < len(self.names)):
                raise InputError(f"Labels: class index {part.max()} outside of {len(self.names)} classes")

    def __len__(self) -> int:
        return len(self.items)


@dataclass(frozen=True, slots=True)
class Expert:
    """What one part of the teacher says by itself, and how much that counts.

    Args:
        name: "graph", "head" (a logistic head on A's features) or "prototypes" (class prototypes in A's features).
        weight: of the logarithm of its answer in the teacher's first one; 0: it was asked, and stayed out.
        why: of the weight, in words.
        P: (n, c) float32, rows sum to 1.
    """

    name: str
    weight: float
    why: str
    P: np.ndarray

    def __post_init__(self) -> None:
        _array(self, "P", "float32", None, None)


@dataclass(frozen=True, slots=True)
class Targets:
    """Soft targets that the graph teaches.

    Args:
        P: (n, c) float32, rows sum to 1.
        weight: (n,) float32; 0 where no knowledge reaches the item.
        mass: (k, c) float64, what each concept leans to; rows sum to at most 1 (what is missing went
            to ticked, unnamed classes), 0 where nothing reaches it.
        names: (c,) class names, in the order of B's outputs.
        alpha: how far knowledge travelled over the concepts.
        spread: "concepts", "items" or "both".
        expected_accuracy: share of the answers that should be right, and the ends of an interval that should hold it
            in 9 of 10 cases; None where labels are too few to tell.
        ticked: (n,) index of the class that a tick took the item from, -1 for the others.
        experts: what the parts of the teacher said, the graph first; empty where that was not kept.
    """

    P: np.ndarray
    weight: np.ndarray
    mass: np.ndarray
    names: tuple[str, ...]
    alpha: float
    spread: str
    expected_accuracy: tuple[float, float, float] | None = None
    ticked: np.ndarray | None = None
    experts: tuple[Expert, ...] = ()

    def __post_init__(self) -> None:
        n = len(_array(self, "P", "float32", None, len(self.names)))
        _array(self, "weight", "float32", n)
        _array(self, "mass", "float64", None, len(self.names))
        if self.ticked is not None:
            _array(self, "ticked", "int64", n)


@dataclass(frozen=True, slots=True)
class Block:
    """A block of B's weights; facts only.

    Args:
        layer: B's layer name.
        kind: "unit", "filter", "row", "head" (a slot of the output), "cell" (a unit of a recurrent layer over all its
            gates), "attention" (one head of it) or "projection" (an output of an EinsumDense).
        index: which unit, filter, row, slot, cell or head of attention.
        shape: shape of the incoming weights of the block.
        variable: path of the Keras variable that holds them; it says where, not which block this is.
    """

    layer: str
    kind: str
    index: int
    shape: tuple[int, ...]
    variable: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class BlockMap:
    """Concepts mapped to the blocks of B's layers.

    Args:
        blocks: layer -> its blocks, in index order; layers in the order from input to output.
        planned: layer -> (k, u) CSR, what `map` computed.
        strength: layer -> (k, u) CSR, `planned` with the user's edits.
    """

    blocks: dict[str, tuple[Block, ...]]
    planned: dict[str, csr_matrix]
    strength: dict[str, csr_matrix]

    def __post_init__(self) -> None:
        for layer, blocks in self.blocks.items():
            for matrix in (self.planned[layer], self.strength[layer]):
                if matrix.shape[1] != len(blocks):
                    raise InputError(f"BlockMap {layer}: {matrix.shape[1]} columns for {len(blocks)} blocks")


@dataclass(frozen=True, slots=True)
class Fusion:
    """A fused B and what was done to get it.

    Args:
        model: the trained Keras model.
        history: figures a step, e.g. {"loss": [...], "held_out": [...]}.
        written: layer -> what was written into it and why, e.g. {"dense": {"written": True, ...}}.
        figures: before/after figures by name; None where not measured.
        options: optimizer, steps, batch size, early stop: as used.
        notices: what the user should hear: frozen layers, layers no concept is mapped to.
    """

    model: Any
    history: dict[str, list[float]]
    written: dict[str, dict[str, Any]]
    figures: dict[str, float | None]
    options: dict[str, Any]
    notices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """Rows with REPORT_COLUMNS; a share is a fraction 0-1; `seed` is the split."""

    rows: tuple[dict[str, Any], ...]

    def __post_init__(self) -> None:
        for row in self.rows:
            if tuple(row) != REPORT_COLUMNS:
                raise InputError(f"Report: expected columns {REPORT_COLUMNS}, received {tuple(row)}")
