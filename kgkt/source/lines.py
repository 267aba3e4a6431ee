"""Text files in a stream: what they are by their content, unpacked, decoded; a fault is named with its line."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import re
import zlib
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from kgkt.errors import InputError
from kgkt.source.safety import HDF5, read_head, refuse_disguise

MOST = 64 << 20  # bytes of one line, or characters of one field
PIECE = 1 << 20  # bytes read at a time where lines do not matter
BOMB, RATIO = 1 << 30, 200  # what a .gz unpacks to, and how many times its own size; text shrinks to a tenth at most
BOM = codecs.BOM_UTF8
GZIP = b"\x1f\x8b"
CONTROLS = frozenset(range(1, 32)) - frozenset(b"\t\n\v\f\r\x1b")  # that no text has; NUL may be of UTF-16
EXCEL = re.compile(r"sep=([,;|\t])\s*", re.IGNORECASE)
Where = Callable[[int], str]  # a line's number -> where that is, for an error

KINDS: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG\r\n\x1a\n", "a PNG picture"), (b"\xff\xd8\xff", "a JPEG picture"), (b"GIF8", "a GIF picture"),
    (b"II*\0", "a TIFF picture"), (b"MM\0*", "a TIFF picture"), (b"%PDF-", "a PDF document"),
    (b"PK\x03\x04", "a zip archive (.xlsx, .docx, .npz and .keras are such, too)"), (HDF5, "an HDF5 file"),
    (b"PAR1", "a Parquet file"), (b"ARROW1", "an Arrow file"), (b"\x93NUMPY", "a NumPy array"),
    (b"SQLite format 3\0", "an SQLite database"), (b"BZh91AY&SY", "a bzip2 file"), (b"\xfd7zXZ\0", "an xz file"),
    (b"(\xb5/\xfd", "a zstd file"), (b"7z\xbc\xaf\x27\x1c", "a 7z archive"), (b"\x7fELF", "a program"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Excel or Word file"), (b"OggS", "a sound or film"),
    (b"ID3", "an MP3 sound"), (GZIP, "a gzip file"),
)  # fmt: skip


def kind_of(head: bytes) -> str:
    """What a file is by its first bytes, in words; "" for what may be text."""
    if head.startswith(b"RIFF") and head[8:12] in (b"WEBP", b"WAVE", b"AVI "):
        return {b"WEBP": "a WebP picture", b"WAVE": "a WAV sound", b"AVI ": "a film"}[head[8:12]]
    return next((kind for magic, kind in KINDS if head.startswith(magic)), "")


class Lines:
    """The lines of a text file, UTF-8, plain or packed with gzip, by its content.

    Args:
        path: the file.
        wanted: what it should be, for errors: "a table of texts".
        at: where a line is, for errors.

    Raises:
        InputError: another kind of file, not UTF-8, a NUL, a line of more than 64 MB, a damaged archive; with the line.
    """

    def __init__(self, path: Path, wanted: str, at: Where) -> None:
        self.path, self.wanted, self.at = path, wanted, at
        head = read_head(path)
        self.packed = head.startswith(GZIP)
        if self.packed:
            with self._opened() as file:
                head = file.read(512)
        if not head.startswith((b"c", b"(")):  # so may a column begin; a pickle that does is text, and read as such
            refuse_disguise(path, head)
        if kind := kind_of(head):
            inside = "holds" if self.packed else "is"
            raise InputError(f"{path} {inside} {kind}, not {wanted}")
        if any(byte in CONTROLS for byte in head):
            raise InputError(f"{path} is a binary file (it begins with {head[:8]!r}), not {wanted}")
        if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            raise InputError(f"{path} is UTF-16, as some programs call Unicode text; kgkt reads UTF-8: "
                             f"{self._convert('UTF-16')}")

    def __iter__(self) -> Generator[str, None, None]:
        number = 0
        with closing(self._pieces(MOST + 1)) as pieces:
            for number, raw in enumerate(pieces, 1):
                if len(raw) > MOST:
                    raise InputError(f"{self.at(number)} has more than {MOST >> 20} MB: this is not {self.wanted}")
                self._refuse_nul(raw, number)
                try:
                    yield raw.decode()
                except UnicodeDecodeError as error:
                    raise InputError(self._strange(raw, error.start, number)) from error

    def blocks(self) -> Generator[str, None, None]:
        """The same content in parts of up to 1 MB, where lines do not matter."""
        decoder = codecs.getincrementaldecoder("utf-8")()
        number = 1
        with closing(self._pieces(PIECE)) as pieces:
            for raw in pieces:
                self._refuse_nul(raw, number)
                try:
                    yield decoder.decode(raw)
                except UnicodeDecodeError as error:
                    raise InputError(self._strange(error.object, error.start, number)) from error
                number += raw.count(b"\n")
        if decoder.getstate()[0]:
            raise InputError(f"{self.at(number)} is cut off in the middle of a letter")

    @contextmanager
    def _opened(self) -> Iterator[io.BufferedIOBase]:
        try:
            with self.path.open("rb") as raw:
                if not self.packed:
                    yield raw
                    return
                with gzip.GzipFile(fileobj=raw) as file:
                    yield file
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise InputError(f"{self.path} is a damaged gzip file ({error})") from error

    def _pieces(self, size: int) -> Generator[bytes, None, None]:
        """Lines, or parts of those that are longer than `size`; without a byte order mark."""
        own, total, first = self.path.stat().st_size, 0, True
        with self._opened() as file:
            while raw := file.readline(size):
                total += len(raw)
                if self.packed and total > BOMB and total > RATIO * own:
                    raise InputError(f"{self.path} unpacks to over {RATIO} times its size: refused as a gzip bomb")
                yield raw.removeprefix(BOM) if first else raw
                first = False

    def _refuse_nul(self, raw: bytes, number: int) -> None:
        if b"\0" in raw:
            number += raw[: raw.index(b"\0")].count(b"\n")
            raise InputError(f"{self.at(number)} holds a NUL byte: this is not {self.wanted}, it is UTF-16, or it is "
                             f"damaged (tr -d '\\000' < {self.path} takes NULs out)")

    def _strange(self, raw: bytes, start: int, number: int) -> str:
        """What to say of bytes that are no UTF-8, and how to convert them where they are likely Latin-1."""
        line = raw[raw.rfind(b"\n", 0, start) + 1 :].split(b"\n", 1)[0]
        start -= raw.rfind(b"\n", 0, start) + 1
        around = line[max(0, start - 20) : start + 20]
        said = f"{self.at(number)} is not UTF-8: byte 0x{line[start]:02x} in {around!r}"
        try:
            meant = around.decode("cp1252")
        except UnicodeDecodeError:
            return f"{said}; save the file as UTF-8"
        return (f"{said}. If it should read {meant.strip()!r}, the file is Latin-1 (Windows-1252): "
                f"{self._convert('WINDOWS-1252')}")

    def _convert(self, encoding: str) -> str:
        name = self.path.name.removesuffix(".gz")
        if self.packed:
            return f"zcat {self.path} | iconv -f {encoding} -t UTF-8 > utf8-{name}"
        return f"iconv -f {encoding} -t UTF-8 {self.path} > utf8-{name}"


def csv_rows(lines: Lines) -> Generator[tuple[int, list[str]], None, None]:
    """(the line it begins in, fields) of every row of a CSV that is not empty; the first is that of the names.

    Comma, semicolon or tab, whichever the first line has most of outside of quotes; or as a line sep=; before it says.

    Raises:
        InputError: a quote that is never closed, or not doubled within a text; with the line where it opens.
    """
    before = csv.field_size_limit(MOST)
    with closing(iter(lines)) as feed:
        head = next(feed, "")
        told = EXCEL.fullmatch(head)
        bare = re.sub(r'"[^"]*"', "", head)
        sign, passed = (told[1], 1) if told else (max(",;\t", key=bare.count), 0)
        start = 1 + passed
        reader = csv.reader(feed if told else _again(head, feed), delimiter=sign, strict=True)
        try:
            while (row := next(reader, None)) is not None:
                if any(row):
                    yield start, row
                start = reader.line_num + 1 + passed
        except csv.Error as error:
            why = _why_broken(str(error), start, reader.line_num + passed)
            raise InputError(f"{lines.at(start)}{why}") from error
        finally:
            csv.field_size_limit(before)


def _again(head: str, rest: Iterator[str]) -> Iterator[str]:
    yield head
    yield from rest


def _why_broken(error: str, start: int, end: int) -> str:
    spans = f" (the row goes on to line {end:,})" if end > start else ""
    if "unexpected end" in error or "field limit" in error:
        return f": a quote that is opened here is never closed{spans}: close it, or write it twice if it is meant so"
    if "expected after" in error:
        return f": text follows after a closing quote{spans}: a quote within a quoted text is written twice"
    if "new-line character" in error:
        return ": lines end with a carriage return alone, as of an old Mac: tr '\\r' '\\n' < OLD > NEW"
    return f": {error}"
