"""trace: units, classes and items of a fused B, what is written into the graph, and what cannot be traced."""

from __future__ import annotations

import csv
import io
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import kgkt as package
from kgkt.errors import InputError
from kgkt.rundir.folder import RunDir
from kgkt.rundir.measured import load_measured
from kgkt.share.traced import caption_of, groups_of
from tests.cli.conftest import Kgkt, cwd_into, kgkt_in
from tests.conftest import Once

ITEM = "i0005"


@pytest.fixture(scope="module")
def fused_once(once: Once, taught_once: Path) -> Path:
    """The taught folder with a mapped and fused B; not to be changed."""

    def fill(folder: Path) -> None:
        shutil.copytree(taught_once, folder, dirs_exist_ok=True)
        kgkt_in(folder, "map", "--target", "b.keras")
        kgkt_in(folder, "fuse", "--target", "b.keras", "--out", "b-fused.keras", "--steps", 150)

    return once("fused", fill)


@pytest.fixture
def fused(fused_once: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same folder, to read in."""
    return cwd_into(monkeypatch, fused_once)


@pytest.fixture
def work(fused_once: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same folder, to work in: its fused B lies in the copy."""
    shutil.copytree(fused_once, tmp_path / "work")
    state = tmp_path / "work" / "kgkt-run" / "main" / "run.json"
    state.write_text(state.read_text().replace(str(fused_once.resolve()), str((tmp_path / "work").resolve())))
    return cwd_into(monkeypatch, tmp_path / "work")


def ask(kgkt: Kgkt, text: str, *more: str) -> list[list[Any]]:
    return kgkt("query", text, *more).json["rows"]


def test_fuse_writes_what_it_measured_into_the_graph(fused: Path, kgkt: Kgkt) -> None:
    found, facts = load_measured(RunDir("kgkt-run", "main"))
    assert facts["on"] == "b-fused.keras"
    edges = ask(kgkt, "MATCH (c:Concept)-[m:MAPS_TO]->(b:Block) RETURN c.key, b.layer, b.index, m.strength, m.planned, m.measured",
                "--rows", "9999")  # fmt: skip
    assert all(measured is not None for *_, measured in edges)
    for key, layer, index, *_, measured in edges:
        r = found.layers[layer].correlation
        assert measured == pytest.approx(r[int(key.rpartition("/")[2]), index], abs=1e-6)
    only = [edge for edge in edges if edge[3] == edge[4] == 0]
    assert only
    assert min(edge[5] for edge in only) >= 0.1
    for layer, units in (("hidden", 32), ("out", 10)):
        r = found.layers[layer].correlation
        there = {(int(key.rpartition("/")[2]), index) for key, path, index, *_ in edges if path == layer}
        wanted = {(int(c), u) for u in range(units) for c in np.argsort(-r[:, u])[:3] if r[c, u] >= 0.1}
        assert wanted <= there
    assert ask(kgkt, "MATCH (m:Model {name: 'b'}) RETURN m.measured_on") == [["b-fused.keras"]]
    assert kgkt("query", "edited_strengths").json["rows"] == []
    assert kgkt("query", "carries", "--param", "concept=5").json["rows"]
    kgkt("check", "--target", "b.keras")


def test_what_is_measured_is_no_strength(work: Path, kgkt: Kgkt) -> None:
    """Mapping again drops it, and edits of strengths are carried on without it."""
    count = "MATCH ()-[m:MAPS_TO]->() WHERE m.measured IS NOT NULL RETURN count(m)"
    assert ask(kgkt, count)[0][0] > 0
    cut = "MATCH (:Concept)-[m:MAPS_TO]->(:Block {layer: 'out', index: 1}) WHERE m.planned > 0 SET m.strength = 0.0"
    kgkt("query", cut, "--rw", "--force")
    edited = len(kgkt("query", "edited_strengths").json["rows"])
    assert edited > 0
    assert kgkt("map", "--target", "b.keras").json["edits_kept"] == edited
    assert ask(kgkt, count) == [[0]]
    assert ask(kgkt, "MATCH (m:Model {name: 'b'}) RETURN m.measured_on") == [[None]]
    again = kgkt("trace", "hidden:3")
    assert (again.code, again.json["layer"]) == (0, "hidden")


def test_a_unit(fused: Path, kgkt: Kgkt) -> None:
    found, _ = load_measured(RunDir("kgkt-run", "main"))
    layer = found.layers["hidden"]
    unit = int(layer.deviation.argmax())
    told = kgkt("trace", f"hidden:{unit}", "-n", 3, "--picture", "unit.png", "--force").json
    assert (told["target"], told["layer"], told["unit"], told["kind"], told["items"]) == ("b-fused.keras", "hidden", unit, "unit", 600)
    best = np.argsort(-layer.correlation[:, unit])[:3]
    assert [c["number"] for c in told["concepts"]] == best.tolist()
    assert [c["measured"] for c in told["concepts"]] == pytest.approx(layer.correlation[best, unit].tolist(), abs=1e-6)
    assert 0 < told["by_chance"] < told["explained"] <= 1
    assert sum(c["share"] for c in told["concepts"]) <= told["explained"]
    assert [e["value"] for e in told["examples"]] == pytest.approx(layer.top_values[unit, :3].tolist(), rel=1e-6)
    assert list(told["speaks_for"].values()) == sorted(told["speaks_for"].values(), reverse=True)
    with Image.open("unit.png") as picture:
        assert picture.size[0] > 1000
    reaches = kgkt("query", "reaches", "--param", "model=b", "--param", "layer=hidden", "--param", f"index={unit}").json
    assert reaches["rows"][0][0] == f"main/concept/{best[0]}"
    head = kgkt("trace", "out:4", "--format", "table")
    assert head.out.startswith("out:4 of b-fused.keras, the slot of 4: the concepts explain ")


def test_a_class(fused: Path, kgkt: Kgkt) -> None:
    found, _ = load_measured(RunDir("kgkt-run", "main"))
    told = kgkt("trace", "3").json
    assert (told["class"], told["called"]) == ("3", int((found.answers == 3).sum()))
    assert sum(c["items"] for c in told["concepts"]) <= told["called"]
    assert [b["contribution"] for b in told["blocks"]] == sorted((b["contribution"] for b in told["blocks"]), reverse=True)
    assert told["without"] < 0.9
    assert all(e["class"] == "3" for e in told["examples"])
    rows = list(csv.DictReader(io.StringIO(kgkt("trace", "3", "--format", "csv").out)))
    assert [row["part"] for row in rows] == ["class", *["concept"] * 5, *["block"] * len(told["blocks"]), "without", *["example"] * 5]


def test_an_item_of_the_pool(fused: Path, kgkt: Kgkt) -> None:
    told = kgkt("trace", "--item", ITEM, "--picture", "item.png", "--force").json
    explained = kgkt("explain", ITEM).json
    assert (told["graph_says"], told["new"]) == (explained["class"], False)
    assert told["graph_mass"] == pytest.approx(explained["mass"], abs=1e-6)
    assert [c["number"] for c in told["concepts"]] == [c["number"] for c in explained["concepts"]]
    assert sum(c["contribution"] for c in told["concepts"]) + told["own"] == pytest.approx(told["evidence"], abs=1e-6)
    assert {b["concept"] for b in told["blocks"]} <= {c["number"] for c in told["concepts"]} | {None}
    assert ITEM not in [e["item"] for e in told["nearest"]]
    predicted = kgkt("predict", "--data", "pool.npz", "--model", "b-fused.keras").json["rows"][5]
    assert (told["item"], told["class"]) == (predicted[0], predicted[1])
    assert told["mass"] == pytest.approx(predicted[2], abs=1e-5)
    assert Path("item.png").is_file()


def test_an_item_that_is_new(work: Path, kgkt: Kgkt, digits: Any) -> None:
    pool = kgkt("trace", "--item", ITEM).json
    np.savez("new.npz", x=digits.pool_x[4:6], item_id=["other", "same"])
    told = kgkt("trace", "--data", "new.npz", "--item", "same").json
    assert told["new"] is True
    assert (told["class"], told["graph_says"]) == (pool["class"], pool["graph_says"])
    assert told["evidence"] == pytest.approx(pool["evidence"], abs=1e-4)
    assert told["nearest"][0]["item"] == ITEM
    assert told["nearest"][0]["value"] == pytest.approx(0, abs=1e-5)
    several = kgkt("trace", "--data", "new.npz")
    assert (several.code, "holds 2 items (other, same, …): say which with --item" in several.err) == (3, True)
    wrong = kgkt("trace", "--data", "new.npz", "--item", "sam")
    assert (wrong.code, "has no item 'sam'; did you mean same?" in wrong.err) == (3, True)
    Image.fromarray(np.round(digits.pool_x[5, ..., 0] * 255).astype(np.uint8)).save("new.png")
    shifted = kgkt("trace", "--data", "new.png")
    assert (shifted.code, "different ranges" in shifted.err) == (3, True)
    shown = kgkt("trace", "--data", "new.png", "--target-pixels", "0..1", "--picture", "new-why.png", "--format", "table")
    assert shown.out.startswith(f"new.png: b-fused.keras says {pool['class']}, ")


def test_from_python_and_of_another_b(work: Path) -> None:
    said: list[str] = []
    run = package.open_graph(say=said.append)
    found, _ = load_measured(RunDir("kgkt-run", "main"))
    one = run.trace(f"hidden:{found.layers['hidden'].deviation.argmax()}", 2)
    assert len(one.to_pandas()) == len(list(one.rows()))
    assert run.trace(item=ITEM).says == run.trace(3).says == "3"
    other = run.trace("hidden:3", target="b.keras")
    assert (other.target, one.target) == ("b.keras", "b-fused.keras")
    assert said == ["b.keras was not measured by fuse: measured now, on 600 items"]
    assert one.concepts[0].strength is not None
    run.merge(4, 9)
    said.clear()
    run.trace("hidden:3")
    assert any("the concepts changed since b-fused.keras was measured: measured again" in line for line in said)


def test_what_cannot_be_traced(fused: Path, kgkt: Kgkt) -> None:
    for arguments, code, said in (
        ((), 2, "trace what? LAYER:UNIT or a class"),
        (("3", "--item", ITEM), 2, "trace what?"),
        (("3", "-n", "0"), 2, "-n must be at least 1"),
        (("hidden:32",), 3, "no unit '32' in hidden: it has 32, hidden:0 to hidden:31"),
        (("hiden:3",), 3, "no layer 'hiden' of B has units; did you mean hidden?"),
        (("eleven",), 3, "no class and no layer 'eleven'"),
        (("--item", "i9999"), 3, "i9999"),
        (("--data", "nothing.png"), 3, "nothing.png is not there"),
        (("3", "--target", "nothing.keras"), 3, "nothing.keras"),
        (("3", "--picture", "no/where.png"), 3, "there is no folder"),
        (("zzz", "--target", "b.keras"), 3, "no class and no layer 'zzz'"),
        (("hidden:32", "--target", "b.keras"), 3, "no unit '32' in hidden: it has 32"),
    ):
        done = kgkt("trace", *arguments)
        assert (done.code, said in done.err) == (code, True), (arguments, done.err)
        assert "measured" not in done.err  # refused before any of it


def test_a_picture_says_what_its_numbers_are(fused: Path) -> None:
    run = package.open_graph()
    done = run.trace("3")
    bars = groups_of(done)[0].bars
    assert [reads for _, _, reads in bars] == [f"{c.items} item{'s' * (c.items != 1)}" for c in done.concepts]
    near = run.trace(item=ITEM)
    one = near.nearest[0]
    assert caption_of(near, one).startswith(f"B says {one.says}, distance {one.value:.2f}")


def test_a_b_that_is_not_there_or_changed(work: Path, kgkt: Kgkt, taught_once: Path) -> None:
    import keras

    with pytest.raises(InputError, match=r"no B was fused from this graph yet: kgkt fuse --target b.keras"):
        package.open_graph(dir=taught_once / "kgkt-run").trace("3")
    small = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Flatten(), keras.layers.Dense(4, activation="softmax")])
    small.save("small.keras")
    refused = kgkt("trace", "3", "--target", "small.keras")
    assert (refused.code, "small.keras has 4 outputs, your graph has 10 classes" in refused.err) == (3, True)
    shutil.copy("small.keras", "b-fused.keras")
    changed = kgkt("trace", "3")
    assert (changed.code, "b-fused.keras changed since it was fused: run kgkt fuse again" in changed.err) == (3, True)
    Path("b-fused.keras").unlink()
    gone = kgkt("trace", "3")
    assert (gone.code, "is not there any more: name one with --target, or run kgkt fuse" in gone.err) == (3, True)
