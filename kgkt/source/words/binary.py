"""Word vectors in the binary format of word2vec: a first line "words width", then each word and its float32."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from kgkt.errors import InputError
from kgkt.source.arrays import MAX_ID
from kgkt.source.words.faults import Faults
from kgkt.source.words.packed import BLOCK, unpacked
from kgkt.source.words.text import HEADER, Rows

LONGEST = 4 * MAX_ID + 2  # bytes of a word
WIDEST = 1 << 20  # numbers of a word


class BinaryVectors:
    """A binary file of word2vec; attributes as of `TextVectors`.

    Args:
        path: the file, packed or not.
        encoding: of its words.

    Raises:
        InputError: its first line does not say how many words and numbers.
    """

    kind = "word2vec binary"
    files: tuple[Path, ...]
    count: int | None

    def __init__(self, path: Path, encoding: str = "utf-8") -> None:
        self.path, self.files, self.encoding = path, (path,), encoding
        self.faults, self.notices = Faults(str(path), "word"), list[str]()
        self.faults.hint = "; is its first line right, which says how many words and how many numbers a word?"
        with unpacked(path) as file:
            header = HEADER.fullmatch(file.readline(100))
        if header is None or not 1 <= int(header[2]) <= WIDEST:
            told = "" if header is None else f": it says {int(header[2]):,} numbers a word"
            raise InputError(f"{path}: its first line does not say how many words and numbers a word it holds{told}")
        self.count, self.width = int(header[1]), int(header[2])

    def rows(self, wanted: Collection[str] | None = None) -> Rows:
        """Words with their vectors, some MB at a time; `wanted` changes nothing here."""
        import numpy as np

        size, most, done, buffer = 4 * self.width, self.count or 0, 0, b""
        with unpacked(self.path) as file:
            file.readline(100)
            while done < most:
                piece = file.read(max(BLOCK, 2 * size))
                buffer += piece
                words, starts, at = list[tuple[int, str]](), list[int](), 0
                while done < most:
                    space = buffer.find(b" ", at, at + LONGEST)
                    if space < 0 and len(buffer) - at >= LONGEST:
                        raise InputError(f"{self.path}: no word where word {done + 1:,} should be{self.faults.hint}")
                    if space < 0 or space + 1 + size > len(buffer):
                        break
                    done += 1
                    self.faults.seen = done
                    if (word := self._word(done, buffer[at:space].lstrip(b"\n"))) is not None:
                        words.append((done, word))
                        starts.append(space + 1)
                    at = space + 1 + size
                if words:
                    vectors = np.stack([np.frombuffer(buffer, "<f4", self.width, start) for start in starts])
                    yield [number for number, _ in words], [word for _, word in words], vectors.astype(np.float32)
                buffer = buffer[at:]
                if not piece and done < most:
                    raise InputError(f"{self.path} is cut off: it should hold {most:,} words of {self.width:,} "
                                     f"numbers, and ends in word {done + 1:,}")
            if (buffer + file.read(1)).strip():
                self.notices.append(f"{self.path}: its first line says {most:,} words, more follow: not read")

    def _word(self, number: int, raw: bytes) -> str | None:
        try:
            return raw.decode(self.encoding)
        except UnicodeDecodeError:
            self.faults.skip(number, f"is not {self.encoding.upper()}: {raw[:40]!r}")
            return None
