"""Look at the folder of a sentence model before anything in it is believed; read its facts without PyTorch."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from kgkt.errors import InputError, UnsafeError
from kgkt.files import sha256_file
from kgkt.source.safety import MAX_CONFIG, read_head, refuse_disguise

LAYER = "sentence"
# modules that only compute, and whether they hold weights; others can name code in their own settings
MODULES = {"Transformer": True, "Pooling": False, "Normalize": False, "Dense": True, "Dropout": False,
           "LayerNorm": True, "StaticEmbedding": True}  # fmt: skip
OWN = re.compile(r"sentence_transformers\.(?:[a-z_]+\.)*(?:models|modules)\.(?:[A-Za-z_]+\.)*(\w+)")
ACTIVATION = re.compile(r"torch\.nn\.modules\.(?:activation|linear)\.[A-Z]\w*")
MATTERS = {".json", ".txt", ".model", ".safetensors"}  # suffixes of settings, vocabularies and weights
PICKLES = {".bin", ".pt", ".pth", ".pkl", ".ckpt"}
POOLED = ("cls_token", "mean_tokens", "max_tokens", "mean_sqrt_len_tokens", "weightedmean_tokens", "lasttoken")


@dataclass(frozen=True, slots=True)
class SentenceInfo:
    """What the folder of a sentence model says of itself.

    Args:
        path: the folder.
        sha256: digest of the files that make the model.
        modules: names of its modules' kinds, first to last.
        width: of a sentence's vector; None where the files do not tell.
        n_weights: how many numbers the model learned.
        tokens: how many pieces of a text it reads; None where the files do not tell.
    """

    path: Path
    sha256: str
    modules: tuple[str, ...]
    width: int | None
    n_weights: int
    tokens: int | None


def inspect_sentences(path: Path | str) -> SentenceInfo:
    """Check that a sentence model can be opened without running code that it brings, and read its facts.

    Args:
        path: a folder in the format of sentence-transformers.

    Raises:
        UnsafeError: pickled weights, a module or an activation from elsewhere, code beside the model, a path out of
            the folder.
        InputError: not there, no such folder, a git-LFS pointer, damaged.
    """
    path = Path(path)
    modules = _read_modules(path)
    for folder in {folder for _, folder in modules} | {path}:
        for file in sorted(folder.glob("*.json")):
            refuse_disguise(file, read_head(file))
            if not file.name.startswith("tokenizer.") and not file.name.startswith("vocab"):
                _refuse_code(file, _read_json(file))
    family = _settings(path / "config_sentence_transformers.json").get("model_type", "SentenceTransformer")
    if family != "SentenceTransformer":
        raise InputError(f"{path} holds a {family}, which gives no sentence vectors: name a SentenceTransformer")
    shapes = {file: _weight_shapes(file) for kind, folder in modules if MODULES[kind] for file in _weights(folder)}
    n_weights = sum(_size(shape) for held in shapes.values() for shape in held.values())
    for kind, folder in modules:
        _check_appetite(kind, folder, n_weights)
    return SentenceInfo(
        path, digest_sentences(path), tuple(kind for kind, _ in modules), _width(modules, shapes), n_weights,
        _tokens(modules),
    )  # fmt: skip


def digest_sentences(path: Path | str) -> str:
    """Digest of the names and the content of the files that make a sentence model.

    Raises:
        InputError: the folder is not there.
    """
    path = _folder(Path(path))
    digest = hashlib.sha256()
    for file in sorted(path.rglob("*")):
        name = file.relative_to(path)
        if file.suffix in MATTERS and file.is_file() and not any(part.startswith(".") for part in name.parts):
            digest.update(f"{len(name.as_posix().encode())}:{name.as_posix()}{sha256_file(file)}".encode())
    return digest.hexdigest()


def _folder(path: Path) -> Path:
    if not path.exists():
        raise InputError(f"{path} is not there: kgkt downloads no models; save one with "
                         "sentence_transformers.SentenceTransformer(NAME).save(PATH) and name that folder")
    if not path.is_dir():
        raise InputError(f"{path} is a file: name the folder that SentenceTransformer(NAME).save(PATH) writes")
    return path


def _read_modules(path: Path) -> list[tuple[str, Path]]:
    """(kind, folder) of each module that modules.json names, first to last."""
    file = _folder(path) / "modules.json"
    if not file.exists():
        raise InputError(f"{path} has no modules.json, so it is no sentence model: save one with "
                         "sentence_transformers.SentenceTransformer(NAME).save(PATH)")
    refuse_disguise(file, read_head(file))
    modules = []
    for entry in _read_json(file, list):
        kind, place = (entry.get("type"), entry.get("path")) if isinstance(entry, dict) else (None, None)
        if not isinstance(kind, str) or not isinstance(place, str):
            raise InputError(f"{file} has an entry without type and path: save the model again")
        own = OWN.fullmatch(kind)
        if own is None or own[1] not in MODULES:
            raise UnsafeError(f"{file} names the module {kind}, which kgkt does not open: refused; it opens "
                              f"{', '.join(MODULES)} of sentence_transformers, without code of the model's own")
        inside = PurePosixPath(place.replace("\\", "/"))
        if inside.is_absolute() or ".." in inside.parts or ":" in place:
            raise UnsafeError(f"{file} names the folder {place!r}, outside of the model: refused")
        modules.append((own[1], path / place))
    if not modules or modules[0][0] not in ("Transformer", "StaticEmbedding"):
        raise InputError(f"{file} begins with {modules[0][0] if modules else 'nothing'}, which reads no text")
    return modules


def _read_json(file: Path, kind: type = object) -> Any:
    if file.stat().st_size > MAX_CONFIG:
        raise UnsafeError(f"{file} has {file.stat().st_size:,} bytes, above {MAX_CONFIG:,}: refused")
    try:
        value = json.loads(file.read_text(encoding="utf-8"))
    except RecursionError as error:
        raise UnsafeError(f"{file} is nested too deeply: refused") from error
    except ValueError as error:
        raise InputError(f"{file} is damaged ({error}): save the model again") from error
    if not isinstance(value, kind):
        raise InputError(f"{file} holds {type(value).__name__}, expected {kind.__name__}: save the model again")
    return value


def _settings(file: Path) -> dict[str, Any]:
    """The object in a JSON file; an absent file is an empty one."""
    return _read_json(file, dict) if file.exists() else {}


def _refuse_code(file: Path, value: Any) -> None:
    """Refuse settings that name code: of the model's own, of a hub, or any activation but PyTorch's."""
    for key, found in _entries(value):
        if key == "auto_map" or (key == "trust_remote_code" and found):
            raise UnsafeError(f"{file} says {key}: the model brings code of its own: refused; use a model of a kind "
                              "that transformers itself knows")
        if key == "activation_function" and not (isinstance(found, str) and _harmless(found)):
            raise UnsafeError(f"{file} takes its activation from {found}: refused; only torch.nn has activations "
                              "that kgkt opens")
        if key.endswith("attn_implementation") and isinstance(found, str) and "/" in found:
            raise UnsafeError(f"{file} takes its attention from {found}: refused; delete {key}")
    if file.name == "adapter_config.json":
        raise UnsafeError(f"{file}: an adapter to another model, which is not here: refused; merge it with "
                          "merge_and_unload() and save the model again")


def _harmless(activation: str) -> bool:
    """Whether an activation is PyTorch's, or a plain name as configs of transformers give it (gelu)."""
    return bool(ACTIVATION.fullmatch(activation)) or "." not in activation


def _entries(value: Any) -> Iterator[tuple[str, Any]]:
    """Every (key, value) inside a JSON value."""
    stack = [value]
    while stack:
        top = stack.pop()
        if isinstance(top, dict):
            yield from top.items()
            stack.extend(top.values())
        elif isinstance(top, list):
            stack.extend(top)


def _weights(folder: Path) -> list[Path]:
    """The weight files of a module.

    Raises:
        UnsafeError: they are pickled only.
        InputError: there are none.
    """
    files = sorted(folder.glob("*.safetensors"))
    if files:
        return files
    pickled = [file.name for file in sorted(folder.glob("*")) if file.suffix in PICKLES]
    if not pickled:
        raise InputError(f"{folder} holds no weights (model.safetensors): save the model again with "
                         ".save(PATH, safe_serialization=True)")
    raise UnsafeError(f"{folder / pickled[0]} is a pickle, which can run code when it is opened: refused; load the "
                      "model where you trust it and save it with .save(PATH, safe_serialization=True)")


def _weight_shapes(file: Path) -> dict[str, list[int]]:
    """Name -> shape of the floating numbers in a safetensors file; its layout is checked, its numbers are not read."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(file, framework="numpy") as opened:
            slices = {name: opened.get_slice(name) for name in opened.keys()}  # noqa: SIM118
            return {name: part.get_shape() for name, part in slices.items() if "F" in str(part.get_dtype())}
    except (SafetensorError, OSError, ValueError) as error:
        refuse_disguise(file, read_head(file))  # not before: the length that a sound file begins with can look so too
        raise InputError(f"{file} is truncated or damaged ({error}): copy it again") from error


def _size(shape: list[int]) -> int:
    size = 1
    for length in shape:
        size *= length
    return size


def _check_appetite(kind: str, folder: Path, stored: int) -> None:
    """Refuse settings that would allocate far more weights than the files store."""
    config = _settings(folder / "config.json")

    def number(*keys: str) -> int:
        return next((config[key] for key in keys if isinstance(config.get(key), int)), 0)

    if kind == "Dense":
        wanted = number("in_features") * number("out_features")
    else:
        hidden, layers = number("hidden_size", "dim", "d_model"), number("num_hidden_layers", "n_layers", "num_layers")
        rows = number("vocab_size") + number("max_position_embeddings") + number("type_vocab_size")
        wanted = hidden * rows + layers * hidden * (hidden + number("intermediate_size", "hidden_dim", "d_ff"))
    if wanted > 64 * stored + 10_000_000:
        raise UnsafeError(f"{folder / 'config.json'} asks for {wanted:,} weights and the files store {stored:,}: "
                          "refused")


def _width(modules: list[tuple[str, Path]], shapes: dict[Path, dict[str, list[int]]]) -> int | None:
    """Width of a sentence's vector, followed from module to module."""
    width: int | None = None
    for kind, folder in modules:
        config = _settings(folder / "config.json")
        if kind == "Transformer":
            width = config.get("hidden_size") or config.get("dim") or config.get("d_model")
        elif kind == "StaticEmbedding":
            tables = [shape for file in _weights(folder) for shape in shapes[file].values() if len(shape) == 2]
            width = tables[0][1] if tables else None
        elif kind == "Pooling":
            one = config.get("embedding_dimension") or config.get("word_embedding_dimension") or width
            mode = config.get("pooling_mode")
            named = len(mode) if isinstance(mode, list | tuple) else 1
            flags = sum(bool(config.get(f"pooling_mode_{name}")) for name in POOLED)
            width = one * (flags or named) if isinstance(one, int) else None
        elif kind == "Dense":
            width = config.get("out_features")
    return width if isinstance(width, int) else None


def _tokens(modules: list[tuple[str, Path]]) -> int | None:
    """How many pieces of a text the first module reads."""
    for file in sorted(modules[0][1].glob("sentence_*_config.json")):
        if isinstance(tokens := _settings(file).get("max_seq_length"), int):
            return tokens
    tokens = _settings(modules[0][1] / "tokenizer_config.json").get("model_max_length")
    return tokens if isinstance(tokens, int) and tokens < 1_000_000 else None
