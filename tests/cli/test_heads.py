"""A B of one output for two classes, and one in mixed precision, through the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kgkt.errors import count
from kgkt.source.quiet import keras
from tests.cli.conftest import Kgkt, write_labels

NAMES = ("cat", "dog")


def save_b(path: str, units: int, last: str | None, dtype: str = "float32", hidden: int = 32) -> None:
    library = keras()
    library.utils.set_random_seed(1)
    own = {"dtype": dtype}
    layers = library.layers
    library.Sequential([
        library.Input((8, 8, 1)), layers.Flatten(name="flat", **own),
        layers.Dense(hidden, activation="relu", name="hidden", **own), layers.Dense(units, last, name="out", **own),
    ]).save(path)  # fmt: skip


@pytest.fixture
def pets(populated: Path, kgkt: Kgkt, truth: dict[str, str], digits: Any) -> dict[str, str]:
    """The populated folder with 30 labels of two classes, digits up to 4 and the others; the class of every item."""
    of = {item: NAMES[int(digit) > 4] for item, digit in truth.items()}
    asked = kgkt("suggest", "-n", 30).json["rows"]
    write_labels(populated / "labels.csv", [(row[0], of[row[0]]) for row in asked])
    assert kgkt("label", "--file", "labels.csv").code == 0
    np.savez("two.npz", x=digits.test_x, y=np.array([NAMES[int(digit > 4)] for digit in digits.test_y]))
    assert kgkt("propagate", "--balanced").code == 0
    return of


def test_one_output_is_mapped_taught_and_measured_as_two_classes(pets: dict[str, str], kgkt: Kgkt) -> None:
    save_b("one.keras", 1, "sigmoid")
    save_b("soft.keras", 2, "softmax")
    words = "has one output: the probability of 'dog' (the second class) against 'cat'"
    mapped = kgkt("map", "--target", "one.keras")
    assert mapped.json["layers"] == {"hidden": {"kind": "unit", "blocks": 32}, "out": {"kind": "head", "blocks": 1}}
    assert f"one.keras {words}" in mapped.err
    head = "MATCH (b:Block {kind: 'head'}) RETURN b.name, b.index, b.layer"
    assert kgkt("query", head).json["rows"] == [["dog", 0, "out"]]
    leans = ("MATCH (c:Concept)-[m:MAPS_TO]->(b:Block {kind: 'head'}), (c)-[l:LEANS_TO]->(k:Class {name: 'dog'}) "
             "RETURN m.planned, l.mass")  # fmt: skip
    pairs = np.array(kgkt("query", leans).json["rows"])
    assert len(pairs) > 30
    np.testing.assert_allclose(pairs[:, 0], pairs[:, 1], atol=1e-6)
    fused = kgkt("fuse", "--target", "one.keras", "--out", "f.keras", "--test", "two.npz", "--format", "table")
    assert fused.code == 0, fused.err
    assert fused.err.count(words) == 1
    run = json.loads(Path("f.run.json").read_text())
    assert run["written"]["out"]["blocks"] == 1
    assert run["written"]["out"]["error"] > 0
    assert "Its one output speaks for dog against cat." in Path("f.card.md").read_text()
    kgkt("map", "--target", "soft.keras")
    soft = kgkt("fuse", "--target", "soft.keras", "--out", "s.keras", "--test", "two.npz").json["figures"]
    assert soft["test_fused"] > 0.85
    assert run["figures"]["test_fused"] == pytest.approx(soft["test_fused"], abs=0.03)
    found = keras().saving.load_model("f.keras").predict(np.load("two.npz")["x"], verbose=0)[:, 0] > 0.5
    right = np.mean(found == (np.load("two.npz")["y"] == "dog"))
    assert run["figures"]["test_fused"] == pytest.approx(right)


def test_a_strength_of_the_one_slot_set_to_0_leads_to_the_first_class(pets: dict[str, str], kgkt: Kgkt) -> None:
    save_b("one.keras", 1, None)
    kgkt("map", "--target", "one.keras")
    cut = "MATCH (c:Concept)-[m:MAPS_TO]->(b:Block {kind: 'head', name: 'dog'}) SET m.strength = 0.0"
    assert kgkt("query", cut, "--rw", "--force").code == 0
    fused = kgkt("fuse", "--target", "one.keras", "--out", "f.keras")
    assert fused.code == 0, fused.err
    x = np.load("pool.npz")["x"]
    dogs = keras().saving.load_model("f.keras").predict(x, verbose=0)[:, 0] > 0
    assert dogs.mean() < 0.1  # 30 labelled items keep their labels


def test_a_b_of_other_blocks_under_the_same_name_is_mapped_anew(pets: dict[str, str], kgkt: Kgkt) -> None:
    def edited() -> list[list[Any]]:
        found = ("MATCH (c:Concept)-[m:MAPS_TO]->(b:Block {layer: 'out'}) WHERE m.strength <> m.planned "
                 "RETURN b.name, m.strength, count(c)")  # fmt: skip
        return kgkt("query", found).json["rows"]

    save_b("b.keras", 2, "softmax")
    assert kgkt("map", "--target", "b.keras").code == 0
    for name in NAMES:
        cut = f"MATCH (c:Concept)-[m:MAPS_TO]->(b:Block {{name: '{name}'}}) WHERE m.planned > .8 SET m.strength = .25"
        assert kgkt("query", cut, "--rw", "--force").code == 0
    cats, dogs = (next(n for name, _, n in edited() if name == wanted) for wanted in NAMES)
    save_b("b.keras", 1, "sigmoid", hidden=20)
    done = kgkt("map", "--target", "b.keras")
    assert (done.code, done.json["edits_kept"]) == (0, dogs), done.err
    assert edited() == [["dog", 0.25, dogs]]
    lost = f"lost: {count(cats, 'strength')} to the first class: out has one slot now, that of the second"
    assert done.err.count("lost: ") == done.err.count(lost) == 1
    save_b("b.keras", 2, "softmax")
    assert kgkt("map", "--target", "b.keras").json["edits_kept"] == dogs
    assert edited() == [["dog", 0.25, dogs]]


def test_one_output_for_three_classes_and_ends_that_cannot_be_read_are_refused(
    pets: dict[str, str], kgkt: Kgkt
) -> None:
    save_b("one.keras", 1, "sigmoid")
    save_b("hard.keras", 1, "hard_sigmoid")
    save_b("half.keras", 1, "sigmoid", "float16")
    hard = "ends in hard_sigmoid: kgkt reads softmax or sigmoid (probabilities) and linear (logits)."
    for verb in (("map",), ("fuse", "--out", "x.keras")):
        done = kgkt(*verb, "--target", "hard.keras")
        assert (done.code, f"B's last layer out {hard}\nSay --from-logits if" in done.err) == (3, True), done.err
        done = kgkt(*verb, "--target", "half.keras")
        assert (done.code, "half.keras keeps the weights of hidden, out in float16" in done.err) == (3, True)
        done = kgkt(*verb, "--target", "one.keras", "--from-logits")
        assert (done.code, "so its outputs are probabilities, and from_logits is true" in done.err) == (3, True)
    assert kgkt("map", "--target", "hard.keras", "--from-logits").code == 0
    found = kgkt("check", "--target", "hard.keras")
    assert (found.code, f"hard.keras {hard}" in found.json["problems"][0]) == (3, True)
    Path("three.toml").write_text('[target]\nmodel = "one.keras"\nclasses = ["cat", "dog", "owl"]\n')
    words = "one.keras has 1 output, which tells two classes apart, your graph has 3 classes.\n  outputs  1\n"
    for verb in (("map",), ("fuse", "--out", "x.keras"), ("check",)):
        done = kgkt(*verb, "--recipe", "three.toml")
        assert (done.code, words in done.err) == (3, True), done.err
    assert kgkt("query", "MATCH (k:Class) RETURN k.name ORDER BY k.name").json["rows"] == [["cat"], ["dog"]]
    assert not Path("x.keras").exists()


def test_check_says_what_one_output_stands_for(pets: dict[str, str], kgkt: Kgkt) -> None:
    save_b("one.keras", 1, None)
    words = "one.keras has one output: the logit of 'dog' (the second class) against 'cat'"
    assert [f for f in kgkt("check", "--target", "one.keras").json["facts"] if f.get("kind") == "outputs"] == []
    kgkt("map", "--target", "one.keras")  # fixes the order of the classes
    told = [f["says"] for f in kgkt("check", "--target", "one.keras").json["facts"] if f.get("kind") == "outputs"]
    assert told == [words]


@pytest.mark.slow
def test_evaluate_measures_one_output_in_mixed_precision(pets: dict[str, str], kgkt: Kgkt, populated: Path) -> None:
    save_b("one.keras", 1, "sigmoid", "mixed_float16")
    save_b("hard.keras", 1, "hard_sigmoid")
    write_labels(populated / "truth.csv", list(pets.items()))
    Path("kgkt.toml").write_text("[target]\nsteps = 300\n")
    asked = ("evaluate", "--labels", "5", "--seeds", "1", "--truth", "truth.csv", "--test", "two.npz", "--train-b")
    done = kgkt(*asked, "scratch,keras distillation,kgkt@5@1", "--target", "one.keras")
    assert done.code == 0, done.err
    assert "one.keras has one output: the probability of 'dog' (the second class) against 'cat'" in done.err
    cells = {r["method"]: r["value"] for r in done.json["rows"] if r["metric"] == "test_accuracy"}
    assert set(cells) >= {"scratch", "keras distillation", "kgkt"}
    assert cells["kgkt"] > cells["scratch"] > 0.6
    asked = (*asked, "kgkt@5@1")
    refused = kgkt(*asked, "--target", "hard.keras")
    assert (refused.code, "ends in hard_sigmoid" in refused.err) == (3, True)
    assert kgkt(*asked, "--target", "hard.keras", "--from-logits").code == 0
