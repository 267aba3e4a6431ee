"""suspects: the labels that the graph doubts, most doubtful first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kgkt.errors import InputError, UsageError, count, shorten
from kgkt.files import check_place, load_arrays, write_csv
from kgkt.recipe import Recipe
from kgkt.rundir.current import CurrentGraph, open_graph_store, read_current
from kgkt.rundir.folder import RunDir
from kgkt.rundir.looks import Looks, read_looks
from kgkt.rundir.state import Say, made_by, open_run, why_stale
from kgkt.share.todo import TEXT
from kgkt.transfer.suspects import FEWEST, ISSUE, Judged, Suspect
from kgkt.verbs.propagate import as_last_taught, neighbours_of, propagate_inputs, teach_settings

if TYPE_CHECKING:
    import numpy as np

    from kgkt.concepts.propagate import Spreader

COLUMNS = ("item_id", "given_label", "predicted_label", "label_score", "is_label_issue", "says_so", "uri", "text")
MANY = 20  # suspects that are told of, unless more are asked for
SPEAKERS = 3  # labels that are named for each


@dataclass(frozen=True, slots=True)
class Suspects:
    """The labels that were asked for, the most doubtful first.

    Args:
        labels: that are told of.
        issues: how many suspects there are in all.
        judged: how many labels could be judged; `given`, how many there are.
        few: class -> its labels, for classes with too few: none of theirs is judged.
        off: labels that are not judged because all concepts of their items are off.
        unheard: labels that are not judged because no other label reaches them.
        columns: names of the item and of the class in a label file.
    """

    labels: tuple[Suspect, ...]
    issues: int
    judged: int
    given: int
    few: Mapping[str, int]
    off: int
    unheard: int
    columns: tuple[str, str] = ("item_id", "class")

    def __iter__(self) -> Iterator[Suspect]:
        return iter(self.labels)

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def passed_over(self) -> tuple[str, ...]:
        """Which labels were not judged, and why, in words."""
        said = []
        if self.few:
            some = ", ".join(f"{name} ({many})" for name, many in list(self.few.items())[:5])
            more = f" and {count(len(self.few) - 5, 'class')} more" if len(self.few) > 5 else ""
            said.append(f"labels of {some}{more}: a class needs {FEWEST}, as one is judged by the others of its class")
        if self.off:
            said.append(f"{count(self.off, 'label')}: all concepts of the item are switched off")
        if self.unheard:
            said.append(f"{count(self.unheard, 'label')}: no other label reaches the item")
        return tuple(said)

    def rows(self) -> list[tuple[Any, ...]]:
        """COLUMNS of each; `says_so` lists {item, class, share}."""
        return [
            (s.item, s.given, s.expected, s.score, s.is_issue,
             [{"item": h.item, "class": h.says, "share": h.share} for h in s.because], s.uri, s.text)
            for s in self.labels
        ]  # fmt: skip

    def to_json(self) -> dict[str, Any]:
        """All of it as JSON holds it."""
        return {
            "columns": COLUMNS, "rows": self.rows(), "suspects": self.issues, "judged": self.judged,
            "labels": self.given, "too_few": self.few, "switched_off": self.off, "unheard": self.unheard,
            "not_judged": self.passed_over,
        }  # fmt: skip

    def file_rows(self) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
        """Columns and rows of a file that `label` takes back: its column of the class is empty, to be filled in."""
        item, name = self.columns
        rows = [
            (s.item, None, s.given, s.expected, round(s.score, 6), str(s.is_issue).lower(), in_words(s), s.uri,
             s.text and shorten(s.text, TEXT))
            for s in self.labels
        ]
        return (item, name, *COLUMNS[1:]), rows

    def to_pandas(self) -> Any:
        """The labels as a pandas DataFrame, with cleanlab's columns."""
        from kgkt.tables import data_frame

        return data_frame(COLUMNS, self.rows())

    def _repr_html_(self) -> str:
        from kgkt.tables import html_table

        rows = [(*row[:5], in_words(label), *row[6:]) for row, label in zip(self.rows(), self.labels, strict=True)]
        return html_table(COLUMNS, rows, "; ".join(self.passed_over))


def in_words(label: Suspect) -> str:
    """`i0001 4.1 %, i0007 3.9 %`: the labels of the expected class that it hears most, with their shares."""
    return ", ".join(f"{h.item} {100 * h.share:.1f} %" for h in label.because)


def suspects(
    recipe: Recipe, say: Say, how_many: int | None = None, every: bool = False, out: str | None = None,
    force: bool = False,
) -> Suspects:  # fmt: skip
    """Hold every label against what all others say; nothing is changed, a person decides.

    Args:
        recipe: of the graph; how labels spread is what the last `propagate` was told, unless it says otherwise.
        say: takes notices.
        how_many: suspects at most; None: 20.
        every: every label that can be judged, in no doubt or not.
        out: a CSV to write, whose empty column `class` is for `label`.
        force: replace `out` where it exists.

    Raises:
        UsageError: fewer than one asked for, or a number and every one.
        InputError: `out` exists, or no label can be judged.
    """
    if how_many is not None and every:
        raise UsageError("say how many (-n), or --all for every label that can be judged")
    if how_many is not None and how_many < 1:
        raise UsageError(f"-n must be at least 1, received {how_many}")
    run = open_run(recipe)
    if out is not None and Path(out).exists() and not force:
        raise InputError(f"{out} exists: --force replaces it")
    if out is not None:
        check_place(Path(out))
    with open_graph_store(recipe, run) as store:
        current = read_current(store, run, say, recipe.target.classes)
    judged, spreader = _judge(as_last_taught(recipe, run), run, current)
    order = judged.scores.argsort(kind="stable")
    issues = int((judged.scores < ISSUE).sum())
    shown = order if every else order[: min(issues, how_many or MANY)]
    looks = read_looks(recipe, run)
    names, labels = current.labels.names, current.labels
    done = Suspects(
        tuple(_suspect(current, judged, spreader, place, looks) for place in shown.tolist()), issues,
        len(judged.places), len(labels), {names[number]: many for number, many in judged.few.items()}, judged.off,
        judged.unheard, (recipe.teach.id_column, recipe.teach.class_column),
    )  # fmt: skip
    if out is not None:
        write_csv(Path(out), *done.file_rows())
    return done


def _judge(recipe: Recipe, run: RunDir, current: CurrentGraph) -> tuple[Judged, Spreader]:
    from kgkt.concepts.propagate import make_spreader
    from kgkt.transfer.suspects import judge

    how, _ = teach_settings(run, recipe)
    arrays, _ = load_arrays(made_by(run, "populate", "embedding.safetensors"))
    spreader = make_spreader(current.graph, _alpha(recipe, run, current))
    judged = judge(
        spreader, current.Z, current.labels, arrays["head"], both=how == "both",
        neighbours=neighbours_of(run, arrays["vectors"], how, current.ids),
        with_head=recipe.teach.expert in ("auto", "head"),
    )  # fmt: skip
    return judged, spreader


def _alpha(recipe: Recipe, run: RunDir, current: CurrentGraph) -> float:
    """How far knowledge travels: as the recipe says, else as labels choose, or chose for a `propagate` still fresh."""
    from kgkt.concepts.propagate import choose_alpha

    if recipe.teach.alpha is not None:
        return recipe.teach.alpha
    if not why_stale(run, "propagate", propagate_inputs(run, recipe, current)):
        return float(run.state()["stages"]["propagate"]["figures"]["alpha"])
    return choose_alpha(current.graph, current.Z, current.labels)


def _suspect(current: CurrentGraph, judged: Judged, spreader: Spreader, number: int, looks: Looks) -> Suspect:
    """One label with the names of all that it is about."""
    from kgkt.transfer.explanation import Heard
    from kgkt.transfer.suspects import speak_for

    labels, place, expected = current.labels, int(judged.places[number]), int(judged.expected[number])
    given, item, score = int(labels.classes[place]), _id(current.ids, labels.items[place]), float(judged.scores[number])
    against = speak_for(spreader, current.Z, labels, place, expected, SPEAKERS) if expected != given else []
    because = tuple(Heard(_id(current.ids, labels.items[p]), labels.names[expected], share) for p, share in against)
    return Suspect(
        item, labels.names[given], labels.names[expected], score, score < ISSUE, because, looks.path(item),
        looks.text(item),
    )  # fmt: skip


def _id(ids: np.ndarray, row: int) -> str:
    return str(ids[row])
