"""Texts with classes as B reads them, where the graph is of words and knows neither."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kgkt.errors import InputError, UsageError, count, nearest
from kgkt.recipe import Recipe
from kgkt.rundir.beside import classes_beside
from kgkt.rundir.folder import RunDir
from kgkt.rundir.reading import other_reading
from kgkt.rundir.state import Say

if TYPE_CHECKING:
    import numpy as np

    from kgkt.transfer.outputs import Outputs

SHOWN = 20  # classes that are named
CAUTIOUS = "without it a cautious confidence is taken, --confidence says one"


@dataclass(frozen=True, slots=True, eq=False)
class Labelled:
    """Texts as B reads them, and what of B answers.

    Args:
        part: of B, with one output.
        outputs: how that is read.
        x: (n, ...) the texts.
        y: (n,) class indices.
        classes: of B's outputs, in order.
        known: whether somebody said so, rather than that the names were put in order.
    """

    part: Any
    outputs: Outputs
    x: Any
    y: np.ndarray
    classes: tuple[str, ...]
    known: bool


def labelled_texts(
    recipe: Recipe, run: RunDir, model: Any, say: Say, instead: str = CAUTIOUS, taught: bool = True
) -> Labelled:
    """What of B answers, how that is read, and [target] test as B reads it. The order of its classes is said aloud.

    Args:
        recipe: with B and its texts.
        run: of the graph.
        model: B, open.
        say: takes notices.
        instead: what a user may do without texts, or happens then.
        taught: whether B was trained; else the order of its classes means nothing, and nothing is said of it.

    Raises:
        UsageError: B has several inputs.
        InputError: no classifier, classes that are not B's, data that B cannot read; an order that nobody said and B's
            own answers speak against.
    """
    import numpy as np

    from kgkt.source.inputs import TEST, read_test
    from kgkt.transfer.blocks import check_data
    from kgkt.transfer.outputs import read_outputs
    from kgkt.transfer.part import part_to_teach

    file, named = Path(str(recipe.target.model)), str(recipe.target.test)
    if len(model.inputs) != 1:
        raise UsageError(f"--test takes texts with classes, and {file.name} has {len(model.inputs)} inputs: "
                         f"{instead}")
    part, _ = part_to_teach(model, recipe.target.output, file.name)
    if len(part.output_shape) != 2:
        raise UsageError(f"--test takes texts with classes, and {file.name} is no classifier (it gives "
                         f"{part.output_shape[1:]} for a text): {instead}")
    outputs = read_outputs(part, recipe.target.from_logits)
    data = read_test(named, **other_reading(recipe, run, named))
    for notice in data.notices:
        say(notice)
    assert data.y is not None
    there = data.y.tolist()
    names, whence = _classes(recipe, file, outputs.classes, there)
    check_data(part, names, data.x, file.name)
    place = {name: i for i, name in enumerate(names)}
    for name in dict.fromkeys(there):
        if name not in place:
            raise InputError(f"{named} has the {TEST} class {name!r}{nearest(name, names)}")
    if taught:
        say(f"the outputs of {file.name} are, in order, {in_order(names)}: "
            f"{whence or f'the classes of {named}, sorted'}")  # fmt: skip
    found = Labelled(part, outputs, data.x, np.array([place[name] for name in there]), names, bool(whence))
    if taught:
        _doubt(found, file, say)
    return found


def in_order(names: tuple[str, ...]) -> str:
    """Classes as a person reads them, the first ones of many."""
    return " ".join(names[:SHOWN]) + (f" … ({len(names)})" if len(names) > SHOWN else "")


def _classes(recipe: Recipe, file: Path, many: int, there: list[str]) -> tuple[tuple[str, ...], str]:
    """B's classes in the order of its outputs: as told, else as fuse wrote beside B, else as the texts name them.

    Returns:
        They, and who says so; "" where nobody does.
    """
    from kgkt.store.keys import natural

    if recipe.target.classes:
        return recipe.target.classes, "as --target-classes says"
    if names := classes_beside(file):
        return names, f"as {file.with_suffix('.run.json').name} says, which stands beside it"
    names = tuple(sorted(set(there), key=natural))
    if len(names) != many:
        raise InputError(f"{file.name} tells {count(many, 'class')} apart, {recipe.target.test} has "
                         f"{count(len(names), 'class')} ({' '.join(names[:20])}): name B's, in the order of its "
                         "outputs, with --target-classes a,b,…")
    return names, ""


def _doubt(found: Labelled, file: Path, say: Say) -> None:
    """Refuse an order of the classes that nobody said and B's answers speak against; doubt one that was said aloud.

    Raises:
        InputError: as said.
    """
    from kgkt.transfer.grow import answers
    from kgkt.transfer.words.order import doubt_order

    why, other = doubt_order(answers(found.part, found.outputs, found.x), found.y)
    if not why:
        return
    agreed = "" if other is None else in_order(tuple(found.classes[i] for i in other))
    better = agreed and f" (its answers agree best with {agreed})"
    if found.known:
        say(f"in this order of its classes {file.name} {why}{better}")
        return
    raise InputError(f"with the classes sorted, which nobody said is the order of its outputs, {file.name} {why}: name "
                     f"them in the order that it was trained with, --target-classes a,b,…{better}")
