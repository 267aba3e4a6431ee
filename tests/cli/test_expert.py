"""--spread and --expert of propagate, on images and on texts whose features come from elsewhere."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd

from tests.cli.conftest import Kgkt, write_labels


def test_texts_get_prototypes_unless_told_otherwise(home: Path, kgkt: Kgkt, digits) -> None:
    ids = digits.pool_ids.tolist()
    np.savez("f.npz", item_id=np.array(ids), features=digits.pool_x.reshape(600, -1))
    pd.DataFrame({"item_id": ids, "text": [f"text of {i}" for i in ids]}).to_csv("pool.csv", index=False)
    assert kgkt("populate", "--features", "f.npz", "--data", "pool.csv").code == 0
    few = [(ids[int(i)], str(d)) for d in range(10) for i in np.flatnonzero(digits.pool_y == d)[:2]]
    assert kgkt("label", "--file", write_labels(Path("labels.csv"), few)).code == 0
    shown = kgkt("propagate", "--format", "table", "--items", "items.csv")
    assert "spread both, no prior" in shown.out
    assert re.search(r"^prototypes 0\.[5-9]\d: texts are embedded for cosine; by how well it foretells 20 labels", shown.out, re.M)
    assert "Too few labels to tell how many answers are right (five a class are needed)." in shown.out
    told = kgkt("propagate", "--expert", "none", "--items", "plain.csv").json
    assert (told["spread"], told["expert"], [e["name"] for e in told["experts"]]) == ("both", "none", ["graph"])
    with_it, without = (pd.read_csv(name, dtype=str) for name in ("items.csv", "plain.csv"))
    assert (with_it["mass"] != without["mass"]).mean() > 0.5


def test_images_spread_over_both_and_keep_their_neighbours(labelled: Path, kgkt: Kgkt) -> None:
    told = kgkt("propagate").json
    assert (told["spread"], told["expert"], told["alpha"]) == ("both", "auto", 0.9)
    assert [e["name"] for e in told["experts"]] == ["graph", "head", "prototypes"]
    assert told["expected_accuracy"] is told["expected_between"] is None
    near = labelled / "kgkt-run" / "main" / "neighbours.parquet"
    made = near.stat().st_mtime_ns
    assert kgkt("propagate", "--spread", "items").json["spread"] == "items"
    assert near.stat().st_mtime_ns == made  # read, not made again
    done = kgkt("propagate", "--expert", "prototype")
    assert (done.code, "did you mean prototypes" in done.err) == (2, True)


def test_an_expert_that_is_asked_for_joins(labelled: Path, kgkt: Kgkt) -> None:
    for name in ("head", "prototypes"):
        told = kgkt("propagate", "--expert", name).json["experts"]
        assert [e["name"] for e in told] == ["graph", name]
        assert told[1]["weight"] >= 0.5
        assert told[1]["why"].startswith("asked for; ")


def test_without_neighbours_nothing_could_judge_prototypes(labelled: Path, kgkt: Kgkt) -> None:
    told = kgkt("propagate", "--spread", "concepts").json
    assert [e["name"] for e in told["experts"]] == ["graph", "head"]


def test_what_an_earlier_kgkt_wrote_down_of_its_defaults_was_not_asked_for(labelled: Path, kgkt: Kgkt) -> None:
    assert kgkt("propagate", "--balanced").code == 0
    path = labelled / "kgkt-run" / "main" / "run.json"
    state = json.loads(path.read_text())
    stage = state["stages"]["propagate"]
    stage["settings"] |= {"alpha": 0.95, "expert": None}
    del stage["figures"]["experts"], stage["figures"]["alpha"], stage["inputs"]["the teacher of this kgkt"]
    path.write_text(json.dumps(state))
    told = kgkt("explain", (labelled / "labels.csv").read_text().splitlines()[1].split(",")[0])
    assert told.code == 0
    assert "changed since propagate: the teacher of this kgkt" in told.err
    settings = json.loads(path.read_text())["stages"]["propagate"]["settings"]
    assert (settings["alpha"], settings["expert"], settings["balanced"]) == (None, "auto", True)


def test_from_five_labels_a_class_the_accuracy_is_foretold(populated: Path, kgkt: Kgkt, digits) -> None:
    ids = digits.pool_ids.tolist()
    few = [(ids[int(i)], str(d)) for d in range(10) for i in np.flatnonzero(digits.pool_y == d)[: 1 if d == 3 else 6]]
    assert kgkt("label", "--file", write_labels(Path("labels.csv"), few)).code == 0
    told = kgkt("propagate", "--balanced", "--items", "items.csv").json
    low, high = told["expected_between"]
    assert low < told["expected_accuracy"] < high
    right = np.mean(pd.read_csv("items.csv", dtype=str)["class"].to_numpy() == digits.pool_y.astype(str))
    assert low < right < high
    assert "54 labels held out in turn; 3 has a single one, which is never held out" in told["experts"][1]["why"]
    shown = kgkt("propagate", "--balanced", "--format", "table").out
    assert re.search(r"About \d+ % of the answers should be right \(\d+ to \d+ %\)\.", shown)


def test_one_label_in_all_leaves_nothing_to_judge(populated: Path, kgkt: Kgkt, digits) -> None:
    assert kgkt("label", f"{digits.pool_ids[0]}=zero").code == 0
    told = kgkt("propagate")
    assert (told.code, [e["name"] for e in told.json["experts"]]) == (0, ["graph"])
    assert told.json["expected_accuracy"] is None
