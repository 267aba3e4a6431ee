"""The strengths to rows: what the graph plans, what people set, and how much of each concept a row gets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from kgkt.rundir import carry
from kgkt.rundir.current import CurrentGraph
from kgkt.rundir.folder import RunDir
from kgkt.rundir.state import Say

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

    from kgkt.store.protocol import Store
    from kgkt.transfer.words.row_plan import Words
    from kgkt.transfer.words.vocabulary import Vocabulary

Edges = list[tuple[int, int, float, float]]  # concept, row, strength, planned


def row_edits(
    store: Store, run: RunDir, model: str, vocabulary: Vocabulary, current: CurrentGraph, say: Say
) -> list[carry.Strength]:
    """The strengths to rows that people set, in the graph that stands or in one before, by the rows of the words now.

    Args:
        store: open.
        run: of the graph.
        model: name of B.
        vocabulary: of the Embedding.
        current: the graph; a merged concept's strength is that of the one it counts as.
        say: hears of words that have no row any more.
    """
    from kgkt.store.rows import read_row_edits

    layer = f"{carry.ROWS}{vocabulary.layer}"
    words = vocabulary.words.tolist()
    places = {word: row for row, word in reversed(list(enumerate(words))) if word is not None}
    found: dict[tuple[int, int], float] = {}
    for concept, whose, of, row, strength in carry.waiting(run):
        if (whose, of) == (model, layer):
            found[int(current.into[concept]), row] = strength
    for concept, word, row, strength in read_row_edits(store, run.graph, model, vocabulary.layer, len(current.graph)):
        now = row if row < len(words) and words[row] == word else places.get(word)
        if now is None:
            say(f"lost: strength {strength:g} of concept {concept} to the row of {word!r}, a word that B does not have")
        else:
            found[int(current.into[concept]), now] = strength
    return [(concept, model, layer, row, strength) for (concept, row), strength in sorted(found.items())
            if row < len(words) and words[row] is not None]  # fmt: skip


def edges_of_rows(
    words: Words, current: CurrentGraph, edits: list[carry.Strength], keep: bool
) -> tuple[Edges, csr_matrix]:
    """What maps to the rows, and how much of each concept they get: nothing of one that is off.

    Args:
        words: of B and A.
        current: the graph.
        edits: of people.
        keep: whether rows that B trained are planned at 0.

    Returns:
        A strength for each word that A has and each edit, and (rows, k).
    """
    from scipy.sparse import csr_matrix

    planned = {(int(concept), int(row)): 0.0 if keep and words.learned[row] else 1.0
               for concept, row in zip(words.homes, words.at, strict=True)}  # fmt: skip
    strength = planned | {(concept, row): value for concept, _, _, row, value in edits}
    edges = [(concept, row, value, planned.get((concept, row), 0.0)) for (concept, row), value in strength.items()]
    heard = [edge for edge in edges if current.graph.active[edge[0]] and edge[2] > 0]
    ends = ([row for _, row, _, _ in heard], [concept for concept, *_ in heard])
    return edges, csr_matrix(([value for _, _, value, _ in heard], ends),
                             shape=(len(words.own), len(current.graph)), dtype="float64")  # fmt: skip


def let_others_wait(run: RunDir, model: str, layer: str, edits: Sequence[carry.Strength] = ()) -> None:
    """Of the strengths that wait for these rows keep `edits`, and no others: none once they are in the graph."""
    rest = [entry for entry in carry.waiting(run) if entry[1:3] != (model, f"{carry.ROWS}{layer}")]
    carry.let_wait(run, [*rest, *edits])
