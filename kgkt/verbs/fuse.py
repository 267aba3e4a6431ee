"""fuse: write B's weights where the plan helps, train B on what the graph teaches, measure what it was worth."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kgkt.errors import UsageError
from kgkt.files import digest_path, digest_value, load_arrays, sha256_file
from kgkt.recipe import Recipe, Target
from kgkt.rundir.class_order import fix_classes, longer_order, tell_unlabelled
from kgkt.rundir.current import CurrentGraph, open_graph_store
from kgkt.rundir.edits import read_log
from kgkt.rundir.folder import RunDir
from kgkt.rundir.measured import keep_measured, target_memory
from kgkt.rundir.state import Say, open_run, record, settings_of
from kgkt.rundir.target_model import open_target, target_inputs
from kgkt.values import BlockMap, Fusion, Targets
from kgkt.verbs.distil import own_targets, refuse_distil, temperature_of
from kgkt.verbs.grow import grow_target
from kgkt.verbs.map import current_map
from kgkt.verbs.propagate import fresh_targets, need_labels

if TYPE_CHECKING:

    from kgkt.transfer.listening import Looks
    from kgkt.transfer.options import FuseOptions
    from kgkt.transfer.places import Places


@dataclass(frozen=True, slots=True)
class Fused:
    """What `fuse` made, where, how it falls below what was asked (empty: it does not), and what of B is new."""

    fusion: Fusion
    out: Path
    below: str = ""
    grown: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The figures, what was written and what was said, as JSON holds them; the weights are in the file."""
        fusion = self.fusion
        return {"out": str(self.out), "figures": fusion.figures, "written": fusion.written, "options": fusion.options,
                "notices": fusion.notices, **({"grown": self.grown} if self.grown else {})}


def fuse_target(
    recipe: Recipe, say: Say, progress: Any = None, force: bool = False, callbacks: Sequence[Any] = (),
    looks: Looks | None = None,
) -> Fused:
    """Write B's weights where the graph's plan helps, train B on the targets, and measure what it was worth.

    Args:
        recipe: what to do.
        say: takes notices.
        progress: `progress(what, total)` gives a context manager that yields a function of how much more is done.
        force: replace what stands at [target] out.
        callbacks: of Keras.
        looks: as for `kgkt.transfer.fuse.fuse`.

    Raises:
        BelowBarError: the loss diverged.
    """
    import contextlib

    from kgkt.transfer.batchnorm import still_norms
    from kgkt.transfer.blocks import check_target
    from kgkt.transfer.card import check_output, write_card
    from kgkt.transfer.fuse import fuse
    from kgkt.transfer.measure import measure
    from kgkt.transfer.outputs import read_outputs

    run = open_run(recipe)
    assert recipe.target.out is not None
    out = Path(recipe.target.out)
    check_output(out, Path(recipe.target.model) if recipe.target.model else None, force)
    options = fuse_options(recipe)
    growing = None
    need_labels(recipe, run)
    last_edit = max((edit.number for edit in read_log(run)), default=0)
    if recipe.target.grow:
        growing, current, targets = grow_target(recipe, run, say)
        recipe, opened = growing.recipe, growing.opened
    else:
        opened = open_target(recipe)
        current, targets = fresh_targets(recipe, run, say)
        tell_unlabelled(recipe, current, say)
    model, path = opened.model, opened.path
    check_target(model, targets.names, file=path.name)
    read_outputs(model, recipe.target.from_logits)
    x, test = target_inputs(recipe, run, model, current.ids, targets.names, say)
    if recipe.target.method == "distil":
        targets, block_map = own_targets(recipe, run, current, targets), None
    else:
        block_map = None if growing else current_map(recipe, run, say, model, path, current, targets)
    if growing:
        targets = growing.taught(run, current, targets, x, options.sharpen, say)
    # whoever labels or asks the teacher anew while B is trained is not in it
    facts, inputs = provenance(recipe, run, current, targets) | {"last_edit": last_edit}, fuse_inputs(recipe, run)
    places = filter_places(recipe, run, block_map)
    total = options.training_steps(block_map is not None, test is not None)
    bar = progress("training", total) if progress else contextlib.nullcontext()
    with bar as advance, still_norms(model, say) if growing else contextlib.nullcontext():
        fusion = fuse(
            model, x, targets, current.taught, options=options, block_map=block_map, memberships=current.Z,
            graph=current.graph, places=places, test=test, progress=_steps(advance),
            callbacks=[*callbacks, *logs_of(recipe)], looks=looks, diagnosis=run.path("diverged.json"),
        )  # fmt: skip
    if growing:
        fusion = growing.measured(fusion, x, targets, test)
    if test is not None:
        fusion.figures.update(chance=1 / len(targets.names), test_items=float(len(test[1])))
    fusion = dataclasses.replace(fusion, model=opened.whole, notices=(*opened.notices, *fusion.notices))
    for notice in fusion.notices:
        say(notice)
    measured = measure(model, x, current.Z, from_logits=recipe.target.from_logits)
    if growing:
        facts["grown"] = growing.facts
        growing.settle(run, say)
    elif recipe.target.classes:
        with open_graph_store(recipe, run) as store:
            longer = longer_order(store, run, recipe.target.classes)
        if longer:
            with open_graph_store(recipe, run, write=True) as store:
                fix_classes(store, run, targets.names, path.stem, say)
    write_card(fusion, out, original=path, facts=facts, force=force, taught=model)
    kept = keep_measured(recipe, run, measured, current, block_map, out, say)
    record(run, "fuse", inputs, {"model": sha256_file(out), **kept},
           dict(fusion.figures), target_memory(recipe))  # fmt: skip
    return Fused(fusion, out, below_bar(recipe, fusion, out), growing.facts if growing else {})


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
    """The recipe's [target] as training options; A's own answer is divided by its temperature, not sharpened.

    Raises:
        UsageError: a method that there is not, or what does not go together.
        InputError: a number out of bounds.
    """
    from kgkt.transfer.carry import WEIGHT
    from kgkt.transfer.options import SHARPEN, FuseOptions

    t, temperature, weight = recipe.target, temperature_of(recipe), carry_weight(recipe)
    if t.method == "distil":
        refuse_distil(recipe)
    if t.grow and t.method in ("write", "distil"):
        raise UsageError(f"--method {t.method} does not go with --grow: what grows is written by itself, and B is "
                         "taught what it knew beside what the graph says. Leave out one of the two")
    if t.grow and t.steps == 0:
        raise UsageError("fuse --grow: steps is 0, expected 1 or more: growing without training is not offered. Before "
                         "it is trained a grown B answers as B did, and what is new counts for nothing")
    if t.method == "write" and not t.map:
        raise UsageError("method write writes what a map says, and no map is asked for: one of the two")
    return FuseOptions(
        steps=t.steps, batch=t.batch, learning_rate=t.learning_rate, patience=t.patience, seed=t.seed,
        from_logits=t.from_logits, method=t.method, class_weights=t.class_weights,
        carry=t.carry, carry_weight=WEIGHT if weight is None else weight,
        sharpen=1 / temperature if t.method == "distil" else SHARPEN,
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


def logs_of(recipe: Recipe) -> list[Any]:
    """What writes down the losses of the training, where a folder is named for it."""
    from kgkt.transfer.listening import event_log

    return [event_log(Path(recipe.target.log))] if recipe.target.log else []


def filter_places(recipe: Recipe, run: RunDir, block_map: BlockMap | None) -> Places | None:
    """The places of A's map that the filters of a map are written from."""
    from kgkt.source.parquet import open_features
    from kgkt.transfer.places import places_for

    if block_map is None or recipe.target.method == "soft-targets":
        return None
    if all(group[0].kind != "filter" for group in block_map.blocks.values()):
        return None
    return places_for(open_features(run.need("features.parquet", "populate")), block_map.blocks, recipe.target.seed)


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
                                         *([target.pixels] if target.pixels else []),
                                         *([["output", target.output]] if target.output else []),
                                         *([["grow", *target.grow]] if target.grow else []),
                                         *method_asked(target)]),
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


def method_asked(target: Target) -> list[Any]:
    """What is said of the method, where it is not the default: as it was before there was a choice."""
    said = {"method": target.method if target.method != "auto" else None, "temperature": target.temperature,
            "class_weights": target.class_weights}  # fmt: skip
    return [{name: value for name, value in said.items() if value}] if any(said.values()) else []


def strengths_digest(recipe: Recipe, run: RunDir, model: str) -> str:
    """Digest of how strongly each concept maps to each block of a model, as people left it."""
    from kgkt.store.readback import rows

    with open_graph_store(recipe, run) as store:
        found = rows(store, "read_strengths", graph=run.graph, model=model)
    return digest_value(sorted([str(r["concept"]), str(r["layer"]), r["index"], r["strength"]] for r in found))
