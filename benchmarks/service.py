"""The service under load: 60,000 items in 2,500 concepts, eight clients, labels meanwhile.

    python benchmarks/service.py [--minutes 10] [--clients 8] [--folder DIR]

Makes the graph (a minute; in --folder it is kept), starts `kgkt serve --rw`, and prints

- how long a request takes: half of them, and 99 of 100, by route, while so many clients ask one after the other without
  a pause, as programs do; and the same of concepts alone;
- how long a label takes: from its sending to the new state of all concepts, alone and under that load;
- whether any request failed, and the memory of the service at the beginning and at the end.

Clients and service share the machine's cores: the times are those of the whole.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

N, D, K = 60_000, 64, 2_500
G = "/api/graphs/main"
COMMAND = [sys.executable, "-c", "from kgkt.cli import main; main()"]
MIXED = ("concept", "item", "concepts", "search", "state", "suggest", "edges")


def main() -> None:
    """Make the graph, load it, print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--folder", type=Path)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as aside:
        folder = asked.folder or Path(aside)
        make(folder)
        run(folder, asked.minutes, asked.clients)


def make(folder: Path) -> None:
    """A graph of clusters within clusters, with twenty labels."""
    import numpy as np

    if (folder / "kgkt-run" / "main" / "run.json").exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    centres, parts = 1.2 * rng.normal(size=(40, D)), 0.8 * rng.normal(size=(40, 12, D))
    y, part = rng.integers(0, 40, N), rng.integers(0, 12, N)
    X = (centres[y] + parts[y, part] + rng.normal(size=(N, D))).astype(np.float32)
    np.savez(folder / "features.npz", emb=X, item_id=np.array([f"i{i:05d}" for i in range(N)]))
    kgkt(folder, "populate", "--features", "features.npz", "--concepts", K)
    kgkt(folder, "label", *(f"i{i:05d}=class{y[i] % 10}" for i in range(20)))


def kgkt(folder: Path, *arguments: object) -> None:
    subprocess.run([*COMMAND, *map(str, arguments)], cwd=folder, check=True, stdout=subprocess.DEVNULL)


def run(folder: Path, minutes: float, clients: int) -> None:
    """Start the service, ask it, and print what it took."""
    service = subprocess.Popen([*COMMAND, "serve", "--rw", "--port", "0", "--no-open"], cwd=folder, text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)  # fmt: skip
    try:
        assert service.stdout is not None
        link = service.stdout.readline().strip()
        asking = Asking(link)
        for path in (G + "/map", G + "/suggest?n=12", G + "/concept?number=1", G + "/search?q=i0001"):
            asking.get(path)  # what is worked out once is there
        before = held_mb(service.pid)
        show("a label, nobody else asks", [labelled(asking, i) for i in range(30)])
        told, _ = load(link, clients, min(60 * minutes, 60), ("concept",))
        show(f"a concept, {clients} clients", told["concept"])
        told, labels = load(link, clients, 60 * minutes, MIXED, labels=True)
        for name in MIXED:
            show(f"{name}, in mixed load", told[name])
        show("a label, in mixed load", labels)
        print(f"memory {before:.0f} MB at the beginning, {held_mb(service.pid):.0f} MB at the end; "
              f"{sum(map(len, told.values())):,} requests in {minutes:g} minutes, none failed")  # fmt: skip
    finally:
        service.terminate()
        service.wait(20)


class Asking:
    """One client, with one connection that stays."""

    def __init__(self, link: str) -> None:
        place = urlsplit(link)
        self.connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=60)
        self.headers = {"Authorization": "Bearer " + place.query.removeprefix("token="), "Host": place.netloc}

    def get(self, path: str) -> Any:
        return self._ask("GET", path)

    def post(self, path: str, body: Any) -> Any:
        return self._ask("POST", path, json.dumps(body), {"Content-Type": "application/json"})

    def _ask(self, method: str, path: str, body: str | None = None, more: dict[str, str] | None = None) -> Any:
        self.connection.request(method, path, body, {**self.headers, **(more or {})})
        answer = self.connection.getresponse()
        told = answer.read()
        if answer.status != 200:
            raise AssertionError(f"{path}: {answer.status} {told[:200]!r}")
        return told


def labelled(asking: Asking, number: int) -> float:
    """Label an item; seconds until the new state is here."""
    body = {"labels": [{"item": f"i{30_000 + number:05d}", "class": f"class{number % 10}"}]}
    start = time.perf_counter()
    asking.post(G + "/label", body)
    return time.perf_counter() - start


def load(
    link: str, clients: int, seconds: float, routes: tuple[str, ...], labels: bool = False
) -> tuple[dict[str, list[float]], list[float]]:
    """Let clients ask; seconds of each request by route, and of a label every two seconds."""
    told: dict[str, list[float]] = {name: [] for name in routes}
    end, failed, took = time.monotonic() + seconds, [], []

    def ask(seed: int) -> None:
        rng, asking = random.Random(seed), Asking(link)
        try:
            while time.monotonic() < end:
                name = rng.choice(routes)
                start = time.perf_counter()
                asking.get(G + path_of(name, rng))
                told[name].append(time.perf_counter() - start)
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=ask, args=(seed,)) for seed in range(clients)]
    for thread in threads:
        thread.start()
    asking, number = Asking(link), 1000
    while labels and time.monotonic() < end:
        took.append(labelled(asking, number))
        number += 1
        time.sleep(2)
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]
    return told, took


def path_of(name: str, rng: random.Random) -> str:
    """An address of that kind."""
    concept, item = rng.randrange(K), f"i{rng.randrange(N):05d}"
    return {"concept": f"/concept?number={concept}", "item": f"/item?id={item}", "concepts": "/concepts?sort=doubt",
            "search": f"/search?q={item[:5]}", "state": "/state", "suggest": "/suggest?n=12",
            "edges": f"/edges?concept={concept}"}[name]  # fmt: skip


def show(what: str, seconds: list[float]) -> None:
    ordered = sorted(seconds)
    half, most = ordered[len(ordered) // 2], ordered[min(int(0.99 * len(ordered)), len(ordered) - 1)]
    print(f"{what:34} {len(ordered):7,} times   half within {1e3 * half:6.1f} ms   99 % within {1e3 * most:6.1f} ms",
          flush=True)  # fmt: skip


def held_mb(pid: int) -> float:
    """Resident memory of a process."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


if __name__ == "__main__":
    main()
