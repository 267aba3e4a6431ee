"""fuse: write B's weights where the plan helps, train B on what the graph teaches, measure what it was worth."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kgkt.errors import InputError, UsageError, nearest
from kgkt.pipeline.features import digest_path
from kgkt.pipeline.graph import Facts, open_graph_store
from kgkt.pipeline.state import Say, open_run, record, settings_of
from kgkt.pipeline.transfer import current_map, fresh_targets, open_target
from kgkt.recipe import Recipe
from kgkt.rundir import RunDir, digest_value, load_arrays, sha256_file
from kgkt.values import Fusion, Targets

if TYPE_CHECKING:
    import numpy as np

    from kgkt.source.models import Shape
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

    from kgkt.source.models import input_shape
    from kgkt.transfer.blocks import check_data, check_target, reads_logits
    from kgkt.transfer.card import check_output, write_card
    from kgkt.transfer.fuse import fuse

    run = open_run(recipe)
    if not recipe.target.out:
        raise UsageError("where to? --out b-fused.keras")
    out = Path(recipe.target.out)
    check_output(out, Path(recipe.target.model) if recipe.target.model else None, force)
    model, path = open_target(recipe)
    facts, targets = fresh_targets(recipe, run, say)
    check_target(model, targets.names, file=path.name)
    reads_logits(model, recipe.target.from_logits)
    x = target_data(recipe, run, facts.ids, input_shape(model), say)
    check_data(model, targets.names, x, path.name)
    test = test_data(recipe, run, targets.names, input_shape(model), say)
    block_map = current_map(recipe, run, say, model, path, facts, targets)
    options = fuse_options(recipe)
    bar = progress("training", options.steps) if progress else contextlib.nullcontext()
    with bar as advance:
        fusion = fuse(
            model, x, targets, facts.labels, options=options, block_map=block_map, memberships=facts.Z,
            test=test, progress=_steps(advance), diagnosis=run.path("diverged.json"),
        )  # fmt: skip
    for notice in fusion.notices:
        say(notice)
    write_card(fusion, out, original=path, facts=provenance(recipe, run, facts, targets), force=force)
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
    from kgkt.transfer.fuse import FuseOptions

    t = recipe.target
    return FuseOptions(
        steps=t.steps, batch=t.batch, learning_rate=t.learning_rate, patience=t.patience, seed=t.seed,
        from_logits=t.from_logits,
    )  # fmt: skip


def target_data(recipe: Recipe, run: RunDir, ids: np.ndarray, shape: Shape | None, say: Say) -> Any:
    """(n, ...) the pool as B reads it, in the order of the graph's items `ids` (n,); `shape` is of B's input.

    Raises:
        UsageError: no data named.
        InputError: items of the graph that the data does not hold.
    """
    import numpy as np

    from kgkt.source.inputs import read_data

    pool = settings_of(run, "populate")
    named = recipe.target.data or recipe.source.data or pool.get("data")
    if not named:
        raise UsageError("B needs the items themselves: --target-data pool.npz (arrays x and item_id)")
    if not Path(named).exists():
        raise InputError(f"the pool {named} is not there any more: say where it is with --target-data")
    data = read_data(named, drop_bad=recipe.source.drop_bad or pool.get("drop_bad", False),
                     size=size_for(recipe, run, shape))
    for notice in data.notices:
        say(notice)
    if len(data.ids) == len(ids) and (data.ids == ids).all():
        return data.x
    rows = {item: row for row, item in enumerate(data.ids.tolist())}
    missing = [item for item in ids.tolist() if item not in rows]
    if missing:
        raise InputError(
            f"{named} lacks {len(missing)} of the graph's {len(ids)} items, e.g. {missing[0]!r}"
            f"{nearest(missing[0], list(rows)[:20000])}"
        )
    return data.x[np.array([rows[item] for item in ids.tolist()])]


def size_for(recipe: Recipe, run: RunDir, shape: Shape | None) -> tuple[int, int] | None:
    """(h, w) that pictures are brought to for B: its own where fixed, else that of the pool as A saw it."""
    from kgkt.source.images import picture_size

    return picture_size(shape, recipe.source.size or settings_of(run, "populate").get("size"))


def test_data(
    recipe: Recipe, run: RunDir, names: tuple[str, ...], shape: Shape | None, say: Say
) -> tuple[Any, np.ndarray] | None:
    """(x, y) to measure on, y as class indices; None where none was named; `shape` is of B's input.

    Raises:
        InputError: a class of the test set that the graph does not have.
    """
    import numpy as np

    from kgkt.source.inputs import read_test

    if not recipe.target.test:
        return None
    data = read_test(recipe.target.test, size=size_for(recipe, run, shape))
    assert data.y is not None
    for notice in data.notices:
        say(notice)
    place = {name: i for i, name in enumerate(names)}
    for name in dict.fromkeys(data.y.tolist()):
        if name not in place:
            raise InputError(f"{recipe.target.test} has the class {name!r}{nearest(name, names)}")
    return data.x, np.array([place[name] for name in data.y.tolist()])


def provenance(recipe: Recipe, run: RunDir, facts: Facts, targets: Targets) -> dict[str, Any]:
    """What the new B's run.json and card say about where it comes from."""
    import numpy as np

    populated, propagated = (run.state()["stages"][stage] for stage in ("populate", "propagate"))
    _, made = load_arrays(run.path("concepts.safetensors"))
    counts = np.bincount(facts.labels.classes, minlength=len(targets.names))
    return {
        "graph": run.graph,
        "source": populated["figures"],
        "source_sha256": populated["inputs"].get("model") or populated["inputs"]["features"],
        "concepts_seed": int(made["seed"]),
        "classes": list(targets.names),
        "labels": dict(zip(targets.names, counts.tolist(), strict=True)),
        "ticks": len(facts.labels.tick_items),
        "items": len(facts.ids),
        "unreached": int((targets.weight == 0).sum()),
        "inactive_concepts": int((~facts.graph.active).sum()),
        "spread": propagated["figures"]["spread"],
        "expert": propagated["figures"]["expert"],
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
                                         target.seed, target.from_logits, target.map]),
    }  # fmt: skip
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
