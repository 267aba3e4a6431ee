"""Word vectors for tests: six topics of twelve words, each a direction of its own with noise, in a file as GloVe has them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

TOPICS = {
    "animal": "dog cat horse cow sheep goat mouse fox wolf owl lamb stallion",
    "food": "bread milk cheese apple rice soup butter egg salt honey oat yogurt",
    "city": "Paris London Rome Berlin Madrid Oslo Vienna Prague Cairo Lima Tunis Riga",
    "number": "one two three four five six seven eight nine ten eleven twelve",
    "water": "river lake sea rain ocean stream pond wave flood tide brook estuary",
    "tool": "hammer saw knife drill rope nail axe ladder wrench chisel plane vise",
}
WORDS = [word for place in range(12) for word in (topic.split()[place] for topic in TOPICS.values())]
TOPIC = {word: name for name, topic in TOPICS.items() for word in topic.split()}
WIDTH = 12


def vectors(seed: int = 0) -> np.ndarray:
    """(72, 12) of WORDS: the topic's direction, and noise."""
    rng = np.random.default_rng(seed)
    centres = dict(zip(TOPICS, np.linalg.qr(rng.normal(size=(WIDTH, WIDTH)))[0], strict=False))
    return np.array([centres[TOPIC[word]] + 0.15 * rng.normal(size=WIDTH) for word in WORDS], np.float32)


def save_words(path: Path, words: list[str] | None = None, seed: int = 0) -> Path:
    """A text file of WORDS, or of some of them, a word and its numbers a line."""
    rows = dict(zip(WORDS, vectors(seed), strict=True))
    lines = (f"{word} {' '.join(f'{x:.5f}' for x in rows[word])}" for word in words or WORDS)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path
