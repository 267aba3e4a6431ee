"""Small real data and tiny trained models that every room's tests share."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from tests import neo4j_server as servers
from tests.texts import Phrases, make_phrases, save_tiny, write_csv

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("OMP_NUM_THREADS", "2")


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
def models_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the session's model and data files; tests only read in it."""
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="session")
def model_a(digits: Digits, models_dir: Path) -> Path:
    """A small CNN trained on the training digits, with layers `mid` (convolution) and `emb` (dense)."""
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
    path = models_dir / "a.keras"
    model.save(path)
    return path


@pytest.fixture(scope="session")
def model_b(models_dir: Path) -> Path:
    """An untrained perceptron for the same inputs: Flatten `flat`, Dense 32 `hidden`, Dense 10 `out`."""
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
    path = models_dir / "b.keras"
    model.save(path)
    return path


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
def sentence_model(models_dir: Path) -> Path:
    """Folder of a tiny BERT with mean pooling, random weights, as SentenceTransformer.save writes it."""
    return save_tiny(models_dir / "tiny")


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
def neo4j_url(neo4j_server: servers.Server, monkeypatch: pytest.MonkeyPatch) -> str:
    """URL of the server, emptied; user and password are in the environment."""
    for name in ("NEO4J_URI", "NEO4J_DATABASE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NEO4J_USERNAME", "neo4j")
    monkeypatch.setenv("NEO4J_PASSWORD", neo4j_server.password)
    servers.empty(neo4j_server)
    return neo4j_server.url
