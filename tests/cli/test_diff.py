"""kgkt diff: what of A's concepts is in B, or in another graph of the pool."""

from __future__ import annotations

import csv
import io
import json
import shutil
from collections import Counter
from pathlib import Path

import pytest

import kgkt as library
from kgkt.errors import InputError, UsageError
from tests.cli.conftest import Kgkt, cwd_into, kgkt_in
from tests.conftest import Once

MADE = ("populate", "--model", "a.keras", "--layers", "mid,emb", "--data", "pool.npz")
ARRIVED = "MATCH (c:Concept)-[r:ARRIVED_IN]->(m:Model) RETURN c.key AS key, m.name AS model, r.verdict AS verdict"
BETWEEN = ("MATCH (c:Concept)-[r:CORRESPONDS_TO]->(d:Concept) RETURN c.graph AS a, d.graph AS b, c.key AS key, "
           "r.verdict AS verdict, r.overlap AS overlap, r.new AS new, d.key AS other")  # fmt: skip


@pytest.fixture(scope="session")
def two_once(once: Once, populated_once: Path) -> Path:
    """The populated folder with a second graph of the same pool, of another seed; not to be changed."""

    def fill(folder: Path) -> None:
        shutil.copytree(populated_once, folder, dirs_exist_ok=True)
        kgkt_in(folder, *MADE, "--graph", "other", "--seed", 5)

    return once("two-to-compare", fill)


@pytest.fixture
def two(two_once: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same folder, to work in."""
    shutil.copytree(two_once, tmp_path / "work")
    return cwd_into(monkeypatch, tmp_path / "work")


def test_a_knows_its_own_concepts_and_an_untrained_b_does_not(populated: Path, kgkt: Kgkt) -> None:
    untrained = kgkt("diff", "--target", "b.keras").json
    assert untrained["model"]
    assert (untrained["graph"], untrained["other"]) == ("main", "b")
    assert abs(untrained["figures"]["position"]) < 0.35
    shutil.copy("a.keras", "knows.keras")
    knows = kgkt("diff", "--target", "knows.keras").json  # its last hidden layer is one of the two that made the graph
    assert knows["figures"]["position"] > 0.6
    assert knows["verdicts"]["arrived"] > 3 * untrained["verdicts"].get("arrived", 0)
    k = sum(n for word, n in knows["verdicts"].items() if word != "new")
    rows = [dict(zip(knows["columns"], row, strict=True)) for row in knows["rows"]]
    known = [row for row in rows if row["verdict"] != "new"]
    assert len(known) == k == len({row["key"] for row in known})
    assert all(0 <= row["kept"] <= 1 and len(row["examples"]) for row in known)
    assert [row["position"] for row in known if row["position"] is not None] == sorted(
        row["position"] for row in known if row["position"] is not None)  # fmt: skip
    # the graph says the same, of each B
    said = kgkt("query", ARRIVED).json
    assert said["columns"] == ["key", "model", "verdict"]
    assert Counter(row[1] for row in said["rows"]) == {"b": k, "knows": k}
    by_key = {row["key"]: row["verdict"] for row in known}
    assert {row[0]: row[2] for row in said["rows"] if row[1] == "knows"} == by_key
    lost = kgkt("query", "lost", "--param", "into=b").json["rows"]
    assert len(lost) == untrained["verdicts"]["lost"]
    assert {row[3] for row in lost} == {"b"}
    assert len(kgkt("query", "arrived", "--param", "into=knows").json["rows"]) == knows["verdicts"]["arrived"]
    # what is lost can be asked for
    keys = {row[0] for row in lost}
    asked = kgkt("suggest", "--within", "lost", "--param", "into=b", "-n", 5).json["rows"]
    assert len(asked) == 5
    assert {f"main/concept/{row[1]}" for row in asked} <= keys
    one = f"MATCH (c:Concept {{key: '{lost[0][0]}'}}) RETURN c.key AS key"
    assert {f"main/concept/{row[1]}" for row in kgkt("suggest", "--within", one, "-n", 3).json["rows"]} == {lost[0][0]}
    # asked again it is said once; and it goes when the graph is made anew
    assert kgkt("diff", "--target", "knows.keras", "--before", "b.keras").code == 0
    assert len(kgkt("query", ARRIVED).json["rows"]) == 2 * k
    kgkt(*MADE, "--fresh", "--seed", 3)
    assert kgkt("query", ARRIVED).json["rows"] == []


def test_concepts_that_are_off_are_left_out(populated: Path, kgkt: Kgkt) -> None:
    kgkt("switch", "off", "--concept", "3", "--concept", "4")
    done = kgkt("diff", "--target", "a.keras", "--format", "table", "--all").out
    assert "\n58 concepts, 2 that are off left out: " in done
    assert done.split("\n\n")[0].count("\n") == 58
    assert [row[3] for row in kgkt("query", ARRIVED + ", c.active AS active").json["rows"]] == [True] * 58


def test_b_is_read_as_fuse_was_told(taught_once: Path, tmp_path: Path, kgkt: Kgkt, monkeypatch: pytest.MonkeyPatch) -> None:
    import keras
    import numpy as np

    shutil.copytree(taught_once, tmp_path / "work")
    cwd_into(monkeypatch, tmp_path / "work")
    keras.utils.set_random_seed(0)
    image = keras.Input((8, 8, 1))
    middle = keras.layers.Dense(16, activation="relu", name="middle")(keras.layers.Flatten()(image))
    digit = keras.layers.Dense(10, activation="softmax", name="digit")(middle)
    keras.Model(image, {"digit": digit, "size": keras.layers.Dense(1, name="size")(middle)}).save("two.keras")
    with np.load("pool.npz") as pool:
        np.savez("own.npz", x=pool["x"], item_id=pool["item_id"])
    refused = kgkt("diff", "--target", "two.keras")
    assert (refused.code, "with --output NAME" in refused.err) == (3, True)
    named = kgkt("diff", "--target", "two.keras", "--output", "digit")
    assert named.code == 0, named.err
    assert kgkt("trace", "middle:3", "--target", "two.keras", "--output", "digit").code == 0
    fused = kgkt("fuse", "--target", "two.keras", "--output", "digit", "--target-data", "own.npz", "--out", "f.keras",
                 "--steps", 20, "--no-map")  # fmt: skip
    assert fused.code == 0, fused.err
    assert kgkt("diff", "--target", "two.keras").json == named.json
    after = kgkt("diff", "--target", "f.keras", "--before", "two.keras", "--format", "table")
    assert "(B before 0." in after.out
    assert "an untrained B" not in after.out
    Path("own.npz").unlink()
    gone = kgkt("diff", "--target", "f.keras")
    assert (gone.code, "the pool own.npz is not there" in gone.err.replace(str(Path.cwd()) + "/", "")) == (3, True)
    shutil.copy("two.keras", "another.keras")  # not the file that fuse was told of
    assert kgkt("diff", "--target", "another.keras").code == 3
    same = kgkt("diff", "--target", "b.keras", "--before", "b.keras")
    assert (same.code, "--before b.keras has the very weights of b.keras" in same.err) == (3, True)
    wider = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Flatten(), keras.layers.Dense(7), keras.layers.Dense(10)])
    wider.save("wider.keras")
    other = kgkt("diff", "--target", "b.keras", "--before", "wider.keras")
    assert (other.code, "--before wider.keras has other layers or widths than b.keras" in other.err) == (0, True)


def test_what_is_outside_of_floor_and_ceiling_is_said_in_words(populated: Path, kgkt: Kgkt) -> None:
    kgkt(*MADE, "--graph", "twin", "--shared")
    done = kgkt("diff", "main", "twin", "--format", "table")
    assert ": all of the way, and more than another seed" in done.out
    assert "over the ceiling" in done.out
    assert "60 concepts: " in done.out
    shown = kgkt("diff", "main", "--target", "b.keras", "--format", "table").out
    line = next(line for line in shown.splitlines() if line.startswith("60 concepts: "))
    own = line.removeprefix("60 concepts: ").split("; and ")
    assert sum(int(part.split()[0]) for part in own[0].split(", ")) == 60
    assert own[1].endswith(" of B's own that are new")
    said = kgkt("diff", "main", "twin", "--output", "digit")
    assert (said.code, "output are of B" in said.err) == (2, True)


def test_what_goes_when_the_pool_grows_is_said_and_remembered(two: Path, kgkt: Kgkt) -> None:
    import numpy as np

    main = ("--graph", "main")
    never = kgkt("suggest", "--within", "lost", *main)
    assert (never.code, "kgkt diff compares it with a B" in never.err, "0 rows" in never.err) == (3, True, False)
    shutil.copy("a.keras", "knows.keras")
    kgkt("diff", "main", "--target", "knows.keras")
    kgkt("diff", "main", "other")
    kgkt("query", "MATCH (:Concept {graph: 'main'})-[r:ARRIVED_IN]->() SET r.verdict = 'arrived'", "--rw", "--force", *main)
    for verb in (("query", "lost"), ("suggest", "--within", "lost")):
        assert "nothing is lost in knows" in kgkt(*verb, *main, "--param", "into=knows").err
        assert "no diff with knwos; did you mean knows?; known: knows, other" in kgkt(*verb, *main, "--param", "into=knwos").err
    assert "diff" in [f["what"] for f in kgkt("check", *main).json["facts"]]
    with np.load("pool.npz") as pool, np.load("test.npz") as test:
        new = [f"new{i}" for i in range(30)]
        np.savez("more.npz", x=np.concatenate([pool["x"], test["x"][:30]]), item_id=[*pool["item_id"], *new])
    line = ("with the concepts as they were goes: what diff found in knows, other; to make it again: "
            "kgkt diff main --target knows.keras; kgkt diff main other")  # fmt: skip
    grow = ("populate", "--model", "a.keras", "--layers", "mid,emb", "--data", "more.npz", *main)
    assert line in kgkt(*grow, "--dry-run").err
    grown = kgkt(*grow)
    assert (grown.code, line in grown.err, grown.json["grown"] is not None) == (0, True, True)
    went = "what diff found in knows went when the graph was populated again; to make it again: kgkt diff main --target"
    assert went in kgkt("query", "lost", "--param", "into=knows", *main).err
    assert went in kgkt("suggest", "--within", "lost", "--param", "into=knows", *main).err
    again = kgkt(*grow, "--fresh")  # nothing went this time, but it is known still
    assert "with the concepts" not in again.err
    assert "what diff found in knows, other went" in kgkt("query", "lost", *main).err
    told = [f for f in kgkt("check", *main).json["facts"] if f["what"] == "diff"]
    assert "what diff found in knows, other went" in told[0]["says"]
    kgkt("diff", "main", "--target", "knows.keras")
    assert "no diff with nope; known: knows" in kgkt("query", "lost", "--param", "into=nope", *main).err


def test_two_graphs_of_a_pool(two: Path, kgkt: Kgkt) -> None:
    done = kgkt("diff", "main", "other")
    assert done.json["figures"]["position"] > 0.85  # only the seed differs, as in the ceiling
    assert done.json["verdicts"]["arrived"] > 10 * done.json["verdicts"].get("lost", 0)
    found = sorted(kgkt("query", BETWEEN, "--graph", "main").json["rows"])
    assert {(row[0], row[1]) for row in found} == {("main", "other")}
    verdicts = {row[2]: row[3] for row in found}
    told = {row[0]: row[3] for row in done.json["rows"] if row[3] != "new"}
    assert verdicts == told
    assert {row[6] for row in found if row[5]} == {row[0] for row in done.json["rows"] if row[3] == "new"}
    assert all(0 < row[4] <= 1 for row in found)
    rows = list(csv.reader(io.StringIO(kgkt("diff", "other", "--graph", "main", "--format", "csv").out)))
    assert rows[0] == done.json["columns"]
    assert [row[3] for row in rows[1:]] == [row[3] for row in done.json["rows"]]
    assert sorted(kgkt("query", BETWEEN, "--graph", "main").json["rows"]) == found
    best = kgkt("query", "corresponding", "--graph", "main", "--param", "limit=1").json["rows"][0]
    assert best[4] + best[5] == pytest.approx(max(row[4] for row in found) + best[5], abs=0.2)
    assert kgkt("diff", "other", "main").code == 0
    assert {(row[0], row[1]) for row in kgkt("query", BETWEEN, "--graph", "main").json["rows"]} == {
        ("main", "other"), ("other", "main")}  # fmt: skip
    kgkt("graphs", "drop", "other", "--force")
    assert kgkt("query", BETWEEN).json["rows"] == []


def test_what_cannot_be_compared(two: Path, kgkt: Kgkt) -> None:
    import keras
    import numpy as np

    with np.load("pool.npz") as pool:
        np.savez("half.npz", x=pool["x"][::2], item_id=pool["item_id"][::2])
    kgkt("populate", "--model", "a.keras", "--layers", "mid,emb", "--data", "half.npz", "--graph", "half")
    said = kgkt("diff", "main", "half")
    assert (said.code, "different pools: they share 300 items, of 600 and 300" in said.err) == (3, True)
    said = kgkt("diff", "main", "main")
    assert (said.code, "graph main with itself" in said.err) == (2, True)
    said = kgkt("diff", "main", "othr")
    assert (said.code, "no graph othr in kgkt-run; did you mean other" in said.err) == (3, True)
    assert kgkt("diff", "main", "other", "half").code == kgkt("diff", "main", "other", "--target", "b.keras").code == 2
    said = kgkt("diff", "--graph", "main")
    assert (said.code, "compare with what?" in said.err) == (2, True)
    assert kgkt("diff", "main", "other", "--layer", "emb").code == 2
    b = ("diff", "main", "--target")
    said = kgkt(*b, "b.keras", "--layer", "nothing")
    assert (said.code, "b.keras has no layer 'nothing'" in said.err) == (3, True)
    said = kgkt(*b, "b.keras", "--target-data", "half.npz")
    assert (said.code, "half.npz lacks 300 of the graph's 600 items" in said.err) == (3, True)
    assert kgkt(*b, "missing.keras").code == 3
    keras.Sequential([keras.Input((3,)), keras.layers.Dense(4), keras.layers.Dense(10)]).save("three.keras")
    said = kgkt(*b, "three.keras")
    assert (said.code, "three.keras reads items of shape (3)" in said.err) == (3, True)
    said = kgkt(*b, "b.keras", "--before", "three.keras")
    assert (said.code, "--before three.keras reads items of shape" in said.err) == (3, True)
    state = json.loads(Path("kgkt-run/other/run.json").read_text(encoding="utf-8"))
    kgkt("query", "MATCH (g:Graph {key: 'other'}) SET g.complete = false", "--rw", "--force", "--graph", "main")
    said = kgkt("diff", "main", "other")
    assert (said.code, "graph other is being rebuilt" in said.err, bool(state)) == (3, True, True)
    said = kgkt("query", "lost", "--graph", "main")
    assert (said.json["rows"], "kgkt diff compares it" in said.err) == ([], True)
    for within, code in (("lost", 3), ("RETURN 1 AS a", 3), ("RETURN 'x' AS key", 3)):
        assert kgkt("suggest", "--within", within, "--graph", "main").code == code
    assert kgkt("suggest", "--param", "into=b", "--graph", "main").code == 2


def test_in_python(two: Path) -> None:
    run, other = library.open_graph("main"), library.open_graph("other")
    found = run.diff(other)
    assert len(found) == len(found.concepts)
    assert found.counts == run.diff("other").counts
    assert list(found.to_pandas().columns[:4]) == ["key", "concept", "items", "verdict"]
    assert "<table" in found._repr_html_()
    with pytest.raises(UsageError, match="not with both"):
        run.diff(other, target="b.keras")
    with pytest.raises(UsageError, match="layer are of B"):
        run.diff(other, layer="emb")
    with pytest.raises(UsageError, match="received int"):
        run.diff(7)
    with pytest.raises(UsageError, match="the other graph is in the run directory elsewhere"):
        run.diff(library.open_graph("other", dir="elsewhere"))
    with pytest.raises(InputError, match="no graph nothing"):
        run.diff("nothing")
