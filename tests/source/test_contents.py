"""What an item holds: the same under another id and in another place, another where one number differs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from kgkt.proof.view import write_arrays
from kgkt.source.contents import BYTES, data_contents, feature_contents, take
from kgkt.source.inputs import Data, read_data


def pool_of(kind: str, folder: Path, order: list[int]) -> Data:
    """Twelve items, in an order, in one of the forms of a pool."""
    rng = np.random.default_rng(0)
    values = rng.integers(0, 255, size=(12, 6, 5), dtype=np.uint8)
    ids = [f"n{i}" for i in order]
    path = folder / f"{kind}{order[0]}"
    if kind == "folder":
        path.mkdir()
        for place, i in enumerate(order):
            Image.fromarray(values[i]).save(path / f"{place:02d}-{i}.png")
        return read_data(path)
    if kind == "csv":
        path = path.with_suffix(".csv")
        path.write_text("item_id,text\n" + "".join(f"{name},words {i} é\n" for name, i in zip(ids, order, strict=True)))
    elif kind == "npz":
        path = path.with_suffix(".npz")
        np.savez(path, x=values[order], item_id=ids)
    else:
        path = path.with_suffix(".npy")
        np.save(path, (values[order] / 255).astype(kind.partition("-")[2]))
    return read_data(path)


KINDS = ("npz", "npy-float32", "npy-float64", "folder", "csv")


@pytest.mark.parametrize("kind", KINDS)
def test_contents_follow_the_items_into_another_order(tmp_path: Path, kind: str) -> None:
    order = [3, 4, 5, 6, 7, 8, 9, 10, 11, 0, 1, 2]
    one, two = (data_contents(pool_of(kind, tmp_path, o)) for o in (list(range(12)), order))
    assert [len(c) for c in one] == [BYTES] * 12
    assert len(set(one)) == 12
    assert two == [one[i] for i in order]


@pytest.mark.parametrize("kind", KINDS)
def test_some_items_of_a_pool_are_the_items_themselves(tmp_path: Path, kind: str) -> None:
    pool = pool_of(kind, tmp_path, list(range(12)))
    rows = np.array([7, 2, 11])
    part = take(pool, rows)
    assert len(part) == 3
    assert part.ids.tolist() == pool.ids[rows].tolist()
    assert data_contents(part) == [data_contents(pool)[i] for i in rows]
    np.testing.assert_array_equal(np.asarray(part.x), np.asarray(pool.x)[rows])
    np.testing.assert_array_equal(part.x[1:], np.asarray(pool.x)[rows[1:]])
    assert part.uris == (None if pool.uris is None else [pool.uris[i] for i in rows])
    again = take(part, np.array([2, 0]))
    np.testing.assert_array_equal(np.asarray(again.x), np.asarray(pool.x)[[11, 7]])


def test_one_number_makes_another_item(tmp_path: Path) -> None:
    x = np.zeros((3, 4), np.float32)
    x[1, 2] = 1e-9
    np.save(tmp_path / "x.npy", x)
    a, b, c = data_contents(read_data(tmp_path / "x.npy"))
    assert (a == c, a == b) == (True, False)
    np.save(tmp_path / "y.npy", x.astype(np.int32))
    assert a not in data_contents(read_data(tmp_path / "y.npy"))  # a model sees whole numbers as they are


def test_a_picture_is_another_where_it_is_brought_to_another_size(tmp_path: Path) -> None:
    pool_of("folder", tmp_path, list(range(12)))
    one, two = (data_contents(read_data(tmp_path / "folder0", size=size)) for size in ((6, 5), (12, 10)))
    assert not set(one) & set(two)


def test_features_count_over_all_layers(tmp_path: Path) -> None:
    a, b = np.arange(12.0).reshape(4, 3), np.ones((4, 2))
    b[2, 1] = 7
    ids = np.array(["w", "x", "y", "z"])
    one = feature_contents(write_arrays(tmp_path / "1.parquet", ids, {"a": a, "b": b}, ""))
    two = feature_contents(write_arrays(tmp_path / "2.parquet", ids, {"b": b, "a": a}, ""))
    assert one == two
    b[3, 0] = 0
    three = feature_contents(write_arrays(tmp_path / "3.parquet", ids, {"a": a, "b": b}, ""))
    assert [p == q for p, q in zip(one, three, strict=True)] == [True, True, True, False]
