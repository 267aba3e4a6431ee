"""The words of a graph beside those of B: which B could get, what A knows of them, which concepts hold them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kgkt.errors import InputError, shorten
from kgkt.recipe import Recipe
from kgkt.rundir.folder import RunDir
from kgkt.rundir.state import settings_of

if TYPE_CHECKING:
    import numpy as np

    from kgkt.rundir.current import CurrentGraph
    from kgkt.transfer.words.vocabulary import Vocabulary

UNKNOWN = ("[UNK]", "<unk>", "[unk]", "<UNK>")  # how a vocabulary's file calls the row of unknown words
LEFT = ("known to B", "not in the graph", "of a concept that is off", "not one word to B", "spelled as another")
ITEMS_ARE_WORDS = "items have to be words, each item's id being the word, as populate makes them of word vectors"
NAMED = 10  # words that are named of those left out for one reason
PUNCTUATION = re.compile(r"[!\"#$%&()*+,\-./:;<=>?@\[\\\]^_`{|}~']")  # what TextVectorization strips


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """Words that B may get.

    Args:
        words: (m,) as B would read them, each once.
        items: (m,) which of the graph's items each is.
        left: why -> how many of those asked for are not among them.
        named: why -> the first of them, where they were asked for by name.
        hint: which options would have A know more of them; "" where none would.
        notices: what is odd about the list of words.
    """

    words: list[str]
    items: np.ndarray
    left: dict[str, int]
    named: dict[str, list[str]]
    hint: str = ""
    notices: tuple[str, ...] = ()


def of_words_alone(run: RunDir) -> bool:
    """Whether a graph was made of words, each its own id and text: of a file of word vectors, or of a list."""
    told = settings_of(run, "populate")
    return told.get("kind") == "words" or (told.get("kind") == "text" and told.get("text_column") is None)


def need_words(recipe: Recipe, run: RunDir) -> None:
    """Refuse a graph of texts, whose vectors are of these, though some of its ids may happen to be words.

    Args:
        recipe, run: of the graph.

    Raises:
        InputError: most of its texts are not their ids, or they are not there to be held against these.
    """
    from kgkt.rundir.task import pool_data

    told = settings_of(run, "populate")
    if told.get("kind") != "text" or of_words_alone(run):
        return
    pool = pool_data(recipe, run)
    texts = None if pool is None else pool.text
    e_g = f"{told['data']} is not there to see whether they are words"
    if pool is not None and texts:
        pairs = list(zip(pool.ids.tolist(), texts, strict=True))
        other = [(item, text) for item, text in pairs if text.strip().casefold() != item.strip().casefold()]
        if 2 * len(other) < len(pairs):
            return
        e_g = f"{other[0][0]!r} is {shorten(other[0][1], 40)!r}"
    raise InputError(f"the items of graph {run.graph} are texts ({e_g}), and what A knows is of these: the graph's "
                     f"{ITEMS_ARE_WORDS}")


def listed_words(file: str | None) -> tuple[str, list[str | None]] | None:
    """What a list of B's words is called, and its words in the order of B's rows; None where none is given.

    Raises:
        InputError: a file that cannot be read.
    """
    from kgkt.source.words.vocabulary import read_vocabulary

    return None if file is None else (Path(file).name, read_vocabulary(file))


def candidates(
    file: str | None, most: int | None, vocabulary: Vocabulary, current: CurrentGraph, lookup: Any, lower: bool,
    strip_accents: bool,
) -> Candidates:  # fmt: skip
    """The words that are asked for, without those that B knows, A does not, or B would never read as one word.

    Args:
        file: of words, one a line, as `read_word_list` takes them; None: the graph's items are the words.
        most: of the graph's words, the first so many.
        vocabulary: B's words.
        current: the graph; words of concepts that are off are left out.
        lookup: the layer that numbers B's words; None: that is done outside of B.
        lower, strip_accents: capitals, or accents, do not count where a word of the file is looked up in A.

    Raises:
        InputError: a file that cannot be read.
    """
    import numpy as np

    from kgkt.concepts.cluster import nearest_concept
    from kgkt.source.words.word_list import read_word_list
    from kgkt.transfer.words.longer import reads_as_one
    from kgkt.transfer.words.vocabulary import better_match, match

    ids = current.ids.tolist()
    asked, notices = (ids[:most], []) if file is None else read_word_list(Path(file), "list of words")
    places = np.arange(len(asked)) if file is None else match(asked, ids, lower, strip_accents)
    known, active = {word for word in vocabulary.words if word is not None}, current.graph.active
    off = ~active[nearest_concept(current.Z)]
    left: dict[str, list[str]] = {why: [] for why in LEFT}
    found: dict[str, int] = {}
    for word, place in zip(asked, places.tolist(), strict=True):
        spelled = as_read(lookup, word)
        if spelled in known:
            left["known to B"].append(word)
        elif place < 0:
            left["not in the graph"].append(word)
        elif off[place]:
            left["of a concept that is off"].append(word)
        elif not spelled or spelled in UNKNOWN or len(spelled.split()) != 1 or not spelled.isprintable():
            left["not one word to B"].append(word)
        else:
            left["spelled as another"] += [word] * (spelled in found)
            found.setdefault(spelled, place)
    words = list(found)
    if lookup is not None and words:
        one = reads_as_one(lookup, words)
        left["not one word to B"] += [word for word, whole in zip(words, one.tolist(), strict=True) if not whole]
        words = [word for word, whole in zip(words, one.tolist(), strict=True) if whole]
    named = {} if file is None else {why: those[:NAMED] for why, those in left.items() if those}
    better, more = better_match(left["not in the graph"], ids, lower, strip_accents) if file is not None else ("", 0)
    hint = f"of the words not in the graph it has {more:,} with {better}"
    counts = {why: len(those) for why, those in left.items() if those}
    return Candidates(words, np.array([found[word] for word in words], np.int64), counts, named,
                      hint if better else "", tuple(notices))


def as_read(lookup: Any, word: str) -> str:
    """A word as B's own layer spells it, where it does that in one of Keras's ways."""
    how = getattr(lookup, "_standardize", None) if lookup is not None else None
    if how in ("lower", "lower_and_strip_punctuation"):
        word = word.lower()
    if how in ("strip_punctuation", "lower_and_strip_punctuation"):
        word = PUNCTUATION.sub("", word)
    return word


def unknown_row(layer: Any, lookup: Any, file: str | None) -> np.ndarray | None:
    """(w,) the row that B reads for a word it does not know; None where it has none.

    Args:
        layer: B's Embedding.
        lookup: the layer that numbers its words; None: a file does.
        file: the vocabulary, where one is given.
    """
    import numpy as np

    from kgkt.source.words.vocabulary import read_vocabulary

    if lookup is None:
        words = read_vocabulary(str(file))
        place = next((words.index(name) for name in UNKNOWN if name in words), None)
    else:
        every, plain = (len(lookup.get_vocabulary(include_special_tokens=told)) for told in (True, False))
        hashed = int(getattr(lookup, "num_oov_indices", 1))  # a TextVectorization has one
        place = every - plain - hashed if hashed else None
    return None if place is None else np.asarray(layer.embeddings.numpy()[place], np.float32)
