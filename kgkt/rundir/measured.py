"""What was measured in a trained B: kept by `fuse`, written into the graph, found again by `trace`."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from kgkt.errors import BusyError, InputError
from kgkt.files import digest_value, load_arrays, save_arrays, sha256_file
from kgkt.recipe import Recipe, Target
from kgkt.rundir.current import CurrentGraph, open_graph_store
from kgkt.rundir.folder import RunDir
from kgkt.rundir.state import Say, made_by, population, settings_of
from kgkt.transfer.measure import LayerMeasured, Measured
from kgkt.values import BlockMap

FILE = "measured.safetensors"
STRONGEST = 3  # concepts of each unit that are written into the graph, beside those that map to it
LEAST = 0.1  # correlation from which on a concept is one of these
FILES = ("model", "out", "data")  # fields of [target] that name a file
READING = ("data", "output", "pixels", "imports", "id_column", "text_column", "class_column")  # how B is read
PASSING = ("test", "require_gain")  # fields that say nothing of how B is read


def measured_key(run: RunDir, current: CurrentGraph) -> str:
    """What a measurement holds for: these items and concepts, merged as they are."""
    return digest_value([population(run), current.into.tolist()])


def keep_measured(
    recipe: Recipe, run: RunDir, found: Measured, current: CurrentGraph, block_map: BlockMap | None, out: Path, say: Say
) -> dict[str, str]:
    """Keep what was measured in the fused B that lies at `out`, and write it into the graph where B is mapped.

    Args:
        recipe, run, current: of the graph.
        found: from `measure`.
        block_map: the map of B; None: nothing goes into the graph.
        out: the fused B.
        say: takes notices.

    Returns:
        The digest of the file, as an output of the stage.
    """
    from kgkt.store.load import write_measured

    sha256 = sha256_file(out)
    save_measured(run.path(FILE), found, {"sha256": sha256, "key": measured_key(run, current), "on": out.name})
    if block_map is not None:
        assert recipe.target.model is not None
        name = Path(recipe.target.model).stem
        try:
            with open_graph_store(recipe, run, write=True) as store:
                write_measured(store, run.graph, name, worth_writing(found, block_map), out.name, sha256)
        except BusyError as error:
            say(f"what was measured in {out.name} is not in the graph ({error}): kgkt trace knows it all the same")
    return {FILE: sha256_file(run.path(FILE))}


def worth_writing(found: Measured, block_map: BlockMap) -> Iterator[tuple[int, str, int, float]]:
    """(concept, layer, index of the block, correlation) of what maps to a block, and of its strongest few concepts."""
    import numpy as np

    for layer, blocks in block_map.blocks.items():
        if layer not in found.layers:
            continue
        r = found.layers[layer].correlation
        planned, strength = block_map.planned[layer].tocsc(), block_map.strength[layer].tocsc()
        for j, block in enumerate(blocks):
            if block.index >= r.shape[1]:
                continue
            own = r[:, block.index]
            best = np.argsort(-own, kind="stable")[:STRONGEST]
            mapped = np.union1d(planned[:, j].nonzero()[0], strength[:, j].nonzero()[0])
            for concept in np.union1d(best[own[best] >= LEAST], mapped).astype(int).tolist():
                yield concept, layer, block.index, float(own[concept])


def save_measured(path: Path, found: Measured, facts: dict[str, str]) -> None:
    """Write a measurement as safetensors: the arrays of layer i as `i/NAME`, what they are in the metadata."""
    names = [field.name for field in dataclasses.fields(LayerMeasured) if field.name != "kind"]
    arrays = {f"{i}/{name}": getattr(layer, name) for i, layer in enumerate(found.layers.values()) for name in names}
    layers = [[path_, layer.kind] for path_, layer in found.layers.items()]
    told = {"layers": json.dumps(layers), "notices": json.dumps(found.notices)}
    save_arrays(path, {**arrays, "answers": found.answers, "sure": found.sure}, {**facts, **told})


def load_measured(run: RunDir) -> tuple[Measured, dict[str, str]]:
    """Read what `fuse` kept, and the facts it was kept with.

    Raises:
        InputError: it is not there, or not what `fuse` wrote.
    """
    arrays, facts = load_arrays(made_by(run, "fuse", FILE))
    layers = {}
    for i, (path, kind) in enumerate(json.loads(facts["layers"])):
        own = {name.partition("/")[2]: value for name, value in arrays.items() if name.startswith(f"{i}/")}
        layers[path] = LayerMeasured(kind, **own)
    return Measured(layers, arrays["answers"], arrays["sure"], tuple(json.loads(facts["notices"]))), facts


def target_memory(recipe: Recipe) -> dict[str, Any]:
    """How B was read when it was fused, as `trace` needs it: the fields of [target] that were said, paths absolute."""
    plain = Target()
    said = {field.name: getattr(recipe.target, field.name) for field in dataclasses.fields(Target)
            if field.name not in PASSING and getattr(recipe.target, field.name) != getattr(plain, field.name)}
    return {"target": {name: str(Path(value).resolve()) if name in FILES else list(value)
                       if isinstance(value, tuple) else value for name, value in said.items()}}  # fmt: skip


def as_fused(recipe: Recipe, run: RunDir) -> Recipe:
    """The recipe with its [target] as the last `fuse` was told, where it says nothing else; no test set."""
    unsaid = _unsaid(recipe, run, tuple(field.name for field in dataclasses.fields(Target)))
    return dataclasses.replace(recipe, target=dataclasses.replace(recipe.target, **unsaid, test=None))


def read_as_fused(recipe: Recipe, run: RunDir) -> Recipe:
    """The recipe with its B read as the last `fuse` was told, if that taught this B, or made it; else as it is."""
    if recipe.target.model is None:
        return recipe
    known, made = settings_of(run, "fuse").get("target", {}), run.state().get("stages", {}).get("fuse", {})
    path = Path(recipe.target.model).resolve()
    if str(path) not in (known.get("model"), known.get("out")) and not (
            path.is_file() and sha256_file(path) == made.get("outputs", {}).get("model")):
        return recipe
    unsaid = _unsaid(recipe, run, tuple(name for name in READING if recipe.target.data is None or "column" not in name))
    return dataclasses.replace(recipe, target=dataclasses.replace(recipe.target, **unsaid))


def _unsaid(recipe: Recipe, run: RunDir, names: tuple[str, ...]) -> dict[str, Any]:
    """What the last `fuse` was told of these fields of [target], where the recipe says nothing else."""
    plain, known = Target(), settings_of(run, "fuse").get("target", {})
    return {name: tuple(value) if isinstance(value, list) else value for name, value in known.items()
            if name in names and getattr(recipe.target, name) == getattr(plain, name)}  # fmt: skip


def fused_model(recipe: Recipe, run: RunDir, named: str | None) -> Path:
    """The trained B that is meant: the one named, else the one that was fused last.

    Raises:
        InputError: none was fused, it is not there any more, or it is not what `fuse` wrote.
    """
    if named is not None:
        return Path(named)
    last = settings_of(run, "fuse").get("target", {}).get("out")
    if last is None and "fuse" in run.state().get("stages", {}):
        raise InputError("the last fused B was made by an earlier kgkt, which did not keep where it lies: name it with "
                         "--target")
    if last is None:
        raise InputError("no B was fused from this graph yet: kgkt fuse --target b.keras --out b-fused.keras; or name "
                         "a trained one with --target")
    path = Path(last)
    if not path.exists():
        raise InputError(f"the last fused B, {path}, is not there any more: name one with --target, or run kgkt fuse")
    if sha256_file(path) != run.state()["stages"]["fuse"]["outputs"]["model"]:
        raise InputError(f"{path} changed since it was fused: run kgkt fuse again, or name it with --target and it is "
                         "measured as it is now")
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path
