"""Strengths to rows when the graph grows or is made anew: they follow the word, and what finds no place is named."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.cli.conftest import Kgkt, Rows
from tests.cli.row_words import rows_in, save_clouds

SET = "MATCH (:Concept)-[m:MAPS_TO]->(:Block {kind: 'row', name: '%s'}) SET m.strength = %s"
GIVE = ("MATCH (c:Concept {key: '%s'}), (b:Block {kind: 'row', name: '%s'}) MERGE (c)-[m:MAPS_TO]->(b) "
        "SET m.strength = 1.0")  # fmt: skip
POPULATE = ("populate", "--concepts", "8", "--features")


def concepts(kgkt: Kgkt, word: str) -> list[tuple[str, float, float]]:
    """What maps to the row of a word: concept, strength, planned."""
    rows = kgkt("query", "concept_of_row", "--param", f"word={word}").json["rows"]
    return [(row[3], *row[-2:]) for row in rows]


def change(kgkt: Kgkt, *edits: str) -> None:
    done = kgkt("query", "; ".join(edits), "--rw", "--force")
    assert done.code == 0, done.err


def waiting() -> list[object]:
    return list(json.loads(Path("kgkt-run/main/run.json").read_text())["row strengths"])


@pytest.mark.parametrize("anew", [False, True])
def test_a_strength_follows_its_word(kgkt: Kgkt, words: Path, written: Rows, anew: bool) -> None:
    own, _ = rows_in("b.keras"), written()
    of_1 = concepts(kgkt, "w001")[0][0]
    change(kgkt, SET % ("w003", 0.25), SET % ("w000", 0.0), GIVE % (of_1, "w000"), GIVE % (of_1, "unheard"),
           "MATCH (:Concept)-[m:MAPS_TO]->(:Block {name: 'w004'}) DELETE m")  # fmt: skip
    was = concepts(kgkt, "w003")[0][0]
    save_clouds(words / "more.npz", {"w003": 6, "w004": 7, "w000": 5})  # each lies in another concept from here on
    done = kgkt(*POPULATE, "more.npz", *(("--seed", 1) if anew else ()))
    assert "carried over: 5 strengths" in done.err, done.err
    assert (done.json["grown"] is None, done.json["lost"]) == (anew, [])
    done, rows = written()
    assert done.json["figures"]["edited"] == 5
    np.testing.assert_allclose(rows[5], 0.25 * written("--no-map")[1][5] + 0.75 * own[5], atol=1e-6)
    np.testing.assert_array_equal(rows[6], own[6])
    assert (concepts(kgkt, "w003")[0][1:], concepts(kgkt, "w004")[0][1:]) == ((0.25, 1.0), (0.0, 1.0))
    assert anew or was != concepts(kgkt, "w003")[0][0]
    now = concepts(kgkt, "w001")[0][0]  # what people gave to a concept stays with it
    assert concepts(kgkt, "unheard") == [(now, 1.0, 0.0)]
    assert {one[1:] for one in concepts(kgkt, "w000")} == {(0.0, 1.0), (1.0, 0.0)}
    assert waiting() == []


def test_what_is_gone_is_named_once(kgkt: Kgkt, words: Path, written: Rows) -> None:
    written()
    of_1 = concepts(kgkt, "w001")[0][0]
    change(kgkt, SET % ("w003", 0.25), SET % ("w011", 0.5), GIVE % (of_1, "unheard"))
    save_clouds(words / "fewer.npz", gone=("w003", "w011", *(f"w{i:03d}" for i in range(1, 160, 8))))
    done = kgkt(*POPULATE, "fewer.npz", "--fresh")
    assert "carried over: 2 strengths" in done.err
    assert done.json["lost"] == [f"strengths of concept {of_1.rpartition('/')[2]} to the rows of 'unheard' in b emb: no new "
                                 "concept holds half of its items"]  # fmt: skip
    done, _ = written()
    assert "lost: 2 strengths to rows of words that the graph does not have any more: 'w003', 'w011'" in done.err
    assert done.json["figures"]["edited"] == 0
    assert "lost:" not in written()[0].err


def test_a_word_that_comes_to_lie_where_people_gave_it_stays_given(kgkt: Kgkt, words: Path, written: Rows) -> None:
    written()
    of_1 = concepts(kgkt, "w001")[0][0]
    change(kgkt, SET % ("w000", 0.0), GIVE % (of_1, "w000"))
    save_clouds(words / "more.npz", {"w000": 1})
    kgkt(*POPULATE, "more.npz")
    assert written()[0].json["figures"]["edited"] == 0  # it is as planned
    assert concepts(kgkt, "w000") == [(of_1, 1.0, 1.0)]
    number = int(of_1.rpartition("/")[2])
    assert sorted(waiting(), key=str) == sorted([[None, "b", "emb", 2, "w000", 0.0], [number, "b", "emb", 2, "w000", 1.0]], key=str)
    kgkt(*POPULATE, "words.npz")
    assert written()[0].json["figures"]["edited"] == 2
    assert sorted(concepts(kgkt, "w000"))[0][0] != sorted(concepts(kgkt, "w000"))[1][0]
    assert (of_1, 1.0, 0.0) in concepts(kgkt, "w000")
    assert waiting() == []


def test_a_strength_goes_with_its_word_out_of_a_merge(kgkt: Kgkt, words: Path, written: Rows) -> None:
    plain = written()[1]
    a, b = (concepts(kgkt, word)[0][0] for word in ("w003", "w004"))
    assert kgkt("merge", b.rpartition("/")[2], a.rpartition("/")[2]).code == 0
    written()
    change(kgkt, SET % ("w003", 0.25))
    assert concepts(kgkt, "w003") == [(b, 0.25, 1.0)]
    assert kgkt("undo").code == 0
    done, rows = written()
    assert done.json["figures"]["edited"] == 1
    assert concepts(kgkt, "w003") == [(a, 0.25, 1.0)]
    np.testing.assert_allclose(rows[5], 0.25 * plain[5] + 0.75 * rows_in("b.keras")[5], atol=1e-6)
