"""A B that is to get more words: opened, with its words, its Embedding, and what numbers the words."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kgkt.errors import InputError
from kgkt.recipe import Recipe
from kgkt.rundir.beside import foretold_beside, foretold_in_words
from kgkt.rundir.row_target import look_at_rows
from kgkt.rundir.state import Say
from kgkt.rundir.words import ITEMS_ARE_WORDS, listed_words

if TYPE_CHECKING:
    import numpy as np

    from kgkt.transfer.words.vocabulary import Vocabulary


@dataclass(frozen=True, slots=True, eq=False)
class Growing:
    """B before it grows.

    Args:
        path, model: its file, and what that holds.
        vocabulary, layer, lookup: its words, its Embedding, and what numbers the words; None: nothing in B does.
        beside: the new file of words, where B's stand in one.
        foretold: (rows,) bool, its rows that kgkt foretold.
    """

    path: Path
    model: Any
    vocabulary: Vocabulary
    layer: Any
    lookup: Any
    beside: Path | None
    foretold: np.ndarray

    @property
    def before(self) -> int:
        """How many words have rows that kgkt foretold."""
        pairs = zip(self.vocabulary.words, self.foretold.tolist(), strict=False)
        return sum(word is not None and made for word, made in pairs)

    def trained(self) -> list[str | None]:
        """The words of its rows, without those of rows that kgkt foretold: of these nothing is learned."""
        return [None if made else word for word, made in zip(self.vocabulary.words, self.foretold, strict=False)]


def open_growing(recipe: Recipe, say: Say, force: bool) -> Growing:
    """B, if its vocabulary can grow, and a place for the new one."""
    from kgkt.source.models import open_model
    from kgkt.transfer.card import check_output
    from kgkt.transfer.words.embeddings import need_embedding
    from kgkt.transfer.words.longer import check_alone, check_file
    from kgkt.transfer.words.vocabulary import lookup_before, vocabulary_of

    target = recipe.target
    assert target.model is not None
    assert target.out is not None
    path, out = Path(target.model), Path(target.out)
    check_output(out, path, force)
    look_at_rows(target)
    model = open_model(path, target.imports, recipe.source.allow_legacy)
    listed = listed_words(target.vocabulary)
    vocabulary = vocabulary_of(model, target.layer, listed, special=target.special, name=path.name)
    layer = need_embedding(model, vocabulary.layer, path.name)[1]
    lookup = None if target.vocabulary else lookup_before(model, vocabulary.layer, layer, path.name)
    check_alone(model, vocabulary.layer, layer, lookup, path.name)
    if lookup is not None and lookup.get_config().get("split") == "character":
        raise InputError(f"{path.name}: {lookup.name} splits texts into characters: there are no words to extend")
    beside = out.with_suffix(".vocabulary.txt") if lookup is None else None
    if beside is not None:
        check_file(vocabulary, beside, force)
    for notice in vocabulary.notices:
        say(notice)
    b = Growing(path, model, vocabulary, layer, lookup, beside,
                foretold_beside(path, vocabulary.layer, vocabulary.rows))  # fmt: skip
    if b.before:
        say(foretold_in_words(path, b.before, "for the confidence B does not know these words"))
    return b


def check_match(b: Growing, known: list[str], found: int, forms: tuple[bool, bool], say: Say) -> None:
    """Say which options would find more of B's words among A's; refuse where too few are found.

    Raises:
        InputError: as said.
    """
    from kgkt.transfer.words.extend import FEWEST_PAIRS
    from kgkt.transfer.words.vocabulary import better_match

    words = [word for word in b.trained() if word is not None]
    better, more = better_match(words, known, *forms)
    own = " own" if b.before else ""
    what = f"the graph has {found:,} of the {len(words):,}{own} words of {b.path.name}"
    hint = f"; with {better} {more:,}" if better else ""
    if found < FEWEST_PAIRS:
        if not hint and found < len(words) / 2:
            hint = f". The graph's {ITEMS_ARE_WORDS}"
        raise InputError(f"{what}, and rows of new ones are learned from {FEWEST_PAIRS} or more{hint}")
    if hint:
        say(what + hint)
