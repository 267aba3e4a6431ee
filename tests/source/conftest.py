from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from kgkt.recipe import SENTENCES, SourceSettings
from kgkt.source.choose import source_of
from kgkt.source.inputs import read_data
from tests.conftest import Once


@pytest.fixture(scope="session")
def sentence_features(once: Once, sentence_model: Path, texts_csv: Path) -> Path:
    """What the sentence model as a source gives for the texts: `f.parquet`, `untrained.parquet`, items seen in `seen`."""

    def fill(folder: Path) -> None:
        source, data, seen = source_of(SourceSettings(model=f"{SENTENCES}{sentence_model}")), read_data(texts_csv), []
        assert source is not None
        source.extract(data, folder / "f.parquet", seen.append)
        source.untrained(data, folder / "untrained.parquet", ("sentence",))
        (folder / "seen").write_text(str(sum(seen)))

    return once("sentence-features", fill)


@pytest.fixture
def repack(model_a: Path, tmp_path: Path) -> Callable[..., Path]:
    """Write model A's archive again with some members replaced, removed (None) or added."""

    def write(changes: dict[str, bytes | None] | None = None, edit: Callable[[dict], None] | None = None,
              name: str = "changed.keras") -> Path:
        with zipfile.ZipFile(model_a) as archive:
            members: dict[str, bytes | None] = {n: archive.read(n) for n in archive.namelist()}
        if edit:
            config = json.loads(members["config.json"] or b"")
            edit(config)
            members["config.json"] = json.dumps(config).encode()
        members |= changes or {}
        path = tmp_path / name
        with zipfile.ZipFile(path, "w") as archive:
            for member, content in members.items():
                if content is not None:
                    archive.writestr(member, content)
        return path

    return write
