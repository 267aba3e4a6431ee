"""Word vectors as a source: the words of a file are the items, each its own id and text, the most frequent first."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kgkt.errors import InputError, UsageError, count, some_words
from kgkt.files import digest_path, digest_value
from kgkt.recipe import NAMED, SourceSettings
from kgkt.source.arrays import Progress
from kgkt.source.inputs import Data
from kgkt.source.parquet import Batch, describe, write_features
from kgkt.source.source import Classifier, Look
from kgkt.source.words.choice import Wanted, wanted_words
from kgkt.source.words.embedding import KerasVectors
from kgkt.source.words.files import WordFile, open_words
from kgkt.source.words.word_list import LONGEST_WORD
from kgkt.values import Features

if TYPE_CHECKING:
    import numpy as np

IMPORTS_MB = 230.0  # resident after the imports (getrusage, Linux)
WORD_BYTES = 200  # of a word that is held in a set
LAYER = "words"
Words = Iterator[tuple[list[str], "np.ndarray"]]  # b words and (b, d) float32


def words_place(settings: SourceSettings) -> str:
    """What `open_words` opens: the file, with the array or Embedding that the layers name."""
    assert settings.model is not None
    place = settings.model.removeprefix(settings.scheme)
    named = NAMED.fullmatch(place)
    if named is None or named[2] or settings.layers in ((), (LAYER,)):
        return place
    return f"{named[1]}:{','.join(settings.layers)}" + (f",{named[3]}" if named[3] else "")


class WordSource:
    """A file of word vectors; see `kgkt.source.source.Source`.

    Args:
        settings: the recipe's [source].
    """

    has_model = False
    holds_words = True

    def __init__(self, settings: SourceSettings) -> None:
        assert settings.model_path is not None
        self.settings, self.path = settings, settings.model_path
        self.place = words_place(settings)

    def look(self) -> Look:
        """How many words it holds, of which kind it is, and which words are read."""
        settings, file = self.settings, self._open()
        wanted, n = self._wanted(), file.count
        numbered = file.kind == KerasVectors.kind  # rows, of which not all need to be of words
        held = "" if n is None else f"{count(n, 'row' if numbered else 'word')}, "
        text = f"word vectors ({file.kind}), {held}{file.width} numbers each"
        if numbered and len(file.files) == 1:
            text += ", of which words is seen when the model is opened"
        bounds = [n, settings.most_frequent, None if wanted is None else len(wanted.words)]
        most = min((bound for bound in bounds if bound is not None), default=None)
        counted = file.look(most if settings.most_frequent else None, wanted is not None)
        most = most if counted is None else counted
        assert most is not None
        if settings.most_frequent is not None and n is not None and settings.most_frequent > n:
            text += f"   --most-frequent {settings.most_frequent:,} is more than there are: all are read"
        elif most != n:
            text += f"   {'up to ' if wanted else ''}{count(most, 'word')} are read"
        fields = {"kind": "words", "path": str(self.path), "format": file.kind, "items": most,
                  "layers": {LAYER: file.width}}  # fmt: skip
        return Look(self.path.name, self.path, text, fields, None, most, {LAYER: file.width},
                    IMPORTS_MB + most * WORD_BYTES / 1e6)  # fmt: skip

    def check(self, look: Look, data: Data) -> list[str]:
        """Refuse what is not text: the items are looked up by it."""
        if data.text is None:
            raise InputError(f"{self.path} holds words, and the items of the pool are no texts: words of a .txt, or a "
                             "table with item_id and text, can be looked up in it")
        return []

    def digests(self) -> dict[str, str]:
        """Of the file, and of the list of its words; what chooses among these is told apart."""
        files = self._open().files
        return {"features": digest_path(files[0]) if len(files) == 1 else digest_value([digest_path(f) for f in files])}

    def held_ids(self) -> np.ndarray:
        """Of its words."""
        import numpy as np

        return np.array([word for words, _ in self._chosen(self._open(), []) for word in words], dtype=str)

    def contents(self, data: Data) -> None:
        """None: a word is known by its vector."""

    def reader(self, layers: Collection[str]) -> WordSource:
        """Itself: new words are looked up in the file."""
        return self

    def extract(self, data: Data | None, out: Path, progress: Progress | None = None) -> Features:
        """The vectors of its words, or of those of the items of `data` that it holds, in the order of the file."""
        file, notices = self._open(), list[str]()
        words = self._chosen(file, notices) if data is None else self._looked_up(file, data, notices)
        meta = describe(self.path.name, [], items="words")
        batches = self._batches(words, meta, notices, 2 if data is None else 1, progress)
        return write_features(out, {LAYER: file.width}, batches, meta)

    def untrained(self, data: Data, out: Path, layers: tuple[str, ...], seed: int = 0) -> Features:
        """Refused: what made the vectors is not here."""
        raise UsageError(f"{self.path} holds word vectors, the model that made them is not here: give --model")

    def classifier(self) -> Classifier:
        """Refused, for the same reason."""
        raise UsageError(f"{self.path} holds word vectors, the model that made them is not here: give --model")

    def nodes(self, features: Features) -> list[dict[str, Any]]:
        """The file in A's place."""
        return [{"name": features.source or self.path.name, "role": "source", "framework": "words",
                 "sha256": self.digests()["features"]}]  # fmt: skip

    def _open(self) -> WordFile:
        """The file, with the layer that is asked for."""
        layers = self.settings.layers
        if not self.path.exists():
            raise InputError(f"{self.path} is not there")
        if len(layers) > 1 or (layers not in ((), (LAYER,)) and self.place == str(self.path)):
            wrong = next(name for name in layers if name != LAYER)
            raise InputError(f"{self.path}: word vectors are one layer, {LAYER}, and there is no {wrong!r}; of a file "
                             "of several arrays, or a .keras model, --layers names one")
        return open_words(self.place)

    def _wanted(self) -> Wanted | None:
        settings = self.settings
        return None if settings.vocabulary is None else wanted_words(Path(settings.vocabulary), settings.lower)

    def _chosen(self, file: WordFile, notices: list[str]) -> Words:
        """The words that the settings choose, with their vectors; afterwards `notices` has what there is to say."""
        settings, wanted, seen = self.settings, self._wanted(), set[str]()
        room = settings.most_frequent
        try:
            yield from self._rows(file, None if wanted is None else frozenset(wanted.words), room, seen, notices)
        except InputError as error:
            if wanted is None or seen:
                raise
            said = wanted.found(seen, self.path.name, self.place, settings.lower)
            raise InputError(f"{said} (are they of its language?)") from error
        if wanted is not None:
            notices[:0] = wanted.notices
            if room is None or len(seen) < room:
                notices.append(wanted.found(seen, self.path.name, self.place, settings.lower))
        if room is not None and len(seen) < room and wanted is None:
            notices.append(f"{self.path.name} holds {count(len(seen), 'word')}, fewer than --most-frequent {room:,}")

    def _looked_up(self, file: WordFile, data: Data, notices: list[str]) -> Words:
        """The vectors of items by their texts; of words that are not there the items are counted."""
        lower, items = self.settings.lower, dict[str, list[str]]()
        for item, text in zip(data.ids.tolist(), data.text or (), strict=True):
            items.setdefault(text.strip().lower() if lower else text.strip(), []).append(item)
        seen = set[str]()
        try:
            for words, vectors in self._rows(file, items.keys(), None, seen, notices):
                rows = [row for row, word in enumerate(words) for _ in items[word]]
                yield [item for word in words for item in items[word]], vectors[rows]
        except InputError as error:
            if seen:
                raise
            raise InputError(f"none of the {count(len(items), 'word')} ({some_words(list(items))}) is in {self.path}: "
                             "are they of its language, and in its casing?") from error
        if missing := [word for word in items if word not in seen]:
            notices.append(f"{len(missing):,} of {count(len(items), 'word')} are not in {self.path.name}, and so "
                           f"in no concept: {some_words(missing)}")

    def _rows(
        self, file: WordFile, wanted: Collection[str] | None, room: int | None, seen: set[str], notices: list[str]
    ) -> Words:
        """Words and vectors of the file, cut to those wanted and to so many; what is yielded joins `seen`."""
        lower, long = self.settings.lower, 0
        most = room if wanted is None else min(room or len(wanted), len(wanted))
        batches = file.batches() if lower else file.batches(wanted=wanted, limit=most)
        for words, vectors in batches:
            names = [word.lower() for word in words.tolist()] if lower else words.tolist()
            keep: list[int] = []
            for place, name in enumerate(names):
                if most is not None and len(seen) >= most:
                    break
                if name in seen or (wanted is not None and name not in wanted):
                    continue
                if len(name) > LONGEST_WORD:
                    long += 1
                    continue
                seen.add(name)
                keep.append(place)
            if keep:
                yield [names[place] for place in keep], vectors[keep]
            if lower and most is not None and len(seen) >= most:
                break
        notices += file.notices
        if long:
            notices.append(f"{self.path.name}: {count(long, 'word')} of more than {LONGEST_WORD} characters left out")
        if not seen:
            raise InputError(f"{self.path}: no word is left")

    def _batches(
        self, words: Words, meta: dict[str, str], notices: list[str], fewest: int, progress: Progress | None
    ) -> Iterator[Batch]:
        """As a features file is written, of so many words at least; its notices are whole at the end."""
        import numpy as np

        done = 0
        for names, vectors in words:
            done += len(names)
            yield np.array(names, dtype=object), {LAYER: vectors}
            if progress:
                progress(len(names))
        if done < fewest:
            raise InputError(f"{self.path}: {count(done, 'word')} of it is asked for: a graph needs many")
        meta["notices"] = "\n".join(notices)
