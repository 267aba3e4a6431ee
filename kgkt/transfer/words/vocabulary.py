"""Which words the rows of an Embedding are of: from the layer that numbers the words, or from a file."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from kgkt.errors import InputError, bare, count
from kgkt.lookup import SPECIAL, lookup_of
from kgkt.transfer.words.embeddings import held_layers, need_embedding

if TYPE_CHECKING:
    import numpy as np

Listed = tuple[str, Sequence[str | None]]
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

    def named(self) -> dict[int, str]:
        """The word of each row that has one."""
        return {row: word for row, word in enumerate(self.words.tolist()) if word is not None}


def vocabulary_of(
    model: Any, layer_path: str | None = None, listed: Listed | None = None, *, special: Sequence[str] = (),
    name: str = "B",
) -> Vocabulary:  # fmt: skip
    """Read which word each row of an Embedding is of.

    Args:
        model: B, opened.
        layer_path: of the Embedding; None: the only one.
        listed: the words in the order of the rows, where they are given: what the list is called, and its words. None:
            those of the TextVectorization or StringLookup before the Embedding, else of the only one that B holds.
        special: words whose rows are no words' besides [UNK], <s> and their like.
        name: how B is called in a message.

    Raises:
        InputError: no vocabulary, one of hashes or numbers, several, more words than rows, or a file that is none.
        UsageError: several Embedding layers, and none named.
    """
    import numpy as np

    path, layer = need_embedding(model, layer_path, name)
    if listed is not None:
        (source, words), own = listed, []
    else:
        lookup = lookup_before(model, path, layer, name)
        source, words = f"{lookup.name} ({type(lookup).__name__})", [str(word) for word in lookup.get_vocabulary()]
        own = [token for token in (getattr(lookup, "oov_token", None), getattr(lookup, "mask_token", None)) if token]
    rows = int(layer.input_dim)
    refuse_more(source, words, path, name, rows)
    apart = {*own, *special}
    named = np.array([None if word is None or word in apart or SPECIAL.fullmatch(word) else word for word in words],
                     object)  # fmt: skip
    notices = []
    if layer.mask_zero and len(named) and named[0] is not None:
        notices.append(f"row 0 of {path} is its mask (mask_zero), though {source} calls it {named[0]!r}: left alone")
        named[0] = None
    called = {row: word for row, word in enumerate(words) if word and word.strip() and named[row] is None}
    if more := rows - len(words):
        first = "" if listed is None else _left_out(named)
        notices.append(f"{source} names {len(words):,} of the {rows:,} rows of {path}: the other {more:,} "
                       f"{'is' if more == 1 else 'are'} left alone{first}")
    if missing := [token for token in special if token not in set(words)]:
        notices.append(f"{source} has no word {', '.join(missing)}, which --special names")
    return Vocabulary(named, source, path, rows, tuple(notices), called)


def refuse_more(source: str, words: Sequence[str | None], path: str, name: str, rows: int) -> None:
    """Refuse a vocabulary that has more rows than an Embedding.

    Args:
        source: what the vocabulary is called.
        words: of its rows.
        path, name: of the Embedding, and of B.
        rows: of the Embedding.

    Raises:
        InputError: as said.
    """
    if len(words) > rows:
        there = sum(bool(word) for word in words)
        last = "" if there == len(words) else f", the last one row {len(words) - 1:,}"
        raise InputError(f"{source} has {count(there, 'word')} with a row{last}, {path} of {name} has "
                         f"{count(rows, 'row')}{last and f', 0 to {rows - 1:,}'}: is it the vocabulary of another "
                         "layer?")  # fmt: skip


def _left_out(named: np.ndarray) -> str:
    """What to look at where a list begins with a word, and names fewer words than there are rows."""
    if not len(named) or named[0] is None:
        return ""
    return (f". Its first line is {named[0]!r}: where B's first rows are no words' (a mask, unknown words), each of "
            "these needs a line there, or every word is taken for that of another row")  # fmt: skip


def lookup_before(model: Any, path: str, layer: Any, name: str) -> Any:
    """The layer that numbers the words for an Embedding of B.

    Raises:
        InputError: as `kgkt.lookup.lookup_of`.
    """
    return lookup_of(model, [one for _, one in held_layers(model)], path, layer, name, GIVE)


def form(word: str, lower: bool, strip_accents: bool) -> str:
    """A word without capitals, or without accents.

    >>> form("Élan", True, True), form("Élan", False, True), form("Élan", True, False)
    ('elan', 'Elan', 'élan')
    """
    word = bare(word, fold=False) if strip_accents else word
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
