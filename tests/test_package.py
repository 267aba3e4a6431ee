"""The wheel holds the Cypher statements, and the installed package finds them without the checkout."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def test_the_wheel_brings_its_statements(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "-q", "-w", tmp_path, ROOT]
    subprocess.run(command, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("kgkt-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        inside = {n.removeprefix("kgkt/") for n in archive.namelist() if n.startswith("kgkt/cypher/")}
        archive.extractall(tmp_path / "site")
    here = {p.relative_to(ROOT).as_posix() for p in (ROOT / "cypher").rglob("*") if p.is_file()}
    assert inside == here
    code = "from kgkt.store.statements import folder, shipped; print(folder()); print(len(shipped()))"
    done = subprocess.run(
        [sys.executable, "-S", "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path / "site")},
    )  # fmt: skip
    place, count = done.stdout.splitlines()
    assert Path(place) == tmp_path / "site" / "kgkt" / "cypher"
    assert int(count) >= 15
