"""Texts with classes as B reads them, where the graph is of words and knows neither."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from kgkt.errors import InputError, UsageError, count, nearest
from kgkt.files import read_json, sha256_file
from kgkt.recipe import Recipe
from kgkt.rundir.folder import RunDir
from kgkt.rundir.reading import other_reading
from kgkt.rundir.state import Say

if TYPE_CHECKING:
    import numpy as np

    from kgkt.transfer.outputs import Outputs


def labelled_texts(recipe: Recipe, run: RunDir, model: Any, say: Say) -> tuple[Any, Outputs, Any, np.ndarray]:
    """What of B answers, how that is read, and [target] test as B reads it: x (n, ...) and class indices y (n,).

    Raises:
        UsageError: B has several inputs.
        InputError: no classifier, classes that are not B's, data that B cannot read.
    """
    import numpy as np

    from kgkt.source.inputs import TEST, read_test
    from kgkt.transfer.blocks import check_data
    from kgkt.transfer.outputs import read_outputs
    from kgkt.transfer.part import part_to_teach

    file, named = Path(str(recipe.target.model)), str(recipe.target.test)
    if len(model.inputs) != 1:
        raise UsageError(f"--test takes texts with classes, and {file.name} has {len(model.inputs)} inputs: without it "
                         "a cautious confidence is taken, --confidence says one")
    part, _ = part_to_teach(model, recipe.target.output, file.name)
    if len(part.output_shape) != 2:
        raise UsageError(f"--test takes texts with classes, and {file.name} is no classifier (it gives "
                         f"{part.output_shape[1:]} for a text): without it a cautious confidence is taken, "
                         "--confidence says one")
    outputs = read_outputs(part, recipe.target.from_logits)
    data = read_test(named, **other_reading(recipe, run, named))
    for notice in data.notices:
        say(notice)
    assert data.y is not None
    there = data.y.tolist()
    names = _classes(recipe, file, outputs.classes, there)
    check_data(part, names, data.x, file.name)
    place = {name: i for i, name in enumerate(names)}
    for name in dict.fromkeys(there):
        if name not in place:
            raise InputError(f"{named} has the {TEST} class {name!r}{nearest(name, names)}")
    return part, outputs, data.x, np.array([place[name] for name in there])


def _classes(recipe: Recipe, file: Path, many: int, there: list[str]) -> tuple[str, ...]:
    """B's classes in the order of its outputs: as told, else as fuse wrote beside B, else as the texts name them."""
    from kgkt.store.keys import natural

    if recipe.target.classes:
        return recipe.target.classes
    beside = file.with_suffix(".run.json")
    if beside.exists():
        said = read_json(beside)
        if isinstance(said, dict) and said.get("sha256") == sha256_file(file):
            names = tuple(map(str, said.get("facts", {}).get("classes", ())))
            if names:
                return names
    names = tuple(sorted(set(there), key=natural))
    if len(names) != many:
        raise InputError(f"{file.name} tells {count(many, 'class')} apart, {recipe.target.test} has "
                         f"{count(len(names), 'class')} ({' '.join(names[:20])}): name B's, in the order of its "
                         "outputs, with --target-classes a,b,…")
    return names
