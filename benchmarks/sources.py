"""Two sources in one graph, beside each alone, and beside one source with two seeds of the concepts.

    python benchmarks/sources.py [digits] [emoji] [wordnet] [fashion_digits] [--draws 10] [--labels 2 5 10]

The second source is useless (the same network, untrained) or, of digits and Fashion-MNIST into MNIST, another trained
A: of digits the same network from another seed, into MNIST one that learned five of the ten Fashion-MNIST classes. Of a
pool of over 2,000 items as many are taken (--items). Each draw has labels and a seed of the concepts of its own, and
every row gets the same. Printed, for each number of labels a class: how many answers for the unlabelled pool are right
with A alone, and each row minus that, mean ± standard error over the draws. `auto` is the choice of weights that
`populate` makes from the draw's labels; its choices are counted behind it. `two seeds` is A alone, the mean answer of
two graphs. No class shares are stated.
"""

from __future__ import annotations

import argparse
import importlib
import json
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from kgkt.concepts.cluster import choose_k, fit_local
from kgkt.concepts.edges import unnamed_graph
from kgkt.concepts.embed import HEAD_DIMS, apply_maps, fit_maps
from kgkt.concepts.propagate import choose_alpha
from kgkt.concepts.sources import embed_alone, layer_shares, weigh_sources
from kgkt.source.parquet import describe, write_features
from kgkt.transfer.items import nearest_items, neighbour_graph
from kgkt.transfer.teacher import teach
from kgkt.values import Features, Labels

AGAIN = 1000  # between the two seeds of a draw
ROWS = ("other alone", "equal", "auto", "two seeds")


def main() -> None:
    """Run what is asked for, and print a line a pair of sources, number of labels and row."""
    parser = argparse.ArgumentParser()
    parser.add_argument("tasks", nargs="*", default=["digits", "emoji", "wordnet", "fashion_digits"])
    parser.add_argument("--draws", type=int, default=10)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--labels", type=int, nargs="+", default=[2, 5, 10])
    parser.add_argument("--items", type=int, default=2000)
    asked = parser.parse_args()
    for name in asked.tasks:
        prepared = importlib.import_module(f"tasks.{name}").prepare()
        n = len(prepared.pool_y)
        rows = np.sort(np.random.default_rng(0).permutation(n)[: asked.items])
        for other, second in seconds(name, prepared).items():
            with tempfile.TemporaryDirectory() as folder:
                joined = side_by_side(Path(folder) / "joined.parquet", prepared.features, second, rows)
                pair = Pair(joined, prepared.pool_y[rows], tuple(map(str, prepared.names)), prepared.text)
                for labels in asked.labels:
                    draws = range(asked.first, asked.first + asked.draws)
                    shown(name, other, labels, [pair.once(labels, draw) for draw in draws])


def seconds(name: str, prepared: Any) -> dict[str, Features]:
    """The second sources of a task."""
    from tasks.prepared import array_features, folder, model_features

    found = {"untrained": prepared.untrained}
    path = folder(name) / "second.parquet"
    if name == "digits":
        from kgkt.demo import digits

        def trained() -> dict[str, np.ndarray]:
            split, source = digits.make_split(0), digits.Source()
            source.train(split, 1)
            return source.features(split.pool_x)

        found["another A"] = array_features(path, trained, "digits A, seed 1")
    if name == "fashion_digits":
        from tasks import fashion

        found["another A"] = model_features(
            path, folder("fashion") / "a.keras", fashion.LAYERS, prepared.pool_x, lambda: fashion.train_a(5))
    return found


def side_by_side(path: Path, first: Features, second: Features, rows: np.ndarray) -> Features:
    """Some rows of two features files as one, as several sources write them."""
    named = [(f"{source}/{layer}", features.rows(layer, rows)) for source, features in (("a", first), ("other", second))
             for layer in features.layers]  # fmt: skip
    sources = {source: [layer for layer, _ in named if layer.startswith(f"{source}/")] for source in ("a", "other")}
    meta = describe("a + other", (), sources=json.dumps(sources))
    return write_features(path, {k: v.shape[1] for k, v in named}, [(first.ids[rows], dict(named))], meta)


@dataclass
class Pair:
    """Two sources of one pool; what does not depend on labels is made once.

    Args:
        features: of both.
        y: (n,) true classes.
        names: of the classes.
        text: whether the items are texts.
    """

    features: Features
    y: np.ndarray
    names: tuple[str, ...]
    text: bool
    seen: dict[Any, Any] = field(default_factory=dict)

    def embedded(self, weights: tuple[float, ...]) -> Any:
        """Embedding and nearest items with some weights."""
        if weights not in self.seen:
            shares = layer_shares(self.features.sources, weights)
            maps = fit_maps(self.features, head_dims=None if self.text else HEAD_DIMS, shares=shares)
            made = apply_maps(self.features, maps)
            self.seen[weights] = made, neighbour_graph(nearest_items(made.vectors), made.vectors)
        return self.seen[weights]

    def graph(self, weights: tuple[float, ...], seed: int) -> Any:
        """Concepts and edges of a seed."""
        if (weights, seed) not in self.seen:
            vectors = self.embedded(weights)[0].vectors
            clustering = fit_local(vectors, choose_k(vectors, None)[0], seed)
            self.seen[weights, seed] = unnamed_graph(clustering), clustering.memberships
        return self.seen[weights, seed]

    def answer(self, weights: tuple[float, ...], seed: int, labels: Labels) -> np.ndarray:
        """(n, c) what the teacher says."""
        (graph, Z), (made, near) = self.graph(weights, seed), self.embedded(weights)
        return teach(graph, Z, labels, made.head, spread="both", expert="auto", text=self.text, prior=None,
                     alpha=choose_alpha(graph, Z, labels), neighbours=near).P  # fmt: skip

    def once(self, labels: int, draw: int) -> dict[str, Any]:
        """One draw of labels: the share of right answers of each row, and the weights that auto chose."""
        rng = np.random.default_rng(draw + 1000 * labels)
        own = [np.flatnonzero(self.y == c) for c in np.unique(self.y)]
        few = np.concatenate([rng.choice(rows, min(labels, len(rows)), False) for rows in own])
        said, free = Labels(few, self.y[few], self.names), np.setdiff1d(np.arange(len(self.y)), few)
        if "alone" not in self.seen:
            maps = fit_maps(self.features)
            self.seen["alone"] = list(embed_alone(self.features, maps).values())
        chosen = weigh_sources(
            self.seen["alone"], few, said.classes, lambda v: neighbour_graph(nearest_items(v), v)).weights
        told = {weights: self.answer(weights, draw, said)
                for weights in {(1.0, 0.0), (0.0, 1.0), (1.0, 1.0), chosen}}  # fmt: skip
        alone = told[1.0, 0.0]
        answers = {"A alone": alone, "other alone": told[0.0, 1.0], "equal": told[1.0, 1.0], "auto": told[chosen],
                   "two seeds": (alone + self.answer((1.0, 0.0), draw + AGAIN, said)) / 2}  # fmt: skip
        right = {row: 100 * float((P.argmax(axis=1) == self.y)[free].mean()) for row, P in answers.items()}
        return {**right, "chosen": chosen}


def shown(name: str, other: str, labels: int, found: list[dict[str, Any]]) -> None:
    """A line a row: mean ± standard error over the draws."""
    def figure(values: list[float]) -> str:
        error = np.std(values, ddof=1) / len(values) ** 0.5 if len(values) > 1 else float("nan")
        return f"{np.mean(values):+6.1f} ±{error:.1f}"

    print(f"{name} with {other}, {labels} labels a class: A alone {np.mean([one['A alone'] for one in found]):.1f} %")
    for row in ROWS:
        more = ""
        if row == "auto":
            chosen = Counter(", ".join(f"{weight:g}" for weight in one["chosen"]) for one in found)
            more = "   weights " + "; ".join(f"{weights}: {times}" for weights, times in chosen.most_common())
        print(f"  {row:<12} {figure([one[row] - one['A alone'] for one in found])}{more}", flush=True)


if __name__ == "__main__":
    main()
