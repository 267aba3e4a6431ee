"""What fuse --method rows tells a user to look at: words not found, rows of other lengths, what B does with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from kgkt.errors import count
from kgkt.recipe import Target
from kgkt.source.words.choice import percent

if TYPE_CHECKING:
    from kgkt.transfer.words.row_plan import Space, Words
    from kgkt.transfer.words.vocabulary import Vocabulary

NOT_FOUND = 20  # words of B that figures name of those that A does not have, the first ones in B's order
NAMED = 10  # of these in a notice or a table
FEW = 0.5  # share of B's words in A below which some that are not are named
OTHER = 0.25  # share below which A may be of another language
APART = 2.0  # times that rows left alone may be shorter or longer than those written, before it is said
MUCH = 3.0  # times that A's vectors are longer than a fresh B's rows, before longer ones are proposed
LENGTHS = (1.0, 3.0)  # that were measured (docs/results.md, a text classifier with what a model knows)


def notices_of_rows(
    target: Target, model: Any, layer: Any, vocabulary: Vocabulary, ids: Sequence[str], words: Words, space: Space,
    figures: Mapping[str, Any],
) -> list[str]:  # fmt: skip
    """What is odd about rows that were written, and what would find more words.

    Args:
        target: what was asked for.
        model, layer: B and its Embedding, opened.
        vocabulary: of the Embedding.
        ids: A's words.
        words, space: what was written, and how it came into B's rows.
        figures: as in `WroteRows`.
    """
    from kgkt.transfer.words.embeddings import shared_with
    from kgkt.transfer.words.vocabulary import better_match

    path = vocabulary.layer
    better = better_match(vocabulary.words.tolist(), ids, target.lower, target.strip_accents)
    said = [*_of_words(figures, *better), *_of_lengths(figures, vocabulary)]
    if shared := shared_with(model, layer):
        said.append(f"{path} is shared with {', '.join(shared)}: what is written changes that too")
    if not layer.trainable:
        said.append(f"{path} is frozen: its rows stay as they are written here, whatever trains B")
    if figures["trained"]:
        said.append(f"{count(int(words.learned.sum()), 'row')} of {path} were trained, or put there: "
                    f"{figures['trained']:,} of these are of words that A has, and stay as they are. --replace writes "
                    "them too, --projection pca writes all as into a B that was never trained")  # fmt: skip
    if tried := figures.get("tried"):
        said += _not_ahead(tried, figures["length_chosen"])
    elif target.test:
        said.append("--test is not looked at: rows are written, and nothing is trained")
    if not figures["covered"] + figures["filled"]:
        return [*said, "no row was written: B is saved as it came"]
    return [*said, *_longer(target, words, space)]


def few_found(figures: Mapping[str, Any]) -> bool:
    """Whether so few of B's words are in A that a notice names some that are not."""
    return bool(figures["in_a"] < FEW * figures["words"])


def shown_words(words: Sequence[str], most: int = NAMED) -> str:
    """Some words, each in quotes.

    >>> shown_words(["de", "l'", "et"], 2)
    "'de', \"l'\""
    """
    return ", ".join(repr(str(word)) for word in words[:most])


def _of_words(figures: Mapping[str, Any], flags: str, most: int) -> list[str]:
    """How many of B's words were found, where that is few or could be more."""
    named, found = figures["words"], figures["in_a"]
    few = few_found(figures)
    if not flags and not few:
        return []
    said = f"{percent(found, named)} of B's words are in this graph"
    if flags:
        said += f"; {percent(most, named)} with {flags}"
    if few:
        said += f". Not found, in B's order: {shown_words(figures['not_found'])}"
    if few and figures["cut_by"]:
        said += f". It was cut by {figures['cut_by']}: a larger one may have more of them"
    elif max(found, most) < OTHER * named:
        said += ". Is A of the language of B's texts? Words that are only spelled alike get what A knows of others"
    return [said]


def _of_lengths(figures: Mapping[str, Any], vocabulary: Vocabulary) -> list[str]:
    """Rows of words that were left alone, where they are much shorter or longer than those that were written."""
    alone, written = figures["length_alone"], figures["length"]
    if alone is None or written is None or 1 / APART <= alone / written <= APART:
        return []
    rows = figures["words"] - figures["covered"] - figures["filled"]
    longer, more = ("longer", "more") if written > alone else ("shorter", "less")
    return [f"{count(rows, 'row')} of words left alone in {vocabulary.layer}: mean length {alone:.3g}, of those "
            f"written {written:.3g}. Where B adds up its words, the {longer} written ones count {more}"]


def _not_ahead(tried: Sequence[Mapping[str, float]], chosen: float) -> list[str]:
    """That rows from A did not help B on the texts that chose their length, where so."""
    best = next(one for one in tried if one["norm"] == chosen)
    if best["gain"] > best["error"]:
        return []
    gain = f"{best['gain']:.3f} ±{best['error']:.3f}"
    return [f"rows from A gain B nothing on these texts: held out the loss is {best['loss']:.3f} with the best length, "
            f"{tried[0]['loss']:.3f} with B's own rows, a gain of {gain}"]  # fmt: skip


def _longer(target: Target, words: Words, space: Space) -> list[str]:
    """Lengths to try, where rows of a B that was never trained are kept much shorter than A's vectors."""
    import numpy as np

    asked = target.row_norm
    if space.learned is not None or (asked is not None and str(asked).strip().lower() != "keep"):
        return []
    a = float(np.linalg.norm(words.vectors, axis=1).mean())
    if a < MUCH * space.norm:
        return []
    lengths = sorted({f"{length:.2g}": length for length in (*LENGTHS, a) if length > APART * space.norm}.items(),
                     key=lambda one: one[1])  # fmt: skip
    shown = [name for name, _ in lengths]
    tries = shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"
    return [f"rows stay {space.norm:.3g} long in the mean, A's vectors are {a:.3g}: try --row-norm {tries} on texts "
            "held out, or --row-norm tuned --test texts.csv, which does that. Measured in classifiers that take the "
            "mean of their words, 10 labels a class, --rank full: length 3 gained 16 points where 0.23 gained 2, on "
            "longer texts 3.3 where 0.23 lost 1 (docs/results.md)"]
