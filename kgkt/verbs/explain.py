"""explain: why the teacher gives an item of the pool its class, and what would change that."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from kgkt.errors import InputError, UsageError
from kgkt.files import check_place, load_arrays
from kgkt.recipe import Recipe
from kgkt.rundir.asking import read_exemplars
from kgkt.rundir.current import CurrentGraph, pool_ids
from kgkt.rundir.folder import RunDir
from kgkt.rundir.looks import Looks, read_looks
from kgkt.rundir.state import Say, made_by, open_run
from kgkt.rundir.targets import read_experts
from kgkt.transfer.explanation import Belongs, Example, Explained, Heard, Opinion, Turn
from kgkt.values import Expert, Targets
from kgkt.verbs.propagate import as_last_taught, fresh_targets

if TYPE_CHECKING:
    import numpy as np

LEAST = 0.05  # mass from which on a concept is said to lean to a class
LEVEL = 1e-3  # masses that differ by less are level


def explain(
    recipe: Recipe, say: Say, item: str, examples: int = 5, picture: str | None = None, force: bool = False
) -> Explained:
    """Say why the teacher gives an item of the pool its class; propagates again first where something changed.

    Args:
        recipe: of the graph.
        say: takes notices.
        item: its id.
        examples: of how many labels that it hears, and of how many nearest labelled examples, to tell.
        picture: a PNG to draw.
        force: replace `picture` where it exists.

    Raises:
        UsageError: less than one example asked for.
        InputError: no such item, nothing labelled, a picture that cannot be drawn or written.
    """
    from kgkt.source.known_items import known_item

    if examples < 1:
        raise UsageError(f"-n must be at least 1, received {examples}")
    run = open_run(recipe)
    if picture is not None and Path(picture).exists() and not force:
        raise InputError(f"{picture} exists: --force replaces it")
    if picture is not None:
        check_place(Path(picture))
    item = known_item(item, frozenset(pool_ids(run).tolist()))
    looks = read_looks(recipe, run, draw=picture is not None)
    current, targets = fresh_targets(recipe, run, say)
    if looks.missing:
        say(looks.missing)
    done = explain_item(as_last_taught(recipe, run), run, current, targets, item, examples, looks)
    if picture is not None:
        _draw(Path(picture), done, looks)
    return done


def explain_item(
    recipe: Recipe, run: RunDir, current: CurrentGraph, targets: Targets, item: str, examples: int, looks: Looks
) -> Explained:
    """All parts of the answer; the concepts' share of it in closed form, with the item's own label left out."""
    import numpy as np

    from kgkt.concepts.propagate import make_seeds, make_spreader, without_items
    from kgkt.transfer.explain import concepts_answer, hear, label_that_turns, members_to_label, shares
    from kgkt.transfer.teacher import read_prior

    labels, names, Z = current.taught, targets.names, current.Z
    i = int(np.flatnonzero(current.ids == item)[0])
    prior = read_prior(recipe.teach.prior, recipe.teach.balanced, names)
    spreader, seeds = make_spreader(current.graph, targets.alpha), without_items(make_seeds(labels), i)
    columns = [*names, *(f"not {names[denied]}" for denied in seeds.hidden.tolist())]
    heard = shares(hear(spreader, Z, seeds, i))
    most = [s for s in np.argsort(-heard, kind="stable")[:examples].tolist() if heard[s] > 0]
    arrives = np.bincount(seeds.columns, weights=heard, minlength=seeds.width)
    alone = concepts_answer(spreader, Z, seeds, i, prior)
    state, denied = _state(current, targets, i)
    members = members_to_label(spreader, Z, read_exemplars(run), np.union1d(labels.items, labels.tick_items), i)
    turn = None
    if state == "unreached" and members:
        turn = Turn(None, str(current.ids[members[0][1]]), members[0][0])
    elif state in ("taught", "by a tick") and len(names) > 1:
        others = alone[: len(names)].copy()
        others[denied] = -1.0
        wanted = _order(targets.P[i])[1] if state == "taught" else int(others.argmax())
        already = int(alone.argmax()) == wanted
        found = None if already else label_that_turns(spreader, Z, seeds, i, wanted, members, prior)
        turn = _turn(names[wanted], found, current.ids, already, prior is None)
    return Explained(
        item, state, tuple(names[d] for d in denied),
        {} if state in ("off", "unreached") else _masses(targets.P[i], names), _concepts(current, targets, i),
        {name: share for name, share in _masses(arrives, columns).items() if share > 0},
        columns[int(alone.argmax())] if alone.any() else None,
        tuple(Heard(str(current.ids[seeds.items[s]]), columns[seeds.columns[s]], float(heard[s])) for s in most),
        int((heard > 0).sum()), _nearest(run, current, i, examples, looks),
        tuple(_opinion(expert, i, names, labels.tick_classes) for expert in read_experts(run)), turn,
        _said(current, i) if state == "off" else (), looks.path(item), looks.text(item),
    )  # fmt: skip


def _turn(says: str, found: tuple[int, int] | None, ids: np.ndarray, already: bool, every: bool) -> Turn:
    """The label of class `says` that was found, concept and member, or none."""
    concept, item = (None, None) if found is None else (found[0], str(ids[found[1]]))
    return Turn(says, item, concept, already, every)


def _state(current: CurrentGraph, targets: Targets, i: int) -> tuple[str, list[int]]:
    """How the item comes to its class, as `Explained` lists them, and the classes that a tick takes from it."""
    labels = current.labels
    if i in labels.items and targets.weight[i] > 0:
        return "labelled", []
    if targets.weight[i] == 0:
        strength = current.Z[i].toarray().ravel()
        return ("unreached" if strength[current.graph.active].any() else "off"), []
    own = labels.tick_classes[labels.tick_items == i].tolist()
    if own:
        return "ticked", own
    denied = -1 if targets.ticked is None else int(targets.ticked[i])
    return ("taught", []) if denied < 0 else ("by a tick", [denied])


def _said(current: CurrentGraph, i: int) -> tuple[str, ...]:
    """What people said of an item: its class, and "not CLASS" of its ticks."""
    labels, names = current.labels, current.labels.names
    return (*(names[c] for c in labels.classes[labels.items == i].tolist()),
            *(f"not {names[c]}" for c in labels.tick_classes[labels.tick_items == i].tolist()))  # fmt: skip


def _denied(row: np.ndarray, ticks: np.ndarray) -> int | None:
    """The class that a tick takes from an answer (c,): settle() leaves 0 for it, and all others level."""
    import numpy as np

    found = (d for d in np.unique(ticks).tolist() if row[d] == 0 and np.ptp(np.delete(row, d)) < LEVEL)
    return next(found, None)


def _order(values: np.ndarray) -> list[int]:
    """Places of values, the largest first."""
    return [int(place) for place in (-values).argsort(kind="stable")]


def _masses(row: np.ndarray, names: list[str] | tuple[str, ...]) -> dict[str, float]:
    return {names[place]: float(row[place]) for place in _order(row)}


def _concepts(current: CurrentGraph, targets: Targets, i: int) -> tuple[Belongs, ...]:
    row, graph = current.Z[i], current.graph
    found = []
    for place in _order(row.data):
        number = int(row.indices[place])
        leans = {name: mass for name, mass in _masses(targets.mass[number], targets.names).items() if mass >= LEAST}
        name, active = str(graph.names[number]), bool(graph.active[number])
        found.append(Belongs(number, name, float(row.data[place]), active, leans))
    return tuple(found)


def _nearest(run: RunDir, current: CurrentGraph, i: int, examples: int, looks: Looks) -> tuple[Example, ...]:
    from kgkt.transfer.explain import nearest_labelled

    arrays, _ = load_arrays(made_by(run, "populate", "embedding.safetensors"))
    labels = current.labels
    found = []
    for place, distance in zip(*nearest_labelled(arrays["vectors"], labels.items, i, examples), strict=True):
        item = str(current.ids[labels.items[place]])
        name = labels.names[labels.classes[place]]
        found.append(Example(item, name, float(distance), looks.path(item), looks.text(item)))
    return tuple(found)


def _opinion(expert: Expert, i: int, names: tuple[str, ...], ticks: np.ndarray) -> Opinion:
    row, masses = expert.P[i], _masses(expert.P[i], names)
    says: tuple[str | None, float | None] = next(iter(masses.items()))
    if len(names) > 1 and row.max() - row.min() < LEVEL:
        says = None, None
    elif len(names) > 2 and (denied := _denied(row, ticks)) is not None:
        says = f"not {names[denied]}", None
    return Opinion(expert.name, expert.weight, expert.why, *says, masses)


def _draw(path: Path, done: Explained, looks: Looks) -> None:
    from kgkt.share.why import Bars, Panel, draw_why

    others = {name: share for name, share in done.arrives.items() if name in done.masses}
    pixels = looks.pixels([done.item, *(example.item for example in done.nearest)])
    examples = [
        Panel(f"{e.item}\nclass {e.says}, at {e.distance:.2f}", pixels.get(e.item), e.text) for e in done.nearest
    ]
    bars = [Bars("the teacher: mass of each class", done.masses, teacher=True)]
    if done.state in ("labelled", "ticked"):
        bars.append(Bars("the concepts, by the labels of others", others))
    if not done.masses:
        bars = []
    for expert in done.experts if done.masses else ():
        stays = expert.weight > 0
        bars.append(Bars(f"expert {expert.name}, " + (f"weight {round(expert.weight, 2):g}" if stays else "stayed out"),
                         expert.masses, stays))  # fmt: skip
    title = f"{done.item}: {done.verdict}" + (f" ({done.because})" if done.because else "")
    draw_why(path, title, Panel(done.item, pixels.get(done.item), done.text), examples, bars, done.denied)
