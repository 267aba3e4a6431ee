from __future__ import annotations

import io
import os
import pickle
import stat
import tracemalloc
import zipfile

import h5py
import numpy as np
import pytest

from kgkt.errors import InputError, UnsafeError
from kgkt.source.models import open_model
from kgkt.source.safety import safe_check


class Evil:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.system, (f"touch {self.path}",)


def layer(config: dict, name: str) -> dict:
    return next(entry for entry in config["config"]["layers"] if entry["name"] == name)


def weights(change) -> bytes:
    """An HDF5 file made by `change(file)`."""
    sink = io.BytesIO()
    with h5py.File(sink, "w") as file:
        change(file)
    return sink.getvalue()


def test_a_good_model_passes(model_a):
    parts = safe_check(model_a)
    assert parts["config"]["class_name"] == "Functional"
    assert parts["n_weights"] == 160 + 4640 + 16416 + 330


@pytest.mark.parametrize("name", ["m.keras", "m.h5", "m.npz", "m"])
@pytest.mark.parametrize("protocol", [0, 2, 5])
def test_a_pickle_is_refused_by_any_name(tmp_path, name, protocol):
    path = tmp_path / name
    path.write_bytes(pickle.dumps(Evil(tmp_path / "evil"), protocol=protocol))
    for allow in (False, True):
        with pytest.raises(UnsafeError, match=r"is a pickle.*refused; save it as \.keras"):
            open_model(path, allow_legacy=allow)
    assert not (tmp_path / "evil").exists()


@pytest.mark.parametrize("name", ["m.keras", "m.h5", "m"])
def test_hdf5_is_refused_by_any_name(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(weights(lambda file: file.create_dataset("x", data=[1.0])))
    with pytest.raises(UnsafeError, match=r"is an HDF5 model, whose layers can carry code.*--allow-legacy"):
        open_model(path)


def test_a_pytorch_archive_is_a_pickle(tmp_path):
    path = tmp_path / "m.keras"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("m/data.pkl", b"\x80\x02}.")
    with pytest.raises(UnsafeError, match=r"member 'm/data.pkl' is a pickle"):
        safe_check(path)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n", "git-LFS pointer.*run git lfs pull"),
        (b"\n <!DOCTYPE html><html>Sign in</html>", "is a web page"),
        (b"<html><head>", "is a web page"),
        (b"", "is empty"),
        (b"hello", r"is not a \.keras model \(it begins with b'hello'\)"),
        (b"PK\x03\x04 and nothing more", "truncated or damaged"),
    ],
)
def test_what_is_no_model_is_recognised(tmp_path, content, says):
    path = tmp_path / "m.keras"
    path.write_bytes(content)
    with pytest.raises(InputError, match=says):
        open_model(path)


def test_missing_and_folder(tmp_path):
    with pytest.raises(InputError, match=r"nowhere.keras cannot be read: No such file"):
        open_model(tmp_path / "nowhere.keras")
    with pytest.raises(InputError, match=r"is a folder, a model is a \.keras file; .* --model sentence-transformers:"):
        open_model(tmp_path)


def test_zip_bomb_is_refused_before_it_is_read(tmp_path):
    path = tmp_path / "bomb.keras"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("config.json", "{}")
        with archive.open("model.weights.h5", "w") as member:
            for _ in range(200):
                member.write(bytes(1 << 20))
    assert path.stat().st_size < 1 << 20
    tracemalloc.start()
    try:
        with pytest.raises(UnsafeError, match=r"'model.weights.h5' declares 209,715,200 bytes.*zip bomb"):
            safe_check(path)
        assert tracemalloc.get_traced_memory()[1] < 4 << 20
    finally:
        tracemalloc.stop()


def test_a_bomb_that_lies_about_its_size_is_damaged(tmp_path):
    path = tmp_path / "bomb.keras"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("config.json", "{}")
        archive.writestr("model.weights.h5", bytes(100 << 20))
    raw = path.read_bytes()
    path.write_bytes(raw.replace((100 << 20).to_bytes(4, "little"), (1000).to_bytes(4, "little")))
    with pytest.raises(InputError, match="truncated or damaged"):
        safe_check(path)


def test_config_bombs(tmp_path, repack):
    with pytest.raises(UnsafeError, match=r"config.json declares 33,554,43\d bytes, above"):
        safe_check(repack({"config.json": b'"' + b" " * (32 << 20) + b'"'}))
    with pytest.raises(UnsafeError, match=r"config.json is nested too deeply"):
        safe_check(repack({"config.json": b"[" * 200_000}))
    with pytest.raises(InputError, match=r"config.json holds list"):
        safe_check(repack({"config.json": b"[]"}))
    with pytest.raises(InputError, match="truncated or damaged"):
        safe_check(repack({"config.json": b"{"}))

    def huge(config):
        layer(config, "emb")["config"]["units"] = 10**9

    with pytest.raises(UnsafeError, match=r"ask for 512,\d{3},\d{3},\d{3} weights and the file stores 21,546"):
        safe_check(repack(edit=huge))


@pytest.mark.parametrize("name", ["../evil.txt", "assets/../../evil.txt", "/evil.txt", "..\\evil.txt", "C:/evil.txt"])
def test_members_outside_of_the_archive(repack, name):
    path = repack({name: b"x"})
    with pytest.raises(UnsafeError, match="points outside of the archive: refused"):
        open_model(path)
    assert not (path.parent / "evil.txt").exists()
    assert not (path.parent.parent / "evil.txt").exists()


def test_link_and_double_members(repack):
    path = repack()
    with zipfile.ZipFile(path, "a") as archive:
        link = zipfile.ZipInfo("assets")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc")
    with pytest.raises(UnsafeError, match="member 'assets' is a link"):
        safe_check(path)
    path = repack()
    with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning, match="Duplicate name"):
        archive.writestr("config.json", "{}")
    with pytest.raises(UnsafeError, match=r"member 'config.json' is there twice"):
        safe_check(path)


def test_a_zip_that_is_no_model(repack):
    with pytest.raises(InputError, match=r"is a zip but no \.keras model: it holds metadata.json, model.weights.h5"):
        safe_check(repack({"config.json": None}))


LAMBDA = {"class_name": "__lambda__", "config": {"code": "4wAA", "defaults": None, "closure": None}}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"class_name": "Lambda"}, r"layer 'emb' \(Lambda\) carries code"),
        ({"class_name": "TorchModuleWrapper"}, "carries code"),
        ({"class_name": "TFSMLayer"}, "carries code"),
        ({"module": "os", "class_name": "system"}, r"'emb' \(system\) comes from os, not from Keras.*--import os"),
        ({"module": "kerasx.layers"}, "comes from kerasx.layers"),
        ({"module": "keras.utils", "class_name": "get_file"}, "comes from keras.utils"),
        ({"module": "keras.src.saving.saving_lib"}, "comes from keras.src.saving.saving_lib"),
        ({"module": None, "registered_name": "mine>Dense"}, "comes from mine>Dense, .*--import PACKAGE"),
    ],
)
def test_code_from_elsewhere_is_refused(repack, change, says):
    path = repack(edit=lambda config: layer(config, "emb").update(change))
    with pytest.raises(UnsafeError, match=says):
        open_model(path)


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("activation", LAMBDA, "object __lambda__ carries code"),
        ("activation", {"module": "builtins", "class_name": "function", "config": "eval", "registered_name": "eval"},
         "object function comes from builtins, not from Keras"),
        ("kernel_initializer", {"module": "subprocess", "class_name": "Popen", "config": {}, "registered_name": None},
         "object Popen comes from subprocess"),
        ("vocabulary", "/etc/passwd", "reads its vocabulary from the file '/etc/passwd'"),
    ],
)
def test_code_deep_inside_a_layer_is_refused(repack, key, value, says):
    path = repack(edit=lambda config: layer(config, "emb")["config"].update({key: value}))
    with pytest.raises(UnsafeError, match=says):
        open_model(path)


def test_an_import_covers_only_its_own_package(repack):
    path = repack(edit=lambda config: layer(config, "emb").update({"module": "os", "class_name": "system"}))
    with pytest.raises(UnsafeError, match="comes from os"):
        open_model(path, imports=["json"])


def test_what_it_was_compiled_with_is_never_read(repack):
    loss = {"module": "elsewhere", "class_name": "Loss", "config": {}, "registered_name": "x>Loss"}
    path = repack(edit=lambda config: config["compile_config"].update(loss=loss))
    assert open_model(path).name == "a"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda f: f.__setitem__("layers", h5py.ExternalLink("/etc/hostname", "/x")), "weights /layers are a link"),
        (lambda f: f.__setitem__("layers", h5py.SoftLink("/y")), "weights /layers are a link"),
        (lambda f: f.create_dataset("v", (8,), "u1", external=[("/etc/hostname", 0, 8)]), "lie in another file"),
        (lambda f: f.create_dataset("v", (1 << 30,), "f4"), r"declare 4,294,967,296 bytes and store 0"),
        (lambda f: f.create_group("a").__setitem__("a", f["a"]), "nested too deeply"),
    ],
)
def test_weights_that_reach_out_are_refused(repack, change, says):
    with pytest.raises(UnsafeError, match=says):
        safe_check(repack({"model.weights.h5": weights(change)}))


def test_damaged_weights_in_a_sound_archive(repack, model_a):
    with zipfile.ZipFile(model_a) as archive:
        raw = archive.read("model.weights.h5")
    with pytest.raises(InputError, match="its weights are damaged"):
        open_model(repack({"model.weights.h5": raw[: len(raw) // 2]}))
    with pytest.raises(InputError, match=r"cannot be opened \(written by Keras .*, read by Keras .*|cannot be opened"):
        open_model(repack({"model.weights.h5": weights(lambda file: file.create_group("layers"))}))


def test_truncation_is_always_noticed(model_a, tmp_path):
    raw = model_a.read_bytes()
    path = tmp_path / "cut.keras"
    for length in np.linspace(1, len(raw) - 1, 60).astype(int):
        path.write_bytes(raw[:length])
        with pytest.raises(InputError, match=r"truncated or damaged|is not a \.keras model"):
            safe_check(path)


def test_a_flipped_bit_never_gives_another_model(model_a, tmp_path):
    raw = model_a.read_bytes()
    truth = safe_check(model_a)
    rng = np.random.default_rng(0)
    path = tmp_path / "flipped.keras"
    places = np.concatenate([rng.integers(0, len(raw), 200), np.arange(64), len(raw) - 1 - np.arange(200)])
    refused = 0
    for place in places:
        changed = bytearray(raw)
        changed[place] ^= 1 << int(rng.integers(8))
        path.write_bytes(changed)
        try:
            assert safe_check(path) == truth
        except (InputError, UnsafeError):
            refused += 1
    assert refused > 250
