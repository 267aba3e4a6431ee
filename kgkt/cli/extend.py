"""The verb that gives a trained B more words."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kgkt.cli.app import app
from kgkt.cli.options import (
    Force,
    FromLogits,
    Output,
    graph_of,
    opening,
    plain,
    table_columns,
    takes,
)
from kgkt.cli.output import number, print_json
from kgkt.cli.rows import words_of_b
from kgkt.errors import count

if TYPE_CHECKING:
    from kgkt.api import Run
    from kgkt.transfer.words.extended import Extended

SHOWN = 8  # new words that are named


@app.command("extend-vocabulary", rich_help_panel="Transfer")
@takes(run=graph_of, opening=opening, columns=table_columns, words_of=words_of_b, form=plain)
def extend_vocabulary(
    *,
    target: Annotated[
        str | None, typer.Argument(metavar="B", help="Model B, a .keras file; it is never changed.")
    ] = None,
    out: Annotated[str | None, typer.Option("--out", help="Where the B that knows more goes, a .keras file.")] = None,
    words: Annotated[
        str | None, typer.Option("--words", help="File of words that B may get, one a line; else the graph's.")
    ] = None,
    most_frequent: Annotated[
        int | None, typer.Option("--most-frequent", help="Of the graph's words the first so many.")
    ] = None,
    words_of: dict[str, Any],
    confidence: Annotated[
        float | None,
        typer.Option("--confidence", help="Least cosine of a new word to one that B knows, -1 to 1; else as --test "
                     "chooses, or a cautious one."),
    ] = None,
    test: Annotated[
        str | None,
        typer.Option("--test", help="Texts with classes, or arrays x and y, that B was not trained on: they choose the "
                     "confidence."),
    ] = None,
    output: Output = None,
    target_classes: Annotated[
        str | None,
        typer.Option("--target-classes", help="Classes of B's outputs, in order: a,b,c; else as fuse wrote beside B, "
                     "else those of --test, sorted."),
    ] = None,
    from_logits: FromLogits = False,
    columns: dict[str, str | None],
    seed: Annotated[int | None, typer.Option("--seed", help="Of what is held out, and of the network.")] = None,
    force: Force = False,
    opening: dict[str, Any],
    run: Run,
    form: str,
) -> None:  # fmt: skip
    """Write a B that knows more words, their rows foretold from what A knows; known texts are read as before."""
    from kgkt.errors import UsageError

    if not (out or run.recipe.target.out):
        raise UsageError("where to? --out b2.keras")
    done = run.extend_vocabulary(
        target, out, words=Path(words) if words else None, most_frequent=most_frequent, confidence=confidence,
        test=test, output=output, classes=target_classes, from_logits=from_logits or None, seed=seed, force=force,
        **words_of, **columns, **opening,
    )  # fmt: skip
    show_extended(done, form)


def show_extended(done: Extended, form: str) -> None:
    """Print what B got, how its rows were foretold, and what that was worth."""
    if form == "json":
        print_json(done.to_json())
        return
    from kgkt.transfer.words.extended import in_words

    print(f"learned    {done.layer}, from {count(done.pairs, 'word')} that A and B know; on {done.held_out:,} held out")
    for way, one in done.tried.items():
        mark = "   taken" if way == done.way else ""
        print(f"           {way:14} cosine {one.cosine:6.3f} ±{one.error:.3f}   R² {one.r2 + 0.0:6.3f}{mark}")
    _print_confidence(done)
    if done.left:
        print(f"left out   {in_words(done.left, done.named)}")
    if done.out is None:
        return
    named = ", ".join(done.words[:SHOWN]) + (", …" if len(done.words) > SHOWN else "")
    print(f"new        {count(len(done.words), 'word')}: {named}")
    if done.edited:
        print(f"edited     {count(done.edited, 'strength')} that you set")
    if done.difference is not None:
        print("           texts of words that B knew are answered as before: largest difference "
              f"{number(done.difference)}")  # fmt: skip
    beside = f" and {done.vocabulary}" if done.vocabulary else ""
    print(f"{done.out}, with {done.out.with_suffix('.run.json')}{beside}")


def _print_confidence(done: Extended) -> None:
    """From which confidence on words are served, and why."""
    if done.stretch != 1:
        print(f"rows       {done.stretch:.2f} times as far from B's mean row as foretold: as B's own are")
    if done.rule == "told":
        print(f"served     from a confidence of {done.confidence:.3f} on, as you said")
        return
    if done.tuned is None:
        print(f"served     from a confidence of {done.confidence:.3f} on: as near to a word of B as nine in ten of B's "
              "own words are to their nearest other")  # fmt: skip
        print("           not tuned: --test FILE, texts with classes that B was not trained on, chooses it")
        return
    tuned = done.tuned
    print(f"held out   {count(tuned.texts, 'text')} with masked words of B's own ({tuned.words:,}, a fifth at a time)")
    for one in tuned.tried:
        which = "none served" if one.quantile is None else f"x{one.stretch:.2f} from {one.confidence:.3f}"
        gain = "" if one.quantile is None else f"   loss less by {one.gain:+.4f} ±{one.error:.4f}"
        print(f"           {which:16} {100 * one.share:5.1f} % served   loss {one.loss:.4f}   "
              f"{100 * one.accuracy:.1f} % right{gain}")  # fmt: skip
    loss, right = tuned.known
    print(f"           B's own rows                      loss {loss:.4f}   {100 * right:.1f} % right")
    if tuned.confidence == float("inf"):
        print("served     none: no confidence was better than leaving the words unknown by more than a standard error")
    else:
        print(f"served     from a confidence of {tuned.confidence:.3f} on, the least loss")
