"""How sure a translation is: words of the seeds are held out in turn, and what comes out right says it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kgkt.transfer.words.dictionary import Band, Precision
from kgkt.transfer.words.lexicon import Candidates, Pairs, Space, candidates

if TYPE_CHECKING:
    import numpy as np

FOLDS = 5
BEST = 5  # candidates of a word that are judged
BANDS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
Right = Mapping[int, Sequence[int]]  # row of a source word -> rows of its right translations


@dataclass(frozen=True, slots=True)
class Confidence:
    """A logistic function of a candidate's score, its lead, and its lead backwards.

    Args:
        middle, scale: (3,) of these over what was held out.
        slopes: (3,); 0 where nothing, or everything, was right.
        offset: the evidence at the middle, in nats.
    """

    middle: np.ndarray
    scale: np.ndarray
    slopes: np.ndarray
    offset: float

    def __call__(self, found: Candidates) -> np.ndarray:
        """(q, b) how likely each candidate is to be right."""
        import numpy as np
        from scipy.special import expit

        signs = (_signs(found) - self.middle) / self.scale
        return np.asarray(expit(signs @ self.slopes + self.offset), np.float32)


def pairs_of(right: Right, words: Sequence[int]) -> Pairs:
    """The pairs of some words of the source, as rows of both languages."""
    import numpy as np

    both = [(a, b) for a in words for b in right[a]]
    rows = np.array(both, np.int64).reshape(-1, 2)
    return rows[:, 0], rows[:, 1]


def in_turn(
    right: Right, bring: Callable[[Pairs], Space], most_frequent: int, seed: int
) -> tuple[Candidates, np.ndarray]:
    """Hold out a fifth of the words five times, each word once, and translate them by the others.

    Args:
        right: of every word that is known.
        bring: gives the space of some pairs.
        most_frequent: as for `candidates`.
        seed: of the parts.

    Returns:
        The candidates of all words, and which are right, (q, 5).
    """
    import numpy as np

    words = np.random.default_rng(seed).permutation(sorted(right))
    parts = []
    for held in np.array_split(words, FOLDS):
        rest = np.setdiff1d(words, held).tolist()
        parts.append(candidates(bring(pairs_of(right, rest)), held, most_frequent, BEST))
    fields = ("rows", "targets", "scores", "lead", "back")
    found = Candidates(*(np.concatenate([getattr(part, name) for part in parts]) for name in fields))
    return found, judged(found, right)


def judged(found: Candidates, right: Right) -> np.ndarray:
    """(q, b) which candidates are right."""
    import numpy as np

    return np.array([np.isin(targets, right[row])
                     for row, targets in zip(found.rows.tolist(), found.targets, strict=True)])  # fmt: skip


def precision(true: np.ndarray, test: bool = False) -> Precision:
    """Of how many words the first, or one of five candidates is right; `true` from `judged`."""
    return Precision(len(true), int(true[:, 0].sum()), int(true[:, :BEST].any(axis=1).sum()), test)


def learn_confidence(found: Candidates, true: np.ndarray) -> Confidence:
    """Fit how likely a candidate is to be right to those of words that were held out.

    Args:
        found: their candidates.
        true: (q, b) which are right.

    Reference: Platt, "Probabilistic outputs for support vector machines", 1999: a logistic function of scores, fitted
    to data that the scores were not made from.
    """
    import numpy as np
    from sklearn.linear_model import LogisticRegression

    signs, y = _signs(found).reshape(-1, 3), true.ravel()
    middle, scale = signs.mean(axis=0), np.maximum(signs.std(axis=0), 1e-6)
    if y.all() or not y.any():
        share = (y.sum() + 1) / (len(y) + 2)
        return Confidence(middle, scale, np.zeros(3), float(np.log(share / (1 - share))))
    fitted = LogisticRegression().fit((signs - middle) / scale, y)
    return Confidence(middle, scale, fitted.coef_[0], float(fitted.intercept_[0]))


def bands(confidence: np.ndarray, true: np.ndarray) -> tuple[Band, ...]:
    """Of candidates of nearly the same confidence, how many were right."""
    import numpy as np

    sure, right = confidence.ravel(), true.ravel()
    place = np.clip(np.digitize(sure, BANDS) - 1, 0, len(BANDS) - 2)
    found = []
    for number in range(len(BANDS) - 1):
        here = place == number
        if here.any():
            found.append(Band(BANDS[number], BANDS[number + 1], int(here.sum()), float(sure[here].mean()),
                              float(right[here].mean())))  # fmt: skip
    return tuple(found)


def _signs(found: Candidates) -> np.ndarray:
    """(q, b, 3) what a candidate's confidence is told by."""
    import numpy as np

    return np.stack([found.scores, found.lead, found.back], axis=-1).astype(np.float64)
