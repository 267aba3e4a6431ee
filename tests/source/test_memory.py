"""How much memory reading a features file takes, measured in a process of its own."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

HELD = """
import sys
from pathlib import Path
import numpy, pyarrow.parquet, pyarrow.compute
from kgkt.source.columns import ListColumns
def peak():  # of this program: the kernel's ru_maxrss starts at what the parent held
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / 1024
before = peak()
columns = ListColumns(sys.argv[1])
peeked = peak()
rows = sum(len(ids) for ids, _ in columns)
print(rows, peeked - before, peak() - before)
"""
FREED = """
import sys
from pathlib import Path
import numpy, pyarrow
from kgkt.memory import release_memory
def held():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1e6
pyarrow.array(numpy.ones(10))
blocks = [numpy.ones(10_000) for _ in range(1_000)]
kept, full = blocks[::50], held()
del blocks
freed = held()
release_memory()
print(full - freed, full - held())
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="kilobytes and /proc as on Linux")
def test_a_file_of_one_large_row_group_is_read_in_a_stream(tmp_path):
    n, d = 60_000, 256  # 61 MB
    values = np.random.default_rng(0).normal(size=(n, d)).astype(np.float32)
    table = pa.table({"item_id": [f"i{i}" for i in range(n)],
                      "emb": pa.FixedSizeListArray.from_arrays(pa.array(values.ravel()), d)})
    pq.write_table(table, tmp_path / "f.parquet", row_group_size=n)
    rows, peeked, read = map(float, said(HELD, str(tmp_path / "f.parquet")))
    assert rows == n
    assert peeked < 60  # it held 88
    assert read < 170  # it held 205


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the C library's own on Linux")
def test_freed_memory_goes_back_to_the_system():
    before, after = map(float, said(FREED))
    assert after > 70  # of 80 MB, 2 % still held among the rest
    assert after > before


def said(code: str, *arguments: str) -> list[str]:
    """What a process of its own prints."""
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True)
    return done.stdout.split()
