"""Texts and pictures beside a file of features: matched by item id, or refused, never by row."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import kgkt as program
from kgkt.errors import InputError

IDS = [f"doc-{number:03d}" for number in range(120)]


def texts(path: str, ids: list[str], named: bool = True) -> str:
    with Path(path).open("w", newline="", encoding="utf-8") as file:
        rows = [(f"says {item} and more", item) for item in ids]
        csv.writer(file).writerows([("text", "item_id") if named else ("text", "other"), *rows])
    return path


@pytest.fixture
def vectors(digits: Any) -> np.ndarray:
    return digits.pool_x.reshape(len(digits.pool_x), -1)


@pytest.fixture
def features(home: Path, vectors: np.ndarray) -> str:
    np.savez("f.npz", item_id=np.array(IDS), bag=vectors[:120])
    return "f.npz"


def test_texts_in_another_order_go_to_their_items(features: str, kgkt: Any) -> None:
    more = ["doc-900", *IDS[::-1], "doc-901"]
    done = kgkt("populate", "--features", features, "--data", texts("t.csv", more))
    assert (done.code, "t.csv holds 2 items that f.npz has not: not read" in done.err) == (0, True), done.err
    rows = kgkt("query", "MATCH (i:Item) RETURN i.item_id AS item, i.text AS text").json["rows"]
    assert len(rows) > 50
    assert all(text == f"says {item} and more" for item, text in rows)
    again = kgkt("populate", "--features", features, "--data", "t.csv")
    assert again.json["unchanged"]


def test_rows_that_features_leave_out_take_their_texts_along(features: str, kgkt: Any, vectors: np.ndarray) -> None:
    broken = vectors[:120].copy()
    broken[3, 5] = np.nan
    np.savez("f.npz", item_id=np.array(IDS), bag=broken)
    done = kgkt("populate", "--features", features, "--data", texts("t.csv", IDS), "--drop-bad")
    assert (done.code, done.json["items"]) == (0, 119), done.err
    rows = kgkt("query", "MATCH (i:Item) RETURN i.item_id AS item, i.text AS text").json["rows"]
    assert all(text == f"says {item} and more" for item, text in rows)


@pytest.mark.parametrize(("ids", "named", "reason"), [
    (IDS[:100], True, "t.csv lacks 20 of the 120 items of f.npz (doc-100, doc-101, doc-102, …); it has 100 items"),
    (["x1", "x2"], True, "lacks 120 of the 120 items of f.npz (doc-000, doc-001, doc-002, …); it has 2 items (x1, x2)"),
    (IDS, False, "and t.csv brings no ids: --id-column says which column holds them"),
], ids=["too few", "others", "none"])  # fmt: skip
def test_what_cannot_be_matched_is_refused_before_anything_is_made(
    features: str, kgkt: Any, ids: list[str], named: bool, reason: str
) -> None:
    done = kgkt("populate", "--features", features, "--data", texts("t.csv", ids, named))
    assert (done.code, reason in done.err) == (3, True), done.err
    assert not Path("kgkt-run/main").exists()
    assert any(reason in problem for problem in kgkt("check", "--features", features, "--data", "t.csv").json["problems"])


def test_features_without_ids_are_refused_beside_a_pool_that_has_them(home: Path, vectors: np.ndarray) -> None:
    with pytest.raises(InputError, match="brings no ids: save item_id beside the features"):
        program.populate(features=vectors[:120], data={"x": vectors[:120], "item_id": np.array(IDS)})
