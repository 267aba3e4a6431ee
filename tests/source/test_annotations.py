"""Label files of tools that people have: Label Studio's exports, tables of pictures' names, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from kgkt.errors import InputError
from kgkt.source.labels import LabelFile, read_label_file

KNOWN = frozenset(f"i{number:04d}" for number in range(8))


def annotation(says: str | list[str] | None, by: Any = 1, at: str = "2026-01-01T00:00:00Z", **more: Any) -> dict[str, Any]:
    """As Label Studio's JSON holds it."""
    chosen = [] if says is None else [says] if isinstance(says, str) else says
    result = [{"id": "x", "type": "choices", "from_name": "class", "to_name": "item", "origin": "manual",
               "value": {"choices": chosen}}] if says is not None else []  # fmt: skip
    return {"id": 7, "completed_by": by, "result": result, "was_cancelled": False, "ground_truth": False,
            "created_at": at, "updated_at": at, "lead_time": 1.5, "result_count": len(result), "task": 1, **more}  # fmt: skip


def task(number: int, *annotations: dict[str, Any], **data: Any) -> dict[str, Any]:
    data = data or {"item_id": f"i{number:04d}", "image": "/data/upload/1/aabbccdd-x.png", "concept": 3}
    return {"id": 100 + number, "data": data, "annotations": list(annotations), "predictions": [], "project": 5}


def read(folder: Path, content: Any, *columns: str, name: str = "export.json") -> LabelFile:
    path = folder / name
    path.write_text(content if isinstance(content, str) else json.dumps(content, ensure_ascii=False), encoding="utf-8")
    return read_label_file(path, KNOWN, *columns)


def said(found: LabelFile) -> list[tuple[str, str, bool]]:
    return [(row.item_id, row.name, row.tick) for row in found.rows]


def refusal(folder: Path, content: Any, *columns: str, name: str = "export.json") -> str:
    with pytest.raises(InputError) as error:
        read(folder, content, *columns, name=name)
    return str(error.value).replace(str(folder / name), name)


def test_json_gives_choices_and_counts_what_was_left_or_skipped(tmp_path: Path) -> None:
    tasks = [task(0, annotation("cat")), task(1, annotation("not:dog")), task(2, annotation(None)), task(3),
             task(4, annotation("cat", was_cancelled=True)),
             task(5, annotation("dog", was_cancelled=True), annotation("cat", by=2))]  # fmt: skip
    found = read(tmp_path, tasks)
    assert said(found) == [("i0000", "cat", False), ("i0001", "dog", True), ("i0005", "cat", False)]
    assert (found.empty, found.skipped) == (3, 1)
    assert found.rows[0].where.endswith("export.json, task 100")
    assert said(read(tmp_path, tasks[0], name="export")) == [("i0000", "cat", False)]  # one task, by its content


def test_json_min_gives_choices(tmp_path: Path) -> None:
    flat = {"image": "x.png", "annotator": 1, "created_at": "a", "updated_at": "b", "lead_time": 1.0}
    tasks = [{**flat, "id": 1, "item_id": "i0000", "class": "cat", "annotation_id": 5},
             {**flat, "id": 2, "item_id": "i0001", "class": {"choices": ["dog"]}, "annotation_id": 6},
             {**flat, "id": 3, "item_id": "i0002", "annotation_id": None}]  # fmt: skip
    found = read(tmp_path, tasks)
    assert (said(found), found.empty, found.skipped) == ([("i0000", "cat", False), ("i0001", "dog", False)], 1, 0)
    renamed = [{("choice" if key == "class" else key): value for key, value in one.items()} for one in tasks]
    assert said(read(tmp_path, renamed)) == said(found)  # the name of Label Studio's own template
    other = [{("kind" if key == "class" else key): value for key, value in one.items()} for one in tasks]
    assert said(read(tmp_path, other, "item_id", "kind")) == said(found)
    assert "has no choice class; known: image, item_id, kind; --class-column names the control" in refusal(tmp_path, other)
    differ = [tasks[0], {**tasks[0], "class": "dog", "annotator": 2, "annotation_id": 9}]
    assert "annotators differ on 1 item, first i0000 ('cat' by 1, 'dog' by 2)" in refusal(tmp_path, differ)


def test_of_one_annotator_the_newest_counts_and_the_truth_goes_before_all(tmp_path: Path) -> None:
    older, newer = annotation("cat", at="2026-01-01T00:00:00Z"), annotation("dog", at="2026-01-02T00:00:00Z")
    for order in ((older, newer), (newer, older)):
        assert said(read(tmp_path, [task(0, *order)])) == [("i0000", "dog", False)]
    other = annotation("cat", by={"id": 2, "email": "b@example.org"})
    agreed = [task(0, other, annotation("cat"))]
    assert said(read(tmp_path, agreed)) == [("i0000", "cat", False)]
    assert refusal(tmp_path, [task(0, newer, other), task(1, newer, other)]) == (
        "export.json: annotators differ on 2 items, first i0000 ('dog' by 1, 'cat' by b@example.org): delete one of the "
        "annotations, or mark one as ground truth, and export again")
    assert said(read(tmp_path, [task(0, newer, {**other, "ground_truth": True})])) == [("i0000", "cat", False)]


def test_the_only_control_is_taken_and_several_are_asked_for(tmp_path: Path) -> None:
    def named(name: str, says: str) -> dict[str, Any]:
        return {**annotation(says)["result"][0], "from_name": name}

    one = [task(0, annotation(None, result=[named("kind", "cat")]))]
    assert said(read(tmp_path, one)) == [("i0000", "cat", False)]
    two = [task(0, annotation(None, result=[named("kind", "cat"), named("mood", "good")]))]
    assert "has choices of kind, mood, none of class: --class-column names the one" in refusal(tmp_path, two)
    assert said(read(tmp_path, two, "item_id", "mood")) == [("i0000", "good", False)]


@pytest.mark.parametrize(("content", "reason"), [
    ([], "export.json holds no task: the project it was exported from is empty"),
    (" ", "export.json:1 is not JSON (Expecting value, column 2): cut off, or edited by hand?"),
    ('[{"id": 1,\n "data": {"item_id": "i00', "export.json:2 is not JSON (Unterminated string starting at, column 22)"),
    ("[" * 100_000, "export.json is JSON within JSON without end"),
    ([3], "export.json: entry 1 is a number, a task of Label Studio is an object"),
    ([{"data": {"item_id": "i0000"}, "predictions": []}], "export.json holds 1 task without annotations, as they were before"),
    ([task(0), task(1, annotation("x", was_cancelled=True))],
     "export.json holds no label (2 tasks, no class chosen, 1 skipped by the annotators): label them first"),
    ([task(0, annotation("cat"), text="hello", url="u")],
     "export.json, task 100 has no item_id (it has text, url): an export of another project? The tasks that kgkt suggest"),
    ([task(0, annotation("cat"), item_id="i9999")], "export.json: no item 'i9999' in the pool, nor any other of its 1 labelled item"),
    ([task(0, annotation("cat")), task(1, annotation("cat"), item_id="i9999")], "export.json, task 101: no item 'i9999' in the pool"),
    ([task(0, annotation(["cat", "dog"]))], "export.json, task 100 has 2 choices (cat, dog): an item has one class"),
    ([task(0, annotation([["Animal", "Cat"]]))], 'export.json, task 100: the choice is [["Animal", "Cat"]], a class is a text'),  # type: ignore[list-item]
    ([task(0, annotation(None, result=[{"type": "rectanglelabels", "from_name": "box", "value": {"x": 1}}]))],
     "export.json: nobody chose a class: the annotations are rectanglelabels, kgkt reads choices"),
    ([{"id": 4, "annotations": [annotation("cat")]}], "export.json, task 4 has no data (id, annotations)"),
    ([{"id": 4, "data": {"item_id": "i0000"}, "annotations": {"a": 1}}], "export.json, task 4: its annotations are an object"),
    ([{"id": 4, "data": {"item_id": "i0000"}, "annotations": [17]}], "export.json, task 4: its annotations are a list of a number"),
    ([{"id": 4, "data": {"item_id": "i0000"}, "annotations": [{"result": "x"}]}], "export.json, task 4: the result of an annotation is a text"),
])  # fmt: skip
def test_exports_that_cannot_be_used(tmp_path: Path, content: Any, reason: str) -> None:
    assert refusal(tmp_path, content).startswith(reason)


def test_files_of_another_kind(tmp_path: Path) -> None:
    xml = refusal(tmp_path, '<?xml version="1.0"?>\n<annotations/>', name="annotations.xml")
    assert xml.startswith("annotations.xml is XML or HTML; kgkt reads CSV, JSON, Parquet and Label Studio's JSON. Of CVAT's")
    (tmp_path / "export.zip").write_bytes(b"PK\x03\x04rest")
    with pytest.raises(InputError, match=r"export\.zip is a zip archive .*, not a table of labels"):
        read_label_file(tmp_path / "export.zip", KNOWN)
    with pytest.raises(InputError, match=r"cannot be read: Is a directory"):
        read_label_file(tmp_path, KNOWN)


PICTURES = frozenset({"cats/1.png", "dogs/1.png", "cats/2.png", "mice/grey/3.JPG", "4.jpg", "i0005", "Ä b.png"})


def table(folder: Path, text: str, known: frozenset[str] = PICTURES, *columns: str) -> list[tuple[str, str]]:
    (folder / "labels.csv").write_text(text, encoding="utf-8")
    return [(row.item_id, row.name) for row in read_label_file(folder / "labels.csv", known, *columns).rows]


@pytest.mark.parametrize(("written", "meant"), [
    ("cats/1.png", "cats/1.png"), ("/home/me/pool/dogs/1.png", "dogs/1.png"), ("C:\\pool\\dogs\\1.png", "dogs/1.png"),
    ("2.png", "cats/2.png"), ("cats/2", "cats/2.png"), ("grey/3.JPG", "mice/grey/3.JPG"), ("/any/where/4.jpg", "4.jpg"),
    ("i0005.png", "i0005"), ("/run/main/exemplars/i0005.png", "i0005"), ("todo/012-i0005.png", "i0005"),
    ("/data/upload/3/0a1b2c3d-2.png", "cats/2.png"), ("/data/local-files/?d=pool/cats/1.png", "cats/1.png"),
    ("https://example.org/pool/%C3%84%20b.png?v=2", "Ä b.png"), ("./cats/2.png", "cats/2.png"),
])  # fmt: skip
def test_pictures_are_found_by_path_and_name(tmp_path: Path, written: str, meant: str) -> None:
    assert table(tmp_path, f"filepath,ground_truth.label\n{written},a\n") == [(meant, "a")]


def test_small_pictures_of_kgkt_are_found_whatever_the_id_is_like(tmp_path: Path) -> None:
    from kgkt.source.thumbs import safe_name

    names = f"image,label\n{safe_name('cats/1.png')},a\n001-{safe_name('Ä b.png')},b\n"
    assert table(tmp_path, names) == [("cats/1.png", "a"), ("Ä b.png", "b")]


@pytest.mark.parametrize(("written", "reason"), [
    ("1.png", r"labels\.csv:2: '1\.png' can be (cats|dogs)/1\.png or (cats|dogs)/1\.png: write the path below"),
    ("rats/2.png", r"labels\.csv:2: no item 'rats/2\.png' in the pool; did you mean cats/2\.png"),
    ("2.jpg", r"labels\.csv:2: no item '2\.jpg' in the pool"),
])  # fmt: skip
def test_names_that_mean_no_picture_or_several(tmp_path: Path, written: str, reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        table(tmp_path, f"filepath,label\n{written},a\n")


def test_columns_as_other_tools_call_them(tmp_path: Path) -> None:
    assert table(tmp_path, "image_name;label\n2.png;a\n") == [("cats/2.png", "a")]
    csv_of_label_studio = "annotation_id,annotator,choice,created_at,id,image,item_id\n5,1,a,x,9,/data/upload/1/y.png,i0005\n"
    assert table(tmp_path, csv_of_label_studio) == [("i0005", "a")]
    assert table(tmp_path, "item_id,filepath,class,label\ni0005,2.png,a,b\n") == [("i0005", "a")]  # kgkt's own go first
    assert table(tmp_path, "what,2.png\n2.png,a\n", PICTURES, "what", "2.png") == [("cats/2.png", "a")]
    with pytest.raises(InputError, match=r"has the columns truth\.label and guess\.label: --class-column names the one"):
        table(tmp_path, "filepath,truth.label,guess.label\n2.png,a,b\n")
    with pytest.raises(InputError, match=r"labels\.csv:1 has no column item_id; known: photo, label; --id-column names"):
        table(tmp_path, "photo,label\n2.png,a\n")
    export = [task(0, annotation("cat"), image="/data/upload/1/aabbccdd-i0003.png")]
    assert said(read(tmp_path, export, "image")) == [("i0003", "cat", False)]
