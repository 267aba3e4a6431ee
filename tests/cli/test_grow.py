"""A trained B gets classes and units through the command line and from Python."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kgkt.source.quiet import keras
from tests.cli.conftest import Kgkt, cwd_into, kgkt_in, write_labels
from tests.conftest import Once

OLD = "0,1,2,3,4,5,6,7"


@pytest.fixture(scope="session")
def eight_once(once: Once, populated_once: Path, digits: Any, truth: dict[str, str]) -> Path:
    """The populated folder, five labels of 8 and five of 9, and a B that learned 0 to 7; not to be changed."""

    def fill(folder: Path) -> None:
        shutil.copytree(populated_once, folder, dirs_exist_ok=True)
        library = keras()
        library.utils.set_random_seed(0)
        layers = library.layers
        b = library.Sequential([
            library.Input((8, 8, 1)), layers.Flatten(name="flat"), layers.Dense(48, activation="relu", name="wide"),
            layers.Dense(32, activation="relu", name="hidden"), layers.Dense(8, activation="softmax", name="out"),
        ])  # fmt: skip
        known = digits.train_y < 8
        b.compile("adam", "sparse_categorical_crossentropy")
        b.fit(digits.train_x[known], digits.train_y[known], batch_size=32, epochs=25, verbose=0)
        b.save(folder / "b8.keras")
        b.get_layer("hidden").trainable = False
        b.save(folder / "stuck.keras")
        chosen = [item for name in "89" for item in [i for i, c in truth.items() if c == name][:5]]
        write_labels(folder / "new.csv", [(item, truth[item]) for item in chosen])
        kgkt_in(folder, "label", "--file", "new.csv")

    return once("eight", fill)


@pytest.fixture
def eight(eight_once: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same folder, to work in."""
    shutil.copytree(eight_once, tmp_path / "work")
    return cwd_into(monkeypatch, tmp_path / "work")


def test_a_b_of_eight_digits_learns_the_other_two(eight: Path, kgkt: Kgkt) -> None:
    told = ("fuse", "--target", "b8.keras", "--grow", "classes=8,9", "--grow", "units=hidden:48", "--test", "test.npz")
    unknown = kgkt(*told, "--out", "no.keras")
    assert unknown.code == 3
    assert "b8.keras tells 8 classes apart, and which is which is not known" in unknown.err
    assert "--target-classes a,b,…" in unknown.err
    done = kgkt(*told, "--out", "ten.keras", "--target-classes", OLD, "--format", "table",
                "--steps", 200)
    assert done.code == 0, done.err
    assert "grown      hidden: 32 to 48 units" in done.out
    assert "grown      8 to 10 classes; of the pool the graph sees 8 in" in done.out
    assert "B speaks for its own classes beside your labels, with 80 answers on the pool" in done.err
    assert "there is no map" not in done.err
    run = json.loads(Path("ten.run.json").read_text())
    figures, grown = run["figures"], run["facts"]["grown"]
    assert grown["largest_difference"] <= 1e-6
    assert (grown["classes"], grown["layers"]["hidden"]["units"]) == (["8", "9"], 48)
    assert figures["old_after"] > figures["old_before"] - 0.04
    assert figures["new_after"] > 0.7
    assert figures["kept"] > 0.9
    assert figures["test_fused"] > figures["test_alone"] + 0.3
    card = Path("ten.card.md").read_text()
    assert "## What was grown" in card
    assert "Its 10 outputs, in order: 0, 1, 2, 3, 4, 5, 6, 7, 8, 9." in card
    model, test = keras().saving.load_model("ten.keras"), np.load("test.npz")
    assert (model.output_shape, model.get_layer("hidden").units) == ((None, 10), 48)
    right = model.predict(test["x"], verbose=0).argmax(axis=1) == test["y"]
    assert figures["test_fused"] == pytest.approx(right.mean())
    assert figures["new_after"] == pytest.approx(right[test["y"] > 7].mean())
    # the order is fixed in the graph now, so that what follows reads the outputs of the new B as they are
    order = kgkt("query", "MATCH (c:Class) RETURN c.name ORDER BY c.index").json["rows"]
    assert [name for name, in order] == list("0123456789")
    mapped = kgkt("map", "--target", "ten.keras").json["layers"]
    assert mapped["out"] == {"kind": "head", "blocks": 10}
    assert mapped["hidden"]["blocks"] == 48
    # more units: B speaks for the classes without a label, and forgets none
    wider = kgkt("fuse", "--target", "ten.keras", "--grow", "units=wide:56", "--out", "more.keras", "--test", "test.npz",
                 "--steps", 100)  # fmt: skip
    assert "B speaks for the classes without a label beside your labels" in wider.err
    assert wider.json["figures"]["test_fused"] > figures["test_fused"] - 0.03
    # and that of the B beside whose file fuse wrote it down needs not be told
    more = kgkt("fuse", "--target", "ten.keras", "--grow", "classes=9", "--out", "x.keras")
    assert "9 is a class of ten.keras already, its output 9 by ten.run.json" in more.err


def test_units_alone_leave_the_order_of_the_classes_open(labelled: Path, kgkt: Kgkt) -> None:
    done = kgkt("fuse", "--target", "b.keras", "--grow", "units=40", "--out", "wide.keras")
    assert done.code == 0, done.err
    assert done.json["grown"]["layers"]["hidden"]["had"] == 32
    assert done.json["grown"]["largest_difference"] <= 1e-6
    assert "new units for the 30 concepts that its units carried least" in done.err
    assert keras().saving.load_model("wide.keras").get_layer("hidden").units == 40
    assert kgkt("query", "MATCH (c:Class) WHERE c.index IS NOT NULL RETURN count(c)").json["rows"] == [[0]]


def test_a_recipe_grows_and_what_it_grows_makes_fuse_stale(eight: Path, kgkt: Kgkt) -> None:
    recipe = ('[source]\nmodel = "a.keras"\nlayers = ["mid", "emb"]\ndata = "pool.npz"\n[target]\nmodel = "b8.keras"\n'
              f'out = "ten.keras"\nclasses = [{OLD},8,9]\nsteps = 40\ngrow = ["classes=8,9"]\n')  # fmt: skip
    Path("kgkt.toml").write_text(recipe)
    checked = kgkt("check").json
    assert checked["problems"] == []
    assert kgkt("run").code == 0
    first = Path("ten.keras").stat().st_mtime_ns
    assert kgkt("run").code == 0
    assert Path("ten.keras").stat().st_mtime_ns == first
    Path("kgkt.toml").write_text(recipe.replace('"classes=8,9"]', '"classes=8,9", "units=40"]'))
    stage = kgkt("check").json["stages"]["fuse"]
    assert (stage["stale"], stage["why"]) == (True, ["target settings"])


@pytest.mark.parametrize(("told", "words"), [
    (("--grow", "classes=7", "--target-classes", OLD), "7 is a class of b8.keras already, its output 7"),
    (("--grow", "classes=owl", "--target-classes", OLD), "no label says owl"),
    (("--grow", "classes=8", "--target-classes", OLD), "labels of 9, for which B would have no output: --grow classes=8,9"),
    (("--grow", "classes=8,9", "--target-classes", "8,9,0,1,2,3,4,5,6,7"), "the new classes come last"),
    (("--grow", "classes=8,9", "--target-classes", "0,1,2"), "has 3 classes (0 1 2)"),
    (("--grow", "class=8"), "did you mean classes"),
    (("--grow", "classes=8,9", "--method", "write"), "--method write does not go with --grow"),
    (("--grow", "units=hiden:64"), "B has no layer 'hiden'; did you mean hidden or wide?"),
    (("--grow", "units=hidden:32"), "hidden has 32 units now; name more"),
    (("--grow", "units=flat:64"), "flat is a Flatten: kgkt widens Dense and convolutions"),
    (("--grow", "units=64", "--target", "stuck.keras"), "hidden is frozen"),
])  # fmt: skip
def test_what_cannot_be_grown_is_refused_before_any_work(
    told: tuple[str, ...], words: str, eight_once: Path, kgkt: Kgkt, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cwd_into(monkeypatch, eight_once)
    target = () if "--target" in told else ("--target", "b8.keras")
    done = kgkt("fuse", *target, *told, "--out", tmp_path / "x.keras")
    assert (done.code, words in done.err) == (2 if {"class=8", "write"} & set(told) else 3, True), done.err
    assert not (tmp_path / "x.keras").exists()


def test_units_say_what_b_had_before_and_no_steps_are_refused(labelled: Path, kgkt: Kgkt) -> None:
    told = ("fuse", "--target", "b.keras", "--grow", "units=40", "--out", "wide.keras", "--test", "test.npz")
    none = kgkt(*told, "--steps", 0)
    assert (none.code, "growing without training is not offered" in none.err) == (2, True)
    done = kgkt(*told, "--steps", 20, "--format", "table")
    assert done.code == 0, done.err
    figures = json.loads(Path("wide.run.json").read_text())["figures"]
    test, b = np.load("test.npz"), keras().saving.load_model("b.keras")
    right = b.predict(test["x"], verbose=0).argmax(axis=1) == test["y"]
    assert figures["test_before"] == pytest.approx(right.mean())
    assert f"           B on the test set      {100 * right.mean():.1f} % before, {100 * figures['test_fused']:.1f} % now" in done.out
    assert figures["before_error"] > 0
    assert "accuracy on the test set, before B grew" in Path("wide.card.md").read_text()


def test_a_class_taken_back_goes_out_of_the_order(labelled: Path, kgkt: Kgkt) -> None:
    ten = ",".join("0123456789")
    named = kgkt("map", "--target", "b.keras", "--target-classes", f"{ten},cross")
    assert (named.code, "b.keras has 10 outputs" in named.err) == (3, True)
    keep = keras().layers
    wider = keras().Sequential([keras().Input((8, 8, 1)), keep.Flatten(), keep.Dense(11, activation="softmax", name="out")])
    wider.save("eleven.keras")
    done = kgkt("fuse", "--target", "eleven.keras", "--target-classes", f"{ten},cross", "--steps", 20, "--out", "e.keras")
    assert done.code == 0, done.err
    assert "no label says cross: the order of the classes (--target-classes) names 1 class of which B is taught nothing" in done.err
    assert kgkt("map", "--target", "eleven.keras", "--target-classes", f"{ten},cross").code == 0
    refused = kgkt("map", "--target", "b.keras")
    assert (refused.code, "with --target-classes or [target] classes in kgkt.toml" in refused.err) == (3, True)
    stays = kgkt("map", "--target", "b.keras", "--target-classes", ten)
    assert (stays.code, "cross stays a class of the graph behind these" in stays.err) == (0, True)
    kgkt("query", "MATCH (b:Block {model: 'eleven'}) DETACH DELETE b", "--rw", "--force")
    for verb in ("map", "fuse"):  # each takes it out by itself
        kgkt("query", "MERGE (k:Class {key: 'main/class/cross'}) SET k.graph = 'main', k.name = 'cross', k.index = 10",
             "--rw", "--force")  # fmt: skip
        assert kgkt("map", "--target", "b.keras").code == 3
        more = () if verb == "map" else ("--steps", 20, "--out", "short.keras")
        short = kgkt(verb, "--target", "b.keras", "--target-classes", ten, *more)
        assert short.code == 0, short.err
        assert "no longer in it, as no label says so any more: cross" in short.err
        assert kgkt("map", "--target", "b.keras").code == 0
    assert kgkt("trace", "hidden:3", "--target", "short.keras", "--target-classes", ten).code == 0
