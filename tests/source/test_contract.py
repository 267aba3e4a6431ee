"""What every source must do; `kind` runs it over all of them."""

from __future__ import annotations

import dataclasses
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from kgkt.errors import InputError, UsageError
from kgkt.recipe import SENTENCES, WORD_VECTORS, SourceSettings
from kgkt.source.choose import source_of
from kgkt.source.inputs import Data, read_data
from kgkt.source.parquet import open_features
from kgkt.source.source import Source
from kgkt.values import Features
from tests.words import WORDS, save_words


@dataclass(frozen=True)
class Case:
    """A source by its settings, the pool that it reads, what it must give, and A's own file or folder."""

    settings: SourceSettings
    data: Data | None
    ids: list[str]
    widths: dict[str, int]
    framework: str
    path: Path

    @property
    def source(self) -> Source:
        source = source_of(self.settings)
        assert source is not None
        return source


@dataclass(frozen=True)
class Made:
    """A case, its features, and how many items the progress counted."""

    case: Case
    features: Features
    seen: int


def make(kind: str, folder: Path, request: pytest.FixtureRequest) -> Case:
    """One of each kind, its file or folder in `folder`."""
    fixture = request.getfixturevalue
    if kind == "sentences":
        path = Path(shutil.copytree(fixture("sentence_model"), folder / "a"))
        return Case(SourceSettings(model=f"{SENTENCES}{path}"), read_data(fixture("texts_csv")), fixture("phrases").ids,
                    {"sentence": 32}, "sentence-transformers", path)  # fmt: skip
    if kind == "words":
        path = save_words(folder / "a.txt")
        return Case(SourceSettings(model=f"{WORD_VECTORS}{path}"), None, WORDS, {"words": 12}, "words", path)
    digits = fixture("digits")
    ids = digits.pool_ids.tolist()
    if kind == "features":
        path = folder / "a.npz"
        np.savez(path, item_id=digits.pool_ids, raw=digits.pool_x.reshape(600, 64), some=digits.pool_x[:, :5, 4, 0])
        return Case(SourceSettings(features=str(path)), None, ids, {"raw": 64, "some": 5}, "file", path)
    path = Path(shutil.copy(fixture("model_a"), folder / "a.keras"))
    if kind == "several":
        beside = shutil.copy(fixture("model_b"), folder / "b.keras")
        return Case(SourceSettings(model=str(path), layers=("mid", "emb"), also=(f"{beside}:hidden",)),
                    read_data(fixture("pool_npz")), ids, {"a/mid": 512, "a/emb": 32, "b/hidden": 32}, "keras", path)  # fmt: skip
    return Case(SourceSettings(model=str(path), layers=("mid", "emb")), read_data(fixture("pool_npz")), ids,
                {"mid": 512, "emb": 32}, "keras", path)  # fmt: skip


@pytest.fixture(scope="module", params=["keras", pytest.param("sentences", marks=pytest.mark.slow), "features", "several", "words"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def made(kind: str, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Made:
    """A case and what it gave; what sentences gave is shared with the tests of sentence models."""
    folder, seen = tmp_path_factory.mktemp(kind), []
    case = make(kind, folder, request)
    if kind == "sentences":
        given = request.getfixturevalue("sentence_features")
        return Made(case, open_features(given / "f.parquet"), int((given / "seen").read_text()))
    return Made(case, case.source.extract(case.data, folder / "f.parquet", seen.append), sum(seen))


@pytest.fixture
def case(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Case:
    """The same on files of its own, to be changed."""
    return make(kind, tmp_path, request)


def test_it_says_before_what_it_gives(made: Made) -> None:
    case, features, look = made.case, made.features, made.case.source.look()
    assert look.widths == case.widths
    assert look.items == (None if case.data else len(case.ids))
    assert (look.path, look.fields["path"]) == (case.path, str(case.path))
    assert 100 < look.memory_mb < 2000
    if case.data:
        case.source.check(look, case.data)
    assert features.widths == case.widths
    assert features.ids.tolist() == case.ids
    assert made.seen == len(case.ids)
    for layer in case.widths:
        assert features.rows(layer, np.arange(len(case.ids))).std(axis=0).max() > 0.01


def test_its_node_names_it(made: Made) -> None:
    nodes = made.case.source.nodes(made.features)
    for node in nodes:
        assert (node["role"], node["framework"]) == ("source", made.case.framework)
        assert len(node["sha256"]) == 64
    assert [node["name"] for node in nodes] == list(made.features.sources)
    assert " + ".join(made.features.sources) == made.features.source
    assert [layer for layers in made.features.sources.values() for layer in layers] == list(made.features.layers)


def test_its_digest_follows_its_content(case: Case) -> None:
    before = case.source.digests()
    assert case.source.digests() == before
    assert {len(digest) for digest in before.values()} == {64}
    (file,) = case.path.rglob("*.safetensors") if case.path.is_dir() else (case.path,)
    file.write_bytes(file.read_bytes() + b"\0")
    assert case.source.digests().keys() == before.keys()
    assert case.source.digests() != before


def test_what_is_not_there_is_refused_by_name(case: Case) -> None:
    shutil.rmtree(case.path) if case.path.is_dir() else case.path.unlink()
    with pytest.raises(InputError, match=str(case.path)):
        case.source.look()


def test_a_layer_that_it_does_not_have_is_refused(case: Case) -> None:
    asked = dataclasses.replace(case, settings=dataclasses.replace(case.settings, layers=("nothing",))).source

    def look() -> None:
        seen = asked.look()
        if case.data:
            asked.check(seen, case.data)

    with pytest.raises(InputError, match="nothing"):
        look()


def test_an_untrained_copy_sees_otherwise(made: Made, kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    case, layers, out = made.case, tuple(made.case.widths), tmp_path / "untrained.parquet"
    if case.data is None:
        assert not case.source.has_model
        return
    assert case.source.has_model
    if kind == "sentences":
        fresh = open_features(request.getfixturevalue("sentence_features") / "untrained.parquet")
    else:
        fresh = case.source.untrained(case.data, out, layers)
    assert fresh.widths == case.widths
    for layer in layers:
        ours, other = (features.rows(layer, np.arange(50)) for features in (made.features, fresh))
        assert np.abs(ours - other).max() > 0.01


def test_features_have_no_model_to_copy_or_to_ask(digits, pool_npz: Path, tmp_path: Path) -> None:
    np.savez(tmp_path / "f.npz", raw=digits.pool_x.reshape(600, 64))
    source = source_of(SourceSettings(features=str(tmp_path / "f.npz")))
    assert source is not None
    with pytest.raises(UsageError, match="give --model"):
        source.untrained(read_data(pool_npz), tmp_path / "out.parquet", ("raw",))
    with pytest.raises(UsageError, match="give --model"):
        source.classifier()


def test_classes_are_those_of_a_classifier(digits, model_a: Path, pool_npz: Path, sentence_model: Path) -> None:
    source = source_of(SourceSettings(model=str(model_a), layers=("emb",)))
    assert source is not None
    P = np.concatenate(list(source.classifier().batches(read_data(pool_npz))))
    assert P.shape == (600, 10)
    np.testing.assert_allclose(P.sum(axis=1), 1, atol=1e-5)
    assert np.mean(P.argmax(axis=1) == digits.pool_y) > 0.8
    texts = source_of(SourceSettings(model=f"{SENTENCES}{sentence_model}"))
    assert texts is not None
    with pytest.raises(InputError, match="no classes of its own"):
        texts.classifier()
