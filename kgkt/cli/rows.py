"""fuse --method rows: its options, and what it prints."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from kgkt.cli.output import OUT, print_json, printable
from kgkt.errors import count


def words_of_b(
    layer: Annotated[
        str | None, typer.Option("--layer", help="Rows: which Embedding, where B has several.")
    ] = None,
    vocabulary: Annotated[
        str | None,
        typer.Option("--vocabulary", help="Rows: the words, one a line, or .json; else of B's "
                     "TextVectorization or StringLookup."),
    ] = None,
    special: Annotated[
        list[str] | None,
        typer.Option("--special", help="Rows: a word whose row is no word's, beside [UNK], <s> and "
                     "their like. May be repeated."),
    ] = None,
    lower: Annotated[
        bool, typer.Option("--lower", help="Rows: capitals do not count where a word is looked up.")
    ] = False,
    strip_accents: Annotated[
        bool, typer.Option("--strip-accents", help="Rows: accents do not count there.")
    ] = False,
) -> dict[str, Any]:
    """Which words the rows of B's Embedding are of, for every verb that looks them up."""
    return {"layer": layer, "vocabulary": vocabulary, "special": special, "lower": lower or None,
            "strip_accents": strip_accents or None}  # fmt: skip


def row_settings(
    rank: Annotated[
        str | None,
        typer.Option("--rank", help="Rows: of what a row has beside its concept's centroid: 0 to the "
                     "width, or full (32)."),
    ] = None,
    row_norm: Annotated[
        str | None,
        typer.Option("--row-norm", help="Rows: mean length, a number, keep (B's own), or tuned by --test: "
                     "texts with classes, for a classifier that was never trained."),
    ] = None,
    projection: Annotated[
        str | None,
        typer.Option("--projection", help="Rows: pca, whitened (for a translator), learned (from rows "
                     "that B trained), or auto."),
    ] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Rows: write also those that B trained.")
    ] = False,
) -> dict[str, Any]:  # fmt: skip
    """How the rows of B's Embedding are written."""
    return {"rank": rank, "row_norm": row_norm, "projection": projection, "replace": replace or None}


def show_lengths(tried: list[dict[str, Any]], chosen: float) -> None:
    """Print what was learned from rows of each length."""
    print(f"{'tuned':<11}{'mean length':<15}{'loss':>6}{'right':>10}   on texts held out")
    for one in tried:
        name = "B's own rows" if one["norm"] is None else f"{one['norm']:.3g}"
        print(f"{'':<11}{name:<15}{one['loss']:>6.3f}{100 * one['accuracy']:>8.1f} %"
              + ("   taken" if one["norm"] == chosen else ""))  # fmt: skip


def show_rows(done: Any, form: str) -> None:
    """Print which rows were written, from what, and which were left alone."""
    from kgkt.transfer.words.row_card import in_space, length_in_words, row_counts, what_a_row_is
    from kgkt.verbs.row_notices import few_found, shown_words

    figures, options = done.figures, done.options
    if form == "json":
        print_json({"out": str(done.out), "figures": figures, "options": options, "notices": done.notices,
                    "seconds": done.seconds})  # fmt: skip
        return
    print(f"rows       {options['layer']}: {figures['rows']:,} of {figures['width']} numbers, words from "
          f"{options['words']}")
    for words, number in row_counts(figures):
        print(f"           {number:>9} {words}")
    if figures["not_found"] and not few_found(figures):  # else a notice names them
        print(f"           not in this graph, in B's order: {printable(shown_words(figures['not_found']))}")
    print(f"a row      {what_a_row_is(options)}, of {count(figures['concepts'], 'concept')}")
    print(f"           {in_space(options, figures)}")
    if figures["length"] is not None:
        print(f"           mean length {length_in_words(options, figures)}")
    if figures["tried"]:
        show_lengths(figures["tried"], figures["length_chosen"])
    if figures["edited"]:
        print(f"edited     {count(figures['edited'], 'strength')} that you set")
    if figures["blocks"] is not None:
        print(f"graph      {count(figures['blocks'], 'row')} as blocks".ljust(48) + f"{done.seconds['graph']:6.1f} s"
              + OUT.next("kgkt query concept_of_row --param word=WORD"))
    beside = f"{done.out.with_suffix('.run.json')} and {done.out.with_suffix('.card.md')}"
    print(f"{done.out}, with {beside}: nothing was trained")
