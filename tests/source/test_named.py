"""Data of several arrays, for a model with several inputs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kgkt.errors import InputError
from kgkt.source.inputs import TEST
from kgkt.source.named import read_named

INPUTS = {"image": False, "words": True}
IMAGE, WORDS = np.arange(12.0).reshape(3, 4), np.array(["a b", "", "c"])


def save(folder: Path, **arrays: Any) -> Path:
    np.savez(folder / "view.npz", **arrays)
    return folder / "view.npz"


def test_each_input_has_its_array(tmp_path: Path) -> None:
    read = read_named(save(tmp_path, image=IMAGE, words=WORDS, item_id=[7, 8, 9], y=[1, 0, 1], other=[0]), INPUTS, TEST)
    assert list(read) == ["image", "words"]
    image, words = read.values()
    assert (image.ids.tolist(), image.y.tolist(), image.x.dtype) == (["7", "8", "9"], ["1", "0", "1"], np.float32)
    assert (words.x.tolist(), words.x.dtype, words.kind) == (["a b", "", "c"], object, "text")
    assert image.notices == [f"test data {tmp_path / 'view.npz'}: image: cast from float64 to float32"]


def test_items_with_nan_are_refused_or_dropped_from_all(tmp_path: Path) -> None:
    bad = np.where(IMAGE == 5, np.nan, IMAGE)
    path = save(tmp_path, image=bad, words=WORDS, item_id=["p", "q", "r"])
    with pytest.raises(InputError, match=r"image: NaN.* in 1 of 3 rows, first in row 1 \(item_id q\)"):
        read_named(path, INPUTS)
    read = read_named(path, INPUTS, drop_bad=True)
    assert read["words"].x.tolist() == ["a b", "c"]
    assert read["image"].ids.tolist() == ["p", "r"]


@pytest.mark.parametrize(("arrays", "says"), [
    ({"imag": IMAGE, "words": WORDS}, r"has no array image.*imag.*the model reads image, words: save it with np\.savez"),
    ({"image": IMAGE, "words": WORDS[:2]}, r"as many rows, and one at least, received image 3, words 2"),
    ({"image": IMAGE[:0], "words": WORDS[:0]}, "received image 0, words 0"),
    ({"image": IMAGE, "words": IMAGE}, "words: the model reads texts here, received dtype float64"),
    ({"image": WORDS, "words": WORDS}, "image: the model reads numbers here, received dtype <U3"),
    ({"image": IMAGE, "words": WORDS, "item_id": [1, 1, 2]}, "item_id '1' stands in rows 0 and 1"),
    ({"image": IMAGE * np.nan, "words": WORDS}, "NaN"),
])  # fmt: skip
def test_arrays_that_cannot_be_used(tmp_path: Path, arrays: dict[str, Any], says: str) -> None:
    with pytest.raises(InputError, match=says):
        read_named(save(tmp_path, **arrays), INPUTS)


def test_files_that_cannot_be_used(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is not there"):
        read_named(tmp_path / "gone.npz", INPUTS)
    (tmp_path / "x.npy").write_bytes(b"1")
    with pytest.raises(InputError, match=r"a model with several inputs \(image, words\) reads an array for each"):
        read_named(tmp_path / "x.npy", INPUTS)
    with pytest.raises(InputError, match=r"test data .* has no y: .*words=\.\.\., y=\.\.\.\)"):
        read_named(save(tmp_path, image=IMAGE, words=WORDS), INPUTS, TEST)
