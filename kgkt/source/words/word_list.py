"""Words of a text file, one a line: a pool of words, or the vocabulary that cuts a file of word vectors."""

from __future__ import annotations

from pathlib import Path

from kgkt.errors import InputError, count, some_words
from kgkt.source.texts import looks_like_text
from kgkt.source.words.vocabulary import WANTED, read_vocabulary

LONGEST_WORD = 100  # characters; a fixed-width array of ids takes n times the longest


def read_word_list(path: Path, what: str) -> tuple[list[str], list[str]]:
    """The words of a list, each once, in its order; and what was odd.

    Args:
        path: in a form of `read_vocabulary`, one word a line before all; a word may hold spaces inside, and empty lines
            are passed over.
        what: it is to the user, for the messages.

    Returns:
        The words, and notices, a line each.

    Raises:
        InputError: not there, another kind of file, no UTF-8, no word at all, a word of over 100 characters,
            sentences; with the line.
    """
    if not path.exists():
        raise InputError(f"{what} {path} is not there")
    seen: dict[str, int] = {}
    twice: list[str] = []
    for number, line in enumerate(read_vocabulary(path), 1):
        word = (line or "").strip()
        if len(word) > LONGEST_WORD:
            raise InputError(f"{what} {path}, line {number:,} has {len(word):,} characters, and a word has at most "
                             f"{LONGEST_WORD}: this is not {WANTED} (texts go into a table with item_id and text)")
        if word in seen:
            twice.append(word)
        elif word:
            seen[word] = number
    words = list(seen)
    if not words:
        raise InputError(f"{what} {path} holds no word: write one a line")
    if looks_like_text(words[:1000]):
        raise InputError(f"{what} {path} holds sentences, e.g. {words[0][:40]!r}, not {WANTED}: put texts into a table "
                         "with item_id and text")
    return words, [f"{what} {path}: {count(len(twice), 'line')} with a word that stood there before, e.g. "
                   f"{some_words(twice, 1)}: each word counts once"] if twice else []
