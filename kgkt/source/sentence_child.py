"""The process that a sentence model lives in: `python -m kgkt.source.sentence_child`.

PyTorch, TensorFlow and the embedded database do not fit into one process everywhere: on Linux each wants its own
OpenMP or a fixed place for thread-local data, and whichever comes last is refused. Here PyTorch is alone, offline
from its first import on, and its memory is given back when the texts are read.

It reads lines of JSON: first {"path", "seed"}, then lists of texts; it answers each list with a line {"rows", "width"}
and the vectors as raw float32, or with {"error", "message"}.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import warnings
from pathlib import Path
from typing import Any, BinaryIO

from kgkt.errors import InputError, KgktError, UnsafeError
from kgkt.source.sentence_files import inspect_sentences

KINDS: dict[str, type[KgktError]] = {kind.__name__: kind for kind in (InputError, UnsafeError, KgktError)}
OFFLINE = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1",
           "HF_HUB_DISABLE_PROGRESS_BARS": "1", "TOKENIZERS_PARALLELISM": "false", "USE_TF": "0"}  # fmt: skip
BATCH = 32  # texts a step of the model


def main() -> None:
    """Open the model that the first line names, then answer lists of texts until the input ends."""
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints is not taken for an answer
    warnings.simplefilter("ignore")
    try:
        asked = json.loads(sys.stdin.readline())
        model = open_sentences(Path(asked["path"]), asked["seed"])
        _send(out, {"ready": True})
        for line in sys.stdin:
            _answer(out, model, json.loads(line))
    except KgktError as error:
        _send(out, {"error": type(error).__name__, "message": str(error)})
    except Exception as error:  # the libraries raise whatever the part at fault raised
        _send(out, {"error": "InputError", "message": _reason(error)})


def _answer(out: BinaryIO, model: Any, texts: list[str]) -> None:
    import numpy as np

    vectors = np.ascontiguousarray(model.encode(texts, batch_size=BATCH, show_progress_bar=False), np.float32)
    _send(out, {"rows": len(vectors), "width": vectors.shape[1]}, vectors.tobytes())


def _send(out: BinaryIO, head: dict[str, Any], raw: bytes = b"") -> None:
    out.write(json.dumps(head).encode() + b"\n" + raw)
    out.flush()


def open_sentences(path: Path, seed: int | None = None) -> Any:
    """Open the folder of a sentence model as a SentenceTransformer, from its safetensors files alone.

    Args:
        path: the folder.
        seed: of fresh random weights in place of what the model learned; None keeps that.

    Raises:
        UnsafeError, InputError: as `inspect_sentences`; the library cannot open it, or weights are missing.
    """
    inspect_sentences(path)
    os.environ.update(OFFLINE)
    library = importlib.import_module("sentence_transformers")
    logging = importlib.import_module("transformers").utils.logging
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        model = library.SentenceTransformer(
            str(path.resolve()), local_files_only=True, trust_remote_code=False, model_kwargs={"use_safetensors": True}
        )
        missing = missing_weights(model)
    except Exception as error:  # the libraries raise whatever the part at fault raised
        raise InputError(f"{path} cannot be opened (sentence-transformers {library.__version__}): "
                         f"{_reason(error)}") from error
    if missing:
        raise InputError(f"{path}: its files lack {len(missing)} of the model's weights, e.g. {missing[0]}: copy or "
                         "save the model again")
    if seed is not None:
        forget(model, seed)
    return model.eval()


def _reason(error: Exception) -> str:
    return next((line.strip()[:300] for line in str(error).splitlines() if line.strip()), type(error).__name__)


def missing_weights(model: Any) -> list[str]:
    """Names of a Transformer's weights that its file does not hold: the library would draw them at random.

    A pooler is left out: no sentence vector is made with it.
    """
    transformer = _transformer(model)
    if transformer is None:
        return []
    _, found = type(transformer).from_pretrained(
        transformer.config._name_or_path, config=transformer.config, use_safetensors=True, local_files_only=True,
        output_loading_info=True,
    )  # fmt: skip
    learned = {name for name, _ in transformer.named_parameters()}
    return [key for key in sorted(found["missing_keys"]) if key in learned and "pooler" not in key]


def _transformer(model: Any) -> Any:
    """The transformers model inside of a sentence model; None where there is none."""
    return getattr(model[0], "auto_model", None)


def forget(model: Any, seed: int) -> None:
    """Give a sentence model, in place, fresh random weights as its architecture starts with them."""
    torch = importlib.import_module("torch")
    torch.manual_seed(seed)
    transformer = _transformer(model)
    if transformer is not None:
        transformer.load_state_dict(type(transformer)(transformer.config).state_dict())
    for module in model.children():
        for part in module.modules() if getattr(module, "auto_model", None) is None else ():
            if hasattr(part, "reset_parameters"):
                part.reset_parameters()


if __name__ == "__main__":
    main()
