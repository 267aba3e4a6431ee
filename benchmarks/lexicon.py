"""A bilingual lexicon from a few pairs: English and French word vectors, held out words of two dictionaries.

    python benchmarks/lexicon.py --tasks joined,glove --draws 3

In each draw 50, 200 and 1,000 English words, one French word each, are the seeds; the test is up to 1,500 other words
of the dictionaries, for which any translation that they name is right. 20,000 words of either language, the most
frequent ones of letters. `joined` is GloVe, 50 wide, beside a sentence model run over the words, 384 wide; `glove` the
first alone. French vectors are 300 wide: where widths differ, the rivals get principal components of the wider ones.

    nearest neighbour    Procrustes from the seeds, cosine
    Procrustes, CSLS     the same with CSLS (Conneau et al. 2018): the control
    MUSE                 its supervised recipe: five times Procrustes, from the second on of the mutual neighbours by
                         CSLS among the 10,000 most frequent words; the round that its own criterion finds best
    VecMap, supervised   whitening, orthogonal maps, re-weighting, de-whitening (Artetxe et al., AAAI 2018), CSLS
    VecMap, self-learning  its recipe for few seeds (Artetxe et al., ACL 2018): a stochastic dictionary in both
                         directions, then the steps above. Among 4,000 words in place of 20,000, and looks at ten rounds
                         without a gain in place of fifty, as it takes hours otherwise
    kgkt, no rounds      kgkt's map of the seeds alone
    kgkt, orthogonal     kgkt's rounds without re-weighting
    kgkt                 `kgkt lexicon` as it is
    wrong seeds          kgkt with the seeds' translations shuffled
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from paired import Row, Rows, draws_of, error, gain, main, points, row, share, titled, values, verdict
from summary import table

TASKS = ("joined", "glove")
SOURCES = {"joined": "GloVe + MiniLM", "glove": "GloVe"}
SEEDS, TEST = (50, 200, 1000), 1500
OURS = "kgkt"
CONTROL = "Procrustes, CSLS"
AT_1, AT_5 = "p_at_1", "p_at_5"
BAR = {50: 0.20, 200: 0.45}
Pair = tuple[np.ndarray, np.ndarray]


def run(task: str, draws: range) -> Iterator[Row]:
    """The rows of one task."""
    from kgkt.transfer.lexicon import levelled
    from tasks.lexicon import prepare

    languages = prepare()
    X, Z = levelled(languages.vectors[SOURCES[task]]), levelled(languages.french)
    narrow = components(X, Z)
    for seed in draws:
        words = np.random.default_rng(seed).permutation(sorted(languages.right)).tolist()
        test = words[SEEDS[-1] : SEEDS[-1] + TEST]
        for n in SEEDS:
            seeds = {word: languages.right[word][:1] for word in words[:n]}
            for method, make in methods(X, Z, narrow, seed).items():
                clock = time.perf_counter()
                A, B, csls = make(pairs(seeds))
                yield from scored(task, method, n, seed, answers(A, B, test, csls), test, languages.right, clock)
            yield from confidence(task, n, seed, X, Z, seeds, test, languages.right)


def pairs(seeds: dict[int, list[int]]) -> Pair:
    """Rows of both languages."""
    return np.array(list(seeds)), np.array([right[0] for right in seeds.values()])


def components(X: np.ndarray, Z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both as wide as the narrower one, by principal components of the wider."""
    from sklearn.decomposition import PCA

    from kgkt.transfer.lexicon import unit

    width = min(X.shape[1], Z.shape[1])
    first, second = (V if V.shape[1] == width else unit(PCA(width, random_state=0).fit_transform(V)) for V in (X, Z))
    return first, second


def methods(X: np.ndarray, Z: np.ndarray, narrow: Pair, seed: int) -> dict[str, Callable[[Pair], tuple[Any, Any, bool]]]:
    """Name -> what gives both languages in one space, and whether CSLS retrieves there, from seeds."""
    from kgkt.transfer.lexicon import align

    def ours(rounds: int, power: float, wrong: bool = False) -> Callable[[Pair], tuple[Any, Any, bool]]:
        def make(seeds: Pair) -> tuple[Any, Any, bool]:
            told = np.random.default_rng(seed).permutation(seeds[1]) if wrong else seeds[1]
            space = align(X, Z, (seeds[0], told), rounds, MOST, power)
            return space.source, space.target, True

        return make

    return {
        "nearest neighbour": lambda seeds: (*orthogonal(*narrow, seeds), False),
        CONTROL: lambda seeds: (*orthogonal(*narrow, seeds), True),
        "MUSE": lambda seeds: (*muse(*narrow, seeds), True),
        "VecMap, supervised": lambda seeds: (*advanced(*narrow, seeds), True),
        "VecMap, self-learning": lambda seeds: (*self_learning(*narrow, seeds, seed), True),
        "kgkt, no rounds": ours(0, POWER),
        "kgkt, orthogonal": ours(ROUNDS, 0.0),
        OURS: ours(ROUNDS, POWER),
        "wrong seeds": ours(ROUNDS, POWER, wrong=True),
    }


def orthogonal(X: np.ndarray, Z: np.ndarray, seeds: Pair) -> tuple[np.ndarray, np.ndarray]:
    """X turned to Z by the orthogonal map of the seeds."""
    U, _, V = np.linalg.svd(X[seeds[0]].T.astype(np.float64) @ Z[seeds[1]])
    return (X @ (U @ V).astype(np.float32)), Z


def csls(A: np.ndarray, B: np.ndarray, k: int = 10) -> np.ndarray:
    """All values of CSLS, (n, m)."""
    cosines = A @ B.T
    ours = np.partition(cosines, -k, axis=1)[:, -k:].mean(axis=1)
    theirs = np.partition(cosines, -k, axis=0)[-k:].mean(axis=0)
    return 2 * cosines - ours[:, None] - theirs


def muse(X: np.ndarray, Z: np.ndarray, seeds: Pair, iterations: int = 5, most: int = 10_000) -> tuple[np.ndarray, np.ndarray]:
    """MUSE's supervised recipe, by its defaults.

    Reference: Conneau, Lample, Ranzato, Denoyer, Jégou, "Word translation without parallel data", ICLR 2018.
    """
    known, found, criterion = seeds, (X, Z), -np.inf
    for _ in range(iterations):
        A, B = orthogonal(X, Z, known)
        scores = csls(A[:most], B[:most])
        there, back = scores.argmax(axis=1), scores.argmax(axis=0)
        cosine = float((A[:most] * B[there]).sum(axis=1).mean())  # of each word and its translation
        if cosine > criterion:
            found, criterion = (A, B), cosine
        chosen = np.flatnonzero(back[there] == np.arange(len(there)))
        known = chosen, there[chosen]
    return found


def advanced(X: np.ndarray, Z: np.ndarray, known: Pair) -> tuple[np.ndarray, np.ndarray]:
    """VecMap's last step: whitening, orthogonal maps, re-weighting of both sides by s^.5, de-whitening.

    Reference: Artetxe, Labaka, Agirre, "Generalizing and improving bilingual word embedding mappings with a multi-step
    framework of linear transformations", AAAI 2018.
    """
    from kgkt.transfer.lexicon import unit

    def white(V: np.ndarray) -> np.ndarray:
        _, s, T = np.linalg.svd(V.astype(np.float64), full_matrices=False)
        kept = s > 1e-6 * s[0]  # with fewer pairs than widths the rest has no variance
        return (T[kept].T / s[kept]) @ T[kept]

    whites = white(X[known[0]]), white(Z[known[1]])
    A, B = X @ whites[0], Z @ whites[1]
    U, s, V = np.linalg.svd(A[known[0]].T @ B[known[1]])
    A, B = A @ U * s**0.5, B @ V.T * s**0.5
    A = A @ (U.T @ np.linalg.pinv(whites[0]) @ U)
    B = B @ (V @ np.linalg.pinv(whites[1]) @ V.T)
    return unit(A.astype(np.float32)), unit(B.astype(np.float32))


def self_learning(X: np.ndarray, Z: np.ndarray, seeds: Pair, seed: int, most: int = 4000, patience: int = 10) -> tuple[np.ndarray, np.ndarray]:
    """VecMap's recipe for few seeds: a dictionary in both directions, of which less and less is left out at random.

    Reference: Artetxe, Labaka, Agirre, "A robust self-learning method for fully unsupervised cross-lingual mappings of
    word embeddings", ACL 2018.
    """
    rng = np.random.default_rng(seed)
    known, keep, best, since = seeds, 0.1, -np.inf, 0
    while True:
        A, B = orthogonal(X[:most], Z[:most], known) if known is not seeds else cut(orthogonal(X, Z, known), most)
        cosines = A @ B.T
        objective = float((cosines.max(axis=1).mean() + cosines.max(axis=0).mean()) / 2)
        since = 0 if objective >= best + 1e-6 else since + 1
        best = max(best, objective)
        if since > patience:
            if keep >= 1:
                break
            keep, since = min(1.0, 2 * keep), 0
        scores = csls(A, B)
        own = np.arange(most)
        there = np.where(rng.random(scores.shape) < keep, scores, -9.0).argmax(axis=1)
        back = np.where(rng.random(scores.shape) < keep, scores, -9.0).argmax(axis=0)
        known = np.concatenate([own, back]), np.concatenate([there, own])
    return advanced(X, Z, known)


def cut(both: tuple[np.ndarray, np.ndarray], most: int) -> tuple[np.ndarray, np.ndarray]:
    """The most frequent words of both."""
    return both[0][:most], both[1][:most]
