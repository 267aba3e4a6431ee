from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from kgkt.errors import InputError
from kgkt.source.inputs import Data, read_data
from kgkt.source.thumbs import safe_name, write_exemplars


def items(x, ids=None):
    ids = np.array([f"i{n:04d}" for n in range(len(x))] if ids is None else ids)
    return Data(ids, x, None, None, None, "array", "", [])


def pixels(path):
    with Image.open(path) as picture:
        return np.asarray(picture)


def test_digits_are_scaled_up_and_stretched(pool_npz, tmp_path):
    data = read_data(pool_npz)
    written = write_exemplars(data, np.array([4, 2, 4]), tmp_path / "ex")
    assert written == {2: "i0002.png", 4: "i0004.png"}
    shown = pixels(tmp_path / "ex" / "i0004.png")
    assert shown.shape == (64, 64)
    np.testing.assert_array_equal(shown[::8, ::8], np.round(data.x[4][..., 0] * 255))
    assert sorted(p.name for p in (tmp_path / "ex").iterdir()) == ["i0002.png", "i0004.png"]


def test_pixels_of_a_small_range_can_be_seen(tmp_path):
    x = np.zeros((2, 8, 8), np.uint8)
    x[1] = 16
    write_exemplars(items(x), np.arange(2), tmp_path)
    assert (pixels(tmp_path / "i0000.png").max(), pixels(tmp_path / "i0001.png").min()) == (0, 255)


def test_pixels_of_the_whole_range_stay(tmp_path):
    x = np.full((1, 30, 100, 3), (200, 100, 50), np.uint8)
    write_exemplars(items(x), np.array([0]), tmp_path)
    shown = pixels(tmp_path / "i0000.png")
    assert shown.shape == (90, 300, 3)
    assert shown[5, 5].tolist() == [200, 100, 50]


def test_large_pictures_are_made_small(tmp_path):
    write_exemplars(items(np.full((1, 512, 1024), 200, np.uint8)), np.array([0]), tmp_path)
    assert pixels(tmp_path / "i0000.png").shape == (256, 512)


def test_one_value_everywhere(tmp_path):
    write_exemplars(items(np.full((1, 8, 8), 0.5, np.float32)), np.array([0]), tmp_path)
    assert pixels(tmp_path / "i0000.png").max() == 0


@pytest.mark.parametrize("shape", [(3, 16), (3, 8, 8, 5), (3, 8, 1, 1), (3, 2, 2, 2, 3)])
def test_nothing_for_what_is_no_picture(tmp_path, shape):
    assert write_exemplars(items(np.zeros(shape, np.float32)), np.arange(3), tmp_path / "ex") == {}
    assert not (tmp_path / "ex").exists()


def test_pictures_of_a_folder(tmp_path):
    source = tmp_path / "source"
    for name in ("cat/a b.png", "dog/1.png"):
        (source / name).parent.mkdir(parents=True)
        Image.new("RGB", (10, 10), "red").save(source / name)
    written = write_exemplars(read_data(source), np.arange(2), tmp_path / "ex")
    assert pixels(tmp_path / "ex" / written[0])[0, 0].tolist() == [255, 0, 0]
    assert len(set(written.values())) == 2


@pytest.mark.parametrize("item_id", ["../../up", "/etc/hosts", "..", "a\nb", "x" * 900, "C:\\con", "😀", ".git", "A b"])
def test_names_are_safe(tmp_path, item_id):
    name = safe_name(item_id)
    assert (tmp_path / name).parent == tmp_path
    assert len(name) < 110
    assert not name.startswith(".")
    assert name == safe_name(item_id)
    assert set(name) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")


def test_names_do_not_meet():
    ids = ["a b", "a_b", "a/b", "A_b", "a_b.png", "😀", "😃"]
    assert len({safe_name(i).lower() for i in ids}) == len(ids)


def test_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="file cannot be written: File exists"):
        write_exemplars(items(np.zeros((1, 8, 8))), np.array([0]), tmp_path / "file")
