"""What run.json remembers: digests of what each stage read and wrote, so that stale stages are known."""

from __future__ import annotations

import datetime
import os
import shlex
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import kgkt
from kgkt.errors import InputError, NoGraphError, UsageError, count, nearest
from kgkt.files import DEFAULT_DIR, sha256_file
from kgkt.recipe import FILE, Recipe, read_recipe
from kgkt.rundir.folder import RunDir
from kgkt.store.opening import absolute, embedded_path

FEW = 3  # folders that an error names

Say = Callable[[str], None]


def now() -> str:
    """The time of day, UTC, as text."""
    return datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def graphs_of(root: Path) -> list[str]:
    """Names of the graphs in a run directory; one whose first populate never ended counts where there is no other."""
    there = sorted(path.parent.name for path in Path(root).glob("*/run.json"))
    return [name for name in there if was_made(RunDir(root, name))] or there


def was_made(run: RunDir) -> bool:
    """Whether `populate` ever made this graph."""
    try:
        return "populate" in run.state().get("stages", {})
    except InputError:  # damaged, which who reads it says
        return True


def open_run(recipe: Recipe, must_exist: bool = True) -> RunDir:
    """The folder of the recipe's graph: the one named, else the only one there, else "main".

    Raises:
        NoGraphError: no such graph (with the nearest names, or the graphs of this folder where it is a run directory).
        InputError: several, and none named.
    """
    there = graphs_of(Path(recipe.dir))
    name = recipe.graph
    if name is None and len(there) > 1:
        raise InputError(f"{recipe.dir} holds {len(there)} graphs ({', '.join(there)}): say --graph NAME")
    inside = [] if name is None or name in there or not must_exist else graphs_of(Path(name))
    if inside:
        raise NoGraphError(f"no graph {name} in {recipe.dir}; {name} is a folder that holds "
                           f"{count(len(inside), 'graph')} ({', '.join(inside)}): in Python it is dir={name!r}, on the "
                           f"command line --dir {name}")
    run = RunDir(recipe.dir, name or (there[0] if there else "main"))
    if must_exist and run.graph not in there:
        if there:
            raise NoGraphError(f"no graph {run.graph} in {recipe.dir}{nearest(run.graph, there)}")
        here = graphs_of(Path()) if recipe.dir == DEFAULT_DIR else []
        hint = f"; this folder is a run directory itself, of {', '.join(here)}" if here else ""
        options = f"--dir . --graph {name if name in here else here[0]}" if here else ""
        if not here and recipe.dir == DEFAULT_DIR and (below := _below(name)):
            are = "is a run directory" if len(below) == 1 else "are run directories"
            hint, options = f"; {', '.join(below[:FEW])} {are}", f"--dir {shlex.quote(below[0])}"
        gone = "" if Path(recipe.dir).is_dir() or recipe.dir == DEFAULT_DIR else ", as there is no such folder"
        raise NoGraphError(f"no graph {run.graph} in {recipe.dir}{gone}: run kgkt populate first{hint}", options)
    return run


def _below(graph: str | None) -> list[str]:
    """The folders of this one that are run directories, of this graph if one is named."""
    there = sorted({path.parent.parent for path in Path().glob("*/*/run.json")})
    return [str(folder) for folder in there if (graph or "") in ("", *graphs_of(folder))]


def place_flags(recipe: Recipe) -> list[str]:
    """The flags by which a command finds the recipe's graph again; none where it finds it without.

    Args:
        recipe: of the graph, as this run of kgkt was told it.
    """
    own = recipe.path is not None and recipe.path != Path(FILE)
    plain = read_recipe(recipe.path if own else None)
    there = graphs_of(Path(recipe.dir))
    usual = plain.graph or ("main" if not there else there[0] if len(there) == 1 else None)
    flags = ["--recipe", str(recipe.path)] if own else []
    flags += ["--dir", recipe.dir] if recipe.dir != (os.environ.get("KGKT_DIR") or plain.dir) else []
    return flags + (["--graph", recipe.graph] if recipe.graph not in (None, usual) else [])


def store_url(recipe: Recipe, run: RunDir) -> str:
    """URL of the database: the recipe's, else where the last `populate` was sent, else the run directory's own.

    Raises:
        UsageError: a URL that names no database, or holds a password; "neo4j" and no NEO4J_URI.
    """
    return resolved(recipe.store.url or settings_of(run, "populate").get("store") or run.store_url)


def resolved(url: str) -> str:
    """The URL of a database as it was given, checked; "neo4j" is what NEO4J_URI says.

    Raises:
        UsageError: a URL that names no database, or holds a password; "neo4j" and no NEO4J_URI.
    """
    from kgkt.store.opening import check_url

    if url == "neo4j":
        from kgkt.store.server.connection import address

        named = address()
        if not named:
            raise UsageError("--store neo4j takes the address from NEO4J_URI, which is not set")
        url = named
    check_url(url)
    return url


def store_database(recipe: Recipe, run: RunDir) -> str | None:
    """Name of the database on the server, where the recipe or the last `populate` was told one."""
    return recipe.store.database or (None if recipe.store.url else settings_of(run, "populate").get("database"))


def store_settings(recipe: Recipe, run: RunDir) -> dict[str, Any]:
    """Where the graph is sent, so that later stages find it; nothing where it is in the run directory."""
    url = store_url(recipe, run)
    if url == run.store_url:
        return {}
    if embedded_path(url) is not None:
        return {"store": absolute(url)}
    return {"store": url, "database": store_database(recipe, run), "shared": is_shared(recipe, run)}


def moves(recipe: Recipe, run: RunDir) -> bool:
    """Whether the graph is asked for in another database than the one the last `populate` wrote to."""
    if "populate" not in run.state().get("stages", {}):
        return False
    last = settings_of(run, "populate")
    now_at = store_settings(recipe, run)
    return (last.get("store"), last.get("database")) != (now_at.get("store"), now_at.get("database"))


def is_shared(recipe: Recipe, run: RunDir) -> bool:
    """Whether other people's nodes in the database are known of."""
    return recipe.store.shared or bool(settings_of(run, "populate").get("shared"))


def population(run: RunDir) -> str:
    """What tells this graph from the one before: what later stages had put into that one went with it.

    Not the time: two graphs can be made within a second.
    """
    return str(run.state().get("stages", {}).get("populate", {}).get("id", ""))


def lineage(run: RunDir) -> dict[str, str]:
    """What stays the same while the concepts keep their numbers, and while the items keep their ids.

    A graph of an earlier kgkt has none, until it is made anew.
    """
    kept = settings_of(run, "populate").get("lineage", {})
    return {"concepts": kept.get("concepts", ""), "items": kept.get("items", "")}


def identity(run: RunDir) -> str:
    """What tells this run directory's graph from others of the same name; new where there is none yet."""
    return str(run.state().get("run") or uuid.uuid4().hex)


def record(
    run: RunDir,
    stage: str,
    inputs: Mapping[str, str],
    outputs: Mapping[str, str],
    figures: Mapping[str, Any],
    settings: Mapping[str, Any] | None = None,
) -> None:
    """Write down that `stage` ran: digests of what it read and wrote, its figures, and settings for later stages."""
    state = run.state()
    state["kgkt_version"] = kgkt.__version__
    state.setdefault("stages", {})[stage] = {
        "at": now(), "id": uuid.uuid4().hex, "inputs": dict(inputs), "outputs": dict(outputs), "figures": dict(figures),
        "settings": dict(settings or {}),
    }  # fmt: skip
    run.write_state(state)


def why_stale(run: RunDir, stage: str, inputs: Mapping[str, str]) -> list[str]:
    """Names of the inputs that changed since `stage` ran; ["never ran"] before the first time; [] if fresh."""
    done = run.state().get("stages", {}).get(stage)
    if done is None:
        return ["never ran"]
    before = done["inputs"]
    return [name for name in {**before, **inputs} if before.get(name) != inputs.get(name)]


def made_by(run: RunDir, stage: str, name: str) -> Path:
    """Path of a file that `stage` made, checked against the digest that it wrote down.

    Raises:
        InputError: it is not there, or not what the stage wrote.
    """
    path = run.need(name, stage)
    digest = run.state().get("stages", {}).get(stage, {}).get("outputs", {}).get(name)
    if digest != sha256_file(path):
        raise InputError(f"{path} is not what {stage} wrote (damaged, or replaced): run kgkt {stage}")
    return path


def settings_of(run: RunDir, stage: str) -> dict[str, Any]:
    """The settings that `stage` wrote down; empty if it never ran."""
    return run.state().get("stages", {}).get(stage, {}).get("settings", {})
