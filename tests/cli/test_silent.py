"""Labels that nothing is learned of: those in what is off, and ticks that a label says already."""

from __future__ import annotations

import re
from pathlib import Path

from tests.cli.conftest import Kgkt


def test_a_label_in_what_is_off_changes_nothing_and_is_said(labelled: Path, kgkt: Kgkt) -> None:
    label = labelled.joinpath("labels.csv").read_text().splitlines()[1].replace(",", "=")
    labels = {line.split(",")[0] for line in labelled.joinpath("labels.csv").read_text().splitlines()}
    item = label.split("=")[0]
    kgkt("propagate")
    numbers = [c["number"] for c in kgkt("explain", item).json["concepts"]]
    assert len(numbers) == 3
    first = kgkt("switch", "off", "--concept", numbers[0]).json
    assert label in first["labels"]
    assert label not in first["effect"]["unheard"]
    args = ("switch", "off", "--concept", numbers[1], "--concept", numbers[2])
    tried = kgkt(*args, "--dry-run").json["effect"]
    done = kgkt(*args).json  # the item's nearest concept was off before
    assert label not in done["labels"]
    assert done["effect"]["unheard"][label] == numbers[0]
    assert tried == done["effect"] | {"milliseconds": tried["milliseconds"], "seconds": tried["seconds"]}
    assert done["effect"]["now"]["no class"] >= 1  # the item itself has no class any more
    off = {row[0] for row in kgkt("query", "switched_off").json["rows"]}
    assert off == {f"main/concept/{n}" for n in numbers}

    said = kgkt("label", f"{item}=cat", "--format", "table").out
    assert f"\n{item}=cat: its concepts are all off, and nothing is learned of it until one is on (kgkt switch on --concept {numbers[0]})\n" in said
    assert "\n0 items change class by the concepts' answer in " in said
    silent = len([one for one in done["effect"]["unheard"] if one.split("=")[0] in labels])
    told = kgkt("propagate", "--format", "table").out
    assert f"{20 - silent} labels, 11 classes (cat without a label that is heard)." in told
    more = "1 label more lies in what is off: nothing is learned of it\n" if silent == 1 else "nothing is learned of them\n"
    assert more in told
    why = kgkt("explain", item)
    assert (why.json["state"], why.json["said"], why.json["class"]) == ("off", ["cat"], None)
    assert why.json["because"] == (
        "all its concepts are switched off; a person said that it is cat: nothing is learned of that until one is on")
    assert why.json["advice"] == f"one of its concepts switched on: kgkt switch on --concept {numbers[0]}"
    on = kgkt("switch", "on", "--concept", numbers[0]).json["effect"]
    assert (on["unheard"], on["now"]["cat"] >= 1) == ({}, True)
    assert kgkt("undo").json["effect"]["unheard"] == {f"{item}=cat": numbers[0]} | {
        one: n for one, n in done["effect"]["unheard"].items() if one != label and n == numbers[0]}


def test_where_the_only_label_falls_silent_nothing_has_a_class(populated: Path, kgkt: Kgkt) -> None:
    kgkt("label", "i0000=cat")
    kgkt("propagate")
    numbers = [c["number"] for c in kgkt("explain", "i0000").json["concepts"]]
    flags = [part for n in numbers for part in ("--concept", n)]
    off = kgkt("switch", "off", *flags).json["effect"]
    assert (off["why_not"], off["now"], list(off["unheard"])) == (None, {"no class": 600}, ["i0000=cat"])
    assert kgkt("switch", "on", *flags).json["effect"]["now"] == {"cat": 600}
    kgkt("label", "i0300=cat", "i0001=dog")
    kgkt("switch", "off", *flags)
    said = "mostly switched off, with what a person labelled: cat (1 of its 2 labels). You said every class is equally"
    assert said in kgkt("propagate", "--balanced").err
    assert "mostly switched off" not in kgkt("propagate").err


def test_a_tick_that_a_label_says_already_adds_nothing(labelled: Path, kgkt: Kgkt) -> None:
    kgkt("propagate", "--items", "before.csv")
    item, name = labelled.joinpath("labels.csv").read_text().splitlines()[1].split(",")
    other = "1" if name != "1" else "2"
    done = kgkt("label", f"{item}=not:{other}").json
    assert (done["implied"], done["ticks"], done["effect"]["changed"]) == ([f"{item}=not:{other}"], 1, 0)
    kgkt("propagate", "--items", "after.csv")
    assert Path("after.csv").read_bytes() == Path("before.csv").read_bytes()
    taken = kgkt("label", f"{item}=not:{name}").json  # the label goes, and both ticks count
    assert (taken["implied"], taken["effect"]["changed"] > 0) == ([], True)
    said = kgkt("label", f"{item}={name}", "--format", "table").out
    assert f"\n1 tick ({item}=not:{other}) adds nothing while the item has the label of another class\n" in said


def test_what_a_tick_takes_is_no_class(labelled: Path, kgkt: Kgkt) -> None:
    kgkt("propagate")
    name = kgkt("explain", "i0003").json["class"]
    done = kgkt("label", f"i0003=not:{name}", "--format", "table").out
    assert re.search(rf"\n\d+ items? changes? class by .+ \((now [^;]+; )?\d+ (is|are) not {name}, by a tick\) in ", done)
    assert f"not {name}: " not in done
