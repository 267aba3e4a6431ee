"""fuse --carry and evaluate --second, as a user types them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from kgkt.recipe import read_recipe
from kgkt.rundir.state import open_run
from kgkt.verbs.fuse import fuse_inputs
from tests.cli.conftest import Kgkt, write_labels


def test_concepts_are_carried_and_said_and_a_run_without_them_is_not_stale(labelled: Path, kgkt: Kgkt) -> None:
    (labelled / "kgkt.toml").write_text('[target]\nmodel = "b.keras"\nout = "f.keras"\nsteps = 40\n')
    done = kgkt("fuse", "--format", "table", "--carry", "concepts", "--carry-weight", "0.5")
    assert done.code == 0, done.err
    assert "concepts into B's last hidden layer, weight 0.5; it tells the nearest one of " in done.out
    recipe = read_recipe(labelled / "kgkt.toml")
    run = open_run(recipe)
    without, carrying, heavier = (fuse_inputs(recipe.override("target", carry=carry, carry_weight=weight), run)
                                  for carry, weight in ((None, None), ("concepts", None), ("concepts", 2.0)))  # fmt: skip
    assert set(carrying) - set(without) == {"what is carried"}
    assert {key for key in heavier if heavier[key] != carrying[key]} == {"what is carried"}
    assert all(without[key] == carrying[key] for key in without)


@pytest.mark.parametrize(
    ("flags", "code", "message"),
    [
        (("--carry", "concept"), 3, "carry is 'concept'; did you mean concepts?"),
        (("--carry", "concepts", "--carry-weight", "-1"), 3, "carry_weight is -1.0, expected a number from 0 on"),
        (("--carry-weight", "2"), 2, "nothing is: --carry concepts"),
    ],
)
def test_what_cannot_be_carried_is_refused(
    labelled: Path, kgkt: Kgkt, flags: tuple[str, ...], code: int, message: str
) -> None:
    for verb in (("fuse", "--out", "f.keras"), ("evaluate",)):
        done = kgkt(*verb, "--target", "b.keras", *flags)
        assert (done.code, message in done.err) == (code, True), done.err
    (labelled / "kgkt.toml").write_text('[target]\ncarry = "concept"\n')
    assert "target.carry is 'concept'; did you mean concepts?" in kgkt("check").err


def test_a_second_task_needs_a_b_and_classes(populated: Path, kgkt: Kgkt, truth: dict[str, str], digits) -> None:
    write_labels(populated / "truth.csv", list(truth.items()))
    np.savez(populated / "bare.npz", x=digits.test_x)
    common = ("evaluate", "--truth", "truth.csv", "--labels", "2", "--seeds", "1")
    done = kgkt(*common, "--second", "test.npz")
    assert (done.code, "give --target and --test" in done.err) == (3, True), done.err
    done = kgkt(*common, "--second", "bare.npz", "--target", "b.keras", "--test", "test.npz", "--train-b", "kgkt@2@1")
    assert (done.code, "bare.npz has no classes: save them as y beside x" in done.err) == (3, True), done.err
