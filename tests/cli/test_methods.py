"""Methods of fuse from the command line: filters mapped and edited, written only, A's own answer, what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from kgkt.source.quiet import keras as import_keras
from tests.cli.conftest import Kgkt


def conv_b(path: Path) -> None:
    keras = import_keras()
    keras.utils.set_random_seed(0)
    layers = keras.layers
    keras.Sequential([
        keras.Input((8, 8, 1)), layers.Conv2D(6, 3, activation="relu", name="conv"), layers.Flatten(name="flat"),
        layers.Dense(10, activation="softmax", name="out"),
    ]).save(path)  # fmt: skip


def test_filters_are_mapped_edited_and_written_without_a_step(kgkt: Kgkt, labelled: Path) -> None:
    conv_b(labelled / "conv.keras")
    mapped = kgkt("map", "--target", "conv.keras")
    assert mapped.json["layers"]["conv"] == {"kind": "filter", "blocks": 6}
    assert mapped.json["unmapped"] == []

    def written(out: str) -> dict[str, Any]:
        done = kgkt("fuse", "--target", "conv.keras", "--out", out, "--method", "write", "--steps", 0,
                    "--class-weights", "balanced")  # fmt: skip
        assert done.code == 0, done.err
        assert done.json["figures"]["steps"] == 0
        assert {entry["why"] for entry in done.json["written"].values()} == {"as asked (--method write)"}
        weights = import_keras().models.load_model(out).get_layer("conv").kernel.numpy()
        return {"weights": weights, "figures": done.json["figures"]}

    before, again = written("w1.keras"), written("w2.keras")
    np.testing.assert_array_equal(before["weights"], again["weights"])
    edit = "MATCH (:Concept)-[m:MAPS_TO]->(:Block {layer: 'conv', index: 2}) SET m.strength = m.planned / 2"
    assert kgkt("query", "--rw", "--force", edit).code == 0
    after = written("w3.keras")["weights"]
    changed = np.abs(after - before["weights"]).max(axis=(0, 1, 2))
    np.testing.assert_array_equal(np.flatnonzero(changed), [2])
    np.testing.assert_allclose(after[..., 2], before["weights"][..., 2] / 2, atol=1e-5)


def test_a_s_own_answer_teaches_where_the_recipe_says_what_it_answers(kgkt: Kgkt, labelled: Path) -> None:
    refused = kgkt("fuse", "--target", "b.keras", "--out", "d.keras", "--method", "distil")
    assert refused.code == 2
    assert "nothing says that they are B's classes" in refused.err
    classes = json.dumps([str(digit) for digit in range(10)])
    recipe = f'[source]\nmodel = "a.keras"\ndata = "pool.npz"\nlayers = ["mid", "emb"]\nclasses = {classes}\n'
    (labelled / "kgkt.toml").write_text(recipe + '[target]\nmethod = "distil"\nclass_weights = {3 = 2}\n')
    done = kgkt("fuse", "--target", "b.keras", "--out", "d.keras", "--test", "test.npz", "--log", "log")
    assert done.code == 0, done.err
    assert done.json["options"]["sharpen"] == 0.5
    assert done.json["options"]["class_weights"] == {"3": 2.0}
    assert done.json["figures"]["gain"] > 0.05
    assert done.json["written"] == {}
    assert "A's own answer is the teacher" in done.err
    assert len(list((labelled / "log").iterdir())) == 1


def test_what_does_not_go_together_is_refused(kgkt: Kgkt, labelled: Path) -> None:
    for given, code, message in (
        (("--method", "row"), 2, "no method 'row'; did you mean rows"),
        (("--method", "write", "--no-map"), 2, "no map is asked for"),
        (("--method", "write"), 3, "there is none: run kgkt map first"),
        (("--temperature", 3), 2, "temperature is of A's own answer"),
        (("--steps", 0), 3, "steps is 0, expected 1 or more"),
        (("--class-weights", "equal"), 3, "class_weights is 'equal'"),
    ):
        refused = kgkt("fuse", "--target", "b.keras", "--out", "f.keras", *given)
        assert (refused.code, message in refused.err) == (code, True), refused.err
        assert not (labelled / "f.keras").exists()
    (labelled / "kgkt.toml").write_text('[target]\nclass_weights = 3\n')
    assert '"balanced" or a table of numbers' in kgkt("fuse", "--target", "b.keras", "--out", "f.keras").err
