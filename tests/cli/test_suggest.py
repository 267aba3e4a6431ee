"""suggest: second items, doubtful items, tasks for Label Studio and back, contact sheets; what is refused."""

from __future__ import annotations

import csv
import json
import shutil
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlparse

import numpy as np
import pytest
from PIL import Image

import kgkt as package
from kgkt.errors import InputError
from tests.cli.conftest import Kgkt, cwd_into, write_labels


@pytest.fixture
def work(taught_once: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder with twenty labels and a fresh answer of the teacher, to work in."""
    shutil.copytree(taught_once, tmp_path / "work")
    return cwd_into(monkeypatch, tmp_path / "work")


def labelled_items() -> set[str]:
    return {row["item_id"] for row in rows_of("labels.csv")}


def rows_of(name: str) -> list[dict[str, str]]:
    with Path(name).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def annotated(tasks: Path, truth: dict[str, str], export: Path) -> None:
    """Play the annotator: every task gets its class but the last, which is skipped; as Label Studio's JSON holds it."""
    found = []
    for number, task in enumerate(json.loads(tasks.read_text()), 1):
        says = truth[task["data"]["item_id"]]
        result = [{"id": "q", "type": "choices", "from_name": "class", "to_name": "item", "origin": "manual",
                   "value": {"choices": [says]}}]  # fmt: skip
        one = {"id": number, "completed_by": 1, "result": result, "was_cancelled": False, "ground_truth": False,
               "created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:00Z", "task": number}  # fmt: skip
        found.append({"id": number, "data": task["data"], "annotations": [one], "predictions": [], "project": 1})
    found[-1]["annotations"][0] |= {"was_cancelled": True, "result": []}
    export.write_text(json.dumps(found))


def test_the_whole_way_through_label_studio_to_second_items(work: Path, kgkt: Kgkt, truth: dict[str, str]) -> None:
    before = labelled_items()
    done = kgkt("suggest", "-n", 45, "--format", "label-studio", "--out", "tasks.json")
    assert done.code == 0, done.err
    assert "They speak for" not in done.out
    assert "The first 40 speak for" in done.out
    assert "Tasks and labelling interface: tasks.json, tasks.xml; then: kgkt label --file export.json" in done.out
    tasks = json.loads((work / "tasks.json").read_text())
    items = [task["data"]["item_id"] for task in tasks]
    assert len(set(items) | before) == 65
    interface = ET.parse(work / "tasks.xml").getroot()
    image, choices = interface
    assert (image.tag, image.get("value"), choices.get("toName"), choices.get("choice")) == (
        "Image", "$image", image.get("name"), "single")  # fmt: skip
    assert [choice.get("value") for choice in choices] == [str(n) for n in range(10)]
    root = work / "kgkt-run" / "main"
    assert f"LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT={root}," in done.err
    answers = {row["item_id"]: row for row in rows_of("items.csv")}
    for task in tasks:  # all 45 have a picture, and what `propagate` said
        address = urlparse(task["data"]["image"])
        assert address.path == "/data/local-files/"
        assert (root / parse_qs(address.query)["d"][0]).is_file()
        (prediction,) = task["predictions"]
        (result,) = prediction["result"]
        assert (result["from_name"], result["to_name"]) == (choices.get("name"), image.get("name"))
        answer = answers[task["data"]["item_id"]]
        assert (result["value"]["choices"], prediction["score"]) == ([answer["class"]], pytest.approx(float(answer["mass"]), abs=1e-5))
        assert prediction["model_version"].startswith("kgkt, graph main, propagate 20")

    assert "tasks.json holds 45 tasks without annotations" in kgkt("label", "--file", "tasks.json").err
    annotated(work / "tasks.json", truth, work / "export.json")
    back = kgkt("label", "--file", "export.json", "--format", "table")
    skipped = "1 row without a class skipped, 1 of them by the annotators"
    assert back.out.startswith(f"44 labels; 10 classes now.  {skipped}.   next: kgkt propagate\n")
    assert kgkt("label", "--file", "export.json").json["known_file"]

    stale = kgkt("suggest", "-n", 8)
    assert stale.json["mixed_by"] == "memberships"
    assert "changed since propagate: the graph; so memberships say which concepts are mixed" in stale.err
    assert kgkt("propagate").code == 0
    known = before | set(items[:-1])
    more = kgkt("suggest", "-n", 30)
    assert (more.json["mixed_by"], more.json["second"], more.json["speak_for"], more.err) == ("targets", 30, 0, "")
    asked = [row[0] for row in more.json["rows"]]
    assert len(set(asked)) == 30
    assert not known & set(asked)
    assert [row[0] for row in kgkt("suggest", "-n", 7).json["rows"]] == asked[:7]
    assert more.json["rows"][0][4].startswith(("1 before it; ", "2 before it; "))
    table = kgkt("suggest", "-n", 3, "--format", "table").out
    assert "Every active concept has a label: these are of the largest and most mixed concepts, by the teacher's targets." in table
    # the items that the teacher calls wrongly stand among the first far more often than one in fifty, as in the pool
    wrong = {row["item_id"] for row in rows_of("items.csv") if row["class"] != truth[row["item_id"]]}
    assert len(wrong & set(asked)) / 30 > 3 * len(wrong - known) / (600 - len(known))


def test_second_items_follow_the_first_where_there_are_too_few_concepts(populated: Path, kgkt: Kgkt) -> None:
    many = kgkt("suggest", "-n", 66)
    rows = [row[0] for row in many.json["rows"]]
    assert (len(set(rows)), many.json["second"], many.json["mixed_by"]) == (66, 6, "memberships")
    assert "propagate has not run yet; so memberships say which concepts are mixed" in many.err
    assert many.json["speak_for"] <= 600
    first = kgkt("suggest", "-n", 60)
    assert ([row[0] for row in first.json["rows"]], first.json["second"], first.json["mixed_by"], first.err) == (rows[:60], 0, None, "")
    assert kgkt("suggest", "-n", 62, "--show", "todo").code == 0
    assert len(list((populated / "todo").iterdir())) == 62  # second items have pictures too
    assert "todo is not empty: --force writes into it" in kgkt("suggest", "--show", "todo").err
    write_labels(populated / "all.csv", [(f"i{n:04d}", "x") for n in range(600)])
    assert kgkt("label", "--file", "all.csv").code == 0
    assert "every item of an active concept has a label already: nothing is left to ask" in kgkt("suggest").err
    kgkt("query", "--rw", "--force", "MATCH (c:Concept) SET c.active = false")
    none = kgkt("suggest")
    assert (none.code, "no concept is active: there is nothing to label" in none.err) == (3, True)


def test_doubt_asks_where_two_classes_are_level_one_a_concept(work: Path, kgkt: Kgkt) -> None:
    done = kgkt("suggest", "-n", 30, "--doubt")
    assert "on a long-tailed pool that was 8 points worse than labels drawn at random" in done.err
    rows = done.json["rows"]
    assert len({row[1] for row in rows}) == 30
    assert not labelled_items() & {row[0] for row in rows}
    masses = [[float(part.rsplit(" ", 1)[1]) for part in row[4].partition(": ")[2].split(", ")] for row in rows]
    told = [float(row[4].split()[1].rstrip(":")) for row in rows]
    assert told == sorted(told)
    assert all(abs(a - b - m) < 0.011 for (a, b), m in zip(masses, told, strict=True))
    everyone = kgkt("suggest", "-n", 200, "--doubt").json["rows"]
    assert [row[0] for row in everyone][:30] == [row[0] for row in rows]
    assert kgkt("label", f"{rows[0][0]}=3").code == 0
    stale = kgkt("suggest", "--doubt")
    assert (stale.code, stale.err) == (3, "kgkt: --doubt needs the teacher's answer, and changed since propagate: the graph: "
                                          "run kgkt propagate first\n")  # fmt: skip


def test_a_sheet_shows_each_item_beside_its_concept(work: Path, kgkt: Kgkt) -> None:
    done = kgkt("suggest", "-n", 1, "--sheet", "one.png")
    assert done.json["files"] == ["one.png"]
    with Image.open("one.png") as one, Image.open(done.json["rows"][0][5]) as thumb:
        assert one.size == (550, 160)
        drawn = np.asarray(one.convert("L"))[16:144, 16:144]  # 8 x 8 pixels, each grown sixteenfold
        kept = np.asarray(thumb.convert("L").resize((8, 8), Image.Resampling.NEAREST), int)
        assert np.abs(drawn[8::16, 8::16].astype(int) - kept).max() <= 40  # the two stretch their greys each by itself
        assert np.ptp(drawn.reshape(8, 16, 8, 16), axis=(1, 3)).max() == 0
        beside = np.asarray(one.convert("L"))[61:133, 160:]
        assert all((beside[:, 78 * place + 4 : 78 * place + 68] < 60).any() for place in range(5))
    many = kgkt("suggest", "-n", 41, "--sheet", "many.png", "--format", "table")
    assert "The sheet: many.png, many-2.png, many-3.png." in many.out
    sizes = []
    for page in ("many.png", "many-2.png", "many-3.png"):
        with Image.open(page) as picture:
            sizes.append(picture.size)
    assert sizes == [(1100, 1600), (1100, 1600), (550, 160)]
    assert "many.png exists: --force replaces it" in kgkt("suggest", "--sheet", "many.png").err
    Path("many.png").unlink()
    assert "many-2.png exists: --force replaces it" in kgkt("suggest", "-n", 3, "--sheet", "many.png").err
    shorter = kgkt("suggest", "-n", 3, "--sheet", "many.png", "--force")
    assert "many-3.png is a page of an earlier sheet" in shorter.err
    Path("kgkt.toml").write_text('[source]\ndata = "moved.npz"\n')
    gone = kgkt("suggest", "--sheet", "gone.png")
    assert (gone.code, "nothing can be drawn: the pool" in gone.err, Path("gone.png").exists()) == (3, True, False)
    tasks = kgkt("suggest", "-n", 45, "--format", "label-studio", "--out", "t.json")
    assert tasks.code == 0
    assert "items left out: no image of" in tasks.err  # second items, of which no picture was kept


def test_texts_and_bare_features(home: Path, kgkt: Kgkt) -> None:
    rng = np.random.default_rng(0)
    ids = [f"t{n}" for n in range(60)]
    np.savez("v.npz", emb=rng.normal(size=(60, 6)).astype(np.float32), item_id=np.array(ids))
    with Path("texts.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("item_id", "text"), *((item, f"Line one of {item},\n<b>line two</b>") for item in ids)])
    assert kgkt("populate", "--features", "v.npz", "--data", "texts.csv").code == 0
    refused = kgkt("suggest", "--sheet", "s.png")
    assert (refused.code, refused.err) == (3, "kgkt: a sheet of texts is of no use: kgkt suggest --out todo.csv lists them, with their texts\n")
    assert kgkt("suggest", "-n", 2, "--out", "todo.csv").code == 0
    rows = rows_of("todo.csv")
    assert [row["text"] for row in rows] == [f"Line one of {row['item_id']}, <b>line two</b>" for row in rows]
    done = kgkt("suggest", "-n", 2, "--out", "tasks.json", "--format", "label-studio")
    assert 'takes no interface without: write <Choice value="NAME"/> for each into tasks.xml, or name them' in done.err
    tasks = json.loads(Path("tasks.json").read_text())
    assert [task["data"]["text"] for task in tasks] == [f"Line one of {row['item_id']},\n<b>line two</b>" for row in rows]
    assert ("predictions" in tasks[0], ET.parse("tasks.xml").getroot()[0].attrib) == (False, {"name": "item", "value": "$text"})
    assert kgkt("label", f"{ids[0]}=a & \"b\" <c>").code == kgkt("propagate").code == 0
    assert "--doubt needs two classes, the graph has one: a & " in kgkt("suggest", "--doubt").err
    assert kgkt("suggest", "-n", 2, "--out", "tasks.json", "--format", "label-studio", "--force").code == 0
    assert [choice.get("value") for choice in ET.parse("tasks.xml").getroot()[1]] == ['a & "b" <c>']
    assert kgkt("label", f"{ids[1]}=bell \x07").code == 0
    bell = kgkt("suggest", "-n", 2, "--out", "t.json", "--format", "label-studio")
    assert (bell.code, r"holds '\x07', which XML cannot: rename it" in bell.err, Path("t.json").exists()) == (3, True, False)

    assert kgkt("populate", "--features", "v.npz", "--graph", "bare").code == 0
    assert "nothing can be drawn: the graph was made from features alone" in kgkt("suggest", "--graph", "bare", "--sheet", "s.png").err
    bare = kgkt("suggest", "-n", 2, "--graph", "bare", "--out", "bare.json", "--format", "label-studio")
    assert "no picture or text is at hand: the tasks show the ids of the items" in bare.err
    assert ET.parse("bare.xml").getroot()[0].get("value") == "$item_id"
    assert all(task["data"]["item_id"] in ids for task in json.loads(Path("bare.json").read_text()))


@pytest.mark.parametrize(("arguments", "code", "reason"), [
    (["--format", "xlsx"], 2, "--format 'xlsx'; known: table, json, csv, label-studio"),
    (["--format", "label-studio"], 2, "--format label-studio needs --out tasks.json"),
    (["--format", "label-studio", "--out", "t.xml"], 2, "--out t.xml: call the tasks .json"),
    (["--format", "label-studio", "--out", "."], 3, ". is a folder; name a file"),
    (["--format", "label-studio", "--out", "b.json"], 3, "b.xml exists: --force replaces it"),
    (["--sheet", "."], 3, ". is a folder; name a file"),
    (["--sheet", "nowhere/s.png"], 3, "there is no folder"),
    (["--doubt"], 3, "--doubt needs the teacher's answer, and propagate has not run yet: run kgkt propagate first"),
])  # fmt: skip
def test_what_suggest_refuses(labelled: Path, kgkt: Kgkt, arguments: list[str], code: int, reason: str) -> None:
    Path("b.xml").touch()
    files = sorted(labelled.iterdir())
    done = kgkt("suggest", *arguments)
    assert (done.code, reason in done.err) == (code, True), done.err
    assert sorted(labelled.iterdir()) == files


def test_pictures_that_other_tools_name(populated: Path, kgkt: Kgkt) -> None:
    Path("fiftyone.csv").write_text("filepath,ground_truth.label\n/data/pool/i0003.png,a\n/data/pool/i0004.png,b\n/data/pool/i0005.png,\n")
    done = kgkt("label", "--file", "fiftyone.csv")
    assert (done.code, done.json["labels"], done.json["skipped"], done.json["cancelled"]) == (0, 2, 1, 0)
    rows = kgkt("query", "labels").json["rows"]
    assert {(row[0], row[1]) for row in rows} == {("i0003", "a"), ("i0004", "b")}
    folder = kgkt("label", "--file", "kgkt-run")
    assert (folder.code, "cannot be read: Is a directory" in folder.err) == (3, True)


def test_from_python(work: Path) -> None:
    notices: list[str] = []
    run = package.open_graph(dir="kgkt-run", say=notices.append)
    found = run.suggest(3, "tasks.json", form="label-studio", sheet="sheet.png")
    assert found.files == ("tasks.json", "tasks.xml", "sheet.png")
    assert all(item.leans_to[0][1] >= item.leans_to[1][1] for item in found)
    doubtful: Any = run.suggest(3, doubt=True)
    assert [item.why.startswith("margin ") for item in doubtful] == [True] * 3
    with pytest.raises(package.errors.UsageError, match="format 'xml'; known: csv, label-studio"):
        run.suggest(3, form="xml")
    with pytest.raises(InputError, match="exists: --force replaces it"):
        run.suggest(3, "tasks.json", form="label-studio")
