"""What became of a B that was to know more words, as a value and as plain ones."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kgkt.errors import some_words

if TYPE_CHECKING:
    import numpy as np

    from kgkt.transfer.words.confidence import Tuned
    from kgkt.transfer.words.extend import Foretold


@dataclass(frozen=True, slots=True, eq=False)
class Extended:
    """A B that knows more words.

    Args:
        out: its file; None where no word was sure enough, and nothing was written.
        layer: its Embedding.
        words: (m,) that are new in it, in the order of their rows.
        sure: (m,) the confidence in each.
        left: what became of the other words that were asked for: why -> how many.
        pairs, held_out: words that both know, and how many of them the ways were judged on.
        way: in which rows were foretold, the best of `tried`.
        tried: what each way, and each control, foretells of rows held out.
        stretch: how much farther from the mean row than foretold the rows are.
        confidence: from which on words were served.
        rule: how it was chosen: "told", "tuned" or "cautious".
        tuned: what held-out texts said; None without.
        difference: how far B's answers moved on texts of words that it knew; None where it was not asked.
        vocabulary: the new file of words, where B's stand in one.
        notices: what the user should hear.
        named: why -> the first of those words, where they were asked for by name.
        before: how many of B's words have rows that were foretold before, which nothing is learned from.
        classes: of B's outputs, in the order in which the texts were read; none without texts.
        edited: how many of the new words have a strength other than 1 from people.
    """

    out: Path | None
    layer: str
    words: tuple[str, ...]
    sure: np.ndarray
    left: Mapping[str, int]
    pairs: int
    held_out: int
    way: str
    tried: Mapping[str, Foretold]
    stretch: float
    confidence: float
    rule: str
    tuned: Tuned | None = None
    difference: float | None = None
    vocabulary: Path | None = None
    notices: tuple[str, ...] = ()
    named: Mapping[str, Sequence[str]] = field(default_factory=dict)
    before: int = 0
    classes: tuple[str, ...] = ()
    edited: int = 0

    def to_json(self) -> dict[str, Any]:
        """All of it as plain values."""
        told = {name: getattr(self, name) for name in (
            "layer", "words", "left", "named", "pairs", "before", "held_out", "way", "stretch", "rule", "difference",
            "classes", "edited", "notices")}  # fmt: skip
        return {
            "out": None if self.out is None else str(self.out),
            "vocabulary": None if self.vocabulary is None else str(self.vocabulary), **told,
            "sure": [round(float(one), 4) for one in self.sure], "confidence": _finite(self.confidence),
            "tried": {way: dataclasses.asdict(one) for way, one in self.tried.items()},
            "tuned": None if self.tuned is None else _finite(dataclasses.asdict(self.tuned)),
        }  # fmt: skip

    def to_pandas(self) -> Any:
        """A DataFrame with `word` and `confidence` of what is new."""
        import pandas as pd

        return pd.DataFrame({"word": list(self.words), "confidence": self.sure})


def _finite(value: Any) -> Any:
    """The same with null in place of infinity, which JSON has no word for: no word is served."""
    if isinstance(value, dict):
        return {name: _finite(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(one) for one in value]
    return None if value == float("inf") else value


def in_words(left: Mapping[str, int], named: Mapping[str, Sequence[str]] | None = None) -> str:
    """Why words were left out, with counts, and the first of those that were asked for by name."""
    shown = {why: f" ({some_words(words, len(words))}{', …' if len(words) < left[why] else ''})"
             for why, words in (named or {}).items()}  # fmt: skip
    return ", ".join(f"{n:,} {why}{shown.get(why, '')}" for why, n in left.items()) or "none is given"
