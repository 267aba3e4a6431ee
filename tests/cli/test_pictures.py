"""Folders of pictures of several sizes: brought to what A and B read, by themselves where that is fixed."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from kgkt.files import read_json
from kgkt.source.quiet import keras as quiet_keras
from tests.cli.conftest import Kgkt, write_labels


def save(folder: Path, x: np.ndarray, names: list[str]) -> None:
    """Every third picture twice as large, every fifth twice as wide."""
    for number, (values, name) in enumerate(zip(x, names, strict=True)):
        picture = Image.fromarray(np.round(values[..., 0] * 255).astype(np.uint8))
        wide, high = 2 if number % 3 == 0 or number % 5 == 0 else 1, 2 if number % 3 == 0 else 1
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        picture.resize((8 * wide, 8 * high), Image.Resampling.NEAREST).save(path)


@pytest.fixture
def pictures(home: Path, digits: Any, model_a: Path) -> Path:
    """120 pictures, 40 labelled test pictures in folders of their classes, A (8 x 8) and B (12 x 12)."""
    from kgkt.source.quiet import keras

    save(home / "pool", digits.pool_x[:120], [f"{i}.png" for i in digits.pool_ids[:120]])
    save(home / "test", digits.test_x[:40], [f"{y}/{i}.png" for i, y in enumerate(digits.test_y[:40])])
    shutil.copy(model_a, home)
    layers = keras().layers
    keras().Sequential([keras().Input((12, 12, 1)), layers.Rescaling(1 / 255), layers.Flatten(), layers.Dense(32, "relu"),
                        layers.Dense(10, "softmax")]).save(home / "b.keras")
    keras().Sequential([keras().Input((None, None, 1)), layers.Conv2D(8, 3, name="seen"), layers.GlobalAveragePooling2D(name="emb"),
                        layers.Dense(10)]).save(home / "open.keras")
    write_labels(home / "labels.csv", [(f"{i}.png", str(y)) for i, y in zip(digits.pool_ids[:40], digits.pool_y[:40], strict=True)])
    return home


POPULATE = ("populate", "--model", "a.keras", "--layers", "emb", "--data", "pool", "--pixels", "0..1")
ODD = sum(i % 3 == 0 or i % 5 == 0 for i in range(120))


def test_pictures_are_brought_to_what_a_and_b_read(pictures: Path, kgkt: Kgkt) -> None:
    looked = kgkt("check", "--model", "a.keras", "--data", "pool", "--target", "b.keras", "--format", "table")
    assert (looked.code, looked.err) == (0, "")
    assert f"120 items, 8x8x1 uint8   0 bad rows; {ODD} of 120 pictures of pool are brought to 8 x 8" in looked.out
    done = kgkt(*POPULATE)
    assert done.code == 0, done.err
    assert done.json["items"] == 120
    assert f"{ODD} of 120 pictures of pool are brought to 8 x 8" in done.err
    assert kgkt("label", "--file", "labels.csv").json["labels"] == 40
    assert kgkt("propagate").code == kgkt("map", "--target", "b.keras").code == 0
    fused = kgkt("fuse", "--target", "b.keras", "--out", "f.keras", "--test", "test", "--steps", 300)
    assert fused.code == 0, fused.err
    assert f"120 of 120 pictures of {pictures}/pool are brought to 12 x 12" in fused.err
    assert "40 of 40 pictures of test are brought to 12 x 12" in fused.err
    assert fused.json["figures"]["test_fused"] > 0.5  # a tenth by chance
    assert kgkt("export", "--points", "points.parquet").code == 0
    wrong = kgkt(*POPULATE, "--size", "9x9")
    assert (wrong.code, wrong.err) == (
        3, "kgkt: model a.keras reads pictures of 8 x 8, asked for are 9 x 9: leave the size out, they are brought to what "
           "the model reads\n")  # fmt: skip


def test_broken_pictures_are_dropped_on_request(pictures: Path, kgkt: Kgkt) -> None:
    cut, none = pictures / "pool" / "i0007.png", pictures / "pool" / "i0030.png"
    cut.write_bytes(cut.read_bytes()[:60])
    none.write_text("no picture")
    refused = kgkt(*POPULATE)
    assert (refused.code, "i0030.png is no picture" in refused.err, "--drop-bad" in refused.err) == (3, True, True)
    done = kgkt(*POPULATE, "--drop-bad")
    assert (done.code, done.json["items"]) == (0, 118), done.err
    assert "pool pool: 2 of 120 pictures dropped that cannot be read, first i0007.png\n" in done.err
    (pictures / "kgkt.toml").write_text('[source]\ndata = "pool"\ndrop_bad = true\n')
    looked = kgkt("check", "--model", "a.keras")
    (pool,) = (fact for fact in looked.json["facts"] if fact["kind"] == "data")
    assert (looked.code, pool["items"]) == (0, 118), looked.err
    assert kgkt("label", "--file", "labels.csv").code == 3  # two of its items are not in the pool
    write_labels(Path("l.csv"), [(f"i{i:04d}.png", str(i % 2)) for i in (0, 1, 2, 3)])
    assert kgkt("label", "--file", "l.csv").code == kgkt("propagate").code == 0
    two = quiet_keras().layers
    quiet_keras().Sequential([quiet_keras().Input((12, 12, 1)), two.Flatten(), two.Dense(2, "softmax")]).save("b2.keras")
    fused = kgkt("fuse", "--target", "b2.keras", "--out", "f.keras", "--steps", 5)
    assert fused.code == 0, fused.err


def test_where_the_input_is_open_the_size_is_asked_for(pictures: Path, kgkt: Kgkt) -> None:
    command = ("populate", "--model", "open.keras", "--layers", "emb", "--data", "pool")
    for refused in (kgkt(*command), kgkt("check", *command[1:])):
        assert refused.code == 3
        assert "is 8 x 8, i0000.png is 16 x 16: give --size HEIGHTxWIDTH to bring them to one size" in refused.err
    assert not Path("kgkt-run").exists()
    done = kgkt(*command, "--size", "10x8")
    assert done.code == 0, done.err
    assert "120 of 120 pictures of pool are brought to 10 x 8" in done.err
    assert read_json(Path("kgkt-run/main/run.json"))["stages"]["populate"]["settings"]["size"] == [10, 8]
    Path("kgkt.toml").write_text(
        '[source]\nmodel = "open.keras"\nlayers = ["emb"]\ndata = "pool"\nsize = [10, 8]\n[teach]\nlabels = "labels.csv"\n')
    assert kgkt("run").json["stages"]["populate"] == "fresh"
    Path("kgkt.toml").write_text(Path("kgkt.toml").read_text().replace("[10, 8]", "[8, 8]"))
    assert kgkt("check").json["stale"]["populate"] == ["source settings"]
    assert kgkt("export", "--points", "points.parquet").code == 0


@pytest.mark.parametrize("size", ["8", "8x", "0x8", "8 x 8", "ax8", "-8x8"])
def test_a_size_that_is_none(home: Path, kgkt: Kgkt, size: str) -> None:
    done = kgkt("populate", f"--size={size}")
    assert (done.code, done.err) == (2, f"kgkt: --size {size!r}: write HEIGHTxWIDTH in pixels, e.g. 64x48\n")


@pytest.mark.parametrize("size", ["8", "[8]", "[8, 0]", "[8.0, 8]", "'8x8'", "[true, 8]"])
def test_a_size_that_is_none_in_a_recipe(home: Path, kgkt: Kgkt, size: str) -> None:
    Path("kgkt.toml").write_text(f"[source]\nsize = {size}\n")
    done = kgkt("check")
    assert done.code == 3
    assert "source.size must be two whole numbers, [height, width], received " in done.err
