"""Pictures that people send: what is taken, how it is decoded, what lies near it."""

from __future__ import annotations

import io
import json
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from kgkt.errors import InputError
from kgkt.serve.kinds import Refused
from kgkt.serve.similar import refuse_pictures
from kgkt.serve.uploads import LARGEST, as_pool, decode, kind_of_picture
from tests.serve.jobs import wait


def file_of(pixels: np.ndarray, kind: str, **settings: Any) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, kind, **settings)
    return out.getvalue()


def bomb(side: int) -> bytes:
    """A small PNG that says it has side x side pixels, and has the data for them."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    packer = zlib.compressobj(9)
    row = bytes(1 + side // 8)
    data = b"".join([*(packer.compress(row) for _ in range(side)), packer.flush()])
    head = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "BMP", "GIF"])
def test_five_kinds_are_taken_by_their_first_bytes(kind):
    raw = file_of(np.full((12, 10, 3), 200, np.uint8), kind)
    assert kind_of_picture(raw) == kind
    assert decode(raw).size == (10, 12)


@pytest.mark.parametrize(("raw", "status"), [
    (b"", 422), (b"hello", 422), (b"<svg xmlns='http://www.w3.org/2000/svg'/>", 422), (b"%PDF-1.7", 422),
    (b"II*\x00" + bytes(100), 422), (b"\x89PNG\r\n\x1a\n" + bytes(LARGEST), 413),
])  # fmt: skip
def test_nothing_else_is(raw, status):
    with pytest.raises(Refused) as refused:
        kind_of_picture(raw)
    assert refused.value.status == status


@pytest.mark.parametrize(("raw", "message"), [
    (bomb(16_000), "too many pixels"), (bomb(8_000), "more than 50,000,000"), (b"\x89PNG\r\n\x1a\n" + bytes(40), "cannot be decoded"),
    (file_of(np.zeros((64, 64, 3), np.uint8), "PNG")[:-40], "cannot be decoded"),
    (b"GIF89a" + bytes(3), "cannot be decoded"), (b"BM" + bytes(60), "cannot be decoded"),
    (file_of(np.zeros((8, 8), np.uint16), "PNG"), "not 8 bits a channel"),
])  # fmt: skip
def test_a_bomb_or_a_broken_picture_is_refused(raw, message):
    assert len(raw) < 1 << 20
    with pytest.raises(InputError, match=message):
        decode(raw)


def test_it_becomes_what_the_pools_pictures_are():
    picture = decode(file_of(np.tile(np.linspace(0, 255, 32).astype(np.uint8), (32, 1)), "PNG"))
    floats = as_pool(picture, (8, 8, 1), np.array([0.0, 0.9], np.float32))
    assert (floats.shape, floats.dtype) == ((8, 8, 1), np.float32)
    assert 0 <= floats.min() < 0.1 < 0.9 < floats.max() <= 1
    signed = as_pool(picture, (8, 8), np.array([-1.0, 0.9], np.float32))
    np.testing.assert_allclose(signed, 2 * floats[..., 0] - 1, atol=1e-6)
    colour = as_pool(picture, (8, 8, 3), np.array([3, 250], np.uint8))
    assert colour.dtype == np.uint8
    np.testing.assert_array_equal(colour[..., 0], np.round(255 * floats[..., 0]))
    sixteen = as_pool(picture, (8, 8), np.array([0, 16], np.uint8))
    assert sixteen.max() == round(16 * float(floats.max()))
    clear = Image.new("RGBA", (8, 8), (0, 0, 0, 0))
    assert as_pool(clear, (8, 8), np.array([0, 255], np.uint8)).min() == 255  # what is transparent is white


def test_an_item_of_the_pool_is_nearest_to_its_own_picture(taught_client, digits):
    def send(raw: bytes, kind: str = "image/png", graph: str = "main") -> Any:
        return taught_client.post(f"/api/graphs/{graph}/similar?n=5", content=raw, headers={"Content-Type": kind})

    pixels = np.round(255 * digits.pool_x[7, ..., 0]).astype(np.uint8)
    big = Image.fromarray(pixels).resize((64, 64), Image.Resampling.NEAREST)
    begun = send(file_of(np.asarray(big), "PNG"))
    assert begun.status_code == 200, begun.text
    done = wait(taught_client, begun.json()["job"])
    items = done["result"]["items"]
    assert [len(items), items[0]["item"]] == [5, "i0007"]
    assert items[0]["cosine"] > 0.99  # though it was sent enlarged
    cosines = [item["cosine"] for item in items]
    assert cosines == sorted(cosines, reverse=True)
    assert items[0]["concept"] in [concept["number"] for concept in done["result"]["concepts"]]
    assert done["result"]["far"] is False
    assert taught_client.held.jobs.get(begun.json()["job"]).upload == b""
    for raw, kind, graph, status in ((b"hello", "image/png", "main", 422), (pixels.tobytes(), "application/json", "main", 415),
                                     (file_of(pixels, "PNG"), "image/png", "mian", 404)):
        assert send(raw, kind, graph).status_code == status


def test_a_graph_of_features_alone_says_that_it_reads_no_picture(taught_once, tmp_path):
    from kgkt.recipe import Recipe
    from kgkt.rundir.folder import RunDir

    state = json.loads((taught_once / "kgkt-run" / "main" / "run.json").read_text(encoding="utf-8"))
    for kind, message in (("features", "made from features alone"), ("text", "are texts"), ("words", "are words")):
        state["stages"]["populate"]["settings"]["kind"] = kind
        run = RunDir(tmp_path, kind)
        Path(run.folder).mkdir()
        run.write_state(state)
        with pytest.raises(InputError, match=message):
            refuse_pictures(Recipe(), run)
