"""Which layers keep their written weights: a held-out check against B's own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kgkt.errors import BelowBarError
from kgkt.transfer.blocks import leaves
from kgkt.transfer.trainer import Trainer
from kgkt.transfer.write import write_layer
from kgkt.values import BlockMap

if TYPE_CHECKING:
    import numpy as np
    from scipy.sparse import csr_matrix


@dataclass(frozen=True, slots=True)
class Attempt:
    """One whole training of B.

    Args:
        start: B's variables before it.
        end: B's variables after it.
        history: from `Trainer.train`.
        losses: (r,) of the held-out items in nats; None without them.
    """

    start: list[np.ndarray]
    end: list[np.ndarray]
    history: dict[str, list[float]]
    losses: np.ndarray | None


def write_weights(
    trainer: Trainer,
    attempt: Callable[[list[np.ndarray]], Attempt],
    x: Any,
    head: tuple[np.ndarray, np.ndarray],
    rows: np.ndarray,
    block_map: BlockMap,
    memberships: csr_matrix,
) -> tuple[Attempt, dict[str, dict[str, Any]]]:
    """Write layer by layer, input to output, keeping only what a held-out check favours.

    The check: B is taught in full, equal steps each, from its weights so far and from the same with
    this layer written. The layer stays written if its cross-entropy on the held-out targets is lower
    by more than one standard error of the paired difference over items. A shorter training would
    favour written weights that a full one overtakes.

    Args:
        trainer: of B.
        attempt: teaches B from given weights.
        x: (n, ...) the pool as B reads it.
        head: (n, c) targets as edited and as planned.
        rows: items to write from, none of them held out.
        block_map, memberships: the map and Z (n, k).

    Returns:
        The best attempt, and layer -> {"kind", "blocks", "written", "why", "gain", "error"}; gain in
        nats, None where the layer could not be written or checked.
    """
    layers = dict(leaves(trainer.model))
    best, report = attempt(trainer.initial), {}
    for path, blocks in block_map.blocks.items():
        entry: dict[str, Any] = {
            "kind": blocks[0].kind, "blocks": len(blocks), "written": False,
            "why": "too few items to check it on", "gain": None, "error": None,
        }  # fmt: skip
        report[path] = entry
        if best.losses is None:
            continue
        trainer.reset(best.start)
        entry["why"] = write_layer(trainer.model, path, layers[path], x, rows, block_map, memberships, head,
                                   trainer.outputs)
        if entry["why"]:
            continue
        try:
            found = attempt(trainer.weights())
        except BelowBarError:
            entry["why"] = "training from it diverged"
            continue
        gain, error = paired(best, found)
        word = "lower" if gain > 0 else "higher"
        entry |= {"gain": gain, "error": error, "written": gain > error,
                  "why": f"held-out loss {word} by {abs(gain):.3f} ±{error:.3f} nats"}  # fmt: skip
        best = found if gain > error else best
    return best, report


def paired(base: Attempt, found: Attempt) -> tuple[float, float]:
    """How much lower the held-out loss of `found` is, mean over items, and its standard error."""
    assert base.losses is not None
    assert found.losses is not None
    difference = base.losses - found.losses
    return float(difference.mean()), float(difference.std(ddof=1) / len(difference) ** 0.5)
