"""Which words of a file of word vectors are meant: a list, or what a model reads; and how many of them are there."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from kgkt.errors import InputError, some_words
from kgkt.recipe import NAMED
from kgkt.source.words.files import open_words
from kgkt.source.words.word_list import read_word_list

POOR = 0.5  # share of the words that are there, below which another casing is tried
BETTER = 0.1  # by how much it must gain to be proposed


@dataclass(frozen=True, slots=True)
class Wanted:
    """Words that are asked for.

    Args:
        path: where they are listed.
        words: as they are compared, each once, in the order of the list.
        notices: what was odd, a line each.
    """

    path: Path
    words: Sequence[str]
    notices: Sequence[str]

    def found(self, there: Collection[str], where: str, place: str, lower: bool) -> str:
        """How many of the words are there, in words, with what would find more.

        Args:
            there: those that are.
            where: name of the file of word vectors; `place`, what opens it.
            lower: whether words were lower-cased.
        """
        n = len(self.words)
        if len(there) == n:
            return f"all {n:,} words of {self.path} are in {where}"
        missing = some_words([word for word in self.words if word not in there])
        said = (f"{len(there):,} of {n:,} words of {self.path} ({percent(len(there), n)}) are in {where}; not "
                f"{missing}")
        if lower or len(there) >= POOR * n:
            return said
        lowered = self.lowered_in(open_words(place).batches())
        if lowered >= len(there) + BETTER * n:
            said += f"; {percent(lowered, n)} are if all are lower-cased: try --lower"
        return said

    def lowered_in(self, batches: Iterable[tuple[Iterable[str], object]]) -> int:
        """How many of the words would be there, if all were lower-cased."""
        small = {word.lower() for word in self.words}
        held = {low for words, _ in batches for word in words if (low := word.lower()) in small}
        return sum(word.lower() in held for word in self.words)


def percent(part: int, n: int) -> str:
    """A share in words: none where there is none, all where there are all.

    >>> percent(240, 8000), percent(0, 10), percent(1, 1000), percent(202, 203), percent(19_999, 20_000)
    ('3 %', '0 %', '0.1 %', '99.5 %', '99.9 %')
    """
    share = 100 * part / max(n, 1)
    if 0 < share < 1:
        return f"{max(share, 0.1):.1f} %"
    return f"{min(share, 99.9):.1f} %" if 99.5 <= share < 100 else f"{share:.0f} %"


def wanted_words(path: Path, lower: bool) -> Wanted:
    """The words that a file asks for.

    Args:
        path: a list, one word a line, or a `.keras` model, whose own words are meant: MODEL.keras:LAYER of several.
        lower: compare them lower-cased.

    Raises:
        InputError: as `read_word_list`, or a model that holds no words.
    """
    named = NAMED.fullmatch(str(path)) if not path.exists() else None
    if (Path(named[1]) if named else path).suffix.lower() == ".keras":
        words, notices = [str(word) for some, _ in open_words(path).batches() for word in some], list[str]()
    else:
        words, notices = read_word_list(path, "vocabulary")
    if lower:
        words = list(dict.fromkeys(word.lower() for word in words))
    if not words:
        raise InputError(f"vocabulary {path} holds no word")
    return Wanted(path, words, notices)
