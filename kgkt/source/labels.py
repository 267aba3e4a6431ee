"""Reading what people say of items: label files and assignments on the command line."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from kgkt.errors import InputError, count, nearest
from kgkt.files import sha256_file

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

TICK = "not:"
ID_COLUMN, CLASS_COLUMN = "item_id", "class"
MISSING = {"nan", "NaN", "None", "NA", "N/A", "<NA>", "NaT", "null", "NULL"}  # as pandas and NumPy write them
FRACTION = re.compile(r"-?\d+\.0+")
MADE_UP = re.compile(r"i\d{4,}")  # as `kgkt.source.arrays.default_ids` calls rows


@dataclass(frozen=True, slots=True)
class LabelRow:
    """A label or a tick of one item.

    Args:
        item_id: of the pool.
        name: class name.
        tick: whether it denies the class instead of giving it.
        where: the line it stands on, for errors.
    """

    item_id: str
    name: str
    tick: bool
    where: str


@dataclass(frozen=True, slots=True)
class LabelFile:
    """What a file says.

    Args:
        rows: labels and ticks.
        digest: of the file.
        empty: rows, or tasks, without a class.
        skipped: how many of these the annotators skipped, in Label Studio's word: cancelled.
    """

    rows: list[LabelRow]
    digest: str
    empty: int
    skipped: int = 0


def read_label_file(
    path: Path, known: Collection[str], id_column: str = ID_COLUMN, class_column: str = CLASS_COLUMN,
    classes: Collection[str] = (),
) -> LabelFile:  # fmt: skip
    """Read a CSV or Parquet file with the columns item_id and class, or an export of Label Studio (JSON, JSON-MIN).

    A class `not:NAME` is a tick; an empty one is skipped. Comma, semicolon or tab, quoted or not, with or without a
    byte order mark; other columns are passed over. What pandas writes for a missing value (nan, None, NA, …) counts as
    empty, unless a class is called so already.

    A table without the column of ids may have one of pictures' paths or names instead (filepath, image, …), and one
    without the column of classes a column label, choice, or one that ends with .label, as FiftyOne writes them.

    Args:
        path: the file.
        known: ids of the pool.
        id_column, class_column: names of the two columns; in an export, of the field and the control.
        classes: names of classes that are known.

    Raises:
        InputError: not UTF-8, a missing column, an unknown item, one item with two classes, whole numbers that came out
            as fractions, a name that several pictures have, annotators who differ: with the line.
    """
    digest = sha256_file(path)
    text = _text(path, {id_column, class_column})
    if text.lstrip()[:1] in ("[", "{") or path.suffix.lower() == ".json":
        from kgkt.source.annotations import read_annotations

        entries, empty, skipped = read_annotations(path, text, id_column, class_column)
        if not entries:
            by = f", {skipped:,} skipped by the annotators" if skipped else ""
            raise InputError(f"{path} holds no label ({count(empty, 'task')}, no class chosen{by}): label them first")
        if id_column == ID_COLUMN and not any(item.strip() in known for item, _, _ in entries):
            raise InputError(f"{path}: no item {entries[0][0]!r} in the pool, nor any other of its "
                             f"{count(len(entries), 'labelled item')}: an export of another project?")
    else:
        (entries, empty, id_column), skipped = _table(path, text, id_column, class_column, classes), 0
    if not entries:
        what = f"{count(empty, 'row')}, no class filled in" if empty else "no rows"
        raise InputError(f"{path} holds no label ({what}): fill in the column {class_column}")
    if id_column != ID_COLUMN:
        from kgkt.source.picture_names import PictureNames

        pictures = PictureNames(known)
        entries = [(pictures.find(item, f"{where}: ") or item, name, where) for item, name, where in entries]
    rows = [_row(item, name, where, known) for item, name, where in entries]
    check_consistent(rows)
    return LabelFile(rows, digest, empty, skipped)


def _text(path: Path, asked: Collection[str]) -> str:
    """The content of a label file.

    Raises:
        InputError: a folder, an archive, XML, damaged Parquet, not UTF-8.
    """
    content = Path(path).read_bytes()
    if content.startswith(b"PAR1"):
        return _parquet(path, content, asked)
    if content.startswith(b"PK\x03\x04"):
        raise InputError(f"{path} is a zip archive: unpack it, and give the CSV or JSON in it")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise InputError(f"{path}:{line} is not UTF-8: save it as UTF-8") from error
    if text.lstrip()[:1] == "<":
        raise InputError(f"{path} is XML or HTML; kgkt reads CSV and Label Studio's JSON. Of CVAT's annotations.xml, "
                         "write a table of two columns: image, the name of each image; label, that of its tag")
    return text


def _parquet(path: Path, content: bytes, asked: Collection[str]) -> str:
    """A Parquet table as CSV, without features: without lists, and without fractions but in columns that are asked for.

    Raises:
        InputError: damaged.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    def wanted(field: pa.Field) -> bool:
        return not pa.types.is_nested(field.type) and (field.name in asked or not pa.types.is_floating(field.type))

    try:
        file = pq.ParquetFile(pa.BufferReader(content))
        table = file.read(columns=[field.name for field in file.schema_arrow if wanted(field)])
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"{path} cannot be read as Parquet ({error})") from error
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(table.column_names)
    writer.writerows(zip(*(column.to_pylist() for column in table.columns), strict=True))
    return text.getvalue()


def _table(
    path: Path, text: str, id_column: str, class_column: str, classes: Collection[str]
) -> tuple[list[tuple[str, str, str]], int, str]:
    """(item, class, line) of the rows of a CSV that have a class, how many have none, and the column of items."""
    head = text.split("\n", 1)[0]
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=max(",;\t", key=head.count))
    columns = [c.strip() for c in next(reader, [])]
    if not columns:
        raise InputError(f"{path} is empty: it needs the columns {id_column} and {class_column}")
    id_column, class_column = _columns(path, columns, id_column, class_column)
    at_item, at_class = columns.index(id_column), columns.index(class_column)
    entries: list[tuple[str, str, str]] = []
    empty = 0
    for row in reader:
        where = f"{path}:{reader.line_num}"
        if not any(c.strip() for c in row):
            continue
        if len(row) != len(columns):
            raise InputError(f"{where} has {count(len(row), 'field')}, the head of the file has {len(columns)}")
        name = row[at_class].strip()
        if name not in classes and (not name or name in MISSING):
            empty += 1
            continue
        if FRACTION.fullmatch(name) and name not in classes:
            raise InputError(f"{where}: the class is {name!r}, as pandas writes whole numbers of a column with gaps: "
                             f"is {name.partition('.')[0]} meant? Write it so (in pandas: .astype('Int64'))")
        entries.append((row[at_item], name, where))
    return entries, empty, id_column


def _columns(path: Path, columns: list[str], id_column: str, class_column: str) -> tuple[str, str]:
    """The columns of items and classes: those that are asked for, else as other tools call them.

    Raises:
        InputError: neither is there, or several columns can be that of the classes.
    """
    from kgkt.source.picture_names import COLUMNS

    if id_column == ID_COLUMN not in columns:
        id_column = next((name for name in COLUMNS if name in columns), id_column)
    if class_column == CLASS_COLUMN not in columns:
        plain = [name for name in columns if name in ("label", "choice")]
        found = plain or [name for name in columns if name.endswith(".label")]
        if len(found) > 1:
            raise InputError(f"{path}:1 has the columns {' and '.join(found)}: --class-column names the one that holds "
                             "the classes")
        class_column = next(iter(found), class_column)
    for wanted, flag in ((id_column, "--id-column"), (class_column, "--class-column")):
        if wanted not in columns:
            raise InputError(f"{path}:1 has no column {wanted}{nearest(wanted, columns)}; {flag} names another")
    return id_column, class_column


def parse_assignments(texts: Iterable[str], known: Collection[str]) -> list[LabelRow]:
    """Read ITEM=CLASS and ITEM=not:CLASS.

    An item id may hold "=": the longest left side that is an item of the pool is taken.

    Raises:
        InputError: no "=", an unknown item, an empty class, contradictions.
    """
    rows = []
    for text in texts:
        cuts = [i for i, c in enumerate(text) if c == "="]
        if not cuts:
            raise InputError(f"{text!r} is not ITEM=CLASS")
        cut = next((i for i in reversed(cuts) if text[:i] in known), cuts[0])
        rows.append(_row(text[:cut], text[cut + 1 :].strip(), repr(text), known))
    check_consistent(rows)
    return rows


def read_pairs(pairs: Iterable[tuple[str, str]], known: Collection[str]) -> list[LabelRow]:
    """Read (item_id, class) and (item_id, not:CLASS).

    Raises:
        InputError: an unknown item, an empty class, contradictions.
    """
    rows = [_row(item, name.strip(), repr(item), known) for item, name in pairs]
    check_consistent(rows)
    return rows


def _row(item_id: str, name: str, where: str, known: Collection[str]) -> LabelRow:
    tick = name.startswith(TICK)
    name = name[len(TICK) :] if tick else name
    item_id = known_item(item_id, known, f"{where}: ")
    if not name.strip():
        raise InputError(f"{where}: the class of {item_id} is empty")
    return LabelRow(item_id, name.strip(), tick, where)


def known_item(item_id: str, known: Collection[str], where: str = "") -> str:
    """An item's id as the pool has it; spaces around it do not count.

    Args:
        item_id: as it was given.
        known: ids of the pool.
        where: what an error begins with.

    Raises:
        InputError: no such item; with the one that was meant, or the nearest ids.
    """
    if item_id not in known:
        item_id = item_id.strip()
    if item_id not in known:
        raise InputError(f"{where}no item {item_id!r} in the pool{_why_unknown(item_id, known)}")
    return item_id


def _why_unknown(item_id: str, known: Collection[str]) -> str:
    """The item that was meant, with the reason where one shows; else the nearest ids."""
    whole = item_id.removesuffix(".0")
    if whole.isdecimal():
        bare = whole.lstrip("0")
        for one in known:
            if one.isdecimal() and one.lstrip("0") == bare:
                what = "its leading zeros were lost" if whole == item_id else "it was read as a number"
                return f"; {one!r} is there: {what} (read ids as text, in pandas with dtype=str)"
        width = next((len(one) - 1 for one in known if MADE_UP.fullmatch(one)), 0)
        if (made := f"i{int(whole):0{width}d}") in known:
            return f"; is {made!r} meant? Where a pool brings no ids, its rows are numbered from i{0:0{width}d} on"
    return nearest(item_id, _some(known))


def _some(known: Collection[str]) -> list[str]:
    """Enough of the pool's ids to look for a near one without comparing with millions."""
    import heapq

    return heapq.nsmallest(20_000, known)


def check_consistent(rows: list[LabelRow]) -> None:
    """Refuse one item with two classes, or with a class and a tick against it."""
    labels: dict[str, LabelRow] = {}
    for one in rows:
        if one.tick:
            continue
        before = labels.setdefault(one.item_id, one)
        if before.name != one.name:
            raise InputError(f"{one.where}: {one.item_id} is {one.name!r} here and {before.name!r} at {before.where}")
    for one in rows:
        if one.tick and one.item_id in labels and labels[one.item_id].name == one.name:
            raise InputError(f"{one.where}: {one.item_id} is given {one.name!r} and denied it")
