from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from kgkt.errors import InputError
from kgkt.source.features import import_features, open_features
from kgkt.source.imported import peek_features

V = np.random.default_rng(0).normal(size=(50, 6)).astype(np.float32)
IDS = [f"r{n}" for n in range(50)]


def parquet(folder, **columns):
    path = folder / "theirs.parquet"
    pq.write_table(pa.table(columns), path, row_group_size=20)
    return path


def fixed(values, kind=None):
    flat = pa.array(np.ascontiguousarray(values).ravel(), kind)
    return pa.FixedSizeListArray.from_arrays(flat, values.shape[1])


def all_rows(features, layer):
    return np.concatenate(list(features.batches(layer)))


@pytest.mark.parametrize(
    "column",
    [
        fixed(V),
        pa.array(V.tolist(), pa.list_(pa.float32())),
        pa.array(V.tolist(), pa.large_list(pa.float64())),
        pa.FixedShapeTensorArray.from_numpy_ndarray(V),
        pa.chunked_array([fixed(V[:7]), fixed(V[7:])]),
    ],
    ids=["fixed", "list", "large", "tensor", "chunked"],
)
def test_parquet_columns_of_lists(tmp_path, column):
    path = parquet(tmp_path, item_id=IDS, emb=column, label=["x"] * 50)
    (tmp_path / "out").mkdir()
    done = []
    features = import_features(path, tmp_path / "out" / "features.parquet", progress=done.append)
    np.testing.assert_allclose(all_rows(features, "emb"), V, rtol=1e-6)
    assert features.ids.tolist() == IDS
    assert (features.widths, features.source, sum(done)) == ({"emb": 6}, "theirs.parquet", 50)
    assert "columns not read: label" in features.meta["notices"]
    schema = pq.read_schema(features.path)
    assert schema.field("emb").type == pa.list_(pa.float32(), 6)
    assert schema.field("item_id").type == pa.string()


def test_what_was_written_can_be_brought_in_again(tmp_path):
    first = import_features(parquet(tmp_path, item_id=IDS, mid=fixed(V[:, :4]), emb=fixed(V)), tmp_path / "a.parquet")
    second = import_features(first.path, tmp_path / "b.parquet")
    assert second.widths == {"mid": 4, "emb": 6}
    np.testing.assert_array_equal(all_rows(second, "mid"), V[:, :4])
    only = import_features(first.path, tmp_path / "c.parquet", layers=["emb"])
    assert only.widths == {"emb": 6}


def test_whole_numbers_as_ids(tmp_path):
    assert import_features(parquet(tmp_path, item_id=list(range(50)), emb=fixed(V)), tmp_path / "o").ids[49] == "49"


def rows_with(row, value):
    values = V.tolist()
    values[row] = value
    return values


@pytest.mark.parametrize(
    ("columns", "says"),
    [
        ({"itemid": IDS, "emb": fixed(V)}, r"has no column item_id; did you mean itemid\?"),
        ({"item_id": IDS, "emb": rows_with(33, [1.0])}, r"emb has 1 numbers in row 33 \(item_id r33\), 6 in row 0"),
        ({"item_id": IDS, "emb": rows_with(33, None)}, r"column emb has nothing in row 33 \(item_id r33\)"),
        ({"item_id": IDS, "emb": rows_with(41, [1.0, None, 1, 1, 1, 1])}, "emb has a null among its numbers in row 41"),
        ({"item_id": IDS[:-1] + ["r0"], "emb": fixed(V)}, "item_id 'r0' stands in rows 0 and 49"),
        ({"item_id": IDS[:-1] + [None], "emb": fixed(V)}, "item_id of row 49 is empty"),
        ({"item_id": IDS, "f0": V[:, 0], "g1": V[:, 1]}, r"has no features: put them .*fixed_size_list<float32>"),
        ({"item_id": IDS, "emb": [["a", "b"]] * 50}, "has no features"),
        ({"item_id": IDS[:1], "emb": fixed(V[:1])}, r"emb has one row, shape \(1, 6\)"),
        ({"item_id": IDS, "emb": fixed(V[:, :1])}, r"emb has one column, shape \(50, 1\)"),
        ({"item_id": pa.array([], pa.string()), "emb": fixed(V[:0])}, r"emb is empty: received shape \(0, 0\)"),
    ],
)
def test_parquet_that_cannot_be_used(tmp_path, columns, says):
    path, out = parquet(tmp_path, **columns), tmp_path / "out.parquet"
    with pytest.raises(InputError, match=says):
        import_features(path, out)
    assert [p.name for p in tmp_path.iterdir()] == ["theirs.parquet"]


def test_a_layer_that_is_not_there(tmp_path):
    path = parquet(tmp_path, item_id=IDS, embedding=fixed(V))
    with pytest.raises(InputError, match=r"has no column of lists embeding; did you mean embedding\?"):
        import_features(path, tmp_path / "out.parquet", layers=["embeding"])


def test_damaged_parquet(tmp_path):
    path = parquet(tmp_path, item_id=IDS, emb=fixed(V))
    raw = path.read_bytes()
    for length in (0, 3, len(raw) // 2, len(raw) - 1):
        path.write_bytes(raw[:length])
        with pytest.raises(InputError, match="cannot be read as Parquet"):
            import_features(path, tmp_path / "out.parquet")


def bad_rows(kind):
    values = V.astype(kind)
    values[3, 1], values[30, 0], values[31, 5] = np.nan, np.inf, -np.inf
    return values


def write_parquet(folder, values):
    return parquet(folder, item_id=IDS, emb=fixed(values))


def write_npz(folder, values):
    np.savez(folder / "theirs.npz", emb=values, item_id=IDS)
    return folder / "theirs.npz"


def write_npy(folder, values):
    np.save(folder / "theirs.npy", values)
    return folder / "theirs.npy"


WRITERS = [write_parquet, write_npz, write_npy]


@pytest.mark.parametrize("write", WRITERS)
@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_nan_and_infinity(tmp_path, write, kind):
    path, out = write(tmp_path, bad_rows(kind)), tmp_path / "out.parquet"
    with pytest.raises(InputError, match=r"in 3 of 50 rows, first in row 3 \(item_id [ri]0*3\); .*--drop-bad"):
        import_features(path, out)
    assert not out.exists()
    features = import_features(path, out, drop_bad=True)
    layer = features.layers[0]
    np.testing.assert_array_equal(all_rows(features, layer), np.delete(V, [3, 30, 31], axis=0))
    assert len(features) == 47
    assert "3 of 50 rows dropped" in features.meta["notices"]
    assert open_features(out).meta["notices"] == features.meta["notices"]


@pytest.mark.parametrize("write", WRITERS)
def test_other_number_types(tmp_path, write):
    features = import_features(write(tmp_path, (V * 10).astype(np.int16)), tmp_path / "out.parquet")
    np.testing.assert_array_equal(all_rows(features, features.layers[0]), (V * 10).astype(np.int16))
    assert "cast from int16 to float32" in features.meta["notices"]
    with np.errstate(over="ignore"):
        half = (V * 1e6).astype(np.float16)
    with pytest.raises(InputError, match="float16 cannot hold values above 65,504"):
        import_features(write(tmp_path, half), tmp_path / "out.parquet")
    wide = V.astype(np.float64)
    wide[9] = 1e300
    with pytest.raises(InputError, match="in 1 of 50 rows, first in row 9"):
        import_features(write(tmp_path, wide), tmp_path / "out.parquet")


@pytest.mark.parametrize("write", [write_npz, write_npy])
@pytest.mark.parametrize(
    ("values", "says"),
    [
        (V[:, 0], r"at least two axes, received shape \(50,\)"),
        (V[:, :1], r"has one column, shape \(50, 1\)"),
        (V[:1], r"has one row, shape \(1, 6\)"),
        (V[:0], "is empty"),
        (V.astype(complex), "dtype complex128 is not a number"),
        (V.astype(str), "dtype <U32 is not a number"),
    ],
)
def test_arrays_that_cannot_be_used(tmp_path, write, values, says):
    with pytest.raises(InputError, match=says):
        import_features(write(tmp_path, values), tmp_path / "out.parquet")


def test_npz_layers(tmp_path):
    maps = np.random.default_rng(0).normal(size=(50, 8, 8, 3)).astype(np.float32)
    np.savez(tmp_path / "f.npz", emb=V, mid=maps, y=np.arange(50))
    features = import_features(tmp_path / "f.npz", tmp_path / "out.parquet")
    assert features.widths == {"emb": 6, "mid": 48}
    wanted = maps.reshape(50, 4, 2, 4, 2, 3).mean(axis=(2, 4)).reshape(50, -1)
    np.testing.assert_allclose(all_rows(features, "mid"), wanted, rtol=1e-4, atol=1e-6)
    assert (features.ids[0], features.meta["notices"]) == ("i0000", f"{tmp_path / 'f.npz'}: array not read: y")
    with pytest.raises(InputError, match=r"has no array embd; did you mean emb\?"):
        import_features(tmp_path / "f.npz", tmp_path / "out.parquet", layers=["embd"])
    np.savez(tmp_path / "f.npz", emb=V, mid=maps[:9])
    with pytest.raises(InputError, match="its arrays differ in rows: emb 50, mid 9"):
        import_features(tmp_path / "f.npz", tmp_path / "out.parquet")
    np.savez(tmp_path / "f.npz", item_id=IDS)
    with pytest.raises(InputError, match="holds no array of features"):
        import_features(tmp_path / "f.npz", tmp_path / "out.parquet")


def test_files_that_are_something_else(tmp_path):
    with pytest.raises(InputError, match=r"features .*gone\.npy are not there"):
        import_features(tmp_path / "gone.npy", tmp_path / "out.parquet")
    with pytest.raises(InputError, match=r"features .*gone\.parquet are not there"):
        peek_features(tmp_path / "gone.parquet")
    (tmp_path / "f.pkl").write_bytes(b"\x80\x04.")
    with pytest.raises(InputError, match=r"no reader for \.pkl; use \.parquet, \.csv, \.npz or \.npy"):
        import_features(tmp_path / "f.pkl", tmp_path / "out.parquet")


def test_the_place_cannot_be_written(tmp_path):
    path = write_npy(tmp_path, V)
    with pytest.raises(InputError, match="is a folder; name a file"):
        import_features(path, tmp_path)


def test_a_full_disk_leaves_the_old_file(tmp_path):
    path = write_npy(tmp_path, np.tile(V, (2000, 1)))
    out = tmp_path / "out" / "features.parquet"
    out.parent.mkdir()
    before = import_features(write_npz(tmp_path, V), out)
    code = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))\n"
        "from kgkt.errors import InputError\n"
        "from kgkt.source.features import import_features\n"
        "try: import_features(sys.argv[1], sys.argv[2])\n"
        "except InputError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path), str(out)], capture_output=True, text=True, check=True)
    assert "features.parquet could not be written" in done.stdout
    assert open_features(out).sha256 == before.sha256
    assert [p.name for p in out.parent.iterdir()] == ["features.parquet"]


PEAK = """
import json, sys, numpy, pyarrow.parquet, pyarrow.compute
from pathlib import Path
from kgkt.source.features import import_features
anon = lambda: int(next(line for line in open('/proc/self/status') if line.startswith('RssAnon')).split()[1])
peak = before = anon()
def look(_):
    global peak
    peak = max(peak, anon())
features = import_features(Path(sys.argv[1]), Path(sys.argv[2]), progress=look)
print(json.dumps([len(features), peak - before]))
"""


def write_large(path, n):
    """n rows of 500 numbers, 5,000 at a time."""
    part = np.random.default_rng(0).normal(size=(5_000, 500)).astype(np.float32)
    if path.suffix == ".npy":
        large = np.lib.format.open_memmap(path, "w+", np.float32, (n, 500))
        for start in range(0, n, 5_000):
            large[start : start + 5_000] = part
        return
    schema = pa.schema([("item_id", pa.string()), ("emb", pa.list_(pa.float32(), 500))])
    with pq.ParquetWriter(path, schema, use_dictionary=False) as writer:
        for start in range(0, n, 5_000):
            ids = pa.array([str(number) for number in range(start, start + 5_000)])
            writer.write_table(pa.table([ids, fixed(part)], schema=schema))


@pytest.mark.parametrize("suffix", ["npy", "parquet"])
@pytest.mark.slow
def test_memory_does_not_grow_with_the_items(tmp_path, suffix):
    peaks = []
    for n in (20_000, 100_000):
        path = tmp_path / f"large.{suffix}"
        write_large(path, n)
        command = [sys.executable, "-c", PEAK, str(path), str(tmp_path / "out.parquet")]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        rows, kilobytes = json.loads(done.stdout)
        assert rows == n
        peaks.append(kilobytes)
    assert peaks[1] - peaks[0] < 60_000  # the second file holds 160 MB more
