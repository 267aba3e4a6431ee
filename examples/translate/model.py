"""A small translator in Keras: a GRU reads the words, another writes the pieces, and looks back at each step.

The words of the source are a TextVectorization inside the model, so the saved file knows its vocabulary and reads plain
text. The pieces of the target are byte pairs (`tokenizers`), in a file beside it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow's log, as far as it can be silenced

import keras
import numpy as np
from corpus import Pair, words_of
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

PAD, BEGIN, END = 0, 1, 2
UNKNOWN = "⁇"  # stands for a word that is not told; no vocabulary holds it, so that it is read as any unknown word
LONGEST = 40  # pieces of a translation
LOOK = 10_000  # pairs, at least, between two looks at dev pairs; fewer are repeated
NORM = 8.0  # mean length of a row: from Keras' own start, of about 0.3, little is learned from few pairs


def learn_pieces(texts: Iterable[str], size: int = 2000) -> Tokenizer:
    """Byte pairs that are frequent in the target's training texts; any text can be written with them."""
    pieces = Tokenizer(models.BPE())
    pieces.normalizer = normalizers.NFC()
    pieces.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    pieces.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    pieces.train_from_iterator(texts, trainers.BpeTrainer(vocab_size=size, special_tokens=["[PAD]", "[BEGIN]", "[END]"],
                                                          initial_alphabet=alphabet, show_progress=False))  # fmt: skip
    return pieces


def build(words: Sequence[str], pieces: int, width: int = 192, hidden: int = 160, dropout: float = 0.3,
          norm: float = NORM, seed: int = 0) -> keras.Model:  # fmt: skip
    """An untrained translator.

    Args:
        words: vocabulary of the source, the most frequent first, without what stands for padding and unknown words.
        pieces: how many the target has.
        width: of the words' rows; those of the pieces are as wide as the GRUs.
        hidden: of each GRU.
        dropout: of rows and of what goes into the last layer.
        norm: mean length of the words' and the pieces' rows.
        seed: of all weights.

    Returns:
        (texts (n, 1), pieces so far (n, T)) -> logits (n, T, pieces) of the next piece.
    """
    keras.utils.set_random_seed(seed)
    layers = keras.layers
    source = keras.Input((1,), dtype="string", name="source")
    target = keras.Input((None,), dtype="int32", name="target")
    known = layers.TextVectorization(standardize=None, split="whitespace", vocabulary=list(words), name="words")
    normal = keras.initializers.RandomNormal
    spread = normal(0.0, norm / width**0.5, seed), normal(0.0, norm / hidden**0.5, seed + 1)
    rows = layers.Embedding(len(words) + 2, width, spread[0], mask_zero=True, name="word_rows")(known(source))
    read = layers.Bidirectional(layers.GRU(hidden, return_sequences=True, return_state=True), name="reader")
    both, forward, backward = read(layers.Dropout(dropout)(rows))
    memory = layers.Dense(hidden, use_bias=False, name="memory")(both)
    start = layers.Dense(hidden, activation="tanh", name="start")(layers.Concatenate()([forward, backward]))
    so_far = layers.Embedding(pieces, hidden, spread[1], mask_zero=True, name="piece_rows")(target)
    write = layers.GRU(hidden, return_sequences=True, return_state=True, name="writer")
    states, _ = write(layers.Dropout(dropout)(so_far), initial_state=start)
    seen = layers.Attention(name="look")([states, memory])
    joined = layers.Dense(hidden, activation="tanh", name="joined")(layers.Concatenate(name="beside")([states, seen]))
    logits = layers.Dense(pieces, name="next_piece")(layers.Dropout(dropout)(joined))
    return keras.Model([source, target], logits, name="translator")


def spaced(text: str) -> str:
    """A text as the model reads it: its words parted by spaces."""
    return " ".join(words_of(text))


class Batches(keras.utils.PyDataset):
    """Pairs in batches of about equal lengths, in another order each epoch.

    Args:
        pairs: English and French.
        pieces: of the target.
        size: pairs of a batch.
        hide: share of the source's words that the model is not told, so that it learns what an unknown word is.
        seed: of the order, and of which words are hidden; None: always the same order, nothing hidden.
    """

    def __init__(self, pairs: Sequence[Pair], pieces: Tokenizer, size: int = 64, hide: float = 0.05,
                 seed: int | None = None) -> None:  # fmt: skip
        super().__init__()
        self.sources = [words_of(english) for english, _ in pairs]
        self.targets = [[BEGIN, *code.ids, END] for code in pieces.encode_batch([french for _, french in pairs])]
        self.size, self.hide = size, hide
        self.random = None if seed is None else np.random.default_rng(seed)
        self.on_epoch_end()

    def on_epoch_end(self) -> None:
        """Sort by length, a little disturbed, and cut into batches; the first two tell Keras that lengths vary."""
        lengths = np.array([max(len(s), len(t)) for s, t in zip(self.sources, self.targets, strict=True)], float)
        if self.random is not None:
            lengths += self.random.uniform(0, 2, len(lengths))
        order = np.argsort(lengths, kind="stable")
        chunks = [order[i : i + self.size] for i in range(0, len(order), self.size)]
        rest = chunks[1:-1]
        if self.random is not None:
            self.random.shuffle(rest)
        self.chunks = [*chunks[-1:], *chunks[:-1][:1], *rest]  # the longest, the shortest, the others

    def __len__(self) -> int:
        """Batches of an epoch."""
        return len(self.chunks)

    def __getitem__(self, number: int) -> tuple[Any, np.ndarray, np.ndarray]:
        """((texts, pieces before), pieces after, weights: 0 for padding)."""
        chosen = self.chunks[number]
        targets = padded([self.targets[i] for i in chosen])
        before, after = targets[:, :-1], targets[:, 1:]
        before = np.where(after == PAD, PAD, before)
        texts = [[" ".join(self._told(self.sources[i]))] for i in chosen]
        return (as_text(texts), before), after, (after != PAD).astype("float32")

    def _told(self, words: list[str]) -> list[str]:
        if self.random is None or not self.hide:
            return words
        hidden = self.random.random(len(words)) < self.hide
        return [UNKNOWN if hide else word for word, hide in zip(words, hidden, strict=True)]


def as_text(rows: Sequence[Sequence[str]]) -> Any:
    """Texts (n, 1) as a tensor."""
    return keras.ops.convert_to_tensor(rows, dtype="string")


def padded(rows: Sequence[Sequence[int]]) -> np.ndarray:
    """Rows of several lengths as one (n, longest) array."""
    out = np.full((len(rows), max(map(len, rows))), PAD, "int32")
    for row, values in zip(out, rows, strict=True):
        row[: len(values)] = values
    return out


def repeated(pairs: Sequence[Pair]) -> list[Pair]:
    """Pairs for an epoch: each once, or so often that there are about LOOK."""
    return list(pairs) * max(LOOK // max(len(pairs), 1), 1)


def train(model: keras.Model, training: Batches, dev: Batches, epochs: int, rate: float, patience: int = 2,
          look: Callable[[str], None] = lambda _: None) -> dict[str, list[float]]:  # fmt: skip
    """Teach the next piece, until the loss on dev pairs has not fallen for `patience` epochs; the best weights stay.

    Args:
        model: an untrained translator.
        training: its pairs.
        dev: the pairs that it is held against after each epoch.
        epochs: at most.
        rate: of Adam, halved where the loss does not fall.
        patience: in epochs.
        look: takes a line after each epoch: which, seconds since the start, loss on dev pairs.

    Returns:
        the losses of each epoch, in nats a piece of a batch (padding counts as none).
    """
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(rate, clipnorm=1.0), loss)
    halve = keras.callbacks.ReduceLROnPlateau(factor=0.5, patience=1, min_delta=0.005)
    stop = keras.callbacks.EarlyStopping(patience=patience, restore_best_weights=True, min_delta=0.001)
    begun = time.perf_counter()

    def tell(epoch: int, logs: dict[str, float]) -> None:
        seconds = time.perf_counter() - begun
        look(f"epoch {epoch + 1:>2} of at most {epochs}   {seconds:5.0f} s   dev loss {logs['val_loss']:.3f}")

    callbacks = [halve, stop, keras.callbacks.LambdaCallback(on_epoch_end=tell)]
    return model.fit(training, validation_data=dev, epochs=epochs, callbacks=callbacks, verbose=0).history


class Translator:
    """A trained model that writes one piece after the other, for many texts at once."""

    def __init__(self, model: keras.Model, pieces: Tokenizer) -> None:
        layer, hidden = model.get_layer, model.get_layer("writer").units
        self.pieces = pieces
        read = [layer(name).output for name in ("words", "memory", "start")]
        self.reader = keras.Model(model.inputs[0], read)
        token, state = keras.Input((1,), dtype="int32"), keras.Input((hidden,))
        memory, told = keras.Input((None, hidden)), keras.Input((None,), dtype="bool")
        states, after = layer("writer")(layer("piece_rows")(token), initial_state=state)
        seen = layer("look")([states, memory], mask=[None, told])
        joined = layer("joined")(keras.layers.Concatenate()([states, seen]))
        self.step = keras.Model([token, state, memory, told], [layer("next_piece")(joined), after])

    def translate(self, texts: Sequence[str], batch: int = 200) -> list[str]:
        """The likeliest piece at each step, for each text."""
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        out = [""] * len(texts)
        for begin in range(0, len(order), batch):
            chosen = order[begin : begin + batch]
            for i, ids in zip(chosen, self._pieces([texts[i] for i in chosen]), strict=True):
                out[i] = self.pieces.decode(ids).strip()
        return out

    def _pieces(self, texts: Sequence[str]) -> list[list[int]]:
        words, memory, state = self.reader.predict_on_batch(as_text([[spaced(text)] for text in texts]))
        told, token = words != PAD, np.full((len(texts), 1), BEGIN, "int32")
        written, ended = [], np.zeros(len(texts), bool)
        for _ in range(LONGEST):
            logits, state = self.step.predict_on_batch([token, state, memory, told])
            token = logits[:, -1].argmax(1).astype("int32")[:, None]
            ended |= token[:, 0] == END
            if ended.all():
                break
            written.append(np.where(ended, PAD, token[:, 0]))
        columns = np.array(written, int).T.reshape(len(texts), -1)
        return [[int(i) for i in row if i > END] for row in columns]


def save(model: keras.Model, pieces: Tokenizer, path: Path) -> None:
    """The model as `.keras`, and its pieces beside it as NAME.pieces.json."""
    model.save(path)
    pieces.save(str(path.with_suffix(".pieces.json")))
