"""Whether B, data, targets and map belong together, and what the user should hear of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kgkt.errors import InputError, count
from kgkt.transfer.blocks import check_data, frozen_layers, read_blocks, unmapped
from kgkt.transfer.inputs import by_name
from kgkt.values import BlockMap, Labels, Targets

if TYPE_CHECKING:
    import keras


def check_fit(
    model: keras.Model, x: Any, targets: Targets, labels: Labels, block_map: BlockMap | None, memberships: Any,
    test: Any,
) -> None:
    """Refuse a B, data, targets, map or test set that do not belong together."""
    check_data(model, targets.names, x)
    n = len(targets.P)
    if len(x) != n:
        raise InputError(f"B's data has {count(len(x), 'item')}, the targets have {n}: give the data of the same pool")
    if labels.names != targets.names:
        raise InputError("the classes changed since the targets were made: run propagate again\n"
                         f"  targets  {' '.join(targets.names)}\n  labels   {' '.join(labels.names)}")
    if block_map is not None:
        blocks = read_blocks(model)
        changed = [layer for layer, group in block_map.blocks.items() if blocks.get(layer) != group]
        if changed:
            raise InputError(f"the map was made for another B: {', '.join(changed)} differ. Run map again")
        if memberships is None or memberships.shape[0] != n:
            raise InputError("a map needs the memberships of the same pool: run populate and map again")
    if test is not None and len(test[0]) != len(test[1]):
        raise InputError(f"the test set has {count(len(test[0]), 'item')} and {count(len(test[1]), 'class')}")
    if test is not None:
        check_data(model, targets.names, test[0])


def notices_of(model: keras.Model, block_map: BlockMap | None, outputs: str, method: str = "auto") -> list[str]:
    """What the user should hear before the figures; `outputs`: of how B's outputs are read, "" for nothing."""
    notices = [outputs] if outputs else []
    if getattr(model, "optimizer", None) is not None or getattr(model, "compiled", False):
        notices.append("B's own compile (optimizer, loss, metrics) is not used")
    if frozen := frozen_layers(model):
        notices.append(f"frozen layers stay as they are: {', '.join(frozen)}")
    if method == "distil":
        notices.append("A's own answer is the teacher: no weights were written")
    elif method == "soft-targets":
        notices.append("no weights were written, as asked: B was trained on the targets only")
    elif block_map is None:
        notices.append("there is no map: no weights were written, B was trained on the targets only")
    else:
        notices += unmapped({layer: own for layer, own in read_blocks(model).items() if layer not in block_map.blocks})
    return notices


def edits_that_act(block_map: BlockMap | None, written: dict[str, dict[str, Any]]) -> list[str]:
    """Sentences on the strengths that people changed, where they act; `written` as of `write_layers`."""
    found = []
    for layer, blocks in (block_map.blocks if block_map else {}).items():
        if not is_edited(block_map, layer):
            continue
        assert block_map is not None
        edited = count((block_map.planned[layer] != block_map.strength[layer]).nnz, "edited strength")
        if blocks[0].kind == "head":
            found.append(f"{edited} to {layer} act: in what B is taught")
        elif written.get(layer, {}).get("written"):
            found.append(f"{edited} to {layer} act: in its written weights; layers behind it are fitted to what it "
                         "gives then")
    return found


def is_edited(block_map: BlockMap | None, layer: str) -> bool:
    return block_map is not None and (block_map.planned[layer] != block_map.strength[layer]).nnz > 0


def extent(x: Any) -> dict[str, Any]:
    """Rows of the data that are not finite, and its largest value: what a diverged training is asked first."""
    import numpy as np

    arrays = by_name(x)
    if "" not in arrays:
        return {name: extent(array) for name, array in arrays.items()}
    if not np.issubdtype(x.dtype, np.number):
        return {"dtype": str(x.dtype)}
    flat = np.abs(np.asarray(x, np.float64).reshape(len(x), -1))
    bad = np.flatnonzero(~np.isfinite(flat).all(axis=1))
    finite = flat[np.isfinite(flat)]
    return {"bad_rows": len(bad), "first_bad_rows": bad[:10].tolist(), "largest": float(finite.max(initial=0.0))}
