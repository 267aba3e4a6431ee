"""fuse: write B's weights where the plan helps, train B on what the graph teaches, measure what it was worth."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kgkt.errors import UsageError
from kgkt.files import digest_path, digest_value, load_arrays, sha256_file
from kgkt.recipe import Recipe
from kgkt.rundir.current import CurrentGraph, open_graph_store
from kgkt.rundir.folder import RunDir
from kgkt.rundir.state import Say, open_run, record, settings_of
from kgkt.rundir.target_model import open_target, target_inputs
from kgkt.values import Fusion, Targets
from kgkt.verbs.map import current_map
from kgkt.verbs.propagate import fresh_targets

if TYPE_CHECKING:

    from kgkt.transfer.fuse import FuseOptions


@dataclass(frozen=True, slots=True)
class Fused:
    """What `fuse` made, where, and how it falls below what was asked (empty: it does not)."""

    fusion: Fusion
    out: Path
    below: str = ""


def fuse_target(recipe: Recipe, say: Say, progress: Any = None, force: bool = False) -> Fused:
    """Write B's weights where the graph's plan helps, train B on the targets, and measure what it was worth.

    Raises:
        BelowBarError: the loss diverged.
    """
    import contextlib

    from kgkt.transfer.blocks import check_target
    from kgkt.transfer.card import check_output, write_card
    from kgkt.transfer.fuse import fuse
    from kgkt.transfer.outputs import read_outputs

    run = open_run(recipe)
    assert recipe.target.out is not None
    out = Path(recipe.target.out)
    check_output(out, Path(recipe.target.model) if recipe.target.model else None, force)
    options = fuse_options(recipe)
    opened = open_target(recipe)
    model, path = opened.model, opened.path
    current, targets = fresh_targets(recipe, run, say)
    check_target(model, targets.names, file=path.name)
    read_outputs(model, recipe.target.from_logits)
    x, test = target_inputs(recipe, run, model, current.ids, targets.names, say)
    block_map = current_map(recipe, run, say, model, path, current, targets)
    bar = progress("training", options.steps) if progress else contextlib.nullcontext()
    with bar as advance:
        fusion = fuse(
            model, x, targets, current.taught, options=options, block_map=block_map, memberships=current.Z,
            graph=current.graph, test=test, progress=_steps(advance), diagnosis=run.path("diverged.json"),
        )  # fmt: skip
    if test is not None:
        fusion.figures.update(chance=1 / len(targets.names), test_items=float(len(test[1])))
    for notice in fusion.notices:
        say(notice)
    fusion = dataclasses.replace(fusion, model=opened.whole)
    write_card(fusion, out, original=path, facts=provenance(recipe, run, current, targets), force=force)
    record(run, "fuse", fuse_inputs(recipe, run), {"model": sha256_file(out)},
           dict(fusion.figures))  # fmt: skip
    return Fused(fusion, out, below_bar(recipe, fusion, out))


def below_bar(recipe: Recipe, fusion: Fusion, out: Path) -> str:
    """How the gain falls below [target] require_gain; "" where it does not, or none was asked."""
    asked, gain = recipe.target.require_gain, fusion.figures.get("gain")
    if asked is None or (gain is not None and gain >= asked):
        return ""
    had = "not measured (give --test)" if gain is None else f"{100 * gain:.1f} points"
    return f"gain {had}, asked for at least {100 * asked:.1f}; {out} was written all the same"


def _steps(advance: Any) -> Any:
    """Turn "steps taken so far" into "how many more", which a progress bar takes."""
    if advance is None:
        return None
    seen = 0

    def step(taken: int, _: int) -> None:
        nonlocal seen
        advance(taken - seen)
        seen = taken

    return step


def fuse_options(recipe: Recipe) -> FuseOptions:
    """The recipe's [target] as training options."""
    from kgkt.transfer.carry import WEIGHT
    from kgkt.transfer.fuse import FuseOptions

    t, weight = recipe.target, carry_weight(recipe)
    return FuseOptions(
        steps=t.steps, batch=t.batch, learning_rate=t.learning_rate, patience=t.patience, seed=t.seed,
        from_logits=t.from_logits, carry=t.carry, carry_weight=WEIGHT if weight is None else weight,
    )  # fmt: skip


def carry_weight(recipe: Recipe) -> float | None:
    """How much what is carried into B counts beside its own loss; None where nothing is.

    Raises:
        UsageError: a weight of what is not carried.
        InputError: what cannot be carried, or a weight that is none.
    """
    from kgkt.transfer.carry import WEIGHT, check_carry

    target = recipe.target
    weight = WEIGHT if target.carry_weight is None else float(target.carry_weight)
    check_carry(target.carry, weight)
    if target.carry is None and target.carry_weight is not None:
        raise UsageError("--carry-weight says how much what is carried counts, and nothing is: --carry concepts")
    return None if target.carry is None else weight


def provenance(recipe: Recipe, run: RunDir, current: CurrentGraph, targets: Targets) -> dict[str, Any]:
    """What the new B's run.json and card say about where it comes from."""
    import numpy as np

    populated, propagated = (run.state()["stages"][stage] for stage in ("populate", "propagate"))
    _, made = load_arrays(run.path("concepts.safetensors"))
    taught = current.taught
    counts = np.bincount(taught.classes, minlength=len(targets.names))
    return {
        "graph": run.graph,
        "source": populated["figures"],
        "source_sha256": populated["inputs"].get("model") or populated["inputs"]["features"],
        "concepts_seed": int(made["seed"]),
        "classes": list(targets.names),
        "labels": dict(zip(targets.names, counts.tolist(), strict=True)),
        "ticks": len(taught.tick_items),
        "items": len(current.ids),
        "unreached": int((targets.weight == 0).sum()),
        "inactive_concepts": int((~current.graph.active).sum()),
        "spread": propagated["figures"]["spread"],
        "expert": propagated["figures"]["expert"],
        "experts": propagated["figures"]["experts"],
        "alpha": propagated["figures"]["alpha"],
        "teach": propagated["settings"],
        "digests": {name: sha256_file(run.path(name)) for name in ("targets.parquet", "memberships.parquet")},
    }


def fuse_inputs(recipe: Recipe, run: RunDir) -> dict[str, str]:
    """Digests of what `fuse` reads."""
    target = recipe.target
    assert target.model is not None
    inputs = {
        "model B": sha256_file(Path(target.model)),
        "targets": sha256_file(run.need("targets.parquet", "propagate")),
        "target settings": digest_value([target.steps, target.batch, target.learning_rate, target.patience,
                                         target.seed, target.from_logits, target.map,
                                         *([target.pixels] if target.pixels else [])]),
    }  # fmt: skip
    if target.carry:
        told = run.state()["stages"]["propagate"]["inputs"]
        inputs["what is carried"] = digest_value([target.carry, carry_weight(recipe), told["concepts"],
                                                  told["the graph"]])  # fmt: skip
    data = target.data or recipe.source.data or settings_of(run, "populate").get("data")
    for name, path in (("data", data), ("test", target.test)):
        if path:
            inputs[name] = digest_path(Path(path))
    if target.map and "map" in run.state().get("stages", {}):
        inputs["strengths"] = strengths_digest(recipe, run, Path(target.model).stem)
    return inputs


def strengths_digest(recipe: Recipe, run: RunDir, model: str) -> str:
    """Digest of how strongly each concept maps to each block of a model, as people left it."""
    from kgkt.store.readback import rows

    with open_graph_store(recipe, run) as store:
        found = rows(store, "read_strengths", graph=run.graph, model=model)
    return digest_value(sorted([str(r["concept"]), str(r["layer"]), r["index"], r["strength"]] for r in found))
