"""From a trained B back to concepts: which of them a unit's activation, and an answer, go back to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kgkt.errors import InputError, nearest
from kgkt.transfer.measure import LayerMeasured, Measured

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from scipy.sparse import csr_matrix

MOST_LAYERS = 8  # hidden layers whose contributions are told of, the last ones


def explained(layer: LayerMeasured, unit: int, sizes: np.ndarray) -> np.ndarray:
    """Shares (k,) of a unit's variance over the pool that lie in the mean of each concept.

    Their sum is the correlation ratio, of which (k - 1) / (n - 1) is to be expected by chance.

    Args:
        layer: measured.
        unit: its index.
        sizes: (k,) items nearest to each concept.

    Reference: Fisher 1925 (correlation ratio).
    """
    import numpy as np

    apart = np.asarray(layer.means[:, unit], np.float64) - float(layer.mean[unit])
    whole = float(layer.deviation[unit]) ** 2 * sizes.sum()
    return np.minimum(sizes * apart**2 / whole, 1.0) if whole > 0 else np.zeros(len(sizes))


def concept_parts(layer: LayerMeasured, z: csr_matrix, slopes: np.ndarray) -> np.ndarray:
    """What came through each concept of an item, and each unit: z_c (mean of c - mean) slope.

    Args:
        layer: measured.
        z: (1, k) memberships of the item, q of them.
        slopes: (u,) gradients of the evidence, summed over positions, from `contributions`.

    Returns:
        (q, u) nats, concepts in the order of `z.indices`. What a unit contributes beyond their sum is of the item
        alone: it is not as the items of its concepts are on average.
    """
    import numpy as np

    apart = np.asarray(layer.means[z.indices], np.float64) - layer.mean
    return np.asarray(z.data, np.float64)[:, None] * apart * slopes


def hidden_layers(found: Measured) -> list[str]:
    """The measured layers but the head, from input to output; of many the last ones."""
    return [path for path, layer in found.layers.items() if layer.kind != "head"][-MOST_LAYERS:]


def shares(given: np.ndarray) -> np.ndarray:
    """(u,) of what units contribute, each one's share of all that is added; 0 of what takes away."""
    import numpy as np

    added = np.maximum(given, 0.0)
    return added / added.sum() if added.sum() > 0 else added


def find_unit(what: str, found: Measured, classes: Sequence[str]) -> tuple[str, int]:
    """The layer and unit that LAYER:UNIT names.

    Args:
        what: as it was typed; it is no class.
        found: what was measured.
        classes: names, for what was meant.

    Raises:
        InputError: as `parse_unit`, or a layer that could not be measured.
    """
    layer = what.rpartition(":")[0] or what
    why = next((notice for notice in found.notices if notice.startswith(f"{layer} ")), None)
    if layer not in found.layers and why:
        raise InputError(why)
    return parse_unit(what, {path: len(one.mean) for path, one in found.layers.items()}, classes)


def parse_unit(what: str, units: Mapping[str, int], classes: Sequence[str]) -> tuple[str, int]:
    """The layer and unit that LAYER:UNIT names.

    Args:
        what: as it was typed; it is no class.
        units: layer -> how many it has.
        classes: names, for what was meant.

    Raises:
        InputError: no such layer or unit; with the nearest names, or how many units there are.
    """
    layer, colon, index = what.rpartition(":")
    if not colon:
        layer = what
    if layer not in units:
        if not colon:
            raise InputError(f"no class and no layer {what!r}{nearest(what, [*classes, *units])}; a unit is "
                             "LAYER:UNIT")
        raise InputError(f"no layer {layer!r} of B has units{nearest(layer, units)}")
    if not colon or not index.isdecimal() or int(index) >= units[layer]:
        said = f"no unit {index!r} in {layer}" if colon else f"which unit of {layer}?"
        raise InputError(f"{said}: it has {units[layer]}, {layer}:0 to {layer}:{units[layer] - 1}")
    return layer, int(index)


def strongest(values: Any, how_many: int) -> list[int]:
    """Places of the largest values, the largest first."""
    import numpy as np

    return [int(place) for place in np.argsort(-np.asarray(values), kind="stable")[:how_many]]
