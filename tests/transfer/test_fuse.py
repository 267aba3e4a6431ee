from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from scipy.sparse import csr_matrix

from kgkt.errors import BelowBarError, InputError
from kgkt.transfer.blocks import read_blocks
from kgkt.transfer.fuse import FuseOptions, fuse, split
from kgkt.transfer.mapper import plan_map
from kgkt.values import BlockMap, Fusion, Labels

SHORT = FuseOptions(steps=60)


def mapped(model: Any, taught: Any) -> dict[str, Any]:
    block_map = plan_map(read_blocks(model), taught.clustering.centroids, taught.targets.mass, taught.Z, seed=0)
    return {"block_map": block_map, "memberships": taught.Z}


def run(model: Any, taught: Any, **more: Any) -> Fusion:
    given = {"x": taught.x, "targets": taught.targets, "labels": taught.labels} | more
    return fuse(model, given.pop("x"), given.pop("targets"), given.pop("labels"), **given)


def test_b_fused_is_far_above_b_alone_and_a_second_run_agrees(mlp: Any, taught: Any) -> None:
    first, second = (run(mlp(), taught, test=taught.test, **mapped(mlp(), taught)) for _ in range(2))
    assert first.figures["gain"] > 0.05
    assert first.figures["gain"] == first.figures["test_fused"] - first.figures["test_alone"]
    assert 0 < first.figures["gain_error"] < 1 / len(taught.test[1]) ** 0.5
    predicted = first.model.predict(taught.test[0], verbose=0).argmax(1)
    assert first.figures["test_fused"] == pytest.approx((predicted == taught.test[1]).mean())
    assert (first.figures, first.written, first.history) == (second.figures, second.written, second.history)
    assert first.options["optimizer"] == "Adam"
    assert (first.options["steps"], first.options["batch"]) == (400, 64)


def test_b_alone_is_b_trained_on_the_labels_only(mlp: Any, taught: Any) -> None:
    theirs = mlp()
    x, y = taught.x[taught.labels.items], taught.labels.classes
    theirs.compile(keras.optimizers.Adam(1e-3), "sparse_categorical_crossentropy")
    theirs.fit(x, y, batch_size=50, epochs=40, verbose=0)
    theirs_accuracy = (theirs.predict(taught.test[0], verbose=0).argmax(1) == taught.test[1]).mean()
    got = run(mlp(), taught, test=taught.test, options=FuseOptions(batch=50, steps=40)).figures["test_alone"]
    assert got == pytest.approx(theirs_accuracy, abs=0.02)


def test_without_test_set_worth_is_not_measured(mlp: Any, taught: Any) -> None:
    figures = run(mlp(), taught, options=SHORT).figures
    assert [figures[k] for k in ("test_alone", "test_fused", "gain", "gain_error", "batchnorm_before")] == [None] * 5
    assert figures["steps"] == 60


def test_without_a_map_no_weights_are_written_and_it_is_said(mlp: Any, taught: Any) -> None:
    got = run(mlp(), taught, options=SHORT)
    assert got.written == {}
    assert got.notices == ("there is no map: no weights were written, B was trained on the targets only",)


def test_written_weights_are_kept_only_where_the_check_favours_them(mlp: Any, taught: Any) -> None:
    plain = run(mlp(), taught, options=SHORT)
    got = run(mlp(), taught, options=SHORT, **mapped(mlp(), taught))
    assert list(got.written) == ["one", "two", "out"]
    for entry in got.written.values():  # one verdict on all
        assert entry["written"]
        assert entry["gain"] > entry["error"] > 0
        assert entry["why"].endswith("after 20 steps")
    assert got.figures["held_out_loss"] < plain.figures["held_out_loss"] - 0.5
    assert got.figures["steps"] == 60


def test_strengths_set_to_zero_take_the_concepts_items_from_the_class_in_b(mlp: Any, taught: Any) -> None:
    given = mapped(mlp(), taught)
    mass = given["block_map"].planned["out"].toarray()
    threes = mass.argmax(axis=1) == 3
    own = np.asarray(taught.Z[:, threes].sum(axis=1)).ravel()
    items = (own > 0.6) & ~np.isin(np.arange(600), taught.labels.items)
    assert items.sum() >= 15
    before = run(mlp(), taught, **given).model.predict(taught.x[items], verbose=0).argmax(1)
    mass[threes, 3] = 0
    edited = replace(given["block_map"], strength=given["block_map"].strength | {"out": csr_matrix(mass)})
    after = run(mlp(), taught, **(given | {"block_map": edited})).model.predict(taught.x[items], verbose=0).argmax(1)
    assert (before == 3).mean() > 0.9
    assert (after == 3).mean() < 0.3


def test_an_edit_of_a_layer_that_was_not_written_is_said_to_be_idle(mlp: Any, taught: Any) -> None:
    model = mlp()
    model.get_layer("two").trainable = False
    given = mapped(model, taught)
    edited = given["block_map"].planned["two"] * 0.5
    block_map: BlockMap = replace(given["block_map"], strength=given["block_map"].strength | {"two": edited})
    got = run(model, taught, options=SHORT, **(given | {"block_map": block_map}))
    assert got.written["two"] == {
        "kind": "unit", "blocks": 16, "written": False, "why": "it is frozen", "gain": None, "error": None
    }  # fmt: skip
    assert "frozen layers stay as they are: two" in got.notices
    assert any(n.startswith("your edits of strengths to two did not act") for n in got.notices)


def test_batchnorm_is_re_estimated_on_the_pool(cnn: Any, taught: Any) -> None:
    got = run(cnn, taught, test=taught.test, options=FuseOptions(steps=100), **mapped(cnn, taught))
    norm = cnn.get_layer("norm")
    seen = keras.Sequential(cnn.layers[:2])(taught.x).numpy()
    np.testing.assert_allclose(norm.moving_mean.numpy(), seen.mean(axis=(0, 1, 2)), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(norm.moving_variance.numpy(), seen.var(axis=(0, 1, 2)), rtol=1e-3)
    assert got.figures["batchnorm_after"] == got.figures["test_fused"]
    assert got.figures["batchnorm_before"] < got.figures["batchnorm_after"]
    assert "conv (8 filters) is trained, but no concept is mapped to it" in got.notices


def test_frozen_batchnorm_keeps_its_statistics(cnn: Any, taught: Any) -> None:
    cnn.get_layer("norm").trainable = False
    got = run(cnn, taught, options=SHORT)
    np.testing.assert_array_equal(cnn.get_layer("norm").moving_mean.numpy(), 0)
    assert got.figures["batchnorm_after"] is None
    assert "frozen layers stay as they are: norm" in got.notices


def test_a_nested_b_is_written_and_taught(taught: Any) -> None:
    keras.utils.set_random_seed(0)
    image = keras.Input((64,))
    hidden = keras.layers.Dense(24, "relu", name="deep")(image)
    inner = keras.Model(image, keras.layers.BatchNormalization(name="norm")(hidden), name="inner")
    model = keras.Sequential([keras.Input((64,)), inner, keras.layers.Dense(10, name="out")])
    got = run(model, taught, options=SHORT, test=taught.test, **mapped(model, taught))
    assert list(got.written) == ["inner/deep", "out"]
    assert got.written["inner/deep"]["gain"] is not None
    assert got.figures["test_fused"] > 0.75
    assert got.figures["batchnorm_after"] is not None


def test_a_b_that_declares_its_tensors_in_lists_is_taught(taught: Any) -> None:
    image = keras.Input((64,))
    hidden = keras.layers.Dense(16, "relu", name="one")(image)
    model = keras.Model([image], [keras.layers.Dense(10, name="out")(hidden)])
    got = run(model, taught, test=taught.test, options=FuseOptions(steps=200), **mapped(model, taught))
    assert got.figures["test_fused"] > 0.7


def test_bs_own_compile_is_ignored_aloud(mlp: Any, taught: Any) -> None:
    model = mlp()
    model.compile("sgd", "mse")
    got = run(model, taught, options=SHORT)
    assert "B's own compile (optimizer, loss, metrics) is not used" in got.notices
    assert got.history == run(mlp(), taught, options=SHORT).history


def test_labels_are_never_held_out_and_few_items_have_no_early_stop(mlp: Any, taught: Any) -> None:
    train, held = split(taught.targets.weight, taught.labels, FuseOptions())
    assert len(held) == round(0.1 * (taught.targets.weight > 0).sum())
    assert not set(held) & set(taught.labels.items.tolist())
    assert not set(held) & set(train.tolist())
    few = replace(taught.targets, weight=(np.arange(600) < 100).astype("f4"))
    got = run(mlp(), taught, options=SHORT, targets=few, **mapped(mlp(), taught))
    assert "held_out" not in got.history
    assert got.figures["held_out_loss"] is None
    assert {e["why"] for e in got.written.values()} == {"too few items to check it on"}
    assert any(n.startswith("too few items for a held-out set (") for n in got.notices)


def test_a_tick_teaches_b_alone_what_the_item_is_not(mlp: Any, taught: Any) -> None:
    ticks = Labels([], [], taught.labels.names, [0, 1], [2, 3])
    got = run(mlp(), taught, options=SHORT, labels=ticks, test=taught.test)
    assert 0 < got.figures["test_alone"] < 0.5
    nothing = run(mlp(), taught, options=SHORT, labels=Labels([], [], taught.labels.names), test=taught.test)
    assert nothing.figures["test_alone"] is None
    assert nothing.figures["gain"] is None
    assert "no label: B alone was not measured" in nothing.notices


def test_a_diverged_training_restores_b_and_keeps_a_diagnosis(mlp: Any, taught: Any, tmp_path: Path) -> None:
    model = mlp()
    own = model.get_weights()
    x = taught.x.copy()
    x[[7, 9]] = np.inf
    with pytest.raises(BelowBarError, match="B has its own weights again"):
        run(model, taught, x=x, diagnosis=tmp_path / "diagnosis.json")
    for a, b in zip(own, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    kept = json.loads((tmp_path / "diagnosis.json").read_text())
    assert kept["data"] == {"bad_rows": 2, "first_bad_rows": [7, 9], "largest": 1.0}
    assert kept["options"]["steps"] == 400
    assert "training stopped" in kept["what"]


def test_what_does_not_belong_together_is_refused_before_any_work(mlp: Any, taught: Any) -> None:
    model = mlp()
    own = model.get_weights()
    given = mapped(model, taught)
    other = keras.Sequential([keras.Input((64,)), keras.layers.Dense(32, name="one"), keras.layers.Dense(10)])
    cases: list[tuple[str, dict[str, Any]]] = [
        ("B's data has 599 items, the targets have 600", {"x": taught.x[1:]}),
        (r"reads items of shape \(64\), the data has \(8, 8\)", {"x": taught.x.reshape(-1, 8, 8)}),
        ("made for another B: .* differ. Run map again", mapped(other, taught)),
        ("needs the memberships of the same pool", {"block_map": given["block_map"]}),
        ("needs the memberships of the same pool", given | {"memberships": taught.Z[:5]}),
        ("the classes changed since the targets were made: run propagate again",
         {"labels": Labels([0], [1], ("a", "b"))}),
        ("the test set has 597 items and 3 classes", {"test": (taught.test[0], taught.test[1][:3])}),
        (r"the data has \(63\)", {"test": (taught.test[0][:, :63], taught.test[1])}),
        ("no item has a target", {"targets": replace(taught.targets, weight=np.zeros(600)),
                                  "labels": Labels([], [], taught.labels.names)}),
    ]  # fmt: skip
    for message, change in cases:
        with pytest.raises(InputError, match=message):
            run(model, taught, **change)
    for a, b in zip(own, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"steps": 0}, "fuse: steps is 0, expected 1 or more"),
        ({"batch": -4}, "fuse: batch is -4, expected 1 or more"),
        ({"learning_rate": float("nan")}, "fuse: learning_rate is nan"),
        ({"held_out": 0.9}, "fuse: held_out is 0.9, expected a share from 0 to 0.5"),
    ],
)
def test_options_that_make_no_sense_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        FuseOptions(**change)
