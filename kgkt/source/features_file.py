"""Features made elsewhere as a source: there is no A to run, and no pool to run it on."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kgkt.errors import UsageError, count
from kgkt.files import digest_path, sha256_file
from kgkt.recipe import SourceSettings
from kgkt.source.arrays import Progress
from kgkt.source.imported import import_features, peek_features, peek_ids
from kgkt.source.inputs import Data
from kgkt.source.source import Classifier, Look, Source
from kgkt.values import Features

if TYPE_CHECKING:
    import numpy as np

IMPORTS_MB = 230.0  # resident after the imports (getrusage, Linux)


class FeaturesFile:
    """A file of features; see `kgkt.source.source.Source`.

    Args:
        settings: the recipe's [source].
    """

    has_model = False
    holds_words = False

    def __init__(self, settings: SourceSettings) -> None:
        assert settings.features is not None
        self.settings, self.path = settings, Path(settings.features)

    def look(self) -> Look:
        """How many items it holds, and the width of each layer."""
        n, widths = peek_features(self.path, self.settings.layers, self.settings.id_column, self.settings.columns)
        text = f"{count(n, 'item')}, " + " + ".join(f"{layer} {d}" for layer, d in widths.items())
        fields = {"kind": "features", "path": str(self.path), "items": n, "layers": widths}
        return Look(self.path.name, self.path, text, fields, None, n, dict(widths), IMPORTS_MB)

    def check(self, look: Look, data: Data) -> list[str]:
        """Nothing: data beside features is what people, and B, see of the items; it is matched by their ids."""
        return []

    def digests(self) -> dict[str, str]:
        """Of the file."""
        return {"features": digest_path(self.path)}

    def held_ids(self) -> np.ndarray:
        """Of its rows."""
        return peek_ids(self.path, self.settings.layers, self.settings.id_column, self.settings.columns)

    def contents(self, data: Data) -> None:
        """None: it does not look at data."""

    def reader(self, layers: Collection[str]) -> Source:
        """Refused: what would read new items is not here."""
        raise UsageError(f"this graph was made from features ({self.path.name}), and A is not known: give --features "
                         "of the new items")

    def extract(self, data: Data | None, out: Path, progress: Progress | None = None) -> Features:
        """Bring the features in, checked and as float32."""
        settings = self.settings
        return import_features(
            self.path, out, settings.layers, settings.drop_bad, progress, settings.id_column, settings.columns
        )

    def untrained(self, data: Data, out: Path, layers: tuple[str, ...], seed: int = 0) -> Features:
        """Refused: what made the features is not here."""
        raise UsageError(f"{self.path} holds features, the model that made them is not here: give --model")

    def classifier(self) -> Classifier:
        """Refused, for the same reason."""
        raise UsageError(f"{self.path} holds features, the model that made them is not here: give --model")

    def nodes(self, features: Features) -> list[dict[str, Any]]:
        """The file in A's place."""
        name = features.source or self.path.name
        return [{"name": name, "role": "source", "framework": "file", "sha256": sha256_file(self.path)}]
