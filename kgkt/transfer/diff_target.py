"""What B's last hidden layer makes of a pool, and what the same B with fresh weights makes of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kgkt.errors import InputError, nearest
from kgkt.transfer.blocks import head_layer, leaves
from kgkt.transfer.taps import tapped

if TYPE_CHECKING:
    import keras
    import numpy as np

SAMPLE = 20_000  # items that the whitening is fitted on
KNOWS_WORDS = ("TextVectorization", "StringLookup", "IntegerLookup")


def tap_of(model: keras.Model, layer: str | None = None, file: str = "B") -> tuple[Any, str]:
    """The layer to listen at, and the side: what goes into B's head, or what comes out of the layer that is named.

    Args:
        model: B.
        layer: path of a layer, or None.
        file: how B is called in an error.

    Raises:
        InputError: no such layer (with the nearest), no head that kgkt knows, or nothing before the head that learns.
    """
    there = dict(leaves(model))
    if layer is not None:
        if layer not in there:
            raise InputError(f"{file} has no layer {layer!r}{nearest(layer, list(there))}")
        return there[layer], "output"
    head = head_layer(model)
    if head is None:
        raise InputError(f"{file} ends in no Dense layer, so what its last hidden layer is cannot be told: "
                         f"name it with --layer ({', '.join(list(there)[-5:])})")  # fmt: skip
    adapted = ("Normalization", *KNOWS_WORDS)  # to the data, before any training
    if not any(getattr(one, "weights", []) and type(one).__name__ not in adapted
               for one in there.values() if one is not head[1]):  # fmt: skip
        raise InputError(f"{file} has no hidden layer: its head {head[0]} reads the items themselves, so there is "
                         "nothing that could know concepts")
    return head[1], "input"


def hidden_vectors(model: keras.Model, x: Any, layer: str | None = None, seed: int = 0) -> np.ndarray:
    """The pool as B's last hidden layer has it, embedded as `populate` embeds a layer of A.

    Args:
        model: B.
        x: (n, ...) the pool as B reads it.
        layer: to listen at instead.
        seed: of the sample that the whitening is fitted on.

    Returns:
        (n, e) float32 unit rows.

    Raises:
        InputError: as `tap_of`; values that are no numbers; the same values for every item.
    """
    import numpy as np

    from kgkt.concepts.embed import apply_map, sample_rows, whiten

    place, side = tap_of(model, layer)

    def read(rows: np.ndarray) -> Any:
        for calls in tapped(model, place, x, rows, side=side):
            yield np.concatenate([call.reshape(len(call), -1) for call in calls], axis=1)

    sample = sample_rows(len(x), SAMPLE, seed)
    H = np.concatenate(list(read(sample)))
    where = layer or "B's last hidden layer"
    if not np.isfinite(H).all():
        bad = int((~np.isfinite(H)).any(axis=1).sum())
        raise InputError(f"{where} gives values that are no numbers for {bad:,} of {len(H):,} items")
    if len(H) > 1 and not (H.std(axis=0) > 1e-7 * max(float(np.abs(H).max()), 1e-30)).any():
        raise InputError(f"{where} gives the same for every item: it knows nothing of this pool")
    W, b = whiten(H, seed=seed)
    parts = [H] if len(sample) == len(x) else read(np.arange(len(x)))
    return np.concatenate([apply_map(part, W, b) for part in parts]).astype(np.float32)


def fresh_copy(model: keras.Model, seed: int) -> keras.Model:
    """B's structure with fresh weights; what was adapted to data before any training (words, ranges) stays.

    Raises:
        InputError: B cannot be built again from its configuration.
    """
    import keras

    keras.utils.set_random_seed(seed)
    try:
        fresh = keras.models.clone_model(model)
        pairs = list(zip(leaves(model), leaves(fresh), strict=True))
    except (ValueError, TypeError, NotImplementedError, AttributeError) as error:
        raise InputError("B cannot be built anew with fresh weights for the floor: give it as it was before with "
                         f"--before b.keras ({str(error).splitlines()[0]})") from error  # fmt: skip
    for (_, old), (_, new) in pairs:
        if type(old).__name__ in KNOWS_WORDS:
            new.set_vocabulary(old.get_vocabulary(include_special_tokens=False))
        elif type(old).__name__ == "Normalization" and old.weights:
            new.set_weights(old.get_weights())
            new.finalize_state()
    return fresh
