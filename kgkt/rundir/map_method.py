"""By what map gives hidden layers their concepts: what was asked for, now or by the last map, and what is learned."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kgkt.errors import UsageError, nearest
from kgkt.files import digest_path, load_arrays
from kgkt.recipe import METHODS, Recipe, Target
from kgkt.rundir.folder import RunDir
from kgkt.rundir.mapped import mapped_settings
from kgkt.rundir.state import Say, made_by, settings_of
from kgkt.rundir.target_model import target_inputs

if TYPE_CHECKING:
    from kgkt.rundir.current import CurrentGraph
    from kgkt.transfer.network import Lesson
    from kgkt.values import Block, Targets

DATA = ("data", "pixels", "id_column", "text_column")  # of [target]: what the items are as B reads them


def method_of(recipe: Recipe, run: RunDir) -> str:
    """How concepts are mapped to hidden layers: as the recipe says, else as this B was last mapped, else the default.

    Raises:
        UsageError: a method that there is not.
    """
    asked = recipe.target.map_method or last_settings(recipe, run).get("method") or METHODS[0]
    if asked not in METHODS:
        raise UsageError(f"--method {asked}{nearest(asked, METHODS)}")
    return asked


def last_settings(recipe: Recipe, run: RunDir) -> dict[str, Any]:
    """The settings of the last `map` of this B."""
    return mapped_settings(run, Path(recipe.target.model).stem) if recipe.target.model else {}


def _reading(recipe: Recipe, run: RunDir) -> Target:
    """B with the items that its last `map` read, where the recipe names none itself; without a test set."""
    target = dataclasses.replace(recipe.target, test=None)
    last = last_settings(recipe, run) if target.data is None else {}
    told: dict[str, Any] = {name: getattr(target, name) or last.get(name) for name in DATA}
    return dataclasses.replace(target, **told)


def settings(recipe: Recipe, run: RunDir) -> dict[str, Any]:
    """What later verbs must know of how this map is made; nothing of communities."""
    method = method_of(recipe, run)
    target = _reading(recipe, run)
    return {} if method == METHODS[0] else {"method": method, **{name: getattr(target, name) for name in DATA}}


def digests(recipe: Recipe, run: RunDir) -> tuple[list[Any], dict[str, str]]:
    """Settings that make a map stale, and digests of the items where maps may be learned; nothing of communities."""
    method, target = method_of(recipe, run), _reading(recipe, run)
    if method == METHODS[0]:
        return [], {}
    data = target.data or recipe.source.data or settings_of(run, "populate").get("data")
    return [method, target.pixels], {"data": digest_path(Path(data))} if data and Path(data).exists() else {}


def learn_layers(
    recipe: Recipe, run: RunDir, model: Any, blocks: dict[str, tuple[Block, ...]],
    current: CurrentGraph, targets: Targets, say: Say,
) -> dict[str, Lesson]:  # fmt: skip
    """How each mapped layer gets its concepts; empty for communities.

    Raises:
        UsageError: a map is learned from the items, and no data is named.
    """
    from kgkt.transfer.blocks import MAPPED
    from kgkt.transfer.network import lessons

    method = method_of(recipe, run)
    mapped = {layer: group for layer, group in blocks.items() if group[0].kind in (*MAPPED, "filter")}
    if method == METHODS[0] or not mapped:  # without any layer, planning says so
        return {}
    reading = dataclasses.replace(recipe, target=_reading(recipe, run))
    x, _ = target_inputs(reading, run, model, current.ids, targets.names, say)
    arrays, _ = load_arrays(made_by(run, "populate", "embedding.safetensors"))
    return lessons(model, mapped, x, arrays["vectors"], current.graph.centroids, method, recipe.target.seed)


def told(lesson: Lesson) -> dict[str, Any]:
    """How a layer was mapped, as JSON; shares are of the variance of the pairs held out."""
    learned = lesson.learned
    figures = ("ridge", "network", "pairs", "held_out", "still")
    explains = {name: None if learned is None else getattr(learned, name) for name in figures}
    return {"by": lesson.by, "why": lesson.why, **explains, "untrained": lesson.untrained}
