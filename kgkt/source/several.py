"""Several sources of the same items as one: each reads them by itself, and their layers stand side by side.

A layer is called by its source, then by its own name: `a2/emb` is the layer emb of a2.keras.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import tempfile
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kgkt.errors import InputError, UsageError, count
from kgkt.recipe import SourceSettings
from kgkt.source.arrays import Progress, default_ids
from kgkt.source.contents import BYTES, data_contents, feature_contents
from kgkt.source.images import ImageFolder, picture_size
from kgkt.source.imported import peek_ids
from kgkt.source.inputs import Data
from kgkt.source.layers import RULE
from kgkt.source.parquet import GROUP_BYTES, Batch, describe, write_features
from kgkt.source.source import Classifier, Look, Source
from kgkt.values import Features

if TYPE_CHECKING:
    import numpy as np

AUTO = "auto"
COMPARED = 256  # rows by which a layer is found to be a copy of another


@dataclass(frozen=True, slots=True)
class Part:
    """One of several sources.

    Args:
        source: it.
        settings: that name it alone.
        prefix: what the names of its layers begin with.
        name: of its Model node.
        number: its place among them, from 1.
    """

    source: Source
    settings: SourceSettings
    prefix: str
    name: str
    number: int

    @property
    def path(self) -> Path:
        """Its file or folder."""
        return Path(self.settings.features or self.settings.model_path or "")

    def layer(self, own: str) -> str:
        """The name of a layer of it among those of all."""
        return f"{self.prefix}/{own}"


class Several:
    """Sources side by side; see `kgkt.source.source.Source`.

    Args:
        parts: the sources, from `parts_of`.
        weights: what each counts, as it was asked for.
    """

    def __init__(self, parts: Sequence[Part], weights: str | None = None) -> None:
        self.parts, self.weights = parts, weights
        self.has_model = all(part.source.has_model for part in parts)
        self.reads = any(part.source.has_model for part in parts)  # whether any of them reads the items of a pool

    def look(self) -> Look:
        """What each says, and what they are together."""
        read_weights(self.weights, [part.name for part in self.parts])
        looks = [part.source.look() for part in self.parts]
        self._refuse_twice()
        if not self.reads:
            first, *others = self.parts
            ids = _ids_of(first)
            for part in others:
                _match(_ids_of(part), ids, part, first.path.name)
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
            if self.reads and not part.source.has_model:
                _, told = _match(_ids_of(part), data.ids, part, "the pool")
                notices += told
        return notices

    def digests(self) -> dict[str, str]:
        """Of each; from the second on with its number."""
        return {name if part.number == 1 else f"{name} {part.number}": digest
                for part in self.parts for name, digest in part.source.digests().items()}  # fmt: skip

    def contents(self, data: Data) -> list[bytes] | None:
        """Of each item's inputs, and of its rows in the files of features beside them."""
        if not self.reads:
            return None
        contents = data_contents(data)
        for part in self.parts:
            if part.source.has_model:
                continue
            with tempfile.TemporaryDirectory(prefix="kgkt-") as folder:
                features = part.source.extract(None, Path(folder) / "features.parquet")
                rows, _ = _match(features.ids, data.ids, part, "the pool")
                own = feature_contents(features)
            contents = [hashlib.blake2b(content + own[row], digest_size=BYTES).digest()
                        for content, row in zip(contents, rows.tolist(), strict=True)]  # fmt: skip
        return contents

    def reader(self, layers: Collection[str]) -> Source:
        """The sources that have one of these layers."""
        wanted = {layer.partition("/")[0] for layer in layers}
        reading = [part for part in self.parts if part.prefix in wanted]
        for part in reading:
            if not part.source.has_model:
                raise UsageError(f"this graph was made from {part.name} too, and what made those features is not here: "
                                 f"give --features of the new items, a file with {', '.join(layers)}")
        return Several(reading)

    def extract(self, data: Data | None, out: Path, progress: Progress | None = None) -> Features:
        """Have each write its features, then put them side by side, item by item."""
        step = _shared_out(progress, len(self.parts))

        def read(part: Part, scratch: Path) -> Features:
            return part.source.extract(None if data is None else _sized(data, part.source.look()), scratch, step)

        return self._side_by_side(read, data, out, "")

    def untrained(self, data: Data, out: Path, layers: tuple[str, ...], seed: int = 0) -> Features:
        """The same from untrained copies of all, each of a seed of its own."""
        def read(part: Part, scratch: Path) -> Features:
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
            made = [read(part, path) for part, path in zip(self.parts, scratch, strict=True)]
            ids = data.ids if data is not None and self.reads else made[0].ids
            where = "the pool" if data is not None and self.reads else self.parts[0].path.name
            rows = [_match(one.ids, ids, part, where)[0] for one, part in zip(made, self.parts, strict=True)]
            if not how:
                self._refuse_copies(made, rows)
            named = list(zip(self.parts, made, rows, strict=True))
            widths = {part.layer(layer): width for part, one, _ in named for layer, width in one.widths.items()}
            told = [line for one in made for line in one.meta.get("notices", "").splitlines() if line]
            layers = {part.name: [part.layer(layer) for layer in one.layers] for part, one, _ in named}
            meta = describe(how + _joined_names(self.parts), list(dict.fromkeys(told)), sources=json.dumps(layers))
            return write_features(out, widths, _batches(ids, named), meta)
        finally:
            for path in scratch:
                path.unlink(missing_ok=True)

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


def parts_of(settings: SourceSettings, sources: Sequence[Source]) -> list[Part]:
    """The sources with their names, told apart.

    Args:
        settings: the recipe's [source], whose `each` are the sources.
        sources: one of each.
    """
    files = [Path(one.features or one.model_path or "").absolute() for one in settings.each]
    names = zip(_apart([file.stem for file in files]), _apart([file.name for file in files]), strict=True)
    each = zip(sources, settings.each, names, strict=True)
    return [Part(source, one, *called, number) for number, (source, one, called) in enumerate(each, 1)]


def read_weights(text: str | None, names: Sequence[str]) -> tuple[float, ...] | None:
    """What each source counts; None where that is left to the labels ("auto", or nothing said).

    Args:
        text: "auto", or numbers with commas between, one for each source.
        names: of the sources, for the message.

    Raises:
        UsageError: no numbers, of another count, negative, or all zero.
    """
    if text is None or text.strip() == AUTO:
        return None
    try:
        weights = tuple(float(part) for part in text.split(","))
    except ValueError as error:
        raise UsageError(f"--source-weights {text!r}: write auto, or a number for each source, e.g. 1,0.5") from error
    listed = ", ".join(names)
    if len(weights) != len(names):
        few = f"{count(len(weights), 'number')} for {len(names)} sources"
        raise UsageError(f"--source-weights {text}: {few} ({listed})")
    if not all(0 <= weight < float("inf") for weight in weights) or not any(weights):
        raise UsageError(f"--source-weights {text}: a weight is 0 (the source has no part) or more, and one at least "
                         f"is above 0; in the order of {listed}")
    return weights


def _apart(names: Sequence[str]) -> list[str]:
    """Names told apart: the second of a name gets a number.

    >>> _apart(["a", "b", "a"])
    ['a', 'b', 'a-2']
    """
    seen: Counter[str] = Counter()
    out: list[str] = []
    for name in names:
        seen[name] += 1
        new = name if seen[name] == 1 else f"{name}-{seen[name]}"
        while new in out or (seen[name] > 1 and new in names):
            seen[name] += 1
            new = f"{name}-{seen[name]}"
        out.append(new)
    return out


def _joined_names(parts: Sequence[Part]) -> str:
    return " + ".join(part.name for part in parts)


def _sized(data: Data, look: Look) -> Data:
    """The pool as one of the models reads it: pictures of a folder are brought to its own size."""
    size = picture_size(look.input_shape, None)
    if size is None or not isinstance(data.x, ImageFolder) or size == data.x.shape[1:3]:
        return data
    pictures = dataclasses.replace(data.x, shape=(len(data.x), *size, *data.x.shape[3:]), resized=len(data.x))
    return dataclasses.replace(data, x=pictures)


def _ids_of(part: Part) -> np.ndarray:
    own = part.settings
    return peek_ids(part.path, own.layers, own.id_column, own.columns)


def _match(there: np.ndarray, ids: np.ndarray, part: Part, where: str) -> tuple[np.ndarray, list[str]]:
    """(n,) the row in a source of each item, whatever their order there; and what it holds beside them, a line.

    Args:
        there: (m,) ids of the source.
        ids: (n,) ids of the items.
        part: the source; where: the items are from, for the message.

    Raises:
        InputError: items that the source has not, or none of the two has ids of its own and they differ in number.
    """
    import numpy as np

    place = {item: row for row, item in enumerate(there.tolist())}
    rows = np.array([place.get(item, -1) for item in ids.tolist()], np.int64)
    missing = ids[rows < 0]
    made_up = len(there) != len(ids) and there.tolist() == default_ids(len(there)).tolist()
    if made_up and not len(missing):
        raise InputError(f"{part.path} has {len(there):,} rows and no ids of its own, {where} has {len(ids):,} items: "
                         "which row is which? Save item_id beside the features")
    if len(missing):
        shown = ", ".join(missing[:3].tolist()) + (", …" if len(missing) > 3 else "")
        raise InputError(f"{part.path} lacks {len(missing):,} of the {len(ids):,} items of {where} ({shown}); it has "
                         f"{len(there):,}, e.g. {', '.join(there[:3].tolist())}: every source must hold every item, "
                         "under the same item_id")
    more = len(there) - len(ids)
    return rows, [f"{part.path} holds {count(more, 'item')} that {where} has not: not read"] if more else []


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
