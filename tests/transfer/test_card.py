from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kgkt import __version__
from kgkt.errors import InputError
from kgkt.rundir import sha256_file
from kgkt.transfer.card import check_output, write_card
from kgkt.transfer.fuse import FuseOptions, fuse
from kgkt.values import Fusion

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
    out, run_json, card = write_card(
        marked, tmp_path / "b-fused.keras", original=model_b, facts={"graph": "main", "seed": 3}
    )
    assert (run_json.name, card.name) == ("b-fused.run.json", "b-fused.card.md")
    run = json.loads(run_json.read_text())
    assert run["sha256"] == sha256_file(out)
    assert run["target"] == {"file": "b.keras", "sha256": before}
    assert sha256_file(model_b) == before
    assert run["facts"] == {"graph": "main", "seed": 3}
    assert run["versions"]["kgkt"] == __version__
    assert run["options"]["steps"] == 20
    assert len(run["history"]["loss"]) == 20
    text = card.read_text()
    assert "| test_fused | 92.8 % |" in text
    assert "| gain | not measured |" in text
    assert "| de\\|nse | 3 unit | written in closed form | \\<b\\>lower\\</b\\> |" in text
    assert f"| B sha256 | {before} |" in text
    assert "there is no map" in text
    assert sorted(p.name for p in tmp_path.iterdir()) == ["b-fused.card.md", "b-fused.keras", "b-fused.run.json"]


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
