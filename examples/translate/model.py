"""A small translator in Keras: a GRU reads the words, another writes the pieces, and looks back at each step.

The words of the source are a TextVectorization inside the model, so the saved file knows its vocabulary and reads plain
text. The pieces of the target are byte pairs (`tokenizers`), in a file beside it. One piece writes no text of its own:
it stands for the word of the source that the writer looks at, so that names which no vocabulary holds come through.
"""

from __future__ import annotations

import os
import re
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow's log, as far as it can be silenced

import keras
import numpy as np
from corpus import Pair, tokens_of
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

PAD, BEGIN, END = 0, 1, 2
OUT = 1  # Keras' number of an unknown word
FAVOUR = 2.0  # nats by which an unknown word is likelier to be the one that is copied than what is looked at as much
UNKNOWN = "⁇"  # stands for a word that is not told; no vocabulary holds it, so that it is read as any unknown word
COPY = "\ue000"  # of Unicode's private use: in a target, stands for a word of the source that is written as it is
NAME = re.compile(r"\w+(?:-\w+)*")  # a word of a target that may be a copy
TOLD = 0.5  # of the words that are to be copied in training, the share that the model is told
SPARE = 8  # columns by which the first batch is wider than any, whichever words are copied
LONGEST = 40  # pieces of a translation
LOOK = 10_000  # pairs, at least, between two looks at dev pairs; fewer are repeated
EPOCHS = 12  # of LOOK pairs that are all different
NORM = 2.0  # mean length of a row, chosen on dev pairs; longer random rows are hardly trained


def learn_pieces(texts: Iterable[str], size: int = 2000) -> Tokenizer:
    """Byte pairs that are frequent in the target's training texts; any text can be written with them."""
    pieces = Tokenizer(models.BPE())
    pieces.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Prepend(" ")])
    pieces.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(f" ?{COPY}"), "isolated"),
                                                    pre_tokenizers.ByteLevel(add_prefix_space=False)])  # fmt: skip
    pieces.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    texts = list(texts)
    most = sum(map(len, texts))  # more often than anything else, so that each way to write it is one piece
    texts.append(f"{COPY} " * most + COPY * most)
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

    Reference: Nguyen and Chiang 2018, of the way from the words that are looked at straight to the pieces: what is
    known of a rare word reaches its translation by it.
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
    told = layers.Dropout(dropout)(rows)
    both, forward, backward = read(told)
    memory = layers.Dense(hidden, use_bias=False, name="memory")(both)
    start = layers.Dense(hidden, activation="tanh", name="start")(layers.Concatenate()([forward, backward]))
    so_far = layers.Embedding(pieces, hidden, spread[1], mask_zero=True, name="piece_rows")(target)
    write = layers.GRU(hidden, return_sequences=True, return_state=True, name="writer")
    states, _ = write(layers.Dropout(dropout)(so_far), initial_state=start)
    word = layers.Dense(hidden, activation="tanh", name="word")(told)
    seen = layers.Attention(name="look")([states, memory])
    looked = layers.Attention(name="look_up")([states, word, memory])
    joined = layers.Dense(hidden, activation="tanh", name="joined")(layers.Concatenate(name="beside")([states, seen]))
    said = layers.Dense(hidden, activation="tanh", name="said")(looked)
    summed = layers.Add()([joined, looked, said])
    logits = layers.Dense(pieces, name="next_piece")(layers.Dropout(dropout)(summed))
    return keras.Model([source, target], logits, name="translator")


def copied(text: str, names: set[str]) -> str:
    """A target text in which these words of the source, where they stand as they are, are COPY."""
    return NAME.sub(lambda found: COPY if found.group() in names else found.group(), text) if names else text


class Batches(keras.utils.PyDataset):
    """Pairs in batches of about equal lengths, in another order each epoch.

    A word that the model is not told is UNKNOWN in the source, and COPY where the target writes it as it is. In
    training a word of count c is drawn with chance rare / (rare + c), and is then copied where it can be, and hidden or
    told: so the model learns what to do with unknown words, and which of those that it is told are names.

    Args:
        pairs: English and French.
        pieces: of the target.
        size: pairs of a batch.
        known: words that the model knows; None: all.
        rare: how often rare words are drawn.
        seed: of the order and of what is drawn; None: always the same order, and none is drawn.

    Reference: Kiperwasser and Goldberg 2016, of the chance.
    """

    def __init__(self, pairs: Sequence[Pair], pieces: Tokenizer, size: int = 64, known: set[str] | None = None,
                 rare: float = 1.0, seed: int | None = None) -> None:  # fmt: skip
        super().__init__()
        self.tokens, self.texts = [tokens_of(english) for english, _ in pairs], [french for _, french in pairs]
        self.pieces, self.size, self.known, self.mixed = pieces, size, known, seed is not None
        self.random = np.random.default_rng(seed)
        texts = dict.fromkeys(english for english, _ in pairs)  # each once, however often it is repeated
        counts = Counter(token.lower() for text in texts for token in tokens_of(text))
        self.hiding = {word: 0.0 if seed is None else rare / (rare + count) for word, count in counts.items()}
        written = pieces.encode_batch(self.texts)
        lengths = [max(len(s), len(t.ids) + 2) for s, t in zip(self.tokens, written, strict=True)]
        self.lengths, self.widest = np.array(lengths, float), max(lengths) + SPARE
        self.on_epoch_end()

    def on_epoch_end(self) -> None:
        """Sort by length, a little disturbed, and cut into batches; the first has the longest."""
        lengths = self.lengths + (self.random.uniform(0, 2, len(self.lengths)) if self.mixed else 0)
        order = np.argsort(lengths, kind="stable")
        chunks = [order[i : i + self.size] for i in range(0, len(order), self.size)]
        rest = chunks[1:-1]
        if self.mixed:
            self.random.shuffle(rest)
        self.chunks = [*chunks[-1:], *chunks[:-1][:1], *rest]

    def __len__(self) -> int:
        """Batches of an epoch."""
        return len(self.chunks)

    def __getitem__(self, number: int) -> tuple[Any, np.ndarray, np.ndarray]:
        """((texts, pieces before), pieces after, weights: 0 for padding); the first tells Keras that lengths vary."""
        told = [self._told(i) for i in self.chunks[number]]
        written = self.pieces.encode_batch([text for _, text in told])
        targets = padded([[BEGIN, *text.ids, END] for text in written], 0 if number else self.widest)
        before, after = targets[:, :-1], targets[:, 1:]
        before = np.where(after == PAD, PAD, before)
        return (as_text([[source] for source, _ in told]), before), after, (after != PAD).astype("float32")

    def _told(self, i: int) -> Pair:
        """One pair as the model sees it."""
        tokens = self.tokens[i]
        chances = np.array([self.hiding[token.lower()] for token in tokens])
        drawn = chances > self.random.random(len(tokens))
        names = {token for token, draw in zip(tokens, drawn, strict=True) if draw or self._lacks(token)}
        told = {token for token in sorted(names) if not self._lacks(token) and self.random.random() < TOLD}
        words = [UNKNOWN if token in names - told else token.lower() for token in tokens]
        return " ".join(words), copied(self.texts[i], names)

    def _lacks(self, token: str) -> bool:
        return self.known is not None and token.lower() not in self.known


def as_text(rows: Sequence[Sequence[str]]) -> Any:
    """Texts (n, 1) as a tensor."""
    return keras.ops.convert_to_tensor(rows, dtype="string")


def padded(rows: Sequence[Sequence[int]], least: int = 0) -> np.ndarray:
    """Rows of several lengths as one (n, longest) array, of at least that many columns."""
    out = np.full((len(rows), max(least, *map(len, rows))), PAD, "int32")
    for row, values in zip(out, rows, strict=True):
        row[: len(values)] = values
    return out


def repeated(pairs: Sequence[Pair]) -> list[Pair]:
    """Pairs for an epoch: each once, or so often that there are about LOOK."""
    return list(pairs) * max(LOOK // max(len(pairs), 1), 1)


def epochs_for(pairs: int) -> int:
    """How many epochs to train for: the steps grow with the root of how many pairs there are.

    >>> [epochs_for(pairs) for pairs in (2_000, 5_000, 10_000, 20_000)]
    [5, 8, 12, 8]
    """
    shown = max(LOOK // pairs, 1) * pairs  # in an epoch
    return max(round(EPOCHS * (pairs * LOOK) ** 0.5 / shown), 3)


def train(model: keras.Model, training: Batches, dev: Batches, epochs: int, rate: float, patience: int = 2,
          look: Callable[[str], None] = lambda _: None) -> dict[str, list[float]]:  # fmt: skip
    """Teach the next piece, until the loss on dev pairs has not fallen for `patience` epochs; the best weights stay.

    Args:
        model: an untrained translator.
        training: its pairs.
        dev: the pairs that it is held against after each epoch.
        epochs: at most.
        rate: of Adam, at its highest: it rises over the first twentieth of the steps and falls as a cosine to nearly 0.
        patience: in epochs.
        look: takes a line after each epoch: which, seconds since the start, loss on dev pairs.

    Returns:
        the losses of each epoch, in nats a piece of a batch (padding counts as none).
    """
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    steps = epochs * len(training)
    rise = steps // 20
    rates = keras.optimizers.schedules.CosineDecay(rate / 10, steps - rise, 0.02, warmup_target=rate, warmup_steps=rise)
    model.compile(keras.optimizers.Adam(rates, clipnorm=1.0), loss)
    stop = keras.callbacks.EarlyStopping(patience=patience, restore_best_weights=True, min_delta=0.001)
    begun = time.perf_counter()

    def tell(epoch: int, logs: dict[str, float]) -> None:
        seconds = time.perf_counter() - begun
        look(f"epoch {epoch + 1:>2} of at most {epochs}   {seconds:5.0f} s   dev loss {logs['val_loss']:.3f}")

    callbacks = [stop, keras.callbacks.LambdaCallback(on_epoch_end=tell)]
    return model.fit(training, validation_data=dev, epochs=epochs, callbacks=callbacks, verbose=0).history


class Translator:
    """A trained model that writes one piece after the other, for many texts at once."""

    def __init__(self, model: keras.Model, pieces: Tokenizer) -> None:
        layer, hidden = model.get_layer, model.get_layer("writer").units
        self.pieces = pieces
        glued, apart = pieces.encode(f"a{COPY} {COPY}").ids[-2:]
        self.copies = {glued: "", apart: " "}
        read = [layer(name).output for name in ("words", "memory", "word", "start")]
        self.reader = keras.Model(model.inputs[0], read)
        token, state = keras.Input((1,), dtype="int32"), keras.Input((hidden,))
        memory, word = keras.Input((None, hidden)), keras.Input((None, hidden))
        told = keras.Input((None,), dtype="bool")
        states, after = layer("writer")(layer("piece_rows")(token), initial_state=state)
        seen = layer("look")([states, memory], mask=[None, told])
        looks = keras.layers.Dot(2)([states, memory])  # what the attention is the softmax of
        looked = layer("look_up")([states, word, memory], mask=[None, told, told])
        joined = layer("joined")(keras.layers.Concatenate()([states, seen]))
        summed = keras.layers.Add()([joined, looked, layer("said")(looked)])
        self.step = keras.Model([token, state, memory, word, told], [layer("next_piece")(summed), after, looks])

    def translate(self, texts: Sequence[str], batch: int = 200, known: set[str] | None = None) -> list[str]:
        """The likeliest piece at each step, for each text.

        Args:
            texts: of the source.
            batch: texts at once.
            known: words that are told; others are read as unknown ones. None: all that the model knows.
        """
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        out = [""] * len(texts)
        for begin in range(0, len(order), batch):
            chosen = order[begin : begin + batch]
            tokens = [tokens_of(texts[i]) for i in chosen]
            for i, text in zip(chosen, self._written(tokens, known), strict=True):
                out[i] = text
        return out

    def _written(self, tokens: list[list[str]], known: set[str] | None) -> Iterator[str]:
        """The translation of each text, given as its words and marks."""
        words = [[token.lower() for token in text] for text in tokens]
        told = words if known is None else [[word if word in known else UNKNOWN for word in text] for text in words]
        pieces, places = self._pieces(as_text([[" ".join(text)] for text in told]))
        for text, ids, looked in zip(tokens, pieces, places, strict=True):
            yield self._text(text, ids, looked)

    def _pieces(self, texts: Any) -> tuple[np.ndarray, np.ndarray]:
        """Pieces (n, T) and, for each, the word that was looked at."""
        words, memory, word, state = self.reader.predict_on_batch(texts)
        told, token = words != PAD, np.full((len(words), 1), BEGIN, "int32")
        written, places, ended = [], [], np.zeros(len(words), bool)
        for _ in range(LONGEST):
            logits, state, looks = self.step.predict_on_batch([token, state, memory, word, told])
            token = logits[:, -1].argmax(1).astype("int32")[:, None]
            ended |= token[:, 0] == END
            if ended.all():
                break
            written.append(np.where(ended, PAD, token[:, 0]))
            places.append(np.where(told, looks[:, -1] + FAVOUR * (words == OUT), -np.inf).argmax(1))
        shape = (len(words), -1)
        return np.array(written, int).T.reshape(shape), np.array(places, int).T.reshape(shape)

    def _text(self, tokens: list[str], ids: np.ndarray, places: np.ndarray) -> str:
        """What the pieces write."""
        text, plain = "", []
        for piece, place in zip(ids.tolist(), places.tolist(), strict=True):
            if piece in self.copies:
                text += self.pieces.decode(plain) + self.copies[piece] + tokens[place]
                plain = []
            elif piece > END:
                plain.append(piece)
        return (text + self.pieces.decode(plain)).strip()


def save(model: keras.Model, pieces: Tokenizer, path: Path) -> None:
    """The model as `.keras`, and its pieces beside it as NAME.pieces.json."""
    model.save(path)
    pieces.save(str(path.with_suffix(".pieces.json")))
