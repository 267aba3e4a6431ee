"""What is asked of word vectors without a graph."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from kgkt.api.graph import LOG, Place
from kgkt.api.settings import path_text

if TYPE_CHECKING:
    from kgkt.verbs.lexicon import Lexicon


def lexicon(
    source: Place, target: Place, seeds: Any, *, test: Any = None, out: Place | None = None, rounds: int = 5,
    most_frequent: int = 8000, words: int = 50_000, best: int = 5, lower: bool = False, encoding: str = "utf-8",
    force: bool = False, say: Callable[[str], None] | None = None,
) -> Lexicon:  # fmt: skip
    """Which words of two languages translate each other, from two files of word vectors and a few known pairs.

    Args:
        source, target: the files, the most frequent words first.
        seeds: pairs that are known: a file with a word, a tab and its translation on each line, or [(word,
            translation), …], {word: translation or list of them}, or a DataFrame of two columns.
        test: pairs to measure by, in the same forms; else words of the seeds are held out in turn.
        out: a TSV to write: source, target, confidence, rank.
        rounds: how often words choose each other, and so become pairs too.
        most_frequent: how many of the most frequent words of either language may.
        words: how many of the most frequent words of each file are read.
        best: translations of each word.
        lower: take the pairs in lower case.
        encoding: of the files of vectors.
        force: replace `out`.
        say: takes notices, a line each; else they are logged as warnings of the logger "kgkt".

    Returns:
        (source, target, confidence, rank) of each translation: iterate, `.of("dog")`, `.to_pandas()`; `.held_out`,
        `.bands` say how good they are.
    """
    from kgkt.verbs.lexicon import Wanted, lexicon_of_files

    wanted = Wanted(seeds, test, path_text(out), rounds, most_frequent, words, best, lower, encoding, force)
    return lexicon_of_files(str(source), str(target), wanted, say or LOG.warning)
