"""A class switched off: what B knows of it afterwards, and of the rest.

    python benchmarks/switched.py --tasks fashion,fashion_same --draws 20

Ten labels a class, no class shares. In each draw one class is switched off: the concepts that lean to it most
(`LEANS_TO`, as `kgkt switch off` finds them by a query). B is taught with the same 400 steps each time. Printed: how
many of the class's test items B still calls so, and how many of the others it calls right.

    as it was          B taught by the whole graph
    switched off       B taught after the switch: the teacher asked again; items whose concepts are all off are left
                       out, labelled or not
    and its labels     the same with all of the class's labels taken back too
    masked             "as it was" with its output for the class held at nothing
    never there        B taught by the whole graph without the items and labels of the class: an oracle that knows them
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from paired import Row, Rows, draws_of, gain, level, main, points, read_pool, row, share, titled, values, verdict
from summary import table

TASKS = ("fashion", "fashion_same")
LABELS, STEPS = 10, 400
WHOLE, OFF, SILENT, MASKED, NEVER = "as it was", "switched off", "and its labels", "masked", "never there"
WAYS = (WHOLE, OFF, SILENT, MASKED, NEVER)
MOST_LEFT = 0.01
OWN, REST, ELSEWHERE = "class_kept", "rest_right", "pool_class_kept"
WHY = """\
Nothing is learned of an item whose concepts are all off, also where a person labelled it. What is left of the class
comes from its labels in concepts that lean elsewhere: they still teach and spread. `kgkt switch` says which labels lie
in what is off. With all of the class's labels taken back, nothing of it is left, and the rest is as where it never
was."""


def run(task: str, draws: range) -> Iterator[Row]:
    """The rows of one task."""
    from kgkt.concepts.propagate import heard_labels
    from kgkt.proof.answers import as_targets, teach_b
    from kgkt.proof.task import draw_labels
    from kgkt.transfer.teacher import teach
    from kgkt.transfer.trainer import Trainer
    from kgkt.values import Labels

    pool = read_pool(task)
    prepared = pool.prepared
    y, test_y, classes = prepared.pool_y, prepared.test_y, len(prepared.names)
    b = Trainer(prepared.b(classes, 0))
    for seed in draws:
        view = pool.drawn(seed)
        labels = draw_labels(y, prepared.names, LABELS, np.random.default_rng(seed))
        gone = int(np.random.default_rng([seed, 1]).integers(classes))

        def taught(graph: object, labels: object, view: object = view) -> object:
            return teach(graph, view.Z, labels, view.head, spread="both", text=prepared.text, neighbours=view.near,
                         expectation=False)  # fmt: skip

        def learned(targets: object, labels: object, seed: int = seed) -> np.ndarray:
            teach_b(b, prepared.pool_x, targets, labels, STEPS, seed)
            return b.predict(prepared.test_x)

        whole = taught(view.graph, labels)
        graph = replace(view.graph, active=whole.mass.argmax(axis=1) != gone)
        kept = labels.classes != gone
        without = Labels(labels.items[kept], labels.classes[kept], labels.names)
        off, silent = taught(graph, labels), taught(graph, without)
        P = whole.P.copy()
        P[:, gone] = 0.0
        P = np.where(P.sum(axis=1, keepdims=True) > 0, P, np.arange(classes) != gone)
        P /= P.sum(axis=1, keepdims=True)
        never = as_targets(P, labels, whole.weight * (y != gone))
        heard = heard_labels(labels, view.Z, graph.active)
        answers = {WHOLE: learned(whole, labels), OFF: learned(off, heard), SILENT: learned(silent, without),
                   NEVER: learned(never, without)}  # fmt: skip
        answers[MASKED] = answers[WHOLE] * (np.arange(classes) != gone)
        for way in WAYS:
            called = answers[way].argmax(axis=1)
            own = test_y == gone
            yield row(task, way, LABELS, seed, OWN, float(np.mean(called[own] == gone)))
            yield row(task, way, LABELS, seed, REST, float(np.mean(called[~own] == test_y[~own])))
        for way, targets in ((WHOLE, whole), (OFF, off), (SILENT, silent)):
            taken = (targets.P.argmax(axis=1) == gone) & (targets.weight > 0)
            yield row(task, way, LABELS, seed, ELSEWHERE, float(np.mean(taken[y == gone])))


def report(rows: Rows) -> Iterator[str]:
    """The lines of report.md."""
    tasks = [task for task in TASKS if draws_of(rows, task)]
    yield "# A class switched off"
    yield ""
    yield "B's test accuracy on the class that was switched off / on all others; per cent, mean ± standard error over"
    yield "draws, one class each."
    yield ""
    yield from table(["", *(titled(rows, task) for task in tasks)], [
        [f"**{way}**" if way == OFF else way,
         *(" / ".join(share(values(rows, task, way, LABELS, metric)) for metric in (OWN, REST)) for task in tasks)]
        for way in WAYS
    ])  # fmt: skip
    yield ""
    yield "Of the class's items in the pool the teacher still calls so, per cent:"
    yield ""
    yield from table(["", *tasks], [[way, *(share(values(rows, task, way, LABELS, ELSEWHERE)) for task in tasks)]
                                    for way in (WHOLE, OFF, SILENT)])  # fmt: skip
    yield ""
    yield "What it has to show:"
    yield ""
    yield from table(["task", "asked", "found", ""], list(bar(rows, tasks)))
    yield ""
    yield from WHY.splitlines()


def bar(rows: Rows, tasks: list[str]) -> Iterator[list[str]]:
    """One row for each thing that has to be shown."""
    for task in tasks:
        for way in (OFF, SILENT):
            kept = values(rows, task, way, LABELS, OWN)
            found = verdict(sum(kept.values()) <= MOST_LEFT * len(kept))
            yield [task, f"{way}: at most 1 % of the class is left", share(kept), found]
            for other in (MASKED, NEVER):
                apart = gain(values(rows, task, way, LABELS, REST), values(rows, task, other, LABELS, REST))
                asked = f"{way}: the rest not two standard errors behind {other}"
                yield [task, asked, points(apart), verdict(level(apart))]


if __name__ == "__main__":
    main("switched", __doc__, TASKS, run, report)
