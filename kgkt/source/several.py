"""Several sources of the same items as one: each reads them by itself, and their layers stand side by side.

A layer is called by its source, then by its own name: `a2/emb` is the layer emb of a2.keras.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kgkt.errors import InputError, UsageError, count, some_words
from kgkt.source.arrays import Progress
from kgkt.source.contents import BYTES, data_contents, feature_contents
from kgkt.source.images import ImageFolder, picture_size
from kgkt.source.inputs import Data, words_as_data
from kgkt.source.layers import RULE
from kgkt.source.parquet import GROUP_BYTES, Batch, describe, write_features
from kgkt.source.parts import Part, ids_of, match_ids, read_weights
from kgkt.source.source import Classifier, Look, Source
from kgkt.values import Features

if TYPE_CHECKING:
    import numpy as np

COMPARED = 256  # rows by which a layer is found to be a copy of another


@dataclass(frozen=True, slots=True, eq=False)
class Taken:
    """Features of one of several sources that lie in a file already.

    Args:
        features: the file.
        columns: layer of the source -> its column in the file.
        rows: (n,) the row of each item of the pool.
    """

    features: Features
    columns: Mapping[str, str]
    rows: np.ndarray

    def write(self, ids: np.ndarray, out: Path) -> Features:
        """A features file of that source alone."""
        widths = {layer: self.features.widths[column] for layer, column in self.columns.items()}
        step = max(1, GROUP_BYTES // (4 * sum(widths.values())))
        batches = ((ids[start : start + step], {
            layer: self.features.rows(column, self.rows[start : start + step]) for layer, column in self.columns.items()
        }) for start in range(0, len(ids), step))  # fmt: skip
        return write_features(out, widths, batches, {})


class Several:
    """Sources side by side; see `kgkt.source.source.Source`.

    Args:
        parts: the sources, from `parts_of`.
        weights: what each counts, as it was asked for.
    """

    def __init__(self, parts: Sequence[Part], weights: str | None = None) -> None:
        self.parts, self.weights = parts, weights
        self.has_model = all(part.source.has_model for part in parts)
        self.holds_words = parts[0].source.holds_words  # which the others read, or look up
        # whether any of them reads the items of a pool
        self.reads = not self.holds_words and any(part.source.has_model for part in parts)

    def look(self) -> Look:
        """What each says, and what they are together."""
        read_weights(self.weights, [part.name for part in self.parts])
        looks = [part.source.look() for part in self.parts]
        self._refuse_twice()
        if not (self.reads or self.holds_words):
            first, *others = self.parts
            ids = ids_of(first)
            for part in others:
                match_ids(ids_of(part), ids, part, first.path.name)
        pairs = list(zip(self.parts, looks, strict=True))
        widths = {part.layer(layer): width for part, look in pairs for layer, width in look.widths.items()}
        shape = next((look.input_shape for look in looks if look.input_shape is not None), None)
        libraries: dict[type, float] = {}
        for part, look in pairs:
            kind = type(part.source)
            libraries[kind] = max(libraries.get(kind, 0.0), look.memory_mb)
        read = [f"of {part.name} {' and '.join(look.widths)}" for part, look in pairs if look.chosen]
        named = "--layers names others of the first source, FILE:LAYER,LAYER of one more"
        chosen = f"layers {', '.join(read)} are read: {RULE} ({named})" if read else ""
        return Look(
            _joined_names(self.parts), looks[0].path, "\n".join(look.text for look in looks),
            {"kind": "sources", "path": str(looks[0].path), "sources": [look.fields for look in looks]}, shape,
            None if self.reads else looks[0].items, widths, sum(libraries.values()), chosen, tuple(looks),
        )  # fmt: skip

    def check(self, look: Look, data: Data) -> list[str]:
        """What each says of the pool; a file of features must hold every item of it."""
        notices: list[str] = []
        for part, own in zip(self.parts, look.parts, strict=True):
            notices += part.source.check(own, _sized(data, own))
            if self.reads and not (part.source.has_model or part.source.holds_words):
                _, told = match_ids(ids_of(part), data.ids, part, "the pool")
                notices += told
        return notices

    def digests(self) -> dict[str, str]:
        """Of each; from the second on with its number."""
        return {name if part.number == 1 else f"{name} {part.number}": digest
                for part in self.parts for name, digest in part.source.digests().items()}  # fmt: skip

    def held_ids(self) -> np.ndarray | None:
        """Of the first, where none of them reads a pool."""
        return None if self.reads else ids_of(self.parts[0])

    def contents(self, data: Data) -> list[bytes] | None:
        """Of each item's inputs, and of its rows in the files of features beside them."""
        if not self.reads:
            return None
        contents = data_contents(data)
        for part in self.parts:
            if part.source.has_model:
                continue
            with tempfile.TemporaryDirectory(prefix="kgkt-") as folder:
                own_data = data if part.source.holds_words else None
                features = part.source.extract(own_data, Path(folder) / "features.parquet")
                rows, _ = match_ids(features.ids, data.ids, part, "the pool")
                own = feature_contents(features)
            contents = [hashlib.blake2b(content + own[row], digest_size=BYTES).digest()
                        for content, row in zip(contents, rows.tolist(), strict=True)]  # fmt: skip
        return contents

    def reader(self, layers: Collection[str]) -> Source:
        """The sources that have one of these layers."""
        wanted = {layer.partition("/")[0] for layer in layers}
        reading = [part for part in self.parts if part.prefix in wanted]
        for part in reading:
            if not (part.source.has_model or part.source.holds_words):
                raise UsageError(f"this graph was made from {part.name} too, and what made those features is not here: "
                                 f"give --features of the new items, a file with {', '.join(layers)}")
        return Several(reading)

    def extract(
        self, data: Data | None, out: Path, progress: Progress | None = None, taken: Mapping[int, Taken] | None = None
    ) -> Features:
        """Have each write its features, then put them side by side, item by item.

        Args:
            data, out, progress: as of every source.
            taken: number of a part -> its features, which it does not have to read again.
        """
        there = taken or {}
        step = _shared_out(progress, max(len(self.parts) - len(there), 1))

        def read(part: Part, scratch: Path, data: Data | None) -> Features:
            if part.number in there and data is not None:
                return there[part.number].write(data.ids, scratch)
            return part.source.extract(None if data is None else _sized(data, part.source.look()), scratch, step)

        return self._side_by_side(read, data, out, "")

    def untrained(self, data: Data, out: Path, layers: tuple[str, ...], seed: int = 0) -> Features:
        """The same from untrained copies of all, each of a seed of its own."""
        def read(part: Part, scratch: Path, data: Data) -> Features:
            look = part.source.look()
            return part.source.untrained(_sized(data, look), scratch, tuple(look.widths), seed + 10 * (part.number - 1))

        return self._side_by_side(read, data, out, "untrained ")

    def classifier(self) -> Classifier:
        """The first of them."""
        return self.parts[0].source.classifier()

    def nodes(self, features: Features) -> list[dict[str, Any]]:
        """A node of each."""
        return [{**part.source.nodes(features)[0], "name": part.name} for part in self.parts]

    def _refuse_twice(self) -> None:
        seen: dict[str, Part] = {}
        for part in self.parts:
            for digest in part.source.digests().values():
                if digest in seen:
                    raise UsageError(f"{part.path} is the same source as {seen[digest].path}: name it once, with all "
                                     "its layers")
                seen[digest] = part

    def _side_by_side(self, read: Any, data: Data | None, out: Path, how: str) -> Features:
        """Write one features file of those that `read` writes of each part."""
        scratch = [out.with_name(f".{out.name}.{os.getpid()}.{part.number}.part{out.suffix}") for part in self.parts]
        try:
            made, held = [], data
            for part, path in zip(self.parts, scratch, strict=True):
                made.append(read(part, path, held))
                if held is None and self.holds_words:
                    held = words_as_data(made[0].ids.tolist(), made[0].sha256, [])
            ids = data.ids if data is not None and self.reads else made[0].ids
            where = "the pool" if data is not None and self.reads else self.parts[0].path.name
            ids, told = self._in_all(made, 1 if data else 2) if self.holds_words else (ids, [])
            rows = [match_ids(one.ids, ids, part, where)[0] for one, part in zip(made, self.parts, strict=True)]
            if not how:
                self._refuse_copies(made, rows)
            named = list(zip(self.parts, made, rows, strict=True))
            widths = {part.layer(layer): width for part, one, _ in named for layer, width in one.widths.items()}
            told += [line for one in made for line in one.meta.get("notices", "").splitlines() if line]
            layers = {part.name: [part.layer(layer) for layer in one.layers] for part, one, _ in named}
            meta = describe(how + _joined_names(self.parts), list(dict.fromkeys(told)), sources=json.dumps(layers),
                            **({"items": "words"} if self.holds_words else {}))  # fmt: skip
            return write_features(out, widths, _batches(ids, named), meta)
        finally:
            for path in scratch:
                path.unlink(missing_ok=True)

    def _in_all(self, made: list[Features], fewest: int) -> tuple[np.ndarray, list[str]]:
        """(n,) the words of the first source that all others have too, and what is left out, a line each."""
        import numpy as np

        ids, told = made[0].ids, []
        for part, one in zip(self.parts[1:], made[1:], strict=True):
            there = np.isin(ids, one.ids)
            if not there.all() and not part.source.holds_words:  # which says so itself
                n = int((~there).sum())
                told.append(f"{n:,} of {count(len(ids), 'word')} of {self.parts[0].name} are not in {part.name}, and "
                            f"left out: {some_words(ids[~there][:6].tolist())}")
            ids = ids[there]
        if len(ids) < fewest:
            raise InputError(f"{' and '.join(part.name for part in self.parts)} have {count(len(ids), 'word')} in "
                             "common: a graph needs many")
        return ids, told

    def _refuse_copies(self, made: list[Features], rows: list[np.ndarray]) -> None:
        """A layer that another source has too would count twice."""
        import numpy as np

        seen: dict[bytes, str] = {}
        for part, one, place in zip(self.parts, made, rows, strict=True):
            for layer in one.layers:
                values = one.rows(layer, place[:COMPARED])
                key = hashlib.sha256(f"{values.shape}".encode() + np.ascontiguousarray(values).tobytes()).digest()
                if key in seen:
                    raise InputError(f"{part.path}: {layer} holds the same numbers as {seen[key]}, and would count "
                                     "twice: leave it out, by naming the layers to read (FILE:LAYER,LAYER)")
                seen[key] = f"{layer} of {part.path}"


def _joined_names(parts: Sequence[Part]) -> str:
    return " + ".join(part.name for part in parts)


def _sized(data: Data, look: Look) -> Data:
    """The pool as one of the models reads it: pictures of a folder are brought to its own size."""
    size = picture_size(look.input_shape, None)
    if size is None or not isinstance(data.x, ImageFolder) or size == data.x.shape[1:3]:
        return data
    pictures = dataclasses.replace(data.x, shape=(len(data.x), *size, *data.x.shape[3:]), resized=len(data.x))
    return dataclasses.replace(data, x=pictures)


def _batches(ids: np.ndarray, named: Sequence[tuple[Part, Features, np.ndarray]]) -> Iterator[Batch]:
    """The features of all, item by item."""
    width = 4 * sum(sum(features.widths.values()) for _, features, _ in named)
    step = max(1, GROUP_BYTES // width)
    for start in range(0, len(ids), step):
        yield ids[start : start + step], {
            part.layer(layer): features.rows(layer, rows[start : start + step])
            for part, features, rows in named for layer in features.layers
        }  # fmt: skip


def _shared_out(progress: Progress | None, parts: int) -> Progress | None:
    """A progress that each of several parts calls for every item, and that counts each item once."""
    if progress is None:
        return None
    done = told = 0

    def step(more: int) -> None:
        nonlocal done, told
        done += more
        if done // parts > told:
            progress(done // parts - told)
            told = done // parts

    return step
