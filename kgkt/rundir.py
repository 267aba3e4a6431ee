"""The run directory: one folder a graph, files written whole or not at all.

    kgkt-run/graph.kgl               the embedded store, all graphs of the directory
    kgkt-run/<graph>/features.parquet  embedding.safetensors  concepts.safetensors
                     memberships.parquet  exemplars/  targets.parquet  edits.jsonl  run.json

Every file is written under a temporary name beside its place, fsynced and renamed. Never pickle.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kgkt.errors import InputError, nearest

if TYPE_CHECKING:
    import numpy as np
    from scipy.sparse import csr_matrix

DEFAULT_DIR = "kgkt-run"
GRAPH_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
PARTIAL = re.compile(r"\.(\d{1,9})\.[^.]*\.part(\.|$)")  # the name that `atomic` gives: process, random letters


@contextlib.contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; on success it is fsynced and renamed to `path`.

    On an error the temporary file is removed and what stood at `path` stays as it was.

    Raises:
        InputError: the place cannot be written (no folder, no permission, disk full, a folder of that name).
    """
    path = Path(path)
    need_parent(path)
    if path.is_dir():
        raise InputError(f"{path} is a folder; name a file")
    try:
        handle, name = tempfile.mkstemp(f".part{path.suffix}", f".{path.name}.{os.getpid()}.", path.parent)
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror or error}") from error
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)
        temporary.replace(path)
    except OSError as error:
        raise InputError(f"{path} could not be written: {error.strerror or error}") from error
    finally:
        temporary.unlink(missing_ok=True)


def is_running(pid: int) -> bool:
    """Whether a process of this machine has that number; POSIX only."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def need_parent(path: Path) -> None:
    """Refuse a place in a folder that is not there: a misspelt path would make a new one, unseen."""
    folder = Path(path).absolute().parent
    if not folder.is_dir():
        raise InputError(f"{path} cannot be written: there is no folder {folder}; make it, or name another place")


def check_place(path: Path) -> None:
    """Refuse a file that could not be written, before the work that it is to hold.

    Raises:
        InputError: it is a folder, its own folder is not there, or nothing may be written in that.
    """
    path = Path(path)
    if path.is_dir():
        raise InputError(f"{path} is a folder; name a file")
    need_parent(path)
    try:
        with tempfile.TemporaryFile(dir=path.absolute().parent):
            pass
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror or error}") from error


def make_folder(path: Path) -> None:
    """Make a folder with its parents.

    Raises:
        InputError: a file stands there, or nothing may be written.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"the folder {path} cannot be made: {error.strerror or error}") from error


def write_text(path: Path, text: str) -> None:
    """Write `text` as UTF-8, whole or not at all."""
    with atomic(path) as temporary:
        temporary.write_text(text, encoding="utf-8", errors="surrogatepass", newline="")


def write_json(path: Path, value: Any) -> None:
    """Write `value` as indented JSON, whole or not at all."""
    write_text(path, json.dumps(value, indent=1, ensure_ascii=False, sort_keys=False, allow_nan=False) + "\n")


def read_json(path: Path) -> Any:
    """Read a JSON file; a broken one is an InputError that names it."""
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is damaged ({error}); run populate to make it anew") from error
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from error


def save_arrays(path: Path, arrays: Mapping[str, np.ndarray], meta: Mapping[str, str] | None = None) -> None:
    """Write named arrays to a safetensors file, whole or not at all."""
    import numpy as np
    from safetensors.numpy import save_file

    with atomic(path) as temporary:
        save_file({k: np.ascontiguousarray(v) for k, v in arrays.items()}, temporary, metadata=dict(meta or {}))


def load_arrays(path: Path) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """Read a safetensors file: its arrays and its metadata.

    Raises:
        InputError: missing, truncated or damaged.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="np") as file:
            return {key: file.get_tensor(key) for key in file.keys()}, dict(file.metadata() or {})  # noqa: SIM118
    except (SafetensorError, OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read ({error}); run populate to make it anew") from error


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


def read_parquet(path: Path, columns: tuple[str, ...] | None = None) -> Any:
    """Read a Parquet file (or some of its columns) as an Arrow table.

    Raises:
        InputError: missing, truncated, not Parquet, or without one of the columns.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path, pre_buffer=False, page_checksum_verification=True) as file:
            names = file.schema_arrow.names
            for column in columns or ():
                if column not in names:
                    raise InputError(f"{path} has no column {column}{nearest(column, names)}")
            return file.read(columns=list(columns) if columns else None)
    except (pa.ArrowInvalid, pa.ArrowException, OSError) as error:
        raise InputError(f"{path} cannot be read as Parquet ({error})") from error


def sha256_file(path: Path) -> str:
    """Digest of a file's content."""
    digest = hashlib.sha256()
    try:
        with Path(path).open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from error
    return digest.hexdigest()


def digest_value(value: Any) -> str:
    """Digest of any JSON-like value, or of bytes."""
    if isinstance(value, bytes):
        return hashlib.sha256(value).hexdigest()
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()


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
        return f"kglite:{self.root / 'graph.kgl'}"

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
