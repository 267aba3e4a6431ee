"""Which Bs a graph has maps of: the strengths of each stay, whichever was mapped last."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from kgkt.errors import InputError
from kgkt.files import read_json, sha256_file
from kgkt.rundir.folder import RunDir

if TYPE_CHECKING:
    from kgkt.store.protocol import Store

MAPS = "maps"  # key of run.json: model B -> how it was mapped last, of each B that was


def mapped_models(store: Store, run: RunDir) -> list[str]:
    """Names of the Bs whose blocks the graph holds, sorted."""
    from kgkt.store.readback import rows

    return sorted(str(row["model"]) for row in rows(store, "mapped_models", graph=run.graph))


def last_mapped(run: RunDir) -> str | None:
    """Name of the B that was mapped last; None where none was."""
    name = run.state().get("stages", {}).get("map", {}).get("figures", {}).get("model")
    return None if name is None else str(name)


def mapped_settings(run: RunDir, model: str) -> dict[str, Any]:
    """How a B was mapped last; empty where it never was."""
    done = run.state().get("stages", {}).get("map")
    if done is not None and done["figures"]["model"] == model:
        return dict(done["settings"])
    return dict(run.state().get(MAPS, {}).get(model, {}))


def was_mapped(store: Store, run: RunDir, model: str) -> bool:
    """Whether a B was mapped, be it into this graph or into one that populate made anew since."""
    return model in run.state().get(MAPS, {}) or model in mapped_models(store, run)


def remember_map(run: RunDir, model: str, settings: dict[str, Any]) -> None:
    """Keep how a B was mapped, for when another one has been mapped since."""
    state = run.state()
    run.write_state({**state, MAPS: {**state.get(MAPS, {}), model: settings}})


def made_from(path: Path) -> str | None:
    """Name of the B that a fused one was made of, as the `.run.json` beside it says; None where that is not its own."""
    beside = path.with_suffix(".run.json")
    if not beside.is_file():
        return None
    try:
        told = read_json(beside)
    except InputError:
        return None
    target = told.get("target") if isinstance(told, dict) and told.get("sha256") == sha256_file(path) else None
    return Path(str(target["file"])).stem if isinstance(target, dict) and "file" in target else None
