"""A real, tiny sentence model: its vectors, its facts, what is refused, and that nothing of it stays behind."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from kgkt.errors import InputError, UnsafeError
from kgkt.source.inputs import read_data
from kgkt.source.parquet import open_features
from kgkt.source.sentence_files import digest_sentences, inspect_sentences
from kgkt.source.sentences import extract_sentences
from tests.texts import Phrases, apart

pytestmark = pytest.mark.slow

# Saves what untrained copies of two seeds give for texts, and prints why another model cannot be opened: all in one
# process, for PyTorch takes seconds to import.
OPENED = """
import sys
from pathlib import Path
import numpy as np
from kgkt.errors import InputError
from kgkt.source.sentence_child import open_sentences
texts = open(sys.argv[2], encoding="utf-8").read().splitlines()
np.save(sys.argv[3], [open_sentences(Path(sys.argv[1]), seed).encode(texts, show_progress_bar=False) for seed in (0, 1)])
try:
    open_sentences(Path(sys.argv[4]))
except InputError as error:
    print(error)
"""


@pytest.fixture
def copy(sentence_model: Path, tmp_path: Path) -> Path:
    """The model's folder, to be changed."""
    return Path(shutil.copytree(sentence_model, tmp_path / "copy"))


def test_vectors_are_what_the_library_gives(sentence_features: Path, sentence_model, phrases: Phrases) -> None:
    features, seen = open_features(sentence_features / "f.parquet"), int((sentence_features / "seen").read_text())
    vectors = features.rows("sentence", np.arange(240))
    assert (features.widths, vectors.dtype, seen) == ({"sentence": 32}, np.float32, 240)
    assert features.ids.tolist() == phrases.ids
    np.testing.assert_allclose(vectors, np.load(sentence_model.with_name("vectors.npy"))[:240], atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert features.meta["model_sha256"] == inspect_sentences(sentence_model).sha256
    assert (features.source, "torch" in sys.modules) == ("tiny", False)


def test_its_facts_come_without_pytorch(sentence_model) -> None:
    info = inspect_sentences(sentence_model)
    stored = load_file(sentence_model / "model.safetensors")
    assert (info.modules, info.width, info.tokens) == (("Transformer", "Pooling", "Normalize"), 32, 16)
    assert info.n_weights == sum(array.size for array in stored.values() if array.dtype.kind == "f") > 15_000
    code = (
        "import sys; from kgkt.source.sentence_files import inspect_sentences; inspect_sentences(sys.argv[1]);"
        "assert not {'torch', 'transformers', 'sentence_transformers', 'tensorflow', 'sklearn'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code, str(sentence_model)], check=True)


def test_an_untrained_copy_has_fresh_weights_of_its_seed_and_what_cannot_be_opened_says_why(
    sentence_features: Path, sentence_model, copy: Path, phrases: Phrases, tmp_path
) -> None:
    trained, untrained = (open_features(sentence_features / f"{name}.parquet").rows("sentence", np.arange(240))
                          for name in ("f", "untrained"))  # fmt: skip
    config = json.loads((copy / "config.json").read_text())
    (copy / "config.json").write_text(json.dumps(config | {"model_type": "nobert"}))
    (tmp_path / "texts.txt").write_text("\n".join(phrases.pool))
    said = apart(OPENED, sentence_model, tmp_path / "texts.txt", tmp_path / "vectors.npy", copy)
    same, other = np.load(tmp_path / "vectors.npy")
    np.testing.assert_array_equal(same, untrained)  # in another process
    assert np.abs(untrained - trained).max() > 0.05
    assert np.abs(untrained - other).max() > 0.05
    assert re.search(r"copy cannot be opened \(sentence-transformers .*nobert", said)


def test_the_digest_is_of_what_makes_the_model(copy: Path) -> None:
    before = digest_sentences(copy)
    (copy / "README.md").write_text("other words")
    (copy / "modules.json").touch()
    assert digest_sentences(copy) == before
    (copy / "vocab.txt").write_text("[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\ndog\n")
    assert digest_sentences(copy) != before


def test_weights_that_are_missing_are_not_drawn_at_random(copy: Path, texts_csv, tmp_path) -> None:
    weights = load_file(copy / "model.safetensors")
    weights.pop("encoder.layer.1.output.LayerNorm.weight")
    save_file(weights, copy / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(InputError, match=r"lack 1 of the model's weights, e\.g\. encoder\.layer\.1\.output\.LayerNorm"):
        extract_sentences(copy, read_data(texts_csv), tmp_path / "f.parquet")
    assert not (tmp_path / "f.parquet").exists()


def test_weights_that_are_no_numbers_are_named(copy: Path, texts_csv, tmp_path) -> None:
    weights = load_file(copy / "model.safetensors")
    weights["encoder.layer.0.output.dense.bias"][:] = np.nan
    save_file(weights, copy / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(InputError, match=r"copy: layer 'sentence' gives NaN or infinity for 240 of 240 items, first for t000"):
        extract_sentences(copy, read_data(texts_csv), tmp_path / "f.parquet")


def test_code_beside_the_model_never_runs(copy: Path, texts_csv, tmp_path) -> None:
    (copy / "evil.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\nclass Evil: pass\n")
    modules = json.loads((copy / "modules.json").read_text())
    modules[1]["type"] = "evil.Evil"
    (copy / "modules.json").write_text(json.dumps(modules))
    with pytest.raises(UnsafeError, match=r"names the module evil\.Evil, which kgkt does not open: refused"):
        extract_sentences(copy, read_data(texts_csv), tmp_path / "f.parquet")
    assert not (tmp_path / "ran").exists()


def test_a_process_that_dies_is_reported(sentence_model, texts_csv, tmp_path, monkeypatch) -> None:
    (tmp_path / "sentence_transformers.py").write_text("import os; os.kill(os.getpid(), 9)")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(InputError, match=r"tiny: the process that reads the texts ended early \(signal 9: perhaps"):
        extract_sentences(sentence_model, read_data(texts_csv), tmp_path / "f.parquet")
