"""Look at a model file before anything in it is believed: its kind, its members, the code it names.

Everything here reads with the standard library (the weights with h5py), runs nothing of the file and
needs no more memory than one block of it.
"""

from __future__ import annotations

import json
import re
import stat
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from kgkt.errors import InputError, UnsafeError

BLOCK = 1 << 20
MAX_CONFIG = 32 << 20  # bytes of config.json: models of thousands of layers stay below 10 MB
MAX_RATIO = 20  # float weights shrink by a tenth, pruned ones tenfold
SMALL = 64 << 20  # a member below this may shrink as it likes (weights that are all zero)
HDF5 = b"\x89HDF\r\n\x1a\n"
PICKLE = re.compile(rb"\x80[\x02-\x05]|c[A-Za-z_][\w.]*\n\w+\n|\(dp|\(lp|\(c[A-Za-z_]\w*\n")
TRUSTED = ("layers", "initializers", "regularizers", "constraints", "activations", "optimizers", "losses", "metrics",
           "models", "ops", "random", "quantizers", "dtype_policies", "engine")
RUNS_CODE = {"Lambda", "TorchModuleWrapper", "TFSMLayer", "JaxLayer", "FlaxLayer", "__lambda__", "LambdaCallback"}
DATA = {"__keras_tensor__", "__tensor__", "__numpy__", "__bytes__", "__ellipsis__", "__slice__"}
ZIP_FAULTS = (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, RuntimeError, NotImplementedError)


def read_head(path: Path, size: int = 512) -> bytes:
    """The first bytes of a file.

    Raises:
        InputError: there is no such file, or it is a folder.
    """
    try:
        with path.open("rb") as file:
            return file.read(size)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from error


def refuse_folder(path: Path) -> None:
    """Refuse a folder where a model file is wanted, with how a sentence model is named."""
    if path.is_dir():
        raise InputError(f"{path} is a folder, a model is a .keras file; the folder of a sentence model is named with "
                         f"--model sentence-transformers:{path}")


def refuse_disguise(path: Path, head: bytes) -> None:
    """Refuse what a file is by its content, whatever its name says.

    Raises:
        InputError: a git-LFS pointer, a web page, an empty file.
        UnsafeError: a pickle.
    """
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if not head:
        raise InputError(f"{path} is empty")
    if head.startswith(b"version https://git-lfs"):
        raise InputError(f"{path} is a git-LFS pointer, not the file it stands for: run git lfs pull")
    if text.startswith((b"<!doctype", b"<html", b"<head", b"<?xml")):
        raise InputError(f"{path} is a web page, not the file it should be: fetch it again by its direct link")
    if PICKLE.match(head):
        raise UnsafeError(f"{path} is a pickle, which runs code when it is opened: refused; save it as .keras")


def safe_check(path: Path | str, imports: Sequence[str] = ()) -> dict[str, Any]:
    """Check that a `.keras` file can be opened without running code that it brings, and read its config.

    Args:
        path: the model file.
        imports: packages that the user trusts to define the model's own layers.

    Returns:
        {"config": config.json, "metadata": metadata.json, "n_weights": how many, None for weights in npz}.

    Raises:
        UnsafeError: HDF5 or a pickle by any name, a zip bomb, a member outside of its folder or a link,
            a layer that carries code, an object of a package that is not imported.
        InputError: missing, truncated, damaged, or no Keras model at all.
    """
    path = Path(path)
    refuse_folder(path)
    head = read_head(path)
    refuse_disguise(path, head)
    if head.startswith(HDF5):
        raise UnsafeError(f"{path} is an HDF5 model, whose layers can carry code: save it again as .keras, or "
                          "pass --allow-legacy if you trust who made it")
    if not head.startswith(b"PK\x03\x04"):
        words = path.suffix.lower() in (".txt", ".vec", ".gz", ".bin")
        hint = f"; a file of word vectors is named words:{path}" if words else ""
        raise InputError(f"{path} is not a .keras model (it begins with {head[:8]!r}){hint}")
    try:
        with zipfile.ZipFile(path) as archive:
            _check_members(path, archive)
            parts: dict[str, Any] = {
                name: _read_json(path, archive, name + ".json") for name in ("config", "metadata")
            }
            parts["n_weights"] = _check_content(path, archive)
    except ZIP_FAULTS as error:
        raise InputError(f"{path} is truncated or damaged ({error})") from error
    check_config(path, parts["config"], imports)
    _check_appetite(path, parts["config"], parts["n_weights"])
    return parts


def _check_members(path: Path, archive: zipfile.ZipFile) -> None:
    """Refuse members by what the archive declares of them; nothing is unpacked."""
    seen: set[str] = set()
    for member in archive.infolist():
        name = member.filename
        parts = PurePosixPath(name.replace("\\", "/")).parts
        if name.startswith(("/", "\\")) or ".." in parts or re.match(r"[A-Za-z]:", name):
            raise UnsafeError(f"{path}: member {name!r} points outside of the archive: refused")
        if stat.S_ISLNK(member.external_attr >> 16):
            raise UnsafeError(f"{path}: member {name!r} is a link: refused")
        if member.file_size > SMALL and member.file_size > MAX_RATIO * max(member.compress_size, 1):
            raise UnsafeError(f"{path}: member {name!r} declares {member.file_size:,} bytes packed into "
                              f"{member.compress_size:,}: refused as a zip bomb")
        if name.endswith(".pkl"):
            raise UnsafeError(f"{path}: member {name!r} is a pickle (a PyTorch file?): refused; save it as .keras")
        if name in seen:
            raise UnsafeError(f"{path}: member {name!r} is there twice: refused")
        seen.add(name)
    if "config.json" not in seen or not seen & {"model.weights.h5", "model.weights.npz"}:
        shown = ", ".join(sorted(seen)[:5]) or "nothing"
        raise InputError(f"{path} is a zip but no .keras model: it holds {shown}")


def _read_json(path: Path, archive: zipfile.ZipFile, name: str) -> dict[str, Any]:
    """One JSON member of the archive; an absent metadata.json is an empty one."""
    if name not in archive.namelist():
        return {}
    if archive.getinfo(name).file_size > MAX_CONFIG:
        raise UnsafeError(f"{path}: {name} declares {archive.getinfo(name).file_size:,} bytes, above "
                          f"{MAX_CONFIG:,}: refused")
    try:
        value = json.loads(archive.read(name))
    except RecursionError as error:
        raise UnsafeError(f"{path}: {name} is nested too deeply: refused") from error
    if not isinstance(value, dict):
        raise InputError(f"{path}: {name} holds {type(value).__name__}, not an object")
    return value


def _check_content(path: Path, archive: zipfile.ZipFile) -> int | None:
    """Read each member once, block by block: a wrong checksum or an unsafe link in the weights ends here.

    Returns the number of weights, None for weights in npz.
    """
    for name in archive.namelist():
        with archive.open(name) as member:
            while member.read(BLOCK):
                pass
    if "model.weights.h5" not in archive.namelist():
        return None
    with archive.open("model.weights.h5") as member:
        return check_weights(path, member)


def check_weights(path: Path, member: Any) -> int:
    """Refuse links, outside storage and bombs in an HDF5 file of weights; count the model's weights.

    Args:
        path: the model file, for the message.
        member: an open, seekable file.

    Returns:
        The number of weights, without those of the optimizer and of random generators.

    Raises:
        UnsafeError: a link out of the file, or a dataset that declares far more than it stores.
        InputError: damaged.
    """
    import h5py

    total = 0
    try:
        with h5py.File(member, "r") as file:
            for name, item in _walk(path, file):
                if not isinstance(item, h5py.Dataset):
                    continue
                stored = item.id.get_storage_size()
                if item.external or item.is_virtual:
                    raise UnsafeError(f"{path}: weights {name!r} lie in another file: refused")
                if item.nbytes > SMALL and item.nbytes > MAX_RATIO * max(stored, 1):
                    raise UnsafeError(f"{path}: weights {name!r} declare {item.nbytes:,} bytes and store "
                                      f"{stored:,}: refused")
                if not name.startswith(("/optimizer", "/metrics")) and "seed_generator" not in name:
                    total += item.size
    except (OSError, RuntimeError, KeyError, ValueError) as error:
        raise InputError(f"{path}: its weights are damaged ({error})") from error
    return total


def _walk(path: Path, group: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Every dataset and group below `group`, refusing links before they are followed."""
    import h5py

    for name in group:
        if not isinstance(group.get(name, getlink=True), h5py.HardLink):
            raise UnsafeError(f"{path}: weights {prefix}/{name} are a link: refused")
        item = group[name]
        yield f"{prefix}/{name}", item
        if isinstance(item, h5py.Group):
            if prefix.count("/") > 64:  # a group may hold itself
                raise UnsafeError(f"{path}: weights {prefix[:40]}… are nested too deeply: refused")
            yield from _walk(path, item, f"{prefix}/{name}")


def check_config(path: Path, config: dict[str, Any], imports: Sequence[str] = ()) -> None:
    """Refuse a model config that names code from elsewhere.

    What it was compiled with is left out: it is never loaded.

    Raises:
        UnsafeError: a layer that carries code, or an object that neither Keras nor `imports` defines.
    """
    for entry in objects({key: value for key, value in config.items() if key != "compile_config"}):
        kind, module = entry["class_name"], entry.get("module")
        label = f"layer {entry['config']['name']!r} ({kind})" if _has_name(entry) else f"object {kind}"
        if kind in RUNS_CODE:
            raise UnsafeError(f"{path}: {label} carries code inside the file: refused; rebuild the model with "
                              "keras.ops or a registered layer")
        if kind in DATA:
            continue
        vocabulary = entry["config"].get("vocabulary") if isinstance(entry.get("config"), dict) else None
        if isinstance(vocabulary, str):
            raise UnsafeError(f"{path}: {label} reads its vocabulary from the file {vocabulary!r}: refused")
        if _of_keras(module, entry):
            continue
        owner = str(module or entry.get("registered_name") or kind)
        package = owner.split(">")[0].split(".")[0]
        if not imports or (module not in (None, "builtins") and package not in {i.split(".")[0] for i in imports}):
            hint = f"--import {package}" if module not in (None, "builtins") else "--import PACKAGE"
            raise UnsafeError(f"{path}: {label} comes from {owner}, not from Keras: refused; if you trust it, pass "
                              f"{hint} (a package that registers it)")


def _check_appetite(path: Path, config: dict[str, Any], stored: int | None) -> None:
    """Refuse a config whose layers would allocate far more weights than the file stores."""
    wanted = 0
    for entry in objects(config):
        inner, shape = entry.get("config"), (entry.get("build_config") or {}).get("input_shape")
        if not isinstance(inner, dict) or not isinstance(shape, list) or not shape:
            continue
        units = inner.get("units") or inner.get("filters") or inner.get("output_dim") or 0
        fan_in = inner.get("input_dim") or shape[-1] or 0
        if isinstance(units, int) and isinstance(fan_in, int):
            wanted += units * fan_in
    if stored is not None and wanted > 64 * stored + 10_000_000:
        raise UnsafeError(f"{path}: its layers ask for {wanted:,} weights and the file stores {stored:,}: refused")


def objects(value: Any) -> Iterator[dict[str, Any]]:
    """Every serialized object inside a config, outer ones first."""
    stack = [value]
    while stack:
        top = stack.pop()
        if isinstance(top, dict):
            if isinstance(top.get("class_name"), str):
                yield top
            stack.extend(reversed(top.values()))
        elif isinstance(top, list):
            stack.extend(reversed(top))


def _has_name(entry: dict[str, Any]) -> bool:
    return isinstance(entry.get("config"), dict) and isinstance(entry["config"].get("name"), str)


def _of_keras(module: Any, entry: dict[str, Any]) -> bool:
    """Whether a serialized object is one of Keras's own, from a part of Keras that only computes."""
    if "module" not in entry:  # short forms, like a dtype policy of old files, that Keras looks up by name
        return "registered_name" not in entry
    parts = str(module).split(".")
    if parts[0] != "keras":
        return False
    rest = [part for part in parts[1:] if part != "src"]
    return not rest or rest[0] in TRUSTED
