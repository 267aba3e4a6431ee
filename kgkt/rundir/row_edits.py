"""The strengths to rows: what the graph plans, what people set, and how much of each concept a row gets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kgkt.errors import count, quoted
from kgkt.rundir.current import CurrentGraph
from kgkt.rundir.folder import RunDir
from kgkt.rundir.row_carry import RowStrength, ends_known, ends_of_rows, given_to, rows_waiting
from kgkt.rundir.state import Say

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

    from kgkt.store.protocol import Store
    from kgkt.transfer.words.row_plan import Words
    from kgkt.transfer.words.vocabulary import Vocabulary

Edges = list[tuple[int, int, float, float]]  # concept, row, strength, planned


@dataclass(frozen=True, slots=True)
class RowEdit:
    """A strength to a row that people set.

    Args:
        concept, row: whose, now.
        word: of the row.
        strength: as it was set.
        own: whether it goes with the word, to whichever concept that lies in; else people gave the word to this one.
    """

    concept: int
    row: int
    word: str
    strength: float
    own: bool

    def waits(self, model: str, layer: str) -> RowStrength:
        """The same as run.json keeps it."""
        return None if self.own else self.concept, model, layer, self.row, self.word, self.strength


def row_edits(
    store: Store, run: RunDir, model: str, vocabulary: Vocabulary, words: Words, current: CurrentGraph, say: Say
) -> tuple[list[RowEdit], list[RowStrength]]:
    """The strengths to rows that people set, in the graph that stands or in one before, by words and concepts now.

    Args:
        store: open.
        run: of the graph.
        model: name of B.
        vocabulary: of the Embedding.
        words: of B and A.
        current: the graph; a merged concept's strength is that of the one it counts as.
        say: hears of words that are gone from B or from the graph, or that are now called special.

    Returns:
        Those that act, and those that have to wait: their rows are no words' now, or their word lies by itself in the
        concept that people gave it to.
    """
    layer, named = vocabulary.layer, vocabulary.words.tolist()
    called = [vocabulary.special.get(row) if word is None else word for row, word in enumerate(named)]
    places = {word: row for row, word in reversed(list(enumerate(called))) if word is not None}
    homes = words.home()
    own: dict[int, RowEdit] = {}
    given: dict[tuple[int, int], RowEdit] = {}
    special: dict[tuple[int | None, int], RowStrength] = {}
    unheard, gone = [], []
    homes_of = {named[row]: home for row, home in homes.items()}
    for concept, _, _, row, word, strength in set_by_people(store, run, model, layer, current, homes_of):
        now = row if 0 <= row < len(called) and called[row] == word else places.get(word)
        if now is None:
            unheard.append(word)
        elif named[now] is None:
            special[concept, now] = (concept, model, layer, now, word, strength)
        elif concept is not None:
            given[concept, now] = RowEdit(concept, now, word, strength, False)
        elif now in homes:
            own[now] = RowEdit(homes[now], now, word, strength, True)
        else:
            gone.append(word)
    for what, lost in (("B does not have", unheard), ("the graph does not have", gone)):
        if lost:
            say(f"lost: {count(len(lost), 'strength')} to rows of words that {what} any more: {quoted(lost)}")
    if special:
        shown = quoted(entry[4] for entry in special.values())
        wait = "waits" if len(special) == 1 else "wait"
        say(f"{count(len(special), 'strength')} to the row of {shown} {wait}: B has it, --special calls it no word's")
    by_itself = [edit for edit in own.values() if (edit.concept, edit.row) in given]
    edits = [*(edit for edit in own.values() if edit not in by_itself), *given.values()]
    waits = [*special.values(), *(edit.waits(model, layer) for edit in by_itself)]
    return sorted(edits, key=lambda edit: (edit.concept, edit.row)), waits


def set_by_people(
    store: Store, run: RunDir, model: str, layer: str, current: CurrentGraph, homes: Mapping[str, int]
) -> list[RowStrength]:
    """The strengths to the rows of one Embedding that people set, in a graph before and then in the one that stands.

    Args:
        store, run, model, layer, current: as for `row_edits`.
        homes: word -> the concept that it lies in.
    """
    from kgkt.store.rows import read_row_edits

    into = current.into.tolist()
    waiting = [entry for entry in rows_waiting(run) if entry[1:3] == (model, layer)]
    found: list[RowStrength] = [(None if entry[0] is None else into[entry[0]], *entry[1:]) for entry in waiting]
    given = given_to(found)
    for concept, word, row, strength, planned in read_row_edits(store, run.graph, model, layer, len(into)):
        end = into[concept]
        own = (planned > 0 or end == homes.get(word)) and (end, model, layer, word) not in given
        found.append((None if own else end, model, layer, row, word, strength))
    return found


def deleted_edits(
    store: Store, run: RunDir, model: str, vocabulary: Vocabulary, words: Words, current: CurrentGraph, say: Say
) -> list[RowEdit]:
    """A strength of 0 for each relation to a row that was written before, and that people deleted since.

    That can be told as long as the graph has all of the rows, and the words would get the same concepts as then.

    Args:
        store, run, model, vocabulary, current: as for `row_edits`.
        words: of B and A.
        say: hears how many.
    """
    from kgkt.store.readback import rows
    from kgkt.store.rows import read_row_ends

    layer, named = vocabulary.layer, vocabulary.named()
    if ends_known(run).get(f"{model}/{layer}") != ends_of_rows(run, named, words.home()) or len(named) != rows(
        store, "count_rows", graph=run.graph, model=model, layer=layer)[0]["n"]:  # fmt: skip
        return []
    there = read_row_ends(store, run.graph, model, layer, len(current.graph))
    there = {(int(current.into[concept]), row) for concept, row in there}
    gone = [(concept, row) for row, concept in words.home().items()
            if current.graph.active[concept] and (concept, row) not in there]  # fmt: skip
    if gone:
        say(f"{count(len(gone), 'relation')} to rows of {layer} {'was' if len(gone) == 1 else 'were'} deleted in the "
            "graph: taken as strength 0")
    return [RowEdit(concept, row, str(vocabulary.words[row]), 0.0, True) for concept, row in gone]


def edges_of_rows(
    words: Words, current: CurrentGraph, edits: list[RowEdit], keep: bool
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
    strength = planned | {(edit.concept, edit.row): edit.strength for edit in edits}
    edges = [(concept, row, value, planned.get((concept, row), 0.0)) for (concept, row), value in strength.items()]
    heard = [edge for edge in edges if current.graph.active[edge[0]] and edge[2] > 0]
    ends = ([row for _, row, _, _ in heard], [concept for concept, *_ in heard])
    return edges, csr_matrix(([value for _, _, value, _ in heard], ends),
                             shape=(len(words.own), len(current.graph)), dtype="float64")  # fmt: skip


def acting(edges: Edges, current: CurrentGraph) -> int:
    """How many strengths are other than planned, of concepts that are on."""
    return sum(strength != planned and bool(current.graph.active[concept]) for concept, _, strength, planned in edges)


def unseen(edits: list[RowEdit], edges: Edges) -> list[RowEdit]:
    """The edits that leave no trace in the graph, as they are what is planned: they wait for another plan."""
    as_planned = {(concept, row) for concept, row, strength, planned in edges if strength == planned}
    return [edit for edit in edits if (edit.concept, edit.row) in as_planned]
