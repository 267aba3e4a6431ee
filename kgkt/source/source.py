"""The protocol of a source: whatever A is, it is looked at, digested and read in the same way.

`kgkt.source.choose` picks the kind, and is the one place that does. Each kind is a module of its own:
`keras_model`, `sentence_model`, `features_file`, `word_vectors`, and `several` of these side by side.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from kgkt.source.arrays import Progress
from kgkt.source.inputs import Data
from kgkt.source.model_config import Shape
from kgkt.values import Features

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True, slots=True)
class Look:
    """What a source says of itself before anything heavy is imported.

    Args:
        name: what messages call it.
        path: of its file or folder.
        text: in words, for `check`.
        fields: the same for programs; "kind" says what it is.
        input_shape: of one item that it reads, without the batch axis; None where unknown, for texts and features.
        items: how many it holds itself; None where a pool brings them.
        widths: layer that would be read -> numbers an item; None where the file does not tell.
        memory_mb: what its libraries and weights hold once they are there.
        chosen: which layers are read and why, where the user named none; "" where they were named.
        parts: what each of several sources says of itself; empty where there is one.
    """

    name: str
    path: Path
    text: str
    fields: dict[str, Any]
    input_shape: Shape | None
    items: int | None
    widths: dict[str, int | None]
    memory_mb: float
    chosen: str = ""
    parts: tuple[Look, ...] = ()


@dataclass(frozen=True, slots=True)
class Classifier:
    """A as a classifier, for comparison with plain distillation.

    Args:
        model: the open Keras model.
        batches: its outputs (b, outputs) for the items of a pool, in order.
    """

    model: Any
    batches: Callable[[Data], Iterator[np.ndarray]]


class Source(Protocol):
    """Where A's features come from.

    Args:
        has_model: whether A itself is here, and can be run and copied.
        holds_words: whether its items are words, which it holds itself and can look up.
    """

    has_model: bool
    holds_words: bool

    def look(self) -> Look:
        """Refuse what cannot be used, and describe the rest; nothing heavy is imported.

        Raises:
            InputError: missing, damaged, a layer that is not there, a library that is not installed.
            UnsafeError: it could run code.
            UsageError: a setting that the user left out or that there is not.
        """
        ...

    def check(self, look: Look, data: Data) -> list[str]:
        """Refuse a pool that A cannot read, before any work; what is odd about it is returned, a line each.

        Raises:
            InputError: with what A reads and what the data holds.
        """
        ...

    def digests(self) -> dict[str, str]:
        """Name of each file (or folder) that A is -> digest of its content; "model…" can be run, "features…" not."""
        ...

    def held_ids(self) -> np.ndarray | None:
        """(n,) ids of the items where the source holds them itself; None where it reads a pool."""
        ...

    def contents(self, data: Data) -> list[bytes] | None:
        """The digest of what A reads of each item; None where it reads none: then its features stand for an item."""
        ...

    def reader(self, layers: Collection[str]) -> Source:
        """The source as it reads new items, of which these layers are wanted.

        Raises:
            UsageError: one of them comes from a file, and what made it is not here.
        """
        ...

    def extract(self, data: Data | None, out: Path, progress: Progress | None = None) -> Features:
        """Write the features of every item; `out` stays as it was if anything fails.

        Args:
            data: the pool; None where the source holds the items itself.
            out: the features file.
            progress: called with how many more items are done.

        Raises:
            InputError: data that A cannot take, values that are not finite.
        """
        ...

    def untrained(self, data: Data, out: Path, layers: tuple[str, ...], seed: int = 0) -> Features:
        """The same features from a copy of A with fresh random weights of a seed; only where `has_model`."""
        ...

    def classifier(self) -> Classifier:
        """A with its own outputs; only where `has_model`.

        Raises:
            InputError: it has no classes.
        """
        ...

    def nodes(self, features: Features) -> list[dict[str, Any]]:
        """What A's Model node says: name, role, framework, sha256, and n_weights where known; one for each source."""
        ...
