"""Several Bs of one graph: each keeps its strengths, and a wrong B takes no map's place."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.cli.conftest import Kgkt

EDGE = "MATCH (:Concept {key: '%s'})-[m:MAPS_TO]->(:Block {key: '%s'}) "


def save(name: str, layers: list[Any], shape: tuple[int, ...] = (8, 8, 1)) -> None:
    import keras

    keras.Sequential([keras.Input(shape), keras.layers.Flatten(), *layers]).save(name)


def strengths(kgkt: Kgkt) -> dict[str, list[Any]]:
    rows = kgkt("query", "edited_strengths").json["rows"]
    return {row[2]: [row[0], row[3], row[4], row[6]] for row in rows}


def edit(kgkt: Kgkt, model: str) -> None:
    one = (f"MATCH (c:Concept)-[m:MAPS_TO]->(b:Block {{model: '{model}', layer: 'out'}}) RETURN c.key, b.key "
           "ORDER BY m.planned DESC LIMIT 1")  # fmt: skip
    assert kgkt("query", EDGE % tuple(kgkt("query", one).json["rows"][0]) + "SET m.strength = 0.125", "--rw", "--force").code == 0


def test_a_b_of_another_input_is_not_mapped(labelled: Path, kgkt: Kgkt) -> None:
    import keras

    dense = keras.layers.Dense
    assert kgkt("map", "--target", "b.keras").code == 0
    before = Path("kgkt-run/main/run.json").read_text()
    save("narrow.keras", [dense(10, activation="softmax")], (7, 8, 1))
    two = [keras.Input((4,), name="a"), keras.Input((4,), name="b")]
    keras.Model(two, dense(10, activation="softmax")(keras.layers.Concatenate()(two))).save("two.keras")
    save("open.keras", [dense(8, activation="relu", name="last")])
    save("wide.keras", [dense(4, activation="softmax")])
    for arguments, code, said in (
        (["narrow.keras"], 3, "narrow.keras reads items of shape (7, 8, 1), the data has (8, 8, 1)"),
        (["two.keras"], 2, "B has 2 inputs"),
        (["open.keras"], 3, "open.keras ends in last (Dense), which is no head: it gives 8 numbers for an item"),
        (["wide.keras"], 3, "wide.keras has 4 outputs, your graph has 10 classes"),
        (["b.keras", "--target-data", "nothing.npz"], 3, "nothing.npz"),
    ):
        done = kgkt("map", "--target", *arguments)
        assert (done.code, said in done.err) == (code, True), (arguments, done.err)
    state = json.loads(Path("kgkt-run/main/run.json").read_text())
    assert state["stages"]["map"] == json.loads(before)["stages"]["map"]
    assert kgkt("query", "MATCH (b:Block) RETURN DISTINCT b.model").json["rows"] == [["b"]]
    state["stages"]["populate"]["settings"]["data"] = "gone.npz"  # without the items nothing can be said
    Path("kgkt-run/main/run.json").write_text(json.dumps(state))
    assert kgkt("map", "--target", "narrow.keras").code == 0


def test_each_of_several_bs_keeps_its_strengths(labelled: Path, kgkt: Kgkt) -> None:
    import keras

    save("other.keras", [keras.layers.Dense(10, activation="softmax", name="out")])
    save("third.keras", [keras.layers.Dense(10, activation="softmax", name="out")])
    kgkt("map", "--target", "b.keras")
    edit(kgkt, "b")
    kgkt("fuse", "--target", "b.keras", "--out", "early.keras", "--steps", 5)
    kgkt("map", "--target", "other.keras")
    edit(kgkt, "other")
    both = strengths(kgkt)
    assert set(both) == {"b", "other"}
    assert "of b, other (mapped last)" in kgkt("check", "--format", "table").out
    traced = kgkt("trace", "hidden:3", "--target", "b.keras")
    assert (traced.code, "no strength is planned" in traced.err) == (0, False), traced.err
    assert any(c["strength"] is not None for c in traced.json["concepts"])
    never = kgkt("fuse", "--target", "third.keras", "--out", "t.keras", "--steps", 5)
    assert "the map is of other, not of third: no weights are written (kgkt map)" in never.err
    early = kgkt("trace", "hidden:3", "--target", "early.keras")  # fused before the last one, of b
    assert (early.code, "no strength is planned" in early.err) == (0, False), early.err
    assert any(c["strength"] is not None for c in early.json["concepts"])
    of_third = kgkt("trace", "3", "--target", "third.keras")
    assert "it was never mapped (kgkt map); the graph has maps of b, other" in of_third.err
    fused = kgkt("fuse", "--target", "b.keras", "--out", "f.keras", "--steps", 5)
    assert fused.code == 0, fused.err
    assert "another B, other, was mapped; mapping again" in fused.err
    assert "edited strengths kept: 1" in fused.err
    assert strengths(kgkt) == both
    assert "of b (mapped last), other" in kgkt("check", "--format", "table").out
    kgkt("populate", "--model", "a.keras", "--layers", "mid,emb", "--data", "pool.npz")
    for name in ("other", "b"):
        again = kgkt("fuse", "--target", f"{name}.keras", "--out", f"{name}-again.keras", "--steps", 5)
        assert (again.code, "edited strengths kept: 1" in again.err) == (0, True), again.err
    assert strengths(kgkt) == both


def test_a_strength_on_what_was_only_measured_is_told(labelled: Path, kgkt: Kgkt) -> None:
    kgkt("map", "--target", "b.keras")
    kgkt("fuse", "--target", "b.keras", "--out", "f.keras", "--steps", 5)
    bare = "MATCH (c:Concept)-[m:MAPS_TO]->(b:Block) WHERE m.planned = 0 AND m.strength = 0 RETURN c.key, b.key LIMIT 1"
    found = kgkt("query", bare).json["rows"]
    kgkt("query", EDGE % tuple(found[0]) + "SET m.strength = 0.5", "--rw", "--force")
    edit(kgkt, "b")
    done = kgkt("map", "--target", "b.keras")
    assert (done.json["edits_kept"], done.json["edits_unplanned"]) == (2, 1)
    told = kgkt("map", "--target", "b.keras", "--format", "table").out
    assert "kept       2 strengths that you changed, 1 of them planned at 0" in told
