"""Word vectors as people have them: a word and its numbers, from files of many kinds, told by their content."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from kgkt.errors import InputError, count
from kgkt.source.arrays import some_ids
from kgkt.source.words.faults import why_no_word
from kgkt.source.words.kinds import Reader, reader_of
from kgkt.source.words.text import TextVectors

if TYPE_CHECKING:
    import numpy as np

BATCH = 8192


@dataclass(frozen=True, slots=True, eq=False)
class WordVectors:
    """Words with their vectors.

    Args:
        words: (n,) object array of str, in the order of the file, which is most frequent first as a rule.
        vectors: (n, d) float32.
        notices: what was odd, a line each.
    """

    words: np.ndarray
    vectors: np.ndarray
    notices: tuple[str, ...]


class WordFile:
    """A file of word vectors, read in batches.

    Args:
        reader: of its kind.

    Attributes:
        files: that are read; more than one where the words stand in a list of their own.
        kind: "text", "word2vec binary", …
        width: numbers a word.
        count: how many words it says it holds; None where it does not say.
        notices: what was odd, a line each; whole once the batches are read.
    """

    def __init__(self, reader: Reader) -> None:
        self._reader, self.files, self.path = reader, reader.files, reader.files[0]
        self.kind, self.width, self.count = reader.kind, reader.width, reader.count
        self.notices: list[str] = []

    def look(self, most: int | None, chosen: bool) -> int | None:
        """How many words there may be, found by reading a file that does not say it; refusing what is seen cheaply.

        Args:
            most: of the words so many are read; None: all.
            chosen: whether only those of a list are, so that what is wrong with others does not matter.

        Returns:
            None where the file says it, or `most` does.

        Raises:
            InputError: text that is not UTF-8, in the first lines, or anywhere where all of it is read to be counted.
        """
        reader = self._reader
        if not isinstance(reader, TextVectors):
            return None
        if not chosen:
            reader.refuse_first(most)
        return reader.count_lines() if self.count is None and most is None and not chosen else None

    def batches(
        self, size: int = BATCH, wanted: Collection[str] | None = None, limit: int | None = None
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Words (b,) as an object array, and their vectors (b, d) float32, in the order of the file; once.

        Args:
            size: the largest b.
            wanted: only these words.
            limit: only so many words, the first ones of the file, or of those wanted.

        Raises:
            InputError: too many rows that cannot be used, a damaged file, no word at all.
        """
        import numpy as np

        only = None if wanted is None else set(wanted)
        seen: set[str] = set()
        left = float("inf") if limit is None else limit
        with closing(self._reader.rows(only)) as rows:
            for numbers, words, vectors in rows:
                keep = self._usable(numbers, words, vectors, only, seen, left - len(seen))
                for start in range(0, len(keep), size):
                    part = keep[start : start + size]
                    yield np.array([words[place] for place in part], object), vectors[part]
                if len(seen) >= left:
                    break
        self.notices = [*self._reader.notices, *self._reader.faults.end()]
        if only is not None and limit is None and 0 < len(seen) < len(only):
            self.notices.append(f"{self.path}: {len(seen):,} of the {count(len(only), 'word')} asked for are there")
        if not seen:
            self._refuse_empty(only)

    def _refuse_empty(self, only: set[str] | None) -> NoReturn:
        if not only:
            raise InputError(f"{self.path} holds no word")
        raise InputError(f"{self.path} holds none of the {count(len(only), 'word')} asked for "
                         f"({some_ids(sorted(only))}): are they of its language, and in its casing?")

    def _usable(
        self, numbers: Collection[int], words: list[str], vectors: np.ndarray, only: set[str] | None, seen: set[str],
        room: float,
    ) -> list[int]:
        """Places of a batch that are taken: a word that is wanted, not seen before, with numbers that are finite."""
        import numpy as np

        finite = np.isfinite(vectors).all(axis=1).tolist()
        keep: list[int] = []
        for place, (number, word) in enumerate(zip(numbers, words, strict=True)):
            if len(keep) >= room:
                break
            if only is not None and word not in only:
                continue
            why = why_no_word(word) or ("" if finite[place] else "holds NaN or infinity")
            if why:
                self._reader.faults.skip(number, why)
            elif word in seen:
                self._reader.faults.repeat(word)
            else:
                seen.add(word)
                keep.append(place)
        return keep


def open_words(path: Path | str, encoding: str = "utf-8") -> WordFile:
    """A file of word vectors, ready to be read in batches.

    Args:
        path: text as GloVe, word2vec and fastText (.vec) write it, or the binary format of word2vec (.bin), each
            also packed with gzip, bzip2 or xz; .npz with arrays words and vectors; .npy or .safetensors with a list of
            words beside it (FILE.txt, vocab.txt or tokenizer.json) or named with a comma, FILE.npy,WORDS.txt;
            .parquet; an Embedding of a .keras model. FILE:NAME names one of several arrays or layers.
        encoding: of text.

    Raises:
        InputError: it cannot be used; the message says what it is, and what to do.
        UnsafeError: a pickle, or HDF5.
        UsageError: no such encoding.
    """
    return WordFile(reader_of(path, encoding))


def read_words(
    path: Path | str, *, wanted: Collection[str] | None = None, limit: int | None = None, encoding: str = "utf-8"
) -> WordVectors:
    """All words of a file, or those wanted, in memory.

    Args:
        path, encoding: as for `open_words`.
        wanted, limit: as for `WordFile.batches`.

    Raises:
        InputError, UnsafeError, UsageError: as `open_words` and `WordFile.batches`.
    """
    import numpy as np

    file = open_words(path, encoding)
    held = deque(file.batches(wanted=wanted, limit=limit))
    n, done = sum(len(words) for words, _ in held), 0
    words, vectors = np.empty(n, object), np.empty((n, file.width), np.float32)
    while held:
        some, numbers = held.popleft()  # freed one by one, so that memory holds them once
        words[done : done + len(some)], vectors[done : done + len(some)] = some, numbers
        done += len(some)
    return WordVectors(words, vectors, tuple(file.notices))


def peek_words(path: Path | str, encoding: str = "utf-8") -> tuple[int | None, int, str]:
    """How many words a file holds (None where that takes reading it), numbers a word, and its kind.

    Raises:
        InputError, UnsafeError: as `open_words`.
    """
    file = open_words(path, encoding)
    return file.count, file.width, file.kind
