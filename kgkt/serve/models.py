"""What the service tells of B: which files may be one, which were mapped, what was fused, what reaches their blocks."""

from __future__ import annotations

import contextlib
import functools
import itertools
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kgkt.errors import InputError, KgktError, nearest
from kgkt.files import read_json
from kgkt.recipe import Recipe
from kgkt.rundir.folder import RunDir
from kgkt.rundir.state import open_run, settings_of
from kgkt.serve.figures import beside
from kgkt.serve.kinds import Refused
from kgkt.serve.places import KERAS, Places

if TYPE_CHECKING:
    from kgkt.store.protocol import Store

DATA = (".npz", ".csv", ".tsv", ".jsonl", ".parquet")  # ends of files of arrays and of tables
DEEP = 3  # folders below the working folder in which files are looked for
MOST = 500  # files that are told
FOLDERS = 2000  # that are looked into
OF_A_GRAPH = {"run.json", "concepts.safetensors"}  # files of its folder in a run directory
TOLD = ".run.json"  # beside a fused B: what made it
LARGE = 16 * 2**20  # bytes of such a file
STRONGEST = 20  # concepts of a block that are told


def targets(recipe: Recipe, places: Places) -> list[dict[str, Any]]:
    """The Keras files that may be named as B: file, bytes, fused, outputs, and whether it is the A of this graph."""
    from kgkt.rundir.source_memory import source_as_populated

    a = None
    with contextlib.suppress(InputError):  # an earlier kgkt did not keep which
        told = source_as_populated(recipe, open_run(recipe)).model_path
        a = None if told is None else (places.folder / told).resolve()
    return [{"file": places.shown(path), "bytes": path.stat().st_size, "fused": path.with_suffix(TOLD).is_file(),
             "source": path.resolve() == a, "outputs": _outputs(path, path.stat().st_mtime_ns)}
            for path in _files(places, KERAS)]  # fmt: skip


@functools.lru_cache(MOST)
def _outputs(path: Path, changed: int) -> int | None:
    """How many outputs a file has; None where it does not say, or has several outputs."""
    from kgkt.source.models import inspect_model

    try:
        told = inspect_model(path)
    except KgktError:
        return None
    return None if told.several_outputs or told.outputs is None else int(told.outputs)


def data_files(places: Places) -> list[dict[str, Any]]:
    """The files that may be named as pool, test set or true classes: file, bytes."""
    return [{"file": places.shown(path), "bytes": path.stat().st_size} for path in _files(places, DATA)]


def _files(places: Places, ends: str | tuple[str, ...]) -> list[Path]:
    """Files whose names end so, in the working folder and a few folders below, sorted; no link leads out.

    What `populate` and its followers made, in the folder of a graph, is none of them.
    """
    root, found = places.folder.resolve(), []
    for at, folders, names in itertools.islice(os.walk(root), FOLDERS):
        if set(names) >= OF_A_GRAPH:
            folders[:] = []
            continue
        deep = len(Path(at).relative_to(root).parts)
        folders[:] = sorted(name for name in folders if not name.startswith(".")) if deep < DEEP else []
        for name in sorted(names):
            path = Path(at) / name
            if name.endswith(ends) and not name.startswith(".") and path.is_file() and _inside(places, path):
                found.append(path)
        if len(found) >= MOST:
            break
    return found[:MOST]


def _inside(places: Places, path: Path) -> bool:
    return any(path.resolve().is_relative_to(root) for root in places.roots)


def models(recipe: Recipe, places: Places) -> list[dict[str, Any]]:
    """The Bs that this graph was mapped to or that were fused from it, by name."""
    from kgkt.rundir.current import open_graph_store, own_info
    from kgkt.rundir.mapped import mapped_models
    from kgkt.store.readback import rows

    run = open_run(recipe)
    with open_graph_store(recipe, run) as store:
        own_info(store, run)
        layers: dict[str, list[dict[str, Any]]] = {name: [] for name in mapped_models(store, run)}
        for row in rows(store, "read_blocks", graph=run.graph):
            layers[str(row["model"])].append({name: row[name] for name in ("layer", "kind", "blocks")})
    fused = _fused(run, places)
    files = _files(places, KERAS)
    return [_model(name, layers.get(name, []), fused.get(name), _file_of(name, run, places, files), places)
            for name in sorted({*layers, *fused})]  # fmt: skip


def _model(
    name: str, layers: list[dict[str, Any]], fused: dict[str, Any] | None, file: Path | None, places: Places
) -> dict[str, Any]:
    order = {} if file is None else _order(file)
    layers = sorted(layers, key=lambda one: (order.get(one["layer"], len(order)), str(one["layer"])))
    return {"name": name, "file": None if file is None else places.shown(file), "exists": file is not None,
            "layers": layers, "fused": fused}  # fmt: skip


def _file_of(name: str, run: RunDir, places: Places, files: Sequence[Path]) -> Path | None:
    """The file of a B: the one that was fused last where it is called so, else one of that name among some files."""
    last = settings_of(run, "fuse").get("target", {}).get("model")
    if last is not None and Path(last).stem == name and Path(last).is_file() and _inside(places, Path(last)):
        return Path(last)
    return next((path for path in files if path.stem == name), None)


def _order(file: Path) -> dict[str, int]:
    """layer -> its place in the network; empty where the file does not say."""
    from kgkt.source.models import inspect_model

    try:
        return {layer: place for place, layer in enumerate(inspect_model(file).layers)}
    except KgktError:  # of a file that cannot be opened the layers stand in the order of their names
        return {}


def _fused(run: RunDir, places: Places) -> dict[str, dict[str, Any]]:
    """Name of a B -> what the last B fused from it was worth."""
    found: dict[str, dict[str, Any]] = {}
    for path in _records(run, places):
        told = _told(path)
        if told is None or not isinstance(told.get("facts"), dict) or told["facts"].get("graph") != run.graph:
            continue
        name = Path(str((told.get("target") or {}).get("file", ""))).stem
        if name and str(told["made_at"]) > str(found.get(name, {}).get("at", "")):
            out = path.with_name(path.name.removesuffix(TOLD) + KERAS)
            figures = told.get("figures", {})
            found[name] = {"out": places.shown(out), "exists": out.is_file(), "at": told["made_at"],
                           "last_edit": told["facts"].get("last_edit"),
                           "figures": figures, "rows": beside(figures), "written": told.get("written", {}),
                           "notices": told.get("notices", [])}  # fmt: skip
    return found


def _records(run: RunDir, places: Places) -> Iterator[Path]:
    """What lies beside fused Bs, in the working folder and where the last one went."""
    there = _files(places, TOLD)
    yield from there
    out = settings_of(run, "fuse").get("target", {}).get("out")
    if out is not None and (last := Path(out).with_suffix(TOLD)).is_file() and _inside(places, last):
        yield last


def _told(path: Path) -> dict[str, Any] | None:
    """What such a file says; None of one that is damaged, or no such file of kgkt's."""
    try:
        told = read_json(path) if path.stat().st_size <= LARGE else None
    except InputError:
        return None
    return told if isinstance(told, dict) and "made_at" in told else None


def blocks(recipe: Recipe, model: str, layer: str) -> list[dict[str, Any]]:
    """The blocks of one layer of a B, each with the concepts that reach it, the strongest first.

    Raises:
        Refused: the graph has no such model or layer, with the nearest names.
    """
    from kgkt.rundir.current import open_graph_store
    from kgkt.store.keys import number
    from kgkt.store.readback import rows

    run = open_run(recipe)
    with open_graph_store(recipe, run) as store:
        found = rows(store, "read_reached", graph=run.graph, model=model, layer=layer)
        if not found:
            raise Refused("missing", _unknown(store, run, model, layer))
    blocks: dict[int, dict[str, Any]] = {}
    for row in found:
        block = blocks.setdefault(row["index"], {"index": row["index"], "kind": row["kind"], "name": row["name"],
                                                 "concepts": []})  # fmt: skip
        concept = number(row["concept"], run.graph, "concept")
        if concept is not None and (row["strength"] or row["planned"] or row["measured"] is not None):
            reach = {name: row[name] for name in ("strength", "planned", "measured")}
            block["concepts"].append({"number": concept, "name": row["called"], **reach})
    for block in blocks.values():
        block["of"] = len(block["concepts"])
        block["concepts"] = sorted(block["concepts"], key=_reach, reverse=True)[:STRONGEST]
    return list(blocks.values())


def _reach(concept: Mapping[str, Any]) -> float:
    """How much a concept has to do with a block: as measured, else as planned."""
    measured = concept["measured"]
    return float((concept["strength"] or 0.0) if measured is None else measured)


def _unknown(store: Store, run: RunDir, model: str, layer: str) -> str:
    from kgkt.store.readback import rows

    known = rows(store, "read_blocks", graph=run.graph)
    models = list(dict.fromkeys(str(row["model"]) for row in known))
    if model not in models:
        return f"the graph has no map of {model!r}{nearest(model, models)}"
    layers = [str(row["layer"]) for row in known if row["model"] == model]
    return f"{model} has no mapped layer {layer!r}{nearest(layer, layers)}"


def report(recipe: Recipe) -> dict[str, Any]:
    """The report of the last `evaluate` of this graph, with a table for each of its metrics.

    Raises:
        Refused: there is none.
    """
    from kgkt.proof.report import METRICS
    from kgkt.proof.verdicts import methods, narrow_table

    run = open_run(recipe)
    made = [path for name in ("evaluate", "recommend") if (path := run.path(name) / "report.json").is_file()]
    if not made:
        raise Refused("missing", "no report was made yet: kgkt evaluate compares the graph with every control")
    told = read_json(max(made, key=lambda path: path.stat().st_mtime))
    tables = []
    for metric, title in METRICS.items():
        if methods(told["rows"], metric):
            columns, rows = narrow_table(told["rows"], metric)
            tables.append({"metric": metric, "title": title, "columns": columns, "rows": rows})
    return {**{name: value for name, value in told.items() if name != "environment"}, "tables": tables}
