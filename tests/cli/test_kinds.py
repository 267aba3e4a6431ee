"""Bs with several outputs, several inputs, and of a class of one's own, from the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.cli.conftest import Kgkt

PACKAGE = '''
import keras

@keras.saving.register_keras_serializable("kgkt_kinds")
class Net(keras.Model):
    def __init__(self, **rest):
        super().__init__(**rest)
        self.answer = keras.layers.Dense(10)
        self.hidden = keras.layers.Dense(12, activation="relu")

    def call(self, x):
        return self.answer(self.hidden(keras.ops.reshape(x, (-1, 64))))
'''


def heads() -> Any:
    import keras

    pixels = keras.Input((8, 8, 1))
    trunk = keras.layers.Dense(12, activation="relu", name="trunk")(keras.layers.Flatten()(pixels))
    return keras.Model(pixels, {"digit": keras.layers.Dense(10, activation="softmax", name="d")(trunk),
                                "size": keras.layers.Dense(1, name="s")(trunk)})  # fmt: skip


def halves() -> Any:
    import keras

    top, rest = keras.Input((4, 8, 1), name="top"), keras.Input((32,), name="rest")
    seen = keras.layers.GRU(3, name="seen")(keras.layers.Reshape((4, 8))(top))
    both = keras.layers.Concatenate()([seen, keras.layers.Dense(6, name="side")(rest)])
    return keras.Model([top, rest], keras.layers.Dense(10, activation="softmax", name="out")(both))


def test_one_of_several_outputs(labelled: Path, kgkt: Kgkt) -> None:
    import keras

    model = heads()
    model.save("two.keras")
    refused = kgkt("map", "--target", "two.keras")
    assert refused.code == 3
    assert "two.keras has 2 outputs (digit (10), size (1)): say which one is taught, with --output NAME" in refused.err
    near = kgkt("fuse", "--target", "two.keras", "--output", "digits", "--out", "f.keras")
    assert (near.code, "has no output 'digits'" in near.err, "digit" in near.err) == (3, True, True)
    assert "two.keras has several outputs: say which" in kgkt("check", "--target", "two.keras").err
    assert "several outputs" not in kgkt("check", "--target", "two.keras", "--output", "digit").err
    mapped = kgkt("map", "--target", "two.keras", "--output", "digit", "--format", "json")
    assert {layer: facts["kind"] for layer, facts in mapped.json["layers"].items()} == {"trunk": "unit", "d": "head"}
    done = kgkt("fuse", "--target", "two.keras", "--output", "digit", "--test", "test.npz", "--out", "f.keras",
                "--steps", 4)  # fmt: skip
    assert done.code == 0
    assert "digit alone is taught; what B gives beside it (size) keeps its own layers" in done.err
    fused = keras.saving.load_model("f.keras")
    assert set(fused.output) == {"digit", "size"}
    assert (fused.get_layer("trunk").kernel.numpy() != model.get_layer("trunk").kernel.numpy()).any()
    np.testing.assert_array_equal(fused.get_layer("s").kernel, model.get_layer("s").kernel)
    said = json.loads(Path("f.run.json").read_text())
    assert (said["network"]["input"], said["network"]["outputs"]) == ([8, 8, 1], 10)


def test_several_inputs(labelled: Path, kgkt: Kgkt, digits: Any) -> None:
    halves().save("halves.keras")
    order = np.random.default_rng(0).permutation(len(digits.pool_x))
    parts = {"top": digits.pool_x[:, :4], "rest": digits.pool_x[:, 4:].reshape(-1, 32)}
    np.savez("view.npz", item_id=digits.pool_ids[order], **{name: part[order] for name, part in parts.items()})
    np.savez("wrong.npz", item_id=digits.pool_ids, top=parts["top"], rst=parts["rest"])
    np.savez("viewtest.npz", top=digits.test_x[:, :4], rest=digits.test_x[:, 4:].reshape(-1, 32), y=digits.test_y)
    fuse = ("fuse", "--target", "halves.keras", "--out", "f.keras", "--steps", 4)
    refused = kgkt(*fuse)
    assert refused.code == 2
    assert "B has 2 inputs (top (4, 8, 1), rest (32)): give its view of the pool's items with --target-data" in refused.err
    wrong = kgkt(*fuse, "--target-data", "wrong.npz")
    assert (wrong.code, "wrong.npz has no array rest" in wrong.err, "rst" in wrong.err) == (3, True, True)
    plan = kgkt("check", "--target", "halves.keras")
    assert "halves.keras has 2 inputs (top, rest): name its view of the pool with --target-data" in plan.err
    assert kgkt("map", "--target", "halves.keras", "--target-data", "view.npz").json["unmapped"] == [
        "seen (3 cells) is trained, but no concept is mapped to it"]  # fmt: skip
    nodes = kgkt("query", "MATCH (b:Block {index: 2}) RETURN b.layer AS layer, b.variable AS v ORDER BY layer")
    assert nodes.json["rows"] == [["out", "out/kernel"], ["side", "side/kernel"]]  # cells make no nodes
    done = kgkt(*fuse, "--target-data", "view.npz", "--test", "viewtest.npz", "--format", "json")
    assert done.code == 0, done.err
    assert done.json["figures"]["test_items"] == len(digits.test_y)
    assert "reads top 4 x 8 x 1 and rest 32" in Path("f.card.md").read_text()
    answered = kgkt("predict", "--model", "f.keras", "--data", "viewtest.npz", "--format", "json")
    assert (len(answered.json["rows"]), answered.json["right"]) == (
        len(digits.test_y), pytest.approx(done.json["figures"]["test_fused"]))  # fmt: skip


def test_a_class_of_ones_own(labelled: Path, kgkt: Kgkt, digits: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("kgkt_kinds.py").write_text(PACKAGE)
    monkeypatch.syspath_prepend(str(labelled))
    import kgkt_kinds  # type: ignore[import-not-found]

    model = kgkt_kinds.Net()
    model(digits.pool_x[:2])
    model.save("own.keras")
    refused = kgkt("map", "--target", "own.keras")
    assert (refused.code, "--import kgkt_kinds" in refused.err) == (5, True)
    own = ("--target", "own.keras", "--import", "kgkt_kinds")
    mapped = kgkt("map", *own, "--format", "json")
    assert {layer: facts["blocks"] for layer, facts in mapped.json["layers"].items()} == {"hidden": 12, "answer": 10}
    done = kgkt("fuse", *own, "--test", "test.npz", "--out", "f.keras", "--steps", 4, "--format", "json")
    assert set(done.json["written"]) == {"hidden", "answer"}
    answered = kgkt("predict", "--model", "f.keras", "--import", "kgkt_kinds", "--data", "test.npz", "--format", "json")
    assert answered.json["right"] == pytest.approx(done.json["figures"]["test_fused"])


@pytest.mark.parametrize(("content", "code", "says"), [
    (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", 3, "b2.keras is a git-LFS pointer"),
    (b"<!doctype html><html></html>", 3, "b2.keras is a web page"),
    (b"\x89HDF\r\n\x1a\n" + bytes(600), 5, "HDF5"),
    (b"\x80\x04\x95" + bytes(600), 5, "b2.keras is a pickle"),
    (None, 3, "b2.keras"),
], ids=["lfs", "html", "hdf5", "pickle", "truncated"])  # fmt: skip
def test_what_is_no_b(labelled: Path, kgkt: Kgkt, content: bytes | None, code: int, says: str) -> None:
    whole = Path("b.keras").read_bytes()
    Path("b2.keras").write_bytes(whole[: len(whole) // 2] if content is None else content)
    for verb in (("map",), ("fuse", "--out", "f.keras")):
        refused = kgkt(*verb, "--target", "b2.keras")
        assert (refused.code, says in refused.err) == (code, True), refused.err
    assert not Path("f.keras").exists()
