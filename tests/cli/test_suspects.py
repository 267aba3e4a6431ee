"""suspects: every form, the round trip through a file, what is not judged, and what cannot be asked."""

from __future__ import annotations

import csv
import io
import shutil
from pathlib import Path

import numpy as np
import pytest

import kgkt as package
from kgkt.errors import UsageError
from tests.cli.conftest import Kgkt, cwd_into, kgkt_in, write_labels
from tests.conftest import Once

COLUMNS = ["item_id", "given_label", "predicted_label", "label_score", "is_label_issue", "says_so", "uri", "text"]
FILE = ["item_id", "class", *COLUMNS[1:]]
ODD = ("i0003", "i0007")  # the two labels of a class that is too small to be judged


def spoken(truth: dict[str, str]) -> dict[str, str]:
    """Eight items of each digit with its class; every tenth of them has the next one."""
    items = [item for digit in "0123456789" for item in [i for i in truth if truth[i] == digit and i not in ODD][:8]]
    return {item: str((int(truth[item]) + (n % 10 == 3)) % 10) for n, item in enumerate(items)}


@pytest.fixture(scope="session")
def doubted_once(once: Once, populated_once: Path, truth: dict[str, str]) -> Path:
    """The populated folder with eighty labels, eight of them wrong, a class of two, and a tick; not to be changed."""

    def fill(folder: Path) -> None:
        shutil.copytree(populated_once, folder, dirs_exist_ok=True)
        rows = [*spoken(truth).items(), *((item, "odd") for item in ODD), ("i0599", "not:odd")]
        kgkt_in(folder, "label", "--file", write_labels(folder / "labels.csv", rows))

    return once("doubted", fill)


@pytest.fixture
def doubted(doubted_once: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same folder, to read in."""
    return cwd_into(monkeypatch, doubted_once)


@pytest.fixture
def own(doubted_once: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same folder, to work in."""
    shutil.copytree(doubted_once, tmp_path / "work")
    return cwd_into(monkeypatch, tmp_path / "work")


def wrong(truth: dict[str, str]) -> set[str]:
    return {item for item, name in spoken(truth).items() if name != truth[item]}


def test_json_has_the_suspects_with_the_columns_of_cleanlab(doubted: Path, kgkt: Kgkt, truth: dict[str, str]) -> None:
    done = kgkt("suspects")
    assert (done.code, done.err) == (0, "")
    told = done.json
    assert told["columns"] == COLUMNS
    rows = [dict(zip(COLUMNS, row, strict=True)) for row in told["rows"]]
    found = {row["item_id"] for row in rows}
    assert len(found & wrong(truth)) >= 6  # of eight
    assert len(found - wrong(truth)) <= 8
    assert (told["suspects"], told["judged"], told["labels"]) == (len(rows), 80, 82)
    scores = [row["label_score"] for row in rows]
    assert scores == sorted(scores)
    assert 0 <= scores[0] < scores[-1] < 0.2
    given = spoken(truth)
    for row in rows:
        assert row["is_label_issue"] is True
        assert row["given_label"] == given[row["item_id"]] != row["predicted_label"]
        assert 1 <= len(row["says_so"]) <= 3
        for one in row["says_so"]:
            assert one["class"] == row["predicted_label"] == ("odd" if one["item"] in ODD else given[one["item"]])
            assert 0 < one["share"] < 1
        assert row["uri"] is None or Path(row["uri"]).suffix == ".png"
    assert told["too_few"] == {"odd": 2}
    assert told["not_judged"] == ["labels of odd (2): a class needs 3, as one is judged by the others of its class"]


def test_shares_are_those_that_explain_tells(doubted: Path, kgkt: Kgkt) -> None:
    row = dict(zip(COLUMNS, kgkt("suspects", "-n", 1).json["rows"][0], strict=True))
    heard = {h["item"]: h for h in kgkt("explain", row["item_id"], "-n", 99).json["labels_heard"]}
    for one in row["says_so"]:
        assert heard[one["item"]]["share"] == pytest.approx(one["share"])


def test_the_table_is_for_people_and_all_has_every_label_that_is_judged(doubted: Path, kgkt: Kgkt) -> None:
    some = kgkt("suspects", "-n", 2, "--format", "table").out.splitlines()
    assert some[0].split("  ")[0] == "item"
    assert len(some) == 7
    suspects = kgkt("suspects").json["suspects"]
    assert some[4] == f"{suspects} suspects, 2 of them shown (-n, --all); 80 of 82 labels judged."
    assert some[5] == "not judged: labels of odd (2): a class needs 3, as one is judged by the others of its class"
    assert some[6] == ("You decide: the given class may be right. To correct one: kgkt label ITEM=CLASS; "
                       "several: kgkt suspects --out suspects.csv")  # fmt: skip
    every = list(csv.DictReader(io.StringIO(kgkt("suspects", "--all", "--format", "csv").out)))
    assert len(every) == 80
    assert list(every[0]) == FILE
    assert sum(row["is_label_issue"] == "true" for row in every) == suspects
    quiet = [row for row in every if row["given_label"] == row["predicted_label"]]
    assert len(quiet) > 60
    assert all(row["says_so"] == "" and float(row["label_score"]) >= 0.5 for row in quiet)


def test_a_file_is_corrected_and_taken_back(own: Path, kgkt: Kgkt, truth: dict[str, str]) -> None:
    assert kgkt("suspects", "--out", "suspects.csv").code == 0
    again = kgkt("suspects", "--out", "suspects.csv")
    assert (again.code, again.err) == (3, "kgkt: suspects.csv exists: --force replaces it\n")
    empty = kgkt("label", "--file", "suspects.csv")
    assert "holds no label" in empty.err  # nobody has decided yet
    with Path("suspects.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == FILE
    mended = [row["item_id"] for row in rows if truth[row["item_id"]] != row["given_label"]]
    for row in rows:
        row["class"] = truth[row["item_id"]] if row["item_id"] in mended else ""
    with Path("suspects.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, FILE)
        writer.writeheader()
        writer.writerows(rows)
    done = kgkt("label", "--file", "suspects.csv").json
    assert (done["labels"], done["replaced"], done["skipped"]) == (len(mended), len(mended), len(rows) - len(mended))
    left = {row[0] for row in kgkt("suspects").json["rows"]}
    assert len(left & set(mended)) <= 1
    named = kgkt("query", "MATCH (i:Item)-[:LABELLED]->(c:Class) RETURN i.item_id, c.name").json["rows"]
    assert {item: name for item, name in named if item in mended} == {item: truth[item] for item in mended}


def test_the_file_has_the_columns_that_the_recipe_names(own: Path, kgkt: Kgkt) -> None:
    Path("kgkt.toml").write_text('[teach]\nid_column = "image"\nclass_column = "digit"\n')
    kgkt("suspects", "--out", "s.csv")
    text = Path("s.csv").read_text()
    assert text.split("\n")[0].startswith("image,digit,given_label,")
    item = text.split("\n")[1].split(",")[0]
    Path("s.csv").write_text(text.replace(f"\n{item},,", f"\n{item},4,"))
    assert kgkt("label", "--file", "s.csv").json["labels"] == 1


def test_items_whose_concepts_are_off_are_counted(own: Path, kgkt: Kgkt) -> None:
    item = kgkt("suspects", "-n", 1).json["rows"][0][0]
    concepts = [c["number"] for c in kgkt("explain", item).json["concepts"]]
    for number in concepts:
        kgkt("query", "--rw", "--force", f"MATCH (c:Concept {{key: 'main/concept/{number}'}}) SET c.active = false")
    told = kgkt("suspects", "--all").json
    assert told["switched_off"] >= 1
    assert told["judged"] == 80 - told["switched_off"] - sum(n for name, n in told["too_few"].items() if name != "odd")
    assert item not in {row[0] for row in told["rows"]}
    assert f"{told['switched_off']} label" in told["not_judged"][-1]


def test_python_gives_the_same_as_a_data_frame(doubted: Path, kgkt: Kgkt) -> None:
    pd = pytest.importorskip("pandas")
    run = package.open_graph()
    done = run.suspects(3)
    assert [s.item for s in done] == [row[0] for row in kgkt("suspects", "-n", 3).json["rows"]]
    frame = run.suspects(every=True).to_pandas()
    assert isinstance(frame, pd.DataFrame)
    assert list(frame.columns) == COLUMNS
    assert frame.is_label_issue.sum() == done.issues
    assert frame.label_score.is_monotonic_increasing
    assert "<th>given_label</th>" in done._repr_html_()
    with pytest.raises(UsageError, match="say how many"):
        run.suspects(3, every=True)


@pytest.mark.parametrize(("labels", "says"), [
    ([], "nothing is labelled yet"),
    ([("i0000", "a")], "only class a has labels (1)"),
    ([(f"i{n:04d}", "a") for n in range(12)], "only class a has labels (12)"),
    ([(f"i{n:04d}", "abcde"[n % 5]) for n in range(10)], "no class has 3 labels, and a has most, 2"),
])  # fmt: skip
def test_labels_that_cannot_be_judged(
    populated: Path, kgkt: Kgkt, labels: list[tuple[str, str]], says: str
) -> None:
    if labels:
        kgkt("label", *(f"{item}={name}" for item, name in labels))
    done = kgkt("suspects", "--out", "s.csv")
    assert (done.code, done.out) == (3, "")
    assert says in done.err
    assert not Path("s.csv").exists()


@pytest.mark.parametrize(("arguments", "code", "says"), [
    (("-n", "0"), 2, "-n must be at least 1, received 0"),
    (("-n", "3", "--all"), 2, "say how many (-n), or --all"),
    (("--out", "nowhere/s.csv"), 3, "nowhere"),
    (("--format", "yaml"), 2, "--format 'yaml'"),
    (("--graph", "mian"), 3, "no graph mian in kgkt-run; did you mean main?"),
])  # fmt: skip
def test_what_cannot_be_asked(doubted: Path, kgkt: Kgkt, arguments: tuple[str, ...], code: int, says: str) -> None:
    done = kgkt("suspects", *arguments)
    assert (done.code, done.out) == (code, "")
    assert says in done.err


def test_of_two_graphs_one_must_be_named(own: Path, kgkt: Kgkt) -> None:
    np.savez("f.npz", emb=np.random.default_rng(0).normal(size=(60, 4)).astype(np.float32))
    kgkt("populate", "--features", "f.npz", "--graph", "other")
    done = kgkt("suspects")
    assert (done.code, done.err) == (3, "kgkt: kgkt-run holds 2 graphs (main, other): say --graph NAME\n")
    assert kgkt("suspects", "--graph", "main").json["judged"] == 80


def test_a_copy_in_neo4j_has_the_same_suspects_and_the_same_effect_of_edits(
    own: Path, kgkt: Kgkt, neo4j_url: str
) -> None:
    there = ("--store", neo4j_url)
    assert kgkt("export", "--to", neo4j_url).code == 0
    rows = kgkt("suspects", "--all").json["rows"]
    copied = kgkt("suspects", "--all", *there).json["rows"]
    assert [(row[0], row[2], row[4]) for row in copied] == [(row[0], row[2], row[4]) for row in rows]
    assert [row[3] for row in copied] == pytest.approx([row[3] for row in rows], abs=1e-6)
    item, given, expected = rows[0][:3]
    for verb in (("merge", "4", "9"), ("switch", "off", "--concept", "4"), ("label", f"{item}={expected}")):
        here, far = kgkt(*verb).json["effect"], kgkt(*verb, *there).json["effect"]
        assert far["now"] == here["now"]
    left = [row[0] for row in kgkt("suspects", *there).json["rows"]]
    assert left == [row[0] for row in kgkt("suspects").json["rows"]]
    assert item not in left or given == expected


def test_texts_stand_beside_their_labels() -> None:
    from kgkt.transfer.suspects import Suspect
    from kgkt.verbs.suspects import Suspects

    done = Suspects((Suspect("t1", "a", "b", 0.1, True, (), None, "one, \"two\""),), 1, 1, 1, {}, 0, 0)
    assert done.rows() == [("t1", "a", "b", 0.1, True, [], None, "one, \"two\"")]
    assert done.file_rows() == ((*FILE,), [("t1", None, "a", "b", 0.1, "true", "", None, "one, \"two\"")])
