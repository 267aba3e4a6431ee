"""Train each model that is named, on the same pairs, and print what they are worth beside each other.

    python train.py data/b.keras data/b-rows.keras

Writes each as NAME-trained.keras, with its pieces beside it. `kgkt run --allow-trainer` runs this once it has written
b-rows.keras.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # before Keras comes

import corpus
import keras
import model
from tokenizers import Tokenizer

RATE, SHOWN = 3e-3, 10


def main() -> None:
    """Train, translate the test sentences, and show ten of them."""
    from sacrebleu.metrics import BLEU, CHRF

    paths = [Path(name) for name in sys.argv[1:]]
    if not paths:
        raise SystemExit(__doc__)
    folder = paths[0].parent
    train, dev, test = (corpus.read(folder / f"{part}.tsv") for part in ("train", "dev", "test"))
    pieces = Tokenizer.from_file(str(folder / "b.pieces.json"))
    english, right = [pair[0] for pair in test], [pair[1] for pair in test]
    found = []
    for path in paths:
        keras.utils.set_random_seed(0)
        b, begun = keras.saving.load_model(path), time.perf_counter()
        known = set(b.get_layer("words").get_vocabulary())
        learn = model.Batches(model.repeated(train), pieces, known=known, seed=0)
        hold = model.Batches(dev, pieces, size=200, known=known)
        print(f"{path.stem:<12} trains on {len(train):,} pairs", flush=True)
        epochs = model.epochs_for(len(train))
        history = model.train(b, learn, hold, epochs, RATE, look=lambda line: print(f"  {line}", flush=True))
        model.save(b, pieces, path.with_name(f"{path.stem}-trained.keras"))
        said = model.Translator(b, pieces).translate(english)
        bleu, chrf = (metric.corpus_score(said, [right]).score for metric in (BLEU(), CHRF()))
        print(f"{path.stem:<12} BLEU {bleu:5.1f}   chrF {chrf:5.1f}   {len(history['loss'])} epochs, "
              f"{time.perf_counter() - begun:.0f} s", flush=True)  # fmt: skip
        found.append(said)
    for number in range(0, len(test), max(len(test) // SHOWN, 1))[:SHOWN]:
        print(f"\n{'English':<12} {english[number]}\n{'reference':<12} {right[number]}")
        for path, said in zip(paths, found, strict=True):
            print(f"{path.stem:<12} {said[number]}")


if __name__ == "__main__":
    main()
