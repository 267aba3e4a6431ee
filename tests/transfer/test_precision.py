"""Bs of other dtype policies: mixed precision is taught in its own, weights in half precision are refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from kgkt.errors import InputError
from kgkt.proof.distillation import Distillation
from kgkt.transfer.blocks import check_target, read_blocks
from kgkt.transfer.fuse import FuseOptions, fuse
from kgkt.transfer.mapper import plan_map
from kgkt.transfer.trainer import Trainer

pytestmark = pytest.mark.slow

layers = keras.layers
MIXED = ("mixed_float16", "mixed_bfloat16")
HALVES = ("float16", "bfloat16")


def labels_only(data: Any) -> np.ndarray:
    weight = np.zeros(len(data.x), np.float32)
    weight[data.labels.items] = 1
    return weight


def onehot(data: Any) -> np.ndarray:
    return np.eye(len(data.labels.names), dtype=np.float32)[data.y]


@pytest.mark.parametrize(("last", "cast"), [("softmax", False), ("softmax", True), ("linear", False), ("sigmoid", True)])
def test_wild_data_and_few_labels_teach_the_same_in_mixed_precision(mlp: Any, taught: Any, last: str, cast: bool) -> None:
    x, test = 32 * taught.x, 32 * taught.test[0]  # the probabilities of some labels begin at 0 in half precision

    def accuracy(policy: str) -> float:
        end = (layers.Activation("linear", dtype="float32"),) if cast else ()
        trainer = Trainer(mlp(last, dtype=policy, after=end))
        trainer.train(x, onehot(taught), labels_only(taught), 300, 0)
        return trainer.accuracy(test, taught.test[1])

    single = accuracy("float32")
    assert single > 0.5
    for dtype in MIXED:
        assert accuracy(dtype) == pytest.approx(single, abs=0.04), dtype


def test_one_output_learns_the_same_in_mixed_precision(mlp: Any, two: Any) -> None:
    def losses(policy: str) -> list[float]:
        return Trainer(mlp("sigmoid", units=1, dtype=policy)).train(
            two.x, two.targets.P, two.targets.weight, 100, 0)["loss"]

    single = losses("float32")
    for dtype in MIXED:
        np.testing.assert_allclose(losses(dtype), single, atol=0.02, err_msg=dtype)


def test_only_float16_scales_the_loss_and_a_reset_forgets_its_scale(mlp: Any, taught: Any) -> None:
    scaled = {dtype: isinstance(Trainer(mlp(dtype=dtype))._adam, keras.optimizers.LossScaleOptimizer)
              for dtype in ("float32", *MIXED)}  # fmt: skip
    assert scaled == {"float32": False, "mixed_float16": True, "mixed_bfloat16": False}
    inner = layers.Bidirectional(layers.LSTM(4, dtype="mixed_float16"))
    wrapped = keras.Sequential([keras.Input((64,)), layers.Reshape((8, 8)), inner, layers.Dense(10)])
    assert isinstance(Trainer(wrapped)._adam, keras.optimizers.LossScaleOptimizer)
    trainer = Trainer(mlp("linear", dtype="mixed_float16"))
    runs = []
    for scale in (1, 1e3, 1):  # the second run overflows, which halves the scale
        trainer.reset()
        runs.append(trainer.train(scale * taught.x, onehot(taught), np.ones(600), 40, 0)["loss"])
        if scale > 1:
            assert float(trainer._adam.dynamic_scale.numpy()) < trainer._adam.initial_scale
    assert runs[0] == runs[2]
    assert trainer._run.experimental_get_tracing_count() == 1


def cnn(dtype: str, end: bool) -> Any:
    """Convolution, BatchNorm, dropout, regularisers of both kinds; `end`: a cast to single behind the softmax."""
    keras.utils.set_random_seed(4)
    own = {"dtype": dtype}
    return keras.Sequential(
        [
            keras.Input((64,)),
            layers.Reshape((8, 8, 1), **own),
            layers.Conv2D(8, 3, activation="relu", name="conv", kernel_regularizer="l2", **own),
            layers.BatchNormalization(name="norm", **own),
            layers.Flatten(**own),
            layers.Dropout(0.2, **own),
            layers.Dense(16, activation="relu", name="one", activity_regularizer=keras.regularizers.L2(1e-3), **own),
            layers.Dense(10, activation="softmax", name="out", **own),
            *([layers.Activation("linear", dtype="float32")] if end else []),
        ]
    )  # fmt: skip


def fused(model: Any, data: Any) -> Any:
    block_map = plan_map(read_blocks(model), data.clustering.centroids, data.targets.mass, data.Z, seed=0)
    return fuse(model, data.x, data.targets, data.labels, options=FuseOptions(steps=60), block_map=block_map,
                memberships=data.Z, test=data.test)  # fmt: skip


def test_a_mixed_b_is_written_taught_and_saved_in_its_own_policy(taught: Any, tmp_path: Path) -> None:
    single = fused(cnn("float32", end=False), taught).figures
    assert single["test_fused"] > 0.75
    for dtype, end in (("mixed_float16", True), ("mixed_bfloat16", False)):
        model = cnn(dtype, end)
        got = fused(model, taught)
        assert got.figures["test_fused"] == pytest.approx(single["test_fused"], abs=0.05)
        assert got.figures["test_alone"] == pytest.approx(single["test_alone"], abs=0.05)
        assert got.figures["batchnorm_after"] == got.figures["test_fused"]
        assert all(entry["error"] > 0 for entry in got.written.values())
        model.save(tmp_path / "b.keras")
        opened = keras.saving.load_model(tmp_path / "b.keras")
        assert {layer.dtype_policy.name for layer in opened.layers[:7]} == {dtype}
        assert {v.dtype for v in opened.trainable_variables} == {"float32"}
        np.testing.assert_array_equal(
            np.asarray(opened.predict(taught.x, verbose=0), np.float32),
            np.asarray(model.predict(taught.x, verbose=0), np.float32))  # fmt: skip


def test_double_precision_learns_too(taught: Any) -> None:
    trainer = Trainer(cnn("float64", end=False))
    trainer.train(taught.x, onehot(taught), np.ones(600), 200, 0)
    assert trainer.accuracy(*taught.test) > 0.75


@pytest.mark.parametrize("answers", [True, False])
def test_distillation_into_a_mixed_b_scales_its_loss_too(mlp: Any, taught: Any, answers: bool) -> None:
    teacher = np.log(onehot(taught) * 0.9 + 0.01) if answers else taught.x
    accuracies = []
    for dtype in ("float32", "mixed_float16"):
        trainer = Trainer(mlp(dtype=dtype))
        d = Distillation(trainer, teacher, answers, 1e-3)
        d.train(taught.x, taught.labels, 150, 0, 64)
        accuracies.append(trainer.accuracy(*taught.test))
    assert isinstance(d._adam, keras.optimizers.LossScaleOptimizer)
    assert accuracies[0] > (0.85 if answers else 0.6)
    assert accuracies[1] == pytest.approx(accuracies[0], abs=0.03)


@pytest.mark.parametrize("dtype", HALVES)
def test_weights_in_half_precision_are_refused_with_the_policy_to_take(mlp: Any, dtype: str) -> None:
    model = mlp(dtype=dtype)
    wanted = rf"b.keras keeps the weights of one, two, out in {dtype}, .* dtype policy mixed_{dtype}, which"
    with pytest.raises(InputError, match=wanted):
        check_target(model, tuple("0123456789"), file="b.keras")
    with pytest.raises(InputError, match="B keeps the weights of one, two, out"):
        Trainer(model)


@pytest.mark.parametrize("dtype", HALVES)
def test_a_frozen_backbone_in_half_precision_is_none_of_that(taught: Any, dtype: str) -> None:
    keras.utils.set_random_seed(0)
    backbone = layers.Dense(64, activation="relu", name="back", dtype=dtype, trainable=False)
    model = keras.Sequential([keras.Input((64,)), backbone, layers.Dense(10, name="out")])
    trainer = Trainer(model, learning_rate=0.01)
    trainer.train(taught.x, onehot(taught), np.ones(600), 200, 0)
    assert trainer.accuracy(*taught.test) > 0.75


def test_a_quantised_b_is_refused(mlp: Any) -> None:
    model = mlp()
    for layer in model.layers:
        layer.quantize("int8")
    with pytest.raises(InputError, match=r"B is quantised \(one, two, out\), .*: teach it before it is quantised"):
        Trainer(model)
