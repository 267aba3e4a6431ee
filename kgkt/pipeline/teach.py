"""label and propagate: what people say of items, and what follows for all the others."""

from __future__ import annotations

import dataclasses
import difflib
import getpass
import importlib.util
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kgkt.errors import InputError, UsageError, nearest
from kgkt.pipeline.graph import Facts, open_graph_store, own_info, pool_ids, read_facts
from kgkt.pipeline.state import Say, made_by, now, open_run, population, record, settings_of
from kgkt.recipe import Recipe, Teach
from kgkt.rundir import RunDir, atomic, check_place, digest_value, load_arrays, save_arrays, sha256_file
from kgkt.values import Targets

if TYPE_CHECKING:
    from kgkt.source.labels import Said


BOTH_UP_TO = 300_000  # items; above, only concepts answer without being asked for more


@dataclass(frozen=True, slots=True)
class Labelled:
    """What `label` wrote: counts, the classes of the graph now, and whether the file was known already.

    Args:
        skipped: rows of the file that have no class.
    """

    labels: int
    ticks: int
    replaced: int
    classes: tuple[str, ...]
    known_file: bool = False
    skipped: int = 0


def label(recipe: Recipe, say: Say, file: str | None = None, assignments: Sequence[str] = ()) -> Labelled:
    """Label and tick items, from a file (once per content) or from ITEM=CLASS texts.

    Raises:
        UsageError: neither, or both.
        InputError: as `read_label_file` and `parse_assignments`.
    """
    from kgkt.source.labels import parse_assignments, read_label_file

    if (file is None) == (not assignments):
        raise UsageError("give --file labels.csv, or ITEM=CLASS (ITEM=not:CLASS takes a class away)")
    run = open_run(recipe)
    known = frozenset(pool_ids(run).tolist())
    digest, skipped = "", 0
    if file is not None:
        said, digest, skipped = read_label_file(Path(file), known)
        if digest in run.state().get("label_files", {}):
            return Labelled(0, 0, 0, _classes(recipe, run), known_file=True)
    else:
        said = parse_assignments(assignments, known)
    with open_graph_store(recipe, run, write=True) as store:
        done = _write(store, run, recipe, said, say)
    if digest:
        state = run.state()
        state.setdefault("label_files", {})[digest] = {"path": str(file), "at": now()}
        run.write_state(state)
    return dataclasses.replace(done, skipped=skipped)


def _write(store: Any, run: RunDir, recipe: Recipe, said: list[Said], say: Say) -> Labelled:
    from kgkt.store.people import forget_classes, read_classes, read_said, write_labels

    own_info(store, run)
    before_labels, before_ticks = read_said(store, run.graph)
    old_classes, frozen, _ = read_classes(store, run.graph)
    by, at = _who(), now()
    labels = [(s.item_id, s.name, by, at) for s in said if not s.tick]
    ticks = [(s.item_id, s.name, by, at) for s in said if s.tick]
    check_ticks(said, old_classes)
    touched = {s.item_id for s in said}
    before = [b for b in (*before_labels, *before_ticks) if b["item_id"] in touched]
    was = {b["item_id"]: b["class"] for b in before_labels}
    replaced = sum(was.get(item, name) != name for item, name, _, _ in labels)
    write_labels(store, run.graph, labels, ticks)
    left = {was[item] for item, name, _, _ in labels if was.get(item, name) != name}
    left -= {*recipe.target.classes, *recipe.teach.prior, *settings_of(run, "propagate").get("prior", {})}
    if gone := forget_classes(store, run.graph, left):
        say(f"no class any more, as no item is called so: {', '.join(map(repr, gone))}")
    classes, _, _ = read_classes(store, run.graph)
    new = [c for c in classes if c not in old_classes]
    if frozen and new:
        say(f"new after the order was frozen: {', '.join(map(repr, new))}; B now needs {len(classes)} outputs")
    for name in new if old_classes else ():
        if close := difflib.get_close_matches(name, old_classes, n=1, cutoff=0.75):
            say(f"{name!r} is a new class, beside {close[0]!r}; to take it back: kgkt label ITEM={close[0]}")
    if recipe.target.classes and (unknown := [c for c in new if c not in recipe.target.classes]):
        say(f"not in [target] classes of the recipe: {', '.join(unknown)}")
    log_edit(run, "label", [s for s in before if s["item_id"] in touched], [
        {"item_id": s.item_id, "class": s.name, "tick": s.tick} for s in said
    ])  # fmt: skip
    return Labelled(len(labels), len(ticks), replaced, classes)


def check_ticks(said: list[Said], classes: Sequence[str]) -> None:
    """Refuse a tick of a class that nothing was ever called: it would teach nothing.

    Raises:
        InputError: with the nearest names.
    """
    from kgkt.store.keys import natural

    known = {*classes, *(s.name for s in said if not s.tick)}
    for one in said:
        if one.tick and one.name not in known:
            hint = nearest(one.name, sorted(known, key=natural))
            raise InputError(f"{one.where}: no class {one.name!r} to take {one.item_id} from{hint}")


def _classes(recipe: Recipe, run: RunDir) -> tuple[str, ...]:
    from kgkt.store.people import read_classes

    with open_graph_store(recipe, run) as store:
        return read_classes(store, run.graph)[0]


def _who() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # no entry for this user, as in some containers
        return "unknown"


def log_edit(run: RunDir, verb: str, before: Any, after: Any) -> None:
    """Append one edit to edits.jsonl, so that it can be undone."""
    line = json.dumps({"at": now(), "by": _who(), "verb": verb, "before": before, "after": after}, ensure_ascii=False)
    with run.path("edits.jsonl").open("a", encoding="utf-8") as file:
        file.write(line + "\n")


@dataclass(frozen=True, slots=True)
class Propagated:
    """What `propagate` found.

    Args:
        targets: for every item.
        facts: they follow from.
        labels_per_class: class -> labels.
        unreached: items with weight 0; `off` of them because all their concepts are switched off.
        expert: that had a part in it, or "none".
        prior: what was said of class shares, in words.
        milliseconds: of the propagation over the concepts, and of the whole teacher.
    """

    targets: Targets
    facts: Facts
    labels_per_class: dict[str, int]
    unreached: int
    off: int
    expert: str
    prior: str
    milliseconds: tuple[float, float]


def propagate_inputs(run: RunDir, recipe: Recipe, facts: Facts) -> dict[str, str]:
    """Digests of what `propagate` reads."""
    teach = recipe.teach
    return {
        "populate": population(run),
        "concepts": sha256_file(run.need("memberships.parquet", "populate")),
        "the graph": facts.digest(),
        "teach settings": digest_value([*how_taught(run, recipe), teach.balanced, teach.prior, teach.alpha]),
    }


def how_taught(run: RunDir, recipe: Recipe) -> tuple[str, str]:
    """Spread and expert: as the recipe says, else by size and kind of the pool.

    Spread both where its neighbours can be had: exactly up to 60,000 items, with pynndescent up to 300,000; concepts
    above. Prototypes for texts, whose models were trained for cosine.
    """
    from kgkt.transfer.items import EXACT_UP_TO

    done = run.state().get("stages", {}).get("populate", {})
    n = done.get("figures", {}).get("items", 0)
    near = n <= EXACT_UP_TO or (n <= BOTH_UP_TO and importlib.util.find_spec("pynndescent") is not None)
    spread = recipe.teach.spread or ("both" if near else "concepts")
    text = done.get("settings", {}).get("kind") == "text"
    return spread, recipe.teach.expert or ("prototypes" if text else "none")


def propagate(recipe: Recipe, say: Say, items: str | None = None, force: bool = False) -> Propagated:
    """Spread the labels over the graph; writes targets.parquet and what each concept leans to.

    Args:
        recipe: its teach section.
        say: takes notices.
        items: a CSV to write with item_id, class, mass of every item.
        force: replace `items` where it exists.
    """
    from kgkt.store.load import write_masses

    run = open_run(recipe)
    if items is not None and Path(items).exists() and not force:
        raise InputError(f"{items} exists: --force replaces it")
    if items is not None:
        check_place(Path(items))
    with open_graph_store(recipe, run, write=True) as store:
        facts = read_facts(store, run, say, recipe.target.classes)
        done = spread(run, recipe, facts)
        write_masses(store, run.graph, done.targets.mass, facts.labels.names)
    write_targets(run, done.targets, facts)
    if items is not None:
        write_items_csv(Path(items), done.targets, facts)
    counts = dict(zip(facts.labels.names, done.labels_per_class.values(), strict=True))
    record(run, "propagate", propagate_inputs(run, recipe, facts),
           {name: sha256_file(run.path(name)) for name in ("targets.parquet", "masses.safetensors")},
           {"labels": counts, "unreached": done.unreached, "spread": done.targets.spread, "expert": done.expert,
            "milliseconds": done.milliseconds[0], "expected_accuracy": done.targets.expected_accuracy},
           dataclasses.asdict(recipe.teach))  # fmt: skip
    return done


def spread(run: RunDir, recipe: Recipe, facts: Facts) -> Propagated:
    """The teacher's answer on the facts; nothing is written."""
    import numpy as np
    import scipy.linalg  # noqa: F401 - loaded before the clock starts, like the next
    import sklearn.linear_model  # noqa: F401

    from kgkt.concepts.propagate import make_seeds, make_spreader, propagate_masses
    from kgkt.transfer.teacher import read_prior, teach

    settings, labels = recipe.teach, facts.labels
    how, expert = how_taught(run, recipe)
    prior = read_prior(settings.prior, settings.balanced, labels.names)
    arrays, _ = load_arrays(made_by(run, "populate", "embedding.safetensors"))
    seeds = make_seeds(labels)
    clock = time.perf_counter()
    spreader = make_spreader(facts.graph, settings.alpha)
    propagate_masses(spreader, facts.Z, seeds)
    quick = time.perf_counter() - clock
    targets = teach(
        facts.graph, facts.Z, labels, arrays["head"], spread=how, expert=expert, prior=prior, alpha=settings.alpha,
        neighbours=_neighbours(run, arrays["vectors"], how, facts.ids), spreader=spreader,
    )  # fmt: skip
    whole = time.perf_counter() - clock
    counts = np.bincount(labels.classes, minlength=len(labels.names))
    dark = np.asarray(facts.Z[:, facts.graph.active].sum(axis=1)).ravel() <= 0
    unreached = targets.weight == 0
    return Propagated(
        targets, facts, dict(zip(labels.names, counts.tolist(), strict=True)),
        int(unreached.sum()), int((unreached & dark).sum()), expert, _prior_in_words(settings),
        (1e3 * quick, 1e3 * whole),
    )  # fmt: skip


def _prior_in_words(settings: Teach) -> str:
    if settings.balanced:
        return "every class equally frequent, as you said"
    if settings.prior:
        return "class shares as you gave them"
    return "no prior (say --balanced if every class is equally frequent: it helps)"


def _neighbours(run: RunDir, vectors: Any, spread: str, ids: Any) -> Any:
    """The graph of nearest items, kept in neighbours.parquet; None where `spread` needs none."""
    if spread == "concepts":
        return None
    from kgkt.rundir import load_neighbours, save_neighbours
    from kgkt.transfer.items import nearest_items, neighbour_graph

    path, made_from = run.path("neighbours.parquet"), sha256_file(run.path("embedding.safetensors"))
    index = load_neighbours(path, made_from) if path.exists() else None
    if index is None:
        index = nearest_items(vectors)
        save_neighbours(path, ids, index, made_from)
    return neighbour_graph(index, vectors)


def write_targets(run: RunDir, targets: Targets, facts: Facts) -> None:
    """targets.parquet: item_id, class, p:<name> for each class, weight, labelled, held_out.

    masses.safetensors beside it holds every class mass; the store keeps those from 0.05 on.
    """
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    from kgkt.transfer.fuse import FuseOptions, split

    labelled = np.zeros(len(facts.ids), bool)
    labelled[facts.labels.items] = True
    held = np.zeros(len(facts.ids), bool)
    rows = split(targets.weight, facts.labels, FuseOptions())[1]
    if rows is not None:
        held[rows] = True
    names = np.array(targets.names, object)
    guess = [names[i] if w > 0 else None for i, w in zip(targets.P.argmax(axis=1), targets.weight, strict=True)]
    columns: dict[str, Any] = {"item_id": pa.array(facts.ids.tolist()), "class": pa.array(guess, pa.string())}
    columns |= {f"p:{name}": pa.array(targets.P[:, j]) for j, name in enumerate(targets.names)}
    columns |= {"weight": pa.array(targets.weight), "labelled": pa.array(labelled), "held_out": pa.array(held)}
    with atomic(run.path("targets.parquet")) as temporary:
        pq.write_table(pa.table(columns), temporary, compression="zstd", write_page_checksum=True)
    save_arrays(run.path("masses.safetensors"), {"mass": targets.mass, "alpha": np.array(targets.alpha)})


def write_items_csv(path: Path, targets: Targets, facts: Facts) -> None:
    """item_id, class, mass of every item; an item that nothing reaches has no class."""
    import csv

    with atomic(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("item_id", "class", "mass"))
        for item, row, weight in zip(facts.ids.tolist(), targets.P, targets.weight, strict=True):
            best = int(row.argmax())
            writer.writerow((item, targets.names[best], f"{row[best]:.6f}") if weight > 0 else (item, "", ""))
