"""Pixels of other ranges for A, for B and in the test set; words that B has never seen; chance level."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from kgkt.source.ranges import differ, extent_of, scales_itself
from tests.cli.conftest import Kgkt, cwd_into, kgkt_in, write_labels
from tests.conftest import Once


@pytest.fixture(scope="session")
def pictures_once(once: Once, populated_once: Path, digits: Any, truth: dict[str, str]) -> Path:
    """The populated folder, the pool once more as pictures of 0..255, a graph of these with 40 labels; not to be changed."""

    def fill(folder: Path) -> None:
        shutil.copytree(populated_once, folder, dirs_exist_ok=True)
        (folder / "pool").mkdir()
        for item, picture in zip(digits.pool_ids, digits.pool_x[..., 0], strict=True):
            Image.fromarray(np.round(picture * 255).astype(np.uint8)).save(folder / "pool" / f"{item}.png")
        told = ("--model", "a.keras", "--layers", "mid,emb", "--data", "pool", "--graph", "pictures")
        kgkt_in(folder, "populate", *told, "--pixels", "0..1")  # A is told that it wants 0..1
        rows = [(f"{item}.png", truth[item]) for item in list(truth)[:40]]
        kgkt_in(folder, "label", "--graph", "pictures", "--file", write_labels(folder / "few.csv", rows))

    return once("pictures", fill)


@pytest.fixture
def taught(pictures_once: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same folder, to work in."""
    shutil.copytree(pictures_once, tmp_path / "work")
    return cwd_into(monkeypatch, tmp_path / "work")


def fuse(kgkt: Kgkt, *more: object):
    return kgkt("fuse", "--graph", "pictures", "--target", "b.keras", "--out", "f.keras", "--test", "test.npz", "--no-map",
                "--format", "table", "--steps", 200, "--force", *more)  # fmt: skip


def test_b_is_given_the_range_that_a_was_told(taught: Path, kgkt: Kgkt) -> None:
    done = fuse(kgkt)
    assert done.code == 0
    assert float(done.out.split("B fused")[1].split("%")[0]) > 70
    assert "chance" not in done.out


def test_another_range_of_the_test_set_is_refused_with_both_and_how_to_mend_it(taught: Path, kgkt: Kgkt) -> None:
    refused = fuse(kgkt, "--target-pixels", "raw")
    assert refused.code == 3
    assert "uint8 from 0 to 255" in refused.err
    assert "float32 from 0 to 1" in refused.err
    assert "--target-pixels 0..1" in refused.err
    assert not (taught / "f.keras").exists()
    went_on = fuse(kgkt, "--target-pixels", "raw", "--allow-shift")
    assert went_on.code == 0
    assert "went on as it is" in went_on.err
    assert fuse(kgkt, "--target-pixels", "0.1").code == 2


def test_a_test_set_of_0_to_255_in_floats_is_refused_with_a_way_that_leads_out(taught: Path, kgkt: Kgkt, digits: Any) -> None:
    np.savez("test.npz", x=digits.test_x * 255, y=digits.test_y)
    refused = fuse(kgkt)
    assert (refused.code, "say --target-pixels raw, which leaves bytes as they are" in refused.err) == (3, True)
    told = fuse(kgkt, "--target-pixels", "0..1")
    assert (told.code, "--target-pixels 0..1 scales uint8 pixels; this data is float32 from 0 to 255" in told.err) == (3, True)
    assert "pass --target-pixels raw" in told.err
    assert fuse(kgkt, "--target-pixels", "raw").code == 0


def test_chance_level_is_said_as_such(taught: Path, kgkt: Kgkt, digits: Any) -> None:
    order = np.random.default_rng(0).permutation(len(digits.test_y))
    np.savez("test.npz", x=digits.test_x, y=digits.test_y[order])
    done = fuse(kgkt)
    assert "B alone is at chance level (10.0 %)" in done.out
    assert "B fused is at chance level (10.0 %): it learned nothing of this test set." in done.out
    assert "too close to tell" not in done.out


def test_a_that_scales_nothing_and_gets_bytes_is_told_the_flag(taught: Path, kgkt: Kgkt) -> None:
    told = ("--model", "a.keras", "--layers", "mid,emb", "--data", "pool", "--graph", "raw")
    said = "a.keras has no layer that scales its inputs, and the pixels go from 0 to 255"
    assert said in kgkt("check", *told, "--format", "table").out
    assert said in kgkt("populate", *told).err
    assert said not in kgkt("populate", *told, "--pixels", "0..1").err


def test_a_b_that_scales_its_inputs_gets_them_as_they_are(taught: Path, kgkt: Kgkt, digits: Any) -> None:
    from kgkt.source.quiet import keras

    keras = keras()
    b = keras.Sequential([
        keras.Input((8, 8, 1)), keras.layers.Rescaling(1 / 255), keras.layers.Flatten(),
        keras.layers.Dense(32, activation="relu"), keras.layers.Dense(10, activation="softmax"),
    ])  # fmt: skip
    b.save("b.keras")
    assert fuse(kgkt).code == 3  # bytes to be taught, 0..1 to be tested
    np.savez("test.npz", x=np.round(digits.test_x * 255).astype(np.uint8), y=digits.test_y)
    done = fuse(kgkt)
    assert float(done.out.split("B fused")[1].split("%")[0]) > 70


def test_evaluate_refuses_it_too(taught: Path, kgkt: Kgkt, truth: dict[str, str]) -> None:
    write_labels(taught / "truth.csv", [(f"{item}.png", name) for item, name in truth.items()])
    done = kgkt("evaluate", "--graph", "pictures", "--truth", "truth.csv", "--target", "b.keras", "--test", "test.npz",
                "--target-pixels", "raw", "--labels", 1, "--seeds", 1)  # fmt: skip
    assert (done.code, "different ranges" in done.err) == (3, True)


def test_words_that_b_has_never_seen(kgkt: Kgkt, home: Path) -> None:
    from kgkt.rundir.shift import share_known, unknown_words
    from kgkt.source.quiet import keras

    keras = keras()
    layer = keras.layers.TextVectorization(max_tokens=50, output_mode="multi_hot")
    layer.adapt(["the river flows", "a river of water"])
    b = keras.Sequential([keras.Input((), dtype="string"), layer, keras.layers.Dense(2, activation="softmax")])
    known, strange = np.array(["The river!", "water flows"], object), np.array(["kwyjibo zzz", "qux quux"], object)
    assert share_known(known, frozenset({"the", "river", "water", "flows"})) == 1
    assert unknown_words(b, ("pool.csv", known), ("test.csv", known)) == ""
    said = unknown_words(b, ("pool.csv", known), ("test.csv", strange))
    assert "knows next to nothing of test.csv" in said
    assert "test.csv   0 % of its words" in said


RNG = np.random.default_rng(0)
PICTURES = RNG.beta(0.5, 1.5, (200, 8, 8, 3))
ROWS = RNG.normal(size=(200, 30)) * np.linspace(0.1, 20, 30)


@pytest.mark.parametrize(("one", "other", "apart"), [
    (PICTURES, PICTURES[:50], False),
    (PICTURES, PICTURES * 2 - 1, True),
    (PICTURES, PICTURES * 255, True),
    (PICTURES, (PICTURES * 255).astype(np.uint8), True),
    ((PICTURES * 255).astype(np.uint8), (PICTURES * 255).astype(np.float32), False),
    (PICTURES * 16, PICTURES, True),
    (PICTURES, 1 - PICTURES, False),  # black on white: another look, the same range
    (ROWS, ROWS[:40] * 1.5, False),
    (ROWS, ROWS / 20, True),
    (ROWS, (ROWS - ROWS.mean(0)) / ROWS.std(0), True),  # standardised, where most columns were wider by far
    (ROWS, np.concatenate([ROWS[:, :20], ROWS[:, 20:] / 50], axis=1), False),  # a third of the columns
    (ROWS, ROWS[np.abs(ROWS[:, 3]) < 0.5], False),  # one class of many
    (np.zeros((20, 5)), np.zeros((20, 5)), False),
])  # fmt: skip
def test_ranges_that_cannot_be_one(one: np.ndarray, other: np.ndarray, apart: bool) -> None:
    assert differ(extent_of(one), extent_of(other)) is apart


@pytest.mark.parametrize(("kinds", "scales"), [
    (["InputLayer", "Rescaling", "Conv2D"], True), (["InputLayer", "Conv2D", "Rescaling"], False),
    (["InputLayer", "Functional", "Normalization"], True), (["InputLayer", "RandomFlip", "TrueDivide"], True), ([], False),
])  # fmt: skip
def test_layers_that_scale_inputs(kinds: list[str], scales: bool) -> None:
    assert scales_itself(kinds) is scales
