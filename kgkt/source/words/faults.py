"""Lines of a word vector file that cannot be used: a few are skipped and counted, more are refused."""

from __future__ import annotations

from kgkt.errors import InputError, count
from kgkt.source.arrays import MAX_ID

FEW = 10  # so many may be skipped, and one more in every PART
PART = 1000
SHOWN = 3  # that a notice names


class Faults:
    """What was wrong in a file of word vectors.

    Args:
        where: the file, for messages.
        place: what its rows are counted in: "line", "row" or "word".

    Attributes:
        seen: rows that were looked at.
        hint: what to do, if many rows are wrong.
    """

    def __init__(self, where: str, place: str) -> None:
        self.where, self.place, self.hint = where, place, ""
        self.seen = self.skipped = self.repeated = 0
        self._first: list[str] = []
        self._repeated = ""

    def skip(self, number: int, why: str) -> None:
        """Count a row that cannot be used.

        Raises:
            InputError: these are more than a few.
        """
        self.skipped += 1
        if len(self._first) < SHOWN:
            self._first.append(f"{self.place} {number:,} {why}")
        if self.skipped > FEW + number // PART:
            self._refuse(number)

    def repeat(self, word: str) -> None:
        """Count a word that stood in an earlier row, which is the one that is kept."""
        self.repeated += 1
        self._repeated = self._repeated or word

    def end(self) -> list[str]:
        """What to say at the end of the file.

        Raises:
            InputError: half of the rows or more cannot be used.
        """
        if self.skipped and 2 * self.skipped >= self.seen:
            self._refuse(self.seen)
        said = []
        if self.skipped:
            more = ", …" if self.skipped > SHOWN else ""
            said.append(f"{self.where}: {count(self.skipped, self.place)} skipped: {', '.join(self._first)}{more}")
        if self.repeated:
            said.append(f"{self.where}: {count(self.repeated, self.place)} with a word that stood there before, first "
                        f"{self._repeated!r}: passed over")
        return said

    def _refuse(self, seen: int) -> None:
        raise InputError(f"{self.where}: {self.skipped:,} of the first {count(seen, self.place)} cannot be used: "
                         f"{', '.join(self._first)}{', …' if self.skipped > SHOWN else ''}{self.hint}")


def why_no_word(word: str) -> str:
    """Why a text cannot be the name of a word; "" if it can."""
    if not word:
        return "has an empty word"
    if "\0" in word:
        return "has a NUL in its word"
    if len(word) > MAX_ID:
        return f"has a word of {len(word):,} characters, {MAX_ID:,} at most"
    return ""
