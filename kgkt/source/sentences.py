"""A sentence model as A: its folder is looked at here, its texts are read in a process of its own."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kgkt.errors import InputError
from kgkt.source.arrays import Progress
from kgkt.source.features import refuse_not_finite
from kgkt.source.inputs import Data
from kgkt.source.parquet import Batch, describe, write_features
from kgkt.source.sentence_child import KINDS, OFFLINE
from kgkt.source.sentence_files import LAYER, SentenceInfo, inspect_sentences
from kgkt.values import Features

if TYPE_CHECKING:
    import numpy as np

CHUNK = 256  # texts handed over at once: the model sorts them by length, so that little is padded


def need_library() -> None:
    """Refuse a sentence model where the library that runs it is not installed."""
    if importlib.util.find_spec("sentence_transformers") is None:
        raise InputError("a sentence model needs the library sentence-transformers: pip install 'kgkt[text]'")


def check_texts(path: Path | str, data: Data, layers: tuple[str, ...] = ()) -> None:
    """Refuse data that a sentence model cannot read and layers that it does not have, before any work.

    Args:
        path: of the model, for the message.
        data: what it is to be given.
        layers: that the user named.

    Raises:
        InputError: items that are not texts, a layer of another name.
    """
    if data.kind != "text":
        raise InputError(f"{path} is a sentence model and reads texts, the data has items of shape "
                         f"{tuple(data.x.shape[1:])}: give a .csv with the columns item_id and text")
    if others := [layer for layer in layers if layer != LAYER]:
        raise InputError(f"{path} is a sentence model, which has one layer, {LAYER!r}, and no {others[0]!r}: leave "
                         "--layers out")


def extract_sentences(
    path: Path | str, data: Data, out: Path, progress: Progress | None = None, seed: int | None = None
) -> Features:
    """Run texts through a sentence model and write their vectors, one layer called `sentence`.

    Args:
        path: the model's folder, in the format of sentence-transformers.
        data: n texts.
        out: the features file to write; it stays as it was if anything fails.
        progress: called with how many more items are done.
        seed: of random weights in place of what the model learned, for an untrained A; None keeps that.

    Returns:
        The features: (n, d) float32, what the model's `encode` gives.

    Raises:
        InputError: data that is not text, the library is missing, a model that cannot be opened, vectors that are
            not finite.
        UnsafeError: the model could run code.
    """
    info = inspect_sentences(path)
    check_texts(path, data)
    name = info.path.absolute().name
    with _encoder(info, seed) as encode:
        first = encode(data.x[:CHUNK].tolist())

        def batches() -> Iterator[Batch]:
            for start in range(0, len(data), CHUNK):
                ids = data.ids[start : start + CHUNK]
                vectors = encode(data.x[start : start + CHUNK].tolist()) if start else first
                refuse_not_finite(f"{name}: layer {LAYER!r}", vectors, ids, "look at its weights")
                yield ids, {LAYER: vectors}
                if progress:
                    progress(len(ids))

        source = name if seed is None else f"untrained {name}"
        meta = describe(source, data.notices, model_sha256=info.sha256)
        return write_features(Path(out), {LAYER: first.shape[1]}, batches(), meta)


@contextlib.contextmanager
def _encoder(info: SentenceInfo, seed: int | None) -> Iterator[Callable[[list[str]], np.ndarray]]:
    """Yield a function that gives the vectors (b, d) float32 of b texts; the model's process ends with the block."""
    need_library()
    package = str(Path(__file__).resolve().parents[2])
    paths = os.pathsep.join(filter(None, (package, os.environ.get("PYTHONPATH"))))
    with subprocess.Popen(
        [sys.executable, "-P", "-m", "kgkt.source.sentence_child"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, env={**os.environ, **OFFLINE, "PYTHONPATH": paths, "PYTHONUTF8": "1"},
    ) as process:  # fmt: skip
        try:
            _ask(process, info, {"path": str(info.path), "seed": seed})
            yield lambda texts: _vectors(process, info, texts)
        finally:
            process.kill()


def _ask(process: subprocess.Popen[bytes], info: SentenceInfo, question: Any) -> dict[str, Any]:
    """Send one line and read the head of its answer; what the process raised is raised here."""
    assert process.stdin is not None
    assert process.stdout is not None
    with contextlib.suppress(BrokenPipeError):  # it is gone: its answer says so
        process.stdin.write(json.dumps(question).encode() + b"\n")
        process.stdin.flush()
    head = process.stdout.readline()
    if not head:
        raise _ended(process, info)
    answer: dict[str, Any] = json.loads(head)
    if "error" in answer:
        message = answer["message"]
        raise KINDS[answer["error"]](message if str(info.path) in message else f"{info.path}: {message}")
    return answer


def _vectors(process: subprocess.Popen[bytes], info: SentenceInfo, texts: list[str]) -> np.ndarray:
    import numpy as np

    answer = _ask(process, info, texts)
    assert process.stdout is not None
    raw = process.stdout.read(4 * answer["rows"] * answer["width"])
    if len(raw) < 4 * answer["rows"] * answer["width"]:
        raise _ended(process, info)
    return np.frombuffer(raw, np.float32).reshape(answer["rows"], answer["width"])


def _ended(process: subprocess.Popen[bytes], info: SentenceInfo) -> InputError:
    code = process.wait()
    why = f"signal {-code}: perhaps there was not enough memory" if code < 0 else f"code {code}"
    return InputError(f"{info.path}: the process that reads the texts ended early ({why})")
