"""Small real data and tiny trained models that every room's tests share, made once for all workers of a session."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests import neo4j_server as servers
from tests.texts import Phrases, make_phrases, need_extra, save_tiny, write_csv

Once = Callable[[str, Callable[[Path], object]], Path]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What needs Neo4j begins, and what kills it comes last of that: a server gets quicker with all that it did."""
    items.sort(key=lambda item: ("neo4j" not in item.nodeid, "neo4j_crash" in item.nodeid))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """One worker takes all that needs Neo4j (its name says so), so that one server does; the rest goes file by file."""
    from xdist.scheduler import LoadScopeScheduling

    class OneServer(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return "neo4j" if "neo4j" in nodeid else nodeid.partition("::")[0]

    config.option.loadscopereorder = False
    return OneServer(config, log)


@dataclass(frozen=True)
class Digits:
    """scikit-learn's digits, shuffled and cut in three: what A learned from, the pool, the test."""

    train_x: np.ndarray
    train_y: np.ndarray
    pool_x: np.ndarray
    pool_y: np.ndarray
    pool_ids: np.ndarray
    test_x: np.ndarray
    test_y: np.ndarray


@pytest.fixture(scope="session")
def digits() -> Digits:
    """600 to train, 600 in the pool, 597 to test; x (n, 8, 8, 1) float32 from 0 to 1, y integers."""
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    x = (x.reshape(-1, 8, 8, 1) / 16).astype(np.float32)
    order = np.random.default_rng(0).permutation(len(x))
    train, pool, test = order[:600], order[600:1200], order[1200:]
    ids = np.array([f"i{i:04d}" for i in range(len(pool))])
    return Digits(x[train], y[train], x[pool], y[pool], ids, x[test], y[test])


@pytest.fixture(scope="session")
def once(tmp_path_factory: pytest.TempPathFactory) -> Once:
    """Make a folder once a session, whichever worker asks first; the others wait for it. Tests only read in it.

    A function of the folder's name and of what fills the empty folder it is given; it returns the folder.
    """
    root = tmp_path_factory.getbasetemp()
    shared = (root.parent if "PYTEST_XDIST_WORKER" in os.environ else root) / "once"
    shared.mkdir(exist_ok=True)

    def make(name: str, fill: Callable[[Path], object]) -> Path:
        folder, done = shared / name, shared / f"{name}.done"
        with (shared / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not done.exists():
                shutil.rmtree(folder, ignore_errors=True)  # of a worker that failed
                folder.mkdir()
                fill(folder)
                done.touch()
        return folder

    return make


@pytest.fixture(scope="session")
def model_a(digits: Digits, once: Once) -> Path:
    """A small CNN trained on the training digits, with layers `mid` (convolution) and `emb` (dense)."""
    return once("model-a", lambda folder: train_a(digits, folder / "a.keras")) / "a.keras"


def train_a(digits: Digits, path: Path) -> None:
    from kgkt.source.quiet import keras

    keras = keras()
    keras.utils.set_random_seed(0)
    image = keras.Input((8, 8, 1), name="image")
    x = keras.layers.Conv2D(16, 3, padding="same", activation="relu", name="first")(image)
    x = keras.layers.Conv2D(32, 3, padding="same", activation="relu", name="mid")(x)
    x = keras.layers.MaxPooling2D(name="half")(x)
    x = keras.layers.Flatten(name="flat")(x)
    x = keras.layers.Dense(32, activation="relu", name="emb")(x)
    model = keras.Model(image, keras.layers.Dense(10, activation="softmax", name="head")(x), name="a")
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(digits.train_x, digits.train_y, batch_size=32, epochs=8, verbose=0)
    model.save(path)


@pytest.fixture(scope="session")
def model_b(once: Once) -> Path:
    """An untrained perceptron for the same inputs: Flatten `flat`, Dense 32 `hidden`, Dense 10 `out`."""
    return once("model-b", lambda folder: build_b(folder / "b.keras")) / "b.keras"


def build_b(path: Path) -> None:
    from kgkt.source.quiet import keras

    keras = keras()
    keras.utils.set_random_seed(1)
    model = keras.Sequential(
        [
            keras.Input((8, 8, 1), name="image"),
            keras.layers.Flatten(name="flat"),
            keras.layers.Dense(32, activation="relu", name="hidden"),
            keras.layers.Dense(10, activation="softmax", name="out"),
        ],
        name="b",
    )
    model.save(path)


@pytest.fixture(scope="session")
def models_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the worker's data files; tests only read in it."""
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="session")
def pool_npz(digits: Digits, models_dir: Path) -> Path:
    """The pool as a file: x and item_id, no labels."""
    path = models_dir / "pool.npz"
    np.savez(path, x=digits.pool_x, item_id=digits.pool_ids)
    return path


@pytest.fixture(scope="session")
def test_npz(digits: Digits, models_dir: Path) -> Path:
    """The test digits as a file: x, and y as integers."""
    path = models_dir / "test.npz"
    np.savez(path, x=digits.test_x, y=digits.test_y)
    return path


@pytest.fixture(scope="session")
def phrases() -> Phrases:
    """Short English texts on animals, food and weather."""
    return make_phrases()


@pytest.fixture(scope="session")
def texts_csv(phrases: Phrases, models_dir: Path) -> Path:
    """The pool of texts as a file: item_id and text."""
    return write_csv(models_dir / "texts.csv", ("item_id", "text"), phrases.ids, phrases.pool)


@pytest.fixture(scope="session")
def sentence_model(once: Once) -> Path:
    """Folder of a tiny BERT with mean pooling, random weights, as SentenceTransformer.save writes it."""
    need_extra()
    return once("sentence-model", lambda folder: save_tiny(folder / "tiny")) / "tiny"


@pytest.fixture(scope="session")
def neo4j_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Server]:
    """A real Neo4j: the one that KGKT_NEO4J_TEST_URI names, else one that is started and ended here."""
    if given := servers.given():
        yield given
        return
    try:
        server = servers.start(tmp_path_factory.mktemp("neo4j"))
    except servers.NoServerError as error:
        if os.environ.get("CI") == "true":
            pytest.fail(str(error))
        pytest.skip(str(error))
    yield server
    servers.stop(server)


@pytest.fixture(scope="session")
def mortal_server(neo4j_server: servers.Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Server]:
    """A server that a test may kill and start again; its URL stays the same."""
    if neo4j_server.home:
        yield neo4j_server
        return
    server = servers.start(tmp_path_factory.mktemp("mortal"))
    yield server
    servers.stop(server)


@pytest.fixture
def neo4j_login(
    neo4j_server: servers.Server, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> servers.Server:
    """The server, with its user and password in the environment."""
    assert "neo4j" in request.node.nodeid, "see pytest_xdist_make_scheduler"
    for name in ("NEO4J_URI", "NEO4J_DATABASE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NEO4J_USERNAME", "neo4j")
    monkeypatch.setenv("NEO4J_PASSWORD", neo4j_server.password)
    return neo4j_server


@pytest.fixture
def neo4j_url(neo4j_login: servers.Server) -> str:
    """URL of the server without a node; constraints and indexes that kgkt made for another test may be there."""
    servers.empty(neo4j_login)
    return neo4j_login.url


@pytest.fixture
def bare_neo4j_url(neo4j_login: servers.Server) -> str:
    """URL of the server without a node, a constraint or an index, as where kgkt has never been."""
    servers.empty(neo4j_login, bare=True)
    return neo4j_login.url
