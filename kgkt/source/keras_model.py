"""A Keras model file as a source: some of its layers are read for every item of a pool."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kgkt.errors import UsageError
from kgkt.files import sha256_file
from kgkt.recipe import SourceSettings
from kgkt.source.arrays import Progress
from kgkt.source.contents import data_contents
from kgkt.source.describe import in_words, layers_in_words, model_fields
from kgkt.source.features import check_input, check_layers, extract
from kgkt.source.inputs import Data
from kgkt.source.layers import RULE, default_layers, pooled_width
from kgkt.source.models import input_shape, inspect_model, layer_by_name, open_model
from kgkt.source.pixels import check_pixels, prepare
from kgkt.source.quiet import keras
from kgkt.source.ranges import extent_of, scales_itself
from kgkt.source.safety import HDF5, read_head
from kgkt.source.source import Classifier, Look
from kgkt.values import Features

if TYPE_CHECKING:
    import numpy as np

    from kgkt.source.models import ModelInfo

IMPORTS_MB = 760.0  # resident after the imports (getrusage, Linux, TensorFlow 2.21)
BATCH = 256


class KerasModel:
    """A `.keras` file (or `.h5`, where that is allowed); see `kgkt.source.source.Source`.

    Args:
        settings: the recipe's [source].
    """

    has_model = True
    holds_words = False

    def __init__(self, settings: SourceSettings) -> None:
        assert settings.model is not None
        self.settings, self.path = settings, Path(settings.model)
        self.name = f"model {self.path.name}"

    def look(self) -> Look:
        """Its layers with their shapes, read from its config."""
        layers = self.settings.layers
        if self._is_legacy():
            if not layers:
                raise UsageError(f"{self.path} is HDF5, which is looked at only when it is opened: say which layers to "
                                 "read (--layers mid,emb)")
            fields: dict[str, Any] = {"kind": "model", "path": str(self.path), "architecture": "HDF5", "safe": False}
            text = "HDF5, looked at when it is opened   safe to open: only if you trust who made it"
            return Look(self.name, self.path, text, fields, None, None, dict.fromkeys(layers), IMPORTS_MB)
        info = inspect_model(self.path, self.settings.imports)
        chosen = "" if layers else self._choose(info)
        layers = layers or default_layers(info)
        for layer in layers:
            layer_by_name(info, layer)
        check_layers(self.path.name, layers)
        check_pixels(self.settings.pixels)
        widths = {layer: pooled_width(info.layers.get(layer)) for layer in layers}
        return Look(self.name, self.path, layers_in_words(info), model_fields(info), info.input_shape, None, widths,
                    IMPORTS_MB, chosen)  # fmt: skip

    def check(self, look: Look, data: Data) -> list[str]:
        """Refuse texts, and items of another shape; pixels of 0..255 are odd where nothing brings them to a range."""
        if look.input_shape is not None or data.kind == "text":
            check_input(self.name, look.input_shape, data)
        kinds = look.fields.get("kinds")
        if self.settings.pixels != "raw" or kinds is None or scales_itself(kinds):
            return []
        seen = extent_of(data.x)
        if seen is None or not seen.pictures or seen.pixels != "0..255":
            return []
        return [f"{self.path.name} has no layer that scales its inputs, and the pixels go from {seen.low:g} to "
                f"{seen.high:g}: if it was trained on 0..1 or -1..1, say --pixels 0..1 (or -1..1)"]

    def digests(self) -> dict[str, str]:
        """Of the file."""
        return {"model": sha256_file(self.path)}

    def held_ids(self) -> None:
        """None: it reads a pool."""

    def contents(self, data: Data) -> list[bytes]:
        """Of its inputs."""
        return data_contents(data)

    def reader(self, layers: Collection[str]) -> KerasModel:
        """Itself."""
        return self

    def extract(self, data: Data | None, out: Path, progress: Progress | None = None) -> Features:
        """Run the pool through A in batches."""
        assert data is not None
        model, layers = self._open(), tuple(self.look().widths)
        for layer in layers:
            layer_by_name(model, layer)
        return extract(
            model, layers, data, out, pixels=self.settings.pixels, progress=progress,
            source=self.path.name, model_sha256=sha256_file(self.path),
        )  # fmt: skip

    def untrained(self, data: Data, out: Path, layers: tuple[str, ...], seed: int = 0) -> Features:
        """The same layers of a copy of A with fresh weights."""
        trained, library = self._open(), keras()
        library.utils.set_random_seed(seed)
        fresh = library.models.clone_model(trained)
        return extract(fresh, layers, data, out, pixels=self.settings.pixels, source="untrained A")

    def classifier(self) -> Classifier:
        """A with its own head."""
        model = self._open()

        def batches(data: Data) -> Iterator[np.ndarray]:
            import numpy as np

            for start in range(0, len(data), BATCH):
                x = prepare(data.x[start : start + BATCH], self.settings.pixels, input_shape(model))
                yield np.asarray(model(x), np.float64)

        return Classifier(model, batches)

    def nodes(self, features: Features) -> list[dict[str, Any]]:
        """The file."""
        return [{"name": features.source or self.path.name, "role": "source", "framework": "keras",
                 "sha256": sha256_file(self.path)}]  # fmt: skip

    def _choose(self, info: ModelInfo) -> str:
        """The layers that are read where none is named, with their shapes, for the user.

        Raises:
            UsageError: there is no such layer.
        """
        layers = default_layers(info)
        if not layers:
            raise UsageError(f"{self.path} has no hidden layer whose shape its file tells: say which to read (--layers "
                             "mid,emb)")
        shown = " and ".join(f"{layer} {in_words(info.layers[layer])}" for layer in layers)
        return f"layers {shown} are read: {RULE} (--layers names others)"

    def _is_legacy(self) -> bool:
        return self.settings.allow_legacy and read_head(self.path).startswith(HDF5)

    def _open(self) -> Any:
        return open_model(self.path, self.settings.imports, self.settings.allow_legacy)
