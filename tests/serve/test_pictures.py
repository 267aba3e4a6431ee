"""Pictures of items as the page shows them, from files as people have them."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from kgkt.rundir.looks import Looks
from kgkt.serve.pictures import ACROSS, Pictures, sheet_of
from kgkt.source.thumbs import safe_name

Image = pytest.importorskip("PIL.Image")


@pytest.fixture
def pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pictures:
    """Of a pool that is a folder of files, with a folder of what `populate` kept."""
    (tmp_path / "pool").mkdir()
    (tmp_path / "kept").mkdir()
    held: Any = SimpleNamespace(made=0)
    found = Pictures(held)
    looks = Looks(tmp_path / "kept", tmp_path / "pool")
    monkeypatch.setattr(found, "_read", lambda draw=False: looks)
    return found


def save(place: Path, size: tuple[int, int], colour: Any = (200, 10, 10), mode: str = "RGB") -> None:
    Image.new(mode, size, colour).save(place)


def test_a_photograph_is_decoded_no_larger_than_it_is_shown(pictures: Pictures, tmp_path: Path) -> None:
    save(tmp_path / "pool/a.jpg", (4000, 3000))
    picture = pictures.image("a.jpg", 64)
    assert picture is not None
    assert 64 <= min(picture.size) <= 4000 / 8
    large = pictures.image("a.jpg", 1024)
    assert large is not None
    assert min(large.size) >= 1024


def test_what_is_transparent_is_white_and_grey_stays_grey(pictures: Pictures, tmp_path: Path) -> None:
    save(tmp_path / "pool/clear.png", (8, 8), (0, 0, 0, 0), "RGBA")
    save(tmp_path / "pool/grey.png", (8, 8), 77, "L")
    clear, grey = pictures.image("clear.png", 32), pictures.image("grey.png", 32)
    assert clear is not None
    assert clear.getpixel((3, 3)) == (255, 255, 255)
    assert grey is not None
    assert (grey.mode, grey.getpixel((3, 3))) == ("L", 77)


def test_a_file_that_broke_is_shown_as_populate_kept_it(pictures: Pictures, tmp_path: Path) -> None:
    (tmp_path / "pool/b.jpg").write_bytes(b"cut short")
    save(tmp_path / "kept" / safe_name("b.jpg"), (64, 64), (1, 2, 3))
    picture = pictures.image("b.jpg", 64)
    assert picture is not None
    assert picture.getpixel((0, 0)) == (1, 2, 3)
    assert pictures.image("c.jpg", 64) is None  # neither there


def test_a_sheet_fills_its_cells_without_cutting() -> None:
    wide, high = Image.new("RGB", (300, 100), "red"), Image.new("RGB", (4, 12), "blue")
    sheet = np.asarray(sheet_of([wide, None, high] + [None] * ACROSS, 30))
    assert sheet.shape == (60, 30 * ACROSS, 4)
    solid = sheet[..., 3] > 0
    assert [int(solid[:30, 30 * k : 30 * k + 30].sum()) for k in range(3)] == [300, 0, 300]
    assert solid[15, 0]
    assert not solid[5, 5]


def test_a_text_is_found_by_all_of_its_words(pictures: Pictures, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = ["plays a game of\nChess against gnuchess", "gnuchess, an engine", "a 🎲 game", "engine of the game gnuchess"]
    data: Any = SimpleNamespace(text=texts, ids=np.array(list("abcd")), x=None)
    monkeypatch.setattr(pictures, "_read", lambda draw=False: Looks(Path("none"), None, data))
    seen: Any = SimpleNamespace(rows={"a": 0, "b": 1, "c": 2, "d": 3})
    asked = {"of chess": [0, 3], "gnuchess": [0, 1, 3], "game gnuchess": [3, 0], "🎲": [2], texts[0].casefold(): [0], "x": []}
    assert {words: pictures.search(words, seen, 5) for words in asked} == asked
    assert pictures.search("game", seen, 2) == [0, 2]
