"""What each job calls, and its figures as JSON."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from kgkt.api import Run

ROWS = 1000  # of a table that is told


class Tells(Protocol):
    """What takes what a job says of itself."""

    def say(self, line: str) -> None:
        """A notice."""
        ...

    def step(self, what: str, done: float, total: float) -> None:
        """How far the work is."""
        ...

    def progress(self, what: str, total: float) -> AbstractContextManager[Callable[[float], None]]:
        """Of work that says how much more is done."""
        ...

    def look(self, training: str, history: Mapping[str, list[float]], every: int) -> None:
        """What is new of one of the trainings."""
        ...


def do(spec: Mapping[str, Any], teller: Tells) -> Any:
    """Call the verb, and return its figures.

    Args:
        spec: `verb`; `settings`, checked; `place`: graph, dir, store, database, recipe; `write`, whether anything may
            be changed; of "similar" also `upload`, a picture in base64.
        teller: takes notices and progress.
    """
    from kgkt.api import open_graph

    teller.step("starting", 0, 1)  # TensorFlow takes its seconds
    run = open_graph(**spec["place"], say=teller.say, progress=teller.progress)
    verb, settings = spec["verb"], dict(spec["settings"])
    if not spec["write"]:
        refuse_to_propagate(run, verb, settings)
    if verb == "similar":
        from kgkt.serve.similar import similar_to

        return similar_to(run.recipe, base64.b64decode(spec["upload"]), settings["n"], teller.say)
    return CALLS[verb](run, settings, teller)


def refuse_to_propagate(run: Run, verb: str, settings: Mapping[str, Any]) -> None:
    """Refuse a verb that would propagate again, and so write into the graph.

    Raises:
        Refused: something changed since the last `propagate`.
    """
    from kgkt.rundir.measured import as_fused
    from kgkt.rundir.state import open_run
    from kgkt.serve.kinds import Refused
    from kgkt.verbs.stale import stale_reasons

    if verb != "trace" and (verb != "predict" or "model" in settings):
        return
    folder = open_run(run.recipe)
    recipe = as_fused(run.recipe, folder) if verb == "trace" else run.recipe
    if "propagate" not in folder.state().get("stages", {}):
        raise Refused("readonly", "nothing was propagated yet, and this server only reads: run kgkt propagate")
    if why := stale_reasons(folder, recipe, "propagate"):
        raise Refused("readonly", f"changed since propagate: {', '.join(why)}; this server only reads: run kgkt "
                      "propagate")  # fmt: skip


def _propagate(run: Run, settings: dict[str, Any], teller: Tells) -> Any:
    return run.propagate(**settings).to_json()


def _work_out(run: Run, settings: dict[str, Any], teller: Tells) -> Any:
    """The items' answer as the last `propagate` was told, where something changed since."""
    from kgkt.errors import BusyError
    from kgkt.rundir.state import open_run
    from kgkt.verbs.propagate import as_last_taught, propagate

    try:
        targets = propagate(as_last_taught(run.recipe, open_run(run.recipe)), teller.say, give_way=True).targets
    except BusyError:  # the label that came meanwhile lets it be worked out once more
        return {"overtaken": True}
    return {"items": len(targets.weight), "reached": int((targets.weight > 0).sum())}


def _map(run: Run, settings: dict[str, Any], teller: Tells) -> Any:
    return run.map(settings.pop("target", None), **settings).to_json()


def _fuse(run: Run, settings: dict[str, Any], teller: Tells) -> Any:
    from kgkt.serve.figures import beside

    settings["map"] = None if settings.pop("map", True) else False
    done: Any = run.fuse(settings.pop("target", None), settings.pop("out"), looks=teller.look, **settings)
    told = done.to_json()
    return {**told, "rows": beside(told["figures"]), "card": str(Path(told["out"]).with_suffix(".card.md"))}


def _trace(run: Run, settings: dict[str, Any], teller: Tells) -> Any:
    return run.trace(settings.pop("what", None), settings.pop("examples", 5), **settings).to_json()


def _diff(run: Run, settings: dict[str, Any], teller: Tells) -> Any:
    return _cut(run.diff(settings.pop("other", None), **settings).to_json())


def _suspects(run: Run, settings: dict[str, Any], teller: Tells) -> Any:
    return _cut(run.suspects(settings.pop("n", None), **settings).to_json())


def _predict(run: Run, settings: dict[str, Any], teller: Tells) -> Any:
    from kgkt.transfer.prediction import COLUMNS

    done = run.predict(settings.pop("data", None), **settings)
    return _cut({"columns": COLUMNS, "rows": list(done.rows()), "right": done.right, "far": done.far})


def _evaluate(run: Run, settings: dict[str, Any], teller: Tells) -> Any:
    done = run.evaluate(progress=teller.step, **settings)
    return {"out": str(done.out), "sentences": done.report["sentences"], "skipped": done.report["skipped"]}


def _cut(table: dict[str, Any]) -> dict[str, Any]:
    """A table of at most ROWS rows, and how many there are."""
    return {**table, "rows": table["rows"][:ROWS], "of": len(table["rows"])}


CALLS: dict[str, Callable[[Run, dict[str, Any], Tells], Any]] = {
    "propagate": _propagate, "work out": _work_out, "map": _map, "fuse": _fuse, "trace": _trace, "diff": _diff,
    "suspects": _suspects, "predict": _predict, "evaluate": _evaluate,
}  # fmt: skip
