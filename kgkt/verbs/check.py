"""check: what is there, what would be done, what it would take; nothing heavy is imported."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kgkt.concepts.cluster import default_k
from kgkt.errors import InputError, KgktError, count
from kgkt.files import sha256_file
from kgkt.recipe import Recipe, Target
from kgkt.rundir.folder import RunDir
from kgkt.rundir.state import moves, open_run, store_url, why_stale
from kgkt.source.sentence_files import LAYER
from kgkt.store.opening import embedded_path
from kgkt.verbs.findings import (
    Fact,
    data_fact,
    features_fact,
    in_words,
    labels_fact,
    model_fact,
    sentence_fact,
    size_for,
)

STAGES = ("populate", "propagate", "map", "fuse")
# resident after the imports (getrusage, Linux, TensorFlow 2.21, PyTorch 2.15)
IMPORTS_MB = {"model": 760, "sentences": 1100, "features": 230}


@dataclass(slots=True)
class Plan:
    """What `check` found.

    Args:
        facts: in the order in which they are printed.
        problems: what would stop a run, as errors say it.
        stages: stage -> {"ran": when or None, "stale": whether, "why": what changed, "seconds": of the last time,
            None where they were not kept}.
        memory_mb: what populate would need, where that can be told.
    """

    facts: list[Fact] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    stages: dict[str, dict[str, Any]] = field(default_factory=dict)
    memory_mb: float | None = None

    def add(self, what: str, says: str, **fields: Any) -> None:
        """One more fact."""
        self.facts.append(Fact(what, says, fields))


def check(recipe: Recipe) -> Plan:
    """Look at everything that a run would read.

    Args:
        recipe: with whatever is named so far.

    Returns:
        The plan; a broken file is a problem in it, not an error.
    """
    plan = Plan()
    file = recipe.path
    if recipe.source.is_sentences:
        a = _look(plan, str(recipe.source.model_path), sentence_fact, file, folder=True)
    else:
        a = _look(plan, recipe.source.model, lambda p: model_fact(p, recipe, "layers"), file)
    drop = recipe.source.drop_bad
    pool = _look(plan, recipe.source.data, lambda p: data_fact(p, size_for(recipe, a, own=False), drop), file)
    features = _look(plan, recipe.source.features, features_fact, file)
    b = _look(plan, recipe.target.model, lambda p: model_fact(p, recipe, "outputs"), file)
    _look(plan, recipe.target.data, lambda p: data_fact(p, size_for(recipe, b), drop), file)
    _look(plan, recipe.target.test, lambda p: data_fact(p, size_for(recipe, b)), file)
    _look(plan, recipe.teach.labels, labels_fact, file)
    _fits(plan, recipe, a, pool, b)
    if not any((recipe.source.model, recipe.source.data, recipe.source.features, recipe.target.model)):
        plan.add("nothing named", "kgkt init writes a kgkt.toml to fill in; or give --model, --data, …")
    _memory(plan, recipe, a, pool, features)
    _store(plan, recipe)
    _stages(plan, recipe)
    return plan


def _look(plan: Plan, path: str | None, look: Any, recipe_file: Path | None, folder: bool = False) -> Any:
    """Run `look` on a named file, or a `folder` that it looks for itself; what it raises is a problem of the plan."""
    if not path:
        return None
    try:
        if not folder and not Path(path).exists():
            raise InputError(f"{path} is not there" + (f": {recipe_file} names it" if recipe_file else ""))
        fact, value = look(Path(path))
    except KgktError as error:
        plan.problems.append(str(error))
        plan.add(path, "cannot be used, see below", kind="problem", path=path)
        return None
    plan.facts.append(fact)
    return value


def _fits(plan: Plan, recipe: Recipe, a: Any, pool: Any, b: Any) -> None:
    """What the models read against what the data holds."""
    from kgkt.source.features import check_input
    from kgkt.source.sentences import check_texts

    if a is not None and pool is not None and (recipe.source.is_sentences or pool.kind == "text"):
        try:
            if recipe.source.is_sentences:
                check_texts(a.path, pool, recipe.source.layers)
            else:
                check_input(f"model {a.path.name}", a.input_shape, pool)
        except InputError as error:
            plan.problems.append(str(error))
        a = None
    for info, data in ((a, pool), (b, None if recipe.target.data else pool)):
        if info is None or data is None or info.input_shape is None:
            continue
        if info.reads_text != (data.kind == "text"):
            reads, has = ("texts", "numbers") if info.reads_text else ("numbers", "texts")
            plan.problems.append(f"{info.path} reads {reads}, the data is of {has}: name B's own data of the same "
                                 "items with --target-data")
            continue
        if info.reads_text:
            continue
        given = tuple(data.x.shape[1:])
        if data.kind == "images" and (size := size_for(recipe, info)):
            given = (*size, *given[2:])
        if info is a and len(given) < len(info.input_shape):
            given = (*given, 1)  # as A gets it
        differ = (w not in (None, g) for w, g in zip(info.input_shape, given, strict=False))
        if len(given) != len(info.input_shape) or any(differ):
            plan.problems.append(f"{info.path} reads {in_words(info.input_shape)}, the data has {in_words(given)}")
    names = recipe.target.classes
    if b is not None and names and b.outputs not in (None, len(names)):
        plan.problems.append(f"{b.path} has {count(b.outputs, 'output')}, [target] classes names {len(names)}")


def _memory(plan: Plan, recipe: Recipe, a: Any, pool: Any, features: Any) -> None:
    """The plan with sizes and estimated memory of populate."""
    if features:
        n, widths = features
        base = IMPORTS_MB["features"]
    elif a is not None and pool is not None:
        n, base = len(pool.ids), IMPORTS_MB["model"]
        if recipe.source.is_sentences:
            base, widths = IMPORTS_MB["sentences"] + 8 * a.n_weights / 1e6, {LAYER: a.width}
        else:
            widths = {layer: pooled_width(a.layers.get(layer)) for layer in recipe.source.layers}
    else:
        return
    if not widths:
        plan.add("plan", "populate: say which layers of A to read (--layers), their names stand above", kind="plan")
        return
    k = recipe.concepts.k or default_k(n)
    need = base + estimate_mb(n, list(widths.values()), k)
    plan.memory_mb = round(need)
    shown = " + ".join(str(d or "?") for d in widths.values())
    known = None if None in widths.values() else n * sum(d or 0 for d in widths.values()) * 4
    plan.add("plan", f"populate {n:,} x ({shown}) into {count(k, 'concept')}, about {need:,.0f} MB", kind="plan",
             items=n, layers=widths, concepts=k, memory_bytes=round(need * 1e6), features_bytes=known)  # fmt: skip


def pooled_width(shape: tuple[int | None, ...] | None) -> int | None:
    """Width of a layer's features: a map larger than 4x4 is pooled to 4x4, then flattened."""
    if shape is None or any(s is None for s in shape[-1:]):
        return None
    sizes = [s or 4 for s in shape]
    if len(sizes) == 3:
        return min(sizes[0], 4) * min(sizes[1], 4) * sizes[2]
    return math.prod(sizes)


def estimate_mb(n: int, widths: list[int | None], k: int) -> float:
    """Megabytes that populate needs beside its imports: sample, embedding, one block of distances, the graph."""
    total = sum(w or 0 for w in widths)
    sample = min(n, 20_000) * total * 4 * 4
    arrays = n * (32 * max(1, len(widths)) * 3 + 64) * 4 + n * 3 * 24
    return (sample + arrays + 2_000_000 * 16 + k * k * 8) / 1e6


def _store(plan: Plan, recipe: Recipe) -> None:
    try:
        run = open_run(recipe, must_exist=False)
        url = store_url(recipe, run)
    except KgktError as error:
        plan.problems.append(str(error))
        return
    server = embedded_path(url) is None
    leave = server and recipe.store.text
    where = ("texts and paths of items go to that server" if leave else "no texts or paths of items go there"
             if server else "texts and paths of items stay on this machine")  # fmt: skip
    plan.add("the store", f"{url}   {where}", kind="store", url=url, texts_leave=leave)


def _stages(plan: Plan, recipe: Recipe) -> None:
    """Which stages ran, which are stale and why, and the class order."""
    plan.stages = {stage: {"ran": None, "stale": True, "why": ["never ran"], "seconds": None} for stage in STAGES}
    try:
        run = open_run(recipe, must_exist=False)
        state = run.state()
        # a first populate that was stopped before its end leaves a folder in which no stage is written down
        if not state.get("stages"):
            plan.add("stages", "nothing made yet")
            return
        earlier = ""
        for stage in STAGES:
            if stage in state.get("stages", {}):
                last = state["stages"][stage]
                why = stale_reasons(run, recipe, stage) or ([f"{earlier} is stale"] if earlier else [])
                earlier = stage if why else earlier
                seconds = sum(last["figures"].get("seconds", {}).values()) or None
                plan.stages[stage] = {"ran": last["at"], "stale": bool(why), "why": why, "seconds": seconds}
                plan.add(stage, f"ran {last['at']}   " + (f"stale: {', '.join(why)}" if why else "fresh"),
                         kind="stage", **plan.stages[stage])  # fmt: skip
        plan.facts.append(class_fact(recipe, run))
    except KgktError as error:
        plan.problems.append(str(error))


def stale_reasons(run: RunDir, recipe: Recipe, stage: str) -> list[str]:
    """What changed since the stage ran; only inputs that are named now can be compared."""
    from kgkt.rundir.current import open_graph_store, read_current
    from kgkt.rundir.features import populate_inputs
    from kgkt.verbs.fuse import fuse_inputs
    from kgkt.verbs.map import map_inputs
    from kgkt.verbs.propagate import as_last_taught, propagate_inputs

    if stage == "populate":
        moved = ["the store"] if moves(recipe, run) else []
        if not (recipe.source.features or recipe.source.model):
            return moved
        return why_stale(run, stage, populate_inputs(recipe)) + moved
    if stage == "propagate":
        recipe = as_last_taught(recipe, run)
        with open_graph_store(recipe, run) as store:
            facts = read_current(store, run, lambda _: None, recipe.target.classes)
        return why_stale(run, stage, propagate_inputs(run, recipe, facts))
    if not recipe.target.model or not Path(recipe.target.model).exists():
        return _told_by_flags(run, stage)
    if stage == "map":
        return why_stale(run, stage, map_inputs(run, recipe, Path(recipe.target.model)))
    # what flags told fuse is not known here: only what the recipe names can be compared
    reasons = why_stale(run, stage, fuse_inputs(recipe, run))
    told = {"target settings", *(() if recipe.target.test else ("test",))} if recipe.target == _bare(recipe) else set()
    return [reason for reason in reasons if reason not in told]


def _told_by_flags(run: RunDir, stage: str) -> list[str]:
    """What changed of the inputs that lie in the run directory: the model was named by a flag, and is not known."""
    from kgkt.rundir.state import population

    before = run.state()["stages"][stage]["inputs"]
    now = {"populate": population(run)} if stage == "map" else {}
    files = {"map": "masses.safetensors", "fuse": "targets.parquet"}
    if run.path(files[stage]).exists():
        now["targets"] = sha256_file(run.path(files[stage]))
    return [name for name, digest in now.items() if before.get(name) != digest]


def _bare(recipe: Recipe) -> Target:
    """The target section with nothing but the model: what is there when flags do the telling."""
    return Target(model=recipe.target.model, imports=recipe.target.imports)


def class_fact(recipe: Recipe, run: RunDir) -> Fact:
    """The order of the classes and whether it is fixed."""
    from kgkt.rundir.current import open_graph_store
    from kgkt.store.labels import read_classes

    with open_graph_store(recipe, run) as store:
        names, frozen, _ = read_classes(store, run.graph)
    order = "frozen" if frozen else "order of the recipe" if recipe.target.classes else "natural order, not frozen yet"
    ordered = recipe.target.classes or names
    says = f"{' '.join(ordered)} ({order})" if names else "none yet"
    return Fact("classes", says, {"kind": "classes", "classes": list(ordered), "frozen": frozen})
