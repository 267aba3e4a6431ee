"""A populated run directory, copied for each test, and the command line run in this process."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kgkt.cli import main
from tests.cli.row_words import FUSE, WORDS, rows_in, save_clouds, texts_b
from tests.conftest import Once


@dataclass(frozen=True)
class Result:
    """What a command did: exit code, stdout, stderr."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Kgkt = Callable[..., Result]


@pytest.fixture
def kgkt(capfd: pytest.CaptureFixture[str]) -> Kgkt:
    """Run the command line with these arguments."""

    def run(*arguments: object) -> Result:
        capfd.readouterr()
        with pytest.raises(SystemExit) as left:
            main([str(a) for a in arguments])
        out, err = capfd.readouterr()
        return Result(int(left.value.code or 0), out, err)

    return run


def cwd_into(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Path:
    monkeypatch.chdir(folder)
    monkeypatch.delenv("KGKT_DIR", raising=False)
    return folder


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that commands run in."""
    return cwd_into(monkeypatch, tmp_path)


def kgkt_in(folder: Path, *arguments: object) -> None:
    """Run the command line in a folder; it must go well, and what it prints does not matter."""
    with pytest.MonkeyPatch.context() as patch:
        cwd_into(patch, folder)
        with pytest.raises(SystemExit) as left:
            main(["--quiet", *(str(a) for a in arguments)])
    assert not left.value.code


@pytest.fixture(scope="session")
def populated_once(once: Once, model_a: Path, model_b: Path, pool_npz: Path, test_npz: Path) -> Path:
    """A folder with models, data and a populated graph; not to be changed."""

    def fill(folder: Path) -> None:
        for path in (model_a, model_b, pool_npz, test_npz):
            shutil.copy(path, folder)
        kgkt_in(folder, "populate", "--model", "a.keras", "--layers", "mid,emb", "--data", "pool.npz")

    return once("populated", fill)


@pytest.fixture
def populated(populated_once: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same folder, to work in."""
    shutil.copytree(populated_once, tmp_path / "work")
    return cwd_into(monkeypatch, tmp_path / "work")


@pytest.fixture(scope="session")
def truth(digits: Any) -> dict[str, str]:
    """The class of every item of the pool."""
    return dict(zip(digits.pool_ids.tolist(), map(str, digits.pool_y.tolist()), strict=True))


def write_labels(path: Path, rows: list[tuple[str, str]]) -> Path:
    """A label file."""
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("item_id", "class"), *rows])
    return path


@pytest.fixture(scope="session")
def labelled_once(once: Once, populated_once: Path, truth: dict[str, str]) -> Path:
    """The populated folder with twenty suggested items labelled; not to be changed."""

    def fill(folder: Path) -> None:
        shutil.copytree(populated_once, folder, dirs_exist_ok=True)
        kgkt_in(folder, "suggest", "-n", 20, "--out", "suggested.csv")
        with (folder / "suggested.csv").open(newline="", encoding="utf-8") as file:
            asked = [row["item_id"] for row in csv.DictReader(file)]
        (folder / "suggested.csv").unlink()
        write_labels(folder / "labels.csv", [(item, truth[item]) for item in asked])
        kgkt_in(folder, "label", "--file", "labels.csv")

    return once("labelled", fill)


@pytest.fixture
def labelled(labelled_once: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same folder, to work in."""
    shutil.copytree(labelled_once, tmp_path / "work")
    return cwd_into(monkeypatch, tmp_path / "work")


@pytest.fixture(scope="session")
def taught_once(once: Once, labelled_once: Path) -> Path:
    """The labelled folder after propagate; not to be changed."""

    def fill(folder: Path) -> None:
        shutil.copytree(labelled_once, folder, dirs_exist_ok=True)
        kgkt_in(folder, "propagate", "--items", "items.csv")

    return once("taught", fill)


@pytest.fixture
def taught(taught_once: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same folder, to read in."""
    return cwd_into(monkeypatch, taught_once)


@pytest.fixture(scope="session")
def words_once(once: Once) -> Path:
    """A graph of 160 words in 8 clouds, and a B that has 120 of them, two with capitals, and one that A does not have."""

    def fill(folder: Path) -> None:
        save_clouds(folder / "words.npz")
        texts_b(folder / "b.keras", [*WORDS[:118], "W118", "W119", "unheard", "[start]"], rows=130)
        kgkt_in(folder, "populate", "--features", "words.npz", "--concepts", "8")

    return once("word-rows", fill)


@pytest.fixture
def words(words_once: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(words_once, tmp_path / "work")
    return cwd_into(monkeypatch, tmp_path / "work")


Rows = Callable[..., tuple[Result, np.ndarray]]


@pytest.fixture
def written(kgkt: Kgkt, words: Path) -> Rows:
    """Write rows with these options; what was said, and the rows."""

    def write(*options: object, target: str = "b.keras") -> tuple[Result, np.ndarray]:
        done = kgkt(*FUSE, *options, "--target", target)
        assert done.code == 0, done.err
        return done, rows_in("f.keras")

    return write
