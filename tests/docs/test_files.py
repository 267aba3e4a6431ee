"""The first recipe of docs/files.md brings the features of a PyTorch model into a graph."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from kgkt.cli import main
from tests.docs.conftest import ROOT, read

# What the reader has: a model with these two layers, batches of its pool, and the items' ids.
BEFORE = """\
from collections import OrderedDict
import torch
torch.manual_seed(0)
model = torch.nn.Sequential(OrderedDict(
    layer3=torch.nn.Conv2d(1, 4, 3), avgpool=torch.nn.AdaptiveAvgPool2d(2), flat=torch.nn.Flatten(),
    head=torch.nn.Linear(16, 3)))
pool = torch.rand(90, 1, 8, 8)
loader, ids = pool.split(32), [f"p{i}" for i in range(90)]
"""
AFTER = "np.savez('true.npz', layer3=model.layer3(pool).detach().numpy())\n"


def snippets() -> list[str]:
    """The recipes in Python, in their order on the page."""
    if importlib.util.find_spec("torch") is None:
        pytest.skip("needs kgkt[text]")
    return re.findall(r"^```python\n(.*?)^```", read(ROOT / "docs" / "files.md"), re.M | re.S)


def test_features_from_pytorch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    snippet = snippets()[0]
    code = BEFORE + snippet + AFTER
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True, capture_output=True)  # torch, apart from Keras
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("KGKT_DIR", raising=False)
    with pytest.raises(SystemExit) as left:
        main(["populate", "--features", "features.npz"])
    assert not left.value.code
    made = pq.read_table("kgkt-run/main/features.parquet")
    assert made.column("item_id").to_pylist() == [f"p{i}" for i in range(90)]
    assert [made.schema.field(name).type.list_size for name in ("layer3", "avgpool")] == [4 * 6 * 6, 4 * 2 * 2]
    with np.load("true.npz") as true:
        np.testing.assert_allclose(np.stack(made.column("layer3").to_pylist()), true["layer3"].reshape(90, -1), atol=1e-5)
