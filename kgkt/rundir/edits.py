"""edits.jsonl: every edit made by a verb, with what stood before and after it, so that it can be undone."""

from __future__ import annotations

import getpass
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kgkt.recipe import Teach
from kgkt.rundir.effect import Effect, effect_since, look
from kgkt.rundir.folder import RunDir
from kgkt.rundir.state import lineage, now
from kgkt.store.facts import OF_CONCEPTS, Facts, read_facts

if TYPE_CHECKING:
    from kgkt.store.protocol import Store

FILE = "edits.jsonl"
Fact = tuple[str, str]  # kind, and the item id or the number of the concept


@dataclass(frozen=True, slots=True)
class Edit:
    """One line of edits.jsonl.

    Args:
        number: of the line, from 1.
        at: when, UTC.
        by: whom.
        verb: label, name, switch, merge or undo.
        before, after: what the graph said of everything that was touched, as `kgkt.store.facts` has it.
        lineage: which concepts and items the graph had, as `lineage` tells it.
        file: digest and path of the label file that it came from.
        undoes: number of the edit that it took back.
        whole: whether it can be undone at all; an earlier kgkt did not write down enough.
    """

    number: int
    at: str
    by: str
    verb: str
    before: Facts
    after: Facts
    lineage: Mapping[str, str]
    file: Mapping[str, str] | None = None
    undoes: int | None = None
    whole: bool = True

    def facts(self) -> Iterator[Fact]:
        """What it touched."""
        return ((kind, one) for kind, said in self.after.items() for one in said)


def who() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # no entry for this user, as in some containers
        return "unknown"


def make_edit(
    store: Store, run: RunDir, verb: str, about: Mapping[str, Sequence[str]], change: Callable[[], None],
    teach: Teach | None = None, **more: Any,
) -> tuple[int, Effect | None]:  # fmt: skip
    """Change the graph, save it, and write down what was before and after.

    Args:
        store: open for writing.
        run: of the graph.
        verb: that does it.
        about: kind -> what is touched, as `read_facts` takes it.
        change: does it.
        teach: how labels spread; with it the effect on the items' classes is worked out.
        more: `file` and `undoes` of the line.

    Returns:
        The number of the edit, and its effect.
    """
    before = read_facts(store, run.graph, about)
    seen = look(store, run, teach) if teach is not None else None
    change()
    after = read_facts(store, run.graph, about)
    store.save()
    line = {"at": now(), "by": who(), "verb": verb, "before": before, "after": after, "lineage": lineage(run), **more}
    number = _append(run, json.dumps(line, ensure_ascii=False))
    concepts = any(kind in about for kind in OF_CONCEPTS)
    return number, None if seen is None else effect_since(seen, store, run, concepts)


def _append(run: RunDir, line: str) -> int:
    """One more line; returns its number. What a killed process left half written stays a line of its own."""
    path = run.path(FILE)
    there = path.read_bytes() if path.exists() else b""
    cut = b"\n" if there and not there.endswith(b"\n") else b""
    with path.open("ab") as file:
        file.write(cut + line.encode("utf-8", "surrogatepass") + b"\n")
    return (there + cut).count(b"\n") + 1


def read_log(run: RunDir) -> list[Edit]:
    """Every edit that was written down, the oldest first; a line that is damaged is one that cannot be undone."""
    path = run.path(FILE)
    if not path.exists():
        return []
    lines = path.read_bytes().decode("utf-8", "surrogatepass").split("\n")
    return [_read(number, line) for number, line in enumerate(lines, 1) if line.strip()]


def _read(number: int, text: str) -> Edit:
    try:
        line = json.loads(text)
        at, by, verb = (str(line[name]) for name in ("at", "by", "verb"))
    except (ValueError, TypeError, KeyError):
        return Edit(number, "", "", "damaged", {}, {}, {}, whole=False)
    if "lineage" not in line:
        return Edit(number, at, by, verb, {}, {}, {}, whole=False)
    return Edit(number, at, by, verb, line["before"], line["after"], line["lineage"], line.get("file"),
                line.get("undoes"))  # fmt: skip


def undone_by(edits: Sequence[Edit]) -> dict[int, int]:
    """Number of each edit that is undone -> number of the edit that undid it; an undo can itself be undone."""
    found: dict[int, int] = {}
    for edit in reversed(edits):
        if edit.undoes is not None and edit.number not in found:
            found.setdefault(edit.undoes, edit.number)
    return found


def root_of(edit: Edit, edits: Sequence[Edit]) -> tuple[Edit, bool]:
    """The edit that an undo is about in the end, and whether that holds after it: an undo of an undo makes it again."""
    known = {e.number: e for e in edits}
    holds = True
    while edit.undoes in known:
        edit, holds = known[edit.undoes], not holds
    return edit, holds
