"""label and propagate: what people say of items, and what follows for all the others."""

from __future__ import annotations

import dataclasses
import importlib.util
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kgkt.errors import BusyError, InputError, count
from kgkt.files import check_place, digest_value, load_arrays, sha256_file
from kgkt.recipe import Recipe, Teach
from kgkt.rundir.current import CurrentGraph, open_graph_store, own_info, read_current
from kgkt.rundir.folder import RunDir
from kgkt.rundir.source_weights import prefer_others
from kgkt.rundir.state import Say, made_by, open_run, population, record, settings_of, why_stale
from kgkt.rundir.targets import FILES, read_targets, write_items_csv, write_targets
from kgkt.values import Labels, Targets

BOTH_UP_TO = 300_000  # items; above, only concepts answer without being asked for more


@dataclass(frozen=True, slots=True)
class Propagated:
    """What `propagate` found.

    Args:
        targets: for every item.
        current: the graph that they follow from.
        labels_per_class: class -> labels that teach.
        unreached: items with weight 0; `off` of them because all their concepts are switched off.
        expert: that was asked for.
        prior: what was said of class shares, in words.
        milliseconds: of the propagation over the concepts, once alpha is chosen, and of the whole teacher.
        silent: labels and ticks that teach nothing, because all concepts of their items are switched off.
        sources: a word where the labels prefer other weights of several sources than the graph has; else None.
    """

    targets: Targets
    current: CurrentGraph
    labels_per_class: dict[str, int]
    unreached: int
    off: int
    expert: str
    prior: str
    milliseconds: tuple[float, float]
    silent: int = 0
    sources: str | None = None

    @property
    def ticked(self) -> dict[str, int]:
        """Class -> how many items a tick took from it."""
        ticked = self.targets.ticked
        if ticked is None:
            return {}
        return {name: int((ticked == i).sum()) for i, name in enumerate(self.targets.names) if (ticked == i).any()}

    def to_json(self) -> dict[str, Any]:
        """The figures as JSON holds them; what each item is stands in the targets."""
        n, expected = len(self.targets.weight), self.targets.expected_accuracy
        return {
            "items": n, "reached": n - self.unreached, "unreached": self.unreached, "switched_off": self.off,
            "labels": self.labels_per_class, "silent": self.silent, "ticked": self.ticked,
            "spread": self.targets.spread, "expert": self.expert,
            "experts": [{"name": e.name, "weight": e.weight, "why": e.why} for e in self.targets.experts],
            "alpha": self.targets.alpha, "expected_accuracy": None if expected is None else expected[0],
            "expected_between": None if expected is None else list(expected[1:]),
            "milliseconds": self.milliseconds[0], "milliseconds_whole": self.milliseconds[1], "sources": self.sources,
        }  # fmt: skip


def propagate_inputs(run: RunDir, recipe: Recipe, current: CurrentGraph) -> dict[str, str]:
    """Digests of what `propagate` reads."""
    from kgkt.transfer.teacher import REVISION

    teach = recipe.teach
    return {
        "populate": population(run),
        "concepts": sha256_file(run.need("memberships.parquet", "populate")),
        "the graph": current.digest(),
        "the teacher of this kgkt": digest_value(REVISION),
        "teach settings": digest_value(
            [*teach_settings(run, recipe), teach.expert, teach.balanced, teach.prior, teach.alpha]
        ),
    }


def teach_settings(run: RunDir, recipe: Recipe) -> tuple[str, bool]:
    """Spread, and whether the items are texts, whose models were trained for cosine.

    Spread both, where the recipe says nothing and its neighbours can be had: exactly up to 60,000 items, with
    pynndescent up to 300,000; concepts above.
    """
    from kgkt.transfer.items import EXACT_UP_TO

    done = run.state().get("stages", {}).get("populate", {})
    n = done.get("figures", {}).get("items", 0)
    near = n <= EXACT_UP_TO or (n <= BOTH_UP_TO and importlib.util.find_spec("pynndescent") is not None)
    spread = recipe.teach.spread or ("both" if near else "concepts")
    return spread, done.get("settings", {}).get("kind") == "text"


def propagate(
    recipe: Recipe, say: Say, items: str | None = None, force: bool = False, *, give_way: bool = False
) -> Propagated:
    """Spread the labels over the graph; writes targets.parquet and what each concept leans to.

    Others may edit the graph while it is worked out; it is worked out once more where they did, which nobody may
    disturb.

    Args:
        recipe: its teach section.
        say: takes notices.
        items: a CSV to write with item_id, class, mass of every item.
        force: replace `items` where it exists.
        give_way: where others edited it meanwhile, write nothing.

    Raises:
        BusyError: `give_way`, and they did.
    """
    from kgkt.store.load import write_masses

    run = open_run(recipe)
    if items is not None and Path(items).exists() and not force:
        raise InputError(f"{items} exists: --force replaces it")
    if items is not None:
        check_place(Path(items))
    made = population(run)
    with open_graph_store(recipe, run) as store:
        current = read_current(store, run, say, recipe.target.classes)
    done = spread(run, recipe, current)
    with open_graph_store(recipe, run, write=True) as store:
        now = read_current(store, run, lambda _: None, recipe.target.classes)
        if made != population(run) or now.digest() != current.digest():
            if give_way:
                raise BusyError("the graph was edited meanwhile")
            current = now
            done = spread(run, recipe, current)
        _say_shares_of_switched(recipe.teach, current, say)
        write_masses(store, run.graph, done.targets.mass, current.labels.names)
    write_targets(run, done.targets, current)
    if items is not None:
        write_items_csv(Path(items), done.targets, current)
    counts = dict(zip(current.labels.names, done.labels_per_class.values(), strict=True))
    record(run, "propagate", propagate_inputs(run, recipe, current),
           {name: sha256_file(run.path(name)) for name in FILES},
           {"labels": counts, "unreached": done.unreached, "spread": done.targets.spread, "expert": done.expert,
            "alpha": done.targets.alpha, "experts": weights_of(done.targets), "milliseconds": done.milliseconds[0],
            "expected_accuracy": done.targets.expected_accuracy},
           dataclasses.asdict(recipe.teach))  # fmt: skip
    return done


def _entries(labels: Labels) -> int:
    return len(labels) + len(labels.tick_items)


def _say_shares_of_switched(settings: Teach, current: CurrentGraph, say: Say) -> None:
    """Say which classes are mostly switched off and yet filled up to the share that was stated for them."""
    import numpy as np

    if not (settings.balanced or settings.prior):
        return
    names = current.labels.names
    had, left = (np.bincount(labels.classes, minlength=len(names)) for labels in (current.labels, current.taught))
    most = [f"{name} ({had[c] - left[c]} of its {count(int(had[c]), 'label')})" for c, name in enumerate(names)
            if 0 < left[c] <= had[c] / 2 and (settings.balanced or name in settings.prior)]  # fmt: skip
    if most:
        told = "every class is equally frequent" if settings.balanced else "how frequent each class is"
        say(f"mostly switched off, with what a person labelled: {', '.join(most)}. You said {told}, so other items are "
            "called so until that share is reached: leave that out, or give --prior as it is among what is on")


def spread(run: RunDir, recipe: Recipe, current: CurrentGraph) -> Propagated:
    """The teacher's answer on the graph as it stands; nothing is written."""
    import numpy as np
    import scipy.linalg  # noqa: F401 - loaded before the clock starts, like the next
    import sklearn.linear_model  # noqa: F401

    from kgkt.concepts.propagate import choose_alpha, make_seeds, make_spreader, propagate_masses
    from kgkt.transfer.teacher import read_prior, teach

    settings, labels = recipe.teach, current.taught
    how, text = teach_settings(run, recipe)
    seeds = make_seeds(labels)  # refuses a graph without labels, which has no classes to share out either
    prior = read_prior(settings.prior, settings.balanced, labels.names)
    arrays, _ = load_arrays(made_by(run, "populate", "embedding.safetensors"))
    start = time.perf_counter()
    alpha = choose_alpha(current.graph, current.Z, labels) if settings.alpha is None else settings.alpha
    clock = time.perf_counter()
    spreader = make_spreader(current.graph, alpha)
    propagate_masses(spreader, current.Z, seeds)
    quick = time.perf_counter() - clock
    targets = teach(
        current.graph, current.Z, labels, arrays["head"], spread=how, expert=settings.expert, text=text, prior=prior,
        alpha=alpha, neighbours=neighbours_of(run, arrays["vectors"], how, current.ids), spreader=spreader,
    )  # fmt: skip
    if current.merged:  # a merged concept leans to what the one leans to that it is a part of
        targets = dataclasses.replace(targets, mass=targets.mass[current.into])
    whole = time.perf_counter() - start
    counts = np.bincount(labels.classes, minlength=len(labels.names))
    dark = np.asarray(current.Z[:, current.graph.active].sum(axis=1)).ravel() <= 0
    unreached = targets.weight == 0
    return Propagated(
        targets, current, dict(zip(labels.names, counts.tolist(), strict=True)),
        int(unreached.sum()), int((unreached & dark).sum()), settings.expert, _prior_in_words(settings),
        (1e3 * quick, 1e3 * whole), _entries(current.labels) - _entries(labels), prefer_others(recipe, run, labels),
    )  # fmt: skip


def _prior_in_words(settings: Teach) -> str:
    if settings.balanced:
        return "every class equally frequent, as you said"
    if settings.prior:
        return "class shares as you gave them"
    return "no prior (say --balanced if every class is equally frequent: it helps)"


def neighbours_of(run: RunDir, vectors: Any, spread: str, ids: Any) -> Any:
    """The graph of nearest items, kept in neighbours.parquet; None where `spread` needs none."""
    if spread == "concepts":
        return None
    from kgkt.rundir.folder import load_neighbours, save_neighbours
    from kgkt.transfer.items import nearest_items, neighbour_graph

    path, made_from = run.path("neighbours.parquet"), sha256_file(run.path("embedding.safetensors"))
    index = load_neighbours(path, made_from) if path.exists() else None
    if index is None:
        index = nearest_items(vectors)
        save_neighbours(path, ids, index, made_from)
    return neighbour_graph(index, vectors)


def weights_of(targets: Targets) -> dict[str, float]:
    """The weight of each expert that had a part in it beside the graph."""
    return {expert.name: round(expert.weight, 2) for expert in targets.experts[1:] if expert.weight}


def fresh_targets(recipe: Recipe, run: RunDir, say: Say) -> tuple[CurrentGraph, Targets]:
    """The graph as it stands and the targets that follow from it; propagates again if something changed.

    What the last `propagate` was told by flags holds, unless the recipe says something of its own.
    """
    recipe = as_last_taught(recipe, run)
    with open_graph_store(recipe, run) as store:
        current = read_current(store, run, say, recipe.target.classes)
    changed = why_stale(run, "propagate", propagate_inputs(run, recipe, current))
    if changed:
        if changed != ["never ran"]:
            say(f"changed since propagate: {', '.join(changed)}; propagating again")
        done = propagate(recipe, say)
        return done.current, done.targets
    return current, read_targets(run, current)


def need_labels(recipe: Recipe, run: RunDir) -> None:
    """Refuse a graph without a label before B is opened, and TensorFlow loaded for it.

    Raises:
        InputError: as `fresh_targets`.
    """
    from kgkt.concepts.propagate import NO_LABELS
    from kgkt.store.labels import read_label_records

    if not recipe.target.model or not Path(recipe.target.model).exists():
        return  # which is said first
    with open_graph_store(recipe, run) as store:
        own_info(store, run)
        if not read_label_records(store, run.graph)[0]:
            raise InputError(NO_LABELS)


def as_last_taught(recipe: Recipe, run: RunDir) -> Recipe:
    """The recipe with the teach settings of the last `propagate`, if the recipe itself leaves them open."""
    last = settings_of(run, "propagate")
    plain = Teach()
    said = dataclasses.replace(
        recipe.teach, labels=None, id_column=plain.id_column, class_column=plain.class_column
    )  # what a label file is like says nothing of how its labels spread
    if not last or said != plain:
        return recipe
    told = {key: value for key, value in last.items() if value is not None}
    if "experts" not in run.state()["stages"]["propagate"]["figures"]:
        told.pop("alpha", None)  # an earlier kgkt wrote down its default as if it had been asked for
    return dataclasses.replace(recipe, teach=Teach(**told))
