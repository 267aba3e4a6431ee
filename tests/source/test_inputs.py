from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest

from kgkt.errors import InputError
from kgkt.files import sha256_file
from kgkt.source.inputs import read_data, read_test

X = np.arange(24, dtype=np.float32).reshape(6, 4)


def npz(folder, **arrays):
    path = folder / "pool.npz"
    np.savez(path, **arrays)
    return path


def npy(folder, array):
    path = folder / "pool.npy"
    np.save(path, array)
    return path


def test_pool_and_test_files(pool_npz, test_npz, digits):
    pool, test = read_data(pool_npz), read_test(test_npz)
    np.testing.assert_array_equal(pool.x, digits.pool_x)
    np.testing.assert_array_equal(pool.ids, digits.pool_ids)
    assert (pool.y, pool.uris, pool.text, pool.kind, pool.notices) == (None, None, None, "array", [])
    assert pool.digest == sha256_file(pool_npz)
    assert len(test) == len(digits.test_y)
    np.testing.assert_array_equal(test.y, digits.test_y.astype(str))
    assert test.ids[0] == "i0000"


def test_default_ids_are_padded_to_n(tmp_path):
    data = read_data(npy(tmp_path, np.zeros((10_001, 2), np.uint8)))
    assert (data.ids[0], data.ids[-1]) == ("i00000", "i10000")


def test_given_ids(tmp_path):
    assert read_data(npz(tmp_path, x=X, item_id=np.arange(6) * 7)).ids.tolist() == ["0", "7", "14", "21", "28", "35"]
    odd = ["a'b", "`c", "d\ne", "😀", "\u202eא", "</script>"]
    assert read_data(npz(tmp_path, x=X, item_id=odd)).ids.tolist() == odd


@pytest.mark.parametrize(
    ("ids", "says"),
    [
        (list("abcdea"), "item_id 'a' stands in rows 0 and 5; ids must be unique"),
        (list("abc"), r"item_id has shape \(3,\), the data has 6 rows"),
        ([*"abcde", ""], "item_id of row 5 is empty"),
        (["x" * 2000, *"bcdef"], "item_id of row 0 has 2,000 characters; use 1 to 1,000"),
        (["a\0b", *"bcdef"], "item_id of row 0 holds a NUL"),
        (np.linspace(0, 1, 6), "item_id has dtype float64"),
    ],
)
def test_ids_that_cannot_be_used(tmp_path, ids, says):
    with pytest.raises(InputError, match=rf"pool .*pool\.npz: {says}"):
        read_data(npz(tmp_path, x=X, item_id=ids))


BAD = [
    (X[:0], r"is empty: received shape \(0, 4\)"),
    (X[:, :0], r"is empty: received shape \(6, 0\)"),
    (X[:1], r"has one row, shape \(1, 4\)"),
    (X[:, :1], r"has one column, shape \(6, 1\)"),
    (X[:, 0], r"at least two axes, received shape \(6,\)"),
    (np.float32(3), r"at least two axes, received shape \(\)"),
    (X.astype(complex), "dtype complex128 is not a number"),
    (X.astype(str), "dtype <U32 is not a number"),
    (X.astype("datetime64[s]"), r"dtype datetime64\[s\] is not a number"),
]


@pytest.mark.parametrize(("x", "says"), BAD)
@pytest.mark.parametrize("write", [lambda folder, x: npz(folder, x=x), npy])
def test_shapes_and_dtypes_that_cannot_be_a_pool(tmp_path, write, x, says):
    with pytest.raises(InputError, match=says):
        read_data(write(tmp_path, x))


@pytest.mark.parametrize("write", [lambda folder, x: npz(folder, x=x), npy])
def test_objects_are_never_unpickled(tmp_path, write):
    path = write(tmp_path, np.array([[{}, 1]] * 3, dtype=object))
    with pytest.raises(InputError, match=r"cannot be read as \.npy \(.*[Oo]bject|array x holds Python objects"):
        read_data(path)


@pytest.mark.parametrize("write", [lambda folder, x: npz(folder, x=x), npy])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_nan_and_infinity(tmp_path, write, dtype):
    x = X.astype(dtype)
    x[2, 1], x[4, 0], x[4, 3] = np.nan, np.inf, -np.inf
    path = write(tmp_path, x)
    with pytest.raises(InputError, match=r"in 2 of 6 rows, first in row 2 \(item_id i0002\); .*--drop-bad"):
        read_data(path)
    data = read_data(path, drop_bad=True)
    np.testing.assert_array_equal(np.asarray(data.x), X[[0, 1, 3, 5]])
    assert data.x.dtype == np.float32
    assert data.ids.tolist() == ["i0000", "i0001", "i0003", "i0005"]
    assert data.notices[0].endswith("first in row 2 (item_id i0002)")
    assert "2 of 6 rows dropped" in data.notices[0]
    np.testing.assert_array_equal(data.x[1:3], X[[1, 3]])
    np.testing.assert_array_equal(data.x[np.array([3, 0])], X[[5, 0]])
    np.testing.assert_array_equal(data.x[2], X[3])


def test_labels_are_dropped_with_their_rows(tmp_path):
    x = X.copy()
    x[0] = np.nan
    assert read_data(npz(tmp_path, x=x, y=list("abcdef")), drop_bad=True).y.tolist() == list("bcdef")


def test_nothing_left_after_dropping(tmp_path):
    x = np.full_like(X, np.nan)
    x[3] = 1
    with pytest.raises(InputError, match=r"has one row, shape \(1, 4\)"):
        read_data(npz(tmp_path, x=x), drop_bad=True)


@pytest.mark.parametrize("write", [lambda folder, x: npz(folder, x=x), npy])
def test_casts_are_said(tmp_path, write):
    data = read_data(write(tmp_path, X.astype(np.float64) / 3))
    assert data.x.dtype == np.float32
    np.testing.assert_allclose(np.asarray(data.x), X / 3, rtol=1e-6)
    assert [n.split(": ", 1)[1].removeprefix("x: ") for n in data.notices] == ["cast from float64 to float32"]
    assert "cast from float16" in read_data(write(tmp_path, X.astype(np.float16))).notices[0]


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.int64, bool])
def test_whole_numbers_stay_as_they_are(tmp_path, dtype):
    data = read_data(npz(tmp_path, x=X.astype(dtype)))
    assert (data.x.dtype, data.notices) == (dtype, [])


def test_overflow(tmp_path):
    with np.errstate(over="ignore"):
        half = (X * 1e5).astype(np.float16)
    with pytest.raises(InputError, match=r"in 6 of 6 rows.*float16 cannot hold values above 65,504"):
        read_data(npz(tmp_path, x=half))
    with pytest.raises(InputError, match="a value above float32 in 1 of 6 rows, first in row 5"):
        read_data(npz(tmp_path, x=np.where(X > 22, 1e300, X.astype(float))))


def test_files_that_are_something_else(tmp_path):
    with pytest.raises(InputError, match=r"pool .*gone\.npz is not there"):
        read_data(tmp_path / "gone.npz")
    (tmp_path / "p.parquet").write_bytes(b"PAR1")
    with pytest.raises(InputError, match=r"p\.parquet cannot be read as Parquet"):
        read_data(tmp_path / "p.parquet")
    with pytest.raises(InputError, match=r"has no array x; did you mean X\?|has no array x; known: images"):
        read_data(npz(tmp_path, images=X))
    path = tmp_path / "lfs.npz"
    path.write_text("version https://git-lfs.github.com/spec/v1\n")
    with pytest.raises(InputError, match="git-LFS pointer"):
        read_data(path)


@pytest.mark.parametrize("write", [lambda folder, x: npz(folder, x=x), npy])
def test_truncated_files(tmp_path, write):
    path = write(tmp_path, X)
    raw = path.read_bytes()
    for length in range(0, len(raw), 7):
        path.write_bytes(raw[:length])
        with pytest.raises(InputError, match=r"cannot be read as \.np[yz]|is empty"):
            read_data(path)


def test_a_flipped_bit_in_npz_is_noticed_or_harmless(tmp_path):
    path = npz(tmp_path, x=X)
    raw = path.read_bytes()
    refused = 0
    for place in range(0, len(raw), 3):
        changed = bytearray(raw)
        changed[place] ^= 4
        path.write_bytes(changed)
        try:
            np.testing.assert_array_equal(read_data(path).x, X)
        except InputError:
            refused += 1
    assert refused > len(raw) // 6


def test_an_archive_larger_than_memory(tmp_path, monkeypatch):
    path = npz(tmp_path, x=X)
    monkeypatch.setattr("os.sysconf", lambda name: 10)
    with pytest.raises(InputError, match=r"unpacks to 0\.0 GB, this machine has 0\.0: save the array as \.npy"):
        read_data(path)


@pytest.mark.parametrize(
    ("y", "says"),
    [
        (np.eye(6), r"y has shape \(6, 6\).*for one-hot rows save y.argmax\(1\)"),
        ([1, 2], r"y has shape \(2,\), x has 6 rows"),
        (np.linspace(0, 1, 6), "y has dtype float64; use class names or whole numbers"),
        ([*"abcd", "", "f"], "the class of row 4 is empty"),
    ],
)
def test_classes_that_cannot_be_used(tmp_path, y, says):
    with pytest.raises(InputError, match=says):
        read_data(npz(tmp_path, x=X, y=y))


def test_classes_are_text(tmp_path):
    whole = np.array([0.0, 1, 2, 10, 1, 0])
    assert read_data(npz(tmp_path, x=X, y=whole)).y.tolist() == ["0", "1", "2", "10", "1", "0"]
    assert read_data(npz(tmp_path, x=X, y=np.array([b"a"] * 6))).y.tolist() == ["a"] * 6


def test_test_data_needs_classes(pool_npz):
    with pytest.raises(InputError, match=r"test data .*pool\.npz has no y: save it with np\.savez"):
        read_test(pool_npz)


def test_texts_bring_their_classes_in_a_column_y(tmp_path):
    data = read_test(write_csv(tmp_path, b"item_id,y,text\na,3,one\nb,no,two\n"))
    assert (data.y.tolist(), data.x.tolist()) == (["3", "no"], ["one", "two"])
    assert read_test(write_csv(tmp_path, b"item_id,class,text\na,3,one\nb,no,two\n")).y.tolist() == ["3", "no"]
    with pytest.raises(InputError, match=r"test data .*items\.csv has no y: --class-column names the one .* add a column y"):
        read_test(write_csv(tmp_path, b"item_id,kind,text\na,3,one\nb,no,two\n"))
    with pytest.raises(InputError, match=r"items\.csv, line 3: the class \(column y\) is empty"):
        read_test(write_csv(tmp_path, b"item_id,y,text\na,3,one\nb,,two\n"))


def write_csv(folder, content):
    path = folder / "items.csv"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    "content",
    [
        b"item_id,text\na,one\nb,two\n",
        b"\xef\xbb\xbfitem_id;text\r\na;one\r\nb;two\r\n",
        b'text\titem_id\n"one"\ta\n\ntwo\tb',
    ],
)
def test_texts(tmp_path, content):
    data = read_data(write_csv(tmp_path, content))
    assert (data.ids.tolist(), data.text, data.kind) == (["a", "b"], ["one", "two"], "text")


def test_quoted_newlines(tmp_path):
    data = read_data(write_csv(tmp_path, b'item_id,text\na,"one\ntwo, three"\nb,"say ""hi"""\n'))
    assert data.text == ["one\ntwo, three", 'say "hi"']


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"item_id,txt\na,b\n", r"has no column text; did you mean txt\?"),
        (b"item_id,text\na,b\nc\n", "line 3 has 1 field, the head of the file has 2"),
        (b"item_id,text\na,b\nc,\xff\n", r"line 3 is not UTF-8: byte 0xff in b'c,.xff'.*iconv -f WINDOWS-1252 -t UTF-8"),
        (b'item_id,text\na,"b', "line 2: a quote that is opened here is never closed"),
        (b"item_id,text\na,b\na,c\n", "line 3: item_id 'a' stands in line 2 already"),
        (b"item_id,text\na,b\n", "has 1 row: a graph"),
        (b"", "is empty"),
    ],
)
def test_tables_that_cannot_be_used(tmp_path, content, says):
    with pytest.raises(InputError, match=says):
        read_data(write_csv(tmp_path, content))


def test_reading_a_large_npy_takes_little_memory(tmp_path):
    path = tmp_path / "large.npy"
    large = np.lib.format.open_memmap(path, "w+", np.float64, (20_000, 1_000))
    large[:] = 1
    large[777, 3] = np.nan
    del large
    code = (
        "import json, resource, sys, numpy\n"
        "from kgkt.source.inputs import read_data\n"
        "anon = lambda: int(next(l for l in open('/proc/self/status') if l.startswith('RssAnon')).split()[1])\n"
        "before = anon(); data = read_data(sys.argv[1], drop_bad=True); block = data.x[1000:1256]\n"
        "print(json.dumps([data.x.shape, str(block.dtype), anon() - before]))"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    shape, dtype, kilobytes = json.loads(done.stdout)
    assert (shape, dtype) == ([19_999, 1_000], "float32")
    assert kilobytes < 80_000  # the file holds 160 MB


def test_empty_texts_are_counted(tmp_path):
    (tmp_path / "t.csv").write_text("item_id,text\na,red\nb,\nc,  \nd,blue\n")
    assert read_data(tmp_path / "t.csv").notices == ["2 of 4 texts are empty, e.g. b"]
