"""The strengths to rows that people set, from one graph to the next: they follow the word, or whom it was given to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kgkt.concepts.merge import ends_of, nearest_merged
from kgkt.errors import quoted
from kgkt.files import digest_value
from kgkt.rundir.folder import RunDir
from kgkt.rundir.state import population, settings_of

if TYPE_CHECKING:
    from kgkt.rundir.graph_files import Before
    from kgkt.store.protocol import Store

WRITTEN = "written_rows"  # key of run.json: which rows are whole in the graph
WAITING = "row strengths"  # key of run.json: until the rows are written again
# concept (None: the one that the word lies in, whichever that is), model B, layer, row, word, strength as it was set
RowStrength = tuple[int | None, str, str, int, str, float]


def rows_waiting(run: RunDir) -> list[RowStrength]:
    """The strengths to rows that the next writing of these rows takes over."""
    return [tuple(entry) for entry in run.state().get(WAITING, [])]


def let_rows_wait(run: RunDir, strengths: Sequence[RowStrength]) -> None:
    """Keep these strengths to rows, and no others, until the rows are written again."""
    if list(strengths) != rows_waiting(run):
        run.write_state({**run.state(), WAITING: list(strengths)})


def let_wait_for(run: RunDir, model: str, layer: str, strengths: Sequence[RowStrength] = ()) -> None:
    """Of the strengths that wait for the rows of one Embedding keep these, and no others: none once all are written."""
    rest = [entry for entry in rows_waiting(run) if entry[1:3] != (model, layer)]
    let_rows_wait(run, [*rest, *strengths])


def given_to(waiting: Iterable[RowStrength]) -> set[tuple[int, str, str, str]]:
    """Which rows wait for a concept that people gave them to: (concept, model, layer, word)."""
    return {(entry[0], entry[1], entry[2], entry[4]) for entry in waiting if entry[0] is not None}


def row_strengths(
    edited: Sequence[Mapping[str, Any]], run: RunDir, before: Before | None, people: Mapping[str, Any]
) -> list[RowStrength]:
    """What people set to rows in the graph that stands, behind what waits from one before it.

    A strength is the word's own where kgkt planned that relation, or where the word lies in that concept; else people
    gave the word to another concept.

    Args:
        edited: of each {number, model, layer, index, block, planned, strength}, its concept being the number.
        run: of the graph.
        before: the graph that stands; None where its files are gone.
        people: with the concepts that they switched off, deleted or merged.
    """
    found, into = rows_waiting(run), ends_of(people["merged"], _off(people))
    given = given_to(found)
    homes: dict[tuple[str, str], int] = {}
    for model in {one["model"] for one in edited}:
        if before is None:
            break
        words = {str(one["block"]) for one in edited if one["model"] == model}
        homes |= {(model, word): home for word, home in _homes(sorted(words), model, run, before, into).items()}
    for one in edited:
        concept, place = one["number"], (one["model"], one["layer"], str(one["block"]))
        own = (one["planned"] or 0) > 0 or into.get(concept, concept) == homes.get((place[0], place[2]))
        found.append((None if own and (concept, *place) not in given else concept, *place[:2], int(one["index"]),
                      place[2], float(one["strength"])))  # fmt: skip
    return found


def deleted_strengths(store: Store, run: RunDir, before: Before, people: Mapping[str, Any]) -> list[RowStrength]:
    """A strength of 0 for each row whose relation to its word's concept people deleted since it was written.

    Args:
        store: open.
        run, before, people: as for `row_strengths`; words of concepts that are off are left out.
    """
    from kgkt.store.rows import read_row_ends, read_row_words

    off = _off(people)
    into = ends_of(people["merged"], off)
    found: list[RowStrength] = []
    for name, whole in ends_known(run).items():
        model, _, layer = name.partition("/")
        words = read_row_words(store, run.graph, model, layer)
        lies = _homes(sorted(set(words.values())), model, run, before, into)
        homes = {row: lies[word] for row, word in words.items() if word in lies}
        there = {(into.get(concept, concept), row) for concept, row in
                 read_row_ends(store, run.graph, model, layer, len(before))}  # fmt: skip
        if whole == ends_of_rows(run, words, homes):
            gone = [row for row, home in homes.items() if home not in off and (home, row) not in there]
        elif whole == ends_of_rows(run, words, {}):  # of words that B never saw: each had a relation
            heard = {row for _, row in there}
            gone = [row for row in words if homes.get(row) not in off and row not in heard]
            gone = [row for row in gone if row in homes or not people["deleted"]]
        else:
            continue
        found += [(None, model, layer, row, words[row], 0.0) for row in gone]
    return found


def _off(people: Mapping[str, Any]) -> set[int]:
    return {*people["switched_off"], *people["deleted"]}


def _homes(words: Sequence[str], model: str, run: RunDir, before: Before, into: Mapping[int, int]) -> dict[str, int]:
    """The concept that each word lies in, found as the rows of that model were asked for last."""
    from kgkt.transfer.words.vocabulary import match

    told = settings_of(run, "rows").get("target", {})
    mine = told if Path(str(told.get("model", ""))).stem == model else {}
    found = match(words, before.ids.tolist(), bool(mine.get("lower")), bool(mine.get("strip_accents"))).tolist()
    nearest = nearest_merged(before.memberships, into).tolist()
    return {word: nearest[item] for word, item in zip(words, found, strict=True) if item >= 0}


def ends_of_rows(run: RunDir, words: Mapping[int, str], homes: Mapping[int, int]) -> str:
    """Digest of which concept each word's row is written from.

    Args:
        run: of the graph.
        words: row -> word of B.
        homes: row -> concept, of the words that A has.
    """
    return digest_value([population(run), sorted(words.items()), sorted(homes.items())])


def ends_known(run: RunDir) -> dict[str, str]:
    """Digests as `ends_of_rows` of the rows that are whole in the graph, by model and layer."""
    return dict(run.state().get(WRITTEN, {}))


def remember_ends(run: RunDir, model: str, layer: str, digest: str | None) -> None:
    """Write down that the rows of an Embedding are whole in the graph; None: that they may not be."""
    known = {name: one for name, one in ends_known(run).items() if name != f"{model}/{layer}"}
    known |= {} if digest is None else {f"{model}/{layer}": digest}
    if known != ends_known(run):
        run.write_state({**run.state(), WRITTEN: known})


def place_rows(entries: Iterable[Sequence[Any]], places: Mapping[int, int]) -> tuple[list[RowStrength], list[str]]:
    """Where in the new graph strengths to rows belong, and a line for each concept whose words lost theirs.

    Args:
        entries: as `RowStrength`. A word's own strength needs no place: it acts on the concept that the word lies in
            once the rows are written.
        places: number of a concept as it was -> its number now.
    """
    kept: list[RowStrength] = []
    homeless: dict[tuple[int, str, str], list[str]] = {}
    for concept, model, layer, row, word, strength in entries:
        if concept is None or concept in places:
            kept.append((None if concept is None else places[concept], model, layer, row, word, strength))
        else:
            homeless.setdefault((concept, model, layer), []).append(word)
    return kept, [f"strengths of concept {concept} to the rows of {quoted(words)} in {model} {layer}: no new "
                  "concept holds half of its items" for (concept, model, layer), words in homeless.items()]  # fmt: skip
