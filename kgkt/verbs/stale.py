"""Which stages of a run are stale and why, and the order of the classes: the part of check about what was made."""

from __future__ import annotations

from pathlib import Path

from kgkt.errors import InputError, KgktError
from kgkt.files import sha256_file
from kgkt.recipe import Recipe, Target
from kgkt.rundir.folder import RunDir
from kgkt.rundir.state import moves, open_run, place_flags, why_stale
from kgkt.source.choose import source_of
from kgkt.verbs.plan import Finding, Plan

STAGES = ("populate", "propagate", "map", "fuse")
PER_CLASS = 5  # concepts a class below which the concepts' own answer suffers (benchmarks, emoji_fine)


def look_at_stages(plan: Plan, recipe: Recipe) -> None:
    """Which stages ran, which are stale and why, and the class order."""
    from kgkt.rundir.current import open_graph_store
    from kgkt.rundir.derived import diff_in_words, read_written

    stages = STAGES + (("train",) if recipe.target.trainer else ())
    plan.stages = {stage: {"ran": None, "stale": True, "why": ["never ran"], "seconds": None} for stage in stages}
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
        if "rows" in state["stages"]:
            _look_at_rows(plan, recipe, run)
        if recipe.target.trainer:
            _look_at_trainer(plan, recipe, run)
        plan.findings.append(classes_finding(recipe, run))
        with open_graph_store(recipe, run) as store:
            diffed = diff_in_words(run, read_written(store, run.graph), place_flags(recipe))
        if diffed:
            plan.add("diff", diffed)
        if (found := maps_finding(recipe, run)) is not None:
            plan.findings.append(found)
    except KgktError as error:
        plan.problems.append(str(error))


def _look_at_rows(plan: Plan, recipe: Recipe, run: RunDir) -> None:
    """Whether the rows that fuse wrote last are what the graph says now; a stage of its own, beside the training."""
    from kgkt.rundir.row_stage import why_rows_stale

    last, why = run.state()["stages"]["rows"], why_rows_stale(recipe, run)
    plan.stages["rows"] = {"ran": last["at"], "stale": bool(why), "why": why, "seconds": None}
    plan.add("rows", f"ran {last['at']}   " + (f"stale: {', '.join(why)}" if why else "fresh"),
             kind="stage", **plan.stages["rows"])  # fmt: skip


def _look_at_trainer(plan: Plan, recipe: Recipe, run: RunDir) -> None:
    """Whether the trainer ran on B as it would be written now; after every stage that writes B."""
    from kgkt.verbs.trainer import why_untrained

    last = run.state()["stages"].get("train")
    writes = ("populate", *(["rows"] if "rows" in plan.stages else ())) if recipe.target.method == "rows" else STAGES
    earlier = [f"{stage} is stale" for stage in writes if plan.stages[stage]["ran"] and plan.stages[stage]["stale"]]
    try:
        why = why_untrained(recipe, run) or earlier[:1]
    except InputError as error:  # a problem that check tells by itself
        why = [str(error)]
    if last is None:
        plan.add("train", f"stale: {', '.join(why)}", kind="stage", **plan.stages["train"])
        return
    ended = not last["settings"].get("fault")
    seconds = sum(last["figures"]["seconds"].values()) if ended else None
    plan.stages["train"] = {"ran": last["at"], "stale": bool(why), "why": why, "seconds": seconds}
    says = f"stale: {', '.join(why)}" if why else "fresh"
    plan.add("train", f"{'ran' if ended else 'tried'} {last['at']}   {says}", kind="stage", **plan.stages["train"])


def stale_reasons(run: RunDir, recipe: Recipe, stage: str) -> list[str]:
    """What changed since the stage ran; only inputs that are named now can be compared."""
    from kgkt.rundir.current import open_graph_store, read_current
    from kgkt.rundir.features import populate_inputs
    from kgkt.verbs.fuse import fuse_inputs
    from kgkt.verbs.map import map_inputs
    from kgkt.verbs.propagate import as_last_taught, propagate_inputs

    if stage == "populate":
        moved = ["the store"] if moves(recipe, run) else []
        if source_of(recipe.source) is None:
            return moved
        return why_stale(run, stage, populate_inputs(recipe)) + moved
    if stage == "propagate":
        recipe = as_last_taught(recipe, run)
        with open_graph_store(recipe, run) as store:
            current = read_current(store, run, lambda _: None, recipe.target.classes)
        return why_stale(run, stage, propagate_inputs(run, recipe, current))
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


def classes_finding(recipe: Recipe, run: RunDir) -> Finding:
    """The order of the classes and whether it is fixed."""
    from kgkt.rundir.current import open_graph_store
    from kgkt.store.labels import read_classes

    with open_graph_store(recipe, run) as store:
        names, frozen, _ = read_classes(store, run.graph)
    order = "frozen" if frozen else "order of the recipe" if recipe.target.classes else "natural order, not frozen yet"
    ordered = recipe.target.classes or names
    says = f"{' '.join(ordered)} ({order})" if names else "none yet"
    made = run.state()["stages"].get("populate", {}).get("figures", {})
    says += few_concepts(made.get("items", 0), made.get("concepts", 0), len(ordered))
    return Finding("classes", says, {"kind": "classes", "classes": list(ordered), "frozen": frozen})


def maps_finding(recipe: Recipe, run: RunDir) -> Finding | None:
    """Whose maps are in the graph, and which was made last; None where there is none."""
    from kgkt.rundir.current import open_graph_store
    from kgkt.rundir.mapped import last_mapped, mapped_models

    with open_graph_store(recipe, run) as store:
        names = mapped_models(store, run)
    last = last_mapped(run)
    if not names:
        return None
    told = [f"{name} (mapped last)" if name == last and len(names) > 1 else name for name in names]
    return Finding("maps", "of " + ", ".join(told), {"kind": "maps", "models": names, "last": last})


def few_concepts(items: int, concepts: int, classes: int) -> str:
    """A word where so many classes share so few concepts that the concepts' own answer suffers; else nothing.

    >>> few_concepts(2170, 217, 86)
    '; 217 concepts are few for 86 classes: populate --concepts 434 tells them apart better'
    >>> few_concepts(2170, 217, 8)
    ''
    """
    more = max(items // 5, 1)
    if not classes or concepts >= PER_CLASS * classes or more <= concepts:
        return ""
    return f"; {concepts} concepts are few for {classes} classes: populate --concepts {more} tells them apart better"
