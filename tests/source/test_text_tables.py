"""Texts in tables of all formats, well-behaved and broken: read, or refused with the line and what to do."""

from __future__ import annotations

import gzip
import json
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from kgkt.errors import InputError, UnsafeError
from kgkt.source.contents import data_contents
from kgkt.source.inputs import read_data, read_test
from kgkt.source.labels import read_label_file

RECORDS = [
    {"package": "zoph", "section": "web", "description": "A photo album on the web, with search"},
    {"package": "pingus", "section": "games", "description": "Guide 🐧 penguins,\nthrough a \"world\" of obstacles"},
    {"package": "0123", "section": "games", "description": "שלום עולם, this is a text in two directions"},
]
NAMES = list(RECORDS[0])


def save(path: Path, records: list[dict[str, Any]] = RECORDS) -> Path:
    """The records in the format that the suffix names."""
    plain = path.with_suffix("") if path.suffix == ".gz" else path
    if plain.suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(records), path)
        return path
    if plain.suffix in (".csv", ".tsv"):
        sign = "\t" if plain.suffix == ".tsv" else ","
        rows = [NAMES, *([record[name] for name in NAMES] for record in records)]
        text = "".join(sign.join('"' + cell.replace('"', '""') + '"' for cell in row) + "\r\n" for row in rows)
    else:
        lines = [json.dumps(record, ensure_ascii=False) for record in records]
        text = json.dumps(records, indent=2) if plain.suffix == ".json" else "\n".join(lines)
    content = text.encode()
    path.write_bytes(gzip.compress(content, mtime=0) if path.suffix == ".gz" else content)
    return path


FORMATS = ("csv", "tsv", "jsonl", "ndjson", "json", "parquet", "csv.gz", "jsonl.gz", "json.gz")


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_holds_the_same_texts(tmp_path: Path, form: str) -> None:
    path = save(tmp_path / f"pool.{form}")
    data = read_data(path, id_column="package", class_column="section")
    assert data.text == [record["description"] for record in RECORDS]
    assert (data.ids.tolist(), data.y.tolist()) == (["zoph", "pingus", "0123"], ["web", "games", "games"])
    assert (data.kind, data.notices, data.columns.text) == ("text", [], "description")
    assert data_contents(data) == data_contents(read_data(save(tmp_path / "other.jsonl"), id_column="package"))
    said = read_label_file(path, {"zoph", "pingus", "0123"}, "package", "section")
    assert [(row.item_id, row.name) for row in said.rows] == [("zoph", "web"), ("pingus", "games"), ("0123", "games")]


def write(folder: Path, name: str, content: bytes | str) -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


TABLE = "item_id,text\na,one\nb,two\n"


@pytest.mark.parametrize(("name", "content", "reason"), [
    ("p.csv", "item_id,text\na,ok\nb,café au lait\n".encode("latin-1"),
     r"line 3 is not UTF-8: byte 0xe9 in b'b,caf.xe9 au lait'. If it should read 'b,café au lait'.*"
     r"iconv -f WINDOWS-1252 -t UTF-8 .*p\.csv > utf8-p\.csv"),
    ("p.csv", b"item_id,text\na,ok\nb,\x81\n", r"line 3 is not UTF-8: byte 0x81 in .*; save the file as UTF-8"),
    ("p.csv", TABLE.encode("utf-16"), r"p\.csv is UTF-16.*iconv -f UTF-16"),
    ("p.csv", TABLE.encode("utf-16-le"), "line 1 holds a NUL byte"),
    ("p.csv", "item_id,text\na,ok\nb,x\0y\n", r"line 3 holds a NUL byte.*tr -d"),
    ("p.csv", 'item_id,text\na,ok\nb,"swallowed\n' + "c,more\n" * 1000,
     r"line 3: a quote that is opened here is never closed \(the row goes on to line 1,003\)"),
    ("p.csv", 'item_id,text\na,ok\nb,"swallowed\nc,more\nd,"good"\n', r"line 3: text follows after a closing quote .*line 5"),
    ("p.csv", "item_id,text\na,ok\nb,ok, not\n", "line 3 has 3 fields, the head of the file has 2: a text that holds"),
    ("p.csv", "item_id,text\ra,ok\rb,fine\r", "line 1: lines end with a carriage return alone"),
    ("p.csv", "text,text\na,b\n", "line 1 names two columns 'text'"),
    ("p.csv", "p1,a tool for many things here\np2,another tool for other things\n", "its first line seems to be data"),
    ("p.csv", "item_id,text\na,\nb,\n", "column text is empty in each of 2 rows; --text-column names another"),
    ("p.csv", "id,a,b\n1,one text of words,two text of words\n", "no column text, and a and b all look like text"),
    ("p.csv", "item_id,summry\na,b\nc,d\n", r"has no column text; known: item_id, summry; --text-column names another"),
    ("p.csv", "item_id,f0,f1\na,1,2\nc,3,4\n", "a table of features goes to --features"),
    ("p.csv", b"\x89PNG\r\n\x1a\n123", r"p\.csv is a PNG picture, not a table of texts"),
    ("p.csv", b"\x01\x02\xff\xfe", r"p\.csv is a binary file"),
    ("p.csv.gz", gzip.compress(b"%PDF-1.7", mtime=0), "holds a PDF document, not a table of texts"),
    ("p.csv.gz", gzip.compress(TABLE.encode(), mtime=0)[:-9], "is a damaged gzip file"),
    pytest.param("p.csv.gz", gzip.compress(b"0" * (65 << 20), mtime=0), "line 1 has more than 64 MB", id="long-line"),
    ("p.jsonl", '{"text": "one"}\n\n{"text": "two"\n', r"line 3 is not JSON \(Expecting ',' delimiter, column 15\)"),
    ("p.jsonl", '{"txt": "one"}\n{"txt": "two"}\n', "has no column text; did you mean txt"),
    ("p.jsonl", '{"text": {"en": "x"}}\n', "line 1: text is an object with en, a text is wanted: write the text itself"),
    ("p.jsonl", '{"text": ["x"]}\n', "line 1: text is a list, a text is wanted"),
    ("p.jsonl", '{"text": true}\n', "line 1: text is true or false"),
    ("p.jsonl", '{"text": 1}\n{"text": 2.5}\n', "column text holds numbers only"),
    ("p.jsonl", '{"text": "x"}\n{"text": "\\ud83d"}\n', "line 2: text holds half of a letter"),
    ("p.jsonl", '{"text": "x\\u0000y"}\n', "line 1: text holds a NUL character"),
    ("p.jsonl", '{"item_id": 1.5, "text": "x"}\n', "line 1: item_id is a number: a name or a whole number is wanted"),
    ("p.jsonl", '{"item_id": 1, "text": "x"}\n{"text": "y"}\n', "line 2: item_id is empty"),
    ("p.jsonl", '{"item_id": "a", "text": "x"}\n{"item_id": "a", "text": "y"}\n', "line 2: item_id 'a' stands in line 1 already"),
    ("p.jsonl", "[" * 100_000, "is JSON within JSON without end"),
    ("p.jsonl", "hello\n", r"is not JSON: it begins with 'hello"),
    ("p.json", '[{"text": "x"},\n {"text": "y"', r"line 2 is not JSON \(Expecting ',' delimiter\): cut off"),
    ("p.json", '[{"text": "x"}\n {"text": "y"}]', "line 2 is not JSON: a comma is missing after record 1"),
    ("p.json", '[{"text": "x"}] x', "something follows after the end of the array"),
    ("p.json", '["x", "y"]', "record 1 is a text, a record is an object"),
    ("p.json", '{\n"data": []}', "line 1 is not JSON .*: a .jsonl holds one record a line, a .json an array of records"),
    ("p.parquet", b"hello", r"p\.parquet is no Parquet file \(it begins with b'hello'\), or was cut off"),
    ("p.parquet.gz", gzip.compress(b"PAR1", mtime=0), "Parquet is packed inside: gunzip it"),
    ("p.xlsx", b"PK\x03\x04", r"no reader for \.xlsx; use .*\.jsonl"),
])  # fmt: skip
def test_tables_that_cannot_be_read_are_named_with_the_line(tmp_path: Path, name: str, content: Any, reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        read_data(write(tmp_path, name, content))


@pytest.mark.parametrize(("columns", "reason"), [
    ({"item_id": ["a", "b"], "txt": ["u", "v"]}, "has no column text; did you mean txt"),
    ({"item_id": ["a", "b"], "text": [["u"], ["v"]]}, r"column text holds list<.*string>, a text or a name is wanted"),
    ({"item_id": ["a", "b"], "text": pa.nulls(2)}, "column text is empty in each of 2 rows"),
    ({"item_id": ["a", "b"], "text": [1, 2]}, "column text holds numbers only"),
    ({"item_id": ["a", "b"], "text": [b"x", b"\xff"]}, "row 1: text is bytes that are no UTF-8"),
    ({"item_id": ["a", "b"], "emb": [[1.0], [2.0]]}, "has no column text; .*a table of features goes to --features"),
    ({"item_id": [0.5, 1.0], "text": ["u", "v"]}, "row 0: item_id is a number"),
])  # fmt: skip
def test_parquet_with_other_columns_than_wanted(tmp_path: Path, columns: dict[str, Any], reason: str) -> None:
    pq.write_table(pa.table(columns), tmp_path / "p.parquet")
    with pytest.raises(InputError, match=reason):
        read_data(tmp_path / "p.parquet")


def test_parquet_of_all_kinds_of_texts(tmp_path: Path) -> None:
    texts = pa.array(["one", None, "two", "one"])
    for column in (texts, texts.dictionary_encode(), texts.cast(pa.large_string()), texts.cast(pa.binary())):
        table = pa.table({"item_id": [7, 8, 9, 10], "text": column, "y": [0.0, 1.0, 1.0, 2.0]})
        pq.write_table(table, tmp_path / "p.parquet")
        data = read_data(tmp_path / "p.parquet")
        assert (data.text, data.ids.tolist(), data.y.tolist()) == (["one", "", "two", "one"], list("789") + ["10"], list("0112"))
        assert data.notices == ["1 of 4 texts are empty, e.g. 8"]
    cut = write(tmp_path, "cut.parquet", (tmp_path / "p.parquet").read_bytes()[:300])
    with pytest.raises(InputError, match="cannot be read as Parquet"):
        read_data(cut)


def test_values_that_are_numbers_or_missing_are_read_and_told(tmp_path: Path) -> None:
    lines = '{"item_id": 1, "text": 1984}\n{"item_id": 2, "text": "brave new world"}\n{"item_id": 3}\n{"item_id": 4, "text": null}\n'
    data = read_data(write(tmp_path, "p.jsonl", "\ufeff" + lines))
    assert (data.text, data.ids.tolist()) == (["1984", "brave new world", "", ""], list("1234"))
    assert [notice.partition("p.jsonl: ")[2] or notice for notice in data.notices] == [
        "1 of 4 values of text are numbers, read as texts", "2 of 4 texts are empty, e.g. 3"]  # fmt: skip


def test_a_line_that_names_the_separator_is_obeyed(tmp_path: Path) -> None:
    assert read_data(write(tmp_path, "p.csv", "sep=|\r\nitem_id|text\r\na|one, two; three\r\nb|four\r\n")).text == ["one, two; three", "four"]
    with pytest.raises(InputError, match="line 3 has 1 field"):
        read_data(write(tmp_path, "q.csv", "sep=;\nitem_id;text\na,b\n"))


def test_ids_and_classes_are_found_or_told(tmp_path: Path) -> None:
    data = read_data(write(tmp_path, "p.csv", "id,text,label\na,one,x\nb,two,\n"))
    assert (data.ids.tolist(), data.y) == (["a", "b"], None)
    assert "the column id is taken for the items' ids" in data.notices[0]
    assert "1 of 2 rows have no class in label" in data.notices[1]
    numbered = read_data(write(tmp_path, "q.csv", "id,text\na,one\na,two\n"))  # an id twice is none
    assert (numbered.ids.tolist(), "its rows are called i0000, …" in numbered.notices[0]) == (["i0000", "i0001"], True)
    test = read_test(write(tmp_path, "t.csv", "text,label\none,x\ntwo,y\n"))
    assert (test.y.tolist(), test.notices) == (["x", "y"], [])  # a test set needs no ids
    for flag, how in (("--text-column", {"text_column": "no"}), ("--id-column", {"id_column": "no"}),
                      ("--class-column", {"class_column": "no"})):  # fmt: skip
        with pytest.raises(InputError, match=rf"has no column no; known: text, label; {flag} names another"):
            read_data(tmp_path / "t.csv", **how)


def test_long_texts_and_awkward_ones_come_out_as_they_are(tmp_path: Path) -> None:
    long = "word " * 210_000
    awkward = ["=1+1", " spaces ", 'a "quoted" word, and a comma', "two\r\nlines", "\u202eright to left\u202c", "🏳️‍🌈 emoji", long]
    records = [{"package": str(i), "section": "s", "description": text} for i, text in enumerate(awkward)]
    for form in ("csv", "jsonl", "json", "parquet"):
        assert read_data(save(tmp_path / f"p.{form}", records), id_column="package", text_column="description").text == awkward


def test_a_column_that_begins_like_a_pickle_is_a_column(tmp_path: Path) -> None:
    path = write(tmp_path, "p.csv", "comment\ngood\nbad\n")
    assert read_data(path, text_column="comment").text == ["good", "bad"]
    with pytest.raises(UnsafeError, match="is a pickle"):
        read_data(write(tmp_path, "q.csv", b"\x80\x04\x95"))


@pytest.mark.parametrize("form", ["csv", "jsonl", "json", "parquet"])
def test_of_other_columns_nothing_is_kept(tmp_path: Path, form: str) -> None:
    other = "x" * 20_000
    records = [{"package": f"p{i}", "section": other, "description": f"text number {i}"} for i in range(1500)]
    path = save(tmp_path / f"p.{form}", records)
    assert path.stat().st_size > 20_000 * 1500 or form == "parquet"
    read_data(save(tmp_path / f"warm.{form}"), id_column="package")
    tracemalloc.start()
    data = read_data(path, id_column="package", text_column="description")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(data) == 1500
    assert peak < 18e6  # of 30 MB; the sample and a block are held


def test_label_files_are_read_by_the_same_rules(tmp_path: Path) -> None:
    known = {"a", "b", "c"}
    lines = '{"item_id": "a", "class": "x"}\n{"item_id": "b", "class": null}\n{"item_id": "c", "class": 3}\n'
    said = read_label_file(write(tmp_path, "l.jsonl", lines), known)
    assert ([(row.item_id, row.name) for row in said.rows], said.empty) == ([("a", "x"), ("c", "3")], 1)
    own = read_label_file(write(tmp_path, "m.jsonl", lines.replace("item_id", "key")), known, pool_ids="key")
    assert [row.item_id for row in own.rows] == ["a", "c"]
    for name, content, reason in (
        ("x.png", b"\x89PNG\r\n\x1a\n12", r"x\.png is a PNG picture, not a table of labels"),
        ("l.csv", 'item_id,class\na,"x\nb,y\n', r"l\.csv:2: a quote that is opened here is never closed"),
        ("l.jsonl", '{"item_id": "a", "class": "x"}\n{"item_id"\n', r"l\.jsonl:2 is not JSON"),
        ("l.jsonl", '{"item_id": "a", "class": ["x"]}\n', r"l\.jsonl:1: class is a list: a name or a whole number"),
        ("l.jsonl", '{"item_id": "a", "class": "x"}\n{"item_id": "d", "class": "x"}\n', r"l\.jsonl:2: no item 'd' in the pool"),
    ):  # fmt: skip
        with pytest.raises(InputError, match=reason):
            read_label_file(write(tmp_path, name, content), known)
    long = read_label_file(write(tmp_path, "todo.csv", f"item_id,class,text\na,x,{'y' * 300_000}\n"), known)
    assert len(long.rows) == 1


def test_values_hold_still(tmp_path: Path) -> None:
    data = read_data(save(tmp_path / "p.jsonl"), id_column="package")
    assert (data.x.shape, data.x.dtype, data.x[np.array([2])].tolist()) == ((3,), object, [RECORDS[2]["description"]])
