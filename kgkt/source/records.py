"""Records of a table as people have them: CSV, JSON Lines, a JSON array, Parquet; in a stream, by their content."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Protocol

from kgkt.errors import InputError, count, nearest
from kgkt.source.lines import MOST, Lines, csv_rows
from kgkt.source.parquet import READ_BYTES
from kgkt.source.safety import read_head

SUFFIXES = (".csv", ".tsv", ".jsonl", ".ndjson", ".json", ".parquet")
SAMPLE = 200  # records that are looked at before the rest is read
ROWS = 1024  # of a batch of Parquet
SPACE = re.compile(r"[ \t\r\n]*")
Records = Generator[tuple[int, dict[str, Any]], None, None]
Numbered = Generator[tuple[int, Sequence[Any]], None, None]


class Table(Protocol):
    """A table that can be looked at first and then read once.

    Attributes:
        columns: their names.
        place: what a record is counted in: "line", "record" or "row".
        sample: values of the first records, by column.
    """

    columns: list[str]
    place: str
    sample: dict[str, list[Any]]

    def rows(self, names: Sequence[str]) -> Numbered:
        """(number, values of these columns) of every record; once."""
        ...


def suffix_of(path: Path) -> str:
    """The suffix that says what a file holds: .csv of texts.csv.gz."""
    name = path.name.lower().removesuffix(".gz")
    return Path(name).suffix


def open_table(path: Path, wanted: str, at: Callable[[str, int], str]) -> Table:
    """Open a table, whatever its name says.

    Args:
        path: the file, plain or packed with gzip.
        wanted: what it should be, for errors.
        at: where a record is, for errors: of "line" and its number.

    Raises:
        InputError: another kind of file, damaged, broken JSON; with the line.
    """
    if read_head(path, 4) == b"PAR1":
        return ParquetTable(path, at)
    if suffix_of(path) == ".parquet":
        packed = read_head(path, 2) == b"\x1f\x8b"
        raise InputError(f"{path} is packed with gzip, and Parquet is packed inside: gunzip it" if packed else
                         f"{path} is no Parquet file (it begins with {read_head(path, 8)!r}), or was cut off")
    lines = Lines(path, wanted, lambda number: at("line", number))
    first = next((block.lstrip() for block in lines.blocks() if block.strip()), "")
    if not first:
        raise InputError(f"{path} is empty")
    if first.startswith("[") and (suffix_of(path) not in (".csv", ".tsv")):
        return Streamed(_array(lines, at), "record", at)
    if first.startswith("{") and (suffix_of(path) not in (".csv", ".tsv")):
        return Streamed(_json_lines(lines, at), "line", at)
    if suffix_of(path) in (".jsonl", ".ndjson", ".json"):
        raise InputError(f"{path} is not JSON: it begins with {first[:20]!r}, records with {{ and an array of them "
                         "with [")
    return Streamed(csv_records(lines), "line", at)


class Streamed:
    """A table of which one record comes after the other; see `Table`.

    Args:
        records: (number, {column: value}) of each.
        place: what the number counts.
        at: where a record is, for errors.
    """

    def __init__(self, records: Records, place: str, at: Callable[[str, int], str]) -> None:
        self.place, self.at, self._rest = place, at, records
        self._head = list(itertools.islice(records, SAMPLE))
        if place == "line" and self._head and self._head[0][0] == 0:  # a CSV: its names come first, as a record
            self.columns = list(self._head.pop(0)[1])
        else:
            self.columns = list(dict.fromkeys(name for _, record in self._head for name in record))
        self.sample = {name: [record.get(name) for _, record in self._head] for name in self.columns}

    def rows(self, names: Sequence[str]) -> Numbered:
        """As of `Table`; a record without a field has None there."""
        with closing(self._rest):
            for number, record in itertools.chain(self._head, self._rest):
                yield number, [record.get(name) for name in names]


def csv_records(lines: Lines) -> Records:
    """(line, {column: value}) of each row of a CSV; number 0 are the names of the columns.

    Raises:
        InputError: as `csv_rows`, a name twice, a row of another length; with the line.
    """
    with closing(csv_rows(lines)) as rows:
        _, head = next(rows, (1, list[str]()))
        names = [name.strip() for name in head]
        if twice := [name for name in names if names.count(name) > 1 and name]:
            raise InputError(f"{lines.at(1)} names two columns {twice[0]!r}: call one of them otherwise")
        yield 0, dict.fromkeys(names)
        for number, row in rows:
            if len(row) != len(names):
                raise InputError(f"{lines.at(number)} has {count(len(row), 'field')}, the head of the file has "
                                 f"{len(names)}: a text that holds the separator stands between quotes")
            yield number, dict(zip(names, row, strict=True))


def _json_lines(lines: Lines, at: Callable[[str, int], str]) -> Records:
    with closing(iter(lines)) as feed:
        for number, line in enumerate(feed, 1):
            if not line.strip():
                continue
            where = at("line", number)
            try:
                record = json.loads(line.rstrip())
            except json.JSONDecodeError as error:
                hint = ": a .jsonl holds one record a line, a .json an array of records" if number == 1 else ""
                raise InputError(f"{where} is not JSON ({error.msg}, column {error.colno}){hint}") from error
            except RecursionError as error:
                raise InputError(f"{where} is JSON within JSON without end") from error
            yield number, _record(record, where)


def _record(value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise InputError(f"{where} is {kind_of_value(value)}, a record is an object: {{\"text\": …}}")
    return value


def kind_of_value(value: Any) -> str:
    """A JSON or Parquet value in words."""
    names = {dict: "an object", list: "a list", str: "a text", bool: "true or false", type(None): "null",
             bytes: "bytes that are no UTF-8"}  # fmt: skip
    return names.get(type(value), "a number" if isinstance(value, int | float) else f"a {type(value).__name__}")


def _array(lines: Lines, at: Callable[[str, int], str]) -> Records:
    """The records of a JSON array, of which only the one at hand is in memory."""
    decoder, number = json.JSONDecoder(), 0
    with closing(lines.blocks()) as blocks:
        text = Buffer(blocks)
        text.skip("[")
        while text.peek() != "]":
            number += 1
            if number > 1 and not text.skip(","):
                raise InputError(f"{at('line', text.line)} is not JSON: a comma is missing after record {number - 1}")
            record = text.decode(decoder, at)
            yield number, _record(record, at("record", number))
        text.skip("]")
        if text.peek():
            raise InputError(f"{at('line', text.line)}: something follows after the end of the array")


class Buffer:
    """Text that comes in blocks, read from its beginning on; it knows the line that it is at."""

    def __init__(self, blocks: Iterator[str]) -> None:
        self.blocks, self.text, self.place, self.line = blocks, "", 0, 1

    def peek(self) -> str:
        """The next sign that is no space; "" at the end."""
        while True:
            self._pass(SPACE.match(self.text, self.place).end())  # type: ignore[union-attr]
            if self.place < len(self.text) or not self._more(1):
                return self.text[self.place : self.place + 1]

    def skip(self, sign: str) -> bool:
        """Pass over a sign, if it is the next one."""
        if self.peek() != sign:
            return False
        self.place += 1
        return True

    def decode(self, decoder: json.JSONDecoder, at: Callable[[str, int], str]) -> Any:
        """The next value; more text is read while it is not whole."""
        self.peek()
        while True:
            try:
                value, end = decoder.raw_decode(self.text, self.place)
            except json.JSONDecodeError as error:
                left = len(self.text) - self.place
                if left <= MOST and self._more(left):
                    continue
                where = at("line", self.line + self.text.count("\n", self.place, error.pos))
                raise InputError(f"{where} is not JSON ({error.msg}): cut off, or edited by hand?") from error
            except RecursionError as error:
                raise InputError(f"{at('line', self.line)} is JSON within JSON without end") from error
            self._pass(end)
            return value

    def _pass(self, end: int) -> None:
        self.line += self.text.count("\n", self.place, end)
        self.place = end

    def _more(self, wanted: int) -> bool:
        """Read at least so much more, so that a long value is begun again only a few times; False at the end."""
        parts, got = [self.text[self.place :]], 0
        while got < max(wanted, 1) and (block := next(self.blocks, "")):
            parts.append(block)
            got += len(block)
        self.text, self.place = "".join(parts), 0
        return got > 0


class ParquetTable:
    """The columns of a Parquet file, of which those that are asked for are read, batch by batch; see `Table`."""

    place = "row"

    def __init__(self, path: Path, at: Callable[[str, int], str]) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        self.path, self.at = path, at
        try:
            with pq.ParquetFile(path, pre_buffer=False) as file:
                self.schema = file.schema_arrow
                plain = [field.name for field in self.schema if is_plain(field.type)]
                first = next(file.iter_batches(batch_size=SAMPLE, columns=plain), None) if plain else None
        except (pa.ArrowException, OSError) as error:
            raise InputError(f"{path} cannot be read as Parquet ({error})") from error
        self.columns = list(self.schema.names)
        self.sample = {name: [] if first is None or name not in plain else _values(first.column(name))
                       for name in self.columns}  # fmt: skip

    def rows(self, names: Sequence[str]) -> Numbered:
        """As of `Table`.

        Raises:
            InputError: a column of lists or of features is asked for.
        """
        import pyarrow as pa
        import pyarrow.parquet as pq

        for name in names:
            if name in self.columns and not is_plain(kind := self.schema.field(name).type):
                raise InputError(f"{self.path}: column {name} holds {kind}, a text or a name is wanted")
        start, there = 0, [name for name in names if name in self.columns]
        try:
            with pq.ParquetFile(self.path, pre_buffer=False, buffer_size=READ_BYTES,
                                page_checksum_verification=True) as file:  # fmt: skip
                for batch in file.iter_batches(batch_size=ROWS, columns=there):
                    columns = [_values(batch.column(name)) for name in there]
                    for offset, values in enumerate(zip(*columns, strict=True)):
                        yield start + offset, values
                    start += len(batch)
        except (pa.ArrowException, OSError) as error:
            raise InputError(f"{self.path} cannot be read as Parquet ({error})") from error
        finally:
            pa.default_memory_pool().release_unused()


def _values(column: Any) -> list[Any]:
    """A column of a batch; texts that were saved as bytes are texts, other bytes stay such."""
    values = column.to_pylist()
    return [_decoded(value) if isinstance(value, bytes) else value for value in values]


def _decoded(value: bytes) -> str | bytes:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value


def is_plain(kind: Any) -> bool:
    """Whether an Arrow type holds one text, number or truth value a row; texts may be kept in a dictionary."""
    import pyarrow as pa

    kind = getattr(kind, "storage_type", kind)
    if pa.types.is_dictionary(kind):
        return is_plain(kind.value_type)
    return not (pa.types.is_nested(kind) or pa.types.is_temporal(kind))


def no_column(where: str, name: str, columns: Sequence[str], flag: str) -> InputError:
    """The error of a column that is not there."""
    shown = [column if len(column) <= 40 else column[:39] + "…" for column in columns]
    return InputError(f"{where} has no column {name}{nearest(name, shown)}; {flag} names another")
