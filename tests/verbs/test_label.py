"""What label says of the names that it is given."""

from __future__ import annotations

import time

import pytest

from kgkt.errors import InputError
from kgkt.source.labels import parse_assignments
from kgkt.verbs.label import near_names


def test_names_that_are_nearly_others_are_found() -> None:
    old = ["Barbera", "dog", "class 1"]
    assert near_names(["BARBERA", "dgo", "Barbra", " dog", "class 2", "cat"], old) == [
        ("BARBERA", "Barbera"), ("dgo", "dog"), ("Barbra", "Barbera"), (" dog", "dog")]  # fmt: skip
    assert near_names(["Barolo", "barolo", "BAROLO", "Bar  olo"], []) == [("barolo", "Barolo"), ("BAROLO", "Barolo")]
    assert near_names(["colour,", "colour", "C++", "C"], []) == [("colour", "colour,")]
    assert near_names(["colour,"], ["colour"]) == [("colour,", "colour")]
    assert near_names(["12", "21", "on", "no", "cat", "cats"], []) == []


def test_many_names_are_compared_fast() -> None:
    names = [f"species {chr(97 + i // 676)}{chr(97 + i // 26 % 26)}{chr(97 + i % 26)}x" for i in range(9000)]
    began = time.process_time()
    assert ("SPECIES AAAX", "species aaax") in near_names(["SPECIES AAAX", *names[6000:]], names[:6000])
    assert time.process_time() - began < 2


@pytest.mark.parametrize("text", ["red=colour,", "red=colour;", "red=colour,blue=colour", "red=colour, blue =sky"])
def test_a_comma_between_assignments_is_refused_with_what_to_write(text: str) -> None:
    with pytest.raises(InputError, match="put spaces between several, and no commas: kgkt label ITEM=CLASS ITEM=CLASS"):
        parse_assignments([text], {"red", "blue"})


def test_a_class_may_hold_a_comma() -> None:
    said = parse_assignments(["red=a, b", "a,b=x=1,y=2"], {"red", "a,b"})
    assert [(row.item_id, row.name) for row in said] == [("red", "a, b"), ("a,b", "x=1,y=2")]
