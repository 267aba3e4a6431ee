"""map: the blocks of B's weights get their concepts; and the targets that every transfer begins with."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kgkt.errors import count
from kgkt.files import digest_value, sha256_file
from kgkt.recipe import METHODS, Recipe
from kgkt.rundir import carry
from kgkt.rundir.class_order import fix_classes, tell_unlabelled
from kgkt.rundir.current import CurrentGraph, open_graph_store
from kgkt.rundir.folder import RunDir
from kgkt.rundir.map_method import digests, last_settings, learn_layers, method_of, settings, told
from kgkt.rundir.mapped import last_mapped, remember_map, was_mapped
from kgkt.rundir.state import Say, open_run, population, record, why_stale
from kgkt.rundir.target_model import check_items, open_target
from kgkt.values import BlockMap, Targets
from kgkt.verbs.propagate import fresh_targets, need_labels

if TYPE_CHECKING:
    from kgkt.store.protocol import Store
    from kgkt.transfer.network import Lesson


@dataclass(frozen=True, slots=True)
class Mapped:
    """What `map` wrote: layer -> (kind, number of blocks), layers left out, and how many edits were kept.

    `unplanned` of these edits give a strength to what the plan gives none.
    `method` is what was asked for; where that is not "communities", `lessons` says how each layer got its concepts.
    """

    layers: dict[str, tuple[str, int]]
    unmapped: list[str]
    edits: int
    classes: tuple[str, ...]
    method: str = METHODS[0]
    lessons: dict[str, Lesson] = dataclasses.field(default_factory=dict)
    unplanned: int = 0

    def to_json(self) -> dict[str, Any]:
        """All of it as JSON holds it."""
        how = {layer: told(lesson) for layer, lesson in self.lessons.items()}
        layers = {layer: {"kind": kind, "blocks": blocks, **how.get(layer, {})}
                  for layer, (kind, blocks) in self.layers.items()}
        return {"layers": layers, **({"method": self.method} if how else {}), "unmapped": self.unmapped,
                "edits_kept": self.edits, "edits_unplanned": self.unplanned, "classes": self.classes}


def map_target(recipe: Recipe, say: Say) -> Mapped:
    """Give each block of B's mapped layers its concepts, and write that into the graph.

    Strengths that people changed are kept where the plan still has them.
    """
    from kgkt.transfer.blocks import check_target, read_blocks, unmapped
    from kgkt.transfer.outputs import in_words, read_outputs

    run = open_run(recipe)
    need_labels(recipe, run)
    opened = open_target(recipe)
    model, path = opened.model, opened.path
    current, targets = fresh_targets(recipe, run, say)
    check_target(model, targets.names, file=path.name)
    outputs = read_outputs(model, recipe.target.from_logits)
    if words := in_words(outputs, targets.names, path.name):
        say(words)
    tell_unlabelled(recipe, current, say)
    if method_of(recipe, run) == METHODS[0]:  # a map that is learned reads the items itself
        check_items(recipe, run, model, targets.names)
    blocks = read_blocks(model)
    block_map, edits, taught = _map_again(recipe, run, model, path, blocks, current, targets, say)
    return Mapped(
        {layer: (part[0].kind, len(part)) for layer, part in block_map.blocks.items()},
        unmapped({layer: group for layer, group in blocks.items() if layer not in block_map.blocks}),
        edits, targets.names, method_of(recipe, run), taught, unplanned(block_map),
    )  # fmt: skip


def _map_again(
    recipe: Recipe, run: RunDir, model: Any, path: Path, blocks: dict[str, Any], current: CurrentGraph,
    targets: Targets, say: Say,
) -> tuple[BlockMap, int, dict[str, Lesson]]:  # fmt: skip
    """Plan, write into the graph and write down; the map, how many edits were kept, and how each layer was mapped."""
    taught = learn_layers(recipe, run, model, blocks, current, targets, say)
    with open_graph_store(recipe, run, write=True) as store:
        block_map, edits, wait = plan(store, run, recipe, path, blocks, current, targets, say, taught)
        write_map(store, run, path, model, block_map, targets, say)
    record_map(run, recipe, targets, path, wait, taught)
    return block_map, edits + len(wait), taught


def plan(
    store: Store, run: RunDir, recipe: Recipe, path: Path, blocks: dict[str, Any], current: CurrentGraph,
    targets: Targets, say: Say, taught: dict[str, Lesson],
) -> tuple[BlockMap, int, list[carry.Strength]]:  # fmt: skip
    """A new plan with the strengths that people changed in the old one, how many these are, and those that wait on.

    All of these strengths wait until `record_map`: a map that is cut off while it is written may hold none of them.
    """
    from kgkt.store.readback import read_strengths
    from kgkt.transfer.mapper import plan_map

    learned = {layer: lesson.planned for layer, lesson in taught.items() if lesson.planned is not None}
    block_map = plan_map(blocks, current.graph.centroids, targets.mass, current.Z, recipe.target.seed, learned)
    block_map = with_filters(recipe, run, block_map, blocks, current, say)
    entries = [entry for entry in carry.waiting(run) if entry[1] == path.stem]
    if "map" in run.state().get("stages", {}):
        before = read_strengths(store, run.graph, path.stem)
        entries += [entry for entry in edits_of(before, block_map, path.stem, say) if entry not in entries]
        _say_other_method(recipe, run, blocks, entries, say)
    carry.let_wait(run, _of_others(run, path) + entries)
    block_map = carry_edits(block_map, entries, say)
    edits = sum(int((block_map.planned[la] != block_map.strength[la]).nnz) for la in block_map.blocks)
    return block_map, edits, unseen(block_map, entries)


def _say_other_method(
    recipe: Recipe, run: RunDir, blocks: dict[str, Any], entries: list[carry.Strength], say: Say
) -> None:
    """Say what an edit of a hidden unit is worth once its layer is mapped in another way."""
    before, now = last_settings(recipe, run).get("method", METHODS[0]), method_of(recipe, run)
    hidden = [e for e in entries if e[2] in blocks and blocks[e[2]][0].kind != "head"]
    if hidden and before != now:
        say(f"kept {count(len(hidden), 'strength')} to hidden units that you changed in a map by {before}, though by "
            f"{now} these units carry other concepts: kgkt query edited_strengths shows them")  # fmt: skip


def with_filters(
    recipe: Recipe, run: RunDir, block_map: BlockMap, blocks: dict[str, Any], current: CurrentGraph, say: Say
) -> BlockMap:
    """The map with B's filters, where A has a map of places that they can be planned from."""
    from kgkt.source.parquet import open_features
    from kgkt.transfer.places import places_for, plan_filters

    if all(group[0].kind != "filter" for group in blocks.values()):
        return block_map
    places = places_for(open_features(run.need("features.parquet", "populate")), blocks, recipe.target.seed)
    if places is None:
        say("none of A's layers in the features is a map of places (height, width, channels; populate with --layers): "
            "B's filters get no concepts")
    return plan_filters(block_map, blocks, places, current.Z, recipe.target.seed)


def _of_others(run: RunDir, path: Path) -> list[carry.Strength]:
    """The waiting strengths of models other than the one at `path`."""
    return [entry for entry in carry.waiting(run) if entry[1] != path.stem]


def carry_edits(block_map: BlockMap, entries: list[carry.Strength], say: Say) -> BlockMap:
    """`block_map` with the strengths of an earlier graph's map; those to a block that B does not have are told."""
    strength = {layer: matrix.tolil() for layer, matrix in block_map.strength.items()}
    for concept, _, layer, index, value in entries:
        place = _place(block_map, layer, index)
        if place is not None:
            strength[layer][concept, place] = value
        else:
            say(f"lost: strength {value:g} of concept {concept} to {layer} {index}, a block that B does not have")
    return dataclasses.replace(block_map, strength={layer: matrix.tocsr() for layer, matrix in strength.items()})


def _place(block_map: BlockMap, layer: str, index: int) -> int | None:
    """Where among the blocks of its layer the one of that index stands; None where B has no such block."""
    return next((j for j, block in enumerate(block_map.blocks.get(layer, ())) if block.index == index), None)


def edits_of(
    before: dict[str, tuple[Any, Any]], block_map: BlockMap, model: str, say: Say
) -> list[carry.Strength]:
    """The strengths that differ from their plan in the map that stands, by the index that their block has in B now.

    A head's slots are those of its classes, but for a single one, which is that of the second.
    """
    found: list[carry.Strength] = []
    for layer, (was, planned) in before.items():
        blocks, edited = block_map.blocks.get(layer, ()), (was != planned).tocoo()
        head = bool(blocks) and blocks[0].kind == "head"
        moved = (was.shape[1] == 1) - (len(blocks) == 1) if head else 0
        gone = 0
        for i, j in zip(edited.row.tolist(), edited.col.tolist(), strict=True):
            if j + moved >= 0:
                found.append((i, model, layer, j + moved, float(was[i, j])))
            else:
                gone += 1
        if gone:
            strengths = count(gone, "strength")
            say(f"lost: {strengths} to the first class: {layer} has one slot now, that of the second")
    return found


def unplanned(block_map: BlockMap) -> int:
    """How many strengths stand where the plan has none."""
    pairs = ((block_map.strength[layer] != 0, block_map.planned[layer] != 0) for layer in block_map.blocks)
    return sum(int(strength.nnz - strength.multiply(planned).nnz) for strength, planned in pairs)


def off_plan(many: int) -> str:
    """The end of a line that counts edits: how many of these the plan has no strength for; "" where none."""
    return f", {many} of them planned at 0" if many else ""


def unseen(block_map: BlockMap, entries: list[carry.Strength]) -> list[carry.Strength]:
    """The edits that leave no trace in a map: to 0, of a concept that is planned at 0 (it is off, say). They wait."""
    kept = []
    for entry in entries:
        concept, _, layer, index, value = entry
        place = _place(block_map, layer, index)
        if place is not None and value == block_map.planned[layer][concept, place]:
            kept.append(entry)
    return kept


def write_map(
    store: Store, run: RunDir, path: Path, model: Any, block_map: BlockMap, targets: Targets, say: Say
) -> None:  # fmt: skip
    """Blocks and strengths into the graph; the class order is frozen with them."""
    from kgkt.store.load import write_blocks

    fix_classes(store, run, targets.names, path.stem, say)
    node = {
        "name": path.stem, "role": "target", "framework": "keras", "sha256": sha256_file(path),
        "n_weights": int(model.count_params()),
    }  # fmt: skip
    write_blocks(store, run.graph, node, block_map, targets.names)


def record_map(
    run: RunDir, recipe: Recipe, targets: Targets, path: Path, wait: list[carry.Strength], taught: dict[str, Lesson]
) -> None:
    """Write down what `map` read; strengths that waited for it are in the graph now, but for those in `wait`."""
    figures: dict[str, Any] = {"model": path.stem, "classes": list(targets.names)}
    if taught:
        figures["layers"] = {layer: told(lesson) for layer, lesson in taught.items()}
    record(run, "map", map_inputs(run, recipe, path), {}, figures, settings(recipe, run))
    remember_map(run, path.stem, settings(recipe, run))
    carry.let_wait(run, _of_others(run, path) + wait)  # last: only a map that is written down is asked for edits


def map_inputs(run: RunDir, recipe: Recipe, path: Path) -> dict[str, str]:
    """Digests of what `map` reads: of the items only where a map may be learned from them."""
    asked, items = digests(recipe, run)
    output = [recipe.target.output] if recipe.target.output else []
    return {
        "populate": population(run),
        "model B": sha256_file(path),
        "targets": sha256_file(run.need("masses.safetensors", "propagate")),
        "map settings": digest_value([recipe.target.seed, *asked, *output]),
        **items,
    }


def current_map(
    recipe: Recipe, run: RunDir, say: Say, model: Any, path: Path, current: CurrentGraph, targets: Targets
) -> BlockMap | None:
    """The map of B in the graph; None where B was never mapped.

    It is planned again where its inputs changed, and where another B was mapped since.
    """
    from kgkt.store.readback import read_strengths
    from kgkt.transfer.blocks import MAPPED, read_blocks

    done = run.state().get("stages", {}).get("map")
    if done is None or not recipe.target.map:
        return None
    last = last_mapped(run)
    if last != path.stem:
        with open_graph_store(recipe, run) as store:
            ours = was_mapped(store, run, path.stem)
        if not ours:
            say(f"the map is of {last}, not of {path.stem}: no weights are written (kgkt map)")
            return None
        changed = [f"another B, {last}, was mapped"]
    else:
        changed = why_stale(run, "map", map_inputs(run, recipe, path))
    blocks = read_blocks(model)
    if changed:
        say(f"changed since map: {', '.join(changed)}; mapping again")
        block_map, edits, _ = _map_again(recipe, run, model, path, blocks, current, targets, say)
        if edits:
            say(f"edited strengths kept: {edits}{off_plan(unplanned(block_map))}")
        return block_map
    layout = {layer: group for layer, group in blocks.items() if group[0].kind in (*MAPPED, "filter")}
    with open_graph_store(recipe, run) as store:
        found = read_strengths(store, run.graph, path.stem, layout)
    if not any(found[layer][1].nnz for layer, group in layout.items() if group[0].kind == "filter"):
        layout = {layer: group for layer, group in layout.items() if group[0].kind != "filter"}  # none were planned
    return BlockMap(
        layout, {layer: found[layer][1] for layer in layout}, {layer: found[layer][0] for layer in layout},
    )  # fmt: skip
