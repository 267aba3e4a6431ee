"""How B is taught: methods, class weights, who listens, and the check of two starts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from kgkt.errors import InputError, UsageError
from kgkt.transfer.blocks import read_blocks
from kgkt.transfer.check import check_steps
from kgkt.transfer.fuse import fuse
from kgkt.transfer.listening import event_log
from kgkt.transfer.mapper import plan_map
from kgkt.transfer.options import FuseOptions, class_weighted
from kgkt.transfer.trainer import Trainer
from kgkt.values import Fusion


def run(model: Any, taught: Any, mapped: bool = True, callbacks: tuple[Any, ...] = (), **options: Any) -> Fusion:
    given: dict[str, Any] = {}
    if mapped:
        own = plan_map(read_blocks(model), taught.clustering.centroids, taught.targets.mass, taught.Z, seed=0)
        given = {"block_map": own, "memberships": taught.Z}
    return fuse(model, taught.x, taught.targets, taught.labels, options=FuseOptions(**{"steps": 60} | options),
                callbacks=callbacks, **given)


class Heard(keras.callbacks.Callback):
    """Writes down what it is told."""

    def __init__(self, stop_after: int | None = None) -> None:
        super().__init__()
        self.epochs: list[dict[str, float]] = []
        self.losses: list[float] = []
        self.said: list[str] = []
        self.stop_after = stop_after

    def on_train_begin(self, logs: Any = None) -> None:
        self.said.append("begin")

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.losses.append(logs["loss"])

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.epochs.append(logs)
        self.model.stop_training = len(self.epochs) == self.stop_after

    def on_train_end(self, logs: Any = None) -> None:
        self.said.append("end")


def test_written_without_a_step_is_not_trained_and_is_usable(mlp: Any, taught: Any) -> None:
    got = run(mlp(), taught, method="write", steps=0)
    assert got.history == {"loss": []}
    assert {entry["why"] for entry in got.written.values()} == {"as asked (--method write)"}
    assert (got.model(taught.x).numpy().argmax(1) == taught.y).mean() > 0.8


def test_layers_behind_a_batchnorm_are_written_for_the_statistics_that_it_will_have(taught: Any) -> None:
    keras.utils.set_random_seed(1)
    layers = keras.layers
    model = keras.Sequential([
        keras.Input((64,)), layers.Dense(32, activation="relu", name="one"), layers.BatchNormalization(name="norm"),
        layers.Dense(24, activation="relu", name="two"), layers.BatchNormalization(name="last"), layers.Dense(10, name="out"),
    ])  # fmt: skip
    own = plan_map(read_blocks(model), taught.clustering.centroids, taught.targets.mass, taught.Z, seed=0)
    got = fuse(model, taught.x, taught.targets, taught.labels, options=FuseOptions(steps=0, method="write"),
               block_map=own, memberships=taught.Z, test=taught.test)  # fmt: skip
    assert got.figures["batchnorm_after"] > got.figures["batchnorm_before"] - 0.01
    assert got.figures["test_fused"] > 0.8


def test_edits_that_act_are_told(mlp: Any, taught: Any) -> None:
    model = mlp()
    own = plan_map(read_blocks(model), taught.clustering.centroids, taught.targets.mass, taught.Z, seed=0)
    strength = {layer: matrix.copy() for layer, matrix in own.strength.items()}
    strength["one"].data[:3] *= 2
    got = fuse(model, taught.x, taught.targets, taught.labels, options=FuseOptions(steps=0, method="write"),
               block_map=replace(own, strength=strength), memberships=taught.Z)  # fmt: skip
    assert "3 edited strengths to one act: in its written weights; layers behind it are fitted to what it gives then" in got.notices
    with pytest.raises(InputError, match="carried is learned in steps"):
        FuseOptions(steps=0, method="write", carry="concepts")


def test_a_layer_by_a_name_that_tensorflow_refuses_is_refused_by_name() -> None:
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, name="first one"), keras.layers.Dense(2, name="Röhre")])
    with pytest.raises(InputError, match="'first one', 'Röhre'"):
        Trainer(model)


def test_soft_targets_write_nothing_and_are_the_training_without_a_map(mlp: Any, taught: Any) -> None:
    got, plain = run(mlp(), taught, method="soft-targets"), run(mlp(), taught, mapped=False)
    assert got.written == {}
    assert got.history == plain.history
    assert any(notice.startswith("no weights were written, as asked") for notice in got.notices)


def test_the_course_that_wins_the_check_is_the_whole_training_from_its_start(mlp: Any, taught: Any) -> None:
    auto, written = run(mlp(), taught), run(mlp(), taught, method="write")
    assert auto.written["one"]["written"]
    assert auto.history == written.history
    for a, b in zip(auto.model.get_weights(), written.model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_own_weights_that_win_the_check_are_trained_as_if_there_were_no_map(mlp: Any, taught: Any) -> None:
    good = run(mlp(), taught, mapped=False, steps=400).model.get_weights()
    frozen = mlp()
    frozen.set_weights(good)
    frozen.get_layer("two").trainable = frozen.get_layer("out").trainable = False
    plain = mlp()
    plain.set_weights(good)
    plain.get_layer("two").trainable = plain.get_layer("out").trainable = False
    got, want = run(frozen, taught), run(plain, taught, mapped=False)
    assert not got.written["one"]["written"]  # a first layer that the fixed ones behind it do not know
    assert "held-out loss higher" in got.written["one"]["why"]
    assert got.history == want.history


def test_the_check_takes_a_fifth_in_whole_looks() -> None:
    assert [check_steps(steps, 20) for steps in (5, 60, 100, 400, 1000)] == [5, 20, 20, 80, 200]
    options = FuseOptions(steps=400)
    assert options.training_steps(mapped=True, tested=True) == 880
    assert replace(options, method="soft-targets").training_steps(mapped=True, tested=False) == 400


def test_callbacks_hear_the_training_that_is_kept(mlp: Any, taught: Any, tmp_path: Path) -> None:
    heard = Heard()
    got = run(mlp(), taught, callbacks=(heard, event_log(tmp_path / "log")))
    assert heard.said == ["begin", "end"]
    assert heard.losses == got.history["loss"]
    assert [logs["val_loss"] for logs in heard.epochs] == got.history["held_out"]
    assert heard.epochs[0]["loss"] == pytest.approx(np.mean(got.history["loss"][:20]))
    import tensorflow as tf

    (file,) = (tmp_path / "log").iterdir()
    events = [tf.compat.v1.Event.FromString(bytes(raw)) for raw in tf.data.TFRecordDataset(str(file)).as_numpy_iterator()]
    names = [value.tag for event in events for value in event.summary.value]
    assert (names.count("loss"), names.count("held_out")) == (60, 3)


def test_a_callback_ends_the_training(mlp: Any, taught: Any) -> None:
    got = run(mlp(), taught, callbacks=(Heard(stop_after=1), keras.callbacks.EarlyStopping(patience=1)), method="write")
    assert len(got.history["loss"]) == 20


def test_callbacks_that_need_a_compiled_model_are_refused(mlp: Any, taught: Any) -> None:
    with pytest.raises(InputError, match="ReduceLROnPlateau works on the optimizer"):
        run(mlp(), taught, callbacks=(keras.callbacks.ReduceLROnPlateau(),))
    with pytest.raises(InputError, match="callbacks are of Keras"):
        run(mlp(), taught, callbacks=("loud",))


def test_balanced_class_weights_are_scikit_learns() -> None:
    from sklearn.utils.class_weight import compute_class_weight

    y = np.array([0] * 6 + [1] * 3 + [2])
    want = compute_class_weight("balanced", classes=np.arange(3), y=y)
    got = class_weighted(np.ones(10, "f4"), np.eye(3)[y], ("a", "b", "c"), "balanced")
    np.testing.assert_allclose(got, want[y], rtol=1e-6)
    named = class_weighted(np.ones(10, "f4"), np.eye(3)[y], ("a", "b", "c"), {"c": 5})
    np.testing.assert_allclose(named, np.where(y == 2, 5, 1))


def test_class_weights_change_what_b_learns(mlp: Any, taught: Any) -> None:
    names = taught.labels.names
    plain, heavy = run(mlp(), taught), run(mlp(), taught, class_weights={names[3]: 20})
    says = [(got.model(taught.x).numpy().argmax(1) == 3).sum() for got in (plain, heavy)]
    assert says[1] > says[0]


@pytest.mark.parametrize(("asked", "message"), [
    ("equal", "class_weights is 'equal'"), ({"dgo": 1}, "names the class 'dgo'; did you mean dog"),
    ({"dog": 0}, "of 'dog' is 0, expected a number above 0"), ({"dog": "2"}, "expected a number above 0"),
])  # fmt: skip
def test_class_weights_that_make_no_sense_are_refused(asked: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        class_weighted(np.ones(2, "f4"), np.eye(2), ("cat", "dog"), asked)


def test_methods_that_make_no_sense_are_refused(mlp: Any, taught: Any) -> None:
    with pytest.raises(UsageError, match="no method 'rows'"):
        FuseOptions(method="rows")
    with pytest.raises(InputError, match="steps is 0, expected 1 or more"):
        FuseOptions(steps=0)
    with pytest.raises(InputError, match="there is none: run kgkt map first"):
        run(mlp(), taught, mapped=False, method="write")


def test_a_course_that_is_left_goes_on_as_if_it_had_not_been(mlp: Any, taught: Any) -> None:
    trainer = Trainer(mlp())
    P, weight = np.asarray(taught.targets.P), np.ones(600, "f4")
    whole = trainer.train(taught.x, P, weight, 40, 0, every=20)
    want = trainer.weights()
    trainer.reset()
    history: dict[str, list[float]] = {}
    course = trainer.course(taught.x, P, weight, 40, 0, history, every=20)
    assert next(course) == 20
    left = trainer.state()
    trainer.reset()
    trainer.restore(left)
    assert list(course) == [40]
    assert history == whole
    for a, b in zip(want, trainer.weights(), strict=True):
        np.testing.assert_array_equal(a, b)
