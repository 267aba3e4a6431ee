"""Short English texts of three kinds, and a tiny sentence model that reads them."""

from __future__ import annotations

import csv
import importlib.util
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kgkt.source.sentence_child import OFFLINE

NAMES = ("animal", "food", "weather")
ACTORS = ("a farmer", "the child", "my neighbour", "an old man", "the teacher", "her sister")
SAYS = {
    "animal": (("saw", "feeds", "follows"), ("a dog", "two cats", "the horse", "a bird", "some sheep", "the fox"),
               ("in the barn", "near the river", "behind the fence", "on the grass")),
    "food": (("eats", "cooks", "buys"), ("warm bread", "fresh soup", "a cake", "rice and fish", "the cheese", "an apple"),
             ("for lunch", "with butter", "from the oven", "at the table")),
    "weather": (("fears", "expects", "watches"), ("heavy rain", "a storm", "thick fog", "the snow", "strong wind", "hail"),
                ("over the hills", "before night", "all week", "in the morning")),
}  # fmt: skip


@dataclass(frozen=True)
class Phrases:
    """A pool of texts with ids and their classes, and other texts to test on."""

    ids: list[str]
    pool: list[str]
    pool_y: list[str]
    test: list[str]
    test_y: list[str]


def make_phrases() -> Phrases:
    """240 texts for the pool, 120 to test on, all different."""
    rng = np.random.default_rng(0)
    every = [
        (f"{actor} {verb} {thing} {place}", name)
        for name, (verbs, things, places) in SAYS.items()
        for actor in ACTORS for verb in verbs for thing in things for place in places
    ]  # fmt: skip
    chosen = [every[i] for i in rng.permutation(len(every))[:360]]
    texts, classes = [text for text, _ in chosen], [name for _, name in chosen]
    return Phrases([f"t{i:03d}" for i in range(240)], texts[:240], classes[:240], texts[240:], classes[240:])


def write_csv(path: Path, header: Sequence[str], *columns: Sequence[str]) -> Path:
    """A CSV of columns."""
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *zip(*columns, strict=True)])
    return path


SAVE = """
import sys
from pathlib import Path
import numpy as np
from sentence_transformers import SentenceTransformer, models
from transformers import BertConfig, BertModel, BertTokenizer
import torch

out, texts = Path(sys.argv[1]), Path(sys.argv[2]).read_text(encoding="utf-8").splitlines()
words = sorted({word for text in texts for word in text.split()})
bert = out.with_name("bert")
bert.mkdir()
vocabulary = bert / "vocab.txt"
vocabulary.write_text("\\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *words]), encoding="utf-8")
BertTokenizer(str(vocabulary)).save_pretrained(bert)
torch.manual_seed(1)  # an untrained copy draws those of 0
config = BertConfig(vocab_size=5 + len(words), hidden_size=32, num_hidden_layers=2, num_attention_heads=4,
                    intermediate_size=64, max_position_embeddings=32)
BertModel(config).save_pretrained(bert)
reads = models.Transformer(str(bert), max_seq_length=16)
SentenceTransformer(modules=[reads, models.Pooling(32, "mean"), models.Normalize()], device="cpu").save(str(out))
model = SentenceTransformer(str(out), local_files_only=True)
np.save(out.with_name("vectors.npy"), model.encode(texts, show_progress_bar=False))
"""


def need_extra() -> None:
    """Skip where kgkt[text] is not installed."""
    if importlib.util.find_spec("sentence_transformers") is None:
        pytest.skip("needs kgkt[text]")


def apart(code: str, *arguments: object) -> str:
    """What code prints in a process of its own: PyTorch and the embedded database do not fit into one everywhere."""
    command, environment = [sys.executable, "-c", code, *map(str, arguments)], {**os.environ, **OFFLINE}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    return done.stdout


def save_tiny(out: Path) -> Path:
    """Make and save the tiny sentence model; beside it `vectors.npy`, what the library gives for pool and test texts."""
    phrases = make_phrases()
    texts = out.with_name("texts.txt")
    texts.write_text("\n".join(phrases.pool + phrases.test), encoding="utf-8")
    apart(SAVE, out, texts)
    return out


def string_b(phrases: Phrases, shape: tuple[int, ...]) -> Any:
    """An untrained B that reads strings: a bag of words for items of shape (), word vectors for items of shape (1,)."""
    from kgkt.source.quiet import keras as import_keras

    keras = import_keras()
    layers = keras.layers
    keras.utils.set_random_seed(0)
    if shape == ():
        words = layers.TextVectorization(output_mode="multi_hot", name="words")
        inner = []
    else:
        words = layers.TextVectorization(output_sequence_length=10, name="words")
        inner = [layers.Embedding(100, 16, name="table"), layers.GlobalAveragePooling1D(name="mean")]
    words.adapt(phrases.pool)
    hidden = layers.Dense(16, activation="relu", name="hidden")
    out = layers.Dense(3, activation="softmax", name="out")
    return keras.Sequential([keras.Input(shape, dtype="string", name="text"), words, *inner, hidden, out], name="b")
