"""Which kind of file of word vectors a path names: by its content first, by its name where that does not tell."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Collection
from pathlib import Path
from typing import Protocol

from kgkt.errors import InputError, UnsafeError
from kgkt.recipe import NAMED
from kgkt.source.arrays import some_ids
from kgkt.source.lines import CONTROLS, kind_of
from kgkt.source.safety import HDF5, PICKLE, ZIP_FAULTS, refuse_disguise
from kgkt.source.words.arrays import ParquetVectors, open_npy, open_npz, open_safetensors
from kgkt.source.words.binary import BinaryVectors
from kgkt.source.words.embedding import KerasVectors
from kgkt.source.words.faults import Faults
from kgkt.source.words.packed import decoder_of, head_of, packing_of
from kgkt.source.words.text import HEADER, Rows, TextVectors

HEAD = 1 << 16  # bytes by which a kind is told
FASTTEXT = b"\xba\x16\x4f\x2f"  # a model, not only its vectors
NUMERIC = re.compile(rb"[-+]?[\d.]+([eE][-+]?\d+)?")
KINDS = "text, the binary format of word2vec, .npy, .npz, .safetensors, .parquet and .keras"


class Reader(Protocol):
    """One kind of file.

    Attributes:
        kind: what it is, for people.
        width: numbers a word.
        count: how many words it says it holds; None where it does not say.
        files: all that is read.
        faults: rows that are skipped.
        notices: what else is odd.
    """

    kind: str
    width: int
    count: int | None
    files: tuple[Path, ...]
    faults: Faults
    notices: list[str]

    def rows(self, wanted: Collection[str] | None = None) -> Rows:
        """Numbers of rows, their words and vectors, some MB at a time; other words than `wanted` may be left out."""
        ...


def split_name(name: Path | str) -> tuple[Path, str, str]:
    """FILE:ARRAY,WORDS as the file, which array of it, and the list of its words; "" where it does not say.

    >>> split_name("a/m.safetensors:embedding.weight,a/words.txt")
    (PosixPath('a/m.safetensors'), 'embedding.weight', 'a/words.txt')
    """
    match = None if Path(name).exists() else NAMED.fullmatch(str(name))
    return (Path(match[1]), match[2].removeprefix(":"), match[3] or "") if match else (Path(name), "", "")


def reader_of(name: Path | str, encoding: str = "utf-8") -> Reader:
    """What reads a file.

    Raises:
        InputError: no file of word vectors, with what it is.
        UnsafeError: a pickle, or HDF5.
        UsageError: no such encoding.
    """
    path, inner, listed = split_name(name)
    if path.is_dir():
        files = some_ids(sorted(file.name for file in path.iterdir() if file.is_file()))
        raise InputError(f"{path} is a folder: name the file of word vectors" + (f" ({files})" if files else ""))
    decoder_of(encoding)
    head = head_of(path, HEAD)
    if not head:
        raise InputError(f"{path} is empty")
    if (reader := _array_reader(path, head, inner, listed)) is not None:
        return reader
    _refuse(path, head)
    header = HEADER.match(head)
    if header and _is_binary(head[header.end() :]):
        return BinaryVectors(path, encoding)
    if decoder_of(encoding) is None and _is_binary(head):
        if head.startswith((b"\xff\xfe", b"\xfe\xff")):
            raise InputError(f"{path} is UTF-16: iconv -f UTF-16 -t UTF-8 OLD > NEW")
        raise InputError(f"{path} is a binary file (it begins with {head[:8]!r}) of no kind that holds word vectors: "
                         f"{KINDS} are read")
    return TextVectors(path, encoding)


def _array_reader(path: Path, head: bytes, inner: str, listed: str) -> Reader | None:
    """What reads a file of arrays; None for another."""
    length = int.from_bytes(head[:8], "little")
    tensors = head[8:9] == b"{" and length < 1 << 27
    kind = ("npy" if head.startswith(b"\x93NUMPY") else "Parquet" if head.startswith(b"PAR1") else
            "safetensors" if tensors else "zip" if head.startswith(b"PK\x03\x04") else "")  # fmt: skip
    if kind and (packing := packing_of(path)):
        raise InputError(f"{path} is {kind} packed with {packing}: unpack it")
    if kind == "npy":
        _refuse_names(path, "a .npy", inner, "")
        return open_npy(path, listed)
    if kind == "Parquet":
        _refuse_names(path, "Parquet", "", listed)
        return ParquetVectors(path, inner)
    if kind == "safetensors":
        return open_safetensors(path, inner, listed)
    if kind == "zip":
        return _of_archive(path, inner, listed)
    return None


def _of_archive(path: Path, inner: str, listed: str) -> Reader:
    """What reads a zip archive of arrays, or a Keras model."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except ZIP_FAULTS as error:
        raise InputError(f"{path} is cut off or damaged ({error}): fetch it again") from error
    if names and all(name.endswith(".npy") for name in names):
        return open_npz(path, inner, listed)
    if "config.json" in names:
        return KerasVectors(path, inner, listed)
    raise InputError(f"{path} is a zip archive of {some_ids(sorted(names)) or 'nothing'}: unpack it, and name the file "
                     "of word vectors")


def _refuse(path: Path, head: bytes) -> None:
    """Refuse what holds no word vectors, or none that can be read."""
    if head.startswith(FASTTEXT):
        raise InputError(f"{path} is a fastText model, which makes vectors of pieces of words: take the .vec file that "
                         "is published beside it, or write one from model.get_words() and model.get_word_vector(word)")
    if head[:1] == b"\x80" and PICKLE.match(head):
        raise UnsafeError(f"{path} is a pickle, which runs code when it is opened: refused; where you trust it, save "
                          "it with gensim's vectors.save_word2vec_format(PATH)")
    if head.startswith(HDF5):
        raise UnsafeError(f"{path} is an HDF5 file: refused; save it as .npy or .safetensors")
    refuse_disguise(path, head if not head.startswith((b"c", b"(")) else b"-")  # so may a word begin
    if kind := kind_of(head):
        raise InputError(f"{path} is {kind}, not a file of word vectors ({KINDS} are read)")


def _refuse_names(path: Path, what: str, inner: str, listed: str) -> None:
    """Refuse the name of an array, or a list of words, that a kind of file has no use for."""
    if inner:
        raise InputError(f"{path} is {what}, which holds one set of vectors, and none called {inner}: leave :{inner} "
                         "out")
    if listed:
        raise InputError(f"{path} is {what}, which holds its words itself: leave ,{listed} out")


def _is_binary(part: bytes) -> bool:
    """Whether it has bytes that no text has, and begins with no line that ends with a number."""
    last = part.partition(b"\n")[0].split()[-1:]
    return any(byte in CONTROLS or not byte for byte in part) and not (last and NUMERIC.fullmatch(last[0]))
