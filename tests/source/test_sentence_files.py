"""What is refused in the folder of a sentence model, by its files alone: no extra is needed for it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from kgkt.errors import InputError, UnsafeError
from kgkt.source.inputs import read_data
from kgkt.source.sentence_files import digest_sentences, inspect_sentences
from kgkt.source.sentences import check_texts, extract_sentences

MODULES = [
    {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
    {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.sentence_transformer.modules.pooling.Pooling"},
    {"idx": 2, "name": "2", "path": "2_Dense", "type": "sentence_transformers.models.Dense.Dense"},
]


def put(file: Path, value: Any) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(value if isinstance(value, str) else json.dumps(value))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A model of a Transformer, pooling and a Dense layer, written by hand."""
    root = tmp_path / "m"
    put(root / "modules.json", MODULES)
    put(root / "config.json", {"model_type": "bert", "hidden_size": 8, "vocab_size": 10, "num_hidden_layers": 1})
    put(root / "sentence_bert_config.json", {"max_seq_length": 64})
    put(root / "tokenizer.json", {"auto_map": "words of a vocabulary may be called anything"})
    put(root / "1_Pooling/config.json", {"word_embedding_dimension": 8, "pooling_mode_cls_token": True,
                                         "pooling_mode_mean_tokens": True, "pooling_mode_max_tokens": False})
    put(root / "2_Dense/config.json", {"in_features": 16, "out_features": 4,
                                       "activation_function": "torch.nn.modules.activation.Tanh"})
    save_file({"embeddings.word_embeddings.weight": np.zeros((10, 8), np.float32),
               "position_ids": np.zeros((1, 64), np.int64)}, root / "model.safetensors")
    save_file({"linear.weight": np.zeros((4, 16), np.float16)}, root / "2_Dense/model.safetensors")
    return root


def test_facts_are_followed_through_the_modules(folder: Path) -> None:
    info = inspect_sentences(folder)
    assert info.modules == ("Transformer", "Pooling", "Dense")
    assert (info.width, info.n_weights, info.tokens) == (4, 80 + 64, 64)  # positions are no weights
    put(folder / "modules.json", MODULES[:2])
    assert inspect_sentences(folder).width == 16  # two ways of pooling, side by side
    put(folder / "1_Pooling/config.json", {"embedding_dimension": 8, "pooling_mode": "mean"})
    assert inspect_sentences(folder).width == 8


def change(file: str, **entries: Any) -> Any:
    def edit(folder: Path) -> None:
        path = folder / file
        put(path, (json.loads(path.read_text()) if path.exists() else {}) | entries)

    return edit


def module(**entries: str) -> Any:
    return lambda folder: put(folder / "modules.json", [MODULES[0], MODULES[1] | entries])


def pickled(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    (folder / "pytorch_model.bin").write_bytes(b"PK\x03\x04 or \x80\x02")


@pytest.mark.parametrize(
    ("edit", "says"),
    [
        (pickled, r"pytorch_model\.bin is a pickle, .*refused; .*\.save\(PATH, safe_serialization=True\)"),
        (module(type="modeling_own.Own"), r"names the module modeling_own\.Own, which kgkt does not open"),
        (module(type="sentence_transformers.util.misc.os.system"), r"names the module sentence_transformers\.util"),
        (module(type="sentence_transformers.models.Router"), "names the module sentence_transformers.models.Router"),
        (module(type="sentence_transformers.models.Pooling\n"), "which kgkt does not open"),
        (module(path="../other"), r"names the folder '\.\./other', outside of the model"),
        (module(path="/etc"), "names the folder '/etc', outside of the model"),
        (module(path="..\\other"), "outside of the model"),
        (change("config.json", auto_map={"AutoModel": "own.Own"}), r"config\.json says auto_map: the model brings code"),
        (change("tokenizer_config.json", auto_map={}), r"tokenizer_config\.json says auto_map"),
        (change("sentence_bert_config.json", model_args={"trust_remote_code": True}), "says trust_remote_code"),
        (change("config.json", _attn_implementation="someone/kernel"), "takes its attention from someone/kernel"),
        (change("2_Dense/config.json", activation_function="os.abort"), r"takes its activation from os\.abort"),
        (change("2_Dense/config.json", activation_function="torch.hub.load"), r"takes its activation from torch\.hub"),
        (change("adapter_config.json", base_model_name_or_path="x/y"), r"adapter_config\.json: an adapter to another"),
        (change("config.json", hidden_size=50_000, num_hidden_layers=50), r"asks for 125,000,500,000 weights"),
        (change("2_Dense/config.json", in_features=10**6, out_features=10**6), "asks for 1,000,000,000,000 weights"),
        (lambda f: put(f / "config.json", "[" * 200_000 + "]" * 200_000), "nested too deeply"),
    ],
)
def test_what_could_run_code_is_refused(folder: Path, edit: Any, says: str) -> None:
    edit(folder)
    with pytest.raises(UnsafeError, match=says) as refused:
        inspect_sentences(folder)
    assert refused.value.exit_code == 5


def lfs(name: str) -> Any:
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:12\nsize 90868376\n"
    return lambda folder: put(folder / name, pointer)


def cut(folder: Path) -> None:
    raw = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(raw[: len(raw) // 2])


@pytest.mark.parametrize(
    ("edit", "says"),
    [
        (lambda f: (f / "modules.json").unlink(), r"m has no modules\.json, so it is no sentence model: save one with"),
        (lambda f: (f / "model.safetensors").unlink(), r"m holds no weights \(model\.safetensors\): save the model again"),
        (lfs("model.safetensors"), r"model\.safetensors is a git-LFS pointer"),
        (lfs("modules.json"), r"modules\.json is a git-LFS pointer"),
        (lfs("config.json"), r"config\.json is a git-LFS pointer"),
        (lambda f: put(f / "config.json", "<!DOCTYPE html>"), r"config\.json is a web page"),
        (lambda f: put(f / "config.json", "{"), r"config\.json is damaged"),
        (lambda f: put(f / "modules.json", {}), r"modules\.json holds dict, expected list"),
        (lambda f: put(f / "modules.json", [{}]), r"modules\.json has an entry without type and path"),
        (lambda f: put(f / "modules.json", []), "begins with nothing, which reads no text"),
        (lambda f: put(f / "modules.json", MODULES[1:]), "begins with Pooling, which reads no text"),
        (cut, r"model\.safetensors is truncated or damaged"),
        (change("config_sentence_transformers.json", model_type="CrossEncoder"), "holds a CrossEncoder, which gives no"),
    ],
)
def test_what_cannot_be_read_is_named(folder: Path, edit: Any, says: str) -> None:
    edit(folder)
    with pytest.raises(InputError, match=says):
        inspect_sentences(folder)


@pytest.mark.parametrize("look", [inspect_sentences, digest_sentences])
def test_nothing_is_ever_downloaded(tmp_path: Path, look: Any) -> None:
    absent = tmp_path / "all-MiniLM-L6-v2"
    with pytest.raises(InputError, match=re.escape(f"{absent} is not there: kgkt downloads no models; save one with")):
        look(absent)
    absent.write_text("x")
    with pytest.raises(InputError, match="is a file: name the folder"):
        look(absent)


def test_weights_whose_length_looks_like_a_pickle_are_weights(folder: Path) -> None:
    """A safetensors file begins with the length of its header: 0x80 0x02 there is 640 bytes, no pickle."""
    weights = {"embeddings.word_embeddings.weight": np.zeros((10, 8), np.float32)}
    for padding in range(640):
        save_file(weights, folder / "model.safetensors", metadata={"note": "x" * padding})
        if (folder / "model.safetensors").read_bytes()[:2] == b"\x80\x02":
            break
    else:
        pytest.fail("no padding gave a header of 640 bytes")
    assert inspect_sentences(folder).n_weights == 80 + 64


def test_data_and_layers_that_do_not_fit(folder: Path, pool_npz: Path, texts_csv: Path) -> None:
    with pytest.raises(InputError, match=r"reads texts, the data has items of shape \(8, 8, 1\): give a \.csv"):
        check_texts(folder, read_data(pool_npz))
    with pytest.raises(InputError, match="one layer, 'sentence', and no 'mid': leave --layers out"):
        check_texts(folder, read_data(texts_csv), ("sentence", "mid"))
    check_texts(folder, read_data(texts_csv), ("sentence",))


def test_a_missing_library_names_the_extra(folder: Path, texts_csv: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"needs the library sentence-transformers: pip install 'kgkt\[text\]'"):
        extract_sentences(folder, read_data(texts_csv), tmp_path / "f.parquet")
