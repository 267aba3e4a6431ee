"""The run directory: one folder a graph, files written whole or not at all.

    kgkt-run/graph.kgl               the embedded store, all graphs of the directory
    kgkt-run/<graph>/features.parquet  items.parquet  embedding.safetensors  concepts.safetensors
                     memberships.parquet  sources.safetensors (of several)  exemplars/  targets.parquet
                     measured.safetensors (of the last fused B)  edits.jsonl  run.json
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kgkt.errors import InputError, KgktError
from kgkt.files import atomic, is_running, read_json, read_parquet, write_json
from kgkt.store.opening import embedded_url

if TYPE_CHECKING:
    import numpy as np
    from scipy.sparse import csr_matrix


GRAPH_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
PARTIAL = re.compile(r"\.(\d{1,9})\.[^.]*\.part(\.|$)")  # the name that `atomic` gives: process, random letters


def save_memberships(path: Path, ids: np.ndarray, memberships: csr_matrix) -> None:
    """Write memberships (n, k) as Parquet: `item_id`, `concepts` list<int32>, `strengths` list<float32>."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    z = memberships
    offsets = pa.array(z.indptr.astype("int32"))
    table = pa.table(
        {
            "item_id": pa.array(ids.tolist(), pa.string()),
            "concepts": pa.ListArray.from_arrays(offsets, pa.array(z.indices.astype("int32"))),
            "strengths": pa.ListArray.from_arrays(offsets, pa.array(z.data.astype("float32"))),
        },
        metadata={"n_concepts": str(z.shape[1])},
    )
    with atomic(path) as temporary:
        pq.write_table(table, temporary, compression="zstd", write_page_checksum=True)


def load_memberships(path: Path) -> tuple[np.ndarray, csr_matrix]:
    """Read what `save_memberships` wrote: ids (n,), memberships (n, k) CSR."""
    import numpy as np
    from scipy.sparse import csr_matrix

    table = read_parquet(path, ("item_id", "concepts", "strengths"))
    concepts, strengths = (table.column(c).combine_chunks() for c in ("concepts", "strengths"))
    indptr = np.concatenate([[0], np.cumsum(concepts.value_lengths().to_numpy(zero_copy_only=False))])
    z = csr_matrix(
        (strengths.flatten().to_numpy(), concepts.flatten().to_numpy(), indptr),
        shape=(len(table), int(table.schema.metadata[b"n_concepts"])),
    )
    return table.column("item_id").to_numpy().astype(str), z


def save_items(path: Path, ids: np.ndarray, contents: list[bytes]) -> None:
    """Write which items the features are of: `item_id` (n,), `content`, the digest of what each holds."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.table({"item_id": pa.array(ids.tolist(), pa.string()), "content": pa.array(contents, pa.binary())})
    with atomic(path) as temporary:
        pq.write_table(table, temporary, compression="zstd", write_page_checksum=True)


def load_items(path: Path) -> tuple[np.ndarray, list[bytes]]:
    """Read what `save_items` wrote: ids (n,) and contents."""
    table = read_parquet(path, ("item_id", "content"))
    return table.column("item_id").to_numpy().astype(str), table.column("content").to_pylist()


def save_neighbours(path: Path, ids: np.ndarray, index: np.ndarray, made_from: str) -> None:
    """Write the nearest items of each item (n, q) as Parquet: `item_id`, `neighbours` list<int32> (row numbers)."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    n, q = index.shape
    lists = pa.ListArray.from_arrays(pa.array(np.arange(0, n * q + 1, q, dtype="int32")), pa.array(index.ravel()))
    table = pa.table({"item_id": pa.array(ids.tolist(), pa.string()), "neighbours": lists},
                     metadata={"made_from": made_from})  # fmt: skip
    with atomic(path) as temporary:
        pq.write_table(table, temporary, compression="zstd", write_page_checksum=True)


def load_neighbours(path: Path, made_from: str) -> np.ndarray | None:
    """Read what `save_neighbours` wrote, (n, q); None where it was made from another embedding."""
    table = read_parquet(path, ("item_id", "neighbours"))
    if (table.schema.metadata or {}).get(b"made_from", b"").decode() != made_from:
        return None
    return table.column("neighbours").combine_chunks().flatten().to_numpy().reshape(len(table), -1)


@contextlib.contextmanager
def nothing_left_if_refused(run: RunDir) -> Iterator[None]:
    """Where a graph that was never made is refused, all that was put into its folder within goes, and an empty folder.

    To be entered by who holds the graph, so that nobody else writes there. What was there before stays; so do whole
    features, which took their time, and all of a graph that was made before.
    """
    there = {path.name for path in run.folder.iterdir()}
    try:
        yield
    except KgktError:
        if "run.json" not in there and "features" not in run.state() and run.folder.is_dir():
            for path in [path for path in run.folder.iterdir() if path.name not in there]:
                shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink(missing_ok=True)
            with contextlib.suppress(OSError):  # not empty
                run.folder.rmdir()
        raise


class RunDir:
    """The folder of one graph inside a run directory, and the state kept in its `run.json`.

    Args:
        root: the run directory (`--dir`).
        graph: name of the graph.
    """

    def __init__(self, root: Path | str, graph: str) -> None:
        if not GRAPH_NAME.fullmatch(graph):
            raise InputError(f"graph name {graph!r}: use letters, digits, '.', '_', '-' (at most 64)")
        self.root = Path(root)
        self.graph = graph
        self.folder = self.root / graph

    def path(self, name: str) -> Path:
        """Where the file `name` of this graph lies."""
        return self.folder / name

    def need(self, name: str, verb: str) -> Path:
        """The same, refusing when it is not there; `verb` is what makes it."""
        path = self.path(name)
        if not path.exists():
            raise InputError(f"{path} is not there: run kgkt {verb} first")
        return path

    @property
    def store_url(self) -> str:
        """URL of the embedded store of this run directory."""
        return embedded_url(self.root / "graph.kgl")

    def state(self) -> dict[str, Any]:
        """What `run.json` holds; empty before the first stage."""
        path = self.path("run.json")
        return read_json(path) if path.exists() else {}

    def sweep(self) -> None:
        """Remove what killed processes of this machine left half written."""
        for path in self.folder.glob(".*.part*"):
            owner = PARTIAL.search(path.name)
            if owner and os.name == "posix" and not is_running(int(owner[1])):
                path.unlink(missing_ok=True)

    def write_state(self, state: Mapping[str, Any]) -> None:
        """Replace `run.json`."""
        write_json(self.path("run.json"), dict(state))
