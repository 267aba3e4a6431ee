"""fuse --grow: a trained B with new head slots or wider layers, the order of its classes, and what it is taught."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kgkt.errors import InputError, count
from kgkt.recipe import Recipe
from kgkt.rundir.beside import classes_beside
from kgkt.rundir.class_order import fix_classes
from kgkt.rundir.current import CurrentGraph, open_graph_store
from kgkt.rundir.folder import RunDir
from kgkt.rundir.state import Say
from kgkt.rundir.target_model import OpenTarget, open_target
from kgkt.values import Fusion, Targets
from kgkt.verbs.propagate import as_last_taught, fresh_targets, spread

if TYPE_CHECKING:
    import numpy as np

    from kgkt.transfer.grow import Growth
    from kgkt.transfer.outputs import Outputs


@dataclass(slots=True)
class Growing:
    """A B that grows, from its opening to its figures.

    Args:
        recipe: of the run, with the order of all classes.
        opened: the grown B.
        growth: what was asked for.
        before: B as it was, and how its outputs are read.
        old: how many classes it has; 0 where none are new.
        widths: layer -> (units before, units after).
        facts: what the new B's run.json says of it.
    """

    recipe: Recipe
    opened: OpenTarget
    growth: Growth
    before: tuple[Any, Outputs]
    old: int
    widths: dict[str, tuple[int, int]]
    facts: dict[str, Any]

    def taught(
        self, run: RunDir, current: CurrentGraph, targets: Targets, x: Any, sharpen: float, say: Say
    ) -> Targets:
        """Write the new units and slots, and say what the grown B is to learn of the pool x (n, ...)."""
        import numpy as np

        from kgkt.transfer.grow import (
            answers,
            ask_graph,
            beside_new,
            check_identical,
            grown_targets,
            write_slots,
            write_units,
        )
        from kgkt.transfer.outputs import read_outputs

        model, (b, outputs) = self.opened.model, self.before
        own = answers(b, outputs, x)
        for path, (had, units) in self.widths.items():
            done = write_units(model, path, had, x, current.Z, current.graph.centroids, current.graph.active,
                               self.recipe.target.seed)  # fmt: skip
            self.facts["layers"][path]["carried"] = dataclasses.asdict(done)
            new = count(units - had, "new unit")
            say(f"{path}: {new} as the layer draws them, {done.why_not}" if done.why_not else
                f"{path}: {new} for the {count(done.concepts, 'concept')} that its units carried least: the best "
                f"correlation with one was {done.before:.2f} in the mean, and is {done.after:.2f}")  # fmt: skip
        grown = read_outputs(model, self.recipe.target.from_logits)
        half = any(layer.compute_dtype != "float32" for layer in model._flatten_layers() if layer.weights)
        apart = check_identical(own, answers(model, grown, x), half)
        self.facts["largest_difference"] = apart
        say(f"grown B answers as B did before it is trained: largest difference {apart:.1e} over "
            f"{count(len(own), 'item')}")  # fmt: skip
        c, named = len(targets.names), current.taught
        kept = np.arange(c) < self.old if self.growth.classes else np.bincount(named.classes, minlength=c) == 0
        if not kept.any():
            return targets
        own, teacher = beside_new(own, c - own.shape[1]), as_last_taught(self.recipe, run)
        targets, spoken = ask_graph(
            named, own, kept, lambda told: spread(run, teacher, dataclasses.replace(current, labels=told)).targets,
            self.recipe.target.seed,
        )  # fmt: skip
        if spoken:
            whom = "its own classes" if self.growth.classes else "the classes without a label"
            say(f"B speaks for {whom} beside your labels, with {count(spoken, 'answer')} on the pool (for this "
                "training alone: the graph does not keep them)")  # fmt: skip
        self.facts["spoken"] = spoken
        taught = grown_targets(targets, own, kept, sharpen)
        if self.growth.classes:
            self.facts["new_in_pool"] = {
                name: int((targets.P.argmax(axis=1) == self.old + i).sum())
                for i, name in enumerate(self.growth.classes)
            }  # fmt: skip
            write_slots(model, grown, x, _asked(taught, sharpen), self.old)
        return taught

    def measured(self, fusion: Fusion, x: Any, targets: Targets, test: tuple[Any, np.ndarray] | None) -> Fusion:
        """The fusion with figures of what B knew, and of what is new.

        `old_before`, `old_after`, `new_after`: accuracy on the test set's items of old and of new classes. `kept`: what
        part of B's answers stayed, on the items of the pool that were taught no new class. Without new classes
        `test_before`: accuracy on the test set before B grew, and `before_error`, the standard error of the change.
        """
        import numpy as np

        from kgkt.transfer.grow import answers
        from kgkt.transfer.outputs import read_outputs

        b, outputs = self.before
        grown = read_outputs(self.opened.model, self.recipe.target.from_logits)
        figures = dict(fusion.figures)
        if self.growth.classes:
            stay = np.flatnonzero(targets.P.argmax(axis=1) < self.old)
            now, was = (answers(model, read, x).argmax(axis=1)[stay]
                        for model, read in ((self.opened.model, grown), (b, outputs)))  # fmt: skip
            figures["kept"] = float((now == was).mean()) if len(stay) else None
        if not self.growth.classes and test is not None:
            now, was = (answers(model, read, test[0]).argmax(axis=1) == test[1]
                        for model, read in ((self.opened.model, grown), (b, outputs)))  # fmt: skip
            figures["test_before"] = float(was.mean())
            figures["before_error"] = float(np.std(now.astype(float) - was)) / max(len(now), 1) ** 0.5
        if self.growth.classes and test is not None:
            y, now = test[1], answers(self.opened.model, grown, test[0]).argmax(axis=1)
            was, known = answers(b, outputs, test[0]).argmax(axis=1), y < self.old
            for name, right, part in (("old_before", was == y, known), ("old_after", now == y, known),
                                      ("new_after", now == y, ~known)):  # fmt: skip
                figures[name] = float(right[part].mean()) if part.any() else None
        notices = tuple(n for n in fusion.notices if not n.startswith("there is no map"))
        return dataclasses.replace(fusion, figures=figures, notices=(
            "B is trained already: of its weights only the new ones were written", *notices))  # fmt: skip

    def settle(self, run: RunDir, say: Say) -> None:
        """Fix the order of the classes in the graph, so that every later verb reads the grown B's outputs so."""
        if self.growth.classes:
            with open_graph_store(self.recipe, run, write=True) as store:
                fix_classes(store, run, self.recipe.target.classes, "", say)


def _asked(taught: Targets, sharpen: float) -> np.ndarray:
    """(n, c) the shares that B is trained on, as `fuse` sharpens them."""
    import numpy as np

    P = np.asarray(taught.P, np.float64) ** sharpen
    return P / P.sum(axis=1, keepdims=True)


def grow_target(recipe: Recipe, run: RunDir, say: Say) -> tuple[Growing, CurrentGraph, Targets]:
    """Open B, make it larger, and settle which class each of its outputs is; it answers as before.

    Raises:
        UsageError: what `--grow` says cannot be read.
        InputError: a class that B has or that no label speaks of, an order of B's classes that is not known, a layer
            that cannot be wider.
    """
    from kgkt.transfer.blocks import check_precision, check_single
    from kgkt.transfer.grow import layer_to_widen, read_growth
    from kgkt.transfer.outputs import read_outputs
    from kgkt.transfer.widen import add_slots, widen

    growth = read_growth(recipe.target.grow)
    opened = open_target(recipe.override("target", classes=()))
    b, path = opened.model, opened.path
    if opened.whole is not b:
        raise InputError(f"kgkt grows a Sequential or Functional B of one output, and {path.name} is none: save the "
                         "part that is to grow by itself")
    check_single(b)
    check_precision(b, path.name)
    outputs = read_outputs(b, recipe.target.from_logits)
    facts: dict[str, Any] = {"classes": list(growth.classes), "layers": {}}
    model, widths = b, {}
    for layer, units in growth.units:
        name = layer_to_widen(b, layer)
        model, had = widen(model, name, units)
        widths[name] = (had, units)
        facts["layers"][name] = {"had": had, "units": units}
    old = 0
    if growth.classes:
        old = outputs.classes
        names = old_classes(recipe, run, path, old, growth.classes)
        recipe = recipe.override("target", classes=(*names, *growth.classes))
        model = add_slots(model, outputs, len(growth.classes))
        facts["old_classes"] = list(names)
    current, targets = fresh_targets(recipe, run, say)
    taught = current.taught
    _need_labels({taught.names[i] for i in taught.classes.tolist()}, growth.classes)
    growing = Growing(recipe, OpenTarget(model, model, path), growth, (b, outputs), old, widths, facts)
    return growing, current, targets


def old_classes(recipe: Recipe, run: RunDir, path: Path, many: int, new: tuple[str, ...]) -> tuple[str, ...]:
    """Which class each of B's outputs is: as told, else as fuse wrote it beside B, else the graph's other classes.

    Args:
        recipe, run: of the graph.
        path: B's file.
        many: classes that B tells apart.
        new: those that it is to get.

    Raises:
        InputError: not known, not as many as B has, a new one among them, or another order than the graph's.
    """
    from kgkt.store.labels import read_classes, read_label_records

    with open_graph_store(recipe, run) as store:
        known, frozen, _ = read_classes(store, run.graph)
        fixed = _fixed(store, run) if frozen else ()
        labels, ticks = read_label_records(store, run.graph)
    told = recipe.target.classes
    beside = classes_beside(path)
    if told:
        names, who = tuple(n for n in told if n not in new), "[target] classes (--target-classes)"
        if len(told) == many:
            names = told
        elif told != (*names, *(n for n in new if n in told)):
            raise InputError(f"the new classes come last, as B's new outputs do: {' '.join((*names, *new))}")
    elif len(beside) == many:
        names, who = beside, str(path.with_suffix(".run.json"))
    else:
        names, who = tuple(n for n in known if n not in new), "the graph, beside the new ones,"
    if there := [name for name in new if name in names]:
        raise InputError(f"--grow classes: {there[0]} is a class of {path.name} already, its output "
                         f"{names.index(there[0])} by {who}: {' '.join(names)}")  # fmt: skip
    _need_labels({label["class"] for label in labels}, new)
    if len(names) != many:
        raise InputError(
            f"{path.name} tells {count(many, 'class')} apart, and which is which is not known: {who} has "
            f"{count(len(names), 'class')} ({' '.join(names[:20]) or 'none'}).\n"
            f"Name B's {many}, in the order of its outputs: --target-classes a,b,…")  # fmt: skip
    order = (*names, *new)
    if more := [name for name in dict.fromkeys(said["class"] for said in (*labels, *ticks)) if name not in order]:
        raise InputError(f"the graph has labels of {', '.join(more[:5])}, for which B would have no output: "
                         f"--grow classes={','.join((*new, *more))}")
    if fixed[: len(order)] == order and len(fixed) > len(order):
        raise InputError(f"the graph has the class {fixed[len(order)]} behind these, for which B would have no output: "
                         f"--grow classes={','.join((*new, *fixed[len(order):]))}")
    if fixed != order[: len(fixed)]:
        raise InputError(f"the order of the graph's classes is fixed and another than that of B's outputs.\n"
                         f"  graph  {' '.join(fixed)}\n  B      {' '.join(order)}\n"
                         "Teach this B from a graph of its own (--graph), or name its classes in that order")
    return names


def _fixed(store: Any, run: RunDir) -> tuple[str, ...]:
    """The classes whose place is fixed, in order."""
    from kgkt.store.readback import rows

    found = {row["index"]: row["name"] for row in rows(store, "read_classes", graph=run.graph)
             if row["index"] is not None}  # fmt: skip
    return tuple(found[place] for place in sorted(found))


def _need_labels(spoken: set[str], new: tuple[str, ...]) -> None:
    """Refuse new classes that no label speaks of."""
    silent = [name for name in new if name not in spoken]
    if silent:
        raise InputError(f"no label says {' or '.join(silent[:5])}, so B would be taught nothing of it: label some "
                         f"items first, as in kgkt label ITEM={silent[0]}")
