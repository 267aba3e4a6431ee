"""The story with texts: a sentence model as A, a B that reads strings and one that reads arrays."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

from kgkt.source.quiet import keras as import_keras
from tests.cli.conftest import Kgkt, cwd_into, kgkt_in, write_labels
from tests.conftest import Once
from tests.texts import NAMES, Phrases, string_b, write_csv

pytestmark = pytest.mark.slow

RECIPE = """
[source]
model = "sentence-transformers:tiny"
data = "texts.csv"
[concepts]
k = 30
[target]
model = "b.keras"
out = "fused.keras"
test = "test.csv"
steps = 100
learning_rate = 0.01
"""


@pytest.fixture(scope="session")
def texts_once(once: Once, sentence_model: Path, texts_csv: Path, phrases: Phrases) -> Path:
    """A folder with the sentence model, texts, Bs and a populated graph; not to be changed."""

    def fill(folder: Path) -> None:
        shutil.copytree(sentence_model, folder / "tiny")
        shutil.copy(texts_csv, folder)
        (folder / "kgkt.toml").write_text(RECIPE)
        write_csv(folder / "test.csv", ("item_id", "text", "y"), [f"x{i}" for i in range(120)], phrases.test, phrases.test_y)
        write_csv(folder / "truth.csv", ("item_id", "class"), phrases.ids, phrases.pool_y)
        string_b(phrases, ()).save(folder / "b.keras")
        string_b(phrases, (1,)).save(folder / "vectors.keras")
        kgkt_in(folder, "populate")

    return once("texts", fill)


@pytest.fixture
def texts(texts_once: Path, tmp_path: Path, monkeypatch) -> Path:
    """The same folder, to work in."""
    shutil.copytree(texts_once, tmp_path / "work")
    return cwd_into(monkeypatch, tmp_path / "work")


@pytest.fixture
def few(texts: Path, kgkt: Kgkt, phrases: Phrases) -> Path:
    """The folder with five labels a class."""
    rows = [(phrases.ids[i], name) for name in NAMES for i in np.flatnonzero(np.array(phrases.pool_y) == name)[:5]]
    assert kgkt("label", "--file", write_labels(texts / "labels.csv", rows)).code == 0
    return texts


def test_the_graph_knows_its_model_and_check_needs_no_pytorch(texts: Path, kgkt: Kgkt) -> None:
    asked = kgkt("query", "MATCH (m:Model) RETURN m.name, m.framework, m.n_weights, m.sha256").json["rows"]
    plan = kgkt("check").json
    says = {fact["what"]: fact["says"] for fact in plan["facts"]}
    assert says["tiny"].startswith("sentence model (Transformer, Pooling, Normalize), ")
    assert says["tiny"].endswith("weights   texts of up to 16 tokens to 32 numbers   safe to open: yes")
    assert says["plan"].startswith("populate 240 x (32) into 30 concepts")
    assert (plan["stale"], plan["problems"], says["texts.csv"]) == ({"populate": []}, [], "240 texts")
    (name, framework, weights, digest) = asked[0]
    assert (name, framework, f"{weights:,} weights" in says["tiny"], len(digest)) == (
        "tiny", "sentence-transformers", True, 64)


def test_it_is_stale_by_what_the_model_holds_not_by_dates(texts: Path, kgkt: Kgkt) -> None:
    (texts / "tiny" / "modules.json").touch()
    (texts / "tiny" / "README.md").write_text("new words")
    assert kgkt("check").json["stale"]["populate"] == []
    (texts / "tiny" / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": 4}))
    assert kgkt("check").json["stale"]["populate"] == ["model"]


def test_prototypes_are_the_default_and_can_be_left_out(few: Path, kgkt: Kgkt) -> None:
    assert "\nprototypes 0." in kgkt("propagate", "--format", "table").out
    assert kgkt("propagate", "--expert", "none").json["expert"] == "none"
    (few / "kgkt.toml").write_text(RECIPE + '[teach]\nexpert = "none"\n')
    assert kgkt("propagate").json["expert"] == "none"


def test_a_b_that_reads_strings_is_taught_from_the_texts(few: Path, kgkt: Kgkt) -> None:
    mapped = kgkt("map").json
    assert mapped["layers"] == {"hidden": {"kind": "unit", "blocks": 16}, "out": {"kind": "head", "blocks": 3}}
    done = kgkt("fuse")
    assert done.code == 0, done.err
    figures = done.json["figures"]
    assert figures["test_fused"] > 0.8
    assert set(done.json["written"]) == {"hidden", "out"}
    keras = import_keras()
    answer = keras.models.load_model("fused.keras")(np.array(["the child eats warm bread for lunch"], object))
    assert NAMES[int(np.argmax(answer))] == "food"
    assert "taught by a concept graph of what tiny knows" in Path("fused.card.md").read_text()


def test_word_vectors_are_named_as_left_out(few: Path, kgkt: Kgkt) -> None:
    assert kgkt("map", "--target", "vectors.keras").json["unmapped"] == [
        "table (100 embedding rows) is trained, but no concept is mapped to it"]


def test_a_b_that_reads_arrays_gets_its_own_data(few: Path, kgkt: Kgkt, phrases: Phrases) -> None:
    words = sorted({word for text in phrases.pool for word in text.split()})
    bag = {part: np.array([[word in text.split() for word in words] for text in texts], np.float32)
           for part, texts in (("pool", phrases.pool), ("test", phrases.test))}  # fmt: skip
    order = np.random.default_rng(0).permutation(240)
    np.savez("bag.npz", x=bag["pool"][order], item_id=np.array(phrases.ids)[order])
    np.savez("bagtest.npz", x=bag["test"], y=np.array(phrases.test_y))
    keras = import_keras()
    keras.Sequential([keras.Input((len(words),)), keras.layers.Dense(3, activation="softmax")]).save("bag.keras")
    done = kgkt("fuse", "--target", "bag.keras", "--target-data", "bag.npz", "--test", "bagtest.npz")
    assert done.json["figures"]["test_fused"] > 0.8
    refused = kgkt("fuse", "--target", "bag.keras", "--force")
    assert (refused.code, f"bag.keras reads items of shape ({len(words)}), the data has texts" in refused.err) == (3, True)
    plan = kgkt("check", "--target", "bag.keras")
    assert "reads numbers, the data is of texts: name B's own data of the same items with --target-data" in plan.err
    assert "b.keras reads texts, the data is of numbers" in kgkt("check", "--data", "bag.npz").err


def test_evaluate_reads_the_pool_through_an_untrained_copy_too(texts: Path, kgkt: Kgkt) -> None:
    done = kgkt("evaluate", "--truth", "truth.csv", "--labels", "2", "--seeds", "1", "--train-b", "scratch,kgkt@2@1")
    assert done.code == 0, done.err
    cells = {(row["method"], row["metric"]): row["value"] for row in done.json["rows"]}
    assert done.json["about"]["kgkt"]["expert"] == "auto"
    assert done.json["skipped"]["raw inputs"] == "the inputs of the pool are not at hand as numbers"
    assert cells["kgkt", "pool_accuracy"] > 0.6
    assert 0.2 < cells["untrained A", "pool_accuracy"] <= 1
    assert cells["kgkt", "test_accuracy"] > cells["scratch", "test_accuracy"]


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("--model", "sentence-transformers:none"), 3, "none is not there: kgkt downloads no models"),
        (("--model", "tiny"), 3, "the folder of a sentence model is named with --model sentence-transformers:tiny"),
        (("--model", "b.keras", "--layers", "hidden"), 3, "the data is text, which kgkt reads with a sentence model only"),
        (("--layers", "mid"), 3, "which has one layer, 'sentence', and no 'mid'"),
        (("--data", "truth.csv"), 3, "truth.csv has no column text"),
    ],
)
def test_wrong_sources(texts: Path, kgkt: Kgkt, arguments: tuple[str, ...], code: int, says: str) -> None:
    done = kgkt("populate", *arguments)
    assert (done.code, says in done.err, "Traceback" in done.err) == (code, True, False), done.err
    looked = kgkt("check", *arguments)
    assert looked.code == code, looked.err


def test_pickled_weights_are_refused(texts: Path, kgkt: Kgkt) -> None:
    (texts / "tiny" / "model.safetensors").rename(texts / "tiny" / "pytorch_model.bin")
    done = kgkt("populate")
    assert (done.code, "is a pickle, which can run code" in done.err) == (5, True)


def test_test_texts_without_classes(few: Path, kgkt: Kgkt) -> None:
    done = kgkt("fuse", "--test", "texts.csv")
    assert (done.code, "test data texts.csv has no y: --class-column names the one" in done.err) == (3, True)


def test_a_missing_library_is_found_before_anything_is_made(
    texts: Path, kgkt: Kgkt, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.rmtree("kgkt-run")
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)  # as where it is not installed
    says = "kgkt: a sentence model needs the library sentence-transformers: pip install 'kgkt[text]'\n"
    for verb in ("populate", "check"):
        done = kgkt(verb)
        assert (done.code, done.err, Path("kgkt-run").exists()) == (3, says, False)
    assert {"what": "stages", "says": "nothing made yet"} in done.json["facts"]


def as_records(path: Path, ids: list[str], texts: list[str], classes: list[str]) -> Path:
    """A .jsonl or .parquet whose columns have names of their own."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = {"key": ids, "kind": classes, "body": texts}
    if path.suffix == ".parquet":
        pq.write_table(pa.table(columns), path)
    else:
        rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_columns_of_other_names_go_all_the_way(texts: Path, kgkt: Kgkt, phrases: Phrases) -> None:
    ids, n, long = [f"doc/{i}" for i in range(240)], len(phrases.test), " and then some more of it" * 2000
    pool, test = [phrases.pool[0] + long, *phrases.pool[1:]], [phrases.test[0] + long, *phrases.test[1:]]
    as_records(texts / "pool.jsonl", ids, pool, phrases.pool_y)
    as_records(texts / "test.parquet", [f"x{i}" for i in range(n)], test, phrases.test_y)
    Path("kgkt.toml").write_text(RECIPE.replace("texts.csv", "pool.jsonl").replace("test.csv", "test.parquet"))
    shown = kgkt("check", "--format", "table").out
    assert "240 texts in the column body; pool pool.jsonl has no column item_id: its rows are called i0000" in shown
    made = kgkt("populate", "--id-column", "key", "--class-column", "kind")
    assert (made.code, made.json["items"]) == (0, 240), made.err
    rows = [ids[i] for name in NAMES for i in np.flatnonzero(np.array(phrases.pool_y) == name)[:5]]
    todo = "".join(json.dumps({"key": item, "kind": phrases.pool_y[ids.index(item)]}) + "\n" for item in rows)
    Path("labels.jsonl").write_text(todo)
    assert kgkt("label", "--file", "labels.jsonl", "--class-column", "kind").json["labels"] == 15  # ids as the pool's
    fused = kgkt("fuse")
    assert fused.code == 0, fused.err
    assert fused.json["figures"]["test_fused"] > 0.8
    why = kgkt("explain", "doc/0", "--format", "table")
    new = kgkt("predict", "--model", "fused.keras", "--data", "test.parquet", "--format", "table")
    for shown, text in ((why.out, pool[0]), (new.out, test[0])):
        assert text[:50] in shown
        assert max(map(len, shown.splitlines())) < 300
    assert "% are of the class that the data says" in new.out  # its columns are called as the pool's are
    wrong = kgkt("fuse", "--text-column", "bodi", "--force")
    assert (wrong.code, "no column bodi; did you mean body" in wrong.err) == (3, True)


def test_columns_of_the_recipe(texts: Path, kgkt: Kgkt, phrases: Phrases) -> None:
    as_records(texts / "pool.jsonl", phrases.ids, phrases.pool, phrases.pool_y)
    Path("test.csv").write_text("a,b,c\nx,some words of a text,food\ny,other words of a text,animal\n")
    columns = 'id_column = "key"\ntext_column = "body"\n'
    Path("kgkt.toml").write_text(RECIPE.replace("texts.csv", "pool.jsonl").replace("[concepts]", columns + "[concepts]")
                                 .replace("[target]", '[target]\ntext_column = "b"\nclass_column = "c"'))
    found = {fact["what"]: fact["says"] for fact in kgkt("check").json["facts"]}
    assert (found["pool.jsonl"], found["test.csv"]) == ("240 texts in the column body", "2 texts in the column b")
