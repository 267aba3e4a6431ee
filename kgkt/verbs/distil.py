"""A's own answer as B's teacher: plain distillation, where A's outputs are B's classes."""

from __future__ import annotations

import dataclasses

from kgkt.errors import InputError, UsageError, nearest
from kgkt.recipe import Recipe
from kgkt.rundir.current import CurrentGraph
from kgkt.rundir.folder import RunDir
from kgkt.values import Targets

TEMPERATURE = 2.0


def temperature_of(recipe: Recipe) -> float:
    """What the logarithm of A's answer is divided by.

    Raises:
        UsageError: it is given with another method.
        InputError: it is not above 0.
    """
    given = recipe.target.temperature
    if given is not None and recipe.target.method != "distil":
        raise UsageError(f"temperature is of A's own answer (--method distil), method is {recipe.target.method}: "
                         "leave it out")
    if given is not None and not 0 < given < float("inf"):
        raise InputError(f"temperature is {given:g}, expected a number above 0")
    return TEMPERATURE if given is None else given


def refuse_distil(recipe: Recipe) -> None:
    """Refuse to take A's outputs for B's classes where nobody said that they are.

    Raises:
        UsageError: with what to say.
    """
    if not recipe.source.classes:
        raise UsageError("--method distil takes A's own outputs as teacher, and nothing says that they are B's "
                         "classes.\nIf they are, name them in A's order: classes = [...] in [source] of kgkt.toml. "
                         "If they are not, A's head knows nothing of B's classes: leave out --method")


def own_targets(recipe: Recipe, run: RunDir, current: CurrentGraph, targets: Targets) -> Targets:
    """The targets with A's own probabilities in place of the graph's.

    What people said stays: an item whose concepts are all off has weight 0, and what a tick took from an item stays
    taken. Labels and the temperature come in where B is trained.

    Raises:
        InputError: A, or the data that it reads, is not there; an item is missing.

    Reference: Hinton, Vinyals & Dean 2015 (distilling the knowledge in a neural network).
    """
    import numpy as np

    from kgkt.rundir.task import own_answer, pool_data

    data = pool_data(recipe, run)
    P = own_answer(recipe, data, targets.names)
    assert data is not None
    assert P is not None
    rows = {item: row for row, item in enumerate(data.ids.tolist())}
    missing = [item for item in current.ids.tolist() if item not in rows]
    if missing:
        raise InputError(f"the pool lacks {len(missing)} of the graph's items, e.g. {missing[0]!r}"
                         f"{nearest(missing[0], list(rows)[:20000])}")
    P = P[[rows[item] for item in current.ids.tolist()]]
    if targets.ticked is not None:
        taken = np.flatnonzero(targets.ticked >= 0)
        P[taken, targets.ticked[taken]] = 0.0
        P /= np.maximum(P.sum(axis=1, keepdims=True), 1e-12)
    heard = np.asarray(current.Z @ current.graph.active.astype(float)) > 0
    return dataclasses.replace(targets, P=P, weight=heard.astype(np.float32))
