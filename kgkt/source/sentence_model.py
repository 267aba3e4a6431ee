"""A sentence model as a source: it reads texts, and gives one layer, `sentence`."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

from kgkt.errors import InputError
from kgkt.recipe import SourceSettings
from kgkt.source.arrays import Progress
from kgkt.source.contents import data_contents
from kgkt.source.inputs import Data
from kgkt.source.sentence_files import LAYER, digest_sentences, inspect_sentences
from kgkt.source.sentences import check_texts, extract_sentences, need_library
from kgkt.source.source import Classifier, Look
from kgkt.values import Features

IMPORTS_MB = 1100.0  # resident after the imports (getrusage, Linux, PyTorch 2.15)


class SentenceModel:
    """The folder of a sentence model; see `kgkt.source.source.Source`.

    Args:
        settings: the recipe's [source].
    """

    has_model = True
    holds_words = False

    def __init__(self, settings: SourceSettings) -> None:
        assert settings.model_path is not None
        self.settings, self.path = settings, settings.model_path

    def look(self) -> Look:
        """Its modules, its size, and how much of a text it reads."""
        need_library()
        info = inspect_sentences(self.path)
        reads = f"texts of up to {info.tokens} tokens" if info.tokens else "texts"
        text = (f"sentence model ({', '.join(info.modules)}), {info.n_weights:,} weights   {reads} to "
                f"{info.width or '?'} numbers   safe to open: yes")
        fields = {
            "kind": "model", "path": str(self.path), "architecture": "sentence model", "modules": list(info.modules),
            "weights": info.n_weights, "tokens": info.tokens, "layers": {LAYER: [info.width]}, "safe": True,
        }  # fmt: skip
        return Look(self.path.absolute().name, self.path, text, fields, None, None, {LAYER: info.width},
                    IMPORTS_MB + 8 * info.n_weights / 1e6)  # fmt: skip

    def check(self, look: Look, data: Data) -> list[str]:
        """Refuse what is not text, and layers that it does not have."""
        check_texts(self.path, data, self.settings.layers)
        return []

    def digests(self) -> dict[str, str]:
        """Of the files that make the model."""
        return {"model": digest_sentences(self.path)}

    def held_ids(self) -> None:
        """None: it reads a pool."""

    def contents(self, data: Data) -> list[bytes]:
        """Of its text."""
        return data_contents(data)

    def reader(self, layers: Collection[str]) -> SentenceModel:
        """Itself."""
        return self

    def extract(self, data: Data | None, out: Path, progress: Progress | None = None) -> Features:
        """The vector of every text."""
        assert data is not None
        return extract_sentences(self.path, data, out, progress)

    def untrained(self, data: Data, out: Path, layers: tuple[str, ...], seed: int = 0) -> Features:
        """The same with random weights in place of what the model learned."""
        return extract_sentences(self.path, data, out, seed=seed)

    def classifier(self) -> Classifier:
        """Refused: a sentence model has no classes."""
        raise InputError(f"{self.path} is a sentence model, which has no classes of its own: take classes out of "
                         "[source]")

    def nodes(self, features: Features) -> list[dict[str, Any]]:
        """The model, with how many numbers it learned."""
        info = inspect_sentences(self.path)
        return [{"name": features.source, "role": "source", "framework": "sentence-transformers",
                 "sha256": info.sha256, "n_weights": info.n_weights}]  # fmt: skip
