"""populate again on a pool that changed: the graph grows, and what people said of it stays where it was said."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kgkt.cli import main
from kgkt.concepts.edges import bridge_edges
from kgkt.files import load_arrays, read_json, save_arrays, write_json
from kgkt.rundir.folder import load_memberships
from tests.cli.conftest import Kgkt, cwd_into, write_labels
from tests.cli.test_neo4j import holds

KERAS = ("populate", "--model", "a.keras", "--layers", "mid,emb", "--data")
FEATURES = ("populate", "--features")
TOLD = ("MATCH (c:Concept) WHERE c.name <> c.auto_name OR NOT c.active RETURN c.key, CASE WHEN c.name <> c.auto_name "
        "THEN c.name ELSE '' END AS name, c.active ORDER BY c.key")  # fmt: skip
SAID = "MATCH (i:Item)-[l:LABELLED|LABELLED_NOT]->(k:Class) RETURN i.item_id AS i, k.name AS k, type(l) AS t ORDER BY i, k, t"
STATE = Path("kgkt-run/main/run.json")


def save(name: str, digits: Any, rows: Any, more: Any = (), ids: Any = None) -> None:
    """Pixels of some items of the pool, and of the test set after them, as a pool and as features."""
    x = np.concatenate([digits.pool_x[rows], digits.test_x[list(more)]])
    if ids is None:
        ids = np.concatenate([digits.pool_ids[rows], [f"new{i:03d}" for i in more]])
    np.savez(f"{name}.npz", x=x, item_id=ids)
    np.savez(f"f-{name}.npz", pixels=x.reshape(len(x), -1), item_id=ids)


@pytest.fixture(scope="module")
def taught_once(tmp_path_factory: pytest.TempPathFactory, digits: Any) -> Path:
    """A graph of pixels in which people said a lot: names, switches, edges, a concept deleted, labels and a tick."""
    folder = tmp_path_factory.mktemp("taught")
    with pytest.MonkeyPatch.context() as patch:
        cwd_into(patch, folder)
        save("old", digits, np.arange(600))
        save("more", digits, np.arange(600), range(60))
        write_labels(folder / "labels.csv", [(f"i{i:04d}", str(digits.pool_y[i])) for i in range(0, 600, 30)])
        edits = (
            "MATCH (c:Concept) WHERE c.key ENDS WITH '3' SET c.name = 'mine ' + c.key; "
            "MATCH (c:Concept) WHERE c.key ENDS WITH '7' SET c.active = false; "
            "MATCH (a:Concept {key: 'main/concept/1'})-[e:SIMILAR_TO]-() SET e.weight = e.weight * 3; "
            "MATCH (a:Concept {key: 'main/concept/2'})-[e:SIMILAR_TO]-() DELETE e; "
            "MATCH (c:Concept {key: 'main/concept/9'}) DETACH DELETE c"
        )
        for command in ((*FEATURES, "f-old.npz"), ("label", "--file", "labels.csv"), ("label", f"i0001=not:{digits.pool_y[0]}"),
                        ("query", edits, "--rw", "--force")):  # fmt: skip
            with pytest.raises(SystemExit) as left:
                main(["--quiet", *command])
            assert not left.value.code
    return folder


@pytest.fixture
def taught(taught_once: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same, to work in."""
    shutil.copytree(taught_once, tmp_path / "work")
    return cwd_into(monkeypatch, tmp_path / "work")


def kept_their_items(before: Path, after: Path, old: int) -> float:
    """Share of the old concepts that hold at least half of the items that they held, of those still there."""
    (ids, Z), (now, grown) = load_memberships(before), load_memberships(after)
    place = {item: row for row, item in enumerate(now.tolist())}
    was, stay = np.zeros(old), np.zeros(old)
    for row, item in enumerate(ids.tolist()):
        if item in place:
            concept = Z.indices[Z.indptr[row]]
            was[concept] += 1
            stay[concept] += grown.indices[grown.indptr[place[item]]] == concept
    return float(np.mean(stay[was > 0] >= was[was > 0] / 2))


def test_a_pool_that_grew_grows_the_graph(labelled: Path, kgkt: Kgkt, digits: Any) -> None:
    save("more", digits, np.arange(600), range(60))
    assert kgkt("map", "--target", "b.keras").code == 0
    kgkt("query", "MATCH (:Concept)-[m:MAPS_TO]->(b:Block {kind: 'head', name: '1'}) SET m.strength = 0.0", "--rw", "--force")
    kgkt("query", "MATCH (c:Concept) WHERE c.key ENDS WITH '3' SET c.name = 'mine ' + c.key", "--rw", "--force")
    kgkt("query", "MATCH (c:Concept) WHERE c.key ENDS WITH '7' SET c.active = false", "--rw", "--force")
    strengths = [row[0:6:2] for row in kgkt("query", "edited_strengths").json["rows"]]
    told, said = kgkt("query", TOLD).json["rows"], kgkt("query", SAID).json["rows"]
    names = "MATCH (c:Concept) RETURN c.key, c.auto_name ORDER BY c.key"
    auto = dict(kgkt("query", names).json["rows"])
    run = labelled / "kgkt-run/main"
    shutil.copytree(run, "before")
    done = kgkt(*KERAS, "more.npz")
    assert done.code == 0, done.err
    grown = {"old": 60, "new": 6, "emptied": 0, "refilled": 0, "joined": 60, "left": 0}
    assert (done.json["grown"], done.json["lost"], done.json["concepts"]) == (grown, [], 66)
    assert read_json(STATE)["stages"]["populate"]["figures"]["grown"] == grown
    assert f"carried over: 20 labels, 6 names, 6 switches, {len(strengths)} strengths" in done.err
    assert kgkt("query", TOLD).json["rows"] == told
    assert kgkt("query", SAID).json["rows"] == said
    assert kept_their_items(Path("before/memberships.parquet"), run / "memberships.parquet", 60) == 1.0
    after = dict(kgkt("query", names).json["rows"])
    assert {key: after[key] for key in auto} == auto
    assert len(after) == 66
    drawn, again = (load_arrays(folder / "concepts.safetensors")[0] for folder in (Path("before"), run))
    assert np.mean(drawn["themes"] == again["themes"][:60]) > 0.7
    assert np.linalg.norm(drawn["places"] - again["places"][:60], axis=1).max() < 0.2
    stages = kgkt("check", *KERAS[1:], "more.npz", "--target", "b.keras").json["stages"]
    assert [stages[stage]["stale"] for stage in ("populate", "propagate", "map")] == [False, True, True]
    mapped = kgkt("map", "--target", "b.keras")
    assert mapped.json["edits_kept"] == len(strengths) > 5
    shown = [row[0:6:2] for row in kgkt("query", "edited_strengths").json["rows"]]
    waiting = [[f"main/concept/{n}", "b", index] for n, _, _, index, _ in read_json(STATE)["strengths"]]
    assert sorted(shown + waiting) == strengths  # those that wait are planned at 0 now, as they were set
    table = kgkt(*KERAS, "pool.npz", "--format", "table").out
    assert "grown       66 old concepts, 0 new" in table
    assert "(when they were first fitted)" in table


def test_only_new_items_are_read_and_the_rest_stays_bit_by_bit(populated: Path, kgkt: Kgkt, digits: Any) -> None:
    from kgkt.source.parquet import open_features

    path = populated / "kgkt-run/main/features.parquet"
    before = {layer: open_features(path).rows(layer, np.arange(600)) for layer in ("mid", "emb")}
    old, _ = load_arrays(populated / "kgkt-run/main/embedding.safetensors")
    save("more", digits, np.arange(600), range(30))
    x, ids = (np.load("more.npz")[name] for name in ("x", "item_id"))
    order = np.random.default_rng(0).permutation(630)
    np.savez("mixed.npz", x=x[order], item_id=ids[order])
    assert kgkt(*KERAS, "mixed.npz").json["grown"]["joined"] == 30
    features, (new, _) = open_features(path), load_arrays(populated / "kgkt-run/main/embedding.safetensors")
    assert features.ids.tolist() == ids[order].tolist()
    known = np.flatnonzero(order < 600)
    for layer, values in before.items():
        np.testing.assert_array_equal(features.rows(layer, known), values[order[known]])
    assert all((old[name] == new[name]).all() for name in old if name not in {"vectors", "head"})
    for part in ("vectors", "head"):  # an item is where it was: for its embedding and for the teacher
        np.testing.assert_allclose(new[part][known], old[part][order[known]], atol=1e-5)
    whole = kgkt(*KERAS, "mixed.npz", "--graph", "whole")
    assert whole.code == 0, whole.err
    other = open_features(populated / "kgkt-run/whole/features.parquet")
    for layer in before:
        np.testing.assert_allclose(features.rows(layer, np.arange(630)), other.rows(layer, np.arange(630)), rtol=1e-4, atol=1e-4)


def everything(folder: Path) -> dict[str, Any]:
    """Every file of a run directory, by name, with its content and the time it was written."""
    return {str(path): (path.read_bytes(), path.stat().st_mtime_ns) for path in sorted(folder.rglob("*")) if path.is_file()}


def test_nothing_changed_and_nothing_is_done(labelled: Path, kgkt: Kgkt) -> None:
    kgkt("propagate")
    assert kgkt(*KERAS, "pool.npz").json["unchanged"]  # the folder was moved: where A and pool lie is written down
    before = everything(Path("kgkt-run"))
    done = kgkt(*KERAS, "pool.npz")
    assert (done.code, done.err) == (0, "")
    assert done.json | {"seconds": 0} == {
        "graph": "main", "store": "kglite:kgkt-run/graph.kgl", "items": 600, "concepts": 60, "edges": done.json["edges"],
        "themes": done.json["themes"], "stability": done.json["stability"], "layers": {"mid": 512, "emb": 32}, "seconds": 0,
        "lost": [], "unchanged": True, "dry_run": False, "grown": None, "made_anew_because": None,
        "weights": {"a.keras": 1.0},
    }  # fmt: skip
    assert kgkt(*KERAS, "pool.npz", "--format", "table").out == (
        "unchanged   600 items, 60 concepts: graph main in kglite:kgkt-run/graph.kgl stays as it is   next: kgkt suggest -n 20\n")
    assert everything(Path("kgkt-run")) == before
    assert kgkt("check").json["stages"]["propagate"]["stale"] is False


def test_a_pool_that_was_written_again_did_not_change(labelled: Path, kgkt: Kgkt, digits: Any) -> None:
    kgkt("propagate")
    assert kgkt(*KERAS, "pool.npz").json["unchanged"]
    stage = read_json(STATE)["stages"]["populate"]
    graph = Path("kgkt-run/graph.kgl").read_bytes()
    np.savez_compressed("pool.npz", x=digits.pool_x, item_id=digits.pool_ids)
    assert kgkt("check", *KERAS[1:], "pool.npz").json["stale"] == {"populate": ["data"], "propagate": ["populate is stale"]}
    assert kgkt(*KERAS, "pool.npz").json["unchanged"]
    after = read_json(STATE)["stages"]["populate"]
    assert after | {"inputs": 0} == stage | {"inputs": 0}
    assert Path("kgkt-run/graph.kgl").read_bytes() == graph
    assert kgkt("check", *KERAS[1:], "pool.npz").json["stale"] == {"populate": [], "propagate": []}
    forced = kgkt(*KERAS, "pool.npz", "--force")
    assert (forced.json["unchanged"], forced.json["grown"]["joined"], forced.json["grown"]["left"]) == (False, 0, 0)
    assert read_json(STATE)["stages"]["populate"]["id"] != stage["id"]


def test_what_left_leaves_its_concept_which_stays_with_its_name(taught: Path, kgkt: Kgkt, digits: Any) -> None:
    before = holds("kglite:kgkt-run/graph.kgl")
    told = {row[0]: row for row in kgkt("query", TOLD).json["rows"]}
    _, Z = load_memberships(Path("kgkt-run/main/memberships.parquet"))
    nearest = Z.indices[Z.indptr[:-1]]
    gone = [3, 7, 9, 11]  # named; switched off; deleted; nothing was ever said of it
    save("less", digits, np.flatnonzero(~np.isin(nearest, gone)))
    done = kgkt(*FEATURES, "f-less.npz")
    assert done.json["grown"] | {"left": 0} == {"old": 60, "new": 0, "emptied": 4, "refilled": 0, "joined": 0, "left": 0}
    assert done.json["grown"]["left"] == int(np.isin(nearest, gone).sum())
    empty = "MATCH (c:Concept) WHERE c.size = 0 RETURN c.key, c.active, c.name ORDER BY c.key"
    rows = {row[0]: row[1:] for row in kgkt("query", empty).json["rows"]}
    assert sorted(rows) == [f"main/concept/{n}" for n in (11, 3, 7, 9)]
    assert [rows[f"main/concept/{n}"][0] for n in gone] == [False] * 4
    assert rows["main/concept/3"][1] == "mine main/concept/3"
    alone = "MATCH (c:Concept) WHERE c.size = 0 RETURN count { (c)-[:SIMILAR_TO]-() } + count { (c)-[:EXAMPLE_OF]-() } AS n"
    assert sum(row[0] for row in kgkt("query", alone).json["rows"]) <= 4 * 0 + 12  # edges that people set stay theirs
    kgkt("propagate")
    back = kgkt(*FEATURES, "f-old.npz")
    assert back.json["grown"]["refilled"] == 4
    assert {row[0]: row for row in kgkt("query", TOLD).json["rows"]} == told | {
        "main/concept/9": ["main/concept/9", "", False]}  # 3 and 11 are active again; who was switched off or deleted is not
    after = holds("kglite:kgkt-run/graph.kgl")
    size = {row[0]: row[3] for row in before["concepts"]}
    moved = sum(abs(size[row[0]] - row[3]) for row in after["concepts"] if row[0] in size)
    assert moved <= 12


def test_what_anew_would_lose_is_said_before_and_nothing_changes(taught: Path, kgkt: Kgkt) -> None:
    before = everything(taught)
    said = kgkt(*FEATURES, "f-more.npz", "--fresh", "--dry-run")
    assert said.code == 0, said.err
    assert (said.json["dry_run"], said.json["grown"], said.json["items"]) == (True, None, 660)
    assert len(said.json["lost"]) > 10
    assert set(said.json["lost"]) == {line.removeprefix("lost: ") for line in said.err.splitlines() if line.startswith("lost: ")}
    grows = kgkt(*FEATURES, "f-more.npz", "--dry-run", "--format", "table")
    assert "grown       60 old concepts, 6 new" in grows.out
    assert "dry run: nothing was written" in grows.err
    assert kgkt(*FEATURES, "f-old.npz", "--dry-run").json["unchanged"]
    assert kgkt(*FEATURES, "f-more.npz", "--graph", "other", "--dry-run").json["concepts"] == 66
    assert kgkt("--quiet", *FEATURES, "f-more.npz", "--dir", "elsewhere", "--dry-run").json["concepts"] == 66
    assert everything(taught) == before
    assert not Path("elsewhere").exists()
    done = kgkt(*FEATURES, "f-more.npz", "--fresh")
    assert done.json["lost"] == said.json["lost"]
    assert (done.json["grown"], done.json["made_anew_because"]) == (None, None)
    assert len(kgkt("query", SAID).json["rows"]) == 21  # labels are of items, and stay


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("f-more.npz", "--seed", 1), "seed 0 became 1"),
        (("f-more.npz", "--concepts", 50), "concepts by default became 50"),
        (("f-other.npz",), "it is another pool, 0 of its 300 items are known from the 600 of the old one"),
        (("f-narrow.npz",), "the layers of A were pixels (64) and are pixels (32)"),
    ],
)
def test_a_graph_that_cannot_grow_is_made_anew_and_says_why(
    taught: Path, kgkt: Kgkt, digits: Any, arguments: tuple[object, ...], why: str
) -> None:
    save("other", digits, np.arange(0), range(300), ids=digits.pool_ids[:300])  # other pictures under the ids of old ones
    np.savez("f-narrow.npz", pixels=digits.pool_x.reshape(600, 64)[:, ::2], item_id=digits.pool_ids)
    done = kgkt(*FEATURES, *arguments)
    assert done.code == 0, done.err
    assert (done.json["grown"], done.json["made_anew_because"]) == (None, why)
    assert f"made anew, not grown from the graph that stands: {why}" in done.err


def test_another_a_makes_another_graph(populated: Path, kgkt: Kgkt, model_b: Path, digits: Any) -> None:
    shutil.copy(model_b, "a.keras")
    done = kgkt("populate", "--model", "a.keras", "--layers", "hidden", "--data", "pool.npz")
    assert done.json["made_anew_because"] == "model A is another one"
    save("flat", digits, np.arange(600))
    done = kgkt(*FEATURES, "f-flat.npz")
    assert done.json["made_anew_because"] == "the features come from elsewhere now"


def test_a_row_put_in_front_moves_made_up_ids_and_labels_follow(populated: Path, kgkt: Kgkt, digits: Any) -> None:
    np.save("pool.npy", digits.pool_x)
    assert kgkt(*KERAS, "pool.npy", "--graph", "bare").code == 0
    kgkt("label", "i0004=four", "i0005=five", "i0009=not:four", "i0599=last", "--graph", "bare")
    x = np.concatenate([digits.test_x[:2], digits.pool_x])
    np.save("pool.npy", np.delete(x, 7, axis=0))  # i0005 is gone
    done = kgkt(*KERAS, "pool.npy", "--graph", "bare")
    assert done.json["lost"] == ["label i0005=five: the item left the pool"]
    assert done.json["grown"]["joined"] == 2
    assert done.json["grown"]["left"] == 1
    assert kgkt("query", SAID, "--graph", "bare").json["rows"] == [
        ["i0006", "four", "LABELLED"], ["i0010", "four", "LABELLED_NOT"], ["i0600", "last", "LABELLED"]]


def test_ids_that_lost_their_zeros_are_said(home: Path, kgkt: Kgkt, digits: Any) -> None:
    save("zeros", digits, np.arange(300), (), ids=[f"{n:04d}" for n in range(300)])
    save("lost", digits, np.arange(300), (), ids=[f"{n}" for n in range(300)])
    assert kgkt("populate", "--features", "f-zeros.npz").code == 0
    done = kgkt("populate", "--features", "f-lost.npz")
    assert done.code == 0
    assert "300 items have another id than before, e.g. 0000 is 0 now" in done.err


def test_an_item_whose_content_changed_keeps_its_label_and_that_is_said(populated: Path, kgkt: Kgkt, digits: Any) -> None:
    kgkt("label", "i0004=four", "i0005=five")
    x = digits.pool_x.copy()
    x[4] = 1 - x[4]
    np.savez("pool.npz", x=x, item_id=digits.pool_ids)
    done = kgkt(*KERAS, "pool.npz")
    assert (done.json["lost"], done.json["grown"]["joined"], done.json["grown"]["left"]) == ([], 1, 1)
    assert "1 labelled item changed since; what was said of it stays, e.g. of i0004" in done.err
    assert len(kgkt("query", SAID).json["rows"]) == 2


def test_features_that_were_computed_again_are_the_same_items(taught: Path, kgkt: Kgkt) -> None:
    with np.load("f-more.npz") as file:
        pixels, ids = file["pixels"], file["item_id"]
    noise = np.random.default_rng(0).normal(scale=1e-5, size=pixels.shape)
    np.savez("f-again.npz", pixels=(pixels + noise).astype(np.float32), item_id=ids)
    done = kgkt(*FEATURES, "f-again.npz")
    assert (done.json["grown"]["joined"], done.json["grown"]["left"], done.json["lost"]) == (60, 0, [])
    assert "changed since" not in done.err


def test_a_folder_that_an_earlier_kgkt_made_grows_too(populated: Path, kgkt: Kgkt, digits: Any) -> None:
    kgkt("query", "MATCH (c:Concept) WHERE c.key ENDS WITH '3' SET c.name = 'mine ' + c.key, c.active = false", "--rw", "--force")
    folder = populated / "kgkt-run/main"
    (folder / "items.parquet").unlink()
    arrays, facts = load_arrays(folder / "embedding.safetensors")
    new = {name for name in arrays if name.startswith(("mean", "head_"))}
    assert len(new) == 4
    save_arrays(folder / "embedding.safetensors", {name: arrays[name] for name in arrays.keys() - new},
                {name: facts[name] for name in facts.keys() - {"held_out"}})  # fmt: skip
    arrays, facts = load_arrays(folder / "concepts.safetensors")
    save_arrays(folder / "concepts.safetensors", {name: arrays[name] for name in arrays.keys() - {"emptied", "themes", "places", "middle", "axes"}},
                {name: facts[name] for name in facts.keys() - {"names"}})  # fmt: skip
    from kgkt.files import sha256_file

    state = read_json(STATE)
    stage = state["stages"]["populate"]
    stage["outputs"] = {name: sha256_file(folder / name) for name in stage["outputs"]}
    del stage["settings"]["asked"], stage["settings"]["id_column"], stage["figures"]["grown"]
    for name in ("items", "made_by"):
        del state["features"][name]
    write_json(STATE, state)
    told = kgkt("query", TOLD).json["rows"]
    save("more", digits, np.arange(600), range(60))
    done = kgkt(*KERAS, "more.npz")
    assert done.code == 0, done.err
    assert (done.json["grown"]["joined"], done.json["grown"]["new"], done.json["lost"]) == (60, 6, [])
    assert kgkt("query", TOLD).json["rows"] == told
    head = load_arrays(folder / "embedding.safetensors")[0]["head"]
    assert head.shape == (660, 64)
    again = kgkt(*KERAS, "pool.npz")
    assert (again.json["grown"]["left"], again.json["grown"]["joined"]) == (60, 0)


@pytest.mark.parametrize("name", ["memberships.parquet", "concepts.safetensors", "embedding.safetensors", "items.parquet"])
def test_damaged_files_are_made_anew_and_labels_stay(taught: Path, kgkt: Kgkt, name: str) -> None:
    path = taught / "kgkt-run/main" / name
    path.write_bytes(path.read_bytes()[:-40])
    said = kgkt("query", SAID).json["rows"]
    done = kgkt(*FEATURES, "f-more.npz")
    assert done.code == 0, done.err
    assert (done.json["grown"] is None) == (name != "items.parquet")
    assert kgkt("query", SAID).json["rows"] == said
    assert kgkt("propagate").code == 0


def test_two_graphs_in_one_store_grow_apart(taught: Path, kgkt: Kgkt) -> None:
    assert kgkt(*FEATURES, "f-old.npz", "--graph", "twin").code == 0
    kgkt("query", "MATCH (c:Concept {key: 'twin/concept/5'}) SET c.name = 'theirs'", "--graph", "twin", "--rw", "--force")
    of = "MATCH (c:Concept {graph: $g}) RETURN c.key, c.name, c.active, c.size, c.x ORDER BY c.key"
    main_, twin = (kgkt("query", of, "--param", f"g={g}", "--graph", g).json["rows"] for g in ("main", "twin"))
    assert kgkt(*FEATURES, "f-more.npz", "--graph", "twin").json["grown"]["new"] == 6
    assert kgkt("query", of, "--param", "g=main", "--graph", "main").json["rows"] == main_
    after = kgkt("query", of, "--param", "g=twin", "--graph", "twin").json["rows"]
    assert len(after) == 66
    assert {row[0]: row[1] for row in after}.items() >= {row[0]: row[1] for row in twin}.items()


def test_items_of_another_kind_are_said_to_be_unlike(taught: Path, kgkt: Kgkt, digits: Any) -> None:
    assert "unlike" not in kgkt(*FEATURES, "f-more.npz").err
    rng = np.random.default_rng(0)
    noise = rng.random((40, 64)).astype(np.float32)
    np.savez("f-noise.npz", pixels=np.concatenate([digits.pool_x.reshape(600, 64), noise]),
             item_id=[*digits.pool_ids, *(f"noise{i}" for i in range(40))])  # fmt: skip
    done = kgkt(*FEATURES, "f-noise.npz")
    assert "the new items are unlike the old ones: the embedding explains " in done.err
    assert "populate --fresh fits it anew; first add --dry-run, which says what would be lost" in done.err
    assert done.json["grown"]["joined"] == 40


def test_an_edge_that_people_set_or_deleted_stays_theirs(taught: Path, kgkt: Kgkt) -> None:
    edge = "MATCH ({key: 'main/concept/%d'})-[e:SIMILAR_TO]-(b) RETURN b.key AS b, e.weight AS w ORDER BY b"
    set_, cut = (kgkt("query", edge % n).json["rows"] for n in (1, 2))
    _, Z = load_memberships(Path("kgkt-run/main/memberships.parquet"))
    made = {int(b) for pair in bridge_edges(Z)[0].tolist() if 2 in pair for b in pair} - {2}
    assert (len(set_) > 3, len(made) > 3, cut) == (True, True, [])
    assert kgkt(*FEATURES, "f-more.npz").json["lost"] == []
    now = dict(kgkt("query", edge % 1).json["rows"])
    assert {b: now[b] for b, _ in set_} == dict(set_)
    left = {int(b.rsplit("/", 1)[1]): weight for b, weight in kgkt("query", edge % 2).json["rows"]}
    assert {left[b] for b in made - {9}} == {0.0}  # concept 9 was deleted


# Grows each folder, each in a process of its own that is killed before its so-manieth change of a file or of the graph.
KILLED = """
import os, shutil, sys
from pathlib import Path
import kgkt.rundir.made, kgkt.store.embedded.store, kgkt.verbs.populate, numpy, pyarrow.parquet, scipy.sparse, sklearn.cluster
from kgkt.cli import main
from kgkt.store.embedded.store import KgliteStore

def grow(folder, at, pool):
    os.chdir(folder)
    done = 0
    def counted(owner, name):
        was = getattr(owner, name)
        def change(*given, **named):
            nonlocal done
            if done == at:
                os.kill(os.getpid(), 9)
            done += 1
            return was(*given, **named)
        setattr(owner, name, change)
    for owner, name in ((Path, "replace"), (Path, "unlink"), (os, "link"), (shutil, "rmtree"), (KgliteStore, "write"),
                        (KgliteStore, "save")):
        counted(owner, name)
    try:
        main(["--quiet", "populate", "--features", pool])
    except SystemExit as left:
        Path("changes.txt").write_text(str(done))
        os._exit(left.code or 0)

for line in sys.stdin.read().splitlines():
    folder, at, pool = line.split()
    if not (pid := os.fork()):
        grow(folder, int(at), pool)
    print(os.waitpid(pid, 0)[1], flush=True)
"""


def grow_killed(lines: list[tuple[Path, int, str]]) -> list[int]:
    """The status with which each process ended: 9 where it was killed."""
    told = "\n".join(f"{folder} {at} {pool}" for folder, at, pool in lines)
    done = subprocess.run([sys.executable, "-c", KILLED], input=told, capture_output=True, text=True, check=True,
                          cwd=Path(__file__).parents[2])  # fmt: skip
    return [int(line) for line in done.stdout.splitlines() if line.isdecimal()]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_growth_killed_anywhere_and_run_again_gives_the_same_graph(
    taught: Path, tmp_path: Path, kgkt: Kgkt, digits: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    save("third", digits, np.arange(60, 600), range(30, 90))
    whole, y = {}, digits.pool_y
    said = (f"label i0000={y[0]}", f"label i0030={y[30]}", f"tick i0001={y[0]}")
    lost = {"more": [], "third": [f"{what}: the item left the pool" for what in said]}
    for name in lost:
        shutil.copytree(taught, tmp_path / name)
    assert grow_killed([(tmp_path / name, -1, f"f-{name}.npz") for name in lost]) == [0, 0]
    for name in lost:
        whole[name] = holds(f"kglite:{tmp_path / name / 'kgkt-run/graph.kgl'}")
    changes = int((tmp_path / "more/changes.txt").read_text())
    assert changes > 40
    points = sorted({*range(1, changes, 8), *range(changes - 5, changes)})
    folders = [tmp_path / f"at{at}" for at in points]
    for folder in folders:
        shutil.copytree(taught, folder)
    assert grow_killed([(folder, at, "f-more.npz") for folder, at in zip(folders, points, strict=True)]) == [9] * len(points)
    for number, (folder, at) in enumerate(zip(folders, points, strict=True)):
        monkeypatch.chdir(folder)
        finished = read_json(STATE)["stages"]["populate"]["figures"]["grown"] is not None
        name = "third" if number % 2 and not finished else "more"  # the pool may have changed again before the rerun
        again = kgkt(*FEATURES, f"f-{name}.npz")
        assert again.code == 0, (at, again.err)
        assert again.json["lost"] == lost[name], (at, again.json["lost"])
        assert holds("kglite:kgkt-run/graph.kgl") == whole[name], at
        left = {path.name for path in Path("kgkt-run/main").iterdir()}
        assert not left & ({"carry.json"} if finished else {"carry.json", "carry"}), (at, left)
        assert not [name for name in left if ".part" in name], (at, left)
