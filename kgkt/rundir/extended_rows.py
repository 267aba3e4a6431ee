"""The rows of words that B never saw, in the graph: what people set to them acts once B is extended again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kgkt.errors import count, quoted
from kgkt.rundir.current import CurrentGraph
from kgkt.rundir.folder import RunDir
from kgkt.rundir.row_carry import RowStrength, ends_known, ends_of_rows, let_wait_for, remember_ends
from kgkt.rundir.row_edits import set_by_people
from kgkt.rundir.state import Say

if TYPE_CHECKING:
    import numpy as np

    from kgkt.store.protocol import Store


@dataclass(frozen=True, slots=True)
class SetRows:
    """What people set to the rows of one longer B.

    Args:
        model, layer: whose rows.
        own: word -> strength of its own concept.
        given: strengths of other concepts, by (concept, word): a row is foretold from the word alone, so none acts.
    """

    model: str
    layer: str
    own: Mapping[str, float]
    given: Mapping[tuple[int, str], float]

    def of(self, words: Sequence[str]) -> list[float]:
        """The strength of each of these words, 1 where nobody set one."""
        return [self.own.get(word, 1.0) for word in words]

    def waits(self, words: Sequence[str] = ()) -> list[RowStrength]:
        """The strengths to rows of other words than these, as run.json keeps them."""
        held = set(words)
        own = [(None, self.model, self.layer, -1, word, value) for word, value in self.own.items() if word not in held]
        return [*own, *((concept, self.model, self.layer, -1, word, value)
                        for (concept, word), value in self.given.items() if word not in held)]  # fmt: skip


def read_set_rows(
    store: Store, run: RunDir, model: str, layer: str, current: CurrentGraph, homes: Mapping[str, int] | None
) -> SetRows:
    """What people set to the rows of a longer B that was written before, a relation that they deleted being 0.

    Args:
        store: open.
        run: of the graph.
        model, layer: whose rows.
        current: the graph.
        homes: the concept of each word that B may get; None where the graph is not told of its rows.
    """
    from kgkt.store.rows import read_row_ends, read_row_words

    own: dict[str, float] = {}
    given: dict[tuple[int, str], float] = {}
    if homes is None:
        return SetRows(model, layer, own, given)
    for concept, _, _, _, word, strength in set_by_people(store, run, model, layer, current, homes):
        if concept is None:
            own[word] = strength
        else:
            given[concept, word] = strength
    words = read_row_words(store, run.graph, model, layer)
    if words and ends_known(run).get(f"{model}/{layer}") == ends_of_rows(run, words, {}):
        there = {row for _, row in read_row_ends(store, run.graph, model, layer, len(current.graph))}
        own |= {word: 0.0 for row, word in words.items() if row not in there and word in homes}
    return SetRows(model, layer, own, given)


def mixed(rows: np.ndarray, strengths: Sequence[float], unknown: np.ndarray) -> np.ndarray:
    """Rows (m, w) of which those with a strength below 1 are brought nearer to that of unknown words (w,)."""
    import numpy as np

    s = np.asarray(strengths, np.float32)[:, None]
    return np.where(s == 1, rows, s * rows + (1 - s) * unknown).astype(np.float32)


def say_set(set_: SetRows, words: Sequence[str], say: Say) -> None:
    """Say what people set to rows: what acts on these words, what does not, and what has to wait."""
    acts = [word for word, strength in zip(words, set_.of(words), strict=True) if strength != 1]
    if acts:
        say(f"{_many(acts, 'acts', 'act')}: at 0 it is the row of unknown words")
    if idle := [word for _, word in set_.given if word in words]:
        say(f"{_many(idle, 'does not act', 'do not act')}: of another concept, and new rows are foretold from the word")
    if waits := [entry[4] for entry in set_.waits(words)]:
        say(f"{_many(waits, 'waits', 'wait')}: B does not get that now")


def _many(words: Sequence[str], one: str, more: str) -> str:
    return f"{count(len(words), 'strength')} to the row of {quoted(words)} {one if len(words) == 1 else more}"


def tell_graph(
    store: Store, run: RunDir, set_: SetRows, model: Any, variable: str, first: int, words: Sequence[str],
    homes: Sequence[int],
) -> None:  # fmt: skip
    """A block for each new row in the graph, and the concept that it came from.

    Args:
        store: open for writing.
        run: of the graph.
        set_: whose rows, and what people set to them.
        model: the longer B.
        variable: path of the Embedding's weights.
        first: row of the first new word.
        words, homes: (m,) the new words, and the concept of each.
    """
    from kgkt.store.rows import write_rows

    node = {"name": set_.model, "role": "target", "framework": "keras", "n_weights": int(model.count_params())}
    at = {word: first + i for i, word in enumerate(words)}
    edges = [(home, at[word], strength, 1.0) for home, word, strength in
             zip(homes, words, set_.of(words), strict=True)]  # fmt: skip
    edges += [(concept, at[word], strength, 0.0) for (concept, word), strength in set_.given.items() if word in at]
    let_wait_for(run, set_.model, set_.layer, set_.waits())
    remember_ends(run, set_.model, set_.layer, None)
    write_rows(store, run.graph, node, set_.layer, variable, [*[None] * first, *words], edges)
    let_wait_for(run, set_.model, set_.layer, set_.waits(words))
    remember_ends(run, set_.model, set_.layer, ends_of_rows(run, {row: word for word, row in at.items()}, {}))
