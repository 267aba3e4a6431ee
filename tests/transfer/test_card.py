from __future__ import annotations

import json
import platform
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kgkt import __version__
from kgkt.errors import InputError
from kgkt.files import sha256_file
from kgkt.transfer.card import check_output, write_card
from kgkt.transfer.fuse import FuseOptions, fuse
from kgkt.values import Fusion

FACTS = {
    "graph": "main", "items": 600, "unreached": 3, "inactive_concepts": 2, "ticks": 0,
    "source": {"source": "a.keras", "layers": {"mid": 512, "emb": 32}, "concepts": 60, "edges": 396, "stability": 0.55},
    "source_sha256": "0a", "concepts_seed": 3, "classes": ["cat", "d|og", "owl"],
    "labels": {"cat": 3, "d|og": 2, "owl": 0}, "spread": "both", "expert": "auto", "alpha": 0.9,
    "experts": {"head": 0.62}, "teach": {"balanced": False, "prior": {"cat": 0.7, "d|og": 0.2, "owl": 0.1}},
    "digests": {"targets.parquet": "0b"},
}  # fmt: skip

PLAIN_KERAS = """
import sys
sys.modules["kgkt"] = None
import keras, numpy as np
model = keras.saving.load_model(sys.argv[1])
np.save(sys.argv[3], model.predict(np.load(sys.argv[2]), verbose=0))
"""


@pytest.fixture
def fusion(mlp: Any, taught: Any) -> Fusion:
    return fuse(mlp(), taught.x, taught.targets, taught.labels, options=FuseOptions(steps=20))


@pytest.mark.slow
def test_a_fused_b_opens_in_plain_keras_without_kgkt(fusion: Fusion, taught: Any, tmp_path: Path) -> None:
    out, *_ = write_card(fusion, tmp_path / "b-fused.keras")
    np.save(tmp_path / "x.npy", taught.x)
    answer = tmp_path / "p.npy"
    subprocess.run(
        [sys.executable, "-c", PLAIN_KERAS, out, tmp_path / "x.npy", answer], check=True, capture_output=True
    )
    np.testing.assert_allclose(np.load(answer), fusion.model.predict(taught.x, verbose=0), atol=1e-6)


def test_beside_it_lie_the_facts_and_a_card(fusion: Fusion, model_b: Path, tmp_path: Path) -> None:
    before = sha256_file(model_b)
    marked = replace(
        fusion,
        written={"de|nse\n": {"kind": "unit", "blocks": 3, "written": True, "why": "<b>lower</b>"}},
        figures=fusion.figures | {"test_fused": 0.9284},
    )
    out, run_json, card = write_card(marked, tmp_path / "b-fused.keras", original=model_b, facts=FACTS)
    assert (run_json.name, card.name) == ("b-fused.run.json", "b-fused.card.md")
    run = json.loads(run_json.read_text())
    assert run["sha256"] == sha256_file(out)
    assert run["target"] == {"file": "b.keras", "sha256": before}
    assert sha256_file(model_b) == before
    assert run["facts"] == FACTS
    assert run["versions"]["kgkt"] == __version__
    assert run["options"]["steps"] == 20
    assert len(run["history"]["loss"]) == 20
    text = card.read_text()
    assert "b.keras, taught by a concept graph of what a.keras knows; made with kgkt" in text
    assert "2,778 weights; reads 64. It opens in plain Keras." in text
    assert "Its 3 outputs, in order: cat, d\\|og, owl." in text
    assert "| B alone, the same steps on the labels | not measured |\n| **this model** | 92.8 % |\n\n" in text
    assert "| labels | 5: cat: 3, d\\|og: 2 |\n| classes without a label | owl |\n| concepts switched off | 2 |" in text
    assert "| shares of the classes | cat 70 %, d\\|og 20 %, owl 10 %, as stated |" in text
    assert "| reached | 597 of 600 items |" in text
    assert "ticks" not in text
    assert "| de\\|nse | 3 unit blocks | written in closed form | \\<b\\>lower\\</b\\> |" in text
    assert "20 of at most 20 steps of Adam, the best after " in text
    for file, digest in (("b-fused.keras", sha256_file(out)), ("b.keras (B)", before), ("a.keras (A)", "0a"),
                         ("targets.parquet", "0b")):
        assert f"| {file} | {digest} |" in text
    assert f"Seeds: of the training 0; of the concepts 3. Versions: python {platform.python_version()}, kgkt {__version__}, " in text
    assert "there is no map" in text
    assert not re.search(r"[{}\[\]]|None|_", text)  # no dict, list or key of the JSON
    assert sorted(p.name for p in tmp_path.iterdir()) == ["b-fused.card.md", "b-fused.keras", "b-fused.run.json"]


def test_a_card_without_a_test_set_and_without_a_known_graph(fusion: Fusion, tmp_path: Path) -> None:
    _, _, card = write_card(fusion, tmp_path / "b.keras")
    text = card.read_text()
    assert "B, taught by a concept graph; made with kgkt" in text
    assert "Not measured: no test set was given." in text
    assert re.search(r"on the 10 % of the pool held out from training: \d\.\d{3} nats", text)
    assert "What it was taught" not in text
    assert not re.search(r"[{}\[\]]|None\b(?!:)", text)


def test_an_existing_output_is_refused_and_stays_unless_forced(fusion: Fusion, tmp_path: Path) -> None:
    out = tmp_path / "b.keras"
    out.write_text("mine")
    with pytest.raises(InputError, match=r"b\.keras exists; give another --out, or --force"):
        write_card(fusion, out)
    assert out.read_text() == "mine"
    write_card(fusion, out, force=True)
    assert out.read_bytes()[:2] == b"PK"
    out.unlink()
    with pytest.raises(InputError, match=r"b\.run\.json exists"):
        write_card(fusion, out)


def test_places_that_cannot_hold_a_fused_b_are_refused(model_b: Path, fusion: Fusion, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is B's own file, which kgkt never changes"):
        check_output(model_b, model_b, force=True)
    with pytest.raises(InputError, match=r"b\.h5: a fused B is a Keras file; name it b\.keras"):
        check_output(tmp_path / "b.h5")
    (tmp_path / "folder.keras").mkdir()
    with pytest.raises(InputError, match="is a folder; name a file in it"):
        check_output(tmp_path / "folder.keras")
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written"):
        write_card(fusion, tmp_path / "file" / "b.keras")
