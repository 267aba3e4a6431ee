"""What is said of the lexicons of two graphs: that there is none, that one went, or what makes it doubtful."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from kgkt.errors import nearest
from kgkt.rundir.derived import flags_text, lexicons_again, read_written
from kgkt.rundir.folder import RunDir
from kgkt.rundir.state import graphs_of
from kgkt.transfer.words.dictionary import GUESSES

if TYPE_CHECKING:
    from kgkt.store.protocol import Store

TRANSLATED = {"translated": "nothing translates into", "untranslated": "every concept has a counterpart in"}
DROPPED = "lexicons dropped"  # key of run.json: pairs of graphs
NO_LEXICON = "no lexicon with another graph: kgkt lexicon{flags} --graphs {graph},OTHER --seeds pairs.tsv makes one"


def told_of_lexicons(
    word: str, run: RunDir, store: Store, into: str = "", flags: Sequence[str] = (), found: bool = True
) -> list[str]:
    """What to say beside the answer to a query of what `lexicon` found.

    Args:
        word: translated or untranslated.
        run, store: of the graph that was asked.
        into: a graph, or "" for any.
        flags: by which a command finds the graph, from `place_flags`.
        found: whether there is an answer; else it is told why there is none.
    """
    from kgkt.store.lexicon import merges
    from kgkt.store.readback import rows

    pairs = [row for row in rows(store, "read_translated", graph=run.graph)
             if not into or into in (row["first"], row["second"])]  # fmt: skip
    told = [] if found else [nothing_translated(word, run, store, into, flags)]
    for row in pairs:
        name = f"{row['first']},{row['second']}"
        if found and row["right"] is not None and row["right"] < GUESSES:
            told.append(f"the lexicon of {name} has {100 * row['right']:.0f} % of the words right that were held out: "
                        "its counterparts are guesses")  # fmt: skip
        if (row["merged"] or "") != merges(store, row["first"], row["second"]):
            told.append(f"the lexicon of {name} was made before concepts were merged or taken apart, and its figures "
                        f"are of the concepts as they were; to make it again: {lexicons_again([name], flags)[0]}")
    return told


def nothing_translated(word: str, run: RunDir, store: Store, into: str = "", flags: Sequence[str] = ()) -> str:
    """Why a query of what `lexicon` found gives nothing: nothing is so, or there is no lexicon, or it went.

    Args:
        word, run, store, into, flags: as for `told_of_lexicons`.
    """
    from kgkt.store.readback import list_graphs

    pairs = read_written(store, run.graph)["lexicons"]
    known = [other for pair in pairs for other in pair.split(",") if other != run.graph]
    if known and (not into or into in known):
        return f"{TRANSLATED[word]} {into or ', '.join(known)}"
    here = {frozenset(pair.split(",")) for pair in pairs}
    went = [pair for pair in _gone(run) if frozenset(pair.split(",")) not in here
            and (not into or into in pair.split(","))]  # fmt: skip
    if went:
        there = {str(info.get("graph")) for info in list_graphs(store)}
        missing = sorted({name for pair in went for name in pair.split(",") if name not in there})
        why = (f"with {' and '.join(f'graph {name}' for name in missing)}, not there any more" if missing else
               "when one of its graphs was populated again, or dropped")  # fmt: skip
        first = [f"kgkt populate{flags_text(flags, graph=False)} --graph {name} …" for name in missing]
        return (f"the lexicon of {' and of '.join(went)} went {why}; to make it again: "
                + "; ".join([*first, *lexicons_again(went, flags)]))  # fmt: skip
    if known:
        return f"no lexicon with {into}{nearest(into, known)}"
    return NO_LEXICON.format(graph=run.graph, flags=flags_text(flags, graph=False))


def _gone(run: RunDir) -> list[str]:
    """The lexicons of a graph that went: as it, or the other one, was populated again, or the other one dropped."""
    state, folders = run.state(), (RunDir(run.root, name) for name in graphs_of(run.root))
    went = {pair for folder in folders for pair in _went_with(folder.state()) if run.graph in pair.split(",")}
    return sorted({*_went_with(state), *went, *state.get(DROPPED, [])})


def _went_with(state: Mapping[str, Any]) -> list[str]:
    """The lexicons that went when the graph of this run.json was populated again."""
    return list(state.get("stages", {}).get("populate", {}).get("figures", {}).get("gone", {}).get("lexicons", []))


def remember_dropped(run: RunDir, lexicons: Sequence[str]) -> None:
    """Write down which lexicons of a graph go, as the other one is dropped."""
    state = run.state()
    run.write_state({**state, DROPPED: sorted({*state.get(DROPPED, []), *lexicons})})
