"""evaluate: the user's own A, data and B as a task, run beside every control and rival."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kgkt.errors import BelowBarError, UsageError, count
from kgkt.files import need_parent, read_json, write_text
from kgkt.recipe import Recipe
from kgkt.rundir.folder import RunDir
from kgkt.rundir.state import Say, open_run
from kgkt.rundir.task import make_task
from kgkt.verbs.fuse import carry_weight
from kgkt.verbs.propagate import as_last_taught, teach_settings

if TYPE_CHECKING:
    from kgkt.proof.task import Options, Task, TrainB

SECONDS = 5.0  # a B that trains longer teaches few rows, unless all are asked for
RECOMMENDED = ("nearest mean", "head", "head+rounds", "label spreading+rounds", "PT-MAP", "Poisson+rounds", "kgkt")
SURE = 1.96  # standard errors: 95 %
SHORT = 5  # draws of a recommendation


@dataclass(frozen=True, slots=True)
class Asked:
    """What the user asked of `evaluate`.

    Args:
        labels: labels a class.
        seeds: draws; None for 20, or 5 of a recommendation.
        second: items with the classes of another task, which is read from B's last hidden layer; or None.
        truth: CSV with item_id and class of every item of the pool; None reads y of the pool's file.
        train_b: "all", "few", "none" or ROWS@COUNTS@SEEDS; None chooses by how long B trains.
        jobs: processes.
        recommend: only the rows that decide which route to take, on the pool.
        require_gain: share by which kgkt must beat scratch in B, or None.
        out: folder of the report; None: in the run directory.
        allow_overlap: go on with a test set that holds items of the pool.
    """

    labels: tuple[int, ...] = (1, 2, 5, 10)
    seeds: int | None = None
    truth: str | None = None
    second: str | None = None
    train_b: str | None = None
    jobs: int = 1
    recommend: bool = False
    require_gain: float | None = None
    out: str | None = None
    allow_overlap: bool = False


@dataclass(frozen=True, slots=True)
class Evaluated:
    """What `evaluate` found: report.json as a value, and its folder."""

    report: dict[str, Any]
    out: Path

    def to_pandas(self) -> Any:
        """The rows of the report (task, method, labels_per_class, seed, metric, value, seconds) as a DataFrame."""
        from kgkt.tables import data_frame
        from kgkt.values import REPORT_COLUMNS

        return data_frame(REPORT_COLUMNS, [[row[name] for name in REPORT_COLUMNS] for row in self.report["rows"]])

    def _repr_html_(self) -> str:
        from kgkt.proof.report import METRICS
        from kgkt.proof.verdicts import methods, narrow_table
        from kgkt.tables import html_table

        rows = self.report["rows"]
        parts = [html_table(*narrow_table(rows, metric), note=title) for metric, title in METRICS.items()
                 if methods(rows, metric)]  # fmt: skip
        return "".join(parts) + html_table(("what the figures say",), [[text] for text in self.report["sentences"]])


def evaluate_run(recipe: Recipe, asked: Asked, say: Say, progress: Any = None) -> Evaluated:
    """Compare kgkt with every control and rival on the recipe's A, pool and B.

    Args:
        recipe: of a populated graph; names A, the pool, B and its test set as far as they are known.
        asked: what to run.
        say: takes notices.
        progress: called with (what, done, total).

    Raises:
        InputError: the pool's true classes are not known, the test set overlaps the pool or lacks a class.
        BelowBarError: the gain lies below what was asked, or a training diverged.
    """
    from threadpoolctl import threadpool_limits

    from kgkt.proof.evaluate import evaluate
    from kgkt.transfer.carry import last_hidden

    carry_weight(recipe)
    run = open_run(recipe)
    if asked.out:
        need_parent(Path(asked.out))
    recipe = as_last_taught(recipe, run)
    out = Path(asked.out) if asked.out else run.path("recommend" if asked.recommend else "evaluate")
    with threadpool_limits(1):  # views come out the same to the last bit, and kept cells are known again
        task = make_task(
            recipe, run, out, say, truth=asked.truth, allow_overlap=asked.allow_overlap,
            with_b=not asked.recommend and asked.train_b != "none", with_untrained=not asked.recommend,
            second=asked.second,
        )  # fmt: skip
    options = make_options(recipe, run, asked, task, say)
    if options.seeds == 1:
        say("one seed: there is no interval, and no figure can be told from chance")
    if options.carry_weight is not None and task.b is not None:
        last_hidden(task.b())  # refuses a B that cannot carry, before any work
    evaluate(task, options, out, progress)
    report = read_json(out / "report.json")
    for row, why in report["skipped"].items():
        say(f"row {row} is left out: {why}")
    if words := at_chance(report):
        say(words)
    write_card_section(recipe, report, out)
    check_gain(report, asked.require_gain, out)
    return Evaluated(report, out)


def make_options(recipe: Recipe, run: RunDir, asked: Asked, task: Task, say: Say) -> Options:
    """How much to run."""
    from kgkt.proof.rows import CARRIED
    from kgkt.proof.task import Options

    spread, _ = teach_settings(run, recipe)
    target = recipe.target
    seeds = (SHORT if asked.recommend else 20) if asked.seeds is None else asked.seeds
    options = Options(
        labels=asked.labels, seeds=seeds, jobs=asked.jobs, spread=spread, expert=recipe.teach.expert,
        alpha=recipe.teach.alpha, steps=target.steps, batch=target.batch, learning_rate=target.learning_rate,
        from_logits=target.from_logits, methods=RECOMMENDED if asked.recommend else None,
    )  # fmt: skip
    if task.b is None:
        return replace(options, train_b="none")
    weight, train_b = carry_weight(recipe), trained_rows(asked.train_b, task, options, say)
    if weight is not None and isinstance(train_b, tuple):
        train_b = (tuple(dict.fromkeys((*train_b[0], "kgkt", CARRIED))), *train_b[1:])
    return replace(options, train_b=train_b, carry_weight=None if train_b == "none" else weight)


def trained_rows(text: str | None, task: Task, options: Options, say: Say) -> TrainB | Any:
    """Which rows teach a B: as the user says, else all where a B trains in seconds.

    Raises:
        UsageError: not all, few, none or ROWS@COUNTS@SEEDS.
    """
    from kgkt.proof.task import DEAR

    if text in ("all", "none"):
        return text
    if text == "few":
        return DEAR
    if text is not None:
        try:
            rows, counts, seeds = text.split("@")
            return tuple(row.strip() for row in rows.split(",")), tuple(int(c) for c in counts.split(",")), int(seeds)
        except ValueError as error:
            raise UsageError(f"--train-b {text!r}: say all, few, none, or e.g. 'scratch,kgkt@2,10@5'") from error
    seconds = training_seconds(task, options)
    if seconds <= SECONDS:
        return "all"
    say(f"a B takes {seconds:.0f} s to train: only some rows teach one (--train-b all for every row)")
    return DEAR


def training_seconds(task: Task, options: Options) -> float:
    """How long one B trains, from 10 steps."""
    import time

    import numpy as np

    from kgkt.transfer.trainer import Trainer

    assert task.b is not None
    trainer = Trainer(task.b(), batch=options.batch, learning_rate=options.learning_rate,
                      from_logits=options.from_logits)
    P = np.full((len(task.pool_y), len(task.names)), 1 / len(task.names), np.float32)
    trainer.train(task.pool_x, P, np.ones(len(P)), 2, 0)  # compiles
    start = time.perf_counter()
    trainer.train(task.pool_x, P, np.ones(len(P)), 10, 0)
    return (time.perf_counter() - start) * options.steps / 10


def at_chance(report: dict[str, Any]) -> str:
    """What to say of a B that learned nothing of the test set, at the largest number of labels; "" of another."""
    from kgkt.proof.grid import TEST
    from kgkt.proof.verdicts import counts, mean_of

    about, rows = report["about"], report["rows"]
    asked, n = counts(rows, TEST), about["test_items"]
    found = mean_of(rows, "kgkt", TEST, asked[-1:]) if asked and n else None
    chance = 1 / len(about["classes"])
    if found is None or found.mean > chance + SURE * (chance * (1 - chance) / n) ** 0.5:
        return ""
    return (f"B taught by kgkt is at chance level ({100 * chance:.1f} %) at {count(asked[-1], 'label')} a class: it "
            "learned nothing of this test set. Are the range of its inputs and the order of its classes those of B?")


def check_gain(report: dict[str, Any], asked: float | None, out: Path) -> None:
    """Compare kgkt's gain over scratch in B, averaged over label counts, with what was asked.

    Raises:
        BelowBarError: it is lower, or was not measured.
    """
    from kgkt.proof.grid import TEST
    from kgkt.proof.verdicts import difference

    if asked is None:
        return
    gain = difference(report["rows"], "kgkt", "scratch", TEST)
    if gain is None or gain.difference.mean < asked:
        had = "not measured (give --target and --test)" if gain is None else f"{100 * gain.difference.mean:.1f} points"
        raise BelowBarError(f"gain over scratch {had}, asked for at least {100 * asked:.1f}; the report is in {out}")


def write_card_section(recipe: Recipe, report: dict[str, Any], out: Path) -> None:
    """The section of B's model card: in `out`, and in the card of the fused B where there is one."""
    from kgkt.proof.report import CARD_HEAD, card_section

    section = card_section(report)
    write_text(out / "card.md", section)
    card = Path(recipe.target.out).with_suffix(".card.md") if recipe.target.out else None
    if card is None or not card.exists():
        return
    before, _, after = card.read_text(encoding="utf-8").partition(CARD_HEAD)
    rest = after.partition("\n## ")[2]
    write_text(card, before.rstrip() + "\n\n" + section + (f"\n## {rest}" if rest else ""))
