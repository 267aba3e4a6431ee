"""Why an item has its class, as a value: what was found, and the words for it."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

COLUMNS = ("part", "what", "says", "value", "more")
SHOWN = 3  # classes that a line tells of


@dataclass(frozen=True, slots=True)
class Belongs:
    """A concept of the item: how strongly the item is in it, and what the concept leans to, the largest mass first."""

    number: int
    name: str
    strength: float
    active: bool
    leans_to: dict[str, float]


@dataclass(frozen=True, slots=True)
class Heard:
    """A label ("3") or a tick ("not 3") of another item, and its share in what arrives over the concepts."""

    item: str
    says: str
    share: float


@dataclass(frozen=True, slots=True)
class Example:
    """A labelled item near by: its class, cosine distance in A's embedding, and its picture's path or its text."""

    item: str
    says: str
    distance: float
    picture: str | None
    text: str | None


@dataclass(frozen=True, slots=True)
class Opinion:
    """What one expert says of the item, the largest mass first; `says` is None where it says nothing."""

    name: str
    weight: float
    why: str
    says: str | None
    mass: float | None
    masses: dict[str, float]


@dataclass(frozen=True, slots=True)
class Turn:
    """A label that would turn what the concepts alone say.

    Args:
        says: its class; None where any class would do, as nothing reaches the item.
        item, concept: a member of one of its concepts, and the concept's number; None where no single one turns it.
        already: the concepts alone say so now.
        every: every member of its concepts was weighed, not only their medoids and the one that it would hear best.
    """

    says: str | None
    item: str | None
    concept: int | None
    already: bool = False
    every: bool = True


@dataclass(frozen=True, slots=True)
class Explained:
    """Why an item has its class.

    Args:
        item: its id.
        state: "taught"; "labelled" or "ticked" by a person; "by a tick" of items that it is like; "off" (all its
            concepts are) or "unreached", which have no class.
        denied: classes that a tick takes away.
        said: what a person said of an item that is "off", of which nothing is learned: classes, and "not CLASS".
        masses: class -> mass in the teacher's answer, the largest first; empty where the item has no class.
        concepts: of the item, the strongest first.
        arrives: class, or "not CLASS" -> share in what arrives over the concepts, the largest first; stated shares
            of classes do not count here, and the item's own label and ticks are left out.
        alone: what the concepts alone say, with stated class shares; None where nothing arrives.
        heard: the labels and ticks with the largest shares; `speakers`, how many arrive in all.
        nearest: labelled items in A's embedding, the nearest first.
        experts: what each says.
        turn: what label would turn the concepts' answer; None where that is no question.
        picture, text: of the item, where they are at hand.
    """

    item: str
    state: str
    denied: tuple[str, ...]
    masses: dict[str, float]
    concepts: tuple[Belongs, ...]
    arrives: dict[str, float]
    alone: str | None
    heard: tuple[Heard, ...]
    speakers: int
    nearest: tuple[Example, ...]
    experts: tuple[Opinion, ...]
    turn: Turn | None = None
    said: tuple[str, ...] = ()
    picture: str | None = None
    text: str | None = None

    @property
    def best(self) -> tuple[str | None, float | None]:
        """Its class and the mass of that."""
        return next(iter(self.masses.items()), (None, None))

    @property
    def following(self) -> tuple[str | None, float | None]:
        """The next class and the mass of that."""
        return (*self.masses.items(), (None, None), (None, None))[1] if self.masses else (None, None)

    @property
    def ratio(self) -> float | None:
        """How many times the mass of the next class the class has; None where the next has none."""
        mass, after = self.best[1], self.following[1]
        return mass / after if mass and after else None

    @property
    def level(self) -> bool:
        """Whether a tick left several classes, which are level."""
        return bool(self.denied) and len(self.masses) > 2

    @property
    def verdict(self) -> str:
        """What it is, in words; a tick leaves more than two classes level, of which none is its class."""
        (name, mass), (after, after_mass) = self.best, self.following
        if name is None or mass is None:
            return "no class"
        if self.level:
            return f"not {' or '.join(self.denied)}; every other class has mass {mass:.2f}"
        return f"{name}, mass {mass:.2f}" + (f"; next {after}, {after_mass:.2f}" if after_mass else "")

    @property
    def because(self) -> str:
        """Why it stands as it does, where that is not the teacher's weighing; else ""."""
        others = f"by the others' labels its concepts say {self.alone}" if self.alone else "no other label reaches it"
        denied = f"not {' or '.join(self.denied)}"
        return {
            "labelled": f"a person labelled it; {others}",
            "ticked": f"a person said that it is {denied}; {others}",
            "by a tick": f"it is like items of which a person said that they are {denied}",
            "off": "all its concepts are switched off" + (
                f"; a person said that it is {' and '.join(self.said)}: nothing is learned of that until one is on"
                if self.said else ""),
            "unreached": "no label reaches its concepts",
        }.get(self.state, "")

    @property
    def advice(self) -> str:
        """What would change its class."""
        own = f"a label of its own: kgkt label {shlex.quote(f'{self.item}=CLASS')}"
        if self.state in ("labelled", "ticked"):
            return f"only {own}"
        if self.state == "off":
            return f"one of its concepts switched on: kgkt switch on --concept {self.concepts[0].number}"
        turn, (after, _) = self.turn, self.following
        if self.state == "unreached":
            reach = "" if turn is None else f"any label on {turn.item} (in c{turn.concept:03d}) reaches it; or "
            return f"{reach}{own}"
        if turn is None:
            return "a label of another class: there is one only"
        if self.state == "by a tick":
            return f"{own}. {_in_words(turn)}"
        return f"{after} is next, {_far(self.ratio, self.best[0])}. {_in_words(turn)}"

    def fields(self) -> dict[str, Any]:
        """The same for programs; a class is called `class` there, as everywhere."""
        return {
            "item": self.item, "class": self.best[0], "mass": self.best[1], "next_class": self.following[0],
            "next_mass": self.following[1], "ratio": self.ratio, "state": self.state, "because": self.because,
            "denied": self.denied, "said": self.said, "picture": self.picture, "text": self.text,
            "masses": self.masses, "concepts": _named(self.concepts), "arrives": self.arrives,
            "concepts_alone": self.alone, "labels_heard": _named(self.heard), "labels_that_arrive": self.speakers,
            "nearest": _named(self.nearest), "experts": _named(self.experts),
            "turn": next(iter(_named([self.turn] if self.turn else [])), None), "advice": self.advice,
        }  # fmt: skip

    def rows(self) -> Iterator[tuple[Any, ...]]:
        """COLUMNS of all that is told, part by part."""
        yield "answer", "class", *self.best, self.because or None
        yield "answer", "next class", *self.following, None
        for c in self.concepts:
            yield "concept", f"c{c.number:03d} {c.name}", in_words(c.leans_to), c.strength, None if c.active else "off"
        for h in self.heard:
            yield "label heard", h.item, h.says, h.share, None
        for e in self.nearest:
            yield "nearest example", e.item, e.says, e.distance, e.text or e.picture
        for o in self.experts:
            yield "expert", o.name, o.says, o.mass, f"weight {round(o.weight, 2):g}: {o.why}"
        turn = self.turn or Turn(None, None, None)
        yield "change", turn.item, turn.says, None, self.advice

    def to_pandas(self) -> Any:
        """The rows as a pandas DataFrame."""
        from kgkt.tables import data_frame

        return data_frame(COLUMNS, self.rows())

    def _repr_html_(self) -> str:
        from kgkt.tables import html_table

        return html_table(COLUMNS, self.rows(), self.item)


def in_words(masses: dict[str, float]) -> str:
    """`3 0.82, 5 0.11`: the largest of some masses.

    >>> in_words({"3": 0.82, "5": 0.11})
    '3 0.82, 5 0.11'
    """
    return ", ".join(f"{name} {mass:.2f}" for name, mass in list(masses.items())[:SHOWN])


def _far(ratio: float | None, best: str | None) -> str:
    """How far the next class is from the best one, in words."""
    if ratio is None:
        return "with no mass at all"
    if ratio < 1.05:
        return f"level with {best}"
    return f"and {best} has {ratio:,.{1 if ratio < 100 else 0}f} times its mass"


def _in_words(turn: Turn) -> str:
    if turn.already:
        return f"The concepts alone say {turn.says} already: the other parts of the teacher outweigh them"
    if turn.item is None:
        where = "on its concepts" if turn.every else "tried on its concepts (medoids, and the member heard best)"
        return f"No single label {where} would turn what they alone say to {turn.says}"
    return (f"One label turns what the concepts alone say to {turn.says}: {turn.item}={turn.says}, a member of "
            f"c{turn.concept:03d}")


def _named(parts: Iterable[Any]) -> list[dict[str, Any]]:
    return [{"class" if key == "says" else key: value for key, value in asdict(part).items()} for part in parts]
