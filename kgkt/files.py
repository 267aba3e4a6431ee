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
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kgkt.errors import InputError, nearest

if TYPE_CHECKING:
    import numpy as np

DEFAULT_DIR = "kgkt-run"


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


def write_csv(path: Path, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write a table as CSV in UTF-8, all or nothing, as `atomic` does."""
    import csv

    with atomic(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)


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



def digest_path(path: Path) -> str:
    """Digest of a file, or of the names, sizes and times of the files in a folder."""
    if path.is_dir():
        facts = [(str(p.relative_to(path)), p.stat().st_size, p.stat().st_mtime_ns) for p in sorted(path.rglob("*"))]
        return digest_value(facts)
    return sha256_file(path)
