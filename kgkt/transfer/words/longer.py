"""Surgery on a trained B: an Embedding of more rows behind a vocabulary of more words, and all else as it was."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kgkt.errors import InputError, count
from kgkt.lookup import is_graph
from kgkt.transfer.flow import calls_of
from kgkt.transfer.layers import leaves
from kgkt.transfer.taps import as_input, run_model
from kgkt.transfer.widen import copy_state, rebuild
from kgkt.transfer.words.embeddings import shared_with

if TYPE_CHECKING:
    from pathlib import Path

    import keras
    import numpy as np

    from kgkt.transfer.words.vocabulary import Vocabulary

BY_SIZE = ("Embedding", "CategoryEncoding")  # layers that only so many numbers fit into
TEXTS, LONG = 64, 8  # texts of known words that two Bs are held against each other on, and words of each


def check_alone(model: keras.Model, path: str, layer: Any, lookup: Any, file: str = "B") -> None:
    """Refuse an Embedding that cannot have more rows by itself.

    Args:
        model: B.
        path, layer: the Embedding.
        lookup: the layer that numbers its words; None: that is done outside of B.
        file: B's name.

    Raises:
        InputError: inside of a class of its own, a class of its own, rows that another layer computes with as well, a
            second layer that the same numbers go into.
    """
    import keras

    calls, _ = calls_of(model)
    tied = [*shared_with(model, layer), *(one.name for one in model._flatten_layers() if one is not layer and not
            is_graph(one) and any(weight is layer.embeddings for weight in one.variables))]  # fmt: skip
    if tied and any(call.layer is layer for call in calls):
        raise InputError(f"{file}: {path} shares its rows with {', '.join(dict.fromkeys(tied))} (tied weights): that "
                         "would grow too, and with it what B answers. kgkt extends a vocabulary that is only read")
    if type(layer) is not keras.layers.Embedding or not any(call.layer is layer for call in calls):
        own = type(layer) is not keras.layers.Embedding
        what = f"is a {type(layer).__name__}" if own else "is inside of another layer"
        raise InputError(f"{file}: {path} {what}, and what else its size decides is not known: kgkt extends a "
                         "keras.layers.Embedding that a Sequential or Functional model calls itself")
    numbers = {tensor for call in calls if call.layer is lookup for tensor in call.outputs}
    others = [call.path for call in calls if call.layer is not layer and type(call.layer).__name__ in BY_SIZE
              and numbers & set(call.inputs)]  # fmt: skip
    if others:
        raise InputError(f"{file}: what {lookup.name} gives goes into {others[0]} as well as into {path}, and has no "
                         "place for more words: kgkt extends a vocabulary that one Embedding reads")


def check_file(vocabulary: Vocabulary, out: Path, force: bool) -> None:
    """Refuse a vocabulary in a file that new words cannot be appended to, or whose new file is there already.

    Raises:
        InputError: rows beyond its words, which may be of something else; a file at `out`.
    """
    if len(vocabulary.words) < vocabulary.rows:
        more = vocabulary.rows - len(vocabulary.words)
        raise InputError(f"{vocabulary.source} names {len(vocabulary.words):,} of the {vocabulary.rows:,} rows of "
                         f"{vocabulary.layer}, and new words come after the last one: give the other "
                         f"{count(more, 'row')} a line each at the place where they are: the first ones as a rule, for "
                         "a mask and unknown words ([MASK], [UNK]); at the end only rows behind the last word "
                         "([SPARE1])")
    if out.exists() and not force:
        raise InputError(f"{out} exists; give another --out, or --force to replace it")


def lengthen(
    model: keras.Model, path: str, layer: Any, lookup: Any, words: list[str], rows: np.ndarray
) -> tuple[keras.Model, tuple[str, ...]]:
    """B that knows more words: what it made of known ones stays as it was.

    Args:
        model: B, a Sequential or Functional model; it is not changed.
        path, layer: the Embedding.
        lookup: the TextVectorization or StringLookup that numbers its words; None: that is done outside of B.
        words: (m,) that it does not know.
        rows: (m, w) of the Embedding for them.

    Returns:
        The new B, and what was changed beside the rows, a sentence each.

    Raises:
        InputError: B cannot be built again.
    """
    old = layer.embeddings.numpy()
    first = first_new(layer, lookup)
    size = max(len(old), first + len(words))
    changed: dict[int, dict[str, Any]] = {id(layer): {"input_dim": size, "weights": None}}
    notices = []
    if size == len(old):
        notices.append(f"{path} had {count(len(old) - first, 'row')} that no word had: the new words take theirs")
    if lookup is not None:
        config = lookup.get_config()
        longer: dict[str, Any] = {"vocabulary_size": first + len(words)} if "vocabulary_size" in config else {}
        if config.get("max_tokens") is not None and config["max_tokens"] < first + len(words):
            longer["max_tokens"] = first + len(words)
            notices.append(f"{lookup.name} had max_tokens {config['max_tokens']:,}, and has {first + len(words):,}")
        if config.get("vocabulary") is not None:
            longer["vocabulary"] = [*config["vocabulary"], *words]
        changed[id(lookup)] = longer
    if heads := [name for name, one in leaves(model) if getattr(one, "units", None) == len(old) != 1]:
        notices.append(f"{heads[0]} has {count(len(old), 'output')}, as many as {path} had rows: if they are words, B "
                       "reads the new ones and answers with none of them")
    made = rebuild(model, changed)
    new = _same_place(model, made, layer)
    copy_state(model, made, {}, (layer, new))
    if lookup is not None:
        after = _same_place(model, made, lookup)
        after.set_vocabulary([*lookup.get_vocabulary(include_special_tokens=False), *words])
    value = new.embeddings.numpy()
    value[: len(old)] = old
    value[first : first + len(words)] = rows
    new.embeddings.assign(value)
    return made, tuple(notices)


def first_new(layer: Any, lookup: Any) -> int:
    """The row of the first new word: behind the last word that a lookup numbers, without one behind all rows."""
    return int(layer.input_dim) if lookup is None else int(lookup.vocabulary_size())


def _same_place(old: keras.Model, new: keras.Model, layer: Any) -> Any:
    """The layer of the new model that stands where `layer` does in the old one."""
    pairs = zip(old._flatten_layers(), new._flatten_layers(), strict=True)
    return next(after for before, after in pairs if before is layer)


def reads_as_one(lookup: Any, words: list[str]) -> np.ndarray:
    """(m,) whether B would read each of some new words as one word, and as this one.

    Its own spelling (casing, punctuation, splitting) decides: with them in its vocabulary the layer is asked.

    Args:
        lookup: a TextVectorization or StringLookup.
        words: (m,) that it does not know, each once.
    """
    import numpy as np

    known = lookup.get_vocabulary(include_special_tokens=False)
    first = int(lookup.vocabulary_size())
    spare = {"max_tokens": None, "vocabulary": None, "idf_weights": None}
    config = {**lookup.get_config(), **spare, "vocabulary_size": None}
    asked = type(lookup).from_config({key: value for key, value in config.items() if key in lookup.get_config()})
    asked.set_vocabulary([*known, *words])
    said = asked(np.array(words, dtype=object)[:, np.newaxis])
    said = np.asarray(said.to_tensor() if hasattr(said, "to_tensor") else said).reshape(len(words), -1)
    return (said[:, 0] == first + np.arange(len(words))) & (said[:, 1:] == 0).all(axis=1)


def largest_difference(old: keras.Model, new: keras.Model, words: list[str], seed: int = 0) -> float | None:
    """How far apart two Bs answer on texts of words that both know; None where B does not read one text.

    Args:
        old, new: B before and after.
        words: that the old one knows.
        seed: of the texts.
    """
    import numpy as np

    if len(old.inputs) != 1 or old.inputs[0].dtype != "string":
        return None
    draw = np.random.default_rng(seed)
    texts = np.array([" ".join(draw.choice(words, LONG)) for _ in range(TEXTS)], dtype=object)
    x = as_input(old, texts, np.arange(TEXTS))
    before, after = (run_model(model, x, training=False) for model in (old, new))
    return float(np.abs(np.asarray(before, np.float64) - np.asarray(after, np.float64)).max())
