"""The commands that wrote rows of an Embedding into a graph, as they are told once the rows went with its concepts."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kgkt.recipe import Recipe, Target
from kgkt.rundir.folder import RunDir
from kgkt.rundir.state import settings_of

EXTENDED = "extended"  # key of run.json: model -> how extend-vocabulary was asked for it
FILES = {"model", "out", "vocabulary", "words", "test"}
FLAGS = {"imports": "import", "classes": "target-classes"}  # of what is called otherwise in a recipe
OF_TEXTS = ("test", "classes", "output", "from_logits", "id_column", "text_column", "class_column")


def told_as(target: Target, names: tuple[str, ...], more: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """How rows were asked for: what was said, as plain values, paths absolute.

    Args:
        target: [target] of the recipe.
        names: of its settings.
        more: what was said beside these; None of what was not.
    """
    plain = Target()
    said = {name: getattr(target, name) for name in names if getattr(target, name) != getattr(plain, name)}
    said |= {name: value for name, value in (more or {}).items() if value is not None}
    files: dict[str, Any] = {name: str(Path(said[name]).resolve()) for name in said.keys() & FILES}
    return {**{name: list(value) if isinstance(value, tuple) else value for name, value in said.items()}, **files}


def remember_extended(run: RunDir, model: str, told: Mapping[str, Any] | None) -> None:
    """Write down how a B got more words whose rows are in the graph; None: its rows there are of something else."""
    state = run.state()
    known = {name: one for name, one in state.get(EXTENDED, {}).items() if name != model}
    known |= {} if told is None else {model: dict(told)}
    if known != state.get(EXTENDED, {}):
        run.write_state({**state, EXTENDED: known})


def extended_as(
    recipe: Recipe, words: str | None, most_frequent: int | None, confidence: float | None
) -> dict[str, Any]:
    """How `extend-vocabulary` was asked, from its recipe and what it was told beside."""
    names = ("model", "out", "layer", "vocabulary", "special", "lower", "strip_accents", "seed", "imports", *OF_TEXTS)
    more = {"words": words, "most_frequent": most_frequent, "confidence": confidence,
            "allow_legacy": recipe.source.allow_legacy or None}  # fmt: skip
    return told_as(recipe.target, names, more)


def rows_again(run: RunDir, model: str, flags: str) -> str:
    """The command that writes the rows of a model into the graph again, as it was told last where that is known.

    Args:
        run: of the graph.
        model: whose rows, by name.
        flags: by which a command finds the graph, with a space before each.
    """
    told = run.state().get(EXTENDED, {}).get(model)
    if told is not None:
        return " ".join([f"kgkt extend-vocabulary{flags} {_told(told['model'])}", *_parts(told), "--force"])
    last = settings_of(run, "rows").get("target", {})
    mine = last if Path(str(last.get("model", ""))).stem == model else {}
    said = {"target": mine.get("model", f"{model}.keras"), "out": mine.get("out", f"{model}-rows.keras"), **mine}
    return " ".join([f"kgkt fuse{flags} --method rows", *_parts(said), "--force"])


def _parts(told: Mapping[str, Any]) -> list[str]:
    """Settings as flags of a command."""
    parts = []
    for name, value in told.items():
        flag = f"--{FLAGS.get(name, name).replace('_', '-')}"
        values = value if isinstance(value, list) else [value]
        if name == "classes":
            values = [",".join(f'"{one}"' if "," in one else one for one in values)]
        if name not in ("model", "map"):
            parts += [flag if one is True else f"{flag} {_told(one)}" for one in values]
    return parts


def _told(value: Any) -> str:
    """A value for a shell; a path within the folder where we are from there on."""
    if isinstance(value, float):
        return f"{value:g}"
    path, here = Path(str(value)), Path.cwd()
    return shlex.quote(str(path.relative_to(here) if path.is_absolute() and path.is_relative_to(here) else value))
