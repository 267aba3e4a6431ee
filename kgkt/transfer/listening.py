"""Who listens while B is trained: callbacks of Keras, and a log that TensorBoard reads."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kgkt.errors import InputError

if TYPE_CHECKING:
    import keras

    from kgkt.transfer.options import FuseOptions

# Called after each look of every training with its name, its history so far, and how many steps lie between two looks:
# "alone" (B on the labels), "own" and "written" (the check of the written weights), "kept".
Looks = Callable[[str, Mapping[str, list[float]], int], None]
REFUSED = ("LearningRateScheduler", "ReduceLROnPlateau", "BackupAndRestore", "SwapEMAWeights")


class Listening:
    """Tells callbacks of Keras of the training that is kept.

    An epoch is a look at the held-out items, after every `FuseOptions.every` steps: `on_epoch_end` gets the mean `loss`
    of its steps, and `val_loss` where there are held-out items; a batch is a step. The steps of a look are taken
    together: its batches are told after it. Where two starts are compared first, what the kept one did so far is told
    when it is chosen. `stop_training` ends the training at the next look; B has its best weights then.

    Args:
        model: B.
        callbacks: of Keras.
        options: how B is trained.

    Raises:
        InputError: no callback, or one that needs more of B than its weights.
    """

    def __init__(self, model: keras.Model, callbacks: Sequence[Any], options: FuseOptions) -> None:
        import keras

        for callback in callbacks:
            kind = type(callback).__name__
            if not isinstance(callback, keras.callbacks.Callback):
                raise InputError(f"fuse: callbacks are of Keras (keras.callbacks.Callback), received {kind}")
            if kind in REFUSED:
                raise InputError(f"fuse: the callback {kind} works on the optimizer of a compiled model, and B's own "
                                 "compile is not used: leave it out")
        self.model, self.every, self.told = model, options.every, 0
        epochs = -(-options.steps // options.every)
        self.all = keras.callbacks.CallbackList(
            list(callbacks), model=model, verbose=0, epochs=epochs, steps=options.every) if callbacks else None

    def starts(self) -> None:
        """Training begins."""
        self.model.stop_training = False
        if self.all:
            self.all.on_train_begin()

    def hear(self, history: dict[str, list[float]]) -> bool:
        """Tell what is new in the history; whether training is to end."""
        losses, looks = history["loss"], history.get("held_out", [])
        while self.all and self.told < len(losses):
            number, new = self.told // self.every, losses[self.told : self.told + self.every]
            self.all.on_epoch_begin(number)
            for step, loss in enumerate(new):
                self.all.on_train_batch_begin(step)
                self.all.on_train_batch_end(step, {"loss": loss})
            logs = {"loss": sum(new) / len(new)} | ({"val_loss": looks[number]} if number < len(looks) else {})
            self.all.on_epoch_end(number, logs)
            self.told += len(new)
        return bool(self.model.stop_training)

    def end(self, history: dict[str, list[float]]) -> None:
        """Training has ended; B has the weights that it keeps."""
        if self.all:
            self.hear(history)
            self.all.on_train_end({"loss": history["loss"][-1]} if history["loss"] else {})


def event_log(folder: Path) -> Any:
    """A callback that writes the losses of steps and looks as events into a folder, for TensorBoard.

    TensorBoard itself is not needed to write them.

    Raises:
        InputError: the folder cannot be written.
    """
    import keras
    import tensorflow as tf

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"--log {folder}: {error.strerror or error}; name a folder") from error
    plugin = tf.compat.v1.SummaryMetadata.PluginData(plugin_name="scalars")
    scalar = tf.compat.v1.SummaryMetadata(plugin_data=plugin)

    class Events(keras.callbacks.Callback):
        def on_train_begin(self, logs: Any = None) -> None:
            self.writer, self.step = tf.summary.create_file_writer(str(folder)), 0

        def write(self, name: str, value: float) -> None:
            with self.writer.as_default():
                tf.summary.write(name, tf.constant(value, tf.float32), step=self.step, metadata=scalar)

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            self.step += 1
            self.write("loss", logs["loss"])

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            if "val_loss" in logs:
                self.write("held_out", logs["val_loss"])

        def on_train_end(self, logs: Any = None) -> None:
            self.writer.close()

    return Events()
