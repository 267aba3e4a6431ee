"""Reading what people say of items: label files and assignments on the command line."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from kgkt.errors import InputError, count
from kgkt.files import sha256_file
from kgkt.source.known_items import found_item, known_item
from kgkt.source.lines import Lines
from kgkt.source.records import Table, no_column, open_table, suffix_of
from kgkt.source.safety import read_head
from kgkt.source.texts import name_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

TICK = "not:"
ID_COLUMN, CLASS_COLUMN = "item_id", "class"
MISSING = {"nan", "NaN", "None", "NA", "N/A", "<NA>", "NaT", "null", "NULL"}  # as pandas and NumPy write them
# fields of a task of Label Studio: of its JSON, of that of older ones, of JSON-MIN
MARKS = {"annotations", "completions", "annotation_id", "annotator", "lead_time"}
FRACTION = re.compile(r"-?\d+\.0+")
STUCK = re.compile(r"[,;]([^,;=]+)=")  # a=x,b=y


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
        outside: rows of items that the pool does not have, which were passed over.
    """

    rows: list[LabelRow]
    digest: str
    empty: int
    skipped: int = 0
    outside: int = 0


def read_label_file(
    path: Path, known: Collection[str], id_column: str = ID_COLUMN, class_column: str = CLASS_COLUMN,
    classes: Collection[str] = (), pool_ids: str = ID_COLUMN, beyond: bool = False,
) -> LabelFile:  # fmt: skip
    """Read a table with the columns item_id and class, or an export of Label Studio (JSON, JSON-MIN).

    A table is CSV, JSON Lines, a JSON array of records or Parquet, as of texts. A class `not:NAME` is a tick; an empty
    one is skipped. Comma, semicolon or tab, quoted or not, with or without a byte order mark; other columns are passed
    over. What pandas writes for a missing value (nan, None, NA, …) counts as empty, unless a class is called so.

    A table without the column of ids may have that of the pool, or one of pictures' paths or names instead (filepath,
    image, …), and one without the column of classes a column label, choice, or one that ends with .label, as FiftyOne
    writes them.

    Args:
        path: the file.
        known: ids of the pool.
        id_column, class_column: names of the two columns; in an export, of the field and the control.
        classes: names of classes that are known.
        pool_ids: what the pool calls its column of ids.
        beyond: pass over items that the pool does not have, as far as it has some of them.

    Raises:
        InputError: not UTF-8, a missing column, an unknown item, one item with two classes, whole numbers that came out
            as fractions, a name that several pictures have, annotators who differ: with the line.
    """
    digest, skipped = sha256_file(path), 0
    _refuse_xml(path)
    table = _opened(path)
    if table is None:
        from kgkt.source.annotations import read_annotations

        entries, empty, skipped = read_annotations(path, _whole(path), id_column, class_column)
        if not entries:
            by = f", {skipped:,} skipped by the annotators" if skipped else ""
            raise InputError(f"{path} holds no label ({count(empty, 'task')}, no class chosen{by}): label them first")
        if id_column == ID_COLUMN and not any(item.strip() in known for item, _, _ in entries):
            raise InputError(f"{path}: no item {entries[0][0]!r} in the pool, nor any other of its "
                             f"{count(len(entries), 'labelled item')}: an export of another project?")
    else:
        id_column, class_column = _columns(path, table, id_column, class_column, pool_ids)
        entries, empty = _entries(path, table, id_column, class_column, classes)
    if not entries:
        what = f"{count(empty, 'row')}, no class filled in" if empty else "no rows"
        raise InputError(f"{path} holds no label ({what}): fill in the column {class_column}")
    if id_column != ID_COLUMN:
        from kgkt.source.picture_names import PictureNames

        pictures = PictureNames(known)
        entries = [(pictures.find(item, f"{where}: ") or item, name, where) for item, name, where in entries]
    outside = 0
    if beyond:
        inside = [entry for entry in entries if found_item(entry[0], known) is not None]
        outside, entries = (len(entries) - len(inside), inside) if inside else (0, entries)
    rows = [_row(item, name, where, known) for item, name, where in entries]
    check_consistent(rows)
    return LabelFile(rows, digest, empty, skipped, outside)


def _at(path: Path, place: str, number: int) -> str:
    return f"{path}:{number}" if place == "line" else f"{path}, {place} {number:,}"


def _refuse_xml(path: Path) -> None:
    if read_head(path).removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"<":
        raise InputError(f"{path} is XML or HTML; kgkt reads CSV, JSON, Parquet and Label Studio's JSON. Of CVAT's "
                         "annotations.xml, write a table of two columns: image, the name of each image; label, that of "
                         "its tag")


def _opened(path: Path) -> Table | None:
    """A table of labels; None for an export of Label Studio, whose reader says best what is wrong with it."""
    head = read_head(path).removeprefix(b"\xef\xbb\xbf").lstrip()
    lines = (".csv", ".tsv", ".jsonl", ".ndjson")
    is_json = suffix_of(path) == ".json" or (head.startswith((b"[", b"{")) and suffix_of(path) not in lines)
    try:
        table = open_table(path, "a table of labels", partial(_at, path))
    except InputError:
        if is_json:
            return None
        raise
    tasks = any(isinstance(value, dict) for value in table.sample.get("data", ()))
    return None if is_json and (tasks or not table.columns or MARKS & set(table.columns)) else table


def _whole(path: Path) -> str:
    return "".join(Lines(path, "an export of Label Studio", partial(_at, path, "line")).blocks())


def _entries(
    path: Path, table: Table, id_column: str, class_column: str, classes: Collection[str]
) -> tuple[list[tuple[str, str, str]], int]:
    """(item, class, where) of the rows of a table that have a class, and how many have none."""
    entries: list[tuple[str, str, str]] = []
    empty = 0
    for number, (item, value) in table.rows((id_column, class_column)):
        where = _at(path, table.place, number)
        name = (str(value) if isinstance(value, float) else name_of(value, f"{where}: {class_column}")).strip()
        if name not in classes and (not name or name in MISSING):
            empty += 1
            continue
        if FRACTION.fullmatch(name) and name not in classes:
            raise InputError(f"{where}: the class is {name!r}, as pandas writes whole numbers of a column with gaps: "
                             f"is {name.partition('.')[0]} meant? Write it so (in pandas: .astype('Int64'))")
        entries.append((name_of(item, f"{where}: {id_column}"), name, where))
    return entries, empty


def _columns(path: Path, table: Table, id_column: str, class_column: str, pool_ids: str) -> tuple[str, str]:
    """The columns of items and classes: those that are asked for, else as the pool or other tools call them.

    Raises:
        InputError: one is not there, or several columns can be that of the classes.
    """
    from kgkt.source.picture_names import COLUMNS

    columns, where = table.columns, f"{path}:1" if table.place == "line" else str(path)
    if id_column == ID_COLUMN not in columns:
        id_column = next((name for name in (pool_ids, *COLUMNS) if name in columns), id_column)
    if class_column == CLASS_COLUMN not in columns:
        plain = [name for name in columns if name in ("label", "choice")]
        found = plain or [name for name in columns if name.endswith(".label")]
        if len(found) > 1:
            raise InputError(f"{where} has the columns {' and '.join(found)}: --class-column names the one that holds "
                             "the classes")
        class_column = next(iter(found), class_column)
    for wanted, flag in ((id_column, "--id-column"), (class_column, "--class-column")):
        if wanted not in columns:
            raise no_column(where, wanted, columns, flag)
    return id_column, class_column


def parse_assignments(texts: Iterable[str], known: Collection[str]) -> list[LabelRow]:
    """Read ITEM=CLASS and ITEM=not:CLASS.

    An item id may hold "=": the longest left side that is an item of the pool is taken.

    Raises:
        InputError: no "=", an unknown item, an empty class, contradictions; a comma where a space should be.
    """
    rows = []
    for text in texts:
        cuts = [i for i, c in enumerate(text) if c == "="]
        if not cuts:
            raise InputError(f"{text!r} is not ITEM=CLASS")
        cut = next((i for i in reversed(cuts) if text[:i] in known), cuts[0])
        name = text[cut + 1 :].strip()
        if name.endswith((",", ";")) or ((stuck := STUCK.search(name)) and stuck[1].strip() in known):
            raise InputError(f"{text!r}: put spaces between several, and no commas: kgkt label ITEM=CLASS ITEM=CLASS")
        rows.append(_row(text[:cut], name, repr(text), known))
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
