"""Every error that kgkt raises on purpose, and the exit code each one means.

KgktError                 1  unexpected
├── UsageError            2  the command line is wrong
├── InputError            3  a file, a value or a name that cannot be used
│   ├── QueryError        3  a Cypher text the engine refused, or stopped at a limit
│   └── NoGraphError      3  no such graph in the run directory
├── StoreError            4  the database cannot be reached, is busy, or refused
│   └── BusyError         4  another process is writing
├── UnsafeError           5  refused for safety: code in a model file, a write without --rw
└── BelowBarError         6  finished, but below what was asked (--require-gain, a diverged training)

A message is one line (or a few aligned ones) that says what, where and what to do.
Only ``kgkt.cli`` turns an error into an exit code.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence


class KgktError(Exception):
    """Base of all errors that kgkt raises on purpose."""

    exit_code = 1


class UsageError(KgktError):
    """The command line, or a call's arguments, make no sense together."""

    exit_code = 2


class InputError(KgktError):
    """A file, a value or a name given by the user cannot be used."""

    exit_code = 3


class QueryError(InputError):
    """A Cypher text that the engine refused, or that was stopped at a limit."""


class NoGraphError(InputError):
    """No such graph in the run directory.

    Args:
        message: what is missing.
        options: of the command line that name graphs which lie at hand; "" where there are none.
    """

    def __init__(self, message: str, options: str = "") -> None:
        super().__init__(message)
        self.options = options


class StoreError(KgktError):
    """The database is unreachable, busy, or refuses to serve."""

    exit_code = 4


class BusyError(StoreError):
    """Another process is writing the graph."""


class UnsafeError(KgktError):
    """Refused for safety; nothing was read, run or changed."""

    exit_code = 5


class BelowBarError(KgktError):
    """The work was done and its result lies below what was asked."""

    exit_code = 6


def count(n: int, word: str) -> str:
    """A number with its word, for the texts that people read.

    >>> count(1, "label"), count(2000, "label"), count(3, "class")
    ('1 label', '2,000 labels', '3 classes')
    """
    return f"{n:,} {word}" if n == 1 else f"{n:,} {word}{'es' if word.endswith('s') else 's'}"


def in_place_of(changed: int, labels: int) -> str:
    """How many of the labels took the place of another.

    >>> in_place_of(0, 4), in_place_of(4, 4), in_place_of(1, 1), in_place_of(1, 4)
    ('', ', each in place of another', ' in place of another', ', 1 of them in place of another')
    """
    if changed == labels:
        return f"{', each' if labels > 1 else ''} in place of another" if labels else ""
    return f", {changed:,} of them in place of another" if changed else ""


def some_words(words: Sequence[str], most: int = 5) -> str:
    """A few words for a message, in quotes where spaces in them would not be seen.

    >>> some_words(["a", "New York", "b ", "c"], 3)
    "a, New York, 'b ', …"
    """
    shown = [word if word and word == " ".join(word.split()) and word.isprintable() else repr(word)
             for word in map(str, words[:most])]  # fmt: skip
    return ", ".join(shown) + (", …" if len(words) > most else "")


def shorten(text: str, most: int) -> str:
    """The beginning of a text in one line, of at most so many characters.

    >>> shorten("a long  text", 8), shorten("short", 8)
    ('a long …', 'short')
    """
    line = " ".join(text[: 20 * most].split())
    return line if len(line) <= most and len(text) <= 20 * most else line[: most - 1] + "…"


def quoted(words: Iterable[str], most: int = 10) -> str:
    r"""The first of some words, each once and in quotes.

    >>> quoted(["cat", "l'", "cat", "dog"], 2)
    '\'cat\', "l\'", …'
    """
    known = list(dict.fromkeys(words))
    return ", ".join([*(repr(str(word)) for word in known[:most]), *["…"][: len(known) > most]])


def bare(text: str, fold: bool = True) -> str:
    """A text without accents and, with `fold`, capitals, by which two are compared.

    >>> bare("Été") == bare("ete"), bare("École", fold=False)
    (True, 'Ecole')
    """
    import unicodedata

    text = text.casefold() if fold else text
    if text.isascii():
        return text
    apart = unicodedata.normalize("NFD", text)
    return unicodedata.normalize("NFC", "".join(one for one in apart if not unicodedata.combining(one)))


def nearest(name: str, known: Iterable[str], how_many: int = 3) -> str:
    """A phrase that names the entries of `known` nearest to `name`, for the end of an error.

    >>> nearest("Concpt", ["Concept", "Class", "Item"])
    '; did you mean Concept?'
    >>> nearest("zzz", ["a", "b"])
    '; known: a, b'
    >>> nearest("ete", ["te", "été", "etre"])
    '; did you mean été or etre or te?'
    """
    import difflib

    known, wanted = list(known), bare(name)
    close = [one for one in known if bare(one) == wanted]
    close += [one for one in difflib.get_close_matches(name, known, n=how_many, cutoff=0.6) if one not in close]
    close = close[:how_many]
    if close:
        return f"; did you mean {' or '.join(close)}?"
    if not known:
        return "; there are none"
    shown = ", ".join(known[:12]) + (f", … ({len(known)} in all)" if len(known) > 12 else "")
    return f"; known: {shown}"
