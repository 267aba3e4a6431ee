"""The demo that is served: the digits without a label, made once, and gone on with."""

from __future__ import annotations

from pathlib import Path

import pytest

from kgkt.errors import InputError
from kgkt.rundir.current import open_graph_store
from kgkt.rundir.state import open_run
from kgkt.store.labels import read_label_records
from kgkt.verbs.demo import begin
from kgkt.verbs.label import label


@pytest.mark.slow
def test_the_digits_wait_for_labels_and_keep_them(tmp_path: Path) -> None:
    folder, told = tmp_path / "kgkt-demo", []
    recipe = begin(folder, told.append)
    run = open_run(recipe)
    files = {path.name for path in folder.iterdir()}
    assert {"a.keras", "b.keras", "pool.npz", "test.npz", "truth.csv", "yours"} <= files
    with open_graph_store(recipe, run) as store:
        assert read_label_records(store, run.graph) == ([], [])
    item, name = (folder / "truth.csv").read_text().splitlines()[1].split(",")
    label(recipe, told.append, assignments=[f"{item}={name}"])
    again = begin(folder, told.append)
    assert told[-1] == f"going on with the graph yours of {folder}; --force makes all of it anew"
    with open_graph_store(again, run) as store:
        assert len(read_label_records(store, run.graph)[0]) == 1
    (folder / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match="holds other things"):
        begin(folder, told.append, force=True)
