"""Which layers keep their written weights: a held-out check against B's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kgkt.errors import BelowBarError
from kgkt.transfer.blocks import leaves
from kgkt.transfer.trainer import Trainer
from kgkt.transfer.write import write_layer
from kgkt.values import BlockMap

if TYPE_CHECKING:
    import numpy as np
    from scipy.sparse import csr_matrix


def write_weights(
    trainer: Trainer,
    x: Any,
    head: tuple[np.ndarray, np.ndarray],
    weight: np.ndarray,
    rows: tuple[np.ndarray, np.ndarray | None],
    block_map: BlockMap,
    memberships: csr_matrix,
    *,
    steps: int,
    seed: int,
) -> dict[str, dict[str, Any]]:
    """Write layer by layer, input to output, keeping only what a held-out check favours.

    The check: from B's weights so far, and from the same with this layer written, train
    `steps` equal steps; the written layer is kept if its cross-entropy on the held-out targets
    is lower by more than one standard error of the paired difference over items.

    Args:
        trainer: of B, standing at B's own weights.
        x: (n, ...) the pool.
        head: (n, c) targets as edited and as planned.
        weight: (n,) of the items.
        rows: items to train on and items held out; without the latter nothing can be checked or written.
        block_map, memberships: the map and Z.
        steps, seed: of the check's trainings.

    Returns:
        layer -> {"kind", "blocks", "written", "why", "gain", "error"}; gain in nats, None if not checked.
        B stands at the weights kept.
    """
    layers = dict(leaves(trainer.model))
    train_rows, held_rows = rows
    kept, report = trainer.weights(), {}
    base: np.ndarray | None = None

    def held_out_losses(weights: list[np.ndarray]) -> np.ndarray:
        assert held_rows is not None
        trainer.reset(weights)
        trainer.train(x, head[0], weight, steps, seed, rows=train_rows)
        return trainer.losses(x, head[0], held_rows)

    for path, blocks in block_map.blocks.items():
        entry: dict[str, Any] = {"kind": blocks[0].kind, "blocks": len(blocks), "written": False,
                                 "why": "too few items to check it on", "gain": None, "error": None}
        report[path] = entry
        if held_rows is None:
            continue
        trainer.reset(kept)
        entry["why"] = write_layer(trainer.model, path, layers[path], x, train_rows, block_map, memberships, head)
        if entry["why"]:
            continue
        candidate = trainer.weights()
        base = held_out_losses(kept) if base is None else base
        try:
            found = held_out_losses(candidate)
        except BelowBarError:
            entry["why"] = "training from it diverged"
            continue
        gain, error = paired(base, found)
        word = "lower" if gain > 0 else "higher"
        entry |= {"gain": gain, "error": error, "written": gain > error,
                  "why": f"held-out loss {word} by {abs(gain):.3f} ±{error:.3f} nats"}
        if gain > error:
            kept, base = candidate, found
    trainer.reset(kept)
    return report


def paired(base: np.ndarray, found: np.ndarray) -> tuple[float, float]:
    """Mean of base - found over items, and its standard error."""
    difference = base - found
    return float(difference.mean()), float(difference.std(ddof=1) / len(difference) ** 0.5)
