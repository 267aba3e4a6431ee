"""--spread and --expert of propagate, on images and on texts whose features come from elsewhere."""

from __future__ import annotations

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
    assert "spread both, expert prototypes, no prior" in shown.out
    told = kgkt("propagate", "--expert", "none", "--items", "plain.csv").json
    assert (told["spread"], told["expert"]) == ("both", "none")
    with_it, without = (pd.read_csv(name, dtype=str) for name in ("items.csv", "plain.csv"))
    assert (with_it["mass"] != without["mass"]).mean() > 0.5


def test_images_spread_over_both_and_keep_their_neighbours(labelled: Path, kgkt: Kgkt) -> None:
    told = kgkt("propagate").json
    assert (told["spread"], told["expert"]) == ("both", "none")
    near = labelled / "kgkt-run" / "main" / "neighbours.parquet"
    made = near.stat().st_mtime_ns
    assert kgkt("propagate", "--spread", "items").json["spread"] == "items"
    assert near.stat().st_mtime_ns == made  # read, not made again
    done = kgkt("propagate", "--expert", "prototype")
    assert (done.code, "did you mean prototypes" in done.err) == (2, True)
