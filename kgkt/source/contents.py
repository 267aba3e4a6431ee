"""What an item holds, as a digest: the same item is known again under another id, a changed one under its old id."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from kgkt.source.arrays import LazyRows, blocks
from kgkt.source.images import ImageFolder
from kgkt.source.inputs import Data
from kgkt.values import Features

if TYPE_CHECKING:
    import numpy as np

BYTES = 16  # of a digest


def data_contents(data: Data) -> list[bytes]:
    """The digest of each item as a model reads it; a picture's is that of its file and of the size it is brought to."""
    if data.text is not None:
        return [_digest("text", text.encode("utf-8", "surrogatepass")) for text in data.text]
    kind = f"{data.x.dtype} {data.x.shape[1:]}"
    if data.files is not None:
        return [_digest(kind, digest.encode()) for digest in data.files]
    return [_digest(kind, row.tobytes()) for _, block in blocks(data.x) for row in block]


def feature_contents(features: Features) -> list[bytes]:
    """The digest of each item's features, over all layers in the order of their names."""
    digests = [b""] * len(features)
    for layer in sorted(features.layers):
        rows = _rows(features, layer)
        digests = [_digest(layer, before + row) for before, row in zip(digests, rows, strict=True)]
    return digests


def _rows(features: Features, layer: str) -> Iterator[bytes]:
    for batch in features.batches(layer):
        for row in batch:
            yield row.tobytes()


def _digest(kind: str, content: bytes) -> bytes:
    return hashlib.blake2b(kind.encode() + b"\0" + content, digest_size=BYTES).digest()


def take(data: Data, rows: np.ndarray) -> Data:
    """Some items of a pool, (M,) row numbers; arrays on disk and pictures stay there until they are asked for."""
    x: Any = data.x
    if isinstance(x, ImageFolder):
        x = dataclasses.replace(x, files=x.files[rows], shape=(len(rows), *x.shape[1:]))
    elif isinstance(x, LazyRows):
        x = dataclasses.replace(x, shape=(len(rows), *x.shape[1:]), keep=rows if x.keep is None else x.keep[rows])
    else:
        x = LazyRows(x, (len(rows), *x.shape[1:]), x.dtype, rows)
    return dataclasses.replace(
        data, ids=data.ids[rows], x=x, y=None if data.y is None else data.y[rows],
        uris=None if data.uris is None else [data.uris[row] for row in rows.tolist()],
        text=None if data.text is None else [data.text[row] for row in rows.tolist()],
        files=None if data.files is None else [data.files[row] for row in rows.tolist()],
    )  # fmt: skip
