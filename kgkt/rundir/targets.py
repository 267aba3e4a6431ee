"""What `propagate` leaves: targets.parquet, what the graph teaches of every item, and two files beside it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from kgkt.errors import InputError
from kgkt.files import atomic, load_arrays, read_parquet, save_arrays, write_csv
from kgkt.rundir.current import CurrentGraph
from kgkt.rundir.folder import RunDir
from kgkt.rundir.state import made_by
from kgkt.values import Expert, Targets

FILES = ("targets.parquet", "masses.safetensors", "experts.safetensors")


def write_targets(run: RunDir, targets: Targets, current: CurrentGraph) -> None:
    """targets.parquet: item_id, class, p:<name> for each class, weight, labelled, held_out.

    masses.safetensors beside it holds every class mass; the store keeps those from 0.05 on. experts.safetensors holds
    what each expert said of every item, to three digits.
    """
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    from kgkt.transfer.fuse import FuseOptions, split

    labelled = np.zeros(len(current.ids), bool)
    labelled[current.labels.items] = True
    held = np.zeros(len(current.ids), bool)
    rows = split(targets.weight, current.taught, FuseOptions())[1]
    if rows is not None:
        held[rows] = True
    names = np.array(targets.names, object)
    guess = [names[i] if w > 0 else None for i, w in zip(targets.P.argmax(axis=1), targets.weight, strict=True)]
    columns: dict[str, Any] = {"item_id": pa.array(current.ids.tolist()), "class": pa.array(guess, pa.string())}
    columns |= {f"p:{name}": pa.array(targets.P[:, j]) for j, name in enumerate(targets.names)}
    columns |= {"weight": pa.array(targets.weight), "labelled": pa.array(labelled), "held_out": pa.array(held)}
    with atomic(run.path("targets.parquet")) as temporary:
        pq.write_table(pa.table(columns), temporary, compression="zstd", write_page_checksum=True)
    save_arrays(run.path("masses.safetensors"), {
        "mass": targets.mass, "alpha": np.array(targets.alpha),
        "ticked": np.full(len(targets.weight), -1) if targets.ticked is None else targets.ticked,
    })  # fmt: skip
    save_arrays(
        run.path("experts.safetensors"),
        {expert.name: expert.P.astype(np.float16) for expert in targets.experts},
        {"experts": json.dumps([[expert.name, expert.weight, expert.why] for expert in targets.experts])},
    )


def write_items_csv(path: Path, targets: Targets, current: CurrentGraph) -> None:
    """item_id, class, mass of every item; an item that nothing reaches has no class."""
    best = targets.P.argmax(axis=1)
    write_csv(path, ("item_id", "class", "mass"), (
        (item, targets.names[b], f"{row[b]:.6f}") if weight > 0 else (item, "", "")
        for item, row, b, weight in zip(current.ids.tolist(), targets.P, best, targets.weight, strict=True)
    ))  # fmt: skip


def read_targets(run: RunDir, current: CurrentGraph) -> Targets:
    """The targets in the run directory, as `propagate` wrote them."""
    import numpy as np

    names = current.labels.names
    table = read_parquet(made_by(run, "propagate", "targets.parquet"))
    missing = [name for name in names if f"p:{name}" not in table.column_names]
    if missing or len(table) != len(current.ids):
        raise InputError(f"{run.path('targets.parquet')} does not fit the graph: run kgkt propagate")
    P = np.stack([table.column(f"p:{name}").to_numpy() for name in names], axis=1)
    with_mass, _ = load_arrays(made_by(run, "propagate", "masses.safetensors"))
    return Targets(
        P, table.column("weight").to_numpy(), with_mass["mass"], names,
        with_mass["alpha"].item(), run.state()["stages"]["propagate"]["figures"]["spread"],
        ticked=with_mass.get("ticked"),
    )  # fmt: skip


def read_experts(run: RunDir) -> tuple[Expert, ...]:
    """What each expert of the last `propagate` said of every item, the graph first."""
    arrays, meta = load_arrays(made_by(run, "propagate", "experts.safetensors"))
    return tuple(Expert(name, weight, why, arrays[name]) for name, weight, why in json.loads(meta["experts"]))
