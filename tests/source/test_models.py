from __future__ import annotations

import json
import subprocess
import sys
import zipfile

import h5py
import numpy as np
import pytest

from kgkt.errors import InputError, UnsafeError
from kgkt.files import sha256_file
from kgkt.source.models import inspect_model, layer_by_name, open_model
from kgkt.source.quiet import keras as import_keras

LAYERS_OF_A = {
    "image": (8, 8, 1), "first": (8, 8, 16), "mid": (8, 8, 32), "half": (4, 4, 32), "flat": (512,), "emb": (32,),
    "head": (10,),
}


def test_facts_of_a_functional_model(model_a):
    info = inspect_model(model_a)
    assert list(info.layers.items()) == list(LAYERS_OF_A.items())
    assert info.classes["mid"] == "Conv2D"
    assert (info.name, info.kind, info.outputs, info.last_activation) == ("a", "Functional", 10, "softmax")
    assert (info.input_shape, info.n_weights) == ((8, 8, 1), 21546)
    assert info.sha256 == sha256_file(model_a)
    assert info.keras_version == import_keras().__version__


def test_facts_of_a_sequential_model(model_b):
    info = inspect_model(model_b)
    assert info.layers == {"image": (8, 8, 1), "flat": (64,), "hidden": (32,), "out": (10,)}
    assert (info.kind, info.outputs, info.last_activation, info.input_shape) == ("Sequential", 10, "softmax", (8, 8, 1))
    assert info.n_weights == 64 * 32 + 32 + 32 * 10 + 10


def test_the_facts_agree_with_the_opened_model(tmp_path):
    keras = import_keras()
    image = keras.Input((None, None, 3))
    x = keras.layers.Conv2D(4, 3, name="conv")(image)
    x = keras.layers.BatchNormalization()(x)
    x = keras.layers.GlobalAveragePooling2D()(x)
    x = keras.layers.Dropout(0.5)(x)
    x = keras.layers.Dense(7)(x * 2.0)
    model = keras.Model(image, keras.layers.Activation("softmax")(x))
    model.compile("adam", "mse")
    model.save(tmp_path / "m.keras")
    info = inspect_model(tmp_path / "m.keras")
    assert {layer.name: info.layers[layer.name] for layer in model.layers} == {
        layer.name: tuple(layer.output.shape[1:]) for layer in model.layers}
    assert (info.outputs, info.last_activation, info.n_weights) == (7, "softmax", model.count_params())
    assert info.input_shape == (None, None, 3)


def test_the_last_activation_is_the_one_before_a_cast_or_a_dropout(tmp_path):
    keras = import_keras()
    dense, cast = keras.layers.Dense, keras.layers.Activation("linear", dtype="float32")

    def last_of(model):
        model.save(tmp_path / "m.keras")
        return inspect_model(tmp_path / "m.keras").last_activation

    assert last_of(keras.Sequential([keras.Input((4,)), dense(1, "sigmoid", dtype="mixed_float16"), cast])) == "sigmoid"
    assert last_of(keras.Sequential([keras.Input((4,)), dense(3), cast])) == "linear"
    image = keras.Input((4,))
    side, out = dense(3, "tanh")(image), dense(3, "softmax")(image)
    assert last_of(keras.Model(image, keras.layers.Dropout(0.1)(out))) == "softmax"
    assert last_of(keras.Model(image, keras.layers.Dropout(0.1)(keras.layers.Add()([out, side])))) is None


def test_several_outputs_and_inputs(tmp_path):
    keras = import_keras()
    a, b = keras.Input((3,)), keras.Input((4,))
    x = keras.layers.Concatenate()([a, b])
    model = keras.Model([a, b], [keras.layers.Dense(2)(x), keras.layers.Dense(5)(x)])
    model.save(tmp_path / "m.keras")
    info = inspect_model(tmp_path / "m.keras")
    assert (info.outputs, info.last_activation, info.input_shape) == (None, None, None)


def test_no_heavy_import(model_a):
    code = (
        "import sys; from kgkt.source.models import inspect_model; inspect_model(sys.argv[1]);"
        "assert not {'tensorflow', 'keras', 'sklearn', 'scipy', 'pyarrow', 'PIL'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code, str(model_a)], check=True)


def test_layers_by_name(model_a):
    model, info = open_model(model_a), inspect_model(model_a)
    assert layer_by_name(model, "mid").filters == 32
    assert layer_by_name(info, "mid") == "mid"
    for thing in (model, info):
        with pytest.raises(InputError, match=r"has no layer 'midd'; did you mean mid\?"):
            layer_by_name(thing, "midd")
        with pytest.raises(InputError, match=r"has no layer ''; known: image"):
            layer_by_name(thing, "")


def test_an_ambiguous_layer(tmp_path):
    keras = import_keras()
    model = keras.Sequential([keras.Input((4,)), *(keras.layers.Dense(3, name=f"block_{i}") for i in (1, 2))])
    with pytest.raises(InputError, match="layer 'block' is ambiguous: it could be block_1, block_2"):
        layer_by_name(model, "block")


def test_opened_as_it_was_saved(model_a, digits):
    model = open_model(model_a)
    share = (model.predict(digits.test_x, verbose=0).argmax(1) == digits.test_y).mean()
    assert share > 0.9
    assert not model.compiled


def test_another_keras_version_is_read(repack):
    path = repack({"metadata.json": json.dumps({"keras_version": "99.1.0"}).encode()})
    assert inspect_model(path).keras_version == "99.1.0"
    assert open_model(path).count_params() == 21546


def test_another_keras_version_that_cannot_be_read(repack):
    def future(config):
        config["config"]["layers"][1]["class_name"] = "HolographicConv"

    path = repack({"metadata.json": json.dumps({"keras_version": "99.1.0"}).encode()}, edit=future)
    here = import_keras().__version__
    with pytest.raises(InputError, match=rf"written by Keras 99\.1\.0, read by Keras {here}\): .*HolographicConv"):
        open_model(path)


def test_a_model_of_the_wrong_name(repack):
    with pytest.raises(InputError, match=r"is a \.keras model by its content: give it a name that ends in \.keras"):
        open_model(repack(name="changed.model"))


def test_a_model_without_an_input_shape(tmp_path):
    keras = import_keras()
    with pytest.warns(UserWarning, match="not yet been built"):
        keras.Sequential([keras.layers.Dense(3)]).save(tmp_path / "m.keras")
    with pytest.raises(InputError, match=r"no weights yet.*add keras\.Input"):
        open_model(tmp_path / "m.keras")


@pytest.fixture
def own_layers(tmp_path, monkeypatch):
    """A package with a registered layer, and a model that uses it; neither is loaded any more."""
    keras = import_keras()
    from keras.src.saving.object_registration import GLOBAL_CUSTOM_OBJECTS

    (tmp_path / "kgkt_own_layers.py").write_text(
        "import keras\n"
        "@keras.saving.register_keras_serializable('kgkt_own_layers')\n"
        "class Twice(keras.layers.Layer):\n"
        "    def call(self, x):\n"
        "        return 2 * x\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    import kgkt_own_layers

    path = tmp_path / "own.keras"
    keras.Sequential([keras.Input((4,)), kgkt_own_layers.Twice(name="twice"), keras.layers.Dense(3)]).save(path)
    GLOBAL_CUSTOM_OBJECTS.pop("kgkt_own_layers>Twice")
    sys.modules.pop("kgkt_own_layers")
    yield path
    GLOBAL_CUSTOM_OBJECTS.pop("kgkt_own_layers>Twice", None)
    sys.modules.pop("kgkt_own_layers", None)


def test_own_layers_load_by_import_only(own_layers):
    with pytest.raises(UnsafeError, match=r"'twice' \(Twice\) comes from kgkt_own_layers, not.*--import kgkt_own"):
        open_model(own_layers)
    assert "kgkt_own_layers" not in sys.modules
    assert inspect_model(own_layers, imports=["kgkt_own_layers"]).classes["twice"] == "Twice"
    assert "kgkt_own_layers" not in sys.modules
    model = open_model(own_layers, imports=["kgkt_own_layers"])
    x = np.ones((1, 4), np.float32)
    np.testing.assert_array_equal(model.layers[0](x), 2 * x)


def test_an_import_that_is_not_there(own_layers):
    with pytest.raises(InputError, match=r"--import kgkt_nowhere: No module named .*PYTHONPATH"):
        open_model(own_layers, imports=["kgkt_own_layers", "kgkt_nowhere"])


def test_an_import_that_does_not_register_the_layer(repack):
    def own(config):
        config["config"]["layers"][1] |= {"module": None, "class_name": "Mine", "registered_name": "mine>Mine"}

    with pytest.raises(InputError, match=r"cannot be opened: Could not locate class 'Mine'"):
        open_model(repack(edit=own), imports=["json"])


@pytest.fixture
def legacy(model_b, tmp_path):
    path = tmp_path / "b.h5"
    open_model(model_b).save(path)
    return path


def test_legacy_hdf5_when_allowed(legacy, model_b, digits):
    with pytest.raises(UnsafeError, match="--allow-legacy"):
        open_model(legacy)
    x = digits.test_x[:5]
    np.testing.assert_array_equal(open_model(legacy, allow_legacy=True)(x), open_model(model_b)(x))


def test_legacy_hdf5_with_code_or_damage(legacy, tmp_path):
    raw = legacy.read_bytes()
    with h5py.File(legacy, "r+") as file:
        file.attrs["model_config"] = file.attrs["model_config"].replace("Dense", "Lambda")
    with pytest.raises(UnsafeError, match=r"\(Lambda\) carries code"):
        open_model(legacy, allow_legacy=True)
    cut = tmp_path / "cut.h5"
    cut.write_bytes(raw[: len(raw) // 2])
    with pytest.raises(InputError, match="damaged"):
        open_model(cut, allow_legacy=True)
    with h5py.File(cut, "w") as file:
        file["weights"] = [1.0]
    with pytest.raises(InputError, match="holds weights without a model"):
        open_model(cut, allow_legacy=True)
    cut.with_suffix(".keras").write_bytes(raw)
    with pytest.raises(UnsafeError, match=r"HDF5 model by its content: give it a name that ends in \.h5"):
        open_model(cut.with_suffix(".keras"), allow_legacy=True)


def test_compressed_archives_open_too(model_a, tmp_path):
    path = tmp_path / "small.keras"
    with zipfile.ZipFile(model_a) as old, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, old.read(name))
    assert open_model(path).count_params() == 21546
