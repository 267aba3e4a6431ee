"""The features file: written in a stream, read back with every page's checksum verified."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kgkt import __version__
from kgkt.errors import InputError, nearest
from kgkt.files import atomic, sha256_file
from kgkt.source.arrays import check_ids
from kgkt.values import Features

if TYPE_CHECKING:
    import numpy as np

GROUP_BYTES = 8 << 20  # readers hold a few row groups at once
READ_BYTES = 1 << 20  # without it a reader holds a whole column of a row group, which may be the whole of a file
Batch = tuple["np.ndarray", dict[str, "np.ndarray"]]  # ids (b,), layer -> (b, d) float32


def write_features(out: Path, widths: Mapping[str, int], batches: Iterable[Batch], meta: dict[str, str]) -> Features:
    """Write a features file, one row group at a time, whole or not at all.

    Args:
        out: the Parquet file.
        widths: layer -> d.
        batches: ids (b,) and {layer: (b, d)}; memory holds one row group of them.
        meta: what to say of the file; read when the last batch is written, so a batch may add to it.

    Raises:
        InputError: `out` cannot be written.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    types = [(layer, pa.list_(pa.float32(), width)) for layer, width in widths.items()]
    schema = pa.schema([("item_id", pa.string()), *types])
    with atomic(out) as temporary, pq.ParquetWriter(
        temporary, schema, compression="none", use_dictionary=False, write_statistics=False, write_page_checksum=True
    ) as writer:
        held: list[Batch] = []
        for batch in batches:
            held.append(batch)
            if sum(a.nbytes for _, arrays in held for a in arrays.values()) >= GROUP_BYTES:
                writer.write_table(_table(schema, held))
                held = []
        if held:
            writer.write_table(_table(schema, held))
        writer.add_key_value_metadata(meta)
    return open_features(out)


def describe(source: str, notices: Sequence[str], **more: str) -> dict[str, str]:
    """What a features file says of itself; `notices` is one line each."""
    return {"kgkt_version": __version__, "source": source, "notices": "\n".join(notices), **more}


def _table(schema: Any, held: list[Batch]) -> Any:
    """Batches as one Arrow table."""
    import numpy as np
    import pyarrow as pa

    columns = [pa.array(np.concatenate([ids for ids, _ in held]).tolist(), pa.string())]
    for field in list(schema)[1:]:
        values = np.concatenate([arrays[field.name] for _, arrays in held]).astype(np.float32, copy=False)
        columns.append(pa.FixedSizeListArray.from_arrays(pa.array(values.ravel()), field.type.list_size))
    return pa.table(columns, schema=schema)


def open_features(path: Path | str) -> Features:
    """A handle on a features file of a run directory.

    Raises:
        InputError: missing, truncated, damaged, or of another layout.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = Path(path)
    try:
        with pq.ParquetFile(path, pre_buffer=False, page_checksum_verification=True) as file:
            schema, raw = file.schema_arrow, file.metadata.metadata or {}
            if "item_id" not in schema.names:
                raise InputError(f"{path} has no column item_id{nearest('item_id', schema.names)}")
            widths = {}
            for field in schema:
                if field.name == "item_id":
                    continue
                if not pa.types.is_fixed_size_list(field.type) or field.type.value_type != pa.float32():
                    raise InputError(f"{path}: column {field.name} is {field.type}, not a fixed_size_list<float32>; "
                                     "bring it in with populate --features")
                widths[field.name] = field.type.list_size
            ids = file.read(columns=["item_id"]).column("item_id").to_pylist()
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"{path} is missing or damaged ({error}); run populate to make it anew") from error
    meta = {k.decode(): v.decode("utf-8", "replace") for k, v in raw.items() if not k.startswith(b"ARROW:")}
    return Features(path, check_ids(str(path), ids, len(ids)), widths, meta.get("source", ""), sha256_file(path), meta)
