"""How surely A knows a word that B never saw, and from which confidence on it is better served than unknown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kgkt.errors import InputError
from kgkt.transfer.outputs import Outputs
from kgkt.transfer.words.extend import Pairs, foretell

if TYPE_CHECKING:
    import keras
    import numpy as np

CAUTIOUS = 0.1  # without held-out texts: as near as all but this part of B's own words are to their nearest other one
LEVELS = (0.0, 0.1, 0.25, 0.5, 0.75, 0.9)  # quantiles of the same that held-out texts choose among
FOLDS = 5  # parts of B's words, of which one at a time is made unknown
CHUNK = 2048  # words whose nearest ones are looked for at a time


@dataclass(frozen=True, slots=True)
class Served:
    """What B makes of texts in which some of its own words have rows that were foretold.

    Args:
        stretch: of the rows.
        quantile: of the confidences of B's own words; None: none is served, all are unknown to B.
        confidence: the cosine from which on a word is served.
        share: part of the masked words that is.
        loss, accuracy: mean cross-entropy in nats, and share of right answers, on the texts.
        gain, error: how much less the loss is than with none served, and its standard error over the texts.
    """

    stretch: float
    quantile: float | None
    confidence: float
    share: float
    loss: float
    accuracy: float
    gain: float
    error: float


@dataclass(frozen=True, slots=True)
class Tuned:
    """The confidence and the stretch that held-out texts chose.

    Args:
        confidence: the least one that is served; infinity where none was better.
        stretch: of the rows.
        tried: every rule, the first one without any word served.
        known: loss and accuracy where B has its own rows.
        texts: on which the masked words change anything.
        words: that were masked, a fifth at a time.
    """

    confidence: float
    stretch: float
    tried: tuple[Served, ...]
    known: tuple[float, float]
    texts: int
    words: int


def nearest_known(vectors: np.ndarray, known: np.ndarray, themselves: bool = False) -> np.ndarray:
    """The confidence in each of some words: its cosine to the nearest word that B knows.

    Vectors of words have much in common (their mean), which says nothing of any of them and makes all cosines larger.

    Args:
        vectors: (m, d) of the words, less the mean vector of the words that A and B know.
        known: (s, d) of these, less the same.
        themselves: whether the words are these, in order, of which the nearest other one is meant.
    """
    import numpy as np

    from kgkt.concepts.embed import unit_rows

    Y = unit_rows(np.asarray(known, np.float32))
    found = np.full(len(vectors), -1.0, np.float32)
    for start in range(0, len(vectors), CHUNK):
        cosines = unit_rows(np.asarray(vectors[start : start + CHUNK], np.float32)) @ Y.T
        if themselves:
            here = np.arange(len(cosines))
            cosines[here, start + here] = -1.0
        found[start : start + CHUNK] = cosines.max(axis=1, initial=-1.0)
    return found


def cautious(own: np.ndarray) -> float:
    """The confidence without held-out texts, from those of B's own words (s,) to their nearest other one."""
    import numpy as np

    return float(np.quantile(own, CAUTIOUS))


def tune(
    model: keras.Model, outputs: Outputs, variable: Any, pairs: Pairs, way: str, stretch: float, x: Any, y: np.ndarray,
    seed: int = 0,
) -> Tuned:  # fmt: skip
    """Choose confidence and stretch by texts: B's own words are made unknown, a fifth at a time, and served as new.

    Args:
        model: B, of one input and one output.
        outputs: how its outputs are read.
        variable: its Embedding's rows; they are as before afterwards.
        pairs: the words that both know.
        way: that foretells rows; learned anew without the fifth.
        stretch: tried beside 1, at each confidence.
        x: (n, ...) texts as B reads them, which it was not trained on.
        y: (n,) class indices.
        seed: of the parts, and of the way.

    Returns:
        The least loss wins where it is less than with all of them unknown by more than one standard error.

    Raises:
        InputError: no text has a word that both know.
    """
    import numpy as np

    kept = variable.numpy()
    unknown = kept.mean(axis=0) if pairs.unknown is None else pairs.unknown
    whole = _asked(model, outputs, x, y)
    own = nearest_known(pairs.vectors, pairs.vectors, themselves=True)
    rules = [(long, level, float(np.quantile(own, level))) for long in (1.0, stretch) for level in LEVELS]
    found = np.zeros((1 + len(rules), 2, len(y)))  # summed over the parts: loss and right answers of each text
    times, served = np.zeros(len(y)), np.zeros(len(rules))
    try:
        for part in np.array_split(np.random.default_rng(seed).permutation(len(pairs)), FOLDS):
            held, fitted = pairs.part(part), pairs.part(np.setdiff1d(np.arange(len(pairs)), part))
            said = foretell(way, fitted, held.vectors, held.concepts, seed=seed)
            mean = fitted.rows.mean(axis=0)
            sure = nearest_known(held.vectors, fitted.vectors)
            without = kept.copy()
            without[held.places] = unknown
            variable.assign(without)
            touched = np.flatnonzero(_asked(model, outputs, x, y)[0] != whole[0])
            times[touched] += 1
            found[0][:, touched] += _asked(model, outputs, x[touched], y[touched])  # as below, in batches of the same
            for i, (long, _, level) in enumerate(rules):
                trusted = sure >= level
                served[i] += trusted.sum()
                given = without.copy()
                given[held.places[trusted]] = mean + long * (said[trusted] - mean)
                variable.assign(given)
                found[1 + i][:, touched] += _asked(model, outputs, x[touched], y[touched])
    finally:
        variable.assign(kept)
    texts = np.flatnonzero(times)
    if not len(texts):
        raise InputError("none of the texts has a word that both A and B know: without --test a cautious confidence "
                         "is taken")
    each = found[:, :, texts] / times[texts]
    tried = (_served((1.0, None, np.inf), 0.0, each[0], each[0]),
             *(_served(rule, share, one, each[0])
               for rule, share, one in zip(rules, (served / len(pairs)).tolist(), each[1:], strict=True)))  # fmt: skip
    best = min(tried, key=lambda one: (one.loss, -one.confidence))
    if best.gain <= best.error:
        best = tried[0]
    loss, right = whole[:, texts].mean(axis=1).tolist()
    return Tuned(best.confidence, best.stretch, tried, (loss, right), len(texts), len(pairs))


def _served(
    rule: tuple[float, float | None, float], share: float, each: np.ndarray, none: np.ndarray
) -> Served:
    """A rule's figures from loss and right answers (2, n) of each text, and those with none served."""
    import numpy as np

    gain = none[0] - each[0]
    return Served(*rule, float(share), float(each[0].mean()), float(each[1].mean()), float(gain.mean()),
                  float(np.std(gain)) / len(gain) ** 0.5)  # fmt: skip


def _asked(model: keras.Model, outputs: Outputs, x: Any, y: np.ndarray) -> np.ndarray:
    """(2, n) B's cross-entropy on each text, and whether it is right."""
    import numpy as np

    from kgkt.transfer.grow import answers

    P = answers(model, outputs, x)
    own = np.clip(P[np.arange(len(y)), y], 1e-7, 1.0)
    return np.stack([-np.log(own), P.argmax(axis=1) == y]) if len(y) else np.zeros((2, 0))
