"""The second recipe of docs/files.md teaches a PyTorch model from targets.parquet."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from tests.docs.test_files import snippets

# What the reader has: the pool's items in another order than the graph's, and an untrained B.
POOL = """\
import numpy as np, torch
torch.manual_seed(0)
with np.load("pool.npz") as pool:
    ids, x = pool["item_id"].tolist()[::-1], torch.tensor(pool["x"][::-1].copy()).float().flatten(1)
x /= x.abs().max()
model = torch.nn.Sequential(torch.nn.Linear(64, 32), torch.nn.ReLU(), torch.nn.Linear(32, 10))
"""
ANSWERS = """
with np.load("test.npz") as test:
    given = torch.tensor(test["x"]).float().flatten(1)
    given /= given.abs().max()
    said = np.array([name[2:] for name in classes])[model(given).argmax(1).numpy()]
    print(np.mean(said == test["y"].astype(str)))
"""


def test_targets_teach_a_pytorch_model(taught_once: Path, tmp_path: Path) -> None:
    shutil.copytree(taught_once, tmp_path / "work")
    code = POOL + snippets()[1] + ANSWERS
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path / "work", check=True, capture_output=True, text=True)
    assert float(done.stdout) > 0.7
