"""One graph as the service holds it: read once, kept with its factorisation, read again when it changed."""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from kgkt.errors import InputError, KgktError
from kgkt.serve.answer import Answer, as_state, concepts_answer, items_answer, no_answer
from kgkt.serve.seen import signature
from kgkt.serve.slots import Slots

if TYPE_CHECKING:
    import numpy as np

    from kgkt.concepts.choose import Kernel
    from kgkt.concepts.propagate import Spreader
    from kgkt.recipe import Recipe
    from kgkt.rundir.current import CurrentGraph
    from kgkt.source.labels import LabelRow
    from kgkt.store.protocol import Store

LATE = "~"  # than every time
LOOK_EVERY = 0.5  # seconds between two looks whether a graph changed, as its file tells
ASK_EVERY = 5.0  # seconds between two on a server, which has to be asked


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """The graph at one moment; requests read one and never see half an edit.

    Args:
        current: the graph as people left it.
        answer: what it says of items and concepts.
        revision: counts up with every change; `layout` with those of concepts and edges.
        rows: item id -> its row.
        nearest: (n,) the concept that each item is nearest to.
        exemplars: item rows of each concept, nearest to its centroid first.
        notices: of reading it.
    """

    current: CurrentGraph
    answer: Answer
    revision: int
    layout: int
    rows: dict[str, int]
    nearest: np.ndarray
    exemplars: list[np.ndarray]
    notices: tuple[str, ...] = ()
    kept: dict[Any, Any] = field(default_factory=dict)  # what views worked out of this layout

    def row(self, item: str) -> int:
        """The row of an item, found as people write it.

        Raises:
            InputError: no such item, with the nearest ids.
        """
        from kgkt.source.known_items import known_item

        found = self.rows.get(item)
        return self.rows[known_item(item, self.rows.keys())] if found is None else found

    def concept(self, number: int) -> int:
        """The number, if the graph has such a concept.

        Raises:
            InputError: it has not.
        """
        if not 0 <= number < len(self.current.graph):
            raise InputError(f"no concept {number}: the graph has 0 to {len(self.current.graph) - 1}")
        return number


class HeldGraph:
    """A graph in memory, the same for every request.

    Args:
        recipe: that names it.
        tell: takes (kind, data) of events for the pages that are open.
        write: whether it may be written to.
    """

    def __init__(self, recipe: Recipe, tell: Callable[[str, dict[str, Any]], None], write: bool = False) -> None:
        from kgkt.rundir.state import open_run, store_url
        from kgkt.store.opening import embedded_path

        self.recipe, self.run = recipe, open_run(recipe)
        self._tell = tell
        self._lock = threading.RLock()  # one edit, or one reading, at a time
        self._snapshot: Snapshot | None = None
        self._signature, self._looked = "", 0.0
        self.made = ""  # which populate made what is held
        self._maps: Any = None
        self._slots = Slots(self.run, write)
        embedded = embedded_path(store_url(recipe, self.run)) is not None
        self._every = LOOK_EVERY if embedded else ASK_EVERY
        self._spreader: tuple[Any, float, Spreader] | None = None
        self._kernel: tuple[Any, Kernel] | None = None
        self.working = False  # the items' answer is being worked out

    @property
    def name(self) -> str:
        return self.run.graph

    def now(self) -> Snapshot:
        """The graph as it stands; read again first where it changed. While somebody edits it, as it was before."""
        seen = self._snapshot
        if seen is not None and (not self._due() or not self._lock.acquire(blocking=False)):
            return seen
        if seen is None:
            self._lock.acquire()
        try:
            if self._snapshot is None or self._changed():
                self._read()
            assert self._snapshot is not None
            return self._snapshot
        finally:
            self._lock.release()

    def look_again(self) -> None:
        """Read again what changed meanwhile, and tell the pages."""
        with self._lock:
            self._looked = 0.0
            self.now()

    def state(self) -> dict[str, Any]:
        """The State of the page."""
        from kgkt.rundir.edits import read_log, undone_by

        seen = self.now()
        log = read_log(self.run)
        gone = undone_by(log)
        last = next((e.number for e in reversed(log) if e.whole and e.number not in gone and e.undoes is None), None)
        with self._lock:
            slots = self._slots.of(seen.answer.names, lambda: self._by_first_label(seen.answer.names))
        return as_state(seen.answer, seen.current, seen.nearest, {
            "revision": seen.revision, "layout": seen.layout, "working": self.working, "last_edit": last,
            "slots": slots,
        })  # fmt: skip

    def label(self, rows: Sequence[LabelRow], say: Callable[[str], None]) -> int | None:
        """Write labels and ticks, and ask the concepts anew; returns the number of the edit.

        Args:
            rows: of items of the pool.
            say: takes notices.
        """
        from kgkt.rundir.current import open_graph_store, read_again
        from kgkt.verbs.label import write_rows

        with self._lock:
            before = self.now()
            with open_graph_store(self.recipe, self.run, write=True) as store:
                replaced = _replaced(store, self.name, rows)
                done = write_rows(store, self.run, self.recipe, list(rows), say, None, False)
                if done.edit is None:
                    return None
                current = read_again(store, self.run, before.current, concepts=False)
                self._signature = signature(self.recipe, self.run)  # while nobody else may write
            for notice in replaced:
                say(notice)
            self._looked = time.monotonic()
            self._go_on(before, current, quick=True)
            return done.edit

    def edit(self, verb: Callable[[], Any]) -> Any:
        """Run a verb that edits, and read labels and concepts again: no verb that edits changes more."""
        with self._lock:
            done = verb()
            self._read(same_edges=True)
            return done

    def kernel(self, seen: Snapshot) -> Kernel:
        """How well each concept speaks for each other; held while the concepts stay the same."""
        from kgkt.concepts.choose import reach_kernel
        from kgkt.concepts.threads import one_thread

        with self._lock:
            graph = seen.current.graph
            if self._kernel is None or not _same(self._kernel[0], graph):
                with one_thread():
                    self._kernel = graph, reach_kernel(graph)
            return self._kernel[1]

    def _due(self) -> bool:
        return time.monotonic() - self._looked >= self._every

    def _changed(self) -> bool:
        if not self._due():
            return False
        found = signature(self.recipe, self.run)
        self._looked = time.monotonic()
        return found != self._signature

    def _read(self, same_edges: bool = False) -> None:
        """Read what changed; the signature comes first, so that what changes meanwhile is seen at the next look.

        The pool, memberships and edges are read anew only where the graph was made anew, or an edge was changed.

        Args:
            same_edges: nobody can have changed an edge.
        """
        from kgkt.rundir.current import open_graph_store, own_info, read_again
        from kgkt.rundir.state import population

        before = self._snapshot
        self._signature = signature(self.recipe, self.run)
        self._looked = time.monotonic()
        made = population(self.run)
        with open_graph_store(self.recipe, self.run) as store:
            own_info(store, self.run)
            if before is None or made != self.made or not (same_edges or self._same_edges(store, before.current)):
                self.made = made
                return self._read_whole(store)
            current = read_again(store, self.run, before.current, concepts=True)
        return self._go_on(before, current)

    def _read_whole(self, store: Store) -> None:
        import numpy as np

        from kgkt.concepts.cluster import nearest_concept
        from kgkt.rundir.asking import read_exemplars
        from kgkt.rundir.current import read_current

        said: list[str] = []
        current = read_current(store, self.run, said.append, self.recipe.target.classes)
        before = self._snapshot
        rows = {item: row for row, item in enumerate(current.ids.tolist())}
        number, layout = (1, 1) if before is None else (before.revision + 1, before.layout + 1)
        self._maps = self._mapped()
        self._publish(Snapshot(
            current, self._answer(current), number, layout, rows, np.asarray(nearest_concept(current.Z)),
            read_exemplars(self.run), tuple(said),
        ))  # fmt: skip

    def _same_edges(self, store: Store, current: CurrentGraph) -> bool:
        """Whether the database has as many edges as were read, of the same weight in all."""
        from kgkt.store.readback import rows

        whole = (current.apart or (current.graph,))[0]
        there = rows(store, "edges_digest", graph=self.name)[0]
        total = float(whole.weights.sum())
        return bool(there["n"] == len(whole.edges) and abs((there["total"] or 0.0) - total) <= 1e-9 * max(total, 1.0))

    def _go_on(self, before: Snapshot, current: CurrentGraph, quick: bool = False) -> None:
        """The next snapshot, of the same pool and edges."""
        from kgkt.concepts.cluster import nearest_concept

        maps = self._mapped()
        same = maps == self._maps and _same_graph(before.current, current)
        self._maps = maps
        folded = not _same_merges(before.current, current)
        self._publish(dataclasses.replace(
            before, current=current, answer=self._answer(current, quick), revision=before.revision + 1,
            layout=before.layout + (not same), nearest=nearest_concept(current.Z) if folded else before.nearest,
            kept=before.kept if same else {},
        ))  # fmt: skip

    def _by_first_label(self, names: Sequence[str]) -> list[str]:
        """Classes in the order in which they were first labelled; the others follow in their own."""
        from kgkt.rundir.current import open_graph_store
        from kgkt.store.labels import read_label_records

        first: dict[str, str] = {}
        with open_graph_store(self.recipe, self.run) as store:
            labels, ticks = read_label_records(store, self.name)
        for record in (*labels, *ticks):
            at = str(record["at"] or LATE)
            first[record["class"]] = min(at, first.get(record["class"], at))
        return sorted(names, key=lambda name: (first.get(name, LATE), names.index(name)))

    def _mapped(self) -> Any:
        """What tells the maps of B apart: whichever were made, and what was measured since."""
        state = self.run.state()
        return state.get("maps"), [state.get("stages", {}).get(s, {}).get("id") for s in ("map", "fuse")]

    def _publish(self, seen: Snapshot) -> None:
        first, self._snapshot = self._snapshot is None, seen
        if not first:
            self._tell("changed", {"graph": self.name, "revision": seen.revision, "layout": seen.layout})

    def _answer(self, current: CurrentGraph, quick: bool = False) -> Answer:
        """The whole teacher's answer where it is of this graph, else the concepts'.

        Args:
            current: the graph.
            quick: the last `propagate` is of another one, as a label was just written.
        """
        from kgkt.verbs.propagate import as_last_taught
        from kgkt.verbs.suggest import answer_at_hand

        if not len(current.labels):
            return no_answer(current)
        recipe = as_last_taught(self.recipe, self.run)
        try:
            targets = answer_at_hand(recipe, self.run, current)[0] if not quick else None
            if targets is not None:
                figures = self.run.state()["stages"]["propagate"]["figures"]
                return items_answer(current, targets, figures.get("expected_accuracy"))
            return concepts_answer(current, self._spread(current, recipe.teach.alpha), recipe.teach)
        except KgktError as error:
            return no_answer(current, str(error))

    def _spread(self, current: CurrentGraph, alpha: float | None) -> Spreader:
        """The factorisation, made anew only where concepts, edges or alpha changed."""
        from kgkt.concepts.propagate import make_spreader, usual_alpha
        from kgkt.concepts.threads import one_thread

        if alpha is None:
            alpha = self.run.state().get("stages", {}).get("propagate", {}).get("figures", {}).get("alpha")
        if alpha is None:
            alpha = usual_alpha(len(current.labels.names))
        if self._spreader is None or self._spreader[1] != alpha or not _same(self._spreader[0], current.graph):
            with one_thread():
                self._spreader = current.graph, alpha, make_spreader(current.graph, alpha)
        return self._spreader[2]


def _replaced(store: Store, graph: str, rows: Sequence[LabelRow]) -> list[str]:
    """What was said otherwise of these items, by whom and when."""
    from kgkt.store.labels import read_label_records

    new = {row.item_id: row.name for row in rows if not row.tick}
    return [f"{record['item_id']} was {record['class']}, said by {record['by']} at {record['at']}"
            for record in read_label_records(store, graph)[0]
            if new.get(record["item_id"], record["class"]) != record["class"]]  # fmt: skip


def _same(one: Any, other: Any) -> bool:
    """Whether two concept graphs spread alike: the same edges, and the same concepts on."""
    import numpy as np

    return one is other or (
        np.array_equal(one.active, other.active) and np.array_equal(one.edges, other.edges)
        and np.array_equal(one.weights, other.weights))


def _same_merges(one: CurrentGraph, other: CurrentGraph) -> bool:
    import numpy as np

    return bool(np.array_equal(one.into, other.into))


def _same_graph(one: CurrentGraph, other: CurrentGraph) -> bool:
    """Whether a map of both looks alike: also names, themes and what is merged."""
    import numpy as np

    a, b = one.graph, other.graph
    return (_same(a, b) and a.names.tolist() == b.names.tolist() and np.array_equal(a.themes, b.themes)
            and _same_merges(one, other))
