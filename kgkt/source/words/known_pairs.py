"""Which pairs of words are known: held against the words of two languages."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from kgkt.errors import InputError, count, shorten
from kgkt.source.words.pairs import WordPairs

FEWEST = 10  # words of the source with a known translation
SHOWN = 3  # examples of what is not known
SAME = 0.9  # of the pairs with one word in common, from which on it is no word of theirs
SEVERAL = re.compile(r"\s*[;,/|]\s*")  # between translations in one cell


@dataclass(frozen=True, slots=True)
class KnownPairs:
    """The pairs whose two words have vectors.

    Args:
        right: row of a source word -> rows of its right translations, in the file's order.
        told: how many pairs the file has.
        unknown: pairs left out, as a word of them has no vector.
        notices: what was odd, the unknown ones in words among them.
    """

    right: dict[int, list[int]]
    told: int
    unknown: int
    notices: tuple[str, ...]

    @property
    def pairs(self) -> int:
        """How many pairs are known."""
        return sum(map(len, self.right.values()))


def know_pairs(
    told: WordPairs, source: Mapping[str, int], target: Mapping[str, int], names: Sequence[str], fewest: int = FEWEST,
    hint: str = "",
) -> KnownPairs:  # fmt: skip
    """The pairs whose two words have vectors.

    A word that is not there is looked up with its accents written the other way (é as one character, or as two). A cell
    that is no word but holds several (antique; autre) is as many pairs.

    Args:
        told: the file.
        source, target: word -> its row.
        names: what the two are called, for messages.
        fewest: source words that there must be.
        hint: why words may not be known, for messages.

    Raises:
        InputError: nearly all pairs share one word, the two languages stand the other way round, or too few words are
            known.
    """
    _refuse_one_word(told)
    pairs, several = _apart(told.pairs, source, target)
    right: dict[int, list[int]] = {}
    strange: list[list[str]] = [[], []]
    unknown = turned = 0
    respelled = set()
    for a, b in pairs:
        rows = _row(a, source), _row(b, target)
        if rows[0] is not None and rows[1] is not None:
            if rows[1] not in right.setdefault(rows[0], []):
                right[rows[0]].append(rows[1])
            respelled |= {word for word, held in ((a, source), (b, target)) if word not in held}
            continue
        unknown += 1
        turned += _row(a, target) is not None and _row(b, source) is not None
        for side, word, row in zip(strange, (a, b), rows, strict=True):
            side += [word] * (row is None)
    known = len(pairs) - unknown
    if turned > known:
        raise InputError(f"{told.path}: of {count(len(pairs), 'pair')} {turned:,} are known the other way round, "
                         f"and {known:,} as they stand ({names[0]}, then {names[1]}): swap its columns, or the two "
                         "languages")
    said = [f"{count(len(set(side)), 'word')} of its {which} column that {name} does not have ({_some(side)})"
            for side, which, name in zip(strange, ("first", "second"), names, strict=True) if side]
    casing = _casing(pairs, source, target)
    if len(right) < fewest:
        why = ", ".join(said) or f"{count(len(right), 'word')} in all"
        raise InputError(f"{told.path}: the translation of {count(len(right), 'word')} is known, {fewest} are needed; "
                         f"{why}{casing}{hint if said else ''}")
    notices = [*told.notices]
    if several:
        notices.append(f"{told.path}: {count(len(several), 'cell')} with several words, as {several[0]!r}: each word "
                       "is a pair of its own")
    if respelled:
        notices.append(f"{told.path}: {count(len(respelled), 'word')} found with accents written the other way (é as "
                       f"one character, or as e and an accent): {_some(sorted(respelled))}")
    if unknown:
        notices.append(f"{told.path}: {unknown:,} of {count(len(pairs), 'pair')} left out: {', '.join(said)}{casing}"
                       f"{hint}")
    same = sum(a == b for a, b in pairs)
    if same > len(pairs) / 2:
        notices.append(f"{told.path}: {same:,} of {count(len(pairs), 'pair')} are a word and itself: are {names[0]} "
                       f"and {names[1]} of one language?")
    return KnownPairs(right, len(pairs), unknown, tuple(notices))


def _refuse_one_word(told: WordPairs) -> None:
    """Refuse pairs that nearly all have one word in common: a sign between the words was taken for a word.

    Raises:
        InputError: they do; with the word, and the column.
    """
    for side, which in enumerate(("first", "second")):
        word, times = Counter(pair[side] for pair in told.pairs).most_common(1)[0] if told.pairs else ("", 0)
        if len(told.pairs) >= FEWEST and times >= SAME * len(told.pairs):
            raise InputError(f"{told.path}: {times:,} of {count(len(told.pairs), 'pair')} have {shorten(word, 30)!r} "
                             f"as their {which} word, which is no translation: write a word, a tab, and its "
                             "translation on each line")


def _row(word: str, rows: Mapping[str, int]) -> int | None:
    """Where a word stands, as it is spelled or with its accents written the other way; None where it does not."""
    if word in rows or word.isascii():
        return rows.get(word)
    return rows.get(unicodedata.normalize("NFC", word), rows.get(unicodedata.normalize("NFD", word)))


def _apart(
    told: Sequence[tuple[str, str]], source: Mapping[str, int], target: Mapping[str, int]
) -> tuple[list[tuple[str, str]], list[str]]:
    """The pairs with cells of several words taken apart, each pair once; and those cells."""
    several: list[str] = []

    def words(cell: str, rows: Mapping[str, int]) -> Iterator[str]:
        parts = [part for part in SEVERAL.split(cell) if part]
        if len(parts) < 2 or _row(cell, rows) is not None or all(_row(part, rows) is None for part in parts):
            yield cell
            return
        several.append(cell)
        yield from parts

    pairs = dict.fromkeys((a, b) for first, second in told for a in words(first, source) for b in words(second, target))
    return list(pairs), list(dict.fromkeys(several))


def _some(words: Sequence[str]) -> str:
    some = list(dict.fromkeys(words))
    return ", ".join(shorten(word, 30) for word in some[:SHOWN]) + (", …" if len(some) > SHOWN else "")


def _casing(pairs: Sequence[tuple[str, str]], source: Mapping[str, int], target: Mapping[str, int]) -> str:
    """What writing the pairs in lower case would change, where it is much."""

    def known(lower: bool) -> int:
        cased = [(a.lower(), b.lower()) if lower else (a, b) for a, b in pairs]
        return sum(_row(a, source) is not None and _row(b, target) is not None for a, b in cased)

    now, lower = known(False), known(True)
    return f". In lower case {lower:,} pairs are known: --lower" if lower > now + len(pairs) / 20 else ""
