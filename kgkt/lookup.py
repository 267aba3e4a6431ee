"""Which words an Embedding's rows are of: the layer of a Keras model that numbers them, and tokens that are none."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from kgkt.errors import InputError

TOKENS = ("s|/s|pad|unk|unknown|oov|mask|bos|eos|bot|eot|sos|go|start|end|cls|sep|eod|endoftext|num|blank|none|null|"
         r"(?:extra_id|unused|special|reserved)_?\d+|0x[0-9a-f]{2}")  # fmt: skip
# rows that a model has, and that are no words; anything else in brackets is a word
SPECIAL = re.compile(rf"\[(?:{TOKENS}|(?-i:[A-Z][A-Z0-9_]*))\]|<(?:{TOKENS}|\|[^<>\s]+\|)>|\s*", re.IGNORECASE)


def lookup_of(model: Any, held: Sequence[Any], path: str, layer: Any, name: str, give: str) -> Any:
    """The layer that numbers the words for an Embedding: the one before it, else the only one that is held.

    Args:
        model: opened.
        held: the layers that it holds, those of nested models too.
        path: of the Embedding.
        layer: the Embedding.
        name: of the model, for people.
        give: how to give the words in a file, where this cannot be told.

    Raises:
        InputError: none, several, or one that numbers no words.
    """
    import keras

    kinds = keras.layers
    numbers = (kinds.TextVectorization, kinds.StringLookup, kinds.IntegerLookup, kinds.Hashing, kinds.HashedCrossing)
    counting = [one for one in held if isinstance(one, numbers)]
    before = list(dict.fromkeys(_before(model, held, layer, numbers)))
    fits = [one for one in counting if _has_words(one)]
    chosen = before or (fits if len(fits) == 1 else counting)
    if not chosen:
        raise InputError(f"nothing in {name} says which word each row of {path} is of: {give}")
    bad = [one for one in chosen if not _has_words(one)]
    if bad:
        what = "its rows are of hashes, and no word has one of its own" if "Hash" in type(bad[0]).__name__ else (
            "its rows are of numbers, not of words" if isinstance(bad[0], kinds.IntegerLookup) else
            f"it gives {_mode(bad[0])}, no row of each word")
        more = "" if "Hash" in type(bad[0]).__name__ else f"; if they stand for words, {give}"
        raise InputError(f"{bad[0].name} ({type(bad[0]).__name__}) of {name} comes before {path}: {what}{more}")
    if len(chosen) > 1:
        raise InputError(f"{name} has {len(chosen)} layers that number words ({', '.join(one.name for one in chosen)})"
                         f", and which of them {path} reads cannot be told: {give}")
    return chosen[0]


def _has_words(lookup: Any) -> bool:
    """Whether a layer gives each word a row."""
    import keras

    kinds = keras.layers
    words = isinstance(lookup, kinds.TextVectorization | kinds.StringLookup) and not getattr(lookup, "invert", False)
    return words and _mode(lookup) == "int"


def _mode(lookup: Any) -> str:
    """What a lookup gives for a word: "int", "multi_hot", …"""
    return str(lookup.get_config()["output_mode"])


def _before(model: Any, held: Sequence[Any], layer: Any, numbers: tuple[type, ...]) -> Iterator[Any]:
    """The layers of those kinds that what an Embedding reads comes from, in graphs of Keras, nested ones too."""
    graphs = [one for one in (model, *held) if is_graph(one)]
    outer = {id(tensor._keras_history.operation): (graph, place) for graph in graphs if graph is not model
             for place, tensor in enumerate(graph.inputs or ())}  # fmt: skip
    tensors = [tensor for node in layer._inbound_nodes for tensor in node.input_tensors]
    seen: set[int] = set()
    while tensors:
        tensor = tensors.pop()
        if id(tensor) in seen:
            continue
        seen.add(id(tensor))
        operation, _, index = tensor._keras_history
        if isinstance(operation, numbers):
            yield operation
        elif id(operation) in outer:
            graph, place = outer[id(operation)]
            tensors += [node.input_tensors[place] for node in graph._inbound_nodes]
        elif is_graph(operation):
            tensors.append(operation.outputs[index])
        else:
            tensors += [before for node in operation._inbound_nodes for before in node.input_tensors]


def is_graph(layer: Any) -> bool:
    """Whether a layer is a Sequential or Functional model, whose layers hand tensors on that are known."""
    import keras

    return isinstance(layer, keras.Sequential) or hasattr(layer, "operations")
