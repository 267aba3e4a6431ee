"""Features as people have them in tables: a column of lists a layer, or a column a number."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kgkt.errors import InputError, nearest
from kgkt.source.arrays import check_ids
from kgkt.source.lines import Lines
from kgkt.source.numbered import by_pattern, by_prefix, order_and_gaps, refuse_words
from kgkt.source.parquet import GROUP_BYTES, READ_BYTES, Batch
from kgkt.source.records import csv_records
from kgkt.source.safety import read_head

if TYPE_CHECKING:
    import numpy as np

ITEM_ID = "item_id"


def open_columns(
    path: Path, layers: Sequence[str] = (), id_column: str = ITEM_ID, columns: Sequence[str] = ()
) -> ListColumns | NumberColumns:
    """The features in somebody's table: columns of lists where there are any, else columns of numbers.

    Args:
        path: a `.parquet` or `.csv` file.
        layers: which layers, all when empty.
        id_column: the column of item ids.
        columns: patterns (`f*`) of columns of numbers, one layer each.

    Raises:
        InputError: damaged, no ids, no features, a layer or a pattern that is not there.
    """
    if path.suffix.lower() == ".parquet" and not columns and _has_lists(path, id_column):
        return ListColumns(path, layers, id_column)
    return NumberColumns(path, layers, id_column, columns)


def need_ids(where: str, id_column: str, names: Sequence[str]) -> None:
    """Refuse a table without the column of ids."""
    if id_column not in names:
        raise InputError(f"{where} has no column {id_column}{nearest(id_column, names)}; --id-column names the one "
                         "that holds the ids of the items")


def _has_lists(path: Path, id_column: str) -> bool:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path, pre_buffer=False) as file:
            return any(is_list(field.type) for field in file.schema_arrow if field.name != id_column)
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"{path} cannot be read as Parquet ({error})") from error


class NumberColumns:
    """Columns of numbers, grouped into layers; f0 … f127 are one layer, f.

    Args:
        path, layers, id_column, columns: as for `open_columns`.

    Attributes:
        ids: (n,) item ids.
        widths: layer -> numbers an item.
        others: columns that are not read.
        notices: how columns were grouped, a line a layer.

    Raises:
        InputError: as `open_columns`.
    """

    def __init__(
        self, path: Path, layers: Sequence[str] = (), id_column: str = ITEM_ID, columns: Sequence[str] = ()
    ) -> None:
        import pyarrow as pa

        self.path = path
        self.table = _read_table(path, id_column)
        names = list(self.table.column_names)
        need_ids(str(path), id_column, names)
        self.ids = check_ids(str(path), self.table.column(id_column).to_pylist(), len(self.table))
        numbers = [f.name for f in self.table.schema if f.name != id_column and _is_number(f.type)]
        groups = by_pattern(path, columns, numbers) if columns else by_prefix(numbers)
        for layer in layers:
            if layer not in groups:
                raise InputError(f"{path} has no columns of a layer {layer}{nearest(layer, groups)}")
        self.groups = {layer: groups[layer] for layer in layers or groups}
        refuse_words(path, self.table, [name for group in self.groups.values() for name in group],
                      [name for name in names if name not in {id_column, *numbers}])  # fmt: skip
        if not self.groups:
            texts = [f.name for f in self.table.schema if f.name != id_column and pa.types.is_string(f.type)]
            hint = f" (columns of texts: {', '.join(texts[:5])})" if texts else ""
            raise InputError(f"{path} has no features{hint}: put them into columns of numbers such as f0, f1, …, name "
                             "them with --columns, or put each layer into one fixed_size_list<float32> column")
        self.widths = {layer: len(group) for layer, group in self.groups.items()}
        read = {id_column, *(name for group in self.groups.values() for name in group)}
        self.others = [name for name in names if name not in read]
        self.notices = [f"{path}: {len(group)} columns, {group[0]} … {group[-1]}, are the layer {layer}"
                        + order_and_gaps(group, numbers) for layer, group in self.groups.items()]  # fmt: skip

    def __iter__(self) -> Iterator[Batch]:
        import numpy as np

        size = max(1, GROUP_BYTES // (4 * sum(self.widths.values())))
        for start in range(0, len(self.table), size):
            part = self.table.slice(start, size)
            yield self.ids[start : start + size], {
                layer: np.stack([part.column(name).to_numpy() for name in group], axis=1)
                for layer, group in self.groups.items()
            }  # a missing value is NaN, which is refused or dropped like any other


def _read_table(path: Path, id_column: str) -> Any:
    """A `.parquet` or `.csv` file as an Arrow table; ids are read as they stand."""
    import pyarrow as pa
    import pyarrow.parquet as pq
    from pyarrow import csv

    if path.suffix.lower() == ".parquet":
        try:
            with pq.ParquetFile(path, pre_buffer=False, page_checksum_verification=True) as file:
                return file.read()
        except (pa.ArrowException, OSError) as error:
            raise InputError(f"{path} cannot be read as Parquet ({error})") from error
    lines = Lines(path, "a table of features", lambda number: f"{path}, line {number:,}")
    head = read_head(path, 1 << 16)
    line = head.removeprefix(b"\xef\xbb\xbf").split(b"\n", 1)[0]
    delimiter = max(",;\t", key=lambda sign: line.count(sign.encode()))
    try:
        table = csv.read_csv(
            path, parse_options=csv.ParseOptions(delimiter=delimiter),
            convert_options=csv.ConvertOptions(column_types={id_column: pa.string()}, strings_can_be_null=False),
        )
        table.column_names  # noqa: B018  they are decoded here
        return table
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        deque(csv_records(lines), maxlen=0)  # raises what is wrong, with its line
        raise InputError(f"{path} cannot be read as CSV ({error})") from error


def _is_number(kind: Any) -> bool:
    import pyarrow as pa

    return pa.types.is_floating(kind) or pa.types.is_integer(kind)


class ListColumns:
    """The list columns of somebody's Parquet file, read in a stream.

    Args:
        path: the file.
        layers: columns to read; all columns of lists of numbers when empty.
        id_column: the column of item ids.

    Raises:
        InputError: damaged, without such a column, lists of different lengths.
    """

    def __init__(self, path: Path, layers: Iterable[str] = (), id_column: str = ITEM_ID) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        self.path, self.notices = path, list[str]()
        try:
            with pq.ParquetFile(path, pre_buffer=False) as file:
                self.schema = file.schema_arrow
                self.n = file.metadata.num_rows
                names = self.schema.names
                need_ids(str(path), id_column, names)
                usable = [f.name for f in self.schema if f.name != id_column and is_list(f.type)]
                for name in layers:
                    if name not in usable:
                        raise InputError(f"{path} has no column of lists {name}{nearest(name, usable)}")
                self.layers = list(layers) or usable
                if not self.layers:
                    raise InputError(f"{path} has no column of lists of numbers{nearest('features', names)}; put each "
                                     "layer into one fixed_size_list<float32> column")
                self.others = [name for name in names if name not in {id_column, *self.layers}]
                self.ids = check_ids(str(path), file.read(columns=[id_column]).column(id_column).to_pylist(), self.n)
            self.widths = self._widths() if self.n else dict.fromkeys(self.layers, 0)
        except (pa.ArrowException, OSError) as error:
            raise InputError(f"{path} cannot be read as Parquet ({error})") from error

    def _widths(self) -> dict[str, int]:
        """Numbers a row in each layer, by the first row."""
        import pyarrow.parquet as pq

        with pq.ParquetFile(self.path, pre_buffer=False, buffer_size=READ_BYTES) as file:
            first = next(file.iter_batches(batch_size=1, columns=self.layers))
        return {layer: len(first.column(layer)[0].as_py() or ()) for layer in self.layers}

    def __iter__(self) -> Iterator[Batch]:
        import pyarrow as pa
        import pyarrow.parquet as pq

        size = max(1, GROUP_BYTES // (4 * max(1, sum(self.widths.values()))))
        start = 0
        try:
            with pq.ParquetFile(
                self.path, pre_buffer=False, buffer_size=READ_BYTES, page_checksum_verification=True
            ) as file:
                for batch in file.iter_batches(batch_size=size, columns=self.layers):
                    arrays = {layer: self._numbers(batch.column(layer), layer, start) for layer in self.layers}
                    yield self.ids[start : start + len(batch)], arrays
                    start += len(batch)
        except (pa.ArrowException, OSError) as error:
            raise InputError(f"{self.path} cannot be read as Parquet ({error})") from error
        finally:
            pa.default_memory_pool().release_unused()

    def _numbers(self, column: Any, layer: str, start: int) -> np.ndarray:
        """One column of a batch as (b, d)."""
        import numpy as np
        from pyarrow.compute import list_value_length

        column = getattr(column, "storage", column)
        width = self.widths[layer]
        lengths = np.nan_to_num(list_value_length(column).to_numpy(zero_copy_only=False), nan=-1)  # null: -1
        wrong = np.flatnonzero(lengths != width)
        if len(wrong):
            row, length = start + int(wrong[0]), int(lengths[wrong[0]])
            came = "nothing" if length < 0 else f"{length} numbers"
            raise InputError(f"{self.path}: column {layer} has {came} in row {row} (item_id {self.ids[row]}), "
                             f"{width} in row 0: rows must be of one width")
        values = column.flatten()
        if values.null_count:
            row = start + int(np.flatnonzero(values.is_null().to_numpy(zero_copy_only=False))[0]) // width
            raise InputError(f"{self.path}: column {layer} has a null among its numbers in row {row} "
                             f"(item_id {self.ids[row]})")
        return values.to_numpy(zero_copy_only=False).reshape(len(column), width)


def is_list(kind: Any) -> bool:
    """Whether an Arrow type is a list of numbers, of fixed width or not."""
    import pyarrow as pa

    kind = getattr(kind, "storage_type", kind)
    is_list = pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)
    return is_list and (pa.types.is_floating(kind.value_type) or pa.types.is_integer(kind.value_type))
