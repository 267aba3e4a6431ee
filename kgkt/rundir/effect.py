"""How many items an edit gives another class, by the concepts' answer: a closed form, solved in milliseconds."""

from __future__ import annotations

import dataclasses
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from kgkt.concepts.effect import changed_items, concepts_say
from kgkt.concepts.propagate import ALPHA, Spreader, hearing, make_spreader
from kgkt.errors import KgktError, count
from kgkt.recipe import Teach
from kgkt.rundir.current import CurrentGraph, read_again, read_current
from kgkt.rundir.folder import RunDir
from kgkt.store.protocol import Store

if TYPE_CHECKING:
    import numpy as np

SHOWN = 4  # classes that are named
LABELS = 5  # labels that are


@dataclass(frozen=True, slots=True)
class Effect:
    """What an edit does to the classes of the pool, by the concepts' answer.

    Args:
        now: what the items are that change class: class (or "not CLASS", "no class") -> how many, most first.
        milliseconds: of solving for all items, before and after the edit.
        seconds: of reading the graph and its memberships before that.
        why_not: why it could not be told; "" where it could.
        ticked: class -> how many of these a tick took from it: they are "not CLASS" in `now`.
        unheard: labels and ticks that nothing is learned of since the edit, because the concepts of their items are all
            off, as ITEM=CLASS -> number of such a concept.
        current: the graph with the edit in it, where it could be read.
    """

    now: dict[str, int]
    milliseconds: float = 0.0
    seconds: float = 0.0
    why_not: str = ""
    ticked: dict[str, int] = field(default_factory=dict)
    unheard: dict[str, int] = field(default_factory=dict)
    current: CurrentGraph | None = field(default=None, repr=False, compare=False)

    @property
    def changed(self) -> int:
        """How many items change class."""
        return sum(self.now.values())

    def fields(self) -> dict[str, Any]:
        """The same for programs."""
        return {
            "changed": None if self.why_not else self.changed, "now": self.now, "milliseconds": self.milliseconds,
            "seconds": self.seconds, "why_not": self.why_not or None, "unheard": self.unheard,
        }  # fmt: skip

    def in_words(self) -> str:
        """The same for a person."""
        if self.why_not:
            return f"how many items change class cannot be told: {self.why_not}"
        ticked = {f"not {name}" for name in self.ticked}
        classes = [f"{name}: {n:,}" for name, n in self.now.items() if name not in ticked]
        shown = classes[:SHOWN] + ([f"{len(classes) - SHOWN} more"] if len(classes) > SHOWN else [])
        parts = [f"now {', '.join(shown)}"] if shown else []
        by_tick = list(self.ticked.items())
        parts += [f"{n:,} {'is' if n == 1 else 'are'} not {name}, by a tick" for name, n in by_tick[:SHOWN]]
        parts += [f"{sum(n for _, n in by_tick[SHOWN:]):,} by other ticks"] if len(by_tick) > SHOWN else []
        now = f" ({'; '.join(parts)})" if parts else ""
        change = "changes" if self.changed == 1 else "change"
        return (f"{count(self.changed, 'item')} {change} class by the concepts' answer{now} in "
                f"{self.milliseconds:.0f} ms, the graph read in {self.seconds:.1f} s")  # fmt: skip

    def silence(self) -> str:
        """What nothing is learned of since the edit, for a person; "" where that is nothing."""
        if not self.unheard:
            return ""
        first, n = next(iter(self.unheard.values())), len(self.unheard)
        labels = ", ".join(list(self.unheard)[:LABELS]) + (f", … ({n:,} labels)" if n > LABELS else "")
        its, it = ("its", "it") if n == 1 else ("their", "them")
        return (f"{labels}: {its} concepts are all off, and nothing is learned of {it} until one is on "
                f"(kgkt switch on --concept {first})")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Seen:
    """The graph before an edit, and what its concepts said of every item; `why_not` where they could not be asked."""

    teach: Teach
    alpha: float
    current: CurrentGraph | None = None
    spreader: Spreader | None = None
    said: tuple[np.ndarray, list[str]] | None = None
    milliseconds: float = 0.0
    seconds: float = 0.0
    why_not: str = ""


def look(store: Store, run: RunDir, teach: Teach) -> Seen:
    """Read the graph and ask its concepts, before an edit. What does not let them answer does not stop the edit.

    Args:
        store: open.
        run: of the graph.
        teach: class shares and how far knowledge travels; alpha is that of the last `propagate` where it is not given.
    """
    last = run.state().get("stages", {}).get("propagate", {}).get("figures", {}).get("alpha")
    alpha = ALPHA if last is None else last
    seen = Seen(teach, alpha if teach.alpha is None else teach.alpha)
    start = time.perf_counter()
    try:
        _load()
        current = read_current(store, run, lambda _: None)
        clock = time.perf_counter()
        seen = dataclasses.replace(seen, current=current, seconds=clock - start)
        said, spreader = _ask(seen, current, None)
    except KgktError as error:
        return dataclasses.replace(seen, why_not=str(error))
    return dataclasses.replace(seen, said=said, spreader=spreader, milliseconds=1e3 * (time.perf_counter() - clock))


def effect_since(seen: Seen, store: Store, run: RunDir, concepts: bool) -> Effect | None:
    """What changed since `look`; None where nothing is labelled, now or then.

    Args:
        seen: what `look` returned.
        store: the same, with the edit in it.
        run: of the graph.
        concepts: whether the edit may have changed concepts; else only labels are read again.
    """
    if seen.current is None:
        return Effect({}, why_not=seen.why_not)
    start = time.perf_counter()
    try:
        current = read_again(store, run, seen.current, concepts)
    except KgktError as error:
        return Effect({}, why_not=str(error))
    return effect_of(seen, current, time.perf_counter() - start)


def effect_of(seen: Seen, current: CurrentGraph, seconds: float = 0.0) -> Effect | None:
    """What the concepts say otherwise in `current`; `seconds`: what it took to read that. None without any label.

    They cannot be asked where every concept is off, or a tick has no second class, before the edit or after it.
    """
    if seen.current is None:
        return Effect({}, why_not=seen.why_not)
    if not len(current.labels) and not len(seen.current.labels):
        return None
    before = seen.current.silent()
    unheard = {label: concept for label, concept in current.silent().items() if label not in before}
    if seen.said is None:
        return Effect({}, why_not=seen.why_not, unheard=unheard, current=current)
    clock = time.perf_counter()
    try:
        said, _ = _ask(seen, current, seen.spreader if current.graph is seen.current.graph else None)
    except KgktError as error:
        return Effect({}, why_not=str(error), unheard=unheard, current=current)
    now = changed_items(seen.said, said)
    milliseconds = seen.milliseconds + 1e3 * (time.perf_counter() - clock)
    names = current.labels.names
    denied = [words.removeprefix("not ") for words in said[1][len(names) + 1 :]]
    ticked = {name: now[f"not {name}"] for name in denied if f"not {name}" in now}
    return Effect(now, milliseconds, seen.seconds + seconds, "", ticked, unheard, current)


def _ask(
    seen: Seen, current: CurrentGraph, spreader: Spreader | None
) -> tuple[tuple[np.ndarray, list[str]], Spreader | None]:
    """What the concepts say of the labels that teach, and the spreader of the graph where these needed one."""
    from kgkt.transfer.teacher import read_prior

    if not hearing(current.labels, current.Z, current.graph.active)[0].any():
        return concepts_say(None, current.Z, current.labels), spreader
    prior = read_prior(seen.teach.prior, seen.teach.balanced, current.labels.names)
    spreader = spreader or make_spreader(current.graph, seen.alpha, once=True)
    return concepts_say(spreader, current.Z, current.taught, prior), spreader


def _load() -> None:
    """Load what the solving needs, so that no clock of it runs meanwhile."""
    import scipy.linalg
    import scipy.sparse.csgraph
    import scipy.sparse.linalg  # noqa: F401
