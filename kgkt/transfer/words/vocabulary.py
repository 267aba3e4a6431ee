"""Which words the rows of an Embedding are of: from the layer that numbers the words, or from a file."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kgkt.errors import InputError, count
from kgkt.transfer.words.embeddings import held_layers, is_graph, need_embedding

if TYPE_CHECKING:
    import numpy as np

NAMES = ("s|/s|pad|unk|unknown|oov|mask|bos|eos|bot|eot|sos|go|start|end|cls|sep|eod|endoftext|num|blank|none|null|"
         r"(?:extra_id|unused|special|reserved)_?\d+|0x[0-9a-f]{2}")  # fmt: skip
SPECIAL = re.compile(rf"\[(?:{NAMES}|(?-i:[A-Z][A-Z0-9_]*))\]|<(?:{NAMES}|\|[^<>\s]+\|)>|\s*", re.IGNORECASE)
GIVE = "give the words in the order of the rows with --vocabulary FILE"


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The words of an Embedding's rows.

    Args:
        words: (rows,) the word of each row, as long as the vocabulary is; None of a special row (mask, unknown words,
            start and end) and of one without a word.
        source: where they come from, for people.
        layer: path of the Embedding.
        rows: of the Embedding; those beyond the vocabulary have no word either.
        notices: what is odd.
        special: row -> what a special row is called, of those that are called anything.
    """

    words: np.ndarray
    source: str
    layer: str
    rows: int
    notices: tuple[str, ...] = ()
    special: dict[int, str] = field(default_factory=dict)


def vocabulary_of(
    model: Any, layer_path: str | None = None, file: str | Path | None = None, *, special: Sequence[str] = (),
    name: str = "B",
) -> Vocabulary:  # fmt: skip
    """Read which word each row of an Embedding is of.

    Args:
        model: B, opened.
        layer_path: of the Embedding; None: the only one.
        file: a vocabulary: one word a line in the order of the rows, or .json, a list or {word: row}. None: that of the
            TextVectorization or StringLookup before the Embedding, else of the only one that B holds.
        special: words whose rows are no words' besides [UNK], <s> and their like.
        name: how B is called in a message.

    Raises:
        InputError: no vocabulary, one of hashes or numbers, several, more words than rows, or a file that is none.
        UsageError: several Embedding layers, and none named.
    """
    import numpy as np

    path, layer = need_embedding(model, layer_path, name)
    if file is not None:
        words, source, own = read_vocabulary(file), Path(file).name, []
    else:
        lookup = lookup_of(model, path, layer, name)
        words, source = [str(word) for word in lookup.get_vocabulary()], f"{lookup.name} ({type(lookup).__name__})"
        own = [token for token in (getattr(lookup, "oov_token", None), getattr(lookup, "mask_token", None)) if token]
    rows = int(layer.input_dim)
    if len(words) > rows:
        raise InputError(f"{source} has {count(len(words), 'word')} with a row, {path} of {name} has "
                         f"{count(rows, 'row')}: is it the vocabulary of another layer?")
    apart = {*own, *special}
    named = np.array([None if word is None or word in apart or SPECIAL.fullmatch(word) else word for word in words],
                     object)  # fmt: skip
    notices = []
    if layer.mask_zero and len(named) and named[0] is not None:
        notices.append(f"row 0 of {path} is its mask (mask_zero), though {source} calls it {named[0]!r}: left alone")
        named[0] = None
    called = {row: word for row, word in enumerate(words) if word and word.strip() and named[row] is None}
    if len(words) < rows:
        notices.append(f"{source} names {len(words):,} of the {rows:,} rows of {path}: the other "
                       f"{rows - len(words):,} are left alone")
    if missing := [token for token in special if token not in set(words)]:
        notices.append(f"{source} has no word {', '.join(missing)}, which --special names")
    return Vocabulary(named, source, path, rows, tuple(notices), called)


def read_vocabulary(file: str | Path) -> list[str | None]:
    """The words of a file in the order of their rows; None of a row without one.

    Args:
        file: one word a line, an empty line is a row without a word; .json: a list of words, or {word: row}.

    Raises:
        InputError: not there, not UTF-8, not as described, a row given twice.
    """
    path = Path(file)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError(f"the vocabulary {path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        raise InputError(f"the vocabulary {path} is not UTF-8 (line {line}): save it as UTF-8") from error
    words: list[str | None]
    if path.suffix.lower() == ".json":
        words = _from_json(path, text)
    else:
        words = list(text.removesuffix("\n").split("\n")) if text else []
        words = [word.rstrip("\r") for word in words if word is not None]
    if not any(words):
        raise InputError(f"the vocabulary {path} has no word: expected one a line, in the order of the rows")
    return words


def _from_json(path: Path, text: str) -> list[str | None]:
    """Words of a JSON list, or of an object word -> row."""
    try:
        found = json.loads(text)
    except ValueError as error:
        raise InputError(f"the vocabulary {path} is not JSON: {error}") from error
    if isinstance(found, list) and all(isinstance(word, str) for word in found):
        return list(found)
    if not isinstance(found, dict) or not all(type(row) is int and row >= 0 for row in found.values()):
        raise InputError(f"the vocabulary {path}: expected a list of words, or an object of words and the numbers of "
                         "their rows")
    words: list[str | None] = [None] * (max(found.values(), default=-1) + 1 if len(found) else 0)
    for word, row in found.items():
        if words[row] is not None:
            raise InputError(f"the vocabulary {path} gives row {row} to {words[row]!r} and to {word!r}")
        words[row] = word
    return words


def lookup_of(model: Any, path: str, layer: Any, name: str) -> Any:
    """The layer that numbers the words for an Embedding."""
    import keras

    kinds = keras.layers
    numbers = (kinds.TextVectorization, kinds.StringLookup, kinds.IntegerLookup, kinds.Hashing, kinds.HashedCrossing)
    held = [one for _, one in held_layers(model) if isinstance(one, numbers)]
    before = list(dict.fromkeys(_before(model, layer, numbers)))
    fits = [one for one in held if _has_words(one)]
    chosen = before or (fits if len(fits) == 1 else held)
    if not chosen:
        raise InputError(f"nothing in {name} says which word each row of {path} is of: {GIVE}")
    bad = [one for one in chosen if not _has_words(one)]
    if bad:
        what = "its rows are of hashes, and no word has one of its own" if "Hash" in type(bad[0]).__name__ else (
            "its rows are of numbers, not of words" if isinstance(bad[0], kinds.IntegerLookup) else
            f"it gives {_mode(bad[0])}, no row of each word")
        more = "" if "Hash" in type(bad[0]).__name__ else f"; if they stand for words, {GIVE}"
        raise InputError(f"{bad[0].name} ({type(bad[0]).__name__}) of {name} comes before {path}: {what}{more}")
    if len(chosen) > 1:
        raise InputError(f"{name} has {len(chosen)} layers that number words ({', '.join(one.name for one in chosen)})"
                         f", and which of them {path} reads cannot be told: {GIVE}")
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


def _before(model: Any, layer: Any, numbers: tuple[type, ...]) -> Iterator[Any]:
    """The layers of those kinds that what an Embedding reads comes from, in graphs of Keras, nested ones too."""
    graphs = [one for one in (model, *(one for _, one in held_layers(model))) if is_graph(one)]
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


def form(word: str, lower: bool, strip_accents: bool) -> str:
    """A word without capitals, or without accents.

    >>> form("Élan", True, True), form("Élan", False, True), form("Élan", True, False)
    ('elan', 'Elan', 'élan')
    """
    if strip_accents and not word.isascii():
        split = unicodedata.normalize("NFD", word)
        word = unicodedata.normalize("NFC", "".join(part for part in split if not unicodedata.combining(part)))
    return word.lower() if lower else word


def match(
    words: Iterable[str | None], known: Sequence[str], lower: bool = False, strip_accents: bool = False
) -> np.ndarray:
    """Where each of B's words stands among A's.

    A word that A has as it is written is that one. Else, if asked, it is the first of A's whose form is the same: words
    of A come most frequent first.

    Args:
        words: (rows,) of B; None is no word.
        known: (n,) words of A.
        lower: capitals do not count.
        strip_accents: accents do not count.

    Returns:
        (rows,) int64, -1 of those that A does not have.
    """
    import numpy as np

    exact = {word: i for i, word in reversed(list(enumerate(known)))}
    forms: dict[str, int] = {}
    if lower or strip_accents:
        for i, word in enumerate(known):
            forms.setdefault(form(word, lower, strip_accents), i)

    def place(word: str | None) -> int:
        if word is None:
            return -1
        found = exact.get(word)
        if found is None and forms:
            found = exact.get(form(word, lower, strip_accents), forms.get(form(word, lower, strip_accents)))
        return -1 if found is None else found

    return np.array([place(word) for word in words], np.int64).reshape(-1)


def better_match(
    words: Sequence[str | None], known: Sequence[str], lower: bool, strip_accents: bool
) -> tuple[str, int]:
    """The options that would find most of B's words in A's, and how many; ("", 0) where none finds 1 % more of them."""
    named = sum(word is not None for word in words)
    found = int((match(words, known, lower, strip_accents) >= 0).sum())
    best, most = "", found + max(1, named // 100) - 1
    for more_lower, more_strip in ((True, strip_accents), (lower, True), (True, True)):
        if (more_lower, more_strip) == (lower, strip_accents):
            continue
        now = int((match(words, known, more_lower, more_strip) >= 0).sum())
        if now > most:
            flags = [flag for flag, asked, had in (("--lower", more_lower, lower),
                     ("--strip-accents", more_strip, strip_accents)) if asked and not had]  # fmt: skip
            best, most = " ".join(flags), now
    return (best, most) if best else ("", 0)
