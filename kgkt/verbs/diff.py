"""diff: which of a graph's concepts are in another graph of the same pool, or in a model B."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kgkt.errors import InputError, UsageError
from kgkt.files import load_arrays, sha256_file
from kgkt.recipe import Recipe
from kgkt.rundir.asking import read_exemplars
from kgkt.rundir.current import CurrentGraph, open_graph_store, own_info, read_current
from kgkt.rundir.folder import RunDir
from kgkt.rundir.measured import read_as_fused
from kgkt.rundir.state import Say, made_by, open_run, population, store_database, store_url
from kgkt.rundir.target_model import OpenTarget, open_target, target_inputs
from kgkt.transfer.diff import (
    NEW,
    Kept,
    Verdict,
    correspondences,
    in_groups,
    near_each,
    new_ones,
    shuffled,
    sizes_of,
    verdicts,
)
from kgkt.transfer.difference import Compared, Diffed

if TYPE_CHECKING:
    import numpy as np
    from scipy.sparse import csr_matrix

EXAMPLES = 3
FRESH = 2  # untrained copies of B, whose mean is the floor


@dataclass(frozen=True, slots=True)
class _Side:
    """A graph that is read: its run, the graph as people left it, A's embedding of the pool (n, e)."""

    run: RunDir
    current: CurrentGraph
    vectors: np.ndarray


def diff_graphs(recipe: Recipe, other: str, say: Say) -> Diffed:
    """Compare a graph with another one of the same pool, and write into the database what corresponds.

    Args:
        recipe: of the first graph.
        other: name of the second, in the same run directory.
        say: takes notices.

    Raises:
        UsageError: a graph with itself.
        InputError: no such graph, an unfinished one, or graphs of different pools.
    """
    run = open_run(recipe)
    theirs = dataclasses.replace(recipe, graph=other)
    if run.graph == other:
        raise UsageError(f"graph {other} with itself: there is nothing to compare; name another graph of the same pool")
    second_run = open_run(theirs)
    with open_graph_store(recipe, run) as store:
        first = _side(run, read_current(store, run, say))
    with open_graph_store(theirs, second_run) as store:
        second = _side(second_run, read_current(store, second_run, say))
    rows = _same_items(first, second)
    Z, groups = first.current.Z, second.current.Z[rows].tocsr()
    kept = _of_graphs(Z, groups, first)
    back = _of_graphs(second.current.Z, Z[_inverse(rows)].tocsr(), second)
    found, on = verdicts(kept, Z, groups), _asked(first.current)
    fresh = {g for g in new_ones(back, groups, Z) if second.current.graph.active[g]}
    concepts = _described(first, kept, found, on, lambda g: str(second.current.graph.names[g]))
    new = _described(second, back, [Verdict(NEW)] * len(back.kept), sorted(fresh), str)
    stored = _same_database(recipe, run, theirs, second_run)
    if stored:
        _write_correspondences(recipe, first, second, kept, found, on, (Z, groups), fresh)
    else:
        say(f"{run.graph} and {other} are in two databases: what corresponds is told, not stored")
    return Diffed(run.graph, other, False, concepts, new, kept.overall(_mask(on, len(found))),
                  int((~first.current.graph.active).sum()), stored)  # fmt: skip


def diff_target(recipe: Recipe, say: Say, before: str | None = None, layer: str | None = None) -> Diffed:
    """Compare a graph with what B's last hidden layer knows of the pool, and write what arrived into the database.

    Args:
        recipe: of the graph and of B; what it does not say of a B that `fuse` taught or made is as `fuse` was told.
        say: takes notices.
        before: B as it was before its training, in place of copies with fresh weights, for the floor.
        layer: of B, in place of its last hidden one.

    Raises:
        UsageError: no B named.
        InputError: B, or its data, does not fit; it has no such layer, or no head that kgkt knows.
    """
    import numpy as np

    from kgkt.concepts.cluster import choose_k
    from kgkt.concepts.engine import engine_for
    from kgkt.transfer.diff_target import fresh_copy, hidden_vectors, tap_of
    from kgkt.transfer.items import nearest_items

    run = open_run(recipe)
    recipe = read_as_fused(dataclasses.replace(recipe, target=dataclasses.replace(recipe.target, test=None)), run)
    opened = open_target(recipe)
    tap_of(opened.model, layer, opened.path.name)
    with open_graph_store(recipe, run) as store:
        side = _side(run, read_current(store, run, say))
    Z, seed = side.current.Z, recipe.target.seed
    x, _ = target_inputs(recipe, run, opened.model, side.current.ids, _own_outputs(opened), say)
    vectors = hidden_vectors(opened.model, x, layer, seed)
    floors = [_before(recipe, before, opened, layer, say)] if before else [
        fresh_copy(opened.model, seed + number) for number in range(FRESH)]  # fmt: skip
    own, near_a = nearest_items(vectors), nearest_items(side.vectors)
    floor = [near_each(Z, nearest_items(hidden_vectors(model, x, layer, seed))) for model in floors]
    kept = Kept(near_each(Z, own), np.mean(floor, axis=0), near_each(Z, near_a), sizes_of(Z))
    k, _ = choose_k(vectors, Z.shape[1])
    groups = engine_for(vectors).fit(vectors, k, seed).memberships
    found, on = verdicts(kept, Z, groups), _asked(side.current)
    back = Kept(near_each(groups, near_a), shuffled(groups, Z, seed), near_each(groups, own), sizes_of(groups))
    concepts = _described(side, kept, found, on, lambda g: f"group {g}")
    new = sorted((_group(g, back, groups, side.current.ids) for g in new_ones(back, groups, Z)), key=lambda c: -c.size)
    _write_arrived(recipe, run, opened, kept, found, on)
    return Diffed(run.graph, opened.path.stem, True, concepts, tuple(new), kept.overall(_mask(on, len(found))),
                  int((~side.current.graph.active).sum()), True, before)  # fmt: skip


def _side(run: RunDir, current: CurrentGraph) -> _Side:
    arrays, _ = load_arrays(made_by(run, "populate", "embedding.safetensors"))
    return _Side(run, current, arrays["vectors"])


def _same_items(first: _Side, second: _Side) -> np.ndarray:
    """(n,) where the items of the first graph stand in the second.

    Raises:
        InputError: the two are not of the same items.
    """
    import numpy as np

    ours, theirs = first.current.ids.tolist(), second.current.ids.tolist()
    place = {item: row for row, item in enumerate(theirs)}
    shared = sum(item in place for item in ours)
    if not shared == len(ours) == len(theirs):
        raise InputError(
            f"graphs {first.run.graph} and {second.run.graph} are of different pools: they share {shared:,} items, of "
            f"{len(ours):,} and {len(theirs):,}. Populate the second from the same pool (the same item_id), with "
            "--graph NAME"
        )
    return np.array([place[item] for item in ours])


def _inverse(rows: np.ndarray) -> np.ndarray:
    import numpy as np

    return np.argsort(rows)


def _of_graphs(Z: csr_matrix, groups: csr_matrix, side: _Side) -> Kept:
    """Concepts of one graph in another: shuffled items are the floor, the same A with another seed is the ceiling."""
    from kgkt.concepts.engine import engine_for

    arrays, made = load_arrays(made_by(side.run, "populate", "concepts.safetensors"))
    seed = int(made["seed"]) + 1
    steady = engine_for(side.vectors).fit(side.vectors, len(arrays["centroids"]), seed).memberships
    return Kept(in_groups(Z, groups), shuffled(Z, groups, seed), in_groups(Z, steady), sizes_of(Z))


def _asked(current: CurrentGraph) -> list[int]:
    """The concepts that are on and hold items; one that is merged into another counts as that."""
    import numpy as np

    return np.flatnonzero(current.graph.active & (sizes_of(current.Z) > 0)).tolist()


def _mask(numbers: list[int], k: int) -> np.ndarray:
    import numpy as np

    mask = np.zeros(k, bool)
    mask[numbers] = True
    return mask


def _described(side: _Side, kept: Kept, found: list[Verdict], numbers: list[int], called: Any) -> tuple[Compared, ...]:
    """Concepts with all that is said of them, the least kept first."""
    graph, exemplars, position = side.current.graph, read_exemplars(side.run), kept.position
    done = [
        Compared(
            c, str(graph.keys[c]), str(graph.names[c]), int(graph.sizes[c]), found[c].word, _figure(kept.kept[c]),
            _figure(kept.floor[c]), _figure(kept.ceiling[c]), _figure(position[c]), tuple(map(called, found[c].into)),
            tuple(str(graph.names[d]) for d in found[c].beside),
            tuple(side.current.ids[exemplars[c][:EXAMPLES]].tolist()),
        )
        for c in numbers
    ]  # fmt: skip
    return tuple(sorted(done, key=lambda c: (c.position is None, c.position, -c.size, c.number)))


def _group(g: int, back: Kept, groups: csr_matrix, ids: np.ndarray) -> Compared:
    """A group of B's layer that no concept knew."""
    column = groups[:, [g]].toarray().ravel()
    nearest = (-column).argsort(kind="stable")[:EXAMPLES]
    return Compared(g, f"group {g}", f"group {g}", round(float(back.sizes[g])), NEW, _figure(back.kept[g]),
                    _figure(back.floor[g]), _figure(back.ceiling[g]), _figure(back.position[g]),
                    examples=tuple(ids[nearest].tolist()))  # fmt: skip


def _figure(value: Any) -> float | None:
    return None if value != value else float(value)


def _own_outputs(opened: OpenTarget) -> tuple[str, ...]:
    """Names for B's outputs: what its classes are does not matter here."""
    outputs = opened.model.output_shape[-1]
    return tuple(f"output {i}" for i in range(max(2, outputs if isinstance(outputs, int) else 2)))


def _before(recipe: Recipe, before: str, opened: OpenTarget, layer: str | None, say: Say) -> Any:
    """B as it was; other layers or widths (B may have grown) are said.

    Raises:
        InputError: it reads other items than B, lacks the layer, or is B itself.
    """
    import numpy as np

    from kgkt.transfer.diff_target import tap_of
    from kgkt.transfer.layers import leaves

    model = open_target(recipe.override("target", model=before)).model
    tap_of(model, layer, before)
    if model.input_shape != opened.model.input_shape:
        raise InputError(f"--before {before} reads items of shape {model.input_shape[1:]}, {opened.path.name} of "
                         f"{opened.model.input_shape[1:]}: give the same B as it was before its training")
    ours, theirs = ([(type(layer).__name__, [tuple(w.shape) for w in layer.weights]) for _, layer in leaves(one)]
                    for one in (opened.model, model))  # fmt: skip
    if ours != theirs:
        say(f"--before {before} has other layers or widths than {opened.path.name}: the floor is of another model than "
            "B, unless B grew out of it")
    elif all(map(np.array_equal, opened.model.get_weights(), model.get_weights())):
        raise InputError(f"--before {before} has the very weights of {opened.path.name}: give B as it was before its "
                         "training, or leave --before away for copies with fresh weights")
    return model


def _said(kept: Kept, found: list[Verdict], c: int) -> dict[str, Any]:
    """What a relationship says of a concept; figures that there are not are left out."""
    figures = {name: _figure(getattr(kept, name)[c]) for name in ("kept", "floor", "ceiling")}
    return {"verdict": found[c].word, **{name: value for name, value in figures.items() if value is not None}}


def _write_arrived(
    recipe: Recipe, run: RunDir, opened: OpenTarget, kept: Kept, found: list[Verdict], on: list[int]
) -> None:
    from kgkt.store.diff import write_arrived

    node = {"name": opened.path.stem, "role": "target", "framework": "keras", "sha256": sha256_file(opened.path),
            "n_weights": int(opened.model.count_params())}  # fmt: skip
    made = population(run)
    with open_graph_store(recipe, run, write=True) as store:
        own_info(store, run)
        _refuse_changed(run, made)
        write_arrived(store, run.graph, node, ((c, _said(kept, found, c)) for c in on))


def _write_correspondences(
    recipe: Recipe, first: _Side, second: _Side, kept: Kept, found: list[Verdict], on: list[int],
    views: tuple[csr_matrix, csr_matrix], fresh: set[int],
) -> None:  # fmt: skip
    from kgkt.store.diff import write_correspondences

    pairs = correspondences(*views, on)
    made = population(first.run), population(second.run)
    with open_graph_store(recipe, first.run, write=True) as store:
        own_info(store, first.run)
        own_info(store, second.run)
        _refuse_changed(first.run, made[0])
        _refuse_changed(second.run, made[1])
        write_correspondences(store, first.run.graph, second.run.graph, (
            (a, b, {"overlap": there, "back": back, "new": b in fresh, **_said(kept, found, a)})
            for a, b, there, back in pairs))  # fmt: skip


def _refuse_changed(run: RunDir, made: str) -> None:
    if population(run) != made:
        raise InputError(f"graph {run.graph} was populated again while it was compared: run diff again")


def _same_database(recipe: Recipe, run: RunDir, theirs: Recipe, second: RunDir) -> bool:
    return (store_url(recipe, run), store_database(recipe, run)) == (
        store_url(theirs, second), store_database(theirs, second))
