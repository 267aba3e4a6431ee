"""run: every stage of the recipe, in order; a stage whose inputs did not change is left alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from kgkt.errors import InputError
from kgkt.files import check_place, read_json, sha256_file
from kgkt.recipe import Recipe
from kgkt.rundir.current import open_graph_store, read_current
from kgkt.rundir.folder import RunDir
from kgkt.rundir.row_stage import why_rows_stale
from kgkt.rundir.state import Say, open_run, why_stale
from kgkt.verbs.fuse import fuse_inputs, fuse_target
from kgkt.verbs.label import label
from kgkt.verbs.map import map_inputs, map_target
from kgkt.verbs.populate import populate
from kgkt.verbs.propagate import propagate, propagate_inputs
from kgkt.verbs.rows import write_rows
from kgkt.verbs.trainer import check_trainer, refuse_changed, train, why_untrained

Done = Callable[[str, Any], None]


def run_all(
    recipe: Recipe, say: Say, done: Done, progress: Any = None, force: bool = False, allow_trainer: bool = False
) -> None:
    """Populate, label, propagate, map, fuse, train: as far as the recipe goes; method rows needs but populate.

    Args:
        recipe: of the run.
        say: takes notices.
        done: takes (stage, what it returned) after each stage, None where the stage was fresh.
        progress: as for `populate`.
        force: run every stage, fresh or not.
        allow_trainer: the recipe's trainer, a command of its own, may run.

    Raises:
        UnsafeError: before any stage, that the recipe has a trainer and it was not allowed.
        InputError: before any stage, that the fused B cannot be written, or the trainer is not there; and what the
            stages raise.
    """
    check_trainer(recipe, allow_trainer)
    if recipe.target.model and recipe.target.out:
        check_place(Path(recipe.target.out))
    for stage in ROW_STAGES if recipe.target.method == "rows" else STAGES:
        stage(recipe, say, done, progress, force)


def _populate(recipe: Recipe, say: Say, done: Done, progress: Any, force: bool) -> None:
    made = populate(recipe, say, progress, force)
    done("populate", None if made.unchanged else made)


def _label(recipe: Recipe, say: Say, done: Done, progress: Any, force: bool) -> None:
    if recipe.teach.labels:
        labelled = label(recipe, say, file=recipe.teach.labels, tell=False, again=False)
        done("label", None if labelled.known_file else labelled)


def _propagate(recipe: Recipe, say: Say, done: Done, progress: Any, force: bool) -> None:
    run = open_run(recipe)
    with open_graph_store(recipe, run) as store:
        current = read_current(store, run, lambda _: None, recipe.target.classes)
    if not len(current.labels):
        raise InputError(
            "the graph stands, nothing is labelled yet: kgkt suggest -n 20 --out todo.csv, fill it in, "
            "name it [teach] labels in kgkt.toml, and run again"
        )
    stale = force or why_stale(run, "propagate", propagate_inputs(run, recipe, current))
    done("propagate", propagate(recipe, say) if stale else None)


def _map(recipe: Recipe, say: Say, done: Done, progress: Any, force: bool) -> None:
    if not recipe.target.model or not recipe.target.map or recipe.target.grow:  # of a B that grows there is no map yet
        return
    run = open_run(recipe)
    stale = force or why_stale(run, "map", map_inputs(run, recipe, Path(recipe.target.model)))
    done("map", map_target(recipe, say) if stale else None)


def _fuse(recipe: Recipe, say: Say, done: Done, progress: Any, force: bool) -> None:
    if not recipe.target.model or not recipe.target.out:
        return
    run = open_run(recipe)
    out = Path(recipe.target.out)
    ours = _is_ours(run, "fuse", out)
    changed = why_stale(run, "fuse", fuse_inputs(recipe, run))
    if ours and out.exists() and not changed and not force:
        done("fuse", None)
        return
    if not force:
        refuse_changed(recipe, run, "fuse")
    done("fuse", fuse_target(recipe, say, progress, force=force or ours))


def _rows(recipe: Recipe, say: Say, done: Done, progress: Any, force: bool) -> None:
    if not recipe.target.model or not recipe.target.out:
        return
    run = open_run(recipe)
    out = Path(recipe.target.out)
    ours = _is_ours(run, "rows", out)
    if not force:
        refuse_changed(recipe, run, "rows")
    fresh = ours and out.exists() and not force and not why_rows_stale(recipe, run)
    done("rows", None if fresh else write_rows(recipe, say, force or ours))


def _is_ours(run: RunDir, stage: str, out: Path) -> bool:
    """Whether `out` is what the stage wrote last; where it was moved away, whether the card beside it is of that."""
    wrote = run.state().get("stages", {}).get(stage, {}).get("outputs", {}).get("model")
    if out.exists():
        return wrote is not None and wrote == sha256_file(out)
    beside = out.with_suffix(".run.json")
    told = read_json(beside) if wrote and beside.is_file() else None
    return isinstance(told, dict) and told.get("sha256") == wrote


def _train(recipe: Recipe, say: Say, done: Done, progress: Any, force: bool) -> None:
    if recipe.target.trainer is None:
        return
    run = open_run(recipe)
    stale = force or why_untrained(recipe, run)
    done("train", train(recipe, say) if stale else None)


STAGES = (_populate, _label, _propagate, _map, _fuse, _train)
ROW_STAGES = (_populate, _rows, _train)
