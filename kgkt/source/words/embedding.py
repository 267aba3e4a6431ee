"""The rows of an Embedding of a Keras model as word vectors, with the words that a layer before it numbers."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from kgkt.errors import InputError, count, nearest
from kgkt.lookup import SPECIAL, lookup_of
from kgkt.source.arrays import some_ids
from kgkt.source.models import ModelInfo, inspect_model, layer_by_name, open_model
from kgkt.source.quiet import keras
from kgkt.source.safety import objects, safe_check
from kgkt.source.words.arrays import MatrixVectors
from kgkt.source.words.faults import Faults
from kgkt.source.words.text import Rows
from kgkt.source.words.vocabulary import read_vocabulary

KINDS = ("Embedding", "ReversibleEmbedding")
NUMBERS = ("TextVectorization", "StringLookup", "IntegerLookup", "Hashing", "HashedCrossing")  # words or the like


class KerasVectors:
    """An Embedding of a `.keras` file; attributes as of `kgkt.source.words.text.TextVectors`.

    The model is opened, and TensorFlow loaded, when rows are asked for.

    Args:
        path: the file.
        inner: the Embedding, outer/inner in a nested model; "": the only one.
        listed: a list of the words of its rows; "": those of the TextVectorization or StringLookup before it.

    Raises:
        InputError: no Embedding, several, or none of that name; a list that is not there, or none that is needed.
        UnsafeError: the file brings code.
    """

    kind = "Keras"
    files: tuple[Path, ...]
    count: int | None

    def __init__(self, path: Path, inner: str, listed: str) -> None:
        self.path, self.listed = path, Path(listed) if listed else None
        self.files = (path, self.listed) if self.listed else (path,)
        info = inspect_model(path)
        self.layer = _embedding_of(info, inner)
        self.count = _rows_of(path, self.layer)
        self.width = int((info.layers[self.layer] or (0,))[-1] or 0)
        self.faults, self.notices = Faults(str(path), "row"), list[str]()
        if self.listed and not self.listed.is_file():
            raise InputError(f"{self.listed}, which should list the words of {self.layer} of {path}, is not there")
        entries = list(objects(safe_check(path)["config"]))
        if not self.listed and tells_all(info, entries) and not any(one["class_name"] in NUMBERS for one in entries):
            raise InputError(f"nothing in {path} says which word each row of {self.layer} is of: {self._give()}")
        if not self.width:
            raise InputError(f"{path}: how wide the rows of {self.layer} are does not stand in the file: save it again")

    def rows(self, wanted: Collection[str] | None = None) -> Rows:
        """Words with their vectors; rows of other words than those wanted are passed over."""
        import numpy as np

        model = open_model(self.path)
        layer = layer_by_name(model, self.layer)
        table = np.asarray(layer.embeddings)
        if self.listed:
            words, source = read_vocabulary(self.listed), str(self.listed)
        else:
            words, source = self._numbered(model, layer)
        if len(words) > len(table):
            raise InputError(f"{source} lists {count(len(words), 'word')}, {self.layer} of {self.path} has "
                             f"{count(len(table), 'row')}: is it the list of another layer?")
        special = {word: None for word in words if word and SPECIAL.fullmatch(word)}
        words = [None if word in special else word for word in words]
        words += [None] * (len(table) - len(words))
        held = MatrixVectors(self.kind, f"{self.path}: {self.layer}", table, words, self.files)
        said = f"{self.path}: the words of {self.layer} are those of {source}"
        if special:
            said += f", without {some_ids(list(special))}, which are no words"
        self.faults, self.notices = held.faults, [said, *held.notices]
        yield from held.rows(wanted)

    def _numbered(self, model: Any, layer: Any) -> tuple[list[str | None], str]:
        """The words of the layer that numbers them; None for a mask, and for words that it does not know."""
        cleaning, held = keras().layers.TextVectorization, list(model._flatten_layers())
        inner = {id(one._lookup_layer) for one in held if isinstance(one, cleaning)}
        held = [one for one in held if id(one) not in inner]
        found = lookup_of(model, held, self.layer, layer, str(self.path), self._give())
        special = {"", *(getattr(found, name, None) for name in ("oov_token", "mask_token"))}
        return [None if word in special else word for word in found.get_vocabulary()], found.name


    def _give(self) -> str:
        return f"name a list of them, one a line in the order of the rows, as {self.path}:{self.layer},WORDS.txt"


def tells_all(info: ModelInfo, entries: Sequence[Mapping[str, Any]]) -> bool:
    """Whether a model's config tells what layers it has: there are no classes of one's own, and no layers in others.

    Args:
        info: from `inspect_model`.
        entries: every object of its config.
    """
    own = any(str(entry.get("module") or "keras").split(".")[0] != "keras" for entry in entries)
    wrapped = any("layer" in entry["config"] for entry in entries if isinstance(entry.get("config"), dict))
    return not (own or wrapped) and info.kind in ("Functional", "Sequential")


def _embedding_of(info: ModelInfo, name: str) -> str:
    """The Embedding that is named, or the only one."""
    found = [layer for layer, kind in info.classes.items() if kind in KINDS]
    if name and name not in found:
        raise InputError(f"{info.path} has no Embedding {name}{nearest(name, found)}")
    if not found:
        raise InputError(f"{info.path} has no Embedding, whose rows would be vectors of words: its layers are "
                         f"{', '.join(info.classes) or 'not told by the file'}")
    if not name and len(found) > 1:
        raise InputError(f"{info.path} has {len(found)} layers with rows of words ({', '.join(found)}): name one, as "
                         f"{info.path}:{found[0]}")
    return name or found[0]


def _rows_of(path: Path, layer: str) -> int | None:
    """How many rows an Embedding has, by the config; not all of them need to be of words."""
    for entry in objects(safe_check(path)["config"]):
        inner = entry.get("config")
        if entry["class_name"] in KINDS and isinstance(inner, dict) and inner.get("name") == layer.split("/")[-1]:
            rows = inner.get("input_dim")
            return rows if isinstance(rows, int) else None
    return None
