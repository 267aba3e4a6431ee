"""Saving a B whose rows were written: the model, what made it as JSON, and a model card that people read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from kgkt.errors import count
from kgkt.files import atomic, sha256_file, write_json, write_text
from kgkt.transfer.card import check_output, markdown_cell, markdown_table, versions
from kgkt.transfer.words.row_map import percent

ALONE = {
    "special": "without a word (mask, unknown words, start and end, beyond the vocabulary)",
    "unknown": "of words that this graph does not have", "switched_off": "of concepts that are switched off",
    "trained": "trained by B", "set_to_0": "set to 0 in the graph",
}  # fmt: skip


def write_row_card(
    model: Any, out: Path, original: Path, figures: Mapping[str, Any], options: Mapping[str, Any],
    notices: Sequence[str], facts: Mapping[str, Any], force: bool = False,
) -> None:  # fmt: skip
    """Save B whole or not at all, with its `run.json` and `card.md` beside it.

    Args:
        model: with its new rows.
        out: a `.keras` file.
        original: B's own file.
        figures, options, notices: as in `WroteRows`.
        facts: where the rows come from.
        force: whether existing files may be replaced.
    """
    check_output(out, original, force)
    with atomic(out) as temporary:
        model.save(temporary)
    run = {
        "model": out.name, "sha256": sha256_file(out), "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "target": {"file": original.name, "sha256": sha256_file(original)},
        "network": {"weights": int(model.count_params())}, "facts": dict(facts), "versions": versions(),
        "options": dict(options), "figures": dict(figures), "notices": list(notices),
    }  # fmt: skip
    write_json(out.with_suffix(".run.json"), run)
    write_text(out.with_suffix(".card.md"), card_text(run))


def card_text(run: Mapping[str, Any]) -> str:
    """The model card in Markdown, of what `run.json` holds."""
    facts, figures, options = run["facts"], run["figures"], run["options"]
    source, notices = facts["source"], run["notices"]
    layers = ", ".join(f"{layer} ({width:,} features)" for layer, width in source["layers"].items())
    made = [
        ("model A", f"{source['source']}, layers {layers}"),
        ("graph", f"{facts['graph']}: {count(facts['items'], 'item')}, {count(source['concepts'], 'concept')}"),
        ("concepts switched off", f"{facts['inactive_concepts']:,}"),
        ("words of the rows", f"from {options['words']}"),
        ("what a row is", what_a_row_is(options)),
        ("how it came into B's space", in_space(options, figures)),
    ]
    if figures["length"] is not None:
        made.append(("mean length", length_in_words(options, figures)))
    if figures["tried"]:
        made += [("learned from " + ("B's own rows" if one["norm"] is None else f"rows {one['norm']:.3g} long"),
                  f"loss {one['loss']:.3f}, {percent(one['accuracy'])} % right on texts held out"
                  + (", taken" if one["norm"] == figures["length_chosen"] else "")) for one in figures["tried"]]
    if figures["not_found"]:
        made.append(("not in the graph, B's first ones", ", ".join(figures["not_found"])))
    files = {run["model"]: run["sha256"], f"{run['target']['file']} (B)": run["target"]["sha256"],
             f"{source['source']} (A)": facts["source_sha256"], **facts["digests"]}  # fmt: skip
    packages = ", ".join(f"{name} {version}" for name, version in run["versions"].items())
    parts = [
        f"# {run['model']}",
        f"{run['target']['file']} with rows of {options['layer']} written from what {source['source']} knows of words; "
        f"made with kgkt {run['versions']['kgkt']}, {run['made_at']}; {run['network']['weights']:,} weights. "
        "Nothing was trained. It opens in plain Keras.",
        "## Rows\n\n" + markdown_table((f"{figures['rows']:,} rows", ""), row_counts(figures)),
        "## What they were made from\n\n" + markdown_table(("", ""), made),
        *(["## Notices\n\n" + "\n".join(f"- {markdown_cell(one)}" for one in notices)] if notices else []),
        "## To make it again\n\n" + markdown_table(("file", "sha256"), list(files.items()))
        + f"\n\nSeeds: {options['seed']}; of the concepts {facts['concepts_seed']}. Versions: {packages}.",
    ]
    return "\n\n".join(parts) + "\n"


def row_counts(figures: Mapping[str, Any]) -> list[tuple[str, str]]:
    """How many rows were written from what, and how many were left alone and why."""
    rows = [("written by A's vector of the word and its concept", figures["covered"]),
            ("written by their concept alone", figures["filled"])]  # fmt: skip
    more = {"special": f": {', '.join(figures['special_words'])}" if figures["special_words"] else "",
            "unknown": f"; it was cut by {figures['cut_by']}, a larger one may have them" if figures["cut_by"] else ""}
    rows += [(f"left alone: {words}{more.get(name, '')}", figures[name]) for name, words in ALONE.items()]
    return [(words, f"{number:,}") for words, number in rows if number]


def length_in_words(options: Mapping[str, Any], figures: Mapping[str, Any]) -> str:
    """The mean length of the rows that were written; where it is not the one asked for, what that is the mean of."""
    asked, alone = options["row_norm"], figures["length_alone"]
    other = f"{asked:.3g}" != f"{figures['length']:.3g}"
    whole = f" ({asked:.3g} over all words of B that the graph has, before switches and edits)" if other else ""
    return (f"{figures['length']:.3g}{whole}; before {figures['length_before']:.3g}"
            + ("" if alone is None else f"; of words left alone {alone:.3g}"))  # fmt: skip


def what_a_row_is(options: Mapping[str, Any]) -> str:
    """What a row was made of, in words.

    >>> what_a_row_is({"rank": 16}), what_a_row_is({"rank": 0})
    ("concept's centroid and a residual of rank 16", "concept's centroid alone")
    """
    rank = options["rank"]
    if rank == "full":
        return "A's whole vector"
    return "concept's centroid alone" if rank == 0 else f"concept's centroid and a residual of rank {rank}"


def in_space(options: Mapping[str, Any], figures: Mapping[str, Any]) -> str:
    """How A's vectors came into B's rows, in words."""
    d, width, by = options["from_width"], figures["width"], options["projection"]
    if by == "pca":
        return f"the first {width} of {d} principal components"
    if by == "whitened":
        return f"{d} numbers whitened into {width}"
    if by == "turn":
        return f"{d} numbers turned into {width}"
    return (f"by {by}, learned from {figures['pairs']:,} rows that B trained; of {figures['held_out']:,} held out "
            f"ridge explains {percent(figures['ridge'])} %, a network {percent(figures['network'])} %")  # fmt: skip
