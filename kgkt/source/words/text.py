"""Word vectors as text: a word and its numbers a line, as GloVe, word2vec and fastText write them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Generator, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kgkt.errors import InputError
from kgkt.source.words.faults import Faults
from kgkt.source.words.packed import BLOCK, line_blocks

if TYPE_CHECKING:
    import numpy as np

SAMPLE = 200  # lines by which the width is told
FIRST = 1 << 18  # bytes of the block that they are taken from
HEADER = re.compile(rb"\s*(\d+)[ \t]+(\d+)[ \t]*\r?\n?")
RUNS, LEADING = re.compile(rb" {2,}"), re.compile(rb"^ +", re.MULTILINE)
NUMBER = re.compile(r"[-+]?(\d+\.\d*|\.\d+|\d+(?=[eE]))([eE][-+]?\d+)?")  # which no word is taken for
# numbers of the rows, words (b,), vectors (b, d) float32
Rows = Generator[tuple[Sequence[int], list[str], "np.ndarray"], None, None]


class TextVectors:
    """A text file of word vectors, with a first line "words width" or without.

    Args:
        path: the file, packed or not.
        encoding: of its text.

    Attributes:
        kind, width: "text", numbers a word.
        count: words by its first line; None without.
        faults: lines that were skipped.
        notices: what else was odd.

    Raises:
        InputError: empty, no numbers, a first line that the others belie, not of the encoding.
    """

    kind = "text"
    files: tuple[Path, ...]
    count: int | None

    def __init__(self, path: Path, encoding: str = "utf-8") -> None:
        self.path, self.files, self.encoding = path, (path,), encoding
        self.faults, self.notices = Faults(str(path), "line"), list[str]()
        self.faults.hint = "; a word, then its numbers, divided by single spaces, are expected in each line"
        with closing(line_blocks(path, encoding, FIRST)) as blocks:
            sample = next(blocks, b"").split(b"\n")[: SAMPLE + 1]
        self._first = sample[:SAMPLE]
        header = HEADER.fullmatch(sample[0]) if sample else None
        self.blank, self.count = 0, int(header[1]) if header else None
        lines = [line for line in sample[1:] if line.strip()] if header else [line for line in sample if line.strip()]
        self.tabs = any(b"\t" in line for line in lines)
        self.runs = any(b"  " in line.strip() for line in lines)
        self.leading = all(line.startswith(b" ") for line in lines)
        self.trailing = any(line.rstrip(b"\r").endswith((b" ", b"\t")) for line in lines)
        self.width = self._width(lines, int(header[2]) if header else None)

    def refuse_first(self, most: int | None = None) -> None:
        """Refuse what `rows` would, by the first lines alone.

        Args:
            most: lines that are looked at, where fewer are read.

        Raises:
            InputError: one is not UTF-8; with its number.
        """
        for number, line in enumerate(self._first[:most], 1):
            self._decoded(number, line)

    def count_lines(self) -> int:
        """How many lines there are, all of them read.

        Raises:
            InputError: one is not UTF-8; with its number.
        """
        done = 0
        for block in line_blocks(self.path, self.encoding):
            try:
                block.decode()
            except UnicodeDecodeError as error:
                before = block.count(b"\n", 0, error.start)
                self._decoded(done + before + 1, block.split(b"\n", before + 1)[before])
            done += block.count(b"\n") + (not block.endswith(b"\n"))
        return done

    def rows(self, wanted: Collection[str] | None = None) -> Rows:
        """Words with their vectors, some MB at a time.

        Args:
            wanted: lines of other words are passed over unread, where their first letters tell.
        """
        import numpy as np

        begins = None if wanted is None else {word.encode("utf-8", "replace").split(b" ")[0] for word in wanted}
        done = 0
        for block in line_blocks(self.path, self.encoding, BLOCK):
            if not done and self.count is not None:
                done, block = 1, block.partition(b"\n")[2]
            if b"\0" in block:
                number = done + block.count(b"\n", 0, block.index(0)) + 1
                raise InputError(f"{self.path}, line {number:,} holds a NUL byte: this is no text of word vectors, or "
                                 "it is damaged")
            start, done = done + 1, done + block.count(b"\n") + (not block.endswith(b"\n") and block != b"")
            numbers: Sequence[int] = range(start, done + 1)
            self.faults.seen = done - (self.count is not None)
            block = self._plain(block)
            if begins is not None:
                numbers, block = _only(numbers, block, begins)
            if not block:
                continue
            fast = self._parse(block)
            if fast is not None and len(fast[0]) == len(numbers):
                yield numbers, *fast
                continue
            found = [(number, *one) for number, line in zip(numbers, block.split(b"\n"), strict=False)
                     if (one := self._line(number, line)) is not None]  # fmt: skip
            if found:
                yield ([number for number, _, _ in found], [word for _, word, _ in found],
                       np.array([vector for _, _, vector in found], np.float32))  # fmt: skip
        if begins is None:
            self._check_count(done)

    def _plain(self, block: bytes) -> bytes:
        """Lines divided by single spaces, without one at their end."""
        if self.tabs:
            block = block.replace(b"\t", b" ")
        if self.trailing:
            block = block.replace(b" \n", b"\n").replace(b" \r\n", b"\n")
            block = block.removesuffix(b" ")
        if self.leading:
            block = LEADING.sub(b"", block)
        return RUNS.sub(b" ", block) if self.runs else block

    def _parse(self, block: bytes) -> tuple[list[str], np.ndarray] | None:
        """All lines at once; None where one of them is not a word and so many numbers."""
        import numpy as np
        import pyarrow as pa
        from pyarrow import csv

        names = ["word", *map(str, range(self.width))]
        types: dict[str, Any] = dict.fromkeys(names, pa.float32()) | {"word": pa.string()}
        try:
            table = csv.read_csv(
                pa.BufferReader(block), csv.ReadOptions(column_names=names, block_size=len(block) + 1),
                csv.ParseOptions(delimiter=" ", quote_char=False, double_quote=False),
                csv.ConvertOptions(column_types=types, null_values=[], strings_can_be_null=False),
            )  # fmt: skip
        except pa.ArrowInvalid:
            return None
        vectors = np.empty((len(table), self.width), np.float32)
        for place in range(self.width):
            vectors[:, place] = table.column(place + 1).to_numpy()
        return table.column(0).to_pylist(), vectors

    def _line(self, number: int, line: bytes) -> tuple[str, list[float]] | None:
        """One line by itself: a word, which may hold spaces, and its numbers; None for one that is skipped."""
        text = self._decoded(number, line).rstrip("\r\n").rstrip(" ")
        if not text:
            self.blank += 1
            return None
        fields = text.split(" ")
        head, values = fields[: -self.width], fields[-self.width :]
        if not head or (len(head) > 1 and NUMBER.fullmatch(head[-1])):
            self.faults.skip(number, f"has {len(fields) - 1:,} numbers, {self.width:,} expected")
            return None
        try:
            return " ".join(head).strip(" "), [float(value) for value in values]
        except ValueError as error:
            self.faults.skip(number, f"holds {str(error).partition(': ')[2][:40]}, no number")
            return None

    def _decoded(self, number: int, line: bytes) -> str:
        try:
            return line.decode()
        except UnicodeDecodeError as error:
            raise InputError(self._strange(number, line, error.start)) from error

    def _width(self, lines: list[bytes], told: int | None) -> int:
        """How many numbers a word has, by the first lines."""
        if not lines:
            raise InputError(f"{self.path} holds no word" + (" but its first line" if told is not None else ""))
        if lines[0].count(b"\r") > 1:
            raise InputError(f"{self.path}: its lines end with a carriage return alone, as of an old Mac: "
                             "tr '\\r' '\\n' < OLD > NEW")
        fields = [self._plain(line).rstrip(b"\r\n ").split(b" ") for line in lines]
        if told and 2 * sum(_ends_with(line, told) for line in fields) >= len(fields):
            return told
        width = Counter(map(_numbers_at_end, fields)).most_common(1)[0][0]
        if told is not None and told != width:
            raise InputError(f"{self.path}: its first line says {told:,} numbers a word, the lines below have "
                             f"{width:,}: it is no such file, or it is damaged; delete that line to read it as it is")
        if width < 1:
            raise InputError(f"{self.path} has no numbers behind its words, it begins with "
                             f"{lines[0][:60].decode('utf-8', 'replace')!r}{_commas(lines[0])}")
        return width

    def _check_count(self, done: int) -> None:
        there = done - 1 - self.blank
        if self.count is not None and there != self.count:
            self.notices.append(f"{self.path}: its first line says {self.count:,} words, {there:,} lines follow"
                                + (": is it cut off?" if there < self.count else ""))

    def _strange(self, number: int, line: bytes, start: int) -> str:
        """What to say of bytes that are no UTF-8."""
        around = line[max(0, start - 20) : start + 20]
        said = f"{self.path}, line {number:,} is not UTF-8: byte 0x{line[start]:02x} in {around!r}"
        try:
            meant = around.decode("cp1252").strip()
        except UnicodeDecodeError:
            return f"{said}; save the file as UTF-8"
        return f"{said}. If it should read {meant!r}, the file is Latin-1: iconv -f WINDOWS-1252 -t UTF-8 OLD > NEW"


def _commas(line: bytes) -> str:
    several = max(line.count(b","), line.count(b";")) > 1
    return "; divide words and numbers by spaces, not by commas" if several else ""


def _numbers_at_end(fields: list[bytes]) -> int:
    """How many of a line's fields, from its end, are numbers; the first one is a word whatever it is."""
    for place in range(len(fields) - 1, 0, -1):
        try:
            float(fields[place])
        except ValueError:
            return len(fields) - 1 - place
    return len(fields) - 1


def _ends_with(fields: list[bytes], width: int) -> bool:
    """Whether a line ends with so many numbers, before which a word stands."""
    before = fields[-width - 1].decode("utf-8", "replace") if len(fields) > width + 1 else ""
    return width <= _numbers_at_end(fields) and not NUMBER.fullmatch(before)


def _only(numbers: Sequence[int], block: bytes, begins: Collection[bytes]) -> tuple[list[int], bytes]:
    """The lines that begin with one of these, up to their first space."""
    kept = [(number, line) for number, line in zip(numbers, block.split(b"\n"), strict=False)
            if line.partition(b" ")[0] in begins]  # fmt: skip
    return [number for number, _ in kept], b"\n".join(line for _, line in kept)
