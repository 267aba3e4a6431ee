"""Which verbs may run as jobs, and what each may be told: whatever stands not here is refused by name."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from kgkt.errors import nearest, shorten
from kgkt.recipe import METHODS
from kgkt.serve.kinds import Refused
from kgkt.serve.places import Places
from kgkt.source.pixels import PIXELS

Check = Callable[[str, Any, Places], Any]
LONGEST = 4096  # characters of a text
MOST = 10_000  # names in a list
SHOWN = 60  # characters of a wrong value that are told


@dataclass(frozen=True, slots=True)
class Allowed:
    """A verb that may run as a job.

    Args:
        settings: name -> what checks its value, and gives what the verb takes.
        writes: whether it changes the graph or its files.
    """

    settings: Mapping[str, Check]
    writes: bool


def _wrong(name: str, value: Any, wanted: str) -> Refused:
    return Refused("usage", f"{name} must be {wanted}, received {shorten(repr(value), SHOWN)}")


def yes(name: str, value: Any, _: Places) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise _wrong(name, value, "true or false")
    return value


def whole(low: int, high: int) -> Check:
    """A whole number within bounds."""

    def check(name: str, value: Any, _: Places) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise _wrong(name, value, f"a whole number from {low:,} to {high:,}")
        return value

    return check


def number(low: float, high: float) -> Check:
    """A number within bounds."""

    def check(name: str, value: Any, _: Places) -> float:
        if not isinstance(value, int | float) or isinstance(value, bool) or not low <= value <= high:
            raise _wrong(name, value, f"a number from {low:g} to {high:g}")
        return float(value)

    return check


def text(name: str, value: Any, _: Places) -> str:
    """A text that is not endless."""
    if not isinstance(value, str) or not 0 < len(value) <= LONGEST:
        raise _wrong(name, value, f"a text of 1 to {LONGEST:,} characters")
    return value


def one_of(*choices: str) -> Check:
    """One of a few words."""

    def check(name: str, value: Any, _: Places) -> str:
        if value not in choices:
            told = nearest(value, choices) if isinstance(value, str) else f"; known: {', '.join(choices)}"
            raise Refused("usage", f"{name} {shorten(repr(value), SHOWN)}{told}")
        return str(value)

    return check


def names(name: str, value: Any, _: Places) -> list[str]:
    """A list of texts."""
    if not isinstance(value, list) or not 0 < len(value) <= MOST or not all(isinstance(one, str) for one in value):
        raise _wrong(name, value, "a list of names")
    return value


def shares(name: str, value: Any, _: Places) -> dict[str, float]:
    """Class -> share."""
    fine = isinstance(value, dict) and 0 < len(value) <= MOST and all(
        isinstance(one, int | float) and not isinstance(one, bool) and math.isfinite(one) for one in value.values())
    if not fine:
        raise _wrong(name, value, "a share for each class, {class: number}")
    return {str(one): float(share) for one, share in value.items()}


def counts(name: str, value: Any, _: Places) -> tuple[int, ...]:
    """Labels a class, several of them."""
    if not isinstance(value, list) or not 0 < len(value) <= 20 or not all(
            isinstance(one, int) and not isinstance(one, bool) and 0 < one <= MOST for one in value):
        raise _wrong(name, value, "a list of whole numbers, [1, 2, 5, 10]")
    return tuple(sorted(set(value)))


def grow(name: str, value: Any, places: Places) -> dict[str, Any]:
    """What a trained B gets: {"classes": [name]}, {"units": n} or {"units": {layer: n}}."""
    if not isinstance(value, dict) or not value or set(value) - {"classes", "units"}:
        raise _wrong(name, value, 'of classes and units, {"classes": [name], "units": {layer: number}}')
    check = whole(1, 1_000_000)
    told: dict[str, Any] = {}
    if "classes" in value:
        told["classes"] = names(f"{name} classes", value["classes"], places)
    if "units" in value:
        units = value["units"]
        told["units"] = {str(layer): check(f"{name} units of {layer}", one, places) for layer, one in units.items()
                         } if isinstance(units, dict) else check(f"{name} units", units, places)  # fmt: skip
    return told


def file(name: str, value: Any, places: Places) -> str:
    """A file or folder that is there."""
    return places.shown(places.there(name, text(name, value, places)))


def model(name: str, value: Any, places: Places) -> str:
    """A Keras file that is there."""
    return places.shown(places.model(name, text(name, value, places)))


def out(name: str, value: Any, places: Places) -> str:
    """Where a Keras file may be written."""
    return places.shown(places.out(name, text(name, value, places)))


READING: dict[str, Check] = {"output": text, "pixels": one_of(*PIXELS), "classes": names, "from_logits": yes}
VERBS: dict[str, Allowed] = {
    "propagate": Allowed({
        "spread": one_of("concepts", "items", "both"), "expert": one_of("auto", "head", "prototypes", "none"),
        "balanced": yes, "prior": shares,
    }, writes=True),
    "map": Allowed({"target": model, "method": one_of(*METHODS), "data": file, **READING}, writes=True),
    "fuse": Allowed({
        "target": model, "out": out, "test": file, "data": file, "force": yes, "allow_shift": yes, "map": yes,
        "steps": whole(0, 1_000_000), "batch": whole(1, 65_536), "learning_rate": number(1e-8, 10.0),
        "seed": whole(0, 2**31 - 1), "method": one_of("auto", "soft-targets", "write", "distil"),
        "temperature": number(0.01, 100.0), "class_weights": one_of("balanced"), "carry": one_of("concepts"),
        "carry_weight": number(0.0, 1000.0), "grow": grow, **READING,
    }, writes=True),
    "trace": Allowed({
        "what": text, "item": text, "data": file, "target": model, "examples": whole(1, 50), "allow_shift": yes,
        **READING,
    }, writes=False),
    "diff": Allowed({
        "other": text, "target": model, "before": model, "layer": text, "data": file, "output": text,
        "pixels": one_of(*PIXELS),
    }, writes=True),
    "suspects": Allowed({"n": whole(1, 10_000), "every": yes}, writes=False),
    "predict": Allowed({"data": file, "model": model, "output": text}, writes=False),
    "evaluate": Allowed({
        "labels": counts, "seeds": whole(1, 100), "truth": file, "target": model, "test": file, "balanced": yes,
        "recommend": yes, "train_b": one_of("all", "few", "none"),
    }, writes=True),
}  # fmt: skip


def checked(verb: str, settings: Mapping[str, Any], places: Places) -> dict[str, Any]:
    """The settings as the verb takes them; null is as if it was not given.

    Raises:
        Refused: no such verb or setting (with the nearest names), a value of another kind, a file that may not be
            named.
    """
    if verb not in VERBS:
        raise Refused("usage", f"no job {shorten(repr(verb), SHOWN)}{nearest(verb, VERBS)}")
    allowed = VERBS[verb].settings
    for name in settings:
        if name not in allowed:
            raise Refused("usage", f"{verb} has no setting {shorten(repr(name), SHOWN)}{nearest(name, allowed)}")
    return {name: allowed[name](name, value, places) for name, value in settings.items() if value is not None}
