"""What a lexicon tells: translations with their confidence, what was held out, and which concepts translate."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from kgkt.errors import count

if TYPE_CHECKING:
    import numpy as np
    from scipy.sparse import csr_matrix

COLUMNS = ("source", "target", "confidence", "rank")
LEAST_SHARE = 0.1  # of a concept's words that are expected to translate into another, for these two to count as such
LEAST_WORDS = 0.5  # words that are expected to do so
MANY, HARDLY = 50, 0.1  # words held out, and the share that is right, below which their pairs are doubted
GUESSES = 0.3  # words held out that are right, below which translations are guesses
EXAMPLES = 3  # pairs of words that are told of two concepts


@dataclass(frozen=True, slots=True)
class Precision:
    """How many translations were right, of words whose translations had been held out.

    Args:
        words: how many.
        first: right translations that came first.
        among: words with a right translation among the first five.
        test: whether they came from a file of their own; else each word was held out once, with others, in turn.
    """

    words: int
    first: int
    among: int
    test: bool = False

    @property
    def at_1(self) -> float:
        """Share of the words whose best translation is right."""
        return self.first / self.words

    @property
    def at_5(self) -> float:
        """Share of the words that have a right translation among the best five."""
        return self.among / self.words

    def doubtful(self) -> bool:
        """Whether the pairs look wrong: none was right, or of many, by the interval, hardly any can be."""
        return self.first == 0 or (self.words >= MANY and self.interval()[1] < HARDLY)

    def interval(self, right: int | None = None) -> tuple[float, float]:
        """The interval that should hold the true share in 19 of 20 cases, of `at_1` or of another count.

        Reference: Wilson, "Probable inference, the law of succession, and statistical inference", JASA 1927.
        """
        from scipy.stats import binomtest

        found = binomtest(self.first if right is None else right, self.words).proportion_ci(method="wilson")
        return float(found.low), float(found.high)


@dataclass(frozen=True, slots=True)
class Band:
    """Translations of nearly the same confidence, of the test's words.

    Args:
        low, high: the bounds of their confidence.
        n: how many.
        expected: the mean of their confidence.
        right: the share that is right.
    """

    low: float
    high: float
    n: int
    expected: float
    right: float


@dataclass(frozen=True, slots=True, repr=False)
class Lexicon:
    """A bilingual lexicon.

    Args:
        names: what the two languages are called: files, or graphs.
        source, target: their words, the most frequent first.
        translations: (q, b) rows of target, the best first, of the first q words of the source.
        confidence: (q, b) how likely each is to be right.
        seeds: pairs that were given and known, and of how many words.
        grown: pairs of each round.
        held_out: what was right of words that were held out.
        bands: by confidence, how many translations of the test's words were right; none without a test.
        notices: what was odd.
        concepts: relations between concepts of two graphs, both on; None where there are no graphs.
        untranslated: how many concepts of each graph have no counterpart.
        out: the file that was written.
        widths: of the vectors of either language.
        seconds: stage -> how long it took.
    """

    names: tuple[str, str]
    source: Sequence[str]
    target: Sequence[str]
    translations: np.ndarray
    confidence: np.ndarray
    seeds: tuple[int, int]
    grown: tuple[int, ...]
    held_out: Precision
    bands: tuple[Band, ...] = ()
    notices: tuple[str, ...] = ()
    concepts: int | None = None
    untranslated: tuple[int, int] | None = None
    out: str | None = None
    widths: tuple[int, int] = (0, 0)
    seconds: dict[str, float] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.translations)

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        """COLUMNS of each translation; a word's nearest first, by CSLS; the confidence need not fall with it."""
        for row, (targets, sure) in enumerate(zip(self.translations.tolist(), self.confidence.tolist(), strict=True)):
            for rank, (target, confidence) in enumerate(zip(targets, sure, strict=True), 1):
                yield self.source[row], self.target[target], round(confidence, 3), rank

    def of(self, word: str) -> list[tuple[str, float]]:
        """The translations of a word with their confidence, the surest first; none of one that it does not hold."""
        known = self.source.index(word) if word in self.source else len(self)
        if known >= len(self):
            return []
        both = zip(self.translations[known].tolist(), self.confidence[known].tolist(), strict=True)
        return [(self.target[target], sure) for target, sure in sorted(both, key=lambda pair: -pair[1])]

    def surest(self, how_many: int) -> list[tuple[str, str, float]]:
        """(word, translation, confidence) of the surest best translations, of words of three letters or more alone.

        Of any words where the lexicon has fewer such words.
        """
        best = self.confidence[:, 0]
        order = (-best).argsort(kind="stable").tolist()
        plain = [row for row in order if len(self.source[row]) > 2 and self.source[row].isalpha()]
        return [(self.source[row], self.target[self.translations[row, 0]], round(float(best[row]), 3))
                for row in (plain if len(plain) >= how_many else order)[:how_many]]  # fmt: skip

    def sure(self, least: float = 0.5) -> int:
        """How many words have a best translation of at least this confidence."""
        return int((self.confidence[:, 0] >= least).sum())

    def __repr__(self) -> str:
        found = f"{100 * self.held_out.at_1:.1f} % of {self.held_out.words:,} words held out are right"
        sure = f"{count(len(self), 'word')}, {self.sure():,} of them sure"
        return f"Lexicon({self.names[0]} to {self.names[1]}: {sure}; {found})"

    def to_pandas(self) -> Any:
        """The translations as a pandas DataFrame."""
        from kgkt.tables import data_frame

        return data_frame(COLUMNS, self)

    def _repr_html_(self) -> str:
        from itertools import islice

        from kgkt.tables import MOST, html_table

        return html_table(COLUMNS, islice(self, MOST), count(len(self), "word"))


def doubt(held: Precision, path: str, names: tuple[str, str]) -> str:
    """What to say of words held out that came out wrong; nothing where enough came out right.

    Args:
        held: how many did.
        path: of the pairs that they were judged by.
        names: what the two languages are called.
    """
    right = f"{path}: of {count(held.words, 'word')} held out {held.first:,} came out right"
    if held.doubtful():
        few = "" if held.words >= MANY else "; or they are too few"
        return (f"{right}: these pairs look wrong. Are they shuffled, is it another column, are {names[0]} and "
                f"{names[1]} their languages{few}? The lexicon is no better")
    return f"{right}: its translations are guesses; more pairs, or more words, help" if held.at_1 < GUESSES else ""


@dataclass(frozen=True, slots=True)
class Counterparts:
    """Concepts of two languages whose words translate into each other.

    Args:
        first, second: (r,) concepts.
        words: (r,) words of the first whose best translation lies in the second.
        share: (r,) part of the first's words that is expected to translate into the second, by their confidence.
        back: (r,) the same from the second to the first.
        confidence: (r,) mean confidence of those words, 0 where there is none.
        examples: (r,) their surest pairs.
        right: part of the words held out whose best translation was right.
    """

    first: np.ndarray
    second: np.ndarray
    words: np.ndarray
    share: np.ndarray
    back: np.ndarray
    confidence: np.ndarray
    examples: tuple[str, ...]
    right: float

    def rows(self) -> Iterator[tuple[int, int, dict[str, Any]]]:
        """(first, second, what their relation says)."""
        values = (self.first, self.second, self.words, self.share, self.back, self.confidence)
        for (a, b, words, share, back, sure), pairs in zip(
            zip(*(v.tolist() for v in values), strict=True), self.examples, strict=True
        ):
            yield a, b, {"words": words, "share": share, "back": back, "confidence": sure, "examples": pairs,
                         "right": self.right}  # fmt: skip


def counterparts(
    lexicon: Lexicon, concepts: tuple[np.ndarray, np.ndarray], back: tuple[np.ndarray, np.ndarray],
    shape: tuple[int, int],
) -> Counterparts:  # fmt: skip
    """Which concepts translate: each word counts for the concept of its best translation, by its confidence.

    Args:
        lexicon: of all words of the first language.
        concepts: (n,) and (m,) the concept of each word, -1 for none.
        back: (m,) best translation of each word of the second language, and its confidence.
        shape: (k, l) how many concepts there are; also of those that are off, as they may be switched on later.

    Returns:
        Those of which, from either side, a tenth of the words and half a word are expected to translate so.
    """
    import numpy as np
    from scipy.sparse import csr_matrix

    first, second = concepts
    there = second[lexicon.translations[:, 0]]
    sure = lexicon.confidence[:, 0]

    def crossed(a: np.ndarray, b: np.ndarray, weight: np.ndarray) -> csr_matrix:
        kept = (a >= 0) & (b >= 0)
        return csr_matrix((weight[kept], (a[kept], b[kept])), shape)

    ahead = crossed(first, there, sure)
    behind = crossed(first[back[0]], second, back[1])
    counts = crossed(first, there, np.ones(len(first)))
    sizes = [np.maximum(np.bincount(c[c >= 0], minlength=k), 1) for c, k in zip(concepts, shape, strict=True)]
    share, returned = ahead.multiply(1 / sizes[0][:, None]).tocsr(), behind.multiply(1 / sizes[1][None, :]).tocsr()
    counted = _enough(share, ahead) + _enough(returned, behind)
    a, b = counted.nonzero()

    def at(matrix: csr_matrix) -> np.ndarray:
        return np.asarray(matrix[a, b]).ravel() if len(a) else np.zeros(0)

    words = at(counts).astype(int)
    examples = _examples(lexicon, first, there, list(zip(a.tolist(), b.tolist(), strict=True)))
    return Counterparts(a, b, words, at(share), at(returned), at(ahead) / np.maximum(words, 1), examples,
                        lexicon.held_out.at_1)  # fmt: skip


def _enough(share: csr_matrix, expected: csr_matrix) -> csr_matrix:
    return ((share >= LEAST_SHARE).multiply(expected >= LEAST_WORDS)).astype(int)


def _examples(
    lexicon: Lexicon, first: np.ndarray, there: np.ndarray, wanted: Sequence[tuple[int, int]]
) -> tuple[str, ...]:
    """The surest pairs of words of each pair of concepts, as text."""
    found: dict[tuple[int, int], list[str]] = {pair: [] for pair in wanted}
    for row in (-lexicon.confidence[:, 0]).argsort(kind="stable").tolist():
        told = found.get((int(first[row]), int(there[row])))
        if told is not None and len(told) < EXAMPLES:
            told.append(f"{lexicon.source[row]} = {lexicon.target[lexicon.translations[row, 0]]}")
    return tuple("; ".join(found[pair]) for pair in wanted)
