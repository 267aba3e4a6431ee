"""Whether what B is tested on is of the kind that it is taught: the range of numbers, the words of texts."""

from __future__ import annotations

from typing import Any

from kgkt.errors import InputError
from kgkt.rundir.state import Say
from kgkt.transfer.inputs import by_name
from kgkt.transfer.layers import leaves

FEWEST_KNOWN = 0.1  # share of words from which on a vocabulary counts as one of such texts


def refuse_shift(
    model: Any, pool: tuple[str, Any], test: tuple[str, Any], allowed: bool, say: Say
) -> None:
    """Refuse a test set that is of another range than what B is taught, or whose words B does not know.

    Args:
        model: B.
        pool, test: what each is called, and its items as B reads them.
        allowed: go on all the same, which is said.
        say: takes notices.

    Raises:
        InputError: with both ranges, and how to mend it.
    """
    for name, x in by_name(pool[1]).items():
        said = _shift(model, (_of_input(pool[0], name), x), (_of_input(test[0], name), by_name(test[1])[name]))
        if said and not allowed:
            raise InputError(f"{said}; --allow-shift goes on as it is.")
        if said:
            say(f"{said}. --allow-shift: went on as it is")


def _of_input(file: str, name: str) -> str:
    return f"{file}: {name}" if name else file


def _shift(model: Any, pool: tuple[str, Any], test: tuple[str, Any]) -> str:
    """What to say of two arrays that one input of B reads; "" where there is nothing."""
    from kgkt.source.ranges import differ, extent_of

    one, other = extent_of(pool[1]), extent_of(test[1])
    if one is None or other is None:
        return unknown_words(model, pool, test)
    if differ(one, other):
        return (f"what B is taught and what it is tested on are of different ranges.\n  {pool[0]}   {one.in_words()}\n"
                f"  {test[0]}   {other.in_words()}\nSave both alike{_way_out(pool[1], test[1])}")
    return ""


def _way_out(*data: Any) -> str:
    """What --target-pixels can do about data of different ranges: bring bytes to one, or leave them as they are."""
    from kgkt.source.pixels import ScaledRows

    if any(str(x.dtype) == "uint8" for x in data):
        return ", or say --target-pixels 0..1 (or -1..1), which brings bytes to that range"
    if any(isinstance(x, ScaledRows) for x in data):
        return ", or say --target-pixels raw, which leaves bytes as they are"
    return ""


def unknown_words(model: Any, pool: tuple[str, Any], test: tuple[str, Any]) -> str:
    """What to say of a B with a vocabulary that knows next to no word of its data; "" where there is nothing."""
    known = vocabulary(model)
    if not known:
        return ""
    shares = {name: share_known(texts, known) for name, texts in (pool, test)}
    strange = [name for name, share in shares.items() if share < FEWEST_KNOWN]
    if not strange:
        return ""
    listed = "\n".join(f"  {name}   {100 * share:.0f} % of its words" for name, share in shares.items())
    return (f"B's vocabulary ({len(known):,} words) knows next to nothing of {' and '.join(strange)}.\n{listed}\n"
            "Adapt its TextVectorization to texts of this kind before you save it")


def vocabulary(model: Any) -> frozenset[str]:
    """The words of B's TextVectorization, where it splits texts in the ordinary way; else none."""
    for _, layer in leaves(model):
        if type(layer).__name__ == "TextVectorization":
            plain = layer._standardize == "lower_and_strip_punctuation" and layer._split == "whitespace"
            return frozenset(layer.get_vocabulary(include_special_tokens=False)) if plain else frozenset()
    return frozenset()


def share_known(texts: Any, known: frozenset[str]) -> float:
    """Share of the words of some texts (at most 2,000 of them) that are known; 1 where there are none."""
    import re

    import numpy as np

    from kgkt.source.ranges import SAMPLE

    chosen = np.unique(np.linspace(0, len(texts) - 1, min(len(texts), SAMPLE)).astype(int))
    words = [word for text in np.asarray(texts)[chosen].ravel().tolist()
             for word in re.sub(r"[^\w\s]|_", "", str(text).lower()).split()]  # fmt: skip
    return sum(word in known for word in words) / len(words) if words else 1.0
