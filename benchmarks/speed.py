"""How long the command line, populate and propagation take, as ratios measured side by side in one run.

    python benchmarks/speed.py            everything (some minutes)
    python benchmarks/speed.py help       kgkt --help beside `python -c "import typer"`
    python benchmarks/speed.py populate   60,000 x 256 into 2,500 concepts beside the KMeans fit it contains
    python benchmarks/speed.py propagate  masses and items after one more label, and after switches
    python benchmarks/speed.py verbs      seconds of whole commands on 60,000 items, 2,500 concepts and 100 labels
    python benchmarks/speed.py words      400,000 x 300 word vectors in a text file, read, and made into 2,500 concepts
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

N, D, K = 60_000, 256, 2_500


def blobs(n: int = N, d: int = D, centres: int = 400, seed: int = 0) -> Any:
    """(n, d) float32: points around `centres` means, so that there is something to cluster."""
    import numpy as np

    rng = np.random.default_rng(seed)
    means = rng.normal(size=(centres, d)).astype(np.float32)
    return means[rng.integers(centres, size=n)] + 0.7 * rng.normal(size=(n, d)).astype(np.float32)


def wall(command: list[str], runs: int = 7) -> float:
    """Median seconds of a command; Python may keep bytecode of kgkt, as it does of what pip installed."""
    env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    seconds = []
    for _ in range(runs):
        start = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True, env=env)
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)


def bench_help() -> None:
    """kgkt --help at most 3 times `import typer`."""
    bare = wall([sys.executable, "-c", "import typer"])
    ours = wall([sys.executable, "-c", "from kgkt.cli import main; main()", "--help"])
    print(f"kgkt --help {1e3 * ours:.0f} ms, python -c 'import typer' {1e3 * bare:.0f} ms: {ours / bare:.2f}x")


POPULATE = """
import resource, sys, time
from pathlib import Path
import numpy, sklearn.cluster, sklearn.decomposition, scipy.sparse, pyarrow.parquet, safetensors.numpy, networkx, kglite
from sklearn.metrics import adjusted_rand_score
from kgkt.cli.app import app
def peak():
    if sys.platform != "linux":
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    # not ru_maxrss, which begins at what the process that started this one held
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) * 1024 / 1e6
sklearn.cluster.KMeans(2, n_init=1).fit(numpy.random.default_rng(0).normal(size=(9, 2)))
before, start = peak(), time.perf_counter()
from kgkt.verbs.populate import populate
from kgkt.recipe import Concepts, Recipe, SourceSettings
source = SourceSettings(features=sys.argv[1])
done = populate(Recipe(dir=sys.argv[2], source=source, concepts=Concepts(k=2500)), print)
print(time.perf_counter() - start, peak() - before, *done.seconds.values())
"""
PARTS = """
import sys, time
import numpy as np
from sklearn.cluster import KMeans
from kgkt.rundir.current import pool_ids
from kgkt.files import load_arrays
from kgkt.rundir.folder import RunDir
from kgkt.source.imported import import_features
from pathlib import Path
run = RunDir(sys.argv[2], "main")
vectors = load_arrays(run.path("embedding.safetensors"))[0]["vectors"]
KMeans(2, n_init=1).fit(vectors[:99])
start = time.perf_counter()
KMeans(2500, n_init=1, max_iter=25, random_state=0).fit(vectors)
kmeans = time.perf_counter() - start
start = time.perf_counter()
import_features(sys.argv[1], Path(sys.argv[3]) / "copy.parquet")
print(kmeans, time.perf_counter() - start)
"""


def features_file(folder: Path, X: Any) -> Path:
    """The blobs as a features file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = {"item_id": [f"i{i}" for i in range(N)], "emb": pa.FixedSizeListArray.from_arrays(pa.array(X.ravel()), D)}
    pq.write_table(pa.table(columns), folder / "f.parquet")
    return folder / "f.parquet"


def bench_populate() -> None:
    """populate beside KMeans, the read of the features and the write of the store; memory beside the features."""
    with tempfile.TemporaryDirectory() as folder:
        X = blobs()
        path = features_file(Path(folder), X)
        ratios, memory = [], []
        for turn in range(3):
            run = str(Path(folder) / f"run{turn}")
            line = _last_line([sys.executable, "-c", POPULATE, str(path), run])
            total, grown, features, concepts, edges, graph = map(float, line.split())
            kmeans, read = map(float, _last_line([sys.executable, "-c", PARTS, str(path), run, folder]).split())
            ratios.append(total / (kmeans + read + graph))
            memory.append(grown / (X.nbytes / 1e6))
            print(f"populate {total:.1f} s (features {features:.1f}, concepts {concepts:.1f}, edges {edges:.1f}, "
                  f"graph {graph:.1f}); KMeans alone {kmeans:.1f} s, read {read:.1f} s")  # fmt: skip
        print(f"populate over KMeans + read + write: {statistics.median(ratios):.2f}x; memory over the imports: "
              f"{statistics.median(memory):.2f}x the features ({X.nbytes / 1e6:.0f} MB)")  # fmt: skip


def _last_line(command: list[str]) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip().splitlines()[-1]


def bench_propagate() -> None:
    """With the factorisation held: masses and items after one more label; both after switches."""
    import numpy as np

    from kgkt.concepts import cluster, edges, embed, propagate
    from kgkt.values import Labels

    vectors = embed.unit_rows(blobs(d=32))
    centroids = vectors[np.random.default_rng(0).choice(N, K, replace=False)]
    Z, _ = cluster.memberships(vectors, centroids)
    pairs, weights = edges.bridge_edges(Z)
    active = np.ones(K, bool)
    spreader = propagate.spreader_of(K, pairs, weights, active)
    rng = np.random.default_rng(0)
    rows = rng.choice(N, 101, replace=False)
    names = tuple("0123456789")
    masses, answers, switches = [], [], []
    for turn in range(9):
        seeds = propagate.make_seeds(Labels(rows[: 92 + turn], np.arange(92 + turn) % 10, names))
        start = time.perf_counter()
        G, _ = propagate.propagate_masses(spreader, Z, seeds)
        masses.append(time.perf_counter() - start)
        start = time.perf_counter()
        propagate.item_posterior(Z, G, None, 10)
        answers.append(time.perf_counter() - start)
    for _ in range(3):
        active[rng.choice(K, 25, replace=False)] = False
        start = time.perf_counter()
        again = propagate.spreader_of(K, pairs, weights, active)
        propagate.item_posterior(Z, propagate.propagate_masses(again, Z, seeds)[0], None, 10)
        switches.append(time.perf_counter() - start)
    print(f"masses of {K:,} concepts, 10 classes, after one more label: {1e3 * statistics.median(masses):.1f} ms")
    print(f"then of {N:,} items: {1e3 * statistics.median(answers):.1f} ms")
    print(f"both after 25 concepts were switched off: {statistics.median(switches):.2f} s")


VERBS = (
    ("propagate", "finds the nearest items as well"), ("propagate", "these kept"), ("propagate --balanced", ""),
    ("suspects", "after propagate"), ("suggest -n 50", ""),
    ("switch off --concept 7", ""), ("merge 4 9", ""), ("undo", ""),
    ("label i59999=3", ""), ("suspects", "labels changed since, so that alpha is chosen anew"),
)  # fmt: skip


def bench_verbs() -> None:
    """Whole commands, imports and all: wall and CPU seconds; every tenth label is wrong."""
    import numpy as np

    rng = np.random.default_rng(0)
    rng.normal(size=(400, D))
    centre = rng.integers(400, size=N)  # as `blobs` draws them
    rows = np.random.default_rng(1).choice(N, 100, replace=False)
    labels = [f"i{row}={(centre[row] + (place % 10 == 0)) % 10}" for place, row in enumerate(rows)]
    with tempfile.TemporaryDirectory() as folder:
        path, kgkt = features_file(Path(folder), blobs()), [sys.executable, "-c", "from kgkt.cli import main; main()"]
        at = ["--dir", f"{folder}/run"]
        subprocess.run([*kgkt, "populate", "--features", str(path), "--concepts", str(K), *at], check=True,
                       capture_output=True)  # fmt: skip
        subprocess.run([*kgkt, "label", *labels, *at], check=True, capture_output=True)
        for verb, said in VERBS:
            before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
            subprocess.run([*kgkt, *verb.split(), *at], check=True, capture_output=True)
            seconds, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
            spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
            print(f"kgkt {verb}{f' ({said})' if said else ''}: {seconds:.1f} s, {spent:.1f} s of CPU")


WORDS, WIDE = 400_000, 300
READ = """
import random, sys, time
from kgkt.source.words.files import open_words
some = [f"w{i}" for i in random.Random(0).sample(range(400_000), 20_000)]
how = {"all": {}, "20,000 words wanted": {"wanted": some}, "the first 20,000": {"limit": 20_000}}[sys.argv[2]]
start = time.perf_counter()
n = sum(len(words) for words, _ in open_words(sys.argv[1]).batches(**how))
print(f"read {sys.argv[2]}: {n:,} words in {time.perf_counter() - start:.1f} s")
"""


def words_file(path: Path, n: int = WORDS, d: int = WIDE, centres: int = 2_500) -> None:
    """n words around `centres` means, as GloVe writes them: five decimals, no first line."""
    import numpy as np
    import pyarrow as pa
    from pyarrow import csv

    rng = np.random.default_rng(0)
    means = rng.normal(size=(centres, d)).astype(np.float32)
    names = ["word", *map(str, range(d))]
    options = csv.WriteOptions(include_header=False, delimiter=" ", quoting_style="none")
    with path.open("wb") as file:
        for start in range(0, n, 20_000):
            some = min(20_000, n - start)
            X = means[rng.integers(centres, size=some)] + rng.normal(size=(some, d)).astype(np.float32)
            table = pa.table([[f"w{start + i}" for i in range(some)], *np.round(X, 5).T], names=names)
            csv.write_csv(table, file, options)


def bench_words() -> None:
    """Read in a stream, whole and cut to 20,000 words; then `kgkt populate`; each in a process of its own."""
    import multiprocessing

    kgkt = [sys.executable, "-c", "from kgkt.cli import main; main()"]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "words.txt"
        writer = multiprocessing.Process(target=words_file, args=(path,))  # what it holds is not counted for the others
        writer.start()
        writer.join()
        print(f"{WORDS:,} x {WIDE} word vectors as text, {path.stat().st_size / 1e6:,.0f} MB")
        for how in ("all", "20,000 words wanted", "the first 20,000"):
            said, _, spent, peak = measured([sys.executable, "-c", READ, str(path), how])
            print(f"{said}; {spent:.1f} s of CPU with the imports, {peak:,.0f} MB")
        options = ["--model", f"words:{path}", "--concepts", str(K), "--dir", f"{folder}/run"]
        _, seconds, spent, peak = measured([*kgkt, "populate", *options])
        print(f"kgkt populate into {K:,} concepts: {seconds:.1f} s, {spent:.1f} s of CPU, {peak:,.0f} MB")


def measured(command: list[str]) -> tuple[str, float, float, float]:
    """The last line of a command's output, seconds, seconds of CPU, and the most MB that it held."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    output = process.stdout.read() if process.stdout else ""
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command[-6:])} failed")
    lines = output.strip().splitlines() or [""]
    return lines[-1], time.perf_counter() - start, used.ru_utime + used.ru_stime, used.ru_maxrss * 1024 / 1e6


BENCHES = {"help": bench_help, "populate": bench_populate, "propagate": bench_propagate, "verbs": bench_verbs,
           "words": bench_words}  # fmt: skip

if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    for name in sys.argv[1:] or BENCHES:
        BENCHES[name]()
    print(f"peak memory of this process {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB",
          file=sys.stderr)  # fmt: skip
