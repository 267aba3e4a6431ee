"""map --method: how hidden layers get their concepts, what is said of it, and what an edited strength does then."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.cli.conftest import Kgkt

FIGURES = {"by", "why", "ridge", "network", "pairs", "held_out", "still", "untrained", "kind", "blocks"}


def stage(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "kgkt-run/main/run.json").read_text())["stages"]["map"]


def test_a_network_maps_hidden_layers_and_fuse_writes_by_it(labelled: Path, kgkt: Kgkt) -> None:
    done = kgkt("map", "--target", "b.keras", "--method", "network")
    assert done.code == 0, done.err
    layers = done.json["layers"]
    assert set(layers["hidden"]) == FIGURES
    assert (layers["hidden"]["by"], layers["out"]["by"], done.json["method"]) == ("network", "class mass", "network")
    assert (layers["hidden"]["pairs"], layers["hidden"]["held_out"]) == (480, 120)
    assert 0.5 < layers["hidden"]["network"] < 1
    assert 0.5 < layers["hidden"]["ridge"] < 1
    told = stage(labelled)["figures"]["layers"]
    assert told["hidden"] == {name: layers["hidden"][name] for name in FIGURES - {"kind", "blocks"}}
    count = "MATCH (:Concept)-[m:MAPS_TO]->(b:Block {layer: 'hidden'}) RETURN count(m), min(m.planned), max(b.index)"
    strengths, least, last = kgkt("query", count).json["rows"][0]
    assert strengths <= 5 * 60 + 32
    assert least > 0.001
    assert last <= 31
    assert [s["stale"] for name, s in kgkt("check").json["stages"].items() if name == "map"] == [False]
    fused = kgkt("fuse", "--target", "b.keras", "--out", "f.keras", "--steps", 20)
    assert fused.code == 0, fused.err
    assert "mapping again" not in fused.err
    again = kgkt("map", "--target", "b.keras", "--format", "table").out  # the method stays until another is asked for
    assert "mapped     hidden: 32 units, by network: ridge explains " in again
    assert "mapped     out: 10 slots of the head, by class mass: ridge explains " in again
    assert "of the variance of what B gives for 120 items held out; learned from 480\n" in again
    back = kgkt("map", "--target", "b.keras", "--method", "communities").json
    assert back["layers"]["hidden"] == {"kind": "unit", "blocks": 32}
    assert stage(labelled)["settings"] == {}


def test_a_strength_that_is_edited_acts_in_proportion_and_nowhere_else(labelled: Path, kgkt: Kgkt) -> None:
    kgkt("propagate")
    assert kgkt("map", "--target", "b.keras", "--method", "network").code == 0
    one = ("MATCH (c:Concept)-[m:MAPS_TO]->(b:Block {layer: 'hidden'}) "
           "RETURN c.key, b.key, b.index, m.planned ORDER BY m.planned DESC LIMIT 1")  # fmt: skip
    concept, block, unit, planned = kgkt("query", one).json["rows"][0]
    edge = f"MATCH (:Concept {{key: '{concept}'}})-[m:MAPS_TO]->(:Block {{key: '{block}'}}) SET m.strength = "
    written = []
    for factor in (1.0, 0.5, 0.0, 2.0):
        assert kgkt("query", f"{edge}{factor * planned}", "--rw", "--force").code == 0
        written.append(_written())
    planned_weights, half, none, double = written
    for layer, weights in planned_weights.items():
        for k, as_planned in enumerate(weights):
            moved = [other[layer][k] - as_planned for other in (half, none, double)]
            if layer == "out":
                assert all((m == 0).all() for m in moved)
                continue
            np.testing.assert_allclose(moved[1], 2 * moved[0], atol=1e-4)
            np.testing.assert_allclose(moved[2], -moved[1], atol=1e-4)
            assert np.abs(moved[1][..., unit]).max() > 0.01
            moved[1][..., unit] = 0
            assert np.abs(moved[1]).max() < 1e-6


def _written() -> dict[str, list[np.ndarray]]:
    """The weights of each layer as it would be written into B as it came, by the map that the graph holds now."""
    from kgkt.recipe import Recipe
    from kgkt.rundir.state import open_run
    from kgkt.rundir.target_model import open_target, target_inputs
    from kgkt.transfer.outputs import read_outputs
    from kgkt.transfer.write import Origin, write_layer
    from kgkt.verbs.map import current_map
    from kgkt.verbs.propagate import fresh_targets

    recipe = Recipe().override("target", model="b.keras")
    run, opened = open_run(recipe), open_target(recipe)
    model, say = opened.model, pytest.fail
    current, targets = fresh_targets(recipe, run, say)
    x, _ = target_inputs(recipe, run, model, current.ids, targets.names, say)
    block_map = current_map(recipe, run, say, model, opened.path, current, targets)
    assert block_map is not None
    begun, found = model.get_weights(), {}
    P = np.asarray(targets.P, np.float64)
    origin = Origin(x, np.arange(len(x)), block_map, current.Z, (P, P))
    for layer in block_map.blocks:
        model.set_weights(begun)
        assert write_layer(model, layer, model.get_layer(layer), origin, read_outputs(model)) == ""
        found[layer] = [v.numpy() for v in model.get_layer(layer).weights]
    return found


def test_another_method_keeps_the_strengths_that_people_changed(labelled: Path, kgkt: Kgkt) -> None:
    kgkt("map", "--target", "b.keras")
    first = ("MATCH (c:Concept)-[m:MAPS_TO]->(b:Block {layer: '%s'}) RETURN c.key, b.key, m.planned "
             "ORDER BY m.planned DESC LIMIT 1")  # fmt: skip
    edge = "MATCH (:Concept {key: '%s'})-[m:MAPS_TO]->(:Block {key: '%s'}) "
    places = [edge % tuple(kgkt("query", first % layer).json["rows"][0][:2]) for layer in ("hidden", "out")]
    for place in places:
        kgkt("query", f"{place}SET m.strength = 0.125", "--rw", "--force")
    done = kgkt("map", "--target", "b.keras", "--method", "network")
    assert done.json["edits_kept"] == 2
    said = "kept 1 strength to hidden units that you changed in a map by communities, though by network these units"
    assert said in done.err
    assert [kgkt("query", f"{place}RETURN m.strength").json["rows"] for place in places] == [[[0.125]]] * 2
    same = kgkt("map", "--target", "b.keras")
    assert same.json["edits_kept"] == 2
    assert "that you changed in a map by" not in same.err


def test_a_network_reads_b_as_it_is_told_and_says_what_is_missing(labelled: Path, kgkt: Kgkt, digits: Any) -> None:
    wrong = kgkt("map", "--target", "b.keras", "--method", "netwrok")
    assert (wrong.code, "--method netwrok; did you mean network?" in wrong.err) == (2, True)
    (labelled / "kgkt.toml").write_text('[target]\nmap_method = "comunities"\n')
    recipe = kgkt("map", "--target", "b.keras")
    assert (recipe.code, "target.map_method is 'comunities'; did you mean communities?" in recipe.err) == (3, True)
    (labelled / "kgkt.toml").unlink()
    (labelled / "pool.npz").rename(labelled / "moved.npz")
    state = json.loads((labelled / "kgkt-run/main/run.json").read_text())
    for data, code, words in (("pool.npz", 3, "pool.npz is not there any more: say where it is with --target-data"),
                              (None, 2, "B needs the items themselves: --target-data pool.npz")):  # fmt: skip
        state["stages"]["populate"]["settings"]["data"] = data
        (labelled / "kgkt-run/main/run.json").write_text(json.dumps(state))
        gone = kgkt("map", "--target", "b.keras", "--method", "network")
        assert (gone.code, words in gone.err) == (code, True), gone.err
    assert "map" not in json.loads((labelled / "kgkt-run/main/run.json").read_text())["stages"]
    np.savez("some.npz", x=digits.pool_x[5:], item_id=digits.pool_ids[5:])
    some = kgkt("map", "--target", "b.keras", "--method", "network", "--target-data", "some.npz")
    assert (some.code, "some.npz lacks 5 of the graph's 600 items" in some.err) == (3, True), some.err
    found = kgkt("map", "--target", "b.keras", "--method", "network", "--target-data", "moved.npz")
    assert found.code == 0, found.err
    assert [s["why"] for name, s in kgkt("check", "--target", "b.keras").json["stages"].items() if name == "map"] == [[]]
    np.savez("moved.npz", x=digits.pool_x[:, :, ::-1], item_id=digits.pool_ids)
    again = kgkt("fuse", "--target", "b.keras", "--target-data", "moved.npz", "--out", "f.keras", "--steps", 20)
    assert "changed since map: data; mapping again" in again.err
    assert again.code == 0
