"""The examples of docs/python.md run as they stand, one after the other, in a folder with the files that they name."""

from __future__ import annotations

import csv
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kgkt.source.quiet import keras as import_keras

PAGE = Path(__file__).resolve().parents[2] / "docs" / "python.md"
SHOWN = re.compile(r"^(?P<code>.+?)\s{2,}# (?P<value>[('\[].*)$")  # an expression, and what it gives


@pytest.fixture
def folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model_a: Path, model_b: Path, pool_npz: Path, test_npz: Path,
    digits: Any,
) -> Path:  # fmt: skip
    for path in (model_a, model_b, pool_npz, test_npz):
        shutil.copy(path, tmp_path)
    with (tmp_path / "truth.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("item_id", "class"), *zip(digits.pool_ids, digits.pool_y, strict=True)])
    few = [(digits.pool_ids[i], digit) for digit in range(10) for i in np.flatnonzero(digits.pool_y == digit)[:3]]
    with (tmp_path / "labels.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("item_id", "class"), *few])
    (tmp_path / "words.txt").write_text("\n".join(["", "[UNK]", *digits.pool_ids[:50], "unheard"]))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.slow
def test_every_example_runs_and_gives_what_stands_beside_it(folder: Path, digits: Any) -> None:
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) >= 8
    keras = import_keras()
    translator = keras.Sequential([keras.Input((4,)), keras.layers.Embedding(60, 32), keras.layers.GRU(4)])
    space: dict[str, Any] = {
        "translator": translator, "vectors": digits.pool_x.reshape(600, -1), "ids": digits.pool_ids, "classes": digits.pool_y.astype(str),
    }  # fmt: skip
    checked = 0
    for block in blocks:
        exec(block, space)
        for line in block.splitlines():
            if shown := SHOWN.match(line):
                assert repr(eval(shown["code"], space)) == shown["value"]
                checked += 1
    assert checked >= 1
    run, fused = space["run"], space["fused"]
    assert space["done"].targets.P.shape == (600, 10)
    assert fused.out == Path("kgkt-run/main/fused.keras")
    assert (folder / fused.out).exists()
    assert 0 < fused.fusion.figures["test_fused"] < 1
    assert {row["method"] for row in space["report"].report["rows"]} >= {"kgkt", "head", "PT-MAP"}
    assert run.stages()["fuse"]["ran"]
    assert space["other"].graph == "vectors"
    assert {name: space["wrote"].figures[name] for name in ("covered", "unknown", "special")} == {
        "covered": 50, "unknown": 1, "special": 9}  # fmt: skip
    assert np.mean(space["spread"].transduction_ == digits.pool_y.astype(str)) > 0.7
