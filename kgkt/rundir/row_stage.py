"""What run.json remembers of the rows that fuse wrote: what was read, what was told, and so whether they are stale."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kgkt.errors import KgktError
from kgkt.files import digest_path, digest_value, load_arrays, sha256_file
from kgkt.recipe import Recipe, Target
from kgkt.rundir.current import CurrentGraph, open_graph_store, read_current
from kgkt.rundir.folder import RunDir
from kgkt.rundir.row_edits import Edges
from kgkt.rundir.rows_again import told_as
from kgkt.rundir.state import population, settings_of, why_stale
from kgkt.transfer.words.row_plan import wants_tuned

if TYPE_CHECKING:
    from kgkt.transfer.words.vocabulary import Vocabulary

STAGE = "rows"
SETTINGS = ("layer", "vocabulary", "special", "lower", "strip_accents", "rank", "row_norm", "projection", "replace")


def in_graph(run: RunDir, path: Path, vocabulary: Vocabulary, edges: Edges) -> str:
    """Digest of what of these rows is in the graph, but for the edits."""
    planned = sorted((concept, row, plan) for concept, row, _, plan in edges)
    return digest_value([population(run), sha256_file(path), vocabulary.layer, vocabulary.words.tolist(), planned])


def told_of(target: Target) -> dict[str, Any]:
    """How the rows were asked for, as `check` needs it: what was said, paths absolute."""
    tuned = ("test", "output", "from_logits", "classes") if wants_tuned(target.row_norm) else ()
    return told_as(target, ("model", "out", "map", "seed", "imports", *SETTINGS, *tuned))


def cut_by(recipe: Recipe, run: RunDir, items: int, missing: Collection[str]) -> str:
    """The option that kept words of A out of the graph which B may have; "" where none did.

    Args:
        recipe: with B; its own words as vocabulary of the graph leave none of them out.
        run: of the graph.
        items: how many it has.
        missing: words of B that it does not have; a vocabulary that names them did not leave them out.
    """
    from kgkt.source.words.choice import wanted_words

    told, target = settings_of(run, "populate").get("source", {}), recipe.target
    most, listed = told.get("most_frequent"), told.get("vocabulary")
    if most and items >= most:
        return f"--most-frequent {most}"
    of_b = [str(Path(file).resolve()) for file in (target.model, target.vocabulary) if file]
    whole = listed is None or any(listed == file or listed.startswith(f"{file}:") for file in of_b)
    if whole:
        return ""
    try:
        lower = bool(told.get("lower"))
        there = set(wanted_words(Path(str(listed)), lower).words)
        whole = {word.lower() if lower else word for word in missing} <= there
    except (KgktError, OSError):  # it is not there any more, or is something else now
        whole = False
    return "" if whole else f"--vocabulary {Path(str(listed)).name}"


def inputs_of_rows(recipe: Recipe, run: RunDir, current: CurrentGraph, edges: Edges) -> dict[str, str]:
    """Digests of what was read: of the graph what is switched off, merged, and the strengths that people set."""
    edited = sorted([concept, row, strength] for concept, row, strength, planned in edges if strength != planned)
    return _digests(recipe, run, digest_value([current.graph.active.tolist(), current.into.tolist(), edited]))


def _digests(recipe: Recipe, run: RunDir, graph: str) -> dict[str, str]:
    target = recipe.target
    assert target.model is not None
    inputs = {"populate": population(run), "the graph": graph}
    if Path(target.model).exists():
        inputs["model B"] = sha256_file(Path(target.model))
    if target.vocabulary and Path(target.vocabulary).exists():
        inputs["vocabulary"] = digest_path(Path(target.vocabulary))
    if wants_tuned(target.row_norm) and target.test and Path(target.test).exists():
        inputs["texts that chose the length"] = digest_path(Path(target.test))
    settings = [list(value) if isinstance(value := getattr(target, name), tuple) else value
                for name in ("map", "seed", *SETTINGS) if name != "vocabulary"]  # fmt: skip
    return {**inputs, "row settings": digest_value(settings)}


def why_rows_stale(recipe: Recipe, run: RunDir) -> list[str]:
    """What changed since rows were written last, by the recipe if it asks for them, else by what they were told then.

    B's file is passed over where it is not there any more.
    """
    from kgkt.store.readback import rows
    from kgkt.store.rows import read_row_edits

    done = run.state()["stages"][STAGE]
    if recipe.target.method != STAGE or not recipe.target.model:
        told: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value
                for name, value in settings_of(run, STAGE)["target"].items()}  # fmt: skip
        recipe = dataclasses.replace(recipe, target=Target(method=STAGE, **told))
    with open_graph_store(recipe, run) as store:
        current = read_current(store, run, lambda _: None)
        edits, deleted = [], False
        if recipe.target.map:
            model, layer = done["figures"]["model"], done["figures"]["layer"]
            edits = read_row_edits(store, run.graph, model, layer, len(current.graph))
            there = rows(store, "count_row_strengths", graph=run.graph, model=model, layer=layer)[0]["n"]
            deleted = there < (done["figures"].get("strengths") or 0)
    edited = sorted([int(current.into[concept]), row, strength] for concept, _, row, strength, _ in edits)
    told_now = [current.graph.active.tolist(), current.into.tolist(), edited, *(["deleted"] if deleted else [])]
    inputs = _digests(recipe, run, digest_value(told_now))
    gone = {"model B", "vocabulary", "texts that chose the length"} - inputs.keys()
    return [name for name in why_stale(run, STAGE, inputs) if name not in gone]


def provenance(run: RunDir, current: CurrentGraph) -> dict[str, Any]:
    """What the new B's run.json and card say about where its rows come from."""
    populated = run.state()["stages"]["populate"]
    _, made = load_arrays(run.path("concepts.safetensors"))
    return {
        "graph": run.graph, "source": populated["figures"],
        "source_sha256": populated["inputs"].get("model") or populated["inputs"].get("features"),
        "concepts_seed": int(made["seed"]), "items": len(current.ids),
        "inactive_concepts": int((~current.graph.active).sum()),
        "digests": {"memberships.parquet": sha256_file(run.path("memberships.parquet"))},
    }  # fmt: skip
