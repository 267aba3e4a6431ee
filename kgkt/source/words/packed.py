"""Bytes of a file that may be packed with gzip, bzip2 or xz, told by its content."""

from __future__ import annotations

import bz2
import codecs
import gzip
import lzma
import zlib
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from kgkt.errors import InputError, UsageError
from kgkt.source.lines import BOMB, GZIP, MOST, RATIO
from kgkt.source.safety import read_head

PACKED = ((GZIP, "gzip"), (b"BZh", "bzip2"), (b"\xfd7zXZ\0", "xz"))
BLOCK = 8 << 20  # bytes of a block of lines


def packing_of(path: Path) -> str:
    """By which program a file is packed; "" for one that is not.

    Raises:
        InputError: there is no such file, or it is a folder.
    """
    head = read_head(path, 8)
    return next((name for magic, name in PACKED if head.startswith(magic)), "")


@contextmanager
def unpacked(path: Path) -> Iterator[IO[bytes]]:
    """The bytes of a file, unpacked as they are read.

    Raises:
        InputError: the archive is cut off or damaged.
    """
    packing = packing_of(path)
    openers: dict[str, Any] = {"": open, "gzip": gzip.open, "bzip2": bz2.open, "xz": lzma.open}
    try:
        with openers[packing](path, "rb") as file:
            yield file
    except (gzip.BadGzipFile, EOFError, zlib.error, lzma.LZMAError) as error:
        raise InputError(f"{path} is a {packing} file that is cut off or damaged ({error}): fetch it again") from error
    except OSError as error:
        why = f"is a {packing} file that is cut off or damaged" if packing else "cannot be read"
        raise InputError(f"{path} {why} ({error.strerror or error})") from error


def head_of(path: Path, size: int) -> bytes:
    """The first bytes of what a file holds, unpacked.

    Raises:
        InputError: as `unpacked`.
    """
    with unpacked(path) as file:
        return file.read(size)


def line_blocks(path: Path, encoding: str = "utf-8", size: int = BLOCK) -> Generator[bytes, None, None]:
    """Whole lines of a text file as UTF-8, some MB at a time; without a byte order mark.

    Args:
        path: the file.
        encoding: of its text; UTF-8 is handed on as it stands, unchecked.
        size: bytes of a block.

    Raises:
        UsageError: no such encoding.
        InputError: a line of more than 64 MB, an archive that is damaged or a bomb, text not of the encoding.
    """
    decoder = decoder_of(encoding)
    own, total, rest, first = path.stat().st_size, 0, b"", True
    with unpacked(path) as file:
        while piece := file.read(size):
            total += len(piece)
            if total > BOMB and total > RATIO * own:
                raise InputError(f"{path} unpacks to over {RATIO} times its size: refused as a bomb")
            block = rest + (recoded(path, decoder, piece) if decoder else piece)
            if first:
                block, first = block.removeprefix(codecs.BOM_UTF8), False
            end = block.rfind(b"\n") + 1
            if not end and len(block) > MOST:
                raise InputError(f"{path} has a line of more than {MOST >> 20} MB: this is not a file of word vectors")
            rest = block[end:]
            if end:
                yield block[:end]
    if rest:
        yield rest


def decoder_of(encoding: str) -> codecs.IncrementalDecoder | None:
    """What turns an encoding into text; None for UTF-8.

    Raises:
        UsageError: no such encoding.
    """
    try:
        found = codecs.lookup(encoding)
    except LookupError as error:
        raise UsageError(f"{encoding} is no encoding that Python knows: try latin-1, cp1252 or utf-16") from error
    if found.name in ("utf-8", "ascii"):
        return None
    if not isinstance(found.decode(b"")[0], str):
        raise UsageError(f"{encoding} is no encoding of text: try latin-1, cp1252 or utf-16")
    return found.incrementaldecoder()


def recoded(path: Path, decoder: codecs.IncrementalDecoder, piece: bytes) -> bytes:
    """A part of a text in another encoding, as UTF-8."""
    try:
        return decoder.decode(piece).encode()
    except UnicodeError as error:
        raise InputError(f"{path} is not in the encoding that was told ({error})") from error
