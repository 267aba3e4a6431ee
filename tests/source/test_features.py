from __future__ import annotations

import json
import re

import numpy as np
import pyarrow.parquet as pq
import pytest

from kgkt import __version__
from kgkt.errors import InputError, UsageError
from kgkt.source.arrays import pool
from kgkt.source.features import activations, check_input, extract, open_features
from kgkt.source.inputs import Data, read_data
from kgkt.source.models import inspect_model, layer_by_name, open_model
from kgkt.source.pixels import prepare
from kgkt.source.quiet import keras as import_keras


@pytest.fixture(scope="module")
def a(model_a):
    return open_model(model_a)


@pytest.fixture(scope="module")
def data(pool_npz):
    return read_data(pool_npz)


def items(x, ids=None):
    """Data around an array."""
    ids = np.array([f"i{n:04d}" for n in range(len(x))]) if ids is None else ids
    return Data(ids, x, None, None, None, "array", "", [])


def reference(a, x, layer):
    """The plain activations of one layer."""
    keras = import_keras()
    return keras.Model(a.inputs, a.get_layer(layer).output).predict(x, verbose=0)


def test_activations_of_two_layers(a, data, tmp_path):
    done = []
    features = extract(a, ["mid", "emb"], data, tmp_path / "f.parquet", batch=256, progress=done.append,
                       source="a.keras", model_sha256="12ab")
    assert features.widths == {"mid": 4 * 4 * 32, "emb": 32}
    assert done == [256, 256, 88]
    np.testing.assert_array_equal(features.ids, data.ids)
    emb = np.concatenate(list(features.batches("emb", 100)))
    np.testing.assert_allclose(emb, reference(a, data.x, "emb"), rtol=1e-4, atol=1e-5)
    mid = reference(a, data.x[:50], "mid").reshape(50, 4, 2, 4, 2, 32).mean(axis=(2, 4)).reshape(50, -1)
    np.testing.assert_allclose(features.rows("mid", np.arange(50)), mid, rtol=1e-4, atol=1e-5)
    assert features.meta["pixels"] == "raw"
    assert features.meta["model_sha256"] == "12ab"
    assert features.meta["kgkt_version"] == __version__
    assert json.loads(features.meta["shapes"]) == {"mid": [8, 8, 32], "emb": [32]}
    assert features.source == "a.keras"


def test_the_batch_size_does_not_matter(a, data, tmp_path):
    one = extract(a, ["emb"], data, tmp_path / "one.parquet", batch=7)
    two = extract(a, ["emb"], data, tmp_path / "two.parquet", batch=600)
    index = np.array([599, 0, 7, 6, 7])
    np.testing.assert_allclose(one.rows("emb", index), two.rows("emb", index), rtol=1e-4, atol=1e-5)


def test_pixels_are_scaled_as_asked(a, data, tmp_path):
    grey = items((data.x * 255).round().astype(np.uint8))
    features = extract(a, ["emb"], grey, tmp_path / "f.parquet", pixels="0..1")
    wanted = reference(a, grey.x.astype(np.float32) / 255, "emb")
    np.testing.assert_allclose(features.rows("emb", np.arange(600)), wanted, rtol=1e-4, atol=1e-5)
    assert features.meta["pixels"] == "0..1"


def test_prepare():
    x = np.array([[0, 255], [51, 102]], np.uint8)
    np.testing.assert_array_equal(prepare(x), [[0, 255], [51, 102]])
    np.testing.assert_allclose(prepare(x, "0..1"), [[0, 1], [0.2, 0.4]], rtol=1e-6)
    np.testing.assert_allclose(prepare(x, "-1..1"), [[-1, 1], [-0.6, -0.2]], rtol=1e-6)
    inside = np.array([[-0.5, 0.25]], np.float32)
    np.testing.assert_array_equal(prepare(inside, "-1..1"), inside)
    assert prepare(x, shape=(2,)).shape == (2, 2)
    assert prepare(x[None], shape=(2, 2, 1)).shape == (1, 2, 2, 1)
    with pytest.raises(InputError, match=r"0\.\.1 scales uint8 pixels; this data is float32 from -0\.5 to 0\.25"):
        prepare(inside, "0..1")
    with pytest.raises(InputError, match="this data is int64 from 0 to 16"):
        prepare(np.array([[0, 16]]), "0..1")
    with pytest.raises(UsageError, match=r"--pixels 0-1; known: raw, 0\.\.1, -1\.\.1"):
        prepare(x, "0-1")


def test_pool_averages_over_cells():
    x = np.arange(2 * 8 * 8 * 3, dtype=np.float32).reshape(2, 8, 8, 3)
    np.testing.assert_allclose(pool(x), x.reshape(2, 4, 2, 4, 2, 3).mean(axis=(2, 4)).reshape(2, -1))
    np.testing.assert_array_equal(pool(x[:, :4, :3]), x[:, :4, :3].reshape(2, -1))
    assert pool(x[:, :, :3]).shape == (2, 4 * 3 * 3)
    seven = np.arange(7, dtype=np.float32).reshape(1, 7, 1)
    np.testing.assert_allclose(pool(seven), [[0.5, 2.0, 4.0, 5.5]])  # rows 0-1, 1-3, 3-5, 5-6
    np.testing.assert_array_equal(pool(x[:, 0, 0]), x[:, 0, 0])


def test_data_that_the_model_cannot_take(a, tmp_path, digits):
    with pytest.raises(InputError, match=r"a takes items of shape \(8, 8, 1\), the data has items of shape \(64,\)"):
        extract(a, ["emb"], items(digits.pool_x.reshape(-1, 64)), tmp_path / "f.parquet")
    text = Data(np.array(["a", "b"]), np.array(["x", "y"], object), None, None, ["x", "y"], "text", "", [])
    with pytest.raises(InputError, match=r"the data is text, which kgkt reads with a sentence model only.*--features"):
        extract(a, ["emb"], text, tmp_path / "f.parquet")
    with pytest.raises(InputError, match="several inputs or an unknown input shape"):
        check_input("A", None, items(digits.pool_x))
    check_input("A", (None, None, 1), items(digits.pool_x))
    check_input("A", (8, 8, 1), items(digits.pool_x[..., 0]))
    assert list(tmp_path.iterdir()) == []


def test_a_missing_channel_axis_is_added(a, digits, tmp_path):
    features = extract(a, ["emb"], items(digits.pool_x[:20, ..., 0]), tmp_path / "f.parquet")
    wanted = reference(a, digits.pool_x[:20], "emb")
    np.testing.assert_allclose(features.rows("emb", np.arange(20)), wanted, rtol=1e-4, atol=1e-5)


def test_layers_that_cannot_be_read(a):
    with pytest.raises(InputError, match=r"model a has no layer 'embb'; did you mean emb\?"):
        activations(a, ["mid", "embb"])
    with pytest.raises(InputError, match="name at least one layer; known: image, first, mid"):
        activations(a, [])
    with pytest.raises(InputError, match="a layer is named twice in emb, emb"):
        activations(a, ["emb", "emb"])
    keras = import_keras()
    left, right, shared = keras.Input((4,)), keras.Input((4,)), keras.layers.Dense(3, name="shared")
    twin = keras.Model([left, right], keras.layers.Add()([shared(left), shared(right)]), name="twin")
    with pytest.raises(InputError, match="layer 'shared' is used 2 times"):
        activations(twin, ["shared"])


@pytest.mark.parametrize("sequential", [False, True])
def test_a_nested_backbone(tmp_path, sequential):
    keras = import_keras()
    image = keras.Input((8, 8, 3))
    maps = keras.layers.Conv2D(5, 3, name="early")(image)
    backbone = keras.Model(image, keras.layers.Conv2D(4, 3, name="late")(maps), name="backbone")
    layers = [keras.layers.Rescaling(2.0), backbone, keras.layers.Flatten(), keras.layers.Dense(3, name="emb")]
    if sequential:
        model = keras.Sequential([keras.Input((8, 8, 3)), *layers])
    else:
        x = outer = keras.Input((8, 8, 3))
        for layer in layers:
            x = layer(x)
        model = keras.Model(outer, x)
    model.save(tmp_path / "m.keras")
    model, info = open_model(tmp_path / "m.keras"), inspect_model(tmp_path / "m.keras")
    assert (info.layers["backbone"], info.layers["backbone/early"]) == ((4, 4, 4), (6, 6, 5))
    assert (info.layers["backbone/late"], info.classes["backbone/late"]) == ((4, 4, 4), "Conv2D")
    assert info.n_weights == model.count_params()
    x = np.random.default_rng(0).random((4, 8, 8, 3), np.float32)
    inside = model.get_layer("backbone")
    early = np.asarray(inside.get_layer("early")(2 * x))
    wanted = {"backbone": np.asarray(inside(2 * x)).reshape(4, -1), "backbone/early": pool(early),
              "emb": np.asarray(model(x))}
    got = activations(model, list(wanted))(x)
    for name, values in wanted.items():
        np.testing.assert_allclose(got[name], values, rtol=1e-4, atol=1e-5)
    with pytest.raises(InputError, match=r"has no layer 'backbone/earl'; did you mean backbone/early"):
        layer_by_name(model, "backbone/earl")


def test_a_model_that_is_a_class_of_its_own(tmp_path):
    keras = import_keras()

    class Own(keras.Model):
        def __init__(self):
            super().__init__(name="own")
            self.dense = keras.layers.Dense(2, name="dense")

        def call(self, x):
            return self.dense(x)

    model = Own()
    model(np.zeros((1, 4), np.float32))
    with pytest.raises(InputError, match=r"model own is a class of its own \(Own\).*--features"):
        activations(model, ["dense"])
    with pytest.raises(InputError, match="model own has several inputs or an unknown input shape"):
        extract(model, ["dense"], items(np.zeros((3, 4), np.float32)), tmp_path / "f.parquet")


def test_one_number_is_no_feature(tmp_path):
    keras = import_keras()
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1, name="score")], name="one")
    with pytest.raises(InputError, match="layer 'score' gives one number for an item"):
        extract(model, ["score"], items(np.zeros((3, 4), np.float32)), tmp_path / "f.parquet")


def test_activations_that_are_not_finite(tmp_path):
    keras = import_keras()
    x = keras.Input((2,))
    model = keras.Model(x, keras.layers.Activation("exponential", name="exp")(x), name="hot")
    values = np.zeros((300, 2), np.float32)
    values[[5, 9]] = 1000
    out = tmp_path / "f.parquet"
    out.write_text("before")
    with pytest.raises(InputError, match="layer 'exp' gives NaN or infinity for 2 of 256 items, first for i0005"):
        extract(model, ["exp"], items(values), out)
    assert out.read_text() == "before"
    assert [p.name for p in tmp_path.iterdir()] == ["f.parquet"]


@pytest.fixture
def written(a, data, tmp_path):
    return extract(a, ["emb"], data, tmp_path / "f.parquet").path


def test_opened_again(written, data):
    features = open_features(written)
    assert (features.layers, len(features), features.widths) == (("emb",), 600, {"emb": 32})
    np.testing.assert_array_equal(features.ids, data.ids)
    with pytest.raises(InputError, match=r"has no layer 'embb'; did you mean emb\?"):
        next(features.batches("embb"))


def test_truncated_features(written):
    raw = written.read_bytes()
    for length in np.linspace(0, len(raw) - 1, 25).astype(int):
        written.write_bytes(raw[:length])
        with pytest.raises(InputError, match=r"is missing or damaged .*run populate"):
            open_features(written)
    written.unlink()
    with pytest.raises(InputError, match="is missing or damaged"):
        open_features(written)


def test_a_flipped_bit_never_gives_other_features(written):
    truth = next(open_features(written).batches("emb"))
    raw = written.read_bytes()
    rng = np.random.default_rng(0)
    refused = 0
    for place in rng.integers(0, len(raw), 150):
        changed = bytearray(raw)
        changed[place] ^= 1 << int(rng.integers(8))
        written.write_bytes(changed)
        try:
            np.testing.assert_array_equal(next(open_features(written).batches("emb")), truth)
        except InputError as error:
            assert re.search(r"damaged|has no layer|not a fixed_size_list|item_id", str(error))  # noqa: PT017
            refused += 1
    assert refused > 100


def test_a_file_of_another_layout(tmp_path):
    import pyarrow as pa

    path = tmp_path / "f.parquet"
    pq.write_table(pa.table({"item_id": ["a"], "emb": [[1.0, 2.0]]}), path)
    with pytest.raises(InputError, match=r"column emb is list<.*not a fixed_size_list<float32>; bring it in"):
        open_features(path)
    pq.write_table(pa.table({"itemid": ["a"]}), path)
    with pytest.raises(InputError, match=r"has no column item_id; did you mean itemid\?"):
        open_features(path)


def test_layer_names_that_resemble_each_other(tmp_path):
    keras = import_keras()
    x = keras.Input((4,))
    y = keras.layers.Dense(3, name="conv")(x)
    z = keras.layers.Dense(5, name="conv.1")(y)
    model = keras.Model(x, keras.layers.Dense(2, name="conv.1.list")(z))
    data = items(np.random.default_rng(0).normal(size=(20, 4)).astype(np.float32))
    features = extract(model, ["conv", "conv.1", "conv.1.list"], data, tmp_path / "f.parquet")
    for layer in ("conv", "conv.1", "conv.1.list"):
        np.testing.assert_allclose(next(features.batches(layer)), reference(model, data.x, layer), rtol=1e-5, atol=1e-6)
