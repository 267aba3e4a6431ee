"""What kgkt wrote down beside a B that it made: the facts of its `.run.json`, where that is of this very file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from kgkt.errors import count
from kgkt.files import read_json, sha256_file

if TYPE_CHECKING:
    import numpy as np

FORETOLD = "foretold"  # key of the facts: path of an Embedding -> [[first row, how many], ...]


def facts_beside(model: Path) -> dict[str, Any]:
    """What the `.run.json` beside a model says of it; empty where there is none, or the file was changed since."""
    beside = model.with_suffix(".run.json")
    told = read_json(beside) if beside.is_file() else None
    facts = told.get("facts") if isinstance(told, dict) and told.get("sha256") == sha256_file(model) else None
    return facts if isinstance(facts, dict) else {}


def classes_beside(model: Path) -> tuple[str, ...]:
    """The classes of B's outputs, in order, as they stand beside it; none where they do not."""
    return tuple(str(name) for name in facts_beside(model).get("classes", ()))


def foretold_beside(model: Path, layer: str, rows: int) -> np.ndarray:
    """(rows,) bool: which rows of an Embedding kgkt wrote from A, and nothing trained since: they teach nothing of B.

    Args:
        model: B's file.
        layer: path of the Embedding.
        rows: how many it has.
    """
    import numpy as np

    made = np.zeros(rows, bool)
    for first, many in facts_beside(model).get(FORETOLD, {}).get(layer, ()):
        made[first : first + many] = True
    return made


def foretold_as(layer: str, made: np.ndarray) -> dict[str, dict[str, list[list[int]]]]:
    """The facts that `foretold_beside` reads, of (rows,) bool.

    >>> import numpy as np
    >>> foretold_as("emb", np.array([False, True, True, False, True]))
    {'foretold': {'emb': [[1, 2], [4, 1]]}}
    """
    import numpy as np

    ends = np.flatnonzero(np.diff(made.astype(int), prepend=0, append=0)).reshape(-1, 2)
    return {FORETOLD: {layer: [[int(first), int(end - first)] for first, end in ends]}}


def foretold_in_words(model: Path, words: int, then: str) -> str:
    """What is said of a B that has such rows, of so many words; `then` is what becomes of them."""
    return (f"{model.name} got the rows of {count(words, 'word')} from kgkt, as {model.stem}.run.json says: nothing is "
            f"learned from them, and {then}")  # fmt: skip
