"""Texts, ids and classes in a table of somebody's own: which columns they are, and what each record says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kgkt.errors import InputError, count
from kgkt.source.arrays import MAX_ID, default_ids
from kgkt.source.columns import ITEM_ID, is_list
from kgkt.source.records import Table, kind_of_value, no_column, open_table

if TYPE_CHECKING:
    import numpy as np

TEXT = "text"
IDS = (ITEM_ID, "id")  # columns that are looked for, the first that is there
CLASSES = ("y", "class", "label")
WORDS = 4  # of a value from which on it looks like text
LETTERS = 10  # the same of scripts that put no spaces between words
WANTED = "a table of texts"


@dataclass(frozen=True, slots=True)
class Columns:
    """Names of the columns of a table of texts; None: the usual ones, or none.

    Args:
        text, ids, classes: of the texts, the item ids and the classes.
    """

    text: str | None = None
    ids: str | None = None
    classes: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Texts:
    """What a table of texts holds.

    Args:
        ids: (n,) item ids.
        texts: n texts.
        classes: n classes as text; None where there is no such column, or not every record has one.
        columns: those that were read.
        notices: what was noticed, a line each.
    """

    ids: np.ndarray
    texts: list[str]
    classes: list[str] | None
    columns: Columns
    notices: list[str] = field(default_factory=list)


def read_texts(path: Path, what: str, asked: Columns, need_classes: bool = False) -> Texts:
    """Read texts from CSV, JSON Lines, a JSON array or Parquet; of other columns nothing is kept.

    Args:
        path: the file, plain or packed with gzip.
        what: it is to the user, for the messages.
        asked: columns that the user named.
        need_classes: refuse a record without a class, where there is a column of classes.

    Raises:
        InputError: a column that is not there, no column that must be that of the texts, values that are no texts, an
            id twice, everything that `open_table` refuses; with the line.
    """
    where = f"{what} {path}"

    def at(place: str, number: int) -> str:
        return f"{where}, {place} {number:,}"

    table = open_table(path, WANTED, at)
    columns = choose_columns(table, asked, where)
    assert columns.text is not None
    names = [name for name in (columns.text, columns.ids, columns.classes) if name is not None]
    seen, texts, classes, numbers = dict[str, int](), list[str](), list[str](), 0
    for number, values in table.rows(names):
        given = dict(zip(names, values, strict=True))
        here = at(table.place, number)
        text, is_number = _text(given[columns.text], columns.text, here)
        texts.append(text)
        numbers += is_number
        if columns.ids is not None:
            item = name_of(given[columns.ids], f"{here}: {columns.ids}")
            if not item or len(item) > MAX_ID or "\0" in item:
                fault = "is empty" if not item else "holds a NUL" if "\0" in item else f"has {len(item):,} characters"
                raise InputError(f"{here}: {columns.ids} {fault}; an id has 1 to {MAX_ID:,} characters")
            if item in seen:
                raise InputError(f"{here}: {columns.ids} {item!r} stands in {table.place} {seen[item]:,} already; ids "
                                 "must be unique (--id-column names another column)")
            seen[item] = number
        if columns.classes is not None:
            name = name_of(given[columns.classes], f"{here}: {columns.classes}")
            if not name and need_classes:
                raise InputError(f"{here}: the class (column {columns.classes}) is empty")
            classes.append(name)
    notices: list[str] = _noticed(where, columns, texts, numbers)
    ids = _ids(seen, len(texts))
    if columns.ids is None and texts and not need_classes:
        others = [name for name in table.columns if name != columns.text and _all_differ(table.sample[name])]
        could = f" ({', '.join(others[:5])} could be)" if others else ""
        notices.append(f"{where} has no column {ITEM_ID}: its rows are called {ids[0]}, …; --id-column names a column "
                       f"of ids{could}")
    elif columns.ids not in (None, ITEM_ID, asked.ids) and not need_classes:
        notices.append(f"{where}: the column {columns.ids} is taken for the items' ids")
    missing = sum(not name for name in classes)
    if missing and missing < len(classes):
        notices.append(f"{where}: {missing:,} of {len(classes):,} rows have no class in {columns.classes}: the classes "
                       "of the others are not taken for the truth; kgkt label --file takes them as labels")
    first = next((ids[row] for row, text in enumerate(texts) if not text.strip()), None)
    if first is not None:
        empty = sum(not text.strip() for text in texts)
        notices.append(f"{empty:,} of {len(texts):,} texts are empty, e.g. {first}")
    whole = columns.classes is not None and not missing
    return Texts(ids, texts, classes if whole else None, columns, notices)


def _ids(seen: Mapping[str, int], n: int) -> np.ndarray:
    import numpy as np

    return np.array(list(seen), dtype=str) if seen else default_ids(n)


def _noticed(where: str, columns: Columns, texts: Sequence[str], numbers: int) -> list[str]:
    """What to say of all texts together.

    Raises:
        InputError: there is not a single one.
    """
    if texts and numbers == len(texts):
        raise InputError(f"{where}: column {columns.text} holds numbers only, no texts; --text-column names another")
    if texts and not any(text.strip() for text in texts):
        raise InputError(f"{where}: column {columns.text} is empty in each of {count(len(texts), 'row')}; "
                         "--text-column names another")
    if not numbers:
        return []
    return [f"{where}: {numbers:,} of {len(texts):,} values of {columns.text} are numbers, read as texts"]


def choose_columns(table: Table, asked: Columns, where: str) -> Columns:
    """Which columns hold what: those that are asked for, else the usual names, else the only one that looks like text.

    Raises:
        InputError: one that is asked for is not there, or no column, or several, can be that of the texts.
    """
    for name, flag in ((asked.text, "--text-column"), (asked.ids, "--id-column"), (asked.classes, "--class-column")):
        if name is not None and name not in table.columns:
            raise no_column(where, name, table.columns, flag)
    ids = asked.ids or next((name for name in IDS if name in table.columns), None)
    if asked.ids is None and ids not in (None, ITEM_ID) and not _all_differ(table.sample[ids or ""]):
        ids = None
    classes = asked.classes or next((name for name in CLASSES if name in table.columns), None)
    text = asked.text or (TEXT if TEXT in table.columns else _only_text(table, (ids, classes), where))
    if classes in (text, ids):
        classes = asked.classes
    return Columns(text, ids if ids != text else asked.ids, classes)


def _only_text(table: Table, others: Iterable[str | None], where: str) -> str:
    """The one column that looks like text."""
    found = [name for name in table.columns if name not in others and looks_like_text(table.sample[name])]
    if len(found) == 1 and table.place == "line" and looks_like_text([found[0]]):
        raise InputError(f"{where}: its first line seems to be data ({found[0][:40]!r}…): name the columns there, e.g. "
                         "item_id,text")
    if len(found) == 1:
        return found[0]
    if found:
        raise InputError(f"{where} has no column {TEXT}, and {' and '.join(found)} all look like text: --text-column "
                         f"names one (it has {', '.join(table.columns)})")
    error = no_column(where, TEXT, table.columns, "--text-column")
    hint = "; a table of features goes to --features" if has_features(table) else ""
    raise InputError(f"{error}{hint}")


def has_features(table: Table) -> bool:
    """Whether a table without texts seems to be one of features: lists, or two columns of numbers or more."""
    schema = getattr(table, "schema", ())
    if any(is_list(column.type) for column in schema):
        return True
    return sum(_all_numbers(table.sample[name]) for name in table.columns) > 1


def _all_numbers(values: Sequence[Any]) -> bool:
    def is_number(value: Any) -> bool:
        try:
            float(value)
        except (TypeError, ValueError):
            return False
        return True

    return len(values) > 0 and all(is_number(value) for value in values)


def looks_like_text(values: Sequence[Any]) -> bool:
    """Whether half of the values that are not empty have several words, or are long in a script without spaces."""
    texts = [value for value in values if isinstance(value, str) and value.strip()]
    return bool(texts) and 2 * sum(_is_prose(text[:1000]) for text in texts) >= len(texts)


def _is_prose(text: str) -> bool:
    words = [word for word in text.split() if any(map(str.isalpha, word))]
    return len(words) >= WORDS or sum(sign >= "\u0e00" and sign.isalpha() for sign in text) >= LETTERS


def _all_differ(values: Sequence[Any]) -> bool:
    return all(value not in (None, "") for value in values) and len(set(map(str, values))) == len(values)


def _text(value: Any, column: str, here: str) -> tuple[str, bool]:
    """A value as text, and whether it is a number; what is missing is an empty one.

    Raises:
        InputError: a list, an object, a truth value, a NUL, half a letter.
    """
    if value is None or value != value:  # NaN, as pandas has it
        return "", False
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value), True
    if not isinstance(value, str):
        inside = f" with {', '.join(list(value)[:5])}" if isinstance(value, dict) and value else ""
        hint = ": write the text itself into the record, one column for it" if isinstance(value, dict | list) else ""
        raise InputError(f"{here}: {column} is {kind_of_value(value)}{inside}, a text is wanted{hint}")
    if "\0" in value:
        raise InputError(f"{here}: {column} holds a NUL character: take it out, it is no part of a text")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise InputError(f"{here}: {column} holds half of a letter ({value[error.start]!a}), as of a text that was "
                             "cut in the middle: write it again from its source") from error
    return value, False


def name_of(value: Any, here: str) -> str:
    """An id or a class as text; whole numbers are read as their text, what is missing is empty.

    Raises:
        InputError: a fraction, a list, an object.
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value == value and value.is_integer():
        return str(int(value))
    if isinstance(value, float) and value != value:
        return ""
    if isinstance(value, str | int):
        return str(value)
    raise InputError(f"{here} is {kind_of_value(value)}: a name or a whole number is wanted")


def columns_there(path: Path) -> list[str]:
    """Names of the columns of a table; none where it cannot be read, which its reader says better."""
    try:
        return open_table(path, WANTED, lambda place, number: f"{path}, {place} {number}").columns
    except InputError:
        return []
