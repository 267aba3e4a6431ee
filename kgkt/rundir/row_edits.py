"""The strengths to rows: what the graph plans, what people set, and how much of each concept a row gets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from kgkt.errors import count
from kgkt.files import digest_value
from kgkt.rundir import carry
from kgkt.rundir.current import CurrentGraph
from kgkt.rundir.folder import RunDir
from kgkt.rundir.state import Say, population

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

    from kgkt.store.protocol import Store
    from kgkt.transfer.words.row_plan import Words
    from kgkt.transfer.words.vocabulary import Vocabulary

WRITTEN = "written_rows"  # key of run.json: which rows are whole in the graph
Edges = list[tuple[int, int, float, float]]  # concept, row, strength, planned


def row_edits(
    store: Store, run: RunDir, model: str, vocabulary: Vocabulary, current: CurrentGraph, say: Say
) -> tuple[list[carry.Strength], list[carry.Strength]]:
    """The strengths to rows that people set, in the graph that stands or in one before, by the rows of the words now.

    Args:
        store: open.
        run: of the graph.
        model: name of B.
        vocabulary: of the Embedding.
        current: the graph; a merged concept's strength is that of the one it counts as.
        say: hears of words that have no row any more, or one that is now called special.

    Returns:
        Those that act, and those that have to wait as their rows are no words' now.
    """
    from kgkt.store.rows import read_row_edits

    layer = f"{carry.ROWS}{vocabulary.layer}"
    words = vocabulary.words.tolist()
    called = [vocabulary.special.get(row) if word is None else word for row, word in enumerate(words)]
    places = {word: row for row, word in reversed(list(enumerate(called))) if word is not None}
    found: dict[tuple[int, int], float] = {}
    for concept, whose, of, row, strength in carry.waiting(run):
        if (whose, of) == (model, layer):
            found[int(current.into[concept]), row] = strength
    for concept, word, row, strength in read_row_edits(store, run.graph, model, vocabulary.layer, len(current.graph)):
        now = row if row < len(words) and called[row] == word else places.get(word)
        if now is None:
            say(f"lost: strength {strength:g} of concept {concept} to the row of {word!r}, a word that B does not have")
        else:
            found[int(current.into[concept]), now] = strength
    known = [(concept, model, layer, row, strength) for (concept, row), strength in sorted(found.items())
             if row < len(words) and called[row] is not None]  # fmt: skip
    waits = [edit for edit in known if words[edit[3]] is None]
    for concept, _, _, row, strength in waits:
        say(f"strength {strength:g} of concept {concept} to the row of {called[row]!r} waits: B has that word, but "
            "--special says that its row is no word's")
    return [edit for edit in known if words[edit[3]] is not None], waits


def deleted_edits(
    store: Store, run: RunDir, model: str, vocabulary: Vocabulary, words: Words, current: CurrentGraph, say: Say
) -> list[carry.Strength]:
    """A strength of 0 for each relation to a row that was written before, and that people deleted since.

    That can be told as long as the graph has all of the rows, and the words would get the same concepts as then.

    Args:
        store, run, model, vocabulary, current: as for `row_edits`.
        words: of B and A.
        say: hears how many.
    """
    from kgkt.store.readback import rows
    from kgkt.store.rows import read_row_ends

    layer = vocabulary.layer
    named = sum(word is not None for word in vocabulary.words)
    known = ends_known(run).get(f"{model}/{layer}")
    if known != ends_of_rows(run, vocabulary, words) or named != rows(
        store, "count_rows", graph=run.graph, model=model, layer=layer)[0]["n"]:  # fmt: skip
        return []
    there = read_row_ends(store, run.graph, model, layer, len(current.graph))
    there = {(int(current.into[concept]), row) for concept, row in there}
    ends = zip(words.homes.tolist(), words.at.tolist(), strict=True)
    gone = [(concept, row) for concept, row in ends if current.graph.active[concept] and (concept, row) not in there]
    if gone:
        say(f"{count(len(gone), 'relation')} to rows of {layer} {'was' if len(gone) == 1 else 'were'} deleted in the "
            "graph: taken as strength 0")
    return [(concept, model, f"{carry.ROWS}{layer}", row, 0.0) for concept, row in gone]


def ends_of_rows(run: RunDir, vocabulary: Vocabulary, words: Words) -> str:
    """Digest of which concept each word's row is written from."""
    return digest_value([population(run), vocabulary.words.tolist(), words.at.tolist(), words.homes.tolist()])


def ends_known(run: RunDir) -> dict[str, str]:
    """Digests as `ends_of_rows` of the rows that are whole in the graph, by model and layer."""
    return dict(run.state().get(WRITTEN, {}))


def remember_ends(run: RunDir, model: str, layer: str, digest: str | None) -> None:
    """Write down that the rows of an Embedding are whole in the graph; None: that they may not be."""
    known = {name: one for name, one in ends_known(run).items() if name != f"{model}/{layer}"}
    known |= {} if digest is None else {f"{model}/{layer}": digest}
    if known != ends_known(run):
        run.write_state({**run.state(), WRITTEN: known})


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
