"""What label says of the names that it is given."""

from __future__ import annotations

import time

from kgkt.verbs.label import near_names


def test_names_that_are_nearly_others_are_found() -> None:
    old = ["Barbera", "dog", "class 1"]
    assert near_names(["BARBERA", "dgo", "Barbra", " dog", "class 2", "cat"], old) == [
        ("BARBERA", "Barbera"), ("dgo", "dog"), ("Barbra", "Barbera"), (" dog", "dog")]  # fmt: skip
    assert near_names(["Barolo", "barolo", "BAROLO", "Bar  olo"], []) == [("barolo", "Barolo"), ("BAROLO", "Barolo")]
    assert near_names(["12", "21", "on", "no", "cat", "cats"], []) == []


def test_many_names_are_compared_fast() -> None:
    names = [f"species {chr(97 + i // 676)}{chr(97 + i // 26 % 26)}{chr(97 + i % 26)}x" for i in range(9000)]
    began = time.process_time()
    assert ("SPECIES AAAX", "species aaax") in near_names(["SPECIES AAAX", *names[6000:]], names[:6000])
    assert time.process_time() - began < 2
