from __future__ import annotations

import pickle

import numpy as np
import pytest
from PIL import Image

from kgkt.errors import InputError
from kgkt.source import images
from kgkt.source.inputs import read_data, read_test


@pytest.fixture
def folder(tmp_path):
    """Six grey pictures of 8 x 9 in two subfolders, and a text file beside them."""
    root = tmp_path / "pictures"
    for number in range(6):
        file = root / ("cat" if number % 2 else "dog") / f"{number}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((8, 9), number * 10, np.uint8)).save(file)
    (root / "notes.txt").write_text("no picture")
    return root


def test_a_folder_of_pictures(folder):
    data = read_data(folder)
    assert data.ids.tolist() == ["cat/1.png", "cat/3.png", "cat/5.png", "dog/0.png", "dog/2.png", "dog/4.png"]
    assert (data.x.shape, data.x.dtype, data.kind, data.y) == ((6, 8, 9, 1), np.uint8, "images", None)
    assert data.x[np.array([5, 0])][:, 0, 0, 0].tolist() == [40, 10]
    assert data.x[1:3].shape == (2, 8, 9, 1)
    assert data.x[np.array([[5, 0, 1], [2, 3, 4]])][..., 0, 0, 0].tolist() == [[40, 10, 30], [50, 0, 20]]
    assert data.x[np.array([], int)].shape == (0, 8, 9, 1)
    assert data.uris[0] == str(folder / "cat" / "1.png")
    assert read_data(folder, folder_labels=True).y.tolist() == ["cat"] * 3 + ["dog"] * 3
    assert read_test(folder).y[0] == "cat"


def test_the_digest_follows_names_and_content(folder):
    before = read_data(folder).digest
    assert read_data(folder).digest == before
    Image.fromarray(np.zeros((8, 9), np.uint8)).save(folder / "cat" / "1.png")
    changed = read_data(folder).digest
    assert changed != before
    (folder / "cat" / "1.png").rename(folder / "cat" / "7.png")
    assert read_data(folder).digest not in (before, changed)


def test_sizes_of_pictures(folder):
    Image.fromarray(np.zeros((4, 4), np.uint8)).save(folder / "dog" / "9.png")
    with pytest.raises(InputError, match=r"9\.png is 4 x 4, 1\.png is 8 x 9: give --size"):
        read_data(folder)
    data = read_data(folder, size=(16, 12))
    assert np.asarray(data.x).shape == (7, 16, 12, 1)
    assert data.x[0].min() == data.x[0].max() == 10


def test_colour_transparency_and_jpeg(tmp_path):
    clear = np.zeros((6, 6, 4), np.uint8)
    clear[:3] = (200, 0, 0, 255)
    Image.fromarray(clear).save(tmp_path / "a.png")
    Image.fromarray(np.full((6, 6), 90, np.uint8)).save(tmp_path / "b.JPG")
    data = read_data(tmp_path)
    assert data.x.shape == (2, 6, 6, 3)
    assert data.x[0][0, 0].tolist() == [200, 0, 0]
    assert data.x[0][5, 0].tolist() == [255, 255, 255]
    assert data.x[1][0, 0].tolist() == [90, 90, 90]


def test_pictures_that_cannot_be_used(folder):
    (folder / "empty").mkdir()
    with pytest.raises(InputError, match=r"holds no picture \(\.png, \.jpg, \.jpeg\)"):
        read_data(folder / "empty")
    wide = folder / "cat" / "0.png"
    Image.fromarray(np.zeros((8, 9), np.uint16)).save(wide)
    with pytest.raises(InputError, match=r"0\.png has pixels of mode I;16, not 8 bits"):
        read_data(folder)
    wide.write_bytes(b"no picture")
    with pytest.raises(InputError, match=r"0\.png is no picture that can be read .*: take it out, or pass --drop-bad"):
        read_data(folder)
    Image.new("L", (9000, 9000)).save(wide)
    with pytest.raises(InputError, match=r"0\.png has 9000 x 9000 pixels, more than 50,000,000"):
        read_data(folder)
    wide.unlink()
    (folder / "8.png").write_bytes((folder / "cat" / "1.png").read_bytes())
    with pytest.raises(InputError, match=r"8\.png lies in no subfolder"):
        read_data(folder, folder_labels=True)


def test_a_picture_cut_short_is_named_when_it_is_read(folder):
    rng = np.random.default_rng(0)
    file = folder / "dog" / "0.png"
    Image.fromarray(rng.integers(0, 255, (8, 9), np.uint8)).save(file)
    file.write_bytes(file.read_bytes()[:70])
    with pytest.raises(InputError, match=r"dog/0\.png cannot be decoded .*: take it out, or pass --drop-bad"):
        np.asarray(read_data(folder).x)


def test_broken_pictures_are_dropped_on_request(folder):
    rng = np.random.default_rng(0)
    for name in ("dog/0.png", "cat/7.jpg"):
        Image.fromarray(rng.integers(0, 255, (8, 9), np.uint8)).save(folder / name)
        (folder / name).write_bytes((folder / name).read_bytes()[:-50])
    assert read_data(folder).x.shape == (7, 8, 9, 1)  # their headers are whole
    (folder / "dog" / "1.png").write_bytes(b"no picture")
    data = read_data(folder, drop_bad=True)
    assert data.ids.tolist() == ["cat/1.png", "cat/3.png", "cat/5.png", "dog/2.png", "dog/4.png"]
    assert np.asarray(data.x)[:, 0, 0, 0].tolist() == [10, 30, 50, 20, 40]
    assert data.notices == [f"pool {folder}: 3 of 8 pictures dropped that cannot be read, first cat/7.jpg"]
    for name in data.ids:
        (folder / name).write_bytes(b"")
    with pytest.raises(InputError, match="holds no picture that can be read: 8 are broken"):
        read_data(folder, drop_bad=True)


def test_a_picture_that_is_read_twice_is_kept_as_far_as_memory_was_given(folder, monkeypatch):
    whole, few = read_data(folder).x, read_data(folder).x
    first = np.asarray(whole)
    assert len(whole._held) == 0  # read once, as A reads them
    np.testing.assert_array_equal(whole[:4], first[:4])
    elsewhere = pickle.loads(pickle.dumps(whole))
    assert (len(whole._held), len(elsewhere._held), elsewhere.shape) == (4, 0, whole.shape)
    np.testing.assert_array_equal(elsewhere[:4], first[:4])
    monkeypatch.setattr(images, "HELD_BYTES", 2 * 8 * 9 + 1)
    for _ in range(3):
        np.testing.assert_array_equal(few[np.array([[5, 0], [1, 5]])], first[np.array([[5, 0], [1, 5]])])
    for file in folder.rglob("*.png"):
        file.unlink()
    np.testing.assert_array_equal(whole[np.array([3, 0, 1])], first[[3, 0, 1]])
    whole[2][:] = 99  # what is given away is the reader's own
    np.testing.assert_array_equal(whole[2], first[2])
    with pytest.raises(InputError, match=r"dog/2\.png cannot be decoded"):
        whole[4]
    np.testing.assert_array_equal(few[np.array([5, 0])], first[[5, 0]])
    with pytest.raises(InputError, match=r"cat/3\.png cannot be decoded"):  # the third has no room
        few[1]
