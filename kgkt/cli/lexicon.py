"""The verb lexicon."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from kgkt.cli.app import app
from kgkt.cli.options import Force, directory, listed, rows, takes
from kgkt.cli.output import OUT, print_json, print_rows
from kgkt.cli.transfer import TRANSFER
from kgkt.errors import count

if TYPE_CHECKING:
    from kgkt.api import Run
    from kgkt.transfer.words.dictionary import Lexicon

SHOWN = 10  # words


@app.command(rich_help_panel=TRANSFER)
@takes(run=directory, form=rows)
def lexicon(
    *,
    source: Annotated[
        str | None, typer.Option("--source", help="Word vectors of one language, the most frequent words first.")
    ] = None,
    target: Annotated[str | None, typer.Option("--target", help="Word vectors of the other language.")] = None,
    graphs: Annotated[
        str | None,
        typer.Option("--graphs", help="In place of the two: two graphs of words, en,fr; which of their concepts "
                     "translate is written into the database."),
    ] = None,
    seeds: Annotated[
        str, typer.Option("--seeds", help="Pairs that are known: a word, a tab, its translation on each line.")
    ],
    test: Annotated[
        str | None, typer.Option("--test", help="Pairs to measure by; else words of the seeds are held out in turn.")
    ] = None,
    out: Annotated[
        str | None, typer.Option("--out", help="TSV to write: source, target, confidence, rank.")
    ] = None,
    rounds: Annotated[
        int, typer.Option("--rounds", help="How often words choose each other, and so become pairs too.")
    ] = 5,
    most_frequent: Annotated[
        int, typer.Option("--most-frequent", help="How many of the most frequent words of either language may.")
    ] = 8000,
    words: Annotated[
        int, typer.Option("--words", help="How many of the most frequent words of each file are read.")
    ] = 50_000,
    best: Annotated[int, typer.Option("--best", help="Translations of each word.")] = 5,
    lower: Annotated[bool, typer.Option("--lower", help="Take the pairs in lower case.")] = False,
    encoding: Annotated[str, typer.Option("--encoding", help="Of the files of vectors.")] = "utf-8",
    force: Force = False,
    run: Run,
    form: str,
) -> None:
    """Which words of two languages translate each other, from their vectors and a few known pairs."""
    from kgkt.transfer.words.dictionary import COLUMNS

    settings = {"test": test, "out": out, "rounds": rounds, "most_frequent": most_frequent, "best": best,
                "lower": lower, "force": force}  # fmt: skip
    done = _made(run, source, target, listed(graphs), seeds, {"words": words, "encoding": encoding}, settings)
    if form == "csv":
        print_rows(COLUMNS, list(done), "csv")
    elif form == "json":
        print_json(_told(done))
    else:
        _show(done)


def _made(
    run: Run, source: str | None, target: str | None, graphs: list[str] | None, seeds: str, reading: dict[str, Any],
    settings: dict[str, Any],
) -> Lexicon:  # fmt: skip
    """The lexicon of what is named: two files, or two graphs."""
    from kgkt.api import lexicon as of_files
    from kgkt.errors import UsageError

    if graphs is not None:
        if source or target:
            raise UsageError("--graphs stands in place of --source and --target: the graphs hold their vectors")
        if len(graphs) != 2:
            raise UsageError(f"--graphs takes two names, en,fr; received {', '.join(graphs) or 'none'}")
        run = type(run)(run.recipe.override(graph=graphs[0]), run.say, run.progress)
        OUT.run, OUT.one = run, False
        return run.lexicon(graphs[1], seeds, **settings)
    if source is None or target is None:
        raise UsageError("name the vectors of both languages, --source en.vec --target fr.vec, or two graphs, --graphs "
                         "en,fr")
    return of_files(source, target, seeds, say=OUT.say, **reading, **settings)


def _told(done: Lexicon) -> dict[str, Any]:
    """What JSON tells: figures; the translations themselves are in the file, or in CSV."""
    held = done.held_out
    low, high = held.interval()
    return {
        "source": done.names[0], "target": done.names[1], "words": [len(done.source), len(done.target)],
        "widths": list(done.widths),
        "seeds": {"pairs": done.seeds[0], "words": done.seeds[1]}, "grown": list(done.grown),
        "held_out": {"words": held.words, "test": held.test, "p_at_1": held.at_1, "low": low, "high": high,
                     "p_at_5": held.at_5},
        "bands": [{"from": band.low, "to": band.high, "translations": band.n, "expected": band.expected,
                   "right": band.right} for band in done.bands],
        "sure": done.sure(), "concepts": done.concepts, "untranslated": done.untranslated, "out": done.out,
        "seconds": done.seconds,
    }  # fmt: skip


def _show(done: Lexicon) -> None:
    """What was made, in a few lines."""
    held, (low, high) = done.held_out, done.held_out.interval()
    of_5 = held.interval(held.among)
    sizes = [f"{name} {len(words):,} x {width}" for name, words, width in zip(
        done.names, (done.source, done.target), done.widths, strict=True)]  # fmt: skip
    print(f"words      {', '.join(sizes)}")
    print(f"seeds      {count(done.seeds[0], 'pair')} of {count(done.seeds[1], 'word')}")
    if done.grown:
        print(f"rounds     found {', '.join(f'{n:,}' for n in done.grown)} more pairs")
    of = "of the test" if held.test else "of the seeds, a fifth of them held out at a time"
    print(f"right      {100 * held.at_1:.1f} % at once ({100 * low:.0f} to {100 * high:.0f}), {100 * held.at_5:.1f} % "
          f"among the first five ({100 * of_5[0]:.0f} to {100 * of_5[1]:.0f}): {count(held.words, 'word')} {of}")
    for band in done.bands:
        print(f"           of {band.n:,} translations with a confidence of {band.low:.1f} to {band.high:.1f}, "
              f"{band.expected:.2f} in the mean, {100 * band.right:.1f} % are right")
    if done.concepts == 0:
        print("concepts   none has a counterpart: too few translations are likely to be right; give more seeds, or "
              "more words")
    elif done.concepts is not None and done.untranslated is not None:
        lacking = [f"{n:,} of {name}" for n, name in zip(done.untranslated, done.names, strict=True)]
        print(f"concepts   {done.concepts:,} relations; without a counterpart {', '.join(lacking)}"
              + OUT.next("kgkt query untranslated"))
    print(f"sure       {done.sure():,} of {count(len(done), 'word')} have a translation of a confidence of 0.5 or more")
    if done.out is not None:
        print(done.out)
    else:
        print(f"the surest {SHOWN}, of words of three letters or more; --out lexicon.tsv writes all:")
        print_rows(("source", "target", "confidence"), done.surest(SHOWN), "table")
